//! What is deployed, into the files: drift is edited where it is written, an integration without a file gets one. What would
//! be written comes back; writing it is for whoever saw it and agreed. The store is read and told nothing: an edit that is
//! thrown away leaves no trace, and one that is kept is noted by the next apply, as files and deployed settings agree.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::adopt::{self, Adopted, Manner, Rows};
use super::deployed;
use super::error::{Error, Result};
use super::host::Host;
use super::left::{Left, Why};
use super::plan;
use super::project::{self, Project};
use super::propose::{self, Destination, Edits, Note, Proposal, ProposedValue};
use super::request::Request;
use super::workspace::Workspace;
use crate::model::{SettingPath, Value};
use crate::plan::{Change, Origin};

/// What is to be taken in.
#[derive(Debug, Clone, Default)]
pub struct PullRequest {
    /// Integrations; all that have files when none is named. One that has no file is adopted, with the pair that the
    /// request's filter names.
    pub integrations: Vec<String>,
    /// A folder with a file per category for one that is adopted, in place of one file.
    pub split: bool,
    pub destination: Destination,
    /// Also settings that were changed in the files too.
    pub conflicts: bool,
}

/// Finds what was changed outside, and how the files would say it; writes nothing.
///
/// # Errors
/// When the store cannot be read, a name or filter is not known, or the files cannot be edited safely.
pub fn propose_pull(
    workspace: &Workspace,
    request: &Request,
    pull: &PullRequest,
    host: &Host<'_>,
) -> Result<Edits> {
    let own = propose::own_files(workspace.sources());
    let (known, new): (Vec<String>, Vec<String>) =
        pull.integrations.iter().cloned().partition(|name| own.contains_key(name));
    let mut request = request.clone();
    // With one that has no file, a pair says what it is and selects nothing.
    let pairs = if new.is_empty() { Vec::new() } else { std::mem::take(&mut request.filter.pairs) };
    request.filter.integrations.extend(known.iter().cloned());
    let mut project = project::open(workspace, &request, host)?;
    let (_, address) = project.store(&request, host)?;
    let Some(mut store) = host.store(&address)? else {
        return Err(Error::usage("nothing is deployed: there is no store yet"));
    };
    let deployed::Read { rows, .. } =
        deployed::read(store.as_mut(), &project.compilation.integrations, None)?;
    // What was applied once says its pair, until an apply of files without it forgets that.
    let recorded: BTreeMap<String, String> =
        store.said(Some(&new))?.into_iter().map(|said| (said.integration, said.pair)).collect();
    drop(store);
    let mut rows: Rows =
        rows.into_iter().map(|row| ((row.integration.clone(), row.category.clone()), row)).collect();
    let pair_of = |name: &String| match pairs.as_slice() {
        [] => recorded.get(name).cloned(),
        [named] => Some(named.clone()),
        _ => None,
    };
    for ((integration, category), row) in rows.iter_mut().filter(|((name, _), _)| new.contains(name)) {
        let pair = pair_of(integration).and_then(|id| project.compilation.catalogue.pair(&id));
        if let Some(schema) = pair.as_ref().and_then(|pair| pair.category(category)) {
            row.settings = schema.present(std::mem::take(&mut row.settings));
            row.applied = schema.present(std::mem::take(&mut row.applied));
        }
    }
    let hidden = std::mem::take(&mut project.compilation.hidden);
    let errors = project.errors();
    let mut edits = match new.is_empty() || !known.is_empty() {
        true => Edits::of(take_drift(&project, &rows, &request, pull, host)?, hidden, errors),
        false => Edits { hidden, errors, ..Edits::default() },
    };
    for name in &new {
        let pair = pair_of(name);
        let manner = Manner { pair: pair.as_deref(), filter: &request.filter, split: pull.split };
        let Adopted { files, mut taken, mut left, findings } =
            adopt::adopt(&project, name, &rows, &manner, &edits.files)?;
        edits.files.extend(files);
        edits.taken.append(&mut taken);
        edits.left.append(&mut left);
        if findings > 0 {
            edits.notes.push(Note::Findings { integration: name.clone(), number: findings });
        }
    }
    Ok(edits)
}

/// Takes in what was changed outside.
fn take_drift(
    project: &Project<'_>,
    rows: &Rows,
    request: &Request,
    pull: &PullRequest,
    host: &Host<'_>,
) -> Result<Proposal> {
    let (mut wanted, mut left) = (Vec::new(), Vec::new());
    plan::make(project, request, host)?.integrations.for_each(&mut |planned| {
        for category in &planned.categories {
            let row = rows.get(&(planned.integration.clone(), category.category.to_string()));
            for change in &category.changes {
                let path = SettingPath::parse(&change.setting);
                let value = path.as_ref().and_then(|path| row?.settings.get(path)).cloned();
                match (why_left(change, value.as_ref(), pull), path) {
                    (Some(why), _) => left.push(Left {
                        integration: planned.integration.clone(),
                        setting: format!("{}.{}", category.category, change.setting),
                        why,
                    }),
                    (None, Some(path)) if change.origin != Origin::Git => wanted.push(ProposedValue {
                        integration: planned.integration.clone(),
                        category: category.category.clone(),
                        path,
                        value,
                    }),
                    _ => {}
                }
            }
        }
    });
    let mut proposal = propose::propose(project, wanted, pull.destination)?;
    proposal.left.splice(0..0, left);
    Ok(proposal)
}

/// Why a setting that was changed outside is not taken.
fn why_left(change: &Change, deployed: Option<&Value>, pull: &PullRequest) -> Option<Why> {
    match change.origin {
        Origin::Git => None,
        Origin::Both if !pull.conflicts => Some(Why::ChangedInFiles),
        _ if is_same_reference(change, deployed) => Some(Why::SecretRotated),
        _ => None,
    }
}

fn is_same_reference(change: &Change, deployed: Option<&Value>) -> bool {
    let Some(Value::Secret(deployed)) = deployed else { return false };
    change.after.get("secret").and_then(Json::as_str) == Some(deployed.reference.as_str())
}
