//! Whether a plan may be applied: every refusal, for every door. Nothing here asks anybody; the moment is handed in.

use std::collections::BTreeMap;
use std::str::FromStr;

use jiff::Timestamp;

use super::base::Base;
use super::error::{Error, ErrorKind, Help, Result};
use super::window;
use crate::compile::project::{Environment, Limits, Live, Manifest, Safety};
use crate::diagnostic::count;
use crate::plan::safety::{GAPS, Rules, Thresholds};
use crate::plan::{self, Plan, Refusal};

const CHECKS: &[&str] =
    &["max_changed", "max_reset", "max_categories", "protected", "empty", "window", "hold", "require_clean"];

/// The check that consent to live changes answers, and no force.
pub const LIVE_APPROVAL: &str = "allow_live";

/// A check that is to be lifted, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Force {
    check: String,
    reason: String,
}

/// What whoever applies a plan agrees to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Consent {
    /// Checks that are lifted.
    pub force: Vec<Force>,
    /// Integrations in live mode may be changed where the project asks for leave.
    pub live: bool,
}

/// A plan that may be applied. Only [`check`] makes one.
#[derive(Debug)]
pub struct Approved {
    plan: Plan,
    /// For each check that was lifted, what is kept of it.
    forced: Vec<String>,
    /// Checks that were to be lifted and do not refuse the plan.
    idle: Vec<String>,
}

impl Approved {
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    /// The plan alone, to be checked once more: time may have passed.
    #[must_use]
    pub fn into_plan(self) -> Plan {
        self.plan
    }

    /// The plan, and for each check that was lifted what is kept of it.
    pub(super) fn into_parts(self) -> (Plan, Vec<String>) {
        (self.plan, self.forced)
    }

    /// Checks that were to be lifted and do not refuse the plan: nothing is kept of them.
    #[must_use]
    pub fn idle(&self) -> &[String] {
        &self.idle
    }
}

/// Every check that refuses a plan and is not lifted; at least one.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", refused(.0))]
pub struct Refused(pub Vec<Refusal>);

/// Judges whether a plan may be applied now: the one place for every door.
///
/// # Errors
/// Every check that refuses it and is not lifted.
pub fn check(plan: Plan, declared: &Manifest, consent: &Consent, now: Timestamp) -> Result<Approved> {
    let mut found = lasting(&plan, declared);
    found.extend(window(&plan, declared, now)?);
    found.extend(live_approval(&plan, declared).filter(|_| !consent.live));
    let is_lifted = |refusal: &Refusal| consent.force.iter().any(|force| force.check == refusal.check);
    let (lifted, standing): (Vec<_>, Vec<_>) = found.into_iter().partition(is_lifted);
    if !standing.is_empty() {
        return Err(Refused(standing).into());
    }
    let mut approved = Approved { plan, forced: Vec::new(), idle: Vec::new() };
    for Force { check, reason } in &consent.force {
        // One check may have refused more than once: all that it said is kept.
        let said = lifted.iter().filter(|refusal| refusal.check == *check);
        let said: Vec<&str> = said.map(|refusal| refusal.message.as_str()).collect();
        match said.as_slice() {
            [] => approved.idle.push(check.clone()),
            said => approved.forced.push(format!("{check}: {reason} ({})", said.join("; "))),
        }
    }
    Ok(approved)
}

/// Says of a plan why it would be refused, as far as that is in the plan and the project, and notes what hangs on the moment
/// and on whoever applies it. Its gaps are told already.
///
/// # Errors
/// When the apply window cannot be used.
pub fn predict_refusals(plan: &mut Plan, declared: &Manifest, now: Timestamp) -> Result<()> {
    plan.refusals = lasting(plan, declared);
    let closed = window(plan, declared, now)?.map(|refusal| refusal.message);
    let approval = live_approval(plan, declared)
        .map(|refusal| format!("{}; it takes approval for live integrations to apply this", refusal.message));
    plan.notes.extend(closed.into_iter().chain(approval));
    Ok(())
}

/// As [`predict_refusals`], by the rules of the base of a comparison too: what only they refuse is told with their name.
///
/// # Errors
/// When the apply window of the base cannot be used.
pub fn predict_by_base(plan: &mut Plan, base: &Base, now: Timestamp) -> Result<()> {
    let declared = base.declared();
    let closed = window(plan, declared, now)?.map(|refusal| refusal.message);
    let approval = live_approval(plan, declared);
    let approval =
        approval.map(|refusal| format!("{}; it takes approval for live integrations", refusal.message));
    for said in closed.into_iter().chain(approval) {
        if !plan.notes.iter().any(|known| known.starts_with(&said)) {
            plan.notes.push(by_rules_of(base, &said));
        }
    }
    let found = lasting(plan, declared);
    add_of_base(plan, base, found);
    Ok(())
}

