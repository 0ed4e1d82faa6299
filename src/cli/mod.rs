//! Arguments, streams and exit codes: the outermost layer, and the only one that prints.
//!
//! stdout carries the result and nothing else; questions, progress and failures go to stderr.
#![expect(
    clippy::disallowed_methods,
    reason = "looks which form was asked for where the arguments cannot be read"
)]

pub mod apply;
pub mod args;
mod args_reconcile;
mod args_serve;
pub mod audit;
pub mod cache;
pub mod diff;
pub mod drift;
mod dumps;
pub mod exit;
pub mod explain;
pub mod export;
pub mod fix;
pub mod fmt;
pub mod forms;
pub mod history;
pub mod init;
pub mod interrupts;
pub mod list;
pub mod man;
pub mod options;
pub mod plan;
pub mod policy;
pub mod pull;
pub mod reconcile;
pub mod release;
pub mod revert;
pub mod rewrite;
pub mod schema;
pub mod serve;
pub mod session;
pub mod show;
pub mod store;
pub mod streams;
pub mod telling;
pub mod token;
pub mod trust;
pub mod unlock;
pub mod validate;

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use clap::{CommandFactory as _, Parser as _};

use crate::ops::serving::Server;
use crate::report::json;
use args::{Cli, Command, Form, PolicyCommand};
use exit::Stop;
use session::Session;
use streams::Streams;

/// Runs one command line; the exit code is the process's.
pub fn run(arguments: impl IntoIterator<Item = OsString>, server: Option<Server>) -> u8 {
    dumps::forbid();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    let cli = match Cli::try_parse_from(&arguments) {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error, &arguments),
    };
    let mut streams = Streams::new(cli.common.color);
    let judges_policy =
        matches!(&cli.command, Command::Policy(args::Policy { command: PolicyCommand::Check { .. } }));
    let done = Session::new(cli.common.clone(), judges_policy).and_then(|session| {
        forms::refuse_unknown(&cli)?;
        guarded(|| match &cli.command {
            // It outlives this run's own thread.
            Command::Serve(args) => serve::run(session, args, server),
            Command::Reconcile(args) => reconcile::run(session, args, server, &mut streams),
            _ => dispatch(&cli, &session, &mut streams),
        })
    });
    finish(&mut streams, &cli, done)
}

/// A panic is a fault of ours; it says where, never with what values, and has an exit code of its own.
fn guarded(command: impl FnOnce() -> Result<u8, Stop>) -> Result<u8, Stop> {
    let place = Arc::new(Mutex::new(String::new()));
    let seen = Arc::clone(&place);
    std::panic::set_hook(Box::new(move |panic| {
        if let (Some(location), Ok(mut place)) = (panic.location(), seen.lock()) {
            *place = location.to_string();
        }
    }));
    let done = std::panic::catch_unwind(AssertUnwindSafe(command));
    let _ = std::panic::take_hook();
    done.unwrap_or_else(|_| {
        let place = place.lock().map(|place| place.clone()).unwrap_or_default();
        Err(Stop::new(
            exit::INTERNAL,
            format!("pairform failed at {place}; this is a fault of pairform, not of your files"),
        )
        .help("report it with the command that you ran; nothing that was saved is lost"))
    })
}

