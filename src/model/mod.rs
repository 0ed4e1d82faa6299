//! What an integration's configuration is, whoever holds it: settings by category, canonical and comparable.
//!
//! Desired, last applied and deployed are values of this one type. Nothing here knows where a value was written
//! (`compile` keeps that beside it) or how it is stored.

pub mod category;
pub mod countries;
pub mod credential;
pub mod currencies;
pub mod customers;
pub mod days;
pub mod digest;
pub mod document;
pub mod hidden;
pub mod hold;
pub mod name;
pub mod path;
pub mod pattern;
pub mod resolve;
pub mod sorted;
pub mod tokens;
pub mod value;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use category::{CONNECTORS, FLOWS, GENERAL, SCHEDULES, TOP_LEVEL, WEBHOOKS, is_top_level};
pub use days::Days;
pub use digest::{canonical_json, digest_text, hex};
pub use hidden::Hidden;
pub use hold::Hold;
pub use name::Name;
pub use path::SettingPath;
pub use value::{Dated, Secret, Value};

/// The settings of one category: leaf path to value.
pub type Settings = BTreeMap<SettingPath, Value>;

/// One integration's settings, category by category.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Configuration {
    pub categories: BTreeMap<Name, Arc<Settings>>,
}

impl Configuration {
    /// The settings of a category that is declared.
    #[must_use]
    pub fn of(&self, category: &str) -> Option<&Settings> {
        self.categories.get(category).map(|settings| &**settings)
    }
}

/// The nested document of a category: `{"map": {"Klarna": "30"}}`, keys sorted.
#[must_use]
pub fn to_json(settings: &Settings) -> serde_json::Value {
    let mut root = serde_json::Map::new();
    for (path, value) in leaves(settings) {
        insert(&mut root, path.segments(), value.to_json());
    }
    serde_json::Value::Object(root)
}

/// What has something below it is no leaf, and has no place in a document.
pub fn leaves(settings: &Settings) -> impl Iterator<Item = (&SettingPath, &Value)> {
    let mut all = settings.iter().peekable();
    std::iter::from_fn(move || {
        loop {
            let (path, value) = all.next()?;
            if !all.peek().is_some_and(|(next, _)| next.starts_with(path)) {
                return Some((path, value));
            }
        }
    })
}

fn insert(map: &mut serde_json::Map<String, serde_json::Value>, path: &[Box<str>], value: serde_json::Value) {
    let Some((first, rest)) = path.split_first() else { return };
    if rest.is_empty() {
        map.insert(first.to_string(), value);
        return;
    }
    let entry =
        map.entry(first.to_string()).or_insert_with(|| serde_json::Value::Object(serde_json::Map::new()));
    if let serde_json::Value::Object(inner) = entry {
        insert(inner, rest, value);
    }
}

/// The leaves of a category's document. Objects are descended into, except secrets; empty objects hold no setting.
#[must_use]
pub fn from_json(document: &serde_json::Value) -> Settings {
    fn walk(path: &SettingPath, json: &serde_json::Value, into: &mut Settings) {
        if let serde_json::Value::Object(map) = json
            && Secret::from_json(json).is_none()
        {
            for (key, inner) in map {
                walk(&path.child(key), inner, into);
            }
            return;
        }
        if !path.is_root() {
            into.insert(path.clone(), Value::from_json(json));
        }
    }
    let mut settings = Settings::new();
    walk(&SettingPath::root(), document, &mut settings);
    settings
}

/// Compact JSON with sorted keys: equal settings give equal bytes.
#[must_use]
pub fn canonical(settings: &Settings) -> String {
    let mut text = CanonicalText::default();
    walk(settings, &mut |step| text.take(&step));
    text.end()
}

/// What happens on the way through the leaves of a category, in the order of their paths.
#[derive(Debug)]
pub enum Step<'a, V> {
    /// A map under a key; it may turn out to hold nothing.
    Open(&'a str),
    Leaf(&'a str, V),
    Close,
}

/// Takes each step through settings.
pub fn walk<'a>(settings: &'a Settings, take: &mut dyn FnMut(Step<'a, &'a Value>)) {
    let mut open: &[Box<str>] = &[];
    for (path, value) in leaves(settings) {
        let [above @ .., key] = path.segments() else { continue };
        let shared = open.iter().zip(above).take_while(|(a, b)| a == b).count();
        open[shared..].iter().for_each(|_| take(Step::Close));
        above[shared..].iter().for_each(|name| take(Step::Open(name)));
        take(Step::Leaf(key, value));
        open = above;
    }
    open.iter().for_each(|_| take(Step::Close));
}

