//! What is done about each difference of one integration: saved, or left as it is deployed, and why. The rules say it by who made the
//! difference; a commit that goes back, a grace that lasts, and what is held below it say more. Nothing is read or changed here.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

use crate::apply::depends;
use crate::model::Name;
use crate::plan::policy::reconcile::{Action, Rule};
use crate::plan::{CategoryPlan, Change, Integration, Origin, turns_live};

/// Why something is left as it is deployed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Why {
    /// By the rule for who made it.
    Rule(Origin, Action),
    /// It was changed outside, and is left until then.
    Grace(Timestamp),
    /// Something of its category is held.
    CategoryHeld,
    /// It was deployed from this commit, or last agreed with it, and that is not in the history of the one that is reconciled.
    NotInHistory(String),
    /// It changed in git, and the wave of its integration has not come, or nothing of git is taken in this round.
    Wave,
    /// It was deployed from a newer commit, which waits for the end of the one that is rolled out.
    Ahead,
    /// It cannot be saved without what is left there.
    DependsOn(Name),
}

/// A difference that is left.
#[derive(Debug, Clone)]
pub struct Left {
    pub category: Name,
    pub change: Change,
    pub why: Why,
    /// Of what was changed outside: by whom and when, as far as the history tells.
    pub by: Option<String>,
    pub since: Option<String>,
}

/// Who changed a setting outside, and when.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChangedBy {
    pub by: String,
    pub since: String,
}

/// What is known of one integration beside its plan.
pub struct Facts<'a> {
    pub rule: &'a dyn Fn(&str) -> Rule,
    pub changed_by: &'a dyn Fn(&str, &str) -> Option<ChangedBy>,
    /// The commit that a category came from, where it is not in the history of this one.
    pub not_in_history: &'a dyn Fn(&str) -> Option<String>,
    /// A category came from a newer commit, which waits for this one.
    pub is_ahead: &'a dyn Fn(&str) -> bool,
    /// What the commit changes waits for its wave.
    pub waits: bool,
    /// Somebody accepted just this commit: what a rule holds for a person's word has it.
    pub is_accepted: bool,
    pub now: Timestamp,
}

/// What is left of one integration, by category: the numbers of changes, and what there is to say of each.
#[derive(Debug, Default)]
pub struct Verdict {
    pub left: Vec<Left>,
    pub by_category: BTreeMap<Name, BTreeSet<usize>>,
    /// Categories of which something waits for the wave alone.
    pub waiting: BTreeSet<Name>,
}

impl Verdict {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.by_category.is_empty()
    }

    /// Categories of which what the files say was not taken. Where only what was changed outside is left, it was.
    pub fn behind(&self) -> impl Iterator<Item = &Name> {
        let is_behind = |left: &&Left| {
            left.change.origin != Origin::Outside || matches!(left.why, Why::NotInHistory(_) | Why::Ahead)
        };
        self.left.iter().filter(is_behind).map(|left| &left.category)
    }
}

/// Decides about every category of an integration that would be saved.
#[must_use]
pub fn judge(integration: &Integration, facts: &Facts<'_>) -> Verdict {
    let mut whys: BTreeMap<usize, Vec<Option<Why>>> = BTreeMap::new();
    for (at, category) in saved(integration) {
        whys.insert(at, of_category(category, facts));
    }
    hold_what_depends(integration, &mut whys);
    let mut verdict = Verdict::default();
    for (at, whys) in whys {
        let category = &integration.categories[at];
        for (number, why) in whys.into_iter().enumerate() {
            let Some(why) = why else { continue };
            verdict.by_category.entry(category.category.clone()).or_default().insert(number);
            if why == Why::Wave {
                verdict.waiting.insert(category.category.clone());
            }
            let Some(change) = category.changes.get(number) else { continue };
            let changed = changed_by(category, change, facts);
            verdict.left.push(Left {
                category: category.category.clone(),
                change: change.clone(),
                why,
                since: changed.as_ref().map(|changed| changed.since.clone()),
                by: changed.map(|changed| changed.by),
            });
        }
    }
    verdict
}

fn saved(integration: &Integration) -> impl Iterator<Item = (usize, &CategoryPlan)> {
    integration.categories.iter().enumerate().filter(|(_, category)| category.save.is_some())
}

