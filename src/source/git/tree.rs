//! Walks a revision's tree as a working tree's folders are walked, with the same files and the same bounds.

use std::ffi::OsString;
use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use git2::{ObjectType, Oid, Repository, Tree};

use crate::source::blob::{Blob, Objects};
use crate::source::content::ReadFault;
use crate::source::file::{ReadFrom, SourceFile};
use crate::source::links::refusal;
use crate::source::names::{self, FOLDERS};

/// A link that leads to a link, and so on, is given up after this many.
pub(super) const MAX_LINKS: usize = 8;

/// The mode of a link in a tree.
const LINK: i32 = 0o120_000;

const OUTSIDE: &str = "it is a link to outside the project";
const NO_SUCH_FILE: &str = "there is no such file";
const NO_FOLDER: &str = "its folder is not in this clone";

/// Walks a tree as `load` walks folders, with the same files and the same bounds.
pub(super) struct TreeReader<'a> {
    repository: &'a Repository,
    objects: Arc<Objects>,
    root: &'a Tree<'a>,
    /// Where the tree's paths begin, with a slash at the end; empty for the project itself.
    inside: String,
    pub files: Vec<SourceFile>,
}

impl<'a> TreeReader<'a> {
    pub fn new(repository: &'a Repository, root: &'a Tree<'a>, inside: String) -> Self {
        TreeReader { repository, objects: Objects::of(repository), root, inside, files: Vec::new() }
    }

    pub fn entry(&mut self, entry: &git2::TreeEntry<'_>, path: String, prefix: &str) {
        let yaml = names::looks_like_a_source(path.rsplit('/').next().unwrap_or(&path));
        if refusal(Some(Path::new(&path))).is_some() {
            return;
        }
        match (entry.kind(), entry.filemode()) {
            (Some(ObjectType::Tree), _) => {
                let Ok(tree) = self.repository.find_tree(entry.id()) else {
                    self.fault(path, NO_FOLDER);
                    return;
                };
                self.files.reserve(tree.len());
                for inner in &tree {
                    let name = String::from_utf8_lossy(inner.name_bytes());
                    self.entry(&inner, [&path, "/", &*name].concat(), prefix);
                }
            }
            (Some(ObjectType::Commit), _) => self.submodule(entry.id(), &path, prefix),
            (Some(ObjectType::Blob), LINK) if FOLDERS.contains(&path.as_str()) => {
                self.linked_folder(path, prefix);
            }
            (Some(ObjectType::Blob), LINK) if yaml => self.link(path),
            (Some(ObjectType::Blob), _) if yaml => self.blob(entry.id(), path),
            _ => {}
        }
    }

    fn fault(&mut self, path: String, reason: &str) {
        self.files.push(SourceFile::with_fault(path, "", ReadFault::Unreadable(reason.to_owned())));
    }

    fn blob(&mut self, id: Oid, path: String) {
        let blob = Blob::new(id, Arc::clone(&self.objects));
        self.files.push(SourceFile::unread(path, ReadFrom::Blob(blob)));
    }

    /// A link may point to any source within the project, as in a working tree.
    fn link(&mut self, path: String) {
        match self.follow(&path) {
            Ok(Some((id, ObjectType::Blob))) => self.blob(id, path),
            Ok(Some(_)) => {}
            Ok(None) => self.fault(path, NO_SUCH_FILE),
            Err(reason) => self.fault(path, reason),
        }
    }

    /// A folder of sources that is a link to another folder of the project.
    fn linked_folder(&mut self, path: String, prefix: &str) {
        let tree = match self.follow(&path) {
            Ok(Some((id, ObjectType::Tree))) => self.repository.find_tree(id),
            Ok(_) => return self.fault(path, "it is a link to no folder"),
            Err(reason) => return self.fault(path, reason),
        };
        let Ok(tree) = tree else { return self.fault(path, NO_FOLDER) };
        for inner in &tree {
            let name = String::from_utf8_lossy(inner.name_bytes());
            self.entry(&inner, [&path, "/", &*name].concat(), prefix);
        }
    }

    /// Adds a file by its path, where there is one.
    pub fn file(&mut self, path: &str) {
        match self.follow(path) {
            Ok(Some((id, ObjectType::Blob))) => self.blob(id, path.to_owned()),
            Ok(Some(_)) => self.fault(path.to_owned(), "it is not a regular file"),
            Ok(None) => {}
            Err(reason) => self.fault(path.to_owned(), reason),
        }
    }

    /// What a path leads to: links are followed as a file system follows them. Nothing where there is no such path.
    fn follow(&self, path: &str) -> Result<Option<(Oid, ObjectType)>, &'static str> {
        let path = path.strip_prefix(&self.inside).unwrap_or(path);
        let mut left = names(Path::new(path))?;
        left.reverse();
        let mut at = PathBuf::new();
        let mut links = 0;
        while let Some(name) = left.pop() {
            if name == ".." {
                if !at.pop() {
                    return Err(OUTSIDE);
                }
                continue;
            }
            at.push(&name);
            if let Some(reason) = refusal(Some(&at)) {
                return Err(reason);
            }
            let Ok(entry) = self.root.get_path(&at) else {
                return if links == 0 { Ok(None) } else { Err(NO_SUCH_FILE) };
            };
            if entry.filemode() == LINK {
                links += 1;
                if links > MAX_LINKS {
                    return Err("it is a link that leads nowhere");
                }
                let blob = self.repository.find_blob(entry.id()).map_err(|_| NO_SUCH_FILE)?;
                let target = String::from_utf8_lossy(blob.content()).into_owned();
                at.pop();
                left.extend(names(Path::new(&target))?.into_iter().rev());
            }
        }
        if at.as_os_str().is_empty() {
            return Ok(Some((self.root.id(), ObjectType::Tree)));
        }
        let entry = self.root.get_path(&at).map_err(|_| NO_SUCH_FILE)?;
        Ok(entry.kind().map(|kind| (entry.id(), kind)))
    }

    fn submodule(&mut self, id: Oid, path: &str, prefix: &str) {
        let full = if prefix.is_empty() { path.to_owned() } else { format!("{prefix}/{path}") };
        let opened = self.repository.find_submodule(&full).and_then(|submodule| submodule.open());
        let Ok(inner) = opened else {
            return self.fault(
                format!("{path}/submodule.yaml"),
                "it is a submodule that was not fetched; run `git submodule update --init`",
            );
        };
        let Ok(tree) = inner.find_commit(id).and_then(|commit| commit.tree()) else {
            return self.fault(
                format!("{path}/submodule.yaml"),
                "the submodule lacks the commit that this revision names; run `git submodule update --init`",
            );
        };
        let mut reader = TreeReader::new(&inner, &tree, format!("{path}/"));
        for entry in &tree {
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            reader.entry(&entry, format!("{path}/{name}"), "");
        }
        self.files.append(&mut reader.files);
    }
}

/// The parts of a path that is to stay within the project.
fn names(path: &Path) -> Result<Vec<OsString>, &'static str> {
    let mut names = Vec::new();
    for part in path.components() {
        match part {
            Component::Normal(_) | Component::ParentDir => names.push(part.as_os_str().to_owned()),
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return Err(OUTSIDE),
        }
    }
    Ok(names)
}

/// A link's target relative to the root; `None` when it leaves it.
pub(super) fn within(folder: &Path, target: &Path) -> Option<PathBuf> {
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
