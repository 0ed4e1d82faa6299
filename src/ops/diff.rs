//! Two revisions of the repository, compiled and compared by setting. Reads no store and no checkout.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use rayon::prelude::*;

use super::base::{Base, Commits};
use super::blame::Blame;
use super::check;
use super::deployed;
use super::error::{Error, Result};
use super::host::Host;
use super::owners::Owners;
use super::plan as planner;
use super::policy_changes;
use super::project::{self, Project};
use super::request::Request;
use super::workspace::{self, Workspace};
use crate::compile::integrations::files_by_integration;
use crate::compile::{Compiled, Selection, reach};
use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::{About, Finding, Severity, counts};
use crate::model::pattern::any_means;
use crate::model::{CONNECTORS, Name, SettingPath, Settings, Value};
use crate::plan::{
    self, Change, ChangeKind, Comparison, Current, DeployedState, Desired, Effects, FORMAT_VERSION,
    Integration, Integrations, Plan, Released, Side,
};
use crate::source::Sources;
use crate::source::git::{History, Revision};

/// What to compare.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sides {
    /// The revision to compare with; none: where the head parted from the main branch.
    pub base: Option<String>,
    /// The other one; none: the revision of the request, else the working tree.
    pub head: Option<String>,
    /// The base itself, not where the head parted from it.
    pub exact: bool,
    /// Nobody vouches for the head: see [`Workspace::untrusted`].
    pub untrusted: bool,
    /// Name who last touched the line of each change.
    pub blame: bool,
}

/// Both sides, read and not compiled yet.
pub struct Opened {
    base: Workspace,
    head: Workspace,
    comparison: Comparison,
    /// The head's revision, or the one under the working tree.
    history: (History, Revision),
    blame: bool,
}

impl Opened {
    /// What is compared with the base.
    #[must_use]
    pub fn head(&self) -> &Workspace {
        &self.head
    }
}

/// Both sides, compiled, and what differs: a plan that is never applied.
pub struct Compared<'s> {
    pub before: Project<'s>,
    pub after: Project<'s>,
    pub plan: Plan,
    /// Findings that the base does not have.
    pub findings: Vec<Finding>,
}

impl Compared<'_> {
    /// Whether any setting differs, or is managed no more, or what judges differs.
    #[must_use]
    pub fn has_changes(&self) -> bool {
        let settings = &self.plan.summary.settings;
        let is_judged_otherwise = self.plan.policy_changes.iter().any(|changes| !changes.is_empty());
        settings.add + settings.change + settings.reset > 0
            || !self.plan.released.is_empty()
            || is_judged_otherwise
    }
}

/// Reads both sides of the project at or above a folder.
///
/// # Errors
/// When there is no project, or a revision cannot be read.
pub fn open(start: &Path, request: &Request, sides: &Sides) -> Result<Opened> {
    let head_name = sides.head.as_ref().or(request.revision.as_ref());
    let (root, history, head) = match head_name {
        Some(name) => workspace::find_revision(start, name)?,
        None => {
            let root = workspace::find_root(start)?;
            let (history, head) = workspace::history(&root, "HEAD")?;
            (root, history, head)
        }
    };
    let commits = Commits::find(&history, sides.base.as_deref(), &head, sides.exact)?;
    let base_name = words(&commits, head_name.map_or("HEAD", String::as_str));
    let parted = commits.parted.commit.clone();
    let again = history.again()?;
    let (base, new) = std::thread::scope(|scope| {
        let base = scope.spawn(move || Base::load(&again, commits));
        let new = match head_name {
            Some(name) => history.load(&head).map_err(Error::from).and_then(|sources| {
                Workspace::of_revision(root.clone(), sources, name, head.commit.clone()).admitted()
            }),
            None => Workspace::open(start),
        };
        (base.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), new)
    });
    let base = Arc::new(base?);
    let compared = new?.with_base(Arc::clone(&base));
    let compared = if sides.untrusted { compared.untrusted() } else { compared };
    let comparison = Comparison {
        base: Side { name: base_name.clone(), id: Some(parted.id.clone()) },
        head: match head_name {
            Some(name) => Side { name: name.clone(), id: Some(head.commit.id.clone()) },
            None => Side { name: "working tree".to_owned(), id: None },
        },
    };
    Ok(Opened {
        base: Workspace::of_revision(root.clone(), Arc::clone(base.parted()), &base_name, parted),
        head: compared,
        comparison,
        history: (history, head),
        blame: sides.blame,
    })
}

