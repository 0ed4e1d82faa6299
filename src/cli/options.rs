//! `options`: dropdown values from the platforms. Fetch them, look at them, compare them with what is used, clear their cache.
#![expect(clippy::disallowed_methods, reason = "reads the clock, and writes the lists and their cache")]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use owo_colors::OwoColorize as _;
use serde_json::{Map, Value as Json, json};
use sha2::{Digest as _, Sha256};

use super::apply::{Interrupts, progress_bar};
use super::args::{Common, Fetch, Form, Options as Arguments, OptionsCommand, Sets};
use super::exit::{self, Stop};
use super::project::{self, Project};
use super::streams::Streams;
use super::tokens::Tokens;
use super::vault::Vault;
use crate::compile::{self, Compilation, Compiled, Judged, Whole, redact};
use crate::diagnostic::codes::options as codes;
use crate::diagnostic::{About, Finding, Severity, settle};
use crate::options::fetch::http::{Fault, Kind};
use crate::options::fetch::plan::{self, Use};
use crate::options::fetch::{self, Account, Event, MAX_BYTES, Surroundings};
use crate::options::lock::{self, Change, Update};
use crate::options::{self, Choice, List, Options, Set};
use crate::plan::FORMAT_VERSION;
use crate::report::{self, clean, count, json as machine};
use crate::schema::options_of;
use crate::source::{SourceFile, Sources, Span};

/// How old a committed list may be where nobody says otherwise.
const LIST_DAYS: u64 = 30;

/// Where fetched values are cached, below the project.
const CACHE: &str = ".pairform/cache/options";

/// Runs the command.
///
/// # Errors
/// When there is no project, or a file cannot be written.
pub fn run(common: &Common, args: &Arguments, streams: &mut Streams) -> Result<u8, Stop> {
    let opened = project::open_with(common, Judged::whole)?;
    match &args.command {
        OptionsCommand::Refresh(args) => refresh(common, args, &opened, streams),
        OptionsCommand::List(sets) => list(common, sets, &opened, streams),
        OptionsCommand::Check { fetch, detailed_exitcode, max_list_age } => {
            check(common, fetch, *max_list_age, *detailed_exitcode, &opened, streams)
        }
        OptionsCommand::Clear(sets) => clear(common, sets, &opened, streams),
    }
}

/// One account with what came of it.
struct Read {
    account: Account,
    /// The committed file, relative to the project.
    path: String,
    sets: BTreeMap<String, Got>,
    /// The sets in use, with the values that are used; whether that speaks for the whole project.
    used: BTreeMap<String, BTreeSet<String>>,
    whole: bool,
    today: String,
    keep_days: i64,
    /// The committed file's text when it was read.
    before: Option<String>,
    /// The committed file's text as it would be now.
    text: Option<String>,
}

struct Got {
    title: String,
    result: Result<Vec<Choice>, Fault>,
    /// Taken from the cache.
    cached: bool,
    /// Differences from the committed list; `None` when there was none.
    changes: Option<Vec<Change>>,
}

/// What was read, notes in words, and the exit code of a signal that came.
type Done = (Vec<Read>, Vec<String>, Option<u8>);

fn refresh(
    common: &Common,
    args: &Fetch,
    opened: &Project<Whole>,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    refuse_unreadable_lists(opened)?;
    let (reads, notes, stopped) = read(common, args, opened)?;
    save(&opened.root, &reads)?;
    let code = stopped.unwrap_or_else(|| code_of(&reads));
    match common.output {
        Form::Json => {
            let body = body("options refresh", code, &reads, &notes);
            streams.result(&machine::print(&body));
        }
        _ => {
            say_notes(&notes, streams);
            streams.result(&text(&reads));
        }
    }
    Ok(code)
}

/// A committed list that cannot be read would be replaced whole, and with it what only stands there.
fn refuse_unreadable_lists(opened: &Project<Whole>) -> Result<(), Stop> {
    let wrong = opened.compilation.findings.iter().find(|finding| {
        finding.severity == Severity::Error
            && opened.sources.path(finding.primary.span).starts_with("options/")
    });
    let Some(finding) = wrong else { return Ok(()) };
    let path = opened.sources.path(finding.primary.span);
    Err(Stop::new(exit::ERRORS, format!("{path} cannot be read, so nothing is fetched: {}", finding.message))
        .help("mend it (`pairform validate` shows where), or take the file away to begin it anew"))
}

