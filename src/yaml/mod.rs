//! YAML 1.2 and JSON as a tree in which every key and every value knows where it was written.
//!
//! This module reads, and [`edit`] changes a text in place; neither knows what a configuration is. There is one meaning of YAML in
//! the program, and it is the one here: the core schema of YAML 1.2, so that `no`, dates and `1_000` are text.
//! Reading cannot fail. What is wrong becomes a finding, one a mistake, and the tree has a [`Kind::Hole`] where the text was
//! wrong, so that later stages need not speak of it again. A map of which an unknown part is missing says so
//! ([`Map::is_cut`]).
//!
//! # Where this reader differs from the standard on purpose
//!
//! The grammar is granit-parser's. Of the 402 cases of the yaml-test-suite (data-2022-01-17) [`parse_stream`] accepts or
//! refuses 386 as the suite does: all 94 invalid ones, and all valid ones but 16. What valid files we refuse:
//!
//! | refused | because | cases |
//! |---|---|---|
//! | a list or a map as a key | a setting's name is text | 4FJ6 6BFJ 6PBE 9MMW KK5P LX3P M2N8/00 M2N8/01 M5DY Q9WF RZP5 SBG9 V9D5 X38W XW4D |
//! | a key twice in one map | YAML asks for unique keys too, and the other would silently vanish | 2JQS |
//! | more than one document, unknown tags (configuration only, not [`parse_stream`]) | a file describes one thing | |
//! | `<<` before anything but maps | we expand merges, which YAML 1.2 does not know | |
//! | deeper than 255, aliases that expand beyond 100,000 values | bounds against hostile files | |

mod build;
pub mod edit;
mod json;
pub mod layout;
mod scalar;
mod syntax;
mod tree;
mod usual;

use crate::diagnostic::Finding;
use crate::diagnostic::codes::yaml as codes;
use crate::source::{Fault, FileId, Sources, Span};

use build::{Mode, Reading};
pub use tree::{Entry, Key, Kind, Map, Node, Trail, find_path, key_at};

/// How deep lists and maps may be nested, aliases expanded.
pub const DEPTH_LIMIT: usize = 255;

/// How many values aliases may add to a file; a long text counts for several.
pub const EXPANSION_LIMIT: usize = 100_000;

/// How many findings one file may have: beyond, it is no file that a person would mend line by line.
const FINDING_LIMIT: usize = 1_000;

/// Reads a file of one document, as configuration is written.
///
/// `None` is a file without content; text that is wholly unusable is a [`Kind::Hole`] with a finding.
pub fn parse(sources: &Sources, file: FileId, findings: &mut Vec<Finding>) -> Option<Node> {
    let root = sources.file(file).with_text(|text, fault| match unusable(text, fault, file, findings) {
        Some(hole) => Some(hole),
        None => read(text, file, Mode::Configuration, findings).into_iter().next(),
    })?;
    // `---` with nothing below it is as empty as nothing.
    (!(root.is_null() && root.span.start == root.span.end)).then_some(root)
}

/// Reads every document of a stream; an empty stream has none.
pub fn parse_stream(sources: &Sources, file: FileId, findings: &mut Vec<Finding>) -> Vec<Node> {
    sources.file(file).with_text(|text, fault| match unusable(text, fault, file, findings) {
        Some(hole) => vec![hole],
        None => read(text, file, Mode::Stream, findings),
    })
}

/// Reads a JSON text (RFC 8259, strict). `None` is a file without content.
pub fn parse_json(sources: &Sources, file: FileId, findings: &mut Vec<Finding>) -> Option<Node> {
    sources.file(file).with_text(|text, fault| match unusable(text, fault, file, findings) {
        Some(hole) => Some(hole),
        None => json::read(text, file, findings),
    })
}

fn read(text: &str, file: FileId, mode: Mode, findings: &mut Vec<Finding>) -> Vec<Node> {
    if let Some(root) = usual::read(text, file) {
        return vec![root];
    }
    let strict = build::read(text, file, mode, true);
    let Reading { documents, findings: found, stop } = strict;
    let Some(strict_stop) = stop else {
        findings.extend(found);
        return documents;
    };
    let lax = build::read(text, file, mode, false);
    let syntax = syntax::explain(text, file, &strict_stop, lax.stop.as_ref());
    // The forgiving reading got at least as far, so its tree hides less.
    let told = lax.findings.iter().any(|f| f.code == syntax.code && f.primary.span == syntax.primary.span);
    findings.extend(lax.findings);
    findings.extend((!told).then_some(syntax));
    if lax.documents.is_empty() { vec![hole(text, file)] } else { lax.documents }
}

/// Reports a file whose bytes are no text to parse, and gives the hole that stands for it.
fn unusable(text: &str, fault: Option<&Fault>, file: FileId, findings: &mut Vec<Finding>) -> Option<Node> {
    let start = clamp(text, file, 0, 0);
    let finding = match fault {
        Some(Fault::TooLarge { bytes, limit }) => codes::too_large(*bytes, *limit, start),
        Some(Fault::Unreadable(reason)) => codes::unreadable(reason, start),
        _ if is_utf16(text) => codes::utf16(start),
        Some(Fault::NotUtf8 { offset }) => codes::not_utf8(clamp(text, file, *offset, offset + 1)),
        None => return None,
    };
    findings.push(finding);
    Some(hole(text, file))
}

/// Every other byte of western text in UTF-16 is zero.
fn is_utf16(text: &str) -> bool {
    let mut head = text.chars().skip_while(|c| *c == '\u{fffd}').take(4);
    let (a, b, c, d) = (head.next(), head.next(), head.next(), head.next());
    let letter = |c: Option<char>| c.is_some_and(|c| c != '\0');
    let zero = |c: Option<char>| c == Some('\0');
    (zero(a) && letter(b) && zero(c)) || (letter(a) && zero(b) && (letter(c) && zero(d) || c.is_none()))
}

fn hole(text: &str, file: FileId) -> Node {
    Node { span: clamp(text, file, 0, text.len()), kind: Kind::Hole }
}

/// A span moved inside the text and onto character boundaries.
fn clamp(text: &str, file: FileId, start: usize, end: usize) -> Span {
    let start = text.floor_char_boundary(start);
    let end = text.ceil_char_boundary(end.min(text.len())).max(start);
    Span::new(file, start, end)
}

/// A few words of a text from a file, for a message: one line, no control characters.
fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut words: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        words.push('…');
    }
    words
}

#[cfg(test)]
mod tests;
