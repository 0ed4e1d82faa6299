//! In place of the shared store in a build without the feature `postgres`: none is opened, and whoever tries is told so.

use super::address::{Address, without_password};
use super::contract::Store;
use super::error::StoreError;

pub(super) fn open(at: &Address) -> Result<Box<dyn Store>, StoreError> {
    Err(absent(at))
}

pub(super) fn open_existing(at: &Address) -> Result<Option<Box<dyn Store>>, StoreError> {
    Err(absent(at))
}

/// Where a URL leads, as far as that shows without reading it.
pub(super) fn place(url: &str) -> Option<String> {
    super::address::is_postgres(url).then(|| without_password(url))
}

fn absent(at: &Address) -> StoreError {
    StoreError::Open {
        store: without_password(&at.url),
        reason: "this build of pairform was made without PostgreSQL".to_owned(),
    }
}
