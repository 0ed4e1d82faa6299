//! Values that a setting admits and that are hardly meant there, some of them while a condition holds: `x-doubtful` and
//! `x-doubtful-while`. Settings that do nothing while one does: `x-idle`. And rows without VAT while VAT is charged at home: `x-untaxed`.
//! Which these are, and why, is data. A row by kind of customer and place is judged as the older setting for the same customers is.

use serde_json::Value as Json;

use super::context::{Context, category_entry};
use super::customers::home_country;
use super::places;
use super::rates::ACCOUNTS;
use super::values::code;
use crate::compile::days;
use crate::diagnostic::codes::across as codes;
use crate::diagnostic::codes::rules::UNTAXED_CONSUMERS;
use crate::diagnostic::{Finding, nearest};
use crate::model::SettingPath;
use crate::model::customers::{Key, Region};
use crate::schema::{Category, text};
use crate::source::Span;
use crate::yaml::{Entry, Map, Node, Trail};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for category in &context.pair.settings {
        if let Some(map) = category_entry(context.root, &category.id).and_then(|entry| entry.value.as_map()) {
            let mut idle = Vec::new();
            walk(context, category, &category.schema, &Trail::default(), map, (findings, &mut idle));
            do_nothing(context, category, idle, findings);
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
    (findings, all_idle): (&mut Vec<Finding>, &mut Vec<Idle>),
) {
    let Some(known) = schema.get("properties") else { return };
    for entry in map.entries() {
        let Some(schema) = known.get(&*entry.key.text) else { continue };
        let trail = trail.below(&entry.key.text);
        if let Some(condition) = schema.get("x-idle") {
            all_idle.extend(idle(context, category, condition, &trail, entry));
        }
        if let Some(map) = entry.value.as_map() {
            walk(context, category, schema, &trail, map, (findings, all_idle));
            rows(context, category, &trail, map, findings);
            if schema.get("x-rates-of-places").is_some() {
                places::check(context, category, &trail, map, findings);
            }
        } else if let Some(untaxed) = schema.get("x-untaxed").and_then(Json::as_array) {
            findings.extend(without_vat(context, category, untaxed, &trail, &entry.value));
        } else if let Some(doubtful) = schema.get("x-doubtful").or_else(|| schema.get("x-known")) {
            let condition = schema.get("x-doubtful-while");
            if condition.is_some_and(|condition| context.held(condition).is_none()) {
                continue;
            }
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
    let toggle = node.as_bool().map(|on| if on { "true" } else { "false" });
    let value = code(node).or(toggle)?;
    let slip = nearly_known(schema, value);
    let (why, near) = match &slip {
        Some((why, near)) => (why.as_str(), Some(*near)),
        None => (text(doubtful, value), None),
    };
    let name = trail.keys().join(".");
    let (_, path) = context.known(&category.id, &name).filter(|_| !why.is_empty())?;
    let usual = schema.get("default").and_then(|usual| match usual {
        Json::Bool(on) => Some(if *on { "true" } else { "false" }),
        usual => usual.as_str(),
    });
    let usual = near.or(usual);
    let finding = codes::doubtful_value(&name, value, why, usual, node.span);
    let finding = match schema.get("x-doubtful-while").and_then(|condition| context.held(condition)?.written)
    {
        Some(written) => finding.related(written.span, "beside this"),
        None => finding,
    };
    Some(finding.about(context.about(&category.id, &path)))
}

/// A setting that does nothing, with what it does nothing beside.
struct Idle {
    name: String,
    path: SettingPath,
    at: Span,
    /// The other setting, its value and its place.
    beside: (String, String, Option<Span>),
}

/// One at its usual value was left as it is, and a base may serve integrations of both.
fn idle(
    context: &Context<'_>,
    category: &Category,
    condition: &Json,
    trail: &Trail<'_>,
    entry: &Entry,
) -> Option<Idle> {
    let name = trail.keys().join(".");
    let (_, path) = context.known(&category.id, &name)?;
    let node = context.written(&category.id, &name)?;
    let nothing = node.as_bool() == Some(false) || node.as_list().is_some_and(<[Node]>::is_empty);
    if nothing || context.is_usual(&category.id, &name, node) {
        return None;
    }
    let held = context.held(condition)?;
    let here = |other: &Node| other.span.file == node.span.file;
    if !context.own(node.span) && !held.written.is_some_and(here) {
        return None;
    }
    let beside = (held.name.to_owned(), held.value, held.written.map(|node| node.span));
    Some(Idle { name, path, at: entry.key.span, beside })
}

/// One finding for all that do nothing beside one setting.
fn do_nothing(context: &Context<'_>, category: &Category, mut idle: Vec<Idle>, findings: &mut Vec<Finding>) {
    while let Some(first) = idle.first() {
        let beside = first.beside.clone();
        let (same, others): (Vec<Idle>, Vec<Idle>) = idle.into_iter().partition(|one| one.beside == beside);
        let names: Vec<String> = same.iter().map(|one| format!("`{}`", one.name)).collect();
        let (mode, value, at) = beside;
        let finding = codes::idle_in_mode(&names, &mode, &value, same[0].at, at);
        findings.push(finding.about(context.about(&category.id, &same[0].path)));
        idle = others;
    }
}

/// Rows that carry no VAT, and an account for sales with VAT at home.
fn without_vat(
    context: &Context<'_>,
    category: &Category,
    untaxed: &[Json],
    trail: &Trail<'_>,
    node: &Node,
) -> Option<Finding> {
    let said = node.as_text().filter(|said| untaxed.iter().any(|one| one == said))?;
    let name = trail.keys().join(".");
    let (_, path) = context.known(&category.id, &name)?;
    let taxed = context.rows(ACCOUNTS, "home").find(|row| &*row.key.text != "0")?;
    let why = format!("sales at {} % have an account", taxed.key.text);
    let finding = codes::doubtful_value(&name, said, &why, None, node.span).related(taxed.key.span, "here");
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
