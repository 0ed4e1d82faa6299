//! Which key was meant by one that a map does not have: by its spelling, by what is missing beside it, by what stands below it.
//!
//! Whatever is guessed must take the value that is written: what is followed to the letter has to lead on. Nothing is worded here.

use serde_json::Value as Json;

use super::context::{Context, Place};
use crate::diagnostic::nearest;
use crate::schema::keywords::text;
use crate::schema::{same, suggest};
use crate::yaml::{Map, Node, NodeKind};

/// A key that a map knows, and its schema.
pub(super) type Known<'a> = (&'a str, &'a Json);

/// Deeper than this nobody looks to tell one key from another.
const DEPTH: usize = 4;

/// More keys than any map that a person writes are not compared with each other.
const COMPARED: usize = 40;

/// Words that people write for other words of ours.
const OTHER_WORDS: [(&str, &str); 20] = [
    ("to", "until"),
    ("end", "until"),
    ("through", "until"),
    ("valid_to", "until"),
    ("since", "from"),
    ("start", "from"),
    ("starting", "from"),
    ("valid_from", "from"),
    ("konto", "account"),
    ("base", "extends"),
    ("bases", "extends"),
    ("parent", "extends"),
    ("parents", "extends"),
    ("inherit", "extends"),
    ("inherits", "extends"),
    ("include", "extends"),
    ("includes", "extends"),
    ("import", "extends"),
    ("imports", "extends"),
    ("use", "extends"),
];

/// The word of ours that is meant by another.
#[must_use]
pub fn other_word(key: &str) -> Option<&'static str> {
    OTHER_WORDS.iter().find(|(written, _)| written.eq_ignore_ascii_case(key)).map(|(_, word)| *word)
}

/// What a schema that is a reference within its document stands for.
fn followed<'a>(mut schema: &'a Json, document: &'a Json) -> &'a Json {
    for _ in 0..DEPTH {
        let target = text(schema, "$ref").strip_prefix('#').and_then(|pointer| document.pointer(pointer));
        match target.filter(|_| schema.get("$ref").is_some()) {
            Some(target) => schema = target,
            None => break,
        }
    }
    schema
}

/// Whether a schema takes values of this kind.
pub(super) fn takes_kind(value: &Node, schema: &Json, document: &Json) -> bool {
    let schema = followed(schema, document);
    let kind = match &value.kind {
        NodeKind::Null | NodeKind::Hole => return true,
        NodeKind::Bool(_) => "boolean",
        NodeKind::Number(_) => "number",
        NodeKind::Text(_) => "string",
        NodeKind::List(_) => "array",
        NodeKind::Map(_) => "object",
    };
    let is = |name: &Json| name == kind || (kind == "number" && name == "integer");
    let options = schema.get("const").map(std::slice::from_ref);
    let options = options.or_else(|| schema.get("enum")?.as_array().map(Vec::as_slice));
    match (schema.get("type"), options) {
        (Some(Json::Array(many)), _) => many.iter().any(is),
        (Some(one), _) => is(one),
        (None, Some(options)) => options.iter().any(|option| match option {
            Json::Bool(_) => kind == "boolean",
            Json::Number(_) => kind == "number",
            Json::String(_) => kind == "string",
            Json::Array(_) => kind == "array",
            Json::Object(_) => kind == "object",
            Json::Null => false,
        }),
        (None, None) => ["anyOf", "oneOf"].iter().all(|key| {
            let branches = schema.get(*key).and_then(Json::as_array);
            branches.is_none_or(|all| all.iter().any(|branch| takes_kind(value, branch, document)))
        }),
    }
}

/// Whether a value looks as a schema asks for, as deep as people compare.
pub(super) fn fits(value: &Node, schema: &Json, document: &Json, depth: usize) -> bool {
    let schema = followed(schema, document);
    if !takes_kind(value, schema, document) {
        return false;
    }
    let options = schema.get("const").map(std::slice::from_ref);
    let options = options.or_else(|| schema.get("enum")?.as_array().map(Vec::as_slice));
    if options.is_some_and(|options| !options.iter().any(|option| same::is(value, option))) {
        return false;
    }
    for list in ["anyOf", "oneOf"] {
        let branches = schema.get(list).and_then(Json::as_array);
        if branches.is_some_and(|all| !all.iter().any(|branch| fits(value, branch, document, depth))) {
            return false;
        }
    }
    match &value.kind {
        NodeKind::Text(text) => schema.get("pattern").is_none() || !suggest::refuses(text, schema),
        NodeKind::Map(map) if depth > 0 => map_fits(map, schema, document, depth),
        NodeKind::List(items) if depth > 0 => schema
            .get("items")
            .is_none_or(|item| items.iter().all(|one| fits(one, item, document, depth - 1))),
        _ => true,
    }
}

