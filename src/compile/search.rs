//! Several texts looked for at once in the files of a project.

use aho_corasick::AhoCorasick;

/// Looks for several texts at once, in whichever case they are written.
pub(super) struct Search {
    texts: AhoCorasick,
    /// How many there are; behind them stands the beginning of an expression.
    count: usize,
}

impl Search {
    /// For these; `None` where they are too many to be looked for at once.
    pub(super) fn of(texts: &[&str]) -> Option<Self> {
        let all = texts.iter().copied().chain(["{{"]);
        let built = AhoCorasick::builder().ascii_case_insensitive(true).build(all);
        built.ok().map(|found| Search { texts: found, count: texts.len() })
    }

    /// Marks those that a text holds. What an expression yields is not seen, so that it may be any of them.
    pub(super) fn mark(&self, text: &str, seen: &mut [bool]) {
        for found in self.texts.find_overlapping_iter(text) {
            match found.pattern().as_usize() {
                number if number < self.count => seen[number] = true,
                _ => return seen.fill(true),
            }
        }
    }
}
