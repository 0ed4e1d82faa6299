//! JSON as RFC 8259 has it, into the same tree as YAML: no comments, no trailing commas, every byte accounted for.
//!
//! A reader of our own, since the tree needs the place of every key and the text of every number, and a strict verdict.

use std::borrow::Cow;

use super::limits::{DEPTH_LIMIT, FINDING_LIMIT};
use super::text::{clamp, excerpt, hole};
use super::tree::{Entry, Key, Map, Node, NodeKind};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::yaml as codes;
use crate::source::{FileId, Span};

/// Reads one JSON text; `None` when there is nothing but white space.
pub(super) fn read(text: &str, file: FileId, findings: &mut Vec<Finding>) -> Option<Node> {
    // RFC 8259 lets a reader ignore a byte-order mark.
    let at = if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 };
    let mut reader = Reader { text, file, at, findings: Vec::new() };
    reader.blank();
    if reader.at == text.len() {
        return None;
    }
    let result = reader.document();
    findings.append(&mut reader.findings);
    Some(match result {
        Ok(node) => node,
        Err(finding) => {
            findings.push(*finding);
            hole(text, file)
        }
    })
}

type Step<T> = Result<T, Box<Finding>>;

struct Reader<'a> {
    text: &'a str,
    file: FileId,
    at: usize,
    findings: Vec<Finding>,
}

/// An open object or array; a stack of these instead of recursion, so that no text can exhaust the stack.
enum Open {
    Array { start: usize, items: Vec<Node> },
    Object { start: usize, map: Map, key: Option<Key> },
}

impl Open {
    fn start(&self) -> usize {
        match self {
            Open::Array { start, .. } | Open::Object { start, .. } => *start,
        }
    }
}

impl<'a> Reader<'a> {
    fn document(&mut self) -> Step<Node> {
        let mut open: Vec<Open> = Vec::new();
        loop {
            let Some(mut done) = self.value(&mut open)? else { continue };
            // A value is complete: put it into what holds it, and close what ends here.
            loop {
                self.blank();
                match open.last_mut() {
                    None => return self.end(done),
                    Some(Open::Array { items, .. }) => items.push(done),
                    Some(Open::Object { map, key, .. }) => {
                        if let Some(key) = key.take() {
                            map.insert(Entry { key, value: done });
                        }
                    }
                }
                if self.comma(&mut open)? {
                    break;
                }
                match self.close(&mut open) {
                    Some(node) => done = node,
                    None => break,
                }
            }
        }
    }

    /// Reads a scalar or an empty collection; `None` when a collection was opened and a value must follow.
    fn value(&mut self, open: &mut Vec<Open>) -> Step<Option<Node>> {
        self.blank();
        let start = self.at;
        let kind = match self.peek() {
            Some(b'[' | b'{') => return self.open(open),
            Some(b'"') => NodeKind::Text(self.string()?.into()),
            Some(b'-' | b'0'..=b'9') => NodeKind::Number(self.number()?.into()),
            Some(b'a'..=b'z' | b'A'..=b'Z') => self.word()?,
            Some(b']' | b'}') => {
                return Err(self.wrong(
                    "a value is missing",
                    "expected a value",
                    "remove the comma before it, or add the value",
                ));
            }
            Some(b'\'') => {
                return Err(self.wrong(
                    "JSON knows no single quotes",
                    "begins a text",
                    "use double quotes: \"…\"",
                ));
            }
            Some(b'/' | b'#') => {
                return Err(self.wrong("JSON knows no comments", "not a value", "remove the comment"));
            }
            None => return Err(self.unfinished(open)),
            Some(_) => {
                return Err(self.wrong(
                    "this is no JSON value",
                    "expected a value",
                    "texts stand in double quotes",
                ));
            }
        };
        Ok(Some(Node { span: self.span(start), kind }))
    }

    fn open(&mut self, open: &mut Vec<Open>) -> Step<Option<Node>> {
        let start = self.at;
        if open.len() >= DEPTH_LIMIT {
            let span = clamp(self.text, self.file, start, start + 1);
            return Err(Box::new(codes::too_deep(DEPTH_LIMIT, span)));
        }
        let object = self.peek() == Some(b'{');
        self.at += 1;
        self.blank();
        let close = if object { b'}' } else { b']' };
        if self.peek() == Some(close) {
            self.at += 1;
            let kind = if object { NodeKind::Map(Map::new()) } else { NodeKind::List(Vec::new()) };
            return Ok(Some(Node { span: self.span(start), kind }));
        }
        open.push(if object {
            Open::Object { start, map: Map::new(), key: None }
        } else {
            Open::Array { start, items: Vec::new() }
        });
        if object {
            self.key(open)?;
        }
        Ok(None)
    }

