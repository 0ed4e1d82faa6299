//! All findings of a project: of every environment that can matter, and of what was asked for.
#![expect(clippy::disallowed_methods, reason = "resolves the paths that the user gave")]

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::error::{Error, Result};
use super::host::Host;
use super::policy_changes;
use super::project::{self, Project};
use super::request::Request;
use super::workspace::Workspace;
use crate::compile::integrations::files_by_integration;
use crate::compile::{Judged, Selection};
use crate::diagnostic::{Finding, sort_and_merge};
use crate::model::Name;
use crate::plan::policy::PolicyChange;
use crate::source::{FileId, Sources, Span, load};

/// What was found.
pub struct Validated {
    /// Sorted, one per mistake.
    pub findings: Vec<Finding>,
    /// Places that hold a credential, which are not shown.
    pub hidden: Vec<Span>,
    /// How many integrations were looked at, and how many there are.
    pub integrations: usize,
    pub known: usize,
    /// The pair of each that was looked at.
    pub pairs: BTreeMap<String, Name>,
    /// Of a comparison, what it changes of that which judges.
    pub policy: Option<Vec<PolicyChange>>,
}

/// What is kept of an integration to count and select it.
struct Seen {
    name: String,
    pair: Name,
    /// The files that it is made of, where paths select; else none.
    files: BTreeSet<FileId>,
}

/// Judges what a request takes, and of it what lies at some paths (from the project's root; none means all).
///
/// # Errors
/// When a filter names what does not exist.
pub fn validate(
    workspace: &Workspace,
    request: &Request,
    paths: &[String],
    host: &Host<'_>,
) -> Result<Validated> {
    let mut found = Validated {
        findings: Vec::new(),
        hidden: Vec::new(),
        integrations: 0,
        known: 0,
        pairs: BTreeMap::new(),
        policy: None,
    };
    for (number, selection) in workspace.selections(request, host)?.into_iter().enumerate() {
        let name = selection.environment.clone();
        let mut project = judge(workspace, selection, paths, host)?;
        let compilation = &mut project.compilation;
        if let Some(name) = name.filter(|_| number > 0) {
            for finding in &mut compilation.findings {
                finding.notes.push(format!("in the environment `{name}`"));
            }
        }
        found.integrations = found.integrations.max(compilation.integrations.len());
        found.known = compilation.names.len();
        found.pairs.extend(compilation.integrations.drain(..).map(|seen| (seen.name, seen.pair)));
        found.hidden.append(&mut compilation.hidden);
        found.findings.append(&mut compilation.findings);
    }
    // What is wrong in several environments is told once.
    sort_and_merge(&mut found.findings, workspace.sources());
    found.hidden.sort_unstable();
    found.hidden.dedup();
    if !request.filter.categories.is_empty() {
        found.findings.retain(|finding| {
            finding.about.category.as_ref().is_none_or(|id| request.filter.takes_category(id))
        });
    }
    found.policy = workspace.base().map(|_| policy_changes::of(workspace));
    Ok(found)
}

/// The findings of one environment, of what was asked for.
fn judge<'w>(
    workspace: &'w Workspace,
    selection: Selection,
    wanted: &[String],
    host: &Host<'_>,
) -> Result<Project<'w, Seen>> {
    let sources = workspace.sources();
    let by_path = !wanted.is_empty();
    let seen = |judged: Judged| Seen {
        pair: judged.pair().into(),
        files: if by_path { judged.files() } else { BTreeSet::new() },
        name: judged.name().to_owned(),
    };
    let only_integrations = by_path && wanted.iter().all(|path| path.starts_with("integrations/"));
    let first = if only_integrations { narrowed(&selection, sources, wanted) } else { selection.clone() };
    let mut opened = project::compile(workspace, first, host, seen)?;
    if only_integrations && has_shared(&opened, wanted) {
        // Whoever shares the mistake is named too.
        opened = project::compile(workspace, selection, host, seen)?;
    }
    if by_path {
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
fn has_shared(opened: &Project<'_, Seen>, wanted: &[String]) -> bool {
    opened.compilation.findings.iter().any(|finding| {
        let path = opened.workspace.sources().path(finding.primary.span);
        finding.about.integration.is_some() && !wanted.iter().any(|wanted| inside(path, wanted))
    })
}

/// Paths as they were given, relative to the folder `here`; the result is relative to the project's root.
///
/// # Errors
/// When one is not there, or holds no source of the project.
pub fn wanted(
    workspace: &Workspace,
    request: &Request,
    here: &Path,
    paths: &[PathBuf],
) -> Result<Vec<String>> {
    let (root, sources) = (workspace.root(), workspace.sources());
    let mut wanted = Vec::new();
    for path in paths {
        // A revision may hold what the working tree does not.
        let full = std::fs::canonicalize(here.join(path))
            .or_else(|error| {
                if request.revision.is_some() { std::path::absolute(here.join(path)) } else { Err(error) }
            })
            .map_err(|error| Error::usage(format!("{}: {}", path.display(), load::reason(&error))))?;
        let root = std::fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
        let relative = full.strip_prefix(&root).map_err(|_| {
            Error::usage(format!("{} is not in the project at {}", path.display(), root.display()))
        })?;
        let relative = relative.to_string_lossy().replace('\\', "/");
        if !sources.iter().any(|(_, file)| inside(&file.path, &relative)) {
            return Err(Error::usage(format!("{} is no source of this project", path.display())).help(
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
    files_by_integration(sources)
        .into_iter()
        .filter(|(_, file)| wanted.iter().any(|path| inside(&sources.file(*file).path, path)))
        .map(|(name, _)| name)
        .collect()
}
