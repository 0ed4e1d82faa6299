//! What git knows of a project: the commit it stands on, whether it was changed since, and its sources as they were in
//! any revision. Blobs are read straight from the object store; nothing is checked out and no index is touched. What is
//! written is a commit on a new branch, which may be pushed, and what the system's git fetches.

mod branch;
mod discover;
mod history;
mod inside;
mod push;
mod remote;
mod status;
mod system;
mod tree;

use std::path::{Path, PathBuf};

pub use branch::{Author, BranchError};
use discover::discover;
pub use history::{Commit, GitError, History, Revision};
use inside::inside;
pub use push::{PushError, Remote, RemoteError};
pub use remote::RemoteBranch;

/// The commit under the project at `root`; `None` outside a repository, or before its first commit.
#[must_use]
pub fn commit(root: &Path) -> Option<Commit> {
    let repository = discover(root).ok()?;
    let head = repository.head().ok()?.peel_to_commit().ok()?;
    let author = head.author().name().unwrap_or_default().to_owned();
    Some(Commit { id: head.id().to_string(), author, dirty: status::is_dirty(&repository, root) })
}

/// The project's folder in its repository, with `/` between names and at the end; empty at the root, and outside any.
#[must_use]
pub fn folder(root: &Path) -> String {
    let found = discover(root).ok().and_then(|repository| inside(&repository, root));
    found.iter().flatten().map(|name| format!("{}/", name.to_string_lossy())).collect()
}

/// Whether a file of a project came with a commit: it is in the index, or HEAD has it.
#[must_use]
pub fn is_tracked(root: &Path, path: &Path) -> bool {
    let Ok(repository) = discover(root) else { return false };
    let Some(inside) = inside(&repository, root) else { return false };
    let path = inside.join(path);
    let in_index = repository.index().is_ok_and(|index| index.get_path(&path, 0).is_some());
    let in_head = || repository.head().ok()?.peel_to_tree().ok()?.get_path(&path).ok();
    in_index || in_head().is_some()
}

/// The folder of the working tree around a folder; none outside a repository, and in a bare one.
#[must_use]
pub fn work_tree(folder: &Path) -> Option<PathBuf> {
    Some(discover(folder).ok()?.workdir()?.to_owned())
}

/// Whether git takes a text as a branch's name.
#[must_use]
pub fn is_branch_name(text: &str) -> bool {
    git2::Branch::name_is_valid(text).unwrap_or(false)
}

/// The name and address under which git would commit here.
#[must_use]
pub fn user(root: &Path) -> Option<String> {
    let repository = discover(root).ok()?;
    let signature = repository.signature().ok()?;
    let name = signature.name().ok()?;
    Some(match signature.email() {
        Ok(email) if !email.is_empty() => format!("{name} <{email}>"),
        _ => name.to_owned(),
    })
}
