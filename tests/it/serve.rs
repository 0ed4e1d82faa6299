//! The server of the Configure section, asked as a program on the network asks it: with a real process, over TCP, on both stores.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use pairform::model::{self, Settings};
use pairform::store::{self, Save};
use serde_json::{Value as Json, json};

use crate::run::Project;
use crate::server;

/// A server process, stopped when it is dropped.
pub struct Server {
    child: Child,
    pub address: String,
}

impl Server {
    pub fn start(project: &Project, store: &str, more: &[&str]) -> Server {
        Server::start_in(project.path(), store, more)
    }

    pub fn start_in(folder: &std::path::Path, store: &str, more: &[&str]) -> Server {
        Server::start_with(folder, store, more, &[])
    }

    pub fn start_with(
        folder: &std::path::Path,
        store: &str,
        more: &[&str],
        variables: &[(&str, &str)],
    ) -> Server {
        Server::start_telling(folder, store, more, variables, Stdio::null())
    }

    /// One that writes what it tells of requests into a file.
    pub fn logging(
        folder: &std::path::Path,
        store: &str,
        more: &[&str],
        variables: &[(&str, &str)],
        log: &std::path::Path,
    ) -> Server {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        Server::start_telling(folder, store, more, variables, log.into())
    }

    fn start_telling(
        folder: &std::path::Path,
        store: &str,
        more: &[&str],
        variables: &[(&str, &str)],
        tell: Stdio,
    ) -> Server {
        let mut command = command_in(folder);
        command.envs(variables.iter().copied());
        Server::start_by(command, store, more, tell)
    }

    /// One of another program than the one that is tested.
    pub fn start_of(program: &str, folder: &std::path::Path, store: &str) -> Server {
        let mut command = Command::new(program);
        command.current_dir(folder).env("PAIRFORM_ACTOR", "ann");
        Server::start_by(command, store, &[], Stdio::null())
    }

    fn start_by(mut command: Command, store: &str, more: &[&str], tell: Stdio) -> Server {
        let mut child = command
            .args(["serve", "--listen", "127.0.0.1:0", "--store", store])
            .args(more)
            .stdout(Stdio::piped())
            .stderr(tell)
            .spawn()
            .unwrap();
        let mut line = String::new();
        BufReader::new(child.stdout.as_mut().unwrap()).read_line(&mut line).unwrap();
        let address = line.trim().strip_prefix("listening on http://").expect(&line).to_owned();
        Server { child, address }
    }

    pub fn client<'s>(&'s self, token: &'s str) -> Client<'s> {
        Client { address: &self.address, token }
    }

    /// Of its process.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }

    /// Asks it to stop, as a supervisor does, and tells how it ended.
    fn stop(mut self) -> i32 {
        signal(&self.child, "TERM");
        self.child.wait().unwrap().code().unwrap_or(-1)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
    }
}

fn signal(child: &Child, name: &str) {
    Command::new("kill").args([&format!("-{name}"), &child.id().to_string()]).status().unwrap();
}

fn command(project: &Project) -> Command {
    command_in(project.path())
}

fn command_in(folder: &std::path::Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
    command.current_dir(folder).env("PAIRFORM_ACTOR", "ann");
    command
}

/// Who asks.
#[derive(Clone, Copy)]
pub struct Client<'a> {
    address: &'a str,
    token: &'a str,
}

/// What was answered.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Answer {
    pub fn json(&self) -> Json {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.body))
    }

    #[track_caller]
    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{}", self.body);
        self
    }

    /// A problem, by its code.
    #[track_caller]
    pub fn is_problem(&self, status: u16, code: &str) -> Json {
        self.is(status);
        assert_eq!(self.headers["content-type"], "application/problem+json");
        let problem = self.json();
        assert_eq!((problem["code"].as_str(), problem["status"].as_u64()), (Some(code), Some(status.into())));
        problem
    }
}

impl Client<'_> {
    pub fn ask(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Answer {
        let mut head = format!("{method} {path} HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n", self.address);
        if !self.token.is_empty() {
            head.push_str(&format!("Authorization: Bearer {}\r\n", self.token));
        }
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        if !body.is_empty() {
            head.push_str(&format!("Content-Length: {}\r\n", body.len()));
        }
        let mut socket = TcpStream::connect(self.address).unwrap();
        socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        // It may answer before it has read all.
        let _ = socket.write_all(format!("{head}\r\n{body}").as_bytes());
        let mut all = Vec::new();
        let _ = socket.read_to_end(&mut all);
        read_answer(&String::from_utf8_lossy(&all))
    }

    pub fn get(&self, path: &str) -> Answer {
        self.ask("GET", &format!("/api/v1{path}"), &[], "")
    }

    pub fn send(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &Json) -> Answer {
        let headers: Vec<(&str, &str)> =
            headers.iter().copied().chain([("Content-Type", "application/json")]).collect();
        self.ask(method, &format!("/api/v1{path}"), &headers, &body.to_string())
    }

    pub fn patch(&self, path: &str, etag: &str, body: &Json) -> Answer {
        self.send("PATCH", path, &[("If-Match", etag)], body)
    }
}

pub fn read_answer(text: &str) -> Answer {
    let (head, body) = text.split_once("\r\n\r\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let status =
        lines.next().and_then(|line| line.split(' ').nth(1)).and_then(|code| code.parse().ok()).unwrap_or(0);
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let body = match headers.get("transfer-encoding").map(String::as_str) {
        Some("chunked") => unchunked(body),
        _ => body.to_owned(),
    };
    Answer { status, headers, body }
}

fn unchunked(mut text: &str) -> String {
    let mut all = String::new();
    while let Some((size, rest)) = text.split_once("\r\n") {
        let size = usize::from_str_radix(size.trim(), 16).unwrap_or(0);
        if size == 0 || rest.len() < size {
            break;
        }
        all.push_str(&rest[..size]);
        text = rest[size..].trim_start_matches("\r\n");
    }
    all
}

/// The token alone, as the command prints it.
pub fn token(project: &Project, store: &str, arguments: &[&str]) -> String {
    token_in(project.path(), store, arguments)
}

pub fn token_in(folder: &std::path::Path, store: &str, arguments: &[&str]) -> String {
    let made =
        command_in(folder).args(["token", "create", "--store", store]).args(arguments).output().unwrap();
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    let text = String::from_utf8(made.stdout).unwrap();
    assert!(text.starts_with("pairform_") && text.ends_with('\n'), "{text}");
    text.trim().to_owned()
}

/// The stores that tests run on: a file, and where there is one a PostgreSQL.
pub fn stores(project: &Project) -> Vec<String> {
    let file = format!("sqlite:{}", project.path().join("state.db").display());
    std::iter::once(file).chain(server::shared().map(server::Server::fresh_url)).collect()
}

const SHOP: &str = "pair: fortnox-shopify\nunmanaged: [connectors]\n";

/// A shop whose order numbers begin so, where the file says it.
fn shop(id: &str, prefix: Option<&str>) -> String {
    let prefix = prefix.map(|prefix| format!(", order_number_prefix: {prefix}")).unwrap_or_default();
    format!("integration: {id}\n{SHOP}settings: {{general: {{name: {id}{prefix}}}}}\n")
}

fn apply(project: &Project, store: &str) {
    apply_with(project, store, &[], &[]);
}

pub fn apply_with(project: &Project, store: &str, variables: &[(&str, &str)], more: &[&str]) {
    let mut command = command(project);
    command.args(["apply", "--yes", "--store", store]).args(more).envs(variables.iter().copied());
    let done = command.output().unwrap();
    let said = String::from_utf8_lossy(&done.stderr);
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stdout));
}

