//! Applying a plan: category by category, in a safe order, each save atomic and at the planned revision.
//!
//! Nothing is compared or decided anew here, and no file is read. Secrets are seen as fingerprints alone.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::model::{self, CONNECTORS, FLOWS, SCHEDULES, Settings, Value, WEBHOOKS};
use crate::options::fetch::http::{Fault, Kind};
use crate::plan::{CategoryPlan, Integration, Plan, save_order, turns_live};
use crate::store::{Ask, Asked, Lock, Moved, Note, Origin, Rename, Run, Save, Saved, Store, StoreError};

/// Longer than any apply of one integration takes. A lock that expires under its holder costs nothing but its saves: they
/// are fenced.
const LOCK_SECONDS: u32 = 600;

/// What applying needs from outside.
pub struct Surroundings<'a> {
    pub saved_by: &'a str,
    /// The time now, RFC 3339 in UTC.
    pub now: &'a dyn Fn() -> String,
    /// The fingerprint of the secret behind a reference, or why it is not at hand.
    pub fingerprint: &'a dyn Fn(&str) -> Result<String, Fault>,
    /// True once the user asked to stop; asked between saves.
    pub stopped: &'a dyn Fn() -> bool,
    /// The machine and process that apply, for locks.
    pub holder: &'a str,
    /// True when the process of another holder is known to have ended.
    pub is_dead: &'a dyn Fn(&str) -> bool,
    /// Waits a little for a lock; false when patience is at its end.
    pub wait: &'a dyn Fn() -> bool,
    /// The check that was lifted by hand, and why; kept in the store.
    pub forced: Option<&'a str>,
}

/// What happened so far, for a progress display. Results are never taken from it.
#[derive(Debug)]
pub enum Event<'a> {
    Begin { categories: usize },
    Saving { integration: &'a str, category: &'a str },
    Done { integration: &'a str, category: &'a str },
}

/// What became of one category.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum Outcome {
    Saved {
        revision: u64,
    },
    /// The same plan, interrupted before, had saved it already.
    Unchanged {
        revision: u64,
    },
    Conflict {
        revision: u64,
        saved_by: String,
        saved_at: String,
        reason: String,
    },
    Failed {
        reason: String,
        cause: Cause,
    },
    Skipped {
        reason: String,
    },
}

#[derive(Debug, Clone, Copy, Serialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Cause {
    Secret,
    /// Where the secret is kept does not answer.
    SecretUnreachable,
    Store,
    /// The store failed in the middle, and nobody knows whether it was saved.
    InDoubt,
    /// Somebody else has the lock.
    Locked,
    /// Somebody else was there first.
    Stale,
}

/// What happened to every category that the plan saves.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Integration, category, outcome; in the order of saving.
    pub outcomes: Vec<(String, String, Outcome)>,
    /// Integrations whose deployed state was to get another id.
    pub renamed: Vec<Renamed>,
    pub interrupted: bool,
}

/// What became of an integration that the store has under another id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    pub from: String,
    pub to: String,
    /// Why it still has the old one.
    pub failed: Option<(String, Cause)>,
}

impl Report {
    /// Something was written.
    #[must_use]
    pub fn wrote(&self) -> bool {
        self.outcomes.iter().any(|(_, _, outcome)| matches!(outcome, Outcome::Saved { .. }))
            || self.renamed.iter().any(|renamed| renamed.failed.is_none())
    }

    /// Everything that the plan saves is saved, now or before.
    #[must_use]
    pub fn complete(&self) -> bool {
        let saved = |outcome: &Outcome| matches!(outcome, Outcome::Saved { .. } | Outcome::Unchanged { .. });
        !self.interrupted
            && self.outcomes.iter().all(|(_, _, outcome)| saved(outcome))
            && self.renamed.iter().all(|renamed| renamed.failed.is_none())
    }

