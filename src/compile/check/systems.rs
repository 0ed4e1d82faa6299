//! The systems that connections lead to: a test system in live mode, an address that was given up, and webhooks that nobody could verify.

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::model::{CONNECTORS, SettingPath, WEBHOOKS};
use crate::schema::Connector;
use crate::yaml::{Map, Node};

/// Words in a name that say what a system is for.
const FOR_TESTS: [&str; 13] = [
    "test",
    "tests",
    "testing",
    "sandbox",
    "staging",
    "stage",
    "dev",
    "development",
    "demo",
    "playground",
    "localhost",
    "qa",
    "uat",
];

/// Words that say it at the end of a name alone.
const AMBIGUOUS: [&str; 2] = ["stage", "demo"];

/// What such a word may be written together with.
const PLACES: [&str; 4] = ["store", "shop", "company", "site"];

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for connector in context.connectors() {
        if context.live {
            findings.extend(test_system(context, connector));
        }
        addresses(context, connector, findings);
        if !context.composed.incomplete {
            findings.extend(unsigned(context, connector));
        }
    }
}

fn is_for_tests(name: &str) -> bool {
    if name.contains("//127.0.0.1") || name.contains("//[::1]") {
        return true;
    }
    name.split('.').any(|label| {
        let words: Vec<&str> = label.split(|c: char| !c.is_alphanumeric()).collect();
        words.iter().enumerate().any(|(at, word)| {
            let word = word.to_lowercase();
            let word = word.trim_end_matches(|c: char| c.is_ascii_digit());
            let place = PLACES.iter().find_map(|place| word.strip_suffix(place));
            let place = place.filter(|rest| !rest.is_empty());
            // Lighting for stages, and records of demos, are goods.
            let is_sure = place.is_some() || !AMBIGUOUS.contains(&word) || at + 1 == words.len();
            is_sure && FOR_TESTS.contains(&place.unwrap_or(word))
        })
    })
}

/// By the connection's own name, or by a field that tells.
fn test_system(context: &Context<'_>, connector: &Connector) -> Option<Finding> {
    let (active, connection) = context.connection(connector)?;
    let name = active.as_text()?;
    if is_for_tests(name) {
        let path = [connector.id.as_str(), "active"].iter().collect();
        let finding =
            codes::test_system(&connector.title, &format!("the connection `{name}` is active"), active.span);
        return Some(finding.about(context.about(CONNECTORS, &path)));
    }
    let fields = connector.description.pointer("/connection/properties")?.as_object()?;
    let entry = connection.as_map()?.entries().iter().find(|entry| {
        let tells = fields.get(&*entry.key.text).is_some_and(|field| field.get("x-test").is_some());
        tells && entry.value.as_text().is_some_and(is_for_tests)
    })?;
    let path: SettingPath = [connector.id.as_str(), "connections", name, &*entry.key.text].iter().collect();
    let said = format!("`{}` is that of a test system", entry.key.text);
    let finding = codes::test_system(&connector.title, &said, entry.value.span);
    Some(finding.about(context.about(CONNECTORS, &path)))
}

/// Addresses of the active connection that the platform gave up, or is about to: data (`x-doubtful`), by what they begin with.
fn addresses(context: &Context<'_>, connector: &Connector, findings: &mut Vec<Finding>) {
    let fields =
        connector.description.pointer("/connection/properties").and_then(|fields| fields.as_object());
    let Some((fields, (active, connection))) = fields.zip(context.connection(connector)) else { return };
    for (field, schema) in fields {
        let Some(given_up) = schema.get("x-doubtful").and_then(|map| map.as_object()) else { continue };
        let Some(node) = connection.get(field) else { continue };
        let Some(address) = node.as_text().map(str::to_lowercase) else { continue };
        let is_of = |begin: &str| {
            address.strip_prefix(begin).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        let Some((begin, why)) = given_up.iter().find(|(begin, _)| is_of(begin)) else { continue };
        let path: SettingPath =
            [&*connector.id, "connections", active.as_text().unwrap_or_default(), field].iter().collect();
        let finding = codes::doubtful_value(field, begin, why.as_str().unwrap_or_default(), None, node.span);
        findings.push(finding.about(context.about(CONNECTORS, &path)));
    }
}

/// A webhook whose deliveries nobody can verify, since neither it nor the connection names a secret.
fn unsigned(context: &Context<'_>, connector: &Connector) -> Option<Finding> {
    let (active, connection) = context.connection(connector)?;
    let ways = connector.platform.webhooks.as_ref()?.verification();
    let fields: Vec<&str> = ways.iter().filter_map(|way| way.secret.as_deref()).collect();
    let is_given = |node: &Node, field: &str| node.get(field).is_some_and(|secret| !secret.is_null());
    // A platform that signs nothing leaves nothing to be done.
    let field = fields.first()?;
    if fields.iter().any(|field| is_given(connection, field)) || context.is_unmanaged(WEBHOOKS) {
        return None;
    }
    let webhooks = context.root.get(WEBHOOKS).and_then(Node::as_map).into_iter().flat_map(Map::entries);
    let entry = webhooks.into_iter().find(|entry| {
        let of_it = entry.value.get("connector").and_then(Node::as_text) == Some(&*connector.id);
        let off = entry.value.get("enabled").and_then(Node::as_bool) == Some(false);
        let starts =
            entry.value.get("flow").and_then(Node::as_text).is_some_and(|flow| context.flow_on(flow));
        of_it && !off && starts && !is_given(&entry.value, "secret")
    })?;
    let path = SettingPath::root().child(&entry.key.text);
    let finding = codes::unsigned_webhook(
        &connector.title,
        field,
        active.as_text().unwrap_or_default(),
        entry.key.span,
    );
    Some(finding.about(context.about(WEBHOOKS, &path)))
}
