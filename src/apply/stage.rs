//! The order in which the categories of an integration are saved, and what depends on what. It is the only place that knows;
//! nothing is saved here.

use crate::model::{CONNECTORS, FLOWS, SCHEDULES, WEBHOOKS};
use crate::plan::{CategoryPlan, Change, LIVE_MODE, turns_live};

/// What is saved together, in one transaction. Nothing depends on what is of its own stage or a later one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Stage {
    Off,
    Connections,
    Settings,
    Times,
    Live,
}

impl Stage {
    pub const ALL: [Stage; 5] = [Stage::Off, Stage::Connections, Stage::Settings, Stage::Times, Stage::Live];

    fn of(category: &CategoryPlan) -> Self {
        match (turns_live(category), category.category.as_str()) {
            (Some(true), _) => Stage::Live,
            (Some(false), _) if goes_off(category) => Stage::Off,
            (Some(false), _) | (None, CONNECTORS) => Stage::Connections,
            (None, SCHEDULES | WEBHOOKS) => Stage::Times,
            (None, _) => Stage::Settings,
        }
    }
}

/// The order in which categories of one integration are saved, each with its stage: live mode off, connectors, flows,
/// settings, schedules, webhooks, live mode on.
pub(super) fn save_order(categories: &[CategoryPlan]) -> Vec<(Stage, &CategoryPlan)> {
    let leads = |category: &CategoryPlan| {
        turns_live(category).is_some() || [FLOWS, SCHEDULES].contains(&category.category.as_str())
    };
    let mut ordered: Vec<(Stage, &CategoryPlan)> =
        categories.iter().map(|category| (Stage::of(category), category)).collect();
    // All others of a stage stay in the order of the page.
    ordered.sort_by_key(|(stage, category)| (*stage, !leads(category)));
    ordered
}

/// Live mode is on and goes off.
pub(super) fn goes_off(category: &CategoryPlan) -> bool {
    let is_on = |change: &Change| change.setting == LIVE_MODE && change.before == true;
    turns_live(category) == Some(false) && category.changes.iter().any(is_on)
}

/// Nothing works without its connections, nothing starts a flow that could not be saved, live mode needs all, and while it is
/// on that should be off a shop sells with what is saved. Switching live mode off needs nothing.
#[must_use]
pub fn depends(category: &CategoryPlan, on: &CategoryPlan) -> bool {
    match turns_live(category) {
        Some(live) => live,
        None => {
            goes_off(on)
                || on.category == CONNECTORS
                || (on.category == FLOWS && [SCHEDULES, WEBHOOKS].contains(&category.category.as_str()))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;
    use crate::model::{GENERAL, from_json};
    use crate::plan::{Current, back};

    /// A category whose setting changes from one value to another (null: not set).
    fn category(
        id: &str,
        setting: &str,
        before: &serde_json::Value,
        after: &serde_json::Value,
    ) -> CategoryPlan {
        let of = |value: &serde_json::Value| {
            from_json(&if value.is_null() { json!({}) } else { json!({setting: value}) })
        };
        let current = Current { revision: 1, settings: of(before), applied: of(before) };
        back::category(id, id, &current, &of(after))
    }

    fn general() -> impl Strategy<Value = CategoryPlan> {
        let value = || prop_oneof![Just(json!(null)), Just(json!(true)), Just(json!(false))];
        (any::<bool>(), value(), value()).prop_map(|(of_live_mode, before, after)| {
            category(GENERAL, if of_live_mode { LIVE_MODE } else { "name" }, &before, &after)
        })
    }

    /// Each category at most once, in any order.
    fn categories() -> impl Strategy<Value = Vec<CategoryPlan>> {
        let others = [CONNECTORS, FLOWS, SCHEDULES, WEBHOOKS, "orders", "stock", "invoices"];
        let others = proptest::sample::subsequence(others.to_vec(), 0..=others.len());
        (proptest::option::of(general()), others)
            .prop_map(|(general, others)| {
                let others = others.into_iter().map(|id| category(id, "x", &json!(1), &json!(2)));
                general.into_iter().chain(others).collect::<Vec<_>>()
            })
            .prop_shuffle()
    }

    proptest! {
        #[test]
        fn what_others_depend_on_is_saved_in_an_earlier_stage(categories in categories()) {
            let ordered = save_order(&categories);
            prop_assert_eq!(ordered.len(), categories.len());
            for category in &categories {
                prop_assert!(ordered.iter().any(|(_, saved)| saved.category == category.category));
            }
            prop_assert!(ordered.is_sorted_by_key(|(stage, _)| *stage));
            for (at, (stage, category)) in ordered.iter().enumerate() {
                for (other_at, (earlier, on)) in ordered.iter().enumerate().filter(|(other, _)| *other != at) {
                    if depends(category, on) {
                        prop_assert!(other_at < at && earlier < stage, "{} on {}", category.category, on.category);
                    }
                }
            }
        }

        /// One pass over the stages saves all, in just this order.
        #[test]
        fn the_stages_one_after_the_other_are_the_order(categories in categories()) {
            let ordered = save_order(&categories);
            let by_stage = Stage::ALL.into_iter().flat_map(|stage| {
                save_order(&categories).into_iter().filter(move |(of, _)| *of == stage)
            });
            let names = |one: (Stage, &CategoryPlan)| one.1.category.clone();
            let (ordered, by_stage): (Vec<_>, Vec<_>) =
                (ordered.into_iter().map(names).collect(), by_stage.map(names).collect());
            prop_assert_eq!(ordered, by_stage);
        }
    }
}
