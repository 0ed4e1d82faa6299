//! How much of a report there is room for: the first so many units, and no text longer than a reader can take.

use std::collections::BTreeMap;

use super::clean_text;

/// The longest text of a value or message that an outline holds.
const LONGEST: usize = 240;
pub(super) struct Counter {
    /// So many were asked for.
    pub(super) next: usize,
    budget: usize,
    pub(super) dropped: BTreeMap<&'static str, usize>,
}

impl Counter {
    pub(super) fn new(budget: usize) -> Self {
        Counter { next: 0, budget, dropped: BTreeMap::new() }
    }

    pub(super) fn take(&mut self, what: &'static str) -> bool {
        let kept = self.next < self.budget;
        self.next += 1;
        if !kept {
            *self.dropped.entry(what).or_default() += 1;
        }
        kept
    }
}

/// Harmless, and no longer than a reader can take.
pub(super) fn text(text: &str) -> String {
    let text = clean_text(text);
    if text.chars().count() <= LONGEST {
        return text;
    }
    let short: String = text.chars().take(LONGEST).collect();
    format!("{short}… ({} characters)", text.chars().count())
}
