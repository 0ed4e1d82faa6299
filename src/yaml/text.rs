//! Places in a text, and pieces of it that can be shown.

use super::tree::{Node, NodeKind};
use crate::source::{FileId, Span};

/// A line of the text: where it starts, where its first character that is no white space stands, where it ends.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub start: usize,
    pub code: usize,
    pub end: usize,
}

impl Line {
    pub fn around(text: &str, at: usize) -> Line {
        let at = text.floor_char_boundary(at.min(text.len()));
        let start = text[..at].rfind('\n').map_or(0, |before| before + 1);
        let end = text[at..].find('\n').map_or(text.len(), |after| at + after);
        let end = if text[start..end].ends_with('\r') { end - 1 } else { end };
        let body = &text[start..end];
        let code = start + body.len() - body.trim_start_matches([' ', '\t', '\u{feff}']).len();
        Line { start, code, end }
    }

    /// The nearest line above that holds more than a comment.
    pub fn above(self, text: &str) -> Option<Line> {
        let mut start = self.start;
        while start > 0 {
            let line = Line::around(text, start - 1);
            let code = line.code(text);
            if !code.is_empty() && !code.starts_with('#') {
                return Some(line);
            }
            start = line.start;
        }
        None
    }

    /// The line below; none where no line break follows, also when the text ends with half a one.
    pub fn below(self, text: &str) -> Option<Line> {
        let line_break = text[self.end..].find('\n')?;
        Some(Line::around(text, self.end + line_break + 1))
    }

    pub fn code(self, text: &str) -> &str {
        text.get(self.code..self.end).unwrap_or("")
    }

    pub fn indent(self) -> usize {
        self.code - self.start
    }
}

/// What stands for a text that could not be read.
pub(super) fn hole(text: &str, file: FileId) -> Node {
    Node { span: clamp(text, file, 0, text.len()), kind: NodeKind::Hole }
}

/// A span moved inside the text and onto character boundaries.
pub(super) fn clamp(text: &str, file: FileId, start: usize, end: usize) -> Span {
    let start = text.floor_char_boundary(start);
    let end = text.ceil_char_boundary(end.min(text.len())).max(start);
    Span::new(file, start, end)
}

/// A few words of a text from a file, for a message: one line, no control characters.
pub(super) fn excerpt(text: &str) -> String {
    const LONGEST: usize = 40;
    let mut words: String =
        text.chars().take(LONGEST).map(|c| if c.is_control() { ' ' } else { c }).collect();
    if text.chars().nth(LONGEST).is_some() {
        words.push('…');
    }
    words
}

/// Characters that look like a space and are none.
pub(super) fn odd(character: char) -> bool {
    matches!(
        character,
        '\u{a0}' | '\u{2000}'..='\u{200b}' | '\u{202f}' | '\u{205f}' | '\u{2060}' | '\u{3000}'
    )
}
