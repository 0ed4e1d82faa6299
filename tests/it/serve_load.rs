//! Many clients that save the same categories and others through three servers on one PostgreSQL, appliers beside them, and servers that
//! are killed and started again: no save is lost or made twice, whoever is late is told who and when, and the feed has each save once and
//! in order.
//!
//! The dice decide what each client saves through which server, and before which round a server is killed (PAIRFORM_SEED); threads
//! and processes run as they do. PAIRFORM_ROUNDS says how many saves are tried, PAIRFORM_MEASURED which program serves.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, RwLock};
use std::time::Duration;

use pairform::model::{self, SettingPath, Value};
use pairform::ops::section::{Role, TokenAsked, make_token};
use pairform::store::{self, Record};
use serde_json::{Value as Json, json};

use crate::dice::Dice;
use crate::run::Project;
use crate::serve::{Answer, Server, apply_with, read_answer};
use crate::server;

const CLIENTS: usize = 64;
const SERVERS: usize = 3;
const APPLIERS: usize = 2;
/// Of these, all clients save the first again and again.
const SHOPS: usize = 6;
/// One server in so many rounds is killed.
const KILLS: usize = 40;

fn number(variable: &str, usual: usize) -> usize {
    std::env::var(variable).ok().map_or(usual, |text| text.parse().unwrap())
}

fn token(url: &str, name: &str, role: Role) -> String {
    let asked = TokenAsked {
        name: name.to_owned(),
        role,
        rights: Vec::new(),
        categories: Vec::new(),
        integrations: Vec::new(),
        expires_at: None,
    };
    let (secret, kept) = make_token(&asked, "2026-12-01T09:30:00Z", "ann").unwrap();
    assert!(store::open(&url.to_owned()).unwrap().add_token(&kept).unwrap());
    secret
}

