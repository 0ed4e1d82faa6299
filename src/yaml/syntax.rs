//! What a syntax error means to the person who made it, and where it really is.
//!
//! granit-parser says where it gave up; people look for where they went wrong. Each cause that shop consultants meet has its own words here.

use granit_parser::ErrorKind;

use super::build::Stop;
use super::expression;
use super::limits::DEPTH_LIMIT;
use super::text::{Line, clamp, excerpt, odd};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::yaml as codes;
use crate::source::{FileId, Span};

/// Turns what stopped the strict reading, and the forgiving one if that stopped too, into one finding.
pub(super) fn explain(text: &str, file: FileId, strict: &Stop, lax: Option<&Stop>) -> Finding {
    let stop = lax.unwrap_or(strict);
    let at = place(text, stop);
    let case = Case { text, file, stop, strict, at, line: Line::around(text, at) };
    case.finding()
}

fn place(text: &str, stop: &Stop) -> usize {
    text.floor_char_boundary(stop.place().min(text.len()))
}

/// What is said where the key above the first line is missing.
const FIRST_LINE: &str = "the first line is indented deeper than what follows";

/// Whether nothing of a text can be taken as it was meant.
pub(super) fn hides_all(finding: &Finding) -> bool {
    finding.message == FIRST_LINE
}

struct Case<'a> {
    text: &'a str,
    file: FileId,
    stop: &'a Stop,
    strict: &'a Stop,
    at: usize,
    line: Line,
}

