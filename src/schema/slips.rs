//! Parts of an integration's document that slipped as a whole: a line such as `settings:` that is missing above them, a
//! category that is indented too far, a level that is written twice. One slip is one finding, and all that it moved is judged
//! where it was meant.

use serde_json::Value as Json;

use super::messages::Words;
use super::pair::{Category, Pair};
use super::pointer::about;
use super::repair::Move;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::schema as codes;
use crate::yaml::{Entry, Node, NodeKind};

/// The parts of a document whose entries can be told from each other.
const PARTS: [&str; 5] = ["connectors", "flows", "settings", "schedules", "webhooks"];

/// What slipped, to be moved where it was meant; a finding stands with the first of what slipped together.
pub(super) fn find(root: &Node, words: &Words<'_>) -> Vec<Move> {
    let (Some(pair), Some(name)) = (words.pair, words.integration) else { return Vec::new() };
    let mut moves = Vec::new();
    for part in PARTS {
        twice(root, part, name, &mut moves);
    }
    // What lies a level too deep is looked at where it was meant.
    if !moves.is_empty() {
        return moves;
    }
    for part in PARTS {
        lost_line(root, part, pair, name, &mut moves);
    }
    unnamed_connections(root, pair, name, &mut moves);
    nested_connectors(root, pair, name, &mut moves);
    if moves.is_empty() {
        let settings = root.get("settings").and_then(Node::as_map);
        for entry in settings.into_iter().flat_map(|map| map.entries()) {
            if let Some(category) = pair.settings.iter().find(|category| category.id == *entry.key.text) {
                nested(entry, category, pair, name, &mut moves);
                lost_category(root, entry, category, pair, name, &mut moves);
            }
        }
    }
    moves
}

fn path(keys: &[&str]) -> Vec<String> {
    keys.iter().map(|key| (*key).to_owned()).collect()
}

/// A part within itself: its line is written twice.
fn twice(root: &Node, part: &str, name: &str, moves: &mut Vec<Move>) {
    let Some(inner) = root.get(part).and_then(Node::as_map).and_then(|map| map.get(part)) else { return };
    if inner.value.as_map().is_none() {
        return;
    }
    let finding = codes::part_twice(part, inner.key.span).about(about(Some(name), &format!("/{part}")));
    moves.push(Move {
        from: path(&[part, part]),
        to: path(&[part]),
        finding: Some(finding),
        value: None,
        all: None,
    });
}

/// Connections of which the line with the name is missing, so that its fields are read as names.
fn unnamed_connections(root: &Node, pair: &Pair, name: &str, moves: &mut Vec<Move>) {
    let connectors = root.get("connectors").and_then(Node::as_map);
    for entry in connectors.into_iter().flat_map(|map| map.entries()) {
        let id = &*entry.key.text;
        let Some(connector) = pair.connector(id) else { continue };
        let fields = connector.description.pointer("/connection/properties").and_then(Json::as_object);
        let Some(map) = entry.value.get("connections").and_then(Node::as_map) else { continue };
        let is_field = |entry: &Entry| fields.is_some_and(|fields| fields.contains_key(&*entry.key.text));
        let Some(first) = map.entries().first().filter(|_| map.entries().iter().all(is_field)) else {
            continue;
        };
        let meant = entry.value.get("active").and_then(Node::as_text).unwrap_or("production");
        let (field, whole) = (&*first.key.text, format!("/connectors/{id}/connections"));
        let finding = codes::connection_unnamed(field, meant, &connector.title, first.key.span);
        let mut finding = Some(finding.about(about(Some(name), &whole)));
        for field in map.entries() {
            let key = &*field.key.text;
            moves.push(Move {
                from: path(&["connectors", id, "connections", key]),
                to: path(&["connectors", id, "connections", meant, key]),
                finding: finding.take(),
                value: None,
                all: None,
            });
        }
    }
}

