//! How the change of one value is told: a text by its lines and words, a list by its elements, all else as before and after. Nothing
//! is cut so that what changed cannot be seen.

use serde_json::Value as Json;
use similar::{ChangeTag, TextDiff};

use super::texts::Language;
use super::words;
use crate::model::Value;
use crate::options::SEPARATOR;
use crate::plan::Change;

/// A text of one line that is longer than this is told by its words, in characters.
const LONG: usize = 80;

/// What moved.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Moved {
    /// Before and after, as a person reads them.
    Value { before: String, after: String },
    /// Of lists: what came, what went, and how many stayed.
    Elements { added: Vec<String>, removed: Vec<String>, same: usize },
    /// Of longer texts.
    Text(Vec<Part>),
}

/// A piece of a text that changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// A line that went, by its number and pieces; a piece that is true is what went of it.
    Removed(usize, Vec<(bool, String)>),
    /// A line that came.
    Added(usize, Vec<(bool, String)>),
    /// So many lines that stay.
    Same(usize),
}

impl Moved {
    /// Of a change.
    #[must_use]
    pub fn of(language: &Language, change: &Change) -> Self {
        match (&change.before, &change.after) {
            (Json::String(old), Json::String(new)) if is_long(old) || is_long(new) => {
                Moved::Text(parts(old, new))
            }
            // One that comes or goes whole.
            (Json::Null, Json::String(new)) if is_long(new) => Moved::Text(parts("", new)),
            (Json::String(old), Json::Null) if is_long(old) => Moved::Text(parts(old, "")),
            (Json::Array(old), Json::Array(new))
                if !(old.is_empty()
                    || new.is_empty()
                    || has_days(&change.before)
                    || has_days(&change.after)) =>
            {
                elements(
                    old,
                    new,
                    labels(old, change.before_label.as_deref()),
                    labels(new, change.after_label.as_deref()),
                )
            }
            _ => Moved::Value {
                before: words::shown_in(language, &change.before, change.before_label.as_deref()),
                after: words::shown_after(language, change),
            },
        }
    }

    /// In one line.
    #[must_use]
    pub fn line(&self) -> String {
        match self {
            Moved::Value { before, after } => format!("{before} → {after}"),
            Moved::Elements { added, removed, same } => {
                let mut said: Vec<String> = added.iter().map(|one| format!("+ {one}")).collect();
                said.extend(removed.iter().map(|one| format!("− {one}")));
                if said.is_empty() {
                    said.push("in another order".to_owned());
                }
                if *same > 0 {
                    said.push(format!("({same} the same)"));
                }
                said.join("  ")
            }
            Moved::Text(parts) if parts.iter().all(|part| matches!(part, Part::Added(..))) => {
                super::count(parts.len(), "line")
            }
            Moved::Text(parts) if parts.iter().all(|part| matches!(part, Part::Removed(..))) => {
                format!("{} → not set", super::count(parts.len(), "line"))
            }
            Moved::Text(_) => "text changed".to_owned(),
        }
    }

    /// The lines of a text that changed, each with its sign.
    #[must_use]
    pub fn lines(&self) -> Vec<(ChangeTag, String)> {
        let Moved::Text(parts) = self else { return Vec::new() };
        let whole =
            |pieces: &[(bool, String)]| pieces.iter().map(|(_, piece)| piece.as_str()).collect::<String>();
        let line = |part: &Part| match part {
            Part::Removed(_, pieces) => (ChangeTag::Delete, whole(pieces)),
            Part::Added(_, pieces) => (ChangeTag::Insert, whole(pieces)),
            Part::Same(1) => (ChangeTag::Equal, "… 1 line is the same".to_owned()),
            Part::Same(number) => (ChangeTag::Equal, format!("… {number} lines are the same")),
        };
        parts.iter().map(line).collect()
    }
}

fn is_long(text: &str) -> bool {
    text.contains('\n') || text.chars().count() > LONG
}

/// The rows of what changes on a day are told whole, each beside its days.
fn has_days(value: &Json) -> bool {
    matches!(Value::from_json(value), Value::Dated(_))
}

/// What each element of a list is called. The label of a list holds them all; where one of them holds what stands between two, the
/// elements themselves are told.
fn labels(elements: &[Json], label: Option<&str>) -> Vec<String> {
    let labels: Vec<String> =
        label.into_iter().flat_map(|label| label.split(SEPARATOR)).map(str::to_owned).collect();
    match labels.len() == elements.len() {
        true => labels,
        false => elements.iter().map(|element| words::shown(element, None)).collect(),
    }
}

