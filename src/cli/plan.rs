//! `plan`: the files against what is deployed.
#![expect(clippy::disallowed_methods, reason = "writes the plan file that --out names")]

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use rayon::prelude::*;

use super::args::{Common, Form, Plan as PlanArgs};
use super::deployed;
use super::exit::{self, Stop};
use super::forms;
use super::owners;
use super::project::{self, Project};
use super::secrets::Secrets;
use super::settled::{self, Ground, Opened, Purpose, Settled};
use super::streams::Streams;
use super::vault::Vault;
use crate::compile::Compiled;
use crate::diagnostic::Severity;
use crate::model::{Name, SettingPath, Settings};
use crate::plan::{self, Current, Desired, FORMAT_VERSION, Plan, Released, Scope, Standing, safety};
use crate::report::content::Content;
use crate::report::{self, json};
use crate::source::load;
use crate::store::{self, Deployed, Store};

/// Runs the command.
///
/// # Errors
/// When there is no project, the store cannot be read or the plan file cannot be written.
pub fn run(common: &Common, args: &PlanArgs, streams: &mut Streams) -> Result<u8, Stop> {
    let Opened { project: opened, settled, mut ground } = match args.max_age {
        Some(max_age) => {
            let project = super::options::open_with_fresh_lists(common, max_age, streams)?;
            Opened { ground: Ground::under(common, &project)?, project, settled: Vec::new() }
        }
        None => settled::open(common, Purpose::Look)?,
    };
    say_if_broken(common, &opened, streams);
    let mut plan = make_on(common, &opened, settled, &mut ground, None)?;
    if args.out.is_some() || common.output != Form::Text {
        plan::file::seal(&mut plan);
    }
    if let Some(path) = &args.out {
        write(path, &mut plan)?;
    }
    let errors = opened.has_errors();
    let code = match (errors, plan.is_pending() && args.detailed_exitcode) {
        (true, _) => exit::ERRORS,
        (false, true) => exit::PENDING,
        (false, false) => exit::OK,
    };
    match common.output {
        Form::Json => json::print_plan(&mut plan, "plan", code, &mut |text| streams.result(text)),
        Form::Text => show(&opened, &plan, streams),
        _ => forms::print(common, &content("plan", &opened, &plan), streams)?,
    }
    if let Some(path) = &args.out {
        let next =
            if errors { "it has errors and cannot be applied".to_owned() } else { apply_with(common, path) };
        streams.say(&report::clean(&format!("Plan saved to {}; {next}.\n", path.display())));
    }
    Ok(code)
}

/// How a saved plan is applied: where the store was named by hand, it has to be again.
#[must_use]
pub fn apply_with(common: &Common, path: &Path) -> String {
    let store = common.store.as_ref().map(|url| format!(" --store \"{}\"", store::without_password(url)));
    format!("apply it with `pairform apply {}{}`", path.display(), store.unwrap_or_default())
}

/// Without the project file there is no plan, so its findings are shown before the command stops.
pub fn say_if_broken(common: &Common, opened: &Project, streams: &mut Streams) {
    if opened.compilation.project.broken && common.output == Form::Text {
        let compilation = &opened.compilation;
        streams.say(&report::findings::text(&compilation.findings, &opened.sources, &compilation.hidden));
    }
}

/// What the other forms are made of.
#[must_use]
pub fn content<'a>(command: &'a str, opened: &'a Project, plan: &'a Plan) -> Content<'a> {
    Content {
        command,
        findings: &plan.findings,
        integrations: plan.summary.integrations,
        plan: Some(plan),
        outcome: None,
        catalogue: &opened.compilation.catalogue,
        folder: "",
    }
}

/// Findings, then the plan, as text.
pub fn show(opened: &Project, plan: &Plan, streams: &mut Streams) {
    let compilation = &opened.compilation;
    streams.result(&report::findings::text(&compilation.findings, &opened.sources, &compilation.hidden));
    streams.result(&report::plan::text(plan));
}

