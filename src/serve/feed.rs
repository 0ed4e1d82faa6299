//! The feed of saves: what was saved where, by whom, in the order in which it can be seen. A program that follows it waits for the
//! next (long poll), or reads events as they come.

use std::sync::Arc;
use std::time::Duration;

use axum::http::{StatusCode, header};
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};
use tokio_stream::wrappers::ReceiverStream;

use super::app::{App, Work};
use super::ask::{Answer, Ask};
use super::auth::Sender;
use super::problem::Problem;
use crate::ops::section::Access;
use crate::store::FeedItem;

/// Saves in one answer.
const MOST: usize = 500;
/// The longest that an answer is waited for, in seconds.
const LONGEST: u64 = 60;
/// How often the store is asked what other servers and applies saved.
const LOOK: Duration = Duration::from_millis(250);

/// `GET /changes`
pub async fn changes(ask: Ask) -> Response {
    let is_stream = ask
        .headers
        .get(header::ACCEPT)
        .and_then(|accept| accept.to_str().ok())
        .is_some_and(|accept| accept.contains("text/event-stream"));
    let last_id = ask.headers.get("last-event-id").and_then(|id| id.to_str().ok()).map(str::to_owned);
    let after = last_id.or_else(|| ask.query.get("after").cloned());
    let wait = match ask.query.get("wait").map(|wait| wait.parse::<u64>()) {
        None => 0,
        Some(Ok(wait)) if wait <= LONGEST => wait,
        Some(_) => {
            return Problem::bad_request(format!("`wait` must be at most {LONGEST} seconds")).into_response();
        }
    };
    let (app, sender) = (Arc::clone(&ask.app), ask.sender);
    let (of_app, of_sender) = (Arc::clone(&app), sender.clone());
    let begun = app
        .run(move |work| {
            of_sender.access(&of_app, work)?;
            begin(after.as_deref(), work)
        })
        .await;
    let cursor = match begun {
        Ok(cursor) => cursor,
        Err(problem) => return problem.into_response(),
    };
    if is_stream {
        return stream(app, sender, cursor).into_response();
    }
    match next(&app, &sender, cursor, Duration::from_secs(wait)).await {
        Ok((items, cursor)) => {
            Answer::ok(json!({"changes": items, "cursor": cursor.to_string()})).into_response()
        }
        Err(problem) => problem.into_response(),
    }
}

/// A place in the feed of one store, as long as nothing is copied into it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Cursor {
    identity: String,
    epoch: u64,
    number: u64,
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}.{}.{}", self.identity, self.epoch, self.number)
    }
}

impl Cursor {
    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('.');
        let (identity, epoch, number) = (parts.next()?, parts.next()?, parts.next()?);
        let cursor = Cursor {
            identity: identity.to_owned(),
            epoch: epoch.parse().ok()?,
            number: number.parse().ok()?,
        };
        parts.next().is_none().then_some(cursor)
    }
}

/// Looks for what other servers and applies saved, for all who wait.
pub async fn look(app: Arc<App>) {
    let mut stopping = app.stopping.subscribe();
    loop {
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            _ = stopping.changed() => return,
        }
        // A store that does not answer may do so the next time.
        if app.last.receiver_count() > 0
            && let Ok(number) = app.run(|work| Ok(work.store.last_number()?)).await
        {
            app.saved(number);
        }
    }
}

/// Where to begin: after a cursor, at the end for `now`, else with the first save.
fn begin(after: Option<&str>, work: &mut Work<'_>) -> Result<Cursor, Problem> {
    let identity = work.store.identity().to_owned();
    let (epoch, last) = (work.store.epoch()?, work.store.last_number()?);
    match after {
        None | Some("") => Ok(Cursor { identity, epoch, number: 0 }),
        Some("now") => Ok(Cursor { identity, epoch, number: last }),
        Some(text) => {
            let cursor = Cursor::parse(text)
                .ok_or_else(|| Problem::bad_request("`after` is no cursor of this feed"))?;
            if cursor.identity != identity || cursor.epoch != epoch || cursor.number > last {
                let why = "the cursor is of another store, or of this one before something was copied into it; read what is \
                           deployed anew, and go on with `after=now`";
                return Err(Problem::new(StatusCode::GONE, "gone", why));
            }
            Ok(cursor)
        }
    }
}

