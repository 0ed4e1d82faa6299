//! The back half: desired against last applied and deployed, as a plan that is data.
//!
//! A plan is computed once, read by people, saved to a file and applied without being computed again. Nothing here
//! knows YAML, a store or a clock.

pub mod back;
pub mod compare;
pub mod file;
pub mod integrations;
pub mod outside;
pub mod safety;

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::model::{self, Configuration, FLOWS, GENERAL, Name, SCHEDULES, SettingPath, Settings, Value};
use crate::options::View;
use crate::schema::{Category, Pair};
use compare::Difference;
pub use integrations::Integrations;

/// The version of the machine output; a minor step adds, a major one breaks.
pub const FORMAT_VERSION: &str = "1.0";

/// What would be saved, and why.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Plan {
    pub format_version: String,
    pub command: String,
    /// `sha256:` of the canonical body.
    pub digest: String,
    pub commit: Option<Commit>,
    pub environment: Option<String>,
    /// The identity of the store that was read; none when there is no store yet.
    pub store: Option<String>,
    /// Where it is to be made then: a digest of its URL, as the project or the command line gives it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_to_be: Option<String>,
    pub scope: Scope,
    /// Sorted by name.
    pub integrations: Integrations,
    /// Deployed by pairform before, and in no file any more: left as they are.
    pub released: Vec<Released>,
    /// Why an apply would be refused; see the project's `safety`.
    pub refusals: Vec<Refusal>,
    /// What else there is to know before it is applied; see `back`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// What a way back leads to, in words; none in a plan that was made from the files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revert: Option<String>,
    /// As `validate -o json` has them.
    pub findings: Vec<Json>,
    pub summary: Summary,
    /// The two revisions that `diff` compared; none in a plan.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,
}

/// What `diff` compared.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Comparison {
    pub base: Side,
    pub head: Side,
}

/// One side of a comparison.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Side {
    /// In words: `merge base of origin/main and HEAD`, `working tree`.
    pub name: String,
    /// The commit; none for a working tree.
    pub id: Option<String>,
}

/// What a comparison of two revisions means for one integration, beyond its settings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Effects {
    pub flows_on: Vec<String>,
    pub flows_off: Vec<String>,
    pub categories_shown: Vec<String>,
    pub categories_hidden: Vec<String>,
    /// `CATEGORY.SETTING` that were not required before.
    pub newly_required: Vec<String>,
    /// Changed files through which the integration changed although none of its own did.
    pub through: Vec<String>,
}

impl Effects {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Effects::default()
    }

    /// Each kind of effect in words, with what it is of.
    #[must_use]
    pub fn told(&self) -> Vec<(&'static str, &[String])> {
        let all: [(&str, &[String]); 6] = [
            ("flows switched on", &self.flows_on),
            ("flows switched off", &self.flows_off),
            ("categories that appear", &self.categories_shown),
            ("categories that disappear", &self.categories_hidden),
            ("now required", &self.newly_required),
            ("touched only through", &self.through),
        ];
        all.into_iter().filter(|(_, list)| !list.is_empty()).collect()
    }
}

/// Who last touched the line that a change stands on.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Touched {
    /// None where the line is not committed yet.
    pub commit: Option<String>,
    pub author: String,
}

#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Commit {
    pub id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
    pub dirty: bool,
}

/// What a plan was limited to, and how much that left out.
#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Scope {
    pub integrations: Vec<String>,
    pub pairs: Vec<String>,
    pub categories: Vec<String>,
    pub exclude: Vec<String>,
    pub left_out_integrations: usize,
    pub left_out_categories: usize,
    /// The revision since which an integration must have changed to be in scope.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub changed_since: Option<String>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Integration {
    pub integration: String,
    /// The id under which it is deployed, where that is another; an apply changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    pub pair: Name,
    /// `Shopify ↔ Fortnox`
    pub title: Name,
    pub mode: Mode,
    /// The mode that is deployed, where the plan saves something; none where `general` never was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_mode: Option<Mode>,
    pub readiness: Readiness,
    /// Where live mode goes on: the deployed revisions of the categories that its required settings are in and that are not
    /// saved here (0: never saved). When one has moved, the plan is stale.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rests_on: BTreeMap<String, u64>,
    /// The integration's page on the platform.
    pub link: Option<String>,
    /// Visible categories: settings in the order of the page, then the others.
    pub categories: Vec<CategoryPlan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<Effects>,
}

