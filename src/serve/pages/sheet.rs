//! Rows of a mapping as a spreadsheet has them: read from what was pasted, and given as CSV. A row is the keys down to a value, and
//! the value, by its number or its name.

use std::fmt::Write as _;

use axum::response::Response;

use super::draft::Draft;
use super::shell;
use super::values::{choosable, is_mapping, is_record, kind, typed_form};
use super::visit::{Shown, Visit};
use crate::model::{SettingPath, Value};
use crate::ops::section::Judged;
use crate::schema::Category;
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;

/// No sheet has more rows that are read.
const MOST: usize = 2000;

/// Reads what was pasted under a mapping into the draft; how many rows were. Those that were not stay, with why.
pub fn read(
    category: &Category,
    judged: &Judged,
    work: &Work<'_>,
    mapping: &SettingPath,
    draft: &mut Draft,
) -> usize {
    let Some((_, pasted)) = draft.unread.remove(mapping) else { return 0 };
    let view = judged.compiled().map(|compiled| compiled.view(work.ground.options()));
    let (mut count, mut wrong, mut left) = (0, Vec::new(), String::new());
    for (at, line) in pasted.lines().enumerate().take(MOST) {
        if line.trim().is_empty() {
            continue;
        }
        let cells = cells(line);
        let found = row(category, mapping, &cells).and_then(|(path, typed)| {
            let schema = category.schema_at(&path).ok_or_else(|| cells.join(";"))?;
            let all = choosable(schema, view.as_ref());
            let by_name = |typed: &str| {
                let all = all.as_ref()?;
                let is_it = |label: &str| {
                    label.eq_ignore_ascii_case(typed) || label.to_lowercase() == typed.to_lowercase()
                };
                all.iter().find(|one| one.value == typed).or_else(|| all.iter().find(|one| is_it(&one.label)))
            };
            let value = by_name(&typed).map_or(typed, |one| one.value.clone());
            Ok((path, value))
        });
        match found {
            Ok((path, value)) => {
                let row: SettingPath = path.segments().iter().take(mapping.segments().len() + 1).collect();
                draft.removed.remove(&row);
                draft.added.insert(row);
                // Rows within the row are added as well.
                let parent: SettingPath = path.segments().iter().take(path.segments().len() - 1).collect();
                if category.schema_at(&parent).is_some_and(is_mapping)
                    && parent.segments().len() > mapping.segments().len()
                {
                    draft.added.insert(path.clone());
                }
                draft.values.insert(path, vec![value]);
                count += 1;
            }
            Err(why) => {
                wrong.push(format!("{}: {why}", at + 1));
                let _ = writeln!(left, "{line}");
            }
        }
    }
    if !wrong.is_empty() {
        draft.unread.insert(mapping.clone(), (wrong, left));
    }
    count
}

/// Where a row of a sheet belongs, and what it says there.
fn row(
    category: &Category,
    mapping: &SettingPath,
    cells: &[String],
) -> Result<(SettingPath, String), String> {
    let line = || cells.join(";");
    let (value, keys) = cells.split_last().ok_or_else(line)?;
    if keys.is_empty() || keys.iter().any(String::is_empty) {
        return Err(line());
    }
    let path = keys.iter().fold(mapping.clone(), |path, key| path.child(key));
    let schema = category.schema_at(&path).ok_or_else(line)?;
    // It has to lead to a value, not to what holds some.
    if is_mapping(schema) || is_record(schema) { Err(line()) } else { Ok((path, value.clone())) }
}

/// The cells of a line, parted by tabs or semicolons; in quotes either may stand.
fn cells(line: &str) -> Vec<String> {
    let separator = if line.contains('\t') { '\t' } else { ';' };
    let (mut cells, mut cell, mut is_quoted) = (Vec::new(), String::new(), false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if is_quoted && rest.peek() == Some(&'"') => {
                rest.next();
                cell.push('"');
            }
            '"' if is_quoted || cell.trim().is_empty() => is_quoted = !is_quoted,
            c if c == separator && !is_quoted => cells.push(std::mem::take(&mut cell)),
            c => cell.push(c),
        }
    }
    cells.push(cell);
    // A quote before a cell says to a spreadsheet that it is text.
    cells.iter().map(|cell| cell.trim().trim_start_matches('\'').to_owned()).collect()
}

/// A cell as a spreadsheet reads it: never a formula.
fn quoted(text: &str) -> String {
    let harmless = match text.chars().next() {
        Some('=' | '+' | '-' | '@' | '\t') => format!("'{text}"),
        _ => text.to_owned(),
    };
    match harmless.contains([';', '"', '\n', '\t']) {
        true => format!("\"{}\"", harmless.replace('"', "\"\"")),
        false => harmless,
    }
}

/// `GET …/settings/{category}/sheet?mapping=…`: the rows of a mapping as CSV.
pub async fn give(Named((id, category)): Named<(String, String)>, visit: Visit) -> Response {
    visit
        .show(move |work, hand| {
            let (known, judged) = shell::known(&id, hand, work)?;
            let category = known.category(&category)?;
            let mapping = hand.query.get("mapping").and_then(|text| SettingPath::parse(text));
            let mapping = mapping.ok_or_else(|| Problem::bad_request("name the `mapping`"))?;
            let view = judged.compiled().map(|compiled| compiled.view(work.ground.options()));
            let rows = known.rows.get(category.id.as_str()).into_iter().flat_map(|row| &row.settings);
            let mut text = String::from("\u{feff}");
            for (path, value) in rows.filter(|(path, _)| path.starts_with(&mapping)) {
                let Some(schema) = category.schema_at(path).filter(|_| !matches!(value, Value::Secret(_)))
                else {
                    continue;
                };
                let kind = kind(schema, Some(value), choosable(schema, view.as_ref()).as_deref());
                let keys = path.segments().iter().skip(mapping.segments().len()).map(|key| quoted(key));
                let value = quoted(&typed_form(kind, Some(value)).join(", "));
                let cells: Vec<String> = keys.chain([value]).collect();
                let _ = write!(text, "{}\r\n", cells.join(";"));
            }
            let plain = |text: &str| {
                text.chars()
                    .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
                    .collect::<String>()
            };
            Ok(Shown::File {
                name: format!("{}-{}.csv", plain(known.id()), plain(&mapping.to_string())),
                text,
            })
        })
        .await
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_that_was_given_is_read_back() {
        for text in ["Qliro", "a;b", "\"x\"", "=1+1", "-", "två ord", ""] {
            assert_eq!(cells(&format!("{};{}", quoted(text), quoted("30"))), [text, "30"], "{text}");
        }
        assert_eq!(cells("Qliro\t30 dagar; netto"), ["Qliro", "30 dagar; netto"]);
    }
}
