//! Fetching the option sets in use, or taking them from the cache while they are young enough. The cache is written; the
//! committed lists are not.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::cache;
use super::fetched::{Base, Fetched, Note, OfAccount, OfSet};
use super::sets::{Purpose, Sets, in_use};
use crate::compile::{Compilation, Whole};
use crate::diagnostic::{Finding, Severity};
use crate::http::{Fault, FaultKind};
use crate::ops::allowed;
use crate::ops::error::{Error, ErrorKind, Help, Result};
use crate::ops::host::{Host, Progress, Whose};
use crate::ops::project::Project;
use crate::ops::request::Request;
use crate::options::fetch::addresses::Addresses;
use crate::options::fetch::wanted::{Wanted, wanted};
use crate::options::fetch::{self, Account, Environment, MAX_BYTES, Outcome};
use crate::options::{Choice, List, lock, sort};
use crate::secrets::need_of;
use crate::secrets::tokens::Tokens;
use crate::source::kept;
use crate::trust::Line;

/// What is to be fetched, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRequest {
    pub sets: Sets,
    pub purpose: Purpose,
    /// Kept values that are younger take the place of fetched ones.
    pub max_age: Duration,
    /// For one answer of a platform.
    pub timeout: Duration,
}

/// What is known of an account before it is asked.
struct Asking {
    path: String,
    /// All sets in use, asked for or not.
    used: BTreeMap<String, BTreeSet<String>>,
    young: BTreeMap<String, Vec<Choice>>,
    /// What comes is kept.
    is_kept: bool,
}

/// Fetches what is in use. That a platform does not answer is told of each set, and fails nothing else.
///
/// # Errors
/// When a connector or a set does not exist, or the cache cannot be written.
pub fn fetch_options(
    opened: &Project<'_, Whole>,
    request: &Request,
    asked: &FetchRequest,
    host: &Host<'_>,
) -> Result<Fetched> {
    let compilation = &opened.compilation;
    let root = opened.workspace.root();
    asked.sets.require_known(compilation)?;
    if compilation.project.broken {
        let why = "pairform.yaml has errors, so nothing is sent to any platform";
        return Err(Error::new(ErrorKind::Invalid, why).with(opened.see_findings()));
    }
    let held = held(compilation);
    let is_sound = |whole: &&Whole| !held.contains(whole.compiled.name.as_str());
    let keeps = asked.purpose == Purpose::Files;
    let sound = compilation.integrations.iter().filter(is_sound);
    let Wanted { mut accounts, notes } = wanted(sound.map(|whole| in_use(whole, asked.purpose)));
    let mut notes: Vec<Note> = notes.into_iter().map(Note::Said).collect();
    notes.extend(held.iter().map(|name| Note::HasErrors((*name).to_owned())));
    let takes = |account: &Account, set: &str| asked.sets.takes(&account.connector, set);
    let is_used = accounts.iter().any(|account| account.sets.keys().any(|set| takes(account, set)));
    if !is_used && !asked.sets.is_all() {
        let why = "no integration here uses what was asked for, and only what is in use is fetched";
        notes.push(Note::Said(why.to_owned()));
    }
    let now = (host.now)().as_second();
    let mut taken: Vec<String> = compilation.options.lists().map(|(_, list)| list.path.clone()).collect();
    let mut asking = Vec::new();
    for account in &mut accounts {
        let used = account.sets.clone();
        account.sets.retain(|set, _| asked.sets.takes(&account.connector, set));
        let known = compilation.options.list(&account.connector, &account.name).map(|list| list.path.clone());
        let path = known.unwrap_or_else(|| lock::path(&account.connector, &account.name, &taken));
        taken.push(path.clone());
        // What somebody's branch brought is neither believed nor written to.
        let own = if keeps { cache::require_own(root, &path) } else { Ok(()) };
        let is_kept = keeps && own.is_ok();
        notes.extend(own.err().map(|foreign| Note::Said(format!("no kept value is used: {foreign}"))));
        let max_age = if is_kept { asked.max_age } else { Duration::ZERO };
        let young = cache::young(root, &path, account, max_age, now);
        account.sets.retain(|set, _| !young.contains_key(set));
        asking.push(Asking { path, used, young, is_kept });
    }
    let refused = require(&accounts, opened, host);
    let outcomes = ask(&accounts, opened, asked.timeout, host);
    let is_stopped = host.is_cancelled();
    let mut fetched = Vec::new();
    for ((account, outcomes), asking) in accounts.into_iter().zip(outcomes).zip(asking) {
        if outcomes.is_empty() && asking.young.is_empty() {
            continue;
        }
        if asking.is_kept {
            cache::keep(root, &asking.path, &account, &outcomes, now)?;
        }
        let mut one = of_account(account, outcomes, asking, opened, request, host);
        if !keeps {
            // Pages tell when it was fetched last; a committed list keeps its day for git's sake.
            one.base.keep_days = 0;
            one.text = one.render(opened.compilation.options.list(&one.account.connector, &one.account.name));
        }
        fetched.push(one);
    }
    if keeps && fetched.iter().any(|one| one.text.is_some()) {
        kept::ignore(root);
    }
    Ok(Fetched { accounts: fetched, notes, refused, is_stopped })
}

/// The integrations that have errors: nothing is sent for them. A value that a list does not have is none of these, as the list
/// is what is fetched.
fn held(compilation: &Compilation<Whole>) -> BTreeSet<&str> {
    let is_of_lists = |finding: &Finding| finding.code.id.starts_with("E05");
    let errors = compilation.findings.iter().filter(|finding| finding.severity == Severity::Error);
    let errors = errors.filter(|finding| !is_of_lists(finding));
    errors
        .flat_map(|finding| finding.about.integration.iter().chain(&finding.also))
        .map(String::as_str)
        .collect()
}

