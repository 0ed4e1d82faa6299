//! Values of settings in canonical form, and references to secrets. No secret's value is ever held here.

use jiff::civil::Date;
use serde_json::Value as Json;

use super::days::{Days, FROM, UNTIL};
use super::digest::{canonical_json, hex};

/// The value of one leaf setting.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Value {
    /// In a desired configuration: reset to the default. Never deployed.
    Null,
    Bool(bool),
    /// Shortest decimal text, so that `3001`, `3001.0` and `3.001e3` are one value.
    Number(String),
    Text(String),
    List(Vec<Value>),
    Secret(Secret),
    /// Not the same on every day.
    Dated(Dated),
}

/// A reference such as `env/NAME`, and what tells whether the value behind it changed.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Secret {
    pub reference: String,
    /// `hmac-sha256:` and hex, keyed by a secret of the store; `None` while the value is not at hand.
    pub fingerprint: Option<String>,
}

const FINGERPRINT: &str = "hmac-sha256:";

impl Secret {
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        serde_json::json!({"fingerprint": self.fingerprint, "secret": self.reference})
    }

    /// Only an object of exactly these two keys, the fingerprint ours or null, is a secret; a mapping that happens to
    /// have a key named `secret` is not.
    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Option<Self> {
        let map = json.as_object().filter(|map| map.len() == 2)?;
        let reference = map.get("secret")?.as_str()?.to_owned();
        let fingerprint = match map.get("fingerprint")? {
            serde_json::Value::Null => None,
            serde_json::Value::String(text) if text.starts_with(FINGERPRINT) => Some(text.clone()),
            _ => return None,
        };
        Some(Secret { reference, fingerprint })
    }
}

/// The fingerprint of a secret's bytes under a store's key.
#[must_use]
#[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
pub fn fingerprint(key: &[u8], secret: &[u8]) -> String {
    use hmac::{KeyInit as _, Mac as _};
    let mut mac = hmac::Hmac::<sha2::Sha256>::new_from_slice(key).expect("HMAC takes a key of any length");
    mac.update(secret);
    format!("{FINGERPRINT}{}", hex(&mac.finalize().into_bytes()))
}

impl Value {
    /// A number from its source text (YAML core schema or JSON), in shortest decimal form.
    #[must_use]
    pub fn number(text: &str) -> Value {
        Value::Number(canonical_number(text))
    }

    /// Whether it is more than nothing: an empty text or list sets nothing.
    #[must_use]
    pub fn says_something(&self) -> bool {
        match self {
            Value::Null => false,
            Value::Text(text) => !text.is_empty(),
            Value::List(items) => !items.is_empty(),
            _ => true,
        }
    }

    /// With the label that it has behind it; that of what changes on a day says all of it.
    #[must_use]
    pub fn with_label(&self, label: Option<&str>) -> String {
        match (self, label) {
            (Value::Dated(_), Some(label)) => label.to_owned(),
            (value, Some(label)) => format!("{value} {label}"),
            (value, None) => value.to_string(),
        }
    }

    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        match self {
            Value::Null => serde_json::Value::Null,
            Value::Bool(on) => (*on).into(),
            Value::Number(text) => number_to_json(text),
            Value::Text(text) => text.clone().into(),
            Value::List(items) => items.iter().map(Value::to_json).collect(),
            Value::Secret(secret) => secret.to_json(),
            Value::Dated(dated) => dated.to_json(),
        }
    }

    #[must_use]
    pub fn from_json(json: &serde_json::Value) -> Value {
        match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(on) => Value::Bool(*on),
            serde_json::Value::Number(number) => Value::number(&number.to_string()),
            serde_json::Value::String(text) => Value::Text(text.clone()),
            serde_json::Value::Array(items) => Dated::from_json(items)
                .unwrap_or_else(|| Value::List(items.iter().map(Value::from_json).collect())),
            serde_json::Value::Object(_) => match Secret::from_json(json) {
                Some(secret) => Value::Secret(secret),
                None => Value::Text(canonical_json(json.clone())),
            },
        }
    }
}

impl std::fmt::Display for Value {
    /// As it would be written in YAML on one line: texts quoted, lists in brackets, secrets as their reference, what changes on a
    /// day with its days.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Value::Null => f.write_str("null"),
            Value::Bool(on) => write!(f, "{on}"),
            Value::Number(text) => f.write_str(text),
            Value::Text(text) => write!(f, "{}", serde_json::Value::from(text.as_str())),
            Value::List(items) => {
                f.write_str("[")?;
                for (at, item) in items.iter().enumerate() {
                    if at > 0 {
                        f.write_str(", ")?;
                    }
                    write!(f, "{item}")?;
                }
                f.write_str("]")
            }
            Value::Secret(secret) => write!(f, "secret {}", secret.reference),
            Value::Dated(dated) => write!(f, "{dated}"),
        }
    }
}

/// What a setting is on which days, in the order of the days. What is the same on every day is no such value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dated {
    /// What a row calls its value: `account` in `{account: 3001, from: 2026-01-01}`.
    name: Box<str>,
    rows: Vec<(Days, Value)>,
}

impl Dated {
    /// The value that these rows are: a plain one where there is one alone, without days.
    #[must_use]
    pub fn value(name: &str, mut rows: Vec<(Days, Value)>) -> Value {
        match rows.as_mut_slice() {
            [(Days::ALWAYS, value)] => std::mem::replace(value, Value::Null),
            _ => {
                rows.sort();
                Value::Dated(Dated { name: name.into(), rows })
            }
        }
    }

