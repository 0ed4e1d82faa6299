//! Edits that keep everything else: comments, order, quotes, indentation. A value is set or a key taken out by replacing
//! a span of the text; what comes out is parsed again and has to be the tree that was meant, with the comments as they were,
//! else the edit is refused.
//!
//! New text is written here too ([`document`]): blocks of two spaces a level, plain where YAML needs no quotes.

use granit_parser::{Event, Parser};
use serde_json::Value as Json;

use super::read::parse;
use super::scalar;
use super::tree::{Entry, Key, Map, Node, NodeKind};
use crate::source::{FileId, SourceFile, Sources, Span};

/// Why a text was left alone.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EditError {
    #[error("the file has mistakes; mend them first")]
    Unreadable,
    #[error("`{0}` is no map in the file")]
    NotAMap(String),
    #[error("`{0}` is written in a way that cannot be edited safely")]
    Shape(String),
    #[error("the edit of `{0}` would change something else too")]
    Meaning(String),
    #[error("the edit of `{0}` would lose a comment")]
    Comment(String),
}

/// The text in which the value under `keys` is `value`; maps on the way are made where there are none.
///
/// # Errors
/// When that cannot be done without changing something else; see [`EditError`].
pub fn set(text: &str, keys: &[&str], value: &Json) -> Result<String, EditError> {
    let said = keys.join(".");
    let root = tree(text).ok_or(EditError::Unreadable)?;
    let mut expected = root.clone();
    put(&mut expected, keys, value).ok_or_else(|| EditError::NotAMap(said.clone()))?;
    let edited = splice_value(text, &root, keys, value).ok_or_else(|| EditError::Shape(said.clone()))?;
    prove(text, &edited, &expected, &said)?;
    Ok(edited)
}

/// The text without the key that `keys` lead to. A map that loses its last key becomes `{}`.
///
/// # Errors
/// As [`set`].
pub fn remove(text: &str, keys: &[&str]) -> Result<String, EditError> {
    let said = keys.join(".");
    let root = tree(text).ok_or(EditError::Unreadable)?;
    let mut expected = root.clone();
    take(&mut expected, keys).ok_or_else(|| EditError::NotAMap(said.clone()))?;
    let edited = splice_out(text, &root, keys).ok_or_else(|| EditError::Shape(said.clone()))?;
    prove(text, &edited, &expected, &said)?;
    Ok(edited)
}

/// The keys that lead to the entry whose key stands at `span`.
#[must_use]
pub fn keys_to(root: &Node, span: Span) -> Option<Vec<String>> {
    let map = root.as_map()?;
    for entry in map.entries() {
        if entry.key.span == span {
            return Some(vec![entry.key.text.to_string()]);
        }
        if let Some(below) = keys_to(&entry.value, span) {
            return Some([vec![entry.key.text.to_string()], below].concat());
        }
    }
    None
}

/// The keys that lead to the list in which an item stands at `span`.
#[must_use]
pub fn keys_to_list(root: &Node, span: Span) -> Option<Vec<String>> {
    root.as_map()?.entries().iter().find_map(|entry| {
        let key = entry.key.text.to_string();
        if entry.value.as_list().is_some_and(|items| items.iter().any(|item| item.span == span)) {
            return Some(vec![key]);
        }
        Some([vec![key], keys_to_list(&entry.value, span)?].concat())
    })
}

/// The comments of a text, in order.
#[must_use]
pub fn comments(text: &str) -> Vec<String> {
    let options = granit_parser::options! {
        strict_indentation: false,
        emit_comments: true,
        max_buffered_comment_events: text.lines().count() + 1,
        emit_unresolved_aliases: true,
    };
    let mut found: Vec<(usize, String)> = Parser::new_from_str_with_options(text, options)
        .map_while(Result::ok)
        .filter_map(|(event, place)| match event {
            Event::Comment(..) => {
                let at = place.start.byte_offset()?;
                let line = text.get(at..)?.lines().next()?;
                Some((at, line.trim_start_matches('#').trim().to_owned()))
            }
            _ => None,
        })
        .collect();
    found.sort_by_key(|(at, _)| *at);
    found.into_iter().map(|(_, text)| text).collect()
}

/// The tree of a text without mistakes; a text without content is an empty map.
pub(super) fn tree(text: &str) -> Option<Node> {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("edit.yaml", text));
    let mut findings = Vec::new();
    let root = parse(&sources, file, &mut findings);
    let wrong = findings.iter().any(|finding| finding.severity == crate::diagnostic::Severity::Error);
    let empty =
        || Node { span: Span::new(FileId(0), text.len(), text.len()), kind: NodeKind::Map(Map::new()) };
    (!wrong).then(|| root.unwrap_or_else(empty))
}

