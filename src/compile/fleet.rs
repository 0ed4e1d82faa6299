//! Rules over several integrations: one shop that two of them join to one company, two shops whose orders have the same numbers
//! there, one account of a payment provider whose payouts two of them book, and a token that changes at each use and that two of them
//! use.
//!
//! Of each integration a few texts are kept while the others are compiled. Where some were selected, those beside them are
//! looked for by these texts, so that a mistake is found whichever of the two was asked for.

use std::collections::BTreeMap;

use super::check::context::Context;
use crate::diagnostic::codes::across as codes;
use crate::diagnostic::{About, Finding, in_sentence, list_words};
use crate::model::{CONNECTORS, GENERAL};
use crate::schema::{Connector, Pair, text};
use crate::source::Span;

/// Flows that make documents in the ERP: what two integrations do here is done twice.
const BOOKING: [&str; 4] = ["orders", "invoices", "refunds", PAYOUTS];

const PAYOUTS: &str = "payouts";

/// Filters that part the orders of a shop, and the one that leaves out what the first lets in.
const PARTING: [(&str, &str); 7] = [
    ("include_countries", "exclude_countries"),
    ("include_tags", "exclude_tags"),
    ("include_sources", "exclude_sources"),
    ("buyers", ""),
    ("markets", ""),
    ("stores", ""),
    ("sales_channels", ""),
];

/// What is kept of one integration.
#[derive(Debug)]
pub struct Member {
    /// Where the integration is named.
    place: Span,
    joins: Option<Joins>,
    tokens: Vec<Token>,
}

/// A shop and a company, of an integration that is live.
#[derive(Debug)]
struct Joins {
    /// Whose shop and whose company, as texts that stand in the files.
    accounts: [String; 2],
    /// The shop and the company, with their connectors and parts: equal, where it is one shop and one company.
    keys: [String; 2],
    numbers: Option<Numbers>,
    titles: [String; 2],
    /// Numbers in [`BOOKING`].
    flows: Vec<usize>,
    /// The accounts whose payouts are booked.
    payers: Vec<Payer>,
    /// Filters by their number in [`PARTING`], and whether it is the one that leaves out.
    filters: Vec<(usize, bool, Vec<String>)>,
}

/// An account of a payment provider.
#[derive(Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Payer {
    title: String,
    account: String,
}

/// Where an order's number is written in the ERP; `None` for an integration that writes none, or that can give it no prefix.
#[derive(Debug, PartialEq, Eq)]
struct Numbers {
    field: String,
    prefix: String,
}

/// A reference to a token that changes at each use.
#[derive(Debug)]
struct Token {
    connector: String,
    title: String,
    field: String,
    reference: String,
    /// The fields of a way to authenticate whose token does not change.
    instead: Vec<String>,
    at: Span,
}

impl Member {
    /// What is to be kept; `None` where no such rule can speak of it.
    #[must_use]
    pub fn of(context: &Context<'_>) -> Option<Box<Member>> {
        // What is missing may stand in the text that could not be read.
        if context.is_unmanaged(CONNECTORS) || context.composed.incomplete {
            return None;
        }
        let joins = if context.live { joins(context) } else { None };
        let tokens: Vec<Token> = context.connectors().filter_map(|one| token(context, one)).collect();
        (joins.is_some() || !tokens.is_empty())
            .then(|| Box::new(Member { place: context.composed.place, joins, tokens }))
    }

    /// The texts that stand in the files of whoever could be beside this one: all of one of these lists.
    pub fn traces(&self) -> impl Iterator<Item = Vec<&str>> {
        let of_joins = self.joins.iter().map(|joins| match &joins.numbers {
            // Other shops of the company as well.
            Some(_) => vec![bare(&joins.accounts[1])],
            None if !joins.payers.is_empty() => vec![bare(&joins.accounts[1])],
            None => joins.accounts.iter().map(|account| bare(account)).collect(),
        });
        of_joins.chain(self.tokens.iter().map(|token| vec![token.reference.as_str()]))
    }
}

