//! One line of JSON for each request: when, which, who, what became of it, how long it took. Nothing of settings, tokens
//! or bodies.
#![expect(clippy::disallowed_methods, reason = "measures and dates what it logs")]

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderValue, Method};
use axum::middleware::Next;
use axum::response::Response;
use serde::Serialize;

use super::app::App;
use crate::diagnostic::text::outward_json;
use crate::model::hex;
use crate::ops::serving::Told;

/// Who asked, as far as an answer says so.
#[derive(Debug, Clone)]
pub struct Asker(pub String);

#[derive(Debug, Serialize)]
struct Line<'a> {
    at: &'a str,
    by: Option<&'a str>,
    method: &'a str,
    ms: f64,
    request: &'a str,
    route: &'a str,
    status: u16,
}

/// Gives each request an id, counts it and writes its line.
pub async fn each(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let begun = Instant::now();
    let mut bytes = [0_u8; 8];
    let _ = getrandom::fill(&mut bytes);
    let id = hex(&bytes);
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let method = match *request.method() {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        // Anybody can invent one, and each would be a label for good.
        _ => "OTHER",
    };
    let mut response = next.run(request).await;
    if let Ok(id) = HeaderValue::from_str(&id) {
        response.headers_mut().insert("x-request-id", id);
    }
    let (status, took) = (response.status().as_u16(), begun.elapsed());
    app.metrics.count(method, &route, status, took);
    if !matches!(route.as_str(), "/healthz" | "/readyz" | "/metrics") {
        let by = response.extensions().get::<Asker>().map(|Asker(name)| name.as_str());
        let at = format!("{:.3}", jiff::Timestamp::now());
        let ms = took.as_secs_f64() * 1000.0;
        let line = Line { at: &at, by, method, ms, request: &id, route: &route, status };
        let line = serde_json::to_string(&line).unwrap_or_default();
        (app.serving.tell)(&Told::Request(&outward_json(line)));
    }
    response
}
