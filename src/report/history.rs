//! Saves, and drift, for people and for machines.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use super::words::{shown, who_and_when};
use super::{clean, count};
use crate::model::Value;
use crate::ops::history::{HistoryEntry, RulesEntry};
use crate::plan::{ChangeKind, FORMAT_VERSION, Origin, Plan};
use crate::store::Note;

/// Newest first, as a person asks for it.
#[must_use]
pub fn text(entries: &[HistoryEntry], rules: &[RulesEntry]) -> String {
    let mut out = String::new();
    let mut rules = rules.iter().rev().peekable();
    for HistoryEntry { record, changes, notes } in entries.iter().rev() {
        let is_newer = |entry: &&RulesEntry| entry.rules.recorded_at >= record.past.saved_at;
        while let Some(entry) = rules.next_if(is_newer) {
            rules_text(entry, &mut out);
        }
        let past = &record.past;
        let commit = past.commit.as_deref().map(|id| {
            let author = past.author.as_deref().map(|author| format!(" by {author}")).unwrap_or_default();
            let dirty = if past.dirty { " with changes that were not committed" } else { "" };
            format!("  commit {}{author}{dirty}", id.get(..10).unwrap_or(id))
        });
        let _ = writeln!(
            out,
            "{}  {} {}  revision {}  {}{}",
            clean(&past.saved_at),
            clean(&record.integration).bold(),
            clean(&record.category).bold(),
            past.revision,
            clean(&past.saved_by),
            clean(&commit.unwrap_or_default()).dimmed()
        );
        if let Err(unusable) = &past.settings {
            let _ = writeln!(out, "    {} what it left cannot be used: {}", "!".red(), clean(&unusable.why));
        }
        for Note { kind, text, .. } in notes {
            let _ = writeln!(out, "    {} {}", format!("{}:", clean(kind)).bold(), clean(text));
        }
        for (path, old, new) in changes {
            let (sign, what) = match (old, new) {
                (None, Some(new)) => ("+".green().to_string(), new.to_string()),
                (Some(old), None) => ("-".red().to_string(), format!("{old} → not set")),
                (Some(old), Some(new)) => ("~".yellow().to_string(), format!("{old} → {new}")),
                (None, None) => continue,
            };
            let _ = writeln!(out, "    {sign} {}  {}", clean(&path.to_string()), clean(&what));
        }
    }
    rules.for_each(|entry| rules_text(entry, &mut out));
    if out.is_empty() {
        out.push_str("Nothing was saved that fits.\n");
    }
    out
}

/// The rules that judge, as an apply recorded them.
fn rules_text(RulesEntry { rules, changes }: &RulesEntry, out: &mut String) {
    let commit = rules.commit.as_deref().map(|id| {
        let dirty = if rules.dirty { " with changes that were not committed" } else { "" };
        format!("  commit {}{dirty}", id.get(..10).unwrap_or(id))
    });
    let of = if rules.environment.is_empty() { String::new() } else { format!(" of {}", rules.environment) };
    let _ = writeln!(
        out,
        "{}  {}  {}{}",
        clean(&rules.recorded_at),
        clean(&format!("rules that judge{of}")).bold(),
        clean(&rules.recorded_by),
        clean(&commit.unwrap_or_default()).dimmed()
    );
    if rules.at_once {
        out.push_str("    recorded by themselves, to count at once\n");
    }
    match changes {
        None => out.push_str("    recorded for the first time\n"),
        Some(Ok(changes)) => super::policy::lines(changes, "    ", out),
        Some(Err(why)) => {
            let _ = writeln!(out, "    {} {}", "!".red(), clean(why));
        }
    }
}

