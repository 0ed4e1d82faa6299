//! Planning one integration: what the files want of it against what is deployed, category by category.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::compare::{self, Difference};
use super::data::{
    Action, CategoryPlan, Change, ChangeKind, Integration, Mode, Readiness, Scope, Target, usual_effect,
};
use super::deployed::{Current, DeployedState};
use super::safety;
use crate::model::{Configuration, GENERAL, Name, SCHEDULES, SettingPath, Settings, Value};
use crate::options::View;
use crate::schema::{self, Category, Pair};

/// Path and line of a setting, by category and path.
pub type PlaceOf<'a> = dyn Fn(&str, &SettingPath) -> Option<(String, usize)> + 'a;

/// What one integration should be, and what messages about it need.
pub struct Desired<'a> {
    pub integration: &'a str,
    /// The id under which it is deployed, where that is another.
    pub renamed_from: Option<&'a str>,
    pub pair: &'a Pair,
    pub live: bool,
    pub flows_on: &'a [String],
    pub configuration: &'a Configuration,
    pub visible: &'a [Name],
    pub unmanaged: &'a [Name],
    /// Category, path, and whether it is set (`None`: what is deployed decides).
    pub requirements: Vec<(&'a str, &'a SettingPath, Option<bool>)>,
    /// Error messages by category.
    pub blocked: BTreeMap<String, Vec<String>>,
    pub view: View<'a>,
    pub place: &'a PlaceOf<'a>,
    /// The fingerprint of a secret by its reference, where it is at hand.
    pub fingerprint: &'a dyn Fn(&str) -> Option<String>,
    /// Whether a secret of this reference counts as changed while its value is not at hand.
    pub is_pending: &'a dyn Fn(&str) -> bool,
    pub link: Option<String>,
}

/// Plans one integration.
#[must_use]
pub fn plan_integration<'d>(
    desired: &Desired<'_>,
    deployed: &dyn Fn(&str) -> DeployedState<'d>,
    scope: &Scope,
) -> Integration {
    let readiness = readiness(desired, deployed);
    let in_scope = |category: &&Category| desired.visible.contains(&category.id) && scope.takes(&category.id);
    // Of a fleet there are very many; none takes more room than it needs.
    let mut categories = Vec::with_capacity(desired.pair.categories().filter(in_scope).count());
    let all = desired.pair.categories().filter(in_scope);
    categories.extend(all.map(|category| plan_category(desired, category, deployed(&category.id))));
    let mut planned = Integration {
        integration: desired.integration.to_owned(),
        renamed_from: desired.renamed_from.map(str::to_owned),
        pair: desired.pair.id.clone(),
        recorded_pair: None,
        unmanaged: desired.unmanaged.to_vec(),
        title: desired.pair.title.clone(),
        mode: if desired.live { Mode::Live } else { Mode::Onboarding },
        deployed_mode: None,
        readiness,
        live_depends_on: BTreeMap::new(),
        link: desired.link.clone(),
        categories,
        effects: None,
    };
    if let DeployedState::Read(general) = deployed(GENERAL)
        && planned.is_applied()
    {
        planned.deployed_mode = Some(Mode::of(&general.settings));
    }
    let required = desired.requirements.iter().map(|(category, _, _)| *category);
    planned.live_depends_on =
        safety::live_depends_on(&planned, required, &|category| deployed(category).revision().unwrap_or(0));
    planned
}

fn readiness<'d>(desired: &Desired<'_>, deployed: &dyn Fn(&str) -> DeployedState<'d>) -> Readiness {
    let is_deployed = |category: &str, path: &SettingPath| match deployed(category) {
        DeployedState::Read(current) => {
            let below = current.settings.iter().filter(|(key, _)| key.starts_with(path));
            below.into_iter().any(|(_, value)| value.says_something())
        }
        DeployedState::Never | DeployedState::UpToDate(..) => false,
    };
    let set = desired
        .requirements
        .iter()
        .filter(|(category, path, set)| set.unwrap_or_else(|| is_deployed(category, path)))
        .count();
    Readiness { required: desired.requirements.len(), set }
}

