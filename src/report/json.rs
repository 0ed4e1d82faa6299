//! The machine form: one JSON value, versioned, its schema in `schemas/output/`.

use serde_json::{Value as Json, json};

use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::text::outward_json;
use crate::diagnostic::{Finding, Severity, counts};
use crate::plan::policy::PolicyChange;
use crate::plan::{FORMAT_VERSION, Integration, Plan};
use crate::source::Sources;

use super::PIECE;
use super::groups::Groups;
use crate::schema::parts::Catalogue;

/// One finding.
#[must_use]
pub fn finding(finding: &Finding, sources: &Sources) -> Json {
    serde_json::to_value(PlacedFinding::of(finding, sources)).unwrap_or_default()
}

/// All findings.
#[must_use]
pub fn findings(findings: &[Finding], sources: &Sources) -> Vec<Json> {
    findings.iter().map(|each| finding(each, sources)).collect()
}

/// What `validate` prints.
#[must_use]
pub fn validate(
    all: &[Finding],
    sources: &Sources,
    integrations: usize,
    policy: Option<&[PolicyChange]>,
    exit_code: u8,
) -> Json {
    let counts = counts(all);
    let of = |severity| counts.get(&severity).copied().unwrap_or(0);
    let mut body = json!({"format_version": FORMAT_VERSION, "command": "validate", "exit_code": exit_code});
    if let Some(policy) = policy {
        body["policy_changes"] = serde_json::to_value(policy).unwrap_or_default();
    }
    body["findings"] = findings(all, sources).into();
    body["summary"] = json!({
        "integrations": integrations,
        "errors": of(Severity::Error),
        "warnings": of(Severity::Warning),
        "notes": of(Severity::Note),
    });
    body
}

/// Pretty text with a final newline.
#[must_use]
pub fn print(json: &Json) -> String {
    outward_json(format!("{json:#}\n"))
}

/// What `plan` prints, as a value that other commands build on. What only a save needs stays in the plan file.
#[must_use]
pub fn plan(plan: &Plan, command: &str, exit_code: u8) -> Json {
    let mut body = serde_json::to_value(plan).unwrap_or_default();
    body["command"] = command.into();
    body["exit_code"] = exit_code.into();
    body["integrations"].as_array_mut().into_iter().flatten().for_each(without_saves);
    body
}

fn without_saves(integration: &mut Json) {
    for category in integration["categories"].as_array_mut().into_iter().flatten() {
        if let Json::Object(category) = category {
            category.shift_remove("save");
            if let Some(agreed) = category.get_mut("agreed") {
                *agreed = true.into();
            }
        }
    }
}

/// What a command has to say beside a plan.
pub struct Beside<'a> {
    /// Of the whole.
    pub whole: &'a dyn Fn(&mut Json),
    /// Of one integration.
    pub one: &'a (dyn Fn(&mut Json) + Sync),
}

/// The text of [`plan`], piece by piece; the plan is as it was afterwards.
pub fn print_plan(
    plan: &mut Plan,
    command: &str,
    catalogue: &Catalogue,
    exit_code: u8,
    take: &mut dyn FnMut(&str),
) {
    print_plan_beside(plan, command, catalogue, exit_code, &Beside { whole: &|_| {}, one: &|_| {} }, take);
}

/// As [`print_plan`], with more in it.
pub fn print_plan_beside(
    plan: &mut Plan,
    command: &str,
    catalogue: &Catalogue,
    exit_code: u8,
    beside: &Beside<'_>,
    take: &mut dyn FnMut(&str),
) {
    let groups = Groups::of(&plan.integrations, catalogue).to_json();
    let integrations = std::mem::take(&mut plan.integrations);
    let mut rest = self::plan(plan, command, exit_code);
    if let Json::Object(body) = &mut rest {
        // What a reader wants first comes first.
        let at = body.keys().position(|key| key == "integrations").unwrap_or(body.len());
        body.shift_insert(at, "groups".to_owned(), groups);
    }
    (beside.whole)(&mut rest);
    let rest = print(&rest);
    let one = |integration: &Integration| {
        let mut json = serde_json::to_value(integration).unwrap_or_default();
        without_saves(&mut json);
        (beside.one)(&mut json);
        outward_json(format!("\n{json:#}").replace('\n', "\n    "))
    };
    // No text in JSON holds a line end, so this is the key of the whole and of nothing in it.
    match rest.split_once("\n  \"integrations\": []").filter(|_| !integrations.is_empty()) {
        Some((before, after)) => {
            let mut piece = format!("{before}\n  \"integrations\": [");
            let mut comma = "";
            integrations.map_each(one, &mut |text| {
                piece.push_str(comma);
                piece.push_str(&text);
                comma = ",";
                if piece.len() >= PIECE {
                    take(&piece);
                    piece.clear();
                }
            });
            piece.push_str("\n  ]");
            piece.push_str(after);
            take(&piece);
        }
        None => take(&rest),
    }
    plan.integrations = integrations;
}
