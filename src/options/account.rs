//! Whose account a connection is for.

use serde_json::Value as Json;

use crate::schema::text;

/// Whose account a connection is for: what it says in the connector's `account` field. A connection that does not say, or says the
/// default only, is known by its credential's reference (`env/NAME`), which tells accounts apart without knowing their names.
#[must_use]
pub fn account_of(connector: &Json, connection: &Json) -> Option<String> {
    let field = text(connector, "account");
    let default = connector.pointer(&format!("/connection/properties/{field}/default"));
    let said = connection.get(field).filter(|value| Some(*value) != default).and_then(|value| match value {
        Json::String(text) if is_guid(text) => Some(text.to_ascii_lowercase()),
        Json::String(text) => Some(text.trim_end_matches('/').to_owned()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    });
    let plain = said.filter(|text| !text.is_empty());
    plain.or_else(|| {
        let ways = connector.get("auth")?.as_array()?.iter();
        let mut ways = ways.filter_map(|way| way.get("when")?.as_array());
        let given = |name: &Json| name.as_str().is_some_and(|name| connection.get(name).is_some());
        let way = ways.find(|when| when.iter().all(given))?;
        let name = way.iter().rev().find_map(|name| connection.get(name.as_str()?)?.get("secret")?.as_str());
        name.map(str::to_owned)
    })
}

/// Upper and lower case are the same one.
fn is_guid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, byte)| match at {
            8 | 13 | 18 | 23 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
}

/// A name that stands for an account whose own name is not known.
#[must_use]
pub fn is_reference(account: &str) -> bool {
    ["env/", "file/", "exec/", "vault/"].iter().any(|source| account.starts_with(source))
}
