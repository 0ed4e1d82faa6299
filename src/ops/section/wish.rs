//! What a person asks the files to say: another value of settings that git owns, or what is deployed in the place of what they say.
//! From that comes which settings would be written and where they may be; nothing is edited here.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value as Json};

use super::access::Access;
use super::changes::changed_by;
use super::ground::{Ground, Says};
use super::known::{Known, plain_form};
use super::refusals::NotSaved;
use super::save::{merged, new_findings, without_null};
use crate::compile::reach::reach;
use crate::diagnostic::Severity;
use crate::diagnostic::placed::PlacedFinding;
use crate::model::{Name, SettingPath, Settings, Value};
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::host::Host;
use crate::ops::judged::Record;
use crate::ops::propose::{ProposedValue, own_files};
use crate::ops::workspace::{Files, Workspace};
use crate::store::Store;

/// What is asked for.
#[derive(Debug, Clone)]
pub enum Wish {
    /// A merge patch of what the files say of a category; null resets.
    Change { category: String, patch: Json },
    /// What is deployed, into the files: settings of a category.
    Take { category: String, settings: Vec<String> },
}

/// A setting as the files are to say it.
#[derive(Debug, Clone)]
pub struct Wished {
    pub category: Name,
    pub path: SettingPath,
    /// What they say now; none: nothing.
    pub before: Option<Value>,
    pub after: Option<Value>,
    /// Of what is taken from what is deployed: who changed it, and when.
    pub changed: Option<(String, String)>,
}

/// Where a value may be written besides the integration's own files.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Base {
    pub path: String,
    pub line: usize,
    /// The integrations that read it, sorted.
    pub used_by: Vec<String>,
}

impl Wish {
    #[must_use]
    pub fn category(&self) -> &str {
        match self {
            Wish::Change { category, .. } | Wish::Take { category, .. } => category,
        }
    }

    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Wish::Change { .. } => "change",
            Wish::Take { .. } => "take",
        }
    }
}

/// The repository beside the server, and what it says of an integration.
///
/// # Errors
/// When there is none, the integration is in no file, or its files cannot be read.
pub(super) fn files_of<'a>(
    known: &'a Known,
    ground: &'a Ground,
) -> Result<(&'a Workspace, &'a Says), NotSaved> {
    let no = |why: &str| Error::new(ErrorKind::Refused, why);
    let workspace = ground
        .repository()
        .ok_or_else(|| no("this server has no repository beside it, so no file can be changed from here"))?;
    let says = known.says.as_deref().ok_or_else(|| no("no file has this integration"))?;
    if says.is_broken {
        let why = format!("the files of {} have errors, so that it is not known what git owns", known.id());
        return Err(NotSaved::Unjudged(why));
    }
    if workspace.head().is_none() {
        return Err(no("the files are in no git repository, so there is no branch to propose on").into());
    }
    Ok((workspace, says))
}

