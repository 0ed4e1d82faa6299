//! Files of a project as a commit on a branch of its own: made from the tree of the commit that they were edited on, in git's
//! object store alone. The working tree, the index and HEAD stay as they are, and no branch that is there is moved.

use std::collections::BTreeMap;
use std::path::{Component, Path, PathBuf};

use git2::build::TreeUpdateBuilder;
use git2::{Branch, ErrorCode, FileMode, ObjectType, Oid, Signature, Time, Tree};

use super::error::GitError;
use super::history::{History, Revision};
use super::tree::{MAX_LINKS, within};

/// Who makes a commit, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Author {
    pub name: String,
    pub email: String,
    /// Since 1970, UTC.
    pub seconds: i64,
}

/// Why there is no new branch.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum BranchError {
    #[error("`{0}` cannot be a branch's name")]
    Name(String),
    /// Whoever made it may have been a moment faster.
    #[error("there is a branch `{0}` already")]
    Exists(String),
    /// A branch is a file, and one that is there is where this one needs a folder, or a folder where it needs to be.
    #[error(
        "the branch `{0}` cannot stand beside those that are there: one of the names begins with the other"
    )]
    Beside(String),
    #[error("{path} cannot be written in the commit: {why}")]
    File { path: String, why: String },
    #[error("the files are as the commit has them already")]
    Unchanged,
    #[error(transparent)]
    Git(#[from] GitError),
}

impl From<git2::Error> for BranchError {
    fn from(error: git2::Error) -> Self {
        let message = format!("git cannot make the commit: {}", error.message());
        BranchError::Git(GitError { message, help: None })
    }
}

impl History {
    /// Commits files, by their paths in the project, on top of a revision, and begins a branch with that commit. The id of the
    /// commit. Of two that begin the same branch at once, one is told that it exists.
    ///
    /// # Errors
    /// When the name is none that git takes, the branch exists, a file would lie outside the project, or git fails.
    pub fn commit_on_branch(
        &self,
        base: &Revision,
        branch: &str,
        files: &BTreeMap<String, String>,
        message: &str,
        author: &Author,
        committer: &Author,
    ) -> Result<String, BranchError> {
        let before = self.tree(base)?;
        let tree = self.tree_with(&before, files)?;
        self.begin_branch(base, branch, tree, message, author, committer)
    }

    /// As [`Self::commit_on_branch`], with the project as it was in another revision.
    ///
    /// # Errors
    /// As there, and when that revision has no project.
    pub fn go_back_on_branch(
        &self,
        base: &Revision,
        to: &Revision,
        branch: &str,
        message: &str,
        author: &Author,
    ) -> Result<String, BranchError> {
        let (before, after) = (self.tree(base)?, self.tree(to)?);
        let tree = if self.prefix.is_empty() {
            after.id()
        } else {
            let project = after.get_path(Path::new(&self.prefix))?;
            let mut update = TreeUpdateBuilder::new();
            update.upsert(self.prefix.as_str(), project.id(), FileMode::Tree);
            update.create_updated(&self.repository, &before)?
        };
        self.begin_branch(base, branch, tree, message, author, author)
    }

    fn begin_branch(
        &self,
        base: &Revision,
        branch: &str,
        tree: Oid,
        message: &str,
        author: &Author,
        committer: &Author,
    ) -> Result<String, BranchError> {
        let name = format!("refs/heads/{branch}");
        if !Branch::name_is_valid(branch).unwrap_or(false) {
            return Err(BranchError::Name(branch.to_owned()));
        }
        let exists = || BranchError::Exists(branch.to_owned());
        if self.repository.find_reference(&name).is_ok() || self.is_head(&name) {
            return Err(exists());
        }
        let beside = || BranchError::Beside(branch.to_owned());
        if self.is_in_the_way(branch) {
            return Err(beside());
        }
        let parent = self.repository.find_commit(base.id)?;
        if tree == parent.tree_id() {
            return Err(BranchError::Unchanged);
        }
        let signature = |of: &Author| Signature::new(&of.name, &of.email, &Time::new(of.seconds, 0));
        let (author, committer) = (signature(author)?, signature(committer)?);
        let message = git2::message_prettify(message, None)?;
        let tree = self.repository.find_tree(tree)?;
        let commit = self.repository.commit(None, &author, &committer, &message, &tree, &[&parent])?;
        // Git compares under the lock of the branch: one that nobody has is a zero.
        self.repository
            .reference_matching(&name, commit, true, Oid::ZERO_SHA1, "pairform: proposed")
            .map_err(|error| match error.code() {
                ErrorCode::Modified | ErrorCode::Locked => exists(),
                ErrorCode::Exists => beside(),
                _ => error.into(),
            })?;
        Ok(commit.to_string())
    }

