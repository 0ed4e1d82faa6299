//! None, or more than one, of the forms that a schema offers for a value.

use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use super::context::{Context, Place};
use super::guess::required_groups;
use super::wording::{fallback, quoted, shortened};
use crate::diagnostic::codes::schema as codes;
use crate::diagnostic::{Finding, Label, list_words, nearest};
use crate::schema::keywords::text;
use crate::schema::pointer::{about, escape, segments};
use crate::schema::references::Spot;
use crate::schema::repair::Move;
use crate::yaml::Node;

/// A key that none of the alternatives knows beside one that is missing is one slip, not two.
pub(super) fn misnamed(
    context: &Context<'_>,
    place: &Place<'_>,
    pointer: &str,
    moves: &mut Vec<Move>,
) -> bool {
    let (Some(map), Some(holder)) = (place.node.as_map(), place.holder) else { return false };
    let path = segments(pointer);
    if !matches!(path.first().map(String::as_str), Some("schedules" | "webhooks")) {
        return false;
    }
    let properties = holder.get("properties").and_then(Json::as_object);
    let unknown: Vec<&str> = map
        .entries()
        .iter()
        .map(|entry| &*entry.key.text)
        .filter(|key| properties.is_some_and(|known| !known.contains_key(*key)))
        .collect();
    let groups = required_groups(holder);
    // An unknown key that has been told, and moved.
    if moves.iter().any(|one| one.from.starts_with(&path)) {
        return true;
    }
    let [unknown] = unknown[..] else { return false };
    if groups.iter().flatten().any(|key| map.get(key).is_some()) {
        return false;
    }
    let fits = |key: &&str| {
        let schema = properties.and_then(|known| known.get(*key));
        let value = map.get(unknown).map(|entry| entry.value.to_json());
        schema.zip(value).is_some_and(|(schema, value)| {
            jsonschema::options().build(schema).is_ok_and(|validator| validator.is_valid(&value))
        })
    };
    let Some(near) = groups.iter().flatten().copied().find(|key| fits(key)) else { return false };
    let Some(entry) = map.get(unknown) else { return false };
    let finding = codes::unknown_key("key", unknown, &context.container(pointer), entry.key.span)
        .help(format!("write `{near}`"))
        .about(about(context.words.integration, &format!("{pointer}/{}", escape(unknown))));
    let finding =
        Finding { primary: Label::new(entry.key.span, format!("did you mean `{near}`?")), ..finding };
    let with = |key: &str| path.iter().cloned().chain([key.to_owned()]).collect();
    moves.push(Move { from: with(unknown), to: with(near), finding: Some(finding), value: None, all: None });
    true
}

/// None, or more than one, of the alternatives that a schema offers.
pub(super) fn unfit(context: &Context<'_>, kind: &Kind, place: &Place<'_>, pointer: &str) -> Finding {
    let said = place.holder.map_or("", |holder| text(holder, "x-message"));
    let groups = match &place.spot {
        Some(spot) => groups_behind(context, spot, place.node),
        None => place.holder.map(required_groups).unwrap_or_default(),
    };
    let several = matches!(kind, Kind::OneOfMultipleValid { .. });
    // What is there already is not to be added.
    let set = |key: &&str| !several && place.node.get(key).is_some();
    let mut groups: Vec<Vec<&str>> = groups
        .into_iter()
        .map(|group| group.into_iter().filter(|key| !set(key)).collect())
        .filter(|group: &Vec<&str>| !group.is_empty())
        .collect();
    groups.dedup();
    let words: Vec<String> = groups
        .iter()
        .map(|group| {
            let keys: Vec<String> = group.iter().map(|key| format!("`{key}`")).collect();
            list_words(&keys, "and")
        })
        .collect();
    let what = if several { "has keys that exclude each other" } else { "is incomplete" };
    let named = !words.is_empty() && place.node.as_map().is_some();
    if !named {
        let why = match (said, several) {
            ("", true) => "it has more than one of the forms of which it may have one",
            ("", false) => "not one of the allowed values",
            (said, _) => said,
        };
        let value = place.quotable.then(|| quoted(place.node)).flatten();
        let finding = if place.node.as_map().is_some() {
            codes::unfit_combination(
                &format!("{} does not fit together", context.container(pointer)),
                why,
                place.key,
            )
        } else if let Some(choices) = choices(place).filter(|_| place.quotable) {
            return codes::value_not_allowed(&place.name, value.as_deref(), why, place.node.span)
                .help(choices);
        } else {
            codes::unfit_value(&place.name, value.as_deref(), why, place.node.span)
        };
        return finding.help(fallback(place));
    }
    let why = match (said, words.as_slice()) {
        ("", _) if several => "may have one of them".to_owned(),
        ("", [one]) => format!("needs {one}"),
        ("", _) => "needs one of them".to_owned(),
        (said, _) => said.to_owned(),
    };
    let finding =
        codes::unfit_combination(&format!("{} {what}", context.container(pointer)), &why, place.key);
    let list = words.join(", or ");
    let in_the_way = in_the_way(place);
    finding.help(if several {
        format!("keep one of {}, and take the rest away", list_words(&words, "and"))
    } else if in_the_way.is_empty() {
        format!("add {list}")
    } else {
        format!("add {list}, or take {} away", list_words(&in_the_way, "and"))
    })
}

