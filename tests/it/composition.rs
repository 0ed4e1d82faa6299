//! The merge rules: bases, environments, variables and expressions, each by the compiled document.

use pairform::compile::{Compilation, Front, Judged, Selection, Whole};
use pairform::source::{SourceFile, Sources};
use serde_json::{Value, json};

fn compiled(files: &[(&str, &str)], environment: Option<&str>) -> Compilation<Whole> {
    let mut sources = Sources::default();
    let mut files = files.to_vec();
    files.sort_unstable();
    for (path, text) in files {
        sources.add(SourceFile::new(path, text));
    }
    let selection = Selection { environment: environment.map(str::to_owned), ..Selection::default() };
    Front::read(&sources, &selection).compile(Judged::whole)
}

fn settings(files: &[(&str, &str)], environment: Option<&str>) -> Value {
    compiled(files, environment).integrations[0].document["settings"].clone()
}

const PROJECT: &str = "version: 1\ndefault_environment: test\nenvironments:\n  test: {store: \"sqlite:t.db\", vars: {brand: Test, days: 10}}\n  production: {store: \"sqlite:p.db\", vars: {brand: Nordic, days: 30}}\n";

#[test]
fn the_nearest_layer_wins_and_maps_merge() {
    let found = settings(
        &[
            ("pairform.yaml", "version: 1\n"),
            (
                "bases/far.yaml",
                "settings:\n  payment_methods: {default_terms_of_payment: \"10\", map: {A: \"1\", B: \"1\"}}\n  additional_filters: {include_tags: [x]}\n",
            ),
            (
                "bases/near.yaml",
                "extends: [far]\nsettings:\n  payment_methods: {map: {B: \"2\", C: \"2\"}}\n",
            ),
            ("bases/side.yaml", "settings:\n  payment_methods: {map: {C: \"3\"}}\n"),
            (
                "integrations/shop.yaml",
                "integration: shop\npair: fortnox-shopify\nextends: [near, side]\nsettings:\n  payment_methods: {map: {D: \"4\"}}\n  additional_filters: {include_tags: [y]}\n",
            ),
        ],
        None,
    );
    let methods = ["A", "B", "C", "D"].map(|name| found["payment_methods"]["methods"][name]["terms"].clone());
    assert_eq!(methods, ["1", "2", "3", "4"]);
    assert_eq!(found["payment_methods"]["default_terms_of_payment"], "10");
    assert_eq!(found["additional_filters"]["include_tags"], json!(["y"]), "lists replace");
}

#[test]
fn null_resets_and_a_marked_map_replaces() {
    let base = (
        "bases/far.yaml",
        "settings:\n  payment_methods: {map: {A: \"1\", B: \"1\"}, default_terms_of_payment: \"10\"}\n",
    );
    let shop = "integration: shop\npair: fortnox-shopify\nextends: [far]\nsettings:\n  payment_methods: {map: !replace {C: \"2\"}, default_terms_of_payment: null}\n";
    let found = settings(&[("pairform.yaml", "version: 1\n"), base, ("integrations/shop.yaml", shop)], None);
    assert_eq!(
        found["payment_methods"],
        json!({"methods": {"C": {"terms": "2"}}, "default_terms_of_payment": null})
    );
}

#[test]
fn an_environment_brings_values_and_patches() {
    let files = [
        ("pairform.yaml", PROJECT),
        (
            "environments/production.yaml",
            "vars: {days: 60}\nall:\n  settings: {general: {error_email: \"all@example.com\"}}\nintegrations:\n  shop:\n    settings: {general: {error_email: \"shop@example.com\"}}\n",
        ),
        (
            "integrations/shop.yaml",
            "integration: shop\npair: fortnox-shopify\nvars: {city: Kiruna}\nsettings:\n  general: {name: \"{{ brand }} {{ city }} ({{ environment }})\"}\n  order: {delivery_days: \"{{ days }}\"}\n",
        ),
    ];
    let test = settings(&files, None);
    assert_eq!(
        test["general"],
        json!({"name": "Test Kiruna (test)"}),
        "the default environment counts when none is named"
    );
    assert_eq!(test["order"]["delivery_days"], 10, "one expression keeps its type");
    let production = settings(&files, Some("production"));
    assert_eq!(production["general"]["name"], "Nordic Kiruna (production)");
    assert_eq!(production["general"]["error_email"], "shop@example.com");
    assert_eq!(production["order"]["delivery_days"], 60);
}

#[test]
fn a_mistake_in_a_base_is_one_finding_that_names_who_suffers() {
    let shop = |name: &str| format!("integration: {name}\npair: fortnox-shopify\nextends: [far]\n");
    let (one, two) = (shop("one"), shop("two"));
    let found = compiled(
        &[
            ("pairform.yaml", "version: 1\n"),
            ("bases/far.yaml", "settings:\n  order: {creates: ordr}\n"),
            ("integrations/one.yaml", &one),
            ("integrations/two.yaml", &two),
        ],
        None,
    );
    let wrong: Vec<_> = found.findings.iter().filter(|finding| finding.code.id == "E0304").collect();
    assert_eq!(wrong.len(), 1, "{wrong:#?}");
    assert_eq!(
        (wrong[0].about.integration.as_deref(), &wrong[0].also),
        (Some("one"), &vec!["two".to_owned()])
    );
}

