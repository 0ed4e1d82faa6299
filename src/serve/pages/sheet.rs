//! Rows of a mapping as a spreadsheet has them: read from what was pasted, and given as CSV. Where the rows are records, a row of the
//! sheet is a record, under a line that names its fields; else it is the keys down to a value, and the value, by its number or its name.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::response::Response;
use serde_json::Value as Json;

use super::draft::Draft;
use super::shell;
use super::values::{Choosable, Kind, choosable, is_mapping, is_record, kind, typed_form};
use super::visit::{Shown, Visit};
use crate::model::{SettingPath, Settings, Value};
use crate::ops::section::Judged;
use crate::options::View;
use crate::report::texts::Language;
use crate::schema::{Category, text};
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;

/// No sheet has more rows that are read at once.
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
    let lines = lines(&pasted);
    let columns = lines.first().and_then(|line| columns(category, mapping, &line.cells));
    let rows = lines.iter().skip(usize::from(columns.is_some()));
    let (mut count, mut wrong, mut left) = (0, Vec::new(), Vec::new());
    for (at, line) in rows.enumerate() {
        let found = match &columns {
            _ if at >= MOST => Err(line.raw.trim().to_owned()),
            Some(columns) => record(category, mapping, columns, line),
            None => value(category, mapping, &line.cells).map(|one| vec![one]),
        };
        // What a switch does not know is no row that was read.
        let is_known = |(path, cell): &(SettingPath, String)| {
            let schema = category.schema_at(path);
            let is_switch = schema.is_some_and(|schema| kind(schema, None, None) == Kind::Toggle);
            !is_switch || matches!(switch(cell).as_str(), "on" | "off" | "")
        };
        let found = match found {
            Ok(all) if !all.iter().all(is_known) => Err(line.cells.join(";")),
            found => found,
        };
        match found {
            Ok(all) => {
                for (path, cell) in all {
                    take(category, mapping, view.as_ref(), path, &cell, draft);
                }
                count += 1;
            }
            Err(why) => {
                wrong.push(format!("{}: {why}", line.number));
                left.push(line.raw);
            }
        }
    }
    if !wrong.is_empty() {
        // What is read again is read by the same line of names.
        let heads = lines.first().filter(|_| columns.is_some()).map(|line| line.raw);
        let left: Vec<&str> = heads.into_iter().chain(left).collect();
        draft.unread.insert(mapping.clone(), (wrong, left.join("\n") + "\n"));
    }
    count
}

/// Types a cell into a setting.
fn take(
    category: &Category,
    mapping: &SettingPath,
    view: Option<&View<'_>>,
    path: SettingPath,
    cell: &str,
    draft: &mut Draft,
) {
    let Some(schema) = category.schema_at(&path) else { return };
    let all = choosable(schema, view);
    let typed = match kind(schema, None, all.as_deref()) {
        Kind::Multi => several(all.as_deref(), cell),
        Kind::Toggle => vec![switch(cell)],
        _ => vec![by_name(all.as_deref(), cell)],
    };
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
    draft.values.insert(path, typed);
}

/// A value by its number or its name.
fn by_name(all: Option<&[Choosable]>, cell: &str) -> String {
    let all = all.unwrap_or_default();
    let is_it = |label: &str| label.to_lowercase() == cell.to_lowercase();
    let found = all.iter().find(|one| one.value == cell).or_else(|| all.iter().find(|one| is_it(&one.label)));
    found.map_or_else(|| cell.to_owned(), |one| one.value.clone())
}

fn several(all: Option<&[Choosable]>, cell: &str) -> Vec<String> {
    let parts = cell.split([',', '\n']).map(str::trim).filter(|part| !part.is_empty());
    parts.map(|part| by_name(all, part)).collect()
}

/// On and off in the words of each language, and of spreadsheets.
fn switch(cell: &str) -> String {
    let cell = cell.to_lowercase();
    let says = |key: &str| Language::all().iter().any(|one| one.text(key, None).to_lowercase() == cell);
    match cell.as_str() {
        "true" | "1" => "on".to_owned(),
        "false" | "0" => "off".to_owned(),
        _ if says("on") || says("yes") => "on".to_owned(),
        _ if says("off") || says("no") => "off".to_owned(),
        _ => cell,
    }
}

