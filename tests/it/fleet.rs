//! A thousand integrations on twelve bases and in three environments, against merge rules written once more, and a
//! mistake in one base. Generated from a fixed seed; judged in process.

use std::collections::BTreeMap;

use pairform::compile::{Again, Compilation, Front, Judged, Selection, Whole, compile};
use pairform::source::{SourceFile, Sources, load};
use serde_json::{Map, Value, json};

use crate::dice::Dice;
use crate::run::Project;

const INTEGRATIONS: usize = 1_000;
const BASES: usize = 12;
const ENVIRONMENTS: [&str; 3] = ["test", "stage", "production"];
/// Stands in a map for the mark `!replace` before it.
const REPLACE: &str = "!replace";

/// Settings of one layer: scalars, a list, a map that is merged, replaced or reset, and rows that are reset.
fn layer(dice: &mut Dice) -> Value {
    let mut settings = Map::new();
    let mut payments = Map::new();
    if dice.some() {
        let terms = dice.below(4);
        payments.insert(
            "default_terms_of_payment".into(),
            if terms == 0 { Value::Null } else { terms.to_string().into() },
        );
    }
    if dice.below(8) == 0 {
        payments.insert("map".into(), Value::Null);
    } else if dice.some() {
        let mut map = Map::new();
        for name in ["Klarna", "Swish", "Card", "Invoice"] {
            match dice.below(6) {
                0 => drop(map.insert(name.into(), Value::Null)),
                terms @ 1..=3 => drop(map.insert(name.into(), terms.to_string().into())),
                _ => {}
            }
        }
        if dice.below(4) == 0 {
            map.insert(REPLACE.into(), true.into());
        }
        payments.insert("map".into(), map.into());
    }
    if !payments.is_empty() {
        settings.insert("payment_methods".into(), payments.into());
    }
    if dice.some() {
        let tags: Vec<String> = (0..dice.below(3)).map(|tag| format!("tag{tag}")).collect();
        settings.insert("additional_filters".into(), json!({"include_tags": tags}));
    }
    if dice.some() {
        settings.insert("order".into(), json!({"delivery_days": 1 + dice.below(20)}));
    }
    settings.into()
}

/// One layer as YAML; JSON is YAML, but for the mark.
fn yaml(settings: &Value) -> String {
    match settings {
        Value::Object(map) => {
            let mark = if map.contains_key(REPLACE) { "!replace " } else { "" };
            let rows: Vec<String> = map
                .iter()
                .filter(|(key, _)| *key != REPLACE)
                .map(|(key, value)| format!("{key}: {}", yaml(value)))
                .collect();
            format!("{mark}{{{}}}", rows.join(", "))
        }
        other => other.to_string(),
    }
}

/// Maps merge key by key, all else replaces, and so does a marked map.
fn lay(under: &mut Value, over: &Value) {
    let Value::Object(rows) = over else { return *under = over.clone() };
    if rows.contains_key(REPLACE) || !under.is_object() {
        *under = json!({});
    }
    for (key, value) in rows.iter().filter(|(key, _)| *key != REPLACE) {
        lay(under.as_object_mut().unwrap().entry(key.clone()).or_insert(Value::Null), value);
    }
}

/// The mapping in the records of the methods, as it is compiled: it is written where it stood before.
fn in_records(settings: &mut Value) {
    let Some(payments) = settings.get_mut("payment_methods").and_then(Value::as_object_mut) else { return };
    if let Some(Value::Object(map)) = payments.get("map").cloned().filter(|map| *map != json!({})) {
        payments.shift_remove("map");
        let records = map.into_iter().map(|(name, terms)| (name, json!({"terms": terms})));
        payments.insert("methods".into(), records.collect());
    }
}

/// What is written, by name.
struct Fleet {
    files: BTreeMap<String, String>,
    bases: Vec<(Vec<usize>, Value)>,
    shops: Vec<(Vec<usize>, Value)>,
    /// By environment: for all, and for some.
    patches: Vec<(Value, BTreeMap<usize, Value>)>,
}

fn shop(number: usize) -> String {
    format!("shop-{number:04}")
}

fn names(bases: &[usize]) -> String {
    bases.iter().map(|base| format!("base-{base}")).collect::<Vec<_>>().join(", ")
}

fn fleet() -> Fleet {
    let mut dice = Dice(5);
    let mut files = BTreeMap::new();
    let stores = ENVIRONMENTS.map(|name| format!("{name}: {{store: \"sqlite:{name}.db\"}}")).join(", ");
    files.insert("pairform.yaml".to_owned(), format!("version: 1\nenvironments: {{{stores}}}\n"));
    let mut bases = Vec::new();
    for number in 0..BASES {
        // Four roots, and each other base on one below it: no base is reached in two ways from one.
        let extends: Vec<usize> = if number < 4 { Vec::new() } else { vec![dice.below(number)] };
        let own = layer(&mut dice);
        let text = format!("extends: [{}]\nsettings: {}\n", names(&extends), yaml(&own));
        files.insert(format!("bases/base-{number}.yaml"), text);
        bases.push((extends, own));
    }
    let mut shops = Vec::new();
    for number in 0..INTEGRATIONS {
        let first = dice.below(BASES);
        let mut extends = vec![first];
        let second = dice.below(BASES);
        if second != first && dice.some() {
            extends.push(second);
        }
        let own = layer(&mut dice);
        let text = format!(
            "integration: {}\npair: fortnox-shopify\nextends: [{}]\nsettings: {}\n",
            shop(number),
            names(&extends),
            yaml(&own)
        );
        files.insert(format!("integrations/{}.yaml", shop(number)), text);
        shops.push((extends, own));
    }
    let mut patches = Vec::new();
    for name in ENVIRONMENTS {
        let all = layer(&mut dice);
        let some: BTreeMap<usize, Value> =
            (0..INTEGRATIONS / 10).map(|_| (dice.below(INTEGRATIONS), layer(&mut dice))).collect();
        let mut text = format!("all: {{settings: {}}}\nintegrations:\n", yaml(&all));
        for (number, patch) in &some {
            text += &format!("  {}: {{settings: {}}}\n", shop(*number), yaml(patch));
        }
        files.insert(format!("environments/{name}.yaml"), text);
        patches.push((all, some));
    }
    Fleet { files, bases, shops, patches }
}

