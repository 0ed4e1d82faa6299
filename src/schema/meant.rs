//! Which of a schema's alternatives a value was meant as: by what it says of itself, a constant that a branch asks for, and
//! by the keys that a branch knows.
//!
//! Branches are read wherever they stand: in other files, behind references, inside `allOf`. Nothing is worded here.

use serde_json::Value as Json;

use super::references::{Documents, Spot};
use super::same;
use crate::yaml::{Map, Node, NodeKind};

/// What a value says of the alternatives for it.
#[derive(Debug)]
pub(super) enum Meant {
    /// The alternative with this number.
    Branch(usize),
    /// The key that tells the alternatives apart has a value that none of them has, or is not set; these are possible.
    NoSuch { key: String, values: Vec<Json> },
}

/// How well a branch fits a map.
#[derive(Debug, Default, Clone, PartialEq)]
struct Fit<'a> {
    /// Keys whose constant is the one that is written, and keys whose constant is another one.
    hits: usize,
    misses: usize,
    /// Written keys that the branch knows, and those that it has no place for.
    known: usize,
    strange: usize,
    /// What the branch asks of the keys that have one value or a few.
    constants: Vec<(&'a str, Vec<&'a Json>)>,
    required: Vec<&'a str>,
    other_type: bool,
}

/// Deeper alternatives within alternatives are not followed.
const DEPTH: usize = 4;

