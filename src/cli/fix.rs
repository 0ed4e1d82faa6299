//! `fix`: the mends that findings offer, shown, agreed to and written.

use super::args::{Fix, Form};
use super::exit::{self, Stop};
use super::rewrite;
use super::session::Session;
use super::streams::Streams;
use crate::ops::chosen::Chosen;
use crate::ops::files;
use crate::ops::fix::{FixRequest, fix};
use crate::report;
use crate::report::json;

/// Runs the command.
///
/// # Errors
/// When there is no project, a filter names nothing, the answer was no, or a file cannot be written.
pub fn run(session: &Session, args: &Fix, streams: &mut Streams) -> Result<u8, Stop> {
    let chosen = Chosen::of(&session.here, &args.paths)?;
    let workspace = session.tree()?;
    let wanted = FixRequest { chosen, codes: args.code.clone(), guesses: args.guesses };
    let fixed = session.host(|host| fix(&workspace, &session.request(), &wanted, host))?;
    let diffs = files::diffs(&workspace, &fixed.hidden, &fixed.files);
    rewrite::show(session, &diffs, streams);
    if !fixed.files.is_empty() {
        rewrite::confirm(session, args.yes, &fixed.files, streams)?;
        files::write(&workspace, &fixed.files)?;
    }
    if session.common.output == Form::Json {
        streams.result(&json::print(&report::fix::json(&fixed, &diffs, exit::OK)));
    } else {
        streams.say(&report::fix::text(&fixed));
    }
    Ok(exit::OK)
}
