//! Another version of the catalogue, as an archive: made of parts, proven to fit this program, and compared with another.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use crate::diagnostic::{Finding, Severity, sort_and_merge};
use crate::schema::archive::{self, Archive, ArchiveError};
use crate::schema::parts::Catalogue;
use crate::source::{SourceFile, Sources};

/// This program's version, which archives say that it made.
pub const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Makes an archive of the parts below `schemas/`; none where something is wrong in them, which is told at its place.
///
/// # Errors
/// When they are no whole catalogue, or the name is none.
pub fn make(
    name: &str,
    sources: &Sources,
    findings: &mut Vec<Finding>,
) -> Result<Option<Archive>, ArchiveError> {
    let catalogue = Catalogue::alone(sources, findings);
    sort_and_merge(findings, sources);
    if findings.iter().any(|one| one.severity == Severity::Error) {
        return Ok(None);
    }
    let written = Archive::read(archive::write(name, VERSION, catalogue.own_trees()))?;
    // As JSON has it, so that a part is written in one way however its YAML was.
    let (bytes, wrong) = written_anew(&written)?;
    wrong.map_or_else(|| Archive::read(bytes).map(Some), Err)
}

/// Proves that this program can use an archive: each part is as its language of parts has it, what they name is there, and every pair
/// links. It is asked as of a project's own parts.
///
/// # Errors
/// With the first of what is wrong.
pub fn prove(archive: &Archive) -> Result<(), ArchiveError> {
    let (bytes, wrong) = written_anew(archive)?;
    if let Some(wrong) = wrong {
        return Err(wrong);
    }
    // What has a key twice, or a number in a form of its own, could be read as two things.
    if bytes == archive.bytes() { Ok(()) } else { Err(ArchiveError::Malformed) }
}

/// The file that an archive is when it is made of what it says, and what is wrong in its parts.
fn written_anew(archive: &Archive) -> Result<(Vec<u8>, Option<ArchiveError>), ArchiveError> {
    let mut sources = Sources::default();
    for path in archive.paths() {
        let json = archive.json(path).ok_or(ArchiveError::Malformed)?;
        sources.add(SourceFile::new(format!("schemas/{path}"), json.to_string()));
    }
    let mut findings = Vec::new();
    let catalogue = Catalogue::alone(&sources, &mut findings);
    let wrong = findings.iter().find(|one| one.severity == Severity::Error).map(|one| {
        let path = sources.path(one.primary.span).to_owned();
        ArchiveError::Misfit { path, message: one.message.clone() }
    });
    Ok((archive::write(&archive.name, &archive.made_with, catalogue.own_trees()), wrong))
}

/// Whether an archive was made by a program that is older than this one, whose own catalogue may know more.
#[must_use]
pub fn is_older(archive: &Archive) -> bool {
    let numbers = |version: &str| -> Vec<u64> {
        version.split(['.', '-', '+']).map_while(|number| number.parse().ok()).collect()
    };
    numbers(&archive.made_with) < numbers(VERSION)
}

/// What differs between two catalogues, as the paths of parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Changes {
    pub new: Vec<String>,
    pub changed: Vec<String>,
    pub gone: Vec<String>,
}

/// Compares two catalogues; where no archive is named it is what is built in.
#[must_use]
pub fn changes(before: Option<&Archive>, after: Option<&Archive>) -> Changes {
    let own = Catalogue::default();
    let of = |archive: Option<&Archive>, path: &str| -> Option<Arc<Json>> {
        match archive {
            Some(archive) => archive.json(path).map(Arc::new),
            None => own.part(path),
        }
    };
    let mut paths: BTreeSet<String> = own.paths();
    paths.extend([before, after].into_iter().flatten().flat_map(Archive::paths).map(str::to_owned));
    let mut changes = Changes::default();
    for path in paths {
        match (of(before, &path), of(after, &path)) {
            (None, Some(_)) => changes.new.push(path),
            (Some(_), None) => changes.gone.push(path),
            (one, other) if one != other => changes.changed.push(path),
            _ => {}
        }
    }
    changes
}
