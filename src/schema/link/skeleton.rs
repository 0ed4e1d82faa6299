//! The whole document's schema: what is around the settings of a pair.

use serde_json::{Map, Value as Json, json};

use super::expand::{expand, expand_secret};
use super::sides::Sides;
use crate::model::TOP_LEVEL;
use crate::schema::keywords::text;
use crate::schema::pair::{Connector, Flow};
use crate::schema::part_files::PartFiles;

/// The document's schema with flows, connectors, topics and categories filled in; without what is required when.
pub(super) fn skeleton(
    parts: &PartFiles,
    sides: &Sides<'_>,
    flows: &[Flow],
    settings: Map<String, Json>,
) -> Json {
    let mut schema = Json::clone(&parts.part("document.yaml").unwrap_or_default());
    let flow_ids: Vec<&str> = flows.iter().map(|flow| flow.id.as_str()).collect();
    let properties = &mut schema["properties"];
    for flow in flows {
        properties["flows"]["properties"][&flow.id] = json!({
            "title": flow.title, "description": flow.description, "type": ["boolean", "null"], "default": flow.default,
        });
    }
    for connector in sides.connectors() {
        properties["connectors"]["properties"][&connector.id] = connector_schema(connector, sides);
    }
    let categories: Vec<&str> = settings.keys().map(String::as_str).chain(TOP_LEVEL).collect();
    properties["unmanaged"]["items"]["enum"] = json!(categories);
    // Put in whole: to copy a schema costs more than to judge a document by it.
    properties["settings"]["properties"] = Json::Object(settings);
    for (map, flow_key) in [("schedules", "flow"), ("webhooks", "flow")] {
        let row = &mut properties[map]["additionalProperties"];
        row["properties"][flow_key]["enum"] = json!(flow_ids);
        row["type"] = json!(["object", "null"]);
    }
    let webhook = &mut properties["webhooks"]["additionalProperties"];
    if let Some(secret) = webhook["properties"]["secret"].as_object_mut() {
        expand_secret(secret);
    }
    fill_topics(webhook, sides);
    schema
}

fn connector_schema(connector: &Connector, sides: &Sides<'_>) -> Json {
    let mut connection = connector.description.get("connection").cloned().unwrap_or_else(|| json!({}));
    connection["type"] = "object".into();
    connection["additionalProperties"] = false.into();
    if let Some(Json::Object(fields)) = connection.get_mut("properties") {
        for field in fields.values_mut() {
            expand(field, sides);
        }
    }
    let mut schema = json!({
        "title": connector.title,
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "active": {"title": format!("Active connection of {}", connector.title),
                "description": "The name of the connection that is used.", "type": "string", "minLength": 1, "x-required": true},
            "connections": {"title": format!("Connections of {}", connector.title),
                "description": "The named connections.", "type": "object"},
        },
    });
    schema["properties"]["connections"]["additionalProperties"] = connection;
    // One of the pair is required of every live integration; one that stands beside it, of those that connect it.
    if sides.payments.iter().any(|payment| payment.id == connector.id) {
        schema["required"] = json!(["active", "connections"]);
        schema["properties"]["active"].as_object_mut().map(|active| active.shift_remove("x-required"));
    }
    schema
}

fn fill_topics(webhook: &mut Json, sides: &Sides<'_>) {
    let mut senders = Vec::new();
    let mut rules = Vec::new();
    let mut refusals = Map::new();
    for connector in sides.connectors() {
        let topics =
            connector.description.get("topics").and_then(Json::as_object).filter(|topics| !topics.is_empty());
        let Some(topics) = topics else {
            let why = text(&connector.description, "no_webhooks");
            let why = if why.is_empty() {
                format!("{} offers no webhooks", connector.title)
            } else {
                why.to_owned()
            };
            refusals.insert(connector.id.clone(), why.into());
            continue;
        };
        senders.push(connector.id.as_str());
        let known = json!({"enum": topics.keys().collect::<Vec<_>>()});
        let topic = match connector.description.get("topic_pattern") {
            Some(pattern) => json!({"anyOf": [known, {"pattern": pattern}]}),
            None => known,
        };
        rules.push(json!({
            "if": {"type": "object", "properties": {"connector": {"const": connector.id}}, "required": ["connector"]},
            "then": {"properties": {"topic": topic}},
        }));
    }
    if !senders.is_empty() {
        webhook["properties"]["connector"]["enum"] = json!(senders);
        webhook["allOf"] = Json::Array(rules);
    }
    webhook["properties"]["connector"]["x-refusals"] = Json::Object(refusals);
}
