//! Which files came with a commit. Whoever writes a branch writes them, so that nothing is believed of one where only pairform's own
//! word counts.
#![expect(clippy::disallowed_methods, reason = "part of the door through which revisions are read")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use git2::{Index, ObjectType, Repository, Tree};

use super::discover::discover;
use super::error::GitError;
use super::history::{History, Revision, cannot_open};
use crate::source::write::leads_to;

/// What a commit brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Brought {
    /// A file, or the link or the submodule on the way to it; from the project's root where it lies there.
    pub path: PathBuf,
    /// It came with a repository that lies within the project.
    is_of_another: bool,
}

impl Brought {
    /// How it is taken out of git; where there is no more to it, the file stays.
    #[must_use]
    pub fn mend(&self) -> String {
        let path = self.path.display();
        match self.is_of_another {
            false => format!(
                "take it out of git: `git rm --cached {path}`, commit that, and let .gitignore name it"
            ),
            true => format!("{path} is a repository of its own: take it out of the project"),
        }
    }
}

/// The first thing that came with a commit among some paths, which are taken from the project's root: with one of the repository around
/// it, or of one that lies within. Links and submodules on the way count, and so does where they lead. What is not there was not brought.
///
/// # Errors
/// When one is there, and git refuses to say what came with a commit.
pub fn brought(root: &Path, paths: impl IntoIterator<Item = PathBuf>) -> Result<Option<Brought>, GitError> {
    let mut there = paths.into_iter().filter(|path| root.join(path).symlink_metadata().is_ok()).peekable();
    if there.peek().is_none() {
        return Ok(None);
    }
    let around = match discover(root) {
        Ok(repository) => Some(repository),
        Err(error) if error.code() == git2::ErrorCode::NotFound => None,
        Err(error) => return Err(cannot_open(&error, root)),
    };
    let around = around.as_ref().map(Tracked::of);
    let (given, root) = (root, &leads_to(root));
    let from_root = |path: PathBuf| path.strip_prefix(root).map_or(path.clone(), Path::to_path_buf);
    let found = there.find_map(|path| {
        let written = root.join(path.strip_prefix(given).unwrap_or(&path));
        let leads = leads_to(&written);
        let ways = [written, leads];
        let tracked = ways.iter().find_map(|path| around.as_ref()?.has(path));
        let own = tracked.map(|path| Brought { path: from_root(path), is_of_another: false });
        own.or_else(|| {
            let path = ways.iter().find_map(|path| of_another(root, path))?;
            Some(Brought { path: from_root(path), is_of_another: true })
        })
    });
    Ok(found)
}

/// The repository within the project with which a file came, such as a submodule, also one that nobody lists any more.
fn of_another(root: &Path, path: &Path) -> Option<PathBuf> {
    let folders = path.ancestors().skip(1).take_while(|folder| *folder != root && folder.starts_with(root));
    let mut repositories = folders.filter(|folder| folder.join(".git").symlink_metadata().is_ok());
    // Of one that cannot be read nobody knows what it brought.
    let brings = |folder: &&Path| {
        let Ok(repository) = discover(folder) else { return true };
        let found = Tracked::of(&repository).has(path);
        found.is_some()
    };
    repositories.find(brings).map(Path::to_path_buf)
}

/// What git tracks of a working tree.
struct Tracked<'r> {
    index: Option<Index>,
    head: Option<Tree<'r>>,
    root: Option<PathBuf>,
}

impl<'r> Tracked<'r> {
    fn of(repository: &'r Repository) -> Self {
        let head = repository.head().ok().and_then(|head| head.peel_to_tree().ok());
        Tracked { index: repository.index().ok(), head, root: repository.workdir().map(leads_to) }
    }

    /// What a commit brings of a path: HEAD has it, or what is to be committed does, in a merge that is not finished too.
    fn has(&self, path: &Path) -> Option<PathBuf> {
        let root = self.root.as_ref()?;
        let inside: PathBuf = path.strip_prefix(root).ok()?.components().collect();
        let in_index = |path: &Path| {
            let stages =
                self.index.as_ref().map(|index| (0..=3).any(|at| index.get_path(path, at).is_some()));
            stages == Some(true)
        };
        let staged = ways(&inside).find(|way| in_index(way)).map(Path::to_path_buf);
        let found = staged.or_else(|| Some(first_on_the_way(self.head.as_ref()?, &inside)?.0));
        found.map(|way| root.join(way))
    }
}

/// A path's folders from the outermost on, and the path.
fn ways(path: &Path) -> impl Iterator<Item = &Path> {
    let ways: Vec<&Path> = path.ancestors().take_while(|path| !path.as_os_str().is_empty()).collect();
    ways.into_iter().rev()
}

/// The first of a path's folders that is none in a tree, such as a link or a submodule, or the path itself; with its content.
fn first_on_the_way(tree: &Tree<'_>, path: &Path) -> Option<(PathBuf, String)> {
    ways(path).find_map(|way| {
        let entry = tree.get_path(way).ok()?;
        (entry.kind() != Some(ObjectType::Tree)).then(|| (way.to_owned(), entry.id().to_string()))
    })
}

impl History {
    /// What a revision brings at some paths of the project, or on the way to them, and below those that are folders: each with what
    /// tells its content.
    #[must_use]
    pub fn brings(&self, revision: &Revision, paths: &[String]) -> BTreeMap<String, String> {
        let mut found = BTreeMap::new();
        let Ok(tree) = self.tree(revision) else { return found };
        let project = PathBuf::from(self.folder());
        for path in paths {
            let whole = project.join(path);
            match first_on_the_way(&tree, &whole) {
                Some((way, id)) => {
                    let way = way.strip_prefix(&project).map_or(way.clone(), Path::to_path_buf);
                    found.insert(way.to_string_lossy().into_owned(), id);
                }
                None => self.below(&tree, &whole, path, &mut found),
            }
        }
        found
    }

    fn below(&self, tree: &Tree<'_>, whole: &Path, path: &str, into: &mut BTreeMap<String, String>) {
        let entry = tree.get_path(whole).ok().and_then(|entry| self.repository.find_tree(entry.id()).ok());
        for entry in entry.iter().flat_map(Tree::iter) {
            let name = String::from_utf8_lossy(entry.name_bytes()).into_owned();
            let inner = format!("{path}/{name}");
            match entry.kind() {
                Some(ObjectType::Tree) => self.below(tree, &whole.join(&name), &inner, into),
                _ => drop(into.insert(inner, entry.id().to_string())),
            }
        }
    }
}
