//! The smallest edit of the YAML that makes settings so: where each of them is written, what the files would be, and the
//! proof that the edited project says this and nothing else. Writes no file, reads no store, and decides neither what is
//! wanted nor whether somebody agreed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::error::{Error, ErrorKind, Result};
use super::left::{Left, Why};
use super::project::Project;
use super::workspace::Files;
use crate::compile::{self, Compilation, Compiled, Selection, integrations};
use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::{About, Finding, Severity};
use crate::model::category::keys_to;
use crate::model::{Name, Secret, SettingPath, Value};
use crate::schema::records::{Kept, Was};
use crate::source::{SourceFile, Sources, Span};
use crate::yaml::{self, edit};

/// A setting as the files are to say it.
#[derive(Debug, Clone, PartialEq)]
pub struct ProposedValue {
    pub integration: String,
    pub category: Name,
    pub path: SettingPath,
    /// None: as a setting that is not set.
    pub value: Option<Value>,
}

impl ProposedValue {
    fn left(self, why: Why) -> Left {
        let setting = format!("{}.{}", self.category, self.path);
        Left { integration: self.integration, setting, why }
    }
}

/// Where values may be written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Destination {
    /// The integration's own files; what it takes from elsewhere is overridden there.
    #[default]
    OwnFiles,
    /// The file that sets the value now, also where others take it from there: a base, an environment.
    WhereSet,
}

/// What would be written.
#[derive(Debug, Clone, Default)]
pub struct Proposal {
    pub files: Files,
    /// What the files then say.
    pub made: Vec<ProposedValue>,
    /// What could not be said safely.
    pub left: Vec<Left>,
    /// Other integrations, selected or not, that change too, since they take what is edited from where it is set.
    pub others: BTreeSet<String>,
}

/// Files as somebody is shown them before he agrees.
#[derive(Debug, Clone, Default)]
pub struct Edits {
    pub files: Files,
    /// Places that hold a credential.
    pub hidden: Vec<Span>,
    pub taken: Vec<ProposedValue>,
    pub left: Vec<Left>,
    pub notes: Vec<Note>,
    /// Errors of the files before: what they are of was not looked at.
    pub errors: Vec<PlacedFinding>,
}

/// What somebody should know before agreeing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Note {
    /// These extend what is edited, and change too.
    OthersChange(Vec<String>),
    /// An integration that is adopted has so many findings.
    Findings { integration: String, number: usize },
}

impl Edits {
    #[must_use]
    pub fn of(proposal: Proposal, hidden: Vec<Span>, errors: Vec<PlacedFinding>) -> Self {
        let Proposal { files, made, left, others } = proposal;
        let others: Vec<String> = others.into_iter().collect();
        let notes = if others.is_empty() { Vec::new() } else { vec![Note::OthersChange(others)] };
        Edits { files, hidden, taken: made, left, notes, errors }
    }
}

/// Edits the files that own the values, and proves that the project then says so. Integrations that the project was not
/// compiled with are passed over.
///
/// # Errors
/// When the files cannot be edited without changing something else.
pub fn propose(
    project: &Project<'_>,
    wanted: Vec<ProposedValue>,
    destination: Destination,
) -> Result<Proposal> {
    let editor = Editor { project, own: own_files(project.workspace.sources()), destination };
    let mut left = Vec::new();
    let mut wanted = wanted;
    loop {
        let (made, files, after) = editor.edited(std::mem::take(&mut wanted), &mut left)?;
        let Some(after) = after else { return Ok(Proposal { files, made, left, ..Proposal::default() }) };
        let new = editor.new_errors(&after);
        if new.is_empty() {
            let others = editor.prove(&after, &made, &files)?;
            return Ok(Proposal { files, made, left, others });
        }
        wanted = without_refused(made, &new, &mut left)?;
    }
}

