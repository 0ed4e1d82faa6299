//! Invoices: made twice or never, by what orders create and what the invoices flow does; and marked as paid before the money
//! is there.

use super::context::{Context, setting};
use crate::diagnostic::codes::across as codes;
use crate::diagnostic::{Finding, list_words};
use crate::model::SettingPath;
use crate::source::Span;
use crate::yaml::Node;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    findings.extend(by_two(context));
    findings.extend(unpaid(context));
}

/// What an order creates against the invoices flow.
fn by_two(context: &Context<'_>) -> Option<Finding> {
    let node = context.written("order", "creates")?;
    let creates = context.choice("order", "creates")?;
    let on = context.flow_is_on("invoices");
    let about = context.about("order", &SettingPath::root().child("creates"));
    let by_flow = || {
        // Invoices that somebody makes by hand are not made again.
        let trigger = context.choice("invoice", "trigger").filter(|trigger| *trigger != "manual")?;
        let written = context.written("invoice", "trigger").map(|node| node.span);
        Some((trigger, written))
    };
    let finding = match (creates, on) {
        ("invoice", Some(true)) => {
            let (trigger, written) = by_flow()?;
            codes::invoice_twice(trigger, node.span, written)
        }
        ("none", Some(true)) => {
            let (_, written) = by_flow()?;
            codes::invoice_without_order(node.span, written)
        }
        ("order_then_invoice", Some(false)) => codes::no_invoice_follows(node.span),
        ("order_then_invoice", None) if context.pair.flow("invoices").is_none() => {
            codes::no_invoice_follows(node.span)
        }
        _ => return None,
    };
    Some(finding.about(about))
}

/// Whether each payment method that has a mode of payment says itself that its invoices are not marked as paid.
fn are_all_excepted(context: &Context<'_>) -> bool {
    let is_off = |name: &str| {
        let record = context.rows("payment_methods", "methods").find(|record| *record.key.text == *name);
        record.and_then(|record| record.value.get("mark_paid")?.as_bool()) == Some(false)
    };
    let mut modes = context.rows("invoice", "mode_of_payment_map").peekable();
    modes.peek().is_some() && modes.all(|row| is_off(&row.key.text))
}

/// Orders that nobody has paid for, and invoices that are marked as paid all the same.
fn unpaid(context: &Context<'_>) -> Option<Finding> {
    let is_on = |node: &&Node| node.as_bool() == Some(true);
    let of_one = || {
        let records = context.rows("payment_methods", "methods");
        let paid = records.filter_map(|record| {
            let at_once = record.value.get("document").and_then(Node::as_text) == Some("invoice");
            Some((record.value.get("mark_paid").filter(is_on)?, at_once))
        });
        // One whose invoice is made with the order says more.
        paid.max_by_key(|(_, at_once)| *at_once)
    };
    let of_all = context.written("invoice", "mark_paid").filter(is_on);
    let of_all = of_all.filter(|_| !are_all_excepted(context)).map(|node| (node, false));
    let (paid, at_once) = of_one().filter(|(_, at_once)| *at_once).or(of_all).or_else(of_one)?;
    let at_once = at_once || context.choice("order", "creates") == Some("invoice");
    let trigger = context.choice("invoice", "trigger");
    let placed = at_once || trigger == Some("order_created");
    // An order that is fulfilled may be unpaid, but money that was reserved is taken by then.
    if !placed && trigger != Some("fulfilled") {
        return None;
    }
    let filters =
        context.pair.category("order")?.settings.iter().filter(|one| one.schema.get("x-unpaid").is_some());
    // Not every shop tells when it has the money.
    let later = context.known("invoice", "trigger").and_then(|(trigger, _)| {
        let all = trigger.schema.get("enum")?.as_array()?;
        all.iter().filter_map(|one| one.as_str()).find(|one| *one == "captured")
    });
    for filter in filters {
        let name = filter.path.to_string();
        if context.known("order", &name).is_none() {
            continue;
        }
        let status =
            |key: &str| filter.schema.get(key).and_then(|list| list.as_array()).into_iter().flatten();
        let reserved = status("x-authorized").filter(|_| placed);
        let open: Vec<&str> = status("x-unpaid").chain(reserved).filter_map(|one| one.as_str()).collect();
        let list = context.written("order", &name).map(|node| node.as_list().unwrap_or_default());
        let (at, statuses): (Span, Vec<&str>) = match list {
            Some(items) => {
                let unpaid: Vec<&Node> = items
                    .iter()
                    .filter(|item| item.as_text().is_some_and(|text| open.contains(&text)))
                    .collect();
                let Some(first) = unpaid.first() else { continue };
                (first.span, unpaid.iter().filter_map(|item| item.as_text()).collect())
            }
            // What is left out lets every status through, unless a default stands for it.
            None if filter.default.is_none() => (paid.span, Vec::new()),
            None => continue,
        };
        let about = context.about("order", &filter.path);
        let when =
            setting(context.root, "invoice", &SettingPath::root().child("trigger")).map(|node| node.span);
        let later = later.filter(|_| !at_once);
        let finding = codes::unpaid_marked_paid(
            &list_words(&statuses, "and"),
            (&name, later),
            placed,
            at,
            (paid.span, when),
        );
        return Some(finding.about(about));
    }
    None
}
