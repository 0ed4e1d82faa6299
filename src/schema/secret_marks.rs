//! What a schema calls secret, in a document that is judged by it.
//!
//! The marks are those of the standard (`writeOnly`, `format: password`) and those that tools have in common; the list is
//! in `docs/language.md`. Which keys sound like a credential is known in [`crate::model::credential`].

use std::collections::{BTreeSet, HashSet};

use serde_json::Value as Json;

use super::references::{Documents, Spot};
use crate::diagnostic::nearest;
use crate::source::Span;
use crate::yaml::{Node, NodeKind};

/// Keywords that mark a secret when they are true.
const MARKS: [&str; 7] =
    ["x-secret", "writeOnly", "airbyte_secret", "sensitive", "x-sensitive", "secret", "x-airbyte-secret"];

/// Whether a schema says of what it describes that it is secret.
pub(super) fn is_marked(schema: &Json) -> bool {
    MARKS.iter().any(|mark| schema.get(*mark) == Some(&Json::Bool(true)))
        || schema.get("format").and_then(Json::as_str) == Some("password")
}

/// The names of all properties that a schema marks, wherever they stand.
pub(super) fn names(documents: &Documents) -> BTreeSet<String> {
    fn walk(documents: &Documents, spot: &Spot<'_>, into: &mut BTreeSet<String>) {
        match spot.schema {
            Json::Object(map) => {
                for (name, inner) in spot.named("properties") {
                    if marks(documents, &inner) {
                        into.insert(name.to_owned());
                    }
                }
                for key in map.keys() {
                    spot.child(key).iter().for_each(|inner| walk(documents, inner, into));
                }
            }
            Json::Array(items) => {
                let inner = (0..items.len()).filter_map(|at| spot.child(&at.to_string()));
                inner.for_each(|inner| walk(documents, &inner, into));
            }
            _ => {}
        }
    }
    let mut found = BTreeSet::new();
    documents.roots().for_each(|root| walk(documents, &root, &mut found));
    found
}

/// Whether a schema, or a part of it that a reference leads to, marks what it describes.
pub(super) fn marks(documents: &Documents, spot: &Spot<'_>) -> bool {
    documents.with_parts(spot).iter().any(|part| is_marked(part.schema))
}

/// Whether anything in the documents is marked at all.
pub(super) fn any(documents: &Documents) -> bool {
    fn walk(json: &Json) -> bool {
        match json {
            Json::Object(map) => is_marked(json) || map.values().any(walk),
            Json::Array(items) => items.iter().any(walk),
            _ => false,
        }
    }
    documents.iter().any(walk)
}

/// The places in a document of the values that its schema marks, of which these are the names.
pub(super) fn find(documents: &Documents, names: &BTreeSet<String>, root: &Node) -> Vec<Span> {
    let Some(schema) = documents.root().filter(|_| any(documents)) else { return Vec::new() };
    let mut search = Search { documents, seen: HashSet::new(), described: HashSet::new(), found: Vec::new() };
    search.look(root, &schema);
    search.elsewhere(root, names);
    search.found.sort_unstable();
    search.found.dedup();
    search.found
}

struct Search<'a> {
    documents: &'a Documents,
    /// Values and the schemas that they were held against.
    seen: HashSet<(usize, usize)>,
    /// Values of which the schema says something where they stand.
    described: HashSet<usize>,
    found: Vec<Span>,
}

/// All that holds, or may hold, of the same value.
const BESIDE: [&str; 5] = ["allOf", "anyOf", "oneOf", "if", "then"];

