//! Signing in by a token or by the link that works once, signing out, and the language.

use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderName, Method, StatusCode, header};
use axum::response::Response;
use serde_json::{Value as Json, json};

use super::visit::{
    Headers, LANGUAGE, Sent, Visit, elsewhere, failed, may_come_by_link, offer_link, onwards, own_place,
    plain, set,
};
use crate::report::texts::Language;
use crate::serve::app::App;
use crate::serve::auth::{Sender, cookie_name, is_private, mark_of};
use crate::serve::problem::Problem;

/// A choice of a language is kept for a year, in seconds.
const A_YEAR: u32 = 365 * 24 * 3600;

/// `GET /sign-in`; with `once`, the link that works once.
pub async fn ask(method: Method, visit: Visit) -> Response {
    let Some(secret) = visit.query.get("once").cloned().filter(|_| method == Method::GET) else {
        let context =
            json!({"then": visit.query.get("then"), "carried": null, "by_link": is_by_link(&visit).await});
        return plain("sign_in.html", &context, StatusCode::OK, visit.language);
    };
    let app = Arc::clone(&visit.app);
    let begun = app
        .run({
            let app = Arc::clone(&app);
            move |work| {
                if !may_come_by_link(&app, work)? || !app.sessions.take(&secret) {
                    return Ok(None);
                }
                let by = app.operator(work);
                Ok(Some(app.sessions.begin(&by, None, (work.host.now)(), work.store)?))
            }
        })
        .await;
    match begun {
        Ok(Some(cookie)) => signed_in(&visit, &cookie, elsewhere("/integrations")),
        Ok(None) => {
            let by_link = is_by_link(&visit).await;
            let context = json!({"then": null, "carried": null, "by_link": by_link, "used": true});
            plain("sign_in.html", &context, StatusCode::FORBIDDEN, visit.language)
        }
        Err(problem) => visit.told(problem),
    }
}

async fn is_by_link(visit: &Visit) -> bool {
    let app = Arc::clone(&visit.app);
    let of_app = Arc::clone(&app);
    app.run(move |work| offer_link(&of_app, work)).await.unwrap_or(false)
}

/// `POST /sign-in`: with a token, or by somebody who signed in elsewhere meanwhile. What was typed before goes on with him.
pub async fn sign_in(headers: Headers, visit: Visit, sent: Sent) -> Response {
    // No form of ours is known yet, so the browser alone tells where it comes from.
    let sender = match Sender::of_page(&visit.app, visit.from, &Method::POST, &headers.0) {
        Ok(sender) => sender,
        Err(problem) => return failed(problem, visit.language),
    };
    let token = sent.text("token").unwrap_or_default().trim().to_owned();
    let (app, from) = (Arc::clone(&visit.app), visit.from);
    let of_app = Arc::clone(&app);
    let begun = app
        .run(move |work| {
            if token.is_empty() {
                let sender = sender.ok_or_else(|| Problem::unauthorized("paste a token"))?;
                let name = sender.access(&of_app, work)?.name;
                return Ok((None, sender.form_mark(&name, work), mark_of(&name, work)));
            }
            let access = Sender::with_token(from, &token).access(&of_app, work)?;
            let hash = crate::ops::section::hash_token(&token);
            let now = (work.host.now)();
            let cookie = of_app.sessions.begin(&access.name, Some(hash), now, work.store)?;
            let form_token = Sender::with_session(from, &cookie).form_mark(&access.name, work);
            Ok((Some(cookie), form_token, mark_of(&access.name, work)))
        })
        .await;
    let carried = carried(&sent);
    let then = own_place(sent.text("then").unwrap_or_default()).to_owned();
    let whose = sent.text("whose").unwrap_or_default();
    let (cookie, form_token, own) = match begun {
        Ok(begun) => begun,
        Err(problem) => {
            let carried = (!carried.is_empty()).then_some(&carried);
            let context = json!({"then": then, "carried": carried, "whose": whose, "wrong": problem.detail(), "by_link": is_by_link(&visit).await});
            return plain("sign_in.html", &context, problem.status(), visit.language);
        }
    };
    let response = if carried.is_empty() {
        elsewhere(&then)
    } else {
        // What another typed is not for him: neither to see nor to save in his name.
        let is_others = whose != own;
        let carried = if is_others { Vec::new() } else { carried };
        let context =
            json!({"then": then, "carried": carried, "form_token": form_token, "is_others": is_others});
        plain("go_on.html", &context, StatusCode::OK, visit.language)
    };
    match cookie {
        Some(cookie) => signed_in(&visit, &cookie, response),
        None => response,
    }
}

/// What somebody typed into a form before he had to sign in.
fn carried(sent: &Sent) -> Vec<Json> {
    let all = sent.0.iter().filter_map(|(name, value)| Some((name.strip_prefix("carried.")?, value)));
    all.map(|(name, value)| json!({"name": name, "value": value})).collect()
}

/// `Lax`, so that a link in a report or a pull request opens its page. What changes anything is a form, which proves that it is
/// ours besides.
fn signed_in(visit: &Visit, cookie: &str, mut response: Response) -> Response {
    let secure = if is_private(&visit.app, visit.from) { "; Secure" } else { "" };
    let name = cookie_name(&visit.app, visit.from);
    let text = format!("{name}={cookie}; Path=/; HttpOnly; SameSite=Lax{secure}");
    set(&mut response, header::SET_COOKIE, &text);
    response
}

/// `POST /sign-out`
pub async fn sign_out(State(app): State<Arc<App>>, headers: Headers, visit: Visit, sent: Sent) -> Response {
    let sender = match Sender::of_page(&app, visit.from, &Method::POST, &headers.0) {
        Ok(sender) => sender,
        Err(problem) => return failed(problem, visit.language),
    };
    let of_app = Arc::clone(&app);
    let done = app
        .run(move |work| {
            let Some(sender) = sender else { return Ok(()) };
            if !sent.text("form").is_some_and(|form| sender.knows(form, work)) {
                return Err(Problem::forbidden("this form was made for another sign-in"));
            }
            match sender.cookie() {
                Some(cookie) => Ok(of_app.sessions.end(cookie, work.store)?),
                None => Ok(()),
            }
        })
        .await;
    if let Err(problem) = done {
        return failed(problem, visit.language);
    }
    let mut response = elsewhere("/sign-in");
    // What the browser kept of answers to his forms.
    set(&mut response, HeaderName::from_static("clear-site-data"), "\"cache\"");
    let secure = if is_private(&app, visit.from) { "; Secure" } else { "" };
    let name = cookie_name(&app, visit.from);
    set(
        &mut response,
        header::SET_COOKIE,
        &format!("{name}=; Path=/; Max-Age=0; HttpOnly; SameSite=Lax{secure}"),
    );
    response
}

/// `POST /language`
pub async fn language(headers: Headers, visit: Visit, sent: Sent) -> Response {
    if let Err(problem) = Sender::of_page(&visit.app, visit.from, &Method::POST, &headers.0) {
        return failed(problem, visit.language);
    }
    let then = sent.text("then").or(visit.query.get("then").map(String::as_str)).unwrap_or_default();
    // A form that came along goes on to its page, which shows it again.
    let mut response = match sent.text("category") {
        Some(_) => onwards(then),
        None => elsewhere(then),
    };
    if let Some(language) = sent.text("language").and_then(Language::of) {
        let text = format!("{LANGUAGE}={}; Path=/; Max-Age={A_YEAR}; HttpOnly; SameSite=Lax", language.id);
        set(&mut response, header::SET_COOKIE, &text);
    }
    response
}
