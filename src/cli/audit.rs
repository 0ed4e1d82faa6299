//! `audit`: the record of all saves as JSON lines, and the proof that such a record is whole.
#![expect(clippy::disallowed_methods, reason = "reads the record that is to be verified")]

use std::path::Path;

use serde_json::{Value as Json, json};

use super::args::{Audit, AuditCommand, Common, Form};
use super::exit::{self, Stop};
use super::project;
use super::streams::Streams;
use crate::compile::project::Project as Declared;
use crate::model::canonical_json;
use crate::plan::FORMAT_VERSION;
use crate::report::{audit, clean, json as machine};
use crate::store::{self, Record};

/// Runs the command.
///
/// # Errors
/// When there is no store, or the file is not a whole record, or does not go on from the earlier one.
pub fn run(common: &Common, args: &Audit, streams: &mut Streams) -> Result<u8, Stop> {
    match &args.command {
        AuditCommand::Export => {
            let (root, sources) = project::read_tree()?;
            let declared = Declared::read(&sources, &mut Vec::new());
            let (_, url) =
                project::store_of(&declared, &root, common.env.as_deref(), common.store.as_deref())?;
            let mut store = store::open_existing(&url)?
                .ok_or_else(|| Stop::usage("there is no store yet, so nothing was saved"))?;
            // Heads first: what is saved meanwhile may be told of and not be deployed yet, never the other way round.
            let heads = store.heads(None)?;
            let (records, notes) = (store.records()?, store.notes()?);
            let lines = audit::export(store.identity(), &records, &notes, &heads);
            let changed: Vec<String> = records.iter().filter_map(changed).collect();
            let code = if changed.is_empty() { exit::OK } else { exit::ERRORS };
            match common.output {
                Form::Json => print(streams, code, "record", lines.into()),
                _ => {
                    let text: String = lines.into_iter().map(|line| canonical_json(line) + "\n").collect();
                    streams.result(&text);
                }
            }
            for which in &changed {
                streams.say(&format!("error: {which} was changed in the store after it was saved\n"));
            }
            return Ok(code);
        }
        AuditCommand::Verify { file, after } => {
            let lines = verified(file)?;
            if let Some(earlier) = after {
                audit::goes_on(&lines, &verified(earlier)?).map_err(|unfit| unproved(earlier, unfit))?;
            }
            match common.output {
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

/// A save that is not in the history as it was made, in words.
fn changed(record: &Record) -> Option<String> {
    let Record { integration, category, past } = record;
    let is_changed = past.settings.as_ref().is_err_and(|unusable| unusable.changed);
    is_changed.then(|| clean(&format!("revision {} of {category} of {integration}", past.revision)))
}

fn print(streams: &mut Streams, code: u8, key: &str, value: Json) {
    let mut body = json!({"format_version": FORMAT_VERSION, "command": "audit", "exit_code": code});
    body[key] = value;
    streams.result(&machine::print(&body));
}

fn verified(file: &Path) -> Result<Vec<Json>, Stop> {
    // No source, which has a limit: a record only grows.
    let text = std::fs::read_to_string(file)
        .map_err(|error| Stop::usage(format!("cannot read {}: {error}", file.display())))?;
    audit::verify(&text).map_err(|unfit| unproved(file, unfit))
}

fn unproved(file: &Path, (line, why): audit::Unfit) -> Stop {
    Stop::new(exit::ERRORS, format!("{}:{line}: {why}", file.display()))
}
