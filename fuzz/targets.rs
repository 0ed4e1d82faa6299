//! What is tried with any bytes at all: each target reads what comes from outside and asserts what must hold of it, however broken.
//!
//! `main.rs` hands them to libFuzzer, `tests/it/fuzz.rs` tries the kept corpora and changes of them in every run of the tests.

use std::collections::BTreeMap;
use std::io::Cursor;

use pairform::compile::{self, Selection};
use pairform::diagnostic::Finding;
use pairform::diagnostic::placed::PlacedFinding;
use pairform::diagnostic::text::is_harmful;
use pairform::http::{Answer, address};
use pairform::ops::owners;
use pairform::options::fetch::descriptor::{CodeType, Fetch};
use pairform::options::fetch::extract;
use pairform::options::{List, Options, lock};
use pairform::plan::Plan;
use pairform::plan::file as plan_file;
use pairform::report::content::Content;
use pairform::report::{findings, github, gitlab, html, junit, markdown, sarif};
use pairform::schema::archive::{self, Archive};
use pairform::schema::parts::Catalogue;
use pairform::source::{FileId, SourceFile, Sources};
use pairform::trust::Line;
use pairform::yaml::{self, Node, NodeKind, edit, layout};
use saphyr_parser::{Event, Parser};
use serde_json::Value as Json;

/// One thing that is tried.
pub type Target = fn(&[u8]);

/// All of them, by the names of their corpora.
pub const ALL: &[(&str, Target)] = &[
    ("yaml", yaml_reader),
    ("plan", plan_reader),
    ("codeowners", code_owners),
    ("lock", lock_file),
    ("answer", answer),
    ("project", project),
    ("policy", policy_lines),
    ("catalogue", catalogue),
];

/// The YAML and JSON readers: nothing panics, the short cut reads as the events do, layout and edits keep what they must, and
/// what two parsers take they read alike.
fn yaml_reader(data: &[u8]) {
    let sources = Sources::from(vec![SourceFile::from_bytes("a.yaml", data.to_vec())]);
    let mut found = Vec::new();
    let root = yaml::parse(&sources, FileId(0), &mut found);
    places_are_in(&sources, &found);
    let mut of_stream = Vec::new();
    let documents = yaml::parse_stream(&sources, FileId(0), &mut of_stream);
    places_are_in(&sources, &of_stream);
    let mut of_json = Vec::new();
    let json = yaml::parse_json(&sources, FileId(0), &mut of_json);
    places_are_in(&sources, &of_json);
    if of_json.is_empty() && json.is_some() {
        // A mark at its head is ignored, as RFC 8259 (8.1) lets a reader do.
        let bare = data.strip_prefix(b"\xef\xbb\xbf").unwrap_or(data);
        // Of any size: RFC 8259 (6) sets a number no bound, and a float has one.
        assert!(serde_json::from_slice::<serde::de::IgnoredAny>(bare).is_ok(), "no JSON");
    }
    let Ok(text) = std::str::from_utf8(data) else { return };
    if let Some(root) = root.as_ref().filter(|_| found.is_empty()) {
        // A comment with a tab is nothing to the short cut, which leaves the text to the events.
        if !text.contains(['|', '>']) {
            let longer = Sources::from(vec![SourceFile::new("a.yaml", format!("{text}\n#\t"))]);
            let mut said = Vec::new();
            let long = yaml::parse(&longer, FileId(0), &mut said);
            assert!(said.is_empty(), "{said:?}");
            assert!(long.is_some_and(|long| edit::same(root, &long)), "the short cut reads something else");
        }
        if let Ok(laid) = layout::layout(text) {
            let again = layout::layout(&laid);
            assert_eq!(again.as_deref().ok(), Some(laid.as_str()), "a layout is laid out anew");
        }
        if let Ok(set) = edit::set(text, &["a", "b"], &Json::from("x: #y")) {
            let changed = Sources::from(vec![SourceFile::new("a.yaml", set)]);
            let changed = yaml::parse(&changed, FileId(0), &mut Vec::new());
            let is_set =
                changed.as_ref().and_then(|root| root.get("a")?.get("b")?.as_text()) == Some("x: #y");
            assert!(is_set, "what was set is not there");
        }
        let _ = edit::remove(text, &["a"]);
    }
    if of_stream.is_empty()
        && let Some(second) = second_opinion(text)
    {
        let ours: Vec<String> = documents.iter().map(outline).collect();
        assert_eq!(ours, second, "two parsers read two things");
    }
}

