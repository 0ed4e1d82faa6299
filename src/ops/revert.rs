//! The way back to what was deployed before: into the files, or as an ordinary plan that is reviewed and applied like any other.
//! Nothing is saved or written here.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;

use super::check;
use super::deployed;
use super::error::{Error, ErrorKind, Help, Result};
use super::host::Host;
use super::left::{Left, Why};
use super::plan::{Planned, made};
use super::project::{self, Project};
use super::propose::{self, Destination, Edits, ProposedValue};
use super::request::Request;
use super::workspace::Workspace;
use crate::compile::Compiled;
use crate::model::{GENERAL, SettingPath, Settings, Value};
pub use crate::plan::Point;
use crate::plan::{self, CategoryPlan, Current, Integration, Mode, WayBack, back, safety};
use crate::store::{self, REVERT, Record, Unusable};

/// Plans the way back of one integration. What it saves is held for so long, unless the files say the same before.
///
/// # Errors
/// When the store holds no such point to go back to.
pub fn revert<'w>(
    workspace: &'w Workspace,
    request: &Request,
    integration: &str,
    point: Option<&Point>,
    hold: Duration,
    host: &Host<'_>,
) -> Result<Planned<'w>> {
    let hold_until = (!hold.is_zero()).then(|| host.stamp_in(hold));
    let find = |past: &Past<'_>| {
        let way = find_named(workspace, request, integration, point, past)?;
        Ok(WayBack { hold_until: hold_until.clone(), ..way })
    };
    let mut planned = way_back(workspace, request, integration, &find, host)?;
    planned.seal();
    Ok(planned)
}

fn find_named(
    workspace: &Workspace,
    request: &Request,
    integration: &str,
    point: Option<&Point>,
    past: &Past<'_>,
) -> Result<WayBack> {
    let point = point.ok_or_else(|| {
        Error::usage("it was not said where to go back to").with(Help::NamePoint(integration.to_owned()))
    })?;
    let point = match point {
        Point::Commit(named) => Point::Commit(workspace.commit_id(named)?),
        other => other.clone(),
    };
    let until = past.find_point(request, &point)?;
    Ok(WayBack { revisions: past.revisions(until), point, hold_until: None })
}

/// Plans a way back once more, from the revisions that it was planned from; not sealed.
///
/// # Errors
/// When the history has not these revisions, or they are not those of the point that is said.
pub fn again<'w>(
    workspace: &'w Workspace,
    request: &Request,
    integration: &str,
    way: &WayBack,
    host: &Host<'_>,
) -> Result<Planned<'w>> {
    let find = |past: &Past<'_>| match past.is_at(request, way) {
        true => Ok(way.clone()),
        false => Err(Error::new(
            ErrorKind::Stale,
            format!(
                "the history of {integration} does not lead {} by the revisions that the plan goes back to",
                words(request, &way.point)
            ),
        )
        .help("plan the way back again")),
    };
    way_back(workspace, request, integration, &find, host)
}

/// The history of one integration, and the point in it to go back to.
struct Found {
    /// By category.
    deployed: BTreeMap<String, Current>,
    records: Vec<Record>,
    way: WayBack,
}

impl Found {
    /// What the way back leads to in a category; none where it had not been saved yet.
    fn then(&self, category: &str) -> Option<Result<&Settings, &Unusable>> {
        let revision = self.way.revisions.get(category)?;
        let is_it = |record: &&Record| record.category == category && record.past.revision == *revision;
        self.records.iter().rfind(is_it).map(|record| record.past.settings.as_ref())
    }
}

/// How a point to go back to is found in a history.
type Find<'a> = dyn Fn(&Past<'_>) -> Result<WayBack> + 'a;

fn open<'w>(
    workspace: &'w Workspace,
    request: &Request,
    integration: &str,
    host: &Host<'_>,
) -> Result<Project<'w>> {
    let opened = project::open(workspace, &request.of(integration), host)
        .map_err(|error| in_no_file(workspace, request, integration, host).unwrap_or(error))?;
    match opened.compilation.find(integration) {
        Some(_) => Ok(opened),
        None => Err(unread(&opened, integration)),
    }
}

