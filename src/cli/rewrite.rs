//! Files of the project that a command writes anew: what would change is shown, and agreed to. What is written is decided
//! elsewhere, and so is how.

use super::args::Form;
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::{clean_text, count};
use crate::ops::files::{self, FileDiff};
use crate::ops::propose::Edits;
use crate::ops::workspace::{Files, Workspace};
use crate::report::edits::Command;
use crate::report::{self, json};

/// Shows how files would differ, asks, writes them, and tells what became of each setting.
///
/// # Errors
/// When the answer is no, nobody can be asked, or a file was changed meanwhile.
pub fn write(
    session: &Session,
    workspace: &Workspace,
    command: Command,
    edits: &Edits,
    yes: bool,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let diffs = files::diffs(workspace, &edits.hidden, &edits.files);
    show(session, &diffs, streams);
    if !edits.files.is_empty() {
        confirm(session, yes, &edits.files, streams)?;
        files::write(workspace, &edits.files)?;
    }
    let code = session.judged(&edits.errors, exit::OK, streams);
    if session.common.output == Form::Json {
        streams.result(&json::print(&report::edits::json(command, edits, &diffs, code)));
    } else {
        streams.say(&report::edits::text(command, edits));
    }
    Ok(code)
}

/// Shows what would be written, where text is wanted.
pub fn show(session: &Session, diffs: &[FileDiff], streams: &mut Streams) {
    if session.common.output == Form::Text {
        diffs.iter().for_each(|diff| streams.result(&clean_text(&diff.text)));
    }
}

/// Asks whether to write what was shown.
///
/// # Errors
/// When the answer is no, or nobody can be asked.
pub fn confirm(session: &Session, yes: bool, files: &Files, streams: &mut Streams) -> Result<(), Stop> {
    if yes {
        return Ok(());
    }
    let common = &session.common;
    if common.no_input || common.output == Form::Json || !streams.can_ask() {
        return Err(Stop::new(exit::REFUSED, "nothing was written: nobody could be asked")
            .help("write what is shown with --yes"));
    }
    let question = format!("Write {}? [y/N] ", count(files.len(), "file"));
    if streams.ask(&question) { Ok(()) } else { Err(Stop::new(exit::REFUSED, "nothing was written")) }
}