/// Where a row of a sheet belongs, and what it says there.
fn value(
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

/// The fields that the first line of a sheet of records names, in the order of its columns; none where it names no fields.
fn columns(category: &Category, mapping: &SettingPath, cells: &[String]) -> Option<Vec<SettingPath>> {
    let fields = fields(category, mapping)?;
    let (_, names) = cells.split_first().filter(|(_, names)| !names.is_empty())?;
    let find = |name: &String| {
        let is_it = |(path, title): &&(SettingPath, String)| {
            path.to_string() == *name || title.to_lowercase() == name.to_lowercase()
        };
        fields.iter().find(is_it).map(|(path, _)| path.clone())
    };
    names.iter().map(find).collect()
}

/// The values of a row by what names them.
fn record(
    category: &Category,
    mapping: &SettingPath,
    columns: &[SettingPath],
    line: &Line<'_>,
) -> Result<Vec<(SettingPath, String)>, String> {
    let wrong = || line.cells.join(";");
    let (key, cells) = line.cells.split_first().ok_or_else(wrong)?;
    if key.is_empty() || cells.len() > columns.len() {
        return Err(wrong());
    }
    let row = mapping.child(key);
    category.schema_at(&row).ok_or_else(wrong)?;
    let all = columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
    let all: Vec<_> = all
        .map(|(field, cell)| {
            (field.segments().iter().fold(row.clone(), |path, name| path.child(name)), cell.clone())
        })
        .collect();
    if all.is_empty() { Err(wrong()) } else { Ok(all) }
}

/// The fields of the records of a mapping, with what they are called; none where its rows are none.
fn fields(category: &Category, mapping: &SettingPath) -> Option<Vec<(SettingPath, String)>> {
    fn below(schema: &Json, path: &SettingPath, title: &str, all: &mut Vec<(SettingPath, String)>) {
        let properties = schema.get("properties").and_then(Json::as_object).into_iter().flatten();
        for (name, field) in properties.filter(|(_, field)| field.get("x-kept-in").is_none()) {
            let path = path.child(name);
            let own = Some(text(field, "title")).filter(|title| !title.is_empty()).unwrap_or(name);
            let title = if title.is_empty() { own.to_owned() } else { format!("{title} › {own}") };
            if is_record(field) {
                below(field, &path, &title, all);
            } else if !is_mapping(field) && field.get("x-secret").is_none() {
                all.push((path, title));
            }
        }
    }
    let rows = category.schema_at(mapping)?.get("additionalProperties").filter(|rows| is_record(rows))?;
    let mut all = Vec::new();
    below(rows, &SettingPath::root(), "", &mut all);
    Some(all)
}

/// A line of a sheet, which a text in quotes may spread over several of the text.
#[derive(Debug, PartialEq, Eq)]
struct Line<'a> {
    number: usize,
    raw: &'a str,
    cells: Vec<String>,
}

/// The lines of a sheet that say something. Cells are parted by tabs, else by semicolons, else by commas, as the sheet has them.
fn lines(sheet: &str) -> Vec<Line<'_>> {
    // Spreadsheets write a mark before the first cell.
    let sheet = sheet.trim_start_matches('\u{feff}');
    let separator = ['\t', ';'].into_iter().find(|c| sheet.contains(*c)).unwrap_or(',');
    let mut lines = Vec::new();
    let (mut cells, mut cell, mut is_quoted, mut was_quoted) = (Vec::new(), String::new(), false, false);
    let (mut start, mut number, mut first) = (0, 1, 1);
    let mut rest = sheet.char_indices().peekable();
    while let Some((at, c)) = rest.next() {
        match c {
            '"' if is_quoted && rest.peek().is_some_and(|(_, next)| *next == '"') => {
                rest.next();
                cell.push('"');
            }
            '"' if is_quoted => is_quoted = false,
            '"' if cell.trim().is_empty() && !was_quoted => (is_quoted, was_quoted) = (true, true),
            '\n' if !is_quoted => {
                cells.push(plain(&std::mem::take(&mut cell)));
                was_quoted = false;
                lines.push(Line { number: first, raw: &sheet[start..at], cells: std::mem::take(&mut cells) });
                (start, number, first) = (at + 1, number + 1, number + 1);
            }
            c if c == separator && !is_quoted => {
                cells.push(plain(&std::mem::take(&mut cell)));
                was_quoted = false;
            }
            c => {
                number += usize::from(c == '\n');
                cell.push(c);
            }
        }
    }
    cells.push(plain(&cell));
    lines.push(Line { number: first, raw: &sheet[start..], cells });
    lines.retain(|line| line.cells.iter().any(|cell| !cell.is_empty()));
    lines
}

/// A cell without what says to a spreadsheet that it is text.
fn plain(cell: &str) -> String {
    let cell = cell.trim();
    let marked = cell.strip_prefix('\'').filter(|rest| rest.starts_with(MARKED));
    marked.unwrap_or(cell).to_owned()
}

/// What a spreadsheet would take for a formula, and the mark itself.
const MARKED: [char; 6] = ['=', '+', '-', '@', '\t', '\''];