/// Writes the lists of accounts that changed. Somebody may have fetched other sets of the same account meanwhile, so each
/// file is read again first, with others kept out.
fn save(root: &Path, reads: &[Read]) -> Result<(), Stop> {
    if reads.iter().all(|read| read.text.is_none()) {
        return Ok(());
    }
    let gate = root.join(CACHE).join("lock");
    let failed =
        |error: std::io::Error| Stop::new(exit::INTERNAL, format!("cannot lock {}: {error}", gate.display()));
    fs::create_dir_all(root.join(CACHE)).map_err(failed)?;
    let held = fs::File::create(&gate).map_err(failed)?;
    held.lock().map_err(failed)?;
    for read in reads {
        let path = root.join(&read.path);
        let now = fs::read_to_string(&path).ok();
        let text = match (&read.text, &now) {
            (Some(_), Some(now)) if read.before.as_ref() != Some(now) => {
                read.render(Options::of(&read.path, now).as_ref())
            }
            (text, _) => text.clone(),
        };
        if let Some(text) = text.filter(|text| now.as_ref() != Some(text)) {
            write(&path, &text)?;
        }
    }
    Ok(())
}

impl Read {
    /// The committed file's text as it is now, over what it held.
    fn render(&self, list: Option<&List>) -> Option<String> {
        let fetched =
            self.sets.iter().filter_map(|(set, got)| Some((set.as_str(), got.result.as_deref().ok()?)));
        let fetched: BTreeMap<&str, &[Choice]> = fetched.collect();
        if fetched.is_empty() {
            return None;
        }
        let update = Update {
            connector: &self.account.connector,
            account: &self.account.name,
            fetched,
            used: &self.used,
            whole: self.whole,
            today: &self.today,
            keep_days: self.keep_days,
        };
        Some(lock::render(&update, list))
    }
}

fn check(
    common: &Common,
    args: &Fetch,
    max_list_age: Option<Duration>,
    detailed: bool,
    opened: &Project<Whole>,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let (reads, notes, stopped) = read(common, args, opened)?;
    let moved = reads
        .iter()
        .flat_map(|read| read.sets.values())
        .any(|got| got.changes.as_ref().is_some_and(|changes| !changes.is_empty()));
    // The project as it would be judged with today's lists.
    let sources = with_lists(&opened.sources, &reads);
    let fresh = compile::compile(&sources, &project::selection(common, &opened.root, &opened.sources)?);
    let mut findings: Vec<Finding> =
        fresh.findings.iter().filter(|finding| finding.code.id.get(1..3) == Some("05")).cloned().collect();
    findings.extend(renamed(&fresh, &reads));
    let allowed = opened.compilation.project.options.max_list_days();
    let days = max_list_age.map(|age| age.as_secs() / 86_400).or(allowed).unwrap_or(LIST_DAYS);
    findings.extend(lists_missing_or_old(opened, &sources, &reads, days));
    settle(&mut findings, &sources);
    let failed = code_of(&reads);
    let code = match stopped {
        Some(code) => code,
        None if failed != exit::OK => failed,
        None if project::has_errors(&findings) => exit::ERRORS,
        None if moved && detailed => exit::PENDING,
        None => exit::OK,
    };
    match common.output {
        Form::Json => {
            let mut body = body("options check", code, &reads, &notes);
            body["moved"] = moved.into();
            body["findings"] = machine::findings(&findings, &sources).into();
            streams.result(&machine::print(&body));
        }
        _ => {
            say_notes(&notes, streams);
            let hidden = [fresh.hidden, redact::suspicious(&sources, &findings)].concat();
            streams.result(&report::findings::text(&findings, &sources, &hidden));
            streams.result(&text(&reads));
        }
    }
    Ok(code)
}

