//! What stops a plan from being applied, judged from the plan alone: how much of what is deployed it would move, what is
//! protected, and what would be left empty. Each refusal names its check, so that just that one can be lifted.

use std::collections::{BTreeMap, BTreeSet};

use super::Plan;
use super::data::{Action, CategoryPlan, Change, Integration, Refusal, turns_live};
use super::deployed::Current;
use super::integrations::Integrations;
use super::policy::{Limits, Policy, Share};
use super::tally::Count;
use crate::model::SettingPath;

/// A refusal and what it is of, by which two policies are compared: of the same thing one need not refuse twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Objection {
    pub subject: String,
    pub refusal: Refusal,
}

/// Judges how much a plan moves and what of it is protected, by a policy; when it is made, and again when it is applied.
#[must_use]
pub fn objections(integrations: &Integrations, policy: &Policy) -> Vec<Objection> {
    let counts = &integrations.tally().counts;
    let all = || counts.values().flatten();
    let mut found = limits(&Count::sum(all().map(|(_, count)| count)), &policy.limits, "safety", "");
    for (pair, of_pair) in &policy.pairs {
        let these = counts.get(pair.as_str()).into_iter().flat_map(BTreeMap::values);
        // Another pair is no way out of the limits of this one.
        let these = these.chain(integrations.tally().recorded_pairs.get(pair.as_str()));
        let path = format!("safety.pairs.{pair}");
        found.extend(limits(&Count::sum(these), of_pair, &path, &format!(" of {pair}")));
    }
    for (id, of_category) in &policy.categories {
        let these = all().filter(|(category, _)| *category == id).map(|(_, count)| count);
        let path = format!("safety.categories.{id}");
        found.extend(limits(&Count::sum(these), of_category, &path, &format!(" of {id}")));
    }
    if !policy.protected.is_empty() {
        integrations.for_each(&mut |integration| {
            let of_one = integration.categories.iter();
            found.extend(of_one.filter_map(|category| protected(integration, category, &policy.protected)));
        });
    }
    found
}

/// Judges how many of the deployed integrations were taken out of the files, until somebody acknowledges that they were.
#[must_use]
pub fn released(plan: &Plan, policy: &Policy) -> Option<Objection> {
    let share = Share::MaxReleased;
    let number = plan.releases().iter().filter(|release| release.whole).count();
    let all = plan.integrations.tally().deployed + number;
    let bound = policy.limits.of(share).find(|bound| bound.refuses(number, all))?;
    let subject = format!("safety.{}", share.key());
    let message = format!(
        "{number} of {all} deployed integrations are in no file any more ({:.0} %), more than the {} % that `{subject}` allows",
        100.0 * number as f64 / all as f64,
        bound.percent
    );
    Some(Objection { subject, refusal: Refusal::new(share.key(), message) })
}

/// Refuses to leave a category empty.
#[must_use]
pub fn emptied(integrations: &Integrations) -> Vec<Refusal> {
    integrations.tally().emptied.clone()
}

/// Refuses to turn live mode on while a required setting would not be deployed afterwards: in a category that the plan leaves
/// out, or that people keep editing elsewhere (as far as the store has it). No force lifts it.
///
/// What is required comes with whether it is set: `None` in a category that people keep editing elsewhere.
#[must_use]
pub fn live_with_gaps<'a>(
    integration: &Integration,
    required: impl Iterator<Item = (&'a str, &'a SettingPath, Option<bool>)>,
    deployed: Option<&BTreeMap<String, Current>>,
) -> Option<Refusal> {
    const NAMED: usize = 4;
    if !integration.categories.iter().any(|category| turns_live(category) == Some(true)) {
        return None;
    }
    let is_set = |id: &str, path: &SettingPath| {
        let planned = integration.categories.iter().find(|category| category.category == id);
        let after = match planned.and_then(|category| category.save.as_ref()) {
            Some(target) => Some(&*target.settings),
            None => deployed.and_then(|deployed| deployed.get(id)).map(|now| &now.settings),
        };
        after.is_some_and(|settings| settings.keys().any(|key| key.starts_with(path)))
    };
    let missing: Vec<String> = required
        .filter(|(category, _, set)| {
            set.is_some() || deployed.is_some_and(|deployed| deployed.contains_key(*category))
        })
        .filter(|(category, path, _)| !is_set(category, path))
        .map(|(category, path, _)| format!("`{category}.{path}`"))
        .collect();
    if missing.is_empty() {
        return None;
    }
    let more = missing.len().saturating_sub(NAMED);
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let message = format!(
        "{} would go live while required settings are not deployed: {}{more}",
        integration.integration,
        missing[..missing.len().min(NAMED)].join(", ")
    );
    Some(Refusal::new(GAPS, message).of(&integration.integration))
}

