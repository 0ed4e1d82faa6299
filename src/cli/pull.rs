//! `pull`: what is deployed, into the files, once a person saw the difference and agreed. Then the store notes that both
//! agree on what was taken, so that the next change in either is told as what it is.

use super::args::{Form, Pull};
use super::exit::{self, Stop};
use super::rewrite;
use super::session::Session;
use super::streams::Streams;
use crate::ops::files;
use crate::ops::propose::Destination;
use crate::ops::pull::{PullRequest, propose_pull, record_pull};
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
    let mut recorded = Ok(());
    if !pulled.files.is_empty() {
        rewrite::confirm(session, args.yes, &pulled.files, streams)?;
        files::write(&workspace, &pulled.files)?;
        recorded = session.host(|host| record_pull(&workspace, &pulled, host));
    }
    if session.common.output != Form::Json {
        streams.say(&report::pull::text(&pulled));
    } else if recorded.is_ok() {
        streams.result(&json::print(&report::pull::json(&pulled, &diffs, exit::OK)));
    }
    recorded?;
    Ok(exit::OK)
}
