//! What stops a plan from being applied, judged from the plan alone: how much of what is deployed it would move, what is
//! protected, and what would be left empty. Each refusal names its check, so that just that one can be lifted.

use std::collections::BTreeMap;

use super::data::{CategoryPlan, Integration, Refusal, turns_live};
use super::deployed::Current;
use super::integrations::Integrations;
use super::tally::Count;
use crate::model::SettingPath;

/// Limits, as shares from 0 to 1.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Thresholds {
    /// Of the settings, changed or reset.
    pub max_changed: Option<f64>,
    /// Of the settings, reset.
    pub max_reset: Option<f64>,
    /// Of the categories, saved anew.
    pub max_categories: Option<f64>,
    /// Judged from so many on.
    pub minimum: usize,
}

/// All rules of a project.
#[derive(Debug, Clone, Default)]
pub struct Rules {
    pub overall: Thresholds,
    pub pairs: BTreeMap<String, Thresholds>,
    pub categories: BTreeMap<String, Thresholds>,
    /// `CATEGORY`, or `CATEGORY.SETTING` and all below it.
    pub protected: Vec<String>,
}

/// Judges a plan by rules; by those of its day when it is made, and by those that hold then when it is applied.
#[must_use]
pub fn refusals(integrations: &Integrations, rules: &Rules) -> Vec<Refusal> {
    let counts = &integrations.tally().counts;
    let all = || counts.values().flatten();
    let mut found = limits(&Count::sum(all().map(|(_, count)| count)), rules.overall, "safety", "");
    for (pair, thresholds) in &rules.pairs {
        let these = counts.get(pair.as_str()).into_iter().flat_map(BTreeMap::values);
        let path = format!("safety.pairs.{pair}");
        found.extend(limits(&Count::sum(these), *thresholds, &path, &format!(" of {pair}")));
    }
    for (id, thresholds) in &rules.categories {
        let these = all().filter(|(category, _)| *category == id).map(|(_, count)| count);
        let path = format!("safety.categories.{id}");
        found.extend(limits(&Count::sum(these), *thresholds, &path, &format!(" of {id}")));
    }
    if !rules.protected.is_empty() {
        integrations.for_each(&mut |integration| {
            let of_one = integration.categories.iter();
            found.extend(of_one.filter_map(|category| protected(integration, category, &rules.protected)));
        });
    }
    found.extend(integrations.tally().emptied.iter().cloned());
    found
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
    Some(Refusal {
        check: GAPS.to_owned(),
        message: format!(
            "{} would go live while required settings are not deployed: {}{more}",
            integration.integration,
            missing[..missing.len().min(NAMED)].join(", ")
        ),
    })
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

fn limits(count: &Count, thresholds: Thresholds, path: &str, whose: &str) -> Vec<Refusal> {
    let judge = |check: &str, number: usize, all: usize, max: Option<f64>, noun: &str, what: &str| {
        let max = max?;
        let share = number as f64 / all.max(1) as f64;
        (all > 0 && number >= thresholds.minimum.max(1) && share > max).then(|| Refusal {
            check: check.to_owned(),
            message: format!(
                "{number} of {all} deployed {noun}{whose} would be {what} ({:.0} %), more than the {:.0} % that `{path}.{check}` allows",
                share * 100.0,
                max * 100.0
            ),
        })
    };
    let Thresholds { max_changed, max_reset, max_categories, .. } = thresholds;
    [
        judge("max_changed", count.moved, count.settings, max_changed, "settings", "changed"),
        judge("max_reset", count.reset, count.settings, max_reset, "settings", "reset"),
        judge("max_categories", count.saved, count.categories, max_categories, "categories", "saved anew"),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn protected(integration: &Integration, category: &CategoryPlan, rules: &[String]) -> Option<Refusal> {
    if !category.action.saves() {
        return None;
    }
    let rule = rules.iter().find(|rule| {
        let Some(path) = SettingPath::parse(rule) else { return false };
        let Some((first, inner)) = path.segments().split_first() else { return false };
        let inner: SettingPath = inner.iter().collect();
        let moves =
            |setting: &str| SettingPath::parse(setting).is_some_and(|setting| setting.starts_with(&inner));
        **first == *category.category && category.changes.iter().any(|change| moves(&change.setting))
    })?;
    Some(Refusal {
        check: "protected".to_owned(),
        message: format!("`{rule}` of {} is protected, and this plan changes it", integration.integration),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model;
    use crate::plan::back;
    use crate::plan::data::{Mode, Readiness};

    fn one(pair: &str, id: &str, before: serde_json::Value, after: serde_json::Value) -> Integration {
        let settings = model::from_json(&before);
        let current = Current { revision: 1, applied: settings.clone(), settings };
        Integration {
            integration: "shop".into(),
            renamed_from: None,
            pair: pair.into(),
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

    fn checks(plan: &[Integration], rules: &Rules) -> Vec<String> {
        refusals(&plan.iter().cloned().collect(), rules).into_iter().map(|refusal| refusal.check).collect()
    }

    #[test]
    fn limits_hold_overall_by_pair_and_by_category_from_the_minimum_on() {
        let plan = [one("a-b", "stock", json!({"x": 1, "y": 1, "z": 1}), json!({"x": 2, "y": 1}))];
        let limit =
            |max: f64, minimum| Thresholds { max_changed: Some(max), minimum, ..Thresholds::default() };
        for (rules, expected) in [
            (Rules { overall: limit(0.6, 0), ..Rules::default() }, true),
            (Rules { overall: limit(0.7, 0), ..Rules::default() }, false),
            (Rules { overall: limit(0.6, 3), ..Rules::default() }, false),
            (Rules { pairs: [("a-b".into(), limit(0.1, 2))].into(), ..Rules::default() }, true),
            (Rules { pairs: [("a-c".into(), limit(0.1, 2))].into(), ..Rules::default() }, false),
            (Rules { categories: [("stock".into(), limit(0.1, 2))].into(), ..Rules::default() }, true),
            (Rules { categories: [("order".into(), limit(0.1, 2))].into(), ..Rules::default() }, false),
        ] {
            assert_eq!(!checks(&plan, &rules).is_empty(), expected, "{rules:?}");
        }
        let reset = Thresholds { max_reset: Some(0.3), ..Thresholds::default() };
        assert_eq!(checks(&plan, &Rules { overall: reset, ..Rules::default() }), ["max_reset"]);
        let categories = Thresholds { max_categories: Some(0.5), ..Thresholds::default() };
        assert_eq!(checks(&plan, &Rules { overall: categories, ..Rules::default() }), ["max_categories"]);
        // What is there for the first time cannot be lost.
        let strict = Rules { overall: limit(0.0, 0), ..Rules::default() };
        let mut new = plan.clone();
        new[0].categories[0].deployed = None;
        assert!(checks(&new, &strict).is_empty());
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
            let rules = Rules { protected: vec![rule.into()], ..Rules::default() };
            assert_eq!(checks(&plan, &rules) == ["protected"], expected, "{rule}");
        }
        let plan = [one("a-b", "stock", json!({"x": 1}), json!({}))];
        assert_eq!(checks(&plan, &Rules::default()), ["empty"]);
    }
}