fn dispatch(cli: &Cli, session: &Session, streams: &mut Streams) -> Result<u8, Stop> {
    match &cli.command {
        Command::Init(args) => init::run(session, args, streams),
        Command::Fix(args) => fix::run(session, args, streams),
        Command::Fmt(args) => fmt::run(session, args, streams),
        Command::List(args) => list::run(session, args, streams),
        Command::Validate(args) => validate::run(session, args, streams),
        Command::Plan(args) => plan::run(session, args, streams),
        Command::Diff(args) => diff::run(session, args, streams),
        Command::Apply(args) => apply::run(session, args, streams),
        Command::Pull(args) => pull::run(session, args, streams),
        Command::Drift(args) => drift::run(session, args, streams),
        Command::History(args) => history::run(session, args, streams),
        Command::Release(args) => release::run(session, args, streams),
        Command::Revert(args) => revert::run(session, args, streams),
        Command::Audit(args) => audit::run(session, args, streams),
        Command::Unlock(args) => unlock::run(session, args, streams),
        Command::Show(args) => show::run(session, args, streams),
        Command::Explain(args) => explain::run(session, args, streams),
        Command::Schema(args) => schema::run(session, args, streams),
        Command::Options(args) => options::run(session, args, streams),
        Command::Token(command) => token::run(session, &command.command, streams),
        Command::Store(command) => store::run(session, &command.command, streams),
        // Done before, as they take the session over.
        Command::Serve(_) | Command::Reconcile(_) => Ok(exit::OK),
        Command::Policy(command) => policy::run(session, &command.command, streams),
        Command::Completions(args) => {
            let mut script = Vec::new();
            clap_complete::generate(args.shell, &mut Cli::command(), "pairform", &mut script);
            print_text(cli, &String::from_utf8_lossy(&script), streams);
            Ok(exit::OK)
        }
        Command::Man(args) => {
            match &args.out {
                Some(folder) => {
                    let files = man::write(&session.here, folder)?;
                    export::say(session, "man", &files, exit::OK, streams);
                }
                None => print_text(cli, &man::page()?, streams),
            }
            Ok(exit::OK)
        }
        Command::Version => {
            let version = env!("CARGO_PKG_VERSION");
            if cli.common.output == Form::Json {
                let body = serde_json::json!({"format_version": crate::plan::FORMAT_VERSION, "command": "version",
                    "exit_code": 0, "version": version});
                streams.result(&json::print(&body));
            } else {
                streams.result(&format!("pairform {version}\n"));
            }
            Ok(exit::OK)
        }
    }
}

/// A text that is for another program; inside the envelope where JSON was asked for.
fn print_text(cli: &Cli, text: &str, streams: &mut Streams) {
    if cli.common.output == Form::Json {
        let body = serde_json::json!({"format_version": crate::plan::FORMAT_VERSION, "command": cli.command.name(),
            "exit_code": exit::OK, "text": text});
        streams.result(&json::print(&body));
    } else {
        streams.result(text);
    }
}

fn finish(streams: &mut Streams, cli: &Cli, done: Result<u8, Stop>) -> u8 {
    let code = tell(streams, cli, done);
    let Some(error) = streams.lost() else { return code };
    let stop = Stop::new(exit::INTERNAL, format!("the result could not be written: {error}"))
        .help("what was saved stays saved; run it again with room for what it prints");
    streams.failure(&stop);
    if code == exit::OK { stop.code } else { code }
}

fn tell(streams: &mut Streams, cli: &Cli, done: Result<u8, Stop>) -> u8 {
    match done {
        Ok(code) => code,
        Err(stop) => {
            if cli.common.output == Form::Json {
                let body = json::stopped(cli.command.name(), stop.code, &stop.message, stop.help.as_deref());
                streams.result(&json::print(&body));
            }
            streams.failure(&stop);
            stop.code
        }
    }
}

/// clap's own answer, with our exit code, and as JSON where JSON was asked for.
fn refuse_arguments(error: &clap::Error, arguments: &[OsString]) -> u8 {
    use clap::error::ErrorKind;
    let wanted = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let code = if wanted { exit::OK } else { exit::USAGE };
    if !wanted && asks_for_json(arguments) {
        let mut streams = Streams::new(args::Color::Never);
        let message = error.to_string();
        let message = match error.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing",
            _ => message.lines().next().unwrap_or_default().trim_start_matches("error: "),
        };
        let help = Some("`pairform --help` lists commands and flags");
        streams.result(&json::print(&json::stopped("pairform", code, message, help)));
    }
    // A closed pipe leaves nothing to say it to.
    let _ = error.print();
    code
}

fn asks_for_json(arguments: &[OsString]) -> bool {
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let flagged = texts.iter().enumerate().any(|(at, text)| match *text {
        "-o" | "--output" => texts.get(at + 1) == Some(&"json"),
        "-ojson" | "-o=json" | "--output=json" => true,
        _ => false,
    });
    flagged || std::env::var_os("PAIRFORM_OUTPUT").is_some_and(|form| form == "json")
}