/// What a person does past every program: the deployed settings are these now.
pub fn set_outside(url: &str, id: &str, prefix: Option<&str>) {
    let mut store = store::open(&url.to_owned()).unwrap();
    let row = store
        .read(Some(&[id.to_owned()]))
        .unwrap()
        .into_iter()
        .find(|row| row.category == "general")
        .unwrap();
    let mut document = model::to_json(&row.settings);
    match prefix {
        Some(prefix) => document["order_number_prefix"] = prefix.into(),
        None => drop(document.as_object_mut().unwrap().remove("order_number_prefix")),
    }
    let settings: Settings = model::from_json(&document);
    let save = Save {
        integration: id,
        category: "general",
        expected_revision: row.revision,
        settings: &settings,
        applied: &row.applied,
        saved_by: "karin",
        saved_at: "2026-11-12T08:00:00Z",
        commit: None,
        run: "outside",
        fence: None,
        lease: None,
    };
    store.save(&save).unwrap();
}

/// One row of the table: what the files say, what was applied, what is deployed; the state; and which saves are taken of
/// `to A`, `to B`, `to C`, `reset`.
type Row = (
    &'static str,
    Option<&'static str>,
    Option<&'static str>,
    Option<&'static str>,
    &'static str,
    &'static str,
);

const A: Option<&str> = Some("A-");
const B: Option<&str> = Some("B-");
const C: Option<&str> = Some("C-");

const OWNERS: [Row; 10] = [
    ("nobody-s", None, None, None, "", "A B C -"),
    ("people-s-value", None, None, A, "not-managed", "A B C -"),
    ("git", A, A, A, "git", "A"),
    ("changed-outside", A, A, B, "changed-outside", "A B"),
    ("taken-away-outside", A, A, None, "changed-outside", "A -"),
    ("waits", B, A, A, "waits-for-apply", "A"),
    ("new-in-git", A, None, None, "waits-for-apply", "-"),
    ("left-git", None, A, A, "waits-for-apply", "A"),
    ("conflict", A, B, C, "conflict", "C"),
    ("agreed", A, B, A, "agreed", "A"),
];

/// Every state × PUT, PATCH, override and revert, on both stores. Each is tried on an integration of its own.
#[test]
fn the_table_of_owners_is_kept_by_every_kind_of_save() {
    let project = Project::empty();
    for store in stores(&project) {
        let mut cases: Vec<(String, Row, &str, Option<&str>)> = Vec::new();
        for row in OWNERS {
            for (to, name) in [(A, "a"), (B, "b"), (C, "c"), (None, "none")] {
                for kind in ["put", "patch", "override"] {
                    cases.push((format!("{}-{kind}-{name}", row.0), row, kind, to));
                }
            }
            cases.push((format!("{}-revert", row.0), row, "revert", row.2));
        }
        for (id, (_, _, applied, ..), ..) in &cases {
            project.write(&format!("integrations/{id}.yaml"), shop(id, *applied));
        }
        project.write("integrations/gone.yaml", shop("gone", A));
        project.write("integrations/left-to-people.yaml", shop("left-to-people", A));
        apply(&project, &store);
        for (id, (_, said, applied, deployed, ..), ..) in &cases {
            if deployed != applied {
                set_outside(&store, id, *deployed);
            }
            project.write(&format!("integrations/{id}.yaml"), shop(id, *said));
        }
        std::fs::remove_file(project.path().join("integrations/gone.yaml")).unwrap();
        let unmanaged = shop("left-to-people", None).replace("[connectors]", "[connectors, general]");
        let unmanaged: String = unmanaged
            .lines()
            .filter(|line| !line.starts_with("settings"))
            .map(|line| format!("{line}\n"))
            .collect();
        project.write("integrations/left-to-people.yaml", &unmanaged);
        let token = token(&project, &store, &["bo", "--role", "editor", "--right", "override"]);
        let server = Server::start(&project, &store, &[]);
        let client = server.client(&token);
        for (id, row, kind, to) in &cases {
            let (_, _, applied, deployed, state, taken) = row;
            let path = format!("/integrations/{id}/categories/general");
            let now = client.get(&path);
            let etag = now.is(200).headers["etag"].clone();
            let now = now.json();
            let is_prefix = |one: &&Json| one["setting"] == "order_number_prefix";
            let found = now["states"].as_array().unwrap().iter().find(is_prefix);
            assert_eq!(found.map_or("", |one| one["state"].as_str().unwrap()), *state, "{id}: {now}");
            let is_taken =
                taken.split(' ').any(|one| to.map_or(one == "-", |to| to.trim_end_matches('-') == one));
            let answer = match *kind {
                "put" => {
                    let mut whole = json!({"name": id});
                    if let Some(to) = to {
                        whole["order_number_prefix"] = (*to).into();
                    }
                    client.send("PUT", &path, &[("If-Match", &etag)], &whole)
                }
                "patch" => client.patch(&path, &etag, &json!({"order_number_prefix": to})),
                "override" => {
                    let headers =
                        [("If-Match", etag.as_str()), ("Pairform-Override", "the bank asks for it")];
                    client.send("PATCH", &path, &headers, &json!({"order_number_prefix": to}))
                }
                _ => client.send(
                    "POST",
                    &format!("/integrations/{id}/revert"),
                    &[("If-Match", &etag)],
                    &json!({"category": "general", "revision": 1}),
                ),
            };
            let after = client.get(&path).json();
            if is_taken || *kind == "override" {
                assert_eq!(answer.status, 200, "{id}: {}", answer.body);
                assert_eq!(after["settings"]["order_number_prefix"], json!(to), "{id}");
                // Only what moves makes a revision.
                let moved = u64::from(to != deployed);
                assert_eq!(
                    after["revision"].as_u64().unwrap(),
                    now["revision"].as_u64().unwrap() + moved,
                    "{id}"
                );
            } else {
                let problem = answer.is_problem(409, "managed-by-git");
                assert_eq!(problem["settings"][0]["state"], *state, "{id}");
                assert_eq!(after["revision"], now["revision"], "{id}");
            }
            assert_eq!(
                after["applied"]["order_number_prefix"],
                json!(applied),
                "{id}: an apply alone moves the base"
            );
        }
        for (id, status) in [("gone", 409), ("left-to-people", 200)] {
            let path = format!("/integrations/{id}/categories/general");
            let etag = client.get(&path).headers["etag"].clone();
            client.patch(&path, &etag, &json!({"order_number_prefix": "B-"})).is(status);
        }
        drop(server);
        // The override is in the record, with its reason.
        let record = command(&project).args(["audit", "export", "--store", &store]).output().unwrap();
        let record = String::from_utf8_lossy(&record.stdout).into_owned();
        assert!(record.contains("the bank asks for it"));
        // And so is what git kept from somebody: who, when, of what.
        let refused: Vec<Json> = record.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        let of_git = |line: &&Json| line["kind"] == "refusal" && line["by"] == "bo";
        let told = refused.iter().find(of_git).unwrap();
        assert!(told["text"].as_str().unwrap().contains("git owns order_number_prefix"), "{told}");
        for (id, ..) in &cases {
            std::fs::remove_file(project.path().join(format!("integrations/{id}.yaml"))).unwrap();
        }
        std::fs::remove_file(project.path().join("integrations/left-to-people.yaml")).unwrap();
    }
}

