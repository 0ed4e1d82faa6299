//! Where a location's stock comes from, beside where its orders are delivered from: what is sold there would never be counted down.

use super::context::Context;
use super::values::code;
use crate::diagnostic::codes::rules as codes;
use crate::diagnostic::{Finding, list_words};
use crate::model::SettingPath;
use crate::source::Span;
use crate::yaml::Node;

const LINES: &str = "order_lines";
const BY_LOCATION: &str = "warehouse_by_location";
const STOCK: &str = "stock";
const SHIPPING: &str = "shipping_methods";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.choice(STOCK, "direction") != Some("erp_to_shop") {
        return;
    }
    uncounted(context, findings);
    let Some(rows) = context.written_map(LINES, BY_LOCATION) else { return };
    for row in rows.entries() {
        let Some(warehouse) = code(&row.value) else { continue };
        let counted = counted(context, &row.key.text);
        let Some((_, at)) = counted.first() else { continue };
        if counted.iter().any(|(counted, _)| *counted == warehouse) {
            continue;
        }
        let names: Vec<&str> = counted.iter().map(|(counted, _)| *counted).collect();
        let finding = codes::delivered_from_elsewhere(
            &row.key.text,
            warehouse,
            &list_words(&names, "and"),
            row.value.span,
            *at,
        );
        let path = SettingPath::root().child(BY_LOCATION).child(&row.key.text);
        findings.push(finding.about(context.about(LINES, &path)));
    }
}

/// Warehouses that rows are delivered from, for whatever location, and whose stock is shown at none.
fn uncounted(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let all: Vec<(&str, Span)> = match context.written_map(STOCK, "location_map") {
        Some(map) => map.entries().iter().map(|row| (&*row.key.text, row.key.span)).collect(),
        None => {
            let sources = context.written(STOCK, "source_locations").and_then(Node::as_list);
            sources.unwrap_or_default().iter().filter_map(|node| Some((code(node)?, node.span))).collect()
        }
    };
    let Some((_, at)) = all.first() else { return };
    let names: Vec<&str> = all.iter().map(|(name, _)| *name).collect();
    let of_all = context.written(LINES, "stock_point");
    let of_all = of_all.map(|node| (LINES, SettingPath::root().child("stock_point"), node));
    let of_methods = context.rows(SHIPPING, "methods").filter_map(|row| {
        let path: SettingPath = ["methods", &*row.key.text, "warehouse"].iter().collect();
        Some((SHIPPING, path, row.value.get("warehouse").filter(|node| !node.is_null())?))
    });
    for (category, path, node) in of_all.into_iter().chain(of_methods) {
        let Some(warehouse) = code(node).filter(|warehouse| !names.contains(warehouse)) else { continue };
        let finding = codes::delivered_from_uncounted(warehouse, &list_words(&names, "and"), node.span, *at);
        findings.push(finding.about(context.about(category, &path)));
    }
}

/// Of a mapping of locations to the warehouses that deliver: the one whose stock is shown at a location.
pub(super) fn counted_at<'a>(
    context: &Context<'a>,
    mapping: &SettingPath,
    location: &str,
) -> Option<&'a str> {
    let is_it = matches!(mapping.segments(), [one] if **one == *BY_LOCATION);
    counted(context, location).first().filter(|_| is_it).map(|(warehouse, _)| *warehouse)
}

/// The warehouses whose stock is shown at a location, each with its place; none where the files do not say.
fn counted<'a>(context: &Context<'a>, location: &str) -> Vec<(&'a str, Span)> {
    if let Some(map) = context.written_map(STOCK, "location_map") {
        let rows = map.entries().iter().filter(|row| code(&row.value) == Some(location));
        return rows.map(|row| (&*row.key.text, row.key.span)).collect();
    }
    if context.written(STOCK, "target_location").and_then(code) != Some(location) {
        return Vec::new();
    }
    let sources = context.written(STOCK, "source_locations").and_then(Node::as_list).unwrap_or_default();
    sources.iter().filter_map(|node| Some((code(node)?, node.span))).collect()
}
