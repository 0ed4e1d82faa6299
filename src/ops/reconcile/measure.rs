//! What there is to count of rounds: by pair, never by integration, and no setting's value. How it is shown is for whoever shows it.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use super::concern::Concern;
use crate::options::Options;
use crate::plan::{Origin, Plan};

/// What the integrations of one pair have.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfPair {
    pub integrations: u64,
    /// Settings that were changed outside alone.
    pub drift: u64,
    /// Settings that were changed in the files and outside.
    pub conflicts: u64,
    /// Required settings that are not set.
    pub missing: u64,
    /// Matters that wait for somebody.
    pub held: u64,
}

/// What a round found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Measures {
    /// When the commit was made, in seconds since 1970 UTC.
    pub committed_at: Option<i64>,
    pub pairs: BTreeMap<String, OfPair>,
    /// The day on which the oldest list of a connector's dropdown values was fetched, such as `2026-11-20`.
    pub lists: BTreeMap<String, String>,
}

impl Measures {
    /// Adds what was changed outside of integrations that were looked at by themselves.
    pub(super) fn add_outside(&mut self, other: &Measures) {
        for (pair, of_one) in &other.pairs {
            let of_pair = self.pairs.entry(pair.clone()).or_default();
            of_pair.drift += of_one.drift;
            of_pair.conflicts += of_one.conflicts;
            of_pair.held += of_one.held;
        }
    }
}

/// What is counted while a round is made.
pub(super) struct Counting {
    measures: Measures,
    /// Integrations of the plan, with their pairs.
    pair_of: BTreeMap<String, String>,
}

impl Counting {
    /// Counts a plan as it was made, before anything is left out of it.
    pub(super) fn begin(plan: &Plan, options: &Options, committed_at: Option<i64>) -> Self {
        let mut measures = Measures { committed_at, ..Measures::default() };
        let mut pair_of = BTreeMap::new();
        for (connector, list) in options.lists() {
            let oldest = list.sets.values().map(|set| &set.fetched).min();
            if let Some(day) = oldest {
                let known = measures.lists.entry(connector.to_owned()).or_insert_with(|| day.clone());
                if day < known {
                    known.clone_from(day);
                }
            }
        }
        plan.integrations.for_each(&mut |one| {
            let of_pair = measures.pairs.entry(one.pair.to_string()).or_default();
            of_pair.integrations += 1;
            of_pair.missing += one.readiness.required.saturating_sub(one.readiness.set) as u64;
            for change in one.categories.iter().flat_map(|category| &category.changes) {
                match change.origin {
                    Origin::Git => {}
                    Origin::Outside => of_pair.drift += 1,
                    Origin::Both => of_pair.conflicts += 1,
                }
            }
            pair_of.insert(one.integration.clone(), one.pair.to_string());
        });
        Counting { measures, pair_of }
    }

    /// Adds what waits for somebody.
    pub(super) fn end(mut self, concerns: &[Concern]) -> Measures {
        let held = concerns.iter().filter(|concern| concern.held);
        for pair in held.filter_map(|concern| self.pair_of.get(concern.integration.as_ref()?)) {
            self.measures.pairs.entry(pair.clone()).or_default().held += 1;
        }
        self.measures
    }
}

/// How a reconciler does.
#[derive(Debug, Clone, Default)]
pub struct Pace {
    /// What is reconciled; empty where that is known not yet, or is no environment.
    pub environment: String,
    /// It holds the lease.
    pub works: bool,
    /// Rounds that were made, and those that could not be.
    pub made: u64,
    pub failed: u64,
    /// When the last one was made, in seconds since 1970 UTC.
    pub last: Option<i64>,
    /// The last one could not be made.
    pub is_stuck: bool,
    pub measures: Measures,
}

/// How a reconciler does, shared with whoever shows it while it works.
#[derive(Debug, Default)]
pub struct Rounds(Mutex<Pace>);

impl Rounds {
    #[must_use]
    pub fn pace(&self) -> Pace {
        self.with(|pace| pace.clone())
    }

    /// What is reconciled is known.
    pub fn begin(&self, environment: Option<&str>) {
        self.with(|pace| environment.unwrap_or_default().clone_into(&mut pace.environment));
    }

    /// The lease was taken, or somebody else has it.
    pub fn holds(&self, holds: bool) {
        self.with(|pace| (pace.works, pace.is_stuck) = (holds, false));
    }

    /// A round was made, at this moment. One in which nothing had moved measures nothing anew.
    pub fn made(&self, at: i64, measures: Option<&Measures>) {
        self.with(|pace| {
            (pace.made, pace.last, pace.is_stuck) = (pace.made + 1, Some(at), false);
            if let Some(measures) = measures {
                pace.measures.clone_from(measures);
            }
        });
    }

    pub fn failed(&self) {
        self.with(|pace| (pace.failed, pace.is_stuck) = (pace.failed + 1, true));
    }

    fn with<T>(&self, what: impl FnOnce(&mut Pace) -> T) -> T {
        what(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}
