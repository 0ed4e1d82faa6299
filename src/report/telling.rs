//! What is told of a matter: as a Standard Webhook, for a workflow of Slack or Teams, and of a commit as its status at a forge. Nothing is
//! sent here.

use serde_json::{Value as Json, json};

use super::count;
use super::reconcile::{concern_json, details, title, ways};
use crate::ops::reconcile::{Concern, Done, Event, Message};

/// The body of a webhook.
#[must_use]
pub fn webhook(message: &Message<'_>) -> Json {
    let mut data = concern_json(message.concern);
    data["environment"] = message.environment.into();
    data["opened_at"] = message.matter.opened_at.as_str().into();
    json!({
        "type": format!("pairform.matter.{}", message.event.as_str()),
        "timestamp": message.matter.updated_at,
        "data": data,
    })
}

fn head(message: &Message<'_>) -> String {
    let mark = match message.event {
        Event::Closed => "✅ Over:",
        _ if message.concern.held => "🛑",
        _ => "⚠️",
    };
    let environment = match message.environment {
        "" => String::new(),
        name => format!(" [{name}]"),
    };
    format!("{mark} {}{environment}", title(message.concern))
}

/// What is said below the title; nothing of what is over.
fn lines(message: &Message<'_>) -> Vec<String> {
    if message.event == Event::Closed {
        return Vec::new();
    }
    let ways = ways(message.concern).into_iter().map(|way| format!("→ {way}"));
    details(message.concern).into_iter().chain(ways).collect()
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

/// What a forge is told of the commit: whether all of it is deployed, and in a line what is not.
#[must_use]
pub fn status(done: &Done) -> (bool, String) {
    let held: Vec<&Concern> = done.open.iter().filter(|concern| concern.held).collect();
    let said = match held.as_slice() {
        [] => "All that git may deploy is deployed.".to_owned(),
        [one] => title(one),
        [first, ..] => format!("{} held, such as: {}", count(held.len(), "matter"), title(first)),
    };
    // As long as GitHub takes.
    (held.is_empty(), said.chars().take(140).collect())
}