#[test]
fn no_value_can_bring_yaml_of_its_own() {
    let found = settings(
        &[
            ("pairform.yaml", "version: 1\n"),
            (
                "integrations/shop.yaml",
                "integration: shop\npair: fortnox-shopify\nvars: {brand: \"x\\nlive_mode: true\\n{{ pair }}\"}\nsettings:\n  general: {name: \"{{ brand }}\"}\n",
            ),
        ],
        None,
    );
    assert_eq!(found["general"], json!({"name": "x\nlive_mode: true\n{{ pair }}"}));
}

/// A name can only ever mean a file that was loaded from `bases/`.
#[test]
fn a_base_is_a_name_and_no_path_out_of_the_project() {
    for name in ["../../etc/passwd", "/etc/passwd", "../pairform", "..", "bases/../../secret"] {
        let shop = format!("integration: shop\npair: fortnox-shopify\nextends: [{name}]\n");
        let files = [("pairform.yaml", "version: 1\n"), ("integrations/shop.yaml", shop.as_str())];
        let found = compiled(&files, None).findings;
        let told: Vec<&str> =
            found.iter().map(|finding| finding.code.id).filter(|id| id.starts_with("E02")).collect();
        assert_eq!(told, ["E0202"], "{name}");
    }
}

#[test]
fn a_null_takes_away_what_lies_below_through_other_bases_too() {
    let found = settings(
        &[
            ("pairform.yaml", "version: 1\n"),
            ("bases/a.yaml", "settings: {payment_methods: {map: {Klarna: \"30\"}}}\n"),
            ("bases/x.yaml", "settings: {payment_methods: {map: null}}\n"),
            ("bases/b.yaml", "extends: [x]\nsettings: {payment_methods: {map: {Swish: \"0\"}}}\n"),
            ("integrations/shop.yaml", "integration: shop\npair: fortnox-shopify\nextends: [a, b]\n"),
        ],
        None,
    );
    assert_eq!(found["payment_methods"]["methods"], json!({"Swish": {"terms": "0"}}));
}

#[test]
fn a_part_under_which_nothing_stands_takes_nothing_away() {
    let found = compiled(
        &[
            ("pairform.yaml", "version: 1\n"),
            (
                "bases/a.yaml",
                "flows: {orders: true}\nsettings: {payment_methods: {default_terms_of_payment: \"30\"}}\nschedules: {orders: {flow: orders, every: 15m}}\n",
            ),
            (
                "integrations/shop.yaml",
                "integration: shop\npair: fortnox-shopify\nextends: [a]\nflows:\nschedules:\nsettings:\n  payment_methods:\n    # later\n",
            ),
        ],
        None,
    );
    let document = &found.integrations[0].document;
    assert_eq!(document["settings"]["payment_methods"]["default_terms_of_payment"], "30");
    assert_eq!(
        (&document["flows"]["orders"], &document["schedules"]["orders"]["every"]),
        (&json!(true), &json!("15m"))
    );
}

/// Code and message of what is wrong, warnings left out.
fn wrong(files: &[(&str, &str)]) -> Vec<String> {
    let found = compiled(files, Some("test")).findings;
    let errors = found.iter().filter(|one| one.severity == pairform::diagnostic::Severity::Error);
    errors.map(|one| format!("{} {}", one.code.id, one.message)).collect()
}

#[test]
fn what_only_an_integration_says_is_told_where_it_stands_elsewhere() {
    let shop = ("integrations/shop.yaml", "integration: shop\npair: fortnox-shopify\nextends: [a]\n");
    for (path, text, expected) in [
        ("bases/a.yaml", "integration: other\n", "E0301 unknown key `integration` in a base"),
        ("bases/a.yaml", "renamed_from: other\n", "E0301 unknown key `renamed_from` in a base"),
        ("environments/test.yaml", "all: {extends: [a]}\n", "E0301 unknown key `extends` in an environment"),
        (
            "environments/test.yaml",
            "integrations: {shop: {integration: x}}\n",
            "E0301 unknown key `integration` in an environment",
        ),
    ] {
        let mut files = vec![("pairform.yaml", PROJECT), shop, (path, text)];
        if path != "bases/a.yaml" {
            files.push(("bases/a.yaml", "settings: {general: {name: A}}\n"));
        }
        assert_eq!(wrong(&files), [expected], "{path}");
    }
    let twice =
        [("pairform.yaml", PROJECT), shop, ("bases/a.yaml", "flows: {}\n"), ("bases/a.yml", "flows: {}\n")];
    assert_eq!(wrong(&twice), ["E0206 two files are the base `a`"]);
}

