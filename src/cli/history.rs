//! `history`: what was saved, when, by whom and from which commit.

use super::args::{Form, History};
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::clean;
use crate::ops::history::{Found, Wanted, history};
use crate::report;

/// Runs the command.
///
/// # Errors
/// When the store cannot be read, or nothing is known of the integration.
pub fn run(session: &Session, args: &History, streams: &mut Streams) -> Result<u8, Stop> {
    let workspace = session.tree()?;
    let wanted = Wanted {
        integration: args.what.clone(),
        commit: args.commit.clone(),
        by: args.by.clone(),
        setting: args.setting.clone(),
        limit: args.limit,
    };
    let request = session.request();
    let Found { entries, rules, renamed } =
        session.host(|host| history(&workspace, &request, &wanted, host))?;
    for (former, now) in renamed {
        streams.say(&(clean(&format!("{former} is called {now} now")) + "\n"));
    }
    match session.common.output {
        Form::Json => {
            streams.result(&report::json::print(&report::history::json(&entries, &rules, exit::OK)));
        }
        _ => streams.result(&report::history::text(&entries, &rules)),
    }
    Ok(exit::OK)
}
