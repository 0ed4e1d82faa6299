//! What a server of the Configure section is asked of its store, and what it answers: the reading half of a store, as JSON. One side
//! asks with it (`remote`), the other answers; who may ask is for the server to say. Nothing here opens a connection.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::contract::Store;
use super::error::StoreError;
use super::head::Head;

/// Integrations of which all is answered at once, and rows of a history; more are asked for after these.
pub const PAGE: usize = 512;
const RECORDS: usize = 10_000;

/// The kind of what is asked and answered, and of an answer that comes line by line.
pub const JSON: &str = "application/json";
pub const LINES: &str = "application/x-ndjson";

/// What a store is, as a server tells it.
#[derive(Clone, Serialize, Deserialize)]
pub struct Facts {
    pub identity: String,
    pub epoch: u64,
    pub last_number: u64,
    /// 64 hex digits: the key of the fingerprints of secrets; only for those who hand in plans.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fingerprint_key: Option<String>,
    /// The environment that it serves; none where its store has no other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub environment: Option<String>,
    pub pairform: String,
}

/// One read of a store; what each gives is told at [`Store`].
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "read", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Asked {
    /// Of all integrations page by page: those that come after one.
    Deployed {
        #[serde(default)]
        integrations: Option<Vec<String>>,
        #[serde(default)]
        after: String,
    },
    Heads {
        #[serde(default)]
        integrations: Option<Vec<String>>,
    },
    Deleted {
        #[serde(default)]
        integrations: Option<Vec<String>>,
    },
    Said {
        #[serde(default)]
        integrations: Option<Vec<String>>,
    },
    LastCommits {
        integrations: Vec<String>,
    },
    /// Of some categories, each by its integration and its own name.
    History {
        of: Vec<(String, String)>,
    },
    /// Page by page: those that come after so many.
    Records {
        #[serde(default)]
        after: usize,
    },
    SavesOf {
        runs: String,
    },
    /// All, where nothing is said.
    Notes {
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        kinds: Vec<String>,
        #[serde(default, skip_serializing_if = "String::is_empty")]
        since: String,
    },
    // With braces, so that what no read says is refused of these too.
    Locks {},
    Rules {},
    LastRules {
        #[serde(default)]
        commit: Option<String>,
    },
    Sources {},
    Document {
        digest: String,
    },
    Integrations {
        #[serde(default)]
        after: String,
        limit: usize,
    },
    Integration {
        id: String,
    },
    Feed {
        after: u64,
        limit: usize,
    },
    LastSyncs {
        integration: String,
    },
    Reconciled {
        environment: String,
    },
    Behind {
        environment: String,
    },
    Matters {
        environment: String,
    },
}

/// Whose settings a read tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Of<'a> {
    /// Everybody's.
    All,
    Named(Vec<&'a str>),
    One(&'a str),
    /// Nobody's by name: what all share.
    Shared,
}

impl<'a> Of<'a> {
    fn named(names: &'a [String]) -> Self {
        Of::Named(names.iter().map(String::as_str).collect())
    }
}

impl Asked {
    /// Whose settings it tells.
    #[must_use]
    pub fn of(&self) -> Of<'_> {
        match self {
            Asked::Deployed { integrations, .. }
            | Asked::Heads { integrations }
            | Asked::Deleted { integrations }
            | Asked::Said { integrations } => integrations.as_deref().map_or(Of::All, Of::named),
            Asked::LastCommits { integrations } => Of::named(integrations),
            Asked::History { of } => {
                Of::Named(of.iter().map(|(integration, _)| integration.as_str()).collect())
            }
            Asked::LastSyncs { integration } | Asked::Integration { id: integration } => Of::One(integration),
            Asked::Records { .. }
            | Asked::SavesOf { .. }
            | Asked::Integrations { .. }
            | Asked::Feed { .. }
            | Asked::Behind { .. }
            | Asked::Matters { .. }
            | Asked::Reconciled { .. } => Of::All,
            Asked::Notes { .. }
            | Asked::Locks {}
            | Asked::Rules {}
            | Asked::LastRules { .. }
            | Asked::Sources {}
            | Asked::Document { .. } => Of::Shared,
        }
    }
}

