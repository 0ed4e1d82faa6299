//! Credentials that people wrote in the open: found in the text itself, well-formed or not, and kept out of every message.
//!
//! What a finding quotes comes from the files, so what may be a credential is taken out of it here, once for all.

use std::collections::{BTreeSet, HashSet};
use std::iter::Peekable;
use std::ops::Range;

use aho_corasick::AhoCorasick;
use rayon::prelude::*;

use crate::diagnostic::codes::schema::LEADING_ZERO;
use crate::diagnostic::{Finding, Label};
use crate::model::credential::{
    is_in_url, is_reference, password_in, reference_in_braces, sounds_secret, words_of_keys,
};
use crate::model::tokens::{self, has_shape};
use crate::source::load::PROJECT_FILE;
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Node, NodeKind};

/// The places that look like a credential by the key before them or by their own form, in all files of which a finding
/// shows something.
#[must_use]
pub fn suspicious(sources: &Sources, findings: &[Finding]) -> Vec<Span> {
    files(findings).into_par_iter().flat_map_iter(|file| suspicious_in(sources, file)).collect()
}

/// The places in one file that look like a credential.
#[must_use]
pub fn suspicious_in(sources: &Sources, file: FileId) -> Vec<Span> {
    let source = sources.file(file);
    if describes_platforms(&source.path) {
        return in_data(sources, file);
    }
    let not_these: &[&str] = if source.path == PROJECT_FILE { &["secrets"] } else { &[] };
    let ranges = ranges_after(source.text(), Keys { not_these, ..Keys::default() });
    ranges.into_iter().map(|range| Span::new(file, range.start, range.end)).collect()
}

/// The same, of a text that could not be read as a tree, by the names that a schema calls secret as well.
#[must_use]
pub fn suspicious_by(sources: &Sources, file: FileId, names: &BTreeSet<String>) -> Vec<Span> {
    let ranges = ranges_after(sources.file(file).text(), Keys { names: Some(names), ..Keys::default() });
    ranges.into_iter().map(|range| Span::new(file, range.start, range.end)).collect()
}

/// The files that findings speak of.
fn files(findings: &[Finding]) -> BTreeSet<FileId> {
    let labels = |finding: &Finding| -> Vec<FileId> {
        std::iter::once(&finding.primary).chain(&finding.related).map(|label| label.span.file).collect()
    };
    findings.iter().flat_map(labels).collect()
}

/// Schemas and option lists speak of credentials without holding any: `token:` is a map there, or names a field.
fn describes_platforms(path: &str) -> bool {
    path.starts_with("schemas/") || path.starts_with("options/")
}

/// What may be a credential in such a file all the same: one value after a key that sounds like one, or what a secret field is
/// by default.
fn in_data(sources: &Sources, file: FileId) -> Vec<Span> {
    let mut findings = Vec::new();
    let root = yaml::parse(sources, file, &mut findings);
    let mut found = Vec::new();
    if let (Some(root), true) = (&root, findings.is_empty()) {
        in_data_of(root, &mut found);
        return found;
    }
    let text = sources.file(file).text();
    let ranges = ranges_after(text, Keys { only_lines: true, ..Keys::default() });
    let telling = ranges.into_iter().filter(|range| !names_a_field("", &text[range.clone()]));
    telling.map(|range| Span::new(file, range.start, range.end)).collect()
}

fn in_data_of(node: &Node, into: &mut Vec<Span>) {
    match &node.kind {
        NodeKind::Map(map) => {
            let is_secret = map.get("x-secret").and_then(|entry| entry.value.as_bool()) == Some(true);
            for entry in map.entries() {
                let key = &*entry.key.text;
                let telling = sounds_secret(key) || (is_secret && matches!(key, "default" | "const"));
                match &entry.value.kind {
                    NodeKind::Text(text) | NodeKind::Number(text) if telling => {
                        if !names_a_field(key, text) {
                            into.push(entry.value.span);
                        }
                    }
                    _ => in_data_of(&entry.value, into),
                }
            }
        }
        NodeKind::List(items) => items.iter().for_each(|item| in_data_of(item, into)),
        _ => {}
    }
}

/// Where a description says which field of a connection holds a credential: `"{client_secret}"`, or `secret: webhook_secret`.
fn names_a_field(key: &str, text: &str) -> bool {
    let text = text.trim_matches(['"', '\'']);
    let is_name = |name: &str| name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
    let in_braces = text.strip_prefix('{').and_then(|text| text.strip_suffix('}'));
    in_braces.is_some_and(is_name) || (key == "secret" && is_name(text)) || is_reference(text)
}

