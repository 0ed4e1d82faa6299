//! What a round of the reconciler did, where reconciliation stands, and what is open, for people and for machines. It decides nothing.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use super::template::{TemplateError, fill};
use super::{clean, count, html};
use crate::apply::Outcome;
use crate::ops::reconcile::{Concern, Done, Kind, Open, Rollout, Status};

const PAGE: &str = include_str!("templates/reconcile.html");

/// As many digits of a commit as people say.
const DIGITS: usize = 10;

/// What a matter is about, in one line.
#[must_use]
pub fn title(concern: &Concern) -> String {
    let what = match (&concern.category, &concern.integration) {
        (Some(category), Some(integration)) => format!("{category} of {integration}"),
        (None, Some(integration)) => integration.clone(),
        _ => String::new(),
    };
    let live = if concern.live { " (live)" } else { "" };
    let said = match concern.kind {
        Kind::Drift => format!("{what}{live} was changed outside"),
        Kind::Conflict => format!("{what}{live} was changed outside and in git"),
        Kind::Gated => format!("{what}{live} has changes in git that are not applied by themselves"),
        Kind::Waits => format!("{what}{live} waits for something else that is held"),
        Kind::History => {
            let commit = concern.deployed_commit.as_deref().unwrap_or_default();
            format!(
                "{what}{live} is deployed from commit {}, which is not in the history of the new one",
                short(commit)
            )
        }
        Kind::Invalid if what.is_empty() => {
            "the commit has errors, so that nothing of it is applied".to_owned()
        }
        Kind::Invalid => format!("{what} has errors, so that nothing of it is applied"),
        Kind::Refused if what.is_empty() => "a rule of safety refuses the whole of it".to_owned(),
        Kind::Refused => format!("a rule of safety refuses to save {what}{live}"),
        Kind::Failed => format!("{what} could not be saved"),
        Kind::Released => format!("{what} left the files"),
        Kind::Wave => {
            let commit = concern.deployed_commit.as_deref().unwrap_or_default();
            format!("commit {} is rolled out no further, as a wave of it failed", short(commit))
        }
        Kind::Stopped => "reconciliation is stopped".to_owned(),
    };
    clean(&said)
}

/// What there is to say beside that, a line each.
#[must_use]
pub fn details(concern: &Concern) -> Vec<String> {
    const SHOWN: usize = 10;
    let mut lines: Vec<String> = Vec::new();
    for one in concern.settings.iter().take(SHOWN) {
        let by = one.by.as_deref().map(|by| format!(", by {by}")).unwrap_or_default();
        let since = one.since.as_deref().map(|since| format!(" at {since}")).unwrap_or_default();
        let line = one.line.map(|line| format!(":{line}")).unwrap_or_default();
        let place = one.path.as_deref().map(|path| format!(" ({path}{line})")).unwrap_or_default();
        let value = |value: &Json| if value.is_null() { "not set".to_owned() } else { value.to_string() };
        lines.push(format!(
            "{}: deployed {}{by}{since}; git {}{place}",
            one.setting,
            value(&one.deployed),
            value(&one.files)
        ));
    }
    let more = concern.settings.len().saturating_sub(SHOWN);
    if more > 0 {
        lines.push(format!("and {}", count(more, "more setting")));
    }
    lines.extend(concern.reasons.iter().cloned());
    lines.extend(concern.until.as_ref().map(|until| format!("left as it is until {until}")));
    lines.extend(concern.branch.as_ref().map(|branch| match concern.pushed {
        true => format!("proposed on the branch {branch}"),
        false => format!("proposed on the branch {branch} of this clone, which is not pushed"),
    }));
    if !concern.owners.is_empty() {
        lines.push(format!("needs the review of {}", concern.owners.join(", ")));
    }
    lines.iter().map(|line| clean(line)).collect()
}