/// Says of a comparison of files what an apply of it would be refused for whatever is deployed: protections and holds, by the
/// rules of the head and of the base.
pub fn foretell(plan: &mut Plan, declared: &Manifest, base: Option<&Base>) {
    let is_certain = |refusal: &Refusal| matches!(refusal.check.as_str(), "protected" | "hold");
    plan.refusals = lasting(plan, declared);
    plan.refusals.retain(is_certain);
    let approval = live_approval(plan, declared);
    let of_base = base.and_then(|base| Some((base, live_approval(plan, base.declared())?)));
    let said = match (approval, of_base) {
        (Some(refusal), _) => Some(refusal.message),
        (None, Some((base, refusal))) => Some(by_rules_of(base, &refusal.message)),
        (None, None) => None,
    };
    plan.notes
        .extend(said.map(|said| format!("{said}; it takes approval for live integrations to apply this")));
    if let Some(base) = base {
        let mut found = lasting(plan, base.declared());
        found.retain(is_certain);
        add_of_base(plan, base, found);
    }
}

fn by_rules_of(base: &Base, said: &str) -> String {
    format!("{said} (by the rules of {})", base.name())
}

/// Adds what the base refuses and the head does not.
fn add_of_base(plan: &mut Plan, base: &Base, found: Vec<Refusal>) {
    let is_known = |refusal: &Refusal| {
        plan.refusals.iter().any(|known| known.check == refusal.check && known.message == refusal.message)
    };
    let new: Vec<Refusal> = found.into_iter().filter(|refusal| !is_known(refusal)).collect();
    let told = |one: Refusal| Refusal { message: by_rules_of(base, &one.message), ..one };
    plan.refusals.extend(new.into_iter().map(told));
}

/// All that refuses, in words.
fn refused(standing: &[Refusal]) -> String {
    if let [one] = standing {
        return format!("refused: {}", one.message);
    }
    let mut message = format!("refused for {} reasons:", standing.len());
    for said in summarize_refusals(standing) {
        message.push_str(&format!("\n  - {said}"));
    }
    message
}

/// Of each check the first reasons, and how many more it has.
#[must_use]
pub fn summarize_refusals(refusals: &[Refusal]) -> Vec<String> {
    const SHOWN: usize = 4;
    let mut said = Vec::new();
    for (check, reasons) in by_check(refusals) {
        said.extend(reasons.iter().take(SHOWN).map(|refusal| refusal.message.clone()));
        if reasons.len() > SHOWN {
            said.push(format!("and {} more by `{check}`", reasons.len() - SHOWN));
        }
    }
    said
}

/// The refusals of each check, the checks in the order in which they come first.
#[must_use]
pub fn by_check(refusals: &[Refusal]) -> Vec<(&str, Vec<&Refusal>)> {
    let mut checks: Vec<(&str, Vec<&Refusal>)> = Vec::new();
    for refusal in refusals {
        match checks.iter_mut().find(|(check, _)| *check == refusal.check) {
            Some((_, reasons)) => reasons.push(refusal),
            None => checks.push((&refusal.check, vec![refusal])),
        }
    }
    checks
}

impl From<Refused> for Error {
    fn from(refused: Refused) -> Self {
        let checks = by_check(&refused.0).into_iter().map(|(check, _)| check.to_owned()).collect();
        Error::new(ErrorKind::Refused, refused.to_string()).with(Help::Checks(checks))
    }
}

/// The first names of many, and how many more there are.
fn first_names(names: &[&str]) -> String {
    const SHOWN: usize = 10;
    let shown = names[..names.len().min(SHOWN)].join(", ");
    match names.len().saturating_sub(SHOWN) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}

/// The project's rules as a plan is judged by them.
#[must_use]
pub fn rules(safety: &Safety) -> Rules {
    let all = |limits: &BTreeMap<String, Limits>| {
        limits.iter().map(|(name, limits)| (name.clone(), thresholds(limits))).collect()
    };
    Rules {
        overall: thresholds(&safety.overall),
        pairs: all(&safety.pairs),
        categories: all(&safety.categories),
        protected: safety.protected.clone(),
    }
}

fn thresholds(limits: &Limits) -> Thresholds {
    let share = |text: &Option<String>| {
        let percent = text.as_ref()?.trim_end_matches('%').trim().parse::<f64>().ok()?;
        Some(percent / 100.0)
    };
    Thresholds {
        max_changed: share(&limits.max_changed),
        max_reset: share(&limits.max_reset),
        max_categories: share(&limits.max_categories),
        minimum: usize::try_from(limits.minimum.unwrap_or(1)).unwrap_or(usize::MAX),
    }
}

