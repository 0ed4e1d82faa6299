//! What stops a store, in the words of its users.

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
