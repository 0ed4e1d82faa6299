//! Whole plans of appliers. A body may be long and the work as well: who asks is known before a byte of it is read, one plan is worked
//! on after the other, and whoever takes the answer line by line is told that it goes on. Where nobody listens any more, the work
//! stops after what is being saved, as it does where it is interrupted.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::mpsc;
use tokio_stream::StreamExt as _;
use tokio_stream::wrappers::ReceiverStream;

use super::app::{App, Work};
use super::ask::{Ask, Named};
use super::auth::Sender;
use super::log::Asker;
use super::problem::Problem;
use crate::diagnostic::text::outward_json;
use crate::ops::handing::{Done, HandedIn, PlanAsked, told_event};
use crate::ops::section::{self, Access, HandedAsked};
use crate::ops::{Host, Progress};
use crate::plan;
use crate::store::wire::{self, ENCODING, LINES};

/// No body is longer, in bytes, as it is sent and once it is unpacked.
const LONGEST: usize = 64 * 1024 * 1024;
const LONGEST_UNPACKED: u64 = 1024 * 1024 * 1024;
/// More of a body is waited for so long.
const SILENCE: Duration = Duration::from_secs(20);
/// How often whoever listens is told that it goes on.
const BEAT: Duration = Duration::from_secs(1);
/// Lines that wait for somebody who reads slowly.
const LINES_KEPT: usize = 64;

/// `POST /plans`
pub async fn make(ask: Ask, body: Body) -> Response {
    let app = Arc::clone(&ask.app);
    let body = match received(&ask, body).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let Ok(_turn) = app.turn.acquire().await else { return stopping().into_response() };
    let of_app = Arc::clone(&app);
    ask.respond(move |work, access, _| {
        let body = body.text()?;
        let asked = PlanAsked::read(&body)?;
        let planned = section::plan_handed(&of(&of_app), asked, access, &work.ground, work.host);
        let mut plan =
            section::kept_refusal(planned, "a plan that is handed in", access, work.store, work.host)?;
        let mut text = String::new();
        plan::file::write(&mut plan, &mut |piece| text.push_str(piece));
        let kind = [(header::CONTENT_TYPE, "application/json")];
        Ok((kind, text).into_response())
    })
    .await
}

/// `POST /plans/{digest}/apply`
pub async fn apply(Named(digest): Named<String>, ask: Ask, body: Body) -> Response {
    let body = match received(&ask, body).await {
        Ok(body) => body,
        Err(problem) => return problem.into_response(),
    };
    let takes_lines =
        ask.headers.get(header::ACCEPT).is_some_and(|kinds| kinds.as_bytes() == LINES.as_bytes());
    let Ask { app, sender, .. } = ask;
    if takes_lines {
        return in_lines(app, sender, digest, body);
    }
    let Ok(_turn) = app.turn.acquire().await else { return stopping().into_response() };
    let of_app = Arc::clone(&app);
    let done = app
        .run(move |work| {
            let access = sender.access(&of_app, work)?;
            let done = apply_one(&of_app, &body, &digest, &access, work, None)?;
            Ok((access.name, done))
        })
        .await;
    match done {
        Ok((name, done)) => {
            let mut response = super::ask::Answer::ok(json!(done)).into_response();
            response.extensions_mut().insert(Asker(name));
            response
        }
        Err(problem) => problem.into_response(),
    }
}

fn of(app: &App) -> HandedAsked<'_> {
    HandedAsked {
        project: app.serving.project.as_deref(),
        environment: app.serving.environment.as_deref(),
        store: &app.serving.store,
        signatures: &app.serving.signatures,
    }
}

/// Where events of the work go, and whether it is to stop.
struct Listening {
    lines: mpsc::Sender<String>,
    stop: Arc<AtomicBool>,
}

fn apply_one(
    app: &App,
    body: &Received,
    digest: &str,
    access: &Access,
    work: &mut Work<'_>,
    listening: Option<&Listening>,
) -> Result<Done, Problem> {
    let handed = HandedIn::read(&body.text()?)?;
    let done = match listening {
        None => section::apply_handed(&of(app), handed, digest, access, &work.ground, work.host),
        Some(Listening { lines, stop }) => {
            let progress = |event: Progress<'_>| {
                if let Progress::Apply(event) = event
                    && lines.blocking_send(outward_json(told_event(&event).to_string() + "\n")).is_err()
                {
                    stop.store(true, Ordering::SeqCst);
                }
            };
            let host = &Host { progress: &progress, cancel: stop, ..*work.host };
            section::apply_handed(&of(app), handed, digest, access, &work.ground, host)
        }
    };
    let what = format!("an apply of the plan {digest}");
    let done = section::kept_refusal(done, &what, access, work.store, work.host);
    // Something may be saved, however it ended.
    app.tell_saved(work.store);
    Ok(done?)
}

