//! Projects of people who do this job, each with what is said of it: a folder of `tests/projects/cases`, its findings beside it.
//!
//! The day is fixed. `UPDATE=1 cargo test cases` writes `findings.txt` anew, to be read before it is committed. A project whose
//! `findings.txt` is empty is one in which nothing is wrong.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use pairform::compile::{Compilation, Selection, compile};
use pairform::report;
use pairform::source::{Sources, load};

const TODAY: &str = "2026-11-29";

fn folders() -> Vec<PathBuf> {
    let all = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/projects/cases");
    let mut folders: Vec<PathBuf> =
        std::fs::read_dir(all).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    folders
}

fn judged(sources: &Sources, selection: Selection) -> Compilation {
    compile(sources, &Selection { today: Some(TODAY.parse().unwrap()), ..selection })
}

fn drawn(sources: &Sources, compilation: &Compilation) -> String {
    let drawn = report::findings::text(&compilation.findings, sources, &compilation.hidden);
    let drawn = anstream::adapter::strip_str(&drawn).to_string();
    drawn.lines().map(|line| format!("{}\n", line.trim_end())).collect()
}

#[test]
fn each_is_told_what_is_wrong_and_nothing_else() {
    let mut wrong = String::new();
    for folder in folders() {
        let sources = load::load(&folder);
        let compilation = judged(&sources, Selection::default());
        let text = drawn(&sources, &compilation);
        let golden = folder.join("findings.txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &text).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != text {
            let _ = writeln!(wrong, "{}:\n{text}", folder.display());
        }
    }
    assert!(wrong.is_empty(), "UPDATE=1 writes these anew\n{wrong}");
}

/// Codes and the integrations that a finding names, whichever of them it is shown at.
fn named(compilation: &Compilation) -> Vec<(String, Vec<String>)> {
    let mut all: Vec<_> = compilation
        .findings
        .iter()
        .map(|finding| {
            let mut names: Vec<String> =
                finding.about.integration.iter().chain(&finding.also).cloned().collect();
            names.sort();
            (finding.message.clone(), names)
        })
        .collect();
    all.sort();
    all
}

/// What is wrong between two integrations is found whichever of them is asked for, and told of that one alone.
#[test]
fn one_of_several_is_told_what_it_is_told_among_all() {
    for folder in folders() {
        let sources = load::load(&folder);
        let whole = judged(&sources, Selection::default());
        for name in &whole.names {
            let of_it: Vec<String> = named(&whole)
                .into_iter()
                .filter(|(_, names)| names.contains(name))
                .map(|(message, _)| message)
                .collect();
            let alone =
                judged(&sources, Selection { integrations: vec![name.clone()], ..Selection::default() });
            let told = named(&alone);
            assert!(
                told.iter().all(|(_, names)| names == std::slice::from_ref(name)),
                "{}: {told:?}",
                folder.display()
            );
            let told: Vec<String> = told.into_iter().map(|(message, _)| message).collect();
            assert_eq!(told, of_it, "{} {name}", folder.display());
        }
    }
}
