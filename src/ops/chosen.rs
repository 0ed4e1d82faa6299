//! The files and folders of a project that somebody chose by their paths.
#![expect(clippy::disallowed_methods, reason = "resolves the paths that the user gave")]

use std::path::{Path, PathBuf};

use super::error::{Error, Result};

/// Places from the file system's root, links resolved; none means all of the project.
#[derive(Debug, Clone, Default)]
pub struct Chosen(Vec<PathBuf>);

impl Chosen {
    /// Paths as they were given, relative to the folder `here`.
    ///
    /// # Errors
    /// When one is not there.
    pub fn of(here: &Path, given: &[PathBuf]) -> Result<Self> {
        let found = given.iter().map(|path| {
            std::fs::canonicalize(here.join(path))
                .map_err(|error| Error::usage(format!("cannot read {}: {error}", path.display())))
        });
        Ok(Chosen(found.collect::<Result<_>>()?))
    }

    #[must_use]
    pub fn is_all(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether a file of the project at `root` was chosen.
    #[must_use]
    pub fn takes(&self, root: &Path, path: &str) -> bool {
        self.is_all() || self.0.iter().any(|chosen| root.join(path).starts_with(chosen))
    }
}
