//! Applying a plan: category by category, in a safe order, each save atomic and at the planned revision.
//!
//! Nothing is compared or decided anew here, and no file is read. Secrets are seen as fingerprints alone.

mod stage;

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;

use crate::model::{Name, Settings, Value};
use crate::options::fetch::http::{Fault, Kind};
use crate::plan::tally::Written;
use crate::plan::{CategoryPlan, Integration, Plan, Target, turns_live};
use crate::store::{
    self, Ask, Asked, Deployed, FORCE, Lock, Moved, Note, OUTSIDE, Origin, REVERT, Rename, Run, Save, Saved,
    Store, StoreError,
};
use stage::{Stage, depends, goes_off, save_order};

/// How long a lock lasts unless it is renewed, which it is when a third of that has gone. One that expires under its holder
/// costs nothing but its saves: they are fenced.
const LOCK_SECONDS: u32 = 600;

/// Integrations that are locked and saved together: few transactions, and little to find out after a crash.
const LOCK_GROUP: usize = 64;

/// Integrations of which what is deployed is read together.
const READ_AT_ONCE: usize = 512;

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
    /// The checks that were lifted by hand, and why; kept in the store.
    pub forced: &'a [String],
}

/// What happened so far, for a progress display. Results are never taken from it.
#[derive(Debug)]
pub enum Event<'a> {
    Begin {
        categories: usize,
    },
    /// So many categories are being saved in one transaction, this one first.
    Saving {
        integration: &'a str,
        category: &'a str,
        categories: usize,
    },
    /// What was being saved is.
    Done {
        categories: usize,
    },
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
    /// The store does not let whoever applies do it.
    Denied,
    /// The store failed in the middle, and nobody knows whether it was saved.
    InDoubt,
    /// Somebody else has the lock.
    Locked,
    /// Somebody else was there first.
    Stale,
}

/// Why something was not done, in words, and what that is to whoever runs the command.
pub type Failure = (String, Cause);

/// What happened to every category that the plan saves.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Integration, category, outcome; sorted by integration, and those of one in the order of saving.
    pub outcomes: Vec<(Name, Name, Outcome)>,
    /// Integrations whose deployed state was to get another id.
    pub renamed: Vec<Renamed>,
    pub interrupted: bool,
    /// Why the store does not know that the plan is done, although all of it was saved.
    pub unfinished: Option<Failure>,
}

/// What became of an integration that the store has under another id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    pub from: String,
    pub to: String,
    /// It was given the new one now, and not by the same plan before.
    pub now: bool,
    /// Why it still has the old one.
    pub failed: Option<Failure>,
}

impl Report {
    /// What became of one category.
    #[must_use]
    pub fn outcome_of(&self, integration: &str, category: &str) -> Option<&Outcome> {
        let first = self.outcomes.partition_point(|(name, _, _)| name.as_str() < integration);
        let of_one = self.outcomes[first..].iter().take_while(|(name, _, _)| name == integration);
        of_one.filter(|(_, id, _)| id == category).map(|(_, _, outcome)| outcome).next()
    }

    /// Something was written.
    #[must_use]
    pub fn wrote(&self) -> bool {
        self.outcomes.iter().any(|(_, _, outcome)| matches!(outcome, Outcome::Saved { .. }))
            || self.renamed.iter().any(|renamed| renamed.now)
    }

