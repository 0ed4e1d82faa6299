//! Why a plan is not begun: something of it has moved since it was made. Nothing is written here.

use std::collections::BTreeMap;

use super::caller::Begun;
use crate::plan::Plan;
use crate::plan::tally::Written;
use crate::store::{self, OUTSIDE, Store, StoreError};

/// Integrations of which what is deployed is read together.
const READ_AT_ONCE: usize = 512;

/// Why a plan was not begun; nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("this plan was applied already, at {at}; make a new one")]
    Applied { at: String },
    #[error("this plan was made against another store; make it anew with this one")]
    OtherStore,
    #[error(
        "this plan was made before there was a store, and something is deployed in this one by now; make it anew"
    )]
    NotEmpty,
    #[error("the plan is stale{}", listed(.0))]
    Stale(Vec<String>),
}

/// One on the same line, several on lines of their own, and of many the first ones and how many more there are.
fn listed(what: &[String]) -> String {
    const SHOWN: usize = 10;
    if let [one] = what {
        return format!(": {one}");
    }
    let shown: Vec<&str> = what.iter().take(SHOWN).map(String::as_str).collect();
    let more = what.len() - shown.len();
    let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
    format!(", in {} places:\n  {}{more}", what.len(), shown.join("\n  "))
}

/// Refuses a plan of which a category has moved, or one that live mode depends on. What this run did itself before it was
/// interrupted is no such move.
pub(super) fn refuse_stale(plan: &Plan, store: &mut dyn Store) -> Result<(), ApplyError> {
    begun(plan, store).map(|_| ())
}

/// What the run of a plan did already; the store is the one that the plan was made for, and nothing else of it has moved.
///
/// # Errors
/// When something has moved, or the store cannot be read.
pub fn begun(plan: &Plan, store: &mut dyn Store) -> Result<Begun, ApplyError> {
    // A plan that knew no store is for one in which nothing is yet.
    if plan.store.is_none() && !has_only(&plan.digest, store)? {
        return Err(ApplyError::NotEmpty);
    }
    let tally = plan.integrations.tally();
    let renamed = match tally.renamed {
        0 => Vec::new(),
        _ => store.renames()?,
    };
    let mut found =
        Found { stale: Vec::new(), begun: Begun { is_pending: plan.is_pending(), ..Begun::default() } };
    for some in tally.written.chunks(READ_AT_ONCE) {
        find_stale(&plan.digest, some, &renamed, store, &mut found)?;
    }
    if !found.stale.is_empty() {
        return Err(ApplyError::Stale(found.stale));
    }
    found.begun.saved.sort();
    Ok(found.begun)
}

