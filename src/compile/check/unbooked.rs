//! Money that no setting gives an account: gift cards as rows, and fees.

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::model::SettingPath;

const LINES: &str = "order_lines";
const PAYMENTS: &str = "payment_methods";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // What is missing may stand in the text that could not be read.
    if context.composed.incomplete {
        return;
    }
    findings.extend(gift_cards(context));
    findings.extend(fee_rows(context));
    findings.extend(payout_fees(context));
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

/// What a provider keeps back of its payouts. A row may have an account of its own.
fn payout_fees(context: &Context<'_>) -> Option<Finding> {
    if context.flow_is_on("payouts") != Some(true) || !is_unset(context, PAYMENTS, "payout.fee_account") {
        return None;
    }
    if context.written(PAYMENTS, "fee_account").is_some() {
        return None;
    }
    let without =
        |row: &&crate::yaml::Entry| row.value.get("fee_account").is_none_or(crate::yaml::Node::is_null);
    let row = context.rows(PAYMENTS, "payout.map").find(without)?;
    let path: SettingPath = ["payout", "map"].iter().collect();
    let finding = codes::payout_fee_without_account(row.key.span);
    Some(finding.about(context.about(PAYMENTS, &path)))
}
