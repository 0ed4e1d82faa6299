//! A setting in words: what kind of field it is, when it is required, when it takes effect.

use super::keywords::{days_name, former_names, options_of, text};
use super::pair::{Category, Connector, Pair, Required, Setting};
use super::platform::End;
use crate::diagnostic::list_words;
use crate::model::GENERAL;
use serde_json::Value as Json;

/// What there is to know of a setting, as name and words; its type is [`kind`].
#[must_use]
pub fn facts(pair: &Pair, category: &Category, setting: &Setting) -> Vec<(&'static str, String)> {
    let mut facts = Vec::new();
    if let Some(default) = &setting.default {
        facts.push(("Default", default.to_string()));
    }
    facts.extend(limits(&setting.schema));
    facts.extend(days(&setting.schema));
    facts.extend(inside(pair, &setting.schema));
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
        facts.push(("Former name", list_words(&former, "and")));
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

/// What a mapping or a record holds: its keys, its fields and theirs, and which of them go together.
#[must_use]
pub fn inside(pair: &Pair, schema: &Json) -> Vec<(&'static str, String)> {
    let mut facts: Vec<(&'static str, String)> = Vec::new();
    facts.extend(keys(pair, schema).map(|keys| ("Keys", keys)));
    let record = record(schema);
    fields(pair, record, "", &mut facts);
    facts.extend(needs(record).map(|needs| ("Needs", needs)));
    facts
}

/// The fields of what is a record, and below each, by its path, those of the records in it; `*` is any key of a mapping.
fn fields(pair: &Pair, record: &Json, above: &str, facts: &mut Vec<(&'static str, String)>) {
    let of = record.get("properties").filter(|_| has_fields(record)).and_then(Json::as_object);
    let required = record.get("required").and_then(Json::as_array);
    for (name, field) in of.into_iter().flatten() {
        let is_required = required.is_some_and(|all| all.iter().any(|one| one == name.as_str()));
        let kind = kind_of(pair, field);
        let kind = if is_required { format!("{kind}, required") } else { kind };
        let mut said = format!("`{above}{name}`: {} ({kind}).", text(field, "title"));
        let mut add = |sentence: &str| {
            let end = if sentence.ends_with(['.', '!', '?']) { "" } else { "." };
            said.push_str(&format!(" {sentence}{end}"));
        };
        add(text(field, "description"));
        let allowed: Vec<String> = choices(field).into_iter().map(choice).collect();
        if !allowed.is_empty() {
            add(&format!("Allowed: {}", allowed.join(", ")));
        }
        keys(pair, field).iter().for_each(|keys| add(&format!("Keys: {keys}")));
        limits(field).iter().for_each(|(name, limits)| add(&format!("{name}: {limits}")));
        field.get("default").iter().for_each(|default| add(&format!("Default: {}", bare(default))));
        days(field).iter().for_each(|(name, days)| add(&format!("{name}: {days}")));
        let inner = self::record(field);
        needs(inner).iter().for_each(|needs| add(&format!("Needs: {needs}")));
        facts.push(("Field", said));
        let star = if std::ptr::eq(inner, field) { "" } else { "*." };
        fields(pair, inner, &format!("{above}{name}.{star}"), facts);
    }
}

/// What a row of a mapping is, or the schema itself.
fn record(schema: &Json) -> &Json {
    schema.get("additionalProperties").filter(|rows| rows.is_object()).unwrap_or(schema)
}

/// The keys that a mapping takes.
fn keys(pair: &Pair, schema: &Json) -> Option<String> {
    let names = schema.get("propertyNames");
    let listed = names.and_then(|names| names.get("enum")?.as_array());
    if let Some(listed) = listed {
        let labels = |key: &str| names.and_then(|names| names.get("x-labels")?.get(key)?.as_str());
        let labels = |key: &str| labels(key).or_else(|| schema.get("x-labels")?.get(key)?.as_str());
        let keys = listed.iter().filter_map(Json::as_str);
        let keys: Vec<String> = keys.map(|key| choice((key, labels(key).unwrap_or("")))).collect();
        return Some(keys.join(", "));
    }
    if let Some((connector, set)) = key_set(schema) {
        return Some(format!("{}; any other text is taken too", set_title(pair, connector, set)));
    }
    Some(text(names?, "x-message")).filter(|said| !said.is_empty()).map(str::to_owned)
}

/// Where the keys of a mapping come from.
fn key_set(schema: &Json) -> Option<(&str, &str)> {
    schema.get("x-keys")?.as_str()?.split_once('.')
}

/// Which fields of a record go together, as it tells whoever leaves one out.
fn needs(record: &Json) -> Option<String> {
    let all = record.get("allOf").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let own = (record.get("properties").is_some() && has_fields(record)).then_some(record);
    let said = own.into_iter().chain(all).map(|one| text(one, "x-message"));
    let said: Vec<&str> = said.filter(|said| !said.is_empty()).collect();
    (!said.is_empty()).then(|| said.join("; "))
}

/// The values of a dropdown that has fixed ones, or of the rows of a mapping, each with its label or nothing.
#[must_use]
pub fn choices(schema: &Json) -> Vec<(&str, &str)> {
    let holders = [Some(schema), schema.get("items"), schema.get("additionalProperties")];
    let Some(holder) = holders.into_iter().flatten().find(|one| one.get("enum").is_some()) else {
        return Vec::new();
    };
    let label = |value: &str| holder.get("x-labels")?.get(value)?.as_str();
    let values = holder.get("enum").and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str);
    values.map(|value| (value, label(value).unwrap_or(""))).collect()
}

fn choice((value, label): (&str, &str)) -> String {
    format!("`{value}` {label}").trim_end().to_owned()
}

/// A topic of webhooks, the flows that it can start and the scopes that it needs.
pub type Topic<'a> = (&'a str, Vec<&'a str>, &'a [String]);

/// The topics of a platform's webhooks, in the order in which it lists them.
#[must_use]
pub fn topics(connector: &Connector) -> Vec<Topic<'_>> {
    let listed = connector.description.get("topics").and_then(Json::as_object);
    let names = listed.into_iter().flat_map(serde_json::Map::keys).map(String::as_str);
    let topic = |name| connector.platform.topics.get(name);
    names
        .filter_map(|name| Some((name, topic(name)?)))
        .map(|(name, topic)| (name, topic.flows().collect(), &*topic.scopes))
        .collect()
}

