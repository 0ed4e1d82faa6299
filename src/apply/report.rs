//! What became of a plan: of every category that it saves, and of every integration that it renames. It is filled elsewhere
//! and drawn elsewhere.

use serde::{Deserialize, Serialize};

use crate::model::Name;
use crate::store::StoreError;

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
    /// It is so already: its secrets were not known and are those that are deployed, or somebody else saved the same
    /// meanwhile. Nothing was written.
    #[serde(rename = "unchanged")]
    Same {
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

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
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
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("{reason}")]
pub struct Failure {
    pub reason: String,
    pub cause: Cause,
}

impl Failure {
    pub(super) fn new(reason: impl Into<String>, cause: Cause) -> Self {
        Failure { reason: reason.into(), cause }
    }
}

/// What happened to every category that the plan saves.
#[derive(Debug, Clone, Default)]
pub struct Report {
    /// Integration, category, outcome; sorted by integration, and those of one in the order of saving.
    pub outcomes: Vec<(Name, Name, Outcome)>,
    /// Integrations whose deployed state was to get another id.
    pub renamed: Vec<Renamed>,
    /// Categories of which it was noted that files and deployed settings agree.
    pub agreed: usize,
    pub interrupted: bool,
    /// The rules that the files say were recorded, and were not the same before.
    pub rules_recorded: bool,
    /// Nothing else was asked for, and they count at once.
    pub rules_at_once: bool,
    /// Why the store does not know that the plan is done, although all of it was saved.
    pub unfinished: Option<Failure>,
    /// All of it was done before, by a run of this plan that ended at this time (RFC 3339).
    pub applied_at: Option<String>,
}

/// What became of an integration that the store has under another id.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
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
        !self.interrupted
            && self.unfinished.is_none()
            && self.outcomes.iter().all(|(_, _, outcome)| outcome.is_done())
            && self.renamed.iter().all(|renamed| renamed.failed.is_none())
    }

    /// Why something was not done, as far as there is a cause.
    pub fn causes(&self) -> impl Iterator<Item = Cause> {
        let renamed = self.renamed.iter().filter_map(|renamed| Some(renamed.failed.as_ref()?.cause));
        let saves = self.outcomes.iter().filter_map(|(_, _, outcome)| match outcome {
            Outcome::Conflict { .. } => Some(Cause::Stale),
            Outcome::Failed { cause, .. } => Some(*cause),
            Outcome::Skipped { .. } => None,
            Outcome::Saved { .. } | Outcome::Unchanged { .. } | Outcome::Same { .. } => None,
        });
        let unfinished = self.unfinished.as_ref().map(|failure| failure.cause);
        renamed.chain(saves).chain(unfinished)
    }
}

impl Outcome {
    /// The category is as the plan wants it.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self, Outcome::Saved { .. } | Outcome::Unchanged { .. } | Outcome::Same { .. })
    }
}

impl From<Failure> for Outcome {
    fn from(Failure { reason, cause }: Failure) -> Self {
        Outcome::Failed { reason, cause }
    }
}

impl From<&StoreError> for Failure {
    fn from(error: &StoreError) -> Self {
        let cause = match error {
            StoreError::InDoubt { .. } => Cause::InDoubt,
            StoreError::Denied { .. } => Cause::Denied,
            _ => Cause::Store,
        };
        Failure::new(error.to_string(), cause)
    }
}
