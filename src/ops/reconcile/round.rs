//! One round: a commit is planned, each difference is decided about, and what is allowed is applied. What one integration has of errors,
//! refusals and faults holds that one alone. What the round leaves is written at once, under the lease.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::{Value as Json, json};

use super::ancestry::{ALL, Accepted, Ancestry, Standing};
use super::concern::{Concern, Kind, concerns_of};
use super::lease::Lease;
use super::matrix::{ChangedBy, Facts, Verdict, judge};
use super::matters::{Moved, matters, settle};
use super::measure::{Counting, Measures};
use super::partial::{leave, leave_integration};
use super::proposal;
use crate::apply::{Outcome, Report};
use crate::diagnostic::{Severity, count};
use crate::ops::apply::{self, Manner};
use crate::ops::check::{self, Consent};
use crate::ops::deployed;
use crate::ops::drift;
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::host::Host;
use crate::ops::judged::Judging;
use crate::ops::load::{self, Candidate, Loaded, Purpose};
use crate::ops::plan::{made_with, make_on};
use crate::ops::project::Project;
use crate::ops::request::Request;
use crate::ops::signed::{Signed, require_signed_commit};
use crate::ops::workspace::Workspace;
use crate::plan::policy::reconcile::{Rules, rule_of};
use crate::plan::{self, Integration, Plan};
use crate::store::{Address, Behind, Deployed, Reconciled, Reconciling, Store};
use crate::trust::Signatures;

/// A round in which nothing is open is not judged anew while neither git nor the store moved, for so long: a secret may have.
const QUIET: Duration = Duration::from_secs(600);

/// What a round takes.
#[derive(Clone, Copy)]
pub struct Asked<'a> {
    /// Where the repository is.
    pub start: &'a Path,
    /// The ref that holds what was fetched.
    pub revision: &'a str,
    /// Fetches it.
    pub fetch: &'a (dyn Fn() -> Result<()> + Sync + 'a),
    pub request: &'a Request,
    /// The store that is reconciled, whatever the commit says: another one is another deployment.
    pub address: &'a Address,
    pub environment: Option<&'a str>,
    pub signatures: &'a Signatures,
    /// What is said outside the repository about differences, and has the last word.
    pub last_word: &'a Rules,
    /// What whoever started it agrees to for every round.
    pub consent: &'a Consent,
    /// How long to wait for a lock on an integration.
    pub lock_wait: Duration,
    /// Pushes a branch of this clone.
    pub push: &'a Push<'a>,
    /// Judge all, however quiet it is.
    pub anew: bool,
}

/// Pushes a branch, by its name.
pub type Push<'a> = dyn Fn(&str) -> Result<()> + Sync + 'a;

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
    /// What there is to count; none where nothing was judged.
    pub measures: Option<Measures>,
}

/// What is kept of what was planned.
#[derive(Default)]
struct Judged {
    verdicts: BTreeMap<String, Verdict>,
    concerns: Vec<Concern>,
    /// Integrations of which nothing is saved.
    held: BTreeSet<String>,
    /// Those whose files could not be judged.
    unjudged: BTreeSet<String>,
    /// Integrations and categories of which the files are not taken.
    behind: BTreeSet<(String, String)>,
    /// Present names to those that the store has.
    renamed: BTreeMap<String, String>,
}

impl Judged {
    /// Nothing of an integration is saved.
    fn hold(&mut self, integration: &Integration) {
        let saved = integration.categories.iter().filter(|category| category.save.is_some());
        let name = &integration.integration;
        self.behind.extend(saved.map(|category| (name.clone(), category.category.to_string())));
        self.held.insert(name.clone());
    }
}

