//! Where references between schemas lead: by URI, by `$id`, by anchor, by pointer, in any of the documents that a schema
//! was compiled from.
//!
//! Nothing is read or fetched here, and nothing is judged.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value as Json;
use url::Url;

use super::built_in;
use super::keywords::text;

/// The documents that a schema consists of, and what in them has a name.
#[derive(Debug, Default)]
pub(super) struct Documents {
    documents: Vec<(String, Arc<Json>)>,
    /// By URI, without a fragment: the number of the document, and the pointer in it.
    resources: HashMap<String, (usize, String)>,
    /// By URI and anchor.
    anchors: HashMap<(String, String), (usize, String)>,
}

/// A schema, and the URI by which references in it are read.
#[derive(Debug, Clone)]
pub(super) struct Spot<'a> {
    pub schema: &'a Json,
    base: String,
    document: Option<usize>,
}

impl Documents {
    /// The first document is the schema itself.
    pub(super) fn of(documents: Vec<(String, Arc<Json>)>) -> Self {
        let mut all = Documents { documents, ..Documents::default() };
        for at in 0..all.documents.len() {
            let (uri, json) = all.documents[at].clone();
            all.resources.entry(bare(&uri).to_owned()).or_insert((at, String::new()));
            all.name(at, &json, bare(&uri), &mut String::new());
        }
        all
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &Json> {
        self.documents.iter().map(|(_, json)| &**json)
    }

    /// Notes `$id` and anchors, whatever they stand in.
    fn name(&mut self, at: usize, json: &Json, base: &str, pointer: &mut String) {
        let inner;
        let mut base = base;
        if let Json::Object(map) = json {
            if let Some(id) = id_of(json).and_then(|id| joined(base, id)) {
                inner = bare(&id).to_owned();
                base = &inner;
                self.resources.entry(inner.clone()).or_insert((at, pointer.clone()));
            }
            let by_id = [text(json, "$id"), text(json, "id")].into_iter().find_map(|id| id.strip_prefix('#'));
            for anchor in [text(json, "$anchor"), text(json, "$dynamicAnchor"), by_id.unwrap_or_default()] {
                if !anchor.is_empty() {
                    let key = (base.to_owned(), anchor.to_owned());
                    self.anchors.entry(key).or_insert((at, pointer.clone()));
                }
            }
            for (key, value) in map.iter().filter(|(key, _)| !matches!(key.as_str(), "enum" | "const")) {
                let length = pointer.len();
                pointer.push('/');
                pointer.push_str(&super::pointer::escape(key));
                self.name(at, value, base, pointer);
                pointer.truncate(length);
            }
        } else if let Json::Array(items) = json {
            for (number, item) in items.iter().enumerate() {
                let length = pointer.len();
                pointer.push('/');
                pointer.push_str(&number.to_string());
                self.name(at, item, base, pointer);
                pointer.truncate(length);
            }
        }
    }

    /// The whole schema.
    pub(super) fn root(&self) -> Option<Spot<'_>> {
        let (uri, json) = self.documents.first()?;
        Some(Spot { schema: json, base: bare(uri).to_owned(), document: Some(0) }.entered())
    }

    /// Each of the documents, as a whole.
    pub(super) fn roots(&self) -> impl Iterator<Item = Spot<'_>> {
        (0..self.documents.len()).filter_map(|at| self.below(at, ""))
    }

    /// What an absolute URI names.
    pub(super) fn find(&self, uri: &str) -> Option<Spot<'_>> {
        let (resource, fragment) = uri.split_once('#').unwrap_or((uri, ""));
        let fragment = percent_encoding::percent_decode_str(fragment).decode_utf8().ok()?;
        if !fragment.is_empty() && !fragment.starts_with('/') {
            let (at, pointer) = self.anchors.get(&(resource.to_owned(), fragment.into_owned()))?;
            return self.below(*at, pointer);
        }
        if let Some((at, pointer)) = self.resources.get(resource) {
            return self.below(*at, &format!("{pointer}{fragment}"));
        }
        let json = built_in::meta_by_uri(resource)?;
        let spot = Spot { schema: json, base: resource.to_owned(), document: None };
        spot.entered().walk(&fragment)
    }

    fn below(&self, at: usize, pointer: &str) -> Option<Spot<'_>> {
        let (uri, json) = self.documents.get(at)?;
        let spot = Spot { schema: json, base: bare(uri).to_owned(), document: Some(at) };
        spot.entered().walk(pointer)
    }

    /// Where the reference of a schema leads, if it has one.
    pub(super) fn followed<'a>(&'a self, spot: &Spot<'a>) -> Option<Spot<'a>> {
        let reference = ["$ref", "$dynamicRef", "$recursiveRef"]
            .iter()
            .find_map(|key| spot.schema.get(*key)?.as_str())?;
        self.find(&joined(&spot.base, reference)?)
    }

    /// A schema and all that holds with it: what it refers to, and the members of its `allOf`.
    pub(super) fn with_parts<'a>(&'a self, spot: &Spot<'a>) -> Vec<Spot<'a>> {
        let mut parts = vec![spot.clone()];
        let mut at = 0;
        while let Some(part) = parts.get(at).cloned() {
            at += 1;
            let inner = self.followed(&part).into_iter().chain(part.members("allOf"));
            for more in inner {
                if parts.len() < MOST && !parts.iter().any(|known| std::ptr::eq(known.schema, more.schema)) {
                    parts.push(more);
                }
            }
        }
        parts
    }
}

