//! Integrations that are given another id: what is asked, what became of it, and what was called how when.

use super::data::{Note, RENAME};

/// A request to give what is deployed under one id another.
#[derive(Debug, Clone, Copy)]
pub struct Rename<'a> {
    pub from: &'a str,
    pub to: &'a str,
    /// RFC 3339, UTC.
    pub at: &'a str,
    pub by: &'a str,
    /// Digest of the plan that is applied.
    pub run: &'a str,
}

impl Rename<'_> {
    /// What the note of it says; read back by [`Renamed::read`].
    pub(super) fn text(&self) -> String {
        format!("{} -> {}", self.from, self.to)
    }
}

/// What became of a [`Rename`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// So many categories have the new id now.
    Moved(usize),
    /// The new id has deployed categories of its own; nothing was written.
    Taken,
}

/// An integration that was given another id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Renamed {
    pub from: String,
    pub to: String,
    /// RFC 3339, UTC.
    pub at: String,
    pub by: String,
    /// Digest of the plan that was applied.
    pub run: Option<String>,
}

impl Renamed {
    /// Both ids, from what a note of [`RENAME`] says.
    #[must_use]
    pub fn names(text: &str) -> Option<(&str, &str)> {
        text.split_once(" -> ")
    }

    pub(super) fn read(note: &Note) -> Option<Self> {
        let (from, to) = Renamed::names(&note.text).filter(|_| note.kind == RENAME)?;
        let (at, by, run) = (note.at.clone(), note.by.clone(), note.run.clone());
        Some(Renamed { from: from.to_owned(), to: to.to_owned(), at, by, run })
    }
}

/// The id under which the store has now what was saved under `name` at that time; `renames` in their order.
#[must_use]
pub fn name_now(renames: &[Renamed], name: &str, saved_at: &str) -> String {
    let mut now = name;
    for renamed in renames {
        if renamed.from == now && *saved_at <= *renamed.at {
            now = &renamed.to;
        }
    }
    now.to_owned()
}

/// The ids that an integration had before, without its own.
#[must_use]
pub fn former_names(renames: &[Renamed], name: &str) -> Vec<String> {
    let mut names = vec![name.to_owned()];
    for renamed in renames.iter().rev() {
        if names.contains(&renamed.to) && !names.contains(&renamed.from) {
            names.push(renamed.from.clone());
        }
    }
    names.split_off(1)
}