/// The ways out of a matter.
#[must_use]
pub fn ways(concern: &Concern) -> Vec<String> {
    let of = match (&concern.integration, &concern.category) {
        (Some(integration), Some(category)) => format!(" --integration {integration} --category {category}"),
        (Some(integration), None) => format!(" --integration {integration}"),
        _ => String::new(),
    };
    let named = concern.integration.as_deref().unwrap_or_default();
    let category = concern.category.as_deref().map(|id| format!(" --category {id}")).unwrap_or_default();
    let ways = match concern.kind {
        Kind::Drift => vec![
            format!("set it back: `pairform apply{of}`"),
            format!("take it into git: `pairform pull {named}{category}`"),
        ],
        Kind::Conflict => vec![
            format!("deploy what git says: `pairform apply{of}`"),
            format!("take what is deployed into git: `pairform pull {named}{category} --conflicts`"),
        ],
        Kind::Gated => vec![format!("apply it: `pairform apply{of}`")],
        Kind::Waits => vec!["settle what it waits for".to_owned()],
        Kind::History => vec![
            "go on with the new history: `pairform reconcile accept COMMIT --reason WHY`".to_owned(),
            "or bring the former one back into the branch".to_owned(),
        ],
        Kind::Invalid => vec!["mend it in a new commit: `pairform validate` shows all of it".to_owned()],
        Kind::Refused => vec![format!(
            "look at the plan (`pairform plan{of}`) and apply it by hand, or change the rule in git"
        )],
        Kind::Failed => vec!["it is tried again in the next round".to_owned()],
        Kind::Released => vec![format!("acknowledge it: `pairform release {named} --reason WHY`")],
        Kind::Wave => {
            let merge = concern.branch.as_ref().map(|branch| format!("take the commit back: merge {branch}"));
            let others = [
                "mend it in a new commit, which begins with the first wave".to_owned(),
                "wait once more, from the first wave on: `pairform reconcile restart --reason WHY`"
                    .to_owned(),
                "go on with the next wave: `pairform reconcile next --reason WHY`".to_owned(),
            ];
            merge.into_iter().chain(others).collect()
        }
        Kind::Stopped => {
            let again = "it is tried again in the next round".to_owned();
            concern.way.iter().cloned().chain([again]).collect()
        }
    };
    ways.iter().map(|way| clean(way)).collect()
}

fn short(commit: &str) -> &str {
    commit.get(..DIGITS).unwrap_or(commit)
}

fn paragraph(mark: &str, concern: &Concern) -> String {
    let mut out = format!("{mark} {}\n", title(concern));
    for line in details(concern) {
        let _ = writeln!(out, "    {line}");
    }
    for way in ways(concern) {
        let _ = writeln!(out, "    {} {way}", "→".dimmed());
    }
    out
}

/// What a round did: what was saved, and what moved among the matters.
#[must_use]
pub fn text(done: &Done) -> String {
    let mut out = String::new();
    let saved = |outcome: &Outcome| matches!(outcome, Outcome::Saved { .. });
    let number = done.report.outcomes.iter().filter(|(_, _, outcome)| saved(outcome)).count();
    let commit = short(&done.commit);
    if number > 0 {
        let _ = writeln!(out, "{} {} saved from commit {commit}", "✓".green(), count(number, "category"));
        for (integration, category, outcome) in &done.report.outcomes {
            if let Outcome::Saved { revision } = outcome {
                let _ =
                    writeln!(out, "    {}", clean(&format!("{integration} {category} revision {revision}")));
            }
        }
    }
    for concern in done.moved.opened.iter().chain(&done.moved.updated) {
        out.push_str(&paragraph(
            &if concern.held { "!".red().to_string() } else { "~".yellow().to_string() },
            concern,
        ));
    }
    for concern in &done.moved.closed {
        let _ = writeln!(out, "{} over: {}", "✓".green(), title(concern));
    }
    out
}

