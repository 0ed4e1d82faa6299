//! One round: a commit is planned, each difference is decided about, and what is allowed is applied. What one integration has of errors,
//! refusals and faults holds that one alone. What the round leaves is written at once, under the lease.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::ancestry::{ALL, Accepted, Ancestry, Standing};
use super::concern::{Concern, Kind};
use super::decide::{changed_outside, decide, keep_what_is_set_back};
use super::kept::{Looked, document, is_quiet};
use super::matters::{Moved, matters, settle};
use super::measure::{Counting, Measures};
use super::message::Applied;
use super::partial::leave_integration;
use super::proposal;
use super::rollout::Rollout;
use super::state::{Asked, Judged, State};
use super::waves::{advance, close, is_news};
use crate::apply::{Outcome, Report};
use crate::diagnostic::{Severity, count};
use crate::ops::apply::{self, Manner};
use crate::ops::approved::learn_approved;
use crate::ops::check;
use crate::ops::error::{Error, ErrorKind, Help, Result};
use crate::ops::host::{Host, Whose};
use crate::ops::judged::Judging;
use crate::ops::load::{self, Loaded, Purpose};
use crate::ops::plan::{made_with, make_on};
use crate::ops::project::Project;
use crate::ops::request::Request;
use crate::ops::signed::{Signed, require_signed_commit};
use crate::ops::workspace::Workspace;
use crate::plan::policy::reconcile::{Rules, waves_of};
use crate::plan::{self, Origin, Plan};
use crate::schema::Pair;
use crate::source::git::History;
use crate::store::{ACCEPT, Behind, Lock, Matter, ROLLOUT, Reconciled, Reconciling, Store};

/// What a round did.
#[derive(Debug, Default)]
pub struct Done {
    pub commit: String,
    /// Nothing had moved, so that nothing was judged.
    pub quiet: bool,
    /// What became of what was saved.
    pub report: Report,
    /// All that is open, in the order of the ids.
    pub open: Vec<Concern>,
    /// What moved among the matters.
    pub moved: Moved,
    /// What is rolled out in waves.
    pub rollout: Option<Rollout>,
    /// What there is to count; none where nothing was judged.
    pub measures: Option<Measures>,
    /// Why nothing of the newest commit was taken.
    pub stopped: Option<Error>,
    /// That commit, where what stopped it is its own.
    pub refused: Option<String>,
}

