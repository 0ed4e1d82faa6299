//! The way back: one category as it was, planned like any other change.

use super::compare;
use super::data::{Action, CategoryPlan, Change, Target, usual_effect};
use super::deployed::Current;
use crate::model::Settings;

/// Plans one category's return to settings that it had before.
///
/// What the last apply set stays the base of the next comparison: the files still say it. So the next plan from them tells what
/// went back as changed outside them, a pull takes it in, and once the files say the same, both agree.
#[must_use]
pub fn category(id: &str, title: &str, current: &Current, wanted: &Settings) -> CategoryPlan {
    let deployed = &current.settings;
    let differences = compare::compare(wanted, Some((deployed, deployed)), &|_| None, &|_| false);
    let after = compare::apply(deployed.clone(), &differences);
    let changes: Vec<Change> = differences
        .iter()
        .map(|difference| {
            let (before, after) = (difference.before.as_ref(), difference.after.as_ref());
            Change {
                effect: usual_effect(id).to_owned(),
                ..Change::new(&difference.path, difference.kind(), before, after)
            }
        })
        .collect();
    CategoryPlan {
        category: id.into(),
        title: title.into(),
        action: if changes.is_empty() { Action::None } else { Action::Update },
        revision: Some(current.revision),
        deleted: None,
        deployed: Some(current.settings.len()),
        blocked: Vec::new(),
        owners: Vec::new(),
        next_sync: None,
        save: (!changes.is_empty()).then(|| Box::new(Target::new(after, current.applied.clone().into()))),
        agreed: None,
        held: None,
        changes,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::from_json;

    #[test]
    fn the_way_back_leads_to_just_what_was() {
        let current = Current {
            revision: 7,
            settings: from_json(&serde_json::json!({"a": 2, "b": 1, "new": true})),
            applied: from_json(&serde_json::json!({"a": 2, "new": true})),
        };
        let wanted = from_json(&serde_json::json!({"a": 1, "b": 1, "gone": "x"}));
        let planned = category("stock", "Stock", &current, &wanted);
        let target = planned.save.unwrap();
        assert_eq!(*target.settings, wanted);
        assert_eq!(*target.applied, current.applied);
        assert_eq!(planned.changes.len(), 3);
        assert_eq!(category("stock", "Stock", &current, &current.settings).action, Action::None);
    }
}