/// A project with one shop of which nothing is in git but its name, its store and who may edit it.
fn one_shop(project: &Project, store: &str) -> String {
    project.write("integrations/shop.yaml", shop("shop", None));
    apply(project, store);
    token(project, store, &["bo", "--role", "editor"])
}

const GENERAL: &str = "/integrations/shop/categories/general";

#[test]
fn a_save_says_which_revision_it_saw_and_a_stale_one_is_told_who_and_when() {
    let project = Project::empty();
    for store in stores(&project) {
        let bo = one_shop(&project, &store);
        let eva = token(&project, &store, &["eva", "--role", "editor"]);
        let server = Server::start(&project, &store, &[]);
        let (bo, eva) = (server.client(&bo), server.client(&eva));
        bo.send("PATCH", GENERAL, &[], &json!({"error_email": "a@b.se"}))
            .is_problem(428, "precondition-required");
        let first = bo.patch(GENERAL, "\"1\"", &json!({"error_email": "a@b.se"}));
        let etag = first.is(200).headers["etag"].clone();
        assert!(etag.starts_with("\"2-") && first.json()["revision"] == 2, "{etag} {}", first.body);
        let stale = eva.patch(GENERAL, "\"1\"", &json!({"error_email": "c@d.se"})).is_problem(412, "stale");
        assert_eq!((&stale["saved_by"], &stale["revision"]), (&json!("bo"), &json!(2)));
        assert!(stale["saved_at"].as_str().unwrap().ends_with('Z'));
        assert_eq!(stale["deployed"]["error_email"], "a@b.se");
        assert_eq!(stale["applied"], json!({"name": "shop"}));
        // What is wrong is said as the command line says it, and nothing is saved.
        let wrong =
            eva.patch(GENERAL, "\"2\"", &json!({"error_email": "no address"})).is_problem(422, "invalid");
        assert_eq!(wrong["findings"][0]["setting"], "error_email");
        assert_eq!(wrong["detail"], wrong["findings"][0]["message"]);
        eva.patch(GENERAL, "\"3\"", &json!({"error_email": null})).is_problem(412, "stale");
        assert_eq!(eva.get(GENERAL).headers["etag"], etag, "a save tells the ETag of what it left");
        eva.ask("GET", &format!("/api/v1{GENERAL}"), &[("If-None-Match", &etag)], "").is(304);
        // One who only wants to know moves nothing.
        let trial = eva.patch(&format!("{GENERAL}?trial=true"), "\"2\"", &json!({"error_email": null}));
        assert_eq!(trial.is(200).json()["changes"][0]["before"], "a@b.se");
        assert_eq!(bo.get(GENERAL).json()["revision"], 2);
        // Asked twice with one key it is done once; and the key is of that request alone.
        let key = [("If-Match", "\"2\""), ("Idempotency-Key", "k")];
        let body = json!({"error_email": "e@f.se"});
        assert_eq!(eva.send("PATCH", GENERAL, &key, &body).is(200).json()["revision"], 3);
        let again = eva.send("PATCH", GENERAL, &key, &body);
        assert_eq!(
            (again.is(200).json()["revision"].clone(), again.json()["repeated"].clone()),
            (json!(3), json!(true))
        );
        eva.send("PATCH", GENERAL, &key, &json!({"error_email": null})).is_problem(422, "key-reused");
        bo.send("PATCH", GENERAL, &key, &body).is_problem(412, "stale");
        // A category that was never saved.
        let order = "/integrations/shop/categories/order";
        assert!(bo.get(order).is(200).headers["etag"].starts_with("\"0-"));
        let made = bo.send("PUT", order, &[("If-None-Match", "*")], &json!({}));
        assert!(matches!(made.status, 200 | 201), "{}", made.body);
    }
}

/// Git's side moves without a save: whoever asks again is shown it, and a save of what he saw is still a save of that revision.
#[test]
fn an_answer_that_is_known_is_one_of_which_git_says_the_same() {
    let project = Project::empty();
    for store in stores(&project) {
        let bo = one_shop(&project, &store);
        project.write("integrations/shop.yaml", shop("shop", A));
        apply(&project, &store);
        let seen = {
            let server = Server::start(&project, &store, &[]);
            let seen = server.client(&bo).get(GENERAL).is(200).headers["etag"].clone();
            let known = [("If-None-Match", seen.as_str())];
            server.client(&bo).ask("GET", &format!("/api/v1{GENERAL}"), &known, "").is(304);
            seen
        };
        project.write("integrations/shop.yaml", shop("shop", B));
        let server = Server::start(&project, &store, &[]);
        let client = server.client(&bo);
        let now = client.ask("GET", &format!("/api/v1{GENERAL}"), &[("If-None-Match", &seen)], "");
        let state = now.is(200).json()["states"].to_string();
        assert!(state.contains("waits-for-apply"), "{state}");
        assert_eq!(now.headers["etag"].split('-').next(), seen.split('-').next(), "the revision is the same");
        client.patch(GENERAL, &seen, &json!({"error_email": "a@b.se"})).is(200);
        client.patch(GENERAL, &seen, &json!({"error_email": "c@d.se"})).is_problem(412, "stale");
    }
}

