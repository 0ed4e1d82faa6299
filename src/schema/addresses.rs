//! Where a connector leads: its own addresses, and the fields of a connection that make them. Nothing here connects.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value as Json;

use super::built_in;
use super::keywords::fields_of;
use super::vat;

/// Fields of a connection that are an address themselves, whatever the platform is.
pub const OWN: [&str; 2] = ["base_url", "token_url"];

/// The addresses in a connector's part, by the key that holds them.
#[must_use]
pub fn of_part(part: &Json) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut add = |key: &str, value: Option<&Json>| {
        if let Some(text) = value.and_then(Json::as_str) {
            found.insert(key.to_owned(), text.to_owned());
        }
    };
    add("base_url", part.get("base_url"));
    for (name, address) in part.get("base_urls").and_then(Json::as_object).into_iter().flatten() {
        add(&format!("base_urls.{name}"), Some(address));
    }
    for (at, auth) in part.get("auth").and_then(Json::as_array).into_iter().flatten().enumerate() {
        add(&format!("auth.{at}.token.url"), auth.pointer("/token/url"));
    }
    found
}

/// The fields of a connection that say where a connector leads.
#[must_use]
pub fn leading_fields(part: &Json) -> BTreeSet<String> {
    let mut fields: BTreeSet<String> = OWN.map(str::to_owned).into();
    for address in of_part(part).values() {
        fields.extend(fields_of(address).map(str::to_owned));
    }
    fields
}

/// What a part at this path below `schemas/` takes the place of; `None` where nothing of that name is built in.
#[must_use]
pub fn replaced_kind(path: &str) -> Option<&'static str> {
    built_in::find(path)?;
    match path.split_once('/') {
        Some(("connectors", _)) => Some("connector"),
        Some(("categories", _)) => Some("category"),
        Some(("pairs", _)) => Some("pair"),
        _ if path == vat::PATH => Some("VAT rates"),
        _ if path == "flows.yaml" => Some("flows"),
        _ => None,
    }
}
