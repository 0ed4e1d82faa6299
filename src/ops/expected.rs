//! A plan file held against what was planned again: what differs first, and what has moved since and is left alone. The file is an
//! expectation; what is saved is never taken from it.

use std::collections::BTreeSet;
use std::iter::Peekable;
use std::ops::ControlFlow;

use serde_json::Value as Json;

use crate::apply::Begun;
use crate::model::{GENERAL, SettingPath, Settings, Value};
use crate::plan::{CategoryPlan, Change, Integration, Integrations, Plan, Target};

/// What is planned again and not in the plan file, and is not saved by it.
#[derive(Debug, Default)]
pub struct LeftAlone {
    /// Integration and category, each with why; none for all of an integration.
    found: BTreeSet<(String, Option<String>)>,
    /// In words, what moved.
    pub told: Vec<String>,
}

/// What a plan file says of its integrations, and how it is to be read.
pub struct Expected {
    pub integrations: Integrations,
    /// The commit is what it was, so that nothing can have come in.
    pub is_of_commit: bool,
    pub is_way_back: bool,
}

/// Compares what a plan file says with what was planned again, but for what its run did before.
///
/// # Errors
/// The first thing that differs, in words.
pub fn compare(expected: Expected, now: &Integrations, begun: &Begun) -> Result<LeftAlone, String> {
    let Expected { integrations, is_of_commit, is_way_back } = expected;
    let mut comparing = Comparing {
        expected: integrations.into_iter().peekable(),
        is_of_commit,
        is_way_back,
        begun,
        left: LeftAlone::default(),
        differs: None,
    };
    let _ = now.try_for_each(&mut |one| match comparing.take(one) {
        Ok(()) => ControlFlow::Continue(()),
        Err(said) => {
            comparing.differs = Some(said);
            ControlFlow::Break(())
        }
    });
    let Comparing { mut expected, left, differs, .. } = comparing;
    match (differs, expected.next()) {
        (Some(said), _) => Err(said),
        (None, Some(more)) => Err(missing(&more)),
        (None, None) => Ok(left),
    }
}

impl LeftAlone {
    /// Takes it out of a plan.
    pub fn take_out(&self, plan: &mut Plan) {
        if self.found.is_empty() {
            return;
        }
        let has = |name: &str, category: Option<&str>| {
            self.found.contains(&(name.to_owned(), category.map(str::to_owned)))
        };
        plan.integrations.edit(&mut |one| {
            let is_whole = has(&one.integration, None);
            if is_whole {
                one.renamed_from = None;
                one.live_depends_on.clear();
            }
            for category in &mut one.categories {
                if is_whole || has(&one.integration, Some(&category.category)) {
                    category.action = crate::plan::Action::None;
                    category.changes.clear();
                    category.save = None;
                    category.agreed = None;
                }
            }
        });
        let crate::plan::Summary { errors, warnings, notes, released, .. } = plan.summary;
        let summary = plan.integrations.tally().summary.clone();
        plan.summary = crate::plan::Summary { errors, warnings, notes, released, ..summary };
    }

    fn leave(&mut self, integration: &str, category: Option<&str>) {
        self.found.insert((integration.to_owned(), category.map(str::to_owned)));
    }
}

struct Comparing<'a, I: Iterator<Item = Integration>> {
    expected: Peekable<I>,
    is_of_commit: bool,
    is_way_back: bool,
    begun: &'a Begun,
    left: LeftAlone,
    differs: Option<String>,
}

fn missing(one: &Integration) -> String {
    format!("the plan has the integration {}, and now it is not planned", one.integration)
}

