//! What every page of an integration has: its name, mode and pair, where somebody is, and what waits.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::visit::Hand;
use crate::model::{CONNECTORS, FLOWS, GENERAL, SCHEDULES, WEBHOOKS};
use crate::ops::section::{self, Judged, Known, Ownership};
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

/// What is told of something that was just done, in seconds: an address that was kept tells nothing of it later.
const NEW: i64 = 120;

/// Whether something was done just now.
#[must_use]
pub fn is_new(at: &str, work: &Work<'_>) -> bool {
    let at = at.parse::<jiff::Timestamp>();
    at.is_ok_and(|at| (work.host.now)().duration_since(at).as_secs().abs() <= NEW)
}

/// Whether it is live as it is deployed.
#[must_use]
pub fn is_live(known: &Known) -> bool {
    known.rows.get(GENERAL).is_some_and(|row| Mode::of(&row.settings) == Mode::Live)
}

/// The frame of a page of an integration.
#[must_use]
pub fn of(known: &Known, judged: &Judged, place: &str, hand: &Hand<'_>) -> Json {
    let readiness = section::readiness(known, judged.compiled());
    let platforms = section::platforms(known);
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
        "connectors": {"required": platforms.required, "set": platforms.set},
        "settings": {"required": readiness.required - platforms.required, "set": readiness.set - platforms.set},
        "may_clear": hand.access.clears(known.id()) && !hand.app.serving.is_read_only,
        "in_git": says.is_some(), "released": says.is_none() && known.rows.values().any(|row| !row.applied.is_empty()), "broken": says.is_some_and(|says| says.is_broken),
    })
}

/// All that is missing before it can be live, with its pages: required settings that nobody set, and platforms without a connection.
#[must_use]
pub fn missing(known: &Known, judged: &Judged, hand: &Hand<'_>) -> Vec<Json> {
    let Some(compiled) = judged.compiled() else { return Vec::new() };
    let unset = section::required(compiled).filter(|needed| !needed.is_set);
    let told = unset.filter_map(|needed| {
        let (category, path) = (known.pair.category(needed.category)?, needed.setting);
        let title = category.setting(path).map_or_else(|| path.to_string(), |setting| setting.title.clone());
        let page = page_of(known.id(), &category.id);
        Some(json!({"title": title, "category": category.title, "href": format!("{page}#f-{path}")}))
    });
    told.chain(connections(known, hand)).collect()
}

/// The connections that are missing, with their places.
#[must_use]
pub fn connections(known: &Known, hand: &Hand<'_>) -> Vec<Json> {
    let page = page_of(known.id(), CONNECTORS);
    let one = |connector: &crate::schema::Connector| {
        let title = hand.language.say("missing.connection", &[("platform", &connector.title)]);
        let category = hand.language.say("nav.connectors", &[]);
        json!({"title": title, "category": category, "href": format!("{page}#f-{}.active", connector.id)})
    };
    section::unconnected(known).into_iter().map(one).collect()
}

/// What integrations are called, by their ids.
#[derive(Debug, Default)]
pub struct Names(BTreeMap<String, String>);

impl Names {
    /// One that is not known by a name is known by its id.
    #[must_use]
    pub fn of<'a>(&'a self, id: &'a str) -> &'a str {
        self.0.get(id).map_or(id, String::as_str)
    }

    /// Several, as a sentence has them.
    #[must_use]
    pub fn all(&self, ids: &[String]) -> String {
        ids.iter().map(|id| self.of(id)).collect::<Vec<_>>().join(", ")
    }
}

/// The names of all integrations; none where they cannot be read, as that is no reason to show nothing.
#[must_use]
pub fn names(work: &mut Work<'_>) -> Names {
    let all = section::fleet(&work.ground, work.store, work.host).map(|(all, _)| all).unwrap_or_default();
    Names(all.iter().map(|one| (one.id.clone(), one.name.clone())).collect())
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
    hand.access.makes() && !hand.app.serving.is_read_only
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
