//! A request and its answer, as data, with bounds on what an answer may take. How they travel is `client`'s.

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, OnceLock, PoisonError};

use serde_json::Value as Json;
use url::Url;

use super::fault::{Fault, FaultKind};
use crate::model::Hidden;

/// What is asked of a platform.
#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    /// Taken apart once, so that what is judged safe, what is signed and what is sent are one address.
    pub url: Url,
    pub headers: Vec<(String, Hidden<String>)>,
    pub body: Option<(&'static str, Hidden<Vec<u8>>)>,
}

impl Request {
    /// A query whose answer may be 200 and yet an error.
    #[must_use]
    pub fn is_graphql(&self) -> bool {
        self.body.as_ref().is_some_and(|(_, body)| body.starts_with(b"{\"query\":"))
    }
}

/// What it said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
    /// The body as JSON, once somebody asked.
    pub read: OnceLock<Option<Json>>,
    /// Its part of what may be held at once.
    pub held: Option<Held>,
}

/// An answer of more values is none: each takes many times the bytes in memory that it has in the answer.
pub const MOST_VALUES: usize = 1_000_000;

/// How many bytes of answers are worked with at once; what comes beyond waits until others are done with. One is always let
/// through.
#[derive(Debug, Clone)]
pub struct Room {
    #[cfg_attr(not(feature = "fetch"), expect(dead_code, reason = "nothing is asked, so nothing waits"))]
    bytes: usize,
    taken: Arc<(Mutex<usize>, Condvar)>,
}

/// A part of a [`Room`], given back when it is dropped.
#[derive(Debug)]
pub struct Held {
    bytes: usize,
    room: Room,
}

#[cfg(feature = "fetch")]
impl Room {
    #[must_use]
    pub fn of(bytes: usize) -> Self {
        Room { bytes, taken: Arc::default() }
    }

    /// Waits until there is room for so many bytes.
    #[must_use]
    pub fn enter(&self, bytes: usize) -> Held {
        let (taken, left) = &*self.taken;
        let mut taken = taken.lock().unwrap_or_else(PoisonError::into_inner);
        while *taken > 0 && *taken + bytes > self.bytes {
            taken = left.wait(taken).unwrap_or_else(PoisonError::into_inner);
        }
        *taken += bytes;
        Held { bytes, room: self.clone() }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        let (taken, left) = &*self.room.taken;
        *taken.lock().unwrap_or_else(PoisonError::into_inner) -= self.bytes;
        left.notify_all();
    }
}

impl Answer {
    #[must_use]
    pub fn new(status: u16, headers: BTreeMap<String, String>, body: Vec<u8>) -> Self {
        Answer { status, headers, body, read: OnceLock::new(), held: None }
    }

    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(|value| value.trim())
    }

    /// The body as JSON, read once.
    ///
    /// # Errors
    /// When it is none, or holds too much.
    pub fn json(&self) -> Result<&Json, Fault> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        if values(body) > MOST_VALUES {
            let message = format!("the answer holds more than {MOST_VALUES} values");
            return Err(Fault::new(FaultKind::Unusable, message));
        }
        let read = self.read.get_or_init(|| serde_json::from_slice(body).ok());
        read.as_ref().ok_or_else(|| {
            let kind = self.header("content-type").unwrap_or("no type").split(';').next().unwrap_or_default();
            Fault::new(
                FaultKind::Unusable,
                format!("the answer is no JSON ({kind}, {} bytes)", self.body.len()),
            )
        })
    }
}

/// How many values a JSON text has at most, told without reading it.
fn values(body: &[u8]) -> usize {
    let (mut values, mut in_text, mut escaped) = (1, false, false);
    for byte in body {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = in_text,
            b'"' => in_text = !in_text,
            b',' | b'[' | b'{' if !in_text => values += 1,
            _ => {}
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(body: impl Into<Vec<u8>>) -> Answer {
        Answer::new(200, BTreeMap::new(), body.into())
    }

    #[test]
    fn an_answer_of_too_many_values_is_not_read() {
        assert_eq!(values(br#"{"a,[": [1, "\\\",[{", {}]}"#), 6);
        let many = |number: usize| format!("[{}1]", "1,".repeat(number));
        assert!(answer(many(MOST_VALUES - 3)).json().is_ok());
        let fault = answer(many(MOST_VALUES)).json().unwrap_err();
        assert!(fault.message.contains("1000000 values"), "{}", fault.message);
        assert!(answer("x".repeat(9)).json().unwrap_err().message.contains("no JSON"));
    }

    #[test]
    fn what_is_held_at_once_is_bounded_and_one_is_always_let_through() {
        let room = Room::of(10);
        let first = room.enter(100);
        let (said, heard) = std::sync::mpsc::channel();
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let held = room.enter(6);
                said.send(()).unwrap();
                drop(held);
            });
            assert!(heard.try_recv().is_err());
            drop(first);
            heard.recv().unwrap();
        });
        let (_one, _two) = (room.enter(4), room.enter(6));
        assert_eq!(*room.taken.0.lock().unwrap(), 10);
    }
}
