//! What a pull or a revert wrote into the files, and what was left and why.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::files;
use crate::diagnostic::{clean, count};
use crate::model::Value;
use crate::ops::files::FileDiff;
use crate::ops::left::{Left, Why};
use crate::ops::propose::{Edits, Note, ProposedValue};
use crate::plan::FORMAT_VERSION;

/// Which command wrote them: its name, and what it did.
#[derive(Debug, Clone, Copy)]
pub struct Command {
    pub name: &'static str,
    pub done: &'static str,
}

pub const PULL: Command = Command { name: "pull", done: "taken" };
pub const REVERT: Command = Command { name: "revert", done: "put back" };

/// For a terminal; the differences were shown before.
#[must_use]
pub fn text(command: Command, edits: &Edits) -> String {
    let Command { name, done } = command;
    let mut out = String::new();
    for left in &edits.left {
        let _ = writeln!(
            out,
            "left  {} {}: {}",
            clean(&left.integration),
            clean(&left.setting),
            clean(&why(&left.why))
        );
    }
    for said in &edits.notes {
        let _ = writeln!(out, "note  {}", clean(&note(said)));
    }
    let _ = match (edits.files.len(), edits.taken.len()) {
        (0, _) if edits.left.is_empty() && edits.errors.is_empty() => writeln!(out, "Nothing to {name}."),
        (0, _) if edits.left.is_empty() => {
            writeln!(out, "Nothing to {name} in what could be judged; what has errors was not looked at.")
        }
        (0, _) => writeln!(out, "Nothing was {done}: {} left.", count(edits.left.len(), "setting")),
        (files, taken) => {
            writeln!(out, "{} {done} into {}.", count(taken, "setting"), count(files, "file"))
        }
    };
    out
}

/// As one value.
#[must_use]
pub fn json(command: Command, edits: &Edits, diffs: &[FileDiff], exit_code: u8) -> Json {
    let setting = |taken: &ProposedValue| {
        json!({"integration": taken.integration, "category": taken.category, "setting": taken.path.to_string(),
            "value": taken.value.as_ref().map(Value::to_json)})
    };
    let left = |left: &Left| json!({"integration": left.integration, "setting": left.setting, "why": why(&left.why)});
    json!({
        "format_version": FORMAT_VERSION,
        "command": command.name,
        "exit_code": exit_code,
        "files": files::json(diffs),
        "taken": edits.taken.iter().map(setting).collect::<Vec<_>>(),
        "left": edits.left.iter().map(left).collect::<Vec<_>>(),
        "notes": edits.notes.iter().map(note).collect::<Vec<_>>(),
        "findings": edits.errors,
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
