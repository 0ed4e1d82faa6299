//! `policy`: what is allowed here and from where, and what is wrong in a policy file. Nothing is reached out to.

use std::path::Path;

use serde_json::{Value as Json, json};

use super::args::{Form, PolicyCommand};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use super::trust;
use crate::diagnostic::clean;
use crate::ops::approved::{Reached, reached};
use crate::ops::policy_file::PolicyFile;
use crate::plan::FORMAT_VERSION;
use crate::report::{self, json as machine};
use crate::source::load::{find_root, reason, text_of};

/// Runs the command.
///
/// # Errors
/// When the policy cannot be read.
pub fn run(session: &Session, command: &PolicyCommand, streams: &mut Streams) -> Result<u8, Stop> {
    match command {
        PolicyCommand::Show => show(session, streams),
        PolicyCommand::Check { file } => check(session, file.as_deref(), streams),
    }
}

fn show(session: &Session, streams: &mut Streams) -> Result<u8, Stop> {
    let gathered = session.gathered();
    let request = session.request();
    // Outside a project there is nothing to reach out for.
    let is_in_project = request.revision.is_some() || find_root(&session.here).is_some();
    let reached = if is_in_project {
        let workspace = session.workspace()?;
        session.host(|host| reached(&workspace, &request, host))?
    } else {
        Vec::new()
    };
    let usual: Vec<String> = trust::usual_policies().iter().map(|path| path.display().to_string()).collect();
    let policy = gathered.policy.as_ref();
    let signers: Vec<&str> = policy
        .iter()
        .flat_map(|(_, policy)| &policy.signatures.signers)
        .map(|signer| signer.line.as_str())
        .collect();
    let is_signed = policy.is_some_and(|(_, policy)| policy.signatures.required);
    if session.common.output == Form::Json {
        let allow: Vec<Json> = gathered
            .trust
            .grants()
            .iter()
            .map(|grant| json!({"line": grant.line.to_string(), "from": grant.from.to_string()}))
            .collect();
        let reached: Vec<Json> = reached
            .iter()
            .map(|one| json!({"line": one.line.to_string(), "allowed": one.by.is_some(), "by": one.by}))
            .collect();
        let body = json!({"format_version": FORMAT_VERSION, "command": "policy show", "exit_code": exit::OK,
            "untrusted": gathered.trust.is_untrusted,
            "policy": policy.map(|(path, _)| path.display().to_string()), "looked_for": usual,
            "require_signed": is_signed, "signers": signers,
            "allow": allow, "needs": reached});
        streams.result(&machine::print(&body));
        return Ok(exit::OK);
    }
    let mut text = match policy {
        Some((path, _)) => format!("Policy: {}\n", path.display()),
        None => format!("Policy: none; looked for {}\n", usual.join(" and ")),
    };
    if gathered.trust.is_untrusted {
        text.push_str("This run is untrusted: it uses no secret, store, platform or program.\n");
    }
    if is_signed {
        text.push_str("Saved plans are applied only when they are signed.\n");
    }
    text.push_str("\nAllowed by a line:\n");
    let lines = gathered.trust.grants().iter().map(|grant| (grant.line.to_string(), grant.from.to_string()));
    text.push_str(&table(lines, "  nothing\n"));
    text.push_str("\nWhat the files here reach out to:\n");
    let needs = reached.iter().map(|Reached { line, by }| {
        let by = by.as_ref().map_or_else(|| "not allowed: add the line".to_owned(), Clone::clone);
        (line.to_string(), by)
    });
    text.push_str(&table(needs, "  nothing\n"));
    streams.result(&text);
    Ok(exit::OK)
}

/// Two columns, on lines that are indented.
fn table(rows: impl Iterator<Item = (String, String)>, none: &str) -> String {
    let rows: Vec<(String, String)> = rows.map(|(one, other)| (clean(&one), clean(&other))).collect();
    let width = rows.iter().map(|(line, _)| line.chars().count()).max().unwrap_or_default();
    match rows.as_slice() {
        [] => none.to_owned(),
        rows => rows.iter().map(|(line, from)| format!("  {line:width$}  {from}\n")).collect(),
    }
}

fn check(session: &Session, file: Option<&Path>, streams: &mut Streams) -> Result<u8, Stop> {
    let policy = match file {
        Some(file) => {
            let text = text_of(&session.path(file)).map_err(|error| {
                Stop::usage(format!("cannot read the policy {}: {}", file.display(), reason(&error)))
            })?;
            PolicyFile::read(file, &text)
        }
        None => match trust::policy(&session.common, &session.here)? {
            Some((_, policy)) => policy,
            None => {
                return Err(Stop::usage("there is no policy to check")
                    .help("name a file: `pairform policy check FILE`"));
            }
        },
    };
    let code = if policy.has_errors() { exit::ERRORS } else { exit::OK };
    let (findings, sources) = (&policy.findings, &policy.sources);
    match session.common.output {
        Form::Json => {
            let findings = machine::findings(findings, sources);
            let body = json!({"format_version": FORMAT_VERSION, "command": "policy check", "exit_code": code,
                "findings": findings});
            streams.result(&machine::print(&body));
        }
        _ => {
            streams.result(&report::findings::text(findings, sources, &[]));
            streams.result(&report::findings::summary(findings, 1, "policy"));
        }
    }
    Ok(code)
}
