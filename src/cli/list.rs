//! `list`: the integrations at a glance, or who sets a setting to what.

use serde_json::json;

use super::args::{Form, List};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::ops::fleet::{Question, settings};
use crate::ops::list::list;
use crate::ops::project;
use crate::plan::FORMAT_VERSION;
use crate::report::{json as machine, list as report};

/// Runs the command.
///
/// # Errors
/// When there is no project or the store cannot be read.
pub fn run(session: &Session, args: &List, streams: &mut Streams) -> Result<u8, Stop> {
    let workspace = session.workspace()?;
    let request = session.request();
    let opened = session.host(|host| project::open(&workspace, &request, host))?;
    let List { setting, differs_from_base, going_away } = args;
    let question =
        Question { setting: setting.clone(), differs_from_base: *differs_from_base, going_away: *going_away };
    let (key, rows, text) = if question == Question::default() {
        let rows = session.host(|host| list(&opened, &request, host))?;
        let all: Vec<_> = rows.iter().map(report::row_json).collect();
        ("integrations", all, report::table(&rows))
    } else {
        let rows = settings(&opened, &request, &question)?;
        let all: Vec<_> = rows.iter().map(report::setting_json).collect();
        ("settings", all, report::settings_table(&rows))
    };
    let errors = opened.errors();
    let code = session.judged(&errors, exit::OK, streams);
    match session.common.output {
        Form::Json => {
            let mut body = json!({"format_version": FORMAT_VERSION, "command": "list", "exit_code": code,
                "findings": errors});
            body[key] = rows.into();
            streams.result(&machine::print(&body));
        }
        _ => streams.result(&text),
    }
    Ok(code)
}
