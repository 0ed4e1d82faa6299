//! The form that nearly every configuration file has, read straight into the tree: one document of block maps and lists, with
//! scalars and flow collections that end on their line, and block scalars that say nothing of their indentation.
//!
//! This is a short cut past granit-parser, which is nine tenths of what reading costs, and not a second meaning of YAML. It
//! answers only where there is nothing to tell and nothing to decide: no finding, no anchor, no tag, no plain or quoted
//! text over several lines, no tab. For all else [`read`] answers `None`, and the events are read. Where it answers, the
//! tree is the one that the events give, to the last span; a property test holds it to that.

use super::scalar;
use super::text;
use super::tree::{Entry, Key, Map, Node, NodeKind};
use crate::source::{FileId, Span};

/// Deeper nesting is left to the events, whose bound has a finding.
const DEEPEST: usize = 32;

/// A longer key is none by the standard.
const LONGEST_KEY: usize = 1000;

/// What ends a plain scalar beside the end of its line and a comment: outside of brackets, and within.
const BLOCK: &[u8] = b"";
const FLOW: &[u8] = b",[]{}";

/// The document, where the text has the usual form and holds a map.
pub(super) fn read(text: &str, file: FileId) -> Option<Node> {
    if !is_plain(text) {
        return None;
    }
    let mut reader = Reader { text, bytes: text.as_bytes(), file, at: 0, column: None, end: 0 };
    if text.starts_with("---\n") {
        reader.at = "---".len();
    }
    reader.next_line();
    let root = reader.map_at(Some(0), 0)?;
    (reader.column.is_none()).then_some(root)
}

/// Only characters that mean the same everywhere in a text.
fn is_plain(text: &str) -> bool {
    let bytes = text.as_bytes();
    let printable =
        bytes.iter().fold(true, |so_far, byte| so_far & (*byte >= b' ' || *byte == b'\n') & (*byte != 0x7f));
    let odd = |c: char| {
        matches!(c, '\u{80}'..='\u{9f}' | '\u{2028}' | '\u{2029}' | '\u{feff}' | '\u{fffe}' | '\u{ffff}')
            || text::odd(c)
    };
    printable && (text.is_ascii() || !text.chars().any(odd))
}

struct Reader<'a> {
    text: &'a str,
    bytes: &'a [u8],
    file: FileId,
    at: usize,
    /// Of the first character of the line that was come to; `None` at the end of the text.
    column: Option<usize>,
    /// End of the last key or scalar.
    end: usize,
}

