//! A deployed integration that no file mentions, as new files: what it has and no more, proved by compiling them. Writes
//! nothing.
#![expect(clippy::disallowed_methods, reason = "looks whether something is where a new file is to be")]

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json, json};

use super::error::{Error, Help, Result, require_known};
use super::left::{Left, Why};
use super::names::require_id;
use super::project::{self, Project};
use super::propose::{ProposedValue, compile_with, insert, refused, without_fingerprint, written};
use super::request::Filter;
use super::workspace::Files;
use crate::diagnostic::counts;
use crate::model::{CONNECTORS, FLOWS, SCHEDULES, SettingPath, Value, WEBHOOKS, is_top_level};
use crate::schema::{Category, Pair, Required, default_of};
use crate::store::Deployed;
use crate::yaml::edit;

/// What is deployed, by integration and category.
pub type Rows = BTreeMap<(String, String), Deployed>;

/// What the new files are made of.
pub struct Manner<'a> {
    /// The pairs that were named; one is needed, since the store knows none.
    pub pairs: &'a [String],
    pub filter: &'a Filter,
    /// A folder with a file per category, in place of one file.
    pub split: bool,
}

/// An integration as new files.
pub struct Adopted {
    pub files: Files,
    pub taken: Vec<ProposedValue>,
    pub left: Vec<Left>,
    /// How many findings the files have.
    pub findings: usize,
}

/// Writes a deployed integration down, beside files that are new too.
///
/// # Errors
/// When it is not deployed, its pair is not known, files are in the way, or cannot say what is deployed.
pub fn adopt(
    project: &Project<'_>,
    name: &str,
    rows: &Rows,
    manner: &Manner<'_>,
    beside: &Files,
) -> Result<Adopted> {
    require_id(name)?;
    let mine: BTreeMap<&str, &Deployed> = rows
        .iter()
        .filter(|((integration, _), _)| integration == name)
        .map(|((_, category), row)| (category.as_str(), row))
        .collect();
    let compilation = &project.compilation;
    if mine.is_empty() {
        let mut known: BTreeSet<&str> = rows.keys().map(|(integration, _)| integration.as_str()).collect();
        known.extend(compilation.names.iter().map(String::as_str));
        known.remove(name);
        require_known("integration", name, &known.into_iter().collect::<Vec<_>>())?;
    }
    let [id] = manner.pairs else {
        return Err(Error::usage(format!("`{name}` is in no file, and the store does not know its pair"))
            .with(Help::NamePair(name.to_owned())));
    };
    let pair = compilation.catalogue.pair(id).ok_or_else(|| project::no_pair(id, &compilation.catalogue))?;
    let mut draft = Draft::of(name, &pair, &mine, manner.filter);
    let (taken, left) = (std::mem::take(&mut draft.taken), std::mem::take(&mut draft.left));
    let mut files = Files::new();
    for (path, text) in draft.texts(&format!("integrations/{name}"), manner.split) {
        if project.workspace.root().join(&path).exists() {
            return Err(Error::usage(format!("{path} is there already; nothing was written")));
        }
        files.insert(path, text);
    }
    let mut all = beside.clone();
    all.extend(files.clone());
    let after = compile_with(project, &all, &[name.to_owned()]);
    let found = after.find(name).map(|compiled| &compiled.configuration.categories);
    for value in &taken {
        let said =
            found.and_then(|found| found.get(&value.category)).and_then(|found| found.get(&value.path));
        if said != value.value.as_ref().map(without_fingerprint).as_ref() {
            let what = format!("{name}: {}.{} cannot be said in a file", value.category, value.path);
            return Err(refused(what));
        }
    }
    let findings = counts(&after.findings).values().sum();
    Ok(Adopted { files, taken, left, findings })
}

/// A deployed integration as documents, in the order in which a file has them.
struct Draft<'a> {
    name: &'a str,
    head: Map<String, Json>,
    settings: Map<String, Json>,
    tail: Map<String, Json>,
    taken: Vec<ProposedValue>,
    left: Vec<Left>,
}

