//! Invoices that are to be marked as paid, and nothing says on which account or by which mode of payment; or that stay drafts, which
//! nobody can pay.

use super::context::Context;
use super::payouts::PAYMENTS;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::rules as codes;
use crate::model::SettingPath;
use crate::source::Span;
use crate::yaml::{Entry, Node};

const INVOICE: &str = "invoice";
const MODES: &str = "mode_of_payment_map";
const ACCOUNT: &str = "payment_account";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // What is missing may stand in the text that could not be read.
    if context.flow_is_on("invoices") != Some(true) || context.composed.incomplete {
        return;
    }
    let marked = marked(context);
    let Some((_, first)) = marked.first() else { return };
    if let Some(finding) = drafts(context, *first) {
        findings.push(finding);
        return;
    }
    let modes = context.known(INVOICE, MODES).is_some();
    let account = context.known(INVOICE, ACCOUNT).is_some();
    if !modes && !account || account && context.written(INVOICE, ACCOUNT).is_some() {
        return;
    }
    for (record, at) in marked {
        let Some(record) = record else {
            // A mapping of modes is asked for as a setting that is missing.
            let others = context.rows(PAYMENTS, "methods");
            let takes = |record: &Entry| has_account(context, record) && said(record).is_none();
            if !modes && !others.into_iter().any(takes) {
                let path = SettingPath::root().child("mark_paid");
                let finding = codes::paid_by_nothing(None, false, at);
                findings.push(finding.about(context.about(INVOICE, &path)));
            }
            continue;
        };
        if !has_account(context, record) {
            let path: SettingPath = ["methods", &*record.key.text, "mark_paid"].iter().collect();
            let finding = codes::paid_by_nothing(Some(&record.key.text), modes, at);
            findings.push(finding.about(context.about(PAYMENTS, &path)));
        }
    }
}

/// What a record says of it.
fn said(record: &Entry) -> Option<bool> {
    record.value.get("mark_paid")?.as_bool()
}

/// Each place that marks invoices as paid, with the record that it stands in; none for that of all methods.
fn marked<'a>(context: &Context<'a>) -> Vec<(Option<&'a Entry>, Span)> {
    let of_all = context.written(INVOICE, "mark_paid").filter(|node| node.as_bool() == Some(true));
    let records = context.rows(PAYMENTS, "methods").filter(|record| said(record) == Some(true));
    let place = |record: &'a Entry| Some((Some(record), record.value.get("mark_paid")?.span));
    of_all.map(|node| (None, node.span)).into_iter().chain(records.filter_map(place)).collect()
}

fn has_account(context: &Context<'_>, record: &Entry) -> bool {
    let says = |name: &str| record.value.get(name).is_some_and(|node: &Node| !node.is_null());
    ["account", "mode_of_payment", "card_brands"].into_iter().any(says)
        || context.rows(INVOICE, MODES).any(|row| row.key.text == record.key.text)
}

/// Invoices that are left as drafts while the integration is live. Which formats these are is data: `x-draft`.
fn drafts(context: &Context<'_>, at: Span) -> Option<Finding> {
    let (format, path) = context.known(INVOICE, "format").filter(|_| context.live)?;
    let chosen = context.choice(INVOICE, "format")?;
    let drafts = format.schema.get("x-draft")?.as_array()?;
    if !drafts.iter().any(|draft| draft.as_str() == Some(chosen)) {
        return None;
    }
    let written = context.written(INVOICE, "format").map(|node| node.span);
    Some(codes::paid_drafts(chosen, at, written).about(context.about(INVOICE, &path)))
}