/// Compares both sides in what a request takes.
///
/// # Errors
/// When a filter names what does not exist.
pub fn diff<'s>(opened: &'s Opened, request: &Request, host: &Host<'_>) -> Result<Compared<'s>> {
    let (old, new) = (opened.base.sources(), opened.head.sources());
    let reached = reach::reach(old, new, request.environment.as_deref());
    let affected: BTreeSet<String> = reached.integrations.keys().cloned().collect();
    let selection =
        Selection { affected: Some(affected), alone: true, ..opened.head.selection(request, host)? };
    let (of_base, of_head) = (of_base(&selection, &opened.base), of_head(&selection, old, new));
    let (before, after) = project::compile_both((&opened.base, of_base), (&opened.head, of_head), host)?;
    after.require_categories(request)?;
    let mut plan = compare(request, &before, &after, &reached);
    plan.comparison = Some(opened.comparison.clone());
    plan.commit = opened.head.commit().map(plan::Commit::of);
    let owners = Owners::of(&after.compilation.project, Some(&opened.history), opened.head.base());
    let mut blame = opened.blame.then(|| Blame::of(new, &opened.history));
    plan.integrations.edit(&mut |one| {
        owners.assign(one);
        blame.iter_mut().for_each(|blame| blame.name(one));
    });
    let findings = new_findings(&before, &after);
    plan.findings = PlacedFinding::all(&findings, new);
    plan.summary.released = plan.releases().len();
    let counts = counts(&findings);
    let of = |severity| counts.get(&severity).copied().unwrap_or(0);
    (plan.summary.errors, plan.summary.warnings, plan.summary.notes) =
        (of(Severity::Error), of(Severity::Warning), of(Severity::Note));
    plan.policy_changes = Some(policy_changes::of(&opened.head));
    check::foretell(&mut plan, &after.compilation.project, opened.head.base(), host.today());
    plan::file::seal(&mut plan);
    Ok(Compared { before, after, plan, findings })
}

/// From where the change is told, in words.
fn words(commits: &Commits, head_name: &str) -> String {
    let Commits { name, tip, parted } = commits;
    if parted == tip { name.clone() } else { format!("merge base of {name} and {head_name}") }
}

/// The same integrations; names that do not exist on this side are not asked for. An environment that came later has no values
/// of its own in the base.
fn of_base(selection: &Selection, base: &Workspace) -> Selection {
    let exists = |name: &&String| base.declared().environments.contains_key(name.as_str());
    let environment = selection.environment.as_ref().filter(exists).cloned();
    // Both sides are judged on one day.
    Selection {
        affected: selection.affected.clone(),
        environment,
        today: selection.today,
        alone: true,
        any_version: true,
        ..Selection::default()
    }
}

/// Filters may name an integration that only the base has.
fn of_head(selection: &Selection, base: &Sources, head: &Sources) -> Selection {
    let mut selection = selection.clone();
    if selection.integrations.is_empty() {
        return selection;
    }
    let names = |sources: &Sources| -> BTreeSet<String> {
        files_by_integration(sources).into_iter().map(|(name, _)| name).collect()
    };
    let (before, after) = (names(base), names(head));
    selection.integrations.retain(|name| after.contains(name) || !before.contains(name));
    if selection.integrations.is_empty() {
        selection.affected = Some(BTreeSet::new());
    }
    selection
}

