//! Rules that choose a sales account by what is sold, of which the first that fits counts: two of one priority, and one that is never
//! reached since another before it takes all that it is for.

use super::context::Context;
use super::rates::{ACCOUNTS, RULES};
use crate::compile::days;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::model::{Days, SettingPath};
use crate::source::Span;
use crate::yaml::{Entry, Node};

const PRIORITY: &str = "priority";
/// What a rule says beside its conditions.
const NO_CONDITIONS: [&str; 8] =
    [PRIORITY, "from", "until", "home", "eu_with_vat", "eu_reverse", "export", "countries"];
/// Of this condition a value stands for all that begin with it.
const PREFIXES: &str = "sku_prefixes";

struct Rule<'a> {
    entry: &'a Entry,
    priority: i64,
    at: Span,
    days: Days,
    conditions: Vec<(&'a str, Vec<&'a str>)>,
}

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    let mut rules: Vec<Rule<'_>> = context.rows(ACCOUNTS, RULES).filter_map(Rule::of).collect();
    rules.sort_by(|one, other| one.place().cmp(&other.place()));
    for (at, rule) in rules.iter().enumerate() {
        let name = &*rule.entry.key.text;
        let about = || context.about(ACCOUNTS, &SettingPath::root().child(RULES).child(name));
        let before = &rules[..at];
        if let Some(first) = before.iter().find(|first| first.takes_all_of(rule)) {
            let finding = codes::rule_not_reached(
                name,
                &first.entry.key.text,
                rule.entry.key.span,
                first.entry.key.span,
            );
            findings.push(finding.about(about()));
        } else if let Some(first) = before.iter().find(|first| first.ties(rule)) {
            let finding = codes::rules_tie(name, &first.entry.key.text, rule.priority, rule.at, first.at);
            findings.push(finding.about(about()));
        }
    }
}

impl<'a> Rule<'a> {
    /// `None` where it is told otherwise that something is missing or of no use.
    fn of(entry: &'a Entry) -> Option<Self> {
        let map = entry.value.as_map()?;
        let priority = map.get(PRIORITY)?;
        let days = days::of(&entry.value)?;
        let conditions = map.entries().iter().filter(|one| !NO_CONDITIONS.contains(&&*one.key.text));
        let conditions = conditions.filter(|one| !one.value.is_null() && !one.value.is_hole());
        let conditions: Vec<_> = conditions.map(|one| (&*one.key.text, values(&one.value))).collect();
        let number = super::values::code(&priority.value)?.parse().ok()?;
        (!conditions.is_empty()).then_some(Rule {
            entry,
            priority: number,
            at: priority.value.span,
            days,
            conditions,
        })
    }

    fn place(&self) -> (i64, &str) {
        (self.priority, &self.entry.key.text)
    }

    fn ties(&self, other: &Rule<'_>) -> bool {
        self.priority == other.priority && self.days.overlaps(other.days)
    }

    /// Whether it fits wherever another does: on all its days, and by conditions that are no narrower.
    fn takes_all_of(&self, other: &Rule<'_>) -> bool {
        self.days.within(other.days) == other.days
            && self.conditions.iter().all(|(name, wide)| {
                let narrow = other.conditions.iter().find(|(other, _)| other == name);
                let covers = |value: &&str| {
                    wide.iter().any(|one| one == value || (*name == PREFIXES && value.starts_with(one)))
                };
                narrow.is_some_and(|(_, values)| !values.is_empty() && values.iter().all(covers))
            })
    }
}

fn values(node: &Node) -> Vec<&str> {
    let listed = node.as_list().unwrap_or(std::slice::from_ref(node));
    listed.iter().filter_map(super::values::code).collect()
}
