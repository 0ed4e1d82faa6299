//! What is asked of every text of an integration, whatever setting it is in. What is wrong with one is said by those who are asked.

use super::context::Context;
use super::{marks, secrets};
use crate::diagnostic::Finding;
use crate::yaml::{Node, NodeKind, Trail};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    walk(context, context.root, &Trail::default(), findings);
}

fn walk(context: &Context<'_>, node: &Node, trail: &Trail<'_>, findings: &mut Vec<Finding>) {
    match &node.kind {
        NodeKind::Map(map) => {
            for entry in map.entries() {
                walk(context, &entry.value, &trail.below(&entry.key.text), findings);
            }
        }
        NodeKind::List(items) => items.iter().for_each(|item| walk(context, item, trail, findings)),
        NodeKind::Text(text) => {
            findings.extend(secrets::of_text(context, text, trail, node.span));
            findings.extend(marks::of_text(context, text, trail, node.span));
        }
        _ => {}
    }
}
