//! The workflows in `examples/ci`: their shell steps run against a real repository with branches.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::revisions::{Repository, project, shop};

pub fn read(path: &str) -> Json {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/ci").join(path))
        .unwrap();
    serde_yaml::from_str(&text).unwrap()
}

/// The script of a named step of a GitHub job.
pub fn step(workflow: &Json, job: &str, name: &str) -> String {
    let steps = workflow["jobs"][job]["steps"].as_array().unwrap();
    let step = steps.iter().find(|step| step["name"] == name).unwrap();
    step["run"].as_str().unwrap().to_owned()
}

pub fn shell(repository: &Repository, script: &str, variables: &[(&str, &str)]) -> Output {
    let program = Path::new(env!("CARGO_BIN_EXE_pairform"));
    let path = std::env::join_paths(
        std::iter::once(program.parent().unwrap().to_path_buf())
            .chain(std::env::split_paths(&std::env::var_os("PATH").unwrap())),
    );
    Command::new("bash")
        .args(["-e", "-o", "pipefail", "-c", script])
        .current_dir(repository.path())
        .env("PATH", path.unwrap())
        .envs(variables.iter().copied())
        .output()
        .unwrap()
}

/// `main` with valid integrations, and a branch that changes one.
fn branches() -> Repository {
    let repository = project();
    for name in ["fjord", "nordic", "solo"] {
        repository.git(&["rm", "-q", &format!("integrations/{name}.yaml")]);
    }
    repository.git(&["rm", "-q", "bases/shop.yaml"]);
    let text = shop("nordic", false, "30").replace("extends: [shop]\n", "");
    repository.write("integrations/nordic.yaml", &text);
    repository.commit("One integration");
    repository.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repository.git(&["switch", "-q", "-c", "topic"]);
    repository.write("integrations/nordic.yaml", &text.replace("\"30\"", "\"14\""));
    repository.commit("Shorter terms");
    repository
}

#[test]
fn the_github_steps_of_a_pull_request_make_a_comment_a_page_and_a_scan() {
    let workflow = read("github/pull-request.yml");
    let repository = branches();
    let annotate = shell(&repository, &step(&workflow, "review", "Annotate"), &[("BASE", "origin/main")]);
    assert!(annotate.status.success(), "{annotate:?}");
    let describe = shell(&repository, &step(&workflow, "review", "Describe"), &[("BASE", "origin/main")]);
    assert!(describe.status.success(), "{describe:?}");
    let comment = std::fs::read_to_string(repository.path().join("comment.md")).unwrap();
    assert!(comment.starts_with("<!-- pairform:diff -->\n"), "{comment}");
    assert!(comment.contains("nordic"), "{comment}");
    let log: Json =
        serde_json::from_slice(&std::fs::read(repository.path().join("pairform.sarif")).unwrap()).unwrap();
    assert_eq!(log["version"], "2.1.0");
}

/// The comment step with a `gh` that remembers: the first run adds, the second updates.
#[test]
fn one_comment_is_updated_and_not_added() {
    let script = step(&read("github/pull-request.yml"), "review", "Comment");
    let repository = branches();
    let first = "<!-- pairform:diff -->";
    repository.write("comment.md", &format!("{first}\ntext\n"));
    repository.write(
        "bin/gh",
        &format!("#!/bin/sh\necho \"$@\" >> calls\ncase \"$*\" in *--paginate*) if [ -f posted ]; then printf '5\\tother\\n7\\t{first}\\n'; fi ;; *POST*) touch posted ;; esac\n"),
    );
    let script = format!("chmod +x bin/gh; PATH=\"$PWD/bin:$PATH\"\n{script}");
    for _ in 0..2 {
        let done = shell(&repository, &script, &[("GITHUB_REPOSITORY", "o/r"), ("PULL", "3")]);
        assert!(done.status.success(), "{done:?}");
    }
    let calls = std::fs::read_to_string(repository.path().join("calls")).unwrap();
    assert_eq!(calls.matches("POST").count(), 1, "{calls}");
    assert_eq!(calls.matches("PATCH repos/o/r/issues/comments/7").count(), 1, "{calls}");
}

#[test]
fn the_github_steps_on_merge_plan_and_apply_that_plan() {
    let workflow = read("github/merge.yml");
    let repository = branches();
    let folder = tempfile::tempdir().unwrap();
    let files = ["output", "summary"].map(|name| folder.path().join(name).display().to_string());
    let temp = folder.path().display().to_string();
    let variables =
        [("RUNNER_TEMP", temp.as_str()), ("GITHUB_OUTPUT", &files[0]), ("GITHUB_STEP_SUMMARY", &files[1])];
    let plan = shell(&repository, &step(&workflow, "plan", "Plan"), &variables);
    assert!(plan.status.success(), "{plan:?}");
    assert_eq!(std::fs::read_to_string(&files[0]).unwrap(), "pending=yes\n");
    let apply = shell(&repository, &step(&workflow, "apply", "Apply"), &variables);
    assert!(apply.status.success(), "{apply:?}");
    let again = shell(&repository, &step(&workflow, "plan", "Plan"), &variables);
    assert!(again.status.success(), "{again:?}");
    assert!(std::fs::read_to_string(&files[0]).unwrap().ends_with("pending=no\n"));
}

#[test]
fn the_gitlab_scripts_run() {
    let pipeline = read("gitlab/.gitlab-ci.yml");
    let repository = branches();
    repository.git(&["fetch", "-q", ".", "refs/remotes/origin/main"]);
    for job in ["validate", "plan", "apply"] {
        let lines = pipeline[job]["script"].as_array().unwrap();
        let lines: Vec<&str> =
            lines.iter().filter_map(Json::as_str).filter(|line| !line.starts_with("git fetch")).collect();
        let done = shell(&repository, &lines.join("\n"), &[]);
        assert!(done.status.success(), "{job} {done:?}");
    }
    let issues = std::fs::read(repository.path().join("quality.json")).unwrap();
    assert!(serde_json::from_slice::<Json>(&issues).unwrap().is_array());
}

#[test]
fn the_hook_runs_what_it_names() {
    let hooks = read(".pre-commit-hooks.yaml");
    let done = shell(&branches(), hooks[0]["entry"].as_str().unwrap(), &[]);
    assert!(done.status.success(), "{done:?}");
}
