//! Names that people write: rows that differ in capitals or spaces alone, and countries and currencies that there are not.

use std::collections::HashMap;

use serde_json::Value as Json;

use super::context::{Context, category_entry};
use crate::diagnostic::codes::across as codes;
use crate::diagnostic::codes::payments;
use crate::diagnostic::{Finding, nearest};
use crate::model::customers::Key;
use crate::model::{countries, currencies};
use crate::schema::{Category, options_of};
use crate::source::Span;
use crate::yaml::{Entry, Map, Node, NodeKind, Trail};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for category in context.pair.settings.iter().filter(|category| context.is_judged(category)) {
        if let Some(entry) = category_entry(context.root, &category.id) {
            let mut walk = Walk { context, category, findings };
            walk.below(&category.schema, &Trail::default(), &entry.value);
        }
    }
}

struct Walk<'c, 'f> {
    context: &'c Context<'c>,
    category: &'c Category,
    findings: &'f mut Vec<Finding>,
}

impl Walk<'_, '_> {
    fn below(&mut self, schema: &Json, trail: &Trail<'_>, node: &Node) {
        match &node.kind {
            NodeKind::Map(map) => {
                let named = schema.get("properties");
                let rows = schema.get("additionalProperties").filter(|rows| rows.is_object());
                if rows.is_some() {
                    self.alike(trail, map);
                    if is_place(schema.get("propertyNames")) {
                        map.entries().iter().for_each(|row| self.country(trail, &row.key.text, row.key.span));
                    }
                    if is_currency_key(schema.get("propertyNames")) {
                        map.entries()
                            .iter()
                            .for_each(|row| self.currency(trail, &row.key.text, row.key.span));
                    }
                }
                for entry in map.entries() {
                    let inner = named.and_then(|named| named.get(&*entry.key.text)).or(rows);
                    if let Some(inner) = inner {
                        self.below(inner, &trail.below(&entry.key.text), &entry.value);
                    }
                }
            }
            NodeKind::List(items) if is_place(schema.get("items")) => {
                for item in items {
                    if let Some(country) = item.as_text() {
                        self.country(trail, country, item.span);
                    }
                }
            }
            NodeKind::Text(code) if self.is_currency(schema) => self.currency(trail, code, node.span),
            NodeKind::Text(country) if is_place(Some(schema)) => self.country(trail, country, node.span),
            _ => {}
        }
    }

    /// Rows whose names a platform or a person writes, and of which one is hardly another than the other.
    fn alike(&mut self, trail: &Trail<'_>, map: &Map) {
        let rows: Vec<&Entry> = map.entries().iter().filter(|row| !row.value.is_null()).collect();
        if rows.len() < 2 {
            return;
        }
        // Most maps are small, and nearly no two names are of one length.
        let mut seen: HashMap<String, &Entry> = HashMap::new();
        for (at, row) in rows.iter().enumerate() {
            let other = match rows.len() {
                0..=FEW => rows[..at].iter().copied().rfind(|other| same(&other.key.text, &row.key.text)),
                _ => seen.insert(folded(&row.key.text), row),
            };
            let Some(other) = other else { continue };
            let finding = codes::names_alike(&other.key.text, &row.key.text, row.key.span, other.key.span);
            let path = trail.below(&row.key.text).keys().into_iter().collect();
            self.findings.push(finding.about(self.context.about(&self.category.id, &path)));
        }
    }

    /// Whether a schema takes a currency of a list that is not known here.
    fn is_currency(&self, schema: &Json) -> bool {
        let of = options_of(schema).filter(|(_, set)| *set == CURRENCY);
        of.is_some_and(|(connector, set)| self.context.view.set(connector, set).is_none())
    }

    fn currency(&mut self, trail: &Trail<'_>, code: &str, at: Span) {
        if currencies::is_known(code) {
            return;
        }
        let near = nearest(code, currencies::all());
        let path = trail.keys().into_iter().collect();
        let finding = payments::unknown_currency(code, near, at);
        self.findings.push(finding.about(self.context.about(&self.category.id, &path)));
    }

    fn country(&mut self, trail: &Trail<'_>, written: &str, at: Span) {
        let code = Key::parse(written).map_or(Some(written), |key| key.country);
        let Some(code) = code.filter(|code| is_code(code) && !countries::is_known(code)) else { return };
        // One that is refused has been told so.
        if ["EL", "UK"].contains(&code) || self.context.vat.country(code).is_some() {
            return;
        }
        let path = trail.keys().into_iter().collect();
        let finding = codes::unknown_country(code, at);
        self.findings.push(finding.about(self.context.about(&self.category.id, &path)));
    }
}

fn is_code(text: &str) -> bool {
    text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Whether a schema takes any country: alone, or behind a kind of customer.
fn is_place(schema: Option<&Json>) -> bool {
    let pattern = schema.and_then(|schema| schema.get("pattern")?.as_str());
    pattern.is_some_and(|pattern| pattern.contains("[A-Z]{2}") && !pattern.contains("[A-Z]{2}[A-Z"))
}

/// Whether the keys of a mapping are currencies.
fn is_currency_key(schema: Option<&Json>) -> bool {
    schema.and_then(|schema| schema.get("pattern")?.as_str()) == Some("^[A-Z]{3}$")
}

/// The option set of currencies.
const CURRENCY: &str = "currency";

/// Up to so many rows each is compared with each.
const FEW: usize = 16;

fn same(one: &str, other: &str) -> bool {
    let has_spaces = |name: &str| name.contains(char::is_whitespace);
    let can_be = one.len() == other.len() || !one.is_ascii() || has_spaces(one) || has_spaces(other);
    can_be && folded(one) == folded(other)
}

fn folded(name: &str) -> String {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    words.join(" ")
}
