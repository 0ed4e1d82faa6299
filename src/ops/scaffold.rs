//! A new integration as YAML: required settings first, each with what it takes; the rest as comments.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::diagnostic::count;
use crate::model::{CONNECTORS, Value};
use crate::schema::words::{kind, required, set_title};
use crate::schema::{Category, Pair, Required, Setting, options_of, text};

/// The text of `integrations/NAME.yaml` for a pair, with a heading as its first line. What has a default is set to it; what a person has to decide stays a
/// comment, which `validate` then names.
#[must_use]
pub fn integration(pair: &Pair, name: &str, heading: &str) -> String {
    let mut out = format!("# {heading}\n");
    let _ = writeln!(out, "integration: {name}\npair: {}\n", pair.id);
    flows(&mut out, pair);
    connectors(&mut out, pair);
    out.push_str("settings:\n");
    for category in &pair.settings {
        let mut text = String::new();
        let decided = settings_category(&mut text, pair, category, name);
        let on = |id: &String| pair.flow(id).is_some_and(|flow| flow.default);
        if decided && category.flows.as_ref().is_none_or(|flows| flows.iter().any(on)) {
            out.push_str(&text);
        } else {
            // It would be set where nobody sees it, or stand there empty.
            out.push_str(&commented(&text, 2));
        }
    }
    out.push_str(SCHEDULES);
    out
}

const SCHEDULES: &str = "\nschedules:\n  # When each flow runs: every so often, or after another rule.\n  orders: {flow: orders, every: 15m}\n";

fn flows(out: &mut String, pair: &Pair) {
    out.push_str("# What is synced. A flow that is not mentioned takes the pair's default.\nflows:\n");
    for flow in &pair.flows {
        let _ = writeln!(out, "  {}: {}  # {}", flow.id, flow.default, flow.description);
    }
    out.push('\n');
}

/// Every line as a comment that stands at this depth.
fn commented(text: &str, depth: usize) -> String {
    let pad = " ".repeat(depth);
    let line = |line: &str| match line.get(depth..).map(str::trim_end) {
        None | Some("") => "\n".to_owned(),
        Some(rest) => format!("{pad}# {rest}\n"),
    };
    text.lines().map(line).collect()
}

fn connectors(out: &mut String, pair: &Pair) {
    let mut text = String::new();
    connections(&mut text, pair);
    out.push_str("# The connections. Fill them in, and take them out of `unmanaged`; if they are made by hand in the platform, leave it so.\n");
    out.push_str("# Credentials are references, never values: {secret: env/NAME} or {secret: file/PATH}.\n");
    let _ = writeln!(out, "unmanaged: [{CONNECTORS}]");
    out.push_str(&commented(&text, 0));
    out.push('\n');
}

fn connections(out: &mut String, pair: &Pair) {
    let _ = writeln!(out, "{CONNECTORS}:");
    for connector in [&pair.shop, &pair.erp] {
        let _ =
            writeln!(out, "  {}:\n    active: production\n    connections:\n      production:", connector.id);
        let fields = connector.description.pointer("/connection/properties").and_then(Json::as_object);
        let required = connector.description.pointer("/connection/required").and_then(Json::as_array);
        // Of alternative ways to connect, the first is written out.
        let first =
            connector.description.pointer("/connection/allOf/0/anyOf/0/required").and_then(Json::as_array);
        let is_required =
            |key: &str| [required, first].into_iter().flatten().flatten().any(|each| each == key);
        let mut fields: Vec<(&String, &Json)> = fields.into_iter().flatten().collect();
        fields.sort_by_key(|(key, _)| !is_required(key));
        for (key, field) in fields {
            let value = if field.get("x-secret").is_some() {
                let variable = format!("{}_{key}", connector.id).replace('-', "_").to_uppercase();
                format!("{{secret: env/{variable}}}")
            } else {
                String::new()
            };
            let comment = if is_required(key) { "" } else { "# " };
            let line = format!("        {comment}{key}: {value}");
            let _ = writeln!(out, "{}  # {}", line.trim_end(), text(field, "description"));
        }
    }
}

