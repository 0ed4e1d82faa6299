//! Records, and the places in which their fields stood before: a file means the same in both forms, `fix` leads from one to the
//! other, and what is deployed does not move.

use std::collections::BTreeMap;

use pairform::compile::{Compilation, Selection, compile};
use pairform::diagnostic::{Finding, Severity};
use pairform::model::{Configuration, SettingPath, to_json};
use pairform::schema::Pair;
use pairform::schema::records::Kept;
use pairform::source::{SourceFile, Sources};
use pairform::yaml::edit;
use serde_json::{Map, Value as Json, json};

use crate::dice::Dice;
use crate::documents::{json_of, yaml_of};
use crate::place::{Project, each_kind};
use crate::schemas::{PAIRS, place_of, sample_text};

fn compiled(files: &[(String, String)], environment: Option<&str>) -> Compilation {
    let mut sources = Sources::default();
    if files.iter().all(|(path, _)| path != "pairform.yaml") {
        sources.add(SourceFile::new("pairform.yaml", "version: 1\n"));
    }
    for (path, text) in files {
        sources.add(SourceFile::new(path, text));
    }
    compile(&sources, &Selection { environment: environment.map(str::to_owned), ..Selection::default() })
}

fn configurations(compilation: &Compilation) -> BTreeMap<&str, &Configuration> {
    compilation.integrations.iter().map(|one| (one.name.as_str(), &one.configuration)).collect()
}

fn of_code<'c>(compilation: &'c Compilation, code: &str) -> Vec<&'c Finding> {
    compilation.findings.iter().filter(|finding| finding.code.id == code).collect()
}

/// A document with the fields of its records where they stood before, as far as the schema says where that was.
fn as_before(pair: &Pair, document: &Json) -> Json {
    let mut document = document.clone();
    for category in &pair.settings {
        let settings = document["settings"][&*category.id].as_object_mut().unwrap();
        for was in &category.was {
            let Some(Json::Object(records)) = settings.get_mut(&*was.records) else { continue };
            let mut rows = Map::new();
            for (name, record) in records.iter_mut() {
                let record = record.as_object_mut().unwrap();
                let told =
                    was.listed.as_ref().is_none_or(|value| record.get(&*was.field) == Some(&json!(value)));
                if let Some(value) = record.get(&*was.field).cloned().filter(|_| told) {
                    record.shift_remove(&*was.field);
                    rows.insert(name.clone(), value);
                }
            }
            let names = || rows.keys().map(|name| json!(name)).collect::<Vec<Json>>();
            let value = if was.listed.is_some() { json!(names()) } else { Json::Object(rows.clone()) };
            if !rows.is_empty() {
                settings.insert(was.from.to_string(), value);
            }
        }
        for was in &category.was {
            if let Some(Json::Object(records)) = settings.get_mut(&*was.records) {
                records.retain(|_, record| record.as_object().is_none_or(|record| !record.is_empty()));
                if records.is_empty() {
                    settings.shift_remove(&*was.records);
                }
            }
        }
    }
    document
}

/// Where records of a document say what a mapping keeps.
pub fn in_records(
    pair: &Pair,
    category: &str,
    mapping: &SettingPath,
    document: &Json,
) -> Vec<(String, Option<Json>)> {
    let mut places = Vec::new();
    for of in &pair.settings {
        let here =
            |kept: &&Kept| kept.category == *category && SettingPath::root().child(&kept.mapping) == *mapping;
        for kept in of.kept.iter().filter(here) {
            let records = place_of(&of.id, &SettingPath::root().child(&kept.records));
            let rows = document.pointer(&records).and_then(Json::as_object).into_iter().flatten();
            let rows = rows.filter(|(_, record)| record.get(&*kept.field).is_some());
            places.extend(rows.map(|(record, _)| (format!("{records}/{record}/{}", kept.field), None)));
        }
    }
    places
}

fn text_of(document: &Json) -> String {
    let mut text = String::new();
    yaml_of(document, 0, &mut text);
    text.trim_start().to_owned()
}

