//! Accounts that hold money or a debt, and are accounts of sales as well: what is no sale is then booked as one, with its VAT. And one
//! account for two things that hold something else, such as the bank and what a provider still owes.

use std::collections::HashMap;

use super::context::Context;
use super::customers::home_country;
use super::dropdowns::admits;
use super::payouts::{MAP, PAYMENTS};
use super::rates::ACCOUNTS;
use super::sales::{Use, uses};
use super::values::code;
use crate::compile::days;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::diagnostic::codes::payments;
use crate::model::SettingPath;
use crate::source::Span;
use crate::yaml::{Entry, Map, Node};

const DEBT: &str = "a gift card that is sold is a debt, and no sale until it is used";
const PAID: &str = "money that comes in is no sale: it pays for one that is booked already";
const COST: &str = "what a provider keeps back is a cost, and no sale";

/// An account, what it is for, and why that is no sale.
struct Held<'a> {
    category: &'static str,
    sort: Sort,
    path: SettingPath,
    node: &'a Node,
    what: &'static str,
    why: &'static str,
}

/// What an account holds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Sort {
    Debt,
    /// Where an invoice is paid to: any account that holds money or a debt.
    Paid,
    /// What a provider owes until it pays out.
    Clearing,
    Bank,
    Tax,
    Cost,
    /// An amount of an order that may be booked with the sales.
    Part,
}

impl Sort {
    /// Whether what both hold can no longer be told apart on one account.
    fn mixes(self, other: Sort) -> bool {
        let holds = |sort| matches!(sort, Sort::Debt | Sort::Clearing | Sort::Bank | Sort::Tax);
        let is_cost = |one, other| one == Sort::Cost && other == Sort::Part;
        self != other
            && (holds(self) || holds(other) || is_cost(self, other) || is_cost(other, self))
            && ![self, other].contains(&Sort::Paid)
    }
}

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let held = held(context);
    let uses = uses(context);
    of_vat(context, &uses, &held, findings);
    if held.is_empty() {
        return;
    }
    let mut sold: HashMap<&str, Span> = HashMap::new();
    for used in &uses {
        sold.entry(used.account).or_insert(used.value.span);
    }
    let accounts = context.pair.category(ACCOUNTS);
    let is_refused = |at: Span| {
        let used = uses.iter().find(|used| used.value.span == at);
        let schema = used.and_then(|used| Some((accounts?.schema_at(&used.path())?, used.account)));
        schema.is_some_and(|(schema, account)| !admits(schema, account))
    };
    let new_items = context.written("article", "sales_account");
    sold.extend(new_items.and_then(|node| Some((code(node)?, node.span))));
    mixed(context, &held, findings);
    for one in held.into_iter().filter(|one| one.sort != Sort::Part) {
        for (_, value) in days::rows(one.node) {
            let Some((account, at)) = code(value).and_then(|account| Some((account, *sold.get(account)?)))
            else {
                continue;
            };
            // An account that cannot be one of sales is told as such.
            if is_refused(at) {
                continue;
            }
            let finding = codes::money_as_sales(account, one.what, one.why, value.span, at);
            findings.push(finding.about(context.about(one.category, &one.path)));
        }
    }
}

/// Accounts that the chart of the home country has for VAT itself, and that are to take sales, shipping or a debt.
fn of_vat(context: &Context<'_>, uses: &[Use<'_>], held: &[Held<'_>], findings: &mut Vec<Finding>) {
    let home = home_country(context).and_then(|home| context.vat.country(home));
    let Some(country) = home.filter(|home| !home.vat_accounts.is_empty()) else { return };
    let of_sales = uses.iter().map(|used| (ACCOUNTS, used.path(), used.account, used.value.span, "sales"));
    let others = held.iter().filter(|one| one.sort != Sort::Tax).flat_map(|one| {
        let accounts = days::rows(one.node).filter_map(|(_, node)| Some((code(node)?, node.span)));
        accounts.map(|(account, at)| (one.category, one.path.clone(), account, at, one.what))
    });
    let mut told: Vec<&str> = Vec::new();
    for (category, path, account, at, what) in of_sales.chain(others) {
        if !country.is_of_vat(account) || told.contains(&account) {
            continue;
        }
        told.push(account);
        let finding = payments::vat_account(account, &country.title, what, at);
        findings.push(finding.about(context.about(category, &path)));
    }
}

