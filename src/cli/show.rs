//! `show`: a saved plan, or an integration as it is compiled.

use std::fs::File;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::args::{Common, Form, Show};
use super::exit::{self, Stop};
use super::forms;
use super::project::{self, Project};
use super::streams::Streams;
use crate::compile::{Compiled, Judged, Selection, Whole};
use crate::model::{CONNECTORS, FLOWS, SCHEDULES, SettingPath, WEBHOOKS};
use crate::plan::{self, FORMAT_VERSION};
use crate::report::content::Content;
use crate::report::show::Origins;
use crate::report::{self, json as machine};
use crate::schema::parts::Catalogue;

/// Runs the command.
///
/// # Errors
/// When there is no such plan and no such integration.
pub fn run(common: &Common, args: &Show, streams: &mut Streams) -> Result<u8, Stop> {
    if let Some(file) = plan_file(Path::new(&args.what)) {
        return show_plan(common, &args.what, file, streams);
    }
    let (root, sources) = project::read(common)?;
    let selection =
        Selection { integrations: vec![args.what.clone()], ..project::selection(common, &root, &sources)? };
    let opened = project::compile_with(root, sources, selection, Judged::whole)?;
    show_integration(common, &opened, &args.what, streams)
}

/// What can be opened and is no folder.
fn plan_file(path: &Path) -> Option<File> {
    let file = File::open(path).ok()?;
    file.metadata().is_ok_and(|about| about.is_file()).then_some(file)
}

fn show_plan(common: &Common, name: &str, file: File, streams: &mut Streams) -> Result<u8, Stop> {
    let mut plan =
        plan::file::read(file).map_err(|error| Stop::usage(format!("{name} cannot be shown: {error}")))?;
    match common.output {
        Form::Json => machine::print_plan(&mut plan, "plan", exit::OK, &mut |text| streams.result(text)),
        Form::Text => {
            // A saved plan carries its findings as JSON.
            for finding in &plan.findings {
                let of = |key: &str| finding.get(key).and_then(Json::as_str).unwrap_or_default().to_owned();
                let line = finding.get("line").and_then(Json::as_u64).unwrap_or(0);
                let said = format!(
                    "{}[{}]: {}\n  --> {}:{line}\n",
                    of("severity"),
                    of("code"),
                    of("message"),
                    of("path")
                );
                streams.result(&report::clean(&said));
            }
            report::plan::text(&plan, &mut |text| streams.result(text));
        }
        _ => {
            let catalogue = project::read(common).map_or_else(
                |_| Catalogue::default(),
                |(_, sources)| Catalogue::with_project(&sources, &mut Vec::new()),
            );
            let content = Content {
                command: "plan",
                findings: &plan.findings,
                integrations: plan.summary.integrations,
                plan: Some(&plan),
                outcome: None,
                catalogue: &catalogue,
                folder: "",
            };
            forms::print(common, &content, streams)?;
        }
    }
    Ok(exit::OK)
}

fn show_integration(
    common: &Common,
    opened: &Project<Whole>,
    name: &str,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let compilation = &opened.compilation;
    let code = if opened.has_errors() { exit::ERRORS } else { exit::OK };
    let whole = compilation.integrations.iter().find(|whole| whole.compiled.name == name);
    match common.output {
        Form::Json => {
            let origins = whole.map(|whole| origins_json(opened, &whole.compiled));
            let body = json!({
                "format_version": FORMAT_VERSION,
                "command": "show",
                "exit_code": code,
                "integration": name,
                "configuration": whole.map(|whole| &whole.document),
                "origins": origins,
                "findings": machine::findings(&compilation.findings, &opened.sources),
            });
            streams.result(&machine::print(&body));
        }
        Form::Text => {
            streams.say(&report::findings::text(&compilation.findings, &opened.sources, &compilation.hidden));
            if let Some(Whole { compiled, document }) = whole {
                streams.result(&report::show::yaml(document, &origins(opened, compiled)));
            }
        }
        other => return Err(forms::not_given("show INTEGRATION", other, &[Form::Text, Form::Json])),
    }
    Ok(code)
}

/// The keys from the document's root to a setting.
fn keys(category: &str, path: &SettingPath) -> Vec<String> {
    let top = [CONNECTORS, FLOWS, SCHEDULES, WEBHOOKS].contains(&category);
    let head = (!top).then(|| "settings".to_owned()).into_iter().chain([category.to_owned()]);
    head.chain(path.segments().iter().map(ToString::to_string)).collect()
}

fn origins(opened: &Project<Whole>, compiled: &Compiled) -> Origins {
    let mut origins = Origins::new();
    for (category, settings) in &compiled.origins {
        for (path, span) in settings {
            let pointer: String = keys(category, path)
                .iter()
                .map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1")))
                .collect();
            let line = opened.sources.line(*span);
            origins.insert(pointer, format!("{}:{line}", opened.sources.path(*span)));
        }
    }
    origins
}

/// `order.creates` to path and line.
fn origins_json(opened: &Project<Whole>, compiled: &Compiled) -> Json {
    let mut all = serde_json::Map::new();
    for (category, settings) in &compiled.origins {
        for (path, span) in settings {
            let line = opened.sources.line(*span);
            let origin = json!({"path": opened.sources.path(*span), "line": line});
            all.insert(format!("{category}.{path}"), origin);
        }
    }
    Json::Object(all)
}
