//! What is told to whom: messages, who hears them, and what each target knows already. Nothing is sent here.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::concern::Concern;
use crate::model::digest_text;
use crate::store::Matter;

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

/// Who is told what.
#[derive(Debug, Clone)]
pub struct Listener {
    pub name: String,
    /// He is told each matter.
    pub matters: bool,
    /// He is sent digests.
    pub digest: bool,
    /// Only what this owner reviews.
    pub owner: Option<String>,
    /// More matters at once are told as one message.
    pub most: usize,
    /// It is a forge, which shows how a commit stands.
    pub statuses: Option<Statuses>,
}

/// Which statuses of a commit a forge takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Statuses {
    All,
    /// While a commit is pending, no second one that says so.
    Moved,
}

/// How a commit stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CommitState {
    Deployed,
    /// It is rolled out in waves.
    Pending,
    Held,
}

/// What forges are told of a commit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CommitStatus {
    pub commit: String,
    pub state: CommitState,
    /// In a line.
    pub said: String,
}

impl CommitStatus {
    /// Two statuses with one version are one to a forge.
    #[must_use]
    pub fn version(&self, statuses: Statuses) -> String {
        let is_said = (statuses, self.state) != (Statuses::Moved, CommitState::Pending);
        let said = if is_said { self.said.as_str() } else { "" };
        digest_text(&format!("{}\n{:?}\n{said}", self.commit, self.state))
    }
}

impl Listener {
    #[must_use]
    pub fn hears(&self, concern: &Concern) -> bool {
        self.matters && self.owner.as_ref().is_none_or(|owner| concern.owners.contains(owner))
    }
}

/// What is to be told to one target.
#[derive(Debug)]
pub struct Message<'a> {
    /// The same however often it is sent: whoever gets it twice knows that by it.
    pub id: String,
    pub target: &'a str,
    pub environment: &'a str,
    pub what: What<'a>,
}

#[derive(Debug)]
pub enum What<'a> {
    Matter {
        event: Event,
        matter: &'a Matter,
        concern: &'a Concern,
    },
    /// More matters than are told one by one.
    Many {
        at: String,
        matters: Vec<(Event, &'a Concern)>,
    },
    Digest(Digest<'a>),
}

/// What is open for an owner, and what was applied the day before.
#[derive(Debug)]
pub struct Digest<'a> {
    /// None: of what no owner is named for.
    pub owner: Option<&'a str>,
    pub at: String,
    pub day: String,
    /// With since when.
    pub open: Vec<(&'a str, &'a Concern)>,
    pub applied: Vec<&'a Applied>,
}

/// What a round applied of one category, from one commit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Applied {
    /// RFC 3339, UTC.
    pub at: String,
    pub commit: String,
    pub category: String,
    pub owners: Vec<String>,
    /// In so many integrations.
    pub number: usize,
    /// The first of them.
    pub first: String,
}

/// What one target was told of a matter.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// The version that it knows.
    pub version: Option<String>,
    /// The one that it could not be told, how often that was tried, and when it is tried next.
    pub failing: Option<String>,
    pub attempts: u32,
    pub next: i64,
}

impl Told {
    /// A version is to be told now.
    #[must_use]
    pub fn is_due(&self, version: &str, now: i64) -> bool {
        let is_later = self.failing.as_deref() == Some(version) && now < self.next;
        !self.is_done(version) && !is_later
    }

    /// Nothing of a version is left to be told.
    #[must_use]
    pub fn is_done(&self, version: &str) -> bool {
        self.version.as_deref() == Some(version)
            || (self.failing.as_deref() == Some(version) && self.attempts >= MOST)
    }

    pub fn failed(&mut self, version: &str, now: i64) {
        if self.failing.as_deref() != Some(version) {
            (self.failing, self.attempts) = (Some(version.to_owned()), 0);
        }
        self.next = now + (FIRST_PAUSE << self.attempts.min(10));
        self.attempts += 1;
    }
}

/// An id that is the same for the same message.
#[must_use]
pub fn message_id(of: &[&str]) -> String {
    let digest = digest_text(&of.join("\n"));
    format!("msg_{}", digest.trim_start_matches("sha256:").get(..32).unwrap_or_default())
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
