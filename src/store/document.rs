//! The documents in a store's columns, which a person may have edited. Knows no table.

use super::data::Unusable;
use super::error::StoreError;
use crate::model::{self, Settings, Value, credential};

/// What is deployed holds no null; a person who writes one with the shell means "not set".
pub(super) fn without_null(settings: &Settings) -> Settings {
    settings
        .iter()
        .filter(|(_, value)| **value != Value::Null)
        .map(|(path, value)| (path.clone(), value.clone()))
        .collect()
}

/// The settings in one column. A person may have edited them, so nothing about them is taken for granted; and a credential that
/// was written into them goes no further.
pub(super) fn document(text: &[u8], column: &str) -> Result<Settings, Unusable> {
    let why = match serde_json::from_slice::<serde_json::Value>(text) {
        Ok(json) if json.is_object() => {
            let mut settings = model::from_json(&json);
            settings.iter_mut().for_each(|(path, value)| credential::hide(path, value));
            return Ok(settings);
        }
        Ok(_) => format!("column `{column}` is not a JSON object"),
        Err(error) => format!("column `{column}` cannot be read as JSON ({error})"),
    };
    Err(Unusable { why, text: String::from_utf8_lossy(text).into_owned(), changed: false })
}

/// A document of the history, proved by the digest beside it. An edit by hand has none, and is a save of its own.
pub(super) fn past_document(text: &[u8], digest: &str) -> Result<Settings, Unusable> {
    let found = document(text, "settings");
    if digest.is_empty() || model::digest_text(&String::from_utf8_lossy(text)) == digest {
        return found;
    }
    let why = "it was changed after it was saved, as its digest shows".to_owned();
    let text = found.map_or_else(|unusable| unusable.text, |settings| model::canonical(&settings));
    Err(Unusable { why, text, changed: true })
}

pub(super) fn unusable(shown: &str, integration: &str, category: &str, why: &str) -> StoreError {
    StoreError::Failed {
        store: shown.to_owned(),
        reason: format!(
            "category `{category}` of integration `{integration}` cannot be used: {why}; mend the row"
        ),
    }
}
