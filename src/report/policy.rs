//! Changes of policy, in words. They stand before all else in every form.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use owo_colors::OwoColorize as _;

use super::clean;
use crate::plan::policy::{Direction, PolicyChange};

/// What a change of a rule means, in one word.
#[must_use]
pub fn word(direction: Direction) -> &'static str {
    match direction {
        Direction::Other => "changed",
        Direction::Weaker => "weaker",
        Direction::Stricter => "stricter",
    }
}

/// Whether somebody has to look: all that is not plainly stricter.
#[must_use]
pub fn needs_a_look(changes: &[PolicyChange]) -> bool {
    changes.iter().any(|change| change.direction != Direction::Stricter)
}

/// How many there are, and of which kinds.
#[must_use]
pub fn sum(changes: &[PolicyChange]) -> Option<String> {
    if changes.is_empty() {
        return None;
    }
    let number = |direction| changes.iter().filter(|change| change.direction == direction).count();
    let kinds = [Direction::Weaker, Direction::Stricter].map(|kind| (number(kind), word(kind)));
    let kinds =
        kinds.iter().filter(|(number, _)| *number > 0).map(|(number, word)| format!("{number} {word}"));
    let kinds = kinds.collect::<Vec<_>>().join(", ");
    let kinds = if kinds.is_empty() { kinds } else { format!(" ({kinds})") };
    let number =
        if changes.len() == 1 { "1 change".to_owned() } else { format!("{} changes", changes.len()) };
    Some(format!("{number} of policy{kinds}"))
}

/// Whose review they need, sorted.
#[must_use]
pub fn owners(changes: &[PolicyChange]) -> BTreeSet<&str> {
    changes.iter().flat_map(|change| &change.owners).map(String::as_str).collect()
}

/// Where a change is written.
#[must_use]
pub fn place(change: &PolicyChange) -> Option<String> {
    Some(format!("{}:{}", change.path.as_ref()?, change.line.unwrap_or(1)))
}

/// A change in one sentence.
#[must_use]
pub fn sentence(change: &PolicyChange) -> String {
    match change.direction {
        Direction::Other => format!("{} {}", change.item, change.told()),
        direction => format!("{} is {}: {}", change.item, word(direction), change.told()),
    }
}

/// All of them as text; nothing where there is none.
#[must_use]
pub fn text(changes: &[PolicyChange]) -> String {
    let mut out = String::new();
    if changes.is_empty() {
        return out;
    }
    let review: Vec<String> = owners(changes).into_iter().map(clean).collect();
    let review = match review.as_slice() {
        [] => String::new(),
        owners => format!("   review: {}", owners.join(", ")),
    };
    let _ = writeln!(out, "{}{review}", "Changes of policy, which judge what follows:".bold());
    lines(changes, "  ", &mut out);
    out.push('\n');
    out
}

/// A line a change.
pub fn lines(changes: &[PolicyChange], indent: &str, out: &mut String) {
    let width = changes.iter().map(|change| clean(&change.item).chars().count()).max().unwrap_or(0).min(60);
    for change in changes {
        let kind = format!("{:<8}", word(change.direction));
        let kind = match change.direction {
            Direction::Other => kind.magenta().bold().to_string(),
            Direction::Weaker => kind.red().bold().to_string(),
            Direction::Stricter => kind.green().to_string(),
        };
        let place = place(change).map(|place| format!("   {}", clean(&place).dimmed())).unwrap_or_default();
        let _ = writeln!(
            out,
            "{indent}{kind}  {:<width$}  {}{place}",
            clean(&change.item),
            clean(&change.told())
        );
    }
}
