//! What the name of a revision stands for. Git's own rules would take a tag before a branch, and a branch under any text; whoever may push
//! anything chooses what his is called, so each kind of name is looked for in its own place alone. Nothing is read of a commit here.

use git2::{Oid, Repository};

use super::error::GitError;

/// What stands before the steps of a name such as `main~1`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Named {
    /// A commit's whole id.
    Commit(Oid),
    /// The whole name of a branch of a remote or of this clone, or of what was asked for by its whole name.
    Branch(String),
    /// The whole name of a tag, or one of git's own, such as `HEAD`.
    Other(String),
    /// No ref: the short id of a commit, or what `git describe` says.
    NoRef,
}

/// The name, and the steps that lead on from it.
pub(super) fn steps(name: &str) -> (&str, &str) {
    let at =
        name.char_indices().find(|(at, c)| matches!(c, '~' | '^' | ':') || name[*at..].starts_with("@{"));
    name.split_at(at.map_or(name.len(), |(at, _)| at))
}

/// The id that a text is, written out.
pub(super) fn whole_id(name: &str) -> Option<Oid> {
    Oid::from_str(name).ok().filter(|_| name.len() == 40)
}

/// What a name without steps stands for.
///
/// # Errors
/// When nothing is where a name of its kind stands, or it may mean two things.
pub(super) fn named(repository: &Repository, name: &str) -> Result<Named, GitError> {
    let is_there = |whole: &str| repository.find_reference(whole).is_ok();
    let exactly = |whole: String, found: fn(String) -> Named| {
        if is_there(&whole) {
            Ok(found(whole))
        } else {
            Err(absent(name, "fetch it, or look at `git for-each-ref`"))
        }
    };
    if let Some(id) = whole_id(name) {
        return Ok(Named::Commit(id));
    }
    if name == "@" || is_gits_own(name) {
        let whole = if name == "@" { "HEAD" } else { name };
        return exactly(whole.to_owned(), Named::Other);
    }
    if name.starts_with("refs/") {
        return exactly(name.to_owned(), Named::Branch);
    }
    if ["heads/", "tags/", "remotes/"].iter().any(|kind| name.starts_with(kind)) {
        return exactly(format!("refs/{name}"), Named::Other);
    }
    if let Some((remote, branch)) = of_remote(repository, name) {
        let whole = format!("refs/remotes/{remote}/{branch}");
        let is_one = is_there(&whole) && (branch != "HEAD" || leads_to_branch(repository, &whole));
        return if is_one {
            Ok(Named::Branch(whole))
        } else {
            Err(GitError {
                message: format!("there is no branch `{name}` in this clone"),
                help: Some(format!("fetch it: `git fetch {remote} {branch}`")),
            })
        };
    }
    let found = [
        (format!("refs/heads/{name}"), Named::Branch as fn(String) -> Named),
        (format!("refs/tags/{name}"), Named::Other),
    ]
    .into_iter()
    .find(|(whole, _)| is_there(whole));
    let Some((whole, found)) = found else { return Ok(Named::NoRef) };
    // Seven digits are what git itself writes; a name such as `feed` is a branch's.
    if name.len() >= 7 && repository.find_commit_by_prefix(name).is_ok() {
        return Err(GitError {
            message: format!("`{name}` may be {whole} or the commit whose id begins so"),
            help: Some(format!("write {whole}, or the whole id of the commit")),
        });
    }
    Ok(found(whole))
}

/// Whether git itself keeps something under a name: `HEAD`, `FETCH_HEAD`, …
fn is_gits_own(name: &str) -> bool {
    name == "HEAD"
        || (name.ends_with("_HEAD") && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_'))
}

/// The remote and the branch that a name is written as. A remote's own name means its default branch.
fn of_remote<'n>(repository: &Repository, name: &'n str) -> Option<(String, &'n str)> {
    let listed = repository.remotes().ok();
    let listed = listed.iter().flat_map(|all| all.iter()).flatten().flatten().map(str::to_owned);
    let branch_of = |remote: &str| match name.strip_prefix(remote)? {
        "" => Some("HEAD"),
        rest => rest.strip_prefix('/'),
    };
    let known = listed.chain(["origin".to_owned()]).filter_map(|remote| Some((branch_of(&remote)?, remote)));
    // The longest name is the remote's: one may be called `a`, and another `a/b`.
    let known = known.max_by_key(|(_, remote)| remote.len()).map(|(branch, remote)| (remote, branch));
    // A clone may have branches of a remote that it no longer knows.
    known.or_else(|| {
        let (remote, branch) = name.split_once('/')?;
        repository.find_reference(&format!("refs/remotes/{name}")).ok()?;
        Some((remote.to_owned(), branch))
    })
}

/// A remote's HEAD is the name of one of its branches: where it stands for a commit itself, somebody pushed a branch that is called `HEAD`.
fn leads_to_branch(repository: &Repository, whole: &str) -> bool {
    let Ok(found) = repository.find_reference(whole) else { return false };
    found.symbolic_target().ok().flatten().is_some_and(|target| target.starts_with("refs/remotes/"))
}

pub(super) fn absent(name: &str, help: &str) -> GitError {
    GitError { message: format!("there is no revision `{name}` in this clone"), help: Some(help.to_owned()) }
}
