//! Records, and where their fields stood before: `x-was` and `x-kept-in` of a field, as data, and what they mean for settings.
//!
//! A record is a row of a mapping that has fields. A field may once have been a mapping of its own, or a list of the records of
//! which it held (`x-was`): whoever has settings as they were saved gets them here as they are now. Of documents the same is
//! done in `compile::carry`.

use serde_json::Value as Json;

use super::fragment::Fragment;
use super::keywords::text;
use super::pair::Category;
use crate::model::{Name, SettingPath, Settings, Value};

/// A field of the records in a mapping, and the setting of the same category in which it stood before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Was {
    /// The setting that it stood in.
    pub from: Box<str>,
    /// The mapping with the records, and the field.
    pub records: Box<str>,
    pub field: Box<str>,
    /// The setting was a list of records, of which the field has this value; none: a mapping, whose rows held the value.
    pub listed: Option<Box<str>>,
}

/// A field that is written in a record, and kept as a row of a mapping in another category.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    pub records: Box<str>,
    pub field: Box<str>,
    pub category: Name,
    pub mapping: Box<str>,
}

/// The fields of the records in a category that stood elsewhere, and those that are kept elsewhere.
pub(super) fn fields_elsewhere(schema: &Fragment) -> (Vec<Was>, Vec<Kept>) {
    let (mut was, mut kept) = (Vec::new(), Vec::new());
    let settings = schema.get("properties").and_then(Json::as_object);
    let is_setting = |name: &str| settings.is_some_and(|settings| settings.contains_key(name));
    for (records, mapping) in settings.into_iter().flatten() {
        let fields = mapping.pointer("/additionalProperties/properties").and_then(Json::as_object);
        for (field, schema) in fields.into_iter().flatten() {
            let one = |from: &str, listed: Option<&str>| Was {
                from: from.into(),
                records: records.as_str().into(),
                field: field.as_str().into(),
                listed: listed.map(Into::into),
            };
            match schema.get("x-was") {
                Some(Json::String(from)) if is_setting(from) => was.push(one(from, None)),
                Some(Json::Object(lists)) => {
                    let lists = lists.iter().filter(|(from, _)| is_setting(from));
                    was.extend(lists.filter_map(|(from, value)| Some(one(from, Some(value.as_str()?)))));
                }
                _ => {}
            }
            if let Some((category, mapping)) = text(schema, "x-kept-in").split_once('.') {
                kept.push(Kept {
                    records: records.as_str().into(),
                    field: field.as_str().into(),
                    category: category.into(),
                    mapping: mapping.into(),
                });
            }
        }
    }
    (was, kept)
}

