//! Files and circumstances that nobody would wish for, through the real program: it ends soon, says one thing, and
//! with the right exit code.

use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use crate::run::{Project, Run, closed_window};
use crate::trace::{may_trace, under_strace};

/// Generous: the machine may be busy. What would hang or grow without bound takes minutes.
const SOON: Duration = Duration::from_secs(20);

const GOOD: &str = "integration: a\npair: fortnox-shopify\nsettings: {general: {name: A}}\nunmanaged: [article, stock, order, customer, invoice, order_lines, shipping_methods, payment_methods, sales_accounts, connectors]\n";

/// The codes of all findings, in order.
fn codes(run: &Run) -> Vec<String> {
    let json = run.json();
    let findings = json["findings"].as_array().unwrap();
    findings.iter().map(|finding| finding["code"].as_str().unwrap().to_owned()).collect()
}

/// Validates a project whose only integration is this file.
fn judge(bytes: &[u8]) -> Run {
    let project = Project::empty();
    project.write("integrations/a.yaml", bytes);
    let text = project.run(&["validate", "--color", "never"]);
    text.assert_code(1);
    assert!(!text.stdout.contains('\u{1b}'), "{:?}", text.stdout);
    let run = project.run(&["validate", "-o", "json"]);
    run.assert_code(1);
    assert!(run.took < SOON, "took {:?}", run.took);
    assert_eq!(run.json()["exit_code"], 1);
    run
}

#[test]
fn files_that_are_no_configuration_are_one_finding() {
    let bomb = {
        let mut text = "a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let below = vec![format!("*a{}", level - 1); 10].join(", ");
            text.push_str(&format!("a{level}: &a{level} [{below}]\n"));
        }
        text
    };
    let utf16: Vec<u8> = GOOD.encode_utf16().flat_map(u16::to_le_bytes).collect();
    let marked = [&[0xff, 0xfe][..], &utf16].concat();
    for (name, bytes, expected) in [
        ("100,000 brackets", "[".repeat(100_000).into_bytes(), "E0109"),
        ("100,000 braces", "{a: ".repeat(100_000).into_bytes(), "E0109"),
        ("100,000 dashes", "- ".repeat(100_000).into_bytes(), "E0109"),
        ("billion laughs", bomb.into_bytes(), "E0108"),
        ("zeros", vec![0; 4096], "E0103"),
        ("binary", (0..=255).cycle().take(10_000).collect(), "E0115"),
        ("UTF-16", utf16, "E0115"),
        ("UTF-16 with a mark", marked, "E0115"),
        (
            "Latin-1",
            b"integration: a\npair: fortnox-shopify\nsettings: {general: {name: K\xf6k}}\n".to_vec(),
            "E0115",
        ),
        ("a list", b"- a\n- b\n".to_vec(), "E0201"),
        ("a word", b"hello\n".to_vec(), "E0201"),
    ] {
        let run = judge(&bytes);
        let found = codes(&run);
        assert_eq!(found.first().map(String::as_str), Some(expected), "{name}: {}", run.stdout);
        assert!(found.len() <= 2, "{name}: {found:?}");
    }
}

#[test]
fn deep_json_is_refused_by_any_schema_too() {
    let project = Project::empty();
    project.write("deep.json", "[".repeat(100_000));
    project.write("schema.json", "{}");
    let run = project.run(&["validate", "--schema", "schema.json", "deep.json", "-o", "json"]);
    run.assert_code(1);
    assert!(run.took < SOON);
    assert_eq!(codes(&run).len(), 1);
}

#[test]
fn a_file_of_200_megabytes_is_one_finding_and_not_read() {
    let project = Project::empty();
    project.write("integrations/a.yaml", "");
    let file = std::fs::File::options().write(true).open(project.at("integrations/a.yaml")).unwrap();
    file.set_len(200 * 1024 * 1024).unwrap();
    let run = project.run(&["validate", "-o", "json"]);
    run.assert_code(1);
    assert!(run.took < SOON);
    assert_eq!(codes(&run), ["E0114"]);
    let run = project.run(&["show", "integrations/a.yaml"]);
    run.assert_code(64);
}

