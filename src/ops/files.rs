//! Files of the project that an operation writes anew: how they differ, and writing them all at once. What is written is
//! decided elsewhere, and whether somebody agreed.

use std::io::Write as _;
use std::path::Path;

use similar::TextDiff;

use super::error::{Error, ErrorKind, Help, Result};
use super::workspace::{Files, Workspace};
use crate::compile::redact;
use crate::diagnostic::clean;
use crate::source::Span;
use crate::source::load;
use crate::source::write::{Draft, Mode};

/// How one file would differ.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileDiff {
    pub path: String,
    /// There is none yet.
    pub created: bool,
    /// A unified diff, or why it is not shown.
    pub text: String,
}

/// The differences that writing would make, by path. `hidden` are places that hold a credential.
#[must_use]
pub fn diffs(workspace: &Workspace, hidden: &[Span], files: &Files) -> Vec<FileDiff> {
    let sources = workspace.sources();
    let diff = |(path, text): (&String, &String)| {
        let file = sources.by_path(path);
        let name = clean(path);
        let before = file.map(|file| sources.file(file).text()).unwrap_or_default();
        let holds_credential = hidden.iter().any(|span| Some(span.file) == file)
            || file.is_some_and(|file| !redact::suspicious_in(sources, file).is_empty());
        let text = if holds_credential {
            format!("{name}: not shown, the file holds a credential in the open\n")
        } else {
            let from = if file.is_some() { format!("a/{name}") } else { "/dev/null".to_owned() };
            TextDiff::from_lines(before, text).unified_diff().header(&from, &format!("b/{name}")).to_string()
        };
        FileDiff { path: path.clone(), created: file.is_none(), text }
    };
    files.iter().map(diff).collect()
}

/// Writes every file beside its place, then puts all in place; nobody sees half a file.
///
/// # Errors
/// When a file was changed since it was read, or cannot be written; then none is.
pub fn write(workspace: &Workspace, files: &Files) -> Result<()> {
    let (root, sources) = (workspace.root(), workspace.sources());
    let failed = |path: &str, error: std::io::Error| {
        Error::usage(format!("cannot write {path}: {error}; nothing was written"))
    };
    let mut drafts = Vec::new();
    for (path, text) in files {
        let before = sources.by_path(path).map(|file| sources.file(file).text());
        unmoved(root, path, before)?;
        let mut draft =
            Draft::begin(root, Path::new(path), Mode::Shared).map_err(|error| failed(path, error))?;
        draft.write_all(text.as_bytes()).map_err(|error| failed(path, error))?;
        drafts.push((path, before.is_none(), draft));
    }
    for (path, is_new, draft) in drafts {
        // What somebody else put there meanwhile is never written over.
        let done = if is_new { draft.finish_new() } else { draft.finish() };
        done.map_err(|error| Error::usage(format!("cannot write {path}: {error}")))?;
    }
    Ok(())
}

/// Somebody may have saved the file while the question stood.
fn unmoved(root: &Path, path: &str, before: Option<&str>) -> Result<()> {
    let now = load::text_below(root, Path::new(path));
    if now.as_deref() == before {
        return Ok(());
    }
    let message = format!("{} was changed meanwhile; nothing was written", root.join(path).display());
    Err(Error::new(ErrorKind::Stale, message).with(Help::Again))
}