/// The paths of each integration's own files.
#[must_use]
pub fn own_files(sources: &Sources) -> BTreeMap<String, Vec<String>> {
    let mut files: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, file) in integrations::files_by_integration(sources) {
        files.entry(name).or_default().push(sources.file(file).path.clone());
    }
    files
}

/// The project with some files replaced or added, compiled for some integrations, and judged on the day that it was judged
/// on before.
#[must_use]
pub fn compile_with(project: &Project<'_>, files: &Files, names: &[String]) -> Compilation {
    let selection = Selection {
        today: Some(project.compilation.today),
        integrations: names.to_vec(),
        environment: project.environment.clone(),
        ..Selection::default()
    };
    compile::compile(project.workspace.overlay(files).sources(), &selection)
}

/// Why nothing is written at all.
pub(super) fn refused(why: impl std::fmt::Display) -> Error {
    Error::new(ErrorKind::Refused, format!("the files cannot be edited safely: {why}; nothing was written"))
}

/// A deployed value as the files say it.
pub(super) fn written(value: &Value) -> Json {
    escaped(plain(value))
}

/// What a file has to say so that it says this: no text of it is an expression.
pub(super) fn escaped(document: Json) -> Json {
    match document {
        Json::String(text) => literal(&text).into(),
        Json::Array(items) => items.into_iter().map(escaped).collect(),
        Json::Object(map) => {
            Json::Object(map.into_iter().map(|(key, value)| (key, escaped(value))).collect())
        }
        other => other,
    }
}

/// A deployed value as people say it, where nothing is an expression.
pub(super) fn plain(value: &Value) -> Json {
    match value {
        Value::Secret(secret) => json!({"secret": secret.reference}),
        Value::List(items) => items.iter().map(plain).collect(),
        // One record needs no list.
        Value::Dated(dated) => match dated.to_json() {
            Json::Array(mut records) if records.len() == 1 => records.remove(0),
            records => records,
        },
        other => other.to_json(),
    }
}

/// Puts a value at a path of a document.
pub(super) fn insert(map: &mut Map<String, Json>, path: &[Box<str>], value: Json) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        map.insert(first.to_string(), value);
        return;
    }
    let inner = map.entry(first.to_string()).or_insert_with(|| Json::Object(Map::new()));
    if let Json::Object(inner) = inner {
        insert(inner, rest, value);
    }
}

/// A value as it compiles from a file: the fingerprint of a secret is known where it is deployed.
pub(super) fn without_fingerprint(value: &Value) -> Value {
    match value {
        Value::Secret(secret) => {
            Value::Secret(Secret { reference: secret.reference.clone(), fingerprint: None })
        }
        other => other.clone(),
    }
}

/// Where a value is written, or has to be.
struct EditPlace {
    file: String,
    keys: Vec<String>,
    /// How many of the keys lie within the category.
    inside: usize,
    /// The keys lead to a list that names the record of which the value is a field.
    list: Option<ListPlace>,
}

/// A list that names records.
struct ListPlace {
    /// What it holds without the record.
    others: Vec<Json>,
    /// The value that being named stands for.
    value: String,
    /// Where the record's field stands beside the list.
    field: Vec<String>,
}

/// How a setting is said where it is written, which what overrides it has to keep: in its place, in one that it had before, or
/// in a record of another category that it is a field of.
enum Way<'a> {
    InPlace,
    Before(&'a Was),
    InRecord(&'a Name, &'a Kept),
}

struct Editor<'p> {
    project: &'p Project<'p>,
    own: BTreeMap<String, Vec<String>>,
    destination: Destination,
}

/// What was edited, the new texts, and what they compile to unless there are none.
type Edited = (Vec<ProposedValue>, Files, Option<Compilation>);

