//! Why a revision cannot be read: what every file of this folder says. Nothing is looked for here.

/// Why a revision cannot be read, and what to do about it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct GitError {
    pub message: String,
    pub help: Option<String>,
}

impl GitError {
    pub(super) fn new(message: impl Into<String>, help: impl Into<String>) -> Self {
        GitError { message: message.into(), help: Some(help.into()) }
    }
}