/// [`canonical`], written step by step, since it is asked for of every category of a fleet.
#[derive(Debug)]
pub struct CanonicalText {
    out: String,
    /// Of each open map, how long the text was before its key and after its bracket.
    open: Vec<(usize, usize)>,
}

impl Default for CanonicalText {
    fn default() -> Self {
        let mut out = String::with_capacity(512);
        out.push('{');
        CanonicalText { out, open: Vec::new() }
    }
}

impl CanonicalText {
    pub fn take(&mut self, step: &Step<'_, &Value>) {
        match step {
            Step::Open(key) => {
                let before = self.out.len();
                begin(&mut self.out, key);
                self.out.push('{');
                self.open.push((before, self.out.len()));
            }
            Step::Leaf(key, value) => {
                begin(&mut self.out, key);
                write_value(&mut self.out, value);
            }
            Step::Close => match self.open.pop() {
                // What holds no setting is not there.
                Some((before, after)) if after == self.out.len() => self.out.truncate(before),
                _ => self.out.push('}'),
            },
        }
    }

    /// Takes a leaf that is a text.
    pub fn text(&mut self, key: &str, text: &str) {
        begin(&mut self.out, key);
        quote(&mut self.out, text);
    }

    /// The whole text.
    #[must_use]
    pub fn end(mut self) -> String {
        self.out.push('}');
        self.out
    }
}

fn write_value(out: &mut String, value: &Value) {
    match value {
        Value::Text(text) => quote(out, text),
        Value::Null => out.push_str("null"),
        Value::Bool(on) => out.push_str(if *on { "true" } else { "false" }),
        // A short whole number is in JSON as it is here.
        Value::Number(text) if text.len() < 16 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
            out.push_str(text);
        }
        Value::List(items) => {
            out.push('[');
            for (at, item) in items.iter().enumerate() {
                out.push_str(if at > 0 { "," } else { "" });
                write_value(out, item);
            }
            out.push(']');
        }
        other => out.push_str(&canonical_json(other.to_json())),
    }
}

/// A key, after a comma where something stands before it.
fn begin(out: &mut String, key: &str) {
    if !out.ends_with('{') {
        out.push(',');
    }
    quote(out, key);
    out.push(':');
}

/// A text as JSON has it.
fn quote(out: &mut String, text: &str) {
    if text.bytes().all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\' && byte != 0x7f) {
        out.push('"');
        out.push_str(text);
        out.push('"');
    } else {
        out.push_str(&serde_json::Value::from(text).to_string());
    }
}

/// `sha256:` and 64 hex digits of [`canonical`].
#[must_use]
pub fn digest(settings: &Settings) -> String {
    digest_text(&canonical(settings))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn settings_survive_their_document() {
        let document = serde_json::json!({
            "default_terms_of_payment": "30",
            "map": {"Klarna": "30", "PayPal.Express": "0"},
            "rates": {"25.5": 3001}, "kinds": ["a", "b"], "on": true,
            "token": {"secret": "env/TOKEN", "fingerprint": "hmac-sha256:00"}
        });
        let settings = from_json(&document);
        assert_eq!(settings.len(), 7);
        assert_eq!(from_json(&to_json(&settings)), settings);
        assert_eq!(digest(&settings), digest(&from_json(&to_json(&settings))));
    }

    fn any_settings() -> impl Strategy<Value = Settings> {
        let value = prop_oneof![
            Just(Value::Null),
            any::<bool>().prop_map(Value::Bool),
            any::<i32>().prop_map(|number| Value::Number(number.to_string())),
            ".{0,6}".prop_map(Value::Text),
            proptest::collection::vec(".{0,3}".prop_map(Value::Text), 0..3).prop_map(Value::List),
            "[a-z]{1,3}".prop_map(|name| Value::Secret(Secret { reference: name, fingerprint: None })),
        ];
        let path = proptest::collection::vec("[ab\"é]{1,2}", 1..4).prop_map(SettingPath::from_iter);
        proptest::collection::btree_map(path, value, 0..8)
    }

    proptest! {
        #[test]
        fn canonical_form_is_the_document_with_sorted_keys(settings in any_settings()) {
            prop_assert_eq!(canonical(&settings), canonical_json(to_json(&settings)));
        }
    }

    #[test]
    fn canonical_form_does_not_depend_on_the_order_of_writing() {
        let one = from_json(&serde_json::json!({"a": 1, "b": {"d": 1, "c": 2}}));
        let two = from_json(&serde_json::json!({"b": {"c": 2, "d": 1}, "a": 1}));
        assert_eq!(canonical(&one), canonical(&two));
        assert_eq!(canonical(&one), r#"{"a":1,"b":{"c":2,"d":1}}"#);
    }
}
