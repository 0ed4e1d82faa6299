//! Live mode: it never goes on while a required setting is missing, whatever part of the configuration is applied.

use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use pairform::model;
use pairform::store::{Origin, Save, Saved};

use crate::plans;
use crate::run::Project;
use crate::tools::{Tool, program, required};

/// The complete sample, with every secret at hand.
fn project() -> (Project, Vec<(String, String)>) {
    let project = Project::empty();
    let text = std::fs::read_to_string(format!(
        "{}/tests/schemas/fortnox-shopify/valid.yaml",
        env!("CARGO_MANIFEST_DIR")
    ));
    let text = text.unwrap().replace("integration: fortnox-shopify", "integration: nordic");
    let names = text.split("env/").skip(1).map(|rest| rest.split('}').next().unwrap().to_owned());
    let secrets = names.map(|name| (name, "value".to_owned())).collect();
    project.write("integrations/nordic.yaml", text);
    (project, secrets)
}

#[test]
fn live_mode_does_not_go_on_before_what_is_required_is_deployed() {
    let (project, secrets) = project();
    let secrets: Vec<(&str, &str)> = secrets.iter().map(|(name, value)| (&**name, &**value)).collect();
    let run = |arguments: &[&str]| project.run_with(arguments, &secrets);
    let plan = run(&["plan", "--category", "general"]);
    assert!(
        plan.assert_code(0).stdout.contains("nordic would go live while required settings are not deployed")
    );
    // Part by part; no force lifts it, and an onboarding integration is free.
    run(&["apply", "--yes", "--category", "general"]).assert_code(5);
    run(&["apply", "--yes", "--category", "general", "--force", "gaps: we know"]).assert_code(64);
    let parts =
        "article,stock,order,customer,invoice,order_lines,shipping_methods,payment_methods,connectors";
    run(&["apply", "--yes", "--category", parts]).assert_code(0);
    let refused = run(&["apply", "--yes", "--category", "general"]);
    assert!(refused.assert_code(5).stderr.contains("`sales_accounts.home_country`"), "{}", refused.stderr);
    run(&["apply", "--yes", "--category", "sales_accounts"]).assert_code(0);
    run(&["apply", "--yes", "--category", "general"]).assert_code(0);

    // The way back into live mode is judged by what is deployed then.
    project.edit("integrations/nordic.yaml", "live_mode: true", "live_mode: false");
    project.edit("integrations/nordic.yaml", "exclude_before: \"2026-01-01\"", "exclude_before: null");
    run(&["apply", "--yes"]).assert_code(0);
    let back = ["revert", "nordic", "--category", "general", "--revision", "1", "--out", "back.plan"];
    run(&back).assert_code(0);
    let refused = run(&["apply", "back.plan"]);
    assert!(refused.assert_code(5).stderr.contains("`order.exclude_before`"), "{}", refused.stderr);
}

#[test]
fn live_mode_is_guarded_by_what_is_deployed_and_by_what_will_be() {
    let (project, secrets) = project();
    let secrets: Vec<(&str, &str)> = secrets.iter().map(|(name, value)| (&**name, &**value)).collect();
    let run = |arguments: &[&str]| project.run_with(arguments, &secrets);
    project.write("pairform.yaml", "version: 1\nsafety: {live: require-leave}\n");
    run(&["apply", "--yes"]).assert_code(5);
    run(&["apply", "--yes", "--allow-live"]).assert_code(0);

    // A shop sells until the save that switches it off, by a value or by silence.
    let text = project.read("integrations/nordic.yaml");
    for silent in ["    live_mode: false\n", ""] {
        project.write("integrations/nordic.yaml", text.replace("    live_mode: true\n", silent));
        project.edit(
            "integrations/nordic.yaml",
            "exclude_before: \"2026-01-01\"",
            "exclude_before: \"2026-02-01\"",
        );
        let plan = run(&["plan", "--out", "p.plan"]);
        for said in [
            "onboarding (deployed: live)",
            "in live mode: nordic; it takes approval for live integrations to apply this",
        ] {
            assert!(plan.assert_code(0).stdout.contains(said), "{}", plan.stdout);
        }
        for arguments in [&["apply", "--yes"][..], &["apply", "p.plan"]] {
            let refused = run(arguments);
            assert!(refused.assert_code(5).stderr.contains("--allow-live"), "{}", refused.stderr);
        }
    }
    // So it does while it is only given another name.
    project.write(
        "integrations/nordisk.yaml",
        text.replace("integration: nordic", "integration: nordisk\nrenamed_from: nordic"),
    );
    std::fs::remove_file(project.at("integrations/nordic.yaml")).unwrap();
    run(&["apply", "--yes"]).assert_code(5);
    std::fs::remove_file(project.at("integrations/nordisk.yaml")).unwrap();

    // The way back into live mode is told, and needs leave too.
    project
        .write("integrations/nordic.yaml", text.replace("    live_mode: true\n", "    live_mode: false\n"));
    run(&["apply", "--yes", "--allow-live"]).assert_code(0);
    let back = run(&["revert", "nordic", "--category", "general", "--revision", "1", "--out", "back.plan"]);
    assert!(back.assert_code(0).stdout.contains("live (deployed: onboarding)"), "{}", back.stdout);
    run(&["apply", "back.plan"]).assert_code(5);
    run(&["apply", "back.plan", "--allow-live"]).assert_code(0);
}