fn plan_category(desired: &Desired<'_>, category: &Category, state: DeployedState<'_>) -> CategoryPlan {
    let mut planned = CategoryPlan {
        category: category.id.clone(),
        title: category.title.clone(),
        action: Action::NotManaged,
        revision: state.revision(),
        deleted: None,
        deployed: state.settings(),
        changes: Vec::new(),
        blocked: desired.blocked.get(category.id.as_str()).cloned().unwrap_or_default(),
        next_sync: None,
        save: None,
        agreed: None,
        held: None,
        owners: Vec::new(),
    };
    let unmanaged = desired.unmanaged.contains(&category.id);
    let Some(settings) = desired.configuration.categories.get(&category.id).filter(|_| !unmanaged) else {
        if !planned.blocked.is_empty() {
            planned.action = Action::Blocked;
        }
        return planned;
    };
    let current = match state {
        DeployedState::UpToDate(..) => {
            planned.action = Action::None;
            return planned;
        }
        DeployedState::Never => None,
        DeployedState::Read(current) => Some(current),
    };
    let settings = with_fingerprints(settings, desired.fingerprint);
    let default = |path: &SettingPath| default_of(category, path);
    let current_pair = current.map(|current| (&current.applied, &current.settings));
    let with_resets = current.and_then(|current| category.with_resets(&settings, &current.settings));
    let wanted = with_resets.as_ref().unwrap_or(&settings);
    let differences = compare::compare(wanted, current_pair, &default, desired.is_pending);
    planned.action = action(&planned, &differences, current);
    if !differences.is_empty() {
        planned.next_sync = next_sync(desired, category);
        let before = current.map(|current| current.settings.clone()).unwrap_or_default();
        let after = compare::apply(before, &differences);
        planned.save = planned.action.saves().then(|| Box::new(Target::new(after, Arc::clone(&settings))));
    }
    if let Some(current) = current
        && planned.action == Action::None
        && !compare::is_base(&settings, &current.applied)
    {
        planned.agreed = Some(Box::new(Target::new(current.settings.clone(), Arc::clone(&settings))));
    }
    planned.changes =
        differences.into_iter().map(|difference| change(desired, category, difference)).collect();
    name_places_before(&mut planned.changes, category);
    planned
}

fn action(planned: &CategoryPlan, differences: &[Difference], current: Option<&Current>) -> Action {
    if !planned.blocked.is_empty() {
        return Action::Blocked;
    }
    match current {
        _ if differences.is_empty() => Action::None,
        None => Action::Create,
        Some(_) if differences.iter().all(|difference| difference.kind() == ChangeKind::Reset) => {
            Action::Reset
        }
        Some(_) => Action::Update,
    }
}

/// Settings with the fingerprints of their secrets, as far as those are at hand.
#[must_use]
pub fn with_fingerprints(
    settings: &Arc<Settings>,
    fingerprint: &dyn Fn(&str) -> Option<String>,
) -> Arc<Settings> {
    let mut settings = Arc::clone(settings);
    if settings.values().any(|value| matches!(value, Value::Secret(_))) {
        for value in Arc::make_mut(&mut settings).values_mut() {
            if let Value::Secret(secret) = value {
                secret.fingerprint = fingerprint(&secret.reference);
            }
        }
    }
    settings
}

fn default_of(category: &Category, path: &SettingPath) -> Option<Value> {
    schema::default_of(category.schema_at(path)?)
}

fn change(desired: &Desired<'_>, category: &Category, difference: Difference) -> Change {
    let schema = category.schema_at(&difference.path);
    let label = |value: &Option<Value>| desired.view.label_of_change(schema?, value.as_ref()?);
    let effect =
        category.setting(&difference.path).and_then(|setting| setting.schema.get("x-effect")?.as_str());
    let place = (desired.place)(&category.id, &difference.path);
    Change {
        before_label: label(&difference.before),
        after_label: label(&difference.after),
        origin: difference.origin,
        last_applied: difference.last_applied.as_ref().map(Value::to_json),
        last_applied_label: label(&difference.last_applied),
        effect: effect.unwrap_or_else(|| usual_effect(&category.id)).to_owned(),
        path: place.as_ref().map(|(path, _)| path.clone()),
        line: place.map(|(_, line)| line),
        ..Change::new(
            &difference.path,
            difference.kind(),
            difference.before.as_ref(),
            difference.after.as_ref(),
        )
    }
}

/// Says of each change of a category where its setting stood before.
pub fn name_places_before(changes: &mut [Change], category: &Category) {
    if !category.has_places_before() {
        return;
    }
    for change in changes {
        let Some(path) = SettingPath::parse(&change.setting) else { continue };
        let values = [Value::from_json(&change.before), Value::from_json(&change.after)];
        let places = category.places_before(&path, &values.each_ref());
        change.formerly = places.iter().map(ToString::to_string).collect();
    }
}

/// "orders sync (every 15m)": the sync of the first flow of the category that is on.
fn next_sync(desired: &Desired<'_>, category: &Category) -> Option<String> {
    let flow = category.flows.as_ref()?.iter().find(|flow| desired.flows_on.contains(*flow))?;
    let rules = desired.configuration.of(SCHEDULES);
    let rule = rules.and_then(|rules| {
        let is_this = |(path, value): &(&SettingPath, &Value)| {
            matches!(path.segments(), [_, key] if &**key == "flow") && **value == Value::Text(flow.clone())
        };
        rules.iter().find(is_this).map(|(path, _)| path.segments()[0].clone())
    });
    let timing = |key: &str| {
        let path: SettingPath = [&**rule.as_ref()?, key].iter().collect();
        match rules?.get(&path)? {
            Value::Text(text) => Some(text.clone()),
            _ => None,
        }
    };
    Some(match (timing("every"), timing("after")) {
        (Some(every), _) => format!("{flow} sync (every {every})"),
        (None, Some(after)) => format!("{flow} sync (after {after})"),
        (None, None) => format!("{flow} sync"),
    })
}