    /// Everything that the plan saves is saved, now or before, and the store knows it.
    #[must_use]
    pub fn complete(&self) -> bool {
        let saved = |outcome: &Outcome| matches!(outcome, Outcome::Saved { .. } | Outcome::Unchanged { .. });
        !self.interrupted
            && self.unfinished.is_none()
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
        let unfinished = self.unfinished.as_ref().map(|(_, cause)| *cause);
        renamed.chain(saves).chain(unfinished)
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
    if !plan.is_pending() {
        return Ok(Report::default());
    }
    let origin = plan.commit.as_ref().map_or_else(Origin::default, |commit| Origin {
        author: commit.author.as_deref(),
        dirty: commit.dirty,
    });
    let run = store.begin(&plan.digest, &(surroundings.now)(), surroundings.saved_by, origin)?;
    if let Run::Finished { at } = run {
        return Err(ApplyError::Applied { at });
    }
    refuse_stale(plan, store)?;
    let note = |kind: &str, text: &str| Note {
        at: (surroundings.now)(),
        by: surroundings.saved_by.to_owned(),
        kind: kind.to_owned(),
        text: text.to_owned(),
        run: Some(plan.digest.clone()),
    };
    let lifted = surroundings.forced.iter().map(|forced| (FORCE, forced));
    let said: Vec<(&str, &String)> = lifted.chain(plan.revert.iter().map(|to| (REVERT, to))).collect();
    // Of a run that is resumed they are there already, unless it was stopped before.
    let known = if said.is_empty() { Vec::new() } else { store.notes()? };
    for (kind, text) in said {
        let is_it = |note: &Note| {
            note.kind == kind && note.text == *text && note.run.as_deref() == Some(&plan.digest)
        };
        if !known.iter().any(is_it) {
            store.note(&note(kind, text))?;
        }
    }
    let summary = &plan.integrations.tally().summary.categories;
    progress(Event::Begin { categories: summary.create + summary.update + summary.reset });
    let mut applying = Applying {
        plan,
        store: &mut *store,
        surroundings,
        progress,
        interrupted: false,
        gave_up: None,
        busy: None,
        held: Vec::new(),
        held_since: None,
    };
    let mut report = Report::default();
    plan.integrations.for_each_group(LOCK_GROUP, &mut |group| {
        let (ready, held) = applying.lock(group);
        report.add(applying.apply(ready));
        // Whoever waits holds nothing that the other may be waiting for.
        for integration in held {
            let lock = applying.wait_for_lock(integration);
            report.add(applying.apply(vec![Work::new(integration, lock)]));
        }
    });
    // In the order of the plan, whatever the order in which the locks were had.
    report.outcomes.sort_by(|(a, _, _), (b, _, _)| a.cmp(b));
    report.renamed.sort_by(|a, b| a.to.cmp(&b.to));
    report.interrupted = applying.interrupted;
    if report.complete() {
        let finished = applying.store.finish(&plan.digest, &(surroundings.now)());
        report.unfinished = finished.err().as_ref().map(failure);
    }
    Ok(report)
}

impl Report {
    fn add(&mut self, done: Vec<Work<'_>>) {
        for work in done {
            let name = Name::from(work.integration.integration.as_str());
            self.renamed.extend(work.renamed);
            for (category, outcome) in work.outcomes {
                self.outcomes.push((name.clone(), category.category.clone(), outcome));
            }
        }
    }
}

/// Refuses a plan of which a category has moved, or one that live mode rests on. What this plan did itself before it was
/// interrupted is no such move; and once it did something, the rest is finished as far as that can be, and the report says
/// what was in the way.
fn refuse_stale(plan: &Plan, store: &mut dyn Store) -> Result<(), ApplyError> {
    // A plan that knew no store is for one in which nothing is yet.
    if plan.store.is_none() && !has_only(&plan.digest, store)? {
        return Err(ApplyError::NotEmpty);
    }
    let tally = plan.integrations.tally();
    let renamed = match tally.renamed {
        0 => Vec::new(),
        _ => store.renames()?,
    };
    let (mut stale, mut begun) = (Vec::new(), false);
    for some in tally.written.chunks(READ_AT_ONCE) {
        begun |= find_stale(&plan.digest, some, &renamed, store, &mut stale)?;
    }
    if stale.is_empty() || begun { Ok(()) } else { Err(ApplyError::Stale(stale)) }
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

/// Says what of some integrations has moved. True when this run did something of them.
fn find_stale(
    run: &str,
    work: &[Written],
    renamed: &[store::Renamed],
    store: &mut dyn Store,
    stale: &mut Vec<String>,
) -> Result<bool, StoreError> {
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
    let mut begun = false;
    for integration in work {
        let id = &integration.integration;
        let is_renamed = renamed.iter().any(|renamed| renamed.to == *id && is_own(&renamed.run));
        begun |= is_renamed;
        let former = integration.renamed_from.as_ref().filter(|_| !is_renamed);
        if former.is_some()
            && let Some(now) = deployed.iter().find(|deployed| deployed.integration == *id)
        {
            stale.push(format!("{id}: {} saved under this id at {}", now.saved_by, now.saved_at));
        }
        let name = former.unwrap_or(id);
        for (category, planned) in &integration.ground {
            let now = current.get(&(name.as_str(), category.as_str()));
            let revision = now.map_or(0, |now| now.revision);
            if now.is_some_and(|now| is_own(&now.run)) {
                begun = true;
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
    Ok(begun)
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

/// One integration on its way.
struct Work<'a> {
    integration: &'a Integration,
    /// Its lock, or why nothing of it is saved.
    lock: Result<Lock, Failure>,
    /// Why nothing of it is saved although it is locked.
    barred: Option<Outcome>,
    renamed: Option<Renamed>,
    outcomes: Vec<(&'a CategoryPlan, Outcome)>,
    /// Why live mode does not go on: what it rests on has moved.
    shaken: Option<Outcome>,
}

impl<'a> Work<'a> {
    fn new(integration: &'a Integration, lock: Result<Lock, Failure>) -> Self {
        Work { integration, lock, barred: None, renamed: None, outcomes: Vec::new(), shaken: None }
    }

    /// Why a category is not even tried.
    fn obstacle(&self, category: &CategoryPlan) -> Option<Outcome> {
        let is_undone =
            |outcome: &Outcome| !matches!(outcome, Outcome::Saved { .. } | Outcome::Unchanged { .. });
        let mut undone = self.outcomes.iter().filter(|(_, outcome)| is_undone(outcome));
        if let Some((needed, _)) = undone.find(|(undone, _)| depends(category, undone)) {
            let reason = if goes_off(needed) {
                "live mode could not be switched off, and nothing else is saved while it is on".to_owned()
            } else {
                format!("it depends on `{}`, which was not saved", needed.category)
            };
            return Some(Outcome::Skipped { reason });
        }
        let barred = || self.barred.clone();
        let shaken = || self.shaken.clone().filter(|_| turns_live(category) == Some(true));
        self.lock.as_ref().err().cloned().map(Outcome::from).or_else(barred).or_else(shaken)
    }
}

/// A category that is about to be saved.
struct Ready<'a> {
    /// The number of its integration among those that are applied together.
    of: usize,
    category: &'a CategoryPlan,
    settings: Settings,
    applied: Settings,
}

/// What applying holds on to.
struct Applying<'s> {
    plan: &'s Plan,
    store: &'s mut dyn Store,
    surroundings: &'s Surroundings<'s>,
    progress: &'s mut dyn FnMut(Event<'_>),
    interrupted: bool,
    /// Why nothing else is tried: the store cannot be reached any more, or everything in it is locked.
    gave_up: Option<Failure>,
    /// The integration of which something was locked in the store just now.
    busy: Option<String>,
    /// The locks of the group that is being saved, and since when they last at least.
    held: Vec<Lock>,
    held_since: Option<Timestamp>,
}

impl Applying<'_> {
    /// Locks a group of integrations; those that somebody else has the lock of come second.
    fn lock<'a>(&mut self, group: &[&'a Integration]) -> (Vec<Work<'a>>, Vec<&'a Integration>) {
        let asks: Vec<Ask<'_>> = group.iter().map(|integration| self.ask(integration, None)).collect();
        self.interrupted |= (self.surroundings.stopped)();
        self.held_since = self.clock();
        let asked = match self.gave_up.clone() {
            _ if self.interrupted => Err(("interrupted".to_owned(), Cause::Locked)),
            None => self.store.lock_all(&asks).map_err(|error| self.failed(asks[0].integration, &error)),
            Some(failure) => Err(failure),
        };
        let (mut ready, mut held) = (Vec::new(), Vec::new());
        match asked {
            Err(failure) => ready.extend(group.iter().map(|one| Work::new(one, Err(failure.clone())))),
            Ok(asked) => {
                for (integration, asked) in group.iter().zip(asked) {
                    match asked {
                        Asked::Taken(lock) => ready.push(Work::new(integration, Ok(lock))),
                        Asked::Held(_) => held.push(*integration),
                    }
                }
            }
        }
        (ready, held)
    }