/// The samples in the places of before, in three ways of writing them.
#[test]
fn every_sample_means_the_same_before_and_after_fix() {
    let project = Project::sqlite();
    std::fs::remove_file(project.path("integrations/shop.yaml")).unwrap();
    let (mut now, mut before) = (Vec::new(), Vec::new());
    for (number, (pair, _)) in PAIRS.iter().enumerate() {
        let path = format!("integrations/{}.yaml", pair.id);
        let sample = sample_text(pair, "valid.yaml");
        let document = json_of(&sample);
        let mut old = as_before(pair, &document);
        let text = match number % 3 {
            0 => text_of(&old),
            // All that stood before in one line each.
            1 => {
                let payments = old["settings"]["payment_methods"].take();
                let mut text = text_of(&old).replace("\"payment_methods\": null", "\"payment_methods\":");
                for (key, value) in payments.as_object().unwrap().iter().rev() {
                    let keys = ["settings", "payment_methods", key.as_str()];
                    text = edit::set(&text, &keys, &json!("here")).unwrap();
                    text = text.replace(": here\n", &format!(": {value}  # of {key}\n"));
                }
                text
            }
            // Lists in the column of their keys, and a record that is there already.
            _ => {
                let records = old.pointer_mut("/settings/payment_methods/methods").unwrap();
                records["Other"] = json!({"mark_paid": true});
                let dashes = "\"do_not_sync\":\n    - \"Gift card\"  # booked by hand\n";
                text_of(&old).replace("\"do_not_sync\": [\"Gift card\"]\n", dashes)
            }
        };
        project.write(&path, &text);
        now.push((path.clone(), sample));
        before.push((path, text));
    }
    let (old, new) = (compiled(&before, None), compiled(&now, None));
    // Payment methods and shipping methods.
    assert_eq!(of_code(&old, "N0461").len(), 2 * PAIRS.len());
    for ((name, old), (_, new)) in configurations(&old).iter().zip(configurations(&new)) {
        let mut old = (*old).clone();
        let settings = std::sync::Arc::make_mut(old.categories.get_mut("payment_methods").unwrap());
        settings.retain(|path, _| !path.to_string().starts_with("methods.Other."));
        assert_eq!(old, *new, "{name}");
    }
    project.run(&["fix", "--code", "N0461", "--yes"]).expect(0);
    let read =
        |(path, _): &(String, String)| (path.clone(), std::fs::read_to_string(project.path(path)).unwrap());
    let fixed: Vec<(String, String)> = before.iter().map(read).collect();
    for ((path, old), (_, new)) in before.iter().zip(&fixed) {
        let sorted = |text: &str| {
            let mut all = edit::comments(text);
            all.sort();
            all
        };
        assert_eq!(sorted(old), sorted(new), "{path}");
    }
    let after = compiled(&fixed, None);
    assert_eq!(configurations(&after), configurations(&old));
    assert!(of_code(&after, "N0461").is_empty(), "{:?}", of_code(&after, "N0461"));
}

/// What one layer says of payment methods where it stood before, or in records.
fn layer(dice: &mut Dice, is_old: bool) -> Json {
    const METHODS: [&str; 5] = ["Klarna", "Swish", "Card", "Gift card", "Invoice"];
    let mut payments = Map::new();
    let some =
        |dice: &mut Dice| -> Vec<&str> { METHODS.into_iter().filter(|_| dice.below(3) == 0).collect() };
    if is_old {
        let map: Map<String, Json> = some(dice)
            .into_iter()
            .map(|name| {
                (
                    name.to_owned(),
                    if dice.below(5) == 0 { Json::Null } else { dice.below(9).to_string().into() },
                )
            })
            .collect();
        payments.insert("map".into(), if dice.below(9) == 0 { Json::Null } else { map.into() });
        let listed = some(dice);
        let (none, invoice): (Vec<&str>, Vec<&str>) = listed.into_iter().partition(|_| dice.some());
        if dice.below(4) == 0 {
            payments.insert("do_not_sync".into(), json!(none));
            payments.insert("creates_per_method".into(), json!(invoice));
        }
    } else {
        let record = |dice: &mut Dice| json!({"terms": dice.below(9).to_string(), "mark_paid": dice.some()});
        let records = some(dice).into_iter().map(|name| (name.to_owned(), record(dice))).collect();
        payments.insert("methods".into(), Json::Object(records));
    }
    json!({"payment_methods": payments})
}

