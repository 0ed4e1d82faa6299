//! From the places in which settings stood before to those that they have now (`x-was`), and from records to the mappings that
//! keep some of their fields (`x-kept-in`), in one composed document. Each value keeps its place in the files.
//!
//! Done before anything is judged, so that rules, checks and plans know one place only. Two places that say different things
//! are a finding; what has not the form that it needs stays where it is, for the schema to judge. For settings as they are
//! deployed, `schema::present` does the same.

use crate::diagnostic::codes::rules as codes;
use crate::diagnostic::{About, Finding};
use crate::model::category::SETTINGS;
use crate::model::{Name, SettingPath};
use crate::schema::records::{Kept, Was};
use crate::schema::{Category, Pair};
use crate::source::Span;
use crate::yaml::{Entry, Key, Map, Node, NodeKind};

/// Carries the settings of a document over. Answers with the categories in which some stood in a place that they had before.
pub fn carry(root: &mut Node, pair: &Pair, integration: &str, findings: &mut Vec<Finding>) -> Vec<Name> {
    let mut carried = Vec::new();
    let Some(settings) = root.as_map_mut().and_then(|map| map.get_mut(SETTINGS)) else { return carried };
    let Some(settings) = settings.value.as_map_mut() else { return carried };
    for category in &pair.settings {
        let mut at_odds = Vec::new();
        if let Some(map) = map_in(settings, &category.id) {
            let moved = category.was.iter().filter(|was| into_records(map, was, &mut at_odds)).count();
            carried.extend((moved > 0).then(|| category.id.clone()));
        }
        for kept in &category.kept {
            let (rows, resets) =
                map_in(settings, &category.id).map(|map| take_field(map, kept)).unwrap_or_default();
            keep(settings, kept, rows, &mut at_odds);
            reset(settings, kept, resets);
        }
        findings.extend(at_odds.into_iter().map(|odds| odds.finding(integration, category)));
    }
    carried
}

/// The fields that a setting stands for where it stood before; none where it has not the form that it needs, or says nothing.
#[must_use]
pub fn fields_of(was: &Was, value: &Node) -> Option<Vec<Field>> {
    match (&was.listed, &value.kind) {
        (None, NodeKind::Map(rows)) if !rows.is_empty() => {
            let field = |entry: &Entry| Field { record: entry.key.clone(), value: entry.value.clone() };
            Some(rows.entries().iter().map(field).collect())
        }
        (Some(listed), NodeKind::List(items)) if !items.is_empty() => {
            let mut fields: Vec<Field> = Vec::with_capacity(items.len());
            for item in items {
                let record = name_of(item)?;
                if fields.iter().any(|field| *field.record.text == *record) {
                    return None;
                }
                let value = Node { span: item.span, kind: NodeKind::Text(listed.clone()) };
                fields.push(Field { record: Key { text: record.into(), span: item.span }, value });
            }
            Some(fields)
        }
        _ => None,
    }
}

/// What a setting says of one record.
#[derive(Debug, Clone)]
pub struct Field {
    pub record: Key,
    pub value: Node,
}

/// The record that an item of a list names.
fn name_of(item: &Node) -> Option<&str> {
    match &item.kind {
        NodeKind::Text(text) if !text.trim().is_empty() => Some(text),
        // With a zero at its head it is not known which was meant.
        NodeKind::Number(text) if super::codes::is_plain_number(text) => Some(text),
        _ => None,
    }
}

fn map_in<'a>(map: &'a mut Map, key: &str) -> Option<&'a mut Map> {
    map.get_mut(key)?.value.as_map_mut()
}

/// A record and another place that say different things.
pub(super) struct Odds {
    path: SettingPath,
    /// Where the record says it.
    at: Span,
    other: String,
    other_at: Span,
    /// It is no record either, but a list of before: the file means what it meant.
    is_before: bool,
}

impl Odds {
    fn finding(self, integration: &str, category: &Category) -> Finding {
        let about = About {
            integration: Some(integration.to_owned()),
            category: Some(category.id.to_string()),
            setting: Some(self.path.to_string()),
        };
        let path = self.path.to_string();
        codes::said_otherwise(&path, &self.other, self.is_before, self.at, self.other_at).about(about)
    }
}

/// Moves what a setting said of records into them; false where it said nothing that can be moved.
pub(super) fn into_records(map: &mut Map, was: &Was, at_odds: &mut Vec<Odds>) -> bool {
    let Some(entry) = map.get_mut(&was.from) else { return false };
    if was.listed.is_some() && entry.value.as_list().is_some_and(<[Node]>::is_empty) {
        // A list without an item names no record: none of them keeps the field.
        entry.value.kind = NodeKind::Null;
        return false;
    }
    let Some(fields) = fields_of(was, &entry.value) else { return false };
    let (key, span) = (entry.key.span, entry.value.span);
    if map.get(&was.records).is_none() {
        let key = Key { text: was.records.clone(), span: key };
        map.insert(Entry { key, value: Node { span, kind: NodeKind::Map(Map::new()) } });
    }
    let Some(records) = map.get_mut(&was.records) else { return false };
    if records.value.is_null() {
        let (path, at) = (SettingPath::root().child(&was.records), records.key.span);
        at_odds.push(Odds { path, at, other: was.from.to_string(), other_at: key, is_before: false });
    }
    let Some(records) = records.value.as_map_mut() else { return false };
    for Field { record, value } in fields {
        let (at, path) = (record.span, [&*was.records, &*record.text, &*was.field].iter().collect());
        let other = if was.listed.is_some() {
            was.from.to_string()
        } else {
            SettingPath::root().child(&was.from).child(&record.text).to_string()
        };
        let field = Entry { key: Key { text: was.field.clone(), span: at }, value };
        put(records, record, field, Odds { path, at, other, other_at: at, is_before: false }, at_odds);
    }
    map.remove(&was.from);
    true
}

