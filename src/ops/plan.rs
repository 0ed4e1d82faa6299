//! Making a plan: the store is read and integrations are planned some at a time, so that a fleet has room in memory whatever
//! changes of it. Nothing here prints, saves or decides what an integration should be.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::iter::Peekable;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::civil::Date;
use rayon::prelude::*;

use super::allowed;
use super::check;
use super::deployed;
use super::error::Result;
use super::holds::Holds;
use super::host::{Host, Progress};
use super::judged::Judging;
use super::load::{self, Candidate, Fleet, Loaded, Purpose, Snapshot, UpToDate};
use super::owners::Owners;
use super::people;
use super::places;
use super::policy_changes;
use super::project::Project;
use super::request::Request;
use super::workspace::Workspace;
use crate::compile::{Changed, Compiled};
use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::{Severity, counts};
use crate::model::{CONNECTORS, GENERAL, Hidden, Hold, Name, SettingPath, Settings};
use crate::plan::policy::PolicyChange;
use crate::plan::{
    self, Current, DeployedState, Desired, FORMAT_VERSION, Integrations, MadeWith, PLAN_VERSION, Plan,
    Released, Scope, safety,
};
use crate::schema::Pair;
use crate::secrets::{Reach, Secrets};
use crate::store::{Deployed, Store};

/// A project and the plan of it, not sealed yet.
pub struct Planned<'w> {
    pub project: Project<'w>,
    pub plan: Plan,
    /// What judges whether it may be applied.
    pub judging: Judging,
}

impl Planned<'_> {
    /// Notes what made the plan, and gives it its digest. Whoever saves, prints or applies a plan seals it first.
    pub fn seal(&mut self) {
        self.plan.made_with = Some(made_with(&self.project));
        plan::file::seal(&mut self.plan);
    }
}

/// What makes the plans of a project here and now.
#[must_use]
pub fn made_with(project: &Project<'_>) -> MadeWith {
    let version = env!("CARGO_PKG_VERSION");
    let minor = version.rsplit_once('.').map_or(version, |(minor, _)| minor);
    MadeWith { pairform: minor.to_owned(), catalogue: project.compilation.catalogue.digest() }
}

/// Plans what a request takes; reads the store and writes nothing.
///
/// # Errors
/// When a filter names what does not exist, or the store cannot be read.
pub fn plan<'w>(
    workspace: &'w Workspace,
    request: &Request,
    host: &Host<'_>,
    purpose: Purpose,
) -> Result<Planned<'w>> {
    planned(load::load(workspace, request, host, purpose)?, request, host)
}

/// Plans what was loaded.
///
/// # Errors
/// As [`plan()`].
pub fn planned<'w>(loaded: Loaded<'w>, request: &Request, host: &Host<'_>) -> Result<Planned<'w>> {
    let Loaded { project, fleet, mut snapshot } = loaded;
    let (plan, judging) = make_on(&project, fleet, &mut snapshot, request, host)?;
    Ok(Planned { project, plan, judging })
}

/// Makes the plan of a compiled project, not sealed yet; reads the store and writes nothing.
///
/// # Errors
/// When the store cannot be read, or a category filter names nothing.
pub fn make(project: &Project<'_>, request: &Request, host: &Host<'_>) -> Result<Plan> {
    made(project, request, host).map(|(plan, _)| plan)
}

/// As [`make`], with what judges it.
///
/// # Errors
/// As [`make`].
pub fn made(project: &Project<'_>, request: &Request, host: &Host<'_>) -> Result<(Plan, Judging)> {
    let mut snapshot = Snapshot::under(project, request, host)?;
    make_on(project, Fleet::default(), &mut snapshot, request, host)
}