#[test]
fn a_base_whose_values_are_all_overridden_is_used_and_a_long_chain_ends() {
    let found = compiled(
        &[
            ("pairform.yaml", "version: 1\n"),
            ("bases/a.yaml", "settings: {general: {name: A}}\n"),
            (
                "integrations/shop.yaml",
                "integration: shop\npair: fortnox-shopify\nextends: [a]\nsettings: {general: {name: B}}\n",
            ),
        ],
        None,
    );
    assert!(found.findings.iter().all(|one| one.code.id != "W0209"), "{:?}", found.findings);
    let bases: Vec<(String, String)> = (0..10_000)
        .map(|number| (format!("bases/b{number:05}.yaml"), format!("extends: [b{:05}]\n", number + 1)))
        .collect();
    let mut files: Vec<(&str, &str)> =
        bases.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    files.extend([
        ("pairform.yaml", "version: 1\n"),
        ("integrations/shop.yaml", "integration: shop\npair: fortnox-shopify\nextends: [b00000]\n"),
    ]);
    assert!(compiled(&files, None).findings.iter().any(|one| one.message.contains("64 deep")));
}

/// Whoever validates wants to know of every environment, and each mistake once.
#[test]
fn validate_judges_each_environment() {
    let project = crate::run::Project::empty();
    project.write("pairform.yaml", PROJECT);
    project.write(
        "integrations/shop.yaml",
        "integration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  order: {delivery_days: \"{{ days }}\", creates: odrer}\n",
    );
    project.write("environments/production.yaml", "all: {settings: {order: {delivery_dais: 3}}}\n");
    let errors = |arguments: &[&str]| -> Vec<String> {
        let said = project.run(&[arguments, &["-o", "json"]].concat()).json();
        let errors = said["findings"].as_array().unwrap().iter().filter(|one| one["severity"] == "error");
        errors
            .map(|one| format!("{} {}", one["path"].as_str().unwrap(), one["code"].as_str().unwrap()))
            .collect()
    };
    let both = ["environments/production.yaml E0301", "integrations/shop.yaml E0304"];
    assert_eq!(errors(&["validate"]), both);
    assert_eq!(errors(&["validate", "--env", "test"]), both[1..]);
    assert_eq!(errors(&["validate", "environments/production.yaml"]), both);
    let told = project.run(&["validate"]);
    assert!(told.stdout.contains("in the environment `production`"), "{}", told.stdout);
    // Without a default one, an expression still has its variables.
    project.write("pairform.yaml", PROJECT.replace("default_environment: test\n", ""));
    assert_eq!(errors(&["validate"]), both);
}

#[test]
fn a_null_takes_away_what_has_a_name_of_its_own() {
    const FAR: &str = "connectors:\n  shopify:\n    active: live\n    connections:\n      live: {shop: nordic, access_token: {secret: env/A}, webhook_secret: {secret: env/B}}\n      test: {shop: nordic-test, access_token: {secret: env/C}}\nschedules:\n  stock: {flow: stock, every: 30m}\n  orders: {flow: orders, every: 15m}\nwebhooks: {new: {connector: shopify, topic: orders/create, flow: orders}}\n";
    const GONE: &str = "connectors: {shopify: {connections: {test: null, live: {webhook_secret: null}}}}\nschedules: {stock: null, orders: {every: null, after: base}, base: {flow: articles, every: 1d}}\nwebhooks: {new: }\n";
    let shop = |extends: &str, more: &str| {
        format!("integration: shop\npair: fortnox-shopify\nextends: [{extends}]\n{more}")
    };
    let kept = json!({
        "connectors": {"shopify": {"active": "live", "connections": {"live": {"shop": "nordic", "access_token": {"secret": "env/A", "fingerprint": null}}}}},
        "schedules": {"orders": {"flow": "orders", "after": "base"}, "base": {"flow": "articles", "every": "1d"}},
        "webhooks": {},
    });
    // In the integration, in a base over its own, in one beside it, and in an environment.
    for (extends, near, own, patch) in [
        ("far", "", GONE, ""),
        ("near", &*format!("extends: [far]\n{GONE}"), "", ""),
        ("far, near", GONE, "", ""),
        ("far", "", "", &*format!("all:\n  {}", GONE.trim_end().replace('\n', "\n  "))),
    ] {
        let own = shop(extends, own);
        let mut files = vec![
            ("pairform.yaml", PROJECT),
            ("bases/far.yaml", FAR),
            ("integrations/shop.yaml", &own),
            ("environments/test.yaml", patch),
        ];
        if !near.is_empty() {
            files.push(("bases/near.yaml", near));
        }
        let found = compiled(&files, Some("test"));
        for (part, wanted) in kept.as_object().unwrap() {
            assert_eq!(found.integrations[0].document[part], *wanted, "{extends}: {part}");
        }
        let unfit = found.findings.iter().find(|finding| finding.code.id.starts_with("E03"));
        assert!(unfit.is_none_or(|finding| finding.code.id == "E0312"), "{unfit:?}");
    }
    // A key behind which nothing stands, over nothing, was forgotten.
    let own = shop("far", "connectors: {shopify: {connections: {live: {client_secret: }}}}\n");
    let found = compiled(
        &[("pairform.yaml", PROJECT), ("bases/far.yaml", FAR), ("integrations/shop.yaml", &own)],
        Some("test"),
    );
    assert!(found.findings.iter().any(|finding| finding.code.id == "E0303"), "{:?}", found.findings);
}
