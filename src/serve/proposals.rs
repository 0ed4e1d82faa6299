//! What was changed outside git, and changes of the files that are proposed, over HTTP. What is done is `ops::section`'s.

use std::sync::Arc;

use axum::response::Response;
use serde_json::{Value as Json, json};

use super::ask::{Answer, Ask, Document, Named, only, text};
use super::known::known;
use super::problem::Problem;
use crate::ops::propose::Destination;
use crate::ops::section::{self, Asked, Wish};

pub async fn changes(Named(id): Named<String>, ask: Ask) -> Response {
    ask.answer(move |work, access, _| {
        let known = known(&id, access, work)?;
        let changes = section::changes(&known, work.store)?;
        let proposals = section::proposals(&known, access, &work.ground, work.store, work.host)?;
        let open: Vec<_> = proposals.into_iter().filter(section::Proposal::is_open).collect();
        Ok(Answer::ok(json!({"changes": changes, "proposals": open})))
    })
    .await
}

pub async fn list(Named(id): Named<String>, ask: Ask) -> Response {
    ask.answer(move |work, access, query| {
        let state = query.text("state").map(str::to_owned);
        if state.as_deref().is_some_and(|state| !matches!(state, "open" | "merged" | "closed")) {
            return Err(Problem::bad_request("`state` must be open, merged or closed"));
        }
        let known = known(&id, access, work)?;
        let mut proposals = section::proposals(&known, access, &work.ground, work.store, work.host)?;
        proposals.retain(|proposal| state.as_ref().is_none_or(|state| proposal.state == *state));
        Ok(Answer::ok(json!({"proposals": proposals})))
    })
    .await
}

/// Proposes a change of the files, or tells what would come of it.
pub async fn propose(Named(id): Named<String>, ask: Ask, Document(body): Document) -> Response {
    let app = Arc::clone(&ask.app);
    ask.answer(move |work, access, query| {
        let is_trial = query.flag("trial")?;
        only(&body, &["category", "settings", "take", "where", "why", "branch", "commit"])?;
        let known = known(&id, access, work)?;
        let asked = Asked {
            wish: wish(&body)?,
            destination: match body["where"].as_str() {
                None | Some("here") => Destination::OwnFiles,
                Some("base") => Destination::WhereSet,
                Some(_) => return Err(Problem::bad_request("`where` must be here or base")),
            },
            why: text(&body, "why")?.unwrap_or_default(),
            branch: text(&body, "branch")?,
            seen: text(&body, "commit")?,
            request: &app.serving.request,
        };
        let (ground, store, host) = (&*work.ground, &mut *work.store, work.host);
        if is_trial {
            return Ok(Answer::ok(json!(section::preview(&asked, &known, access, ground, store, host)?)));
        }
        let made = section::propose(&asked, &app.serving.proposing, &known, access, ground, store, host)?;
        let at = format!("/api/v1/integrations/{}/proposals", crate::http::address::encode(&id));
        Ok(Answer::created(json!(made)).location(at))
    })
    .await
}

fn wish(body: &Json) -> Result<Wish, Problem> {
    let category =
        text(body, "category")?.ok_or_else(|| Problem::bad_request("name the `category`"))?.to_owned();
    match (&body["settings"], &body["take"]) {
        (patch @ Json::Object(_), Json::Null) => Ok(Wish::Change { category, patch: patch.clone() }),
        (Json::Null, Json::Array(settings)) if !settings.is_empty() => {
            let texts = settings.iter().map(|one| one.as_str().map(str::to_owned));
            let settings = texts.collect::<Option<Vec<_>>>();
            let settings =
                settings.ok_or_else(|| Problem::bad_request("`take` must be a list of settings"))?;
            Ok(Wish::Take { category, settings })
        }
        _ => Err(Problem::bad_request(
            "say either `settings`, as a merge patch of what the files say, or `take`, a list of settings that are deployed",
        )),
    }
}

/// Closes a proposal; its branch stays.
pub async fn close(Named((id, proposal)): Named<(String, String)>, ask: Ask) -> Response {
    ask.answer(move |work, access, _| {
        let known = known(&id, access, work)?;
        let closed = section::close(&known, &proposal, access, &work.ground, work.store, work.host)?;
        Ok(Answer::ok(json!(closed)))
    })
    .await
}
