//! The revisions of a project, and what git knows of its files in each.

use std::path::{Path, PathBuf};

use git2::{Blame, BlameOptions, ErrorCode, Oid, Repository, Tree};

use super::discover::{discover, outer};
use super::error::GitError;
use super::inside::inside;
use super::named::{Named, absent, named, steps, whole_id};
use super::tree::TreeReader;
use crate::source::load::TEMPLATES;
use crate::source::names::{FOLDERS, PROJECT_FILE, nearly_folder, nearly_project_file};
use crate::source::texts::Sources;

fn cannot_read(error: &git2::Error) -> GitError {
    GitError { message: format!("git cannot read this repository: {}", error.message()), help: None }
}

pub(super) fn cannot_open(error: &git2::Error, folder: &Path) -> GitError {
    match error.code() {
        ErrorCode::Owner => GitError::new(
            "git refuses to read this repository: it belongs to another user",
            format!("run `git config --global --add safe.directory {}`", folder.display()),
        ),
        ErrorCode::NotFound => GitError::new(
            "this is no git repository, so there is no revision to read",
            "run pairform in a clone of the repository",
        ),
        _ => cannot_read(error),
    }
}

const DEEPEN: &str = "fetch the whole history: `git fetch --unshallow`, or `fetch-depth: 0` at actions/checkout, or `GIT_DEPTH: 0` in GitLab CI";

/// A repository, and where in it the project lies.
pub struct History {
    pub(super) repository: Repository,
    /// The project's folder within the repository, `""` at its root; forward slashes.
    pub(super) prefix: String,
}

/// One commit of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub commit: Commit,
    pub(super) id: Oid,
}

impl History {
    /// The repository around `folder`, which may be bare.
    ///
    /// # Errors
    /// When there is none, or git refuses to read it.
    pub fn open(folder: &Path) -> Result<History, GitError> {
        let repository = discover(folder).map_err(|error| cannot_open(&error, folder))?;
        let inside = inside(&repository, folder).unwrap_or_default();
        let prefix = inside.to_string_lossy().replace('\\', "/");
        Ok(History { repository, prefix })
    }

    /// The same once more, for another thread.
    ///
    /// # Errors
    /// When git refuses to read it.
    pub fn again(&self) -> Result<History, GitError> {
        let repository = Repository::open(self.repository.path()).map_err(|error| cannot_read(&error))?;
        Ok(History { repository, prefix: self.prefix.clone() })
    }

    /// Finds the project at or above the folder as it was in a revision.
    ///
    /// # Errors
    /// When the revision has no project there.
    pub fn find_project(&mut self, revision: &Revision) -> Result<(), GitError> {
        let tree = self.tree(revision)?;
        let mut folder = PathBuf::from(&self.prefix);
        loop {
            if tree.get_path(&folder.join(PROJECT_FILE)).is_ok() {
                break;
            }
            if !folder.pop() {
                return Err(GitError::new(
                    format!(
                        "there is no {PROJECT_FILE} here or in a folder above in revision {}",
                        revision.short()
                    ),
                    "name a revision in which the project exists",
                ));
            }
        }
        drop(tree);
        self.prefix = folder.to_string_lossy().replace('\\', "/");
        Ok(())
    }

    /// The commit that a name stands for.
    ///
    /// # Errors
    /// When there is none, or it may be two.
    pub fn resolve(&self, name: &str) -> Result<Revision, GitError> {
        let (plain, steps) = steps(name);
        // Steps alone are from where this clone is or was, such as `@{-1}`.
        let meant = if plain.is_empty() { Named::NoRef } else { self.named(plain)? };
        let meant = match meant {
            Named::Commit(id) => format!("{id}{steps}"),
            Named::Branch(whole) | Named::Other(whole) => format!("{whole}{steps}"),
            Named::NoRef => name.to_owned(),
        };
        let found = self.repository.revparse_single(&meant).and_then(|object| object.peel_to_commit());
        let commit = found.map_err(|error| match error.code() {
            ErrorCode::NotFound => {
                self.deeper(absent(name, "name a branch, a tag or a commit that `git log` shows"))
            }
            _ => self.deeper(GitError::new(
                format!("`{name}` is no revision: {}", error.message()),
                "name a branch, a tag or a commit that `git log` shows",
            )),
        })?;
        let author = commit.author().name().unwrap_or_default().to_owned();
        let id = commit.id();
        Ok(Revision { commit: Commit { id: id.to_string(), author, dirty: false }, id })
    }

