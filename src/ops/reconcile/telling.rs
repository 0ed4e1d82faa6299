//! Telling matters: who was told what is kept beside each, so that every message is sent once, across restarts too. What cannot be told is
//! tried again later, so often and no oftener, and stops nothing. Many at once are one message, once a day each owner has a digest, and a
//! forge has the status of a commit. How a message is worded and sent is its caller's business.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::concern::Concern;
use super::digest::{self, Daily};
use super::matters::matters;
use super::message::{CommitStatus, Event, Listener, Message, Told, What, message_id};
use crate::model::digest_text;
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::host::Host;
use crate::store::{Address, Lock, Matter, Reconciling};

/// What there is to tell, and to whom.
#[derive(Clone, Copy)]
pub struct Telling<'a> {
    pub listeners: &'a [Listener],
    /// When digests are sent; none where they are not.
    pub daily: Option<&'a Daily>,
    /// How a commit stands; none where that is not known.
    pub status: Option<&'a CommitStatus>,
    /// Sends a message.
    pub deliver: &'a dyn Fn(&Message<'_>) -> Result<(), String>,
    /// Shows at a forge how a commit stands.
    pub show: &'a dyn Fn(&str, &CommitStatus) -> Result<(), String>,
}

/// Tells each target what it does not know yet of the matters of an environment, the digests that are due, and how a commit stands. What
/// could not be told, and why.
///
/// # Errors
/// When the store fails, or somebody else has taken over.
pub fn tell(
    address: &Address,
    environment: Option<&str>,
    lease: &Lock,
    telling: Telling<'_>,
    host: &Host<'_>,
) -> Result<Vec<String>> {
    let Telling { listeners, daily, status, deliver, show } = telling;
    if listeners.is_empty() {
        return Ok(Vec::new());
    }
    let key = environment.unwrap_or_default();
    let mut store = host.make_store(address)?;
    let now = (host.now)().as_second();
    let mut failed = Vec::new();
    let mut write = Reconciling { environment: key.to_owned(), ..Reconciling::default() };
    let mut known = Vec::new();
    for (matter, concern) in matters(store.as_mut(), key)? {
        let told: BTreeMap<String, Told> = serde_json::from_str(&matter.told).unwrap_or_default();
        let closed = matter.closed_at.as_deref().unwrap_or_default();
        let version = digest_text(&format!("{}\n{closed}", matter.document));
        known.push(Known { before: told.clone(), told, version, matter, concern });
    }
    for listener in listeners {
        let due = due(&mut known, listener, now);
        let messages = match due.len() {
            0 => Vec::new(),
            number if number > listener.most => vec![many(&known, &due, listener, key, &host.stamp())],
            _ => due.iter().map(|(at, event)| one(&known[*at], *event, listener, key)).collect(),
        };
        let of_each = if messages.len() == 1 { due.len() } else { 1 };
        let mut ends: Vec<Result<(), String>> = Vec::new();
        for message in &messages {
            // One that does not answer is not waited for again in this round.
            if host.is_cancelled() || ends.last().is_some_and(Result::is_err) {
                break;
            }
            ends.push(deliver(message));
        }
        drop(messages);
        for (ended, due) in ends.into_iter().zip(due.chunks(of_each)) {
            for (at, _) in due {
                let Known { told, version, .. } = &mut known[*at];
                let told = told.entry(listener.name.clone()).or_default();
                match &ended {
                    Ok(()) => *told = Told { version: Some(version.clone()), ..Told::default() },
                    Err(_) => told.failed(version, now),
                }
            }
            failed.extend(ended.err().map(|why| format!("{} could not be told: {why}", listener.name)));
        }
    }
    if (daily.is_some() || status.is_some())
        && let Some(mut last) = store.reconciled(key)?
    {
        let before: Json = serde_json::from_str(&last.document).unwrap_or_default();
        let mut document = before.clone();
        if let Some(daily) = daily {
            let concerns: Vec<(&Matter, &Concern)> =
                known.iter().map(|one| (&one.matter, &one.concern)).collect();
            digest::send(&mut document, key, listeners, daily, &concerns, deliver, &mut failed, host);
        }
        if let Some(status) = status {
            tell_forges(&mut document, listeners, status, show, &mut failed, host);
        }
        if document != before {
            last.document = document.to_string();
            write.reconciled = Some(last);
        }
    }
    for Known { before, told, version, mut matter, concern } in known {
        let is_done = |listener: &Listener| {
            !listener.hears(&concern) || told.get(&listener.name).is_some_and(|told| told.is_done(&version))
        };
        if matter.closed_at.is_some() && listeners.iter().all(is_done) {
            write.forgotten.push(matter.id);
        } else if told != before {
            matter.told = serde_json::to_string(&told).unwrap_or_default();
            write.matters.push(matter);
        }
    }
    if !write.is_empty() && !store.note_reconciled(lease, &write)? {
        return Err(Error::new(ErrorKind::Locked, "somebody else took over, and goes on with it"));
    }
    Ok(failed)
}

