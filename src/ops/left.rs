//! Settings that an operation leaves as they are, and why; a door words the reasons where they name what it could be asked.

use crate::yaml::edit::EditError;

/// A setting, or a whole category, that is left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Left {
    pub integration: String,
    /// `category.path`, or a category.
    pub setting: String,
    pub why: Why,
}

/// Why a setting is left.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Why {
    /// What is deployed was not to win over the files.
    #[error("changed in the files too")]
    ChangedInFiles,
    #[error("the secret's value changed, its reference did not")]
    SecretRotated,
    /// Files that are shared were not to be edited.
    #[error("{file} sets it and wins over the integration")]
    EnvironmentWins { file: String },
    #[error("its place in the file is not clear")]
    PlaceUnclear,
    #[error("the integration has no file")]
    NoFile,
    #[error(transparent)]
    Edit(#[from] EditError),
    /// With it the project has an error that it has not without.
    #[error("the files would be wrong: {0}")]
    FilesWrong(String),
    #[error("the flows that use it are off")]
    FlowsOff,
    #[error("{pair} has no such setting")]
    NoSuchSetting { pair: String },
    #[error("it is listed as unmanaged")]
    Unmanaged,
    #[error("what was saved then cannot be used: {0}")]
    Unusable(String),
    #[error("{pair} has no such category")]
    NoSuchCategory { pair: String },
}
