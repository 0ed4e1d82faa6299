//! Commits that are rolled out in waves, as stories: what happens, an hour or a round at a time, and what is so then. Random histories
//! with waves are in `reconcile_model`.

use std::collections::{BTreeMap, BTreeSet};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::Ordering;

use git2::Oid;
use pairform::model::to_json;
use pairform::ops::reconcile::{Done, Step, step};
use pairform::ops::section::{etag_of, saves_of};
use pairform::store::{Ask, SyncReport};

use crate::reconcile_world::World;

/// Two shops that are tried first, and four others.
const SHOPS: [&str; 6] = ["canary-1", "canary-2", "shop-a", "shop-b", "shop-c", "shop-d"];

const BAKED: &str = "waves: [{integrations: [canary-*], bake: 2h}, {share: 50%, bake: 1h}, {}]";
const SYNCED: &str = "waves: [{integrations: [canary-*], until: synced, within: 6h}, {}]";

struct Fleet {
    world: World,
    rules: String,
    terms: BTreeMap<&'static str, u64>,
    main: Oid,
    etags: BTreeMap<String, String>,
    done: Done,
}

impl Fleet {
    /// A fleet that is deployed and was reconciled once.
    fn new(waves: &str, rest: &str) -> Fleet {
        let world = World::new();
        let terms: BTreeMap<&str, u64> = SHOPS.map(|shop| (shop, 30)).into();
        let rules = format!("reconcile: {{outside: heal, {waves}}}\nsafety: {{live: allow{rest}}}");
        let main = world.commit(&rules, &texts(&terms), None, "Begin");
        world.move_main(main);
        world.apply(main);
        let done = world.round().unwrap();
        Fleet { world, rules, terms, main, etags: BTreeMap::new(), done }
    }

    fn push(&mut self, terms: u64, shops: &[&str]) {
        for shop in SHOPS.iter().filter(|shop| shops.contains(*shop) || shops == ["all"]) {
            self.terms.insert(shop, terms);
        }
        self.commit(Some(self.main));
    }

    fn commit(&mut self, parent: Option<Oid>) {
        let message = format!("{:?} {}", self.terms, self.world.seconds());
        self.main = self.world.commit(&self.rules, &texts(&self.terms), parent, &message);
        self.world.move_main(self.main);
    }

    fn round(&mut self) {
        self.done = self.world.round().unwrap();
    }

    /// The ETag that the runtime gets with the configuration now, as far as it is looked at; `serve` tries real ones.
    fn etag(&self, shop: &str) -> String {
        let rows = self.world.store().read(Some(&[shop.to_owned()])).unwrap();
        format!("\"{}\"", etag_of(shop, "sha256:0", saves_of(&rows), self.world.store().as_mut()).unwrap())
    }

    fn sync(&self, shop: &str, flow: &str, etag: &str, outcome: &str) {
        let at = self.world.stamp();
        let report = SyncReport {
            integration: shop.to_owned(),
            flow: flow.to_owned(),
            etag: etag.to_owned(),
            outcome: outcome.to_owned(),
            message: String::new(),
            ended_at: at.clone(),
            reported_at: at,
            reported_by: "runtime".to_owned(),
        };
        self.world.store().report_sync(&report).unwrap();
    }

    fn deployed(&self, shop: &str) -> u64 {
        let row = self.world.row(shop, "payment_methods").unwrap();
        to_json(&row.settings)["methods"]["Klarna"]["terms"].as_str().unwrap().parse().unwrap()
    }

    fn step(&self, what: Step) {
        let place = self.world.git();
        self.world.with_host(|host| step(what, &self.world.address, None, &place, "agreed", host)).unwrap();
    }

