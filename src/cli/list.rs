//! `list`: the integrations at a glance, or who sets a setting to what.

mod fleet;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use super::args::{Common, Form, List};
use super::deployed;
use super::exit::{self, Stop};
use super::project::{self, Project};
use super::streams::Streams;
use crate::compile::Compiled;
use crate::plan::{FORMAT_VERSION, Mode, Plan};
use crate::report::{clean, json as machine};
use crate::store;

/// Runs the command.
///
/// # Errors
/// When there is no project or the store cannot be read.
pub fn run(common: &Common, args: &List, streams: &mut Streams) -> Result<u8, Stop> {
    let opened = project::open(common)?;
    if args.setting.is_some() || args.differs_from_base || args.going_away {
        return fleet::run(common, args, &opened, streams);
    }
    let plan = super::planner::make(common, &opened)?;
    let applied = last_applied(common, &opened)?;
    let rows: Vec<Row<'_>> = rows(&opened, &plan, &applied);
    match common.output {
        Form::Json => {
            let body = json!({
                "format_version": FORMAT_VERSION,
                "command": "list",
                "exit_code": exit::OK,
                "integrations": rows.iter().map(Row::json).collect::<Vec<_>>(),
            });
            streams.result(&machine::print(&body));
        }
        _ => streams.result(&table(&rows)),
    }
    Ok(exit::OK)
}

struct Row<'a> {
    compiled: &'a Compiled,
    mode: Mode,
    required: usize,
    set: usize,
    pending: usize,
    errors: usize,
    applied: Option<&'a str>,
}

impl Row<'_> {
    fn json(&self) -> Json {
        json!({
            "integration": self.compiled.name,
            "pair": self.compiled.pair.id,
            "mode": self.mode,
            "flows": self.compiled.flows_on,
            "readiness": {"required": self.required, "set": self.set},
            "errors": self.errors,
            "pending": self.pending,
            "last_applied": self.applied,
        })
    }
}

fn rows<'a>(opened: &'a Project, plan: &Plan, applied: &'a BTreeMap<String, String>) -> Vec<Row<'a>> {
    let mut compiled = opened.compilation.integrations.iter();
    let mut rows = Vec::with_capacity(plan.integrations.len());
    plan.integrations.for_each(&mut |planned| {
        rows.extend(compiled.next().map(|compiled| Row {
            compiled,
            mode: planned.mode,
            required: planned.readiness.required,
            set: planned.readiness.set,
            pending: planned.categories.iter().filter(|category| category.action.saves()).count(),
            errors: opened.compilation.errors.get(&compiled.name).copied().unwrap_or_default(),
            applied: applied.get(&compiled.name).map(String::as_str),
        }));
    });
    rows
}

/// When a category of each integration was last saved by pairform.
fn last_applied(common: &Common, opened: &Project) -> Result<BTreeMap<String, String>, Stop> {
    let (_, url) = opened.store(common)?;
    let Some(mut store) = store::open_existing(&url)? else { return Ok(BTreeMap::new()) };
    let mut last = BTreeMap::new();
    let renames = store.renames()?;
    let rows = deployed::read(store.as_mut(), &opened.compilation.integrations, None)?.rows;
    for deployed in rows.into_iter().filter(|deployed| !deployed.applied.is_empty()) {
        let saved_at = match deployed.run {
            Some(_) => Some(deployed.saved_at),
            // Somebody edited it by hand since.
            None => deployed::history(store.as_mut(), &renames, &deployed.integration, &deployed.category)?
                .into_iter()
                .rfind(|past| past.run.is_some())
                .map(|past| past.saved_at),
        };
        let entry: &mut String = last.entry(deployed.integration).or_default();
        if let Some(saved_at) = saved_at.filter(|saved_at| saved_at > entry) {
            *entry = saved_at;
        }
    }
    last.retain(|_, at| !at.is_empty());
    Ok(last)
}

fn table(rows: &[Row<'_>]) -> String {
    let width = |of: &dyn Fn(&Row<'_>) -> usize| rows.iter().map(of).max().unwrap_or(0);
    let name = width(&|row| clean(&row.compiled.name).chars().count()).max(11);
    let pair = width(&|row| row.compiled.pair.id.len()).max(4);
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
        let ready = format!("{} of {}", row.set, row.required);
        let applied = row.applied.unwrap_or("never");
        let flows = row.compiled.flows_on.join(", ");
        let state = match (row.errors, row.pending) {
            (0, 0) => String::new(),
            (0, pending) => format!("  {}", format!("{pending} to save").yellow()),
            (errors, _) => format!("  {}", crate::report::count(errors, "error").red()),
        };
        let _ = writeln!(
            out,
            "{:name$}  {:pair$}  {mode:10}  {ready:8}  {applied:20}  {flows}{state}",
            clean(&row.compiled.name),
            row.compiled.pair.id
        );
    }
    out
}