/// Layers in both forms, lists that take the place of others, resets: whatever `fix` makes of them compiles to the same.
#[test]
fn fix_moves_no_setting_of_a_fleet() {
    let mut dice = Dice(11);
    for round in 0..3 {
        let project = Project::sqlite();
        std::fs::remove_file(project.path("integrations/shop.yaml")).unwrap();
        let mut files = vec![(
            "pairform.yaml".to_owned(),
            "version: 1\ndefault_environment: test\nenvironments: {test: {}, production: {}}\n".to_owned(),
        )];
        for base in 0..4 {
            let extends = if base > 0 && dice.some() {
                json!([format!("base-{}", dice.below(base))])
            } else {
                json!([])
            };
            let document = json!({"extends": extends, "settings": layer(&mut dice, round < 2)});
            files.push((format!("bases/base-{base}.yaml"), text_of(&document)));
        }
        for shop in 0..20 {
            let extends: Vec<String> =
                (0..4).filter(|_| dice.below(3) == 0).map(|base| format!("base-{base}")).collect();
            let is_old = round != 1 || dice.some();
            let document = json!({"integration": format!("shop-{shop:02}"), "pair": "fortnox-shopify", "extends": extends,
                "settings": layer(&mut dice, is_old)});
            files.push((format!("integrations/shop-{shop:02}.yaml"), text_of(&document)));
        }
        let patch = json!({"integrations": {"shop-03": {"settings": layer(&mut dice, true)}}});
        files.push(("environments/production.yaml".to_owned(), text_of(&patch)));
        files.iter().for_each(|(path, text)| project.write(path, text));
        let environments = [Some("test"), Some("production")];
        let before = environments.map(|environment| compiled(&files, environment));
        project.run(&["fix", "--code", "N0461", "--yes"]);
        let read = |(path, _): &(String, String)| {
            (path.clone(), std::fs::read_to_string(project.path(path)).unwrap())
        };
        let fixed: Vec<(String, String)> = files.iter().map(read).collect();
        let after = environments.map(|environment| compiled(&fixed, environment));
        for (before, after) in before.iter().zip(&after) {
            assert_eq!(configurations(before), configurations(after));
        }
        let left = |all: &[Compilation; 2]| all.iter().map(|one| of_code(one, "N0461").len()).sum::<usize>();
        assert!(left(&after) < left(&before), "round {round}: {} of {}", left(&after), left(&before));
    }
}

const OLD: &str = "    map: {Klarna: '30', Swish: '0'}\n";
const LISTS: &str =
    "    map: {Klarna: '30', Swish: '0'}\n    do_not_sync: [Gift card]\n    creates_per_method: [Klarna]\n";

fn payments(project: &Project) -> Json {
    let rows = project.store().read(None).unwrap();
    to_json(&rows.into_iter().find(|row| row.category == "payment_methods").unwrap().settings)
}

/// The settings that a plan moves.
fn moved(plan: &Json) -> Vec<String> {
    let integrations = plan["integrations"].as_array().unwrap().iter();
    let categories = integrations.flat_map(|one| one["categories"].as_array().unwrap());
    let changes = categories.flat_map(|category| category["changes"].as_array().unwrap());
    changes.map(|change| change["setting"].as_str().unwrap().to_owned()).collect()
}

/// As an older program saved it.
const SAVED: &str = r#"{"creates_per_method":["Klarna"],"default_terms_of_payment":"30","do_not_sync":["Gift card"],"map":{"Klarna":"30","Swish":"0"}}"#;

