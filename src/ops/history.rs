//! What was saved, when, by whom and from which commit. Reads a store and writes nothing.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::deployed;
use super::error::{Result, require_meant};
use super::host::Host;
use super::judged::Recorded;
use super::request::{Filter, Request};
use super::workspace::Workspace;
use crate::model::pattern::any_means;
use crate::model::{SettingPath, Settings, Value};
use crate::plan::policy::{self, Policy, PolicyChange};
use crate::schema::Pair;
use crate::schema::parts::Catalogue;
use crate::store::{self, Note, Record, Rules, Said};

/// Which saves are asked for, beside what the request's filter takes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wanted {
    pub integration: Option<String>,
    /// A commit: the beginning of its id, or a name that git knows.
    pub commit: Option<String>,
    /// A part of the name of who saved, in any case.
    pub by: Option<String>,
    /// `payment_methods.map.Klarna`, or `map.Klarna` in any category.
    pub setting: Option<String>,
    /// The newest so many.
    pub limit: Option<usize>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Found {
    /// Oldest first.
    pub entries: Vec<HistoryEntry>,
    /// Rules that were recorded, oldest first; none where saves of some integrations, categories or settings are asked for.
    pub rules: Vec<RulesEntry>,
    /// Integrations that were asked for by a former name: that one, and the one of now.
    pub renamed: Vec<(String, String)>,
}

/// The saves that are asked for.
///
/// # Errors
/// When the store cannot be read, or nothing is known of an integration.
pub fn history(workspace: &Workspace, request: &Request, wanted: &Wanted, host: &Host<'_>) -> Result<Found> {
    let (_, address) = workspace.store(request, host)?;
    let (mut records, notes, renames, rules, said) = match host.store(&address)? {
        Some(mut store) => (
            deployed::records(store.as_mut())?,
            store.notes()?,
            store.renames()?,
            store.rules()?,
            store.said(None)?,
        ),
        None => Default::default(),
    };
    // Settings are told under the names and in the places that the pair of their integration has for them now.
    let catalogue = Catalogue::with_project(workspace.sources(), &mut Vec::new());
    let pair = |said: Said| {
        let name = store::name_now(&renames, &said.integration, "");
        Some((name, catalogue.pair(&said.pair)?))
    };
    let pairs: BTreeMap<String, Arc<Pair>> = said.into_iter().filter_map(pair).collect();
    for Record { integration, category, past } in &mut records {
        let schema = pairs.get(integration).and_then(|pair| pair.category(category));
        if let (Some(schema), Ok(settings)) = (schema, &mut past.settings) {
            *settings = schema.present(std::mem::take(settings));
        }
    }
    // An integration that left the files has a history too, so names are looked up there.
    let mut known: Vec<&str> = records.iter().map(|record| record.integration.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    let mut found = Found::default();
    let mut present = |name: &String| -> Result<String> {
        let now = store::name_now(&renames, name, "");
        if now != *name && !known.contains(&name.as_str()) {
            found.renamed.push((name.clone(), now.clone()));
            return Ok(now);
        }
        if !known.is_empty() {
            require_meant("saved integration", name, &known)?;
        }
        Ok(name.clone())
    };
    let asked = Asked {
        wanted,
        request,
        pairs: &pairs,
        integration: wanted.integration.as_ref().map(&mut present).transpose()?,
        integrations: request.filter.integrations.iter().map(&mut present).collect::<Result<_>>()?,
        commit: wanted.commit.as_ref().map(|commit| workspace.commit_id(commit)).transpose()?,
    };
    found.entries = entries(records, &notes);
    found.entries.retain(|entry| asked.takes(entry));
    if asked.takes_all() {
        found.rules = rules_entries(rules);
        found.rules.retain(|entry| asked.takes_rules(&entry.rules));
    }
    if let Some(limit) = wanted.limit {
        found.rules.drain(..found.rules.len().saturating_sub(limit));
        found.entries.drain(..found.entries.len().saturating_sub(limit));
    }
    Ok(found)
}

/// What was asked for, under the names that hold now.
struct Asked<'a> {
    wanted: &'a Wanted,
    request: &'a Request,
    /// The pairs of integrations, as far as they are known.
    pairs: &'a BTreeMap<String, Arc<Pair>>,
    integration: Option<String>,
    integrations: Vec<String>,
    /// The beginning of an id.
    commit: Option<String>,
}

