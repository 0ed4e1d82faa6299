//! Dropdown values, for people and for machines: what was fetched, what is known, what was dropped.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::{Map, Value as Json, json};

use super::{clean, count, findings, json as machine};
use crate::http::FaultKind;
use crate::ops::options::{Checked, Cleared, Fetched, Known, KnownSet, Note, OfSet};
use crate::options::Choice;
use crate::options::lock::Change;
use crate::plan::FORMAT_VERSION;

/// What somebody should know who asked, a line each.
#[must_use]
pub fn notes(fetched: &Fetched) -> String {
    fetched.notes.iter().map(|note| line(&words(note))).collect()
}

fn line(note: &str) -> String {
    format!("note: {}\n", clean(note))
}

fn words(note: &Note) -> String {
    match note {
        Note::Said(said) => said.clone(),
        Note::HasErrors(integration) => format!(
            "{integration}: it has errors, so nothing was sent for it; `pairform validate` shows them"
        ),
    }
}

/// The sets that did not come, where they are judged by what is committed; a line each.
#[must_use]
pub fn in_force(fetched: &Fetched) -> String {
    let accounts = fetched.accounts.iter();
    let sets = accounts.flat_map(|one| one.sets.values().map(move |set| (&one.account, set)));
    let said = sets.filter_map(|(account, set)| {
        let fault = set.result.as_ref().err()?;
        let list = format!("{} {}", account.descriptor.title, set.title);
        let name = &account.name;
        Some(line(&format!("the {list} of {name} are judged by the committed list: {}", fault.message)))
    });
    said.collect()
}

/// What was found by what was fetched, and that.
#[must_use]
pub fn checked_text(fetched: &Fetched, checked: &Checked) -> String {
    let Checked { workspace, findings, hidden } = checked;
    findings::text(findings, workspace.sources(), hidden) + &text(fetched)
}

/// What was fetched, and how it differs from the committed lists.
#[must_use]
pub fn text(fetched: &Fetched) -> String {
    let mut out = String::new();
    let (mut sets, mut values, mut failed) = (0, 0, 0);
    for one in &fetched.accounts {
        let name = format!("{} {}", one.account.descriptor.title, clean(&one.account.name));
        let _ = writeln!(out, "{}  {}", name.bold(), clean(&one.path).dimmed());
        for set in one.sets.values() {
            let title = clean(&set.title);
            match &set.result {
                Ok(choices) => {
                    sets += 1;
                    values += choices.len();
                    let from = if set.is_cached { " from the cache" } else { "" };
                    let news = if set.changes.is_none() { ", new" } else { "" };
                    let _ = writeln!(out, "  {title:<28} {}{from}{news}", count(choices.len(), "value"));
                }
                Err(fault) => {
                    failed += 1;
                    let why = clean(&fault.message);
                    let _ = writeln!(out, "  {title:<28} {} {why}", "failed:".red().bold());
                }
            }
            for change in set.changes.iter().flatten() {
                let _ = writeln!(out, "      {}", clean(&change_text(change)));
            }
        }
    }
    let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    let _ = writeln!(
        out,
        "\n{} of {} with {}{failed}.",
        count(sets, "option set"),
        count(fetched.accounts.len(), "account"),
        count(values, "value")
    );
    out
}

fn change_text(change: &Change) -> String {
    let named = |choice: &Choice| format!("{} {}", quote(&choice.value), choice.label);
    match change {
        Change::Added(choice) => format!("+ {}", named(choice)),
        Change::Removed(choice) => format!("- {}", named(choice)),
        Change::Renamed { value, before, after } => format!("~ {} {before} → {after}", quote(value)),
        Change::Deactivated(choice) => format!("~ {} is inactive now", named(choice)),
        Change::Activated(choice) => format!("~ {} is active again", named(choice)),
    }
}

/// What a command that fetches prints.
#[must_use]
pub fn json(command: &str, exit_code: u8, fetched: &Fetched) -> Json {
    let accounts = fetched.accounts.iter().map(|one| {
        let sets: Vec<Json> = one.sets.iter().map(|(name, set)| set_json(name, set)).collect();
        json!({"connector": one.account.connector, "account": one.account.name, "path": one.path,
            "integrations": one.account.integrations, "sets": sets})
    });
    let accounts: Vec<Json> = accounts.collect();
    let notes: Vec<String> = fetched.notes.iter().map(words).collect();
    json!({"format_version": FORMAT_VERSION, "command": command, "exit_code": exit_code,
        "accounts": accounts, "notes": notes})
}

/// The same, with what was found by it.
#[must_use]
pub fn checked_json(exit_code: u8, fetched: &Fetched, checked: &Checked) -> Json {
    let mut body = json("options check", exit_code, fetched);
    body["moved"] = fetched.has_moved().into();
    body["findings"] = machine::findings(&checked.findings, checked.workspace.sources()).into();
    body
}

