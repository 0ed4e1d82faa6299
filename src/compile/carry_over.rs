//! Files that say settings where they stood before: what tells of them, and the smallest edit that says them in records.
//!
//! The edit keeps every comment and every value as it is written. It is offered where the file then says the same, read by
//! itself; whether the whole project does is proved by whoever makes it (`ops::fix`).

use std::collections::{BTreeMap, BTreeSet};

use super::carry::{Field, fields_of, into_records};
use crate::diagnostic::codes::rules as codes;
use crate::diagnostic::{About, Edit, Finding, Fix};
use crate::schema::Category;
use crate::schema::records::Was;
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::yaml::{self, Entry, Map, Node, NodeKind, edit};

/// What tells of the old places in categories as one file says them, each with the keys that lead there; nothing of those that have
/// none.
#[must_use]
pub fn findings(sources: &Sources, file: FileId, categories: &[(Vec<String>, &Category)]) -> Vec<Finding> {
    let Some(root) = yaml::parse(sources, file, &mut Vec::new()) else { return Vec::new() };
    let text = sources.file(file).text();
    let said = categories.iter().filter_map(|(keys, category)| Said::of(text, &root, keys, category));
    let all: Vec<Said<'_>> = said.collect();
    let proved = proved(text, &root, &all);
    all.iter().zip(proved).map(|(said, proved)| said.finding(file, proved)).collect()
}

/// A category that says settings where they stood before.
struct Said<'a> {
    category: &'a Category,
    /// They lead to it.
    keys: &'a [String],
    old: Vec<OldPlace<'a>>,
    /// By which it says them in records; none where it is written in a way that this does not know.
    edits: Option<Vec<(Range, String)>>,
}

impl<'a> Said<'a> {
    fn of(text: &str, root: &'a Node, keys: &'a [String], category: &'a Category) -> Option<Self> {
        let node = keys.iter().try_fold(root, |node, key| node.get(key))?;
        let old = old_places(node.as_map()?, category);
        if old.is_empty() {
            return None;
        }
        let edits = edits(text, node, &old);
        Some(Said { category, keys, old, edits })
    }

    fn finding(&self, file: FileId, proved: bool) -> Finding {
        let mut names: Vec<(&str, &str)> =
            self.old.iter().map(|place| (&*place.was.from, &*place.was.records)).collect();
        names.dedup();
        let spans = self.old.iter().map(|place| place.entry.key.span);
        let first = spans.min_by_key(|span| span.start).unwrap_or(Span::new(file, 0, 0));
        let about = About { category: Some(self.category.id.to_string()), ..About::default() };
        let mut finding = codes::old_place(&names, first).about(about);
        let Some(edits) = self.edits.as_ref().filter(|_| proved) else {
            return finding.help("write them as records");
        };
        let message = "write them as records".to_owned();
        let edits = edits
            .iter()
            .map(|(range, text)| Edit { span: Span::new(file, range.start, range.end), text: text.clone() });
        finding.fix = Some(Fix { message, edits: edits.collect(), safe: true });
        finding.help("`pairform fix` writes them as records where that means the same for all that reads the file; beside a list that another file replaces, `null` or `!replace`, write the records by hand")
    }
}

/// Whose edits are proved: those of all categories at once, which is to read the file once more; where that fails, of each by itself.
fn proved(text: &str, root: &Node, all: &[Said<'_>]) -> Vec<bool> {
    let edited: Vec<&Said<'_>> = all.iter().filter(|said| said.edits.is_some()).collect();
    let together = edited.len() > 1 && are_right(text, root, &edited);
    all.iter().map(|said| said.edits.is_some() && (together || are_right(text, root, &[said]))).collect()
}

/// Whether the edits of these categories make a text that says the same, and keeps its comments.
fn are_right(text: &str, root: &Node, all: &[&Said<'_>]) -> bool {
    let mut edits: Vec<&(Range, String)> = all.iter().flat_map(|said| said.edits.iter().flatten()).collect();
    edits.sort_by_key(|(range, _)| range.start);
    if edits.windows(2).any(|two| two[0].0.end > two[1].0.start || two[0].0.start == two[1].0.start) {
        return false;
    }
    let edited = applied(text, &edits);
    says_the_same(&edited, root, all) && keeps_comments(text, &edited, &edits)
}

/// A setting where it stood before.
struct OldPlace<'a> {
    was: &'a Was,
    entry: &'a Entry,
    fields: Vec<Field>,
}

fn old_places<'a>(map: &'a Map, category: &'a Category) -> Vec<OldPlace<'a>> {
    let place = |was: &'a Was| {
        let entry = map.get(&was.from)?;
        let fields = fields_of(was, &entry.value)?;
        Some(OldPlace { was, entry, fields })
    };
    category.was.iter().filter_map(place).collect()
}

