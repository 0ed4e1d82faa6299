//! `drift`: what was changed in the store and not in the files.

use std::collections::BTreeMap;

use super::args::{Common, Drift, Form};
use super::deployed;
use super::exit::{self, Stop};
use super::forms;
use super::project::{self, Project};
use super::streams::Streams;
use crate::model::Value;
use crate::plan::{self, Action, CategoryPlan, Change, Plan, outside};
use crate::report::{history, json};
use crate::store::{self, OUTSIDE, Store};

/// Runs the command.
///
/// # Errors
/// When there is no project, or the store cannot be read.
pub fn run(common: &Common, args: &Drift, streams: &mut Streams) -> Result<u8, Stop> {
    let opened = project::open(common)?;
    let mut plan = super::plan::make(common, &opened)?;
    let (_, url) = opened.store(common)?;
    to_drift(&mut plan, &opened, store::open_existing(&url)?)?;
    let drifted = plan
        .integrations
        .iter()
        .flat_map(|integration| &integration.categories)
        .any(|category| !category.changes.is_empty());
    let code = if drifted && args.detailed_exitcode { exit::PENDING } else { exit::OK };
    match common.output {
        Form::Json => streams.result(&json::print(&json::plan(&plan, "drift", code))),
        Form::Text => streams.result(&history::drift_text(&plan)),
        _ => forms::print(common, &super::plan::content("drift", &opened, &plan), streams)?,
    }
    Ok(code)
}

/// Puts what drifted in the place of what would be saved.
fn to_drift(plan: &mut Plan, opened: &Project, store: Option<Box<dyn Store>>) -> Result<(), Stop> {
    "drift".clone_into(&mut plan.command);
    plan.refusals.clear();
    let names: Vec<String> =
        plan.integrations.iter().map(|integration| integration.integration.clone()).collect();
    let mut moved = BTreeMap::new();
    if let Some(mut store) = store {
        let read = deployed::read(store.as_mut(), &opened.compilation, Some(&names))?;
        // Where an apply saved last, nothing was changed since.
        let edited = read.rows.iter().filter(|deployed| deployed.saved_by == OUTSIDE);
        let mut suspects: Vec<(String, String)> =
            edited.map(|deployed| (deployed.integration.clone(), deployed.category.clone())).collect();
        suspects.extend(missing(plan, &read));
        for (integration, category) in suspects {
            let compiled =
                opened.compilation.integrations.iter().find(|compiled| compiled.name == integration);
            let name = read.renamed.get(&integration).unwrap_or(&integration);
            let mut past = deployed::history(store.as_mut(), name, &category)?;
            if let Some(compiled) = compiled {
                for settings in past.iter_mut().filter_map(|save| save.settings.as_mut().ok()) {
                    *settings = deployed::present(compiled, &category, std::mem::take(settings));
                }
            }
            // What cannot be used is passed over: what it did shows in the next save that can.
            let versions: Vec<outside::Version<'_>> = past
                .iter()
                .filter_map(|past| {
                    Some(outside::Version {
                        settings: past.settings.as_ref().ok()?,
                        saved_by: &past.saved_by,
                        saved_at: &past.saved_at,
                        applied: past.run.is_some(),
                    })
                })
                .collect();
            let desired = compiled.and_then(|compiled| compiled.configuration.categories.get(&category));
            let found = outside::moved(&versions, desired);
            moved.insert((integration, category), found);
        }
    }
    for integration in &mut plan.integrations {
        integration.renamed_from = None;
        for category in &mut integration.categories {
            let key = (integration.integration.clone(), category.category.clone());
            show(category, moved.remove(&key).unwrap_or_default());
        }
    }
    let (errors, warnings, notes) = (plan.summary.errors, plan.summary.warnings, plan.summary.notes);
    plan.summary = plan::summarize(&plan.integrations);
    (plan.summary.errors, plan.summary.warnings, plan.summary.notes) = (errors, warnings, notes);
    plan::file::seal(plan);
    Ok(())
}

/// Categories that are not deployed although others of their integration are: somebody may have deleted them.
fn missing(plan: &Plan, read: &deployed::Read) -> Vec<(String, String)> {
    let mut missing = Vec::new();
    for integration in &plan.integrations {
        let name = &integration.integration;
        if !read.rows.iter().any(|row| row.integration == *name) {
            continue;
        }
        let gone = integration.categories.iter().filter(|category| category.revision.is_none());
        missing.extend(gone.map(|category| (name.clone(), category.category.clone())));
    }
    missing
}

fn show(category: &mut CategoryPlan, moved: Vec<outside::Moved>) {
    let json = |value: &Option<Value>| value.as_ref().map_or(serde_json::Value::Null, Value::to_json);
    let planned = std::mem::take(&mut category.changes);
    category.changes = moved
        .into_iter()
        .map(|moved| {
            let setting = moved.path.to_string();
            // Where the files mention it, they say where.
            let place = planned.iter().find(|change| change.setting == setting);
            Change {
                kind: moved.kind(),
                before: json(&moved.before),
                after: json(&moved.after),
                before_label: None,
                after_label: place.and_then(|change| change.before_label.clone()),
                origin: moved.origin,
                last_applied: None,
                effect: place.map_or_else(|| "next-sync".to_owned(), |change| change.effect.clone()),
                path: place.and_then(|change| change.path.clone()),
                line: place.and_then(|change| change.line),
                touched: None,
                since: Some(moved.since),
                by: Some(moved.by),
                setting,
            }
        })
        .collect();
    category.save = None;
    category.next_sync = None;
    category.blocked.clear();
    category.action = match category.action {
        Action::NotManaged if category.changes.is_empty() => Action::NotManaged,
        _ if category.changes.is_empty() => Action::None,
        _ => Action::Update,
    };
}
