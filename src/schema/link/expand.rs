//! From the vocabulary of parts to JSON Schema: the types, forms and keys that `x-` keywords imply.

use serde_json::{Map, Value as Json, json};

use super::sides::Sides;
use crate::model::days::{FROM, UNTIL};
use crate::schema::keywords::{REFERENCE, text};

/// Drops what the platforms do not offer, and gives every property the type that the vocabulary implies.
pub(super) fn expand_properties(schema: &mut Json, sides: &Sides<'_>) {
    let Some(Json::Object(properties)) = schema.get_mut("properties") else { return };
    properties.retain(|_, property| sides.offers(property));
    for property in properties.values_mut() {
        expand(property, sides);
        nullable(property);
    }
    // A group of which nothing is left is no group.
    properties.retain(|_, property| {
        property.get("properties").and_then(Json::as_object).is_none_or(|left| !left.is_empty())
    });
}

pub(super) fn expand(schema: &mut Json, sides: &Sides<'_>) {
    let Some(map) = schema.as_object_mut() else { return };
    if let Some(name) = map.get("x-options").and_then(Json::as_str).map(str::to_owned)
        && let Some((connector, set, description)) = sides.option_set(&name)
    {
        let code = if text(description, "value") == "integer" { "integer" } else { "text" };
        map.insert("x-options".to_owned(), format!("{}.{set}", connector.id).into());
        map.insert("x-code".to_owned(), code.into());
    }
    if let Some(name) = map.get("x-keys").and_then(Json::as_str).map(str::to_owned) {
        match sides.option_set(&name) {
            Some((connector, set, _)) => {
                map.insert("x-keys".to_owned(), format!("{}.{set}", connector.id).into())
            }
            None => map.shift_remove("x-keys"),
        };
    }
    if map.contains_key("x-code") && !map.contains_key("type") {
        expand_code(map);
    }
    if map.contains_key("x-secret") {
        // Its keys are no settings: none of them is reset by null.
        expand_secret(map);
        return;
    }
    if map.get("x-multiple") == Some(&Json::Bool(true)) {
        expand_multiple(map);
    }
    if map.get("x-days") == Some(&Json::Bool(true)) {
        let properties = map.entry("properties").or_insert_with(|| json!({}));
        if let Some(properties) = properties.as_object_mut() {
            properties.extend(days());
        }
    }
    if let Some(name) = map.get("x-days").and_then(Json::as_str).map(str::to_owned) {
        // The parts of a row with days are no settings, either.
        expand_days(map, &name);
        return;
    }
    if map.contains_key("properties") {
        map.entry("type").or_insert_with(|| "object".into());
        map.entry("additionalProperties").or_insert(Json::Bool(false));
        expand_properties(schema, sides);
    }
    if let Some(rows) = schema.get_mut("additionalProperties").filter(|rows| rows.is_object()) {
        expand(rows, sides);
        nullable(rows);
    }
    if let Some(items) =
        schema.get_mut("items").filter(|items| items.is_object() && items.get("type").is_none())
    {
        expand(items, sides);
    }
}

/// A code may be written as number or as text.
fn expand_code(map: &mut Map<String, Json>) {
    if map.get("x-code") == Some(&Json::from("integer")) {
        map.insert("type".to_owned(), json!(["integer", "string"]));
        map.entry("pattern").or_insert_with(|| "^[0-9]+$".into());
    } else {
        map.insert("type".to_owned(), json!(["string", "integer"]));
        map.entry("minLength").or_insert_with(|| 1.into());
    }
}

pub(super) fn expand_secret(map: &mut Map<String, Json>) {
    map.insert("type".to_owned(), "object".into());
    map.insert(
        "properties".to_owned(),
        json!({
            "secret": {"type": "string", "pattern": REFERENCE,
                "x-message": "a secret is `env/NAME`, `file/PATH`, `exec/NAME` or `vault/MOUNT/PATH#KEY`"},
            "fingerprint": {"type": ["string", "null"]},
        }),
    );
    map.insert("required".to_owned(), json!(["secret"]));
    map.insert("additionalProperties".to_owned(), false.into());
}

/// The days of a row, both of which may be left out.
fn days() -> Map<String, Json> {
    let day = |title: &str, description: &str| json!({"title": title, "description": description, "type": ["string", "null"], "format": "date"});
    [
        (FROM, day("From", "The first day on which this counts. Left out, it has counted for ever.")),
        (UNTIL, day("Until", "The last day on which this counts. Left out, it counts without end.")),
    ]
    .map(|(key, day)| (key.to_owned(), day))
    .into_iter()
    .collect()
}

/// A value may stand by itself, in a record with its days, or in a list of such records. Keywords that judge texts and
/// numbers say nothing of records, so that all of it is one schema, and what is wrong is told at its place.
fn expand_days(map: &mut Map<String, Json>, name: &str) {
    let mut value = map.clone();
    for of_the_setting in [
        "x-days",
        "x-required",
        "x-required-unless",
        "x-renamed-from",
        "x-flows",
        "x-additional",
        "x-effect",
        "x-needs",
        "default",
    ] {
        value.shift_remove(of_the_setting);
    }
    let mut properties = Map::from_iter([(name.to_owned(), Json::Object(value))]);
    properties.extend(days());
    let record = [
        ("properties", Json::Object(properties)),
        ("required", json!([name])),
        ("additionalProperties", Json::Bool(false)),
    ];
    let mut item = Map::from_iter([("type".to_owned(), Json::from("object"))]);
    item.extend(record.clone().map(|(key, of)| (key.to_owned(), of)));
    let one = map.shift_remove("type").unwrap_or_default();
    let types = one.as_array().cloned().unwrap_or_else(|| vec![one]);
    map.insert("type".to_owned(), types.into_iter().chain(["object".into(), "array".into()]).collect());
    map.extend(record.map(|(key, of)| (key.to_owned(), of)));
    map.insert("items".to_owned(), Json::Object(item));
    map.insert("minItems".to_owned(), 1.into());
}

/// The value's own schema moves under `items`; what describes the setting stays.
fn expand_multiple(map: &mut Map<String, Json>) {
    let inner: Map<String, Json> =
        ["x-options", "x-code", "x-free", "type", "pattern", "minLength", "minimum", "maximum", "enum"]
            .into_iter()
            .filter_map(|key| map.shift_remove(key).map(|value| (key.to_owned(), value)))
            .collect();
    map.insert("type".to_owned(), "array".into());
    map.insert("items".to_owned(), Json::Object(inner));
    map.insert("uniqueItems".to_owned(), true.into());
}

/// `null` resets a setting, so every setting admits it.
fn nullable(schema: &mut Json) {
    let Some(map) = schema.as_object_mut() else { return };
    if map.contains_key("x-secret") {
        return;
    }
    match map.get_mut("type") {
        Some(Json::String(one)) => {
            let one = std::mem::take(one);
            map.insert("type".to_owned(), json!([one, "null"]));
        }
        Some(Json::Array(many)) if !many.contains(&"null".into()) => many.push("null".into()),
        _ => {}
    }
    if let Some(Json::Array(allowed)) = map.get_mut("enum")
        && !allowed.contains(&Json::Null)
    {
        allowed.push(Json::Null);
    }
}