    fn play(&mut self, story: &str) {
        for line in story.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let words: Vec<&str> = line.split(' ').collect();
            let rest = line.split_once(' ').map_or("", |(_, rest)| rest);
            match (words[0], &words[1..]) {
                ("push", [terms, shops @ ..]) => self.push(terms.parse().unwrap(), shops),
                // Another history, that goes on from the first commit.
                ("force", [terms]) => {
                    let terms = terms.parse().unwrap();
                    self.terms.values_mut().for_each(|one| *one = terms);
                    self.commit(None);
                }
                ("merge", []) => {
                    let branch = self.world.pushed.lock().unwrap().last().unwrap().clone();
                    let to = self.world.repository.refname_to_id(&format!("refs/heads/{branch}")).unwrap();
                    self.main = to;
                    self.world.move_main(to);
                }
                ("round", []) => self.round(),
                ("kill", [after]) => {
                    self.world.killed_after.store(after.parse().unwrap(), Ordering::SeqCst);
                    let ended = std::panic::catch_unwind(AssertUnwindSafe(|| self.world.round()));
                    self.world.killed_after.store(0, Ordering::SeqCst);
                    assert!(ended.is_err(), "{line}: it came to its end");
                }
                ("pass", [hours]) => {
                    self.world.pass(3_600 * hours.trim_end_matches('h').parse::<i64>().unwrap());
                }
                ("live", [shop, is_live]) => self.world.save_outside(shop, "general", |document| {
                    document["live_mode"] = (*is_live == "on").into();
                }),
                ("flow", [shop, flow, is_on]) => self.world.save_outside(shop, "flows", |document| {
                    document[*flow] = (*is_on == "on").into();
                }),
                ("edit", [shop, terms]) => self.world.save_outside(shop, "payment_methods", |document| {
                    document["methods"]["Klarna"]["terms"] = (*terms).into();
                }),
                ("lock", [shop]) => {
                    let ask = Ask {
                        integration: shop,
                        owner: "ann",
                        holder: "elsewhere/1/1",
                        reason: "by hand",
                        seconds: 36_000,
                        over: None,
                    };
                    self.world.store().lock(&ask).unwrap();
                }
                ("unlock", [shop]) => {
                    let mut store = self.world.store();
                    let locks = store.locks().unwrap();
                    let lock = locks.iter().find(|lock| lock.integration == *shop).unwrap();
                    store.unlock(&lock.id).unwrap();
                }
                ("fetch", [shop]) => _ = self.etags.insert((*shop).to_owned(), self.etag(shop)),
                ("sync-fetched", [shop, flow]) => self.sync(shop, flow, &self.etags[*shop], "ok"),
                ("sync", [shop, flow]) => self.sync(shop, flow, &self.etag(shop), "ok"),
                ("sync-failed", [shop, flow]) => self.sync(shop, flow, &self.etag(shop), "failed"),
                ("next", []) => self.step(Step::Next),
                ("restart", []) => self.step(Step::Restart),
                ("deployed", all) => {
                    for one in all {
                        let (shop, terms) = one.split_once(':').unwrap();
                        assert_eq!(self.deployed(shop).to_string(), terms, "{line} in {story}");
                    }
                }
                ("number", [number, "have", terms]) => {
                    let has = |shop: &&&str| self.deployed(shop).to_string() == *terms;
                    let found = SHOPS.iter().filter(has).count();
                    assert_eq!(found.to_string(), *number, "{line} in {story}");
                }
                ("wave", ["none"]) => assert_eq!(self.done.rollout, None, "{line} in {story}"),
                ("wave", [number, members @ ..]) => {
                    let rollout = self.done.rollout.as_ref().unwrap_or_else(|| panic!("{line} in {story}"));
                    assert_eq!(format!("{}/{}", rollout.wave + 1, rollout.of), *number, "{line} in {story}");
                    let found: BTreeSet<&str> = rollout.members.keys().map(String::as_str).collect();
                    if !members.is_empty() {
                        assert_eq!(found, members.iter().copied().collect(), "{line} in {story}");
                    }
                }
                ("waits", _) => {
                    let waits = self.done.rollout.as_ref().unwrap().waits_for().join("; ");
                    assert!(waits.contains(rest), "{line} in {story}: {waits}");
                }
                ("failed", _) => {
                    let failed = self.done.rollout.as_ref().unwrap().failed.join("; ");
                    assert!(failed.contains(rest), "{line} in {story}: {failed}");
                }
                ("open", kinds) => {
                    let found: Vec<&str> = self.done.open.iter().map(|one| one.kind.as_str()).collect();
                    assert_eq!(found, kinds, "{line} in {story}: {:#?}", self.done.open);
                }
                ("quiet", []) => assert!(self.done.quiet, "{line} in {story}"),
                ("pushed", []) => {
                    let pushed = self.world.pushed.lock().unwrap();
                    assert!(pushed.last().is_some_and(|name| name.contains("/take-back-")), "{pushed:?}");
                }
                _ => panic!("what is `{line}`?"),
            }
        }
    }
}