/// Oldest first.
#[must_use]
pub fn json(entries: &[HistoryEntry], rules: &[RulesEntry], exit_code: u8) -> Json {
    let value = |value: &Option<Value>| value.as_ref().map_or(Json::Null, Value::to_json);
    let saves: Vec<Json> = entries
        .iter()
        .map(|HistoryEntry { record, changes, notes }| {
            let changes: Vec<Json> = changes
                .iter()
                .map(|(path, old, new)| {
                    json!({"setting": path.to_string(), "kind": kind(old, new), "before": value(old), "after": value(new)})
                })
                .collect();
            let past = &record.past;
            let notes: Vec<Json> =
                notes.iter().map(|note| json!({"kind": note.kind, "text": note.text})).collect();
            let mut save = json!({"integration": record.integration, "category": record.category, "revision": past.revision,
                "saved_by": past.saved_by, "saved_at": past.saved_at, "commit": past.commit, "author": past.author, "dirty": past.dirty, "plan": past.plan(),
                "changes": changes, "notes": notes});
            if let Err(unusable) = &past.settings {
                save["unusable"] = unusable.why.as_str().into();
            }
            save
        })
        .collect();
    let rules: Vec<Json> = rules
        .iter()
        .map(|RulesEntry { rules, changes }| {
            let mut entry = json!({"environment": rules.environment, "digest": rules.digest, "recorded_by": rules.recorded_by,
                "recorded_at": rules.recorded_at, "commit": rules.commit, "dirty": rules.dirty, "plan": rules.run,
                "at_once": rules.at_once, "changes": []});
            match changes {
                None => {}
                Some(Ok(changes)) => entry["changes"] = json!(changes),
                Some(Err(why)) => entry["unusable"] = why.as_str().into(),
            }
            entry
        })
        .collect();
    json!({"format_version": FORMAT_VERSION, "command": "history", "exit_code": exit_code, "saves": saves, "rules": rules})
}

fn kind(old: &Option<Value>, new: &Option<Value>) -> ChangeKind {
    match (old, new) {
        (None, _) => ChangeKind::Add,
        (_, None) => ChangeKind::Reset,
        _ => ChangeKind::Change,
    }
}

/// A plan whose changes are drift; see `plan::drift`.
#[must_use]
pub fn drift_text(plan: &Plan) -> String {
    let mut out = super::policy::text(plan.policy_changes.as_deref().unwrap_or_default());
    let (mut drifted, mut unmanaged) = (0, 0);
    plan.integrations.for_each(&mut |integration| {
        let changed = || integration.categories.iter().filter(|category| !category.changes.is_empty());
        if changed().next().is_none() {
            return;
        }
        let name = clean(&integration.integration);
        // Without a pair it is in no file.
        let adopt = if integration.pair.is_empty() {
            format!("; `pairform pull {name} --pair PAIR` adopts it")
        } else {
            String::new()
        };
        let _ = writeln!(out, "{}  {}{adopt}", name.bold(), clean(&integration.title));
        for category in changed() {
            let state = match category.revision {
                Some(revision) => format!("revision {revision}"),
                None => "deleted".to_owned(),
            };
            let _ = writeln!(out, "  {} {}", clean(&category.category).bold(), state.dimmed());
            for change in &category.changes {
                drifted += 1;
                unmanaged += usize::from(change.unmanaged);
                let note = match (change.origin, change.unmanaged) {
                    (Origin::Both, _) => ", and changed in the files too",
                    (_, true) => "; no file manages it",
                    (_, false) => "",
                };
                let line = format!(
                    "{}  {} → {}   {}{note}",
                    change.setting,
                    shown(&change.before, None),
                    shown(&change.after, None),
                    who_and_when(change)
                );
                let _ = writeln!(out, "    {} {}", "~".cyan(), clean(&line));
            }
        }
        out.push('\n');
    });
    if drifted == 0 && plan.summary.errors > 0 {
        out.push_str("No drift was found in what could be judged; what has errors was not.\n");
        return out;
    }
    if drifted == 0 && plan.store.is_none() {
        out.push_str("No drift: nothing was ever applied here, as there is no store yet.\n");
        return out;
    }
    if drifted == 0 {
        out.push_str("No drift: what the files manage is as the last apply left it.\n");
        return out;
    }
    let changed = count(drifted, "setting");
    let _ = write!(out, "{changed} changed outside these files since the last apply.");
    if unmanaged < drifted {
        out.push_str(" The next apply sets back what the files say.");
    }
    out.push_str(match (unmanaged, drifted) {
        (0, _) => "",
        (1, 1) => " No file manages it, so an apply leaves it.",
        (unmanaged, drifted) if unmanaged == drifted => " No file manages them, so an apply leaves them.",
        (1, _) => " One of them is managed by no file, and an apply leaves it.",
        _ => " Those that no file manages are left by an apply.",
    });
    out.push('\n');
    out
}
