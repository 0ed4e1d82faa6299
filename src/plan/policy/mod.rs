//! What judges, as data: limits, protections, holds, owners, windows, levels, and what beside them has no order. Which of two
//! is stricter, and what changed from one to the other. Nothing here judges a plan, reads a file or knows when a rule counts.

mod changes;
pub mod reconcile;
mod window;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::model::{Hold, canonical_json, digest_text};
pub use changes::{Direction, PolicyChange, changes};
pub use window::{DAYS, Window, minute};

/// The version of the document that [`Policy::document`] gives. A rule of a new kind that an older program would pass by
/// raises it.
pub const VERSION: u64 = 1;

/// All that judges a project, or one environment of it. Where there is more than one of a kind, each of them counts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Policy {
    #[serde(skip_serializing_if = "Limits::is_empty")]
    pub limits: Limits,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub pairs: BTreeMap<String, Limits>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub categories: BTreeMap<String, Limits>,
    /// `CATEGORY`, or `CATEGORY.SETTING` and all below it.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub protected: BTreeSet<String>,
    pub live: Live,
    #[serde(skip_serializing_if = "Overwrites::is_usual")]
    pub overwrites: Overwrites,
    /// By integration.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub holds: BTreeMap<String, BTreeSet<Hold>>,
    /// Category to whose review its changes need.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub owners: BTreeMap<String, BTreeSet<String>>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub environments: BTreeMap<String, Environment>,
    /// By the code of a finding.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub levels: BTreeMap<String, LevelRule>,
    /// By integration, then by code: levels that integrations give themselves.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub own_levels: BTreeMap<String, BTreeMap<String, Level>>,
    /// What has no order: programs, addresses, templates, lists, schemas. A text, or a digest that begins with `sha256:`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub others: BTreeMap<String, BTreeSet<String>>,
}

/// Bounds by what they are of.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Limits(BTreeMap<Share, BTreeSet<Bound>>);

/// What a bound is of: a share of what is deployed in scope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Share {
    /// Of the settings, changed or reset.
    MaxChanged,
    /// Of the settings, reset.
    MaxReset,
    /// Of the categories, saved anew.
    MaxCategories,
    /// Of the integrations, taken out of the files.
    MaxReleased,
}

/// A share that may not be passed, once so many are moved.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Bound {
    pub percent: u8,
    /// At least 1.
    pub minimum: u64,
}

/// What it takes to change an integration in live mode; the stricter is the greater.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Live {
    /// Nothing more than any other.
    Allow,
    /// Who is asked at a terminal types a word that cannot be typed by habit.
    #[default]
    Ask,
    /// Leave, whatever else was given.
    RequireLeave,
}

/// What it takes to save over what somebody changed outside the files, in an integration in live mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Overwrites {
    /// Changed in the files too.
    pub conflicts: Overwrite,
    /// Changed outside alone.
    pub drift: Overwrite,
}

/// How one kind of these is taken; the stricter is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Overwrite {
    /// As any other change.
    Allow,
    /// A name that is typed, or a plan that was saved and read.
    Ask,
    Deny,
}

impl Default for Overwrites {
    fn default() -> Self {
        Overwrites { conflicts: Overwrite::Ask, drift: Overwrite::Allow }
    }
}

impl Overwrites {
    fn is_usual(&self) -> bool {
        *self == Overwrites::default()
    }

    /// Each kind with its key in the project file, which is the name of the check.
    #[must_use]
    pub fn each(self) -> [(&'static str, Overwrite); 2] {
        [("conflicts", self.conflicts), ("drift", self.drift)]
    }
}

impl Overwrite {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Overwrite::Allow => "allow",
            Overwrite::Ask => "ask",
            Overwrite::Deny => "deny",
        }
    }
}

/// What is asked of whoever applies to one environment.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Environment {
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub require_clean: bool,
    /// All of them have to be open.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub windows: BTreeSet<Window>,
}