/// Whether all that is deployed was saved by this run.
fn has_only(run: &str, store: &mut dyn Store) -> Result<bool, StoreError> {
    let mut names: Vec<String> = Vec::new();
    store.each_heads(None, &mut |name, _| names.push(name.into()))?;
    for names in names.chunks(READ_AT_ONCE) {
        if store.read(Some(names))?.iter().any(|deployed| deployed.run.as_deref() != Some(run)) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What was found of a run.
struct Found {
    stale: Vec<String>,
    begun: Begun,
}

/// Says what of some integrations has moved, and what this run did of them.
fn find_stale(
    run: &str,
    work: &[Written],
    renamed: &[store::Renamed],
    store: &mut dyn Store,
    found: &mut Found,
) -> Result<(), StoreError> {
    let Found { stale, begun } = found;
    let is_own = |of: &Option<String>| of.as_deref() == Some(run);
    let names = work.iter().flat_map(|integration| {
        std::iter::once(&integration.integration).chain(&integration.renamed_from).cloned()
    });
    let names: Vec<String> = names.collect();
    let deployed = store.read(Some(&names))?;
    let current: BTreeMap<(&str, &str), _> = deployed
        .iter()
        .map(|deployed| ((deployed.integration.as_str(), deployed.category.as_str()), deployed))
        .collect();
    // Read once, and only where something is gone.
    let mut gone: Option<Gone> = None;
    for integration in work {
        let id = &integration.integration;
        let is_renamed = renamed.iter().any(|renamed| renamed.to == *id && is_own(&renamed.run));
        let former = integration.renamed_from.as_ref().filter(|_| !is_renamed);
        if let Some(from) = integration.renamed_from.as_ref().filter(|_| is_renamed) {
            begun.renamed.push((from.clone(), id.clone()));
        }
        if former.is_some()
            && let Some(now) = deployed.iter().find(|deployed| deployed.integration == *id)
        {
            stale.push(format!("{id}: {} saved under this id at {}", now.saved_by, now.saved_at));
        }
        let name = former.unwrap_or(id);
        for (category, planned) in &integration.preconditions {
            let now = current.get(&(name.as_str(), category.as_str()));
            let revision = now.map_or(0, |now| now.revision);
            if now.is_some_and(|now| is_own(&now.run)) {
                begun.saved.push((id.as_str().into(), category.clone(), revision));
            } else if revision != *planned {
                let who = match now {
                    Some(now) => format!("{} saved revision {revision} at {}", now.saved_by, now.saved_at),
                    None => {
                        let known = match &gone {
                            Some(known) => known,
                            None => gone.insert(Gone::among(&names, store)?),
                        };
                        known.of(name, category)
                    }
                };
                stale.push(format!("{category} of {id}: {who}"));
            }
        }
    }
    Ok(())
}

/// What is known of what is not deployed any more.
struct Gone {
    renames: Vec<store::Renamed>,
    deleted: Vec<store::Deleted>,
}

impl Gone {
    fn among(names: &[String], store: &mut dyn Store) -> Result<Self, StoreError> {
        Ok(Gone { renames: store.renames()?, deleted: store.deleted(Some(names))? })
    }

    /// What became of a category, in words. One that was renamed is not deployed under its former id either: what came last
    /// tells.
    fn of(&self, integration: &str, category: &str) -> String {
        let renamed = self.renames.iter().rfind(|renamed| renamed.from == integration);
        let is_it = |gone: &&store::Deleted| gone.integration == integration && gone.category == category;
        let deleted = self.deleted.iter().find(is_it);
        match (renamed, deleted) {
            (Some(renamed), deleted) if deleted.is_none_or(|gone| gone.saved_at <= renamed.at) => {
                let store::Renamed { to, by, at, .. } = renamed;
                format!("{by} renamed {integration} to {to} at {at}")
            }
            (_, Some(deleted)) => format!("it was removed {OUTSIDE} at {}", deleted.saved_at),
            (_, None) => "it was removed".to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_last_tells_what_became_of_a_category() {
        let (before, after) = ("2026-11-26T10:00:00Z", "2026-11-26T11:00:00Z");
        let renamed = |at: &str| store::Renamed {
            from: "shop".to_owned(),
            to: "store".to_owned(),
            at: at.to_owned(),
            by: "ann".to_owned(),
            run: None,
        };
        let deleted = |at: &str| store::Deleted {
            integration: "shop".to_owned(),
            category: "invoices".to_owned(),
            revision: 1,
            saved_at: at.to_owned(),
        };
        let told = |renames: Vec<store::Renamed>, deleted: Vec<store::Deleted>| {
            Gone { renames, deleted }.of("shop", "invoices")
        };
        let (to_store, removed) = ("ann renamed shop to store at", format!("it was removed {OUTSIDE} at"));
        assert_eq!(told(vec![], vec![]), "it was removed");
        assert_eq!(told(vec![], vec![deleted(after)]), format!("{removed} {after}"));
        assert_eq!(told(vec![renamed(after)], vec![]), format!("{to_store} {after}"));
        assert_eq!(told(vec![renamed(after)], vec![deleted(before)]), format!("{to_store} {after}"));
        assert_eq!(told(vec![renamed(before)], vec![deleted(after)]), format!("{removed} {after}"));
    }
}
