//! The file of a SQLite store: whether it is there, making it, and where its path leads. What is in it is not looked at.
#![expect(
    clippy::disallowed_methods,
    reason = "looks where the store's file lies, and makes it with its folder"
)]

use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::failure;
use crate::source::write;
use crate::store::error::StoreError;

/// Where a path leads, whatever it is called; the file need not be there yet.
pub(in crate::store) fn place(path: &Path) -> PathBuf {
    let full = std::path::absolute(path).unwrap_or_else(|_| path.to_path_buf());
    let of_folder = || Some(full.parent()?.canonicalize().ok()?.join(full.file_name()?));
    full.canonicalize().ok().or_else(of_folder).unwrap_or_else(|| full.clone())
}

pub(super) fn is_there(path: &Path, shown: &str) -> Result<bool, StoreError> {
    let reason = match std::fs::metadata(path) {
        Ok(found) if found.is_file() => return Ok(true),
        Ok(found) if found.is_dir() => "it is a folder; name a file in it",
        Ok(_) => "it is not a file",
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(failure::file(shown, &error)),
    };
    Err(StoreError::Open { store: shown.to_owned(), reason: reason.to_owned() })
}

/// Makes an empty file and the folders above it. A folder `.pairform` keeps itself out of git.
pub(super) fn make(path: &Path) -> std::io::Result<()> {
    let missing: Vec<&Path> = path.ancestors().skip(1).take_while(|folder| !folder.exists()).collect();
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent)?;
    }
    for folder in missing.iter().filter(|folder| folder.ends_with(".pairform")) {
        // Where somebody who makes the store too was first, it says the same.
        match write::create(folder, Path::new(".gitignore"), b"*\n") {
            Err(error) if error.kind() != ErrorKind::AlreadyExists => return Err(error),
            _ => {}
        }
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    // The fingerprint key is in the file. SQLite gives the journal the same permissions.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}
