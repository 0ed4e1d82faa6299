//! Where a link of a project may lead: one rule for working trees and for revisions. Nothing is followed here.

use std::ffi::OsStr;
use std::path::{Component, Path};

/// Folders of a project that hold what is nobody's source: git's own, and pairform's, with tokens in it.
const PRIVATE: [&str; 2] = [".git", ".pairform"];

/// Why nothing is read from where a link leads, given as a path from the project's root; `None` for a place outside it.
pub(super) fn refusal(target: Option<&Path>) -> Option<&'static str> {
    let Some(target) = target else { return Some("it is a link to outside the project") };
    is_in_private(target).then_some("it is a link into a folder that holds no sources")
}

/// Whether a path, from the project's root, leads into such a folder.
#[must_use]
pub fn is_in_private(path: &Path) -> bool {
    path.components().any(|part| matches!(part, Component::Normal(name) if is_private(name)))
}

/// Whether nothing below a folder of this name is a source. Names that another file system takes for the same count too.
pub(super) fn is_private(name: &OsStr) -> bool {
    PRIVATE.iter().any(|private| name.eq_ignore_ascii_case(private))
}
