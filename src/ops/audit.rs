//! The record of everything that was saved, as JSON lines that are chained by hash: each line names the hash of the line
//! before it, so that one that was taken out, put in, moved or changed shows. The last line counts them, and says at which
//! revisions the categories are, so that a save that was taken out of the store itself shows too.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};

use super::error::{Error, Result};
use super::host::Host;
use super::request::Request;
use super::workspace::Workspace;
use crate::model::{self, canonical_json, digest_text};
use crate::plan::FORMAT_VERSION;
use crate::store::{Heads, Note, RENAME, Record, Renamed, Rules};

/// All lines. The same store gives the same lines; a later export begins with the same saves.
#[must_use]
pub fn export(
    identity: &str,
    records: &[Record],
    notes: &[Note],
    rules: &[Rules],
    heads: &Heads,
) -> Vec<Json> {
    let head = json!({"kind": "store", "store": identity, "format_version": FORMAT_VERSION});
    let saves = records.iter().map(|Record { integration, category, past }| {
        // What cannot be used is kept as it stands.
        let settings = match &past.settings {
            Ok(settings) => model::to_json(settings),
            Err(unusable) => unusable.text.as_str().into(),
        };
        let changed = past.settings.as_ref().is_err_and(|unusable| unusable.changed);
        let mut line = json!({"kind": SAVE, "integration": integration, "category": category, "revision": past.revision,
            "settings": settings, "saved_by": past.saved_by, "saved_at": past.saved_at,
            "commit": past.commit, "author": past.author, "dirty": past.dirty, "plan": past.plan()});
        // Only of what is not as it was saved, so that a record without such lines is what it always was.
        if changed {
            line["changed"] = true.into();
        }
        line
    });
    let noted = notes.iter().map(
        |note| json!({"kind": note.kind, "at": note.at, "by": note.by, "text": note.text, "plan": note.run}),
    );
    let judged = rules.iter().map(|rules| {
        // What cannot be read is kept as it stands.
        let document: Json = serde_json::from_str(&rules.document).unwrap_or_else(|_| rules.document.as_str().into());
        let mut line = json!({"kind": RULES, "environment": rules.environment, "digest": rules.digest, "document": document,
            "recorded_by": rules.recorded_by, "recorded_at": rules.recorded_at, "commit": rules.commit, "dirty": rules.dirty,
            "plan": rules.run, "at_once": rules.at_once});
        if is_changed(rules) {
            line["changed"] = true.into();
        }
        line
    });
    let mut deployed: Vec<(&str, &str, u64)> =
        heads.iter().map(|(name, head)| (name.as_str(), head.category.as_str(), head.revision)).collect();
    deployed.sort_unstable();
    let end = json!({"kind": END, "saves": records.len(), "notes": notes.len(), "rules": rules.len(), "deployed": deployed});
    let mut previous = String::new();
    let chained =
        std::iter::once(head).chain(saves).chain(noted).chain(judged).chain([end]).map(|mut line| {
            line["previous"] = std::mem::take(&mut previous).into();
            let hash = digest_text(&canonical_json(line.clone()));
            line["hash"] = hash.clone().into();
            previous = hash;
            line
        });
    chained.collect()
}

/// The kinds of lines that are no notes, beside the first.
const SAVE: &str = "save";
const RULES: &str = "rules";
const END: &str = "end";

/// Why a record does not prove what it should.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    #[error("it is empty, and so no record")]
    Empty,
    /// A line, from 1, that does not fit.
    #[error("{why}")]
    Line { line: usize, why: String },
}

impl Unfit {
    fn at(line: usize, why: impl Into<String>) -> Self {
        Unfit::Line { line, why: why.into() }
    }

    /// From 1.
    #[must_use]
    pub fn line(&self) -> usize {
        match self {
            Unfit::Empty => 1,
            Unfit::Line { line, .. } => *line,
        }
    }
}

/// A record of all that a store has.
pub struct Exported {
    pub lines: Vec<Json>,
    /// Saves that are not in the history as they were made.
    pub changed: Vec<Record>,
    /// Rules that are not as they were recorded.
    pub changed_rules: Vec<Rules>,
}

