//! The project's YAML in canonical layout: comments, order and quotes stay, and a file that cannot be laid out without
//! changing its meaning is left alone and named. Writes nothing.

use super::chosen::Chosen;
use super::error::{Error, Help, Result};
use super::workspace::{Files, Workspace};
use crate::source::load::PROJECT_FILE;
use crate::source::names::is_source;
use crate::yaml::layout;

/// What was looked at.
#[derive(Debug, Default)]
pub struct LaidOut {
    /// Files whose text would change.
    pub changed: Files,
    /// Files that are left alone, and why.
    pub failed: Vec<(String, String)>,
    /// How many files were looked at.
    pub seen: usize,
}

/// Lays out the files that were chosen.
///
/// # Errors
/// When none of them is one that has a layout.
pub fn lay_out(workspace: &Workspace, chosen: &Chosen) -> Result<LaidOut> {
    let mut laid_out = LaidOut::default();
    for (_, file) in workspace.sources().iter().filter(|(_, file)| is_source(&file.path)) {
        if !chosen.takes(workspace.root(), &file.path) || !is_layable(&file.path) {
            continue;
        }
        laid_out.seen += 1;
        if file.fault().is_some() {
            laid_out.failed.push((file.path.clone(), "the file cannot be read".to_owned()));
            continue;
        }
        match layout::layout(file.text()) {
            Ok(text) if text == file.text() => {}
            Ok(text) => {
                laid_out.changed.insert(file.path.clone(), text);
            }
            Err(error) => laid_out.failed.push((file.path.clone(), error.to_string())),
        }
    }
    if laid_out.seen == 0 && !chosen.is_all() {
        return Err(Error::usage("no file of the project is there").with(Help::WhatIsLaidOut));
    }
    Ok(laid_out)
}

/// Locks are written by programs, and schemas are not configuration.
fn is_layable(path: &str) -> bool {
    let known = ["integrations/", "bases/", "environments/"].iter().any(|folder| path.starts_with(folder));
    (known && !path.contains(".lock.")) || path == PROJECT_FILE
}
