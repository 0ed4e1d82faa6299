//! One customer in the ERP for all orders: its VAT is that of every order, so that places with other VAT need customers of their own;
//! and what does nothing while customers are handled in the other way.

use std::collections::BTreeSet;

use super::context::{Context, setting};
use super::customers::{home_country, settings_for_rows, title};
use super::values::code;
use crate::diagnostic::codes::{across, customers as codes};
use crate::diagnostic::{Finding, list_words};
use crate::model::SettingPath;
use crate::source::Span;

const CATEGORY: &str = "customer";
const MODE: &str = "mode";
const SHARED: &str = "one_shared_web_customer";
/// So, while companies have customers of their own.
const FOR_CONSUMERS: &str = "one_shared_for_consumers";
/// What finds and makes customers of companies.
const COMPANIES: [&str; 5] =
    ["match_companies_by", "company_number_field", "company_map", "unknown_company", "default_company"];
const BY_COUNTRY: &str = "shared_customers";
const ROWS: &str = "vat_by_customer";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(mode) = context.choice(CATEGORY, MODE) else { return };
    if mode == SHARED || mode == FOR_CONSUMERS {
        // What decides the VAT of customers who are made one by one, and how companies are found.
        let older = settings_for_rows(context).map(|one| one.path.to_string());
        let names = std::iter::once(ROWS).chain(COMPANIES).map(str::to_owned);
        let names: Vec<String> = names.chain(older).collect();
        findings.extend(if mode == SHARED { idle(context, mode, &names) } else { None });
        // Where rows of an order have accounts of their own, these decide its VAT.
        if context.known(CATEGORY, ROWS).is_some() && context.pair.category("sales_accounts").is_none() {
            findings.extend(undecided(context));
            one_number(context, findings);
        }
    } else {
        findings.extend(idle(context, mode, &[BY_COUNTRY.to_owned(), "shared_customer".to_owned()]));
    }
}

/// Settings that do nothing in this mode. A base may serve integrations of both.
fn idle(context: &Context<'_>, mode: &str, names: &[String]) -> Option<Finding> {
    let at = context.written(CATEGORY, MODE)?.span;
    let written = |name: &String| {
        let path = SettingPath::root().child(name);
        let node =
            setting(context.root, CATEGORY, &path).filter(|node| !node.is_null() && !node.is_hole())?;
        let here = node.span.file == at.file || context.own(node.span);
        here.then(|| (format!("`{name}`"), context.key_of(CATEGORY, &path), path))
    };
    let idle: Vec<(String, Span, SettingPath)> = names.iter().filter_map(written).collect();
    let (_, key, path) = idle.first()?;
    let quoted: Vec<String> = idle.iter().map(|(name, ..)| name.clone()).collect();
    let finding = across::idle_in_mode(&quoted, MODE, mode, *key, Some(at));
    Some(finding.about(context.about(CATEGORY, path)))
}

/// Countries that a filter lets in and none leaves out, with the place that says so.
pub(super) fn sold_to<'a>(context: &Context<'a>) -> Vec<(&'a str, Span)> {
    let excluded: Vec<&str> =
        context.listed("additional_filters", "exclude_countries").map(|(country, _)| country).collect();
    let included = context.listed("additional_filters", "include_countries");
    included.filter(|(country, _)| !excluded.contains(country)).collect()
}

/// The customer that a country has for itself.
fn own<'a>(context: &Context<'a>, country: &str) -> Option<&'a str> {
    code(&context.rows(CATEGORY, BY_COUNTRY).find(|row| *row.key.text == *country)?.value)
}

/// The customer of those at home; `None` where it is not known which country that is.
fn at_home<'a>(context: &Context<'a>) -> Option<&'a str> {
    let home = home_country(context)?;
    own(context, home).or_else(|| context.written(CATEGORY, "shared_customer").and_then(code))
}

/// Countries other than home whose orders go to the customer that all others go to.
fn undecided(context: &Context<'_>) -> Option<Finding> {
    let sold = sold_to(context);
    let home = home_country(context);
    // One that names the customer of those at home is as none.
    let at_home = at_home(context);
    let has_own = |country: &str| own(context, country).is_some_and(|number| at_home != Some(number));
    let by_row = context.rows(CATEGORY, BY_COUNTRY).map(|row| (&*row.key.text, row.key.span));
    let as_home = by_row.filter(|(country, _)| !context.vat.is_eu(country) && at_home.is_some());
    let sold = match sold.is_empty() {
        // What no filter names, rows do; in the EU the VAT of home may be the right one.
        true => as_home.collect(),
        false => sold,
    };
    let mut without: Vec<(&str, Span)> =
        sold.iter().copied().filter(|(country, _)| !has_own(country) && home != Some(*country)).collect();
    // The customer is for one of them.
    if home.is_none() && without.len() < 2 {
        without.clear();
    }
    let (_, at) = *without.first()?;
    let names: Vec<String> = without.iter().map(|(country, _)| title(context, country)).collect();
    let customer = context.written(CATEGORY, "shared_customer").map(|node| node.span);
    let finding = codes::vat_of_shared_customer(&list_words(&names, "and"), home.is_some(), at, customer);
    Some(finding.about(context.about(CATEGORY, &SettingPath::root().child(BY_COUNTRY))))
}

/// One customer for two countries with other VAT: of two in the EU, other rates; of one in it and one outside, VAT and none.
fn one_number(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let is_eu = |country: &str| context.vat.is_eu(country);
    // From outside the EU all of them are exports.
    if home_country(context).is_some_and(|home| !is_eu(home)) {
        return;
    }
    let rates = |country: &str| -> Option<BTreeSet<&str>> {
        let in_force = context.vat.country(country)?.in_force(context.today);
        Some(in_force.into_iter().map(|rate| rate.rate.as_str()).collect())
    };
    let rows = context.rows(CATEGORY, BY_COUNTRY);
    let rows: Vec<_> =
        rows.filter_map(|row| Some((&*row.key.text, code(&row.value)?, row.key.span))).collect();
    let at_home = at_home(context);
    let differ = |one: &str, other: &str, number: &str| match (is_eu(one), is_eu(other)) {
        (true, true) => rates(one).zip(rates(other)).is_some_and(|(a, b)| a != b),
        (false, false) => false,
        // Who is outside the EU and has the customer of home is told as such.
        _ => at_home != Some(number),
    };
    for (at, (country, number, span)) in rows.iter().enumerate() {
        let mut before = rows[..at].iter().filter(|(_, other, _)| other == number);
        let other = before.find(|(other, ..)| differ(other, country, number));
        let Some((other, _, there)) = other else { continue };
        let names = [title(context, other), title(context, country)];
        let finding = codes::one_code_for_countries(&format!("customer {number}"), &names, *span, *there);
        let path = SettingPath::root().child(BY_COUNTRY).child(country);
        findings.push(finding.about(context.about(CATEGORY, &path)));
    }
}
