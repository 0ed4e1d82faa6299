//! Clear Cache, and how far it is: the page looks again by itself while values are fetched, without a script. What is fetched is
//! `ops::section`'s.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use axum::http::{HeaderName, StatusCode, header};
use axum::response::Response;
use serde_json::{Value as Json, json};

use super::category::fetched;
use super::shell;
use super::visit::{Hand, Sent, Shown, Visit, set};
use crate::model::SettingPath;
use crate::ops::section::{self, Judged, Known, NotCleared};
use crate::report::words;
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;

/// In seconds.
const AGAIN: &str = "3";

/// `GET /integrations/{id}/cache`
pub async fn show(Named(id): Named<String>, visit: Visit) -> Response {
    let is_running = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&is_running);
    let mut response = visit
        .show(move |work, hand| {
            let (known, judged) = shell::known(&id, hand, work)?;
            let (shown, runs) = page(&known, &judged, None, work, hand)?;
            seen.store(runs, Ordering::SeqCst);
            Ok(shown)
        })
        .await;
    if is_running.load(Ordering::SeqCst) {
        set(&mut response, HeaderName::from_static("refresh"), AGAIN);
    }
    response
}

/// `GET /integrations/{id}/cache:clear`: whoever comes back to where the form was sent is shown how far it is.
pub async fn back(Named(id): Named<String>, visit: Visit) -> Response {
    visit.show(move |_, _| Ok(Shown::Elsewhere(format!("/integrations/{id}/cache")))).await
}

/// `POST /integrations/{id}/cache:clear`
pub async fn clear(Named(id): Named<String>, visit: Visit, sent: Sent) -> Response {
    let mut response = visit
        .take(sent, move |work, hand, _| {
            let (known, judged) = shell::known(&id, hand, work)?;
            match begin(&known, work, hand) {
                Ok(()) => Ok(Shown::Elsewhere(address(&id))),
                Err(why) => refused(&known, &judged, why, work, hand),
            }
        })
        .await;
    response.headers_mut().remove(header::REFRESH);
    response
}

/// Where it is told how far it is.
#[must_use]
pub fn address(id: &str) -> String {
    format!("/integrations/{id}/cache")
}

/// Begins to fetch, where nobody did already.
///
/// # Errors
/// Why nothing was begun.
pub fn begin(known: &Known, work: &mut Work<'_>, hand: &Hand<'_>) -> Result<(), NotCleared> {
    let (clearing, is_mine) = section::begin(known, hand.access, work.store, work.host)?;
    if is_mine {
        hand.app.fetch(clearing);
    }
    Ok(())
}

/// The page, with why nothing was begun.
///
/// # Errors
/// When the store cannot be read.
pub fn refused(
    known: &Known,
    judged: &Judged,
    why: NotCleared,
    work: &mut Work<'_>,
    hand: &Hand<'_>,
) -> Result<Shown, Problem> {
    let (status, note) = why_not(known, why, work, hand)?;
    let (shown, _) = page(known, judged, Some(note), work, hand)?;
    Ok(shown.status(status))
}

/// Why nothing was begun, as a message.
///
/// # Errors
/// When the store cannot be read.
pub fn why_not(
    known: &Known,
    why: NotCleared,
    work: &mut Work<'_>,
    hand: &Hand<'_>,
) -> Result<(StatusCode, Json), Problem> {
    let say = |key: &str, filled: &[(&str, &str)]| hand.language.say(key, filled);
    let seconds = if let NotCleared::TooSoon(seconds) = &why { Some(*seconds) } else { None };
    let is_forbidden = matches!(why, NotCleared::Forbidden(_));
    let problem = Problem::from(why);
    let note = match seconds {
        // Nothing went wrong: platforms bear only so many questions.
        Some(seconds) => {
            let clearing = section::cache(known, hand.access, &work.ground, work.store, work.host)?.clearing;
            let came = |clearing: &Json| {
                let mut lists = clearing["lists"].as_array().into_iter().flatten();
                lists.any(|list| list["state"] == *"done")
            };
            let key =
                if clearing.as_ref().is_some_and(came) { "cache.too_soon" } else { "cache.too_soon_none" };
            let links = json!([{"href": address(known.id()), "text": say("cache.see", &[])}]);
            json!({
                "kind": "info", "title": say(key, &[]), "links": links,
                "text": say("cache.too_soon_more", &[("n", &seconds.to_string())]),
            })
        }
        None if is_forbidden => json!({
            "kind": "bad", "title": say("cache.not_begun", &[]), "text": say("cache.may_not", &[]),
        }),
        None => json!({
            "kind": "bad", "title": say("cache.not_begun", &[]), "text": problem.detail(), "english": true,
        }),
    };
    Ok((problem.status(), note))
}

