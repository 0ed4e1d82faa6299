//! Who knows a category is told that it is the same without that anything of it is read or made again, where that is sure: the store did not
//! move since he was answered, what judges is the same, and his token has not ended.

use std::sync::Arc;

use axum::response::{IntoResponse as _, Response};
use jiff::Timestamp;

use super::app::{App, Work};
use super::ask::{Answer, Ask, knows};
use super::log::Asker;
use super::unmoved::{Key, Made, Mark};
use crate::ops::section::Access;

/// What a request may be answered with at once.
pub enum Found {
    /// What it knows is what there is.
    Same(Response),
    /// It has to be looked at; what is answered may be remembered where there is a mark.
    Unknown(Option<Known>),
}

/// A request by somebody who knows something already.
pub struct Known {
    key: Key,
    mark: Mark,
}

/// Whether what somebody knows of a category is still what there is.
pub async fn look(ask: &Ask, id: &str, category: &str) -> Found {
    let app = &ask.app;
    // A server that only shows may be led to another copy each time.
    let is_asked = ask.headers.contains_key("if-none-match") && !app.serving.is_read_only;
    let Some(token) = ask.sender.kept_token(app).filter(|_| is_asked) else { return Found::Unknown(None) };
    let begin = || {
        let app = Arc::clone(app);
        tokio::spawn(async move {
            if !app.unmoved.look(|| app.now()).await {
                tokio::task::spawn_blocking(move || app.unmoved.tell(&app.serving.store, app.hosts()));
            }
        });
    };
    let Some((mark, now)) = app.unmoved.mark(|| app.now(), begin).await else { return Found::Unknown(None) };
    let key = (token, id.to_owned(), category.to_owned());
    match app.unmoved.answered(&key, &mark).filter(|made| is_still(made, ask, now)) {
        Some(made) => {
            let mut response = Answer::not_modified(&made.etag).into_response();
            response.extensions_mut().insert(Asker(made.by));
            Found::Same(response)
        }
        None => Found::Unknown(Some(Known { key, mark })),
    }
}

/// Whether it is what would be answered now, by a store that did not move.
fn is_still(made: &Made, ask: &Ask, now: Timestamp) -> bool {
    made.until.is_none_or(|until| now < until)
        && ask.app.judges(&made.ground)
        && knows(&ask.headers, &made.etag).is_ok_and(|knows| knows)
}

impl Known {
    /// Remembers what was answered.
    pub fn keep(self, app: &App, etag: &str, access: &Access, work: &Work<'_>) {
        let Known { key, mark } = self;
        let (etag, ground, by) = (etag.to_owned(), Arc::downgrade(&work.ground), access.name.clone());
        app.unmoved.keep(key, Made { etag, mark, ground, by, until: access.until });
    }
}
