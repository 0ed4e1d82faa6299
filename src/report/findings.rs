//! Findings as rustc shows its own: the line, carets, notes, help. Credentials in the shown lines are masked.

use std::collections::BTreeMap;
use std::ops::Range;

use annotate_snippets::{AnnotationKind, Element, Group, Level, Origin, Renderer, Snippet};
use owo_colors::OwoColorize as _;

use super::alike::{Said, alike};
pub use crate::diagnostic::counts;
use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::text::{MARKS, clean, count, is_harmful};
use crate::diagnostic::{Finding, Label, Severity};
use crate::source::{FileId, SourceFile, Sources, Span};

/// How many lines two labels of one file may lie apart to be drawn together.
const LINES_TOGETHER: usize = 60;

/// How many bytes they may lie apart: the lines of a file may be of any length.
const BYTES_TOGETHER: u32 = 16 * 1024;

/// How many bytes are kept of a line before and after its labels: more than is ever drawn.
const AROUND: usize = 1024;

/// As many findings of one mistake are each drawn.
const DRAWN: usize = 3;

/// As many further places are named.
const NAMED: usize = 4;

/// All findings, a blank line after each; one mistake that stands in many files is drawn once, with its places.
#[must_use]
pub fn text(findings: &[Finding], sources: &Sources, hidden: &[Span]) -> String {
    drawn(findings.iter(), sources, hidden)
}

/// As [`text`], of the errors alone.
#[must_use]
pub fn errors(findings: &[Finding], sources: &Sources, hidden: &[Span]) -> String {
    drawn(findings.iter().filter(|finding| finding.severity == Severity::Error), sources, hidden)
}

fn drawn<'f>(findings: impl Iterator<Item = &'f Finding>, sources: &Sources, hidden: &[Span]) -> String {
    let renderer = Renderer::styled().term_width(120);
    let hidden = Hidden::of(hidden);
    let drawn = together(findings)
        .into_iter()
        .map(|(finding, others)| one(&renderer, finding, &others, sources, &hidden) + "\n\n");
    drawn.collect()
}

/// Findings of which only the places are at hand, a blank line after each.
#[must_use]
pub fn without_lines<'f>(findings: impl Iterator<Item = &'f PlacedFinding>) -> String {
    let mut out = String::new();
    for finding in findings {
        let severity = finding.severity.as_str();
        let severity = match finding.severity {
            Severity::Error => severity.red().bold().to_string(),
            Severity::Warning => severity.yellow().bold().to_string(),
            Severity::Note => severity.green().bold().to_string(),
        };
        let (code, message, place) = (&finding.code, clean(&finding.message), &finding.place);
        let place = clean(&format!("{}:{}:{}", place.path, place.line, place.column));
        out.push_str(&format!("{severity}[{code}]: {message}\n  --> {place}\n"));
        for note in &finding.notes {
            out.push_str(&format!("  = note: {}\n", clean(note)));
        }
        if let Some(help) = &finding.help {
            out.push_str(&format!("  = help: {}\n", clean(help)));
        }
        out.push('\n');
    }
    out
}

/// Findings in their order, each with those that say the same of other places.
fn together<'f>(findings: impl Iterator<Item = &'f Finding>) -> Vec<(&'f Finding, Vec<&'f Finding>)> {
    let said = |finding: &'f Finding| Said {
        code: finding.code.id,
        severity: finding.severity.as_str(),
        message: &finding.message,
        category: finding.about.category.as_deref().unwrap_or_default(),
        setting: finding.about.setting.as_deref().unwrap_or_default(),
    };
    let apart = |some: Vec<&'f Finding>| match some.len() <= DRAWN {
        true => some.into_iter().map(|finding| (finding, Vec::new())).collect(),
        false => vec![(some[0], some[1..].to_vec())],
    };
    alike(findings, said).into_iter().flat_map(apart).collect()
}

/// Where else the same was found, and what is said of it there that is not said of the first.
fn others_told(finding: &Finding, others: &[&Finding], sources: &Sources) -> Vec<String> {
    let beside = |one: &&Finding| (one.notes.clone(), one.help.clone());
    let groups = alike(others.iter().copied(), |one| beside(&one));
    let mut told = Vec::new();
    for some in groups {
        let said = elsewhere(&some, sources);
        let notes = some[0].notes.iter().filter(|note| !finding.notes.contains(note));
        let help = some[0].help.iter().filter(|_| some[0].help != finding.help);
        let more: Vec<String> = notes.chain(help).map(|one| clean(one)).collect();
        told.push(std::iter::once(said).chain(more).collect::<Vec<_>>().join("; there: "));
    }
    told
}