#[test]
fn what_an_older_program_applied_is_no_change_in_either_form() {
    for project in each_kind() {
        project.edit("integrations/shop.yaml", OLD, LISTS);
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand(&format!(
            "UPDATE category SET settings = '{SAVED}', applied = '{SAVED}' WHERE category = 'payment_methods'"
        ));
        project.run(&["plan", "--detailed-exitcode"]).expect(0);
        let old = std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap();
        project.run(&["fix", "--code", "N0461", "--yes"]).expect(0);
        project.run(&["plan", "--detailed-exitcode"]).expect(0);
        let new = std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap();
        assert!(new.contains("    methods: {Klarna: {terms: '30', document: invoice}, Swish: {terms: '0'}, Gift card: {document: none}}\n"), "{new}");
        // Somebody who knows the old places alone adds a row and takes one out of a list.
        project.by_hand(
            "UPDATE category SET settings = replace(replace(settings, '\"Swish\":\"0\"', '\"Swish\":\"10\"'), '[\"Gift card\"]', '[]') WHERE category = 'payment_methods'",
        );
        let drift = project.run(&["drift", "-o", "json"]).expect(0).json();
        let drifted = moved(&drift);
        assert_eq!(drifted, ["methods.\"Gift card\".document", "methods.Swish.terms"]);
        // Into either form of the file.
        for text in [&old, &new] {
            project.write("integrations/shop.yaml", text);
            let shown = project.run(&["pull", "--yes"]).expect(0);
            let pulled = std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap();
            assert!(pulled.contains("10") && !pulled.contains("Gift card"), "{pulled}\n{}", shown.err);
            project.run(&["plan", "--detailed-exitcode"]).expect(0);
            project.write("integrations/shop.yaml", text);
            project.run(&["plan", "--detailed-exitcode"]).expect(2);
            project.run(&["apply", "--yes"]).expect(0);
            let saved = json!({"default_terms_of_payment": "30", "methods": {
                "Gift card": {"document": "none"}, "Klarna": {"document": "invoice", "terms": "30"}, "Swish": {"terms": "0"}}});
            assert_eq!(payments(&project), saved);
            project.by_hand(
                "UPDATE category SET settings = '{\"default_terms_of_payment\":\"30\",\"methods\":{\"Klarna\":{\"document\":\"invoice\",\"terms\":\"30\"},\"Swish\":{\"terms\":\"10\"}}}' WHERE category = 'payment_methods'",
            );
        }
        // The way back leads to what was saved in the old places.
        let back = ["revert", "shop", "--category", "payment_methods", "--revision", "1", "-o", "json"];
        let back = project.run(&back).expect(0).json();
        assert_eq!(moved(&back).len(), 2, "{back:#}");
        for asked in ["payment_methods.map.Swish", "payment_methods.methods.Swish.terms", "map.Swish"] {
            let found = project.run(&["history", "shop", "--setting", asked, "-o", "json"]).expect(0).json();
            assert!(found["saves"].as_array().unwrap().len() >= 3, "{asked}: {found:#}");
        }
    }
}

#[test]
fn a_reset_of_an_old_place_resets_what_is_deployed() {
    let project = Project::sqlite();
    project.edit("integrations/shop.yaml", OLD, LISTS);
    project.run(&["apply", "--yes"]).expect(0);
    project.by_hand("UPDATE category SET applied = '{}' WHERE category = 'payment_methods'");
    project.edit("integrations/shop.yaml", LISTS, "    map: null\n    do_not_sync: []\n");
    let plan = project.run(&["plan", "-o", "json"]).expect(0).json();
    let reset = moved(&plan);
    assert_eq!(reset, ["methods.\"Gift card\".document", "methods.Klarna.terms", "methods.Swish.terms"]);
    project.run(&["apply", "--yes"]).expect(0);
    project.run(&["plan", "--detailed-exitcode"]).expect(0);
    assert_eq!(payments(&project)["methods"], json!({"Klarna": {"document": "invoice"}}));
}

#[test]
fn what_protects_an_old_place_protects_its_record() {
    let project = Project::sqlite();
    project.write(
        "pairform.yaml",
        "version: 1\nsafety: {protected: [payment_methods.map, payment_methods.do_not_sync]}\n",
    );
    project.edit("integrations/shop.yaml", OLD, "    methods: {Klarna: {terms: '30'}}\n");
    project.run(&["apply", "--yes", "--force", "protected: the first"]).expect(0);
    for (change, code) in
        [("{terms: '0'}", 5), ("{terms: '30', document: none}", 5), ("{terms: '30', mark_paid: true}", 0)]
    {
        project.edit("integrations/shop.yaml", "{terms: '30'}", change);
        project.run(&["apply", "--yes"]).expect(code);
        project.edit("integrations/shop.yaml", change, "{terms: '30'}");
    }
    project.run(&["apply", "--yes"]).expect(0);
    project.edit("integrations/shop.yaml", "{terms: '30'}", "{terms: '0'}");
    project.run(&["apply", "--yes", "--force", "protected: agreed"]).expect(0);
    let back = ["revert", "shop", "--category", "payment_methods", "--revision", "1", "-o", "json"];
    let back = project.run(&back).expect(0).json();
    assert_eq!(back["refusals"][0]["check"], "protected", "{back:#}");
}