    fn ask<'i>(&self, integration: &'i Integration, over: Option<&'i str>) -> Ask<'i>
    where
        Self: 'i,
    {
        let Surroundings { saved_by, holder, .. } = *self.surroundings;
        Ask {
            integration: &integration.integration,
            owner: saved_by,
            holder,
            reason: "apply",
            seconds: LOCK_SECONDS,
            over,
        }
    }

    /// Waits for whoever has the lock, takes over from the dead, and says who has it when patience is at its end.
    fn wait_for_lock(&mut self, integration: &Integration) -> Result<Lock, Failure> {
        let mut over: Option<String> = None;
        loop {
            if let Some(failure) = &self.gave_up {
                return Err(failure.clone());
            }
            self.held_since = self.clock();
            let ask = self.ask(integration, over.as_deref());
            let lock = match self.store.lock(&ask) {
                Ok(Asked::Taken(lock)) => return Ok(lock),
                Ok(Asked::Held(lock)) => lock,
                Err(error) => return Err(self.failed(&integration.integration, &error)),
            };
            if over.as_ref() != Some(&lock.id) && (self.surroundings.is_dead)(&lock.holder) {
                over = Some(lock.id);
            } else if (self.surroundings.stopped)() || !(self.surroundings.wait)() {
                let Lock { id, owner, reason, taken_at, .. } = lock;
                let held = format!(
                    "{owner} has the lock since {taken_at} ({reason}); if that has ended, release it with `pairform unlock {id}`"
                );
                return Err((held, Cause::Locked));
            }
        }
    }

