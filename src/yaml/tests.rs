//! Facts about reading. What each mistake is told as stands beside it in `tests/yaml/err`; `UPDATE=1` blesses.
#![expect(clippy::disallowed_methods, reason = "reads and blesses goldens")]

use std::fmt::Write as _;
use std::path::Path;

use super::build::Mode;
use super::*;
use crate::diagnostic::Finding;
use crate::source::{FileId, ReadFault, SourceFile, Sources, Span};

fn run<T>(text: &str, read: impl Fn(&Sources, FileId, &mut Vec<Finding>) -> T) -> (T, Vec<Finding>, Sources) {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("a.yaml", text));
    let mut findings = Vec::new();
    let read = read(&sources, file, &mut findings);
    (read, findings, sources)
}

fn tree(text: &str) -> Node {
    let (node, findings, _) = run(text, parse);
    assert!(findings.is_empty(), "{text:?}: {findings:#?}");
    node.unwrap_or_else(|| panic!("{text:?} is empty"))
}

fn json_of(text: &str) -> String {
    tree(text).to_json().to_string()
}

fn codes_of(findings: &[Finding]) -> Vec<&'static str> {
    findings.iter().map(|finding| finding.code.id).collect()
}

fn told(findings: &[Finding], sources: &Sources) -> String {
    let mut out = String::new();
    let place = |span: Span| {
        let at = sources.position(span);
        let text = sources.text(span).replace('\n', "⏎").replace('\t', "→");
        format!("{}:{} `{text}`", at.line, at.column)
    };
    for finding in findings {
        let _ = writeln!(out, "{} {}", finding.code.id, finding.message);
        let _ = writeln!(out, "  at {} {}", place(finding.primary.span), finding.primary.text);
        for label in &finding.related {
            let _ = writeln!(out, "  see {} {}", place(label.span), label.text);
        }
        for note in &finding.notes {
            let _ = writeln!(out, "  note: {note}");
        }
        if let Some(help) = &finding.help {
            let _ = writeln!(out, "  help: {help}");
        }
        for edit in finding.fix.iter().flat_map(|fix| &fix.edits) {
            let _ = writeln!(out, "  fix: {} becomes `{}`", place(edit.span), edit.text);
        }
    }
    out
}

#[test]
fn each_mistake_is_told_as_recorded_beside_it() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml/err");
    let mut wrong = String::new();
    let mut seen = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let json = path.extension().is_some_and(|name| name == "json");
        if !json && path.extension().is_none_or(|name| name != "yaml") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let (node, findings, sources) = run(&text, if json { parse_json } else { parse });
        let tree = node.map_or_else(|| "none".to_owned(), |node| node.to_json().to_string());
        let actual = format!("{}tree {tree}\n", told(&findings, &sources));
        let golden = path.with_extension("txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&golden, &actual).unwrap();
        }
        if std::fs::read_to_string(&golden).unwrap_or_default() != actual {
            let _ = writeln!(wrong, "{}:\n{actual}", path.display());
        }
        seen += 1;
    }
    assert!(seen > 0 && wrong.is_empty(), "{wrong}");
}

#[test]
#[ignore = "needs the suite beside the repository: YAML_TEST_SUITE=its `data` branch"]
fn the_test_suite_agrees() {
    let root = std::env::var("YAML_TEST_SUITE").unwrap();
    let mut cases = Vec::new();
    collect(Path::new(&root), &mut cases);
    let (mut agree, mut json_agree, mut json_all) = (0, 0, 0);
    for case in &cases {
        let text = std::fs::read_to_string(case.join("in.yaml")).unwrap();
        let valid = !case.join("error").exists();
        let (nodes, findings, _) = run(&text, parse_stream);
        if valid == findings.is_empty() {
            agree += 1;
        } else {
            println!(
                "{}: valid={valid} {:?}",
                case.display(),
                findings.iter().map(|f| (f.code.id, &f.message)).collect::<Vec<_>>()
            );
        }
        if let Ok(expected) = std::fs::read_to_string(case.join("in.json"))
            && valid
            && findings.is_empty()
        {
            json_all += 1;
            let expected: Vec<serde_json::Value> =
                serde_json::Deserializer::from_str(&expected).into_iter().map(Result::unwrap).collect();
            let actual: Vec<serde_json::Value> = nodes.iter().map(Node::to_json).collect();
            if expected == actual {
                json_agree += 1;
            } else {
                println!("{}: JSON {expected:?} {actual:?}", case.display());
            }
        }
    }
    println!("{agree} of {} agree; JSON {json_agree} of {json_all}", cases.len());
}

