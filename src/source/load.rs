//! Reading a project's working tree: the one door to the file system for sources. Nothing is parsed here.
#![expect(clippy::disallowed_methods, reason = "the door through which sources are read")]

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;

use super::{Fault, SourceFile, Sources};

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

/// Reads every source of the project at `root`, sorted by path.
#[must_use]
pub fn load(root: &Path) -> Sources {
    let root = fs::canonicalize(root).unwrap_or_else(|_| root.to_path_buf());
    let mut paths = vec![root.join(PROJECT_FILE)];
    for folder in FOLDERS {
        let walk =
            ignore::WalkBuilder::new(root.join(folder)).standard_filters(false).follow_links(false).build();
        paths.extend(
            walk.filter_map(Result::ok).map(ignore::DirEntry::into_path).filter(|path| is_yaml(path)),
        );
    }
    let mut files: Vec<SourceFile> =
        paths.par_iter().filter_map(|path| read_inside(&root, path, &relative(&root, path))).collect();
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut sources = Sources::default();
    for file in files {
        sources.add(file);
    }
    sources
}

/// Reads one file that the user named, to be shown under the name that the user gave.
#[must_use]
pub fn read(path: &Path) -> SourceFile {
    read_as(path, &slashed(path))
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

/// A link may point anywhere within the project; one that leaves it is a fault, not a way to read the machine.
fn read_inside(root: &Path, path: &Path, name: &str) -> Option<SourceFile> {
    let linked = fs::symlink_metadata(path).is_ok_and(|data| data.file_type().is_symlink());
    if !linked {
        return path.is_file().then(|| read_as(path, name));
    }
    let fault = match fs::canonicalize(path) {
        Ok(target) if target.starts_with(root) => return target.is_file().then(|| read_as(&target, name)),
        Ok(_) => "it is a link to outside the project".to_owned(),
        Err(error) => error.to_string(),
    };
    Some(SourceFile::with_fault(name, "", Fault::Unreadable(fault)))
}

fn read_as(path: &Path, name: &str) -> SourceFile {
    let unreadable = |reason: String| SourceFile::with_fault(name, "", Fault::Unreadable(reason));
    match fs::metadata(path) {
        Err(error) => return unreadable(reason(&error)),
        Ok(data) if data.is_dir() => return unreadable("it is a folder".to_owned()),
        Ok(data) if !data.is_file() => return unreadable("it is not a regular file".to_owned()),
        Ok(data) if data.len() > MAX_BYTES => {
            return SourceFile::with_fault(name, "", Fault::TooLarge { bytes: data.len(), limit: MAX_BYTES });
        }
        Ok(_) => {}
    }
    match fs::read(path) {
        Err(error) => unreadable(reason(&error)),
        Ok(bytes) => SourceFile::from_bytes(name, bytes),
    }
}

fn reason(error: &std::io::Error) -> String {
    match error.kind() {
        std::io::ErrorKind::NotFound => "there is no such file".to_owned(),
        std::io::ErrorKind::PermissionDenied => "it may not be read".to_owned(),
        _ => error.to_string(),
    }
}