/// Puts a field into a record, unless the record has it already.
fn put(records: &mut Map, record: Key, field: Entry, mut odds: Odds, at_odds: &mut Vec<Odds>) {
    let Some(row) = records.get_mut(&record.text) else {
        let span = field.value.span;
        let value = Node { span, kind: NodeKind::Map(std::iter::once(field).collect()) };
        records.insert(Entry { key: record, value });
        return;
    };
    odds.at = row.key.span;
    match &mut row.value.kind {
        NodeKind::Map(fields) => match fields.get(&field.key.text) {
            Some(said) if is_told(&said.value, &field.value) && !agree(&said.value, &field.value) => {
                odds.at = said.value.span;
                // A field has a key of its own but where an item of a list stands for it.
                odds.is_before = said.key.span == said.value.span;
                at_odds.push(odds);
            }
            Some(_) => {}
            None => fields.insert(field),
        },
        NodeKind::Null => at_odds.push(odds),
        // What is no record has its own finding.
        _ => {}
    }
}

/// Whether a record says something that another place may contradict; what no field can hold is for the schema to judge.
fn is_told(value: &Node, other: &Node) -> bool {
    match &value.kind {
        NodeKind::Number(text) => super::codes::is_plain_number(text),
        NodeKind::Bool(_) => other.as_bool().is_some(),
        NodeKind::Text(_) | NodeKind::Null => true,
        NodeKind::List(_) | NodeKind::Map(_) | NodeKind::Hole => false,
    }
}

/// Whether two values say the same; a code may be written as number or as text.
fn agree(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (NodeKind::Text(one) | NodeKind::Number(one), NodeKind::Text(other) | NodeKind::Number(other)) => {
            one == other
        }
        (NodeKind::Hole, _) | (_, NodeKind::Hole) => true,
        _ => one.to_json() == other.to_json(),
    }
}

/// Takes a field out of all records, as rows: the key of each is the record, at the place of the field. And rows of the records
/// that are reset as a whole.
fn take_field(map: &mut Map, kept: &Kept) -> (Vec<Entry>, Vec<Entry>) {
    let (mut rows, mut resets) = (Vec::new(), Vec::new());
    let Some(records) = map_in(map, &kept.records) else { return (rows, resets) };
    for record in records.entries_mut() {
        let row = |span: Span, value: Node| Entry { key: Key { text: record.key.text.clone(), span }, value };
        match &mut record.value.kind {
            NodeKind::Map(fields) if fields.get(&kept.field).is_some() => {
                rows.extend(fields.remove(&kept.field).map(|field| row(field.key.span, field.value)));
            }
            NodeKind::Null => resets.push(row(record.key.span, record.value.clone())),
            _ => {}
        }
    }
    (rows, resets)
}

/// Puts rows into the mapping that keeps a field of records.
fn keep(settings: &mut Map, kept: &Kept, rows: Vec<Entry>, at_odds: &mut Vec<Odds>) {
    for row in rows {
        let span = row.key.span;
        let nothing = |text: &str| Entry {
            key: Key { text: text.into(), span },
            value: Node { span, kind: NodeKind::Map(Map::new()) },
        };
        if settings.get(&kept.category).is_none() {
            settings.insert(nothing(&kept.category));
        }
        let Some(map) = map_in(settings, &kept.category) else { return };
        if map.get(&kept.mapping).is_none() {
            map.insert(nothing(&kept.mapping));
        }
        let Some(mapping) = map.get_mut(&kept.mapping) else { return };
        let path = [&*kept.records, &*row.key.text, &*kept.field].iter().collect();
        let other =
            format!("{}.{}", kept.category, SettingPath::root().child(&kept.mapping).child(&row.key.text));
        let mut odds = Odds { path, at: row.value.span, other, other_at: mapping.key.span, is_before: false };
        match &mut mapping.value.kind {
            NodeKind::Map(mapping) => match mapping.get(&row.key.text) {
                Some(said) if !is_told(&row.value, &said.value) => mapping.insert(row),
                None => mapping.insert(row),
                Some(said) if !agree(&said.value, &row.value) => {
                    odds.other_at = said.value.span;
                    at_odds.push(odds);
                }
                Some(_) => {}
            },
            NodeKind::Null if !row.value.is_null() => at_odds.push(odds),
            _ => {}
        }
    }
}

/// The reset of a record is one of all its fields, wherever they are kept.
fn reset(settings: &mut Map, kept: &Kept, resets: Vec<Entry>) {
    let mapping = map_in(settings, &kept.category).and_then(|map| map_in(map, &kept.mapping));
    let Some(mapping) = mapping.filter(|mapping| !mapping.is_empty()) else { return };
    for row in resets {
        if mapping.get(&row.key.text).is_none() {
            mapping.insert(row);
        }
    }
}
