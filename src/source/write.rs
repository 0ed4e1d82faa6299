//! Writing files: the one door. A file is written beside its place under a random name and renamed, so that nobody sees half
//! of it; nothing is written outside the folder that the caller allows, whatever links lie in between. What is written is
//! decided elsewhere.
#![expect(clippy::disallowed_methods, reason = "the door through which files are written")]

use std::fs;
use std::io::{self, BufWriter, Write};
use std::path::{Component, Path, PathBuf};

use tempfile::NamedTempFile;

use super::links::is_in_private;

/// Who may read a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mode {
    /// As it was before; a new one as the system makes files.
    Shared,
    /// Its owner alone.
    Private,
}

/// A file that is being written and not yet in its place. Dropped, it leaves nothing behind.
#[derive(Debug)]
pub struct Draft {
    file: BufWriter<NamedTempFile>,
    target: PathBuf,
}

impl Draft {
    /// Begins a file at `path` below `folder`; folders that are missing in between are made. A link at its place that stays
    /// inside is written through.
    ///
    /// # Errors
    /// When it cannot be made, its place lies outside `folder`, or something else than a file is there.
    pub fn begin(folder: &Path, path: &Path, mode: Mode) -> io::Result<Self> {
        Draft::beside(place(&fs::canonicalize(folder)?, path)?, mode)
    }

    /// Begins a file at a place that a person named. Links are his where they lie outside `tree`; in it, a branch may have brought
    /// them, and none leads out of it.
    ///
    /// # Errors
    /// When it cannot be made, its place lies behind such a link, or something else than a file is there.
    pub fn at(path: &Path, tree: Option<&Path>, mode: Mode) -> io::Result<Self> {
        if let Some((tree, inside)) = within(path, tree)? {
            return Draft::beside(place(&tree, &inside)?, mode);
        }
        Draft::beside(fs::canonicalize(path).unwrap_or_else(|_| path.to_owned()), mode)
    }

