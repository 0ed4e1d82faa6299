//! Whether the active connections of an integration work: each platform is really asked for one list, as Clear Cache asks for all, by
//! the same rules of what may be sent where. Nothing that comes is kept.

use std::path::Path;
use std::time::Duration;

use super::access::Access;
use super::cache::cache;
use super::clear::NotCleared;
use super::ground::Ground;
use super::known::Known;
use super::refusals::keep_forbidden;
use crate::ops::host::Host;
use crate::ops::options::{self, FetchRequest, Note, Purpose, Sets, fetch_options};
use crate::ops::request::Request;
use crate::ops::workspace::Workspace;
use crate::store::Store;

/// For one answer of a platform.
const ANSWER: Duration = Duration::from_secs(20);

/// What came of asking a platform.
#[derive(Debug, Clone)]
pub struct Tried {
    pub connector: String,
    pub platform: String,
    pub account: Option<String>,
    /// How many values of which list came, or why none did.
    pub came: Result<(usize, String), String>,
    /// What would allow it, where it was not allowed.
    pub allow: Vec<String>,
}

/// Asks each platform that is connected.
///
/// # Errors
/// When whoever asks may not, or the settings cannot be read.
pub fn try_connections(
    known: &Known,
    access: &Access,
    ground: &Ground,
    store: &mut (dyn Store + 'static),
    host: &Host<'_>,
) -> Result<Vec<Tried>, NotCleared> {
    if !access.clears(known.id()) {
        let why = format!("{} may not try the connections of {}", access.name, known.id());
        keep_forbidden(&why, &format!("a try of the connections of {}", known.id()), access, store, host);
        return Err(NotCleared::Forbidden(why));
    }
    let lists = cache(known, access, ground, store, host)?.lists;
    let root = ground.repository().map_or(Path::new(""), Workspace::root);
    let workspace = ground.project_of(known.id(), &known.pair.id, &known.documents(), root)?;
    let request = Request::default();
    let project = options::open(&workspace, &request, host)?;
    let mut tried = Vec::new();
    for connector in [&known.pair.shop, &known.pair.erp] {
        let own = lists.iter().filter(|list| list.connector == *connector.id);
        // The shortest is the quickest to come.
        let Some(list) = own.min_by_key(|list| list.values) else { continue };
        let asked = FetchRequest {
            sets: Sets { connectors: vec![connector.id.clone()], sets: vec![list.set.clone()] },
            purpose: Purpose::Pages,
            max_age: Duration::ZERO,
            timeout: ANSWER,
        };
        let fetched = fetch_options(&project, &request, &asked, host)?;
        let found = fetched.accounts.iter().find_map(|one| Some((one, one.sets.get(&list.set)?)));
        let came = match found {
            Some((_, set)) => match &set.result {
                Ok(choices) => Ok((choices.len(), set.title.clone())),
                Err(fault) => Err(fault.message.clone()),
            },
            None => Err(fetched.notes.first().map(worded).unwrap_or_default()),
        };
        tried.push(Tried {
            connector: connector.id.clone(),
            platform: connector.title.clone(),
            account: found.map(|(one, _)| one.account.name.clone()),
            came,
            allow: fetched.refused.iter().map(ToString::to_string).collect(),
        });
    }
    Ok(tried)
}

fn worded(note: &Note) -> String {
    match note {
        Note::Said(said) => said.clone(),
        Note::HasErrors(name) => format!("what is deployed of {name} has errors, so nothing is asked for it"),
    }
}
