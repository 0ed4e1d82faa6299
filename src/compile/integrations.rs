//! Which files make up an integration: one below `integrations/`, or a folder there with `integration.yaml` and a file a category.
//!
//! Nothing is read here; what the files say is put together in [`super::compose`]. A slip in the name of a folder or file of an
//! integration is told once, and what it holds is judged as if it had its name.

use std::collections::BTreeMap;

use crate::diagnostic::Finding;
use crate::diagnostic::codes::compose as codes;
use crate::model::category::{SETTINGS, TOP_LEVEL};
use crate::schema::built_in;
use crate::source::names::{is_source, nearly_inside};
use crate::source::{FileId, Sources, Span};

/// The files of one integration.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) name: &'a str,
    pub(super) main: FileId,
    /// Category and file.
    pub(super) settings: Vec<(&'a str, FileId)>,
}

/// Each file of each integration.
#[must_use]
pub fn files_by_integration(sources: &Sources) -> Vec<(String, FileId)> {
    let parts = find_parts(sources, &mut Vec::new());
    let files = |parts: Parts<'_>| {
        let all = std::iter::once(parts.main).chain(parts.settings.into_iter().map(|(_, file)| file));
        all.map(|file| (parts.name.to_owned(), file)).collect::<Vec<_>>()
    };
    parts.into_iter().flat_map(files).collect()
}

/// An integration is a file below `integrations/`, or a folder there that holds `integration.yaml`. Sorted by name.
pub(super) fn find_parts<'a>(sources: &'a Sources, findings: &mut Vec<Finding>) -> Vec<Parts<'a>> {
    let files = || {
        let yaml = |path: &&str| is_source(path);
        sources.iter().filter_map(move |(file, source)| {
            Some((file, source.path.strip_prefix("integrations/").filter(yaml)?))
        })
    };
    let mut folders: BTreeMap<&str, Parts<'a>> = BTreeMap::new();
    for (file, path) in files() {
        if let Some((folder, "integration.yaml" | "integration.yml")) = path.rsplit_once('/') {
            let name = folder.rsplit('/').next().unwrap_or(folder);
            folders.insert(folder, Parts { name, main: file, settings: Vec::new() });
        }
    }
    // A folder with settings whose own file has a slip in its name.
    for (file, path) in files() {
        let Some((folder, name)) = path.rsplit_once('/') else { continue };
        let settings = format!("{folder}/settings/");
        let is_near = nearly_inside(name, "integration.yaml") && name != "integration.yml";
        if !folders.contains_key(folder)
            && (is_near && files().any(|(_, other)| other.starts_with(&settings))
                || is_main(name) && names(sources, file, folder))
        {
            let at = Span::new(file, 0, 0);
            findings.push(codes::integration_misnamed(folder, &sources.file(file).path, at));
            let own = folder.rsplit('/').next().unwrap_or(folder);
            folders.insert(folder, Parts { name: own, main: file, settings: Vec::new() });
        }
    }
    // Nearly every file is an integration by itself.
    let mut parts = Vec::with_capacity(sources.iter().len());
    let mut orphans: BTreeMap<&str, FileId> = BTreeMap::new();
    for (file, path) in files() {
        let above = || path.match_indices('/').map(|(at, _)| &path[..at]);
        let home =
            if folders.is_empty() { None } else { above().find(|folder| folders.contains_key(folder)) };
        let Some(folder) = home else {
            if let Some((folder, _)) = path.rsplit_once("/settings/").filter(|(_, name)| !name.contains('/'))
            {
                orphans.entry(folder).or_insert(file);
                continue;
            }
            parts.push(Parts { name: stem(path), main: file, settings: Vec::new() });
            continue;
        };
        let inside = &path[folder.len() + 1..];
        let Some(home) = folders.get_mut(folder).filter(|home| home.main != file) else { continue };
        match inside.strip_prefix("settings/") {
            Some(part) if !part.contains('/') && TOP_LEVEL.contains(&stem(part)) => {
                let (path, part) = (&sources.file(file).path, stem(part));
                let help = format!(
                    "write it as `{part}:` in `integrations/{folder}/integration.yaml`, and take this file away"
                );
                findings.push(codes::settings_elsewhere(path, &help, Span::new(file, 0, 0)));
            }
            Some(category) if !category.contains('/') => {
                home.settings.push((stem(category), file));
            }
            _ => stray(sources, file, inside, home, findings),
        }
    }
    for (folder, first) in orphans {
        findings.push(codes::no_integration_file(folder, Span::new(first, 0, 0)));
    }
    parts.extend(folders.into_values());
    parts.sort_by_key(|parts| parts.name);
    parts
}

/// Whether a file is called as other programs call the one that a folder begins with.
fn is_main(name: &str) -> bool {
    ["index", "main", "config", "default"].contains(&stem(name))
}

/// Whether a file says that it is the integration that its folder is called after.
fn names(sources: &Sources, file: FileId, folder: &str) -> bool {
    let own = folder.rsplit('/').next().unwrap_or(folder);
    let says = |line: &str| {
        let name = line.strip_prefix("integration:").map(str::trim);
        name.is_some_and(|name| name.trim_matches(['"', '\'']) == own)
    };
    sources.file(file).with_text(|text, _| text.lines().any(says))
}

/// A file in an integration's folder that is not read. Settings that were meant to be read are judged where they were meant.
fn stray<'a>(
    sources: &'a Sources,
    file: FileId,
    inside: &'a str,
    home: &mut Parts<'a>,
    findings: &mut Vec<Finding>,
) {
    let (path, at) = (&sources.file(file).path, Span::new(file, 0, 0));
    let folder = &path[..path.len() - inside.len()];
    match inside.split_once('/') {
        Some((misnamed, name)) if nearly_inside(misnamed, SETTINGS) && !name.contains('/') => {
            let what = format!("{folder}{misnamed}/");
            let help = format!("rename the folder `{what}` to `{folder}{SETTINGS}/`");
            let finding = codes::settings_elsewhere(&what, &help, at);
            // A folder is one mistake, however many files it holds.
            if findings.iter().all(|told| told.message != finding.message) {
                findings.push(finding);
            }
            home.settings.push((stem(name), file));
        }
        // A folder too many.
        Some((SETTINGS, _))
            if is_category(stem(inside)) && !home.settings.iter().any(|(of, _)| *of == stem(inside)) =>
        {
            let name = inside.rsplit('/').next().unwrap_or(inside);
            let help = format!("move it to `{folder}{SETTINGS}/{name}`");
            findings.push(codes::settings_elsewhere(path, &help, at));
            home.settings.push((stem(inside), file));
        }
        None if is_category(stem(inside)) && !home.settings.iter().any(|(of, _)| *of == stem(inside)) => {
            let help = format!("move it to `{folder}{SETTINGS}/{inside}`");
            findings.push(codes::settings_elsewhere(path, &help, at));
            home.settings.push((stem(inside), file));
        }
        _ => findings.push(codes::stray_file(path, at)),
    }
}

/// Whether some pair has a category of this name.
fn is_category(name: &str) -> bool {
    built_in::names("categories").contains(name)
}

fn stem(path: &str) -> &str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")).unwrap_or(name)
}
