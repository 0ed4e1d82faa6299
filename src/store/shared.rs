//! What the servers over one store share beside settings: dropdown values that one of them fetched, how far that is, and what
//! was proposed as a change of the files. Nothing here decides who may do what, or what a document says.

use std::pin::Pin;

use super::error::StoreError;

/// The dropdown values of one set of one account, as a server fetched them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptList {
    pub connector: String,
    pub account: String,
    pub name: String,
    /// As `options refresh` would write a list of this set alone.
    pub document: String,
    /// RFC 3339, UTC.
    pub fetched_at: String,
    pub fetched_by: String,
}

/// That the dropdown values of an integration are fetched anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Clearing {
    pub integration: String,
    pub run: String,
    pub asked_by: String,
    /// RFC 3339, UTC, as the others.
    pub asked_at: String,
    /// After that, nobody fetches any more.
    pub until: String,
    pub ended_at: Option<String>,
    /// JSON.
    pub document: String,
}

/// A change of the files that was proposed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proposed {
    pub id: String,
    pub integration: String,
    pub branch: String,
    pub commit: String,
    /// The commit that it stands on.
    pub base: String,
    /// JSON.
    pub document: String,
    /// `open`, `merged` or `closed`
    pub state: String,
    pub link: Option<String>,
    pub made_by: String,
    /// RFC 3339, UTC.
    pub made_at: String,
    pub ended_by: Option<String>,
    pub ended_at: Option<String>,
}

/// What will be read of a store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Soon {
    Epoch,
    /// By its hash.
    Token(String),
    /// What is known of an integration.
    Integration(String),
    /// The deployed categories of an integration.
    Deployed(String),
    /// What the files said of an integration.
    Said(String),
    /// The rules that were recorded last, for what is of no commit.
    Rules,
    /// The notes of a kind.
    Notes(String),
}

/// A mark that is on its way.
pub type Awaited<'a> = Pin<Box<dyn Future<Output = Result<String, StoreError>> + Send + 'a>>;

/// What every store does for the servers over it.
pub trait Shared {
    /// Says what will be read next, so that a store that is far away brings all of it in one round trip. Each of these is answered once by what is
    /// read now, and by nothing of before, unless something else was asked for or written first.
    fn foresee(&mut self, _: &[Soon]) {}

    /// All lists that were kept, sorted by connector, account and name.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn kept_lists(&mut self) -> Result<Vec<KeptList>, StoreError>;

    /// Another number whenever a list was kept.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn lists_mark(&mut self) -> Result<u64, StoreError>;

    /// What all that can be read here is like: another text once anything was committed by another connection, and the same as long as nothing
    /// was. It is compared with what the same connection told before.
    ///
    /// # Errors
    /// When the store cannot be read, or cannot tell.
    fn mark(&mut self) -> Result<String, StoreError>;

    /// As [`Shared::mark`], for whoever awaits it and may not wait: none where that takes a thread that may, as where nobody asked for it before or
    /// somebody has the file of an embedded store for himself.
    fn mark_awaited(&mut self) -> Option<Awaited<'_>> {
        None
    }

    /// Keeps a list in the place of the one before.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn keep_list(&mut self, list: &KeptList) -> Result<(), StoreError>;

    /// The last clearing of an integration.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn clearing(&mut self, integration: &str) -> Result<Option<Clearing>, StoreError>;

    /// Begins a clearing in the place of one that was seen (its run; `None`: there was none). What is there then: the new one,
    /// or what somebody else began meanwhile.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn begin_clearing(&mut self, new: &Clearing, seen: Option<&str>) -> Result<Clearing, StoreError>;

    /// Tells how far the clearing of this run is; false where another one took its place.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn tell_clearing(&mut self, now: &Clearing) -> Result<bool, StoreError>;

    /// What was proposed for an integration (`None`: for any), the newest first.
    ///
    /// # Errors
    /// When the store cannot be read.
    fn proposals(&mut self, integration: Option<&str>) -> Result<Vec<Proposed>, StoreError>;

    /// Keeps a proposal.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn keep_proposal(&mut self, new: &Proposed) -> Result<(), StoreError>;

    /// Ends a proposal, as `merged` or `closed`; false where it is not open.
    ///
    /// # Errors
    /// When the store cannot be written.
    fn end_proposal(&mut self, id: &str, state: &str, at: &str, by: &str) -> Result<bool, StoreError>;
}