/// Makes a round under a lease.
///
/// # Errors
/// When the round cannot be made: the commit has errors that are of no integration, is not signed as is asked for, the store fails,
/// or somebody else has taken over. Then nothing is known to be reconciled but what was before.
pub fn round(asked: &Asked<'_>, lease: &Lease, host: &Host<'_>) -> Result<Done> {
    let made = (asked.fetch)().and_then(|()| attempt(asked, lease, host));
    let mut store = host.make_store(asked.address)?;
    let environment = asked.environment.unwrap_or_default();
    let known = matters(store.as_mut(), environment)?;
    let at = host.stamp();
    let (mut done, mut write, found, error) = match made {
        Ok(Attempt::Quiet(commit)) => {
            let open = known.into_iter().filter(|(matter, _)| matter.closed_at.is_none());
            let open = open.map(|(_, concern)| concern).collect();
            return Ok(Done { commit, quiet: true, open, ..Done::default() });
        }
        Ok(Attempt::Made(made)) => {
            let Made { done, write, concerns } = *made;
            (done, write, concerns, None)
        }
        Err(error) => {
            let reasons = std::iter::once(error.message.clone());
            let kind = if error.kind == ErrorKind::Invalid { Kind::Invalid } else { Kind::Stopped };
            let write = Reconciling { environment: environment.to_owned(), ..Reconciling::default() };
            (Done::default(), write, vec![Concern::new(kind).because(reasons)], Some(error))
        }
    };
    // Of a round that was stopped nothing else is known.
    let looked_for = |concern: &Concern| error.is_none() || concern.kind == Kind::Stopped;
    done.open = found.clone();
    done.moved = settle(known, found, &looked_for, &at);
    write.matters.clone_from(&done.moved.rows);
    write.forgotten.clone_from(&done.moved.forgotten);
    if !write.is_empty() && !store.note_reconciled(&lease.lock, &write)? {
        return Err(Error::new(ErrorKind::Locked, "somebody else took over, and goes on with it"));
    }
    match error {
        Some(error) => Err(error),
        None => Ok(done),
    }
}

enum Attempt {
    Quiet(String),
    Made(Box<Made>),
}

struct Made {
    done: Done,
    write: Reconciling,
    concerns: Vec<Concern>,
}

fn attempt(asked: &Asked<'_>, lease: &Lease, host: &Host<'_>) -> Result<Attempt> {
    let workspace = Workspace::at(asked.start, asked.revision)?;
    let commit = workspace.commit().map(|commit| commit.id.clone()).unwrap_or_default();
    let environment = asked.environment.unwrap_or_default();
    let mut store = host.make_store(asked.address)?;
    let reconciled = store.reconciled(environment)?;
    // What comes after this was not seen.
    let number = store.last_number()?;
    if !asked.anew && reconciled.as_ref().is_some_and(|last| is_quiet(last, &commit, number, host)) {
        return Ok(Attempt::Quiet(commit));
    }
    let (history, _) = workspace.history()?;
    let signed = require_signed_commit(&history, &commit, asked.signatures, (host.now)())?;
    require_same_store(&workspace, asked, host)?;
    let request = &Request { revision: Some(asked.revision.to_owned()), ..asked.request.clone() };
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
    let is_new = reconciled.as_ref().is_none_or(|last| last.commit != commit);
    if is_new {
        apply::record_said(&project, &judging, &plan, asked.address, host)?;
    }
    let behind = store.behind(environment)?;
    let renames = store.renames()?;
    let names = names_of(&plan);
    let standing = Standing::read(store.as_mut(), reconciled.clone(), &behind, &names, &renames)?;
    let accepted = store.notes()?.iter().filter_map(Accepted::read).collect();
    let ancestry = Ancestry::new(&history, &commit, accepted);
    let state =
        State { asked, project: &project, request, open: &open, ancestry: &ancestry, standing: &standing };
    decide(&state, &mut plan, &judging, store.as_mut(), &mut judged, host)?;
    refuse_one_by_one(asked, &mut plan, &judging, &mut judged, host)?;
    for (name, why) in released(&plan) {
        judged
            .concerns
            .push(Concern { held: false, ..Concern::new(Kind::Released).of(&name).because([why]) });
    }
    let report = save(&state, plan, &judging, &signed, lease, &mut judged, host)?;
    propose(&state, &workspace, store.as_mut(), &mut judged, host)?;
    let (behind, caught_up) = differences(&behind, &judged, &standing);
    let document = document(&report, &judged, is_new, reconciled.as_ref(), host);
    let write = Reconciling {
        environment: environment.to_owned(),
        reconciled: Some(Reconciled {
            environment: environment.to_owned(),
            commit: commit.clone(),
            number,
            at: host.stamp(),
            document: document.to_string(),
        }),
        behind,
        caught_up,
        ..Reconciling::default()
    };
    judged.concerns.sort_by_key(Concern::id);
    let measures = Some(counting.end(&judged.concerns));
    let done = Done { commit, report, measures, ..Done::default() };
    Ok(Attempt::Made(Box::new(Made { done, write, concerns: judged.concerns })))
}

