//! `apply`: a saved plan, planned again and found to be the same; or plan, show, ask, apply.

use std::path::Path;
use std::time::Duration;

use super::args::{Apply, Form};
use super::exit::{self, Stop};
use super::forms;
use super::plan::{Head, content};
use super::session::Session;
use super::streams::Streams;
use crate::apply::{Cause, Report};
use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::{clean, count};
use crate::ops::apply::{Again, Applied, Manner, again, apply, record_rules, workspace_of};
use crate::ops::check::{Approved, Consent, check, check_rules, live, names_to_type};
use crate::ops::judged::Judging;
use crate::ops::load::{Purpose, load};
use crate::ops::plan::{Planned, planned};
use crate::ops::project::Project;
use crate::ops::signed::require_signature;
use crate::ops::{ErrorKind, Request};
use crate::plan::policy::Live;
use crate::plan::{self, Plan};
use crate::report;
use crate::report::content::{By, Content};
use crate::source::load::{bytes_of, open, reason};

/// Runs the command.
///
/// # Errors
/// When the plan cannot be read, is stale, has errors, is refused, or the store fails before anything was saved.
pub fn run(session: &Session, args: &Apply, streams: &mut Streams) -> Result<u8, Stop> {
    match &args.plan {
        None if args.record_only => record_only(session, args, streams),
        Some(path) => apply_file(session, args, path, streams),
        None => apply_now(session, args, streams),
    }
}

/// Who is asked types a name, and who saved a plan has read it; --yes alone is no answer to what somebody else changed.
fn consent(args: &Apply) -> Consent {
    Consent { force: args.force.clone(), live: args.allow_live, overwrite: !args.yes || args.plan.is_some() }
}

fn apply_now(session: &Session, args: &Apply, streams: &mut Streams) -> Result<u8, Stop> {
    let now = session.host(|host| (host.now)());
    let signed = require_signature(None, &session.signatures, now)?;
    let request = super::plan::request(session, args.assume_secrets);
    let workspace = session.workspace_with_commit()?;
    let loaded = session.host(|host| load(&workspace, &request, host, Purpose::Apply))?;
    let mut planned = session.host(|host| planned(loaded, &request, host))?;
    planned.seal();
    let Planned { project, plan, judging } = planned;
    let head = Head::of(session, &project);
    if session.common.output == Form::Text {
        super::plan::show(&args.layout, &project, &plan, &head, streams);
    }
    if project.has_errors() {
        return Err(Stop::new(exit::ERRORS, "the configuration has errors, so nothing was applied")
            .help("mend them, or leave the integrations that have them out with --exclude")
            .found(untold(session, &plan)));
    }
    let (_, address) = session.host(|host| project.store(&request, host))?;
    let judge = |plan| session.host(|host| check(plan, &judging, &consent(args), &signed, (host.now)()));
    let mut approved = judge(plan)?;
    say_if_idle(&approved, streams);
    if approved.plan().is_pending() && !args.yes {
        confirm(session, approved.plan(), &judging, &head, streams)?;
        // The answer may have taken longer than the window was open.
        approved = judge(approved.into_plan())?;
    }
    session.watch_interrupts();
    let manner = Manner { wait: Duration::from_secs(args.lock_timeout), ..Manner::default() };
    match session.host(|host| apply(&project, &judging, &address, approved, None, manner, host)) {
        Ok(applied) => print(session, args, applied, &project, &head, streams),
        Err(error) if error.kind == ErrorKind::Stale => match planned_anew(session, &request)? {
            // Somebody else saved just that meanwhile.
            plan if !plan.is_pending() => print(
                session,
                args,
                Applied { plan, report: Report::default(), left_alone: Vec::new() },
                &project,
                &head,
                streams,
            ),
            _ => Err(error.into()),
        },
        Err(error) => Err(error.into()),
    }
}

/// What was found, where the plan was not shown with it.
fn untold<'p>(session: &Session, plan: &'p Plan) -> &'p [PlacedFinding] {
    if session.common.output == Form::Text { &[] } else { &plan.findings }
}

