//! The canonical layout of a text: two spaces a level, one space where one belongs, no stray white space.
//!
//! Line by line, with the parser's word for what may not be touched (the lines of long scalars). Order, quotes and the
//! style of every list and map stay. What comes out has to give the same events and the same comments, and to be laid out
//! already when asked again; where moving lines would change a meaning, they stay where they are.

use granit_parser::{Event, Parser};

use super::edit::{self, EditError};

/// The text in canonical layout.
///
/// # Errors
/// When the text has mistakes, or no layout keeps its meaning; it is to be left alone then.
pub fn layout(text: &str) -> Result<String, EditError> {
    edit::tree(text).ok_or(EditError::Unreadable)?;
    let meant = signature(text).ok_or(EditError::Unreadable)?;
    // A carriage return alone is a line break too; at the end it would be half a one beside the line feed that follows.
    let mut unix = text.replace("\r\n", "\n").replace('\r', "\n");
    if !unix.is_empty() && !unix.ends_with('\n') {
        // A block scalar that ends with the file ends with a line break all the same.
        unix.push('\n');
    }
    for moves in [true, false] {
        let Some(laid) = settle(&unix, moves) else { continue };
        if signature(&laid).as_ref() == Some(&meant) && edit::comments(&laid) == edit::comments(text) {
            return Ok(laid);
        }
    }
    Err(EditError::Meaning("the layout".to_owned()))
}

/// Lays out until nothing moves any more.
fn settle(text: &str, moves: bool) -> Option<String> {
    let mut text = text.to_owned();
    for _ in 0..4 {
        let next = lines(&gaps(&text)?, moves)?;
        if next == text {
            return Some(next);
        }
        text = next;
    }
    None
}

/// An event with its place in the text.
struct Token {
    /// What it means, places aside.
    meaning: String,
    start: usize,
    end: usize,
    scalar: bool,
    block: bool,
    comment: bool,
    opens_flow: bool,
}

/// The events of a text; none when it cannot be read.
fn tokens(text: &str) -> Option<Vec<Token>> {
    let options = granit_parser::options! {
        strict_indentation: true,
        emit_comments: true,
        max_buffered_comment_events: text.lines().count() + 1,
        emit_unresolved_aliases: true,
    };
    let mut found = Vec::new();
    for next in Parser::new_from_str_with_options(text, options) {
        let (event, place) = next.ok()?;
        let (start, end) = (place.start.byte_offset()?, place.end.byte_offset()?);
        let (mut scalar, mut block, mut comment, mut opens_flow) = (false, false, false, false);
        let meaning = match &event {
            Event::Comment(..) => {
                comment = true;
                String::new()
            }
            Event::Scalar(_, style, ..) => {
                scalar = true;
                block =
                    matches!(style, granit_parser::ScalarStyle::Literal | granit_parser::ScalarStyle::Folded);
                format!("{event:?}")
            }
            Event::SequenceStart(..) | Event::MappingStart(..) => {
                // A block collection has an empty place, which may lie at a bracket of its first item.
                opens_flow = end > start && matches!(text.as_bytes().get(start), Some(b'[' | b'{'));
                format!("{event:?}")
            }
            _ => format!("{event:?}"),
        };
        found.push(Token { meaning, start, end, scalar, block, comment, opens_flow });
    }
    Some(found)
}

fn signature(text: &str) -> Option<Vec<String>> {
    let tokens = tokens(text)?;
    Some(tokens.into_iter().filter(|token| !token.comment).map(|token| token.meaning).collect())
}