/// As [`make`], with a fleet beside what was compiled. No program runs and no Vault is asked, whatever the plan is for.
///
/// # Errors
/// As [`make`].
pub fn make_on(
    project: &Project<'_>,
    fleet: Fleet,
    snapshot: &mut Snapshot,
    request: &Request,
    host: &Host<'_>,
) -> Result<(Plan, Judging)> {
    project.require_categories(request)?;
    let (environment, _) = project.store(request, host)?;
    let Snapshot { store, gone, record } = snapshot;
    let judging = Judging::of(project, environment.as_deref(), std::mem::take(record));
    let owned = judging.recorded_owners();
    let compilation = &project.compilation;
    let workspace = project.workspace;
    let key = store.as_ref().map(|store| Hidden::new(store.fingerprint_key().to_vec()));
    let secrets =
        key.as_ref().map(|key| Secrets::new(host.secrets, Reach::plan(workspace.root(), host.trust), key));
    let Fleet { up_to_date, open, unknown_secrets } = fleet;
    let unknown = Mutex::new(unknown_secrets);
    let fingerprint = |reference: &str| {
        let secrets = secrets.as_ref()?;
        let is_looked_for = !request.secrets.is_left_unknown(reference);
        let find = |reference: &str| secrets.fingerprint(reference);
        let found = if is_looked_for { request.secrets.fingerprint(reference, find).ok() } else { None };
        if found.is_none() {
            unknown.lock().unwrap_or_else(PoisonError::into_inner).insert(reference.to_owned());
        }
        found
    };
    let history = workspace.history().ok();
    let holds = match store.as_deref_mut() {
        Some(store) => Holds::read(store, (host.now)())?,
        None => Holds::default(),
    };
    let mut planner = Planner {
        all: All {
            project,
            scope: scope(request, project, up_to_date.len() + open.len()),
            fingerprint: &fingerprint,
            is_pending: &|reference| request.secrets.is_pending(reference),
            owners: Owners::of(&compilation.project, history.as_ref(), workspace.base()).and(&owned),
        },
        store: store.as_deref_mut(),
        holds,
        up_to_date: up_to_date.into_iter().peekable(),
        made: Made::default(),
    };
    let gone = gone.take();
    let kept = &compilation.integrations;
    let named: Vec<Candidate> = kept.iter().map(Candidate::of_compiled).collect();
    let of_kept = |at: usize| Ok(Cow::Borrowed(&kept[at]));
    planner.plan(&named, &of_kept, gone.is_none() && request.is_all())?;
    if !open.is_empty() {
        let again = project.again();
        (host.progress)(Progress::Planning(open.len()));
        for some in open.chunks(READ_TOGETHER) {
            planner.plan(some, &|at| Ok(Cow::Owned(again.compile(&some[at].name)?)), false)?;
            (host.progress)(Progress::Advanced(some.len()));
        }
        (host.progress)(Progress::Finished);
    }
    planner.add(Vec::new(), None);
    if request.is_all() {
        planner.look_at(gone.unwrap_or_default())?;
    }
    planner.refuse_new_names(&judging, host.today())?;
    let Planner { all: All { scope, .. }, made, .. } = planner;
    let Made { integrations, mut released, refusals, gone, known, .. } = made;
    released.sort_by(|a, b| (&a.integration, &a.category).cmp(&(&b.integration, &b.category)));
    let counts = counts(&compilation.findings);
    let of = |severity| counts.get(&severity).copied().unwrap_or(0);
    let summary = plan::Summary {
        errors: of(Severity::Error),
        warnings: of(Severity::Warning),
        notes: of(Severity::Note),
        ..integrations.tally().summary.clone()
    };
    let planned_store = store.is_none().then(|| {
        let named = request.store.as_deref();
        places::planned_store(&compilation.project, workspace.root(), environment.as_deref(), named)
    });
    let mut plan = Plan {
        format_version: FORMAT_VERSION.to_owned(),
        command: "plan".to_owned(),
        plan_version: PLAN_VERSION,
        digest: String::new(),
        signature: None,
        made_with: None,
        commit: workspace.commit().map(plan::Commit::of),
        environment,
        store: store.as_ref().map(|store| store.identity().to_owned()),
        planned_store,
        released,
        scope,
        policy_changes: judging.changes_of(&integrations),
        notes: likely_renames(&integrations, &gone, &known),
        integrations,
        refusals,
        revert: None,
        way_back: None,
        unknown_secrets: unknown.into_inner().unwrap_or_else(PoisonError::into_inner).into_iter().collect(),
        assumed_secrets: request.secrets.assume,
        findings: PlacedFinding::all(&compilation.findings, workspace.sources()),
        summary,
        comparison: None,
    };
    plan.summary.released = plan.releases().len();
    check::predict_refusals(&mut plan, &judging, (host.now)())?;
    plan.notes.extend(allowed::foretell(&plan, &project.compilation.catalogue, host));
    if let Some(base) = workspace.base() {
        check::predict_by_base(&mut plan, &judging, base, (host.now)())?;
        let mut changes = policy_changes::of(workspace);
        // What differs from the last apply may have changed before the base, or to something else since.
        let is_told = |one: &PolicyChange| changes.iter().any(|known| known.is_same(one));
        let since_apply = plan.policy_changes.take().unwrap_or_default();
        let more: Vec<PolicyChange> = since_apply.into_iter().filter(|one| !is_told(one)).collect();
        changes.extend(more);
        plan.policy_changes = Some(changes);
    }
    Ok((plan, judging))
}

