//! Whether a plan may be applied: every refusal, for every door. Nothing here asks anybody; the moment is handed in.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::str::FromStr;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use super::base::Base;
use super::error::{Error, ErrorKind, Help, Result};
use super::judged::{Judging, Recorded};
use super::policy;
use super::signed::Signed;
use super::window;
use crate::compile::project::Manifest;
use crate::diagnostic::count;
use crate::plan::policy::{Environment, Live, Overwrite, Policy, Share, Window};
use crate::plan::safety::{self, Objection};
use crate::plan::tally::Written;
use crate::plan::{Integrations, Plan, Refusal, Summary};

const CHECKS: &[&str] = &[
    "max_changed",
    "max_reset",
    "max_categories",
    "max_released",
    "protected",
    EMPTY,
    "window",
    "hold",
    "conflicts",
    "drift",
    "require_clean",
    "levels",
];

/// The check that a category is not left without any setting.
pub const EMPTY: &str = "empty";

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
    /// What was changed outside in integrations in live mode may be saved over where the project asks: a person types their name,
    /// or saved the plan and read it.
    pub overwrite: bool,
}

/// A plan that may be applied. Only [`check`] makes one.
#[derive(Debug)]
pub struct Approved {
    plan: Plan,
    /// For each check that was lifted, what is kept of it.
    forced: Vec<String>,
    /// Checks that were to be lifted and do not refuse the plan.
    idle: Vec<String>,
    /// What it was approved by: a server asks for it once more.
    consent: Consent,
}