/// What was meant, where that can be told. `alternatives` is the list under `oneOf` or `anyOf`, `holder` the schema around it.
pub(super) fn meant(
    documents: &Documents,
    holder: &Spot<'_>,
    alternatives: &[Spot<'_>],
    node: &Node,
) -> Option<Meant> {
    let map = node.as_map()?;
    let fits: Vec<Fit<'_>> = alternatives.iter().map(|branch| fit(documents, branch, map, DEPTH)).collect();
    if let Some(at) = by_discriminator(holder, alternatives, &fits, map) {
        return Some(Meant::Branch(at));
    }
    let mut left: Vec<usize> = (0..fits.len()).filter(|at| !fits[*at].other_type).collect();
    let told = |left: &[usize]| match left {
        [one] => Some(Meant::Branch(*one)),
        _ => None,
    };
    if left.is_empty() {
        return None;
    }
    let named: Vec<usize> =
        left.iter().copied().filter(|at| fits[*at].hits > 0 && fits[*at].misses == 0).collect();
    let open: Vec<usize> = left.iter().copied().filter(|at| fits[*at].misses == 0).collect();
    if !named.is_empty() {
        left = named;
    } else if !open.is_empty() {
        left = open;
    } else if let Some(no_such) = key_in_common(&fits, &left, map, false) {
        return Some(no_such);
    } else {
        let most = left.iter().map(|at| fits[*at].hits).max()?;
        left.retain(|at| fits[*at].hits == most && most > 0);
    }
    if let Some(told) = told(&left) {
        return Some(told);
    }
    if left.iter().all(|at| fits[*at].constants.is_empty() && fits[*at].known == 0) {
        return None;
    }
    let worth = |at: &usize| (std::cmp::Reverse(fits[*at].strange), fits[*at].known);
    let best = left.iter().map(worth).max()?;
    let near: Vec<usize> = left.iter().copied().filter(|at| worth(at) == best).collect();
    if near.len() < left.len()
        && let Some(told) = told(&near)
    {
        return Some(told);
    }
    key_in_common(&fits, &near, map, true)
}

/// The branch that OpenAPI's `discriminator` names.
fn by_discriminator(
    holder: &Spot<'_>,
    alternatives: &[Spot<'_>],
    fits: &[Fit<'_>],
    map: &Map,
) -> Option<usize> {
    let discriminator = holder.schema.get("discriminator")?;
    let key = discriminator.get("propertyName")?.as_str()?;
    let set = &map.get(key)?.value;
    let hit = |fit: &Fit<'_>| {
        fit.constants
            .iter()
            .any(|(name, values)| *name == key && values.iter().any(|value| same::is(set, value)))
    };
    if let Some(at) = fits.iter().position(hit) {
        return Some(at);
    }
    let set = set.as_text()?;
    let target = discriminator.get("mapping").and_then(|mapping| mapping.get(set)?.as_str()).unwrap_or(set);
    alternatives.iter().position(|branch| {
        let reference = branch.schema.get("$ref").and_then(Json::as_str);
        reference.is_some_and(|reference| reference == target || reference.ends_with(&format!("/{target}")))
    })
}

/// The key that each of these branches has a constant for: set to none of them, or, with `absent`, not set and required.
fn key_in_common(fits: &[Fit<'_>], left: &[usize], map: &Map, absent: bool) -> Option<Meant> {
    let (first, rest) = left.split_first()?;
    let of = |at: &usize, key: &str| fits[*at].constants.iter().find(|(name, _)| *name == key);
    fits[*first].constants.iter().find_map(|(key, _)| {
        if map.get(key).is_some() == absent || rest.is_empty() {
            return None;
        }
        let wanted: Vec<_> = left.iter().map(|at| of(at, key)).collect::<Option<_>>()?;
        if absent && !left.iter().all(|at| fits[*at].required.contains(key)) {
            return None;
        }
        let mut values: Vec<Json> = Vec::new();
        for value in wanted.into_iter().flat_map(|(_, values)| values.iter()) {
            if !values.contains(value) {
                values.push((*value).clone());
            }
        }
        // One value in all of them tells nothing apart.
        let tells = values.len() > 1;
        let none =
            absent || map.get(key).is_some_and(|set| !values.iter().any(|value| same::is(&set.value, value)));
        (tells && none).then(|| Meant::NoSuch { key: (*key).to_owned(), values })
    })
}

fn fit<'a>(documents: &'a Documents, branch: &Spot<'a>, map: &Map, depth: usize) -> Fit<'a> {
    let mut fit = Fit::default();
    let parts = documents.with_parts(branch);
    let mut open = true;
    for part in &parts {
        let kinds = part.schema.get("type");
        let takes_maps = |kind: &Json| match kind {
            Json::String(kind) => kind == "object",
            Json::Array(kinds) => kinds.iter().any(|kind| kind == "object"),
            _ => true,
        };
        fit.other_type |= kinds.is_some_and(|kind| !takes_maps(kind))
            || part.schema.get("const").is_some_and(|value| !value.is_object());
        open &= part.schema.get("additionalProperties") != Some(&Json::Bool(false));
        fit.required.extend(
            part.schema
                .get("required")
                .and_then(Json::as_array)
                .into_iter()
                .flatten()
                .filter_map(Json::as_str),
        );
        for (name, property) in part.named("properties") {
            let set = map.get(name).map(|entry| &entry.value);
            fit.known += usize::from(set.is_some());
            for values in documents.with_parts(&property).iter().filter_map(|part| constants(part.schema)) {
                match set {
                    Some(set) if values.iter().any(|value| same::is(set, value)) => fit.hits += 1,
                    // One of several values is a setting, and not what the alternatives are told apart by.
                    Some(_) if values.len() == 1 => fit.misses += 1,
                    _ => {}
                }
                fit.constants.push((name, values));
            }
            if depth > 0
                && let Some(NodeKind::Map(inner)) = set.map(|set| &set.kind)
            {
                let within = self::fit(documents, &property, inner, depth - 1);
                fit.hits += within.hits;
                fit.misses += within.misses;
            }
        }
        for list in ["oneOf", "anyOf"] {
            let inner: Vec<Fit<'_>> = match depth {
                0 => Vec::new(),
                _ => part
                    .members(list)
                    .iter()
                    .map(|inner| self::fit(documents, inner, map, depth - 1))
                    .collect(),
            };
            if let Some(best) =
                inner.into_iter().min_by_key(|fit| (fit.misses, std::cmp::Reverse((fit.hits, fit.known))))
            {
                fit.hits += best.hits;
                fit.misses += best.misses;
                fit.known += best.known;
            }
        }
    }
    if !open {
        let has_place = |key: &str| {
            parts.iter().any(|part| {
                part.schema.get("properties").is_some_and(|all| all.get(key).is_some())
                    || part.schema.get("patternProperties").is_some()
            })
        };
        fit.strange = map.entries().iter().filter(|entry| !has_place(&entry.key.text)).count();
    }
    fit
}

/// The one value, or the few, that a schema takes.
fn constants(schema: &Json) -> Option<Vec<&Json>> {
    if let Some(only) = schema.get("const") {
        return Some(vec![only]);
    }
    let few: Vec<&Json> = schema.get("enum")?.as_array()?.iter().collect();
    Some(few)
}
