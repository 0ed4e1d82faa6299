//! What stops an apply before it begins: the plan's refusals, and what only the moment and the person decide. Each check
//! has a name; each `--force "NAME: REASON"` lifts one.

use std::collections::BTreeMap;

use jiff::civil::{Time, Weekday};
use jiff::{Timestamp, ToSpan as _, tz::TimeZone};

use super::args::Apply;
use super::exit::{self, Stop};
use crate::compile::project::{Limits, Live, Project, Safety, Window};
use crate::diagnostic::list_words;
use crate::plan::safety::{GAPS, Rules, Thresholds};
use crate::plan::{self, Plan, Refusal};
use crate::report;

const CHECKS: &[&str] =
    &["max_changed", "max_reset", "max_categories", "protected", "empty", "window", "hold", "require_clean"];

/// The check that `--allow-live` answers, and no force.
const LEAVE: &str = "allow_live";

/// A check that is to be lifted, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Force {
    check: String,
    reason: String,
}

/// What became of every `--force`.
#[derive(Debug, Default)]
pub struct Forced {
    /// For each check that was lifted, what is kept of it.
    pub kept: Vec<String>,
    /// Checks that do not refuse the plan.
    pub idle: Vec<String>,
}

/// Judges whether a plan may be applied now.
///
/// # Errors
/// Every check that refuses it and is not lifted.
pub fn judge(
    plan: &Plan,
    declared: &Project,
    environment: Option<&str>,
    args: &Apply,
    now: Timestamp,
) -> Result<Forced, Stop> {
    let mut found = lasting(plan, declared, environment);
    found.extend(window(plan, declared, environment, now)?);
    found.extend(leave(plan, declared).filter(|_| !args.allow_live));
    let is_lifted = |refusal: &Refusal| args.force.iter().any(|force| force.check == refusal.check);
    let (lifted, standing): (Vec<_>, Vec<_>) = found.into_iter().partition(is_lifted);
    if !standing.is_empty() {
        return Err(refused(&standing));
    }
    let mut outcome = Forced::default();
    for Force { check, reason } in &args.force {
        // One check may have refused more than once: all that it said is kept.
        let said = lifted.iter().filter(|refusal| refusal.check == *check);
        let said: Vec<&str> = said.map(|refusal| refusal.message.as_str()).collect();
        match said.as_slice() {
            [] => outcome.idle.push(check.clone()),
            said => outcome.kept.push(format!("{check}: {reason} ({})", said.join("; "))),
        }
    }
    Ok(outcome)
}

/// Says of a plan why it would be refused, as far as that is in the plan and the project, and notes what hangs on the moment
/// and on whoever applies it. Its gaps are told already.
///
/// # Errors
/// When the apply window cannot be used.
pub fn foretell(plan: &mut Plan, declared: &Project, now: Timestamp) -> Result<(), Stop> {
    let environment = plan.environment.clone();
    plan.refusals = lasting(plan, declared, environment.as_deref());
    let closed = window(plan, declared, environment.as_deref(), now)?.map(|refusal| refusal.message);
    let leave = leave(plan, declared)
        .map(|refusal| format!("{}; it takes --allow-live to apply this", refusal.message));
    plan.notes.extend(closed.into_iter().chain(leave));
    Ok(())
}

/// All that refuses, each with what to do.
fn refused(standing: &[Refusal]) -> Stop {
    if let [one] = standing {
        return Stop::new(exit::REFUSED, format!("refused: {}", one.message)).help(help(&one.check));
    }
    let mut message = format!("refused for {} reasons:", standing.len());
    for said in report::plan::few(standing) {
        message.push_str(&format!("\n  - {said}"));
    }
    let checks = report::plan::by_check(standing);
    let helps: Vec<String> = checks.iter().map(|(check, _)| format!("{check}: {}", help(check))).collect();
    Stop::new(exit::REFUSED, message).help(helps.join("\n        "))
}