    /// The tip of a branch: of a remote (`origin/main`) or of this clone, or what a whole name (`refs/…`) or a commit's whole id
    /// stands for. A tag that is called like a branch is none.
    ///
    /// # Errors
    /// When there is none.
    pub fn tip(&self, name: &str) -> Result<Revision, GitError> {
        match self.named(name)? {
            Named::Commit(_) | Named::Branch(_) => self.resolve(name),
            Named::Other(_) | Named::NoRef => Err(GitError::new(
                format!("there is no branch `{name}` in this clone"),
                "name a branch, such as origin/main, or the whole name of a ref",
            )),
        }
    }

    fn named(&self, name: &str) -> Result<Named, GitError> {
        named(&self.repository, name)
    }

    /// Of a shallow clone, that it has a part of the history alone.
    fn deeper(&self, error: GitError) -> GitError {
        if self.repository.is_shallow() { GitError::new(error.message, DEEPEN) } else { error }
    }

    /// Proves that what a name stands for may judge, or say what is allowed. In a submodule only a commit's whole id may.
    ///
    /// # Errors
    /// When whoever writes a branch of the repository around it decides what that name stands for.
    pub fn require_own(&self, name: &str) -> Result<(), GitError> {
        match outer(&self.repository).filter(|_| whole_id(name).is_none()) {
            None => Ok(()),
            Some(around) => Err(GitError::new(
                format!(
                    "the project lies in a submodule of {}, so `{name}` judges and allows nothing: a branch there says which repository it is of",
                    around.display()
                ),
                "name the commit that the repository around it has on its branch, such as \"$(git -C .. rev-parse origin/main:FOLDER)\", or work in a clone of its own",
            )),
        }
    }

    /// The branch that changes are compared with when none is named.
    ///
    /// # Errors
    /// When the clone has none of the usual ones.
    pub fn default_base(&self) -> Result<String, GitError> {
        ["origin/HEAD", "origin/main", "main", "origin/master", "master"]
            .into_iter()
            .find(|name| self.tip(name).is_ok())
            .map(str::to_owned)
            .ok_or_else(|| {
                let help = if self.repository.is_shallow() { DEEPEN } else { "name it with --base REF" };
                GitError::new(
                    "there is nothing to compare with: this clone has no branch main or master",
                    help,
                )
            })
    }

    /// The commit where two lines of history part.
    ///
    /// # Errors
    /// When they have none in this clone.
    pub fn merge_base(&self, one: &Revision, two: &Revision) -> Result<Revision, GitError> {
        match self.repository.merge_base(one.id, two.id) {
            Ok(id) => self.resolve(&id.to_string()),
            Err(_) if self.repository.is_shallow() => Err(GitError::new(
                format!("{} and {} have no common commit in this shallow clone", one.short(), two.short()),
                DEEPEN,
            )),
            Err(_) => Err(GitError::new(
                format!("{} and {} have no common commit", one.short(), two.short()),
                "compare them as they are with --exact",
            )),
        }
    }

    /// Whether a revision is a commit, or came after it; not known of a commit that is not in this clone.
    #[must_use]
    pub fn includes(&self, revision: &Revision, commit: &str) -> bool {
        let Ok(id) = Oid::from_str(commit) else { return false };
        revision.id == id || self.repository.graph_descendant_of(revision.id, id).unwrap_or(false)
    }

    /// The branch that HEAD is on.
    #[must_use]
    pub fn head_branch(&self) -> Option<String> {
        let head = self.repository.find_reference("HEAD").ok()?;
        let target = head.symbolic_target().ok()??;
        target.strip_prefix("refs/heads/").map(str::to_owned)
    }