/// The integrations in live mode, before or after, that a plan writes something of.
#[must_use]
pub fn live(plan: &Plan) -> Vec<&str> {
    let written = plan.integrations.tally().written.iter().filter(|written| written.live);
    written.map(|written| written.integration.as_str()).collect()
}

/// Why a text lifts no check.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ForceError {
    #[error("it names no check to lift; the checks are {}", CHECKS.join(", "))]
    UnknownCheck,
    #[error("it needs a reason, which is kept: \"{0}: why\"")]
    NoReason(String),
}

impl FromStr for Force {
    type Err = ForceError;

    /// Reads `CHECK: REASON`.
    fn from_str(text: &str) -> Result<Self, ForceError> {
        let (check, reason) =
            text.split_once(':').map_or((text, ""), |(check, reason)| (check.trim(), reason.trim()));
        if !CHECKS.contains(&check) {
            return Err(ForceError::UnknownCheck);
        }
        if reason.is_empty() {
            return Err(ForceError::NoReason(check.to_owned()));
        }
        Ok(Force { check: check.to_owned(), reason: reason.to_owned() })
    }
}

/// What refuses a plan whenever and by whomever it is applied.
fn lasting(plan: &Plan, declared: &Manifest) -> Vec<Refusal> {
    // What the plan said on its day stays only where it cannot be judged again: gaps, by the schemas. The rules are those
    // that hold now.
    let mut found: Vec<Refusal> =
        plan.refusals.iter().filter(|refusal| refusal.check == GAPS).cloned().collect();
    found.extend(plan::safety::refusals(&plan.integrations, &rules(&declared.safety)));
    let environment = environment_of(plan, declared);
    let dirty = plan.commit.as_ref().is_none_or(|commit| commit.dirty);
    if dirty && plan.is_pending() && environment.is_some_and(|environment| environment.require_clean) {
        found.push(refusal(
            "require_clean",
            "this environment is applied from a commit only, and the tree has changes that are not committed",
        ));
    }
    for written in &plan.integrations.tally().written {
        // Another id is no way out of a hold.
        let names = std::iter::once(&written.integration).chain(&written.renamed_from);
        for name in names {
            if let Some(reason) = declared.safety.holds.get(name) {
                found.push(refusal("hold", format!("{name} is on hold: {reason}")));
            }
        }
    }
    found
}

fn environment_of<'d>(plan: &Plan, declared: &'d Manifest) -> Option<&'d Environment> {
    declared.environments.get(plan.environment.as_ref()?)
}

/// The apply window, where it is closed.
fn window(plan: &Plan, declared: &Manifest, now: Timestamp) -> Result<Option<Refusal>> {
    let window = environment_of(plan, declared).and_then(|environment| environment.window.as_ref());
    match window.filter(|_| plan.is_pending()) {
        Some(window) if !window::is_open(window, now)? => {
            Ok(Some(refusal("window", window::closed(window, now)?)))
        }
        _ => Ok(None),
    }
}

/// The leave that a project requires for integrations in live mode.
fn live_approval(plan: &Plan, declared: &Manifest) -> Option<Refusal> {
    let live = live(plan);
    (declared.safety.live == Live::RequireLeave && !live.is_empty()).then(|| {
        let number = count(live.len(), "integration");
        refusal(LIVE_APPROVAL, format!("this changes {number} in live mode: {}", first_names(&live)))
    })
}

fn refusal(check: &str, message: impl Into<String>) -> Refusal {
    Refusal { check: check.to_owned(), message: message.into() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn force_names_one_check_and_a_reason() {
        let expected = Force { check: "max_reset".to_owned(), reason: "Klarna leaves".to_owned() };
        assert_eq!("max_reset: Klarna leaves".parse(), Ok(expected));
        for wrong in ["max_reset", "max_reset: ", "everything: now", "", "just do it"] {
            assert!(wrong.parse::<Force>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn no_check_is_crowded_out_by_the_reasons_of_another() {
        let of = |check: &str, number: usize| {
            (0..number)
                .map(move |at| Refusal { check: check.to_owned(), message: format!("{check} {at}") })
                .collect()
        };
        let all: Vec<Vec<Refusal>> =
            vec![of("protected", 6), of("hold", 1), of("empty", 4), of("protected", 1)];
        let said = summarize_refusals(&all.concat());
        let expected = [
            "protected 0",
            "protected 1",
            "protected 2",
            "protected 3",
            "and 3 more by `protected`",
            "hold 0",
            "empty 0",
            "empty 1",
            "empty 2",
            "empty 3",
        ];
        assert_eq!(said, expected);
    }
}
