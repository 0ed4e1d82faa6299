//! `unlock`: release a lock that was left behind; without an id, who holds which.

use std::fmt::Write as _;

use serde_json::json;

use super::args::{Form, Unlock};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::clean;
use crate::ops::locks::{locks, unlock};
use crate::plan::FORMAT_VERSION;
use crate::report::json as machine;
use crate::store::Lock;

/// Runs the command.
///
/// # Errors
/// When there is no store, or nobody holds that lock.
pub fn run(session: &Session, args: &Unlock, streams: &mut Streams) -> Result<u8, Stop> {
    let workspace = session.workspace()?;
    let request = session.request();
    let Some(id) = &args.id else {
        let locks = session.host(|host| locks(&workspace, &request, host))?;
        list(session, &locks, streams);
        return Ok(exit::OK);
    };
    let released = session.host(|host| unlock(&workspace, &request, id, host))?;
    let lock = released.ok_or_else(|| {
        Stop::usage(format!("nobody holds a lock `{id}`"))
            .help("`pairform unlock` lists the locks that are held")
    })?;
    match session.common.output {
        Form::Json => list(session, std::slice::from_ref(&lock), streams),
        _ => {
            let said =
                format!("Released: {}, which {} had since {}.", lock.integration, lock.owner, lock.taken_at);
            streams.result(&(clean(&said) + "\n"));
        }
    }
    Ok(exit::OK)
}

fn list(session: &Session, locks: &[Lock], streams: &mut Streams) {
    let now = session.host(|host| host.stamp());
    if session.common.output == Form::Json {
        let locks: Vec<_> = locks
            .iter()
            .map(|lock| {
                json!({"id": lock.id, "integration": lock.integration, "token": lock.token, "owner": lock.owner,
                    "reason": lock.reason, "taken_at": lock.taken_at, "expires_at": lock.expires_at,
                    "expired": lock.expires_at <= now})
            })
            .collect();
        let body =
            json!({"format_version": FORMAT_VERSION, "command": "unlock", "exit_code": 0, "locks": locks});
        streams.result(&machine::print(&body));
        return;
    }
    let mut out = String::new();
    for lock in locks {
        let until = if lock.expires_at <= now {
            format!("expired at {}, so that anybody may take it", lock.expires_at)
        } else {
            format!("until {}", lock.expires_at)
        };
        let said = format!(
            "{}  {}  {} since {}, {until} ({})",
            lock.id, lock.integration, lock.owner, lock.taken_at, lock.reason
        );
        let _ = writeln!(out, "{}", clean(&said));
    }
    if locks.is_empty() {
        out.push_str("Nothing is locked.\n");
    }
    streams.result(&out);
}
