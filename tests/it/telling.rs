//! Who is told by the reconciler: each matter once, updated and closed, across runs; signed; and never in the way of a round.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value as Json, json};

use crate::reconcile::Ground;

/// One request that was got: its path, its headers by name in lower case, and its body.
#[derive(Debug, Clone)]
struct Got {
    path: String,
    headers: Vec<(String, String)>,
    body: Json,
}

impl Got {
    fn header(&self, name: &str) -> &str {
        self.headers.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }
}

/// Takes whatever is sent, and answers with a status.
struct Receiver {
    address: String,
    got: Arc<Mutex<Vec<Got>>>,
    status: Arc<Mutex<u16>>,
}

impl Receiver {
    fn start() -> Receiver {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        let (got, status) = (Arc::new(Mutex::new(Vec::new())), Arc::new(Mutex::new(200)));
        let (keeps, says) = (Arc::clone(&got), Arc::clone(&status));
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let Ok(mut stream) = stream else { continue };
                let mut reader = BufReader::new(stream.try_clone().unwrap());
                loop {
                    let mut first = String::new();
                    if reader.read_line(&mut first).unwrap_or(0) == 0 {
                        break;
                    }
                    let mut headers = Vec::new();
                    loop {
                        let mut line = String::new();
                        reader.read_line(&mut line).unwrap();
                        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
                        headers.push((name.to_ascii_lowercase(), value.to_owned()));
                    }
                    let length = headers.iter().find(|(name, _)| name == "content-length").unwrap();
                    let mut body = vec![0; length.1.parse().unwrap()];
                    reader.read_exact(&mut body).unwrap();
                    let path = first.split(' ').nth(1).unwrap().to_owned();
                    let body = serde_json::from_slice(&body).unwrap();
                    keeps.lock().unwrap().push(Got { path, headers, body });
                    let status = *says.lock().unwrap();
                    let _ = write!(stream, "HTTP/1.1 {status} Said\r\nContent-Length: 0\r\n\r\n");
                }
            }
        });
        Receiver { address, got, status }
    }

    /// What came since the last time, of one path.
    fn take(&self, path: &str) -> Vec<Got> {
        let mut got = self.got.lock().unwrap();
        let (these, rest) = got.drain(..).partition(|one| one.path.starts_with(path));
        *got = rest;
        these
    }
}

const KEY: &str = "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw";

fn is_signed(got: &Got) -> bool {
    let mut mac = Hmac::<sha2::Sha256>::new_from_slice(&STANDARD.decode(KEY).unwrap()).unwrap();
    let (id, time) = (got.header("webhook-id"), got.header("webhook-timestamp"));
    mac.update(format!("{id}.{time}.{}", got.body).as_bytes());
    got.header("webhook-signature") == format!("v1,{}", STANDARD.encode(mac.finalize().into_bytes()))
}

/// notification-controller#445, argo-cd#14316: one message a matter, which is updated and closed.
#[test]
fn each_matter_is_told_once_updated_and_closed_across_runs() {
    let receiver = Receiver::start();
    let ground = Ground::of(&["shop", "other"], "");
    let file = ground.folder.path().join("tell.yaml");
    let url = &receiver.address;
    let text = format!(
        "tell:\n  - {{name: ops, form: webhook, url: \"{url}/hook\", secret: {{secret: env/TELL_KEY}}}}\n  - {{name: chat, form: slack, url: \"{url}/slack\"}}\n  - {{name: team, form: teams, url: \"{url}/teams\"}}\n  - {{name: forge, form: github, url: \"{url}/repos/a/b\", token: t0ken}}\n"
    );
    std::fs::write(&file, text).unwrap();
    let round = || {
        let mut command = ground.command(&["reconcile", "--once", "-o", "json", "--tell"]);
        command.arg(&file).env("TELL_KEY", format!("whsec_{KEY}"));
        crate::run::Run::of_output(&command.output().unwrap())
    };
    round().assert_code(0);
    assert!(receiver.take("/hook").is_empty());
    let status = receiver.take("/repos/a/b/statuses/");
    assert_eq!((status.len(), &status[0].body["state"]), (1, &json!("success")));
    assert_eq!(status[0].header("authorization"), "Bearer t0ken");
    let mut ids = std::collections::BTreeSet::new();
    let mut told = |expected: &[&str]| {
        let got = receiver.take("/hook");
        let kinds: Vec<&str> = got.iter().map(|one| one.body["type"].as_str().unwrap()).collect();
        assert_eq!(kinds, expected, "{got:#?}");
        for one in &got {
            assert!(is_signed(one), "{one:?}");
            assert!(ids.insert(one.header("webhook-id").to_owned()), "an id is used once");
        }
        // The others are told as often.
        assert_eq!(receiver.take("/slack").len(), expected.len());
        assert_eq!(receiver.take("/teams").len(), expected.len());
        got
    };
    ground.save_outside("shop", "60", "karin <b>", "2026-01-05T08:00:00Z");
    round().assert_code(0);
    let got = told(&["pairform.matter.opened"]);
    let setting = &got[0].body["data"]["settings"][0];
    assert_eq!((&setting["by"], &setting["deployed"]), (&json!("karin <b>"), &json!("60")));
    assert!(got[0].body["data"]["ways"].to_string().contains("pairform pull shop"));
    round().assert_code(0);
    told(&[]);
    ground.save_outside("shop", "61", "karin", "2026-01-05T09:00:00Z");
    round().assert_code(0);
    told(&["pairform.matter.updated"]);
    // Whoever does not answer is tried again later, and holds nothing up.
    *receiver.status.lock().unwrap() = 503;
    ground.save_outside("other", "62", "karin", "2026-01-05T09:00:00Z");
    let run = round();
    assert!(run.assert_code(0).stderr.contains("ops could not be told: it answered 503"), "{}", run.stderr);
    told(&["pairform.matter.opened"]);
    *receiver.status.lock().unwrap() = 200;
    round().assert_code(0);
    told(&[]);
    // Set back by hand, it is over.
    ground.run(&["apply", "--yes", "--integration", "shop"]).assert_code(0);
    round().assert_code(0);
    let got = told(&["pairform.matter.closed"]);
    assert_eq!(got[0].body["data"]["id"], "drift/shop/payment_methods");
    round().assert_code(0);
    told(&[]);
    assert!(!run.all().contains(KEY) && !run.all().contains("t0ken"));
}

#[test]
fn who_is_told_is_named_outside_the_repository_and_safely() {
    let ground = Ground::of(&["shop"], "");
    let said = |text: &str, place: &str| {
        let file = ground.folder.path().join(place);
        std::fs::write(&file, text).unwrap();
        let run = ground.run(&["reconcile", "--once", "--tell", file.to_str().unwrap()]);
        run.assert_code(64);
        run.stderr
    };
    for (text, why) in [
        ("tell: [{name: a, form: slack, url: \"http://chat.example/x\"}]", "has to begin with https://"),
        ("tell: [{name: a, form: webhook, url: \"https://x.example\"}]", "give it a `secret`"),
        ("tell: [{name: a, form: github, url: \"https://x.example\"}]", "without a `token`"),
        ("tell: [{name: a, form: pager, url: \"https://x.example\"}]", "unknown variant"),
        ("tell: [{name: a, form: slack, url: {secret: env/NOT_SET}}]", "NOT_SET is not set"),
        ("tel: []", "unknown field"),
    ] {
        let told = said(text, "tell.yaml");
        assert!(told.contains(why), "{text}: {told}");
    }
    let told = said("tell: []", "runner/tell.yaml");
    assert!(told.contains("lies in the work tree"), "{told}");
}
