//! What a schema itself says of a value or key that people write and that cannot stand there.

use serde_json::Value as Json;

use crate::diagnostic::Finding;
use crate::source::Span;

/// What a schema says of a value or key that people write and that cannot stand there.
pub(super) struct Refusal<'a> {
    pub why: &'a str,
    /// What they mean, where that is certain.
    pub meant: Option<&'a str>,
}

impl<'a> Refusal<'a> {
    pub fn of(holder: Option<&'a Json>, written: &str) -> Option<Self> {
        let said = |keyword: &str| holder?.get(keyword)?.get(written)?.as_str();
        Some(Refusal { why: said("x-refusals")?, meant: said("x-aliases") })
    }
}

pub(super) fn refused(finding: Finding, meant: Option<&str>, at: Span, otherwise: String) -> Finding {
    match meant {
        Some(meant) => finding.help(format!("write `{meant}`")).fix(format!("write `{meant}`"), at, meant),
        None => finding.help(otherwise),
    }
}