/// Somebody takes a required setting away.
const GAP: &str =
    "UPDATE category SET settings = json_remove(settings, '$.default_terms_of_payment', '$.map')
                   WHERE category = 'payment_methods'";

/// What live mode rests on may move between the plan and its apply, and while an apply is interrupted.
#[test]
fn live_mode_does_not_go_on_over_a_gap_that_came_after_the_plan() {
    let (project, secrets) = project();
    let secrets: Vec<(&str, &str)> = secrets.iter().map(|(name, value)| (&**name, &**value)).collect();
    let run = |arguments: &[&str]| project.run_with(arguments, &secrets);
    project.edit("integrations/nordic.yaml", "live_mode: true", "live_mode: false");
    run(&["apply", "--yes"]).assert_code(0);
    project.edit("integrations/nordic.yaml", "live_mode: false", "live_mode: true");
    for filter in [&[][..], &["--category", "general"]] {
        run(&[&["plan", "--out", "p.plan"], filter].concat()).assert_code(0);
        let by_hand = rusqlite::Connection::open(project.at(".pairform/state.db")).unwrap();
        by_hand.execute_batch(GAP).unwrap();
        let stale = run(&["apply", "p.plan"]);
        for part in ["payment_methods of nordic", "outside pairform saved revision", "at 2"] {
            assert!(stale.assert_code(4).stderr.contains(part), "{}", stale.stderr);
        }
        // However often it is tried.
        run(&["apply", "p.plan"]).assert_code(4);
        run(&["apply", "--yes", "--category", "payment_methods"]).assert_code(0);
    }

    // One that was interrupted after its first save goes on, and leaves live mode off.
    project.edit("integrations/nordic.yaml", "safety_stock: 0", "safety_stock: 5");
    run(&["plan", "--out", "p.plan"]).assert_code(0);
    let plan = plans::read(&project.read("p.plan"));
    let mut store =
        pairform::store::open(&format!("sqlite:{}", project.at(".pairform/state.db").display())).unwrap();
    let at = "2026-12-01T00:00:00Z";
    store.begin(&plan.digest, at, "ann", Origin::default()).unwrap();
    let planned = plans::only(&plan);
    let stock = planned.categories.iter().find(|category| category.category == "stock").unwrap();
    let target = stock.save.as_ref().unwrap();
    let save = Save {
        integration: "nordic",
        category: "stock",
        expected_revision: stock.revision.unwrap(),
        settings: &target.settings,
        applied: &target.applied,
        saved_by: "ann",
        saved_at: at,
        commit: None,
        run: &plan.digest,
        fence: None,
        lease: None,
    };
    assert!(matches!(store.save(&save), Ok(Saved::Saved { .. })));
    let by_hand = rusqlite::Connection::open(project.at(".pairform/state.db")).unwrap();
    by_hand.execute_batch(GAP).unwrap();
    let shaken = run(&["apply", "p.plan"]);
    assert!(shaken.assert_code(4).stderr.contains("payment_methods of nordic: "), "{}", shaken.stderr);
    let mut general = store.read(None).unwrap();
    general.retain(|row| row.category == "general");
    assert_eq!(model::to_json(&general[0].settings)["live_mode"], false);
}

