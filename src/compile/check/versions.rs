//! The version of an API that a connection names: one that has ended, ends soon, or is not out yet.

use jiff::civil::Date;

use super::context::Context;
use crate::diagnostic::Finding;
use crate::diagnostic::codes::across as codes;
use crate::model::{CONNECTORS, SettingPath};
use crate::schema::platform::Versions;
use crate::schema::{Connector, text};

/// So many days before the end it is time to move on.
const SOON: i32 = 60;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    for connector in context.connectors() {
        let Some(versions) = &connector.platform.versions else { continue };
        findings.extend(judge(context, connector, versions));
    }
}

fn judge(context: &Context<'_>, connector: &Connector, versions: &Versions) -> Option<Finding> {
    let (active, connection) = context.connection(connector)?;
    let field = versions.field.as_str();
    let written = connection.get(field).filter(|node| !node.is_null());
    let default = connector.description.pointer(&format!("/connection/properties/{field}"));
    let version = match written {
        Some(node) => node.as_text()?,
        None => default.map(|field| text(field, "default")).filter(|default| !default.is_empty())?,
    };
    let at = written.unwrap_or(active).span;
    let is_default = written.is_none();
    let today = context.today;
    let says = || codes::Version {
        connector: &connector.title,
        field,
        version,
        is_default,
        newest: newest(versions, today),
    };
    let after = versions.after.as_deref();
    let finding = match versions.known.get(version).map(|known| &known.time) {
        Some(time) if time.until.is_some_and(|until| until < today) => {
            codes::version_ended(says(), &next_day(time.until), after, at)
        }
        // Where no day is given, what the program takes by itself may be newer than the newest that is known.
        Some(time) if time.from.is_some_and(|from| today < from) && is_default => return None,
        Some(time) if time.from.is_some_and(|from| today < from) => {
            codes::version_not_out(says(), &time.from.map_or_else(String::new, |day| day.to_string()), at)
        }
        Some(time) => {
            let left = today.until(time.until?).ok()?.get_days();
            if left > SOON {
                return None;
            }
            codes::version_ends(says(), &next_day(time.until), after, at)
        }
        None if is_too_old(versions, version, today) => codes::version_ended(says(), "", after, at),
        None if is_too_new(versions, version, today) => codes::version_not_out(says(), "", at),
        None => return None,
    };
    let path: SettingPath = [connector.id.as_str(), "connections", active.as_text()?, field].iter().collect();
    Some(finding.about(context.about(CONNECTORS, &path)))
}

/// The newest version that is out.
fn newest(versions: &Versions, today: Date) -> Option<&str> {
    let out = versions.known.iter().filter(|(_, known)| known.time.holds(today));
    out.max_by_key(|(_, known)| known.time.from).map(|(version, _)| version.as_str())
}

fn next_day(day: Option<Date>) -> String {
    day.and_then(|day| day.tomorrow().ok()).map_or_else(String::new, |day| day.to_string())
}

/// Before the first that is known, which has ended itself: versions are named so that they sort.
fn is_too_old(versions: &Versions, version: &str, today: Date) -> bool {
    let first = versions.known.first_key_value();
    first.is_some_and(|(first, known)| {
        version < first.as_str() && known.time.until.is_some_and(|until| until < today)
    })
}

/// After the last that is known, as long as the next one after that cannot be out: the table may be older than it.
fn is_too_new(versions: &Versions, version: &str, today: Date) -> bool {
    let mut days: Vec<Date> = versions.known.values().filter_map(|known| known.time.from).collect();
    days.sort_unstable();
    let [.., before, last] = days.as_slice() else { return false };
    let next = before.until(*last).ok().and_then(|gap| last.checked_add(gap).ok());
    let is_last = versions.known.keys().all(|known| known.as_str() < version);
    is_last && next.is_some_and(|next| today < next)
}