/// Makes a round under a lease. Where git cannot be reached or the newest commit cannot be taken, what was changed outside is looked at
/// all the same, with the commit that was taken last.
///
/// # Errors
/// When the store fails, or somebody else has taken over. Then nothing is known to be reconciled but what was before.
pub fn round(asked: &Asked<'_>, lease: &Lock, host: &Host<'_>) -> Result<Done> {
    let made = (asked.fetch)().and_then(|()| attempt(asked, Taken::All, lease, host));
    let (made, stopped) = match made {
        Ok(made) => (Some(made), None),
        Err(error) if matches!(error.kind, ErrorKind::Locked | ErrorKind::Stale) => (None, Some(error)),
        // Where the store is what cannot be reached, that is told.
        Err(error) => (attempt(asked, Taken::Outside, lease, host).ok(), Some(error)),
    };
    let mut store = host.make_store(asked.address)?;
    let environment = asked.environment.unwrap_or_default();
    let known = matters(store.as_mut(), environment)?;
    let at = host.stamp();
    let is_open = |(matter, _): &&(Matter, Concern)| matter.closed_at.is_none();
    let open: Vec<Concern> = known.iter().filter(is_open).map(|(_, concern)| concern.clone()).collect();
    let is_judged = matches!(made, Some(Attempt::Made(_)));
    let mut aside = Aside::default();
    let (mut done, mut write, mut found) = match made {
        Some(Attempt::Quiet(commit, rollout)) => {
            let rollout = rollout.map(|rollout| *rollout);
            let done = Done { commit, quiet: true, rollout, ..Done::default() };
            (done, Reconciling::default(), Vec::new())
        }
        Some(Attempt::Made(made)) => {
            let Made { done, write, concerns, unjudged, stopped: _ } = *made;
            aside = look_aside(asked, unjudged, lease, host);
            (done, write, concerns)
        }
        None => (Done::default(), Reconciling::default(), Vec::new()),
    };
    environment.clone_into(&mut write.environment);
    found.extend(stopped.as_ref().map(Concern::of_error));
    found.append(&mut aside.concerns);
    done.report.outcomes.append(&mut aside.report.outcomes);
    done.report.interrupted |= aside.report.interrupted;
    done.measures.iter_mut().for_each(|measures| measures.add_outside(&aside.measures));
    // Of a round that was stopped no more is known than what was changed outside.
    let is_unseen = |name: &String| aside.unseen.contains(name);
    // Where nothing had moved, it is known alone that nothing stops rounds any more.
    let is_quiet = done.quiet;
    let looked_for = |concern: &Concern| match (&stopped, concern.kind) {
        (None, _) if concern.is_of_a_round() => true,
        (None, _) if is_quiet => false,
        (_, Kind::Drift | Kind::Conflict) => {
            (stopped.is_none() || is_judged) && !concern.integration.as_ref().is_some_and(is_unseen)
        }
        (None, _) | (_, Kind::Stopped) => true,
        _ => false,
    };
    let is_found = |one: &Concern| found.iter().any(|other| other.id() == one.id());
    done.open = open.into_iter().filter(|one| !looked_for(one) && !is_found(one)).collect();
    done.open.extend(found.iter().cloned());
    done.open.sort_by_key(Concern::id);
    done.moved = settle(known, found, &looked_for, &at);
    write.matters.clone_from(&done.moved.rows);
    write.forgotten.clone_from(&done.moved.forgotten);
    if !write.is_empty() && !store.note_reconciled(lease, &write)? {
        return Err(Error::new(ErrorKind::Locked, "somebody else took over, and goes on with it"));
    }
    let is_its_own =
        |error: &Error| matches!(error.kind, ErrorKind::Invalid | ErrorKind::NotAllowed | ErrorKind::Refused);
    if stopped.as_ref().is_some_and(is_its_own) {
        let history = History::open(asked.start)?;
        done.refused = Some(history.resolve(asked.revision)?.commit.id);
    }
    done.stopped = stopped;
    Ok(done)
}

/// What is taken of a commit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Taken<'a> {
    /// All of the newest one.
    All,
    /// Nothing: what was changed outside is judged with the one that was taken last.
    Outside,
    /// As that, of these integrations, with a commit that had no errors in them.
    OutsideOf(&'a str, &'a [String]),
}

enum Attempt {
    Quiet(String, Option<Box<Rollout>>),
    Made(Box<Made>),
}

struct Made {
    done: Done,
    write: Reconciling,
    concerns: Vec<Concern>,
    /// Integrations whose files have errors, with the last commit that had none in them.
    unjudged: BTreeMap<String, Option<String>>,
    /// Integrations of which nothing is saved since all that would be was refused.
    stopped: BTreeSet<String>,
}

/// What was changed outside of integrations whose files have errors.
#[derive(Default)]
struct Aside {
    concerns: Vec<Concern>,
    report: Report,
    measures: Measures,
    /// Integrations that could not be looked at.
    unseen: BTreeSet<String>,
}

