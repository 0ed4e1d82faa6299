//! Applying a plan: category by category, in a safe order, each save atomic and at the planned revision.
//!
//! Nothing is compared or decided anew here, and no file is read: a plan that was saved is planned again before it comes here.
//! Secrets are seen as fingerprints alone.

mod caller;
mod group;
mod report;
mod run;
mod stage;
mod stale;
mod told;
mod work;

pub use caller::{Begun, Caller, Event};
pub use report::{Cause, Failure, Outcome, Renamed, Report};
pub use run::apply;
pub use stage::depends;
pub use stale::{ApplyError, begun};
pub use told::{CategoryTold, OutcomeTold, ReportTold};
