//! Proposing what was changed outside: the smallest edit of the files, as a commit on a branch of its own, with the name of whoever
//! changed it; and proposing to take back a commit that failed. A branch that is there is never moved.

use super::concern::Concern;
use super::rollout::Rollout;
use crate::model::digest_text;
use crate::ops::branch::{NewBranch, commit_on_branch, go_back_on_branch};
use crate::ops::error::{ErrorKind, Result};
use crate::ops::host::Host;
use crate::ops::propose::Destination;
use crate::ops::pull::{PullRequest, propose_pull};
use crate::ops::request::{Filter, Request};
use crate::ops::workspace::Workspace;

/// Begins a branch with what was changed outside in one category, unless there is one with just that. Its name; none where the files
/// cannot say it.
///
/// # Errors
/// When the store cannot be read, or git refuses.
pub fn propose(
    workspace: &Workspace,
    request: &Request,
    concern: &Concern,
    host: &Host<'_>,
) -> Result<Option<String>> {
    let Some((integration, category)) = concern.integration.as_ref().zip(concern.category.as_ref()) else {
        return Ok(None);
    };
    // The same change is proposed once, whichever commit it is proposed on.
    let settings = serde_json::to_string(&concern.settings).unwrap_or_default();
    let digest = digest_text(&settings);
    let short = digest.trim_start_matches("sha256:").get(..10).unwrap_or_default();
    let name = format!("pairform/{integration}-{category}-{short}").replace('_', "-");
    let filter = Filter { categories: vec![category.clone()], ..Filter::default() };
    let request = Request { filter, ..request.clone() };
    let pull = PullRequest {
        integrations: vec![integration.clone()],
        split: false,
        destination: Destination::OwnFiles,
        conflicts: true,
    };
    let edits = propose_pull(workspace, &request, &pull, host)?;
    if edits.files.is_empty() {
        return Ok(None);
    }
    let mut people: Vec<&str> = concern.settings.iter().filter_map(|one| one.by.as_deref()).collect();
    people.sort_unstable();
    people.dedup();
    let by = people.join(", ");
    let message = format!(
        "Take in what was changed outside: {category} of {integration}\n\n{}\n",
        concern
            .settings
            .iter()
            .map(|one| {
                let since = one.since.as_deref().map(|since| format!(" at {since}")).unwrap_or_default();
                let by = one.by.as_deref().map(|by| format!(", by {by}")).unwrap_or_default();
                format!("- {}{by}{since}", one.setting)
            })
            .collect::<Vec<_>>()
            .join("\n")
    );
    let author = Some(by.as_str()).filter(|by| !by.is_empty());
    let new = NewBranch { name: &name, message: &message, author };
    match commit_on_branch(workspace, &edits.files, new, host) {
        Ok(_) => Ok(Some(name)),
        // It was proposed before.
        Err(error) if error.kind == ErrorKind::Stale => Ok(Some(name)),
        Err(error) => Err(error),
    }
}

/// Begins a branch that takes back a commit whose rollout failed: with the files as they were in the commit that was rolled out before.
/// Its name; none where there is no such commit, or a newer one is to be tried.
///
/// # Errors
/// When git refuses.
pub fn take_back(workspace: &Workspace, rollout: &Rollout, host: &Host<'_>) -> Result<Option<String>> {
    const DIGITS: usize = 10;
    let Some(before) = rollout.before.as_ref().filter(|_| rollout.newer.is_none()) else { return Ok(None) };
    let short = |commit: &str| commit.get(..DIGITS).unwrap_or(commit).to_owned();
    let name = format!("pairform/take-back-{}", short(&rollout.commit));
    let (wave, of) = (rollout.wave + 1, rollout.of);
    let message = format!(
        "Take back commit {}, of which wave {wave} of {of} failed\n\n{}\n\nThe files are as in commit {before}, which was rolled out before.\n",
        short(&rollout.commit),
        rollout.failed.iter().map(|why| format!("- {why}")).collect::<Vec<_>>().join("\n"),
    );
    match go_back_on_branch(workspace, before, &name, &message, host) {
        Ok(_) => Ok(Some(name)),
        // It was proposed before.
        Err(error) if error.kind == ErrorKind::Stale => Ok(Some(name)),
        Err(error) => Err(error),
    }
}
