//! What every page of an integration has: its name, mode and pair, where somebody is, and what waits.

use serde_json::{Value as Json, json};

use super::visit::Hand;
use crate::model::GENERAL;
use crate::ops::section::{self, Judged, Known, Ownership};
use crate::plan::Mode;
use crate::serve::app::Work;
use crate::serve::problem::Problem;

/// What is known of an integration, where whoever looks may read it. Whether there is one that he may not read is not told.
///
/// # Errors
/// When there is none, or it cannot be read.
pub fn known(id: &str, hand: &Hand<'_>, work: &mut Work<'_>) -> Result<(Known, Judged), Problem> {
    if !hand.access.reads(id) {
        return Err(Problem::absent(format!("there is no integration `{id}`")));
    }
    let known = section::known(id, &work.ground, work.store, work.host)?;
    let judged = section::look(&known, &work.ground, work.store, work.host)?;
    Ok((known, judged))
}

/// How many settings of a category were changed where they are deployed.
#[must_use]
pub fn outside(known: &Known, category: &str) -> usize {
    let Some(category) = known.pair.category(category) else { return 0 };
    let owners = known.owners(category);
    owners.values().filter(|owner| matches!(owner, Ownership::ChangedOutside | Ownership::Conflict)).count()
}

/// Whether it is live as it is deployed.
#[must_use]
pub fn is_live(known: &Known) -> bool {
    known.rows.get(GENERAL).is_some_and(|row| Mode::of(&row.settings) == Mode::Live)
}

/// The frame of a page of an integration.
#[must_use]
pub fn of(known: &Known, judged: &Judged, place: &str) -> Json {
    let required: Vec<bool> = judged
        .compiled()
        .map(|compiled| compiled.required().map(|(_, _, set)| set == Some(true)).collect())
        .unwrap_or_default();
    let outside: usize = known.pair.categories().map(|category| outside(known, &category.id)).sum();
    json!({
        "id": known.id(), "name": section::name_of(known), "title": known.pair.title, "live": is_live(known),
        "required": required.len(), "set": required.iter().filter(|set| **set).count(), "outside": outside, "place": place,
    })
}

/// All required settings that nobody set, with their pages.
#[must_use]
pub fn missing(known: &Known, judged: &Judged) -> Vec<Json> {
    let Some(compiled) = judged.compiled() else { return Vec::new() };
    let unset = compiled.required().filter(|(_, _, set)| *set != Some(true));
    let told = unset.filter_map(|(category, path, _)| {
        let category = known.pair.category(category)?;
        let title = category.setting(path).map_or_else(|| path.to_string(), |setting| setting.title.clone());
        let page = page_of(known.id(), &category.id);
        Some(json!({"title": title, "category": category.title, "href": format!("{page}#f-{path}")}))
    });
    told.collect()
}

/// The address of the page of a category.
#[must_use]
pub fn page_of(id: &str, category: &str) -> String {
    match category {
        "flows" => format!("/integrations/{id}/general"),
        "connectors" => format!("/integrations/{id}/connectors"),
        "schedules" => format!("/integrations/{id}/scheduling"),
        "webhooks" => format!("/integrations/{id}/webhooks"),
        _ => format!("/integrations/{id}/settings/{category}"),
    }
}
