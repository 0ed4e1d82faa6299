//! Whether a project in a working tree is what its commit has: each file that is read is the blob of HEAD, and git itself knows
//! of no difference. Nothing is written, not even git's index.
//!
//! Git alone cannot tell: it passes by what is ignored, what somebody marked as unchanged or left out, what lies in submodules,
//! and what a filter changed on the way.
#![expect(clippy::disallowed_methods, reason = "looks at the files that git knows")]

use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::io::ErrorKind;
use std::path::Path;

use git2::{
    AttrCheckFlags, AttrValue, DiffOptions, IndexEntry, IndexTime, Oid, Repository, Status, StatusOptions,
};
use rayon::prelude::*;

use super::history::History;
use super::inside::inside;
use crate::source::SourceFile;
use crate::source::load::{bytes_of, load};
use crate::source::names::{FOLDERS, PROJECT_FILE};

/// True when a source differs from the commit under the working tree: it was changed, staged, or is new, or it is not what the
/// commit has whatever git says of it.
pub(super) fn is_dirty(repository: &Repository, root: &Path) -> bool {
    let Some(workdir) = repository.workdir() else { return false };
    // Of what else lies there nothing is read.
    let inside = inside(repository, root).unwrap_or_default();
    let places: Vec<String> = FOLDERS
        .iter()
        .chain([&PROJECT_FILE])
        .map(|source| inside.join(source).to_string_lossy().into_owned())
        .collect();
    let index = repository.index().ok();
    let noted = index.as_ref().map(|index| Index::of(repository, index, root, &places)).unwrap_or_default();
    if index.as_ref().is_some_and(|index| is_proven_clean(repository, index, &noted, workdir, &places)) {
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
    let statuses = repository.statuses(Some(&mut options));
    let is_current = statuses.is_ok_and(|all| all.iter().all(|entry| entry.status() == Status::CURRENT));
    !is_current || !is_committed_as_read(repository, &noted, root, &inside).unwrap_or(false)
}

/// Whether what is read here is, file by file, what is read of HEAD.
fn is_committed_as_read(repository: &Repository, noted: &Index, root: &Path, inside: &Path) -> Option<bool> {
    let history = History::open(root).ok()?;
    let committed = history.load(&history.resolve("HEAD").ok()?).ok()?;
    let here = load(root);
    let pairs: Vec<(&SourceFile, &SourceFile)> =
        here.iter().map(|(_, file)| file).zip(committed.iter().map(|(_, file)| file)).collect();
    if here.iter().len() != committed.iter().len() || pairs.iter().any(|(one, two)| one.path != two.path) {
        return Some(false);
    }
    let is_same = |(here, committed): &(&SourceFile, &SourceFile)| {
        noted.tells(root, inside, &here.path, committed) || here.same_content(committed)
    };
    let unlike: Vec<_> = pairs.into_par_iter().filter(|pair| !is_same(pair)).collect();
    // Line breaks that git itself writes otherwise here are no difference.
    Some(unlike.iter().all(|(here, committed)| {
        here.fault().is_none()
            && here.text().contains("\r\n")
            && here.text().replace("\r\n", "\n") == committed.text()
            && normalizes_lines(repository, &inside.join(&here.path))
    }))
}

/// Whether git takes the line breaks of a file for `\n` when it is committed.
fn normalizes_lines(repository: &Repository, path: &Path) -> bool {
    let flags = AttrCheckFlags::FILE_THEN_INDEX;
    let attribute = |name| AttrValue::from_string(repository.get_attr(path, name, flags).ok().flatten());
    match (attribute("text"), attribute("eol")) {
        (AttrValue::False, _) => false,
        (AttrValue::True | AttrValue::String("auto"), _) | (_, AttrValue::String(_)) => true,
        _ => {
            let config = repository.config().and_then(|config| config.get_string("core.autocrlf"));
            config.is_ok_and(|value| {
                matches!(value.to_ascii_lowercase().as_str(), "true" | "input" | "yes" | "on" | "1")
            })
        }
    }
}

/// What git's index has of some places.
#[derive(Default)]
struct Index {
    /// By path in the repository.
    noted: HashMap<Vec<u8>, Noted>,
    /// When the index was written; nothing it says is taken where that is not known.
    written: Option<Metadata>,
}

impl Index {
    fn of(repository: &Repository, index: &git2::Index, root: &Path, places: &[String]) -> Self {
        let entries = index.iter().filter(|entry| lies_in(&entry.path, places));
        let noted: HashMap<Vec<u8>, Noted> =
            entries.map(|entry| (entry.path.clone(), Noted::of(&entry))).collect();
        let written = index.path().filter(|_| !may_be_filtered(repository, root, &noted));
        Index { noted, written: written.and_then(|path| fs::metadata(path).ok()) }
    }

    /// Whether a file is still what git noted, and that is what the commit has.
    fn tells(&self, root: &Path, inside: &Path, path: &str, committed: &SourceFile) -> bool {
        let key = inside.join(path).to_string_lossy().replace('\\', "/");
        let (Some(noted), Some(written)) = (self.noted.get(key.as_bytes()), &self.written) else {
            return false;
        };
        committed.blob() == Some(noted.id)
            && fs::symlink_metadata(root.join(path)).is_ok_and(|data| noted.is_still(&data, written))
    }
}

/// Whether git may write files otherwise than it keeps them, so that a file that git takes for unchanged holds something else.
/// Line breaks do not count.
fn may_be_filtered(repository: &Repository, root: &Path, noted: &HashMap<Vec<u8>, Noted>) -> bool {
    const NAME: &str = ".gitattributes";
    if noted.keys().any(|path| path.ends_with(NAME.as_bytes())) {
        return true;
    }
    let config = repository.config().and_then(|config| config.get_path("core.attributesfile"));
    let own = git2::Config::find_xdg().ok().and_then(|config| Some(config.parent()?.join("attributes")));
    let shared =
        git2::Config::find_system().ok().and_then(|config| Some(config.parent()?.join("gitattributes")));
    let mut files = vec![repository.commondir().join("info/attributes")];
    files.extend(config.ok().into_iter().chain(own).chain(shared));
    files.extend(root.ancestors().map(|folder| folder.join(NAME)));
    let filters = |text: Vec<u8>| {
        let text = String::from_utf8_lossy(&text);
        ["filter", "ident", "working-tree-encoding"].iter().any(|word| text.contains(word))
    };
    files.iter().any(|file| match bytes_of(file) {
        Ok(text) => filters(text),
        Err(error) => !matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory),
    })
}

