//! Lowering: from a checked document to canonical settings with their origins. Cannot fail.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map as JsonMap, Value as Json};

use super::check::{Checked, category_entry};
use super::compiled::Compiled;
use super::compose::Composed;
use crate::model::credential::is_reference;
use crate::model::{Configuration, Secret, SettingPath, Settings, Step, Value, is_top_level};
use crate::schema::shape::Shape;
use crate::schema::{Category, Pair};
use crate::source::Span;
use crate::yaml::{Entry, Map, Node, NodeKind};

/// Lowers one document.
#[must_use]
pub fn lower(composed: Composed, pair: Arc<Pair>, checked: Checked, hidden: &[Span]) -> Compiled {
    let mut settings = BTreeMap::new();
    let mut origins = BTreeMap::new();
    for (category, entry) in declared(&composed.root, &pair, &checked) {
        let mut all = Vec::new();
        let mut keys = Vec::new();
        leaves(category, entry, hidden, &mut |step| match step {
            Step::Open(key) => keys.push(key),
            Step::Leaf(key, (written, span)) => {
                let path: SettingPath = keys.iter().copied().chain([key]).collect();
                all.push((path, written.value(), span));
            }
            Step::Close => drop(keys.pop()),
        });
        origins.insert(category.id.clone(), all.iter().map(|(path, _, key)| (path.clone(), *key)).collect());
        let all: Settings = all.into_iter().map(|(path, value, _)| (path, value)).collect();
        settings.insert(category.id.clone(), Arc::new(all));
    }
    let outline = outline(composed, pair, checked);
    Compiled { configuration: Configuration { categories: settings }, origins, ..outline }
}

/// What an integration was called before.
#[must_use]
pub fn renamed_from(root: &Node) -> Option<String> {
    root.get("renamed_from").and_then(Node::as_text).map(str::to_owned)
}

/// What [`lower`] gives without the settings: of an integration of which nothing will be compared.
#[must_use]
pub fn outline(composed: Composed, pair: Arc<Pair>, checked: Checked) -> Compiled {
    let root = &composed.root;
    let declared = declared(root, &pair, &checked);
    Compiled {
        configuration: Configuration {
            categories: declared.map(|(category, _)| (category.id.clone(), Arc::default())).collect(),
        },
        origins: BTreeMap::new(),
        renamed_from: renamed_from(root),
        name: composed.name,
        place: composed.place,
        live: checked.live,
        flows_on: checked.flows_on,
        unmanaged: checked.unmanaged,
        visible: checked.visible,
        requirements: checked.requirements,
        accounts: checked.accounts,
        pair,
    }
}

/// The categories that are planned: visible, declared and not left to others.
pub fn declared<'a>(
    root: &'a Node,
    pair: &'a Pair,
    checked: &'a Checked,
) -> impl Iterator<Item = (&'a Category, &'a Entry)> {
    let planned = |category: &&Category| {
        checked.visible.contains(&category.id) && !checked.unmanaged.contains(&category.id)
    };
    let categories = pair.categories().filter(planned);
    categories.filter_map(|category| Some((category, category_entry(root, &category.id)?)))
}

/// Takes a step; of a leaf what stands there and the place of its key.
pub type Take<'a, 't> = dyn FnMut(Step<'a, (Written<'a>, Span)>) + 't;

/// The canonical value of a leaf. A text, which most are, is not copied before somebody asks.
#[derive(Debug)]
pub enum Written<'a> {
    Text(&'a str),
    Other(Value),
}

impl Written<'_> {
    #[must_use]
    pub fn value(self) -> Value {
        match self {
            Written::Text(text) => Value::Text(text.to_owned()),
            Written::Other(value) => value,
        }
    }
}

/// The steps through the leaves of a category as it is written, in the order of their paths. `hidden` are places that may hold
/// a credential.
pub fn leaves<'a>(category: &Category, entry: &'a Entry, hidden: &[Span], take: &mut Take<'a, '_>) {
    if let NodeKind::Map(map) = &entry.value.kind {
        below(map, &category.shape, hidden, take);
    }
}

fn below<'a>(map: &'a Map, shape: &Shape, hidden: &[Span], take: &mut Take<'a, '_>) {
    let mut entries: Vec<&Entry> = map.entries().iter().collect();
    entries.sort_unstable_by(|one, other| one.key.text.cmp(&other.key.text));
    for Entry { key, value: node } in entries {
        // What the schema does not know is no setting; it has its finding, and is not planned.
        let Some(shape) = shape.below(&key.text) else { continue };
        if let NodeKind::Map(map) = &node.kind
            && !shape.is_credential
        {
            take(Step::Open(&key.text));
            below(map, shape, hidden, take);
            take(Step::Close);
            continue;
        }
        let may_be_secret = |node: &Node| hidden.binary_search(&node.span).is_ok();
        if may_be_secret(node) || node.as_list().unwrap_or_default().iter().any(may_be_secret) {
            continue;
        }
        let written = match &node.kind {
            NodeKind::Text(text) if !shape.is_credential => Some(Written::Text(text)),
            _ => value(node, Some(shape)).map(Written::Other),
        };
        if let Some(written) = written {
            take(Step::Leaf(&key.text, (written, key.span)));
        }
    }
}