/// Nothing is known of what its files say.
fn unread(opened: &Project<'_>, integration: &str) -> Error {
    let why = format!("`{integration}` has errors that keep it from being read");
    Error::new(ErrorKind::Invalid, why).with(opened.see_findings())
}

/// Reads the history of one integration, and finds the point in it.
fn locate(
    opened: &Project<'_>,
    request: &Request,
    integration: &str,
    find: &Find<'_>,
    host: &Host<'_>,
) -> Result<Found> {
    let (_, address) = opened.store(request, host)?;
    let mut store =
        host.store(&address)?.ok_or_else(|| Error::usage("there is no store yet, so nothing was saved"))?;
    let names = [integration.to_owned()];
    let read = deployed::read(store.as_mut(), &opened.compilation.integrations, Some(&names))?;
    let name = read.renamed.get(integration).map_or(integration, String::as_str);
    let mut records = deployed::records(store.as_mut())?;
    records.retain(|record| record.integration == name);
    let compiled = opened.compilation.find(integration);
    for Record { category, past, .. } in &mut records {
        if let (Some(compiled), Ok(settings)) = (compiled, &mut past.settings) {
            *settings = deployed::present(&compiled.pair, category, std::mem::take(settings));
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
    let notes = store.notes_of(&[REVERT], "")?;
    let reverts: BTreeSet<&str> = notes.iter().filter_map(|note| note.run.as_deref()).collect();
    let way = find(&Past { integration, records: &records, reverts: &reverts })?;
    Ok(Found { deployed, records, way })
}

fn way_back<'w>(
    workspace: &'w Workspace,
    request: &Request,
    integration: &str,
    find: &Find<'_>,
    host: &Host<'_>,
) -> Result<Planned<'w>> {
    let opened = open(workspace, request, integration, host)?;
    let (mut plan, judging) = made(&opened, request, host)?;
    let found = locate(&opened, request, integration, find, host)?;
    let deployed = &found.deployed;
    let compiled = opened.compilation.find(integration);
    let mut said = vec![
        "Orders, invoices and other documents that were synced meanwhile keep what they were given; this does not touch them.".to_owned(),
        match &found.way.hold_until {
            Some(until) => format!("The files are not changed. Until they say the same, they are not applied to what goes back: a hold stands that ends at {until}."),
            None => "The files are not changed, and nothing is held: the next apply of them saves these settings again until they are reverted there too.".to_owned(),
        },
    ];
    let mut integrations: Vec<Integration> = std::mem::take(&mut plan.integrations).into_iter().collect();
    for integration in &mut integrations {
        integration.deployed_mode = deployed.get(GENERAL).map(|general| Mode::of(&general.settings));
        for category in &mut integration.categories {
            let now = deployed.get(category.category.as_str());
            *category = one_back(category, now, found.then(&category.category), &mut said);
            let schema = compiled.and_then(|compiled| compiled.pair.category(&category.category));
            if let Some(schema) = schema {
                plan::name_places_before(&mut category.changes, schema);
            }
        }
        // Not what the files say counts here, but what will be deployed.
        let turned = integration.categories.iter().find_map(plan::turns_live);
        let turned = turned.map(|live| if live { Mode::Live } else { Mode::Onboarding });
        integration.mode = turned.or(integration.deployed_mode).unwrap_or(integration.mode);
        let required = compiled.into_iter().flat_map(Compiled::required).map(|(category, _, _)| category);
        let revision = |category: &str| deployed.get(category).map_or(0, |current| current.revision);
        integration.live_depends_on = safety::live_depends_on(integration, required, &revision);
    }
    plan.revert = Some(words(request, &found.way.point));
    plan.way_back = Some(found.way.clone());
    plan.notes = said;
    // The findings are about the files, and this plan is not made from them.
    plan.findings.clear();
    plan.released.clear();
    plan.unknown_secrets.clear();
    let gap = |planned: &Integration| {
        let required = compiled.into_iter().flat_map(Compiled::required);
        safety::live_with_gaps(planned, required, Some(deployed))
    };
    plan.refusals = integrations.iter().filter_map(gap).collect();
    plan.integrations = integrations.into_iter().collect();
    plan.summary = plan.integrations.tally().summary.clone();
    check::predict_refusals(&mut plan, &judging, (host.now)())?;
    Ok(Planned { project: opened, plan, judging })
}

