//! `store copy`: all that one store has into another.

use serde_json::json;

use super::args::{Form, StoreCommand};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::{clean, count};
use crate::ops::Workspace;
use crate::ops::copy_store::copy_store;
use crate::plan::FORMAT_VERSION;
use crate::report::json as machine;
use crate::source::load::find_root;
use crate::store::{Address, without_password};

/// Runs the command.
///
/// # Errors
/// When there is nothing to copy, the other store has something, or one of them cannot be used.
pub fn run(session: &Session, command: &StoreCommand, streams: &mut Streams) -> Result<u8, Stop> {
    let StoreCommand::Copy { from, to, replace } = command;
    let (from, to) = (address(session, from)?, address(session, to)?);
    let root = find_root(&session.here).unwrap_or_else(|| session.here.clone());
    let copied = session.host(|host| copy_store(&from, &to, *replace, &(host.actor)(&root), host))?;
    let (epoch, rows, to) = (copied.epoch, copied.rows, without_password(&to.url));
    match session.common.output {
        Form::Json => streams.result(&machine::print(&json!({
            "format_version": FORMAT_VERSION, "command": "store copy", "exit_code": exit::OK,
            "store": to, "rows": rows, "epoch": epoch,
        }))),
        _ => streams.say(&format!(
            "Copied {} into {}; it is in epoch {epoch} now. Plans and cursors that were made before begin anew, and servers of it are to be \
             started again.\n",
            count(rows, "row"),
            clean(&to)
        )),
    }
    Ok(exit::OK)
}

/// Where a store is, as `--store` would name it.
fn address(session: &Session, url: &str) -> Result<Address, Stop> {
    if find_root(&session.here).is_none() {
        return Ok(Address::from(url));
    }
    let workspace = Workspace::open(&session.here)?;
    let request = crate::ops::Request { store: Some(url.to_owned()), environment: None, ..session.request() };
    Ok(session.host(|host| workspace.store(&request, host))?.1)
}
