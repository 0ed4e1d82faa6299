//! The dropdown values of an integration: which lists there are, when each was fetched, and how far Clear Cache is. Nothing is
//! fetched here.

use std::collections::BTreeSet;

use serde::Serialize;
use serde_json::Value as Json;

use super::access::Access;
use super::clear;
use super::ground::Ground;
use super::known::Known;
use super::view::look;
use crate::ops::error::Result;
use crate::ops::host::Host;
use crate::options::fetch::wanted::offered;
use crate::store::Store;

/// What is known of the dropdown values of an integration.
#[derive(Debug, Clone, Serialize)]
pub struct Cache {
    pub integration: String,
    pub lists: Vec<CacheList>,
    /// The last time that somebody cleared the cache here; null where nobody did.
    pub clearing: Option<Json>,
}

/// One list.
#[derive(Debug, Clone, Serialize)]
pub struct CacheList {
    pub connector: String,
    /// `Fortnox terms of payment`
    pub title: String,
    pub set: String,
    /// Whose it is; none where the connection does not say.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// A moment (RFC 3339) where a server fetched it, a day where it was committed; none where the list is not known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fetched: Option<String>,
    pub values: usize,
}

/// What is known of the dropdown values of an integration, as far as somebody may see it.
///
/// # Errors
/// When the store cannot be read, or the recorded rules cannot be used.
pub fn cache(
    known: &Known,
    access: &Access,
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<Cache> {
    let judged = look(known, ground, store, host)?;
    let mut lists = Vec::new();
    if let Some(compiled) = judged.compiled() {
        let view = compiled.view(&judged.compilation.options);
        let categories = compiled.visible.iter().filter_map(|id| known.pair.category(id));
        let sets: BTreeSet<(String, String)> = categories.flat_map(offered).collect();
        let (shop, erp) = &compiled.accounts;
        for (connector, set) in sets {
            let is_fetched = known.pair.connector(&connector).is_some_and(|connector| {
                connector.description.pointer(&format!("/options/{set}/fetch")).is_some()
            });
            if !is_fetched {
                continue;
            }
            let account = if connector == known.pair.shop.id { shop } else { erp };
            let found = view.set(&connector, &set);
            let at = account.as_ref().and_then(|account| ground.fetched_at(&connector, account, &set));
            lists.push(CacheList {
                title: view.set_title(&connector, &set),
                account: account.clone(),
                fetched: match (at, found) {
                    // A list that was committed later counts.
                    (Some(at), Some(found)) if at.starts_with(&found.fetched) => Some(at.to_owned()),
                    (_, found) => found.map(|found| found.fetched.clone()),
                },
                values: found.map_or(0, |found| found.choices.len()),
                connector,
                set,
            });
        }
    }
    let clearing = store.clearing(known.id())?.map(|clearing| clear::told(&clearing, access, host));
    Ok(Cache { integration: known.id().to_owned(), lists, clearing })
}
