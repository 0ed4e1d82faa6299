//! What changed from one policy to another, rule by rule, and whether that is weaker or stricter. Nothing here judges.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::window::{Window, compare};
use super::{Bound, Environment, Level, Limits, Overwrite, Policy, Share};
use crate::model::Hold;

/// What a change of a rule means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Direction {
    /// The two have no order: look at it.
    Other,
    /// Something is allowed that was not.
    Weaker,
    /// Something is refused that was not.
    Stricter,
}

/// One rule that is not what it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PolicyChange {
    /// Where the rule stands: `safety.max_changed`, `levels.W0417`.
    pub item: String,
    pub direction: Direction,
    /// In words; none where there was none.
    pub before: Option<String>,
    pub after: Option<String>,
    /// Where it is a rule of integrations themselves: which.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub integrations: Vec<String>,
    /// A sentence, where before and after do not tell it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub said: Option<String>,
    /// Where it is written now.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Whose review it needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
}

impl Direction {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Direction::Other => "other",
            Direction::Weaker => "weaker",
            Direction::Stricter => "stricter",
        }
    }
}

impl PolicyChange {
    /// Whether both tell the same, wherever it is written.
    #[must_use]
    pub fn is_same(&self, other: &PolicyChange) -> bool {
        self.item == other.item
            && self.direction == other.direction
            && (&self.before, &self.after, &self.said) == (&other.before, &other.after, &other.said)
            && self.integrations == other.integrations
    }

    #[must_use]
    pub fn new(
        item: impl Into<String>,
        direction: Direction,
        before: Option<String>,
        after: Option<String>,
    ) -> Self {
        PolicyChange {
            item: item.into(),
            direction,
            before,
            after,
            integrations: Vec::new(),
            said: None,
            path: None,
            line: None,
            owners: Vec::new(),
        }
    }

    /// One that has no order, in a sentence.
    #[must_use]
    pub fn said(item: impl Into<String>, said: impl Into<String>) -> Self {
        PolicyChange { said: Some(said.into()), ..PolicyChange::new(item, Direction::Other, None, None) }
    }

    /// What it was and what it is, in words: `10% → 30%`, `connectors added`.
    #[must_use]
    pub fn told(&self) -> String {
        const NAMED: usize = 4;
        let moved = match (&self.before, &self.after) {
            _ if self.said.is_some() => self.said.clone().unwrap_or_default(),
            (Some(before), Some(after)) => format!("{before} → {after}"),
            (None, Some(after)) => format!("{after} added"),
            (Some(before), None) => format!("{before} taken away"),
            (None, None) => "changed".to_owned(),
        };
        if self.integrations.is_empty() {
            return moved;
        }
        let named = self.integrations[..self.integrations.len().min(NAMED)].join(", ");
        match self.integrations.len().saturating_sub(NAMED) {
            0 => format!("{moved} in {named}"),
            more => format!("{moved} in {named} and {more} more"),
        }
    }
}

/// What changed, that without an order first, then what is weaker.
#[must_use]
pub fn changes(before: &Policy, after: &Policy) -> Vec<PolicyChange> {
    let mut found = Vec::new();
    for (name, texts) in both(&before.others, &after.others) {
        let (old, new) = (texts.0.map(of_others), texts.1.map(of_others));
        if texts.0 != texts.1 {
            found.push(PolicyChange::new(name, Direction::Other, old, new));
        }
    }
    limits("safety", &before.limits, &after.limits, &mut found);
    let none = Limits::default();
    for (key, old, new) in
        [("pairs", &before.pairs, &after.pairs), ("categories", &before.categories, &after.categories)]
    {
        for (name, (old, new)) in both(old, new) {
            let place = format!("safety.{key}.{name}");
            limits(&place, old.unwrap_or(&none), new.unwrap_or(&none), &mut found);
        }
    }
    elements("safety.protected", Some(&before.protected), Some(&after.protected), &mut found);
    if before.live != after.live {
        let direction = direction(after.live > before.live);
        let words = |policy: &Policy| Some(policy.live.as_str().to_owned());
        found.push(PolicyChange::new("safety.live", direction, words(before), words(after)));
    }
    for ((key, old), (_, new)) in before.overwrites.each().into_iter().zip(after.overwrites.each()) {
        if old != new {
            let words = |one: Overwrite| Some(one.as_str().to_owned());
            let item = format!("safety.{key}");
            found.push(PolicyChange::new(item, direction(new > old), words(old), words(new)));
        }
    }
    for (name, (old, new)) in both(&before.holds, &after.holds) {
        let direction = match (old, new) {
            (None, Some(_)) => Direction::Stricter,
            (Some(_), None) => Direction::Weaker,
            _ => Direction::Other,
        };
        if old != new {
            let item = format!("safety.holds.{name}");
            let told = |holds: &BTreeSet<Hold>| listed(&holds.iter().map(Hold::told).collect());
            found.push(PolicyChange::new(item, direction, old.map(told), new.map(told)));
        }
    }
    for (name, (old, new)) in both(&before.owners, &after.owners) {
        elements(&format!("owners.{name}"), old, new, &mut found);
    }
    let none = Environment::default();
    for (name, (old, new)) in both(&before.environments, &after.environments) {
        environment(name, old.unwrap_or(&none), new.unwrap_or(&none), &mut found);
    }
    levels(before, after, &mut found);
    found.sort_by_key(|change| change.direction);
    found
}

/// The keys of two maps, with what each has under them.
fn both<'a, V>(
    one: &'a BTreeMap<String, V>,
    other: &'a BTreeMap<String, V>,
) -> impl Iterator<Item = (&'a str, (Option<&'a V>, Option<&'a V>))> {
    let names: BTreeSet<&String> = one.keys().chain(other.keys()).collect();
    names.into_iter().map(|name| (name.as_str(), (one.get(name), other.get(name))))
}

