//! The examples, run with the real binary as a newcomer runs them: what they print is golden (`UPDATE=1` blesses), and
//! the group's repository is walked from the first plan to a conflict and back. The README shows parts of the goldens.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value as Json;

use crate::run::lasting;

const OK: i32 = 0;
const ERRORS: i32 = 1;
const PENDING: i32 = 2;
const STALE: i32 = 4;
const REFUSED: i32 = 5;
const USAGE: i32 = 64;

fn repository() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A copy of an example in a folder of its own: no git, no store.
struct Project {
    folder: tempfile::TempDir,
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Project {
    fn copy_of(name: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        copy(&repository().join("examples").join(name), &folder.path().join("project"));
        Project { folder }
    }

    fn path(&self, inside: &str) -> PathBuf {
        self.folder.path().join("project").join(inside)
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let output = Command::new(env!("CARGO_BIN_EXE_pairform"))
            .args(arguments)
            .current_dir(self.path(""))
            .env_clear()
            .env("PATH", std::env::var_os("PATH").unwrap_or_default())
            .env("HOME", self.folder.path())
            .output()
            .unwrap();
        Ran {
            code: output.status.code().unwrap(),
            out: String::from_utf8(output.stdout).unwrap(),
            err: String::from_utf8(output.stderr).unwrap(),
        }
    }

    /// Runs, and proves the exit code.
    #[track_caller]
    fn expect(&self, code: i32, arguments: &[&str]) -> Ran {
        let ran = self.run(arguments);
        assert_eq!(ran.code, code, "{arguments:?}\n{}\n{}", ran.out, ran.err);
        ran
    }

    #[track_caller]
    fn json(&self, code: i32, arguments: &[&str]) -> Json {
        let ran = self.expect(code, &[arguments, &["-o", "json"]].concat());
        let json: Json = serde_json::from_str(&ran.out).unwrap();
        assert_eq!(json["exit_code"], code, "{arguments:?}");
        json
    }

    /// Replaces a text that stands in a file exactly once.
    #[track_caller]
    fn edit(&self, file: &str, from: &str, to: &str) {
        let text = std::fs::read_to_string(self.path(file)).unwrap();
        assert_eq!(text.matches(from).count(), 1, "{from} in {file}");
        std::fs::write(self.path(file), text.replace(from, to)).unwrap();
    }

    /// What a person does with the sqlite3 shell.
    fn by_hand(&self, sql: &str) {
        let shell = rusqlite::Connection::open(self.path(".pairform/state.db")).unwrap();
        assert_eq!(shell.execute(sql, []).unwrap(), 1, "{sql}");
    }

    /// Plans to a file and applies it.
    #[track_caller]
    fn deploy(&self) {
        self.expect(OK, &["plan", "--out", "group.plan"]);
        self.expect(OK, &["apply", "group.plan"]);
        self.expect(OK, &["plan", "--detailed-exitcode"]);
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap().map(Result::unwrap) {
        let target = to.join(entry.file_name());
        if entry.file_name() == ".pairform" {
            continue;
        }
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}

/// Compares with a golden file beside the example.
#[track_caller]
fn golden(example: &str, file: &str, text: &str) {
    let text = lasting(text);
    let path = repository().join("examples").join(example).join(file);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, text).unwrap();
        return;
    }
    let expected = std::fs::read_to_string(&path).unwrap_or_default();
    assert_eq!(expected, text, "{example}/{file} is out of date; UPDATE=1 blesses");
}

/// Every change of a plan, as `integration category setting kind origin`.
fn changes(plan: &Json) -> Vec<String> {
    let list = |json: &Json, key: &str| json[key].as_array().cloned().unwrap_or_default();
    let word = |json: &Json, key: &str| json[key].as_str().unwrap_or_default().to_owned();
    let mut all = Vec::new();
    for integration in list(plan, "integrations") {
        for category in list(&integration, "categories") {
            for change in list(&category, "changes") {
                let words = [
                    word(&integration, "integration"),
                    word(&category, "category"),
                    word(&change, "setting"),
                    word(&change, "kind"),
                    word(&change, "origin"),
                ];
                all.push(words.join(" "));
            }
        }
    }
    all
}

fn saving(plan: &Json) -> usize {
    let count = |key: &str| usize::try_from(plan["summary"]["categories"][key].as_u64().unwrap()).unwrap();
    count("create") + count("update") + count("reset")
}

#[test]
fn one_shop_is_without_a_finding_and_plans() {
    let shop = Project::copy_of("one-shop");
    let validated = shop.expect(OK, &["validate"]);
    assert_eq!(validated.out, "1 integration checked: nothing wrong\n");
    golden("one-shop", "plan.txt", &shop.expect(OK, &["plan", "--color", "never"]).out);
}

#[test]
fn one_shop_is_applied_when_its_credentials_are_at_hand() {
    let shop = Project::copy_of("one-shop");
    let names = [
        "NORDIC_SHOPIFY_TOKEN",
        "NORDIC_SHOPIFY_WEBHOOK_SECRET",
        "NORDIC_FORTNOX_ID",
        "NORDIC_FORTNOX_SECRET",
    ];
    for name in names {
        std::fs::write(shop.path(name), format!("value-of-{name}\n")).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt as _;
            std::fs::set_permissions(shop.path(name), std::fs::Permissions::from_mode(0o600)).unwrap();
        }
        shop.edit("integrations/nordic-outdoor.yaml", &format!("env/{name}}}"), &format!("file/{name}}}"));
    }
    shop.expect(OK, &["apply", "--yes"]);
    shop.expect(OK, &["plan", "--detailed-exitcode"]);
    let store = std::fs::read(shop.path(".pairform/state.db")).unwrap();
    let holds = |text: &str| store.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("file/NORDIC_FORTNOX_SECRET") && !holds("value-of-"), "a store keeps references only");

    std::fs::write(shop.path("NORDIC_SHOPIFY_TOKEN"), "another").unwrap();
    let plan = shop.json(PENDING, &["plan", "--detailed-exitcode"]);
    assert_eq!(
        changes(&plan),
        ["nordic-outdoor connectors shopify.connections.production.access_token change git"]
    );
}