/// What is asked for, by setting.
///
/// # Errors
/// When whoever asks may not save the category, a value is not one, or the files say so already.
pub(super) fn wished(
    wish: &Wish,
    known: &Known,
    says: &Says,
    access: &Access,
    ground: &Ground,
    store: &mut (dyn Store + 'static),
    host: &Host<'_>,
) -> Result<Vec<Wished>, NotSaved> {
    let category = known.category(wish.category())?;
    require_saver(known, &category.id, access)?;
    let none = Settings::new();
    let said = says.categories.get(category.id.as_str()).unwrap_or(&none);
    let wished = match wish {
        Wish::Change { patch, .. } => changed(patch, known, says, &category.id, ground, store, host)?,
        Wish::Take { settings, .. } => {
            let row = known.rows.get(category.id.as_str());
            let mut wished = Vec::new();
            for setting in settings {
                let path = SettingPath::parse(setting).filter(|path| category.schema_at(path).is_some());
                let path = path.ok_or_else(|| {
                    Error::new(ErrorKind::Absent, format!("`{}` has no setting `{setting}`", category.id))
                })?;
                let after = row.and_then(|row| row.settings.get(&path)).cloned();
                let changed = changed_by(known, &category.id, &path, store)?;
                wished.push(Wished { category: category.id.clone(), before: None, after, changed, path });
            }
            wished
        }
    };
    let is_new =
        |one: &Wished| said.get(&one.path).filter(|value| **value != Value::Null) != one.after.as_ref();
    let wished: Vec<Wished> = wished
        .into_iter()
        .filter(is_new)
        .map(|one| Wished { before: said.get(&one.path).cloned(), ..one })
        .collect();
    if wished.is_empty() {
        return Err(Error::usage("the files say this already, so there is nothing to propose").into());
    }
    Ok(wished)
}

/// The settings that a patch moves: both sides are compiled, so that what compiling makes of texts is no change.
fn changed(
    patch: &Json,
    known: &Known,
    says: &Says,
    category: &Name,
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<Vec<Wished>, NotSaved> {
    let record = Record::of_no_commit(store, ground.environment())?;
    let documents = says.categories.iter();
    let before: BTreeMap<String, Json> =
        documents.map(|(id, settings)| (id.clone(), without_null(plain_form(settings)))).collect();
    let mut after = before.clone();
    let now = before.get(category.as_str()).cloned().unwrap_or_else(|| Json::Object(Map::new()));
    after.insert(category.to_string(), without_null(merged(now, patch)));
    let judge = |documents| ground.judge(known.id(), &known.pair.id, documents, &record, host);
    let (before, after) = (judge(&before)?, judge(&after)?);
    let new = new_findings(&before.stood(), &after);
    if new.iter().any(|finding| finding.severity == Severity::Error) {
        let new: Vec<_> = new.into_iter().cloned().collect();
        return Err(NotSaved::Invalid(PlacedFinding::all(&new, after.workspace.sources())));
    }
    let (Some(old), Some(new)) = (before.compiled(), after.compiled()) else {
        let all = PlacedFinding::all(&after.compilation.findings, after.workspace.sources());
        return Err(NotSaved::Invalid(all));
    };
    if !new.visible.contains(category) {
        let why = format!("`{category}` is not shown while no flow that it is for is on");
        return Err(Error::new(ErrorKind::Refused, why).into());
    }
    let none = Settings::new();
    let old = old.configuration.of(category).unwrap_or(&none);
    let new = new.configuration.of(category).unwrap_or(&none);
    let paths: BTreeSet<&SettingPath> = old.keys().chain(new.keys()).collect();
    let moved = paths.into_iter().filter(|path| old.get(*path) != new.get(*path));
    let wished = moved.map(|path| Wished {
        category: category.clone(),
        path: path.clone(),
        before: None,
        after: new.get(path).cloned(),
        changed: None,
    });
    Ok(wished.collect())
}

/// The one file that sets what is asked for and is not the integration's own; none where there are several, or none.
pub(super) fn base_of(
    workspace: &Workspace,
    known: &Known,
    says: &Says,
    wished: &[Wished],
    ground: &Ground,
) -> Option<Base> {
    let own = own_files(workspace.sources());
    let own = own.get(known.id()).map(Vec::as_slice).unwrap_or_default();
    let place = |one: &Wished| {
        let place = says.places.get(one.category.as_str())?.get(&one.path)?;
        (!own.contains(&place.path)).then_some(place)
    };
    let first = place(wished.first()?)?;
    if !wished.iter().all(|one| place(one).is_some_and(|place| place.path == first.path)) {
        return None;
    }
    let sources = workspace.sources();
    let text = sources.file(sources.by_path(&first.path)?).text().to_owned();
    // Whoever reads the file is reached by any difference in it.
    let touched = workspace.overlay(&Files::from([(first.path.clone(), format!("{text}\n# touched\n"))]));
    let reached = reach(sources, touched.sources(), ground.environment());
    Some(Base {
        path: first.path.clone(),
        line: first.line,
        used_by: reached.integrations.into_keys().collect(),
    })
}

/// The file that sets a setting for others too, where one does.
#[must_use]
pub fn base_at(known: &Known, ground: &Ground, category: &Name, path: &SettingPath) -> Option<Base> {
    let (workspace, says) = files_of(known, ground).ok()?;
    let one =
        Wished { category: category.clone(), path: path.clone(), before: None, after: None, changed: None };
    base_of(workspace, known, says, &[one], ground)
}

/// Whether a change of a category can be proposed here, by whoever asks.
///
/// # Errors
/// Why it cannot.
pub fn may_propose(known: &Known, category: &str, access: &Access, ground: &Ground) -> Result<(), NotSaved> {
    files_of(known, ground)?;
    require_saver(known, category, access)
}

fn require_saver(known: &Known, category: &str, access: &Access) -> Result<(), NotSaved> {
    if access.saves(known.id(), category) {
        return Ok(());
    }
    let what = format!("{} may not propose changes of `{category}` of {}", access.name, known.id());
    Err(NotSaved::Forbidden(what))
}

/// As `ops::propose` takes it.
pub(super) fn proposed(known: &Known, wished: &[Wished]) -> Vec<ProposedValue> {
    let one = |one: &Wished| ProposedValue {
        integration: known.id().to_owned(),
        category: one.category.clone(),
        path: one.path.clone(),
        value: one.after.clone(),
    };
    wished.iter().map(one).collect()
}
