//! Who counts as a company, where a company in another EU country pays no VAT: only a VAT number proves it.

use super::context::Context;
use super::customers::home_country;
use super::rates::{ACCOUNTS, oss_countries};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::model::customers::{Key, Region};
use crate::model::{SettingPath, Value};
use crate::source::Span;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(without_vat_number(context));
}

/// Only where the files decide it: the usual value says nothing of what anybody meant.
fn without_vat_number(context: &Context<'_>) -> Option<Finding> {
    let node = context.written("customer", "company_when")?;
    let field = context.choice("customer", "company_when").filter(|field| *field != "vat_number")?;
    let sold = sold_in_eu(context)?;
    // Where a VAT number is taken over, it is asked for.
    if !frees_companies(context) || context.written("customer", "vat_number_field").is_some() {
        return None;
    }
    let about = context.about("customer", &SettingPath::root().child("company_when"));
    Some(codes::company_without_vat_number(field, node.span, sold).about(about))
}

/// What says that the shop sells to other EU countries; filters have the last word.
fn sold_in_eu(context: &Context<'_>) -> Option<Span> {
    let home = home_country(context);
    let oss = oss_countries(context);
    // Without sales accounts only what is known to be home tells what is abroad.
    let is_abroad = |country: &str| match oss.is_empty() {
        true => home.is_some_and(|home| home != country) && context.vat.is_eu(country),
        false => Some(country) != home && oss.contains(&country),
    };
    // Who sells from outside the EU exports to it.
    if home.is_some_and(|home| !context.vat.is_eu(home)) {
        return None;
    }
    let included: Vec<_> = context.listed("additional_filters", "include_countries").collect();
    if !included.is_empty() {
        return included.iter().find(|(country, _)| is_abroad(country)).map(|(_, at)| *at);
    }
    let row = context.rows(ACCOUNTS, "countries").find(|row| is_abroad(&row.key.text));
    let sells = || context.written(ACCOUNTS, "oss_enabled").filter(|node| node.as_bool() == Some(true));
    let by_kind = || {
        let customer = context.pair.category("customer")?;
        let rows = customer.settings.iter().flat_map(|one| context.rows("customer", &one.path.to_string()));
        let in_eu = |key: Key<'_>| key.region == Some(Region::Eu) || key.country.is_some_and(is_abroad);
        rows.into_iter().find(|row| Key::parse(&row.key.text).is_some_and(in_eu))
    };
    row.map(|row| row.key.span)
        .or_else(|| sells().map(|node| node.span))
        .or_else(|| by_kind().map(|row| row.key.span))
}

/// Whether companies in the EU are free of VAT here: by an account of their own, unless their VAT type says otherwise, or by a
/// row for companies.
fn frees_companies(context: &Context<'_>) -> bool {
    if let Some((known, _)) = context.known("customer", "vat_type_b2b_eu") {
        let usual = known.default.as_ref().and_then(|default| match default {
            Value::Text(text) => Some(text.as_str()),
            _ => None,
        });
        return context.choice("customer", "vat_type_b2b_eu") == usual;
    }
    let by_row = |one: &crate::schema::Setting| {
        context.rows("customer", &one.path.to_string()).any(|row| row.key.text.starts_with("b2b"))
    };
    context.written(ACCOUNTS, "eu_reverse").is_some()
        || context.pair.category("customer").is_some_and(|customer| customer.settings.iter().any(by_row))
}
