//! `fmt`: the project's YAML in canonical layout, written or compared.

use serde_json::json;

use super::args::{Fmt, Form};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::{clean, count};
use crate::ops::chosen::Chosen;
use crate::ops::files;
use crate::ops::fmt::{LaidOut, lay_out};
use crate::plan::FORMAT_VERSION;
use crate::report::json;

/// Runs the command.
///
/// # Errors
/// When there is no project, a path names no file of it, or a file cannot be written.
pub fn run(session: &Session, args: &Fmt, streams: &mut Streams) -> Result<u8, Stop> {
    let workspace = session.tree()?;
    let LaidOut { changed, failed, seen } = lay_out(&workspace, &Chosen::of(&session.here, &args.paths)?)?;
    if !args.check {
        files::write(&workspace, &changed)?;
    }
    let changed: Vec<&String> = changed.keys().collect();
    let code = match (failed.is_empty(), args.check && !changed.is_empty()) {
        (false, _) => exit::ERRORS,
        (true, true) => exit::PENDING,
        (true, false) => exit::OK,
    };
    if session.common.output == Form::Json {
        let failed: Vec<_> = failed.iter().map(|(path, why)| json!({"path": path, "why": why})).collect();
        let body = json!({"format_version": FORMAT_VERSION, "command": "fmt", "exit_code": code,
            "changed": changed, "failed": failed, "files": seen});
        streams.result(&json::print(&body));
        return Ok(code);
    }
    changed.iter().for_each(|path| streams.result(&(clean(path) + "\n")));
    for (path, why) in &failed {
        streams.say(&(clean(&format!("left alone  {path}: {why}")) + "\n"));
    }
    let verb = if args.check { "would change" } else { "changed" };
    streams.say(&format!("{} of {} {verb}.\n", changed.len(), count(seen, "file")));
    Ok(code)
}
