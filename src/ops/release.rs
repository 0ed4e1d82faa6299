//! `release`: what left the files is acknowledged. What the last apply set of it is forgotten, so that nothing tells of it any more;
//! what is deployed stays as it is, and belongs to nobody's files.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::json;

use super::error::{Error, ErrorKind, Help, Result, require_known};
use super::host::Host;
use super::plan;
use super::project;
use super::request::{Filter, Request};
use super::workspace::Workspace;
use crate::model::{Settings, canonical_json, digest_text};
use crate::plan::Released;
use crate::store::{Ask, Asked, Deployed, Lock, Note, Origin, RELEASE, Save, Saved, Store};

/// How long the locks last: what is done under them takes a moment.
const LOCK_SECONDS: u32 = 60;

/// Forgets what the last apply set of these integrations and no file says any more, with the reason; gives what was released.
///
/// # Errors
/// When nothing of one of them left the files, somebody else has its lock or saves it, or the store cannot be written.
pub fn release(
    workspace: &Workspace,
    request: &Request,
    integrations: &[String],
    reason: &str,
    host: &Host<'_>,
) -> Result<Vec<Released>> {
    let reason = reason.trim();
    if reason.is_empty() {
        return Err(Error::usage("a release needs a reason, which is kept"));
    }
    // What left the files is known by all that they hold.
    let categories = request.filter.categories.clone();
    let all = Request { filter: Filter { categories, ..Filter::default() }, ..request.clone() };
    let opened = project::open(workspace, &all, host)?;
    if opened.has_errors() {
        let why = "the files have errors, so that it is not known what left them; nothing was released";
        return Err(Error::new(ErrorKind::Invalid, why).with(opened.see_findings()));
    }
    let plan = plan::make(&opened, &all, host)?;
    let known: BTreeSet<&str> = plan.releases().iter().map(|release| release.integration).collect();
    for name in integrations {
        if opened.compilation.names.contains(name) && !known.contains(name.as_str()) {
            return Err(Error::usage(format!("nothing of `{name}` left the files")));
        }
        require_known("released integration", name, &known.iter().copied().collect::<Vec<_>>())?;
    }
    let mut former: BTreeMap<String, String> = BTreeMap::new();
    plan.integrations.for_each(&mut |one| {
        former.extend(one.renamed_from.clone().map(|from| (one.integration.clone(), from)));
    });
    let stored = |name: &str| former.get(name).map_or(name, String::as_str).to_owned();
    let wanted: Vec<Released> =
        plan.released.into_iter().filter(|one| integrations.contains(&one.integration)).collect();
    let names: BTreeSet<String> = wanted.iter().map(|one| stored(&one.integration)).collect();
    let (_, address) = opened.store(&all, host)?;
    let mut store = host.make_store(&address)?;
    let (by, at, holder) = ((host.actor)(workspace.root()), host.stamp(), (host.holder)());
    let asks: Vec<Ask<'_>> = names
        .iter()
        .map(|name| Ask {
            integration: name,
            owner: &by,
            holder: &holder,
            reason: "release",
            seconds: LOCK_SECONDS,
            over: None,
        })
        .collect();
    let asked = store.lock_all(&asks)?;
    let taken: Vec<&Lock> = asked
        .iter()
        .filter_map(|asked| if let Asked::Taken(lock) = asked { Some(lock) } else { None })
        .collect();
    let held = asked.iter().find_map(|asked| if let Asked::Held(lock) = asked { Some(lock) } else { None });
    let done = match held {
        Some(Lock { integration, owner, taken_at, reason, .. }) => Err(Error::new(
            ErrorKind::Locked,
            format!(
                "{owner} has the lock on {integration} since {taken_at} ({reason}); nothing was released"
            ),
        )
        .with(Help::Again)),
        None => {
            let keys: Vec<(String, &Released)> =
                wanted.iter().map(|one| (stored(&one.integration), one)).collect();
            forget(store.as_mut(), &keys, &taken, reason, (&by, &at))
        }
    };
    // One that cannot be released is released by time.
    let _ = store.unlock_all(&taken);
    done.map(|()| wanted)
}

/// Empties the base of categories, in one transaction and with a note.
fn forget(
    store: &mut dyn Store,
    wanted: &[(String, &Released)],
    locks: &[&Lock],
    reason: &str,
    (by, at): (&str, &str),
) -> Result<()> {
    let names: BTreeSet<String> = wanted.iter().map(|(name, _)| name.clone()).collect();
    let rows: BTreeMap<(String, String), Deployed> = store
        .read(Some(&names.into_iter().collect::<Vec<_>>()))?
        .into_iter()
        .map(|row| ((row.integration.clone(), row.category.clone()), row))
        .collect();
    let moved = |one: &Released| {
        Error::new(
            ErrorKind::Stale,
            format!("{} of {} was saved meanwhile; nothing was released", one.category, one.integration),
        )
        .with(Help::Again)
    };
    let mut found = Vec::new();
    for (name, one) in wanted {
        let row =
            rows.get(&(name.clone(), one.category.clone())).filter(|row| Some(row.revision) == one.revision);
        found.push(row.ok_or_else(|| moved(one))?);
    }
    let said: Vec<_> = found.iter().map(|row| json!([row.integration, row.category, row.revision])).collect();
    let run = digest_text(&canonical_json(json!([RELEASE, said])));
    let nothing = Settings::new();
    let fence = |name: &str| locks.iter().find(|lock| lock.integration == name).map(|lock| lock.token);
    let saves: Vec<Save<'_>> = found
        .iter()
        .map(|row| Save {
            integration: &row.integration,
            category: &row.category,
            expected_revision: row.revision,
            settings: &row.settings,
            applied: &nothing,
            saved_by: by,
            saved_at: at,
            commit: None,
            run: &run,
            fence: fence(&row.integration),
            lease: None,
        })
        .collect();
    store.begin(&run, at, by, Origin::default())?;
    store.note(&Note {
        at: at.to_owned(),
        by: by.to_owned(),
        kind: RELEASE.to_owned(),
        text: reason.to_owned(),
        run: Some(run.clone()),
    })?;
    let saved = store.save_all(&saves)?;
    store.finish(&run, at)?;
    for (saved, (_, one)) in saved.into_iter().zip(wanted) {
        match saved? {
            Saved::Saved { .. } | Saved::Already { .. } => {}
            Saved::Conflict { .. } | Saved::LockLost => return Err(moved(one)),
        }
    }
    Ok(())
}
