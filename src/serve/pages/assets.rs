//! What a page loads: one style, one script, one icon, all built in.

use axum::http::header;
use axum::response::{IntoResponse, Response};

use crate::report::html::{SCRIPT as SEARCH, STYLE};

const OWN: &str = include_str!("templates/pages.css");
const SCRIPT: &str = include_str!("templates/pages.js");
const ICON: &str = include_str!("templates/icon.svg");

/// `GET /assets/pages.css`: what all pages share with the reports, and what only these have.
pub async fn style() -> Response {
    of("text/css; charset=utf-8", format!("{STYLE}{OWN}"))
}

/// `GET /assets/pages.js`
pub async fn script() -> Response {
    of("text/javascript; charset=utf-8", SCRIPT.to_owned())
}

/// `GET /assets/plan.js`: filters and search of a plan, as a report has them.
pub async fn plan_script() -> Response {
    of("text/javascript; charset=utf-8", SEARCH.to_owned())
}

/// `GET /assets/icon.svg`
pub async fn icon() -> Response {
    of("image/svg+xml", ICON.to_owned())
}

fn of(kind: &'static str, text: String) -> Response {
    ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, "public, max-age=300")], text).into_response()
}
