//! The store of a server of the Configure section (`pairform serve`): read through its API, and never written but by plans that are
//! handed in. The token goes to that address and nowhere else: a redirect is told, never followed.
//!
//! What is read may be asked for again where an answer is lost or the server cannot answer for a moment; one that says nothing
//! is not waited for twice.
#![expect(clippy::disallowed_methods, reason = "the door through which a server's token is found")]

mod store;

use std::time::Duration;

use serde::de::DeserializeOwned;
use serde_json::{Value as Json, json};
use url::Url;

use super::address::Address;
use super::error::StoreError;
use super::handed::{Handed, HandedSaid, TakesPlans, Told};
use super::identity::from_hex;
use super::web;
use super::wire::{self, Asked, ENCODING, Facts, JSON, LINES, Rows};
use crate::http::client::{Authorities, Http};
use crate::http::{Answer, Fault, FaultKind, Request, address};
use crate::model::Hidden;

/// No answer, and no line of one, is longer, in bytes.
const LONGEST: u64 = 1 << 30;
/// Before each of these pauses it is tried once more, in milliseconds.
const PAUSES: [u64; 4] = [100, 300, 1_000, 2_000];
/// A plan that was handed in is asked for again so often while the connection is lost in the middle.
const LOST: usize = 5;

/// A server's store.
pub(super) struct Remote {
    http: Http,
    base: Url,
    /// The address, for errors.
    shown: String,
    token: Option<Hidden<String>>,
    /// A token is at hand and not for this server.
    is_kept_back: bool,
    silence: Duration,
    facts: Facts,
    key: Hidden<Vec<u8>>,
}

pub(super) fn open(at: &Address) -> Result<Remote, StoreError> {
    let base = web::read(&at.url)?;
    let of_environment = || {
        let token = std::env::var("PAIRFORM_STORE_TOKEN").ok();
        token.map(|token| token.trim().to_owned()).filter(|token| !token.is_empty()).map(Hidden::new)
    };
    let found = of_environment();
    let is_kept_back = found.is_some() && !at.from_environment;
    let facts = Facts {
        identity: String::new(),
        epoch: 0,
        last_number: 0,
        fingerprint_key: None,
        environment: None,
        pairform: String::new(),
    };
    let mut remote = Remote {
        http: Http::patient(at.silence, LONGEST, Authorities::system()),
        shown: web::shown(&base),
        base,
        token: at.password.clone().or(found.filter(|_| at.from_environment)),
        is_kept_back,
        silence: at.silence,
        facts,
        key: Hidden::new(Vec::new()),
    };
    remote.facts = remote.ask("GET", "store", None).map_err(|error| match error {
        StoreError::Failed { store, reason } | StoreError::Lost { store, reason } => {
            StoreError::Open { store, reason }
        }
        other => other,
    })?;
    if let Some(key) = remote.facts.fingerprint_key.take() {
        remote.key = from_hex(&Hidden::new(key)).ok_or_else(|| remote.failed("its key cannot be read"))?;
    }
    Ok(remote)
}

impl Remote {
    fn failed(&self, reason: impl Into<String>) -> StoreError {
        StoreError::Failed { store: self.shown.clone(), reason: reason.into() }
    }

    /// One of the calls of the API.
    fn request(&self, method: &'static str, path: &str, body: Option<Hidden<Vec<u8>>>) -> Request {
        let mut url = self.base.clone();
        url.set_path(&format!("{}/api/v1/{path}", self.base.path().trim_end_matches('/')));
        let mut headers = vec![("accept-encoding".to_owned(), Hidden::new(ENCODING.to_owned()))];
        if let Some(token) = &self.token {
            headers.push(("authorization".to_owned(), Hidden::new(format!("Bearer {}", &**token))));
        }
        Request { method, url, headers, body: body.map(|body| (JSON, body)) }
    }