impl Editor<'_> {
    fn edited(&self, wanted: Vec<ProposedValue>, left: &mut Vec<Left>) -> Result<Edited> {
        let compilation = &self.project.compilation;
        let (mut made, mut files) = (Vec::new(), Files::new());
        for value in wanted {
            if compilation.find(&value.integration).is_none() {
                continue;
            }
            match self.place(&value).and_then(|place| Ok(self.edit(&mut files, place, &value)?)) {
                Ok(()) => made.push(value),
                Err(why) => left.push(value.left(why)),
            }
        }
        // What is said already needs no edit.
        files.retain(|path, text| self.current(&Files::new(), path) != text);
        if files.is_empty() {
            return Ok((made, files, None));
        }
        let names = self.names();
        let mut after = compile_with(self.project, &files, &names);
        // A key that was taken out may uncover a base's value: then it is set to null.
        let is_uncovered =
            |value: &&ProposedValue| desired(&after, value).is_some_and(|found| *found != Value::Null);
        let gone = made.iter().filter(|value| value.value.is_none());
        let uncovered: Vec<&ProposedValue> = gone.filter(is_uncovered).collect();
        for value in &uncovered {
            let place = self.own_place(value).map_err(refused)?;
            let keys: Vec<&str> = place.keys.iter().map(String::as_str).collect();
            let text = edit::set(self.current(&files, &place.file), &keys, &Json::Null).map_err(refused)?;
            files.insert(place.file, text);
        }
        if !uncovered.is_empty() {
            after = compile_with(self.project, &files, &names);
        }
        Ok((made, files, Some(after)))
    }

    fn names(&self) -> Vec<String> {
        self.project.compilation.integrations.iter().map(|compiled| compiled.name.clone()).collect()
    }

    /// The file that owns the value; a base or an environment only where that was asked for.
    fn place(&self, value: &ProposedValue) -> Result<EditPlace, Why> {
        let Some(span) = self.origin(value) else { return self.own_place(value) };
        let sources = self.project.workspace.sources();
        let file = sources.path(span).to_owned();
        let is_own = self.own.get(&value.integration).is_some_and(|own| own.contains(&file));
        if !is_own && self.destination == Destination::OwnFiles {
            if file.starts_with("environments/") {
                return Err(Why::EnvironmentWins { file });
            }
            return self.own_place(value);
        }
        let root = yaml::parse(sources, span.file, &mut Vec::new()).ok_or(Why::PlaceUnclear)?;
        if let Some(keys) = edit::keys_to(&root, span) {
            let inside = match self.way(value) {
                Way::Before(_) => 2,
                Way::InRecord(..) => 3,
                Way::InPlace => value.path.segments().len(),
            };
            return Ok(EditPlace { file, keys, inside, list: None });
        }
        let Way::Before(was) = self.way(value) else { return Err(Why::PlaceUnclear) };
        let keys = edit::keys_to_list(&root, span).ok_or(Why::PlaceUnclear)?;
        let above = &keys[..keys.len() - 1];
        let field =
            above.iter().cloned().chain(value.path.segments().iter().map(ToString::to_string)).collect();
        let list = self.list_without(was, span, field)?;
        Ok(EditPlace { file, keys, inside: 1, list: Some(list) })
    }

    /// Where the key of a value stands now.
    fn origin(&self, value: &ProposedValue) -> Option<Span> {
        let compiled = self.project.compilation.find(&value.integration)?;
        compiled.origins.get(&value.category)?.get(&value.path).copied()
    }

    /// How the value is said now.
    fn way(&self, value: &ProposedValue) -> Way<'_> {
        let found = || {
            let compiled = self.project.compilation.find(&value.integration)?;
            let category = compiled.pair.category(&value.category)?;
            let span = self.origin(value)?;
            let root = yaml::parse(self.project.workspace.sources(), span.file, &mut Vec::new())?;
            let keys = edit::keys_to(&root, span);
            let holder = match &keys {
                Some(keys) => keys.iter().rev().nth(1).cloned(),
                None => edit::keys_to_list(&root, span)?.pop(),
            }?;
            match value.path.segments() {
                [records, record, field] => {
                    let is_row =
                        keys.as_ref().and_then(|keys| keys.last()).is_none_or(|last| **last == **record);
                    let is_it = |was: &&'_ Was| {
                        was.records == *records
                            && was.field == *field
                            && *was.from == *holder
                            && was.listed.is_none() == keys.is_some()
                    };
                    category.was.iter().find(is_it).filter(|_| is_row).map(Way::Before)
                }
                [mapping, record] => compiled.pair.settings.iter().find_map(|of| {
                    let is_it = |kept: &&Kept| {
                        kept.category == value.category && kept.mapping == *mapping && *holder == **record
                    };
                    Some(Way::InRecord(&of.id, of.kept.iter().find(is_it)?))
                }),
                _ => None,
            }
        };
        found().unwrap_or(Way::InPlace)
    }

    /// The list that names a record at this place, without it.
    fn list_without(&self, was: &Was, span: Span, field: Vec<String>) -> Result<ListPlace, Why> {
        let root = yaml::parse(self.project.workspace.sources(), span.file, &mut Vec::new());
        let keys = root.as_ref().and_then(|root| edit::keys_to_list(root, span)).ok_or(Why::PlaceUnclear)?;
        let list = keys.iter().try_fold(root.as_ref(), |node, key| Some(node?.get(key))).flatten();
        let items = list.and_then(yaml::Node::as_list).unwrap_or_default();
        let others = items.iter().filter(|item| item.span != span).map(yaml::Node::to_json).collect();
        let listed = was.listed.as_deref().ok_or(Why::PlaceUnclear)?;
        Ok(ListPlace { others, value: listed.to_owned(), field })
    }

    /// Where the integration itself would set it.
    fn own_place(&self, value: &ProposedValue) -> Result<EditPlace, Why> {
        let own = self.own.get(&value.integration).map(Vec::as_slice).unwrap_or_default();
        let way = self.way(value);
        let (category, path): (&str, SettingPath) = match (&way, value.path.segments()) {
            (Way::Before(was), [_, record, _]) if was.listed.is_none() => {
                (&value.category, [&*was.from, &**record].iter().collect())
            }
            (Way::Before(was), _) => (&value.category, SettingPath::root().child(&was.from)),
            (Way::InRecord(category, kept), [_, record]) => {
                (category, [&*kept.records, &**record, &*kept.field].iter().collect())
            }
            _ => (&value.category, value.path.clone()),
        };
        let endings = [format!("/settings/{category}.yaml"), format!("/settings/{category}.yml")];
        let split = own.iter().find(|file| endings.iter().any(|ending| file.ends_with(ending)));
        let (file, head): (_, Vec<String>) = match split.filter(|_| own.len() > 1) {
            Some(file) => (file.clone(), Vec::new()),
            None => (own.first().ok_or(Why::NoFile)?.clone(), keys_to(category).map(str::to_owned).collect()),
        };
        let below = |path: &SettingPath| -> Vec<String> {
            head.iter().cloned().chain(path.segments().iter().map(ToString::to_string)).collect()
        };
        let list = match (&way, self.origin(value)) {
            (Way::Before(was), Some(span)) if was.listed.is_some() => {
                Some(self.list_without(was, span, below(&value.path))?)
            }
            _ => None,
        };
        Ok(EditPlace { file, keys: below(&path), inside: path.segments().len(), list })
    }

    /// The text of a file as far as it was edited.
    fn current<'t>(&'t self, files: &'t Files, path: &str) -> &'t str {
        let sources = self.project.workspace.sources();
        let unedited = || sources.by_path(path).map(|file| sources.file(file).text());
        files.get(path).map(String::as_str).or_else(unedited).unwrap_or_default()
    }

    fn edit(
        &self,
        files: &mut Files,
        place: EditPlace,
        value: &ProposedValue,
    ) -> Result<(), edit::EditError> {
        let text = self.current(files, &place.file);
        let keys: Vec<&str> = place.keys.iter().map(String::as_str).collect();
        if let Some(list) = &place.list {
            let edited = edit_list(text, &keys, list, value)?;
            files.insert(place.file, edited);
            return Ok(());
        }
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new(place.file.clone(), text));
        let root = yaml::parse(&sources, file, &mut Vec::new());
        let old = keys.iter().try_fold(root.as_ref(), |node, key| Some(node?.get(key))).flatten();
        let edited = match (&value.value, old) {
            (Some(value), old) => edit::set(text, &keys, &as_written(value, old)),
            (None, Some(_)) => edit::remove(text, emptied(root.as_ref(), &keys, place.inside)),
            (None, None) => edit::set(text, &keys, &Json::Null),
        }?;
        files.insert(place.file, edited);
        Ok(())
    }

    /// The errors that the edited project has and this one has not.
    fn new_errors<'c>(&self, after: &'c Compilation) -> Vec<&'c Finding> {
        let known: Vec<_> = errors(&self.project.compilation).map(key).collect();
        errors(after).filter(|finding| !known.contains(&key(finding))).collect()
    }

    /// Proves that every setting has its value, and that nothing else moved but other integrations that share what was
    /// edited where it is set: these are named.
    fn prove(&self, after: &Compilation, made: &[ProposedValue], files: &Files) -> Result<BTreeSet<String>> {
        let mut others = BTreeSet::new();
        let mut by_integration: BTreeMap<&str, Vec<&ProposedValue>> = BTreeMap::new();
        for value in made {
            by_integration.entry(&value.integration).or_default().push(value);
        }
        let shares = self.destination == Destination::WhereSet;
        for before in &self.project.compilation.integrations {
            let mine = by_integration.get(before.name.as_str()).map(Vec::as_slice).unwrap_or_default();
            let Some(wrong) = unlike(before, after.find(&before.name), mine) else { continue };
            if mine.is_empty() && shares {
                others.insert(before.name.clone());
                continue;
            }
            return Err(refused(format!("{wrong} would not be what is deployed")));
        }
        // Those that were not selected may extend what is edited too.
        let compilation = &self.project.compilation;
        let unselected = compilation.names.iter().filter(|name| compilation.find(name).is_none());
        let unselected: Vec<String> = unselected.cloned().collect();
        if shares && !unselected.is_empty() {
            let before = compile_with(self.project, &Files::new(), &unselected);
            let after = compile_with(self.project, files, &unselected);
            let moved = |one: &&Compiled| {
                after.find(&one.name).map(|other| &other.configuration.categories)
                    != Some(&one.configuration.categories)
            };
            others.extend(before.integrations.iter().filter(moved).map(|one| one.name.clone()));
        }
        Ok(others)
    }
}