impl<'a> Search<'a> {
    fn look(&mut self, node: &Node, spot: &Spot<'a>) {
        let pair = (address(node), std::ptr::from_ref(spot.schema) as usize);
        if !spot.schema.is_object() || !self.seen.insert(pair) {
            return;
        }
        if is_marked(spot.schema) {
            scalars(node, &mut self.found);
            return;
        }
        if let Some(next) = self.documents.followed(spot) {
            self.look(node, &next);
        }
        for key in BESIDE.into_iter().chain(["else"]) {
            for member in spot.members(key).into_iter().chain(spot.child(key)) {
                self.look(node, &member);
            }
        }
        for key in ["dependentSchemas", "dependencies"] {
            for (_, member) in spot.named(key) {
                self.look(node, &member);
            }
        }
        match &node.kind {
            NodeKind::Map(map) => {
                let properties = spot.named("properties");
                let secret: Vec<&str> = properties
                    .iter()
                    .filter(|(_, inner)| marks(self.documents, inner))
                    .map(|(name, _)| *name)
                    .collect();
                for entry in map.entries() {
                    let key = &*entry.key.text;
                    let own = spot.child("properties").and_then(|all| all.child(key));
                    let patterns = spot.named("patternProperties");
                    let fitting = patterns.iter().filter(|(pattern, _)| fits(pattern, key));
                    let mut known = own.is_some();
                    for inner in own.iter().chain(fitting.map(|(_, inner)| inner)) {
                        known = true;
                        self.described.insert(address(&entry.value));
                        self.look(&entry.value, inner);
                    }
                    if known {
                        continue;
                    }
                    for rest in ["additionalProperties", "unevaluatedProperties"] {
                        if let Some(inner) = spot.child(rest) {
                            self.look(&entry.value, &inner);
                        }
                    }
                    // A secret's name with a slip in it holds a secret all the same.
                    if nearest(key, secret.iter().copied()).is_some() {
                        scalars(&entry.value, &mut self.found);
                    }
                }
            }
            NodeKind::List(items) => {
                let first = spot.members("prefixItems");
                let first = if first.is_empty() { spot.members("items") } else { first };
                for (item, inner) in items.iter().zip(&first) {
                    self.look(item, inner);
                }
                for key in ["items", "additionalItems", "unevaluatedItems", "contains"] {
                    if let Some(inner) = spot.child(key).filter(|inner| inner.schema.is_object()) {
                        items.iter().for_each(|item| self.look(item, &inner));
                    }
                }
            }
            NodeKind::Text(_) | NodeKind::Number(_) => {
                // One value where a map that holds a secret, or a list of secrets, is needed.
                let inner = spot.named("properties");
                let items = spot.child("items").into_iter();
                if inner
                    .iter()
                    .map(|(_, inner)| inner)
                    .chain(&items.collect::<Vec<_>>())
                    .any(|inner| marks(self.documents, inner))
                {
                    self.found.push(node.span);
                }
            }
            _ => {}
        }
    }

    /// A secret's key that stands where the schema does not know it, such as under another parent, holds the secret all the same.
    fn elsewhere(&mut self, node: &Node, names: &BTreeSet<String>) {
        match &node.kind {
            NodeKind::Map(map) => {
                for entry in map.entries() {
                    let is_known = self.described.contains(&address(&entry.value));
                    let key = &*entry.key.text;
                    if !is_known && names.contains(key) {
                        scalars(&entry.value, &mut self.found);
                    } else {
                        self.elsewhere(&entry.value, names);
                    }
                }
            }
            NodeKind::List(items) => items.iter().for_each(|item| self.elsewhere(item, names)),
            _ => {}
        }
    }
}

/// What tells one value of a document from another.
fn address(node: &Node) -> usize {
    std::ptr::from_ref(node) as usize
}

/// Whether a key is one of those that a pattern names; one that cannot be read may name any.
fn fits(pattern: &str, key: &str) -> bool {
    let judged = jsonschema::options().build(&serde_json::json!({"pattern": pattern}));
    judged.map_or(true, |judged| judged.is_valid(&Json::from(key)))
}

/// Keys are never hidden, values below a secret's are.
fn scalars(node: &Node, into: &mut Vec<Span>) {
    match &node.kind {
        NodeKind::Map(map) => map.entries().iter().for_each(|entry| scalars(&entry.value, into)),
        NodeKind::List(items) => items.iter().for_each(|item| scalars(item, into)),
        NodeKind::Text(_) | NodeKind::Number(_) => into.push(node.span),
        NodeKind::Null | NodeKind::Bool(_) | NodeKind::Hole => {}
    }
}
