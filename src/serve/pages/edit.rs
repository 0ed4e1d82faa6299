//! Edits of files and what comes of them, as data for the templates: the lines of a difference, and the changes of a plan in words.

use serde_json::{Value as Json, json};
use similar::{ChangeTag, TextDiff};

use super::shell::Names;
use crate::model::SettingPath;
use crate::ops::files::FileDiff;
use crate::ops::section::{Known, PlanPreview};
use crate::plan::Mode;
use crate::report::texts::Language;
use crate::report::words;

/// Files with their lines: those that change, and those around them.
#[must_use]
pub fn files(diffs: &[FileDiff]) -> Vec<Json> {
    diffs.iter().enumerate().map(|(at, diff)| file(at, diff)).collect()
}

fn file(at: usize, diff: &FileDiff) -> Json {
    let (mut rows, mut number, mut removed_at) = (Vec::new(), 0_usize, 0_usize);
    let (mut added, mut removed) = (0, 0);
    let mut is_inside = false;
    for line in diff.text.lines() {
        if let Some(hunk) = line.strip_prefix("@@ -") {
            let start = |text: &str| text.split([',', ' ']).next().and_then(|text| text.parse().ok());
            removed_at = start(hunk).unwrap_or(1);
            number = hunk.split_once('+').and_then(|(_, new)| start(new)).unwrap_or(1);
            is_inside = true;
            continue;
        }
        if !is_inside || line.starts_with('\\') {
            continue;
        }
        let mut row = |sign: &str, number: usize| {
            let text = line.get(1..).unwrap_or_default();
            rows.push(json!({"sign": sign, "number": number, "text": text}));
        };
        match line.chars().next() {
            Some('-') => {
                row("-", removed_at);
                removed_at += 1;
                removed += 1;
            }
            Some('+') => {
                row("+", number);
                number += 1;
                added += 1;
            }
            _ => {
                row(" ", number);
                number += 1;
                removed_at += 1;
            }
        }
    }
    mark(&mut rows);
    let shown = if is_inside { None } else { Some(diff.text.trim()) };
    json!({"id": at + 1, "path": diff.path, "rows": rows, "count": added.max(removed), "text": shown})
}

/// Marks what is another within lines that took each other's place, of as many as went as came: the rest of each is as it was.
fn mark(rows: &mut [Json]) {
    let mut at = 0;
    while at < rows.len() {
        let signs =
            |from: usize, sign: &str| rows[from..].iter().take_while(|row| row["sign"] == sign).count();
        let removed = signs(at, "-");
        let added = signs(at + removed, "+");
        for number in (0..removed).filter(|_| removed == added) {
            let text = |at: usize| rows[at]["text"].as_str().unwrap_or_default().to_owned();
            let (old, new) = (text(at + number), text(at + removed + number));
            let [before, after] = parts(&old, &new);
            rows[at + number]["pieces"] = before;
            rows[at + removed + number]["pieces"] = after;
        }
        at += (removed + added).max(1);
    }
}

/// Two texts, each in pieces of which those are marked that the other does not have.
fn parts(old: &str, new: &str) -> [Json; 2] {
    let (old, new) = (words(old), words(new));
    let diff = TextDiff::from_slices(&old, &new);
    let pieces = |gone: ChangeTag| -> Json {
        let own =
            diff.iter_all_changes().filter(|change| change.tag() == ChangeTag::Equal || change.tag() == gone);
        own.map(|change| json!({"marked": change.tag() == gone, "text": change.value()})).collect()
    };
    [pieces(ChangeTag::Delete), pieces(ChangeTag::Insert)]
}

/// The words of a line, and what stands between them: blanks, brackets and commas.
fn words(line: &str) -> Vec<&str> {
    let is_between = |c: char| c.is_whitespace() || "{}[],".contains(c);
    let apart = |piece: &'_ str| piece.trim_end_matches(is_between).len();
    line.split_inclusive(is_between)
        .flat_map(|piece| <[&str; 2]>::from(piece.split_at(apart(piece))))
        .filter(|piece| !piece.is_empty())
        .collect()
}

/// The changes of a plan, in the words of the pair.
#[must_use]
pub fn changes(plan: &PlanPreview, known: &Known, called: &Names, language: &Language) -> Vec<Json> {
    let is_live = |name: &String| {
        let mut all = plan.integrations.iter();
        all.any(|one| one.integration == *name && one.mode == Mode::Live)
    };
    let one = |change: &crate::ops::section::PlannedChange| {
        let category = known.pair.category(&change.category);
        let path = SettingPath::parse(&change.setting);
        let said = category.zip(path).map(|(category, path)| words::named(category, &path));
        let of = |id: &String| json!({"id": id, "name": called.of(id), "live": is_live(id)});
        let mut names: Vec<Json> = change.integrations.iter().map(of).collect();
        names.sort_by_key(|one| one["live"] != true);
        let shown = |value: &Json, label: &Option<String>| {
            let plain = words::shown_in(language, value, None);
            let id = label.as_ref().filter(|label| **label != plain && value.is_string());
            (!value.is_null())
                .then(|| json!({"text": label.as_ref().unwrap_or(&plain), "id": id.map(|_| &plain)}))
        };
        json!({
            "title": change.title, "words": said.unwrap_or_else(|| change.setting.clone()),
            "before": shown(&change.before, &change.before_label), "after": shown(&change.after, &change.after_label),
            "integrations": names, "live": change.integrations.iter().filter(|name| is_live(name)).count(),
            "next_sync": change.next_sync.as_deref().map(|next| words::next_sync(language, next)),
        })
    };
    plan.changes.iter().map(one).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_have_the_numbers_that_they_have_in_their_file() {
        let text = "--- a/x\n+++ b/x\n@@ -6,4 +6,5 @@\n a\n-b\n+c\n+d\n e\n@@ -20 +21 @@\n-x\n\\ No newline at end of file\n+y\n";
        let diff = FileDiff { path: "x".to_owned(), created: false, text: text.to_owned() };
        let made = file(0, &diff);
        let rows: Vec<String> = made["rows"]
            .as_array()
            .unwrap()
            .iter()
            .map(|row| {
                format!("{}{}{}", row["number"], row["sign"].as_str().unwrap(), row["text"].as_str().unwrap())
            })
            .collect();
        assert_eq!(rows, ["6 a", "7-b", "7+c", "8+d", "9 e", "20-x", "21+y"]);
        assert_eq!(made["count"], 3);
        // Of a line that took another's place only what is another is marked.
        let text = "--- a/x\n+++ b/x\n@@ -1,2 +1,2 @@\n-    terms: \"10\" # net\n-  order: {prefix: \"A-\"}\n+    terms: \"14\" # net\n+  order: {prefix: \"B-\"}\n";
        let moved = file(0, &FileDiff { path: "x".to_owned(), created: false, text: text.to_owned() });
        let marked = |row: usize| -> Vec<String> {
            let pieces = moved["rows"][row]["pieces"].as_array().unwrap().iter();
            pieces
                .filter(|piece| piece["marked"] == true)
                .map(|piece| piece["text"].as_str().unwrap().to_owned())
                .collect()
        };
        let told: Vec<String> = (0..4).flat_map(marked).collect();
        assert_eq!(told, ["\"10\"", "\"A-\"", "\"14\"", "\"B-\""]);
        let hidden = FileDiff { text: "x: not shown\n".to_owned(), ..diff };
        assert_eq!(file(0, &hidden)["text"], "x: not shown");
    }
}
