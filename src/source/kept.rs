//! What pairform keeps beside a project, in `.pairform`: the door to all of it but stores, which have drivers of their own. Nothing is
//! believed that came with a commit, since whoever writes a branch would have written it.

use std::io;
use std::path::Path;

use super::git::{Brought, GitError, brought};
use super::load::text_below;
use super::write::{self, Mode};

/// Where it is, from the project's root.
pub const FOLDER: &str = ".pairform";

/// Why something that is kept is not used.
#[derive(Debug, thiserror::Error)]
pub enum NotOurs {
    #[error(
        "{} came with a commit, so that whoever writes a branch would write what is kept there; {}",
        .0.path.display(),
        .0.mend()
    )]
    Brought(Brought),
    #[error("whether a commit brought what is kept in .pairform cannot be told: {0}")]
    Untold(GitError),
}

/// Proves that no commit brought a file, given from the project's root.
///
/// # Errors
/// When one did, or nobody can tell.
pub fn require_own(root: &Path, path: &Path) -> Result<(), NotOurs> {
    match brought(root, [path.to_owned()]) {
        Ok(None) => Ok(()),
        Ok(Some(found)) => Err(NotOurs::Brought(found)),
        Err(error) => Err(NotOurs::Untold(error)),
    }
}

/// The text of a file that is kept; none where there is none.
///
/// # Errors
/// As [`require_own`].
pub fn text(root: &Path, path: &Path) -> Result<Option<String>, NotOurs> {
    require_own(root, path)?;
    Ok(text_below(root, path))
}

/// Keeps a file, whole.
///
/// # Errors
/// When it cannot be written, or a commit brought one of its name: what is written there would be committed.
pub fn keep(root: &Path, path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    require_own(root, path).map_err(io::Error::other)?;
    write::replace(root, path, bytes, mode)
}

/// Keeps all of it out of git, where nobody decided otherwise.
pub fn ignore(root: &Path) {
    // Where it cannot be written, git shows what is there, and nothing is lost.
    let _ = write::create(root, &Path::new(FOLDER).join(".gitignore"), b"*\n");
}
