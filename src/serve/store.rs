//! The store as those read it who plan elsewhere: what `store: "https://HOST"` asks for. Whoever may see some integrations asks for
//! these by name: what is kept from him must not read as if it were not there.

use axum::body::Body;

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;
use serde_json::json;

use super::app::Work;
use super::ask::{Answer, Ask, Document};
use super::problem::Problem;
use crate::diagnostic::text::outward_json;
use crate::model::hex;
use crate::ops::section::Access;
use crate::store::wire::{self, Asked, ENCODING, Facts, JSON, Of};
use crate::store::{HOLD, Hold, Lock, Note, RENAME, Renamed};

/// `GET /store`
pub async fn facts(ask: Ask) -> Response {
    let environment = ask.app.serving.environment.clone();
    ask.answer(move |work, access, _| {
        let facts = Facts {
            identity: work.store.identity().to_owned(),
            epoch: work.store.epoch()?,
            last_number: work.store.last_number()?,
            fingerprint_key: access.hands_in().then(|| hex(work.store.fingerprint_key())),
            environment,
            pairform: env!("CARGO_PKG_VERSION").to_owned(),
        };
        Ok(Answer::ok(json!(facts)))
    })
    .await
}

/// `POST /store/read`
pub async fn read(ask: Ask, Document(body): Document) -> Response {
    let is_packed = takes_packed(&ask.headers);
    ask.respond(move |work, access, _| {
        let asked: Asked = serde_json::from_value(body)
            .map_err(|error| Problem::bad_request(format!("this is no read of a store: {error}")))?;
        if let Some(why) = forbidden(&asked, access) {
            return Err(work.forbid("a read of the store", why, access));
        }
        let text = match asked {
            Asked::Notes { kinds, since } if !access.is_everywhere() => {
                own_notes(&kinds, &since, work, access)?
            }
            Asked::Locks {} if !access.is_everywhere() => own_locks(work, access)?,
            asked => wire::answer(&asked, work.store)?,
        };
        Ok(answered(text, is_packed))
    })
    .await
}

/// Why whoever asks may not see all that is asked for.
fn forbidden(asked: &Asked, access: &Access) -> Option<String> {
    let name = &access.name;
    let may_not = |id: &str| format!("{name} may not see the integration {id}");
    match asked.of() {
        Of::All if !access.is_everywhere() => {
            Some(format!("{name} may see some integrations only, and has to name them"))
        }
        Of::Named(names) => names.into_iter().find(|id| !access.reads(id)).map(may_not),
        Of::One(id) if !access.reads(id) => Some(may_not(id)),
        Of::All | Of::One(_) | Of::Shared => None,
    }
}

/// The notes that tell what somebody has to know of his integrations: what they were called, and until when they are held.
fn own_notes(kinds: &[String], since: &str, work: &mut Work<'_>, access: &Access) -> Result<String, Problem> {
    const OWN: [&str; 2] = [RENAME, HOLD];
    let of_kinds = |own: &&str| kinds.is_empty() || kinds.iter().any(|kind| kind == own);
    let asked: Vec<&str> = OWN.into_iter().filter(of_kinds).collect();
    let is_own = |note: &Note| match note.kind.as_str() {
        RENAME => Renamed::names(&note.text).is_some_and(|(from, to)| access.reads(from) || access.reads(to)),
        HOLD => Hold::read(note).is_some_and(|hold| access.reads(&hold.integration)),
        _ => false,
    };
    let found = if asked.is_empty() { Vec::new() } else { work.store.notes_of(&asked, since)? };
    let notes: Vec<Note> = found.into_iter().filter(is_own).collect();
    Ok(json!({"rows": notes}).to_string())
}

fn own_locks(work: &mut Work<'_>, access: &Access) -> Result<String, Problem> {
    let locks: Vec<Lock> =
        work.store.locks()?.into_iter().filter(|lock| access.reads(&lock.integration)).collect();
    Ok(json!({"rows": locks}).to_string())
}

fn takes_packed(headers: &HeaderMap) -> bool {
    let takes =
        headers.get(header::ACCEPT_ENCODING).and_then(|value| value.to_str().ok()).unwrap_or_default();
    takes.split(',').any(|one| one.split(';').next().unwrap_or_default().trim() == ENCODING)
}

fn answered(text: String, is_packed: bool) -> Response {
    let text = outward_json(text);
    let packed = if is_packed { wire::pack(text.as_bytes()).ok() } else { None };
    let (body, encoding) = match packed {
        Some(packed) => (Body::from(packed), Some(HeaderValue::from_static(ENCODING))),
        None => (Body::from(text), None),
    };
    let mut response = Response::new(body);
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(JSON));
    headers.extend(encoding.map(|encoding| (header::CONTENT_ENCODING, encoding)));
    response
}
