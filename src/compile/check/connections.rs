//! The active connection of each connector, and the account behind it.

use super::context::Context;
use crate::diagnostic::codes::rules as codes;
use crate::diagnostic::{Finding, nearest};
use crate::model::{CONNECTORS, SettingPath};
use crate::schema::Connector;
use crate::yaml::Node;

/// `active` must name a connection that is declared.
pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for connector in context.connectors() {
        let Some(declared) = context.root.get(CONNECTORS).and_then(|all| all.get(&connector.id)) else {
            continue;
        };
        let Some(active) = declared.get("active") else { continue };
        let Some(name) = active.as_text().filter(|name| !name.is_empty()) else { continue };
        let connections = declared.get("connections");
        if connections.is_some_and(|connections| connections.as_map().is_none()) {
            continue;
        }
        let connections = connections.and_then(Node::as_map);
        let known: Vec<&str> =
            connections.into_iter().flat_map(|map| map.entries()).map(|entry| &*entry.key.text).collect();
        if !known.contains(&name) {
            let near = nearest(name, known.iter().copied());
            let path: SettingPath = [connector.id.as_str(), "active"].iter().collect();
            let finding = codes::unknown_connection(name, &connector.title, &known, near, active.span);
            findings.push(finding.about(context.about(CONNECTORS, &path)));
        }
    }
}

/// What the active connection says of whose account it is: the connector's `account` field. Nothing when no connection
/// is declared anywhere; an account without a name, which has no lists, when this one cannot be told.
#[must_use]
pub fn account(root: &Node, connector: &Connector) -> Option<String> {
    let all = root.get(CONNECTORS)?;
    Some(named(all, connector).unwrap_or_default())
}

fn named(all: &Node, connector: &Connector) -> Option<String> {
    let declared = all.get(&connector.id)?;
    let active = declared.get("active")?.as_text()?;
    let connection = declared.get("connections")?.get(active)?;
    crate::options::account_of(&connector.description, &connection.to_json())
}
