//! Why there is no usable answer. A fault never holds an address's query, a header or a body, since each may carry a token.

/// What kind of failure it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultKind {
    /// A secret is not at hand, or the platform does not let us in.
    Denied,
    /// No connection, or the platform cannot answer now.
    Unreachable,
    /// The time was up.
    TimedOut,
    /// The platform asks to wait longer than we do.
    Throttled,
    /// An answer that cannot be used: too large, no JSON, not the documented shape, a redirect to elsewhere.
    Unusable,
    /// The run was stopped.
    Stopped,
}

/// A reason, in words that hold no secret.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Fault {
    pub kind: FaultKind,
    pub message: String,
    /// The status of the answer, where there was one.
    pub status: Option<u16>,
}

impl Fault {
    #[must_use]
    pub fn new(kind: FaultKind, message: impl Into<String>) -> Self {
        Fault { kind, message: message.into(), status: None }
    }

    /// A request that nobody could send.
    #[must_use]
    pub fn malformed() -> Self {
        let why = "the request cannot be written: an address or a header has characters that are not allowed";
        Fault::new(FaultKind::Unusable, why)
    }
}
