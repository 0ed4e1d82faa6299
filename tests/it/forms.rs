//! The output forms: each is read back by a reader of its own kind, with hostile text in every position.

use serde_json::{Value as Json, json};

use crate::revisions::{Repository, pairform, project, shop};
use crate::tools::{Tool, program, required};
use pairform::diagnostic::placed::PlacedFinding;
use pairform::diagnostic::text::is_harmful;
use pairform::plan::policy::{Direction, PolicyChange};
use pairform::plan::{
    Action, CategoryPlan, Change, ChangeKind, Integration, Integrations, Mode, Origin, Plan, Readiness,
    Refusal, Released, Scope,
};
use pairform::report::content::Content;
use pairform::report::groups::Groups;
use pairform::report::{github, gitlab, html, json as machine, junit, markdown, sarif};
use pairform::schema::parts::Catalogue;

const HOSTILE: &str = "a|b`c`<script>alert(1)</script><img src=x onerror=alert(2)>@team %0A::error::x\n::warning::y\r\n]]>\u{202e}\u{0}\"'&{{7*7}}--></details>#1 https://x.y";

fn change(text: &str, kind: ChangeKind, origin: Origin) -> Change {
    Change {
        formerly: Vec::new(),
        setting: text.to_owned(),
        kind,
        before: text.into(),
        after: text.into(),
        before_label: Some(text.to_owned()),
        after_label: Some(text.to_owned()),
        origin,
        last_applied: None,
        last_applied_label: None,
        effect: "next-sync".to_owned(),
        path: Some(text.to_owned()),
        line: Some(3),
        touched: Some(pairform::plan::Touched { commit: Some(text.to_owned()), author: text.to_owned() }),
        since: None,
        by: None,
        unmanaged: false,
    }
}

pub fn plan(text: &str, integrations: usize) -> Plan {
    let integrations: Vec<Integration> = (0..integrations)
        .map(|number| Integration {
            integration: format!("{number}{text}"),
            renamed_from: None,
            pair: "fortnox-shopify".into(),
            recorded_pair: None,
            unmanaged: Vec::new(),
            title: text.into(),
            mode: if number % 2 == 0 { Mode::Live } else { Mode::Onboarding },
            deployed_mode: None,
            live_depends_on: Default::default(),
            readiness: Readiness { required: 2, set: 1 },
            link: Some(format!("https://example.com/{text}")),
            categories: vec![CategoryPlan {
                category: text.into(),
                title: text.into(),
                action: Action::Update,
                revision: Some(7),
                deleted: None,
                deployed: None,
                changes: vec![
                    change(text, ChangeKind::Change, Origin::Git),
                    change(text, ChangeKind::Reset, Origin::Git),
                    change(text, ChangeKind::Add, Origin::Both),
                ],
                blocked: vec![text.to_owned()],
                next_sync: Some(text.to_owned()),
                save: None,
                agreed: None,
                held: None,
                owners: vec![text.to_owned()],
            }],
            effects: Some(pairform::plan::Effects { through: vec![text.to_owned()], ..Default::default() }),
        })
        .collect();
    let integrations: Integrations = integrations.into_iter().collect();
    let summary = integrations.tally().summary.clone();
    Plan {
        format_version: pairform::plan::FORMAT_VERSION.to_owned(),
        command: "plan".to_owned(),
        plan_version: 2,
        digest: String::new(),
        signature: None,
        made_with: None,
        commit: None,
        environment: Some(text.to_owned()),
        store: None,
        planned_store: None,
        scope: Scope { changed_since: Some(text.to_owned()), ..Scope::default() },
        integrations,
        released: vec![Released {
            integration: text.to_owned(),
            category: text.to_owned(),
            revision: Some(1),
            live: true,
            whole: true,
        }],
        refusals: vec![Refusal::new(text, text)],
        revert: None,
        way_back: None,
        unknown_secrets: Vec::new(),
        assumed_secrets: false,
        findings: vec![finding(text, "error"), finding(text, "warning"), finding(text, "error")],
        notes: vec![text.to_owned()],
        summary,
        comparison: None,
        policy_changes: Some(policy(text)),
    }
}

