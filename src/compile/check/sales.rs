//! What sales accounts are used for: each place of the sales account mapping that names an account.

use super::context::Context;
use super::rates::{ACCOUNTS, Sort, abroad, tables};
use super::values::code;
use crate::model::SettingPath;
use crate::yaml::Node;

/// One place that names an account.
pub struct Use<'a> {
    pub account: &'a str,
    pub value: &'a Node,
    pub path: SettingPath,
    pub sales: Sales<'a>,
}

/// Whose sales a place books.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Sales<'a> {
    /// At one rate, in one country.
    Rate { country: &'a str, rate: &'a str },
    /// In one country, at whatever rate has no account of its own.
    Country(&'a str),
    /// To other EU countries, with VAT.
    EuWithVat,
    /// To companies in other EU countries, without VAT.
    EuReverse,
    /// Outside the EU.
    Export,
}

/// All places of an integration, those of home first.
#[must_use]
pub fn uses<'a>(context: &Context<'a>) -> Vec<Use<'a>> {
    let mut uses = Vec::new();
    let mut add = |node: &'a Node, path: SettingPath, sales: Sales<'a>| {
        if let Some(account) = code(node) {
            uses.push(Use { account, value: node, path, sales });
        }
    };
    let tables = tables(context);
    let (at_home, elsewhere): (Vec<_>, Vec<_>) =
        tables.iter().partition(|table| matches!(table.sort, Sort::Home | Sort::Part));
    for table in at_home {
        for row in table.entries() {
            let sales = Sales::Rate { country: table.country, rate: &row.key.text };
            add(&row.value, table.path.child(&row.key.text), sales);
        }
    }
    let buckets =
        [("eu_with_vat", Sales::EuWithVat), ("eu_reverse", Sales::EuReverse), ("export", Sales::Export)];
    for group in ["", "shipping.", "virtual."] {
        for (bucket, sales) in buckets {
            let name = format!("{group}{bucket}");
            if let Some(node) = context.written(ACCOUNTS, &name) {
                add(node, name.split('.').collect(), sales);
            }
        }
    }
    for table in elsewhere {
        for row in table.entries() {
            let sales = Sales::Rate { country: table.country, rate: &row.key.text };
            add(&row.value, table.path.child(&row.key.text), sales);
        }
    }
    for row in abroad(context) {
        for field in ["default_account", "shipping_account", "fee_account"] {
            if let Some(node) = row.value.get(field) {
                add(
                    node,
                    ["countries", &*row.key.text, field].iter().collect(),
                    Sales::Country(&row.key.text),
                );
            }
        }
    }
    uses
}
