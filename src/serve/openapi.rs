//! The description of the API, OpenAPI 3.1: written by hand in `schemas/api/v1.json`, served as it is.

use axum::http::header;
use axum::response::{IntoResponse, Response};

/// The document.
pub const DOCUMENT: &str = include_str!("../../schemas/api/v1.json");

/// `GET /openapi.json`
pub async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}