fn policy(text: &str) -> Vec<PolicyChange> {
    let directions = [Direction::Other, Direction::Weaker, Direction::Stricter];
    let change = |direction| {
        let (before, after) = (Some(text.to_owned()), Some(text.to_owned()));
        PolicyChange {
            integrations: vec![text.to_owned()],
            path: Some(text.to_owned()),
            line: Some(3),
            owners: vec![text.to_owned()],
            ..PolicyChange::new(text, direction, before, after)
        }
    };
    let said = PolicyChange { path: None, ..PolicyChange::said(text, text) };
    directions.map(change).into_iter().chain([said]).collect()
}

pub fn finding(text: &str, severity: &str) -> PlacedFinding {
    let json = json!({"code": "E0312", "name": "required-setting-unset", "severity": severity, "message": text, "path": text,
        "line": 1, "column": 1, "end_line": 1, "end_column": 4, "integration": text, "category": text, "setting": text,
        "notes": [text], "help": text,
        "fix": {"message": text, "safe": true, "edits": [{"path": text, "line": 1, "column": 1, "end_line": 1, "end_column": 2, "replacement": text}]}});
    serde_json::from_value(json).unwrap()
}

pub fn with<T>(plan: &Plan, then: impl FnOnce(&Content<'_>) -> T) -> T {
    let catalogue = Catalogue::default();
    then(&Content { integrations: plan.integrations.len(), ..Content::of_plan("plan", plan, &catalogue) })
}

#[test]
fn a_plan_is_printed_piece_by_piece_as_it_is_in_one() {
    for (text, integrations) in [
        ("plain", 0),
        ("plain", 1),
        (HOSTILE, 1030),
        ("\n  \"integrations\": []", 3),
        ("\\n  \"integrations\": [],", 2),
    ] {
        let mut plan = plan(text, integrations);
        let catalogue = Catalogue::default();
        let groups = Groups::of(&plan.integrations, &catalogue).to_json();
        let whole = machine::plan(&plan, "diff", 2);
        let mut pieces = String::new();
        machine::print_plan(&mut plan, "diff", &catalogue, 2, &mut |piece| pieces.push_str(piece));
        let mut read: Json = serde_json::from_str(&pieces).unwrap();
        assert_eq!(read.as_object_mut().unwrap().shift_remove("groups"), Some(groups));
        assert!(
            read == whole && pieces == machine::print(&serde_json::from_str(&pieces).unwrap()),
            "{text} {integrations}"
        );
        assert_eq!(plan.integrations.len(), integrations);
    }
}

/// Every form's grammar holds whatever the text.
fn check(text: &str) {
    let plan = plan(text, 2);
    with(&plan, |content| {
        for line in github::render(content).lines() {
            assert!(
                ["::error ", "::warning ", "::notice "].iter().any(|command| line.starts_with(command)),
                "{line:?}"
            );
            assert!(!line.contains('\r') && !line[2..].contains("\n"));
        }
        let issues: Json = serde_json::from_str(&gitlab::render(content)).unwrap();
        let prints: Vec<&str> =
            issues.as_array().unwrap().iter().map(|one| one["fingerprint"].as_str().unwrap()).collect();
        let unique: std::collections::BTreeSet<&&str> = prints.iter().collect();
        assert_eq!(unique.len(), prints.len());
        let log: Json = serde_json::from_str(&sarif::render(content, &|_| None)).unwrap();
        for result in log["runs"][0]["results"].as_array().unwrap() {
            let uri = result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"].as_str().unwrap();
            assert!(
                uri.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~/%".contains(&byte)),
                "{uri}"
            );
        }
        let xml = junit::render(content);
        assert_read_as_xml(&xml);
        assert!(!xml.contains(|c: char| c.is_control() && !matches!(c, '\n' | '\t')), "{xml:?}");
        check_markdown(&markdown::render(content, None).unwrap());
        let page = html::render(content, None).unwrap();
        assert_eq!(page.matches("<script>").count(), 1);
        assert!(!page.contains("<img"));
        let mut lines = String::new();
        pairform::report::plan::text(content, "", &mut |text| lines.push_str(text));
        for line in anstream::adapter::strip_str(&lines).to_string().lines() {
            let line = line.trim_start();
            assert!(!line.starts_with("::") && !line.starts_with("##["), "{line:?}");
        }
        // Those are ours, which part what a forge would take for a mention or a link.
        let comment = markdown::render(content, None).unwrap().replace('\u{200b}', "");
        let (issues, log) = (gitlab::render(content), sarif::render(content, &|_| None));
        let plain = anstream::adapter::strip_str(&lines).to_string();
        for (form, out) in [
            ("github", &github::render(content)),
            ("gitlab", &issues),
            ("sarif", &log),
            ("junit", &xml),
            ("markdown", &comment),
            ("html", &page),
            ("text", &plain),
        ] {
            let raw = out.chars().find(|c| *c != '\t' && is_harmful(*c));
            assert!(raw.is_none(), "{form} has {raw:?} of {text:?}");
        }
    });
}

/// Only our own tags and marks are left: none of a value's.
fn check_markdown(comment: &str) {
    for line in comment.lines() {
        if line.starts_with("| ") {
            assert!([4, 5, 6].contains(&line.matches('|').count()), "{line}");
        }
    }
    let mut bare = comment.to_owned();
    for ours in [
        "<code>",
        "</code>",
        "<details>",
        "</details>",
        "<summary>",
        "</summary>",
        "<b>",
        "</b>",
        "<sub>",
        "</sub>",
        "<br>",
        "</a>",
    ] {
        bare = bare.replace(ours, "");
    }
    for (at, _) in bare.match_indices('<') {
        let rest = &bare[at..];
        assert!(rest.starts_with("<!-- pairform:") || rest.starts_with("<a href=\"https&#58;"), "{rest:.80}");
    }
    assert!(!bare.contains('@'), "{bare}");
}

#[test]
fn hostile_text_breaks_no_form() {
    check(HOSTILE);
    check("");
    check("plain");
    check("a\u{2028}b\u{2029}c\u{200b}d\u{2060}e\u{feff}f\u{e0041}g\u{fffe}h\u{1ffff}i\u{ad}j");
    check("x\n::stop-commands::tok\n  ##[error]no");
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig::with_cases(64))]
    #[test]
    fn no_text_breaks_a_form(text in "\\PC{0,20}|[|<>`@%:\\r\\n\\[\\](){}&;#\"' a]{0,30}") {
        check(&text);
    }
}

