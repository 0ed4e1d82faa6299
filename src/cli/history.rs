//! `history`: what was saved, when, by whom and from which commit.

use super::args::{Common, Form, History};
use super::deployed;
use super::exit::{self, Stop};
use super::project;
use super::streams::Streams;
use crate::compile::project::Project as Declared;
use crate::model::SettingPath;
use crate::report::clean;
use crate::report::history::{self, Entry};
use crate::report::json as machine;
use crate::store;

/// Runs the command.
///
/// # Errors
/// When the store cannot be read, or nothing is known of the integration.
pub fn run(common: &Common, args: &History, streams: &mut Streams) -> Result<u8, Stop> {
    let (root, sources) = project::read_tree()?;
    let declared = Declared::read(&sources, &mut Vec::new());
    let (_, url) = project::store_of(&declared, &root, common.env.as_deref(), common.store.as_deref())?;
    let (records, notes, renames) = match store::open_existing(&url)? {
        Some(mut store) => (deployed::records(store.as_mut())?, store.notes()?, store.renames()?),
        None => Default::default(),
    };
    // An integration that left the files has a history too, so names are looked up there.
    let mut known: Vec<&str> = records.iter().map(|record| record.integration.as_str()).collect();
    known.sort_unstable();
    known.dedup();
    let mut present = |name: &String| -> Result<String, Stop> {
        let now = store::name_now(&renames, name, "");
        if now != *name && !known.contains(&name.as_str()) {
            streams.say(&clean(&format!("{name} is called {now} now\n")));
            return Ok(now);
        }
        if !known.is_empty() {
            project::require_known("saved integration", name, &known)?;
        }
        Ok(name.clone())
    };
    let wanted = Wanted {
        what: args.what.as_ref().map(&mut present).transpose()?,
        integrations: common.integration.iter().map(&mut present).collect::<Result<_, _>>()?,
        commit: args.commit.as_ref().map(|commit| project::commit_id(&root, commit)).transpose()?,
    };
    let mut entries = history::entries(records, &notes);
    entries.retain(|entry| takes(common, args, &wanted, entry));
    if let Some(limit) = args.limit {
        entries.drain(..entries.len().saturating_sub(limit));
    }
    match common.output {
        Form::Json => streams.result(&machine::print(&history::json(&entries, exit::OK))),
        _ => streams.result(&history::text(&entries)),
    }
    Ok(exit::OK)
}

/// What was asked for, under the names that hold now.
struct Wanted {
    what: Option<String>,
    integrations: Vec<String>,
    /// The beginning of an id.
    commit: Option<String>,
}

fn takes(common: &Common, args: &History, wanted: &Wanted, entry: &Entry) -> bool {
    let Entry { record, changes, .. } = entry;
    let among = |names: &[String], name: &String| names.is_empty() || names.contains(name);
    let commit =
        |wanted: &String| record.past.commit.as_ref().is_some_and(|id| id.starts_with(wanted.as_str()));
    let by = |wanted: &String| record.past.saved_by.to_lowercase().contains(&wanted.to_lowercase());
    wanted.what.as_ref().is_none_or(|name| *name == record.integration)
        && among(&wanted.integrations, &record.integration)
        && !common.exclude.contains(&record.integration)
        && among(&common.category, &record.category)
        && wanted.commit.as_ref().is_none_or(commit)
        && args.by.as_ref().is_none_or(by)
        && args
            .setting
            .as_ref()
            .is_none_or(|wanted| touches(wanted, &record.category, changes.iter().map(|change| &change.0)))
}

/// `payment_methods.map.Klarna`, or `map.Klarna` in any category; a whole mapping stands for what is in it.
fn touches<'a>(wanted: &str, category: &str, mut changed: impl Iterator<Item = &'a SettingPath>) -> bool {
    let Some(path) = SettingPath::parse(wanted) else { return false };
    let inner = path.segments().split_first().filter(|(first, _)| &***first == category);
    let inner: Option<SettingPath> = inner.map(|(_, rest)| rest.iter().collect());
    changed.any(|changed| {
        changed.starts_with(&path) || inner.as_ref().is_some_and(|inner| changed.starts_with(inner))
    })
}
