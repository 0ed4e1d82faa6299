//! Codes in the platform's type: an account is a number and a term of payment a text, however they were written.
//!
//! Done before anything is judged, so that a code is judged as what it will be.

use crate::model::Value;
use crate::schema::shape::{Code, Shape};
use crate::yaml::{Node, NodeKind};

/// Gives every code in a document its platform's type; places stay. `shape` is that of the document's schema.
pub fn normalize(node: &mut Node, shape: &Shape) {
    if !shape.holds_codes {
        return;
    }
    match &mut node.kind {
        NodeKind::Map(map) => {
            for entry in map.entries_mut() {
                if let Some(inner) = shape.below(&entry.key.text) {
                    normalize(&mut entry.value, inner);
                }
            }
        }
        NodeKind::List(items) => {
            if let Some(inner) = shape.items() {
                items.iter_mut().for_each(|item| normalize(item, inner));
            }
        }
        kind => normalize_one(kind, shape.code),
    }
}

fn normalize_one(kind: &mut NodeKind, code: Option<Code>) {
    match (&*kind, code) {
        // One that is another text as a number (`007`, `12E3`) stays as it is: which code was meant is asked, not guessed.
        (NodeKind::Number(written), Some(Code::Text))
            if is_digits(written.trim_start_matches('-')) && is_as_written(written) =>
        {
            *kind = NodeKind::Text(written.clone());
        }
        (NodeKind::Text(written), Some(Code::Integer)) if is_digits(written) => {
            if let Value::Number(number) = Value::number(written) {
                *kind = NodeKind::Number(number.into());
            }
        }
        _ => {}
    }
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a number is the same text when it was read as one.
fn is_as_written(text: &str) -> bool {
    matches!(Value::number(text), Value::Number(number) if *number == *text)
}

/// Whether a number would be a code, and one of another text than is written: `12E3`.
#[must_use]
pub fn is_another_code(text: &str) -> bool {
    let read = Value::number(text).to_string();
    is_digits(read.trim_start_matches('-')) && !is_as_written(text)
}

/// Digits that are read as they are written.
#[must_use]
pub fn is_plain_number(text: &str) -> bool {
    is_digits(text) && !has_leading_zero(text)
}

/// Whether YAML would drop a zero at the head of this number.
#[must_use]
pub fn has_leading_zero(text: &str) -> bool {
    let digits = text.trim_start_matches(['-', '+']).as_bytes();
    digits.len() > 1 && digits[0] == b'0' && digits[1].is_ascii_digit()
}