/// Says of each setting that uses what is gone what it is called; of other pairs as far as they call it so too.
fn word_uses(clearing: &mut Json, known: &Known) {
    let lists = clearing.get_mut("lists").and_then(Json::as_array_mut).into_iter().flatten();
    let gone = lists.flat_map(|list| list.get_mut("gone").and_then(Json::as_array_mut).into_iter().flatten());
    for one in
        gone.flat_map(|value| value.get_mut("used_by").and_then(Json::as_array_mut).into_iter().flatten())
    {
        let setting = one["setting"].as_str().unwrap_or_default();
        let category = one["category"].as_str().and_then(|id| known.pair.category(id));
        let said = category.zip(SettingPath::parse(setting));
        let said = said.map(|(category, path)| words::named(category, &path));
        one["words"] = said.unwrap_or_else(|| setting.to_owned()).into();
    }
}

/// The page, and whether something is fetched.
fn page(
    known: &Known,
    judged: &Judged,
    note: Option<Json>,
    work: &mut Work<'_>,
    hand: &Hand<'_>,
) -> Result<(Shown, bool), Problem> {
    let cache = section::cache(known, hand.access, &work.ground, work.store, work.host)?;
    let mut clearing = cache.clearing.unwrap_or(Json::Null);
    word_uses(&mut clearing, known);
    let lists: Vec<&Json> = clearing["lists"].as_array().into_iter().flatten().collect();
    let count = |state: &str| lists.iter().filter(|list| list["state"] == *state).count();
    let (done, failed) = (count("done") + count("failed"), count("failed"));
    let number = |list: &Json, key: &str| list[key].as_u64().unwrap_or(0);
    let mut platforms: Vec<Json> = Vec::new();
    for of_one in lists
        .chunk_by(|one, next| (&one["connector"], &one["account"]) == (&next["connector"], &next["account"]))
    {
        let Some(first) = of_one.first() else { continue };
        // One that does not answer says so once, however many lists were asked for.
        let mut reasons: Vec<&str> = of_one.iter().filter_map(|list| list["reason"].as_str()).collect();
        reasons.dedup();
        let reason = reasons.first().filter(|_| reasons.len() == 1);
        let stays = |list: &Json| {
            cache.lists.iter().any(|known| {
                known.fetched.is_some() && list["connector"] == known.connector && list["set"] == known.set
            })
        };
        let is_old = |list: &&Json| list["state"] == *"failed" && stays(list);
        let old: Vec<&Json> = of_one.iter().copied().filter(is_old).map(|list| &list["set"]).collect();
        let sum = |key: &str| of_one.iter().map(|list| number(list, key)).sum::<u64>();
        platforms.push(json!({
            "platform": first["platform"], "account": first["account"], "lists": of_one, "new": sum("new_count"), "came": of_one.iter().any(|list| list["state"] == *"done"),
            "gone": sum("gone_count"), "reason": reason, "old": old,
        }));
    }
    let gone = lists.iter().flat_map(|list| list["gone"].as_array().into_iter().flatten());
    let used: u64 = gone
        .map(|value| {
            let here = value["used_by"].as_array().map_or(0, Vec::len);
            u64::try_from(here).unwrap_or(0) + number(value, "used_elsewhere")
        })
        .sum();
    let old_stay = platforms.iter().any(|one| one["old"].as_array().is_some_and(|old| !old.is_empty()));
    let runs = matches!(clearing["state"].as_str(), Some("queued" | "running"));
    if let Some(failure) = clearing["failure"].as_str() {
        let said = super::found::by_labels(failure, known).replacen(&format!("{}: ", known.id()), "", 1);
        clearing["failure"] = said.into();
    }
    let unconnected: Vec<&str> =
        section::unconnected(known).into_iter().map(|connector| connector.title.as_str()).collect();
    let shown = Shown::page(
        "cache.html",
        json!({
            "integration": shell::of(known, judged, "settings", hand), "lists": cache.lists, "clearing": clearing,
            "unconnected": unconnected, "platforms": platforms, "done": done, "failed": failed, "old_stay": old_stay, "used": used, "note": note,
            "fetched": fetched(known, judged, work), "now": work.host.stamp(),
        }),
    );
    Ok((shown, runs))
}
