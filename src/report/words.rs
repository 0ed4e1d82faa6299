//! Values, settings, people and days in words, the same in every form.

use serde_json::Value as Json;

use crate::model::{CONNECTORS, SettingPath, Value};
use crate::plan::{Change, ChangeKind, Integration};
use crate::schema::Category;
use crate::store::OUTSIDE;

/// Of a change that was made outside: who made it and when, as far as that is known.
#[must_use]
pub fn who_and_when(change: &Change) -> String {
    let by = by(change);
    change.since.as_ref().map_or_else(|| by.clone(), |since| format!("{by}, at {since}"))
}

/// As [`who_and_when`], with no more of the time than its day.
#[must_use]
pub fn who_and_day(change: &Change) -> String {
    let by = by(change);
    change.since.as_ref().map_or_else(|| by.clone(), |since| format!("{by} on {}", day_of(since)))
}

fn by(change: &Change) -> String {
    match change.by.as_deref() {
        None => "outside".to_owned(),
        Some(OUTSIDE) => OUTSIDE.to_owned(),
        Some(by) => format!("by {by}"),
    }
}

/// What the last apply set, where that is not what is deployed.
#[must_use]
pub fn last_applied(change: &Change) -> Option<String> {
    change.last_applied.as_ref().map(|last| shown(last, change.last_applied_label.as_deref()))
}

/// The day of a time, as a person reads it: `12 Nov 2026`; the text as it is where it is no time.
#[must_use]
pub fn day_of(time: &str) -> String {
    time.parse::<jiff::Timestamp>().map_or_else(
        |_| time.to_owned(),
        |time| time.to_zoned(jiff::tz::TimeZone::UTC).strftime("%-d %b %Y").to_string(),
    )
}

/// A value as a person reads it: its label before its id, a toggle in words.
#[must_use]
pub fn shown(value: &Json, label: Option<&str>) -> String {
    let text = match value {
        Json::Null => return "not set".to_owned(),
        Json::Bool(true) => return "On".to_owned(),
        Json::Bool(false) => return "Off".to_owned(),
        Json::String(text) if !text.is_empty() && text.trim() == text => text.clone(),
        Json::Array(elements) if elements.is_empty() => "none".to_owned(),
        Json::Array(elements) => match (Value::from_json(value), label) {
            // A label of what changes on a day, or of a list, says all of it.
            (_, Some(label)) => return label.to_owned(),
            (Value::Dated(dated), None) => dated.said(|value| shown(&value.to_json(), None)),
            _ => elements.iter().map(|element| shown(element, None)).collect::<Vec<_>>().join(", "),
        },
        value => Value::from_json(value).to_string(),
    };
    match label {
        Some(label) => format!("{label} ({text})"),
        None => text,
    }
}

/// A secret whose value was not at hand.
#[must_use]
pub fn is_unknown(value: &Json) -> bool {
    let value = Value::from_json(value);
    matches!(value, Value::Secret(secret) if secret.fingerprint.is_none())
}

/// The value that follows a change, in words.
#[must_use]
pub fn shown_after(change: &Change) -> String {
    let after = shown(&change.after, change.after_label.as_deref());
    match change.kind {
        ChangeKind::Reset if !change.after.is_null() => format!("{after} (default)"),
        ChangeKind::Change if shown(&change.before, None) == shown(&change.after, None) => {
            match is_unknown(&change.after) {
                true => "unknown: its value is not at hand here".to_owned(),
                false => "a new value of the same reference".to_owned(),
            }
        }
        _ => after,
    }
}

/// The first few of several names, and how many more there are.
#[must_use]
pub fn some(names: &[&str]) -> String {
    const NAMED: usize = 6;
    let first = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A setting in words: titles of groups and settings, and rows by what the schema calls them.
#[must_use]
pub fn of_setting(category: &Category, path: &SettingPath) -> Vec<String> {
    let mut schema: Option<&Json> = Some(&category.schema);
    let mut words = Vec::new();
    for key in path.segments() {
        let property = schema.and_then(|schema| schema.get("properties")?.get(&**key));
        let (next, word) = match property {
            Some(property) => {
                (Some(property), property.get("title").and_then(Json::as_str).map(str::to_owned))
            }
            None => {
                let rows = schema
                    .and_then(|schema| schema.get("additionalProperties"))
                    .filter(|rows| rows.is_object());
                (rows, schema.and_then(|schema| row_word(schema, key)))
            }
        };
        words.push(word.unwrap_or_else(|| key.to_string()));
        schema = next;
    }
    words
}

/// What a row is called: by the label of its key, or with the unit of all keys.
fn row_word(schema: &Json, key: &str) -> Option<String> {
    let names = schema.get("propertyNames")?;
    if let Some(label) = names.get("x-labels").and_then(|labels| labels.get(key)?.as_str()) {
        return Some(label.to_owned());
    }
    let unit = names.get("x-unit")?.as_str()?;
    Some(format!("{key} {unit}"))
}

/// The connectors whose connections a plan changes, each once.
#[must_use]
pub fn changed_connectors(one: &Integration) -> Vec<String> {
    let connections = one.categories.iter().filter(|category| category.category == CONNECTORS);
    let paths = connections.flat_map(|category| &category.changes);
    let names =
        paths.filter_map(|change| Some(SettingPath::parse(&change.setting)?.segments()[0].to_string()));
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::parts::Catalogue;

    #[test]
    fn a_setting_is_told_in_words() {
        let pair = Catalogue::default().pair("fortnox-shopify").unwrap();
        for (category, setting, expected) in [
            ("payment_methods", "default_terms_of_payment", vec!["Default terms of payment"]),
            (
                "sales_accounts",
                "countries.DE.default_account",
                vec!["Country mapping", "Germany", "Default account"],
            ),
            ("connectors", "shopify.active", vec!["Shopify", "Active connection of Shopify"]),
        ] {
            let path = SettingPath::parse(setting).unwrap();
            assert_eq!(of_setting(pair.category(category).unwrap(), &path), expected, "{setting}");
        }
    }
}