#[test]
fn a_comment_of_a_thousand_integrations_fits_and_says_what_it_left_out() {
    let plan = plan("some text that is long enough to matter", 1000);
    let comment = with(&plan, |content| markdown::render(content, None).unwrap());
    assert!(comment.len() <= markdown::LONGEST, "{}", comment.len());
    assert!(comment.len() > markdown::LONGEST / 2, "{}", comment.len());
    assert!(comment.contains("Left out to fit a comment"), "{}", &comment[comment.len() - 600..]);
    assert!(comment.contains("**error**"));
    check_markdown(&comment);
}

#[test]
fn github_shows_nine_and_tells_the_rest_in_the_tenth() {
    let mut plan = plan("x", 1);
    plan.findings = (0..40).map(|number| finding(&format!("f{number}"), "error")).collect();
    plan.refusals.clear();
    let text = with(&plan, github::render);
    let errors: Vec<&str> = text.lines().filter(|line| line.starts_with("::error")).collect();
    assert_eq!(errors.len(), 10);
    // A step shows ten, so the last tells all that would be lost.
    assert!(errors[9].starts_with("::error::31 more errors%0A"), "{}", errors[9]);
    for number in 9..40 {
        assert!(errors[9].contains(&format!(" f{number}")), "f{number}: {}", errors[9]);
    }
    plan.findings =
        (0..4000).map(|number| finding(&format!("{number} {}", "x".repeat(40)), "error")).collect();
    let text = with(&plan, github::render);
    let last = text.lines().rfind(|line| line.starts_with("::error")).unwrap();
    assert!(
        last.len() < 65_536 && last.contains("that have no room here"),
        "{} {}",
        last.len(),
        &last[last.len() - 200..]
    );
}

