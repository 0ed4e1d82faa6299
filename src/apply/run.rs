//! Applying a plan from its beginning to its end. What is done with a group of its integrations is in `group`.

use super::caller::{Begun, Caller, Event, origin};
use super::group::Applying;
use super::report::{Failure, Outcome, Renamed, Report};
use super::stale::{ApplyError, refuse_stale};
use super::work::Work;
use crate::model::Name;
use crate::plan::Plan;
use crate::store::{FORCE, HOLD, Hold, Lock, Note, REVERT, Run, Store};

/// Integrations that are locked and saved together: few transactions, and little to find out after a crash.
const LOCK_GROUP: usize = 64;

/// Applies a plan.
///
/// # Errors
/// When the plan cannot be begun: it was applied already, is stale, belongs to another store, or the store fails.
/// Once begun, what fails is in the report.
pub fn apply(
    plan: &Plan,
    store: &mut dyn Store,
    caller: &Caller<'_>,
    progress: &mut dyn FnMut(Event<'_>),
) -> Result<Report, ApplyError> {
    if plan.store.as_deref().is_some_and(|identity| identity != store.identity()) {
        return Err(ApplyError::OtherStore);
    }
    let has_run = plan.is_pending() || caller.begun.is_some_and(|begun| begun.is_pending);
    let rules_recorded = match (has_run, plan.integrations.tally().agreed) {
        (true, _) => begin(plan, store, caller)?,
        (false, 0) => return Ok(Report::default()),
        (false, _) => (caller.record)(store)?,
    };
    let summary = &plan.integrations.tally().summary.categories;
    progress(Event::Begin { categories: summary.create + summary.update + summary.reset });
    let mut applying = Applying::new(plan, &mut *store, caller, progress);
    let mut report = Report { rules_recorded, ..Report::default() };
    plan.integrations.for_each_group(LOCK_GROUP, &mut |group| {
        let (ready, held) = applying.lock(group);
        report.add(applying.apply(ready));
        // Whoever waits holds nothing that the other may be waiting for. For a note alone nobody waits.
        for integration in held.into_iter().filter(|integration| integration.is_applied()) {
            let lock = applying.wait_for_lock(integration);
            report.add(applying.apply(vec![Work::new(integration, lock)]));
        }
    });
    report.interrupted = applying.interrupted;
    report.agreed = applying.agreed;
    if let Some(begun) = caller.begun {
        report.add_begun(begun);
    }
    // In the order of the plan, whatever the order in which the locks were had.
    report.outcomes.sort_by(|(a, _, _), (b, _, _)| a.cmp(b));
    report.renamed.sort_by(|a, b| a.to.cmp(&b.to));
    // A run that found all of it so already wrote nothing; the same plan may be made and applied again.
    if has_run && report.complete() && !report.is_all_same() {
        let finished = store.finish(&plan.digest, &(caller.now)());
        report.unfinished = finished.err().as_ref().map(Failure::from);
    }
    Ok(report)
}

/// Begins a run, or goes on with one: proves that nothing of the plan has moved, and keeps what is to be known of the run. True
/// where rules were recorded.
fn begin(plan: &Plan, store: &mut dyn Store, caller: &Caller<'_>) -> Result<bool, ApplyError> {
    let run = store.begin(&plan.digest, &(caller.now)(), caller.saved_by, origin(plan))?;
    if let Run::Finished { at } = run {
        return Err(ApplyError::Applied { at });
    }
    refuse_stale(plan, store)?;
    if let Some(begun) = caller.begun {
        release_left(begun, store, caller)?;
    }
    let rules_recorded = (caller.record)(store)?;
    let note = |kind: &str, text: &str| Note {
        at: (caller.now)(),
        by: caller.saved_by.to_owned(),
        kind: kind.to_owned(),
        text: text.to_owned(),
        run: Some(plan.digest.clone()),
    };
    let lifted = caller.forced.iter().map(|forced| (FORCE, forced));
    let hold = hold(plan);
    let reverted = plan.revert.iter().map(|to| (REVERT, to)).chain(hold.iter().map(|text| (HOLD, text)));
    let said: Vec<(&str, &String)> = lifted.chain(reverted).collect();
    // Of a run that is resumed they are there already, unless it was stopped before.
    let kinds: Vec<&str> = said.iter().map(|(kind, _)| *kind).collect();
    let known = if said.is_empty() { Vec::new() } else { store.notes_of(&kinds, "")? };
    for (kind, text) in said {
        let is_it = |note: &Note| {
            note.kind == kind && note.text == *text && note.run.as_deref() == Some(&plan.digest)
        };
        if !known.iter().any(is_it) {
            store.note(&note(kind, text))?;
        }
    }
    Ok(rules_recorded)
}

/// What holds against redoing what a way back undoes: nothing where it saves nothing.
fn hold(plan: &Plan) -> Option<String> {
    let until = plan.way_back.as_ref()?.hold_until.as_ref()?;
    let written = plan.integrations.tally().written.first()?;
    Some(Hold::text(&written.integration, until, &format!("reverted {}", plan.revert.as_ref()?)))
}

/// Releases what the same run had locked when it died: of an integration of which all is saved nothing is locked again.
fn release_left(begun: &Begun, store: &mut dyn Store, caller: &Caller<'_>) -> Result<(), ApplyError> {
    if begun.saved.is_empty() && begun.renamed.is_empty() {
        return Ok(());
    }
    let locks = store.locks()?;
    let is_left = |lock: &&Lock| {
        let is_of_run = begun.saved.iter().any(|(name, _, _)| **name == *lock.integration)
            || begun.renamed.iter().any(|(_, to)| *to == lock.integration);
        is_of_run && (caller.is_dead)(&lock.holder)
    };
    let left: Vec<&Lock> = locks.iter().filter(is_left).collect();
    if !left.is_empty() {
        store.unlock_all(&left)?;
    }
    Ok(())
}

impl Report {
    /// All was so already, and nothing was renamed.
    fn is_all_same(&self) -> bool {
        let is_same = |outcome: &Outcome| matches!(outcome, Outcome::Same { .. });
        self.renamed.is_empty() && self.outcomes.iter().all(|(_, _, outcome)| is_same(outcome))
    }

    /// Of a plan that was applied before, at this time: what that run did.
    #[must_use]
    pub fn of_finished(begun: &Begun, at: String) -> Self {
        let mut report = Report { applied_at: Some(at), ..Report::default() };
        report.add_begun(begun);
        report
    }

    /// Adds what the same run did before.
    fn add_begun(&mut self, begun: &Begun) {
        self.outcomes.extend(begun.saved.iter().map(|(integration, category, revision)| {
            (integration.clone(), category.clone(), Outcome::Unchanged { revision: *revision })
        }));
        self.renamed.extend(begun.renamed.iter().map(|(from, to)| Renamed {
            from: from.clone(),
            to: to.clone(),
            now: false,
            failed: None,
        }));
    }

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
