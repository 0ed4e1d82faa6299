//! From a platform's answer to values: paths of descriptors lead to items, items become values with labels. Nothing of an answer
//! is copied but what is kept.

use std::collections::BTreeSet;

use serde_json::{Map, Value as Json};

use super::descriptor::{CodeType, Descriptor, Fetch, Flag, Flags, fill};
use crate::http::{Fault, FaultKind};
use crate::options::lists::Choice;

/// How deep a tree of items may be.
const DEPTH_LIMIT: usize = 100;
/// Longer codes and labels are no dropdown values.
const TEXT_LIMIT: usize = 300;

fn unusable(message: impl Into<String>) -> Fault {
    Fault::new(FaultKind::Unusable, message)
}

/// All that stands at a path of a descriptor: names joined by dots, `[]` goes through a list, `.` is the answer itself.
#[must_use]
pub fn at<'a>(answer: &'a Json, path: &str) -> Vec<&'a Json> {
    let mut found = vec![answer];
    for name in path.split('.').filter(|name| !name.is_empty()) {
        let (name, through) = name.strip_suffix("[]").map_or((name, false), |name| (name, true));
        if !name.is_empty() {
            found = found.into_iter().filter_map(|node| node.as_object()?.get(name)).collect();
        }
        if through {
            found = found.into_iter().flat_map(inside).collect();
        }
    }
    found
}

/// The items of a list, or the values of a map.
fn inside(node: &Json) -> Vec<&Json> {
    match node {
        Json::Array(items) => items.iter().collect(),
        Json::Object(map) => map.values().collect(),
        _ => Vec::new(),
    }
}

/// The first that stands at a path.
#[must_use]
pub fn first<'a>(answer: &'a Json, path: &str) -> Option<&'a Json> {
    let mut found = answer;
    for name in path.split('.').filter(|name| !name.is_empty()) {
        if name.ends_with("[]") {
            return at(answer, path).into_iter().next();
        }
        found = found.as_object()?.get(name)?;
    }
    Some(found)
}

/// A number at a path, written as number or text.
#[must_use]
pub fn number(answer: &Json, path: &str) -> Option<u64> {
    let found = first(answer, path)?;
    found.as_u64().or_else(|| found.as_str()?.trim().parse().ok())
}

/// A text or a number at a path, as text.
#[must_use]
pub fn scalar(answer: &Json, path: &str) -> Option<String> {
    match first(answer, path)? {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        Json::Bool(flag) => Some(flag.to_string()),
        _ => None,
    }
}

/// The items of a list's answer.
///
/// # Errors
/// What the answer lacks.
pub fn items<'a>(answer: &'a Json, fetch: &Fetch) -> Result<Vec<&'a Json>, Fault> {
    let mut found = match &fetch.items {
        None => list(answer, ".")?,
        Some(paths) => {
            let there = paths.all().iter().find(|path| exists(answer, path));
            let path = there
                .ok_or_else(|| unusable(format!("the answer has no `{}`", paths.all().join("` and no `"))))?;
            list(answer, path)?
        }
    };
    if let Some(tree) = &fetch.tree {
        let mut flat = Vec::new();
        flatten(found, tree, 0, &mut flat);
        found = flat;
    }
    Ok(found)
}

/// Whether the way to a path is there; what a list in it holds may be nothing.
fn exists(answer: &Json, path: &str) -> bool {
    let head = path.split_once("[]").map_or(path, |(head, _)| head);
    if head == "." { answer.is_array() } else { first(answer, head).is_some() }
}

fn list<'a>(answer: &'a Json, path: &str) -> Result<Vec<&'a Json>, Fault> {
    let each = path.ends_with("[]");
    // Beyond a list what is found may itself be the item: `edges[].node`.
    let through = path.contains("[].");
    let mut all = Vec::new();
    for node in at(answer, path) {
        match node {
            _ if each => all.push(node),
            Json::Array(items) => all.extend(items),
            Json::Null => {}
            _ if through => all.push(node),
            _ if path == "." => return Err(unusable("the answer is no list")),
            _ => return Err(unusable(format!("`{path}` in the answer is no list"))),
        }
    }
    Ok(all)
}

fn flatten<'a>(items: Vec<&'a Json>, tree: &str, depth: usize, flat: &mut Vec<&'a Json>) {
    for item in items {
        flat.push(item);
        let below = first(item, tree).and_then(Json::as_array).filter(|_| depth < DEPTH_LIMIT);
        if let Some(below) = below {
            flatten(below.iter().collect(), tree, depth + 1, flat);
        }
    }
}

/// The fields of an item that are read of it: what else a platform tells of it is not kept.
pub struct Fields<'a> {
    names: BTreeSet<&'a str>,
    /// Somewhere the item itself is read.
    whole: bool,
}

