//! The Settings page: the categories that this integration shows, what each lacks, and its values at a glance.

use axum::response::Response;
use serde_json::{Value as Json, json};

use super::category::fetched;
use super::fields::Form;
use super::shell;
use super::visit::{Hand, Shown, Visit};
use crate::model::Settings;
use crate::ops::section::{Judged, Known, Ownership, mover};
use crate::report::words;
use crate::schema::Category;
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;

/// `GET /integrations/{id}/settings`
pub async fn show(Named(id): Named<String>, visit: Visit) -> Response {
    visit.show(move |work, hand| page(&id, hand, work)).await
}

fn page(id: &str, hand: &Hand<'_>, work: &mut Work<'_>) -> Result<Shown, Problem> {
    let (known, judged) = shell::known(id, hand, work)?;
    let visible = judged.compiled().map(|compiled| compiled.visible.clone());
    let shown = known
        .pair
        .settings
        .iter()
        .filter(|one| visible.as_ref().is_none_or(|visible| visible.contains(&one.id)));
    let mut categories = Vec::new();
    for category in shown {
        categories.push(row(category, &known, &judged, hand, work)?);
    }
    let hidden: Vec<&str> = known
        .pair
        .settings
        .iter()
        .filter(|one| visible.as_ref().is_some_and(|visible| !visible.contains(&one.id)))
        .map(|one| one.title.as_str())
        .collect();
    let integration = shell::of(&known, &judged, "settings", hand);
    Ok(Shown::page(
        "settings.html",
        json!({
            "integration": integration, "categories": categories, "missing": shell::missing(&known, &judged, hand),
            "hidden": hidden.join(", "), "fetched": fetched(&known, &judged, work), "now": work.host.stamp(),
        }),
    ))
}

fn row(
    category: &Category,
    known: &Known,
    judged: &Judged,
    hand: &Hand<'_>,
    work: &mut Work<'_>,
) -> Result<Json, Problem> {
    let none = Settings::new();
    let row = known.rows.get(category.id.as_str());
    let settings = row.map_or(&none, |row| &row.settings);
    let (outside, waits) = shell::moved(known, category);
    // Who did it is asked only where somebody did.
    let past =
        if outside > 0 { crate::ops::section::past(known, &category.id, work.store)? } else { Vec::new() };
    let form = Form::of(known, category, judged, work.ground.options(), hand.language);
    let owners = known.owners(category);
    let places = known.says.as_deref().and_then(|says| says.places.get(category.id.as_str()));
    let mut sorted: Vec<_> = settings.iter().collect();
    // As the page has them.
    sorted.sort_by_cached_key(|(path, _)| words::order(category, path));
    let values: Vec<Json> = sorted
        .into_iter()
        .filter_map(|(path, value)| {
            let schema = category.schema_at(path)?;
            let owner = owners.get(path)?;
            let place = places.and_then(|places| places.get(path));
            let held = known.held(category, path, None);
            let is_outside = matches!(owner.as_str(), "changed-outside" | "conflict");
            Some(json!({
                "title": words::named(category, path), "shown": form.shown(schema, Some(value)),
                "state": owner.as_str(), "place": place.map(|place| format!("{}:{}", place.path, place.line)),
                "git": is_outside.then(|| form.shown(schema, held.said).get("text").cloned()),
                "by": is_outside.then(|| mover(&past, path).map(|past| past.saved_by.clone())),
            }))
        })
        .collect();
    let required: Vec<bool> = judged
        .compiled()
        .map(|compiled| {
            let own = compiled.required().filter(|(one, _, _)| *one == &*category.id);
            own.map(|(_, _, set)| set == Some(true)).collect()
        })
        .unwrap_or_default();
    let page = shell::page_of(known.id(), &category.id);
    let changed: Vec<Json> = owners
        .iter()
        .filter(|(_, owner)| matches!(owner, Ownership::ChangedOutside | Ownership::Conflict))
        .map(|(path, owner)| {
            let words = words::named(category, path);
            let is_conflict = *owner == Ownership::Conflict;
            json!({"href": format!("{page}#f-{path}"), "title": words, "conflict": is_conflict})
        })
        .collect();
    Ok(json!({
        "changed": changed, "id": category.id, "title": category.title, "description": category.description, "required": required.len(),
        "set": required.iter().filter(|set| **set).count(), "outside": outside, "waits": waits, "saved_by": row.map(|row| &row.saved_by),
        "saved_at": row.map(|row| &row.saved_at), "values": values,
    }))
}