#[test]
fn pipes_folders_and_links_are_not_followed_out_of_the_project() {
    let outside = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(outside.path(), "password: CANARY-outside\n").unwrap();
    let project = Project::empty();
    project.write("integrations/a.yaml", GOOD);
    std::fs::create_dir(project.at("integrations/folder.yaml")).unwrap();
    let made = Command::new("mkfifo").arg(project.at("integrations/pipe.yaml")).status().unwrap();
    assert!(made.success());
    project.run(&["validate"]).assert_code(0);
    symlink(outside.path(), project.at("integrations/out.yaml")).unwrap();
    symlink("loop.yaml", project.at("integrations/loop.yaml")).unwrap();
    symlink("missing.yaml", project.at("integrations/dangling.yaml")).unwrap();
    symlink("..", project.at("integrations/up")).unwrap();
    let run = project.run(&["validate", "-o", "json"]);
    run.assert_code(1);
    assert!(run.took < SOON);
    assert_eq!(codes(&run), ["E0116", "E0116", "E0116"]);
    assert!(!run.all().contains("CANARY-outside"));
    let text = project.run(&["validate"]);
    assert!(!text.all().contains("CANARY-outside"), "{}", text.all());
}

#[test]
fn a_folder_of_the_project_that_leads_outside_is_one_finding() {
    let outside = tempfile::tempdir().unwrap();
    std::fs::write(outside.path().join("a.yaml"), "password: CANARY-outside\n").unwrap();
    for (folder, target) in [
        ("integrations", outside.path()),
        ("schemas", outside.path()),
        ("bases", Path::new("/nowhere/at/all")),
    ] {
        let project = Project::empty();
        symlink(target, project.at(folder)).unwrap();
        let run = project.run(&["validate", "-o", "json"]);
        assert_eq!(codes(run.assert_code(1)), ["E0116"], "{folder}");
        assert!(!run.all().contains("CANARY"));
    }
    // Within the project a link may point anywhere.
    let project = Project::empty();
    project.write("shops/a.yaml", GOOD);
    symlink("shops", project.at("integrations")).unwrap();
    project.run(&["validate"]).assert_code(0);
}

#[test]
fn pairform_yaml_may_be_anything_too() {
    for (bytes, code) in
        [(&b"- a\n"[..], 1), (b"", 1), (b"\xff\xfe", 1), (b"version: 1\nversion: 1\n", 1), (b"{", 1)]
    {
        let project = Project::empty();
        project.write("pairform.yaml", bytes);
        project.write("integrations/a.yaml", GOOD);
        let run = project.run(&["validate", "-o", "json"]);
        run.assert_code(code);
        assert_eq!(codes(&run).len(), 1, "{}", run.stdout);
        // Which store is meant is not known, so none is touched.
        for command in [&["plan", "-o", "json"][..], &["apply", "--yes", "-o", "json"]] {
            let run = project.run(command);
            run.assert_code(1);
            assert_eq!(run.json()["exit_code"], 1);
        }
        assert!(!project.at(".pairform").exists());
    }
}

#[test]
fn line_ends_marks_and_empty_files_are_fine() {
    let project = Project::empty();
    project.write("integrations/a.yaml", format!("\u{feff}{}", GOOD.replace('\n', "\r\n")));
    project.write("bases/empty.yaml", "");
    project.write("bases/comment.yaml", "# nothing yet\n");
    let run = project.run(&["validate", "-o", "json"]);
    run.assert_code(0);
    assert!(codes(&run).is_empty(), "{}", run.stdout);
    // Columns do not count the mark.
    project.write(
        "integrations/a.yaml",
        format!("\u{feff}{}", GOOD.replace("pair:", "pairs:").replace('\n', "\r\n")),
    );
    let json = project.run(&["validate", "-o", "json"]).json();
    assert_eq!((&json["findings"][0]["line"], &json["findings"][0]["column"]), (&2.into(), &1.into()));
    project.write("integrations/a.yaml", "");
    let run = project.run(&["validate", "-o", "json"]);
    run.assert_code(1);
    assert!(codes(&run).len() <= 2, "{}", run.stdout);
}

