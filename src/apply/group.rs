//! Applying a group of integrations: locking them, renaming, and saving their categories stage by stage. Whether the plan may be
//! applied at all is not asked here.

use jiff::Timestamp;

use super::caller::{Caller, Event, origin};
use super::report::{Cause, Failure, Outcome, Renamed};
use super::stage::{Stage, save_order};
use super::work::{Ready, Work};
use crate::http::{Fault, FaultKind};
use crate::model::{SettingPath, Settings, Value, digest_text};
use crate::plan::{Action, CategoryPlan, Change, Integration, Plan, Target};
use crate::store::{AGREED, Ask, Asked, Deployed, Lock, Moved, Note, Rename, Save, Saved, Store, StoreError};

/// How long a lock lasts unless it is renewed, which it is when a third of that has gone. One that expires under its holder
/// costs nothing but its saves: they are fenced.
const LOCK_SECONDS: u32 = 180;

/// What applying holds on to.
pub(super) struct Applying<'s> {
    plan: &'s Plan,
    store: &'s mut dyn Store,
    caller: &'s Caller<'s>,
    progress: &'s mut dyn FnMut(Event<'_>),
    pub interrupted: bool,
    /// Categories of which it was noted that files and deployed settings agree.
    pub agreed: usize,
    /// Why nothing else is tried: the store cannot be reached any more, or everything in it is locked.
    gave_up: Option<Failure>,
    /// The integration of which something was locked in the store just now.
    busy: Option<String>,
    /// The locks of the group that is being saved, and since when they last at least.
    held: Vec<Lock>,
    held_since: Option<Timestamp>,
}

impl<'s> Applying<'s> {
    pub fn new(
        plan: &'s Plan,
        store: &'s mut dyn Store,
        caller: &'s Caller<'s>,
        progress: &'s mut dyn FnMut(Event<'_>),
    ) -> Self {
        Applying {
            plan,
            store,
            caller,
            progress,
            interrupted: false,
            agreed: 0,
            gave_up: None,
            busy: None,
            held: Vec::new(),
            held_since: None,
        }
    }
}

