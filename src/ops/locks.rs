//! Locks of a store, looked at and released by hand. An apply takes and releases its own.

use super::error::{Error, Result};
use super::host::Host;
use super::request::Request;
use super::workspace::Workspace;
use crate::store::{Address, Lock, Note};

/// The locks that are held.
///
/// # Errors
/// When there is no store, or it cannot be read.
pub fn locks(workspace: &Workspace, request: &Request, host: &Host<'_>) -> Result<Vec<Lock>> {
    let address = address(workspace, request, host)?;
    Ok(host.store(&address)?.ok_or_else(no_store)?.locks()?)
}

/// Releases a lock, and keeps a note of it. None when nobody holds one with this id.
///
/// # Errors
/// When there is no store, or it cannot be written.
pub fn unlock(workspace: &Workspace, request: &Request, id: &str, host: &Host<'_>) -> Result<Option<Lock>> {
    let address = address(workspace, request, host)?;
    host.store(&address)?.ok_or_else(no_store)?;
    let mut store = host.make_store(&address)?;
    let Some(lock) = store.unlock(id)? else { return Ok(None) };
    store.note(&Note {
        at: host.stamp(),
        by: (host.actor)(workspace.root()),
        kind: "unlock".to_owned(),
        text: format!("{}, held by {} since {}", lock.integration, lock.owner, lock.taken_at),
        run: None,
    })?;
    Ok(Some(lock))
}

fn address(workspace: &Workspace, request: &Request, host: &Host<'_>) -> Result<Address> {
    Ok(workspace.store(request, host)?.1)
}

fn no_store() -> Error {
    Error::usage("there is no store yet, so nothing is locked")
}
