//! Walks a revision's tree as a working tree's folders are walked, with the same files and the same bounds.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use git2::{ObjectType, Oid, Repository, Tree};

use crate::source::blob::{Blob, Objects};
use crate::source::content::ReadFault;
use crate::source::file::{ReadFrom, SourceFile};
use crate::source::names;

/// A link that leads to a link, and so on, is given up after this many.
pub(super) const MAX_LINKS: usize = 8;

/// Walks a tree as `load` walks folders, with the same files and the same bounds.
pub(super) struct TreeReader<'a> {
    repository: &'a Repository,
    objects: Arc<Objects>,
    root: &'a Tree<'a>,
    pub files: Vec<SourceFile>,
}

impl<'a> TreeReader<'a> {
    pub fn new(repository: &'a Repository, root: &'a Tree<'a>) -> Self {
        TreeReader { repository, objects: Objects::of(repository), root, files: Vec::new() }
    }

    pub fn entry(&mut self, entry: &git2::TreeEntry<'_>, path: String, prefix: &str) {
        let yaml = names::looks_like_a_source(path.rsplit('/').next().unwrap_or(&path));
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
        self.files.push(SourceFile::with_fault(path, "", ReadFault::Unreadable(reason.to_owned())));
    }

    fn blob(&mut self, id: Oid, path: String) {
        let blob = Blob::new(id, Arc::clone(&self.objects));
        self.files.push(SourceFile::unread(path, ReadFrom::Blob(blob)));
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
