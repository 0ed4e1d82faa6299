//! Where deployed settings live. A store knows integrations, categories, revisions and settings; it never sees a file,
//! a span or a secret's value, and it decides nothing: saving is compare-and-save at a revision that the caller names.
//!
//! A revision is never used twice. When a category was deleted behind pairform's back it reads as never saved, a save
//! that expects revision 0 is accepted, and the new revision is one more than the last that the history knows.

mod head;
mod identity;
mod postgres;
mod sqlite;

use std::path::Path;

use crate::model::{self, Hidden, Settings, Value, credential};

use head::Documents;
pub use head::{Head, Heads, TakeHeads, Wanted};

/// Who saved what was edited by hand, as the triggers of every store write it.
pub const OUTSIDE: &str = "outside pairform";

/// One category of one integration as it is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deployed {
    pub integration: String,
    pub category: String,
    /// Counts saves from 1, edits by hand included.
    pub revision: u64,
    /// Never holds `Value::Null`: a setting that is null is not set.
    pub settings: Settings,
    /// What the last apply set from the files, the base of the three-way comparison: `Value::Null` for a reset.
    pub applied: Settings,
    /// `outside pairform` after an edit by hand.
    pub saved_by: String,
    /// RFC 3339, UTC.
    pub saved_at: String,
    /// The commit that was applied, and the digest of its plan; `None` when the save did not come from pairform.
    pub commit: Option<String>,
    pub run: Option<String>,
}

/// A category that the history has and that is not deployed any more: it was deleted by hand, or its integration has another
/// id now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deleted {
    pub integration: String,
    pub category: String,
    /// The last that the history has, and when that was.
    pub revision: u64,
    pub saved_at: String,
}

/// A request to save one category.
#[derive(Debug, Clone)]
pub struct Save<'a> {
    pub integration: &'a str,
    pub category: &'a str,
    /// The revision that must be deployed now; 0 when the category was never saved.
    pub expected_revision: u64,
    /// Stored without its nulls.
    pub settings: &'a Settings,
    /// Stored with its nulls, which are resets.
    pub applied: &'a Settings,
    pub saved_by: &'a str,
    pub saved_at: &'a str,
    pub commit: Option<&'a str>,
    /// Digest of the plan that is applied; see [`Store::begin`].
    pub run: &'a str,
    /// The token of the lock under which is saved; a save whose lock was lost writes nothing.
    pub fence: Option<u64>,
}

/// What became of a save.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Saved {
    Saved {
        revision: u64,
    },
    /// The same run saved just these settings before, and nobody has saved since (it was interrupted afterwards);
    /// nothing was written now.
    Already {
        revision: u64,
    },
    /// Somebody else saved the category since; nothing was written. Revision 0 when the category is not there (any
    /// more); who and when are then of its deletion, or empty when the store never had it.
    Conflict {
        revision: u64,
        saved_by: String,
        saved_at: String,
    },
    /// The lock that the save was fenced with is held no more; nothing was written.
    LockLost,
}

/// Whether a plan was applied before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Run {
    New,
    /// Begun before and not finished; saves that it made are reported as [`Saved::Already`].
    Resumed,
    /// Applied in full before, at this time (RFC 3339).
    Finished {
        at: String,
    },
}

/// One line of a category's history: what a save left. A deletion by hand leaves no settings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Past {
    pub revision: u64,
    /// A person may have left what cannot be used, and it stays in the history for good: it is no failure of the others.
    pub settings: Result<Settings, Unusable>,
    pub saved_by: String,
    pub saved_at: String,
    pub commit: Option<String>,
    pub run: Option<String>,
    /// Who wrote the commit.
    pub author: Option<String>,
    /// The tree had changes that were not committed.
    pub dirty: bool,
}

/// A document that a person left and that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unusable {
    pub why: String,
    /// As it stands in the store.
    pub text: String,
    /// It is in the history, and it is not what was saved.
    pub changed: bool,
}

