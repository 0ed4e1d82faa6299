//! What was pulled, and what was left and why.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::files;
use crate::diagnostic::{clean, count};
use crate::model::Value;
use crate::ops::files::FileDiff;
use crate::ops::left::{Left, Why};
use crate::ops::propose::ProposedValue;
use crate::ops::pull::{Note, Pulled};
use crate::plan::FORMAT_VERSION;

/// For a terminal; the differences were shown before.
#[must_use]
pub fn text(pulled: &Pulled) -> String {
    let mut out = String::new();
    for left in &pulled.left {
        let _ = writeln!(
            out,
            "left  {} {}: {}",
            clean(&left.integration),
            clean(&left.setting),
            clean(&why(&left.why))
        );
    }
    for said in &pulled.notes {
        let _ = writeln!(out, "note  {}", clean(&note(said)));
    }
    let _ = match (pulled.files.len(), pulled.taken.len()) {
        (0, _) if pulled.left.is_empty() => writeln!(out, "Nothing to pull."),
        (0, _) => writeln!(out, "Nothing was pulled: {} left.", count(pulled.left.len(), "setting")),
        (files, taken) => {
            writeln!(out, "{} taken into {}.", count(taken, "setting"), count(files, "file"))
        }
    };
    out
}

/// As one value.
#[must_use]
pub fn json(pulled: &Pulled, diffs: &[FileDiff], exit_code: u8) -> Json {
    let setting = |taken: &ProposedValue| {
        json!({"integration": taken.integration, "category": taken.category, "setting": taken.path.to_string(),
            "value": taken.value.as_ref().map(Value::to_json)})
    };
    let left = |left: &Left| json!({"integration": left.integration, "setting": left.setting, "why": why(&left.why)});
    json!({
        "format_version": FORMAT_VERSION,
        "command": "pull",
        "exit_code": exit_code,
        "files": files::json(diffs),
        "taken": pulled.taken.iter().map(setting).collect::<Vec<_>>(),
        "left": pulled.left.iter().map(left).collect::<Vec<_>>(),
        "notes": pulled.notes.iter().map(note).collect::<Vec<_>>(),
    })
}

/// Why a setting is left, and what takes it all the same.
fn why(why: &Why) -> String {
    match why {
        Why::ChangedInFiles => format!("{why}; --conflicts takes what is deployed"),
        Why::EnvironmentWins { .. } => format!("{why}; --into-base edits it there"),
        _ => why.to_string(),
    }
}

fn note(note: &Note) -> String {
    match note {
        Note::OthersChange(names) => {
            format!("other integrations that extend what is edited change too: {}", names.join(", "))
        }
        Note::Findings { integration, number } => format!(
            "{integration}: {} to look at; `pairform validate --integration {integration}` lists them",
            count(*number, "finding")
        ),
    }
}
