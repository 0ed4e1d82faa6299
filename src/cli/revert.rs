//! `revert`: the way back to what was deployed before, written into the files, or as an ordinary plan that is reviewed and
//! applied like any other.

use super::args::{Form, Revert};
use super::exit::{self, Stop};
use super::plan::{Head, content};
use super::rewrite;
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::clean;
use crate::ops::plan::Planned;
use crate::ops::propose::Destination;
use crate::ops::revert::{Point, into_files, revert};
use crate::report::content::{By, Content};
use crate::report::edits::REVERT;
use crate::report::{self, json};

/// Runs the command.
///
/// # Errors
/// When the store holds no such point to go back to, or the plan file cannot be written.
pub fn run(session: &Session, args: &Revert, streams: &mut Streams) -> Result<u8, Stop> {
    let request = session.request();
    let point = match (args.revision, &args.time, &args.commit) {
        (Some(revision), _, _) => Some(Point::Revision(revision)),
        (None, Some(time), _) => Some(Point::Time(time.clone())),
        (None, None, Some(commit)) => Some(Point::Commit(commit.clone())),
        (None, None, None) => None,
    };
    if args.write {
        if session.common.rev.is_some() {
            return Err(Stop::usage("a revision is read, and --write changes the working tree")
                .help("leave --rev out"));
        }
        let workspace = session.tree()?;
        let destination = if args.into_base { Destination::WhereSet } else { Destination::OwnFiles };
        let edits = session
            .host(|host| into_files(&workspace, &request, &args.what, point.as_ref(), destination, host))?;
        return rewrite::write(session, &workspace, REVERT, &edits, args.yes, streams);
    }
    let workspace = session.workspace()?;
    let Planned { mut plan, project, .. } =
        session.host(|host| revert(&workspace, &request, &args.what, point.as_ref(), args.hold, host))?;
    if let Some(key) = &args.sign {
        super::plan::sign(session, key, &mut plan)?;
    }
    if let Some(path) = &args.out {
        super::plan::write(session, path, &mut plan)?;
    }
    match session.common.output {
        Form::Json => {
            let catalogue = &project.compilation.catalogue;
            json::print_plan(&mut plan, "revert", catalogue, exit::OK, &mut |text| streams.result(text));
        }
        _ => {
            streams.result(&report::policy::text(plan.policy_changes.as_deref().unwrap_or_default()));
            let head = Head::of(session, &project);
            let content =
                Content { by: args.layout.by(By::Change), ..content("revert", &project, &plan, &head) };
            report::plan::text(&content, "", &mut |text| streams.result(text));
        }
    }
    let next = match &args.out {
        Some(path) => {
            let next = super::plan::apply_with(session, path);
            clean(&format!("Plan saved to {}; {next}.", path.display())) + "\n"
        }
        None => "Nothing was saved: --write puts this into the files, --out FILE makes it a plan to apply.\n"
            .to_owned(),
    };
    streams.say(&next);
    Ok(exit::OK)
}
