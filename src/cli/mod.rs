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
mod catalogue;
pub mod complete;
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
pub mod pager;
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
pub mod watch;

use std::ffi::OsString;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};

use clap::{CommandFactory as _, FromArgMatches as _, ValueEnum as _};

use crate::diagnostic::Severity;
use crate::ops::serving::Server;
use crate::report::{findings, json};
use args::{Cli, Command, Form, PolicyCommand};
use exit::Stop;
use session::Session;
use streams::Streams;

/// Runs one command line; the exit code is the process's.
pub fn run(arguments: impl IntoIterator<Item = OsString>, server: Option<Server>) -> u8 {
    dumps::forbid();
    let arguments: Vec<OsString> = arguments.into_iter().collect();
    if complete::is_asked() {
        catalogue::choose_for_completion(&std::env::current_dir().unwrap_or_default());
    }
    match complete::answer(args::command, &arguments) {
        Ok(true) => return exit::OK,
        Ok(false) => {}
        Err(error) => return refuse_arguments(&error, &arguments),
    }
    // What help alone shows costs no other run anything.
    let is_help = |argument: &OsString| argument == "-h" || argument == "--help" || argument == "help";
    let known = if arguments.iter().any(is_help) { args::command() } else { Cli::command() };
    let read = known.try_get_matches_from(&arguments);
    let cli = match read.and_then(|mut read| Cli::from_arg_matches_mut(&mut read)) {
        Ok(cli) => cli,
        Err(error) => return refuse_arguments(&error, &arguments),
    };
    let mut streams = Streams::new(cli.common.color);
    let judges_policy =
        matches!(&cli.command, Command::Policy(args::Policy { command: PolicyCommand::Check { .. } }));
    let done = Session::new(cli.common.clone(), judges_policy).and_then(|mut session| {
        forms::refuse_unknown(&cli)?;
        guarded(|| {
            if cli.command.knows_platforms() {
                session.catalogue = catalogue::choose(&session, &mut streams)?;
            }
            match &cli.command {
                // It outlives this run's own thread.
                Command::Serve(args) => serve::run(session, args, server),
                Command::Reconcile(args) => reconcile::run(session, args, server, &mut streams),
                _ => dispatch(&cli, &session, &mut streams),
            }
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

/// Whether somebody reads what a command prints, and answers nothing.
fn is_read(command: &Command) -> bool {
    match command {
        Command::Validate(args) => !args.watch,
        Command::Plan(args) => !args.watch,
        Command::Diff(_)
        | Command::Drift(_)
        | Command::Explain(_)
        | Command::History(_)
        | Command::List(_)
        | Command::Schema(_)
        | Command::Show(_) => true,
        _ => false,
    }
}

fn dispatch(cli: &Cli, session: &Session, streams: &mut Streams) -> Result<u8, Stop> {
    if is_read(&cli.command) && session.common.output == Form::Text && !session.common.no_pager {
        streams.page();
    }
    match &cli.command {
        Command::Validate(args) if args.watch => watch::watch(session, streams, &mut |streams| {
            let done = validate::run(session, args, streams);
            tell(streams, cli, done)
        }),
        Command::Plan(args) if args.watch => watch::watch(session, streams, &mut |streams| {
            let done = plan::run(session, args, streams);
            tell(streams, cli, done)
        }),
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
            print_text(cli, &complete::script(args.shell)?, streams);
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
                    "exit_code": 0, "version": version, "catalogue": catalogue::in_force(session)});
                streams.result(&json::print(&body));
            } else {
                streams.result(&format!("pairform {version}\n{}", catalogue::line(session)));
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
    streams.finish_page();
    match done {
        Ok(code) => code,
        Err(stop) => {
            let here = session::folder(&cli.common);
            forms::print_stop(cli.common.output, cli.command.name(), &stop, &here, streams);
            if cli.common.output == Form::Text {
                let errors = stop.findings.iter().filter(|one| one.severity == Severity::Error);
                streams.say(&findings::without_lines(errors));
            }
            streams.failure(&stop);
            stop.code
        }
    }
}

/// clap's own answer, with our exit code, and in the form that was asked for.
fn refuse_arguments(error: &clap::Error, arguments: &[OsString]) -> u8 {
    use clap::error::ErrorKind;
    let wanted = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    let code = if wanted { exit::OK } else { exit::USAGE };
    if let Some(form) = asked_form(arguments).filter(|_| !wanted) {
        let message = error.to_string();
        let message = match error.kind() {
            ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand => "a command is missing",
            _ => message.lines().next().unwrap_or_default().trim_start_matches("error: "),
        };
        let stop = Stop::new(code, message).help("`pairform --help` lists commands and flags");
        let here = std::env::current_dir().unwrap_or_default();
        let mut streams = Streams::new(args::Color::Never);
        forms::print_stop(form, &asked_command(arguments), &stop, &here, &mut streams);
    }
    // A closed pipe leaves nothing to say it to.
    let _ = error.print();
    code
}

/// The form that arguments ask for which cannot be read as a whole.
fn asked_form(arguments: &[OsString]) -> Option<Form> {
    let texts: Vec<&str> = arguments.iter().filter_map(|argument| argument.to_str()).collect();
    let flagged = texts.iter().enumerate().find_map(|(at, text)| match *text {
        "-o" | "--output" => texts.get(at + 1).copied(),
        _ => {
            text.strip_prefix("--output=").or_else(|| Some(text.strip_prefix("-o")?.trim_start_matches('=')))
        }
    });
    let named = std::env::var("PAIRFORM_OUTPUT").ok();
    Form::from_str(flagged.or(named.as_deref())?, false).ok()
}

/// The command that they name first; `pairform` where they name none.
fn asked_command(arguments: &[OsString]) -> String {
    let known = Cli::command();
    let mut texts = arguments.iter().skip(1).filter_map(|argument| argument.to_str());
    texts.find(|text| known.find_subcommand(text).is_some()).unwrap_or("pairform").to_owned()
}
