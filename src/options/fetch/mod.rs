//! Fetching dropdown values from the platforms, by their descriptors: with stores, the one door to the network.
//!
//! Which sets of which accounts is [`plan`]; everything about a platform is data in `schemas/connectors`. Nothing here writes a
//! file, reads a clock or the environment: all of that comes in with [`Surroundings`].

pub mod auth;
pub mod descriptor;
pub mod extract;
pub mod http;
pub mod limits;
pub mod paging;
pub mod plan;
pub mod session;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::model::Hidden;
use serde_json::Value as Json;

use super::Choice;
use descriptor::Descriptor;
use http::{Fault, Http, Kind};
use limits::Limits;
use session::Session;

/// Accounts that are read at the same time, over all platforms.
const WORKERS: usize = 16;
/// The largest answer that is read.
pub const MAX_BYTES: u64 = 16 * 1024 * 1024;

/// One account of one platform, and what is wanted of it.
#[derive(Debug)]
pub struct Account {
    pub connector: String,
    /// What names the account: shop, tenant, store address.
    pub name: String,
    pub descriptor: Descriptor,
    /// The connection's fields, defaults filled in; secrets are references.
    pub connection: BTreeMap<String, Json>,
    /// Set to the values that are used of it.
    pub sets: BTreeMap<String, BTreeSet<String>>,
    pub integrations: BTreeSet<String>,
}

/// What fetching needs of the world.
pub struct Surroundings<'a> {
    /// The value behind a reference.
    pub secret: &'a (dyn Fn(&str) -> Result<Hidden<String>, Fault> + Sync),
    /// Keeps the new value of a secret that its use has changed.
    pub rotated: &'a (dyn Fn(&str, &str) -> Result<(), String> + Sync),
    /// Time since some moment.
    pub now: &'a (dyn Fn() -> Duration + Sync),
    /// Seconds since 1970.
    pub epoch: &'a (dyn Fn() -> i64 + Sync),
    /// Tomorrow's date, for tokens that want to know how long they live.
    pub tomorrow: String,
    pub sleep: &'a (dyn Fn(Duration) + Sync),
    pub random: &'a (dyn Fn() -> u64 + Sync),
    pub stopped: &'a (dyn Fn() -> bool + Sync),
    /// For one request and its answer.
    pub timeout: Duration,
    pub max_bytes: u64,
}

/// What happens while fetching, for a display.
#[derive(Debug, Clone, Copy)]
pub enum Event<'a> {
    Begin { account: &'a Account, set: &'a str },
    End { account: &'a Account, set: &'a str, well: bool },
}

/// What came of one set.
pub type Fetched = Result<Vec<Choice>, Fault>;

/// Fetches every set of every account, once. The results stand in the order of the accounts.
#[must_use]
pub fn fetch(
    accounts: &[Account],
    around: &Surroundings<'_>,
    events: &(dyn Fn(Event<'_>) + Sync),
) -> Vec<BTreeMap<String, Fetched>> {
    let http = Http::new(around.timeout, around.max_bytes);
    let limits = Limits::default();
    let results: Vec<Mutex<BTreeMap<String, Fetched>>> = accounts.iter().map(|_| Mutex::default()).collect();
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
                    let fetched = fetch_account(account, &limits, &http, around, events);
                    *result.lock().unwrap_or_else(PoisonError::into_inner) = fetched;
                }
            });
        }
    });
    results.into_iter().map(|result| result.into_inner().unwrap_or_else(PoisonError::into_inner)).collect()
}

fn fetch_account(
    account: &Account,
    limits: &Limits,
    http: &Http,
    around: &Surroundings<'_>,
    events: &(dyn Fn(Event<'_>) + Sync),
) -> BTreeMap<String, Fetched> {
    let mut session = Session::new(account, limits, http, around);
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

type Lists = HashMap<String, Vec<Json>>;

fn choices(session: &mut Session<'_>, descriptor: &Descriptor, set: &str, known: &mut Lists) -> Fetched {
    let items = items(session, descriptor, set, known, 0)?;
    let unusable = |why: String| Fault::new(Kind::Unusable, why);
    let described = descriptor.options.get(set);
    let (described, fetch) = described
        .and_then(|described| Some((described, described.fetch.as_ref()?)))
        .ok_or_else(|| unusable(format!("the platform has no list `{set}`")))?;
    let mut choices: Vec<Choice> = Vec::with_capacity(items.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    for item in &items {
        let Some(choice) =
            extract::choice(item, fetch, described.value, described.personal).map_err(unusable)?
        else {
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
    super::sort(&mut choices);
    Ok(choices)
}

/// The raw items of a set; those that other sets need too are read once.
fn items(
    session: &mut Session<'_>,
    descriptor: &Descriptor,
    set: &str,
    known: &mut Lists,
    depth: usize,
) -> Result<Vec<Json>, Fault> {
    if let Some(items) = known.get(set) {
        return Ok(items.clone());
    }
    let fetch =
        descriptor.options.get(set).and_then(|described| described.fetch.as_ref()).filter(|_| depth < 8);
    let fetch =
        fetch.ok_or_else(|| Fault::new(Kind::Unusable, format!("the platform has no list `{set}`")))?;
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
