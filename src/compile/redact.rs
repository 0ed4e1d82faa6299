//! Credentials that people wrote in the open: found in the text itself, well-formed or not, and kept out of every message.
//!
//! What a finding quotes comes from the files, so what may be a credential is taken out of it here, once for all.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Range;

use super::check::secrets::{SHAPES, has_shape, is_reference};
use crate::diagnostic::{Finding, Label};
use crate::model::credential::{is_in_url, password_in, sounds_secret};
use crate::source::{FileId, Sources, Span};

/// The places that look like a credential by the key before them or by their own form, in all files of which a finding
/// shows something.
#[must_use]
pub fn suspicious(sources: &Sources, findings: &[Finding]) -> Vec<Span> {
    files(findings).into_iter().flat_map(|file| suspicious_in(sources, file)).collect()
}

/// The places in one file that look like a credential.
#[must_use]
pub fn suspicious_in(sources: &Sources, file: FileId) -> Vec<Span> {
    let source = sources.file(file);
    if !is_configuration(&source.path) {
        return Vec::new();
    }
    let ranges = suspicious_ranges(source.text());
    ranges.into_iter().map(|range| Span::new(file, range.start, range.end)).collect()
}

/// The same, of a text that could not be read as a tree, by the names that a schema calls secret as well.
#[must_use]
pub fn suspicious_by(sources: &Sources, file: FileId, names: &BTreeSet<String>) -> Vec<Span> {
    let ranges = ranges_after(sources.file(file).text(), &|key| names.contains(key) || sounds_secret(key));
    ranges.into_iter().map(|range| Span::new(file, range.start, range.end)).collect()
}

/// The files that findings speak of.
fn files(findings: &[Finding]) -> BTreeSet<FileId> {
    let labels = |finding: &Finding| -> Vec<FileId> {
        std::iter::once(&finding.primary).chain(&finding.related).map(|label| label.span.file).collect()
    };
    findings.iter().flat_map(labels).collect()
}

/// Schemas and option lists describe platforms; nobody writes credentials there, and the word `token` is common.
fn is_configuration(path: &str) -> bool {
    !path.starts_with("schemas/") && !path.starts_with("options/")
}

/// Values after a key that sounds like a credential: to the end of the line, and the deeper lines below it.
#[must_use]
pub fn suspicious_ranges(text: &str) -> Vec<Range<usize>> {
    ranges_after(text, &sounds_secret)
}

/// The keys that are called as credentials are.
type IsSecret<'a> = dyn Fn(&str) -> bool + 'a;

fn ranges_after(text: &str, is_secret: &IsSecret<'_>) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let mut at = 0;
    // The indentation of the key whose value goes on below.
    let mut inside: Option<Inside> = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        let indent = content.len() - content.trim_start().len();
        if let Some(Inside { depth, is_text }) = inside {
            if content.trim().is_empty() || indent > depth {
                if !content.trim().is_empty() && !is_reference_line(content) {
                    // Keys are shown, unless the whole is one text.
                    let key = if is_text { 0 } else { own_key(&content[indent..]) };
                    let value = &content[indent + key..];
                    if !value.is_empty() && !is_harmless(value) {
                        ranges.push(at + indent + key..at + content.len());
                    }
                }
                at += line.len();
                continue;
            }
            inside = None;
        }
        for range in values(content, is_secret) {
            let value = content[range.clone()].trim();
            if range.end == content.len() && goes_on(value) {
                // A bracket or a quote that goes on, a block, a plain text: whatever looks like keys in it may be none.
                inside = Some(Inside { depth: key_indent(content), is_text: !value.is_empty() });
            }
            if !value.is_empty() && !is_harmless(value) {
                let parts = flow_values(value);
                let start = at + range.start;
                match parts {
                    Some(parts) => {
                        ranges.extend(parts.into_iter().map(|part| start + part.start..start + part.end));
                    }
                    None => ranges.push(start..at + range.end),
                }
            }
        }
        if let Some(range) = password_in(content) {
            ranges.push(at + range.start..at + range.end);
        }
        ranges.extend(shaped(content).into_iter().map(|range| at + range.start..at + range.end));
        at += line.len();
    }
    ranges
}

