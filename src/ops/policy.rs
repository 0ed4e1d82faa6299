//! The rules that a project's files say, as a policy: what they are compared and judged by. Nothing here judges.

use std::collections::BTreeMap;

use super::project::Project;
use crate::compile::levels::{self, Levels};
use crate::compile::project::{self as declared_in, Live, Manifest, Safety};
use crate::compile::{self, Compilation};
use crate::diagnostic::Code;
use crate::model::digest_text;
use crate::plan::policy::{
    self, Bound, Environment, Level, LevelRule, Limits, Overwrite, Overwrites, Policy, Share, Window,
    reconcile,
};
use crate::store;

/// What the project file says, for all of its environments. What integrations say, and what templates, lists and schemas are,
/// is not in it.
#[must_use]
pub fn of_manifest(declared: &Manifest) -> Policy {
    let Safety { overall, pairs, categories, protected, live, conflicts, drift, holds } = &declared.safety;
    let usual = Overwrites::default();
    let all = |of: &BTreeMap<String, declared_in::Limits>| {
        of.iter().map(|(name, of_one)| (name.clone(), limits(of_one))).collect()
    };
    let rule = |(code, said): (&Code, &levels::Judgement)| {
        let level = said.level.map_or(Level::usual(code.id), level_of);
        (code.id.to_owned(), LevelRule { level, except: said.except.iter().cloned().collect() })
    };
    Policy {
        limits: limits(overall),
        pairs: all(pairs),
        categories: all(categories),
        protected: protected.iter().cloned().collect(),
        live: match live {
            Live::Allow => policy::Live::Allow,
            Live::Ask => policy::Live::Ask,
            Live::RequireLeave => policy::Live::RequireLeave,
        },
        overwrites: Overwrites {
            conflicts: conflicts.map_or(usual.conflicts, overwrite),
            drift: drift.map_or(usual.drift, overwrite),
        },
        holds: holds.iter().map(|(name, hold)| (name.clone(), [hold.clone()].into())).collect(),
        owners: declared
            .owners
            .iter()
            .map(|(category, owners)| (category.clone(), owners.iter().cloned().collect()))
            .collect(),
        environments: declared
            .environments
            .iter()
            .map(|(name, environment)| (name.clone(), of_environment(environment)))
            .collect(),
        levels: declared.levels.given().map(rule).collect(),
        own_levels: BTreeMap::new(),
        others: others(declared),
    }
}

/// As [`of_manifest`], with the levels that the compiled integrations give themselves.
#[must_use]
pub fn of_compilation<T>(compilation: &Compilation<T>) -> Policy {
    let own = compilation.own_levels.iter().map(|(name, levels)| (name.clone(), own_levels(levels)));
    Policy { own_levels: own.collect(), ..of_manifest(&compilation.project) }
}

/// Folders of a project of which nothing has an order, and which decide how all is judged or shown.
const FOLDERS: [&str; 2] = ["schemas/", "templates/"];

/// As [`of_compilation`], with the levels of integrations that were not compiled, and the parts and templates of the team.
#[must_use]
pub fn of_project<T>(project: &Project<'_, T>) -> Policy {
    let (compilation, sources) = (&project.compilation, project.workspace.sources());
    let mut policy = of_compilation(compilation);
    for (name, levels) in compile::own_levels(sources, compilation, project.environment.as_deref()) {
        policy.own_levels.entry(name).or_insert_with(|| own_levels(&levels));
    }
    for (_, file) in sources.iter().filter(|(_, file)| FOLDERS.iter().any(|one| file.path.starts_with(one))) {
        let digest = file.with_text(|text, _| digest_text(text));
        policy.others.insert(file.path.clone(), [digest].into());
    }
    policy
}

/// The levels that an integration gives itself, by code.
#[must_use]
pub fn own_levels(levels: &Levels) -> BTreeMap<String, Level> {
    let given = levels.given();
    given.filter_map(|(code, own)| Some((code.id.to_owned(), level_of(own.level?)))).collect()
}

fn level_of(level: levels::Level) -> Level {
    match level {
        levels::Level::Allow => Level::Allow,
        levels::Level::Warn => Level::Warn,
        levels::Level::Deny => Level::Deny,
    }
}

fn overwrite(declared: declared_in::Overwrite) -> Overwrite {
    match declared {
        declared_in::Overwrite::Allow => Overwrite::Allow,
        declared_in::Overwrite::Ask => Overwrite::Ask,
        declared_in::Overwrite::Deny => Overwrite::Deny,
    }
}

fn limits(declared: &declared_in::Limits) -> Limits {
    let declared_in::Limits { max_changed, max_reset, max_categories, max_released, minimum } = declared;
    let mut limits = Limits::default();
    for (share, text) in [
        (Share::MaxChanged, max_changed),
        (Share::MaxReset, max_reset),
        (Share::MaxCategories, max_categories),
        (Share::MaxReleased, max_released),
    ] {
        let percent = text.as_ref().and_then(|text| text.trim_end_matches('%').trim().parse().ok());
        if let Some(percent) = percent {
            limits.add(share, Bound { percent, minimum: minimum.unwrap_or(1) });
        }
    }
    limits
}

fn of_environment(declared: &declared_in::Environment) -> Environment {
    let window = |window: &declared_in::Window| Window {
        days: window.days.iter().cloned().collect(),
        from: window.from.clone(),
        to: window.to.clone(),
        timezone: window.timezone.clone(),
    };
    Environment {
        require_clean: declared.require_clean,
        windows: declared.window.iter().map(window).collect(),
    }
}

/// What has no order: what is done where nobody is asked, and where a branch could lead what it is applied with: stores, where their
/// passwords are kept, which of them is meant when none is named, and programs.
fn others(declared: &Manifest) -> BTreeMap<String, std::collections::BTreeSet<String>> {
    let mut others: BTreeMap<_, _> = declared.reconcile.iter().flat_map(reconcile::items).collect();
    let mut tell = |item: String, text: String| {
        others.insert(item, [text].into());
    };
    for (name, environment) in &declared.environments {
        tell(format!("environments.{name}.store"), store::without_password(&environment.store));
        if let Some(password) = &environment.password {
            tell(format!("environments.{name}.password"), password.secret.clone());
        }
    }
    for (name, program) in &declared.secrets.exec {
        tell(format!("secrets.exec.{name}"), program.join(" "));
    }
    if let Some(usual) = &declared.default_environment {
        tell("default_environment".to_owned(), usual.clone());
    }
    if let Some(link) = &declared.link {
        tell("link".to_owned(), link.clone());
    }
    if let Some(age) = &declared.options.max_list_age {
        tell("options.max_list_age".to_owned(), age.clone());
    }
    others
}
