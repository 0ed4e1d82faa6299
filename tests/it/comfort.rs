//! What makes the command line easy: help, the index of codes, patterns in filters, what a shell completes, `--watch`, the pager.

use std::io::{BufRead as _, BufReader};
use std::process::{Command, Stdio};

use serde_json::Value as Json;

use crate::revisions::{Repository, pairform, project, shop};
use crate::run::Project;
use crate::tools::{Tool, program, required};

fn out(repository: &Repository, arguments: &[&str]) -> String {
    let output = repository.run(arguments);
    assert_eq!(output.status.code(), Some(0), "{arguments:?} {output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn help_names_a_command_s_own_options_first_and_the_forms_that_it_has() {
    let repository = project();
    assert_eq!(out(&repository, &["help", "plan"]), out(&repository, &["plan", "--help"]));
    assert_eq!(repository.run(&["help", "nothing"]).status.code(), Some(64));
    for (command, own, forms) in [
        ("plan", "--detailed-exitcode", "text, json, markdown, html, sarif, junit, github, gitlab"),
        ("validate", "--schema", "text, json, markdown, html, sarif, junit, github, gitlab"),
        ("list", "--setting", "text, json]"),
        ("history", "--limit", "text, json]"),
    ] {
        let help = out(&repository, &[command, "-h"]);
        let help = help.split_whitespace().collect::<Vec<_>>().join(" ");
        let (before, after) =
            help.split_once("Options of every command:").unwrap_or_else(|| panic!("{help}"));
        assert!(before.contains(own) && !before.contains("--env"), "{help}");
        assert!(after.contains(&format!("possible values: {forms}")), "{help}");
    }
    // What a command does not have is refused by name all the same.
    let refused = repository.run(&["list", "-o", "html"]);
    assert!(String::from_utf8_lossy(&refused.stderr).contains("list has no form `html`"), "{refused:?}");
    let before: Json = serde_json::from_str(&out(&repository, &["-o", "json", "list"])).unwrap();
    assert_eq!(before["command"], "list");
}

#[test]
fn every_code_is_listed() {
    let repository = project();
    let listed = out(&repository, &["explain", "--list"]);
    let codes: Vec<&str> = listed.lines().filter_map(|line| line.split("  ").next()).collect();
    let all: Vec<&str> = pairform::diagnostic::codes::all().iter().map(|code| code.id).collect();
    assert_eq!(codes, all);
    assert_eq!(repository.run(&["explain"]).status.code(), Some(64));
}

#[test]
fn a_filter_may_be_a_pattern() {
    let repository = project();
    repository.write("integrations/nordic-two.yaml", &shop("nordic-two", false, "30"));
    repository.run(&["apply", "--yes"]);
    let names = |arguments: &[&str]| -> Vec<String> {
        let body: Json =
            serde_json::from_str(&out(&repository, &[arguments, &["-o", "json"]].concat())).unwrap();
        let rows = body["integrations"].as_array().or_else(|| body["saves"].as_array()).unwrap();
        let mut names: Vec<String> =
            rows.iter().map(|row| row["integration"].as_str().unwrap().to_owned()).collect();
        names.sort();
        names.dedup();
        names
    };
    let all = ["fjord", "nordic", "nordic-two", "solo"];
    for command in ["list", "plan", "history"] {
        for (filter, expected) in [
            (&["--integration", "nordic*"][..], &["nordic", "nordic-two"][..]),
            (&["--integration", "*o*,!"], &[]),
            (&["--integration", "??????"], &["nordic"]),
            (&["--exclude", "nordic*", "--exclude", "s?lo"], &["fjord"]),
            (&["--pair", "fortnox-*"], &all),
        ] {
            // Nothing is called `!`, which is told.
            if filter[1].contains('!') {
                assert_eq!(
                    repository.run(&[&[command], filter].concat()).status.code(),
                    Some(64),
                    "{command}"
                );
                continue;
            }
            if command == "history" && filter[0] == "--pair" {
                continue;
            }
            assert_eq!(names(&[&[command], filter].concat()), expected, "{command} {filter:?}");
        }
    }
    let refused = repository.run(&["plan", "--integration", "x*"]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(
        refused.status.code() == Some(64) && said.contains("no integration is called like `x*`"),
        "{said}"
    );
    let categories = names(&["plan", "--category", "pay*"]);
    assert_eq!(categories, all);
}

/// What a shell is given for the last of some words, without what it says of each.
fn completed(repository: &Repository, words: &[&str]) -> Vec<String> {
    let output = Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(["--", "pairform"])
        .args(words)
        .env("PAIRFORM_COMPLETE", "fish")
        .current_dir(repository.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    let said = String::from_utf8(output.stdout).unwrap();
    said.lines().map(|line| line.split('\t').next().unwrap().to_owned()).collect()
}

#[test]
fn a_shell_completes_the_names_of_the_project() {
    let repository = project();
    repository.write(
        "pairform.yaml",
        "version: 1\ndefault_environment: test\nenvironments: {test: {store: 'sqlite:t.db'}, production: {store: 'sqlite:p.db'}}\n",
    );
    repository.git(&["tag", "v1"]);
    for (words, expected) in [
        (&["pla"][..], &["plan"][..]),
        (&["plan", "--env", ""], &["production", "test"]),
        (&["plan", "--integration", "n"], &["nordic"]),
        (&["plan", "--exclude", ""], &["fjord", "nordic", "solo"]),
        (&["plan", "--pair", "fortnox-sho"], &["fortnox-shopify", "fortnox-shopware"]),
        (&["plan", "--category", "pay"], &["payment_methods"]),
        (&["plan", "--rev", ""], &["main", "v1"]),
        (&["diff", "--base", "v"], &["v1"]),
        (&["show", "fj"], &["fjord"]),
        (&["explain", "E0301"], &["E0301"]),
        (&["explain", "nordic", "payment_methods.default_t"], &["payment_methods.default_terms_of_payment"]),
        (
            &["history", "--setting", "payment_methods.default_t"],
            &["payment_methods.default_terms_of_payment"],
        ),
        (&["plan", "-o", "ju"], &["junit"]),
        (&["list", "-o", "j"], &["json"]),
    ] {
        assert_eq!(completed(&repository, words), expected, "{words:?}");
    }
    // Outside a project there is what is built in.
    let nowhere = Repository::new();
    assert_eq!(completed(&nowhere, &["plan", "--integration", ""]), Vec::<String>::new());
    assert_eq!(completed(&nowhere, &["schema", "show", "fortnox-shopi"]), ["fortnox-shopify"]);
    for shell in ["bash", "zsh", "fish"] {
        assert!(out(&repository, &["completions", shell]).contains("PAIRFORM_COMPLETE"), "{shell}");
    }
}

/// What is typed on a shell's line, and what the line is once it is completed.
const TYPED: [(&str, &str); 7] = [
    ("pairform plan --env pro", "production"),
    ("pairform plan --integration nor", "nordic"),
    ("pairform plan --pair fortnox-shopif", "fortnox-shopify"),
    ("pairform plan --category pay", "payment_methods"),
    ("pairform explain nordic payment_methods.default_t", "payment_methods.default_terms_of_payment"),
    ("pairform diff --base v", "v1"),
    ("pairform show fj", "fjord"),
];

/// Completes the last word of the line that is asked for, by the function that the script registers.
const BASH: &str = r#"source <(pairform completions bash)
for typed in "$@"; do
  COMP_WORDS=($typed) COMP_CWORD=$(( $(wc -w <<<"$typed") - 1 ))
  COMPREPLY=()
  _clap_complete_pairform pairform "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD-1]}"
  printf '%s\n' "${COMPREPLY[@]}"
done"#;

/// A zsh at a terminal of its own, in which a line is typed, Tab is pressed, and the line is shown.
const ZSH: &str = r#"zmodload zsh/zpty
zpty shell zsh -f -i
zpty -w shell 'PS1= ; unset zle_bracketed_paste; autoload -Uz compinit; compinit -u -D; source <(pairform completions zsh); shown() { print -r -- "<<$BUFFER>>"; BUFFER= }; zle -N shown; bindkey "^X" shown; bindkey "^I" complete-word; print READY'
zpty -r shell line '*READY*READY*'
for typed in "$@"; do
  zpty -w -n shell "$typed"$'\t\x18'
  zpty -r shell line '*>>*'
  line=${${line##*<<}%%>>*}
  print -r -- "${${(z)line}[-1]}"
done
zpty -d shell"#;

const FISH: &str = r#"pairform completions fish | source
for typed in $argv
  complete --do-complete "$typed" | string split --fields 1 \t
end"#;

#[test]
fn every_shell_completes_by_the_script_that_it_is_given() {
    let repository = project();
    repository.write(
        "pairform.yaml",
        "version: 1\ndefault_environment: test\nenvironments: {test: {store: 'sqlite:t.db'}, production: {store: 'sqlite:p.db'}}\n",
    );
    repository.git(&["tag", "v1"]);
    let folder = std::path::Path::new(env!("CARGO_BIN_EXE_pairform")).parent().unwrap();
    let path = format!("{}:{}", folder.display(), std::env::var("PATH").unwrap());
    let bash = program(&["bash"], &[]).map(|bash| (bash, vec!["-c", BASH, "bash"]));
    let zsh = required(Tool::Zsh, program(&["zsh"], &[])).map(|zsh| (zsh, vec!["-f", "-c", ZSH, "zsh"]));
    let fish = required(Tool::Fish, program(&["fish"], &[]))
        .map(|fish| (fish, vec!["--no-config", "--command", FISH, "--"]));
    for (shell, arguments) in [bash, zsh, fish].into_iter().flatten() {
        let output = Command::new(&shell)
            .args(arguments)
            .args(TYPED.map(|(typed, _)| typed))
            .env("PATH", &path)
            .env("HOME", repository.path())
            .env("TERM", "xterm")
            .current_dir(repository.path())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stdout).replace('\r', "");
        let completed: Vec<&str> = said.lines().collect();
        assert_eq!(completed, TYPED.map(|(_, whole)| whole), "{}: {output:?}", shell.display());
    }
}

#[test]
fn a_watched_project_is_judged_anew_when_a_file_changes() {
    let repository = project();
    for command in ["validate", "plan"] {
        repository.write("integrations/nordic.yaml", &shop("nordic", false, "30"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_pairform"))
            .args(["--color", "never", command, "--watch"])
            .current_dir(repository.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stderr.take().unwrap()).lines().map(Result::unwrap);
        let mut told = BufReader::new(child.stdout.take().unwrap()).lines().map(Result::unwrap);
        let is_round = |line: &String| line.starts_with("Watching");
        assert!(said.any(|line| is_round(&line)), "{command}");
        let wrong = shop("nordic", false, "30").replace("map: {", "mop: {}\n    map: {");
        repository.write("integrations/nordic.yaml", &wrong);
        assert!(told.any(|line| line.contains("mop")), "{command}");
        assert!(said.any(|line| is_round(&line)), "{command}");
        let id = rustix::process::Pid::from_child(&child);
        rustix::process::kill_process(id, rustix::process::Signal::INT).unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(130), "{command}");
    }
    let refused = pairform(repository.path(), &["plan", "--watch", "-o", "json"]);
    assert_eq!(refused.status.code(), Some(64));
}

#[test]
fn a_reader_at_a_terminal_gets_a_pager_and_a_pipe_does_not() {
    let Some(script) = required(Tool::Script, program(&["script"], &[])) else { return };
    let project = Project::empty();
    let pager = [("PAGER", "sed s/^/paged:/"), ("TERM", "xterm")];
    let typed = |arguments: &[&str]| crate::live::typed(&script, &project, &pager, arguments, "");
    let (code, said) = typed(&["explain", "E0301"]);
    assert!(code == Some(0) && said.contains("paged:"), "{said}");
    for arguments in [
        &["explain", "E0301", "--no-pager"][..],
        &["explain", "E0301", "-o", "json"],
        &["version"],
        &["apply", "--yes"],
    ] {
        let (_, said) = typed(arguments);
        assert!(!said.contains("paged:"), "{arguments:?}: {said}");
    }
    assert!(!project.run_with(&["explain", "E0301"], &pager).stdout.contains("paged:"));
    // Whoever has no such pager reads all the same, and whoever leaves it early ends nothing.
    for pager in ["no-such-program", "true", "cat", ""] {
        let (code, _) = crate::live::typed(
            &script,
            &project,
            &[("PAGER", pager), ("TERM", "xterm")],
            &["explain", "--list"],
            "",
        );
        assert_eq!(code, Some(0), "{pager}");
    }
    // What stops a command is said after what was read.
    let (code, said) = typed(&["explain", "nothing"]);
    assert!(code == Some(64) && said.contains("there is no code `nothing`"), "{said}");
}

#[test]
fn whoever_errs_or_begins_is_told_what_comes_next() {
    let said = |repository: &Repository, arguments: &[&str]| {
        let output = repository.run(arguments);
        String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned()
    };
    let begun = Repository::new();
    let first = said(&begun, &["init"]);
    assert!(first.contains("Next: begin an integration: `pairform init PAIR NAME`"), "{first}");
    let turned = said(&begun, &["init", "shopify-fortnox", "shop"]);
    assert!(turned.contains("did you mean `fortnox-shopify`?"), "{turned}");
    let made = said(&begun, &["init", "fortnox-shopify"]);
    assert!(made.contains("fill in what is required"), "{made}");
    // An integration that is called as its pair is, is the one that is asked for.
    let explained = said(&begun, &["explain", "fortnox-shopify", "order.creates"]);
    assert!(explained.contains("In fortnox-shopify"), "{explained}");

    let repository = project();
    let turned = said(&repository, &["plan", "--pair", "shopify-fortnox"]);
    assert!(turned.contains("did you mean `fortnox-shopify`?"), "{turned}");
    let drift = said(&repository, &["drift"]);
    assert!(drift.contains("nothing was ever applied here"), "{drift}");
    let list = said(&repository, &["list"]);
    assert!(list.lines().next().unwrap().contains("to save"), "{list}");
    assert!(list.lines().all(|line| line.chars().count() <= 120), "{list}");
    repository.write("integrations/nordic.yaml", &shop("nordic", false, "30").replace("flows:", "flwos:"));
    let fixed = said(&repository, &["fix", "--yes"]);
    assert!(fixed.contains("may be mended by a guess: `pairform fix --guesses` shows how."), "{fixed}");
}
