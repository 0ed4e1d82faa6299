//! One integration as compiling leaves it.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::check::required::Requirement;
use crate::model::{Configuration, Name, SettingPath};
use crate::options::{Options, View};
use crate::schema::Pair;
use crate::source::Span;

/// One integration, checked and in canonical form.
#[derive(Debug, Clone)]
pub struct Compiled {
    pub name: String,
    /// What it was called before.
    pub renamed_from: Option<String>,
    pub pair: Arc<Pair>,
    /// Live mode is on; else gaps are warnings.
    pub live: bool,
    /// Ids of the flows that are on.
    pub flows_on: Vec<String>,
    /// Ids of the categories that are visible and declared, and thus planned.
    pub configuration: Configuration,
    /// Where each setting was written, by category.
    pub origins: BTreeMap<Name, BTreeMap<SettingPath, Span>>,
    pub unmanaged: Vec<Name>,
    /// Visible categories (settings and others), managed or not.
    pub visible: Vec<Name>,
    pub(super) requirements: Vec<Requirement>,
    /// The shop's and the ERP's account, as the active connections say.
    pub accounts: (Option<String>, Option<String>),
    /// Where the integration is named.
    pub place: Span,
}

impl Compiled {
    /// What is required now: category, setting, and whether it is set (`None`: what is deployed decides).
    pub fn required(&self) -> impl Iterator<Item = (&str, &SettingPath, Option<bool>)> {
        required(&self.requirements, &self.pair)
    }

    /// The dropdown values as this integration sees them.
    #[must_use]
    pub fn view<'a>(&'a self, options: &'a Options) -> View<'a> {
        let (shop, erp) = &self.accounts;
        View { options, pair: &self.pair, shop_account: shop.as_deref(), erp_account: erp.as_deref() }
    }
}

pub(super) fn required<'a>(
    requirements: &'a [Requirement],
    pair: &'a Pair,
) -> impl Iterator<Item = (&'a str, &'a SettingPath, Option<bool>)> {
    requirements.iter().filter_map(|requirement| {
        let (category, path) = requirement.of(pair)?;
        Some((category, path, requirement.set))
    })
}

/// The integration of this name among some that are sorted.
#[must_use]
pub fn find<'a>(integrations: &'a [Compiled], name: &str) -> Option<&'a Compiled> {
    let at = integrations.binary_search_by(|compiled| compiled.name.as_str().cmp(name)).ok()?;
    Some(&integrations[at])
}
