//! Each flag that `validate --help` lists, and its variable, means on every run what it means on the first: what is kept of
//! one question is never the answer to another.

use std::collections::BTreeMap;

use crate::revisions::git;
use crate::run::{Project, Run};

/// A flag with values for it, of which each is another question than none; none where it changes nothing that is said.
struct Case {
    flag: &'static str,
    changes: bool,
    values: &'static [&'static [&'static str]],
}

const NO_POLICY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/fixtures/no_policy.yaml");

const CASES: [Case; 22] = [
    Case { flag: "--env", changes: true, values: &[&["test"], &["live"]] },
    Case {
        flag: "--store",
        changes: true,
        values: &[&["sqlite:test.db", "--env", "live"], &["sqlite:live.db", "--env", "test"]],
    },
    Case { flag: "--store-timeout", changes: false, values: &[&["60s"]] },
    Case { flag: "--own-triggers", changes: false, values: &[&[]] },
    Case { flag: "--integration", changes: true, values: &[&["s001"], &["s002"]] },
    Case { flag: "--pair", changes: true, values: &[&["fortnox-shopify"], &["fortnox-woocommerce"]] },
    Case { flag: "--category", changes: true, values: &[&["sales_accounts"], &["order"]] },
    Case { flag: "--exclude", changes: true, values: &[&["s001"], &["s003"]] },
    Case { flag: "--rev", changes: true, values: &[&["HEAD"], &["HEAD~1"]] },
    Case { flag: "--changed-since", changes: true, values: &[&["HEAD"], &["HEAD~1"]] },
    Case { flag: "--output", changes: true, values: &[&["json"], &["markdown"], &["junit"]] },
    Case { flag: "--color", changes: true, values: &[&["always"]] },
    Case { flag: "--policy", changes: false, values: &[&[NO_POLICY]] },
    Case { flag: "--catalogue", changes: false, values: &[&["built-in"]] },
    Case { flag: "--allow", changes: false, values: &[&["store=db.internal"]] },
    Case { flag: "--untrusted", changes: false, values: &[&[]] },
    Case { flag: "--no-input", changes: false, values: &[&[]] },
    Case { flag: "--no-cache", changes: false, values: &[&[]] },
    Case { flag: "--no-pager", changes: false, values: &[&[]] },
    // No rule differs between these; what it tells where one does is seen in `attacks_review`.
    Case { flag: "--base", changes: false, values: &[&["HEAD"], &["HEAD~1"]] },
    Case { flag: "--schema", changes: true, values: &[&["any.json", "integrations/s001.yaml"]] },
    Case { flag: "-C", changes: true, values: &[&["elsewhere"]] },
];

/// Large enough that what was printed is kept, in a repository with two environments, two pairs and a tree that is not
/// committed: every question has an answer of its own.
fn fleet() -> Project {
    let project = Project::empty();
    let write = |number: usize, pair: &str, more: &str| {
        let text = format!(
            "integration: s{number:03}\npair: {pair}\nunmanaged: [connectors]\nsettings:\n  sales_accounts: {{home_country: SE}}\n{more}"
        );
        project.write(&format!("integrations/s{number:03}.yaml"), text);
    };
    for number in 0..220 {
        write(number, "fortnox-shopify", "");
    }
    for number in [1, 5] {
        write(number, "fortnox-woocommerce", "");
    }
    let environments = "environments: {test: {store: 'sqlite:test.db'}, live: {store: 'sqlite:live.db'}}\n";
    project.write("pairform.yaml", format!("version: 1\n{environments}"));
    for name in ["test", "live"] {
        let text = format!("integrations:\n  s002: {{settings: {{order: {{only_in_{name}: 1}}}}}}\n");
        project.write(&format!("environments/{name}.yaml"), text);
    }
    project.write("any.json", "{\"required\": [\"nothing_of_the_kind\"]}");
    project.write("elsewhere/pairform.yaml", "version: 1\n");
    project.write("elsewhere/integrations/other.yaml", "integration: other\npair: fortnox-shopify\n");
    git(project.path(), &["init", "-q"]);
    git(project.path(), &["add", "-A"]);
    git(project.path(), &["commit", "-q", "-m", "fleet"]);
    write(3, "fortnox-shopify", "  order: {committed_since: 1}\n");
    git(project.path(), &["commit", "-q", "-a", "-m", "a mistake"]);
    write(4, "fortnox-shopify", "  order: {not_committed: 1}\n");
    project
}

/// The flags of the help, each with its variable where it has one.
fn listed(help: &str) -> BTreeMap<String, Option<String>> {
    let (_, options) = help.split_once("\nOptions:\n").unwrap();
    let mut flags: BTreeMap<String, Option<String>> = BTreeMap::new();
    let mut last = String::new();
    for line in options.lines().map(str::trim_start) {
        if let Some(variable) = line.strip_prefix("[env: ") {
            flags.insert(last.clone(), Some(variable.split(['=', ']']).next().unwrap().to_owned()));
        } else if line.starts_with('-') && !line.starts_with("- ") {
            let mut names = line.split(' ').filter(|word| word.starts_with('-'));
            last = names.next_back().unwrap().trim_end_matches(',').to_owned();
            flags.insert(last.clone(), None);
        }
    }
    flags
}

fn printed(run: &Run) -> (i32, &str, &str) {
    assert!(!run.stderr.contains("panicked"), "{}", run.stderr);
    (run.code, &run.stdout, &run.stderr)
}

/// As for every other command: what its help says of --store.
#[test]
fn a_store_that_is_an_environment_s_own_means_that_environment() {
    let project = fleet();
    let (all, test) = (project.run(&["validate"]), project.run(&["validate", "--env", "test"]));
    let named = project.run(&["validate", "--store", "sqlite:test.db"]);
    assert!(all.stdout.contains("only_in_live") && !test.stdout.contains("only_in_live"), "{}", test.stdout);
    assert_eq!(printed(&named), printed(&test));
}

#[test]
fn every_flag_and_its_variable_is_honoured_on_every_run_of_a_large_fleet() {
    let project = fleet();
    let help = project.run(&["validate", "--help"]).stdout;
    let mut flags = listed(&help);
    assert!(
        flags.remove("--help").is_some() && flags["--env"].as_deref() == Some("PAIRFORM_ENV"),
        "{flags:?}"
    );
    // It does not end by itself; `comfort` sees it at work.
    assert!(flags.remove("--watch").is_some(), "{flags:?}");
    let known: Vec<&str> = CASES.iter().map(|case| case.flag).collect();
    let new: Vec<&String> = flags.keys().filter(|flag| !known.contains(&flag.as_str())).collect();
    assert!(new.is_empty(), "say here what these flags change of what validate says: {new:?}");
    let plain = project.run(&["validate", "--no-cache"]);
    assert_eq!(printed(&project.run(&["validate"])), printed(&plain));
    let mut answers: Vec<(String, String)> = vec![("none".to_owned(), plain.all())];
    let mut wrong = Vec::new();
    for Case { flag, changes, values } in CASES.iter().filter(|case| flags.contains_key(case.flag)) {
        for value in *values {
            let words = [&["validate", flag][..], value].concat();
            let asked = words.join(" ");
            let fresh = project.run_with(&words, &[("PAIRFORM_NO_CACHE", "1")]);
            let mut runs = vec![("first", project.run(&words)), ("second", project.run(&words))];
            if let Some(variable) = &flags[*flag] {
                let (value, more) =
                    value.split_first().map_or(("1", &[][..]), |(value, more)| (*value, more));
                let words = [&["validate"][..], more].concat();
                runs.push(("by its variable", project.run_with(&words, &[(variable, value)])));
            }
            runs.push(("none again", project.run(&["validate"])));
            for (which, run) in runs {
                let expected = if which == "none again" { &plain } else { &fresh };
                if printed(&run) != printed(expected) {
                    wrong.push(format!(
                        "`{asked}`, {which}: {:.300}\nnot as without what is kept: {:.300}",
                        run.all(),
                        expected.all()
                    ));
                }
            }
            let same = answers.iter().find(|(_, answer)| *answer == fresh.all());
            match (same, changes) {
                (Some((other, _)), true) => panic!("`{asked}` asks nothing else than `{other}`"),
                (None, false) => panic!("`{asked}` changes what is said"),
                _ => answers.push((asked, fresh.all())),
            }
        }
    }
    assert!(wrong.is_empty(), "\n{}\n", wrong.join("\n"));
}
