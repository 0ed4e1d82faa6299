//! `pull` through the real binary: drift comes into the files in place, deployed integrations are adopted, and then a
//! plan has nothing to do.

use std::path::Path;
use std::process::{Command, Output};

use pairform::model::{SettingPath, Settings, Value};
use pairform::schema::Pair;
use pairform::schema::parts::Catalogue;
use pairform::store::{self, Save};
use pairform::yaml::edit;
use serde_json::{Value as Json, json};

fn pairform(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

fn done(folder: &Path, arguments: &[&str]) -> Output {
    let output = pairform(folder, arguments);
    assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    output
}

fn write(folder: &Path, path: &str, text: &str) {
    let path = folder.join(path);
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
}

fn read(folder: &Path, path: &str) -> String {
    std::fs::read_to_string(folder.join(path)).unwrap()
}

fn url(folder: &Path) -> String {
    format!("sqlite:{}", folder.join(".pairform/state.db").display())
}

/// Saves settings as somebody outside would: what the last apply set stays as it was.
fn outside(folder: &Path, integration: &str, category: &str, change: impl FnOnce(&mut Settings)) {
    std::fs::create_dir_all(folder.join(".pairform")).unwrap();
    let mut store = store::open(&url(folder)).unwrap();
    let row = store
        .read(None)
        .unwrap()
        .into_iter()
        .find(|row| row.integration == integration && row.category == category);
    let (revision, mut settings, applied) =
        row.map(|row| (row.revision, row.settings, row.applied)).unwrap_or_default();
    change(&mut settings);
    let run = format!("outside {integration} {category} {revision}");
    store.begin(&run, "2026-11-20T12:00:00Z", "somebody", pairform::store::Origin::default()).unwrap();
    store
        .save(&Save {
            integration,
            category,
            expected_revision: revision,
            settings: &settings,
            applied: &applied,
            saved_by: "somebody",
            saved_at: "2026-11-20T12:00:00Z",
            commit: None,
            run: &run,
            fence: None,
            lease: None,
        })
        .unwrap();
    store.finish(&run, "2026-11-20T12:00:00Z").unwrap();
}

fn path(text: &str) -> SettingPath {
    SettingPath::parse(text).unwrap()
}

fn text(text: &str) -> Value {
    Value::Text(text.to_owned())
}

/// Every change that a plan holds.
fn changes(folder: &Path) -> Vec<Json> {
    let output = pairform(folder, &["plan", "--assume-secrets", "-o", "json"]);
    let plan: Json = serde_json::from_slice(&output.stdout).unwrap();
    let integrations = plan["integrations"].as_array().unwrap();
    let categories =
        integrations.iter().flat_map(|integration| integration["categories"].as_array().unwrap());
    categories.flat_map(|category| category["changes"].as_array().unwrap().clone()).collect()
}

const SHOP: &str = r#"# The shop.
integration: shop
pair: fortnox-shopify
unmanaged: [connectors]

settings:
  general: {name: Shop, error_email: 'old@example.com'}  # who hears of errors
  payment_methods:
    # Agreed with finance.
    default_terms_of_payment: "30"   # thirty days
    map: {Klarna: "30", Swish: "0"}
  additional_filters:
    include_tags:
      - web
      - retail
  order:
    exclude_before: 2026-01-01
"#;

fn applied(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    write(folder.path(), "pairform.yaml", "version: 1\n");
    for (path, text) in files {
        write(folder.path(), path, text);
    }
    done(folder.path(), &["apply", "--yes"]);
    assert!(changes(folder.path()).is_empty());
    folder
}

#[test]
fn drift_is_edited_in_place_and_the_plan_is_empty() {
    let folder = applied(&[("integrations/shop.yaml", SHOP)]);
    let folder = folder.path();
    outside(folder, "shop", "payment_methods", |settings| {
        settings.insert(path("default_terms_of_payment"), text("10"));
        settings.remove(&path("methods.Swish.terms"));
        settings.insert(path("methods.Klarna.terms"), text("14"));
        settings.insert(path("methods.Other.terms"), text("30"));
    });
    outside(folder, "shop", "general", |settings| {
        settings.insert(path("error_email"), text("it's@example.com"));
    });
    outside(folder, "shop", "additional_filters", |settings| {
        settings.insert(path("include_tags"), Value::List(vec![text("b2b"), text("no"), text("web")]));
    });
    let before = read(folder, "integrations/shop.yaml");
    let refused = pairform(folder, &["pull"]);
    assert_eq!(refused.status.code(), Some(5), "nobody could be asked");
    assert!(
        String::from_utf8_lossy(&refused.stdout)
            .contains("-    default_terms_of_payment: \"30\"   # thirty days")
    );
    assert_eq!(read(folder, "integrations/shop.yaml"), before);
    done(folder, &["pull", "--yes"]);
    let expected = SHOP
        .replace("'old@example.com'", "'it''s@example.com'")
        .replace("default_terms_of_payment: \"30\"", "default_terms_of_payment: \"10\"")
        .replace("{Klarna: \"30\", Swish: \"0\"}", "{Klarna: \"14\"}")
        .replace("      - web\n      - retail\n", "      - b2b\n      - \"no\"\n      - web\n");
    assert_eq!(read(folder, "integrations/shop.yaml"), expected);
    assert!(changes(folder).is_empty());
    assert_eq!(pairform(folder, &["plan", "--detailed-exitcode"]).status.code(), Some(0));

    // Once an apply has noted that both agree, the next change in git is one in git, and no conflict.
    done(folder, &["apply", "--yes"]);
    write(
        folder,
        "integrations/shop.yaml",
        &expected.replace("default_terms_of_payment: \"10\"", "default_terms_of_payment: \"0\""),
    );
    let found = changes(folder);
    assert_eq!((found.len(), &found[0]["origin"]), (1, &json!("git")), "{found:?}");
}

/// All rows, each with its base and its revision.
fn rows(folder: &Path) -> Vec<store::Deployed> {
    store::open(&url(folder)).unwrap().read(None).unwrap()
}

#[test]
fn a_pull_tells_the_store_nothing_and_the_next_apply_moves_the_base() {
    let folder = applied(&[("integrations/shop.yaml", SHOP)]);
    let folder = folder.path();
    outside(folder, "shop", "payment_methods", |settings| {
        settings.insert(path("default_terms_of_payment"), text("10"));
    });
    let (before, database) = (rows(folder), std::fs::read(folder.join(".pairform/state.db")).unwrap());
    done(folder, &["pull", "--yes"]);
    assert!(database == std::fs::read(folder.join(".pairform/state.db")).unwrap(), "it only reads");
    let pulled = read(folder, "integrations/shop.yaml");
    // Thrown away, or not merged yet: it is drift as before, and not a change that somebody made in git.
    write(folder, "integrations/shop.yaml", SHOP);
    let found = changes(folder);
    assert_eq!((found.len(), &found[0]["origin"]), (1, &json!("outside")), "{found:?}");
    assert_eq!(pairform(folder, &["drift", "--detailed-exitcode"]).status.code(), Some(2));
    // Kept: nothing is pending, and the next apply notes that both agree.
    write(folder, "integrations/shop.yaml", &pulled);
    assert_eq!(pairform(folder, &["drift", "--detailed-exitcode"]).status.code(), Some(0));
    let output = done(folder, &["apply", "--yes", "-o", "json"]);
    let said: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!((&said["agreed"], &said["summary"]["saved"]), (&json!(1), &json!(0)), "{said:#}");
    for (before, after) in before.into_iter().zip(rows(folder)) {
        assert_eq!(before.settings, after.settings);
        let moves = before.category == "payment_methods";
        assert_eq!(after.revision, before.revision + u64::from(moves), "{}", before.category);
        let base = after.applied.get(&path("default_terms_of_payment"));
        assert_eq!(base, moves.then_some(&text("10")));
    }
}

#[test]
fn what_changed_in_git_too_is_left_unless_it_is_asked_for() {
    let folder = applied(&[("integrations/shop.yaml", SHOP)]);
    let folder = folder.path();
    outside(folder, "shop", "payment_methods", |settings| {
        settings.insert(path("default_terms_of_payment"), text("10"));
    });
    let mine = SHOP.replace("default_terms_of_payment: \"30\"", "default_terms_of_payment: \"0\"");
    write(folder, "integrations/shop.yaml", &mine);
    let output = done(folder, &["pull", "--yes", "-o", "json"]);
    let said: Json = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(said["left"][0]["setting"], "payment_methods.default_terms_of_payment");
    assert_eq!(read(folder, "integrations/shop.yaml"), mine);
    done(folder, &["pull", "--yes", "--conflicts"]);
    assert!(
        read(folder, "integrations/shop.yaml").contains("default_terms_of_payment: \"10\"   # thirty days")
    );
    assert!(changes(folder).is_empty());
}

const BASE: &str = "settings:\n  payment_methods:\n    default_terms_of_payment: \"30\"  # of the group\n    map: {Klarna: \"30\"}\n";
const CHILD: &str = "integration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nextends: [group]\n\nsettings:\n  general: {name: Shop}  # its name\n\n# The end.\n";

fn drifted_child() -> tempfile::TempDir {
    let folder = applied(&[("bases/group.yaml", BASE), ("integrations/shop.yaml", CHILD)]);
    outside(folder.path(), "shop", "payment_methods", |settings| {
        settings.insert(path("default_terms_of_payment"), text("10"));
        settings.remove(&path("methods.Klarna.terms"));
    });
    folder
}

#[test]
fn a_base_is_left_alone_and_the_integration_overrides_it() {
    let folder = drifted_child();
    let folder = folder.path();
    done(folder, &["pull", "shop", "--yes"]);
    assert_eq!(read(folder, "bases/group.yaml"), BASE);
    let expected = CHILD.replace(
        "# its name\n",
        "# its name\n  payment_methods:\n    default_terms_of_payment: \"10\"\n    map:\n      Klarna: null\n",
    );
    let found = read(folder, "integrations/shop.yaml");
    assert_eq!(edit::comments(&found), edit::comments(CHILD));
    assert_eq!(found, expected);
    assert!(changes(folder).is_empty());
}

#[test]
fn a_base_is_edited_when_that_is_asked_for() {
    let folder = drifted_child();
    let folder = folder.path();
    done(folder, &["pull", "shop", "--yes", "--into-base"]);
    assert_eq!(read(folder, "integrations/shop.yaml"), CHILD);
    assert_eq!(
        read(folder, "bases/group.yaml"),
        BASE.replace("payment: \"30\"", "payment: \"10\"").replace("    map: {Klarna: \"30\"}\n", "")
    );
    assert!(changes(folder).is_empty());
}

#[test]
fn a_folder_keeps_each_category_in_its_file_and_an_environment_is_not_overridden_in_vain() {
    let folder = applied(&[
        ("pairform.yaml", "version: 1\nenvironments:\n  test: {store: \"sqlite:.pairform/state.db\"}\n"),
        ("environments/test.yaml", "all:\n  settings: {general: {error_email: a@example.com}}\n"),
        (
            "integrations/shop/integration.yaml",
            "integration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings: {general: {name: Shop}}\n",
        ),
        ("integrations/shop/settings/order.yaml", "# Orders.\ndelivery_days: 4\n"),
    ]);
    let folder = folder.path();
    outside(folder, "shop", "order", |settings| {
        settings.insert(path("delivery_days"), Value::number("7"));
    });
    outside(folder, "shop", "general", |settings| {
        settings.insert(path("error_email"), text("b@example.com"));
    });
    let output = done(folder, &["pull", "--yes"]);
    assert_eq!(read(folder, "integrations/shop/settings/order.yaml"), "# Orders.\ndelivery_days: 7\n");
    assert!(String::from_utf8_lossy(&output.stderr).contains("environments/test.yaml sets it"), "{output:?}");
    done(folder, &["pull", "--yes", "--into-base"]);
    assert!(read(folder, "environments/test.yaml").contains("{error_email: b@example.com}"));
    assert!(changes(folder).is_empty());
}

/// Values that a schema takes, as a store holds them.
fn generate(schema: &Json, seed: &mut usize) -> Option<Value> {
    *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
    let pick = *seed >> 33;
    if schema.get("x-secret").is_some() {
        let reference = format!("env/SECRET_{}", pick % 100);
        return Some(Value::Secret(pairform::model::Secret {
            reference,
            fingerprint: Some("hmac-sha256:00".to_owned()),
        }));
    }
    if let Some(allowed) = schema["enum"].as_array() {
        let allowed: Vec<&Json> = allowed.iter().filter(|value| !value.is_null()).collect();
        return Some(Value::from_json(allowed[pick % allowed.len()]));
    }
    let types: Vec<&str> = match &schema["type"] {
        Json::String(one) => vec![one],
        Json::Array(many) => many.iter().filter_map(Json::as_str).collect(),
        _ => vec!["string"],
    };
    let code = schema["x-code"].as_str().unwrap_or("");
    Some(match types.first().copied()? {
        "boolean" => Value::Bool(pick.is_multiple_of(2)),
        "integer" | "number" if code != "text" => Value::Number((pick % 9000 + 1).to_string()),
        "integer" | "number" => Value::Text((pick % 9000).to_string()),
        "array" => {
            let mut items: Vec<Value> = (0..2).filter_map(|_| generate(&schema["items"], seed)).collect();
            items.sort();
            items.dedup();
            Value::List(items)
        }
        "string" if code == "integer" => Value::Number((pick % 9000 + 1).to_string()),
        "string" => {
            let odd = [
                "30",
                "NO",
                "a: b # c",
                "{{ x }}",
                "2026-01-01",
                "it's \"so\"",
                "",
                " x ",
                "{% if %}",
                "Åre\nby",
                "007",
            ];
            text(odd[pick % odd.len()])
        }
        _ => return None,
    })
}

/// A value that may have days: without, with one, and one that changes on a day.
fn with_days(value: &Json, name: &str, seed: usize) -> Value {
    match seed % 3 {
        0 => Value::from_json(value),
        1 => Value::from_json(&json!([{name: value, "from": "2026-01-01"}])),
        _ => Value::from_json(
            &json!([{name: value, "until": "2025-12-31"}, {name: value, "from": "2026-02-01"}]),
        ),
    }
}

fn fill(schema: &Json, at: &SettingPath, seed: &mut usize, into: &mut Settings) {
    if let Some(name) = schema["x-days"].as_str() {
        if let Some(value) = generate(&schema["properties"][name], seed) {
            into.insert(at.clone(), with_days(&value.to_json(), name, *seed));
        }
        return;
    }
    if schema.get("x-secret").is_none() {
        for (key, inner) in schema["properties"].as_object().into_iter().flatten() {
            fill(inner, &at.child(key), seed, into);
        }
        if schema["additionalProperties"].is_object() {
            for key in ["Klarna", "25.5", "a b"] {
                fill(&schema["additionalProperties"], &at.child(key), seed, into);
            }
        }
        if schema.get("properties").is_some() || schema["additionalProperties"].is_object() {
            return;
        }
    }
    if let Some(value) = generate(schema, seed) {
        into.insert(at.clone(), value);
    }
}

fn deploy(folder: &Path, name: &str, pair: &Pair, seed: &mut usize) {
    for category in pair.categories() {
        let mut settings = Settings::new();
        fill(&category.schema, &SettingPath::root(), seed, &mut settings);
        // What is written in a record and kept elsewhere is deployed there alone.
        settings.retain(|path, _| !category.keeps_elsewhere(path));
        if category.id == "flows" {
            settings.values_mut().for_each(|value| *value = Value::Bool(true));
        }
        if !settings.is_empty() {
            outside(folder, name, &category.id, |all| *all = settings);
        }
    }
}

#[test]
fn every_pair_is_adopted_and_then_planned_as_nothing() {
    let catalogue = Catalogue::default();
    let pairs = catalogue.names("pairs");
    assert!(pairs.len() >= 45, "{pairs:?}");
    let mut seed = 7;
    for (at, id) in pairs.iter().enumerate() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path();
        write(folder, "pairform.yaml", "version: 1\n");
        deploy(folder, id, &catalogue.pair(id).unwrap(), &mut seed);
        let mut arguments = vec!["pull", id, "--pair", id, "--yes"];
        arguments.extend((at % 2 == 0).then_some("--split"));
        let output = done(folder, &arguments);
        let left = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!left.contains("no such setting"), "{left}");
        let found = changes(folder);
        assert!(found.is_empty(), "{id}: {found:#?}");
    }
}

