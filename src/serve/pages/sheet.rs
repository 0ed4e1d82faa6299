//! Rows of a mapping as a spreadsheet has them: read from what was pasted, and given as CSV. Where the rows are records, a row of the
//! sheet is a record, under a line that names its fields; else it is the keys down to a value, and the value, by its number or its name.
//! A line that only says what the columns are is passed by.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use axum::response::Response;
use serde_json::Value as Json;

use super::draft::Draft;
use super::found::help_by_labels;
use super::shell;
use super::values::{
    Choosable, Kind, by_name, choosable, is_mapping, is_record, key_of, key_title, kind, typed_form,
    value_title,
};
use super::visit::{Shown, Visit};
use crate::model::{SettingPath, Settings, Value, countries};
use crate::ops::section::{Judged, Known};
use crate::options::View;
use crate::report::texts::Language;
use crate::schema::{Category, options_of, text};
use crate::serve::app::Work;
use crate::serve::ask::Named;
use crate::serve::problem::Problem;

/// No sheet has more rows that are read at once.
const MOST: usize = 2000;

/// Reads what was pasted under a mapping into the draft; how many rows were, and how many not. Those that were not stay, with why.
pub fn read(
    (known, category): (&Known, &Category),
    judged: &Judged,
    work: &Work<'_>,
    mapping: &SettingPath,
    language: &Language,
    draft: &mut Draft,
) -> (usize, usize) {
    let Some((_, pasted)) = draft.unread.remove(mapping) else { return (0, 0) };
    let view = judged.compiled().map(|compiled| compiled.view(work.ground.options()));
    let reading = Reading { integration: known, category, mapping, view: view.as_ref(), language };
    let lines = lines(&pasted);
    let columns = lines.first().and_then(|line| columns(category, mapping, &line.cells));
    let is_headed = columns.is_some() || lines.first().is_some_and(|line| reading.is_heading(&line.cells));
    let rows = lines.iter().skip(usize::from(is_headed));
    let (mut count, mut wrong, mut left) = (0, Vec::new(), Vec::new());
    let read: Vec<_> = rows
        .enumerate()
        .map(|(at, line)| {
            let found = match &columns {
                _ if at >= MOST => Err(language.say("map.why_most", &[("most", &MOST.to_string())])),
                Some(columns) => reading.record(columns, line),
                None => reading.value(&line.cells).map(|one| vec![one]),
            };
            (line, found.and_then(|all| reading.known(all)))
        })
        .collect();
    // What stands twice is read from neither line, as nothing says which of them is meant.
    let depth = mapping.segments().len() + 1;
    let own = |path: &SettingPath| match &columns {
        Some(_) => path.segments().iter().take(depth).collect(),
        None => path.clone(),
    };
    let mut lines_of: BTreeMap<SettingPath, Vec<usize>> = BTreeMap::new();
    for (line, found) in &read {
        let rows = found.iter().flatten().map(|(path, _)| own(path)).collect::<BTreeSet<_>>();
        rows.into_iter().for_each(|row| lines_of.entry(row).or_default().push(line.number));
    }
    for (line, found) in read {
        let twin = found.iter().flatten().find_map(|(path, _)| {
            let all = lines_of.get(&own(path))?;
            all.iter().find(|number| **number != line.number)
        });
        let found = match twin {
            Some(other) => {
                let cell = line.cells.first().map_or("", String::as_str);
                Err(language.say("map.why_twice", &[("cell", cell), ("line", &other.to_string())]))
            }
            None => found,
        };
        match found {
            Ok(all) => {
                for (path, cell) in all {
                    take(category, mapping, view.as_ref(), path, &cell, draft);
                }
                count += 1;
            }
            Err(why) => {
                wrong.push(format!("{}: {} ({why})", line.number, line.cells.join(";")));
                left.push(line.raw);
            }
        }
    }
    let unread = wrong.len();
    if unread > 0 {
        // What is read again is read by the same line of names.
        let heads = lines.first().filter(|_| is_headed).map(|line| line.raw);
        let left: Vec<&str> = heads.into_iter().chain(left).collect();
        draft.unread.insert(mapping.clone(), (wrong, left.join("\n") + "\n"));
    }
    (count, unread)
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

/// What reads the rows of a mapping.
struct Reading<'a> {
    integration: &'a Known,
    category: &'a Category,
    mapping: &'a SettingPath,
    view: Option<&'a View<'a>>,
    language: &'a Language,
}

