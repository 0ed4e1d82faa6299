//! The schema that is published: the structure, and as conditions what a live integration must have decided.

use serde_json::{Value as Json, json};

use crate::model::{FLOWS, GENERAL, SettingPath, category};
use crate::schema::pair::{Category, Condition, Pair, Reference, Required, Setting};

impl Pair {
    /// The self-contained JSON Schema (draft 2020-12) that `schema show --json` prints.
    #[must_use]
    pub fn document(&self) -> &Json {
        self.document.get_or_init(|| document(self))
    }
}

fn document(pair: &Pair) -> Json {
    let mut schema = pair.validator().schema().clone();
    let mut rules = Vec::new();
    for category in pair.categories() {
        for setting in &category.settings {
            if let Required::Yes { when, unless } = &setting.required {
                rules.push(json!({
                    "if": {"allOf": premises(pair, category, setting, when, unless)},
                    "then": declared_anywhere(pair, &category.id, &setting.path),
                }));
            }
        }
    }
    schema["title"] = format!("{} ({})", pair.title, pair.id).into();
    schema["properties"]["pair"]["const"] = pair.id.as_str().into();
    schema["allOf"] = Json::Array(rules);
    schema
}

fn premises(
    pair: &Pair,
    category: &Category,
    setting: &Setting,
    when: &[Condition],
    unless: &[Reference],
) -> Vec<Json> {
    let live = place(GENERAL, &SettingPath::root().child("live_mode"));
    let mut all = vec![
        has_value(&live, &[Json::Bool(true)], false),
        json!({"not": {"properties": {"unmanaged": {"type": "array", "contains": {"const": category.id}}}, "required": ["unmanaged"]}}),
    ];
    let any_on = |flows: &[String]| {
        let on = flows.iter().filter_map(|id| pair.flow(id)).map(|flow| {
            has_value(&place(FLOWS, &SettingPath::root().child(&flow.id)), &[Json::Bool(true)], flow.default)
        });
        json!({"anyOf": on.chain([Json::Bool(false)]).collect::<Vec<_>>()})
    };
    if let Some(flows) = &category.flows {
        all.push(any_on(flows));
    }
    if !setting.flows.is_empty() {
        all.push(any_on(&setting.flows));
    }
    for condition in when {
        let by_default = condition.default.as_ref().is_some_and(|default| condition.values.contains(default));
        all.push(has_value(
            &place(&condition.on.category, &condition.on.path),
            &condition.values,
            by_default,
        ));
    }
    for reference in unless {
        all.push(json!({"not": declared_anywhere(pair, &reference.category, &reference.path)}));
    }
    all
}

/// The keys from the document's root to a setting.
fn place(category: &str, path: &SettingPath) -> Vec<String> {
    let head = category::keys_to(category).map(str::to_owned);
    head.chain(path.segments().iter().map(ToString::to_string)).collect()
}

/// A schema that holds when the value at `keys` is one of `values`, or is absent or null and that counts as one.
fn has_value(keys: &[String], values: &[Json], by_default: bool) -> Json {
    let mut allowed = values.to_vec();
    if by_default {
        allowed.push(Json::Null);
    }
    keys.iter().rev().fold(json!({"enum": allowed}), |inner, key| {
        let mut schema = json!({"properties": {key: inner}});
        if !by_default {
            schema["required"] = json!([key]);
            schema["type"] = "object".into();
        }
        schema
    })
}

/// A schema that holds when a setting was decided in its place, where it stood before, or in records of which it is a field.
fn declared_anywhere(pair: &Pair, category: &str, path: &SettingPath) -> Json {
    let mut ways = vec![declared(&place(category, path))];
    if let ([setting], Some(schema)) = (path.segments(), pair.category(category)) {
        let root = |name: &str| place(category, &SettingPath::root().child(name));
        for was in &schema.was {
            if was.from == *setting {
                ways.push(in_records(
                    &root(&was.records),
                    &was.field,
                    &match &was.listed {
                        Some(value) => json!({"const": value}),
                        None => json!({"not": {"const": null}}),
                    },
                ));
            }
            if was.records == *setting {
                ways.push(declared(&root(&was.from)));
            }
        }
        for of in &pair.settings {
            let here = of.kept.iter().filter(|kept| kept.category == *category && kept.mapping == *setting);
            ways.extend(here.map(|kept| {
                let records = SettingPath::root().child(&kept.records);
                in_records(&place(&of.id, &records), &kept.field, &Json::Bool(true))
            }));
        }
    }
    if ways.len() == 1 { ways.remove(0) } else { json!({"anyOf": ways}) }
}

/// A schema that holds when one of the records at `keys` has such a field.
fn in_records(keys: &[String], field: &str, value: &Json) -> Json {
    let has = json!({"type": "object", "properties": {field: value}, "required": [field]});
    let some = json!({"type": "object", "not": {"additionalProperties": {"not": has}}});
    keys.iter()
        .rev()
        .fold(some, |inner, key| json!({"type": "object", "properties": {key: inner}, "required": [key]}))
}

/// A schema that holds when a value was decided at `keys`.
fn declared(keys: &[String]) -> Json {
    // An empty text, list or map decides nothing.
    keys.iter().rev().fold(
        json!({"not": {"enum": [null, "", [], {}]}}),
        |inner, key| json!({"type": "object", "properties": {key: inner}, "required": [key]}),
    )
}