    fn beside(target: PathBuf, mode: Mode) -> io::Result<Self> {
        let before = fs::symlink_metadata(&target).ok();
        match &before {
            Some(found) if found.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
            Some(found) if !found.is_file() => {
                return Err(something_else());
            }
            _ => {}
        }
        let (Some(folder), Some(name)) = (target.parent(), target.file_name()) else {
            return Err(outside(&target));
        };
        let mut prefix = std::ffi::OsString::from(".");
        prefix.push(name);
        prefix.push(".");
        let mut builder = tempfile::Builder::new();
        builder.prefix(&prefix);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            let new = if mode == Mode::Private { 0o600 } else { 0o666 };
            builder.permissions(fs::Permissions::from_mode(new));
        }
        let file = builder.tempfile_in(folder)?;
        if let Some(before) = before.filter(|_| mode == Mode::Shared) {
            file.as_file().set_permissions(before.permissions())?;
        }
        Ok(Draft { file: BufWriter::new(file), target })
    }

    /// Puts the file in its place, once its content is on the disk.
    ///
    /// # Errors
    /// When it cannot be; what was there stays.
    pub fn finish(self) -> io::Result<()> {
        let (file, target) = self.written()?;
        file.persist(&target).map_err(|error| error.error)?;
        // The name too is to outlive a crash; some file systems cannot promise it.
        if let Some(folder) = target.parent()
            && let Ok(folder) = fs::File::open(folder)
        {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    /// As [`Draft::finish`], where nothing is there yet.
    ///
    /// # Errors
    /// As [`Draft::finish`], and when something is.
    pub fn finish_new(self) -> io::Result<()> {
        let (file, target) = self.written()?;
        file.persist_noclobber(target).map_err(|error| error.error)?;
        Ok(())
    }

    /// The file, once its content is on the disk.
    fn written(self) -> io::Result<(NamedTempFile, PathBuf)> {
        let file = self.file.into_inner().map_err(io::IntoInnerError::into_error)?;
        file.as_file().sync_all()?;
        Ok((file, self.target))
    }
}

impl Write for Draft {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// Writes a whole file at `path` below `folder`.
///
/// # Errors
/// As [`Draft::begin`] and [`Draft::finish`].
pub fn replace(folder: &Path, path: &Path, bytes: &[u8], mode: Mode) -> io::Result<()> {
    let mut draft = Draft::begin(folder, path, mode)?;
    draft.write_all(bytes)?;
    draft.finish()
}

/// Writes a whole file at a place that a person named, as [`Draft::at`] does; folders that are missing are made.
///
/// # Errors
/// As [`Draft::at`] and [`Draft::finish`].
pub fn replace_at(path: &Path, tree: Option<&Path>, bytes: &[u8], mode: Mode) -> io::Result<()> {
    if within(path, tree)?.is_none()
        && let Some(folder) = path.parent()
    {
        fs::create_dir_all(folder)?;
    }
    let mut draft = Draft::at(path, tree, mode)?;
    draft.write_all(bytes)?;
    draft.finish()
}

/// Writes a whole file at `path` below `folder`, where nothing is there yet.
///
/// # Errors
/// As [`Draft::begin`] and [`Draft::finish_new`].
pub fn create(folder: &Path, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut draft = Draft::begin(folder, path, Mode::Shared)?;
    draft.write_all(bytes)?;
    draft.finish_new()
}

/// Takes the lock that a file at `path` below `folder` stands for, and waits for whoever has it; it is held until the file is
/// dropped. Folders that are missing in between are made. Nothing is written into the file.
///
/// # Errors
/// When a link lies in between, something else than a file is there, or it cannot be locked.
pub fn lock(folder: &Path, path: &Path) -> io::Result<fs::File> {
    let folder = fs::canonicalize(folder)?;
    let target = place(&folder, path)?;
    // Who comes by a link would lock another file than who comes without.
    if target != folder.join(path) {
        return Err(io::Error::new(io::ErrorKind::InvalidInput, "a link lies in between"));
    }
    if fs::symlink_metadata(&target).is_ok_and(|found| !found.is_file()) {
        return Err(something_else());
    }
    let file = fs::File::options().read(true).write(true).create(true).truncate(false).open(target)?;
    file.lock()?;
    Ok(file)
}

/// Where a path leads, links followed as far as there is something; what is not there yet is taken as it is written.
#[must_use]
pub fn leads_to(path: &Path) -> PathBuf {
    // More links than this lead in a circle, which whoever opens the path is told.
    const LINKS: usize = 40;
    let mut at = path.to_owned();
    let mut rest = PathBuf::new();
    for _ in 0..LINKS {
        while let Err(error) = fs::canonicalize(&at) {
            if error.kind() != io::ErrorKind::NotFound || fs::symlink_metadata(&at).is_ok() {
                break;
            }
            let (Some(folder), Some(name)) = (at.parent(), at.file_name()) else { break };
            rest = if rest.as_os_str().is_empty() { name.into() } else { Path::new(name).join(&rest) };
            at = folder.to_owned();
        }
        match (fs::canonicalize(&at), fs::read_link(&at)) {
            (Ok(full), _) => return if rest.as_os_str().is_empty() { full } else { full.join(rest) },
            // A link to what is not there yet: it will be made there.
            (Err(_), Ok(target)) => at = at.parent().unwrap_or(Path::new("/")).join(target),
            (Err(_), Err(_)) => break,
        }
    }
    at.join(rest)
}

/// Where a path below a folder leads. Each folder on the way is one, or a link to one inside; what is missing is made.
fn place(folder: &Path, path: &Path) -> io::Result<PathBuf> {
    let mut at = folder.to_owned();
    let mut names = path.components().peekable();
    while let Some(name) = names.next() {
        let Component::Normal(name) = name else {
            if matches!(name, Component::CurDir) {
                continue;
            }
            return Err(outside(path));
        };
        let next = at.join(name);
        let is_last = names.peek().is_none();
        at = match fs::symlink_metadata(&next) {
            Ok(found) if found.is_symlink() => {
                let to = fs::canonicalize(&next).map_err(|_| outside(path))?;
                // What is private is reached by its own name alone.
                match to.strip_prefix(folder) {
                    Ok(inside) if !is_in_private(inside) => to,
                    _ => return Err(outside(path)),
                }
            }
            Ok(_) => next,
            Err(error) if error.kind() == io::ErrorKind::NotFound && !is_last => {
                fs::create_dir(&next).or_else(|error| match error.kind() {
                    io::ErrorKind::AlreadyExists => Ok(()),
                    _ => Err(error),
                })?;
                next
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => next,
            Err(error) => return Err(error),
        };
    }
    Ok(at)
}

/// A tree, and a path in it as it is written; none of a path elsewhere.
fn within(path: &Path, tree: Option<&Path>) -> io::Result<Option<(PathBuf, PathBuf)>> {
    let Some(tree) = tree.and_then(|tree| fs::canonicalize(tree).ok()) else { return Ok(None) };
    let path = lexical(&std::path::absolute(path)?);
    // The way to the tree may be by links, which are nobody's in it.
    let ways = path.ancestors().find(|above| fs::canonicalize(above).is_ok_and(|above| above == tree));
    let inside = ways.and_then(|way| path.strip_prefix(way).ok()).or_else(|| path.strip_prefix(&tree).ok());
    Ok(inside.filter(|inside| !inside.as_os_str().is_empty()).map(|inside| (tree.clone(), inside.to_owned())))
}

/// A path without `.` and `..`, as it is written.
fn lexical(path: &Path) -> PathBuf {
    let mut plain = PathBuf::new();
    for part in path.components() {
        match part {
            Component::CurDir => {}
            Component::ParentDir => _ = plain.pop(),
            part => plain.push(part),
        }
    }
    plain
}

fn something_else() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidInput, "something else than a file is there")
}

fn outside(path: &Path) -> io::Error {
    let why = format!("{} leads out of the folder that may be written", path.display());
    io::Error::new(io::ErrorKind::PermissionDenied, why)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let mut names: Vec<String> = fs::read_dir(folder)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_takes_its_place_whole_and_leaves_nothing_beside_it() {
        let folder = tempfile::tempdir().unwrap();
        replace(folder.path(), Path::new("a/b.yaml"), b"one", Mode::Shared).unwrap();
        replace(folder.path(), Path::new("a/b.yaml"), b"two", Mode::Shared).unwrap();
        assert_eq!(fs::read(folder.path().join("a/b.yaml")).unwrap(), b"two");
        let mut draft = Draft::begin(folder.path(), Path::new("a/b.yaml"), Mode::Shared).unwrap();
        draft.write_all(b"half").unwrap();
        drop(draft);
        assert_eq!(fs::read(folder.path().join("a/b.yaml")).unwrap(), b"two");
        assert_eq!(names(&folder.path().join("a")), ["b.yaml"]);
        assert!(create(folder.path(), Path::new("a/b.yaml"), b"three").is_err());
        assert_eq!(fs::read(folder.path().join("a/b.yaml")).unwrap(), b"two");
    }

    #[cfg(unix)]
    #[test]
    fn no_link_and_no_path_leads_a_file_out_of_its_folder() {
        use std::os::unix::fs::symlink;
        let around = tempfile::tempdir().unwrap();
        let (folder, other) = (around.path().join("project"), around.path().join("other"));
        fs::create_dir_all(folder.join("real")).unwrap();
        fs::create_dir_all(&other).unwrap();
        fs::write(other.join("private"), "keep").unwrap();
        symlink(&other, folder.join("out")).unwrap();
        symlink(other.join("private"), folder.join("private")).unwrap();
        symlink(other.join("missing"), folder.join("dangling")).unwrap();
        symlink(folder.join("real"), folder.join("in")).unwrap();
        for path in ["out/new", "private", "dangling", "../other/private", "real/../../other/private"] {
            assert!(replace(&folder, Path::new(path), b"taken", Mode::Shared).is_err(), "{path}");
        }
        assert!(replace(&folder, &other.join("private"), b"taken", Mode::Shared).is_err());
        assert_eq!(
            (names(&other), fs::read(other.join("private")).unwrap()),
            (vec!["private".into()], b"keep".into())
        );
        replace(&folder, Path::new("in/file"), b"fine", Mode::Shared).unwrap();
        assert_eq!(names(&folder.join("real")), ["file"]);
    }

    #[test]
    fn a_lock_keeps_others_out_and_what_is_in_its_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = Path::new("a/b/lock");
        let held = lock(folder.path(), path).unwrap();
        let other = fs::File::open(folder.path().join(path)).unwrap();
        assert!(other.try_lock().is_err());
        drop(held);
        assert!(other.try_lock().is_ok());
        drop(other);
        fs::write(folder.path().join(path), "kept").unwrap();
        lock(folder.path(), path).unwrap();
        assert_eq!(fs::read(folder.path().join(path)).unwrap(), b"kept");
        assert!(lock(folder.path(), Path::new("a/b")).is_err());
    }

    #[cfg(unix)]
    #[test]
    fn no_link_leads_a_lock_to_another_file() {
        use std::os::unix::fs::symlink;
        let around = tempfile::tempdir().unwrap();
        let (folder, other) = (around.path().join("project"), around.path().join("other"));
        fs::create_dir_all(folder.join("real")).unwrap();
        fs::create_dir_all(&other).unwrap();
        symlink(&other, folder.join("out")).unwrap();
        symlink(folder.join("real"), folder.join("in")).unwrap();
        symlink(other.join("missing"), folder.join("lock")).unwrap();
        for path in ["out/lock", "in/lock", "lock", "../other/lock"] {
            assert!(lock(&folder, Path::new(path)).is_err(), "{path}");
        }
        assert_eq!((names(&other), names(&folder.join("real"))), (Vec::new(), Vec::new()));
    }

    #[cfg(unix)]
    #[test]
    fn a_file_keeps_its_mode_and_a_private_one_is_its_owners() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let mode = |name: &str| fs::metadata(folder.path().join(name)).unwrap().permissions().mode() & 0o777;
        replace(folder.path(), Path::new("a"), b"1", Mode::Shared).unwrap();
        fs::set_permissions(folder.path().join("a"), fs::Permissions::from_mode(0o640)).unwrap();
        replace(folder.path(), Path::new("a"), b"2", Mode::Shared).unwrap();
        replace(folder.path(), Path::new("b"), b"1", Mode::Private).unwrap();
        assert_eq!((mode("a"), mode("b")), (0o640, 0o600));
    }
}
