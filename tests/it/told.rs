//! What is told of a mistake, and what of a secret is not: small cases whose words are golden. `tests/ui/told/schema.txt` has files that
//! any schema judges, `tests/ui/told/project.txt` changes of `examples/one-shop`; `UPDATE=1` writes anew what stands under `>` in
//! both, to be read before it is committed.
//!
//! No word that holds `canary` may be in what is said, in no form.

use std::fs;
use std::path::{Path, PathBuf};

use jiff::civil::date;
use pairform::compile::{Selection, compile};
use pairform::diagnostic::Finding;
use pairform::ops::{any_schema, workspace};
use pairform::report;
use pairform::source::{Sources, Span, load};
use rayon::prelude::*;

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// A case of a file: its name, what is done, and what is said.
struct Case {
    name: String,
    lines: Vec<String>,
    said: String,
}

fn cases(text: &str) -> Vec<Case> {
    let sections = text.split("\n== ").map(|section| section.strip_prefix("== ").unwrap_or(section));
    let case = |section: &str| {
        let (name, body) = section.split_once('\n').unwrap_or((section, ""));
        let (said, lines): (Vec<&str>, Vec<&str>) = body.lines().partition(|line| line.starts_with('>'));
        let said =
            said.iter().map(|line| line.strip_prefix("> ").unwrap_or(&line[1..]).to_owned() + "\n").collect();
        let lines = lines.into_iter().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        Case { name: name.to_owned(), lines, said }
    };
    sections.map(case).collect()
}

fn written(cases: &[Case]) -> String {
    let quoted = |said: &str| {
        said.lines().map(|line| format!("> {line}").trim_end().to_owned() + "\n").collect::<String>()
    };
    let one = |case: &Case| format!("== {}\n{}\n{}", case.name, case.lines.join("\n"), quoted(&case.said));
    cases.iter().map(one).collect::<Vec<_>>().join("\n")
}

/// What people read, and whether a canary is in that or in any other form.
fn shown(findings: &[Finding], sources: &Sources, hidden: &[Span]) -> (String, bool) {
    let drawn = report::findings::text(findings, sources, hidden);
    let text = anstream::adapter::strip_str(&drawn).to_string();
    let leaks = text.contains("canary") || format!("{findings:?}").contains("canary");
    (text.trim_end().to_owned() + "\n", leaks)
}

fn hold(file: &str, tell: impl Fn(&Case) -> (String, bool) + Sync + Send) {
    let path = root().join("tests/ui/told").join(file);
    let text = fs::read_to_string(&path).unwrap();
    let mut cases = cases(text.trim_end());
    assert!(cases.len() > 5, "{} cases", cases.len());
    let told: Vec<(String, bool)> = cases.par_iter().map(tell).collect();
    let mut wrong = String::new();
    for (case, (said, leaks)) in cases.iter_mut().zip(told) {
        if leaks || said != case.said {
            let why = if leaks { "a secret is told" } else { "other words are told" };
            wrong.push_str(&format!("== {}: {why}\n{said}\nexpected:\n{}\n", case.name, case.said));
        }
        case.said = if leaks { case.said.clone() } else { said };
    }
    if std::env::var_os("UPDATE").is_some() {
        fs::write(&path, written(&cases)).unwrap();
        return;
    }
    assert!(wrong.is_empty(), "{wrong}");
}

/// The first line is the schema, the second the file's name, the rest its text.
#[test]
fn of_any_file_by_any_schema() {
    hold("schema.txt", |case| {
        let folder = tempfile::tempdir().unwrap();
        let [schema, name, text @ ..] = &case.lines[..] else { panic!("{}", case.name) };
        fs::write(folder.path().join("schema.json"), schema).unwrap();
        fs::write(folder.path().join(name), text.join("\n") + "\n").unwrap();
        let judged = any_schema::judge(folder.path(), Path::new("schema.json"), &[name.into()]).unwrap();
        shown(&judged.findings, &judged.sources, &judged.hidden)
    });
}

/// `put FILE` with lines of its text; `move FROM TO` of a file or a folder; `edit FILE` with `-` a text that stands there once and `+` what takes its place.
#[test]
fn of_a_project() {
    hold("project.txt", |case| {
        let folder = tempfile::tempdir().unwrap();
        for (_, source) in load::load(&root().join("examples/one-shop")).iter() {
            put(&folder.path().join(&source.path), source.text());
        }
        let mut lines = case.lines.iter().map(String::as_str).peekable();
        while let Some(line) = lines.next() {
            let (what, file) = line.split_once(' ').unwrap_or((line, ""));
            let path = folder.path().join(file);
            let mut take = |mark: &str| {
                let mut text = Vec::new();
                while let Some(line) = lines.next_if(|line| line.starts_with(mark)) {
                    text.push(&line[1..]);
                }
                text.join("\n")
            };
            match what {
                "put" => put(&path, &(take("+") + "\n")),
                "move" => {
                    let (from, to) = file.split_once(' ').unwrap();
                    let to = folder.path().join(to);
                    fs::create_dir_all(to.parent().unwrap()).unwrap();
                    fs::rename(folder.path().join(from), to).unwrap();
                }
                "edit" => {
                    let (old, new) = (take("-"), take("+"));
                    let text = fs::read_to_string(&path).unwrap();
                    assert_eq!(text.matches(&old).count(), 1, "{}: {old}", case.name);
                    put(&path, &text.replacen(&old, &new, 1));
                }
                other => panic!("{}: {other}", case.name),
            }
        }
        let sources = load::load(folder.path());
        let selection = Selection { today: Some(date(2026, 11, 30)), ..Selection::default() };
        let compilation = compile(&sources, &selection);
        shown(&compilation.findings, &sources, &compilation.hidden)
    });
}

fn put(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

#[test]
fn a_project_file_with_a_slip_in_its_name_is_named() {
    for (name, is_near) in
        [("Pairform.yaml", true), ("pairform.yml", true), ("pairfrom.yaml", true), ("package.json", false)]
    {
        let folder = tempfile::tempdir().unwrap();
        put(&folder.path().join(name), "version: 1\n");
        let said = workspace::find_root(folder.path()).unwrap_err();
        assert_eq!(said.to_string().contains(name), is_near, "{said}");
    }
}
