//! A catalogue as one file, which a program can take in the place of the one that is built into it: connectors, categories, pairs,
//! flows and VAT rates. The language that they are written in (`meta/`) and the shape of a document stay the program's own.
//!
//! The first line says that it is one and of which format, the second is a checksum of all that follows: a value in
//! the form of `packed.rs`, `{name, made_with, parts: {path: part}}`, parts in the order of their paths. Reading is bounded and
//! gives parts alone, never a path of the machine. Whether they fit together is asked elsewhere (`ops::catalogue`).

use std::collections::BTreeMap;
use std::ops::Range;

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::packed::{Packed, Reader};
use super::part_names::{FLOWS, FOLDERS, meta_of, stem};
use super::vat;
use crate::model::hex;
use crate::yaml::{self, Node};

/// What an archive begins with, before its format.
const BEGINNING: &str = "pairform catalogue ";

/// The format that is written, and the one that is read.
pub const FORMAT: u32 = 1;

/// No archive is longer; what is built in takes a tenth of it.
pub const LARGEST: usize = 4 << 20;

/// The longest name of an archive.
const LONGEST_NAME: usize = 64;

/// Why an archive cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("it is no catalogue that `pairform schema pack` made")]
    Other,
    #[error("it is larger than the {} MiB that a catalogue may have", LARGEST >> 20)]
    TooLarge,
    #[error("it is of format {0}, and this program reads format {FORMAT}: it takes a newer pairform")]
    Newer(u32),
    #[error("it is of format {0}, and this program reads format {FORMAT}: it has to be made anew")]
    Older(u32),
    #[error("it is damaged: its checksum is not that of what it holds")]
    Damaged,
    #[error("it is not written as a catalogue is")]
    Malformed,
    #[error(
        "`{0}` is no name for a catalogue: letters, digits, `.`, `-`, `_` and `+`, {LONGEST_NAME} at most"
    )]
    Name(String),
    #[error("it holds `{0}`, which is no part of a catalogue")]
    Stray(String),
    #[error("it is not whole: it has no {0}")]
    Lacking(&'static str),
    #[error("its parts do not fit this program: {path}: {message}")]
    Misfit { path: String, message: String },
}

/// A catalogue that was read.
#[derive(Debug)]
pub struct Archive {
    pub name: String,
    /// The version of the program that made it.
    pub made_with: String,
    /// `sha256:` and the digest of its content.
    pub digest: String,
    bytes: Vec<u8>,
    parts: BTreeMap<String, Range<usize>>,
}

impl Archive {
    /// Reads an archive, whoever made it.
    ///
    /// # Errors
    /// When it is none, damaged, of another format, or not whole.
    pub fn read(bytes: Vec<u8>) -> Result<Self, ArchiveError> {
        if bytes.len() > LARGEST {
            return Err(ArchiveError::TooLarge);
        }
        let rest = bytes.strip_prefix(BEGINNING.as_bytes()).ok_or(ArchiveError::Other)?;
        let (format, rest) = line(rest).ok_or(ArchiveError::Other)?;
        match format.parse::<u32>() {
            Ok(FORMAT) => {}
            Ok(newer) if newer > FORMAT => return Err(ArchiveError::Newer(newer)),
            Ok(older) => return Err(ArchiveError::Older(older)),
            Err(_) => return Err(ArchiveError::Other),
        }
        let (digest, body) = line(rest).ok_or(ArchiveError::Damaged)?;
        if digest != digest_of(body) {
            return Err(ArchiveError::Damaged);
        }
        let digest = digest.to_owned();
        let (name, made_with, parts) = content(body, bytes.len() - body.len())?;
        Ok(Archive { name, made_with, digest, bytes, parts })
    }

    /// The file that holds it.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// Whether a path is one that an archive answers for.
    pub(super) fn holds(path: &str) -> bool {
        meta_of(path).is_some()
    }

    pub(super) fn part(&self, path: &str) -> Option<Packed<'_>> {
        Some(Packed::proven(self.bytes.get(self.parts.get(path)?.clone())?))
    }

    /// The paths of its parts below `schemas/`, sorted.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.parts.keys().map(String::as_str)
    }

    /// A part as JSON.
    #[must_use]
    pub fn json(&self, path: &str) -> Option<Json> {
        self.part(path)?.to_json()
    }
}

