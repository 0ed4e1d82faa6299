//! Propose a change: the smallest edit of the files that makes settings so, shown with the plan that it would give before anybody
//! agrees, and then a commit on a branch of its own, which is pushed to where the server was told from outside. The working tree
//! stays as it is, no branch that is there is moved, and each proposal stands on HEAD, so that none takes another one away.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::Serialize;
use serde_json::{Value as Json, json};

use super::access::Access;
use super::ground::Ground;
use super::known::Known;
use super::proposals::{self, Proposal};
use super::refusals::{self, NotSaved};
use super::wish::{Base, Wish, Wished, base_of, files_of, proposed, wished};
use crate::diagnostic::Severity;
use crate::diagnostic::placed::PlacedFinding;
use crate::ops::branch::{NewBranch, commit_on_branch};
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::files::{FileDiff, diffs};
use crate::ops::forge::{Api, Fate, Forge, PullRequest};
use crate::ops::host::Host;
use crate::ops::load::Purpose;
use crate::ops::names::random_name;
use crate::ops::plan::plan;
use crate::ops::project;
use crate::ops::propose::{self, Destination};
use crate::ops::request::{Filter, Request, SecretsAsked};
use crate::ops::workspace::{Files, Workspace};
use crate::plan::{Mode, Plan, Refusal};
use crate::source::git::{PushError, Remote};
use crate::store::{Note, Proposed, Store};

/// Pushing takes no longer.
const PATIENCE: Duration = Duration::from_secs(60);
/// What branches of proposals begin with: no other branch can be named, whatever it would set off.
const BRANCHES: &str = "pairform/";
/// In bytes.
const LONGEST_BRANCH: usize = 120;
const LONGEST_WHY: usize = 4000;

/// Where proposals go, as it was said from outside.
#[derive(Debug, Clone, Default)]
pub struct Proposing {
    /// Branches are pushed there; none: they stay in the repository beside the server.
    pub remote: Option<Remote>,
    pub forge: Option<Forge>,
    /// The branch that they are to be merged into; none: the one that the repository is on.
    pub onto: Option<String>,
    /// Opens pull requests.
    pub api: Option<Api>,
}

/// A proposal that is asked for.
#[derive(Debug, Clone)]
pub struct Asked<'a> {
    pub wish: Wish,
    pub destination: Destination,
    /// Becomes the message of the commit.
    pub why: &'a str,
    /// None: one is chosen.
    pub branch: Option<&'a str>,
    /// The commit on which it was previewed; another one by now is told.
    pub seen: Option<&'a str>,
    /// What plans are made of: the environment and its store.
    pub request: &'a Request,
}

/// What would come of a proposal.
#[derive(Debug, Clone, Serialize)]
pub struct Preview {
    pub integration: String,
    pub commit: String,
    /// `base` or `here`
    #[serde(rename = "where")]
    pub place: &'static str,
    pub settings: Vec<SettingPreview>,
    /// The file that sets it for others too; absent where the integration's own files do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<BasePreview>,
    #[serde(serialize_with = "diffs_as_json")]
    pub files: Vec<FileDiff>,
    pub plan: PlanPreview,
    pub branch: String,
    pub message: String,
    pub author: String,
    /// Proposals that are open and edit the same files.
    pub beside: Vec<Proposal>,
}

