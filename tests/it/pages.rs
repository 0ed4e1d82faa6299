//! Every code has a page, and every page keeps its word: the example yields that code and nothing else, the mend
//! yields nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pairform::compile::{Selection, compile};
use pairform::diagnostic::{Code, Finding, codes};
use pairform::report;
use pairform::source::{SourceFile, Sources, Span};
use pairform::yaml;

/// Sets everything that `fortnox-shopify` requires, so that an example shows nothing but its point.
const COMPLETE: &str = include_str!("fixtures/complete.yaml");

const NOT_TESTABLE: &str = "Example: not testable as text.";

/// What a page is not about: tools, hosts and vendors that its reader need not know.
const OTHER_PRODUCTS: [&str; 12] = [
    "terraform",
    "kubernetes",
    "kubectl",
    "ansible",
    "pulumi",
    "helm ",
    "github",
    "gitlab",
    "zapier",
    "rustc",
    "eslint",
    "visual studio",
];

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("explain")
}

fn page(code: &Code) -> String {
    std::fs::read_to_string(folder().join(format!("{}.md", code.id))).unwrap_or_default()
}

/// The text under `## NAME`, up to the next heading of that level.
fn section<'a>(page: &'a str, name: &str) -> Option<&'a str> {
    let (_, after) = page.split_once(&format!("\n## {name}\n"))?;
    Some(after.split("\n## ").next().unwrap_or(after))
}

/// The fenced blocks that name a file, as path and text.
fn files(section: &str) -> Vec<(String, String)> {
    let mut files: Vec<(String, String)> = Vec::new();
    let mut open = false;
    for line in section.split_inclusive('\n') {
        match (line.strip_prefix("```"), open) {
            (Some(_), true) => open = false,
            (Some(info), false) => {
                open = true;
                let path = info.split_whitespace().nth(1).unwrap_or_default();
                files.push((path.to_owned(), String::new()));
            }
            (None, true) => files.last_mut().unwrap().1.push_str(line),
            (None, false) => {}
        }
    }
    files.retain(|(path, _)| !path.is_empty());
    files
}

/// What a project of these files is told. A JSON file is no part of a project and is only parsed.
fn told(files: &[(String, String)]) -> (Vec<Finding>, Sources, Vec<Span>) {
    let mut all: BTreeMap<&str, &str> =
        files.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    if let [(path, text)] = files
        && path.ends_with(".json")
    {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new(path, text));
        let mut findings = Vec::new();
        yaml::parse_json(&sources, file, &mut findings);
        return (findings, sources, Vec::new());
    }
    if let [(path, text)] = files
        && path == "policy.yaml"
    {
        let policy = pairform::ops::policy_file::PolicyFile::read(Path::new(path), text);
        return (policy.findings, policy.sources, Vec::new());
    }
    all.entry("pairform.yaml").or_insert("version: 1\n");
    if files.iter().any(|(_, text)| text.contains("extends: [complete")) {
        all.insert("bases/complete.yaml", COMPLETE);
    }
    let mut sources = Sources::default();
    for (path, text) in all {
        sources.add(SourceFile::new(path, text));
    }
    let compiled =
        compile(&sources, &Selection { today: Some(jiff::civil::date(2026, 12, 1)), ..Selection::default() });
    (compiled.findings, sources, compiled.hidden)
}

/// A complaint when the files of a section yield other codes than `expected`.
fn complaint(code: &Code, name: &str, text: &str, expected: &[&str]) -> Option<String> {
    let files = files(text);
    if files.is_empty() {
        return Some(format!("{}: `## {name}` has no block that names its file", code.id));
    }
    let (findings, sources, hidden) = told(&files);
    let found: Vec<&str> = findings.iter().map(|finding| finding.code.id).collect();
    let shown =
        anstream::adapter::strip_str(&report::findings::text(&findings, &sources, &hidden)).to_string();
    (found != expected)
        .then(|| format!("{}: `## {name}` yields {found:?} in place of {expected:?}\n\n{shown}", code.id))
}

fn fail_with(complaints: Vec<String>) {
    assert!(complaints.is_empty(), "\n{}", complaints.join("\n"));
}

#[test]
fn every_code_has_a_page_and_every_page_a_code() {
    let ids: BTreeSet<String> = codes::all().iter().map(|code| format!("{}.md", code.id)).collect();
    let pages: BTreeSet<String> = std::fs::read_dir(folder())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().to_string_lossy().into_owned())
        .collect();
    let missing: Vec<_> = ids.difference(&pages).collect();
    let stray: Vec<_> = pages.difference(&ids).collect();
    assert!(missing.is_empty() && stray.is_empty(), "without a page: {missing:?}; without a code: {stray:?}");
}

#[test]
fn pages_have_one_form() {
    let mut complaints = Vec::new();
    for code in codes::all() {
        let page = page(code);
        let mut say = |what: &str| complaints.push(format!("{}: {what}", code.id));
        let title = format!("# {} {}\n\n", code.id, code.name);
        let Some(body) = page.strip_prefix(&title) else {
            say(&format!("the page does not begin with `{}`", title.trim_end()));
            continue;
        };
        let summary = body.split("\n\n").next().unwrap_or_default();
        if summary.starts_with('#') || !summary.ends_with('.') {
            say("no sentence under the title");
        }
        let headings: Vec<&str> = outside_fences(&page).filter(|line| line.starts_with("## ")).collect();
        if headings != ["## Why", "## Example", "## Mend"] {
            say(&format!("the sections are {headings:?}"));
        }
        if !page.ends_with('\n') || page.ends_with("\n\n") {
            say("it does not end with exactly one line break");
        }
        let lower = page.to_lowercase();
        for name in OTHER_PRODUCTS.iter().filter(|name| lower.contains(*name)) {
            say(&format!("mentions {name}"));
        }
    }
    fail_with(complaints);
}

fn outside_fences(page: &str) -> impl Iterator<Item = &str> {
    let mut open = false;
    page.lines().filter(move |line| {
        let fence = line.starts_with("```");
        open ^= fence;
        !open && !fence
    })
}

#[test]
fn each_example_yields_its_code_and_nothing_else() {
    let complaints = codes::all().into_iter().filter_map(|code| {
        let page = page(code);
        let example = section(&page, "Example").unwrap_or_default();
        if example.trim_start().starts_with(NOT_TESTABLE) {
            return None;
        }
        complaint(code, "Example", example, &[code.id])
    });
    fail_with(complaints.collect());
}

#[test]
fn each_mend_yields_nothing() {
    let complaints = codes::all().into_iter().filter_map(|code| {
        let page = page(code);
        if section(&page, "Example").unwrap_or_default().trim_start().starts_with(NOT_TESTABLE) {
            return None;
        }
        complaint(code, "Mend", section(&page, "Mend").unwrap_or_default(), &[])
    });
    fail_with(complaints.collect());
}

/// Else a page could escape its test by a few words.
#[test]
fn only_what_no_files_can_show_is_left_untested() {
    let untested: Vec<&str> = codes::all()
        .into_iter()
        .filter(|code| page(code).contains(NOT_TESTABLE))
        .map(|code| code.id)
        .collect();
    assert_eq!(untested, ["E0108", "E0109", "E0114", "E0115", "E0116", "E0341", "N0508", "N0509"]);
}
