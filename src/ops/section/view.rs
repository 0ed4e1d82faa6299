//! An integration and a category as the Configure section shows them, as data. Whose a setting is, is `ownership`'s to say.

use serde::Serialize;
use serde_json::Value as Json;

use super::ground::{Ground, Judged, Says};
use super::known::{Known, known_all, known_form, plain_form};
use super::readiness::readiness;
use crate::compile::Compiled;
use crate::model::{GENERAL, SettingPath};
use crate::ops::error::Result;
use crate::ops::host::Host;
use crate::ops::judged::Record;
use crate::plan::{Mode, Readiness};
use crate::store::{Registered, Store};

/// An integration at a glance.
#[derive(Debug, Clone, Serialize)]
pub struct IntegrationView {
    pub id: String,
    pub name: String,
    pub pair: String,
    /// `Shopify ↔ Fortnox`
    pub title: String,
    pub mode: Mode,
    /// Ids of the flows that are on.
    pub flows: Vec<String>,
    pub readiness: Readiness,
    /// `git`, `released` or `people`
    pub managed_by: &'static str,
    /// The commit that the files are of, where they are known by one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    pub made_at: String,
    pub made_by: String,
    /// Visible categories, in the order of the page.
    pub categories: Vec<CategoryHead>,
}

/// A category at a glance.
#[derive(Debug, Clone, Serialize)]
pub struct CategoryHead {
    pub category: String,
    pub title: String,
    pub revision: u64,
}

/// A category with all that is known of its settings.
#[derive(Debug, Clone, Serialize)]
pub struct CategoryView {
    pub integration: String,
    pub category: String,
    pub title: String,
    /// 0: it was never saved.
    pub revision: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub saved_at: Option<String>,
    /// What is deployed, as files have it.
    pub settings: Json,
    /// What the last apply set, as files have it; null is a reset.
    pub applied: Json,
    /// By setting.
    pub states: Vec<SettingView>,
}

/// Whose a setting is.
#[derive(Debug, Clone, Serialize)]
pub struct SettingView {
    pub setting: String,
    pub state: &'static str,
    /// In words.
    pub told: &'static str,
    /// What the files say, where they say something else than what is deployed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub git: Option<Json>,
    /// Where it is written.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
}

/// What is deployed of an integration, judged: what is required of it and set, what it shows, and what is found.
///
/// # Errors
/// When the recorded rules cannot be used.
pub fn look(known: &Known, ground: &Ground, store: &mut dyn Store, host: &Host<'_>) -> Result<Judged> {
    let record = Record::of_no_commit(store, ground.environment())?;
    ground.judge(known.id(), &known.pair.id, &known.documents(), &record, host)
}

/// What people call an integration; its id where nobody named it.
#[must_use]
pub fn name_of(known: &Known) -> String {
    let general = known.rows.get(GENERAL).map(|row| &row.settings);
    match general.and_then(|general| general.get(&SettingPath::root().child("name"))) {
        Some(crate::model::Value::Text(name)) if !name.trim().is_empty() => name.clone(),
        _ => known.id().to_owned(),
    }
}

/// An integration at a glance.
///
/// # Errors
/// When the recorded rules cannot be used.
pub fn integration(
    known: &Known,
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<IntegrationView> {
    let judged = look(known, ground, store, host)?;
    Ok(seen(known, judged.compiled()))
}

/// Some integrations, which are sorted by id, judged in one compilation; why not, of one that cannot be shown.
///
/// # Errors
/// When the store cannot be read, or the recorded rules cannot be used.
pub fn integrations(
    registered: Vec<Registered>,
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<Vec<std::result::Result<IntegrationView, (Registered, String)>>> {
    if registered.is_empty() {
        return Ok(Vec::new());
    }
    let known = known_all(registered, ground, store, host)?;
    let record = Record::of_no_commit(store, ground.environment())?;
    let documents = known.iter().flatten().map(|known| (known.id(), &*known.pair.id, known.documents()));
    let judged = ground.judge_all(documents, &record, host)?;
    let all = known.into_iter().map(|known| match known {
        Ok(known) => Ok(seen(&known, judged.compilation.find(known.id()))),
        Err((one, error)) => Err((one, error.message)),
    });
    Ok(all.collect())
}

/// As it was judged; not at all where it cannot be read as an integration.
fn seen(known: &Known, compiled: Option<&Compiled>) -> IntegrationView {
    let general = known.rows.get(GENERAL).map(|row| &row.settings);
    let visible = known
        .pair
        .categories()
        .filter(|category| compiled.is_none_or(|compiled| compiled.visible.contains(&category.id)));
    IntegrationView {
        id: known.id().to_owned(),
        name: name_of(known),
        pair: known.pair.id.to_string(),
        title: known.pair.title.to_string(),
        mode: general.map_or(Mode::Onboarding, Mode::of),
        flows: compiled.map(|compiled| compiled.flows_on.clone()).unwrap_or_default(),
        readiness: readiness(known, compiled),
        managed_by: managed_by(known),
        commit: known.says.as_deref().and_then(|says: &Says| says.commit.clone()),
        made_at: known.registered.made_at.clone(),
        made_by: known.registered.made_by.clone(),
        categories: visible
            .map(|category| CategoryHead {
                category: category.id.to_string(),
                title: category.title.to_string(),
                revision: known.revision(&category.id),
            })
            .collect(),
    }
}

fn managed_by(known: &Known) -> &'static str {
    let was_applied = known.rows.values().any(|row| !row.applied.is_empty());
    match (&known.says, was_applied) {
        (Some(_), _) => "git",
        (None, true) => "released",
        (None, false) => "people",
    }
}

/// A category with the state of each setting.
///
/// # Errors
/// When the pair has none of this id.
pub fn category(known: &Known, id: &str) -> Result<CategoryView> {
    let category = known.category(id)?;
    let row = known.rows.get(id);
    let says = known.says.as_deref();
    let said = says.and_then(|says| says.categories.get(id));
    let places = says.and_then(|says| says.places.get(id));
    let states = known.owners(category).into_iter().map(|(path, owner)| {
        let place = places.and_then(|places| places.get(&path));
        let deployed = row.and_then(|row| row.settings.get(&path));
        let git = said.and_then(|said| said.get(&path)).filter(|said| Some(*said) != deployed);
        SettingView {
            setting: path.to_string(),
            state: owner.as_str(),
            told: owner.words(),
            git: git.map(crate::ops::propose::plain),
            path: place.map(|place| place.path.clone()),
            line: place.map(|place| place.line),
        }
    });
    let empty = || Json::Object(serde_json::Map::new());
    Ok(CategoryView {
        integration: known.id().to_owned(),
        category: id.to_owned(),
        title: category.title.to_string(),
        revision: known.revision(id),
        saved_by: row.map(|row| row.saved_by.clone()),
        saved_at: row.map(|row| row.saved_at.clone()),
        settings: row.map_or_else(empty, |row| known_form(&row.settings, category)),
        applied: row.map_or_else(empty, |row| plain_form(&row.applied)),
        states: states.collect(),
    })
}