/// The file of these parts; whether it can be read again is [`Archive::read`]'s to say.
pub fn write<'a>(name: &str, made_with: &str, parts: impl Iterator<Item = (&'a str, &'a Node)>) -> Vec<u8> {
    let parts: BTreeMap<&str, &Node> = parts.collect();
    let mut body = Vec::new();
    yaml::begin_map(3, &mut body);
    for (key, text) in [("name", name), ("made_with", made_with)] {
        yaml::pack_key(key, &mut body);
        yaml::pack_text(text, &mut body);
    }
    yaml::pack_key("parts", &mut body);
    yaml::begin_map(parts.len(), &mut body);
    for (path, part) in parts {
        yaml::pack_key(path, &mut body);
        yaml::pack(part, &mut body);
    }
    sealed(&body)
}

/// The file of a body: with what it is, and its checksum.
#[must_use]
pub fn sealed(body: &[u8]) -> Vec<u8> {
    [format!("{BEGINNING}{FORMAT}\n{}\n", digest_of(body)).as_bytes(), body].concat()
}

/// The first line and what follows it; no line of an archive is longer than a digest.
fn line(bytes: &[u8]) -> Option<(&str, &[u8])> {
    let end = bytes.iter().take(80).position(|byte| *byte == b'\n')?;
    Some((std::str::from_utf8(&bytes[..end]).ok()?, &bytes[end + 1..]))
}

fn digest_of(body: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(body)))
}

type Content = (String, String, BTreeMap<String, Range<usize>>);

/// Name, maker and parts of a body that begins at this place of the file.
fn content(body: &[u8], begin: usize) -> Result<Content, ArchiveError> {
    let mut reader = Reader(body);
    let head = |reader: &mut Reader<'_>| -> Option<(String, String, usize)> {
        (reader.map()? == 3 && reader.key()? == "name").then_some(())?;
        let name = reader.text()?.to_owned();
        (reader.key()? == "made_with").then_some(())?;
        let made_with = reader.text()?.to_owned();
        (reader.key()? == "parts").then_some(())?;
        Some((name, made_with, reader.map()?))
    };
    let (name, made_with, number) = head(&mut reader).ok_or(ArchiveError::Malformed)?;
    for said in [&name, &made_with] {
        if !is_name(said) {
            return Err(ArchiveError::Name(said.chars().take(LONGEST_NAME).collect()));
        }
    }
    let mut parts: BTreeMap<String, Range<usize>> = BTreeMap::new();
    for _ in 0..number {
        let path = reader.key().ok_or(ArchiveError::Malformed)?;
        if !is_part(path) {
            return Err(ArchiveError::Stray(path.chars().take(LONGEST_NAME).collect()));
        }
        let at = |reader: &Reader<'_>| begin + body.len() - reader.0.len();
        let from = at(&reader);
        reader.pass().ok_or(ArchiveError::Malformed)?;
        let is_next = parts.last_key_value().is_none_or(|(last, _)| last.as_str() < path);
        if !is_next {
            return Err(ArchiveError::Malformed);
        }
        parts.insert(path.to_owned(), from..at(&reader));
    }
    if !reader.0.is_empty() {
        return Err(ArchiveError::Malformed);
    }
    for single in [FLOWS, vat::PATH] {
        if !parts.contains_key(single) {
            return Err(ArchiveError::Lacking(single));
        }
    }
    for (folder, one) in FOLDERS {
        if !parts.keys().any(|path| stem(path, folder).is_some()) {
            return Err(ArchiveError::Lacking(one));
        }
    }
    Ok((name, made_with, parts))
}

/// Whether a part may be called so: what it is called becomes names of files where pages are written.
fn is_part(path: &str) -> bool {
    let is_id = |id: &str| {
        let may_stand = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_';
        id.starts_with(|c: char| c.is_ascii_lowercase()) && id.chars().all(may_stand)
    };
    match FOLDERS.iter().find_map(|(folder, _)| stem(path, folder)) {
        Some(id) => is_id(&id),
        None => Archive::holds(path),
    }
}

fn is_name(text: &str) -> bool {
    let may_stand = |c: char| c.is_ascii_alphanumeric() || ".-_+".contains(c);
    text.starts_with(|c: char| c.is_ascii_alphanumeric())
        && text.len() <= LONGEST_NAME
        && text.chars().all(may_stand)
}
