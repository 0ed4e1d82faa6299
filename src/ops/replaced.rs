//! Parts of a project that take the place of built-in ones, where nobody vouches for the project: those of its base serve.

use std::collections::BTreeSet;

use crate::schema::parts::replaced;
use crate::source::{SourceFile, Sources};

/// The same sources with each part that replaces a built-in one as a base has it, or without it; none where that is what they
/// are.
#[must_use]
pub fn vouched(sources: &Sources, base: Option<&Sources>) -> Option<Sources> {
    let none = Sources::default();
    let base = base.unwrap_or(&none);
    let paths = differing(sources, base);
    let vouched = paths.iter().filter_map(|path| Some(file(base, path)?.copy()));
    let is_gone = |path: &str| paths.iter().any(|gone| gone == path);
    (!paths.is_empty()).then(|| sources.with_files(&is_gone, vouched))
}

/// The parts that replace built-in ones on one of two sides, and are not the same on both.
#[must_use]
pub fn differing(one: &Sources, other: &Sources) -> Vec<String> {
    let paths: BTreeSet<&str> = replaced(one).chain(replaced(other)).collect();
    let same = |path: &&str| match (file(one, path), file(other, path)) {
        (Some(one), Some(other)) => one.same_content(other),
        _ => false,
    };
    paths.into_iter().filter(|path| !same(path)).map(str::to_owned).collect()
}

fn file<'s>(sources: &'s Sources, path: &str) -> Option<&'s SourceFile> {
    sources.by_path(path).map(|file| sources.file(file))
}