/// Looks at what was changed outside of integrations whose files have errors, with the last commits that had none in them: it is told, and set
/// back where a rule says so.
fn look_aside(
    asked: &Asked<'_>,
    unjudged: BTreeMap<String, Option<String>>,
    lease: &Lock,
    host: &Host<'_>,
) -> Aside {
    let mut aside = Aside::default();
    let mut by_commit: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, commit) in unjudged {
        match commit {
            Some(commit) => by_commit.entry(commit).or_default().push(name),
            None => _ = aside.unseen.insert(name),
        }
    }
    for (commit, names) in by_commit {
        let Ok(Attempt::Made(made)) = attempt(asked, Taken::OutsideOf(&commit, &names), lease, host) else {
            aside.unseen.extend(names);
            continue;
        };
        let Made { done, write: _, concerns, unjudged, stopped } = *made;
        for concern in concerns {
            match &concern.integration {
                Some(name) if names.contains(name) && concern.kind != Kind::Invalid => {
                    aside.concerns.push(concern);
                }
                // What would be refused of all is of no other than these.
                None if concern.kind == Kind::Refused => {
                    aside.concerns.extend(stopped.iter().map(|name| concern.clone().of(name)));
                }
                _ => {}
            }
        }
        aside.report.outcomes.extend(done.report.outcomes);
        aside.report.interrupted |= done.report.interrupted;
        aside.measures.add_outside(&done.measures.unwrap_or_default());
        aside.unseen.extend(unjudged.into_keys());
    }
    aside
}

