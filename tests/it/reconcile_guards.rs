//! What stands in the way of a round: a word that a person gave for another state, holds that end, and files that are broken while somebody
//! edits what is deployed of them.

use pairform::ops::reconcile::Kind;
use serde_json::json;

use crate::reconcile::Ground;
use crate::reconcile_world::World;

/// The kinds of what is open.
fn open(said: &serde_json::Value) -> Vec<&str> {
    said["open"].as_array().unwrap().iter().map(|one| one["kind"].as_str().unwrap()).collect()
}

/// A commit was accepted once; then another one was seen, for which nothing had to be saved. The first word is none about that.
#[test]
fn an_acceptance_is_no_answer_to_what_was_seen_since() {
    let ground = Ground::of(&["shop"], "");
    let first = ground.author.git(&["rev-parse", "HEAD"]).trim().to_owned();
    assert_eq!(ground.once(&[]).0, 0);
    // Another history that says the same is seen, and accepted.
    ground.author.git(&["checkout", "-q", "--orphan", "other"]);
    let other = ground.push("Another history");
    let accept = |why: &str| {
        ground.run(&["reconcile", "accept", &other, "--reason", why]).assert_code(0);
    };
    assert_eq!(ground.once(&[]).0, 0);
    accept("the branch was mended");
    // The former one comes back and goes on, and says the same as well.
    ground.author.git(&["checkout", "-q", "--detach", &first]);
    ground.author.write("note.txt", "x");
    ground.push("On from the first");
    let before = ground.open_store().last_number().unwrap();
    assert_eq!(ground.once(&[]).0, 0);
    assert_eq!(ground.open_store().last_number().unwrap(), before, "nothing had to be saved");
    // What goes on from the other history now does not go on from what was seen last.
    ground.author.git(&["checkout", "-q", "--detach", &other]);
    ground.shop("shop", "14", "0");
    ground.push("On from the other");
    let (code, said) = ground.once(&[]);
    assert_eq!((code, ground.deployed("shop").0.as_str()), (5, "30"), "no stale word: {said:#}");
    assert_eq!(open(&said), ["history"]);
    accept("it is meant this time too");
    let (code, said) = ground.once(&[]);
    assert_eq!((code, ground.deployed("shop").0.as_str()), (0, "14"), "{said:#}");
    assert_eq!(said["closed"], json!(["history/shop/payment_methods"]));
}

fn shop(terms: u64) -> [(&'static str, String); 1] {
    let text = format!(
        "integration: one\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  general: {{name: one}}\n  payment_methods:\n    methods:\n      Klarna: {{terms: \"{terms}\"}}\n"
    );
    [("one", text)]
}

/// argo-cd#9344, flux2#4231: a pause has a reason, and an end that nobody has to remember.
#[test]
fn a_hold_of_the_files_says_why_and_ends_by_itself() {
    let world = World::new();
    let first = world.commit("", &shop(30), None, "Begin");
    world.move_main(first);
    world.round().unwrap();
    assert_eq!(world.stamp(), "2026-11-30T00:53:20Z");
    let rules = "safety: {holds: {one: {reason: the auditors are here, until: 2026-11-30}}}";
    world.move_main(world.commit(rules, &shop(14), Some(first), "Hold it"));
    let terms = || {
        let row = world.row("one", "payment_methods").unwrap();
        pairform::model::to_json(&row.settings)["methods"]["Klarna"]["terms"].as_str().unwrap().to_owned()
    };
    for _ in 0..2 {
        let done = world.round().unwrap();
        let [held] = done.open.as_slice() else { panic!("{:?}", done.open) };
        assert_eq!((held.kind, held.reasons.len()), (Kind::Refused, 1), "{held:?}");
        assert_eq!(held.reasons[0], "one is on hold until 2026-11-30: the auditors are here");
        assert_eq!(terms(), "30");
        // The last minutes of its last day.
        world.pass(23 * 3_600);
    }
    let done = world.round().unwrap();
    assert!(done.open.is_empty() && done.moved.closed.len() == 1, "{:?}", done.open);
    assert_eq!(terms(), "14");
}

#[test]
fn a_hold_that_ends_needs_a_reason_and_a_day() {
    let ground = Ground::of(&["shop"], "");
    for (hold, is_valid) in [
        ("{reason: audit, until: 2026-12-31}", true),
        ("audit", true),
        ("{reason: audit}", false),
        ("{until: 2026-12-31}", false),
        ("{reason: audit, until: June}", false),
        ("{reason: audit, until: 2026-12-31, by: karin}", false),
        ("2026-12-31T", true),
        ("5", false),
    ] {
        std::fs::write(
            ground.runner().join("pairform.yaml"),
            format!("version: 1\nsafety: {{holds: {{shop: {hold}}}}}\n"),
        )
        .unwrap();
        let run = ground.run(&["validate"]);
        assert_eq!(run.code == 0, is_valid, "{hold}: {}", run.all());
        if !is_valid {
            assert!(run.all().contains("pairform.yaml:2:"), "{hold}: {}", run.all());
            let said =
                ["a day such as `2026-12-31`", "needs `until`", "needs `reason`", "`by`", "YYYY-MM-DD"];
            assert!(said.iter().any(|said| run.all().contains(said)), "{hold}: {}", run.all());
        }
    }
}
