//! What an apply did, for people and for machines.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use super::json::Beside;
use super::{PIECE, clean, count};
use crate::apply::{Cause, Outcome, Report};
use crate::plan::Plan;
use crate::schema::parts::Catalogue;

/// Piece by piece: one line a category, integrations as headings, then the sum and what to do about the rest. A plan from a
/// file cannot be made to pass once somebody else has saved.
pub fn text(report: &Report, from_file: bool, take: &mut dyn FnMut(&str)) {
    let mut out = String::new();
    let mut heading = "";
    // A store that fails for one fails for all, with the same words.
    let mut told = "";
    for renamed in &report.renamed {
        let names = format!("{} → {}", clean(&renamed.from), clean(&renamed.to).bold());
        let _ = match &renamed.failed {
            None => writeln!(out, "{} {names} renamed", "✓".green()),
            Some(failure) => writeln!(out, "{} {names} not renamed: {}", "✗".red(), clean(&failure.reason)),
        };
    }
    for (integration, category, outcome) in &report.outcomes {
        if **integration != *heading {
            let _ = writeln!(out, "{}", clean(integration).bold());
            heading = integration;
        }
        let category = clean(category);
        let line = match outcome {
            Outcome::Saved { revision } => {
                format!("{} {category:<18} saved as revision {revision}", "✓".green())
            }
            Outcome::Unchanged { revision } => {
                format!("{} {category:<18} already saved as revision {revision} by this plan", "✓".green())
            }
            Outcome::Same { revision } => {
                format!("{} {category:<18} is so already, as revision {revision}", "✓".green())
            }
            Outcome::Conflict { reason, .. } => {
                format!("{} {category:<18} conflict: {}", "✗".red(), clean(reason))
            }
            Outcome::Failed { reason, .. } if *reason == *told => {
                format!("{} {category:<18} failed likewise", "✗".red())
            }
            Outcome::Failed { reason, .. } => {
                told = reason;
                format!("{} {category:<18} failed: {}", "✗".red(), clean(reason))
            }
            Outcome::Skipped { reason } => {
                format!("{} {category:<18} skipped: {}", "-".yellow(), clean(reason))
            }
        };
        let _ = writeln!(out, "  {line}");
        if out.len() > PIECE {
            take(&out);
            out.clear();
        }
    }
    if !report.renamed.is_empty() || !report.outcomes.is_empty() {
        out.push('\n');
    }
    match report.outcomes.len() {
        0 if !report.renamed.is_empty() => {
            let done = report.renamed.iter().filter(|renamed| renamed.failed.is_none()).count();
            let _ = writeln!(out, "{} renamed, nothing else to save.", count(done, "integration"));
        }
        0 if report.rules_at_once => {}
        0 => out.push_str("Nothing to save: what is deployed is what the files say.\n"),
        all if done(report) == all => {
            let _ = writeln!(out, "{}.", sum(report));
        }
        _ => {
            let _ = writeln!(out, "{}", format!("{}.", sum(report)).red().bold());
            out.push_str(if from_file && report.causes().any(|cause| cause == Cause::Stale) {
                "Make the plan anew and look at what changed: this one cannot save over what somebody else saved.\n"
            } else if report.interrupted {
                "Apply the same again to go on: what is saved is not saved again.\n"
            } else {
                "Run apply again once the cause is mended: what is saved is not saved again.\n"
            });
        }
    }
    if report.agreed > 0 {
        let _ = writeln!(
            out,
            "Noted that files and deployed settings agree in {}; no setting moved.",
            count(report.agreed, "category")
        );
    }
    out.push_str(match (report.rules_recorded, report.rules_at_once) {
        (true, true) => "The rules that the files say were recorded, and count at once.\n",
        (true, false) => "The rules that the files say were recorded.\n",
        (false, true) => "The rules that the files say are recorded already, and count.\n",
        (false, false) => "",
    });
    if let Some(failure) = &report.unfinished {
        let said = format!("It could not be noted that the plan is done: {}.", clean(&failure.reason));
        let _ = writeln!(out, "{}", said.red().bold());
        out.push_str("Apply the plan again once the cause is mended: nothing is saved twice.\n");
    }
    take(&out);
}

/// Whether an outcome left the category as the plan wants it.
#[must_use]
pub fn is_saved(outcome: &Outcome) -> bool {
    outcome.is_done()
}

/// How many categories were saved now, how many before by the same plan, how many were so already, and how many were not saved.
#[must_use]
pub fn sum(report: &Report) -> String {
    let (already, same, done) = (already(report), same(report), done(report));
    let parts = [
        (done - already - same, "saved"),
        (already, "already saved by this plan"),
        (same, "as wanted already"),
        (report.outcomes.len() - done, "not saved"),
    ];
    let mut said = String::new();
    for (number, what) in parts.into_iter().filter(|(number, _)| *number > 0) {
        said.push_str(&match said.is_empty() {
            true => format!("{} {what}", count(number, "category")),
            false => format!(", {number} {what}"),
        });
    }
    if said.is_empty() { format!("{} saved", count(0, "category")) } else { said }
}

fn done(report: &Report) -> usize {
    report.outcomes.iter().filter(|(_, _, outcome)| is_saved(outcome)).count()
}

fn already(report: &Report) -> usize {
    report.outcomes.iter().filter(|(_, _, outcome)| matches!(outcome, Outcome::Unchanged { .. })).count()
}

fn same(report: &Report) -> usize {
    report.outcomes.iter().filter(|(_, _, outcome)| matches!(outcome, Outcome::Same { .. })).count()
}

/// Prints the plan's JSON with each category's outcome, piece by piece; the plan is as it was afterwards.
pub fn print_json(
    plan: &mut Plan,
    report: &Report,
    catalogue: &Catalogue,
    exit_code: u8,
    take: &mut dyn FnMut(&str),
) {
    let renamed: BTreeMap<&str, bool> =
        report.renamed.iter().map(|renamed| (renamed.to.as_str(), renamed.failed.is_none())).collect();
    let one = |integration: &mut Json| {
        let name = integration["integration"].as_str().unwrap_or_default().to_owned();
        if let Some(renamed) = renamed.get(name.as_str()) {
            integration["renamed"] = (*renamed).into();
        }
        for category in integration["categories"].as_array_mut().into_iter().flatten() {
            let outcome = report.outcome_of(&name, category["category"].as_str().unwrap_or_default());
            let outcome = outcome.map_or_else(
                || json!({"outcome": "unchanged"}),
                |outcome| serde_json::to_value(outcome).unwrap_or_default(),
            );
            for (key, value) in outcome.as_object().into_iter().flatten() {
                category[key] = value.clone();
            }
        }
    };
    let whole = |body: &mut Json| {
        if let Some(failure) = &report.unfinished {
            body["unfinished"] = failure.reason.as_str().into();
        }
        if report.agreed > 0 {
            body["agreed"] = report.agreed.into();
        }
        body["rules_recorded"] = report.rules_recorded.into();
        body["summary"]["saved"] = (done(report) - same(report)).into();
        body["summary"]["already_saved"] = already(report).into();
        body["summary"]["not_saved"] = (report.outcomes.len() - done(report)).into();
    };
    super::json::print_plan_beside(
        plan,
        "apply",
        catalogue,
        exit_code,
        &Beside { whole: &whole, one: &one },
        take,
    );
}