fn text_of(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

impl Was {
    /// The path that the field of one record has now.
    fn path_of(&self, record: &str) -> SettingPath {
        [&*self.records, record, &*self.field].iter().collect()
    }

    /// Whether a path is that of the field in a record.
    fn is_at(&self, path: &SettingPath) -> bool {
        matches!(path.segments(), [records, _, field] if *records == self.records && *field == self.field)
    }

    /// Whether such a field was said by the setting that it stood in, where it has this value.
    fn told(&self, value: &Value) -> bool {
        self.listed.as_ref().is_none_or(|listed| matches!(value, Value::Text(text) if **text == **listed))
    }
}

impl Category {
    /// Settings as they were saved, under the names and in the places that they have now. Where both were set at one time, the
    /// newer place counts.
    #[must_use]
    pub fn present(&self, settings: Settings) -> Settings {
        let settings = self.renamed(settings);
        let stands = |path: &SettingPath| {
            let first = path.segments().first();
            self.was.iter().any(|was| first.is_some_and(|first| *first == was.from))
        };
        if !settings.keys().any(stands) {
            return settings;
        }
        let (former, mut present): (Settings, Settings) =
            settings.into_iter().partition(|(path, _)| stands(path));
        for was in &self.was {
            for (path, value) in former.iter().filter(|(path, _)| path.segments()[0] == was.from) {
                match (&was.listed, path.segments(), value) {
                    (None, [_, record], value) => {
                        present.entry(was.path_of(record)).or_insert_with(|| value.clone());
                    }
                    (Some(listed), [_], Value::List(records)) => {
                        for record in records.iter().filter_map(text_of) {
                            let value = || Value::Text(listed.to_string());
                            present.entry(was.path_of(record)).or_insert_with(value);
                        }
                    }
                    // A reset of all of them, and what the schema does not take, stay where they are.
                    _ => drop(present.insert(path.clone(), value.clone())),
                }
            }
        }
        present
    }

    /// Settings of files with a reset for each deployed field that they reset where it stood before: `map: null` stands for the
    /// field of every record. Nothing, where they have no such reset.
    #[must_use]
    pub fn with_resets(&self, desired: &Settings, deployed: &Settings) -> Option<Settings> {
        let is_reset = |was: &&Was| {
            desired.get(&SettingPath::root().child(&was.from)).is_some_and(|value| *value == Value::Null)
        };
        let reset: Vec<&Was> = self.was.iter().filter(is_reset).collect();
        if reset.is_empty() {
            return None;
        }
        let mut all = desired.clone();
        for (path, value) in deployed {
            if reset.iter().any(|was| was.is_at(path) && was.told(value)) {
                all.entry(path.clone()).or_insert(Value::Null);
            }
        }
        Some(all)
    }

    /// What a path that was right before leads to now: a record's field, all records where the whole setting is meant, or what
    /// has another name.
    #[must_use]
    pub fn place_now(&self, path: &SettingPath) -> Option<SettingPath> {
        let [first, rest @ ..] = path.segments() else { return None };
        let was = self.was.iter().find(|was| *first == was.from);
        match (was, rest) {
            (Some(was), [record]) if was.listed.is_none() => Some(was.path_of(record)),
            (Some(was), _) => Some(SettingPath::root().child(&was.records)),
            (None, _) => self.path_now(path).filter(|now| now != path),
        }
    }

    /// Whether a setting of it had another name or place before.
    #[must_use]
    pub fn has_places_before(&self) -> bool {
        self.renames || !self.was.is_empty()
    }

    /// Where a setting stood before, by any of its former names and places; `values` are what it had and gets.
    #[must_use]
    pub fn places_before(&self, path: &SettingPath, values: &[&Value]) -> Vec<SettingPath> {
        let mut places = self.paths_before(path);
        for was in self.was.iter().filter(|was| was.is_at(path)) {
            let root = SettingPath::root().child(&was.from);
            match &was.listed {
                None => places.push(root.child(&path.segments()[1])),
                Some(_) if values.iter().any(|value| was.told(value)) => places.push(root),
                Some(_) => {}
            }
        }
        places
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::{from_json, to_json};
    use crate::schema::parts::Catalogue;

    fn payment_methods(take: impl Fn(&Category)) {
        let pair = Catalogue::default().pair("fortnox-shopify").unwrap();
        take(pair.category("payment_methods").unwrap());
    }

    #[test]
    fn what_was_saved_in_the_old_places_is_in_the_records_now() {
        payment_methods(|category| {
            let now = |saved: Json| to_json(&category.present(from_json(&saved)));
            let saved = json!({
                "default_terms_of_payment": "30",
                "map": {"Klarna": "30", "Swish": null},
                "do_not_sync": ["Gift card", "Klarna"],
                "creates_per_method": ["Swish"],
            });
            let expected = json!({
                "default_terms_of_payment": "30",
                "methods": {
                    "Gift card": {"document": "none"},
                    "Klarna": {"document": "none", "terms": "30"},
                    "Swish": {"document": "invoice", "terms": null},
                },
            });
            assert_eq!(now(saved), expected);
            assert_eq!(now(expected.clone()), expected);
            let both = json!({"map": {"Klarna": "30", "Swish": "0"}, "methods": {"Klarna": {"terms": "10"}}});
            let records = json!({"methods": {"Klarna": {"terms": "10"}, "Swish": {"terms": "0"}}});
            assert_eq!(now(both), records);
            assert_eq!(now(json!({"do_not_sync": [], "map": null})), json!({"map": null}));
        });
    }

    #[test]
    fn a_reset_in_an_old_place_resets_the_field_of_every_record() {
        payment_methods(|category| {
            let desired = from_json(&json!({"do_not_sync": null, "methods": {"A": {"document": "none"}}}));
            let deployed = json!({"methods": {
                "A": {"document": "none"}, "B": {"document": "none", "terms": "30"}, "C": {"document": "invoice"},
            }});
            let all = category.with_resets(&desired, &from_json(&deployed)).unwrap();
            let expected =
                json!({"do_not_sync": null, "methods": {"A": {"document": "none"}, "B": {"document": null}}});
            assert_eq!(to_json(&all), expected);
            assert_eq!(category.with_resets(&from_json(&deployed), &desired), None);
        });
    }

    #[test]
    fn a_place_is_known_by_what_it_was() {
        payment_methods(|category| {
            let path = |text: &str| SettingPath::parse(text).unwrap();
            let now = |text: &str| category.place_now(&path(text)).map(|now| now.to_string());
            assert_eq!(now("map.Klarna").as_deref(), Some("methods.Klarna.terms"));
            assert_eq!(now("map").as_deref(), Some("methods"));
            assert_eq!(now("do_not_sync").as_deref(), Some("methods"));
            assert_eq!(now("default_terms_of_payment"), None);
            let none = Value::Text("none".to_owned());
            let before = |text: &str| -> Vec<String> {
                let found = category.places_before(&path(text), &[&none]);
                found.iter().map(ToString::to_string).collect()
            };
            assert_eq!(before("methods.Klarna.terms"), ["map.Klarna"]);
            assert_eq!(before("methods.Klarna.document"), ["do_not_sync"]);
            assert!(before("methods.Klarna.mark_paid").is_empty());
        });
    }
}
