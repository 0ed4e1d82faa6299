//! `fmt`: the layout settles at once, and changes neither meaning nor comments; on what is written by hand, generated,
//! and everything in this repository.

use std::path::Path;
use std::process::Command;

use pairform::source::{SourceFile, Sources};
use pairform::yaml::{self, edit, layout::layout};
use proptest::prelude::*;

fn tree(text: &str) -> Option<yaml::Node> {
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("a.yaml", text));
    yaml::parse(&sources, file, &mut Vec::new())
}

/// Laid out, with everything that has to hold.
fn laid(text: &str) -> String {
    let once = layout(text).unwrap_or_else(|error| panic!("{error}\n{text}"));
    assert_eq!(layout(&once).as_deref(), Ok(once.as_str()), "not settled:\n{text}\n->\n{once}");
    assert_eq!(edit::comments(text), edit::comments(&once));
    match (tree(text), tree(&once)) {
        (Some(one), Some(two)) => assert!(edit::same(&one, &two), "{text}\n->\n{once}"),
        (one, two) => assert!(one.is_none() && two.is_none()),
    }
    assert!(!once.contains('\r') && (once.is_empty() || once.ends_with('\n')));
    once
}

#[test]
fn what_people_write_is_laid_out() {
    for (written, expected) in [
        (
            "a:   1  \n\n\n\nb:\n    c: 2\n    d:\n        - x\n        -   y\n",
            "a: 1\n\nb:\n  c: 2\n  d:\n    - x\n    - y\n",
        ),
        ("a:\r\n   b: {x:   1,y: 2}\r\n", "a:\n  b: {x: 1, y: 2}\n"),
        ("#why\na: 1   #no\n#:x\n", "# why\na: 1   #no\n#:x\n"),
        (
            "a:\n    # of b\n    b: 1\n    # of a\n# of c\nc: 2",
            "a:\n  # of b\n  b: 1\n  # of a\n# of c\nc: 2\n",
        ),
        ("a:\n- x: 1\n  y: 2\n-    z: 3\n     w: 4\n", "a:\n- x: 1\n  y: 2\n- z: 3\n  w: 4\n"),
        (
            "a:\n    b: |\n        one\n          two\n\n        three  \n    c: 1\n",
            "a:\n  b: |\n      one\n        two\n\n      three  \n  c: 1\n",
        ),
        ("a:\n    b: >-\n     folded\n     text\n# end\n", "a:\n  b: >-\n   folded\n   text\n# end\n"),
        ("a:\n    b: [1,\n        2,3\n        ]\n", "a:\n  b: [1,\n      2, 3\n      ]\n"),
        ("a: \"one\n      two\"\n", "a: \"one\n      two\"\n"),
        (
            "d: &d {x: 1}\na:\n      <<: *d\n      'y': !!str 2\n",
            "d: &d {x: 1}\na:\n  <<: *d\n  'y': !!str 2\n",
        ),
        ("", ""),
        ("\n\n# only\n\n\n", "# only\n"),
        ("a: |+\n  x\n\n\n", "a: |+\n  x\n\n\n"),
        ("  a: 1\n  b: 2\n", "a: 1\nb: 2\n"),
    ] {
        assert_eq!(laid(written), expected, "{written}");
    }
    assert!(layout("a: [1\n").is_err());
}

#[test]
fn everything_in_this_repository_keeps_its_meaning() {
    let mut files = Vec::new();
    let walk = |folder: &str, files: &mut Vec<std::path::PathBuf>| {
        let mut open = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join(folder)];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|ending| ending == "yaml" || ending == "yml") {
                    files.push(path);
                }
            }
        }
    };
    ["examples", "schemas", "tests"].iter().for_each(|folder| walk(folder, &mut files));
    let mut number = 0;
    for path in files {
        let Ok(text) = std::fs::read_to_string(&path) else { continue };
        if layout(&text).is_ok() {
            number += 1;
            laid(&text);
        }
    }
    assert!(number > 80, "{number}");
}

