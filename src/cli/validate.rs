//! `validate`: all findings of a project, or of any files by any JSON Schema.
#![expect(clippy::disallowed_methods, reason = "resolves the paths that the user gave")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use super::args::{Common, Form, Validate};
use super::cache::{self, Kept};
use super::exit::{self, Stop};
use super::project::Project;
use super::streams::Streams;
use super::{forms, project, schema};
use crate::compile::project::Project as Declared;
use crate::compile::{Judged, Selection};
use crate::diagnostic::{Finding, settle};
use crate::report::{self, json};
use crate::source::{FileId, Sources, load};

/// What is kept of an integration to count and select it.
struct Seen {
    name: String,
    /// The files that it is made of, where paths select; else none.
    files: BTreeSet<FileId>,
}

/// Runs the command.
///
/// # Errors
/// When there is no project, or a path or filter names nothing.
pub fn run(common: &Common, args: &Validate, streams: &mut Streams) -> Result<u8, Stop> {
    if let Some(schema) = &args.schema {
        return schema::validate_files(common, schema, &args.paths, streams);
    }
    let (root, mut sources) = project::read(common)?;
    let wanted = wanted(&root, &sources, &args.paths, common.rev.is_some())?;
    let key = cache::key(common, &wanted, &sources);
    if let Some(kept) = key.as_ref().and_then(cache::find) {
        streams.replay(&kept.said);
        return Ok(kept.code);
    }
    streams.record();
    let selection = project::selection(common, &root, &sources)?;
    let declared = Declared::read(&sources, &mut Vec::new());
    let (mut findings, mut hidden) = (Vec::new(), Vec::new());
    let (mut integrations, mut known) = (0, 0);
    for (number, environment) in environments(common, &declared, &sources).into_iter().enumerate() {
        let name = environment.clone();
        let selection = Selection { environment, ..selection.clone() };
        let mut opened = judge(root.clone(), sources, selection, &wanted)?;
        if let Some(name) = name.filter(|_| number > 0) {
            for finding in &mut opened.compilation.findings {
                finding.notes.push(format!("in the environment `{name}`"));
            }
        }
        integrations = integrations.max(opened.compilation.integrations.len());
        known = opened.compilation.names.len();
        hidden.append(&mut opened.compilation.hidden);
        findings.append(&mut opened.compilation.findings);
        sources = opened.sources;
    }
    // What is wrong in several environments is told once.
    settle(&mut findings, &sources);
    hidden.sort_unstable();
    hidden.dedup();
    if !common.category.is_empty() {
        findings
            .retain(|finding| finding.about.category.as_ref().is_none_or(|id| common.category.contains(id)));
    }
    let code = print(common, &findings, &sources, &hidden, integrations, streams)?;
    let said = streams.recorded();
    if let Some(key) = &key {
        cache::keep(key, &Kept { code, said }, &sources);
    }
    if let Some(since) = &common.changed_since {
        streams.say(&format!(
            "Looked at {integrations} of {known}: those that can have changed since {since}.\n"
        ));
    }
    Ok(code)
}

/// The environments to judge, the one first that is meant when none is named; without those that cannot matter, since they
/// lay nothing over the integrations.
fn environments(common: &Common, declared: &Declared, sources: &Sources) -> Vec<Option<String>> {
    if common.env.is_some() {
        return vec![common.env.clone()];
    }
    let usual = declared.environment(None);
    let matters = |name: &String| {
        let file = |ending: &str| sources.by_path(&format!("environments/{name}.{ending}"));
        let vars = declared.environments.get(name).is_some_and(|declared| !declared.vars.is_empty());
        vars || file("yaml").or_else(|| file("yml")).is_some()
    };
    let others = declared.environments.keys().filter(|name| Some(name.as_str()) != usual && matters(name));
    let mut all: Vec<Option<String>> = others.cloned().map(Some).collect();
    // Without a usual one, none is judged where there is one that says more.
    if usual.is_some() || all.is_empty() {
        all.insert(0, usual.map(str::to_owned));
    }
    all
}

