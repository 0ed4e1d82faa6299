//! What the committed lists say: values, labels, and when they were fetched. No platform is asked.

use super::sets::Sets;
use crate::compile::Whole;
use crate::ops::error::Result;
use crate::ops::host::Host;
use crate::ops::project::Project;
use crate::ops::request::Request;
use crate::options::lists::days_between;
use crate::options::{List, Set};

/// One account of which something is known.
pub struct Known<'a> {
    pub connector: &'a str,
    /// The connector's name, as people say it.
    pub platform: String,
    pub account: &'a str,
    /// The committed list, from the project's root.
    pub path: &'a str,
    pub sets: Vec<KnownSet<'a>>,
}

/// One of its sets.
pub struct KnownSet<'a> {
    pub name: &'a str,
    pub title: String,
    pub set: &'a Set,
    /// Since it was fetched; none where the file does not say a day.
    pub age_days: Option<i64>,
}

/// What is known; where the request names integrations, of their accounts alone.
///
/// # Errors
/// When a connector or a set does not exist.
pub fn list_options<'a>(
    opened: &'a Project<'_, Whole>,
    request: &Request,
    sets: &Sets,
    host: &Host<'_>,
) -> Result<Vec<Known<'a>>> {
    let compilation = &opened.compilation;
    sets.require_known(compilation)?;
    let today = host.today().to_string();
    let mut accounts = Vec::new();
    for (connector, list) in compilation.options.lists() {
        if !request.is_all() && !is_mine(opened, connector, list) {
            continue;
        }
        let part = compilation.catalogue.part(&format!("connectors/{connector}.yaml")).unwrap_or_default();
        let known: Vec<KnownSet<'a>> = list
            .sets
            .iter()
            .filter(|(name, _)| sets.takes(connector, name))
            .map(|(name, set)| {
                let title = part["options"][name.as_str()]["title"].as_str();
                let title = title.map_or_else(|| name.replace('_', " "), str::to_owned);
                KnownSet { name, title, set, age_days: days_between(&set.fetched, &today) }
            })
            .collect();
        if !known.is_empty() {
            let platform = part["title"].as_str().unwrap_or(connector).to_owned();
            let List { account, path, .. } = list;
            accounts.push(Known { connector, platform, account, path, sets: known });
        }
    }
    Ok(accounts)
}

/// Whether an integration that was taken has this account; one that names none may have any.
fn is_mine(opened: &Project<'_, Whole>, connector: &str, list: &List) -> bool {
    opened.compilation.integrations.iter().any(|Whole { compiled, .. }| {
        let (shop, erp) = &compiled.accounts;
        let mut sides = [(&compiled.pair.shop, shop), (&compiled.pair.erp, erp)].into_iter();
        sides.any(|(side, account)| {
            side.id == connector && account.as_ref().is_none_or(|name| *name == list.account)
        })
    })
}
