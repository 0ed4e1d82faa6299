//! Payouts beside invoices: a payment that is booked twice, or that finds no invoice.

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::rules as codes;
use crate::model::{GENERAL, SettingPath};
use crate::yaml::Entry;

const PAYMENTS: &str = "payment_methods";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.flow_on("payouts") {
        paid_twice(context, findings);
        findings.extend(reference(context));
    }
}

/// A method that is marked as paid with a mode of payment and has payouts too.
fn paid_twice(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.toggle("invoice", "mark_paid") != Some(true) {
        return;
    }
    let Some(methods) = context.written_map("invoice", "mode_of_payment_map") else { return };
    let Some(providers) = context.written_map(PAYMENTS, "payout.map") else { return };
    for method in methods.entries().iter().filter(|method| !method.value.is_null()) {
        let same = |provider: &&Entry| {
            !provider.value.is_null() && folded(&provider.key.text) == folded(&method.key.text)
        };
        let Some(provider) = providers.entries().iter().find(same) else { continue };
        let path = SettingPath::root().child("mode_of_payment_map").child(&method.key.text);
        let finding = codes::paid_twice(&method.key.text, method.key.span, provider.key.span);
        findings.push(finding.about(context.about("invoice", &path)));
    }
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
