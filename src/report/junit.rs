//! JUnit: a suite an integration with a failing case for each error, one of the errors that several have, and one of the changes with a case a
//! group; of an apply, and of drift, a case a category.

use std::collections::BTreeMap;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::apply::is_saved;
use super::content::{By, Content, Item, state};
use super::{clean, clean_text};
use crate::plan::Integration;

/// The suite of what was found in several integrations.
const SEVERAL: &str = "several integrations";

/// The XML document.
#[must_use]
pub fn render(content: &Content<'_>) -> String {
    let mut report = Report::new(format!("pairform {}", content.command));
    let mut suites = BTreeMap::<String, Vec<TestCase>>::new();
    let remarks = content.remarks();
    let (policy, remarks): (Vec<&Item>, Vec<&Item>) = remarks.iter().partition(|remark| remark.is_policy());
    let by_change = content.by == By::Change && content.outcome.is_none();
    let is_change = |remark: &Item| remark.code.starts_with("plan-") && remark.code != "plan-refused";
    let is_told = |remark: &Item| by_change || !is_change(remark) || remark.code == "plan-released";
    for remark in remarks.into_iter().filter(|remark| is_told(remark)) {
        let suite = match remark.integration.as_str() {
            _ if is_change(remark) => "changes".to_owned(),
            name if remark.others.iter().any(|other| other.integration != name) => SEVERAL.to_owned(),
            "" => "project".to_owned(),
            name => name.to_owned(),
        };
        suites.entry(suite).or_default().push(case(remark));
    }
    let mut add = |integration: &Integration| {
        let cases = suites.entry(integration.integration.clone()).or_default();
        for category in integration.categories.iter().filter(|category| category.action.saves()) {
            let outcome = content
                .outcome
                .and_then(|report| report.outcome_of(&integration.integration, &category.category));
            if outcome.is_some_and(|outcome| !is_saved(outcome)) {
                continue; // It stands among the remarks, as a failure.
            }
            let said = content.outcome_of(&integration.integration, &category.category);
            let said = said.unwrap_or_else(|| {
                let moved = super::count(category.changes.len(), "setting");
                match content.command {
                    "drift" => format!("{moved} changed outside"),
                    _ => format!("{}: {moved} to save", state(category)),
                }
            });
            let mut case = TestCase::new(clean(&category.category), TestCaseStatus::success());
            case.set_classname(clean(&integration.integration));
            case.set_system_out(clean_text(&said));
            cases.push(case);
        }
    };
    if let Some(plan) = content.plan.filter(|_| !by_change) {
        plan.integrations.for_each(&mut add);
    }
    if suites.values().all(Vec::is_empty) && policy.is_empty() {
        let mut case = TestCase::new(clean(&content.verdict()), TestCaseStatus::success());
        case.set_classname("project");
        suites.entry("project".to_owned()).or_default().push(case);
    }
    if !policy.is_empty() {
        let mut suite = TestSuite::new("changes of policy");
        suite.add_test_cases(policy.into_iter().map(case));
        report.add_test_suite(suite);
    }
    for (name, cases) in suites.into_iter().filter(|(_, cases)| !cases.is_empty()) {
        let mut suite = TestSuite::new(clean(&name));
        suite.add_test_cases(cases);
        report.add_test_suite(suite);
    }
    // Writing to a text cannot fail.
    report.to_string().unwrap_or_default()
}

fn case(remark: &Item) -> TestCase {
    let about: Vec<&str> = [&remark.category, &remark.setting]
        .into_iter()
        .map(String::as_str)
        .filter(|text| !text.is_empty())
        .collect();
    let place = format!("{}:{}:{}", remark.path, remark.line, remark.column);
    let name = if about.is_empty() {
        format!("{} {place}", remark.code)
    } else {
        format!("{} {}", remark.code, about.join("."))
    };
    let mut text =
        vec![format!("{}[{}]: {}", remark.severity, remark.code, remark.message), format!("  --> {place}")];
    text.extend(remark.notes.iter().map(|note| format!("note: {note}")));
    text.extend((!remark.help.is_empty()).then(|| format!("help: {}", remark.help)));
    text.extend(remark.elsewhere(usize::MAX));
    let text = clean_text(&text.join("\n"));
    let failed = remark.severity == "error";
    let mut status =
        if failed { TestCaseStatus::non_success(NonSuccessKind::Failure) } else { TestCaseStatus::success() };
    if failed {
        status
            .set_message(clean(&remark.message))
            .set_type(clean(&remark.code))
            .set_description(text.as_str());
    }
    let mut case = TestCase::new(clean(&name), status);
    let suite = if remark.integration.is_empty() { "project" } else { &remark.integration };
    case.set_classname(clean(suite));
    if !failed {
        case.set_system_out(text);
    }
    case
}