    /// Why something was not done, as far as there is a cause.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        let renamed = self.renamed.iter().filter_map(|renamed| Some(renamed.failed.as_ref()?.1));
        let saves = self.outcomes.iter().filter_map(|(_, _, outcome)| match outcome {
            Outcome::Conflict { .. } => Some(Cause::Stale),
            Outcome::Failed { cause, .. } => Some(*cause),
            Outcome::Saved { .. } | Outcome::Unchanged { .. } | Outcome::Skipped { .. } => None,
        });
        renamed.chain(saves)
    }
}

/// Why a plan was not begun; nothing was saved.
#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("this plan was applied already, at {at}; make a new one")]
    Applied { at: String },
    #[error("this plan was made against another store; make it anew with this one")]
    OtherStore,
    #[error("the plan is stale: {}", .0.join("; "))]
    Stale(Vec<String>),
}

/// Applies a plan.
///
/// # Errors
/// When the plan cannot be begun: it was applied already, is stale, belongs to another store, or the store fails.
/// Once begun, what fails is in the report.
pub fn apply(
    plan: &Plan,
    store: &mut dyn Store,
    surroundings: &Surroundings<'_>,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<Report, ApplyError> {
    if plan.store.as_deref().is_some_and(|identity| identity != store.identity()) {
        return Err(ApplyError::OtherStore);
    }
    let work: Vec<&Integration> =
        plan.integrations.iter().filter(|integration| integration.is_applied()).collect();
    if work.is_empty() {
        return Ok(Report::default());
    }
    let origin = plan.commit.as_ref().map_or_else(Origin::default, |commit| Origin {
        author: commit.author.as_deref(),
        dirty: commit.dirty,
    });
    let run = store.begin(&plan.digest, &(surroundings.now)(), surroundings.saved_by, origin)?;
    match run {
        Run::Finished { at } => return Err(ApplyError::Applied { at }),
        Run::New => refuse_stale(&work, store)?,
        // What this plan saved before it was interrupted is at a later revision by right.
        Run::Resumed => {}
    }
    if let Some(forced) = surroundings.forced {
        store.note(&Note {
            at: (surroundings.now)(),
            by: surroundings.saved_by.to_owned(),
            kind: "force".to_owned(),
            text: forced.to_owned(),
            run: Some(plan.digest.clone()),
        })?;
    }
    let total = work
        .iter()
        .flat_map(|integration| &integration.categories)
        .filter(|category| category.save.is_some());
    progress(Event::Begin { categories: total.count() });
    let mut report = Report::default();
    for integration in work {
        apply_integration(plan, integration, store, surroundings, progress, &mut report);
    }
    if report.complete() {
        store.finish(&plan.digest, &(surroundings.now)())?;
    }
    Ok(report)
}

fn refuse_stale(work: &[&Integration], store: &mut dyn Store) -> Result<(), ApplyError> {
    let names = work.iter().flat_map(|integration| {
        std::iter::once(&integration.integration).chain(&integration.renamed_from).cloned()
    });
    let deployed = store.read(Some(&names.collect::<Vec<_>>()))?;
    let current: BTreeMap<(&str, &str), _> = deployed
        .iter()
        .map(|deployed| ((deployed.integration.as_str(), deployed.category.as_str()), deployed))
        .collect();
    let mut stale = Vec::new();
    for integration in work {
        let name = integration.renamed_from.as_ref().unwrap_or(&integration.integration);
        let of = |name: &String| deployed.iter().find(|deployed| deployed.integration == *name);
        if integration.renamed_from.is_some()
            && let Some(now) = of(&integration.integration)
        {
            stale.push(format!(
                "{}: {} saved under this id at {}",
                now.integration, now.saved_by, now.saved_at
            ));
        }
        for category in integration.categories.iter().filter(|category| category.save.is_some()) {
            let now = current.get(&(name.as_str(), category.category.as_str()));
            let revision = now.map_or(0, |now| now.revision);
            if revision != category.revision.unwrap_or(0) {
                let who = now.map_or_else(
                    || "it was removed".to_owned(),
                    |now| format!("{} saved revision {revision} at {}", now.saved_by, now.saved_at),
                );
                stale.push(format!("{} of {}: {who}", category.category, integration.integration));
            }
        }
    }
    if stale.is_empty() { Ok(()) } else { Err(ApplyError::Stale(stale)) }
}

