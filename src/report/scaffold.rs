//! A new integration as YAML: required settings first, each with what it takes; the rest as comments.

use std::fmt::Write as _;

use serde_json::Value as Json;

use crate::model::{CONNECTORS, SettingPath, Value};
use crate::schema::words::{kind, required, set_title};
use crate::schema::{Category, Pair, Required, Setting, options_of, text};

/// The text of `integrations/NAME.yaml` for a pair. What has a default is set to it; what a person has to decide stays a
/// comment, which `validate` then names.
#[must_use]
pub fn integration(pair: &Pair, name: &str) -> String {
    let mut out = format!("# {}: see `pairform schema show {}` for every setting.\n", pair.title, pair.id);
    let _ = writeln!(out, "integration: {name}\npair: {}\n", pair.id);
    flows(&mut out, pair);
    connectors(&mut out, pair);
    out.push_str("settings:\n");
    for category in &pair.settings {
        let mut text = String::new();
        settings_category(&mut text, pair, category, name);
        let on = |id: &String| pair.flow(id).is_some_and(|flow| flow.default);
        if category.flows.as_ref().is_none_or(|flows| flows.iter().any(on)) {
            out.push_str(&text);
            continue;
        }
        // It would be set where nobody sees it.
        for line in text.lines() {
            let _ = match line.strip_prefix("  ") {
                Some(rest) => writeln!(out, "  # {rest}"),
                None => writeln!(out, "{line}"),
            };
        }
    }
    out.push_str(SCHEDULES);
    out
}

const SCHEDULES: &str = "\nschedules:\n  # When each flow runs: every so often, or after another rule.\n  orders: {flow: orders, every: 15m}\n";

fn flows(out: &mut String, pair: &Pair) {
    out.push_str("# What is synced. A flow that is not mentioned takes the pair's default.\nflows:\n");
    for flow in &pair.flows {
        let _ = writeln!(out, "  {}: {:<5}  # {}", flow.id, flow.default, flow.description);
    }
    out.push('\n');
}

fn connectors(out: &mut String, pair: &Pair) {
    out.push_str("# Credentials are references, never values: {secret: env/NAME} or {secret: file/PATH}.\n");
    out.push_str("# If the connections are made by hand in the platform, write `unmanaged: [connectors]` in place of this.\n");
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
            let comment = if is_required(key) && !value.is_empty() { "" } else { "# " };
            let _ = writeln!(out, "        {comment}{key}: {value}  # {}", text(field, "description"));
        }
    }
    out.push('\n');
}

fn settings_category(out: &mut String, pair: &Pair, category: &Category, name: &str) {
    let visible = category
        .flows
        .as_ref()
        .map(|flows| format!(" (while {} is on)", flows.join(" or ")))
        .unwrap_or_default();
    let _ = writeln!(out, "\n  # {}{visible}\n  {}:", category.title, category.id);
    let is_required = |setting: &&Setting| matches!(&setting.required, Required::Yes { .. });
    let chosen = |required: bool, additional: bool| {
        category
            .settings
            .iter()
            .filter(move |setting| is_required(setting) == required && setting.additional == additional)
    };
    let required_ones: Vec<&Setting> = category.settings.iter().filter(is_required).collect();
    let plain: Vec<&Setting> = chosen(false, false).collect();
    let additional: Vec<&Setting> = chosen(false, true).collect();
    for setting in &required_ones {
        let required = required(category, setting).replacen("yes", "required", 1);
        let _ = writeln!(out, "    # {} ({required}). {}", setting.title, setting.description);
        hint(out, pair, setting);
        line(out, setting, name, true);
    }
    if !plain.is_empty() {
        out.push_str("    # Not required:\n");
        plain.iter().for_each(|setting| optional(out, pair, setting, name));
    }
    if !additional.is_empty() {
        let number = super::count(additional.len(), "additional setting");
        let _ = writeln!(out, "    # {number}. These settings are not needed in most situations:");
        additional.iter().for_each(|setting| optional(out, pair, setting, name));
    }
}

fn optional(out: &mut String, pair: &Pair, setting: &Setting, name: &str) {
    let _ = writeln!(out, "    # {}: {} ({})", setting.title, setting.description, kind(pair, setting));
    line(out, setting, name, false);
}

/// What the setting takes, where a person has to choose.
fn hint(out: &mut String, pair: &Pair, setting: &Setting) {
    let schema = &setting.schema;
    let allowed = schema.get("enum").or_else(|| schema.pointer("/items/enum")).and_then(Json::as_array);
    let words: Vec<&str> = allowed.into_iter().flatten().filter_map(Json::as_str).collect();
    if !words.is_empty() && words.len() <= 12 {
        let _ = writeln!(out, "    # One of: {}", words.join(", "));
    } else if let Some((connector, set)) = options_of(schema) {
        let _ = writeln!(out, "    # One of the {}", set_title(pair, connector, set));
    }
}

/// `key: value`, nested where the path is; a comment unless it is required and has a default.
fn line(out: &mut String, setting: &Setting, name: &str, required: bool) {
    let value = match (setting.path.to_string().as_str(), &setting.default) {
        ("name", _) => Some(name.to_owned()),
        (_, Some(Value::Text(default))) => Some(plain(default)),
        (_, Some(default)) => Some(default.to_string()),
        (_, None) => None,
    };
    let live = required
        && value.is_some()
        && matches!(&setting.required, Required::Yes { when, .. } if when.is_empty())
        && setting.flows.is_empty();
    let comment = if live { "" } else { "# " };
    let value = value.unwrap_or_else(|| placeholder(&setting.schema).to_owned());
    let _ = writeln!(out, "    {comment}{}", nested(&setting.path, &value));
}

/// Without quotes where YAML needs none.
fn plain(text: &str) -> String {
    let word = text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'/'));
    let starts = text.bytes().next().is_some_and(|byte| byte.is_ascii_alphabetic());
    let reserved = ["true", "false", "null"].contains(&text.to_ascii_lowercase().as_str());
    if word && starts && !reserved { text.to_owned() } else { Value::Text(text.to_owned()).to_string() }
}

fn nested(path: &SettingPath, value: &str) -> String {
    let segments = path.segments();
    let Some((last, groups)) = segments.split_last() else { return String::new() };
    let leaf = format!("{last}: {value}").trim_end().to_owned();
    groups.iter().rev().fold(leaf, |inner, group| format!("{group}: {{{inner}}}"))
}

fn placeholder(schema: &Json) -> &'static str {
    let kind = schema.get("type");
    match kind.and_then(|kind| kind.as_str().or_else(|| kind.as_array()?.first()?.as_str())) {
        Some("array") => "[]",
        Some("object") => "{}",
        _ => "",
    }
}
