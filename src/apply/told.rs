//! What became of a plan, as one program tells it to another: whoever handed a plan in to a server learns what it did.

use serde::{Deserialize, Serialize};

use super::report::{Cause, Failure, Outcome, Renamed, Report};
use crate::model::Name;

/// A [`Report`] as JSON.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ReportTold {
    pub complete: bool,
    pub categories: Vec<CategoryTold>,
    #[serde(default)]
    pub renamed: Vec<Renamed>,
    #[serde(default)]
    pub agreed: usize,
    #[serde(default)]
    pub interrupted: bool,
    #[serde(default)]
    pub rules_recorded: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unfinished: Option<Failure>,
    /// All of it was done before, at this time.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub applied_at: Option<String>,
}

/// What became of a category.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CategoryTold {
    pub integration: Name,
    pub category: Name,
    #[serde(flatten)]
    pub outcome: OutcomeTold,
}

/// As [`Outcome`], and each by a word of its own.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "kebab-case")]
pub enum OutcomeTold {
    Saved { revision: u64 },
    SavedBefore { revision: u64 },
    Same { revision: u64 },
    Conflict { revision: u64, saved_by: String, saved_at: String, reason: String },
    Failed { reason: String, cause: Cause },
    Skipped { reason: String },
}

impl From<Report> for ReportTold {
    fn from(report: Report) -> Self {
        let complete = report.complete();
        let Report {
            outcomes,
            renamed,
            agreed,
            interrupted,
            rules_recorded,
            rules_at_once: _,
            unfinished,
            applied_at,
        } = report;
        let told = |(integration, category, outcome)| {
            let outcome = match outcome {
                Outcome::Saved { revision } => OutcomeTold::Saved { revision },
                Outcome::Unchanged { revision } => OutcomeTold::SavedBefore { revision },
                Outcome::Same { revision } => OutcomeTold::Same { revision },
                Outcome::Conflict { revision, saved_by, saved_at, reason } => {
                    OutcomeTold::Conflict { revision, saved_by, saved_at, reason }
                }
                Outcome::Failed { reason, cause } => OutcomeTold::Failed { reason, cause },
                Outcome::Skipped { reason } => OutcomeTold::Skipped { reason },
            };
            CategoryTold { integration, category, outcome }
        };
        ReportTold {
            complete,
            categories: outcomes.into_iter().map(told).collect(),
            renamed,
            agreed,
            interrupted,
            rules_recorded,
            unfinished,
            applied_at,
        }
    }
}

impl From<ReportTold> for Report {
    fn from(told: ReportTold) -> Self {
        let outcome = |told: CategoryTold| {
            let outcome = match told.outcome {
                OutcomeTold::Saved { revision } => Outcome::Saved { revision },
                OutcomeTold::SavedBefore { revision } => Outcome::Unchanged { revision },
                OutcomeTold::Same { revision } => Outcome::Same { revision },
                OutcomeTold::Conflict { revision, saved_by, saved_at, reason } => {
                    Outcome::Conflict { revision, saved_by, saved_at, reason }
                }
                OutcomeTold::Failed { reason, cause } => Outcome::Failed { reason, cause },
                OutcomeTold::Skipped { reason } => Outcome::Skipped { reason },
            };
            (told.integration, told.category, outcome)
        };
        Report {
            outcomes: told.categories.into_iter().map(outcome).collect(),
            renamed: told.renamed,
            agreed: told.agreed,
            interrupted: told.interrupted,
            rules_recorded: told.rules_recorded,
            rules_at_once: false,
            unfinished: told.unfinished,
            applied_at: told.applied_at,
        }
    }
}
