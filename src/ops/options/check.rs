//! The configuration judged by what the platforms have today. Nothing is written.

use std::time::Duration;

use serde_json::Value as Json;

use super::fetched::{Fetched, OfAccount};
use crate::compile::{Compilation, Compiled, Judged, Whole, redact};
use crate::diagnostic::codes::options as codes;
use crate::diagnostic::{About, Finding, clean, sort_and_merge};
use crate::ops::error::Result;
use crate::ops::host::Host;
use crate::ops::project::{self, Project};
use crate::ops::request::Request;
use crate::ops::workspace::Workspace;
use crate::options::lock::Change;
use crate::schema::options_of;
use crate::source::Span;

/// How old a committed list may be where nobody says otherwise.
const LIST_DAYS: u64 = 30;

/// What was found.
pub struct Checked {
    /// The project with the lists as they would be written now, of which the findings speak.
    pub workspace: Workspace,
    /// Sorted, one per mistake.
    pub findings: Vec<Finding>,
    /// Places that hold a credential, which are not shown.
    pub hidden: Vec<Span>,
}

/// Judges what a request takes by what was fetched. A committed list may be as old as `max_list_age` says, else the project.
///
/// # Errors
/// When the request names what does not exist.
pub fn check_options(
    opened: &Project<'_, Whole>,
    request: &Request,
    fetched: &Fetched,
    max_list_age: Option<Duration>,
    host: &Host<'_>,
) -> Result<Checked> {
    let selection = opened.workspace.selection(request, host)?;
    let workspace = opened.workspace.overlay(&fetched.files());
    let fresh = project::compile(&workspace, selection, host, Judged::lower)?.compilation;
    let of_options = |finding: &&Finding| finding.code.id.get(1..3) == Some("05");
    let mut findings: Vec<Finding> = fresh.findings.iter().filter(of_options).cloned().collect();
    findings.extend(renamed(&fresh, fetched));
    let allowed = opened.compilation.project.options.max_list_days();
    let days = max_list_age.map(|age| age.as_secs() / 86_400).or(allowed).unwrap_or(LIST_DAYS);
    findings.extend(old(opened, &workspace, fetched, days, host));
    findings.extend(missing(opened, &workspace, fetched));
    sort_and_merge(&mut findings, workspace.sources());
    let hidden = [fresh.hidden, redact::suspicious(workspace.sources(), &findings)].concat();
    Ok(Checked { workspace, findings, hidden })
}

/// Values in use whose label is another one in the platform now.
fn renamed(compilation: &Compilation, fetched: &Fetched) -> Vec<Finding> {
    let mut findings = Vec::new();
    for compiled in &compilation.integrations {
        let mine = |one: &&OfAccount| one.account.integrations.contains(&compiled.name);
        for one in fetched.accounts.iter().filter(mine) {
            for (set, of_set) in &one.sets {
                for change in of_set.changes.iter().flatten() {
                    let Change::Renamed { value, before, after } = change else { continue };
                    let title = format!("{} {}", one.account.descriptor.title, of_set.title);
                    let quoted = clean(&Json::from(value.as_str()).to_string());
                    for (category, path, span) in uses(compiled, &one.account.connector, set, value) {
                        let about = About {
                            integration: Some(compiled.name.clone()),
                            category: Some(category),
                            setting: Some(path.clone()),
                        };
                        let finding = codes::option_renamed(&path, &quoted, before, after, &title, span);
                        findings.push(finding.about(about));
                    }
                }
            }
        }
    }
    findings
}

/// Where an integration uses a value of a set: category, setting and place.
fn uses(compiled: &Compiled, connector: &str, set: &str, value: &str) -> Vec<(String, String, Span)> {
    let mut uses = Vec::new();
    for (id, settings) in &compiled.configuration.categories {
        let Some(category) = compiled.pair.category(id) else { continue };
        for (path, written) in &**settings {
            let schema = category.schema_at(path);
            let fits =
                schema.and_then(options_of) == Some((connector, set)) && holds(&written.to_json(), value);
            let span = compiled.origins.get(id).and_then(|origins| origins.get(path));
            if let (true, Some(span)) = (fits, span) {
                uses.push((id.to_string(), path.to_string(), *span));
            }
        }
    }
    uses
}

fn holds(written: &Json, value: &str) -> bool {
    match written {
        Json::String(text) => text == value,
        Json::Number(number) => number.to_string() == value,
        Json::Array(items) => items.iter().any(|item| holds(item, value)),
        // A record with days; no code is written as a day is.
        Json::Object(record) => record.values().any(|item| holds(item, value)),
        _ => false,
    }
}

/// Committed lists that are older than allowed.
fn old(
    opened: &Project<'_, Whole>,
    fresh: &Workspace,
    fetched: &Fetched,
    days: u64,
    host: &Host<'_>,
) -> Vec<Finding> {
    let Compilation { options, catalogue, .. } = &opened.compilation;
    options.outdated(fresh.sources(), catalogue, host.today(), days, |connector, account, set| {
        let mut accounts = fetched.accounts.iter();
        accounts.any(|one| {
            one.account.connector == connector && one.account.name == account && one.sets.contains_key(set)
        })
    })
}

/// Sets in use that no committed list has.
fn missing(opened: &Project<'_, Whole>, fresh: &Workspace, fetched: &Fetched) -> Vec<Finding> {
    let Compilation { options, integrations, .. } = &opened.compilation;
    let mut findings = Vec::new();
    for one in &fetched.accounts {
        let list = options.list(&one.account.connector, &one.account.name);
        let first = one.account.integrations.first();
        let mut compiled = integrations.iter().map(|whole| &whole.compiled);
        let Some(compiled) = compiled.find(|compiled| Some(&compiled.name) == first) else { continue };
        let file = fresh.sources().by_path(opened.workspace.sources().path(compiled.place));
        let place = file.map_or(compiled.place, |file| Span { file, ..compiled.place });
        for (set, of_set) in &one.sets {
            if list.is_none_or(|list| !list.sets.contains_key(set)) {
                let title = format!("{} {}", one.account.descriptor.title, of_set.title);
                let about = About { integration: first.cloned(), ..About::default() };
                findings.push(codes::option_list_missing(&title, &one.account.name, place).about(about));
            }
        }
    }
    findings
}
