//! A new integration.

use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value as Json, json};

use super::shell;
use super::visit::{Hand, Sent, Shown, Visit};
use crate::ops::names::require_id;
use crate::ops::section::{self, NotSaved};
use crate::serve::app::Work;
use crate::serve::problem::Problem;

/// `GET /integrations/new`
pub async fn show(visit: Visit) -> Response {
    visit.show(|work, hand| Ok(page(work, hand, &json!({"id": "", "name": "", "pair": ""}), None))).await
}

/// `POST /integrations/new`
pub async fn make(visit: Visit, sent: Sent) -> Response {
    visit.take_typed(sent, |work, hand, sent| Ok(create(work, hand, sent))).await
}

fn create(work: &mut Work<'_>, hand: &Hand<'_>, sent: &Sent) -> Shown {
    let text = |name: &str| sent.text(name).unwrap_or_default().trim().to_owned();
    let (name, pair) = (text("name"), text("pair"));
    if sent.is_again() {
        return page(work, hand, &json!({"id": text("id"), "name": name, "pair": pair}), None);
    }
    // Whoever names no id gets the name, as ids are written.
    let id = match text("id") {
        none if none.is_empty() => id_of(&name),
        id => id,
    };
    let typed = json!({"id": id, "name": name, "pair": pair});
    let missing = [("pair", &pair), ("name", &name)].into_iter().find(|(_, value)| value.is_empty());
    if let Some((field, _)) = missing {
        let wrong = json!({"field": field, "text": hand.language.say(&format!("new.missing_{field}"), &[])});
        return page(work, hand, &typed, Some(wrong)).status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    // A name in letters that no id has gives none.
    if require_id(&id).is_err() {
        let key = if text("id").is_empty() { "new.no_id" } else { "new.bad_id" };
        let wrong = json!({"field": "id", "text": hand.language.say(key, &[("id", &id)])});
        return page(work, hand, &typed, Some(wrong)).status(StatusCode::UNPROCESSABLE_ENTITY);
    }
    match section::create(&id, &pair, &name, hand.access, &work.ground, work.store, work.host) {
        Ok(_) => Shown::Elsewhere(format!("/integrations/{id}/general")),
        Err(why) => {
            let (status, wrong) = worded(why, &id, work, hand);
            page(work, hand, &typed, Some(wrong)).status(status)
        }
    }
}

/// Why it was not made, and at which field that is.
fn worded(why: NotSaved, id: &str, work: &mut Work<'_>, hand: &Hand<'_>) -> (StatusCode, Json) {
    let say = |key: &str| hand.language.say(key, &[("id", id)]);
    match why {
        NotSaved::Exists(_) => {
            let is_in_git = work.ground.says(id, work.store, work.host).is_ok_and(|says| says.is_some());
            let key = if is_in_git { "new.in_git" } else { "new.exists" };
            (StatusCode::CONFLICT, json!({"field": "id", "text": say(key)}))
        }
        NotSaved::Forbidden(_) => (StatusCode::FORBIDDEN, json!({"field": "id", "text": say("new.may_not")})),
        NotSaved::Unprintable(_) => {
            (StatusCode::UNPROCESSABLE_ENTITY, json!({"field": "name", "text": say("new.unprintable")}))
        }
        NotSaved::Invalid(findings) => {
            let text = findings.iter().map(|one| one.message.clone()).collect::<Vec<_>>().join("; ");
            (StatusCode::UNPROCESSABLE_ENTITY, json!({"field": "name", "text": text, "english": true}))
        }
        other => {
            let problem = Problem::from(other);
            let wrong = json!({"field": "id", "text": problem.detail(), "help": problem.more("help"), "english": true});
            (problem.status(), wrong)
        }
    }
}

/// A name as an id: `Nordic Outdoor Företag` is `nordic-outdoor-foretag`.
fn id_of(name: &str) -> String {
    let plain = |c: char| match c {
        'å' | 'ä' | 'á' | 'à' | 'æ' => 'a',
        'ö' | 'ø' | 'ó' => 'o',
        'é' | 'è' | 'ë' => 'e',
        'ü' => 'u',
        c if c.is_ascii_alphanumeric() => c,
        _ => '-',
    };
    let id: String = name.to_lowercase().chars().map(plain).collect();
    id.split('-').filter(|part| !part.is_empty()).collect::<Vec<_>>().join("-")
}

fn page(work: &Work<'_>, hand: &Hand<'_>, typed: &Json, wrong: Option<Json>) -> Shown {
    // No form above an answer that would only refuse it.
    if !shell::may_make(hand) {
        let title = hand.language.say("new.may_not_any", &[]);
        let text = hand.language.say("new.ask", &[]);
        let note = json!({"kind": "bad", "title": title, "text": text});
        let context = json!({"note": note, "may_make": false, "now": work.host.stamp()});
        return Shown::page("new.html", context).status(StatusCode::FORBIDDEN);
    }
    let catalogue = work.ground.catalogue();
    let mut pairs: Vec<Json> = catalogue
        .names("pairs")
        .into_iter()
        .filter_map(|id| {
            catalogue
                .pair(&id)
                .map(|pair| json!({"id": pair.id, "title": pair.title, "group": pair.erp.title}))
        })
        .collect();
    let order = |one: &Json| {
        let text = |key: &str| one[key].as_str().unwrap_or_default().to_lowercase();
        (text("group"), text("title"))
    };
    pairs.sort_by_cached_key(order);
    Shown::page(
        "new.html",
        json!({"pairs": pairs, "typed": typed, "wrong": wrong, "may_make": true, "now": work.host.stamp()}),
    )
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_name_becomes_an_id() {
        assert_eq!(super::id_of("Nordic Outdoor  Företag!"), "nordic-outdoor-foretag");
        assert_eq!(super::id_of("مرحبا"), "");
    }
}
