//! What integrations say that judges them or leads out of the project: levels and addresses. Read for a comparison, from all
//! that their layers say, before anything is judged.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::compose::{self, Composer};
use super::levels::{Floor, Levels};
use super::project::Manifest;
use crate::source::{Sources, Span};
use crate::yaml::{Node, NodeKind};

/// What one integration says.
#[derive(Debug)]
pub struct Outward {
    pub levels: Levels,
    /// Connector, connection and field to a text and its place.
    pub connections: BTreeMap<(String, String, String), (String, Span)>,
    /// What it was called before.
    pub former: Option<String>,
    /// Where the integration is named.
    pub place: Span,
}

/// What these integrations say in an environment, by name.
#[must_use]
pub fn read(
    sources: &Sources,
    project: &Manifest,
    environment: Option<&str>,
    names: &BTreeSet<&str>,
) -> BTreeMap<String, Outward> {
    let environment = environment.filter(|name| project.environments.contains_key(*name));
    let composer = Composer::read(sources, environment, project, &mut Vec::new());
    let names: Vec<&str> = names.iter().copied().collect();
    let all = names.into_par_iter().filter_map(|name| {
        let composed = composer.compose(composer.at(name)?);
        let said = Outward {
            levels: Levels::of(&composed.root),
            connections: connections(&composed.root),
            former: compose::renamed_from(&composed.root).map(|former| former.text),
            place: composed.place,
        };
        Some((name.to_owned(), said))
    });
    all.collect()
}

/// The levels of a base of a comparison that is called so.
#[must_use]
pub fn floor(
    name: &str,
    sources: &Sources,
    project: &Manifest,
    environment: Option<&str>,
    names: &BTreeSet<&str>,
) -> Floor {
    let said = read(sources, project, environment, names);
    let own = said.into_iter().filter(|(_, said)| !said.levels.is_empty());
    Floor {
        name: name.to_owned(),
        project: project.levels.clone(),
        own: own.map(|(name, said)| (name, said.levels)).collect(),
    }
}

/// All fields of all connections that are one text; of a reference, what it names.
fn connections(root: &Node) -> BTreeMap<(String, String, String), (String, Span)> {
    fn entries(node: Option<&Node>) -> impl Iterator<Item = (&str, Span, &Node)> {
        let entries = node.and_then(Node::as_map).into_iter().flat_map(|map| map.entries());
        entries.map(|entry| (&*entry.key.text, entry.key.span, &entry.value))
    }
    let mut found = BTreeMap::new();
    for (connector, _, declared) in entries(root.get("connectors")) {
        for (connection, _, fields) in entries(declared.get("connections")) {
            for (field, at, value) in entries(Some(fields)) {
                let reference = value.get("secret").and_then(Node::as_text);
                let text = match &value.kind {
                    NodeKind::Text(text) | NodeKind::Number(text) => Some(text.to_string()),
                    _ => reference.map(|reference| format!("secret {reference}")),
                };
                if let Some(text) = text {
                    let key = (connector.to_owned(), connection.to_owned(), field.to_owned());
                    found.insert(key, (text, at));
                }
            }
        }
    }
    found
}
