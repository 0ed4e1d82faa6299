//! `diff`: two revisions of the repository, compiled and compared by setting. Reads no store and no checkout.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::args::{Common, Diff, Form};
use super::exit::{self, Stop};
use super::owners::Owners;
use super::project::{self, Project};
use super::streams::Streams;
use super::{forms, planner};
use crate::compile::compose::files_by_integration;
use crate::compile::project::Project as Declared;
use crate::compile::{Compiled, Selection, reach};
use crate::diagnostic::{Finding, Severity};
use crate::model::{Name, SettingPath, Settings, Value};
use crate::plan::{
    self, Change, Comparison, Current, DeployedState, Effects, FORMAT_VERSION, Integration, Integrations,
    Kind, Plan, Released, Side, Touched,
};
use crate::report::{self, json};
use crate::source::Sources;
use crate::source::git::{Commit, History, Revision};

/// Runs the command.
///
/// # Errors
/// When there is no project, or a revision cannot be read.
pub fn run(common: &Common, args: &Diff, streams: &mut Streams) -> Result<u8, Stop> {
    let head_name = args.head.as_ref().or(common.rev.as_ref());
    let (root, history, head) = match head_name {
        Some(name) => project::find_revision(name)?,
        None => {
            let (root, _) = project::read_tree()?;
            let (history, head) = project::history(&root, "HEAD")?;
            (root, history, head)
        }
    };
    let (base, base_name) = base(&history, args, &head, head_name.map_or("HEAD", String::as_str))?;
    let (again, since) = (history.again()?, &base);
    let (old, new) = std::thread::scope(|scope| {
        let old = scope.spawn(move || again.load(since));
        let new = match head_name {
            Some(_) => history.load(&head).map_err(Stop::from),
            None => project::read_tree().map(|(_, sources)| sources),
        };
        (old.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)), new)
    });
    let (old, new) = (old?, new?);
    let reached = reach::reach(&old, &new, common.env.as_deref());
    let affected: BTreeSet<String> = reached.integrations.keys().cloned().collect();
    let selection = Selection { affected: Some(affected), ..project::selection(common, &root, &new)? };
    let (of_base, of_head) = (of_base(&selection, &old), of_head(&selection, &old, &new));
    let (before, after) = project::compile_both(&root, (old, of_base), (new, of_head))?;
    planner::require_categories(common, &after)?;
    let mut plan = compare(common, &before, &after, &reached);
    plan.comparison = Some(Comparison {
        base: Side { name: base_name, id: Some(base.commit.id.clone()) },
        head: match head_name {
            Some(name) => Side { name: name.clone(), id: Some(head.commit.id.clone()) },
            None => Side { name: "working tree".to_owned(), id: None },
        },
    });
    plan.commit = match head_name {
        Some(_) => Some(plan::Commit {
            id: head.commit.id.clone(),
            author: Some(head.commit.author.clone()),
            dirty: false,
        }),
        None => project::commit(common, &after.root)?.map(|commit| plan::Commit {
            id: commit.id,
            author: Some(commit.author),
            dirty: commit.dirty,
        }),
    };
    let history = (history, head);
    let owners = Owners::of(&after, Some(&history));
    let mut blame = args.blame.then(|| Blame::of(&after.sources, &history));
    plan.integrations.edit(&mut |one| {
        owners.assign(one);
        blame.iter_mut().for_each(|blame| blame.name(one));
    });
    let findings = new_findings(&before, &after);
    plan.findings = json::findings(&findings, &after.sources);
    let counts = report::findings::counts(&findings);
    let of = |severity| counts.get(&severity).copied().unwrap_or(0);
    (plan.summary.errors, plan.summary.warnings, plan.summary.notes) =
        (of(Severity::Error), of(Severity::Warning), of(Severity::Note));
    plan::file::seal(&mut plan);
    let settings = &plan.summary.settings;
    let changed = settings.add + settings.change + settings.reset > 0 || !plan.released.is_empty();
    let code = match (of(Severity::Error) > 0, changed && args.detailed_exitcode) {
        (true, _) => exit::ERRORS,
        (false, true) => exit::PENDING,
        (false, false) => exit::OK,
    };
    match common.output {
        Form::Json => json::print_plan(&mut plan, "diff", code, &mut |text| streams.result(text)),
        Form::Text => {
            streams.result(&report::findings::text(&findings, &after.sources, &after.compilation.hidden));
            report::plan::text(&plan, &mut |text| streams.result(text));
        }
        _ => forms::print(common, &super::plan::content("diff", &after, &plan), streams)?,
    }
    // The command is at its end: the system takes back at once what would be taken to pieces here.
    Box::leak(Box::new((before, after)));
    Ok(code)
}