fn elsewhere(others: &[&Finding], sources: &Sources) -> String {
    let shown = if others.len() > NAMED { NAMED - 1 } else { others.len() };
    let places: Vec<String> = others[..shown]
        .iter()
        .map(|other| {
            clean(&format!("{}:{}", sources.path(other.primary.span), sources.line(other.primary.span)))
        })
        .collect();
    let rest = others.len() - shown;
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    format!("the same in {}: {}{rest}", count(others.len(), "other place"), places.join(", "))
}

/// Where something is hidden, by file: sorted, and none overlaps another.
struct Hidden(BTreeMap<FileId, Vec<Range<usize>>>);

impl Hidden {
    fn of(spans: &[Span]) -> Self {
        let mut by_file: BTreeMap<FileId, Vec<Range<usize>>> = BTreeMap::new();
        for span in spans {
            by_file.entry(span.file).or_default().push(span.range());
        }
        for ranges in by_file.values_mut() {
            ranges.sort_unstable_by_key(|range| range.start);
            ranges.dedup_by(|next, one| {
                let overlaps = next.start < one.end;
                one.end = if overlaps { one.end.max(next.end) } else { one.end };
                overlaps
            });
        }
        Hidden(by_file)
    }

    /// What is hidden of a part of a file.
    fn within(&self, file: FileId, part: Range<usize>) -> impl Iterator<Item = &Range<usize>> {
        let all = self.0.get(&file).map(Vec::as_slice).unwrap_or_default();
        let first = all.partition_point(|range| range.end <= part.start);
        all[first..].iter().take_while(move |range| range.start < part.end)
    }
}

fn one(
    renderer: &Renderer,
    finding: &Finding,
    others: &[&Finding],
    sources: &Sources,
    hidden: &Hidden,
) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let windows = windows(finding, sources, hidden);
    let message = clean(&finding.message);
    let mut group: Group<'_> =
        level.primary_title(&message).id(finding.code.id).elements(windows.iter().flat_map(Window::elements));
    let notes = finding.notes.iter().map(|note| clean(note)).chain(suffering(finding));
    let notes: Vec<String> = notes.chain(others_told(finding, others, sources)).collect();
    let help = finding.help.as_deref().map(clean);
    for note in &notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    let drawn = renderer.render(&[group]);
    if windows.iter().all(|window| window.at.is_none()) {
        return drawn;
    }
    // Between a place that was told before and its text the renderer draws the mark of a path, and no path.
    drawn.lines().filter(|line| !is_bare_mark(line)).collect::<Vec<_>>().join("\n")
}

/// A line of a drawing that holds `:::`, blanks and colours alone.
fn is_bare_mark(line: &str) -> bool {
    let plain = line.split('\u{1b}').enumerate().map(|(at, part)| match at {
        0 => part,
        _ => part.split_once('m').map_or(part, |(_, text)| text),
    });
    plain.collect::<String>().trim() == ":::"
}

/// Which other integrations a base's mistake hits.
fn suffering(finding: &Finding) -> Option<String> {
    const SHOWN: usize = 4;
    let also = &finding.also;
    let first = finding.about.integration.as_ref().filter(|_| !also.is_empty())?;
    let names: Vec<&str> = std::iter::once(first).chain(also).take(SHOWN).map(String::as_str).collect();
    let rest = (also.len() + 1).saturating_sub(SHOWN);
    let rest = if rest > 0 { format!(" and {rest} more") } else { String::new() };
    let names = clean(&names.join(", "));
    Some(format!("this concerns {}: {names}{rest}", count(also.len() + 1, "integration")))
}

/// A few lines of a file, masked, with the labels that lie in them. They are whole unless one is very long.
struct Window {
    path: String,
    text: String,
    first_line: usize,
    /// The line and column of the first label, where the text begins within a line and does not tell.
    at: Option<(usize, usize)>,
    labels: Vec<(Range<usize>, String, bool)>,
}

impl Window {
    fn elements(&self) -> Vec<Element<'_>> {
        let annotations = self.labels.iter().map(|(range, label, primary)| {
            let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(range.clone());
            if label.is_empty() { annotation } else { annotation.label(label.as_str()) }
        });
        let snippet =
            Snippet::source(self.text.as_str()).line_start(self.first_line).annotations(annotations);
        match self.at {
            None => vec![snippet.path(self.path.as_str()).into()],
            Some((line, column)) => {
                vec![Origin::path(self.path.as_str()).line(line).char_column(column).into(), snippet.into()]
            }
        }
    }
}