/// The keys that exclude an alternative of which all else is there.
fn in_the_way(place: &Place<'_>) -> Vec<String> {
    let branches = ["anyOf", "oneOf"].iter().find_map(|key| place.holder?.get(*key)?.as_array());
    let keys = |of: &Json| -> Vec<String> {
        let listed = of.get("required").and_then(Json::as_array).into_iter().flatten();
        listed.filter_map(Json::as_str).map(str::to_owned).collect()
    };
    let is_there = |key: &String| place.node.get(key).is_some();
    let whole = |branch: &&Json| {
        let required = keys(branch);
        !required.is_empty() && required.iter().all(is_there) && excludes(branch, place.node)
    };
    let excluded = branches.into_iter().flatten().find(whole).and_then(|branch| branch.get("not"));
    let Some(not) = excluded else { return Vec::new() };
    let ways = not.get("anyOf").and_then(Json::as_array).map_or(std::slice::from_ref(not), Vec::as_slice);
    ways.iter().flat_map(keys).filter(is_there).map(|key| format!("`{key}`")).collect()
}

/// The values that alternatives name, the nearest first; or their types, where they differ in nothing else.
fn choices(place: &Place<'_>) -> Option<String> {
    let branches = ["anyOf", "oneOf"].iter().find_map(|key| place.holder?.get(*key)?.as_array())?;
    let types: Option<Vec<String>> = branches
        .iter()
        .map(|branch| match branch.get("type")?.as_str()? {
            "integer" => Some("a whole number".to_owned()),
            "number" => Some("a number".to_owned()),
            "string" => Some("a text".to_owned()),
            "boolean" => Some("`true` or `false`".to_owned()),
            "array" => Some("a list".to_owned()),
            "object" => Some("a map".to_owned()),
            _ => None,
        })
        .collect();
    let bare = branches.iter().all(|branch| branch.as_object().is_some_and(|branch| branch.len() == 1));
    if let Some(types) = types.filter(|_| bare) {
        return Some(format!("write {}", list_words(&types, "or")));
    }
    let values: Vec<&str> = branches
        .iter()
        .filter_map(|branch| branch.get("enum")?.as_array())
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let near = place.node.as_text().and_then(|written| nearest(written, values.iter().copied()));
    match near {
        Some(near) => Some(format!("write `{near}`")),
        None if values.is_empty() => None,
        None => {
            let shown: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
            Some(format!("write one of {}", shortened(&shown)))
        }
    }
}

/// Whether an alternative goes with nothing that is there already, by its own `not`.
fn excludes(branch: &Json, node: &Node) -> bool {
    let Some(not) = branch.get("not") else { return false };
    jsonschema::options().build(not).is_ok_and(|validator| validator.is_valid(&node.to_json()))
}

/// Whether the values that are there are those that an alternative has under their keys.
fn takes(branch: &Json, node: &Node) -> bool {
    let keys = branch.get("properties").and_then(Json::as_object);
    keys.into_iter().flatten().all(|(key, schema)| {
        let value = node.get(key).map(Node::to_json);
        value.is_none_or(|value| {
            jsonschema::options().build(schema).map_or(true, |validator| validator.is_valid(&value))
        })
    })
}

/// The keys that each alternative requires, wherever it stands, less those that what is there excludes.
fn groups_behind<'a>(context: &'a Context<'_>, holder: &Spot<'a>, node: &Node) -> Vec<Vec<&'a str>> {
    let documents = context.validator.documents();
    let branches =
        ["anyOf", "oneOf"].iter().map(|key| holder.members(key)).find(|branches| !branches.is_empty());
    let required = |branch: &Spot<'a>| {
        let parts = documents.with_parts(branch);
        let lists = parts.iter().filter_map(|part| part.schema.get("required")?.as_array());
        lists.flatten().filter_map(Json::as_str).collect::<Vec<&str>>()
    };
    let all = branches.iter().flatten().filter(|branch| !excludes(branch.schema, node));
    let (fitting, others): (Vec<&Spot<'a>>, Vec<&Spot<'a>>) =
        all.partition(|branch| takes(branch.schema, node));
    let likely = if fitting.is_empty() { others } else { fitting };
    likely.into_iter().map(required).collect()
}
