//! The configuration that a sync runtime works with: each visible setting with its value of one day, defaults included, secrets as
//! references.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};

use super::ground::Ground;
use super::known::{Known, plain_form};
use crate::model::{self, SettingPath, Settings, canonical_json, digest_text};
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::host::Host;
use crate::ops::judged::Record;
use crate::plan::Mode;
use crate::schema::Category;
use crate::store::{Deployed, Store};

/// What a runtime needs of an integration.
#[derive(Debug, Clone)]
pub struct Effective {
    /// `{"integration", "pair", "day", "mode", "flows", "categories", "revisions"}`
    pub document: Json,
    /// Of all of it but the day, and what [`saves_in`] reads.
    pub etag: String,
}

/// How many saves of an integration there were, which grows with each.
#[must_use]
pub fn saves_of<'a>(rows: impl IntoIterator<Item = &'a Deployed>) -> u64 {
    rows.into_iter().map(|row| row.revision).sum()
}

/// The number of saves that a configuration has, by the ETag that it was given out with; none of what is no such ETag.
#[must_use]
pub fn saves_in(etag: &str) -> Option<u64> {
    let (_, number) = etag.trim_start_matches("W/").trim_matches('"').rsplit_once('.')?;
    number.parse().ok()
}

/// The configuration as it is on a day.
///
/// # Errors
/// When the recorded rules cannot be used, or what is deployed cannot be read as an integration.
pub fn effective(
    known: &Known,
    day: Date,
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<Effective> {
    let record = Record::of_no_commit(store, ground.environment())?;
    let judged = ground.judge(known.id(), &known.pair.id, &known.documents(), &record, host)?;
    let compiled = judged.compiled().ok_or_else(|| {
        let why = format!("what is deployed of {} cannot be read as its configuration", known.id());
        Error::new(ErrorKind::Invalid, why)
    })?;
    let mut categories: BTreeMap<&str, Json> = BTreeMap::new();
    let mut revisions: BTreeMap<&str, u64> = BTreeMap::new();
    for category in known.pair.categories().filter(|category| compiled.visible.contains(&category.id)) {
        let none = Settings::new();
        let deployed = known.rows.get(category.id.as_str()).map_or(&none, |row| &row.settings);
        categories.insert(&category.id, plain_form(&with_defaults(&on(deployed, category, day), category)));
        revisions.insert(&category.id, known.revision(&category.id));
    }
    let mut document = Map::new();
    document.insert("integration".to_owned(), known.id().into());
    document.insert("pair".to_owned(), known.pair.id.as_str().into());
    document
        .insert("mode".to_owned(), if compiled.live { Mode::Live } else { Mode::Onboarding }.as_str().into());
    document.insert("flows".to_owned(), json!(compiled.flows_on));
    document.insert("categories".to_owned(), json!(categories));
    document.insert("revisions".to_owned(), json!(revisions));
    let digest = digest_text(&canonical_json(Json::Object(document.clone())));
    let etag = format!("{digest}.{}", saves_of(known.rows.values()));
    document.insert("day".to_owned(), day.to_string().into());
    Ok(Effective { document: Json::Object(document), etag })
}

/// Settings as they are on a day.
fn on(settings: &Settings, category: &Category, day: Date) -> Settings {
    let is_dated = |path: &SettingPath| {
        category.schema_at(path).and_then(|schema| schema.get("x-days")) == Some(&Json::Bool(true))
    };
    model::resolve::on(settings, is_dated, day)
}

/// With the defaults of settings that are not set.
fn with_defaults(settings: &Settings, category: &Category) -> Settings {
    let mut all = settings.clone();
    for setting in &category.settings {
        let is_set = settings.keys().any(|path| path.starts_with(&setting.path));
        if let Some(default) = setting.default.as_ref().filter(|_| !is_set) {
            all.insert(setting.path.clone(), default.clone());
        }
    }
    all
}