/// Makes the plan of a compiled project, not sealed yet; reads the store and writes nothing.
///
/// # Errors
/// When the store cannot be read, or a category filter names nothing.
pub fn make(common: &Common, opened: &Project) -> Result<Plan, Stop> {
    make_on(common, opened, Vec::new(), &mut Ground::under(common, opened)?, None)
}

/// As [`make`], beside integrations that are settled; with a Vault, to apply: it is asked, and the programs that secrets come
/// from run.
///
/// # Errors
/// As [`make`].
pub fn make_on(
    common: &Common,
    opened: &Project,
    settled: Vec<Settled>,
    ground: &mut Ground,
    applying: Option<&Vault>,
) -> Result<Plan, Stop> {
    require_categories(common, opened)?;
    let (environment, _) = opened.store(common)?;
    let Ground { store, gone, commit } = ground;
    let (deployed, renamed) = read(store.as_deref_mut(), common, opened, gone.take())?;
    let scope = scope(common, opened, &settled);
    let secrets = store.as_ref().map(|store| Secrets::new(&opened.root, store.fingerprint_key()));
    let programs = &opened.compilation.project.secrets.exec;
    let secrets = secrets.map(|secrets| match applying {
        Some(vault) => secrets.running(programs).asking(vault),
        None => secrets,
    });
    let fingerprint = |reference: &str| secrets.as_ref()?.fingerprint(reference).ok();
    let compilation = &opened.compilation;
    let plan_one = |compiled: &Compiled| {
        let place = |category: &str, path: &SettingPath| place(opened, compiled, category, path);
        let desired = Desired {
            renamed_from: renamed.get(&compiled.name).map(String::as_str),
            ..desired(opened, compiled, &place, &fingerprint)
        };
        let deployed = deployed.get(&compiled.name);
        plan::plan_integration(
            &desired,
            &|category| Standing::of(deployed.and_then(|all| all.get(category))),
            &scope,
        )
    };
    let mut integrations: Vec<_> = match applying {
        // The programs that secrets come from may ask a person, so they run one after the other.
        Some(_) => compilation.integrations.iter().map(plan_one).collect(),
        None => compilation.integrations.par_iter().map(plan_one).collect(),
    };
    let mut released = released(opened, &integrations, &deployed, &scope);
    for one in settled {
        released.extend(one.released);
        integrations.push(one.planned);
    }
    if let Some(store) = store.as_deref_mut() {
        note_deleted(store, &mut integrations)?;
    }
    released.sort_by(|a, b| (&a.integration, &a.category).cmp(&(&b.integration, &b.category)));
    integrations.sort_by(|a, b| a.integration.cmp(&b.integration));
    let refusals = gaps(opened, &integrations, &deployed);
    let mut summary = plan::summarize(&integrations);
    let counts = report::findings::counts(&compilation.findings);
    let of = |severity| counts.get(&severity).copied().unwrap_or(0);
    (summary.errors, summary.warnings, summary.notes) =
        (of(Severity::Error), of(Severity::Warning), of(Severity::Note));
    let store_to_be = store.is_none().then(|| {
        let named = common.store.as_deref();
        project::store_to_be(&compilation.project, &opened.root, environment.as_deref(), named)
    });
    let mut plan = Plan {
        format_version: FORMAT_VERSION.to_owned(),
        command: "plan".to_owned(),
        digest: String::new(),
        commit: match commit.take() {
            Some(commit) => commit.join().unwrap_or_default(),
            None => project::commit(common, &opened.root)?,
        }
        .map(|commit| plan::Commit {
            id: commit.id,
            author: Some(commit.author),
            dirty: commit.dirty,
        }),
        environment,
        store: store.as_ref().map(|store| store.identity().to_owned()),
        store_to_be,
        released,
        scope,
        integrations,
        refusals,
        notes: Vec::new(),
        revert: None,
        findings: json::findings(&compilation.findings, &opened.sources),
        summary,
        comparison: None,
    };
    plan.notes = likely_renames(opened, &plan, &deployed);
    super::safety::foretell(&mut plan, &compilation.project, jiff::Timestamp::now())?;
    owners::assign(
        &mut plan,
        opened,
        project::history(&opened.root, common.rev.as_deref().unwrap_or("HEAD")).ok().as_ref(),
    );
    Ok(plan)
}

