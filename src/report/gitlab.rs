//! GitLab's code quality report: an array of issues with fingerprints that outlive a shift of lines.

use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use super::clean;
use super::content::{Content, Item};
use crate::model::digest_text;

/// As many other places of one finding are named.
const NAMED: usize = 10;

/// One JSON array.
#[must_use]
pub fn render(content: &Content<'_>) -> String {
    let mut seen = BTreeMap::<String, usize>::new();
    let issues: Vec<Json> = content
        .remarks()
        .iter()
        .map(|remark| {
            let identity = identity(remark);
            let nth = seen.entry(identity.clone()).or_default();
            *nth += 1;
            let fingerprint = digest_text(&format!("{identity}\u{0}{nth}"));
            let help =
                if remark.help.is_empty() { String::new() } else { format!(". Help: {}", remark.help) };
            let others: String = remark.elsewhere(NAMED).iter().map(|other| format!("; {other}")).collect();
            json!({
                "description": clean(&format!("{}{help}{others}", remark.message)),
                "check_name": remark.code,
                "fingerprint": fingerprint.trim_start_matches("sha256:"),
                "severity": severity(remark),
                "location": {
                    "path": clean(&remark.path).trim_start_matches("./"),
                    "lines": {"begin": remark.line, "end": remark.end_line.max(remark.line)},
                },
            })
        })
        .collect();
    super::json::print(&Json::Array(issues))
}

fn severity(remark: &Item) -> &'static str {
    match remark.severity.as_str() {
        "error" => "critical",
        "warning" => "minor",
        _ => "info",
    }
}

/// What makes a result the same one after an edit elsewhere: the rule and the setting, never the line; of several places, the first.
#[must_use]
pub fn identity(remark: &Item) -> String {
    [&remark.code, &remark.path, &remark.integration, &remark.category, &remark.setting]
        .map(String::as_str)
        .join("\u{0}")
        + if remark.setting.is_empty() { &remark.message } else { "" }
}