/// The findings of one environment, of what was asked for.
fn judge(
    root: PathBuf,
    sources: Sources,
    selection: Selection,
    wanted: &[String],
) -> Result<Project<Seen>, Stop> {
    let by_path = !wanted.is_empty();
    let seen = |judged: Judged| Seen {
        files: if by_path { judged.files() } else { BTreeSet::new() },
        name: judged.name().to_owned(),
    };
    let only_integrations = by_path && wanted.iter().all(|path| path.starts_with("integrations/"));
    let first = if only_integrations { narrowed(&selection, &sources, wanted) } else { selection.clone() };
    let mut opened = project::compile_with(root, sources, first, seen)?;
    if only_integrations && has_shared(&opened, wanted) {
        // Whoever shares the mistake is named too.
        opened = project::compile_with(opened.root, opened.sources, selection, seen)?;
    }
    if by_path {
        let sources = &opened.sources;
        let mut names: Vec<String> = integrations_in(sources, wanted);
        let built_on = opened.compilation.integrations.iter().filter(|seen| {
            let asked_for = |file: &FileId| wanted.iter().any(|path| inside(&sources.file(*file).path, path));
            seen.files.iter().any(asked_for)
        });
        names.extend(built_on.map(|seen| seen.name.clone()));
        opened.compilation.findings.retain(|finding| {
            wanted.iter().any(|path| inside(sources.path(finding.primary.span), path))
                || finding.about.integration.as_ref().is_some_and(|name| names.contains(name))
                || finding.also.iter().any(|name| names.contains(name))
        });
        opened.compilation.integrations.retain(|seen| names.contains(&seen.name));
    }
    Ok(opened)
}

/// The selection without the integrations that were not asked for: nothing of them is shown.
fn narrowed(selection: &Selection, sources: &Sources, wanted: &[String]) -> Selection {
    let asked_for: BTreeSet<String> = integrations_in(sources, wanted).into_iter().collect();
    let affected = match &selection.affected {
        Some(affected) => affected & &asked_for,
        None => asked_for,
    };
    Selection { affected: Some(affected), ..selection.clone() }
}

/// Whether an integration has a mistake in what it shares with others: a base, an environment.
fn has_shared(opened: &Project<Seen>, wanted: &[String]) -> bool {
    opened.compilation.findings.iter().any(|finding| {
        let path = opened.sources.path(finding.primary.span);
        finding.about.integration.is_some() && !wanted.iter().any(|wanted| inside(path, wanted))
    })
}

/// Prints findings in the wanted form; the exit code says whether there are errors.
///
/// # Errors
/// When the form cannot be made.
pub fn print(
    common: &Common,
    findings: &[Finding],
    sources: &Sources,
    hidden: &[crate::source::Span],
    integrations: usize,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let code = if project::has_errors(findings) { exit::ERRORS } else { exit::OK };
    match common.output {
        Form::Json => streams.result(&json::print(&json::validate(findings, sources, integrations, code))),
        Form::Text => {
            streams.result(&report::findings::text(findings, sources, hidden));
            streams.result(&report::findings::summary(findings, integrations, "integration"));
        }
        _ => {
            let findings = json::findings(findings, sources);
            let catalogue = crate::schema::parts::Catalogue::default();
            let content = report::content::Content {
                command: "validate",
                findings: &findings,
                integrations,
                plan: None,
                outcome: None,
                catalogue: &catalogue,
                folder: "",
            };
            forms::print(common, &content, streams)?;
        }
    }
    Ok(code)
}

/// The given paths, relative to the project's root.
fn wanted(root: &Path, sources: &Sources, paths: &[PathBuf], revision: bool) -> Result<Vec<String>, Stop> {
    let mut wanted = Vec::new();
    for path in paths {
        // A revision may hold what the working tree does not.
        let full = std::fs::canonicalize(path)
            .or_else(|error| if revision { std::path::absolute(path) } else { Err(error) })
            .map_err(|error| Stop::usage(format!("{}: {}", path.display(), load::reason(&error))))?;
        let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        let relative = full.strip_prefix(&root).map_err(|_| {
            Stop::usage(format!("{} is not in the project at {}", path.display(), root.display()))
        })?;
        let relative = relative.to_string_lossy().replace('\\', "/");
        if !sources.iter().any(|(_, file)| inside(&file.path, &relative)) {
            return Err(Stop::usage(format!("{} is no source of this project", path.display())).help(
                "sources are pairform.yaml and the YAML files below integrations/, bases/, environments/, options/ and schemas/",
            ));
        }
        wanted.push(relative);
    }
    Ok(wanted)
}

fn inside(path: &str, folder: &str) -> bool {
    folder.is_empty() || path == folder || path.strip_prefix(folder).is_some_and(|rest| rest.starts_with('/'))
}

/// The integrations of which some file was asked for.
fn integrations_in(sources: &Sources, wanted: &[String]) -> Vec<String> {
    crate::compile::compose::files_by_integration(sources)
        .into_iter()
        .filter(|(_, file)| wanted.iter().any(|path| inside(&sources.file(*file).path, path)))
        .map(|(name, _)| name)
        .collect()
}