/// Fetches what is in use, or takes it from the cache; writes the cache, and nothing else.
fn read(common: &Common, args: &Fetch, opened: &Project<Whole>) -> Result<Done, Stop> {
    let compilation = &opened.compilation;
    let plan::Plan { mut accounts, mut notes } = plan::plan(compilation.integrations.iter().map(in_use));
    notes.extend(passed_over(opened));
    if accounts
        .iter()
        .all(|account| account.sets.keys().all(|set| !takes(&args.sets, &account.connector, set)))
        && !(args.sets.set.is_empty() && args.sets.connector.is_empty())
    {
        notes.push(
            "no integration here uses what was asked for, and only what is in use is fetched".to_owned(),
        );
    }
    let used: Vec<_> = accounts.iter().map(|account| account.sets.clone()).collect();
    known_names(&args.sets, compilation)?;
    for account in &mut accounts {
        account.sets.retain(|set, _| takes(&args.sets, &account.connector, set));
    }
    let now = now();
    let mut cached: Vec<BTreeMap<String, Vec<Choice>>> = Vec::new();
    let mut taken: Vec<String> = compilation.options.lists().map(|(_, list)| list.path.clone()).collect();
    let mut paths = Vec::new();
    for account in &mut accounts {
        let known = compilation.options.list(&account.connector, &account.name).map(|list| list.path.clone());
        let path = known.unwrap_or_else(|| lock::path(&account.connector, &account.name, &taken));
        taken.push(path.clone());
        let young = from_cache(&opened.root, &path, account, args.max_age, now);
        account.sets.retain(|set, _| !young.contains_key(set));
        cached.push(young);
        paths.push(path);
    }
    let interrupts = Interrupts::watch();
    let results = fetch_all(&accounts, args, opened, &interrupts);
    let whole = project::selection(common, &opened.root, &opened.sources)?.is_all()
        && compilation.integrations.len() == compilation.names.len();
    let today = day(now);
    let oldest = compilation.project.options.max_list_days().and_then(|days| i64::try_from(days).ok());
    let keep_days = oldest.map_or(lock::KEEP_DAYS, |days| days.min(lock::KEEP_DAYS));
    let mut reads = Vec::new();
    let parts = accounts.into_iter().zip(results).zip(cached).zip(paths).zip(used);
    for ((((account, fetched), cached), path), used) in parts {
        if fetched.is_empty() && cached.is_empty() {
            continue;
        }
        to_cache(&opened.root, &path, &account, &fetched, now)?;
        let list = compilation.options.list(&account.connector, &account.name);
        let old = |set: &str| list.and_then(|list| list.sets.get(set));
        let titled = |set: &str| {
            account
                .descriptor
                .options
                .get(set)
                .map_or_else(|| set.replace('_', " "), |described| described.title.clone())
        };
        let mut sets = BTreeMap::new();
        let fresh = fetched.into_iter().map(|(set, result)| (set, result, false));
        let young = cached.into_iter().map(|(set, choices)| (set, Ok(choices), true));
        for (set, mut result, cached) in fresh.chain(young) {
            let collected = account.descriptor.options.get(&set).and_then(|set| set.fetch.as_ref());
            if let (Ok(choices), Some(old), true) =
                (&mut result, old(&set), collected.is_some_and(|fetch| fetch.distinct))
            {
                // What is collected from recent documents is not gone because none of them has it.
                let known: BTreeSet<String> = choices.iter().map(|choice| choice.value.clone()).collect();
                choices.extend(old.choices.iter().filter(|choice| !known.contains(&choice.value)).cloned());
                options::sort(choices);
            }
            let changes =
                result.as_ref().ok().and_then(|choices| Some(lock::changes(&old(&set)?.choices, choices)));
            sets.insert(set.clone(), Got { title: titled(&set), result, cached, changes });
        }
        let before = opened.sources.by_path(&path).map(|file| opened.sources.file(file).text().to_owned());
        let (today, text) = (today.clone(), None);
        let mut read = Read { account, path, sets, used, whole, today, keep_days, before, text };
        read.text = read.render(list);
        reads.push(read);
    }
    Ok((reads, notes, interrupts.code()))
}

/// Integrations of which not all could be read: what they use is perhaps not asked for.
fn passed_over(opened: &Project<Whole>) -> Vec<String> {
    let unread = |finding: &&Finding| {
        finding.severity == Severity::Error
            && ["E01", "E02"].iter().any(|stage| finding.code.id.starts_with(stage))
    };
    let names: BTreeSet<&String> = opened
        .compilation
        .findings
        .iter()
        .filter(unread)
        .flat_map(|finding| finding.about.integration.iter().chain(&finding.also))
        .collect();
    names.into_iter().map(|name| format!("{name}: it could not be read whole, so that not all that it uses is known; `pairform validate` shows why")).collect()
}

fn in_use(whole: &Whole) -> Use<'_> {
    let compiled = &whole.compiled;
    Use {
        integration: &compiled.name,
        pair: &compiled.pair,
        document: &whole.document,
        required: compiled.required().map(|(category, path, _)| (category, path)).collect(),
    }
}

