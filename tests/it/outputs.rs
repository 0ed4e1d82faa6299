//! What `-o json` prints: judged by the published schemas, and the same on every run.

use std::path::Path;

use serde_json::Value as Json;

use crate::run::Project;

const KINDS: [&str; 26] = [
    "audit",
    "validate",
    "plan",
    "apply",
    "show",
    "version",
    "explain",
    "schema-list",
    "schema-show",
    "schema-files",
    "schema-catalogue",
    "error",
    "fix",
    "fmt",
    "history",
    "init",
    "list",
    "policy-check",
    "policy-show",
    "pull",
    "reconcile",
    "reconcile-accept",
    "reconcile-status",
    "reconcile-step",
    "release",
    "unlock",
];

fn schema(kind: &str) -> Json {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("schemas/output/{kind}.schema.json"));
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

pub fn assert_fits(kind: &str, output: &Json) {
    let validator = jsonschema::draft202012::options().build(&schema(kind)).unwrap();
    let errors: Vec<String> = validator
        .iter_errors(output)
        .map(|error| format!("{}: {error}", error.instance_path().as_str()))
        .take(5)
        .collect();
    assert!(errors.is_empty(), "{kind}: {}\n{output:#}", errors.join("\n"));
}

#[test]
fn the_schemas_are_schemas_and_describe_themselves() {
    for kind in KINDS {
        let schema = schema(kind);
        jsonschema::meta::validate(&schema).unwrap();
        assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema", "{kind}");
        assert!(schema["title"].is_string() && schema["description"].is_string(), "{kind}");
        // A value of another kind does not pass.
        assert!(!jsonschema::draft202012::options().build(&schema).unwrap().is_valid(&serde_json::json!({})));
    }
}

