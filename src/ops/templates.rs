//! Which templates a report is made by: those of the base where there is one, since a change must not word its own review; else
//! the project's own. Nothing is filled in here.

use super::workspace::Workspace;
use crate::source::{SourceFile, Sources};

/// Where templates come from.
#[derive(Clone, Copy)]
pub struct Templates<'a> {
    /// None: the built-in ones alone.
    sources: Option<&'a Sources>,
    are_of_base: bool,
}

impl<'a> Templates<'a> {
    /// Those that a report on a workspace is made by.
    #[must_use]
    pub fn of(workspace: &'a Workspace) -> Self {
        let own = || (!workspace.is_untrusted()).then(|| workspace.sources());
        let of_base = workspace.base().map(|base| base.tip());
        Templates { sources: of_base.or_else(own), are_of_base: of_base.is_some() }
    }

    #[must_use]
    pub fn built_in() -> Self {
        Templates { sources: None, are_of_base: false }
    }

    /// Whether the change that is reported on cannot have written them: one that is broken must not keep it from being told.
    #[must_use]
    pub fn are_of_base(&self) -> bool {
        self.are_of_base
    }

    /// The project's own template of this name, such as `comment.md`.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&'a SourceFile> {
        let sources = self.sources?;
        sources.by_path(&format!("templates/{name}")).map(|file| sources.file(file))
    }
}
