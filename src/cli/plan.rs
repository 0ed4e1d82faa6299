//! `plan`: the files against what is deployed.

use std::io::{ErrorKind, Write as _};
use std::path::Path;

use super::args::{Form, Layout, Plan as PlanArgs};
use super::exit::{self, Stop};
use super::forms;
use super::session::{Session, UNKNOWN};
use super::streams::Streams;
use crate::compile::Compilation;
use crate::diagnostic::clean;
use crate::model::Hidden;
use crate::ops::load::{Loaded, Purpose, load};
use crate::ops::plan::{Planned, planned};
use crate::ops::project::Project;
use crate::ops::templates::Templates;
use crate::ops::{Request, SecretsAsked};
use crate::plan::signature::SignError;
use crate::plan::{self, Plan};
use crate::report::content::{By, Content};
use crate::report::words::person;
use crate::report::{self, json};
use crate::source::git;
use crate::source::load::{bytes_of, reason};
use crate::source::write::{Draft, Mode};
use crate::store;

/// Runs the command.
///
/// # Errors
/// When there is no project, the store cannot be read or the plan file cannot be written.
pub fn run(session: &Session, args: &PlanArgs, streams: &mut Streams) -> Result<u8, Stop> {
    let request = request(session, args.assume_secrets);
    let workspace = session.compared(args.base.as_deref(), streams)?;
    let workspace = match args.max_age {
        Some(max_age) => super::options::with_fresh_lists(session, &workspace, max_age, streams)?,
        None => workspace,
    };
    let loaded = session.host(|host| load(&workspace, &request, host, Purpose::Look))?;
    show_plan(session, args, loaded, streams)
}

fn show_plan(
    session: &Session,
    args: &PlanArgs,
    loaded: Loaded<'_>,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let request = request(session, args.assume_secrets);
    let mut planned = session.host(|host| planned(loaded, &request, host))?;
    if args.out.is_some() || session.common.output != Form::Text {
        planned.seal();
    }
    let Planned { project, mut plan, .. } = planned;
    if let Some(key) = &args.sign {
        sign(session, key, &mut plan)?;
    }
    if let Some(path) = &args.out {
        write(session, path, &mut plan)?;
    }
    let errors = project.has_errors();
    let is_pending = plan.is_pending() || !plan.released.is_empty();
    let code = match (errors, is_pending && args.detailed_exitcode) {
        (true, _) => exit::ERRORS,
        (false, true) => exit::PENDING,
        (false, false) => exit::OK,
    };
    let head = Head::of(session, &project);
    match session.common.output {
        Form::Json => {
            let catalogue = &project.compilation.catalogue;
            json::print_plan(&mut plan, "plan", catalogue, code, &mut |text| streams.result(text));
        }
        Form::Text => show(&args.layout, &project, &plan, &head, streams),
        _ => {
            let templates = Templates::of(project.workspace);
            let content =
                Content { by: args.layout.by(By::Change), ..content("plan", &project, &plan, &head) };
            forms::print_by(session, templates, &content, streams)?;
        }
    }
    if let Some(path) = &args.out {
        let next =
            if errors { "it has errors and cannot be applied".to_owned() } else { apply_with(session, path) };
        streams.say(&(clean(&format!("Plan saved to {}; {next}.", path.display())) + "\n"));
    }
    Ok(code)
}

/// What the flags ask for.
#[must_use]
pub fn request(session: &Session, assume_secrets: bool) -> Request {
    let secrets = SecretsAsked { assume: assume_secrets, ..SecretsAsked::default() };
    Request { secrets, ..session.request() }
}

/// How a saved plan is applied: where the store or a revision was named by hand, it has to be again.
#[must_use]
pub fn apply_with(session: &Session, path: &Path) -> String {
    let store = session.common.store.as_ref();
    let store = store.map(|url| format!(" --store \"{}\"", store::without_password(url)));
    let revision = session.common.rev.as_ref().map(|revision| format!(" --rev {revision}"));
    let (store, revision) = (store.unwrap_or_default(), revision.unwrap_or_default());
    format!("apply it with `pairform apply {}{revision}{store}`", path.display())
}

