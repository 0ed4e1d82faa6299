//! What the code promises of itself, read from its text: layers, module docs, names, and lists that must not lag
//! behind what they list.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use pairform::diagnostic::codes;

use crate::imports::Imports;
use crate::tokens::{Token, tokens};

/// The layers of ARCHITECTURE.md. A module imports from lower rows only, and from no other of its own row.
const LAYERS: [&[&str]; 12] = [
    &["source"],
    &["diagnostic", "trust"],
    &["yaml", "model"],
    &["schema"],
    &["http"],
    &["options", "secrets"],
    &["compile", "plan"],
    &["store"],
    &["apply"],
    &["ops"],
    &["report"],
    &["serve", "cli"],
];

/// What only a program that is run from a command line does: no module below `cli` says any of it. Arguments, bars, the
/// folder that all threads share, memory that is never given back, exit codes, and printing.
const OF_THE_COMMAND_LINE: [&[&str]; 9] = [
    &["clap"],
    &["indicatif"],
    &["set_current_dir"],
    &["Box", "::", "leak"],
    &["exit", "::"],
    &["print", "!"],
    &["println", "!"],
    &["eprint", "!"],
    &["eprintln", "!"],
];

/// Lines of a file of `src`.
const LONGEST: usize = 800;

/// Names that say nothing of what is inside.
const EMPTY_NAMES: [&str; 7] = ["utils", "helpers", "common", "core", "manager", "service", "types"];

/// What leaves a run without a word to the user.
const ABRUPT: [&str; 6] = ["todo!(", "unimplemented!(", "dbg!(", "panic!(", ".unwrap()", ".expect("];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(path: &str) -> Option<String> {
    std::fs::read_to_string(root().join(path)).ok()
}

/// All files below a folder, as paths from the project's root with forward slashes, sorted.
fn files_below(folder: &str) -> Vec<String> {
    fn walk(folder: &Path, into: &mut Vec<PathBuf>) {
        for entry in std::fs::read_dir(folder).into_iter().flatten() {
            let path = entry.unwrap().path();
            if path.is_dir() { walk(&path, into) } else { into.push(path) }
        }
    }
    let mut files = Vec::new();
    walk(&root().join(folder), &mut files);
    let relative = |path: &PathBuf| path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
    let mut files: Vec<String> = files.iter().map(relative).collect();
    files.sort();
    files
}

/// Rust files below a folder with their text.
fn rust_files(folder: &str) -> Vec<(String, String)> {
    let files = files_below(folder).into_iter().filter(|path| path.ends_with(".rs"));
    files.map(|path| (path.clone(), read(&path).unwrap())).collect()
}

/// The files of `src` with comments and tests blanked out, so that line numbers stay.
fn source_code() -> Vec<(String, String)> {
    let files = rust_files("src").into_iter().filter(|(path, _)| !path.ends_with("/tests.rs"));
    files.map(|(path, text)| (path, without_tests(&text))).collect()
}

/// By convention of this project the tests of a module are its last item.
fn without_tests(text: &str) -> String {
    let mut code = String::new();
    for line in text.lines() {
        if line == "#[cfg(test)]" {
            break;
        }
        if !line.trim_start().starts_with("//") {
            code.push_str(line);
        }
        code.push('\n');
    }
    code
}

fn fail_with(complaints: &[String]) {
    assert!(complaints.is_empty(), "\n{}\n", complaints.join("\n"));
}

fn layer(module: &str) -> Option<usize> {
    LAYERS.iter().position(|row| row.contains(&module))
}

/// `src/schema/link.rs` belongs to `schema`; `src/lib.rs` and `src/main.rs` to none.
fn module_of(path: &str) -> Option<&str> {
    let inside = path.strip_prefix("src/")?;
    let (first, _) = inside.split_once('/')?;
    Some(first)
}

/// The top modules named after `crate::`, with the line.
fn imports(code: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    for (at, _) in code.match_indices("crate::") {
        if code[..at].ends_with('$') {
            continue;
        }
        let line = code[..at].matches('\n').count() + 1;
        let rest = &code[at + "crate::".len()..];
        let names: Vec<&str> = match rest.strip_prefix('{') {
            Some(group) => top_level(group),
            None => vec![rest],
        };
        found.extend(names.into_iter().map(|name| (line, word(name))));
    }
    found
}

