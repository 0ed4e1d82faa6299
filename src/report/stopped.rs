//! Why a command ended before its result.

use serde_json::{Value as Json, json};

use crate::diagnostic::placed::PlacedFinding;
use crate::plan::{FORMAT_VERSION, Refusal};

/// What ended a command before its result.
#[derive(Debug, Clone, Copy)]
pub struct Stopped<'a> {
    pub message: &'a str,
    pub help: Option<&'a str>,
    /// What refuses, each with what to do about it; the message sums them up.
    pub refusals: &'a [(Refusal, String)],
}

impl Stopped<'_> {
    /// Why, in a line.
    #[must_use]
    pub fn sum(&self) -> String {
        match self.refusals {
            [] | [_] => format!("Stopped: {}", self.message),
            several => format!("Stopped: refused for {} reasons", several.len()),
        }
    }
}

/// What any command prints when it was stopped: the same envelope, with the reason, what was found and what refuses.
#[must_use]
pub fn json(command: &str, exit_code: u8, stopped: &Stopped<'_>, findings: &[PlacedFinding]) -> Json {
    let refusal = |(refusal, help): &(Refusal, String)| {
        let mut json = serde_json::to_value(refusal).unwrap_or_default();
        json["help"] = help.as_str().into();
        json
    };
    json!({
        "format_version": FORMAT_VERSION,
        "command": command,
        "exit_code": exit_code,
        "error": {"message": stopped.message, "help": stopped.help},
        "findings": findings,
        "refusals": stopped.refusals.iter().map(refusal).collect::<Vec<_>>(),
    })
}