fn apply_integration(
    plan: &Plan,
    integration: &Integration,
    store: &mut dyn Store,
    surroundings: &Surroundings<'_>,
    progress: &mut dyn FnMut(Event<'_>),
    report: &mut Report,
) {
    let mut undone: Vec<&str> = Vec::new();
    report.interrupted |= (surroundings.stopped)();
    let mut locked = take_lock(integration, store, surroundings);
    if let Some(from) = integration.renamed_from.as_ref().filter(|_| !report.interrupted) {
        locked = locked.and_then(|lock| {
            rename(plan, from, &integration.integration, store, surroundings).map(|()| lock)
        });
        let failed = locked.as_ref().err().cloned();
        report.renamed.push(Renamed { from: from.clone(), to: integration.integration.clone(), failed });
    }
    for category in save_order(&integration.categories) {
        if category.save.is_none() {
            continue;
        }
        let outcome = if report.interrupted || (surroundings.stopped)() {
            report.interrupted = true;
            Outcome::Skipped { reason: "interrupted".to_owned() }
        } else if let Some(needed) = undone.iter().find(|undone| depends(category, undone)) {
            Outcome::Skipped { reason: format!("it depends on `{needed}`, which was not saved") }
        } else {
            match &locked {
                Ok(lock) => {
                    progress(Event::Saving {
                        integration: &integration.integration,
                        category: &category.category,
                    });
                    save(plan, integration, category, lock, store, surroundings)
                }
                Err((reason, cause)) => Outcome::Failed { reason: reason.clone(), cause: *cause },
            }
        };
        if !matches!(outcome, Outcome::Saved { .. } | Outcome::Unchanged { .. }) {
            undone.push(&category.category);
        }
        report.outcomes.push((integration.integration.clone(), category.category.clone(), outcome));
        progress(Event::Done { integration: &integration.integration, category: &category.category });
    }
    if let Ok(lock) = locked {
        // One that cannot be released is taken over from us, or expires.
        let _ = store.unlock(&lock.id);
    }
}

/// Gives what is deployed the id that the files use now.
fn rename(
    plan: &Plan,
    from: &str,
    to: &str,
    store: &mut dyn Store,
    surroundings: &Surroundings<'_>,
) -> Result<(), (String, Cause)> {
    let (at, by) = ((surroundings.now)(), surroundings.saved_by);
    match store.rename(&Rename { from, to, at: &at, by, run: &plan.digest }) {
        // Of an apply that is resumed, all of it is there already.
        Ok(Moved::Moved(_)) => Ok(()),
        Ok(Moved::Taken) if resumed(store, from) => Ok(()),
        Ok(Moved::Taken) => Err((format!("`{to}` has deployed settings of its own by now"), Cause::Stale)),
        Err(error) => Err(failed(&error)),
    }
}

fn resumed(store: &mut dyn Store, from: &str) -> bool {
    store.read(Some(&[from.to_owned()])).is_ok_and(|rows| rows.is_empty())
}

fn failed(error: &StoreError) -> (String, Cause) {
    let in_doubt = matches!(error, StoreError::InDoubt { .. });
    (error.to_string(), if in_doubt { Cause::InDoubt } else { Cause::Store })
}

/// Waits for whoever has the lock, takes over from the dead, and says who has it when patience is at its end.
fn take_lock(
    integration: &Integration,
    store: &mut dyn Store,
    surroundings: &Surroundings<'_>,
) -> Result<Lock, (String, Cause)> {
    let mut over: Option<String> = None;
    loop {
        let ask = Ask {
            integration: &integration.integration,
            owner: surroundings.saved_by,
            holder: surroundings.holder,
            reason: "apply",
            seconds: LOCK_SECONDS,
            over: over.as_deref(),
        };
        let lock = match store.lock(&ask) {
            Ok(Asked::Taken(lock)) => return Ok(lock),
            Ok(Asked::Held(lock)) => lock,
            Err(error) => return Err((error.to_string(), Cause::Store)),
        };
        if over.as_ref() != Some(&lock.id) && (surroundings.is_dead)(&lock.holder) {
            over = Some(lock.id);
        } else if (surroundings.stopped)() || !(surroundings.wait)() {
            let Lock { id, owner, reason, taken_at, .. } = lock;
            let held = format!(
                "{owner} has the lock since {taken_at} ({reason}); if that has ended, release it with `pairform unlock {id}`"
            );
            return Err((held, Cause::Locked));
        }
    }
}

/// Nothing works without its connections, nothing starts a flow that could not be saved, and live mode needs all.
fn depends(category: &CategoryPlan, on: &str) -> bool {
    turns_live(category) == Some(true)
        || on == CONNECTORS
        || (on == FLOWS && [SCHEDULES, WEBHOOKS].contains(&category.category.as_str()))
}

fn save(
    plan: &Plan,
    integration: &Integration,
    category: &CategoryPlan,
    lock: &Lock,
    store: &mut dyn Store,
    surroundings: &Surroundings<'_>,
) -> Outcome {
    let Some(target) = &category.save else {
        return Outcome::Skipped { reason: "nothing to save".to_owned() };
    };
    let mut settings = model::from_json(&target.settings);
    let mut applied = model::from_json(&target.applied);
    if let Err(fault) = resolve(category, &mut settings, &mut applied, surroundings.fingerprint) {
        let cause = if fault.kind == Kind::Denied { Cause::Secret } else { Cause::SecretUnreachable };
        return Outcome::Failed { reason: fault.message, cause };
    }
    let request = Save {
        integration: &integration.integration,
        category: &category.category,
        expected_revision: category.revision.unwrap_or(0),
        settings: &settings,
        applied: &applied,
        saved_by: surroundings.saved_by,
        saved_at: &(surroundings.now)(),
        commit: plan.commit.as_ref().map(|commit| commit.id.as_str()),
        run: &plan.digest,
        fence: Some(lock.token),
    };
    match store.save(&request) {
        Ok(Saved::Saved { revision }) => Outcome::Saved { revision },
        Ok(Saved::Already { revision }) => Outcome::Unchanged { revision },
        Ok(Saved::Conflict { revision, saved_by, saved_at }) => {
            let reason =
                format!("{saved_by} saved revision {revision} at {saved_at}, after the plan was made");
            Outcome::Conflict { revision, saved_by, saved_at, reason }
        }
        Ok(Saved::LockLost) => {
            Outcome::Failed { reason: "the lock was lost".to_owned(), cause: Cause::Store }
        }
        Err(error) => {
            let (reason, cause) = failed(&error);
            Outcome::Failed { reason, cause }
        }
    }
}

/// Fingerprints the secrets that the plan changes; the others keep the fingerprint that is deployed.
fn resolve(
    category: &CategoryPlan,
    settings: &mut Settings,
    applied: &mut Settings,
    fingerprint: &dyn Fn(&str) -> Result<String, Fault>,
) -> Result<(), Fault> {
    for (path, value) in settings.iter_mut() {
        let Value::Secret(secret) = value else { continue };
        let setting = path.to_string();
        if secret.fingerprint.is_none() || category.changes.iter().any(|change| change.setting == setting) {
            secret.fingerprint = Some(fingerprint(&secret.reference)?);
        }
        if let Some(Value::Secret(applied)) = applied.get_mut(path) {
            applied.fingerprint.clone_from(&secret.fingerprint);
        }
    }
    Ok(())
}
