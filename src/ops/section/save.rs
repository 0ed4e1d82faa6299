//! The Save of one category: what a person moves is judged by the table of owners, by the schema of its pair, by the rules that an
//! apply is judged by, and by the revision that he saw; then it is saved, alone. Whole plans are `ops::apply`'s.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::access::{Access, Right, key_of};
use super::ground::{Ground, Judged};
use super::known::{Known, known, known_form};
use super::ownership::ownership;
use super::refusals::{self, Managed, NotSaved};
use super::stood::Stood;
use crate::diagnostic::codes::schema::REQUIRED_SETTING_UNSET;
use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::text::is_harmful;
use crate::diagnostic::{Finding, Severity};
use crate::model::{self, CONNECTORS, Secret, SettingPath, Settings, Value, digest_text};
use crate::ops::allowed;
use crate::ops::check::{self, EMPTY, Force};
use crate::ops::deployed;
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::holds::Holds;
use crate::ops::host::{Host, Whose};
use crate::ops::judged::{Judging, Record};
use crate::ops::load;
use crate::ops::needs::needs_of_saves;
use crate::ops::project::Project;
use crate::ops::workspace::Workspace;
use crate::plan::{self, Change, Current, DeployedState, Desired, Origin, Plan, Refusal, Scope};
use crate::schema::{Category, default_of};
use crate::secrets;
use crate::store::{Deployed, FORCE, Note, OVERRIDE, PERSON, Record as Past, Save, Saved, Store};

/// What a save says.
#[derive(Debug, Clone)]
pub enum Body {
    /// All settings of the category; what is left out is reset.
    Whole(Json),
    /// Settings that move, null for a reset; a merge patch (RFC 7396).
    Merge(Json),
    /// The settings that the category had at a revision.
    Revision(u64),
}

/// What must be deployed now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expected {
    Revision(u64),
    /// The category was never saved.
    Nothing,
    /// Whatever is deployed; for whoever only asks what a save would do.
    Anything,
}

/// A save that is asked for.
#[derive(Debug, Clone)]
pub struct SaveAsked<'a> {
    pub integration: &'a str,
    pub category: &'a str,
    pub body: Body,
    pub expected: Expected,
    /// Asked twice with one key it is done once.
    pub key: Option<&'a str>,
    /// Why settings that git owns are moved all the same.
    pub override_reason: Option<&'a str>,
    /// Checks that whoever saves was asked about, and why it is saved all the same.
    pub force: &'a [Force],
    /// Nothing is saved; it is only told what would be.
    pub is_trial: bool,
}

/// What was saved.
#[derive(Debug)]
pub struct SavedNow {
    pub known: Known,
    pub revision: u64,
    /// What moved; nothing where what was sent is deployed already, and no revision was made then.
    pub changes: Vec<Change>,
    /// Which sync takes the changes up.
    pub next_sync: Option<String>,
    /// Warnings and notes on the category as it is now.
    pub findings: Vec<PlacedFinding>,
    /// It was saved when it was asked for with this key before.
    pub is_repeated: bool,
}

/// How often it is judged anew, where what it rests on moved meanwhile.
const TRIES: usize = 3;