#[test]
fn what_was_adopted_counts_as_agreed_from_the_next_apply_on() {
    let folder = applied(&[]);
    let folder = folder.path();
    outside(folder, "shop", "order", |settings| {
        settings.insert(path("delivery_days"), Value::number("7"));
        settings.insert(path("exclude_before"), text("2026-01-01"));
    });
    done(folder, &["pull", "shop", "--pair", "fortnox-shopify", "--yes"]);
    assert!(changes(folder).is_empty());
    done(folder, &["apply", "--yes"]);
    let adopted = read(folder, "integrations/shop.yaml");
    write(
        folder,
        "integrations/shop.yaml",
        &edit::remove(&adopted, &["settings", "order", "delivery_days"]).unwrap(),
    );
    let found = changes(folder);
    assert_eq!(
        (found.len(), &found[0]["kind"], &found[0]["origin"]),
        (1, &json!("reset"), &json!("git")),
        "{found:?}"
    );
}

/// The store knows with which pair an integration was last applied.
#[test]
fn one_that_was_applied_once_is_adopted_without_naming_its_pair() {
    let folder = applied(&[("integrations/shop.yaml", SHOP)]);
    let folder = folder.path();
    std::fs::remove_file(folder.join("integrations/shop.yaml")).unwrap();
    assert_eq!(
        pairform(
            folder,
            &["pull", "shop", "--pair", "fortnox-shopify", "--pair", "fortnox-woocommerce", "--yes"]
        )
        .status
        .code(),
        Some(64)
    );
    done(folder, &["pull", "shop", "--yes"]);
    assert!(read(folder, "integrations/shop.yaml").contains("pair: fortnox-shopify\n"));
    assert!(changes(folder).is_empty());
}