#[test]
fn every_command_gives_its_forms_and_refuses_the_others_by_name() {
    let repository = project();
    let sound = shop("nordic", false, "14");
    for (text, code) in [(&sound, 0), (&sound.replace("map: {", "mop: {"), 1)] {
        repository.write("integrations/nordic.yaml", text);
        for form in ["markdown", "html", "sarif", "junit", "github", "gitlab"] {
            let store = format!("{form}-{code}.db");
            for command in [
                &["validate"][..],
                &["plan"],
                &["diff", "--base", "HEAD"],
                &["apply", "--yes", "--store", &format!("sqlite:{store}")],
            ] {
                let output = repository.run(&[command, &["-o", form]].concat());
                assert_eq!(output.status.code(), Some(code), "{command:?} {form} {output:?}");
                let said = String::from_utf8(output.stdout).unwrap();
                if command[0] == "apply" && code == 1 {
                    let why = String::from_utf8(output.stderr).unwrap();
                    assert!(why.contains("the configuration has errors, so nothing was applied"), "{why}");
                }
                assert_form(form, command[0], &said);
                assert_eq!(said.contains("mop"), code == 1, "{command:?} {form} {said}");
            }
            assert_eq!(repository.path().join(store).exists(), code == 0);
        }
    }
    for form in ["markdown", "html", "sarif", "junit", "github", "gitlab"] {
        let output = repository.run(&["schema", "list", "-o", form]);
        assert_eq!(output.status.code(), Some(64));
        assert!(String::from_utf8_lossy(&output.stderr).contains("its forms are: text, json"));
    }
}

/// A project in which a command stops: the files that are written over [`project`]'s, what is run before, the command that stops,
/// its exit code, and what is told: the reason, a finding and a refusal.
struct Halt {
    files: &'static [(&'static str, &'static str)],
    before: &'static [&'static [&'static str]],
    command: &'static [&'static str],
    code: i32,
    told: &'static [&'static str],
}

const HALTS: &[Halt] = &[
    Halt {
        files: &[("pairform.yaml", "version: 1\nlevls: {}\n")],
        before: &[],
        command: &["plan"],
        code: 1,
        told: &["it is not known which store is meant", "levls", "E0301"],
    },
    Halt {
        files: &[("pairform.yaml", "version: 1\nlevls: {}\n")],
        before: &[],
        command: &["drift"],
        code: 1,
        told: &["it is not known which store is meant", "levls"],
    },
    Halt {
        files: &[("pairform.yaml", "version: 1\nenvironments: {test: {store: sqlite:t.db}}\n")],
        before: &[],
        command: &["plan", "--env", "nope"],
        code: 64,
        told: &["there is no environment", "nope"],
    },
    Halt {
        files: &[("integrations/solo.yaml", "integration: solo\npair: fortnox-shopify\nsettngs: {}\n")],
        before: &[],
        command: &["apply", "--yes"],
        code: 1,
        told: &["the configuration has errors, so nothing was applied", "settngs", "E03"],
    },
    Halt {
        files: &[("integrations/solo.yaml", "integration: solo\npair: fortnox-shopify\nsettngs: {}\n")],
        before: &[&["plan", "--out", "plan.json"]],
        command: &["apply", "plan.json"],
        code: 1,
        told: &["the plan has errors and cannot be applied", "settngs"],
    },
    Halt {
        files: &[(
            "pairform.yaml",
            "version: 1\nsafety: {holds: {nordic: audited, solo: her bookkeeper is away}}\n",
        )],
        before: &[],
        command: &["apply", "--yes"],
        code: 5,
        told: &["on hold", "her bookkeeper is away"],
    },
    Halt {
        files: &[],
        before: &[&["plan", "--out", "plan.json"], &["apply", "plan.json"]],
        command: &["apply", "plan.json"],
        code: 4,
        told: &["this plan was applied"],
    },
    Halt { files: &[], before: &[], command: &["apply"], code: 64, told: &["there is nobody to ask"] },
    Halt { files: &[], before: &[], command: &["validate", "nowhere"], code: 64, told: &["nowhere"] },
    Halt { files: &[], before: &[], command: &["show", "nowhere"], code: 64, told: &["nowhere"] },
    Halt { files: &[], before: &[], command: &["diff", "--base", "nowhere"], code: 64, told: &["nowhere"] },
    Halt { files: &[], before: &[], command: &["plan", "--nowhere"], code: 64, told: &["nowhere"] },
    Halt { files: &[], before: &[], command: &["plan", "-C", "nowhere"], code: 64, told: &["nowhere"] },
];