/// What [`live_with_gaps`] was judged by and the plan does not save, with its revision; nothing where live mode does not go on.
#[must_use]
pub fn live_depends_on<'a>(
    integration: &Integration,
    required: impl Iterator<Item = &'a str>,
    revision: &dyn Fn(&str) -> u64,
) -> BTreeMap<String, u64> {
    if !integration.categories.iter().any(|category| turns_live(category) == Some(true)) {
        return BTreeMap::new();
    }
    let is_saved = |id: &str| {
        integration.categories.iter().any(|category| category.category == id && category.save.is_some())
    };
    required.filter(|id| !is_saved(id)).map(|id| (id.to_owned(), revision(id))).collect()
}

/// The check that nothing lifts.
pub const GAPS: &str = "gaps";

fn limits(count: &Count, limits: &Limits, path: &str, whose: &str) -> Vec<Objection> {
    let judge = |share: Share, number: usize, all: usize, noun: &str, what: &str| {
        let bound = limits.of(share).find(|bound| bound.refuses(number, all))?;
        let check = share.key();
        let subject = format!("{path}.{check}");
        let message = format!(
            "{number} of {all} deployed {noun}{whose} would be {what} ({:.0} %), more than the {} % that `{subject}` allows",
            100.0 * number as f64 / all as f64,
            bound.percent
        );
        Some(Objection { subject, refusal: Refusal::new(check, message) })
    };
    [
        judge(Share::MaxChanged, count.moved, count.settings, "settings", "changed"),
        judge(Share::MaxReset, count.reset, count.settings, "settings", "reset"),
        judge(Share::MaxCategories, count.saved, count.categories, "categories", "saved anew"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn protected(
    integration: &Integration,
    category: &CategoryPlan,
    rules: &BTreeSet<String>,
) -> Option<Objection> {
    // What was never saved holds nothing yet that could be changed; what was deleted outside did.
    let is_first = category.action == Action::Create && category.deleted.is_none();
    if !category.action.saves() || is_first {
        return None;
    }
    let rule = rules.iter().find(|rule| {
        let Some(path) = SettingPath::parse(rule) else { return false };
        let Some((first, inner)) = path.segments().split_first() else { return false };
        let inner: SettingPath = inner.iter().collect();
        let moves =
            |setting: &str| SettingPath::parse(setting).is_some_and(|setting| setting.starts_with(&inner));
        let touches =
            |change: &Change| std::iter::once(&change.setting).chain(&change.formerly).any(|one| moves(one));
        **first == *category.category && category.changes.iter().any(touches)
    })?;
    let name = &integration.integration;
    let message = format!("`{rule}` of {name} is protected, and this plan changes it");
    let subject = format!("protected {name}/{}", category.category);
    Some(Objection { subject, refusal: Refusal::new("protected", message) })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model;
    use crate::plan::back;
    use crate::plan::data::{Mode, Readiness};
    use crate::plan::policy::Bound;

    fn one(pair: &str, id: &str, before: serde_json::Value, after: serde_json::Value) -> Integration {
        let settings = model::from_json(&before);
        let current = Current { revision: 1, applied: settings.clone(), settings };
        Integration {
            integration: "shop".into(),
            renamed_from: None,
            pair: pair.into(),
            recorded_pair: None,
            unmanaged: Vec::new(),
            title: "".into(),
            mode: Mode::Onboarding,
            deployed_mode: None,
            readiness: Readiness::default(),
            live_depends_on: BTreeMap::new(),
            link: None,
            effects: None,
            categories: vec![back::category(id, id, &current, &model::from_json(&after))],
        }
    }

    fn checks(plan: &[Integration], policy: &Policy) -> Vec<String> {
        let integrations: Integrations = plan.iter().cloned().collect();
        let found = objections(&integrations, policy).into_iter().map(|objection| objection.refusal);
        found.chain(emptied(&integrations)).map(|refusal| refusal.check).collect()
    }

    fn limit(share: Share, percent: u8, minimum: u64) -> Limits {
        let mut limits = Limits::default();
        limits.add(share, Bound { percent, minimum });
        limits
    }

    #[test]
    fn limits_hold_overall_by_pair_and_by_category_from_the_minimum_on() {
        let plan = [one("a-b", "stock", json!({"x": 1, "y": 1, "z": 1}), json!({"x": 2, "y": 1}))];
        let max = |percent, minimum| limit(Share::MaxChanged, percent, minimum);
        for (policy, expected) in [
            (Policy { limits: max(60, 0), ..Policy::default() }, true),
            (Policy { limits: max(66, 0), ..Policy::default() }, true),
            (Policy { limits: max(67, 0), ..Policy::default() }, false),
            (Policy { limits: max(60, 3), ..Policy::default() }, false),
            (Policy { pairs: [("a-b".into(), max(10, 2))].into(), ..Policy::default() }, true),
            (Policy { pairs: [("a-c".into(), max(10, 2))].into(), ..Policy::default() }, false),
            (Policy { categories: [("stock".into(), max(10, 2))].into(), ..Policy::default() }, true),
            (Policy { categories: [("order".into(), max(10, 2))].into(), ..Policy::default() }, false),
        ] {
            assert_eq!(!checks(&plan, &policy).is_empty(), expected, "{policy:?}");
        }
        let reset = Policy { limits: limit(Share::MaxReset, 30, 0), ..Policy::default() };
        assert_eq!(checks(&plan, &reset), ["max_reset"]);
        let categories = Policy { limits: limit(Share::MaxCategories, 50, 0), ..Policy::default() };
        assert_eq!(checks(&plan, &categories), ["max_categories"]);
        // What is there for the first time cannot be lost.
        let strict = Policy { limits: max(0, 0), ..Policy::default() };
        let mut new = plan.clone();
        new[0].categories[0].deployed = None;
        assert!(checks(&new, &strict).is_empty());
    }

    #[test]
    fn another_pair_is_no_way_out_of_the_limits_of_the_one_that_was_applied() {
        let mut moved = one("a-c", "stock", json!({"x": 1}), json!({"x": 2}));
        let of_old =
            Policy { pairs: [("a-b".into(), limit(Share::MaxChanged, 10, 1))].into(), ..Policy::default() };
        assert!(checks(std::slice::from_ref(&moved), &of_old).is_empty());
        moved.recorded_pair = Some("a-b".into());
        assert_eq!(checks(&[moved], &of_old), ["max_changed"]);
    }

    #[test]
    fn what_is_protected_is_not_changed_and_no_category_is_emptied() {
        let plan = [one(
            "a-b",
            "payment_methods",
            json!({"map": {"Klarna": "30"}, "x": 1}),
            json!({"map": {"Klarna": "14"}, "x": 1}),
        )];
        for (rule, expected) in [
            ("payment_methods", true),
            ("payment_methods.map", true),
            ("payment_methods.map.Klarna", true),
            ("payment_methods.x", false),
            ("payment", false),
            ("stock", false),
        ] {
            let policy = Policy { protected: [rule.to_owned()].into(), ..Policy::default() };
            assert_eq!(checks(&plan, &policy) == ["protected"], expected, "{rule}");
        }
        let plan = [one("a-b", "stock", json!({"x": 1}), json!({}))];
        assert_eq!(checks(&plan, &Policy::default()), ["empty"]);
    }
}
