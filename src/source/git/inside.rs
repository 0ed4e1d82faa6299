//! Where a folder lies in its repository.
#![expect(clippy::disallowed_methods, reason = "part of the door through which revisions are read")]

use std::path::{Path, PathBuf};

use git2::Repository;

/// A folder's path from the root of its repository's working tree; `None` where it is in none.
pub(super) fn inside(repository: &Repository, folder: &Path) -> Option<PathBuf> {
    let workdir = repository.workdir()?.canonicalize().ok()?;
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    folder.strip_prefix(workdir).ok().map(Path::to_path_buf)
}
