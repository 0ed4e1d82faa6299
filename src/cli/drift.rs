//! `drift`: what was changed in the store and not in the files. The heads of the store tell where to look, and the history
//! of just those categories tells what, when and by whom.

use std::collections::{BTreeMap, BTreeSet};

use super::args::{Common, Drift, Form};
use super::deployed;
use super::exit::{self, Stop};
use super::forms;
use super::project::Project;
use super::settled::{self, Opened, Purpose};
use super::streams::Streams;
use crate::compile::Compiled;
use crate::model::{Name, Value};
use crate::plan::{self, Action, CategoryPlan, Change, Integration, Mode, Plan, Readiness, outside};
use crate::report::{history, json};
use crate::store::{Head, Store};

/// Runs the command.
///
/// # Errors
/// When there is no project, or the store cannot be read.
pub fn run(common: &Common, args: &Drift, streams: &mut Streams) -> Result<u8, Stop> {
    let Opened { project: opened, settled, mut ground } = settled::open(common, Purpose::Look)?;
    let mut plan = super::plan::make_on(common, &opened, settled, &mut ground, None)?;
    let moved = match ground.store.as_deref_mut() {
        Some(store) => find(common, &plan, &opened, store)?,
        None => Vec::new(),
    };
    to_drift(&mut plan, &opened, moved);
    let drifted = plan
        .integrations
        .iter()
        .flat_map(|integration| &integration.categories)
        .any(|category| !category.changes.is_empty());
    let code = if drifted && args.detailed_exitcode { exit::PENDING } else { exit::OK };
    match common.output {
        Form::Json => json::print_plan(&mut plan, "drift", code, &mut |text| streams.result(text)),
        Form::Text => streams.result(&history::drift_text(&plan)),
        _ => forms::print(common, &super::plan::content("drift", &opened, &plan), streams)?,
    }
    Ok(code)
}

/// A category that is not as an apply left it.
struct Drifted {
    /// Under its present name.
    integration: String,
    category: String,
    /// None where it was deleted.
    revision: Option<u64>,
    moved: Vec<outside::Moved>,
}

