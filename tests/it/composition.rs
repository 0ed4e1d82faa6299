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
    assert_eq!(found["payment_methods"]["map"], json!({"A": "1", "B": "2", "C": "3", "D": "4"}));
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
    assert_eq!(found["payment_methods"], json!({"map": {"C": "2"}, "default_terms_of_payment": null}));
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