#[test]
fn what_cannot_be_adopted_is_said_and_nothing_is_written() {
    let folder = applied(&[("integrations/shop.yaml", SHOP)]);
    let folder = folder.path();
    outside(folder, "outlet", "order", |settings| {
        settings.insert(path("delivery_days"), Value::number("7"));
    });
    for (arguments, code) in [
        (&["pull", "outlet", "--yes"][..], 64),
        (&["pull", "outlat", "--pair", "fortnox-shopify", "--yes"], 64),
        (&["pull", "outlet", "--pair", "fortnox-shopfy", "--yes"], 64),
        (&["pull", "../x", "--pair", "fortnox-shopify", "--yes"], 64),
        (&["pull", "outlet", "--pair", "fortnox-shopify"], 5),
    ] {
        assert_eq!(pairform(folder, arguments).status.code(), Some(code), "{arguments:?}");
    }
    assert!(!folder.join("integrations/outlet.yaml").exists());
    done(folder, &["pull", "outlet", "--pair", "fortnox-shopify", "--yes"]);
    assert!(read(folder, "integrations/outlet.yaml").contains("settings:\n  order:\n    delivery_days: 7\n"));
}

#[test]
fn edits_keep_everything_else() {
    let set = |text: &str, keys: &[&str], value: Json| edit::set(text, keys, &value).unwrap();
    assert_eq!(
        set("a: 1 # x\r\nb: 2\r\n", &["c", "d"], json!("no")),
        "a: 1 # x\r\nb: 2\r\nc:\r\n  d: \"no\"\r\n"
    );
    assert_eq!(set("a:\n    b: 1\n", &["a", "c"], json!(2)), "a:\n    b: 1\n    c: 2\n");
    assert_eq!(set("a: {}\n", &["a", "c"], json!([1, "x y"])), "a: {c: [1, x y]}\n");
    assert_eq!(set("a:  # why\nb: 1\n", &["a", "c"], json!(2)), "a:  # why\n  c: 2\nb: 1\n");
    assert_eq!(set("a: |  \n  x\n  y\nb: 1\n", &["a"], json!("z")), "a: z\nb: 1\n");
    assert_eq!(set("a: 1", &["b"], json!(true)), "a: 1\nb: true\n");
}