/// Records, what other places say, and the settings in which they say different things.
const ODDS: [(&str, &str, &[&str]); 12] = [
    ("methods: {A: {terms: '30'}}\n    map: {A: '30'}", "", &[]),
    ("methods: {A: {terms: 30}}\n    map: {A: '30', B: '0'}", "", &[]),
    ("methods: {A: {document: none}}\n    do_not_sync: [A, B]", "", &[]),
    ("methods: {A: {terms: '30'}}\n    map: {A: '14'}", "", &["methods.A.terms"]),
    ("methods: {A: {terms: null}}\n    map: {A: '14'}", "", &["methods.A.terms"]),
    ("methods: {A: null}\n    map: {A: '14'}", "", &["methods.A.terms"]),
    ("methods: null\n    map: {A: '14'}", "", &["methods"]),
    ("methods: {A: {document: none}}\n    creates_per_method: [A]", "", &["methods.A.document"]),
    ("do_not_sync: [A]\n    creates_per_method: [A]", "", &["methods.A.document"]),
    ("methods: {A: {mode_of_payment: KL}}", "mode_of_payment_map: {A: KL, B: BG}", &[]),
    ("methods: {A: {mode_of_payment: KL}}", "mode_of_payment_map: {A: BG}", &["methods.A.mode_of_payment"]),
    ("methods: {A: {mode_of_payment: KL}}", "mode_of_payment_map: null", &["methods.A.mode_of_payment"]),
];

#[test]
fn two_places_that_say_different_things_are_one_error_at_the_record() {
    for (payments, invoice, expected) in ODDS {
        let text = format!(
            "integration: shop\npair: fortnox-shopify\nsettings:\n  payment_methods:\n    {payments}\n  invoice:\n    {invoice}\n"
        );
        let compilation = compiled(&[("integrations/shop.yaml".to_owned(), text.clone())], None);
        let found = of_code(&compilation, "E0460");
        let settings: Vec<&str> =
            found.iter().filter_map(|finding| finding.about.setting.as_deref()).collect();
        assert_eq!(settings, expected, "{text}");
        // Two lists of before mean what they meant.
        let severity = if payments.contains("methods") { Severity::Error } else { Severity::Warning };
        for finding in found {
            assert_eq!(finding.severity, severity, "{text}");
            assert_eq!(finding.related.len(), 1);
            assert_ne!(finding.related[0].span, finding.primary.span, "{text}");
        }
    }
}

#[test]
fn a_field_that_another_category_keeps_is_saved_and_found_there() {
    let project = Project::sqlite();
    project.edit(
        "integrations/shop.yaml",
        OLD,
        "    methods: {Klarna: {terms: '30', mode_of_payment: KL}}\n",
    );
    project.edit("integrations/shop.yaml", "flows: {orders: true}", "flows: {orders: true, invoices: true}");
    project.run(&["apply", "--yes"]).expect(0);
    let rows = project.store().read(None).unwrap();
    let invoice = rows.iter().find(|row| row.category == "invoice").unwrap();
    assert_eq!(to_json(&invoice.settings), json!({"mode_of_payment_map": {"Klarna": "KL"}}));
    assert_eq!(payments(&project)["methods"], json!({"Klarna": {"terms": "30"}}));
    for asked in ["payment_methods.methods.Klarna.mode_of_payment", "invoice.mode_of_payment_map.Klarna"] {
        let told = project.run(&["explain", "shop", asked, "-o", "json"]).expect(0).json();
        assert_eq!(told["settings"][0]["deployed"], "KL", "{asked}: {told:#}");
        assert_eq!(told["settings"][0]["layers"][0]["value"], "KL", "{asked}: {told:#}");
        let rows = project.run(&["list", "--setting", asked, "-o", "json"]).expect(0).json();
        assert_eq!(rows["settings"].as_array().map(Vec::len), Some(1), "{rows:#}");
    }
    // Drift is taken into the record.
    project.by_hand("UPDATE category SET settings = '{\"mode_of_payment_map\":{\"Klarna\":\"BG\"}}' WHERE category = 'invoice'");
    project.run(&["pull", "--yes"]).expect(0);
    let text = std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap();
    assert!(
        text.contains("{Klarna: {terms: '30', mode_of_payment: BG}}")
            && !text.contains("mode_of_payment_map"),
        "{text}"
    );
    project.run(&["plan", "--detailed-exitcode"]).expect(0);
}