#[test]
fn outputs_fit_their_schemas() {
    let project = Project::copy("mistakes");
    project.write("secrets/nordic-webhooks", "value");
    let secrets: Vec<(String, String)> = [
        "NORDIC_SHOPIFY_TOKEN",
        "NORDIC_KLARNA_KEY",
        "NORDIC_SANDBOX_ID",
        "NORDIC_SANDBOX_SECRET",
        "NORDIC_FORTNOX_ID",
        "NORDIC_FORTNOX_SECRET",
        "NORDIC_WEBHOOKS",
    ]
    .iter()
    .map(|name| ((*name).to_owned(), "value".to_owned()))
    .collect();
    let environment: Vec<(&str, &str)> = secrets.iter().map(|(name, value)| (&**name, &**value)).collect();
    let run =
        |arguments: &[&str]| project.run_with(&[arguments, &["-o", "json"]].concat(), &environment).json();
    assert_fits("version", &run(&["version"]));
    assert_fits("schema-list", &run(&["schema", "list"]));
    assert_fits("schema-list", &run(&["schema", "list", "--facts", "--older-than", "180d"]));
    assert_fits("explain", &run(&["explain", "E0101"]));
    assert_fits("explain", &run(&["explain", "--list"]));
    assert_fits("explain", &run(&["explain", "fortnox-shopify", "order.creates"]));
    assert_fits("explain", &run(&["explain", "nordic-outdoor", "order.creates"]));
    assert_fits("policy-show", &run(&["policy", "show"]));
    let policy = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(policy.path(), "allow: [woocommerce, store=db.internal]\n").unwrap();
    assert_fits("policy-check", &run(&["policy", "check", policy.path().to_str().unwrap()]));
    assert_fits("validate", &run(&["validate"]));
    assert_fits("show", &run(&["show", "nordic-outdoor"]));
    assert_fits("plan", &run(&["plan", "--out", "plan.json"]));
    assert_fits("plan", &run(&["show", "plan.json"]));
    // The secrets of the other integrations are not at hand: partly applied.
    let applied = run(&["apply", "plan.json"]);
    assert_eq!(applied["exit_code"], 3);
    assert_fits("apply", &applied);
    assert_fits("plan", &run(&["drift"]));
    assert_fits("plan", &run(&["revert", "nordic-outdoor", "--time", "2999-01-01T00:00:00Z"]));
    assert_fits("history", &run(&["history"]));
    assert_fits("audit", &run(&["audit", "export"]));
    let lines = project.run_with(&["audit", "export"], &environment).stdout;
    project.write("audit.jsonl", &lines);
    let proved = run(&["audit", "verify", "audit.jsonl"]);
    assert_fits("audit", &proved);
    assert_eq!(proved["lines"], lines.lines().count());
    std::fs::remove_file(project.at("audit.jsonl")).unwrap();
    assert_fits("list", &run(&["list"]));
    assert_fits("list", &run(&["list", "--setting", "payment_methods.map"]));
    assert_fits("pull", &run(&["pull", "--yes"]));
    let written = run(&["revert", "nordic-outdoor", "--time", "2999-01-01T00:00:00Z", "--write", "--yes"]);
    assert_fits("pull", &written);
    assert_fits("unlock", &run(&["unlock"]));
    assert_fits("fmt", &run(&["fmt", "--check"]));
    assert_fits("init", &run(&["init", "fortnox-shopify", "another"]));
    std::fs::remove_file(project.at("integrations/another.yaml")).unwrap();
    assert_fits("schema-show", &run(&["schema", "show", "fortnox-shopify"]));
    assert_fits("schema-files", &run(&["schema", "export", "--check"]));
    assert_fits("schema-files", &run(&["schema", "docs", "pages"]));
    assert_fits("error", &run(&["plan", "--env", "none"]));
    assert_fits("error", &run(&["nonsense"]));
    // A change, a reset, an addition, a warning, and a finding with everything.
    project.edit(
        "integrations/nordic-outdoor.yaml",
        "      Swish: {terms: \"0\"}\n",
        "      Invoice: {terms: \"10\"}\n",
    );
    project.edit("integrations/nordic-outdoor.yaml", "Klarna: {terms: \"14\"}", "Klarna: {terms: \"30\"}");
    project.edit("integrations/nordic-outdoor.yaml", "NORDIC_WEBHOOKS", "NORDIC_SHOPIFY_TOKEN");
    let plan = run(&["plan"]);
    assert_fits("plan", &plan);
    project.edit(
        "integrations/nordic-outdoor.yaml",
        "integration: nordic-outdoor",
        "integration: nordic-outdor",
    );
    assert_fits("error", &run(&["fix"]));
    let fixed = run(&["fix", "--yes"]);
    assert_fits("fix", &fixed);
    assert_eq!(fixed["mended"][0]["code"], "E0205", "{fixed:#}");
    assert!(plan["summary"]["settings"]["change"].as_u64() > Some(0), "{plan:#}");
    project.edit("bases/swedish-shop.yaml", "match_by: email", "match_by: mail");
    project.edit(
        "integrations/nordic-outdoor.yaml",
        "    match_by: sku\n",
        "    match_by: sku\n    match_by: ean\n    creat_missing: yes\n",
    );
    project.edit("integrations/aurora-home.yaml", "unmanaged: [stock]", "unmanaged: [stock, article]");
    for (kind, arguments) in [
        ("validate", &["validate"][..]),
        ("plan", &["plan"]),
        ("show", &["show", "nordic-outdoor"]),
        ("error", &["apply", "--yes"]),
    ] {
        let json = run(arguments);
        assert_eq!(json["exit_code"], 1);
        assert_fits(kind, &json);
    }
}

/// The same files give the same bytes, whatever runs beside what.
#[test]
fn runs_are_byte_identical() {
    let project = Project::copy("mistakes");
    project.edit("bases/swedish-shop.yaml", "match_by: email", "match_by: mail");
    project.edit(
        "integrations/aurora-home.yaml",
        "status_filter: [PAID]",
        "status_filter: paid\n    creats: order",
    );
    project.edit("integrations/fjord-kitchen.yaml", "flow: orders, every: 1h", "flow: ordrs, every: 1 h");
    for command in ["validate", "plan"] {
        let outputs: Vec<String> = (0..20)
            .map(|at| {
                let threads = if at % 2 == 0 { "1" } else { "8" };
                project.run_with(&[command, "-o", "json"], &[("RAYON_NUM_THREADS", threads)]).stdout
            })
            .collect();
        assert!(outputs[0].contains("\"exit_code\": 1"), "{}", outputs[0]);
        assert!(outputs.iter().all(|output| *output == outputs[0]), "{command} differs between runs");
    }
}
