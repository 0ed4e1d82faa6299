//! What was saved of an integration, newest first, each save as what it changed; and the way back to one.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Map, Value as Json, json};

use super::fields::Form;
use super::values::{put, value_at};
use super::visit::{Hand, Sent, Shown, Visit};
use super::{refused, shell, timing};
use crate::model::{SettingPath, Settings, hex};
use crate::ops::section::{self, Body, Expected, Judged, Known, NotSaved, SaveAsked};
use crate::report::words;
use crate::schema::Category;
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;
use crate::store::OUTSIDE;

/// Saves on one page.
const A_PAGE: usize = 50;

/// `GET /integrations/{id}/history`
pub async fn show(Named(id): Named<String>, visit: Visit) -> Response {
    visit.show(move |work, hand| page(&id, hand, work)).await
}

fn page(id: &str, hand: &Hand<'_>, work: &mut Work<'_>) -> Result<Shown, Problem> {
    let (known, judged) = shell::known(id, hand, work)?;
    let wanted = hand.query.get("category").filter(|category| !category.is_empty());
    let skip: usize = hand.query.get("skip").and_then(|skip| skip.parse().ok()).unwrap_or(0);
    let mut entries: Vec<(String, Json)> = Vec::new();
    let reasons = section::reasons(&known, work.store)?;
    for category in known.pair.categories().filter(|one| wanted.is_none_or(|wanted| *wanted == *one.id)) {
        let mut before = Settings::new();
        for one in section::past(&known, &category.id, work.store)? {
            let at = (one.saved_at.clone(), one.revision);
            let mut entry = json!({
                "category": category.title, "id": category.id, "revision": one.revision, "by": one.saved_by, "at": one.saved_at,
                "commit": one.commit.as_deref().map(|id| id.get(..7).unwrap_or(id)),
                "outside": one.commit.is_none() && one.plan().is_none(), "by_hand": one.saved_by == OUTSIDE,
                "reason": one.run.as_deref().and_then(|run| reasons.get(run)), "is_now": known.revision(&category.id) == one.revision,
            });
            match one.settings {
                Ok(settings) => {
                    entry["changes"] =
                        changes(&known, &judged, category, &before, &settings, hand, work).into();
                    before = settings;
                }
                Err(why) => entry["unusable"] = why.why.into(),
            }
            entries.push((format!("{} {:020}", at.0, at.1), entry));
        }
    }
    entries.sort_by(|one, other| other.0.cmp(&one.0));
    let more = (entries.len() > skip + A_PAGE).then_some(skip + A_PAGE);
    let shown: Vec<Json> = entries.into_iter().skip(skip).take(A_PAGE).map(|(_, entry)| entry).collect();
    let categories: Vec<Json> = known
        .pair
        .categories()
        .filter(|one| known.revision(&one.id) > 0)
        .map(|one| json!({"id": one.id, "title": one.title}))
        .collect();
    Ok(Shown::page(
        "history.html",
        json!({"integration": shell::of(&known, &judged, "history", hand), "entries": shown, "more": more, "skip": skip,
            "categories": categories, "wanted": wanted, "now": work.host.stamp()}),
    ))
}

