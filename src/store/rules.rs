//! What an apply records beside what it saves: the rules that judge, and what the files say of each integration. A store keeps
//! it and understands none of it.

use std::io::Read as _;

use serde::{Deserialize, Serialize};

use crate::model::digest_text;

/// The rules of one environment, as an apply recorded them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rules {
    /// Empty where the project has none.
    pub environment: String,
    /// Of the document.
    pub digest: String,
    /// Canonical JSON; see `plan::policy`.
    pub document: String,
    pub recorded_by: String,
    /// RFC 3339, UTC.
    pub recorded_at: String,
    pub commit: Option<String>,
    /// The tree had changes that were not committed.
    pub dirty: bool,
    /// Digest of the plan that was applied; none where nothing was.
    pub run: Option<String>,
    /// They count for their own commit too.
    pub at_once: bool,
}

impl Rules {
    /// Whether they count for an apply of a commit, or of a tree with changes that stands on it (none: of no commit): those that it
    /// recorded itself do not, or it would have lowered the rules that it is judged by.
    #[must_use]
    pub fn count_for(&self, commit: Option<&str>, dirty: bool) -> bool {
        let is_own = commit.is_some() && self.commit.as_deref() == commit && self.dirty == dirty;
        !is_own || self.at_once
    }
}

/// What the files said of an integration when it was last applied.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Said {
    pub integration: String,
    pub environment: String,
    pub pair: String,
    /// Canonical JSON: flows that are on, unmanaged categories.
    pub facts: String,
    /// Digests of documents: the linked schema of its pair, and its settings with where they are written.
    pub schema: String,
    pub settings: String,
    pub said_at: String,
    pub commit: Option<String>,
    pub dirty: bool,
}

/// A text that is kept under its digest; compressed, as there may be very many.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Document {
    pub digest: String,
    pub(super) packed: Vec<u8>,
}

impl Document {
    /// # Errors
    /// When there is no room for it.
    pub fn of(text: &str) -> std::io::Result<Self> {
        let packed = zstd::bulk::compress(text.as_bytes(), COMPRESSION_LEVEL)?;
        Ok(Document { digest: digest_text(text), packed })
    }
}

/// What is recorded at once.
#[derive(Debug, Clone, Default)]
pub struct Recording {
    /// None where those that are recorded last are the same.
    pub rules: Option<Rules>,
    /// Those that are there already are left alone.
    pub documents: Vec<Document>,
    pub said: Vec<Said>,
    /// Integrations of which nothing is said any more.
    pub unsaid: Vec<String>,
    /// Lists and schema parts by path, with their digests.
    pub sources: Vec<(String, String)>,
    pub sources_gone: Vec<String>,
}

impl Recording {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Recording { rules, documents, said, unsaid, sources, sources_gone } = self;
        rules.is_none()
            && documents.is_empty()
            && said.is_empty()
            && unsaid.is_empty()
            && sources.is_empty()
            && sources_gone.is_empty()
    }
}

/// Of zstd: fast.
const COMPRESSION_LEVEL: i32 = 3;

/// No document that is kept is longer, in bytes.
const LONGEST: u64 = 256 * 1024 * 1024;

/// The text of a document, where it has this digest; else why it has not.
pub(super) fn unpack(packed: &[u8], digest: &str) -> Result<String, String> {
    let mut text = String::new();
    let read = zstd::Decoder::new(packed).and_then(|from| from.take(LONGEST).read_to_string(&mut text));
    match read {
        Err(error) => Err(format!("the document {digest} cannot be read: {error}")),
        Ok(_) if digest_text(&text) != digest => {
            Err(format!("the document {digest} was changed after it was recorded, as its digest shows"))
        }
        Ok(_) => Ok(text),
    }
}
