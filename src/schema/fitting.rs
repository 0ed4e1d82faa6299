//! Whether a document fits a schema of ours, asked place by place: what the schema says of a place is compiled when a document first
//! comes to it. A pair has thousands of places and a document few of them, so that compiling all at once costs more than
//! to judge a document by them.
//!
//! Known here are `type` and the three keywords that lead from a value to those within it by their names, `properties`,
//! `additionalProperties` and `items`; whatever else is said of a value is judged by the `jsonschema` crate. What leads elsewhere, such as
//! a reference, is not followed: then nothing is answered, and the whole schema is asked. Nothing is told here of what is wrong.

use std::collections::HashMap;
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use jsonschema::Validator;
use jsonschema::types::{JsonType, JsonTypeSet};
use serde_json::{Map, Value as Json};

use super::engine;
use super::fragment::Fragment;
use super::instance::{Instance, Tree};
use super::shape::by_length;
use crate::yaml::{Node, NodeKind};

/// A place of a schema, and what it says once a document came to it.
#[derive(Debug)]
pub(super) struct Place {
    schema: Fragment,
    said: OnceLock<Said>,
}

/// What a schema says of a place.
#[derive(Debug)]
enum Said {
    /// All fits, or nothing does.
    Any(bool),
    Parts(Box<Parts>),
    /// It has to be asked as a whole.
    Whole,
}

#[derive(Debug)]
struct Parts {
    types: JsonTypeSet,
    /// What else is said of the value by itself.
    own: Option<Own>,
    /// Sorted by length and name.
    named: Vec<(Box<str>, Place)>,
    rows: Option<Place>,
    items: Option<Place>,
}

/// Keywords that judge a value and lead to none within it that others lead to; many places have the same.
type Own = Arc<Validator<Tree>>;

/// What [`Parts`] are made of.
const KNOWN: [&str; 4] = ["type", "properties", "additionalProperties", "items"];

/// What leads elsewhere, or decides what those of [`KNOWN`] mean that lead to other values.
const ELSEWHERE: [&str; 12] = [
    "$ref",
    "$dynamicRef",
    "$recursiveRef",
    "$id",
    "id",
    "patternProperties",
    "prefixItems",
    "additionalItems",
    "unevaluatedProperties",
    "unevaluatedItems",
    "$anchor",
    "$dynamicAnchor",
];

/// What says nothing of whether a value fits.
const TOLD: [&str; 9] = [
    "$schema",
    "$defs",
    "$comment",
    "title",
    "description",
    "default",
    "examples",
    "deprecated",
    "writeOnly",
];

impl Place {
    /// The root of a schema.
    pub(super) fn whole(schema: Arc<Json>) -> Self {
        Place::of(Fragment::whole(schema))
    }

    fn of(schema: Fragment) -> Self {
        Place { schema, said: OnceLock::new() }
    }

    /// Whether a value fits; nothing where that is not known here.
    pub(super) fn fits(&self, node: &Node) -> Option<bool> {
        let parts = match self.said.get_or_init(|| Said::of(&self.schema)) {
            Said::Any(fits) => return Some(*fits),
            Said::Whole => return None,
            Said::Parts(parts) => parts,
        };
        let value = Instance::Node(node);
        if !parts.types.contains_value_type::<Tree>(&value)
            || parts.own.as_ref().is_some_and(|own| !own.is_valid(value))
        {
            return Some(false);
        }
        match &node.kind {
            NodeKind::Map(map) => {
                for entry in map.entries() {
                    let place = parts.below(&entry.key.text);
                    if let Some(place) = place
                        && !place.fits(&entry.value)?
                    {
                        return Some(false);
                    }
                }
            }
            NodeKind::List(items) => {
                for item in
                    parts.items.iter().flat_map(|place| items.iter().map(move |item| place.fits(item)))
                {
                    if !item? {
                        return Some(false);
                    }
                }
            }
            _ => {}
        }
        Some(true)
    }
}

impl Parts {
    fn below(&self, key: &str) -> Option<&Place> {
        let found = self.named.binary_search_by(|(name, _)| by_length(name, key));
        found.map_or(self.rows.as_ref(), |at| Some(&self.named[at].1))
    }
}

impl Said {
    fn of(schema: &Fragment) -> Self {
        let keywords = match &**schema {
            Json::Bool(fits) => return Said::Any(*fits),
            Json::Object(keywords) => keywords,
            _ => return Said::Whole,
        };
        let is_list = |key: &str| keywords.get(key).is_some_and(Json::is_array);
        if ELSEWHERE.iter().any(|key| keywords.contains_key(*key)) || is_list("items") {
            return Said::Whole;
        }
        let (Some(types), Some(own)) = (types(keywords.get("type")), own(keywords)) else {
            return Said::Whole;
        };
        let below = |key: &str| schema.below(&[key]).map(Place::of);
        let names = keywords.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::keys);
        let named = names
            .filter_map(|name| Some((name.as_str().into(), Place::of(schema.below(&["properties", name])?))));
        let mut named: Vec<(Box<str>, Place)> = named.collect();
        named.sort_by(|(one, _), (other, _)| by_length(one, other));
        let (rows, items) = (below("additionalProperties"), below("items"));
        Said::Parts(Box::new(Parts { types, own, named, rows, items }))
    }
}

/// The types that a value may have; nothing where a name is that of none.
fn types(keyword: Option<&Json>) -> Option<JsonTypeSet> {
    let one = |name: &Json| name.as_str()?.parse::<JsonType>().ok();
    match keyword {
        None => Some(JsonTypeSet::all()),
        Some(Json::Array(names)) => {
            names.iter().try_fold(JsonTypeSet::empty(), |all, name| Some(all.insert(one(name)?)))
        }
        Some(name) => one(name).map(JsonTypeSet::from),
    }
}

