//! The day: every command judges by the one on which it runs, as `validate` does.

use crate::run::{Project, Run};

/// A table in which one rate is in force until the end of 2199, and another from then on.
const TABLE: &str = "\
countries:
  SE:
    title: Sweden
    rates:
      - {rate: \"25\", kind: standard, until: 2199-12-31, replaced_by: [\"30\"]}
      - {rate: \"30\", kind: standard, from: 2200-01-01}
";

const SHOP: &str = "\
integration: shop
pair: fortnox-shopify
unmanaged: [connectors]
settings:
  general: {name: Shop}
  sales_accounts: {home_country: SE, home: {\"25\": 3001}}
";

/// What is said of a rate before it is in force, and of one that has ended.
const NOT_YET: &str = "30 is not yet a VAT rate of Sweden";
const NO_LONGER: &str = "25 is no longer a VAT rate of Sweden";

fn project() -> Project {
    let project = Project::empty();
    project.write("schemas/data/vat.yaml", TABLE);
    project.write("integrations/shop.yaml", SHOP);
    project
}

fn commit(project: &Project) {
    let git = |arguments: &[&str]| crate::revisions::git(project.path(), arguments);
    git(&["init", "-q"]);
    git(&["add", "integrations", "pairform.yaml", "schemas"]);
    git(&["commit", "-q", "-m", "Begin"]);
}

fn assert_of_today(run: &Run, what: &str) {
    assert_eq!(run.all().matches(NOT_YET).count(), 1, "{what}: {}", run.all());
    assert!(!run.all().contains(NO_LONGER), "{what}: {}", run.all());
}

#[test]
fn a_rate_is_judged_by_the_day_of_the_run_wherever_findings_are_told() {
    let project = project();
    commit(&project);
    project.write(
        "integrations/new.yaml",
        SHOP.replace("shop\n", "new\n").replace("3001", "3001, \"30\": 3005"),
    );
    for arguments in [
        &["validate"][..],
        &["validate", "integrations/new.yaml"],
        &["validate", "--changed-since", "HEAD"],
        &["plan"],
        &["plan", "--integration", "new"],
        &["diff", "--base", "HEAD"],
    ] {
        assert_of_today(project.run(arguments).assert_code(0), &arguments.join(" "));
    }
    crate::revisions::git(project.path(), &["add", "integrations"]);
    crate::revisions::git(project.path(), &["commit", "-q", "-m", "Another"]);
    for arguments in [&["validate", "--rev", "HEAD"][..], &["diff", "--base", "HEAD~1", "--head", "HEAD"]] {
        assert_of_today(project.run(arguments).assert_code(0), &arguments.join(" "));
    }
}

/// A finding that the base has as well is no new one.
#[test]
fn diff_judges_both_sides_by_the_same_day() {
    let project = project();
    project.edit("integrations/shop.yaml", "3001", "3001, \"30\": 3005");
    commit(&project);
    project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
    assert_of_today(&project.run(&["validate"]), "validate");
    let diff = project.run(&["diff", "--base", "HEAD", "-o", "json"]);
    assert_eq!(diff.assert_code(0).json()["findings"], serde_json::json!([]), "{}", diff.stdout);
}

/// What is deployed is taken where the files may say it today, and what is left to look at is what `validate` lists.
#[test]
fn pull_judges_by_the_day_of_the_run() {
    let project = project();
    project.write("pairform.yaml", "version: 1\nlevels: {W0420: deny}\n");
    project.run(&["apply", "--yes"]).assert_code(0);
    let store = rusqlite::Connection::open(project.at(".pairform/state.db")).unwrap();
    let edit = "UPDATE category SET settings = json_set(settings, '$.home.25', 3002) WHERE category = 'sales_accounts'";
    store.execute(edit, []).unwrap();
    let pulled = project.run(&["pull", "--yes"]);
    pulled.assert_code(0);
    assert!(!pulled.all().contains(NO_LONGER), "{}", pulled.all());
    assert_eq!(project.read("integrations/shop.yaml"), SHOP.replace("3001", "3002"));
    project.run(&["plan", "--detailed-exitcode"]).assert_code(0);
    // Adopted, with a rate that is in force beside one that is not yet.
    project.write("pairform.yaml", "version: 1\n");
    let edit = edit.replace("$.home.25', 3002", "$.home.30', 3005");
    store.execute(&edit, []).unwrap();
    std::fs::remove_file(project.at("integrations/shop.yaml")).unwrap();
    let adopted = project.run(&["pull", "shop", "--pair", "fortnox-shopify", "--yes"]);
    adopted.assert_code(0);
    let validated = project.run(&["validate", "-o", "json"]);
    assert_of_today(&validated, "validate");
    let summary = validated.json()["summary"].clone();
    let left: u64 = ["errors", "warnings", "notes"].iter().map(|kind| summary[kind].as_u64().unwrap()).sum();
    let told = format!("shop: {left} findings to look at");
    assert!(adopted.all().contains(&told), "{told}: {}", adopted.all());
}