type Range = std::ops::Range<usize>;

/// Edits of a text by their ranges: what is put in at one place follows in the order in which it was said.
struct Edits {
    all: BTreeMap<(usize, usize), String>,
    /// As the text ends its lines.
    newline: &'static str,
}

impl Edits {
    fn put(&mut self, at: usize, text: &str) {
        self.all.entry((at, at)).or_default().push_str(text);
    }

    fn replace(&mut self, range: Range, text: &str) {
        self.all.insert((range.start, range.end), text.to_owned());
    }

    /// In order, no two at one place, so that it does not matter in which order they are made.
    fn finished(self) -> Vec<(Range, String)> {
        let mut all: Vec<(Range, String)> = Vec::with_capacity(self.all.len());
        for ((start, end), text) in self.all {
            match all.last_mut().filter(|(range, _)| *range == (start..start)) {
                Some((range, before)) => {
                    range.end = end;
                    before.push_str(&text);
                }
                None => all.push((start..end, text)),
            }
        }
        all
    }
}

/// A record that is to get fields.
struct Row<'t> {
    name: Box<str>,
    /// How it is written as a key.
    key: &'t str,
    /// Fields, and their values as they are written.
    fields: Vec<(&'t str, &'t str)>,
}

/// Records that are to get fields, in the order in which they are named.
#[derive(Default)]
struct Rows<'t>(Vec<Row<'t>>);

impl<'t> Rows<'t> {
    fn add(&mut self, name: &str, key: &'t str, field: &'t str, value: &'t str) {
        match self.0.iter_mut().find(|row| *row.name == *name) {
            Some(row) => row.fields.push((field, value)),
            None => self.0.push(Row { name: name.into(), key, fields: vec![(field, value)] }),
        }
    }

    /// The fields of a record that has its row already.
    fn take(&mut self, name: &str) -> Vec<(&'t str, &'t str)> {
        let at = self.0.iter().position(|row| *row.name == *name);
        at.map(|at| self.0.remove(at).fields).unwrap_or_default()
    }
}

fn fields(fields: &[(&str, &str)]) -> String {
    fields.iter().map(|(field, value)| format!("{field}: {value}")).collect::<Vec<_>>().join(", ")
}

