//! Codes without quotes that are another text once they were read as numbers: YAML drops the zero of `0123` and makes 12000 of `12E3`.
//! And order numbers that get a prefix in a field that takes digits alone.

use super::context::Context;
use crate::compile::codes::{has_leading_zero, is_another_code};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across::prefix_of_digits;
use crate::diagnostic::codes::schema as codes;
use crate::model::{GENERAL, SettingPath, Value};
use crate::schema::pointer::about;
use crate::schema::shape::{Code, Shape};
use crate::yaml::{Node, NodeKind, Trail};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    walk(context, context.root, Some(&context.pair.shape), &Trail::default(), findings);
    findings.extend(prefixed(context));
}

/// A prefix in a field that takes digits alone. Which fields these are is data: `x-digits`.
fn prefixed(context: &Context<'_>) -> Option<Finding> {
    const PREFIX: &str = "order_number_prefix";
    const FIELD: &str = "order_number_field";
    let prefix = context.written(GENERAL, PREFIX)?;
    let (known, _) = context.known(GENERAL, FIELD)?;
    let field = context.choice(GENERAL, FIELD)?;
    let digits = known.schema.get("x-digits")?.as_array()?;
    let is_number = prefix.as_text().is_some_and(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
    if is_number || !digits.iter().any(|one| one.as_str() == Some(field)) {
        return None;
    }
    let at = context.written(GENERAL, FIELD).map(|node| node.span);
    let path = SettingPath::root().child(PREFIX);
    Some(prefix_of_digits(field, FIELD, prefix.span, at).about(context.about(GENERAL, &path)))
}

fn walk(
    context: &Context<'_>,
    node: &Node,
    shape: Option<&Shape>,
    trail: &Trail<'_>,
    findings: &mut Vec<Finding>,
) {
    match &node.kind {
        NodeKind::Number(text) => {
            let is_code = shape.is_some_and(|shape| shape.code == Some(Code::Text));
            let of_another = match (has_leading_zero(text), is_code && is_another_code(text)) {
                (true, _) => codes::leading_zero,
                (_, true) => codes::code_as_number,
                _ => return,
            };
            let finding = of_another(text, &Value::number(text).to_string(), node.span);
            findings.push(finding.about(about(Some(context.name), &trail.pointer())));
        }
        NodeKind::Map(map) => {
            for entry in map.entries() {
                let shape = shape.and_then(|shape| shape.below(&entry.key.text));
                walk(context, &entry.value, shape, &trail.below(&entry.key.text), findings);
            }
        }
        NodeKind::List(items) => {
            let shape = shape.and_then(Shape::items);
            items.iter().for_each(|item| walk(context, item, shape, trail, findings));
        }
        _ => {}
    }
}