fn attempt(asked: &Asked<'_>, taken: Taken<'_>, lease: &Lock, host: &Host<'_>) -> Result<Attempt> {
    let environment = asked.environment.unwrap_or_default();
    let mut store = host.make_store(asked.address)?;
    let reconciled = store.reconciled(environment)?;
    let is_outside_only = taken != Taken::All;
    let (revision, only) = match (taken, &reconciled) {
        (Taken::All, _) => (asked.revision, None),
        (Taken::OutsideOf(commit, names), _) => (commit, Some(names)),
        (Taken::Outside, Some(last)) => (last.commit.as_str(), None),
        (Taken::Outside, None) => return Err(Error::usage("no commit was taken yet")),
    };
    let workspace = Workspace::at(asked.start, revision)?;
    let tip = workspace.commit().map(|commit| commit.id.clone()).unwrap_or_default();
    // What comes after this was not seen.
    let number = store.last_number()?;
    let known = reconciled.as_ref().map(Rollout::of).transpose()?.flatten();
    // Only a rollout asks for them before anything is judged.
    let steps = known.as_ref().map(|_| store.notes_of(&[ROLLOUT], "")).transpose()?;
    let (history, _) = workspace.history()?;
    let rollout = known.as_ref().map(|known| {
        if is_outside_only {
            return known.clone();
        }
        let is_in_tip = history.is_ancestor(&known.commit, &tip).unwrap_or(false);
        known.clone().go_on(&tip, is_in_tip, steps.as_deref().unwrap_or_default())
    });
    let rolled_out = rollout.as_ref().filter(|_| !is_outside_only);
    let commit = rolled_out.map_or(&tip, |rollout| &rollout.commit).clone();
    let newest = if is_outside_only { history.resolve(asked.revision)?.commit.id } else { tip.clone() };
    let is_new = !is_outside_only && reconciled.as_ref().is_none_or(|last| last.commit != commit);
    let looked = Looked { is_new, is_outside_only, newest: &newest };
    if !asked.anew
        && only.is_none()
        && rollout == known
        && let Some(last) = &reconciled
        && is_quiet(last, &looked, &commit, number, host)
        && (is_outside_only || !is_news(rollout.as_ref(), store.as_mut(), host)?)
    {
        return Ok(Attempt::Quiet(commit, rollout.map(Box::new)));
    }
    // A commit that is rolled out in waves goes on until it is, whatever came after it.
    let revision = if commit == tip { revision } else { commit.as_str() };
    let workspace = if commit == tip { workspace } else { Workspace::at(asked.start, revision)? };
    let signed = require_signed_commit(&history, &commit, asked.signatures, (host.now)())?;
    require_same_store(&workspace, asked, host)?;
    if host.trust.has_learned() {
        // What a former tip allowed is allowed no more.
        let _ = learn_approved(Whose { root: workspace.root(), environment: asked.environment }, host);
    }
    // What is accepted after this is no answer to what is seen now.
    let accepted: Vec<Accepted> = store.notes_of(&[ACCEPT], "")?.iter().filter_map(Accepted::read).collect();
    let at = Moment { number, accepts: accepted.len() as u64 };
    let mut request = Request { revision: Some(revision.to_owned()), ..asked.request.clone() };
    request.filter.integrations.extend(only.into_iter().flatten().cloned());
    let request = &request;
    let Loaded { project, fleet, mut snapshot } = load::load(&workspace, request, host, Purpose::Apply)?;
    let open = fleet.open.clone();
    let (mut plan, judging) = make_on(&project, fleet, &mut snapshot, request, host)?;
    let counting = Counting::begin(&plan, &project.compilation.options, history.committed_at(&commit));
    let mut judged = Judged { concerns: errors_of(&project, &commit)?, ..Judged::default() };
    judged.held.extend(judged.concerns.iter().filter_map(|concern| concern.integration.clone()));
    judged.unjudged.clone_from(&judged.held);
    plan.integrations =
        plan.integrations.into_iter().filter(|one| !judged.held.contains(&one.integration)).collect();
    plan.summary.errors = 0;
    plan.findings.retain(|finding| finding.severity != Severity::Error);
    if is_new {
        apply::record_said(&project, &judging, &plan, asked.address, host)?;
    }
    let behind = store.behind(environment)?;
    let renames = store.renames()?;
    let mut names = names_of(&plan);
    names.extend(judged.unjudged.iter().cloned());
    let standing = Standing::read(store.as_mut(), reconciled.clone(), &behind, &names, &renames)?;
    let policy = judging.recorded().map_or(&judging.files, |recorded| &recorded.policy);
    let files = Rules::of_policy(policy);
    let state = State {
        asked,
        project: &project,
        request,
        open: &open,
        ancestry: &Ancestry::new(&history, &commit, accepted),
        newer: (commit != newest).then(|| Ancestry::new(&history, &newest, Vec::new())),
        is_outside_only,
        is_of_some: only.is_some(),
        standing: &standing,
        rules: [&files, asked.last_word],
    };
    let changed = changed_outside(&state, &plan, store.as_mut())?;
    let before = reconciled.as_ref().map(|last| last.commit.clone());
    let frozen = rollout.as_ref().filter(|_| is_outside_only).cloned();
    let going = rollout.filter(|_| !is_outside_only);
    let pairs = |id: &str| -> Option<Arc<Pair>> { project.compilation.catalogue.pair(id) };
    let waves = waves_of(&state.rules);
    let mut rollout = if !waves.is_empty() && (going.is_some() || is_new) {
        let steps = steps.map_or_else(|| store.notes_of(&[ROLLOUT], ""), Ok)?.len();
        let mut begun = going.unwrap_or_else(|| Rollout::new(&commit, before, steps));
        begun.look(store.as_mut(), &pairs)?;
        advance(&state, begun, &waves, &plan, &changed, steps, host)
    } else {
        None
    };
    decide(&state, &mut plan, &changed, rollout.as_ref(), store.as_mut(), &mut judged, host)?;
    // Whoever goes on after this one is killed has to know who was in the wave, or would take what is saved for done.
    let mut behind = behind;
    if rollout.as_ref().is_some_and(|rollout| rollout.tried_at.is_none()) && rollout != known {
        let saved = pending(&plan);
        let (came, _) = differences(&behind, &judged, &saved, &standing);
        let document = document(
            &Report::default(),
            &judged,
            &looked,
            reconciled.as_ref(),
            rollout.as_ref(),
            Vec::new(),
            host,
        );
        let write = written(environment, &commit, at, came, Vec::new(), &document, host);
        if !store.note_reconciled(lease, &write)? {
            return Err(Error::new(ErrorKind::Locked, "somebody else took over, and goes on with it"));
        }
        behind = store.behind(environment)?;
    }
    refuse_one_by_one(&state, &mut plan, &judging, &mut judged, host)?;
    for (name, why) in released(&plan) {
        judged
            .concerns
            .push(Concern { held: false, ..Concern::new(Kind::Released).of(&name).because([why]) });
    }
    let owners = owners_of(&plan);
    let brought = brought_to(&plan);
    let report = save(&state, plan, &judging, &signed, lease, store.as_mut(), &mut judged, host)?;
    propose(&state, &workspace, store.as_mut(), &mut judged, host)?;
    if let Some(mut now) = rollout.take() {
        if !judged.is_stopped && !report.interrupted {
            let is_saved = |outcome: &Outcome| matches!(outcome, Outcome::Saved { .. });
            let saved = report.outcomes.iter().filter(|(_, _, outcome)| is_saved(outcome));
            let saved =
                saved.map(|(name, _, _)| name.to_string()).filter(|name| brought.contains(name)).collect();
            let left: BTreeSet<&str> = judged.behind.iter().map(|(name, _)| name.as_str()).collect();
            now.tried(&|name| left.contains(name), &saved, store.as_mut(), &pairs, &host.stamp())?;
            now.look(store.as_mut(), &pairs)?;
        }
        rollout = close(&state, now, &workspace, &mut judged, host);
    }
    let (came, caught_up) = differences(&behind, &judged, &BTreeSet::new(), &standing);
    let added = applied_of(&report, &commit, &owners, host);
    let rollout = rollout.or(frozen);
    let document = document(&report, &judged, &looked, reconciled.as_ref(), rollout.as_ref(), added, host);
    let write = written(environment, &commit, at, came, caught_up, &document, host);
    judged.concerns.sort_by_key(Concern::id);
    let measures = Some(counting.end(&judged.concerns));
    let done = Done { commit, report, rollout, measures, ..Done::default() };
    let unjudged = judged.unjudged.iter().map(|name| (name.clone(), standing.judged_at(name))).collect();
    let made = Made { done, write, concerns: judged.concerns, unjudged, stopped: judged.stopped };
    Ok(Attempt::Made(Box::new(made)))
}

