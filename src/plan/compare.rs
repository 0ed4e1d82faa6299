//! The three-way comparison of one category: what the files say, what the last apply set, what is deployed.

use super::data::{ChangeKind, Origin};
use crate::model::{SettingPath, Settings, Value};

/// One setting that has to move.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    pub path: SettingPath,
    pub before: Option<Value>,
    /// The value after; for a reset the default, where there is one.
    pub after: Option<Value>,
    pub origin: Origin,
    /// What the last apply set, where it differs from what is deployed.
    pub last_applied: Option<Value>,
    reset: bool,
}

impl Difference {
    #[must_use]
    pub fn kind(&self) -> ChangeKind {
        match (self.reset, &self.before) {
            (true, _) => ChangeKind::Reset,
            (false, None) => ChangeKind::Add,
            (false, Some(_)) => ChangeKind::Change,
        }
    }
}

/// Compares one category. `current` is (last applied, deployed), none when the category was never saved.
///
/// Settings that neither the files nor the last apply mention are not managed and never differ. A secret whose value is not at
/// hand differs where `is_pending` says so of its reference: it may have changed.
#[must_use]
pub fn compare(
    desired: &Settings,
    current: Option<(&Settings, &Settings)>,
    default: &dyn Fn(&SettingPath) -> Option<Value>,
    is_pending: &dyn Fn(&str) -> bool,
) -> Vec<Difference> {
    let empty = Settings::new();
    let (base, deployed) = current.unwrap_or((&empty, &empty));
    let mut differences: Vec<Difference> = desired
        .iter()
        .filter(|(_, value)| **value != Value::Null)
        .filter_map(|(path, value)| {
            let before = deployed.get(path);
            let may_differ = is_unknown(value, is_pending);
            (may_differ || !before.is_some_and(|before| same(before, value))).then(|| Difference {
                path: path.clone(),
                before: before.cloned(),
                after: Some(value.clone()),
                origin: origin(base.get(path), Some(value), before),
                last_applied: moved(base.get(path), before),
                reset: false,
            })
        })
        .collect();
    let is_reset = |path: &SettingPath| {
        let nulled = desired.iter().any(|(reset, value)| *value == Value::Null && path.starts_with(reset));
        let dropped =
            base.get(path).is_some_and(|value| *value != Value::Null) && !desired.contains_key(path);
        nulled || dropped
    };
    for (path, before) in deployed.iter().filter(|(path, _)| is_reset(path)) {
        let default = default(path);
        if default.as_ref() == Some(before) || desired.get(path).is_some_and(|value| *value != Value::Null) {
            continue;
        }
        let wanted = desired.get(path).filter(|value| **value != Value::Null);
        differences.push(Difference {
            path: path.clone(),
            before: Some(before.clone()),
            after: default,
            origin: origin(base.get(path), wanted, Some(before)),
            last_applied: moved(base.get(path), Some(before)),
            reset: true,
        });
    }
    differences.sort_by(|a, b| a.path.cmp(&b.path));
    differences
}

/// The settings after these differences were applied to what is deployed.
#[must_use]
pub fn apply(mut deployed: Settings, differences: &[Difference]) -> Settings {
    for difference in differences {
        match &difference.after {
            Some(value) if !difference.reset => {
                deployed.insert(difference.path.clone(), value.clone());
            }
            _ => {
                deployed.remove(&difference.path);
            }
        }
    }
    deployed
}

/// A secret whose value is not at hand, and of which that counts.
fn is_unknown(desired: &Value, is_pending: &dyn Fn(&str) -> bool) -> bool {
    matches!(desired, Value::Secret(secret) if secret.fingerprint.is_none() && is_pending(&secret.reference))
}

/// Whether all that the files say is what the last apply set.
pub(super) fn is_base(desired: &Settings, base: &Settings) -> bool {
    let is_same = |(path, value): (_, &Value)| base.get(path).is_some_and(|base| same(base, value));
    desired.len() == base.len() && desired.iter().all(is_same)
}

/// A secret whose value is not at hand is taken as unchanged while its reference is.
pub(super) fn same(deployed: &Value, desired: &Value) -> bool {
    match (deployed, desired) {
        (Value::Secret(deployed), Value::Secret(desired)) => {
            deployed.reference == desired.reference
                && (desired.fingerprint.is_none() || deployed.fingerprint == desired.fingerprint)
        }
        _ => deployed == desired,
    }
}

