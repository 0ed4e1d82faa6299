//! Unquoted numbers that begin with a zero: YAML would drop the zero and with it, perhaps, another account.

use super::context::Context;
use crate::compile::codes::has_leading_zero;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::schema as codes;
use crate::model::Value;
use crate::schema::pointer::about;
use crate::yaml::{Node, NodeKind, Trail};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    walk(context, context.root, &Trail::default(), findings);
}

fn walk(context: &Context<'_>, node: &Node, trail: &Trail<'_>, findings: &mut Vec<Finding>) {
    match &node.kind {
        NodeKind::Number(text) if has_leading_zero(text) => {
            let read_as = Value::number(text).to_string();
            let finding = codes::leading_zero(text, &read_as, node.span);
            findings.push(finding.about(about(Some(context.name), &trail.pointer())));
        }
        NodeKind::Map(map) => {
            for entry in map.entries() {
                walk(context, &entry.value, &trail.below(&entry.key.text), findings);
            }
        }
        NodeKind::List(items) => items.iter().for_each(|item| walk(context, item, trail, findings)),
        _ => {}
    }
}
