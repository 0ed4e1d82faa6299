//! Why parts cannot be linked.

/// Parts that do not fit together: in which part, where (JSON Pointer) and why.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct LinkError {
    pub part: String,
    pub pointer: String,
    pub message: String,
    pub help: String,
}
