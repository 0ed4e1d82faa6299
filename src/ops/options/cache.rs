//! Values that were fetched, kept below the project so that they need not be fetched again. Which are young enough is the
//! caller's to say. What is kept is no source: nothing is judged by it unless somebody asks for it.
#![expect(clippy::disallowed_methods, reason = "reads and removes what it wrote")]

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use sha2::{Digest as _, Sha256};

use crate::model::hex;
use crate::ops::error::{Error, ErrorKind, Result};
use crate::options::Choice;
use crate::options::fetch::{Account, Outcome};
use crate::source::kept::{self, NotOurs};
use crate::source::write::Mode;

/// Where it is, from the project's root.
pub const FOLDER: &str = ".pairform/cache/options";

/// What is kept of one account.
#[derive(Serialize, Deserialize)]
pub struct Cache {
    pub connector: String,
    pub account: String,
    /// Whose values these are.
    identity: String,
    /// Each a [`Kept`]; what is none is passed by.
    pub sets: Map<String, Json>,
}

#[derive(Serialize, Deserialize)]
struct Kept {
    /// Seconds since 1970.
    fetched: i64,
    values: Vec<Value>,
}

#[derive(Serialize, Deserialize)]
struct Value {
    value: String,
    label: String,
    active: bool,
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    keep: Map<String, Json>,
}

impl From<Value> for Choice {
    fn from(Value { value, label, active, keep }: Value) -> Self {
        Choice { value, label, active, keep }
    }
}

impl From<&Choice> for Value {
    fn from(choice: &Choice) -> Self {
        let Choice { value, label, active, keep } = choice.clone();
        Value { value, label, active, keep }
    }
}

impl Cache {
    /// What a file holds, if it is one of ours.
    #[must_use]
    pub fn read(root: &Path, path: &Path) -> Option<Self> {
        serde_json::from_str(&kept::text(root, path).ok()??).ok()
    }

    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, root: &Path, path: &Path) -> Result<()> {
        let text = serde_json::to_string_pretty(self).unwrap_or_default() + "\n";
        kept::keep(root, path, text.as_bytes(), Mode::Shared)
            .map_err(|error| cannot("write", root, path, &error))
    }
}

/// What cannot be done to a file.
pub fn cannot(what: &str, root: &Path, path: &Path, error: &io::Error) -> Error {
    // Where a link lies in between, somebody's branch may have put it there.
    let kind = match error.kind() {
        io::ErrorKind::InvalidInput | io::ErrorKind::PermissionDenied => ErrorKind::NotAllowed,
        _ => ErrorKind::Internal,
    };
    Error::new(kind, format!("cannot {what} {}: {error}", root.join(path).display()))
}

/// Where the values of an account are kept, by the path of its committed list.
fn path_of(list: &str) -> PathBuf {
    let name = list.trim_start_matches("options/").trim_end_matches(".lock.yaml");
    Path::new(FOLDER).join(format!("{name}.json"))
}

/// Whose values a cache holds: the connection as it is written, which has references and no secrets.
fn identity(account: &Account) -> String {
    let text = format!("{} {} {:?}", account.connector, account.name, account.connection);
    let digest = Sha256::digest(text.as_bytes());
    hex(digest.get(..16).unwrap_or(&digest))
}

/// Proves that no commit brought what is kept of an account: one that a branch brings is no answer of a platform.
///
/// # Errors
/// When one did, or nobody can tell.
pub fn require_own(root: &Path, list: &str) -> std::result::Result<(), NotOurs> {
    kept::require_own(root, &path_of(list))
}

/// The wanted sets of an account that are younger than `max_age`, of a cache that is our own; `now` is in seconds since 1970.
#[must_use]
pub fn young(
    root: &Path,
    list: &str,
    account: &Account,
    max_age: Duration,
    now: i64,
) -> BTreeMap<String, Vec<Choice>> {
    if max_age.is_zero() {
        return BTreeMap::new();
    }
    let cache = Cache::read(root, &path_of(list)).filter(|cache| cache.identity == identity(account));
    let Some(cache) = cache else { return BTreeMap::new() };
    let young = account.sets.keys().filter_map(|set| {
        let kept = Kept::deserialize(cache.sets.get(set)?).ok()?;
        let age = now.checked_sub(kept.fetched)?;
        let fits = age >= 0 && Duration::from_secs(age.unsigned_abs()) < max_age;
        fits.then(|| (set.clone(), kept.values.into_iter().map(Choice::from).collect()))
    });
    young.collect()
}

/// Keeps what was fetched of an account, beside what is kept of it.
///
/// # Errors
/// When it cannot be written.
pub fn keep(
    root: &Path,
    list: &str,
    account: &Account,
    fetched: &BTreeMap<String, Outcome>,
    now: i64,
) -> Result<()> {
    let path = path_of(list);
    let identity = identity(account);
    let before = Cache::read(root, &path).filter(|cache| cache.identity == identity);
    let mut sets = before.map(|cache| cache.sets).unwrap_or_default();
    for (set, result) in fetched {
        if let Ok(choices) = result {
            let kept = Kept { fetched: now, values: choices.iter().map(Value::from).collect() };
            sets.insert(set.clone(), serde_json::to_value(kept).unwrap_or_default());
        }
    }
    if sets.is_empty() {
        return Ok(());
    }
    let (connector, account) = (account.connector.clone(), account.name.clone());
    Cache { connector, account, identity, sets }.write(root, &path)
}

/// All files of the cache that lie in the project, from its root.
#[must_use]
pub fn files(root: &Path) -> Vec<PathBuf> {
    let Ok(real) = fs::canonicalize(root) else { return Vec::new() };
    let names = |folder: &Path| -> Vec<PathBuf> {
        let entries = fs::read_dir(root.join(folder)).into_iter().flatten().flatten();
        entries.map(|entry| folder.join(entry.file_name())).collect()
    };
    let mut files: Vec<PathBuf> =
        names(Path::new(FOLDER)).iter().flat_map(|connector| names(connector)).collect();
    files.retain(|path| {
        // A folder that is a link may lead to what is not ours to remove.
        path.extension().is_some_and(|extension| extension == "json")
            && fs::canonicalize(root.join(path)).is_ok_and(|file| file.starts_with(&real))
    });
    files.sort();
    files
}

/// # Errors
/// When it cannot be removed.
pub fn remove(root: &Path, path: &Path) -> Result<()> {
    fs::remove_file(root.join(path)).map_err(|error| cannot("remove", root, path, &error))
}