/// What is to be saved by now.
fn planned_anew(session: &Session, request: &Request) -> Result<Plan, Stop> {
    let workspace = session.workspace_with_commit()?;
    let mut planned = session.host(|host| {
        let loaded = load(&workspace, request, host, Purpose::Apply)?;
        planned(loaded, request, host)
    })?;
    planned.seal();
    Ok(planned.plan)
}

/// Records the rules that the files say, so that they count at once; nothing that is recorded has a say in it.
fn record_only(session: &Session, args: &Apply, streams: &mut Streams) -> Result<u8, Stop> {
    let now = session.host(|host| (host.now)());
    let signed = require_signature(None, &session.signatures, now)?;
    let request = session.request();
    let workspace = session.workspace_with_commit()?;
    let loaded = session.host(|host| load(&workspace, &request, host, Purpose::Look))?;
    let Planned { project, plan, judging } = session.host(|host| planned(loaded, &request, host))?;
    let rules = check_rules(plan, &judging, &signed)?;
    let head = Head::of(session, &project);
    if session.common.output == Form::Text {
        super::plan::show(&args.layout, &project, rules.plan(), &head, streams);
    }
    if project.has_errors() {
        return Err(Stop::new(exit::ERRORS, "the configuration has errors, so no rules were recorded")
            .help("mend them: `pairform validate` shows where")
            .found(untold(session, rules.plan())));
    }
    let (_, address) = session.host(|host| project.store(&request, host))?;
    if !args.yes {
        if session.common.no_input || !streams.can_ask() {
            return Err(Stop::usage("there is nobody to ask whether to record these rules")
                .help("record them with --yes"));
        }
        let to = where_to(rules.plan(), &head);
        if !streams
            .ask(&format!("\nRecord these rules{to}, so that they count at once? Type `yes` to go on: "))
        {
            return Err(Stop::new(exit::REFUSED, "not recorded: `yes` was not typed"));
        }
    }
    let applied = session.host(|host| record_rules(&project, &judging, &address, rules, host))?;
    print(session, args, applied, &project, &head, streams)
}

/// A reason was given for nothing, and is not kept.
fn say_if_idle(approved: &Approved, streams: &mut Streams) {
    for check in approved.idle() {
        streams.say(&format!(
            "warning: --force lifted nothing: `{check}` does not refuse this plan; nothing is kept of it\n"
        ));
    }
}

/// Where an answer would save something, so that nobody answers for another place.
fn where_to(plan: &Plan, head: &Head) -> String {
    let place = plan.environment.as_deref().or(head.store.as_deref());
    place.map(|place| format!(" in {}", clean(place))).unwrap_or_default()
}

fn confirm(
    session: &Session,
    plan: &Plan,
    judging: &Judging,
    head: &Head,
    streams: &mut Streams,
) -> Result<(), Stop> {
    if session.common.no_input || !streams.can_ask() {
        return Err(Stop::usage("there is nobody to ask whether to apply this")
            .help("apply with --yes, or save the plan with `pairform plan --out FILE` and apply that"));
    }
    let categories = &plan.summary.categories;
    let number = categories.create + categories.update + categories.reset;
    let renamed = plan.integrations.tally().renamed;
    let what = match (renamed, count(number, "category")) {
        (0, categories) => format!("Save {categories}"),
        (renamed, categories) => format!("Rename {} and save {categories}", count(renamed, "integration")),
    };
    let what = what + &where_to(plan, head);
    // A word that nobody types by habit, where a shop is selling, or where somebody else changed what is saved over.
    let (live, over) = (live(plan), names_to_type(plan, judging));
    let word = match (over.as_slice(), live.as_slice()) {
        ([only], _) => *only,
        ([_, ..], _) => "live",
        (_, [only]) if judging.live() != Live::Allow => *only,
        (_, [_, ..]) if judging.live() != Live::Allow => "live",
        _ => "yes",
    };
    let what = match over.len() {
        0 => what,
        number => format!("{what}, over what was changed outside in {}", count(number, "integration")),
    };
    let agreed = if word == "yes" {
        streams.ask(&format!("\n{what}? Type `yes` to go on: "))
    } else {
        let number = count(live.len(), "integration");
        streams.answer(&format!("\n{what}, {number} in live mode? Type `{word}` to go on: ")) == word
    };
    if agreed {
        return Ok(());
    }
    Err(Stop::new(exit::REFUSED, format!("not applied: `{word}` was not typed")))
}

