//! `options`: dropdown values from the platforms. Fetch them, look at them, compare them with what is used, clear their cache.

use std::time::Duration;

use serde_json::Value as Json;

use super::args::{self, Fetch, Form, Options as Arguments, OptionsCommand};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::compile::Whole;
use crate::diagnostic::clean_text;
use crate::diagnostic::placed::PlacedFinding;
use crate::ops::options::{
    FetchRequest, Fetched, Purpose, Sets, check_options, clear_options, fetch_options, list_options, open,
    refresh_options,
};
use crate::ops::{Error, ErrorKind, Help, Project, Request, Workspace, project::has_errors};
use crate::report::{json, options as words};

/// What each of the commands works on.
struct At<'a> {
    session: &'a Session,
    opened: &'a Project<'a, Whole>,
    request: &'a Request,
    /// Errors that no list of dropdown values mends: what they are of was not looked at.
    errors: &'a [PlacedFinding],
}

/// Runs the command.
///
/// # Errors
/// When there is no project, or a file cannot be written.
pub fn run(session: &Session, args: &Arguments, streams: &mut Streams) -> Result<u8, Stop> {
    let workspace = session.workspace()?;
    let request = &session.request();
    let opened = &session.host(|host| open(&workspace, request, host))?;
    let mut errors = opened.errors();
    errors.retain(|error| !error.is_of_options());
    let at = At { session, opened, request, errors: &errors };
    match &args.command {
        OptionsCommand::Refresh(args) => at.refresh(args, streams),
        OptionsCommand::List(sets) => at.list(sets, streams),
        OptionsCommand::Check { fetch, detailed_exitcode, max_list_age } => {
            at.check(fetch, *max_list_age, *detailed_exitcode, streams)
        }
        OptionsCommand::Clear(sets) => at.clear(sets, streams),
    }
}

impl At<'_> {
    fn is_json(&self) -> bool {
        self.session.common.output == Form::Json
    }

    fn print(&self, mut body: Json, streams: &mut Streams) {
        if let Ok(Json::Array(mut errors)) = serde_json::to_value(self.errors)
            && !errors.is_empty()
        {
            errors.extend(body["findings"].as_array().cloned().unwrap_or_default());
            body["findings"] = errors.into();
        }
        streams.result(&json::print(&body));
    }

    fn judged(&self, code: u8, streams: &mut Streams) -> u8 {
        self.session.judged(self.errors, code, streams)
    }

    fn refresh(&self, args: &Fetch, streams: &mut Streams) -> Result<u8, Stop> {
        let At { session, opened, request, .. } = self;
        session.watch_interrupts();
        let fetched = session.host(|host| refresh_options(opened, request, &asked(args), host))?;
        let code = self.judged(ended(session, &fetched).unwrap_or(exit::OK), streams);
        say_refused(&fetched, streams);
        if self.is_json() {
            self.print(words::json("options refresh", code, &fetched), streams);
        } else {
            streams.say(&words::notes(&fetched));
            streams.result(&words::text(&fetched));
        }
        Ok(code)
    }

    fn check(
        &self,
        args: &Fetch,
        max_list_age: Option<Duration>,
        detailed: bool,
        streams: &mut Streams,
    ) -> Result<u8, Stop> {
        let At { session, opened, request, .. } = self;
        session.watch_interrupts();
        let fetched = session.host(|host| fetch_options(opened, request, &asked(args), host))?;
        say_refused(&fetched, streams);
        let checked = session.host(|host| check_options(opened, request, &fetched, max_list_age, host))?;
        let code = match ended(session, &fetched) {
            Some(code) => code,
            None if has_errors(&checked.findings) => exit::ERRORS,
            None if fetched.has_moved() && detailed => exit::PENDING,
            None => exit::OK,
        };
        let code = self.judged(code, streams);
        if self.is_json() {
            self.print(words::checked_json(code, &fetched, &checked), streams);
        } else {
            streams.say(&words::notes(&fetched));
            streams.result(&words::checked_text(&fetched, &checked));
        }
        Ok(code)
    }

    fn list(&self, sets: &args::Sets, streams: &mut Streams) -> Result<u8, Stop> {
        let known = self.session.host(|host| list_options(self.opened, self.request, &meant(sets), host))?;
        let code = self.judged(exit::OK, streams);
        if self.is_json() {
            self.print(words::list_json(&known, code), streams);
        } else if known.is_empty() {
            streams.say("no dropdown values are known yet; `pairform options refresh` fetches them\n");
        } else {
            streams.result(&words::list_text(&known));
        }
        Ok(code)
    }

    fn clear(&self, sets: &args::Sets, streams: &mut Streams) -> Result<u8, Stop> {
        let cleared = clear_options(self.opened, self.request, &meant(sets))?;
        let code = self.judged(exit::OK, streams);
        if self.is_json() {
            self.print(words::cleared_json(&cleared, code), streams);
        } else {
            streams.result(&words::cleared_text(&cleared));
        }
        Ok(code)
    }
}

fn meant(sets: &args::Sets) -> Sets {
    Sets { connectors: sets.connector.clone(), sets: sets.set.clone() }
}

fn asked(args: &Fetch) -> FetchRequest {
    FetchRequest {
        sets: meant(&args.sets),
        purpose: Purpose::Files,
        max_age: args.max_age,
        timeout: args.timeout,
    }
}

/// How to allow what was refused.
fn say_refused(fetched: &Fetched, streams: &mut Streams) {
    if !fetched.refused.is_empty() {
        let help = exit::words(&Help::Allow(fetched.refused.clone()));
        streams.say(&(clean_text(&format!("help: {help}")) + "\n"));
    }
}

/// The exit code of fetching that a signal ended, or of which not all came.
fn ended(session: &Session, fetched: &Fetched) -> Option<u8> {
    let signal = session.interrupt().filter(|_| fetched.is_stopped);
    signal.or_else(|| fetched.failure().map(exit::code))
}

/// The project as today's lists judge it: what the cache has is taken when it is young enough, the rest is fetched. No list is
/// written. A platform that does not answer leaves the committed list in force, and is said.
///
/// # Errors
/// When the cache cannot be written, or the run was stopped.
pub fn with_fresh_lists(
    session: &Session,
    workspace: &Workspace,
    max_age: Duration,
    streams: &mut Streams,
) -> Result<Workspace, Stop> {
    let request = session.request();
    let opened = session.host(|host| open(workspace, &request, host))?;
    session.watch_interrupts();
    let asked = FetchRequest {
        sets: Sets::default(),
        purpose: Purpose::Files,
        max_age,
        timeout: Duration::from_secs(30),
    };
    let fetched = session.host(|host| fetch_options(&opened, &request, &asked, host))?;
    if fetched.is_stopped {
        let code = session.interrupt().unwrap_or(exit::INTERRUPTED);
        return Err(Stop::new(code, "the run was stopped"));
    }
    if !fetched.refused.is_empty() {
        let why = "what is to be asked for dropdown values is not allowed here";
        return Err(Error::new(ErrorKind::NotAllowed, why).with(Help::Allow(fetched.refused)).into());
    }
    streams.say(&(words::notes(&fetched) + &words::in_force(&fetched)));
    // Git looked for it meanwhile; what is laid over the project stands on the same one.
    let _ = workspace.commit();
    Ok(workspace.overlay(&fetched.files()))
}
