//! Values that a setting admits and that are hardly meant there. Which these are, and why, is data: `x-doubtful`.

use serde_json::Value as Json;

use super::context::{Context, category_entry};
use super::values::code;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::schema::{Category, text};
use crate::yaml::{Map, Node, Trail};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for category in &context.pair.settings {
        if let Some(map) = category_entry(context.root, &category.id).and_then(|entry| entry.value.as_map()) {
            walk(context, category, &category.schema, &Trail::default(), map, findings);
        }
    }
}

/// Only what is written is looked up.
fn walk(
    context: &Context<'_>,
    category: &Category,
    schema: &Json,
    trail: &Trail<'_>,
    map: &Map,
    findings: &mut Vec<Finding>,
) {
    let Some(known) = schema.get("properties") else { return };
    for entry in map.entries() {
        let Some(schema) = known.get(&*entry.key.text) else { continue };
        let trail = trail.below(&entry.key.text);
        if let Some(map) = entry.value.as_map() {
            walk(context, category, schema, &trail, map, findings);
        } else if let Some(doubtful) = schema.get("x-doubtful") {
            findings.extend(judge(context, category, (schema, doubtful), &trail, &entry.value));
        }
    }
}

fn judge(
    context: &Context<'_>,
    category: &Category,
    (schema, doubtful): (&Json, &Json),
    trail: &Trail<'_>,
    node: &Node,
) -> Option<Finding> {
    let value = code(node)?;
    let why = text(doubtful, value);
    let name = trail.keys().join(".");
    let (_, path) = context.known(&category.id, &name).filter(|_| !why.is_empty())?;
    let usual = Some(text(schema, "default")).filter(|usual| !usual.is_empty());
    let finding = codes::doubtful_value(&name, value, why, usual, node.span);
    Some(finding.about(context.about(&category.id, &path)))
}
