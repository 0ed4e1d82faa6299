//! Payouts beside invoices: a payment that is booked twice, or that finds no invoice.

use super::context::Context;
use crate::diagnostic::codes::rules as codes;
use crate::diagnostic::{About, Finding};
use crate::model::{GENERAL, SettingPath};
use crate::source::Span;
use crate::yaml::{Entry, Map, Node};

const PAYMENTS: &str = "payment_methods";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.flow_on("payouts") {
        paid_twice(context, findings);
        findings.extend(reference(context));
    }
}

/// A method that is marked as paid and has payouts too.
fn paid_twice(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let Some(providers) = context.written_map(PAYMENTS, "payout.map") else { return };
    for (name, at, about) in marked_as_paid(context) {
        let same =
            |provider: &&Entry| !provider.value.is_null() && folded(&provider.key.text) == folded(name);
        let Some(provider) = providers.entries().iter().find(same) else { continue };
        findings.push(codes::paid_twice(name, at, provider.key.span).about(about));
    }
}

/// The methods whose invoices are marked as paid, as far as the files name any: by their records, else by those that have a mode of
/// payment.
fn marked_as_paid<'a>(context: &Context<'a>) -> Vec<(&'a str, Span, About)> {
    let by_default = context.toggle("invoice", "mark_paid") == Some(true);
    let records = context.written_map(PAYMENTS, "methods").map(Map::entries).unwrap_or_default();
    let said = |record: &Entry| record.value.get("mark_paid").and_then(Node::as_bool);
    let modes = context.written_map("invoice", "mode_of_payment_map").map(Map::entries).unwrap_or_default();
    let mut methods = Vec::new();
    for record in records.iter().filter(|record| said(record) == Some(true)) {
        let at = record
            .value
            .as_map()
            .and_then(|map| map.get("mark_paid"))
            .map_or(record.key.span, |one| one.key.span);
        let path: SettingPath = ["methods", &*record.key.text, "mark_paid"].iter().collect();
        methods.push((&*record.key.text, at, context.about(PAYMENTS, &path)));
    }
    for mode in modes.iter().filter(|mode| by_default && !mode.value.is_null()) {
        let record = records.iter().find(|record| record.key.text == mode.key.text);
        if record.is_none_or(|record| said(record).is_none()) {
            let path = SettingPath::root().child("mode_of_payment_map").child(&mode.key.text);
            methods.push((&*mode.key.text, mode.key.span, context.about("invoice", &path)));
        }
    }
    methods
}

/// `shopify_payments` and `Shopify Payments` are one.
fn folded(name: &str) -> String {
    name.chars().filter(|c| c.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

/// Payouts look for the order's number in another field than the one that carries it.
fn reference(context: &Context<'_>) -> Option<Finding> {
    let node = context.written(PAYMENTS, "payout.reference_field")?;
    let looked = context.choice(PAYMENTS, "payout.reference_field")?;
    let carried = context.choice(GENERAL, "order_number_field")?;
    if looked == carried {
        return None;
    }
    let (setting, _) = context.known(PAYMENTS, "payout.reference_field")?;
    let possible = setting.schema.get("enum").and_then(|list| list.as_array());
    let possible = possible.is_none_or(|fields| fields.iter().any(|field| field.as_str() == Some(carried)));
    let other = context.written(GENERAL, "order_number_field").map(|node| node.span);
    let path: SettingPath = ["payout", "reference_field"].iter().collect();
    let finding = codes::payout_reference(looked, carried, possible, node.span, other);
    Some(finding.about(context.about(PAYMENTS, &path)))
}