/// What is typed at a terminal, which `script` makes.
pub fn typed(
    script: &Path,
    project: &Project,
    secrets: &[(&str, &str)],
    arguments: &[&str],
    answer: &str,
) -> (Option<i32>, String) {
    let plain = project.command(arguments);
    let words = std::iter::once(plain.get_program()).chain(plain.get_args());
    let words: Vec<&str> = words.map(|word| word.to_str().unwrap()).collect();
    let mut child = Command::new(script)
        .args(["-qec", &words.join(" "), "/dev/null"])
        .current_dir(project.path())
        .envs(plain.get_envs().filter_map(|(name, value)| Some((name, value?))))
        .envs(secrets.iter().copied())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(answer.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
}

/// A word that nobody types by habit, also where a shop that sells only gets another name.
#[test]
fn a_live_integration_is_renamed_after_its_name_was_typed() {
    let (project, secrets) = project();
    let secrets: Vec<(&str, &str)> = secrets.iter().map(|(name, value)| (&**name, &**value)).collect();
    project.run_with(&["apply", "--yes"], &secrets).assert_code(0);
    let text = project.read("integrations/nordic.yaml");
    let text = text.replace("integration: nordic", "integration: nordisk\nrenamed_from: nordic");
    project.write("integrations/nordisk.yaml", text);
    std::fs::remove_file(project.at("integrations/nordic.yaml")).unwrap();
    let Some(script) = required(Tool::Script, program(&["script"], &[])) else { return };
    let (code, said) = typed(&script, &project, &secrets, &["apply", "--color", "never"], "yes\n");
    assert_eq!(code, Some(5), "{said}");
    for part in [
        "Rename 1 integration and save 0 categories in sqlite:.pairform/state.db, 1 integration in live mode? Type `nordisk` to go on",
        "not applied: `nordisk` was not typed",
    ] {
        assert!(said.contains(part), "{said}");
    }
    let (code, said) = typed(&script, &project, &secrets, &["apply", "--color", "never"], "nordisk\n");
    assert_eq!(code, Some(0), "{said}");
    project.run_with(&["plan", "--detailed-exitcode"], &secrets).assert_code(0);
}

/// Somebody wrote a token into the store. It is told that something is wrong there, not what; and nothing saves it again.
#[test]
fn a_credential_that_was_written_into_the_store_is_shown_nowhere() {
    let (project, secrets) = project();
    let secrets: Vec<(&str, &str)> = secrets.iter().map(|(name, value)| (&**name, &**value)).collect();
    let run = |arguments: &[&str]| project.run_with(arguments, &secrets);
    run(&["apply", "--yes", "--allow-live"]).assert_code(0);
    let store = rusqlite::Connection::open(project.at(".pairform/state.db")).unwrap();
    let literal = "shpat_0123456789abcdef";
    let place = "$.shopify.connections.production.access_token";
    let edit = "UPDATE category SET settings = json_set(settings, ?1, ?2) WHERE category = 'connectors'";
    store.execute(edit, (place, literal)).unwrap();
    let connectors = &["revert", "nordic", "--category", "connectors", "--revision", "2"];
    for command in [
        &["drift"][..],
        &["drift", "-o", "markdown"],
        &["plan", "--out", "p.plan"],
        &["plan", "-o", "json"],
        &["history"],
        &["history", "-o", "json"],
        &["audit", "export"],
        &["explain", "nordic", "connectors.shopify.connections.production.access_token"],
        &[connectors, &["--out", "back.plan"][..]].concat(),
    ] {
        let said = run(command);
        assert_eq!(said.assert_code(0).all().find(literal), None, "{command:?}");
    }
    assert!(run(&["drift"]).stdout.contains("written in the open"));
    assert!(!project.read("p.plan").contains(literal));
    run(&["apply", "p.plan", "--allow-live"]).assert_code(0);
    // The way back leads to the reference, or nowhere.
    assert_eq!(run(connectors).all().find(literal), None);
    run(&[connectors, &["--out", "back.plan"][..]].concat()).assert_code(0);
    run(&["apply", "back.plan", "--allow-live"]).assert_code(6);
}
