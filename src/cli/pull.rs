//! `pull`: what is deployed, into the files, once a person saw the difference and agreed. The store is told nothing.

use super::args::{Form, Pull};
use super::exit::{self, Stop};
use super::rewrite;
use super::session::Session;
use super::streams::Streams;
use crate::ops::files;
use crate::ops::propose::Destination;
use crate::ops::pull::{PullRequest, propose_pull};
use crate::report;
use crate::report::json;

/// Runs the command.
///
/// # Errors
/// When the store cannot be read, an edit cannot be made safely, or the answer was no.
pub fn run(session: &Session, args: &Pull, streams: &mut Streams) -> Result<u8, Stop> {
    let workspace = session.tree()?;
    let pull = PullRequest {
        integrations: args.integrations.clone(),
        split: args.split,
        destination: if args.into_base { Destination::WhereSet } else { Destination::OwnFiles },
        conflicts: args.conflicts,
    };
    let pulled = session.host(|host| propose_pull(&workspace, &session.request(), &pull, host))?;
    let diffs = files::diffs(&workspace, &pulled.hidden, &pulled.files);
    rewrite::show(session, &diffs, streams);
    if !pulled.files.is_empty() {
        rewrite::confirm(session, args.yes, &pulled.files, streams)?;
        files::write(&workspace, &pulled.files)?;
    }
    if session.common.output != Form::Json {
        streams.say(&report::pull::text(&pulled));
    } else {
        streams.result(&json::print(&report::pull::json(&pulled, &diffs, exit::OK)));
    }
    Ok(exit::OK)
}
