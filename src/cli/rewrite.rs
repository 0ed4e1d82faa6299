//! Files of the project that a command writes anew: what would change is shown, agreed to, and then written all at once.
//! What is written is decided elsewhere.
#![expect(clippy::disallowed_methods, reason = "the door through which files of the project are written")]

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde_json::{Value as Json, json};
use similar::TextDiff;

use super::args::{Common, Form};
use super::exit::{self, Stop};
use super::streams::Streams;
use crate::compile::redact;
use crate::report::{clean, count};
use crate::source::{Sources, Span};

/// Path, from the project's root, and new text.
pub type Files = BTreeMap<String, String>;

/// Shows what would be written, where text is wanted; the differences by path. `hidden` are places that hold a
/// credential.
pub fn show(
    common: &Common,
    sources: &Sources,
    hidden: &[Span],
    files: &Files,
    streams: &mut Streams,
) -> Vec<Json> {
    let mut diffs = Vec::new();
    for (path, text) in files {
        let file = sources.by_path(path);
        let before = file.map(|file| sources.file(file).text()).unwrap_or_default();
        let holds_credential = hidden.iter().any(|span| Some(span.file) == file)
            || file.is_some_and(|file| !redact::suspicious_in(sources, file).is_empty());
        let diff = if holds_credential {
            format!("{path}: not shown, the file holds a credential in the open\n")
        } else {
            let from = if file.is_some() { format!("a/{path}") } else { "/dev/null".to_owned() };
            TextDiff::from_lines(before, text).unified_diff().header(&from, &format!("b/{path}")).to_string()
        };
        if common.output == Form::Text {
            streams.result(&clean(&diff));
        }
        diffs.push(json!({"path": path, "created": file.is_none(), "diff": diff}));
    }
    diffs
}

/// Asks whether to write what was shown.
///
/// # Errors
/// When the answer is no, or nobody can be asked.
pub fn confirm(common: &Common, yes: bool, files: &Files, streams: &mut Streams) -> Result<(), Stop> {
    if yes {
        return Ok(());
    }
    if common.no_input || common.output == Form::Json || !streams.can_ask() {
        return Err(Stop::new(exit::REFUSED, "nothing was written: nobody could be asked")
            .help("write what is shown with --yes"));
    }
    let question = format!("Write {}? [y/N] ", count(files.len(), "file"));
    if streams.ask(&question) { Ok(()) } else { Err(Stop::new(exit::REFUSED, "nothing was written")) }
}

/// Writes every file beside its place, then puts all in place; nobody sees half a file.
///
/// # Errors
/// When a file was changed since it was read, or cannot be written; then none is.
pub fn write(root: &Path, sources: &Sources, files: &Files) -> Result<(), Stop> {
    let mut parts: Vec<(PathBuf, PathBuf)> = Vec::new();
    let done = files.iter().try_for_each(|(path, text)| {
        let target = root.join(path);
        let before = sources.by_path(path).map(|file| sources.file(file).text());
        unmoved(&target, before)?;
        // A link is written through, so that it stays one.
        let target = std::fs::canonicalize(&target).unwrap_or(target);
        let part = part_of(&target);
        parts.push((part.clone(), target.clone()));
        let failed =
            |error: std::io::Error| Stop::usage(format!("cannot write {path}: {error}; nothing was written"));
        if let Some(folder) = target.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        std::fs::write(&part, text).map_err(failed)?;
        if let Ok(data) = std::fs::metadata(&target) {
            std::fs::set_permissions(&part, data.permissions()).map_err(failed)?;
        }
        Ok(())
    });
    if let Err(stop) = done {
        for (part, _) in parts {
            let _ = std::fs::remove_file(part);
        }
        return Err(stop);
    }
    for (part, target) in parts {
        std::fs::rename(&part, &target)
            .map_err(|error| Stop::usage(format!("cannot write {}: {error}", target.display())))?;
    }
    Ok(())
}

/// Somebody may have saved the file while the question stood.
fn unmoved(target: &Path, before: Option<&str>) -> Result<(), Stop> {
    let now = std::fs::read_to_string(target).ok();
    if now.as_deref() == before {
        return Ok(());
    }
    let message = format!("{} was changed meanwhile; nothing was written", target.display());
    Err(Stop::new(exit::STALE, message).help("run the command again"))
}

/// Where a file is written before it takes its place.
fn part_of(target: &Path) -> PathBuf {
    let mut name = target.file_name().unwrap_or_default().to_owned();
    name.push(".part");
    target.with_file_name(name)
}