/// A shop's address without what does not matter to whose it is: `https://www.shop.example` and `https://shop.example` are one.
fn bare(account: &str) -> &str {
    let Some((_, host)) = account.split_once("://") else { return account };
    host.strip_prefix("www.").unwrap_or(host)
}

/// Which field carries an order's number, and what stands before it there.
fn numbers(context: &Context<'_>) -> Option<Numbers> {
    context.known(GENERAL, "order_number_prefix")?;
    let field = context.choice(GENERAL, "order_number_field")?.to_owned();
    let prefix = context.written(GENERAL, "order_number_prefix");
    let prefix = prefix.map_or(Some(""), super::check::values::code)?.to_owned();
    Some(Numbers { field, prefix })
}

fn joins(context: &Context<'_>) -> Option<Joins> {
    let Pair { shop, erp, .. } = context.pair;
    let view = &context.view;
    let known = |connector: &Connector, account: Option<&str>| {
        let account = account.filter(|account| !account.is_empty())?.to_owned();
        let mut key = format!("{}\n{}\n", connector.id, bare(&account));
        let parts = connector.description.get("parts").and_then(|parts| parts.as_array());
        for field in parts.into_iter().flatten().filter_map(|field| field.as_str()) {
            let (_, connection) = context.connection(connector)?;
            let said = connection.get(field).and_then(super::check::values::code);
            let default = connector.description.pointer(&format!("/connection/properties/{field}/default"));
            // One that is left out is the usual one.
            let said = said.or_else(|| default.and_then(|default| default.as_str()));
            key.push_str(said.unwrap_or_default());
            key.push('\n');
        }
        Some((account, key))
    };
    let (shop_account, shop_key) = known(shop, view.shop_account)?;
    let (erp_account, erp_key) = known(erp, view.erp_account)?;
    let is_on = |at: &usize| context.flow_is_on(BOOKING[*at]) == Some(true);
    let flows: Vec<usize> = (0..BOOKING.len()).filter(is_on).collect();
    let list = |name: &str| -> Vec<String> {
        let written = context.written("additional_filters", name);
        let values = written.map_or(&[][..], |node| node.as_list().unwrap_or(std::slice::from_ref(node)));
        let values = values.iter().filter_map(super::check::values::code);
        // Who lets all buyers in parts nothing.
        values.filter(|value| *value != "all").map(str::to_owned).collect()
    };
    let filters = PARTING
        .iter()
        .enumerate()
        .flat_map(|(at, (include, exclude))| [(at, false, list(include)), (at, true, list(exclude))]);
    let filters = filters.filter(|(.., values)| !values.is_empty()).collect();
    let payouts = flows.iter().any(|flow| BOOKING[*flow] == PAYOUTS);
    let payers = context.pair.payments.iter().filter(|_| payouts);
    (!flows.is_empty()).then(|| Joins {
        payers: payers.filter_map(|provider| payer(context, provider)).collect(),
        accounts: [shop_account, erp_account],
        // Two names that differ in case alone are one.
        keys: [shop_key.to_lowercase(), erp_key.to_lowercase()],
        numbers: numbers(context),
        titles: [shop.title.clone(), erp.title.clone()],
        flows,
        filters,
    })
}

/// The account of a provider that is connected.
fn payer(context: &Context<'_>, provider: &Connector) -> Option<Payer> {
    let field = provider.description.get("account")?.as_str()?;
    let (_, connection) = context.connection(provider)?;
    let account = super::check::values::code(connection.get(field)?)?;
    Some(Payer { title: provider.title.clone(), account: account.to_lowercase() })
}