fn compare(request: &Request, before: &Project<'_>, after: &Project<'_>, reached: &reach::Reach) -> Plan {
    let mut scope = planner::scope(request, after, 0);
    scope.left_out_categories = planner::left_out(&scope, &after.compilation.integrations);
    let old: BTreeMap<&str, &Compiled> =
        before.compilation.integrations.iter().map(|compiled| (compiled.name.as_str(), compiled)).collect();
    let compared = after.compilation.integrations.par_iter().map(|compiled| {
        let former = compiled.renamed_from.as_deref().filter(|_| !old.contains_key(compiled.name.as_str()));
        let former = former.and_then(|former| old.get(former).copied());
        let base = old.get(compiled.name.as_str()).copied().or(former);
        let mut integration = one(before, after, base, compiled, reached, &scope);
        integration.renamed_from = former.map(|former| former.name.clone());
        let gone: Vec<Released> = base.into_iter().flat_map(|base| gone(base, Some(compiled))).collect();
        (integration, gone)
    });
    let (mut integrations, gone_of): (Vec<Integration>, Vec<_>) = compared.unzip();
    let mut released: Vec<Released> = gone_of.into_iter().flatten().collect();
    let taken_over: BTreeSet<String> =
        integrations.iter().filter_map(|integration| integration.renamed_from.clone()).collect();
    integrations.retain(Integration::is_worth_showing);
    let exists =
        |name: &str| after.compilation.names.iter().any(|known| known == name) || taken_over.contains(name);
    let wanted =
        |name: &str| request.filter.integrations.is_empty() || any_means(&request.filter.integrations, name);
    for base in
        before.compilation.integrations.iter().filter(|base| !exists(&base.name) && wanted(&base.name))
    {
        released.extend(gone(base, None));
    }
    released.retain(|released: &Released| scope.takes(&released.category));
    released.sort_by(|a, b| (&a.integration, &a.category).cmp(&(&b.integration, &b.category)));
    let integrations: Integrations = integrations.into_iter().collect();
    let summary = integrations.tally().summary.clone();
    Plan {
        format_version: FORMAT_VERSION.to_owned(),
        command: "diff".to_owned(),
        plan_version: 0,
        digest: String::new(),
        signature: None,
        made_with: None,
        commit: None,
        environment: request.environment.clone(),
        store: None,
        planned_store: None,
        scope,
        integrations,
        released,
        refusals: Vec::new(),
        notes: Vec::new(),
        revert: None,
        way_back: None,
        unknown_secrets: Vec::new(),
        assumed_secrets: false,
        findings: Vec::new(),
        summary,
        comparison: None,
        policy_changes: None,
    }
}

/// Categories that the base declares and the head does not.
fn gone(base: &Compiled, head: Option<&Compiled>) -> Vec<Released> {
    let still = |id: &str| head.is_some_and(|head| head.configuration.categories.contains_key(id));
    let declared =
        base.configuration.categories.iter().filter(|(id, settings)| !settings.is_empty() && !still(id));
    declared
        .map(|(id, _)| Released {
            integration: base.name.clone(),
            category: id.to_string(),
            revision: None,
            live: base.live,
            whole: head.is_none(),
        })
        .collect()
}

fn one(
    before: &Project<'_>,
    after: &Project<'_>,
    base: Option<&Compiled>,
    head: &Compiled,
    reached: &reach::Reach,
    scope: &plan::Scope,
) -> Integration {
    let place = |category: &str, path: &SettingPath| Some(place(after, head, category, path));
    let connections = base.and_then(|base| base.configuration.of(CONNECTORS));
    let pair = deployed::pair(&after.compilation.catalogue, head, connections);
    let desired = Desired { pair: &pair, ..planner::desired(after, head, &place, &|_| None) };
    // Most categories of an integration that changed did not: these are not compared setting by setting.
    let is_up_to_date = |id: &Name, settings: &Settings| {
        head.configuration.of(id) == Some(settings) && !desired.blocked.contains_key(id.as_str())
    };
    let deployed: BTreeMap<&str, Option<Current>> = base
        .into_iter()
        .flat_map(|base| &base.configuration.categories)
        .map(|(id, settings)| (id.as_str(), (!is_up_to_date(id, settings)).then(|| as_deployed(settings))))
        .collect();
    let deployed_state = |category: &str| match deployed.get(category) {
        None => DeployedState::Never,
        Some(None) => DeployedState::UpToDate(0, 0),
        Some(Some(current)) => DeployedState::Read(current),
    };
    let mut planned = plan::plan_integration(&desired, &deployed_state, scope);
    for category in &mut planned.categories {
        category.revision = None;
        category.deployed = None;
        category.agreed = None;
        let written = head.configuration.of(&category.category);
        let old = base.and_then(|base| base.configuration.of(&category.category));
        add_new_resets(category, written, old);
        relabel(category, before, base);
    }
    planned.deployed_mode = None;
    let effects =
        effects(base, head, reached, planned.categories.iter().any(|category| !category.changes.is_empty()));
    planned.effects = Some(effects).filter(|effects| !effects.is_empty());
    planned
}