    /// A key and its colon, into the object that is open.
    fn key(&mut self, open: &mut [Open]) -> Step<()> {
        self.blank();
        let start = self.at;
        match self.peek() {
            Some(b'"') => {}
            None => return Err(self.unfinished(open)),
            Some(b'}') => {
                return Err(self.wrong(
                    "a comma stands before the closing bracket",
                    "expected another key",
                    "remove the comma",
                ));
            }
            Some(b'/' | b'#') => {
                return Err(self.wrong("JSON knows no comments", "expected a key", "remove the comment"));
            }
            Some(_) => {
                return Err(self.wrong(
                    "a key is missing its quotes",
                    "expected a key",
                    "put the key in double quotes",
                ));
            }
        }
        let text: Box<str> = self.string()?.into();
        let key = Key { text, span: self.span(start) };
        self.blank();
        if self.peek() != Some(b':') {
            return Err(match self.peek() {
                None => self.unfinished(open),
                Some(_) => {
                    self.wrong("a colon is missing after the key", "expected `:`", "write `\"key\": value`")
                }
            });
        }
        self.at += 1;
        if let Some(Open::Object { map, key: pending, .. }) = open.last_mut() {
            match map.get(&key.text) {
                Some(first) => {
                    let finding = codes::duplicate_key(&excerpt(&key.text), key.span, first.key.span);
                    if self.findings.len() < FINDING_LIMIT {
                        self.findings.push(finding);
                    }
                }
                None => *pending = Some(key),
            }
        }
        Ok(())
    }

    /// True when a comma says that another value follows.
    fn comma(&mut self, open: &mut [Open]) -> Step<bool> {
        let close = match open.last() {
            Some(Open::Object { .. }) => b'}',
            _ => b']',
        };
        match self.peek() {
            Some(b',') => {}
            Some(byte) if byte == close => return Ok(false),
            None => return Err(self.unfinished(open)),
            Some(b']' | b'}') => {
                let start = open.last().map_or(0, Open::start);
                let opened = clamp(self.text, self.file, start, start + 1);
                let finding =
                    self.wrong("brackets do not match", "closes another kind", "close what was opened last");
                return Err(Box::new(finding.related(opened, "opened here")));
            }
            Some(b'/' | b'#') => {
                return Err(self.wrong("JSON knows no comments", "not a value", "remove the comment"));
            }
            Some(_) => {
                return Err(self.wrong(
                    "a comma is missing",
                    "expected `,` or a closing bracket",
                    "separate values by commas",
                ));
            }
        }
        let comma = self.span(self.at);
        self.at += 1;
        self.blank();
        if self.peek() == Some(close) {
            let comma = Span::new(self.file, comma.start as usize, comma.start as usize + 1);
            let finding =
                codes::json_syntax("a comma stands before the closing bracket", "one comma too many", comma)
                    .note("JSON allows commas only between values")
                    .help("remove the comma")
                    .fix("remove the comma", comma, "");
            return Err(Box::new(finding));
        }
        if close == b'}' {
            self.key(open)?;
        }
        Ok(true)
    }

    fn close(&mut self, open: &mut Vec<Open>) -> Option<Node> {
        self.at += 1;
        Some(match open.pop()? {
            Open::Array { start, items } => Node { span: self.span(start), kind: NodeKind::List(items) },
            Open::Object { start, map, .. } => Node { span: self.span(start), kind: NodeKind::Map(map) },
        })
    }

    fn end(&mut self, root: Node) -> Step<Node> {
        if self.at == self.text.len() {
            return Ok(root);
        }
        Err(self.wrong(
            "more text follows the JSON value",
            "expected the end of the file",
            "remove it, or join both in one list",
        ))
    }