/// A category with its settings, the required ones first; true when something in it is decided by a default.
fn settings_category(out: &mut String, pair: &Pair, category: &Category, name: &str) -> bool {
    let visible = category
        .flows
        .as_ref()
        .map(|flows| format!(" (while {} is on)", flows.join(" or ")))
        .unwrap_or_default();
    let _ = writeln!(out, "\n  # {}{visible}\n  {}:", category.title, category.id);
    let is_required = |setting: &Setting| matches!(&setting.required, Required::Yes { .. });
    let rank = |setting: &Setting| (!is_required(setting), !is_required(setting) && setting.additional);
    let mut ordered: Vec<&Setting> = category.settings.iter().filter(|setting| !setting.deprecated).collect();
    let number = ordered.iter().filter(|setting| rank(setting) == (true, true)).count();
    let mut decided = false;
    let mut told = (false, false);
    let mut groups: Vec<&[Box<str>]> = Vec::new();
    ordered.sort_by_key(|setting| rank(setting));
    for setting in &ordered {
        let Some((_, group)) = setting.path.segments().split_last() else { continue };
        if groups.contains(&group) {
            continue;
        }
        if told != rank(setting) {
            told = rank(setting);
            out.push_str(&match told {
                (_, false) => "    # Not required:\n".to_owned(),
                (_, true) => {
                    let number = count(number, "additional setting");
                    format!("    # {number}. These settings are not needed in most situations:\n")
                }
            });
        }
        if group.is_empty() {
            decided |= one(out, pair, category, setting, name, 4);
            continue;
        }
        // A group stands together, where its first setting does.
        groups.push(group);
        let mut text = format!("    {}:\n", group.join(": {"));
        let members = ordered
            .iter()
            .filter(|other| other.path.segments().split_last().is_some_and(|(_, of)| of == group));
        let mut live = false;
        for member in members {
            live |= one(&mut text, pair, category, member, name, 6);
        }
        decided |= live;
        out.push_str(&if live { text } else { commented(&text, 4) });
    }
    decided
}

/// A setting with what there is to know of it, at this depth; true when a default decides it.
fn one(
    out: &mut String,
    pair: &Pair,
    category: &Category,
    setting: &Setting,
    name: &str,
    depth: usize,
) -> bool {
    let pad = " ".repeat(depth);
    let is_required = matches!(&setting.required, Required::Yes { .. });
    if is_required {
        let required = required(category, setting).replacen("yes", "required", 1);
        let _ = writeln!(out, "{pad}# {} ({required}). {}", setting.title, setting.description);
        hint(out, pair, setting, &pad);
    } else {
        let _ = writeln!(out, "{pad}# {}: {} ({})", setting.title, setting.description, kind(pair, setting));
    }
    let value = match (setting.path.to_string().as_str(), &setting.default) {
        ("name", _) => Some(name.to_owned()),
        (_, Some(Value::Text(default))) => Some(plain(default)),
        (_, Some(default)) => Some(default.to_string()),
        (_, None) => None,
    };
    let live = value.is_some()
        && matches!(&setting.required, Required::Yes { when, .. } if when.is_empty())
        && setting.flows.is_empty();
    let comment = if live { "" } else { "# " };
    let key = setting.path.segments().last().map(ToString::to_string).unwrap_or_default();
    let line = format!("{pad}{comment}{key}: {}", value.unwrap_or_default());
    let _ = writeln!(out, "{}", line.trim_end());
    live
}

/// What the setting takes, where a person has to choose.
fn hint(out: &mut String, pair: &Pair, setting: &Setting, pad: &str) {
    let schema = &setting.schema;
    let allowed = schema.get("enum").or_else(|| schema.pointer("/items/enum")).and_then(Json::as_array);
    let words: Vec<&str> = allowed.into_iter().flatten().filter_map(Json::as_str).collect();
    if !words.is_empty() && words.len() <= 12 {
        let _ = writeln!(out, "{pad}# One of: {}", words.join(", "));
    } else if let Some((connector, set)) = options_of(schema) {
        let _ = writeln!(out, "{pad}# One of the {}", set_title(pair, connector, set));
    }
}

/// Without quotes where YAML needs none.
fn plain(text: &str) -> String {
    let word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/'));
    let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let reserved = ["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str());
    if word && starts && !reserved { text.to_owned() } else { Value::Text(text.to_owned()).to_string() }
}