fn texts(terms: &BTreeMap<&'static str, u64>) -> Vec<(&'static str, String)> {
    let text = |(shop, terms): (&&'static str, &u64)| {
        let text = format!(
            "integration: {shop}\npair: fortnox-shopify\nunmanaged: [connectors]\nflows: {{orders: true}}\nsettings:\n  general: {{name: {shop}}}\n  payment_methods:\n    methods:\n      Klarna: {{terms: \"{terms}\"}}\n"
        );
        (*shop, text)
    };
    terms.iter().map(text).collect()
}

const STORIES: [(&str, &str, &str, &str); 16] = [
    (
        "waves follow one another after their time",
        BAKED,
        "",
        "
        wave none
        push 14 all
        round
        deployed canary-1:14 canary-2:14 shop-a:30
        number 2 have 14
        wave 1/3 canary-1 canary-2
        waits its time
        open
        round
        round
        quiet
        pass 1h
        round
        number 2 have 14
        pass 1h
        round
        wave 2/3
        number 5 have 14
        pass 1h
        round
        wave none
        number 6 have 14
        round
        round
        quiet",
    ),
    (
        "who has no changes is no member, and nobody waits for an empty wave",
        BAKED,
        "",
        "
        push 14 shop-a shop-b
        round
        wave 2/3
        number 1 have 14
        pass 1h
        round
        wave none
        number 2 have 14",
    ),
    (
        "a newer commit waits for the end",
        BAKED,
        "",
        "
        push 14 all
        round
        push 15 all
        round
        deployed canary-1:14 shop-a:30
        round
        quiet
        pass 2h
        round
        number 5 have 14
        pass 1h
        round
        number 6 have 14
        wave none
        round
        wave 1/3 canary-1 canary-2
        number 2 have 15
        number 4 have 14",
    ),
    (
        "what was changed outside waits for no wave",
        BAKED,
        "",
        "
        push 14 canary-1 shop-a
        round
        edit shop-c 60
        edit canary-2 61
        round
        deployed canary-1:14 canary-2:30 shop-a:30 shop-c:30
        wave 1/3 canary-1
        open",
    ),
    (
        "each flow has to sync once with what was saved",
        SYNCED,
        "",
        "
        live canary-1 on
        live canary-2 on
        push 14 all
        fetch canary-1
        round
        wave 1/2 canary-1 canary-2
        waits a sync of canary-1 with what was saved: invoices, orders
        sync-fetched canary-1 orders
        sync-fetched canary-1 invoices
        sync canary-2 orders
        sync canary-2 invoices
        sync canary-1 stock
        round
        waits a sync of canary-1 with what was saved: invoices, orders
        sync canary-1 orders
        sync-failed canary-1 invoices
        round
        waits a sync of canary-1 with what was saved: invoices, until
        deployed shop-a:30
        round
        quiet
        edit canary-1 30
        round
        sync canary-1 invoices
        round
        wave none
        number 6 have 14",
    ),
    (
        "a silent flow fails its wave, which is proposed to be taken back",
        SYNCED,
        "",
        "
        live canary-1 on
        push 14 canary-1 canary-2 shop-a
        round
        sync canary-1 orders
        pass 6h
        round
        failed the flow invoices of canary-1 did not sync with what was saved within 6h
        open wave
        pushed
        deployed canary-1:14 shop-a:30
        edit shop-b 60
        round
        deployed shop-b:30
        merge
        round
        deployed canary-1:30 canary-2:30 shop-a:30
        wave 1/2 canary-1 canary-2
        open
        sync canary-1 orders
        sync canary-1 invoices
        round
        wave none
        number 6 have 30",
    ),
    (
        "a flow that is off fails its wave",
        SYNCED,
        "",
        "
        live canary-1 on
        push 14 all
        round
        flow canary-1 invoices off
        round
        failed the flow invoices of canary-1 is off
        open wave
        number 2 have 14",
    ),
    (
        "live mode that goes off fails it too",
        SYNCED,
        "",
        "
        live canary-1 on
        push 14 all
        round
        live canary-1 off
        round
        failed canary-1 is in live mode no more
        open wave",
    ),
    (
        "in onboarding nothing syncs, so that nobody waits for it",
        SYNCED,
        "",
        "
        push 14 all
        round
        wave 1/2 canary-1 canary-2
        round
        wave none
        number 6 have 14",
    ),
    (
        "a commit after one that failed begins with those that had it",
        SYNCED,
        "",
        "
        live canary-1 on
        push 14 canary-1 shop-a
        round
        pass 6h
        round
        open wave
        push 15 shop-b
        round
        wave 1/2 canary-1
        deployed shop-a:30 shop-b:30
        pass 6h
        round
        open wave
        deployed shop-a:30 shop-b:30",
    ),
    (
        "who cannot be saved blocks no other",
        BAKED,
        "",
        "
        lock canary-2
        push 14 all
        round
        wave 1/3 canary-1 canary-2
        open failed
        number 1 have 14
        pass 2h
        round
        number 4 have 14
        unlock canary-2
        round
        deployed canary-2:14
        number 5 have 14
        open",
    ),
    (
        "where nobody of a wave can be saved, its time passes all the same",
        SYNCED,
        "",
        "
        lock canary-1
        push 14 canary-1 shop-a
        round
        number 0 have 14
        pass 5h
        round
        number 0 have 14
        pass 1h
        round
        deployed canary-1:30 shop-a:14",
    ),
    (
        "a limit stops the wave and not what is set back",
        "waves: [{share: 100%, bake: 1h}, {}]",
        ", max_changed: 20%, minimum: 3",
        "
        edit shop-c 60
        push 14 canary-1 canary-2 shop-a shop-b
        round
        open refused
        deployed shop-c:30
        number 0 have 14
        waits it is not saved yet
        pass 2h
        round
        number 0 have 14
        open refused",
    ),
    (
        "a person passes by a wave",
        BAKED,
        "",
        "
        push 14 all
        round
        number 2 have 14
        next
        round
        wave 2/3
        number 5 have 14
        next
        round
        wave none
        number 6 have 14",
    ),
    (
        "a person begins anew, with what was pushed since and those that have it",
        BAKED,
        "",
        "
        push 14 canary-1 shop-a
        round
        push 15 canary-1
        round
        deployed canary-1:14
        restart
        round
        wave 1/3 canary-1
        deployed canary-1:15 shop-a:30
        pass 1h
        restart
        round
        pass 1h
        round
        wave 1/3 canary-1
        pass 1h
        round
        deployed canary-1:15 shop-a:14",
    ),
    (
        "a commit that a force-push takes away is rolled out no further",
        BAKED,
        "",
        "
        push 14 all
        round
        force 16
        pass 3h
        round
        number 2 have 14
        number 0 have 16
        open history history history history history history",
    ),
];