/// One account for two of them: one finding an account.
fn mixed(context: &Context<'_>, held: &[Held<'_>], findings: &mut Vec<Finding>) {
    let mut first: HashMap<&str, &Held<'_>> = HashMap::new();
    let mut told: Vec<&str> = Vec::new();
    for one in held {
        for (_, value) in days::rows(one.node) {
            let Some(account) = code(value).filter(|account| !told.contains(account)) else { continue };
            let other = *first.entry(account).or_insert(one);
            if !other.sort.mixes(one.sort) {
                continue;
            }
            told.push(account);
            let finding = codes::money_mixed(account, other.what, one.what, value.span, other.node.span);
            findings.push(finding.about(context.about(one.category, &one.path)));
        }
    }
}

fn held<'a>(context: &Context<'a>) -> Vec<Held<'a>> {
    let mut held = Vec::new();
    let single: [(&'static str, &'static str, &'static str, &'static str, Sort); 10] = [
        ("order_lines", "gift_card_account", "gift cards", DEBT, Sort::Debt),
        ("invoice", "payment_account", "payments", PAID, Sort::Paid),
        (PAYMENTS, "fee_account", "fees", COST, Sort::Cost),
        (PAYMENTS, "payout.fee_account", "fees", COST, Sort::Cost),
        (PAYMENTS, "payout.bank_account", "the bank", PAID, Sort::Bank),
        (PAYMENTS, "payout.fee_vat_account", "VAT on fees", COST, Sort::Tax),
        ("order_lines", "shipping_account", "shipping", "", Sort::Part),
        ("order_lines", "tip_account", "tips", "", Sort::Part),
        ("order_lines", "cash_rounding_account", "cash rounding", "", Sort::Part),
        ("invoice", "refund_account", "refunds", "", Sort::Part),
    ];
    for (category, name, what, why, sort) in single {
        if let Some(node) = context.written(category, name) {
            held.push(Held { category, sort, path: name.split('.').collect(), node, what, why });
        }
    }
    let fields = |row: &'a Entry| row.value.as_map().into_iter().flat_map(Map::entries);
    for row in context.rows("sales_accounts", "countries") {
        for field in fields(row).filter(|field| &*field.key.text == "credit_voucher_account") {
            let path = ["countries", &*row.key.text, &*field.key.text].iter().collect();
            let category = "sales_accounts";
            let (what, why, sort) = ("credit vouchers", DEBT, Sort::Debt);
            held.push(Held { category, sort, path, node: &field.value, what, why });
        }
    }
    for row in context.rows(PAYMENTS, "methods") {
        for field in fields(row).filter(|field| &*field.key.text == "account") {
            let path = ["methods", &*row.key.text, "account"].iter().collect();
            let (what, why, sort) = ("payments", PAID, Sort::Paid);
            held.push(Held { category: PAYMENTS, sort, path, node: &field.value, what, why });
        }
    }
    for row in context.rows(PAYMENTS, MAP) {
        let of_currencies =
            row.value.get("currencies").and_then(Node::as_map).into_iter().flat_map(Map::entries);
        for field in fields(row).chain(of_currencies.flat_map(fields)) {
            let (what, why, sort) = match &*field.key.text {
                "account" => ("payouts", PAID, Sort::Clearing),
                "bank_account" => ("the bank", PAID, Sort::Bank),
                "fee_account" => ("fees", COST, Sort::Cost),
                _ => continue,
            };
            let path = ["payout", "map", &*row.key.text].iter().collect();
            held.push(Held { category: PAYMENTS, sort, path, node: &field.value, what, why });
        }
    }
    held
}
