//! What sales accounts are used for: each place of the sales account mapping that names an account.

use super::context::Context;
use super::rates::{ACCOUNTS, RULES, Table, abroad, groups, tables};
use super::values::code;
use crate::compile::days;
use crate::model::{Days, SettingPath};
use crate::yaml::Node;

/// One place that names an account.
pub struct Use<'a> {
    pub account: &'a str,
    pub value: &'a Node,
    /// Of what the place is in, and the key there.
    above: SettingPath,
    key: &'a str,
    pub sales: Sales<'a>,
    /// When.
    pub days: Days,
}

impl Use<'_> {
    #[must_use]
    pub fn path(&self) -> SettingPath {
        self.above.child(self.key)
    }

    /// Whether the place is called so.
    #[must_use]
    pub fn is(&self, key: &str) -> bool {
        self.key == key
    }
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
    let mut add =
        |(days, node): (Days, &'a Node), (above, key): (&SettingPath, &'a str), sales: Sales<'a>| {
            if let Some(account) = code(node) {
                uses.push(Use { account, value: node, above: above.clone(), key, sales, days });
            }
        };
    let tables = tables(context);
    let is_at_home =
        |table: &&Table<'_>| table.path.segments().first().is_none_or(|first| &**first != "countries");
    let (at_home, elsewhere): (Vec<_>, Vec<_>) = tables.iter().partition(is_at_home);
    for (value, place, sales) in at_home.into_iter().flat_map(of_rates) {
        add(value, place, sales);
    }
    let buckets =
        [("eu_with_vat", Sales::EuWithVat), ("eu_reverse", Sales::EuReverse), ("export", Sales::Export)];
    for group in groups(context) {
        let above = group.split_terminator('.').collect();
        for (bucket, sales) in buckets {
            let node = context.written(ACCOUNTS, &format!("{group}{bucket}"));
            for value in node.into_iter().flat_map(days::rows) {
                add(value, (&above, bucket), sales);
            }
        }
    }
    for rule in context.rows(ACCOUNTS, RULES) {
        let around = days::of(&rule.value).unwrap_or_default();
        let above = SettingPath::root().child(RULES).child(&rule.key.text);
        for (bucket, sales) in buckets {
            for (days, account) in rule.value.get(bucket).into_iter().flat_map(days::rows) {
                add((days.within(around), account), (&above, bucket), sales);
            }
        }
    }
    let above = SettingPath::root().child("territories");
    for row in context.rows(ACCOUNTS, "territories") {
        for value in days::rows(&row.value) {
            add(value, (&above, &row.key.text), Sales::Export);
        }
    }
    for (value, place, sales) in elsewhere.into_iter().flat_map(of_rates) {
        add(value, place, sales);
    }
    for row in abroad(context) {
        let around = days::of(&row.value).unwrap_or_default();
        let above = ["countries", &*row.key.text].iter().collect();
        for field in ["default_account", "shipping_account", "fee_account"] {
            for (days, account) in row.value.get(field).into_iter().flat_map(days::rows) {
                add((days.within(around), account), (&above, field), Sales::Country(&row.key.text));
            }
        }
    }
    uses
}

/// The accounts of a map of rates.
fn of_rates<'t, 'a>(
    table: &'t Table<'a>,
) -> impl Iterator<Item = ((Days, &'a Node), (&'t SettingPath, &'a str), Sales<'a>)> {
    table.rows().map(|row| {
        let rate = &*row.entry.key.text;
        ((row.days, row.account), (&table.path, rate), Sales::Rate { country: table.country, rate })
    })
}
