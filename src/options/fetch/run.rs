//! Fetching every set of every account, some accounts at a time. What a session asks and what it makes of the answers is told
//! in the files beside this one.

use std::collections::{BTreeMap, HashMap};
use std::sync::{Mutex, PoisonError};

use serde_json::Value as Json;

use super::account::Account;
use super::descriptor::Descriptor;
use super::environment::Environment;
use super::limits::Gates;
use super::session::Session;
use super::{extract, paging};
use crate::http::client::Http;
use crate::http::{Fault, FaultKind};
use crate::options::lists::{self, Choice};

/// Accounts that are read at the same time, over all platforms.
const WORKERS: usize = 16;
/// The largest answer that is read.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// What happens while fetching, for a display.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    Begin { account: &'a Account, set: &'a str },
    End { account: &'a Account, set: &'a str, well: bool },
}

/// What came of one set.
pub type Outcome = Result<Vec<Choice>, Fault>;

/// Fetches every set of every account, once. The results stand in the order of the accounts.
#[must_use]
pub fn fetch(
    accounts: &[Account],
    environment: &Environment<'_>,
    events: &(dyn Fn(Event<'_>) + Sync),
) -> Vec<BTreeMap<String, Outcome>> {
    let http = Http::new(environment.timeout, environment.max_bytes);
    let gates = Gates::default();
    let results: Vec<Mutex<BTreeMap<String, Outcome>>> = accounts.iter().map(|_| Mutex::default()).collect();
    let next = Mutex::new(0..accounts.len());
    std::thread::scope(|scope| {
        for _ in 0..WORKERS.min(accounts.len()) {
            scope.spawn(|| {
                loop {
                    let at = next.lock().unwrap_or_else(PoisonError::into_inner).next();
                    let Some((account, result)) = at.and_then(|at| accounts.get(at).zip(results.get(at)))
                    else {
                        return;
                    };
                    let fetched = fetch_account(account, &gates, &http, environment, events);
                    *result.lock().unwrap_or_else(PoisonError::into_inner) = fetched;
                }
            });
        }
    });
    results.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

fn fetch_account(
    account: &Account,
    gates: &Gates,
    http: &Http,
    environment: &Environment<'_>,
    events: &(dyn Fn(Event<'_>) + Sync),
) -> BTreeMap<String, Outcome> {
    let mut session = Session::new(account, gates, http, environment);
    let mut known = HashMap::new();
    let sets = account.sets.keys().map(|set| {
        events(Event::Begin { account, set });
        let fetched = match &mut session {
            Ok(session) => choices(session, &account.descriptor, set, &mut known),
            Err(fault) => Err(fault.clone()),
        };
        events(Event::End { account, set, well: fetched.is_ok() });
        (set.clone(), fetched)
    });
    sets.collect()
}

/// The raw items of sets that were read already.
type Items = HashMap<String, Vec<Json>>;

fn choices(session: &mut Session<'_>, descriptor: &Descriptor, set: &str, known: &mut Items) -> Outcome {
    let items = items(session, descriptor, set, known, 0)?;
    let described = descriptor.options.get(set);
    let (described, fetch) = described
        .and_then(|described| Some((described, described.fetch.as_ref()?)))
        .ok_or_else(|| no_list(set))?;
    let mut choices: Vec<Choice> = Vec::with_capacity(items.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in &items {
        let Some(choice) = extract::choice(item, fetch, described.value, described.personal)? else {
            continue;
        };
        match places.get(&choice.value).and_then(|at| choices.get_mut(*at)) {
            // A value that comes twice is in use when one of the two is.
            Some(before) => before.active |= choice.active,
            None => {
                places.insert(choice.value.clone(), choices.len());
                choices.push(choice);
            }
        }
    }
    lists::sort(&mut choices);
    Ok(choices)
}

/// The raw items of a set; those that other sets need too are read once.
fn items(
    session: &mut Session<'_>,
    descriptor: &Descriptor,
    set: &str,
    known: &mut Items,
    depth: usize,
) -> Result<Vec<Json>, Fault> {
    if let Some(items) = known.get(set) {
        return Ok(items.clone());
    }
    let fetch =
        descriptor.options.get(set).and_then(|described| described.fetch.as_ref()).filter(|_| depth < 8);
    let fetch = fetch.ok_or_else(|| no_list(set))?;
    let items = match fetch.each.iter().next() {
        None => paging::read(session, descriptor, fetch, None)?,
        Some((parent, field)) => {
            let mut all = Vec::new();
            for item in self::items(session, descriptor, parent, known, depth + 1)? {
                let Some(value) = extract::scalar(&item, field) else { continue };
                all.extend(paging::read(session, descriptor, fetch, Some((parent, &value)))?);
            }
            all
        }
    };
    known.insert(set.to_owned(), items.clone());
    Ok(items)
}

fn no_list(set: &str) -> Fault {
    Fault::new(FaultKind::Unusable, format!("the platform has no list `{set}`"))
}
