//! What the `jsonschema` crate finds wrong, in people's words: what, where, and what to write instead. A file a kind of mistake.
//!
//! Words come from the schema (`x-message`, `x-labels`, titles) before they come from here.

mod alternatives;
mod context;
mod credential;
mod guess;
mod missing_key;
mod refusal;
mod unknown_key;
mod value;
mod wording;
mod wrong_type;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;

use super::keywords::text;
use super::repair::Move;
use crate::diagnostic::codes::schema as codes;
use crate::diagnostic::{About, Finding};
pub(super) use context::Context;
use context::Place;
pub use context::Words;
pub use guess::other_word;
use serde_json::Value as Json;

/// The findings for one error, or for all keys that one map lacks, and what has to be moved to judge on.
pub(super) fn say(
    context: &Context<'_>,
    errors: &[&ValidationError<'_>],
    pointer: &str,
    moves: &mut Vec<Move>,
) -> Vec<Finding> {
    let Some(error) = errors.first() else { return Vec::new() };
    let Some(place) = context.place(error, pointer) else { return Vec::new() };
    let findings = match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
            unknown_key::unknown_keys(context, &place, unexpected, pointer, moves)
        }
        Kind::PropertyNames { error: inner } => {
            unknown_key::unfit_key(context, &place, (inner, context.around_names(error)), pointer, moves)
                .into_iter()
                .collect()
        }
        Kind::Required { .. } if credential::is_credential(&place) => {
            credential::no_reference(context, &place)
        }
        _ if credential::is_credential(&place) && place.node.as_map().is_none() => {
            vec![credential::literal(context, &place)]
        }
        _ if credential::is_reference(&place) => vec![credential::no_source(&place, pointer)],
        Kind::Required { .. } => missing_key::missing_keys(context, errors, &place, pointer),
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => {
            match alternatives::misnamed(context, &place, pointer, moves) {
                true => Vec::new(),
                false => vec![alternatives::unfit(context, error.kind(), &place, pointer)],
            }
        }
        Kind::FalseSchema => closed(context, error, &place, pointer, moves)
            .unwrap_or_else(|| vec![value::finding(error.kind(), &place)]),
        kind => vec![value::finding(kind, &place)],
    };
    let tells = !matches!(
        error.kind(),
        Kind::Required { .. } | Kind::AdditionalProperties { .. } | Kind::UnevaluatedProperties { .. }
    );
    let described = place.holder.filter(|_| place.foreign && tells).and_then(described);
    let noted = |finding: Finding| match &described {
        Some(words) => finding.note(words.clone()),
        None => finding,
    };
    findings.into_iter().map(|finding| with_about(noted(finding), &place.about)).collect()
}

/// What somebody's schema says of a value.
fn described(schema: &Json) -> Option<String> {
    let (title, description) = (text(schema, "title").trim(), text(schema, "description").trim());
    let first = description.split_once("\n\n").map_or(description, |(first, _)| first).trim();
    match (title, first) {
        ("", "") => None,
        (title, "") => Some(title.to_owned()),
        ("", description) => Some(description.to_owned()),
        (title, description) => Some(format!("{title}: {description}")),
    }
}

/// A map that takes no keys at all, or none but those that it has: each of the others is unknown.
fn closed(
    context: &Context<'_>,
    error: &ValidationError<'_>,
    place: &Place<'_>,
    pointer: &str,
    moves: &mut Vec<Move>,
) -> Option<Vec<Finding>> {
    let path = error.schema_path().as_str();
    let keyword = path.rsplit('/').next().unwrap_or_default();
    if !matches!(keyword, "additionalProperties" | "unevaluatedProperties") {
        return None;
    }
    let map = place.node.as_map()?;
    let known = place.holder.and_then(|holder| holder.get("properties")).and_then(Json::as_object);
    let unknown = map.entries().iter().map(|entry| entry.key.text.to_string());
    let unknown: Vec<String> =
        unknown.filter(|key| known.is_none_or(|known| !known.contains_key(key))).collect();
    Some(unknown_key::unknown_keys(context, place, &unknown, pointer, moves))
}

/// The key that tells alternatives apart is set to none of their values, or is not set.
pub(super) fn no_such(context: &Context<'_>, pointer: &str, key: &str, values: &[Json]) -> Option<Finding> {
    let node = crate::yaml::find_path(context.root, pointer)?;
    let inner = format!("{pointer}/{}", super::pointer::escape(key));
    let place = context.place_of(if node.get(key).is_some() { &inner } else { pointer })?;
    let finding = match node.get(key) {
        Some(set) => {
            let shown = if place.quotable { wording::quoted(set) } else { None };
            value::not_one_of(values, &place, shown.as_deref(), "")
        }
        None => {
            let values: Vec<String> =
                values.iter().map(|value| format!("`{}`", value::flow(value))).collect();
            codes::missing_key(key, &context.container(pointer), "", place.key)
                .help(format!("add `{key}:` with one of {}", wording::shortened(&values)))
        }
    };
    Some(with_about(finding, &place.about))
}

fn with_about(mut finding: Finding, about: &About) -> Finding {
    if finding.about == About::default() {
        finding.about = about.clone();
    }
    finding
}