/// How a finding counts; the stricter is the greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Level {
    Allow,
    /// What a finding is whose code begins with N, where nobody gives it a level.
    Note,
    Warn,
    Deny,
}

/// How a project judges one code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LevelRule {
    pub level: Level,
    /// Integrations that may give themselves a lower one.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub except: BTreeSet<String>,
}

impl Share {
    pub const ALL: [Share; 4] =
        [Share::MaxChanged, Share::MaxReset, Share::MaxCategories, Share::MaxReleased];

    /// Its key in the project file, which is the name of the check.
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Share::MaxChanged => "max_changed",
            Share::MaxReset => "max_reset",
            Share::MaxCategories => "max_categories",
            Share::MaxReleased => "max_released",
        }
    }
}

impl Bound {
    /// Whether so many of so many are too many.
    #[must_use]
    pub fn refuses(self, number: usize, all: usize) -> bool {
        let (number, all) = (number as u128, all as u128);
        all > 0 && number >= u128::from(self.minimum.max(1)) && number * 100 > all * u128::from(self.percent)
    }

    /// Whether it refuses all that another refuses.
    fn covers(self, other: Bound) -> bool {
        self.percent <= other.percent && self.minimum.max(1) <= other.minimum.max(1)
    }
}

impl Limits {
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a bound; one that another makes needless is not kept.
    pub fn add(&mut self, share: Share, bound: Bound) {
        let bound = Bound { minimum: bound.minimum.max(1), ..bound };
        let bounds = self.0.entry(share).or_default();
        if !bounds.iter().any(|known| known.covers(bound)) {
            bounds.retain(|known| !bound.covers(*known));
            bounds.insert(bound);
        }
    }

    /// The bounds of one share, the smallest share first.
    pub fn of(&self, share: Share) -> impl Iterator<Item = Bound> {
        self.0.get(&share).into_iter().flatten().copied()
    }

    fn add_all(&mut self, other: &Limits) {
        for (share, bounds) in &other.0 {
            bounds.iter().for_each(|bound| self.add(*share, *bound));
        }
    }
}

impl Level {
    /// That of a code to which nobody gives one.
    #[must_use]
    pub fn usual(code: &str) -> Level {
        if code.starts_with('N') { Level::Note } else { Level::Warn }
    }

    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Level::Allow => "allow",
            Level::Note => "note",
            Level::Warn => "warn",
            Level::Deny => "deny",
        }
    }
}

impl Live {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Live::Allow => "allow",
            Live::Ask => "ask",
            Live::RequireLeave => "require-leave",
        }
    }
}

#[derive(Serialize, Deserialize)]
struct Document<P> {
    version: u64,
    policy: P,
}

/// Why a document holds no policy that this program can judge by.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PolicyError {
    #[error("it has version {found}, and this pairform knows {VERSION}")]
    Newer { found: u64 },
    #[error("{0}")]
    Unknown(String),
}

impl Policy {
    /// Its canonical JSON.
    #[must_use]
    pub fn document(&self) -> String {
        let document = Document { version: VERSION, policy: self };
        canonical_json(serde_json::to_value(document).unwrap_or_default())
    }

    /// Reads what [`Policy::document`] gave.
    ///
    /// # Errors
    /// When there is something in it that this program does not know: a rule must not be passed by.
    pub fn read(document: &str) -> Result<Policy, PolicyError> {
        let unknown = |error: serde_json::Error| PolicyError::Unknown(error.to_string());
        let Document { version, policy } =
            serde_json::from_str::<Document<serde_json::Value>>(document).map_err(unknown)?;
        if version > VERSION {
            return Err(PolicyError::Newer { found: version });
        }
        serde_json::from_value(policy).map_err(unknown)
    }

    /// Two policies with one digest are one.
    #[must_use]
    pub fn digest(&self) -> String {
        digest_text(&self.document())
    }

    /// What is left of it for one environment: of the others nothing is.
    #[must_use]
    pub fn of_environment(mut self, name: Option<&str>) -> Policy {
        self.environments.retain(|known, _| Some(known.as_str()) == name);
        self
    }