impl<I: Iterator<Item = Integration>> Comparing<'_, I> {
    fn take(&mut self, now: &Integration) -> Result<(), String> {
        let name = &now.integration;
        if self.expected.peek().is_some_and(|next| next.integration < *name) {
            return self.expected.next().map_or(Ok(()), |one| Err(missing(&one)));
        }
        match self.expected.next_if(|next| next.integration == *name) {
            Some(expected) => self.one(&expected, now),
            None if self.is_of_commit => Err(format!("the plan has not the integration {name}")),
            None => {
                if now.is_applied() {
                    self.left.told.push(format!("{name}: it came into the files after the plan was made"));
                }
                self.left.leave(name, None);
                Ok(())
            }
        }
    }

    fn one(&mut self, expected: &Integration, now: &Integration) -> Result<(), String> {
        let name = &now.integration;
        let told = |what: &str, expected: &str, now: &str| {
            format!("{what} of {name}: the plan says {expected}, and now it is {now}")
        };
        if expected.pair != now.pair {
            return Err(told("the pair", &expected.pair, &now.pair));
        }
        if !self.is_way_back && expected.mode != now.mode {
            return Err(told("the mode", expected.mode.as_str(), now.mode.as_str()));
        }
        let is_renamed = |from: &String| self.begun.renamed.iter().any(|(was, to)| was == from && to == name);
        let renamed_from = expected.renamed_from.as_ref().filter(|from| !is_renamed(from));
        if renamed_from != now.renamed_from.as_ref() {
            let word = |from: Option<&String>| from.map_or("none".to_owned(), |from| format!("`{from}`"));
            return Err(told("the former name", &word(renamed_from), &word(now.renamed_from.as_ref())));
        }
        for category in &now.categories {
            let was = expected.categories.iter().find(|was| was.category == category.category);
            self.category(name, was, category)?;
        }
        let is_there = |id: &str| now.categories.iter().any(|category| category.category == *id);
        if let Some(gone) = expected.categories.iter().find(|was| saves(was) && !is_there(&was.category)) {
            return Err(format!("{} of {name}: the plan saves it, and now it is not planned", gone.category));
        }
        let rests_on = |one: &Integration| -> Vec<(String, u64)> {
            let all = one.live_depends_on.iter();
            all.filter(|(id, _)| !self.begun.has_saved(name, id)).map(|(id, at)| (id.clone(), *at)).collect()
        };
        if rests_on(expected) != rests_on(now) && !self.begun.has_saved(name, GENERAL) {
            return Err(format!("what live mode of {name} rests on is not what the plan says"));
        }
        Ok(())
    }

    fn category(
        &mut self,
        integration: &str,
        expected: Option<&CategoryPlan>,
        now: &CategoryPlan,
    ) -> Result<(), String> {
        let id = &now.category;
        let of = format!("{id} of {integration}");
        if self.begun.has_saved(integration, id) {
            // The run did its part of it; what is to be done by now is for another plan.
            self.left.leave(integration, Some(id));
            return Ok(());
        }
        let Some(expected) = expected else {
            return if saves(now) { Err(format!("{of}: the plan has not this category")) } else { Ok(()) };
        };
        match (saves(expected), saves(now)) {
            (false, false) => Ok(()),
            (true, false) => Err(format!("{of}: the plan saves it, and now there is nothing to save")),
            (false, true) if expected.revision != now.revision => {
                let at = |revision: Option<u64>| revision.map_or("none".to_owned(), |at| at.to_string());
                self.left.told.push(format!(
                    "{of}: it is at revision {} and was at {} in the plan, which does not save it",
                    at(now.revision),
                    at(expected.revision)
                ));
                self.left.leave(integration, Some(id));
                Ok(())
            }
            (false, true) => Err(format!("{of}: the plan does not save it, and now it would be saved")),
            (true, true) => {
                first_difference(expected, now).map_or(Ok(()), |said| Err(format!("{of}: {said}")))
            }
        }
    }
}

/// Whether a plan says, in any of its ways, that something is saved.
fn saves(category: &CategoryPlan) -> bool {
    category.action.saves() || category.save.is_some() || !category.changes.is_empty()
}

fn first_difference(expected: &CategoryPlan, now: &CategoryPlan) -> Option<String> {
    if expected.action != now.action {
        return Some("the plan does something else with it than is planned now".to_owned());
    }
    if expected.revision != now.revision || expected.deleted != now.deleted {
        return Some("somebody saved it after the plan was made".to_owned());
    }
    let settings = |target: &Option<Box<Target>>| target.as_ref().map(|target| target.settings.clone());
    let base = |target: &Option<Box<Target>>| target.as_ref().map(|target| target.applied.clone());
    let first = |what: &str, expected: Option<&Settings>, now: Option<&Settings>| {
        let nothing = Settings::new();
        let (expected, now) = (expected.unwrap_or(&nothing), now.unwrap_or(&nothing));
        let path = first_path(expected, now)?;
        let word = |settings: &Settings| settings.get(&path).map_or("not set".to_owned(), Value::to_string);
        let (expected, now) = (word(expected), word(now));
        Some(format!("the plan {what} `{path}` {expected}, and now it is {now}"))
    };
    first("saves", settings(&expected.save).as_deref(), settings(&now.save).as_deref())
        .or_else(|| {
            first("takes from the files", base(&expected.save).as_deref(), base(&now.save).as_deref())
        })
        .or_else(|| {
            let is_same = expected.changes.len() == now.changes.len()
                && expected.changes.iter().zip(&now.changes).all(|(one, other)| is_same_change(one, other));
            (!is_same)
                .then(|| "the changes that the plan shows are not those that are planned now".to_owned())
        })
}

/// The first path at which two documents differ, whatever the fingerprints of secrets.
fn first_path(one: &Settings, other: &Settings) -> Option<SettingPath> {
    let differs = |(path, value): &(&SettingPath, &Value), in_other: &Settings| {
        !in_other.get(*path).is_some_and(|other| is_same_value(value, other))
    };
    let in_one = one.iter().find(|entry| differs(entry, other)).map(|(path, _)| path);
    let in_other = other.iter().find(|entry| differs(entry, one)).map(|(path, _)| path);
    in_one.into_iter().chain(in_other).min().cloned()
}

fn is_same_value(one: &Value, other: &Value) -> bool {
    match (one, other) {
        (Value::Secret(one), Value::Secret(other)) => one.reference == other.reference,
        _ => one == other,
    }
}

fn is_same_change(one: &Change, other: &Change) -> bool {
    one.setting == other.setting
        && one.kind == other.kind
        && one.origin == other.origin
        && is_same_json(&one.before, &other.before)
        && is_same_json(&one.after, &other.after)
}

fn is_same_json(one: &Json, other: &Json) -> bool {
    one == other || is_same_value(&Value::from_json(one), &Value::from_json(other))
}

/// References of secrets of which a plan says that another value is at hand than the one that is deployed.
#[must_use]
pub fn changed_secrets(integrations: &Integrations) -> BTreeSet<String> {
    let mut changed = BTreeSet::new();
    integrations.for_each(&mut |one| {
        for change in one.categories.iter().flat_map(|category| &category.changes) {
            let reference = |value: &'_ Json| value.get("secret").and_then(Json::as_str).map(str::to_owned);
            if let Some(after) = reference(&change.after)
                && reference(&change.before).as_ref() == Some(&after)
            {
                changed.insert(after);
            }
        }
    });
    changed
}
