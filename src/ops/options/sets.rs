//! Which option sets are meant, and the project as their operations need it. Nothing is asked of a platform here.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::compile::{Compilation, Judged, Whole};
use crate::ops::error::{Result, require_known};
use crate::ops::host::Host;
use crate::ops::project::{self, Project};
use crate::ops::request::Request;
use crate::ops::workspace::Workspace;
use crate::options::fetch::wanted::Use;

/// Which option sets are meant; an empty list means all.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sets {
    pub connectors: Vec<String>,
    pub sets: Vec<String>,
}

impl Sets {
    /// No set is left out.
    #[must_use]
    pub fn is_all(&self) -> bool {
        self.connectors.is_empty() && self.sets.is_empty()
    }

    /// Whether a set of a connector is meant.
    #[must_use]
    pub fn takes(&self, connector: &str, set: &str) -> bool {
        let is_meant = |list: &[String], name: &str| list.is_empty() || list.iter().any(|one| one == name);
        is_meant(&self.connectors, connector) && is_meant(&self.sets, set)
    }

    /// Proves that what is named exists.
    ///
    /// # Errors
    /// When it does not.
    pub(super) fn require_known<T>(&self, compilation: &Compilation<T>) -> Result<()> {
        let connectors = compilation.catalogue.names("connectors");
        let names: Vec<&str> = connectors.iter().map(String::as_str).collect();
        self.connectors.iter().try_for_each(|connector| require_known("connector", connector, &names))?;
        let part = |id: &String| compilation.catalogue.part(&format!("connectors/{id}.yaml"));
        let parts: Vec<Arc<Json>> = connectors.iter().filter_map(part).collect();
        let known: BTreeSet<&str> = parts
            .iter()
            .filter_map(|part| part.get("options")?.as_object())
            .flat_map(|options| options.keys().map(String::as_str))
            .collect();
        let known: Vec<&str> = known.into_iter().collect();
        self.sets.iter().try_for_each(|set| require_known("option set", set, &known))
    }
}

/// The project of which these operations are, with each integration's document, which tells the values in use.
///
/// # Errors
/// When the request names what does not exist.
pub fn open<'w>(workspace: &'w Workspace, request: &Request, host: &Host<'_>) -> Result<Project<'w, Whole>> {
    project::compile(workspace, workspace.selection(request, host)?, host, Judged::whole)
}

/// What values are fetched for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Purpose {
    /// The committed lists: what the files use. What came is kept below the project, so that it need not be fetched again.
    Files,
    /// The pages: all that can be chosen. Nothing is kept here.
    Pages,
}

/// An integration, as far as its dropdown values go.
pub(super) fn in_use(whole: &Whole, purpose: Purpose) -> Use<'_> {
    let compiled = &whole.compiled;
    Use {
        integration: &compiled.name,
        pair: &compiled.pair,
        document: &whole.document,
        required: compiled.required().map(|(category, path, _)| (category, path)).collect(),
        offered: match purpose {
            Purpose::Files => &[],
            Purpose::Pages => &compiled.visible,
        },
    }
}
