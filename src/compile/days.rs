//! Days of rows as they are written: a value by itself, in a record with `from` and `until`, or in a list of such records.

use jiff::civil::Date;

use crate::model::Days;
use crate::model::days::{FROM, UNTIL};
use crate::yaml::{Map, Node, NodeKind};

/// The records of a value that has days; `None` for one that is written by itself.
#[must_use]
pub fn records(node: &Node) -> Option<&[Node]> {
    match &node.kind {
        NodeKind::Map(_) => Some(std::slice::from_ref(node)),
        NodeKind::List(items) => Some(items),
        _ => None,
    }
}

/// The days of a record; `None` where one of them is no day, which has its finding.
#[must_use]
pub fn of(record: &Node) -> Option<Days> {
    let day = |key: &str| -> Option<Option<Date>> {
        match record.get(key) {
            None => Some(None),
            Some(node) if node.is_null() => Some(None),
            Some(node) => node.as_text()?.parse().ok().map(Some),
        }
    };
    Some(Days { from: day(FROM)?, until: day(UNTIL)? })
}

/// The value of a record that has days beside it.
fn value_of(record: &Node) -> Option<&Node> {
    let mut entries = record.as_map()?.entries().iter();
    let entry = entries.find(|entry| ![FROM, UNTIL].contains(&&*entry.key.text))?;
    Some(&entry.value)
}

/// Each value that stands here, with its days. What cannot be read, or is `null`, is left out.
pub fn rows(node: &Node) -> impl Iterator<Item = (Days, &Node)> {
    let plain = records(node).is_none().then_some((Days::ALWAYS, node));
    let dated = records(node).unwrap_or_default().iter();
    let dated = dated.filter_map(|record| Some((of(record)?, value_of(record)?)));
    plain.into_iter().chain(dated).filter(|(_, value)| !value.is_null() && !value.is_hole())
}

/// Whether each record says one value and days that are days. What does not has a finding of its own, and nothing follows from it.
#[must_use]
pub fn are_readable(node: &Node) -> bool {
    let is_whole = |record: &Node| {
        let entries = record.as_map().map(Map::entries).unwrap_or_default();
        let values = entries.iter().filter(|entry| ![FROM, UNTIL].contains(&&*entry.key.text));
        of(record).is_some() && values.count() == 1
    };
    records(node).is_none_or(|records| !records.is_empty() && records.iter().all(is_whole))
}

/// Whether a day is between two rows: one has ended before it, and another one begins after it.
#[must_use]
pub fn is_between(node: &Node, day: Date) -> bool {
    let is_later = |days: Days| days.from.is_some_and(|from| from > day);
    rows(node).any(|(days, _)| days.is_over(day)) && rows(node).any(|(days, _)| is_later(days))
}

/// What stands here on a day.
#[must_use]
pub fn on(node: &Node, day: Date) -> Option<&Node> {
    rows(node).find(|(days, _)| days.holds(day)).map(|(_, value)| value)
}