#[test]
fn terminal_escapes_and_bidi_marks_never_reach_the_terminal() {
    let project = Project::empty();
    let evil = "\"\\e[31mred\\e[0m \\u202Eevil \\u0007\"";
    project.write(
        "integrations/a.yaml",
        GOOD.replace("name: A", &format!("name: {evil}, {evil}: 1, time_zone: {evil}"))
            .replace("unmanaged:", "\"\\e]0;title\\a\": 1\nunmanaged:"),
    );
    project.write("integrations/\u{1b}[31m.yaml", GOOD);
    project.write("integrations/\u{202e}b.yaml", "integration: \u{202e}b\n");
    for arguments in [
        &["validate", "--color", "never"][..],
        &["plan", "--color", "never", "--out", "plan.json"],
        &["show", "a", "--color", "never"],
        &["show", "plan.json", "--color", "never"],
        &["validate", "--integration", "\u{1b}[31mnone", "--color", "never"],
        &["plan", "--store", "\u{1b}[31m:x", "--color", "never"],
        &["\u{1b}[31m"],
    ] {
        let run = project.run(arguments);
        let all = run.all();
        let bad = |c: char| {
            (c.is_control() && c != '\n') || matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
        };
        assert!(!all.chars().any(bad), "{arguments:?}: {all:?}");
    }
    let run = project.run(&["validate", "-o", "json"]);
    assert!(!run.stdout.contains(['\u{1b}', '\u{7}']), "{:?}", run.stdout);
    run.json();
}

#[test]
fn ten_thousand_findings_are_printed_soon() {
    let project = Project::empty();
    let mut text =
        GOOD.replace("settings: {general: {name: A}}", "settings:\n  general: {name: A}\n  article:");
    let at = text.find("unmanaged").unwrap();
    let lines: String = (0..10_000).map(|number| format!("    unknown_setting_{number}: 1\n")).collect();
    text.insert_str(at, &lines);
    project.write("integrations/a.yaml", text.replace("[article, ", "["));
    let starts = ["error[E0301]: unknown setting `", "\"message\": \"unknown setting `"];
    let named = |line: &&str| starts.iter().any(|start| line.trim_start().starts_with(start));
    let number = |line: &str| -> usize {
        line.split("unknown_setting_").nth(1).unwrap().split('`').next().unwrap().parse().unwrap()
    };
    for arguments in [&["validate"][..], &["validate", "-o", "json"], &["plan"]] {
        let run = project.run(arguments);
        run.assert_code(1);
        assert!(run.took < SOON * 2, "{arguments:?} took {:?}", run.took);
        // Each of them, once and in the order of the file.
        let said: Vec<usize> = run.stdout.lines().filter(named).map(number).collect();
        assert!(said.iter().copied().eq(0..10_000), "{arguments:?}: {} were told", said.len());
    }
    assert!(project.run(&["validate"]).stdout.ends_with("1 integration checked: 10000 errors, 4 warnings\n"));
    assert_eq!(project.run(&["validate", "-o", "json"]).json()["summary"]["errors"], 10_000);
}

#[test]
fn names_of_files_may_be_anything() {
    let project = Project::empty();
    project.write("integrations/a.yaml", GOOD);
    project.write(
        "integrations/nordic outdoor.yaml",
        GOOD.replace("integration: a", "integration: nordic outdoor"),
    );
    let odd = std::ffi::OsStr::from_bytes(b"integrations/caf\xe9.yaml");
    std::fs::write(project.path().join(odd), GOOD.replace("integration: a", "integration: cafe")).unwrap();
    let run = project.run(&["validate", "-o", "json"]);
    run.assert_code(1);
    assert_eq!(codes(&run), ["E0205", "E0205"], "{}", run.stdout);
    project.run(&["validate"]).assert_code(1);
}

#[test]
fn an_integration_is_declared_once() {
    let project = Project::empty();
    project.write("integrations/a.yaml", GOOD);
    project.write("integrations/a/integration.yaml", GOOD);
    let run = project.run(&["validate", "-o", "json"]);
    run.assert_code(1);
    assert_eq!(codes(&run), ["E0206"], "{}", run.stdout);
    assert_eq!(run.json()["findings"][0]["related"].as_array().unwrap().len(), 1);
    // Neither is planned by accident.
    project.run(&["apply", "--yes"]).assert_code(1);
}

#[test]
fn a_folder_without_integration_yaml_says_what_is_missing() {
    let project = Project::empty();
    project.write("integrations/a/settings/general.yaml", "name: A\n");
    project.write("integrations/a/settings/order.yaml", "creates: order\n");
    let run = project.run(&["validate", "-o", "json"]);
    run.assert_code(1);
    assert_eq!(codes(&run).len(), 1, "{}", run.stdout);
    assert!(run.stdout.contains("integrations/a/integration.yaml"), "{}", run.stdout);
}