impl<'a> Reader<'a> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    fn span(&self, start: usize, end: usize) -> Span {
        Span::new(self.file, start, end)
    }

    fn skip_spaces(&mut self) {
        while let Some(b' ') = self.peek() {
            self.at += 1;
        }
    }

    /// Goes over what may follow a value on its line; false where something else does. A comment has a space before it.
    fn ends_line(&mut self) -> bool {
        let spaced = self.at > 0 && self.bytes[self.at - 1] == b' ';
        let here = self.at;
        self.skip_spaces();
        match self.peek() {
            None | Some(b'\n') => true,
            Some(b'#') => spaced || self.at > here,
            Some(_) => false,
        }
    }

    /// From the end of a line, or from anywhere in a comment, to the next line that holds something.
    fn next_line(&mut self) {
        loop {
            match self.peek() {
                None => return self.column = None,
                Some(b'\n') => self.at += 1,
                Some(b'#') => {
                    let rest = &self.bytes[self.at..];
                    self.at += rest.iter().position(|byte| *byte == b'\n').unwrap_or(rest.len());
                    continue;
                }
                // Only the first line is come to without its line break.
                Some(_) => {}
            }
            let start = self.at;
            self.skip_spaces();
            if !matches!(self.peek(), None | Some(b'\n' | b'#')) {
                return self.column = Some(self.at - start);
            }
        }
    }

    /// True before an item of a list.
    fn at_item(&self) -> bool {
        self.peek() == Some(b'-') && matches!(self.bytes.get(self.at + 1), None | Some(b' ' | b'\n'))
    }

    /// A block map whose keys stand in this column, the first of them here.
    fn map_at(&mut self, column: Option<usize>, depth: usize) -> Option<Node> {
        if self.column != column || column.is_none() || depth > DEEPEST {
            return None;
        }
        let start = self.at;
        let mut map = Map::new();
        while self.column == column {
            let key = self.key(BLOCK)?;
            if map.get(&key.text).is_some() {
                return None;
            }
            let colon = self.at;
            let value = if self.ends_line() {
                self.next_line();
                if self.column > column || (self.column == column && self.at_item()) {
                    self.below(column, depth)?
                } else {
                    self.end = colon;
                    Node { span: self.span(colon, colon), kind: NodeKind::Null }
                }
            } else {
                self.value(column, depth)?
            };
            map.append(Entry { key, value });
            // What stands deeper here would go on with the value, or be a mistake.
            if self.column > column {
                return None;
            }
        }
        Some(Node { span: self.span(start, self.end), kind: NodeKind::Map(map) })
    }

    /// A list or a map on lines of its own, below a key in this column; one in brackets on one.
    fn below(&mut self, key: Option<usize>, depth: usize) -> Option<Node> {
        match self.peek() {
            Some(b'[' | b'{') => self.value(key, depth),
            _ if self.at_item() => self.list(key, depth + 1),
            _ => self.map_at(self.column, depth + 1),
        }
    }

    fn list(&mut self, key: Option<usize>, depth: usize) -> Option<Node> {
        let (mut start, column) = (self.at, self.column?);
        if depth > DEEPEST {
            return None;
        }
        let mut items = Vec::new();
        while self.column == Some(column) && self.at_item() {
            self.at += 1;
            let dash = self.at;
            self.skip_spaces();
            // An empty item, and a list in a list on one line, are seldom.
            if self.at == dash || matches!(self.peek(), None | Some(b'\n' | b'#')) || self.at_item() {
                return None;
            }
            // The events place one that stands no deeper than its key at the first thing in it.
            if items.is_empty() && self.column == key {
                start = self.at;
            }
            let inner = column + 1 + (self.at - dash);
            let before = self.at;
            let is_map = self.key(BLOCK).is_some();
            self.at = before;
            items.push(if is_map {
                self.column = Some(inner);
                self.map_at(Some(inner), depth + 1)?
            } else {
                self.value(Some(column), depth)?
            });
            if self.column > Some(column) {
                return None;
            }
        }
        Some(Node { span: self.span(start, self.end), kind: NodeKind::List(items) })
    }

    /// A scalar or a flow collection and the rest of its line, or a block scalar, in the map or list of this column.
    fn value(&mut self, column: Option<usize>, depth: usize) -> Option<Node> {
        if matches!(self.peek(), Some(b'|' | b'>')) {
            return self.block_scalar(column?);
        }
        let node = self.node(depth, BLOCK)?;
        self.end = node.span.end as usize;
        if !self.ends_line() {
            return None;
        }
        self.next_line();
        Some(node)
    }

    /// A block scalar whose first line tells how deep it stands, and the lines that follow it.
    fn block_scalar(&mut self, column: usize) -> Option<Node> {
        let is_folded = self.peek()? == b'>';
        let is_stripped = self.bytes.get(self.at + 1) == Some(&b'-');
        self.at += if is_stripped { 2 } else { 1 };
        if self.peek() != Some(b'\n') {
            return None;
        }
        self.at += 1;
        let rest = &self.bytes[self.at..];
        let indent = rest.iter().position(|byte| *byte != b' ')?;
        // Where the first line is empty, later ones tell how deep the text stands.
        if indent <= column || rest[indent] == b'\n' {
            return None;
        }
        let start = self.at + indent;
        let mut text = String::new();
        // Since the last line that holds something.
        let mut breaks = 0;
        while self.at < self.bytes.len() {
            let line = &self.bytes[self.at..];
            // What a last line without an end means has rules of its own.
            let line = &line[..line.iter().position(|byte| *byte == b'\n')?];
            let spaces = line.iter().take_while(|byte| **byte == b' ').count();
            if spaces < line.len() {
                if spaces < indent {
                    break;
                }
                // Deeper lines do not fold.
                if is_folded && spaces > indent {
                    return None;
                }
                if is_folded && breaks == 1 {
                    text.push(' ');
                } else {
                    (usize::from(is_folded)..breaks).for_each(|_| text.push('\n'));
                }
                text.push_str(self.text.get(self.at + indent..self.at + line.len())?);
                self.end = self.at + line.trim_ascii_end().len();
                breaks = 0;
            } else if spaces > indent {
                return None;
            }
            breaks += 1;
            self.at += line.len() + 1;
        }
        if !is_stripped {
            text.push('\n');
        }
        // To the line that ended it, by way of the break before.
        self.at -= 1;
        self.next_line();
        Some(Node { span: self.span(start, self.end), kind: NodeKind::Text(text.into()) })
    }

    fn node(&mut self, depth: usize, ends: &[u8]) -> Option<Node> {
        match self.peek()? {
            b'{' | b'[' => self.flow(depth + 1),
            b'"' | b'\'' => {
                let (text, span) = self.quoted()?;
                Some(Node { span, kind: NodeKind::Text(text) })
            }
            _ => {
                let start = self.at;
                let text = self.plain(ends)?;
                self.at += text.len();
                Some(Node { span: self.span(start, self.at), kind: scalar::resolve(text) })
            }
        }
    }

    /// A plain scalar that begins here, up to the end of the line, a comment or one of these ends; `None` where it holds what would
    /// make it a key. No more is looked at than it has: many may stand on one line.
    fn plain(&self, ends: &[u8]) -> Option<&'a str> {
        let line = &self.bytes[self.at..];
        let second = line.get(1).filter(|byte| **byte != b'\n').map_or(1, |_| 2);
        if !begins_plain(&line[..second.min(line.len())]) {
            return None;
        }
        let mut length = line.len();
        for (at, byte) in line.iter().enumerate() {
            match byte {
                b'\n' => {
                    length = at;
                    break;
                }
                b':' if line
                    .get(at + 1)
                    .is_none_or(|next| matches!(next, b' ' | b'\n') || ends.contains(next)) =>
                {
                    return None;
                }
                b'#' if line[at - 1] == b' ' => {
                    length = at;
                    break;
                }
                byte if ends.contains(byte) => {
                    length = at;
                    break;
                }
                _ => {}
            }
        }
        let spaces = line[..length].iter().rev().take_while(|byte| **byte == b' ').count();
        let start = self.at;
        self.text.get(start..start + length - spaces)
    }

    /// A key with its colon, which a space follows, or in a block the end of the line.
    fn key(&mut self, ends: &[u8]) -> Option<Key> {
        let start = self.at;
        let is_followed = |next: Option<&u8>| match next {
            Some(b' ') => true,
            None | Some(b'\n') => ends.is_empty(),
            Some(_) => false,
        };
        let (text, span) = match self.peek()? {
            b'"' | b'\'' => self.quoted()?,
            _ => {
                let rest = &self.bytes[start..];
                if !begins_plain(rest) {
                    return None;
                }
                let mut length = 0;
                loop {
                    match rest.get(length)? {
                        b':' if is_followed(rest.get(length + 1)) => break,
                        b'\n' => return None,
                        b'#' if rest[length - 1] == b' ' => return None,
                        byte if ends.contains(byte) => return None,
                        _ => length += 1,
                    }
                }
                let text = self.text.get(start..start + length)?.trim_end_matches(' ');
                // A merge, and what may be the sign of a document's end.
                if text == "<<" || text.starts_with("...") {
                    return None;
                }
                self.at += text.len();
                (text.into(), self.span(start, self.at))
            }
        };
        self.skip_spaces();
        let is_key = self.peek() == Some(b':') && is_followed(self.bytes.get(self.at + 1));
        if !is_key || self.at - start > LONGEST_KEY {
            return None;
        }
        self.at += 1;
        self.end = span.end as usize;
        Some(Key { text, span })
    }

    /// A quoted text on one line, with its quotes in the span.
    fn quoted(&mut self) -> Option<(Box<str>, Span)> {
        let start = self.at;
        let quote = self.peek()?;
        let mut text = String::new();
        let mut from = start + 1;
        loop {
            let rest = self.bytes.get(from..)?;
            let length = rest.iter().position(|byte| *byte == quote || *byte == b'\\' || *byte == b'\n')?;
            let (here, next) = (from + length, rest.get(length + 1));
            let piece = self.text.get(from..here)?;
            match (rest[length], next) {
                (b'\n', _) => return None,
                (b'\'', Some(b'\'')) => {
                    text.push_str(piece);
                    text.push('\'');
                    from = here + 2;
                }
                (b'\\', _) if quote == b'\'' => {
                    text.push_str(piece);
                    text.push('\\');
                    from = here + 1;
                }
                (b'\\', Some(escaped @ (b'"' | b'\\'))) => {
                    text.push_str(piece);
                    text.push(char::from(*escaped));
                    from = here + 2;
                }
                (b'\\', _) => return None,
                _ => {
                    self.at = here + 1;
                    let span = self.span(start, self.at);
                    let whole = if text.is_empty() { piece.into() } else { (text + piece).into() };
                    return Some((whole, span));
                }
            }
        }
    }

    /// A list or map in brackets, on one line.
    fn flow(&mut self, depth: usize) -> Option<Node> {
        if depth > DEEPEST {
            return None;
        }
        let start = self.at;
        let is_map = self.peek()? == b'{';
        let close = if is_map { b'}' } else { b']' };
        let (mut map, mut items) = (Map::new(), Vec::new());
        self.at += 1;
        self.skip_spaces();
        let mut goes_on = self.peek()? != close;
        while goes_on {
            if is_map {
                let key = self.key(FLOW)?;
                if map.get(&key.text).is_some() {
                    return None;
                }
                self.skip_spaces();
                let value = self.node(depth, FLOW)?;
                map.append(Entry { key, value });
            } else {
                items.push(self.node(depth, FLOW)?);
            }
            self.skip_spaces();
            goes_on = self.peek()? == b',';
            if goes_on {
                self.at += 1;
                self.skip_spaces();
            }
        }
        if self.peek()? != close {
            return None;
        }
        self.at += 1;
        let kind = if is_map { NodeKind::Map(map) } else { NodeKind::List(items) };
        Some(Node { span: self.span(start, self.at), kind })
    }
}

/// Whether a plain scalar may begin so; of the signs that YAML keeps for itself, only a minus before a word may.
fn begins_plain(text: &[u8]) -> bool {
    match text.first() {
        Some(b'-') => text.get(1).is_some_and(|next| next.is_ascii_alphanumeric() || *next == b'.'),
        Some(
            b' ' | b'\n' | b'?' | b':' | b',' | b'[' | b']' | b'{' | b'}' | b'#' | b'&' | b'*' | b'!' | b'|'
            | b'>' | b'\'' | b'"' | b'%' | b'@' | b'`',
        )
        | None => false,
        Some(_) => true,
    }
}
