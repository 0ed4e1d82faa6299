//! What requests take, as ratios of one run: `cargo bench --bench serve`.
//!
//! A `GET` of a category that is known already (304) beside a bare axum route; durable saves of a category on PostgreSQL beside what
//! pgbench makes of one equal update; and the memory that 10,000 integrations take that are listed by pages. Where there is no
//! PostgreSQL, what needs it is left out. Not here: whole commands (`fleet`).
#![expect(
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stdout,
    reason = "a benchmark runs programs, reads the clock and prints what it measured; what cannot go on stops"
)]

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use axum::http::{StatusCode, header};
use clap::Parser;
use pairform::model;
use pairform::ops::section::{Role, TokenAsked, make_token};
use pairform::store::{self, Registered, Save};
use serde_json::json;

#[derive(Debug, Parser)]
#[command(about = "Measures requests to the server of the Configure section")]
struct Options {
    /// Clients that ask at once.
    #[arg(long, value_delimiter = ',', default_value = "1,16,64")]
    clients: Vec<usize>,
    /// How long each is measured.
    #[arg(long, default_value_t = 5)]
    seconds: u64,
    /// Integrations that are listed.
    #[arg(long, default_value_t = 10_000)]
    integrations: usize,
    /// Measure this program and not the one that was just built.
    #[arg(long, default_value = env!("CARGO_BIN_EXE_pairform"))]
    binary: PathBuf,
    /// Given by cargo.
    #[arg(long, hide = true)]
    bench: bool,
}

const AT: &str = "2026-12-01T09:30:00Z";
const PATH: &str = "/api/v1/integrations";

fn main() {
    let options = Options::parse();
    let folder = tempfile::tempdir().expect("a folder");
    let file = format!("sqlite:{}", folder.path().join("state.db").display());
    let postgres = Postgres::start();
    let bare = bare_route();
    let most = options.clients.iter().copied().max().unwrap_or(1);
    for (kind, url) in [("SQLite", Some(file)), ("PostgreSQL", postgres.as_ref().map(Postgres::url))] {
        let Some(url) = url else { continue };
        fill(&url, most);
        let token = token(&url);
        let server = Server::start(&options.binary, folder.path(), &url);
        for clients in &options.clients {
            let known = |address: &str, token: &str| rate(&options, *clients, |me| get(address, token, me));
            let (plain, ours) = (known(&bare, &token), known(&server.address, &token));
            println!(
                "GET, 304, {clients:>2} clients, {kind:<10} {ours:>8.0}/s, a bare route {plain:>8.0}/s, ratio {:.2}",
                ours / plain
            );
        }
        let Some(postgres) = postgres.as_ref().filter(|_| kind == "PostgreSQL") else { continue };
        for clients in &options.clients {
            let saves = rate(&options, *clients, |me| save(&server.address, &token, me));
            let updates = postgres.pgbench(*clients, options.seconds);
            println!(
                "PATCH, {clients:>2} clients, {kind:<10} {saves:>8.0}/s, pgbench {updates:>8.0}/s, ratio {:.2}",
                saves / updates
            );
        }
    }
    pages(&options);
}

/// One thing that a client does again and again.
type Asking = Box<dyn FnMut() + Send>;

