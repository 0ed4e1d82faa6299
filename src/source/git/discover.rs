//! Which repository is around a folder. That of the nearest `.git` is, which no commit can bring. Git itself would first take a folder
//! that looks like a bare repository, and whoever writes a branch can commit one.
#![expect(clippy::disallowed_methods, reason = "part of the door through which revisions are read")]

use std::path::{Path, PathBuf};

use git2::{Error, ErrorClass, ErrorCode, Repository, RepositoryOpenFlags};

use crate::source::names::PROJECT_FILE;

/// The repository around a folder; a bare one only where the folder is it, and no project.
///
/// # Errors
/// When there is none (`NotFound`), or git refuses to read it.
pub(super) fn discover(folder: &Path) -> Result<Repository, Error> {
    let absent =
        || Error::new(ErrorCode::NotFound, ErrorClass::Repository, "there is no repository here or above");
    let folder = folder.canonicalize().map_err(|_| absent())?;
    for above in folder.ancestors() {
        let dot = above.join(".git");
        match dot.metadata() {
            Ok(found) if found.is_dir() => return Repository::open(&dot),
            // In a further working tree, and in a submodule, it is a file that says where the repository is.
            Ok(_) => {
                let none: [&str; 0] = [];
                return Repository::open_ext(above, RepositoryOpenFlags::NO_SEARCH, none);
            }
            Err(_) => {}
        }
    }
    if folder.join(PROJECT_FILE).symlink_metadata().is_ok() {
        return Err(absent());
    }
    Repository::open_bare(&folder).map_err(|_| absent())
}

/// The working tree that this repository is a submodule of. Which repository that is, and so what its branches hold, is said by
/// `.gitmodules` in whatever branch of it is checked out.
pub(super) fn outer(repository: &Repository) -> Option<PathBuf> {
    let own = repository.workdir()?.canonicalize().ok()?;
    let around = discover(own.parent()?).ok();
    let tree = around.as_ref().and_then(|around| around.workdir()?.canonicalize().ok());
    // Where git keeps one, whether or not anybody lists it.
    let below = |git: &Path| repository.path().starts_with(git.join("modules"));
    let is_kept = around.as_ref().is_some_and(|around| below(around.path()) || below(around.commondir()));
    let is_listed = || {
        let at = own.strip_prefix(tree.as_ref()?).ok()?;
        let entry = around.as_ref()?.index().ok()?.get_path(at, 0)?;
        Some(entry.mode == u32::from(git2::FileMode::Commit))
    };
    let is_one = !repository.is_worktree() && (is_kept || is_listed() == Some(true));
    tree.filter(|_| is_one)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_folder_that_looks_like_a_repository_is_none_below_another_or_beside_a_project() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().canonicalize().unwrap();
        Repository::init(root.join("own")).unwrap();
        let shops = root.join("own/shops");
        Repository::init_bare(&shops).unwrap();
        let inside = discover(&shops).unwrap();
        assert_eq!(inside.path(), root.join("own/.git"));
        assert_eq!(discover(&shops.join("refs")).unwrap().path(), root.join("own/.git"));
        // As in an export without `.git`.
        let bare = root.join("bare");
        Repository::init_bare(&bare).unwrap();
        assert!(discover(&bare).unwrap().is_bare());
        assert!(discover(&bare.join("refs")).is_err());
        fs::write(bare.join(PROJECT_FILE), "version: 1\n").unwrap();
        assert!(discover(&bare).is_err());
        assert!(discover(&root).is_err());
    }

    #[test]
    fn a_further_working_tree_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let repository = Repository::init(folder.path().join("one")).unwrap();
        let author = git2::Signature::now("a", "a@example.com").unwrap();
        let tree = repository.treebuilder(None).unwrap().write().unwrap();
        let tree = repository.find_tree(tree).unwrap();
        repository.commit(Some("HEAD"), &author, &author, "one", &tree, &[]).unwrap();
        repository.worktree("two", &folder.path().join("two"), None).unwrap();
        assert!(discover(&folder.path().join("two")).unwrap().is_worktree());
    }
}
