//! What was proposed for an integration, as the store keeps it: shown until what it asks for has arrived in what git says, or
//! somebody closes it. Nothing is proposed here, and no branch is touched.

use serde::Serialize;
use serde_json::Value as Json;

use super::access::Access;
use super::ground::Ground;
use super::known::Known;
use super::refusals::keep_forbidden;
use crate::model::{SettingPath, Value};
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::host::Host;
use crate::ops::propose::plain;
use crate::store::{Note, Proposed, Store};

/// A proposal.
#[derive(Debug, Clone, Serialize)]
pub struct Proposal {
    pub id: String,
    pub integration: String,
    /// `open`, `merged` or `closed`
    pub state: String,
    pub branch: String,
    pub commit: String,
    /// The commit that it stands on.
    pub base: String,
    /// Where it is merged; null where no forge is known.
    pub link: Option<String>,
    pub made_by: String,
    pub made_at: String,
    pub ended_by: Option<String>,
    pub ended_at: Option<String>,
    /// What is asked for: `kind`, `where`, `settings`, `files`, `message`, `author` and what became of the push.
    #[serde(flatten)]
    pub document: serde_json::Map<String, Json>,
}

impl Proposal {
    #[must_use]
    pub fn of(kept: &Proposed) -> Self {
        let document = match serde_json::from_str(&kept.document) {
            Ok(Json::Object(document)) => document,
            _ => serde_json::Map::new(),
        };
        Proposal {
            id: kept.id.clone(),
            integration: kept.integration.clone(),
            state: kept.state.clone(),
            branch: kept.branch.clone(),
            commit: kept.commit.clone(),
            base: kept.base.clone(),
            link: kept.link.clone(),
            made_by: kept.made_by.clone(),
            made_at: kept.made_at.clone(),
            ended_by: kept.ended_by.clone(),
            ended_at: kept.ended_at.clone(),
            document,
        }
    }

    #[must_use]
    pub fn is_open(&self) -> bool {
        self.state == "open"
    }

    /// The settings that are asked for: category, setting and value.
    pub fn settings(&self) -> impl Iterator<Item = (&str, &str, &Json)> {
        let settings = self.document.get("settings").and_then(Json::as_array).into_iter().flatten();
        settings
            .filter_map(|one| Some((one["category"].as_str()?, one["setting"].as_str()?, one.get("after")?)))
    }

    fn files(&self) -> impl Iterator<Item = &str> {
        let files = self.document.get("files").and_then(Json::as_array).into_iter().flatten();
        files.filter_map(Json::as_str)
    }
}

/// All that was proposed for an integration, the newest first, as far as somebody may see it. What has arrived in what git says is merged from now on.
///
/// # Errors
/// When the store cannot be read or written.
pub fn proposals(
    known: &Known,
    access: &Access,
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<Vec<Proposal>> {
    let mut found: Vec<Proposal> = store.proposals(Some(known.id()))?.iter().map(Proposal::of).collect();
    let head = ground.repository().and_then(|workspace| workspace.history().ok());
    for also in found.iter_mut().filter_map(|proposal| proposal.document.get_mut("also")?.as_array_mut()) {
        also.retain(|name| name.as_str().is_some_and(|name| access.reads(name)));
    }
    for proposal in found.iter_mut().filter(|proposal| proposal.is_open()) {
        let includes = head.as_ref().is_some_and(|(history, head)| history.includes(head, &proposal.commit));
        if !includes && !says(known, proposal) {
            continue;
        }
        let at = host.stamp();
        // One that only shows tells it all the same, and leaves it to another to note.
        let _ = store.end_proposal(&proposal.id, "merged", &at, "git");
        "merged".clone_into(&mut proposal.state);
        proposal.ended_at = Some(at);
        proposal.ended_by = Some("git".to_owned());
    }
    Ok(found)
}

/// Open proposals that were made for other integrations and change this one too, as it takes what they edit from the same file. Which
/// integration one was made for is left out where somebody may not see that.
///
/// # Errors
/// When the store cannot be read.
pub fn reaching(
    known: &Known,
    access: &Access,
    ground: &Ground,
    store: &mut dyn Store,
) -> Result<Vec<Proposal>> {
    let head = ground.repository().and_then(|workspace| workspace.history().ok());
    let is_merged = |proposal: &Proposal| {
        head.as_ref().is_some_and(|(history, head)| history.includes(head, &proposal.commit))
            || says(known, proposal)
    };
    let mut found: Vec<Proposal> = Vec::new();
    for kept in store.proposals(None)? {
        let mut proposal = Proposal::of(&kept);
        let also = proposal.document.get("also").and_then(Json::as_array);
        let reaches = also.is_some_and(|also| also.iter().any(|name| name == known.id()));
        if !proposal.is_open() || proposal.integration == known.id() || !reaches || is_merged(&proposal) {
            continue;
        }
        if !access.reads(&proposal.integration) {
            proposal.integration.clear();
        }
        found.push(proposal);
    }
    Ok(found)
}

/// Whether the files say all that was asked for: what was squashed or typed anew has another commit.
fn says(known: &Known, proposal: &Proposal) -> bool {
    let Some(says) = known.says.as_deref().filter(|says| !says.is_broken) else { return false };
    let mut settings = proposal.settings().peekable();
    settings.peek().is_some()
        && settings.all(|(category, setting, after)| {
            let path = SettingPath::parse(setting);
            let said = path.and_then(|path| says.categories.get(category)?.get(&path));
            let said = said.filter(|value| **value != Value::Null).map_or(Json::Null, plain);
            said == *after
        })
}

/// The open proposals that edit some of these files, of integrations that somebody may see.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn open_beside<'a>(
    files: impl Iterator<Item = &'a String> + Clone,
    store: &mut dyn Store,
    access: &Access,
) -> Result<Vec<Proposal>> {
    let all = store.proposals(None)?;
    let open = all.iter().filter(|kept| kept.state == "open" && access.reads(&kept.integration));
    let touches = |proposal: &Proposal| {
        let mut theirs = proposal.files();
        theirs.any(|path| files.clone().any(|file| file == path))
    };
    Ok(open.map(Proposal::of).filter(touches).collect())
}

/// Closes a proposal: it is not shown at its settings any more. Its branch stays where it is.
///
/// # Errors
/// When whoever asks may not, or there is no such open proposal.
pub fn close(
    known: &Known,
    id: &str,
    access: &Access,
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<Proposal> {
    let all = proposals(known, access, ground, store, host)?;
    let found = all.into_iter().find(|proposal| proposal.id == id);
    let mut found =
        found.ok_or_else(|| Error::new(ErrorKind::Absent, format!("there is no proposal `{id}`")))?;
    let may = found.made_by == access.name
        || found.settings().all(|(category, _, _)| access.saves(known.id(), category));
    if !may {
        let why = format!("{} may not close what {} proposed", access.name, found.made_by);
        keep_forbidden(&why, &format!("closing a proposal of {}", known.id()), access, store, host);
        return Err(Error::new(ErrorKind::NotAllowed, why));
    }
    let at = host.stamp();
    if !found.is_open() || !store.end_proposal(id, "closed", &at, &access.name)? {
        let why = format!("the proposal is {} already", found.state);
        return Err(Error::new(ErrorKind::Stale, why));
    }
    let text = format!("{}: closed the proposal on the branch {}", known.id(), found.branch);
    let by = access.name.clone();
    store.note(&Note { at: at.clone(), by: by.clone(), kind: "proposal".to_owned(), text, run: None })?;
    "closed".clone_into(&mut found.state);
    found.ended_at = Some(at);
    found.ended_by = Some(by);
    Ok(found)
}