fn set_json(name: &str, set: &OfSet) -> Json {
    let mut json = Map::from_iter([
        ("set".to_owned(), Json::from(name)),
        ("title".to_owned(), set.title.clone().into()),
    ]);
    match &set.result {
        Ok(choices) => {
            json.insert("outcome".to_owned(), if set.is_cached { "cached" } else { "fetched" }.into());
            json.insert("values".to_owned(), choices.len().into());
        }
        Err(fault) => {
            let reason = match fault.kind {
                FaultKind::Denied => "denied",
                FaultKind::Unreachable => "unreachable",
                FaultKind::TimedOut => "timed-out",
                FaultKind::Throttled => "throttled",
                FaultKind::Unusable => "unusable",
                FaultKind::Stopped => "stopped",
            };
            json.insert("outcome".to_owned(), "failed".into());
            json.insert("reason".to_owned(), reason.into());
            json.insert("message".to_owned(), fault.message.clone().into());
        }
    }
    let changes = set.changes.as_deref();
    let changes = changes.map(|changes| changes.iter().map(change_json).collect()).unwrap_or(Json::Null);
    json.insert("changes".to_owned(), changes);
    Json::Object(json)
}

fn change_json(change: &Change) -> Json {
    let of =
        |kind: &str, choice: &Choice| json!({"kind": kind, "value": choice.value, "label": choice.label});
    match change {
        Change::Added(choice) => of("add", choice),
        Change::Removed(choice) => of("remove", choice),
        Change::Renamed { value, before, after } => {
            json!({"kind": "rename", "value": value, "label": after, "before_label": before})
        }
        Change::Deactivated(choice) => of("deactivate", choice),
        Change::Activated(choice) => of("activate", choice),
    }
}

/// What is known, a set after the other; empty where nothing is.
#[must_use]
pub fn list_text(accounts: &[Known<'_>]) -> String {
    let sets = accounts.iter().flat_map(|known| known.sets.iter().map(move |set| (known, set)));
    sets.map(|(known, set)| known_text(known, set)).collect()
}

fn known_text(known: &Known<'_>, KnownSet { title, set, age_days, .. }: &KnownSet<'_>) -> String {
    let age = match age_days {
        Some(0) => "today".to_owned(),
        Some(days) => format!("{} ago", count(usize::try_from(*days).unwrap_or(0), "day")),
        None => "at an unknown time".to_owned(),
    };
    let mut out = format!(
        "{} {}  fetched {} ({age})\n",
        known.platform.bold(),
        format!("{} · {}", clean(known.account), clean(title)).bold(),
        clean(&set.fetched)
    );
    for choice in &set.choices {
        let off = if choice.active { "" } else { "  (inactive)" };
        let _ = writeln!(out, "  {:<12} {}{off}", quote(&choice.value), clean(&choice.label));
    }
    for gone in &set.gone {
        let (value, label, since) = (quote(&gone.value), clean(&gone.label), clean(&gone.since));
        let _ = writeln!(out, "  {value:<12} {label}  (gone since {since})");
    }
    out
}

/// What is known.
#[must_use]
pub fn list_json(accounts: &[Known<'_>], exit_code: u8) -> Json {
    let accounts = accounts.iter().map(|known| {
        let sets: Vec<Json> = known.sets.iter().map(known_json).collect();
        json!({"connector": known.connector, "account": known.account, "path": known.path, "sets": sets})
    });
    let accounts: Vec<Json> = accounts.collect();
    json!({"format_version": FORMAT_VERSION, "command": "options list", "exit_code": exit_code, "accounts": accounts})
}

fn known_json(KnownSet { name, title, set, age_days }: &KnownSet<'_>) -> Json {
    let values: Vec<Json> = set.choices.iter().map(choice_json).collect();
    let gone = set.gone.iter();
    let gone: Vec<Json> =
        gone.map(|gone| json!({"value": gone.value, "label": gone.label, "since": gone.since})).collect();
    json!({"set": name, "title": title, "fetched": set.fetched, "age_days": age_days, "values": values, "gone": gone})
}

fn choice_json(choice: &Choice) -> Json {
    let mut json = json!({"value": choice.value, "label": choice.label, "active": choice.active});
    if !choice.keep.is_empty() {
        json["keep"] = Json::Object(choice.keep.clone());
    }
    json
}

/// What was dropped from the cache.
#[must_use]
pub fn cleared_text(cleared: &[Cleared]) -> String {
    format!("{} cleared from the cache.\n", count(cleared.len(), "option set"))
}

/// What was dropped from the cache.
#[must_use]
pub fn cleared_json(cleared: &[Cleared], exit_code: u8) -> Json {
    let cleared = cleared.iter();
    let cleared: Vec<Json> = cleared
        .map(|one| json!({"connector": one.connector, "account": one.account, "set": one.set}))
        .collect();
    json!({"format_version": FORMAT_VERSION, "command": "options clear", "exit_code": exit_code, "cleared": cleared})
}

fn quote(text: &str) -> String {
    clean(&Json::from(text).to_string())
}