/// What there is to know of a platform's webhooks beside their topics, in sentences; why there are none, where there are none.
#[must_use]
pub fn webhooks(connector: &Connector) -> Vec<String> {
    let part = &connector.description;
    let Some(webhooks) = connector.platform.webhooks.as_ref().filter(|_| !topics(connector).is_empty())
    else {
        let why = text(part, "no_webhooks");
        let none = format!("{} offers no webhooks", connector.title);
        return vec![format!("{}.", if why.is_empty() { &none } else { why }.trim_end_matches('.'))];
    };
    let mut said = Vec::new();
    let secrets: Vec<String> = webhooks
        .verification()
        .iter()
        .filter_map(|way| Some(format!("`{}`", way.secret.as_deref()?)))
        .collect();
    said.push(match secrets.as_slice() {
        [] => "Its messages are not signed.".to_owned(),
        secrets => format!(
            "Its messages are verified by {} of the connection, or by the webhook's own `secret`.",
            list_words(secrets, "or")
        ),
    });
    if let Some(pattern) = part.get("topic_pattern").and_then(Json::as_str) {
        said.push(format!("Other topics that fit `{pattern}` are taken too."));
    }
    said.extend(
        Some(text(&part["webhooks"], "lifecycle").trim()).filter(|said| !said.is_empty()).map(str::to_owned),
    );
    if let Some(gives_up) = &webhooks.gives_up {
        let then = match gives_up.then {
            End::Deleted => "it is deleted",
            End::Disabled => "it is disabled",
            End::Lost => "the message is lost",
        };
        let within = gives_up.within.as_deref().map(|time| format!(" within {time}"));
        match (gives_up.failures, within) {
            (Some(failures), within) => {
                said.push(format!("After {failures} failures{} {then}.", within.unwrap_or_default()));
            }
            (None, Some(within)) => said.push(format!("Where no message is taken{within} {then}.")),
            (None, None) => {}
        }
    }
    said
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
    kind_of(pair, &setting.schema)
}

fn kind_of(pair: &Pair, schema: &Json) -> String {
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
    !mapping && schema.get("x-secret").is_none() && days_name(schema).is_none()
}

fn mapping(pair: &Pair, schema: &Json) -> String {
    if let Some(fields) = schema.get("properties").and_then(Json::as_object).filter(|_| has_fields(schema)) {
        let fields: Vec<String> = fields.keys().map(|field| format!("`{field}`")).collect();
        return format!("group of {}", list_words(&fields, "and"));
    }
    let rows = schema.get("additionalProperties").unwrap_or(schema);
    let of = key_set(schema).map(|(connector, set)| format!(" of {}", set_title(pair, connector, set)));
    let of = of.unwrap_or_default();
    match options_of(rows) {
        Some((connector, set)) => format!("mapping{of} to {}", set_title(pair, connector, set)),
        None => match rows.get("properties").and_then(Json::as_object).filter(|_| has_fields(rows)) {
            Some(fields) => {
                let fields: Vec<String> = fields.keys().map(|field| format!("`{field}`")).collect();
                format!("mapping{of} to records of {}", list_words(&fields, "and"))
            }
            None if rows.get("additionalProperties").is_some_and(Json::is_object) => {
                format!("mapping{of} to rows, each a {}", mapping(pair, rows))
            }
            None => format!("mapping{of}"),
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
