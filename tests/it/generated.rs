//! Generated configurations of every pair: what was applied is what the next plan wants, and a second apply saves nothing.
//!
//! Six for each pair; with PAIRFORM_TEST_LONG=1 a thousand.

use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use crate::dice::Dice;
use crate::documents::json_of;
use crate::run::Project;
use crate::schemas::{PAIRS, all_places, sample_text, schema_at, with, without};

/// Another value that the schema takes, or none where only the one that is there is known to fit.
fn another(schema: &Json, dice: &mut Dice) -> Option<Json> {
    let list = schema.get("enum").and_then(Json::as_array);
    if let Some(options) = list {
        return options.get(dice.below(options.len())).cloned();
    }
    let kind = schema["type"].as_str().or_else(|| schema["type"].get(0)?.as_str())?;
    let bound =
        |key: &str| schema.get(key).and_then(Json::as_u64).and_then(|bound| usize::try_from(bound).ok());
    match kind {
        "boolean" => Some(json!(dice.below(2) == 0)),
        "integer" | "number" if schema.get("x-code").is_none() => {
            let (least, most) = (bound("minimum").unwrap_or(0), bound("maximum").unwrap_or(90));
            Some(json!(least + dice.below(most.saturating_sub(least) + 1)))
        }
        "integer" if schema.get("pattern").is_none() => Some(json!(1000 + dice.below(9000))),
        // Free text, codes included: with what YAML and SQL would take for something else.
        "string" if ["pattern", "format", "x-secret"].iter().all(|key| schema.get(*key).is_none()) => {
            let texts = ["0", "007", "no", "null", "1e3", "~", "a: b", "it's", "Åre 🏔", "#x", "- y", "{z}"];
            Some(json!(texts[dice.below(texts.len())]))
        }
        _ => None,
    }
}

/// A sample with settings left out, reset and set to something else.
fn vary(pair: &pairform::schema::Pair, valid: &Json, dice: &mut Dice) -> Json {
    let mut document = valid.clone();
    // In live mode nothing that is required may be missing.
    let live = dice.below(4) == 0;
    for place in all_places(valid) {
        let setting = place.starts_with("/settings/") && place.matches('/').count() > 2;
        if !setting || document.pointer(&place).is_none() {
            continue;
        }
        let Some(schema) = schema_at(pair, &place) else { continue };
        // What has days is one value, and its parts are no settings.
        let above = place.match_indices('/').skip(1).map(|(end, _)| &place[..end]);
        if above.filter_map(|holder| schema_at(pair, holder)).any(|holder| holder["x-days"].is_string()) {
            continue;
        }
        // A record's field that another mapping keeps has to say what that one says.
        if schema.get("x-kept-in").is_some() || place.starts_with("/settings/invoice/mode_of_payment_map/") {
            continue;
        }
        // Payouts look for the order number where it is.
        if place.ends_with("/order_number_field") || place.ends_with("/payout/reference_field") {
            continue;
        }
        // A record without what it needs, or with one of two ways to say a thing, is wrong by itself.
        let (holder, key) = place.rsplit_once('/').unwrap();
        let needed = schema_at(pair, holder).is_some_and(|holder| {
            let required = holder["required"].as_array().is_some_and(|all| all.iter().any(|one| one == key));
            required || holder.get("oneOf").is_some()
        });
        if needed {
            continue;
        }
        let in_list = place.rsplit('/').next().is_some_and(|last| last.parse::<usize>().is_ok())
            && !document.pointer(place.rsplit_once('/').unwrap().0).unwrap().is_object();
        match dice.below(6) {
            0 if !in_list && !live => document = without(&document, &place),
            1 if !in_list && !live => document = with(&document, &place, Json::Null),
            2 | 3 if !in_list => {
                if let Some(value) = another(schema, dice) {
                    document = with(&document, &place, value);
                }
            }
            _ => {}
        }
    }
    document["settings"]["general"]["live_mode"] = live.into();
    document
}

#[test]
fn what_was_applied_is_what_the_next_plan_wants() {
    let each = if std::env::var_os("PAIRFORM_TEST_LONG").is_some() { 1_000 } else { 6 };
    let project = Project::empty();
    let mut dice = Dice(20_261_125);
    let mut secrets = BTreeSet::new();
    for (pair, _) in PAIRS.iter() {
        let text = sample_text(pair, "valid.yaml");
        secrets.extend(text.split("env/").skip(1).map(|rest| rest.split('}').next().unwrap().to_owned()));
        let valid = json_of(&text);
        for number in 0..each {
            let name = format!("{}-{number}", pair.id);
            let mut document = vary(pair, &valid, &mut dice);
            document["integration"] = name.clone().into();
            project.write(&format!("integrations/{name}.yaml"), document.to_string());
        }
    }
    let secrets: Vec<(&str, &str)> = secrets.iter().map(|name| (name.as_str(), "value")).collect();
    // What a rule refuses is not applied; it is the smaller part.
    let judged = project.run(&["validate", "-o", "json"]).json();
    let errors = judged["findings"].as_array().unwrap().iter().filter(|one| one["severity"] == "error");
    let wrong: BTreeSet<String> = errors.map(|one| one["integration"].as_str().unwrap().to_owned()).collect();
    assert!(wrong.len() * 2 < PAIRS.len() * each, "{} of {}: {:?}", wrong.len(), PAIRS.len() * each, wrong);
    for name in &wrong {
        std::fs::remove_file(project.at(&format!("integrations/{name}.yaml"))).unwrap();
    }
    let planned = project.run_with(&["plan", "-o", "json"], &secrets).assert_code(0).json();
    let live = planned["integrations"].as_array().unwrap().iter().filter(|one| one["mode"] == "live").count();
    assert!(live > each / 2, "{live}");
    let applied = project.run_with(&["apply", "--yes", "-o", "json"], &secrets).assert_code(0).json();
    let saved = applied["summary"]["saved"].as_u64().unwrap();
    assert!(saved > 10 * (PAIRS.len() * each - wrong.len()) as u64, "{saved}");
    let again = project.run_with(&["plan", "--detailed-exitcode"], &secrets);
    assert_eq!(again.code, 0, "{}", again.stdout);
    let again = project.run_with(&["apply", "--yes", "-o", "json"], &secrets).assert_code(0).json();
    assert_eq!(again["summary"]["saved"], 0);
}