/// What a run was made from, beside its commit.
#[derive(Debug, Clone, Copy, Default)]
pub struct Origin<'a> {
    pub author: Option<&'a str>,
    pub dirty: bool,
}

/// A lock on one integration, as long as somebody holds it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lock {
    /// Names it for [`Store::unlock`].
    pub id: String,
    pub integration: String,
    /// Fencing: greater than that of every earlier lock on the integration.
    pub token: u64,
    pub owner: String,
    /// The machine and process that hold it, as they were given.
    pub holder: String,
    pub reason: String,
    /// RFC 3339, UTC, by the store's clock.
    pub taken_at: String,
    pub expires_at: String,
}

/// A request to lock one integration.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    pub integration: &'a str,
    pub owner: &'a str,
    pub holder: &'a str,
    pub reason: &'a str,
    /// After so many seconds anybody may take it.
    pub seconds: u32,
    /// The id of a lock that may be taken over although it has not expired: its holder is dead.
    pub over: Option<&'a str>,
}

/// What became of an [`Ask`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Asked {
    Taken(Lock),
    /// Somebody else has it.
    Held(Lock),
}

/// A request to give what is deployed under one id another.
#[derive(Debug, Clone, Copy)]
pub struct Rename<'a> {
    pub from: &'a str,
    pub to: &'a str,
    /// RFC 3339, UTC.
    pub at: &'a str,
    pub by: &'a str,
    /// Digest of the plan that is applied.
    pub run: &'a str,
}

impl Rename<'_> {
    /// What the note of it says; read back by [`Renamed::read`].
    fn text(&self) -> String {
        format!("{} -> {}", self.from, self.to)
    }
}

/// What became of a [`Rename`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// So many categories have the new id now.
    Moved(usize),
    /// The new id has deployed categories of its own; nothing was written.
    Taken,
}

/// An integration that was given another id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    pub from: String,
    pub to: String,
    /// RFC 3339, UTC.
    pub at: String,
    pub by: String,
    /// Digest of the plan that was applied.
    pub run: Option<String>,
}

impl Renamed {
    /// Both ids, from what a note of [`RENAME`] says.
    #[must_use]
    pub fn names(text: &str) -> Option<(&str, &str)> {
        text.split_once(" -> ")
    }

    fn read(note: &Note) -> Option<Self> {
        let (from, to) = Renamed::names(&note.text).filter(|_| note.kind == RENAME)?;
        let (at, by, run) = (note.at.clone(), note.by.clone(), note.run.clone());
        Some(Renamed { from: from.to_owned(), to: to.to_owned(), at, by, run })
    }
}

/// The kinds of notes that tell of a run: that it gave an integration another id, that it lifted a check, and that it went
/// back to what was deployed before.
pub const RENAME: &str = "rename";
pub const FORCE: &str = "force";
pub const REVERT: &str = "revert";

/// The id under which the store has now what was saved under `name` at that time; `renames` in their order.
#[must_use]
pub fn name_now(renames: &[Renamed], name: &str, saved_at: &str) -> String {
    let mut now = name;
    for renamed in renames {
        if renamed.from == now && *saved_at <= *renamed.at {
            now = &renamed.to;
        }
    }
    now.to_owned()
}

/// The ids that an integration had before, without its own.
#[must_use]
pub fn former_names(renames: &[Renamed], name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    for renamed in renames.iter().rev() {
        if names.contains(&renamed.to) && !names.contains(&renamed.from) {
            names.push(renamed.from.clone());
        }
    }
    names.split_off(1)
}

/// What is kept besides saves: a check that was lifted, a way back, a lock that was released by hand, an integration that was
/// renamed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Note {
    /// RFC 3339, UTC.
    pub at: String,
    pub by: String,
    /// `force`, `revert`, `unlock` or `rename`
    pub kind: String,
    pub text: String,
    pub run: Option<String>,
}

