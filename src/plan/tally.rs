//! What is asked of all integrations of a plan again and again, counted as they come: how much changes, what an apply
//! writes, and how much of what is deployed moves. What of that is too much is judged elsewhere.

use std::collections::BTreeMap;

use super::data::{Action, CategoryPlan, ChangeKind, Held, Integration, Origin, Refusal, Summary};
use crate::model::Name;

/// What is asked of all integrations of a plan.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// Without the findings, which are not theirs.
    pub summary: Summary,
    /// Those that an apply gives another id.
    pub renamed: usize,
    /// Those of which a setting changes.
    pub touched: usize,
    /// Some change takes effect at the next sync.
    pub next_sync: bool,
    /// Those of which an apply writes something.
    pub written: Vec<Written>,
    /// Those of which something is deployed.
    pub deployed: usize,
    /// Those of which an apply notes that files and deployed settings agree.
    pub agreed: usize,
    /// How much of what is deployed moves, by pair and category.
    pub counts: BTreeMap<Name, BTreeMap<Name, Count>>,
    /// The same of integrations that were last applied with another pair, by that one.
    pub recorded_pairs: BTreeMap<Name, Count>,
    /// Integrations that were last applied with another pair: name, that pair, and the present one.
    pub other_pairs: Vec<(String, Name, Name)>,
    /// Categories that would be left empty.
    pub emptied: Vec<Refusal>,
    /// Categories that a way back holds.
    pub held: Vec<Refusal>,
}

/// An integration of which an apply writes something.
#[derive(Debug, Clone)]
pub struct Written {
    pub integration: String,
    pub renamed_from: Option<String>,
    /// It is in live mode, before or after.
    pub live: bool,
    /// Settings that it saves over: changed in the files and outside, and outside alone.
    pub conflicts: usize,
    pub drift: usize,
    /// The categories that it saves and those that live mode depends on, each at its revision (0: never saved).
    pub preconditions: Vec<(Name, u64)>,
}

/// How much of what is deployed moves.
#[derive(Debug, Clone, Default)]
pub struct Count {
    pub(super) settings: usize,
    pub(super) categories: usize,
    pub(super) moved: usize,
    pub(super) reset: usize,
    pub(super) saved: usize,
}

impl Count {
    /// None of a category that never was saved.
    fn of(category: &CategoryPlan) -> Option<Self> {
        let moved = category.changes.iter().filter(|change| change.kind != ChangeKind::Add);
        Some(Count {
            settings: category.deployed?,
            categories: 1,
            moved: moved.clone().count(),
            reset: moved.filter(|change| change.kind == ChangeKind::Reset).count(),
            saved: usize::from(category.action.saves()),
        })
    }

    fn add(&mut self, other: &Count) {
        self.settings += other.settings;
        self.categories += other.categories;
        self.moved += other.moved;
        self.reset += other.reset;
        self.saved += other.saved;
    }

    pub(super) fn sum<'a>(counts: impl Iterator<Item = &'a Count>) -> Self {
        let mut sum = Count::default();
        counts.for_each(|count| sum.add(count));
        sum
    }
}

impl Tally {
    pub(super) fn of(integrations: &[Integration]) -> Self {
        let mut tally = Tally::default();
        for integration in integrations {
            tally.take(integration);
        }
        tally
    }

