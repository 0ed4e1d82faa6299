//! Payouts beside invoices and providers: a payment that is booked twice, or that finds no invoice; a provider whose payouts
//! have no account, and a currency that it does not pay out in.

use super::context::Context;
use super::values::code;
use crate::diagnostic::codes::across as codes;
use crate::diagnostic::codes::{payments, rules};
use crate::diagnostic::{About, Finding};
use crate::model::{CONNECTORS, GENERAL, SettingPath, currencies};
use crate::schema::{Connector, PAYMENT, text};
use crate::source::Span;
use crate::yaml::{Entry, Map, Node};

pub(super) const PAYMENTS: &str = "payment_methods";
pub(super) const MAP: &str = "payout.map";

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.flow_on("payouts") {
        let before = findings.len();
        paid_twice(context, findings);
        if findings.len() == before {
            findings.extend(onto_payouts(context));
        }
        one_currency(context, findings);
        findings.extend(reference(context));
        for provider in context.connectors().filter(|one| text(&one.description, "side") == PAYMENT) {
            of_provider(context, provider, findings);
        }
        without_provider(context, findings);
        clearing_shared(context, findings);
    }
}

/// Rows that are called after a payment provider which this integration does not connect.
fn without_provider(context: &Context<'_>, findings: &mut Vec<Finding>) {
    if context.composed.incomplete || context.is_unmanaged(CONNECTORS) {
        return;
    }
    for row in context.rows(PAYMENTS, MAP) {
        if context.connectors().any(|one| is_of(one, &row.key.text)) {
            continue;
        }
        let Some((id, title)) = provider_called(context, &row.key.text) else { continue };
        let finding = codes::payout_without_provider(title, id, row.key.span);
        let path: SettingPath = ["payout", "map", &*row.key.text].iter().collect();
        findings.push(finding.about(context.about(PAYMENTS, &path)));
    }
}

/// The accounts that payouts are booked on, each with its row and its place.
fn clearing_accounts<'a>(context: &Context<'a>) -> Vec<(&'a str, &'a str, Span)> {
    let mut used = Vec::new();
    for row in context.rows(PAYMENTS, MAP) {
        let currencies =
            row.value.get("currencies").and_then(Node::as_map).into_iter().flat_map(Map::entries);
        let records = std::iter::once(&row.value).chain(currencies.map(|one| &one.value));
        let accounts = records.filter_map(|record| record.get("account"));
        used.extend(accounts.filter_map(|node| Some((code(node)?, &*row.key.text, node.span))));
    }
    used
}

/// One clearing account for the payouts of several providers.
fn clearing_shared(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut used = clearing_accounts(context);
    used.sort_by_key(|(account, ..)| *account);
    for same in used.chunk_by(|one, other| one.0 == other.0) {
        let mut names: Vec<&str> = same.iter().map(|(_, name, _)| *name).collect();
        names.dedup();
        let ([(account, _, first), .., (_, last, at)], true) = (same, names.len() > 1) else { continue };
        let finding = codes::clearing_shared(account, &names, *at, *first);
        let path: SettingPath = ["payout", "map", last].iter().collect();
        findings.push(finding.about(context.about(PAYMENTS, &path)));
    }
}

