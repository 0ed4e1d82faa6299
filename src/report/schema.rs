//! What pairform knows of platforms, as lists: connectors, categories and pairs, and the settings of a pair. Reference pages
//! are [`super::reference`]'s.

use std::fmt::Write as _;
use std::sync::Arc;

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use crate::diagnostic::{clean, count};
use crate::plan::FORMAT_VERSION;
use crate::schema::facts::{self, Fact};
use crate::schema::parts::Catalogue;
use crate::schema::{Pair, Required, words};

fn all(catalogue: &Catalogue) -> [(&'static str, Vec<String>); 3] {
    ["connectors", "categories", "pairs"].map(|folder| (folder, catalogue.names(folder)))
}

fn part(catalogue: &Catalogue, connector: &str) -> Option<Arc<Json>> {
    catalogue.part(&format!("connectors/{connector}.yaml"))
}

/// How it is known that the two of a pair are joined in practice.
fn joined(catalogue: &Catalogue, pair: &str) -> Option<String> {
    let part = catalogue.part(&format!("pairs/{pair}.yaml"))?;
    part.get("evidence").and_then(Json::as_str).map(str::to_owned)
}

fn joined_text(evidence: &str) -> &str {
    match evidence {
        "documented" => "a guide for this pair exists",
        "combinable" => "both platforms are known to be combined",
        "ours" => "our own proposal",
        other => other,
    }
}

/// Everything that has a schema, by name, and how sure what is known of it is.
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
            let known = match folder {
                "connectors" => {
                    part(catalogue, &name).map_or_else(String::new, |part| facts::tally_words(&part))
                }
                "pairs" => {
                    joined(catalogue, &name).map_or_else(String::new, |one| joined_text(&one).to_owned())
                }
                _ => String::new(),
            };
            let line = format!(
                "  {:<32}{}{}{}",
                clean(&name),
                clean(&known).dimmed(),
                beside.dimmed(),
                own.yellow()
            );
            let _ = writeln!(out, "{}", line.trim_end());
        }
    }
    out
}

fn is_payment(catalogue: &Catalogue, connector: &str) -> bool {
    catalogue.providers().contains_key(connector)
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
    let connectors = catalogue.names("connectors").into_iter().filter_map(|id| {
        let part = part(catalogue, &id)?;
        let counts = facts::tally(&part);
        let counts = counts.map(|(evidence, number)| (evidence.as_str().to_owned(), Json::from(number)));
        Some((id, Json::Object(counts.into_iter().collect())))
    });
    let pairs = catalogue.names("pairs").into_iter().filter_map(|id| Some((joined(catalogue, &id)?, id)));
    body["known"] = json!({"connectors": Json::Object(connectors.collect()),
        "pairs": Json::Object(pairs.map(|(evidence, id)| (id, evidence.into())).collect())});
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