/// A cell as a spreadsheet reads it: never a formula.
fn quoted(text: &str) -> String {
    let is_marked = text.starts_with(['=', '+', '-', '@', '\t'])
        || text.strip_prefix('\'').is_some_and(|rest| rest.starts_with(MARKED));
    let harmless = if is_marked { format!("'{text}") } else { text.to_owned() };
    match harmless.contains([';', ',', '"', '\n', '\t']) {
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
            let none = Settings::new();
            let settings = known.rows.get(category.id.as_str()).map_or(&none, |row| &row.settings);
            let sheet = Sheet { category, mapping: &mapping, view: view.as_ref(), settings };
            let plain = |text: &str| {
                text.chars()
                    .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
                    .collect::<String>()
            };
            Ok(Shown::File {
                name: format!("{}-{}.csv", plain(known.id()), plain(&mapping.to_string())),
                text: sheet.text(hand.language.text("map.key", None)),
            })
        })
        .await
}

/// What is given as CSV.
struct Sheet<'a> {
    category: &'a Category,
    mapping: &'a SettingPath,
    view: Option<&'a View<'a>>,
    settings: &'a Settings,
}

impl Sheet<'_> {
    fn text(&self, key: &str) -> String {
        let mut out = String::from("\u{feff}");
        let rows: Vec<(&SettingPath, String)> = self
            .settings
            .iter()
            .filter(|(path, _)| path.starts_with(self.mapping))
            .filter_map(|(path, value)| Some((path, self.cell(path, value)?)))
            .collect();
        let depth = self.mapping.segments().len();
        let field_of = |path: &SettingPath| path.segments().iter().skip(depth + 1).collect::<SettingPath>();
        // Rows within rows are no columns.
        let columns = fields(self.category, self.mapping)
            .filter(|all| rows.iter().all(|(path, _)| all.iter().any(|(field, _)| *field == field_of(path))));
        let Some(columns) = columns else {
            for (path, cell) in rows {
                let keys = path.segments().iter().skip(depth).map(|key| quoted(key));
                let cells: Vec<String> = keys.chain([cell]).collect();
                let _ = write!(out, "{}\r\n", cells.join(";"));
            }
            return out;
        };
        let is_used = |field: &SettingPath| rows.iter().any(|(path, _)| field_of(path) == *field);
        let columns: Vec<(SettingPath, String)> =
            columns.into_iter().filter(|(field, _)| rows.is_empty() || is_used(field)).collect();
        let mut records: BTreeMap<&str, BTreeMap<SettingPath, String>> = BTreeMap::new();
        for (path, cell) in &rows {
            let Some(name) = path.segments().get(depth) else { continue };
            records.entry(name).or_default().insert(field_of(path), cell.clone());
        }
        let heads = columns.iter().map(|(_, title)| quoted(title));
        let heads: Vec<String> = std::iter::once(quoted(key)).chain(heads).collect();
        let _ = write!(out, "{}\r\n", heads.join(";"));
        for (name, mut of_one) in records {
            let cells = columns.iter().map(|(field, _)| of_one.remove(field).unwrap_or_default());
            let cells: Vec<String> = std::iter::once(quoted(name)).chain(cells).collect();
            let _ = write!(out, "{}\r\n", cells.join(";"));
        }
        out
    }

    /// A value as a cell; none of a credential, which no sheet has.
    fn cell(&self, path: &SettingPath, value: &Value) -> Option<String> {
        let schema = self.category.schema_at(path).filter(|_| !matches!(value, Value::Secret(_)))?;
        let kind = kind(schema, Some(value), choosable(schema, self.view).as_deref());
        Some(quoted(&typed_form(kind, schema, Some(value)).join(", ")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cells(line: &str) -> Vec<String> {
        lines(line).remove(0).cells
    }

    #[test]
    fn a_cell_that_was_given_is_read_back() {
        for text in [
            "Qliro",
            "a;b",
            "\"x\"",
            "=1+1",
            "-",
            "två ord",
            "",
            "'t Hoekje",
            "'=1",
            "''",
            "en\nannan",
            "a,b",
        ] {
            assert_eq!(cells(&format!("{};{}", quoted(text), quoted("30"))), [text, "30"], "{text}");
        }
    }

    #[test]
    fn sheets_are_read_as_spreadsheets_write_them() {
        assert_eq!(cells("Qliro\t30 dagar; netto"), ["Qliro", "30 dagar; netto"]);
        assert_eq!(cells("\u{feff}Qliro;30"), ["Qliro", "30"]);
        assert_eq!(cells("\u{feff}\"Qliro\",30"), ["Qliro", "30"]);
        let read = lines("A;1\n\nB;\"two\nlines\"\n;\nC;3");
        let told: Vec<(usize, &str)> =
            read.iter().map(|line| (line.number, line.cells[1].as_str())).collect();
        assert_eq!(told, [(1, "1"), (3, "two\nlines"), (6, "3")]);
        assert_eq!(read[1].raw, "B;\"two\nlines\"");
    }

    #[test]
    fn a_switch_is_read_in_every_language() {
        for (cell, expected) in
            [("På", "on"), ("TRUE", "on"), ("Off", "off"), ("Ja", "on"), ("no", "off"), ("nej då", "nej då")]
        {
            assert_eq!(switch(cell), expected);
        }
    }
}
