//! What applying needs from outside, and what it tells while it goes on. Nothing is done here.

use crate::http::Fault;
use crate::store::{Store, StoreError};

/// What applying needs from outside.
pub struct Caller<'a> {
    pub saved_by: &'a str,
    /// The time now, RFC 3339 in UTC.
    pub now: &'a dyn Fn() -> String,
    /// The fingerprint of the secret behind a reference, or why it is not at hand.
    pub fingerprint: &'a dyn Fn(&str) -> Result<String, Fault>,
    /// True once the user asked to stop; asked between saves.
    pub stopped: &'a dyn Fn() -> bool,
    /// The machine and process that apply, for locks.
    pub holder: &'a str,
    /// True when the process of another holder is known to have ended.
    pub is_dead: &'a dyn Fn(&str) -> bool,
    /// Waits a little for a lock; false when patience is at its end.
    pub wait: &'a dyn Fn() -> bool,
    /// The checks that were lifted by hand, and why; kept in the store.
    pub forced: &'a [String],
    /// Records what judges and what the files say, once the plan is begun and is not stale; true where that was news.
    pub record: &'a dyn Fn(&mut dyn Store) -> Result<bool, StoreError>,
}

/// What happened so far, for a progress display. Results are never taken from it.
#[derive(Debug)]
pub enum Event<'a> {
    Begin {
        categories: usize,
    },
    /// So many categories are being saved in one transaction, this one first.
    Saving {
        integration: &'a str,
        category: &'a str,
        categories: usize,
    },
    /// What was being saved is.
    Done {
        categories: usize,
    },
}
