//! What a plan consists of, as data: integrations, their categories and the changes of these, and what is said of the whole.
//! It is compared, counted and judged elsewhere.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use crate::model::{self, GENERAL, Name, SettingPath, Settings, Value};
use crate::source::git;

/// The setting of `general` that is true in live mode.
pub const LIVE_MODE: &str = "live_mode";

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

impl Commit {
    #[must_use]
    pub fn of(commit: &git::Commit) -> Self {
        Commit { id: commit.id.clone(), author: Some(commit.author.clone()), dirty: commit.dirty }
    }
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

impl Scope {
    /// Whether a category is in it, as far as categories were named.
    #[must_use]
    pub fn takes(&self, category: &str) -> bool {
        self.categories.is_empty() || self.categories.iter().any(|wanted| wanted == category)
    }
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Integration {
    pub integration: String,
    /// The id under which it is deployed, where that is another; an apply changes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub renamed_from: Option<String>,
    pub pair: Name,
    /// The pair that it was last applied with, where that is another: the limits of that pair count too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recorded_pair: Option<Name>,
    /// Categories that people keep editing elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unmanaged: Vec<Name>,
    /// `Shopify ↔ Fortnox`
    pub title: Name,
    pub mode: Mode,
    /// The mode that is deployed, where the plan saves something; none where `general` never was saved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deployed_mode: Option<Mode>,
    pub readiness: Readiness,
    /// Where live mode goes on: the deployed revisions of the categories that its required settings are in and that are not
    /// saved here (0: never saved). When one has moved, the plan is stale.
    #[serde(rename = "rests_on", default, skip_serializing_if = "BTreeMap::is_empty")]
    pub live_depends_on: BTreeMap<String, u64>,
    /// The integration's page on the platform.
    pub link: Option<String>,
    /// Visible categories: settings in the order of the page, then the others.
    pub categories: Vec<CategoryPlan>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub effects: Option<Effects>,
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

    /// Whether an apply notes of it that files and deployed settings agree.
    #[must_use]
    pub fn is_agreed(&self) -> bool {
        self.categories.iter().any(|category| category.agreed.is_some())
    }

    /// Whether there is anything to say of it.
    #[must_use]
    pub fn is_worth_showing(&self) -> bool {
        self.renamed_from.is_some()
            || self.categories.iter().any(|category| {
                category.action.saves() || category.action == Action::Blocked || !category.changes.is_empty()
            })
            || self.effects.as_ref().is_some_and(|effects| !effects.is_empty())
    }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Mode {
    Live,
    Onboarding,
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
    /// Files and deployed settings agree, and what the last apply set is something else: what an apply notes as that. No
    /// setting moves, and nothing counts it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agreed: Option<Box<Target>>,
    /// What is to be saved was taken back by somebody, and is held until the files say the same or the hold ends.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held: Option<Box<Held>>,
    /// Whose review its changes need; see the project's `owners` and CODEOWNERS.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub owners: Vec<String>,
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "kebab-case")]
pub enum Action {
    /// It was never saved.
    Create,
    Update,
    /// All that changes goes back to its default.
    Reset,
    /// What is deployed is what the files say.
    None,
    /// The files have errors in it, so that nothing of it is saved.
    Blocked,
    /// No file declares it, or it is listed as unmanaged.
    NotManaged,
}

impl Action {
    /// Whether applying the plan saves the category.
    #[must_use]
    pub fn saves(self) -> bool {
        matches!(self, Action::Create | Action::Update | Action::Reset)
    }
}

/// A hold that a way back left.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Held {
    /// RFC 3339, UTC.
    pub until: String,
    /// `reverted to revision 3 of order`
    pub reason: String,
    pub by: String,
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
    /// Where it stood before, or what it was called: what protects that place protects this one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub formerly: Vec<String>,
    pub kind: ChangeKind,
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
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_applied_label: Option<String>,
    /// `next-sync`, `immediately` or `new-import`.
    pub effect: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// When it was changed outside (RFC 3339, UTC), and by whom.
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

impl Change {
    /// One that was made in the files. What else is known of it is for whoever makes it to set.
    #[must_use]
    pub fn new(
        setting: &SettingPath,
        kind: ChangeKind,
        before: Option<&Value>,
        after: Option<&Value>,
    ) -> Self {
        Change {
            setting: setting.to_string(),
            formerly: Vec::new(),
            kind,
            before: before.map_or(Json::Null, Value::to_json),
            after: after.map_or(Json::Null, Value::to_json),
            before_label: None,
            after_label: None,
            origin: Origin::Git,
            last_applied: None,
            last_applied_label: None,
            effect: NEXT_SYNC.to_owned(),
            path: None,
            line: None,
            since: None,
            by: None,
            unmanaged: false,
            touched: None,
        }
    }
}

const NEXT_SYNC: &str = "next-sync";

/// When a change of a category takes effect, where its setting does not say.
pub(super) fn usual_effect(category: &str) -> &'static str {
    if category == GENERAL { "immediately" } else { NEXT_SYNC }
}

#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum ChangeKind {
    Add,
    Change,
    Reset,
}