/// Finds how the files would say what was deployed then; writes nothing.
///
/// # Errors
/// When the store holds no such point to go back to, or the files cannot be edited safely.
pub fn into_files(
    workspace: &Workspace,
    request: &Request,
    integration: &str,
    point: Option<&Point>,
    destination: Destination,
    host: &Host<'_>,
) -> Result<Edits> {
    let mut opened = open(workspace, request, integration, host)?;
    let find = |past: &Past<'_>| find_named(workspace, request, integration, point, past);
    let found = locate(&opened, request, integration, &find, host)?;
    let hidden = std::mem::take(&mut opened.compilation.hidden);
    let errors = opened.errors();
    let compiled = opened.compilation.find(integration).ok_or_else(|| unread(&opened, integration))?;
    let (mut wanted, mut left) = (Vec::new(), Vec::new());
    let nothing = Settings::new();
    for category in compiled.visible.iter().filter(|id| request.filter.takes_category(id)) {
        let mut leave = |setting: String, why: Why| {
            left.push(Left { integration: integration.to_owned(), setting, why });
        };
        let then = match found.then(category) {
            Some(Ok(then)) => then,
            Some(Err(unusable)) => {
                leave(category.to_string(), Why::Unusable(unusable.why.clone()));
                continue;
            }
            None => continue,
        };
        let said = compiled.configuration.of(category).unwrap_or(&nothing);
        let now = found.deployed.get(category.as_str()).map_or(&nothing, |now| &now.settings);
        let differing = differing(then, said, now);
        if !differing.is_empty() && compiled.unmanaged.contains(category) {
            leave(category.to_string(), Why::Unmanaged);
            continue;
        }
        for path in differing {
            let value = then.get(path);
            if let (Some(Value::Secret(then)), Some(Value::Secret(said))) = (value, said.get(path))
                && then.reference == said.reference
            {
                // A file says no value of a secret.
                if now.get(path) != value {
                    leave(format!("{category}.{path}"), Why::SecretRotated);
                }
                continue;
            }
            wanted.push(ProposedValue {
                integration: integration.to_owned(),
                category: category.clone(),
                path: path.clone(),
                value: value.cloned(),
            });
        }
    }
    let mut proposal = propose::propose(&opened, wanted, destination)?;
    proposal.left.splice(0..0, left);
    Ok(Edits::of(proposal, hidden, errors))
}

/// The settings that the files would have to say otherwise: those that they say, and those that are deployed otherwise than then.
fn differing<'s>(then: &'s Settings, said: &'s Settings, now: &Settings) -> Vec<&'s SettingPath> {
    let mut paths: Vec<&SettingPath> = then.keys().chain(said.keys()).collect();
    paths.sort_unstable();
    paths.dedup();
    paths.retain(|path| match (said.get(path), then.get(path)) {
        (Some(Value::Null), None) => false,
        (Some(said), then) => Some(said) != then,
        (None, then) => now.get(path) != then,
    });
    paths
}

/// A category on its way back from what is deployed to what was found; where nothing was, it stays.
fn one_back(
    planned: &CategoryPlan,
    now: Option<&Current>,
    found: Option<Result<&Settings, &Unusable>>,
    said: &mut Vec<String>,
) -> CategoryPlan {
    let then = found.as_ref().and_then(|found| found.as_ref().ok());
    if let (Some(now), Some(then)) = (now, then)
        && (!then.is_empty() || now.settings.is_empty())
    {
        return back::category(&planned.category, &planned.title, now, then);
    }
    if let Some(now) = now.filter(|now| !now.settings.is_empty()) {
        let why = match found {
            Some(Ok(_)) => "held nothing".to_owned(),
            Some(Err(unusable)) => format!("held what cannot be used ({})", unusable.why),
            None => "was not saved yet".to_owned(),
        };
        said.push(format!("`{}` {why} then; it stays at revision {}.", planned.category, now.revision));
    }
    let none = Current { revision: 0, settings: Settings::new(), applied: Settings::new() };
    let current = now.unwrap_or(&none);
    let mut same = back::category(&planned.category, &planned.title, current, &current.settings);
    same.revision = now.map(|now| now.revision);
    same.deployed = now.map(|now| now.settings.len());
    same
}