/// When a round looked: what is saved or accepted later it has not seen.
#[derive(Clone, Copy)]
struct Moment {
    number: u64,
    accepts: u64,
}

fn written(
    environment: &str,
    commit: &str,
    at: Moment,
    behind: Vec<Behind>,
    caught_up: Vec<(String, String)>,
    document: &Json,
    host: &Host<'_>,
) -> Reconciling {
    Reconciling {
        environment: environment.to_owned(),
        reconciled: Some(Reconciled {
            environment: environment.to_owned(),
            commit: commit.to_owned(),
            number: at.number,
            accepts: at.accepts,
            at: host.stamp(),
            document: document.to_string(),
        }),
        behind,
        caught_up,
        ..Reconciling::default()
    }
}

/// The integrations to which a plan brings something of the commit, and that are not only set back.
fn brought_to(plan: &Plan) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    plan.integrations.for_each(&mut |one| {
        let mut saved = one.categories.iter().filter(|category| category.save.is_some());
        let is_of_commit = |change: &plan::Change| change.origin != Origin::Outside;
        if saved.any(|category| category.changes.is_empty() || category.changes.iter().any(is_of_commit)) {
            found.insert(one.integration.clone());
        }
    });
    found
}

/// Whose review what a plan saves needs, where it does.
fn owners_of(plan: &Plan) -> BTreeMap<(String, String), Vec<String>> {
    let mut found = BTreeMap::new();
    plan.integrations.for_each(&mut |one| {
        let saved = one.categories.iter().filter(|category| category.save.is_some());
        let owned = saved.filter(|category| !category.owners.is_empty());
        found.extend(owned.map(|category| {
            ((one.integration.clone(), category.category.to_string()), category.owners.clone())
        }));
    });
    found
}

/// What a round applied, by category and owners.
fn applied_of(
    report: &Report,
    commit: &str,
    owners: &BTreeMap<(String, String), Vec<String>>,
    host: &Host<'_>,
) -> Vec<Applied> {
    let mut found: BTreeMap<(String, Vec<String>), Applied> = BTreeMap::new();
    for (integration, category, outcome) in &report.outcomes {
        if !matches!(outcome, Outcome::Saved { .. }) {
            continue;
        }
        let key = (integration.to_string(), category.to_string());
        let owners = owners.get(&key).cloned().unwrap_or_default();
        let (first, category) = key;
        let new = || Applied {
            at: host.stamp(),
            commit: commit.to_owned(),
            category: category.clone(),
            owners: owners.clone(),
            number: 0,
            first,
        };
        found.entry((category.clone(), owners.clone())).or_insert_with(new).number += 1;
    }
    found.into_values().collect()
}