/// Answers at once, and then line by line.
fn in_lines(app: Arc<App>, sender: Sender, digest: String, body: Received) -> Response {
    let by = body.by.clone();
    let (lines, heard) = mpsc::channel::<String>(LINES_KEPT);
    let stop = Arc::new(AtomicBool::new(false));
    tokio::spawn(beat(lines.clone(), Arc::clone(&stop), app.stopping.subscribe()));
    tokio::spawn(async move {
        let of_app = Arc::clone(&app);
        let listening = Listening { lines: lines.clone(), stop };
        let done = match app.turn.acquire().await {
            Ok(_turn) => {
                app.run(move |work| {
                    let access = sender.access(&of_app, work)?;
                    apply_one(&of_app, &body, &digest, &access, work, Some(&listening))
                })
                .await
            }
            Err(_) => Err(stopping()),
        };
        let end = match done {
            Ok(done) => json!({"event": "end", "result": done}),
            Err(problem) => json!({"event": "end", "problem": problem.document()}),
        };
        // Nobody may listen any more; what was done stays done, and asking again finds it.
        let _ = lines.send(outward_json(end.to_string() + "\n")).await;
    });
    let text = ReceiverStream::new(heard).map(Ok::<_, Infallible>);
    let mut response = Response::new(Body::from_stream(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(LINES));
    response.extensions_mut().insert(Asker(by));
    response
}

/// Tells whoever listens that it goes on, until the work has ended; where nobody listens, or the server stops, the work is to.
async fn beat(
    lines: mpsc::Sender<String>,
    stop: Arc<AtomicBool>,
    mut stopping: tokio::sync::watch::Receiver<bool>,
) {
    let lines = lines.downgrade();
    let mut beat = tokio::time::interval(BEAT);
    loop {
        tokio::select! {
            _ = beat.tick() => {}
            _ = stopping.wait_for(|stops| *stops) => {
                stop.store(true, Ordering::SeqCst);
                return;
            }
        }
        // The work holds the other end.
        let Some(lines) = lines.upgrade() else { return };
        if lines.send("{\"event\":\"wait\"}\n".to_owned()).await.is_err() {
            stop.store(true, Ordering::SeqCst);
            return;
        }
    }
}

/// A body, as it was sent.
struct Received {
    /// Who sent it.
    by: String,
    bytes: Vec<u8>,
    is_packed: bool,
}

impl Received {
    fn text(&self) -> Result<std::borrow::Cow<'_, [u8]>, Problem> {
        if !self.is_packed {
            return Ok(self.bytes.as_slice().into());
        }
        let text = wire::unpack(&self.bytes, LONGEST_UNPACKED);
        text.map(Into::into)
            .map_err(|error| Problem::bad_request(format!("the body cannot be unpacked: {error}")))
    }
}

/// Reads a body, of somebody who may hand one in.
async fn received(ask: &Ask, body: Body) -> Result<Received, Problem> {
    let is_packed = is_packed(&ask.headers)?;
    let (sender, of_app) = (ask.sender.clone(), Arc::clone(&ask.app));
    let by = ask
        .app
        .run(move |work| {
            let access = sender.access(&of_app, work)?;
            match access.hands_in() {
                true => Ok(access.name),
                false => {
                    let why = format!(
                        "{} may not hand in plans: it takes a token with the role applier, for every category",
                        access.name
                    );
                    Err(work.forbid("a plan that is handed in", why, &access))
                }
            }
        })
        .await?;
    let mut stream = body.into_data_stream();
    let mut bytes: Vec<u8> = Vec::new();
    loop {
        let next = tokio::time::timeout(SILENCE, stream.next()).await;
        let next = next.map_err(|_| {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "the body did not come in time")
        })?;
        let Some(chunk) = next else { return Ok(Received { by, bytes, is_packed }) };
        let chunk = chunk.map_err(|_| Problem::bad_request("the body broke off"))?;
        if bytes.len() + chunk.len() > LONGEST {
            let why = format!(
                "the body is longer than {LONGEST} bytes; send it packed by zstd, or hand in fewer integrations"
            );
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", why));
        }
        bytes.extend_from_slice(&chunk);
    }
}

fn is_packed(headers: &HeaderMap) -> Result<bool, Problem> {
    let text =
        |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).unwrap_or_default();
    let kind = text(header::CONTENT_TYPE).split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let unfit = |why| Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", why);
    if kind != wire::JSON {
        return Err(unfit("send JSON, as `Content-Type: application/json`"));
    }
    match text(header::CONTENT_ENCODING) {
        "" | "identity" => Ok(false),
        ENCODING => Ok(true),
        _ => Err(unfit("pack a body by zstd, or not at all")),
    }
}

fn stopping() -> Problem {
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "stopping", "the server is stopping")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_of_the_lines_is_an_object() {
        let line = json!({"event": "end", "problem": Problem::bad_request("no").document()});
        assert_eq!(line["problem"]["code"], "bad-request");
    }
}