/// How often in a second clients do what they do.
fn rate(options: &Options, clients: usize, new: impl Fn(usize) -> Asking) -> f64 {
    let (count, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let all: Vec<Asking> = (0..clients).map(new).collect();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        for mut one in all {
            let (count, is_over) = (&count, &is_over);
            scope.spawn(move || {
                while !is_over.load(Ordering::Relaxed) {
                    one();
                    count.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
        std::thread::sleep(Duration::from_secs(options.seconds));
        is_over.store(true, Ordering::Relaxed);
    });
    count.load(Ordering::Relaxed) as f64 / begun.elapsed().as_secs_f64()
}

/// A connection that stays open.
struct Line {
    to: BufReader<TcpStream>,
    host: String,
    token: String,
}

struct Answer {
    status: u16,
    etag: String,
    body: Vec<u8>,
}

impl Line {
    fn new(address: &str, token: &str) -> Line {
        let to = TcpStream::connect(address).expect("a server");
        to.set_nodelay(true).expect("a socket");
        Line { to: BufReader::new(to), host: address.to_owned(), token: token.to_owned() }
    }

    fn ask(&mut self, method: &str, path: &str, more: &str, body: &str) -> Answer {
        let (host, token, length) = (&self.host, &self.token, body.len());
        let head = format!(
            "{method} {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\n{more}\r\n{body}"
        );
        self.to.get_mut().write_all(head.as_bytes()).expect("it is sent");
        let (mut line, mut answer, mut length) =
            (String::new(), Answer { status: 0, etag: String::new(), body: Vec::new() }, 0);
        loop {
            line.clear();
            self.to.read_line(&mut line).expect("an answer");
            let text = line.trim_end();
            match text.split_once(": ") {
                None if text.is_empty() => break,
                None => {
                    answer.status = text.split(' ').nth(1).and_then(|code| code.parse().ok()).expect(text);
                }
                Some((name, value)) if name.eq_ignore_ascii_case("etag") => {
                    value.clone_into(&mut answer.etag);
                }
                Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                    length = value.parse().expect("a length");
                }
                Some(_) => {}
            }
        }
        if answer.status != 304 {
            answer.body.resize(length, 0);
            self.to.read_exact(&mut answer.body).expect("a body");
        }
        answer
    }
}

fn general(me: usize) -> String {
    format!("{PATH}/shop-{me:05}/categories/general")
}

fn get(address: &str, token: &str, me: usize) -> Asking {
    let (mut line, path) = (Line::new(address, token), general(me));
    let etag = line.ask("GET", &path, "", "").etag;
    let known = format!("If-None-Match: {etag}\r\n");
    Box::new(move || assert_eq!(line.ask("GET", &path, &known, "").status, 304))
}

fn save(address: &str, token: &str, me: usize) -> Asking {
    let (mut line, path, mut number) = (Line::new(address, token), general(me), 0_u64);
    let mut etag = line.ask("GET", &path, "", "").etag;
    Box::new(move || {
        number += 1;
        let seen = format!("If-Match: {etag}\r\n");
        let body = json!({"order_number_prefix": format!("{number:06}-")}).to_string();
        let answer = line.ask("PATCH", &path, &seen, &body);
        assert_eq!(answer.status, 200, "{}", String::from_utf8_lossy(&answer.body));
        etag = answer.etag;
    })
}

/// A route that knows one answer; its address.
fn bare_route() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    listener.set_nonblocking(true).expect("a socket");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().enable_io().enable_time().build().expect("threads");
        runtime.block_on(async move {
            let known = async || (StatusCode::NOT_MODIFIED, [(header::ETAG, "\"1\"")]);
            let routes = axum::Router::new()
                .route(&format!("{PATH}/{{id}}/categories/{{category}}"), axum::routing::get(known));
            let listener = tokio::net::TcpListener::from_std(listener).expect("a socket");
            axum::serve(listener, routes).await.expect("it serves");
        });
    });
    address
}

/// Integrations with a category each.
fn fill(url: &str, number: usize) {
    let mut store = store::open(&url.to_owned()).expect("a store");
    let names: Vec<String> = (0..number).map(|at| format!("shop-{at:05}")).collect();
    for names in names.chunks(500) {
        let settings: Vec<_> = names.iter().map(|name| model::from_json(&json!({"name": name}))).collect();
        for id in names {
            let (id, pair) = (id.clone(), Some("fortnox-shopify".to_owned()));
            let new = Registered { id, pair, made_at: AT.to_owned(), made_by: "ann".to_owned() };
            store.register(&new).expect("it is known");
        }
        // Nothing was applied, so that anybody may save.
        let nothing = model::from_json(&json!({}));
        let save = |(integration, settings)| Save {
            integration,
            category: "general",
            expected_revision: 0,
            settings,
            applied: &nothing,
            saved_by: "ann",
            saved_at: AT,
            commit: None,
            run: "sha256:aa",
            fence: None,
            lease: None,
        };
        let saves: Vec<Save<'_>> = names.iter().map(String::as_str).zip(&settings).map(save).collect();
        for saved in store.save_all(&saves).expect("they are saved") {
            saved.expect("it is saved");
        }
    }
}

fn token(url: &str) -> String {
    let asked = TokenAsked {
        name: "bo".to_owned(),
        role: Role::Admin,
        rights: Vec::new(),
        categories: Vec::new(),
        integrations: Vec::new(),
        expires_at: None,
    };
    let (secret, kept) = make_token(&asked, AT, "ann").expect("a token");
    store::open(&url.to_owned()).expect("a store").add_token(&kept).expect("it is kept");
    secret
}

/// Lists integrations page by page, and tells what the server's memory came to after the first pages and in the end.
fn pages(options: &Options) {
    let folder = tempfile::tempdir().expect("a folder");
    let url = format!("sqlite:{}", folder.path().join("state.db").display());
    fill(&url, options.integrations);
    let token = token(&url);
    let server = Server::start(&options.binary, folder.path(), &url);
    let mut line = Line::new(&server.address, &token);
    let (mut after, mut listed, mut first, begun) = (String::new(), 0, None, Instant::now());
    loop {
        let page = line.ask("GET", &format!("{PATH}?limit=200&after={after}"), "", "").body;
        let page: serde_json::Value = serde_json::from_slice(&page).expect("a page");
        listed += page["integrations"].as_array().map_or(0, Vec::len);
        if listed >= options.integrations / 10 {
            first.get_or_insert_with(|| server.memory());
        }
        match page["next"].as_str() {
            Some(next) => next.clone_into(&mut after),
            None => break,
        }
    }
    let (first, last) = (first.unwrap_or_default(), server.memory());
    println!(
        "{listed} integrations by pages of 200 in {:.1} s: at most {first} KB after a tenth, {last} KB in the end, ratio {:.2}",
        begun.elapsed().as_secs_f64(),
        last as f64 / first as f64
    );
}