fn collect(folder: &Path, cases: &mut Vec<std::path::PathBuf>) {
    if folder.join("in.yaml").exists() {
        cases.push(folder.to_owned());
    }
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        if path.is_dir() && !path.is_symlink() && !matches!(name.as_str(), "name" | "tags") {
            collect(&path, cases);
        }
    }
}

#[test]
fn plain_scalars_follow_the_core_schema() {
    for (text, json) in [
        ("no", "\"no\""),
        ("on", "\"on\""),
        ("2024-01-31", "\"2024-01-31\""),
        ("1_000", "\"1_000\""),
        ("190:20:30", "\"190:20:30\""),
        ("0b11", "\"0b11\""),
        ("0o17", "15"),
        ("0xFF", "255"),
        ("0xFFFFFFFFFFFFFFFFFF", "4.722366482869645e+21"),
        ("007", "7"),
        ("-12", "-12"),
        ("18446744073709551615", "18446744073709551615"),
        ("1.5e3", "1500.0"),
        (".5", "0.5"),
        ("5.", "5.0"),
        (".", "\".\""),
        ("-", "[null]"),
        ("+.inf", "\"+.inf\""),
        (".nan", "\".nan\""),
        ("True", "true"),
        ("tRUE", "\"tRUE\""),
        ("'true'", "\"true\""),
        ("!!str 12", "\"12\""),
        ("! 12", "\"12\""),
        ("!!int '12'", "12"),
        ("!!float 3", "3"),
        ("[~, null, NULL, nULL]", "[null,null,null,\"nULL\"]"),
    ] {
        assert_eq!(json_of(text), json, "{text}");
    }
    assert!(matches!(&tree("007").kind, NodeKind::Number(text) if &**text == "007"));
}

#[test]
fn a_key_is_its_text() {
    let map = tree("25: a\n25.5: b\nNO: c\n~: d\n\"x\": e\n");
    let keys: Vec<&str> = map.as_map().unwrap().entries().iter().map(|entry| &*entry.key.text).collect();
    assert_eq!(keys, ["25", "25.5", "NO", "~", "x"]);
    let (_, findings, _) = run("25: a\n\"25\": b\n", parse);
    assert_eq!(codes_of(&findings), ["E0105"]);
}

#[test]
fn spans_hold_the_text_and_nothing_around_it() {
    let text = "a: 'x y'  # c\nlist:\n  - å\n  - [1, {b: 2}]\nblock: |\n  one\n  two\n\nempty:   # none\nlast:\n  deep: {}\n";
    let (node, _, sources) = run(text, parse);
    let node = node.unwrap();
    let at = |pointer: &str| sources.text(find_path(&node, pointer).unwrap().span);
    assert_eq!(at(""), text.trim_end());
    assert_eq!(at("/a"), "'x y'");
    assert_eq!(at("/list"), "- å\n  - [1, {b: 2}]");
    assert_eq!(at("/list/0"), "å");
    assert_eq!(at("/list/1"), "[1, {b: 2}]");
    assert_eq!(at("/block"), "one\n  two");
    assert_eq!(at("/last"), "deep: {}");
    assert_eq!(find_path(&node, "/empty").unwrap().span.start as usize, text.find("empty:").unwrap() + 6);
    assert_eq!(sources.text(key_at(&node, "/last/deep").unwrap().span), "deep");
    assert!(key_at(&node, "/list/0").is_none() && find_path(&node, "/list/01").is_none());
}

