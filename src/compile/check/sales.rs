//! What sales accounts are used for: each place of the sales account mapping that names an account.

use super::context::Context;
use super::rates::{ACCOUNTS, Table, abroad, tables};
use super::values::code;
use crate::compile::days;
use crate::model::{Days, SettingPath};
use crate::yaml::Node;

/// One place that names an account.
pub struct Use<'a> {
    pub account: &'a str,
    pub value: &'a Node,
    pub path: SettingPath,
    pub sales: Sales<'a>,
    /// When.
    pub days: Days,
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
    let mut add = |(days, node): (Days, &'a Node), path: SettingPath, sales: Sales<'a>| {
        if let Some(account) = code(node) {
            uses.push(Use { account, value: node, path, sales, days });
        }
    };
    let tables = tables(context);
    let is_at_home =
        |table: &&Table<'_>| table.path.segments().first().is_none_or(|first| &**first != "countries");
    let (at_home, elsewhere): (Vec<_>, Vec<_>) = tables.iter().partition(is_at_home);
    for (value, path, sales) in at_home.into_iter().flat_map(of_rates) {
        add(value, path, sales);
    }
    let buckets =
        [("eu_with_vat", Sales::EuWithVat), ("eu_reverse", Sales::EuReverse), ("export", Sales::Export)];
    for group in ["", "shipping.", "virtual."] {
        for (bucket, sales) in buckets {
            let name = format!("{group}{bucket}");
            for value in context.written(ACCOUNTS, &name).into_iter().flat_map(days::rows) {
                add(value, name.split('.').collect(), sales);
            }
        }
    }
    for (value, path, sales) in elsewhere.into_iter().flat_map(of_rates) {
        add(value, path, sales);
    }
    for row in abroad(context) {
        let around = days::of(&row.value).unwrap_or_default();
        for field in ["default_account", "shipping_account", "fee_account"] {
            for (days, account) in row.value.get(field).into_iter().flat_map(days::rows) {
                let path = ["countries", &*row.key.text, field].iter().collect();
                add((days.within(around), account), path, Sales::Country(&row.key.text));
            }
        }
    }
    uses
}

/// The accounts of a map of rates.
fn of_rates<'a>(table: &Table<'a>) -> Vec<((Days, &'a Node), SettingPath, Sales<'a>)> {
    let rows = table.rows().map(|row| {
        let rate = &*row.entry.key.text;
        ((row.days, row.account), table.path.child(rate), Sales::Rate { country: table.country, rate })
    });
    rows.collect()
}
