//! The back half: desired against last applied and deployed, as a plan that is data.
//!
//! A plan is computed once, read by people, saved to a file and applied without being computed again. Nothing here
//! knows YAML, a store or a clock.

pub mod back;
pub mod compare;
mod data;
mod deployed;
pub mod drift;
pub mod file;
pub mod integrations;
mod planning;
pub mod policy;
pub mod safety;
pub mod tally;

use serde::{Deserialize, Serialize};

use crate::diagnostic::placed::PlacedFinding;
pub use data::{
    Action, Categories, CategoryPlan, Change, ChangeKind, Commit, Comparison, Effects, Integration,
    LIVE_MODE, Mode, Origin, Readiness, Refusal, Released, Scope, SettingCounts, Side, Summary, Target,
    Touched, turns_live,
};
pub use deployed::{Current, DeployedState};
pub use integrations::Integrations;
pub use planning::{Desired, PlaceOf, plan_integration, with_fingerprints};
use policy::PolicyChange;

/// The version of the machine output; a minor step adds, a major one breaks.
pub const FORMAT_VERSION: &str = "1.0";

/// What would be saved, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub format_version: String,
    pub command: String,
    /// `sha256:` of the canonical body.
    pub digest: String,
    /// What judges and is not what the last apply recorded; of a comparison, what it changes of that which judges. None where
    /// there is nothing to compare with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy_changes: Option<Vec<PolicyChange>>,
    pub commit: Option<Commit>,
    pub environment: Option<String>,
    /// The identity of the store that was read; none when there is no store yet.
    pub store: Option<String>,
    /// Where it is to be made then: a digest of its URL, as the project or the command line gives it.
    #[serde(rename = "store_to_be", default, skip_serializing_if = "Option::is_none")]
    pub planned_store: Option<String>,
    pub scope: Scope,
    /// Sorted by name.
    pub integrations: Integrations,
    /// Deployed by pairform before, and in no file any more: left as they are.
    pub released: Vec<Released>,
    /// Why an apply would be refused; see the project's `safety`.
    pub refusals: Vec<Refusal>,
    /// What else there is to know before it is applied; see `back`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a way back leads to, in words; none in a plan that was made from the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert: Option<String>,
    /// As `validate -o json` has them.
    pub findings: Vec<PlacedFinding>,
    pub summary: Summary,
    /// The two revisions that `diff` compared; none in a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

impl Plan {
    /// Whether applying it would write anything.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.integrations.tally().written.is_empty()
    }
}
