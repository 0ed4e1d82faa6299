//! Configurations with one mistake each: exactly one finding, of the right code, under the right words.
//!
//! The cases are `tests/projects/mistakes/cases.txt`, edits of the valid project beside it. What people read is
//! `tests/ui/mistakes.txt`; `UPDATE=1 cargo test mistakes` writes it anew, to be read before it is committed.

use std::path::{Path, PathBuf};

use pairform::compile::{Selection, compile};
use pairform::report;
use pairform::source::{SourceFile, Sources, load};
use rayon::prelude::*;

/// One case of the table.
struct Case {
    name: String,
    /// Path of the file below the project.
    file: String,
    code: String,
    /// What is replaced by what, in order.
    edits: Vec<(String, String)>,
    /// The words with the caret marked, where they are not in the new text of an edit.
    caret: Option<String>,
}

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects/mistakes")
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("cases.txt")).unwrap();
    let mut cases: Vec<Case> = Vec::new();
    let mut last = ' ';
    for line in text.lines() {
        if let Some((name, rest)) = line.strip_prefix('[').and_then(|line| line.split_once(']')) {
            let (file, code) = rest.trim().split_once(' ').unwrap();
            let file = match file {
                "pairform" => "pairform.yaml".to_owned(),
                _ if file.contains('/') => format!("{file}.yaml"),
                _ => format!("integrations/{file}.yaml"),
            };
            cases.push(Case {
                name: name.to_owned(),
                file,
                code: code.to_owned(),
                edits: Vec::new(),
                caret: None,
            });
            last = ' ';
            continue;
        }
        let mark = line.chars().next().unwrap_or(' ');
        let (Some(case), Some(text)) = (cases.last_mut(), line.get(2..)) else { continue };
        let add = |to: &mut String| {
            if !to.is_empty() {
                to.push('\n');
            }
            to.push_str(text);
        };
        match mark {
            '-' if last == '-' => add(&mut case.edits.last_mut().unwrap().0),
            '-' => case.edits.push((text.to_owned(), String::new())),
            '+' => add(&mut case.edits.last_mut().unwrap().1),
            '^' => add(case.caret.get_or_insert_default()),
            _ => continue,
        }
        last = mark;
    }
    cases
}

/// Replaces the only place where `old` stands.
fn replace(text: &str, old: &str, new: &str) -> Result<String, String> {
    match text.matches(old).count() {
        1 if new.is_empty() => Ok(text.replacen(&format!("{old}\n"), "", 1)),
        1 => Ok(text.replacen(old, new, 1)),
        found => Err(format!("the text of the edit stands {found} times in the file:\n{old}")),
    }
}

/// The text without the marks, and the range that they enclose.
fn unmark(text: &str) -> Option<(String, std::ops::Range<usize>)> {
    let start = text.find('«')?;
    let end = text.find('»')? - '«'.len_utf8();
    Some((text.replace(['«', '»'], ""), start..end))
}

/// The edited text, and where the caret has to stand.
fn edited(case: &Case, original: &str) -> Result<(String, std::ops::Range<usize>), String> {
    let mut text = original.to_owned();
    for (old, new) in &case.edits {
        text = replace(&text, old, new)?;
    }
    if let Some(caret) = &case.caret {
        let (plain, _) = unmark(caret).ok_or("no caret is marked")?;
        text = replace(&text, &plain, caret)?;
    }
    unmark(&text).ok_or_else(|| "no caret is marked".to_owned())
}

/// The project with one file edited.
fn sources(file: &str, text: &str) -> Sources {
    let mut sources = Sources::default();
    for (_, source) in load::load(&folder()).iter() {
        let text = if source.path == file { text } else { source.text() };
        sources.add(SourceFile::new(&source.path, text));
    }
    sources
}

/// What a person reads, and what is wrong with it.
fn judge(case: &Case) -> (String, Vec<String>) {
    let original = std::fs::read_to_string(folder().join(&case.file)).unwrap();
    let (text, caret) = match edited(case, &original) {
        Ok(edited) => edited,
        Err(error) => return (String::new(), vec![error]),
    };
    let sources = sources(&case.file, &text);
    let name = case.file.strip_prefix("integrations/").and_then(|name| name.strip_suffix(".yaml"));
    let integrations = name.map(str::to_owned).into_iter().collect();
    let compilation = compile(&sources, &Selection { integrations, ..Selection::default() });
    let findings = &compilation.findings;
    let mut wrong = Vec::new();
    if findings.len() != 1 {
        wrong.push(format!("{} findings", findings.len()));
    }
    for finding in findings.iter().take(1) {
        let span = finding.primary.span;
        if finding.code.id != case.code {
            wrong.push(format!("{}, not {}", finding.code.id, case.code));
        }
        if span.range() != caret || sources.path(span) != case.file {
            let wanted = &text[caret.clone()];
            wrong.push(format!("the caret is under `{}`, not `{wanted}`", sources.text(span)));
        }
        if finding.help.is_none() {
            wrong.push("it does not say what to do".to_owned());
        }
        let jargon = ["additionalProperties", "pattern", "oneOf", "anyOf", "regex", "JSON", "schema", "^["];
        let said = [&finding.message, &finding.primary.text, finding.help.as_ref().unwrap_or(&String::new())]
            .map(String::as_str)
            .join(" ")
            .replace("`pairform schema", "");
        wrong.extend(
            jargon.iter().filter(|word| said.contains(**word)).map(|word| format!("it says `{word}`")),
        );
    }
    let drawn = report::findings::text(findings, &sources, &compilation.hidden);
    let drawn = anstream::adapter::strip_str(&drawn).to_string();
    (drawn.lines().map(|line| format!("{}\n", line.trim_end())).collect(), wrong)
}

#[test]
fn the_project_without_mistakes_has_no_findings() {
    let sources = load::load(&folder());
    let compilation = compile(&sources, &Selection::default());
    let drawn = report::findings::text(&compilation.findings, &sources, &compilation.hidden);
    assert!(compilation.findings.is_empty(), "{}", anstream::adapter::strip_str(&drawn));
    assert_eq!(compilation.integrations.len(), 4);
}

#[test]
fn each_mistake_yields_one_finding_at_its_place() {
    let cases = cases();
    assert!(cases.len() >= 250, "{} cases were read", cases.len());
    let judged: Vec<_> = cases.par_iter().map(judge).collect();
    let mut text = String::new();
    let mut wrong = String::new();
    for (case, (drawn, faults)) in cases.iter().zip(&judged) {
        text.push_str(&format!("== {}\n\n{drawn}", case.name));
        if !faults.is_empty() {
            wrong.push_str(&format!("{}: {}\n{drawn}", case.name, faults.join("; ")));
        }
    }
    assert_golden("mistakes.txt", &text);
    assert!(wrong.is_empty(), "{wrong}");
}

fn assert_golden(name: &str, text: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let line = golden.lines().zip(text.lines()).position(|(a, b)| a != b);
    assert!(golden == text, "{} differs from line {line:?} on; UPDATE=1 writes it anew", path.display());
}