fn apply_file(session: &Session, args: &Apply, path: &Path, streams: &mut Streams) -> Result<u8, Stop> {
    let file = open(&session.path(path)).map_err(|error| {
        Stop::usage(format!("cannot read the plan {}: {}", path.display(), reason(&error)))
    })?;
    let plan = plan::file::read(file)
        .map_err(|error| Stop::usage(format!("{} cannot be applied: {error}", path.display())))?;
    let now = session.host(|host| (host.now)());
    let signed = require_signature(Some(&plan), &session.signatures, now)?;
    if plan.summary.errors > 0 {
        return Err(Stop::new(exit::ERRORS, "the plan has errors and cannot be applied")
            .help(format!("`pairform show {}` prints them; mend them and plan again", path.display()))
            .found(&plan.findings));
    }
    let request = session.request();
    let workspace = workspace_of(&session.here, &plan, &request)?;
    let Again { planned, address, begun, left_alone } =
        session.host(|host| again(&workspace, plan, &request, host))?;
    let Planned { project, plan, judging } = planned;
    say_left_alone(&left_alone, streams);
    let approved = session.host(|host| check(plan, &judging, &consent(args), &signed, (host.now)()))?;
    say_if_idle(&approved, streams);
    if approved.plan().commit.as_ref().is_some_and(|commit| commit.dirty) {
        streams.say("warning: the plan was made from a tree with uncommitted changes\n");
    }
    session.watch_interrupts();
    // A server is handed in the file itself, of whose digest it is the proof.
    let file = if address.is_server() { Some(read_again(session, path)?) } else { None };
    let manner =
        Manner { wait: Duration::from_secs(args.lock_timeout), file: file.as_deref(), ..Manner::default() };
    let applied =
        session.host(|host| apply(&project, &judging, &address, approved, Some(&begun), manner, host))?;
    print(session, args, applied, &project, &Head::of(session, &project), streams)
}

fn read_again(session: &Session, path: &Path) -> Result<Vec<u8>, Stop> {
    bytes_of(&session.path(path))
        .map_err(|error| Stop::usage(format!("cannot read the plan {}: {}", path.display(), reason(&error))))
}

fn say_left_alone(left_alone: &[String], streams: &mut Streams) {
    for moved in left_alone {
        streams
            .say(&(clean(&format!("note: left alone, as it moved after the plan was made: {moved}")) + "\n"));
    }
}

fn print(
    session: &Session,
    args: &Apply,
    applied: Applied,
    project: &Project<'_>,
    head: &Head,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let Applied { mut plan, report, left_alone } = applied;
    say_left_alone(&left_alone, streams);
    let code = session.interrupt().filter(|_| report.interrupted).unwrap_or_else(|| exit_code(&report));
    match session.common.output {
        Form::Json => {
            let catalogue = &project.compilation.catalogue;
            report::apply::print_json(&mut plan, &report, catalogue, code, &mut |text| streams.result(text));
        }
        Form::Text => report::apply::text(&report, args.plan.is_some(), &mut |text| streams.result(text)),
        _ => {
            let content = Content {
                outcome: Some(&report),
                by: args.layout.by(By::Change),
                ..content("apply", project, &plan, head)
            };
            forms::print(session, &content, streams)?;
        }
    }
    Ok(code)
}

fn exit_code(report: &Report) -> u8 {
    if report.complete() {
        return exit::OK;
    }
    if report.wrote() {
        return exit::PARTLY;
    }
    let codes = report.causes().map(|cause| match cause {
        Cause::Stale => exit::STALE,
        Cause::Secret | Cause::Denied => exit::NOT_ALLOWED,
        Cause::Store | Cause::InDoubt | Cause::SecretUnreachable => exit::UNREACHABLE,
        Cause::Locked => exit::LOCKED,
    });
    codes.min().unwrap_or(exit::PARTLY)
}
