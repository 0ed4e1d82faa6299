//! `diff`: two revisions of the repository, compiled and compared by setting.

use super::args::{Diff, Form};
use super::exit::{self, Stop};
use super::forms;
use super::plan::{Head, content};
use super::session::{Session, say_unvouched};
use super::streams::Streams;
use crate::ops::diff::{Compared, Sides, diff, open};
use crate::ops::templates::Templates;
use crate::report::content::{By, Content};
use crate::report::{self, json};

/// Runs the command.
///
/// # Errors
/// When there is no project, or a revision cannot be read.
pub fn run(session: &Session, args: &Diff, streams: &mut Streams) -> Result<u8, Stop> {
    let request = session.request();
    let Diff { base, head, exact, blame, .. } = args;
    let sides = Sides {
        base: base.clone(),
        head: head.clone(),
        exact: *exact,
        blame: *blame,
        untrusted: session.is_untrusted(),
    };
    // The command ends with what is opened here: the system takes back at once what would be taken to pieces.
    let opened = Box::leak(Box::new(open(&session.here, &request, &sides)?));
    say_unvouched(opened.head(), streams);
    let compared = Box::leak(Box::new(session.host(|host| diff(opened, &request, host))?));
    let code = match (compared.plan.summary.errors > 0, compared.has_changes() && args.detailed_exitcode) {
        (true, _) => exit::ERRORS,
        (false, true) => exit::PENDING,
        (false, false) => exit::OK,
    };
    let Compared { after, plan, findings, .. } = compared;
    let head = Head::of_comparison(session, after.workspace.root());
    let catalogue = &after.compilation.catalogue;
    match session.common.output {
        Form::Json => json::print_plan(plan, "diff", catalogue, code, &mut |text| streams.result(text)),
        Form::Text => {
            let sources = after.workspace.sources();
            streams.result(&report::policy::text(plan.policy_changes.as_deref().unwrap_or_default()));
            let errors = report::findings::errors(findings, sources, &after.compilation.hidden);
            let content = Content { by: args.layout.by(By::Change), ..content("diff", after, plan, &head) };
            report::plan::text(&content, &errors, &mut |text| streams.result(text));
        }
        _ => {
            let templates = Templates::of(after.workspace);
            let content = Content { by: args.layout.by(By::Change), ..content("diff", after, plan, &head) };
            forms::print_by(session, templates, &content, streams)?;
        }
    }
    Ok(code)
}