#[test]
fn the_command_lists_writes_and_leaves_alone() {
    let folder = tempfile::tempdir().unwrap();
    let write = |path: &str, text: &str| {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    };
    write("pairform.yaml", "version: 1\n");
    write("integrations/a.yaml", "a:\n    b: 1\n");
    write("bases/b.yaml", "a:   1\n");
    write("options/x/1.lock.yaml", "a:   1\n");
    let run = |arguments: &[&str]| {
        let output = Command::new(env!("CARGO_BIN_EXE_pairform"))
            .arg("fmt")
            .args(arguments)
            .current_dir(folder.path())
            .env_clear()
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let both = "bases/b.yaml\nintegrations/a.yaml\n".to_owned();
    assert_eq!(run(&["--check"]), (Some(2), both));
    assert_eq!(run(&["integrations"]), (Some(0), "integrations/a.yaml\n".to_owned()));
    assert_eq!(run(&["--check"]), (Some(2), "bases/b.yaml\n".to_owned()));
    assert_eq!(run(&[]).0, Some(0));
    assert_eq!(run(&["--check"]), (Some(0), String::new()));
    write("integrations/bad.yaml", "a: [1\n");
    assert_eq!(run(&[]), (Some(1), String::new()));
    assert_eq!(run(&["nowhere"]).0, Some(64));
    assert_eq!(std::fs::read_to_string(folder.path().join("integrations/bad.yaml")).unwrap(), "a: [1\n");
    assert_eq!(std::fs::read_to_string(folder.path().join("options/x/1.lock.yaml")).unwrap(), "a:   1\n");
}

/// YAML with its white space chosen at random.
fn written(depth: u32) -> BoxedStrategy<Vec<String>> {
    let word = prop_oneof![
        "[a-z]{1,4}",
        Just("\"q: #\"".to_owned()),
        Just("'it''s'".to_owned()),
        Just("12".to_owned())
    ];
    let flow = (word.clone(), word.clone(), " {0,2}")
        .prop_map(|(a, b, gap)| format!("{{x:{gap} {a},{gap}y: {b} }}"));
    let comment = prop_oneof![3 => Just(String::new()), 1 => " {1,3}#[ a-z]{0,4}"];
    let leaf = (prop_oneof![word, flow], " {1,3}", comment.clone())
        .prop_map(|(value, gap, comment)| vec![format!("{gap}{value}{comment}")]);
    let block = ("[|>][+-]?", 1..4_usize, proptest::collection::vec("[a-z #]{0,6}", 1..4)).prop_map(
        |(header, by, lines)| {
            let body = lines.into_iter().map(|line| format!("{}z{line}", " ".repeat(by)));
            std::iter::once(format!(" {header}")).chain(body).collect::<Vec<_>>()
        },
    );
    if depth == 0 {
        return prop_oneof![4 => leaf, 1 => block].boxed();
    }
    let inner = written(depth - 1);
    let map = (
        proptest::collection::vec((inner.clone(), 0..3_usize, prop::bool::ANY), 1..4),
        1..5_usize,
        comment.clone(),
    )
        .prop_map(|(entries, by, comment)| {
            let mut lines = vec![comment];
            for (at, (value, blanks, remark)) in entries.into_iter().enumerate() {
                lines.extend(std::iter::repeat_n(String::new(), blanks));
                if remark {
                    lines.push(format!("{}#k{at}", " ".repeat(by)));
                }
                let mut value = value.into_iter();
                lines.push(format!("{}k{at}:{}", " ".repeat(by), value.next().unwrap()));
                lines.extend(value.map(|line| format!("{}{line}", " ".repeat(by))));
            }
            lines
        });
    let list = (proptest::collection::vec(inner, 1..3), 0..3_usize).prop_map(|(items, by)| {
        let mut lines = vec![String::new()];
        for item in items {
            let mut item = item.into_iter();
            lines.push(format!("{}-{}", " ".repeat(by), item.next().unwrap()));
            lines.extend(item.map(|line| format!("{} {line}", " ".repeat(by))));
        }
        lines
    });
    prop_oneof![2 => leaf, 1 => block, 3 => map, 2 => list].boxed()
}

proptest! {
    #[test]
    fn generated_files_settle_and_keep_their_meaning(parts in proptest::collection::vec(written(3), 1..4), crlf: bool) {
        let lines: Vec<String> = parts
            .into_iter()
            .enumerate()
            .flat_map(|(at, part)| {
                let mut part = part.into_iter();
                let first = format!("top{at}:{}", part.next().unwrap());
                std::iter::once(first).chain(part).collect::<Vec<_>>()
            })
            .collect();
        let text = lines.join(if crlf { "\r\n" } else { "\n" });
        if layout(&text).is_ok() {
            laid(&text);
        } else {
            // Only what is no valid file is refused.
            let mut sources = Sources::default();
            let file = sources.add(SourceFile::new("a.yaml", text.clone()));
            let mut findings = Vec::new();
            yaml::parse(&sources, file, &mut findings);
            prop_assert!(!findings.is_empty(), "refused:\n{}", text);
        }
    }
}
