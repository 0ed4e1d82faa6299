//! `requires` in pairform.yaml: a version that is not asked for says so and does nothing else, whatever it was asked to do.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use crate::place;
use crate::revisions::project;
use crate::run::Run;

/// Nothing else is wrong with it: what this version would misread it does not know as such.
const OTHER: &str = "version: 1\nrequires: \">=900\"\n";

/// What stands in each file below a folder.
fn files(folder: &Path) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.insert(path.display().to_string(), std::fs::read(&path).unwrap());
        }
    }
    found
}

#[test]
fn no_command_works_on_a_project_of_another_version() {
    let project = place::Project::sqlite();
    project.write("pairform.yaml", "version: 1\n");
    project.shop("gone", "Gone", "30");
    project.run(&["apply", "--yes"]).expect(0);
    project.run(&["plan", "--out", "before.json"]).expect(0);
    std::fs::remove_file(project.path("integrations/gone.yaml")).unwrap();
    // Something to do for each command: drift, a difference, what left the files, a layout that is another.
    project.by_hand(
        r#"UPDATE category SET settings = '{"default_terms_of_payment":"30","map":{"Klarna":"14"}}'
        WHERE category = 'payment_methods' AND integration = 'shop'"#,
    );
    project.edit("integrations/shop.yaml", "name: Shop", "name:   Market");
    project.write("pairform.yaml", OTHER);
    let other = format!("sqlite:{}", project.path("other.db").display());
    let before = files(&project.path(""));
    let asked: [&[&str]; 42] = [
        &["init", "fortnox-shopify", "another"],
        &["validate"],
        &["validate", "integrations/shop.yaml"],
        &["plan"],
        &["plan", "--detailed-exitcode", "--out", "after.json"],
        &["list"],
        &["list", "--differs-from-base"],
        &["apply", "--yes"],
        &["apply", "--no-input"],
        &["apply", "before.json"],
        &["apply", "--record-only", "--yes"],
        &["fix", "--yes"],
        &["fmt"],
        &["fmt", "--check"],
        &["pull", "--yes"],
        &["pull", "gone", "--pair", "fortnox-shopify", "--yes"],
        &["drift"],
        &["drift", "--detailed-exitcode"],
        &["history"],
        &["release", "gone", "--reason", "left"],
        &["revert", "shop", "--revision", "1", "--out", "back.json"],
        &["revert", "shop", "--revision", "1", "--write", "--yes"],
        &["audit", "export"],
        &["unlock", "shop"],
        &["unlock"],
        &["show", "shop"],
        &["show", "before.json"],
        &["explain", "shop", "order.creates"],
        &["explain", "fortnox-shopify", "order.creates"],
        &["schema", "list"],
        &["schema", "show", "fortnox-shopify"],
        &["schema", "docs", "pages"],
        &["schema", "export", "schemas"],
        &["options", "list"],
        &["options", "refresh"],
        &["policy", "show"],
        &["serve", "--listen", "127.0.0.1:0"],
        &["reconcile", "status"],
        &["token", "list"],
        &["token", "create", "robot", "--role", "viewer"],
        &["store", "copy", "STORE", "OTHER"],
        &["options", "clear"],
    ];
    for arguments in asked {
        let arguments: Vec<&str> = arguments
            .iter()
            .map(|argument| match *argument {
                "STORE" => project.url.as_str(),
                "OTHER" => other.as_str(),
                other => other,
            })
            .collect();
        let ran = project.run(&arguments);
        let said = format!("{arguments:?}: {}\n{}", ran.out, ran.err);
        assert_eq!(ran.code, 1, "{said}");
        assert!(ran.err.contains("this project requires pairform >=900"), "{said}");
        assert!(ran.err.contains("pairform.yaml:2"), "{said}");
        assert_eq!(ran.out, "", "{said}");
        assert!(files(&project.path("")) == before, "something was written by {said}");
    }
    // What is of no project goes on, this page before all; and what needs a repository is told of below.
    for arguments in [&["explain", "E0222"][..], &["version"], &["completions", "bash"], &["man"], &["help"]]
    {
        project.run(arguments).expect(0);
    }
    let seen: BTreeSet<&str> = asked
        .iter()
        .map(|arguments| arguments[0])
        .chain(["version", "completions", "man", "help", "diff"])
        .collect();
    let help = project.run(&["--help"]).expect(0).out;
    let commands = help.split("Commands:").nth(1).unwrap().split("Options").next().unwrap();
    for line in commands.lines().filter(|line| line.starts_with("  ") && !line.starts_with("   ")) {
        let command = line.split_whitespace().next().unwrap();
        assert!(seen.contains(command), "nobody asks `{command}` in a project of another version");
    }
}

#[test]
fn every_form_tells_that_alone() {
    let repository = project();
    repository.write("pairform.yaml", &format!("{OTHER}of_a_later_version: true\n"));
    repository.write("integrations/fjord.yaml", "integration: fjord\nof_a_later_version: 1\n");
    for command in [&["validate"][..], &["diff", "--base", "HEAD"], &["drift"]] {
        for form in ["text", "json", "markdown", "html", "sarif", "junit", "github", "gitlab"] {
            let run = Run::of_output(&repository.run(&[command, &["-o", form]].concat()));
            run.assert_code(1);
            assert!(run.all().contains("this project requires pairform"), "{command:?}: {}", run.all());
            assert!(!run.all().contains("of_a_later_version"), "{command:?}: {}", run.all());
        }
    }
    let found = repository.json(&["validate"]);
    assert_eq!(found["findings"].as_array().unwrap().len(), 1, "{found}");
    let found = &found["findings"][0];
    assert_eq!((&found["code"], &found["line"]), (&"E0222".into(), &2.into()), "{found}");
    assert!(found["help"].to_string().contains("pip install 'pairform>=900'"), "{found}");
    // A revision that asks for it is not read either, by a version that the working tree admits.
    repository.commit("Of another version");
    repository.write("pairform.yaml", "version: 1\n");
    for command in [&["validate", "--rev", "HEAD"][..], &["diff", "--base", "HEAD~1", "--head", "HEAD"]] {
        let run = Run::of_output(&repository.run(command));
        run.assert_code(1);
        assert!(run.all().contains("this project requires pairform >=900"), "{command:?}: {}", run.all());
    }
}

#[test]
fn what_is_compared_with_may_have_asked_for_another_version() {
    let repository = project();
    repository.write("pairform.yaml", OTHER);
    repository.commit("Of another version");
    repository.write("pairform.yaml", "version: 1\nrequires: \">=0.2, <900\"\n");
    repository
        .write("integrations/new.yaml", "integration: new\npair: fortnox-shopify\nunmanaged: [connectors]\n");
    repository.commit("Back");
    let diff = repository.json(&["diff", "--base", "HEAD~1", "--head", "HEAD"]);
    let text = diff.to_string();
    assert!(text.contains("\"new\"") && !text.contains("\"nordic\""), "{diff}");
}
