//! Fetching what is reconciled and pushing what is proposed, by the system's git. Nothing else is asked of it.

use std::path::Path;
use std::time::Duration;

use crate::ops::error::{Error, ErrorKind, Result};
use crate::source::git::{GitError, History, RemoteBranch};

/// Fetches a branch of a remote into the ref that the reconciler reads.
///
/// # Errors
/// When there is no repository, or git cannot fetch in time.
pub fn fetch(start: &Path, branch: &RemoteBranch, patience: Duration) -> Result<()> {
    History::open(start)?.fetch(branch, patience).map_err(unreachable)
}

/// Pushes a branch of this clone to a remote; one that is there is moved forward or not at all.
///
/// # Errors
/// When git cannot push in time, or the remote refuses.
pub fn push(start: &Path, remote: &str, branch: &str, patience: Duration) -> Result<()> {
    History::open(start)?.push_branch(remote, branch, patience).map_err(unreachable)
}

fn unreachable(error: GitError) -> Error {
    Error { kind: ErrorKind::Unreachable, ..error.into() }
}
