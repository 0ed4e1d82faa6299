//! What a store keeps for a server of the Configure section: integrations as such, tokens, what a sync runtime reported, and the
//! feed of saves. Nothing here decides who may do what.

use serde::{Deserialize, Serialize};

use super::data::Record;

/// An integration that the store knows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Registered {
    pub id: String,
    /// None while nobody said it.
    pub pair: Option<String>,
    /// RFC 3339, UTC.
    pub made_at: String,
    /// Empty where files said it first.
    pub made_by: String,
}

/// Who may ask a server. The token itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Token {
    pub name: String,
    /// `sha256:` and hex, of the token.
    pub hash: String,
    pub role: String,
    pub rights: Vec<String>,
    /// Patterns; empty for all.
    pub categories: Vec<String>,
    pub integrations: Vec<String>,
    /// RFC 3339, UTC; none: it has no end.
    pub expires_at: Option<String>,
    pub made_at: String,
    pub made_by: String,
    pub revoked_at: Option<String>,
    pub revoked_by: Option<String>,
}

/// Somebody who signed in to the pages. The cookie itself is nowhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// `sha256:` and hex, of the cookie.
    pub hash: String,
    /// Who signed in.
    pub by: String,
    /// The hash of the token that he signed in with; none: a link that the server printed.
    pub token: Option<String>,
    /// RFC 3339, UTC.
    pub made_at: String,
    pub expires_at: String,
}

/// How one sync went, as the runtime reports it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SyncReport {
    pub integration: String,
    pub flow: String,
    /// Of the configuration that was used.
    pub etag: String,
    /// `ok` or `failed`
    pub outcome: String,
    /// May be empty.
    pub message: String,
    /// RFC 3339, UTC.
    pub ended_at: String,
    pub reported_at: String,
    pub reported_by: String,
}

/// One save in the feed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FeedItem {
    /// Grows with each save, in the order in which saves can be seen; may have gaps.
    pub number: u64,
    pub record: Record,
}

/// The first text that comes after all that begin so.
pub(super) fn past_all(begin: &str) -> String {
    let mut bytes = begin.as_bytes().to_vec();
    // Runs are named in ASCII.
    while let Some(last) = bytes.pop() {
        if last < 0x7f {
            bytes.push(last + 1);
            break;
        }
    }
    String::from_utf8(bytes).unwrap_or_default()
}

/// A JSON array of texts, as lists stand in a column.
pub(super) fn to_column(texts: &[String]) -> String {
    serde_json::json!(texts).to_string()
}

/// What [`to_column`] wrote. What cannot be read allows nothing: a pattern that fits no name.
pub(super) fn from_column(column: &str) -> Vec<String> {
    serde_json::from_str(column).unwrap_or_else(|_| vec![String::new()])
}