/// Pages of the history of all categories, and of one, give each save once, the newest first.
#[test]
fn the_history_is_read_page_by_page() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let bo = one_shop(&project, &store);
    let server = Server::start(&project, &store, &[]);
    let client = server.client(&bo);
    let order = "/integrations/shop/categories/order";
    client.send("PUT", order, &[("If-None-Match", "*")], &json!({"exclude_before": "2026-01-01"})).is(201);
    for (revision, email) in (1..).zip(["a@b.se", "c@d.se", "e@f.se"]) {
        client.patch(GENERAL, &format!("\"{revision}\""), &json!({"error_email": email})).is(200);
    }
    let pages = |query: &str| {
        let (mut all, mut before) = (Vec::new(), String::new());
        loop {
            let page =
                client.get(&format!("/integrations/shop/history?limit=2{query}{before}")).is(200).json();
            let saves = page["saves"].as_array().unwrap();
            assert!(saves.len() <= 2, "{page}");
            all.extend(saves.iter().map(|save| {
                (save["category"].as_str().unwrap().to_owned(), save["revision"].as_u64().unwrap())
            }));
            match page["next"].as_str() {
                Some(next) => {
                    let encoded: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
                    before = format!("&before={encoded}");
                }
                None => return all,
            }
        }
    };
    let general = |revision| ("general".to_owned(), revision);
    assert_eq!(pages("&category=general"), [4, 3, 2, 1].map(general));
    let all = pages("");
    assert_eq!(all.len(), 5, "{all:?}");
    let of_general: Vec<_> = all.iter().filter(|(category, _)| category == "general").cloned().collect();
    assert_eq!(of_general, [4, 3, 2, 1].map(general));
    client.get("/integrations/shop/history?before=1").is_problem(400, "bad-request");
    client.get("/integrations/shop/history?category=general&before=x").is_problem(400, "bad-request");
}

/// Pages of a list give each integration once, as it is shown by itself.
#[test]
fn integrations_are_listed_page_by_page_as_each_is_shown_by_itself() {
    let project = Project::copy_example("nordic-group");
    for store in stores(&project) {
        apply_with(&project, &store, &[], &["--allow-live"]);
        let bo = token(&project, &store, &["bo", "--role", "viewer"]);
        let server = Server::start(&project, &store, &[]);
        let client = server.client(&bo);
        let (mut all, mut after) = (Vec::new(), String::new());
        loop {
            let page = client.get(&format!("/integrations?limit=3&after={after}")).is(200).json();
            all.extend(page["integrations"].as_array().unwrap().clone());
            match page["next"].as_str() {
                Some(next) => next.clone_into(&mut after),
                None => break,
            }
        }
        assert_eq!(all.len(), 10);
        for one in &all {
            let id = one["id"].as_str().unwrap();
            assert_eq!(*one, client.get(&format!("/integrations/{id}")).is(200).json(), "{id}");
        }
    }
}

#[test]
fn who_asks_is_known_and_may_no_more_than_his_token_says() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let bo = one_shop(&project, &store);
    let narrow = token(
        &project,
        &store,
        &["nils", "--role", "editor", "--for-category", "order*", "--for-integration", "other-*"],
    );
    let viewer = token(&project, &store, &["vera", "--role", "viewer"]);
    let runtime = token(&project, &store, &["sync", "--role", "runtime"]);
    let admin = token(&project, &store, &["ada", "--role", "admin"]);
    let ended = token(&project, &store, &["old", "--role", "admin", "--until", "2020-01-01T00:00:00Z"]);
    let server = Server::start(&project, &store, &[]);
    let email = json!({"error_email": "a@b.se"});
    for nobody in ["", "pairform_wrong", &ended, "sha256:x"] {
        let told = server.client(nobody).get("/integrations").is_problem(401, "unauthorized");
        assert!(!told.to_string().contains(if nobody.is_empty() { "pairform_" } else { nobody }), "{told}");
    }
    server.client(&viewer).get(GENERAL).is(200);
    server.client(&viewer).patch(GENERAL, "\"1\"", &email).is_problem(403, "forbidden");
    server.client(&runtime).patch(GENERAL, "\"1\"", &email).is_problem(403, "forbidden");
    // What he may not see is not there.
    server.client(&narrow).get(GENERAL).is_problem(404, "not-found");
    server.client(&narrow).patch(GENERAL, "\"1\"", &email).is_problem(404, "not-found");
    assert_eq!(server.client(&narrow).get("/integrations").json()["integrations"], json!([]));
    assert_eq!(server.client(&narrow).get("/changes").json()["changes"], json!([]));
    let overriding = [("If-Match", "\"1\""), ("Pairform-Override", "why not")];
    server
        .client(&bo)
        .send("PATCH", GENERAL, &overriding, &json!({"name": "x"}))
        .is_problem(403, "forbidden");
    // Tokens are an administrator's.
    server.client(&bo).get("/tokens").is_problem(403, "forbidden");
    let made = server.client(&admin).send("POST", "/tokens", &[], &json!({"name": "new", "role": "viewer"}));
    let new = made.is(201).json()["token"].as_str().unwrap().to_owned();
    server.client(&new).get(GENERAL).is(200);
    assert!(!server.client(&admin).get("/tokens").is(200).body.contains("sha256:"));
    server.client(&admin).send("DELETE", "/tokens/new", &[], &json!({})).is(204);
    server.client(&new).get(GENERAL).is_problem(401, "unauthorized");
    // A sync is reported by a runtime, of a flow that there is.
    let given = server.client(&runtime).get("/integrations/shop/configuration").headers["etag"].clone();
    let sync = json!({"flow": "orders", "etag": given, "outcome": "ok"});
    server.client(&bo).send("POST", "/integrations/shop/syncs", &[], &sync).is_problem(403, "forbidden");
    server.client(&runtime).send("POST", "/integrations/shop/syncs", &[], &sync).is(201);
    let wrong = json!({"flow": "nothing", "etag": given, "outcome": "ok"});
    server.client(&runtime).send("POST", "/integrations/shop/syncs", &[], &wrong).is(400);
    // Nobody makes up the ETag of a configuration, and a number alone says nothing.
    let (before, saves) = given.trim_matches('"').rsplit_once('.').unwrap();
    let more = saves.parse::<u64>().unwrap() + 1;
    for made_up in ["x", "anything.99999", &format!("{before}.{more}"), &format!("{before}0.{saves}"), ""] {
        let report = json!({"flow": "orders", "etag": made_up, "outcome": "ok"});
        let answer = server.client(&runtime).send("POST", "/integrations/shop/syncs", &[], &report);
        assert!(answer.is(400).body.contains("`etag`"), "{made_up}: {}", answer.body);
    }
    // Many wrong tokens are not looked at any more.
    let guess = |_| server.client("pairform_guess").get("/pairs").status;
    assert!((0..40).map(guess).any(|status| status == 429));
}

