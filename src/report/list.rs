//! Integrations at a glance, and settings of many of them, for people and for machines.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use super::{clean, count};
use crate::ops::fleet;
use crate::ops::list::Row;

/// One integration.
#[must_use]
pub fn row_json(row: &Row) -> Json {
    json!({
        "integration": row.integration,
        "pair": row.pair,
        "mode": row.mode,
        "flows": row.flows,
        "readiness": row.readiness,
        "errors": row.errors,
        "pending": row.pending,
        "last_applied": row.last_applied,
    })
}

/// All of them.
#[must_use]
pub fn table(rows: &[Row]) -> String {
    let width = |of: &dyn Fn(&Row) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let name = width(&|row| clean(&row.integration).chars().count()).max(11);
    let pair = width(&|row| row.pair.len()).max(4);
    let mut out = format!(
        "{}\n",
        format!(
            "{:name$}  {:pair$}  {:10}  {:8}  {:20}  flows",
            "integration", "pair", "mode", "ready", "last applied"
        )
        .dimmed()
    );
    for row in rows {
        let mode = row.mode.as_str();
        let ready = format!("{} of {}", row.readiness.set, row.readiness.required);
        let applied = row.last_applied.as_deref().unwrap_or("never");
        let flows = row.flows.join(", ");
        let state = match (row.errors, row.pending) {
            (0, 0) => String::new(),
            (0, pending) => format!("  {}", format!("{pending} to save").yellow()),
            (errors, _) => format!("  {}", count(errors, "error").red()),
        };
        let _ = writeln!(
            out,
            "{:name$}  {:pair$}  {mode:10}  {ready:8}  {applied:20}  {flows}{state}",
            clean(&row.integration),
            row.pair
        );
    }
    out
}

/// One setting of one integration.
#[must_use]
pub fn setting_json(row: &fleet::Row<'_>) -> Json {
    json!({
        "integration": row.integration,
        "category": row.category,
        "setting": row.path.to_string(),
        "value": row.value.to_json(),
        "label": row.label,
        "path": row.place.as_ref().map(|(path, _)| path),
        "line": row.place.as_ref().map(|(_, line)| line),
        "base": row.base,
        "why": row.why,
    })
}

/// Settings of many integrations.
#[must_use]
pub fn settings_table(rows: &[fleet::Row<'_>]) -> String {
    let name = rows.iter().map(|row| clean(row.integration).chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for row in rows {
        let base = row.base.as_ref().map(|base| format!("  base: {base}"));
        let why = row.why.map(|why| format!("  {why}"));
        let place = row.place.as_ref().map(|(path, line)| format!("  {path}:{line}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{:name$}  {}.{} = {}{}{}",
            clean(row.integration),
            row.category,
            clean(&row.path.to_string()),
            clean(&row.value.with_label(row.label.as_deref())),
            clean(&base.or(why).unwrap_or_default()),
            clean(&place).dimmed(),
        );
    }
    if rows.is_empty() {
        out.push_str("No integration does.\n");
    }
    out
}