#[test]
fn an_edit_that_would_change_or_lose_something_is_refused() {
    for (text, keys) in [
        ("a: &x 1\nb: *x\n", &["a"][..]),
        ("a: [1\n", &["b"]),
        ("a: 1\n", &["a", "b"]),
        ("a:\n  # first\n  - 1\n  # second\n  - 2\n", &["a"]),
        ("d: &d {x: 1}\na:\n  <<: *d\n  y: 2\n", &["a", "x"]),
    ] {
        assert!(edit::set(text, keys, &json!(["z"])).is_err(), "{text}");
    }
    assert_eq!(edit::remove("a: 1  # why\nb: 2\n", &["a"]).unwrap(), "# why\nb: 2\n");
    assert_eq!(edit::remove("a:\n  b: 2\nc: 3\n", &["a", "b"]).unwrap(), "a:\n  {}\nc: 3\n");
}

proptest::proptest! {
    /// Whatever the layout, an edit gives the tree that was meant, with every comment, or is refused.
    #[test]
    fn an_edit_means_what_was_meant(
        keys in proptest::collection::vec(("[a-d]", "[a-d]", "[a-z0-9:#'\"{}, -]{0,6}", 0..5_u8), 1..6),
        which in 0..6_usize,
        value in ".{0,8}",
    ) {
        let mut text = String::new();
        for (at, (outer, inner, value, form)) in keys.iter().enumerate() {
            let value = Json::from(value.as_str());
            text += &match form {
                0 => format!("{outer}{at}: {value}  # c{at}\n"),
                1 => format!("{outer}{at}:\n    {inner}: {value}\n    # c{at}\n"),
                2 => format!("# c{at}\n{outer}{at}: {{{inner}: {value}, z: 1}}\n\n"),
                3 => format!("{outer}{at}:   # c{at}\n"),
                _ => format!("{outer}{at}:\n- {value}\n-   2 # c{at}\n"),
            };
        }
        let at = which % keys.len();
        let (outer, inner) = (format!("{}{at}", keys[at].0), keys[at].1.clone());
        for path in [&[outer.as_str()][..], &[&outer, &inner], &["new", "key"]] {
            if let Ok(edited) = edit::set(&text, path, &Json::from(value.as_str())) {
                proptest::prop_assert_eq!(edit::comments(&text), edit::comments(&edited));
                proptest::prop_assert!(edited.contains(&Json::from(value.as_str()).to_string()) || edited.contains(&value) || edited.contains('\''));
            }
            let _ = edit::remove(&text, path);
        }
        proptest::prop_assert!(edit::set(&text, &["new", "key"], &json!(1)).is_ok());
    }
}

