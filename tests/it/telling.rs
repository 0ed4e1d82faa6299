//! Who is told by the reconciler: each matter once, updated and closed, across runs; signed; and never in the way of a round.

use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::{Value as Json, json};

use pairform::ops::reconcile::{Daily, Listener, Statuses};

use crate::reconcile::Ground;
use crate::reconcile_world::World;

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
    // A forge takes a thousand statuses of a commit: what it knows is not said again, by whichever run.
    assert!(receiver.take("/repos/a/b/statuses/").is_empty());
    // A commit that cannot be taken is told as such.
    ground.author.write("bases/broken.yaml", "settings: [\n");
    let broken = ground.push("Break it");
    round().assert_code(1);
    let status = receiver.take("/repos/a/b/statuses/");
    assert_eq!((status.len(), &status[0].body["state"]), (1, &json!("failure")), "{status:#?}");
    assert_eq!(status[0].path, format!("/repos/a/b/statuses/{broken}"));
    assert!(status[0].body["description"].as_str().unwrap().contains("has 1 error"), "{status:#?}");
}

/// notification-controller#1114: of many that speak, each says where it is.
#[test]
fn each_message_says_which_environment_speaks() {
    let receiver = Receiver::start();
    let ground = Ground::of(&["shop"], "environments: {production: {store: \"sqlite:.pairform/x.db\"}}");
    let (file, url) = (ground.folder.path().join("tell.yaml"), &receiver.address);
    let text = format!(
        "tell:\n  - {{name: ops, form: webhook, url: \"{url}/hook\", secret: \"whsec_{KEY}\"}}\n  - {{name: chat, form: slack, url: \"{url}/slack\"}}\n  - {{name: team, form: teams, url: \"{url}/teams\"}}\n  - {{name: hub, form: github, url: \"{url}/hub\", token: t}}\n  - {{name: lab, form: gitlab, url: \"{url}/lab\", token: t}}\n"
    );
    std::fs::write(&file, text).unwrap();
    let round = ["--env", "production", "--tell", file.to_str().unwrap()];
    assert_eq!(ground.once(&round).0, 0);
    let one = |path: &str| {
        let got = receiver.take(path);
        assert_eq!(got.len(), 1, "{path}: {got:#?}");
        got[0].body.clone()
    };
    assert_eq!(one("/hub/statuses/")["context"], "pairform/production");
    assert_eq!(one("/lab/statuses/")["name"], "pairform/production");
    ground.save_outside("shop", "60", "karin", "2026-01-05T08:00:00Z");
    assert_eq!(ground.once(&round).0, 0);
    assert_eq!(one("/hook")["data"]["environment"], "production");
    assert!(one("/slack")["text"].as_str().unwrap().contains("[production]"));
    assert!(one("/teams").to_string().contains("[production]"));
}

/// Forges are told how a commit stands: once, across restarts; again later where they do not take it; and no oftener than they take.
#[test]
fn a_forge_has_the_status_of_a_commit_once_and_is_not_asked_for_ever() {
    let world = World::new();
    let rules = "reconcile: {waves: [{integrations: [one], bake: 2h}, {integrations: [two], bake: 2h}, {}]}";
    let shops = |terms: u64| [("one", shop("one", terms)), ("two", shop("two", terms))];
    let first = world.commit(rules, &shops(30), None, "Begin");
    world.move_main(first);
    world.apply(first);
    let daily = Daily { at: jiff::civil::Time::constant(8, 0, 0, 0), zone: jiff::tz::TimeZone::UTC };
    let forge = |name: &str, statuses| Listener {
        matters: false,
        digest: false,
        statuses: Some(statuses),
        ..listener(name, None)
    };
    let all = [forge("hub", Statuses::All), forge("lab", Statuses::Moved)];
    let round = |deaf: &str| {
        let done = world.round().unwrap();
        lines(&world.tell(Some(&done), &all, &daily, deaf))
    };
    assert_eq!(round("hub"), ["lab status Deployed"]);
    assert!(round("").is_empty(), "it is tried again after a minute");
    world.pass(60);
    assert_eq!(round(""), ["hub status Deployed"]);
    assert!(round("").is_empty());
    // Another wave is news, which GitLab takes of no pipeline that runs.
    let next = world.commit(rules, &shops(14), Some(first), "Fourteen");
    world.move_main(next);
    assert_eq!(round(""), ["hub status Pending", "lab status Pending"]);
    world.pass(2 * 3_600);
    assert_eq!(round(""), ["hub status Pending"]);
    world.pass(2 * 3_600);
    // The commit is gone there: it is not asked for ever.
    let mut tries = 0;
    for minute in 0..24 * 60 {
        let told = round("hub");
        assert!(told.is_empty() || (minute == 0 && told == ["lab status Deployed"]), "{told:?}");
        tries = world.asked_in_vain.load(std::sync::atomic::Ordering::SeqCst);
        world.pass(60);
    }
    assert_eq!(tries, 1 + 8, "once before, and eight times of this commit");
    assert!(round("").is_empty());
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
        ("tell: []\ndigest: {at: \"8\", timezone: UTC}", "a time of day such as `08:00`"),
        ("tell: []\ndigest: {at: \"08:00\", timezone: Mars}", "and a `timezone`"),
        ("tell: [{name: a, form: slack, url: \"https://x.example\", tells: [gossip]}]", "unknown variant"),
    ] {
        let told = said(text, "tell.yaml");
        assert!(told.contains(why), "{text}: {told}");
    }
    let told = said("tell: []", "runner/tell.yaml");
    assert!(told.contains("lies in the work tree"), "{told}");
}