impl Applying<'_> {
    /// Locks a group of integrations; those that somebody else has the lock of come second.
    pub fn lock<'a>(&mut self, group: &[&'a Integration]) -> (Vec<Work<'a>>, Vec<&'a Integration>) {
        let asks: Vec<Ask<'_>> = group.iter().map(|integration| self.ask(integration, None)).collect();
        self.interrupted |= (self.caller.stopped)();
        self.held_since = self.clock();
        let asked = match self.gave_up.clone() {
            _ if self.interrupted => Err(Failure::new("interrupted", Cause::Locked)),
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
        let Caller { saved_by, holder, .. } = *self.caller;
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
    pub fn wait_for_lock(&mut self, integration: &Integration) -> Result<Lock, Failure> {
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
            if over.as_ref() != Some(&lock.id) && (self.caller.is_dead)(&lock.holder) {
                over = Some(lock.id);
            } else if (self.caller.stopped)() || !(self.caller.wait)() {
                let Lock { id, owner, reason, taken_at, .. } = lock;
                let of =
                    self.plan.environment.as_ref().map(|name| format!(" --env {name}")).unwrap_or_default();
                let held = format!(
                    "{owner} has the lock since {taken_at} ({reason}); if that has ended, release it with `pairform unlock {id}{of}`"
                );
                return Err(Failure::new(held, Cause::Locked));
            }
        }
    }

    /// Saves all categories of integrations whose locks are held, stage by stage, and releases the locks.
    pub fn apply<'a>(&mut self, mut group: Vec<Work<'a>>) -> Vec<Work<'a>> {
        self.held = group.iter().filter_map(|work| work.lock.as_ref().ok().cloned()).collect();
        for work in &mut group {
            self.rename(work);
        }
        for stage in Stage::ALL {
            if stage == Stage::Live {
                self.recheck_preconditions(&mut group);
            }
            self.save(&mut group, stage);
        }
        self.note_agreed(&group);
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            // Those that cannot be released are taken over from us, or expire.
            let _ = self.store.unlock_all(&held.iter().collect::<Vec<_>>());
        }
        group
    }

    fn clock(&self) -> Option<Timestamp> {
        (self.caller.now)().parse().ok()
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
        self.interrupted |= (self.caller.stopped)();
        if self.interrupted {
            return;
        }
        self.renew();
        let to = &work.integration.integration;
        let moved = match (&work.lock, self.gave_up.clone()) {
            (Err(failure), _) => Err(failure.clone()),
            (Ok(_), Some(failure)) => Err(failure),
            (Ok(_), None) => {
                let at = (self.caller.now)();
                let by = self.caller.saved_by;
                match self.store.rename(&Rename { from, to, at: &at, by, run: &self.plan.digest }) {
                    Ok(Moved::Moved(categories)) => Ok(categories > 0),
                    // Of an apply that is resumed, all of it is there already.
                    Ok(Moved::Taken) if is_gone(self.store, from) => Ok(false),
                    Ok(Moved::Taken) => Err(Failure::new(
                        format!("`{to}` has deployed settings of its own by now"),
                        Cause::Stale,
                    )),
                    Err(error) => Err(self.failed(from, &error)),
                }
            }
        };
        let (now, failed) = (moved == Ok(true), moved.err());
        work.blocked_by = failed.clone().map(|failure| match failure.cause {
            Cause::InDoubt => {
                let reason = format!("it is not known whether `{from}` was renamed to `{to}`");
                Outcome::Skipped { reason }
            }
            _ => Outcome::from(failure),
        });
        work.renamed = Some(Renamed { from: from.clone(), to: to.clone(), now, failed });
    }

    /// Proves once more, just before live mode goes on, that what it depends on is as it was planned: no save of ours would be
    /// refused, as none is made of it.
    fn recheck_preconditions(&mut self, group: &mut [Work<'_>]) {
        let has_preconditions =
            |work: &Work<'_>| work.lock.is_ok() && !work.integration.live_depends_on.is_empty();
        let names: Vec<String> = group
            .iter()
            .filter(|work| has_preconditions(work))
            .map(|work| work.integration.integration.clone())
            .collect();
        let Some(first) = names.first().filter(|_| self.gave_up.is_none()) else { return };
        let rows = self.store.read(Some(&names)).map_err(|error| Outcome::from(self.failed(first, &error)));
        for work in group.iter_mut().filter(|work| has_preconditions(work)) {
            let name = &work.integration.integration;
            work.precondition_failed = match &rows {
                Err(failed) => Some(failed.clone()),
                Ok(rows) => work.integration.live_depends_on.iter().find_map(|(category, planned)| {
                    let now = rows.iter().find(|now| now.integration == *name && now.category == *category);
                    (now.map_or(0, |now| now.revision) != *planned)
                        .then(|| precondition_failed(category, now))
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
                self.interrupted |= (self.caller.stopped)();
                // Where it is interrupted nothing is asked for any more, a secret perhaps slowly.
                let obstacle = if self.interrupted { Some(interrupted()) } else { work.obstacle(category) };
                let prepared = obstacle.map_or_else(|| self.resolve(category, target), Err);
                match prepared {
                    Ok((settings, _)) if is_as_deployed(category, &settings) => {
                        let revision = category.revision.unwrap_or(0);
                        work.outcomes.push((category, Outcome::Same { revision }));
                    }
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
        let at = (self.caller.now)();
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
                    saved_by: self.caller.saved_by,
                    saved_at: &at,
                    commit: self.plan.commit.as_ref().map(|commit| commit.id.as_str()),
                    run: &self.plan.digest,
                    fence: work.lock.as_ref().ok().map(|lock| lock.token),
                    lease: self.caller.lease,
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
            self.interrupted |= (self.caller.stopped)();
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
                        self.same_of_another(save).unwrap_or(Outcome::Conflict {
                            revision,
                            saved_by,
                            saved_at,
                            reason,
                        })
                    }
                    Saved::LockLost => Outcome::from(self.lock_lost(save)),
                }
            }
            Err(error) => Outcome::from(self.failed(save.integration, &error)),
        }
    }

    /// What is deployed now, where it is just what would be saved. A plan that was saved for later is not content with that: it
    /// works once.
    fn same_of_another(&mut self, save: &Save<'_>) -> Option<Outcome> {
        if self.caller.begun.is_some() {
            return None;
        }
        let now = self.store.read(Some(&[save.integration.to_owned()])).ok()?;
        let now = now.iter().find(|now| now.category == save.category)?;
        let wanted = save.settings.iter().filter(|(_, value)| **value != Value::Null);
        (wanted.eq(now.settings.iter()) && *save.applied == now.applied)
            .then_some(Outcome::Same { revision: now.revision })
    }

    /// Notes of categories that files and deployed settings agree in them: what the last apply set is what the files say. No
    /// setting moves; where somebody saved meanwhile, that is left to the next apply.
    fn note_agreed(&mut self, group: &[Work<'_>]) {
        if self.interrupted || self.gave_up.is_some() {
            return;
        }
        let mut ready: Vec<(&Work<'_>, &CategoryPlan, Settings, Settings)> = Vec::new();
        for work in group.iter().filter(|work| work.lock.is_ok() && work.blocked_by.is_none()) {
            for category in &work.integration.categories {
                let Some(target) = &category.agreed else { continue };
                if let Ok((settings, applied)) = self.resolve(category, target) {
                    ready.push((work, category, settings, applied));
                }
            }
        }
        if ready.is_empty() {
            return;
        }
        let (at, by) = ((self.caller.now)(), self.caller.saved_by);
        let run = digest_text(&format!("{AGREED} {}", self.plan.digest));
        let saves: Vec<Save<'_>> = ready
            .iter()
            .map(|(work, category, settings, applied)| Save {
                integration: &work.integration.integration,
                category: &category.category,
                expected_revision: category.revision.unwrap_or(0),
                settings,
                applied,
                saved_by: by,
                saved_at: &at,
                commit: self.plan.commit.as_ref().map(|commit| commit.id.as_str()),
                run: &run,
                fence: work.lock.as_ref().ok().map(|lock| lock.token),
                lease: self.caller.lease,
            })
            .collect();
        let text = "the files say what is deployed".to_owned();
        let note =
            Note { at: at.clone(), by: by.to_owned(), kind: AGREED.to_owned(), text, run: Some(run.clone()) };
        let begun = self.store.begin(&run, &at, by, origin(self.plan)).is_ok();
        let is_first = self.agreed == 0;
        if !begun || (is_first && self.store.note(&note).is_err()) {
            return;
        }
        let saved = self.store.save_all(&saves).unwrap_or_default();
        self.agreed += saved.iter().filter(|saved| matches!(saved, Ok(Saved::Saved { .. }))).count();
        // Nobody goes on with it: what is left is found again.
        let _ = self.store.finish(&run, &at);
    }

    /// Who has the lock that was lost, and what to do.
    fn lock_lost(&mut self, save: &Save<'_>) -> Failure {
        let locks = self.store.locks().unwrap_or_default();
        if let Some(lease) = self.caller.lease
            && !locks.iter().any(|lock| lock.integration == lease.integration && lock.token == lease.token)
        {
            return Failure::new("somebody else took over, and goes on with it", Cause::Locked);
        }
        let is_another =
            |lock: &&Lock| lock.integration == save.integration && Some(lock.token) != save.fence;
        let reason = match locks.iter().find(is_another) {
            Some(Lock { owner, taken_at, reason, .. }) => format!(
                "the lock was lost to {owner}, who has it since {taken_at} ({reason}); apply again when that has ended"
            ),
            None => "the lock was released by somebody else, with `pairform unlock` perhaps; apply again"
                .to_owned(),
        };
        Failure::new(reason, Cause::Locked)
    }

    /// What failed of an integration, in words. Where one after the other is locked in the store, all of it is.
    fn failed(&mut self, integration: &str, error: &StoreError) -> Failure {
        let failure = Failure::from(error);
        let gives_up = match error {
            StoreError::Lost { .. } | StoreError::Silent { .. } | StoreError::Busy { whole: true, .. } => {
                true
            }
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
        resolve(category, &mut settings, &mut applied, self.caller.fingerprint).map_err(|fault| {
            let cause =
                if fault.kind == FaultKind::Denied { Cause::Secret } else { Cause::SecretUnreachable };
            Outcome::Failed { reason: fault.message, cause }
        })?;
        Ok((settings, applied))
    }
}

/// A category that live mode depends on is not at its planned revision.
fn precondition_failed(category: &str, now: Option<&Deployed>) -> Outcome {
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

/// Whether a category that is only saved for its secrets has, now that they are known, those that are deployed.
fn is_as_deployed(category: &CategoryPlan, settings: &Settings) -> bool {
    let is_same = |change: &Change| {
        let before = Value::from_json(&change.before);
        let path = SettingPath::parse(&change.setting);
        matches!(before, Value::Secret(_)) && path.is_some_and(|path| settings.get(&path) == Some(&before))
    };
    category.action == Action::Update && category.changes.iter().all(is_same)
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
    let mut missing: Vec<Fault> = Vec::new();
    for (path, value) in settings.iter_mut() {
        let Value::Secret(secret) = value else { continue };
        let setting = path.to_string();
        let before = secret.clone();
        if secret.fingerprint.is_none() || category.changes.iter().any(|change| change.setting == setting) {
            match fingerprint(&secret.reference) {
                Ok(found) => secret.fingerprint = Some(found),
                // All that have to be provided are named at once; whoever does not answer is not asked again.
                Err(fault) if fault.kind == FaultKind::Denied => missing.push(fault),
                Err(fault) => return Err(fault),
            }
        }
        // The base of a way back may be another one, and stays what it is.
        if let Some(Value::Secret(applied)) = applied.get_mut(path)
            && applied.reference == before.reference
            && (applied.fingerprint.is_none() || applied.fingerprint == before.fingerprint)
        {
            applied.fingerprint.clone_from(&secret.fingerprint);
        }
    }
    let Some(first) = missing.first() else { return Ok(()) };
    let mut said: Vec<&str> = missing.iter().map(|fault| fault.message.as_str()).collect();
    said.dedup();
    Err(Fault { message: said.join("; "), ..first.clone() })
}
