//! Files with errors, and commands that compile them for another end than to judge them: what could not be judged is never told as
//! well, and the exit code says so.

use serde_json::json;

use crate::outputs::assert_fits;
use crate::place::Project;
use crate::revisions;
use crate::run::Run;

const HAND: &str = r#"UPDATE category SET settings = '{"default_terms_of_payment":"30","map":{"Klarna":"14","Swish":"0"}}'
    WHERE category = 'payment_methods'"#;

/// Each keeps the integration from being compiled, and its drift from being looked at.
const BREAKS: [(&str, &str, &str); 3] = [
    ("integrations/shop.yaml", "pair: fortnox-shopify", "pair: fortnox-nope"),
    ("integrations/shop.yaml", "pair: fortnox-shopify", "pair: [fortnox-shopify"),
    ("pairform.yaml", "version: 1", "version: 1\nsafety: 7"),
];

fn drifted() -> Project {
    let project = Project::sqlite();
    project.write("pairform.yaml", "version: 1\n");
    project.run(&["apply", "--yes"]).expect(0);
    project.by_hand(HAND);
    project
}

#[test]
fn nothing_is_told_as_well_that_was_not_judged() {
    for (file, sound, broken) in BREAKS {
        let project = drifted();
        project.run(&["drift", "--detailed-exitcode"]).expect(2);
        project.edit(file, sound, broken);
        for form in ["text", "json", "markdown", "html", "sarif", "junit", "github", "gitlab"] {
            for detailed in [&[][..], &["--detailed-exitcode"]] {
                let ran = project.run(&[&["drift", "-o", form][..], detailed].concat());
                // As the characters of Markdown are written where they are no marks.
                let said = format!("{broken} {form}: {}{}", ran.out, ran.err);
                let said = said.replace("&#45;", "-").replace("&#46;", ".").replace("&#47;", "/");
                assert_eq!(ran.code, 1, "{said}");
                assert!(!said.contains("No drift:") && !said.contains("No drift<"), "{said}");
                assert!(said.contains(file) || form == "html", "{said}");
                assert!(!said.contains("\"exit_code\": 0"), "{said}");
            }
        }
        for (command, all_clear) in [
            (&["list"][..], "No drift"),
            (&["pull", "--yes"], "Nothing to pull."),
            (&["pull", "shop", "--yes"], "Nothing to pull."),
            (&["plan"], "No changes."),
            (&["show", "shop"], "No drift"),
            (&["explain", "shop", "order.creates"], "No drift"),
            (&["options", "list"], "No drift"),
            (&["release", "shop", "--reason", "x"], "Released"),
            (&["revert", "shop", "--revision", "1"], "Nothing was saved"),
            (&["revert", "shop", "--revision", "1", "--write", "--yes"], "Nothing to revert."),
            (&["apply", "--yes"], "Nothing to save"),
        ] {
            let ran = project.run(command);
            let said = format!("{broken} {command:?}: {}{}", ran.out, ran.err);
            assert_eq!(ran.code, 1, "{said}");
            assert!(!said.contains(all_clear), "{said}");
            assert!(said.contains(file), "{said}");
        }
    }
}

#[test]
fn programs_get_the_errors_with_what_could_be_done() {
    let project = drifted();
    project.shop("other", "Other", "30");
    project.edit("integrations/other.yaml", "pair: fortnox-shopify", "pair: fortnox-nope");
    let list = project.run(&["list", "-o", "json"]).expect(1).json();
    assert_fits("list", &list);
    assert_eq!((&list["exit_code"], list["findings"].as_array().unwrap().len()), (&json!(1), 1), "{list}");
    assert_eq!(list["integrations"].as_array().unwrap().len(), 1, "{list}");
    // What is sound is pulled all the same.
    let pulled = project.run(&["pull", "--yes", "-o", "json"]).expect(1).json();
    assert_fits("pull", &pulled);
    assert_eq!(
        (&pulled["exit_code"], pulled["findings"].as_array().unwrap().len()),
        (&json!(1), 1),
        "{pulled}"
    );
    assert_eq!(pulled["taken"].as_array().unwrap().len(), 1, "{pulled}");
    let drift = project.run(&["drift", "-o", "json"]).expect(1).json();
    assert_eq!((&drift["exit_code"], drift["findings"].as_array().unwrap().len()), (&json!(1), 1), "{drift}");
    // Asked for alone, what is sound is told as such.
    project.run(&["list", "--integration", "shop"]).expect(0);
    project.run(&["drift", "--integration", "shop"]).expect(0);
}

#[test]
fn a_comparison_tells_what_it_could_not_read_however_long_that_has_been_so() {
    let repository = revisions::project();
    let text = std::fs::read_to_string(repository.path().join("integrations/solo.yaml")).unwrap();
    let broken = text.replace("pair: fortnox-shopify", "pair: fortnox-nope");
    repository.write("integrations/solo.yaml", &broken);
    repository.commit("Broken");
    assert!(broken.contains("\"30\""), "{broken}");
    repository.write("integrations/solo.yaml", &broken.replace("\"30\"", "\"14\""));
    repository.commit("Changed");
    let run = Run::of_output(&repository.run(&["diff", "--base", "HEAD~1", "--head", "HEAD"]));
    run.assert_code(1);
    assert!(run.all().contains("fortnox-nope"), "{}", run.all());
    // What nobody touched is not looked at.
    let other = std::fs::read_to_string(repository.path().join("integrations/nordic.yaml")).unwrap();
    repository.write("integrations/nordic.yaml", &other.replace("\"30\"", "\"14\""));
    repository.commit("Elsewhere");
    Run::of_output(&repository.run(&["diff", "--base", "HEAD~1", "--head", "HEAD"])).assert_code(0);
}
