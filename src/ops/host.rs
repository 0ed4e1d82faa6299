//! What comes from outside while an operation runs: the clock, who acts, secrets, stores, progress, and the wish to stop. A
//! door hands it in; nothing here decides anything.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use jiff::Timestamp;
use jiff::civil::Date;

use crate::apply;
use crate::options::fetch;
use crate::secrets;
use crate::store::{self, Address, Store, StoreError};
use crate::trust::{Need, Trust};

/// The outside of an operation.
#[derive(Clone, Copy)]
pub struct Host<'a> {
    pub now: &'a (dyn Fn() -> Timestamp + Sync),
    /// Time that passed since some moment, by a clock that never goes back.
    pub elapsed: &'a (dyn Fn() -> Duration + Sync),
    pub sleep: &'a (dyn Fn(Duration) + Sync),
    /// Who acts on the project in this folder.
    pub actor: &'a (dyn Fn(&Path) -> String + Sync),
    /// The machine and process, as they stand in a lock; see [`super::holder`].
    pub holder: &'a (dyn Fn() -> String + Sync),
    /// Opens a store; none where there is none yet and none is to be made.
    pub open_store: &'a OpenStore<'a>,
    pub secrets: &'a dyn secrets::Source,
    /// What is allowed from outside the repository.
    pub trust: &'a Trust,
    /// Looks further where no line allows something: at what an approved branch names, and for a person's answer. False where
    /// neither allows it.
    pub ask: &'a (dyn Fn(&Need, Whose<'_>) -> bool + Sync),
    pub progress: &'a (dyn Fn(Progress<'_>) + Sync),
    /// True once the work is to stop; what is being saved is finished first.
    pub cancel: &'a AtomicBool,
}

/// Whose need it is: the project, and the environment as which an approved branch is read.
#[derive(Clone, Copy)]
pub struct Whose<'a> {
    pub root: &'a Path,
    pub environment: Option<&'a str>,
}

/// Opens a store by its address; none where there is none and none is to be made.
pub type OpenStore<'a> = dyn Fn(&Address, Access) -> Result<Option<Box<dyn Store>>, StoreError> + Sync + 'a;

/// How a store is opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// As it is; none is made.
    Read,
    /// Brought up to this version's layout; none is made.
    Upgrade,
    /// Made where there is none.
    Create,
}

/// What happens, for a display. Results are never taken from it.
#[derive(Debug)]
pub enum Progress<'a> {
    /// So many integrations will be compiled.
    Compiling(usize),
    /// So many integrations will be planned.
    Planning(usize),
    /// So many more of them are.
    Advanced(usize),
    /// All of them are.
    Finished,
    Apply(apply::Event<'a>),
    /// The dropdown lists of these will be fetched.
    Fetching(&'a [fetch::Account]),
    Fetch(fetch::Event<'a>),
}

/// Opens a store as this machine does, by its address.
///
/// # Errors
/// When it cannot be opened.
pub fn open_store(address: &Address, access: Access) -> Result<Option<Box<dyn Store>>, StoreError> {
    match access {
        Access::Read => store::open_existing(address),
        // A server keeps its store up to date.
        Access::Upgrade if address.is_server() => store::open_existing(address),
        Access::Upgrade => store::upgrade(address).and_then(|()| store::open_existing(address)),
        Access::Create => store::open(address).map(Some),
    }
}

impl Host<'_> {
    /// The day in UTC, so that a pipeline and a person on the other side of the earth get the same findings.
    #[must_use]
    pub fn today(&self) -> Date {
        (self.now)().to_zoned(jiff::tz::TimeZone::UTC).date()
    }

    /// The day in UTC that lies so long back; the first day that there is where that is further.
    #[must_use]
    pub fn days_ago(&self, age: std::time::Duration) -> Date {
        let days = i64::try_from(age.as_secs() / 86_400).unwrap_or(i64::MAX);
        let span = jiff::Span::new().try_days(days);
        span.ok().and_then(|span| self.today().checked_sub(span).ok()).unwrap_or(Date::MIN)
    }

    /// RFC 3339, UTC, in seconds: as stores write a moment.
    #[must_use]
    pub fn stamp(&self) -> String {
        (self.now)().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// As [`Host::stamp`], of the moment after some time; the last that there is where that is later.
    #[must_use]
    pub fn stamp_in(&self, time: Duration) -> String {
        let then = (self.now)().checked_add(time).unwrap_or(Timestamp::MAX);
        then.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        self.cancel.load(Ordering::SeqCst)
    }

    /// The store at an address, where there is one.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn store(&self, address: &Address) -> Result<Option<Box<dyn Store>>, StoreError> {
        (self.open_store)(address, Access::Read)
    }

    /// The store at an address, made where there is none.
    ///
    /// # Errors
    /// When it cannot be opened.
    pub fn make_store(&self, address: &Address) -> Result<Box<dyn Store>, StoreError> {
        (self.open_store)(address, Access::Create)?.ok_or_else(|| StoreError::Open {
            store: address.url.clone(),
            reason: "it was not made".to_owned(),
        })
    }
}