#[test]
fn a_page_of_another_origin_and_a_body_that_is_none_are_refused() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let bo = one_shop(&project, &store);
    let server = Server::start(&project, &store, &[]);
    let client = server.client(&bo);
    let own = format!("http://{}", server.address);
    let general = format!("/api/v1{GENERAL}");
    client.ask("GET", &general, &[("Origin", &own)], "").is(200);
    for foreign in ["http://evil.example", "null", &format!("{own}.evil.example")] {
        client.ask("GET", &general, &[("Origin", foreign)], "").is_problem(403, "forbidden");
    }
    client.ask("GET", &general, &[("Sec-Fetch-Site", "cross-site")], "").is_problem(403, "forbidden");
    let seen = [("If-Match", "\"1\"")];
    client.ask("PATCH", &general, &seen, "{}").is_problem(415, "unsupported-media-type");
    let json = [("If-Match", "\"1\""), ("Content-Type", "application/json")];
    for wrong in ["{", "[]", "7", "{\"a\":}", "\u{0}"] {
        client.ask("PATCH", &general, &json, wrong).is_problem(400, "bad-request");
    }
    let huge = format!("{{\"name\": \"{}\"}}", "x".repeat(2_000_000));
    client.ask("PATCH", &general, &json, &huge).is_problem(413, "too-large");
    client.ask("DELETE", &general, &[], "").is_problem(405, "method-not-allowed");
    for path in [
        "/nothing",
        "/api/v1/nothing",
        "/api/v1/integrations/nobody",
        "/api/v1/integrations/../../etc/passwd",
        "/api/v1/integrations/%2e%2e%2fshop",
    ] {
        client.ask("GET", path, &[], "").is_problem(404, "not-found");
    }
    client.ask("GET", "/api/v1/integrations/%ff", &[], "").is_problem(400, "bad-request");
    // Ids, labels and pages of a feed that are none.
    for query in ["limit=0", "limit=x", "limit=99999"] {
        client.get(&format!("/integrations?{query}")).is_problem(400, "bad-request");
    }
    client.get("/changes?after=nonsense").is_problem(400, "bad-request");
    client.get("/changes?after=other-store.1.5").is_problem(410, "gone");
    client.get("/integrations/shop/configuration?on=tomorrow").is_problem(400, "bad-request");
    // Nothing of this harmed it, and nobody is told who is a viewer by a stranger's header.
    client.ask("GET", "/readyz", &[], "").is(200);
    server.client("").ask("GET", &general, &[("X-User", "bo")], "").is(401);
}

#[test]
fn a_new_integration_is_made_in_onboarding_and_goes_live_when_nothing_is_missing() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let bo = one_shop(&project, &store);
    let server = Server::start(&project, &store, &[]);
    let client = server.client(&bo);
    let body = json!({"id": "new-shop", "pair": "fortnox-shopify", "name": "New Shop"});
    let made = client.send("POST", "/integrations", &[], &body);
    assert_eq!(made.is(201).headers["location"], "/api/v1/integrations/new-shop");
    assert_eq!((&made.json()["mode"], &made.json()["managed_by"]), (&json!("onboarding"), &json!("people")));
    client.send("POST", "/integrations", &[], &body).is_problem(409, "exists");
    for wrong in [
        json!({"id": "x"}),
        json!({"id": "../x", "pair": "fortnox-shopify"}),
        json!({"id": "y", "pair": "shop-fort"}),
    ] {
        assert_eq!(client.send("POST", "/integrations", &[], &wrong).status, 400, "{wrong}");
    }
    let general = "/integrations/new-shop/categories/general";
    let live = client.patch(general, "\"1\"", &json!({"live_mode": true, "onboarding_mode": false}));
    let problem = live.is_problem(422, "invalid");
    let missing = |one: &Json| one["code"] == "E0312" && one["severity"] == "error";
    assert!(problem["findings"].as_array().unwrap().iter().any(missing), "{problem}");
    assert_eq!(client.get("/integrations/new-shop").json()["mode"], "onboarding");
}

#[test]
fn a_runtime_reads_effective_values_of_a_day_and_its_etag_moves_with_them() {
    let project = Project::copy_example("nordic-group");
    let store = stores(&project).remove(0);
    let done =
        command(&project).args(["apply", "--yes", "--allow-live", "--store", &store]).output().unwrap();
    assert!(done.status.success());
    let runtime = token(&project, &store, &["sync", "--role", "runtime"]);
    let editor = token(&project, &store, &["bo", "--role", "editor", "--right", "override"]);
    let server = Server::start(&project, &store, &[]);
    let path = "/integrations/nordic-outdoor/configuration";
    let first = server.client(&runtime).get(path);
    let etag = first.is(200).headers["etag"].clone();
    let configuration = first.json();
    assert_eq!(configuration["mode"], "live");
    // A default that nobody set.
    assert_eq!(configuration["categories"]["article"]["direction"], "erp_to_shop");
    let known = [("If-None-Match", etag.as_str())];
    server.client(&runtime).ask("GET", &format!("/api/v1{path}"), &known, "").is(304);
    let terms = "/integrations/nordic-outdoor/categories/payment_methods";
    let headers = [("If-Match", "\"1\""), ("Pairform-Override", "Klarna asks for it")];
    let saved = server.client(&editor).send(
        "PATCH",
        terms,
        &headers,
        &json!({"methods": {"Klarna": {"terms": "14"}}}),
    );
    assert_eq!(saved.is(200).json()["changes"][0]["after_label"], "14 dagar netto");
    let second = server.client(&runtime).ask("GET", &format!("/api/v1{path}"), &known, "");
    assert_ne!(second.is(200).headers["etag"], etag);
    // By which the reconciler knows what a sync had.
    let saves = |etag: &str, of: &str| {
        let mut store = store::open(&store).unwrap();
        pairform::ops::section::saves_in(etag, of, store.as_mut()).unwrap()
    };
    let before = saves(&etag, "nordic-outdoor").unwrap();
    assert_eq!(saves(&second.headers["etag"], "nordic-outdoor"), Some(before + 1));
    assert_eq!(saves(&etag, "nordic-living"), None, "it is of one integration");
    assert_eq!(second.json()["categories"]["payment_methods"]["methods"]["Klarna"]["terms"], "14");
}

