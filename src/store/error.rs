//! What stops a store, in the words of its users.

/// What stopped a store.
#[derive(Debug, Clone, thiserror::Error)]
pub enum StoreError {
    #[error("`{0}` is no store: write `sqlite:PATH`, `postgres://USER@HOST/DATABASE` or `https://HOST`")]
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
    /// A server on another machine that would be spoken to without TLS, and that nobody allowed.
    #[error(
        "the store {store} would be reached without TLS, though {host} is not this machine; take `sslmode` out of its URL, or \
         allow it outside the project with the line `store={host}!plain`"
    )]
    Plain { store: String, host: String },
    /// Whoever wrote the files names whom to believe that a server is who it says.
    #[error(
        "the store {store} is not opened: `sslrootcert` stands in its URL in the project, and whoever writes that may not choose \
         whom to trust; take it out and name the file with PGSSLROOTCERT"
    )]
    Authority { store: String },
    /// A server of the Configure section that would be asked in the clear.
    #[error(
        "the store {store} would be reached without TLS, and `http://` is for this machine alone; write `https://`"
    )]
    Clear { store: String },
    /// A store that only its server writes.
    #[error(
        "the store {store} is written by its server alone: plans are handed in to it (`pairform apply`), and what else writes or serves it (unlock, \
         release, reconcile, tokens, copies) is done where the server runs, with the store that it serves as `--store`; tokens are its \
         call `/api/v1/tokens` too"
    )]
    ByItsServer { store: String },
    /// An embedded store that lies outside of the folder that it must not leave.
    #[error(
        "the store {store} lies outside the project, by its path or by a link, and the project may not choose that; name it from \
         outside, or allow it there with the line `store={store}`"
    )]
    Outside { store: String },
    /// It accepted and then said nothing.
    #[error("the store {store} accepted and then said nothing for {seconds} seconds")]
    Silent { store: String, seconds: u64 },
    #[error("the connection to the store {store} was lost and could not be made again ({reason})")]
    Lost { store: String, reason: String },
    /// The connection broke or the disk failed while a save was made durable.
    #[error(
        "the store {store} failed in the middle of a save, so it is not known whether it was saved ({reason}); apply again, which finds out"
    )]
    InDoubt { store: String, reason: String },
}

impl StoreError {
    /// True when nothing more is heard of the store, so that nothing is known of what was on its way.
    #[must_use]
    pub fn is_lost(&self) -> bool {
        matches!(self, StoreError::Lost { .. } | StoreError::Silent { .. })
    }

    /// True when one of several saves may have made the others fail that were made with it.
    #[must_use]
    pub fn may_be_of_one(&self) -> bool {
        matches!(self, StoreError::Failed { .. } | StoreError::Busy { whole: false, .. })
    }
}
