//! The record of everything that was saved, as JSON lines that are chained by hash: each line names the hash of the line
//! before it, so that one that was taken out, put in, moved or changed shows. The last line counts them.

use serde_json::{Value as Json, json};

use crate::model::{self, canonical_json, digest_text};
use crate::plan::FORMAT_VERSION;
use crate::store::{Note, Record};

/// All lines. The same store gives the same lines; a later export begins with the same saves.
#[must_use]
pub fn export(identity: &str, records: &[Record], notes: &[Note]) -> String {
    let head = json!({"kind": "store", "store": identity, "format_version": FORMAT_VERSION});
    let saves = records.iter().map(|Record { integration, category, past }| {
        // What cannot be used is kept as it stands.
        let settings = match &past.settings {
            Ok(settings) => model::to_json(settings),
            Err(unusable) => unusable.text.as_str().into(),
        };
        json!({"kind": "save", "integration": integration, "category": category, "revision": past.revision,
            "settings": settings, "saved_by": past.saved_by, "saved_at": past.saved_at,
            "commit": past.commit, "author": past.author, "dirty": past.dirty, "plan": past.run})
    });
    let noted = notes.iter().map(
        |note| json!({"kind": note.kind, "at": note.at, "by": note.by, "text": note.text, "plan": note.run}),
    );
    let end = json!({"kind": "end", "saves": records.len(), "notes": notes.len()});
    let mut previous = String::new();
    let mut out = String::new();
    for mut line in std::iter::once(head).chain(saves).chain(noted).chain([end]) {
        line["previous"] = previous.into();
        let hash = digest_text(&canonical_json(line.clone()));
        line["hash"] = hash.clone().into();
        out.push_str(&canonical_json(line));
        out.push('\n');
        previous = hash;
    }
    out
}

/// Proves that an export is whole; the number of its lines, or the first line (from 1) that does not fit and why.
///
/// # Errors
/// The line, and what is wrong with it.
pub fn verify(text: &str) -> Result<usize, (usize, String)> {
    let mut previous = String::new();
    let mut ended = false;
    let mut lines = 0;
    for (at, text) in text.lines().enumerate() {
        let wrong = |why: &str| (at + 1, why.to_owned());
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
        ended = line["kind"] == "end";
        previous = hash.to_owned();
        lines = at + 1;
    }
    if ended { Ok(lines) } else { Err((lines + 1, "the last lines are missing".to_owned())) }
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
        export("id", &[record(1), record(2), record(3)], &[note])
    }

    #[test]
    fn a_whole_export_is_proved() {
        assert_eq!(verify(&sample()), Ok(6));
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