/// The commit to compare with, and what it is in words.
fn base(
    history: &History,
    args: &Diff,
    head: &Revision,
    head_name: &str,
) -> Result<(Revision, String), Stop> {
    let name = match &args.base {
        Some(name) => name.clone(),
        None => history.default_base()?,
    };
    let named = history.resolve(&name)?;
    if args.exact {
        return Ok((named, name));
    }
    let parted = history.merge_base(&named, head)?;
    let words = if parted == named { name } else { format!("merge base of {name} and {head_name}") };
    Ok((parted, words))
}

/// The same integrations; names that do not exist on this side are not asked for. An environment that came later has no values
/// of its own in the base.
fn of_base(selection: &Selection, base: &Sources) -> Selection {
    let exists =
        |name: &&String| Declared::read(base, &mut Vec::new()).environments.contains_key(name.as_str());
    let environment = selection.environment.as_ref().filter(exists).cloned();
    Selection { affected: selection.affected.clone(), environment, ..Selection::default() }
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

fn compare(common: &Common, before: &Project, after: &Project, reached: &reach::Reach) -> Plan {
    let mut scope = planner::scope(common, after, 0);
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
    integrations.retain(report::content::is_worth_showing);
    let exists =
        |name: &str| after.compilation.names.iter().any(|known| known == name) || taken_over.contains(name);
    let wanted = |name: &String| common.integration.is_empty() || common.integration.contains(name);
    for base in
        before.compilation.integrations.iter().filter(|base| !exists(&base.name) && wanted(&base.name))
    {
        released.extend(gone(base, None));
    }
    released.retain(|released: &Released| scope.takes(&released.category));
    let integrations: Integrations = integrations.into_iter().collect();
    let summary = integrations.tally().summary.clone();
    Plan {
        format_version: FORMAT_VERSION.to_owned(),
        command: "diff".to_owned(),
        digest: String::new(),
        commit: None,
        environment: common.env.clone(),
        store: None,
        planned_store: None,
        scope,
        integrations,
        released,
        refusals: Vec::new(),
        notes: Vec::new(),
        revert: None,
        findings: Vec::new(),
        summary,
        comparison: None,
    }
}

/// Categories that the base declares and the head does not.
fn gone(base: &Compiled, head: Option<&Compiled>) -> Vec<Released> {
    let still = |id: &str| head.is_some_and(|head| head.configuration.categories.contains_key(id));
    let declared =
        base.configuration.categories.iter().filter(|(id, settings)| !settings.is_empty() && !still(id));
    declared
        .map(|(id, _)| Released { integration: base.name.clone(), category: id.to_string(), revision: 0 })
        .collect()
}

fn one(
    before: &Project,
    after: &Project,
    base: Option<&Compiled>,
    head: &Compiled,
    reached: &reach::Reach,
    scope: &plan::Scope,
) -> Integration {
    let place = |category: &str, path: &SettingPath| Some(place(after, head, category, path));
    let desired = planner::desired(after, head, &place, &|_| None);
    // Most categories of an integration that changed did not: these are not compared setting by setting.
    let is_settled = |id: &Name, settings: &Settings| {
        head.configuration.of(id) == Some(settings) && !desired.blocked.contains_key(id.as_str())
    };
    let deployed: BTreeMap<&str, Option<Current>> = base
        .into_iter()
        .flat_map(|base| &base.configuration.categories)
        .map(|(id, settings)| (id.as_str(), (!is_settled(id, settings)).then(|| as_deployed(settings))))
        .collect();
    let standing = |category: &str| match deployed.get(category) {
        None => DeployedState::Never,
        Some(None) => DeployedState::UpToDate(0, 0),
        Some(Some(current)) => DeployedState::Read(current),
    };
    let mut planned = plan::plan_integration(&desired, &standing, scope);
    for category in &mut planned.categories {
        category.revision = None;
        category.deployed = None;
        let written = head.configuration.of(&category.category);
        let old = base.and_then(|base| base.configuration.of(&category.category));
        add_new_resets(category, written, old);
        relabel(category, before, base);
    }
    planned.deployed_mode = None;
    let effects = effects(base, head, reached, report::content::changes(&planned) > 0);
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
        category.changes.push(Change::new(path, Kind::Reset, None, None));
        if category.action == plan::Action::None {
            category.action = plan::Action::Reset;
        }
    }
}