/// One space after a colon and a comma, where both sides stand on one line.
fn gaps(text: &str) -> Option<String> {
    let mut places: Vec<(usize, usize)> = tokens(text)?
        .into_iter()
        .filter(|token| !token.comment && !token.block && token.end > token.start)
        .map(|token| (token.start, if token.scalar { token.end } else { token.start + 1 }))
        .collect();
    places.sort_unstable();
    let mut out = String::new();
    let mut done = 0;
    for pair in places.windows(2) {
        let (before, after) = (pair[0].1, pair[1].0);
        let Some(gap) = text.get(before..after) else { continue };
        let wanted = match gap.trim() {
            ":" => ": ",
            "," => ", ",
            _ => continue,
        };
        if gap == wanted || gap.contains('\n') || before < done {
            continue;
        }
        out.push_str(text.get(done..before)?);
        out.push_str(wanted);
        done = after;
    }
    out.push_str(text.get(done..)?);
    Some(out)
}

/// What the parser says of a line.
#[derive(Clone, Copy, PartialEq)]
enum Line {
    /// Begins with a key, a dash, a value, a comment or nothing.
    Free,
    /// Goes on with a flow collection: its indentation says nothing.
    Flow,
    /// Goes on with a scalar: nothing but its indentation may change.
    Scalar,
}

fn kinds(text: &str) -> Option<Vec<Line>> {
    let starts: Vec<usize> =
        std::iter::once(0).chain(text.match_indices('\n').map(|(at, _)| at + 1)).collect();
    let line_of = |at: usize| starts.partition_point(|start| *start <= at).saturating_sub(1);
    let mut kinds = vec![Line::Free; starts.len()];
    let mut open: Vec<Option<usize>> = Vec::new();
    for token in tokens(text)? {
        if token.scalar && token.end > token.start {
            let mut last = line_of(token.end);
            let blank = text.get(starts[last]..token.end).is_none_or(|head| head.trim().is_empty());
            if last > 0 && blank {
                last -= 1;
            }
            // A block scalar's place begins below its header.
            let header = text.get(..token.start)?.trim_end_matches([' ', '\t']);
            let below = token.block && header.ends_with('\n');
            let first = line_of(token.start) + usize::from(!below);
            kinds.get_mut(first..=last).into_iter().flatten().for_each(|kind| *kind = Line::Scalar);
        }
        if token.meaning.starts_with("SequenceStart") || token.meaning.starts_with("MappingStart") {
            open.push(token.opens_flow.then_some(token.start));
        } else if (token.meaning.starts_with("SequenceEnd") || token.meaning.starts_with("MappingEnd"))
            && let Some(Some(start)) = open.pop()
        {
            let lines = line_of(start) + 1..=line_of(token.end);
            let kinds = kinds.get_mut(lines).into_iter().flatten();
            kinds.filter(|kind| **kind == Line::Free).for_each(|kind| *kind = Line::Flow);
        }
    }
    Some(kinds)
}

fn lines(text: &str, moves: bool) -> Option<String> {
    let kinds = kinds(text)?;
    let mut levels = Levels { open: Vec::new(), moves };
    let mut out = String::new();
    let mut comments: Vec<(usize, &str)> = Vec::new();
    let mut blanks = false;
    let mut shift = 0;
    for (line, kind) in text.split('\n').zip(&kinds) {
        match kind {
            Line::Scalar => {
                out.push_str(&if line.trim().is_empty() { line.to_owned() } else { shifted(line, shift) });
                out.push('\n');
            }
            Line::Flow => {
                out.push_str(spaced(&shifted(line, shift)).trim_end());
                out.push('\n');
            }
            Line::Free if line.trim().is_empty() => {
                // Kept in place among comments that wait for their line.
                if comments.is_empty() { blanks = true } else { comments.push((usize::MAX, "")) }
            }
            Line::Free => {
                let body = line.trim_start_matches(' ');
                let column = line.len() - body.len();
                if body.starts_with('#') {
                    if comments.is_empty() && blanks && !out.is_empty() {
                        out.push('\n');
                    }
                    blanks &= !comments.is_empty();
                    comments.push((column, body));
                    continue;
                }
                let before = levels.open.clone();
                let (indent, body, moved) = levels.enter(column, body);
                flush(&mut out, &mut comments, &before, Some((column, indent)), moves);
                if blanks && !out.is_empty() && !out.ends_with("\n\n") {
                    out.push('\n');
                }
                blanks = false;
                shift = moved;
                out.push_str(&" ".repeat(indent));
                out.push_str(spaced(&body).trim_end());
                out.push('\n');
            }
        }
    }
    let before = levels.open.clone();
    flush(&mut out, &mut comments, &before, None, moves);
    let scalar_end = kinds.iter().rev().nth(1) == Some(&Line::Scalar) || kinds.last() == Some(&Line::Scalar);
    // Blank lines at the end of a long scalar may belong to it.
    let kept = if scalar_end { out.as_str() } else { out.trim_end_matches('\n') };
    let kept = kept.to_owned();
    Some(if kept.is_empty() || kept.ends_with('\n') { kept } else { kept + "\n" })
}

