//! Whether a project in a working tree is what its commit has. Nothing is written, not even git's index.
#![expect(clippy::disallowed_methods, reason = "looks at the files that git knows")]

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::Path;

use git2::{DiffOptions, Index, IndexEntry, IndexTime, Repository, Status, StatusOptions};
use rayon::prelude::*;

use super::inside::inside;
use crate::source::names::{FOLDERS, PROJECT_FILE};

/// True when a source differs from the commit under the working tree: it was changed, staged, or is new.
pub(super) fn is_dirty(repository: &Repository, root: &Path) -> bool {
    let Some(workdir) = repository.workdir() else { return false };
    // Of what else lies there nothing is read.
    let inside = inside(repository, root).unwrap_or_default();
    let places: Vec<String> = FOLDERS
        .iter()
        .chain([&PROJECT_FILE])
        .map(|source| inside.join(source).to_string_lossy().into_owned())
        .collect();
    if is_proven_clean(repository, workdir, &places) {
        return false;
    }
    let mut options = StatusOptions::new();
    options
        .include_untracked(true)
        .include_ignored(false)
        .recurse_untracked_dirs(false)
        .exclude_submodules(true)
        .disable_pathspec_match(true);
    for place in &places {
        options.pathspec(place);
    }
    repository
        .statuses(Some(&mut options))
        .is_ok_and(|statuses| statuses.iter().any(|entry| entry.status() != Status::CURRENT))
}

/// The usual case, told in a fraction of the time that git's own walk takes: the index has what the commit has, and in these
/// places lie the files of the index and no others, each as it was when git last looked. Where that cannot be told git is
/// asked.
fn is_proven_clean(repository: &Repository, workdir: &Path, places: &[String]) -> bool {
    let Ok(index) = repository.index() else { return false };
    let entries = index.iter().filter(|entry| lies_in(&entry.path, places));
    let noted: HashMap<Vec<u8>, Noted> =
        entries.map(|entry| (entry.path.clone(), Noted::of(&entry))).collect();
    let is_as_noted = || {
        let written = fs::metadata(index.path()?).ok()?;
        let found = places
            .iter()
            .map(|place| Look { noted: &noted, written: &written }.at(&workdir.join(place), place));
        Some(found.sum::<Option<usize>>()? == noted.len())
    };
    is_committed(repository, &index, places).unwrap_or(false) && is_as_noted().unwrap_or(false)
}

fn lies_in(path: &[u8], places: &[String]) -> bool {
    places.iter().any(|place| {
        let rest = path.strip_prefix(place.as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

fn is_committed(repository: &Repository, index: &Index, places: &[String]) -> Option<bool> {
    let tree = repository.head().ok()?.peel_to_tree().ok()?;
    let mut options = DiffOptions::new();
    options.disable_pathspec_match(true);
    for place in places {
        options.pathspec(place);
    }
    let staged = repository.diff_tree_to_index(Some(&tree), Some(index), Some(&mut options)).ok()?;
    Some(staged.deltas().len() == 0)
}

struct Look<'a> {
    /// By path in the repository.
    noted: &'a HashMap<Vec<u8>, Noted>,
    /// Of the index.
    written: &'a Metadata,
}

impl Look<'_> {
    /// How many files stand at a place that may be missing; `None` unless all of them are as noted.
    fn at(&self, place: &Path, path: &str) -> Option<usize> {
        match fs::symlink_metadata(place) {
            Ok(data) if data.is_dir() => self.below(place, path),
            Ok(data) => self.file(path, &data),
            Err(error) => (error.kind() == ErrorKind::NotFound).then_some(0),
        }
    }

    fn below(&self, folder: &Path, path: &str) -> Option<usize> {
        let entries = fs::read_dir(folder).ok()?.collect::<Result<Vec<_>, _>>().ok()?;
        let found = entries.par_iter().map(|entry| {
            let path = format!("{path}/{}", entry.file_name().to_str()?);
            match entry.file_type().ok()?.is_dir() {
                true => self.below(&entry.path(), &path),
                false => self.file(&path, &entry.metadata().ok()?),
            }
        });
        found.sum()
    }

    fn file(&self, path: &str, data: &Metadata) -> Option<usize> {
        self.noted.get(path.as_bytes())?.is_still(data, self.written).then_some(1)
    }
}

/// What git noted of a file when it last looked.
struct Noted {
    /// Seconds, nanoseconds; of the content, and of the file.
    modified: (i64, i64),
    changed: (i64, i64),
    mode: u32,
    size: u32,
    inode: u32,
}

impl Noted {
    fn of(entry: &IndexEntry) -> Self {
        let time = |time: IndexTime| (time.seconds().into(), time.nanoseconds().into());
        Noted {
            modified: time(entry.mtime),
            changed: time(entry.ctime),
            mode: entry.mode,
            size: entry.file_size,
            inode: entry.ino,
        }
    }

    /// As git judges it without reading the file, which may have changed after git looked if it is no older than the index.
    #[cfg(unix)]
    fn is_still(&self, data: &Metadata, index: &Metadata) -> bool {
        use std::os::unix::fs::MetadataExt as _;
        const KIND: u32 = 0o170_000;
        const REGULAR: u32 = 0o100_000;
        const EXECUTABLE: u32 = 0o100;
        data.is_file()
            && self.mode & KIND == REGULAR
            && self.mode & EXECUTABLE == data.mode() & EXECUTABLE
            && self.modified == (data.mtime(), data.mtime_nsec())
            && self.changed == (data.ctime(), data.ctime_nsec())
            && self.modified < (index.mtime(), index.mtime_nsec())
            && u64::from(self.size) == data.size()
            && u64::from(self.inode) == data.ino() & u64::from(u32::MAX)
    }

    #[cfg(not(unix))]
    fn is_still(&self, _: &Metadata, _: &Metadata) -> bool {
        false
    }
}