fn map_fits(map: &Map, schema: &Json, document: &Json, depth: usize) -> bool {
    let properties = schema.get("properties").and_then(Json::as_object);
    let rows = schema.get("additionalProperties");
    let required = schema.get("required").and_then(Json::as_array).into_iter().flatten();
    let has_all = required.filter_map(Json::as_str).all(|key| map.get(key).is_some());
    let names = schema.get("propertyNames").map(|names| followed(names, document));
    let is_one = |key: &str| names.is_none_or(|names| !suggest::refuses(key, names));
    has_all
        && map.entries().iter().all(|entry| {
            let key = &*entry.key.text;
            match (properties.and_then(|known| known.get(key)), rows) {
                (Some(known), _) => fits(&entry.value, known, document, depth - 1),
                (None, Some(Json::Bool(false))) => schema.get("patternProperties").is_some(),
                (None, Some(rows)) if rows.is_object() => {
                    is_one(key) && fits(&entry.value, rows, document, depth - 1)
                }
                _ => is_one(key),
            }
        })
}

/// The known key that an unknown one is a slip of. Of a value that does not fit, the key is a slip only where it has as many words.
pub(super) fn spelled<'a>(key: &str, value: &Node, known: &[Known<'a>], document: &Json) -> Option<&'a str> {
    let words = |key: &str| key.split(['_', '-', ' ']).count();
    let digits = |key: &str| key.bytes().filter(u8::is_ascii_digit).count();
    let likely = |(name, schema): &&Known<'a>| {
        takes_kind(value, schema, document)
            || (words(name) == words(key)
                && digits(name) == digits(key)
                && value.as_map().is_none_or(|map| map.is_empty()))
    };
    nearest(key, known.iter().filter(likely).map(|(name, _)| *name))
}

/// The key that a map must have and lacks, where the one key that it does not know has the value of it.
pub(super) fn lacking<'a>(
    key: &str,
    place: &Place<'a>,
    known: &[Known<'a>],
    document: &Json,
) -> Option<&'a str> {
    let (map, holder) = (place.node.as_map()?, place.holder?);
    if map.len() > COMPARED {
        return None;
    }
    let required = holder.get("required").and_then(Json::as_array);
    let of_groups = missing_of_groups(holder, map);
    let is_required = |name: &str, schema: &Json| {
        required.is_some_and(|keys| keys.iter().any(|one| one == name))
            || of_groups.contains(&name)
            || schema.get("x-required") == Some(&Json::Bool(true))
    };
    let all = holder.get("properties").and_then(Json::as_object)?;
    let takes = |entry: &crate::yaml::Entry, schema: &Json| {
        !entry.value.is_null() && !entry.value.is_hole() && fits(&entry.value, schema, document, DEPTH)
    };
    let entry = map.get(key)?;
    let mut missing = known.iter().filter(|(name, schema)| {
        map.get(name).is_none() && is_required(name, schema) && takes(entry, schema)
    });
    let (only, schema) = *missing.next()?;
    let unknown = map.entries().iter().filter(|other| !all.contains_key(&*other.key.text));
    let alone = unknown.filter(|other| takes(other, schema)).count() == 1;
    (missing.next().is_none() && alone).then_some(only)
}

/// The keys that alternatives ask for, where none of them is whole: of those to which the least is missing.
fn missing_of_groups<'a>(holder: &'a Json, map: &Map) -> Vec<&'a str> {
    let within = holder.get("allOf").and_then(Json::as_array).into_iter().flatten();
    let mut keys = Vec::new();
    for holder in std::iter::once(holder).chain(within) {
        let groups = required_groups(holder).into_iter();
        let missing = groups.map(|group| group.into_iter().filter(|key| map.get(key).is_none()).collect());
        let missing: Vec<Vec<&str>> = missing.collect();
        let least = missing.iter().map(Vec::len).min().unwrap_or_default();
        if least > 0 {
            keys.extend(missing.into_iter().filter(|group| group.len() == least).flatten());
        }
    }
    keys
}