impl Reading<'_> {
    /// Why there is no such row: what the schema says of those that one might look for.
    fn why_key(&self, mapping: &Json, cell: &str) -> String {
        let refusals = mapping.get("propertyNames").and_then(|names| names.get("x-refusals"));
        let of = |key: &str| refusals?.get(key)?.as_str();
        let said = of(cell).or_else(|| of(countries::code_of(cell)?));
        let plain = |said: &str| help_by_labels(said, self.integration, self.category, self.mapping);
        said.map_or_else(|| self.why("map.why_key", cell), plain)
    }

    fn why(&self, key: &str, cell: &str) -> String {
        self.language.say(key, &[("cell", cell)])
    }

    /// Whether the first line only says what stands below: the titles of the columns, or words where no row of this mapping has any.
    fn is_heading(&self, cells: &[String]) -> bool {
        let Some(first) = cells.first().map(|first| first.to_lowercase()) else { return false };
        let schema = self.category.schema_at(self.mapping);
        let says = |language: &Language| {
            let own = schema.and_then(|schema| key_title(schema, self.view, language));
            let all = own.into_iter().chain([language.say("map.key", &[])]);
            all.map(|title| title.to_lowercase()).any(|title| title == first)
        };
        let is_title = Language::all().iter().any(says);
        let has_digits = cells.iter().any(|cell| cell.contains(|c: char| c.is_ascii_digit()));
        cells.len() > 1 && (is_title || !has_digits && self.value(cells).is_err())
    }

    /// Where a row belongs, and what it says there: keys and fields down to a value, the value, and beside it what that is called.
    fn value(&self, cells: &[String]) -> Result<(SettingPath, String), String> {
        let (mut path, mut left) = (self.mapping.clone(), cells);
        loop {
            let schema = self.category.schema_at(&path).ok_or_else(|| self.why("map.why_place", ""))?;
            if is_mapping(schema) {
                let (first, more) = left.split_first().ok_or_else(|| self.why("map.why_no_value", ""))?;
                if first.is_empty() {
                    return Err(self.why("map.why_no_key", ""));
                }
                let key = key_of(schema, self.view, first).ok_or_else(|| self.why_key(schema, first))?;
                (path, left) = (path.child(&key), more);
            } else if is_record(schema) {
                let (field, more) = self.field(schema, left)?;
                (path, left) = (path.child(field), more);
            } else {
                let mut said = left.iter().filter(|cell| !cell.is_empty());
                let value = said.next().ok_or_else(|| self.why("map.why_no_value", ""))?;
                let all = choosable(schema, self.view);
                let is_its_name =
                    |cell: &String| by_name(all.as_deref(), cell) == by_name(all.as_deref(), value);
                return match said.find(|cell| !is_its_name(cell)) {
                    Some(more) => Err(self.why("map.why_many", more)),
                    None => Ok((path, value.clone())),
                };
            }
        }
    }

    /// The field of a record that the next cell names, by its id or its title, and the cells behind it. Where it names none and the record has
    /// values by rows of their own, such as accounts by VAT rate, it is the first of these where a row of it stands there, else the
    /// first field.
    fn field<'s>(&self, schema: &'s Json, cells: &'s [String]) -> Result<(&'s str, &'s [String]), String> {
        let all = || schema.get("properties").and_then(Json::as_object).into_iter().flatten();
        let (first, more) = cells.split_first().ok_or_else(|| self.why("map.why_no_value", ""))?;
        let named = |(name, field): &(&String, &Json)| {
            *name == first || text(field, "title").to_lowercase() == first.to_lowercase()
        };
        if let Some((name, _)) = all().find(named).filter(|_| !first.is_empty()) {
            return Ok((name, more));
        }
        let (rows, plain) = implied(schema).ok_or_else(|| self.why("map.why_place", first))?;
        let is_row = more.iter().any(|cell| !cell.is_empty())
            && schema
                .pointer(&format!("/properties/{rows}"))
                .is_some_and(|rows| key_of(rows, self.view, first).is_some());
        match (is_row && !first.is_empty(), plain) {
            (true, _) => Ok((rows, cells)),
            (false, Some(plain)) => Ok((plain, cells)),
            (false, None) => Err(self.why("map.why_place", first)),
        }
    }

    /// The values of a row by what names them.
    fn record(&self, columns: &[SettingPath], line: &Line<'_>) -> Result<Vec<(SettingPath, String)>, String> {
        let (key, cells) = line.cells.split_first().ok_or_else(|| self.why("map.why_no_value", ""))?;
        if key.is_empty() {
            return Err(self.why("map.why_no_key", ""));
        }
        if let Some(more) = cells.get(columns.len()) {
            return Err(self.why("map.why_many", more));
        }
        let schema = self.category.schema_at(self.mapping).unwrap_or(&Json::Null);
        let key = key_of(schema, self.view, key).ok_or_else(|| self.why_key(schema, key))?;
        let row = self.mapping.child(&key);
        let all = columns.iter().zip(cells).filter(|(_, cell)| !cell.is_empty());
        let path_of =
            |field: &SettingPath| field.segments().iter().fold(row.clone(), |path, name| path.child(name));
        let all: Vec<_> = all.map(|(field, cell)| (path_of(field), cell.clone())).collect();
        if all.is_empty() { Err(self.why("map.why_no_value", "")) } else { Ok(all) }
    }

    /// What a switch does not know is no row that was read.
    fn known(&self, all: Vec<(SettingPath, String)>) -> Result<Vec<(SettingPath, String)>, String> {
        let is_strange = |(path, cell): &&(SettingPath, String)| {
            let schema = self.category.schema_at(path);
            let is_switch = schema.is_some_and(|schema| kind(schema, None, None) == Kind::Toggle);
            is_switch && !matches!(switch(cell).as_str(), "on" | "off" | "")
        };
        match all.iter().find(is_strange) {
            Some((_, cell)) => Err(self.why("map.why_switch", cell)),
            None => Ok(all),
        }
    }
}

