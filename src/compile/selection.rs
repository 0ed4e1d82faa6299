//! Which integrations are compiled.

use std::collections::BTreeSet;
use std::sync::Arc;

use jiff::civil::Date;

use super::levels::Floor;
use crate::model::pattern::any_means;

/// Which integrations to compile, and the day to judge them on; empty lists mean all, and names may be patterns.
#[derive(Debug, Clone, Default)]
pub struct Selection {
    /// The day that validity periods are judged by; `None`: the last one on which known data begins.
    pub today: Option<Date>,
    pub integrations: Vec<String>,
    pub exclude: Vec<String>,
    pub pairs: Vec<String>,
    /// The environment whose values and patches are laid over the integrations.
    pub environment: Option<String>,
    /// Of these only; `None`: no matter which.
    pub affected: Option<BTreeSet<String>>,
    /// Rules over several integrations see the selected ones alone, and not those beside them.
    pub alone: bool,
    /// What is compared with: read as well as can be, whatever versions of pairform it asks for.
    pub any_version: bool,
    /// In a comparison, the levels of its base.
    pub floor: Option<Arc<Floor>>,
    /// The levels that the last apply recorded.
    pub recorded: Option<Arc<Floor>>,
}

impl Selection {
    #[must_use]
    pub fn takes(&self, name: &str) -> bool {
        (self.integrations.is_empty() || any_means(&self.integrations, name))
            && !any_means(&self.exclude, name)
            && self.affected.as_ref().is_none_or(|affected| affected.contains(name))
    }

    #[must_use]
    pub fn takes_pair(&self, pair: &str) -> bool {
        self.pairs.is_empty() || any_means(&self.pairs, pair)
    }

    #[must_use]
    pub fn is_all(&self) -> bool {
        self.integrations.is_empty()
            && self.exclude.is_empty()
            && self.pairs.is_empty()
            && self.affected.is_none()
    }
}