    /// A string, escapes resolved; borrowed when it has none.
    fn string(&mut self) -> Step<Cow<'a, str>> {
        let start = self.at;
        self.at += 1;
        let mut resolved: Option<String> = None;
        let mut from = self.at;
        loop {
            match self.peek() {
                Some(b'"') => break,
                Some(b'\\') => {
                    let text = resolved.get_or_insert_default();
                    text.push_str(&self.text[from..self.at]);
                    let escaped = self.escape()?;
                    text.push(escaped);
                    from = self.at;
                }
                None | Some(b'\n' | b'\r') => {
                    let quote = Span::new(self.file, start, start + 1);
                    let finding = codes::json_syntax("a quote is never closed", "opened here", quote).help(
                        "close the text with `\"` on the same line; a line break in it is written `\\n`",
                    );
                    return Err(Box::new(finding));
                }
                Some(byte @ 0..0x20) => {
                    let at = Span::new(self.file, self.at, self.at + 1);
                    return Err(Box::new(codes::control_character(char::from(byte), at)));
                }
                Some(_) => self.at += 1,
            }
        }
        let rest = &self.text[from..self.at];
        self.at += 1;
        Ok(match resolved {
            None => Cow::Borrowed(rest),
            Some(mut text) => {
                text.push_str(rest);
                Cow::Owned(text)
            }
        })
    }

    fn escape(&mut self) -> Step<char> {
        let start = self.at;
        self.at += 1;
        let simple = match self.peek() {
            Some(byte @ (b'"' | b'\\' | b'/')) => char::from(byte),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => return self.unicode(start),
            _ => return Err(self.bad_escape(start, 2)),
        };
        self.at += 1;
        Ok(simple)
    }

    /// `\u` and four hex digits; outside the basic plane a pair of them.
    fn unicode(&mut self, start: usize) -> Step<char> {
        let Some(first) = self.hex() else { return Err(self.bad_escape(start, 6)) };
        if !(0xd800..0xdc00).contains(&first) {
            return char::from_u32(first).ok_or_else(|| self.bad_escape(start, 6));
        }
        let second = if self.text[self.at..].starts_with("\\u") {
            self.at += 1;
            self.hex()
        } else {
            None
        };
        match second {
            Some(low @ 0xdc00..0xe000) => {
                let point = 0x10000 + ((first - 0xd800) << 10) + (low - 0xdc00);
                char::from_u32(point).ok_or_else(|| self.bad_escape(start, 12))
            }
            _ => Err(self.bad_escape(start, 6)),
        }
    }

    fn hex(&mut self) -> Option<u32> {
        let digits = self.text.get(self.at + 1..self.at + 5)?;
        if !digits.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return None;
        }
        self.at += 5;
        u32::from_str_radix(digits, 16).ok()
    }

    fn bad_escape(&self, start: usize, length: usize) -> Box<Finding> {
        let span = clamp(self.text, self.file, start, (start + length).min(self.text.len()));
        let finding = codes::json_syntax("this escape is not known", "`\\` begins an escape", span)
            .help("write `\\\\` for a backslash; letters outside ASCII need no escape");
        Box::new(finding)
    }

    fn number(&mut self) -> Step<&'a str> {
        let start = self.at;
        if self.peek() == Some(b'-') {
            self.at += 1;
        }
        let whole = self.digits();
        let leading_zero = whole > 1 && self.text.as_bytes().get(self.at - whole) == Some(&b'0');
        let mut sound = whole > 0 && !leading_zero;
        if self.peek() == Some(b'.') {
            self.at += 1;
            sound &= self.digits() > 0;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.at += 1;
            }
            sound &= self.digits() > 0;
        }
        if sound {
            return Ok(&self.text[start..self.at]);
        }
        let span = clamp(self.text, self.file, start, self.at);
        let finding = codes::json_syntax("this is not a number as JSON writes it", "no JSON number", span)
            .help("write it as `0.5` or `-12`, without leading zeros; or put it in double quotes when it is a code");
        Err(Box::new(finding))
    }

    fn digits(&mut self) -> usize {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        self.at - start
    }

    fn word(&mut self) -> Step<NodeKind> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_alphanumeric()) {
            self.at += 1;
        }
        match &self.text[start..self.at] {
            "true" => Ok(NodeKind::Bool(true)),
            "false" => Ok(NodeKind::Bool(false)),
            "null" => Ok(NodeKind::Null),
            word => {
                let message = format!("`{}` is no JSON value", excerpt(word));
                let finding = codes::json_syntax(message, "expected a value", self.span(start))
                    .help("texts stand in double quotes; the words that JSON knows are true, false and null");
                Err(Box::new(finding))
            }
        }
    }

    fn wrong(&self, message: &str, why: &str, help: &str) -> Box<Finding> {
        let length = self.text[self.at..].chars().next().map_or(0, char::len_utf8);
        let span = clamp(self.text, self.file, self.at, self.at + length);
        Box::new(codes::json_syntax(message, why, span).help(help))
    }

    fn unfinished(&self, open: &[Open]) -> Box<Finding> {
        let start = open.last().map_or(0, Open::start);
        let opened = clamp(self.text, self.file, start, start + 1);
        let finding = codes::json_syntax("a bracket is never closed", "opened here", opened)
            .help("close it; if the file was cut off, copy it again");
        Box::new(finding)
    }

    fn blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn span(&self, start: usize) -> Span {
        clamp(self.text, self.file, start, self.at)
    }
}