impl<'a> Draft<'a> {
    fn of(name: &'a str, pair: &Pair, rows: &BTreeMap<&str, &Deployed>, filter: &Filter) -> Self {
        let mut head = Map::new();
        head.insert("integration".to_owned(), name.into());
        head.insert("pair".to_owned(), pair.id.as_str().into());
        if !rows.contains_key(CONNECTORS) {
            head.insert("unmanaged".to_owned(), json!([CONNECTORS]));
        }
        let mut draft =
            Draft { name, head, settings: Map::new(), tail: Map::new(), taken: Vec::new(), left: Vec::new() };
        let flows = rows.get(FLOWS).map(|row| &row.settings);
        let is_on = |id: &String| {
            let path: SettingPath = [id].into_iter().collect();
            match flows.and_then(|flows| flows.get(&path)) {
                Some(value) => *value == Value::Bool(true),
                None => pair.flow(id).is_some_and(|flow| flow.default),
            }
        };
        let settings = pair.settings.iter().map(|category| category.id.as_str());
        let ids: Vec<&str> =
            [FLOWS, CONNECTORS].into_iter().chain(settings).chain([SCHEDULES, WEBHOOKS]).collect();
        for id in &ids {
            let (Some(category), Some(row)) = (pair.category(id), rows.get(id)) else { continue };
            if !filter.takes_category(id) {
                continue;
            }
            if category.flows.as_ref().is_some_and(|flows| !flows.iter().any(is_on)) {
                draft.leave((*id).to_owned(), Why::FlowsOff);
                continue;
            }
            draft.take(pair, category, row);
        }
        for id in rows.keys().filter(|id| !ids.contains(id)) {
            draft.leave((*id).to_owned(), Why::NoSuchCategory { pair: pair.id.to_string() });
        }
        draft
    }

    fn leave(&mut self, setting: String, why: Why) {
        self.left.push(Left { integration: self.name.to_owned(), setting, why });
    }

    /// Takes what a category has and its defaults do not say.
    fn take(&mut self, pair: &Pair, category: &Category, row: &Deployed) {
        let id = category.id.as_str();
        let mut document = Map::new();
        for (path, value) in &row.settings {
            let Some(schema) = category.schema_at(path).filter(|_| !category.keeps_elsewhere(path)) else {
                self.leave(format!("{id}.{path}"), Why::NoSuchSetting { pair: pair.id.to_string() });
                continue;
            };
            let setting = category.setting(path);
            let required = setting.is_some_and(|setting| matches!(setting.required, Required::Yes { .. }));
            let default = default_of(schema);
            if !required && id != FLOWS && default.as_ref() == Some(value) {
                continue;
            }
            insert(&mut document, path.segments(), written(value));
            self.taken.push(ProposedValue {
                integration: self.name.to_owned(),
                category: id.into(),
                path: path.clone(),
                value: Some(value.clone()),
            });
        }
        let home = if !is_top_level(id) {
            &mut self.settings
        } else if [FLOWS, CONNECTORS].contains(&id) {
            &mut self.head
        } else {
            &mut self.tail
        };
        home.insert(id.to_owned(), Json::Object(document));
    }

    fn texts(self, folder: &str, split: bool) -> Vec<(String, String)> {
        let Draft { mut head, settings, tail, .. } = self;
        if split {
            head.extend(tail);
            let main = (format!("{folder}/integration.yaml"), edit::document(&Json::Object(head)));
            let categories = settings.into_iter();
            let files = categories
                .map(|(id, document)| (format!("{folder}/settings/{id}.yaml"), edit::document(&document)));
            return std::iter::once(main).chain(files).collect();
        }
        if !settings.is_empty() {
            head.insert("settings".to_owned(), Json::Object(settings));
        }
        head.extend(tail);
        vec![(format!("{folder}.yaml"), edit::document(&Json::Object(head)))]
    }
}
