//! A plan that is handed in to a server: what is sent and what is said to it. The server plans again by the files that come with it,
//! or by its own repository's, against what it has itself; whatever stands in the plan is an expectation. Secrets stay here: only
//! their fingerprints are sent.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use serde_json::value::RawValue;

use super::check::{Consent, Force};
use super::error::{Error, ErrorKind, Help, Result};
use super::host::{Host, Progress};
use super::project::Project;
use super::request::{Given, GivenSecrets};
use crate::apply::{Event, Report, ReportTold};
use crate::model::Value;
use crate::plan::{self, Plan, Refusal};
use crate::secrets::{Reach, Secrets};
use crate::store::{Handed, HandedSaid, StoreError, TakesPlans, Told};

/// What of it is understood here.
const FORMAT: &str = "1.0";

/// A plan with all that it takes to plan again, as it is sent.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HandedIn {
    pub format_version: String,
    /// By path. Where the server's repository has the plan's commit, its own count.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    #[serde(default)]
    pub consent: ConsentTold,
    #[serde(default)]
    pub secrets: GivenSecrets,
    /// How long to wait for somebody's lock, in seconds.
    #[serde(default)]
    pub lock_wait: u64,
    /// A plan file, as `pairform plan --out` writes it.
    pub plan: Box<RawValue>,
}

/// What is to be planned by a server, and of what.
#[derive(Debug, Default, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct PlanAsked {
    pub format_version: String,
    pub files: BTreeMap<String, String>,
    /// The commit that the files are of.
    pub commit: Option<plan::Commit>,
    pub environment: Option<String>,
    pub integrations: Vec<String>,
    pub pairs: Vec<String>,
    pub categories: Vec<String>,
    pub exclude: Vec<String>,
    pub secrets: GivenSecrets,
    pub assume_secrets: bool,
}

impl PlanAsked {
    /// Reads what was sent.
    ///
    /// # Errors
    /// When it cannot be read, or is of another version.
    pub fn read(body: &[u8]) -> Result<Self> {
        let read: PlanAsked = parsed(body)?;
        require_format(&read.format_version).map(|()| read)
    }
}

fn parsed<T: for<'a> Deserialize<'a>>(body: &[u8]) -> Result<T> {
    serde_json::from_slice(body)
        .map_err(|error| Error::usage(format!("what was handed in cannot be read: {error}")))
}

fn require_format(found: &str) -> Result<()> {
    if found == FORMAT {
        return Ok(());
    }
    let why = format!("what was handed in has the format `{found}`, and this server reads `{FORMAT}`");
    Err(Error::usage(why).help("use the same version of pairform on both sides"))
}

/// What whoever hands a plan in agrees to.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ConsentTold {
    /// `CHECK: REASON`
    pub force: Vec<String>,
    pub allow_live: bool,
    pub overwrite: bool,
}

/// What is answered.
#[derive(Debug, Serialize, Deserialize)]
pub struct Done {
    pub digest: String,
    #[serde(flatten)]
    pub report: ReportTold,
    /// What moved since the plan was made, and was left as it is.
    #[serde(default)]
    pub left_alone: Vec<String>,
}

impl HandedIn {
    /// Reads what was sent.
    ///
    /// # Errors
    /// When it cannot be read, or is of another version.
    pub fn read(body: &[u8]) -> Result<Self> {
        let read: HandedIn = parsed(body)?;
        require_format(&read.format_version).map(|()| read)
    }

    /// The plan.
    ///
    /// # Errors
    /// When it is none, or was changed after it was made.
    pub fn plan(&self) -> Result<Plan> {
        let text = std::io::Cursor::new(self.plan.get().as_bytes());
        plan::file::read(text).map_err(|error| Error::usage(format!("the plan cannot be applied: {error}")))
    }
}

impl ConsentTold {
    #[must_use]
    pub fn of(consent: &Consent) -> Self {
        ConsentTold {
            force: consent.force.iter().map(ToString::to_string).collect(),
            allow_live: consent.live,
            overwrite: consent.overwrite,
        }
    }

    /// # Errors
    /// When one of its texts lifts no check.
    pub fn read(&self) -> Result<Consent> {
        let force = self.force.iter().map(|text| text.parse::<Force>());
        let force =
            force.collect::<Result<_, _>>().map_err(|error| Error::usage(format!("`force`: {error}")))?;
        Ok(Consent { force, live: self.allow_live, overwrite: self.overwrite })
    }
}

/// What is handed in.
pub struct HandIn<'a> {
    pub project: &'a Project<'a>,
    /// As it was approved here.
    pub plan: &'a mut Plan,
    /// The plan file, where it was one.
    pub file: Option<&'a [u8]>,
    pub consent: &'a Consent,
    pub lock_wait: std::time::Duration,
    /// The store's; empty where it is not given.
    pub key: &'a [u8],
}