/// Nothing was open after the last round, and neither git, the store nor the day moved since.
fn is_quiet(last: &Reconciled, commit: &str, number: u64, host: &Host<'_>) -> bool {
    let document: Json = serde_json::from_str(&last.document).unwrap_or_default();
    let now = (host.now)();
    let judged_at = document["judged_at"].as_str().and_then(|at| at.parse::<Timestamp>().ok());
    let is_fresh = judged_at.is_some_and(|at| {
        let age = now.duration_since(at);
        !age.is_negative() && age.unsigned_abs() < QUIET
    });
    let day = host.today().to_string();
    document["quiet"] == true
        && document["day"] == day
        && is_fresh
        && last.commit == commit
        && last.number == number
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

/// What is known while a round is made.
struct State<'a> {
    asked: &'a Asked<'a>,
    project: &'a Project<'a>,
    request: &'a Request,
    open: &'a [Candidate],
    ancestry: &'a Ancestry<'a>,
    standing: &'a Standing,
}

/// The integrations of which something would be saved, under the names that the store has.
fn names_of(plan: &Plan) -> Vec<String> {
    let written = plan.integrations.tally().written.iter();
    written.map(|one| one.renamed_from.as_ref().unwrap_or(&one.integration).clone()).collect()
}

fn own_names(integration: &Integration) -> Vec<&str> {
    std::iter::once(integration.integration.as_str()).chain(integration.renamed_from.as_deref()).collect()
}

