//! A store that accepts and then says nothing: every wait ends, what was on its way is in doubt, and the next run finds out. A
//! proxy in front of the real server passes so many bytes on and then holds its breath.

use std::io::{Read as _, Write as _};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use pairform::model;
use pairform::store::{self, Address, Save, Saved, StoreError};
use serde_json::json;

use crate::place::Project;
use crate::server::{self, PASSWORD, Server};

/// When a proxy holds its breath.
#[derive(Debug, Clone)]
enum Until {
    /// It accepts, and passes nothing on.
    Never,
    /// After so many bytes from the server.
    Bytes(usize),
    /// After so many bytes from the server it passes on one at a time.
    Drips(usize),
    /// What the client sends holds these, and is passed on; the answer is not.
    Sent(&'static str),
    /// What the client sends holds these, and is not passed on.
    Before(&'static str),
}

struct Proxy {
    port: u16,
    /// How many connections were made.
    count: Arc<AtomicUsize>,
    /// Sockets that are held open.
    held: Arc<Mutex<Vec<TcpStream>>>,
}

impl Proxy {
    fn before(server: &Server, until: Until) -> Proxy {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let proxy = Proxy {
            port: listener.local_addr().unwrap().port(),
            count: Arc::default(),
            held: Arc::default(),
        };
        let (to, count, held) = (server.port, proxy.count.clone(), proxy.held.clone());
        std::thread::spawn(move || {
            for client in listener.incoming() {
                let Ok(client) = client else { return };
                count.fetch_add(1, Ordering::SeqCst);
                held.lock().unwrap().push(client.try_clone().unwrap());
                if !matches!(until, Until::Never) {
                    pass(client, TcpStream::connect(("127.0.0.1", to)).unwrap(), until.clone(), &held);
                }
            }
        });
        proxy
    }

    fn url(&self, options: &str) -> String {
        format!("postgres://configure:{PASSWORD}@127.0.0.1:{}/postgres?{options}", self.port)
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        for socket in self.held.lock().unwrap().iter() {
            let _ = socket.shutdown(Shutdown::Both);
        }
    }
}

/// Passes on both ways until it is told to stop; then it goes on reading from neither.
fn pass(client: TcpStream, server: TcpStream, until: Until, held: &Mutex<Vec<TcpStream>>) {
    let stopped = Arc::new(AtomicBool::new(false));
    held.lock().unwrap().push(server.try_clone().unwrap());
    let (mut from_client, mut to_server) = (client.try_clone().unwrap(), server.try_clone().unwrap());
    let (mut from_server, mut to_client) = (server, client);
    let (stop, asked) = (stopped.clone(), until.clone());
    std::thread::spawn(move || {
        let mut buffer = [0; 8192];
        while let Ok(read @ 1..) = from_client.read(&mut buffer) {
            let holds =
                |text: &str| buffer[..read].windows(text.len()).any(|window| window == text.as_bytes());
            match &asked {
                Until::Sent(text) if holds(text) => stop.store(true, Ordering::SeqCst),
                Until::Before(text) if holds(text) => return stop.store(true, Ordering::SeqCst),
                _ => {}
            }
            if to_server.write_all(&buffer[..read]).is_err() {
                return;
            }
        }
        let _ = to_server.shutdown(Shutdown::Both);
    });
    std::thread::spawn(move || {
        let mut passed = 0;
        let mut buffer = [0; 512];
        while let Ok(read @ 1..) = from_server.read(&mut buffer) {
            let left = match until {
                Until::Bytes(most) => most.saturating_sub(passed).min(read),
                Until::Drips(most) if passed + read > most => {
                    for byte in &buffer[..read] {
                        std::thread::sleep(Duration::from_millis(20));
                        if to_client.write_all(&[*byte]).is_err() {
                            return;
                        }
                    }
                    passed += read;
                    continue;
                }
                _ => read,
            };
            if stopped.load(Ordering::SeqCst) || to_client.write_all(&buffer[..left]).is_err() {
                return;
            }
            passed += left;
            if left < read {
                stopped.store(true, Ordering::SeqCst);
                return;
            }
        }
    });
}

fn patient(url: &str, seconds: u64) -> Address {
    Address { silence: Duration::from_secs(seconds), ..Address::from(url) }
}

fn schema_of(url: &str) -> &str {
    url.split_once('?').unwrap().1
}

/// Each moment: before anything, in the way to TLS, in it, while who asks is proved, at the first words, and while a store is
/// read; `plan` says so and exits with 7, and does not try again.
#[test]
fn a_store_that_falls_silent_ends_the_wait_at_every_moment() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url();
    drop(store::open(&url).unwrap());
    let schema = schema_of(&url);
    let tls = format!("{schema}&sslmode=require&sslrootcert={}", server.authority().display());
    let moments = [
        (Until::Never, schema),
        (Until::Never, &tls),
        (Until::Bytes(1), &tls),
        (Until::Bytes(700), &tls),
        (Until::Bytes(1200), &tls),
        (Until::Bytes(5), schema),
        (Until::Bytes(24), schema),
        (Until::Bytes(100), schema),
        (Until::Bytes(500), schema),
        (Until::Sent("lock_timeout"), schema),
        (Until::Sent("pg_namespace"), schema),
        (Until::Before("FROM migration"), schema),
        (Until::Sent("FROM meta"), schema),
    ];
    std::thread::scope(|scope| {
        for (until, options) in moments {
            scope.spawn(move || {
                let proxy = Proxy::before(server, until.clone());
                let project = crate::run::Project::empty();
                let file = "integration: shop\npair: fortnox-shopify\nsettings: {general: {name: Shop}}\n";
                project.write("integrations/shop.yaml", file);
                let begun = Instant::now();
                let url = proxy.url(options);
                let ran = project.run(&["plan", "--store", &url, "--store-timeout", "2s"]);
                let took = begun.elapsed();
                assert!(
                    ran.assert_code(7).stderr.contains("said nothing for 2 seconds"),
                    "{until:?}: {}",
                    ran.all()
                );
                assert!(
                    took >= Duration::from_secs(2) && took < Duration::from_secs(20),
                    "{until:?}: {took:?}"
                );
                assert_eq!(proxy.count.load(Ordering::SeqCst), 1, "{until:?}");
            });
        }
    });
}

/// Byte after byte, each long before a silence is one: the whole of an answer has an end too.
#[test]
fn a_store_that_drips_has_an_end() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url();
    drop(store::open(&url).unwrap());
    let silence = Duration::from_millis(300);
    std::thread::scope(|scope| {
        for passed in [0, 24, 500, 900] {
            let url = &url;
            scope.spawn(move || {
                let proxy = Proxy::before(server, Until::Drips(passed));
                let begun = Instant::now();
                let address = Address { silence, ..Address::from(&*proxy.url(schema_of(url))) };
                let error = store::open(address).err().unwrap();
                assert!(matches!(error, StoreError::Silent { .. }), "{passed}: {error}");
                assert!(
                    begun.elapsed() < silence * 10 + Duration::from_secs(20),
                    "{passed}: {:?}",
                    begun.elapsed()
                );
            });
        }
    });
}

