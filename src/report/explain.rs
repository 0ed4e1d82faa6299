//! What a code, a setting and a value are. Every code has a page; a test keeps it so.

use std::fmt::Write as _;

use include_dir::{Dir, include_dir};
use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use crate::diagnostic::clean;
use crate::ops::explain::{Explained, Explanation, Layer};
use crate::plan::Origin;
use crate::schema::words::{choices, facts, kind};
use crate::schema::{Category, Pair, Setting};

static PAGES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/explain");

/// The page of a code.
#[must_use]
pub fn page(id: &str) -> Option<&'static str> {
    PAGES.get_file(format!("{id}.md"))?.contents_utf8()
}

/// What an integration has of one leaf of a setting.
#[must_use]
pub fn json(explained: &Explained) -> Json {
    let layer = |layer: &Layer| {
        json!({"path": layer.path, "line": layer.line, "value": layer.value,
            "wins": layer.beaten_by.is_none(), "beaten_by": layer.beaten_by})
    };
    json!({
        "setting": explained.setting,
        "layers": explained.layers.iter().map(layer).collect::<Vec<_>>(),
        "deployed": explained.deployed.as_ref().map(crate::model::Value::to_json),
        "change": explained.change,
    })
}

/// What an integration has of a setting.
#[must_use]
pub fn value(explanation: &Explanation, category: &str) -> String {
    let mut out = String::new();
    for row in &explanation.rows {
        let value = row.value.as_deref().unwrap_or("not set in the files");
        let _ = writeln!(&mut out, "  {category}.{} = {}", clean(&row.setting), clean(value));
        for Layer { path, line, value: said, beaten_by } in &row.layers {
            let why = match beaten_by {
                None => "counts: the nearest".to_owned(),
                Some(by) => format!("overridden by {by}"),
            };
            let _ = writeln!(&mut out, "    {}", clean(&format!("{path}:{line}  {said}  {why}")));
        }
        let deployed = match (&explanation.unknown, &row.deployed) {
            (Some(why), _) => format!("not known: {why}"),
            (None, Some(value)) => value.to_string(),
            (None, None) => "not set".to_owned(),
        };
        let _ = writeln!(&mut out, "    deployed: {}", clean(&deployed));
        if let Some(change) = &row.change {
            let after = if change.after.is_null() {
                "its default".to_owned()
            } else {
                crate::model::Value::from_json(&change.after).to_string()
            };
            let origin = match change.origin {
                Origin::Git => "made in git",
                Origin::Outside => "drift, would be set back",
                Origin::Both => "changed in git and outside",
            };
            let _ = writeln!(&mut out, "    an apply would set {} ({origin})", clean(&after));
        }
    }
    let when = match explanation.effect.as_str() {
        "immediately" => "a change takes effect at once",
        "new-import" => "a change takes effect for what is imported from then on",
        _ => "a change takes effect at the next sync; what was synced keeps its old value",
    };
    let _ = writeln!(&mut out, "  {when}");
    out
}

/// What a setting is.
#[must_use]
pub fn setting(pair: &Pair, category: &Category, setting: &Setting) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  {}", format!("{}.{}", category.id, setting.path).bold(), setting.title);
    let _ = writeln!(out, "  {} · {}", pair.title, category.title);
    if !setting.description.is_empty() {
        let _ = writeln!(out, "\n  {}", setting.description);
    }
    out.push('\n');
    let mut all = vec![("Type", kind(pair, setting))];
    let allowed = choices(&setting.schema);
    if !allowed.is_empty() {
        let words: Vec<&str> = allowed.iter().map(|(value, _)| *value).collect();
        all.push(("Allowed", words.join(", ")));
    }
    all.extend(facts(pair, category, setting));
    if setting.additional {
        all.push(("Additional", "these settings are not needed in most situations".to_owned()));
    }
    for (name, value) in all {
        let _ = writeln!(out, "  {name:<12} {value}");
    }
    out
}
