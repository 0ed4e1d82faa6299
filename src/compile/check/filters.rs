//! Filters against each other, and against what is mapped: what is both let in and left out, and mappings of what never comes.

use super::context::{Context, category_entry};
use super::payouts::folded;
use super::rates::abroad;
use crate::diagnostic::codes::across as codes;
use crate::diagnostic::{About, Finding, list_words};
use crate::model::SettingPath;
use crate::model::customers::Key;
use crate::source::Span;
use crate::yaml::{Entry, Map};

const FILTERS: &str = "additional_filters";
const PAYMENTS: &str = "payment_methods";
const SHIPPING: &str = "shipping_methods";
/// One record a payment method, or a shipping method.
const RECORDS: &str = "methods";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    both_ways(context, findings);
    findings.extend(countries(context));
    payment_methods(context, findings);
    shipping_methods(context, findings);
}

fn about(context: &Context<'_>, category: &str, name: &str) -> About {
    context.about(category, &SettingPath::root().child(name))
}

/// Values that are included and excluded.
fn both_ways(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for (include, exclude) in [
        ("include_countries", "exclude_countries"),
        ("include_tags", "exclude_tags"),
        ("include_sources", "exclude_sources"),
    ] {
        let included: Vec<_> = context.listed(FILTERS, include).collect();
        let twice: Vec<_> = context
            .listed(FILTERS, exclude)
            .filter_map(|(value, at)| {
                let (_, there) = included.iter().find(|(other, _)| *other == value)?;
                Some((value, at, *there))
            })
            .collect();
        let Some((_, at, there)) = twice.first() else { continue };
        let values: Vec<&str> = twice.iter().map(|(value, ..)| *value).collect();
        // Who has two tags may still pass by the other; a country is one.
        let nothing = values.len() == included.len();
        let finding =
            codes::included_and_excluded(&list_words(&values, "and"), values.len() > 1, nothing, *at, *there);
        findings.push(finding.about(about(context, FILTERS, exclude)));
    }
}

/// Countries that are mapped and to which no order is synced.
fn countries(context: &Context<'_>) -> Option<Finding> {
    let included: Vec<_> = context.listed(FILTERS, "include_countries").collect();
    let excluded: Vec<_> = context.listed(FILTERS, "exclude_countries").collect();
    if included.is_empty() && excluded.is_empty() {
        return None;
    }
    // The filter that keeps a country out: its place, and the name of the setting.
    let kept_out = |country: &str| {
        // Goods to Northern Ireland have a row of their own, and addresses of the United Kingdom.
        let country = if country == "XI" { "GB" } else { country };
        let by_name =
            excluded.iter().find(|(other, _)| *other == country).map(|(_, at)| (*at, "exclude_countries"));
        let others =
            || (!included.is_empty() && !included.iter().any(|(other, _)| *other == country)).then_some(());
        others()
            .and_then(|()| Some((context.written(FILTERS, "include_countries")?.span, "include_countries")))
            .or(by_name)
    };
    let mut mapped: Vec<(&str, Span)> = abroad(context).map(|row| (&*row.key.text, row.key.span)).collect();
    let customer = category_entry(context.root, "customer").and_then(|entry| entry.value.as_map());
    let maps = customer.into_iter().flat_map(Map::entries).filter(|entry| entry.value.as_map().is_some());
    for entry in maps {
        let rows = context.rows("customer", &entry.key.text);
        mapped.extend(rows.filter_map(|row| Some((Key::parse(&row.key.text)?.country?, row.key.span))));
    }
    let never: Vec<_> =
        mapped.into_iter().filter_map(|(country, at)| Some((country, at, kept_out(country)?))).collect();
    let (_, there, (at, setting)) = *never.first()?;
    let mut names: Vec<&str> = never.iter().map(|(country, ..)| *country).collect();
    names.dedup();
    let finding =
        codes::mapped_and_left_out(&list_words(&names, "and"), names.len() > 1, "no order to", at, &[there]);
    Some(finding.about(about(context, FILTERS, setting)))
}

/// Payment methods that are left out and mapped all the same.
fn payment_methods(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let filtered = context.listed(FILTERS, "exclude_payment_methods");
    let filtered = filtered.map(|(name, at)| (name, at, (FILTERS, "exclude_payment_methods")));
    let records = context.rows(PAYMENTS, RECORDS).filter_map(|record| {
        let document = record.value.get("document").filter(|document| document.as_text() == Some("none"))?;
        Some((&*record.key.text, document.span, (PAYMENTS, RECORDS)))
    });
    let left_out = filtered.chain(records);
    let mut told: Vec<&str> = Vec::new();
    for (name, at, (category, setting)) in left_out {
        let mut mapped = mentions(context, name);
        // A payout whose payments have no invoice is booked on its account, or waits for ever.
        if category == FILTERS || context.choice(PAYMENTS, "payout.unmatched") == Some("wait") {
            let payouts = context.rows(PAYMENTS, "payout.map");
            mapped
                .extend(payouts.filter(|row| folded(&row.key.text) == folded(name)).map(|row| row.key.span));
        }
        if mapped.is_empty() || told.contains(&name) {
            continue;
        }
        told.push(name);
        let finding = codes::mapped_and_left_out(name, false, "no order paid by", at, &mapped);
        findings.push(finding.about(about(context, category, setting)));
    }
}

/// Where the files say what becomes of orders that are paid by a method: in its record, or of what another category keeps.
fn mentions(context: &Context<'_>, method: &str) -> Vec<Span> {
    let is_it = |row: &&Entry| *row.key.text == *method;
    let modes = context.rows("invoice", "mode_of_payment_map").filter(is_it).map(|row| row.key.span);
    let record = context.rows(PAYMENTS, RECORDS).find(is_it);
    let fields = record.and_then(|record| record.value.as_map()).into_iter().flat_map(Map::entries);
    let says = fields.filter(|field| {
        let leaves_out = &*field.key.text == "document" && field.value.as_text() == Some("none");
        !leaves_out && !field.value.is_null() && field.value.as_bool() != Some(false)
    });
    modes.chain(says.map(|field| field.key.span)).collect()
}

/// Shipping methods that are left out and mapped all the same.
fn shipping_methods(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for (name, at) in context.listed(FILTERS, "exclude_shipping_methods") {
        let record = context.rows(SHIPPING, RECORDS).find(|row| *row.key.text == *name);
        let fields = record.and_then(|record| record.value.as_map()).into_iter().flat_map(Map::entries);
        let mapped: Vec<Span> =
            fields.filter(|field| !field.value.is_null()).map(|field| field.key.span).collect();
        if !mapped.is_empty() {
            let finding = codes::mapped_and_left_out(name, false, "no order shipped by", at, &mapped);
            findings.push(finding.about(about(context, FILTERS, "exclude_shipping_methods")));
        }
    }
}