#[test]
fn aliases_and_merges_are_expanded_and_own_keys_win() {
    let text = "x: &x {a: 1, b: 2}\ny: &y {b: 3, c: 4}\nz:\n  b: 0\n  <<: [*x, *y]\nw: *x\n\"<<\": 7\n";
    assert_eq!(
        json_of(text),
        r#"{"x":{"a":1,"b":2},"y":{"b":3,"c":4},"z":{"b":0,"a":1,"c":4},"w":{"a":1,"b":2},"<<":7}"#
    );
    assert_eq!(json_of("x: &k n\n*k : c\n&l y: *l\n"), r#"{"x":"n","n":"c","y":"y"}"#);
}

#[test]
fn empty_files_have_no_node_and_streams_have_all() {
    for text in ["", "\n", "# only a comment\n", "---\n", "\u{feff}", "--- # x\n...\n"] {
        let (node, findings, _) = run(text, parse);
        assert!(node.is_none() && findings.is_empty(), "{text:?}");
    }
    let (nodes, findings, _) = run("a: !x 1\n---\n- b\n", parse_stream);
    assert!(findings.is_empty());
    assert_eq!(
        nodes.iter().map(|node| node.to_json().to_string()).collect::<Vec<_>>(),
        [r#"{"a":1}"#, r#"["b"]"#]
    );
}

#[test]
fn unusable_files_are_one_finding_and_a_hole() {
    for (text, fault, code) in [
        ("", Some(ReadFault::TooLarge { bytes: 20_000_000, limit: 10_000_000 }), "E0114"),
        ("a: 1\nb: \u{fffd}\n", Some(ReadFault::NotUtf8 { offset: 8 }), "E0115"),
        ("", Some(ReadFault::Unreadable("denied".into())), "E0116"),
        ("\u{fffd}\u{fffd}a\0:\0", Some(ReadFault::NotUtf8 { offset: 0 }), "E0115"),
        ("a\0:\0 \x001\0", None, "E0115"),
    ] {
        let mut sources = Sources::default();
        let file = sources.add(match fault {
            Some(fault) => SourceFile::with_fault("a.yaml", text, fault),
            None => SourceFile::new("a.yaml", text),
        });
        let mut findings = Vec::new();
        let node = parse(&sources, file, &mut findings);
        assert_eq!(codes_of(&findings), [code]);
        assert!(node.is_some_and(|node| node.is_hole()));
    }
}

#[test]
fn a_map_finds_its_keys_small_or_large() {
    let span = Span::new(FileId(0), 0, 0);
    let entry =
        |key: String| Entry { key: Key { text: key.into(), span }, value: Node::new(span, NodeKind::Null) };
    let mut map: Map = (0..40).map(|at| entry(format!("k{at}"))).collect();
    map.insert(entry("k7".into()));
    assert_eq!((map.len(), map.entries()[7].key.text.as_ref()), (40, "k7"));
    assert!(map.remove("k3").is_some() && map.get("k3").is_none() && map.get("k39").is_some());
    map.retain(|entry| entry.key.text.ends_with('9'));
    assert_eq!(map.len(), 4);
    assert!(map.get_mut("k19").is_some() && map.get("k18").is_none());
}

#[test]
fn json_is_read_as_the_standard_has_it() {
    for text in [
        r#"{"a": [1, -0.5e+3, "\ud83d\ude00\u00e5\n\/", true, false, null, {}, []], "": {"b": 123456789012345678901234567890}}"#,
        " 1 ",
        "\"\u{7f}\u{2028}\"",
        "-0",
        "1E400",
    ] {
        let (node, findings, _) = run(text, parse_json);
        assert!(findings.is_empty(), "{text}: {findings:?}");
        if let Ok(expected) = serde_json::from_str::<serde_json::Value>(text)
            && !text.starts_with("-0")
        {
            assert_eq!(node.unwrap().to_json(), expected, "{text}");
        }
    }
    let deep = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(run(&deep(255), parse_json).1.is_empty());
    assert_eq!(codes_of(&run(&deep(256), parse_json).1), ["E0109"]);
}

#[test]
fn hostile_texts_are_refused_quickly() {
    let mut bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x]\n".to_owned();
    for level in 1..12 {
        let below = format!("*a{},", level - 1).repeat(9);
        let _ = writeln!(bomb, "a{level}: &a{level} [{below}]");
    }
    let heavy = format!("a: &a \"{}\"\nb: [{}]\n", "x".repeat(1_000_000), "*a,".repeat(100_000));
    let nested = format!(
        "a: {}x{}\nb: [*a1]\n",
        (0..250).map(|at| format!("&a{at} [")).collect::<String>(),
        "]".repeat(250)
    );
    let dashes: String = (0..2_000).map(|at| format!("{}-\n", " ".repeat(at))).collect();
    let keys: String = (0..100_000).map(|at| format!("key{at}: {{}}\n")).collect();
    let cases: [(&str, String, &[&str]); 12] = [
        ("open brackets", "[".repeat(100_000), &["E0109"]),
        ("open braces", "{a: ".repeat(100_000), &["E0109"]),
        ("dashes on one line", "- ".repeat(100_000), &["E0109"]),
        ("nested dash lines", dashes, &["E0109"]),
        ("billion laughs", bomb, &["E0108"]),
        ("heavy alias", heavy, &["E0108"]),
        ("nested anchors", nested, &[]),
        ("question marks", "? ".repeat(100_000), &["E0109"]),
        ("quotes", "'".repeat(100_001), &["E0101"]),
        ("unclosed text", format!("a: \"{}", "b\n ".repeat(100_000)), &["E0101"]),
        ("absent values", "? a\n".repeat(100_000), &[]),
        ("keys", keys, &[]),
    ];
    for (name, text, expected) in cases {
        let start = std::time::Instant::now();
        let (node, mut findings, _) = run(&text, parse);
        println!(
            "{name}: {:?}, {} bytes, {:?}",
            start.elapsed(),
            text.len(),
            findings.first().map(|f| &f.message)
        );
        findings.truncate(1);
        if name != "absent values" {
            assert_eq!(codes_of(&findings), expected, "{name}");
        }
        drop(node);
    }
}

#[test]
fn a_fix_that_is_offered_mends_its_finding() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/yaml/err");
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let json = path.extension().is_some_and(|name| name == "json");
        if path.extension().is_some_and(|name| name == "txt") {
            continue;
        }
        let text = std::fs::read_to_string(&path).unwrap();
        let read = if json { parse_json } else { parse };
        let (_, findings, _) = run(&text, read);
        for edit in findings.iter().filter_map(|finding| finding.fix.as_ref()).flat_map(|fix| &fix.edits) {
            let mut mended = text.clone();
            mended.replace_range(edit.span.range(), &edit.text);
            let (_, left, _) = run(&mended, read);
            assert!(left.len() < findings.len(), "{}: {left:?}", path.display());
        }
    }
}

