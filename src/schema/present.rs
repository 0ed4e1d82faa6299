//! Settings as they were saved, and paths as people know them, under the names and in the places that the schema has for them
//! now: where a setting was renamed (`x-renamed-from`), or became a field of a record (`x-was`).

use super::pair::Category;
use super::records::Was;
use crate::model::{SettingPath, Settings, Value};

impl Category {
    /// Settings as they were saved, under the names and in the places that they have now. Whoever saves with these leaves nothing in
    /// a place that they had before, so that what stands there was put there since, by somebody who does not know the new one: it
    /// counts.
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
        let (former, present): (Settings, Settings) =
            settings.into_iter().partition(|(path, _)| stands(path));
        let mut carried = Settings::new();
        for was in &self.was {
            for (path, value) in former.iter().filter(|(path, _)| path.segments()[0] == was.from) {
                match (&was.listed, path.segments(), value) {
                    (None, [_, record], value) => {
                        carried.entry(was.path_of(record)).or_insert_with(|| value.clone());
                    }
                    (Some(listed), [_], Value::List(records)) => {
                        for record in records.iter().filter_map(text_of) {
                            let value = || Value::Text(listed.to_string());
                            carried.entry(was.path_of(record)).or_insert_with(value);
                        }
                    }
                    // A reset of all of them, and what the schema does not take, stay where they are.
                    _ => drop(carried.insert(path.clone(), value.clone())),
                }
            }
        }
        present.into_iter().chain(carried).collect()
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

    /// Whether a path is that of a field which the category's records have in files alone.
    #[must_use]
    pub fn keeps_elsewhere(&self, path: &SettingPath) -> bool {
        let [records, _, field] = path.segments() else { return false };
        self.kept.iter().any(|kept| kept.records == *records && kept.field == *field)
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

fn text_of(value: &Value) -> Option<&str> {
    if let Value::Text(text) = value { Some(text) } else { None }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

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
            let records = json!({"methods": {"Klarna": {"terms": "30"}, "Swish": {"terms": "0"}}});
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