#[test]
fn turning_a_flow_on_makes_what_it_needs_required() {
    let shop = Project::copy_of("one-shop");
    let file = "integrations/nordic-outdoor.yaml";
    let before = shop.json(OK, &["plan"])["integrations"][0]["readiness"]["required"].as_u64().unwrap();
    shop.edit(file, "payouts: false", "payouts: true");
    let validated = shop.json(ERRORS, &["validate"]);
    let missing: BTreeSet<&str> =
        validated["findings"][0]["settings"].as_array().unwrap().iter().filter_map(|s| s.as_str()).collect();
    assert_eq!(validated["summary"]["errors"], 2);
    assert_eq!(missing, BTreeSet::from(["payout.map", "payout.reference_field"]));
    let plan = shop.json(ERRORS, &["plan"]);
    assert_eq!(plan["integrations"][0]["readiness"]["required"], before + 2);
    shop.edit(file, "payouts: true", "payouts: false");
    shop.expect(OK, &["validate"]);

    let group = Project::copy_of("nordic-group");
    let file = "integrations/lilla-hemmet.yaml";
    group.edit(file, "articles: false", "articles: true");
    let validated = group.json(ERRORS, &["validate", "--integration", "lilla-hemmet"]);
    assert_eq!(validated["findings"][0]["setting"], "default_culture");
    group.edit(file, "articles: true", "articles: false");
    group.expect(OK, &["validate"]);
}

#[test]
fn the_group_validates_with_warnings_for_what_is_onboarding_only() {
    let group = Project::copy_of("nordic-group");
    let validated = group.json(OK, &["validate"]);
    assert_eq!(validated["summary"]["integrations"], 10);
    let findings = validated["findings"].as_array().unwrap();
    let about: Vec<&str> = findings.iter().map(|f| f["integration"].as_str().unwrap()).collect();
    assert_eq!(about, ["nordic-outdoor-b2b", "polar-gear-dk"]);
    golden("nordic-group", "plan.txt", &group.expect(OK, &["plan", "--color", "never"]).out);
    assert!(!group.path(".pairform").exists(), "a plan writes nothing");
}

