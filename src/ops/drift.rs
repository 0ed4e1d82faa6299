//! What was changed in the store and not in the files. The heads of the store tell where to look, and the history of just
//! those categories tells what, when and by whom. Nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use super::deployed;
use super::error::Result;
use super::host::Host;
use super::load::{self, Candidate, Loaded, Purpose};
use super::plan::{Planned, READ_TOGETHER, make_on};
use super::project::Project;
use super::request::{Request, SecretsAsked};
use super::workspace::Workspace;
use crate::compile::{self, Compiled};
use crate::diagnostic::Severity;
use crate::model::Name;
use crate::plan::{self, Action, CategoryPlan, Change, Integration, Mode, Plan, Readiness, drift};
use crate::store::{Head, Store};

/// Looks for drift in what a request takes: a plan of what moved, which is never applied.
///
/// # Errors
/// When a filter names what does not exist, or the store cannot be read.
pub fn drift<'w>(workspace: &'w Workspace, request: &Request, host: &Host<'_>) -> Result<Planned<'w>> {
    // Drift is what others did, and a secret that is not at hand is nobody's doing.
    let secrets = SecretsAsked { assume: true, ..request.secrets.clone() };
    let request = &Request { secrets, ..request.clone() };
    let Loaded { project, fleet, mut snapshot } = load::load(workspace, request, host, Purpose::Look)?;
    let open = fleet.open.clone();
    let (mut plan, judging) = make_on(&project, fleet, &mut snapshot, request, host)?;
    let moved = match snapshot.store.as_deref_mut() {
        Some(store) => find(request, &plan, &project, &open, store)?,
        None => Vec::new(),
    };
    to_drift(&mut plan, moved);
    Ok(Planned { project, plan, judging })
}

/// A category that is not as an apply left it.
pub(super) struct Drifted {
    /// Under its present name.
    pub(super) integration: String,
    pub(super) category: String,
    /// Where a schema is known.
    title: Option<Name>,
    /// None where it was deleted.
    revision: Option<u64>,
    /// Each setting, and whether the files say something of it.
    pub(super) moved: Vec<(drift::Moved, bool)>,
}

