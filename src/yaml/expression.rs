//! What is said of an expression `{{ … }}` that stands without quotes.
//!
//! What expressions mean is not known here (that is `compile`).

use super::text::{Line, clamp};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::yaml as codes;
use crate::source::FileId;

/// An expression `{{ … }}` without quotes, which YAML takes for a map in a map; `at` is its first bracket.
pub(super) fn unquoted(text: &str, file: FileId, at: usize) -> Finding {
    let rest = text.get(at..).unwrap_or("").lines().next().unwrap_or("");
    let code = rest.split(" #").next().unwrap_or(rest).trim_end();
    let length = code.find("}}").map_or(2, |end| end + 2);
    let finding = codes::unquoted_expression(clamp(text, file, at, at + length));
    let line = Line::around(text, at);
    let before = text.get(line.code..at).unwrap_or("");
    let quote = if !code.contains(['"', '\\']) {
        '"'
    } else if !code.contains('\'') {
        '\''
    } else {
        return finding;
    };
    if !before.trim_end().ends_with(':') || before.contains(['{', '[']) || !code.contains("}}") {
        return finding;
    }
    let whole = clamp(text, file, at, at + code.len());
    finding.fix("put it in quotes", whole, format!("{quote}{code}{quote}"))
}
