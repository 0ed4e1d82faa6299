//! The digest of a day: for each owner what is open and what was applied the day before. That it was sent is kept with the last round, so
//! that it is sent once, whoever goes on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _};
use serde_json::{Value as Json, json};

use super::concern::Concern;
use super::message::{Applied, Digest, Listener, Message, Told, What, message_id};
use crate::ops::host::Host;
use crate::store::Matter;

/// What was applied is kept for so many days.
const KEPT: i64 = 3;

/// When digests are sent.
#[derive(Debug, Clone)]
pub struct Daily {
    pub at: Time,
    pub zone: TimeZone,
}

impl Daily {
    /// The day whose digest is to be out by now.
    fn day(&self, now: Timestamp) -> Date {
        let here = now.to_zoned(self.zone.clone());
        let day = here.date();
        if here.time() >= self.at { day } else { day.yesterday().unwrap_or(day) }
    }
}

/// What was applied lately, with what a round adds. Too old is what no digest tells any more.
#[must_use]
pub fn applied(before: &Json, added: Vec<Applied>, now: Timestamp) -> Json {
    let known: Vec<Applied> = serde_json::from_value(before.clone()).unwrap_or_default();
    let since = now.checked_sub((KEPT * 24).hours()).unwrap_or(Timestamp::MIN);
    let is_kept = |one: &Applied| one.at.parse::<Timestamp>().is_ok_and(|at| at >= since);
    json!(known.into_iter().filter(is_kept).chain(added).collect::<Vec<_>>())
}

/// Sends the digests that are due; `document` of the last round keeps which were.
#[expect(clippy::too_many_arguments, reason = "all that is known of a telling")]
pub fn send(
    document: &mut Json,
    environment: &str,
    listeners: &[Listener],
    daily: &Daily,
    matters: &[(&Matter, &Concern)],
    deliver: &dyn Fn(&Message<'_>) -> Result<(), String>,
    failed: &mut Vec<String>,
    host: &Host<'_>,
) {
    let before: BTreeMap<String, Told> =
        serde_json::from_value(document["digests"].clone()).unwrap_or_default();
    let mut told = before.clone();
    let now = (host.now)();
    let day = daily.day(now);
    let yesterday = day.yesterday().unwrap_or(day);
    let applied: Vec<Applied> = serde_json::from_value(document["applied"].clone()).unwrap_or_default();
    let is_of_yesterday = |one: &&Applied| {
        let at = one.at.parse::<Timestamp>();
        at.is_ok_and(|at| at.to_zoned(daily.zone.clone()).date() == yesterday)
    };
    let applied: Vec<&Applied> = applied.iter().filter(is_of_yesterday).collect();
    // Whose first matter is of after that is told of it then, and has a digest the next day.
    let moment = day.to_datetime(daily.at).to_zoned(daily.zone.clone()).map_or(now, |at| at.timestamp());
    let was_open = |(matter, _): &&(&Matter, &Concern)| {
        let opened = matter.opened_at.parse::<Timestamp>();
        matter.closed_at.is_none() && opened.is_ok_and(|opened| opened <= moment)
    };
    let open: Vec<_> = matters.iter().filter(was_open).collect();
    let owners = open.iter().map(|(_, concern)| &concern.owners).chain(applied.iter().map(|one| &one.owners));
    let mut all: BTreeSet<Option<&str>> = BTreeSet::new();
    for owners in owners {
        all.extend(owners.iter().map(|owner| Some(owner.as_str())));
        if owners.is_empty() {
            all.insert(None);
        }
    }
    for listener in listeners.iter().filter(|listener| listener.digest) {
        for owner in &all {
            if listener.owner.is_some() && listener.owner.as_deref() != *owner {
                continue;
            }
            let whose = owner.unwrap_or_default();
            let version = day.to_string();
            let known = told.entry(format!("{} {whose}", listener.name)).or_default();
            if !known.is_due(&version, now.as_second()) || host.is_cancelled() {
                continue;
            }
            let is_his = |owners: &[String]| match owner {
                Some(owner) => owners.iter().any(|one| one == owner),
                None => owners.is_empty(),
            };
            let of_matters = open.iter().filter(|(_, concern)| is_his(&concern.owners));
            let digest = Digest {
                owner: *owner,
                at: host.stamp(),
                day: version.clone(),
                open: of_matters.map(|(matter, concern)| (matter.opened_at.as_str(), *concern)).collect(),
                applied: applied.iter().filter(|one| is_his(&one.owners)).copied().collect(),
            };
            let id = message_id(&[environment, "digest", &version, whose, &listener.name]);
            let message = Message { id, target: &listener.name, environment, what: What::Digest(digest) };
            match deliver(&message) {
                Ok(()) => *known = Told { version: Some(version), ..Told::default() },
                Err(why) => {
                    known.failed(&version, now.as_second());
                    failed.push(format!("{} could not be sent a digest: {why}", listener.name));
                }
            }
        }
    }
    if told != before {
        document["digests"] = json!(told);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_is_of_the_day_that_has_its_time_in_its_zone() {
        let daily =
            Daily { at: Time::constant(8, 0, 0, 0), zone: TimeZone::get("Europe/Stockholm").unwrap() };
        for (now, day) in [
            ("2026-11-30T06:59:59Z", "2026-11-29"),
            ("2026-11-30T07:00:00Z", "2026-11-30"),
            ("2026-11-30T23:30:00Z", "2026-11-30"),
            ("2026-07-01T06:00:00Z", "2026-07-01"),
        ] {
            assert_eq!(daily.day(now.parse().unwrap()).to_string(), day, "{now}");
        }
    }
}