/// Values after a key that sounds like a credential: to the end of the line, and the deeper lines below it.
#[must_use]
pub fn suspicious_ranges(text: &str) -> Vec<Range<usize>> {
    ranges_after(text, Keys::default())
}

/// Which keys have a credential behind them, besides those that sound like one.
#[derive(Default, Clone, Copy)]
struct Keys<'a> {
    names: Option<&'a BTreeSet<String>>,
    not_these: &'a [&'a str],
    /// Nothing goes on below the line.
    only_lines: bool,
}

/// Places of a text in their order, asked for line after line.
struct Ahead<Places: Iterator<Item = usize>>(Peekable<Places>);

impl<Places: Iterator<Item = usize>> Ahead<Places> {
    fn stand_in(&mut self, start: usize, line: &str) -> bool {
        while self.0.next_if(|at| *at < start).is_some() {}
        self.0.peek().is_some_and(|at| *at < start + line.len())
    }
}

fn ranges_after(text: &str, keys: Keys<'_>) -> Vec<Range<usize>> {
    let is_named = |key: &str| keys.names.is_some_and(|names| names.contains(key));
    let is_secret = |key: &str| is_named(key) || (sounds_secret(key) && !keys.not_these.contains(&key));
    // Most lines hold nothing of all this, which one look at the whole text tells.
    let mut keys_ahead = Ahead(words_of_keys(text).peekable());
    let mut tokens_ahead = Ahead(tokens::begun(text).peekable());
    let mut urls_ahead = Ahead(text.match_indices("//").map(|(at, _)| at).peekable());
    let mut headers_ahead = Ahead(schemes(text).peekable());
    let mut logins_ahead = Ahead(text.match_indices('@').map(|(at, _)| at).peekable());
    let mut ranges = Vec::new();
    let mut at = 0;
    // The indentation of the key whose value goes on below.
    let mut inside: Option<Inside> = None;
    for line in text.split_inclusive('\n') {
        let content = line.trim_end();
        if let Some(Inside { depth, is_text }) = inside {
            let indent = content.len() - content.trim_start().len();
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
        let has_key = keys_ahead.stand_in(at, line) || keys.names.is_some();
        let values = if has_key { values(content, &is_secret) } else { Vec::new() };
        for range in values {
            let value = content[range.clone()].trim();
            if range.end == content.len() && goes_on(value) && !keys.only_lines {
                // Whatever looks like keys in a bracket or a quote that goes on, or in a block, may be none. No plain text holds any.
                let is_text = value.starts_with(|c: char| !c.is_alphanumeric());
                inside = Some(Inside { depth: key_indent(content), is_text });
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
        let has_url = urls_ahead.stand_in(at, line);
        let mut found = Vec::new();
        if headers_ahead.stand_in(at, line) {
            found.extend(in_headers(content));
        }
        if has_url {
            found.extend(password_in(content));
        }
        if tokens_ahead.stand_in(at, line) {
            found.extend(shaped(content));
        }
        if has_url {
            found.extend(urls(content));
        }
        if logins_ahead.stand_in(at, line) {
            found.extend(logins(content));
        }
        ranges.extend(found.into_iter().map(|range| at + range.start..at + range.end));
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
    if reference_in_braces(value.trim_end_matches([' ', ',']).trim_matches(['"', '\''])).is_some() {
        return true;
    }
    let inner = value.trim_start_matches(['{', '[', ' ']).trim_end_matches(['}', ']', ' ', ',']);
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
fn values(line: &str, is_secret: &dyn Fn(&str) -> bool) -> Vec<Range<usize>> {
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
            // `host=db password=…`, in the midst of a text.
            if let Some(value) = line[end..].strip_prefix('=').filter(|value| !value.starts_with('=')) {
                let start = line.len() - value.len();
                let ends =
                    |c: char| c.is_whitespace() || matches!(c, ';' | '&' | '"' | '\'' | ',' | '}' | ']');
                let value_end = value.find(ends).map_or(line.len(), |length| start + length);
                if value_end > start && !is_harmless(&line[start..value_end]) {
                    ranges.push(start..value_end);
                }
                from = value_end;
            }
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
            // What follows the quote belongs to nothing, and may be the rest of the credential.
            let rest = |close: usize| value[close + 2..].find([',', '}', ']']).map(|rest| close + 2 + rest);
            value[1..].find(quote).and_then(rest).map_or(line.len(), |end| value_start + end)
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
    ranges.extend(tokens::find(line));
    for start in tokens::begun(line) {
        let begins = line[..start].chars().next_back().is_none_or(|c| ends(c) || c == ':');
        let length = line[start..].find(ends).unwrap_or(line.len() - start);
        if begins && has_shape(&line[start..start + length]) {
            ranges.push(start..start + length);
        }
    }
    ranges
}

/// Where a file repeats one of these values: in a comment, as another value or within one. Words, such as a key has, and what is
/// short may stand anywhere and mean nothing there.
#[must_use]
pub fn repeated(sources: &Sources, file: FileId, values: &[Span]) -> Vec<Span> {
    let quotes = |c: char| matches!(c, '"' | '\'');
    let is_word = |value: &str| value.chars().all(|c| c.is_alphabetic() || matches!(c, '_' | '-' | ' '));
    let telling = |value: &&str| value.len() >= LONG && !is_word(value);
    let values: BTreeSet<&str> =
        values.iter().map(|span| sources.text(*span).trim().trim_matches(quotes)).filter(telling).collect();
    let found = if values.is_empty() { None } else { AhoCorasick::new(values).ok() };
    let text = sources.file(file).text();
    let found = found.iter().flat_map(|all| all.find_iter(text));
    found.map(|one| Span::new(file, one.start(), one.end())).collect()
}

/// Where what stands behind a scheme of headers for authorization begins.
fn schemes(text: &str) -> impl Iterator<Item = usize> {
    let capitals = text.match_indices('B').map(|(at, _)| at);
    capitals.filter_map(|at| {
        let scheme = ["Bearer ", "Basic "].into_iter().find(|scheme| text[at..].starts_with(scheme))?;
        Some(at + scheme.len())
    })
}

/// What stands behind the scheme of a header for authorization, `Bearer ` or `Basic `.
fn in_headers(line: &str) -> Vec<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '}' | ']');
    let values =
        schemes(line).map(|start| start..start + line[start..].find(ends).unwrap_or(line.len() - start));
    // A word, such as `Basic settings`, is none.
    let telling = |value: &str| value.len() >= PREFIX && !value.chars().all(char::is_alphabetic);
    values.filter(|range| telling(&line[range.clone()])).collect()
}

/// URLs that hold a password, to the end of their quotes or of the word.
fn urls(line: &str) -> Vec<Range<usize>> {
    let starts = line.match_indices("//").map(|(at, _)| {
        let scheme = line[..at].strip_suffix(':').unwrap_or(&line[..at]);
        let before = scheme.trim_end_matches(|c: char| c.is_ascii_alphanumeric());
        let (start, quote) = (before.len(), before.chars().next_back().filter(|c| matches!(c, '"' | '\'')));
        let length = line[start..].find(|c: char| quote.map_or(c.is_whitespace(), |quote| c == quote));
        start..length.map_or(line.len(), |length| start + length)
    });
    starts.filter(|range| is_in_url(&line[range.clone()])).collect()
}

/// Passwords of addresses that lack their scheme, `user:password@host/database`.
fn logins(line: &str) -> Vec<Range<usize>> {
    let ends = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ',' | '{' | '}' | '[' | ']');
    let found = line.match_indices('@').filter_map(|(at, _)| {
        let start = line[..at].rfind(ends).map_or(0, |end| end + 1);
        let (user, password) = line[start..at].split_once(':')?;
        let host = line[at + 1..].split(ends).next().unwrap_or_default();
        // A key whose colon lacks its space, before an address for mail, is none.
        let is_login = !user.is_empty()
            && !password.is_empty()
            && !password.starts_with("//")
            && host.contains(['/', ':']);
        is_login.then(|| at - password.len()..at)
    });
    found.collect()
}

/// Takes what may be a credential out of what findings quote from the places that they point at. Nothing else that they say is
/// looked at: a word of theirs may be the same as a credential elsewhere. `known` are the places that the schemas' own messages
/// were told of, and that none of these quotes; `suspicious` are those that were found in the texts.
pub fn redact(findings: &mut [Finding], sources: &Sources, known: &[Span], suspicious: &[Span]) {
    let known = Places::of(known.to_vec());
    let unknown = suspicious.iter().copied().filter(|span| known.touching(*span).next().is_none()).collect();
    let (unknown, all) = (Places::of(unknown), Places::of([known.spans.as_slice(), suspicious].concat()));
    for finding in findings {
        let places = if is_of_schema(finding.code.id) { &unknown } else { &all };
        let labels = std::iter::once(&finding.primary).chain(&finding.related);
        let quoted = labels.map(|label| quotable(finding.code.id, sources, label.span));
        let touched: BTreeSet<Span> = quoted.flat_map(|span| places.touching(span)).collect();
        if touched.is_empty() {
            continue;
        }
        let texts = touched.into_iter().flat_map(|span| pieces(sources.text(span))).collect();
        let hidden = Hidden::of(texts);
        let clean = |text: &mut String| without(text, &hidden);
        let label = |label: &mut Label| clean(&mut label.text);
        clean(&mut finding.message);
        label(&mut finding.primary);
        finding.related.iter_mut().for_each(label);
        finding.notes.iter_mut().for_each(clean);
        finding.help.iter_mut().for_each(clean);
        let leaks = |text: &String| !hidden.find(text).is_empty();
        let fix_leaks = |fix: &crate::diagnostic::Fix| {
            leaks(&fix.message) || fix.edits.iter().any(|edit| leaks(&edit.text))
        };
        if finding.fix.as_ref().is_some_and(fix_leaks) {
            finding.fix = None;
        }
    }
}

/// Findings of judging by a schema know which places they may not quote. That a number loses a zero is told when it is read.
fn is_of_schema(code: &str) -> bool {
    code[1..].starts_with("03") && code != LEADING_ZERO.id
}

/// The place that a finding may quote from: what is wrong with the text itself may quote the lines that it points at.
fn quotable(code: &str, sources: &Sources, span: Span) -> Span {
    if !code[1..].starts_with("01") {
        return span;
    }
    let text = sources.file(span.file).text();
    let range = span.range();
    let (before, after) =
        (text.get(..range.start).unwrap_or_default(), text.get(range.end..).unwrap_or_default());
    let start = before.rfind('\n').map_or(0, |at| at + 1);
    let end = range.end + after.find('\n').unwrap_or(after.len());
    Span::new(span.file, start, end)
}

/// Places in their order, found by what touches them.
struct Places {
    spans: Vec<Span>,
    /// How far those up to each reach, in its file.
    reach: Vec<u32>,
}

impl Places {
    fn of(mut spans: Vec<Span>) -> Self {
        spans.sort_unstable();
        spans.dedup();
        let mut reach: Vec<u32> = Vec::with_capacity(spans.len());
        for (at, span) in spans.iter().enumerate() {
            let before = at.checked_sub(1).filter(|before| spans[*before].file == span.file);
            reach.push(before.map_or(span.end, |before| reach[before].max(span.end)));
        }
        Places { spans, reach }
    }

    fn touching(&self, span: Span) -> impl Iterator<Item = Span> + '_ {
        let after = self.spans.partition_point(|place| (place.file, place.start) <= (span.file, span.end));
        let before = (0..after)
            .rev()
            .take_while(move |at| self.spans[*at].file == span.file && self.reach[*at] >= span.start);
        before.map(|at| self.spans[at]).filter(move |place| place.end >= span.start)
    }
}

/// Shorter ones would take common words out of messages.
const SHORTEST: usize = 4;
/// A message may quote only the beginning of a long text.
const PREFIX: usize = 8;

/// A value of a credential that is as long is nothing else where it stands once more.
const LONG: usize = 12;

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

/// The texts of one file that no message may quote, in an order in which what a message quotes of them is found without
/// looking at each.
struct Hidden {
    /// By their bytes: beside the place where a text would stand is the one that shares most of its beginning.
    sorted: Vec<String>,
    /// Words of the language: a credential only where they are quoted.
    common: HashSet<String>,
}

impl Hidden {
    fn of(texts: Vec<String>) -> Self {
        let is_common = |text: &String| text.len() < 12 && text.bytes().all(|byte| byte.is_ascii_lowercase());
        let (common, mut sorted): (Vec<String>, Vec<String>) = texts.into_iter().partition(is_common);
        sorted.sort_unstable();
        sorted.dedup();
        Hidden { sorted, common: common.into_iter().collect() }
    }

    /// Where hidden texts, or at least their beginnings, stand in a message.
    fn find(&self, message: &str) -> Vec<Range<usize>> {
        let mut found: Vec<Range<usize>> =
            message.char_indices().filter_map(|(at, _)| self.at(message, at)).collect();
        found.extend(self.quoted(message));
        found
    }

    fn at(&self, message: &str, at: usize) -> Option<Range<usize>> {
        let text = &message.as_bytes()[at..];
        let place = |text: &[u8]| self.sorted.partition_point(|hidden| hidden.as_bytes() <= text);
        // Whole: one that text begins with, the longest first.
        let mut beginning = text;
        while let Some(hidden) = place(beginning).checked_sub(1).and_then(|at| self.sorted.get(at)) {
            let same = common(hidden.as_bytes(), beginning);
            if same == hidden.len() {
                return Some(at..at + same);
            }
            if same == 0 {
                break;
            }
            beginning = &beginning[..same];
        }
        let next = place(text);
        let near = next.checked_sub(1).into_iter().chain([next]).filter_map(|at| self.sorted.get(at));
        let begins = |hidden: &String| {
            let head = hidden.char_indices().nth(PREFIX).map(|(end, _)| end)?;
            let same = common(hidden.as_bytes(), text);
            (same >= head).then_some(same)
        };
        let same = near.filter_map(begins).max()?;
        Some(at..message.ceil_char_boundary(at + same))
    }

    fn quoted<'a>(&'a self, message: &'a str) -> impl Iterator<Item = Range<usize>> + 'a {
        let is_quote = |c: char| matches!(c, '`' | '"' | '\'' | '*' | '!' | '&');
        let quotes = message.match_indices(is_quote).filter(|_| !self.common.is_empty());
        quotes.filter_map(move |(at, _)| {
            let rest = &message[at + 1..];
            let length = rest.find(|c: char| !c.is_ascii_lowercase())?;
            (rest[length..].starts_with(is_quote) && self.common.contains(&rest[..length]))
                .then_some(at + 1..at + 1 + length)
        })
    }
}

/// How many bytes two texts begin alike.
fn common(one: &[u8], two: &[u8]) -> usize {
    one.iter().zip(two).take_while(|(one, two)| one == two).count()
}

fn without(message: &mut String, hidden: &Hidden) {
    let mut found = hidden.find(message);
    found.sort_unstable_by_key(|range| (range.start, range.end));
    // What overlaps is one, so that no rest of one stays.
    found.dedup_by(|next, one| {
        let overlaps = next.start < one.end;
        one.end = if overlaps { one.end.max(next.end) } else { one.end };
        overlaps
    });
    for range in found.into_iter().rev() {
        message.replace_range(range, "***");
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

    proptest::proptest! {
        #[test]
        fn a_line_that_is_passed_by_holds_no_key_of_a_credential(
            pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..20),
        ) {
            let text = pieces.concat();
            // With names, even with none, each line is looked at.
            proptest::prop_assert_eq!(suspicious_ranges(&text), ranges_after(&text, Keys { names: Some(&BTreeSet::new()), ..Keys::default() }));
        }
    }

    const PIECES: &[&str] = &[
        "\n",
        "\n  ",
        ": ",
        "- ",
        "{",
        "}",
        ", ",
        "# ",
        "x",
        "å",
        "\"",
        " ",
        "_",
        "Token",
        "tok",
        "en",
        "SECRET",
        "api-key",
        "api_",
        "Key",
        "private",
        "consumer_key",
        "passwd",
        "token_url",
        "env/A",
        "http://u:p@h",
        "shpat_0123456789ab",
        "|",
    ];

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
            ("pin_token: ab\n   user: x\n", "pin_token: **\n   user: *\n"),
            ("{token: \"ab\" cd, shop: x}", "{token: *******, shop: x}"),
            ("secretary: Anna\ntoken_count: 3", "secretary: Anna\ntoken_count: 3"),
            ("access_token: \"{secret: env/A}\"", "access_token: \"{secret: env/A}\""),
            ("store: postgres://u:s@h/d # x", "store: ****************** # x"),
            (
                "{store: 'postgres://u@h/d?password=a b', x: y}",
                "{store: '*****************************', x: y}",
            ),
            ("store: postgres://u@h:5432/d", "store: postgres://u@h:5432/d"),
            ("store: \"host=db password=ab cd=e\"", "store: \"host=db password=** cd=e\""),
            ("store: \"Server=db;Password=ab;\"", "store: \"Server=db;Password=**;\""),
            ("store: \"me:ab@db/configure\"", "store: \"me:**@db/configure\""),
            ("mail:anna@shop.example", "mail:anna@shop.example"),
            ("{Authorization: Bearer abc-1234, x: y}", "{Authorization: Bearer ********, x: y}"),
            ("h: \"Basic dTpwYXNz==\"", "h: \"Basic **********\""),
            ("name: Basic settings", "name: Basic settings"),
            ("{store: \"postgres://me@db/c\"}", "{store: \"postgres://me@db/c\"}"),
        ] {
            assert_eq!(masked(text), expected);
        }
    }

    #[test]
    fn a_quoted_beginning_is_taken_out_too() {
        let mut message = "`correct horse batt…` has no colon".to_owned();
        without(&mut message, &Hidden::of(vec!["correct horse battery staple".to_owned()]));
        assert_eq!(message, "`***…` has no colon");
    }
}