/// Asks once; nothing where no whole answer came.
fn ask(
    address: &str,
    token: &str,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Option<Answer> {
    let mut socket = TcpStream::connect(address).ok()?;
    socket.set_read_timeout(Some(Duration::from_secs(120))).ok()?;
    let mut head = format!(
        "{method} /api/v1{path} HTTP/1.1\r\nHost: {address}\r\nConnection: close\r\nAuthorization: Bearer {token}\r\n"
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    socket.write_all(format!("{head}Content-Length: {}\r\n\r\n{body}", body.len()).as_bytes()).ok()?;
    let mut all = Vec::new();
    socket.read_to_end(&mut all).ok()?;
    let answer = read_answer(&String::from_utf8_lossy(&all));
    let length = answer.headers.get("content-length").and_then(|length| length.parse::<usize>().ok());
    (answer.status > 0 && length.is_some_and(|length| length == answer.body.len())).then_some(answer)
}

/// A save of which a client was told that it was made.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Told {
    integration: String,
    category: String,
    revision: u64,
    by: String,
    mark: String,
}

#[derive(Default)]
struct Counts {
    stale: AtomicUsize,
    lost: AtomicUsize,
    busy: AtomicUsize,
    kills: AtomicUsize,
    applies: AtomicUsize,
}

struct World {
    url: String,
    program: String,
    folder: tempfile::TempDir,
    servers: Vec<RwLock<Server>>,
    counts: Counts,
}

impl World {
    fn address(&self, at: usize) -> String {
        self.servers[at].read().unwrap().address.clone()
    }

    fn start(program: &str, folder: &std::path::Path, url: &str) -> Server {
        Server::start_of(program, folder, url)
    }

    /// As `kill -9` does it, and another one in its place.
    fn kill(&self, at: usize) {
        let mut server = self.servers[at].write().unwrap();
        server.kill();
        *server = World::start(&self.program, self.folder.path(), &self.url);
        self.counts.kills.fetch_add(1, Ordering::SeqCst);
    }

    /// Asks servers until one answers; whether an answer was lost on the way.
    fn ask(
        &self,
        dice: &mut Dice,
        token: &str,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &str,
    ) -> Answer {
        loop {
            match ask(&self.address(dice.below(SERVERS)), token, method, path, headers, body) {
                // The store could not be reached, or the server was about to stop.
                Some(answer) if answer.status != 503 => return answer,
                _ => self.counts.lost.fetch_add(1, Ordering::SeqCst),
            };
        }
    }
}

/// One client: reads a category and saves it anew, as often as there are rounds left.
fn client(world: &World, me: usize, token: &str, seed: u64, rounds: &AtomicUsize) -> Vec<Told> {
    let (mut dice, mut told, mut saves) = (Dice(seed * 1_000 + me as u64 + 1), Vec::new(), 0);
    let by = format!("c{me:02}");
    while rounds.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok() {
        let shop = if dice.below(2) == 0 { 0 } else { dice.below(SHOPS) };
        let integration = format!("shop-{shop}");
        let path = format!("/integrations/{integration}/categories/general");
        let now = world.ask(&mut dice, token, "GET", &path, &[], "");
        assert_eq!(now.status, 200, "{}", now.body);
        let (etag, seen) = (now.headers["etag"].clone(), now.json()["revision"].as_u64().unwrap());
        saves += 1;
        let mark = format!("{me:02}-{saves}-");
        let key = format!("{by}-{saves}");
        let headers =
            [("If-Match", etag.as_str()), ("Idempotency-Key", &key), ("Content-Type", "application/json")];
        let body = json!({"order_number_prefix": mark}).to_string();
        let answer = world.ask(&mut dice, token, "PATCH", &path, &headers, &body);
        match answer.status {
            200 => {
                let revision = answer.json()["revision"].as_u64().unwrap();
                assert_eq!(revision, seen + 1, "it was saved over what was not seen");
                let category = "general".to_owned();
                told.push(Told { integration, category, revision, by: by.clone(), mark });
            }
            412 => {
                let problem = answer.json();
                let who = problem["saved_by"].as_str().unwrap();
                assert!(who == "ci" || who.starts_with('c'), "{problem}");
                problem["saved_at"].as_str().unwrap().parse::<jiff::Timestamp>().unwrap();
                assert!(problem["revision"].as_u64().unwrap() > seen, "{problem}");
                world.counts.stale.fetch_add(1, Ordering::SeqCst);
            }
            // An applier has the lock, or too many save it at once.
            423 => {
                world.counts.busy.fetch_add(1, Ordering::SeqCst);
            }
            other => panic!("{other}: {}", answer.body),
        }
    }
    told
}

fn shop(at: usize, name: &str) -> String {
    format!(
        "integration: shop-{at}\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings: {{general: {{name: {name}}}}}\n"
    )
}

/// Applies what its files say, again and again, and each time they say something else.
fn applier(world: &World, me: usize, token: &str, seed: u64, is_over: &AtomicBool) {
    let (mut dice, project, mut round) = (Dice(seed * 7_000 + me as u64 + 1), Project::empty(), 0);
    loop {
        for at in (0..SHOPS).filter(|at| at % APPLIERS == me) {
            project.write(&format!("integrations/shop-{at}.yaml"), shop(at, &format!("Name-{me}-{round}")));
        }
        let store = format!("http://{}", world.address(dice.below(SERVERS)));
        let mut command = std::process::Command::new(&world.program);
        command
            .current_dir(project.path())
            .env("PAIRFORM_STORE_TOKEN", token)
            .env("PAIRFORM_ACTOR", "mallory");
        let done = command.args(["apply", "--yes", "--no-input", "--store", &store]).output().unwrap();
        let said = String::from_utf8_lossy(&done.stderr).into_owned();
        // All, a part, stale, a server that was killed, a lock.
        assert!(matches!(done.status.code(), Some(0 | 3 | 4 | 7 | 8)), "{:?} {said}", done.status);
        world.counts.applies.fetch_add(1, Ordering::SeqCst);
        round += 1;
        if is_over.load(Ordering::SeqCst) {
            return;
        }
    }
}

#[test]
fn many_clients_appliers_and_killed_servers_lose_nothing_and_double_nothing() {
    let Some(postgres) = server::shared() else { return };
    let (seed, all) = (number("PAIRFORM_SEED", 22) as u64, number("PAIRFORM_ROUNDS", 96));
    let url = postgres.fresh_url();
    let program =
        std::env::var("PAIRFORM_MEASURED").unwrap_or_else(|_| env!("CARGO_BIN_EXE_pairform").to_owned());
    let project = Project::empty();
    for at in 0..SHOPS {
        project.write(&format!("integrations/shop-{at}.yaml"), shop(at, "First"));
    }
    apply_with(&project, &url, &[], &[]);
    let tokens: Vec<String> =
        (0..CLIENTS).map(|me| token(&url, &format!("c{me:02}"), Role::Editor)).collect();
    let ci = token(&url, "ci", Role::Applier);
    let folder = tempfile::tempdir().unwrap();
    let servers = (0..SERVERS).map(|_| RwLock::new(World::start(&program, folder.path(), &url))).collect();
    let world = World { url: url.clone(), program, folder, servers, counts: Counts::default() };
    let (rounds, is_over) = (AtomicUsize::new(all), AtomicBool::new(false));
    let told: Mutex<BTreeSet<Told>> = Mutex::default();
    std::thread::scope(|scope| {
        let appliers: Vec<_> = (0..APPLIERS)
            .map(|me| {
                let (world, ci, is_over) = (&world, ci.as_str(), &is_over);
                scope.spawn(move || applier(world, me, ci, seed, is_over))
            })
            .collect();
        let killer = scope.spawn(|| {
            let mut dice = Dice(seed * 13 + 1);
            let mut next = all - KILLS.min(all / 2);
            while !is_over.load(Ordering::SeqCst) {
                if rounds.load(Ordering::SeqCst) <= next {
                    world.kill(dice.below(SERVERS));
                    next = next.saturating_sub(KILLS / 2 + dice.below(KILLS));
                    if next == 0 {
                        return;
                    }
                }
                std::thread::yield_now();
                std::thread::park_timeout(Duration::from_millis(5));
            }
        });
        let clients: Vec<_> = tokens
            .iter()
            .enumerate()
            .map(|(me, token)| {
                let (world, rounds) = (&world, &rounds);
                scope.spawn(move || client(world, me, token, seed, rounds))
            })
            .collect();
        for client in clients {
            for one in client.join().unwrap() {
                assert!(told.lock().unwrap().insert(one.clone()), "told twice: {one:?}");
            }
        }
        is_over.store(true, Ordering::SeqCst);
        killer.join().unwrap();
        for applier in appliers {
            applier.join().unwrap();
        }
    });
    let told = told.into_inner().unwrap();
    let Counts { stale, lost, busy, kills, applies } = &world.counts;
    let of = |count: &AtomicUsize| count.load(Ordering::SeqCst);
    println!(
        "seed {seed}: {all} rounds of {CLIENTS} clients, {} saved, {} stale, {} busy, {} answers lost, {} applies, {} kills",
        told.len(),
        of(stale),
        of(busy),
        of(lost),
        of(applies),
        of(kills)
    );
    assert!(!told.is_empty() && of(kills) > 0 && of(applies) >= APPLIERS);
    let records = store::open(&url).unwrap().records().unwrap();
    require_one_story(&records, &told);
    require_feed(&world, &tokens[0], &records);
}

/// What clients were told is what the history has, each save made of the one before and of nothing else.
fn require_one_story(records: &[Record], told: &BTreeSet<Told>) {
    let prefix = SettingPath::root().child("order_number_prefix");
    let mut last: BTreeMap<(String, String), (u64, model::Settings)> = BTreeMap::new();
    let mut kept = BTreeSet::new();
    for Record { integration, category, past } in records {
        let settings = past.settings.clone().unwrap();
        let key = (integration.clone(), category.clone());
        let (revision, before) = last.get(&key).cloned().unwrap_or_default();
        assert_eq!(past.revision, revision + 1, "no revision is skipped or used twice");
        let is_clients = past.saved_by.starts_with('c') && past.saved_by != "ci";
        let others = |all: &model::Settings| {
            let mut all = all.clone();
            all.retain(|path, _| (*path == prefix) != is_clients);
            all
        };
        if revision > 0 {
            assert_eq!(
                others(&before),
                others(&settings),
                "{integration} {revision}: what it did not move is as it was"
            );
        }
        if is_clients {
            let Some(Value::Text(mark)) = settings.get(&prefix) else { panic!("{settings:?}") };
            let (integration, category) = key.clone();
            let (by, mark) = (past.saved_by.clone(), mark.clone());
            assert!(
                kept.insert(Told { integration, category, revision: past.revision, by, mark }),
                "it is there twice"
            );
        }
        last.insert(key, (past.revision, settings));
    }
    let marks: BTreeSet<&str> = kept.iter().map(|one| one.mark.as_str()).collect();
    assert_eq!(marks.len(), kept.len(), "one save was made twice");
    assert_eq!(kept, *told, "what clients were told is what the history shows");
}

/// The feed has each save that moved something once, in the order in which it was made.
fn require_feed(world: &World, token: &str, records: &[Record]) {
    let (mut dice, mut after, mut fed) = (Dice(1), String::new(), Vec::new());
    loop {
        let page = world.ask(&mut dice, token, "GET", &format!("/changes?after={after}"), &[], "");
        assert_eq!(page.status, 200, "{}", page.body);
        let page: Json = page.json();
        let changes = page["changes"].as_array().unwrap();
        if changes.is_empty() {
            break;
        }
        fed.extend(changes.iter().map(|one| {
            let text = |key: &str| one[key].as_str().unwrap().to_owned();
            (text("integration"), text("category"), one["revision"].as_u64().unwrap())
        }));
        page["cursor"].as_str().unwrap().clone_into(&mut after);
    }
    let mut before: BTreeMap<(&str, &str), &model::Settings> = BTreeMap::new();
    let mut moved = Vec::new();
    for Record { integration, category, past } in records {
        let settings = past.settings.as_ref().unwrap();
        if before.insert((integration.as_str(), category.as_str()), settings) != Some(settings) {
            moved.push((integration.clone(), category.clone(), past.revision));
        }
    }
    assert_eq!(fed, moved);
}