/// A connector whose line alone is indented too far, or with all that belongs to it.
fn nested_connectors(root: &Node, pair: &Pair, name: &str, moves: &mut Vec<Move>) {
    let connectors = root.get("connectors").and_then(Node::as_map);
    for entry in connectors.into_iter().flat_map(|map| map.entries()) {
        let outer = &*entry.key.text;
        for inner in entry.value.as_map().into_iter().flat_map(|map| map.entries()) {
            let key = &*inner.key.text;
            let is_line = inner.value.is_null() || inner.value.as_map().is_some();
            if key == outer || !is_line || pair.connector(key).is_none() {
                continue;
            }
            let finding = codes::too_deep_connector(key, outer, inner.key.span);
            let finding = finding.about(about(Some(name), &format!("/connectors/{outer}")));
            // What belongs to it is there twice for the reader, who told it, and is not known.
            let value = inner.value.is_null().then_some(NodeKind::Hole);
            moves.push(Move {
                from: path(&["connectors", outer, key]),
                to: path(&["connectors", key]),
                finding: Some(finding),
                value,
                all: None,
            });
        }
    }
}

/// Settings of one category among those of another, while that category is nowhere: its line is missing above them.
fn lost_category(
    root: &Node,
    entry: &Entry,
    category: &Category,
    pair: &Pair,
    name: &str,
    moves: &mut Vec<Move>,
) {
    const FEWEST: usize = 2;
    let Some(map) = entry.value.as_map() else { return };
    let has = |category: &Category, key: &str| {
        let mut firsts = category.settings.iter().filter_map(|setting| setting.path.segments().first());
        firsts.any(|first| &**first == key)
    };
    let outer = &*entry.key.text;
    // They stand together, below what belongs here.
    let is_own = |inner: &Entry| has(category, &inner.key.text);
    let Some(last) = map.entries().iter().rposition(is_own) else { return };
    let strays = &map.entries()[last + 1..];
    if strays.len() < FEWEST || strays.iter().any(|stray| stray.key.span.file != entry.value.span.file) {
        return;
    }
    let takes_all =
        |other: &&Category| other.id != category.id && strays.iter().all(|stray| has(other, &stray.key.text));
    let mut homes = pair.settings.iter().filter(takes_all);
    let (Some(home), None) = (homes.next(), homes.next()) else { return };
    if root.get("settings").and_then(|settings| settings.get(&home.id)).is_some() {
        return;
    }
    let (first, before) = (strays[0].key.span, map.entries()[last].key.span);
    let finding = codes::category_lost(&home.id, outer, before, first);
    let mut finding = Some(finding.about(about(Some(name), &format!("/settings/{}", home.id))));
    for stray in strays {
        let key = &*stray.key.text;
        moves.push(Move {
            from: path(&["settings", outer, key]),
            to: path(&["settings", &home.id, key]),
            finding: finding.take(),
            value: None,
            all: None,
        });
    }
}

/// Entries that stand in one part and are of another: the line that begins it is missing above them.
fn lost_line(root: &Node, part: &str, pair: &Pair, name: &str, moves: &mut Vec<Move>) {
    let Some(map) = root.get(part).and_then(Node::as_map) else { return };
    let strays: Vec<(&Entry, &str)> =
        map.entries().iter().filter_map(|entry| Some((entry, of_part(entry, part, pair)?))).collect();
    let mut told: Vec<&str> = Vec::new();
    for (entry, other) in strays {
        let key = &*entry.key.text;
        let mut finding = None;
        if !told.contains(&other) {
            told.push(other);
            let has = root.get(other).is_some_and(|node| !node.is_null());
            // The line is there, as deep as what belongs to it.
            let is_bare = |line: &&Entry| {
                line.value.is_null() || line.value.as_map().is_some_and(|below| below.entries().is_empty())
            };
            let line = map.get(other).filter(is_bare);
            let said = match line {
                Some(line) => codes::too_deep_part(other, part, line.key.span),
                None => codes::part_lost(key, part, other, has, entry.key.span),
            };
            finding = Some(said.about(about(Some(name), &format!("/{part}"))));
            if line.is_some() {
                moves.push(Move {
                    from: path(&[part, other]),
                    to: path(&[other]),
                    finding: finding.take(),
                    value: None,
                    all: None,
                });
            }
        }
        moves.push(Move {
            from: path(&[part, key]),
            to: path(&[other, key]),
            finding,
            value: None,
            all: None,
        });
    }
}