/// Clients on two servers that share a store save as fast as they can, each what it read: no save is lost or doubled, and the feed
/// has each once, in order.
#[test]
fn many_clients_through_two_servers_lose_nothing() {
    let project = Project::empty();
    for store in stores(&project) {
        let bo = one_shop(&project, &store);
        let servers = [Server::start(&project, &store, &[]), Server::start(&project, &store, &[])];
        let cursor =
            servers[0].client(&bo).get("/changes?after=now").json()["cursor"].as_str().unwrap().to_owned();
        let saved = std::thread::scope(|scope| {
            let clients: Vec<_> = (0..8)
                .map(|number| {
                    let client = servers[number % 2].client(&bo);
                    scope.spawn(move || {
                        let mut saved = Vec::new();
                        while saved.len() < 5 {
                            let now = client.get(GENERAL);
                            let body = json!({"order_number_prefix": format!("{number}-{}", saved.len())});
                            let answer = client.patch(GENERAL, &now.headers["etag"], &body);
                            match answer.status {
                                200 => saved.push(answer.json()["revision"].as_u64().unwrap()),
                                412 => assert_eq!(answer.json()["saved_by"], "bo", "{}", answer.body),
                                423 => {}
                                other => panic!("{other}: {}", answer.body),
                            }
                        }
                        saved
                    })
                })
                .collect();
            clients.into_iter().flat_map(|client| client.join().unwrap()).collect::<Vec<u64>>()
        });
        let mut revisions = saved.clone();
        revisions.sort_unstable();
        assert_eq!(revisions, (2..=41).collect::<Vec<u64>>(), "each save is a revision of its own");
        let feed = servers[1].client(&bo).get(&format!("/changes?after={cursor}")).json();
        let told: Vec<u64> =
            feed["changes"].as_array().unwrap().iter().map(|one| one["revision"].as_u64().unwrap()).collect();
        assert_eq!(told, revisions);
        // However many connections they hold by then, they end well.
        for server in servers {
            assert_eq!(server.stop(), 0);
        }
    }
}

#[test]
fn the_feed_waits_and_streams() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let bo = one_shop(&project, &store);
    let server = Server::start(&project, &store, &[]);
    let client = server.client(&bo);
    let cursor = client.get("/changes?after=now").json()["cursor"].as_str().unwrap().to_owned();
    let waited = std::thread::scope(|scope| {
        let waiting = scope.spawn(|| client.get(&format!("/changes?after={cursor}&wait=60")));
        client.patch(GENERAL, "\"1\"", &json!({"error_email": "a@b.se"})).is(200);
        waiting.join().unwrap().json()
    });
    assert_eq!(waited["changes"][0]["category"], "general");
    // As events: what was saved since the cursor comes at once.
    let mut socket = TcpStream::connect(&server.address).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(
        socket,
        "GET /api/v1/changes HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {bo}\r\nAccept: text/event-stream\r\nLast-Event-ID: {cursor}\r\n\r\n",
        server.address
    )
    .unwrap();
    let mut lines = BufReader::new(socket).lines();
    let data = lines.find_map(|line| line.unwrap().strip_prefix("data: ").map(str::to_owned)).unwrap();
    let event: Json = serde_json::from_str(&data).unwrap();
    assert_eq!((&event["integration"], &event["revision"]), (&json!("shop"), &json!(2)));
    // It stops although somebody listens, and says that all is well.
    assert_eq!(server.stop(), 0);
}

#[test]
fn without_a_repository_what_the_apply_recorded_judges() {
    let project = Project::empty();
    for store in stores(&project) {
        project.write("integrations/shop.yaml", shop("shop", A));
        apply(&project, &store);
        let bo = token(&project, &store, &["bo", "--role", "editor"]);
        let nowhere = Project { folder: tempfile::tempdir().unwrap() };
        let server = Server::start(&nowhere, &store, &[]);
        let client = server.client(&bo);
        assert_eq!(client.get("/integrations/shop").is(200).json()["managed_by"], "git");
        let problem = client
            .patch(GENERAL, "\"1\"", &json!({"order_number_prefix": "B-"}))
            .is_problem(409, "managed-by-git");
        assert_eq!(problem["settings"][0]["path"], "integrations/shop.yaml");
        assert_eq!(problem["settings"][0]["line"], 4);
        client.patch(GENERAL, "\"1\"", &json!({"error_email": "no address"})).is_problem(422, "invalid");
        client.patch(GENERAL, "\"1\"", &json!({"error_email": "a@b.se"})).is(200);
    }
}

#[test]
fn holds_and_protected_settings_count_for_people_too() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    project.write("pairform.yaml", "version: 1\nsafety: {protected: [general.error_email]}\n");
    let bo = one_shop(&project, &store);
    let server = Server::start(&project, &store, &[]);
    let client = server.client(&bo);
    let problem =
        client.patch(GENERAL, "\"1\"", &json!({"error_email": "a@b.se"})).is_problem(403, "refused");
    assert_eq!(problem["refusals"][0]["check"], "protected");
    client.patch(GENERAL, "\"1\"", &json!({"order_number_prefix": "A-"})).is(200);
}

#[test]
fn a_server_that_others_reach_is_not_without_tls_and_a_read_only_one_saves_nothing() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let bo = one_shop(&project, &store);
    let refused =
        command(&project).args(["serve", "--listen", "0.0.0.0:0", "--store", &store]).output().unwrap();
    assert_eq!(refused.status.code(), Some(5), "{}", String::from_utf8_lossy(&refused.stderr));
    assert!(refused.stdout.is_empty());
    let server = Server::start(&project, &store, &["--read-only"]);
    server.client(&bo).get(GENERAL).is(200);
    server
        .client(&bo)
        .patch(GENERAL, "\"1\"", &json!({"error_email": "a@b.se"}))
        .is_problem(403, "read-only");
    // The word of a proxy is taken from its addresses only, and gives what a token of that name would.
    let proxied =
        Server::start(&project, &store, &["--trusted-proxy", "127.0.0.0/8", "--user-header", "X-User"]);
    let general = format!("/api/v1{GENERAL}");
    let body = json!({"error_email": "a@b.se"}).to_string();
    let as_user = |user: &str| {
        let headers = [("X-User", user), ("If-Match", "\"1\""), ("Content-Type", "application/json")];
        proxied.client("").ask("PATCH", &general, &headers, &body)
    };
    as_user("a stranger").is_problem(403, "forbidden");
    as_user("bo").is(200);
    let elsewhere =
        Server::start(&project, &store, &["--trusted-proxy", "10.0.0.0/8", "--user-header", "X-User"]);
    elsewhere.client("").ask("GET", &general, &[("X-User", "bo")], "").is(401);
}

/// Every route is described, and everything described is there.
#[test]
fn the_description_and_the_routes_are_the_same() {
    let document: Json = serde_json::from_str(pairform::serve::DOCUMENT).unwrap();
    let source = include_str!("../../src/serve/api.rs");
    let mut routes: Vec<&str> =
        source.split(".route(\"").skip(1).filter_map(|rest| rest.split('"').next()).collect();
    routes.retain(|route| !matches!(*route, "/healthz" | "/readyz" | "/metrics"));
    let mut described: Vec<&str> =
        document["paths"].as_object().unwrap().keys().map(String::as_str).collect();
    routes.sort_unstable();
    described.sort_unstable();
    assert_eq!(routes, described);
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let server = Server::start(&project, &store, &[]);
    let served = server.client("").get("/openapi.json");
    assert_eq!(served.is(200).json(), document);
    for (path, item) in document["paths"].as_object().unwrap() {
        let path = path.replace(['{', '}'], "");
        for method in ["get", "put", "post", "delete", "patch"] {
            let answer = server.client("").send(&method.to_uppercase(), &path, &[], &json!({}));
            let expected = match item.get(method) {
                None => 405,
                Some(operation) if operation["security"] == json!([]) => 200,
                Some(_) => 401,
            };
            assert_eq!(answer.status, expected, "{method} {path}: {}", answer.body);
        }
    }
}

