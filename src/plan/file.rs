//! Plan files: canonical JSON that is bound to its digest.

use serde_json::Value as Json;

use super::{FORMAT_VERSION, Plan};
use crate::model::{canonical_json, digest_text};

/// Why a plan file cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanFileError {
    #[error("it is not a plan: {0}")]
    NotAPlan(String),
    #[error("it has format {found}, this pairform reads {FORMAT_VERSION}; make the plan anew")]
    Format { found: String },
    #[error("its content does not match its digest; it was changed after it was made")]
    Digest,
}

/// The digest of a plan's canonical body.
#[must_use]
pub fn digest(plan: &Plan) -> String {
    let mut body = serde_json::to_value(plan).unwrap_or_default();
    if let Json::Object(map) = &mut body {
        map.shift_remove("digest");
    }
    digest_text(&canonical_json(body))
}

/// The text of a plan file: sorted keys, one line, a final newline.
#[must_use]
pub fn write(plan: &Plan) -> String {
    canonical_json(serde_json::to_value(plan).unwrap_or_default()) + "\n"
}

/// Reads a plan file and proves that it is what was written.
///
/// # Errors
/// When the text is no plan, is of another major format, or was changed.
pub fn read(text: &str) -> Result<Plan, PlanFileError> {
    let json: Json =
        serde_json::from_str(text).map_err(|error| PlanFileError::NotAPlan(error.to_string()))?;
    let found = json.get("format_version").and_then(Json::as_str).unwrap_or_default();
    if json.get("command").and_then(Json::as_str) != Some("plan") {
        return Err(PlanFileError::NotAPlan("it does not say that it is one".to_owned()));
    }
    if found.split('.').next() != FORMAT_VERSION.split('.').next() {
        return Err(PlanFileError::Format { found: found.to_owned() });
    }
    let plan: Plan =
        serde_json::from_value(json).map_err(|error| PlanFileError::NotAPlan(error.to_string()))?;
    if digest(&plan) == plan.digest { Ok(plan) } else { Err(PlanFileError::Digest) }
}
