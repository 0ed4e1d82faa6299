//! Applying a plan that was approved. A plan that was saved to a file is planned again first: from its commit, against the store,
//! and only where that gives what the file says it goes on, with what was planned again. Whether a plan may be applied is
//! `check`'s to say.

use std::cell::{Cell, RefCell};
use std::collections::{BTreeSet, HashMap};
use std::path::Path;
use std::time::Duration;

use super::allowed;
use super::check::{Approved, ApprovedRules};
use super::error::{Error, ErrorKind, Help, Result};
use super::expected::{self, Expected};
use super::handing::{HandIn, hand_in};
use super::host::{Host, Progress, Whose};
use super::judged::{Judging, Recorder};
use super::load::{self, Purpose};
use super::needs::needs_of_saves;
use super::places;
use super::plan::{Planned, made_with, planned};
use super::project::Project;
use super::request::{Filter, Request, SecretsAsked, SecretsPlanned};
use super::revert;
use super::said;
use super::workspace::Workspace;
use crate::apply::{self, ApplyError, Begun, Caller, Report};
use crate::compile::project::Manifest;
use crate::http::Fault;
use crate::plan::{Plan, Scope};
use crate::schema::parts::taken;
use crate::secrets::{Reach, Secrets};
use crate::store::{Address, Lock, Recording, Store};

/// Between two looks at a lock that somebody else has.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// What was applied, and what became of it.
pub struct Applied {
    pub plan: Plan,
    pub report: Report,
    /// What a server left as it is, as it moved after the plan was made here.
    pub left_alone: Vec<String>,
}

/// A plan file, planned again. Nothing in it was taken from the file but its digest, by which its run is known.
pub struct Again<'w> {
    pub planned: Planned<'w>,
    pub address: Address,
    /// What its run did before it was interrupted.
    pub begun: Begun,
    /// What has moved since the plan was made, and is left as it is.
    pub left_alone: Vec<String>,
}

/// Opens what a plan was made from: its commit, which has to be the one that is checked out or named; the working tree, where
/// it had changes or was in no repository.
///
/// # Errors
/// When another commit is checked out or named.
pub fn workspace_of(start: &Path, file: &Plan, request: &Request) -> Result<Workspace> {
    let Some(commit) = file.commit.as_ref().filter(|commit| !commit.dirty) else {
        if request.revision.is_some() {
            return Err(stale("the plan was made from a working tree, and is not applied from a revision")
                .with(Help::PlanAgain));
        }
        return Workspace::open_with_commit(start);
    };
    let name = request.revision.as_deref().unwrap_or("HEAD");
    let workspace = Workspace::at(start, name).map_err(|error| match error.kind {
        ErrorKind::Usage => {
            let why = format!("the plan was made from commit {}, which is not to be had: {error}", commit.id);
            Error { kind: ErrorKind::Stale, message: why, ..error }
        }
        _ => error,
    })?;
    match workspace.commit() {
        Some(found) if found.id == commit.id => Ok(workspace),
        found => {
            let found = found.map_or("another", |found| &found.id);
            let why = format!("the plan was made from commit {}, and {name} is {found}", commit.id);
            Err(stale(why).with(Help::PlanAgainOrRevision(commit.id.clone())))
        }
    }
}

