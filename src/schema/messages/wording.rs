//! Phrases that messages about different mistakes share.

use serde_json::Value as Json;

use super::context::Place;
use crate::model::Value;
use crate::schema::keywords::text;
use crate::schema::suggest;
use crate::yaml::{self, Node};

/// What to do about a value that does not fit, when nothing better is known.
pub(super) fn fallback(place: &Place<'_>) -> String {
    let Some(schema) = place.holder else { return format!("correct `{}`", place.name) };
    let written = place.node.as_text().filter(|_| place.quotable);
    if let Some(mended) = written.and_then(|written| suggest::suggest(written, schema)) {
        return format!("write {}", as_written(&mended, schema));
    }
    if let Some(example) = suggest::example(schema) {
        return format!("write for example {}", as_written(&example, schema));
    }
    if let Some(range) = range(Some(schema)) {
        return format!("write a number {range}");
    }
    format!("correct `{}`, or take the line away", place.name)
}

/// Code that is a number needs no quotes; other digits do, and a time of day, which older readers take as a number.
pub(super) fn as_written(value: &str, schema: &Json) -> String {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit() || b == b':');
    let number = text(schema, "x-code") == "integer"
        || matches!(schema.get("type").and_then(Json::as_str), Some("integer" | "number"));
    if digits && !number { format!("`\"{value}\"`") } else { format!("`{value}`") }
}

/// The least and the most that a number may be, in words.
pub(super) fn range(schema: Option<&Json>) -> Option<String> {
    let bound = |key: &str| schema?.get(key).map(ToString::to_string);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => Some(format!("from {least} to {most}")),
        (Some(least), None) => Some(format!("of at least {least}")),
        (None, Some(most)) => Some(format!("of at most {most}")),
        (None, None) => None,
    }
}

/// A scalar as it would be shown, short; nothing for lists and maps.
pub(super) fn quoted(node: &Node) -> Option<String> {
    let value = match &node.kind {
        yaml::NodeKind::Null => Value::Null,
        yaml::NodeKind::Bool(on) => Value::Bool(*on),
        yaml::NodeKind::Number(number) => Value::Number(number.to_string()),
        yaml::NodeKind::Text(text) if text.chars().count() <= 60 => Value::Text(text.to_string()),
        _ => return None,
    };
    Some(value.to_string())
}

pub(super) fn shortened(words: &[String]) -> String {
    const SHOWN: usize = 8;
    if words.len() <= SHOWN {
        return words.join(", ");
    }
    format!("{} and {} more", words[..SHOWN].join(", "), words.len() - SHOWN)
}
