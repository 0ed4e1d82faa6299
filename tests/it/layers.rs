//! `explain INTEGRATION SETTING` and `list --setting`: every layer of a value, which counts, and who differs.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::{Value, json};

fn pairform(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn answer(folder: &Path, arguments: &[&str]) -> Value {
    let output = pairform(folder, &[arguments, &["-o", "json"]].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn project() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (path, text) in [
        (
            "pairform.yaml",
            "version: 1\nenvironments:\n  test: {store: \"sqlite:.pairform/state.db\", vars: {days: 5}}\n",
        ),
        (
            "environments/test.yaml",
            "integrations:\n  two:\n    settings: {payment_methods: {default_terms_of_payment: \"0\"}}\n",
        ),
        (
            "bases/far.yaml",
            "settings:\n  payment_methods:\n    default_terms_of_payment: \"30\"\n    map: {A: \"1\"}\n",
        ),
        (
            "bases/near.yaml",
            "extends: [far]\nsettings:\n  payment_methods: {default_terms_of_payment: \"10\"}\n  order: {delivery_days: \"{{ days }}\"}\n",
        ),
        (
            "integrations/one.yaml",
            "integration: one\npair: fortnox-shopify\nunmanaged: [connectors]\nextends: [near]\nsettings:\n  general: {name: One}\n  payment_methods:\n    map: !replace\n      B: \"2\"\n",
        ),
        (
            "integrations/two.yaml",
            "integration: two\npair: fortnox-shopify\nunmanaged: [connectors]\nextends: [near]\nsettings: {general: {name: Two}, payment_methods: {default_terms_of_payment: \"14\"}}\n",
        ),
    ] {
        let path = folder.path().join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    folder
}

/// `path:line`, value and whether it counts.
fn layers(said: &Value) -> Vec<(String, Value, bool)> {
    let layers = said["layers"].as_array().unwrap().iter();
    layers
        .map(|layer| {
            let place = format!("{}:{}", layer["path"].as_str().unwrap(), layer["line"]);
            (place, layer["value"].clone(), layer["wins"].as_bool().unwrap())
        })
        .collect()
}

#[test]
fn every_layer_is_told_with_its_line_and_the_nearest_counts() {
    let folder = project();
    let told = answer(folder.path(), &["explain", "two", "payment_methods.default_terms_of_payment"]);
    assert_eq!(
        layers(&told["settings"][0]),
        [
            ("environments/test.yaml:3".to_owned(), json!("0"), true),
            ("integrations/two.yaml:5".to_owned(), json!("14"), false),
            ("bases/near.yaml:3".to_owned(), json!("10"), false),
            ("bases/far.yaml:3".to_owned(), json!("30"), false),
        ]
    );
    assert_eq!(told["settings"][0]["change"]["after"], "0");
    let told = answer(folder.path(), &["explain", "one", "order.delivery_days"]);
    assert_eq!(layers(&told["settings"][0]), [("bases/near.yaml:4".to_owned(), json!("{{ days }}"), true)]);
    assert_eq!(told["settings"][0]["change"]["after"], 5);
    let text = pairform(folder.path(), &["explain", "two", "payment_methods.default_terms_of_payment"]);
    let text = String::from_utf8(text.stdout).unwrap();
    for part in [
        "environments/test.yaml:3  \"0\"  counts",
        "overridden by environments/test.yaml:3",
        "deployed: not set",
        "an apply would set \"0\" (made in git)",
        "at the next sync",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn a_layer_below_a_replacing_map_does_not_count() {
    let folder = project();
    let told = answer(folder.path(), &["explain", "one", "payment_methods.map"]);
    let rows = told["settings"].as_array().unwrap();
    assert_eq!(rows.len(), 1, "{rows:#?}");
    assert_eq!((&rows[0]["setting"], layers(&rows[0]).len()), (&json!("methods.B.terms"), 1));
    let told = answer(folder.path(), &["explain", "one", "payment_methods.map.A"]);
    assert_eq!(layers(&told["settings"][0]), [("bases/far.yaml:4".to_owned(), json!("1"), false)]);
}

#[test]
fn what_is_deployed_is_told() {
    let folder = project();
    assert!(pairform(folder.path(), &["apply", "--yes"]).status.success());
    let told = answer(folder.path(), &["explain", "one", "order.delivery_days"]);
    assert_eq!((&told["settings"][0]["deployed"], &told["settings"][0]["change"]), (&json!(5), &Value::Null));
}

#[test]
fn the_fleet_is_asked_who_sets_what_and_who_differs() {
    let folder = project();
    let names = |told: &Value| -> Vec<String> {
        let rows = told["settings"].as_array().unwrap().iter();
        rows.map(|row| {
            format!(
                "{} {} {}",
                row["integration"].as_str().unwrap(),
                row["setting"].as_str().unwrap(),
                row["value"]
            )
        })
        .collect()
    };
    let ask = |arguments: &[&str]| answer(folder.path(), &[&["list"], arguments].concat());
    let terms = "payment_methods.default_terms_of_payment";
    assert_eq!(
        names(&ask(&["--setting", terms])),
        ["one default_terms_of_payment \"10\"", "two default_terms_of_payment \"0\""]
    );
    assert_eq!(names(&ask(&["--setting", &format!("{terms}=0")])), ["two default_terms_of_payment \"0\""]);
    assert_eq!(names(&ask(&["--setting", "order.delivery_days=5"])).len(), 2);
    let text = std::fs::read_to_string(folder.path().join("bases/far.yaml")).unwrap();
    std::fs::write(
        folder.path().join("bases/far.yaml"),
        format!("{text}  additional_filters: {{include_tags: [a, b]}}\n  sales_accounts: {{export: 3105}}\n"),
    )
    .unwrap();
    let one = std::fs::read_to_string(folder.path().join("integrations/one.yaml")).unwrap();
    // The same said in another way is no difference.
    std::fs::write(
        folder.path().join("integrations/one.yaml"),
        format!(
            "{one}  additional_filters: {{include_tags: [b, a]}}\n  sales_accounts: {{export: \"3105\"}}\n"
        ),
    )
    .unwrap();
    let told = ask(&["--differs-from-base"]);
    assert_eq!(names(&told), ["two default_terms_of_payment \"0\""]);
    assert_eq!(told["settings"][0]["base"], "10");
    let wrong = pairform(folder.path(), &["list", "--setting", "order.delivery_dys"]);
    assert_eq!(wrong.status.code(), Some(64));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("did you mean"));
}

#[test]
fn what_plans_name_is_explained_rules_connections_and_groups_too() {
    let project = crate::run::Project::copy_example("one-shop");
    for (asked, value, title) in [
        ("schedules.orders.every", "schedules.orders.every = \"15m\"", "Interval"),
        ("schedules.orders", "schedules.orders.flow = \"orders\"", "Rule"),
        ("webhooks.orders-created.topic", "webhooks.orders-created.topic = ", "Topic"),
        (
            "connectors.shopify.active",
            "connectors.shopify.active = \"production\"",
            "Active connection of Shopify",
        ),
        ("connectors.shopify.connections.production.shop", ".connections.production.shop = ", "Shop"),
        ("connectors.klarna.connections", "not set in the files", "Connections of Klarna"),
        ("customer.missing", "customer.missing = not set", "group of `name`"),
        ("payment_methods.methods.Klarna.terms", "", "Terms of payment"),
    ] {
        let told = project.run(&["explain", "nordic-outdoor", asked]).assert_code(0).stdout.clone();
        assert!(told.contains(value) && told.contains(title), "{asked}: {told}");
    }
    for asked in ["schedules.orders.evry", "connectors.nobody.active", "customer.missing.nme"] {
        let refused = project.run(&["explain", "nordic-outdoor", asked]);
        refused.assert_code(64);
        assert!(refused.stderr.contains(&format!("has no setting `{asked}`")), "{}", refused.all());
    }
}
