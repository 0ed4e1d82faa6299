//! Plan files: canonical JSON that is bound to its digest.

use rayon::prelude::*;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::{FORMAT_VERSION, Plan};
use crate::model::{canonical_json, digest_text, hex};

/// Why a plan file cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanFileError {
    #[error("it is not a plan: {0}")]
    NotAPlan(String),
    #[error("it has format {found}, this pairform reads {FORMAT_VERSION}; make the plan anew")]
    Format { found: String },
    /// A minor step adds, and what it adds may be what must not be passed by.
    #[error(
        "it has format {found} and this pairform knows {FORMAT_VERSION}, so that it may ask for what this one would not do; update pairform, or make the plan anew with this one"
    )]
    Newer { found: String },
    #[error("it holds what this pairform does not know; make the plan anew with this one")]
    Unknown,
    #[error("its content does not match its digest; it was changed after it was made")]
    Digest,
}

/// Gives a plan the digest of its canonical body. Whoever saves, prints or applies a plan seals it first.
pub fn seal(plan: &mut Plan) {
    plan.digest = digest(plan);
}

fn digest(plan: &mut Plan) -> String {
    let mut hash = Sha256::new();
    canonical(plan, false, &mut |text| hash.update(text));
    format!("sha256:{}", hex(&hash.finalize()))
}

/// The text of a plan file: sorted keys, one line, a final newline.
#[must_use]
pub fn write(plan: &mut Plan) -> String {
    let mut all = String::new();
    canonical(plan, true, &mut |text| all.push_str(text));
    all.push('\n');
    all
}

/// Integrations that are turned into JSON at a time, so that a fleet is never in memory twice.
const AT_A_TIME: usize = 512;

/// Canonical JSON, piece by piece; the plan is as it was afterwards.
fn canonical(plan: &mut Plan, with_digest: bool, take: &mut dyn FnMut(&str)) {
    let integrations = std::mem::take(&mut plan.integrations);
    let rest = serde_json::to_value(&*plan).unwrap_or_default();
    let mut entries: Vec<(&String, &Json)> = rest.as_object().into_iter().flatten().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries.retain(|(key, _)| with_digest || *key != "digest");
    for (at, (key, value)) in entries.into_iter().enumerate() {
        take(if at == 0 { "{" } else { "," });
        take(&Json::from(key.as_str()).to_string());
        take(":");
        if key != "integrations" {
            take(&canonical_json(value.clone()));
            continue;
        }
        take("[");
        for (at, some) in integrations.chunks(AT_A_TIME).enumerate() {
            let texts: Vec<String> = some
                .par_iter()
                .map(|one| canonical_json(serde_json::to_value(one).unwrap_or_default()))
                .collect();
            take(if at == 0 { "" } else { "," });
            take(&texts.join(","));
        }
        take("]");
    }
    take("}");
    plan.integrations = integrations;
}

/// Reads a plan file and proves that it is what was written, and that nothing in it is passed by.
///
/// # Errors
/// When the text is no plan, is of another format, was changed, or holds what is not known here.
pub fn read(text: &str) -> Result<Plan, PlanFileError> {
    let json: Json =
        serde_json::from_str(text).map_err(|error| PlanFileError::NotAPlan(error.to_string()))?;
    let found = json.get("format_version").and_then(Json::as_str).unwrap_or_default().to_owned();
    if json.get("command").and_then(Json::as_str) != Some("plan") {
        return Err(PlanFileError::NotAPlan("it does not say that it is one".to_owned()));
    }
    let (major, minor) = version(&found);
    let (known_major, known_minor) = version(FORMAT_VERSION);
    if major.is_none() || major != known_major {
        return Err(PlanFileError::Format { found });
    }
    if minor > known_minor {
        return Err(if is_whole(json) { PlanFileError::Newer { found } } else { PlanFileError::Digest });
    }
    let mut plan: Plan =
        serde_json::from_value(json).map_err(|error| PlanFileError::NotAPlan(error.to_string()))?;
    if digest(&mut plan) == plan.digest {
        return Ok(plan);
    }
    // As it was read, with what has no place in a plan of ours.
    let whole = serde_json::from_str(text).is_ok_and(is_whole);
    Err(if whole { PlanFileError::Unknown } else { PlanFileError::Digest })
}

fn version(text: &str) -> (Option<u64>, Option<u64>) {
    let (major, minor) = text.split_once('.').unwrap_or((text, ""));
    (major.parse().ok(), minor.parse().ok())
}

/// Whether a plan's text has the digest that it says, whatever is in it.
fn is_whole(mut json: Json) -> bool {
    let said = json.as_object_mut().and_then(|plan| plan.shift_remove("digest"));
    let body = canonical_json(json);
    said.as_ref().and_then(Json::as_str) == Some(&digest_text(&body))
}