/// Saves a category.
///
/// # Errors
/// See [`NotSaved`]; nothing was saved then, but where the store says that it is in doubt.
pub fn save(
    asked: &SaveAsked<'_>,
    access: &Access,
    ground: &Ground,
    store: &mut (dyn Store + 'static),
    host: &Host<'_>,
) -> Result<SavedNow, NotSaved> {
    let done = judged_and_saved(asked, access, ground, store, host);
    if asked.is_trial {
        return done;
    }
    let what = format!("a save of `{}` of {}", asked.category, asked.integration);
    // Nobody makes up names to fill the store.
    if matches!(done, Err(NotSaved::Forbidden(_)))
        && known(asked.integration, ground, store, host)
            .and_then(|known| known.category(asked.category).map(drop))
            .is_err()
    {
        return done;
    }
    refusals::kept(done, &what, access, store, host)
}

fn judged_and_saved(
    asked: &SaveAsked<'_>,
    access: &Access,
    ground: &Ground,
    store: &mut (dyn Store + 'static),
    host: &Host<'_>,
) -> Result<SavedNow, NotSaved> {
    if !access.saves(asked.integration, asked.category) {
        let what = format!("{} may not save `{}` of {}", access.name, asked.category, asked.integration);
        return Err(NotSaved::Forbidden(what));
    }
    if asked.override_reason.is_some() && !access.has(Right::Override) {
        let what = format!("{} has no right to override what git owns", access.name);
        return Err(NotSaved::Forbidden(what));
    }
    if let Some(force) = asked.force.iter().find(|force| !may_lift(force.check(), access)) {
        let what = format!("{} has no right to lift the check {}", access.name, force.check());
        return Err(NotSaved::Forbidden(what));
    }
    if let [first, ..] = ground.errors() {
        return Err(NotSaved::Unjudged(format!("the files that judge have errors: {first}")));
    }
    let run = run_of(asked, access, host)?;
    for _ in 0..TRIES {
        let known = known(asked.integration, ground, store, host)?;
        if let Some(done) = done_before(asked, access, &run, store)? {
            return Ok(repeated(known, &done));
        }
        if known.says.as_ref().is_some_and(|says| says.is_broken) {
            let why =
                format!("the files of {} have errors, so that it is not known what git owns", known.id());
            return Err(NotSaved::Unjudged(why));
        }
        if let Some(saved) = attempt(asked, access, &run, known, ground, store, host)? {
            return Ok(saved);
        }
        let lock = store.locks()?.into_iter().find(|lock| lock.integration == asked.integration);
        if let Some(lock) = lock.filter(|lock| lock.expires_at > host.stamp()) {
            return Err(NotSaved::Locked(Box::new(lock)));
        }
    }
    let why = format!("{} is being saved by others; nothing was saved", asked.integration);
    Err(Error::new(ErrorKind::Locked, why).help("try again").into())
}

/// One try; nothing where what it rests on moved meanwhile.
fn attempt(
    asked: &SaveAsked<'_>,
    access: &Access,
    run: &str,
    known: Known,
    ground: &Ground,
    store: &mut (dyn Store + 'static),
    host: &Host<'_>,
) -> Result<Option<SavedNow>, NotSaved> {
    let id = known.id().to_owned();
    let category = known.category(asked.category)?.id.clone();
    let row = known.rows.get(asked.category);
    let revision = known.revision(asked.category);
    let is_as_seen = match asked.expected {
        Expected::Revision(seen) => seen == revision,
        Expected::Nothing => revision == 0,
        Expected::Anything => true,
    };
    if !is_as_seen {
        return Err(stale(&known, asked.category));
    }
    let record = Record::of_no_commit(store, ground.environment())?;
    let before = known.documents();
    let mut after = before.clone();
    after.insert(asked.category.to_owned(), wanted(asked, &known, store)?);
    let stood = ground.stood(&id, &known.pair.id, &before, &record, host)?;
    let judged = ground.judge(&id, &known.pair.id, &after, &record, host)?;
    let findings = findings_of(&stood, &judged, asked.category);
    let placed = || PlacedFinding::all(&findings, judged.workspace.sources());
    // An error that was there before is told, and stops nobody: perhaps only git can mend it.
    if new_findings(&stood, &judged).iter().any(|finding| finding.severity == Severity::Error) {
        return Err(NotSaved::Invalid(placed()));
    }
    let Some(compiled) = judged.compiled() else {
        let all = PlacedFinding::all(&judged.compilation.findings, judged.workspace.sources());
        return Err(NotSaved::Invalid(all));
    };
    if !compiled.visible.contains(&category) {
        let why = format!("`{category}` is not shown while no flow that it is for is on");
        return Err(Error::new(ErrorKind::Refused, why).help("switch a flow of it on first").into());
    }
    let settings = compiled.configuration.categories.get(&category).cloned().unwrap_or_default();
    let settings = with_kept(&settings, row, known.category(asked.category)?);
    let now = row.map(|row| row.settings.clone()).unwrap_or_default();
    let moved = moved(&now, &settings);
    let schema = known.category(asked.category)?;
    require_printable(&moved, &settings)?;
    if asked.override_reason.is_none() {
        require_peoples(&known, schema, &moved, &settings)?;
    }
    // What a person saves is planned as a change from what is deployed, so that it is judged and told like any other.
    let mut planned = plan_save(&judged, compiled, &known, asked.category, &settings);
    Holds::read(store, (host.now)())?.note(store, std::slice::from_mut(&mut planned))?;
    let changes_of = |planned: &plan::Integration| {
        let one = planned.categories.iter().find(|one| one.category == *asked.category);
        one.map(|one| (one.changes.clone(), one.next_sync.clone())).unwrap_or_default()
    };
    let (changes, next_sync) = changes_of(&planned);
    if moved.is_empty() {
        let findings = placed();
        return Ok(Some(SavedNow { known, revision, changes, next_sync, findings, is_repeated: false }));
    }
    let (findings, stands) = (placed(), judged.stood());
    let Judged { workspace, compilation } = judged;
    let project = Project { workspace: &workspace, compilation, environment: None };
    let judging = Judging::of(&project, ground.environment(), record);
    let plan = Plan::of_one(planned);
    let refusals = check::of_save(&plan, &judging, (host.now)())?;
    let reason_of = |refusal: &Refusal| {
        let found = asked.force.iter().find(|force| *force.check() == *refusal.check);
        found.map(|force| format!("{} ({})", force, refusal.message))
    };
    let standing: Vec<Refusal> = refusals.iter().filter(|one| reason_of(one).is_none()).cloned().collect();
    if !standing.is_empty() {
        return Err(NotSaved::Refused(standing));
    }
    let lifted: Vec<String> = refusals.iter().filter_map(reason_of).collect();
    // Where credentials will be sent by whoever reads what is saved.
    let root = ground.repository().map_or(Path::new(""), Workspace::root);
    let whose = Whose { root, environment: ground.environment() };
    let mut needs = needs_of_saves(&plan, ground.catalogue());
    let programs = &project.compilation.project.secrets.exec;
    let references = moved.iter().filter_map(|path| match settings.get(path) {
        Some(Value::Secret(secret)) => Some(&*secret.reference),
        _ => None,
    });
    needs.extend(references.filter_map(|reference| secrets::need_of(reference, root, programs)));
    allowed::require_all(needs, whose, host)?;
    let rests_on: BTreeMap<String, u64> = known
        .pair
        .categories()
        .filter(|category| *category.id != *asked.category)
        .map(|category| (category.id.to_string(), known.revision(&category.id)))
        .collect();
    if asked.is_trial {
        return Ok(Some(SavedNow { known, revision, changes, next_sync, findings, is_repeated: false }));
    }
    let at = host.stamp();
    let overridden = asked.override_reason.map(|reason| {
        let paths: Vec<String> = moved.iter().map(ToString::to_string).collect();
        format!("{reason} ({})", paths.join(", "))
    });
    let kind = if overridden.is_some() { OVERRIDE } else { FORCE };
    let why: Vec<String> = overridden.into_iter().chain(lifted).collect();
    let note = (!why.is_empty()).then(|| {
        let text = format!("{id} {}: {}", asked.category, why.join("; "));
        Note {
            at: at.clone(),
            by: access.name.clone(),
            kind: kind.to_owned(),
            text,
            run: Some(run.to_owned()),
        }
    });
    let applied = row.map(|row| row.applied.clone()).unwrap_or_default();
    let saved = store.save_alone(
        &Save {
            integration: &id,
            category: asked.category,
            expected_revision: revision,
            settings: &settings,
            applied: &applied,
            saved_by: &access.name,
            saved_at: &at,
            commit: None,
            run,
            fence: None,
            lease: None,
        },
        &rests_on,
        note.as_ref(),
    )?;
    let revision = match saved {
        Saved::Saved { revision } | Saved::Already { revision } => revision,
        Saved::LockLost => return Ok(None),
        Saved::Conflict { .. } => {
            let known = super::known::known(&id, ground, store, host)?;
            return Err(stale(&known, asked.category));
        }
    };
    // It is saved: nothing that is read from now on may make that a failure.
    let mut known = known;
    let now = Deployed {
        integration: id,
        category: asked.category.to_owned(),
        revision,
        settings,
        applied,
        saved_by: access.name.clone(),
        saved_at: at,
        commit: None,
        run: Some(run.to_owned()),
    };
    known.rows.insert(asked.category.to_owned(), now);
    ground.stands(known.id(), &known.pair.id, &after, (&judging.record, host), stands);
    Ok(Some(SavedNow { known, revision, changes, next_sync, findings, is_repeated: false }))
}

/// The document of the category after the save, as files have it.
fn wanted(asked: &SaveAsked<'_>, known: &Known, store: &mut dyn Store) -> Result<Json, NotSaved> {
    let category = known.category(asked.category)?;
    let now = known.rows.get(asked.category);
    let now = now.map_or_else(|| Json::Object(Map::new()), |row| known_form(&row.settings, category));
    Ok(match &asked.body {
        Body::Whole(document) => without_null(document.clone()),
        Body::Merge(patch) => without_null(merged(now, patch)),
        Body::Revision(revision) => {
            let past = store.history(known.id(), asked.category)?;
            let past = past.into_iter().find(|past| past.revision == *revision).ok_or_else(|| {
                let why = format!("`{}` of {} has no revision {revision}", asked.category, known.id());
                Error::new(ErrorKind::Absent, why)
            })?;
            let settings = past.settings.map_err(|why| Error::new(ErrorKind::Invalid, why.to_string()))?;
            known_form(&deployed::present(&known.pair, asked.category, settings), category)
        }
    })
}

/// RFC 7396, keeping nulls: they are taken out at the end.
pub(super) fn merged(target: Json, patch: &Json) -> Json {
    let Json::Object(patch) = patch else { return patch.clone() };
    let mut all = match target {
        Json::Object(all) => all,
        _ => Map::new(),
    };
    for (key, value) in patch {
        let before = all.remove(key).unwrap_or(Json::Null);
        all.insert(key.clone(), merged(before, value));
    }
    Json::Object(all)
}

/// What is null is not set.
pub(super) fn without_null(document: Json) -> Json {
    match document {
        Json::Object(map) => {
            let kept = map.into_iter().filter(|(_, value)| !value.is_null());
            Json::Object(kept.map(|(key, value)| (key, without_null(value))).collect())
        }
        other => other,
    }
}

/// With what a person does not see and keeps: fingerprints of secrets whose references stay, and what the schema does not know.
fn with_kept(settings: &Arc<Settings>, row: Option<&Deployed>, category: &Category) -> Settings {
    let mut settings = (**settings).clone();
    let deployed = row.into_iter().flat_map(|row| &row.settings);
    let unknown = deployed.filter(|(path, _)| category.schema_at(path).is_none());
    settings.extend(unknown.map(|(path, value)| (path.clone(), value.clone())));
    for (path, value) in &mut settings {
        if let (Value::Secret(secret), Some(Value::Secret(known))) =
            (&mut *value, row.and_then(|row| row.settings.get(path)))
            && known.reference == secret.reference
        {
            *secret = Secret { reference: known.reference.clone(), fingerprint: known.fingerprint.clone() };
        }
    }
    settings
}

/// The settings that are not what they were.
fn moved(before: &Settings, after: &Settings) -> Vec<SettingPath> {
    let changed = after.iter().filter(|(path, value)| before.get(*path) != Some(*value));
    let gone = before.keys().filter(|path| !after.contains_key(*path));
    let mut moved: Vec<SettingPath> = changed.map(|(path, _)| path).chain(gone).cloned().collect();
    moved.sort();
    moved
}

/// Whether somebody may lift a check of his own save. That a category is left empty is asked of whoever empties it, as it is seen by
/// whoever types it; all else takes the right.
#[must_use]
pub fn may_lift(check: &str, access: &Access) -> bool {
    check == EMPTY || access.has(Right::Force)
}

/// Proves that what is saved can be seen, and so typed again.
fn require_printable(moved: &[SettingPath], after: &Settings) -> Result<(), NotSaved> {
    let unfit = |path: &&SettingPath| {
        let of_name = path.segments().iter().find_map(|name| unprintable(name));
        let found = of_name.or_else(|| unprintable_in(after.get(*path)?));
        found.map(|c| ((*path).clone(), c))
    };
    let found: Vec<(SettingPath, char)> = moved.iter().filter_map(|path| unfit(&path)).collect();
    if found.is_empty() { Ok(()) } else { Err(NotSaved::Unprintable(found)) }
}

fn unprintable_in(value: &Value) -> Option<char> {
    match value {
        Value::Text(text) => unprintable(text),
        Value::List(items) => items.iter().find_map(unprintable_in),
        Value::Dated(dated) => dated.rows().find_map(|(_, value)| unprintable_in(value)),
        _ => None,
    }
}

/// The first character that nobody sees, or that turns around what stands beside it, and that is no end of a line. Letters that are
/// written from right to left, and joiners, are seen as they are.
#[must_use]
pub fn unprintable(text: &str) -> Option<char> {
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let is_line = matches!(c, '\n' | '\t') || c == '\r' && rest.peek() == Some(&'\n');
        if !is_line && is_harmful(c) {
            return Some(c);
        }
    }
    None
}

/// Proves that a person may move these.
fn require_peoples(
    known: &Known,
    category: &Category,
    moved: &[SettingPath],
    after: &Settings,
) -> Result<(), NotSaved> {
    let mut managed = Vec::new();
    for path in moved {
        let default = category.schema_at(path).and_then(default_of);
        let held = known.held(category, path, default.as_ref());
        let owner = ownership(held);
        if owner.takes(held, after.get(path)) {
            continue;
        }
        let places = known.says.as_deref().and_then(|says| says.places.get(category.id.as_str()));
        let written = places.and_then(|places| places.get(path)).cloned();
        managed.push(Managed { setting: path.clone(), owner, written });
    }
    if managed.is_empty() { Ok(()) } else { Err(NotSaved::Managed(managed)) }
}

/// What is found of an integration and was not found before a save of it. Of settings that lacked before, some may be set by now: that
/// the others lack still is nothing new.
pub(super) fn new_findings<'a>(before: &Stood, after: &'a Judged) -> Vec<&'a Finding> {
    let same = |one: &Finding, other: &Finding| {
        (one.code, one.severity, &one.about, &one.message)
            == (other.code, other.severity, &other.about, &other.message)
    };
    let lacking: BTreeSet<(&str, &str)> = before.findings.iter().flat_map(errors_of_gaps).collect();
    // Nothing lacks of connections that nobody wrote, as people may make them elsewhere; it did all the same.
    let had_no_connections = before.lacks_connections;
    let lacked = |(category, setting): (&str, &str)| {
        had_no_connections && category == CONNECTORS || lacking.contains(&(category, setting))
    };
    let is_old_gap = |one: &Finding| {
        let mut gaps = errors_of_gaps(one).peekable();
        gaps.peek().is_some() && gaps.all(lacked)
    };
    let is_known = |one: &Finding| is_old_gap(one) || before.findings.iter().any(|other| same(one, other));
    let mine = after.compilation.findings.iter().filter(|one| one.about.integration.is_some());
    mine.filter(|one| !is_known(one)).collect()
}

