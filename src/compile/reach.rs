//! Reach: which integrations a difference between two sets of sources can change.
//!
//! Never leaves out one whose compiled result differs; may name one whose result turns out the same.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::integrations::{Parts, find_parts};
use crate::source::load::PROJECT_FILE;
use crate::source::{FileId, SourceFile, Sources};
use crate::yaml::{self, Node};

/// What differs, and whom it reaches.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reach {
    /// Paths that were added, removed or changed, sorted.
    pub paths: BTreeSet<String>,
    /// Integration to the changed paths that it reads.
    pub integrations: BTreeMap<String, BTreeSet<String>>,
    /// Integrations one of whose own files changed.
    pub own: BTreeSet<String>,
}

/// Compares two sets of sources of one project.
#[must_use]
pub fn reach(base: &Sources, head: &Sources, environment: Option<&str>) -> Reach {
    let paths = changed_paths(base, head);
    let mut reach = Reach::default();
    if paths.is_empty() {
        return reach;
    }
    let (of_base, of_head) =
        rayon::join(|| one_side(base, &paths, environment), || one_side(head, &paths, environment));
    for (name, read, is_own) in of_base.into_iter().chain(of_head) {
        if is_own {
            reach.own.insert(name.clone());
        }
        reach.integrations.entry(name).or_default().extend(read);
    }
    reach.paths = paths;
    reach
}

fn changed_paths(base: &Sources, head: &Sources) -> BTreeSet<String> {
    fn by_path(sources: &Sources) -> Vec<&SourceFile> {
        let mut files: Vec<&SourceFile> = sources.iter().map(|(_, file)| file).collect();
        files.sort_by(|one, other| one.path.cmp(&other.path));
        files
    }
    let (old, new) = (by_path(base), by_path(head));
    let (mut old, mut new) = (old.into_iter().peekable(), new.into_iter().peekable());
    let mut changed: BTreeSet<String> = BTreeSet::new();
    // Both are in one order: what comes first on one side alone is not on the other.
    while let Some(first) = old.peek().into_iter().chain(new.peek()).map(|file| &file.path).min() {
        let (one, other) = (old.next_if(|file| file.path == *first), new.next_if(|file| file.path == *first));
        let same = one.zip(other).is_some_and(|(old, new)| old.same_content(new));
        if !same {
            changed.insert(first.clone());
        }
    }
    changed
}

/// What one side's integrations read of the changed paths, and whether a file of their own is among them.
fn one_side(
    sources: &Sources,
    paths: &BTreeSet<String>,
    environment: Option<&str>,
) -> Vec<(String, BTreeSet<String>, bool)> {
    let everywhere: BTreeSet<&String> = paths.iter().filter(|path| reaches_all(path, environment)).collect();
    let bases: BTreeSet<&String> = paths.iter().filter(|path| path.starts_with("bases/")).collect();
    let locks: BTreeSet<&String> = paths.iter().filter(|path| path.starts_with("options/")).collect();
    let may_be_through = !bases.is_empty() || !locks.is_empty();
    let through = if may_be_through { changed_below(sources, &bases) } else { BTreeMap::new() };
    let one = |Parts { name, main, settings }: Parts<'_>| {
        let files: Vec<FileId> =
            std::iter::once(main).chain(settings.into_iter().map(|(_, file)| file)).collect();
        let mut read: BTreeSet<String> = everywhere.iter().map(|path| (*path).clone()).collect();
        let own = files.iter().filter_map(|file| paths.get(&sources.file(*file).path));
        read.extend(own.cloned());
        let is_own = read.len() > everywhere.len();
        if may_be_through {
            for file in &files {
                let root = yaml::parse(sources, *file, &mut Vec::new());
                let Some(root) = root.filter(|root| root.as_map().is_some()) else {
                    // What it reads is not known, so it may be anything.
                    read.extend(bases.iter().chain(&locks).map(|path| (*path).clone()));
                    continue;
                };
                for base in extends(&root) {
                    read.extend(through.get(&base).into_iter().flatten().cloned());
                }
            }
            read.extend(locks.iter().map(|path| (*path).clone()));
        }
        (!read.is_empty()).then(|| (name.to_owned(), read, is_own))
    };
    find_parts(sources, &mut Vec::new()).into_par_iter().filter_map(one).collect()
}

/// The project file, schemas and the environment's own file speak of every integration.
fn reaches_all(path: &str, environment: Option<&str>) -> bool {
    path == PROJECT_FILE
        || path.starts_with("schemas/")
        || path.strip_prefix("environments/").is_some_and(|file| {
            environment.is_none_or(|name| {
                file.strip_suffix(".yaml").or_else(|| file.strip_suffix(".yml")) == Some(name)
            })
        })
}

/// Base to the changed files among itself and what it extends.
fn changed_below(sources: &Sources, changed: &BTreeSet<&String>) -> BTreeMap<String, BTreeSet<String>> {
    let mut direct: BTreeMap<String, (String, Vec<String>)> = BTreeMap::new();
    for (file, source) in sources.iter() {
        let Some(inside) = source.path.strip_prefix("bases/") else { continue };
        let name = inside.strip_suffix(".yaml").or_else(|| inside.strip_suffix(".yml")).unwrap_or(inside);
        let root = yaml::parse(sources, file, &mut Vec::new());
        direct.insert(
            name.to_owned(),
            (source.path.clone(), root.map(|root| extends(&root)).unwrap_or_default()),
        );
    }
    let mut below = BTreeMap::new();
    for name in direct.keys() {
        let mut seen: BTreeSet<&str> = BTreeSet::new();
        let mut open = vec![name.as_str()];
        let mut found = BTreeSet::new();
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            match direct.get(name) {
                Some((path, further)) => {
                    found.extend(changed.contains(path).then(|| path.clone()));
                    open.extend(further.iter().map(String::as_str));
                }
                // A base that is not on this side may have come or gone.
                None => {
                    found.extend(changed.iter().filter(|path| names(path, name)).map(|path| (*path).clone()));
                }
            }
        }
        below.insert(name.clone(), found);
    }
    for path in changed {
        let inside = path.strip_prefix("bases/").unwrap_or(path);
        let name = inside.strip_suffix(".yaml").or_else(|| inside.strip_suffix(".yml")).unwrap_or(inside);
        below.entry(name.to_owned()).or_insert_with(BTreeSet::new).insert((*path).clone());
    }
    below
}

fn names(path: &str, base: &str) -> bool {
    path.strip_prefix("bases/")
        .and_then(|path| path.strip_prefix(base))
        .is_some_and(|rest| [".yaml", ".yml"].contains(&rest))
}

fn extends(root: &Node) -> Vec<String> {
    let list = root.get("extends").and_then(Node::as_list).unwrap_or_default();
    list.iter().filter_map(Node::as_text).map(str::to_owned).collect()
}
