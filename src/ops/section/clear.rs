//! Clear Cache: the dropdown values of an integration are fetched anew from both platforms, and kept in the store for all servers
//! over it. How far that is, is in the store as well, so that any server tells it. What is new and what is gone is told by list,
//! and of what is gone which settings use it. A platform that does not answer leaves its old lists in force.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use serde_json::{Value as Json, json};

use super::access::Access;
use super::ground::Ground;
use super::known::{Known, known, known_form};
use super::lists::written;
use super::refusals::keep_forbidden;
use crate::model::category::CONNECTORS;
use crate::model::{SettingPath, Value};
use crate::ops::deployed;
use crate::ops::error::{Error, Result};
use crate::ops::host::{Host, Progress};
use crate::ops::names::random_name;
use crate::ops::options::{self, FetchRequest, Fetched, OfAccount, Purpose, Sets, fetch_options};
use crate::ops::request::Request;
use crate::ops::workspace::Workspace;
use crate::options::account::account_of;
use crate::options::fetch::{Account, Event};
use crate::options::lock::Change;
use crate::options::{Choice, List, Options};
use crate::schema::{Pair, options_of};
pub use crate::store::Clearing;
use crate::store::{KeptList, Note, Store};

/// Between two times that the same integration's values are asked of its platforms.
const AT_LEAST: Duration = Duration::from_secs(60);
/// Whoever fetches and says nothing for so long is gone.
const SILENCE: Duration = Duration::from_secs(300);
/// For one answer of a platform.
const ANSWER: Duration = Duration::from_secs(20);
/// So many integrations are read together when it is looked who uses a value.
const TOGETHER: usize = 100;
/// So many values of a list are told by name, and so many settings of a value.
const TOLD: usize = 200;

/// Why nothing was begun.
#[derive(Debug)]
pub enum NotCleared {
    Failed(Error),
    Forbidden(String),
    /// It was done just now; again after so many seconds.
    TooSoon(u64),
}

impl<T: Into<Error>> From<T> for NotCleared {
    fn from(error: T) -> Self {
        NotCleared::Failed(error.into())
    }
}

