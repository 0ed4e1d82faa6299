//! The back half: desired against last applied and deployed, as a plan that is data.
//!
//! A plan is read by people and may be saved to a file. Such a file is an expectation: who applies it plans again and compares.
//! Nothing here knows YAML, a store or a clock.

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
pub mod signature;
pub mod tally;

use serde::{Deserialize, Serialize};

use crate::diagnostic::placed::PlacedFinding;
pub use data::{
    Action, Categories, CategoryPlan, Change, ChangeKind, Commit, Comparison, Effects, Integration,
    LIVE_MODE, MadeWith, Mode, Origin, Point, Readiness, Refusal, Released, Scope, SettingCounts, Side,
    Summary, Target, Touched, WayBack, turns_live,
};
pub use deployed::{Current, DeployedState};
pub use integrations::Integrations;
pub use planning::{Desired, PlaceOf, name_places_before, plan_integration, with_fingerprints};
use policy::PolicyChange;

/// The version of the machine output; a minor step adds, a major one breaks.
pub const FORMAT_VERSION: &str = "1.1";

/// The version of plan files. Those of the first were orders, and are not taken any more.
pub const PLAN_VERSION: u32 = 2;

/// What would be saved, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub format_version: String,
    pub command: String,
    /// See [`PLAN_VERSION`]; 0 in a comparison, which nobody applies.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub plan_version: u32,
    /// `sha256:` of the canonical body.
    pub digest: String,
    /// An SSH signature of the digest, armored; see [`signature`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub signature: Option<String>,
    /// None until the plan is sealed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub made_with: Option<MadeWith>,
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
    /// From where a way back is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub way_back: Option<WayBack>,
    /// References of secrets whose values were not at hand, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unknown_secrets: Vec<String>,
    /// These were taken as unchanged.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub assumed_secrets: bool,
    /// As `validate -o json` has them.
    pub findings: Vec<PlacedFinding>,
    pub summary: Summary,
    /// The two revisions that `diff` compared; none in a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

impl Plan {
    /// A plan that changes one integration, and is made from nothing else; it is judged, and never kept.
    #[must_use]
    pub fn of_one(integration: Integration) -> Self {
        let mut integrations = Integrations::default();
        integrations.append(vec![integration]);
        Plan {
            format_version: FORMAT_VERSION.to_owned(),
            command: "save".to_owned(),
            plan_version: PLAN_VERSION,
            digest: String::new(),
            signature: None,
            made_with: None,
            policy_changes: None,
            commit: None,
            environment: None,
            store: None,
            planned_store: None,
            scope: Scope::default(),
            summary: integrations.tally().summary.clone(),
            integrations,
            released: Vec::new(),
            refusals: Vec::new(),
            notes: Vec::new(),
            revert: None,
            way_back: None,
            unknown_secrets: Vec::new(),
            assumed_secrets: false,
            findings: Vec::new(),
            comparison: None,
        }
    }

    /// Whether applying it would write anything.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.integrations.tally().written.is_empty()
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands in a reference")]
fn is_zero(number: &u32) -> bool {
    *number == 0
}
