//! `requires` in pairform.yaml: a version that is not asked for says so and does nothing else.

use crate::revisions::project;
use crate::run::Run;

const OTHER: &str = "version: 1\nrequires: \">=900\"\nof_a_later_version: true\n";

#[test]
fn another_version_tells_one_thing_and_does_nothing() {
    let repository = project();
    repository.write("pairform.yaml", OTHER);
    repository.write("integrations/fjord.yaml", "integration: fjord\nof_a_later_version: 1\n");
    for command in [
        &["validate"][..],
        &["plan"],
        &["plan", "--detailed-exitcode"],
        &["diff", "--base", "HEAD"],
        &["apply", "--no-input"],
    ] {
        let run = Run::of_output(&repository.run(command));
        run.assert_code(1);
        assert!(run.all().contains("this project requires pairform >=900"), "{command:?}: {}", run.all());
        assert!(!run.all().contains("of_a_later_version"), "{command:?}: {}", run.all());
    }
    for command in
        [&["drift"][..], &["list"], &["show", "nordic"], &["pull"], &["release", "solo", "--reason", "x"]]
    {
        let run = Run::of_output(&repository.run(command));
        assert_eq!(run.code, 1, "{command:?}: {}", run.all());
    }
    assert!(repository.run(&["fix"]).status.success());
    assert_eq!(repository.git(&["diff", "--name-only"]), "integrations/fjord.yaml\npairform.yaml\n");
    assert!(!repository.path().join(".pairform/state.db").exists(), "nothing was saved");
    let found = repository.json(&["validate"]);
    assert_eq!(found["findings"].as_array().unwrap().len(), 1, "{found}");
    let found = &found["findings"][0];
    assert_eq!((&found["code"], &found["line"]), (&"E0222".into(), &2.into()), "{found}");
    assert!(found["help"].to_string().contains("pip install 'pairform>=900'"), "{found}");
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
