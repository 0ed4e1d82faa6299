//! Judging past misnamed and misplaced keys, so that one slip is one finding.
//!
//! A key that was meant as another one, or that stands in another category, is reported; the rest of the document is
//! then judged as if it stood where it was meant. Only what is judged is repaired, never what is planned.

use std::collections::{HashMap, HashSet};

use crate::diagnostic::{Finding, Label};
use crate::source::Span;
use crate::yaml::{Entry, Map, Node, NodeKind};

/// A key that stands in the wrong place or under the wrong name, and where it was meant to stand.
#[derive(Debug)]
pub struct Move {
    pub from: Vec<String>,
    pub to: Vec<String>,
    /// Of what slipped together, the first has the finding.
    pub finding: Option<Finding>,
    /// What was meant in place of what is written, where that is known.
    pub value: Option<NodeKind>,
    /// What to do where several keys of one map slipped in this way: they have one finding then.
    pub all: Option<String>,
}

/// A moved part may hold misnamed keys itself, down to the depth of a setting.
const ROUNDS: usize = 6;

/// Calls `judge` until nothing has to be moved any more; the copy that it judged last, where something was moved.
pub fn judge(
    root: &Node,
    mut judge: impl FnMut(&Node, &[Span], &mut Vec<Move>) -> Vec<Finding>,
) -> (Vec<Finding>, Option<Node>) {
    let mut findings = Vec::new();
    let mut repaired: Option<Node> = None;
    let mut moved: Vec<Span> = Vec::new();
    for _ in 0..ROUNDS {
        let mut moves = Vec::new();
        let said = judge(repaired.as_ref().unwrap_or(root), &moved, &mut moves);
        if moves.is_empty() {
            findings.extend(said);
            break;
        }
        one_a_slip(&mut moves);
        let mut next = repaired.take().unwrap_or_else(|| root.clone());
        // Those of one map are taken out of it at once: one after the other would take the square of their number.
        for beside in moves.chunk_by(|one, two| parents(&one.from) == parents(&two.from)) {
            carry_out(&mut next, beside, &mut moved);
        }
        findings.extend(moves.into_iter().filter_map(|one| one.finding));
        repaired = Some(next);
    }
    (findings, repaired)
}

/// Keys beside each other that slipped in one way: the first has the finding, which shows the others.
fn one_a_slip(moves: &mut [Move]) {
    const SHOWN: usize = 8;
    for beside in moves.chunk_by_mut(|one, two| {
        one.all.is_some() && one.all == two.all && parents(&one.from) == parents(&two.from)
    }) {
        let Some((first, others)) = beside.split_first_mut().filter(|(_, others)| !others.is_empty()) else {
            continue;
        };
        let Some(finding) = &mut first.finding else { continue };
        for other in others.iter_mut().filter_map(|other| other.finding.take()) {
            if finding.related.len() < SHOWN {
                finding.related.push(Label::new(other.primary.span, "and this"));
            }
            match (&mut finding.fix, other.fix) {
                (Some(fix), Some(more)) => fix.edits.extend(more.edits),
                (fix, _) => *fix = None,
            }
        }
        finding.help.clone_from(&first.all);
    }
}

/// The keys down to the map that holds the last one.
fn parents(path: &[String]) -> Option<&[String]> {
    path.split_last().map(|(_, parents)| parents)
}

/// Moves keys that stand in one map.
fn carry_out(root: &mut Node, moves: &[Move], moved: &mut Vec<Span>) {
    let Some(parents) = moves.first().and_then(|one| parents(&one.from)) else { return };
    let mut holder = &mut *root;
    for parent in parents {
        match holder.as_map_mut().and_then(|map| map.get_mut(parent)) {
            Some(entry) => holder = &mut entry.value,
            None => return,
        }
    }
    let Some(map) = holder.as_map_mut() else { return };
    let keys: HashSet<&str> = moves.iter().filter_map(|one| Some(one.from.last()?.as_str())).collect();
    let taken = map.extract(|entry| keys.contains(&*entry.key.text));
    let mut taken: HashMap<String, Entry> =
        taken.into_iter().map(|entry| (entry.key.text.to_string(), entry)).collect();
    for Move { from, to, value, .. } in moves {
        if let (Some(mut entry), Some((key, parents))) =
            (from.last().and_then(|key| taken.remove(key)), to.split_last())
        {
            if let Some(value) = value {
                entry.value.kind = value.clone();
            }
            entry.key.text = key.as_str().into();
            if matches!(entry.value.kind, NodeKind::Map(_)) {
                moved.push(entry.value.span);
            }
            put(root, parents, entry);
        }
    }
}

/// Puts an entry under the maps that `parents` name, making those that are not there.
fn put(holder: &mut Node, parents: &[String], entry: Entry) {
    if holder.is_null() {
        holder.kind = NodeKind::Map(Map::new());
    }
    let Some(map) = holder.as_map_mut() else { return };
    let Some((first, rest)) = parents.split_first() else {
        match map.get_mut(&entry.key.text) {
            Some(present) => lay_over(present, entry),
            None => map.insert(entry),
        }
        return;
    };
    if map.get(first).is_none() {
        let mut key = entry.key.clone();
        key.text = first.as_str().into();
        map.insert(Entry { key, value: Node::new(entry.value.span, NodeKind::Map(Map::new())) });
    }
    if let Some(next) = map.get_mut(first) {
        put(&mut next.value, rest, entry);
    }
}

/// What comes from another file lies beneath; within one file, what stands in its right place wins.
fn lay_over(present: &mut Entry, entry: Entry) {
    let beneath = present.key.span.file != entry.key.span.file;
    let Entry { key, value } = entry;
    match (&mut present.value.kind, value.kind) {
        (NodeKind::Map(own), NodeKind::Map(moved)) => {
            for inner in moved.entries() {
                match own.get_mut(&inner.key.text) {
                    Some(other) => lay_over(other, inner.clone()),
                    None => own.insert(inner.clone()),
                }
            }
        }
        (kind, moved) if beneath => {
            *kind = moved;
            present.value.span = value.span;
        }
        _ => {}
    }
    if beneath {
        present.key = key;
    }
}