/// The saves after a cursor; where there are none they are waited for.
async fn next(
    app: &Arc<App>,
    sender: &Sender,
    mut cursor: Cursor,
    wait: Duration,
) -> Result<(Vec<Json>, Cursor), Problem> {
    let end = tokio::time::Instant::now() + wait;
    let (mut news, mut stopping) = (app.last.subscribe(), app.stopping.subscribe());
    loop {
        let (of_app, sender, from) = (Arc::clone(app), sender.clone(), cursor.clone());
        // A token may have been revoked while it waited.
        let (items, number) = app.run(move |work| read(&sender.access(&of_app, work)?, from, work)).await?;
        // Of many saves none may be for whoever asks: what comes after them is there already.
        let is_further = number > cursor.number;
        cursor.number = number;
        if items.is_empty() && is_further && !*stopping.borrow() {
            continue;
        }
        if !items.is_empty() || tokio::time::Instant::now() >= end || *stopping.borrow() {
            return Ok((items, cursor));
        }
        tokio::select! {
            _ = news.changed() => {}
            _ = stopping.changed() => {}
            () = tokio::time::sleep_until(end) => {}
        }
    }
}

/// What whoever asks may see of the next saves, and the number of the last that was looked at.
fn read(access: &Access, from: Cursor, work: &mut Work<'_>) -> Result<(Vec<Json>, u64), Problem> {
    if work.store.identity() != from.identity || work.store.epoch()? != from.epoch {
        return Err(Problem::new(StatusCode::GONE, "gone", "something was copied into the store meanwhile"));
    }
    let items = work.store.feed(from.number, MOST)?;
    let number = items.last().map_or(from.number, |item| item.number);
    let seen = items.iter().filter(|item| access.reads(&item.record.integration));
    Ok((seen.map(|item| told(item, &from)).collect(), number))
}

fn told(item: &FeedItem, from: &Cursor) -> Json {
    let FeedItem { number, record } = item;
    let past = &record.past;
    json!({
        "cursor": Cursor { number: *number, ..from.clone() }.to_string(),
        "integration": record.integration, "category": record.category, "revision": past.revision,
        "saved_by": past.saved_by, "saved_at": past.saved_at, "commit": past.commit,
    })
}

/// The saves as events, as long as both ends want.
fn stream(app: Arc<App>, sender: Sender, mut cursor: Cursor) -> impl IntoResponse {
    let (to, from) = tokio::sync::mpsc::channel::<Result<Event, std::convert::Infallible>>(16);
    tokio::spawn(async move {
        let mut stopping = app.stopping.subscribe();
        loop {
            let found = tokio::select! {
                found = next(&app, &sender, cursor.clone(), Duration::from_secs(LONGEST)) => found,
                _ = stopping.changed() => return,
                () = to.closed() => return,
            };
            let Ok((items, after)) = found else { return };
            cursor = after;
            for item in items {
                let id = item["cursor"].as_str().unwrap_or_default().to_owned();
                let event = Event::default().event("save").id(id).data(item.to_string());
                if to.send(Ok(event)).await.is_err() {
                    return;
                }
            }
        }
    });
    Sse::new(ReceiverStream::new(from)).keep_alive(KeepAlive::default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_reads_back_or_not_at_all() {
        let cursor = Cursor { identity: "0f9c-4b".to_owned(), epoch: 2, number: 17 };
        assert_eq!(Cursor::parse(&cursor.to_string()), Some(cursor));
        for wrong in ["", "x", "a.1", "a.1.x", "a.1.2.3", "a.-1.2"] {
            assert_eq!(Cursor::parse(wrong), None, "{wrong}");
        }
    }
}
