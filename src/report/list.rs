//! Integrations at a glance, and settings of many of them, for people and for machines.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use super::words::day_of;
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
            "{:name$}  {:pair$}  {:10}  {:8}  {:12}  {:8}  flows",
            "integration", "pair", "mode", "ready", "last applied", "to save"
        )
        .dimmed()
    );
    for row in rows {
        let mode = row.mode.as_str();
        let ready = format!("{} of {}", row.readiness.set, row.readiness.required);
        let applied = row.last_applied.as_deref().map_or_else(|| "never".to_owned(), day_of);
        let flows = match row.flows.as_slice() {
            [first, second, third, rest @ ..] if rest.len() > 1 => {
                format!("{first}, {second}, {third} and {} more", rest.len())
            }
            flows => flows.join(", "),
        };
        let state = match (row.errors, row.pending) {
            (0, 0) => format!("{:8}", "-"),
            (0, pending) => format!("{pending:<8}").yellow().to_string(),
            (errors, _) => format!("{:8}", count(errors, "error")).red().to_string(),
        };
        let _ = writeln!(
            out,
            "{:name$}  {:pair$}  {mode:10}  {ready:8}  {:12}  {state}  {flows}",
            clean(&row.integration),
            row.pair,
            clean(&applied)
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
        out.push_str("No integration fits.\n");
    }
    out
}
