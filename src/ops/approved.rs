//! What an approved branch names, and with that all that a project reaches out to. Asks nobody, and sends nothing.

use std::collections::BTreeSet;

use super::error::{Error, Result};
use super::host::{Host, Whose};
use super::needs::{Connectors, named_by_integration, named_by_manifest};
use super::options;
use super::project::Project;
use super::request::Request;
use super::workspace::Workspace;
use crate::compile::Whole;
use crate::source::git::{History, Revision};
use crate::trust::{Line, Need};

/// Learns what the tips of approved branches name, once for each tip. Why one could not be read, which is said once.
#[must_use]
pub fn learn_approved(whose: Whose<'_>, host: &Host<'_>) -> Vec<String> {
    let mut unread = Vec::new();
    for name in host.trust.approved() {
        if let Err(error) = learn(name, whose, host) {
            if !host.trust.is_unread(name, whose.environment) {
                unread.push(format!("what {name} allows is not known: {}", error.message));
            }
            host.trust.learn(name, whose.environment, None, BTreeSet::new());
        }
    }
    unread
}

fn learn(name: &str, whose: Whose<'_>, host: &Host<'_>) -> Result<()> {
    let mut history = History::open(whose.root)?;
    history.require_own(name)?;
    let tip = history.tip(name)?;
    let commit = tip.commit.id.clone();
    if !host.trust.knows(name, whose.environment, &commit) {
        let needs = named_at(name, tip, &mut history, whose, host)?;
        host.trust.learn(name, whose.environment, Some(&commit), needs);
    }
    Ok(())
}

/// What the tip of a branch names.
fn named_at(
    name: &str,
    tip: Revision,
    history: &mut History,
    whose: Whose<'_>,
    host: &Host<'_>,
) -> Result<BTreeSet<Need>> {
    history.find_project(&tip)?;
    let workspace = Workspace::of_revision(whose.root.to_owned(), history.load(&tip)?, name, tip.commit);
    let declared = workspace.declared();
    let environment = whose.environment.filter(|name| declared.environments.contains_key(*name));
    let request = Request { environment: environment.map(str::to_owned), ..Request::default() };
    let project = options::open(&workspace, &request, host)?;
    Ok(named_by(&project))
}

/// All that a project reaches out to.
fn named_by(project: &Project<'_, Whole>) -> BTreeSet<Need> {
    let (compilation, root) = (&project.compilation, project.workspace.root());
    let mut of = Connectors::of(&compilation.catalogue);
    let mut needs = named_by_manifest(&compilation.project, root);
    for whole in &compilation.integrations {
        needs.extend(named_by_integration(whole, &mut of, &compilation.project, root));
    }
    needs
}

/// Something that the files reach out to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reached {
    /// The line that allows it, or would.
    pub line: Line,
    /// By what it is allowed; none where it is not.
    pub by: Option<String>,
}

/// All that a project reaches out to and that is not allowed without a line. Nobody is asked.
///
/// # Errors
/// When the request names what does not exist.
pub fn reached(workspace: &Workspace, request: &Request, host: &Host<'_>) -> Result<Vec<Reached>> {
    let project = options::open(workspace, request, host)?;
    let needs = named_by(&project);
    let unread =
        learn_approved(Whose { root: workspace.root(), environment: request.environment.as_deref() }, host);
    if let Some(why) = unread.into_iter().next() {
        return Err(Error::usage(why));
    }
    let needs = needs.into_iter().filter(|need| !host.trust.is_free(need));
    Ok(needs
        .map(|need| {
            let by_line = host.trust.grant_for(&need).map(|grant| grant.from.to_string());
            let by_branch = || host.trust.judge(&need).is_ok().then(|| "an approved branch".to_owned());
            Reached { line: Line::of(&need), by: by_line.or_else(by_branch) }
        })
        .collect())
}
