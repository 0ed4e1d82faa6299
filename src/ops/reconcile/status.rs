//! Where reconciliation stands: the commit, who works, and what is open. Only reads.

use serde_json::Value as Json;

use super::concern::Concern;
use super::lease::holder_of;
use super::matters::matters;
use super::rollout::Rollout;
use crate::ops::error::{Error, Result};
use crate::ops::host::Host;
use crate::store::{Address, Lock, Reconciled};

/// A matter that is open.
#[derive(Debug, Clone)]
pub struct Open {
    pub since: String,
    pub concern: Concern,
}

/// Where reconciliation stands.
#[derive(Debug, Clone, Default)]
pub struct Status {
    pub environment: Option<String>,
    /// The last round that was made; none before the first.
    pub last: Option<Reconciled>,
    /// How it went.
    pub document: Json,
    /// What is rolled out in waves.
    pub rollout: Option<Rollout>,
    /// Who works, or worked last.
    pub worker: Option<Lock>,
    /// Categories of which the files are not taken.
    pub behind: usize,
    /// In the order of their ids.
    pub open: Vec<Open>,
}

/// Reads where the reconciliation of an environment stands.
///
/// # Errors
/// When there is no store, or it cannot be read.
pub fn status(address: &Address, environment: Option<&str>, host: &Host<'_>) -> Result<Status> {
    let Some(mut store) = host.store(address)? else {
        return Err(Error::usage("nothing is deployed: there is no store yet"));
    };
    let key = environment.unwrap_or_default();
    let last = store.reconciled(key)?;
    let open = matters(store.as_mut(), key)?.into_iter().filter(|(matter, _)| matter.closed_at.is_none());
    let open = open.map(|(matter, concern)| Open { since: matter.opened_at, concern }).collect();
    Ok(Status {
        environment: environment.map(str::to_owned),
        document: last
            .as_ref()
            .and_then(|last| serde_json::from_str(&last.document).ok())
            .unwrap_or_default(),
        rollout: last.as_ref().map(Rollout::of).transpose()?.flatten(),
        last,
        worker: holder_of(store.as_mut(), environment)?,
        behind: store.behind(key)?.len(),
        open,
    })
}