/// The part that an entry belongs to by what it says, where that is another one than where it stands.
fn of_part(entry: &Entry, part: &str, pair: &Pair) -> Option<&'static str> {
    let value = &entry.value;
    let has = |key: &str| value.get(key).is_some();
    let map = value.as_map()?;
    let category = pair.settings.iter().any(|category| category.id == *entry.key.text);
    let known_here = match part {
        "settings" => category,
        "connectors" => pair.connector(&entry.key.text).is_some(),
        "flows" => pair.flow(&entry.key.text).is_some(),
        _ => false,
    };
    if known_here || map.is_empty() {
        return None;
    }
    let starts = ["every", "after", "cron"].into_iter().any(has);
    let is_rule = starts || has("flow") || has("topic") || has("enabled");
    let found = if has("flow") && has("topic") {
        "webhooks"
    } else if has("flow") && starts {
        "schedules"
    } else if has("connections") && pair.connector(&entry.key.text).is_some() {
        "connectors"
    } else if category && !is_rule {
        "settings"
    } else {
        return None;
    };
    (found != part).then_some(found)
}

/// A category within a category: the same once more, or another that is indented too far.
fn nested(entry: &Entry, category: &Category, pair: &Pair, name: &str, moves: &mut Vec<Move>) {
    let Some(map) = entry.value.as_map() else { return };
    let outer = &*entry.key.text;
    let own = |category: &Category, key: &str| {
        category
            .settings
            .iter()
            .any(|setting| setting.path.segments().first().is_some_and(|first| &**first == key))
    };
    let mut after: Option<&Category> = None;
    for inner in map.entries() {
        let key = &*inner.key.text;
        if let Some(into) = after {
            // The settings of a category whose own line alone is indented too far.
            if own(into, key) && !own(category, key)
                || own(into, key) && !is_written_above(map.entries(), inner, into)
            {
                let to = path(&["settings", &into.id, key]);
                moves.push(Move {
                    from: path(&["settings", outer, key]),
                    to,
                    finding: None,
                    value: None,
                    all: None,
                });
            }
            continue;
        }
        if own(category, key) {
            continue;
        }
        let whole = format!("/settings/{outer}");
        if key == outer && inner.value.as_map().is_some() {
            let in_file = entry.key.span.start == entry.key.span.end;
            let finding = codes::level_twice(key, &category.title, in_file, inner.key.span);
            moves.push(Move {
                from: path(&["settings", outer, key]),
                to: path(&["settings", outer]),
                finding: Some(finding.about(about(Some(name), &whole))),
                value: None,
                all: None,
            });
        } else if key == "settings" && inner.value.as_map().is_some() {
            let in_file = entry.key.span.start == entry.key.span.end;
            let finding = codes::settings_within(&category.title, in_file, inner.key.span);
            moves.push(Move {
                from: path(&["settings", outer, key]),
                to: path(&["settings"]),
                finding: Some(finding.about(about(Some(name), &whole))),
                value: None,
                all: None,
            });
        } else if let Some(other) = pair.settings.iter().find(|other| other.id == key)
            && (inner.value.is_null() || inner.value.as_map().is_some())
        {
            let finding: Finding = codes::too_deep_category(key, outer, inner.key.span);
            moves.push(Move {
                from: path(&["settings", outer, key]),
                to: path(&["settings", key]),
                finding: Some(finding.about(about(Some(name), &format!("/settings/{key}")))),
                value: None,
                all: None,
            });
            if inner.value.is_null() {
                after = Some(other);
            }
        }
    }
}

/// Whether a setting belongs to what stands above the line that slipped, not to the category of that line.
fn is_written_above(entries: &[Entry], entry: &Entry, category: &Category) -> bool {
    let line = entries.iter().position(|other| *other.key.text == *category.id);
    let own = entries.iter().position(|other| other.key.span == entry.key.span);
    own < line
}