/// The usual case, told in a fraction of the time that git's own walk takes: the index has what the commit has, and in these
/// places lie the files of the index and no others, each as it was when git last looked. Where that cannot be told git is
/// asked.
fn is_proven_clean(
    repository: &Repository,
    index: &git2::Index,
    of: &Index,
    workdir: &Path,
    places: &[String],
) -> bool {
    let Index { noted, written: Some(written) } = of else { return false };
    let is_as_noted = || {
        let found = places.iter().map(|place| Look { noted, written }.at(&workdir.join(place), place));
        Some(found.sum::<Option<usize>>()? == noted.len())
    };
    is_committed(repository, index, places).unwrap_or(false) && is_as_noted().unwrap_or(false)
}

fn lies_in(path: &[u8], places: &[String]) -> bool {
    places.iter().any(|place| {
        let rest = path.strip_prefix(place.as_bytes());
        rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"/"))
    })
}

fn is_committed(repository: &Repository, index: &git2::Index, places: &[String]) -> Option<bool> {
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
    id: Oid,
    /// Somebody told git to take it as it is, or to leave it out: what was noted proves nothing.
    is_exempt: bool,
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
        /// `CE_VALID` and `CE_SKIP_WORKTREE` of git's index.
        const ASSUMED_UNCHANGED: u16 = 0x8000;
        const LEFT_OUT: u16 = 0x4000;
        Noted {
            id: entry.id,
            is_exempt: entry.flags & ASSUMED_UNCHANGED != 0 || entry.flags_extended & LEFT_OUT != 0,
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
            && !self.is_exempt
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
