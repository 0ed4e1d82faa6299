//! Values that a setting admits and that are hardly meant there. Which these are, and why, is data: `x-doubtful`.

use super::context::{Context, category_entry, setting};
use super::values::code;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::model::Value;
use crate::schema::text;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for category in context.pair.categories() {
        if category_entry(context.root, &category.id).is_none() {
            continue;
        }
        for known in &category.settings {
            let Some(doubtful) = known.schema.get("x-doubtful") else { continue };
            let Some(node) = setting(context.root, &category.id, &known.path) else { continue };
            let name = known.path.to_string();
            if context.known(&category.id, &name).is_none() {
                continue;
            }
            let Some((value, why)) = code(node).map(|value| (value, text(doubtful, value))) else { continue };
            if !why.is_empty() {
                let usual = match &known.default {
                    Some(Value::Text(text)) => Some(text.as_str()),
                    _ => None,
                };
                let finding = codes::doubtful_value(&name, value, why, usual, node.span);
                findings.push(finding.about(context.about(&category.id, &known.path)));
            }
        }
    }
}