/// Integrations and categories that a plan saves.
fn pending(plan: &Plan) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    plan.integrations.for_each(&mut |one| {
        let saved = one.categories.iter().filter(|category| category.save.is_some());
        found.extend(saved.map(|category| (one.integration.clone(), category.category.to_string())));
    });
    found
}

/// A commit that says another store is about another deployment.
fn require_same_store(workspace: &Workspace, asked: &Asked<'_>, host: &Host<'_>) -> Result<()> {
    let (environment, address) = workspace.store(asked.request, host)?;
    if environment.as_deref() == asked.environment && address.url == asked.address.url {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Refused,
        "the commit names another store than the one that is reconciled, which is another deployment",
    )
    .help("start the reconciler anew if that is meant; nothing of the former store is taken along"))
}

/// What the errors of the files hold: the integrations that have them, or all where they are of none.
fn errors_of(project: &Project<'_>, commit: &str) -> Result<Vec<Concern>> {
    const SHOWN: usize = 3;
    let compilation = &project.compilation;
    let errors = || compilation.findings.iter().filter(|one| one.severity == Severity::Error);
    let is_shared =
        |one: &&crate::diagnostic::Finding| one.about.integration.is_none() && one.also.is_empty();
    if let Some(first) = errors().find(is_shared) {
        let number = count(errors().filter(is_shared).count(), "error");
        let why = format!("commit {commit} has {number} that are of no integration: {}", first.message);
        return Err(Error::new(ErrorKind::Invalid, why).with(project.see_findings()));
    }
    let mut said: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for finding in errors() {
        let place = project.workspace.sources().path(finding.primary.span);
        let line = project.workspace.sources().line(finding.primary.span);
        for name in finding.about.integration.iter().chain(&finding.also) {
            said.entry(name.clone()).or_default().push(format!("{} ({place}:{line})", finding.message));
        }
    }
    for name in compilation.errors.keys() {
        said.entry(name.clone()).or_default();
    }
    let concern = |(name, mut reasons): (String, Vec<String>)| {
        let more = reasons.len().saturating_sub(SHOWN);
        reasons.truncate(SHOWN);
        if more > 0 {
            reasons.push(format!("and {more} more"));
        }
        Concern::new(Kind::Invalid).of(&name).because(reasons)
    };
    Ok(said.into_iter().map(concern).collect())
}

/// The integrations of which something would be saved, under the names that the store has.
fn names_of(plan: &Plan) -> Vec<String> {
    let written = plan.integrations.tally().written.iter();
    written.map(|one| one.renamed_from.as_ref().unwrap_or(&one.integration).clone()).collect()
}

/// Holds the integrations that a rule of safety refuses by themselves.
fn refuse_one_by_one(
    state: &State<'_>,
    plan: &mut Plan,
    judging: &Judging,
    judged: &mut Judged,
    host: &Host<'_>,
) -> Result<()> {
    let gaps: Vec<plan::Refusal> = std::mem::take(&mut plan.refusals);
    let now = (host.now)();
    let mut refused: BTreeSet<String> = BTreeSet::new();
    let mut failed = None;
    let (commit, environment) = (plan.commit.clone(), plan.environment.clone());
    plan.integrations.for_each(&mut |one| {
        if !one.is_applied() || failed.is_some() {
            return;
        }
        let mut of_one = Plan::of_one(one.clone());
        of_one.commit.clone_from(&commit);
        of_one.environment.clone_from(&environment);
        of_one.refusals =
            gaps.iter().filter(|gap| gap.integration.as_ref() == Some(&one.integration)).cloned().collect();
        match check::refusals(&of_one, &judging.of_integration(&one.integration), state.asked.consent, now) {
            Ok(found) => {
                let of_its_own =
                    |refusal: &plan::Refusal| !check::is_of_the_whole(refusal) && refusal.check != WINDOW;
                let mut found: Vec<String> =
                    found.into_iter().filter(of_its_own).map(|refusal| refusal.message).collect();
                found.extend(not_allowed(state, &of_one, host));
                if !found.is_empty() {
                    let live = one.is_live();
                    let concern = Concern { live, ..Concern::new(Kind::Refused).of(&one.integration) };
                    judged.concerns.push(concern.because(found));
                    judged.hold(one);
                    refused.insert(one.integration.clone());
                }
            }
            Err(error) => failed = Some(error),
        }
    });
    if let Some(error) = failed {
        return Err(error);
    }
    if !refused.is_empty() {
        plan.integrations.edit(&mut |one| {
            if refused.contains(&one.integration) {
                leave_integration(one);
            }
        });
    }
    Ok(())
}

