//! The dropdown values of an integration over HTTP: when they were fetched, and Clear Cache. What it does is `ops::section`'s.

use std::sync::Arc;

use axum::http::{StatusCode, header};
use axum::response::Response;
use serde_json::json;

use super::ask::{Answer, Ask, Named};
use super::known::known;
use super::problem::Problem;
use crate::ops::section::{self, NotCleared};

pub async fn show(Named(id): Named<String>, ask: Ask) -> Response {
    ask.answer(move |work, access, _| {
        let known = known(&id, access, work)?;
        Ok(Answer::ok(json!(section::cache(&known, access, &work.ground, work.store, work.host)?)))
    })
    .await
}

/// Begins to fetch them anew, and tells where to ask how far it is.
pub async fn clear(Named(id): Named<String>, ask: Ask) -> Response {
    let app = Arc::clone(&ask.app);
    ask.answer(move |work, access, _| {
        let known = known(&id, access, work)?;
        let (clearing, is_mine) = section::begin(&known, access, work.store, work.host)?;
        if is_mine {
            app.fetch(clearing);
        }
        let told = section::cache(&known, access, &work.ground, work.store, work.host)?;
        let at = format!("/api/v1/integrations/{}/cache", crate::http::address::encode(&id));
        Ok(Answer::accepted(json!(told)).location(at))
    })
    .await
}

impl From<NotCleared> for Problem {
    fn from(not: NotCleared) -> Self {
        match not {
            NotCleared::Failed(error) => error.into(),
            NotCleared::Forbidden(why) => Problem::forbidden(why),
            NotCleared::TooSoon(seconds) => {
                let why = format!("the dropdown values were fetched just now; again in {seconds} s");
                Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-soon", why)
                    .header(header::RETRY_AFTER, &seconds.to_string())
            }
        }
    }
}