#[derive(Debug, Clone, Serialize)]
pub struct SettingPreview {
    pub category: String,
    pub title: String,
    pub setting: String,
    /// What the files say now and would say; null for nothing.
    pub before: Json,
    pub after: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub changed_at: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct BasePreview {
    pub path: String,
    pub line: usize,
    /// How many integrations read it.
    pub used_by: usize,
    /// Those of them that would not change, where it is edited; as far as whoever asks may see them.
    pub unchanged: Vec<String>,
}

/// What an apply of it would do that one of what the files say now would not.
#[derive(Debug, Clone, Default, Serialize)]
pub struct PlanPreview {
    pub changes: Vec<PlannedChange>,
    pub integrations: Vec<PlannedIntegration>,
    /// Whose review it needs.
    pub owners: Vec<String>,
    pub refusals: Vec<Refusal>,
    pub findings: Vec<PlacedFinding>,
}

#[derive(Debug, Clone, Serialize)]
pub struct PlannedIntegration {
    pub integration: String,
    pub mode: Mode,
}

#[derive(Debug, Clone, Serialize)]
pub struct PlannedChange {
    pub integrations: Vec<String>,
    pub category: String,
    pub title: String,
    pub setting: String,
    pub before: Json,
    pub after: Json,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub before_label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after_label: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_sync: Option<String>,
}

fn diffs_as_json<S: serde::Serializer>(diffs: &[FileDiff], to: S) -> Result<S::Ok, S::Error> {
    let one = |diff: &FileDiff| json!({"path": diff.path, "created": diff.created, "diff": diff.text});
    diffs.iter().map(one).collect::<Json>().serialize(to)
}

/// What was edited, before anything is committed.
struct Drafted {
    preview: Preview,
    files: Files,
    wished: Vec<Wished>,
    also: Vec<String>,
}

/// What would come of it.
///
/// # Errors
/// When whoever asks may not, a value is not one, the files cannot be edited so, or there is no repository.
pub fn preview(
    asked: &Asked<'_>,
    known: &Known,
    access: &Access,
    ground: &Ground,
    store: &mut (dyn Store + 'static),
    host: &Host<'_>,
) -> Result<Preview, NotSaved> {
    draft(asked, known, access, ground, store, host).map(|drafted| drafted.preview)
}

/// Commits what is asked for on a branch of its own, in the name of whoever asks, and pushes it; the proposal, as it is kept.
///
/// # Errors
/// As [`preview`]; and when git refuses, or takes too long. Then nothing is kept, and no branch is left.
pub fn propose(
    asked: &Asked<'_>,
    proposing: &Proposing,
    known: &Known,
    access: &Access,
    ground: &Ground,
    store: &mut (dyn Store + 'static),
    host: &Host<'_>,
) -> Result<Proposal, NotSaved> {
    let drafted = draft(asked, known, access, ground, store, host);
    let drafted = refusals::kept(drafted, &format!("a proposal for {}", known.id()), access, store, host);
    let Drafted { preview, files, wished, also } = drafted?;
    let (workspace, _) = files_of(known, ground)?;
    if let Some(seen) = asked.seen.filter(|seen| *seen != preview.commit) {
        let why = format!(
            "the files moved on since you looked, from {} to {}",
            short(seen),
            short(&preview.commit)
        );
        return Err(Error::new(ErrorKind::Stale, why).help("look at the preview once more").into());
    }
    let (history, head) = workspace.history().map_err(Error::from)?;
    if head.commit.id != preview.commit {
        let why = "the files moved on this very moment";
        return Err(Error::new(ErrorKind::Stale, why).help("try again").into());
    }
    let id = random_name()?;
    let actor = |_: &std::path::Path| access.name.clone();
    let author = author_of(&wished);
    let new = NewBranch { name: &preview.branch, message: &preview.message, author: author.as_deref() };
    let commit = commit_on_branch(workspace, &files, new, &Host { actor: &actor, ..*host })?;
    if let Some(remote) = &proposing.remote
        && let Err(error) = history.push(&commit, &preview.branch, remote, PATIENCE)
    {
        // A branch that nobody sees would only stand in the way of the next try.
        let _ = history.take_back(&preview.branch, &commit);
        return Err(failed(error).into());
    }
    let onto = proposing.onto.clone().or_else(|| history.head_branch()).unwrap_or_else(|| "main".to_owned());
    let title = preview.message.lines().next().unwrap_or_default().to_owned();
    let request = PullRequest { branch: &preview.branch, onto: &onto, title: &title, body: &preview.message };
    let forge = proposing.forge.as_ref().filter(|_| proposing.remote.is_some());
    let opened = forge.zip(proposing.api.as_ref()).map(|(forge, api)| forge.open(api, &request, host));
    let (is_opened, failure) = match &opened {
        Some(Ok(_)) => (true, None),
        Some(Err(error)) => (false, Some(error.message.clone())),
        None => (false, None),
    };
    let link = opened.and_then(Result::ok).or_else(|| forge.map(|forge| forge.link(&request)));
    let settings: Vec<Json> = preview
        .settings
        .iter()
        .map(|one| json!({"category": one.category, "setting": one.setting, "before": one.before, "after": one.after}))
        .collect();
    let paths: Vec<&String> = files.keys().collect();
    let mut document = json!({
        "kind": asked.wish.kind(), "where": preview.place, "settings": settings, "files": paths, "message": preview.message,
        "author": author.as_deref().unwrap_or(&access.name), "onto": onto, "also": also,
        "is_pushed": proposing.remote.is_some(), "is_opened": is_opened,
    });
    if let Some(failure) = failure {
        document["not_opened"] = failure.into();
    }
    if proposing.remote.is_none() {
        document["command"] = format!("git push origin {}", preview.branch).into();
    }
    let kept = Proposed {
        id,
        integration: known.id().to_owned(),
        branch: preview.branch,
        commit,
        base: preview.commit,
        document: document.to_string(),
        state: "open".to_owned(),
        link,
        made_by: access.name.clone(),
        made_at: host.stamp(),
        ended_by: None,
        ended_at: None,
    };
    store.keep_proposal(&kept)?;
    let names: Vec<String> = wished.iter().map(|one| format!("{}.{}", one.category, one.path)).collect();
    let commit = short(&kept.commit);
    let text = format!("{}: {} on the branch {} ({commit})", known.id(), names.join(", "), kept.branch);
    let (at, by) = (kept.made_at.clone(), access.name.clone());
    store.note(&Note { at, by, kind: "proposal".to_owned(), text, run: None })?;
    Ok(Proposal::of(&kept))
}

fn short(commit: &str) -> &str {
    commit.get(..8).unwrap_or(commit)
}

fn failed(error: PushError) -> Error {
    let message = error.to_string();
    match error {
        PushError::Exists(_) => Error::new(ErrorKind::Stale, message).help("name another branch"),
        PushError::NoGit(_) => Error::new(ErrorKind::Internal, message),
        PushError::TooSlow(_) | PushError::Failed(_) => Error::new(ErrorKind::Unreachable, message),
    }
}

/// Whoever changed what is taken, where that was one.
fn author_of(wished: &[Wished]) -> Option<String> {
    let mut names: BTreeSet<&String> = BTreeSet::new();
    for one in wished {
        names.insert(&one.changed.as_ref()?.0);
    }
    if names.len() == 1 { names.pop_first().cloned() } else { None }
}

fn draft(
    asked: &Asked<'_>,
    known: &Known,
    access: &Access,
    ground: &Ground,
    store: &mut (dyn Store + 'static),
    host: &Host<'_>,
) -> Result<Drafted, NotSaved> {
    let (workspace, says) = files_of(known, ground)?;
    let wished = wished(&asked.wish, known, says, access, ground, store, host)?;
    let base = base_of(workspace, known, says, &wished, ground);
    let destination = match base {
        Some(_) => asked.destination,
        None => Destination::OwnFiles,
    };
    let request = Request {
        filter: Filter { integrations: vec![known.id().to_owned()], ..Filter::default() },
        secrets: SecretsAsked { assume: true, ..SecretsAsked::default() },
        ..asked.request.clone()
    };
    let project = project::open(workspace, &request, host)?;
    let proposal = propose::propose(&project, proposed(known, &wished), destination)?;
    if let Some(left) = proposal.left.first() {
        let why = format!("{} cannot be written in the files: {}", left.setting, left.why);
        return Err(Error::new(ErrorKind::Refused, why).into());
    }
    if proposal.files.is_empty() {
        return Err(Error::usage("the files say this already, so there is nothing to propose").into());
    }
    // Of others it may be asked by whoever may save them.
    let category = asked.wish.category();
    if let Some(other) = proposal.others.iter().find(|other| !access.saves(other, category)) {
        let seen = if access.reads(other) { format!("`{category}` of {other}") } else { "others".to_owned() };
        let why =
            format!("{} may not propose a change of {seen}, which takes it from the same file", access.name);
        return Err(NotSaved::Forbidden(why));
    }
    let files = proposal.files;
    let also: Vec<String> = proposal.others.into_iter().collect();
    let mut names = also.clone();
    names.push(known.id().to_owned());
    let plan = planned(workspace, &files, &names, &request, host)?;
    let settings: Vec<SettingPreview> = wished.iter().map(|one| shown(one, known)).collect();
    let place = if destination == Destination::WhereSet { "base" } else { "here" };
    let base = base.map(|Base { path, line, used_by }| BasePreview {
        unchanged: used_by
            .iter()
            .filter(|name| !names.contains(name) && access.reads(name))
            .cloned()
            .collect(),
        used_by: used_by.len(),
        path,
        line,
    });
    let beside = proposals::open_beside(files.keys(), store, access)?;
    let commit = workspace.head().unwrap_or_default();
    Ok(Drafted {
        preview: Preview {
            integration: known.id().to_owned(),
            commit,
            place,
            base,
            files: diffs(workspace, &project.compilation.hidden, &files),
            plan,
            branch: branch_of(asked.branch, known, &wished)?,
            message: message_of(asked.why, known, &settings)?,
            author: author_of(&wished).unwrap_or_else(|| access.name.clone()),
            settings,
            beside,
        },
        files,
        wished,
        also,
    })
}

fn shown(one: &Wished, known: &Known) -> SettingPreview {
    let category = known.pair.category(&one.category);
    let value = |value: Option<&crate::model::Value>| value.map_or(Json::Null, propose::plain);
    let (changed_by, changed_at) = one.changed.clone().unzip();
    SettingPreview {
        category: one.category.to_string(),
        title: category.map(|category| category.title.to_string()).unwrap_or_default(),
        setting: one.path.to_string(),
        before: value(one.before.as_ref()),
        after: value(one.after.as_ref()),
        changed_by,
        changed_at,
    }
}

/// Whether a branch of a proposal may be called so.
#[must_use]
pub fn is_branch(name: &str) -> bool {
    let rest = name.strip_prefix(BRANCHES).unwrap_or_default();
    !rest.is_empty()
        && name.len() <= LONGEST_BRANCH
        && rest.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"._-/".contains(&byte))
}

/// A branch's name: as it was asked for, else by what changes and something that nobody else has.
fn branch_of(asked: Option<&str>, known: &Known, wished: &[Wished]) -> Result<String> {
    let Some(name) = asked.map(str::trim).filter(|name| !name.is_empty()) else {
        let what = wished.first().map(|one| one.path.to_string()).unwrap_or_default();
        let words: String = format!("{}-{what}", known.id())
            .chars()
            .map(|c| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' })
            .take(60)
            .collect();
        let words: Vec<&str> = words.split('-').filter(|word| !word.is_empty()).collect();
        let random = random_name()?;
        return Ok(format!("{BRANCHES}{}-{}", words.join("-"), random.get(..6).unwrap_or(&random)));
    };
    if is_branch(name) {
        return Ok(name.to_owned());
    }
    let why = format!(
        "a branch of a proposal is called {BRANCHES} and then letters, digits, `.`, `_`, `-` and `/`"
    );
    Err(Error::usage(why).help("name another branch"))
}

/// What the commit says: why, then what.
fn message_of(why: &str, known: &Known, settings: &[SettingPreview]) -> Result<String> {
    if why.len() > LONGEST_WHY || why.chars().any(|c| c.is_control() && c != '\n' && c != '\r' && c != '\t') {
        return Err(Error::usage(format!("the reason takes at most {LONGEST_WHY} bytes of text")));
    }
    let value = |value: &Json| match value {
        Json::Null => "not set".to_owned(),
        Json::String(text) if text.chars().count() <= 80 && !text.contains('\n') => text.clone(),
        Json::Number(_) | Json::Bool(_) => value.to_string(),
        _ => "another value".to_owned(),
    };
    let said = settings.iter().map(|one| {
        let by = match (&one.changed_by, &one.changed_at) {
            (Some(by), Some(at)) => format!(" (changed outside by {by}, {at})"),
            _ => String::new(),
        };
        format!(
            "{}.{}: {} becomes {}{by}\n",
            one.category,
            one.setting,
            value(&one.before),
            value(&one.after)
        )
    });
    let said: String = said.collect();
    let first = match settings {
        [one] => format!("Change {}.{} of {}", one.category, one.setting, known.id()),
        _ => format!("Change {} settings of {}", settings.len(), known.id()),
    };
    let why = why.replace('\r', "");
    let why = why.trim();
    Ok(if why.is_empty() { format!("{first}\n\n{said}") } else { format!("{why}\n\n{}: {said}", known.id()) })
}

/// What an apply would do that it would not do now.
fn planned(
    workspace: &Workspace,
    files: &Files,
    names: &[String],
    request: &Request,
    host: &Host<'_>,
) -> Result<PlanPreview> {
    let filter = Filter { integrations: names.to_vec(), ..Filter::default() };
    let request = Request { filter, ..request.clone() };
    let made =
        |workspace: &Workspace| -> Result<Plan> { Ok(plan(workspace, &request, host, Purpose::Look)?.plan) };
    let (before, after) = (made(workspace)?, made(&workspace.overlay(files))?);
    type Key = (String, String, String);
    let mut known: BTreeMap<Key, Json> = BTreeMap::new();
    before.integrations.for_each(&mut |integration| {
        for category in &integration.categories {
            for change in &category.changes {
                let key =
                    (integration.integration.clone(), category.category.to_string(), change.setting.clone());
                known.insert(key, change.after.clone());
            }
        }
    });
    let mut preview = PlanPreview::default();
    let mut owners = BTreeSet::new();
    let mut all: Vec<PlannedChange> = Vec::new();
    after.integrations.for_each(&mut |integration| {
        let mut is_changed = false;
        for category in &integration.categories {
            for change in &category.changes {
                let key =
                    (integration.integration.clone(), category.category.to_string(), change.setting.clone());
                if known.get(&key) == Some(&change.after) {
                    continue;
                }
                is_changed = true;
                owners.extend(category.owners.iter().cloned());
                let same = all.iter_mut().find(|one| {
                    (&*one.category, &one.setting, &one.before, &one.after)
                        == (category.category.as_str(), &change.setting, &change.before, &change.after)
                });
                match same {
                    Some(one) => one.integrations.push(integration.integration.clone()),
                    None => all.push(PlannedChange {
                        integrations: vec![integration.integration.clone()],
                        category: category.category.to_string(),
                        title: category.title.to_string(),
                        setting: change.setting.clone(),
                        before: change.before.clone(),
                        after: change.after.clone(),
                        before_label: change.before_label.clone(),
                        after_label: change.after_label.clone(),
                        next_sync: category.next_sync.clone(),
                    }),
                }
            }
        }
        if is_changed {
            let mode = integration.deployed_mode.unwrap_or(integration.mode);
            preview
                .integrations
                .push(PlannedIntegration { integration: integration.integration.clone(), mode });
        }
    });
    preview.changes = all;
    preview.owners = owners.into_iter().collect();
    preview.refusals = after.refusals.into_iter().filter(|one| !before.refusals.contains(one)).collect();
    let is_new = |one: &PlacedFinding| {
        let mut known = before.findings.iter();
        one.severity <= Severity::Warning
            && !known.any(|other| (&other.code, &other.message) == (&one.code, &one.message))
    };
    preview.findings = after.findings.into_iter().filter(is_new).collect();
    Ok(preview)
}

/// Asks the forge what became of the pull requests that it opened for an integration, and notes those that were merged or closed.
///
/// # Errors
/// When the store cannot be read or written. A forge that does not answer is asked another time.
pub fn ask_forge(id: &str, proposing: &Proposing, store: &mut dyn Store, host: &Host<'_>) -> Result<()> {
    let Some((forge, api)) = proposing.forge.as_ref().zip(proposing.api.as_ref()) else { return Ok(()) };
    for kept in store.proposals(Some(id))?.iter().filter(|kept| kept.state == "open") {
        let is_opened = Proposal::of(kept).document.get("is_opened") == Some(&Json::Bool(true));
        let Some(link) = kept.link.as_deref().filter(|_| is_opened) else { continue };
        let state = match forge.fate(api, link, host) {
            Ok(Fate::Merged) => "merged",
            Ok(Fate::Closed) => "closed",
            Ok(Fate::Open) | Err(_) => continue,
        };
        store.end_proposal(&kept.id, state, &host.stamp(), FORGE)?;
    }
    Ok(())
}

/// Who ended what was ended at the forge.
const FORGE: &str = "the forge";