/// Lines below the key of a credential.
#[derive(Clone, Copy)]
struct Inside {
    depth: usize,
    is_text: bool,
}

/// The length of the key, its colon and the spaces after it, with which a line begins.
fn own_key(line: &str) -> usize {
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '"' | '\'' | '.');
    let start = line.len() - line.trim_start_matches([' ', '-']).len();
    let end = line[start..].find(|c| !word(c)).map_or(line.len(), |at| start + at);
    let rest = &line[end..];
    if end == start || !(rest.starts_with(": ") || rest == ":") {
        return 0;
    }
    line.len() - rest[1..].trim_start().len()
}

/// The values of a map in braces on one line, whose keys are shown; `None` for anything else.
fn flow_values(text: &str) -> Option<Vec<Range<usize>>> {
    let inner = text.strip_prefix('{')?.strip_suffix('}')?;
    if inner.contains(['{', '}', '[', ']', '"', '\'', '#']) {
        return None;
    }
    let mut at = 1;
    let mut ranges = Vec::new();
    for part in inner.split(',') {
        let blank = part.len() - part.trim_start().len();
        let key = own_key(&part[blank..]);
        let value = part[blank + key..].trim_end();
        if !value.is_empty() {
            ranges.push(at + blank + key..at + blank + key + value.len());
        }
        at += part.len() + 1;
    }
    Some(ranges)
}

/// How deep the key stands, dashes before it counted.
fn key_indent(line: &str) -> usize {
    line.len() - line.trim_start_matches([' ', '\t', '-']).len()
}

/// `secret: env/NAME` on a line of its own.
fn is_reference_line(line: &str) -> bool {
    let value = line.trim().strip_prefix("secret:").map(str::trim);
    value.is_some_and(|value| is_reference(value.trim_matches(['"', '\''])))
}

/// A value that is continued on the lines below: a block, a bracket, a quote, a mark, or plain text.
fn goes_on(value: &str) -> bool {
    let closed =
        |open: char, close: char| value.starts_with(open) && value.len() > 1 && value.ends_with(close);
    !(closed('{', '}') || closed('"', '"') || closed('\'', '\''))
}

/// What may be shown: references, and marks that say that the value stands below.
fn is_harmless(value: &str) -> bool {
    let inner = value.trim_start_matches(['{', ' ']).trim_end_matches(['}', ' ', ',']);
    let inner = inner.strip_prefix("secret:").map_or(inner, str::trim);
    let inner = inner.trim_matches(['"', '\'']);
    let block = value.starts_with(['|', '>']) && value.len() <= 3;
    // More than a name or a path may hide something behind it.
    let plain = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ' | '#');
    let reference = is_reference(inner) && inner.chars().all(plain);
    block || inner.is_empty() || reference || ["null", "~", "{}", "[", "{"].contains(&value)
}

/// The ranges of values after keys that sound like a credential, on one line. A key may lack its colon or the space
/// after it.
fn values(line: &str, is_secret: &IsSecret<'_>) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let word = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-');
    let mut from = 0;
    while let Some(start) = line[from..].find(word).map(|at| from + at) {
        let end = line[start..].find(|c| !word(c)).map_or(line.len(), |at| start + at);
        from = end;
        let key = &line[start..end];
        if !is_secret(key) {
            continue;
        }
        let before = line[..start].trim_end_matches(['"', '\'']);
        // What was commented out may be a credential all the same.
        let opens = before.trim_start_matches([' ', '\t', '-', '?', '#']).is_empty()
            || before.trim_end().ends_with(['{', ',', '[', '#']);
        if !opens {
            continue;
        }
        let rest = line[end..].trim_start_matches(['"', '\'']);
        let value = rest.trim_start().trim_start_matches([':', '=']).trim_start();
        // Prose in a comment may begin with the word.
        let is_prose = value.split_whitespace().count() > 3 && !rest.trim_start().starts_with([':', '=']);
        if before.trim_end().ends_with('#') && is_prose {
            continue;
        }
        if rest == value && !value.is_empty() && !rest.starts_with([':', '=']) {
            continue;
        }
        let value_start = line.len() - value.len();
        let flow = before.contains('{') || before.contains('[');
        let value_end = if flow && !value.starts_with(['{', '"', '\'']) {
            value_start + value.find([',', '}', ']']).unwrap_or(value.len())
        } else if flow && value.starts_with(['"', '\'']) {
            let quote = value.chars().next().unwrap_or('"');
            value[1..].find(quote).map_or(line.len(), |close| value_start + close + 2)
        } else if value.starts_with('{') {
            value.find('}').map_or(line.len(), |close| value_start + close + 1)
        } else {
            // To the end: a comment behind a credential may hold another one.
            line.len()
        };
        ranges.push(value_start..value_end);
        from = value_end.max(end);
    }
    ranges
}

