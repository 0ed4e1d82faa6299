//! Plan files: canonical JSON with a digest. The digest tells of accidents, not of malice: anybody can make it anew, and nothing
//! of a plan file is taken at its word.

use std::io::{BufReader, Read, Seek, SeekFrom};

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::{FORMAT_VERSION, PLAN_VERSION, Plan, Summary};
use crate::diagnostic::text::outward_json;
use crate::model::{canonical_json, digest_text, hex};

/// Why a plan file cannot be used.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PlanFileError {
    #[error("it is not a plan: {0}")]
    NotAPlan(String),
    #[error(
        "it was made by pairform 0.1, whose plan files were saved just as they stand; make the plan anew with this pairform, which plans again before it saves"
    )]
    Old,
    #[error(
        "it has plan version {found} and this pairform knows {PLAN_VERSION}; update pairform, or make the plan anew with this one"
    )]
    NewerPlan { found: u64 },
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
    #[error("it contradicts itself: its summary counts other integrations and changes than it lists")]
    Summary,
}

/// Gives a plan the digest of its canonical body. Whoever saves, prints or applies a plan seals it first.
pub fn seal(plan: &mut Plan) {
    plan.digest = digest(plan);
}

/// What stands beside the body that the digest is of.
const BESIDE: [&str; 2] = ["digest", "signature"];

fn digest(plan: &mut Plan) -> String {
    let mut hash = Sha256::new();
    canonical(plan, false, &mut |text| hash.update(text));
    format!("sha256:{}", hex(&hash.finalize()))
}

/// The text of a plan file, piece by piece: sorted keys, one line, a final newline.
pub fn write(plan: &mut Plan, take: &mut dyn FnMut(&str)) {
    // The digest is of what it means, so that a reader gets the same one.
    canonical(plan, true, &mut |text| take(&outward_json(text.to_owned())));
    take("\n");
}

/// Canonical JSON, piece by piece; the plan is as it was afterwards.
fn canonical(plan: &mut Plan, with_digest: bool, take: &mut dyn FnMut(&str)) {
    let integrations = std::mem::take(&mut plan.integrations);
    let rest = serde_json::to_value(&*plan).unwrap_or_default();
    let mut entries: Vec<(&String, &Json)> = rest.as_object().into_iter().flatten().collect();
    entries.sort_by_key(|(key, _)| *key);
    entries.retain(|(key, _)| with_digest || !BESIDE.contains(&key.as_str()));
    for (at, (key, value)) in entries.into_iter().enumerate() {
        take(if at == 0 { "{" } else { "," });
        take(&Json::from(key.as_str()).to_string());
        take(":");
        if key != "integrations" {
            take(&canonical_json(value.clone()));
            continue;
        }
        take("[");
        integrations.canonical(take);
        take("]");
    }
    take("}");
    plan.integrations = integrations;
}

/// Reads a plan file and proves that it is what was written, and that nothing in it is passed by.
///
/// # Errors
/// When it holds no plan or one of another format, was changed, or holds what is not known here.
pub fn read(mut source: impl Read + Seek) -> Result<Plan, PlanFileError> {
    let found = parsed::<Plan>(&mut source);
    match found {
        Ok(mut plan)
            if plan.command == "plan"
                && plan.plan_version == PLAN_VERSION
                && is_known(&plan.format_version) =>
        {
            if digest(&mut plan) == plan.digest {
                return if is_counted(&plan) { Ok(plan) } else { Err(PlanFileError::Summary) };
            }
            // As it was read, with what has no place in a plan of ours.
            Err(if is_whole(&mut source)? { PlanFileError::Unknown } else { PlanFileError::Digest })
        }
        found => Err(other(&mut source)?.or(found.err()).unwrap_or(PlanFileError::Unknown)),
    }
}

/// Whether the summary of a plan is that of what it lists.
fn is_counted(plan: &Plan) -> bool {
    let Summary { errors, warnings, notes, .. } = plan.summary;
    let released = plan.releases().len();
    plan.summary == Summary { errors, warnings, notes, released, ..plan.integrations.tally().summary.clone() }
}

/// What a plan of any format begins with.
#[derive(Default, Deserialize)]
#[serde(default)]
struct Head {
    command: Json,
    format_version: Json,
    plan_version: u64,
}

/// Why this is no plan, or of what other format it is one.
fn other(source: &mut (impl Read + Seek)) -> Result<Option<PlanFileError>, PlanFileError> {
    let Head { command, format_version, plan_version } = parsed(source)?;
    if command != "plan" {
        return Ok(Some(PlanFileError::NotAPlan("it does not say that it is one".to_owned())));
    }
    match plan_version {
        0 | 1 if format_version.as_str().is_some_and(|text| version(text).0 == version(FORMAT_VERSION).0) => {
            return Ok(Some(PlanFileError::Old));
        }
        found if found > u64::from(PLAN_VERSION) => return Ok(Some(PlanFileError::NewerPlan { found })),
        _ => {}
    }
    let found = format_version.as_str().unwrap_or_default().to_owned();
    if is_known(&found) {
        return Ok(None);
    }
    Ok(Some(match version(&found).0 {
        major if major.is_none() || major != version(FORMAT_VERSION).0 => PlanFileError::Format { found },
        _ if is_whole(source)? => PlanFileError::Newer { found },
        _ => PlanFileError::Digest,
    }))
}

fn parsed<T: DeserializeOwned>(source: &mut (impl Read + Seek)) -> Result<T, PlanFileError> {
    let wrong = |error: &dyn std::error::Error| PlanFileError::NotAPlan(error.to_string());
    source.rewind().map_err(|error| wrong(&error))?;
    serde_json::from_reader(BufReader::new(source)).map_err(|error| wrong(&error))
}

/// This format, or one that holds less.
fn is_known(format: &str) -> bool {
    let ((major, minor), (known_major, known_minor)) = (version(format), version(FORMAT_VERSION));
    major == known_major && minor <= known_minor
}

fn version(text: &str) -> (Option<u64>, Option<u64>) {
    let (major, minor) = text.split_once('.').unwrap_or((text, ""));
    (major.parse().ok(), minor.parse().ok())
}

/// A longer text is not held in memory to tell why its digest does not match, in bytes.
const LONG: u64 = 256 * 1024 * 1024;

/// Whether a plan's text has the digest that it says, whatever is in it; of a very long one it is not known.
fn is_whole(source: &mut (impl Read + Seek)) -> Result<bool, PlanFileError> {
    if source.seek(SeekFrom::End(0)).is_ok_and(|length| length > LONG) {
        return Ok(false);
    }
    let mut json: Json = parsed(source)?;
    let said = json.as_object_mut().and_then(|plan| {
        plan.shift_remove("signature");
        plan.shift_remove("digest")
    });
    let body = canonical_json(json);
    Ok(said.as_ref().and_then(Json::as_str) == Some(&digest_text(&body)))
}