#[test]
fn a_command_that_stops_says_why_in_the_form_that_was_asked_for() {
    for halt in HALTS {
        let repository = project();
        for (path, text) in halt.files {
            repository.write(path, text);
        }
        for command in halt.before {
            repository.run(command);
        }
        for form in ["text", "json", "markdown", "html", "sarif", "junit", "github", "gitlab"] {
            let output = repository.run(&[halt.command, &["-o", form]].concat());
            let about = format!("{:?} -o {form}: {output:?}", halt.command);
            assert_eq!(output.status.code(), Some(halt.code), "{about}");
            let (said, beside) =
                (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
            assert!(beside.contains(halt.told[0]), "{about}");
            match form {
                "text" => {
                    let all = format!("{said}{beside}");
                    assert!(halt.told.iter().all(|told| all.contains(told)), "{about}");
                    continue;
                }
                "json" => {
                    let json: Json = serde_json::from_str(&said).unwrap();
                    crate::outputs::assert_fits("error", &json);
                    assert_eq!(
                        (&json["command"], &json["exit_code"]),
                        (&json!(halt.command[0]), &json!(halt.code))
                    );
                    assert_eq!(json["refusals"].as_array().unwrap().is_empty(), halt.code != 5, "{about}");
                }
                form => assert_of_form(form, halt.command[0], &said),
            }
            assert!(halt.told.iter().all(|told| said.contains(told)), "{about}");
        }
        // A form that a command does not give stays empty.
        let output = repository.run(&["list", "-o", "junit"]);
        assert!(output.status.code() == Some(64) && output.stdout.is_empty(), "{output:?}");
    }
}

/// The result of a command on `nordic` is whole, of its form, and not empty.
fn assert_form(form: &str, command: &str, said: &str) {
    assert_of_form(form, command, said);
    // A step shows ten, which are of the first one.
    let named = if form == "github" && command != "diff" { "fjord" } else { "nordic" };
    assert!(said.contains(named) || said.contains(" integrations"), "{said}");
}

fn assert_of_form(form: &str, command: &str, said: &str) {
    let list = |list: &Json| list.as_array().unwrap().len();
    match form {
        "markdown" => assert!(said.starts_with(&format!("<!-- pairform:{command} -->\n### ")), "{said}"),
        "html" => {
            assert!(said.starts_with("<!doctype html>\n") && said.trim_end().ends_with("</html>"), "{said}");
            assert!(
                said.contains(&format!("<span>{command}</span>")) && said.contains(" – pairform</title>"),
                "{said}"
            );
        }
        "sarif" => {
            let log: Json = serde_json::from_str(said).unwrap();
            assert_eq!(log["version"], "2.1.0");
            assert_ne!(list(&log["runs"][0]["results"]), 0, "{said}");
        }
        "junit" => {
            let named = format!(
                "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"pairform {command}\" "
            );
            assert!(said.starts_with(&named), "{said}");
            assert_read_as_xml(said);
            assert!(said.contains("<testcase "), "{said}");
        }
        "github" => {
            let commands =
                ["error", "warning", "notice"].map(|kind| [format!("::{kind} file="), format!("::{kind}::")]);
            assert!(!said.is_empty());
            for line in said.lines() {
                assert!(commands.iter().flatten().any(|command| line.starts_with(command)), "{line}");
            }
        }
        "gitlab" => {
            let issues: Json = serde_json::from_str(said).unwrap();
            assert_ne!(list(&issues), 0);
            for issue in issues.as_array().unwrap() {
                assert!(issue["location"]["path"].is_string() && issue["fingerprint"].is_string(), "{issue}");
            }
        }
        other => panic!("{other}"),
    }
}

fn assert_read_as_xml(text: &str) {
    let mut reader = quick_xml::Reader::from_str(text);
    loop {
        match reader.read_event() {
            Ok(quick_xml::events::Event::Eof) => break,
            Ok(_) => {}
            Err(error) => panic!("{error}: {text}"),
        }
    }
}

/// A forge shows annotations by the path from the repository's root.
#[test]
fn paths_begin_at_the_root_of_the_repository_where_a_forge_reads_them() {
    let repository = Repository::new();
    repository.write("shops/fortnox/pairform.yaml", "version: 1\n");
    repository.write("shops/fortnox/integrations/nordic.yaml", "integration: nordic\npair: fortnox-shopfy\n");
    let folder = repository.path().join("shops/fortnox");
    for (form, expected) in [
        ("github", "file=shops/fortnox/integrations/nordic.yaml,"),
        ("gitlab", "\"path\": \"shops/fortnox/integrations/nordic.yaml\""),
        ("sarif", "\"uri\":\"shops/fortnox/integrations/nordic.yaml\""),
        ("json", "\"path\": \"integrations/nordic.yaml\""),
    ] {
        let output = pairform(&folder, &["validate", "-o", form]);
        let said = String::from_utf8_lossy(&output.stdout);
        assert!(said.contains(expected), "{form}: {said}");
    }
}

/// Text of Markdown with the marks that are escaped in it.
fn unescaped(comment: &str) -> String {
    let mut parts = comment.split("&#");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| {
        let (number, rest) = part.split_once(';').unwrap();
        said + &char::from_u32(number.parse().unwrap()).unwrap().to_string() + rest
    })
}

