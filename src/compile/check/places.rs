//! Rows by place and VAT rate, as in `DE-19`: one for a rate of another country while nothing is sold under OSS, and one value for two
//! rates. Which mappings have such rows is data: `x-rates-of-places`; [`super::doubtful`] walks them.

use super::context::Context;
use super::customers::{home_country, title};
use super::rates::ACCOUNTS;
use super::values::code;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::{across, customers as codes};
use crate::model::SettingPath;
use crate::schema::Category;
use crate::yaml::{Entry, Map, Trail};

pub(super) fn check(
    context: &Context<'_>,
    category: &Category,
    trail: &Trail<'_>,
    map: &Map,
    findings: &mut Vec<Finding>,
) {
    let name = trail.keys().join(".");
    let Some((_, path)) = context.known(&category.id, &name) else { return };
    let about = |path: &SettingPath| context.about(&category.id, path);
    findings.extend(of_others(context, &name, map).map(|finding| finding.about(about(&path))));
    findings
        .extend(for_two_rates(context, map).map(|(key, finding)| finding.about(about(&path.child(&key)))));
}

/// The rows with a rate: their country and it.
fn rates(map: &Map) -> impl Iterator<Item = (&Entry, &str, &str)> {
    let rows = map.entries().iter().filter(|row| !row.value.is_null());
    rows.filter_map(|row| row.key.text.split_once('-').map(|(country, rate)| (row, country, rate)))
}

/// What goes to a company in the EU, or out of it, carries no VAT.
const UNTAXED: [(&str, &str); 2] =
    [("EU", "sales in the EU without VAT"), ("outside", "sales outside the EU")];

/// Rows for rates that only sales under OSS have, while there are none.
fn of_others(context: &Context<'_>, name: &str, map: &Map) -> Option<Finding> {
    let off = context.written(ACCOUNTS, "oss_enabled").filter(|node| node.as_bool() == Some(false))?;
    let home = home_country(context)?;
    let at_home = context.vat.country(home)?;
    let is_of_other = |country: &str, rate: &str| {
        rate != "0"
            && context.vat.is_eu(country)
            && !context.vat.is_one_area(home, country)
            && !at_home.rates.iter().any(|one| one.rate == rate)
    };
    let others = rates(map).filter(|(_, country, rate)| is_of_other(country, rate));
    let others: Vec<&Entry> = others.map(|(row, ..)| row).collect();
    let names: Vec<String> = others.iter().map(|row| format!("`{name}.{}`", row.key.text)).collect();
    let at = others.first()?.key.span;
    Some(across::idle_in_mode(&names, "sales_accounts.oss_enabled", "false", at, Some(off.span)))
}

/// One value for rows of two rates, with the key of the second.
fn for_two_rates(context: &Context<'_>, map: &Map) -> Option<(String, Finding)> {
    let untaxed = UNTAXED.iter().filter_map(|(key, words)| Some((map.get(key)?, "0", (*words).to_owned())));
    let taxed = rates(map)
        .map(|(row, country, rate)| (row, rate, format!("{rate} % in {}", title(context, country))));
    let rows: Vec<(&Entry, &str, String, &str)> = taxed
        .chain(untaxed)
        .filter_map(|(row, rate, words)| Some((row, rate, words, code(&row.value)?)))
        .collect();
    rows.iter().enumerate().find_map(|(at, (row, rate, words, value))| {
        let other = rows[..at].iter().find(|(_, other, _, same)| same == value && other != rate)?;
        let both = [other.2.clone(), words.clone()];
        let finding = codes::one_tax_for_rates(value, &both, row.value.span, other.0.value.span);
        Some((row.key.text.to_string(), finding))
    })
}