/// The edits by which a category says in records what it says in old places; `None` where it is written in a way that this
/// does not know.
fn edits(text: &str, category: &Node, old: &[OldPlace<'_>]) -> Option<Vec<(Range, String)>> {
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let mut edits = Edits { all: BTreeMap::new(), newline };
    let mappings: BTreeSet<&str> = old.iter().map(|place| &*place.was.records).collect();
    for records in mappings {
        let of_these: Vec<&OldPlace<'_>> =
            old.iter().filter(|place| *place.was.records == *records).collect();
        let present = category.as_map()?.get(records);
        // What is there stays and takes the rest: the records, else the first mapping, else the first list.
        let mapping = || of_these.iter().find(|place| place.was.listed.is_none());
        let host = if present.is_some() { None } else { mapping().or(of_these.first()).copied() };
        let mut rows = Rows::default();
        for place in of_these.iter().filter(|place| host.is_none_or(|host| !std::ptr::eq(host, **place))) {
            for field in &place.fields {
                let key = text.get(field.record.span.range())?;
                let value = match &place.was.listed {
                    Some(value) => value,
                    None => text.get(field.value.span.range()).filter(|value| !value.is_empty())?,
                };
                rows.add(&field.record.text, key, &place.was.field, value);
            }
            remove(text, category, place.entry, &mut edits)?;
        }
        match host {
            Some(host) if host.was.listed.is_none() => from_rows(text, records, host, rows, &mut edits)?,
            Some(host) => from_list(text, records, host, rows, &mut edits)?,
            None => into_present(text, present?, rows, &mut edits)?,
        }
    }
    Some(edits.finished())
}

/// Makes a mapping whose rows held the field the one with the records.
fn from_rows(
    text: &str,
    records: &str,
    host: &OldPlace<'_>,
    mut rows: Rows<'_>,
    edits: &mut Edits,
) -> Option<()> {
    edits.replace(host.entry.key.span.range(), records);
    for field in &host.fields {
        let value = field.value.span.range();
        let more: String =
            rows.take(&field.record.text).iter().map(|one| format!(", {}", fields(&[*one]))).collect();
        if value.is_empty() {
            edits.put(value.start, &format!(" {{{}: null{more}}}", host.was.field));
            continue;
        }
        edits.put(value.start, &format!("{{{}: ", host.was.field));
        edits.put(value.end, &format!("{more}}}"));
    }
    append(text, &host.entry.value, &rows, edits)
}

/// Makes a list that named records the mapping with the records.
fn from_list(
    text: &str,
    records: &str,
    host: &OldPlace<'_>,
    mut rows: Rows<'_>,
    edits: &mut Edits,
) -> Option<()> {
    let list = host.entry.value.span.range();
    edits.replace(host.entry.key.span.range(), records);
    let is_flow = text.get(list.clone())?.starts_with('[');
    if is_flow {
        edits.replace(list.start..list.start + 1, "{");
        edits.replace(list.end - 1..list.end, "}");
    }
    let key = host.entry.key.span.range();
    let column = |at: usize| Some(at - text.get(..at)?.rfind('\n').map_or(0, |line| line + 1));
    let value = host.was.listed.as_deref()?;
    for field in &host.fields {
        let item = field.record.span.range();
        if !is_flow {
            let dash = text.get(..item.start)?.rfind('-')?;
            // Items of a list may stand in the column of its key; rows of a map may not.
            let indent = if column(dash)? > column(key.start)? { "" } else { "  " };
            edits.replace(dash..item.start, indent);
        }
        let mut all = vec![(&*host.was.field, value)];
        all.extend(rows.take(&field.record.text));
        edits.put(item.end, &format!(": {{{}}}", fields(&all)));
    }
    if rows.0.is_empty() {
        return Some(());
    }
    // Only lists are left, and they name others.
    let last = host.fields.last()?.record.span.range();
    let indent = if is_flow { None } else { Some(column(text.get(..last.start)?.rfind('-')?)?) };
    let indent = indent.map(|dash| if Some(dash) > column(key.start) { dash } else { dash + 2 });
    put_rows(text, last.end, indent, &rows, edits);
    Some(())
}

/// Adds to records that are there already.
fn into_present(text: &str, present: &Entry, mut rows: Rows<'_>, edits: &mut Edits) -> Option<()> {
    for entry in present.value.as_map()?.entries() {
        let mut more = rows.take(&entry.key.text);
        if more.is_empty() {
            continue;
        }
        let row = entry.value.as_map()?;
        more.retain(|(field, _)| row.get(field).is_none());
        let range = entry.value.span.range();
        match row.entries().last() {
            None => {
                (text.get(range.clone())? == "{}").then(|| edits.put(range.start + 1, &fields(&more)))?;
            }
            Some(last) if text.get(range)?.starts_with('{') => {
                more.iter().for_each(|one| edits.put(end_of(last), &format!(", {}", fields(&[*one]))));
            }
            Some(last) => {
                let first = row.entries().first()?.key.span.start as usize;
                let indent = indent_of(text, first)?;
                let end = line_end(text, end_of(last));
                more.iter()
                    .for_each(|one| edits.put(end, &format!("{}{indent}{}", edits.newline, fields(&[*one]))));
            }
        }
    }
    append(text, &present.value, &rows, edits)
}

/// Puts rows behind those that a map has.
fn append(text: &str, map: &Node, rows: &Rows<'_>, edits: &mut Edits) -> Option<()> {
    if rows.0.is_empty() {
        return Some(());
    }
    let entries = map.as_map()?.entries();
    let (first, last) = (entries.first()?, entries.iter().max_by_key(|entry| entry.key.span.end)?);
    let is_flow = text.get(map.span.range())?.starts_with('{');
    let indent = if is_flow { None } else { Some(indent_of(text, first.key.span.start as usize)?.len()) };
    put_rows(text, end_of(last), indent, rows, edits);
    Some(())
}

/// Puts rows behind the one that ends here: on lines of their own at an indent, else beside it.
fn put_rows(text: &str, end: usize, indent: Option<usize>, rows: &Rows<'_>, edits: &mut Edits) {
    for Row { key, fields: of_row, .. } in &rows.0 {
        let row = format!("{key}: {{{}}}", fields(of_row));
        match indent {
            None => edits.put(end, &format!(", {row}")),
            Some(indent) => {
                let line = format!("{}{}{row}", edits.newline, " ".repeat(indent));
                edits.put(line_end(text, end), &line);
            }
        }
    }
}

/// Takes an entry out of the map that it stands in, and leaves its comments.
fn remove(text: &str, map: &Node, entry: &Entry, edits: &mut Edits) -> Option<()> {
    let entries = map.as_map()?.entries();
    let at = entries.iter().position(|one| one.key.span == entry.key.span)?;
    let (start, end) = (entry.key.span.start as usize, end_of(entry));
    if text.get(map.span.range())?.starts_with('{') {
        match (entries.get(at + 1), at.checked_sub(1).map(|before| &entries[before])) {
            (Some(next), _) => edits.replace(start..next.key.span.start as usize, ""),
            (None, Some(before)) => edits.replace(end_of(before)..end, ""),
            (None, None) => edits.replace(start..end, ""),
        }
        return Some(());
    }
    let line = text.get(..start)?.rfind('\n').map_or(0, |at| at + 1);
    let indent = indent_of(text, start)?;
    let last = line_end(text, end);
    let after = (last + edits.newline.len()).min(text.len());
    // Comments stay, each on a line of its own.
    let kept: String = edit::comments(text.get(line..last)?)
        .iter()
        .map(|comment| format!("{indent}# {comment}{}", edits.newline))
        .collect();
    edits.replace(line..after, &kept);
    Some(())
}

fn end_of(entry: &Entry) -> usize {
    entry.value.span.end.max(entry.key.span.end) as usize
}

/// What stands before a key that is the first of its line.
fn indent_of(text: &str, at: usize) -> Option<&str> {
    let line = text.get(..at)?.rfind('\n').map_or(0, |at| at + 1);
    text.get(line..at).filter(|head| head.chars().all(|c| c == ' '))
}

fn line_end(text: &str, at: usize) -> usize {
    let rest = text.get(at..).unwrap_or_default();
    let end = rest.find('\n').unwrap_or(rest.len());
    at + rest[..end].trim_end_matches('\r').len()
}

fn applied(text: &str, edits: &[&(Range, String)]) -> String {
    let mut edited = String::with_capacity(text.len());
    let mut from = 0;
    for (range, with) in edits {
        edited.push_str(text.get(from..range.start).unwrap_or_default());
        edited.push_str(with);
        from = range.end;
    }
    edited + text.get(from..).unwrap_or_default()
}

/// Whether an edited text is the document with the old places of these categories carried over.
fn says_the_same(edited: &str, root: &Node, all: &[&Said<'_>]) -> bool {
    let mut expected = root.clone();
    let mut at_odds = Vec::new();
    for said in all {
        let node = said.keys.iter().try_fold(&mut expected, |node, key| {
            node.as_map_mut().and_then(|map| map.get_mut(key)).map(|entry| &mut entry.value)
        });
        let Some(map) = node.and_then(Node::as_map_mut) else { return false };
        if !said.old.iter().all(|place| into_records(map, place.was, &mut at_odds)) {
            return false;
        }
    }
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new("edited.yaml", edited));
    let mut findings = Vec::new();
    let found = yaml::parse(&sources, file, &mut findings);
    at_odds.is_empty() && findings.is_empty() && found.is_some_and(|found| same(&found, &expected))
}

/// As [`edit::same`], in whatever order keys stand.
fn same(one: &Node, other: &Node) -> bool {
    match (&one.kind, &other.kind) {
        (NodeKind::Map(one), NodeKind::Map(other)) => {
            let is_there = |entry: &Entry| {
                other.get(&entry.key.text).is_some_and(|other| same(&entry.value, &other.value))
            };
            one.len() == other.len() && one.entries().iter().all(is_there)
        }
        _ => edit::same(one, other),
    }
}

/// To read the comments of a file costs more than to edit it, and only what is taken out can lose one.
fn keeps_comments(text: &str, edited: &str, edits: &[&(Range, String)]) -> bool {
    if edits.iter().all(|(range, _)| text.get(range.clone()).is_some_and(|gone| !gone.contains('#'))) {
        return true;
    }
    let sorted = |text: &str| {
        let mut all = edit::comments(text);
        all.sort();
        all
    };
    sorted(text) == sorted(edited)
}