impl<'a> Fields<'a> {
    /// What a list reads of its items, and what the lists that are asked for each of them do.
    #[must_use]
    pub fn of(fetch: &'a Fetch, descriptor: &'a Descriptor) -> Self {
        let others = descriptor.options.values().filter_map(|set| set.fetch.as_ref());
        let parents = others.flat_map(|other| other.each.values().map(String::as_str));
        let flags =
            [&fetch.active, &fetch.inactive].into_iter().flatten().flat_map(Flags::all).map(
                |flag| match flag {
                    Flag::Path(path) | Flag::Values { path, .. } => path.as_str(),
                },
            );
        let texts = [&fetch.value, &fetch.label].into_iter().flatten().map(String::as_str);
        let paths = texts.chain(flags).chain(fetch.keep.values().map(String::as_str)).chain(parents);
        let mut fields = Fields { names: BTreeSet::new(), whole: false };
        for path in paths.flat_map(|path| path.split(['{', '}'])) {
            let first = path.split('.').find(|name| !name.is_empty()).unwrap_or_default();
            fields.whole |= first.is_empty() && path == "." || first.starts_with("[]");
            fields.names.insert(first.trim_end_matches("[]"));
        }
        fields
    }

    /// An item with these fields alone.
    #[must_use]
    pub fn keep(&self, item: &Json) -> Json {
        match item {
            Json::Object(map) if !self.whole => {
                let kept = map.iter().filter(|(name, _)| self.names.contains(name.as_str()));
                kept.map(|(name, value)| (name.clone(), value.clone())).collect::<Map<_, _>>().into()
            }
            other => other.clone(),
        }
    }
}

/// The value of one item; `None` where a list that is collected from other things has none here.
///
/// # Errors
/// What the item lacks.
pub fn choice(item: &Json, fetch: &Fetch, code: CodeType, personal: bool) -> Result<Option<Choice>, Fault> {
    let value = match &fetch.value {
        None => scalar(item, "."),
        Some(path) => text(item, path),
    };
    let Some(value) = value.filter(|value| !value.is_empty()) else {
        let field = fetch.value.as_deref().unwrap_or("value");
        return if fetch.distinct {
            Ok(None)
        } else {
            Err(unusable(format!("an item of the list has no `{field}`")))
        };
    };
    let value = match code {
        CodeType::Text => value,
        CodeType::Integer => value
            .parse::<i64>()
            .map_err(|_| unusable("an item of the list has a code that is no integer"))?
            .to_string(),
    };
    if value.chars().any(char::is_control) || value.chars().count() > TEXT_LIMIT {
        return Err(unusable("an item of the list has a code that is no text of one line"));
    }
    let label = match &fetch.label {
        _ if personal => String::new(),
        None => value.clone(),
        Some(path) => text(item, path).unwrap_or_default(),
    };
    let keep: Map<String, Json> = fetch
        .keep
        .iter()
        .filter_map(|(name, path)| {
            Some((name.clone(), scalar(item, path).filter(|text| !text.is_empty())?.into()))
        })
        .collect();
    let any_says = |flags: &Option<Flags>, what: bool| {
        flags.iter().flat_map(Flags::all).any(|flag| says(item, flag) == Some(what))
    };
    let active = !any_says(&fetch.active, false) && !any_says(&fetch.inactive, true);
    Ok(Some(Choice { value, label: tidy(&label), active, keep }))
}

/// A field, or a text with `{fields}`.
fn text(item: &Json, path: &str) -> Option<String> {
    if path.contains('{') {
        return fill(path, &|name| Some(scalar(item, name).unwrap_or_default()))
            .ok()
            .map(|text| text.trim().to_owned());
    }
    scalar(item, path)
}

/// What a flag says; `None` when it is not there.
fn says(item: &Json, flag: &Flag) -> Option<bool> {
    match flag {
        Flag::Path(path) => match first(item, path)? {
            Json::Bool(flag) => Some(*flag),
            Json::Number(number) => Some(number.as_f64() != Some(0.0)),
            Json::String(text) => match text.trim().to_ascii_lowercase().as_str() {
                "true" | "yes" | "1" | "all" => Some(true),
                "" | "false" | "no" | "0" | "_x0020_" => Some(false),
                _ => Some(true),
            },
            _ => None,
        },
        Flag::Values { path, is } => first(item, path).map(|found| is.contains(found)),
    }
}

