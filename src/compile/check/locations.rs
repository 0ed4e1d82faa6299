//! The location mapping of stock: two warehouses for one location, locations that no warehouse fills, and settings that it
//! replaces.

use std::collections::HashMap;

use super::context::Context;
use super::values::code;
use crate::diagnostic::codes::across as codes;
use crate::diagnostic::{Finding, list_words};
use crate::model::SettingPath;
use crate::schema::options_of;
use crate::yaml::Entry;

const STOCK: &str = "stock";
const MAP: &str = "location_map";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let rows: Vec<&Entry> = context.rows(STOCK, MAP).collect();
    if rows.is_empty() {
        return;
    }
    let written = context.choice(STOCK, "direction") != Some("shop_to_erp");
    let mut first: HashMap<&str, Vec<&Entry>> = HashMap::new();
    let mut order: Vec<&str> = Vec::new();
    for row in &rows {
        let Some(location) = code(&row.value) else { continue };
        let same = first.entry(location).or_default();
        if same.is_empty() {
            order.push(location);
        }
        same.push(row);
    }
    for location in order {
        let [one, .., last] = first[location].as_slice() else { continue };
        let names: Vec<&str> = first[location].iter().map(|row| &*row.key.text).collect();
        let path = SettingPath::root().child(MAP).child(&last.key.text);
        let finding = codes::location_twice(
            location,
            &list_words(&names, "and"),
            written,
            last.value.span,
            one.value.span,
        );
        findings.push(finding.about(context.about(STOCK, &path)));
    }
    findings.extend(left_out(context, &rows, written));
    findings.extend(replaced(context));
}

/// Locations of the shop that the mapping does not name. Silent until the list is known.
fn left_out(context: &Context<'_>, rows: &[&Entry], written: bool) -> Option<Finding> {
    let (map, path) = context.known(STOCK, MAP)?;
    let (connector, name) = options_of(map.schema.get("additionalProperties")?)?;
    let set = context.view.set(connector, name)?;
    let is_named = |value: &str| rows.iter().any(|row| code(&row.value) == Some(value));
    let missing: Vec<String> = set
        .choices
        .iter()
        .filter(|choice| choice.active && !is_named(&choice.value))
        .map(|choice| format!("{} ({})", choice.label, choice.value))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let title = context.view.set_title(connector, name);
    let at = context.key_of(STOCK, &path);
    let finding = codes::location_left_out(&missing, &title, &set.fetched, written, at);
    Some(finding.about(context.about(STOCK, &path)))
}

/// Settings that do nothing beside the mapping. A base may serve integrations without one.
fn replaced(context: &Context<'_>) -> Option<Finding> {
    let map = context.written(STOCK, MAP)?;
    let beside = ["source_locations", "target_location"].into_iter().filter_map(|name| {
        let node = context.written(STOCK, name)?;
        (node.span.file == map.span.file || context.own(node.span)).then_some((name, node))
    });
    let beside: Vec<_> = beside.collect();
    let (name, _) = beside.first()?;
    let path = SettingPath::root().child(name);
    let names: Vec<String> = beside.iter().map(|(name, _)| format!("`{name}`")).collect();
    let key = |name: &str| context.key_of(STOCK, &SettingPath::root().child(name));
    let finding = codes::replaced_by_map(&names, &format!("`{MAP}`"), key(name), key(MAP));
    Some(finding.about(context.about(STOCK, &path)))
}