/// Decides about each difference, and takes what is left out of the plan.
fn decide(
    state: &State<'_>,
    plan: &mut Plan,
    judging: &Judging,
    store: &mut (dyn Store + 'static),
    judged: &mut Judged,
    host: &Host<'_>,
) -> Result<()> {
    let settings = &plan.integrations.tally().summary.settings;
    let changed = match settings.outside + settings.conflicts {
        0 => BTreeMap::new(),
        _ => changed_outside(state, plan, store)?,
    };
    let policy = judging.recorded().map_or(&judging.files, |recorded| &recorded.policy);
    let files = Rules::of_policy(policy);
    let rules = [&files, state.asked.last_word];
    let now = (host.now)();
    plan.integrations.for_each(&mut |one| {
        if !one.is_applied() {
            return;
        }
        let names = own_names(one);
        let facts = Facts {
            rule: &|category| rule_of(&rules, &one.integration, &one.pair, category),
            changed_by: &|category, setting| {
                changed.get(&one.integration)?.get(&(category.to_owned(), setting.to_owned())).cloned()
            },
            not_in_history: &|category| state.ancestry.parts_from(&state.standing.of(&names, category)),
            is_accepted: state.ancestry.is_accepted(),
            now,
        };
        let verdict = judge(one, &facts);
        if !verdict.is_empty() {
            judged.concerns.extend(concerns_of(one, &verdict.left));
            let name = &one.integration;
            judged.behind.extend(verdict.behind().map(|category| (name.clone(), category.to_string())));
            judged.renamed.extend(one.renamed_from.as_ref().map(|former| (name.clone(), former.clone())));
            judged.verdicts.insert(one.integration.clone(), verdict);
        }
    });
    if judged.verdicts.is_empty() {
        return Ok(());
    }
    let rows = rows_of(state, &judged.verdicts, store)?;
    let edited = std::mem::take(&mut plan.integrations).into_iter().map(|mut one| {
        if let Some(verdict) = judged.verdicts.get(&one.integration) {
            for category in &mut one.categories {
                let Some(left) = verdict.by_category.get(&category.category) else { continue };
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

type Changed = BTreeMap<String, BTreeMap<(String, String), ChangedBy>>;

/// Who changed what outside.
fn changed_outside(state: &State<'_>, plan: &Plan, store: &mut (dyn Store + 'static)) -> Result<Changed> {
    let mut changed = Changed::new();
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
fn rows_of(
    state: &State<'_>,
    verdicts: &BTreeMap<String, Verdict>,
    store: &mut (dyn Store + 'static),
) -> Result<BTreeMap<(String, String), Deployed>> {
    let again = (!state.open.is_empty()).then(|| state.project.again());
    let compiled =
        load::compiled(state.project, again.as_ref(), state.open, &|name| verdicts.contains_key(name))?;
    let names: Vec<String> = verdicts.keys().cloned().collect();
    let read = deployed::read(store, &compiled, Some(&names))?;
    Ok(read.rows.into_iter().map(|row| ((row.integration.clone(), row.category.clone()), row)).collect())
}

/// Holds the integrations that a rule of safety refuses by themselves.
fn refuse_one_by_one(
    asked: &Asked<'_>,
    plan: &mut Plan,
    judging: &Judging,
    judged: &mut Judged,
    host: &Host<'_>,
) -> Result<()> {
    let gaps: Vec<plan::Refusal> = std::mem::take(&mut plan.refusals);
    let now = (host.now)();
    let mut refused: BTreeSet<String> = BTreeSet::new();
    let mut failed = None;
    let commit = plan.commit.clone();
    plan.integrations.for_each(&mut |one| {
        if !one.is_applied() || failed.is_some() {
            return;
        }
        let mut of_one = Plan::of_one(one.clone());
        of_one.commit.clone_from(&commit);
        of_one.refusals =
            gaps.iter().filter(|gap| gap.integration.as_ref() == Some(&one.integration)).cloned().collect();
        match check::refusals(&of_one, &judging.of_integration(&one.integration), asked.consent, now) {
            Ok(found) => {
                let of_its_own =
                    |refusal: &plan::Refusal| !check::is_of_the_whole(refusal) && refusal.check != WINDOW;
                let found: Vec<String> =
                    found.into_iter().filter(of_its_own).map(|refusal| refusal.message).collect();
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

/// The check of apply windows, which is of the moment and of nothing that is saved.
const WINDOW: &str = "window";

/// Integrations that left the files as wholes.
fn released(plan: &Plan) -> Vec<(String, String)> {
    let whole = plan.releases().into_iter().filter(|release| release.whole);
    let why = "it is in no file any more; what is deployed stays as it is, until somebody acknowledges that";
    whole.map(|release| (release.integration.to_owned(), why.to_owned())).collect()
}

/// Applies what is left of the plan, unless too much of all moves or no window is open: then nothing of it is saved.
fn save(
    state: &State<'_>,
    mut plan: Plan,
    judging: &Judging,
    signed: &Signed,
    lease: &Lease,
    judged: &mut Judged,
    host: &Host<'_>,
) -> Result<Report> {
    let judging = judging.without(&judged.held);
    let tally = &plan.integrations.tally().summary;
    plan.summary = plan::Summary {
        warnings: plan.summary.warnings,
        notes: plan.summary.notes,
        released: plan.summary.released,
        ..tally.clone()
    };
    let refused = check::refusals(&plan, &judging, state.asked.consent, (host.now)())?;
    if !refused.is_empty() {
        let reasons: Vec<String> = refused.into_iter().map(|refusal| refusal.message).collect();
        judged.concerns.push(Concern::new(Kind::Refused).because(reasons));
        plan.integrations.for_each(&mut |one| {
            if one.is_applied() {
                judged.hold(one);
            }
        });
        return Ok(Report::default());
    }
    plan.made_with = Some(made_with(state.project));
    plan::file::seal(&mut plan);
    let approved = check::check(plan, &judging, state.asked.consent, signed, (host.now)())?;
    let manner = Manner {
        wait: state.asked.lock_wait,
        lease: Some(&lease.lock),
        over: lease.over.as_deref(),
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

/// What moves among the categories that are behind: those that came, and those that caught up.
fn differences(
    before: &[Behind],
    judged: &Judged,
    standing: &Standing,
) -> (Vec<Behind>, Vec<(String, String)>) {
    let unjudged = judged.unjudged.iter().map(|name| (name.clone(), ALL.to_owned()));
    let now: BTreeSet<(String, String)> = judged.behind.iter().cloned().chain(unjudged).collect();
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

/// How the round went, for the next one and for whoever asks.
fn document(
    report: &Report,
    judged: &Judged,
    is_new: bool,
    before: Option<&Reconciled>,
    host: &Host<'_>,
) -> Json {
    let before: Json = before.and_then(|last| serde_json::from_str(&last.document).ok()).unwrap_or_default();
    let now = host.stamp();
    let applied_at = if is_new { json!(now) } else { before["applied_at"].clone() };
    let saved = report.outcomes.iter().filter(|(_, _, outcome)| matches!(outcome, Outcome::Saved { .. }));
    let held = judged.concerns.iter().filter(|concern| concern.held).count();
    json!({
        "quiet": judged.concerns.iter().all(|concern| concern.kind == Kind::Released) && report.complete(),
        "day": host.today().to_string(),
        "judged_at": now,
        "applied_at": applied_at,
        "saved": saved.count(),
        "held": held,
        "told": judged.concerns.len() - held,
    })
}
