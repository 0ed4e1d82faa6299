//! Applying a plan that was approved: where it belongs, and saving it. Whether it may be applied is `check`'s to say.

use std::cell::Cell;
use std::time::Duration;

use super::allowed;
use super::check::Approved;
use super::error::{Error, ErrorKind, Help, Result};
use super::host::{Host, Progress, Whose};
use super::needs::needs_of_saves;
use super::places;
use super::request::Request;
use super::workspace::Workspace;
use crate::apply::{self, ApplyError, Caller, Report};
use crate::compile::project::Manifest;
use crate::plan::Plan;
use crate::schema::parts::Catalogue;
use crate::secrets::{Reach, Secrets};
use crate::store::{Address, Store};

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
    workspace: &Workspace,
    declared: &Manifest,
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
    apply(workspace, declared, address, approved, lock_wait, host)
}

/// Applies a plan; a store is made where there is none.
///
/// # Errors
/// When the plan is stale, or the store fails before anything was saved.
pub fn apply(
    workspace: &Workspace,
    declared: &Manifest,
    address: &Address,
    approved: Approved,
    lock_wait: Duration,
    host: &Host<'_>,
) -> Result<Applied> {
    require_addresses(workspace, approved.plan(), host)?;
    let mut store = host.make_store(address)?;
    let (plan, forced) = approved.into_parts();
    let report = save(workspace, declared, &plan, &forced, store.as_mut(), lock_wait, host)?;
    Ok(Applied { plan, report })
}

/// Proves that credentials will go only where that is allowed, when whoever reads the deployed state uses what a plan saves.
fn require_addresses(workspace: &Workspace, plan: &Plan, host: &Host<'_>) -> Result<()> {
    let catalogue = Catalogue::with_project(workspace.sources(), &mut Vec::new());
    let needs = needs_of_saves(plan, &catalogue);
    let whose = Whose { root: workspace.root(), environment: plan.environment.as_deref() };
    allowed::require_all(needs, whose, host)
}

fn save(
    workspace: &Workspace,
    declared: &Manifest,
    plan: &Plan,
    forced: &[String],
    store: &mut dyn Store,
    lock_wait: Duration,
    host: &Host<'_>,
) -> Result<Report> {
    let key = store.fingerprint_key().to_vec();
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