#[test]
fn layers_are_told_in_whichever_form_they_are_written() {
    let project = Project::sqlite();
    project.write(
        "bases/far.yaml",
        "settings:\n  payment_methods:\n    map: {Klarna: '10'}\n    do_not_sync: [Klarna, Swish]\n",
    );
    project.edit("integrations/shop.yaml", "pair:", "extends: [far]\npair:");
    project.edit("integrations/shop.yaml", OLD, "    map: {Klarna: '30'}\n    do_not_sync: [Swish]\n");
    let told = |asked: &str| {
        let told = project.run(&["explain", "shop", asked, "-o", "json"]).expect(0).json();
        let rows = told["settings"].as_array().unwrap().clone();
        rows.iter()
            .map(|row| {
                let layers = row["layers"].as_array().unwrap();
                let one = |layer: &Json| format!("{} {}", layer["value"], layer["wins"]);
                format!(
                    "{} {}",
                    row["setting"].as_str().unwrap(),
                    layers.iter().map(one).collect::<Vec<_>>().join(", ")
                )
            })
            .collect::<Vec<String>>()
    };
    assert_eq!(told("payment_methods.map.Klarna"), ["methods.Klarna.terms \"30\" true, \"10\" false"]);
    assert_eq!(told("payment_methods.methods.Klarna.document"), ["methods.Klarna.document \"none\" false"]);
    assert_eq!(
        told("payment_methods.methods.Swish"),
        ["methods.Swish.document \"none\" true, \"none\" false"]
    );
    let rows = project
        .run(&["list", "--setting", "payment_methods.do_not_sync=Swish", "-o", "json"])
        .expect(0)
        .json();
    assert_eq!(rows["settings"][0]["setting"], "methods.Swish.document", "{rows:#}");
}

/// What a list without an item empties, and what an alias says elsewhere too, means the same after `fix`, whether it is written anew or left.
#[test]
fn fix_keeps_the_meaning_of_empty_lists_and_aliases() {
    for (base, own, is_mended) in [
        // An empty list takes away what a base lists: no record can say so. What stands beside it is carried over.
        ("do_not_sync: [Klarna, Swish]", "do_not_sync: []", false),
        ("do_not_sync: [Klarna]\n    map: {Klarna: '10'}", "do_not_sync: []\n    map: {Swish: '30'}", true),
        ("do_not_sync: []", "do_not_sync: [Swish]", false),
        ("methods: {Klarna: {terms: '10'}}", "do_not_sync: []\n    map: {Swish: '30'}", true),
        // An alias has no text of its own, and its anchor may be written anew only where nothing else reads it.
        ("", "map: &rows {Klarna: '30'}", true),
        ("", "map:\n      <<: &rows {Klarna: '30'}\n      Swish: '0'", true),
        ("", "map: {Klarna: &days '30', Swish: *days}", false),
        ("", "do_not_sync: &out [Klarna]\n    creates_per_method: *out", false),
    ] {
        let project = Project::sqlite();
        let base = if base.is_empty() { "{}".to_owned() } else { format!("\n    {base}") };
        project.write("bases/far.yaml", &format!("settings:\n  payment_methods: {base}\n"));
        project.edit("integrations/shop.yaml", "pair:", "extends: [far]\npair:");
        project.edit("integrations/shop.yaml", OLD, &format!("    {own}\n"));
        let said = || {
            let shown = project.run(&["show", "shop", "-o", "json"]).json();
            shown["configuration"]["settings"]["payment_methods"].clone()
        };
        let before = (said(), std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap());
        project.run(&["fix", "--yes"]);
        let after = (said(), std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap());
        assert!(before.0.is_object() && before.0 == after.0, "{own}: {} {}", before.0, after.0);
        assert_eq!(before.1 != after.1, is_mended, "{own}:\n{}", after.1);
    }
}