/// A provider that is connected: its payouts have a row, and none of it in a currency that it does not pay out in.
fn of_provider(context: &Context<'_>, provider: &Connector, findings: &mut Vec<Finding>) {
    // What is missing may stand in the text that could not be read.
    let unknown = context.composed.incomplete
        || [PAYMENTS, CONNECTORS].iter().any(|category| context.is_unmanaged(category));
    if unknown || context.known(PAYMENTS, MAP).is_none() {
        return;
    }
    let mut rows = context.rows(PAYMENTS, MAP).filter(|row| is_of(provider, &row.key.text)).peekable();
    let connected = context.root.get(CONNECTORS).and_then(|all| all.as_map()?.get(&provider.id));
    // Where nothing is said of payouts at all, that is told as a setting that is missing.
    if let Some(connected) = connected
        && rows.peek().is_none()
        && context.written_map(PAYMENTS, MAP).is_some()
    {
        let at = context.key_of(PAYMENTS, &SettingPath::root().child("payout").child("map"));
        let finding = codes::payout_without_account(&provider.title, &provider.id, at, connected.key.span);
        findings.push(finding.about(context.about(PAYMENTS, &["payout", "map"].iter().collect())));
    }
    let Some(known) = &provider.platform.payouts.currencies else { return };
    for row in rows {
        let single = row.value.get("currency").into_iter().filter_map(|one| Some((one.as_text()?, one.span)));
        let several = row.value.get("currencies").and_then(Node::as_map).into_iter().flat_map(Map::entries);
        let several = several.map(|one| (&*one.key.text, one.key.span));
        // One that there is not is told as such.
        let is_other = |one: &str| currencies::is_known(one) && !known.known.iter().any(|it| it == one);
        for (currency, at) in single.chain(several).filter(|(one, _)| is_other(one)) {
            let path: SettingPath = ["payout", "map", &*row.key.text].iter().collect();
            let finding = codes::not_paid_out_in(&provider.title, currency, &known.known, at);
            findings.push(finding.about(context.about(PAYMENTS, &path)));
        }
    }
}

/// Whether a row of the payouts is that of a provider, by its id or its name.
pub(super) fn is_of(provider: &Connector, row: &str) -> bool {
    is_called(&provider.id, &provider.title, row)
}

fn is_called(id: &str, title: &str, row: &str) -> bool {
    [id, title].iter().any(|name| folded(name) == folded(row))
}

/// The payment provider that a row of the payouts is called after, connected or not: its id and title.
pub(super) fn provider_called<'a>(context: &Context<'a>, row: &str) -> Option<(&'a str, &'a str)> {
    let mut all = context.catalogue.providers().iter();
    all.find(|(id, title)| is_called(id, title, row)).map(|(id, title)| (id.as_str(), title.as_str()))
}

/// A method that is marked as paid and has payouts too.
fn paid_twice(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let rows: Vec<&Entry> = context.rows(PAYMENTS, MAP).collect();
    if rows.is_empty() {
        return;
    }
    let mut by_name: Option<Vec<(&Entry, Provider<'_>)>> = None;
    for (name, at, about) in marked_as_paid(context) {
        if let Some(row) = rows.iter().find(|row| folded(&row.key.text) == folded(name)) {
            findings.push(rules::paid_twice(name, at, row.key.span).about(about));
            continue;
        }
        // What a provider is called besides stands in its part, which is read where somebody is marked as paid alone.
        let providers = by_name.get_or_insert_with(|| {
            rows.iter().filter_map(|row| Some((*row, Provider::of(context, &row.key.text)?))).collect()
        });
        if let Some((row, provider)) = providers.iter().find(|(_, provider)| provider.is_in(name)) {
            findings.push(payments::paid_and_paid_out(name, provider.title, at, row.key.span).about(about));
        }
    }
}

/// A provider with the names that plug-ins give its methods.
struct Provider<'a> {
    title: &'a str,
    names: Vec<Vec<String>>,
}

impl<'a> Provider<'a> {
    fn of(context: &Context<'a>, row: &str) -> Option<Self> {
        let (id, title) = provider_called(context, row)?;
        let part = context.catalogue.connector(id)?;
        let further = part.description.get("names").and_then(|names| names.as_array());
        let further = further.into_iter().flatten().filter_map(|name| name.as_str());
        Some(Provider { title, names: [id, title].into_iter().chain(further).map(words).collect() })
    }

    /// Whether one of its names is among the words of a method's.
    fn is_in(&self, method: &str) -> bool {
        let method = words(method);
        self.names.iter().any(|name| method.windows(name.len().max(1)).any(|part| part == name))
    }
}

