//! How a reconciler does, as whoever looks after it sees: metrics by pair, whether it is ready; and a server that reconciles.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpStream;
use std::process::{Child, Stdio};
use std::time::{Duration, Instant};

use crate::reconcile::Ground;

/// A program that tells on a stream where it listens.
struct Listening {
    child: Child,
    at: String,
}

impl Listening {
    fn start(ground: &Ground, arguments: &[&str], is_told_on_stdout: bool) -> Listening {
        let mut command = ground.command(arguments);
        let mut child = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
        let (stdout, stderr) = (child.stdout.take().unwrap(), child.stderr.take().unwrap());
        let (told, other): (Box<dyn std::io::Read + Send>, Box<dyn std::io::Read + Send>) =
            if is_told_on_stdout {
                (Box::new(stdout), Box::new(stderr))
            } else {
                (Box::new(stderr), Box::new(stdout))
            };
        std::thread::spawn(move || std::io::copy(&mut { other }, &mut std::io::sink()));
        let mut told = BufReader::new(told);
        let at = loop {
            let mut line = String::new();
            assert!(told.read_line(&mut line).unwrap() > 0, "it ended");
            if let Some((_, after)) = line.split_once("http://") {
                break after.trim().trim_end_matches("/metrics").to_owned();
            }
        };
        std::thread::spawn(move || std::io::copy(&mut told, &mut std::io::sink()));
        Listening { child, at }
    }

    /// Status and body of a page.
    fn get(&self, page: &str) -> (u16, String) {
        self.get_as(page, "")
    }

    fn get_as(&self, page: &str, token: &str) -> (u16, String) {
        let mut stream = TcpStream::connect(&self.at).unwrap();
        let who = if token.is_empty() { String::new() } else { format!("Authorization: Bearer {token}\r\n") };
        write!(stream, "GET {page} HTTP/1.1\r\nHost: {}\r\n{who}Connection: close\r\n\r\n", self.at).unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        (head.split(' ').nth(1).unwrap().parse().unwrap(), body.to_owned())
    }

    /// Waits for a metric to have a value; the program works by the clock of the machine.
    fn wait_for(&self, metric: &str, value: &str) {
        let begun = Instant::now();
        loop {
            let (_, text) = self.get("/metrics");
            if text.lines().any(|line| line.starts_with(metric) && line.ends_with(value)) {
                return;
            }
            assert!(begun.elapsed() < Duration::from_secs(60), "{metric} is not{value}:\n{text}");
            std::thread::yield_now();
        }
    }

    fn stop(mut self) -> i32 {
        let id = self.child.id().to_string();
        assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().unwrap().success());
        self.child.wait().unwrap().code().unwrap()
    }
}

impl Drop for Listening {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_looks_after_a_reconciler_sees_how_it_does_by_pair() {
    let ground = Ground::of(&["north", "south"], "reconcile: {outside: report}");
    let running =
        Listening::start(&ground, &["reconcile", "--every", "1s", "--listen", "127.0.0.1:0"], false);
    running.wait_for("pairform_reconcile_integrations{", " 2");
    running.wait_for("pairform_reconcile_works{", " 1");
    running.wait_for("pairform_reconcile_drifted_settings{", " 0");
    assert_eq!(running.get("/readyz"), (200, "ready\n".to_owned()));
    assert_eq!(running.get("/healthz").0, 200);
    assert_eq!(running.get("/integrations").0, 404);
    ground.save_outside("south", "60", "karin", "2026-11-12T08:00:00Z");
    running.wait_for("pairform_reconcile_drifted_settings{", " 1");
    let (_, text) = running.get("/metrics");
    assert!(text.contains("pair=\"") && !text.contains("south"), "{text}");
    // Where git cannot be reached no round is made, and the metrics stay.
    std::fs::rename(ground.origin(), ground.origin().with_extension("away")).unwrap();
    running.wait_for("pairform_reconcile_rounds_total{environment=\"\",result=\"failed\"}", " 1");
    assert_eq!(running.get("/readyz").0, 503);
    running.wait_for("pairform_reconcile_drifted_settings{", " 1");
    assert_eq!(running.stop(), 0);
}

/// Nobody pulls the clone of a server that reconciles: what git says is what its reconciler applied.
#[test]
fn a_server_that_reconciles_shows_what_its_reconciler_applied() {
    let ground = Ground::of(&["north"], "");
    let token = ground.run(&["token", "create", "eva", "--role", "viewer"]).assert_code(0).stdout.clone();
    let running = Listening::start(
        &ground,
        &["serve", "--listen", "127.0.0.1:0", "--reconcile", "--every", "1s"],
        true,
    );
    running.wait_for("pairform_reconcile_integrations{", " 1");
    ground.shop("north", "14", "0");
    ground.shop("south", "30", "0");
    ground.push("Say fourteen");
    let begun = Instant::now();
    loop {
        let page = "/api/v1/integrations/north/categories/payment_methods";
        let (status, text) = running.get_as(page, token.trim());
        assert_eq!(status, 200, "{text}");
        let shown: serde_json::Value = serde_json::from_str(&text).unwrap();
        let states = shown["states"].as_array().unwrap();
        let klarna = states.iter().find(|one| one["setting"].as_str().unwrap().contains("Klarna")).unwrap();
        if shown["settings"]["methods"]["Klarna"]["terms"] == "14" && klarna["state"] == "git" {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "it shows the files of before: {text}");
        std::thread::yield_now();
    }
    assert_eq!(running.stop(), 0);
}

#[test]
fn a_server_reconciles_too_where_it_is_asked_to() {
    let ground = Ground::of(&["north"], "reconcile: {outside: heal}");
    let running = Listening::start(
        &ground,
        &["serve", "--listen", "127.0.0.1:0", "--reconcile", "--every", "1s"],
        true,
    );
    running.wait_for("pairform_reconcile_integrations{", " 1");
    let before = ground.deployed("north");
    ground.save_outside("north", "60", "karin", "2026-11-12T08:00:00Z");
    let begun = Instant::now();
    while ground.deployed("north") != before {
        assert!(begun.elapsed() < Duration::from_secs(60), "it was not healed");
        std::thread::yield_now();
    }
    assert_eq!(running.stop(), 0);
    // What says how to reconcile says nothing to a server that does not.
    let said = ground.run(&["serve", "--every", "5s"]);
    said.assert_code(64);
    assert!(said.stderr.contains("--reconcile"), "{}", said.all());
}