/// Notes of each category that is to be saved anew when it was deleted.
fn note_deleted(store: &mut dyn Store, integrations: &mut [plan::Integration]) -> Result<(), Stop> {
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

/// What is deployed, and what it was called there: of those that may differ and of those that left the files.
fn read(
    store: Option<&mut (dyn Store + 'static)>,
    common: &Common,
    opened: &Project,
    gone: Option<Vec<Name>>,
) -> Result<(ByIntegration, BTreeMap<String, String>), Stop> {
    let Some(store) = store else { return Ok(Default::default()) };
    let compilation = &opened.compilation;
    let mut names: Vec<String> =
        compilation.integrations.iter().map(|compiled| compiled.name.clone()).collect();
    let all = is_all(common);
    let names = match gone {
        None if all => None,
        None => Some(names),
        Some(gone) => {
            names.extend(gone.into_iter().filter(|_| all).map(String::from));
            Some(names)
        }
    };
    let read = deployed::read(store, compilation, names.as_deref())?;
    let mut deployed = ByIntegration::new();
    for Deployed { integration, category, revision, settings, applied, .. } in read.rows {
        deployed.entry(integration).or_default().insert(category, Current { revision, settings, applied });
    }
    Ok((deployed, read.renamed))
}

/// What an integration should be, as the plan wants to know it.
pub fn desired<'a>(
    opened: &'a Project,
    compiled: &'a Compiled,
    place: &'a plan::Place<'a>,
    fingerprint: &'a dyn Fn(&str) -> Option<String>,
) -> Desired<'a> {
    let compilation = &opened.compilation;
    let link = compilation.project.link.as_ref().map(|link| link.replace("{id}", &compiled.name));
    Desired {
        integration: &compiled.name,
        renamed_from: None,
        pair: &compiled.pair,
        live: compiled.live,
        flows_on: &compiled.flows_on,
        configuration: &compiled.configuration,
        visible: &compiled.visible,
        unmanaged: &compiled.unmanaged,
        requirements: compiled.required().collect(),
        blocked: blocked(opened, &compiled.name),
        view: compiled.view(&compilation.options),
        place,
        fingerprint,
        link,
    }
}