/// The required settings that a finding says are not set, each with its category; none where that is no error yet.
fn errors_of_gaps(finding: &Finding) -> impl Iterator<Item = (&str, &str)> {
    let is_gap = finding.code == &REQUIRED_SETTING_UNSET && finding.severity == Severity::Error;
    let category = finding.about.category.as_deref().filter(|_| is_gap);
    let settings = finding.settings.iter().chain(&finding.about.setting);
    category
        .into_iter()
        .flat_map(move |category| settings.clone().map(move |setting| (category, setting.as_str())))
}

/// What a save is told: what is new, and all that is found in its category.
fn findings_of(before: &Stood, after: &Judged, category: &str) -> Vec<Finding> {
    let new = new_findings(before, after);
    let of_category = |one: &&Finding| one.about.category.as_deref() == Some(category);
    let old = after.compilation.findings.iter().filter(|one| of_category(one) && !new.contains(one));
    new.iter().copied().chain(old).cloned().collect()
}

/// The integration with this category saved, and nothing else moved.
fn plan_save(
    judged: &Judged,
    compiled: &crate::compile::Compiled,
    known: &Known,
    category: &str,
    settings: &Settings,
) -> plan::Integration {
    let mut compiled = compiled.clone();
    let wanted: Arc<Settings> = Arc::new(settings.clone());
    compiled.configuration.categories.retain(|id, _| *id == *category);
    compiled.configuration.categories.insert(category.into(), wanted);
    let fingerprint = |reference: &str| {
        settings.values().find_map(|value| match value {
            Value::Secret(secret) if secret.reference == reference => secret.fingerprint.clone(),
            _ => None,
        })
    };
    let desired =
        Desired { fingerprint: &fingerprint, ..load::desired(&compiled, &judged.compilation.options) };
    // Compared with itself, what is deployed is what was applied last.
    let current: BTreeMap<&str, Current> = known
        .rows
        .iter()
        .map(|(id, row)| {
            let settings = row.settings.clone();
            (id.as_str(), Current { revision: row.revision, applied: settings.clone(), settings })
        })
        .collect();
    let deployed = |id: &str| DeployedState::of(current.get(id));
    let mut planned = plan::plan_integration(&desired, &deployed, &Scope::default());
    for change in planned.categories.iter_mut().flat_map(|category| &mut category.changes) {
        change.origin = Origin::Outside;
    }
    planned
}