/// Plans again what a plan file says, and proves that it comes to the same.
///
/// # Errors
/// When the configuration has errors by now, the plan is of another store or another pairform, something of it has moved, or
/// anything else is planned now than the file says.
pub fn again<'w>(
    workspace: &'w Workspace,
    mut file: Plan,
    request: &Request,
    host: &Host<'_>,
) -> Result<Again<'w>> {
    let declared = workspace.declared();
    let address = place_of(&file, workspace, declared, request, host)?;
    let request = request_of(&file, request);
    let (planned, begun) = match &file.way_back {
        Some(way) => {
            let begun = begun_in(host.store(&address)?, &file)?;
            let mut names = Vec::new();
            file.integrations.for_each(&mut |one| names.push(one.integration.clone()));
            let [name] = names.as_slice() else {
                return Err(stale("a way back is of one integration").with(Help::PlanAgain));
            };
            let planned = revert::again(workspace, &request, name, way, host)?;
            made_alike(&file, &planned.project)?;
            (planned, begun)
        }
        None => {
            let mut loaded = load::load(workspace, &request, host, Purpose::Apply).map_err(not_there)?;
            made_alike(&file, &loaded.project)?;
            if loaded.project.has_errors() {
                let why = "the configuration has errors by today's rules, so the plan is not applied";
                return Err(Error::new(ErrorKind::Invalid, why).with(loaded.project.see_findings()));
            }
            let store = loaded.snapshot.store.take();
            let found = store.is_some();
            let mut begun = Begun::default();
            loaded.snapshot.store = store
                .map(|mut store| {
                    begun = begun_on(store.as_mut(), &file)?;
                    Ok::<_, Error>(store)
                })
                .transpose()?;
            if !found {
                begun = begun_in(None, &file)?;
            }
            (planned(loaded, &request, host)?, begun)
        }
    };
    let Planned { project, mut plan, judging } = planned;
    let expected = Expected {
        integrations: std::mem::take(&mut file.integrations),
        is_of_commit: file.commit.as_ref().is_some_and(|commit| !commit.dirty),
        is_way_back: file.way_back.is_some(),
    };
    let left = expected::compare(expected, &plan.integrations, &begun).map_err(|first| {
        stale(format!("what is planned again is not what the plan says: {first}")).with(Help::PlanAgain)
    })?;
    left.take_out(&mut plan);
    plan.digest = file.digest;
    plan.made_with = file.made_with;
    Ok(Again { planned: Planned { project, plan, judging }, address, begun, left_alone: left.told })
}

/// What a plan took, as a request for the same.
fn request_of(file: &Plan, request: &Request) -> Request {
    let Scope { integrations, pairs, categories, exclude, changed_since, .. } = file.scope.clone();
    let mut filter = Filter { integrations, pairs, categories, exclude };
    let mut only = None;
    if changed_since.is_some() || file.way_back.is_some() {
        // What had changed since another commit is known by name; that commit may not be here.
        let mut names = BTreeSet::new();
        file.integrations.for_each(&mut |one| {
            names.insert(one.integration.clone());
        });
        only = file.way_back.is_none().then_some(names);
        filter = Filter { categories: filter.categories, ..Filter::default() };
    }
    let as_planned = SecretsPlanned {
        unknown: file.unknown_secrets.iter().cloned().collect(),
        changed: expected::changed_secrets(&file.integrations),
    };
    Request {
        environment: file.environment.clone(),
        store: request.store.clone(),
        revision: request.revision.clone(),
        changed_since: None,
        filter,
        only,
        secrets: SecretsAsked {
            assume: file.assumed_secrets,
            as_planned: Some(as_planned),
            given: request.secrets.given.clone(),
        },
    }
}

/// Proves that a plan was made by what would make it here: another version or another catalogue may mean something else by
/// the same files.
fn made_alike(file: &Plan, project: &Project<'_>) -> Result<()> {
    let here = made_with(project);
    let Some(there) = &file.made_with else {
        return Err(stale("the plan does not say what made it").with(Help::PlanAgain));
    };
    if there.pairform != here.pairform {
        let (there, here) = (&there.pairform, &here.pairform);
        return Err(stale(format!("the plan was made with pairform {there}, and this is {here}"))
            .with(Help::PlanAgain));
    }
    if there.catalogue != here.catalogue {
        let here =
            taken().map_or_else(|| "built in".to_owned(), |archive| format!("catalogue {}", archive.name));
        return Err(stale(format!("the plan was made with other schemas than those that are here ({here})"))
            .with(Help::PlanAgain));
    }
    Ok(())
}

fn begun_in(store: Option<Box<dyn Store>>, file: &Plan) -> Result<Begun> {
    match store {
        Some(mut store) => begun_on(store.as_mut(), file),
        None if file.store.is_some() => Err(ApplyError::OtherStore.into()),
        None => Ok(Begun { is_pending: file.is_pending(), ..Begun::default() }),
    }
}

