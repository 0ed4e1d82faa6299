//! What `validate` printed, kept between runs by everything that it depends on: each file's content, the flags, the day and
//! the program itself. Where any of these differs, or what is kept is not whole, the project is judged anew.
//!
//! Kept in the user's own cache folder, never in the project; only for projects large enough that it saves time. Nothing
//! that is hidden in a report is in it. Beside it is kept which archives of a catalogue this program proved to be of use.
#![expect(clippy::disallowed_methods, reason = "the door to the user's cache folder")]

use std::fs;
use std::path::{Path, PathBuf};

use rayon::prelude::*;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::args::Form;
use super::session::Session;
use super::streams::Said;
use crate::model::hex;
use crate::ops::Workspace;
use crate::schema::parts::{Archive, taken};
use crate::source::write::{self, Mode};
use crate::source::{SourceFile, Sources, load};

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
///
/// What is printed depends on the request, the form, the project's place (which tells whose store a path is), its files, the
/// day, the program and its catalogue. The request goes into the key whole, so that what is added to it cannot be left out.
#[must_use]
pub fn key(session: &Session, workspace: &Workspace, wanted: &[String]) -> Option<Key> {
    let (request, output, sources) = (session.request(), session.common.output, workspace.sources());
    let lasting = request.revision.is_none() && request.changed_since.is_none() && workspace.base().is_none();
    let plain = matches!(output, Form::Text | Form::Json);
    let files: Vec<&SourceFile> = sources.iter().map(|(_, file)| file).collect();
    // An untrusted run looks at nothing but the repository.
    let is_asked = !session.common.no_cache && !session.common.untrusted;
    if !is_asked || !lasting || !plain || !wanted.is_empty() || files.len() < MIN_FILES {
        return None;
    }
    let program = program()?;
    let mut hash = Sha256::new();
    // Each with its length, so that no two runs can be told by the same bytes.
    let mut add = |bytes: &[u8]| {
        hash.update(bytes.len().to_le_bytes());
        hash.update(bytes);
    };
    add(program.as_bytes());
    add(taken().map_or("", |archive| &archive.digest).as_bytes());
    add(session.host(|host| host.today()).to_string().as_bytes());
    add(output.name().as_bytes());
    add(format!("{request:?}").as_bytes());
    add(workspace.root().as_os_str().as_encoded_bytes());
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

/// What tells this program from others, and from itself as it was built before.
fn program() -> Option<String> {
    let program = fs::metadata(std::env::current_exe().ok()?).ok()?;
    let built = program.modified().ok()?.duration_since(std::time::UNIX_EPOCH).ok()?;
    Some(format!("{} {} {}", env!("CARGO_PKG_VERSION"), program.len(), built.as_nanos()))
}

/// Whether this program proved before that it can use an archive.
#[must_use]
pub fn was_proven(archive: &Archive) -> bool {
    let kept = proofs().and_then(|folder| fs::read_to_string(folder.join(name_of(archive))).ok());
    kept.is_some() && kept == program()
}

/// Keeps that this program can use an archive. Where that cannot be kept, it is proven again.
pub fn note_proven(archive: &Archive) {
    let (Some(folder), Some(program)) = (proofs(), program()) else { return };
    let _ = private(&folder).and_then(|()| {
        write::replace(&folder, Path::new(&name_of(archive)), program.as_bytes(), Mode::Private)
    });
    forget_the_oldest(&folder);
}

fn name_of(archive: &Archive) -> String {
    archive.digest.replace(':', "-")
}

/// What was kept under a key, if it is there and whole.
#[must_use]
pub fn find(key: &Key) -> Option<Kept> {
    let text = load::text_of(&folder()?.join(&key.0)).ok()?;
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
    let written = private(&folder)
        .and_then(|()| write::replace(&folder, Path::new(&key.0), text.as_bytes(), Mode::Private));
    if written.is_err() {
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

fn folder() -> Option<PathBuf> {
    Some(own()?.join("validate"))
}

fn proofs() -> Option<PathBuf> {
    Some(own()?.join("catalogues"))
}

/// `$XDG_CACHE_HOME/pairform`, or below `~/.cache`.
fn own() -> Option<PathBuf> {
    let of = |name: &str| std::env::var_os(name).filter(|value| !value.is_empty()).map(PathBuf::from);
    let base = of("XDG_CACHE_HOME").or_else(|| of("HOME").map(|home| home.join(".cache")))?;
    base.is_absolute().then(|| base.join("pairform"))
}