fn shop(name: &str, terms: u64) -> String {
    format!(
        "integration: {name}\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  general: {{name: {name}}}\n  payment_methods:\n    methods:\n      Klarna: {{terms: \"{terms}\"}}\n"
    )
}

fn listener(name: &str, owner: Option<&str>) -> Listener {
    let owner = owner.map(str::to_owned);
    Listener { name: name.to_owned(), matters: true, digest: true, owner, most: 20, statuses: None }
}

/// What was sent, in a line each: to whom, what, and of how much.
fn lines(sent: &[(String, Json)]) -> Vec<String> {
    let line = |(target, body): &(String, Json)| {
        let data = &body["data"];
        let kind = body["type"].as_str().unwrap().trim_start_matches("pairform.");
        let said = match kind {
            "digest" => {
                let number = |key: &str| data[key].as_array().unwrap().len();
                let owner = data["owner"].as_str().unwrap_or("nobody");
                format!(
                    " {} {owner} {} open {} applied",
                    data["day"].as_str().unwrap(),
                    number("open"),
                    number("applied")
                )
            }
            "matters" => format!(" {}", data["number"]),
            "status" => format!(" {}", data["state"].as_str().unwrap()),
            _ => String::new(),
        };
        format!("{target} {kind}{said}")
    };
    sent.iter().map(line).collect()
}

/// A digest a day and owner, at its time, once across restarts; what was applied the day before is in it.
#[test]
fn each_owner_has_a_digest_a_day() {
    const FINANCE: &str = "@acme/finance";
    let world = World::new();
    let rules = format!("reconcile: {{outside: report}}\nowners: {{payment_methods: [\"{FINANCE}\"]}}");
    let main = world.commit(&rules, &[("one", shop("one", 30)), ("two", shop("two", 30))], None, "Begin");
    world.move_main(main);
    world.round().unwrap();
    let daily = Daily { at: jiff::civil::Time::constant(8, 0, 0, 0), zone: jiff::tz::TimeZone::UTC };
    let all =
        [listener("all", None), listener("finance", Some(FINANCE)), listener("sales", Some("@acme/sales"))];
    let tell = |deaf: &str| lines(&world.tell(None, &all, &daily, deaf));
    assert_eq!(world.stamp(), "2026-11-30T00:53:20Z");
    assert!(tell("").is_empty());
    // Somebody changes something: it is told at once, and in the digest of the morning.
    world.save_outside("one", "payment_methods", |all| all["methods"]["Klarna"]["terms"] = "60".into());
    world.round().unwrap();
    assert_eq!(tell(""), ["all matter.opened", "finance matter.opened"]);
    world.pass(7 * 3_600);
    assert!(tell("").is_empty(), "it is not eight yet");
    world.pass(3_600);
    // Who does not answer gets it later.
    assert_eq!(tell("finance"), ["all digest 2026-11-30 @acme/finance 1 open 0 applied"]);
    assert!(tell("").is_empty());
    world.pass(120);
    assert_eq!(tell(""), ["finance digest 2026-11-30 @acme/finance 1 open 0 applied"]);
    // What is applied during the day, and was first of all, is in the next one, with what nobody is named for.
    let next =
        world.commit(&rules, &[("one", shop("one", 30)), ("two", shop("two", 14))], Some(main), "Fourteen");
    world.move_main(next);
    world.round().unwrap();
    world.save_outside("two", "general", |all| all["name"] = "deux".into());
    world.round().unwrap();
    assert_eq!(tell(""), ["all matter.opened"], "no owner is named for it");
    world.pass(24 * 3_600);
    world.round().unwrap();
    let expected = [
        "all digest 2026-12-01 nobody 1 open 1 applied",
        "all digest 2026-12-01 @acme/finance 1 open 2 applied",
        "finance digest 2026-12-01 @acme/finance 1 open 2 applied",
    ];
    assert_eq!(tell(""), expected);
    assert!(tell("").is_empty());
}

/// Drift of many shops is one message, and each of them is known to have been told.
#[test]
fn many_matters_at_once_are_one_message() {
    let world = World::new();
    let names: Vec<String> = (0..25).map(|at| format!("shop-{at:02}")).collect();
    let shops: Vec<(&str, String)> = names.iter().map(|name| (name.as_str(), shop(name, 30))).collect();
    let main = world.commit("reconcile: {outside: report}", &shops, None, "Begin");
    world.move_main(main);
    world.round().unwrap();
    for name in &names {
        world.save_outside(name, "payment_methods", |all| all["methods"]["Klarna"]["terms"] = "60".into());
    }
    world.round().unwrap();
    let daily = Daily { at: jiff::civil::Time::constant(8, 0, 0, 0), zone: jiff::tz::TimeZone::UTC };
    let quiet = Listener { matters: false, ..listener("mornings", None) };
    let all = [listener("ops", None), quiet];
    let sent = world.tell(None, &all, &daily, "");
    assert_eq!(lines(&sent), ["ops matters 25"]);
    assert_eq!(sent[0].1["data"]["first"].as_array().unwrap().len(), 10);
    assert!(world.tell(None, &all, &daily, "").is_empty());
    world.save_outside("shop-07", "payment_methods", |all| all["methods"]["Klarna"]["terms"] = "30".into());
    world.round().unwrap();
    assert_eq!(lines(&world.tell(None, &all, &daily, "")), ["ops matter.closed"]);
    world.pass(8 * 3_600);
    assert_eq!(
        lines(&world.tell(None, &all, &daily, "")),
        [
            "ops digest 2026-11-30 nobody 24 open 0 applied",
            "mornings digest 2026-11-30 nobody 24 open 0 applied"
        ]
    );
}