/// The token of the way in which the active connection authenticates, where each answer holds a new one.
fn token(context: &Context<'_>, connector: &Connector) -> Option<Token> {
    let ways = connector.description.get("auth")?.as_array()?;
    let rotates = |way: &serde_json::Value| {
        way.pointer("/token/rotates").and_then(|field| field.as_str().map(str::to_owned))
    };
    // Nearly no platform has one.
    ways.iter().find_map(rotates)?;
    let (_, connection) = context.connection(connector)?;
    let fields = |way: &serde_json::Value| -> Vec<String> {
        let when = way.get("when").and_then(|when| when.as_array()).into_iter().flatten();
        when.filter_map(|field| field.as_str().map(str::to_owned)).collect()
    };
    let is_given = |field: &String| connection.get(field).is_some_and(|node| !node.is_null());
    let way = ways.iter().find(|way| fields(way).iter().all(is_given))?;
    let field = rotates(way)?;
    let node = connection.get(&field)?.get("secret")?;
    let instead = ways.iter().find(|way| rotates(way).is_none()).map(fields).unwrap_or_default();
    Some(Token {
        connector: connector.id.clone(),
        title: connector.title.clone(),
        field: connector
            .description
            .pointer(&format!("/connection/properties/{field}"))
            .map_or_else(|| "token".to_owned(), |field| in_sentence(text(field, "title"))),
        reference: node.as_text()?.to_owned(),
        instead,
        at: node.span,
    })
}

/// A finding of several integrations: each with its name and its own place.
pub struct Group<'a> {
    /// By name.
    pub members: Vec<(&'a str, Finding)>,
}

/// What is wrong between integrations; `all` are these by their names, sorted.
#[must_use]
pub fn check<'a>(all: &[(&'a str, &Member)]) -> Vec<Group<'a>> {
    let mut shops: BTreeMap<&[String; 2], Vec<(&'a str, Span, &Joins)>> = BTreeMap::new();
    let mut companies: BTreeMap<&str, Vec<(&'a str, Span, &Joins)>> = BTreeMap::new();
    let mut payers: BTreeMap<&str, Vec<(&'a str, Span, &Joins)>> = BTreeMap::new();
    let mut tokens: BTreeMap<(&str, &str), Vec<(&'a str, &Token)>> = BTreeMap::new();
    for (name, member) in all {
        if let Some(joins) = &member.joins {
            shops.entry(&joins.keys).or_default().push((name, member.place, joins));
            if joins.numbers.is_some() {
                companies.entry(&joins.keys[1]).or_default().push((name, member.place, joins));
            }
            if !joins.payers.is_empty() {
                payers.entry(&joins.keys[1]).or_default().push((name, member.place, joins));
            }
        }
        for token in &member.tokens {
            tokens.entry((&token.connector, &token.reference)).or_default().push((name, token));
        }
    }
    let shops = shops.into_values().filter(|same| same.len() > 1).filter_map(|same| one_shop(&same));
    let companies = companies.into_values().filter(|same| same.len() > 1);
    let companies = companies.filter_map(|same| same_numbers(&same));
    let tokens = tokens.into_values().filter(|same| same.len() > 1).map(|same| one_token(&same));
    let payers = payers.into_values().filter(|same| same.len() > 1).filter_map(|same| one_payer(&same));
    shops.chain(companies).chain(payers).chain(tokens).collect()
}

fn about(name: &str) -> About {
    About { integration: Some(name.to_owned()), category: Some(CONNECTORS.to_owned()), setting: None }
}

fn one_shop<'a>(same: &[(&'a str, Span, &Joins)]) -> Option<Group<'a>> {
    let common =
        |one: &Joins, other: &Joins| one.flows.iter().copied().find(|flow| other.flows.contains(flow));
    let meets = |one: &Joins, other: &Joins| common(one, other).filter(|_| !are_apart(one, other));
    let meeting: Vec<_> = same
        .iter()
        .enumerate()
        .filter_map(|(at, one)| {
            let mut others = same.iter().enumerate().filter(|(other, _)| *other != at);
            others.find_map(|(_, other)| Some((one, other, meets(one.2, other.2)?)))
        })
        .collect();
    let names: Vec<&str> = meeting.iter().map(|((name, ..), ..)| *name).collect();
    let members = meeting.iter().map(|((name, place, joins), (other, there, _), flow)| {
        let [shop, erp] = &joins.titles;
        let finding = codes::one_shop_twice(&names, shop, erp, BOOKING[*flow], *place, (other, *there));
        (*name, finding.about(about(name)))
    });
    let members: Vec<_> = members.collect();
    (!members.is_empty()).then_some(Group { members })
}

