//! What a round keeps for the next one, and whether that one finds nothing moved. Nothing is read or written here.

use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::concern::Kind;
use super::digest::applied;
use super::message::Applied;
use super::rollout::Rollout;
use super::state::Judged;
use crate::apply::{Outcome, Report};
use crate::ops::host::Host;
use crate::store::Reconciled;

/// A round in which nothing is open is not judged anew while neither git nor the store moved, for so long: a secret may have.
const QUIET: Duration = Duration::from_secs(600);

/// What a round looks at.
pub(super) struct Looked<'a> {
    /// Another commit than the round before had.
    pub(super) is_new: bool,
    /// Only what was changed outside is judged.
    pub(super) is_outside_only: bool,
    /// What was fetched last, whichever commit is taken: what was deployed ahead of that one is measured by it.
    pub(super) newest: &'a str,
}

/// Nothing was open after the last round, and neither git, the store nor the day moved since. What git says is open for all that where the
/// last round looked at nothing of it.
pub(super) fn is_quiet(
    last: &Reconciled,
    looked: &Looked<'_>,
    commit: &str,
    number: u64,
    host: &Host<'_>,
) -> bool {
    let document: Json = serde_json::from_str(&last.document).unwrap_or_default();
    let now = (host.now)();
    let judged_at = document["judged_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let is_fresh = judged_at.is_some_and(|at| {
        let age = now.duration_since(at);
        !age.is_negative() && age.unsigned_abs() < QUIET
    });
    let day = host.today().to_string();
    let is_judged = looked.is_outside_only || document["outside_only"] != true;
    document["quiet"] == true
        && is_judged
        && document["newest"] == looked.newest
        && document["day"] == day
        && is_fresh
        && last.commit == commit
        && last.number == number
}

/// How the round went, for the next one and for whoever asks.
pub(super) fn document(
    report: &Report,
    judged: &Judged,
    looked: &Looked<'_>,
    before: Option<&Reconciled>,
    rollout: Option<&Rollout>,
    added: Vec<Applied>,
    host: &Host<'_>,
) -> Json {
    let before: Json = before.and_then(|last| serde_json::from_str(&last.document).ok()).unwrap_or_default();
    let now = host.stamp();
    let applied_at = if looked.is_new { json!(now) } else { before["applied_at"].clone() };
    let saved = report.outcomes.iter().filter(|(_, _, outcome)| matches!(outcome, Outcome::Saved { .. }));
    let held = judged.concerns.iter().filter(|concern| concern.held).count();
    json!({
        "quiet": judged.concerns.iter().all(|concern| concern.kind == Kind::Released) && report.complete(),
        "outside_only": looked.is_outside_only,
        "newest": looked.newest,
        "day": host.today().to_string(),
        "judged_at": now,
        "applied_at": applied_at,
        "saved": saved.count(),
        "held": held,
        "told": judged.concerns.len() - held,
        "rollout": rollout,
        "applied": applied(&before["applied"], added, (host.now)()),
        "digests": before["digests"],
        "statuses": before["statuses"],
    })
}
