//! Accepting a commit that does not go on from what is deployed, with a reason that is kept for good.

use super::ancestry::Accepted;
use crate::ops::error::{Error, Result};
use crate::ops::host::Host;
use crate::ops::request::Request;
use crate::ops::workspace::Workspace;
use crate::store::{ACCEPT, Note};

/// Notes that the reconciler may go on with the commit of a workspace, whatever history it has. What is deployed from another commit after
/// this is not accepted with it. The id of the commit.
///
/// # Errors
/// When there is no reason, or no store that could be written.
pub fn accept(workspace: &Workspace, request: &Request, reason: &str, host: &Host<'_>) -> Result<String> {
    if reason.trim().is_empty() {
        return Err(Error::usage("a reason is needed, which is kept").help("say why this commit is accepted"));
    }
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
