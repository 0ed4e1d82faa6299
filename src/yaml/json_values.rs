//! Trees and numbers as JSON has them. What text is a number is known in [`super::scalar`].

use super::tree::{Node, NodeKind};

/// A number's text as JSON: an integer where it fits 64 bits, else the nearest float, else (`.inf`, `.nan`) its text.
pub(crate) fn number_to_json(text: &str) -> serde_json::Value {
    let radix = match text.get(..2) {
        Some("0o") => 8,
        Some("0x") => 16,
        _ => 10,
    };
    let digits = if radix == 10 { text } else { &text[2..] };
    if let Ok(whole) = i64::from_str_radix(digits, radix) {
        return whole.into();
    }
    if let Ok(whole) = u64::from_str_radix(digits, radix) {
        return whole.into();
    }
    let float = if radix == 10 { text.parse::<f64>().ok() } else { Some(large(digits, radix)) };
    match float {
        Some(float) if float.is_finite() => float.into(),
        _ => text.into(),
    }
}

fn large(digits: &str, radix: u32) -> f64 {
    digits
        .chars()
        .filter_map(|digit| digit.to_digit(radix))
        .fold(0.0, |sum, digit| sum * f64::from(radix) + f64::from(digit))
}

impl Node {
    /// The value as JSON. Numbers become integers where they fit 64 bits, else the nearest float; what JSON
    /// cannot say (`.inf`, `.nan`) stays text, as in [`crate::yaml`]'s tree. A hole becomes null.
    #[must_use]
    pub fn into_json(self) -> serde_json::Value {
        match self.kind {
            NodeKind::Null | NodeKind::Hole => serde_json::Value::Null,
            NodeKind::Bool(on) => on.into(),
            NodeKind::Number(text) => number_to_json(&text),
            NodeKind::Text(text) => String::from(text).into(),
            NodeKind::List(items) => items.into_iter().map(Node::into_json).collect(),
            NodeKind::Map(map) => {
                let pairs = map.into_entries().into_iter();
                pairs.map(|entry| (String::from(entry.key.text), entry.value.into_json())).collect()
            }
        }
    }

    /// As [`Node::into_json`], of a value that is still needed.
    #[must_use]
    pub fn to_json(&self) -> serde_json::Value {
        self.clone().into_json()
    }
}