/// Integrations of a fleet that are in memory at once, and of which what is deployed is read together.
pub const READ_TOGETHER: usize = 512;

/// Plans integrations, some at a time, and keeps of each what the whole plan needs.
struct Planner<'a, 's> {
    all: All<'a>,
    store: Option<&'s mut (dyn Store + 'static)>,
    holds: Holds,
    /// Those that are planned already.
    up_to_date: Peekable<std::vec::IntoIter<UpToDate>>,
    made: Made,
}

/// What planning one takes of the whole.
struct All<'a> {
    project: &'a Project<'a>,
    scope: Scope,
    fingerprint: &'a (dyn Fn(&str) -> Option<String> + Sync),
    is_pending: &'a (dyn Fn(&str) -> bool + Sync),
    owners: Owners<'a>,
}

/// What planning makes.
#[derive(Default)]
struct Made {
    integrations: Integrations,
    released: Vec<Released>,
    /// Gaps, and new names where a hold was lost: all other refusals are judged by the whole.
    refusals: Vec<plan::Refusal>,
    /// What is deployed of integrations that the project has not.
    gone: ByIntegration,
    /// The integrations of which something is deployed, under the names that the project has for them.
    known: BTreeSet<String>,
    /// Names under which some of these are deployed.
    taken_over: BTreeSet<String>,
}

/// One integration, planned.
struct PlannedOne {
    integration: plan::Integration,
    gap: Option<plan::Refusal>,
    released: Vec<Released>,
    /// How many of its visible categories the filters left.
    left_out: usize,
    /// Something of it is deployed.
    is_known: bool,
    pair: Arc<Pair>,
}

/// Gives the integration with a number, as it was kept or once more.
type Compile<'a> = dyn Fn(usize) -> Result<Cow<'a, Compiled>, Changed> + Sync + 'a;

impl All<'_> {
    fn plan_one(
        &self,
        compiled: &Compiled,
        former: Option<&str>,
        mut deployed: Option<BTreeMap<String, Current>>,
    ) -> PlannedOne {
        let connections = deployed.as_ref().and_then(|all| Some(&all.get(CONNECTORS)?.settings));
        let pair = deployed::pair(&self.project.compilation.catalogue, compiled, connections);
        for (category, current) in deployed.iter_mut().flatten() {
            current.settings = deployed::present(&pair, category, std::mem::take(&mut current.settings));
            current.applied = deployed::present(&pair, category, std::mem::take(&mut current.applied));
        }
        let place = |category: &str, path: &SettingPath| place(self.project, compiled, category, path);
        let desired = Desired {
            pair: &pair,
            renamed_from: former,
            is_pending: self.is_pending,
            ..desired(self.project, compiled, &place, self.fingerprint)
        };
        let deployed_state =
            |category: &str| DeployedState::of(deployed.as_ref().and_then(|all| all.get(category)));
        let mut integration = plan::plan_integration(&desired, &deployed_state, &self.scope);
        self.owners.assign(&mut integration);
        PlannedOne {
            gap: safety::live_with_gaps(&integration, compiled.required(), deployed.as_ref()),
            released: deployed
                .iter()
                .flat_map(|all| released(&compiled.name, all, &self.scope, Some(compiled)))
                .collect(),
            left_out: left_out(&self.scope, std::slice::from_ref(compiled)),
            is_known: deployed.is_some(),
            integration,
            pair,
        }
    }
}

