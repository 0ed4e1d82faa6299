//! Accounts that hold money or a debt, and are accounts of sales as well: what is no sale is then booked as one, with its VAT.

use std::collections::HashMap;

use super::context::Context;
use super::payouts::{MAP, PAYMENTS};
use super::sales::uses;
use super::values::code;
use crate::compile::days;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::model::SettingPath;
use crate::source::Span;
use crate::yaml::{Entry, Map, Node};

const DEBT: &str = "a gift card that is sold is a debt, and no sale until it is used";
const PAID: &str = "money that comes in is no sale: it pays for one that is booked already";
const COST: &str = "what a provider keeps back is a cost, and no sale";

/// An account, what it is for, and why that is no sale.
struct Held<'a> {
    category: &'static str,
    path: SettingPath,
    node: &'a Node,
    what: &'static str,
    why: &'static str,
}

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let held = held(context);
    if held.is_empty() {
        return;
    }
    let mut sold: HashMap<&str, Span> = HashMap::new();
    for used in uses(context) {
        sold.entry(used.account).or_insert(used.value.span);
    }
    let new_items = context.written("article", "sales_account");
    sold.extend(new_items.and_then(|node| Some((code(node)?, node.span))));
    for one in held {
        for (_, value) in days::rows(one.node) {
            let Some((account, at)) = code(value).and_then(|account| Some((account, *sold.get(account)?)))
            else {
                continue;
            };
            let finding = codes::money_as_sales(account, one.what, one.why, value.span, at);
            findings.push(finding.about(context.about(one.category, &one.path)));
        }
    }
}

fn held<'a>(context: &Context<'a>) -> Vec<Held<'a>> {
    let mut held = Vec::new();
    let single: [(&'static str, &'static str, &'static str, &'static str); 6] = [
        ("order_lines", "gift_card_account", "gift cards", DEBT),
        ("invoice", "payment_account", "payments", PAID),
        (PAYMENTS, "fee_account", "fees", COST),
        (PAYMENTS, "payout.fee_account", "fees", COST),
        (PAYMENTS, "payout.bank_account", "payouts", PAID),
        (PAYMENTS, "payout.fee_vat_account", "VAT on fees", COST),
    ];
    for (category, name, what, why) in single {
        if let Some(node) = context.written(category, name) {
            held.push(Held { category, path: name.split('.').collect(), node, what, why });
        }
    }
    let fields = |row: &'a Entry| row.value.as_map().into_iter().flat_map(Map::entries);
    for row in context.rows("sales_accounts", "countries") {
        for field in fields(row).filter(|field| &*field.key.text == "credit_voucher_account") {
            let path = ["countries", &*row.key.text, &*field.key.text].iter().collect();
            let category = "sales_accounts";
            held.push(Held { category, path, node: &field.value, what: "credit vouchers", why: DEBT });
        }
    }
    for row in context.rows(PAYMENTS, "methods") {
        for field in fields(row).filter(|field| &*field.key.text == "account") {
            let path = ["methods", &*row.key.text, "account"].iter().collect();
            held.push(Held { category: PAYMENTS, path, node: &field.value, what: "payments", why: PAID });
        }
    }
    for row in context.rows(PAYMENTS, MAP) {
        let of_currencies =
            row.value.get("currencies").and_then(Node::as_map).into_iter().flat_map(Map::entries);
        for field in fields(row).chain(of_currencies.flat_map(fields)) {
            let (what, why) = match &*field.key.text {
                "account" | "bank_account" => ("payouts", PAID),
                "fee_account" => ("fees", COST),
                _ => continue,
            };
            let path = ["payout", "map", &*row.key.text].iter().collect();
            held.push(Held { category: PAYMENTS, path, node: &field.value, what, why });
        }
    }
    held
}