/// More parts than this of one schema are not looked at.
const MOST: usize = 64;

/// Schemas that hold, or may hold, of the value that the schema around them is of: alone, in lists, and by name.
const ALONE: [&str; 4] = ["not", "if", "then", "else"];
const LISTS: [&str; 3] = ["allOf", "anyOf", "oneOf"];
const BY_NAME: [&str; 2] = ["dependentSchemas", "dependencies"];

/// A way deeper than this is not gone to its end: it counts as one without end.
const DEEPEST: usize = 500;

impl Documents {
    /// The first schema that is asked of one value in more than so many ways. References that lead to the same place several times,
    /// step after step, are few words and as many ways as grains of wheat on a chessboard.
    pub(super) fn asked_too_often(&self, most: u64) -> Option<String> {
        let mut known = HashMap::new();
        let too_often = |spot: &Spot<'_>, known: &mut HashMap<usize, u64>| self.ways(spot, 0, known) > most;
        for (number, root) in self.roots().enumerate() {
            let mut waiting = vec![(root, String::new())];
            while let Some((spot, pointer)) = waiting.pop() {
                let keys: Vec<String> = match spot.schema {
                    Json::Object(map) => map.keys().cloned().collect(),
                    Json::Array(items) => (0..items.len()).map(|at| at.to_string()).collect(),
                    _ => continue,
                };
                if too_often(&spot, &mut known) {
                    // Of another file no place in this one can be told.
                    return Some(if number == 0 { pointer } else { String::new() });
                }
                for key in keys {
                    let pointer = format!("{pointer}/{}", super::pointer::escape(&key));
                    waiting.extend(spot.child(&key).map(|inner| (inner, pointer)));
                }
            }
        }
        None
    }

    /// How many schemas are asked of a value that this one is asked of. A circle has its own end.
    fn ways(&self, spot: &Spot<'_>, depth: usize, known: &mut HashMap<usize, u64>) -> u64 {
        let address = std::ptr::from_ref(spot.schema) as usize;
        if !spot.schema.is_object() {
            return 1;
        }
        if let Some(ways) = known.get(&address) {
            return *ways;
        }
        if depth > DEEPEST {
            return u64::MAX;
        }
        // While it is counted, it is in no circle of itself.
        known.insert(address, 0);
        let alone = ALONE.iter().filter_map(|key| spot.child(key));
        let lists = LISTS.iter().flat_map(|key| spot.members(key));
        let named = BY_NAME.iter().flat_map(|key| spot.named(key)).map(|(_, inner)| inner);
        let parts: Vec<Spot<'_>> =
            self.followed(spot).into_iter().chain(alone).chain(lists).chain(named).collect();
        let ways = parts.iter().map(|part| self.ways(part, depth + 1, known));
        let ways = ways.fold(1, u64::saturating_add);
        known.insert(address, ways);
        ways
    }
}

impl<'a> Spot<'a> {
    /// The same with the URI that its own `$id` gives it.
    fn entered(mut self) -> Self {
        if let Some(id) = id_of(self.schema).and_then(|id| joined(&self.base, id)) {
            bare(&id).clone_into(&mut self.base);
        }
        self
    }

    fn walk(self, pointer: &str) -> Option<Self> {
        super::pointer::segments(pointer).iter().try_fold(self, |spot, key| spot.child(key))
    }

    /// The schema or list under a key.
    pub(super) fn child(&self, key: &str) -> Option<Self> {
        let schema = match self.schema {
            Json::Array(items) => items.get(key.parse::<usize>().ok()?)?,
            schema => schema.get(key)?,
        };
        Some(Spot { schema, base: self.base.clone(), document: self.document }.entered())
    }