fn elements(old: &[Json], new: &[Json], old_words: Vec<String>, new_words: Vec<String>) -> Moved {
    let mut left: Vec<(&Json, String)> = old.iter().zip(old_words).collect();
    let mut added = Vec::new();
    for (element, word) in new.iter().zip(new_words) {
        match left.iter().position(|(one, _)| *one == element) {
            Some(at) => {
                left.remove(at);
            }
            None => added.push(word),
        }
    }
    let same = old.len() - left.len();
    Moved::Elements { added, same, removed: left.into_iter().map(|(_, word)| word).collect() }
}

fn parts(old: &str, new: &str) -> Vec<Part> {
    let diff = TextDiff::from_lines(old, new);
    let mut parts = Vec::new();
    for operation in diff.ops() {
        for change in diff.iter_inline_changes(operation) {
            let pieces = || {
                let pieces = change
                    .iter_strings_lossy()
                    .map(|(is_it, piece)| (is_it, piece.trim_end_matches(['\n', '\r']).to_owned()));
                pieces.filter(|(_, piece)| !piece.is_empty()).collect()
            };
            match (change.tag(), parts.last_mut()) {
                (ChangeTag::Equal, Some(Part::Same(number))) => *number += 1,
                (ChangeTag::Equal, _) => parts.push(Part::Same(1)),
                (ChangeTag::Delete, _) => {
                    parts.push(Part::Removed(change.old_index().unwrap_or(0) + 1, pieces()));
                }
                (ChangeTag::Insert, _) => {
                    parts.push(Part::Added(change.new_index().unwrap_or(0) + 1, pieces()));
                }
            }
        }
    }
    parts
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::model::SettingPath;
    use crate::plan::ChangeKind;

    fn change(before: Json, after: Json) -> Change {
        let path = SettingPath::root().child("x");
        Change { before, after, ..Change::new(&path, ChangeKind::Change, None, None) }
    }

    #[test]
    fn each_kind_of_value_is_told_by_what_changed_in_it() {
        let said = |before: Json, after: Json| Moved::of(Language::english(), &change(before, after)).line();
        assert_eq!(said(json!(false), json!(true)), "Off → On");
        assert_eq!(said(json!(["a", "b"]), json!(["b", "c", "d"])), "+ c  + d  − a  (1 the same)");
        assert_eq!(said(json!(["a", "b"]), json!(["b", "a"])), "in another order  (2 the same)");
        assert_eq!(said(json!("30"), json!("14")), "30 → 14");
        let named = Change {
            before_label: Some("Paid (PAID), Due (DUE)".into()),
            after_label: Some("Paid (PAID), Void (VOID)".into()),
            ..change(json!(["PAID", "DUE"]), json!(["PAID", "VOID"]))
        };
        assert_eq!(Moved::of(Language::english(), &named).line(), "+ Void (VOID)  − Due (DUE)  (1 the same)");
        // A name with what stands between names in it says nothing of the others.
        let odd = Change { after_label: Some("Paid, in part (PAID), Void (VOID)".into()), ..named };
        assert_eq!(Moved::of(Language::english(), &odd).line(), "+ VOID  − Due (DUE)  (1 the same)");
        let (old, new) = ("same\n".repeat(150) + "old end\n", "same\n".repeat(150) + "new end\n");
        let moved = Moved::of(Language::english(), &change(json!(old), json!(new)));
        let shown: Vec<String> =
            moved.lines().into_iter().map(|(tag, line)| format!("{tag}{line}")).collect();
        assert_eq!(shown, [" … 150 lines are the same", "-old end", "+new end"]);
        let Moved::Text(parts) = moved else { panic!() };
        assert_eq!(parts[1], Part::Removed(151, vec![(true, "old".into()), (false, " end".into())]));
    }

    proptest::proptest! {
        #[test]
        fn no_line_is_lost(old in "([a-c]{0,2}\n){0,8}[a-c]{0,3}\n", new in "([a-c]{0,2}\n){0,8}[a-c]{0,3}\n") {
            let parts = parts(&old, &new);
            let lines = |is_old: bool| parts.iter().map(|part| match part {
                Part::Same(number) => *number,
                Part::Removed(..) => usize::from(is_old),
                Part::Added(..) => usize::from(!is_old),
            }).sum::<usize>();
            proptest::prop_assert_eq!((lines(true), lines(false)), (old.lines().count(), new.lines().count()));
        }
    }
}