impl Planner<'_, '_> {
    /// Plans integrations, sorted, whose names come after those that are planned; each is compiled, planned and dropped by
    /// itself. Reads what is deployed of them, or of all.
    fn plan(&mut self, named: &[Candidate], compiled: &Compile<'_>, reads_all: bool) -> Result<()> {
        let names: Vec<String> = named.iter().map(|open| open.name.clone()).collect();
        let former =
            named.iter().filter_map(|open| Some((open.renamed_from.as_deref()?, open.name.as_str())));
        let (mut deployed, renamed) =
            self.read(former.collect(), (!reads_all).then_some(names.as_slice()))?;
        let deployed_of: Vec<_> = names.iter().map(|name| deployed.remove(name)).collect();
        let all = &self.all;
        let planned = deployed_of.into_par_iter().enumerate().map(|(at, deployed)| {
            let former = renamed.get(&names[at]).map(String::as_str);
            Ok(all.plan_one(&*compiled(at)?, former, deployed))
        });
        let planned: Vec<PlannedOne> = planned.collect::<Result<_, Changed>>()?;
        let mut integrations = Vec::with_capacity(planned.len());
        let mut of_pairs = Vec::with_capacity(planned.len());
        let pairs = self.recorded_pairs(&names, &renamed)?;
        for PlannedOne { mut integration, gap, released, left_out, is_known, pair } in planned {
            let former = renamed.get(&integration.integration).unwrap_or(&integration.integration);
            let recorded = pairs.get(former).filter(|pair| **pair != *integration.pair);
            integration.recorded_pair = recorded.map(|pair| pair.as_str().into());
            self.made.refusals.extend(gap);
            self.made.released.extend(released);
            self.all.scope.left_out_categories += left_out;
            if is_known {
                self.made.known.insert(integration.integration.clone());
            }
            integrations.push(integration);
            of_pairs.push(pair);
        }
        if let Some(store) = self.store.as_deref_mut() {
            people::note(store, &mut integrations, &of_pairs)?;
            note_deleted(store, &mut integrations)?;
            self.holds.note(store, &mut integrations)?;
        }
        self.made.taken_over.extend(renamed.into_values());
        self.made.gone.append(&mut deployed);
        // Where none was planned, what is up to date may come after what is planned next.
        if let Some(last) = names.last() {
            self.add(integrations, Some(last));
        }
        Ok(())
    }

