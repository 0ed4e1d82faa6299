//! How to add a key that is missing.

use serde_json::Value as Json;

use super::context::{Context, Place};
use super::credential::{takes_reference, variable};
use super::value::flow;
use super::wording::shortened;
use crate::schema::built_in::{self, BASE_URI};
use crate::schema::keywords::text;
use crate::schema::suggest;

/// What to write for a key that is missing.
pub(super) fn how_to_add(context: &Context<'_>, place: &Place<'_>, key: &str, pointer: &str) -> String {
    let schema = place.holder.and_then(|holder| holder.get("properties")?.get(key));
    let schema = if place.foreign {
        context.property(place, key)
    } else {
        schema.map(|schema| followed(schema, place.document))
    };
    let Some(schema) = schema else {
        return format!("add `{key}:`");
    };
    if schema.get("x-secret").is_some() && (!place.foreign || takes_reference(schema)) {
        let variable = variable(context, &format!("{pointer}/{key}"));
        return format!("add `{key}: {{secret: env/{variable}}}`");
    }
    let secret = place.foreign && context.is_secret(place, key);
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