/// Comments stand with what they stood with: the next line, or the level that they were written at.
fn flush(
    out: &mut String,
    comments: &mut Vec<(usize, &str)>,
    open: &[(usize, usize)],
    next: Option<(usize, usize)>,
    moves: bool,
) {
    for (column, body) in comments.drain(..) {
        if body.is_empty() {
            if !out.ends_with("\n\n") && !out.is_empty() {
                out.push('\n');
            }
            continue;
        }
        let level = open.iter().rev().find(|(old, _)| *old <= column).map(|(_, new)| *new);
        let indent = match next {
            _ if !moves => column,
            Some((old, new)) if old == column => new,
            Some((old, new)) if old > column => level.unwrap_or(new).min(new),
            Some((_, new)) => level.unwrap_or(new),
            None => level.unwrap_or(0),
        };
        out.push_str(&" ".repeat(indent));
        out.push_str(spaced(body).trim_end());
        out.push('\n');
    }
}

/// The columns that are open, as written and as they become.
struct Levels {
    open: Vec<(usize, usize)>,
    moves: bool,
}

impl Levels {
    /// The new indentation of a line, its new text, and by how much what continues it moves.
    fn enter(&mut self, column: usize, body: &str) -> (usize, String, isize) {
        let indent = self.level(column);
        let (mut old, mut new) = (column, indent);
        let mut head = String::new();
        let mut rest = body;
        while let Some(after) = rest.strip_prefix("- ").filter(|after| !after.trim().is_empty()) {
            let inner = after.trim_start_matches(' ');
            if inner.starts_with('#') {
                break;
            }
            let width = rest.len() - inner.len();
            let written = if self.moves { 2 } else { width };
            head.push('-');
            head.push_str(&" ".repeat(written - 1));
            (old, new) = (old + width, new + written);
            self.open.push((old, new));
            rest = inner;
        }
        let shift = isize::try_from(new).unwrap_or(0) - isize::try_from(old).unwrap_or(0);
        (indent, head + rest, shift)
    }

    fn level(&mut self, column: usize) -> usize {
        if !self.moves {
            return column;
        }
        while self.open.last().is_some_and(|(old, _)| *old > column) {
            self.open.pop();
        }
        match self.open.last() {
            Some((old, new)) if *old == column => *new,
            Some((_, new)) => {
                let new = new + 2;
                self.open.push((column, new));
                new
            }
            None => {
                self.open.push((column, 0));
                0
            }
        }
    }
}

fn shifted(line: &str, shift: isize) -> String {
    let body = line.trim_start_matches(' ');
    let column = (line.len() - body.len()).saturating_add_signed(shift);
    format!("{}{body}", " ".repeat(column))
}

/// `#comment` as `# comment`, where the whole line is one.
fn spaced(line: &str) -> String {
    let body = line.trim_start();
    let indent = &line[..line.len() - body.len()];
    match body.strip_prefix('#') {
        Some(rest) if rest.starts_with(|c: char| c.is_alphanumeric()) => format!("{indent}# {rest}"),
        _ => line.to_owned(),
    }
}
