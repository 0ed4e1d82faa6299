//! Exit codes: the only place that knows their numbers.

use crate::diagnostic::placed::PlacedFinding;
use crate::ops::check::{LIVE_APPROVAL, by_check};
use crate::ops::{Error, ErrorKind, Help};
use crate::plan::Refusal;
use crate::plan::safety::GAPS;

/// Done; nothing wrong.
pub const OK: u8 = 0;
/// The configuration has errors.
pub const ERRORS: u8 = 1;
/// Changes are pending; only with `--detailed-exitcode`.
pub const PENDING: u8 = 2;
/// Some categories were saved and some were not.
pub const PARTLY: u8 = 3;
/// Stale plan or version conflict, and nothing was saved.
pub const STALE: u8 = 4;
/// Refused for safety.
pub const REFUSED: u8 = 5;
/// Not authenticated or not allowed: a secret is not at hand.
pub const NOT_ALLOWED: u8 = 6;
/// Store or platform unreachable.
pub const UNREACHABLE: u8 = 7;
/// Locked by someone else.
pub const LOCKED: u8 = 8;
/// The command line is wrong, or there is nothing to run it on.
pub const USAGE: u8 = 64;
/// A fault of pairform itself, or its result could not be written.
pub const INTERNAL: u8 = 70;
/// Interrupted (SIGINT), after finishing the save in flight.
pub const INTERRUPTED: u8 = 130;
/// Terminated (SIGTERM), after finishing the save in flight.
pub const TERMINATED: u8 = 143;

/// What ends a command before its result: an exit code, what is wrong, and what to do.
#[derive(Debug)]
pub struct Stop {
    pub code: u8,
    pub message: String,
    pub help: Option<String>,
    /// What is wrong in the files.
    pub findings: Vec<PlacedFinding>,
    /// What refuses, each with what to do about it.
    pub refusals: Vec<(Refusal, String)>,
}

impl Stop {
    #[must_use]
    pub fn new(code: u8, message: impl Into<String>) -> Self {
        Stop { code, message: message.into(), help: None, findings: Vec::new(), refusals: Vec::new() }
    }

    #[must_use]
    pub fn usage(message: impl Into<String>) -> Self {
        Stop::new(USAGE, message)
    }

    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// With what was found in the files.
    #[must_use]
    pub fn found(mut self, findings: &[PlacedFinding]) -> Self {
        self.findings = findings.to_vec();
        self
    }
}

impl From<Error> for Stop {
    fn from(error: Error) -> Self {
        let help = error.help.as_ref().map(words);
        let (mut findings, mut refusals) = (Vec::new(), Vec::new());
        match error.help {
            Some(Help::SeeFindings(found)) => findings = found,
            Some(Help::Refusals(all)) => {
                let told = |refusal: Refusal| (about_check(&refusal.check), refusal);
                refusals = all.into_iter().map(told).map(|(help, refusal)| (refusal, help)).collect();
            }
            _ => {}
        }
        Stop { code: code(error.kind), message: error.message, help, findings, refusals }
    }
}

/// The exit code of what stopped an operation.
#[must_use]
pub fn code(kind: ErrorKind) -> u8 {
    match kind {
        ErrorKind::Invalid => ERRORS,
        ErrorKind::Stale => STALE,
        ErrorKind::Refused => REFUSED,
        ErrorKind::NotAllowed => NOT_ALLOWED,
        ErrorKind::Unreachable => UNREACHABLE,
        ErrorKind::Locked => LOCKED,
        ErrorKind::Usage | ErrorKind::Absent => USAGE,
        // A signal's own code takes its place where one came.
        ErrorKind::Stopped => INTERRUPTED,
        ErrorKind::Internal => INTERNAL,
    }
}

const PLAN_AGAIN: &str =
    "make the plan anew with `pairform plan --out FILE`, read it and apply that; nothing was saved";

