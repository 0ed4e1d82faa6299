//! What planning has to know of what is deployed. Where that is read does not matter here.

use crate::model::Settings;

/// A category as it is deployed; see `store`.
#[derive(Debug, Clone)]
pub struct Current {
    pub revision: u64,
    pub settings: Settings,
    pub applied: Settings,
}

/// What is known of a category's deployed state.
#[derive(Debug, Clone, Copy)]
pub enum DeployedState<'a> {
    Never,
    /// At this revision and with so many settings, just as the files say.
    UpToDate(u64, usize),
    Read(&'a Current),
}

impl<'a> DeployedState<'a> {
    /// Of a category that was looked for.
    #[must_use]
    pub fn of(current: Option<&'a Current>) -> Self {
        current.map_or(DeployedState::Never, DeployedState::Read)
    }

    pub(super) fn revision(self) -> Option<u64> {
        match self {
            DeployedState::Never => None,
            DeployedState::UpToDate(revision, _) => Some(revision),
            DeployedState::Read(current) => Some(current.revision),
        }
    }

    pub(super) fn settings(self) -> Option<usize> {
        match self {
            DeployedState::Never => None,
            DeployedState::UpToDate(_, settings) => Some(settings),
            DeployedState::Read(current) => Some(current.settings.len()),
        }
    }
}