    pub(super) fn tree(&self, revision: &Revision) -> Result<Tree<'_>, GitError> {
        self.repository.find_commit(revision.id).and_then(|commit| commit.tree()).map_err(|error| {
            GitError::new(
                format!("the files of {} are not in this clone: {}", revision.short(), error.message()),
                "fetch them: a partial clone lacks objects, `git fetch --refetch` brings them all",
            )
        })
    }

    /// The sources of the project in a revision, sorted by path; none when the project was not there yet.
    ///
    /// # Errors
    /// When the revision's tree is not in this clone.
    pub fn load(&self, revision: &Revision) -> Result<Sources, GitError> {
        let mut top = self.tree(revision)?;
        if !self.prefix.is_empty() {
            let below = top.get_path(Path::new(&self.prefix)).ok();
            let below = below.and_then(|entry| self.repository.find_tree(entry.id()).ok());
            match below {
                Some(below) => top = below,
                None => return Ok(Sources::default()),
            }
        }
        let mut reader = TreeReader::new(&self.repository, &top, String::new());
        for entry in &top {
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            let is_folder = entry.kind() == Some(git2::ObjectType::Tree);
            let nearly = if is_folder { nearly_folder(&name).is_some() } else { nearly_project_file(&name) };
            if name == PROJECT_FILE || FOLDERS.contains(&name.as_str()) || nearly {
                reader.entry(&entry, name, &self.prefix);
            }
        }
        TEMPLATES.iter().for_each(|path| reader.file(path));
        let mut files = reader.files;
        files.sort_by(|a, b| a.path.cmp(&b.path));
        Ok(Sources::from(files))
    }

    /// CODEOWNERS, wherever forges look for it, as the revision (else the working tree's commit) has it, and the
    /// project's folder in the repository.
    #[must_use]
    pub fn codeowners(&self, revision: &Revision) -> Option<String> {
        let tree = self.tree(revision).ok()?;
        let places = [".github/CODEOWNERS", "CODEOWNERS", "docs/CODEOWNERS", ".gitlab/CODEOWNERS"];
        places.iter().find_map(|place| {
            let blob = self.repository.find_blob(tree.get_path(Path::new(place)).ok()?.id()).ok()?;
            Some(String::from_utf8_lossy(blob.content()).into_owned())
        })
    }

    /// The project's folder in the repository, `""` or with a slash at its end.
    #[must_use]
    pub fn folder(&self) -> String {
        if self.prefix.is_empty() { String::new() } else { format!("{}/", self.prefix) }
    }

    /// When a commit was made, in seconds since 1970 UTC; none where it is not known here.
    #[must_use]
    pub fn committed_at(&self, commit: &str) -> Option<i64> {
        let commit = self.repository.find_commit(Oid::from_str(commit).ok()?).ok()?;
        Some(commit.time().seconds())
    }

    /// Who last touched each line of a project's file, up to a revision. Lines of `text` that the revision does not
    /// have belong to nobody yet.
    #[must_use]
    pub fn touched(&self, revision: &Revision, path: &str, text: &str) -> Vec<Option<Commit>> {
        let mut options = BlameOptions::new();
        options.newest_commit(revision.id);
        let path = format!("{}{path}", self.folder());
        let count = text.lines().count();
        let Ok(committed) = self.repository.blame_file(Path::new(&path), Some(&mut options)) else {
            return vec![None; count];
        };
        let current = committed.blame_buffer(text.as_bytes());
        let blame = current.as_ref().unwrap_or(&committed);
        (1..=count).map(|line| self.line(blame, line)).collect()
    }

    fn line(&self, blame: &Blame<'_>, line: usize) -> Option<Commit> {
        let id = blame.get_line(line)?.final_commit_id();
        let commit = self.repository.find_commit(id).ok()?;
        let author = commit.author().name().unwrap_or_default().to_owned();
        Some(Commit { id: id.to_string(), author, dirty: false })
    }
}

impl Revision {
    /// The commit's id as people say it.
    #[must_use]
    pub fn short(&self) -> &str {
        self.commit.id.get(..8).unwrap_or(&self.commit.id)
    }
}

/// The commit that a plan is made from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Commit {
    /// 40 hex digits.
    pub id: String,
    pub author: String,
    /// Something in the project differs from the commit.
    pub dirty: bool,
}
