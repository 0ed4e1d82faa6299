//! Keys that a map lacks, and how to add them.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use super::context::{Context, Place};
use super::credential::{takes_reference, variable};
use super::value::flow;
use super::wording::shortened;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::schema as codes;
use crate::schema::built_in::{self, BASE_URI};
use crate::schema::keywords::text;
use crate::schema::references::Spot;
use crate::schema::suggest;

/// Of all keys that one map lacks: those of which a schema has a word of its own are told by themselves.
pub(super) fn missing_keys(
    context: &Context<'_>,
    errors: &[&ValidationError<'_>],
    place: &Place<'_>,
    pointer: &str,
) -> Vec<Finding> {
    let mut said: Vec<(&str, Vec<&str>, Vec<String>)> = Vec::new();
    let asked: Vec<&str> = errors.iter().filter_map(|error| key_of(error)).collect();
    for error in errors {
        let Some(key) = key_of(error) else { continue };
        let (document, holder) = context.holder(error);
        // What is asked for while another key has some value is not known while that key is missing.
        if context.condition(error).is_some_and(|keys| keys.iter().any(|key| asked.contains(key))) {
            continue;
        }
        let spot = if place.foreign { context.spot(error) } else { None };
        let help = how_to_add(context, &Asking { document, holder, spot, place }, key, pointer);
        // The message of a whole object speaks of more than this key.
        let condition = holder.filter(|holder| holder.get("properties").is_none());
        let why = condition.map_or("", |holder| text(holder, "x-message"));
        match said.iter_mut().find(|(other, ..)| *other == why) {
            Some((_, keys, _)) if keys.contains(&key) => {}
            Some((_, keys, helps)) => {
                keys.push(key);
                helps.push(help);
            }
            None => said.push((why, vec![key], vec![help])),
        }
    }
    let within = context.container(pointer);
    said.into_iter()
        .map(|(why, keys, helps)| codes::missing_keys(&keys, &within, why, place.key).help(helps.join("; ")))
        .collect()
}

fn key_of<'e>(error: &'e ValidationError<'_>) -> Option<&'e str> {
    match error.kind() {
        Kind::Required { property } => property.as_str(),
        _ => None,
    }
}

/// The schema that asks for a key, and the map that lacks it.
struct Asking<'a, 'p> {
    document: &'a Json,
    holder: Option<&'a Json>,
    spot: Option<Spot<'a>>,
    place: &'a Place<'p>,
}

/// What to write for a key that is missing.
fn how_to_add(context: &Context<'_>, asking: &Asking<'_, '_>, key: &str, pointer: &str) -> String {
    let place = asking.place;
    let schema = asking.holder.and_then(|holder| holder.get("properties")?.get(key));
    let schema = if place.foreign {
        context.property(asking.spot.as_ref(), key)
    } else {
        schema.map(|schema| followed(schema, asking.document))
    };
    let Some(schema) = schema else {
        return format!("add `{key}:`");
    };
    if schema.get("x-secret").is_some() && (!place.foreign || takes_reference(schema)) {
        let variable = variable(context, &format!("{pointer}/{key}"));
        return format!("add `{key}: {{secret: env/{variable}}}`");
    }
    let secret = place.foreign && context.is_secret(asking.spot.as_ref(), key);
    let telling = |keyword: &str| schema.get(keyword).filter(|_| !secret);
    let options: Vec<String> = telling("enum")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .map(|value| format!("`{value}`"))
        .collect();
    match (options.as_slice(), suggest::example(schema).filter(|_| !secret), telling("const")) {
        ([], _, Some(only)) => format!("add `{key}: {}`", flow(only)),
        ([], Some(example), _) => format!("add `{key}:`, for example `{key}: {example}`"),
        ([], None, _) => {
            let said = text(schema, "description");
            let title = said.split_once(". ").map_or(said, |(first, _)| first).trim_end_matches('.');
            if title.is_empty() { format!("add `{key}:`") } else { format!("add `{key}:` ({title})") }
        }
        (options, _, _) => format!("add `{key}:` with one of {}", shortened(options)),
    }
}

/// What a schema that is a reference to another within the built-in schemas stands for.
fn followed<'a>(schema: &'a Json, document: &'a Json) -> &'a Json {
    let Some((file, pointer)) = text(schema, "$ref").split_once('#') else { return schema };
    let document = if file.is_empty() {
        Some(document)
    } else {
        built_in::meta_by_uri(&format!("{BASE_URI}meta/{file}"))
    };
    document.and_then(|document| document.pointer(pointer)).unwrap_or(schema)
}