impl Scope {
    /// Whether a category is in it, as far as categories were named.
    #[must_use]
    pub fn takes(&self, category: &str) -> bool {
        self.categories.is_empty() || self.categories.iter().any(|wanted| wanted == category)
    }
}

impl Plan {
    /// Whether applying it would write anything.
    #[must_use]
    pub fn is_pending(&self) -> bool {
        !self.integrations.tally().written.is_empty()
    }
}

impl Integration {
    /// Whether applying the plan writes anything of it.
    #[must_use]
    pub fn is_applied(&self) -> bool {
        self.renamed_from.is_some() || self.categories.iter().any(|category| category.save.is_some())
    }

    /// Whether it is live before or after the plan is applied. The files alone do not tell: they may say nothing of live
    /// mode, or switch off what is on.
    #[must_use]
    pub fn is_live(&self) -> bool {
        self.mode == Mode::Live
            || self.deployed_mode == Some(Mode::Live)
            || self.categories.iter().any(|category| turns_live(category) == Some(true))
    }
}

impl Mode {
    /// The mode that settings of `general` mean.
    #[must_use]
    pub fn of(general: &Settings) -> Self {
        let live = general.get(&SettingPath::root().child(LIVE_MODE)) == Some(&Value::Bool(true));
        if live { Mode::Live } else { Mode::Onboarding }
    }

    /// Its word.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Mode::Live => "live",
            Mode::Onboarding => "onboarding",
        }
    }
}

/// The setting of `general` that is true in live mode.
const LIVE_MODE: &str = "live_mode";

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    Live,
    Onboarding,
}

/// How many of the required settings are set.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Readiness {
    pub required: usize,
    pub set: usize,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct CategoryPlan {
    pub category: Name,
    pub title: Name,
    pub action: Action,
    /// The deployed revision; none when the category was never saved.
    pub revision: Option<u64>,
    /// The revision as which it was deleted outside, where it was and is to be saved anew: a plan that was applied before
    /// that is another one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deleted: Option<u64>,
    /// How many settings are deployed; none when the category was never saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed: Option<usize>,
    pub changes: Vec<Change>,
    /// Messages of the errors that block it.
    pub blocked: Vec<String>,
    /// Which sync takes the changes up: "orders sync (every 15m)".
    pub next_sync: Option<String>,
    /// What a save writes; only where there is something to save.
    pub save: Option<Box<Target>>,
    /// Whose review its changes need; see the project's `owners` and CODEOWNERS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    Create,
    Update,
    Reset,
    None,
    Blocked,
    NotManaged,
}

impl Action {
    /// Whether applying the plan saves the category.
    #[must_use]
    pub fn saves(self) -> bool {
        matches!(self, Action::Create | Action::Update | Action::Reset)
    }
}

/// The category's settings after the save; one and the same where nothing but the files says anything.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Target {
    #[serde(with = "model::document")]
    pub settings: Arc<Settings>,
    /// What the files say, the base of the next comparison; `null` for a reset.
    #[serde(with = "model::document")]
    pub applied: Arc<Settings>,
}

