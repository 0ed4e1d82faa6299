//! One integration at a glance, as a list of all shows it.

use std::collections::BTreeMap;
use std::sync::Arc;

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
    /// Settings that git changed and no apply saved yet.
    pub waits: usize,
    /// Its files have errors.
    pub is_broken: bool,
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
    /// Whether a person should look. What only waits for an apply is asked for by itself.
    #[must_use]
    pub fn needs_a_look(&self) -> bool {
        self.readiness.set < self.readiness.required
            || self.outside > 0
            || self.unusable.is_some()
            || self.is_broken
    }
}

/// What is in the repository beside the integrations that there are.
#[derive(Debug, Clone, Default)]
pub struct Repository {
    /// Those that wait for their first apply.
    pub first: Vec<String>,
    /// Those whose files have errors.
    pub broken: Vec<String>,
    /// The first of these errors, each with its place.
    pub errors: Vec<(String, String)>,
}

/// What was found of each integration, and the revisions of its categories that it was found of.
#[derive(Debug, Default)]
pub struct Found {
    pub of: BTreeMap<String, (String, Arc<Glance>)>,
}