/// Several shops that write their orders' numbers into one field of one company, with nothing that tells the shops apart.
fn same_numbers<'a>(same: &[(&'a str, Span, &Joins)]) -> Option<Group<'a>> {
    let meets = |one: &Joins, other: &Joins| one.keys[0] != other.keys[0] && one.numbers == other.numbers;
    let meeting: Vec<_> =
        same.iter().filter_map(|one| Some((one, same.iter().find(|other| meets(one.2, other.2))?))).collect();
    let names: Vec<&str> = meeting.iter().map(|((name, ..), _)| *name).collect();
    let members = meeting.iter().map(|((name, place, joins), (other, there, _))| {
        let prefix = joins.numbers.as_ref().map_or("", |numbers| numbers.prefix.as_str());
        let finding = codes::same_order_numbers(&names, &joins.titles[1], prefix, *place, (other, *there));
        (*name, finding.about(about(name)))
    });
    let members: Vec<_> = members.collect();
    (!members.is_empty()).then_some(Group { members })
}

/// Accounts of providers of which several shops book the payouts. That one shop is joined twice is told as that.
fn one_payer<'a>(same: &[(&'a str, Span, &Joins)]) -> Option<Group<'a>> {
    let mut holders: BTreeMap<&Payer, Vec<&(&'a str, Span, &Joins)>> = BTreeMap::new();
    for one in same {
        one.2.payers.iter().for_each(|payer| holders.entry(payer).or_default().push(one));
    }
    let meets = |one: &Joins| {
        let other = |payer| holders[payer].iter().find(|other| other.2.keys[0] != one.keys[0]);
        let found: Vec<_> = one.payers.iter().filter_map(|payer| Some((payer, *other(payer)?))).collect();
        let (_, (name, place, _)) = *found.first()?;
        let providers: Vec<String> = found.iter().map(|(payer, _)| payer.title.clone()).collect();
        Some((list_words(&providers, "and"), (*name, *place)))
    };
    let meeting: Vec<_> = same.iter().filter_map(|one| Some((one, meets(one.2)?))).collect();
    let names: Vec<&str> = meeting.iter().map(|((name, ..), _)| *name).collect();
    let members = meeting.iter().map(|((name, place, joins), (providers, other))| {
        let finding = codes::payouts_twice(&names, providers, &joins.titles[1], *place, *other);
        (*name, finding.about(about(name)))
    });
    let members: Vec<_> = members.collect();
    (!members.is_empty()).then_some(Group { members })
}

/// Whether filters part the orders of two integrations.
fn are_apart(one: &Joins, other: &Joins) -> bool {
    let list = |joins: &'_ Joins, number: usize, leaves_out: bool| -> Vec<String> {
        let found = joins.filters.iter().find(|(at, out, _)| *at == number && *out == leaves_out);
        found.map(|(.., values)| values.clone()).unwrap_or_default()
    };
    (0..PARTING.len()).any(|at| {
        let (here, there) = (list(one, at, false), list(other, at, false));
        let (out_here, out_there) = (list(one, at, true), list(other, at, true));
        let disjoint =
            !here.is_empty() && !there.is_empty() && !here.iter().any(|value| there.contains(value));
        let left_out = |values: &[String], out: &[String]| {
            !values.is_empty() && values.iter().all(|value| out.contains(value))
        };
        disjoint || left_out(&here, &out_there) || left_out(&there, &out_here)
    })
}

fn one_token<'a>(same: &[(&'a str, &Token)]) -> Group<'a> {
    let names: Vec<&str> = same.iter().map(|(name, _)| *name).collect();
    let members = same.iter().map(|(name, token)| {
        let elsewhere = same.iter().map(|(_, other)| other.at).find(|at| *at != token.at);
        let finding = codes::rotating_token_shared(
            (&token.title, &token.field, &token.reference),
            &names,
            &token.instead,
            token.at,
            elsewhere,
        );
        (*name, finding.about(about(name)))
    });
    Group { members: members.collect() }
}
