//! Names that settings had before: one that two settings claim belongs to neither.

use serde_json::Value as Json;

use super::error::LinkError;
use super::sides::Sides;
use crate::schema::keywords::{former_names, had_name, text};

/// A name that two settings of one place had or have: where it is claimed, and why it cannot be.
pub(super) fn ambiguous_name(schema: &Json, at: &str) -> Option<(String, String)> {
    let properties = schema.get("properties").and_then(Json::as_object);
    for (key, property) in properties.into_iter().flatten() {
        let here = format!("{at}/{key}");
        for former in former_names(property) {
            let others = || properties.into_iter().flatten().filter(|(other, _)| *other != key);
            let taken = properties.is_some_and(|properties| properties.contains_key(former));
            let claimed = others().find(|(_, other)| had_name(other, former)).map(|(other, _)| other);
            let why = match claimed {
                _ if taken => "which is the name of a setting".to_owned(),
                Some(other) => format!("and so does `{other}`"),
                None => continue,
            };
            return Some((here, format!("`{key}` says that it was called `{former}` before, {why}")));
        }
        if let Some(found) = ambiguous_name(property, &format!("{here}/properties")) {
            return Some(found);
        }
    }
    let rows = schema.get("additionalProperties").filter(|rows| rows.is_object())?;
    let holder = at.strip_suffix("/properties").unwrap_or(at);
    ambiguous_name(rows, &format!("{holder}/additionalProperties/properties"))
}

/// The part that says what is wrong about a setting, the last that is laid over the others.
pub(super) fn blame(
    pointer: &str,
    message: String,
    category: &str,
    pair: &Json,
    sides: &Sides<'_>,
) -> LinkError {
    let pointer = format!("{pointer}/x-renamed-from");
    let help = "let one setting alone say it; a name that is in use was not given up".to_owned();
    let said = |part: &Json, id: &str, folder: &str| {
        let pointer = format!("/settings/{category}{pointer}");
        part.pointer(&pointer)?;
        Some(LinkError {
            part: format!("{folder}/{id}.yaml"),
            pointer,
            message: message.clone(),
            help: help.clone(),
        })
    };
    said(pair, text(pair, "pair"), "pairs")
        .or_else(|| said(&sides.erp.description, &sides.erp.id, "connectors"))
        .or_else(|| said(&sides.shop.description, &sides.shop.id, "connectors"))
        .unwrap_or_else(|| LinkError {
            part: format!("categories/{category}.yaml"),
            pointer: format!("/settings{pointer}"),
            message: message.clone(),
            help: help.clone(),
        })
}
