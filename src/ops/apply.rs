//! Applying a plan that was approved: where it belongs, and saving it. Whether it may be applied is `check`'s to say.

use std::cell::Cell;
use std::time::Duration;

use super::allowed;
use super::check::Approved;
use super::error::{Error, ErrorKind, Help, Result};
use super::host::{Host, Progress, Whose};
use super::judged::{Judging, Recorder};
use super::needs::needs_of_saves;
use super::places;
use super::project::Project;
use super::request::Request;
use super::said;
use super::workspace::Workspace;
use crate::apply::{self, ApplyError, Caller, Report};
use crate::compile::project::Manifest;
use crate::plan::{Integrations, Plan, Summary};
use crate::secrets::{Reach, Secrets};
use crate::store::{Address, Recording, Store};

/// Between two looks at a lock that somebody else has.
const LOCK_PAUSE: Duration = Duration::from_millis(100);

/// What was applied, and what became of it.
pub struct Applied {
    pub plan: Plan,
    pub report: Report,
}

/// Where a saved plan is applied.
///
/// # Errors
/// When it has errors, or was made for another environment or another place.
pub fn place_of(
    plan: &Plan,
    workspace: &Workspace,
    declared: &Manifest,
    request: &Request,
    host: &Host<'_>,
) -> Result<Address> {
    let environment = request.environment.as_ref().or(plan.environment.as_ref()).cloned();
    let request = &Request { environment, ..request.clone() };
    let (environment, address) = places::store_of(declared, workspace.root(), request, host)?;
    if environment != plan.environment {
        let name = |name: &Option<String>| name.clone().unwrap_or_else(|| "no environment".to_owned());
        let (planned, asked) = (name(&plan.environment), name(&environment));
        return Err(Error::new(
            ErrorKind::Stale,
            format!("the plan was made for {planned}, not for {asked}"),
        )
        .help("make a plan for this environment"));
    }
    // Nothing else tells which store such a plan is for.
    let store = request.store.as_deref();
    let place = places::planned_store(declared, workspace.root(), environment.as_deref(), store);
    if plan.store.is_none() && plan.planned_store.as_ref().is_some_and(|planned| *planned != place) {
        let why = "the plan was made before there was a store, and for one in another place than this";
        return Err(Error::new(ErrorKind::Stale, why).with(Help::NameStoreAsPlanned));
    }
    Ok(address)
}

/// Applies a plan that was saved, in the store that it was made for.
///
/// # Errors
/// As [`apply()`], and when the store is another one.
pub fn apply_saved(
    project: &Project<'_>,
    judging: &Judging,
    address: &Address,
    approved: Approved,
    lock_wait: Duration,
    host: &Host<'_>,
) -> Result<Applied> {
    // Looked at before one is made: it may be the wrong one.
    let found = host.store(address)?.map(|store| store.identity().to_owned());
    let planned = &approved.plan().store;
    if planned.is_some() && found != *planned {
        return Err(ApplyError::OtherStore.into());
    }
    apply(project, judging, address, approved, lock_wait, host)
}

/// Applies a plan; a store is made where there is none.
///
/// # Errors
/// When the plan is stale, or the store fails before anything was saved.
pub fn apply(
    project: &Project<'_>,
    judging: &Judging,
    address: &Address,
    approved: Approved,
    lock_wait: Duration,
    host: &Host<'_>,
) -> Result<Applied> {
    require_addresses(project, approved.plan(), host)?;
    let mut store = host.make_store(address)?;
    let (plan, forced) = approved.into_parts();
    let report = save(project, judging, &plan, &forced, store.as_mut(), lock_wait, host)?;
    Ok(Applied { plan, report })
}

/// Proves that credentials will go only where that is allowed, when whoever reads the deployed state uses what a plan saves.
fn require_addresses(project: &Project<'_>, plan: &Plan, host: &Host<'_>) -> Result<()> {
    let needs = needs_of_saves(plan, &project.compilation.catalogue);
    let whose = Whose { root: project.workspace.root(), environment: plan.environment.as_deref() };
    allowed::require_all(needs, whose, host)
}

/// Records what judges, where there is nothing to save. A store is made only to take the rules at once: the first apply into an
/// empty one is judged by the files.
///
/// # Errors
/// When the store cannot be written.
pub fn record(
    project: &Project<'_>,
    judging: &Judging,
    address: &Address,
    plan: Plan,
    at_once: bool,
    host: &Host<'_>,
) -> Result<Applied> {
    let mut report = Report { rules_at_once: at_once, ..Report::default() };
    let at = host.stamp();
    let found = host.store(address)?;
    let is_there = found.is_some();
    let said = match found.filter(|_| !at_once) {
        Some(mut store) => said_at(project, judging, &plan, &at, store.as_mut())?,
        None => Vec::new(),
    };
    if at_once || (is_there && (judging.is_news() || !said.is_empty())) {
        let mut store = host.make_store(address)?;
        let by = (host.actor)(project.workspace.root());
        let recorder = Recorder { judging, plan: &plan, by: &by, at: &at, at_once, said: &said };
        report.rules_recorded = recorder.record(store.as_mut())?;
    }
    Ok(Applied { plan, report })
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

/// A plan that saves nothing: only its rules are left.
#[must_use]
pub fn rules_alone(plan: Plan) -> Plan {
    let summary = Summary { errors: plan.summary.errors, ..Summary::default() };
    Plan {
        integrations: Integrations::default(),
        released: Vec::new(),
        refusals: Vec::new(),
        notes: Vec::new(),
        summary,
        ..plan
    }
}

fn save(
    project: &Project<'_>,
    judging: &Judging,
    plan: &Plan,
    forced: &[String],
    store: &mut dyn Store,
    lock_wait: Duration,
    host: &Host<'_>,
) -> Result<Report> {
    let at = host.stamp();
    let said = said_at(project, judging, plan, &at, store)?;
    let key = store.fingerprint_key().to_vec();
    let (workspace, declared) = (project.workspace, &project.compilation.project);
    let reach = Reach::apply(workspace.root(), &declared.secrets.exec, host.trust);
    let secrets = Secrets::new(host.secrets, reach, &key);
    let saved_by = (host.actor)(workspace.root());
    let holder = (host.holder)();
    let patience = Cell::new(lock_wait);
    let caller = Caller {
        saved_by: &saved_by,
        now: &|| host.stamp(),
        fingerprint: &|reference| secrets.fingerprint(reference),
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
        forced,
        record: &|store| {
            Recorder { judging, plan, by: &saved_by, at: &at, at_once: false, said: &said }.record(store)
        },
    };
    let report = apply::apply(plan, store, &caller, &mut |event| (host.progress)(Progress::Apply(event)));
    (host.progress)(Progress::Finished);
    Ok(report?)
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