#[test]
fn circles_of_bases_end() {
    let project = Project::empty();
    project.write("integrations/a.yaml", format!("{GOOD}extends: [x]\n"));
    project.write("bases/x.yaml", "extends: [x]\n");
    assert_eq!(codes(&project.run(&["validate", "-o", "json"])), ["E0203"]);
    project.write("bases/x.yaml", "extends: [y]\n");
    project.write("bases/y.yaml", "extends: [z]\n");
    project.write("bases/z.yaml", "extends: [x]\n");
    let run = project.run(&["validate", "-o", "json"]);
    run.assert_code(1);
    assert_eq!(codes(&run), ["E0203"], "{}", run.stdout);
}

#[test]
fn a_mistake_in_a_base_is_one_finding_that_lists_who_suffers() {
    let project = Project::empty();
    project.write("bases/shared.yaml", "settings: {general: {time_zone: Sweden}}\n");
    for name in ["a", "b", "c"] {
        let text = GOOD.replace("integration: a", &format!("integration: {name}"));
        project.write(&format!("integrations/{name}.yaml"), format!("{text}extends: [shared]\n"));
    }
    let run = project.run(&["validate", "-o", "json"]);
    run.assert_code(1);
    let json = run.json();
    assert_eq!(json["findings"].as_array().unwrap().len(), 1, "{}", run.stdout);
    let finding = &json["findings"][0];
    assert_eq!(finding["path"], "bases/shared.yaml");
    assert_eq!(finding["integration"], "a");
    assert_eq!(finding["also"], serde_json::json!(["b", "c"]));
    let text = project.run(&["validate"]).stdout;
    assert!(text.contains("this concerns 3 integrations: a, b, c"), "{text}");
    // One of their files alone says the same, though the others are not asked for.
    let alone = project.run(&["validate", "integrations/b.yaml", "-o", "json"]).json();
    assert_eq!(alone["findings"], json["findings"]);
}

/// `-o json` prints exactly one JSON value that carries the exit code, whatever happens.
fn assert_stops(project: &Project, arguments: &[&str], code: i32) {
    let run = project.run(&[arguments, &["-o", "json"]].concat());
    run.assert_code(code);
    let json = run.json();
    assert_eq!(json["exit_code"], code, "{}", run.stdout);
    assert!(json["error"]["message"].as_str().is_some_and(|message| !message.is_empty()), "{}", run.stdout);
    let text = project.run(arguments);
    text.assert_code(code);
    assert!(text.stdout.is_empty() || code == 1, "{}", text.stdout);
    // Without a command the help says what there is.
    assert!(text.stderr.starts_with("error") || text.stderr.contains("Usage:"), "{}", text.stderr);
}

#[test]
fn usage_errors_are_64_and_one_json_value() {
    let project = Project::empty();
    project.write("integrations/a.yaml", GOOD);
    for arguments in [
        &["validate", "--nonsense"][..],
        &["nonsense"],
        &[],
        &["show"],
        &["plan", "--env"],
        &["validate", "--color", "purple"],
        &["validate", "--integration", "none"],
        &["plan", "--pair", "none"],
        &["plan", "--category", "none"],
        &["plan", "--env", "none"],
        &["plan", "--store", "mysql:x"],
        &["apply", "none.json"],
        &["show", "none"],
        &["explain", "E9999"],
        &["explain", "fortnox-shopify", "order.nothing"],
        &["schema", "show", "none"],
        &["schema"],
        &["validate", "none.yaml"],
        &["validate", "/etc/hostname"],
        &["plan", "--out", "none/plan.json"],
        &["-C", "none", "validate"],
    ] {
        assert_stops(&project, arguments, 64);
    }
    let nowhere = Project::empty();
    std::fs::remove_file(nowhere.at("pairform.yaml")).unwrap();
    for arguments in [&["validate"][..], &["plan"], &["apply"], &["show", "a"]] {
        assert_stops(&nowhere, arguments, 64);
    }
}

#[test]
fn a_form_that_does_not_exist_is_a_usage_error() {
    let project = Project::empty();
    project.run(&["validate", "-o", "yaml"]).assert_code(64);
    let run = project.run_with(&["validate", "--bad"], &[("PAIRFORM_OUTPUT", "json")]);
    run.assert_code(64);
    assert_eq!(run.json()["exit_code"], 64);
}