/// What to do about an error, at a terminal.
#[must_use]
pub fn words(help: &Help) -> String {
    match help {
        Help::Do(said) => said.clone(),
        Help::DidYouMean(name) => format!("did you mean `{name}`?"),
        Help::SeeFindings(findings) if findings.is_empty() => "`pairform validate` shows them".to_owned(),
        Help::SeeFindings(_) => "mend what was found".to_owned(),
        Help::Again => "run the command again".to_owned(),
        Help::RenameProjectFile(name) => format!("rename `{name}` to `pairform.yaml`"),
        Help::BeginProject => "go to the repository, or begin one: a file `pairform.yaml` with the line `version: 1`, and integrations below `integrations/`".to_owned(),
        Help::NameEnvironment(names) => format!("name one with --env: {}", names.join(", ")),
        Help::EnvironmentOfStore(names) => format!("leave --store out, or name {names} with --env"),
        Help::ReplaceStore => "name another one, or say --replace: what it has is lost then".to_owned(),
        Help::ListPairs => "`pairform schema list` lists the pairs".to_owned(),
        Help::NamePoint(integration) => format!(
            "name it with --revision, --time or --commit; `pairform history {integration}` lists what there is"
        ),
        Help::NameCategory => "name it with --category".to_owned(),
        Help::SeeHistory(integration) => {
            format!("`pairform history {integration}` lists what there is")
        }
        Help::RevertRenamed(name) => format!("`pairform revert {name} …`"),
        Help::RevertWithoutFile(name) => format!(
            "read a revision that has its file: `pairform revert {name} --rev REVISION …`; or adopt what is deployed with `pairform pull {name} --pair PAIR`"
        ),
        Help::ListSettings(pair) => format!("`pairform schema show {pair}` lists its settings"),
        Help::NameStoreAsPlanned => "name the store as it was named for the plan; or apply without a plan file, which makes the store".to_owned(),
        Help::SignPlan => {
            "make the plan anew and sign it: `pairform plan --out FILE --sign KEY`, with a key that the `signers` of the policy name".to_owned()
        }
        Help::PlanAgain => PLAN_AGAIN.to_owned(),
        Help::PlanAgainOrRevision(commit) => {
            format!("check that commit out or name it with `--rev {commit}`; or {PLAN_AGAIN}")
        }
        Help::NamePair(name) => {
            format!("say it: `pairform pull {name} --pair PAIR`; `pairform schema list` lists the pairs")
        }
        Help::NamePairToBegin => {
            "name a pair to begin an integration: `pairform init fortnox-shopify nordic-outdoor`".to_owned()
        }
        Help::OtherName => "give another name: `pairform init PAIR NAME`".to_owned(),
        Help::WhatIsLaidOut => {
            "fmt takes pairform.yaml and what lies below integrations, bases and environments".to_owned()
        }
        Help::MendList => "mend it (`pairform validate` shows where), or take the file away to begin it anew".to_owned(),
        Help::Allow(lines) => {
            let words = "where this is meant, allow it in the policy (`pairform policy show`), in PAIRFORM_ALLOW or with --allow:";
            match lines.as_slice() {
                [one] => format!("{words} {}", one.quoted()),
                lines => lines.iter().fold(words.to_owned(), |said, line| format!("{said}\n        {}", line.quoted())),
            }
        }
        Help::Untrusted => {
            "`pairform diff --base BRANCH` and `pairform validate` need nothing else; run it without --untrusted (and PAIRFORM_UNTRUSTED) where you trust who wrote the files".to_owned()
        }
        Help::Refusals(refusals) => {
            let mut all: Vec<String> = match by_check(refusals).as_slice() {
                [(only, _)] => vec![about_check(only)],
                checks => checks.iter().map(|(check, _)| format!("{check}: {}", about_check(check))).collect(),
            };
            if refusals.iter().any(|refusal| refusal.recorded) {
                all.push("what the files say now counts once a commit with these rules was applied; `pairform apply --record-only` takes them at once".to_owned());
            }
            all.join("\n        ")
        }
    }
}

/// What to do about a check that refuses a plan.
fn about_check(check: &str) -> String {
    match check {
        GAPS => return "apply these categories too, or before; no --force lifts this".to_owned(),
        LIVE_APPROVAL => return "give leave with --allow-live".to_owned(),
        _ => {}
    }
    let other = match check {
        "max_changed" | "max_reset" | "max_categories" => {
            "apply in smaller parts with --integration or --category, raise the limit in pairform.yaml in a commit of its own, or"
        }
        "max_released" => {
            "put the files back; or acknowledge what was meant to go with `pairform release INTEGRATION --reason WHY`, or"
        }
        "conflicts" | "drift" => {
            "look at what was changed outside (`pairform drift`); take it into the files with `pairform pull`, apply at a terminal or from a saved plan where that is asked for, leave it out with --exclude, or"
        }
        "require_clean" => "commit the changes and plan again, or",
        "window" => "wait for the window, or",
        "hold" => {
            "leave these out with --exclude (or take others with --category) until the hold ends: one of pairform.yaml when it is taken out there, one of a revert when the files say the same, as `pairform pull` and `pairform revert --write` make them, or where it left the files when `pairform release` acknowledges that; or"
        }
        "levels" => "mend what was found, or",
        _ => "look whether this is meant; then",
    };
    format!("{other} lift this one check with --force \"{check}: REASON\"")
}