/// Tells forges how a commit stands, where that is news to them; `document` of the last round keeps what they know.
fn tell_forges(
    document: &mut Json,
    listeners: &[Listener],
    status: &CommitStatus,
    show: &dyn Fn(&str, &CommitStatus) -> Result<(), String>,
    failed: &mut Vec<String>,
    host: &Host<'_>,
) {
    let mut told: BTreeMap<String, Told> =
        serde_json::from_value(document["statuses"].clone()).unwrap_or_default();
    let now = (host.now)().as_second();
    for listener in listeners {
        let Some(version) = listener.statuses.map(|statuses| status.version(statuses)) else { continue };
        let known = told.entry(listener.name.clone()).or_default();
        if !known.is_due(&version, now) || host.is_cancelled() {
            continue;
        }
        match show(&listener.name, status) {
            Ok(()) => *known = Told { version: Some(version), ..Told::default() },
            Err(why) => {
                known.failed(&version, now);
                failed.push(format!("{} could not be told: {why}", listener.name));
            }
        }
    }
    told.retain(|_, told| *told != Told::default());
    if !told.is_empty() {
        document["statuses"] = json!(told);
    }
}

/// A matter, and who was told what of it.
struct Known {
    matter: Matter,
    concern: Concern,
    version: String,
    before: BTreeMap<String, Told>,
    told: BTreeMap<String, Told>,
}

/// What one target is to be told now, by number.
fn due(known: &mut [Known], listener: &Listener, now: i64) -> Vec<(usize, Event)> {
    let mut due = Vec::new();
    for (at, Known { matter, concern, version, told, .. }) in known.iter_mut().enumerate() {
        if !listener.hears(concern) {
            continue;
        }
        let told = told.entry(listener.name.clone()).or_default();
        let event = match (&told.version, &matter.closed_at) {
            // Who was never told of it need not hear that it is over.
            (None, Some(_)) => {
                told.version = Some(version.clone());
                continue;
            }
            (Some(_), Some(_)) => Event::Closed,
            (None, None) => Event::Opened,
            (Some(_), None) => Event::Updated,
        };
        if told.is_due(version, now) {
            due.push((at, event));
        }
    }
    due
}

fn one<'a>(known: &'a Known, event: Event, listener: &'a Listener, environment: &'a str) -> Message<'a> {
    let Known { matter, concern, version, .. } = known;
    let id = message_id(&[environment, &matter.id, &matter.opened_at, version, &listener.name]);
    Message { id, target: &listener.name, environment, what: What::Matter { event, matter, concern } }
}

fn many<'a>(
    known: &'a [Known],
    due: &[(usize, Event)],
    listener: &'a Listener,
    environment: &'a str,
    at: &str,
) -> Message<'a> {
    let versions = due.iter().map(|(at, _)| known[*at].version.as_str());
    let of: Vec<&str> = [environment, listener.name.as_str()].into_iter().chain(versions).collect();
    let matters = due.iter().map(|(at, event)| (*event, &known[*at].concern)).collect();
    let what = What::Many { at: at.to_owned(), matters };
    Message { id: message_id(&of), target: &listener.name, environment, what }
}