/// Of a record that has values by rows of their own: the first field that has such rows, and the first that is one value of the same list
/// for all of them.
fn implied(schema: &Json) -> Option<(&str, Option<&str>)> {
    let all = || schema.get("properties").and_then(Json::as_object).into_iter().flatten();
    let (rows, list) =
        all().find_map(|(name, field)| Some((name, options_of(field.get("additionalProperties")?)?)))?;
    let plain = all().find(|(_, field)| !is_mapping(field) && options_of(field) == Some(list));
    Some((rows, plain.map(|(name, _)| name.as_str())))
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
            let sheet =
                Sheet { category, mapping: &mapping, view: view.as_ref(), settings, language: hand.language };
            let plain = |text: &str| {
                text.chars()
                    .filter(|c| c.is_ascii_alphanumeric() || matches!(c, '-' | '_'))
                    .collect::<String>()
            };
            Ok(Shown::File {
                name: format!("{}-{}.csv", plain(known.id()), plain(&mapping.to_string())),
                text: sheet.text(),
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
    language: &'a Language,
}

impl Sheet<'_> {
    fn text(&self) -> String {
        let schema = self.category.schema_at(self.mapping).unwrap_or(&Json::Null);
        let key = self.title(key_title(schema, self.view, self.language), "map.key");
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
        let Some(columns) = columns else { return self.long() };
        let is_used = |field: &SettingPath| rows.iter().any(|(path, _)| field_of(path) == *field);
        let columns: Vec<(SettingPath, String)> =
            columns.into_iter().filter(|(field, _)| rows.is_empty() || is_used(field)).collect();
        let mut records: BTreeMap<&str, BTreeMap<SettingPath, String>> = BTreeMap::new();
        for (path, cell) in &rows {
            let Some(name) = path.segments().get(depth) else { continue };
            records.entry(name).or_default().insert(field_of(path), cell.clone());
        }
        let heads = columns.iter().map(|(_, title)| quoted(title));
        let heads: Vec<String> = std::iter::once(quoted(&key)).chain(heads).collect();
        let _ = write!(out, "{}\r\n", heads.join(";"));
        for (name, mut of_one) in records {
            let cells = columns.iter().map(|(field, _)| of_one.remove(field).unwrap_or_default());
            let cells: Vec<String> = std::iter::once(quoted(name)).chain(cells).collect();
            let _ = write!(out, "{}\r\n", cells.join(";"));
        }
        out
    }

    fn title(&self, own: Option<String>, key: &str) -> String {
        own.unwrap_or_else(|| self.language.say(key, &[]))
    }

    /// A line a value: the keys down to it, the value, and what that is called. The fields on the way are named where they are not
    /// the ones that are meant without a name.
    fn long(&self) -> String {
        let settings = self.settings.iter().filter(|(path, _)| path.starts_with(self.mapping));
        let rows: Vec<(&SettingPath, &Value)> =
            settings.filter(|(path, value)| self.cell(path, value).is_some()).collect();
        let is_named = rows.iter().any(|(path, _)| self.keys(path, false).is_none());
        let told: Vec<(Vec<String>, String, String)> = rows
            .iter()
            .filter_map(|(path, value)| {
                // Several values with their days are told by themselves.
                let is_one = matches!(value, Value::Text(_) | Value::Number(_));
                let schema = self.category.schema_at(path).filter(|_| is_one);
                let label = self.view.zip(schema).and_then(|(view, schema)| view.label(schema, value));
                Some((self.keys(path, is_named)?, self.cell(path, value)?, label.unwrap_or_default()))
            })
            .collect();
        let depth = told.iter().map(|(keys, _, _)| keys.len()).max().unwrap_or(1);
        let has_labels = told.iter().any(|(_, _, label)| !label.is_empty());
        let deepest = rows.iter().max_by_key(|(path, _)| path.segments().len());
        let mut heads = self.heads(deepest.map_or(self.mapping, |(path, _)| path), depth, is_named);
        heads.extend(has_labels.then(|| self.language.say("map.label", &[])));
        let heads: Vec<String> = heads.iter().map(|head| quoted(head)).collect();
        let mut out = format!("\u{feff}{}\r\n", heads.join(";"));
        for (mut keys, value, label) in told {
            keys.resize(depth, String::new());
            let label = has_labels.then(|| quoted(&label));
            let cells: Vec<String> = keys.iter().map(|key| quoted(key)).chain([value]).chain(label).collect();
            let _ = write!(out, "{}\r\n", cells.join(";"));
        }
        out
    }

    /// What the columns are called: those of keys, by the first row, and the value's.
    fn heads(&self, path: &SettingPath, depth: usize, is_named: bool) -> Vec<String> {
        let mut heads = Vec::new();
        let mut at = self.mapping.clone();
        for key in path.segments().iter().skip(self.mapping.segments().len()) {
            let schema = self.category.schema_at(&at).unwrap_or(&Json::Null);
            if is_mapping(schema) {
                heads.push(self.title(key_title(schema, self.view, self.language), "map.key"));
            } else if is_named {
                heads.push(self.language.say("setting", &[]));
            }
            at = at.child(key);
        }
        heads.resize(depth, self.language.say("map.key", &[]));
        let schema = self.category.schema_at(path).unwrap_or(&Json::Null);
        heads.push(self.title(value_title(schema, self.view), "map.value"));
        heads
    }

    /// The keys down to a value, in the words of people; none where a field on the way has to be named and is not.
    fn keys(&self, path: &SettingPath, is_named: bool) -> Option<Vec<String>> {
        let (mut keys, mut at) = (Vec::new(), self.mapping.clone());
        for key in path.segments().iter().skip(self.mapping.segments().len()) {
            let schema = self.category.schema_at(&at)?;
            if is_mapping(schema) {
                let labels = schema.pointer("/propertyNames/x-labels");
                let label = labels.and_then(|labels| labels.get(&**key)?.as_str());
                keys.push(label.map_or_else(|| in_commas(key), str::to_owned));
            } else if is_named {
                let field = schema.pointer(&format!("/properties/{key}")).unwrap_or(&Json::Null);
                let title = Some(text(field, "title")).filter(|title| !title.is_empty());
                keys.push(title.unwrap_or(key).to_owned());
            } else if !implied(schema).is_some_and(|(rows, plain)| rows == &**key || plain == Some(&**key)) {
                return None;
            }
            at = at.child(key);
        }
        Some(keys)
    }

    /// A value as a cell; none of a credential, which no sheet has.
    fn cell(&self, path: &SettingPath, value: &Value) -> Option<String> {
        let schema = self.category.schema_at(path).filter(|_| !matches!(value, Value::Secret(_)))?;
        let kind = kind(schema, Some(value), choosable(schema, self.view).as_deref());
        let text = typed_form(kind, schema, Some(value)).join(", ");
        Some(quoted(&if kind == Kind::Number { in_commas(&text) } else { text }))
    }
}

/// A number as spreadsheets have it whose cells are parted by semicolons.
fn in_commas(text: &str) -> String {
    let is_number = text.contains('.') && text.parse::<f64>().is_ok();
    if is_number { text.replace('.', ",") } else { text.to_owned() }
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