/// What to do about an integration that is deployed and left the files; nothing of it is known without its pair.
fn in_no_file(workspace: &Workspace, request: &Request, name: &str, host: &Host<'_>) -> Option<Error> {
    let (_, address) = workspace.store(request, host).ok()?;
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

/// What was saved of one integration, oldest first.
struct Past<'a> {
    integration: &'a str,
    records: &'a [Record],
    /// Runs that went back themselves. They carry the commit of their day and none of its settings, so no commit is found by
    /// them.
    reverts: &'a BTreeSet<&'a str>,
}

impl Past<'_> {
    /// Whether a record may be the last one at a point.
    fn is_of(&self, request: &Request, point: &Point, record: &Record) -> Result<bool> {
        Ok(match point {
            Point::Revision(revision) => {
                let [category] = request.filter.categories.as_slice() else {
                    return Err(Error::usage("a revision is of one category, and none was named")
                        .with(Help::NameCategory));
                };
                record.category == *category && record.past.revision == *revision
            }
            Point::Time(text) => {
                let time = text.parse::<Timestamp>().map_err(|_| {
                    Error::usage(format!("`{text}` is no time")).help("write it as 2026-11-23T14:00:00Z")
                })?;
                record.past.saved_at.parse::<Timestamp>().is_ok_and(|saved_at| saved_at <= time)
            }
            Point::Commit(commit) => {
                let went_back = record.past.run.as_deref().is_some_and(|run| self.reverts.contains(run));
                !went_back && record.past.commit.as_ref().is_some_and(|id| id.starts_with(commit))
            }
        })
    }

    /// How many of the records had been made at the point to go back to.
    fn find_point(&self, request: &Request, point: &Point) -> Result<usize> {
        let integration = self.integration;
        let mut found = None;
        for (at, record) in self.records.iter().enumerate() {
            if self.is_of(request, point, record)? {
                found = Some(at + 1);
            }
        }
        found.ok_or_else(|| {
            let nothing = match point {
                Point::Revision(revision) => {
                    format!("{integration} has no revision {revision}{}", of_category(request))
                }
                Point::Time(text) => format!("nothing of {integration} was saved by {text}"),
                Point::Commit(commit) => format!("nothing of {integration} was saved from commit {commit}"),
            };
            Error::usage(nothing).with(Help::SeeHistory(integration.to_owned()))
        })
    }

    /// The last revision of each category among the first records.
    fn revisions(&self, until: usize) -> BTreeMap<String, u64> {
        let records = self.records.iter().take(until);
        records.map(|record| (record.category.clone(), record.past.revision)).collect()
    }

    /// Whether the history was once at a point just as a way back says. What was saved since then does not matter.
    fn is_at(&self, request: &Request, way: &WayBack) -> bool {
        let is_it = |record: &Record| self.is_of(request, &way.point, record).unwrap_or(false);
        let mut ends =
            self.records.iter().enumerate().filter(|(_, record)| is_it(record)).map(|(at, _)| at + 1);
        match way.point {
            // Another save by then would be another point.
            Point::Time(_) => ends.next_back().is_some_and(|until| self.revisions(until) == way.revisions),
            Point::Revision(_) | Point::Commit(_) => ends.any(|until| self.revisions(until) == way.revisions),
        }
    }
}

fn of_category(request: &Request) -> String {
    request.filter.categories.first().map(|category| format!(" of {category}")).unwrap_or_default()
}

/// A point to go back to, in words.
fn words(request: &Request, point: &Point) -> String {
    match point {
        Point::Revision(revision) => format!("to revision {revision}{}", of_category(request)),
        Point::Time(text) => format!("to what was deployed at {text}"),
        Point::Commit(commit) => format!("to what was deployed after commit {commit}"),
    }
}