/// What the run of a plan did already, in the store that the plan was made for.
fn begun_on(store: &mut dyn Store, file: &Plan) -> Result<Begun> {
    if file.store.as_deref().is_some_and(|planned| planned != store.identity()) {
        return Err(ApplyError::OtherStore.into());
    }
    Ok(apply::begun(file, store)?)
}

/// What the plan took is not there.
fn not_there(error: Error) -> Error {
    match error.kind {
        ErrorKind::Usage => {
            stale(format!("what the plan was made of is not here: {error}")).with(Help::PlanAgain)
        }
        _ => error,
    }
}

fn stale(why: impl Into<String>) -> Error {
    Error::new(ErrorKind::Stale, why)
}

/// Where a saved plan is applied.
fn place_of(
    plan: &Plan,
    workspace: &Workspace,
    declared: &Manifest,
    request: &Request,
    host: &Host<'_>,
) -> Result<Address> {
    let environment = request.environment.as_ref().or(plan.environment.as_ref()).cloned();
    let request = &Request { environment, ..request.clone() };
    let (environment, address) = workspace.store(request, host)?;
    if environment != plan.environment {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "no environment".to_owned());
        let (planned, asked) = (name(&plan.environment), name(&environment));
        return Err(stale(format!("the plan was made for {planned}, not for {asked}"))
            .help("make a plan for this environment"));
    }
    // Nothing else tells which store such a plan is for.
    let store = request.store.as_deref();
    let place = places::planned_store(declared, workspace.root(), environment.as_deref(), store);
    if plan.store.is_none() && plan.planned_store.as_ref().is_none_or(|planned| *planned != place) {
        let why = "the plan was made before there was a store, and for one in another place than this";
        return Err(stale(why).with(Help::NameStoreAsPlanned));
    }
    Ok(address)
}

/// How a plan is applied.
#[derive(Clone, Copy, Default)]
pub struct Manner<'a> {
    /// How long to wait for a lock on an integration that somebody else has.
    pub wait: Duration,
    /// What each save proves to be held, beside the lock on its integration.
    pub lease: Option<&'a Lock>,
    /// The plan file, as it was read: a server is handed in what it says.
    pub file: Option<&'a [u8]>,
    /// The secrets that came with a plan that was handed in here.
    pub handed: Option<&'a SecretsAsked>,
    /// The only integrations of which something is recorded; where they are not all, no rule and no part that all share is.
    pub only: Option<&'a (dyn Fn(&str) -> bool + Sync)>,
}

/// Applies a plan; a store is made where there is none, and something to put into it. `begun` is there where the plan was
/// saved for later. To a server it is handed in.
///
/// # Errors
/// When the plan is stale, or the store fails before anything was saved.
pub fn apply(
    project: &Project<'_>,
    judging: &Judging,
    address: &Address,
    approved: Approved,
    begun: Option<&Begun>,
    manner: Manner<'_>,
    host: &Host<'_>,
) -> Result<Applied> {
    let plan = approved.plan();
    let has_run = plan.is_pending() || begun.is_some_and(|begun| begun.is_pending);
    let is_noted = !has_run && plan.integrations.tally().agreed == 0;
    if address.is_server() {
        return through_server(project, judging, address, approved, is_noted, manner, host);
    }
    if is_noted {
        return record(project, judging, address, approved.into_plan(), Recorded::of(manner.only), host);
    }
    require_addresses(project, plan, host)?;
    let mut store = host.make_store(address)?;
    let (plan, forced) = approved.into_parts();
    let run = Run { judging, plan: &plan, forced: &forced, begun, manner };
    let report = save(project, &run, store.as_mut(), host)?;
    Ok(Applied { plan, report, left_alone: Vec::new() })
}