/// What heads a plan beside what it says of itself.
pub struct Head {
    /// Where the deployed state is, without a password.
    pub store: Option<String>,
    made: String,
}

impl Head {
    /// Of a plan that was made right now.
    #[must_use]
    pub fn of(session: &Session, project: &Project<'_>) -> Self {
        let store = session.host(|host| project.store(&session.request(), host)).ok();
        let store = store.map(|(_, address)| store::without_password(&address.url));
        let root = project.workspace.root();
        // A path within the project is told as the project has it.
        let inside = format!("{}/", root.display());
        Head { store: store.map(|url| url.replacen(&inside, "", 1)), ..Head::of_comparison(session, root) }
    }

    /// When and by whom, in words.
    #[must_use]
    pub fn made(&self) -> &str {
        &self.made
    }

    /// Of two revisions, compared right now.
    #[must_use]
    pub fn of_comparison(session: &Session, root: &Path) -> Self {
        let (at, who) = session.host(|host| ((host.now)().strftime(MOMENT).to_string(), (host.actor)(root)));
        let made = if who == UNKNOWN { at } else { format!("{at} by {}", person(&who)) };
        Head { store: None, made }
    }
}

/// `29 Nov 2026 11:02 UTC`
const MOMENT: &str = "%-d %b %Y %H:%M UTC";

/// What all forms but JSON are made of.
#[must_use]
pub fn content<'a>(
    command: &'a str,
    project: &'a Project<'_>,
    plan: &'a Plan,
    head: &'a Head,
) -> Content<'a> {
    Content {
        store: head.store.as_deref(),
        made: Some(&head.made),
        ..Content::of_plan(command, plan, &project.compilation.catalogue)
    }
}

/// The plan as text.
pub fn show(layout: &Layout, project: &Project<'_>, plan: &Plan, head: &Head, streams: &mut Streams) {
    let Compilation { findings, hidden, .. } = &project.compilation;
    streams.result(&report::policy::text(plan.policy_changes.as_deref().unwrap_or_default()));
    let errors = report::findings::errors(findings, project.workspace.sources(), hidden);
    let content = Content { by: layout.by(By::Change), ..content("plan", project, plan, head) };
    report::plan::text(&content, &errors, &mut |text| streams.result(text));
}

/// Signs a plan that is sealed.
///
/// # Errors
/// When the key cannot be read, or cannot sign.
pub fn sign(session: &Session, path: &Path, plan: &mut Plan) -> Result<(), Stop> {
    let refused = |why: String| Stop::usage(format!("cannot sign the plan with {}: {why}", path.display()));
    let key = bytes_of(&session.path(path)).map_err(|error| refused(reason(&error)))?;
    let key = Hidden::new(key);
    let text = std::str::from_utf8(&key).map_err(|_| refused(SignError::NoKey.to_string()))?;
    let signature = plan::signature::sign(&plan.digest, text).map_err(|error| refused(error.to_string()))?;
    plan.signature = Some(signature);
    Ok(())
}

/// Writes a plan file, whole or not at all.
///
/// # Errors
/// When it cannot be written.
pub fn write(session: &Session, path: &Path, plan: &mut Plan) -> Result<(), Stop> {
    let tree = git::work_tree(&session.here);
    let written = Draft::at(&session.path(path), tree.as_deref(), Mode::Shared).and_then(|mut draft| {
        let mut written = Ok(());
        plan::file::write(plan, &mut |text| {
            if written.is_ok() {
                written = draft.write_all(text.as_bytes());
            }
        });
        written.and_then(|()| draft.finish())
    });
    written.map_err(|error| {
        let why = format!("cannot write the plan to {}: {}", path.display(), reason(&error));
        match error.kind() {
            ErrorKind::NotFound
            | ErrorKind::PermissionDenied
            | ErrorKind::IsADirectory
            | ErrorKind::InvalidInput => Stop::usage(why),
            _ => Stop::new(exit::INTERNAL, why).help("nothing is left of it; plan again where there is room"),
        }
    })
}
