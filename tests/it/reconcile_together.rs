//! A reconciler beside CI that applies and people who save, all at the same time: nobody's save is lost, whoever made it.

use std::sync::atomic::{AtomicBool, Ordering};

use pairform::model::{from_json, to_json};
use pairform::store::{PERSON, Save, Saved};

use crate::reconcile::Ground;

/// Commits that are pushed while the others work.
const COMMITS: usize = 5;

fn text(number: usize) -> String {
    format!(
        "integration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  general: {{name: Shop {number}}}\n  payment_methods:\n    methods:\n      Klarna: {{terms: \"30\"}}\n      Swish: {{terms: \"{number}\"}}\n"
    )
}

/// Somebody counts Klarna's terms up, as a page does: by the revision that he saw. How often that was saved.
fn count_up(ground: &Ground, is_over: &AtomicBool) -> usize {
    let mut saved = 0;
    for attempt in 0.. {
        if is_over.load(Ordering::SeqCst) {
            break;
        }
        let mut store = ground.open_store();
        let rows = store.read(Some(&["shop".to_owned()])).unwrap();
        let row = rows.iter().find(|row| row.category == "payment_methods").unwrap();
        let mut document = to_json(&row.settings);
        let terms: usize = document["methods"]["Klarna"]["terms"].as_str().unwrap().parse().unwrap();
        document["methods"]["Klarna"]["terms"] = (terms + 1).to_string().into();
        let (settings, run) = (from_json(&document), format!("{PERSON}karin {attempt}"));
        let save = Save {
            integration: "shop",
            category: "payment_methods",
            expected_revision: row.revision,
            settings: &settings,
            applied: &row.applied,
            saved_by: "karin",
            saved_at: "2026-01-05T08:00:00Z",
            commit: None,
            run: &run,
            fence: None,
            lease: None,
        };
        match store.save(&save).unwrap() {
            Saved::Saved { .. } => saved += 1,
            Saved::Conflict { .. } => {}
            other => panic!("{other:?}"),
        }
        // Whoever looks is in nobody's way, and gives the others time.
        ground.run(&["reconcile", "status"]).assert_code(0);
    }
    saved
}

/// CI applies a category of its own after every push.
fn apply_on(ground: &Ground, is_over: &AtomicBool) {
    while !is_over.load(Ordering::SeqCst) {
        let revision = "refs/pairform/reconcile/origin/main";
        let run = ground.run(&["apply", "--yes", "--category", "general", "--rev", revision]);
        // Done, partly, stale, or locked by the round.
        assert!([0, 3, 4, 8].contains(&run.code), "{}", run.all());
    }
}

#[test]
fn whoever_saves_at_the_same_time_loses_nothing() {
    let servers = crate::server::shared().map(|server| Some(server.fresh_url()));
    for store in [None].into_iter().chain(servers) {
        let ground = Ground::on(store, &["shop"], "reconcile: {outside: report}");
        ground.author.write("integrations/shop.yaml", &text(0));
        ground.push("Begin");
        assert_eq!(ground.once(&[]).0, 0);
        let is_over = AtomicBool::new(false);
        let saved = std::thread::scope(|scope| {
            let person = scope.spawn(|| count_up(&ground, &is_over));
            let ci = scope.spawn(|| apply_on(&ground, &is_over));
            for number in 1..=COMMITS {
                ground.author.write("integrations/shop.yaml", &text(number));
                ground.push(&format!("Commit {number}"));
                let (code, said) = ground.once(&["--lock-timeout", "5"]);
                assert!([0, 3, 4, 8].contains(&code), "{said:#}");
            }
            is_over.store(true, Ordering::SeqCst);
            ci.join().unwrap();
            person.join().unwrap()
        });
        let (code, said) = ground.once(&[]);
        assert_eq!(code, 0, "{said:#}");
        assert!(saved > 0, "somebody saved meanwhile");
        let expected = ((30 + saved).to_string(), COMMITS.to_string());
        assert_eq!(ground.deployed("shop"), expected, "each of {saved} saves is there, and the last commit");
        let rows = ground.open_store().read(None).unwrap();
        let general = rows.iter().find(|row| row.category == "general").unwrap();
        assert_eq!(to_json(&general.settings)["name"], format!("Shop {COMMITS}"));
        // Each revision was saved once, by somebody who had seen the one before.
        for category in ["general", "payment_methods"] {
            let past = ground.open_store().history("shop", category).unwrap();
            let revisions: Vec<u64> = past.iter().map(|one| one.revision).collect();
            assert_eq!(revisions, (1..=past.len() as u64).collect::<Vec<_>>(), "{category}");
        }
    }
}