/// Runs a script of a document with `pairform` on the path, as somebody who copies it does.
fn shell(project: &Project, script: &str, variables: &[(&str, &str)]) -> String {
    let program = std::path::Path::new(env!("CARGO_BIN_EXE_pairform")).parent().unwrap();
    let path = format!("{}:{}", program.display(), std::env::var("PATH").unwrap());
    let done = Command::new("bash")
        .args(["-ec", script])
        .current_dir(project.path())
        .env("PATH", path)
        .env("PAIRFORM_ACTOR", "ann")
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stdout).into_owned();
    assert!(done.status.success(), "{said}{}", String::from_utf8_lossy(&done.stderr));
    said
}

/// The shell blocks of a document, by the heading that they stand under.
fn blocks<'a>(document: &'a str, heading: &str) -> Vec<&'a str> {
    let section = document.split("\n## ").find(|section| section.starts_with(heading)).unwrap();
    section.split("```sh\n").skip(1).filter_map(|rest| rest.split("```").next()).collect()
}

/// A project in which the examples stand as the documents name them.
fn with_example() -> Project {
    let project = Project { folder: tempfile::tempdir().unwrap() };
    std::fs::create_dir(project.path().join("examples")).unwrap();
    let example = Project::copy_example("nordic-group").folder.keep();
    std::fs::rename(example, project.path().join("examples/nordic-group")).unwrap();
    project
}

#[test]
fn curl_alone_saves_and_is_refused_as_the_document_says() {
    let document = include_str!("../../docs/serve.md");
    let project = with_example();
    shell(&project, "pairform -C examples/nordic-group apply --yes --allow-live", &[]);
    for block in blocks(document, "Who may") {
        shell(&project, block, &[]);
    }
    let store =
        format!("sqlite:{}", project.path().join("examples/nordic-group/.pairform/state.db").display());
    let server = Server::start_in(&project.path().join("examples/nordic-group"), &store, &[]);
    let script = blocks(document, "A save, with curl").concat();
    let script = script.replace("http://127.0.0.1:8080", &format!("http://{}", server.address));
    let said = shell(&project, &script, &[]);
    let statuses: Vec<&str> =
        said.lines().filter_map(|line| line.strip_prefix("HTTP/1.1 ")?.split(' ').next()).collect();
    assert_eq!(statuses, ["200", "200", "412", "409", "200"], "{said}");
    assert!(said.contains("bases/swedish-shop.yaml") && said.contains("\"changes\""), "{said}");
}

#[test]
fn a_runtime_in_python_syncs_what_is_saved_and_reports_it() {
    let project = with_example();
    let here = project.path().join("examples/nordic-group");
    shell(&project, "pairform -C examples/nordic-group apply --yes --allow-live", &[]);
    let store = format!("sqlite:{}", here.join(".pairform/state.db").display());
    let runtime = token(&project, &store, &["sync", "--role", "runtime"]);
    let bo = token(&project, &store, &["bo", "--role", "editor"]);
    let server = Server::start_in(&here, &store, &[]);
    let program = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/runtime/runtime.py");
    let mut child = Command::new("python3")
        .arg(program)
        .args([&format!("http://{}", server.address), "table.db", "--rounds", "1"])
        .current_dir(project.path())
        .env("PAIRFORM_TOKEN", &runtime)
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert_eq!(lines.next().unwrap().unwrap(), "synced all; waiting for saves");
    let path = "/integrations/nordic-outdoor/categories/payment_methods";
    server.client(&bo).patch(path, "\"1\"", &json!({"methods": {"Visa": {"terms": "30"}}})).is(200);
    assert_eq!(lines.next().unwrap().unwrap(), "nordic-outdoor: synced 7 flows");
    assert!(child.wait().unwrap().success());
    let table = rusqlite::Connection::open(project.path().join("table.db")).unwrap();
    let terms: Vec<String> = table
        .prepare("SELECT terms FROM synced WHERE integration = 'nordic-outdoor' AND flow = 'orders' ORDER BY rowid")
        .unwrap()
        .query_map([], |row| row.get(0))
        .unwrap()
        .map(Result::unwrap)
        .collect();
    assert!(
        matches!(&terms[..], [before, after] if !before.contains("Visa") && after.contains("Visa")),
        "{terms:?}"
    );
    let etag = server.client(&bo).get("/integrations/nordic-outdoor/configuration").headers["etag"].clone();
    let syncs = server.client(&bo).get("/integrations/nordic-outdoor/syncs").json();
    assert!(syncs["syncs"].as_array().unwrap().iter().all(|sync| sync["etag"] == etag.as_str()), "{syncs}");
}

/// Where a credential will be sent is judged where its address is saved, whoever saves it.
#[test]
fn no_save_leads_a_credential_to_a_host_that_no_line_allows() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    project.write("integrations/shop.yaml", "integration: shop\npair: fortnox-woocommerce\nunmanaged: [connectors]\nsettings: {general: {name: shop}}\n");
    apply(&project, &store);
    let bo = token(&project, &store, &["bo", "--role", "editor"]);
    let connectors = "/integrations/shop/categories/connectors";
    let body = |url: &str| {
        let connection = json!({"store_url": url, "consumer_key": {"secret": "env/KEY"}, "consumer_secret": {"secret": "env/SECRET"}});
        json!({"woocommerce": {"active": "shop", "connections": {"shop": connection}}})
    };
    let first = [("If-None-Match", "*")];
    let server = Server::start(&project, &store, &[]);
    let refused = server.client(&bo).send("PUT", connectors, &first, &body("https://evil.example"));
    let problem = refused.is_problem(403, "forbidden");
    assert!(problem["help"].as_str().unwrap().contains("woocommerce=evil.example"), "{problem}");
    // A credential itself is no reference: it is refused, and repeated nowhere.
    let mut literal = body("https://shop.example");
    literal["woocommerce"]["connections"]["shop"]["consumer_key"] =
        "ck_0123456789abcdef0123456789abcdef01234567".into();
    let refused = server.client(&bo).send("PUT", connectors, &first, &literal);
    refused.is_problem(422, "invalid");
    assert!(!refused.body.contains("ck_0123456789"), "{}", refused.body);
    drop(server);
    // Nor does one name a secret that whoever runs the server keeps from it.
    let narrowed = Server::start(
        &project,
        &store,
        &["--allow", "woocommerce=shop.example", "--allow", "secret=env/SHOP_*"],
    );
    let problem = narrowed.client(&bo).send("PUT", connectors, &first, &body("https://shop.example"));
    let problem = problem.is_problem(403, "forbidden");
    assert!(problem["help"].as_str().unwrap().contains("secret=env/KEY"), "{problem}");
    drop(narrowed);
    let allowing = Server::start(&project, &store, &["--allow", "woocommerce=shop.example"]);
    allowing.client(&bo).send("PUT", connectors, &first, &body("https://shop.example")).is(201);
}