/// Words that have the form of a known kind of credential.
fn shaped(line: &str) -> Vec<Range<usize>> {
    let mut ranges = Vec::new();
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}' | ']' | '{' | '[');
    for shape in SHAPES {
        for (start, _) in line.match_indices(shape) {
            let begins = line[..start].chars().next_back().is_none_or(|c| ends(c) || c == ':');
            let length = line[start..].find(ends).unwrap_or(line.len() - start);
            if begins && has_shape(&line[start..start + length]) {
                ranges.push(start..start + length);
            }
        }
    }
    ranges.extend(urls(line));
    ranges
}

/// URLs that hold a password, to the end of their quotes or of the word.
fn urls(line: &str) -> Vec<Range<usize>> {
    let starts = line.match_indices("://").map(|(at, _)| {
        let before = line[..at].trim_end_matches(|c: char| c.is_ascii_alphanumeric());
        let (start, quote) = (before.len(), before.chars().next_back().filter(|c| matches!(c, '"' | '\'')));
        let length = line[start..].find(|c: char| quote.map_or(c.is_whitespace(), |quote| c == quote));
        start..length.map_or(line.len(), |length| start + length)
    });
    starts.filter(|range| is_in_url(&line[range.clone()])).collect()
}

/// Takes what may be a credential out of everything that findings say.
pub fn redact(findings: &mut [Finding], sources: &Sources, hidden: &[Span]) {
    let mut by_file: BTreeMap<FileId, Vec<String>> = BTreeMap::new();
    let spoken_of = files(findings);
    for span in hidden.iter().filter(|span| spoken_of.contains(&span.file)) {
        let texts = by_file.entry(span.file).or_default();
        texts.extend(pieces(sources.text(*span)));
    }
    for texts in by_file.values_mut() {
        // The longest first, so that no rest of one stays.
        texts.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        texts.dedup();
    }
    for finding in findings {
        let files: Vec<FileId> =
            std::iter::once(&finding.primary).chain(&finding.related).map(|label| label.span.file).collect();
        let mut texts: Vec<&String> = files.iter().filter_map(|file| by_file.get(file)).flatten().collect();
        texts.dedup();
        if texts.is_empty() {
            continue;
        }
        let clean = |text: &mut String| {
            for hidden in &texts {
                without(text, hidden);
            }
        };
        let label = |label: &mut Label| clean(&mut label.text);
        clean(&mut finding.message);
        label(&mut finding.primary);
        finding.related.iter_mut().for_each(label);
        finding.notes.iter_mut().for_each(clean);
        finding.help.iter_mut().for_each(clean);
        let leaks = |text: &String| texts.iter().any(|hidden| find(text, hidden).is_some());
        let fix_leaks = |fix: &crate::diagnostic::Fix| {
            leaks(&fix.message) || fix.edits.iter().any(|edit| leaks(&edit.text))
        };
        if finding.fix.as_ref().is_some_and(fix_leaks) {
            finding.fix = None;
        }
    }
}

/// Shorter ones would take common words out of messages.
const SHORTEST: usize = 4;
/// A message may quote only the beginning of a long text.
const PREFIX: usize = 8;

/// A hidden text as messages may quote it: whole, by line, without quotes and marks.
fn pieces(text: &str) -> Vec<String> {
    let mut pieces = Vec::new();
    for line in text.lines().chain([text]) {
        let line = line.trim();
        let bare = line.trim_matches(['"', '\'']);
        let unmarked = bare.trim_start_matches(['*', '&', '!', '@', '%', '`', '|', '>', '{', '[', '-', ' ']);
        pieces.extend([line, bare, unmarked].map(str::to_owned));
        let words = unmarked.split([' ', ',', '}', ']', '"', '\'']);
        let telling =
            |word: &&str| word.len() >= PREFIX && !word.bytes().all(|byte| byte.is_ascii_lowercase());
        pieces.extend(words.filter(telling).map(str::to_owned));
    }
    pieces.retain(|piece| piece.chars().count() >= SHORTEST && !is_reference(piece));
    pieces
}

/// Where a hidden text, or at least its beginning, stands in a message.
fn find(message: &str, hidden: &str) -> Option<Range<usize>> {
    // A word of the language is a credential only where it is quoted.
    let common = hidden.len() < 12 && hidden.bytes().all(|byte| byte.is_ascii_lowercase());
    for (start, _) in message.match_indices(hidden) {
        let end = start + hidden.len();
        let before = message[..start].chars().next_back();
        let after = message[end..].chars().next();
        let quotes = |c: Option<char>| matches!(c, Some('`' | '"' | '\'' | '*' | '!' | '&'));
        if !common || (quotes(before) && quotes(after)) {
            return Some(start..end);
        }
    }
    if common {
        return None;
    }
    let head = hidden.char_indices().nth(PREFIX).map(|(at, _)| at)?;
    let start = message.find(&hidden[..head])?;
    let same = message[start..].bytes().zip(hidden.bytes()).take_while(|(a, b)| a == b).count();
    let end = message.ceil_char_boundary(start + same);
    Some(start..end)
}

fn without(message: &mut String, hidden: &str) {
    let mut bound = 64;
    while let Some(range) = find(message, hidden) {
        message.replace_range(range, "***");
        bound -= 1;
        if bound == 0 || "***".contains(hidden) {
            break;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn masked(text: &str) -> String {
        let mut masked = text.to_owned();
        for range in suspicious_ranges(text) {
            let stars = "*".repeat(range.len());
            masked.replace_range(range, &stars);
        }
        masked
    }

    #[test]
    fn values_of_credential_like_keys_are_masked_and_references_are_not() {
        for (text, expected) in [
            ("  access_token: abc_1", "  access_token: *****"),
            ("{acces_token: ab, shop: c}", "{acces_token: **, shop: c}"),
            ("client_secret: {secret: env/A}", "client_secret: {secret: env/A}"),
            ("client_secret: {secret: hunter22}", "client_secret: {secret: ********}"),
            (
                "credentials:\n  user: me\n  list:\n    - one\nnext: x",
                "credentials:\n  user: **\n  list:\n    *****\nnext: x",
            ),
            ("access_token abc", "access_token ***"),
            ("access_token:abc", "access_token:***"),
            ("password: |\n  one\n\n  two\nnext: x\n", "password: |\n  ***\n\n  ***\nnext: x\n"),
            ("password:\n  secret: env/A\nnext: x\n", "password:\n  secret: env/A\nnext: x\n"),
            ("name: Nordic", "name: Nordic"),
            ("token_url: https://x", "token_url: https://x"),
            ("shop: shpat_0123456789ab", "shop: ******************"),
            ("# token: old", "# token: ***"),
            ("- token: a\n  shop: b", "- token: *\n  shop: b"),
            ("store: postgres://u:s@h/d # x", "store: **************** # x"),
            (
                "{store: 'postgres://u@h/d?password=a b', x: y}",
                "{store: '******************************', x: y}",
            ),
            ("store: postgres://u@h:5432/d", "store: postgres://u@h:5432/d"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn a_quoted_beginning_is_taken_out_too() {
        let mut message = "`correct horse batt…` has no colon".to_owned();
        without(&mut message, "correct horse battery staple");
        assert_eq!(message, "`***…` has no colon");
    }
}