/// The items of a `use` group, up to its closing brace.
fn top_level(group: &str) -> Vec<&str> {
    let (mut depth, mut start, mut items) = (0, 0, Vec::new());
    for (at, c) in group.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => {
                items.push(&group[start..at]);
                break;
            }
            '}' => depth -= 1,
            ',' if depth == 0 => {
                items.push(&group[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    items.retain(|item| !item.trim().is_empty());
    items
}

fn word(text: &str) -> String {
    text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect()
}

#[test]
fn a_module_imports_only_from_lower_layers() {
    let mut complaints = Vec::new();
    for (path, code) in source_code() {
        let Some(module) = module_of(&path) else { continue };
        let own = layer(module).unwrap_or_else(|| panic!("{path}: `{module}` is in no layer"));
        for (line, imported) in imports(&code) {
            match layer(&imported) {
                _ if imported == module => {}
                Some(other) if other < own => {}
                Some(_) => complaints.push(format!("{path}:{line}: `{module}` imports `{imported}`")),
                None => complaints.push(format!("{path}:{line}: `{imported}` is in no layer")),
            }
        }
    }
    fail_with(&complaints);
}

#[test]
fn imports_are_found_in_every_form() {
    let found = |code: &str| imports(code).into_iter().map(|(_, name)| name).collect::<Vec<_>>();
    assert_eq!(found("use crate::plan::{self, Plan};"), ["plan"]);
    assert_eq!(
        found("use crate::{plan, model::{Value, Secret},\n schema::Pair};"),
        ["plan", "model", "schema"]
    );
    assert_eq!(found("let x = crate::yaml::parse();\nlet y: &'a crate::store::Run;"), ["yaml", "store"]);
    assert_eq!(found("$crate::diagnostic::Code"), [""; 0]);
}

/// What holds between modules holds between files: each can be read and understood after those that it imports.
#[test]
fn no_files_import_each_other_in_a_circle() {
    fail_with(&Imports::read(&source_code()).circles());
}

#[test]
fn no_source_file_is_longer_than_can_be_kept_in_mind() {
    let longer = rust_files("src").into_iter().filter_map(|(path, text)| {
        let lines = text.lines().count();
        (lines > LONGEST).then(|| format!("{path} has {lines} lines; {LONGEST} are the most"))
    });
    fail_with(&longer.collect::<Vec<_>>());
}

/// Where a file says any of these words in a row, as `path:line: words`. Texts and comments say nothing.
fn says(path: &str, code: &str, all: &[&[&str]]) -> Vec<String> {
    let tokens: Vec<_> = tokens(code).into_iter().filter(|token| !token.is_text).collect();
    let found = |words: &&[&str]| -> Vec<String> {
        let here = |window: &&[Token<'_>]| window.iter().map(|token| token.text).eq(words.iter().copied());
        let windows = tokens.windows(words.len()).filter(here);
        windows.map(|window| format!("{path}:{}: `{}`", window[0].line, words.concat())).collect()
    };
    all.iter().flat_map(found).collect()
}

/// A text that names a flag or a command of ours, which only the command line has.
fn names_a_flag_or_command(text: &str) -> bool {
    let flag = |(at, _): (usize, &str)| {
        text[at + 2..].starts_with(|c: char| c.is_ascii_lowercase()) && !text[..at].ends_with('-')
    };
    text.match_indices("--").any(flag) || text.contains("`pairform ")
}

#[test]
fn nothing_below_the_command_line_is_a_program_s_own() {
    let below =
        source_code().into_iter().filter(|(path, _)| module_of(path).is_some_and(|module| module != "cli"));
    fail_with(&below.flat_map(|(path, code)| says(&path, &code, &OF_THE_COMMAND_LINE)).collect::<Vec<_>>());
}

/// What an operation says is said to whoever called it, who may have no flags.
#[test]
fn no_operation_names_a_flag_or_a_command() {
    let mut complaints = Vec::new();
    for (path, code) in source_code().iter().filter(|(path, _)| module_of(path) == Some("ops")) {
        let named =
            tokens(code).into_iter().filter(|token| token.is_text && names_a_flag_or_command(token.text));
        complaints.extend(named.map(|token| format!("{path}:{}: {}", token.line, token.text)));
    }
    fail_with(&complaints);
}

#[test]
fn what_belongs_to_the_command_line_is_seen_and_nothing_else() {
    let said = |code: &str| says("a.rs", code, &OF_THE_COMMAND_LINE);
    for (code, words) in [
        ("use clap::Parser;", "clap"),
        ("fn f(bar: &indicatif::ProgressBar) {}", "indicatif"),
        ("use std::env::{current_dir, set_current_dir};", "set_current_dir"),
        ("Box::leak(Box::new(1));", "Box::leak"),
        ("Stop::new(exit::ERRORS, why)", "exit::"),
        ("std::process::exit(1); exit :: OK", "exit::"),
        ("println!(\"{x}\")", "println!"),
        ("if a { eprintln!() }", "eprintln!"),
    ] {
        assert_eq!(said(code), [format!("a.rs:1: `{words}`")], "{code}");
    }
    for code in [
        "// println!",
        "let claps = \"clap println! exit::\";",
        "fn leak() { on_exit::<u8>() }",
        "writeln!(out)",
    ] {
        assert_eq!(said(code), [""; 0], "{code}");
    }
    for text in ["\"use --yes\"", "\"see `pairform plan`\"", "\"--no-input\""] {
        assert!(names_a_flag_or_command(text), "{text}");
    }
    for text in ["\"a -- b\"", "\"---\"", "\"pairform\"", "\"`pairform.yaml`\"", "\"-----begin\""] {
        assert!(!names_a_flag_or_command(text), "{text}");
    }
}

/// A top module could also reach its neighbours by way of its parent.
#[test]
fn no_top_module_imports_by_way_of_its_parent() {
    let mut complaints = Vec::new();
    for (path, code) in source_code() {
        let levels = match path.split('/').collect::<Vec<_>>()[..] {
            ["src", _, "mod.rs"] => "super::",
            ["src", _, file] if file != "mod.rs" => "super::super::",
            _ => "super::super::super::",
        };
        if code.contains(levels) {
            complaints.push(format!("{path}: write `crate::` in place of `{levels}`"));
        }
    }
    fail_with(&complaints);
}

#[test]
fn the_library_lists_its_modules_in_the_order_of_the_layers() {
    let library = read("src/lib.rs").unwrap();
    let listed: Vec<&str> = library
        .lines()
        .filter_map(|line| {
            line.strip_prefix("pub mod ").or_else(|| line.strip_prefix("mod "))?.strip_suffix(';')
        })
        .collect();
    assert_eq!(listed, LAYERS.concat());
}

#[test]
fn every_module_says_what_it_is() {
    let files = rust_files("src").into_iter().chain(rust_files("tests")).chain(rust_files("benches"));
    let silent = files.filter(|(_, text)| !text.starts_with("//! "));
    fail_with(&silent.map(|(path, _)| format!("{path} does not begin with `//! `")).collect::<Vec<_>>());
}

/// An abrupt end needs its reason written beside it: `#[expect(clippy::…, reason = "…")]` on the item.
#[test]
fn nothing_ends_abruptly_without_a_reason() {
    let mut complaints = Vec::new();
    for (path, code) in source_code() {
        let lines: Vec<&str> = code.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let Some(abrupt) = ABRUPT.iter().find(|abrupt| line.contains(*abrupt)) else { continue };
            let start = lines[..at].iter().rposition(|line| line.starts_with('}')).unwrap_or(0);
            let excused = lines[start..at]
                .iter()
                .any(|line| line.contains("#[expect(clippy::") && line.contains("reason = "));
            if !excused {
                complaints.push(format!("{path}:{}: `{abrupt}`", at + 1));
            }
        }
    }
    fail_with(&complaints);
}

#[test]
fn no_file_has_a_name_that_says_nothing() {
    let files = ["src", "tests", "benches", "schemas", "explain"].into_iter().flat_map(files_below);
    let empty = files.filter(|path| {
        path.split('/').any(|part| EMPTY_NAMES.contains(&part.split('.').next().unwrap_or_default()))
    });
    fail_with(&empty.collect::<Vec<_>>());
}

/// A row of the threat model that no test shows any more is a claim.
#[test]
fn every_test_that_the_threat_model_names_is_there() {
    let text = read("SECURITY.md").unwrap();
    let mut complaints = Vec::new();
    let rows = text.lines().filter(|line| line.starts_with("| ")).skip(1);
    for row in rows {
        let shown = row.split('|').nth(4).unwrap_or_default();
        for name in shown.split('`').skip(1).step_by(2) {
            let (file, test) = name.split_once("::").unwrap_or((name, ""));
            let file = file.trim_start_matches("tests/it/").trim_end_matches(".rs");
            let code = read(&format!("tests/it/{file}.rs")).unwrap_or_default();
            if code.is_empty() || !code.contains(&format!("fn {test}")) {
                complaints.push(format!("SECURITY.md: there is no test `{name}`"));
            }
        }
    }
    fail_with(&complaints);
}

#[test]
fn every_test_file_is_run() {
    let main = read("tests/it/main.rs").unwrap();
    let lost = files_below("tests/it").into_iter().filter_map(|path| {
        let inside = path.strip_prefix("tests/it/")?.strip_suffix(".rs")?;
        let module = inside.strip_suffix("/mod").unwrap_or(inside);
        let listed = main.lines().any(|line| line == format!("mod {module};"));
        (module != "main" && !module.contains('/') && !listed).then_some(path)
    });
    fail_with(&lost.map(|path| format!("{path} is not in tests/it/main.rs")).collect::<Vec<_>>());
}

#[test]
fn every_example_is_run() {
    let folders: BTreeSet<String> = files_below("examples")
        .iter()
        .filter_map(|path| Some(path.strip_prefix("examples/")?.split_once('/')?.0.to_owned()))
        .collect();
    assert!(!folders.is_empty(), "there are no examples");
    let tests = ["examples", "serve", "reconcile"].map(|name| read(&format!("tests/it/{name}.rs")).unwrap());
    let test = tests.concat();
    let lost = folders.iter().filter(|folder| !test.contains(folder.as_str()));
    fail_with(&lost.map(|folder| format!("examples/{folder} is run by no test")).collect::<Vec<_>>());
}

#[test]
fn codes_are_unique_sorted_and_in_their_stage() {
    let stages = [
        ("01", codes::yaml::ALL),
        ("02", codes::compose::ALL),
        ("03", codes::schema::ALL),
        ("04", codes::rules::ALL),
        ("04", codes::across::ALL),
        ("05", codes::options::ALL),
    ];
    let mut names = BTreeMap::new();
    for (stage, all) in stages {
        let numbers: Vec<&str> = all.iter().map(|code| &code.id[1..]).collect();
        assert!(numbers.is_sorted_by(|one, two| one < two), "stage {stage} is not sorted: {numbers:?}");
        for code in all {
            let (letter, number) = code.id.split_at(1);
            assert!("EWN".contains(letter) && number.len() == 4, "{} is no code", code.id);
            assert!(number.starts_with(stage), "{} is not of stage {stage}", code.id);
            assert!(
                code.name
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-'),
                "{} is not named in kebab case: {}",
                code.id,
                code.name
            );
            if let Some(other) = names.insert(code.name, code.id) {
                panic!("{other} and {} are both named {}", code.id, code.name);
            }
        }
    }
    assert_eq!(codes::all().len(), names.len(), "a stage is missing here");
}

/// What a newcomer is told to run is what decides.
#[test]
fn the_readme_and_the_pipeline_run_the_same_tests() {
    let (readme, pipeline) = (read("README.md").unwrap(), read(".ci/run").unwrap());
    let commands: Vec<&str> = readme
        .lines()
        .map(|line| line.trim().trim_start_matches("$ "))
        .filter(|line| line.starts_with("cargo test") || line.starts_with("tests/run") || *line == ".ci/run")
        .map(|line| line.split(" #").next().unwrap_or(line).trim())
        .collect();
    assert!(!commands.is_empty(), "README.md does not say how to run the tests");
    let other = commands.iter().filter(|command| **command != ".ci/run" && !pipeline.contains(**command));
    fail_with(&other.map(|command| format!(".ci/run does not call `{command}`")).collect::<Vec<_>>());
}

/// The name that a forge gives a heading, to link to.
fn anchor(heading: &str) -> String {
    let kept = heading.trim().chars().filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.collect::<String>().to_lowercase().replace(' ', "-")
}

/// A paper that moved must take with it whoever was sent there.
#[test]
fn every_link_of_the_papers_leads_somewhere() {
    let folders = ["docs", "explain", "examples", "packaging", "schemas", "tests"];
    let tops =
        std::fs::read_dir(root()).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let papers = tops.chain(folders.iter().flat_map(|folder| files_below(folder)));
    let mut complaints = Vec::new();
    let mut links = 0;
    for paper in papers.filter(|path| path.ends_with(".md")) {
        let text = read(&paper).unwrap();
        for link in text.split("](").skip(1).filter_map(|rest| rest.split(')').next()) {
            let is_elsewhere = link.contains("://") || link.contains(' ') || link.contains('{');
            if is_elsewhere || link.is_empty() {
                continue;
            }
            links += 1;
            let (file, heading) = link.split_once('#').map_or((link, None), |(file, at)| (file, Some(at)));
            let place = if file.is_empty() {
                PathBuf::from(&paper)
            } else {
                Path::new(&paper).parent().unwrap_or(Path::new("")).join(file)
            };
            let there = root().join(&place);
            let has = |heading: &str| {
                let text = std::fs::read_to_string(&there).unwrap_or_default();
                text.lines()
                    .any(|line| line.starts_with('#') && anchor(line.trim_start_matches('#')) == heading)
            };
            if !there.exists() || heading.is_some_and(|heading| !has(heading)) {
                complaints.push(format!("{paper}: `{link}` leads nowhere"));
            }
        }
    }
    assert!(links > 50, "{links} links");
    fail_with(&complaints);
}