/// What was found, and where to go on.
#[derive(Debug, Serialize, Deserialize)]
pub struct Rows<T> {
    pub rows: Vec<T>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

impl<T> Rows<T> {
    fn all(rows: impl IntoIterator<Item = T>) -> Self {
        Rows { rows: rows.into_iter().collect(), next: None }
    }
}

/// The heads of one integration: its name, and of each category name, revision, how many settings, and three marks.
pub type HeadRow = (String, Vec<(String, u64, usize, [String; 3])>);

/// What a store answers, as a text.
///
/// # Errors
/// When it cannot be read.
pub fn answer(asked: &Asked, store: &mut dyn Store) -> Result<String, StoreError> {
    match asked {
        Asked::Deployed { integrations: Some(names), .. } => {
            told(&Rows::all(store.read(Some(names))?), store)
        }
        Asked::Deployed { integrations: None, after } => {
            let mut all: Vec<String> = Vec::new();
            store.each_heads(None, &mut |name, _| all.push(name.into()))?;
            all.sort();
            let begin = all.partition_point(|name| name <= after);
            let page: Vec<String> = all[begin..].iter().take(PAGE).cloned().collect();
            let next = page.last().filter(|_| begin + page.len() < all.len()).cloned();
            let rows = if page.is_empty() { Vec::new() } else { store.read(Some(&page))? };
            told(&Rows { rows, next }, store)
        }
        Asked::Heads { integrations } => {
            let mut rows: Vec<HeadRow> = Vec::new();
            store.each_heads(integrations.as_deref(), &mut |name, heads| {
                rows.push((name.into(), heads.iter().map(Head::told).collect()));
            })?;
            told(&Rows::all(rows), store)
        }
        Asked::Deleted { integrations } => told(&Rows::all(store.deleted(integrations.as_deref())?), store),
        Asked::Said { integrations } => told(&Rows::all(store.said(integrations.as_deref())?), store),
        Asked::LastCommits { integrations } => told(&Rows::all(store.last_commits(integrations)?), store),
        Asked::History { of } => told(&Rows::all(store.histories(of)?), store),
        Asked::Records { after } => {
            let all = store.records()?;
            let end = after.saturating_add(RECORDS).min(all.len());
            let next = (end < all.len()).then(|| end.to_string());
            let rows = all.into_iter().skip(*after).take(RECORDS).collect();
            told(&Rows { rows, next }, store)
        }
        Asked::SavesOf { runs } => told(&Rows::all(store.saves_of(runs)?), store),
        Asked::Notes { kinds, since } => {
            let kinds: Vec<&str> = kinds.iter().map(String::as_str).collect();
            told(&Rows::all(store.notes_of(&kinds, since)?), store)
        }
        Asked::Locks {} => told(&Rows::all(store.locks()?), store),
        Asked::Rules {} => told(&Rows::all(store.rules()?), store),
        Asked::LastRules { commit } => told(&Rows::all(store.last_rules(commit.as_deref())?), store),
        Asked::Sources {} => told(&Rows::all(store.sources()?), store),
        Asked::Document { digest } => told(&Rows::all(store.document(digest)?), store),
        Asked::Integrations { after, limit } => {
            told(&Rows::all(store.integrations(after, (*limit).min(RECORDS))?), store)
        }
        Asked::Integration { id } => told(&Rows::all(store.integration(id)?), store),
        Asked::Feed { after, limit } => told(&Rows::all(store.feed(*after, (*limit).min(RECORDS))?), store),
        Asked::LastSyncs { integration } => told(&Rows::all(store.last_syncs(integration)?), store),
        Asked::Reconciled { environment } => told(&Rows::all(store.reconciled(environment)?), store),
        Asked::Behind { environment } => told(&Rows::all(store.behind(environment)?), store),
        Asked::Matters { environment } => told(&Rows::all(store.matters(environment)?), store),
    }
}

fn told<T: Serialize>(rows: &Rows<T>, store: &dyn Store) -> Result<String, StoreError> {
    serde_json::to_string(rows)
        .map_err(|error| StoreError::Failed { store: store.identity().to_owned(), reason: error.to_string() })
}

/// Packs a text for the way, as `Content-Encoding: zstd`.
///
/// # Errors
/// When there is no room for it.
pub fn pack(text: &[u8]) -> std::io::Result<Vec<u8>> {
    zstd::bulk::compress(text, PACKING)
}

/// What [`pack`] packed, where it is no longer than so many bytes.
///
/// # Errors
/// When it is longer, or was not packed so.
pub fn unpack(packed: &[u8], longest: u64) -> std::io::Result<Vec<u8>> {
    use std::io::Read as _;
    let mut text = Vec::new();
    zstd::Decoder::new(packed)?.take(longest + 1).read_to_end(&mut text)?;
    if text.len() as u64 > longest {
        return Err(std::io::Error::other(format!("it is longer than {longest} bytes once it is unpacked")));
    }
    Ok(text)
}

/// Of zstd: fast.
const PACKING: i32 = 1;

/// How it is named what packs.
pub const ENCODING: &str = "zstd";

/// Reads an answer.
///
/// # Errors
/// Why it is none.
pub(super) fn read<T: DeserializeOwned>(body: &[u8]) -> Result<T, String> {
    serde_json::from_slice(body)
        .map_err(|error| format!("its answer is not one of a pairform server of this version ({error})"))
}