/// Every place lies in its file, on character boundaries, and the lines are those of the text.
fn places_are_in(sources: &Sources, found: &[Finding]) {
    let text = sources.file(FileId(0)).text();
    for finding in found {
        let spans =
            std::iter::once(finding.primary.span).chain(finding.related.iter().map(|label| label.span));
        for span in spans {
            assert!(text.get(span.range()).is_some(), "{finding:?}");
            let at = sources.position(span);
            assert!((at.line, at.column) <= (at.end_line, at.end_column), "{finding:?}");
        }
    }
}

/// The tree's texts and kinds of nesting, without places; scalars as they resolve are left to our own tests.
fn outline(node: &Node) -> String {
    match &node.kind {
        NodeKind::List(items) => format!("[{}]", items.iter().map(outline).collect::<Vec<_>>().join(",")),
        NodeKind::Map(map) => {
            let entries = map.entries().iter();
            let entries = entries.map(|entry| format!("{:?}:{}", entry.key.text, outline(&entry.value)));
            format!("{{{}}}", entries.collect::<Vec<_>>().join(","))
        }
        NodeKind::Text(text) => format!("{text:?}"),
        _ => "scalar".to_owned(),
    }
}

/// The same of saphyr's parser; `None` where it refuses, or where more than plain nesting is read.
fn second_opinion(text: &str) -> Option<Vec<String>> {
    // Known differences between the two, none of them about what a configuration holds.
    if text.contains(['&', '*', '!', '%', '\t', '?', '|', '>', '\u{feff}', '\r']) || text.contains("<<") {
        return None;
    }
    let mut documents = Vec::new();
    let mut open: Vec<(bool, Vec<String>)> = Vec::new();
    let mut put = |open: &mut Vec<(bool, Vec<String>)>, said: String| match open.last_mut() {
        Some((_, items)) => items.push(said),
        None => documents.push(said),
    };
    for event in Parser::new_from_str(text) {
        match event.ok()?.0 {
            Event::Scalar(text, style, ..) => {
                let plain = style == saphyr_parser::ScalarStyle::Plain;
                let in_key = open.last().is_some_and(|(map, items)| *map && items.len() % 2 == 0);
                let said =
                    if plain && !in_key && !is_text(&text) { "scalar".into() } else { format!("{text:?}") };
                put(&mut open, said);
            }
            Event::SequenceStart(..) => open.push((false, Vec::new())),
            Event::MappingStart(..) => open.push((true, Vec::new())),
            Event::SequenceEnd | Event::MappingEnd => {
                let (map, items) = open.pop()?;
                let said = if map {
                    let entries = items.chunks(2).map(|entry| entry.join(":")).collect::<Vec<_>>();
                    format!("{{{}}}", entries.join(","))
                } else {
                    format!("[{}]", items.join(","))
                };
                put(&mut open, said);
            }
            Event::Alias(_) => return None,
            _ => {}
        }
    }
    Some(documents)
}

/// Whether the core schema reads a plain scalar as text, told by our reader of it alone. What has several lines is nothing
/// else, and is not what was written when it stands behind a key as it was read.
fn is_text(plain: &str) -> bool {
    if plain.contains('\n') {
        return true;
    }
    let sources = Sources::from(vec![SourceFile::new("a.yaml", format!("x: {plain}"))]);
    let read = yaml::parse(&sources, FileId(0), &mut Vec::new());
    read.as_ref().and_then(|root| root.get("x")).is_some_and(|value| value.as_text().is_some())
}

/// Plan files: what is read is written again to the byte, also when somebody sealed it anew.
fn plan_reader(data: &[u8]) {
    if let Ok(plan) = plan_file::read(Cursor::new(data)) {
        reads_back(plan);
    }
    if let Ok(mut plan) = serde_json::from_slice::<Plan>(data) {
        plan_file::seal(&mut plan);
        reads_back(plan);
    }
}

fn reads_back(mut plan: Plan) {
    let mut text = String::new();
    plan_file::write(&mut plan, &mut |piece| text.push_str(piece));
    if let Ok(mut again) = plan_file::read(Cursor::new(text.as_bytes())) {
        let mut second = String::new();
        plan_file::write(&mut again, &mut |piece| second.push_str(piece));
        assert_eq!(text, second);
    }
}

/// CODEOWNERS: the first line is a path, the rest the file.
fn code_owners(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let (path, rules) = text.split_once('\n').unwrap_or(("integrations/a.yaml", &text));
    for owner in owners::of_path(rules, path) {
        assert!(!owner.contains(char::is_whitespace));
    }
}

