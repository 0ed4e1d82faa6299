//! Dropping what is kept of dropdown values, so that they are fetched anew. The committed lists stay as they are.

use super::cache::{self, Cache};
use super::sets::{Purpose, Sets, in_use};
use crate::compile::Whole;
use crate::ops::error::Result;
use crate::ops::project::Project;
use crate::ops::request::Request;
use crate::options::fetch::wanted::wanted;

/// One set of one account that was dropped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cleared {
    pub connector: String,
    pub account: String,
    pub set: String,
}

/// Drops the cached values of some sets; where the request names integrations, of their accounts alone.
///
/// # Errors
/// When a connector or a set does not exist, or a file cannot be changed.
pub fn clear_options(opened: &Project<'_, Whole>, request: &Request, sets: &Sets) -> Result<Vec<Cleared>> {
    sets.require_known(&opened.compilation)?;
    let root = opened.workspace.root();
    let wanted = wanted(opened.compilation.integrations.iter().map(|whole| in_use(whole, Purpose::Files)));
    let mut cleared = Vec::new();
    for path in cache::files(root) {
        let Some(mut cache) = Cache::read(root, &path) else { continue };
        let (connector, account) = (cache.connector.clone(), cache.account.clone());
        let mut mine = wanted.accounts.iter();
        if !request.is_all() && !mine.any(|one| one.connector == connector && one.name == account) {
            continue;
        }
        let of = cache.sets.keys().filter(|set| sets.takes(&connector, set));
        let dropped: Vec<String> = of.cloned().collect();
        cache.sets.retain(|set, _| !dropped.contains(set));
        if cache.sets.is_empty() {
            cache::remove(root, &path)?;
        } else if !dropped.is_empty() {
            cache.write(root, &path)?;
        }
        cleared.extend(dropped.into_iter().map(|set| Cleared {
            connector: connector.clone(),
            account: account.clone(),
            set,
        }));
    }
    Ok(cleared)
}