fn is_changed(rules: &Rules) -> bool {
    digest_text(&rules.document) != rules.digest
}

/// The record of the store that a request means.
///
/// # Errors
/// When there is no store, or it cannot be read.
pub fn export_store(workspace: &Workspace, request: &Request, host: &Host<'_>) -> Result<Exported> {
    let (_, address) = workspace.store(request, host)?;
    let mut store =
        host.store(&address)?.ok_or_else(|| Error::usage("there is no store yet, so nothing was saved"))?;
    // Heads first: what is saved meanwhile may be told of and not be deployed yet, never the other way round.
    let heads = store.heads(None)?;
    let (mut records, notes, mut rules) = (store.records()?, store.notes()?, store.rules()?);
    let lines = export(store.identity(), &records, &notes, &rules, &heads);
    rules.retain(is_changed);
    records.retain(|record| record.past.settings.as_ref().is_err_and(|unusable| unusable.changed));
    Ok(Exported { lines, changed: records, changed_rules: rules })
}

/// Proves that an export is whole: its lines, without their hashes.
///
/// # Errors
/// The first line that does not fit.
pub fn verify(text: &str) -> Result<Vec<Json>, Unfit> {
    let lines = chain(text)?;
    revisions(&lines)?;
    Ok(lines)
}

/// Proves that an export goes on from an earlier one: all that was in that is in it, as it was. Both were verified.
///
/// # Errors
/// The first line of the earlier one that is not.
pub fn goes_on(lines: &[Json], earlier: &[Json]) -> Result<(), Unfit> {
    let is_note = |line: &Json| !["store", SAVE, RULES, END].iter().any(|kind| line["kind"] == *kind);
    let is_rules = |line: &Json| line["kind"] == RULES;
    // A note stands behind all saves and rules behind all notes, and so their places in the chain move.
    let unchained = |line: &Json| {
        let mut line = line.clone();
        line["previous"] = Json::Null;
        line
    };
    let mut notes = lines.iter().filter(|line| is_note(line)).map(unchained);
    let mut rules = lines.iter().filter(|line| is_rules(line)).map(unchained);
    for (at, line) in earlier.iter().enumerate().filter(|(_, line)| line["kind"] != END) {
        let stands = match (is_note(line), is_rules(line)) {
            (true, _) => notes.next().as_ref() == Some(&unchained(line)),
            (_, true) => rules.next().as_ref() == Some(&unchained(line)),
            _ => lines.get(at) == Some(line),
        };
        if !stands {
            return Err(Unfit::at(
                at + 1,
                "this line is missing from the later record, or is another one there",
            ));
        }
    }
    Ok(())
}

/// Proves the chain, and that it has its end.
fn chain(text: &str) -> Result<Vec<Json>, Unfit> {
    if text.trim().is_empty() {
        return Err(Unfit::Empty);
    }
    let mut previous = String::new();
    let mut ended = false;
    let mut lines = Vec::new();
    for (at, text) in text.lines().enumerate() {
        let wrong = |why: &str| Unfit::at(at + 1, why);
        let mut line: Json =
            serde_json::from_str(text).map_err(|error| wrong(&format!("it is not JSON ({error})")))?;
        let hash = line.as_object_mut().and_then(|line| line.shift_remove("hash"));
        let hash = hash.as_ref().and_then(Json::as_str).ok_or_else(|| wrong("it has no hash"))?;
        if digest_text(&canonical_json(line.clone())) != hash {
            return Err(wrong("it was changed: its hash does not fit"));
        }
        if ended || line["previous"] != previous.as_str() {
            return Err(wrong("a line before it is missing, or it stands in the wrong place"));
        }
        ended = line["kind"] == END;
        previous = hash.to_owned();
        lines.push(line);
    }
    if ended { Ok(lines) } else { Err(Unfit::at(lines.len() + 1, "the last lines are missing")) }
}

