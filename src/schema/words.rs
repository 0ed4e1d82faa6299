//! A setting in words: what kind of field it is, when it is required, when it takes effect.

use super::keywords::{days_name, former_names, options_of, text};
use super::pair::{Category, Pair, Required, Setting};
use crate::model::GENERAL;
use serde_json::Value as Json;

/// What there is to know of a setting, as name and words; its type is [`kind`].
#[must_use]
pub fn facts(category: &Category, setting: &Setting) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(default) = &setting.default {
        facts.push(("Default", default.to_string()));
    }
    facts.extend(limits(&setting.schema));
    facts.extend(days(&setting.schema));
    let rows = setting.schema.pointer("/additionalProperties/properties");
    let fields = rows.or_else(|| setting.schema.get("properties").filter(|_| has_fields(&setting.schema)));
    for (name, field) in fields.and_then(Json::as_object).into_iter().flatten() {
        facts.push(("Field", format!("`{name}`: {}. {}", text(field, "title"), text(field, "description"))));
    }
    facts.push(("Required", required(category, setting)));
    let effect = match text(&setting.schema, "x-effect") {
        "" if category.id == GENERAL => "immediately",
        "immediately" => "immediately",
        "new-import" => "for records imported from then on",
        _ => "at the next sync; what was synced already keeps its old values",
    };
    facts.push(("Takes effect", effect.to_owned()));
    let former: Vec<String> = former_names(&setting.schema).map(|name| format!("`{name}`")).collect();
    if !former.is_empty() {
        facts.push(("Former name", crate::diagnostic::list_words(&former, "and")));
    }
    let sure = match text(&setting.schema, "x-evidence") {
        "verified" => "the vendor's documents say it",
        "second-hand" => "others than the vendor say it",
        "unverified" => "what the platform does here was not checked",
        _ => "",
    };
    if !sure.is_empty() {
        facts.push(("How sure", sure.to_owned()));
    }
    if setting.deprecated {
        facts.push(("Deprecated", "yes; it is read, and means the same in its new place".to_owned()));
    }
    facts
}

/// How a value that may have days is written with them.
fn days(schema: &Json) -> Option<(&'static str, String)> {
    let rows = schema.get("additionalProperties").unwrap_or(schema);
    let holder = [schema, rows].into_iter().find(|schema| schema.get("x-days").is_some())?;
    let value = days_name(holder).map_or_else(|| "…".to_owned(), |name| format!("{name}: …"));
    let several = days_name(holder).map_or("", |_| ", or a list of such records");
    Some((
        "Days",
        format!("`{{{value}, from: 2026-01-01, until: 2026-12-31}}`{several}; either day may be left out"),
    ))
}

fn limits(schema: &Json) -> Option<(&'static str, String)> {
    let number = |key: &str| schema.get(key).map(Json::to_string);
    match (number("minimum"), number("maximum")) {
        (Some(least), Some(most)) => Some(("Range", format!("{least} to {most}"))),
        (Some(least), None) => Some(("Range", format!("{least} or more"))),
        (None, Some(most)) => Some(("Range", format!("up to {most}"))),
        (None, None) => None,
    }
}

/// What kind of field the setting is, in the words of the Settings page.
#[must_use]
pub fn kind(pair: &Pair, setting: &Setting) -> String {
    let schema = &setting.schema;
    let types = schema.get("type");
    let first =
        types.and_then(|types| types.as_str().or_else(|| types.as_array()?.first()?.as_str())).unwrap_or("");
    if let Some((connector, set)) = options_of(schema) {
        let multi = if first == "array" { "multi-select dropdown" } else { "dropdown" };
        return format!("{multi} of {}", set_title(pair, connector, set));
    }
    match first {
        _ if schema.get("x-secret").is_some() => "credential".to_owned(),
        _ if schema.get("enum").is_some() => "dropdown".to_owned(),
        "boolean" => "toggle".to_owned(),
        "string" if text(schema, "format") == "date" => "date".to_owned(),
        "array" if schema.pointer("/items/enum").is_some() => "multi-select dropdown".to_owned(),
        "array" => "list of texts".to_owned(),
        "object" => mapping(pair, schema),
        "integer" if text(schema, "x-code").is_empty() => "whole number".to_owned(),
        "number" if text(schema, "x-code").is_empty() => "number".to_owned(),
        _ => "text".to_owned(),
    }
}

/// A group of settings or a record, and no mapping; what a value with days or a credential is made of are no fields.
fn has_fields(schema: &Json) -> bool {
    let mapping = schema.get("additionalProperties").is_some_and(Json::is_object);
    !mapping && !["x-secret", "x-days"].iter().any(|key| schema.get(*key).is_some())
}

fn mapping(pair: &Pair, schema: &Json) -> String {
    if let Some(fields) = schema.get("properties").and_then(Json::as_object).filter(|_| has_fields(schema)) {
        let fields: Vec<String> = fields.keys().map(|field| format!("`{field}`")).collect();
        return format!("group of {}", crate::diagnostic::list_words(&fields, "and"));
    }
    let rows = schema.get("additionalProperties").unwrap_or(schema);
    match options_of(rows) {
        Some((connector, set)) => format!("mapping to {}", set_title(pair, connector, set)),
        None => match rows.get("properties").and_then(Json::as_object) {
            Some(fields) => {
                let fields: Vec<String> = fields.keys().map(|field| format!("`{field}`")).collect();
                format!("mapping to records of {}", crate::diagnostic::list_words(&fields, "and"))
            }
            None => "mapping".to_owned(),
        },
    }
}

/// "Fortnox terms of payment".
#[must_use]
pub fn set_title(pair: &Pair, connector: &str, set: &str) -> String {
    let Some(connector) = pair.connector(connector) else { return set.replace('_', " ") };
    let title = connector.description.pointer(&format!("/options/{set}/title")).and_then(Json::as_str);
    format!("{} {}", connector.title, title.map_or_else(|| set.replace('_', " "), str::to_owned))
}

/// `no`, `yes`, or `yes, while …`.
#[must_use]
pub fn required(category: &Category, setting: &Setting) -> String {
    let Required::Yes { when, unless } = &setting.required else { return "no".to_owned() };
    let conditions = when.iter().map(|condition| {
        let values: Vec<String> = condition.values.iter().map(bare).collect();
        format!("`{}.{}` is {}", condition.on.category, condition.on.path, values.join(" or "))
    });
    let mut held: Vec<String> = conditions.collect();
    let flows =
        if setting.flows.is_empty() { category.flows.as_deref().unwrap_or_default() } else { &setting.flows };
    if !flows.is_empty() {
        held.push(format!("{} is on", flows.join(" or ")));
    }
    let held = if held.is_empty() { None } else { Some(format!("while {}", held.join(" and "))) };
    let unless =
        unless.iter().map(|reference| format!("unless `{}.{}` is set", reference.category, reference.path));
    let said: Vec<String> = std::iter::once("yes".to_owned()).chain(held).chain(unless).collect();
    said.join(", ")
}

fn bare(value: &Json) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}
