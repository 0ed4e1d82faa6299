//! `plan`: the files against what is deployed.
#![expect(clippy::disallowed_methods, reason = "writes the plan file that --out names")]

use std::fs::File;
use std::io::{BufWriter, ErrorKind, Write as _};
use std::path::Path;

use super::args::{Common, Form, Plan as PlanArgs};
use super::exit::{self, Stop};
use super::project::Project;
use super::settled::{self, Fleet, Ground, Opened, Purpose};
use super::streams::Streams;
use super::{forms, planner};
use crate::plan::{self, Plan};
use crate::report::content::Content;
use crate::report::{self, json};
use crate::source::load;
use crate::store;

/// Runs the command.
///
/// # Errors
/// When there is no project, the store cannot be read or the plan file cannot be written.
pub fn run(common: &Common, args: &PlanArgs, streams: &mut Streams) -> Result<u8, Stop> {
    let Opened { project: opened, fleet, mut ground } = match args.max_age {
        Some(max_age) => {
            let project = super::options::open_with_fresh_lists(common, max_age, streams)?;
            Opened { ground: Ground::under(common, &project)?, project, fleet: Fleet::default() }
        }
        None => settled::open(common, Purpose::Look)?,
    };
    say_if_broken(common, &opened, streams);
    let mut plan = planner::make_on(common, &opened, fleet, &mut ground, None)?;
    if args.out.is_some() || common.output != Form::Text {
        plan::file::seal(&mut plan);
    }
    if let Some(path) = &args.out {
        write(path, &mut plan)?;
    }
    let errors = opened.has_errors();
    let code = match (errors, plan.is_pending() && args.detailed_exitcode) {
        (true, _) => exit::ERRORS,
        (false, true) => exit::PENDING,
        (false, false) => exit::OK,
    };
    match common.output {
        Form::Json => json::print_plan(&mut plan, "plan", code, &mut |text| streams.result(text)),
        Form::Text => show(&opened, &plan, streams),
        _ => forms::print(common, &content("plan", &opened, &plan), streams)?,
    }
    if let Some(path) = &args.out {
        let next =
            if errors { "it has errors and cannot be applied".to_owned() } else { apply_with(common, path) };
        streams.say(&report::clean(&format!("Plan saved to {}; {next}.\n", path.display())));
    }
    Ok(code)
}

/// How a saved plan is applied: where the store was named by hand, it has to be again.
#[must_use]
pub fn apply_with(common: &Common, path: &Path) -> String {
    let store = common.store.as_ref().map(|url| format!(" --store \"{}\"", store::without_password(url)));
    format!("apply it with `pairform apply {}{}`", path.display(), store.unwrap_or_default())
}

/// Without the project file there is no plan, so its findings are shown before the command stops.
pub fn say_if_broken(common: &Common, opened: &Project, streams: &mut Streams) {
    if opened.compilation.project.broken && common.output == Form::Text {
        let compilation = &opened.compilation;
        streams.say(&report::findings::text(&compilation.findings, &opened.sources, &compilation.hidden));
    }
}

/// What the other forms are made of.
#[must_use]
pub fn content<'a>(command: &'a str, opened: &'a Project, plan: &'a Plan) -> Content<'a> {
    Content {
        command,
        findings: &plan.findings,
        integrations: plan.summary.integrations,
        plan: Some(plan),
        outcome: None,
        catalogue: &opened.compilation.catalogue,
        folder: "",
    }
}

/// Findings, then the plan, as text.
pub fn show(opened: &Project, plan: &Plan, streams: &mut Streams) {
    let compilation = &opened.compilation;
    streams.result(&report::findings::text(&compilation.findings, &opened.sources, &compilation.hidden));
    report::plan::text(plan, &mut |text| streams.result(text));
}

/// Writes beside the target and renames, so that no half-written plan is ever seen.
///
/// # Errors
/// When it cannot be written.
pub fn write(path: &Path, plan: &mut Plan) -> Result<(), Stop> {
    let mut name = path.file_name().ok_or_else(|| Stop::usage("--out names no file"))?.to_owned();
    name.push(".part");
    let part = path.with_file_name(name);
    let written = write_to(&part, plan).and_then(|()| std::fs::rename(&part, path));
    written.map_err(|error| {
        let _ = std::fs::remove_file(&part);
        let why = format!("cannot write the plan to {}: {}", path.display(), load::reason(&error));
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::PermissionDenied | ErrorKind::IsADirectory => Stop::usage(why),
            _ => Stop::new(exit::INTERNAL, why).help("nothing is left of it; plan again where there is room"),
        }
    })
}

fn write_to(path: &Path, plan: &mut Plan) -> std::io::Result<()> {
    let mut file = BufWriter::new(File::create(path)?);
    let mut written = Ok(());
    plan::file::write(plan, &mut |text| {
        if written.is_ok() {
            written = file.write_all(text.as_bytes());
        }
    });
    written?;
    file.flush()
}