impl Approved {
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.plan
    }

    #[must_use]
    pub fn consent(&self) -> &Consent {
        &self.consent
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

/// Rules that may be recorded by themselves: a plan that saves nothing. Only [`check_rules`] makes one.
#[derive(Debug)]
pub struct ApprovedRules(Plan);

impl ApprovedRules {
    #[must_use]
    pub fn plan(&self) -> &Plan {
        &self.0
    }

    pub(super) fn into_plan(self) -> Plan {
        self.0
    }
}

/// Every check that refuses a plan and is not lifted; at least one.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{}", refused(.0))]
pub struct Refused(pub Vec<Refusal>);

/// Judges whether a plan may be applied now: the one place for every door.
///
/// # Errors
/// Every check that refuses it and is not lifted; or another plan was signed.
pub fn check(
    plan: Plan,
    judging: &Judging,
    consent: &Consent,
    signed: &Signed,
    now: Timestamp,
) -> Result<Approved> {
    signed.require(&plan)?;
    let found = refusals(&plan, judging, consent, now)?;
    let is_lifted = |refusal: &Refusal| consent.force.iter().any(|force| force.check == refusal.check);
    let (lifted, standing): (Vec<_>, Vec<_>) = found.into_iter().partition(is_lifted);
    if !standing.is_empty() {
        return Err(Refused(standing).into());
    }
    let mut approved = Approved { plan, forced: Vec::new(), idle: Vec::new(), consent: consent.clone() };
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

/// Every check that refuses a plan, lifted or not.
///
/// # Errors
/// When an apply window cannot be used.
pub fn refusals(plan: &Plan, judging: &Judging, consent: &Consent, now: Timestamp) -> Result<Vec<Refusal>> {
    let mut found = lasting(plan, judging, day_of(now));
    found.extend(windows(plan, judging, now)?);
    found.extend(live_approval(plan, judging).filter(|_| !consent.live));
    if !consent.overwrite {
        found.extend(overwrite_approval(plan, judging));
    }
    Ok(found)
}

/// Whether a check judges how much of all that is deployed moves, and not what moves.
#[must_use]
pub fn is_of_the_whole(refusal: &Refusal) -> bool {
    Share::ALL.iter().any(|share| share.key() == refusal.check)
}

/// What refuses a person's save of a category, by the files and then what only the recorded rules object to. It is of no commit,
/// so that none has to be clean; and whoever may save is asked for no approval of live integrations.
///
/// # Errors
/// When an apply window cannot be used.
pub fn of_save(plan: &Plan, judging: &Judging, now: Timestamp) -> Result<Vec<Refusal>> {
    let mut found = lasting(plan, judging, day_of(now));
    found.extend(windows(plan, judging, now)?);
    found.retain(|refusal| !matches!(refusal.check.as_str(), "require_clean" | "levels"));
    Ok(found)
}

/// Judges whether the rules that the files say may be recorded by themselves, by nothing that is recorded; what else the plan
/// would do is dropped.
///
/// # Errors
/// When the environment is applied from a commit only, and the tree has changes beside it; or plans have to be signed.
pub fn check_rules(plan: Plan, judging: &Judging, signed: &Signed) -> Result<ApprovedRules> {
    signed.require(&plan)?;
    if let Some(refusal) = not_clean(&plan, &judging.files, judging.environment()) {
        return Err(Refused(vec![refusal]).into());
    }
    let summary = Summary { errors: plan.summary.errors, ..Summary::default() };
    Ok(ApprovedRules(Plan {
        integrations: Integrations::default(),
        released: Vec::new(),
        refusals: Vec::new(),
        notes: Vec::new(),
        summary,
        ..plan
    }))
}

/// Says of a plan why it would be refused, as far as that is in the plan and the project, and notes what hangs on the moment
/// and on whoever applies it. Its gaps are told already.
///
/// # Errors
/// When the apply window cannot be used.
pub fn predict_refusals(plan: &mut Plan, judging: &Judging, now: Timestamp) -> Result<()> {
    plan.refusals = lasting(plan, judging, day_of(now));
    let closed = windows(plan, judging, now)?.into_iter().map(|refusal| refusal.message);
    let approval = live_approval(plan, judging)
        .map(|refusal| format!("{}; it takes approval for live integrations to apply this", refusal.message));
    let typed = overwrite_approval(plan, judging).into_iter().map(|refusal| refusal.message);
    plan.notes.extend(closed.into_iter().chain(approval).chain(typed));
    Ok(())
}

/// As [`predict_refusals`], by the rules of the base of a comparison too: what only they refuse is told with their name.
///
/// # Errors
/// When the apply window of the base cannot be used.
pub fn predict_by_base(plan: &mut Plan, judging: &Judging, base: &Base, now: Timestamp) -> Result<()> {
    let (rules, environment) = (policy::of_manifest(base.declared()), judging.environment());
    let own: Vec<&Policy> =
        std::iter::once(&judging.files).chain(judging.recorded().map(|recorded| &recorded.policy)).collect();
    let known: BTreeSet<Window> =
        own.iter().flat_map(|policy| rules_of(policy, environment).windows).collect();
    let of_base = rules_of(&rules, environment).windows;
    for closed in closed_windows(plan, of_base.difference(&known), now)? {
        plan.notes.push(by_rules_of(base, &closed.message));
    }
    if live_approval(plan, judging).is_none()
        && let Some(refusal) = leave(plan, rules.live)
    {
        let said = format!("{}; it takes approval for live integrations", refusal.message);
        plan.notes.push(by_rules_of(base, &said));
    }
    let of_own = overwrite_approval(plan, judging);
    for refusal in overwriting(plan, &rules, Overwrite::Ask) {
        if of_own.iter().all(|known| known.check != refusal.check) {
            plan.notes.push(by_rules_of(base, &refusal.message));
        }
    }
    let known: Vec<Objection> =
        own.into_iter().flat_map(|policy| objections(plan, policy, environment, day_of(now))).collect();
    add_of_base(plan, base, objections(plan, &rules, environment, day_of(now)), &known);
    Ok(())
}

/// Says of a comparison of files what an apply of it would be refused for whatever is deployed: protections and holds, by the
/// rules of the head and of the base.
pub fn foretell(plan: &mut Plan, declared: &Manifest, base: Option<&Base>, today: Date) {
    let environment = plan.environment.clone().unwrap_or_default();
    let certain = |plan: &Plan, rules: &Policy| -> Vec<Objection> {
        let found = objections(plan, rules, &environment, today).into_iter();
        found.filter(|one| matches!(one.refusal.check.as_str(), "protected" | "hold")).collect()
    };
    let rules = policy::of_manifest(declared);
    let known = certain(plan, &rules);
    plan.refusals = known.iter().map(|objection| objection.refusal.clone()).collect();
    let of_base = base.map(|base| (base, policy::of_manifest(base.declared())));
    let approval = leave(plan, rules.live);
    let approval_of_base = of_base.as_ref().and_then(|(base, rules)| Some((*base, leave(plan, rules.live)?)));
    let said = match (approval, approval_of_base) {
        (Some(refusal), _) => Some(refusal.message),
        (None, Some((base, refusal))) => Some(by_rules_of(base, &refusal.message)),
        (None, None) => None,
    };
    plan.notes
        .extend(said.map(|said| format!("{said}; it takes approval for live integrations to apply this")));
    if let Some((base, rules)) = of_base {
        let found = certain(plan, &rules);
        add_of_base(plan, base, found, &known);
    }
}

fn by_rules_of(base: &Base, said: &str) -> String {
    format!("{said} (by the rules of {})", base.name())
}

/// Adds what the base objects to and nobody else does.
fn add_of_base(plan: &mut Plan, base: &Base, found: Vec<Objection>, known: &[Objection]) {
    let new = found.into_iter().filter(|objection| !known.contains(objection));
    plan.refusals.extend(new.map(|Objection { refusal, .. }| Refusal {
        message: by_rules_of(base, &refusal.message),
        ..refusal
    }));
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
        Error::new(ErrorKind::Refused, refused.to_string()).with(Help::Refusals(refused.0))
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

impl Force {
    #[must_use]
    pub fn check(&self) -> &str {
        &self.check
    }
}

impl fmt::Display for Force {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.check, self.reason)
    }
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

/// What refuses a plan whenever and by whomever it is applied: by the files, and then what only the recorded rules object to.
fn lasting(plan: &Plan, judging: &Judging, today: Date) -> Vec<Refusal> {
    // What the plan said on its day stays only where it cannot be judged again: what planning itself found of one integration.
    // The rules are those that hold now.
    let mut found: Vec<Refusal> =
        plan.refusals.iter().filter(|refusal| refusal.integration.is_some()).cloned().collect();
    let of_files = objections(plan, &judging.files, judging.environment(), today);
    let of_record = judging.recorded().map(|recorded| {
        let said: BTreeSet<&str> = of_files.iter().map(|objection| objection.subject.as_str()).collect();
        let mut only = objections(plan, &recorded.policy, judging.environment(), today);
        only.retain(|objection| !said.contains(objection.subject.as_str()));
        let mut only: Vec<Refusal> = only.into_iter().map(|objection| objection.refusal).collect();
        only.extend(denied(plan, judging));
        only.into_iter().map(|refusal| since_last_apply(refusal, recorded)).collect::<Vec<_>>()
    });
    found.extend(of_files.into_iter().map(|objection| objection.refusal));
    found.extend(safety::emptied(&plan.integrations));
    found.extend(plan.integrations.tally().held.iter().cloned());
    found.extend(of_record.into_iter().flatten());
    found
}

/// Says that the files alone would not refuse it.
fn since_last_apply(refusal: Refusal, recorded: &Recorded) -> Refusal {
    let told = recorded.told();
    let message = format!("{}, by the rules of the last apply ({told}), which still count", refusal.message);
    Refusal { message, recorded: true, ..refusal }
}

/// The day in UTC, in which holds end.
fn day_of(now: Timestamp) -> Date {
    now.to_zoned(TimeZone::UTC).date()
}

/// What a policy objects to, on a day.
fn objections(plan: &Plan, policy: &Policy, environment: &str, today: Date) -> Vec<Objection> {
    let mut found = safety::objections(&plan.integrations, policy);
    found.extend(safety::released(plan, policy));
    if let Some(refusal) = not_clean(plan, policy, environment).filter(|_| plan.is_pending()) {
        found.push(Objection { subject: "require_clean".to_owned(), refusal });
    }
    let denied = overwriting(plan, policy, Overwrite::Deny).into_iter();
    found.extend(denied.map(|refusal| Objection { subject: format!("safety.{}", refusal.check), refusal }));
    for written in &plan.integrations.tally().written {
        // Another id is no way out of a hold.
        let names = std::iter::once(&written.integration).chain(&written.renamed_from);
        for name in names {
            let holds = policy.holds.get(name).into_iter().flatten();
            for hold in holds.filter(|hold| !hold.is_over(today)) {
                let why = format!("{name} is on hold{}: {}", hold.end(), hold.reason);
                found.push(Objection { subject: format!("hold {name}"), refusal: Refusal::new("hold", why) });
            }
        }
    }
    found
}

/// The tree has changes, and the environment is applied from a commit only.
fn not_clean(plan: &Plan, policy: &Policy, environment: &str) -> Option<Refusal> {
    let dirty = plan.commit.as_ref().is_none_or(|commit| commit.dirty);
    let require_clean = rules_of(policy, environment).require_clean;
    let why =
        "this environment is applied from a commit only, and the tree has changes that are not committed";
    (dirty && require_clean).then(|| Refusal::new("require_clean", why))
}

/// Findings that the files made less than errors since the last apply.
fn denied(plan: &Plan, judging: &Judging) -> Vec<Refusal> {
    if !plan.is_pending() {
        return Vec::new();
    }
    let mut codes: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for denied in judging.denied() {
        codes.entry(denied.code).or_default().extend(denied.integration.as_deref());
    }
    let told = codes.into_iter().map(|(code, names)| {
        let found = match names.as_slice() {
            [] => format!("{code} was found"),
            names => format!("{code} was found in {}", first_names(names)),
        };
        Refusal::new("levels", format!("{found}, and `levels.{code}` makes that an error"))
    });
    told.collect()
}

/// What a policy asks of an environment.
fn rules_of(policy: &Policy, environment: &str) -> Environment {
    policy.environments.get(environment).cloned().unwrap_or_default()
}

/// The apply windows that are closed: by the files, and what only the recorded rules close.
fn windows(plan: &Plan, judging: &Judging, now: Timestamp) -> Result<Vec<Refusal>> {
    let of_files = rules_of(&judging.files, judging.environment()).windows;
    let mut closed = closed_windows(plan, of_files.iter(), now)?;
    if let Some(recorded) = judging.recorded().filter(|_| closed.is_empty()) {
        let of_record = rules_of(&recorded.policy, judging.environment()).windows;
        let only = closed_windows(plan, of_record.difference(&of_files), now)?;
        closed.extend(only.into_iter().map(|refusal| since_last_apply(refusal, recorded)));
    }
    Ok(closed)
}

fn closed_windows<'w>(
    plan: &Plan,
    windows: impl Iterator<Item = &'w Window>,
    now: Timestamp,
) -> Result<Vec<Refusal>> {
    let mut closed = Vec::new();
    for window in windows.filter(|_| plan.is_pending()) {
        if !window::is_open(window, now)? {
            closed.push(Refusal::new("window", window::closed(window, now)?));
        }
    }
    Ok(closed)
}

/// The leave that a project requires for integrations in live mode.
fn live_approval(plan: &Plan, judging: &Judging) -> Option<Refusal> {
    let found = leave(plan, judging.live())?;
    let recorded = judging.recorded().filter(|_| judging.files.live != Live::RequireLeave);
    Some(match recorded {
        Some(recorded) => since_last_apply(found, recorded),
        None => found,
    })
}

fn leave(plan: &Plan, asked: Live) -> Option<Refusal> {
    (asked == Live::RequireLeave).then(|| changes_live(plan)).flatten()
}

/// That a plan changes integrations in live mode, where it does.
#[must_use]
pub fn changes_live(plan: &Plan) -> Option<Refusal> {
    let live = live(plan);
    (!live.is_empty()).then(|| {
        let message =
            format!("this changes {} in live mode: {}", count(live.len(), "integration"), first_names(&live));
        Refusal::new(LIVE_APPROVAL, message)
    })
}

/// What somebody has to say yes to by a name or a saved plan, as it saves over what was changed outside in live mode.
fn overwrite_approval(plan: &Plan, judging: &Judging) -> Vec<Refusal> {
    let mut found = overwriting(plan, &judging.files, Overwrite::Ask);
    let denied = overwriting(plan, &judging.files, Overwrite::Deny);
    if let Some(recorded) = judging.recorded() {
        let is_new =
            |refusal: &Refusal| found.iter().chain(&denied).all(|known| known.check != refusal.check);
        let only: Vec<Refusal> =
            overwriting(plan, &recorded.policy, Overwrite::Ask).into_iter().filter(is_new).collect();
        found.extend(only.into_iter().map(|refusal| since_last_apply(refusal, recorded)));
    }
    found
}

/// The integrations in live mode of which a plan saves over what was changed outside, where a policy takes that just so.
fn overwriting(plan: &Plan, policy: &Policy, how: Overwrite) -> Vec<Refusal> {
    let written = &plan.integrations.tally().written;
    let found = policy.overwrites.each().into_iter().filter(|(_, taken)| *taken == how).filter_map(|(check, _)| {
        let number = |written: &Written| if check == "conflicts" { written.conflicts } else { written.drift };
        let these: Vec<&Written> = written.iter().filter(|one| one.live && number(one) > 0).collect();
        let settings = count(these.iter().map(|one| number(one)).sum(), "setting");
        let names: Vec<&str> = these.iter().map(|one| one.integration.as_str()).collect();
        let also = if check == "conflicts" { "both in the files and outside" } else { "outside" };
        let then = match how {
            Overwrite::Deny => "denies that",
            _ => "asks for a name that is typed, or a plan that was saved",
        };
        let message = format!(
            "this saves over {settings} that changed {also}, in live mode ({}), and `safety.{check}` {then}",
            first_names(&names)
        );
        (!these.is_empty()).then(|| Refusal::new(check, message))
    });
    found.collect()
}

/// The integrations whose name whoever applies a plan types, as it saves over what was changed outside.
#[must_use]
pub fn names_to_type<'p>(plan: &'p Plan, judging: &Judging) -> Vec<&'p str> {
    let asked: Vec<String> =
        overwrite_approval(plan, judging).into_iter().map(|refusal| refusal.check).collect();
    let is_asked = |check: &str| asked.iter().any(|one| one == check);
    let written = plan.integrations.tally().written.iter().filter(|one| {
        one.live && ((one.conflicts > 0 && is_asked("conflicts")) || (one.drift > 0 && is_asked("drift")))
    });
    written.map(|one| one.integration.as_str()).collect()
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
            (0..number).map(move |at| Refusal::new(check, format!("{check} {at}"))).collect()
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