/// Hands a plan in, and tells what became of it.
///
/// # Errors
/// When the server refuses it, or does not answer.
pub fn hand_in(
    asked: HandIn<'_>,
    server: &mut dyn TakesPlans,
    host: &Host<'_>,
) -> Result<(Report, Vec<String>)> {
    let digest = asked.plan.digest.clone();
    let body = body(asked, host);
    let Handed { asked_again, said } = server
        .hand_in(&digest, &body, &|| host.is_cancelled(), &mut |event| {
            if let Some(event) = read_event(event) {
                (host.progress)(Progress::Apply(event));
            }
        })
        .map_err(|error| stopped(error, host))?;
    (host.progress)(Progress::Finished);
    let done = match said {
        HandedSaid::Done(done) => done,
        HandedSaid::Refused(told) => return Err(refused(told)),
    };
    let Done { report, left_alone, .. } = serde_json::from_value(done).map_err(|error| {
        let why = format!("what the server says of the plan cannot be read ({error})");
        Error::new(ErrorKind::Unreachable, why).help("use the same version of pairform on both sides")
    })?;
    match &report.applied_at {
        // Nobody else may have done it in between that was asked for here.
        Some(at) if !asked_again => Err(Error::new(
            ErrorKind::Stale,
            format!("this plan was applied already, at {at}; make a new one"),
        )),
        _ => Ok((report.into(), left_alone)),
    }
}

/// Whoever asks to stop hears no more of it.
fn stopped(error: StoreError, host: &Host<'_>) -> Error {
    match error {
        StoreError::InDoubt { .. } if host.is_cancelled() => {
            let why = "stopped: the server finishes what it is saving and saves nothing after it";
            Error::new(ErrorKind::Stopped, why)
                .help("apply the same again to go on: what is saved is not saved again")
        }
        error => error.into(),
    }
}

fn body(asked: HandIn<'_>, host: &Host<'_>) -> Vec<u8> {
    let HandIn { project, plan, file, consent, lock_wait, key } = asked;
    let secrets = given(project, plan, key, host);
    let mut files: BTreeMap<&str, String> = BTreeMap::new();
    for (_, source) in project.workspace.sources().iter() {
        // One that cannot be read is no part of what was compiled without an error.
        source.with_text(|text, fault| {
            if fault.is_none() {
                files.insert(&source.path, text.to_owned());
            }
        });
    }
    let beside = serde_json::json!({
        "format_version": FORMAT, "files": files, "consent": ConsentTold::of(consent), "secrets": secrets,
        "lock_wait": lock_wait.as_secs(),
    });
    let mut body = beside.to_string().into_bytes();
    body.pop();
    body.extend_from_slice(b",\"plan\":");
    match file {
        Some(text) => body.extend_from_slice(text),
        None => plan::file::write(plan, &mut |text| body.extend_from_slice(text.as_bytes())),
    }
    body.push(b'}');
    body
}

/// Of each secret that the plan saves its fingerprint, or why it is not at hand.
fn given(project: &Project<'_>, plan: &Plan, key: &[u8], host: &Host<'_>) -> GivenSecrets {
    let (mut known, mut wanted): (BTreeMap<String, String>, BTreeSet<String>) = Default::default();
    plan.integrations.for_each(&mut |one| {
        for category in &one.categories {
            let Some(save) = &category.save else { continue };
            for (path, value) in &*save.settings {
                let Value::Secret(secret) = value else { continue };
                let setting = path.to_string();
                match &secret.fingerprint {
                    Some(found) if !category.changes.iter().any(|change| change.setting == setting) => {
                        known.insert(secret.reference.clone(), found.clone());
                    }
                    _ => drop(wanted.insert(secret.reference.clone())),
                }
            }
        }
    });
    let workspace = project.workspace;
    let reach = Reach::apply(workspace.root(), &project.compilation.project.secrets.exec, host.trust);
    let secrets = Secrets::new(host.secrets, reach, key);
    let mut given: GivenSecrets =
        known.into_iter().map(|(reference, found)| (reference, Given::Fingerprint(found))).collect();
    // Each is asked for once: a program may ask a person.
    given.extend(wanted.into_iter().map(|reference| {
        let found = secrets.fingerprint(&reference).map_or_else(Given::of_fault, Given::Fingerprint);
        (reference, found)
    }));
    given
}

fn read_event(event: &Json) -> Option<Event<'_>> {
    let number = || usize::try_from(event["categories"].as_u64()?).ok();
    match event["event"].as_str()? {
        "begin" => Some(Event::Begin { categories: number()? }),
        "saving" => Some(Event::Saving {
            integration: event["integration"].as_str()?,
            category: event["category"].as_str()?,
            categories: number()?,
        }),
        "done" => Some(Event::Done { categories: number()? }),
        _ => None,
    }
}

/// An event, as it is told.
#[must_use]
pub fn told_event(event: &Event<'_>) -> Json {
    match event {
        Event::Begin { categories } => serde_json::json!({"event": "begin", "categories": categories}),
        Event::Saving { integration, category, categories } => serde_json::json!({
            "event": "saving", "integration": integration, "category": category, "categories": categories,
        }),
        Event::Done { categories } => serde_json::json!({"event": "done", "categories": categories}),
    }
}

/// Why a server does not apply a plan.
fn refused(told: Told) -> Error {
    let kind = match told.code.as_str() {
        "stale" => ErrorKind::Stale,
        "invalid" => ErrorKind::Invalid,
        "refused" => ErrorKind::Refused,
        "forbidden" | "unauthorized" | "read-only" => ErrorKind::NotAllowed,
        "locked" => ErrorKind::Locked,
        "bad-request" | "not-found" | "too-large" => ErrorKind::Usage,
        _ => ErrorKind::Unreachable,
    };
    let error = Error::new(kind, told.detail);
    let refusals = told.more.get("refusals").cloned();
    let refusals = refusals.and_then(|refusals| serde_json::from_value::<Vec<Refusal>>(refusals).ok());
    match (refusals, told.help) {
        (Some(refusals), _) => error.with(Help::Refusals(refusals)),
        (None, Some(help)) => error.help(help),
        (None, None) => error,
    }
}