#[test]
fn a_save_whose_answer_never_comes_is_in_doubt_and_the_next_finds_out() {
    let Some(server) = server::shared() else { return };
    let settings = model::from_json(&json!({"default_terms_of_payment": "30"}));
    let save = Save {
        integration: "nordic-outdoor",
        category: "payment_methods",
        expected_revision: 0,
        settings: &settings,
        applied: &settings,
        saved_by: "ann",
        saved_at: "2026-12-01T09:30:00Z",
        commit: None,
        run: "run",
        fence: None,
        lease: None,
    };
    // It arrived, or not: nobody can know.
    for (until, arrived) in
        [(Until::Sent("default_terms_of_payment"), true), (Until::Before("default_terms_of_payment"), false)]
    {
        let url = server.fresh_url();
        drop(store::open(&url).unwrap());
        let proxy = Proxy::before(server, until);
        let mut store = store::open(patient(&proxy.url(schema_of(&url)), 1)).unwrap();
        let error = store.save(&save).unwrap_err();
        assert!(matches!(error, StoreError::InDoubt { .. }), "{error}");
        // Nothing more is waited for.
        let begun = Instant::now();
        assert!(store.locks().unwrap_err().is_lost());
        assert!(store.save(&save).is_err());
        drop(store);
        assert!(begun.elapsed() < Duration::from_secs(1));
        let mut store = store::open(&url).unwrap();
        let expected = if arrived { Saved::Already { revision: 1 } } else { Saved::Saved { revision: 1 } };
        assert_eq!(store.save(&save).unwrap(), expected);
        assert_eq!(store.records().unwrap().len(), 1);
    }
}

