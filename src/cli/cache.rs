//! What `validate` printed, kept between runs by everything that it depends on: each file's content, the flags, the day and
//! the program itself. Where any of these differs, or what is kept is not whole, the project is judged anew.
//!
//! Kept in the user's own cache folder, never in the project; only for projects large enough that it saves time. Nothing
//! that is hidden in a report is in it.
#![expect(clippy::disallowed_methods, reason = "the door to the user's cache folder")]

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::args::{Common, Form};
use super::project;
use super::streams::Said;
use crate::source::{SourceFile, Sources};

/// Smaller projects are judged in the time that looking takes.
const MIN_FILES: usize = 200;
/// As many results as are kept; the oldest go first.
const KEPT: usize = 32;

/// Names one result.
pub struct Key(String);

/// What a run printed, and its exit code.
#[derive(Serialize, Deserialize)]
pub struct Kept {
    pub code: u8,
    pub said: Vec<Said>,
}

/// The name of this run's result; none where it is not to be kept. To judge a few files is quicker than to look at all.
#[must_use]
pub fn key(common: &Common, wanted: &[String], sources: &Sources) -> Option<Key> {
    let lasting = common.rev.is_none() && common.changed_since.is_none();
    let plain = matches!(common.output, Form::Text | Form::Json);
    let files: Vec<&SourceFile> = sources.iter().map(|(_, file)| file).collect();
    if common.no_cache || !lasting || !plain || !wanted.is_empty() || files.len() < MIN_FILES {
        return None;
    }
    let program = fs::metadata(std::env::current_exe().ok()?).ok()?;
    let built = program.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    let mut hash = Sha256::new();
    // Each with its length, so that no two runs can be told by the same bytes.
    let mut add = |bytes: &[u8]| {
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    };
    add(env!("CARGO_PKG_VERSION").as_bytes());
    add(&program.len().to_le_bytes());
    add(&built.as_nanos().to_le_bytes());
    add(project::today().to_string().as_bytes());
    add(common.output.name().as_bytes());
    add(common.env.as_deref().unwrap_or("\0").as_bytes());
    for list in [&common.integration, &common.pair, &common.category, &common.exclude] {
        add(&list.len().to_le_bytes());
        list.iter().for_each(|one| add(one.as_bytes()));
    }
    let digests: Vec<_> = files
        .par_iter()
        .map(|file| file.with_text(|text, fault| fault.is_none().then(|| Sha256::digest(text.as_bytes()))))
        .collect();
    for (file, digest) in files.iter().zip(digests) {
        add(file.path.as_bytes());
        add(&digest?);
    }
    Some(Key(hex(&hash.finalize())))
}

/// What was kept under a key, if it is there and whole.
#[must_use]
pub fn find(key: &Key) -> Option<Kept> {
    let text = fs::read_to_string(folder()?.join(&key.0)).ok()?;
    let (digest, body) = text.split_once('\n')?;
    (hex(&Sha256::digest(body.as_bytes())) == digest).then(|| serde_json::from_str(body).ok()).flatten()
}

/// Keeps a result. Where that cannot be done, the next run judges again; nothing is kept of files that changed after the key
/// was made.
pub fn keep(key: &Key, kept: &Kept, sources: &Sources) {
    if sources.iter().any(|(_, file)| file.has_failed()) {
        return;
    }
    let Some(folder) = folder() else { return };
    let Ok(body) = serde_json::to_string(kept) else { return };
    let text = format!("{}\n{body}", hex(&Sha256::digest(body.as_bytes())));
    let beside = folder.join(format!("{}.{}", key.0, std::process::id()));
    let written = private(&folder)
        .and_then(|()| fs::File::create(&beside))
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .and_then(|()| fs::rename(&beside, folder.join(&key.0)));
    if written.is_err() {
        let _ = fs::remove_file(&beside);
        return;
    }
    forget_the_oldest(&folder);
}

/// A folder that is its owner's alone.
fn private(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.recursive(true).create(folder)
}

fn forget_the_oldest(folder: &Path) {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let mut kept: Vec<_> =
        entries.filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()))).collect();
    kept.sort();
    for (_, path) in kept.iter().take(kept.len().saturating_sub(KEPT)) {
        let _ = fs::remove_file(path);
    }
}

/// `$XDG_CACHE_HOME/pairform/validate`, or below `~/.cache`.
fn folder() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = of("XDG_CACHE_HOME").or_else(|| of("HOME").map(|home| home.join(".cache")))?;
    base.is_absolute().then(|| base.join("pairform/validate"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
