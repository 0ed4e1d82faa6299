//! What stops an operation: its kind, what is wrong, and what to do. A door maps the kind once (exit code, HTTP status) and
//! words the help in its own terms. What is wrong in the files is a finding, never an error.

use crate::diagnostic::nearest;
use crate::diagnostic::placed::PlacedFinding;
use crate::model::pattern::{is_pattern, means};
use crate::plan::Refusal;
use crate::trust::Line;
use crate::{compile, source, store};

/// A result of an operation.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why an operation ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Error {
    pub kind: ErrorKind,
    /// One line, in the user's words; names no flag and no command.
    pub message: String,
    pub help: Option<Help>,
}

/// What an error is to whoever called.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ErrorKind {
    /// What was asked for makes no sense, or names what is not there.
    Usage,
    /// What was named is not there.
    Absent,
    /// The configuration has errors.
    Invalid,
    /// Somebody changed what this rests on, and nothing was saved.
    Stale,
    /// Refused for safety.
    Refused,
    /// A secret is not at hand, or a store or platform lets nobody in.
    NotAllowed,
    /// A store or a platform does not answer, or with nothing that can be used.
    Unreachable,
    /// Somebody else has the lock.
    Locked,
    /// The host asked to stop.
    Stopped,
    /// A fault of pairform, or of the machine.
    Internal,
}

/// What to do about an error.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Help {
    /// An imperative that every door says alike.
    Do(String),
    /// The name that was perhaps meant.
    DidYouMean(String),
    /// These findings tell what is wrong; where they are not at hand, those of the project do.
    SeeFindings(Vec<PlacedFinding>),
    /// Try once more.
    Again,
    /// Begin a project where there is none.
    BeginProject,
    /// A file that was meant as the project file is called otherwise.
    RenameProjectFile(String),
    /// One environment has to be named.
    NameEnvironment(Vec<String>),
    /// The store is that of these environments: name one of them, or no store.
    EnvironmentOfStore(String),
    /// The list of pairs tells what there is.
    ListPairs,
    /// The list of this pair's settings tells what there is.
    ListSettings(String),
    /// A point to go back to has to be named; the history of this integration has them.
    NamePoint(String),
    /// What a store has is lost when another is copied into it; that has to be said.
    ReplaceStore,
    /// One category has to be named.
    NameCategory,
    /// The history of this integration lists what there is.
    SeeHistory(String),
    /// Ask for the way back by this name, which is the one of now.
    RevertRenamed(String),
    /// Read a revision that has this integration's file, or adopt what is deployed.
    RevertWithoutFile(String),
    /// What to do about each of the checks that refuse a plan.
    Refusals(Vec<Refusal>),
    /// The store was named for the plan, and has to be named again.
    NameStoreAsPlanned,
    /// The pair of an integration that is deployed and in no file has to be named.
    NamePair(String),
    /// Sign the plan with a key of one of the signers.
    SignPlan,
    /// Make the plan anew, and read it.
    PlanAgain,
    /// As that, or apply it to this commit.
    PlanAgainOrRevision(String),
    /// A pair has to be named, to begin an integration of it.
    NamePairToBegin,
    /// Another name is needed for the integration.
    OtherName,
    /// Which files of a project have a layout.
    WhatIsLaidOut,
    /// A committed list of dropdown values has to be mended, or begun anew.
    MendList,
    /// These lines would allow what was refused.
    Allow(Vec<Line>),
    /// The run is untrusted on purpose.
    Untrusted,
}

impl Error {
    #[must_use]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        Error { kind, message: message.into(), help: None }
    }

    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Error::new(ErrorKind::Usage, message)
    }

    /// With an imperative that every door says alike.
    #[must_use]
    pub fn help(self, help: impl Into<String>) -> Self {
        self.with(Help::Do(help.into()))
    }

    #[must_use]
    pub fn with(mut self, help: Help) -> Self {
        self.help = Some(help);
        self
    }
}

/// Proves that a name that was given exists.
///
/// # Errors
/// When it does not; the nearest name is suggested.
pub fn require_known(what: &str, name: &str, known: &[&str]) -> Result<()> {
    if known.contains(&name) {
        return Ok(());
    }
    let error = Error::usage(format!("there is no {what} `{name}`"));
    Err(match nearest(name, known.iter().copied()) {
        Some(near) => error.with(Help::DidYouMean(near.to_owned())),
        None => error.help(match known {
            [] => format!("the project declares no {what}"),
            few if few.len() <= 12 => format!("name {}", crate::diagnostic::list_words(few, "or")),
            many => format!(
                "there are {}, such as {}",
                many.len(),
                crate::diagnostic::list_words(&many[..3], "and")
            ),
        }),
    })
}

/// As [`require_known`], of a name that may be a pattern, which has to mean something.
///
/// # Errors
/// As [`require_known`].
pub fn require_meant(what: &str, wanted: &str, known: &[&str]) -> Result<()> {
    match is_pattern(wanted) {
        true if known.iter().any(|name| means(wanted, name)) => Ok(()),
        true => Err(Error::usage(format!("no {what} is called like `{wanted}`"))),
        false => require_known(what, wanted, known),
    }
}

impl From<compile::Changed> for Error {
    fn from(error: compile::Changed) -> Self {
        Error::new(ErrorKind::Stale, error.to_string()).with(Help::Again)
    }
}

impl From<source::git::GitError> for Error {
    fn from(error: source::git::GitError) -> Self {
        Error { kind: ErrorKind::Usage, message: error.message, help: error.help.map(Help::Do) }
    }
}

impl From<store::StoreError> for Error {
    fn from(error: store::StoreError) -> Self {
        let kind = match error {
            store::StoreError::Url(_) | store::StoreError::ByItsServer { .. } => ErrorKind::Usage,
            store::StoreError::Denied { .. }
            | store::StoreError::Authority { .. }
            | store::StoreError::Clear { .. }
            | store::StoreError::Outside { .. }
            | store::StoreError::Plain { .. } => ErrorKind::NotAllowed,
            _ => ErrorKind::Unreachable,
        };
        Error::new(kind, error.to_string())
    }
}
