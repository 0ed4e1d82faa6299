//! The plan of what the repository beside the server says, as whoever looks may see it, and applying it: what was looked at is
//! planned again, and only that is saved. Every refusal is `ops::check`'s.

use std::time::Duration;

use super::access::Access;
use super::ground::Ground;
use super::refusals::NotSaved;
use crate::ops::apply::{Applied, Manner, apply};
use crate::ops::check::{Consent, Refused, changes_live, check, names_to_type};
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::host::Host;
use crate::ops::load::{Purpose, load};
use crate::ops::plan::{Planned, planned};
use crate::ops::request::{Filter, Request};
use crate::ops::signed::require_signature;
use crate::ops::workspace::Workspace;
use crate::trust::Signatures;

/// How long a lock of somebody else is waited for.
const LOCK_WAIT: Duration = Duration::from_secs(5);

/// The plan of an integration, or of all; not sealed.
///
/// # Errors
/// When there is no repository, or whoever asks may not see all that it tells.
pub fn planned_now<'g>(
    integration: Option<&str>,
    access: &Access,
    ground: &'g Ground,
    request: &Request,
    host: &Host<'_>,
) -> Result<Planned<'g>, NotSaved> {
    made(integration, Purpose::Look, access, ground, request, host)
}

fn made<'g>(
    integration: Option<&str>,
    purpose: Purpose,
    access: &Access,
    ground: &'g Ground,
    request: &Request,
    host: &Host<'_>,
) -> Result<Planned<'g>, NotSaved> {
    let workspace = repository(ground)?;
    if integration.is_none() && !access.is_everywhere() {
        let what = format!("{} may see some integrations only; look at the plan of one", access.name);
        return Err(NotSaved::Forbidden(what));
    }
    let request = of(integration, request);
    let mut planned = planned(load(workspace, &request, host, purpose)?, &request, host)?;
    planned.seal();
    Ok(planned)
}

fn repository(ground: &Ground) -> Result<&Workspace> {
    let why = "this server has no repository beside it, so nothing can be planned here";
    ground.repository().ok_or_else(|| Error::new(ErrorKind::Refused, why))
}

fn of(integration: Option<&str>, request: &Request) -> Request {
    let integrations = integration.into_iter().map(str::to_owned).collect();
    Request { filter: Filter { integrations, ..Filter::default() }, ..request.clone() }
}

/// The integrations whose names whoever applies a plan types, as it saves over what was changed outside.
#[must_use]
pub fn to_type(planned: &Planned<'_>) -> Vec<String> {
    names_to_type(&planned.plan, &planned.judging).into_iter().map(str::to_owned).collect()
}

/// That somebody wants a plan applied.
#[derive(Debug, Clone, Copy)]
pub struct ApplyAsked<'a> {
    pub integration: Option<&'a str>,
    /// Of the plan that he saw.
    pub digest: &'a str,
    /// Integrations in live mode may be changed.
    pub live: bool,
    /// The names that he typed.
    pub typed: &'a [String],
    pub signatures: &'a Signatures,
    pub request: &'a Request,
}

/// Applies the plan that somebody saw, where it still is the plan.
///
/// # Errors
/// When he may not, the plan is another one by now, anything refuses it, or the store fails before anything was saved.
pub fn apply_seen(
    asked: &ApplyAsked<'_>,
    access: &Access,
    ground: &Ground,
    host: &Host<'_>,
) -> Result<Applied, NotSaved> {
    if !access.applies(asked.integration) {
        return Err(NotSaved::Forbidden(format!("{} may not apply plans", access.name)));
    }
    let signed = require_signature(None, asked.signatures, (host.now)())?;
    let Planned { project, plan, judging } =
        made(asked.integration, Purpose::Apply, access, ground, asked.request, host)?;
    if plan.digest != asked.digest {
        let why = "the plan is another one by now: somebody saved or committed something since you looked";
        return Err(Error::new(ErrorKind::Stale, why).help("look at it once more").into());
    }
    if project.has_errors() {
        return Err(Error::new(ErrorKind::Invalid, "the files have errors, so nothing was applied").into());
    }
    // A page asks whatever the project says: its box says what it does.
    if let Some(refusal) = changes_live(&plan).filter(|_| !asked.live) {
        return Err(Error::from(Refused(vec![refusal])).into());
    }
    let missing =
        names_to_type(&plan, &judging).into_iter().find(|name| !asked.typed.iter().any(|one| one == name));
    let consent = Consent { force: Vec::new(), live: asked.live, overwrite: missing.is_none() };
    let (_, address) = project.store(&of(asked.integration, asked.request), host)?;
    let approved = check(plan, &judging, &consent, &signed, (host.now)())?;
    let actor = |_: &std::path::Path| access.name.clone();
    let host = &Host { actor: &actor, ..*host };
    Ok(apply(
        &project,
        &judging,
        &address,
        approved,
        None,
        Manner { wait: LOCK_WAIT, ..Manner::default() },
        host,
    )?)
}