/// A place leads to its line on the forge that the repository was cloned from, as it is in the commit; never with what a pipeline
/// has in the address, and not where the tree is another one.
#[test]
fn a_place_leads_to_its_line_on_a_forge() {
    let repository = project();
    repository.git(&["remote", "add", "origin", "https://x:s3cretT0ken@gitlab.com/team/shops.git"]);
    repository.write(
        "integrations/nordic.yaml",
        &shop("nordic", false, "14").replace("map: {", "mop: {}\n    map: {"),
    );
    let commit = repository.commit("Shorter terms, and a mistake");
    let at = format!("https://gitlab.com/team/shops/-/blob/{commit}/integrations/nordic.yaml#L");
    for form in ["markdown", "html"] {
        for (command, lines) in [
            (&["diff", "--base", "HEAD~1"][..], &["8", "9"][..]),
            (&["diff", "--base", "HEAD~1", "--head", "HEAD"], &["8", "9"]),
            (&["diff", "--base", "HEAD~1", "--by", "integration"], &["8"]),
            (&["validate"], &["8"]),
            (&["plan"], &["8"]),
            (&["plan", "--rev", "HEAD"], &["8"]),
        ] {
            let said = String::from_utf8(repository.run(&[command, &["-o", form]].concat()).stdout).unwrap();
            let said = if form == "markdown" { unescaped(&said) } else { said.replace("&#x2f;", "/") };
            for line in lines {
                assert!(
                    said.contains(&format!("<a href=\"{at}{line}\"")),
                    "{command:?} {form} {line}: {said}"
                );
            }
            assert!(!said.contains("s3cret"), "{said}");
        }
        repository.write("integrations/other.yaml", &shop("other", false, "14"));
        for command in [&["diff", "--base", "HEAD~1"][..], &["validate"], &["plan"]] {
            let said = String::from_utf8(repository.run(&[command, &["-o", form]].concat()).stdout).unwrap();
            assert!(!said.contains("gitlab"), "{command:?} {form}: {said}");
        }
        std::fs::remove_file(repository.path().join("integrations/other.yaml")).unwrap();
    }
    repository.git(&["remote", "set-url", "origin", "git@git.example.com:team/shops.git"]);
    let said = repository.run(&["diff", "--base", "HEAD~1", "-o", "html"]);
    assert!(!String::from_utf8_lossy(&said.stdout).contains("git.example.com"), "{said:?}");
}

#[test]
fn a_project_s_template_replaces_ours_and_its_faults_have_a_line() {
    let repository: Repository = project();
    repository.write("templates/comment.md", "own {{ verdict }}\n");
    repository.commit("Our own words");
    let said =
        String::from_utf8(repository.run(&["diff", "--base", "HEAD", "-o", "markdown"]).stdout).unwrap();
    assert!(said.starts_with("own "), "{said}");
    repository.write("templates/comment.md", "own\n{{ verdict | nothing }}\n");
    repository.commit("A mistake");
    let output = pairform(repository.path(), &["validate", "-o", "markdown"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("line 2"));
    std::fs::write(repository.path().join("templates/comment.md"), b"own \xff\n").unwrap();
    let output = pairform(repository.path(), &["validate", "-o", "markdown"]);
    assert_eq!(output.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&output.stderr).contains("comment.md fails: it is not UTF-8"));
}