    /// Saves all categories of integrations whose locks are held, stage by stage, and releases the locks.
    fn apply<'a>(&mut self, mut group: Vec<Work<'a>>) -> Vec<Work<'a>> {
        self.held = group.iter().filter_map(|work| work.lock.as_ref().ok().cloned()).collect();
        for work in &mut group {
            self.rename(work);
        }
        for stage in Stage::ALL {
            if stage == Stage::Live {
                self.prove_ground(&mut group);
            }
            self.save(&mut group, stage);
        }
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            // Those that cannot be released are taken over from us, or expire.
            let _ = self.store.unlock_all(&held.iter().collect::<Vec<_>>());
        }
        group
    }

    fn clock(&self) -> Option<Timestamp> {
        (self.surroundings.now)().parse().ok()
    }

    /// Keeps the locks of the group, of which a secret may be asked for slowly and a save may have to wait.
    fn renew(&mut self) {
        let now = self.clock();
        let age = now.zip(self.held_since).map(|(now, since)| now.duration_since(since).as_secs());
        if age.is_some_and(|age| (0..i64::from(LOCK_SECONDS / 3)).contains(&age))
            || self.held.is_empty()
            || self.gave_up.is_some()
        {
            return;
        }
        self.held_since = now;
        // Where it fails, so will what comes next, or the lock lasts long enough all the same.
        let _ = self.store.renew_all(&self.held.iter().collect::<Vec<_>>(), LOCK_SECONDS);
    }

    /// Gives what is deployed the id that the files use now, where that is another.
    fn rename(&mut self, work: &mut Work<'_>) {
        let Some(from) = &work.integration.renamed_from else { return };
        self.interrupted |= (self.surroundings.stopped)();
        if self.interrupted {
            return;
        }
        self.renew();
        let to = &work.integration.integration;
        let moved = match (&work.lock, self.gave_up.clone()) {
            (Err(failure), _) => Err(failure.clone()),
            (Ok(_), Some(failure)) => Err(failure),
            (Ok(_), None) => {
                let at = (self.surroundings.now)();
                let by = self.surroundings.saved_by;
                match self.store.rename(&Rename { from, to, at: &at, by, run: &self.plan.digest }) {
                    Ok(Moved::Moved(categories)) => Ok(categories > 0),
                    // Of an apply that is resumed, all of it is there already.
                    Ok(Moved::Taken) if is_gone(self.store, from) => Ok(false),
                    Ok(Moved::Taken) => {
                        Err((format!("`{to}` has deployed settings of its own by now"), Cause::Stale))
                    }
                    Err(error) => Err(self.failed(from, &error)),
                }
            }
        };
        let (now, failed) = (moved == Ok(true), moved.err());
        work.barred = failed.clone().map(|failure| match failure.1 {
            Cause::InDoubt => {
                let reason = format!("it is not known whether `{from}` was renamed to `{to}`");
                Outcome::Skipped { reason }
            }
            _ => Outcome::from(failure),
        });
        work.renamed = Some(Renamed { from: from.clone(), to: to.clone(), now, failed });
    }

    /// Proves once more, just before live mode goes on, that what it rests on is as it was planned: no save of ours would be
    /// refused, as none is made of it.
    fn prove_ground(&mut self, group: &mut [Work<'_>]) {
        let rests = |work: &Work<'_>| work.lock.is_ok() && !work.integration.rests_on.is_empty();
        let names: Vec<String> = group
            .iter()
            .filter(|work| rests(work))
            .map(|work| work.integration.integration.clone())
            .collect();
        let Some(first) = names.first().filter(|_| self.gave_up.is_none()) else { return };
        let rows = self.store.read(Some(&names)).map_err(|error| Outcome::from(self.failed(first, &error)));
        for work in group.iter_mut().filter(|work| rests(work)) {
            let name = &work.integration.integration;
            work.shaken = match &rows {
                Err(failed) => Some(failed.clone()),
                Ok(rows) => work.integration.rests_on.iter().find_map(|(category, planned)| {
                    let now = rows.iter().find(|now| now.integration == *name && now.category == *category);
                    (now.map_or(0, |now| now.revision) != *planned).then(|| shaken(category, now))
                }),
            };
        }
    }

    /// Saves the categories of one stage, all in one transaction.
    fn save<'a>(&mut self, group: &mut [Work<'a>], stage: Stage) {
        let mut ready: Vec<Ready<'a>> = Vec::new();
        for (of, work) in group.iter_mut().enumerate() {
            for (of_stage, category) in save_order(&work.integration.categories) {
                let Some(target) = category.save.as_ref().filter(|_| of_stage == stage) else { continue };
                self.renew();
                self.interrupted |= (self.surroundings.stopped)();
                // Where it is interrupted nothing is asked for any more, a secret perhaps slowly.
                let obstacle = if self.interrupted { Some(interrupted()) } else { work.obstacle(category) };
                let prepared = obstacle.map_or_else(|| self.resolve(category, target), Err);
                match prepared {
                    Ok((settings, applied)) => ready.push(Ready { of, category, settings, applied }),
                    Err(outcome) => work.outcomes.push((category, outcome)),
                }
            }
        }
        let Some(first) = ready.first() else { return };
        let outcomes: Vec<Outcome> = if self.interrupted {
            ready.iter().map(|_| interrupted()).collect()
        } else {
            let integration = &group[first.of].integration.integration;
            let (category, categories) = (&first.category.category, ready.len());
            (self.progress)(Event::Saving { integration, category, categories });
            self.save_ready(group, &ready)
        };
        (self.progress)(Event::Done { categories: ready.len() });
        for (ready, outcome) in ready.into_iter().zip(outcomes) {
            group[ready.of].outcomes.push((ready.category, outcome));
        }
    }

    fn save_ready(&mut self, group: &[Work<'_>], ready: &[Ready<'_>]) -> Vec<Outcome> {
        let at = (self.surroundings.now)();
        let saves: Vec<Save<'_>> = ready
            .iter()
            .map(|ready| {
                let work = &group[ready.of];
                Save {
                    integration: &work.integration.integration,
                    category: &ready.category.category,
                    expected_revision: ready.category.revision.unwrap_or(0),
                    settings: &ready.settings,
                    applied: &ready.applied,
                    saved_by: self.surroundings.saved_by,
                    saved_at: &at,
                    commit: self.plan.commit.as_ref().map(|commit| commit.id.as_str()),
                    run: &self.plan.digest,
                    fence: work.lock.as_ref().ok().map(|lock| lock.token),
                }
            })
            .collect();
        if let Some(failure) = &self.gave_up {
            return vec![Outcome::from(failure.clone()); saves.len()];
        }
        self.renew();
        match self.store.save_all(&saves) {
            Ok(saved) => saves.iter().zip(saved).map(|(save, saved)| self.outcome(save, saved)).collect(),
            Err(error) if saves.len() > 1 && error.may_be_of_one() => self.save_each(&saves),
            Err(error) => saves.iter().map(|save| self.outcome(save, Err(error.clone()))).collect(),
        }
    }

    /// Each by itself, so that none takes another with it.
    fn save_each(&mut self, saves: &[Save<'_>]) -> Vec<Outcome> {
        let mut outcomes = Vec::with_capacity(saves.len());
        for save in saves {
            self.renew();
            self.interrupted |= (self.surroundings.stopped)();
            outcomes.push(match self.gave_up.clone() {
                _ if self.interrupted => interrupted(),
                Some(failure) => Outcome::from(failure),
                None => {
                    let saved = self.store.save(save);
                    self.outcome(save, saved)
                }
            });
        }
        outcomes
    }

    fn outcome(&mut self, save: &Save<'_>, saved: Result<Saved, StoreError>) -> Outcome {
        match saved {
            Ok(saved) => {
                self.busy = None;
                match saved {
                    Saved::Saved { revision } => Outcome::Saved { revision },
                    Saved::Already { revision } => Outcome::Unchanged { revision },
                    Saved::Conflict { revision, saved_by, saved_at } => {
                        let reason = format!(
                            "{saved_by} saved revision {revision} at {saved_at}, after the plan was made"
                        );
                        Outcome::Conflict { revision, saved_by, saved_at, reason }
                    }
                    Saved::LockLost => Outcome::from(self.lock_lost(save)),
                }
            }
            Err(error) => Outcome::from(self.failed(save.integration, &error)),
        }
    }

    /// Who has the lock that was lost, and what to do.
    fn lock_lost(&mut self, save: &Save<'_>) -> Failure {
        let locks = self.store.locks().unwrap_or_default();
        let is_another =
            |lock: &&Lock| lock.integration == save.integration && Some(lock.token) != save.fence;
        let reason = match locks.iter().find(is_another) {
            Some(Lock { owner, taken_at, reason, .. }) => format!(
                "the lock was lost to {owner}, who has it since {taken_at} ({reason}); apply again when that has ended"
            ),
            None => "the lock was released by somebody else, with `pairform unlock` perhaps; apply again"
                .to_owned(),
        };
        (reason, Cause::Locked)
    }

    /// What failed of an integration, in words. Where one after the other is locked in the store, all of it is.
    fn failed(&mut self, integration: &str, error: &StoreError) -> Failure {
        let failure = failure(error);
        let gives_up = match error {
            StoreError::Lost { .. } | StoreError::Busy { whole: true, .. } => true,
            StoreError::Busy { whole: false, .. } => {
                let before = self.busy.replace(integration.to_owned());
                before.is_some_and(|before| before != integration)
            }
            _ => false,
        };
        if gives_up {
            self.gave_up = Some(failure.clone());
        }
        failure
    }

    /// The documents of a category, secrets fingerprinted.
    fn resolve(&self, category: &CategoryPlan, target: &Target) -> Result<(Settings, Settings), Outcome> {
        let (mut settings, mut applied) =
            (Settings::clone(&target.settings), Settings::clone(&target.applied));
        resolve(category, &mut settings, &mut applied, self.surroundings.fingerprint).map_err(|fault| {
            let cause = if fault.kind == Kind::Denied { Cause::Secret } else { Cause::SecretUnreachable };
            Outcome::Failed { reason: fault.message, cause }
        })?;
        Ok((settings, applied))
    }
}

