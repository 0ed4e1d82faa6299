//! `unlock`: release a lock that was left behind; without an id, who holds which.

use std::fmt::Write as _;

use serde_json::json;

use super::args::{Common, Form, Unlock};
use super::exit::{self, Stop};
use super::streams::Streams;
use super::{apply, project};
use crate::compile::project::Project as Declared;
use crate::plan::FORMAT_VERSION;
use crate::report::{self, json as machine};
use crate::store::{self, Lock, Note};

/// Runs the command.
///
/// # Errors
/// When there is no store, or nobody holds that lock.
pub fn run(common: &Common, args: &Unlock, streams: &mut Streams) -> Result<u8, Stop> {
    let (root, sources) = project::read(common)?;
    let declared = Declared::read(&sources, &mut Vec::new());
    let (_, url) = project::store_of(&declared, &root, common.env.as_deref(), common.store.as_deref())?;
    let none = || Stop::usage("there is no store yet, so nothing is locked");
    let Some(id) = &args.id else {
        let locks = store::open_existing(&url)?.ok_or_else(none)?.locks()?;
        list(common, &locks, streams);
        return Ok(exit::OK);
    };
    store::open_existing(&url)?.ok_or_else(none)?;
    let mut store = store::open(&url)?;
    let Some(lock) = store.unlock(id)? else {
        return Err(Stop::usage(format!("nobody holds a lock `{id}`"))
            .help("`pairform unlock` lists the locks that are held"));
    };
    store.note(&Note {
        at: apply::now(),
        by: apply::who(&root),
        kind: "unlock".to_owned(),
        text: format!("{}, held by {} since {}", lock.integration, lock.owner, lock.taken_at),
        run: None,
    })?;
    match common.output {
        Form::Json => list(common, std::slice::from_ref(&lock), streams),
        _ => {
            let said = format!(
                "Released: {}, which {} had since {}.\n",
                lock.integration, lock.owner, lock.taken_at
            );
            streams.result(&report::clean(&said));
        }
    }
    Ok(exit::OK)
}

fn list(common: &Common, locks: &[Lock], streams: &mut Streams) {
    let now = apply::now();
    if common.output == Form::Json {
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
        let _ = writeln!(
            out,
            "{}  {}  {} since {}, {until} ({})",
            lock.id, lock.integration, lock.owner, lock.taken_at, lock.reason
        );
    }
    if locks.is_empty() {
        out.push_str("Nothing is locked.\n");
    }
    streams.result(&report::clean(&out));
}