#[test]
#[ignore = "measures; run in release with --nocapture"]
fn large_files_are_read_in_linear_time() {
    for megabytes in [1, 10, 30] {
        let block =
            "order:\n  - {id: 1, name: 'a b', tags: [x, y, 2.5]}\n  - text: hello there # c\n    on: true\n";
        let mut text = String::with_capacity(megabytes * 1_000_000 + 200);
        let mut at = 0;
        while text.len() < megabytes * 1_000_000 {
            let _ = write!(text, "k{at}{block}");
            at += 1;
        }
        let start = std::time::Instant::now();
        let (node, findings, _) = run(&text, parse);
        println!(
            "{megabytes} MB: {:?}, {} findings, {:?} keys",
            start.elapsed(),
            findings.len(),
            node.as_ref().and_then(Node::as_map).map(Map::len)
        );
        let start = std::time::Instant::now();
        let json = node.map(|node| node.to_json().to_string()).unwrap_or_default();
        let (_, findings, _) = run(&json, parse_json);
        println!("  as JSON: {:?}, {} findings", start.elapsed(), findings.len());
        let start = std::time::Instant::now();
        text.push_str("\tx: 1\n");
        let (_, findings, _) = run(&text, parse);
        println!("  broken at the end: {:?}, {:?}", start.elapsed(), codes_of(&findings));
    }
}

