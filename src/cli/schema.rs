//! `schema`: what pairform knows of platforms.

use super::args::{Form, Schema, SchemaCommand};
use super::catalogue;
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
    match &args.command {
        SchemaCommand::Update { file, digest, .. } => {
            return catalogue::update(session, file.as_deref(), digest.as_deref(), streams);
        }
        SchemaCommand::Pack { folder, name, out } => {
            return catalogue::pack(session, folder, name, out, streams);
        }
        _ => {}
    }
    // Outside a project the built-in schemas are what there is.
    let workspace = session.workspace_if_any()?;
    let none = Sources::default();
    let sources = workspace.as_ref().map_or(&none, |workspace| workspace.sources());
    let mut findings = Vec::new();
    let known = match &workspace {
        Some(_) => Catalogue::with_project(sources, &mut findings),
        None => Catalogue::default(),
    };
    streams.say(&report::findings::text(&findings, sources, &[]));
    let code = if has_errors(&findings) { exit::ERRORS } else { exit::OK };
    let is_json = session.common.output == Form::Json;
    match &args.command {
        SchemaCommand::List { facts, older_than } => {
            let facts = facts.then(|| {
                let mut facts = crate::schema::facts::facts(&known);
                if let Some(age) = older_than {
                    let before = session.host(|host| host.days_ago(*age));
                    facts.retain(|fact| fact.is_due(before));
                }
                facts
            });
            streams.result(&match (facts, is_json) {
                (facts, true) => {
                    let mut list = report::schema::list_json(&known, facts.as_deref(), code);
                    list["catalogue"] = catalogue::in_force(session);
                    json::print(&list)
                }
                (Some(facts), false) => report::schema::facts(&facts),
                (None, false) => format!("{}\n{}", catalogue::line(session), report::schema::list(&known)),
            });
        }
        SchemaCommand::Docs { folder } => export::docs(session, &known, folder, streams)?,
        SchemaCommand::Export { folder, check } => {
            return export::export(session, &known, sources, folder, *check, streams);
        }
        // Done before, as they look at no project.
        SchemaCommand::Update { .. } | SchemaCommand::Pack { .. } => {}
        SchemaCommand::Show { pair, json: is_plain } => {
            let found = known.pair(pair).ok_or_else(|| no_pair(pair, &known))?;
            if *is_plain {
                streams.result(&json::print(found.document()));
            } else if is_json {
                streams.result(&json::print(&report::schema::pair_json(&found, code)));
            } else {
                let only = &session.common.category;
                let all: Vec<&str> = found.categories().map(|category| category.id.as_str()).collect();
                only.iter().try_for_each(|id| require_known("category", id, &all))?;
                streams.result(&report::schema::overview(&found, only));
            }
        }
    }
    Ok(code)
}