/// A label on one line, without what could steer a terminal.
#[must_use]
pub fn tidy(label: &str) -> String {
    let plain: String = label.chars().map(|c| if c.is_control() || matches!(c, '\u{200e}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}') { ' ' } else { c }).collect();
    plain.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(TEXT_LIMIT).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn fetch(json: Json) -> Fetch {
        serde_json::from_value(json).unwrap()
    }

    fn values(answer: &Json, description: Json) -> Vec<(String, String, bool)> {
        let fetch = fetch(description);
        let items = items(answer, &fetch).unwrap();
        items
            .iter()
            .filter_map(|item| choice(item, &fetch, CodeType::Text, false).unwrap())
            .map(|choice| (choice.value, choice.label, choice.active))
            .collect()
    }

    #[test]
    fn paths_lead_through_names_and_lists() {
        let answer = json!({"a": {"@b": [1, 2]}, "it's": 3, "l": [{"n": 4}, {"m": 5}, 6, {"n": [7]}]});
        for (path, found) in [
            (".", vec![&answer]),
            ("a.@b", vec![&json!([1, 2])]),
            ("a.@b[]", vec![&json!(1), &json!(2)]),
            ("it's", vec![&json!(3)]),
            ("l[].n", vec![&json!(4), &json!([7])]),
            ("l[].n[]", vec![&json!(7)]),
            ("l.n", vec![]),
            ("nothing.at.all", vec![]),
        ] {
            assert_eq!(at(&answer, path), found, "{path}");
            assert_eq!(first(&answer, path), found.first().copied(), "{path}");
        }
    }

    #[test]
    fn an_item_keeps_what_is_read_of_it() {
        let asked =
            fetch(json!({"value": "id", "label": "{a.b} {c}", "keep": {"vat": "v.code"}, "active": "on"}));
        let descriptor =
            serde_json::from_value(json!({"options": {"other": {"title": "Other", "value": "text", "fetch": {"each": {"x": "parent"}}}}}))
                .unwrap();
        let item = json!({"id": 1, "a": {"b": 2}, "c": 3, "v": {"code": 4}, "on": true, "parent": 5, "long": [1, 2]});
        let kept = Fields::of(&asked, &descriptor).keep(&item);
        assert_eq!(kept, json!({"id": 1, "a": {"b": 2}, "c": 3, "v": {"code": 4}, "on": true, "parent": 5}));
        assert_eq!(Fields::of(&asked, &descriptor).keep(&json!("text")), json!("text"));
    }

    #[test]
    fn a_nested_list_is_flattened() {
        let answer = json!({"data": {"nodes": [{"zones": {"nodes": [{"name": "A", "on": true}, {"name": "B", "on": false}]}}, {"zones": {"nodes": []}}]}});
        let got =
            values(&answer, json!({"items": "data.nodes[].zones.nodes", "value": "name", "active": "on"}));
        assert_eq!(got, [("A".into(), "A".into(), true), ("B".into(), "B".into(), false)]);
    }

    #[test]
    fn names_are_collected_from_orders() {
        let answer = json!({"data": {"orders": {"nodes": [{"names": ["klarna"]}, {"names": []}, {"names": ["klarna", "gift_card"]}]}}});
        let got = values(&answer, json!({"items": "data.orders.nodes[].names[]", "distinct": true}));
        assert_eq!(got.len(), 3);
        let none = values(
            &json!({"data": {"orders": {"nodes": []}}}),
            json!({"items": "data.orders.nodes[].names[]", "distinct": true}),
        );
        assert!(none.is_empty());
    }

    #[test]
    fn the_first_envelope_that_exists_is_read() {
        let description = json!({"items": ["records", "."], "value": "id", "label": "{id} {name}"});
        assert_eq!(values(&json!([{"id": "1", "name": "One"}]), description.clone()).len(), 1);
        assert_eq!(values(&json!({"records": [{"id": 1, "name": "One"}]}), description)[0].1, "1 One");
    }

    #[test]
    fn a_list_that_is_not_there_is_told() {
        let asked = fetch(json!({"items": "Accounts", "value": "Number"}));
        assert!(items(&json!({"accounts": []}), &asked).unwrap_err().message.contains("no `Accounts`"));
        assert!(items(&json!({"Accounts": 7}), &asked).unwrap_err().message.contains("no list"));
        assert!(choice(&json!({"Name": "x"}), &asked, CodeType::Integer, false).is_err());
        assert!(choice(&json!({"Number": "30x"}), &asked, CodeType::Integer, false).is_err());
    }

    #[test]
    fn codes_keep_the_platforms_type() {
        let asked = fetch(json!({"value": "c"}));
        let code = |item: Json, code| choice(&item, &asked, code, false).unwrap().map(|choice| choice.value);
        assert_eq!(code(json!({"c": "07"}), CodeType::Text).as_deref(), Some("07"));
        assert_eq!(code(json!({"c": 7}), CodeType::Text).as_deref(), Some("7"));
        assert_eq!(code(json!({"c": "07"}), CodeType::Integer).as_deref(), Some("7"));
    }

    #[test]
    fn a_tree_is_walked() {
        let answer =
            json!({"children": [{"id": "1", "children": [{"id": "2", "children": []}]}, {"id": "3"}]});
        let got = values(&answer, json!({"items": "children", "tree": "children", "value": "id"}));
        assert_eq!(got.iter().map(|(value, ..)| value.as_str()).collect::<Vec<_>>(), ["1", "2", "3"]);
    }

    #[test]
    fn names_of_people_are_not_kept() {
        let asked = fetch(json!({"value": "code", "label": "displayName"}));
        let kept =
            choice(&json!({"code": "PS", "displayName": "Peter Saddow"}), &asked, CodeType::Text, true)
                .unwrap()
                .unwrap();
        assert_eq!((kept.value.as_str(), kept.label.as_str()), ("PS", ""));
    }

    #[test]
    fn labels_are_one_plain_line() {
        assert_eq!(tidy("a\n\u{1b}[31mb\u{202e}"), "a [31mb");
    }
}