const LEFT: [(&str, &str, &str); 2] = [
    // Nothing but a date is a date.
    ("order", "exclude_before", "soon"),
    // A text that was emptied says nothing.
    ("general", "error_email", ""),
];

#[test]
fn what_the_files_could_not_say_without_being_wrong_is_left() {
    for (category, setting, value) in LEFT {
        let folder = applied(&[("integrations/shop.yaml", SHOP)]);
        let folder = folder.path();
        outside(folder, "shop", category, |settings| {
            settings.insert(path(setting), text(value));
        });
        outside(folder, "shop", "payment_methods", |settings| {
            settings.insert(path("methods.Swish.terms"), text("10"));
        });
        let output = done(folder, &["pull", "--yes"]);
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(
            said.contains(&format!("left  shop {category}.{setting}: the files would be wrong")),
            "{said}"
        );
        assert_eq!(read(folder, "integrations/shop.yaml"), SHOP.replace("Swish: \"0\"", "Swish: \"10\""));
        assert!(pairform(folder, &["validate"]).status.success());
    }
}

#[test]
fn a_set_has_no_order_and_a_row_that_is_gone_takes_what_holds_it() {
    let shop = format!(
        "{SHOP}  sales_accounts:\n    countries:\n      DE: {{default_account: 3111}}  # Berlin\n      FR: {{default_account: 3112}}\n"
    );
    let folder = applied(&[("integrations/shop.yaml", &shop)]);
    let folder = folder.path();
    let tags = |words: &[&str]| Value::List(words.iter().map(|word| text(word)).collect());
    outside(folder, "shop", "additional_filters", |settings| {
        settings.insert(path("include_tags"), tags(&["web", "retail"]));
    });
    assert_eq!(changes(folder), Vec::<Json>::new());
    outside(folder, "shop", "additional_filters", |settings| {
        settings.insert(path("include_tags"), tags(&["web", "new", "retail"]));
    });
    outside(folder, "shop", "sales_accounts", |settings| {
        settings.remove(&path("countries.DE.default_account"));
    });
    done(folder, &["pull", "--yes"]);
    assert_eq!(changes(folder), Vec::<Json>::new());
    let now = read(folder, "integrations/shop.yaml");
    assert!(
        !now.contains("DE:") && now.contains("FR: {default_account: 3112}") && now.contains("new"),
        "{now}"
    );
}