    fn take(&mut self, integration: &Integration) {
        self.summary.integrations += 1;
        self.renamed += usize::from(integration.renamed_from.is_some());
        self.agreed += usize::from(integration.is_agreed());
        self.deployed +=
            usize::from(integration.categories.iter().any(|category| category.revision.is_some()));
        self.touched +=
            usize::from(integration.categories.iter().any(|category| !category.changes.is_empty()));
        if integration.is_applied() {
            self.written.push(Written {
                integration: integration.integration.clone(),
                renamed_from: integration.renamed_from.clone(),
                live: integration.is_live(),
                conflicts: saved_over(integration, Origin::Both),
                drift: saved_over(integration, Origin::Outside),
                preconditions: preconditions(integration),
            });
        }
        if let Some(pair) = &integration.recorded_pair {
            let name = integration.integration.clone();
            self.other_pairs.push((name, pair.clone(), integration.pair.clone()));
        }
        for category in &integration.categories {
            let counts = &mut self.summary.categories;
            *match category.action {
                Action::Create => &mut counts.create,
                Action::Update => &mut counts.update,
                Action::Reset => &mut counts.reset,
                Action::Blocked => &mut counts.blocked,
                Action::None => &mut counts.none,
                Action::NotManaged => &mut counts.not_managed,
            } += 1;
            for change in &category.changes {
                let counts = &mut self.summary.settings;
                *match change.kind {
                    ChangeKind::Add => &mut counts.add,
                    ChangeKind::Change => &mut counts.change,
                    ChangeKind::Reset => &mut counts.reset,
                } += 1;
                counts.outside += usize::from(change.origin == Origin::Outside);
                counts.conflicts += usize::from(change.origin == Origin::Both);
                self.next_sync |= change.effect == "next-sync";
            }
            if let Some(count) = Count::of(category) {
                self.counted(&integration.pair, &category.category).add(&count);
                if let Some(pair) = &integration.recorded_pair {
                    self.recorded_pairs.entry(pair.clone()).or_default().add(&count);
                }
            }
            self.emptied.extend(emptied(integration, category));
            self.held.extend(held(integration, category));
        }
    }

    fn counted(&mut self, pair: &Name, category: &Name) -> &mut Count {
        self.counts.entry(pair.clone()).or_default().entry(category.clone()).or_default()
    }

    pub(super) fn changes(&self) -> usize {
        let settings = &self.summary.settings;
        settings.add + settings.change + settings.reset
    }

    pub(super) fn add(&mut self, other: Tally) {
        let Tally {
            summary,
            renamed,
            touched,
            next_sync,
            written,
            deployed,
            agreed,
            counts,
            recorded_pairs,
            other_pairs,
            emptied,
            held,
        } = other;
        for (pair, count) in recorded_pairs {
            self.recorded_pairs.entry(pair).or_default().add(&count);
        }
        self.summary.add(&summary);
        self.renamed += renamed;
        self.agreed += agreed;
        self.deployed += deployed;
        self.touched += touched;
        self.next_sync |= next_sync;
        self.written.extend(written);
        for (pair, categories) in counts {
            let of_pair = self.counts.entry(pair).or_default();
            for (category, count) in categories {
                of_pair.entry(category).or_default().add(&count);
            }
        }
        self.other_pairs.extend(other_pairs);
        self.emptied.extend(emptied);
        self.held.extend(held);
    }
}

fn saved_over(integration: &Integration, origin: Origin) -> usize {
    let saved = integration.categories.iter().filter(|category| category.save.is_some());
    saved.flat_map(|category| &category.changes).filter(|change| change.origin == origin).count()
}

fn preconditions(integration: &Integration) -> Vec<(Name, u64)> {
    let saved = integration.categories.iter().filter(|category| category.save.is_some());
    let saved = saved.map(|category| (category.category.clone(), category.revision.unwrap_or(0)));
    let depended_on =
        integration.live_depends_on.iter().map(|(category, revision)| (category.as_str().into(), *revision));
    saved.chain(depended_on).collect()
}

/// A category that would be left without any setting.
fn emptied(integration: &Integration, category: &CategoryPlan) -> Option<Refusal> {
    let target = category.save.as_ref()?;
    let had = category.changes.iter().any(|change| !change.before.is_null());
    let said =
        || format!("{} of {} would be left without any setting", category.category, integration.integration);
    (had && target.settings.is_empty()).then(|| Refusal::new("empty", said()))
}

/// A category that somebody took back to what was deployed before.
fn held(integration: &Integration, category: &CategoryPlan) -> Option<Refusal> {
    let Held { until, reason, by } = &**category.held.as_ref().filter(|_| category.save.is_some())?;
    let of = format!("{} of {}", category.category, integration.integration);
    Some(Refusal::new("hold", format!("{of} is on hold until {until}: {reason}, by {by}")))
}