/// What else a schema says of a value by itself: nothing inside where it says nothing; nothing where it cannot be had by itself.
fn own(keywords: &Map<String, Json>) -> Option<Option<Own>> {
    static COMPILED: LazyLock<Mutex<HashMap<String, Option<Own>>>> = LazyLock::new(Mutex::default);
    let is_told = |key: &str| KNOWN.contains(&key) || TOLD.contains(&key) || key.starts_with("x-");
    let own = || keywords.iter().filter(|(key, _)| !is_told(key));
    let text: String = own().map(|(key, value)| format!("{key} {value}\n")).collect();
    if text.is_empty() {
        return Some(None);
    }
    // It leads elsewhere from deeper inside.
    if text.contains("\"$") {
        return None;
    }
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let found = compiled.entry(text).or_insert_with(|| {
        let own: Map<String, Json> = own().map(|(key, value)| (key.clone(), value.clone())).collect();
        engine::compile(&Json::Object(own)).ok().map(Arc::new)
    });
    found.clone().map(Some)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::schema::built_in::text_in_repository;
    use crate::schema::parts::Catalogue;
    use crate::schema::validate::Validator as Ours;
    use crate::source::{FileId, SourceFile, Sources, Span};
    use crate::yaml::{self, Entry, Key};

    fn read(text: &str) -> Node {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new("one.yaml", text));
        yaml::parse(&sources, file, &mut Vec::new()).unwrap()
    }

    /// Numbers that look random and are always the same.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, bound: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            usize::try_from(self.0 >> 33).unwrap() % bound
        }
    }

    /// What may stand where something else did.
    const ODD: &[&str] = &[
        "~",
        "true",
        "1",
        "-1",
        "25.50",
        "1e3",
        "1.0",
        "0x1F",
        "007",
        ".inf",
        "text",
        "''",
        "SE",
        "2026-01-01",
        "2026-13-01",
        "[]",
        "[1, 1]",
        "{}",
        "{a: b}",
        "{secret: env/A}",
        "{from: 2026-01-01}",
        "90000000000000000000",
    ];

    /// Changes one value, or one key, somewhere in a tree.
    fn change(node: &mut Node, dice: &mut Dice) {
        match &mut node.kind {
            NodeKind::Map(map) if !map.is_empty() && dice.below(8) > 0 => {
                let at = dice.below(map.len());
                let key = map.entries()[at].key.text.clone();
                match dice.below(12) {
                    0 => drop(map.remove(&key)),
                    1 => {
                        let key = Key { text: "odd".into(), span: Span::new(FileId(0), 0, 0) };
                        map.insert(Entry { key, value: read("a: 1") });
                    }
                    _ => change(&mut map.entries_mut()[at].value, dice),
                }
            }
            NodeKind::List(items) if !items.is_empty() && dice.below(3) > 0 => {
                let at = dice.below(items.len());
                change(&mut items[at], dice);
            }
            _ => *node = read(&format!("a: {}", ODD[dice.below(ODD.len())])).get("a").unwrap().clone(),
        }
    }

    /// Judges a tree, and what becomes of it when little is changed, by places and by the whole; how often places told, and how
    /// often they told of a misfit.
    fn alike(validator: &Ours, root: &Node, dice: &mut Dice, changes: usize) -> (usize, usize) {
        validator.usable().unwrap();
        let place = Place::whole(Arc::new(validator.schema().clone()));
        let (mut told, mut misfits) = (0, 0);
        for number in 0..=changes {
            let mut changed = root.clone();
            (0..number.min(1 + number % 3)).for_each(|_| change(&mut changed, dice));
            let Some(fits) = place.fits(&changed) else { continue };
            assert_eq!(fits, validator.errors(&changed).next().is_none(), "{:?}", changed.to_json());
            told += 1;
            misfits += usize::from(!fits);
        }
        (told, misfits)
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the samples of the tests")]
    fn places_say_of_documents_what_the_whole_schema_says() {
        let catalogue = Catalogue::default();
        let samples = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/schemas");
        let mut dice = Dice(7);
        for id in catalogue.names("pairs") {
            let sample = read(&std::fs::read_to_string(samples.join(&id).join("valid.yaml")).unwrap());
            let pair = catalogue.pair(&id).unwrap();
            let (told, misfits) = alike(pair.validator(), &sample, &mut dice, 60);
            assert_eq!(told, 61, "{id}: a document never needs the whole");
            assert!((20..60).contains(&misfits), "{id}: {misfits}");
            catalogue.pair_beside(&id, []).unwrap().validator().usable().unwrap();
        }
    }

    #[test]
    fn places_say_of_parts_and_files_what_the_whole_schema_says() {
        let mut dice = Dice(9);
        let mut told = 0;
        for (meta, path) in [
            ("connector", "connectors/fortnox.yaml"),
            ("category", "categories/order.yaml"),
            ("pair", "pairs/fortnox-shopify.yaml"),
            ("flows", "flows.yaml"),
            ("vat", "data/vat.yaml"),
        ] {
            told += alike(&Ours::meta(meta), &read(&text_in_repository(path)), &mut dice, 40).0;
        }
        let project = "{version: 1, levels: {W0423: error}, plan: {}, environments: {live: {store: a.db}}}";
        told += alike(&Ours::meta("project"), &read(project), &mut dice, 100).0;
        assert!(told > 100, "{told}");
        for meta in ["environment", "options", "policy", "setting"] {
            Ours::meta(meta).usable().unwrap();
        }
    }
}
