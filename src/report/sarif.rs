//! SARIF 2.1.0: one run, rules with their help, results with fixes. Paths are relative, columns count characters.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::content::{Content, Item, RULES};
use super::gitlab::identity;
use super::{clean, clean_text};
use crate::diagnostic::codes;
use crate::diagnostic::placed::{PlacedEdit, PlacedFix};
use crate::diagnostic::text::{is_harmful, outward_json};
use crate::model::digest_text;

const SCHEMA: &str =
    "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json";
/// GitHub refuses a run with more.
const MOST_RESULTS: usize = 25_000;
/// As many other places of one finding are named in its text.
const NAMED: usize = 10;

/// One compact JSON value. `page` gives the explain page of a code.
#[must_use]
pub fn render(content: &Content<'_>, page: &dyn Fn(&str) -> Option<&'static str>) -> String {
    let remarks = content.remarks();
    let used: BTreeSet<&str> = remarks.iter().map(|remark| remark.code.as_str()).collect();
    let index: BTreeMap<&str, usize> = used.iter().enumerate().map(|(at, code)| (*code, at)).collect();
    let rules: Vec<Json> = used.iter().map(|code| rule(code, page(code))).collect();
    let mut seen = BTreeMap::<String, usize>::new();
    let results: Vec<Json> = remarks
        .iter()
        .take(MOST_RESULTS)
        .map(|remark| {
            let identity = identity(remark);
            let nth = seen.entry(identity.clone()).or_default();
            *nth += 1;
            let fingerprint = format!("{}:{nth}", digest_text(&identity).trim_start_matches("sha256:"));
            result(remark, index.get(remark.code.as_str()).copied().unwrap_or(0), &fingerprint)
        })
        .collect();
    let log = json!({
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [{
            "tool": {"driver": {
                "name": "pairform",
                "semanticVersion": env!("CARGO_PKG_VERSION"),
                "rules": rules,
            }},
            "columnKind": "unicodeCodePoints",
            "automationDetails": {"id": category(content)},
            "originalUriBaseIds": {"%SRCROOT%": {"description": {"text": "The folder that holds pairform.yaml."}}},
            "results": results,
        }],
    });
    outward_json(log.to_string() + "\n")
}

/// What tells a run from those of other commands and of other projects of the repository; one takes the place of the last of its own.
fn category(content: &Content<'_>) -> String {
    let project = content.project();
    let project = if project.is_empty() { project } else { format!("{project}/") };
    format!("pairform/{}/{project}", content.command)
}

fn rule(code: &str, page: Option<&'static str>) -> Json {
    let known = codes::find(code);
    let summary = known
        .map(|known| known.summary)
        .or_else(|| RULES.iter().find(|(id, _)| *id == code).map(|(_, summary)| *summary));
    let summary = summary.unwrap_or("a finding of pairform");
    let help = page.unwrap_or(summary);
    json!({
        "id": clean(code),
        "name": known.map_or(code, |known| known.name),
        "shortDescription": {"text": summary},
        "help": {"text": help, "markdown": help},
        "defaultConfiguration": {"level": match code.as_bytes().first() {
            Some(b'E') => "error",
            Some(b'W') => "warning",
            _ => "note",
        }},
    })
}

fn result(remark: &Item, rule: usize, fingerprint: &str) -> Json {
    let help = if remark.help.is_empty() { String::new() } else { format!("\nHelp: {}", remark.help) };
    let others: String = remark.elsewhere(NAMED).iter().map(|other| format!("\n{other}")).collect();
    let mut result = json!({
        "ruleId": clean(&remark.code),
        "ruleIndex": rule,
        "level": match remark.severity.as_str() { "error" => "error", "warning" => "warning", _ => "note" },
        "message": {"text": plain(&format!("{}{help}{others}", remark.message))},
        "locations": [location(remark)],
        "partialFingerprints": {"pairform/v1": fingerprint},
    });
    if !remark.others.is_empty() {
        result["relatedLocations"] = remark.others.iter().map(location).collect();
    }
    let about: serde_json::Map<String, Json> =
        [("integration", &remark.integration), ("category", &remark.category), ("setting", &remark.setting)]
            .into_iter()
            .filter(|(_, text)| !text.is_empty())
            .map(|(key, text)| (key.to_owned(), clean(text).into()))
            .collect();
    if !about.is_empty() {
        result["properties"] = Json::Object(about);
    }
    // A mend is written into the file as it is, so that nothing in it can be made visible.
    let is_plain = |edit: &PlacedEdit| {
        !edit.replacement.chars().any(|c| !matches!(c, '\n' | '\r' | '\t') && is_harmful(c))
    };
    // Of several places, what mends the first by itself goes with what mends the others.
    let fixes: Vec<&PlacedFix> = remark
        .all()
        .filter_map(|one| one.fix.as_ref())
        .filter(|fix| !fix.edits.is_empty() && fix.edits.iter().all(is_plain))
        .collect();
    if let Some(fix) = fixes.first() {
        let mut files = BTreeMap::<&str, Vec<&PlacedEdit>>::new();
        for edit in fixes.iter().flat_map(|fix| &fix.edits) {
            files.entry(&edit.place.path).or_default().push(edit);
        }
        let changes: Vec<Json> = files
            .into_iter()
            .map(|(path, edits)| {
                let replacements: Vec<Json> = edits
                    .iter()
                    .map(|edit| {
                        json!({
                            "deletedRegion": region(edit.place.line, edit.place.column, edit.place.end_line, edit.place.end_column),
                            "insertedContent": {"text": edit.replacement},
                        })
                    })
                    .collect();
                json!({"artifactLocation": artifact(path), "replacements": replacements})
            })
            .collect();
        result["fixes"] =
            json!([{"description": {"text": plain(&clean(&fix.message))}, "artifactChanges": changes}]);
    }
    result
}

fn location(one: &Item) -> Json {
    json!({"physicalLocation": {
        "artifactLocation": artifact(&one.path),
        "region": region(one.line, one.column, one.end_line, one.end_column),
    }})
}

/// A text without links: SARIF reads `[text](address)` in plain messages too (3.11.6), and has a backslash before what is meant
/// as it stands.
fn plain(text: &str) -> String {
    let text = clean_text(text);
    if !text.contains("](") {
        return text;
    }
    let mut plain = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        if matches!(c, '[' | ']' | '\\') {
            plain.push('\\');
        }
        plain.push(c);
    }
    plain
}

fn artifact(path: &str) -> Json {
    json!({"uri": uri(path), "uriBaseId": "%SRCROOT%"})
}

/// A relative URI reference: everything but unreserved characters and slashes is percent-encoded.
fn uri(path: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~/".contains(&byte);
    path.trim_start_matches(['/', '\\'])
        .bytes()
        .map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") })
        .collect()
}

fn region(line: usize, column: usize, end_line: usize, end_column: usize) -> Json {
    let (line, column) = (line.max(1), column.max(1));
    let end_line = end_line.max(line);
    let end_column = if end_line == line { end_column.max(column) } else { end_column.max(1) };
    json!({"startLine": line, "startColumn": column, "endLine": end_line, "endColumn": end_column})
}

#[cfg(test)]
mod tests {
    use super::plain;

    #[test]
    fn a_message_holds_no_link() {
        assert_eq!(
            plain("`[here](https://evil.example)` \\[x](1)"),
            "`\\[here\\](https://evil.example)` \\\\\\[x\\](1)"
        );
        assert_eq!(plain("one of [a, b] (or c)"), "one of [a, b] (or c)");
    }
}