/// One save of any category, with what it left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub integration: String,
    pub category: String,
    pub past: Past,
}

/// What stopped a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("`{0}` is no store: write `sqlite:PATH` or `postgres://USER@HOST/DATABASE`")]
    Url(String),
    #[error("cannot open the store {store}: {reason}")]
    Open { store: String, reason: String },
    #[error(
        "the store {store} was written by a newer pairform (layout {found}, this one knows {known}); update pairform"
    )]
    Newer { store: String, found: i64, known: i64 },
    #[error(
        "the store {store} has the older layout {found} (this pairform knows {known}); `pairform apply --no-input` brings it up to date and applies nothing"
    )]
    Older { store: String, found: i64, known: i64 },
    /// `whole`: whatever is to be written has to wait; else it may be of one row that somebody keeps locked.
    #[error("the store {store} is busy: {reason}")]
    Busy { store: String, reason: String, whole: bool },
    #[error("the store {store} failed: {reason}")]
    Failed { store: String, reason: String },
    #[error("the store {store} refused: {reason}")]
    Denied { store: String, reason: String },
    #[error("the connection to the store {store} was lost and could not be made again ({reason})")]
    Lost { store: String, reason: String },
    /// The connection broke or the disk failed while a save was made durable.
    #[error(
        "the store {store} failed in the middle of a save, so it is not known whether it was saved ({reason}); apply again, which finds out"
    )]
    InDoubt { store: String, reason: String },
}

impl StoreError {
    /// True when one of several saves may have made the others fail that were made with it.
    #[must_use]
    pub fn may_be_of_one(&self) -> bool {
        matches!(self, StoreError::Failed { .. } | StoreError::Busy { whole: false, .. })
    }
}

/// A place that holds deployed settings. Every implementation passes `tests/it/store.rs`.
pub trait Store: Send {
    /// A random id given when the store was made; a plan is bound to it.
    fn identity(&self) -> &str;

    /// The key under which secrets are fingerprinted; it never leaves the process.
    fn fingerprint_key(&self) -> &[u8];

    /// The deployed categories of these integrations (`None`: of all), sorted by integration and category.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn read(&mut self, integrations: Option<&[String]>) -> Result<Vec<Deployed>, StoreError>;

    /// Hands out what [`Store::read`] gives, without the settings: once for each integration, all of its categories.
    ///
    /// # Errors
    /// When the store cannot be read; what was handed out is so all the same.
    fn each_heads(
        &mut self,
        integrations: Option<&[String]>,
        take: &mut TakeHeads<'_>,
    ) -> Result<(), StoreError>;