/// Hands a plan in, where there is something to save or to record. Whether credentials may go where it leads is the server's to
/// judge, which saves it.
fn through_server(
    project: &Project<'_>,
    judging: &Judging,
    address: &Address,
    approved: Approved,
    is_noted: bool,
    manner: Manner<'_>,
    host: &Host<'_>,
) -> Result<Applied> {
    let mut store = host.make_store(address)?;
    let consent = approved.consent().clone();
    let mut plan = approved.into_plan();
    if is_noted
        && !judging.is_news()
        && said_at(project, judging, &plan, &host.stamp(), store.as_mut())?.is_empty()
    {
        return Ok(Applied { plan, report: Report::default(), left_alone: Vec::new() });
    }
    let key = store.fingerprint_key().to_vec();
    let server = store
        .takes_plans()
        .ok_or_else(|| Error::new(ErrorKind::Internal, "the store of a server takes no plans"))?;
    let asked = HandIn {
        project,
        plan: &mut plan,
        file: manner.file,
        consent: &consent,
        lock_wait: manner.wait,
        key: &key,
    };
    let (report, left_alone) = hand_in(asked, server, host)?;
    Ok(Applied { plan, report, left_alone })
}

/// What is saved, and how.
struct Run<'a> {
    judging: &'a Judging,
    plan: &'a Plan,
    forced: &'a [String],
    begun: Option<&'a Begun>,
    manner: Manner<'a>,
}

/// What an apply records where it saves nothing.
#[derive(Clone, Copy)]
enum Recorded<'a> {
    /// The rules, to count for their own commit too.
    AtOnce,
    /// Rules, and what the files say.
    All,
    /// Of these integrations what the files say.
    Only(&'a (dyn Fn(&str) -> bool + Sync)),
}

impl<'a> Recorded<'a> {
    fn of(only: Option<&'a (dyn Fn(&str) -> bool + Sync)>) -> Self {
        only.map_or(Recorded::All, Recorded::Only)
    }

    fn has_rules(self) -> bool {
        !matches!(self, Recorded::Only(_))
    }

    /// Leaves out what is not to be recorded.
    fn limit(self, said: Vec<Recording>) -> Vec<Recording> {
        let Recorded::Only(is_own) = self else { return said };
        let limit = |part: Recording| Recording {
            said: part.said.into_iter().filter(|said| is_own(&said.integration)).collect(),
            documents: part.documents,
            ..Recording::default()
        };
        let own = said.into_iter().map(limit).filter(|part| !part.said.is_empty());
        own.collect()
    }
}

/// Proves that credentials will go only where that is allowed, when whoever reads the deployed state uses what a plan saves.
///
/// # Errors
/// Where a plan leads elsewhere.
pub(super) fn require_addresses(project: &Project<'_>, plan: &Plan, host: &Host<'_>) -> Result<()> {
    let needs = needs_of_saves(plan, &project.compilation.catalogue);
    let whose = Whose { root: project.workspace.root(), environment: plan.environment.as_deref() };
    allowed::require_all(needs, whose, host)
}

/// Records the rules alone, so that they count at once; a store is made where there is none.
///
/// # Errors
/// When the store cannot be written.
pub fn record_rules(
    project: &Project<'_>,
    judging: &Judging,
    address: &Address,
    rules: ApprovedRules,
    host: &Host<'_>,
) -> Result<Applied> {
    if address.is_server() {
        let why = "the rules of a server's store are taken at once only where the server runs";
        return Err(Error::usage(why).help("hand in an apply: they count from the next one on; or take them at once with the store that the server serves"));
    }
    record(project, judging, address, rules.into_plan(), Recorded::AtOnce, host)
}

/// Records what judges, where there is nothing to save. A store is made only to take the rules at once: the first apply into an
/// empty one is judged by the files.
fn record(
    project: &Project<'_>,
    judging: &Judging,
    address: &Address,
    plan: Plan,
    what: Recorded<'_>,
    host: &Host<'_>,
) -> Result<Applied> {
    let at_once = matches!(what, Recorded::AtOnce);
    let mut report = Report { rules_at_once: at_once, ..Report::default() };
    let at = host.stamp();
    let mut store = host.store(address)?;
    let said = match store.as_deref_mut().filter(|_| !at_once) {
        Some(store) => what.limit(said_at(project, judging, &plan, &at, store)?),
        None => Vec::new(),
    };
    let is_news = what.has_rules() && judging.is_news();
    if at_once || (store.is_some() && (is_news || !said.is_empty())) {
        // Read through one connection, so that it may be older than this version; written through another.
        drop(store);
        let mut store = host.make_store(address)?;
        let by = (host.actor)(project.workspace.root());
        let recorder = Recorder {
            judging,
            plan: &plan,
            by: &by,
            at: &at,
            rules: what.has_rules(),
            at_once,
            said: &said,
        };
        report.rules_recorded = recorder.record(store.as_mut())?;
    }
    Ok(Applied { plan, report, left_alone: Vec::new() })
}