#[test]
fn plan_files_are_proven_before_they_are_applied() {
    let project = Project::empty();
    project.write("integrations/a.yaml", GOOD);
    project.run(&["plan", "--out", "plan.json"]).assert_code(0);
    let good = project.read("plan.json");
    for (name, text) in [
        ("empty", String::new()),
        ("text", "hello".to_owned()),
        ("list", "[]".to_owned()),
        ("object", "{}".to_owned()),
        ("deep", "[".repeat(100_000)),
        ("major", good.replace("\"format_version\":\"1.1\"", "\"format_version\":\"2.0\"")),
        ("changed", good.replace("\"after\":\"A\"", "\"after\":\"B\"")),
        ("cut", good[..good.len() / 2].to_owned()),
    ] {
        assert_ne!(text, good, "{name}");
        project.write("bad.json", &text);
        assert_stops(&project, &["apply", "bad.json"], 64);
        assert_stops(&project, &["show", "bad.json"], 64);
    }
    // Of a later pairform, and whole: called that, and not applied over what it may ask for.
    let sealed = |version: &str, more: &str| {
        let mut plan: serde_json::Value = serde_json::from_str(&good).unwrap();
        plan["format_version"] = version.into();
        if !more.is_empty() {
            plan[more] = "x".into();
        }
        plan.as_object_mut().unwrap().shift_remove("digest");
        let digest = pairform::model::digest_text(&pairform::model::canonical_json(plan.clone()));
        plan["digest"] = digest.into();
        plan.to_string()
    };
    for (version, more, said) in [
        ("1.2", "hold_until", "it has format 1.2 and this pairform knows 1.1"),
        ("1.2", "", "update pairform"),
        ("1.1", "hold_until", "it holds what this pairform does not know"),
        ("2.0", "", "it has format 2.0"),
    ] {
        project.write("bad.json", sealed(version, more));
        assert_stops(&project, &["apply", "bad.json"], 64);
        assert!(project.run(&["apply", "bad.json"]).stderr.contains(said), "{version} {more}");
        project.write("bad.json", sealed(version, more).replace("fortnox-shopify", "shopify-fortnox"));
        assert!(!project.run(&["apply", "bad.json"]).stderr.contains("update pairform"), "{version} {more}");
    }
    project.write("bad.json", sealed("1.1", ""));
    project.run(&["show", "bad.json"]).assert_code(0);
    project.write("bad.json", [0xff, 0xfe, 0]);
    assert_stops(&project, &["apply", "bad.json"], 64);
    assert!(!project.at(".pairform").exists());
    project.run(&["apply", "plan.json"]).assert_code(0);
    // A plan works once.
    assert_stops(&project, &["apply", "plan.json"], 4);
}

#[test]
fn a_plan_is_applied_to_its_own_environment_alone() {
    let project = Project::empty();
    project.write(
        "pairform.yaml",
        "version: 1\nenvironments: {test: {store: 'sqlite:t.db'}, live: {store: 'sqlite:l.db'}}\n",
    );
    project.write("integrations/a.yaml", GOOD);
    assert_stops(&project, &["plan"], 64);
    project.run(&["plan", "--env", "test", "--out", "plan.json"]).assert_code(0);
    assert_stops(&project, &["apply", "plan.json", "--env", "live"], 4);
    project.run(&["apply", "plan.json"]).assert_code(0);
    assert!(project.at("t.db").exists() && !project.at("l.db").exists());
}

