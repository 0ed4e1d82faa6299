//! `drift`: what was changed in the store and not in the files.

use super::args::{Drift, Form};
use super::exit::{self, Stop};
use super::forms;
use super::plan::{Head, content};
use super::session::Session;
use super::streams::Streams;
use crate::ops::drift::drift;
use crate::ops::plan::Planned;
use crate::ops::templates::Templates;
use crate::report::content::{By, Content};
use crate::report::{history, json};

/// Runs the command.
///
/// # Errors
/// When there is no project, or the store cannot be read.
pub fn run(session: &Session, args: &Drift, streams: &mut Streams) -> Result<u8, Stop> {
    let workspace = session.workspace_with_commit()?;
    let request = session.request();
    let Planned { project, mut plan, .. } = session.host(|host| drift(&workspace, &request, host))?;
    let drifted = plan.integrations.tally().touched > 0;
    let code = if drifted && args.detailed_exitcode { exit::PENDING } else { exit::OK };
    let code = session.judged(&plan.findings, code, streams);
    match session.common.output {
        Form::Json => {
            let catalogue = &project.compilation.catalogue;
            json::print_plan(&mut plan, "drift", catalogue, code, &mut |text| streams.result(text));
        }
        Form::Text => streams.result(&history::drift_text(&plan)),
        _ => {
            let templates = Templates::of(project.workspace);
            let head = Head::of(session, &project);
            let content =
                Content { by: args.layout.by(By::Change), ..content("drift", &project, &plan, &head) };
            forms::print_by(session, templates, &content, streams)?;
        }
    }
    Ok(code)
}
