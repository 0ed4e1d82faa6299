//! Scopes that the flows, settings and webhooks of an integration need, and that its connection does not list. Silent where
//! it lists none: nobody can tell then what was given.

use std::collections::BTreeMap;

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::model::{CONNECTORS, SettingPath, WEBHOOKS};
use crate::schema::{Connector, Scoped};
use crate::yaml::{Map, Node};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for connector in context.connectors() {
        findings.extend(missing(context, connector));
    }
}

/// Whether all payouts that are booked are those of payment providers, and none the shop's own.
fn are_elsewhere(context: &Context<'_>) -> bool {
    let is_provider = |name: &str| context.pair.payments.iter().any(|provider| provider.id == *name);
    let mut rows = context.rows("payment_methods", "payout.map").peekable();
    rows.peek().is_some() && rows.all(|row| is_provider(&row.key.text))
}

fn missing(context: &Context<'_>, connector: &Connector) -> Option<Finding> {
    let scopes = connector.platform.scopes.as_ref()?;
    let field = scopes.field.as_deref()?;
    let (active, connection) = context.connection(connector)?;
    let listed = connection.get(field)?;
    let given = scopes.with_included(listed.as_list()?.iter().filter_map(Node::as_text));
    // What needs each scope that is not given, in the order in which it is found.
    let mut needed: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut need = |scope: &'_ str, why: &str| {
        if let Some((scope, _)) = scopes.known.get_key_value(scope).filter(|_| !given.contains(scope)) {
            let reasons = needed.entry(scope).or_default();
            if !reasons.iter().any(|reason| reason == why) {
                reasons.push(why.to_owned());
            }
        }
    };
    for flow in &context.pair.flows {
        // The shop is not asked for payouts where those of connected providers alone are booked.
        let is_elsewhere =
            flow.id == "payouts" && connector.id == context.pair.shop.id && are_elsewhere(context);
        if context.flow_is_on(&flow.id) == Some(true) && !is_elsewhere {
            let why = format!("the flow `{}`", flow.id);
            connector.scopes_of_flow(flow).iter().for_each(|scope| need(scope, &why));
        }
    }
    for Scoped { category, name, scopes } in context.pair.scoped(connector) {
        if context.written(category, name).is_some_and(|node| !context.is_usual(category, name, node)) {
            let why = format!("`{category}.{name}`");
            scopes.iter().for_each(|scope| need(scope, &why));
        }
    }
    let webhooks = context.root.get(WEBHOOKS).filter(|_| !context.is_unmanaged(WEBHOOKS));
    for entry in webhooks.and_then(Node::as_map).into_iter().flat_map(Map::entries) {
        let says = |key: &str| entry.value.get(key).and_then(Node::as_text);
        let off = entry.value.get("enabled").and_then(Node::as_bool) == Some(false);
        if off || says("connector") != Some(&*connector.id) {
            continue;
        }
        let why = format!("the webhook `{}`", entry.key.text);
        let topic = says("topic").and_then(|topic| connector.platform.topics.get(topic));
        topic.into_iter().flat_map(|topic| &topic.scopes).for_each(|scope| need(scope, &why));
    }
    if needed.is_empty() {
        return None;
    }
    let needed: Vec<(&str, Vec<String>)> = needed.into_iter().collect();
    let path: SettingPath = [connector.id.as_str(), "connections", active.as_text()?, field].iter().collect();
    let finding = codes::scope_missing(&connector.title, &needed, scopes.more.as_deref(), listed.span);
    Some(finding.about(context.about(CONNECTORS, &path)))
}