/// What moved between two states of a category, in words.
fn changes(
    known: &Known,
    judged: &Judged,
    category: &Category,
    before: &Settings,
    after: &Settings,
    hand: &Hand<'_>,
    work: &Work<'_>,
) -> Vec<Json> {
    let form = Form::of(known, category, judged, work.ground.options(), hand.language);
    let mut paths: Vec<&SettingPath> = before.keys().chain(after.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    let moved = paths.into_iter().filter(|path| before.get(*path) != after.get(*path));
    let none = Json::Null;
    moved
        .map(|path| {
            let schema = category.schema_at(path).unwrap_or(&none);
            json!({"title": words::named(category, path), "path": path.to_string(), "before": form.shown(schema, before.get(path)),
                "after": form.shown(schema, after.get(path))})
        })
        .collect()
}

/// `GET /integrations/{id}/history/{category}/{revision}`: what a way back would change. Nothing is changed by looking.
pub async fn look_back(
    Named((id, category, revision)): Named<(String, String, u64)>,
    visit: Visit,
) -> Response {
    visit.show(move |work, hand| back(&id, &category, revision, None, hand, work)).await
}

fn back(
    id: &str,
    category: &str,
    revision: u64,
    refused: Option<(StatusCode, Json)>,
    hand: &Hand<'_>,
    work: &mut Work<'_>,
) -> Result<Shown, Problem> {
    let (known, judged) = shell::known(id, hand, work)?;
    let category = known.category(category)?;
    let (then, settings) = at(&known, category, revision, work)?;
    let none = Settings::new();
    let now = known.rows.get(category.id.as_str()).map_or(&none, |row| &row.settings);
    let syncs = work.store.last_syncs(id)?;
    let may_save = hand.access.saves(id, &category.id) && !hand.app.serving.is_read_only;
    let all = changes(&known, &judged, category, now, &settings, hand, work);
    // Judged before anybody presses a button: what git owns goes no way back from here.
    let kept = if may_save { kept(id, &category.id, revision, hand, work) } else { Vec::new() };
    let may_propose = shell::may_propose(&known, &category.id, hand, work);
    let is_kept = |one: &Json| kept.iter().any(|path| one["path"] == path.to_string());
    let (stay, go): (Vec<Json>, Vec<Json>) = all.into_iter().partition(|one| is_kept(one));
    let mut key = [0_u8; 16];
    getrandom::fill(&mut key)
        .map_err(|error| Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", error.to_string()))?;
    let context = json!({
        "integration": shell::of(&known, &judged, "history", hand), "category": category.id, "title": category.title,
        "revision": revision, "now_revision": known.revision(&category.id), "by": then.0, "at": then.1,
        "changes": go, "stay": stay, "may_propose": may_propose, "key": hex(&key), "may_save": may_save,
        "effect": timing::effect(&known, &judged, category, &syncs, (work.host.now)()),
        "note": refused.as_ref().map(|(_, note)| note), "now": work.host.stamp(),
        "next_revision": known.revision(&category.id) + 1,
    });
    let status = refused.map_or(StatusCode::OK, |(status, _)| status);
    Ok(Shown::page("revision.html", context).status(status))
}

/// A past revision of a category: who saved it and when, and its settings.
fn at(
    known: &Known,
    category: &Category,
    revision: u64,
    work: &mut Work<'_>,
) -> Result<((String, String), Settings), Problem> {
    let past = section::past(known, &category.id, work.store)?;
    let then = past.into_iter().find(|past| past.revision == revision);
    let then =
        then.ok_or_else(|| Problem::absent(format!("{} has no revision {revision}", category.title)))?;
    let settings = then.settings.map_err(|why| Problem::absent(why.why))?;
    Ok(((then.saved_by, then.saved_at), settings))
}

/// What git owns of the settings that a way back would move.
fn kept(id: &str, category: &str, revision: u64, hand: &Hand<'_>, work: &mut Work<'_>) -> Vec<SettingPath> {
    let asked = SaveAsked {
        integration: id,
        category,
        body: Body::Revision(revision),
        expected: Expected::Anything,
        key: None,
        override_reason: None,
        force: &[],
        is_trial: true,
    };
    match section::save(&asked, hand.access, &work.ground, work.store, work.host) {
        Err(NotSaved::Managed(managed)) => managed.into_iter().map(|one| one.setting).collect(),
        _ => Vec::new(),
    }
}

/// What goes back where some of it is git's: the rest, as it was then.
fn rest(
    id: &str,
    category: &str,
    revision: u64,
    kept: &[SettingPath],
    hand: &Hand<'_>,
    work: &mut Work<'_>,
) -> Result<Body, Problem> {
    let (known, _) = shell::known(id, hand, work)?;
    let category = known.category(category)?;
    let (_, settings) = at(&known, category, revision, work)?;
    let none = Settings::new();
    let now = known.rows.get(category.id.as_str()).map_or(&none, |row| &row.settings);
    let form = section::plain_form(&settings);
    let mut patch = Map::new();
    for path in now.keys().chain(settings.keys()) {
        if now.get(path) != settings.get(path) && !kept.contains(path) {
            put(&mut patch, path, value_at(&form, path));
        }
    }
    // Where all of it is git's, that is refused.
    Ok(if patch.is_empty() { Body::Revision(revision) } else { Body::Merge(Json::Object(patch)) })
}

/// `POST /integrations/{id}/history/{category}/{revision}`
pub async fn go_back(
    Named((id, category, revision)): Named<(String, String, u64)>,
    visit: Visit,
    sent: Sent,
) -> Response {
    visit
        .take(sent, move |work, hand, sent| {
            let seen = sent.text("revision").and_then(|text| text.parse().ok());
            let seen: u64 = seen.ok_or_else(|| Problem::bad_request("the form says no revision"))?;
            if !hand.access.reads(&id) {
                return Err(Problem::absent(format!("there is no integration `{id}`")));
            }
            let kept = kept(&id, &category, revision, hand, work);
            let body = match kept.as_slice() {
                [] => Body::Revision(revision),
                kept => rest(&id, &category, revision, kept, hand, work)?,
            };
            let asked = SaveAsked {
                integration: &id,
                category: &category,
                body,
                expected: Expected::Revision(seen),
                key: sent.text("key").filter(|key| !key.is_empty()),
                override_reason: None,
                force: &refused::lifted(sent),
                is_trial: false,
            };
            match section::save(&asked, hand.access, &work.ground, work.store, work.host) {
                Ok(saved) => {
                    hand.app.tell_saved(work.store);
                    let to = shell::page_of(&id, &category);
                    Ok(Shown::Elsewhere(format!("{to}?saved={category}.{}", saved.revision)))
                }
                Err(why) => {
                    let (known, _) = shell::known(&id, hand, work)?;
                    let refused = refused::note(why, &category, &known, hand);
                    back(&id, &category, revision, Some(refused), hand, work)
                }
            }
        })
        .await
}