    /// Asks, and once more where that may help.
    fn ask<T: DeserializeOwned>(
        &self,
        method: &'static str,
        path: &str,
        body: Option<&Json>,
    ) -> Result<T, StoreError> {
        let body = body.map(|body| Hidden::new(body.to_string().into_bytes()));
        let request = self.request(method, path, body);
        let mut pauses = PAUSES.into_iter();
        loop {
            let (error, wait) = match self.http.send(&request) {
                Ok(answer) if answer.status == 200 => {
                    let text = self.text(&answer)?;
                    return wire::read(&text).map_err(|why| self.failed(why));
                }
                Ok(answer) => (self.refused(&answer), is_of_the_moment(&answer)),
                Err(fault) => {
                    let is_lost = fault.kind == FaultKind::Unreachable;
                    (self.fault(&fault), is_lost)
                }
            };
            match pauses.next().filter(|_| wait) {
                Some(pause) => std::thread::sleep(Duration::from_millis(pause)),
                None => return Err(error),
            }
        }
    }

    fn rows<T: DeserializeOwned>(&self, asked: &Asked) -> Result<Rows<T>, StoreError> {
        self.ask("POST", "store/read", Some(&json!(asked)))
    }

    /// All rows, of which a server gives so many at a time.
    fn pages<T: DeserializeOwned>(&self, asked: impl Fn(&str) -> Asked) -> Result<Vec<T>, StoreError> {
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let Rows { rows, next } = self.rows(&asked(&after))?;
            all.extend(rows);
            match next {
                Some(next) if next != after => after = next,
                Some(_) => return Err(self.failed("its answer goes on from where it began")),
                None => return Ok(all),
            }
        }
    }

    fn text(&self, answer: &Answer) -> Result<Vec<u8>, StoreError> {
        if answer.header("content-encoding") != Some(ENCODING) {
            return Ok(answer.body.clone());
        }
        wire::unpack(&answer.body, LONGEST)
            .map_err(|error| self.failed(format!("its answer cannot be unpacked: {error}")))
    }

    fn fault(&self, fault: &Fault) -> StoreError {
        let store = self.shown.clone();
        match fault.kind {
            FaultKind::TimedOut => StoreError::Silent { store, seconds: self.silence.as_secs() },
            FaultKind::Unreachable => StoreError::Lost { store, reason: fault.message.clone() },
            _ => self.failed(fault.message.clone()),
        }
    }

    /// Why an answer is not what was asked for.
    fn refused(&self, answer: &Answer) -> StoreError {
        let told = self.told(answer);
        let store = self.shown.clone();
        match answer.status {
            401 | 403 if told.code.is_empty() => {
                let reason = format!("something before it lets nobody in (HTTP {})", answer.status);
                StoreError::Denied { store, reason }
            }
            401 => {
                let way = match (self.is_kept_back, self.token.is_some()) {
                    (true, _) => {
                        let line = address::endpoint(&self.base);
                        format!(
                            "PAIRFORM_STORE_TOKEN goes only to a server that is named outside of the project: `store={line}`"
                        )
                    }
                    (false, false) => {
                        "put a token of the server (`pairform token create`) into PAIRFORM_STORE_TOKEN"
                            .to_owned()
                    }
                    (false, true) => "look at PAIRFORM_STORE_TOKEN".to_owned(),
                };
                StoreError::Denied { store, reason: format!("{}; {way}", told.detail) }
            }
            403 => StoreError::Denied { store, reason: told.detail },
            300..=399 => {
                let to = answer.header("location").and_then(|to| address::join(&self.base, to));
                let to = to.map_or("another address".to_owned(), |to| address::origin(&to));
                self.failed(format!(
                    "it sends on to {to}, which gets no token; name that as the store if it is right"
                ))
            }
            404 if told.code.is_empty() || told.code == "not-found" => {
                self.failed("there is no pairform server of this version")
            }
            _ if told.code.is_empty() => self.failed(format!("it answers with HTTP {}", answer.status)),
            _ => self.failed(told.detail),
        }
    }

    fn told(&self, answer: &Answer) -> Told {
        let text = self.text(answer).unwrap_or_default();
        let is_problem =
            answer.header("content-type").is_some_and(|kind| kind.starts_with("application/problem+json"));
        wire::read(&text).ok().filter(|_| is_problem).unwrap_or_default()
    }
}

/// It may answer soon.
fn is_of_the_moment(answer: &Answer) -> bool {
    matches!(answer.status, 429 | 502..=504)
}