/// Lock files: what is read of one and written again reads the same.
fn lock_file(data: &[u8]) {
    const PATH: &str = "options/fortnox/a.lock.yaml";
    let sources = Sources::from(vec![SourceFile::from_bytes(PATH, data.to_vec())]);
    let mut found = Vec::new();
    let options = Options::read(&sources, &mut found);
    places_are_in(&sources, &found);
    let used = BTreeMap::new();
    for (connector, list) in options.lists() {
        let update = lock::Update {
            connector,
            account: &list.account,
            fetched: BTreeMap::new(),
            used: &used,
            whole: false,
            today: "2026-11-29",
            keep_days: lock::KEEP_DAYS,
        };
        let text = lock::render(&update, Some(list));
        let again = Options::of(PATH, &text);
        assert!(again.is_some_and(|again| same_list(list, &again)), "{text}");
    }
}

fn same_list(one: &List, two: &List) -> bool {
    let sorted = |list: &List| {
        let mut sets = list.sets.clone();
        for set in sets.values_mut() {
            set.choices.sort_by(|a, b| a.value.cmp(&b.value));
            set.gone.sort_by(|a, b| a.value.cmp(&b.value));
        }
        sets
    };
    one.account == two.account && sorted(one) == sorted(two)
}

/// A platform's answer: the first line says how it is read (a `fetch` of a connector), the rest is what came.
fn answer(data: &[u8]) {
    let end = data.iter().position(|byte| *byte == b'\n').unwrap_or(0);
    let (how, body) = data.split_at(end);
    let fetch: Fetch = serde_json::from_slice(how).unwrap_or_default();
    let headers = BTreeMap::from([("content-type".to_owned(), "application/json".to_owned())]);
    let answer = Answer::new(200, headers, body.to_vec());
    if let Ok(base) = address::read("https://a.example/x") {
        let link = String::from_utf8_lossy(body);
        if let Some(to) = address::join(&base, &link) {
            assert!(to.username().is_empty() && to.password().is_none() && to.has_host());
        }
    }
    let Ok(json) = answer.json() else { return };
    let Ok(items) = extract::items(json, &fetch) else { return };
    for item in &items {
        for code in [CodeType::Text, CodeType::Integer] {
            if let Ok(Some(choice)) = extract::choice(item, &fetch, code, false) {
                assert!(!choice.value.is_empty() && !choice.value.chars().any(char::is_control));
                assert!(
                    !choice.label.chars().any(|c| c.is_control() || matches!(c, '\u{202a}'..='\u{202e}'))
                );
            }
        }
    }
}

/// Lines of a policy: what is read is written so that it reads the same, alone and among others.
fn policy_lines(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    if let Ok(line) = text.parse::<Line>() {
        assert_eq!(line.to_string().parse().as_ref(), Ok(&line), "{line}");
    }
    let Ok(lines) = Line::read_list(&text) else { return };
    let written: Vec<String> = lines.iter().map(Line::quoted).collect();
    assert_eq!(Line::read_list(&written.join(" ")).as_ref(), Ok(&lines), "{written:?}");
}

/// An archive of a catalogue, as it comes and as somebody who knows the form would seal it: what is taken can be read to its end.
fn catalogue(data: &[u8]) {
    for bytes in [data.to_vec(), archive::sealed(data)] {
        let Ok(archive) = Archive::read(bytes.clone()) else { continue };
        assert_eq!(archive.bytes(), bytes);
        for path in archive.paths() {
            assert!(archive.json(path).is_some() && !path.contains(".."), "{path}");
        }
    }
}

/// An integration's file: it is composed, checked and lowered, and told in every form, in which nothing of it acts.
fn project(data: &[u8]) {
    let sources = Sources::from(vec![
        SourceFile::from_bytes("integrations/a.yaml", data.to_vec()),
        SourceFile::new("pairform.yaml", "version: 1\n"),
    ]);
    let compiled = compile::compile(&sources, &Selection::default());
    let said = findings::text(&compiled.findings, &sources, &compiled.hidden);
    assert!(!unstyled(&said).contains(is_harmful), "{said:?}");
    let placed = PlacedFinding::all(&compiled.findings, &sources);
    let catalogue = Catalogue::default();
    let content = Content { integrations: 1, ..Content::of_findings(&placed, &[], &catalogue) };
    for json in [sarif::render(&content, &|_| None), gitlab::render(&content)] {
        let read: Json = serde_json::from_str(&json).unwrap_or_default();
        assert!(!read.is_null(), "{json}");
    }
    for text in [github::render(&content), junit::render(&content)] {
        assert!(!text.contains(is_harmful), "{text:?}");
    }
    assert!(markdown::render(&content, None).is_ok());
    assert!(html::render(&content, None).is_ok());
}

/// Without the colours.
fn unstyled(text: &str) -> String {
    let mut parts = text.split("\u{1b}[");
    let mut plain = parts.next().unwrap_or_default().to_owned();
    plain.extend(parts.map(|part| part.split_once('m').map_or(part, |(_, rest)| rest)));
    plain
}
