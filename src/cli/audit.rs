//! `audit`: the record of all saves as JSON lines, and the proof that such a record is whole.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::args::{Audit, AuditCommand, Form};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::clean;
use crate::diagnostic::text::outward_json;
use crate::model::canonical_json;
use crate::ops::audit::{self, Exported, Unfit};
use crate::plan::FORMAT_VERSION;
use crate::report::json as machine;
use crate::source::load;

/// Runs the command.
///
/// # Errors
/// When there is no store, or the file is not a whole record, or does not go on from the earlier one.
pub fn run(session: &Session, args: &Audit, streams: &mut Streams) -> Result<u8, Stop> {
    let output = session.common.output;
    match &args.command {
        AuditCommand::Export => {
            let workspace = session.tree()?;
            let request = session.request();
            let Exported { lines, changed, changed_rules } =
                session.host(|host| audit::export_store(&workspace, &request, host))?;
            let code = if changed.is_empty() && changed_rules.is_empty() { exit::OK } else { exit::ERRORS };
            match output {
                Form::Json => print(streams, code, "record", lines.into()),
                _ => {
                    let text: String = lines.into_iter().map(|line| canonical_json(line) + "\n").collect();
                    streams.exactly(&outward_json(text));
                }
            }
            for record in &changed {
                let (revision, category, integration) =
                    (record.past.revision, &record.category, &record.integration);
                let which = clean(&format!("revision {revision} of {category} of {integration}"));
                streams.say(&format!("error: {which} was changed in the store after it was saved\n"));
            }
            for rules in &changed_rules {
                let which =
                    clean(&format!("the rules that {} recorded at {}", rules.recorded_by, rules.recorded_at));
                streams.say(&format!("error: {which} were changed in the store after that\n"));
            }
            return Ok(code);
        }
        AuditCommand::Verify { file, after } => {
            let lines = verified(session, file)?;
            if let Some(earlier) = after {
                audit::goes_on(&lines, &verified(session, earlier)?)
                    .map_err(|unfit| unproved(earlier, unfit))?;
            }
            match output {
                Form::Json => print(streams, exit::OK, "lines", lines.len().into()),
                _ => streams.say(&match after {
                    None => format!("{} lines, whole and unchanged.\n", lines.len()),
                    Some(earlier) => format!(
                        "{} lines, whole and unchanged; all of {} is in it.\n",
                        lines.len(),
                        earlier.display()
                    ),
                }),
            }
        }
    }
    Ok(exit::OK)
}

fn print(streams: &mut Streams, code: u8, key: &str, value: Json) {
    let mut body = json!({"format_version": FORMAT_VERSION, "command": "audit", "exit_code": code});
    body[key] = value;
    streams.result(&machine::print(&body));
}

fn verified(session: &Session, file: &Path) -> Result<Vec<Json>, Stop> {
    // No source, which has a limit: a record only grows.
    let text = load::text_of(&session.path(file))
        .map_err(|error| Stop::usage(format!("cannot read {}: {}", file.display(), load::reason(&error))))?;
    audit::verify(&text).map_err(|unfit| unproved(file, unfit))
}

fn unproved(file: &Path, unfit: Unfit) -> Stop {
    let more = if unfit == Unfit::Empty { "; `pairform audit export` makes one" } else { "" };
    Stop::new(exit::ERRORS, format!("{}:{}: {unfit}{more}", file.display(), unfit.line()))
}
