//! What is told of matters and in digests: as a Standard Webhook, for a workflow of Slack or Teams, and of a commit as its status at a forge. Nothing is
//! sent here.

use serde_json::{Value as Json, json};

use super::reconcile::{concern_json, details, title, ways};
use super::{clean, count};
use crate::ops::reconcile::{CommitState, CommitStatus, Concern, Digest, Done, Event, Message, What};

/// As many are named of more.
const SHOWN: usize = 10;

/// The body of a webhook.
#[must_use]
pub fn webhook(message: &Message<'_>) -> Json {
    let (kind, at, mut data) = match &message.what {
        What::Matter { event, matter, concern } => {
            let mut data = concern_json(concern);
            data["opened_at"] = matter.opened_at.as_str().into();
            (format!("matter.{}", event.as_str()), matter.updated_at.clone(), data)
        }
        What::Many { at, matters } => {
            let first = matters.iter().take(SHOWN).map(|(event, concern)| {
                json!({"id": concern.id(), "title": title(concern), "event": event.as_str()})
            });
            let data = json!({"number": matters.len(), "first": first.collect::<Vec<_>>()});
            ("matters".to_owned(), at.clone(), data)
        }
        What::Digest(digest) => {
            let open = digest.open.iter().map(|(since, concern)| {
                json!({"id": concern.id(), "title": title(concern), "held": concern.held, "opened_at": since})
            });
            let data = json!({
                "owner": digest.owner, "day": digest.day,
                "open": open.collect::<Vec<_>>(), "applied": digest.applied,
            });
            ("digest".to_owned(), digest.at.clone(), data)
        }
    };
    data["environment"] = message.environment.into();
    json!({"type": format!("pairform.{kind}"), "timestamp": at, "data": data})
}

fn mark(event: Event, concern: &Concern) -> &'static str {
    match event {
        Event::Closed => "✅ Over:",
        _ if concern.held => "🛑",
        _ => "⚠️",
    }
}

fn head(message: &Message<'_>) -> String {
    let environment = match message.environment {
        "" => String::new(),
        name => format!(" [{name}]"),
    };
    let said = match &message.what {
        What::Matter { event, concern, .. } => format!("{} {}", mark(*event, concern), title(concern)),
        What::Many { matters, .. } => format!("⚠️ {} at once", count(matters.len(), "matter")),
        What::Digest(digest) => {
            let whose = digest.owner.unwrap_or("nobody in particular");
            clean(&format!("📋 {} for {whose}", digest.day))
        }
    };
    said + &environment
}

/// What is said below the title; nothing of what is over.
fn lines(message: &Message<'_>) -> Vec<String> {
    match &message.what {
        What::Matter { event: Event::Closed, .. } => Vec::new(),
        What::Matter { concern, .. } => {
            let ways = ways(concern).into_iter().map(|way| format!("→ {way}"));
            details(concern).into_iter().chain(ways).collect()
        }
        What::Many { matters, .. } => {
            let first = matters.iter().take(SHOWN);
            let first = first.map(|(event, concern)| format!("{} {}", mark(*event, concern), title(concern)));
            let more = more_of(matters.len(), "see `pairform reconcile status`");
            first.chain(more).collect()
        }
        What::Digest(digest) => of_digest(digest),
    }
}

fn more_of(number: usize, where_else: &str) -> Option<String> {
    let more = number.saturating_sub(SHOWN);
    (more > 0).then(|| format!("and {more} more: {where_else}"))
}

fn of_digest(digest: &Digest<'_>) -> Vec<String> {
    let mut lines = Vec::new();
    if digest.open.is_empty() {
        lines.push("Nothing is open.".to_owned());
    } else {
        lines.push(format!("{} open:", count(digest.open.len(), "matter")));
    }
    for (since, concern) in digest.open.iter().take(SHOWN) {
        lines.push(format!("{} {}, since {since}", mark(Event::Opened, concern), title(concern)));
    }
    lines.extend(more_of(digest.open.len(), "see `pairform reconcile status`"));
    if !digest.applied.is_empty() {
        lines.push("Applied the day before:".to_owned());
    }
    for one in digest.applied.iter().take(SHOWN) {
        let commit = one.commit.get(..10).unwrap_or(&one.commit);
        let more = if one.number > 1 { format!(" and {} more", one.number - 1) } else { String::new() };
        lines.push(clean(&format!("{} of {}{more}, from commit {commit}", one.category, one.first)));
    }
    lines.extend(more_of(digest.applied.len(), "see `pairform history`"));
    lines
}

/// For an incoming webhook of Slack.
#[must_use]
pub fn slack(message: &Message<'_>) -> Json {
    // These three are all that means something there but for marks, which values may have: they mean no harm.
    let plain = |text: &str| text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;");
    let text: Vec<String> =
        std::iter::once(head(message)).chain(lines(message)).map(|line| plain(&line)).collect();
    json!({"text": text.join("\n")})
}

/// For a workflow of Teams that posts what it gets: a message with an adaptive card.
#[must_use]
pub fn teams(message: &Message<'_>) -> Json {
    let block = |text: &str| json!({"type": "TextBlock", "text": text, "wrap": true});
    let mut body =
        vec![json!({"type": "TextBlock", "text": head(message), "weight": "Bolder", "wrap": true})];
    body.extend(lines(message).iter().map(|line| block(line)));
    json!({
        "type": "message",
        "attachments": [{
            "contentType": "application/vnd.microsoft.card.adaptive",
            "contentUrl": null,
            "content": {
                "$schema": "http://adaptivecards.io/schemas/adaptive-card.json",
                "type": "AdaptiveCard", "version": "1.4", "body": body,
            },
        }],
    })
}

/// What forges are told of a commit: whether all of it is deployed, and in a line what is not. None where no more is known than was told.
#[must_use]
pub fn status(done: &Done) -> Option<CommitStatus> {
    // As long as GitHub takes.
    const MOST: usize = 140;
    let status = |commit: &str, state: CommitState, said: &str| CommitStatus {
        commit: commit.to_owned(),
        state,
        said: clean(said).chars().take(MOST).collect(),
    };
    if let Some(error) = &done.stopped {
        let commit = done.refused.as_ref()?;
        return Some(status(commit, CommitState::Held, &error.message));
    }
    let held: Vec<&Concern> = done.open.iter().filter(|concern| concern.held).collect();
    let said = match held.as_slice() {
        [] => match &done.rollout {
            Some(rollout) => format!("Wave {} of {} waits.", rollout.wave + 1, rollout.of),
            None => "All that git may deploy is deployed.".to_owned(),
        },
        [one] => title(one),
        [first, ..] => format!("{} held, such as: {}", count(held.len(), "matter"), title(first)),
    };
    let state = match (held.is_empty(), &done.rollout) {
        (false, _) => CommitState::Held,
        (true, Some(_)) => CommitState::Pending,
        (true, None) => CommitState::Deployed,
    };
    Some(status(&done.commit, state, &said))
}
