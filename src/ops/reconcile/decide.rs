//! Decides about each difference of a plan by what is known while a round is made, and takes what is left out of the plan.

use std::collections::{BTreeMap, BTreeSet};

use super::concern::concerns_of;
use super::matrix::{ChangedBy, Facts, Verdict, judge};
use super::partial::leave;
use super::rollout::Rollout;
use super::state::{Judged, State};
use crate::model::Name;
use crate::ops::deployed;
use crate::ops::drift;
use crate::ops::error::Result;
use crate::ops::host::Host;
use crate::ops::load;
use crate::plan::policy::reconcile::rule_of;
use crate::plan::{Integration, Origin, Plan};
use crate::store::{Deployed, Store};

fn own_names(integration: &Integration) -> Vec<&str> {
    std::iter::once(integration.integration.as_str()).chain(integration.renamed_from.as_deref()).collect()
}

/// Decides about each difference of one integration.
pub(super) fn judge_one(
    state: &State<'_>,
    one: &Integration,
    changed: &Changed,
    rollout: Option<&Rollout>,
    host: &Host<'_>,
) -> Verdict {
    if !one.is_applied() {
        return Verdict::default();
    }
    let names = own_names(one);
    let parts = |category: &str| state.ancestry.parts_from(state.standing.of(&names, category));
    let is_ahead = |category: &str| {
        let newer = state.newer.as_ref().filter(|_| parts(category).is_some());
        newer.is_some_and(|newer| newer.parts_from(state.standing.of(&names, category)).is_none())
    };
    let facts = Facts {
        rule: &|category| rule_of(&state.rules, &one.integration, &one.pair, category),
        changed_by: &|category, setting| {
            changed.get(&one.integration)?.get(&(category.to_owned(), setting.to_owned())).cloned()
        },
        not_in_history: &parts,
        is_ahead: &is_ahead,
        waits: state.is_outside_only || rollout.is_some_and(|rollout| !rollout.lets(&one.integration)),
        is_accepted: state.ancestry.is_accepted(),
        now: (host.now)(),
    };
    judge(one, &facts)
}

/// Decides about each difference, and takes what is left out of the plan.
pub(super) fn decide(
    state: &State<'_>,
    plan: &mut Plan,
    changed: &Changed,
    rollout: Option<&Rollout>,
    store: &mut (dyn Store + 'static),
    judged: &mut Judged,
    host: &Host<'_>,
) -> Result<()> {
    let mut leaving = Leaving::new();
    plan.integrations.for_each(&mut |one| {
        let verdict = judge_one(state, one, changed, rollout, host);
        if !verdict.is_empty() {
            judged.concerns.extend(concerns_of(one, &verdict.left));
            let name = &one.integration;
            judged.behind.extend(verdict.behind().map(|category| (name.clone(), category.to_string())));
            judged.renamed.extend(one.renamed_from.as_ref().map(|former| (name.clone(), former.clone())));
            leaving.insert(name.clone(), verdict.by_category.clone());
            judged.verdicts.insert(name.clone(), verdict);
        }
    });
    take_out(state, plan, &leaving, store)
}

/// By integration and category, the numbers of the changes that are left.
pub(super) type Leaving = BTreeMap<String, BTreeMap<Name, BTreeSet<usize>>>;

pub(super) fn take_out(
    state: &State<'_>,
    plan: &mut Plan,
    leaving: &Leaving,
    store: &mut (dyn Store + 'static),
) -> Result<()> {
    if leaving.is_empty() {
        return Ok(());
    }
    let rows = rows_of(state, leaving, store)?;
    let edited = std::mem::take(&mut plan.integrations).into_iter().map(|mut one| {
        if let Some(left) = leaving.get(&one.integration) {
            for category in &mut one.categories {
                let Some(left) = left.get(&category.category) else { continue };
                let key = (one.integration.clone(), category.category.to_string());
                leave(category, left, rows.get(&key));
            }
            if !one.is_applied() {
                one.live_depends_on.clear();
            }
        }
        one
    });
    plan.integrations = edited.collect();
    Ok(())
}

pub(super) type Changed = BTreeMap<String, BTreeMap<(String, String), ChangedBy>>;

/// Who changed what outside.
pub(super) fn changed_outside(
    state: &State<'_>,
    plan: &Plan,
    store: &mut (dyn Store + 'static),
) -> Result<Changed> {
    let mut changed = Changed::new();
    let settings = &plan.integrations.tally().summary.settings;
    if settings.outside + settings.conflicts == 0 {
        return Ok(changed);
    }
    for found in drift::find(state.request, plan, state.project, state.open, store)? {
        let of_one = changed.entry(found.integration).or_default();
        for (moved, _) in found.moved {
            let by = ChangedBy { by: moved.by, since: moved.since };
            of_one.insert((found.category.clone(), moved.path.to_string()), by);
        }
    }
    Ok(changed)
}

/// What is deployed of the integrations of which something is left, under the names that the files use.
pub(super) fn rows_of(
    state: &State<'_>,
    leaving: &Leaving,
    store: &mut (dyn Store + 'static),
) -> Result<BTreeMap<(String, String), Deployed>> {
    let again = (!state.open.is_empty()).then(|| state.project.again());
    let compiled =
        load::compiled(state.project, again.as_ref(), state.open, &|name| leaving.contains_key(name))?;
    let names: Vec<String> = leaving.keys().cloned().collect();
    let read = deployed::read(store, &compiled, Some(&names))?;
    Ok(read.rows.into_iter().map(|row| ((row.integration.clone(), row.category.clone()), row)).collect())
}

/// Takes out of a plan all that a commit brings. Whether anything is left.
pub(super) fn keep_what_is_set_back(
    state: &State<'_>,
    plan: &mut Plan,
    judged: &mut Judged,
    store: &mut (dyn Store + 'static),
) -> Result<bool> {
    let mut leaving = Leaving::new();
    let mut is_any = false;
    plan.integrations.for_each(&mut |one| {
        for category in one.categories.iter().filter(|category| category.save.is_some()) {
            let numbers = 0..category.changes.len().max(1);
            let of_commit =
                |at: &usize| category.changes.get(*at).is_none_or(|change| change.origin != Origin::Outside);
            let left: BTreeSet<usize> = numbers.clone().filter(of_commit).collect();
            is_any |= left.len() < numbers.len();
            if !left.is_empty() {
                judged.behind.insert((one.integration.clone(), category.category.to_string()));
                let of_one = leaving.entry(one.integration.clone()).or_default();
                of_one.insert(category.category.clone(), left);
            }
        }
    });
    if is_any {
        take_out(state, plan, &leaving, store)?;
    }
    Ok(is_any)
}
