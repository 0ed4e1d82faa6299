//! A compiled configuration as YAML with the origin of each value beside it.

use std::collections::BTreeMap;

use serde_json::Value as Json;

use super::clean;

/// Pointer (JSON Pointer into the document) to `path:line`.
pub type Origins = BTreeMap<String, String>;

/// The document, two spaces a level; origins as comments.
#[must_use]
pub fn yaml(document: &Json, origins: &Origins) -> String {
    let mut out = String::new();
    write(&mut out, document, "", 0, origins);
    out
}

fn write(out: &mut String, value: &Json, pointer: &str, depth: usize, origins: &Origins) {
    let Json::Object(map) = value else { return };
    for (key, value) in map {
        let pointer = format!("{pointer}/{}", key.replace('~', "~0").replace('/', "~1"));
        let indent = "  ".repeat(depth);
        let key = scalar(&Json::from(key.as_str()));
        match value {
            Json::Object(inner) if !inner.is_empty() && !is_secret(value) => {
                out.push_str(&format!("{indent}{key}:\n"));
                write(out, value, &pointer, depth + 1, origins);
            }
            _ => {
                let origin =
                    origins.get(&pointer).map(|origin| format!("  # {}", clean(origin))).unwrap_or_default();
                out.push_str(&format!("{indent}{key}: {}{origin}\n", inline(value)));
            }
        }
    }
}

fn is_secret(value: &Json) -> bool {
    crate::model::Secret::from_json(value).is_some()
}

/// A value on one line. A text of several lines becomes a quoted one: origins stay beside it.
fn inline(value: &Json) -> String {
    match value {
        Json::Object(map) if is_secret(value) => format!("{{secret: {}}}", scalar(&map["secret"])),
        // A row with days.
        Json::Object(map) => {
            let fields = map
                .iter()
                .map(|(key, value)| format!("{}: {}", scalar(&Json::from(key.as_str())), inline(value)));
            format!("{{{}}}", fields.collect::<Vec<_>>().join(", "))
        }
        Json::Array(items) => format!("[{}]", items.iter().map(inline).collect::<Vec<_>>().join(", ")),
        other => scalar(other),
    }
}

/// A scalar as YAML writes it; quoted as JSON where YAML would need more than a line, or a mark in flow style.
fn scalar(value: &Json) -> String {
    let plain = serde_yaml::to_string(value).map(|text| text.trim_end().to_owned()).unwrap_or_default();
    let unfit =
        plain.contains('\n') || plain.contains([',', '[', ']', '{', '}']) || plain.starts_with(['|', '>']);
    if unfit && value.is_string() { clean(&value.to_string()) } else { clean(&plain) }
}