impl TakesPlans for Remote {
    fn hand_in(
        &mut self,
        digest: &str,
        body: &[u8],
        is_stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Json),
    ) -> Result<Handed, StoreError> {
        let packed = wire::pack(body).map_err(|error| self.failed(error.to_string()))?;
        let mut request = self.request("POST", &format!("plans/{digest}/apply"), Some(Hidden::new(packed)));
        request.headers.push(("content-encoding".to_owned(), Hidden::new(ENCODING.to_owned())));
        request.headers.push(("accept".to_owned(), Hidden::new(LINES.to_owned())));
        let mut lost: Option<StoreError> = None;
        let mut pauses = PAUSES.into_iter();
        for _ in 0..LOST {
            let error = match self.hand_in_once(&request, is_stopped, tell) {
                Once::Said(said) => return Ok(Handed { asked_again: lost.is_some(), said }),
                Once::Stopped => {
                    let reason =
                        "stopped while the server applied; what it was saving, it finished".to_owned();
                    return Err(StoreError::InDoubt { store: self.shown.clone(), reason });
                }
                Once::NotSent(error) => error,
                Once::Lost(error) => {
                    let reason = error.to_string();
                    let store = self.shown.clone();
                    lost.insert(StoreError::InDoubt { store, reason }).clone()
                }
                Once::Failed(error) => return Err(lost.unwrap_or(error)),
            };
            match pauses.next().filter(|_| !is_stopped()) {
                Some(pause) => std::thread::sleep(Duration::from_millis(pause)),
                None => return Err(lost.unwrap_or(error)),
            }
        }
        Err(lost.unwrap_or_else(|| self.failed("it gave no answer")))
    }
}

/// What became of handing in once.
enum Once {
    Said(HandedSaid),
    /// The server cannot take it at the moment.
    NotSent(StoreError),
    /// The server may have begun.
    Lost(StoreError),
    /// Asking again does not help.
    Failed(StoreError),
    Stopped,
}

impl Remote {
    fn hand_in_once(
        &self,
        request: &Request,
        is_stopped: &dyn Fn() -> bool,
        tell: &mut dyn FnMut(&Json),
    ) -> Once {
        let mut end: Option<Json> = None;
        let mut stopped = false;
        let asked = self.http.lines(request, LINES, &mut |line| {
            let Ok(event) = serde_json::from_slice::<Json>(line) else { return false };
            match event["event"].as_str() {
                Some("end") => end = Some(event),
                _ => tell(&event),
            }
            stopped = end.is_none() && is_stopped();
            end.is_none() && !stopped
        });
        if stopped {
            return Once::Stopped;
        }
        match (asked, end) {
            (_, Some(mut end)) => match serde_json::from_value::<Told>(end["problem"].take()) {
                Ok(told) => Once::Said(HandedSaid::Refused(told)),
                Err(_) => Once::Said(HandedSaid::Done(end["result"].take())),
            },
            (Ok(None), None) => Once::Lost(self.failed("its answer broke off")),
            (Ok(Some(answer)), None) if is_of_the_moment(&answer) => {
                // What stands before the server may have passed the plan on.
                match self.told(&answer).code.is_empty() {
                    true => Once::Lost(self.refused(&answer)),
                    false => Once::NotSent(self.refused(&answer)),
                }
            }
            (Ok(Some(answer)), None) => {
                let told = self.told(&answer);
                let is_door = matches!(answer.status, 300..=399 | 401 | 404);
                match (told.code.is_empty() || is_door, answer.status) {
                    (true, 500..) => Once::Lost(self.refused(&answer)),
                    (true, _) => Once::Failed(self.refused(&answer)),
                    (false, _) => Once::Said(HandedSaid::Refused(told)),
                }
            }
            (Err(fault), None) => {
                let error = self.fault(&fault);
                match fault.kind {
                    FaultKind::Unusable | FaultKind::Denied => Once::Failed(error),
                    FaultKind::TimedOut => {
                        let (store, reason) = (self.shown.clone(), error.to_string());
                        Once::Failed(StoreError::InDoubt { store, reason })
                    }
                    _ => Once::Lost(error),
                }
            }
        }
    }
}