fn check_spans(node: &Node, text: &str) {
    assert!(text.get(node.span.range()).is_some(), "{:?} in {text:?}", node.span);
    match &node.kind {
        NodeKind::List(items) => items.iter().for_each(|item| check_spans(item, text)),
        NodeKind::Map(map) => {
            for entry in map.entries() {
                assert!(text.get(entry.key.span.range()).is_some(), "{:?} in {text:?}", entry.key);
                check_spans(&entry.value, text);
            }
        }
        _ => {}
    }
}

fn survives(text: &str) {
    let (one, mut findings, _) = run(text, parse);
    let (many, more, _) = run(text, parse_stream);
    let (json, still, _) = run(text, parse_json);
    for node in one.iter().chain(&many).chain(&json) {
        check_spans(node, text);
        let _ = node.to_json();
    }
    findings.extend(more);
    findings.extend(still);
    for finding in &findings {
        let edits = finding.fix.iter().flat_map(|fix| &fix.edits).map(|edit| edit.span);
        let places =
            std::iter::once(finding.primary.span).chain(finding.related.iter().map(|label| label.span));
        for span in places.chain(edits) {
            assert!(text.get(span.range()).is_some(), "{finding:?} in {text:?}");
        }
        assert!(!finding.message.contains('\n'), "{finding:?}");
    }
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    #[test]
    fn no_text_makes_reading_panic(text in "\\PC*") {
        survives(&text);
    }

    #[test]
    fn no_yaml_like_text_makes_reading_panic(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40),
    ) {
        survives(&pieces.concat());
    }

    #[test]
    fn json_values_read_alike_as_json_and_as_yaml(
        pieces in proptest::collection::vec(proptest::sample::select(JSON_PIECES), 0..12),
    ) {
        let text = format!("[{}]", pieces.join(","));
        let (node, findings, _) = run(&text, parse_json);
        let expected = serde_json::from_str::<serde_json::Value>(&text);
        proptest::prop_assert_eq!(findings.is_empty(), expected.is_ok());
        if let (Ok(expected), Some(node)) = (expected, node) {
            proptest::prop_assert_eq!(node.to_json(), expected.clone());
            let (yaml, _, _) = run(&text, parse);
            proptest::prop_assert_eq!(yaml.map(|node| node.to_json()), Some(expected));
        }
    }
}

/// A tree with every place, on one line.
fn outline(node: &Node) -> String {
    let Span { start, end, .. } = node.span;
    let inside = match &node.kind {
        NodeKind::List(items) => items.iter().map(outline).collect(),
        NodeKind::Map(map) => {
            let entry = |Entry { key: Key { text, span }, value }: &Entry| {
                format!("{text:?}@{}-{}: {}", span.start, span.end, outline(value))
            };
            map.entries().iter().map(entry).collect::<Vec<_>>()
        }
        scalar => vec![format!("{scalar:?}")],
    };
    format!("{}@{start}-{end}{inside:?}", node.kind_name())
}

/// Where the short cut answers, it says what the events say; how often it answered.
fn fast_path_is_the_same(text: &str) -> bool {
    let file = FileId(0);
    let Some(short) = fast_path::read(text, file) else { return false };
    for mode in [Mode::Configuration, Mode::Stream] {
        let long = build::read(text, file, mode, true);
        assert!(long.stop.is_none() && long.findings.is_empty(), "{text:?}: {long:#?}");
        let long: Vec<String> = long.documents.iter().map(outline).collect();
        assert_eq!([outline(&short)], *long, "{text:?}");
    }
    true
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, cases: 200_000, ..Default::default() })]

    #[test]
    fn the_fast_path_reads_pieces_as_their_events(
        pieces in proptest::collection::vec(proptest::sample::select(PIECES), 0..40),
    ) {
        fast_path_is_the_same(&pieces.concat());
    }

    #[test]
    fn the_fast_path_reads_lines_as_their_events(
        lines in proptest::collection::vec((0usize..3, proptest::sample::select(LINES)), 0..12),
    ) {
        let lines = lines.into_iter().map(|(depth, line)| format!("{}{line}", "  ".repeat(depth)));
        fast_path_is_the_same(&lines.collect::<Vec<_>>().join("\n"));
    }
}

