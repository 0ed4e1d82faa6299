//! `pull`: what is deployed, into the files, once a person saw the difference and agreed. The store is told nothing.

use super::args::Pull;
use super::exit::Stop;
use super::rewrite;
use super::session::Session;
use super::streams::Streams;
use crate::ops::propose::Destination;
use crate::ops::pull::{PullRequest, propose_pull};
use crate::report::edits::PULL;

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
    let edits = session.host(|host| propose_pull(&workspace, &session.request(), &pull, host))?;
    rewrite::write(session, &workspace, PULL, &edits, args.yes, streams)
}
