//! What applying needs from outside, and what it tells while it goes on. Nothing is done here.

use crate::http::Fault;
use crate::model::Name;
use crate::plan::Plan;
use crate::store::{Lock, Origin, Store, StoreError};

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
    /// What whoever applies has to hold as well, for each save; none where nothing has to be held.
    pub lease: Option<&'a Lock>,
    /// What this run did before it was interrupted; none where it is no run of a plan that was saved.
    pub begun: Option<&'a Begun>,
    /// Records what judges and what the files say, once the plan is begun and is not stale; true where that was news.
    pub record: &'a dyn Fn(&mut dyn Store) -> Result<bool, StoreError>,
}

/// What a run did before it was interrupted.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Begun {
    /// Integration, category, and the revision that it was saved as; sorted.
    pub saved: Vec<(Name, Name, u64)>,
    /// Integrations that were given another id: the former, the present one.
    pub renamed: Vec<(String, String)>,
    /// The plan saves something at all.
    pub is_pending: bool,
}

impl Begun {
    /// Whether this run saved a category.
    #[must_use]
    pub fn has_saved(&self, integration: &str, category: &str) -> bool {
        let key =
            |(name, id, _): &(Name, Name, u64)| (name.as_str(), id.as_str()).cmp(&(integration, category));
        self.saved.binary_search_by(key).is_ok()
    }
}

/// What a run is made from, beside its commit.
pub(super) fn origin(plan: &Plan) -> Origin<'_> {
    plan.commit.as_ref().map_or_else(Origin::default, |commit| Origin {
        author: commit.author.as_deref(),
        dirty: commit.dirty,
    })
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