#[test]
fn a_store_that_is_named_by_its_url_is_its_environment_with_all_its_rules() {
    let project = Project::empty();
    project.write(
        "pairform.yaml",
        format!(
            "version: 1
default_environment: test
environments:
  test: {{store: 'sqlite:t.db', vars: {{brand: Test}}}}
  live: {{store: 'sqlite:l.db', vars: {{brand: Live}}, window: {}}}
  twin: {{store: 'postgres://pairform@db.invalid/configure'}}
",
            closed_window()
        ),
    );
    project.write("integrations/a.yaml", GOOD.replace("name: A", "name: '{{ brand }}'"));
    project.run(&["apply", "--yes", "--env", "live"]).assert_code(5);
    symlink(project.path(), project.at("here")).unwrap();
    let full = format!("sqlite:{}", project.at("l.db").display());
    for store in ["sqlite:l.db", "sqlite:./l.db", "sqlite:here/l.db", &full] {
        let refused = project.run(&["apply", "--yes", "--store", store]);
        assert!(refused.assert_code(5).stderr.contains("window"), "{}", refused.stderr);
        let plan = project.run(&["plan", "--store", store, "-o", "json"]).json();
        assert_eq!(plan["environment"], "live", "{plan:#}");
        assert!(plan.to_string().contains("\"after\":\"Live\""), "{plan:#}");
        assert_stops(&project, &["apply", "--yes", "--env", "test", "--store", store], 64);
    }
    let twin = "postgresql://somebody@db.invalid:5432/configure?connect_timeout=1";
    assert_stops(&project, &["plan", "--env", "test", "--store", twin], 64);

    // A plan that knew no store is for that of its environment, while nothing is in it.
    project.run(&["plan", "--env", "test", "--out", "plan.json"]).assert_code(0);
    assert_stops(&project, &["apply", "plan.json", "--store", "sqlite:other.db"], 4);
    project.run(&["apply", "--yes", "--store", "sqlite:t.db"]).assert_code(0);
    project.write("integrations/b.yaml", GOOD.replace("integration: a", "integration: b"));
    std::fs::remove_file(project.at("t.db")).unwrap();
    project.run(&["apply", "--yes", "--env", "test", "--integration", "b"]).assert_code(0);
    let refused = project.run(&["apply", "plan.json"]);
    assert!(refused.assert_code(4).stderr.contains("before there was a store"), "{}", refused.stderr);
    assert!(!project.at("l.db").exists() && !project.at("other.db").exists());
}

#[test]
fn a_store_that_cannot_be_used_is_7() {
    let project = Project::empty();
    project.write("integrations/a.yaml", GOOD);
    project.write("store.db", "this is no database, and long enough to be looked at as one".repeat(100));
    std::fs::create_dir(project.at("folder.db")).unwrap();
    for store in ["sqlite:store.db", "sqlite:folder.db", "sqlite:store.db/inside.db"] {
        assert_stops(&project, &["plan", "--store", store], 7);
        assert_stops(&project, &["apply", "--yes", "--store", store], 7);
    }
    // A store that is not there yet is made when there is something to put into it.
    project.run(&["plan", "--store", "sqlite:new/deep/state.db"]).assert_code(0);
    assert!(!project.at("new").exists());
    project.run(&["apply", "--yes", "--store", "sqlite:new/deep/state.db"]).assert_code(0);
    assert!(project.at("new/deep/state.db").exists());
    let run = project.run(&["plan", "--store", "postgres://me:CANARY-pw@nowhere.invalid/db"]);
    assert!(run.code != 0 && !run.all().contains("CANARY-pw"), "{}", run.all());
}

#[test]
fn nobody_to_ask_is_a_refusal() {
    let project = Project::empty();
    project.write("integrations/a.yaml", GOOD);
    assert_stops_after_plan(&project.run(&["apply", "--no-input"]));
    assert_stops_after_plan(&project.run_asked(&["apply"], "yes\n"));
    assert_stops_after_plan(&project.run_with(&["apply"], &[("PAIRFORM_NO_INPUT", "1")]));
    let run = project.run(&["apply", "--no-input", "-o", "json"]);
    run.assert_code(64);
    assert_eq!(run.json()["exit_code"], 64);
    assert!(!project.at(".pairform").exists());
    // What lifts a safety has no variable.
    project.run_with(&["apply"], &[("PAIRFORM_YES", "1")]).assert_code(64);
    project.run(&["apply", "--no-input", "--yes"]).assert_code(0);
    project.run(&["apply", "--no-input"]).assert_code(0);
}

fn assert_stops_after_plan(run: &Run) {
    run.assert_code(64);
    assert!(run.stderr.contains("--yes"), "{}", run.stderr);
}