/// What was set before is called as the base's dropdown lists call it.
fn relabel(category: &mut plan::CategoryPlan, before: &Project, base: Option<&Compiled>) {
    let Some(base) = base else { return };
    let Some(schema) = base.pair.category(&category.category) else { return };
    let view = base.view(&before.compilation.options);
    for change in &mut category.changes {
        let found = SettingPath::parse(&change.setting)
            .and_then(|path| view.label(schema.schema_at(&path)?, &Value::from_json(&change.before)));
        change.before_label = found;
    }
}

/// A setting's place; of one that is no longer written, the place of its integration.
fn place(opened: &Project, compiled: &Compiled, category: &str, path: &SettingPath) -> (String, usize) {
    let span =
        compiled.origins.get(category).and_then(|origins| origins.get(path)).unwrap_or(&compiled.place);
    (opened.sources.path(*span).to_owned(), opened.sources.line(*span))
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
fn new_findings(before: &Project, after: &Project) -> Vec<Finding> {
    type Key = (&'static str, String, String, crate::diagnostic::About);
    fn key(finding: &Finding, sources: &Sources) -> Key {
        let path = sources.path(finding.primary.span).to_owned();
        (finding.code.id, finding.message.clone(), path, finding.about.clone())
    }
    let mut known: Vec<Key> =
        before.compilation.findings.iter().map(|finding| key(finding, &before.sources)).collect();
    let mut findings = after.compilation.findings.clone();
    findings.retain(|finding| {
        let key = key(finding, &after.sources);
        match known.iter().position(|one| *one == key) {
            Some(at) => {
                known.swap_remove(at);
                false
            }
            None => true,
        }
    });
    findings
}

/// Who last touched each line of the files that changes stand in.
struct Blame<'a> {
    sources: &'a Sources,
    history: &'a (History, Revision),
    files: BTreeMap<String, Vec<Option<Commit>>>,
}

impl<'a> Blame<'a> {
    fn of(sources: &'a Sources, history: &'a (History, Revision)) -> Self {
        Blame { sources, history, files: BTreeMap::new() }
    }

    /// Names who last touched the line of each change.
    fn name(&mut self, integration: &mut Integration) {
        let Blame { sources, history: (history, head), files } = self;
        let changes = integration.categories.iter_mut().flat_map(|one| &mut one.changes);
        for change in changes.filter(|change| change.kind != Kind::Reset) {
            let (Some(path), Some(line)) = (&change.path, change.line) else { continue };
            let lines = files.entry(path.clone()).or_insert_with(|| {
                let text = sources.by_path(path).map(|id| sources.file(id).text()).unwrap_or_default();
                history.touched(head, path, text)
            });
            change.touched = Some(match lines.get(line - 1).cloned().flatten() {
                Some(commit) => Touched { commit: Some(commit.id), author: commit.author },
                None => Touched { commit: None, author: String::new() },
            });
        }
    }
}
