//! What a schema says beyond JSON Schema: the `x-` keywords of `schemas/README.md`, read in one place.
//!
//! Nothing here judges. What is asked for at every key of every file is in [`super::shape`].

use serde_json::Value as Json;

use crate::model::Value;

/// What a schema says of its option set: `(connector, set)`.
#[must_use]
pub fn options_of(schema: &Json) -> Option<(&str, &str)> {
    let items = schema.get("items").filter(|_| days_name(schema).is_none());
    items.unwrap_or(schema).get("x-options")?.as_str()?.split_once('.')
}

/// What a row with days calls its value, where it is no record already.
#[must_use]
pub fn days_name(schema: &Json) -> Option<&str> {
    schema.get("x-days")?.as_str()
}

/// Whether its properties are settings of their own.
#[must_use]
pub fn is_group(schema: &Json) -> bool {
    schema.get("properties").is_some() && schema.get("x-secret").is_none() && days_name(schema).is_none()
}

/// Whether a list holds nothing twice, so that its order says nothing.
#[must_use]
pub fn is_set(schema: &Json) -> bool {
    schema.get("uniqueItems") == Some(&Json::Bool(true))
}

/// The value that counts where a setting is not declared.
#[must_use]
pub fn default_of(schema: &Json) -> Option<Value> {
    schema.get("default").map(Value::from_json)
}

/// Whether a setting was once called so.
#[must_use]
pub fn had_name(schema: &Json, name: &str) -> bool {
    former_names(schema).any(|former| former == name)
}

/// What a setting was called before.
pub fn former_names(schema: &Json) -> impl Iterator<Item = &str> {
    let said = schema.get("x-renamed-from");
    let list = said.and_then(Json::as_array).map(Vec::as_slice);
    list.or_else(|| said.map(std::slice::from_ref)).unwrap_or_default().iter().filter_map(Json::as_str)
}

/// The names of the fields, as in `{name}`, that a text takes.
pub fn fields_of(template: &str) -> impl Iterator<Item = &str> {
    template.split('{').skip(1).filter_map(|part| part.split_once('}').map(|(name, _)| name))
}

/// A text under a key, or nothing.
#[must_use]
pub fn text<'a>(schema: &'a Json, key: &str) -> &'a str {
    schema.get(key).and_then(Json::as_str).unwrap_or("")
}

/// The form of a reference to a secret.
pub const REFERENCE: &str =
    r"^((env|file|exec)/.+|vault/[^/#?%\s.][^/#?%\s]*(/[^/#?%\s.][^/#?%\s]*)+#[^#\s]+)$";