#[test]
fn a_result_that_does_not_get_out_is_no_success() {
    let project = Project::empty();
    project.write("integrations/a.yaml", GOOD);
    if !may_trace() {
        return;
    }
    let report = project.at("report.txt");
    let full = ["-o", "/dev/null", "-P", report.to_str().unwrap(), "-e", "inject=write:error=ENOSPC"];
    for arguments in [&["validate"][..], &["plan"], &["validate", "-o", "json"], &["version"]] {
        let out = std::fs::File::create(&report).unwrap();
        let output = under_strace(&project.command(arguments), &full).stdout(out).output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(70), "{arguments:?}: {said}");
        assert!(said.contains("the result could not be written: No space left"), "{arguments:?}: {said}");
    }
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let project = Project::empty();
    project.write("integrations/a.yaml", GOOD.replace("pair:", "pairs:"));
    let mut lines = String::new();
    for number in 0..3000 {
        lines.push_str(&format!("key_{number}: 1\n"));
    }
    project
        .write("integrations/b.yaml", format!("{}{lines}", GOOD.replace("integration: a", "integration: b")));
    for arguments in [
        &["validate"][..],
        &["validate", "-o", "json"],
        &["schema", "show", "fortnox-shopify", "--json"],
        &["--help"],
    ] {
        let mut child =
            project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        drop(child.stdout.take());
        let output = child.wait_with_output().unwrap();
        let stderr = String::from_utf8_lossy(&output.stderr);
        assert!(!stderr.contains("panic") && !stderr.contains("Broken pipe"), "{arguments:?}: {stderr}");
        assert!(output.status.code().is_some_and(|code| code < 64), "{arguments:?}: {:?}", output.status);
    }
}

#[test]
fn colours_follow_flag_and_environment() {
    let project = Project::empty();
    project.write("integrations/a.yaml", GOOD.replace("pair:", "pairs:"));
    let coloured = |arguments: &[&str], environment: &[(&str, &str)]| {
        project.run_with(&[&["validate"], arguments].concat(), environment).stdout.contains('\u{1b}')
    };
    assert!(!coloured(&[], &[]), "a pipe is no terminal");
    assert!(coloured(&["--color", "always"], &[]));
    assert!(coloured(&["--color", "always"], &[("NO_COLOR", "1")]), "a flag is nearer than the environment");
    assert!(coloured(&[], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&["--color", "never"], &[("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("NO_COLOR", "1"), ("CLICOLOR_FORCE", "1")]));
    assert!(!coloured(&[], &[("TERM", "dumb")]));
    assert!(coloured(&[], &[("PAIRFORM_COLOR", "always")]));
    assert!(!coloured(&["-o", "json", "--color", "always"], &[]), "JSON has no colours");
}

/// References that lead to the same place several times, step after step, are few words, and twice the work with each.
#[test]
fn a_schema_that_asks_twice_as_often_with_each_step_is_one_finding() {
    let steps = |key: &str, number: usize| {
        let mut all = serde_json::Map::new();
        for at in 0..number {
            let next = serde_json::json!({"$ref": format!("#/$defs/{}", at + 1)});
            let step = match key {
                "if" => serde_json::json!({"if": next, "then": next, "else": next}),
                "unevaluatedProperties" => serde_json::json!({"allOf": [next, next], key: false}),
                _ => serde_json::json!({key: [next, next]}),
            };
            all.insert(at.to_string(), step);
        }
        all.insert(number.to_string(), serde_json::json!({"type": "string"}));
        serde_json::json!({"$ref": "#/$defs/0", "$defs": all}).to_string()
    };
    let project = Project::empty();
    project.write("any.json", "{\"a\": {\"a\": 1}}");
    let judge = || project.run(&["validate", "--schema", "schema.json", "any.json", "-o", "json"]);
    for key in ["allOf", "anyOf", "oneOf", "if", "unevaluatedProperties"] {
        project.write("schema.json", steps(key, 60));
        let run = judge();
        assert!(run.assert_code(1).took < SOON, "{key}: {:?}", run.took);
        assert!(codes(&run).len() == 1 && run.stdout.contains("in more than"), "{key}: {}", run.stdout);
        // As many steps, each once, are no more than they are.
        project.write("schema.json", steps(key, 3));
        let run = judge();
        assert!(!run.assert_code(1).stdout.contains("in more than"), "{key}: {}", run.stdout);
    }
    let mut nested = serde_json::json!({"type": "object"});
    for _ in 0..60 {
        nested = serde_json::json!({"allOf": [nested], "unevaluatedProperties": true});
    }
    project.write("schema.json", nested.to_string());
    assert!(judge().assert_code(0).took < SOON);
}
