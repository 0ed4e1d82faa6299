//! `schema`: what pairform knows of platforms.

use super::args::{Form, Schema, SchemaCommand};
use super::exit::{self, Stop};
use super::export;
use super::session::Session;
use super::streams::Streams;
use crate::ops::error::require_known;
use crate::ops::project::{has_errors, no_pair};
use crate::report::{self, json};
use crate::schema::parts::Catalogue;
use crate::source::Sources;

/// Runs the command.
///
/// # Errors
/// When there is no such pair.
pub fn run(session: &Session, args: &Schema, streams: &mut Streams) -> Result<u8, Stop> {
    // Outside a project the built-in schemas are what there is.
    let workspace = session.workspace().ok();
    let none = Sources::default();
    let sources = workspace.as_ref().map_or(&none, |workspace| workspace.sources());
    let mut findings = Vec::new();
    let catalogue = match &workspace {
        Some(_) => Catalogue::with_project(sources, &mut findings),
        None => Catalogue::default(),
    };
    streams.say(&report::findings::text(&findings, sources, &[]));
    let code = if has_errors(&findings) { exit::ERRORS } else { exit::OK };
    let is_json = session.common.output == Form::Json;
    match &args.command {
        SchemaCommand::List { facts, older_than } => {
            let facts = facts.then(|| {
                let mut facts = crate::schema::facts::facts(&catalogue);
                if let Some(age) = older_than {
                    let before = session.host(|host| host.days_ago(*age));
                    facts.retain(|fact| fact.is_due(before));
                }
                facts
            });
            streams.result(&match (facts, is_json) {
                (facts, true) => json::print(&report::schema::list_json(&catalogue, facts.as_deref(), code)),
                (Some(facts), false) => report::schema::facts(&facts),
                (None, false) => report::schema::list(&catalogue),
            });
        }
        SchemaCommand::Docs { folder } => export::docs(session, &catalogue, folder, streams)?,
        SchemaCommand::Export { folder, check } => {
            return export::export(session, &catalogue, sources, folder, *check, streams);
        }
        SchemaCommand::Show { pair, json: is_plain } => {
            let found = catalogue.pair(pair).ok_or_else(|| no_pair(pair, &catalogue))?;
            if *is_plain {
                streams.result(&json::print(found.document()));
            } else if is_json {
                streams.result(&json::print(&report::schema::pair_json(&found, code)));
            } else {
                let only = &session.common.category;
                let known: Vec<&str> = found.categories().map(|category| category.id.as_str()).collect();
                only.iter().try_for_each(|id| require_known("category", id, &known))?;
                streams.result(&report::schema::overview(&found, only));
            }
        }
    }
    Ok(code)
}