fn origin(base: Option<&Value>, desired: Option<&Value>, deployed: Option<&Value>) -> Origin {
    let Some(base) = base else { return Origin::Git };
    let reset = *base == Value::Null && desired.is_none();
    let in_git = !reset && !desired.is_some_and(|desired| same(base, desired));
    let as_applied = match deployed {
        Some(deployed) => same(base, deployed),
        None => *base == Value::Null,
    };
    let outside = !as_applied;
    match (in_git, outside) {
        (true, true) => Origin::Both,
        (false, true) => Origin::Outside,
        _ => Origin::Git,
    }
}

fn moved(base: Option<&Value>, deployed: Option<&Value>) -> Option<Value> {
    let base = base?;
    (!deployed.is_some_and(|deployed| same(base, deployed)) && *base != Value::Null).then(|| base.clone())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::from_json;

    fn settings(json: serde_json::Value) -> Settings {
        from_json(&json)
    }

    fn no_default(_: &SettingPath) -> Option<Value> {
        None
    }

    fn any_settings() -> impl Strategy<Value = Settings> {
        let value = prop_oneof![
            any::<bool>().prop_map(Value::Bool),
            (0..5_u8).prop_map(|number| Value::Number(number.to_string())),
            "[a-c]{1,2}".prop_map(Value::Text),
        ];
        proptest::collection::btree_map("[a-d]".prop_map(|key| SettingPath::root().child(&key)), value, 0..4)
    }

    proptest! {
        #[test]
        fn what_is_the_same_does_not_differ(a in any_settings()) {
            prop_assert!(compare(&a, Some((&a, &a)), &no_default, &|_| false).is_empty());
        }

        #[test]
        fn applying_the_difference_leaves_nothing_to_do(base in any_settings(), deployed in any_settings(), desired in any_settings()) {
            let differences = compare(&desired, Some((&base, &deployed)), &no_default, &|_| false);
            let after = apply(deployed.clone(), &differences);
            prop_assert!(compare(&desired, Some((&desired, &after)), &no_default, &|_| false).is_empty());
            for (path, value) in &desired {
                prop_assert_eq!(after.get(path), Some(value));
            }
            // What neither the files nor the last apply mention is left alone.
            for (path, value) in deployed.iter().filter(|(path, _)| !base.contains_key(*path) && !desired.contains_key(*path)) {
                prop_assert_eq!(after.get(path), Some(value));
            }
        }
    }

    /// desired, base, deployed of one key `a` (null: absent) → kind and origin.
    #[test]
    fn every_case_of_the_three_ways() {
        let one = |value: serde_json::Value| {
            if value.is_null() { Settings::new() } else { settings(serde_json::json!({"a": value})) }
        };
        for (desired, base, deployed, expected) in [
            (1, 1, 1, None),
            (2, 1, 1, Some((ChangeKind::Change, Origin::Git))),
            (1, 1, 2, Some((ChangeKind::Change, Origin::Outside))),
            (3, 1, 2, Some((ChangeKind::Change, Origin::Both))),
            (2, 1, 2, None),
            (1, 0, 0, Some((ChangeKind::Add, Origin::Git))),
            (1, 0, 2, Some((ChangeKind::Change, Origin::Git))),
            (0, 1, 1, Some((ChangeKind::Reset, Origin::Git))),
            (0, 1, 2, Some((ChangeKind::Reset, Origin::Both))),
            (0, 0, 2, None),
            (1, 1, 0, Some((ChangeKind::Add, Origin::Outside))),
        ] {
            let value = |number: i32| if number == 0 { serde_json::Value::Null } else { number.into() };
            let (desired, base, deployed) = (one(value(desired)), one(value(base)), one(value(deployed)));
            let found = compare(&desired, Some((&base, &deployed)), &no_default, &|_| false);
            let found = found.first().map(|difference| (difference.kind(), difference.origin));
            assert_eq!(found, expected, "{desired:?} {base:?} {deployed:?}");
        }
    }

    #[test]
    fn null_resets_a_whole_mapping_and_a_default_needs_no_reset() {
        let mut desired = Settings::new();
        desired.insert(SettingPath::root().child("map"), Value::Null);
        let deployed = settings(serde_json::json!({"map": {"Klarna": "30", "Swish": "0"}, "other": 1}));
        let found = compare(&desired, Some((&Settings::new(), &deployed)), &no_default, &|_| false);
        assert_eq!(found.len(), 2);
        assert!(found.iter().all(|difference| difference.kind() == ChangeKind::Reset));
        let to_default = |_: &SettingPath| Some(Value::Text("30".into()));
        assert_eq!(compare(&desired, Some((&Settings::new(), &deployed)), &to_default, &|_| false).len(), 1);
    }
}