/// `klarna_kp` and `Klarna KP` have the words klarna and kp.
fn words(name: &str) -> Vec<String> {
    let words = name.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    words.map(str::to_lowercase).collect()
}

/// Methods that are marked as paid on the very account that payouts of a provider are booked on: all of them, or one by its record.
fn onto_payouts(context: &Context<'_>) -> Option<Finding> {
    let clearing = clearing_accounts(context);
    let of = |node: &Node| {
        let account = code(node)?;
        clearing.iter().find(|(clearing, ..)| *clearing == account).copied()
    };
    let said = |record: &Entry| record.value.get("mark_paid").and_then(Node::as_bool);
    let of_all = || {
        let marked = context.written("invoice", "mark_paid").filter(|node| node.as_bool() == Some(true))?;
        let node = context.written("invoice", "payment_account")?;
        // Methods that are paid out may be those that say no.
        if context.rows(PAYMENTS, "methods").any(|record| said(record) == Some(false)) {
            return None;
        }
        let (account, name, there) = of(node)?;
        let about = context.about("invoice", &SettingPath::root().child("payment_account"));
        let finding = payments::paid_onto_payouts(None, account, name, node.span, (marked.span, there));
        Some(finding.about(about))
    };
    let of_one = |record: &Entry| {
        let node = record.value.get("account").filter(|_| said(record) == Some(true))?;
        let (account, name, there) = of(node)?;
        let path = ["methods", &*record.key.text, "account"].iter().collect();
        let marks = (record.value.get("mark_paid")?.span, there);
        let finding = payments::paid_onto_payouts(Some(&record.key.text), account, name, node.span, marks);
        Some(finding.about(context.about(PAYMENTS, &path)))
    };
    of_all().or_else(|| context.rows(PAYMENTS, "methods").find_map(of_one))
}

/// Accounts with one currency that take payouts of two, where the ERP has such.
fn one_currency(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let erp = &context.pair.erp;
    if !erp.can("account_currency") {
        return;
    }
    let mut used: Vec<(&str, &str, &str, Span)> = Vec::new();
    for row in context.rows(PAYMENTS, MAP) {
        let several = row.value.get("currencies").and_then(Node::as_map).into_iter().flat_map(Map::entries);
        let several = several.map(|one| (&*one.key.text, &one.value));
        let single = row.value.get("currency").and_then(Node::as_text).map(|currency| (currency, &row.value));
        for (currency, record) in single.into_iter().chain(several) {
            let node = record.get("bank_account").or_else(|| row.value.get("bank_account"));
            let node = node.or_else(|| context.written(PAYMENTS, "payout.bank_account"));
            let bank = node.and_then(|node| Some((code(node)?, node.span)));
            used.extend(bank.map(|(account, at)| (account, currency, &*row.key.text, at)));
        }
    }
    used.sort_by_key(|(account, ..)| *account);
    for same in used.chunk_by(|one, other| one.0 == other.0) {
        let mut told = same.iter().filter(|(_, currency, ..)| *currency != same[0].1);
        let Some((account, currency, row, at)) = told.next() else { continue };
        let both = [same[0].1, *currency];
        let finding = payments::one_currency(&erp.title, account, both, *at, same[0].3);
        let path: SettingPath = ["payout", "map", row].iter().collect();
        findings.push(finding.about(context.about(PAYMENTS, &path)));
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
    // Where an account is for all, no mode is needed.
    let by_account = by_default && context.written("invoice", "payment_account").is_some();
    for record in records.iter().filter(|record| by_account && !record.value.is_null()) {
        let has_mode = modes.iter().any(|mode| mode.key.text == record.key.text);
        if said(record).is_none() && !has_mode {
            let path: SettingPath = ["methods", &*record.key.text].iter().collect();
            methods.push((&*record.key.text, record.key.span, context.about(PAYMENTS, &path)));
        }
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
pub(super) fn folded(name: &str) -> String {
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
    let finding = rules::payout_reference(looked, carried, possible, node.span, other);
    Some(finding.about(context.about(PAYMENTS, &path)))
}