/// What the base sets stands for what is deployed.
fn as_deployed(settings: &Settings) -> Current {
    let set = settings.iter().filter(|(_, value)| **value != Value::Null);
    Current {
        revision: 0,
        settings: set.map(|(path, value)| (path.clone(), value.clone())).collect(),
        applied: settings.clone(),
    }
}

/// A `null` that is new resets whatever is deployed, although the base says nothing of it.
fn add_new_resets(category: &mut plan::CategoryPlan, written: Option<&Settings>, old: Option<&Settings>) {
    let nulls = written.into_iter().flatten().filter(|(_, value)| **value == Value::Null);
    for (path, _) in nulls {
        let known = old.is_some_and(|old| old.keys().any(|key| key.starts_with(path)));
        if known {
            continue;
        }
        category.changes.push(Change::new(path, ChangeKind::Reset, None, None));
        if category.action == plan::Action::None {
            category.action = plan::Action::Reset;
        }
    }
}

/// What was set before is called as the base's dropdown lists call it.
fn relabel(category: &mut plan::CategoryPlan, before: &Project<'_>, base: Option<&Compiled>) {
    let Some(base) = base else { return };
    let Some(schema) = base.pair.category(&category.category) else { return };
    let view = base.view(&before.compilation.options);
    for change in &mut category.changes {
        let found = SettingPath::parse(&change.setting).and_then(|path| {
            view.label_of_change(schema.schema_at(&path)?, &Value::from_json(&change.before))
        });
        change.before_label = found;
    }
}

/// A setting's place; of one that is no longer written, the place of its integration.
fn place(opened: &Project<'_>, compiled: &Compiled, category: &str, path: &SettingPath) -> (String, usize) {
    let span =
        compiled.origins.get(category).and_then(|origins| origins.get(path)).unwrap_or(&compiled.place);
    (opened.workspace.sources().path(*span).to_owned(), opened.workspace.sources().line(*span))
}

fn effects(base: Option<&Compiled>, head: &Compiled, reached: &reach::Reach, changed: bool) -> Effects {
    fn missing<T: PartialEq + ToString>(one: &[T], other: &[T]) -> Vec<String> {
        one.iter().filter(|id| !other.contains(id)).map(T::to_string).collect()
    }
    let mut effects = Effects::default();
    if let Some(base) = base {
        effects.flows_on = missing(&head.flows_on, &base.flows_on);
        effects.flows_off = missing(&base.flows_on, &head.flows_on);
        effects.categories_shown = missing(&head.visible, &base.visible);
        effects.categories_hidden = missing(&base.visible, &head.visible);
        let required = |compiled: &Compiled| -> Vec<String> {
            compiled.required().map(|(category, path, _)| format!("{category}.{path}")).collect()
        };
        effects.newly_required = missing(&required(head), &required(base));
        if !reached.own.contains(&head.name) && (changed || !effects.is_empty()) {
            let through = reached.integrations.get(&head.name).into_iter().flatten();
            effects.through = through.cloned().collect();
        }
    }
    effects
}

/// Findings that the base does not have; a mere shift of lines makes none new.
fn new_findings(before: &Project<'_>, after: &Project<'_>) -> Vec<Finding> {
    // What could not be read was not compared, so that it is told however long it has been so.
    let is_unread = |finding: &Finding| {
        finding.severity == Severity::Error
            && match &finding.about.integration {
                Some(name) => after.compilation.find(name).is_none(),
                None => after.compilation.project.broken,
            }
    };
    type Key = (&'static str, String, String, About);
    fn key(finding: &Finding, sources: &Sources) -> Key {
        let path = sources.path(finding.primary.span).to_owned();
        (finding.code.id, finding.message.clone(), path, finding.about.clone())
    }
    let mut known: Vec<Key> =
        before.compilation.findings.iter().map(|finding| key(finding, before.workspace.sources())).collect();
    let mut findings = after.compilation.findings.clone();
    findings.retain(|finding| {
        let key = key(finding, after.workspace.sources());
        match known.iter().position(|one| *one == key) {
            Some(at) => {
                known.swap_remove(at);
                is_unread(finding)
            }
            None => true,
        }
    });
    findings
}