/// Whether two trees mean the same, marks of replacing maps and the order of keys included.
#[must_use]
pub fn same(one: &Node, two: &Node) -> bool {
    match (&one.kind, &two.kind) {
        (NodeKind::Null, NodeKind::Null) | (NodeKind::Hole, NodeKind::Hole) => true,
        (NodeKind::Bool(one), NodeKind::Bool(two)) => one == two,
        (NodeKind::Number(one), NodeKind::Number(two)) | (NodeKind::Text(one), NodeKind::Text(two)) => {
            one == two
        }
        (NodeKind::List(one), NodeKind::List(two)) => {
            one.len() == two.len() && one.iter().zip(two).all(|(one, two)| same(one, two))
        }
        (NodeKind::Map(one), NodeKind::Map(two)) => {
            let same_entry =
                |one: &Entry, two: &Entry| one.key.text == two.key.text && same(&one.value, &two.value);
            one.replaces() == two.replaces()
                && one.len() == two.len()
                && one.entries().iter().zip(two.entries()).all(|(one, two)| same_entry(one, two))
        }
        _ => false,
    }
}

fn prove(before: &str, after: &str, expected: &Node, said: &str) -> Result<(), EditError> {
    let found = tree(after).ok_or_else(|| EditError::Meaning(said.to_owned()))?;
    if !same(&found, expected) {
        return Err(EditError::Meaning(said.to_owned()));
    }
    if comments(before) == comments(after) { Ok(()) } else { Err(EditError::Comment(said.to_owned())) }
}

fn node(value: &Json) -> Node {
    let kind = match value {
        Json::Null => NodeKind::Null,
        Json::Bool(on) => NodeKind::Bool(*on),
        Json::Number(number) => NodeKind::Number(number.to_string().into()),
        Json::String(text) => NodeKind::Text(text.as_str().into()),
        Json::Array(items) => NodeKind::List(items.iter().map(node).collect()),
        Json::Object(map) => NodeKind::Map(map.iter().map(|(key, value)| entry(key, node(value))).collect()),
    };
    Node { span: Span::new(FileId(0), 0, 0), kind }
}

fn entry(key: &str, value: Node) -> Entry {
    Entry { key: Key { text: key.into(), span: Span::new(FileId(0), 0, 0) }, value }
}

fn put(root: &mut Node, keys: &[&str], value: &Json) -> Option<()> {
    let Some((first, rest)) = keys.split_first() else {
        root.kind = node(value).kind;
        return Some(());
    };
    if root.is_null() {
        root.kind = NodeKind::Map(Map::new());
    }
    let map = root.as_map_mut()?;
    if map.get(first).is_none() {
        map.insert(entry(first, node(&Json::Null)));
    }
    put(&mut map.get_mut(first)?.value, rest, value)
}

fn take(root: &mut Node, keys: &[&str]) -> Option<()> {
    let (last, way) = keys.split_last()?;
    let mut at = root;
    for key in way {
        at = &mut at.as_map_mut()?.get_mut(key)?.value;
    }
    at.as_map_mut()?.remove(last).map(|_| ())
}

fn splice_value(text: &str, root: &Node, keys: &[&str], value: &Json) -> Option<String> {
    let mut at = root;
    let mut holder: Option<(&Node, &Entry)> = None;
    for (depth, key) in keys.iter().enumerate() {
        let rest = &keys[depth..];
        match &at.kind {
            NodeKind::Map(map) => match map.get(key) {
                Some(entry) => {
                    holder = Some((at, entry));
                    at = &entry.value;
                }
                None => return insert(text, at, holder, rest, value),
            },
            NodeKind::Null => return insert(text, at, holder, rest, value),
            _ => return None,
        }
    }
    let (_, entry) = holder?;
    replace(text, entry, value)
}

/// Puts a value in the place of another, in its style where that can be.
fn replace(text: &str, entry: &Entry, value: &Json) -> Option<String> {
    let old = &entry.value;
    let range = old.span.range();
    let written = text.get(range.clone())?;
    let before = text.get(..range.start)?;
    // The header of a block scalar stands before its span.
    let head = text.get(entry.key.span.end as usize..range.start)?;
    let header = head.split_once(':').map_or("", |(_, rest)| rest).trim_start();
    if header.starts_with(['|', '>']) {
        if header.contains('#') {
            return None;
        }
        let colon = entry.key.span.end as usize + head.find(':')? + 1;
        return Some(format!("{} {}{}", text.get(..colon)?, flow(value), text.get(range.end..)?));
    }
    if let NodeKind::List(items) = &old.kind
        && !written.starts_with('[')
    {
        let Json::Array(new) = value else { return None };
        return block_list(text, items, new);
    }
    if written.is_empty() {
        return Some(format!("{before} {}{}", flow(value), text.get(range.end..)?));
    }
    Some(format!("{before}{}{}", in_style(written, value), text.get(range.end..)?))
}

