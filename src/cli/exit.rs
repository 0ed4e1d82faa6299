//! Exit codes: the only place that knows their numbers.

/// Done; nothing wrong.
pub const OK: u8 = 0;
/// The configuration has errors.
pub const ERRORS: u8 = 1;
/// Changes are pending; only with `--detailed-exitcode`.
pub const PENDING: u8 = 2;
/// Some categories were saved and some were not.
pub const PARTLY: u8 = 3;
/// Stale plan or version conflict, and nothing was saved.
pub const STALE: u8 = 4;
/// Refused for safety.
pub const REFUSED: u8 = 5;
/// Not authenticated or not allowed: a secret is not at hand.
pub const NOT_ALLOWED: u8 = 6;
/// Store or platform unreachable.
pub const UNREACHABLE: u8 = 7;
/// Locked by someone else.
pub const LOCKED: u8 = 8;
/// The command line is wrong, or there is nothing to run it on.
pub const USAGE: u8 = 64;
/// A fault of pairform itself, or its result could not be written.
pub const INTERNAL: u8 = 70;
/// Interrupted (SIGINT), after finishing the save in flight.
pub const INTERRUPTED: u8 = 130;
/// Terminated (SIGTERM), after finishing the save in flight.
pub const TERMINATED: u8 = 143;

/// What ends a command before its result: an exit code, what is wrong, and what to do.
#[derive(Debug)]
pub struct Stop {
    pub code: u8,
    pub message: String,
    pub help: Option<String>,
}

impl Stop {
    #[must_use]
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Stop { code, message: message.into(), help: None }
    }

    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Stop::new(USAGE, message)
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

impl From<crate::compile::Changed> for Stop {
    fn from(error: crate::compile::Changed) -> Self {
        Stop::new(STALE, error.to_string()).help("run the command again")
    }
}

impl From<crate::source::git::GitError> for Stop {
    fn from(error: crate::source::git::GitError) -> Self {
        Stop { code: USAGE, message: error.message, help: error.help }
    }
}

impl From<crate::store::StoreError> for Stop {
    fn from(error: crate::store::StoreError) -> Self {
        use crate::store::StoreError;
        let code = match error {
            StoreError::Url(_) => USAGE,
            StoreError::Denied { .. } => NOT_ALLOWED,
            _ => UNREACHABLE,
        };
        Stop::new(code, error.to_string())
    }
}