#[test]
fn the_whole_path_is_walked_without_credentials() {
    let group = Project::copy_of("nordic-group");
    group.expect(OK, &["validate"]);
    group.expect(PENDING, &["plan", "--detailed-exitcode"]);
    group.deploy();

    group.expect(STALE, &["apply", "group.plan"]);
    let applied = group.json(OK, &["apply", "--yes"]);
    assert_eq!(applied["summary"]["saved"], 0);

    let file = "integrations/fjord-kitchen/settings/payment_methods.yaml";
    group.edit(file, "Presentkort: {terms: \"0\"}", "Presentkort: {terms: \"10\"}");
    let plan = group.json(PENDING, &["plan", "--detailed-exitcode"]);
    assert_eq!(changes(&plan), ["fjord-kitchen payment_methods methods.Presentkort.terms change git"]);
    assert_eq!(saving(&plan), 1);
    let narrowed = ["plan", "--integration", "fjord-kitchen", "--category", "payment_methods"];
    let change = &group.json(OK, &narrowed)["integrations"][0]["categories"][0]["changes"][0];
    assert_eq!((&change["path"], &change["line"]), (&Json::from(file), &Json::from(4)));

    // A colleague's edit of another category does not make that plan stale; one of the same category does.
    group.expect(OK, &["plan", "--out", "change.plan"]);
    group.by_hand(
        "UPDATE category SET settings = json_set(settings, '$.shared_customer', '9001') \
         WHERE integration = 'skog-outlet' AND category = 'customer'",
    );
    let plan = group.json(OK, &["plan", "--integration", "skog-outlet"]);
    assert_eq!(changes(&plan), ["skog-outlet customer shared_customer change outside"]);
    golden("nordic-group", "changed.txt", &group.expect(OK, &["plan", "--color", "never"]).out);
    group.by_hand(
        "UPDATE category SET settings = json_set(settings, '$.methods.Presentkort.terms', '14') \
         WHERE integration = 'fjord-kitchen' AND category = 'payment_methods'",
    );
    group.expect(STALE, &["apply", "change.plan"]);
    let plan = group.json(OK, &["plan"]);
    assert_eq!(
        changes(&plan),
        [
            "fjord-kitchen payment_methods methods.Presentkort.terms change both",
            "skog-outlet customer shared_customer change outside",
        ]
    );
    assert_eq!(plan["summary"]["settings"]["conflicts"], 1);

    // On a live integration nobody saves over a conflict with a word for all; a plan that was read may.
    group.expect(REFUSED, &["apply", "--yes"]);
    group.expect(OK, &["plan", "--out", "conflict.plan"]);
    let applied = group.json(OK, &["apply", "conflict.plan", "--yes"]);
    assert_eq!(applied["summary"]["saved"], 2);
    group.expect(OK, &["plan", "--detailed-exitcode"]);
}

#[test]
fn another_category_edited_outside_leaves_a_plan_fresh() {
    let group = Project::copy_of("nordic-group");
    group.deploy();
    group.edit("integrations/cykelboden.yaml", "backorder: notify", "backorder: \"no\"");
    group.expect(OK, &["plan", "--out", "stock.plan"]);
    group.by_hand(
        "UPDATE category SET settings = json_set(settings, '$.name', 'Cykelboden AB') \
         WHERE integration = 'cykelboden' AND category = 'general'",
    );
    let applied = group.json(OK, &["apply", "stock.plan"]);
    assert_eq!(applied["summary"]["saved"], 1);
}

#[test]
fn a_setting_that_leaves_the_files_is_reset_and_an_integration_is_released() {
    let group = Project::copy_of("nordic-group");
    group.deploy();
    group.edit("integrations/keramikverkstan.yaml", "    skip_zero_orders: true\n", "");
    std::fs::remove_file(group.path("integrations/cykelboden.yaml")).unwrap();
    let plan = group.json(PENDING, &["plan", "--detailed-exitcode"]);
    assert_eq!(changes(&plan), ["keramikverkstan additional_filters skip_zero_orders reset git"]);
    let released: BTreeSet<&str> = plan["released"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|released| released["integration"].as_str())
        .collect();
    assert_eq!(released, BTreeSet::from(["cykelboden"]));
}

#[test]
fn json_is_the_same_bytes_on_every_run() {
    for example in ["one-shop", "nordic-group", "own-connector", "with-mistakes"] {
        let project = Project::copy_of(example);
        for command in ["validate", "plan"] {
            let runs: BTreeSet<String> = (0..4).map(|_| project.run(&[command, "-o", "json"]).out).collect();
            assert_eq!(runs.len(), 1, "{command} of {example}");
        }
    }
}

#[test]
fn each_mistake_is_one_finding_at_its_place() {
    let project = Project::copy_of("with-mistakes");
    golden("with-mistakes", "findings.txt", &project.expect(ERRORS, &["validate", "--color", "never"]).out);
    let validated = project.json(ERRORS, &["validate"]);
    let findings = validated["findings"].as_array().unwrap();
    let places: BTreeSet<String> =
        findings.iter().map(|finding| format!("{}:{}", finding["path"], finding["line"])).collect();
    assert_eq!(places.len(), findings.len(), "one mistake, one finding: {places:?}");

    // The README of the example lists the same places.
    let readme = std::fs::read_to_string(repository().join("examples/with-mistakes/README.md")).unwrap();
    for finding in findings {
        let path = finding["path"].as_str().unwrap();
        let place = format!("{}:{}", path.strip_prefix("integrations/").unwrap_or(path), finding["line"]);
        let code = finding["code"].as_str().unwrap();
        let listed = readme.lines().any(|line| line.contains(&place) && line.contains(code));
        assert!(listed, "{place} {code} is not in examples/with-mistakes/README.md");
    }
}

