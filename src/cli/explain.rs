//! `explain`: a diagnostic's page, a setting's documentation, or where an integration's value came from.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::json;

use super::args::{Explain, Form};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::{clean, codes, nearest};
use crate::model::{SettingPath, Value};
use crate::ops::explain::{explain, find_setting, place_now};
use crate::ops::project;
use crate::ops::propose::own_files;
use crate::plan::FORMAT_VERSION;
use crate::report::{self, json as machine};
use crate::schema::parts::Catalogue;

/// Runs the command.
///
/// # Errors
/// When there is no such code, pair, integration or setting.
pub fn run(session: &Session, args: &Explain, streams: &mut Streams) -> Result<u8, Stop> {
    let Some(what) = &args.what else { return Ok(list(session, streams)) };
    let Some(setting) = &args.setting else { return explain_code(session, what, streams) };
    let workspace = session.workspace_if_any()?;
    let catalogue = workspace.as_ref().map_or_else(Catalogue::default, |workspace| {
        Catalogue::with_project(workspace.sources(), &mut Vec::new())
    });
    // An integration may be called as its pair is; then it is meant, as it has the setting's value too.
    let is_own =
        workspace.as_ref().is_some_and(|workspace| own_files(workspace.sources()).contains_key(what));
    if let Some(pair) = catalogue.pair(what).filter(|_| !is_own) {
        let (category, found) = find_setting(&pair, setting)?;
        return Ok(print(session, &report::explain::setting(&pair, category, &found), streams));
    }
    let workspace = workspace.map_or_else(|| session.workspace(), Ok)?;
    let request = session.request();
    let opened = session.host(|host| project::open(&workspace, &request.of(what), host))?;
    let compiled = opened.compilation.integrations.first();
    let compiled = compiled.ok_or_else(|| {
        Stop::new(exit::ERRORS, format!("`{what}` could not be compiled")).found(&opened.errors())
    })?;
    // With all payment providers: what it might connect is explained too.
    let pair = opened.compilation.catalogue.pair(&compiled.pair.id);
    let pair = pair.as_ref().unwrap_or(&compiled.pair);
    let (category, found) = find_setting(pair, setting)?;
    let asked = setting.split_once('.').and_then(|(_, path)| SettingPath::parse(path));
    let asked = asked.unwrap_or_else(|| found.path.clone());
    let mut page = report::explain::setting(pair, category, &found);
    let (category, asked) = place_now(pair, category, &asked);
    let explained = session.host(|host| explain(&request, host, &opened, compiled, category, &found, &asked));
    let errors = opened.errors();
    let code = session.judged(&errors, exit::OK, streams);
    if session.common.output == Form::Json {
        let body = json!({
            "format_version": FORMAT_VERSION,
            "command": "explain",
            "exit_code": code,
            "page": anstream::adapter::strip_str(&page).to_string(),
            "integration": compiled.name,
            "default": found.default.as_ref().map(Value::to_json),
            "effect": explained.effect,
            "deployed_unknown": explained.unknown,
            "findings": errors,
            "settings": explained.rows.iter().map(report::explain::json).collect::<Vec<_>>(),
        });
        streams.result(&machine::print(&body));
        return Ok(code);
    }
    let _ = writeln!(page, "\n{} {}", "In".bold(), clean(&compiled.name).bold());
    page.push_str(&report::explain::value(&explained, &category.id));
    streams.result(&page);
    Ok(code)
}

/// All codes, each with what it means.
fn list(session: &Session, streams: &mut Streams) -> u8 {
    let all = codes::all();
    if session.common.output == Form::Json {
        let rows: Vec<_> = all
            .iter()
            .map(|code| json!({"code": code.id, "name": code.name, "summary": code.summary}))
            .collect();
        let body = json!({"format_version": FORMAT_VERSION, "command": "explain", "exit_code": exit::OK, "codes": rows});
        streams.result(&machine::print(&body));
    } else {
        let rows: String = all.iter().map(|code| format!("{}  {}\n", code.id.bold(), code.summary)).collect();
        streams.result(&rows);
    }
    exit::OK
}

fn explain_code(session: &Session, what: &str, streams: &mut Streams) -> Result<u8, Stop> {
    let page = codes::find(what).and_then(|code| report::explain::page(code.id));
    let Some(page) = page else {
        let known: Vec<&str> = codes::all().iter().flat_map(|code| [code.id, code.name]).collect();
        let near = nearest(what, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| "name a code such as E0312 (`pairform explain --list` lists them); or a pair and a setting, such as `explain fortnox-shopify order.creates`".to_owned());
        return Err(Stop::usage(format!("there is no code `{what}`")).help(help));
    };
    Ok(print(session, page, streams))
}

fn print(session: &Session, page: &str, streams: &mut Streams) -> u8 {
    match session.common.output {
        Form::Json => {
            let plain = anstream::adapter::strip_str(page).to_string();
            let body = json!({"format_version": FORMAT_VERSION, "command": "explain", "exit_code": exit::OK, "page": plain});
            streams.result(&machine::print(&body));
        }
        _ => streams.exactly(page),
    }
    exit::OK
}