/// The same, of a schema and of what it says in addition.
pub(super) fn all_groups(holder: &Json) -> Vec<Vec<&str>> {
    let within = holder.get("allOf").and_then(Json::as_array).into_iter().flatten();
    std::iter::once(holder).chain(within).flat_map(required_groups).collect()
}

/// The keys that each alternative of a schema requires.
pub(super) fn required_groups(holder: &Json) -> Vec<Vec<&str>> {
    let branches = ["anyOf", "oneOf"].iter().find_map(|key| holder.get(*key)?.as_array());
    branches
        .into_iter()
        .flatten()
        .filter_map(|branch| branch.get("required")?.as_array())
        .map(|keys| keys.iter().filter_map(Json::as_str).collect())
        .collect()
}

/// The known key that was meant by another word, by its title, or by part of its name, of those that take the value.
pub(super) fn worded<'a>(key: &str, value: &Node, known: &[Known<'a>], document: &Json) -> Option<&'a str> {
    let known: Vec<Known<'a>> =
        known.iter().copied().filter(|(_, schema)| takes_kind(value, schema, document)).collect();
    by_words(key, &known)
}

/// The known key whose title or part of whose name an unknown one is.
pub(super) fn by_words<'a>(key: &str, known: &[Known<'a>]) -> Option<&'a str> {
    let fold = |c: char| if matches!(c, ' ' | '-') { '_' } else { c };
    let folded: String = key.trim().chars().flat_map(char::to_lowercase).map(fold).collect();
    let is_key = |title: &str| title.trim().chars().flat_map(char::to_lowercase).map(fold).eq(folded.chars());
    let titled = known.iter().find(|(_, schema)| is_key(text(schema, "title")));
    if let Some((titled, _)) = titled {
        return Some(titled);
    }
    let another = other_word(key).and_then(|word| known.iter().find(|(known, _)| *known == word));
    if let Some((known, _)) = another {
        return Some(known);
    }
    let words: Vec<&str> = folded.split('_').collect();
    let alike = |a: &str, b: &str| {
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        // Of more letters than may differ no distance has to be known.
        let is_near = || a.len() > 4 && near_in_length(a, b) && strsim::osa_distance(a, b) <= 1;
        short.len() >= 3 && (long.starts_with(short) || is_near())
    };
    let mut found = known.iter().map(|(known, _)| *known).filter(|known| {
        let number = known.split('_').count();
        if number.abs_diff(words.len()) > 1 {
            return false;
        }
        // A word in common is not enough: every word of the shorter name must be found.
        let is_in_known = |word: &&str| known.split('_').any(|other| alike(word, other));
        let is_in_words = |other: &str| words.iter().any(|word| alike(other, word));
        if words.len() <= number { words.iter().all(is_in_known) } else { known.split('_').all(is_in_words) }
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

fn near_in_length(a: &str, b: &str) -> bool {
    a.chars().count().abs_diff(b.chars().count()) <= 1
}

/// Whether names have a form by which they are told from the keys of a map: `SE` and `25` have, a word in small letters has not.
fn is_telling(names: &Json) -> bool {
    suggest::refuses("some_word", names)
}

/// Whether a map is a row by the keys that it has, all of which rows know.
fn is_row(value: &Node, rows: &Json, document: &Json) -> bool {
    let keys = followed(rows, document).get("properties").and_then(Json::as_object);
    let map = value.as_map().filter(|map| !map.is_empty());
    map.zip(keys)
        .is_some_and(|(map, keys)| map.entries().iter().all(|entry| keys.contains_key(&*entry.key.text)))
}

/// The one mapping that a map was meant as: by names with a form of their own, by rows with the keys of rows, or by keys that
/// it alone knows.
pub(super) fn by_keys<'a>(value: &Node, known: &[Known<'a>], document: &Json) -> Option<&'a str> {
    let map = value.as_map().filter(|map| !map.is_empty())?;
    let takes = |schema: &Json| {
        let schema = followed(schema, document);
        let Some(names) = schema.get("propertyNames").map(|names| followed(names, document)) else {
            return false;
        };
        let is_named =
            is_telling(names) && map.entries().iter().all(|entry| !suggest::refuses(&entry.key.text, names));
        let rows = schema.get("additionalProperties").filter(|rows| rows.is_object());
        let has_rows = || {
            rows.is_some_and(|rows| map.entries().iter().all(|entry| is_row(&entry.value, rows, document)))
        };
        (is_named || has_rows()) && takes_kind(value, schema, document)
    };
    let has_keys = |schema: &Json| {
        let keys = followed(schema, document).get("properties").and_then(Json::as_object);
        keys.is_some_and(|keys| map.entries().iter().all(|entry| keys.contains_key(&*entry.key.text)))
    };
    one(known, takes).or_else(|| one(known, has_keys))
}