struct Server {
    child: Child,
    address: String,
}

impl Server {
    fn start(binary: &Path, folder: &Path, store: &str) -> Server {
        let mut command = Command::new(binary);
        command.current_dir(folder).args(["serve", "--listen", "127.0.0.1:0", "--store", store]);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::null()).spawn().expect("the program");
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().expect("its output")).read_line(&mut line).expect("a line");
        let address = line.trim().strip_prefix("listening on http://").expect("an address").to_owned();
        Server { child, address }
    }

    /// The most that it took so far, in KB.
    fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        line.and_then(|line| line.trim().trim_end_matches(" kB").parse().ok()).unwrap_or_default()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of its own, whose saves are durable.
struct Postgres {
    folder: tempfile::TempDir,
    programs: PathBuf,
    port: u16,
    child: Child,
}

impl Postgres {
    fn start() -> Option<Postgres> {
        let folders = std::fs::read_dir("/usr/lib/postgresql").into_iter().flatten().flatten();
        let mut folders = folders.map(|entry| entry.path().join("bin"));
        let programs =
            folders.find(|folder| folder.join("pgbench").is_file() && folder.join("initdb").is_file())?;
        let folder = tempfile::tempdir().expect("a folder");
        let port = TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
        // It refuses root.
        Command::new("chown").arg("nobody").arg(folder.path()).status().expect("chown");
        let run = |program: &str, arguments: &[&str]| {
            let mut command = as_somebody(&programs.join(program));
            command.current_dir(folder.path()).args(arguments).stdout(Stdio::null()).stderr(Stdio::null());
            command
        };
        let made =
            run("initdb", &["-D", "data", "-U", "configure", "--auth=trust", "-E", "UTF8", "--locale=C"])
                .status();
        assert!(made.expect("initdb").success(), "initdb made no cluster");
        let (at, sockets) = (port.to_string(), folder.path().display().to_string());
        let child =
            run("postgres", &["-D", "data", "-p", &at, "-k", &sockets, "-c", "listen_addresses=127.0.0.1"])
                .spawn();
        let postgres = Postgres { child: child.expect("postgres"), folder, programs: programs.clone(), port };
        let begun = Instant::now();
        while let Err(error) = postgres::Client::connect(&postgres.url(), postgres::NoTls) {
            assert!(begun.elapsed() < Duration::from_secs(60), "{error}");
            std::thread::sleep(Duration::from_millis(100));
        }
        Some(postgres)
    }

    fn url(&self) -> String {
        format!("postgres://configure@127.0.0.1:{}/postgres?sslmode=disable", self.port)
    }

    /// How often in a second a category's row is updated, as a save does it: with its revision, and the row of the history that the
    /// table's own triggers write.
    fn pgbench(&self, clients: usize, seconds: u64) -> f64 {
        let mut shell = postgres::Client::connect(&self.url(), postgres::NoTls).expect("a connection");
        let of_store = "SELECT table_schema FROM information_schema.tables WHERE table_name = 'category'";
        let schema: String = shell.query_one(of_store, &[]).expect("its tables").get(0);
        let script = self.folder.path().join("update.sql");
        let update = format!(
            "\\set mark random(1, 1000000000)\n\
             UPDATE {schema}.category SET settings = '{{\"name\":\"shop\",\"order_number_prefix\":\"' || :mark || '\"}}',\n\
             revision = revision + 1, run = 'sha256:' || :mark\n\
             WHERE integration = 'shop-' || lpad((:client_id)::text, 5, '0') AND category = 'general';\n"
        );
        std::fs::write(&script, update).expect("a script");
        let mut command = Command::new(self.programs.join("pgbench"));
        command.args(["-n", "-M", "prepared", "-h", "127.0.0.1", "-U", "configure", "-j", "2"]);
        command.args([
            "-p",
            &self.port.to_string(),
            "-c",
            &clients.to_string(),
            "-T",
            &seconds.to_string(),
            "-f",
        ]);
        let done = command.arg(&script).arg("postgres").output().expect("pgbench");
        let told = String::from_utf8_lossy(&done.stdout).into_owned();
        let rate = told.lines().find_map(|line| line.strip_prefix("tps = ")?.split(' ').next()?.parse().ok());
        rate.unwrap_or_else(|| panic!("{told}{}", String::from_utf8_lossy(&done.stderr)))
    }
}

fn as_somebody(program: &Path) -> Command {
    let id = Command::new("id").arg("-u").output().expect("id");
    if id.stdout.trim_ascii() != b"0" {
        return Command::new(program);
    }
    let mut command = Command::new("setpriv");
    command.args(["--reuid=nobody", "--regid=nogroup", "--clear-groups"]).arg(program);
    command
}

impl Drop for Postgres {
    fn drop(&mut self) {
        let _ = as_somebody(&self.programs.join("pg_ctl"))
            .current_dir(self.folder.path())
            .args(["-D", "data", "stop", "-m", "immediate"])
            .stdout(Stdio::null())
            .status();
        let _ = self.child.wait();
    }
}