    /// Refuses integrations that are new where one that is on hold left the files: it would go on under another name as if
    /// nobody held it. Which of them it is cannot be known, as everything that a file says of it can be written otherwise.
    fn refuse_new_names(&mut self, judging: &Judging, today: Date) -> Result<()> {
        let known = &self.made.known;
        let written = self.made.integrations.tally().written.iter();
        let new = written.filter(|one| one.renamed_from.is_none() && !known.contains(&one.integration));
        let new: Vec<String> = new.map(|one| one.integration.clone()).collect();
        if new.is_empty() {
            return Ok(());
        }
        let policies =
            std::iter::once(&judging.files).chain(judging.recorded().map(|recorded| &recorded.policy));
        let holds = policies.flat_map(|policy| &policy.holds);
        let lasting = |(name, all)| {
            let all: &BTreeSet<Hold> = all;
            Some((name, all.iter().find(|hold| !hold.is_over(today))?))
        };
        let by_rule: BTreeMap<&String, &Hold> = holds.filter_map(lasting).collect();
        let names = &self.all.project.compilation.names;
        let held: BTreeSet<&String> = by_rule.keys().copied().chain(self.holds.names()).collect();
        let is_gone =
            |name: &&&String| names.binary_search(name).is_err() && !self.made.taken_over.contains(**name);
        let gone: Vec<String> = held.iter().filter(is_gone).map(|name| (*name).clone()).collect();
        let reasons: BTreeMap<String, String> =
            by_rule.into_iter().map(|(name, hold)| (name.clone(), hold.told())).collect();
        if gone.is_empty() {
            return Ok(());
        }
        let (deployed, _) = self.read(BTreeMap::new(), Some(&gone))?;
        let Some(store) = self.store.as_deref_mut() else { return Ok(()) };
        for (name, categories) in deployed {
            // What was acknowledged by `release` is nobody's any more.
            let own = categories.iter().filter(|(_, current)| !current.applied.is_empty());
            let own: Vec<&String> = own.map(|(category, _)| category).collect();
            let by_way_back = self.holds.of_any(store, &name, own.iter().copied())?;
            let why = reasons.get(&name).filter(|_| !own.is_empty());
            let Some(why) = why.or(by_way_back.map(|hold| &hold.reason)) else { continue };
            for one in &new {
                let message = format!(
                    "{one} is new, and {name}, which is on hold ({why}), is in no file any more: if that is it, write `renamed_from: {name}`; if not, {name} has to be released first"
                );
                self.made.refusals.push(plan::Refusal::new("hold", message).of(one));
            }
        }
        Ok(())
    }

    /// Looks at what is deployed of integrations that the project has not.
    fn look_at(&mut self, gone: Vec<Name>) -> Result<()> {
        let names = gone.into_iter().map(String::from);
        let is_new =
            |name: &String| !self.made.gone.contains_key(name) && !self.made.taken_over.contains(name);
        let names: Vec<String> = names.filter(is_new).collect();
        let is_few = names.len() <= COMPARED;
        let mut all = std::mem::take(&mut self.made.gone);
        // What could not be compiled is there, and nothing is known of what it declares.
        all.retain(|name, _| self.all.project.compilation.names.binary_search(name).is_err());
        let known: Vec<(String, BTreeMap<String, Current>)> = all.into_iter().collect();
        self.part_from(known, is_few);
        for some in names.chunks(READ_TOGETHER) {
            let (deployed, _) = self.read(BTreeMap::new(), Some(some))?;
            self.part_from(deployed, is_few);
        }
        Ok(())
    }

    /// Releases all of integrations that are gone, and keeps what was deployed of them where these are few.
    fn part_from(
        &mut self,
        gone: impl IntoIterator<Item = (String, BTreeMap<String, Current>)>,
        is_few: bool,
    ) {
        for (name, categories) in gone {
            self.made.released.extend(released(&name, &categories, &self.all.scope, None));
            if is_few {
                self.made.gone.insert(name, categories);
            }
        }
    }

    /// What is deployed under some names (`None`: under all), and what it was called there.
    fn read(
        &mut self,
        former: BTreeMap<&str, &str>,
        names: Option<&[String]>,
    ) -> Result<(ByIntegration, BTreeMap<String, String>)> {
        let Some(store) = self.store.as_deref_mut() else { return Ok(Default::default()) };
        let read = deployed::read_as_saved(store, former, names)?;
        let mut deployed = ByIntegration::new();
        for Deployed { integration, category, revision, settings, applied, .. } in read.rows {
            deployed
                .entry(integration)
                .or_default()
                .insert(category, Current { revision, settings, applied });
        }
        Ok((deployed, read.renamed))
    }

