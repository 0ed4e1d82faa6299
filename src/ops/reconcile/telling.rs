//! Telling matters: who was told what is kept beside each, so that every message is sent once, across restarts too. What cannot be told is
//! tried again later, so often and no oftener, and stops nothing. How a message is worded and sent is its caller's business.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::concern::Concern;
use super::lease::Lease;
use super::matters::matters;
use crate::model::digest_text;
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::host::Host;
use crate::store::{Address, Matter, Reconciling};

/// A message that was refused so often is given up.
const MOST: u32 = 8;

/// Until it is tried again, doubled each time.
const FIRST_PAUSE: i64 = 60;

/// What happened to a matter.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    Opened,
    Updated,
    Closed,
}

impl Event {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Event::Opened => "opened",
            Event::Updated => "updated",
            Event::Closed => "closed",
        }
    }
}

/// What is to be told to one target.
#[derive(Debug)]
pub struct Message<'a> {
    /// The same however often it is sent: whoever gets it twice knows that by it.
    pub id: String,
    pub target: &'a str,
    pub event: Event,
    pub environment: &'a str,
    pub matter: &'a Matter,
    pub concern: &'a Concern,
}

/// What one target was told of a matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
struct Told {
    /// The version that it knows.
    version: Option<String>,
    /// The one that it could not be told, how often that was tried, and when it is tried next.
    failing: Option<String>,
    attempts: u32,
    next: i64,
}

impl Told {
    /// Nothing of a version is left to be told.
    fn is_done(&self, version: &str) -> bool {
        self.version.as_deref() == Some(version)
            || (self.failing.as_deref() == Some(version) && self.attempts >= MOST)
    }

    fn failed(&mut self, version: &str, now: i64) {
        if self.failing.as_deref() != Some(version) {
            (self.failing, self.attempts) = (Some(version.to_owned()), 0);
        }
        self.next = now + (FIRST_PAUSE << self.attempts.min(10));
        self.attempts += 1;
    }
}

/// Tells each target what it does not know yet of the matters of an environment. What could not be told, and why.
///
/// # Errors
/// When the store fails, or somebody else has taken over.
pub fn tell(
    address: &Address,
    environment: Option<&str>,
    lease: &Lease,
    targets: &[String],
    deliver: &dyn Fn(&Message<'_>) -> Result<(), String>,
    host: &Host<'_>,
) -> Result<Vec<String>> {
    if targets.is_empty() {
        return Ok(Vec::new());
    }
    let key = environment.unwrap_or_default();
    let mut store = host.make_store(address)?;
    let now = (host.now)().as_second();
    let (mut failed, mut silent) = (Vec::new(), BTreeSet::new());
    let mut write = Reconciling { environment: key.to_owned(), ..Reconciling::default() };
    for (mut matter, concern) in matters(store.as_mut(), key)? {
        let mut told: BTreeMap<String, Told> = serde_json::from_str(&matter.told).unwrap_or_default();
        let before = told.clone();
        let closed = matter.closed_at.as_deref();
        let version = digest_text(&format!("{}\n{}", matter.document, closed.unwrap_or_default()));
        for target in targets {
            let known = told.entry(target.clone()).or_default();
            let event = match (&known.version, closed) {
                // Who was never told of it need not hear that it is over.
                (None, Some(_)) => {
                    known.version = Some(version.clone());
                    continue;
                }
                (Some(_), Some(_)) => Event::Closed,
                (None, None) => Event::Opened,
                (Some(_), None) => Event::Updated,
            };
            let is_later = known.failing.as_ref() == Some(&version) && now < known.next;
            // One that does not answer is not waited for again in this round.
            if known.is_done(&version) || is_later || silent.contains(target) || host.is_cancelled() {
                continue;
            }
            let of = [key, &matter.id, &matter.opened_at, &version, target].join("\n");
            let digest = digest_text(&of);
            let id = format!("msg_{}", digest.trim_start_matches("sha256:").get(..32).unwrap_or_default());
            let message = Message { id, target, event, environment: key, matter: &matter, concern: &concern };
            match deliver(&message) {
                Ok(()) => *known = Told { version: Some(version.clone()), ..Told::default() },
                Err(why) => {
                    known.failed(&version, now);
                    silent.insert(target.clone());
                    failed.push(format!("{target} could not be told: {why}"));
                }
            }
        }
        if closed.is_some() && targets.iter().all(|target| told[target].is_done(&version)) {
            write.forgotten.push(matter.id);
        } else if told != before {
            matter.told = serde_json::to_string(&told).unwrap_or_default();
            write.matters.push(matter);
        }
    }
    if !write.is_empty() && !store.note_reconciled(&lease.lock, &write)? {
        return Err(Error::new(ErrorKind::Locked, "somebody else took over, and goes on with it"));
    }
    Ok(failed)
}

/// How long a message that cannot be delivered is tried for.
#[must_use]
pub fn longest() -> Duration {
    let all: i64 = (0..MOST).map(|at| FIRST_PAUSE << at).sum();
    Duration::from_secs(all.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_told_is_tried_later_and_later_and_then_given_up() {
        let mut told = Told::default();
        let mut pauses = Vec::new();
        let mut now = 0;
        while !told.is_done("one") {
            told.failed("one", now);
            pauses.push(told.next - now);
            now = told.next;
        }
        assert_eq!(pauses, [60, 120, 240, 480, 960, 1_920, 3_840, 7_680]);
        assert_eq!(longest().as_secs(), 15_300);
        // Another version is another message.
        assert!(!told.is_done("two"));
        told.failed("two", now);
        assert_eq!((told.attempts, told.next - now), (1, 60));
    }
}