fn direction(is_stricter: bool) -> Direction {
    if is_stricter { Direction::Stricter } else { Direction::Weaker }
}

fn listed(texts: &BTreeSet<String>) -> String {
    texts.iter().map(String::as_str).collect::<Vec<_>>().join("; ")
}

/// Of a digest as much as tells it from another.
fn of_others(texts: &BTreeSet<String>) -> String {
    const DIGITS: usize = "sha256:".len() + 8;
    let short = |text: &String| match text.strip_prefix("sha256:") {
        Some(_) => text.get(..DIGITS).unwrap_or(text).to_owned(),
        None => text.clone(),
    };
    texts.iter().map(short).collect::<Vec<_>>().join("; ")
}

fn limits(place: &str, before: &Limits, after: &Limits, found: &mut Vec<PolicyChange>) {
    for share in Share::ALL {
        let (old, new): (Vec<Bound>, Vec<Bound>) = (before.of(share).collect(), after.of(share).collect());
        if old == new {
            continue;
        }
        let covered = |by: &[Bound], bounds: &[Bound]| {
            bounds.iter().all(|bound| by.iter().any(|other| other.covers(*bound)))
        };
        let direction = match (covered(&new, &old), covered(&old, &new)) {
            (true, false) => Direction::Stricter,
            (false, true) => Direction::Weaker,
            _ => Direction::Other,
        };
        let words = |bounds: &[Bound]| {
            let one = |bound: &Bound| match bound.minimum {
                1 => format!("{}%", bound.percent),
                minimum => format!("{}% from {minimum} changes on", bound.percent),
            };
            (!bounds.is_empty()).then(|| bounds.iter().map(one).collect::<Vec<_>>().join(" and "))
        };
        found.push(PolicyChange::new(
            format!("{place}.{}", share.key()),
            direction,
            words(&old),
            words(&new),
        ));
    }
}

/// Each text that one of two sets has and the other has not: more of them is stricter.
fn elements(
    item: &str,
    before: Option<&BTreeSet<String>>,
    after: Option<&BTreeSet<String>>,
    found: &mut Vec<PolicyChange>,
) {
    let none = BTreeSet::new();
    let (before, after) = (before.unwrap_or(&none), after.unwrap_or(&none));
    for gone in before.difference(after) {
        found.push(PolicyChange::new(item, Direction::Weaker, Some(gone.clone()), None));
    }
    for new in after.difference(before) {
        found.push(PolicyChange::new(item, Direction::Stricter, None, Some(new.clone())));
    }
}

fn environment(name: &str, before: &Environment, after: &Environment, found: &mut Vec<PolicyChange>) {
    if before.require_clean != after.require_clean {
        let item = format!("environments.{name}.require_clean");
        let words = |environment: &Environment| Some(environment.require_clean.to_string());
        let direction = direction(after.require_clean);
        found.push(PolicyChange::new(item, direction, words(before), words(after)));
    }
    if before.windows != after.windows {
        let direction = match compare(&before.windows, &after.windows) {
            // The same hours in other words.
            Some((true, true)) => return,
            Some((true, false)) => Direction::Stricter,
            Some((false, true)) => Direction::Weaker,
            // Without a window it is always open.
            _ if before.windows.is_empty() => Direction::Stricter,
            _ if after.windows.is_empty() => Direction::Weaker,
            _ => Direction::Other,
        };
        let words = |windows: &BTreeSet<Window>| {
            (!windows.is_empty()).then(|| windows.iter().map(Window::told).collect::<Vec<_>>().join(" and "))
        };
        let item = format!("environments.{name}.window");
        found.push(PolicyChange::new(item, direction, words(&before.windows), words(&after.windows)));
    }
}

fn levels(before: &Policy, after: &Policy, found: &mut Vec<PolicyChange>) {
    let words = |level: Level| Some(level.as_str().to_owned());
    for (code, _) in both(&before.levels, &after.levels) {
        let (old, new) = (before.rule(code), after.rule(code));
        let item = format!("levels.{code}");
        if old.level != new.level {
            let direction = direction(new.level > old.level);
            found.push(PolicyChange::new(item.as_str(), direction, words(old.level), words(new.level)));
        }
        // More exceptions are weaker.
        let item = format!("{item}.except");
        for gone in old.except.difference(&new.except) {
            found.push(PolicyChange::new(item.as_str(), Direction::Stricter, Some(gone.clone()), None));
        }
        for more in new.except.difference(&old.except) {
            found.push(PolicyChange::new(item.as_str(), Direction::Weaker, None, Some(more.clone())));
        }
    }
    // One base may give its levels to a whole fleet: what is the same is told once.
    let mut own: BTreeMap<(String, Level, Level), Vec<String>> = BTreeMap::new();
    for (name, (old, new)) in both(&before.own_levels, &after.own_levels) {
        let none = BTreeMap::new();
        for (code, (old, new)) in both(old.unwrap_or(&none), new.unwrap_or(&none)) {
            let level_in = |policy: &Policy| policy.level(code, Some(name));
            if old != new && level_in(before) != level_in(after) {
                own.entry((code.to_owned(), level_in(before), level_in(after)))
                    .or_default()
                    .push(name.to_owned());
            }
        }
    }
    for ((code, old, new), integrations) in own {
        let change =
            PolicyChange::new(format!("levels.{code}"), direction(new > old), words(old), words(new));
        found.push(PolicyChange { integrations, ..change });
    }
}