fn windows(finding: &Finding, sources: &Sources, hidden: &Hidden) -> Vec<Window> {
    let mut groups: Vec<(FileId, Vec<(&Label, bool)>)> = Vec::new();
    let labels =
        std::iter::once((&finding.primary, true)).chain(finding.related.iter().map(|label| (label, false)));
    for (label, primary) in labels {
        let near = groups.iter_mut().find(|(file, others)| {
            *file == label.span.file
                && others.iter().all(|(other, _)| {
                    sources.line(other.span).abs_diff(sources.line(label.span)) <= LINES_TOGETHER
                        && other.span.start.abs_diff(label.span.start) <= BYTES_TOGETHER
                })
        });
        match near {
            Some((_, others)) => others.push((label, primary)),
            None => groups.push((label.span.file, vec![(label, primary)])),
        }
    }
    groups.into_iter().map(|(file, labels)| window(file, sources.file(file), &labels, hidden)).collect()
}

fn window(id: FileId, file: &SourceFile, labels: &[(&Label, bool)], hidden: &Hidden) -> Window {
    let starts = file.line_starts();
    let spans: Vec<Range<usize>> =
        labels.iter().map(|(label, _)| snap(file.text(), label.span.range())).collect();
    let line_of = |offset: usize| starts.partition_point(|start| *start as usize <= offset).max(1);
    let first = spans.iter().map(|span| line_of(span.start)).min().unwrap_or(1);
    // A label may cover many lines; its first few tell enough.
    let last = spans.iter().map(|span| line_of(span.end).min(line_of(span.start) + 6)).max().unwrap_or(first);
    let line_start = starts[first - 1] as usize;
    let to = starts.get(last).map_or(file.text().len(), |start| *start as usize);
    let first_byte = spans.iter().map(|span| span.start).min().unwrap_or(line_start);
    let last_byte = spans.iter().map(|span| span.end.min(span.start + AROUND)).max().unwrap_or(to);
    let whole = file.text();
    let from = line_start.max(whole.floor_char_boundary(first_byte.saturating_sub(AROUND)));
    let to = to.min(whole.ceil_char_boundary(last_byte.saturating_add(AROUND))).max(from);
    let at = (from > line_start).then(|| spans.first().map(|span| file.line_column(span.start))).flatten();
    let mut text = file.text()[from..to].trim_end_matches(['\n', '\r']).to_owned();
    mask(&mut text, id, from, hidden);
    let text = harmless(&text);
    let labels = labels.iter().zip(spans).map(|((label, primary), span)| {
        // What took the place of a mark has other boundaries.
        let range = snap(&text, span.start - from..span.end.saturating_sub(from));
        // Text of a label may quote a file.
        (range, clean(&label.text), *primary)
    });
    let labels = labels.collect();
    Window { path: clean(&file.path), first_line: first, at, labels, text }
}

/// Replaces what a terminal would act upon by something as long, so that spans stay. The renderer draws the control
/// characters of ASCII as pictures, but lets those of Latin-1 and some direction marks through.
fn harmless(text: &str) -> String {
    let replaced = |c: char| match c.len_utf8() {
        2 if is_harmful(c) => '¿',
        3 if is_harmful(c) => char::REPLACEMENT_CHARACTER,
        4 if is_harmful(c) => '\u{1fbc4}',
        _ => c,
    };
    let mut text: String = text.chars().map(replaced).collect();
    for mark in MARKS {
        // Their first two characters are two bytes, as one of these is.
        text = text.replace(mark, &format!("¿{}", &mark[2..]));
    }
    text
}

/// A range that lies in the text, on character boundaries.
fn snap(text: &str, range: Range<usize>) -> Range<usize> {
    let floor = |mut at: usize| {
        at = at.min(text.len());
        while !text.is_char_boundary(at) {
            at -= 1;
        }
        at
    };
    let start = floor(range.start);
    start..floor(range.end).max(start)
}

/// Stars over what may be a credential.
fn mask(text: &mut String, file: FileId, from: usize, hidden: &Hidden) {
    for range in hidden.within(file, from..from + text.len()) {
        let range = snap(text, range.start.saturating_sub(from)..range.end - from);
        let stars: String =
            text[range.clone()].bytes().map(|byte| if byte == b'\n' { '\n' } else { '*' }).collect();
        text.replace_range(range, &stars);
    }
}

/// `3 integrations checked: 2 errors, 1 warning`
#[must_use]
pub fn summary(findings: &[Finding], checked: usize, noun: &str) -> String {
    let of = counts(findings);
    let (errors, warnings) = (of.get(&Severity::Error).copied(), of.get(&Severity::Warning).copied());
    let notes = of.get(&Severity::Note).copied();
    let mut said = Vec::new();
    if let Some(errors) = errors {
        said.push(count(errors, "error").red().bold().to_string());
    }
    if let Some(warnings) = warnings {
        said.push(count(warnings, "warning").yellow().bold().to_string());
    }
    if let Some(notes) = notes {
        said.push(count(notes, "note"));
    }
    let checked = count(checked, noun);
    if said.is_empty() {
        return format!("{checked} checked: {}\n", "nothing wrong".green().bold());
    }
    format!("{checked} checked: {}\n", said.join(", "))
}
