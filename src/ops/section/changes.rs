//! What was changed outside git of one integration: setting by setting, by whom and when. Read from what the server knows and from
//! the history of just these categories; nothing is compiled and nothing is written.

use serde::Serialize;
use serde_json::Value as Json;

use super::known::Known;
use super::ownership::Ownership;
use super::past::{mover, past, reasons};
use crate::model::{SettingPath, Value};
use crate::ops::error::Result;
use crate::ops::propose::plain;
use crate::store::Store;

/// A setting that is deployed otherwise than git says.
#[derive(Debug, Clone, Serialize)]
pub struct Drifted {
    pub category: String,
    pub title: String,
    pub setting: String,
    /// `changed-outside` or `conflict`
    pub state: &'static str,
    pub told: &'static str,
    /// What the files say, what the last apply set, what is deployed; null where that is nothing.
    pub git: Json,
    pub applied: Json,
    pub deployed: Json,
    /// Where the files say it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<usize>,
    /// Who gave it the value that is deployed, and when (RFC 3339, UTC), where the history knows.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<String>,
    /// Why it was saved over git, where somebody was asked.
    #[serde(skip)]
    pub reason: Option<String>,
}

/// All that was changed outside git, in the order of the page.
///
/// # Errors
/// When the store cannot be read.
pub fn changes(known: &Known, store: &mut (dyn Store + 'static)) -> Result<Vec<Drifted>> {
    let mut drifted = Vec::new();
    let reasons = reasons(known, store)?;
    for category in known.pair.categories() {
        let owners = known.owners(category);
        let moved = owners
            .into_iter()
            .filter(|(_, owner)| matches!(owner, Ownership::ChangedOutside | Ownership::Conflict));
        for (path, owner) in moved {
            let held = known.held(category, &path, None);
            let value = |value: Option<&Value>| value.map_or(Json::Null, plain);
            let past = past(known, &category.id, store)?;
            let mover = mover(&past, &path);
            let reason = mover.and_then(|mover| reasons.get(mover.run.as_deref()?)).cloned();
            let (by, since) = mover.map(|past| (past.saved_by.clone(), past.saved_at.clone())).unzip();
            let places = known.says.as_deref().and_then(|says| says.places.get(category.id.as_str()));
            let place = places.and_then(|places| places.get(&path));
            drifted.push(Drifted {
                category: category.id.to_string(),
                title: category.title.to_string(),
                setting: path.to_string(),
                state: owner.as_str(),
                told: owner.words(),
                git: value(held.said),
                applied: value(held.applied),
                deployed: value(held.deployed),
                path: place.map(|place| place.path.clone()),
                line: place.map(|place| place.line),
                by,
                since,
                reason,
            });
        }
    }
    Ok(drifted)
}

/// Who gave a setting the value that it has, and when; none where the history does not tell.
///
/// # Errors
/// When the store cannot be read.
pub(super) fn changed_by(
    known: &Known,
    category: &str,
    path: &SettingPath,
    store: &mut (dyn Store + 'static),
) -> Result<Option<(String, String)>> {
    let past = past(known, category, store)?;
    Ok(mover(&past, path).map(|past| (past.saved_by.clone(), past.saved_at.clone())))
}
