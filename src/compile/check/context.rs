//! What a rule sees of one integration, and what it asks of it again and again.

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::compile::compose::Composed;
use crate::diagnostic::{About, nearest};
use crate::model::category::SETTINGS;
use crate::model::{CONNECTORS, FLOWS, SettingPath, is_top_level};
use crate::options::View;
use crate::schema::parts::Catalogue;
use crate::schema::vat::Vat;
use crate::schema::{Category, Connector, Pair};
use crate::source::Span;
use crate::yaml::{Entry, Node};

/// What a rule sees.
pub struct Context<'a> {
    pub name: &'a str,
    pub catalogue: &'a Catalogue,
    /// With the payment providers that the document names.
    pub pair: &'a Pair,
    pub composed: &'a Composed,
    pub root: &'a Node,
    pub view: View<'a>,
    pub vat: &'a Vat,
    /// The day that validity periods are judged by.
    pub today: Date,
    pub live: bool,
    /// What [`unmanaged`] found: nearly every rule asks.
    pub unmanaged: Vec<(&'a str, Span)>,
    pub programs: Option<&'a BTreeMap<String, Vec<String>>>,
}

impl<'a> Context<'a> {
    /// Whether a flow is on: as written, else by the pair's default.
    #[must_use]
    pub fn flow_on(&self, id: &str) -> bool {
        let written = self.root.get(FLOWS).and_then(|flows| flows.get(id)).and_then(Node::as_bool);
        written.or_else(|| self.pair.flow(id).map(|flow| flow.default)).unwrap_or(false)
    }

    /// The first of these flows that is on.
    #[must_use]
    pub fn first_on<'f>(&self, flows: &'f [String]) -> Option<&'f str> {
        flows.iter().map(String::as_str).find(|flow| self.flow_on(flow))
    }

    /// The connectors of the pair, and the payment providers that this integration connects.
    pub fn connectors(&self) -> impl Iterator<Item = &'a Connector> + use<'a> {
        let declared = self.root.get(CONNECTORS);
        let is_declared = move |one: &&Connector| declared.is_some_and(|all| all.get(&one.id).is_some());
        [&self.pair.shop, &self.pair.erp].into_iter().chain(self.pair.payments.iter().filter(is_declared))
    }

    #[must_use]
    pub fn visible(&self, category: &Category) -> bool {
        category.flows.as_ref().is_none_or(|flows| self.first_on(flows).is_some())
    }

    /// Categories listed as unmanaged, with the place.
    pub fn unmanaged(&self) -> impl Iterator<Item = (&'a str, Span)> + '_ {
        self.unmanaged.iter().copied()
    }

    #[must_use]
    pub fn is_unmanaged(&self, category: &str) -> bool {
        self.unmanaged().any(|(id, _)| id == category)
    }

    /// Whether a category is visible and managed here.
    #[must_use]
    pub fn is_judged(&self, category: &Category) -> bool {
        self.visible(category) && !self.is_unmanaged(&category.id)
    }

    #[must_use]
    pub fn about(&self, category: &str, path: &SettingPath) -> About {
        About {
            integration: Some(self.name.to_owned()),
            category: Some(category.to_owned()),
            setting: (!path.is_root()).then(|| path.to_string()),
        }
    }

    /// True when a place lies in one of the integration's own files, not in a base.
    #[must_use]
    pub fn own(&self, span: Span) -> bool {
        self.composed.files.contains(&span.file)
    }
}

/// Categories that a document lists as unmanaged, with the place.
#[must_use]
pub fn unmanaged<'a>(root: &'a Node, pair: &'a Pair) -> Vec<(&'a str, Span)> {
    let listed = root.get("unmanaged");
    // One name without brackets, or nearly one of the names, has a finding of its own.
    let list = listed.map(|node| node.as_list().unwrap_or(std::slice::from_ref(node)));
    let named = list.unwrap_or_default().iter().filter_map(|node| {
        let written = node.as_text()?;
        let near = nearest(written, pair.categories().map(|category| category.id.as_str()));
        Some((near.unwrap_or(written), node.span))
    });
    named.collect()
}

/// The node of a category in a document, with its key.
#[must_use]
pub fn category_entry<'a>(root: &'a Node, id: &str) -> Option<&'a Entry> {
    let holder = if is_top_level(id) { root } else { root.get(SETTINGS)? };
    holder.as_map()?.get(id)
}

/// The value of a setting as written; `None` when absent.
#[must_use]
pub fn setting<'a>(root: &'a Node, category: &str, path: &SettingPath) -> Option<&'a Node> {
    let start = &category_entry(root, category)?.value;
    path.segments().iter().try_fold(start, |node, key| node.get(key))
}