/// How far a commit is rolled out, in waves.
#[must_use]
pub fn rollout_text(rollout: &Rollout) -> String {
    const SHOWN: usize = 5;
    let names: Vec<&str> = rollout.members.keys().take(SHOWN).map(String::as_str).collect();
    let more = rollout.members.len() - names.len();
    let more = if more > 0 { format!(" and {more} more") } else { String::new() };
    let mut out = format!(
        "Commit {} is rolled out: wave {} of {} since {}, with {}{more}.",
        short(&rollout.commit),
        rollout.wave + 1,
        rollout.of,
        rollout.began_at.as_deref().unwrap_or("now"),
        names.join(", ")
    );
    let blocked: Vec<&str> = rollout
        .members
        .iter()
        .filter(|(_, one)| one.saved_at.is_none())
        .map(|(name, _)| name.as_str())
        .collect();
    if rollout.tried_at.is_some() && !blocked.is_empty() {
        let _ = write!(out, "\n    could not be saved, and are not waited for: {}", blocked.join(", "));
    }
    let waits = if rollout.failed.is_empty() { rollout.waits_for() } else { Vec::new() };
    for what in waits {
        let _ = write!(out, "\n    waits for {what}");
    }
    for why in &rollout.failed {
        let _ = write!(out, "\n    failed: {why}");
    }
    if let Some(newer) = &rollout.newer {
        let _ = write!(out, "\nCommit {} waits for the end of it.", short(newer));
    }
    out.push('\n');
    out.lines().map(|line| clean(line) + "\n").collect()
}

fn rollout_json(rollout: &Rollout) -> Json {
    let member = |(name, member): (&String, &crate::ops::reconcile::Member)| json!({"integration": name, "saved_at": member.saved_at, "synced": member.flows});
    json!({
        "commit": rollout.commit,
        "wave": rollout.wave + 1,
        "waves": rollout.of,
        "began_at": rollout.began_at,
        "members": rollout.members.iter().map(member).collect::<Vec<_>>(),
        "waits_for": if rollout.failed.is_empty() { rollout.waits_for() } else { Vec::new() },
        "failed": rollout.failed,
        "newer": rollout.newer,
    })
}

/// The last lines of a single round.
#[must_use]
pub fn summary(done: &Done) -> String {
    let rollout = done.rollout.as_ref().map(rollout_text).unwrap_or_default();
    rollout + &summary_of_matters(done)
}

fn summary_of_matters(done: &Done) -> String {
    let held = done.open.iter().filter(|concern| concern.held).count();
    let told = done.open.len() - held;
    let commit = short(&done.commit);
    match (held, told) {
        (0, 0) if done.rollout.is_some() => String::new(),
        (0, 0) => format!("All is as commit {commit} says.\n"),
        (0, told) => format!("Commit {commit}: {} to look at.\n", count(told, "matter")),
        (held, told) => format!("Commit {commit}: {} held, {} to look at.\n", count(held, "matter"), told),
    }
}

/// A matter, as machines read it.
#[must_use]
pub fn concern_json(concern: &Concern) -> Json {
    let mut json = serde_json::to_value(concern).unwrap_or_default();
    if let Some(fields) = json.as_object_mut() {
        // It is one of the ways.
        fields.remove("way");
    }
    json["id"] = concern.id().into();
    json["title"] = title(concern).into();
    json["ways"] = ways(concern).into();
    json
}

/// What a round did, as machines read it.
#[must_use]
pub fn json(done: &Done, exit_code: u8) -> Json {
    let all = |concerns: &[Concern]| concerns.iter().map(Concern::id).collect::<Vec<_>>();
    let outcome = |(integration, category, outcome): &(_, _, Outcome)| {
        let mut row = serde_json::to_value(outcome).unwrap_or_default();
        row["integration"] = json!(integration);
        row["category"] = json!(category);
        row
    };
    json!({
        "format_version": crate::plan::FORMAT_VERSION,
        "command": "reconcile",
        "exit_code": exit_code,
        "commit": done.commit,
        "quiet": done.quiet,
        "categories": done.report.outcomes.iter().map(outcome).collect::<Vec<_>>(),
        "open": done.open.iter().map(concern_json).collect::<Vec<_>>(),
        "opened": all(&done.moved.opened),
        "updated": all(&done.moved.updated),
        "closed": all(&done.moved.closed),
        "rollout": done.rollout.as_ref().map(rollout_json),
    })
}

