//! Values that a setting admits and that are hardly meant there. Which these are, and why, is data: `x-doubtful`. A row by kind of
//! customer and place is judged as the older setting for the same customers is.

use serde_json::Value as Json;

use super::context::{Context, category_entry};
use super::customers::home_country;
use super::values::code;
use crate::compile::days;
use crate::diagnostic::codes::across as codes;
use crate::diagnostic::codes::rules::UNTAXED_CONSUMERS;
use crate::diagnostic::{Finding, nearest};
use crate::model::SettingPath;
use crate::model::customers::{Key, Region};
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
            rows(context, category, &trail, map, findings);
        } else if let Some(doubtful) = schema.get("x-doubtful").or_else(|| schema.get("x-known")) {
            let values = entry.value.as_list().unwrap_or(std::slice::from_ref(&entry.value));
            let judged =
                values.iter().filter_map(|one| judge(context, category, (schema, doubtful), &trail, one));
            findings.extend(judged);
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
    let slip = nearly_known(schema, value);
    let (why, usual) = match &slip {
        Some((why, near)) => (why.as_str(), Some(*near)),
        None => (text(doubtful, value), None),
    };
    let name = trail.keys().join(".");
    let (_, path) = context.known(&category.id, &name).filter(|_| !why.is_empty())?;
    let usual = usual.or(Some(text(schema, "default"))).filter(|usual| !usual.is_empty());
    let finding = codes::doubtful_value(&name, value, why, usual, node.span);
    Some(finding.about(context.about(&category.id, &path)))
}

/// What the platform has, where any text may stand and one is written that is nearly that.
fn nearly_known<'s>(schema: &'s Json, value: &str) -> Option<(String, &'s str)> {
    let known = schema.get("x-known")?.as_array()?;
    let known: Vec<&str> = known.iter().filter_map(Json::as_str).collect();
    if known.contains(&value) {
        return None;
    }
    let near = nearest(value, known.iter().copied());
    let ends = || known.iter().copied().find(|known| value.ends_with(&format!("-{known}")));
    let near = near.or_else(ends)?;
    Some((format!("it is nearly `{near}`, which the platform has"), near))
}

/// Rows of a setting in whose place older ones stood.
fn rows(
    context: &Context<'_>,
    category: &Category,
    trail: &Trail<'_>,
    map: &Map,
    findings: &mut Vec<Finding>,
) {
    let name = trail.keys().join(".");
    let older = |key: &str| {
        let stands_for = |schema: &Json| {
            let keys = schema.get("x-stands-for").and_then(|of| of.get(&name)?.as_array());
            keys.is_some_and(|keys| keys.iter().any(|one| one.as_str() == Some(key)))
        };
        category.settings.iter().map(|setting| &setting.schema).find(|schema| stands_for(schema))
    };
    for entry in map.entries() {
        let Some(key) = customers_at(context, &entry.key.text) else { continue };
        let Some((schema, doubtful)) =
            older(&key).and_then(|schema| Some((schema, schema.get("x-doubtful")?)))
        else {
            continue;
        };
        for (_, value) in days::rows(&entry.value) {
            let Some((said, why)) = code(value).map(|said| (said, text(doubtful, said))) else { continue };
            if why.is_empty() {
                continue;
            }
            let usual = Some(text(schema, "default")).filter(|usual| !usual.is_empty());
            let path: SettingPath = trail.keys().into_iter().chain([&*entry.key.text]).collect();
            let about = context.about(&category.id, &path);
            // Who is treated like those who pay no VAT has been told so of the row.
            let is_told = |one: &Finding| one.code == &UNTAXED_CONSUMERS && one.about == about;
            if findings.iter().any(is_told) {
                continue;
            }
            let setting = format!("{name}.{}", entry.key.text);
            let finding = codes::doubtful_value(&setting, said, why, usual, value.span);
            findings.push(finding.about(about));
        }
    }
}

/// The kind and the region that a row is for, such as `b2c-EU`. One for a kind alone is for those at home too; where a country lies is
/// not known while home is not.
fn customers_at(context: &Context<'_>, key: &str) -> Option<String> {
    let key = Key::parse(key)?;
    let region = match (key.region, key.country) {
        (Some(region), _) => region,
        (None, None) => Region::Home,
        (None, Some(country)) if !context.vat.is_eu(country) && home_country(context) != Some(country) => {
            Region::Outside
        }
        (None, Some(country)) if home_country(context)? == country => Region::Home,
        (None, Some(_)) => Region::Eu,
    };
    Some(format!("{}-{}", key.kind.key(), region.key()))
}
