//! `init`: a new repository, or a commented integration.

use serde_json::json;

use super::args::{Form, Init};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::ops::init::init;
use crate::plan::FORMAT_VERSION;
use crate::report::json;
use crate::schema::Pair;

/// Runs the command.
///
/// # Errors
/// When there is no such pair, or a file is there already.
pub fn run(session: &Session, args: &Init, streams: &mut Streams) -> Result<u8, Stop> {
    let heading =
        |pair: &Pair| format!("{}: see `pairform schema show {}` for every setting.", pair.title, pair.id);
    let paths = init(&session.here, args.pair.as_deref(), args.name.as_deref(), &heading)?;
    if session.common.output == Form::Json {
        let body = json!({"format_version": FORMAT_VERSION, "command": "init", "exit_code": exit::OK, "files": paths});
        streams.result(&json::print(&body));
        return Ok(exit::OK);
    }
    streams.result(&paths.iter().map(|path| format!("wrote {path}\n")).collect::<String>());
    let next = match paths.iter().any(|path| path.starts_with("integrations/")) {
        true => "fill in what is required, and run `pairform validate`",
        false => "begin an integration: `pairform init PAIR NAME`; `pairform schema list` lists the pairs",
    };
    streams.say(&format!("Next: {next}.\n"));
    Ok(exit::OK)
}