    /// The level that it gives the findings of a code in an integration, or (`None`) in what integrations share. An integration
    /// may raise a level; it lowers one only where the rule excepts it.
    #[must_use]
    pub fn level(&self, code: &str, integration: Option<&str>) -> Level {
        let rule = self.levels.get(code);
        let level = rule.map_or(Level::usual(code), |rule| rule.level);
        let own = integration.and_then(|name| self.own_levels.get(name)?.get(code)).copied();
        let is_excepted = || rule.zip(integration).is_some_and(|(rule, name)| rule.except.contains(name));
        match own {
            None => level,
            Some(own) if is_excepted() => own,
            Some(own) => own.max(level),
        }
    }

    /// The level that a rule of the project gives a code.
    fn rule(&self, code: &str) -> LevelRule {
        let usual = || LevelRule { level: Level::usual(code), except: BTreeSet::new() };
        self.levels.get(code).cloned().unwrap_or_else(usual)
    }
}

/// What refuses all that one of two policies refuses.
#[must_use]
pub fn stricter(one: &Policy, other: &Policy) -> Policy {
    let mut both = one.clone();
    both.limits.add_all(&other.limits);
    for (name, limits) in &other.pairs {
        both.pairs.entry(name.clone()).or_default().add_all(limits);
    }
    for (name, limits) in &other.categories {
        both.categories.entry(name.clone()).or_default().add_all(limits);
    }
    both.protected.extend(other.protected.iter().cloned());
    both.live = one.live.max(other.live);
    both.overwrites = Overwrites {
        conflicts: one.overwrites.conflicts.max(other.overwrites.conflicts),
        drift: one.overwrites.drift.max(other.overwrites.drift),
    };
    unite(&mut both.holds, &other.holds);
    unite(&mut both.owners, &other.owners);
    unite(&mut both.others, &other.others);
    for (name, environment) in &other.environments {
        let known = both.environments.entry(name.clone()).or_default();
        known.require_clean |= environment.require_clean;
        known.windows.extend(environment.windows.iter().cloned());
    }
    let codes: BTreeSet<&String> = one.levels.keys().chain(other.levels.keys()).collect();
    both.levels = codes.into_iter().map(|code| (code.clone(), stricter_rule(one, other, code))).collect();
    both.own_levels = stricter_own(one, other);
    both
}

fn unite<T: Ord + Clone>(into: &mut BTreeMap<String, BTreeSet<T>>, from: &BTreeMap<String, BTreeSet<T>>) {
    for (name, all) in from {
        into.entry(name.clone()).or_default().extend(all.iter().cloned());
    }
}

/// The higher level; excepted is who is excepted by both.
fn stricter_rule(one: &Policy, other: &Policy, code: &str) -> LevelRule {
    let (one, other) = (one.rule(code), other.rule(code));
    LevelRule {
        level: one.level.max(other.level),
        except: one.except.intersection(&other.except).cloned().collect(),
    }
}

/// Who gives himself no level in one of the two has that of the project there.
fn stricter_own(one: &Policy, other: &Policy) -> BTreeMap<String, BTreeMap<String, Level>> {
    let own = |policy: &Policy, name: &str, code: &str| policy.own_levels.get(name)?.get(code).copied();
    let mut both: BTreeMap<String, BTreeMap<String, Level>> = BTreeMap::new();
    let all = |policy: &'_ Policy| -> Vec<(String, String)> {
        let of_one = |(name, levels): (&String, &BTreeMap<String, Level>)| {
            levels.keys().map(|code| (name.clone(), code.clone())).collect::<Vec<_>>()
        };
        policy.own_levels.iter().flat_map(of_one).collect()
    };
    for (name, code) in all(one).into_iter().chain(all(other)) {
        let level_in =
            |policy: &Policy| own(policy, &name, &code).unwrap_or_else(|| policy.rule(&code).level);
        let level = level_in(one).max(level_in(other));
        both.entry(name).or_default().insert(code, level);
    }
    both
}

#[cfg(test)]
mod tests;
