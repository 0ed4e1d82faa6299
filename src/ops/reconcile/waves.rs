//! The waves of a rollout within a round: which begin, which wait, and what becomes of one that failed.

use std::collections::{BTreeMap, BTreeSet};

use super::concern::{Concern, Kind};
use super::decide::{Changed, judge_one};
use super::proposal;
use super::rollout::{Member, Rollout, Stand};
use super::state::{Judged, State};
use crate::ops::error::Result;
use crate::ops::host::Host;
use crate::ops::workspace::Workspace;
use crate::plan::Plan;
use crate::plan::policy::reconcile::Wave;
use crate::store::Store;

/// Whether a wave goes on or fails though nothing was saved: its time is over, somebody synced, or it was not even tried yet.
pub(super) fn is_news(rollout: Option<&Rollout>, store: &mut dyn Store, host: &Host<'_>) -> Result<bool> {
    let Some(rollout) = rollout else { return Ok(false) };
    let is_tried = rollout.tried_at.is_some();
    Ok(!is_tried || rollout.stand((host.now)()) != Stand::Waits || rollout.clone().look_for_syncs(store)?)
}

/// Begins the waves whose turn it is. None where nothing waits any more: the last wave takes all that are left.
pub(super) fn advance(
    state: &State<'_>,
    mut rollout: Rollout,
    waves: &[Wave],
    plan: &Plan,
    changed: &Changed,
    steps: usize,
    host: &Host<'_>,
) -> Option<Rollout> {
    if rollout.began_at.is_some() {
        if rollout.stand((host.now)()) != Stand::Passed {
            return Some(rollout);
        }
        rollout.end(steps);
    }
    let mut left: BTreeMap<String, Member> = BTreeMap::new();
    plan.integrations.for_each(&mut |one| {
        let waiting = judge_one(state, one, changed, Some(&rollout), host).waiting;
        if !waiting.is_empty() {
            let categories = waiting.iter().map(ToString::to_string).collect();
            let member = Member { pair: one.pair.to_string(), categories, ..Member::default() };
            left.insert(one.integration.clone(), member);
        }
    });
    rollout.changed = rollout.changed.max(left.len());
    while let Some(wave) = waves.get(rollout.wave) {
        let is_last = rollout.wave + 1 == waves.len();
        if is_last && wave.bake.is_zero() && wave.within.is_none() && rollout.unproven.is_empty() {
            return None;
        }
        let taken = wave.take(left.keys().map(String::as_str), rollout.changed, &rollout.commit);
        let taken: BTreeSet<String> = taken.into_iter().map(str::to_owned).collect();
        let members = left.iter().filter(|(name, _)| taken.contains(*name));
        let members = members.map(|(name, member)| (name.clone(), member.clone())).collect();
        if rollout.begin(wave, waves.len(), members, &host.stamp()) {
            return Some(rollout);
        }
        rollout.wave += 1;
    }
    None
}

/// What a round leaves of a rollout: none where it is over. One that failed is told, and it is proposed to take it back.
pub(super) fn close(
    state: &State<'_>,
    mut rollout: Rollout,
    workspace: &Workspace,
    judged: &mut Judged,
    host: &Host<'_>,
) -> Option<Rollout> {
    match rollout.stand((host.now)()) {
        Stand::Waits => Some(rollout),
        Stand::Passed => Some(rollout).filter(|rollout| rollout.wave + 1 < rollout.of),
        Stand::Failed(reasons) => {
            rollout.failed = reasons;
            let mut concern = Concern::new(Kind::Wave).because(rollout.failed.clone());
            concern.deployed_commit = Some(rollout.commit.clone());
            concern.reasons.insert(0, format!("it was wave {} of {}", rollout.wave + 1, rollout.of));
            if rollout.branch.is_none() {
                match proposal::take_back(workspace, &rollout, host) {
                    Ok(branch) => rollout.branch = branch,
                    Err(error) => {
                        concern
                            .reasons
                            .push(format!("it could not be proposed to take it back: {}", error.message));
                    }
                }
            }
            if let Some(branch) = rollout.branch.as_ref().filter(|_| !rollout.pushed) {
                match (state.asked.push)(branch) {
                    Ok(()) => rollout.pushed = true,
                    Err(error) => concern.reasons.push(error.message),
                }
            }
            (concern.branch, concern.pushed) = (rollout.branch.clone(), rollout.pushed);
            judged.concerns.push(concern);
            Some(rollout)
        }
    }
}
