//! The pages of the Configure section: forms over `ops::section`, made on the server, whole without a script. Nothing is loaded from
//! elsewhere; the content security policy says so.
//!
//! Each page is data from one file here, and a template; texts are in `report::texts`, a file a language. The API is `serve::api`'s.

mod assets;
mod cache;
mod category;
mod changes;
mod connected;
mod draft;
mod edit;
mod fields;
mod fleet;
mod found;
mod general;
mod history;
mod new;
mod parts;
mod plan;
mod propose;
mod refused;
mod save;
mod settings;
mod sheet;
mod shell;
mod sign_in;
mod stale;
mod templates;
mod timing;
mod tried;
mod values;
mod visit;

use std::sync::Arc;

use super::app::App;
use super::ask::LONGEST;
use super::auth::cookie_of;
use crate::report::texts::Language;
use axum::Router;
use axum::body::to_bytes;
use axum::extract::Request;
use axum::http::{HeaderValue, Method, header};
use axum::middleware::{self, Next};
use axum::response::Response;
use axum::routing::{get, post};
use serde_json::{Value as Json, json};
pub use visit::offer_link;

/// All pages.
pub fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(async || visit::elsewhere("/integrations")))
        .route("/sign-in", get(sign_in::ask).post(sign_in::sign_in))
        .route("/sign-out", post(sign_in::sign_out))
        .route("/language", post(sign_in::language))
        .route("/assets/pages.css", get(assets::style))
        .route("/assets/pages.js", get(assets::script))
        .route("/assets/plan.js", get(assets::plan_script))
        .route("/assets/icon.svg", get(assets::icon))
        .route("/integrations", get(fleet::show))
        .route("/integrations/new", get(new::show).post(new::make))
        .route("/integrations/{id}", get(category::begin))
        .route("/integrations/{id}/general", get(category::general).post(save::general))
        .route("/integrations/{id}/settings", get(settings::show))
        .route("/integrations/{id}/settings/{category}", get(category::settings).post(save::settings))
        .route("/integrations/{id}/settings/{category}/sheet", get(sheet::give))
        .route("/integrations/{id}/connectors", get(category::connectors).post(save::connectors))
        .route("/integrations/{id}/connectors:test", get(tried::back).post(tried::ask))
        .route("/integrations/{id}/scheduling", get(category::scheduling).post(save::scheduling))
        .route("/integrations/{id}/webhooks", get(category::webhooks).post(save::webhooks))
        .route("/integrations/{id}/cache", get(cache::show))
        .route("/integrations/{id}/cache:clear", get(cache::back).post(cache::clear))
        .route("/integrations/{id}/propose", get(propose::show).post(propose::take))
        .route("/integrations/{id}/changes", get(changes::show).post(changes::close))
        .route("/integrations/{id}/plan", get(plan::show).post(plan::apply_one))
        .route("/plan", get(plan::show_all).post(plan::apply_all))
        .route("/integrations/{id}/history", get(history::show))
        .route(
            "/integrations/{id}/history/{category}/{revision}",
            get(history::look_back).post(history::go_back),
        )
        .layer(middleware::from_fn(strict))
}

/// Nothing is at an address.
#[derive(Debug, Clone, Copy)]
pub struct Nowhere;

/// The language of whoever asks for a page; none where a program asks.
fn reader(request: &Request) -> Option<&'static Language> {
    let of = |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let takes_pages = of(header::ACCEPT).is_some_and(|kinds| kinds.contains("text/html"));
    let chosen = cookie_of(request.headers(), visit::LANGUAGE);
    (takes_pages && !request.uri().path().starts_with("/api/"))
        .then(|| Language::chosen(chosen.as_deref(), of(header::ACCEPT_LANGUAGE)))
}

/// What went wrong is told as a page, where a page was asked for: of an address that leads nowhere, and of one that is no page's.
pub async fn readable(request: Request, next: Next) -> Response {
    let language = reader(&request);
    let response = next.run(request).await;
    let is_problem = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes() == b"application/problem+json");
    let Some(language) = language.filter(|_| is_problem) else { return response };
    let status = response.status();
    let is_nowhere = response.extensions().get::<Nowhere>().is_some();
    let body = to_bytes(response.into_body(), LONGEST).await.unwrap_or_default();
    let told: Json = serde_json::from_slice(&body).unwrap_or_default();
    let detail = if is_nowhere { None } else { told["detail"].as_str() };
    let context = json!({"problem": {"status": status.as_u16(), "code": told["code"], "detail": detail, "help": told["help"]}});
    let mut response = visit::plain("failed.html", &context, status, language);
    dress(&mut response);
    response
}

/// A page loads its own style and script, and sends forms to where it came from: nothing else, from nowhere.
async fn strict(request: Request, next: Next) -> Response {
    let is_form = request.method() == Method::POST;
    let mut response = next.run(request).await;
    dress(&mut response);
    // Back leads to what was answered to a form, with all that was typed: a browser keeps it, and asks anew for all else. Signing out
    // has it thrown away.
    let is_page = response.headers().get(header::CACHE_CONTROL).is_some_and(|kept| kept == NEVER_KEPT);
    if is_form && is_page {
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    }
    response
}

/// Of pages: what somebody may see is kept by no browser.
const NEVER_KEPT: &str = "private, no-store";

fn dress(response: &mut Response) {
    const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; form-action 'self'; \
                          base-uri 'none'; frame-ancestors 'none'";
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        // Links of ours to a forge tell nobody where they stood; forms say their origin, by which they are known as ours.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    for (name, value) in [
        ("cross-origin-opener-policy", "same-origin"),
        ("cross-origin-resource-policy", "same-origin"),
        ("permissions-policy", "camera=(), geolocation=(), microphone=()"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    let is_page =
        headers.get(header::CONTENT_TYPE).is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if is_page {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(NEVER_KEPT));
    }
}