/// Where reconciliation stands, as machines read it.
#[must_use]
pub fn status_json(status: &Status) -> Json {
    let open = |open: &Open| {
        let mut json = concern_json(&open.concern);
        json["opened_at"] = open.since.as_str().into();
        json
    };
    json!({
        "format_version": crate::plan::FORMAT_VERSION,
        "command": "reconcile status",
        "exit_code": 0,
        "environment": status.environment,
        "commit": status.last.as_ref().map(|last| &last.commit),
        "at": status.last.as_ref().map(|last| &last.at),
        "applied_at": status.document["applied_at"],
        "worker": status.worker.as_ref().map(|lock| {
            json!({"owner": lock.owner, "since": lock.taken_at, "expires_at": lock.expires_at})
        }),
        "behind": status.behind,
        "rollout": status.rollout.as_ref().map(rollout_json),
        "open": status.open.iter().map(open).collect::<Vec<_>>(),
    })
}

/// The commit that a store is reconciled with.
fn standing(status: &Status) -> String {
    let environment = status.environment.as_deref().map(|name| format!(" of {name}")).unwrap_or_default();
    clean(&match &status.last {
        None => format!("The store{environment} was never reconciled."),
        Some(last) => {
            let since = status.document["applied_at"].as_str().unwrap_or("an unknown time");
            let (commit, at) = (short(&last.commit), &last.at);
            format!(
                "The store{environment} is reconciled with commit {commit} since {since}; the last round was at {at}."
            )
        }
    })
}

/// Who makes the rounds.
fn worker(status: &Status) -> String {
    match &status.worker {
        Some(lock) => clean(&format!(
            "{} works since {}, and until {} at least.",
            lock.owner, lock.taken_at, lock.expires_at
        )),
        None => "Nobody works now.".to_owned(),
    }
}

/// Where reconciliation stands, as one self-contained page.
///
/// # Errors
/// When the template fails, which a test rules out.
pub fn status_html(status: &Status) -> Result<String, TemplateError> {
    let fact = |name: &str, text: String| json!({"name": name, "text": text});
    let last = status.last.as_ref();
    let commit = last.map(|last| fact("Commit", last.commit.clone()));
    let behind = (status.behind > 0).then(|| fact("Behind git", count(status.behind, "category")));
    let matter = |Open { since, concern }: &Open| {
        json!({
            "title": title(concern), "held": concern.held, "details": details(concern), "ways": ways(concern), "since": since,
        })
    };
    let outline = json!({
        "style": html::STYLE,
        "policy": html::policy(None),
        "environment": status.environment,
        "verdict": standing(status),
        "facts": commit.into_iter().chain([fact("Works", worker(status))]).chain(behind).collect::<Vec<_>>(),
        "rollout": status.rollout.as_ref().map(|one| rollout_text(one).lines().map(str::to_owned).collect::<Vec<_>>()),
        "open": status.open.iter().map(matter).collect::<Vec<_>>(),
    });
    fill("reconcile.html", PAGE, &outline)
}

/// Where reconciliation stands, for people.
#[must_use]
pub fn status_text(status: &Status) -> String {
    let mut out = format!("{}\n{}\n", standing(status), worker(status));
    if let Some(rollout) = &status.rollout {
        out.push_str(&rollout_text(rollout));
    }
    if status.behind > 0 {
        let _ = writeln!(out, "{} behind what git says.", count(status.behind, "category"));
    }
    for Open { since, concern } in &status.open {
        out.push('\n');
        let mark = if concern.held { "!".red().to_string() } else { "~".yellow().to_string() };
        out.push_str(&paragraph(&mark, concern));
        let _ = writeln!(out, "    {}", clean(&format!("open since {since}")));
    }
    if status.open.is_empty() && status.last.is_some() {
        out.push_str("Nothing is open.\n");
    }
    out
}