fn compiled(files: &BTreeMap<String, String>, environment: &str) -> Compilation<Whole> {
    let mut sources = Sources::default();
    for (path, text) in files {
        sources.add(SourceFile::new(path, text));
    }
    let selection = Selection { environment: Some(environment.to_owned()), ..Selection::default() };
    Front::read(&sources, &selection).compile(Judged::whole)
}

impl Fleet {
    fn lay_base(&self, number: usize, settings: &mut Value) {
        let (extends, own) = &self.bases[number];
        extends.iter().for_each(|base| self.lay_base(*base, settings));
        lay(settings, own);
    }

    fn expected(&self, number: usize, environment: usize) -> Value {
        let mut settings = json!({});
        let (extends, own) = &self.shops[number];
        extends.iter().for_each(|base| self.lay_base(*base, &mut settings));
        lay(&mut settings, own);
        let (all, some) = &self.patches[environment];
        lay(&mut settings, all);
        if let Some(patch) = some.get(&number) {
            lay(&mut settings, patch);
        }
        in_records(&mut settings);
        settings
    }
}

#[test]
fn a_thousand_integrations_get_the_values_that_the_merge_rules_say() {
    let fleet = fleet();
    for (at, environment) in ENVIRONMENTS.iter().enumerate() {
        let compilation = compiled(&fleet.files, environment);
        assert_eq!(compilation.integrations.len(), INTEGRATIONS);
        for (number, found) in compilation.integrations.iter().enumerate() {
            assert_eq!(found.compiled.name, shop(number));
            let found = &found.document["settings"];
            assert_eq!(*found, fleet.expected(number, at), "{} in {environment}", shop(number));
        }
    }
}

#[test]
fn a_mistake_in_one_base_is_one_finding_however_many_suffer() {
    let mut fleet = fleet();
    let base = fleet.files["bases/base-0.yaml"].clone();
    let mut judged = |key: &str| {
        let text = base.replace("settings: {", &format!("settings: {{invoice: {{{key}: true}}, "));
        fleet.files.insert("bases/base-0.yaml".to_owned(), text.replace(", }", "}"));
        compiled(&fleet.files, "test").findings
    };
    let before = judged("book");
    let findings = judged("bookng");
    // What is found of `book` is not told of what was taken for it.
    let is_old = |finding: &pairform::diagnostic::Finding| {
        before
            .iter()
            .any(|one| (&one.message, one.primary.span.file) == (&finding.message, finding.primary.span.file))
    };
    let new: Vec<_> = findings.iter().filter(|finding| !is_old(finding)).collect();
    assert_eq!(new.len(), 1, "{new:#?}");
    assert!(new[0].message.contains("bookng"), "{new:#?}");
    let gone = before.iter().filter(|one| !findings.iter().any(|other| other.message == one.message));
    let gone: Vec<&str> = gone.map(|one| one.message.as_str()).collect();
    assert!(gone.iter().all(|message| message.contains("`book`") || message.contains("booked")), "{gone:#?}");
    assert!(new[0].also.len() > 50, "{}", new[0].also.len());
}

/// What is wrong is known when all were judged, and what is planned is compiled once more: half of a file that somebody saves
/// in between must not stand for all that it says.
#[test]
fn an_integration_that_changes_between_judging_and_planning_is_not_planned() {
    let project = Project::copy("../../examples/nordic-group");
    // What was written just now is kept, as its time may not tell that it is written once more.
    let long_ago = std::time::SystemTime::now() - std::time::Duration::from_secs(60);
    for name in ["garnhuset.yaml", "lilla-hemmet.yaml", "nordic-outdoor/settings/order.yaml"] {
        let file = std::fs::File::options().append(true).open(project.at(&format!("integrations/{name}")));
        file.unwrap().set_modified(long_ago).unwrap();
    }
    let sources = load::load(project.path());
    let compilation = compile(&sources, &Selection::default());
    let again = |name: &str| {
        Again::of(&sources, &compilation, None).compile(name).map_err(|changed| changed.integration)
    };
    for once in &compilation.integrations {
        let twice = again(&once.name).expect("nothing was changed");
        assert_eq!((&twice.configuration, &twice.origins), (&once.configuration, &once.origins));
    }
    project.edit("integrations/garnhuset.yaml", "integration: garnhuset", "integration:  garnhuset");
    assert!(again("garnhuset").is_err_and(|name| name == "garnhuset"));
    assert!(again("lilla-hemmet").is_ok());
    let part = "integrations/nordic-outdoor/settings/order.yaml";
    project.write(part, format!("# One more line.\n{}", project.read(part)));
    assert!(again("nordic-outdoor").is_err(), "a part of it changed");
    std::fs::remove_file(project.at("integrations/lilla-hemmet.yaml")).unwrap();
    assert!(again("lilla-hemmet").is_err() && again("another").is_err());
}