    /// Each value with its days, in the order of the days.
    pub fn rows(&self) -> impl Iterator<Item = (Days, &Value)> {
        self.rows.iter().map(|(days, value)| (*days, value))
    }

    /// What holds on a day. Rows that overlap are an error where they are written; the later one counts.
    #[must_use]
    pub fn on(&self, day: Date) -> Option<&Value> {
        self.rows.iter().rev().find(|(days, _)| days.holds(day)).map(|(_, value)| value)
    }

    /// The same with each value changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(&Value) -> Value) -> Dated {
        let rows = self.rows.iter().map(|(days, value)| (*days, change(value))).collect();
        Dated { name: self.name.clone(), rows }
    }

    /// `3111 until 2025-12-31, 3112 from 2026-01-01`, with each value as `say` says it.
    #[must_use]
    pub fn said(&self, say: impl Fn(&Value) -> String) -> String {
        let row = |(days, value): (Days, &Value)| match days {
            Days::ALWAYS => say(value),
            days => format!("{} {days}", say(value)),
        };
        self.rows().map(row).collect::<Vec<_>>().join(", ")
    }

    /// A list of records, also of one alone: by it what changes on a day is told from a mapping.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let record = |(days, value): &(Days, Value)| {
            let mut record = serde_json::Map::new();
            record.insert(self.name.to_string(), value.to_json());
            let days = [(FROM, days.from), (UNTIL, days.until)];
            record.extend(
                days.into_iter().filter_map(|(key, day)| Some((key.to_owned(), day?.to_string().into()))),
            );
            Json::Object(record)
        };
        self.rows.iter().map(record).collect()
    }

    /// What [`Self::to_json`] gave; `None` for any other list.
    #[must_use]
    pub fn from_json(items: &[Json]) -> Option<Value> {
        let mut name: Option<&str> = None;
        let mut rows = Vec::with_capacity(items.len());
        for item in items {
            let record = item.as_object()?;
            let mut others = record.iter().filter(|(key, _)| ![FROM, UNTIL].contains(&key.as_str()));
            let (key, value) = others.next()?;
            let is_value = !value.is_null() && !value.is_object() && !value.is_array();
            if others.next().is_some() || !is_value || *name.get_or_insert(key) != key.as_str() {
                return None;
            }
            rows.push((Days::of(record)?, Value::from_json(value)));
        }
        Some(Dated::value(name?, rows))
    }
}

impl std::fmt::Display for Dated {
    /// `3111 until 2025-12-31, 3112 from 2026-01-01`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.said(Value::to_string))
    }
}

fn number_to_json(text: &str) -> serde_json::Value {
    if let Ok(integer) = text.parse::<i64>() {
        return integer.into();
    }
    if let Ok(integer) = text.parse::<u64>() {
        return integer.into();
    }
    match text.parse::<f64>() {
        Ok(float) if float.is_finite() => float.into(),
        _ => text.into(),
    }
}

fn canonical_number(text: &str) -> String {
    let (sign, digits) = match text.strip_prefix(['-', '+']) {
        Some(rest) => (if text.starts_with('-') { "-" } else { "" }, rest),
        None => ("", text),
    };
    let radix = match digits.get(..2) {
        Some("0x") => Some(16),
        Some("0o") => Some(8),
        _ => None,
    };
    if let Some(radix) = radix {
        return match u128::from_str_radix(&digits[2..], radix) {
            Ok(value) => format!("{sign}{value}"),
            Err(_) => text.to_owned(),
        };
    }
    let plain = digits.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let expanded = if plain {
        digits.to_owned()
    } else {
        match digits.parse::<f64>() {
            // Display of f64 is the shortest decimal that reads back, never with an exponent.
            Ok(float) if float.is_finite() => float.to_string(),
            _ => return text.to_owned(),
        }
    };
    let trimmed = match expanded.split_once('.') {
        Some((whole, fraction)) => {
            let fraction = fraction.trim_end_matches('0');
            let whole = whole.trim_start_matches('0');
            if fraction.is_empty() { whole.to_owned() } else { format!("{whole}.{fraction}") }
        }
        None => expanded.trim_start_matches('0').to_owned(),
    };
    match trimmed.as_str() {
        "" => "0".to_owned(),
        rest if rest.starts_with('.') => format!("{sign}0{rest}"),
        rest => format!("{sign}{rest}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_have_one_form() {
        for (written, canonical) in [
            ("3001", "3001"),
            ("3001.0", "3001"),
            ("3.001e3", "3001"),
            ("25.50", "25.5"),
            (".5", "0.5"),
            ("-0", "0"),
            ("+7", "7"),
            ("0x10", "16"),
            ("0o17", "15"),
            ("007", "7"),
            ("123456789012345678901234567890", "123456789012345678901234567890"),
        ] {
            assert_eq!(Value::number(written), Value::Number(canonical.into()), "{written}");
        }
    }

    #[test]
    fn a_fingerprint_depends_on_key_and_secret_and_shows_neither() {
        let one = fingerprint(b"key", b"canary");
        assert_ne!(one, fingerprint(b"other", b"canary"));
        assert_ne!(one, fingerprint(b"key", b"canary2"));
        assert!(!one.contains("canary"));
    }

    #[test]
    fn only_our_own_shape_is_a_secret() {
        assert!(Secret::from_json(&serde_json::json!({"secret": "env/A", "fingerprint": null})).is_some());
        assert!(Secret::from_json(&serde_json::json!({"secret": "30", "fingerprint": "30"})).is_none());
        assert!(Secret::from_json(&serde_json::json!({"secret": "30"})).is_none());
    }
}
