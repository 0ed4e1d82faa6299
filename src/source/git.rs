//! What git knows of a project: the commit it stands on, whether it was changed since, and its sources as they were in
//! any revision. Blobs are read straight from the object store; nothing is checked out and no index is touched.
#![expect(clippy::disallowed_methods, reason = "the door through which revisions are read")]

mod status;

use std::path::{Component, Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use git2::{Blame, BlameOptions, ErrorCode, ObjectType, Oid, Repository, Tree};

use super::load::{FOLDERS, MAX_BYTES, PROJECT_FILE};
use super::{Content, Fault, Place, SourceFile, Sources};

/// Why a revision cannot be read, and what to do about it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct GitError {
    pub message: String,
    pub help: Option<String>,
}

impl GitError {
    fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        GitError { message: message.into(), help: Some(help.into()) }
    }
}

fn cannot_read(error: &git2::Error) -> GitError {
    GitError { message: format!("git cannot read this repository: {}", error.message()), help: None }
}

const DEEPEN: &str = "fetch the whole history: `git fetch --unshallow`, or `fetch-depth: 0` at actions/checkout, or `GIT_DEPTH: 0` in GitLab CI";

/// A link that leads to a link, and so on, is given up after this many.
const MAX_LINKS: usize = 8;

/// A repository, and where in it the project lies.
pub struct History {
    repository: Repository,
    /// The project's folder within the repository, `""` at its root; forward slashes.
    prefix: String,
}

/// One commit of a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Revision {
    pub commit: Commit,
    id: Oid,
}

impl History {
    /// The repository around `folder`, which may be bare.
    ///
    /// # Errors
    /// When there is none, or git refuses to read it.
    pub fn open(folder: &Path) -> Result<History, GitError> {
        let repository = Repository::discover(folder).map_err(|error| match error.code() {
            ErrorCode::Owner => GitError::new(
                "git refuses to read this repository: it belongs to another user",
                format!("run `git config --global --add safe.directory {}`", folder.display()),
            ),
            ErrorCode::NotFound => GitError::new(
                "this is no git repository, so there is no revision to read",
                "run pairform in a clone of the repository",
            ),
            _ => cannot_read(&error),
        })?;
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
    /// When there is none.
    pub fn resolve(&self, name: &str) -> Result<Revision, GitError> {
        let found = self.repository.revparse_single(name).and_then(|object| object.peel_to_commit());
        let commit = found.map_err(|error| {
            let message = match error.code() {
                ErrorCode::NotFound => format!("there is no revision `{name}` in this clone"),
                _ => format!("`{name}` is no revision: {}", error.message()),
            };
            if self.repository.is_shallow() {
                return GitError::new(message, DEEPEN);
            }
            match name.strip_prefix("origin/") {
                Some(branch) => GitError::new(message, format!("fetch it: `git fetch origin {branch}`")),
                None => GitError::new(message, "name a branch, a tag or a commit that `git log` shows"),
            }
        })?;
        let author = commit.author().name().unwrap_or_default().to_owned();
        let id = commit.id();
        Ok(Revision { commit: Commit { id: id.to_string(), author, dirty: false }, id })
    }

    /// The branch that changes are compared with when none is named.
    ///
    /// # Errors
    /// When the clone has none of the usual ones.
    pub fn default_base(&self) -> Result<String, GitError> {
        ["origin/HEAD", "origin/main", "main", "origin/master", "master"]
            .into_iter()
            .find(|name| self.repository.revparse_single(name).is_ok())
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

    fn tree(&self, revision: &Revision) -> Result<Tree<'_>, GitError> {
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
        let mut reader = TreeReader::new(&self.repository, &top);
        for entry in &top {
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            if name == PROJECT_FILE || FOLDERS.contains(&name.as_str()) {
                reader.entry(&entry, name, &self.prefix);
            }
        }
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

/// A text in git's object store.
pub(super) struct Blob {
    pub(super) id: Oid,
    objects: Arc<Objects>,
}

/// A repository that texts are read from, opened as often as there are threads that read at once.
struct Objects {
    folder: PathBuf,
    idle: Mutex<Vec<Repository>>,
}

impl Objects {
    fn of(repository: &Repository) -> Arc<Self> {
        Arc::new(Objects { folder: repository.path().to_owned(), idle: Mutex::default() })
    }

    fn with<T>(&self, read: impl FnOnce(&Repository) -> T) -> Result<T, git2::Error> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let known = idle().pop();
        let repository = match known {
            Some(repository) => repository,
            None => Repository::open(&self.folder)?,
        };
        let read = read(&repository);
        idle().push(repository);
        Ok(read)
    }
}

impl std::fmt::Debug for Blob {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "Blob({})", self.id)
    }
}