/// Looks for drift in what the filters took, and without filters in integrations that no file declares.
fn find(
    common: &Common,
    plan: &Plan,
    opened: &Project,
    store: &mut (dyn Store + 'static),
) -> Result<Vec<Drifted>, Stop> {
    let everything = super::plan::is_all(common);
    let former: BTreeMap<&str, &str> = opened
        .compilation
        .integrations
        .iter()
        .filter_map(|compiled| Some((compiled.renamed_from.as_deref()?, compiled.name.as_str())))
        .collect();
    let planned = plan.integrations.iter().map(|integration| integration.integration.as_str());
    let names: Vec<String> = planned.chain(former.keys().copied()).map(str::to_owned).collect();
    let heads = store.heads((!everything).then_some(&names))?;
    let renames = store.renames()?;
    let has = |name: &str| !heads.of(name).is_empty();
    // As in `deployed::read`: a former name counts while nothing is deployed under the present one.
    let former: BTreeMap<&str, &str> = former.into_iter().filter(|(_, now)| !has(now)).collect();
    let present = |name: &str| former.get(name).map_or(name, |now| *now).to_owned();

    // A pull may have taken some of what was changed and left the rest; then not all that is agreed is deployed.
    let edited = heads.iter().filter(|(_, head)| !head.is_marked());
    let mut suspects: BTreeSet<(&str, &str)> =
        edited.map(|(name, head)| (name.as_str(), head.category.as_str())).collect();
    let deleted = deployed::deleted(store, &renames, &heads)?;
    let declares = |name: &str, category: &str| {
        let compiled = opened.compilation.find(&present(name));
        compiled.is_some_and(|compiled| compiled.configuration.categories.contains_key(category))
    };
    // Where no file declares it, nobody misses it.
    let missed = deleted.iter().filter(|(name, category)| declares(name, category));
    suspects.extend(missed.map(|(name, category)| (name.as_str(), category.as_str())));

    let mut names: Vec<String> = suspects.iter().map(|(name, _)| (*name).to_owned()).collect();
    names.dedup();
    let rows = if names.is_empty() { Vec::new() } else { store.read(Some(&names))? };
    let mut found = Vec::new();
    for (name, category) in suspects {
        let integration = present(name);
        let compiled = opened.compilation.find(&integration);
        if !is_asked_for(common, opened, plan, &integration, category, compiled) {
            continue;
        }
        let mut past = deployed::history(store, &renames, name, category)?;
        if let Some(compiled) = compiled {
            for settings in past.iter_mut().filter_map(|save| save.settings.as_mut().ok()) {
                *settings = deployed::present(compiled, category, std::mem::take(settings));
            }
        }
        // What cannot be used is passed over: what it did shows in the next save that can.
        let versions: Vec<outside::Version<'_>> = past
            .iter()
            .filter_map(|past| {
                Some(outside::Version {
                    settings: past.settings.as_ref().ok()?,
                    saved_by: &past.saved_by,
                    saved_at: &past.saved_at,
                    applied: past.run.is_some(),
                })
            })
            .collect();
        let desired = compiled.and_then(|compiled| compiled.configuration.of(category));
        let head = heads.of(name).iter().find(|head| head.category == category);
        let agreed = rows.iter().find(|row| row.integration == name && row.category == category);
        let agreed = agreed.map(|row| match compiled {
            Some(compiled) => deployed::present(compiled, category, row.applied.clone()),
            None => row.applied.clone(),
        });
        found.push(Drifted {
            moved: outside::moved(&versions, agreed.as_ref(), desired),
            revision: head.map(|head: &Head| head.revision),
            integration,
            category: category.to_owned(),
        });
    }
    Ok(found)
}

/// Whether a category is in scope: what is edited elsewhere by agreement is not drift.
fn is_asked_for(
    common: &Common,
    opened: &Project,
    plan: &Plan,
    integration: &str,
    category: &str,
    compiled: Option<&Compiled>,
) -> bool {
    let in_scope = common.category.is_empty() || common.category.iter().any(|wanted| wanted == category);
    let agreed = compiled.is_some_and(|compiled| compiled.unmanaged.iter().any(|id| id == category));
    // One that is in the files and not in the plan was left out, or could not be compiled.
    let known = plan.integrations.iter().any(|planned| planned.integration == integration)
        || !opened.compilation.names.iter().any(|name| name == integration);
    in_scope && !agreed && known
}

/// Puts what drifted in the place of what would be saved.
fn to_drift(plan: &mut Plan, opened: &Project, found: Vec<Drifted>) {
    "drift".clone_into(&mut plan.command);
    plan.refusals.clear();
    plan.notes.clear();
    // What the files lack is for `validate` to say; an error tells why something was not looked at.
    plan.findings.retain(|finding| finding["severity"] == "error");
    let mut moved = BTreeMap::new();
    for Drifted { integration, category, revision, moved: settings } in found {
        if settings.is_empty() {
            continue;
        }
        let of_one = match plan.integrations.iter_mut().find(|one| one.integration == integration) {
            Some(of_one) => of_one,
            None => {
                plan.integrations.push(in_no_file(&integration));
                let Some(last) = plan.integrations.last_mut() else { continue };
                last
            }
        };
        if !of_one.categories.iter().any(|one| one.category == category) {
            let title = opened
                .compilation
                .find(&integration)
                .and_then(|compiled| Some(compiled.pair.category(&category)?.title.clone()));
            of_one.categories.push(hidden(&category, title, revision));
        }
        moved.insert((integration, category), settings);
    }
    plan.integrations.sort_by(|a, b| a.integration.cmp(&b.integration));
    for integration in &mut plan.integrations {
        integration.renamed_from = None;
        integration.deployed_mode = None;
        integration.rests_on.clear();
        let compiled = opened.compilation.find(&integration.integration);
        for category in &mut integration.categories {
            let key = (integration.integration.clone(), category.category.to_string());
            let desired = compiled.and_then(|compiled| compiled.configuration.of(&category.category));
            let is_set =
                |moved: &outside::Moved| desired.is_some_and(|desired| desired.contains_key(&moved.path));
            show(category, moved.remove(&key).unwrap_or_default(), &is_set);
        }
    }
    let errors = plan.summary.errors;
    plan.summary = plan::Summary { errors, ..plan::summarize(&plan.integrations) };
    plan::file::seal(plan);
}

/// An integration that the store has and no file declares; nothing is known of it but that.
fn in_no_file(name: &str) -> Integration {
    Integration {
        integration: name.to_owned(),
        renamed_from: None,
        pair: "".into(),
        title: "in no file".into(),
        mode: Mode::Onboarding,
        deployed_mode: None,
        readiness: Readiness::default(),
        rests_on: BTreeMap::new(),
        link: None,
        categories: Vec::new(),
        effects: None,
    }
}

/// A category that the integration does not show, and yet has deployed settings of.
fn hidden(category: &str, title: Option<Name>, revision: Option<u64>) -> CategoryPlan {
    CategoryPlan {
        category: category.into(),
        title: title.unwrap_or_else(|| category.into()),
        action: Action::NotManaged,
        revision,
        deleted: None,
        deployed: None,
        changes: Vec::new(),
        blocked: Vec::new(),
        next_sync: None,
        save: None,
        owners: Vec::new(),
    }
}

fn show(category: &mut CategoryPlan, moved: Vec<outside::Moved>, is_set: &dyn Fn(&outside::Moved) -> bool) {
    let json = |value: &Option<Value>| value.as_ref().map_or(serde_json::Value::Null, Value::to_json);
    let planned = std::mem::take(&mut category.changes);
    category.changes = moved
        .into_iter()
        .map(|moved| {
            let setting = moved.path.to_string();
            // Where the files mention it, they say where.
            let place = planned.iter().find(|change| change.setting == setting);
            Change {
                kind: moved.kind(),
                before: json(&moved.before),
                after: json(&moved.after),
                before_label: None,
                after_label: place.and_then(|change| change.before_label.clone()),
                origin: moved.origin,
                last_applied: None,
                effect: place.map_or_else(|| "next-sync".to_owned(), |change| change.effect.clone()),
                path: place.and_then(|change| change.path.clone()),
                line: place.and_then(|change| change.line),
                touched: None,
                unmanaged: place.is_none() && !is_set(&moved),
                since: Some(moved.since),
                by: Some(moved.by),
                setting,
            }
        })
        .collect();
    category.save = None;
    category.next_sync = None;
    category.blocked.clear();
    category.action = match category.action {
        Action::NotManaged if category.changes.is_empty() => Action::NotManaged,
        _ if category.changes.is_empty() => Action::None,
        _ => Action::Update,
    };
}