fn fetch_all(
    accounts: &[Account],
    args: &Fetch,
    opened: &Project<Whole>,
    interrupts: &Interrupts,
) -> Vec<BTreeMap<String, fetch::Fetched>> {
    let vault = Vault::default();
    let tokens = Tokens::new(&opened.root, &vault);
    let begun = Instant::now();
    let tomorrow = jiff::Zoned::now().date().tomorrow().map(|date| date.to_string()).unwrap_or_default();
    let around = Surroundings {
        secret: &|reference| tokens.value(reference),
        rotated: &|reference, new| tokens.keep(reference, new),
        now: &|| begun.elapsed(),
        epoch: &now,
        tomorrow,
        sleep: &std::thread::sleep,
        random: &|| {
            let mut bytes = [0; 8];
            // Without randomness every wait is the shortest, and a signature's nonce is the time.
            if getrandom::fill(&mut bytes).is_err() {
                return begun.elapsed().subsec_nanos().into();
            }
            u64::from_le_bytes(bytes)
        },
        stopped: &|| interrupts.code().is_some(),
        timeout: args.timeout,
        max_bytes: MAX_BYTES,
    };
    let bar = progress_bar();
    bar.set_length(accounts.iter().map(|account| account.sets.len() as u64).sum());
    let results = fetch::fetch(accounts, &around, &|event| match event {
        Event::Begin { account, set } => {
            bar.set_message(clean(&format!(
                "{} {} {}",
                account.descriptor.title,
                account.name,
                set.replace('_', " ")
            )));
        }
        Event::End { .. } => bar.inc(1),
    });
    bar.finish_and_clear();
    results
}

fn takes(sets: &Sets, connector: &str, set: &str) -> bool {
    (sets.connector.is_empty() || sets.connector.iter().any(|wanted| wanted == connector))
        && (sets.set.is_empty() || sets.set.iter().any(|wanted| wanted == set))
}

fn known_names<T>(sets: &Sets, compilation: &Compilation<T>) -> Result<(), Stop> {
    let connectors = compilation.catalogue.names("connectors");
    let names: Vec<&str> = connectors.iter().map(String::as_str).collect();
    sets.connector.iter().try_for_each(|connector| project::require_known("connector", connector, &names))?;
    let parts: Vec<Arc<Json>> = connectors
        .iter()
        .filter_map(|id| compilation.catalogue.part(&format!("connectors/{id}.yaml")))
        .collect();
    let known: BTreeSet<&str> = parts
        .iter()
        .filter_map(|part| part.get("options")?.as_object())
        .flat_map(|options| options.keys().map(String::as_str))
        .collect();
    let known: Vec<&str> = known.into_iter().collect();
    sets.set.iter().try_for_each(|set| project::require_known("option set", set, &known))
}

/// 6 when a platform did not let us in, 7 when one did not answer well.
fn code_of(reads: &[Read]) -> u8 {
    let faults = reads.iter().flat_map(|read| read.sets.values()).filter_map(|got| got.result.as_ref().err());
    let kinds: Vec<Kind> = faults.map(|fault| fault.kind).collect();
    if kinds.contains(&Kind::Denied) {
        exit::NOT_ALLOWED
    } else if kinds.is_empty() {
        exit::OK
    } else {
        exit::UNREACHABLE
    }
}

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

fn day(epoch: i64) -> String {
    let stamp = jiff::Timestamp::from_second(epoch).unwrap_or_default();
    stamp.strftime("%Y-%m-%d").to_string()
}

// ------------------------------------------------------------------------------------------------ the cache

fn cache_path(root: &Path, path: &str) -> PathBuf {
    let name = path.trim_start_matches("options/").trim_end_matches(".lock.yaml");
    root.join(CACHE).join(format!("{name}.json"))
}

/// Whose values a cache holds: the connection as it is written, which has references and no secrets.
fn identity(account: &Account) -> String {
    let text = format!("{} {} {:?}", account.connector, account.name, account.connection);
    Sha256::digest(text.as_bytes()).iter().take(16).map(|byte| format!("{byte:02x}")).collect()
}

fn read_cache(path: &Path) -> Option<Json> {
    serde_json::from_str(&fs::read_to_string(path).ok()?).ok()
}

fn from_cache(
    root: &Path,
    path: &str,
    account: &Account,
    max_age: Duration,
    now: i64,
) -> BTreeMap<String, Vec<Choice>> {
    let cache =
        read_cache(&cache_path(root, path)).filter(|cache| cache["identity"] == identity(account).as_str());
    let Some(cache) = cache.filter(|_| !max_age.is_zero()) else { return BTreeMap::new() };
    let young = account.sets.keys().filter_map(|set| {
        let kept = cache["sets"].get(set)?;
        let age = now - kept["fetched"].as_i64()?;
        let fits = age >= 0 && Duration::from_secs(age.unsigned_abs()) < max_age;
        fits.then(|| (set.clone(), choices_of(&kept["values"])))
    });
    young.collect()
}