/// The canonical value of a leaf; `None` for a hole, for what no setting can hold, and for a literal credential.
#[must_use]
pub fn value(node: &Node, shape: Option<&Shape>) -> Option<Value> {
    if shape.is_some_and(|shape| shape.is_credential)
        && !matches!(node.kind, NodeKind::Map(_) | NodeKind::Null)
    {
        return None;
    }
    Some(match &node.kind {
        NodeKind::Hole => return None,
        NodeKind::Map(map) => {
            let reference = map.get("secret").and_then(|entry| entry.value.as_text())?;
            // Anything else may be the credential itself.
            let reference = Some(reference).filter(|text| is_reference(text))?;
            Value::Secret(Secret { reference: reference.to_owned(), fingerprint: None })
        }
        NodeKind::Null => Value::Null,
        NodeKind::Bool(on) => Value::Bool(*on),
        NodeKind::Number(written) => Value::number(written),
        NodeKind::Text(written) => Value::Text(written.to_string()),
        NodeKind::List(items) => list(items, shape),
    })
}

/// A list without repetitions is a set: its order says nothing.
fn list(items: &[Node], shape: Option<&Shape>) -> Value {
    let inner = shape.and_then(Shape::items);
    let mut values: Vec<Value> = items.iter().filter_map(|item| value(item, inner)).collect();
    if shape.is_some_and(|shape| shape.is_set) {
        values.sort();
        values.dedup();
    }
    Value::List(values)
}

/// What stands in place of a value that may be a credential.
const NOT_SHOWN: &str = "not shown: it may be a credential";

/// The document in the shape of the source, codes in the platform's type. What may be a credential is not shown.
#[must_use]
pub fn document(composed: &Composed, pair: &Pair, hidden: &[Span]) -> Json {
    let mut document = JsonMap::new();
    let mut entries: Vec<_> = composed.root.as_map().into_iter().flat_map(|map| map.entries()).collect();
    // A base's keys come first after merging; people look for the integration's name at the top.
    entries.sort_by_key(|entry| position(pair, &entry.key.text));
    for entry in entries {
        let key = entry.key.text.to_string();
        if key == "vars" {
            continue;
        }
        let category = is_top_level(&key).then(|| pair.category(&key));
        let value = match (category.flatten(), &entry.value.kind) {
            (Some(category), _) => canonical(&entry.value, Some(&category.shape), hidden),
            (None, NodeKind::Map(settings)) if key == "settings" => Json::Object(
                settings
                    .entries()
                    .iter()
                    .map(|entry| {
                        let shape = pair.category(&entry.key.text).map(|category| &*category.shape);
                        (entry.key.text.to_string(), canonical(&entry.value, shape, hidden))
                    })
                    .collect(),
            ),
            _ => canonical(&entry.value, None, hidden),
        };
        document.insert(key, value);
    }
    Json::Object(document)
}

/// Where a key stands among those of a document; `None` when it is none of them.
fn position(pair: &Pair, key: &str) -> Option<usize> {
    pair.validator().schema().get("properties")?.as_object()?.keys().position(|known| known == key)
}

/// Nothing that the schema would refuse is mended here: what is wrong in the source is wrong in the document.
fn canonical(node: &Node, shape: Option<&Shape>, hidden: &[Span]) -> Json {
    if shape.is_some_and(|shape| shape.is_credential) {
        return reference(node);
    }
    match &node.kind {
        NodeKind::Map(map) => {
            let entries = map.entries().iter().map(|entry| {
                let inner = shape.and_then(|shape| shape.below(&entry.key.text));
                (entry.key.text.to_string(), canonical(&entry.value, inner, hidden))
            });
            Json::Object(entries.collect())
        }
        NodeKind::List(items) => {
            let inner = shape.and_then(Shape::items);
            let mut items: Vec<&Node> = items.iter().collect();
            if shape.is_some_and(|shape| shape.is_set)
                && items.iter().all(|item| item.as_map().is_none() && item.as_list().is_none())
            {
                items.sort_by_cached_key(|item| value(item, inner));
            }
            items.into_iter().map(|item| canonical(item, inner, hidden)).collect()
        }
        NodeKind::Text(_) | NodeKind::Number(_) if hidden.binary_search(&node.span).is_ok() => {
            NOT_SHOWN.into()
        }
        _ => value(node, shape).map_or(Json::Null, |value| value.to_json()),
    }
}

/// A credential's reference; what stands there instead of one is not shown, and keeps the document as wrong as it is.
fn reference(node: &Node) -> Json {
    let Some(map) = node.as_map() else { return NOT_SHOWN.into() };
    let Some(Value::Secret(secret)) = value(node, None) else { return NOT_SHOWN.into() };
    let mut shown = secret.to_json();
    for entry in map.entries().iter().filter(|entry| &*entry.key.text != "secret") {
        if &*entry.key.text != "fingerprint" || !(entry.value.is_null() || entry.value.as_text().is_some()) {
            shown[&*entry.key.text] = NOT_SHOWN.into();
        }
    }
    shown
}
