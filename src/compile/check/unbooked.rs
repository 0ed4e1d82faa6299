//! Money that no setting gives an account: gift cards as rows, and fees.

use super::context::Context;
use super::payouts::{is_of, provider_called};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::model::SettingPath;
use crate::schema::Connector;
use crate::yaml::{Entry, Node};

const LINES: &str = "order_lines";
const PAYMENTS: &str = "payment_methods";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // What is missing may stand in the text that could not be read.
    if context.composed.incomplete {
        return;
    }
    findings.extend(gift_cards(context));
    findings.extend(fee_rows(context));
    payout_fees(context, findings);
}

/// A setting that the pair has and nothing is said of.
fn is_unset(context: &Context<'_>, category: &str, name: &str) -> bool {
    context.known(category, name).is_some() && context.written(category, name).is_none()
}

fn gift_cards(context: &Context<'_>) -> Option<Finding> {
    let node = context.written(LINES, "gift_card_as")?;
    let as_row = context.choice(LINES, "gift_card_as") == Some("row");
    let about = context.about(LINES, &SettingPath::root().child("gift_card_as"));
    (as_row && is_unset(context, LINES, "gift_card_account"))
        .then(|| codes::gift_card_without_account(node.span).about(about))
}

/// Fee rows without an article of their own. Only where rows are asked for: most shops take no fee.
fn fee_rows(context: &Context<'_>) -> Option<Finding> {
    let node = context.written(LINES, "fee_as")?;
    let as_row = context.choice(LINES, "fee_as") == Some("row");
    let about = context.about(LINES, &SettingPath::root().child("fee_as"));
    (as_row && is_unset(context, LINES, "fee_article"))
        .then(|| codes::fee_row_without_article(node.span).about(about))
}

/// What providers keep back of their payouts, and the VAT in it. A row, and a currency of it, may have an account of its own.
fn payout_fees(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.flow_is_on("payouts") != Some(true) {
        return;
    }
    let path: SettingPath = ["payout", "map"].iter().collect();
    let for_all = ["payout.fee_account", "fee_account"];
    if for_all.iter().all(|name| context.written(PAYMENTS, name).is_none())
        && context.known(PAYMENTS, "payout.fee_account").is_some()
        && let Some(row) = context.rows(PAYMENTS, "payout.map").find(|row| !has_fee_account(context, row))
    {
        let finding = codes::payout_fee_without_account(row.key.span);
        findings.push(finding.about(context.about(PAYMENTS, &path)));
    }
    let has_vat = |row: &&Entry| row.value.get("fee_vat").and_then(Node::as_text) == Some("included");
    if is_unset(context, PAYMENTS, "payout.fee_vat_account")
        && let Some(row) = context.rows(PAYMENTS, "payout.map").find(has_vat)
    {
        let at = row.value.get("fee_vat").map_or(row.key.span, |node| node.span);
        let finding = codes::fee_vat_without_account(at);
        findings.push(finding.about(context.about(PAYMENTS, &path)));
    }
}

fn has_fee_account(context: &Context<'_>, row: &Entry) -> bool {
    let says = |node: &Node| node.get("fee_account").is_some_and(|account| !account.is_null());
    let currencies = row.value.get("currencies").and_then(Node::as_map);
    let is_whole = |provider: &Connector| provider.platform.payouts.are_whole();
    // Of the providers that are not connected, the one that the row is called after is read, and none other.
    let provider = || match context.connectors().find(|one| is_of(one, &row.key.text)) {
        Some(connected) => is_whole(connected),
        None => provider_called(context, &row.key.text)
            .and_then(|(id, _)| context.catalogue.connector(id))
            .is_some_and(|one| is_whole(&one)),
    };
    says(&row.value)
        || currencies.is_some_and(|all| all.entries().iter().all(|one| says(&one.value)))
        || provider()
}