/// Who moved: the files, somebody outside them, or both.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, PartialEq, Eq, Hash)]
#[serde(rename_all = "kebab-case")]
pub enum Origin {
    Git,
    Outside,
    Both,
}

/// What made a plan: another version or another catalogue may make another one of the same files.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct MadeWith {
    /// The minor version of pairform, such as `0.2`.
    pub pairform: String,
    /// A digest of all schemas: the built-in ones and the project's own.
    pub catalogue: String,
}

/// A point to go back to.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Point {
    /// A revision of one category.
    Revision(u64),
    /// RFC 3339.
    Time(String),
    /// After a commit: the beginning of its id.
    Commit(String),
}

/// Where a way back leads, so that it can be planned again: the history only grows.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct WayBack {
    pub point: Point,
    /// The revision that each category goes back to; none where it had not been saved yet.
    pub revisions: BTreeMap<String, u64>,
    /// Until when what it saves is held: no apply of the files saves it (RFC 3339, UTC).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_until: Option<String>,
}

/// A category that was applied once and is in no file any more.
#[derive(Debug, Clone, Serialize, Deserialize, PartialEq, Eq)]
pub struct Released {
    pub integration: String,
    pub category: String,
    /// The deployed revision; none in a comparison of files.
    pub revision: Option<u64>,
    /// Its integration is in live mode: as it is deployed, or in a comparison as the base says.
    #[serde(default)]
    pub live: bool,
    /// All of its integration is in no file any more.
    #[serde(default)]
    pub whole: bool,
}

/// What was released of one integration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Release<'a> {
    pub integration: &'a str,
    pub live: bool,
    pub whole: bool,
    pub categories: Vec<&'a str>,
}

/// Why an apply would be refused, by which check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Refusal {
    pub check: String,
    pub message: String,
    /// The files alone would not refuse it: the rules of the last apply do.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub recorded: bool,
    /// It is of this integration alone, where that is known.
    #[serde(skip)]
    pub integration: Option<String>,
}

impl Refusal {
    /// One of the files.
    #[must_use]
    pub fn new(check: &str, message: impl Into<String>) -> Self {
        Refusal { check: check.to_owned(), message: message.into(), recorded: false, integration: None }
    }

    /// One of an integration.
    #[must_use]
    pub fn of(self, integration: &str) -> Self {
        Refusal { integration: Some(integration.to_owned()), ..self }
    }
}

#[derive(Debug, Clone, Default, Serialize, Deserialize, PartialEq, Eq)]
pub struct Summary {
    pub integrations: usize,
    pub errors: usize,
    pub warnings: usize,
    pub notes: usize,
    /// Integrations of which something is in no file any more, and stays as it is deployed.
    #[serde(default)]
    pub released: usize,
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
    pub(super) fn add(&mut self, other: &Summary) {
        let Summary { integrations, errors, warnings, notes, released, categories, settings } = other;
        self.integrations += integrations;
        self.errors += errors;
        self.warnings += warnings;
        self.notes += notes;
        self.released += released;
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

/// What a category's save does to live mode: whether it turns it on or, with `Some(false)`, off. None where it leaves it
/// alone.
#[must_use]
pub fn turns_live(category: &CategoryPlan) -> Option<bool> {
    if category.category != GENERAL {
        return None;
    }
    let change = category.changes.iter().find(|change| change.setting == LIVE_MODE)?;
    Some(change.after == Json::Bool(true))
}
