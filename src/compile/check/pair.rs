//! The pair that an integration names.

use std::sync::Arc;

use crate::compile::compose::{Composed, missing_pair};
use crate::diagnostic::codes::{compose as codes, schema};
use crate::diagnostic::{About, Finding, nearest};
use crate::model::{CONNECTORS, WEBHOOKS};
use crate::schema::Pair;
use crate::schema::parts::Catalogue;
use crate::yaml::NodeKind;

/// Finds the pair of a document, with the payment providers that it names, or says why there is none.
pub fn find(composed: &Composed, catalogue: &Catalogue, findings: &mut Vec<Finding>) -> Option<Arc<Pair>> {
    let about = About { integration: Some(composed.name.clone()), ..About::default() };
    let map = composed.root.as_map()?;
    // Under a misspelt key it is found all the same, and the schema says so.
    let misspelt = || map.entries().iter().find(|entry| nearest(&entry.key.text, ["pair"]).is_some());
    // Nothing but a pair is called as one.
    let names_pair =
        |text: &str| text.contains('-') && catalogue.names("pairs").iter().any(|name| name == text);
    let by_value = || {
        let mut named = map.entries().iter().filter(|entry| &*entry.key.text != "integration");
        named.find(|entry| entry.value.as_text().is_some_and(names_pair))
    };
    let Some(entry) = map.get("pair").or_else(misspelt).or_else(by_value) else {
        if !composed.incomplete {
            findings.push(missing_pair(composed).about(about));
        }
        return None;
    };
    if entry.value.is_hole() {
        return None;
    }
    let Some(id) = entry.value.as_text() else {
        let (found, at) = match &entry.value.kind {
            NodeKind::Null => ("empty", entry.key.span),
            NodeKind::List(_) => ("a list", entry.value.span),
            NodeKind::Map(_) => ("a map", entry.value.span),
            _ => ("another kind of value", entry.value.span),
        };
        let finding = schema::wrong_type("pair", "the id of a pair", found, at).help(
            "write the two connectors in alphabetical order, joined by a hyphen, such as `fortnox-shopify`",
        );
        findings.push(finding.about(about));
        return None;
    };
    let connected = map.get(CONNECTORS).and_then(|entry| entry.value.as_map());
    let mut connectors: Vec<&str> =
        connected.into_iter().flat_map(|all| all.entries()).map(|entry| &*entry.key.text).collect();
    // Nothing is said of who connects a provider whose part has mistakes, as of those whose pair has.
    if connectors.iter().any(|connector| catalogue.is_broken_connector(connector)) {
        return None;
    }
    let webhooks = map.get(WEBHOOKS).and_then(|entry| entry.value.as_map());
    let webhooks = webhooks.into_iter().flat_map(|all| all.entries());
    connectors.extend(webhooks.filter_map(|webhook| webhook.value.get("connector")?.as_text()));
    let pair = catalogue.pair_beside(id, connectors);
    if pair.is_none() {
        let known = catalogue.names("pairs");
        let near = catalogue.pair_meant(id);
        // A pair that is there but could not be linked has its own finding at its file.
        let is_of = |name: &String| {
            let part = catalogue.part(&format!("pairs/{name}.yaml"));
            part.is_some_and(|part| crate::schema::text(&part, "pair") == id)
        };
        if !known.iter().any(|name| name == id || is_of(name)) {
            let connectors = catalogue.names("connectors");
            let named = |pair: &String| {
                connectors.iter().any(|connector| {
                    let stands = |id: &str| {
                        id.strip_prefix(connector.as_str()).is_some_and(|rest| rest.starts_with('-'))
                            || id.strip_suffix(connector.as_str()).is_some_and(|rest| rest.ends_with('-'))
                    };
                    stands(id) && stands(pair)
                })
            };
            let likely: Vec<String> = known.iter().filter(|pair| named(pair)).cloned().collect();
            let shown = if likely.is_empty() { &known } else { &likely };
            findings.push(codes::unknown_pair(id, near.as_deref(), shown, entry.value.span).about(about));
        }
    }
    pair
}