#[test]
fn a_commit_is_rolled_out_in_waves() {
    for (name, waves, rest, story) in STORIES {
        println!("{name}");
        Fleet::new(waves, rest).play(story);
    }
}

/// Killed at any event of a wave, the next round ends as one that was not disturbed, and the wave waits for the same ones.
#[test]
fn a_wave_that_is_killed_is_gone_on_from() {
    for after in 1..40 {
        let mut fleet = Fleet::new(SYNCED, "");
        fleet.play("live canary-1 on\npush 14 all");
        fleet.world.killed_after.store(after, Ordering::SeqCst);
        let ended = std::panic::catch_unwind(AssertUnwindSafe(|| fleet.world.round()));
        fleet.world.killed_after.store(0, Ordering::SeqCst);
        if ended.is_ok() {
            assert!(after > 4, "events come while a wave is saved");
            return;
        }
        fleet.play(
            "round
            wave 1/2 canary-1 canary-2
            waits a sync of canary-1 with what was saved: invoices, orders
            number 2 have 14
            sync canary-1 orders
            sync canary-1 invoices
            round
            wave none
            number 6 have 14",
        );
    }
    panic!("a round has less events");
}

/// What people and machines are told of it, by the program.
#[test]
fn the_status_says_which_wave_it_is_and_what_it_waits_for() {
    use crate::reconcile::Ground;
    let shops = ["canary-1", "shop"];
    let ground = Ground::of(&shops, "reconcile: {waves: [{integrations: [canary-*], bake: 2h}, {}]}");
    ground.run(&["apply", "--yes"]).assert_code(0);
    ground.once(&[]);
    ground.run(&["reconcile", "next", "--reason", "it is well"]).assert_code(64);
    shops.iter().for_each(|shop| ground.shop(shop, "14", "0"));
    let commit = ground.push("Fourteen days");
    let (code, said) = ground.once(&[]);
    let deployed = || shops.map(|shop| ground.deployed(shop).0);
    assert_eq!((code, deployed()), (0, ["14".to_owned(), "30".to_owned()]), "{said:#}");
    assert_eq!(said["rollout"]["members"][0]["integration"], "canary-1");
    let newer = {
        ground.shop("shop", "15", "0");
        ground.push("Fifteen days")
    };
    let text = ground.run(&["reconcile", "--once"]).assert_code(0).stdout.clone();
    let wave = format!("Commit {} is rolled out: wave 1 of 2 since", &commit[..10]);
    let waits = format!("Commit {} waits for the end of it.", &newer[..10]);
    for expected in [wave.as_str(), "with canary-1.", "waits for its time, which is over at", &waits] {
        assert!(text.contains(expected), "{expected}: {text}");
        let status = ground.run(&["reconcile", "status"]).assert_code(0).stdout.clone();
        assert!(status.contains(expected), "{expected}: {status}");
    }
    let status = ground.run(&["reconcile", "status", "-o", "json"]).assert_code(0).json();
    crate::outputs::assert_fits("reconcile-status", &status);
    assert_eq!((&status["rollout"]["wave"], &status["rollout"]["waves"]), (&1.into(), &2.into()));
    assert_eq!(status["rollout"]["newer"], newer.as_str());
    ground.run(&["reconcile", "next", "--reason", ""]).assert_code(64);
    let noted = ground.run(&["reconcile", "next", "--reason", "seen by Karin", "-o", "json"]);
    crate::outputs::assert_fits("reconcile-step", &noted.assert_code(0).json());
    assert!(ground.run(&["audit", "export"]).assert_code(0).stdout.contains("seen by Karin"));
    ground.once(&[]);
    assert_eq!(deployed(), ["14", "14"]);
    ground.once(&[]);
    assert_eq!(deployed(), ["14", "15"], "what waited has its turn");
    let status = ground.run(&["reconcile", "status", "-o", "json"]).assert_code(0).json();
    assert_eq!(status["rollout"], serde_json::Value::Null);
}
