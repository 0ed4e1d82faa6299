//! One integration at a glance, as a list of all shows it.

use std::collections::BTreeMap;

use crate::plan::{Mode, Readiness};

/// One integration.
#[derive(Debug, Clone)]
pub struct Glance {
    pub id: String,
    pub name: String,
    /// Empty where it is not known.
    pub pair: String,
    pub title: String,
    pub mode: Mode,
    pub readiness: Readiness,
    /// Settings that were changed where they are deployed.
    pub outside: usize,
    /// Titles of the categories that the files leave to people, where the files have it.
    pub unmanaged: Option<Vec<String>>,
    /// An apply set something of it, and no file has it any more.
    pub is_released: bool,
    pub saved_at: String,
    pub saved_by: String,
    /// Why it cannot be shown.
    pub unusable: Option<String>,
}

impl Glance {
    /// Whether a person should look.
    #[must_use]
    pub fn needs_a_look(&self) -> bool {
        self.readiness.set < self.readiness.required || self.outside > 0 || self.unusable.is_some()
    }
}

/// What was found of each integration, and the revisions of its categories that it was found of.
#[derive(Debug, Default)]
pub struct Found {
    pub of: BTreeMap<String, (String, Glance)>,
}