/// Asks a person about what no line allows, before anything is sent. What stays refused is told of each set; the lines that
/// would allow it.
fn require(accounts: &[Account], opened: &Project<'_, Whole>, host: &Host<'_>) -> Vec<Line> {
    let whose = Whose { root: opened.workspace.root(), environment: opened.environment.as_deref() };
    let mut refused = Vec::new();
    for account in accounts.iter().filter(|account| !account.sets.is_empty()) {
        let addresses = Addresses::of(&account.descriptor, &account.connection);
        let hosts = addresses.map(|addresses| addresses.needs(&account.connector)).unwrap_or_default();
        let references = account.connection.values().filter_map(|field| field.get("secret")?.as_str());
        let secrets = references.filter_map(|reference| need_of(reference, whose.root, &BTreeMap::new()));
        // A secret is of no use where its host is refused.
        let tried = allowed::require_all(hosts, whose, host)
            .and_then(|()| allowed::require_all(secrets, whose, host));
        if let Err(Error { help: Some(Help::Allow(lines)), .. }) = tried {
            refused.extend(lines);
        }
    }
    refused.sort();
    refused.dedup();
    refused
}

fn ask(
    accounts: &[Account],
    opened: &Project<'_, Whole>,
    timeout: Duration,
    host: &Host<'_>,
) -> Vec<BTreeMap<String, Outcome>> {
    let tokens = Tokens::new(opened.workspace.root(), host.secrets, host.trust);
    // No clock in the world is further ahead of UTC, so that this day has not begun anywhere.
    let latest = (host.now)().saturating_add(jiff::SignedDuration::from_hours(14));
    let latest = latest.map_or_else(|_| host.today(), |time| time.to_zoned(jiff::tz::TimeZone::UTC).date());
    let environment = Environment {
        secret: &|reference| tokens.value(reference),
        allowed: &|need| {
            let refused = |why| Fault::new(FaultKind::Denied, format!("{need}: {why}"));
            host.trust.judge(need).map_err(refused)
        },
        rotated: &|reference, new| tokens.keep(reference, new),
        now: host.elapsed,
        epoch: &|| (host.now)().as_second(),
        tomorrow: latest.tomorrow().unwrap_or(latest),
        sleep: host.sleep,
        random: &|| {
            let mut bytes = [0; 8];
            // Without randomness every wait is the shortest, and a signature's nonce is the time.
            if getrandom::fill(&mut bytes).is_err() {
                return (host.elapsed)().subsec_nanos().into();
            }
            u64::from_le_bytes(bytes)
        },
        stopped: &|| host.is_cancelled(),
        timeout,
        max_bytes: MAX_BYTES,
    };
    (host.progress)(Progress::Fetching(accounts));
    let outcomes = fetch::fetch(accounts, &environment, &|event| (host.progress)(Progress::Fetch(event)));
    (host.progress)(Progress::Finished);
    outcomes
}

/// What came of an account, beside its committed list.
fn of_account(
    account: Account,
    outcomes: BTreeMap<String, Outcome>,
    asking: Asking,
    opened: &Project<'_, Whole>,
    request: &Request,
    host: &Host<'_>,
) -> OfAccount {
    let (compilation, sources) = (&opened.compilation, opened.workspace.sources());
    let list = compilation.options.list(&account.connector, &account.name);
    let Asking { path, used, young, .. } = asking;
    let fresh = outcomes.into_iter().map(|(set, outcome)| (set, outcome, false));
    let young = young.into_iter().map(|(set, choices)| (set, Ok(choices), true));
    let sets = fresh.chain(young).map(|(set, outcome, is_cached)| {
        let one = of_set(&account, &set, outcome, is_cached, list);
        (set, one)
    });
    let sets = sets.collect();
    let oldest = compilation.project.options.max_list_days().and_then(|days| i64::try_from(days).ok());
    let base = Base {
        used,
        whole: request.is_all() && compilation.integrations.len() == compilation.names.len(),
        today: host.today().to_string(),
        keep_days: oldest.map_or(lock::KEEP_DAYS, |days| days.min(lock::KEEP_DAYS)),
        before: sources.by_path(&path).map(|file| sources.file(file).text().to_owned()),
    };
    let mut one = OfAccount { account, path, sets, base, text: None };
    one.text = one.render(list);
    one
}

fn of_set(account: &Account, set: &str, mut result: Outcome, is_cached: bool, list: Option<&List>) -> OfSet {
    let described = account.descriptor.options.get(set);
    let before = list.and_then(|list| list.sets.get(set));
    let is_collected =
        described.and_then(|described| described.fetch.as_ref()).is_some_and(|fetch| fetch.distinct);
    if let (Ok(choices), Some(before), true) = (&mut result, before, is_collected) {
        // What is collected from recent documents is not gone because none of them has it.
        let known: BTreeSet<String> = choices.iter().map(|choice| choice.value.clone()).collect();
        choices.extend(before.choices.iter().filter(|choice| !known.contains(&choice.value)).cloned());
        sort(choices);
    }
    let changes =
        result.as_ref().ok().zip(before).map(|(choices, before)| lock::changes(&before.choices, choices));
    let title = described.map_or_else(|| set.replace('_', " "), |described| described.title.clone());
    OfSet { title, result, is_cached, changes }
}
