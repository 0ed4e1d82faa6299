//! The description of the API, OpenAPI 3.1: written by hand in `schemas/api/v1.json`, served as it is.

use std::collections::HashMap;
use std::sync::LazyLock;

use axum::http::{Method, header};
use axum::response::{IntoResponse, Response};
use serde_json::Value as Json;

/// The document.
pub const DOCUMENT: &str = include_str!("../../schemas/api/v1.json");

/// `GET /openapi.json`
pub async fn document() -> Response {
    ([(header::CONTENT_TYPE, "application/json")], DOCUMENT).into_response()
}

/// What may be asked for in a query, by path of the API and method, as the document says.
static QUERIES: LazyLock<HashMap<(String, String), Vec<String>>> = LazyLock::new(|| {
    let document: Json = serde_json::from_str(DOCUMENT).unwrap_or_default();
    let whole = |parameter: &Json| match parameter["$ref"].as_str() {
        Some(place) => document.pointer(place.trim_start_matches('#')).cloned().unwrap_or_default(),
        None => parameter.clone(),
    };
    let mut queries = HashMap::new();
    for (path, item) in document["paths"].as_object().into_iter().flatten() {
        for (method, operation) in item.as_object().into_iter().flatten() {
            let parameters = operation["parameters"].as_array().into_iter().flatten().map(whole);
            let asked = parameters.filter(|parameter| parameter["in"] == "query");
            let names = asked.filter_map(|parameter| parameter["name"].as_str().map(str::to_owned));
            queries.insert((path.clone(), method.to_ascii_uppercase()), names.collect());
        }
    }
    queries
});

/// The names that a query may have in a request, `path` being the route's. Whatever else is there was meant to do something.
pub fn queries(method: &Method, path: &str) -> &'static [String] {
    let path = path.strip_prefix("/api/v1").unwrap_or(path);
    let method = if *method == Method::HEAD { &Method::GET } else { method };
    QUERIES.get(&(path.to_owned(), method.as_str().to_owned())).map_or(&[], Vec::as_slice)
}