    /// All that [`Store::each_heads`] hands out.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn heads(&mut self, integrations: Option<&[String]>) -> Result<Heads, StoreError> {
        let mut heads = Heads::default();
        self.each_heads(integrations, &mut |name, found| heads.put(name, found))?;
        Ok(heads)
    }

    /// What the history has of these integrations (`None`: of all) and is not deployed, sorted by integration and category.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn deleted(&mut self, integrations: Option<&[String]>) -> Result<Vec<Deleted>, StoreError>;

    /// Saves categories in one transaction, each if it still is at its expected revision; durable when it returns, and kept
    /// in the history. What became of each, in their order; what is told as an error was not written, save where it is in
    /// doubt.
    ///
    /// # Errors
    /// When the transaction failed: nothing was written, save where it is in doubt.
    fn save_all(&mut self, saves: &[Save<'_>]) -> Result<Vec<Result<Saved, StoreError>>, StoreError>;

    /// As [`Store::save_all`], for one.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn save(&mut self, save: &Save<'_>) -> Result<Saved, StoreError> {
        self.save_all(std::slice::from_ref(save))?.pop().unwrap_or(Ok(Saved::LockLost))
    }

    /// Gives what is deployed under one id another, at the same revisions and with a note; atomic. The history stays as it
    /// was written.
    ///
    /// # Errors
    /// When the store cannot be written; then nothing was.
    fn rename(&mut self, rename: &Rename<'_>) -> Result<Moved, StoreError>;

    /// Integrations that were given another id, in the order in which that was done.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn renames(&mut self) -> Result<Vec<Renamed>, StoreError> {
        Ok(self.notes()?.iter().filter_map(Renamed::read).collect())
    }

    /// Notes that a plan (by its digest) is about to be applied.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn begin(&mut self, run: &str, at: &str, by: &str, origin: Origin<'_>) -> Result<Run, StoreError>;

    /// Notes that every category of the plan was saved, so that it cannot be applied again. The first time counts.
    ///
    /// # Errors
    /// When the store cannot be written, or the plan was never begun.
    fn finish(&mut self, run: &str, at: &str) -> Result<(), StoreError>;

    /// All saves of one category, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn history(&mut self, integration: &str, category: &str) -> Result<Vec<Past>, StoreError>;

    /// All saves of all categories, in the order in which they were made.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn records(&mut self) -> Result<Vec<Record>, StoreError>;

    /// Takes the lock on each of these integrations that nobody holds: it was released, has expired, or is the one that
    /// may be taken over. What became of each, in their order.
    ///
    /// # Errors
    /// When the store cannot be written; then none was taken.
    fn lock_all(&mut self, asks: &[Ask<'_>]) -> Result<Vec<Asked>, StoreError>;

    /// As [`Store::lock_all`], for one.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn lock(&mut self, ask: &Ask<'_>) -> Result<Asked, StoreError> {
        let asked = self.lock_all(std::slice::from_ref(ask))?.pop();
        asked.ok_or_else(|| StoreError::Failed {
            store: self.identity().to_owned(),
            reason: "it gave no answer".to_owned(),
        })
    }

    /// Lets these locks last for so many seconds from now on, those of them that are held.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn renew_all(&mut self, locks: &[&Lock], seconds: u32) -> Result<(), StoreError>;

    /// Releases these locks; those that were held.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn unlock_all(&mut self, locks: &[&Lock]) -> Result<Vec<Lock>, StoreError>;

    /// As [`Store::unlock_all`], for the one of this id; `None` when nobody holds it (any more).
    ///
    /// # Errors
    /// When the store cannot be written.
    fn unlock(&mut self, id: &str) -> Result<Option<Lock>, StoreError> {
        match self.locks()?.iter().find(|lock| lock.id == id) {
            Some(lock) => Ok(self.unlock_all(&[lock])?.pop()),
            None => Ok(None),
        }
    }

    /// The locks that are held, expired ones included, sorted by integration.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn locks(&mut self) -> Result<Vec<Lock>, StoreError>;

    /// Keeps a note for good.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn note(&mut self, note: &Note) -> Result<(), StoreError>;

    /// All notes, oldest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn notes(&mut self) -> Result<Vec<Note>, StoreError>;
}

/// Where a store is.
#[derive(Clone)]
pub struct Address {
    /// `sqlite:PATH` or `postgres://USER@HOST/DATABASE`
    pub url: String,
    /// The password of a server, which stands before one in the URL.
    pub password: Option<Hidden<String>>,
}

impl From<&str> for Address {
    fn from(url: &str) -> Self {
        Address { url: url.to_owned(), password: None }
    }
}

impl From<&String> for Address {
    fn from(url: &String) -> Self {
        Address::from(url.as_str())
    }
}

impl From<&Address> for Address {
    fn from(address: &Address) -> Self {
        address.clone()
    }
}

/// Opens the store at an address, making it when it is not there.
///
/// # Errors
/// When the URL names no store, or the store cannot be opened or is newer than this program.
pub fn open(at: impl Into<Address>) -> Result<Box<dyn Store>, StoreError> {
    let at = at.into();
    if postgres::is_url(&at.url) {
        return Ok(Box::new(postgres::open(&at)?));
    }
    Ok(Box::new(sqlite::open(sqlite_path(&at.url)?)?))
}

/// Opens the store for reading only; `None` when there is none yet. Writes nothing, not even a file; only a save that a
/// crash left half done is taken back, since nothing could be read before.
///
/// # Errors
/// As [`open`].
pub fn open_existing(at: impl Into<Address>) -> Result<Option<Box<dyn Store>>, StoreError> {
    let at = at.into();
    if postgres::is_url(&at.url) {
        return Ok(postgres::open_existing(&at)?.map(|store| Box::new(store) as Box<dyn Store>));
    }
    Ok(sqlite::open_existing(sqlite_path(&at.url)?)?.map(|store| Box::new(store) as Box<dyn Store>))
}

/// The oldest layout that is read as it is, and the one since which there are marks; without them nothing is settled. A store
/// is brought up to date by whoever opens it to write.
const READABLE: i64 = 3;
const MARKED: i64 = 4;

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

/// Whether two URLs lead to one store, as far as that shows without opening it.
#[must_use]
pub fn is_same(one: &str, other: &str) -> bool {
    match (sqlite_path(one), sqlite_path(other)) {
        (Ok(one), Ok(other)) => sqlite::place(one) == sqlite::place(other),
        (Err(_), Err(_)) => postgres::place(one).is_some_and(|place| postgres::place(other) == Some(place)),
        _ => false,
    }
}

/// `sqlite://name` is refused: whoever writes it means the file `name`, and would get `/name`.
fn sqlite_path(url: &str) -> Result<&Path, StoreError> {
    url.strip_prefix("sqlite:")
        .filter(|path| !path.is_empty() && !path.starts_with("//"))
        .map(Path::new)
        .ok_or_else(|| StoreError::Url(without_password(url)))
}

/// A URL may carry a password, which no message repeats.
#[must_use]
pub fn without_password(url: &str) -> String {
    match (url.split_once("://"), url.rsplit_once('@')) {
        (Some((scheme, rest)), Some((_, host))) if rest.contains('@') => format!("{scheme}://***@{host}"),
        _ => url.to_owned(),
    }
}

/// What is deployed holds no null; a person who writes one with the shell means "not set".
fn without_null(settings: &Settings) -> Settings {
    settings
        .iter()
        .filter(|(_, value)| **value != Value::Null)
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect()
}

/// The settings in one column. A person may have edited them, so nothing about them is taken for granted; and a credential that
/// was written into them goes no further.
fn document(text: &[u8], column: &str) -> Result<Settings, Unusable> {
    let why = match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(json) if json.is_object() => {
            let mut settings = model::from_json(&json);
            settings.iter_mut().for_each(|(path, value)| credential::hide(path, value));
            return Ok(settings);
        }
        Ok(_) => format!("column `{column}` is not a JSON object"),
        Err(error) => format!("column `{column}` cannot be read as JSON ({error})"),
    };
    Err(Unusable { why, text: String::from_utf8_lossy(text).into_owned(), changed: false })
}

/// A document of the history, proved by the digest beside it. An edit by hand has none, and is a save of its own.
fn past_document(text: &[u8], digest: &str) -> Result<Settings, Unusable> {
    let found = document(text, "settings");
    if digest.is_empty() || model::digest_text(&String::from_utf8_lossy(text)) == digest {
        return found;
    }
    let why = "it was changed after it was saved, as its digest shows".to_owned();
    let text = found.map_or_else(|unusable| unusable.text, |settings| model::canonical(&settings));
    Err(Unusable { why, text, changed: true })
}

fn unusable(shown: &str, integration: &str, category: &str, why: &str) -> StoreError {
    StoreError::Failed {
        store: shown.to_owned(),
        reason: format!(
            "category `{category}` of integration `{integration}` cannot be used: {why}; mend the row"
        ),
    }
}