fn choices_of(values: &Json) -> Vec<Choice> {
    let choice = |value: &Json| {
        Some(Choice {
            value: value["value"].as_str()?.to_owned(),
            label: value["label"].as_str()?.to_owned(),
            active: value["active"].as_bool()?,
            keep: value["keep"].as_object().cloned().unwrap_or_default(),
        })
    };
    values.as_array().into_iter().flatten().filter_map(choice).collect()
}

fn choice_json(choice: &Choice) -> Json {
    let mut json = json!({"value": choice.value, "label": choice.label, "active": choice.active});
    if !choice.keep.is_empty() {
        json["keep"] = Json::Object(choice.keep.clone());
    }
    json
}

fn to_cache(
    root: &Path,
    path: &str,
    account: &Account,
    fetched: &BTreeMap<String, fetch::Fetched>,
    now: i64,
) -> Result<(), Stop> {
    let path = cache_path(root, path);
    let identity = identity(account);
    let before = read_cache(&path).filter(|cache| cache["identity"] == identity.as_str());
    let mut sets = before.and_then(|cache| cache["sets"].as_object().cloned()).unwrap_or_default();
    for (set, result) in fetched {
        if let Ok(choices) = result {
            let values: Vec<Json> = choices.iter().map(choice_json).collect();
            sets.insert(set.clone(), json!({"fetched": now, "values": values}));
        }
    }
    if sets.is_empty() {
        return Ok(());
    }
    let cache =
        json!({"connector": account.connector, "account": account.name, "identity": identity, "sets": sets});
    write(&path, &machine::print(&cache))
}

/// Replaces a file at once.
fn write(path: &Path, text: &str) -> Result<(), Stop> {
    let beside = path.with_extension(format!("{}.new", std::process::id()));
    let written = fs::create_dir_all(path.parent().unwrap_or(Path::new(".")))
        .and_then(|()| fs::write(&beside, text))
        .and_then(|()| fs::rename(&beside, path));
    written.map_err(|error| {
        let _ = fs::remove_file(&beside);
        Stop::new(exit::INTERNAL, format!("cannot write {}: {error}", path.display()))
    })
}

fn clear(common: &Common, sets: &Sets, opened: &Project<Whole>, streams: &mut Streams) -> Result<u8, Stop> {
    known_names(sets, &opened.compilation)?;
    let plan = plan::plan(opened.compilation.integrations.iter().map(in_use));
    let narrowed = !project::selection(common, &opened.root, &opened.sources)?.is_all();
    let mut cleared = Vec::new();
    for path in cache_files(&opened.root) {
        let Some(mut cache) = read_cache(&path) else { continue };
        let of = |key: &str| cache[key].as_str().unwrap_or_default().to_owned();
        let (connector, name) = (of("connector"), of("account"));
        let mine = plan.accounts.iter().any(|account| account.connector == connector && account.name == name);
        if narrowed && !mine {
            continue;
        }
        let Some(all) = cache["sets"].as_object_mut() else { continue };
        let dropped: Vec<String> = all.keys().filter(|set| takes(sets, &connector, set)).cloned().collect();
        all.retain(|set, _| !dropped.contains(set));
        let empty = all.is_empty();
        cleared
            .extend(dropped.iter().map(|set| json!({"connector": connector, "account": name, "set": set})));
        if empty {
            fs::remove_file(&path).map_err(|error| {
                Stop::new(exit::INTERNAL, format!("cannot remove {}: {error}", path.display()))
            })?;
        } else if !dropped.is_empty() {
            write(&path, &machine::print(&cache))?;
        }
    }
    if common.output == Form::Json {
        let body = json!({"format_version": FORMAT_VERSION, "command": "options clear", "exit_code": exit::OK, "cleared": cleared});
        streams.result(&machine::print(&body));
    } else {
        streams.result(&format!("{} cleared from the cache.\n", count(cleared.len(), "option set")));
    }
    Ok(exit::OK)
}

