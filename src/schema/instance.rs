//! The spanned tree as the `jsonschema` crate reads it, so that no JSON copy of a document is made.
//!
//! Holes read as null: `messages` drops what is said of them.

use std::borrow::Cow;

use jsonschema::json::{Array, Json, JsonNumber, Node as JsonNode, NodeIdentity, Object};
use jsonschema::types::JsonType;
use serde_json::Value;

use super::decimal::Decimal;
use super::same::{self, is_json_number};
use crate::yaml::{Map, Node, NodeKind};

/// The representation; see [`jsonschema::json::Json`].
#[derive(Debug)]
pub struct Tree;

/// A node of the tree, or a map's key taken as a text (`propertyNames`).
#[derive(Clone, Copy)]
pub enum Instance<'a> {
    Node(&'a Node),
    Key(&'a str),
}

/// A number by its source text.
pub struct Number<'a>(&'a str);

impl Json for Tree {
    type Node<'a> = Instance<'a>;
    type PreparedKey = Box<str>;
    type StringBuffer = ();
    const ACYCLIC: bool = true;

    fn prepare_key(key: &str) -> Box<str> {
        key.into()
    }

    fn with_string_node<T>((): &mut (), string: &str, f: impl FnOnce(Instance<'_>) -> T) -> T {
        f(Instance::Key(string))
    }
}

impl<'a> JsonNode<'a, Tree> for Instance<'a> {
    type Object = &'a Map;
    type Array = &'a [Node];
    type Number = Number<'a>;

    fn as_object(&self) -> Option<&'a Map> {
        match self {
            Instance::Node(node) => node.as_map(),
            Instance::Key(_) => None,
        }
    }

    fn as_array(&self) -> Option<&'a [Node]> {
        match self {
            Instance::Node(node) => node.as_list(),
            Instance::Key(_) => None,
        }
    }

    fn as_string(&self) -> Option<Cow<'a, str>> {
        match self {
            Instance::Key(text) => Some(Cow::Borrowed(text)),
            Instance::Node(node) => match &node.kind {
                NodeKind::Text(text) => Some(Cow::Borrowed(text)),
                NodeKind::Number(text) if !is_json_number(text) => Some(Cow::Borrowed(text)),
                _ => None,
            },
        }
    }

    fn as_number(&self) -> Option<Number<'a>> {
        match self {
            Instance::Node(Node { kind: NodeKind::Number(text), .. }) if is_json_number(text) => {
                Some(Number(text))
            }
            _ => None,
        }
    }

    fn as_boolean(&self) -> Option<bool> {
        match self {
            Instance::Node(node) => node.as_bool(),
            Instance::Key(_) => None,
        }
    }

    fn is_null(&self) -> bool {
        self.json_type() == JsonType::Null
    }

    fn json_type(&self) -> JsonType {
        let Instance::Node(node) = self else { return JsonType::String };
        match &node.kind {
            NodeKind::Null | NodeKind::Hole => JsonType::Null,
            NodeKind::Bool(_) => JsonType::Boolean,
            NodeKind::Number(text) if is_json_number(text) => JsonType::Number,
            NodeKind::Number(_) | NodeKind::Text(_) => JsonType::String,
            NodeKind::List(_) => JsonType::Array,
            NodeKind::Map(_) => JsonType::Object,
        }
    }

    fn to_value(&self) -> Cow<'a, Value> {
        Cow::Owned(match self {
            Instance::Key(text) => Value::from(*text),
            Instance::Node(node) => node.to_json(),
        })
    }

    fn equals_value(&self, expected: &Value) -> bool {
        match self {
            Instance::Key(text) => expected.as_str() == Some(text),
            Instance::Node(node) => same::is(node, expected),
        }
    }

    fn identity(&self) -> Option<NodeIdentity> {
        match self {
            Instance::Node(node) => Some(NodeIdentity::new(std::ptr::from_ref::<Node>(node) as usize)),
            Instance::Key(_) => None,
        }
    }
}

impl<'a> Object<'a, Tree> for &'a Map {
    type Node = Instance<'a>;
    type MemberName = &'a str;
    type MembersIter = Box<dyn Iterator<Item = (&'a str, Instance<'a>)> + 'a>;

    fn len(&self) -> usize {
        Map::len(self)
    }

    fn get(&self, key: &Box<str>) -> Option<Instance<'a>> {
        Map::get(self, key).map(|entry| Instance::Node(&entry.value))
    }

    fn members(&self) -> Self::MembersIter {
        let entries: &'a [_] = self.entries();
        Box::new(entries.iter().map(|entry| (&*entry.key.text, Instance::Node(&entry.value))))
    }
}

impl<'a> Array<'a, Tree> for &'a [Node] {
    type Node = Instance<'a>;
    type ElementsIter = std::iter::Map<std::slice::Iter<'a, Node>, fn(&'a Node) -> Instance<'a>>;

    fn len(&self) -> usize {
        <[Node]>::len(self)
    }

    fn elements(&self) -> Self::ElementsIter {
        self.iter().map(Instance::Node)
    }

    fn is_unique(&self) -> bool {
        same::is_unique(self)
    }
}

impl Number<'_> {
    /// The number as it is written; `None` where it is none after all.
    pub(super) fn decimal(&self) -> Option<Decimal> {
        Decimal::parse(self.0)
    }
}

impl JsonNumber for Number<'_> {
    fn as_u64(&self) -> Option<u64> {
        self.0.parse().ok().or_else(|| self.decimal()?.to_i128()?.try_into().ok())
    }

    fn as_i64(&self) -> Option<i64> {
        self.0.parse().ok().or_else(|| self.decimal()?.to_i128()?.try_into().ok())
    }

    /// Nothing where it would be rounded: what compares numbers then finds none that is equal.
    fn as_f64(&self) -> Option<f64> {
        let decimal = self.decimal()?;
        let float: f64 = self.0.parse().ok().filter(|float: &f64| float.is_finite())?;
        (Decimal::parse(&float.to_string())? == decimal).then_some(float)
    }

    fn as_str(&self) -> Cow<'_, str> {
        match crate::model::Value::number(self.0).to_json() {
            Value::Number(number) => Cow::Owned(number.to_string()),
            _ => Cow::Borrowed(self.0),
        }
    }

    fn to_number(&self) -> Cow<'_, serde_json::Number> {
        Cow::Owned(match crate::model::Value::number(self.0).to_json() {
            Value::Number(number) => number,
            _ => 0.into(),
        })
    }

    fn is_integer(&self) -> bool {
        self.decimal().is_some_and(|number| number.is_integer())
    }

    fn is_written_as_integer(&self) -> bool {
        self.0.starts_with("0x") || !self.0.contains(['.', 'e', 'E'])
    }
}