/// The document after its scripts ran in a headless browser as wide as a phone; `None` where there is no browser.
#[track_caller]
fn opened(page: &str) -> Option<String> {
    let named = std::env::var_os("PAIRFORM_CHROMIUM").map(std::path::PathBuf::from);
    let found = named.or_else(|| program(&["chromium", "chromium-browser", "google-chrome"], &[]));
    let browser = required(Tool::Browser, found)?;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("page.html");
    std::fs::write(&file, page).unwrap();
    let output = std::process::Command::new(browser)
        .args(["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"])
        .args(["--window-size=500,800", "--dump-dom"])
        .arg(format!("--user-data-dir={}", folder.path().join("profile").display()))
        .arg(format!("file://{}", file.display()))
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    Some(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[test]
fn a_browser_opens_the_page_and_runs_no_script_of_a_value() {
    let plan = plan(HOSTILE, 3);
    let page = with(&plan, |content| html::render(content, None).unwrap());
    let Some(dom) = opened(&page.replace("<title>", "<title>probe ")) else { return };
    // Our own script ran: it counts what it shows.
    assert!(!dom.contains("class=\"scripted\" hidden"), "{dom}");
    assert_eq!(dom.matches("<script").count(), 1);
    assert!(!dom.contains("<img"));
}

/// What a reader does, done by a script that the page is made to allow for once: filters, searches and folds.
const READER: &str = r#"
const rows = () => [...document.querySelectorAll(".group, .finding")].filter((row) => row.offsetParent);
const set = (id, value) => { const e = document.getElementById(id); e.value = value; e.dispatchEvent(new Event("input")); };
const page = document.documentElement;
const open = () => [...document.querySelectorAll("details.group")].filter((group) => group.open).length;
const seen = { all: rows().length, wide: page.scrollWidth - page.clientWidth, open: open() };
set("search", "no such words anywhere");
seen.none = document.getElementById("status").textContent;
const name = document.querySelector(".group .names li, .group tbody th").textContent.trim();
set("search", name);
seen.found = rows().length;
seen.opened = [...document.querySelectorAll("details.group")].some((group) => group.open && !group.hidden && group.textContent.includes(name));
set("search", "");
seen.again = [rows().length, open()];
const box = document.getElementById("k-change");
box.click();
seen.without = rows().filter((row) => row.dataset.kind === "change").length;
box.click();
const named = (e) => e.labels.length || e.textContent.trim();
seen.unnamed = [...document.querySelectorAll("input, select, button")].filter((e) => !named(e)).length;
document.body.dataset.seen = JSON.stringify(seen);
"#;

#[test]
fn a_reader_can_filter_search_and_fold_the_page_on_a_phone() {
    let plan =
        plan("a value that is long enough to need more than the whole width of a phone, and then some", 3);
    let page = with(&plan, |content| html::render(content, None).unwrap());
    let (before, policy) = page.split_once("<meta http-equiv=\"Content-Security-Policy\"").unwrap();
    let page = format!("{before}{}", policy.split_once('\n').unwrap().1);
    let page = page.replace("</body>", &format!("<script>{READER}</script></body>"));
    let Some(dom) = opened(&page) else { return };
    let (_, seen) = dom.split_once("data-seen=\"").unwrap_or_else(|| panic!("{dom}"));
    let seen = seen.split('"').next().unwrap().replace("&quot;", "\"");
    let seen: Json = serde_json::from_str(&seen).unwrap();
    assert!(seen["all"].as_u64() > Some(3) && seen["found"].as_u64() > Some(0), "{seen}");
    assert_eq!(seen["none"], format!("0 of {} rows", seen["all"]), "{seen}");
    assert_eq!(
        (&seen["again"], &seen["opened"]),
        (&json!([seen["all"], seen["open"]]), &json!(true)),
        "{seen}"
    );
    assert_eq!(
        (&seen["without"], &seen["unnamed"], &seen["wide"]),
        (&json!(0), &json!(0), &json!(0)),
        "{seen}"
    );
}
