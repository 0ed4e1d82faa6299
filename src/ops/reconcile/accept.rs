//! What a person tells the reconciler, with a reason that is kept for good: to go on with a commit that does not go on from what is
//! deployed, to pass by a wave of a rollout, or to begin the rollout anew.

use super::ancestry::Accepted;
use super::rollout::{Rollout, Step};
use crate::ops::error::{Error, Result};
use crate::ops::host::Host;
use crate::ops::request::Request;
use crate::ops::workspace::Workspace;
use crate::store::{ACCEPT, Address, Note, ROLLOUT};

/// Notes that the reconciler may go on with the commit of a workspace, whatever history it has. What is deployed from another commit after
/// this is not accepted with it. The id of the commit.
///
/// # Errors
/// When there is no reason, or no store that could be written.
pub fn accept(workspace: &Workspace, request: &Request, reason: &str, host: &Host<'_>) -> Result<String> {
    require_reason(reason, "say why this commit is accepted")?;
    let commit = workspace.commit().map(|commit| commit.id.clone());
    let commit = commit.ok_or_else(|| Error::usage("there is no commit to accept"))?;
    let (_, address) = workspace.store(request, host)?;
    if host.store(&address)?.is_none() {
        return Err(Error::usage("nothing is deployed: there is no store yet"));
    }
    let mut store = host.make_store(&address)?;
    let number = store.last_number()?;
    let by = (host.actor)(workspace.root());
    let text = Accepted::text(&commit, number, reason.trim());
    store.note(&Note { at: host.stamp(), by, kind: ACCEPT.to_owned(), text, run: None })?;
    Ok(commit)
}

/// Notes a step of the rollout that is under way, which the next round takes. The rollout as it was.
///
/// # Errors
/// When there is no reason, nothing is rolled out, or the store cannot be written.
pub fn step(
    step: Step,
    address: &Address,
    environment: Option<&str>,
    root: &std::path::Path,
    reason: &str,
    host: &Host<'_>,
) -> Result<Rollout> {
    require_reason(reason, "say why the wave is not waited for")?;
    let nothing = || Error::usage("nothing is rolled out in waves now");
    host.store(address)?.ok_or_else(nothing)?;
    let mut store = host.make_store(address)?;
    let last = store.reconciled(environment.unwrap_or_default())?;
    let rollout = last.as_ref().map(Rollout::of).transpose()?.flatten().ok_or_else(nothing)?;
    let by = (host.actor)(root);
    let text = rollout.note(step, reason.trim());
    store.note(&Note { at: host.stamp(), by, kind: ROLLOUT.to_owned(), text, run: None })?;
    Ok(rollout)
}

fn require_reason(reason: &str, help: &str) -> Result<()> {
    if reason.trim().is_empty() {
        return Err(Error::usage("a reason is needed, which is kept").help(help));
    }
    Ok(())
}
