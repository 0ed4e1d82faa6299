//! The way back to what was deployed before, as an ordinary plan that is reviewed and applied like any other. Nothing is
//! saved here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use super::check;
use super::deployed;
use super::error::{Error, Help, Result};
use super::host::Host;
use super::places;
use super::plan::{Planned, made};
use super::project;
use super::request::Request;
use super::workspace::Workspace;
use crate::compile::Compiled;
use crate::model::{GENERAL, Settings};
use crate::plan::{self, Current, Integration, Mode, back, safety};
use crate::store::{self, REVERT, Record};

/// A point to go back to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Point {
    /// A revision of the one category that the request names.
    Revision(u64),
    /// RFC 3339.
    Time(String),
    /// After a commit: the beginning of its id, or a name that git knows.
    Commit(String),
}

/// Plans the way back of one integration.
///
/// # Errors
/// When the store holds no such point to go back to.
pub fn revert<'w>(
    workspace: &'w Workspace,
    request: &Request,
    integration: &str,
    point: Option<&Point>,
    host: &Host<'_>,
) -> Result<Planned<'w>> {
    let opened = project::open(workspace, &request.of(integration), host)
        .map_err(|error| in_no_file(workspace, request, integration, host).unwrap_or(error))?;
    let (mut plan, judging) = made(&opened, request, host)?;
    let (_, address) = opened.store(request, host)?;
    let mut store =
        host.store(&address)?.ok_or_else(|| Error::usage("there is no store yet, so nothing was saved"))?;
    let names = [integration.to_owned()];
    let read = deployed::read(store.as_mut(), &opened.compilation.integrations, Some(&names))?;
    let name = read.renamed.get(integration).map_or(integration, String::as_str);
    let mut records = deployed::records(store.as_mut())?;
    records.retain(|record| record.integration == name);
    let compiled = opened.compilation.integrations.iter().find(|compiled| compiled.name == integration);
    for Record { category, past, .. } in &mut records {
        if let (Some(compiled), Ok(settings)) = (compiled, &mut past.settings) {
            *settings = deployed::present(compiled, category, std::mem::take(settings));
        }
    }
    let deployed: BTreeMap<String, Current> = read
        .rows
        .into_iter()
        .map(|now| {
            let current = Current { revision: now.revision, settings: now.settings, applied: now.applied };
            (now.category, current)
        })
        .collect();
    let notes = store.notes()?;
    let reverts: BTreeSet<&str> =
        notes.iter().filter(|note| note.kind == REVERT).filter_map(|note| note.run.as_deref()).collect();
    let point = point.ok_or_else(|| {
        Error::usage("it was not said where to go back to").with(Help::NamePoint(integration.to_owned()))
    })?;
    let (until, to) = find_point(workspace, request, integration, point, &records, &reverts)?;
    plan.revert = Some(to);
    let mut said = vec![
        "Orders, invoices and other documents that were synced meanwhile keep what they were given; this does not touch them.".to_owned(),
        "The files are not changed: the next plan from them shows these settings again until they are reverted there too.".to_owned(),
    ];
    let mut integrations: Vec<Integration> = std::mem::take(&mut plan.integrations).into_iter().collect();
    for integration in &mut integrations {
        integration.deployed_mode = deployed.get(GENERAL).map(|general| Mode::of(&general.settings));
        for category in &mut integration.categories {
            let now = deployed.get(category.category.as_str());
            let found = records
                .iter()
                .take(until)
                .rev()
                .find(|record| record.category == category.category)
                .map(|record| record.past.settings.as_ref());
            let then = found.and_then(Result::ok);
            *category = match (now, then) {
                (Some(now), Some(then)) if !then.is_empty() || now.settings.is_empty() => {
                    back::category(&category.category, &category.title, now, then)
                }
                (now, _) => {
                    if let Some(now) = now.filter(|now| !now.settings.is_empty()) {
                        let why = match found {
                            Some(Ok(_)) => "held nothing".to_owned(),
                            Some(Err(unusable)) => format!("held what cannot be used ({})", unusable.why),
                            None => "was not saved yet".to_owned(),
                        };
                        said.push(format!(
                            "`{}` {why} then; it stays at revision {}.",
                            category.category, now.revision
                        ));
                    }
                    let none = Current { revision: 0, settings: Settings::new(), applied: Settings::new() };
                    let current = now.unwrap_or(&none);
                    let mut same =
                        back::category(&category.category, &category.title, current, &current.settings);
                    same.revision = now.map(|now| now.revision);
                    same.deployed = now.map(|now| now.settings.len());
                    same
                }
            };
        }
        // Not what the files say counts here, but what will be deployed.
        let turned = integration.categories.iter().find_map(plan::turns_live);
        let turned = turned.map(|live| if live { Mode::Live } else { Mode::Onboarding });
        integration.mode = turned.or(integration.deployed_mode).unwrap_or(integration.mode);
        let required = compiled.into_iter().flat_map(Compiled::required).map(|(category, _, _)| category);
        let revision = |category: &str| deployed.get(category).map_or(0, |current| current.revision);
        integration.live_depends_on = safety::live_depends_on(integration, required, &revision);
    }
    plan.notes = said;
    // The findings are about the files, and this plan is not made from them.
    plan.findings.clear();
    plan.released.clear();
    let gap = |planned: &Integration| {
        let required = compiled.into_iter().flat_map(Compiled::required);
        safety::live_with_gaps(planned, required, Some(&deployed))
    };
    plan.refusals = integrations.iter().filter_map(gap).collect();
    plan.integrations = integrations.into_iter().collect();
    plan.summary = plan.integrations.tally().summary.clone();
    check::predict_refusals(&mut plan, &judging, (host.now)())?;
    plan::file::seal(&mut plan);
    Ok(Planned { project: opened, plan, judging })
}