/// The first names of many, and how many more there are.
fn some(names: &[&str]) -> String {
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

/// Reads what `--force` is given.
///
/// # Errors
/// When it names no check that can be lifted, or no reason.
pub fn force(text: &str) -> Result<Force, String> {
    let (check, reason) =
        text.split_once(':').map_or((text, ""), |(check, reason)| (check.trim(), reason.trim()));
    if !CHECKS.contains(&check) {
        return Err(format!("it names no check to lift; the checks are {}", CHECKS.join(", ")));
    }
    if reason.is_empty() {
        return Err(format!("it needs a reason, which is kept: \"{check}: why\""));
    }
    Ok(Force { check: check.to_owned(), reason: reason.to_owned() })
}

fn help(check: &str) -> String {
    match check {
        GAPS => return "apply these categories too, or before; no --force lifts this".to_owned(),
        LEAVE => return "give leave with --allow-live".to_owned(),
        _ => {}
    }
    let other = match check {
        "max_changed" | "max_reset" | "max_categories" => {
            "apply in smaller parts with --integration or --category, raise the limit in pairform.yaml in a commit of its own, or"
        }
        "require_clean" => "commit the changes and plan again, or",
        "window" => "wait for the window, or",
        "hold" => "wait until the hold is taken out of pairform.yaml, or",
        _ => "look whether this is meant; then",
    };
    format!("{other} lift this one check with --force \"{check}: REASON\"")
}

/// What refuses a plan whenever and by whomever it is applied.
fn lasting(plan: &Plan, declared: &Project, environment: Option<&str>) -> Vec<Refusal> {
    // What the plan said on its day stays only where it cannot be judged again: gaps, by the schemas. The rules are those
    // that hold now.
    let mut found: Vec<Refusal> =
        plan.refusals.iter().filter(|refusal| refusal.check == GAPS).cloned().collect();
    found.extend(plan::safety::refusals(&plan.integrations, &rules(&declared.safety)));
    let environment = environment.and_then(|name| declared.environments.get(name));
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

/// The apply window, where it is closed.
fn window(
    plan: &Plan,
    declared: &Project,
    environment: Option<&str>,
    now: Timestamp,
) -> Result<Option<Refusal>, Stop> {
    let environment = environment.and_then(|name| declared.environments.get(name));
    let window = environment.and_then(|environment| environment.window.as_ref());
    match window.filter(|_| plan.is_pending()) {
        Some(window) if !is_open(window, now)? => Ok(Some(refusal("window", closed(window, now)?))),
        _ => Ok(None),
    }
}

/// The leave that a project requires for integrations in live mode.
fn leave(plan: &Plan, declared: &Project) -> Option<Refusal> {
    let live = live(plan);
    (declared.safety.live == Live::RequireLeave && !live.is_empty()).then(|| {
        let number = report::count(live.len(), "integration");
        refusal(LEAVE, format!("this changes {number} in live mode: {}", some(&live)))
    })
}

fn refusal(check: &str, message: impl Into<String>) -> Refusal {
    Refusal { check: check.to_owned(), message: message.into() }
}

/// When a window is open, and when it opens next.
fn closed(window: &Window, now: Timestamp) -> Result<String, Stop> {
    let Hours { from, to, zone } = hours(window)?;
    let now = now.to_zoned(zone.clone());
    let next = (0..=7).find_map(|days| {
        let opens =
            now.date().checked_add(days.days()).ok()?.to_datetime(from).to_zoned(zone.clone()).ok()?;
        (from != to && is_day(window, opens.weekday()) && opens > now).then_some(opens)
    });
    let next = match next {
        Some(opens) => format!("the window opens next on {}", opens.strftime("%A, %Y-%m-%d at %H:%M")),
        None => "the window never opens".to_owned(),
    };
    let days = match window.days.as_slice() {
        [] => "every day".to_owned(),
        days => {
            let named = DAYS.iter().filter(|(_, short, _)| days.iter().any(|day| day == short));
            format!("on {}", list_words(&named.map(|(_, _, long)| *long).collect::<Vec<_>>(), "and"))
        }
    };
    let Window { from, to, timezone, .. } = window;
    Ok(format!("this environment applies only {days}, {from}–{to} ({timezone}); {next}"))
}

/// A window that ends before it begins lasts over midnight, and belongs to the day on which it begins.
fn is_open(window: &Window, now: Timestamp) -> Result<bool, Stop> {
    let Hours { from, to, zone } = hours(window)?;
    let now = now.to_zoned(zone);
    let (today, at) = (now.weekday(), now.time());
    Ok(if from <= to {
        is_day(window, today) && from <= at && at < to
    } else {
        (is_day(window, today) && from <= at) || (is_day(window, today.previous()) && at < to)
    })
}

const DAYS: [(Weekday, &str, &str); 7] = [
    (Weekday::Monday, "mon", "Mondays"),
    (Weekday::Tuesday, "tue", "Tuesdays"),
    (Weekday::Wednesday, "wed", "Wednesdays"),
    (Weekday::Thursday, "thu", "Thursdays"),
    (Weekday::Friday, "fri", "Fridays"),
    (Weekday::Saturday, "sat", "Saturdays"),
    (Weekday::Sunday, "sun", "Sundays"),
];

fn is_day(window: &Window, day: Weekday) -> bool {
    let named =
        |(is, short, _): &(Weekday, &str, &str)| *is == day && window.days.iter().any(|day| day == short);
    window.days.is_empty() || DAYS.iter().any(named)
}

struct Hours {
    from: Time,
    to: Time,
    zone: TimeZone,
}

fn hours(window: &Window) -> Result<Hours, Stop> {
    let wrong = |what: &str| Stop::new(exit::ERRORS, format!("the apply window's {what} cannot be used"));
    let time = |text: &str| -> Option<Time> {
        let (hour, minute) = text.split_once(':')?;
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
    };
    Ok(Hours {
        zone: TimeZone::get(&window.timezone).map_err(|_| wrong("timezone"))?,
        from: time(&window.from).ok_or_else(|| wrong("`from`"))?,
        to: time(&window.to).ok_or_else(|| wrong("`to`"))?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_open_on_its_days_in_its_timezone_and_over_midnight() {
        let window = |from: &str, to: &str| Window {
            days: vec!["mon".into(), "tue".into()],
            from: from.into(),
            to: to.into(),
            timezone: "Europe/Stockholm".into(),
        };
        // 2026-11-23 is a Monday; Stockholm is an hour ahead of UTC.
        for (from, to, now, expected) in [
            ("08:00", "16:00", "2026-11-23T07:00:00Z", true),
            ("08:00", "16:00", "2026-11-23T06:59:59Z", false),
            ("08:00", "16:00", "2026-11-23T15:00:00Z", false),
            ("08:00", "16:00", "2026-11-25T09:00:00Z", false),
            ("22:00", "04:00", "2026-11-24T02:00:00Z", true),
            ("22:00", "04:00", "2026-11-24T22:00:00Z", true),
            ("22:00", "04:00", "2026-11-25T02:00:00Z", true),
            ("22:00", "04:00", "2026-11-25T22:00:00Z", false),
        ] {
            let open = is_open(&window(from, to), now.parse().unwrap()).unwrap();
            assert_eq!(open, expected, "{from} {to} {now}");
        }
    }

    #[test]
    fn a_closed_window_says_when_it_opens_next() {
        let window = |days: &[&str], from: &str, to: &str| Window {
            days: days.iter().map(|day| (*day).to_owned()).collect(),
            from: from.into(),
            to: to.into(),
            timezone: "Europe/Stockholm".into(),
        };
        // A Wednesday, 10:00 in Stockholm.
        let now = "2026-11-25T09:00:00Z".parse().unwrap();
        for (window, expected) in [
            (
                window(&["sun"], "03:00", "03:01"),
                "only on Sundays, 03:00–03:01 (Europe/Stockholm); the window opens next on Sunday, 2026-11-29 at 03:00",
            ),
            (
                window(&["wed", "mon"], "08:00", "09:00"),
                "only on Mondays and Wednesdays, 08:00–09:00 (Europe/Stockholm); the window opens next on Monday, 2026-11-30 at 08:00",
            ),
            (
                window(&["wed"], "08:00", "09:00"),
                "only on Wednesdays, 08:00–09:00 (Europe/Stockholm); the window opens next on Wednesday, 2026-12-02 at 08:00",
            ),
            (
                window(&[], "22:00", "04:00"),
                "only every day, 22:00–04:00 (Europe/Stockholm); the window opens next on Wednesday, 2026-11-25 at 22:00",
            ),
            (
                window(&[], "08:00", "08:00"),
                "only every day, 08:00–08:00 (Europe/Stockholm); the window never opens",
            ),
        ] {
            assert_eq!(closed(&window, now).unwrap(), format!("this environment applies {expected}"));
        }
    }

    #[test]
    fn force_names_one_check_and_a_reason() {
        let expected = Force { check: "max_reset".to_owned(), reason: "Klarna leaves".to_owned() };
        assert_eq!(force("max_reset: Klarna leaves"), Ok(expected));
        for wrong in ["max_reset", "max_reset: ", "everything: now", "", "just do it"] {
            assert!(force(wrong).is_err(), "{wrong}");
        }
    }
}
