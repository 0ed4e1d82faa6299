//! Days of rows: days that contradict each other, days without a row between two of them, and rows that are over.

use jiff::civil::Date;

use super::context::{Context, category_entry};
use crate::compile::days;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::rules as codes;
use crate::diagnostic::codes::rules::Without;
use crate::model::Days;
use crate::model::days::{FROM, UNTIL};
use crate::schema::Required;
use crate::schema::shape::{HasDays, Shape};
use crate::source::Span;
use crate::yaml::{Entry, Node, NodeKind, Trail};

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for category in context.pair.categories().filter(|category| category.shape.holds_days) {
        if !context.is_judged(category) {
            continue;
        }
        if let Some(entry) = category_entry(context.root, &category.id) {
            let mut walk = Walk { context, category: &category.id, findings };
            walk.below(&category.shape, &Trail::default(), entry, Days::ALWAYS);
        }
    }
}

struct Walk<'c, 'f> {
    context: &'c Context<'c>,
    category: &'c str,
    findings: &'f mut Vec<Finding>,
}

/// Days with the place where they are written.
struct Said {
    days: Days,
    at: Span,
}

impl Walk<'_, '_> {
    /// What stands under a key; `around` are the days of the row that it is in.
    fn below(&mut self, shape: &Shape, trail: &Trail<'_>, entry: &Entry, around: Days) {
        if !shape.holds_days {
            return;
        }
        match &shape.days {
            Some(HasDays::Value(_)) => {
                let records = days::records(&entry.value).unwrap_or_default();
                // Days that could not be read are told, and say nothing of the others.
                let is_whole = days::are_readable(&entry.value);
                let whole = records.iter().filter(|_| is_whole);
                let rows = whole.filter_map(|record| said(record, entry.key.span));
                self.judge(&rows.collect::<Vec<_>>(), trail, entry, around);
            }
            of => {
                let mut around = around;
                if *of == Some(HasDays::Row)
                    && let Some(said) = said(&entry.value, entry.key.span)
                {
                    around = around.within(said.days);
                    // What is within a row that is over, or never is, needs no finding of its own.
                    if self.judge(&[said], trail, entry, Days::ALWAYS) {
                        return;
                    }
                }
                let NodeKind::Map(map) = &entry.value.kind else { return };
                for entry in map.entries() {
                    if let Some(inner) = shape.below(&entry.key.text) {
                        self.below(inner, &trail.below(&entry.key.text), entry, around);
                    }
                }
            }
        }
    }

    /// Tells what is wrong with the days of one row; true when something is.
    fn judge(&mut self, rows: &[Said], trail: &Trail<'_>, entry: &Entry, around: Days) -> bool {
        let (context, category) = (self.context, self.category);
        let name = || trail.keys().join(".");
        let about = || context.about(category, &trail.keys().into_iter().collect());
        let before = self.findings.len();
        let mut say = |finding: Finding| self.findings.push(finding.about(about()));
        for (at, row) in rows.iter().enumerate() {
            if row.days.is_never() {
                say(codes::days_never(&name(), &row.days.to_string(), row.at));
            } else if row.days.within(around).is_never() {
                say(codes::days_outside(&name(), &row.days.to_string(), &around.to_string(), row.at));
            } else if let Some(other) = rows[..at].iter().find(|other| other.days.overlaps(row.days)) {
                let both = row.days.within(other.days).to_string();
                say(codes::days_overlap(&name(), &both, row.at, other.at));
            }
        }
        if self.findings.len() == before
            && let Some((without, at)) =
                gap(rows, self.context.today).or_else(|| self.lacks(rows, trail, entry, around))
        {
            self.findings.push(codes::days_without_row(&name(), without, at).about(about()));
        }
        if self.findings.len() == before {
            let over = rows.iter().filter(|row| row.days.is_over(self.context.today));
            for row in over {
                let until = row.days.until.map(|until| until.to_string()).unwrap_or_default();
                let at = if rows.len() == 1 { entry.key.span } else { row.at };
                self.findings.push(codes::row_over(&name(), &until, rows.len() == 1, at).about(about()));
            }
        }
        self.findings.len() > before
    }
}

impl Walk<'_, '_> {
    /// The days from today on, before its first or after its last value, on which a setting that is required has none.
    fn lacks(
        &self,
        rows: &[Said],
        trail: &Trail<'_>,
        entry: &Entry,
        around: Days,
    ) -> Option<(Without, Span)> {
        let (setting, _) = self.context.known(self.category, &trail.keys().join("."))?;
        if !matches!(setting.required, Required::Yes { .. }) || around != Days::ALWAYS {
            return None;
        }
        let first = rows.iter().map(|row| row.days.from).min()?;
        if let Some(first) = first.filter(|first| *first > self.context.today) {
            return Some((Without::Before(first.yesterday().ok()?), entry.key.span));
        }
        let last = rows.iter().map(|row| row.days.until).collect::<Option<Vec<_>>>()?.into_iter().max()?;
        Some((Without::After(last.tomorrow().ok()?), entry.key.span))
    }
}

/// The days of a record, at the one that ends it.
fn said(record: &Node, key: Span) -> Option<Said> {
    let days = days::of(record)?;
    let entry = |key: &str| record.as_map().and_then(|map| map.get(key));
    let at = entry(UNTIL).or_else(|| entry(FROM)).map_or(key, |entry| entry.value.span);
    Some(Said { days, at })
}

/// The first days between two rows on which none counts, unless they are over; and the row after them.
fn gap(rows: &[Said], today: Date) -> Option<(Without, Span)> {
    let mut rows: Vec<&Said> = rows.iter().collect();
    rows.sort_by_key(|row| row.days.from);
    rows.windows(2).find_map(|pair| {
        let [before, after] = pair else { return None };
        let (from, until) = (before.days.until?.tomorrow().ok()?, after.days.from?.yesterday().ok()?);
        let days = Days { from: Some(from), until: Some(until) };
        (!days.is_never() && !days.is_over(today)).then_some((Without::Between(from, until), after.at))
    })
}
