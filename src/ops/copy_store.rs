//! A store's content for another store: to move from a file to a server, or to bring back a backup. Nothing is compared or merged.

use super::error::{Error, Help, Result};
use super::host::Host;
use crate::store::{self, Address, Note, Store, without_password};

/// What a store's notes call it.
const COPY: &str = "copy";

/// What was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Copied {
    pub rows: usize,
    /// The epoch that the store is in now.
    pub epoch: u64,
}

/// Copies all that a store has, its history too, into another one, which is made where there is none. One that has something loses it,
/// and only where that was asked for.
///
/// # Errors
/// When both are the same, there is nothing to copy, the other has something, or one of them cannot be read or written; then nothing
/// was.
pub fn copy_store(from: &Address, to: &Address, replace: bool, by: &str, host: &Host<'_>) -> Result<Copied> {
    let (shown, shown_to) = (without_password(&from.url), without_password(&to.url));
    if store::is_same(&from.url, &to.url) {
        return Err(Error::usage(format!("{shown} is the store itself; it is copied into another one")));
    }
    let mut source =
        host.store(from)?.ok_or_else(|| Error::usage(format!("there is no store at {shown}")))?;
    let mut target = host.make_store(to)?;
    if !replace && has_something(target.as_mut())? {
        return Err(Error::usage(format!("{shown_to} is a store that has something already"))
            .with(Help::ReplaceStore));
    }
    let (epoch, rows) = store::copy(source.as_mut(), target.as_mut())?;
    let mut target = host.make_store(to)?;
    target.note(&Note {
        at: host.stamp(),
        by: by.to_owned(),
        kind: COPY.to_owned(),
        text: format!("copied {rows} rows from {shown}; this is epoch {epoch}"),
        run: None,
    })?;
    Ok(Copied { rows, epoch })
}

fn has_something(store: &mut dyn Store) -> Result<bool> {
    Ok(store.last_number()? > 0 || !store.integrations("", 1)?.is_empty() || !store.tokens()?.is_empty())
}
