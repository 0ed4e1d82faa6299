//! What was proposed as a commit on a branch of its own, for somebody to review. Only what is committed already is built on;
//! the working tree stays as it is, and nothing is pushed.

use super::error::{Error, ErrorKind, Result};
use super::host::Host;
use super::workspace::{Files, Workspace};
use crate::source::git::{Author, BranchError};
use crate::source::{Sources, load};

/// A branch that is to be begun.
#[derive(Debug, Clone, Copy)]
pub struct NewBranch<'a> {
    pub name: &'a str,
    /// The commit's.
    pub message: &'a str,
    /// Who wrote what is committed, where that is somebody else than whoever commits it.
    pub author: Option<&'a str>,
}

/// Commits files that were proposed for a workspace on a new branch, on top of the commit that it stands on. The id of the
/// commit.
///
/// # Errors
/// When the workspace is not what its commit has, the branch exists, or git refuses.
pub fn commit_on_branch(
    workspace: &Workspace,
    files: &Files,
    branch: NewBranch<'_>,
    host: &Host<'_>,
) -> Result<String> {
    if workspace.commit().is_some_and(|commit| commit.dirty) {
        let why = "the working tree has changes that are not committed, which the branch would lack";
        return Err(Error::new(ErrorKind::Refused, why).help("commit them first, or begin with a revision"));
    }
    let (mut history, base) = workspace.history()?;
    let folder = history.folder();
    history.find_project(&base)?;
    // Of a working tree the project is where it is, not in a folder above.
    if history.folder() != folder && load::find_root(workspace.root()).is_some() {
        return Err(differs(load::PROJECT_FILE));
    }
    let committed = history.load(&base)?;
    if let Some(path) = files.keys().find(|path| !is_same(workspace.sources(), &committed, path)) {
        return Err(differs(path));
    }
    let now = (host.now)().as_second();
    let committer = author(&(host.actor)(workspace.root()), now);
    let author = branch.author.map_or_else(|| committer.clone(), |name| author(name, now));
    Ok(history.commit_on_branch(&base, branch.name, files, branch.message, &author, &committer)?)
}

/// Begins a branch on top of the commit of a workspace, with the project as it was in another commit. The id of its commit.
///
/// # Errors
/// When the branch exists, one of the commits is not in this clone, or git refuses.
pub fn go_back_on_branch(
    workspace: &Workspace,
    to: &str,
    name: &str,
    message: &str,
    host: &Host<'_>,
) -> Result<String> {
    let (mut history, base) = workspace.history()?;
    history.find_project(&base)?;
    let to = history.resolve(to)?;
    let author = author(&(host.actor)(workspace.root()), (host.now)().as_second());
    Ok(history.go_back_on_branch(&base, &to, name, message, &author)?)
}

fn differs(path: &str) -> Error {
    Error::new(
        ErrorKind::Refused,
        format!("{path} is not as its commit has it, so the branch would change more"),
    )
    .help("commit it first, or begin with a revision")
}

/// Whether two sources agree about a file; one that neither has is new.
fn is_same(one: &Sources, other: &Sources, path: &str) -> bool {
    match (one.by_path(path), other.by_path(path)) {
        (Some(a), Some(b)) => one.file(a).same_content(other.file(b)),
        (None, None) => true,
        _ => false,
    }
}

/// Who acts, as git wants it: a name and an address, neither empty nor with its brackets.
fn author(actor: &str, seconds: i64) -> Author {
    let (name, email) = match actor.trim().strip_suffix('>').and_then(|actor| actor.rsplit_once('<')) {
        Some((name, email)) => (name, email),
        None => (actor, ""),
    };
    let plain = |text: &str, otherwise: &str| {
        let plain: String = text.chars().filter(|c| !c.is_control() && !"<>".contains(*c)).collect();
        let plain = plain.trim();
        if plain.is_empty() { otherwise.to_owned() } else { plain.to_owned() }
    };
    Author { name: plain(name, "unknown"), email: plain(email, "unknown@localhost"), seconds }
}

impl From<BranchError> for Error {
    fn from(error: BranchError) -> Self {
        let message = error.to_string();
        match error {
            BranchError::Name(_) => {
                Error::usage(message).help("write it as git takes it, such as `pairform/nordic-outdoor`")
            }
            BranchError::Exists(_) => Error::new(ErrorKind::Stale, message)
                .help("name another branch, or have that one merged or deleted"),
            BranchError::Beside(_) => Error::usage(message).help("name another branch"),
            BranchError::File { .. } => Error::new(ErrorKind::Refused, message),
            BranchError::Unchanged => Error::usage(message),
            BranchError::Git(error) => Error { kind: ErrorKind::Internal, ..error.into() },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_acts_becomes_an_author_that_git_takes() {
        let of = |actor: &str| {
            let Author { name, email, .. } = author(actor, 0);
            (name, email)
        };
        let pair = |name: &str, email: &str| (name.to_owned(), email.to_owned());
        assert_eq!(of("Åsa <asa@example.com>"), pair("Åsa", "asa@example.com"));
        assert_eq!(of("ci"), pair("ci", "unknown@localhost"));
        assert_eq!(of("a<b\n <>"), pair("ab", "unknown@localhost"));
        assert_eq!(of(""), pair("unknown", "unknown@localhost"));
    }
}
