//! Unquoted numbers that begin with a zero: YAML would drop the zero and with it, perhaps, another account.

use super::Context;
use crate::compile::codes::has_leading_zero;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::schema as codes;
use crate::model::Value;
use crate::schema::judge::about;
use crate::yaml::{Kind, Node};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    walk(context, context.root, "", findings);
}

fn walk(context: &Context<'_>, node: &Node, pointer: &str, findings: &mut Vec<Finding>) {
    match &node.kind {
        Kind::Number(text) if has_leading_zero(text) => {
            let read_as = Value::number(text).to_string();
            let finding = codes::leading_zero(text, &read_as, node.span);
            findings.push(finding.about(about(Some(context.name), pointer)));
        }
        Kind::Map(map) => {
            for entry in map.entries() {
                let key = entry.key.text.replace('~', "~0").replace('/', "~1");
                walk(context, &entry.value, &format!("{pointer}/{key}"), findings);
            }
        }
        Kind::List(items) => items.iter().for_each(|item| walk(context, item, pointer, findings)),
        _ => {}
    }
}