impl Blob {
    /// Whether git would keep this under the same id.
    pub(super) fn is(&self, content: &Content) -> bool {
        let id = || Oid::hash_object(ObjectType::Blob, content.text.as_bytes());
        content.fault.is_none() && id().is_ok_and(|id| id == self.id)
    }

    pub(super) fn read(&self) -> Content {
        let read = self.objects.with(|repository| self.read_from(repository));
        read.unwrap_or_else(|error| Content::faulty(Fault::Unreadable(error.message().to_owned())))
    }

    fn read_from(&self, repository: &Repository) -> Content {
        let unreadable = |reason: &str| Content::faulty(Fault::Unreadable(reason.to_owned()));
        let size = repository.odb().and_then(|objects| objects.read_header(self.id));
        let size = size.map_or(0, |(size, _)| size as u64);
        if size > MAX_BYTES {
            return Content::faulty(Fault::TooLarge { bytes: size, limit: MAX_BYTES });
        }
        match repository.find_blob(self.id) {
            Ok(blob) if blob.content().starts_with(b"version https://git-lfs") => {
                unreadable("its text lies in Git LFS; keep configuration in git itself")
            }
            Ok(blob) => Content::from_bytes(blob.content().to_vec()),
            Err(_) => unreadable("it is not in this clone; a partial clone lacks objects"),
        }
    }
}

/// Walks a tree as `load` walks folders, with the same files and the same bounds.
struct TreeReader<'a> {
    repository: &'a Repository,
    objects: Arc<Objects>,
    root: &'a Tree<'a>,
    files: Vec<SourceFile>,
}

impl<'a> TreeReader<'a> {
    fn new(repository: &'a Repository, root: &'a Tree<'a>) -> Self {
        TreeReader { repository, objects: Objects::of(repository), root, files: Vec::new() }
    }

    fn entry(&mut self, entry: &git2::TreeEntry<'_>, path: String, prefix: &str) {
        let yaml = path.ends_with(".yaml") || path.ends_with(".yml");
        match (entry.kind(), entry.filemode()) {
            (Some(ObjectType::Tree), _) => {
                let Ok(tree) = self.repository.find_tree(entry.id()) else {
                    self.fault(path, "its folder is not in this clone");
                    return;
                };
                self.files.reserve(tree.len());
                for inner in &tree {
                    let name = String::from_utf8_lossy(inner.name_bytes());
                    self.entry(&inner, [&path, "/", &*name].concat(), prefix);
                }
            }
            (Some(ObjectType::Commit), _) => self.submodule(entry.id(), &path, prefix),
            (Some(ObjectType::Blob), 0o120_000) if yaml => self.link(entry.id(), path),
            (Some(ObjectType::Blob), _) if yaml => self.blob(entry.id(), path),
            _ => {}
        }
    }

    fn fault(&mut self, path: String, reason: &str) {
        self.files.push(SourceFile::with_fault(path, "", Fault::Unreadable(reason.to_owned())));
    }

