//! Which templates a report is made by: those of the base where there is one, since a change must not word its own review; else
//! the project's own. Nothing is filled in here.

use super::workspace::Workspace;
use crate::source::{SourceFile, Sources};

/// Where templates come from.
#[derive(Clone, Copy)]
pub struct Templates<'a> {
    /// None: the built-in ones alone.
    sources: Option<&'a Sources>,
}

impl<'a> Templates<'a> {
    /// Those that a report on a workspace is made by.
    #[must_use]
    pub fn of(workspace: &'a Workspace) -> Self {
        let own = || (!workspace.is_untrusted()).then(|| workspace.sources());
        Templates { sources: workspace.base().map(|base| base.tip()).or_else(own) }
    }

    #[must_use]
    pub fn built_in() -> Self {
        Templates { sources: None }
    }

    /// The project's own template of this name, such as `comment.md`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'a SourceFile> {
        let sources = self.sources?;
        sources.by_path(&format!("templates/{name}")).map(|file| sources.file(file))
    }
}
