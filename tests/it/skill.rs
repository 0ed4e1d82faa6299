//! SKILL.md: each of its commands, in its order, in a repository with mistakes, ends as it says. None of them can apply.

use std::path::Path;
use std::process::Command;

use crate::revisions::git;
use crate::run::{Project, Run};

/// The lines of its shell blocks, each with the code that it ends with.
fn lines() -> Vec<(String, i32)> {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("SKILL.md")).unwrap();
    let mut lines = Vec::new();
    let mut inside = false;
    for line in text.lines().map(str::trim) {
        if line.starts_with("```") {
            inside = line == "```sh";
        } else if inside {
            let (command, code) = line.split_once(" # exits with ").unwrap_or((line, "0"));
            lines.push((command.trim().to_owned(), code.parse().unwrap()));
        }
    }
    lines
}

#[test]
fn each_command_does_what_it_says_and_nothing_is_applied() {
    let project = Project::copy_example("with-mistakes");
    git(project.path(), &["init", "-q", "-b", "main"]);
    git(project.path(), &["add", "-A"]);
    git(project.path(), &["commit", "-q", "-m", "As it is"]);
    let mut said = Vec::new();
    let lines = lines();
    let (begin, rest) = lines.split_first().unwrap();
    assert_eq!(begin.0, "export PAIRFORM_UNTRUSTED=1");
    assert!(rest.len() > 12, "{rest:?}");
    for (command, code) in rest {
        let words = shlex::split(command).unwrap();
        let (program, arguments) = words.split_first().unwrap();
        assert_eq!(program, "pairform", "{command}");
        let output = Command::new(env!("CARGO_BIN_EXE_pairform"))
            .args(arguments)
            .current_dir(project.path())
            .env_clear()
            .env("HOME", project.path())
            .env("PAIRFORM_UNTRUSTED", "1")
            .output()
            .unwrap();
        let run = Run::of_output(&output);
        if run.code != *code {
            said.push(format!("{command}: {} and not {code}\n{}", run.code, run.all()));
        }
    }
    assert!(said.is_empty(), "{}", said.join("\n"));
    assert!(!project.at(".pairform").exists(), "a store was made");
    assert!(project.read("integrations/fjord-kitchen.yaml").contains("\"30\""), "nothing was mended");
}