fn errors(compilation: &Compilation) -> impl Iterator<Item = &Finding> {
    compilation.findings.iter().filter(|finding| finding.severity == Severity::Error)
}

/// What a finding says, as far as edits do not move it.
fn key(finding: &Finding) -> (&'static str, &str, &About) {
    (finding.code.id, &finding.message, &finding.about)
}

/// The first setting of an integration that is not as it was before with some values made so.
fn unlike(before: &Compiled, after: Option<&Compiled>, made: &[&ProposedValue]) -> Option<String> {
    let mut expected = before.configuration.categories.clone();
    for value in made {
        let settings = Arc::make_mut(expected.entry(value.category.clone()).or_default());
        match &value.value {
            Some(to) => settings.insert(value.path.clone(), without_fingerprint(to)),
            None => settings.remove(&value.path),
        };
    }
    let mut found = after.map(|compiled| compiled.configuration.categories.clone()).unwrap_or_default();
    for value in made.iter().filter(|value| value.value.is_none()) {
        if let Some(settings) = found.get_mut(&value.category)
            && settings.get(&value.path) == Some(&Value::Null)
        {
            Arc::make_mut(settings).remove(&value.path);
        }
    }
    if found == expected {
        return None;
    }
    let differs = expected.iter().find_map(|(category, settings)| {
        let found = found.get(category)?;
        let (path, _) = settings.iter().find(|(path, value)| found.get(*path) != Some(*value))?;
        Some(format!("{}: {category}.{path}", before.name))
    });
    Some(differs.unwrap_or_else(|| before.name.clone()))
}

