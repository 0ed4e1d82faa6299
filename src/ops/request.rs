//! What is asked of a project, as plain data: which environment and store, and what of them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use crate::http::{Fault, FaultKind};

use crate::model::pattern::any_means;

/// What an operation works on; nothing given means all of the working tree, with the usual environment and its store.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Request {
    /// The environment whose store is read and written.
    pub environment: Option<String>,
    /// The store, in place of the environment's. One that is an environment's own means that environment.
    pub store: Option<String>,
    /// The revision of the repository to read, in place of the working tree.
    pub revision: Option<String>,
    /// Only integrations whose compiled result can have changed since this revision.
    pub changed_since: Option<String>,
    pub filter: Filter,
    /// Only these integrations of what the filter takes, by name: those of a plan that is made again. Names that are not there
    /// are passed by.
    pub only: Option<BTreeSet<String>>,
    pub secrets: SecretsAsked,
}

/// How secrets are taken whose values are not at hand.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretsAsked {
    /// As unchanged, while their references are; else as changed, perhaps.
    pub assume: bool,
    /// As they were in a plan that is made again.
    pub as_planned: Option<SecretsPlanned>,
    /// They are looked for nowhere: whoever handed a plan in said what they are.
    pub given: Option<Arc<GivenSecrets>>,
}

/// What whoever handed a plan in says of secrets, by their references.
pub type GivenSecrets = BTreeMap<String, Given>;

/// What is said of a secret that is kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Given {
    Fingerprint(String),
    /// It is not to be had there, and why.
    Missing(String),
    /// Where it is kept does not answer, and why.
    Unreachable(String),
}

impl Given {
    /// Of a secret that was looked for and not found.
    #[must_use]
    pub fn of_fault(fault: Fault) -> Self {
        match fault.kind {
            FaultKind::Denied => Given::Missing(fault.message),
            _ => Given::Unreachable(fault.message),
        }
    }

    fn read(&self) -> Result<String, Fault> {
        match self {
            Given::Fingerprint(found) => Ok(found.clone()),
            Given::Missing(why) => Err(Fault::new(FaultKind::Denied, why.clone())),
            Given::Unreachable(why) => Err(Fault::new(FaultKind::Unreachable, why.clone())),
        }
    }
}

/// What a plan knew of secrets, by their references.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct SecretsPlanned {
    /// They were not at hand.
    pub unknown: BTreeSet<String>,
    /// They were at hand, and other values than those that are deployed.
    pub changed: BTreeSet<String>,
}

impl SecretsAsked {
    /// Whether a secret is not looked for: it was not at hand when the plan was made that is made again.
    #[must_use]
    pub fn is_left_unknown(&self, reference: &str) -> bool {
        self.as_planned.as_ref().is_some_and(|planned| planned.unknown.contains(reference))
    }

    /// The fingerprint of a secret: as it was given, else as it is found.
    ///
    /// # Errors
    /// Why it is not at hand.
    pub fn fingerprint(
        &self,
        reference: &str,
        find: impl FnOnce(&str) -> Result<String, Fault>,
    ) -> Result<String, Fault> {
        let Some(given) = &self.given else { return find(reference) };
        let missing = || Fault::new(FaultKind::Denied, format!("the secret `{reference}` was not handed in"));
        given.get(reference).map_or_else(|| Err(missing()), Given::read)
    }

    /// Whether a secret that is not known counts as changed.
    #[must_use]
    pub fn is_pending(&self, reference: &str) -> bool {
        match &self.as_planned {
            Some(planned) if !planned.unknown.contains(reference) => planned.changed.contains(reference),
            _ => !self.assume,
        }
    }
}

/// Which integrations and categories are meant; an empty list means all, and a name may be a pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filter {
    pub integrations: Vec<String>,
    pub pairs: Vec<String>,
    pub categories: Vec<String>,
    pub exclude: Vec<String>,
}

impl Request {
    /// A request for one integration, all else as in this one.
    #[must_use]
    pub fn of(&self, integration: &str) -> Self {
        let filter = Filter { integrations: vec![integration.to_owned()], ..self.filter.clone() };
        Request { filter, ..self.clone() }
    }

    /// No integration is left out.
    #[must_use]
    pub fn is_all(&self) -> bool {
        let Filter { integrations, pairs, exclude, categories: _ } = &self.filter;
        self.changed_since.is_none()
            && self.only.is_none()
            && integrations.is_empty()
            && pairs.is_empty()
            && exclude.is_empty()
    }
}

impl Filter {
    /// Whether a category is meant.
    #[must_use]
    pub fn takes_category(&self, id: &str) -> bool {
        self.categories.is_empty() || any_means(&self.categories, id)
    }
}