/// Begins to fetch the dropdown values of an integration anew; true where this call began it, and somebody has to call
/// [`fetch`]. While one is under way, that one is it.
///
/// # Errors
/// See [`NotCleared`].
pub fn begin(
    known: &Known,
    access: &Access,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<(Clearing, bool), NotCleared> {
    let id = known.id();
    if !access.clears(id) {
        let why = format!("{} may not clear the cache of {id}", access.name);
        keep_forbidden(&why, &format!("Clear Cache of {id}"), access, store, host);
        return Err(NotCleared::Forbidden(why));
    }
    let seen = store.clearing(id)?;
    if let Some(seen) = &seen {
        if is_under_way(seen, host) {
            return Ok((seen.clone(), false));
        }
        let asked: jiff::Timestamp = seen.asked_at.parse().unwrap_or(jiff::Timestamp::MIN);
        let passed = (host.now)().duration_since(asked).as_secs();
        let left = i64::try_from(AT_LEAST.as_secs()).unwrap_or(0).saturating_sub(passed);
        if has_asked(seen) && passed >= 0 && left > 0 {
            return Err(NotCleared::TooSoon(left.unsigned_abs()));
        }
    }
    let new = Clearing {
        integration: id.to_owned(),
        run: random_name()?,
        asked_by: access.name.clone(),
        asked_at: host.stamp(),
        until: host.stamp_in(SILENCE),
        ended_at: None,
        document: json!({"lists": []}).to_string(),
    };
    let found = store.begin_clearing(&new, seen.as_ref().map(|seen| seen.run.as_str()))?;
    let is_mine = found.run == new.run;
    if is_mine {
        let text = format!("{id}: the dropdown values are fetched anew");
        let (at, by) = (new.asked_at.clone(), access.name.clone());
        store.note(&Note { at, by, kind: "clear-cache".to_owned(), text, run: None })?;
    }
    Ok((found, is_mine))
}

fn is_under_way(clearing: &Clearing, host: &Host<'_>) -> bool {
    clearing.ended_at.is_none() && clearing.until > host.stamp()
}

/// Whether any platform was asked, which is to have its time: not where nothing could be, as without a connection.
fn has_asked(clearing: &Clearing) -> bool {
    let document: Json = serde_json::from_str(&clearing.document).unwrap_or_default();
    clearing.ended_at.is_none() || document["lists"].as_array().is_some_and(|lists| !lists.is_empty())
}

/// A clearing as it is told: of what somebody may not see, only that it is there.
#[must_use]
pub(super) fn told(clearing: &Clearing, access: &Access, host: &Host<'_>) -> Json {
    let mut document: Json =
        serde_json::from_str(&clearing.document).unwrap_or_else(|_| json!({"lists": []}));
    let state = match (&clearing.ended_at, is_under_way(clearing, host)) {
        (Some(_), _) if document.get("failure").is_some() => "failed",
        (Some(_), _) => "done",
        (None, true) if document["lists"].as_array().is_some_and(Vec::is_empty) => "queued",
        (None, true) => "running",
        (None, false) => "failed",
    };
    if clearing.ended_at.is_none() && state == "failed" {
        document["failure"] = "the server that fetched them stopped".into();
    }
    for gone in document["lists"].as_array_mut().into_iter().flatten() {
        for value in gone["gone"].as_array_mut().into_iter().flatten() {
            let Some(uses) = value["used_by"].as_array_mut() else { continue };
            let before = uses.len();
            uses.retain(|one| one["integration"].as_str().is_some_and(|id| access.reads(id)));
            let hidden = before - uses.len();
            if hidden > 0 {
                value["used_elsewhere"] = hidden.into();
            }
        }
    }
    document["state"] = state.into();
    document["run"] = clearing.run.as_str().into();
    document["asked_by"] = clearing.asked_by.as_str().into();
    document["asked_at"] = clearing.asked_at.as_str().into();
    document["ended_at"] = json!(clearing.ended_at);
    document
}

/// Fetches what [`begin`] promised, and tells in the store how far it is. What went wrong is told there too.
pub fn fetch(clearing: &Clearing, ground: &Ground, store: &mut (dyn Store + 'static), host: &Host<'_>) {
    let done = fetched(clearing, ground, store, host);
    let (lists, failure) = match done {
        Ok(done) => (done, None),
        Err(error) => (json!({"lists": []}), Some(error.message)),
    };
    let mut document = lists;
    if let Some(failure) = failure {
        document["failure"] = failure.into();
    }
    let now = Clearing { ended_at: Some(host.stamp()), document: document.to_string(), ..clearing.clone() };
    // A store that does not answer cannot be told so; nobody fetches any more once the time is over.
    let _ = store.tell_clearing(&now);
}

fn fetched(
    clearing: &Clearing,
    ground: &Ground,
    store: &mut (dyn Store + 'static),
    host: &Host<'_>,
) -> Result<Json> {
    let known = known(&clearing.integration, ground, store, host)?;
    let root = ground.repository().map_or(Path::new(""), Workspace::root);
    let workspace = ground.project_of(known.id(), &known.pair.id, &known.documents(), root)?;
    let request = Request::default();
    let project = options::open(&workspace, &request, host)?;
    let asked = FetchRequest {
        sets: Sets::default(),
        purpose: Purpose::Pages,
        max_age: Duration::ZERO,
        timeout: ANSWER,
    };
    let progress = Mutex::new((&mut *store, Vec::new()));
    let tell = |event: Progress<'_>| {
        let mut held = progress.lock().unwrap_or_else(PoisonError::into_inner);
        let (store, lists) = &mut *held;
        match event {
            Progress::Fetching(accounts) => *lists = accounts.iter().flat_map(queued).collect(),
            Progress::Fetch(Event::Begin { account, set }) => mark(lists, account, set, "running"),
            Progress::Fetch(Event::End { account, set, well }) => {
                mark(lists, account, set, if well { "done" } else { "failed" });
            }
            _ => return,
        }
        let document = json!({"lists": &*lists}).to_string();
        // Nobody waits for it: the next tells more, and the end all of it.
        let _ =
            store.tell_clearing(&Clearing { until: host.stamp_in(SILENCE), document, ..clearing.clone() });
    };
    let fetched = fetch_options(&project, &request, &asked, &Host { progress: &tell, ..*host })?;
    drop(progress);
    keep(&fetched, clearing, store, host)?;
    let gone = uses(&fetched, ground, store)?;
    let lists: Vec<Json> = fetched.accounts.iter().flat_map(|one| came(one, &gone)).collect();
    let notes: Vec<String> = fetched.notes.iter().map(worded).collect();
    let help: Vec<String> = fetched.refused.iter().map(ToString::to_string).collect();
    let mut document = json!({"lists": lists});
    if !notes.is_empty() {
        document["notes"] = json!(notes);
    }
    if !help.is_empty() {
        document["allow"] = json!(help);
    }
    if fetched.is_stopped {
        document["failure"] = "the server that fetched them stopped".into();
    } else if let Some(note) = notes.first().filter(|_| lists.is_empty()) {
        document["failure"] = note.as_str().into();
    }
    Ok(document)
}

fn worded(note: &options::Note) -> String {
    match note {
        options::Note::Said(said) => said.clone(),
        options::Note::HasErrors(name) => {
            format!("what is deployed of {name} has errors, so nothing is asked for it")
        }
    }
}

fn queued(account: &Account) -> impl Iterator<Item = Json> + '_ {
    account.sets.keys().map(|set| {
        let described = account.descriptor.options.get(set).map(|described| described.title.clone());
        let title = described.unwrap_or_else(|| set.replace('_', " "));
        json!({
            "connector": account.connector, "platform": account.descriptor.title, "account": account.name,
            "set": set, "title": title, "state": "queued",
        })
    })
}

fn mark(lists: &mut [Json], account: &Account, set: &str, state: &str) {
    let is_it = |list: &&mut Json| {
        list["connector"] == *account.connector && list["account"] == *account.name && list["set"] == *set
    };
    if let Some(list) = lists.iter_mut().find(is_it) {
        list["state"] = state.into();
    }
}

/// Keeps what came, a list a set.
fn keep(fetched: &Fetched, clearing: &Clearing, store: &mut dyn Store, host: &Host<'_>) -> Result<()> {
    let files = fetched.files();
    for one in &fetched.accounts {
        let Some(list) = files.get(&one.path).and_then(|text| Options::of(&one.path, text)) else { continue };
        for (name, of_set) in &one.sets {
            let (Ok(_), Some(set)) = (&of_set.result, list.sets.get(name)) else { continue };
            let alone = List {
                path: one.path.clone(),
                account: list.account.clone(),
                sets: BTreeMap::from([(name.clone(), set.clone())]),
            };
            store.keep_list(&KeptList {
                connector: one.account.connector.clone(),
                account: one.account.name.clone(),
                name: name.clone(),
                document: written(&one.account.connector, &one.account.name, &alone),
                fetched_at: host.stamp(),
                fetched_by: clearing.asked_by.clone(),
            })?;
        }
    }
    Ok(())
}

/// By connector, account, set and value: the settings that use it.
type Uses = BTreeMap<(String, String, String, String), Vec<Json>>;

/// What came of an account, a list at a time.
fn came<'a>(one: &'a OfAccount, gone: &'a Uses) -> impl Iterator<Item = Json> + 'a {
    one.sets.iter().map(move |(set, of_set)| {
        let (connector, account) = (&one.account.connector, &one.account.name);
        let mut list = json!({
            "connector": connector, "platform": one.account.descriptor.title, "account": account,
            "set": set, "title": of_set.title,
        });
        let told = |choice: &Choice| json!({"value": choice.value, "label": choice.label});
        match &of_set.result {
            Err(fault) => {
                list["state"] = "failed".into();
                list["reason"] = fault.message.as_str().into();
            }
            Ok(choices) => {
                list["state"] = "done".into();
                list["values"] = choices.len().into();
            }
        }
        let Some(changes) = &of_set.changes else {
            // Where nothing was known before, nothing is new.
            list["is_first"] = of_set.result.is_ok().into();
            return list;
        };
        let mut by_kind: BTreeMap<&str, Vec<Json>> = BTreeMap::new();
        for change in changes {
            let (kind, json) = match change {
                Change::Added(choice) => ("new", told(choice)),
                Change::Removed(choice) => {
                    let key = (connector.clone(), account.clone(), set.clone(), choice.value.clone());
                    let mut json = told(choice);
                    json["used_by"] = gone.get(&key).cloned().unwrap_or_default().into();
                    ("gone", json)
                }
                Change::Renamed { value, before, after } => {
                    ("renamed", json!({"value": value, "before": before, "after": after}))
                }
                Change::Deactivated(choice) => ("deactivated", told(choice)),
                Change::Activated(choice) => ("activated", told(choice)),
            };
            by_kind.entry(kind).or_default().push(json);
        }
        for (kind, mut all) in by_kind {
            list[format!("{kind}_count")] = all.len().into();
            all.truncate(TOLD);
            list[kind] = all.into();
        }
        list
    })
}

/// Which settings of which integrations use what is gone.
fn uses(fetched: &Fetched, ground: &Ground, store: &mut dyn Store) -> Result<Uses> {
    let mut gone = Uses::new();
    for one in &fetched.accounts {
        for (set, of_set) in &one.sets {
            for change in of_set.changes.iter().flatten() {
                if let Change::Removed(choice) = change {
                    let (connector, account) = (one.account.connector.clone(), one.account.name.clone());
                    gone.insert((connector, account, set.clone(), choice.value.clone()), Vec::new());
                }
            }
        }
    }
    if gone.is_empty() {
        return Ok(gone);
    }
    let mut after = String::new();
    loop {
        let some = store.integrations(&after, TOGETHER)?;
        let Some(last) = some.last() else { return Ok(gone) };
        after.clone_from(&last.id);
        let ids: Vec<String> = some.iter().map(|one| one.id.clone()).collect();
        let pairs: BTreeMap<&str, std::sync::Arc<Pair>> = some
            .iter()
            .filter_map(|one| Some((one.id.as_str(), ground.pair(one.pair.as_deref()?)?)))
            .collect();
        let rows = store.read(Some(&ids))?;
        for of_one in rows.chunk_by(|one, next| one.integration == next.integration) {
            let Some(pair) = of_one.first().and_then(|row| pairs.get(row.integration.as_str())) else {
                continue;
            };
            let connections = of_one.iter().find(|row| row.category == CONNECTORS);
            let connections = connections.zip(pair.category(CONNECTORS));
            let connections = connections.map(|(row, category)| known_form(&row.settings, category));
            let accounts = |id: &str| account(pair, id, connections.as_ref());
            for row in of_one {
                let settings = deployed::present(pair, &row.category, row.settings.clone());
                for (path, value) in &settings {
                    note(&mut gone, pair, &row.integration, &row.category, path, value, &accounts);
                }
            }
        }
    }
}

/// Whose account the active connection of a connector is for.
fn account(pair: &Pair, connector: &str, connections: Option<&Json>) -> Option<String> {
    let declared = connections?.get(connector)?;
    let fields = declared.get("connections")?.get(declared.get("active")?.as_str()?)?;
    account_of(&pair.connector(connector)?.description, fields)
}

/// Notes a setting at each value that is gone and that it uses.
fn note(
    gone: &mut Uses,
    pair: &Pair,
    integration: &str,
    category: &str,
    path: &SettingPath,
    value: &Value,
    account: &dyn Fn(&str) -> Option<String>,
) {
    let Some(of) = pair.category(category) else { return };
    let mut found: Vec<(String, String, String)> = Vec::new();
    if let Some((connector, set)) = of.schema_at(path).and_then(options_of) {
        let mut texts = Vec::new();
        texts_of(&value.to_json(), &mut texts);
        found.extend(texts.into_iter().map(|text| (connector.to_owned(), set.to_owned(), text)));
    }
    // A key of a mapping is a value too.
    let segments = path.segments();
    for at in 1..segments.len() {
        let above: SettingPath = segments[..at].iter().map(|name| &**name).collect();
        let keys = of.schema_at(&above).and_then(|schema| schema.get("x-keys")?.as_str()?.split_once('.'));
        if let Some((connector, set)) = keys {
            found.push((connector.to_owned(), set.to_owned(), segments[at].to_string()));
        }
    }
    for (connector, set, text) in found {
        let Some(account) = account(&connector) else { continue };
        if let Some(uses) = gone.get_mut(&(connector, account, set, text))
            && uses.len() < TOLD
        {
            let title = of.title.to_string();
            uses.push(json!({
                "integration": integration, "category": category, "title": title, "setting": path.to_string(),
            }));
        }
    }
}

fn texts_of(value: &Json, texts: &mut Vec<String>) {
    match value {
        Json::String(text) => texts.push(text.clone()),
        Json::Number(number) => texts.push(number.to_string()),
        Json::Array(items) => items.iter().for_each(|item| texts_of(item, texts)),
        // A record with days.
        Json::Object(record) => {
            for item in record.values() {
                texts_of(item, texts);
            }
        }
        _ => {}
    }
}