/// The values without those that make the files wrong: one that the schema does not take, or a part of something that is not
/// whole without the rest.
fn without_refused(
    made: Vec<ProposedValue>,
    new: &[&Finding],
    left: &mut Vec<Left>,
) -> Result<Vec<ProposedValue>> {
    let before = made.len();
    let mut kept = Vec::new();
    for value in made {
        let is_about = |finding: &&&Finding| {
            let setting = finding.about.setting.as_deref().and_then(SettingPath::parse);
            let mine = finding.about.integration.as_ref() == Some(&value.integration)
                || finding.also.contains(&value.integration);
            let touches =
                |setting: &SettingPath| setting.starts_with(&value.path) || value.path.starts_with(setting);
            mine && finding.about.category.as_deref() == Some(&*value.category)
                && setting.as_ref().is_none_or(touches)
        };
        match new.iter().find(is_about) {
            Some(finding) => left.push(value.left(Why::FilesWrong(finding.message.clone()))),
            None => kept.push(value),
        }
    }
    match new.first() {
        Some(first) if kept.len() == before => {
            Err(refused(format!("they would be wrong: {}", first.message)))
        }
        _ => Ok(kept),
    }
}

fn desired<'a>(compilation: &'a Compilation, value: &ProposedValue) -> Option<&'a Value> {
    compilation.find(&value.integration)?.configuration.categories.get(&value.category)?.get(&value.path)
}