impl From<Failure> for Outcome {
    fn from((reason, cause): Failure) -> Self {
        Outcome::Failed { reason, cause }
    }
}

fn failure(error: &StoreError) -> Failure {
    let cause = match error {
        StoreError::InDoubt { .. } => Cause::InDoubt,
        StoreError::Denied { .. } => Cause::Denied,
        _ => Cause::Store,
    };
    (error.to_string(), cause)
}

/// A category that live mode rests on is not at its planned revision.
fn shaken(category: &str, now: Option<&Deployed>) -> Outcome {
    let (revision, saved_by, saved_at) =
        now.map(|now| (now.revision, now.saved_by.clone(), now.saved_at.clone())).unwrap_or_default();
    let reason = match revision {
        0 => format!("`{category}`, on which live mode rests, was removed after the plan was made"),
        _ => format!(
            "{saved_by} saved revision {revision} of `{category}`, on which live mode rests, at {saved_at}, after the plan was made"
        ),
    };
    Outcome::Conflict { revision, saved_by, saved_at, reason }
}

fn interrupted() -> Outcome {
    Outcome::Skipped { reason: "interrupted".to_owned() }
}

fn is_gone(store: &mut dyn Store, integration: &str) -> bool {
    store.heads(Some(&[integration.to_owned()])).is_ok_and(|heads| heads.is_empty())
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