fn cache_files(root: &Path) -> Vec<PathBuf> {
    let below =
        |folder: &Path| fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut files: Vec<PathBuf> =
        below(&root.join(CACHE)).flat_map(|connector| below(&connector).collect::<Vec<_>>()).collect();
    files.retain(|path| path.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

// ------------------------------------------------------------------------------------------------ what is known

fn list(common: &Common, sets: &Sets, opened: &Project<Whole>, streams: &mut Streams) -> Result<u8, Stop> {
    known_names(sets, &opened.compilation)?;
    let compilation = &opened.compilation;
    let now = now();
    let narrowed = !project::selection(common, &opened.root, &opened.sources)?.is_all();
    let mine: Vec<(&str, Option<&str>)> = compilation
        .integrations
        .iter()
        .flat_map(|Whole { compiled, .. }| {
            let (shop, erp) = &compiled.accounts;
            [
                (compiled.pair.shop.id.as_str(), shop.as_deref()),
                (compiled.pair.erp.id.as_str(), erp.as_deref()),
            ]
        })
        .collect();
    let mut accounts = Vec::new();
    let mut out = String::new();
    for (connector, list) in compilation.options.lists() {
        if narrowed
            && !mine.iter().any(|(id, name)| *id == connector && name.is_none_or(|name| name == list.account))
        {
            continue;
        }
        let part = compilation.catalogue.part(&format!("connectors/{connector}.yaml")).unwrap_or_default();
        let platform = part["title"].as_str().unwrap_or(connector).to_owned();
        let mut shown = Vec::new();
        for (name, set) in list.sets.iter().filter(|(name, _)| takes(sets, connector, name)) {
            let title = part["options"][name.as_str()]["title"]
                .as_str()
                .map_or_else(|| name.replace('_', " "), str::to_owned);
            let age = lock::days_between(&set.fetched, &day(now));
            shown.push(json!({"set": name, "title": title, "fetched": set.fetched, "age_days": age,
                "values": set.choices.iter().map(choice_json).collect::<Vec<_>>(),
                "gone": set.gone.iter().map(|gone| json!({"value": gone.value, "label": gone.label, "since": gone.since})).collect::<Vec<_>>()}));
            out.push_str(&list_text(&platform, &list.account, &title, set, age));
        }
        if !shown.is_empty() {
            accounts.push(
                json!({"connector": connector, "account": list.account, "path": list.path, "sets": shown}),
            );
        }
    }
    if common.output == Form::Json {
        let body = json!({"format_version": FORMAT_VERSION, "command": "options list", "exit_code": exit::OK, "accounts": accounts});
        streams.result(&machine::print(&body));
    } else if out.is_empty() {
        streams.say("no dropdown values are known yet; `pairform options refresh` fetches them\n");
    } else {
        streams.result(&out);
    }
    Ok(exit::OK)
}

fn list_text(platform: &str, account: &str, title: &str, set: &Set, age: Option<i64>) -> String {
    let age = match age {
        Some(0) => "today".to_owned(),
        Some(days) => format!("{} ago", count(usize::try_from(days).unwrap_or(0), "day")),
        None => "at an unknown time".to_owned(),
    };
    let mut out = format!(
        "{} {}  fetched {} ({age})\n",
        platform.bold(),
        format!("{} · {}", clean(account), clean(title)).bold(),
        clean(&set.fetched)
    );
    for choice in &set.choices {
        let off = if choice.active { "" } else { "  (inactive)" };
        let _ = writeln!(out, "  {:<12} {}{off}", quote(&choice.value), clean(&choice.label));
    }
    for gone in &set.gone {
        let _ = writeln!(
            out,
            "  {:<12} {}  (gone since {})",
            quote(&gone.value),
            clean(&gone.label),
            clean(&gone.since)
        );
    }
    out
}

fn quote(text: &str) -> String {
    clean(&Json::from(text).to_string())
}

/// The project as today's lists judge it: what the cache has is taken when it is young enough, the rest is fetched. No list is
/// written. A platform that does not answer leaves the committed list in force, and is said.
///
/// # Errors
/// When the cache cannot be written, or the run was stopped.
pub fn open_with_fresh_lists(
    common: &Common,
    max_age: Duration,
    streams: &mut Streams,
) -> Result<Project, Stop> {
    let opened = project::open_with(common, Judged::whole)?;
    let sets = Sets { connector: Vec::new(), set: Vec::new() };
    let args = Fetch { sets, max_age, timeout: Duration::from_secs(30) };
    let (reads, mut notes, stopped) = read(common, &args, &opened)?;
    if let Some(code) = stopped {
        return Err(Stop::new(code, "the run was stopped"));
    }
    for read in &reads {
        for got in read.sets.values() {
            if let Err(fault) = &got.result {
                let list = format!("{} {}", read.account.descriptor.title, got.title);
                notes.push(format!(
                    "the {list} of {} are judged by the committed list: {}",
                    read.account.name, fault.message
                ));
            }
        }
    }
    say_notes(&notes, streams);
    let sources = with_lists(&opened.sources, &reads);
    let selection = project::selection(common, &opened.root, &sources)?;
    project::compile_selected(opened.root, sources, selection)
}

// ------------------------------------------------------------------------------------------------ findings

/// The sources with the lists as they would be written now.
fn with_lists(sources: &Sources, reads: &[Read]) -> Sources {
    let mut texts: BTreeMap<&str, &str> =
        reads.iter().filter_map(|read| Some((read.path.as_str(), read.text.as_deref()?))).collect();
    let mut files: Vec<SourceFile> = Vec::new();
    for (_, file) in sources.iter() {
        let text = texts.remove(file.path.as_str());
        let fault = file.fault().cloned().filter(|_| text.is_none());
        let text = text.unwrap_or(file.text());
        files.push(match fault {
            Some(fault) => SourceFile::with_fault(&*file.path, text, fault),
            None => SourceFile::new(&*file.path, text),
        });
    }
    files.extend(texts.into_iter().map(|(path, text)| SourceFile::new(path, text)));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    let mut all = Sources::default();
    for file in files {
        all.add(file);
    }
    all
}

/// Values in use whose label is another one in the platform now.
fn renamed(compilation: &Compilation, reads: &[Read]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for compiled in &compilation.integrations {
        for read in reads.iter().filter(|read| read.account.integrations.contains(&compiled.name)) {
            for (set, got) in &read.sets {
                for change in got.changes.iter().flatten() {
                    let Change::Renamed { value, before, after } = change else { continue };
                    for (category, path, span) in uses(compiled, &read.account.connector, set, value) {
                        let title = format!("{} {}", read.account.descriptor.title, got.title);
                        let about = About {
                            integration: Some(compiled.name.clone()),
                            category: Some(category),
                            setting: Some(path.clone()),
                        };
                        findings.push(
                            codes::option_renamed(&path, &quote(value), before, after, &title, span)
                                .about(about),
                        );
                    }
                }
            }
        }
    }
    findings
}

/// Where an integration uses a value of a set.
fn uses(compiled: &Compiled, connector: &str, set: &str, value: &str) -> Vec<(String, String, Span)> {
    let mut uses = Vec::new();
    for (id, settings) in &compiled.configuration.categories {
        let Some(category) = compiled.pair.category(id) else { continue };
        for (path, written) in &**settings {
            let schema = category.schema_at(path);
            let fits =
                schema.and_then(options_of) == Some((connector, set)) && holds(&written.to_json(), value);
            let span = compiled.origins.get(id).and_then(|origins| origins.get(path));
            if let (true, Some(span)) = (fits, span) {
                uses.push((id.to_string(), path.to_string(), *span));
            }
        }
    }
    uses
}

fn holds(written: &Json, value: &str) -> bool {
    match written {
        Json::String(text) => text == value,
        Json::Number(number) => number.to_string() == value,
        Json::Array(items) => items.iter().any(|item| holds(item, value)),
        _ => false,
    }
}

/// Committed lists that are older than allowed, and sets in use that have none.
fn lists_missing_or_old(
    opened: &Project<Whole>,
    sources: &Sources,
    reads: &[Read],
    days: u64,
) -> Vec<Finding> {
    let options = &opened.compilation.options;
    let looked_at = |connector: &str, account: &str, set: &str| {
        let mine = |read: &&Read| read.account.connector == connector && read.account.name == account;
        reads.iter().filter(mine).any(|read| read.sets.contains_key(set))
    };
    let mut findings =
        options.outdated(sources, &opened.compilation.catalogue, project::today(), days, looked_at);
    for read in reads {
        let list = opened.compilation.options.list(&read.account.connector, &read.account.name);
        for (set, got) in &read.sets {
            let title = format!("{} {}", read.account.descriptor.title, got.title);
            if list.is_none_or(|list| !list.sets.contains_key(set)) {
                let first = read.account.integrations.first();
                let compiled = opened
                    .compilation
                    .integrations
                    .iter()
                    .map(|whole| &whole.compiled)
                    .find(|compiled| Some(&compiled.name) == first);
                if let Some(compiled) = compiled {
                    let place = sources
                        .iter()
                        .find(|(_, file)| file.path == opened.sources.path(compiled.place))
                        .map_or(compiled.place, |(id, _)| Span { file: id, ..compiled.place });
                    let about = About { integration: first.cloned(), ..About::default() };
                    findings.push(codes::option_list_missing(&title, &read.account.name, place).about(about));
                }
            }
        }
    }
    findings
}

// ------------------------------------------------------------------------------------------------ reports

fn say_notes(notes: &[String], streams: &mut Streams) {
    for note in notes {
        streams.say(&format!("note: {}\n", clean(note)));
    }
}

fn text(reads: &[Read]) -> String {
    let mut out = String::new();
    let (mut sets, mut values, mut failed) = (0, 0, 0);
    for read in reads {
        let name = format!("{} {}", read.account.descriptor.title, clean(&read.account.name));
        let _ = writeln!(out, "{}  {}", name.bold(), clean(&read.path).dimmed());
        for got in read.sets.values() {
            match &got.result {
                Ok(choices) => {
                    sets += 1;
                    values += choices.len();
                    let from = if got.cached { " from the cache" } else { "" };
                    let news = if got.changes.is_none() { ", new" } else { "" };
                    let _ = writeln!(
                        out,
                        "  {:<28} {}{from}{news}",
                        clean(&got.title),
                        count(choices.len(), "value")
                    );
                }
                Err(fault) => {
                    failed += 1;
                    let _ = writeln!(
                        out,
                        "  {:<28} {} {}",
                        clean(&got.title),
                        "failed:".red().bold(),
                        clean(&fault.message)
                    );
                }
            }
            for change in got.changes.iter().flatten() {
                let _ = writeln!(out, "      {}", clean(&change_text(change)));
            }
        }
    }
    let failed = if failed == 0 { String::new() } else { format!(", {failed} failed") };
    let _ = writeln!(
        out,
        "\n{} of {} with {}{failed}.",
        count(sets, "option set"),
        count(reads.len(), "account"),
        count(values, "value")
    );
    out
}

fn change_text(change: &Change) -> String {
    let named = |choice: &Choice| format!("{} {}", quote(&choice.value), choice.label);
    match change {
        Change::Added(choice) => format!("+ {}", named(choice)),
        Change::Removed(choice) => format!("- {}", named(choice)),
        Change::Renamed { value, before, after } => format!("~ {} {before} → {after}", quote(value)),
        Change::Deactivated(choice) => format!("~ {} is inactive now", named(choice)),
        Change::Activated(choice) => format!("~ {} is active again", named(choice)),
    }
}

fn change_json(change: &Change) -> Json {
    let of =
        |kind: &str, choice: &Choice| json!({"kind": kind, "value": choice.value, "label": choice.label});
    match change {
        Change::Added(choice) => of("add", choice),
        Change::Removed(choice) => of("remove", choice),
        Change::Renamed { value, before, after } => {
            json!({"kind": "rename", "value": value, "label": after, "before_label": before})
        }
        Change::Deactivated(choice) => of("deactivate", choice),
        Change::Activated(choice) => of("activate", choice),
    }
}

fn body(command: &str, code: u8, reads: &[Read], notes: &[String]) -> Json {
    let accounts: Vec<Json> = reads
        .iter()
        .map(|read| {
            let sets: Vec<Json> = read.sets.iter().map(|(set, got)| set_json(set, got)).collect();
            json!({"connector": read.account.connector, "account": read.account.name, "path": read.path,
                "integrations": read.account.integrations, "sets": sets})
        })
        .collect();
    json!({"format_version": FORMAT_VERSION, "command": command, "exit_code": code, "accounts": accounts, "notes": notes})
}

fn set_json(set: &str, got: &Got) -> Json {
    let mut json =
        Map::from_iter([("set".to_owned(), Json::from(set)), ("title".to_owned(), got.title.clone().into())]);
    match &got.result {
        Ok(choices) => {
            json.insert("outcome".to_owned(), if got.cached { "cached" } else { "fetched" }.into());
            json.insert("values".to_owned(), choices.len().into());
        }
        Err(fault) => {
            let reason = match fault.kind {
                Kind::Denied => "denied",
                Kind::Unreachable => "unreachable",
                Kind::TimedOut => "timed-out",
                Kind::Throttled => "throttled",
                Kind::Unusable => "unusable",
                Kind::Stopped => "stopped",
            };
            json.insert("outcome".to_owned(), "failed".into());
            json.insert("reason".to_owned(), reason.into());
            json.insert("message".to_owned(), fault.message.clone().into());
        }
    }
    json.insert(
        "changes".to_owned(),
        got.changes.as_deref().map(|changes| changes.iter().map(change_json).collect()).unwrap_or(Json::Null),
    );
    Json::Object(json)
}