/// The text in which a list does not name a record any more, and the record says what it is to say.
fn edit_list(
    text: &str,
    keys: &[&str],
    list: &ListPlace,
    value: &ProposedValue,
) -> Result<String, edit::EditError> {
    if matches!(&value.value, Some(Value::Text(text)) if *text == list.value) {
        return Ok(text.to_owned());
    }
    // A list without items would reset what others name.
    let text = match list.others.as_slice() {
        [] => edit::remove(text, keys)?,
        others => edit::set(text, keys, &Json::Array(others.to_vec()))?,
    };
    let field: Vec<&str> = list.field.iter().map(String::as_str).collect();
    match &value.value {
        Some(value) => edit::set(&text, &field, &written(value)),
        None => Ok(text),
    }
}

/// The keys to what goes with a setting: the row or group of which it is all there is. So many of the keys lie within its
/// category.
fn emptied<'k>(root: Option<&yaml::Node>, keys: &'k [&'k str], inside: usize) -> &'k [&'k str] {
    let category = keys.len().saturating_sub(inside);
    let mut gone = keys;
    while gone.len() > category + 1 {
        let parent = &gone[..gone.len() - 1];
        let map = parent
            .iter()
            .try_fold(root, |node, key| Some(node?.get(key)))
            .flatten()
            .and_then(yaml::Node::as_map);
        if map.is_none_or(|map| map.len() != 1 || map.replaces()) {
            break;
        }
        gone = parent;
    }
    gone
}

/// The value as a file says it: a code stays a number where it was one.
fn as_written(value: &Value, old: Option<&yaml::Node>) -> Json {
    if let (Value::Text(text), Some(yaml::NodeKind::Number(_))) = (value, old.map(|node| &node.kind))
        && let Ok(number) = text.parse::<u64>()
        && number.to_string() == *text
    {
        return number.into();
    }
    written(value)
}

/// A text that is no expression, whatever it holds.
fn literal(text: &str) -> String {
    if !text.contains("{{") && !text.contains("{%") {
        return text.to_owned();
    }
    let mut out = String::new();
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        match (c, rest.peek()) {
            ('{', Some('{' | '%' | '#')) => out.push_str("{{ '{' }}"),
            _ => out.push(c),
        }
    }
    out
}