/// Proves that the store had every save to export: the revisions of a category follow one another from 1 to the one at which
/// it is deployed, under the ids that its integration has had.
fn revisions(lines: &[Json]) -> Result<(), Unfit> {
    let text = |line: &Json, key: &str| line[key].as_str().unwrap_or_default().to_owned();
    let mut known: BTreeSet<(String, String, u64)> = BTreeSet::new();
    let mut relatives: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for line in lines {
        if line["kind"] == SAVE {
            let revision = line["revision"].as_u64().unwrap_or_default();
            known.insert((text(line, "integration"), text(line, "category"), revision));
        } else if let Some((from, to)) =
            Renamed::names(&text(line, "text")).filter(|_| line["kind"] == RENAME)
        {
            relatives.entry(from.to_owned()).or_default().insert(to.to_owned());
            relatives.entry(to.to_owned()).or_default().insert(from.to_owned());
        }
    }
    let has = |integration: &str, category: &str, revision: u64| {
        let mut names = vec![integration.to_owned()];
        let mut at = 0;
        while let Some(name) = names.get(at).cloned() {
            if known.contains(&(name.clone(), category.to_owned(), revision)) {
                return true;
            }
            let more = relatives.get(&name).into_iter().flatten().filter(|more| !names.contains(more));
            let more: Vec<String> = more.cloned().collect();
            names.extend(more);
            at += 1;
        }
        false
    };
    for (at, line) in lines.iter().enumerate() {
        let (integration, category) = (text(line, "integration"), text(line, "category"));
        let before = line["revision"].as_u64().unwrap_or_default().saturating_sub(1);
        if line["kind"] == SAVE && before > 0 && !has(&integration, &category, before) {
            let missing = format!(
                "revision {before} of {category} of {integration} before it is missing from the store"
            );
            return Err(Unfit::at(at + 1, missing));
        }
        for deployed in line["deployed"].as_array().into_iter().flatten().filter(|_| line["kind"] == END) {
            let of = |at: usize| deployed[at].as_str().unwrap_or_default();
            let revision = deployed[2].as_u64().unwrap_or_default();
            if !has(of(0), of(1), revision) {
                let missing =
                    format!("{} of {} is at revision {revision}, and no line tells of it", of(1), of(0));
                return Err(Unfit::at(at + 1, missing));
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Past;

    fn sample() -> String {
        let record = |revision| Record {
            integration: "a".into(),
            category: "stock".into(),
            past: Past {
                revision,
                settings: Ok(model::from_json(&json!({"b": 1, "a": revision}))),
                saved_by: "ann".into(),
                saved_at: "2026-12-01T09:30:00Z".into(),
                commit: None,
                run: None,
                author: None,
                dirty: false,
            },
        };
        let note =
            Note { at: String::new(), by: "bo".into(), kind: "force".into(), text: "x".into(), run: None };
        let document = r#"{"policy":{"live":"ask"},"version":1}"#.to_owned();
        let rules = Rules {
            environment: "production".into(),
            digest: digest_text(&document),
            document,
            recorded_by: "ann".into(),
            recorded_at: "2026-12-01T09:30:00Z".into(),
            commit: None,
            dirty: false,
            run: None,
            at_once: false,
        };
        let lines = export("id", &[record(1), record(2), record(3)], &[note], &[rules], &Heads::default());
        lines.into_iter().map(|line| canonical_json(line) + "\n").collect()
    }

    #[test]
    fn a_whole_export_is_proved() {
        assert_eq!(verify(&sample()).map(|lines| lines.len()), Ok(7));
    }

    #[test]
    fn every_line_that_is_missing_moved_or_changed_shows() {
        let sample = sample();
        let lines: Vec<&str> = sample.lines().collect();
        for at in 0..lines.len() {
            let mut without = lines.clone();
            without.remove(at);
            assert!(verify(&without.join("\n")).is_err(), "without line {at}");
            let mut twice = lines.clone();
            twice.insert(at, lines[at]);
            assert!(verify(&twice.join("\n")).is_err(), "line {at} twice");
            let changed = lines[at].replacen("sha256:", "sha256:0", 1);
            let mut lines = lines.clone();
            lines[at] = &changed;
            assert!(verify(&lines.join("\n")).is_err(), "line {at} changed");
        }
        assert!(verify("").is_err());
    }
}
