//! Reading a project's working tree: the one door to the file system for sources. Nothing is parsed here.
#![expect(clippy::disallowed_methods, reason = "the door through which sources are read")]

use std::borrow::Cow;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use super::{Content, Fault, Place, SourceFile, Sources};

/// The file whose presence makes a folder a project.
pub const PROJECT_FILE: &str = "pairform.yaml";

/// A larger file is a finding, not a text.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// The folders that hold sources, besides the project file itself.
pub(super) const FOLDERS: [&str; 5] = ["bases", "environments", "integrations", "options", "schemas"];

/// The nearest folder at or above `start` that holds a project file.
#[must_use]
pub fn find_root(start: &Path) -> Option<PathBuf> {
    let start = fs::canonicalize(start).ok()?;
    start.ancestors().find(|folder| folder.join(PROJECT_FILE).is_file()).map(Path::to_path_buf)
}

/// Lists every source of the project at `root`, sorted by path. Each is read when somebody asks for its text.
#[must_use]
pub fn load(root: &Path) -> Sources {
    let root: Arc<Path> = fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf()).into();
    let mut found: Vec<(String, OnDisk)> = Vec::new();
    let mut add = |path: PathBuf, linked: bool| {
        let project = linked.then(|| Arc::clone(&root));
        found.push((relative(&root, &path), OnDisk::new(path, project)));
    };
    let project = root.join(PROJECT_FILE);
    let linked = |path: &Path| fs::symlink_metadata(path).map(|data| data.file_type().is_symlink());
    if let Ok(linked) = linked(&project)
        && project.is_file()
    {
        add(project, linked);
    }
    for folder in FOLDERS {
        if linked(&root.join(folder)).unwrap_or(false) && !is_folder_inside(&root, &root.join(folder)) {
            // A link that leaves the project, or leads nowhere, is told as a file that cannot be read.
            add(root.join(folder), true);
            continue;
        }
        let walk =
            ignore::WalkBuilder::new(root.join(folder)).standard_filters(false).follow_links(false).build();
        for entry in walk.filter_map(Result::ok).filter(|entry| is_yaml(entry.path())) {
            match entry.file_type() {
                Some(kind) if kind.is_file() => add(entry.into_path(), false),
                Some(kind) if kind.is_symlink() && !is_folder_inside(&root, entry.path()) => {
                    add(entry.into_path(), true);
                }
                _ => {}
            }
        }
    }
    found.sort_by(|a, b| a.0.cmp(&b.0));
    let files = found.into_iter().map(|(path, place)| SourceFile::unread(path, Place::Disk(Box::new(place))));
    Sources::from(files.collect::<Vec<_>>())
}

/// Reads one file that the user named, to be shown under the name that the user gave.
#[must_use]
pub fn read(path: &Path) -> SourceFile {
    SourceFile::of(slashed(path), read_content(path))
}

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
const SETTLES: Duration = Duration::from_secs(2);

impl OnDisk {
    fn new(path: PathBuf, project: Option<Arc<Path>>) -> Self {
        OnDisk { path, project, first: OnceLock::new() }
    }

    /// Whether its stamp will tell when it changes after it was read.
    pub(super) fn is_settled(&self) -> bool {
        let changed = self.first.get().and_then(|(changed, _)| *changed);
        changed.and_then(|changed| changed.elapsed().ok()).is_some_and(|age| age > SETTLES)
    }

    /// A link may point anywhere within the project; one that leaves it is a fault, not a way to read the machine. What is read
    /// again must be what it was: places in it were noted, and some of them hold credentials.
    pub(super) fn read(&self) -> Content {
        let path = match &self.project {
            None => Cow::Borrowed(&self.path),
            Some(project) => match fs::canonicalize(&self.path) {
                Ok(target) if target.starts_with(project) => Cow::Owned(target),
                Ok(_) => return unreadable("it is a link to outside the project".to_owned()),
                Err(error) => return unreadable(error.to_string()),
            },
        };
        match read_stamped(&path) {
            Ok((stamp, content)) if *self.first.get_or_init(|| stamp) == stamp => content,
            Ok(_) => unreadable("it was changed while it was read; run the command again".to_owned()),
            Err(content) => content,
        }
    }
}

/// A link to a folder of the project is no file of it.
fn is_folder_inside(root: &Path, link: &Path) -> bool {
    fs::canonicalize(link).is_ok_and(|target| target.starts_with(root) && target.is_dir())
}

fn is_yaml(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "yaml" || extension == "yml")
}

fn relative(root: &Path, path: &Path) -> String {
    slashed(path.strip_prefix(root).unwrap_or(path))
}

fn slashed(path: &Path) -> String {
    path.to_string_lossy().replace('\\', "/")
}

fn unreadable(reason: String) -> Content {
    Content::faulty(Fault::Unreadable(reason))
}

fn read_content(path: &Path) -> Content {
    read_stamped(path).map_or_else(|fault| fault, |(_, content)| content)
}

/// A file's text, or the fault that stands for it.
fn read_stamped(path: &Path) -> Result<(Stamp, Content), Content> {
    let data = fs::metadata(path).map_err(|error| unreadable(reason(&error)))?;
    match data.is_file() {
        false if data.is_dir() => return Err(unreadable("it is a folder".to_owned())),
        false => return Err(unreadable("it is not a regular file".to_owned())),
        true if data.len() > MAX_BYTES => {
            return Err(Content::faulty(Fault::TooLarge { bytes: data.len(), limit: MAX_BYTES }));
        }
        true => {}
    }
    let bytes = read_bytes(path, data.len()).map_err(|error| unreadable(reason(&error)))?;
    Ok(((data.modified().ok(), data.len()), Content::from_bytes(bytes)))
}

/// All bytes of a file of this size, with as few calls as that takes: it is done for every file of a fleet.
fn read_bytes(path: &Path, size: u64) -> std::io::Result<Vec<u8>> {
    let size = usize::try_from(size).unwrap_or_default();
    let mut file = fs::File::open(path)?;
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

/// Why a file cannot be read, in words.
#[must_use]
pub fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        _ => error.to_string(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_that_changed_after_it_was_read_is_a_fault_and_not_another_text() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join(PROJECT_FILE);
        for change in [None, Some("version: 1\n# more\n")] {
            fs::write(&file, "version: 1\n").unwrap();
            let long_ago = SystemTime::now() - 2 * SETTLES;
            fs::File::options().append(true).open(&file).unwrap().set_modified(long_ago).unwrap();
            let sources = load(project.path());
            let (_, source) = sources.iter().next().unwrap();
            assert_eq!(source.with_text(|text, _| text.to_owned()), "version: 1\n");
            if let Some(change) = change {
                fs::write(&file, change).unwrap();
            }
            assert_eq!(source.text(), if change.is_some() { "" } else { "version: 1\n" });
            assert_eq!(source.fault().is_some(), change.is_some());
        }
    }

    #[test]
    fn a_text_that_was_changed_just_before_it_was_read_is_kept_since_its_stamp_may_not_tell() {
        let project = tempfile::tempdir().unwrap();
        let file = project.path().join(PROJECT_FILE);
        fs::write(&file, "version: 1\n").unwrap();
        let sources = load(project.path());
        let (_, source) = sources.iter().next().unwrap();
        assert_eq!(source.with_text(|text, _| text.to_owned()), "version: 1\n");
        fs::write(&file, "version: 2\n").unwrap();
        assert_eq!(source.with_text(|text, _| text.to_owned()), "version: 1\n");
        assert!(!source.has_failed());
    }
}