    /// The pairs that integrations were last applied with, by the names under which they are deployed.
    fn recorded_pairs(
        &mut self,
        names: &[String],
        renamed: &BTreeMap<String, String>,
    ) -> Result<BTreeMap<String, String>> {
        let Some(store) = self.store.as_deref_mut() else { return Ok(BTreeMap::new()) };
        let names: Vec<String> = names.iter().map(|name| renamed.get(name).unwrap_or(name).clone()).collect();
        let said = store.said(Some(&names))?;
        Ok(said.into_iter().map(|said| (said.integration, said.pair)).collect())
    }

    /// Adds what was planned, and between it what is up to date, up to a name (`None`: to the end).
    fn add(&mut self, planned: Vec<plan::Integration>, last: Option<&str>) {
        let mut all = Vec::with_capacity(planned.len());
        let mut planned = planned.into_iter().peekable();
        loop {
            let next = planned.peek().map(|one| one.integration.as_str()).or(last);
            let is_before = |one: &UpToDate| next.is_none_or(|next| one.planned.integration.as_str() < next);
            if let Some(one) = self.up_to_date.next_if(is_before) {
                self.all.scope.left_out_categories += one.visible - one.planned.categories.len();
                all.push(one.planned);
            } else if let Some(one) = planned.next() {
                all.push(one);
            } else {
                break;
            }
        }
        self.made.integrations.append(all);
    }
}

/// Categories of an integration that pairform saved once and that no file declares any more; all where it is in no file itself.
fn released(
    integration: &str,
    deployed: &BTreeMap<String, Current>,
    scope: &Scope,
    compiled: Option<&Compiled>,
) -> Vec<Released> {
    let general = deployed.get(GENERAL).map(|general| plan::Mode::of(&general.settings));
    let is_declared =
        |id: &str| compiled.is_some_and(|compiled| compiled.configuration.categories.contains_key(id));
    let released = deployed.iter().filter(|(category, current)| {
        !is_declared(category) && scope.takes(category) && !current.applied.is_empty()
    });
    let released = released.map(|(category, current)| Released {
        integration: integration.to_owned(),
        category: category.clone(),
        revision: Some(current.revision),
        live: general == Some(plan::Mode::Live),
        whole: compiled.is_none(),
    });
    released.collect()
}

/// Notes of each category that is to be saved anew when it was deleted.
fn note_deleted(store: &mut dyn Store, integrations: &mut [plan::Integration]) -> Result<()> {
    let is_new = |category: &&mut plan::CategoryPlan| category.action == plan::Action::Create;
    let of = |one: &plan::Integration| one.renamed_from.as_ref().unwrap_or(&one.integration).clone();
    let mut new: BTreeMap<(String, String), &mut plan::CategoryPlan> = BTreeMap::new();
    for one in integrations {
        let name = of(one);
        let categories = one.categories.iter_mut().filter(is_new);
        new.extend(categories.map(|category| ((name.clone(), category.category.to_string()), category)));
    }
    let mut names: Vec<String> = new.keys().map(|(name, _)| name.clone()).collect();
    names.dedup();
    if names.is_empty() {
        return Ok(());
    }
    for deleted in store.deleted(Some(&names))? {
        if let Some(category) = new.get_mut(&(deleted.integration, deleted.category)) {
            category.deleted = Some(deleted.revision);
        }
    }
    Ok(())
}

/// Integration, category, what is deployed.
pub type ByIntegration = BTreeMap<String, BTreeMap<String, Current>>;

/// What an integration should be, as the plan wants to know it.
pub fn desired<'a>(
    project: &'a Project<'_>,
    compiled: &'a Compiled,
    place: &'a plan::PlaceOf<'a>,
    fingerprint: &'a dyn Fn(&str) -> Option<String>,
) -> Desired<'a> {
    let compilation = &project.compilation;
    let link = compilation.project.link.as_ref().map(|link| link.replace("{id}", &compiled.name));
    Desired {
        blocked: blocked(project, &compiled.name),
        place,
        fingerprint,
        link,
        ..load::desired(compiled, &compilation.options)
    }
}

