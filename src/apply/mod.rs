//! Applying a plan: category by category, in a safe order, each save atomic and at the planned revision.
//!
//! Nothing is compared or decided anew here, and no file is read. Secrets are seen as fingerprints alone.

mod caller;
mod group;
mod report;
mod run;
mod stage;
mod stale;
mod work;

pub use caller::{Caller, Event};
pub use report::{Cause, Failure, Outcome, Renamed, Report};
pub use run::apply;
pub use stale::ApplyError;
