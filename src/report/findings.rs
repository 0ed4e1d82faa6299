//! Findings as rustc shows its own: the line, carets, notes, help. Credentials in the shown lines are masked.

use std::ops::Range;

use annotate_snippets::{AnnotationKind, Group, Level, Renderer, Snippet};
use owo_colors::OwoColorize as _;

pub use crate::diagnostic::counts;
use crate::diagnostic::text::{clean, count, is_harmful};
use crate::diagnostic::{Finding, Label, Severity};
use crate::source::{FileId, SourceFile, Sources, Span};

/// How many lines two labels of one file may lie apart to be drawn together.
const LINES_TOGETHER: usize = 60;

/// All findings, a blank line after each.
#[must_use]
pub fn text(findings: &[Finding], sources: &Sources, hidden: &[Span]) -> String {
    let renderer = Renderer::styled().term_width(120);
    let drawn = findings.iter().map(|finding| one(&renderer, finding, sources, hidden) + "\n\n");
    drawn.collect()
}

fn one(renderer: &Renderer, finding: &Finding, sources: &Sources, hidden: &[Span]) -> String {
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
        Severity::Note => Level::NOTE,
    };
    let windows = windows(finding, sources, hidden);
    let message = clean(&finding.message);
    let mut group: Group<'_> =
        level.primary_title(&message).id(finding.code.id).elements(windows.iter().map(Window::snippet));
    let notes: Vec<String> = finding.notes.iter().map(|note| clean(note)).chain(suffering(finding)).collect();
    let help = finding.help.as_deref().map(clean);
    for note in &notes {
        group = group.element(Level::NOTE.message(note.as_str()));
    }
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help.as_str()));
    }
    renderer.render(&[group])
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

/// A few whole lines of a file, masked, with the labels that lie in them.
struct Window {
    path: String,
    text: String,
    first_line: usize,
    labels: Vec<(Range<usize>, String, bool)>,
}

impl Window {
    fn snippet(&self) -> Snippet<'_, annotate_snippets::Annotation<'_>> {
        let annotations = self.labels.iter().map(|(range, label, primary)| {
            let kind = if *primary { AnnotationKind::Primary } else { AnnotationKind::Context };
            let annotation = kind.span(range.clone());
            if label.is_empty() { annotation } else { annotation.label(label.as_str()) }
        });
        Snippet::source(self.text.as_str())
            .path(self.path.as_str())
            .line_start(self.first_line)
            .annotations(annotations)
    }
}

fn windows(finding: &Finding, sources: &Sources, hidden: &[Span]) -> Vec<Window> {
    let mut groups: Vec<(FileId, Vec<(&Label, bool)>)> = Vec::new();
    let labels =
        std::iter::once((&finding.primary, true)).chain(finding.related.iter().map(|label| (label, false)));
    for (label, primary) in labels {
        let line = |label: &Label| sources.file(label.span.file).line_column(label.span.start as usize).0;
        let near = groups.iter_mut().find(|(file, others)| {
            *file == label.span.file
                && others.iter().all(|(other, _)| line(other).abs_diff(line(label)) <= LINES_TOGETHER)
        });
        match near {
            Some((_, others)) => others.push((label, primary)),
            None => groups.push((label.span.file, vec![(label, primary)])),
        }
    }
    groups.into_iter().map(|(file, labels)| window(file, sources.file(file), &labels, hidden)).collect()
}

fn window(id: FileId, file: &SourceFile, labels: &[(&Label, bool)], hidden: &[Span]) -> Window {
    let starts = file.line_starts();
    let spans: Vec<Range<usize>> =
        labels.iter().map(|(label, _)| snap(file.text(), label.span.range())).collect();
    let line_of = |offset: usize| starts.partition_point(|start| *start as usize <= offset).max(1);
    let first = spans.iter().map(|span| line_of(span.start)).min().unwrap_or(1);
    // A label may cover many lines; its first few tell enough.
    let last = spans.iter().map(|span| line_of(span.end).min(line_of(span.start) + 6)).max().unwrap_or(first);
    let from = starts[first - 1] as usize;
    let to = starts.get(last).map_or(file.text().len(), |start| *start as usize);
    let mut text = file.text()[from..to].trim_end_matches(['\n', '\r']).to_owned();
    mask(&mut text, id, from, hidden);
    let text = harmless(&text);
    let labels = labels.iter().zip(spans).map(|((label, primary), span)| {
        let start = (span.start - from).min(text.len());
        let end = span.end.saturating_sub(from).clamp(start, text.len());
        // Text of a label may quote a file.
        (start..end, clean(&label.text), *primary)
    });
    let labels = labels.collect();
    Window { path: clean(&file.path), first_line: first, labels, text }
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
    text.chars().map(replaced).collect()
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
fn mask(text: &mut String, file: FileId, from: usize, hidden: &[Span]) {
    let ranges = hidden
        .iter()
        .filter(|span| span.file == file && span.end as usize > from)
        .map(|span| (span.start as usize).saturating_sub(from)..(span.end as usize - from))
        .filter(|range| range.start < text.len())
        .collect::<Vec<_>>();
    for range in ranges {
        let range = snap(text, range);
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