/// The one mapping that knows all keys of a map.
pub(super) fn by_contents<'a>(value: &Node, known: &[Known<'a>]) -> Option<&'a str> {
    let map = value.as_map().filter(|map| !map.is_empty())?;
    one(known, |schema| {
        let keys = schema.get("properties").and_then(Json::as_object);
        keys.is_some_and(|keys| map.entries().iter().all(|entry| keys.contains_key(&*entry.key.text)))
    })
}

/// The one known key of which something is so.
fn one<'a>(known: &[Known<'a>], is: impl Fn(&Json) -> bool) -> Option<&'a str> {
    let mut found = known.iter().filter(|(_, schema)| is(schema)).map(|(name, _)| *name);
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The map of rows that an entry was meant to stand in, where one takes it; of several, the one that the others are named after.
/// A name that is written as keys are is a row's only where its form or its value tells.
pub(super) fn rows_for<'a>(key: &str, value: &Node, known: &[Known<'a>], document: &Json) -> Option<&'a str> {
    let begins = key.chars().next().is_some_and(char::is_alphanumeric);
    let is_name = begins && key.chars().any(|c| c.is_uppercase() || c == ' ');
    let takes = |schema: &Json| {
        let schema = followed(schema, document);
        let by_pattern = schema.get("patternProperties").is_some_and(Json::is_object);
        let rows = schema.get("additionalProperties").filter(|rows| rows.is_object());
        let names = schema.get("propertyNames").map(|names| followed(names, document));
        if names.is_some_and(|names| suggest::refuses(key, names)) {
            return false;
        }
        let told = names.map(|names| is_name || is_telling(names)).unwrap_or(by_pattern);
        let by_value = || rows.is_some_and(|rows| is_row(value, rows, document));
        if !told && !by_value() {
            return false;
        }
        match rows {
            Some(rows) if !by_pattern => fits(value, rows, document, DEPTH),
            _ => {
                let row = serde_json::json!({ key: value.to_json() });
                by_pattern
                    && jsonschema::options().build(schema).is_ok_and(|validator| validator.is_valid(&row))
            }
        }
    };
    let fitting: Vec<&str> =
        known.iter().filter(|(_, schema)| takes(schema)).map(|(name, _)| *name).collect();
    let shortest = fitting.iter().copied().min_by_key(|name| name.len())?;
    fitting.iter().all(|name| name.ends_with(shortest)).then_some(shortest)
}

/// Whether a map holds nothing but keys that belong to the map around it and are not there: it is a level too many.
pub(super) fn is_level_too_many(value: &Node, around: &Node, known: &[Known<'_>]) -> bool {
    let Some(map) = value.as_map().filter(|map| !map.is_empty() && map.len() <= COMPARED) else {
        return false;
    };
    map.entries().iter().all(|entry| {
        let key = &*entry.key.text;
        around.get(key).is_none() && known.iter().any(|(name, _)| *name == key)
    })
}

/// The one map beside it that has a key of this name, which takes the value.
pub(super) fn within<'a>(key: &str, value: &Node, known: &[Known<'a>], document: &Json) -> Option<&'a str> {
    one(known, |schema| {
        let inner = followed(schema, document).get("properties").and_then(|keys| keys.get(key));
        inner.is_some_and(|inner| takes_kind(value, inner, document))
    })
}

/// Whether a schema takes what is written at a place to which it is to be moved.
pub(super) fn would_fit(context: &Context<'_>, value: &Node, schema: &Json) -> bool {
    fits(value, schema, context.validator.schema(), DEPTH)
}
