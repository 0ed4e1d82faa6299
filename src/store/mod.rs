//! Where deployed settings live. A store knows integrations, categories, revisions and settings; it never sees a file,
//! a span or a secret's value, and it decides nothing: saving is compare-and-save at a revision that the caller names.
//!
//! A revision is never used twice. When a category was deleted behind pairform's back it reads as never saved, a save
//! that expects revision 0 is accepted, and the new revision is one more than the last that the history knows.

mod address;
mod contract;
mod copy;
mod data;
mod document;
mod error;
mod handed;
mod head;
mod hold;
mod identity;
mod layout;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(not(feature = "postgres"))]
#[path = "postgres_absent.rs"]
mod postgres;
mod reconcile;
mod remote;
mod rename;
mod rules;
mod section;
mod shared;
mod sqlite;
mod url;
mod web;
pub mod wire;

pub use address::{Address, Place, SILENCE, place_of, without_password};
pub use contract::Store;
pub use copy::{Cell, GiveRows, Row, TakeRow};
pub use data::{
    ACCEPT, AGREED, Ask, Asked, Deleted, Deployed, FORCE, HOLD, Lock, Note, OUTSIDE, OVERRIDE, Origin,
    PERSON, Past, REFUSAL, RELEASE, RENAME, REVERT, ROLLOUT, Record, Run, Save, Saved, Unusable,
};
pub use error::StoreError;
pub use handed::{Handed, HandedSaid, TakesPlans, Told};
pub use head::{Head, Heads, TakeHeads, Wanted};
pub use hold::Hold;
pub use reconcile::{Behind, LastCommit, Matter, Reconciled, Reconciling, Seen};
pub use rename::{Moved, Rename, Renamed, former_names, name_now};
pub use url::Server;

use self::address::sqlite_path;
pub use rules::{Document, Recording, Rules, Said};
pub use section::{FeedItem, Registered, Session, SyncReport, Token};
pub use shared::{Awaited, Clearing, KeptList, Proposed, Shared, Soon};

/// Opens the store at an address, making it when it is not there. That of a server is made by it alone.
///
/// # Errors
/// When the URL names no store, or the store cannot be opened or is newer than this program.
pub fn open(at: impl Into<Address>) -> Result<Box<dyn Store>, StoreError> {
    let at = at.into();
    if address::is_postgres(&at.url) {
        return postgres::open(&at);
    }
    if web::is_remote(&at.url) {
        return Ok(Box::new(remote::open(&at)?));
    }
    Ok(Box::new(sqlite::open(sqlite_path(&at.url)?, &at)?))
}

/// Opens the store for reading only; `None` when there is none yet. Writes nothing, not even a file; only a save that a
/// crash left half done is taken back, since nothing could be read before.
///
/// # Errors
/// As [`open`].
pub fn open_existing(at: impl Into<Address>) -> Result<Option<Box<dyn Store>>, StoreError> {
    let at = at.into();
    if address::is_postgres(&at.url) {
        return postgres::open_existing(&at);
    }
    if web::is_remote(&at.url) {
        return Ok(Some(Box::new(remote::open(&at)?)));
    }
    Ok(sqlite::open_existing(sqlite_path(&at.url)?, &at)?.map(|store| Box::new(store) as Box<dyn Store>))
}

/// Brings a store that is too old to be read up to the layout that this program knows; makes none.
///
/// # Errors
/// As [`open`].
pub fn upgrade(at: impl Into<Address>) -> Result<(), StoreError> {
    let at = at.into();
    match open_existing(&at) {
        Err(StoreError::Older { .. }) => open(&at).map(|_| ()),
        other => other.map(|_| ()),
    }
}

/// Fills a store with what another one has, in one transaction; what it had is gone. It stays the store that it is, in a new epoch,
/// which is given back with the number of rows: what numbered its saves, and whoever works in it, begins anew. It has to be opened
/// again, as secrets are known by the other store's key from now on.
///
/// # Errors
/// When one of them cannot be read or written; then nothing was.
pub fn copy(from: &mut dyn Store, to: &mut dyn Store) -> Result<(u64, usize), StoreError> {
    let epoch = from.epoch()?.max(to.epoch()?) + 1;
    let mut rows = 0;
    to.fill(epoch, &mut |take| {
        from.dump(&mut |row| {
            rows += 1;
            take(row)
        })
    })?;
    Ok((epoch, rows))
}

/// Whether two URLs lead to one store, as far as that shows without opening it.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    let remote = [one, other].map(|url| web::read(url).ok().filter(|_| web::is_remote(url)));
    if let [Some(one), Some(other)] = &remote {
        return web::shown(one) == web::shown(other);
    }
    match (sqlite_path(one), sqlite_path(other)) {
        (Ok(one), Ok(other)) => sqlite::file::place(one) == sqlite::file::place(other),
        (Err(_), Err(_)) => postgres::place(one).is_some_and(|place| postgres::place(other) == Some(place)),
        _ => false,
    }
}