/// Why what a plan saves leads where nothing may lead.
fn not_allowed(state: &State<'_>, plan: &Plan, host: &Host<'_>) -> Option<String> {
    let error = apply::require_addresses(state.project, plan, host).err()?;
    Some(match error.help {
        Some(Help::Allow(lines)) => {
            let lines: Vec<String> = lines.iter().map(|line| format!("`{line}`")).collect();
            format!("{}; what would allow it in the policy file: {}", error.message, lines.join(", "))
        }
        _ => error.message,
    })
}

/// The check of apply windows, which is of the moment and of nothing that is saved.
const WINDOW: &str = "window";

/// Integrations that left the files as wholes.
fn released(plan: &Plan) -> Vec<(String, String)> {
    let whole = plan.releases().into_iter().filter(|release| release.whole);
    let why = "it is in no file any more; what is deployed stays as it is, until somebody acknowledges that";
    whole.map(|release| (release.integration.to_owned(), why.to_owned())).collect()
}

/// Applies what is left of the plan. Where too much of all moves, or no window is open, nothing of the commit is saved; what is set back is
/// then judged by itself.
#[expect(clippy::too_many_arguments, reason = "all that is known of a round")]
fn save(
    state: &State<'_>,
    mut plan: Plan,
    judging: &Judging,
    signed: &Signed,
    lease: &Lock,
    store: &mut (dyn Store + 'static),
    judged: &mut Judged,
    host: &Host<'_>,
) -> Result<Report> {
    let judging = judging.without(&judged.held);
    let refused = refusals(state, &mut plan, &judging, host)?;
    if !refused.is_empty() {
        judged.concerns.push(Concern::new(Kind::Refused).because(refused));
        judged.is_stopped = true;
        let is_healing = keep_what_is_set_back(state, &mut plan, judged, store)?;
        if !is_healing || !refusals(state, &mut plan, &judging, host)?.is_empty() {
            plan.integrations.for_each(&mut |one| {
                if one.is_applied() {
                    judged.hold(one);
                    judged.stopped.insert(one.integration.clone());
                }
            });
            return Ok(Report::default());
        }
    }
    plan.made_with = Some(made_with(state.project));
    plan::file::seal(&mut plan);
    let approved = check::check(plan, &judging, state.asked.consent, signed, (host.now)())?;
    // A commit of before says nothing anew.
    let nobody: &(dyn Fn(&str) -> bool + Sync) = &|_| false;
    let manner = Manner {
        wait: state.asked.lock_wait,
        lease: Some(lease),
        only: state.is_of_some.then_some(nobody),
        ..Manner::default()
    };
    let applied = apply::apply(state.project, &judging, state.asked.address, approved, None, manner, host)?;
    let mut failed: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, category, outcome) in &applied.report.outcomes {
        if outcome.is_done() {
            continue;
        }
        judged.behind.insert((name.to_string(), category.to_string()));
        // Where somebody saved meanwhile, what he did is looked at in the next round.
        let (Outcome::Failed { reason: why, .. } | Outcome::Skipped { reason: why }) = outcome else {
            continue;
        };
        failed.entry(name.to_string()).or_default().push(format!("{category}: {why}"));
    }
    for renamed in &applied.report.renamed {
        if let Some(failure) = &renamed.failed {
            failed.entry(renamed.to.clone()).or_default().push(failure.reason.clone());
        }
    }
    for (name, reasons) in failed {
        judged.concerns.push(Concern::new(Kind::Failed).of(&name).because(reasons));
    }
    Ok(applied.report)
}