impl Asked<'_> {
    /// Nothing was said of which integrations, categories or settings.
    fn takes_all(&self) -> bool {
        let Filter { integrations, pairs, categories, exclude } = &self.request.filter;
        let is_narrow = [integrations, pairs, categories, exclude].iter().any(|names| !names.is_empty());
        self.integration.is_none() && self.wanted.setting.is_none() && !is_narrow
    }

    fn takes_rules(&self, rules: &Rules) -> bool {
        let commit =
            |wanted: &String| rules.commit.as_ref().is_some_and(|id| id.starts_with(wanted.as_str()));
        let by = |wanted: &String| rules.recorded_by.to_lowercase().contains(&wanted.to_lowercase());
        self.commit.as_ref().is_none_or(commit) && self.wanted.by.as_ref().is_none_or(by)
    }

    fn takes(&self, entry: &HistoryEntry) -> bool {
        let HistoryEntry { record, changes, .. } = entry;
        let (wanted, filter) = (self.wanted, &self.request.filter);
        let commit =
            |wanted: &String| record.past.commit.as_ref().is_some_and(|id| id.starts_with(wanted.as_str()));
        let by = |wanted: &String| record.past.saved_by.to_lowercase().contains(&wanted.to_lowercase());
        let schema = self.pairs.get(&record.integration).and_then(|pair| pair.category(&record.category));
        let before = |(path, old, new): &(SettingPath, Option<Value>, Option<Value>)| {
            let values: Vec<&Value> = [old, new].into_iter().flatten().collect();
            schema.map(|schema| schema.places_before(path, &values)).unwrap_or_default()
        };
        let paths =
            || changes.iter().flat_map(|change| std::iter::once(change.0.clone()).chain(before(change)));
        self.integration.as_ref().is_none_or(|name| *name == record.integration)
            && (self.integrations.is_empty() || any_means(&self.integrations, &record.integration))
            && !any_means(&filter.exclude, &record.integration)
            && filter.takes_category(&record.category)
            && self.commit.as_ref().is_none_or(commit)
            && wanted.by.as_ref().is_none_or(by)
            && wanted.setting.as_ref().is_none_or(|setting| touches(setting, &record.category, paths()))
    }
}

/// `payment_methods.map.Klarna`, or `map.Klarna` in any category; a whole mapping stands for what is in it.
fn touches(wanted: &str, category: &str, mut changed: impl Iterator<Item = SettingPath>) -> bool {
    let Some(path) = SettingPath::parse(wanted) else { return false };
    let inner = path.segments().split_first().filter(|(first, _)| &***first == category);
    let inner: Option<SettingPath> = inner.map(|(_, rest)| rest.iter().collect());
    changed.any(|changed| {
        changed.starts_with(&path) || inner.as_ref().is_some_and(|inner| changed.starts_with(inner))
    })
}

/// One save, with what it changed.
#[derive(Debug)]
pub struct HistoryEntry {
    pub record: Record,
    pub changes: Vec<(SettingPath, Option<Value>, Option<Value>)>,
    /// What is known of the run that made it: a check that was lifted, a way back, a rename.
    pub notes: Vec<Note>,
}

/// Rules that an apply recorded, with what changed of them.
#[derive(Debug)]
pub struct RulesEntry {
    pub rules: Rules,
    /// Since those before of the same environment; none of the first, and why where they cannot be used.
    pub changes: Option<Result<Vec<PolicyChange>, String>>,
}

/// Each of the recorded rules beside those before them of the same environment, oldest first.
#[must_use]
pub fn rules_entries(rules: Vec<Rules>) -> Vec<RulesEntry> {
    let mut before: BTreeMap<String, Policy> = BTreeMap::new();
    let entry = |rules: Rules| {
        let changes = match Recorded::read(&rules) {
            Ok(recorded) => {
                let old = before.insert(rules.environment.clone(), recorded.policy.clone());
                old.map(|old| Ok(policy::changes(&old, &recorded.policy)))
            }
            Err(error) => Some(Err(error.message)),
        };
        RulesEntry { rules, changes }
    };
    rules.into_iter().map(entry).collect()
}

/// Each save beside the one before it of the same category, and the notes of its run. `records` are in the order of saving.
#[must_use]
pub fn entries(records: Vec<Record>, notes: &[Note]) -> Vec<HistoryEntry> {
    let mut of_run: BTreeMap<&str, Vec<&Note>> = BTreeMap::new();
    for note in notes {
        of_run.entry(note.run.as_deref().unwrap_or_default()).or_default().push(note);
    }
    let mut before: BTreeMap<(String, String), Settings> = BTreeMap::new();
    records
        .into_iter()
        .map(|record| {
            let notes = record.past.run.as_deref().and_then(|run| of_run.get(run)).cloned();
            let notes = notes.into_iter().flatten().cloned().collect();
            // What cannot be used says nothing of what changed, and the next save is set beside the one before it.
            let Ok(new) = &record.past.settings else {
                return HistoryEntry { record, changes: Vec::new(), notes };
            };
            let key = (record.integration.clone(), record.category.clone());
            let old = before.insert(key, new.clone()).unwrap_or_default();
            let mut paths: Vec<&SettingPath> = old.keys().chain(new.keys()).collect();
            paths.sort_unstable();
            paths.dedup();
            let changes = paths
                .into_iter()
                .filter(|path| old.get(path) != new.get(path))
                .map(|path| (path.clone(), old.get(path).cloned(), new.get(path).cloned()))
                .collect();
            HistoryEntry { record, changes, notes }
        })
        .collect()
}
