//! What changed of the rules that judge, for people: told before anything that they judge.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;

use super::{clean, count};
use crate::plan::Plan;
use crate::plan::policy::{Direction, PolicyChange};

/// The heading, and a line a rule; nothing where none changed.
#[must_use]
pub fn text(plan: &Plan) -> String {
    let mut out = String::new();
    if plan.policy_changes.is_empty() {
        return out;
    }
    let heading = match plan.comparison {
        Some(_) => "Changes of the rules that judge:",
        None => "Changes of the rules that judge, since the last apply:",
    };
    let _ = writeln!(out, "{}", heading.bold());
    lines(&plan.policy_changes, "  ", &mut out);
    if plan.comparison.is_none() && weaker(plan) > 0 {
        out.push_str("What is weaker counts from the first apply of another commit on.\n");
    }
    out.push('\n');
    out
}

/// A line a rule.
pub fn lines(changes: &[PolicyChange], indent: &str, out: &mut String) {
    for change in changes {
        let word = format!("{:<8}", change.direction.as_str());
        let word = match change.direction {
            Direction::Weaker => word.red().bold().to_string(),
            Direction::Stricter => word.green().to_string(),
            Direction::Other => word.yellow().to_string(),
        };
        let _ = writeln!(out, "{indent}{word}  {}  {}", clean(&change.item), clean(&change.told()));
    }
}

/// How many of the changes let something pass that was refused.
#[must_use]
pub fn weaker(plan: &Plan) -> usize {
    plan.policy_changes.iter().filter(|change| change.direction == Direction::Weaker).count()
}

/// In one breath: `3 rules that judge change, 1 of them weaker`.
#[must_use]
pub fn verdict(plan: &Plan) -> Option<String> {
    let number = plan.policy_changes.len();
    let weaker = match weaker(plan) {
        0 => String::new(),
        weaker if weaker == number => ", weaker".to_owned(),
        weaker => format!(", {weaker} of them weaker"),
    };
    (number > 0).then(|| format!("{} that judge changed{weaker}", count(number, "rule")))
}