#[test]
fn a_literal_credential_is_shown_nowhere() {
    let project = Project::copy_of("with-mistakes");
    let file = "integrations/nordic-outdoor.yaml";
    let literal = "not-a-real-token-1f2e3d4c";
    let written = format!("access_token: {literal}");
    let misspelt = format!("acces_token: {literal}");
    let as_reference = format!("access_token: {{secret: {literal}}}");
    let mut from = written.clone();
    for to in [written, misspelt, as_reference] {
        project.edit(file, &from, &to);
        from.clone_from(&to);
        for arguments in [
            &["validate"][..],
            &["validate", "-o", "json"],
            &["plan", "--out", "saved.plan"],
            &["plan", "-o", "json"],
            &["apply", "--yes"],
            &["show", "nordic-outdoor"],
            &["show", "nordic-outdoor", "-o", "json"],
            &["explain", "nordic-outdoor", "connectors.shopify.connections"],
        ] {
            let ran = project.run(arguments);
            assert!(!format!("{}{}", ran.out, ran.err).contains(literal), "{to}: {arguments:?} shows it");
        }
        let saved = std::fs::read_to_string(project.path("saved.plan")).unwrap();
        assert!(!saved.contains(literal), "{to}: the plan file holds it");
        project.expect(ERRORS, &["apply", "saved.plan"]);
    }
}

#[test]
fn a_connector_of_ones_own_is_data_only() {
    let elsewhere = Project::copy_of("one-shop");
    elsewhere.expect(USAGE, &["schema", "show", "fortnox-quickbutik"]);

    let project = Project::copy_of("own-connector");
    assert_eq!(project.expect(OK, &["validate"]).out, "1 integration checked: nothing wrong\n");
    golden("own-connector", "plan.txt", &project.expect(OK, &["plan", "--color", "never"]).out);
    project.expect(OK, &["schema", "show", "fortnox-quickbutik"]);
    project.expect(OK, &["apply", "--yes"]);
    project.expect(OK, &["plan", "--detailed-exitcode"]);

    // The same binary follows the files: another status of the platform, and then no connector at all.
    let connector = "schemas/connectors/quickbutik.yaml";
    project.edit(connector, "enum: [visible, hidden]", "enum: [visible, concealed]");
    project.edit(connector, "hidden: Hidden}\n      default: hidden", "concealed: Concealed}");
    let validated = project.json(ERRORS, &["validate"]);
    assert_eq!(validated["findings"][0]["setting"], "default_status");
    std::fs::remove_dir_all(project.path("schemas")).unwrap();
    let validated = project.json(ERRORS, &["validate"]);
    assert_eq!(validated["findings"][0]["code"], "E0204");
}

#[test]
fn a_broken_connector_is_one_finding() {
    let project = Project::copy_of("own-connector");
    project.edit("schemas/connectors/quickbutik.yaml", "side: shop", "side: store");
    let validated = project.json(ERRORS, &["validate"]);
    assert_eq!(validated["findings"].as_array().unwrap().len(), 1, "{validated}");
}

#[test]
fn what_the_readme_shows_is_what_is_printed() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let mut shown = 0;
    for part in readme.split("<!-- from ").skip(1) {
        let (file, rest) = part.split_once(" -->").unwrap();
        let block = rest.split("```").nth(1).unwrap();
        let (_, block) = block.split_once('\n').unwrap();
        let mut text = &*std::fs::read_to_string(repository().join(file)).unwrap();
        // A line that holds an ellipsis alone stands for lines left out.
        for piece in block.split("  …\n") {
            let piece = piece.trim_end_matches(' ');
            let at = text.find(piece).unwrap_or_else(|| panic!("{file} does not have\n{piece}"));
            text = &text[at + piece.len()..];
        }
        shown += 1;
    }
    assert_eq!(shown, 1, "a finding; the plan is a picture");
}

#[test]
fn the_gate_runs_the_test_command_of_the_readme() {
    let readme = std::fs::read_to_string(repository().join("README.md")).unwrap();
    let gate = std::fs::read_to_string(repository().join(".ci/run")).unwrap();
    for text in [&readme, &gate] {
        assert_eq!(text.lines().filter(|line| *line == "tests/run").count(), 1, "{text}");
    }
}
