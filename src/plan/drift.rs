//! What was changed outside the files since the last apply, setting by setting: when, and by whom. From the history of
//! one category alone.

use super::compare;
use super::data::{ChangeKind, Origin};
use crate::model::{SettingPath, Settings, Value};

/// What one save left.
#[derive(Debug, Clone, Copy)]
pub struct Version<'a> {
    pub settings: &'a Settings,
    pub saved_by: &'a str,
    pub saved_at: &'a str,
    /// An apply saved it.
    pub applied: bool,
}

/// One setting that is not what the last apply left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Moved {
    pub path: SettingPath,
    /// What the last apply left.
    pub before: Option<Value>,
    /// What is deployed.
    pub after: Option<Value>,
    /// Of the save that gave it the value that it has now.
    pub by: String,
    pub since: String,
    pub origin: Origin,
}

impl Moved {
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match (&self.before, &self.after) {
            (None, _) => ChangeKind::Add,
            (_, None) => ChangeKind::Reset,
            _ => ChangeKind::Change,
        }
    }
}

/// The newest of some saves that gave a setting the value that it has now; the first of all where it always had it.
#[must_use]
pub fn last_change<'v>(versions: &[Version<'v>], path: &SettingPath) -> Option<Version<'v>> {
    let moves = |pair: &&[Version<'_>]| pair[0].settings.get(path) != pair[1].settings.get(path);
    let moved = versions.windows(2).rev().find(moves).map(|pair| pair[1]);
    moved.or_else(|| versions.first().copied())
}

/// Compares the last save of a category's history with the last one that an apply made, and with what is `agreed` since: what
/// the store has as applied, which may say something else of a setting than that apply left. `desired` is what the files say:
/// a setting that they say to be as it is deployed has not drifted, one that they say otherwise about than the last apply
/// left is in conflict. Where no apply ever saved, all of it was made outside.
#[must_use]
pub fn moved(versions: &[Version<'_>], agreed: Option<&Settings>, desired: Option<&Settings>) -> Vec<Moved> {
    let Some(now) = versions.last() else { return Vec::new() };
    let applied = versions.iter().rfind(|version| version.applied);
    let mut left = applied.map(|version| version.settings.clone()).unwrap_or_default();
    for (path, value) in agreed.filter(|_| applied.is_some()).into_iter().flatten() {
        match value {
            Value::Null => left.remove(path),
            value => left.insert(path.clone(), value.clone()),
        };
    }
    let mut paths: Vec<&SettingPath> = left.keys().chain(now.settings.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths
        .into_iter()
        .filter(|path| left.get(path) != now.settings.get(path))
        .filter_map(|path| {
            let (before, after) = (left.get(path), now.settings.get(path));
            let wanted = desired.and_then(|desired| desired.get(path)).filter(|value| **value != Value::Null);
            if wanted.is_some() && wanted == after {
                return None;
            }
            let by = last_change(versions, path).unwrap_or(*now);
            // A secret in the files has no fingerprint here.
            let is_new = |wanted: &Value| !before.is_some_and(|before| compare::same(before, wanted));
            Some(Moved {
                path: path.clone(),
                before: before.cloned(),
                after: after.cloned(),
                by: by.saved_by.to_owned(),
                since: by.saved_at.to_owned(),
                origin: if wanted.is_some_and(is_new) { Origin::Both } else { Origin::Outside },
            })
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Secret, from_json};

    #[test]
    fn a_secret_that_somebody_replaced_did_not_change_in_the_files() {
        let secret = |fingerprint: Option<&str>| {
            let fingerprint = fingerprint.map(str::to_owned);
            let secret = Secret { reference: "env/TOKEN".to_owned(), fingerprint };
            Settings::from([(SettingPath::root().child("s"), Value::Secret(secret))])
        };
        let (applied, clicked, wanted) = (secret(Some("one")), secret(Some("two")), secret(None));
        let version = |settings, applied| Version { settings, saved_by: "ann", saved_at: "", applied };
        let versions = [version(&applied, true), version(&clicked, false)];
        let found = moved(&versions, Some(&applied), Some(&wanted));
        assert_eq!(found.iter().map(|moved| moved.origin).collect::<Vec<_>>(), [Origin::Outside]);
        let mut other = wanted.clone();
        other.values_mut().for_each(|value| *value = Value::Text("open".to_owned()));
        assert_eq!(moved(&versions, Some(&applied), Some(&other))[0].origin, Origin::Both);
    }

    #[test]
    fn a_setting_names_the_save_that_gave_it_its_value() {
        let documents = [
            (serde_json::json!({"a": 1, "b": 1, "c": 1}), "ann", true),
            (serde_json::json!({"a": 2, "b": 1, "c": 1}), "bo", false),
            (serde_json::json!({"a": 2, "b": 2, "d": 1}), "cy", false),
            (serde_json::json!({"a": 2, "b": 1, "d": 1}), "di", false),
        ];
        let settings: Vec<Settings> = documents.iter().map(|(json, _, _)| from_json(json)).collect();
        let versions: Vec<Version<'_>> = documents
            .iter()
            .zip(&settings)
            .map(|((_, by, applied), settings)| Version {
                settings,
                saved_by: by,
                saved_at: by,
                applied: *applied,
            })
            .collect();
        let found = |desired: serde_json::Value| -> Vec<(String, ChangeKind, String, Origin)> {
            let desired = from_json(&desired);
            moved(&versions, None, Some(&desired))
                .into_iter()
                .map(|moved| (moved.path.to_string(), moved.kind(), moved.by.clone(), moved.origin))
                .collect()
        };
        assert_eq!(
            found(serde_json::json!({"a": 1, "b": 1, "c": 1})),
            [
                ("a".into(), ChangeKind::Change, "bo".into(), Origin::Outside),
                ("c".into(), ChangeKind::Reset, "cy".into(), Origin::Outside),
                ("d".into(), ChangeKind::Add, "cy".into(), Origin::Outside)
            ]
        );
        let conflict = found(serde_json::json!({"a": 3, "c": 1, "d": 1}));
        assert_eq!(conflict[0].3, Origin::Both);
        assert_eq!(conflict.len(), 2, "d is in the files by now");
        // What no apply ever saved was all made outside.
        let never = moved(&versions[1..], None, None);
        let never: Vec<(String, ChangeKind, &str)> =
            never.iter().map(|moved| (moved.path.to_string(), moved.kind(), moved.by.as_str())).collect();
        assert_eq!(
            never,
            [
                ("a".into(), ChangeKind::Add, "bo"),
                ("b".into(), ChangeKind::Add, "di"),
                ("d".into(), ChangeKind::Add, "cy")
            ]
        );
        assert!(moved(&versions[..1], None, None).is_empty());
    }
}
