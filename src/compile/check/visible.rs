//! Declared categories that will not be applied: not visible while their flows are off, or listed as unmanaged.

use super::context::{Context, category_entry};
use crate::diagnostic::codes::rules as codes;
use crate::diagnostic::{Finding, list_words};
use crate::model::SettingPath;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for category in context.pair.categories() {
        let Some(entry) = category_entry(context.root, &category.id) else { continue };
        // A base may serve integrations with other flows; only what the integration itself writes is a mistake.
        if !context.own(entry.key.span) || entry.value.as_map().is_none_or(crate::yaml::Map::is_empty) {
            continue;
        }
        let about = context.about(&category.id, &SettingPath::root());
        if let Some((_, listed)) = context.unmanaged().find(|(id, _)| category.id == *id) {
            findings.push(codes::managed_and_unmanaged(&category.id, entry.key.span, listed).about(about));
        } else if let Some(flows) = category.flows.as_ref().filter(|_| !context.visible(category)) {
            let names: Vec<String> = flows.iter().map(|flow| format!("`{flow}`")).collect();
            let off = match names.as_slice() {
                [one] => format!("the flow {one} is off"),
                many => format!("the flows {} are off", list_words(many, "and")),
            };
            findings.push(codes::category_not_visible(&category.title, &off, entry.key.span).about(about));
        }
    }
}