fn changed_by(category: &CategoryPlan, change: &Change, facts: &Facts<'_>) -> Option<ChangedBy> {
    let is_outside = change.origin != Origin::Git;
    is_outside.then(|| (facts.changed_by)(&category.category, &change.setting)).flatten()
}

/// Why each change of a category is left; none where it is saved. One that is saved without a change has one all the same.
fn of_category(category: &CategoryPlan, facts: &Facts<'_>) -> Vec<Option<Why>> {
    let number = category.changes.len().max(1);
    if category.revision.is_some() && (facts.is_ahead)(&category.category) {
        return vec![Some(Why::Ahead); number];
    }
    // What was never saved came from no commit.
    if category.revision.is_some()
        && let Some(commit) = (facts.not_in_history)(&category.category)
    {
        return vec![Some(Why::NotInHistory(commit)); number];
    }
    let rule = (facts.rule)(&category.category);
    if category.changes.is_empty() {
        return vec![by_rule(Origin::Git, rule, None, facts)];
    }
    let mut whys: Vec<Option<Why>> = category
        .changes
        .iter()
        .map(|change| by_rule(change.origin, rule, changed_by(category, change, facts), facts))
        .collect();
    let holds_all =
        |why: &Option<Why>| matches!(why, Some(Why::Rule(Origin::Outside | Origin::Both, Action::Hold)));
    if whys.iter().any(holds_all) {
        whys.iter_mut().filter(|why| why.is_none()).for_each(|why| *why = Some(Why::CategoryHeld));
    }
    whys
}

fn by_rule(origin: Origin, rule: Rule, changed: Option<ChangedBy>, facts: &Facts<'_>) -> Option<Why> {
    match (origin, rule.of(origin)) {
        (Origin::Git, Action::Hold) if facts.is_accepted => waits(origin, facts),
        (_, action @ (Action::Report | Action::Hold | Action::Pull)) => Some(Why::Rule(origin, action)),
        (Origin::Git, Action::Apply | Action::Heal) => waits(origin, facts),
        (Origin::Outside | Origin::Both, Action::Apply | Action::Heal) => {
            let since = changed.and_then(|changed| changed.since.parse::<Timestamp>().ok());
            let until = since.map(|since| since.checked_add(rule.grace).unwrap_or(Timestamp::MAX));
            let in_grace = until.filter(|until| facts.now < *until).map(Why::Grace);
            in_grace.or_else(|| waits(origin, facts))
        }
    }
}

/// Setting back waits for no wave: it brings nothing of the commit.
fn waits(origin: Origin, facts: &Facts<'_>) -> Option<Why> {
    (facts.waits && origin != Origin::Outside).then_some(Why::Wave)
}

/// What rests on something of which the files are not taken waits for it; live mode does not go on while anything is left. Where a wave
/// has not come, what is set back goes with what is deployed as it is.
fn hold_what_depends(integration: &Integration, whys: &mut BTreeMap<usize, Vec<Option<Why>>>) {
    let is_in_the_way = |why: &Option<Why>| why.as_ref().is_some_and(|why| *why != Why::Wave);
    loop {
        let is_left = |at: usize, whys: &BTreeMap<usize, Vec<Option<Why>>>| {
            whys.get(&at).is_some_and(|whys| whys.iter().any(is_in_the_way))
        };
        let is_behind = |at: usize, whys: &BTreeMap<usize, Vec<Option<Why>>>| {
            let changes = &integration.categories[at].changes;
            let of_files =
                |number: usize| changes.get(number).is_none_or(|one| one.origin != Origin::Outside);
            whys.get(&at).is_some_and(|whys| {
                whys.iter().enumerate().any(|(number, why)| is_in_the_way(why) && of_files(number))
            })
        };
        let waits = saved(integration).find_map(|(at, category)| {
            let is_whole = whys.get(&at).is_none_or(|whys| whys.iter().all(Option::is_some));
            if is_whole {
                return None;
            }
            let goes_live = turns_live(category) == Some(true);
            saved(integration)
                .find(|(other, on)| {
                    *other != at
                        && if goes_live {
                            is_left(*other, whys)
                        } else {
                            is_behind(*other, whys) && depends(category, on)
                        }
                })
                .map(|(_, on)| (at, on.category.clone()))
        });
        let Some((at, on)) = waits else { return };
        for why in whys.get_mut(&at).into_iter().flatten().filter(|why| why.is_none()) {
            *why = Some(Why::DependsOn(on.clone()));
        }
    }
}
