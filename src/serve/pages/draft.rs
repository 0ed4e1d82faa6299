//! What somebody has typed into the form of a category and not saved: values by setting, rows that he adds, rows that he takes
//! away. A form holds all of it, so that nothing is lost between two requests.

use std::collections::{BTreeMap, BTreeSet};

use super::visit::Sent;
use crate::model::SettingPath;

/// What is typed and not saved.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Draft {
    pub values: BTreeMap<SettingPath, Vec<String>>,
    /// Rows that are not deployed.
    pub added: BTreeSet<SettingPath>,
    /// Rows that are deployed and are to go.
    pub removed: BTreeSet<SettingPath>,
    /// What stands in the last row of a mapping, which is always empty: its key and value.
    pub unfinished: BTreeMap<SettingPath, (String, String)>,
    /// Rows of a sheet that could not be read, with why not, by mapping; and what was pasted.
    pub unread: BTreeMap<SettingPath, (Vec<String>, String)>,
}

/// What a form calls a path. A category that is a mapping itself, such as the schedules, is `*`.
#[must_use]
pub fn named(path: &SettingPath) -> String {
    if path.is_root() { "*".to_owned() } else { path.to_string() }
}

/// The path that a form calls so.
#[must_use]
pub fn path_of(name: &str) -> Option<SettingPath> {
    if name == "*" { Some(SettingPath::root()) } else { SettingPath::parse(name) }
}

impl Draft {
    /// From a form. Names that are no setting's are left out.
    #[must_use]
    pub fn of(sent: &Sent) -> Self {
        let mut draft = Draft::default();
        for (name, value) in &sent.0 {
            let Some((what, rest)) = name.split_once('.') else {
                match (name.as_str(), SettingPath::parse(value)) {
                    ("has", Some(path)) => drop(draft.values.entry(path).or_default()),
                    ("row", Some(path)) => drop(draft.added.insert(path)),
                    ("gone", Some(path)) => drop(draft.removed.insert(path)),
                    _ => {}
                }
                continue;
            };
            let Some(path) = path_of(rest) else { continue };
            match what {
                "s" => draft.values.entry(path).or_default().push(value.clone()),
                "key" if !value.is_empty() => draft.unfinished.entry(path).or_default().0.clone_from(value),
                "value" if !value.is_empty() => draft.unfinished.entry(path).or_default().1.clone_from(value),
                "paste" if !value.is_empty() => draft.unread.entry(path).or_default().1.clone_from(value),
                _ => {}
            }
        }
        draft
    }

    /// The row that stands in the last line of a mapping becomes one of its rows. A record has no value of its own.
    pub fn finish(&mut self, mapping: &SettingPath, is_record: bool) {
        let Some((key, value)) = self.unfinished.remove(mapping) else { return };
        let key = key.trim();
        if key.is_empty() {
            // A value that nobody knows the place of stays where it was typed.
            self.unfinished.insert(mapping.clone(), (String::new(), value));
            return;
        }
        let row = mapping.child(key);
        self.removed.remove(&row);
        if !is_record {
            self.values.insert(row.clone(), vec![value]);
        }
        self.added.insert(row);
    }

    /// Takes a row away: one that was only typed is gone, one that is deployed is to go.
    pub fn remove(&mut self, row: &SettingPath) {
        self.values.retain(|path, _| !path.starts_with(row));
        self.added.retain(|path| !path.starts_with(row));
        self.unfinished.retain(|path, _| !path.starts_with(row));
        self.removed.insert(row.clone());
    }

    /// Whether rows were begun that no setting says yet: named, half typed or pasted.
    #[must_use]
    pub fn is_begun(&self) -> bool {
        !(self.added.is_empty() && self.unfinished.is_empty() && self.unread.is_empty())
    }

    /// Whether a row, or what it stands in, is to go.
    #[must_use]
    pub fn is_removed(&self, path: &SettingPath) -> bool {
        self.removed.iter().any(|row| path.starts_with(row))
    }
}

/// What fields of a category are called by, where the form has others before it.
#[must_use]
pub fn name_of(category: &str, is_first: bool) -> String {
    if is_first { String::new() } else { format!("{category}/") }
}

/// What is typed for a category beside the one that somebody saves.
#[derive(Debug, Clone)]
pub struct Beside {
    pub category: String,
    pub draft: Draft,
    /// At which it was begun.
    pub revision: u64,
    pub sent: Sent,
}

impl Beside {
    /// Its fields as a form of another category calls them.
    #[must_use]
    pub fn carried(&self) -> Vec<(String, &str)> {
        self.sent
            .0
            .iter()
            .map(|(name, value)| (format!("{}/{name}", self.category), value.as_str()))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_holds_what_was_typed_and_names_of_others_are_left_alone() {
        let sent = |all: &[(&str, &str)]| {
            Sent(all.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect())
        };
        let mut draft = Draft::of(&sent(&[
            ("form", "x"),
            ("s.name", "Å"),
            ("s.map.\"25.5\"", "3001"),
            ("has", "statuses"),
            ("s.statuses", "a"),
            ("s.statuses", "b"),
            ("has", "empty"),
            ("key.map", " Qliro "),
            ("value.map", "30"),
            ("s.", "no"),
            ("s.a..b", "no"),
        ]));
        let path = |text: &str| SettingPath::parse(text).unwrap();
        assert_eq!(draft.values.len(), 4);
        assert_eq!(draft.values[&path("statuses")], ["a", "b"]);
        assert!(draft.values[&path("empty")].is_empty());
        draft.finish(&path("map"), false);
        assert_eq!(draft.values[&path("map.Qliro")], ["30"]);
        draft.remove(&path("map.Qliro"));
        assert!(!draft.values.contains_key(&path("map.Qliro")) && draft.is_removed(&path("map.Qliro")));
    }
}