fn stale(known: &Known, category: &str) -> NotSaved {
    let now = known.rows.get(category);
    NotSaved::Stale {
        category: category.to_owned(),
        saved_by: now.map(|now| now.saved_by.clone()).unwrap_or_default(),
        saved_at: now.map(|now| now.saved_at.clone()).unwrap_or_default(),
        now: now.cloned().map(Box::new),
        git: known.says.as_ref().and_then(|says| says.categories.get(category)).cloned(),
    }
}

/// Names the save: by its key and what is asked with it, else by what it is and when.
fn run_of(asked: &SaveAsked<'_>, access: &Access, host: &Host<'_>) -> Result<String> {
    let what = match &asked.body {
        Body::Whole(document) => format!("whole {document}"),
        Body::Merge(patch) => format!("merge {patch}"),
        Body::Revision(revision) => format!("revision {revision}"),
    };
    let mut request = format!("{} {} {:?} {what}", asked.integration, asked.category, asked.expected);
    for force in asked.force {
        request.push_str(&format!(" {force}"));
    }
    let request = digest_text(&request);
    Ok(match asked.key {
        Some(key) => format!("{}:{request}", key_of(access, key)),
        None => {
            let mut nonce = [0_u8; 16];
            getrandom::fill(&mut nonce)
                .map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))?;
            format!(
                "{PERSON}once:{}:{request}",
                digest_text(&format!("{}{}", model::hex(&nonce), host.stamp()))
            )
        }
    })
}

/// What was saved with this key before.
fn done_before(
    asked: &SaveAsked<'_>,
    access: &Access,
    run: &str,
    store: &mut dyn Store,
) -> Result<Option<Past>, NotSaved> {
    let Some(key) = asked.key else { return Ok(None) };
    let Some(done) = store.saves_of(&format!("{}:", key_of(access, key)))?.pop() else { return Ok(None) };
    if done.past.run.as_deref() == Some(run) { Ok(Some(done)) } else { Err(NotSaved::KeyTaken) }
}

fn repeated(known: Known, done: &Past) -> SavedNow {
    SavedNow {
        known,
        revision: done.past.revision,
        changes: Vec::new(),
        next_sync: None,
        findings: Vec::new(),
        is_repeated: true,
    }
}
