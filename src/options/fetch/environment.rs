//! What comes from outside while values are fetched: secrets, clocks, chance, the wish to stop and the bounds of one request.

use std::time::Duration;

use jiff::civil::Date;

use crate::http::Fault;
use crate::model::Hidden;
use crate::trust::Need;

/// What fetching needs of the world.
#[derive(Clone, Copy)]
pub struct Environment<'a> {
    /// The value behind a reference.
    pub secret: &'a (dyn Fn(&str) -> Result<Hidden<String>, Fault> + Sync),
    /// Whether a credential may go somewhere.
    pub allowed: &'a (dyn Fn(&Need) -> Result<(), Fault> + Sync),
    /// Keeps the new value of a secret that its use has changed.
    pub rotated: &'a (dyn Fn(&str, &str) -> Result<(), Fault> + Sync),
    /// Time since some moment.
    pub now: &'a (dyn Fn() -> Duration + Sync),
    /// Seconds since 1970.
    pub epoch: &'a (dyn Fn() -> i64 + Sync),
    /// Tomorrow's date, for tokens that want to know how long they live.
    pub tomorrow: Date,
    pub sleep: &'a (dyn Fn(Duration) + Sync),
    pub random: &'a (dyn Fn() -> u64 + Sync),
    pub stopped: &'a (dyn Fn() -> bool + Sync),
    /// For one request and its answer.
    pub timeout: Duration,
    pub max_bytes: u64,
}