/// Why a plan is refused as a whole.
fn refusals(state: &State<'_>, plan: &mut Plan, judging: &Judging, host: &Host<'_>) -> Result<Vec<String>> {
    let tally = &plan.integrations.tally().summary;
    plan.summary = plan::Summary {
        warnings: plan.summary.warnings,
        notes: plan.summary.notes,
        released: plan.summary.released,
        ..tally.clone()
    };
    let refused = check::refusals(plan, judging, state.asked.consent, (host.now)())?;
    Ok(refused.into_iter().map(|refusal| refusal.message).collect())
}

/// Proposes what was changed outside where a rule asks for that, and was not proposed and pushed before.
fn propose(
    state: &State<'_>,
    workspace: &Workspace,
    store: &mut (dyn Store + 'static),
    judged: &mut Judged,
    host: &Host<'_>,
) -> Result<()> {
    let Judged { verdicts, concerns, .. } = judged;
    let is_asked = |concern: &Concern| {
        let verdict = concern.integration.as_ref().and_then(|name| verdicts.get(name));
        verdict.is_some_and(|verdict| concern.is_to_be_proposed(&verdict.left))
    };
    if !concerns.iter().any(is_asked) {
        return Ok(());
    }
    let known = matters(store, state.asked.environment.unwrap_or_default())?;
    for concern in concerns.iter_mut().filter(|concern| is_asked(concern)) {
        let id = concern.id();
        let before =
            known.iter().find(|(matter, before)| matter.id == id && before.settings == concern.settings);
        if let Some((_, before)) = before.filter(|(_, before)| before.pushed) {
            (concern.branch, concern.pushed) = (before.branch.clone(), true);
            continue;
        }
        // What cannot be proposed is told, and stops nothing.
        match proposal::propose(workspace, state.request, concern, host) {
            Ok(Some(branch)) => {
                match (state.asked.push)(&branch) {
                    Ok(()) => concern.pushed = true,
                    Err(error) => concern.reasons.push(error.message),
                }
                concern.branch = Some(branch);
            }
            Ok(None) => {
                concern.reasons.push("the files cannot say it, so that nothing is proposed".to_owned());
            }
            Err(error) => concern.reasons.push(format!("it could not be proposed: {}", error.message)),
        }
    }
    Ok(())
}

/// What moves among the categories that are behind: those that came, and those that caught up. What is about to be saved is behind.
fn differences(
    before: &[Behind],
    judged: &Judged,
    pending: &BTreeSet<(String, String)>,
    standing: &Standing,
) -> (Vec<Behind>, Vec<(String, String)>) {
    let unjudged = judged.unjudged.iter().map(|name| (name.clone(), ALL.to_owned()));
    let now: BTreeSet<(String, String)> =
        judged.behind.iter().chain(pending).cloned().chain(unjudged).collect();
    let key = |one: &Behind| (one.integration.clone(), one.category.clone());
    let known: BTreeSet<(String, String)> = before.iter().map(key).collect();
    let caught_up = before.iter().map(key).filter(|one| {
        let is_judged = !judged.unjudged.contains(&one.0);
        is_judged && !now.contains(one)
    });
    let came = now.iter().filter(|one| !known.contains(*one)).map(|(integration, category)| {
        let former = judged.renamed.get(integration);
        let names: Vec<&str> = std::iter::once(integration).chain(former).map(String::as_str).collect();
        let seen = standing.of(&names, category);
        Behind { integration: integration.clone(), category: category.clone(), seen }
    });
    (came.collect(), caught_up.collect())
}
