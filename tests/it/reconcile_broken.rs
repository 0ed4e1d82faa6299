//! A branch whose newest commit cannot be taken: what is wrong is told with the way out, what is kept goes on, and the next commit mends it.

use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value as Json;

use crate::reconcile::{Ground, Running};
use crate::revisions::git;

const LONG_AGO: &str = "2026-01-05T08:00:00Z";

fn kinds(said: &Json) -> Vec<String> {
    let open = said["open"].as_array().unwrap().iter();
    open.map(|one| one["kind"].as_str().unwrap().to_owned()).collect()
}

/// What is open, as `reconcile status` tells it.
fn open(ground: &Ground) -> Vec<String> {
    kinds(&ground.run(&["reconcile", "status", "-o", "json"]).assert_code(0).json())
}

#[test]
fn a_broken_project_file_is_gone_on_from_once_it_is_mended() {
    let ground = Ground::of(&["shop"], "");
    assert_eq!(ground.once(&[]).0, 0);
    ground.rules("nonsense: 1");
    ground.push("Break it");
    for _ in 0..2 {
        assert_eq!(ground.once(&[]).0, 1);
    }
    ground.rules("");
    ground.shop("shop", "14", "0");
    ground.push("Mend it");
    assert_eq!(ground.once(&[]).0, 0);
    assert_eq!(ground.deployed("shop").0, "14");
}

#[test]
fn whoever_begins_with_a_broken_project_file_waits_for_it_to_be_mended() {
    let ground = Ground::of(&["shop"], "");
    assert_eq!(ground.once(&[]).0, 0);
    ground.rules("nonsense: 1");
    ground.push("Break it");
    assert_eq!(ground.once(&[]).0, 1);
    let mut command = ground.command(&["reconcile", "--every", "1s"]);
    let mut running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    ground.rules("");
    ground.shop("shop", "14", "0");
    ground.push("Mend it");
    let begun = Instant::now();
    while ground.deployed("shop").0 != "14" {
        assert!(running.0.try_wait().unwrap().is_none(), "it ended");
        assert!(begun.elapsed() < Duration::from_secs(60), "it was not gone on from");
        std::thread::yield_now();
    }
}

/// The newest commit has an error that is of no integration, is not signed, or cannot be fetched.
#[test]
fn a_hand_edit_is_told_and_set_back_while_the_newest_commit_cannot_be_taken() {
    type Broken = fn(&Ground);
    let cases: [(&str, Broken, &str); 3] = [
        ("invalid", |ground| ground.author.write("bases/x.yaml", "settings: [\n"), "invalid"),
        ("project", |ground| ground.rules("nonsense: 1"), "invalid"),
        (
            "unreachable",
            |ground| {
                git(&ground.runner(), &["remote", "set-url", "origin", "https://127.0.0.1:1/x.git"]);
            },
            "stopped",
        ),
    ];
    for (case, break_it, kind) in cases {
        for rule in ["heal", "report"] {
            let ground = Ground::of(&["shop", "other"], &format!("reconcile: {{outside: {rule}}}"));
            assert_eq!(ground.once(&[]).0, 0, "{case}");
            ground.shop("other", "14", "0");
            break_it(&ground);
            ground.push("Break it");
            ground.save_outside("shop", "60", "karin", LONG_AGO);
            let run = ground.run(&["reconcile", "--once"]);
            let (code, expected, left) = match rule {
                "heal" => (3, "30", vec![kind]),
                _ => (if kind == "stopped" { 7 } else { 1 }, "60", vec!["drift", kind]),
            };
            run.assert_code(code);
            assert_eq!(ground.deployed("shop").0, expected, "{case}: {}", run.all());
            assert_eq!(ground.deployed("other").0, "30", "{case}: nothing of the newest commit is taken");
            assert_eq!(open(&ground), left, "{case}: {}", run.all());
            // Whoever begins with a broken project file does not know which store is meant.
            if case == "project" {
                continue;
            }
            // Set back by hand, it is over.
            ground.save_outside("shop", "30", "karin", "2026-01-06T08:00:00Z");
            ground.run(&["reconcile", "--once"]);
            assert_eq!(open(&ground), [kind], "{case}");
        }
    }
}