/// Every file that is sound reads alike both ways, and so does whatever becomes of it when a few bytes change.
#[test]
fn the_fast_path_reads_files_as_their_events() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut texts = Vec::new();
    for folder in ["examples", "tests/schemas", "tests/yaml", "tests/projects", "schemas"] {
        gather(&root.join(folder), &mut texts);
    }
    let mut state = 7_u64;
    let mut dice = |bound: usize| {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(state >> 33).unwrap() % bound
    };
    let (mut whole, mut changed) = (0, 0);
    for text in &texts {
        whole += usize::from(fast_path_is_the_same(text));
        for _ in 0..20 {
            let Some(start) = text.len().checked_sub(1).map(&mut dice) else { continue };
            let piece = PIECES[dice(PIECES.len())];
            let end = start + dice(4);
            if let (Some(before), Some(after)) = (text.get(..start), text.get(end..)) {
                changed += usize::from(fast_path_is_the_same(&format!("{before}{piece}{after}")));
            }
        }
    }
    assert!(whole * 2 > texts.len(), "{whole} of {} files have the usual form", texts.len());
    assert!(changed > 1_000, "{changed}");
}

/// Built-in parts are read whenever the program starts.
#[test]
fn the_fast_path_reads_all_built_in_parts() {
    let mut texts = Vec::new();
    gather(&Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas"), &mut texts);
    let slow: Vec<&str> =
        texts.iter().filter(|text| !fast_path_is_the_same(text)).map(|text| &text[..40]).collect();
    assert!(slow.is_empty() && !texts.is_empty(), "{slow:?}");
}

fn gather(folder: &Path, texts: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            gather(&path, texts);
        } else if path.extension().is_some_and(|ending| ending == "yaml") {
            texts.extend(std::fs::read_to_string(path));
        }
    }
}

const LINES: &[&str] = &[
    "",
    "a: 1",
    "b:",
    "c: \"x: y\" # why",
    "# note",
    "- a",
    "- a: 1",
    "-   b: {x: 1, \"y\": [2, z]}",
    "-",
    "d e : f",
    "'25': 3001",
    "25.5:",
    "g: 'it''s' ",
    "h: [ ]",
    "i: {}",
    "j: {k: }",
    "l: a:b#c",
    "m: -5",
    "n: - 5",
    "o: http://x.y/?q=1&r=2",
    "p: ~",
    "q: \"a\\\"b\\\\\"",
    "r: Å ö # é",
    "---",
    "...",
    "word",
    "\"word\"",
    "s: {t: [u, {v: w}], x: y }#",
    "t: a, b] c}",
    "u: [a b, c-d, -1, \"e\" ]   # f",
    "v: >-",
    "w: |",
    "x: >",
    "- |-",
    "y: >- ",
    "z: |+",
    "two words",
    "ends with blanks  ",
    "  ",
    "     deeper",
    "[a, {b: c}]",
];

const PIECES: &[&str] = &[
    "a",
    "b: ",
    "key:",
    "- ",
    "\n",
    "\n  ",
    "\n    ",
    "\n\t",
    "\t",
    " ",
    "[",
    "]",
    "{",
    "}",
    ", ",
    "'",
    "\"",
    "\\",
    "|",
    ">-",
    "&x ",
    "*x",
    "*y",
    "<<: ",
    "!!str ",
    "!t ",
    "? ",
    ": ",
    "#",
    " # c",
    "---\n",
    "...\n",
    "%",
    "@",
    "`",
    "\u{a0}",
    "å",
    "\u{1}",
    "\r\n",
    "\r",
    "\u{feff}",
    "~",
    "1",
    ".5",
    "{{ x }}",
    "\u{2028}",
    "\u{85}",
    "\\u12",
    "😀",
    "%YAML 1.2\n",
    "!u!x ",
    "\0",
];

const JSON_PIECES: &[&str] = &[
    "1",
    "-2.5",
    "\"x\"",
    "\"\\u00e5\"",
    "true",
    "null",
    "[]",
    "{}",
    "{\"a\":1}",
    "{\"a\":[1,{\"b\":null}]}",
    "\"a: b\"",
    "01",
    "'x'",
    "tru",
    "",
    "\"\t\"",
    "1e5",
    "{\"a\" :2}",
];
