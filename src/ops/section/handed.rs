//! Whole plans of those who have the files elsewhere: planned again here, by the files that come with them or by the repository beside
//! the server, against the store as it is. Changes, gaps and limits are derived; who, when and which run are the server's. What is
//! handed in is an expectation, and every refusal is `ops::check`'s or says what differs.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::access::{Access, Right};
use super::ground::Ground;
use super::refusals::NotSaved;
use crate::ops::apply::{Again, Manner, again, apply, workspace_of};
use crate::ops::check::check;
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::handing::{Done, HandedIn, PlanAsked};
use crate::ops::host::{Access as Opening, Host};
use crate::ops::load::{Purpose, load};
use crate::ops::plan::{Planned, planned};
use crate::ops::request::{Filter, Request, SecretsAsked};
use crate::ops::signed::require_signature;
use crate::ops::workspace::{Files, Workspace};
use crate::plan::{self, Plan};
use crate::secrets::Nowhere;
use crate::source::git;
use crate::store::Address;
use crate::trust::Signatures;

/// Somebody's lock is waited for no longer, whatever is asked for.
const LONGEST_WAIT: Duration = Duration::from_secs(600);

/// What a server has to hold a plan against.
pub struct HandedAsked<'a> {
    /// Where the server's repository is looked for, if it has one.
    pub project: Option<&'a Path>,
    /// The environment that it serves; none where it serves whichever its store has.
    pub environment: Option<&'a str>,
    pub store: &'a Address,
    pub signatures: &'a Signatures,
}

/// Makes the plan of files that were handed in: what `apply_handed` expects.
///
/// # Errors
/// When whoever asks may not, or the files make no plan.
pub fn plan_handed(
    asked: &HandedAsked<'_>,
    what: PlanAsked,
    access: &Access,
    ground: &Ground,
    host: &Host<'_>,
) -> Result<Plan, NotSaved> {
    require_applier(access)?;
    let PlanAsked {
        files,
        commit,
        environment,
        integrations,
        pairs,
        categories,
        exclude,
        secrets,
        assume_secrets,
        ..
    } = what;
    if !access.is_everywhere() {
        match integrations.iter().find(|id| !access.reads(id)) {
            Some(id) => return Err(forbidden(access, id)),
            None if integrations.is_empty() => {
                let why = format!("{} may see some integrations only, and has to name them", access.name);
                return Err(NotSaved::Forbidden(why));
            }
            None => {}
        }
    }
    require_environment(asked, environment.as_deref())?;
    let workspace = match repository_of(asked, ground, commit.as_ref()) {
        Some((folder, commit)) => at_commit(folder, commit)?,
        None => handed_in(&files, commit.as_ref())?,
    };
    let filter = Filter { integrations, pairs, categories, exclude };
    let secrets = SecretsAsked { assume: assume_secrets, given: Some(Arc::new(secrets)), as_planned: None };
    let request =
        Request { environment, filter, secrets, store: Some(asked.store.url.clone()), ..Request::default() };
    let open = |_: &Address, how: Opening| (host.open_store)(asked.store, how);
    let host = &Host { open_store: &open, secrets: &Nowhere, ..*host };
    let mut planned = planned(load(&workspace, &request, host, Purpose::Look)?, &request, host)?;
    planned.seal();
    Ok(planned.plan)
}

/// Applies a plan that was handed in, where it still is the plan.
///
/// # Errors
/// When whoever handed it in may not, what is planned again is something else, anything refuses it, or the store fails before
/// anything was saved.
pub fn apply_handed(
    asked: &HandedAsked<'_>,
    handed: HandedIn,
    digest: &str,
    access: &Access,
    ground: &Ground,
    host: &Host<'_>,
) -> Result<Done, NotSaved> {
    require_applier(access)?;
    let file = handed.plan()?;
    if file.digest != digest {
        return Err(Error::usage("the plan that was handed in is not the one whose digest was named").into());
    }
    let signed = require_signature(Some(&file), asked.signatures, (host.now)())?;
    if file.summary.errors > 0 {
        return Err(Error::new(ErrorKind::Invalid, "the plan has errors and cannot be applied").into());
    }
    require_environment(asked, file.environment.as_deref())?;
    require_own(access, &file)?;
    let HandedIn { files, consent, secrets, lock_wait, .. } = handed;
    let consent = consent.read()?;
    if !consent.force.is_empty() && !access.has(Right::Force) {
        return Err(lacks(access, Right::Force, "lift a check"));
    }
    if file.integrations.tally().renamed > 0 && !access.has(Right::Rename) {
        return Err(lacks(access, Right::Rename, "rename an integration"));
    }
    let secrets = SecretsAsked { given: Some(Arc::new(secrets)), ..SecretsAsked::default() };
    let mut request =
        Request { secrets: secrets.clone(), store: Some(asked.store.url.clone()), ..Request::default() };
    let workspace = match repository_of(asked, ground, file.commit.as_ref()) {
        Some((folder, commit)) => {
            request.revision = Some(commit.id.clone());
            workspace_of(folder, &file, &request).map_err(|error| unknown_commit(&commit.id, &error))?
        }
        None => handed_in(&files, file.commit.as_ref())?,
    };
    drop(files);
    // The store is the server's, whatever the files name.
    let open = |_: &Address, how: Opening| (host.open_store)(asked.store, how);
    let actor = |_: &Path| access.name.clone();
    let host = &Host { open_store: &open, actor: &actor, secrets: &Nowhere, ..*host };
    let Again { planned, address, begun, left_alone } = again(&workspace, file, &request, host)?;
    let Planned { project, plan, judging } = planned;
    require_own(access, &plan)?;
    let approved = check(plan, &judging, &consent, &signed, (host.now)())?;
    let is_own = |id: &str| access.reads(id);
    let only: Option<&(dyn Fn(&str) -> bool + Sync)> =
        if access.is_everywhere() { None } else { Some(&is_own) };
    let manner = Manner {
        wait: Duration::from_secs(lock_wait).min(LONGEST_WAIT),
        handed: Some(&secrets),
        only,
        ..Manner::default()
    };
    let applied = apply(&project, &judging, &address, approved, Some(&begun), manner, host)?;
    Ok(Done { digest: digest.to_owned(), report: applied.report.into(), left_alone })
}

