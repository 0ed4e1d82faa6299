//! Applying a plan from its beginning to its end. What is done with a group of its integrations is in `group`.

use super::caller::{Caller, Event};
use super::group::Applying;
use super::report::{Failure, Report};
use super::stale::{ApplyError, refuse_stale};
use super::work::Work;
use crate::model::Name;
use crate::plan::Plan;
use crate::store::{FORCE, Note, Origin, REVERT, Run, Store};

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
    if !plan.is_pending() {
        return Ok(Report::default());
    }
    let origin = plan.commit.as_ref().map_or_else(Origin::default, |commit| Origin {
        author: commit.author.as_deref(),
        dirty: commit.dirty,
    });
    let run = store.begin(&plan.digest, &(caller.now)(), caller.saved_by, origin)?;
    if let Run::Finished { at } = run {
        return Err(ApplyError::Applied { at });
    }
    refuse_stale(plan, store)?;
    let rules_recorded = (caller.record)(store)?;
    let note = |kind: &str, text: &str| Note {
        at: (caller.now)(),
        by: caller.saved_by.to_owned(),
        kind: kind.to_owned(),
        text: text.to_owned(),
        run: Some(plan.digest.clone()),
    };
    let lifted = caller.forced.iter().map(|forced| (FORCE, forced));
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
    let mut applying = Applying::new(plan, &mut *store, caller, progress);
    let mut report = Report { rules_recorded, ..Report::default() };
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
        let finished = store.finish(&plan.digest, &(caller.now)());
        report.unfinished = finished.err().as_ref().map(Failure::from);
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