/// Error messages of an integration by category.
fn blocked(project: &Project<'_>, name: &str) -> BTreeMap<String, Vec<String>> {
    let mut blocked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if !project.compilation.errors.contains_key(name) {
        return blocked;
    }
    for finding in &project.compilation.findings {
        let mine = finding.about.integration.as_deref() == Some(name)
            || finding.also.iter().any(|also| also == name);
        if let Some(category) =
            finding.about.category.as_ref().filter(|_| mine && finding.severity == Severity::Error)
        {
            blocked.entry(category.clone()).or_default().push(finding.message.clone());
        }
    }
    blocked
}

/// Where a setting is written; a reset stands where its map or category is.
fn place(
    project: &Project<'_>,
    compiled: &Compiled,
    category: &str,
    path: &SettingPath,
) -> Option<(String, usize)> {
    let (origins, sources) = (compiled.origins.get(category)?, project.workspace.sources());
    let span = origins.get(path)?;
    let line = sources.line(*span);
    Some((sources.path(*span).to_owned(), line))
}

/// What the filters took and left, without the categories that they left; beside what was compiled there is a fleet of so many
/// integrations.
#[must_use]
pub fn scope(request: &Request, project: &Project<'_>, fleet: usize) -> Scope {
    let compilation = &project.compilation;
    let filter = request.filter.clone();
    let taken = compilation.integrations.len() + fleet;
    Scope {
        integrations: filter.integrations,
        pairs: filter.pairs,
        categories: filter.categories,
        exclude: filter.exclude,
        left_out_integrations: match request.is_all() {
            true => 0,
            false => compilation.names.len().saturating_sub(taken),
        },
        left_out_categories: 0,
        changed_since: request.changed_since.clone(),
    }
}

/// How many visible categories of these integrations the filters left.
#[must_use]
pub fn left_out(scope: &Scope, integrations: &[Compiled]) -> usize {
    integrations.iter().flat_map(|compiled| &compiled.visible).filter(|id| !scope.takes(id)).count()
}

/// As many comparisons of two integrations as are worth a note, and as many that are gone as are kept for them.
const COMPARISONS: usize = 100_000;
const COMPARED: usize = 1_000;

/// Integrations that are new and say what one says that left the files: perhaps it only got another name. Where very many
/// would have to be compared, nobody has to be told.
fn likely_renames(
    integrations: &Integrations,
    gone: &ByIntegration,
    known: &BTreeSet<String>,
) -> Vec<String> {
    let written = &integrations.tally().written;
    let new = written.iter().filter(|written| !known.contains(&written.integration)).count();
    if gone.is_empty() || new * gone.len() > COMPARISONS {
        return Vec::new();
    }
    let is_new = |one: &plan::Integration| one.is_applied() && !known.contains(&one.integration);
    let likely = |integration: &plan::Integration| {
        let wanted: Vec<(&str, &Settings)> = integration
            .categories
            .iter()
            .filter_map(|one| Some((one.category.as_str(), &*one.save.as_ref()?.settings)))
            .collect();
        let number: usize = wanted.iter().map(|(_, settings)| settings.len()).sum();
        let same = |categories: &BTreeMap<String, Current>| -> usize {
            let equal = wanted.iter().filter_map(|(id, settings)| {
                let current = categories.get(*id)?;
                Some(
                    settings
                        .iter()
                        .filter(|(path, value)| current.settings.get(*path) == Some(*value))
                        .count(),
                )
            });
            equal.sum()
        };
        let likely = gone.iter().map(|(name, categories)| (same(categories), name)).max();
        // Less than this may be what all integrations of a pair have in common.
        let (_, name) = likely.filter(|(same, _)| same * 10 > number * 8)?;
        Some(format!(
            "`{}` looks like `{name}`, which is in no file any more; if it was renamed, write `renamed_from: {name}`, and what is deployed is kept",
            integration.integration
        ))
    };
    let mut renames = Vec::new();
    integrations.for_each(&mut |one| renames.extend(is_new(one).then(|| likely(one)).flatten()));
    renames
}