/// The whole command: what was saved is saved once, whatever was heard of it.
#[test]
fn an_apply_through_a_silence_ends_and_is_done_by_the_next() {
    let Some(server) = server::shared() else { return };
    let moments = [
        Until::Sent("INSERT INTO lock"),
        Until::Sent("INSERT INTO run"),
        Until::Before("default_terms_of_payment"),
        Until::Sent("default_terms_of_payment"),
        Until::Sent("finished_at = coalesce"),
        Until::Sent("UPDATE lock SET id = NULL"),
    ];
    std::thread::scope(|scope| {
        for until in moments {
            scope.spawn(move || {
                let url = server.fresh_url();
                drop(store::open(&url).unwrap());
                let proxy = Proxy::before(server, until.clone());
                let project = Project::sqlite();
                let through = proxy.url(schema_of(&url));
                let begun = Instant::now();
                let ran = project.run(&["apply", "--yes", "--store", &through, "--store-timeout", "2s"]);
                let took = begun.elapsed();
                assert!([0, 3, 7].contains(&ran.code), "{until:?}: {} {}", ran.out, ran.err);
                assert!(took < Duration::from_secs(30), "{until:?}: {took:?}");
                assert!(
                    ran.out.contains("silent")
                        || ran.out.contains("no answer")
                        || ran.err.contains("said nothing")
                        || ran.out.contains("said nothing"),
                    "{until:?}: {} {}",
                    ran.out,
                    ran.err
                );
                // The one that fell silent still holds its locks: it is dead, and this is its machine.
                project.run(&["apply", "--yes", "--store", &url]).expect(0);
                let saves = store::open(&url).unwrap().records().unwrap();
                assert_eq!(saves.len(), crate::place::CATEGORIES.len(), "{until:?}: {saves:?}");
            });
        }
    });
}

/// A lock that somebody holds for longer than silence is borne: the server says that it waits, and the save is done in the end.
#[test]
fn waiting_for_a_lock_is_not_silence() {
    let Some(server) = server::shared() else { return };
    let url = server.fresh_url();
    let schema = url.split("schema=").nth(1).unwrap().to_owned();
    drop(store::open(&url).unwrap());
    let settings = model::from_json(&json!({"default_terms_of_payment": "30"}));
    let save = Save {
        integration: "nordic-outdoor",
        category: "payment_methods",
        expected_revision: 0,
        settings: &settings,
        applied: &settings,
        saved_by: "ann",
        saved_at: "2026-12-01T09:30:00Z",
        commit: None,
        run: "run",
        fence: None,
        lease: None,
    };
    let mut shell = server.shell();
    let mut holding = shell.transaction().unwrap();
    holding.batch_execute(&format!("LOCK TABLE {schema}.category IN ACCESS EXCLUSIVE MODE")).unwrap();
    let mut store = store::open(patient(&format!("{url}&statement_timeout=60000"), 1)).unwrap();
    let begun = Instant::now();
    std::thread::scope(|scope| {
        let saving = scope.spawn(|| store.save(&save));
        let mut watcher = server.shell();
        let waits = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%inserted%'";
        // Twice as long as silence is borne.
        while begun.elapsed() < Duration::from_millis(2500) {
            watcher.query_one(waits, &[]).unwrap();
            assert!(!saving.is_finished());
        }
        holding.rollback().unwrap();
        assert_eq!(saving.join().unwrap().unwrap(), Saved::Saved { revision: 1 });
    });
}

/// Many addresses that are silent take no longer than one.
#[test]
fn several_silent_servers_share_one_wait() {
    let Some(server) = server::shared() else { return };
    let proxies = [(); 4].map(|()| Proxy::before(server, Until::Never));
    let hosts: Vec<String> = proxies.iter().map(|proxy| format!("127.0.0.1:{}", proxy.port)).collect();
    let begun = Instant::now();
    let error = store::open(patient(&format!("postgres://a@{}/x", hosts.join(",")), 2)).err().unwrap();
    assert!(matches!(error, StoreError::Silent { .. }), "{error}");
    assert!(begun.elapsed() < Duration::from_secs(4));
    // The last of several answers, and is found.
    let url = server.fresh_url();
    let hosts = format!("127.0.0.1:{},127.0.0.1:{}", proxies[0].port, server.port);
    let found = url.replace(&format!("127.0.0.1:{}", server.port), &hosts);
    assert!(store::open(patient(&found, 2)).is_ok());
}

#[test]
fn a_time_that_bears_no_silence_or_any_is_refused() {
    let project = crate::run::Project::empty();
    for wrong in ["0", "0s", "500ms", "25h", "99999999999999999999d", "-1s", "soon"] {
        project.run(&["plan", &format!("--store-timeout={wrong}")]).assert_code(64);
        project.run_with(&["plan"], &[("PAIRFORM_STORE_TIMEOUT", wrong)]).assert_code(64);
    }
}
