//! A file of a working tree, read when somebody asks for it. What was read once must be the same when it is read again.
#![expect(clippy::disallowed_methods, reason = "the door through which sources are read")]

use std::borrow::Cow;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use super::content::{Content, MAX_BYTES, ReadFault};
use super::links::refusal;

/// Where a file of the working tree is.
#[derive(Debug)]
pub(super) struct OnDisk {
    path: PathBuf,
    /// The project that a link may not leave; `None`: it is no link.
    project: Option<Arc<Path>>,
    /// What the file was when it was read first.
    first: OnceLock<Stamp>,
}

/// When a file was changed last, and its size in bytes.
type Stamp = (Option<SystemTime>, u64);

/// A file that was changed less long ago than this may change once more without its stamp showing it.
pub(super) const SETTLES: Duration = Duration::from_secs(2);

impl OnDisk {
    pub(super) fn new(path: PathBuf, project: Option<Arc<Path>>) -> Self {
        OnDisk { path, project, first: OnceLock::new() }
    }

    /// Whether its stamp will tell when it changes after it was read.
    pub(super) fn is_settled(&self) -> bool {
        let changed = self.first.get().and_then(|(changed, _)| *changed);
        changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > SETTLES)
    }

    /// A link may point to any source within the project; another is a fault, not a way to read the machine. What is read
    /// again must be what it was: places in it were noted, and some of them hold credentials.
    pub(super) fn read(&self) -> Content {
        let path = match &self.project {
            None => Cow::Borrowed(&self.path),
            Some(project) => match fs::canonicalize(&self.path) {
                Ok(target) => match refusal(target.strip_prefix(project).ok()) {
                    None => Cow::Owned(target),
                    Some(reason) => return unreadable(reason.to_owned()),
                },
                Err(error) => return unreadable(reason(&error)),
            },
        };
        match read_stamped(&path) {
            Ok((stamp, content)) if *self.first.get_or_init(|| stamp) == stamp => content,
            Ok(_) => unreadable("it was changed while it was read; run the command again".to_owned()),
            Err(content) => content,
        }
    }
}

fn unreadable(reason: String) -> Content {
    Content::faulty(ReadFault::Unreadable(reason))
}

pub(super) fn read_content(path: &Path) -> Content {
    read_stamped(path).map_or_else(|fault| fault, |(_, content)| content)
}

/// A file's text, or the fault that stands for it.
fn read_stamped(path: &Path) -> Result<(Stamp, Content), Content> {
    let data = fs::metadata(path).map_err(|error| unreadable(reason(&error)))?;
    match data.is_file() {
        false if data.is_dir() => return Err(unreadable("it is a folder".to_owned())),
        false => return Err(unreadable(NOT_REGULAR.to_owned())),
        true if data.len() > MAX_BYTES => {
            return Err(Content::faulty(ReadFault::TooLarge { bytes: data.len(), limit: MAX_BYTES }));
        }
        true => {}
    }
    let bytes = read_bytes(path, data.len()).map_err(|error| unreadable(reason(&error)))?;
    Ok(((data.modified().ok(), data.len()), Content::from_bytes(bytes)))
}

/// All bytes of a file of this size, with as few calls as that takes: it is done for every file of a fleet.
fn read_bytes(path: &Path, size: u64) -> std::io::Result<Vec<u8>> {
    let size = usize::try_from(size).unwrap_or_default();
    let mut file = open(path)?;
    let mut bytes = vec![0; size + 1];
    let mut read = 0;
    // Where there is room left, its end was reached.
    while read != size && read < bytes.len() {
        match file.read(&mut bytes[read..]) {
            Ok(0) => break,
            Ok(more) => read += more,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    bytes.truncate(read);
    if read > size {
        // It grew.
        file.read_to_end(&mut bytes)?;
    }
    Ok(bytes)
}

/// Opens a file to read it, wherever its path comes from. What is no regular file is refused before it is opened: a pipe that
/// nobody writes to waits, a device may never end, and opening one may do something.
///
/// # Errors
/// When it cannot be opened, or is no regular file.
pub fn open(path: &Path) -> std::io::Result<fs::File> {
    let regular = |data: fs::Metadata| match () {
        () if data.is_file() => Ok(()),
        () if data.is_dir() => Err(std::io::Error::new(std::io::ErrorKind::IsADirectory, "it is a folder")),
        () => Err(std::io::Error::other(NOT_REGULAR)),
    };
    regular(fs::metadata(path)?)?;
    let file = fs::File::open(path)?;
    regular(file.metadata()?)?;
    Ok(file)
}

/// All bytes of a file, as [`open`] opens it.
///
/// # Errors
/// When it cannot be read, or is no regular file.
pub fn bytes_of(path: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    open(path)?.read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// As [`bytes_of`], of a text.
///
/// # Errors
/// When it cannot be read, is no regular file or no UTF-8.
pub fn text_of(path: &Path) -> std::io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

const NOT_REGULAR: &str = "it is not a regular file";

/// Why a file cannot be read, in words.
#[must_use]
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        _ => error.to_string(),
    }
}
