//! What the General page knows beside its forms: what goes out of sight with a flow.

use serde_json::{Map, Value as Json, json};

use super::timing;
use crate::ops::section::{Judged, Known};

/// By flow that is on: the categories that nobody sees without it, and the rules that run it.
#[must_use]
pub fn hides(known: &Known, judged: &Judged) -> Json {
    let mut all = Map::new();
    let Some(compiled) = judged.compiled() else { return Json::Object(all) };
    let rules = timing::rules(known);
    for flow in &compiled.flows_on {
        let is_last = |flows: &Vec<String>| {
            flows.contains(flow)
                && !flows.iter().any(|other| other != flow && compiled.flows_on.contains(other))
        };
        let categories = known.pair.settings.iter().filter(|one| one.flows.as_ref().is_some_and(is_last));
        let categories: Vec<&str> = categories.map(|one| one.title.as_str()).collect();
        let rules: Vec<&str> =
            rules.iter().filter(|rule| rule.flow == *flow).map(|rule| rule.name.as_str()).collect();
        all.insert(
            format!("f-{flow}"),
            json!({"n": categories.len(), "categories": categories.join(", "), "rules": rules.join(", ")}),
        );
    }
    Json::Object(all)
}
