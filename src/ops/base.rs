//! The base of a comparison: what judges a change, and since when the change is told. A change is told from where it left the
//! base; it is judged by the tip, so that a branch cannot go back to rules that were milder.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::compile::levels::Floor;
use crate::compile::project::Manifest;
use crate::compile::{outward, reach};
use crate::source::Sources;
use crate::source::git::{GitError, History, Revision};

/// Both commits of a base, read and not compiled.
pub struct Base {
    name: String,
    /// Rules, templates and owners come from here.
    tip: Arc<Sources>,
    tip_revision: Revision,
    declared: Manifest,
    /// Where the head left it.
    parted: Arc<Sources>,
    parted_revision: Revision,
}

/// Which commits a base is made of.
#[derive(Debug, Clone)]
pub(super) struct Commits {
    /// As it was named: `origin/main`.
    pub name: String,
    pub tip: Revision,
    /// Where the head left it, or the tip itself.
    pub parted: Revision,
}

impl Commits {
    /// The commits of a base of this name, else of the usual branch.
    ///
    /// # Errors
    /// When there is no such revision, or the two have no common history.
    pub fn find(
        history: &History,
        name: Option<&str>,
        head: &Revision,
        exact: bool,
    ) -> Result<Self, GitError> {
        let name = match name {
            Some(name) => name.to_owned(),
            None => history.default_base()?,
        };
        history.require_own(&name)?;
        let tip = history.resolve(&name)?;
        let parted = if exact { tip.clone() } else { history.merge_base(&tip, head)? };
        Ok(Commits { name, tip, parted })
    }
}

impl Base {
    /// Reads both commits.
    ///
    /// # Errors
    /// When one of them is not in this clone.
    pub(super) fn load(history: &History, commits: Commits) -> Result<Self, GitError> {
        let Commits { name, tip: tip_revision, parted: parted_revision } = commits;
        let tip = Arc::new(history.load(&tip_revision)?);
        let parted = match parted_revision == tip_revision {
            true => Arc::clone(&tip),
            false => history.load(&parted_revision)?.into(),
        };
        let declared = Manifest::read(&tip, &mut Vec::new());
        Ok(Base { name, tip, tip_revision, declared, parted, parted_revision })
    }

    /// As it was named.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What judges.
    #[must_use]
    pub fn tip(&self) -> &Sources {
        &self.tip
    }

    /// What the tip's pairform.yaml declares.
    #[must_use]
    pub fn declared(&self) -> &Manifest {
        &self.declared
    }

    #[must_use]
    pub fn tip_revision(&self) -> &Revision {
        &self.tip_revision
    }

    /// From where the change is told.
    #[must_use]
    pub fn parted(&self) -> &Arc<Sources> {
        &self.parted
    }

    #[must_use]
    pub fn parted_revision(&self) -> &Revision {
        &self.parted_revision
    }

    /// The levels below which the findings of a head do not go.
    pub(super) fn floor(&self, head: &Sources, environment: Option<&str>) -> Floor {
        let tip = &self.tip;
        let reached = reach::reach(tip, head, environment);
        let names: BTreeSet<&str> = reached.integrations.keys().map(String::as_str).collect();
        outward::floor(&self.name, tip, &self.declared, environment, &names)
    }
}
