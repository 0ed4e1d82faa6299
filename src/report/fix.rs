//! What was mended, and how much is left.

use std::fmt::Write as _;

use serde_json::{Value as Json, json};

use super::files;
use crate::diagnostic::{clean, count};
use crate::ops::files::FileDiff;
use crate::ops::fix::{Fixed, Mended};
use crate::plan::FORMAT_VERSION;

/// For a terminal; the differences were shown before.
#[must_use]
pub fn text(fixed: &Fixed) -> String {
    let mut out = String::new();
    for Mended { code, path, line, message } in &fixed.mended {
        out.push_str(&(clean(&format!("{code}  {path}:{line}  {message}")) + "\n"));
    }
    let guesses = match fixed.guesses {
        0 => String::new(),
        guesses => format!(
            " {} may be mended by a guess: `pairform fix --guesses` shows how.",
            count(guesses, "finding")
        ),
    };
    let left = match fixed.left - fixed.guesses {
        0 => String::new(),
        left => format!(
            " {} left that no machine should mend; `pairform validate` shows what there is.",
            count(left, "finding")
        ),
    };
    let said = match fixed.mended.len() {
        0 => "Nothing to mend.".to_owned(),
        some => format!("{} mended in {}.", count(some, "finding"), count(fixed.files.len(), "file")),
    };
    let _ = writeln!(out, "{said}{guesses}{left}");
    out
}

/// As one value.
#[must_use]
pub fn json(fixed: &Fixed, diffs: &[FileDiff], exit_code: u8) -> Json {
    let mended = fixed
        .mended
        .iter()
        .map(|one| json!({"code": one.code, "path": one.path, "line": one.line, "message": one.message}));
    json!({"format_version": FORMAT_VERSION, "command": "fix", "exit_code": exit_code,
        "files": files::json(diffs), "mended": mended.collect::<Vec<_>>(), "left": fixed.left})
}