#[test]
fn what_drifted_under_a_former_id_is_pulled_before_it_is_renamed() {
    let folder = applied(&[("integrations/shop.yaml", SHOP)]);
    let folder = folder.path();
    outside(folder, "shop", "general", |settings| {
        settings.insert(path("name"), text("Market"));
    });
    std::fs::remove_file(folder.join("integrations/shop.yaml")).unwrap();
    write(
        folder,
        "integrations/store.yaml",
        &SHOP.replace("integration: shop", "integration: store\nrenamed_from: shop"),
    );
    done(folder, &["pull", "--yes"]);
    assert!(read(folder, "integrations/store.yaml").contains("name: Market"));
    assert_eq!(changes(folder), Vec::<Json>::new());
}

#[test]
fn a_category_that_somebody_deleted_is_drift() {
    let folder = applied(&[("integrations/shop.yaml", SHOP)]);
    let shell = rusqlite::Connection::open(folder.path().join(".pairform/state.db")).unwrap();
    assert_eq!(shell.execute("DELETE FROM category WHERE category = 'general'", []).unwrap(), 1);
    let output = pairform(folder.path(), &["drift", "--detailed-exitcode"]);
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert_eq!(output.status.code(), Some(2), "{said}");
    assert!(said.contains("name  Shop → not set   outside pairform, at 2"), "{said}");
}