/// Whoever may hand in plans at all.
///
/// # Errors
/// When he may not.
fn require_applier(access: &Access) -> Result<(), NotSaved> {
    if access.hands_in() {
        return Ok(());
    }
    let why = format!(
        "{} may not hand in plans: it takes a token with the role applier, for every category",
        access.name
    );
    Err(NotSaved::Forbidden(why))
}

fn lacks(access: &Access, right: Right, what: &str) -> NotSaved {
    NotSaved::Forbidden(format!("{} may not {what}: it takes the right `{right}`", access.name))
}

fn forbidden(access: &Access, integration: &str) -> NotSaved {
    NotSaved::Forbidden(format!("{} may not apply anything of {integration}", access.name))
}

/// A plan saves nothing of an integration that is kept from whoever hands it in.
fn require_own(access: &Access, plan: &Plan) -> Result<(), NotSaved> {
    if access.is_everywhere() {
        return Ok(());
    }
    let mut foreign: Option<String> = None;
    plan.integrations.for_each(&mut |one| {
        let says = one.categories.iter().any(|category| {
            category.action.saves() || category.save.is_some() || !category.changes.is_empty()
        });
        let former = one.renamed_from.as_ref().is_some_and(|from| !access.reads(from));
        if (says || one.is_applied() || one.is_agreed()) && (former || !access.reads(&one.integration)) {
            foreign.get_or_insert_with(|| one.integration.clone());
        }
    });
    foreign.map_or(Ok(()), |id| Err(forbidden(access, &id)))
}

fn require_environment(asked: &HandedAsked<'_>, environment: Option<&str>) -> Result<()> {
    match asked.environment {
        Some(own) if environment != Some(own) => {
            let other = environment.unwrap_or("no environment");
            let why = format!("the plan is for {other}, and this server serves {own}");
            Err(Error::new(ErrorKind::Stale, why)
                .help("make a plan for the environment that the server serves"))
        }
        _ => Ok(()),
    }
}

/// The server's own repository, where it has one and a commit is meant: what stands in it is not taken from anybody else.
fn repository_of<'a>(
    asked: &HandedAsked<'a>,
    ground: &Ground,
    commit: Option<&'a plan::Commit>,
) -> Option<(&'a Path, &'a plan::Commit)> {
    let is_one = ground.repository().is_some_and(|workspace| workspace.head().is_some());
    let commit = commit.filter(|commit| !commit.dirty && is_one)?;
    Some((asked.project?, commit))
}

fn at_commit(folder: &Path, commit: &plan::Commit) -> Result<Workspace> {
    let workspace = Workspace::at(folder, &commit.id).map_err(|error| match error.kind {
        ErrorKind::Invalid => error,
        _ => unknown_commit(&commit.id, &error),
    })?;
    match workspace.commit() {
        Some(found) if found.id == commit.id => Ok(workspace),
        _ => Err(Error::usage("name the commit by its whole id")),
    }
}

fn unknown_commit(id: &str, error: &Error) -> Error {
    let why = format!("the server's repository has not the commit {id} ({error})");
    Error::new(ErrorKind::Stale, why).help("fetch it there, and hand the plan in again")
}

fn handed_in(files: &Files, commit: Option<&plan::Commit>) -> Result<Workspace> {
    if files.is_empty() {
        return Err(Error::usage("hand in the files: the server has no repository of its own to plan by"));
    }
    let commit = commit.map(|commit| git::Commit {
        id: commit.id.clone(),
        author: commit.author.clone().unwrap_or_default(),
        dirty: commit.dirty,
    });
    Ok(Workspace::handed_in(files, commit))
}
