//! The configuration that a sync runtime works with: each visible setting with its value of one day, defaults included, secrets as
//! references.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};

use super::ground::Ground;
use super::known::{Known, plain_form};
use crate::model::value::fingerprint;
use crate::model::{self, SettingPath, Settings, canonical_json, digest_text};
use crate::ops::error::{Error, ErrorKind, Result};
use crate::ops::host::Host;
use crate::ops::judged::Record;
use crate::plan::Mode;
use crate::schema::Category;
use crate::store::{Deployed, Store};

/// Digits of the mark in an ETag.
const MARK: usize = 16;

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

/// The ETag of a configuration of an integration: its digest, how many saves it has, and a mark by which the server knows that it gave
/// it out. Nobody makes one up, nor is one of before a copy into the store.
///
/// # Errors
/// When the store cannot be read.
pub fn etag_of(integration: &str, digest: &str, saves: u64, store: &mut dyn Store) -> Result<String> {
    let epoch = store.epoch()?;
    let of = format!("configuration {epoch} {saves} {digest} {integration}");
    let mark = fingerprint(store.fingerprint_key(), of.as_bytes());
    let mark = &mark[mark.len().saturating_sub(MARK)..];
    Ok(format!("{digest}.{mark}.{saves}"))
}

/// The number of saves that a configuration has, by the ETag that it was given out with; none of what is no such ETag.
///
/// # Errors
/// When the store cannot be read.
pub fn saves_in(etag: &str, integration: &str, store: &mut dyn Store) -> Result<Option<u64>> {
    let plain = etag.trim_start_matches("W/").trim_matches('"');
    let mut parts = plain.rsplitn(3, '.');
    let (saves, _, digest) = (parts.next(), parts.next(), parts.next());
    let (Some(saves), Some(digest)) = (saves.and_then(|saves| saves.parse().ok()), digest) else {
        return Ok(None);
    };
    Ok((etag_of(integration, digest, saves, store)? == plain).then_some(saves))
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
    let etag = etag_of(known.id(), &digest, saves_of(known.rows.values()), store)?;
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
