//! `release`: acknowledges what left the files; what is deployed stays as it is.

use serde_json::{Value as Json, json};

use super::args::{Form, Release};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::{clean, count};
use crate::ops::release::release;
use crate::plan::{FORMAT_VERSION, Released};
use crate::report::json as machine;

/// Runs the command.
///
/// # Errors
/// When nothing of one of the integrations left the files, or the store cannot be written.
pub fn run(session: &Session, args: &Release, streams: &mut Streams) -> Result<u8, Stop> {
    let workspace = session.workspace_with_commit()?;
    let request = session.request();
    let released =
        session.host(|host| release(&workspace, &request, &args.integrations, &args.reason, host))?;
    if session.common.output == Form::Json {
        let row = |one: &Released| -> Json {
            json!({"integration": one.integration, "category": one.category, "live": one.live, "whole": one.whole})
        };
        let body = json!({"format_version": FORMAT_VERSION, "command": "release", "exit_code": exit::OK,
            "reason": args.reason, "released": released.iter().map(row).collect::<Vec<_>>()});
        streams.result(&machine::print(&body));
        return Ok(exit::OK);
    }
    for some in released.chunk_by(|one, other| one.integration == other.integration) {
        let live = if some[0].live { " (live)" } else { "" };
        let said = format!(
            "Released: {}{live}, {}; what is deployed stays as it is, and is managed by nobody.",
            some[0].integration,
            count(some.len(), "category")
        );
        streams.result(&(clean(&said) + "\n"));
    }
    Ok(exit::OK)
}
