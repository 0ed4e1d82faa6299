//! What is deployed, into the files: drift is edited where it is written, an integration without a file gets one. What would
//! be written comes back; writing it is for whoever saw it and agreed. The store is read and told nothing: an edit that is
//! thrown away leaves no trace, and one that is kept is noted by the next apply, as files and deployed settings agree.

use serde_json::Value as Json;

use super::adopt::{self, Adopted, Manner, Rows};
use super::deployed;
use super::error::{Error, Result};
use super::host::Host;
use super::left::{Left, Why};
use super::plan;
use super::project::{self, Project};
use super::propose::{self, Destination, Proposal, ProposedValue};
use super::request::Request;
use super::workspace::{Files, Workspace};
use crate::model::{SettingPath, Value};
use crate::plan::{Change, Origin};
use crate::source::Span;

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

/// What would be written.
pub struct Pulled {
    pub files: Files,
    /// Places that hold a credential.
    pub hidden: Vec<Span>,
    pub taken: Vec<ProposedValue>,
    pub left: Vec<Left>,
    pub notes: Vec<Note>,
}

/// What somebody should know before agreeing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// These extend what is edited, and change too.
    OthersChange(Vec<String>),
    /// An integration that is adopted has so many findings.
    Findings { integration: String, number: usize },
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
) -> Result<Pulled> {
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
    drop(store);
    let mut rows: Rows =
        rows.into_iter().map(|row| ((row.integration.clone(), row.category.clone()), row)).collect();
    // What has no file has the pair that was named.
    let named = pairs.first().and_then(|id| project.compilation.catalogue.pair(id));
    for ((integration, category), row) in &mut rows {
        if let (true, Some(schema)) =
            (new.contains(integration), named.as_ref().and_then(|pair| pair.category(category)))
        {
            row.settings = schema.present(std::mem::take(&mut row.settings));
            row.applied = schema.present(std::mem::take(&mut row.applied));
        }
    }
    let mut pulled = Pulled {
        files: Files::new(),
        hidden: std::mem::take(&mut project.compilation.hidden),
        taken: Vec::new(),
        left: Vec::new(),
        notes: Vec::new(),
    };
    if new.is_empty() || !known.is_empty() {
        pulled.take_drift(&project, &rows, &request, pull, host)?;
    }
    let manner = Manner { pairs: &pairs, filter: &request.filter, split: pull.split };
    for name in &new {
        let adopted = adopt::adopt(&project, name, &rows, &manner, &pulled.files)?;
        pulled.take_adopted(name, adopted);
    }
    Ok(pulled)
}

impl Pulled {
    /// Takes in what was changed outside.
    fn take_drift(
        &mut self,
        project: &Project<'_>,
        rows: &Rows,
        request: &Request,
        pull: &PullRequest,
        host: &Host<'_>,
    ) -> Result<()> {
        let mut wanted = Vec::new();
        let left = &mut self.left;
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
        let Proposal { files, mut made, mut left, others } =
            propose::propose(project, wanted, pull.destination)?;
        self.files = files;
        self.taken.append(&mut made);
        self.left.append(&mut left);
        if !others.is_empty() {
            self.notes.push(Note::OthersChange(others.into_iter().collect()));
        }
        Ok(())
    }

    fn take_adopted(&mut self, name: &str, adopted: Adopted) {
        let Adopted { files, mut taken, mut left, findings } = adopted;
        self.files.extend(files);
        self.taken.append(&mut taken);
        self.left.append(&mut left);
        if findings > 0 {
            self.notes.push(Note::Findings { integration: name.to_owned(), number: findings });
        }
    }
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