    /// Takes back a branch that still is at the commit that it began with.
    ///
    /// # Errors
    /// When git fails.
    pub fn take_back(&self, branch: &str, commit: &str) -> Result<(), BranchError> {
        let Ok(mut found) = self.repository.find_reference(&format!("refs/heads/{branch}")) else {
            return Ok(());
        };
        if found.target().is_some_and(|target| target.to_string() == commit) {
            found.delete()?;
        }
        Ok(())
    }

    /// Whether HEAD is on a branch, be it one without a commit yet.
    fn is_head(&self, name: &str) -> bool {
        let head = self.repository.find_reference("HEAD");
        head.is_ok_and(|head| head.symbolic_target().ok().flatten() == Some(name))
    }

    /// Whether a branch is where a folder of this one would be, or has a folder where this one would be.
    fn is_in_the_way(&self, branch: &str) -> bool {
        let is_there = |name: &str| self.repository.find_reference(&format!("refs/heads/{name}")).is_ok();
        let above = branch.match_indices('/').any(|(at, _)| is_there(&branch[..at]));
        let below = self.repository.references_glob(&format!("refs/heads/{branch}/*"));
        above || below.is_ok_and(|mut below| below.next().is_some())
    }

    /// A tree with some files in the place of what it has, or beside it; files keep their modes.
    fn tree_with(&self, before: &Tree<'_>, files: &BTreeMap<String, String>) -> Result<Oid, BranchError> {
        let mut update = TreeUpdateBuilder::new();
        for (path, text) in files {
            let failed = |why: &str| BranchError::File { path: path.clone(), why: why.to_owned() };
            let (place, mode) = self.place(before, path).map_err(failed)?;
            update.upsert(place, self.repository.blob(text.as_bytes())?, mode);
        }
        Ok(update.create_updated(&self.repository, before)?)
    }

    /// Where in a tree a file of the project lies, links followed as where files are read, and its mode.
    fn place(&self, tree: &Tree<'_>, path: &str) -> Result<(PathBuf, FileMode), &'static str> {
        const OUTSIDE: &str = "it lies outside the project";
        let mut at = PathBuf::from(path);
        let is_plain = |part: Component<'_>| match part {
            Component::Normal(name) => !name.eq_ignore_ascii_case(".git"),
            _ => false,
        };
        if path.is_empty() || !at.components().all(is_plain) {
            return Err(OUTSIDE);
        }
        for _ in 0..MAX_LINKS {
            let place = Path::new(&self.prefix).join(&at);
            let Ok(entry) = tree.get_path(&place) else {
                self.require_folder(tree, &place)?;
                return Ok((place, FileMode::Blob));
            };
            match (entry.kind(), entry.filemode()) {
                (Some(ObjectType::Blob), 0o120_000) => {
                    let target =
                        self.repository.find_blob(entry.id()).map_err(|_| "its link is not in this clone")?;
                    let target = String::from_utf8_lossy(target.content()).into_owned();
                    at = within(at.parent().unwrap_or(Path::new("")), Path::new(&target)).ok_or(OUTSIDE)?;
                }
                (Some(ObjectType::Blob), 0o100_755) => return Ok((place, FileMode::BlobExecutable)),
                (Some(ObjectType::Blob), _) => return Ok((place, FileMode::Blob)),
                _ => return Err("something else than a file is there"),
            }
        }
        Err("it is a link that leads nowhere")
    }

    /// Proves that whatever lies on the way to a new file is a folder, no link that leads elsewhere.
    fn require_folder(&self, tree: &Tree<'_>, place: &Path) -> Result<(), &'static str> {
        let on_the_way = place.ancestors().skip(1).filter(|folder| !folder.as_os_str().is_empty());
        for entry in on_the_way.filter_map(|folder| tree.get_path(folder).ok()) {
            if entry.kind() != Some(ObjectType::Tree) {
                return Err("something else than a folder is on the way");
            }
        }
        Ok(())
    }
}