/// A list written with dashes: the same dashes with the new items. Refused by the comments when some stand between.
fn block_list(text: &str, items: &[Node], new: &[Json]) -> Option<String> {
    let first = items.first()?.span.start as usize;
    let dash = text.get(..first)?.rfind('-')?;
    let line = text.get(..dash)?.rfind('\n').map_or(0, |at| at + 1);
    let indent = text.get(line..dash)?;
    if !indent.trim().is_empty() || new.is_empty() {
        return None;
    }
    let end = items.last()?.span.end as usize;
    let gap = text.get(dash + 1..first)?;
    let lines: Vec<String> = new.iter().map(|item| format!("-{gap}{}", flow(item))).collect();
    let joined = lines.join(&format!("{}{indent}", newline(text)));
    Some(format!("{}{joined}{}", text.get(..dash)?, text.get(end..)?))
}

fn in_style(old: &str, value: &Json) -> String {
    match value {
        Json::String(new) if old.starts_with('\'') && fits_single(new) => {
            format!("'{}'", new.replace('\'', "''"))
        }
        Json::String(new) if old.starts_with('"') => Json::from(new.as_str()).to_string(),
        _ => flow(value),
    }
}

fn fits_single(text: &str) -> bool {
    !text.chars().any(char::is_control)
}

fn newline(text: &str) -> &'static str {
    if text.contains("\r\n") { "\r\n" } else { "\n" }
}

/// Adds `rest` to the map `at`, or puts a map where nothing is.
fn insert(
    text: &str,
    at: &Node,
    holder: Option<(&Node, &Entry)>,
    rest: &[&str],
    value: &Json,
) -> Option<String> {
    let (first, below) = rest.split_first()?;
    let nested = below.iter().rev().fold(value.clone(), |inner, key| {
        Json::Object(std::iter::once(((*key).to_owned(), inner)).collect())
    });
    let break_ = newline(text);
    let lines = |indent: &str| -> String {
        let map = Json::Object(std::iter::once(((*first).to_owned(), nested.clone())).collect());
        block(&map).lines().map(|line| format!("{indent}{line}{break_}")).collect()
    };
    let pair = || format!("{}: {}", key(first), flow(&nested));
    let written = text.get(at.span.range())?;
    match &at.kind {
        NodeKind::Map(map) if written.starts_with('{') => {
            let inside =
                map.entries().iter().filter(|entry| within(at, entry)).max_by_key(|entry| entry.key.span.end);
            match inside {
                None => {
                    let close = at.span.end as usize - 1;
                    written.trim_start_matches('{').trim().eq("}").then_some(())?;
                    Some(format!("{}{{{}{}", text.get(..at.span.start as usize)?, pair(), text.get(close..)?))
                }
                Some(last) => {
                    let end = (last.value.span.end).max(last.key.span.end) as usize;
                    Some(format!("{}, {}{}", text.get(..end)?, pair(), text.get(end..)?))
                }
            }
        }
        NodeKind::Map(map) => {
            let own: Vec<&Entry> = map.entries().iter().filter(|entry| within(at, entry)).collect();
            let Some(last) = own.iter().max_by_key(|entry| entry.key.span.end) else {
                // A text without content.
                if holder.is_some() {
                    return None;
                }
                let gap = if text.is_empty() || text.ends_with('\n') { "" } else { break_ };
                return Some(format!("{text}{gap}{}", lines("")));
            };
            let key_at = own.first()?.key.span.start as usize;
            let start = text.get(..key_at)?.rfind('\n').map_or(0, |at| at + 1);
            let head = text.get(start..key_at)?.trim_start_matches('\u{feff}');
            // In a list the first key stands behind a dash.
            if !head.chars().all(|c| matches!(c, ' ' | '-')) {
                return None;
            }
            let indent = " ".repeat(head.chars().count());
            let end = (last.value.span.end).max(last.key.span.end) as usize;
            add_lines(text, end, &lines(&indent))
        }
        NodeKind::Null => {
            let (parent, entry) = holder?;
            let in_flow = text.get(parent.span.range())?.starts_with('{');
            if !written.is_empty() || in_flow {
                let gap = if written.is_empty() { " " } else { "" };
                let (start, end) = (at.span.start as usize, at.span.end as usize);
                return Some(format!("{}{gap}{{{}}}{}", text.get(..start)?, pair(), text.get(end..)?));
            }
            let key_at = entry.key.span.start as usize;
            let start = text.get(..key_at)?.rfind('\n').map_or(0, |at| at + 1);
            let head = text.get(start..key_at)?.trim_start_matches('\u{feff}');
            if !head.chars().all(|c| matches!(c, ' ' | '-')) {
                return None;
            }
            let indent = " ".repeat(head.chars().count() + 2);
            add_lines(text, at.span.end as usize, &lines(&indent))
        }
        _ => None,
    }
}

