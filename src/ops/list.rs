//! The integrations at a glance: mode, readiness, what is pending and when pairform last saved something of them.

use std::collections::BTreeMap;

use super::deployed;
use super::error::Result;
use super::host::Host;
use super::plan;
use super::project::Project;
use super::request::Request;
use crate::model::Name;
use crate::plan::{Mode, Readiness};

/// One integration.
pub struct Row {
    pub integration: String,
    pub pair: Name,
    pub mode: Mode,
    /// Ids of the flows that are on.
    pub flows: Vec<String>,
    pub readiness: Readiness,
    /// How many categories an apply would save.
    pub pending: usize,
    pub errors: usize,
    /// RFC 3339; none: never.
    pub last_applied: Option<String>,
}

/// The integrations of a project, sorted.
///
/// # Errors
/// When the store cannot be read.
pub fn list(opened: &Project<'_>, request: &Request, host: &Host<'_>) -> Result<Vec<Row>> {
    let plan = plan::make(opened, request, host)?;
    let mut applied = last_applied(opened, request, host)?;
    let mut compiled = opened.compilation.integrations.iter();
    let mut rows = Vec::with_capacity(plan.integrations.len());
    plan.integrations.for_each(&mut |planned| {
        rows.extend(compiled.next().map(|compiled| Row {
            integration: compiled.name.clone(),
            pair: compiled.pair.id.clone(),
            mode: planned.mode,
            flows: compiled.flows_on.clone(),
            readiness: planned.readiness,
            pending: planned.categories.iter().filter(|category| category.action.saves()).count(),
            errors: opened.compilation.errors.get(&compiled.name).copied().unwrap_or_default(),
            last_applied: applied.remove(&compiled.name),
        }));
    });
    Ok(rows)
}

/// When a category of each integration was last saved by pairform.
fn last_applied(
    opened: &Project<'_>,
    request: &Request,
    host: &Host<'_>,
) -> Result<BTreeMap<String, String>> {
    let (_, url) = opened.store(request, host)?;
    let Some(mut store) = host.store(&url)? else { return Ok(BTreeMap::new()) };
    let mut last = BTreeMap::new();
    let renames = store.renames()?;
    let rows = deployed::read(store.as_mut(), &opened.compilation.integrations, None)?.rows;
    for deployed in rows.into_iter().filter(|deployed| !deployed.applied.is_empty()) {
        let saved_at = match deployed.plan() {
            Some(_) => Some(deployed.saved_at),
            // Somebody saved it since.
            None => deployed::history(store.as_mut(), &renames, &deployed.integration, &deployed.category)?
                .into_iter()
                .rfind(|past| past.plan().is_some())
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