/// No failure reads as "nothing there": while the files that judge, or those of an integration, cannot be read, nothing is saved.
#[test]
fn nothing_is_saved_while_it_is_not_known_what_git_says() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let protected = "version: 1\nsafety: {protected: [general.error_email]}\n";
    project.write("pairform.yaml", protected);
    let bo = one_shop(&project, &store);
    let email = json!({"error_email": "a@b.se"});
    let ask = |project: &Project| {
        let server = Server::start(project, &store, &[]);
        server.client(&bo).patch(GENERAL, "\"1\"", &email)
    };
    ask(&project).is_problem(403, "refused");
    // A part of the team's that cannot be read: who knows what it would refuse.
    project.write("schemas/connectors/own.yaml", "connector: [\n");
    ask(&project).is_problem(503, "unjudged");
    std::fs::remove_file(project.path().join("schemas/connectors/own.yaml")).unwrap();
    project.write("integrations/shop.yaml", shop("shop", A).replace("fortnox-shopify", "no-such-pair"));
    ask(&project).is_problem(503, "unjudged");
    let server = Server::start(&project, &store, &[]);
    let states = server.client(&bo).get(GENERAL).json()["states"].clone();
    assert!(states.as_array().unwrap().iter().all(|one| one["state"] == "unknown"), "{states}");
    assert_eq!(server.client(&bo).get("/integrations/shop").json()["managed_by"], "git");
}

/// A text is a text: no body is worked out as an expression, and an answer says what is deployed.
#[test]
fn texts_are_data_in_both_directions() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let bo = one_shop(&project, &store);
    let server = Server::start(&project, &store, &[]);
    let client = server.client(&bo);
    let id = json!({"id": "texts", "pair": "fortnox-shopify", "name": "{{ integration }}"});
    assert_eq!(client.send("POST", "/integrations", &[], &id).is(201).json()["name"], "{{ integration }}");
    let general = "/integrations/texts/categories/general";
    let names = ["{{ 1 + 1 }}", "{% for %}", "{{", "å \" \\ ' #", "NO", "0042"];
    for (revision, name) in (1..).zip(names) {
        let saved = client.patch(general, &format!("\"{revision}\""), &json!({"name": name}));
        assert_eq!(saved.is(200).json()["category"]["settings"]["name"], name);
        assert_eq!(client.get(general).json()["settings"]["name"], name);
        let configuration = client.get("/integrations/texts/configuration").json();
        assert_eq!(configuration["categories"]["general"]["name"], name);
    }
}

#[test]
fn an_error_that_was_there_before_stops_nobody_and_headers_are_read_or_refused() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let bo = one_shop(&project, &store);
    let ada = token(&project, &store, &["ada", "--role", "editor", "--right", "override"]);
    // Somebody left an address that is none.
    let mut by_hand = store::open(&store).unwrap();
    let row = by_hand.read(None).unwrap().into_iter().find(|row| row.category == "general").unwrap();
    let mut document = model::to_json(&row.settings);
    document["error_email"] = "no address".into();
    let settings: Settings = model::from_json(&document);
    let save = Save {
        integration: "shop",
        category: "general",
        expected_revision: row.revision,
        settings: &settings,
        applied: &row.applied,
        saved_by: "karin",
        saved_at: "2026-11-12T08:00:00Z",
        commit: None,
        run: "outside",
        fence: None,
        lease: None,
    };
    by_hand.save(&save).unwrap();
    drop(by_hand);
    let server = Server::start(&project, &store, &[]);
    let prefix = json!({"order_number_prefix": "A-"});
    let saved = server.client(&bo).patch(GENERAL, "\"2\"", &prefix);
    assert_eq!(saved.is(200).json()["findings"][0]["setting"], "error_email");
    for wrong in ["*", "W/\"3\"", "\"3\", \"4\"", "3"] {
        server.client(&bo).patch(GENERAL, wrong, &prefix).is_problem(400, "bad-request");
    }
    let twice = [("If-Match", "\"3\""), ("Idempotency-Key", "a"), ("Idempotency-Key", "b")];
    server.client(&bo).send("PATCH", GENERAL, &twice, &prefix).is_problem(400, "bad-request");
    // A reason in the language of whoever gives it.
    let reason = [("If-Match", "\"3\""), ("Pairform-Override", "Klarna ändrade avtalet")];
    server.client(&ada).send("PATCH", GENERAL, &reason, &json!({"name": "x"})).is(200);
    let trial = server.client(&bo).send("PATCH", &format!("{GENERAL}?trial=true"), &[], &prefix);
    assert_eq!(trial.is(200).json()["changes"], json!([]));
    // Many wrong tokens from an address lock out nobody who has a right one.
    let guess = |_| server.client("pairform_guess").get("/pairs").status;
    assert!((0..40).map(guess).any(|status| status == 429));
    server.client(&bo).get(GENERAL).is(200);
}

#[test]
fn an_integration_that_could_not_be_made_is_not_there() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let bo = one_shop(&project, &store);
    project.write("integrations/of-a-file.yaml", shop("of-a-file", None));
    let server = Server::start(&project, &store, &[]);
    let make = |id: &str, name: &str| {
        server.client(&bo).send(
            "POST",
            "/integrations",
            &[],
            &json!({"id": id, "pair": "fortnox-shopify", "name": name}),
        )
    };
    make("new", &"x".repeat(300)).is_problem(422, "invalid");
    make("new", "New").is(201);
    make("of-a-file", "Mine").is_problem(409, "exists");
    server.client(&bo).get("/integrations/of-a-file").is_problem(404, "not-found");
}

#[test]
fn a_way_back_holds_what_it_saved_against_people_too() {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    let bo = one_shop(&project, &store);
    for prefix in [A, B] {
        project.write("integrations/shop.yaml", shop("shop", prefix));
        apply(&project, &store);
    }
    let run = |arguments: &[&str]| {
        let done = command(&project).args(arguments).args(["--store", &store]).output().unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    };
    run(&["revert", "shop", "--revision", "2", "--category", "general", "--out", "back.plan"]);
    run(&["apply", "back.plan", "--yes"]);
    let server = Server::start(&project, &store, &[]);
    let etag = server.client(&bo).get(GENERAL).headers["etag"].clone();
    let problem = server.client(&bo).patch(GENERAL, &etag, &json!({"error_email": "a@b.se"}));
    assert_eq!(problem.is_problem(423, "locked")["refusals"][0]["check"], "hold");
}
