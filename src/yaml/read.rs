//! The ways into a text: which reader takes it, and what is said of one that is no text at all.

use super::build::{self, Mode, Reading};
use super::text::{clamp, hole};
use super::tree::Node;
use super::{fast_path, json, syntax};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::yaml as codes;
use crate::source::{FileId, ReadFault, Sources};

/// Reads a file of one document, as configuration is written.
///
/// `None` is a file without content; text that is wholly unusable is a [`NodeKind::Hole`](super::NodeKind::Hole) with a finding.
pub fn parse(sources: &Sources, file: FileId, findings: &mut Vec<Finding>) -> Option<Node> {
    parse_beside(sources, file, findings, &mut |_| ())
}

/// As [`parse`]; `look` sees the text that is read, which is not kept.
pub fn parse_beside(
    sources: &Sources,
    file: FileId,
    findings: &mut Vec<Finding>,
    look: &mut dyn FnMut(&str),
) -> Option<Node> {
    let root = sources.file(file).with_text(|text, fault| match unusable(text, fault, file, findings) {
        Some(hole) => Some(hole),
        None => {
            look(text);
            read(text, file, Mode::Configuration, findings).into_iter().next()
        }
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
        None => {
            let mut said = Vec::new();
            let root = json::read(text, file, &mut said);
            let conflict = if said.is_empty() { None } else { conflict(text, file) };
            match conflict {
                Some(conflict) => {
                    findings.push(conflict);
                    Some(hole(text, file))
                }
                None => {
                    findings.append(&mut said);
                    root
                }
            }
        }
    })
}

/// A merge that git left for people to finish: where both sides stand.
fn conflict(text: &str, file: FileId) -> Option<Finding> {
    let mut at = 0;
    let mut marks = Vec::new();
    for line in text.split_inclusive('\n') {
        let code = line.trim_end();
        let mark = ["<<<<<<<", "=======", ">>>>>>>"][marks.len()];
        if code.strip_prefix(mark).is_some_and(|rest| rest.is_empty() || rest.starts_with(' ')) {
            marks.push(clamp(text, file, at, at + code.len()));
        }
        if let [ours, between, theirs] = marks[..] {
            return Some(codes::merge_conflict(ours, between, theirs));
        }
        at += line.len();
    }
    None
}

fn read(text: &str, file: FileId, mode: Mode, findings: &mut Vec<Finding>) -> Vec<Node> {
    if let Some(root) = fast_path::read(text, file) {
        return vec![root];
    }
    let strict = build::read(text, file, mode, true);
    let Reading { documents, findings: found, stop } = strict;
    let Some(strict_stop) = stop else {
        findings.extend(found);
        return documents;
    };
    if let Some(conflict) = conflict(text, file) {
        findings.push(conflict);
        return vec![hole(text, file)];
    }
    let lax = build::read(text, file, mode, false);
    let syntax = syntax::explain(text, file, &strict_stop, lax.stop.as_ref());
    // The forgiving reading got at least as far, so its tree hides less.
    let told = lax
        .findings
        .iter()
        .any(|f| f.code == syntax.code && f.primary.span.start == syntax.primary.span.start);
    findings.extend(lax.findings);
    let hides_all = syntax::hides_all(&syntax);
    findings.extend((!told).then_some(syntax));
    if hides_all {
        return vec![hole(text, file)];
    }
    if lax.documents.is_empty() { vec![hole(text, file)] } else { lax.documents }
}

/// Reports a file whose bytes are no text to parse, and gives the hole that stands for it.
fn unusable(
    text: &str,
    fault: Option<&ReadFault>,
    file: FileId,
    findings: &mut Vec<Finding>,
) -> Option<Node> {
    let start = clamp(text, file, 0, 0);
    let finding = match fault {
        Some(ReadFault::TooLarge { bytes, limit }) => codes::too_large(*bytes, *limit, start),
        Some(ReadFault::Unreadable(reason)) => codes::unreadable(reason, start),
        _ if is_utf16(text) => codes::utf16(start),
        Some(ReadFault::NotUtf8 { offset }) => codes::not_utf8(clamp(text, file, *offset, offset + 1)),
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