impl Case<'_> {
    fn finding(&self) -> Finding {
        if let Some(finding) = self
            .tab()
            .or_else(|| self.conflict_mark())
            .or_else(|| self.bare_expression())
            .or_else(|| self.quote())
        {
            return finding;
        }
        match self.stop.error.kind() {
            ErrorKind::RecursionLimitExceeded => codes::too_deep(DEPTH_LIMIT, self.character(self.at)),
            ErrorKind::UnexpectedCharacter { character } if !character.is_ascii_graphic() => {
                self.control(*character)
            }
            ErrorKind::BomInsideDocument => self.control('\u{feff}'),
            ErrorKind::UndeclaredTagHandle => {
                let word = self.word(self.at);
                codes::unknown_tag(&excerpt(word), self.span(self.at, self.at + word.len()))
            }
            _ => self
                .bracket()
                .or_else(|| self.odd_space())
                .or_else(|| self.first_character())
                .or_else(|| self.escape())
                .or_else(|| self.after_quote())
                .or_else(|| self.block())
                .or_else(|| self.first_line())
                .unwrap_or_else(|| self.other()),
        }
    }

    fn span(&self, start: usize, end: usize) -> Span {
        clamp(self.text, self.file, start, end)
    }

    fn character(&self, at: usize) -> Span {
        let length = self.text.get(at..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        self.span(at, at + length)
    }

    /// What stands from a place to the next white space.
    fn word(&self, at: usize) -> &str {
        let rest = self.text.get(at..).unwrap_or("");
        rest.split([' ', '\t', '\r', '\n']).next().unwrap_or("")
    }

    /// The code of the error's line, from its first character to its end.
    fn line_span(&self, line: Line) -> Span {
        let code = line.code(self.text);
        let code = code.split(" #").next().unwrap_or(code).trim_end();
        self.span(line.code, line.code + code.len())
    }

    fn tab(&self) -> Option<Finding> {
        let about_tabs = |stop: &Stop| {
            matches!(
                stop.error.kind(),
                ErrorKind::TabInBlockIndentation
                    | ErrorKind::TabInIndentation
                    | ErrorKind::TabInPlainScalar
                    | ErrorKind::TabAtBlockScalarStart
                    | ErrorKind::TabNotAllowed
            )
        };
        if !about_tabs(self.stop) && !about_tabs(self.strict) {
            return self.indenting_tab(self.line).map(|at| codes::tab(self.character(at)));
        }
        // The parser names the start of the text that the tab interrupts, so the tab stands on a line below.
        let mut below = std::iter::successors(Some(self.line), |line| line.below(self.text));
        let found = below
            .find_map(|line| self.indenting_tab(line))
            .or_else(|| self.text[self.at..].find('\t').map(|after| self.at + after));
        Some(codes::tab(self.character(found.unwrap_or(self.at))))
    }

    fn indenting_tab(&self, line: Line) -> Option<usize> {
        let indent = &self.text[line.start..line.code];
        let tab = indent.find('\t').map(|at| line.start + at);
        tab.filter(|_| line.code < line.end)
    }

    /// A line that git wrote about a merge, and of which the others are gone.
    fn conflict_mark(&self) -> Option<Finding> {
        let is_mark = |line: &Line| {
            let code = line.code(self.text);
            let rest =
                ["<<<<<<<", "|||||||", "=======", ">>>>>>>"].iter().find_map(|mark| code.strip_prefix(mark));
            line.start == line.code
                && rest.is_some_and(|rest| rest.trim_end().is_empty() || rest.starts_with(' '))
        };
        let line = [Some(self.line), self.line.above(self.text)].into_iter().flatten().find(is_mark)?;
        Some(codes::conflict_mark(self.line_span(line)))
    }

    fn bare_expression(&self) -> Option<Finding> {
        let code = self.line.code(self.text);
        let at = code.find("{{").filter(|at| code[..*at].trim_end().ends_with([':', '-', '[', ',']))?;
        Some(expression::unquoted(self.text, self.file, self.line.code + at))
    }

    /// A quote that is not closed where its author thought.
    fn quote(&self) -> Option<Finding> {
        let ran_on = match self.strict.error.kind() {
            ErrorKind::UnclosedQuotedScalar
            | ErrorKind::InvalidQuotedScalarIndent
            | ErrorKind::DocumentIndicatorInQuotedScalar => true,
            ErrorKind::InvalidIndentation => {
                matches!(self.stop.error.kind(), ErrorKind::UnclosedQuotedScalar)
            }
            _ => false,
        };
        if !ran_on {
            return None;
        }
        let gave_up = place(self.text, self.strict);
        let opened = match self.stop.error.kind() {
            ErrorKind::UnclosedQuotedScalar => self.at,
            _ => self.opening_quote(gave_up)?,
        };
        let quote = self.text.get(opened..)?.chars().next()?;
        let finding = codes::syntax(
            format!("the quote {quote} is never closed"),
            "opened here",
            self.character(opened),
        )
        .help(format!("close the text with {quote} on the same line"));
        let later = Line::around(self.text, gave_up);
        if gave_up > opened && later.start > opened && later.code < later.end {
            return Some(finding.related(self.line_span(later), "still inside the quoted text"));
        }
        Some(finding)
    }

    /// The first quote after what was read that begins a value or a key.
    fn opening_quote(&self, before: usize) -> Option<usize> {
        let from = self.text.floor_char_boundary(self.strict.read_to.min(before));
        let mut comment = false;
        let mut last = ' ';
        for (offset, character) in self.text.get(from..before)?.char_indices() {
            match character {
                '\n' => comment = false,
                '#' if last.is_whitespace() => comment = true,
                '"' | '\'' if !comment => return Some(from + offset),
                _ => {}
            }
            last = character;
        }
        None
    }

    fn control(&self, character: char) -> Finding {
        let at = self.text[self.at..].find(character).map_or(self.at, |after| self.at + after);
        codes::control_character(character, self.character(at))
    }

    /// Brackets that do not pair.
    fn bracket(&self) -> Option<Finding> {
        let open = self.open_brackets();
        match self.stop.error.kind() {
            ErrorKind::MisplacedFlowCollectionEnd => {
                let bracket = self.text.get(self.at..)?.chars().next()?;
                let finding = codes::syntax(
                    format!("`{bracket}` closes a bracket that was never opened"),
                    "closes nothing",
                    self.character(self.at),
                );
                Some(finding.help("remove it; if it is part of a text, put the text in quotes"))
            }
            ErrorKind::MismatchedFlowCollectionEnd { open, close } => {
                let at = self.closing(self.at)?;
                let finding = codes::syntax(
                    format!("`{open}` is closed by `{close}`"),
                    "closes another kind of bracket",
                    self.character(at.0),
                );
                let right = if *open == '[' { ']' } else { '}' };
                Some(
                    finding
                        .related(self.character(at.1), "opened here")
                        .help(format!("write `{right}` here")),
                )
            }
            _ => {
                let opened = open.last().copied()?;
                let bracket = self.text.get(opened..)?.chars().next()?;
                let opened_line = Line::around(self.text, opened);
                let ends = matches!(self.stop.error.kind(), ErrorKind::UnclosedFlowCollection { .. });
                if !ends && opened_line.start == self.line.start {
                    return self.no_comma(opened);
                }
                let right = if bracket == '[' { ']' } else { '}' };
                let message = format!("the bracket `{bracket}` is never closed");
                let help =
                    format!("close it with `{right}`; if it is part of a text, put the text in quotes");
                if ends {
                    return Some(codes::syntax(message, "opened here", self.character(opened)).help(help));
                }
                let here = self.line_span(self.line);
                Some(
                    codes::syntax(message, "opened here", self.character(opened))
                        .related(here, "still inside the bracket")
                        .help(help),
                )
            }
        }
    }

    /// `{flow: orders every: 15m}`: two keys of a map in braces without the comma between them.
    fn no_comma(&self, opened: usize) -> Option<Finding> {
        let text = self.text.get(opened..self.at)?;
        let since = text.rfind([',', '{', '['])?;
        let pair = &text[since + 1..];
        // A key, its value, and the next key, behind which reading stopped at the colon.
        let (_, value) = pair.split_once(": ").filter(|_| self.text[self.at..].starts_with(':'))?;
        let (value, key) = value.trim_end().rsplit_once(' ')?;
        let plain =
            |word: &str| !word.is_empty() && !word.contains(['"', '\'', ':', '&', '*', '!', '|', '>']);
        if !plain(value.trim()) || !plain(key) || value.contains('\n') {
            return None;
        }
        let start = self.at - key.len();
        let gap = opened + since + 1 + pair.find(value)? + value.len();
        let finding = codes::syntax(
            format!("a comma is missing before `{}`", excerpt(key)),
            "begins another key",
            self.span(start, self.at),
        );
        Some(finding.help("put a comma between the two").fix("put a comma", self.span(gap, gap), ","))
    }

    /// Brackets that are open where reading stopped, outermost first: those that were read, and those after them.
    fn open_brackets(&self) -> Vec<usize> {
        let bracket = |at: &usize| matches!(self.text.as_bytes().get(*at), Some(b'[' | b'{'));
        let mut open: Vec<usize> =
            self.stop.open.iter().filter(|open| open.flow).map(|open| open.start).filter(bracket).collect();
        let until = match self.stop.error.kind() {
            ErrorKind::UnclosedFlowCollection { .. } => self.text.len(),
            _ => self.at,
        };
        self.pair(self.stop.read_to, until, &mut open);
        open
    }

    /// Follows brackets from one place to another; the place of the first that closes another kind, with its opener.
    fn pair(&self, from: usize, until: usize, open: &mut Vec<usize>) -> Option<(usize, usize)> {
        let bytes = self.text.as_bytes();
        let mut quote: Option<u8> = None;
        let mut at = from;
        while at < until.min(bytes.len()) {
            let byte = bytes[at];
            let first = at == 0 || matches!(bytes[at - 1], b' ' | b'\t' | b'\n' | b'[' | b'{' | b',' | b':');
            match (quote, byte) {
                (Some(b'"'), b'\\') => at += 1,
                (Some(q), b) if q == b => quote = None,
                (Some(_), _) => {}
                (None, b'"' | b'\'') if first => quote = Some(byte),
                (None, b'#') if first => {
                    at =
                        self.text.as_bytes()[at..].iter().position(|b| *b == b'\n').map_or(until, |n| at + n);
                }
                (None, b'[' | b'{') if first => open.push(at),
                (None, b']' | b'}') => {
                    let opener = open.pop()?;
                    if (bytes[opener] == b'[') != (byte == b']') {
                        return Some((at, opener));
                    }
                }
                _ => {}
            }
            at += 1;
        }
        None
    }

    /// The bracket that closes another kind than was opened, and what it closes.
    fn closing(&self, opened: usize) -> Option<(usize, usize)> {
        self.pair(opened, self.text.len(), &mut Vec::new())
    }

    fn odd_space(&self) -> Option<Finding> {
        let character = self.line.code(self.text).chars().next()?;
        odd(character).then(|| codes::odd_space(character, self.character(self.line.code)))
    }

    /// A value that begins with a character that YAML keeps for itself.
    fn first_character(&self) -> Option<Finding> {
        let character = self.text.get(self.at..)?.chars().next().unwrap_or(' ');
        let reserved = match self.stop.error.kind() {
            ErrorKind::UnexpectedCharacter { .. } | ErrorKind::MappingKeyNotAllowed => true,
            ErrorKind::MissingAnchorOrAliasName => matches!(character, '&' | '*'),
            ErrorKind::UnexpectedEofBlockMapping | ErrorKind::ExpectedNodeContent => character == ',',
            ErrorKind::InvalidBlockScalarHeader | ErrorKind::ZeroBlockScalarIndent => true,
            ErrorKind::ExpectedDocumentStart => self.line_of_percent().is_some(),
            ErrorKind::MissingTagUri | ErrorKind::InvalidTagTerminator | ErrorKind::ExpectedTagBang => {
                character == '!'
            }
            _ => false,
        };
        if !reserved {
            return None;
        }
        let at = self.line_of_percent().unwrap_or(self.at);
        let character = self.text.get(at..)?.chars().next()?;
        let finding = codes::syntax(
            match character {
                '`' => "a text may not begin with a backtick".to_owned(),
                _ => format!("a text may not begin with `{character}`"),
            },
            "has a meaning of its own in YAML",
            self.character(at),
        )
        .help("put the text in quotes");
        Some(match self.quotable(at) {
            Some((span, value)) => finding.fix("put it in quotes", span, format!("\"{value}\"")),
            None => finding,
        })
    }

    fn line_of_percent(&self) -> Option<usize> {
        let expected = matches!(self.stop.error.kind(), ErrorKind::ExpectedDocumentStart);
        if !expected {
            return None;
        }
        let line = if self.line.code(self.text).starts_with('%') {
            Some(self.line)
        } else {
            self.line.above(self.text)
        };
        line.filter(|line| line.code(self.text).starts_with('%')).map(|line| line.code)
    }

    /// A plain value to the end of its line, when putting it in quotes surely says what was meant.
    fn quotable(&self, at: usize) -> Option<(Span, &str)> {
        let line = Line::around(self.text, at);
        let before = self.text.get(line.start..at)?;
        let rest = self.text.get(at..line.end)?;
        let value = rest.split(" #").next()?.trim_end();
        let plain = !value.contains(['"', '\\', '\t']) && !value.contains(": ") && !value.is_empty();
        let ends = line
            .below(self.text)
            .is_none_or(|below| below.code == below.end || below.indent() <= line.indent());
        let alone = self.stop.open.iter().all(|open| !open.flow) && before.ends_with(": ");
        (plain && ends && alone).then(|| (self.span(at, at + value.len()), value))
    }

    fn escape(&self) -> Option<Finding> {
        let known = matches!(
            self.stop.error.kind(),
            ErrorKind::UnknownQuotedScalarEscape
                | ErrorKind::InvalidQuotedScalarHexEscape
                | ErrorKind::InvalidLowSurrogateHexEscape
                | ErrorKind::InvalidLowSurrogate
                | ErrorKind::MissingLowSurrogate
                | ErrorKind::UnpairedLowSurrogate
                | ErrorKind::InvalidUnicodeEscape
        );
        if !known {
            return None;
        }
        let at = self.bad_escape().unwrap_or(self.at);
        let end =
            at + 1 + self.text.get(at + 1..).and_then(|rest| rest.chars().next()).map_or(0, char::len_utf8);
        let finding =
            codes::syntax("this escape is not known", "`\\` begins an escape here", self.span(at, end))
                .note("inside double quotes a backslash gives the next letter a meaning of its own")
                .help("write `\\\\` for a backslash, or use single quotes, in which it is a plain character");
        Some(finding)
    }

    fn bad_escape(&self) -> Option<usize> {
        let bytes = self.text.as_bytes();
        let mut at = self.at + 1;
        while let Some(byte) = bytes.get(at) {
            if *byte != b'\\' {
                at += 1;
                continue;
            }
            let next = *bytes.get(at + 1)?;
            let hex = match next {
                b'x' => 2,
                b'u' => 4,
                b'U' => 8,
                _ if b"0abt\tnvfre \"/\\N_LP\r\n".contains(&next) => 0,
                _ => return Some(at),
            };
            let digits = bytes.get(at + 2..at + 2 + hex)?;
            let point = std::str::from_utf8(digits).ok().and_then(|text| u32::from_str_radix(text, 16).ok());
            if hex > 0 && point.and_then(char::from_u32).is_none() {
                return Some(at);
            }
            at += 2 + hex;
        }
        None
    }

    fn after_quote(&self) -> Option<Finding> {
        let single = match self.stop.error.kind() {
            ErrorKind::InvalidTrailingSingleQuotedScalar => true,
            ErrorKind::InvalidTrailingDoubleQuotedScalar => false,
            _ => return None,
        };
        let quote = if single { '\'' } else { '"' };
        let rest = self.text.get(self.at..self.line.end)?;
        let length = rest.find([',', ']', '}', '#']).unwrap_or(rest.len());
        let here = self.span(self.at, self.at + rest[..length].trim_end().len());
        let help = if single {
            "write a quote inside single quotes twice ('it''s'), or put the whole text in double quotes"
        } else {
            "write a quote inside double quotes as \\\", or put the whole text in single quotes"
        };
        let finding =
            codes::syntax(format!("text follows the closing quote {quote}"), "after the quoted text", here);
        Some(match self.opening_quote(self.at) {
            Some(opened) => finding.related(self.character(opened), "the quoted text begins here").help(help),
            None => finding.help(help),
        })
    }

    /// Keys, lists and their indentation.
    fn block(&self) -> Option<Finding> {
        match self.stop.error.kind() {
            ErrorKind::MappingValueNotAllowed => Some(self.second_colon()),
            ErrorKind::SimpleKeyExpected | ErrorKind::InvalidSimpleKey => Some(self.no_colon(self.line)),
            ErrorKind::CommentNotSeparated => {
                let gap = self.span(self.at, self.at);
                let here = self.character(self.at);
                let finding =
                    codes::syntax("a space is missing before the comment", "begins a comment", here);
                Some(finding.help("put a space before `#`").fix("put a space before the comment", gap, " "))
            }
            ErrorKind::BlockSequenceEntryNotAllowed => {
                let finding = codes::syntax(
                    "a list does not begin on the line of its key",
                    "begins a list item",
                    self.character(self.at),
                );
                Some(finding.help("put each `- item` on a line of its own; if it is text, put it in quotes"))
            }
            ErrorKind::ExpectedBlockMappingKey
            | ErrorKind::ExpectedBlockSequenceEntry
            | ErrorKind::InvalidIndentation
            | ErrorKind::InvalidBlockScalarIndent => Some(self.indentation()),
            _ => None,
        }
    }

    /// A text whose first line is indented, and this one less: the key above the first is missing.
    fn first_line(&self) -> Option<Finding> {
        if !matches!(self.stop.error.kind(), ErrorKind::ExpectedDocumentStart) {
            return None;
        }
        let mut first = self.line.above(self.text)?;
        while let Some(above) = first.above(self.text) {
            first = above;
        }
        if first.indent() <= self.line.indent() || first.code(self.text).starts_with("---") {
            return None;
        }
        let (deep, plain) = (first.indent(), self.line.indent());
        let code = first.code(self.text).trim_end();
        let at = self.span(first.code, first.code + code.trim_end_matches(':').len());
        let finding = codes::syntax(FIRST_LINE, format!("indented by {deep}"), at)
            .related(self.line_span(self.line), format!("indented by {plain}"))
            .note("lines that belong together begin in the same column");
        Some(finding.help("write the key under which the first lines belong on a line above them, such as `settings:`, or indent them less"))
    }

    /// A colon where the line, or the lines above, already had their key.
    fn second_colon(&self) -> Finding {
        let before = self.text.get(self.line.code..self.at).unwrap_or("");
        let first_on_line = !before.contains(": ");
        let above = self.line.above(self.text);
        if !first_on_line {
            let colon =
                self.text[self.line.code..self.at].find(": ").map_or(self.at, |at| self.line.code + at);
            let value = self.text.get(colon + 1..self.line.end).unwrap_or("");
            let start = colon + 1 + value.len() - value.trim_start().len();
            return codes::syntax(
                "a text holds a colon and a space, which begin another key",
                "a second `: ` on the line",
                self.character(self.at),
            )
            .related(self.span(start, self.at), "the value begins here")
            .help("put the whole value in quotes");
        }
        // A line that its neighbours on both sides are deeper than slipped itself.
        if let Some(slipped) = above
            && let Some(before) = slipped.above(self.text)
            && slipped.indent() < self.line.indent()
            && ![slipped, before, self.line].iter().any(|line| line.code(self.text).starts_with('-'))
            && (before.indent() == self.line.indent() && before.code(self.text).contains(':')
                || before.indent() == slipped.indent() && before.code(self.text).trim_end().ends_with(':'))
        {
            return self.slipped(slipped);
        }
        match above {
            Some(above) if above.indent() < self.line.indent() => codes::syntax(
                "the line is indented deeper, but the line above already has a value",
                "belongs to nothing",
                self.line_span(self.line),
            )
            .related(self.line_span(above), "this already has a value")
            .help("give it the indentation of the line above, or move that line's value below it"),
            Some(above) => self.no_colon(above),
            None => self.other(),
        }
    }

    /// A line that is indented less than this one and its neighbours above: that line is wrong, not this one.
    fn slipped(&self, slipped: Line) -> Finding {
        let indent = self.text.get(slipped.start..slipped.code).unwrap_or("");
        if let Some((at, character)) = indent.char_indices().find(|(_, c)| odd(*c)) {
            return codes::odd_space(character, self.character(slipped.start + at));
        }
        if let Some(character) = slipped.code(self.text).chars().next().filter(|c| odd(*c)) {
            return codes::odd_space(character, self.character(slipped.code));
        }
        let depth = self.line.indent();
        let code = slipped.code(self.text).trim_end();
        // A line that is a key alone is told where a finding about the key would be.
        let at = match code.strip_suffix(':') {
            Some(key) => self.span(slipped.code, slipped.code + key.len()),
            None => self.line_span(slipped),
        };
        codes::syntax(
            "the line is indented less than the lines around it",
            format!("indented by {}", slipped.indent()),
            at,
        )
        .related(self.line_span(self.line), format!("the lines around it are indented by {depth}"))
        .note("so it ends what the lines above belong to, and the line below belongs to nothing")
        .help(format!("indent it by {depth} spaces, as the lines around it"))
        .fix(
            format!("indent it by {depth} spaces"),
            self.span(slipped.start, slipped.code),
            " ".repeat(depth),
        )
    }

    /// The line above that ended what this line belongs to: a key alone, less deep than this one, with deeper lines below it,
    /// while the line before it was as deep as this one or deeper.
    fn dedented_header(&self) -> Option<Line> {
        let column = self.line.indent();
        let mut line = self.line.above(self.text)?;
        let mut below = line;
        while line.indent() >= column {
            below = line;
            line = line.above(self.text)?;
        }
        let header = line;
        let is_header = header.code(self.text).trim_end().ends_with(':') && below.indent() > column;
        let mut before = header.above(self.text).filter(|_| is_header)?;
        while before.indent() > column {
            before = before.above(self.text)?;
        }
        let is_sibling = before.indent() == column && !before.code(self.text).starts_with('-');
        is_sibling.then_some(header)
    }

    /// A line that should be `key: value` and has no colon, or no space after it.
    fn no_colon(&self, line: Line) -> Finding {
        let code = line.code(self.text);
        let code = code.split(" #").next().unwrap_or(code).trim_end();
        let name = code.split(':').next().unwrap_or("");
        let named = !name.is_empty()
            && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'));
        let after = code.get(name.len() + 1..).filter(|after| !after.is_empty() && !after.starts_with("//"));
        if let Some(after) = after.filter(|_| named && self.line.indent() >= line.indent()) {
            let colon = line.code + name.len();
            if let Some(character) = after.chars().next().filter(|c| odd(*c)) {
                let at = self.character(colon + 1);
                return codes::odd_space(character, at).fix("type a plain space", at, " ");
            }
            let gap = self.span(colon + 1, colon + 1);
            return codes::syntax(
                "a space is missing after the colon",
                "no space follows",
                self.character(colon),
            )
            .note("without a space the whole line is one text")
            .help(format!("put a space after `{name}:`"))
            .fix("put a space after the colon", gap, " ");
        }
        let finding = codes::syntax(
            format!("`{}` has no colon", excerpt(code)),
            "expected `key: value`",
            self.line_span(line),
        );
        // `key = value`, `key => value`, and a colon of another alphabet.
        let marks = [" => ", " = ", "=", " -> ", "：", "∶"];
        let parted = marks.into_iter().find_map(|mark| code.split_once(mark));
        let is_key = |key: &str| {
            !key.is_empty()
                && key.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-'))
        };
        if let Some((key, value)) =
            parted.filter(|(key, value)| is_key(key.trim()) && !value.trim().is_empty())
        {
            let mended = format!("{}: {}", key.trim(), value.trim());
            return finding.help(format!("write `{}`", excerpt(&mended)));
        }
        let is_name = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
        let below = line.below(self.text).filter(|below| below.code < below.end);
        // What stands deeper below it belongs to it.
        if below.is_some_and(|below| below.indent() > line.indent()) && code.bytes().all(is_name) {
            let end = self.span(line.code + code.len(), line.code + code.len());
            return finding.help(format!("write `{code}:`")).fix("put a colon after it", end, ":");
        }
        finding.help("write `key: value`; if it continues the text above, indent it deeper than that key")
    }

    /// A line that stands at a column where nothing began.
    fn indentation(&self) -> Finding {
        let here = self.line_span(self.line);
        let columns = self.open_columns();
        let column = self.line.indent();
        if let Some(finding) = self.after_bracket() {
            return finding;
        }
        let item = self.line.code(self.text).starts_with("- ") || self.line.code(self.text) == "-";
        if let Some(finding) = self.lone_dash(column).filter(|_| !item) {
            return finding;
        }
        if columns.contains(&column) {
            let (message, why) = if item {
                ("a list item stands among the keys of a map", "begins with `-`")
            } else {
                ("a key stands among the items of a list", "has no `-`")
            };
            let help = if item {
                "indent the list below its key, or remove the `-`"
            } else {
                "begin the line with `- `, or give it the indentation of the key that it belongs to"
            };
            return codes::syntax(message, why, here).help(help);
        }
        if let Some(header) = self.dedented_header().filter(|_| !item) {
            return self.slipped(header);
        }
        let mut fitting = columns;
        fitting.extend(self.line.above(self.text).map(Line::indent));
        fitting.sort_unstable();
        fitting.dedup();
        let spaces: Vec<String> = fitting.iter().map(ToString::to_string).collect();
        let finding = codes::syntax(
            "the indentation of this line fits no line above",
            format!("indented by {column}"),
            here,
        )
        .note("lines that belong together begin in the same column");
        if spaces.is_empty() {
            return finding.help("align it with the lines that it belongs to");
        }
        let words = crate::diagnostic::list_words(&spaces, "or");
        let key = "or write the key under which it belongs on a line above it";
        finding.help(format!("indent it by {words} spaces, like the lines that it belongs to, {key}"))
    }

    /// The one line with a dash among lines of its column that are keys: its dash is too many.
    fn lone_dash(&self, column: usize) -> Option<Finding> {
        let mut line = self.line;
        let mut beside = Vec::new();
        while let Some(above) = line.above(self.text).filter(|above| above.indent() >= column) {
            line = above;
            if line.indent() == column {
                beside.push(line);
            }
        }
        let [only] = beside[..] else { return None };
        let code = only.code(self.text).trim_end();
        let key = code.strip_prefix("- ")?.trim_start();
        // What belongs to it stands deeper than its key would without the dash.
        if !key.ends_with(':') || only.below(self.text)?.indent() <= column {
            return None;
        }
        let at = self.span(only.code, only.code + code.len());
        let finding = codes::syntax("a list item stands among the keys of a map", "begins with `-`", at)
            .related(self.line_span(self.line), "a key in the same column");
        let dash = self.span(only.code, only.code + code.len() - key.len());
        Some(finding.help(format!("take the `-` away: `{key}`")).fix("take the dash away", dash, ""))
    }

    /// Text behind a bracket that closed: `[new] order`.
    fn after_bracket(&self) -> Option<Finding> {
        let before = self.text.get(self.line.code..self.at)?;
        if !before.trim_end().ends_with([']', '}']) {
            return None;
        }
        let rest = self.text.get(self.at..self.line.end)?;
        let end = self.at + rest.split(" #").next()?.trim_end().len();
        let finding =
            codes::syntax("text follows the closing bracket", "after the bracket", self.span(self.at, end))
                .help("if the bracket is part of a text, put the whole text in quotes");
        let colon = self.line.code + before.find(": ")? + 1;
        let value = self.text.get(colon..end)?.trim_start();
        if !value.starts_with(['[', '{']) || value.contains(['"', '\\']) || before.starts_with("- ") {
            return Some(finding);
        }
        Some(finding.fix("put it in quotes", self.span(end - value.len(), end), format!("\"{value}\"")))
    }

    /// Columns at which open block lists and maps began, outermost first.
    fn open_columns(&self) -> Vec<usize> {
        let mut columns: Vec<usize> = Vec::new();
        for open in self.stop.open.iter().filter(|open| !open.flow).take(32) {
            let column = open.start - Line::around(self.text, open.start).start;
            if !columns.contains(&column) {
                columns.push(column);
            }
        }
        columns
    }

    fn other(&self) -> Finding {
        let reason = self.stop.error.kind().to_string();
        codes::syntax("the text is not well-formed YAML here", "cannot be read", self.character(self.at))
            .note(format!("the parser says: {reason}"))
            .help("look at this line and the one above: quotes, brackets, colons and indentation")
    }
}