/// Error messages of an integration by category.
fn blocked(opened: &Project, name: &str) -> BTreeMap<String, Vec<String>> {
    let mut blocked: BTreeMap<String, Vec<String>> = BTreeMap::new();
    if !opened.compilation.errors.contains_key(name) {
        return blocked;
    }
    for finding in &opened.compilation.findings {
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
    opened: &Project,
    compiled: &Compiled,
    category: &str,
    path: &SettingPath,
) -> Option<(String, usize)> {
    let origins = compiled.origins.get(category)?;
    let span = origins.get(path)?;
    let line = opened.sources.position(*span).line;
    Some((opened.sources.path(*span).to_owned(), line))
}

/// What the filters took and left.
#[must_use]
pub fn scope(common: &Common, opened: &Project, settled: &[Settled]) -> Scope {
    let compilation = &opened.compilation;
    let open = || compilation.integrations.iter().flat_map(|compiled| &compiled.visible);
    let left_out = open().filter(|id| !common.takes_category(id)).count();
    let left_out_of = |one: &Settled| one.visible - one.planned.categories.len();
    Scope {
        integrations: common.integration.clone(),
        pairs: common.pair.clone(),
        categories: common.category.clone(),
        exclude: common.exclude.clone(),
        left_out_integrations: if is_all(common) {
            0
        } else {
            compilation.names.len().saturating_sub(compilation.integrations.len() + settled.len())
        },
        left_out_categories: left_out + settled.iter().map(left_out_of).sum::<usize>(),
        changed_since: common.changed_since.clone(),
    }
}

/// Proves that the category filters exist.
///
/// # Errors
/// When one does not.
pub fn require_categories(common: &Common, opened: &Project) -> Result<(), Stop> {
    let mut known = opened.compilation.catalogue.names("categories");
    known.extend(["connectors", "flows", "schedules", "webhooks"].map(str::to_owned));
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    common.category.iter().try_for_each(|name| project::require_known("category", name, &known))
}

/// Live mode that would go on without all that is required: what no rule of a project lifts, and only schemas tell.
#[must_use]
pub fn gaps(
    opened: &Project,
    integrations: &[plan::Integration],
    deployed: &ByIntegration,
) -> Vec<plan::Refusal> {
    let of_one = |planned: &plan::Integration| {
        let compiled = opened.compilation.find(&planned.integration);
        let required = compiled.into_iter().flat_map(Compiled::required);
        safety::live_with_gaps(planned, required, deployed.get(&planned.integration))
    };
    integrations.iter().filter_map(of_one).collect()
}

/// Categories that pairform saved once and that no file declares any more.
fn released(
    opened: &Project,
    integrations: &[plan::Integration],
    deployed: &ByIntegration,
    scope: &Scope,
) -> Vec<Released> {
    let mut released = Vec::new();
    for (name, categories) in deployed {
        let compiled = opened.compilation.find(name);
        let planned = integrations.binary_search_by(|integration| integration.integration.cmp(name));
        let exists = opened.compilation.names.binary_search(name).is_ok();
        if exists && planned.is_err() {
            // It is there but could not be compiled; nothing is known of what it declares.
            continue;
        }
        for (category, current) in categories {
            let declared = compiled
                .is_some_and(|compiled| compiled.configuration.categories.contains_key(category.as_str()));
            if !declared && scope.takes(category) && !current.applied.is_empty() {
                released.push(Released {
                    integration: name.clone(),
                    category: category.clone(),
                    revision: current.revision,
                });
            }
        }
    }
    released
}

/// Integrations that are new and say what one says that left the files: perhaps it only got another name.
fn likely_renames(opened: &Project, plan: &Plan, deployed: &ByIntegration) -> Vec<String> {
    let gone = deployed.iter().filter(|(name, _)| opened.compilation.names.binary_search(name).is_err());
    let gone: Vec<_> = gone.collect();
    if gone.is_empty() {
        return Vec::new();
    }
    let is_new = |one: &&plan::Integration| {
        !deployed.contains_key(&one.integration)
            && one.categories.iter().any(|category| category.save.is_some())
    };
    let new = plan.integrations.iter().filter(is_new);
    let mut notes = Vec::new();
    for integration in new {
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
        if let Some((_, name)) = likely.filter(|(same, _)| same * 10 > number * 8) {
            notes.push(format!(
                "`{}` is all but what `{name}` was, which is in no file any more; if it was renamed, write `renamed_from: {name}`, and what is deployed is kept",
                integration.integration
            ));
        }
    }
    notes
}

/// Writes beside the target and renames, so that no half-written plan is ever seen.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, plan: &mut Plan) -> Result<(), Stop> {
    let mut name = path.file_name().ok_or_else(|| Stop::usage("--out names no file"))?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let text = plan::file::write(plan);
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, path)).map_err(|error| {
        let _ = std::fs::remove_file(&part);
        let why = format!("cannot write the plan to {}: {}", path.display(), load::reason(&error));
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory => Stop::usage(why),
            _ => Stop::new(exit::INTERNAL, why).help("nothing is left of it; plan again where there is room"),
        }
    })
}

/// No filter was given.
#[must_use]
pub fn is_all(common: &Common) -> bool {
    common.changed_since.is_none()
        && common.integration.is_empty()
        && common.exclude.is_empty()
        && common.pair.is_empty()
}