/// What to do about an integration that is deployed and left the files; nothing of it is known without its pair.
fn in_no_file(workspace: &Workspace, request: &Request, name: &str, host: &Host<'_>) -> Option<Error> {
    let (_, address) = places::store_of(&workspace.declared(), workspace.root(), request, host).ok()?;
    let mut store = host.store(&address).ok()??;
    let now = store::name_now(&store.renames().ok()?, name, "");
    if now != name {
        return Some(Error::usage(format!("{name} is called {now} now")).with(Help::RevertRenamed(now)));
    }
    let heads = store.heads(Some(&[name.to_owned()])).ok()?;
    (!heads.is_empty()).then(|| {
        Error::usage(format!(
            "`{name}` is deployed and in no file, so it is not known what its settings may be"
        ))
        .with(Help::RevertWithoutFile(name.to_owned()))
    })
}

/// How many of the records, oldest first, had been made at the point to go back to, and that point in words. A way back that
/// was applied carries the commit of its day and none of its settings, so no commit is found by it.
fn find_point(
    workspace: &Workspace,
    request: &Request,
    integration: &str,
    point: &Point,
    records: &[Record],
    reverts: &BTreeSet<&str>,
) -> Result<(usize, String)> {
    let (found, to, nothing) = match point {
        Point::Revision(revision) => {
            let [category] = request.filter.categories.as_slice() else {
                return Err(Error::usage("a revision is of one category, and none was named")
                    .with(Help::NameCategory));
            };
            let is_it = |record: &Record| record.category == *category && record.past.revision == *revision;
            let to = format!("to revision {revision} of {category}");
            let nothing = format!("{integration} has no revision {revision} of {category}");
            (records.iter().rposition(is_it), to, nothing)
        }
        Point::Time(text) => {
            let time = text.parse::<Timestamp>().map_err(|_| {
                Error::usage(format!("`{text}` is no time")).help("write it as 2026-11-23T14:00:00Z")
            })?;
            let is_it = |record: &Record| {
                record.past.saved_at.parse::<Timestamp>().is_ok_and(|saved_at| saved_at <= time)
            };
            let to = format!("to what was deployed at {text}");
            (records.iter().rposition(is_it), to, format!("nothing of {integration} was saved by {text}"))
        }
        Point::Commit(named) => {
            let commit = workspace.commit_id(named)?;
            let is_it = |record: &Record| {
                let went_back = record.past.run.as_deref().is_some_and(|run| reverts.contains(run));
                !went_back && record.past.commit.as_ref().is_some_and(|id| id.starts_with(&commit))
            };
            let to = format!("to what was deployed after commit {commit}");
            let nothing = format!("nothing of {integration} was saved from commit {named}");
            (records.iter().rposition(is_it), to, nothing)
        }
    };
    let found = found.ok_or_else(|| Error::usage(nothing).with(Help::SeeHistory(integration.to_owned())))?;
    Ok((found + 1, to))
}
