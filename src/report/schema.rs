//! What pairform knows of platforms, as lists: connectors, categories and pairs, and the settings of a pair. Reference pages
//! are [`super::reference`]'s.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use crate::diagnostic::{clean, count};
use crate::plan::FORMAT_VERSION;
use crate::schema::facts::Fact;
use crate::schema::parts::Catalogue;
use crate::schema::{PAYMENT, Pair, Required, text, words};

fn all(catalogue: &Catalogue) -> [(&'static str, Vec<String>); 3] {
    ["connectors", "categories", "pairs"].map(|folder| (folder, catalogue.names(folder)))
}

/// Everything that has a schema, by name.
#[must_use]
pub fn list(catalogue: &Catalogue) -> String {
    let mut out = String::new();
    for (folder, names) in all(catalogue) {
        let _ = writeln!(out, "{}", folder.bold());
        for name in names {
            let own = if catalogue.is_replaced(folder, &name) {
                "  the project's own, in the place of the built-in one"
            } else {
                ""
            };
            let beside = if folder == "connectors" && is_payment(catalogue, &name) {
                "  a payment provider, which may be connected beside any pair"
            } else {
                ""
            };
            let _ = writeln!(out, "  {}{}{}", clean(&name), beside.dimmed(), own.yellow());
        }
    }
    out
}

fn is_payment(catalogue: &Catalogue, connector: &str) -> bool {
    let part = catalogue.part(&format!("connectors/{connector}.yaml"));
    part.is_some_and(|part| text(&part, "side") == PAYMENT)
}

/// Each fact on a line: the part and the place, how sure it is, the day on which it was read, and where.
#[must_use]
pub fn facts(facts: &[Fact]) -> String {
    let mut out = String::new();
    let mut part = "";
    for fact in facts {
        if fact.part != part {
            let _ = writeln!(out, "{}", clean(&fact.part).bold());
            part = &fact.part;
        }
        let read = match &fact.read {
            Some(read) => format!("{} {}", read.day, clean(&read.address)),
            None => clean(&fact.source),
        };
        let place = clean(&fact.place);
        let _ = writeln!(out, "  {place:<40} {:<11} {read}", fact.evidence.as_str());
    }
    let unread = facts.iter().filter(|fact| fact.read.is_none()).count();
    let _ = writeln!(out, "{}, {unread} of them unverified", count(facts.len(), "fact"));
    out
}

/// As [`list`], as one value, with the facts where they were asked for.
#[must_use]
pub fn list_json(catalogue: &Catalogue, facts: Option<&[Fact]>, exit_code: u8) -> Json {
    let mut body =
        json!({"format_version": FORMAT_VERSION, "command": "schema list", "exit_code": exit_code});
    let mut replaced: Vec<String> = Vec::new();
    for (folder, names) in all(catalogue) {
        let own = names.iter().filter(|name| catalogue.is_replaced(folder, name));
        replaced.extend(own.map(|name| format!("schemas/{folder}/{name}.yaml")));
        if folder == "connectors" {
            let payments = names.iter().filter(|name| is_payment(catalogue, name));
            body["payments"] = payments.cloned().collect::<Vec<_>>().into();
        }
        body[folder] = names.into();
    }
    body["replaced"] = replaced.into();
    if let Some(facts) = facts {
        let one = |fact: &Fact| {
            let read = fact.read.as_ref();
            json!({"part": fact.part, "place": fact.place, "evidence": fact.evidence.as_str(), "source": fact.source,
                "address": read.map(|read| &read.address), "day": read.map(|read| read.day.to_string()),
                "quote": read.map(|read| &read.quote)})
        };
        body["facts"] = facts.iter().map(one).collect();
    }
    body
}

/// A pair's linked schema, in the envelope of a command.
#[must_use]
pub fn pair_json(pair: &Pair, exit_code: u8) -> Json {
    json!({"format_version": FORMAT_VERSION, "command": "schema show", "exit_code": exit_code,
        "pair": pair.id, "title": pair.title, "schema": pair.document()})
}

/// The settings of a pair, of some categories where any are named.
#[must_use]
pub fn overview(pair: &Pair, only: &[String]) -> String {
    let mut out = format!("{}  {}\n\n{}\n", pair.id.bold(), pair.title, "flows".bold());
    for flow in &pair.flows {
        let default = if flow.default { "on" } else { "off" };
        let _ = writeln!(out, "  {:<12} {default:<4} {}", flow.id, flow.direction.replace('_', " "));
    }
    for category in
        pair.categories().filter(|one| only.is_empty() || only.iter().any(|wanted| one.id == *wanted))
    {
        let when = category
            .flows
            .as_ref()
            .map(|flows| format!("  while {} is on", flows.join(" or ")))
            .unwrap_or_default();
        let _ = writeln!(out, "\n{}  {}{}", category.id.bold(), category.title, when.dimmed());
        for setting in &category.settings {
            let mark = match (&setting.required, setting.additional) {
                (Required::Yes { when, unless }, _) if when.is_empty() && unless.is_empty() => "required",
                (Required::Yes { .. }, _) => "sometimes required",
                (Required::No, true) => "additional",
                (Required::No, false) => "",
            };
            let path = setting.path.to_string();
            let _ = writeln!(out, "  {path:<32} {:<44} {}", words::kind(pair, setting), mark.yellow());
        }
    }
    out
}
