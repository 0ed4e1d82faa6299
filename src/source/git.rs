//! What git knows of a project: the commit it stands on, whether it was changed since, and its sources as they were in
//! any revision. Blobs are read straight from the object store; nothing is checked out and no index is touched. What is
//! written is a commit on a new branch, which may be pushed, and what the system's git fetches.

mod branch;
mod brought;
mod discover;
mod error;
mod history;
mod inside;
mod named;
mod push;
mod remote;
mod status;
mod system;
mod tree;

use std::path::{Path, PathBuf};

pub use branch::{Author, BranchError};
pub use brought::{Brought, brought};
use discover::discover;
pub use error::GitError;
pub use history::{Commit, History, Revision};
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

/// The folder of the working tree around a folder; none outside a repository, and in a bare one.
#[must_use]
pub fn work_tree(folder: &Path) -> Option<PathBuf> {
    Some(discover(folder).ok()?.workdir()?.to_owned())
}

/// The repository that this one was cloned from: its remote `origin`, else its only one. A user and a password in the address, as
/// pipelines have them there, are left out.
#[must_use]
pub fn origin(root: &Path) -> Option<Remote> {
    let repository = discover(root).ok()?;
    let names = repository.remotes().ok()?;
    let only = || Some(names.get(0)).filter(|_| names.len() == 1)?.ok()?;
    let found = repository
        .find_remote("origin")
        .or_else(|error| repository.find_remote(only().ok_or(error)?))
        .ok()?;
    let address = found.url().ok()?.to_owned();
    let Ok(mut url) = url::Url::parse(&address) else { return address.parse().ok() };
    if matches!(url.scheme(), "http" | "https") {
        url.set_username("").ok()?;
        url.set_password(None).ok()?;
        return url.as_str().parse().ok();
    }
    address.parse().ok()
}

/// The names of the repository's branches, those of remotes too, and of its tags.
#[must_use]
pub fn branches_and_tags(root: &Path) -> Vec<String> {
    let Ok(repository) = discover(root) else { return Vec::new() };
    let all = repository.references().into_iter().flatten().flatten();
    let named = all.filter(|one| one.is_branch() || one.is_remote() || one.is_tag());
    named.filter_map(|one| one.shorthand().ok().map(str::to_owned)).collect()
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