/// Puts whole lines below the line in which `end` lies.
fn add_lines(text: &str, end: usize, lines: &str) -> Option<String> {
    let rest = text.get(end..)?;
    Some(match rest.find('\n') {
        Some(at) => format!("{}{lines}{}", text.get(..end + at + 1)?, text.get(end + at + 1..)?),
        None => format!("{text}{}{lines}", newline(text)),
    })
}

/// Written in the map itself, not brought in by a merge or an alias.
fn within(map: &Node, entry: &Entry) -> bool {
    entry.key.span.start >= map.span.start && entry.key.span.end <= map.span.end
}

fn splice_out(text: &str, root: &Node, keys: &[&str]) -> Option<String> {
    let (last, way) = keys.split_last()?;
    let mut at = root;
    for key in way {
        at = at.get(key)?;
    }
    let map = at.as_map()?;
    let entries = map.entries();
    let place = entries.iter().position(|entry| &*entry.key.text == *last)?;
    let entry = &entries[place];
    if !within(at, entry) {
        return None;
    }
    let (start, end) = (entry.key.span.start as usize, entry.value.span.end.max(entry.key.span.end) as usize);
    if text.get(at.span.range())?.starts_with('{') {
        return Some(match (place.checked_sub(1).map(|before| &entries[before]), entries.get(place + 1)) {
            (_, Some(next)) => {
                format!("{}{}", text.get(..start)?, text.get(next.key.span.start as usize..)?)
            }
            (Some(before), None) => {
                let from = before.value.span.end.max(before.key.span.end) as usize;
                format!("{}{}", text.get(..from)?, text.get(end..)?)
            }
            (None, None) => format!("{}{}", text.get(..start)?, text.get(end..)?),
        });
    }
    let line = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    let head = text.get(line..start)?;
    if !head.trim_start_matches('\u{feff}').trim().is_empty() {
        return None;
    }
    let rest = text.get(end..)?;
    let (tail, after) = match rest.find('\n') {
        Some(at) => (rest.get(..at)?, rest.get(at + 1..)?),
        None => (rest, ""),
    };
    if entries.len() == 1 {
        // The map stays, without keys: a category whose last setting goes is still declared.
        let empty = if tail.trim().is_empty() { String::new() } else { format!("  {}", tail.trim()) };
        return Some(format!("{}{}{{}}{empty}{}{after}", text.get(..line)?, head, newline(text)));
    }
    // A comment beside the value stays, on a line of its own.
    let kept = if tail.trim().is_empty() {
        String::new()
    } else {
        format!("{head}{}{}", tail.trim(), newline(text))
    };
    Some(format!("{}{kept}{after}", text.get(..line)?))
}

/// A new text: maps as blocks, lists and references to secrets in flow style.
#[must_use]
pub fn document(value: &Json) -> String {
    block(value)
}

fn block(value: &Json) -> String {
    let Json::Object(map) = value else { return format!("{}\n", flow(value)) };
    let mut out = String::new();
    for (name, value) in map {
        match value {
            Json::Object(inner) if !is_short(inner) => {
                out.push_str(&key(name));
                out.push_str(":\n");
                for line in block(value).lines() {
                    out.push_str("  ");
                    out.push_str(line);
                    out.push('\n');
                }
            }
            _ => out.push_str(&format!("{}: {}\n", key(name), flow(value))),
        }
    }
    out
}

/// Empty, or a reference to a secret.
fn is_short(map: &serde_json::Map<String, Json>) -> bool {
    map.is_empty() || (map.len() == 1 && map.contains_key("secret"))
}

/// A value on one line.
fn flow(value: &Json) -> String {
    match value {
        Json::String(text) => key(text),
        Json::Array(items) => format!("[{}]", items.iter().map(flow).collect::<Vec<_>>().join(", ")),
        Json::Object(map) => {
            let pairs: Vec<String> =
                map.iter().map(|(name, value)| format!("{}: {}", key(name), flow(value))).collect();
            format!("{{{}}}", pairs.join(", "))
        }
        other => other.to_string(),
    }
}

fn key(text: &str) -> String {
    if is_plain(text) { text.to_owned() } else { Json::from(text).to_string() }
}

/// Needs no quotes, for this reader and for those that still know YAML 1.1.
fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 8] = ["y", "n", "yes", "no", "on", "off", "true", "false"];
    let inner = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '/' | ' ' | '@');
    let edge = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    edge(text.chars().next())
        && edge(text.chars().next_back())
        && text.chars().all(inner)
        && matches!(scalar::resolve(text), NodeKind::Text(_))
        && !WORDS.contains(&text.to_ascii_lowercase().as_str())
        && !(text.contains('_') && text.chars().all(|c| c.is_ascii_digit() || c == '_'))
}