/// Looks for drift in what the filters took, and without filters in integrations that no file declares.
pub(super) fn find(
    request: &Request,
    plan: &Plan,
    opened: &Project<'_>,
    open: &[Candidate],
    store: &mut (dyn Store + 'static),
) -> Result<Vec<Drifted>> {
    let everything = request.is_all();
    let compiled = opened.compilation.integrations.iter();
    let compiled = compiled.map(|compiled| (compiled.renamed_from.as_deref(), compiled.name.as_str()));
    let former: BTreeMap<&str, &str> = compiled
        .chain(open.iter().map(|open| (open.renamed_from.as_deref(), open.name.as_str())))
        .filter_map(|(former, now)| Some((former?, now)))
        .collect();
    let mut planned: BTreeSet<String> = BTreeSet::new();
    plan.integrations.for_each(&mut |integration| {
        planned.insert(integration.integration.clone());
    });
    let names: Vec<String> =
        planned.iter().map(String::as_str).chain(former.keys().copied()).map(str::to_owned).collect();
    let heads = store.heads((!everything).then_some(&names))?;
    let renames = store.renames()?;
    let has = |name: &str| !heads.of(name).is_empty();
    // As in `deployed::read`: a former name counts while nothing is deployed under the present one.
    let former: BTreeMap<&str, &str> = former.into_iter().filter(|(_, now)| !has(now)).collect();
    let present = |name: &str| former.get(name).map_or(name, |now| *now).to_owned();

    // Where an apply saved a category and left some of what was changed outside, not all that is agreed is deployed.
    let edited = heads.iter().filter(|(_, head)| !head.is_marked());
    let mut suspects: BTreeSet<(&str, &str)> =
        edited.map(|(name, head)| (name.as_str(), head.category.as_str())).collect();
    let deleted = deployed::deleted(store, &renames, &heads)?;
    suspects.extend(deleted.iter().map(|(name, category)| (name.as_str(), category.as_str())));
    let mut names: Vec<&str> = suspects.iter().map(|(name, _)| *name).collect();
    names.dedup();
    let again = (!open.is_empty()).then(|| opened.again());
    let mut found = Vec::new();
    for names in names.chunks(READ_TOGETHER) {
        let presents: BTreeSet<String> = names.iter().map(|name| present(name)).collect();
        let compiled = load::compiled(opened, again.as_ref(), open, &|name| presents.contains(name))?;
        let rows = store.read(Some(&names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>()))?;
        let of_these = suspects.iter().filter(|(name, _)| names.binary_search(name).is_ok());
        let head_of =
            |name: &str, category: &str| heads.of(name).iter().find(|head| head.category == category);
        let is_wanted = |(name, category): &(&str, &str)| {
            let integration = present(name);
            let compiled = compile::find(&compiled, &integration);
            // Of what was deleted and no file declares, nobody misses anything.
            let declares = |compiled: &Compiled| compiled.configuration.categories.contains_key(*category);
            // One that is in the files and not in the plan was left out, or could not be compiled.
            let is_known = planned.contains(&integration)
                || opened.compilation.names.binary_search(&integration).is_err();
            (head_of(name, category).is_some() || compiled.is_some_and(declares))
                && is_known
                && is_asked_for(request, category, compiled)
        };
        let wanted: Vec<(&str, &str)> = of_these.copied().filter(is_wanted).collect();
        let asked: Vec<(String, String)> =
            wanted.iter().map(|(name, category)| ((*name).to_owned(), (*category).to_owned())).collect();
        let mut all = deployed::histories(store, &renames, &asked)?;
        for (name, category) in wanted {
            let integration = present(name);
            let compiled = compile::find(&compiled, &integration);
            let head = head_of(name, category);
            let past = all.entry((name.to_owned(), category.to_owned())).or_default();
            let versions = match compiled {
                Some(compiled) => deployed::versions(past, &compiled.pair, category),
                None => deployed::as_saved(past),
            };
            let desired = compiled.and_then(|compiled| compiled.configuration.of(category));
            let agreed = rows.iter().find(|row| row.integration == name && row.category == category);
            let agreed = agreed.map(|row| match compiled {
                Some(compiled) => deployed::present(&compiled.pair, category, row.applied.clone()),
                None => row.applied.clone(),
            });
            let moved = drift::moved(&versions, agreed.as_ref(), desired).into_iter().map(|moved| {
                let is_set = desired.is_some_and(|desired| desired.contains_key(&moved.path));
                (moved, is_set)
            });
            found.push(Drifted {
                moved: moved.collect(),
                title: compiled.and_then(|compiled| Some(compiled.pair.category(category)?.title.clone())),
                revision: head.map(|head: &Head| head.revision),
                integration,
                category: category.to_owned(),
            });
        }
    }
    Ok(found)
}

/// Whether a category is in scope: what is edited elsewhere by agreement is not drift.
fn is_asked_for(request: &Request, category: &str, compiled: Option<&Compiled>) -> bool {
    let agreed = compiled.is_some_and(|compiled| compiled.unmanaged.iter().any(|id| id == category));
    request.filter.takes_category(category) && !agreed
}

/// Puts what drifted in the place of what would be saved.
fn to_drift(plan: &mut Plan, found: Vec<Drifted>) {
    "drift".clone_into(&mut plan.command);
    plan.plan_version = 0;
    plan.unknown_secrets.clear();
    plan.released.clear();
    plan.assumed_secrets = false;
    plan.refusals.clear();
    plan.notes.clear();
    // What the files lack is for `validate` to say; an error tells why something was not looked at.
    plan.findings.retain(|finding| finding.severity == Severity::Error);
    let mut drifted: BTreeMap<String, Vec<Drifted>> = BTreeMap::new();
    for one in found.into_iter().filter(|one| !one.moved.is_empty()) {
        drifted.entry(one.integration.clone()).or_default().push(one);
    }
    let planned = std::mem::take(&mut plan.integrations).into_iter().map(|mut integration| {
        let of_one = drifted.remove(&integration.integration).unwrap_or_default();
        show(&mut integration, of_one);
        integration
    });
    let mut integrations: Vec<Integration> = planned.collect();
    integrations.extend(drifted.into_iter().map(|(name, of_one)| {
        let mut integration = in_no_file(&name);
        show(&mut integration, of_one);
        integration
    }));
    integrations.sort_by(|a, b| a.integration.cmp(&b.integration));
    plan.integrations = integrations.into_iter().collect();
    let errors = plan.summary.errors;
    plan.summary = plan::Summary { errors, ..plan.integrations.tally().summary.clone() };
    plan::file::seal(plan);
}

/// Shows what drifted of one integration, and nothing else.
fn show(integration: &mut Integration, drifted: Vec<Drifted>) {
    integration.renamed_from = None;
    integration.deployed_mode = None;
    integration.live_depends_on.clear();
    let mut moved = BTreeMap::new();
    for Drifted { category, title, revision, moved: settings, .. } in drifted {
        if !integration.categories.iter().any(|one| one.category == category) {
            integration.categories.push(hidden(&category, title, revision));
        }
        moved.insert(category, settings);
    }
    for category in &mut integration.categories {
        let moved = moved.remove(category.category.as_str()).unwrap_or_default();
        show_category(category, moved);
    }
}

/// An integration that the store has and no file declares; nothing is known of it but that.
fn in_no_file(name: &str) -> Integration {
    Integration {
        integration: name.to_owned(),
        renamed_from: None,
        pair: "".into(),
        recorded_pair: None,
        unmanaged: Vec::new(),
        title: "in no file".into(),
        mode: Mode::Onboarding,
        deployed_mode: None,
        readiness: Readiness::default(),
        live_depends_on: BTreeMap::new(),
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
        agreed: None,
        held: None,
        owners: Vec::new(),
    }
}

fn show_category(category: &mut CategoryPlan, moved: Vec<(drift::Moved, bool)>) {
    let planned = std::mem::take(&mut category.changes);
    category.changes = moved
        .into_iter()
        .map(|(moved, is_set)| {
            let setting = moved.path.to_string();
            // Where the files mention it, they say where.
            let place = planned.iter().find(|change| change.setting == setting);
            let change = Change::new(&moved.path, moved.kind(), moved.before.as_ref(), moved.after.as_ref());
            // What the last apply set is what git says, where git did not move on.
            let label_before = place.and_then(|place| {
                let is_same = place.after == change.before;
                place.last_applied_label.clone().or_else(|| place.after_label.clone().filter(|_| is_same))
            });
            Change {
                before_label: label_before,
                after_label: place.and_then(|change| change.before_label.clone()),
                origin: moved.origin,
                effect: place.map_or(change.effect, |place| place.effect.clone()),
                path: place.and_then(|change| change.path.clone()),
                line: place.and_then(|change| change.line),
                unmanaged: place.is_none() && !is_set,
                since: Some(moved.since),
                by: Some(moved.by),
                ..change
            }
        })
        .collect();
    category.save = None;
    category.agreed = None;
    category.next_sync = None;
    category.blocked.clear();
    category.action = match category.action {
        Action::NotManaged if category.changes.is_empty() => Action::NotManaged,
        _ if category.changes.is_empty() => Action::None,
        _ => Action::Update,
    };
}
