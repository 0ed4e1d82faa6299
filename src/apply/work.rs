//! One integration while a plan is applied: its lock, what became of it so far, and what stands in the way of the rest.
//! Nothing is locked or saved here.

use super::report::{Failure, Outcome, Renamed};
use super::stage::{depends, goes_off};
use crate::model::Settings;
use crate::plan::{CategoryPlan, Integration, turns_live};
use crate::store::Lock;

/// One integration on its way.
pub(super) struct Work<'a> {
    pub integration: &'a Integration,
    /// Its lock, or why nothing of it is saved.
    pub lock: Result<Lock, Failure>,
    /// Why nothing of it is saved although it is locked.
    pub blocked_by: Option<Outcome>,
    pub renamed: Option<Renamed>,
    pub outcomes: Vec<(&'a CategoryPlan, Outcome)>,
    /// Why live mode does not go on: what it depends on has moved.
    pub precondition_failed: Option<Outcome>,
}

impl<'a> Work<'a> {
    pub fn new(integration: &'a Integration, lock: Result<Lock, Failure>) -> Self {
        Work {
            integration,
            lock,
            blocked_by: None,
            renamed: None,
            outcomes: Vec::new(),
            precondition_failed: None,
        }
    }

    /// Why a category is not even tried.
    pub fn obstacle(&self, category: &CategoryPlan) -> Option<Outcome> {
        let mut undone = self.outcomes.iter().filter(|(_, outcome)| !outcome.is_done());
        if let Some((needed, _)) = undone.find(|(undone, _)| depends(category, undone)) {
            let reason = if goes_off(needed) {
                "live mode could not be switched off, and nothing else is saved while it is on".to_owned()
            } else {
                format!("it depends on `{}`, which was not saved", needed.category)
            };
            return Some(Outcome::Skipped { reason });
        }
        let blocked_by = || self.blocked_by.clone();
        let precondition_failed =
            || self.precondition_failed.clone().filter(|_| turns_live(category) == Some(true));
        self.lock.as_ref().err().cloned().map(Outcome::from).or_else(blocked_by).or_else(precondition_failed)
    }
}

/// A category that is about to be saved.
pub(super) struct Ready<'a> {
    /// The number of its integration among those that are applied together.
    pub of: usize,
    pub category: &'a CategoryPlan,
    pub settings: Settings,
    pub applied: Settings,
}
