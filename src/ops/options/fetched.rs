//! What came of fetching, as data: of each account its sets, how they differ from the committed lists, and the lists as they
//! would be written. Nothing is fetched or written here.

use std::collections::{BTreeMap, BTreeSet};

use crate::http::{self, Fault};
use crate::ops::error::ErrorKind;
use crate::ops::workspace::Files;
use crate::options::fetch::Account;
use crate::options::lock::{self, Change, Update};
use crate::options::{Choice, List};
use crate::trust::Line;

/// What was fetched, or taken from the cache.
#[derive(Debug)]
pub struct Fetched {
    /// Sorted by connector and account.
    pub accounts: Vec<OfAccount>,
    pub notes: Vec<Note>,
    /// Lines that would allow what was refused; sorted.
    pub refused: Vec<Line>,
    /// The host asked to stop before all was fetched.
    pub is_stopped: bool,
}

/// What somebody should know who asked.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Note {
    /// One line that every door says alike.
    Said(String),
    /// This integration has errors, so nothing was sent for it.
    HasErrors(String),
}

/// One account with what came of it.
#[derive(Debug)]
pub struct OfAccount {
    pub account: Account,
    /// The committed list, from the project's root.
    pub path: String,
    pub sets: BTreeMap<String, OfSet>,
    pub(super) base: Base,
    /// The committed list's text as it would be now; none where nothing came.
    pub(super) text: Option<String>,
}

/// One set of an account.
#[derive(Debug)]
pub struct OfSet {
    pub title: String,
    pub result: Result<Vec<Choice>, Fault>,
    /// Taken from the cache.
    pub is_cached: bool,
    /// Differences from the committed list; none where there was no list, or nothing came.
    pub changes: Option<Vec<Change>>,
}

/// What a list is written with, besides the values.
#[derive(Debug)]
pub(super) struct Base {
    /// The sets in use, with the values that are used.
    pub used: BTreeMap<String, BTreeSet<String>>,
    /// Whether that speaks for the whole project.
    pub whole: bool,
    pub today: String,
    pub keep_days: i64,
    /// The committed list's text when it was read.
    pub before: Option<String>,
}

impl OfAccount {
    /// The committed list's text as it is now, over what it held; none where nothing came.
    pub(super) fn render(&self, list: Option<&List>) -> Option<String> {
        let fetched =
            self.sets.iter().filter_map(|(set, one)| Some((set.as_str(), one.result.as_deref().ok()?)));
        let fetched: BTreeMap<&str, &[Choice]> = fetched.collect();
        if fetched.is_empty() {
            return None;
        }
        let update = Update {
            connector: &self.account.connector,
            account: &self.account.name,
            fetched,
            used: &self.base.used,
            whole: self.base.whole,
            today: &self.base.today,
            keep_days: self.base.keep_days,
        };
        Some(lock::render(&update, list))
    }
}

impl Fetched {
    /// The committed lists as they would be written now.
    #[must_use]
    pub fn files(&self) -> Files {
        let files = self.accounts.iter().filter_map(|one| Some((one.path.clone(), one.text.clone()?)));
        files.collect()
    }

    /// Whether a platform has something else than a committed list.
    #[must_use]
    pub fn has_moved(&self) -> bool {
        let mut sets = self.accounts.iter().flat_map(|account| account.sets.values());
        sets.any(|set| set.changes.as_ref().is_some_and(|changes| !changes.is_empty()))
    }

    /// What it is when not all came: that somebody did not let us in is said before that somebody did not answer well.
    #[must_use]
    pub fn failure(&self) -> Option<ErrorKind> {
        let sets = self.accounts.iter().flat_map(|account| account.sets.values());
        let kinds: Vec<http::FaultKind> =
            sets.filter_map(|set| Some(set.result.as_ref().err()?.kind)).collect();
        if kinds.contains(&http::FaultKind::Denied) {
            Some(ErrorKind::NotAllowed)
        } else if !kinds.is_empty() {
            Some(ErrorKind::Unreachable)
        } else {
            let is_held = self.notes.iter().any(|note| matches!(note, Note::HasErrors(_)));
            is_held.then_some(ErrorKind::Invalid)
        }
    }
}