    fn blob(&mut self, id: Oid, path: String) {
        let blob = Blob { id, objects: Arc::clone(&self.objects) };
        self.files.push(SourceFile::unread(path, Place::Blob(blob)));
    }

    /// A link may point anywhere within the project, as in a working tree.
    fn link(&mut self, id: Oid, path: String) {
        let mut id = id;
        let mut at = PathBuf::from(&path);
        for _ in 0..MAX_LINKS {
            let Ok(blob) = self.repository.find_blob(id) else { break };
            let target = String::from_utf8_lossy(blob.content()).into_owned();
            let Some(inside) = within(at.parent().unwrap_or(Path::new("")), Path::new(&target)) else {
                return self.fault(path, "it is a link to outside the project");
            };
            let Ok(entry) = self.root.get_path(&inside) else {
                return self.fault(path, "there is no such file");
            };
            id = entry.id();
            at = inside;
            match (entry.kind(), entry.filemode()) {
                (Some(ObjectType::Blob), 0o120_000) => {}
                (Some(ObjectType::Blob), _) => return self.blob(id, path),
                _ => return,
            }
        }
        self.fault(path, "it is a link that leads nowhere");
    }

    fn submodule(&mut self, id: Oid, path: &str, prefix: &str) {
        let full = if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") };
        let opened = self.repository.find_submodule(&full).and_then(|submodule| submodule.open());
        let Ok(inner) = opened else {
            return self.fault(
                format!("{path}/.gitmodules.yaml"),
                "it is a submodule that was not fetched; run `git submodule update --init`",
            );
        };
        let Ok(tree) = inner.find_commit(id).and_then(|commit| commit.tree()) else {
            return self.fault(
                format!("{path}/.gitmodules.yaml"),
                "the submodule lacks the commit that this revision names; run `git submodule update --init`",
            );
        };
        let mut reader = TreeReader::new(&inner, &tree);
        for entry in &tree {
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            reader.entry(&entry, format!("{path}/{name}"), "");
        }
        self.files.append(&mut reader.files);
    }
}

/// A link's target relative to the root; `None` when it leaves it.
fn within(folder: &Path, target: &Path) -> Option<PathBuf> {
    let mut path = folder.to_path_buf();
    for part in target.components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::CurDir => {}
            Component::ParentDir if path.pop() => {}
            _ => return None,
        }
    }
    Some(path)
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

/// The commit under the project at `root`; `None` outside a repository, or before its first commit.
#[must_use]
pub fn commit(root: &Path) -> Option<Commit> {
    let repository = Repository::discover(root).ok()?;
    let head = repository.head().ok()?.peel_to_commit().ok()?;
    let author = head.author().name().unwrap_or_default().to_owned();
    Some(Commit { id: head.id().to_string(), author, dirty: status::is_dirty(&repository, root) })
}

/// A folder's path from the root of its repository's working tree; `None` where it is in none.
fn inside(repository: &Repository, folder: &Path) -> Option<PathBuf> {
    let workdir = repository.workdir()?.canonicalize().ok()?;
    let folder = folder.canonicalize().unwrap_or_else(|_| folder.to_path_buf());
    folder.strip_prefix(workdir).ok().map(Path::to_path_buf)
}

/// The project's folder in its repository, with `/` between names and at the end; empty at the root, and outside any.
#[must_use]
pub fn folder(root: &Path) -> String {
    let found = Repository::discover(root).ok().and_then(|repository| inside(&repository, root));
    found.iter().flatten().map(|name| format!("{}/", name.to_string_lossy())).collect()
}

/// The name and address under which git would commit here.
#[must_use]
pub fn user(root: &Path) -> Option<String> {
    let repository = Repository::discover(root).ok()?;
    let signature = repository.signature().ok()?;
    let name = signature.name().ok()?;
    Some(match signature.email() {
        Ok(email) if !email.is_empty() => format!("{name} <{email}>"),
        _ => name.to_owned(),
    })
}
