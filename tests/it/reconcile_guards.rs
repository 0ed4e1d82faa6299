//! What stands in the way of a round: a word that a person gave for another state, holds that end, and files that are broken while somebody
//! edits what is deployed of them.

use pairform::ops::reconcile::Kind;
use serde_json::json;

use crate::reconcile::Ground;
use crate::reconcile_world::World;
use crate::revisions::git;

const LONG_AGO: &str = "2026-01-05T08:00:00Z";

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

/// A shop whose own file has errors is looked at by the last commit that had none in it.
#[test]
fn a_hand_edit_of_a_shop_whose_file_is_broken_is_told_and_set_back() {
    let broken = [
        "integration: shop\npair: fortnox-shopify\nsettings: {general: {nme: x}}\n",
        "integration: shop\nsettings: [\n",
    ];
    for (rule, broken) in ["report", "heal"].into_iter().zip(broken) {
        let ground = Ground::of(&["shop", "other"], &format!("reconcile: {{outside: {rule}}}"));
        assert_eq!(ground.once(&[]).0, 0);
        // The rules change with it, so that what is recorded of them tells by which commit.
        ground.rules(&format!("reconcile: {{outside: {rule}}}\nsafety: {{max_released: 50%}}"));
        ground.author.write("integrations/shop.yaml", broken);
        ground.shop("other", "14", "0");
        let commit = ground.push("Break one");
        let (code, said) = ground.once(&[]);
        assert_eq!((code, open(&said)), (3, vec!["invalid"]), "{said:#}");
        assert_eq!(ground.deployed("other").0, "14");
        let rules = || ground.open_store().rules().unwrap();
        let recorded = rules();
        assert_eq!(recorded.last().unwrap().commit.as_deref(), Some(commit.as_str()));
        ground.save_outside("shop", "60", "karin", LONG_AGO);
        let (code, said) = ground.once(&[]);
        if rule == "report" {
            assert_eq!((code, open(&said)), (5, vec!["drift", "invalid"]), "{said:#}");
            let setting = &said["open"][0]["settings"][0];
            assert_eq!((&setting["by"], &setting["deployed"]), (&json!("karin"), &json!("60")));
            assert_eq!((&setting["files"], &setting["since"]), (&json!("30"), &json!(LONG_AGO)));
            assert!(said["open"][0]["ways"].to_string().contains("pairform pull shop"), "{said:#}");
        } else {
            assert_eq!((code, open(&said)), (3, vec!["invalid"]), "{said:#}");
            assert_eq!(ground.deployed("shop").0, "30");
        }
        assert_eq!(rules(), recorded, "a commit of before says nothing anew");
        // Nothing of it is told or saved again.
        let before = ground.open_store().last_number().unwrap();
        let (_, said) = ground.once(&[]);
        assert_eq!(ground.open_store().last_number().unwrap(), before);
        for moved in ["opened", "updated", "closed"] {
            assert_eq!(said[moved], json!([]), "{rule}: {said:#}");
        }
        // What git says is taken once the file is mended.
        ground.shop("shop", "30", "5");
        ground.push("Mend it");
        let (code, said) = ground.once(&[]);
        let (klarna, left) = if rule == "report" { ("60", vec!["drift"]) } else { ("30", vec![]) };
        assert_eq!((code, open(&said)), (0, left), "{rule}: {said:#}");
        assert_eq!(ground.deployed("shop"), (klarna.to_owned(), "5".to_owned()), "{rule}");
    }
}

/// What was told before a file broke is not over by that.
#[test]
fn drift_is_not_over_because_a_file_breaks() {
    let ground = Ground::of(&["shop"], "reconcile: {outside: report}");
    ground.once(&[]);
    ground.save_outside("shop", "60", "karin", LONG_AGO);
    assert_eq!(open(&ground.once(&[]).1), ["drift"]);
    ground.author.write("integrations/shop.yaml", "integration: shop\nsettings: [\n");
    ground.push("Break it");
    let (_, said) = ground.once(&[]);
    assert_eq!((open(&said), &said["closed"]), (vec!["drift", "invalid"], &json!([])), "{said:#}");
    ground.save_outside("shop", "30", "karin", "2026-01-06T08:00:00Z");
    let (_, said) = ground.once(&[]);
    assert_eq!(said["closed"], json!(["drift/shop/payment_methods"]), "{said:#}");
}

/// argo-cd#15588: what a person took back is not deployed again by the next round, until git says the same.
#[test]
fn what_was_taken_back_by_hand_stays_so_until_git_says_the_same() {
    let ground = Ground::of(&["shop"], "reconcile: {outside: heal}");
    assert_eq!(ground.once(&[]).0, 0);
    ground.shop("shop", "14", "0");
    ground.push("Fourteen days");
    assert_eq!((ground.once(&[]).0, ground.deployed("shop").0.as_str()), (0, "14"));
    git(&ground.runner(), &["pull", "-q", "--ff-only"]);
    let back =
        ["revert", "shop", "--category", "payment_methods", "--revision", "1", "--out", "../back.plan"];
    ground.run(&back).assert_code(0);
    ground.run(&["apply", "../back.plan"]).assert_code(0);
    for _ in 0..2 {
        let (code, said) = ground.once(&[]);
        assert_eq!((code, ground.deployed("shop").0.as_str()), (5, "30"), "{said:#}");
        assert_eq!(open(&said), ["refused"]);
        let why = said["open"][0]["reasons"].to_string();
        assert!(why.contains("on hold until") && why.contains("reverted to revision 1"), "{why}");
    }
    ground.shop("shop", "30", "0");
    ground.push("Thirty again");
    let (code, said) = ground.once(&[]);
    assert_eq!((code, open(&said)), (0, vec![]), "{said:#}");
    ground.shop("shop", "7", "0");
    ground.push("Seven days");
    assert_eq!((ground.once(&[]).0, ground.deployed("shop").0.as_str()), (0, "7"), "the hold is over");
}

/// What is fetched has refs of its own: neither the branches of the clone nor its files move.
#[test]
fn a_round_moves_no_branch_and_no_file_of_the_clone() {
    let ground = Ground::of(&["shop"], "");
    let others = || {
        let all = git(&ground.runner(), &["for-each-ref", "--format=%(refname) %(objectname)"]);
        let is_own = |line: &&str| line.starts_with("refs/pairform/");
        let (own, others): (Vec<&str>, Vec<&str>) = all.lines().partition(is_own);
        let files = git(&ground.runner(), &["status", "--porcelain", "--branch"]);
        (own.len(), others.join("\n"), files, git(&ground.runner(), &["rev-parse", "HEAD"]))
    };
    let before = others();
    assert_eq!(before.0, 0);
    ground.shop("shop", "14", "0");
    let commit = ground.push("Fourteen days");
    let (code, said) = ground.once(&[]);
    assert_eq!((code, &said["commit"], ground.deployed("shop").0.as_str()), (0, &json!(commit), "14"));
    let after = others();
    assert_eq!((after.0, after.1, after.2, after.3), (1, before.1, before.2, before.3));
}