    /// The schemas of a list under a key.
    pub(super) fn members(&self, key: &str) -> Vec<Spot<'a>> {
        let list = self.schema.get(key).and_then(Json::as_array);
        let spot = |schema| Spot { schema, base: self.base.clone(), document: self.document }.entered();
        list.into_iter().flatten().map(spot).collect()
    }

    /// The schemas by name under a key.
    pub(super) fn named(&self, key: &str) -> Vec<(&'a str, Spot<'a>)> {
        let map = self.schema.get(key).and_then(Json::as_object);
        let spot = |schema| Spot { schema, base: self.base.clone(), document: self.document }.entered();
        map.into_iter().flatten().map(|(name, schema)| (name.as_str(), spot(schema))).collect()
    }
}

/// What a schema is called; an anchor of old drafts names no other resource.
fn id_of(schema: &Json) -> Option<&str> {
    let id = schema.get("$id").or_else(|| schema.get("id"))?.as_str()?;
    (!id.starts_with('#') && !id.is_empty()).then_some(id)
}

fn bare(uri: &str) -> &str {
    uri.split_once('#').map_or(uri, |(bare, _)| bare)
}

/// A reference, read by the URI of where it stands.
fn joined(base: &str, reference: &str) -> Option<String> {
    if reference.is_empty() || reference.starts_with('#') {
        return Some(format!("{base}{reference}"));
    }
    match Url::parse(reference) {
        Ok(_) => Some(reference.to_owned()),
        Err(_) => Some(Url::parse(base).ok()?.join(reference).ok()?.into()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn documents() -> Documents {
        let root = json!({
            "$ref": "other.json#/$defs/a",
            "properties": {"x": {"$id": "urn:x:a", "$anchor": "here", "title": "x"}, "y": {"$ref": "urn:x:a#here"}},
            "$defs": {"b": {"allOf": [{"$ref": "#/$defs/c"}]}, "c": {"title": "c"}, "self": {"$ref": "#/$defs/self"}},
        });
        let other = json!({"$defs": {"a": {"$ref": "#/$defs/b~1c"}, "b/c": {"title": "b"}}});
        let at = |name: &str, json: Json| (format!("file:///s/{name}"), Arc::new(json));
        Documents::of(vec![at("root.json", root), at("other.json", other)])
    }

    #[test]
    fn references_lead_through_files_ids_anchors_and_pointers() {
        let documents = documents();
        let root = documents.root().unwrap();
        let title = |spot: &Spot<'_>| text(spot.schema, "title").to_owned();
        let a = documents.followed(&root).unwrap();
        assert_eq!(title(&documents.followed(&a).unwrap()), "b");
        let y = root.child("properties").unwrap().child("y").unwrap();
        assert_eq!(title(&documents.followed(&y).unwrap()), "x");
        let b = documents.find("file:///s/root.json#/$defs/b").unwrap();
        let parts: Vec<String> = documents.with_parts(&b).iter().map(title).collect();
        assert_eq!(parts, ["", "", "c"]);
        assert_eq!(documents.asked_too_often(5), None);
        let own = documents.find("file:///s/root.json#/$defs/self").unwrap();
        assert_eq!(documents.with_parts(&own).len(), 1);
        assert!(documents.find("file:///s/none.json").is_none());
    }

    #[test]
    fn a_schema_that_is_asked_too_often_is_told_by_its_place() {
        for (key, is_many) in [("allOf", true), ("oneOf", true), ("anyOf", true), ("prefixItems", false)] {
            let step = |at: usize| json!({key: [{"$ref": format!("#/$defs/{}", at + 1)}, {"$ref": format!("#/$defs/{}", at + 1)}]});
            let mut steps: serde_json::Map<String, Json> =
                (0..60).map(|at| (at.to_string(), step(at))).collect();
            steps.insert("60".to_owned(), json!({"type": "string"}));
            let schema = json!({"properties": {"x": {"$ref": "#/$defs/0"}}, "$defs": steps});
            let found = Documents::of(vec![("file:///s".to_owned(), Arc::new(schema))]).asked_too_often(1000);
            assert_eq!(found.is_some(), is_many, "{key}: {found:?}");
        }
        // One in the other, and round in a circle, is no more than it is long.
        let mut nested = json!({"type": "string"});
        for _ in 0..100 {
            nested = json!({"allOf": [nested, {"type": "string"}], "unevaluatedProperties": false});
        }
        let schema = json!({"allOf": [nested, {"$ref": "#"}, {"anyOf": [{"$ref": "#"}, {"$ref": "#"}]}]});
        let documents = Documents::of(vec![("file:///s".to_owned(), Arc::new(schema))]);
        assert_eq!(documents.asked_too_often(1000), None);
    }
}