impl Target {
    #[must_use]
    pub fn new(settings: Settings, applied: Arc<Settings>) -> Self {
        let settings = if settings == *applied { Arc::clone(&applied) } else { settings.into() };
        Target { settings, applied }
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Change {
    pub setting: String,
    pub kind: Kind,
    pub before: Json,
    pub after: Json,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_label: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_label: Option<String>,
    pub origin: Origin,
    /// What the last apply set, where that differs from `before`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied: Option<Json>,
    /// `next-sync`, `immediately` or `new-import`.
    pub effect: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Of drift: when it was changed outside (RFC 3339, UTC), and by whom.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Of drift: no file manages it, so that an apply leaves it.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unmanaged: bool,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub touched: Option<Touched>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    Add,
    Change,
    Reset,
}

/// Who moved: the files, somebody outside them, or both.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    Git,
    Outside,
    Both,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Released {
    pub integration: String,
    pub category: String,
    pub revision: u64,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Refusal {
    pub check: String,
    pub message: String,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Summary {
    pub integrations: usize,
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
    pub categories: Categories,
    pub settings: SettingCounts,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub struct Categories {
    pub create: usize,
    pub update: usize,
    pub reset: usize,
    pub blocked: usize,
    pub none: usize,
    pub not_managed: usize,
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct SettingCounts {
    pub add: usize,
    pub change: usize,
    pub reset: usize,
    /// Of the above, those that undo a change made outside.
    pub outside: usize,
    /// Of the above, those that were changed in the files and outside.
    pub conflicts: usize,
}

impl Summary {
    fn add(&mut self, other: &Summary) {
        let Summary { integrations, errors, warnings, notes, categories, settings } = other;
        self.integrations += integrations;
        self.errors += errors;
        self.warnings += warnings;
        self.notes += notes;
        self.categories.create += categories.create;
        self.categories.update += categories.update;
        self.categories.reset += categories.reset;
        self.categories.blocked += categories.blocked;
        self.categories.none += categories.none;
        self.categories.not_managed += categories.not_managed;
        self.settings.add += settings.add;
        self.settings.change += settings.change;
        self.settings.reset += settings.reset;
        self.settings.outside += settings.outside;
        self.settings.conflicts += settings.conflicts;
    }
}

/// A category as it is deployed; see `store`.
#[derive(Debug, Clone)]
pub struct Current {
    pub revision: u64,
    pub settings: Settings,
    pub applied: Settings,
}

/// What is known of a category's deployed state.
#[derive(Debug, Clone, Copy)]
pub enum Standing<'a> {
    Never,
    /// At this revision and with so many settings, just as the files say.
    Settled(u64, usize),
    Read(&'a Current),
}

impl<'a> Standing<'a> {
    /// Of a category that was looked for.
    #[must_use]
    pub fn of(current: Option<&'a Current>) -> Self {
        current.map_or(Standing::Never, Standing::Read)
    }

    fn revision(self) -> Option<u64> {
        match self {
            Standing::Never => None,
            Standing::Settled(revision, _) => Some(revision),
            Standing::Read(current) => Some(current.revision),
        }
    }

    fn settings(self) -> Option<usize> {
        match self {
            Standing::Never => None,
            Standing::Settled(_, settings) => Some(settings),
            Standing::Read(current) => Some(current.settings.len()),
        }
    }
}

/// Path and line of a setting, by category and path.
pub type Place<'a> = dyn Fn(&str, &SettingPath) -> Option<(String, usize)> + 'a;

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
    pub place: &'a Place<'a>,
    /// The fingerprint of a secret by its reference, where it is at hand.
    pub fingerprint: &'a dyn Fn(&str) -> Option<String>,
    pub link: Option<String>,
}

/// Plans one integration.
#[must_use]
pub fn plan_integration<'d>(
    desired: &Desired<'_>,
    deployed: &dyn Fn(&str) -> Standing<'d>,
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
        title: desired.pair.title.clone(),
        mode: if desired.live { Mode::Live } else { Mode::Onboarding },
        deployed_mode: None,
        readiness,
        rests_on: BTreeMap::new(),
        link: desired.link.clone(),
        categories,
        effects: None,
    };
    if let Standing::Read(general) = deployed(GENERAL)
        && planned.is_applied()
    {
        planned.deployed_mode = Some(Mode::of(&general.settings));
    }
    let required = desired.requirements.iter().map(|(category, _, _)| *category);
    planned.rests_on =
        safety::live_rests_on(&planned, required, &|category| deployed(category).revision().unwrap_or(0));
    planned
}

fn readiness<'d>(desired: &Desired<'_>, deployed: &dyn Fn(&str) -> Standing<'d>) -> Readiness {
    let is_deployed = |category: &str, path: &SettingPath| match deployed(category) {
        Standing::Read(current) => current.settings.keys().any(|key| key.starts_with(path)),
        Standing::Never | Standing::Settled(..) => false,
    };
    let set = desired
        .requirements
        .iter()
        .filter(|(category, path, set)| set.unwrap_or_else(|| is_deployed(category, path)))
        .count();
    Readiness { required: desired.requirements.len(), set }
}

fn plan_category(desired: &Desired<'_>, category: &Category, standing: Standing<'_>) -> CategoryPlan {
    let mut planned = CategoryPlan {
        category: category.id.clone(),
        title: category.title.clone(),
        action: Action::NotManaged,
        revision: standing.revision(),
        deleted: None,
        deployed: standing.settings(),
        changes: Vec::new(),
        blocked: desired.blocked.get(category.id.as_str()).cloned().unwrap_or_default(),
        next_sync: None,
        save: None,
        owners: Vec::new(),
    };
    let unmanaged = desired.unmanaged.contains(&category.id);
    let Some(settings) = desired.configuration.categories.get(&category.id).filter(|_| !unmanaged) else {
        if !planned.blocked.is_empty() {
            planned.action = Action::Blocked;
        }
        return planned;
    };
    let current = match standing {
        Standing::Settled(..) => {
            planned.action = Action::None;
            return planned;
        }
        Standing::Never => None,
        Standing::Read(current) => Some(current),
    };
    let settings = with_fingerprints(settings, desired.fingerprint);
    let default = |path: &SettingPath| default_of(category, path);
    let differences =
        compare::compare(&settings, current.map(|current| (&current.applied, &current.settings)), &default);
    planned.action = action(&planned, &differences, current);
    if !differences.is_empty() {
        planned.next_sync = next_sync(desired, category);
        let before = current.map(|current| current.settings.clone()).unwrap_or_default();
        let after = compare::apply(before, &differences);
        planned.save = planned.action.saves().then(|| Box::new(Target::new(after, Arc::clone(&settings))));
    }
    planned.changes =
        differences.into_iter().map(|difference| change(desired, category, difference)).collect();
    planned
}

fn action(planned: &CategoryPlan, differences: &[Difference], current: Option<&Current>) -> Action {
    if !planned.blocked.is_empty() {
        return Action::Blocked;
    }
    match current {
        _ if differences.is_empty() => Action::None,
        None => Action::Create,
        Some(_) if differences.iter().all(|difference| difference.kind() == Kind::Reset) => Action::Reset,
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
    category.schema_at(path)?.get("default").map(Value::from_json)
}

fn change(desired: &Desired<'_>, category: &Category, difference: Difference) -> Change {
    let schema = category.schema_at(&difference.path);
    let label = |value: &Option<Value>| desired.view.label(schema?, value.as_ref()?);
    let json = |value: &Option<Value>| value.as_ref().map_or(Json::Null, Value::to_json);
    let effect =
        category.setting(&difference.path).and_then(|setting| setting.schema.get("x-effect")?.as_str());
    let place = (desired.place)(&category.id, &difference.path);
    Change {
        setting: difference.path.to_string(),
        kind: difference.kind(),
        before: json(&difference.before),
        after: json(&difference.after),
        before_label: label(&difference.before),
        after_label: label(&difference.after),
        origin: difference.origin,
        last_applied: difference.last_applied.as_ref().map(Value::to_json),
        effect: effect.unwrap_or(if category.id == GENERAL { "immediately" } else { "next-sync" }).to_owned(),
        path: place.as_ref().map(|(path, _)| path.clone()),
        line: place.map(|(_, line)| line),
        since: None,
        by: None,
        unmanaged: false,
        touched: None,
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

/// True when a category's save would turn live mode on.
#[must_use]
pub fn turns_live(category: &CategoryPlan) -> Option<bool> {
    if category.category != GENERAL {
        return None;
    }
    let change = category.changes.iter().find(|change| change.setting == LIVE_MODE)?;
    Some(change.after == Json::Bool(true))
}

/// The order in which categories of one integration are saved: connectors, flows, settings, schedules, webhooks;
/// `general` first when it turns live mode off, last when it turns it on.
#[must_use]
pub fn save_order(categories: &[CategoryPlan]) -> Vec<&CategoryPlan> {
    let mut ordered: Vec<(usize, &CategoryPlan)> = categories
        .iter()
        .enumerate()
        .map(|(at, category)| {
            let rank = match (turns_live(category), category.category.as_str()) {
                (Some(false), _) => 0,
                (Some(true), _) => usize::MAX,
                (None, model::CONNECTORS) => 1,
                (None, FLOWS) => 2,
                (None, SCHEDULES) => 1000,
                (None, model::WEBHOOKS) => 1001,
                (None, _) => 3 + at,
            };
            (rank, category)
        })
        .collect();
    ordered.sort_by_key(|(rank, _)| *rank);
    ordered.into_iter().map(|(_, category)| category).collect()
}