/// Records what the files of a plan say, saved or held back, and no rules.
///
/// # Errors
/// When the store cannot be read or written.
pub(super) fn record_said(
    project: &Project<'_>,
    judging: &Judging,
    plan: &Plan,
    address: &Address,
    host: &Host<'_>,
) -> Result<()> {
    let mut store = host.make_store(address)?;
    let said = said_at(project, judging, plan, &host.stamp(), store.as_mut())?;
    said.iter().try_for_each(|part| store.record(part)).map_err(Error::from)
}

fn said_at(
    project: &Project<'_>,
    judging: &Judging,
    plan: &Plan,
    at: &str,
    store: &mut dyn Store,
) -> Result<Vec<Recording>> {
    said::news(project, plan, said::From { environment: judging.environment(), at }, store)
}

fn save(project: &Project<'_>, run: &Run<'_>, store: &mut dyn Store, host: &Host<'_>) -> Result<Report> {
    let Run { judging, plan, .. } = *run;
    let at = host.stamp();
    let what = Recorded::of(run.manner.only);
    let said = what.limit(said_at(project, judging, plan, &at, store)?);
    let key = store.fingerprint_key().to_vec();
    let (workspace, declared) = (project.workspace, &project.compilation.project);
    let reach = Reach::apply(workspace.root(), &declared.secrets.exec, host.trust);
    let secrets = Secrets::new(host.secrets, reach, &key);
    let saved_by = (host.actor)(workspace.root());
    let holder = (host.holder)();
    // Each is asked for once: a program may ask a person.
    let known: RefCell<HashMap<String, Result<String, Fault>>> = RefCell::default();
    let fingerprint = |reference: &str| {
        let found = known.borrow().get(reference).cloned();
        found.unwrap_or_else(|| {
            let find = |reference: &str| secrets.fingerprint(reference);
            let found = match run.manner.handed {
                Some(secrets) => secrets.fingerprint(reference, find),
                None => find(reference),
            };
            known.borrow_mut().insert(reference.to_owned(), found.clone());
            found
        })
    };
    let patience = Cell::new(run.manner.wait);
    let caller = Caller {
        saved_by: &saved_by,
        now: &|| host.stamp(),
        fingerprint: &fingerprint,
        stopped: &|| host.is_cancelled(),
        holder: &holder,
        is_dead: &super::holder::is_dead,
        wait: &|| {
            let left = patience.get();
            patience.set(left.saturating_sub(LOCK_PAUSE));
            if !left.is_zero() {
                (host.sleep)(LOCK_PAUSE);
            }
            !left.is_zero()
        },
        forced: run.forced,
        lease: run.manner.lease,
        begun: run.begun,
        record: &|store| {
            let rules = what.has_rules();
            Recorder { judging, plan, by: &saved_by, at: &at, rules, at_once: false, said: &said }
                .record(store)
        },
    };
    let report = apply::apply(plan, store, &caller, &mut |event| (host.progress)(Progress::Apply(event)));
    (host.progress)(Progress::Finished);
    match (report, run.begun, run.manner.handed) {
        // Whoever handed it in may not have heard of it.
        (Err(ApplyError::Applied { at }), Some(begun), Some(_)) => Ok(Report::of_finished(begun, at)),
        (report, _, _) => Ok(report?),
    }
}

impl From<ApplyError> for Error {
    fn from(error: ApplyError) -> Self {
        let stale = Error::new(ErrorKind::Stale, error.to_string());
        match error {
            ApplyError::Store(error) => error.into(),
            ApplyError::Stale(_) => {
                stale.help("make the plan anew and look at what changed; nothing was saved")
            }
            ApplyError::Applied { .. } | ApplyError::OtherStore | ApplyError::NotEmpty => stale,
        }
    }
}
