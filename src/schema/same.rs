//! When two values are the same, as JSON Schema has it: numbers by their value and without rounding, maps in any order.

use std::collections::{HashMap, HashSet};

use serde_json::Value as Json;

use super::decimal::Decimal;
use crate::yaml::{Node, NodeKind};

/// YAML has numbers that JSON has not; they are judged as texts.
pub(super) fn is_json_number(text: &str) -> bool {
    !text.ends_with(['f', 'F', 'n', 'N']) || text.starts_with("0x")
}

/// Equal as JSON Schema has it: numbers by their value, maps in any order.
pub(super) fn same(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (NodeKind::Number(a), NodeKind::Number(b)) if is_json_number(a) && is_json_number(b) => {
            a == b || Decimal::parse(a) == Decimal::parse(b)
        }
        (NodeKind::Text(a) | NodeKind::Number(a), NodeKind::Text(b) | NodeKind::Number(b)) => {
            let number = |node: &Node| matches!(&node.kind, NodeKind::Number(text) if is_json_number(text));
            number(one) == number(other) && a == b
        }
        (NodeKind::Bool(a), NodeKind::Bool(b)) => a == b,
        (NodeKind::Null | NodeKind::Hole, NodeKind::Null | NodeKind::Hole) => true,
        (NodeKind::List(a), NodeKind::List(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b))
        }
        (NodeKind::Map(a), NodeKind::Map(b)) => {
            a.len() == b.len()
                && a.entries()
                    .iter()
                    .all(|entry| b.get(&entry.key.text).is_some_and(|other| same(&entry.value, &other.value)))
        }
        _ => false,
    }
}

/// Whether an instance is what a schema's `const` or `enum` says.
pub(super) fn is(node: &Node, expected: &Json) -> bool {
    match (&node.kind, expected) {
        (NodeKind::Number(text), Json::Number(number)) if is_json_number(text) => {
            Decimal::parse(text) == Decimal::parse(&number.to_string())
        }
        (NodeKind::Number(text), Json::String(expected)) => !is_json_number(text) && **text == **expected,
        (NodeKind::Text(text), Json::String(expected)) => **text == **expected,
        (NodeKind::Bool(on), Json::Bool(expected)) => on == expected,
        (NodeKind::Null | NodeKind::Hole, Json::Null) => true,
        (NodeKind::List(items), Json::Array(expected)) => {
            items.len() == expected.len()
                && items.iter().zip(expected).all(|(item, expected)| is(item, expected))
        }
        (NodeKind::Map(map), Json::Object(expected)) => {
            map.len() == expected.len()
                && expected
                    .iter()
                    .all(|(key, value)| map.get(key).is_some_and(|entry| is(&entry.value, value)))
        }
        _ => false,
    }
}

/// The number of items up to which each is compared with each.
const FEW: usize = 15;

pub(super) fn is_unique(items: &[Node]) -> bool {
    if items.len() <= FEW {
        return items.iter().enumerate().all(|(at, item)| !items[..at].iter().any(|other| same(other, item)));
    }
    let mut seen = HashSet::with_capacity(items.len());
    items.iter().all(|item| seen.insert(canonical(item)))
}

/// The first item that stands in a list before, and that one.
pub(super) fn repeated(items: &[Node]) -> Option<(&Node, &Node)> {
    let mut seen = HashMap::with_capacity(items.len());
    items.iter().find_map(|item| Some((seen.insert(canonical(item), item)?, item)))
}

/// Values that are the same have the same text, and no others.
pub(super) fn canonical(node: &Node) -> String {
    fn write(node: &Node, into: &mut String) {
        match &node.kind {
            NodeKind::Null | NodeKind::Hole => into.push_str("null"),
            NodeKind::Bool(on) => into.push_str(if *on { "true" } else { "false" }),
            NodeKind::Number(text) if is_json_number(text) => match Decimal::parse(text) {
                Some(number) => into.push_str(&number.canonical()),
                None => into.push_str(text),
            },
            NodeKind::Number(text) | NodeKind::Text(text) => into.push_str(&Json::from(&**text).to_string()),
            NodeKind::List(items) => {
                into.push('[');
                for item in items {
                    write(item, into);
                    into.push(',');
                }
                into.push(']');
            }
            NodeKind::Map(map) => {
                let mut entries: Vec<_> = map.entries().iter().collect();
                entries.sort_by(|a, b| a.key.text.cmp(&b.key.text));
                into.push('{');
                for entry in entries {
                    into.push_str(&Json::from(&*entry.key.text).to_string());
                    into.push(':');
                    write(&entry.value, into);
                    into.push(',');
                }
                into.push('}');
            }
        }
    }
    let mut text = String::new();
    write(node, &mut text);
    text
}
