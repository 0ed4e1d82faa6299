//! What every page of an integration has: its name, mode and pair, where somebody is, and what waits.

use serde_json::{Value as Json, json};

use super::visit::Hand;
use crate::model::{CONNECTORS, FLOWS, GENERAL, SCHEDULES, WEBHOOKS};
use crate::ops::section::{self, Judged, Known, Ownership, Role};
use crate::plan::Mode;
use crate::report::texts::Language;
use crate::schema::Category;
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

/// How many settings of a category were changed where they are deployed, and how many wait for an apply.
#[must_use]
pub fn moved(known: &Known, category: &Category) -> (usize, usize) {
    let owners = known.owners(category);
    let is_outside = |owner: &&Ownership| matches!(owner, Ownership::ChangedOutside | Ownership::Conflict);
    let waits = owners.values().filter(|owner| **owner == Ownership::Waits).count();
    (owners.values().filter(is_outside).count(), waits)
}

/// Whether it is live as it is deployed.
#[must_use]
pub fn is_live(known: &Known) -> bool {
    known.rows.get(GENERAL).is_some_and(|row| Mode::of(&row.settings) == Mode::Live)
}

/// The frame of a page of an integration.
#[must_use]
pub fn of(known: &Known, judged: &Judged, place: &str) -> Json {
    let readiness = section::readiness(known, judged.compiled());
    let (mut outside, mut waits) = (0, 0);
    for category in known.pair.categories() {
        let (of_outside, of_waits) = moved(known, category);
        outside += of_outside;
        waits += of_waits;
    }
    let says = known.says.as_deref();
    json!({
        "id": known.id(), "name": section::name_of(known), "title": known.pair.title, "live": is_live(known),
        "required": readiness.required, "set": readiness.set, "outside": outside, "waits": waits, "place": place,
        "in_git": says.is_some(), "released": says.is_none() && known.rows.values().any(|row| !row.applied.is_empty()), "broken": says.is_some_and(|says| says.is_broken),
    })
}

/// All that is missing before it can be live, with its pages: required settings that nobody set, and platforms without a connection.
#[must_use]
pub fn missing(known: &Known, judged: &Judged, hand: &Hand<'_>) -> Vec<Json> {
    let Some(compiled) = judged.compiled() else { return Vec::new() };
    let unset = section::required(known, compiled).filter(|needed| !needed.is_set);
    let told = unset.filter(|needed| needed.category != CONNECTORS).filter_map(|needed| {
        let (category, path) = (known.pair.category(needed.category)?, needed.setting);
        let title = category.setting(path).map_or_else(|| path.to_string(), |setting| setting.title.clone());
        let page = page_of(known.id(), &category.id);
        Some(json!({"title": title, "category": category.title, "href": format!("{page}#f-{path}")}))
    });
    let page = page_of(known.id(), CONNECTORS);
    let connections = section::unconnected(known).into_iter().map(|connector| {
        let title = hand.language.say("missing.connection", &[("platform", &connector.title)]);
        let category = hand.language.say("nav.connectors", &[]);
        json!({"title": title, "category": category, "href": format!("{page}#f-{}.active", connector.id)})
    });
    told.chain(connections).collect()
}

/// Whether a change of what git says of a category can be proposed from here, by whoever looks.
#[must_use]
pub fn may_propose(known: &Known, category: &str, hand: &Hand<'_>, work: &Work<'_>) -> bool {
    !hand.app.serving.is_read_only
        && !known.says.as_ref().is_some_and(|says| says.is_broken)
        && section::may_propose(known, category, hand.access, &work.ground).is_ok()
}

/// Whether whoever looks may make integrations.
#[must_use]
pub fn may_make(hand: &Hand<'_>) -> bool {
    matches!(hand.access.role(), Role::Editor | Role::Admin) && !hand.app.serving.is_read_only
}

/// What a category is called: those that have a page of their own as that is.
#[must_use]
pub fn title_of(category: &Category, language: &Language) -> String {
    let key = match &*category.id {
        CONNECTORS => "nav.connectors",
        FLOWS => "settings.flows",
        SCHEDULES => "nav.scheduling",
        WEBHOOKS => "nav.webhooks",
        _ => return category.title.to_string(),
    };
    language.say(key, &[])
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
