//! Drift, history, the way back, the record for auditors; and that reading writes nothing.

use pairform::model::from_json;
use pairform::store::{Origin, Save, Saved};
use serde_json::json;

use crate::place::{Project, each_kind};
use crate::revisions::Repository;

const HAND: &str = r#"UPDATE category SET settings = '{"default_terms_of_payment":"30","map":{"Klarna":"14","Qliro":"5","Swish":"0"}}'
    WHERE category = 'payment_methods'"#;

#[test]
fn drift_is_what_changed_outside_by_setting_with_when_and_who() {
    for project in each_kind() {
        project.run(&["drift", "--detailed-exitcode"]).expect(0);
        project.run(&["apply", "--yes"]).expect(0);
        let none = project.run(&["drift", "--detailed-exitcode"]).expect(0);
        assert!(none.out.contains("No drift"), "{}", none.out);
        // A change of the files is no drift.
        project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
        project.run(&["drift", "--detailed-exitcode"]).expect(0);

        project.by_hand(HAND);
        project.run(&["drift"]).expect(0);
        let drift = project.run(&["drift", "--detailed-exitcode", "-o", "json"]).expect(2).json();
        assert_eq!((&drift["command"], &drift["exit_code"]), (&json!("drift"), &json!(2)));
        let categories = drift["integrations"][0]["categories"].as_array().unwrap();
        let changed: Vec<_> = categories.iter().filter(|category| category["action"] == "update").collect();
        assert_eq!(changed.len(), 1);
        assert_eq!(
            (&changed[0]["category"], &changed[0]["revision"]),
            (&json!("payment_methods"), &json!(2))
        );
        let changes = changed[0]["changes"].as_array().unwrap();
        let short: Vec<_> = changes
            .iter()
            .map(|change| {
                (
                    change["setting"].as_str().unwrap(),
                    change["kind"].as_str().unwrap(),
                    &change["before"],
                    &change["after"],
                )
            })
            .collect();
        let null = json!(null);
        assert_eq!(
            short,
            [
                ("methods.Klarna.terms", "change", &json!("30"), &json!("14")),
                ("methods.Qliro.terms", "add", &null, &json!("5"))
            ]
        );
        assert_eq!(
            (&changes[0]["by"], &changes[0]["origin"]),
            (&json!("outside pairform"), &json!("outside"))
        );
        assert!(changes[0]["since"].as_str().unwrap().ends_with('Z'));
        assert_eq!(changes[0]["path"], "integrations/shop.yaml");

        for (form, said) in [
            ("markdown", "2 settings changed outside the files, in 1 integration"),
            ("markdown", "### ❌ pairform drift"),
            ("html", "made outside pairform"),
            ("junit", "in shop; an apply would undo the change of "),
            ("gitlab", "Klarna › Terms of payment: 30 → 14, in shop; an apply would undo the change of "),
            ("sarif", "Klarna › Terms of payment: 30 → 14, in shop; an apply would undo the change of "),
            ("github", "Qliro › Terms of payment: not set → 5, in shop; an apply leaves the change of "),
            ("text", "outside pairform, at 2"),
        ] {
            let told = project.run(&["drift", "-o", form]).expect(0);
            assert!(told.out.contains(said) && !told.out.contains("next sync;"), "{form}: {}", told.out);
            assert!(!told.out.contains("by outside"), "{form}: {}", told.out);
        }
        // A setting that no file manages is told apart: an apply leaves it.
        let unmanaged: Vec<bool> = changes.iter().map(|change| change["unmanaged"] == true).collect();
        assert_eq!(unmanaged, [false, true]);
        let text = project.run(&["drift"]).expect(0).out;
        assert!(text.contains("; no file manages it\n"), "{text}");
        assert!(text.contains("One of them is managed by no file, and an apply leaves it.\n"), "{text}");

        project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '10'");
        let both = project.run(&["drift", "-o", "json"]).expect(0);
        assert!(both.out.contains("\"both\""), "{}", both.out);
        // Taken into the files, it is none any more.
        project.edit("integrations/shop.yaml", "Klarna: '10'", "Klarna: '14', Qliro: '5'");
        project.run(&["drift", "--detailed-exitcode"]).expect(0);
    }
}

/// Categories that drifted: integration, category, revision, and the number of settings.
fn drifted(project: &Project, arguments: &[&str]) -> Vec<(String, String, Option<u64>, usize)> {
    let arguments: Vec<&str> =
        ["drift", "--detailed-exitcode", "-o", "json"].iter().chain(arguments).copied().collect();
    let ran = project.run(&arguments);
    let drift = ran.json();
    let mut found = Vec::new();
    for one in drift["integrations"].as_array().unwrap() {
        for category in one["categories"].as_array().unwrap() {
            let changes = category["changes"].as_array().unwrap().len();
            if changes > 0 {
                let name = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
                let revision = category["revision"].as_u64();
                found.push((name(&one["integration"]), name(&category["category"]), revision, changes));
            }
        }
    }
    assert_eq!(ran.code, if found.is_empty() { 0 } else { 2 }, "{}", ran.err);
    found
}

#[test]
fn what_was_deleted_by_hand_has_drifted_whether_a_category_or_all_of_an_integration() {
    for project in each_kind() {
        project.shop("other", "Other", "10");
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand("DELETE FROM category WHERE integration = 'shop' AND category = 'order'");
        assert_eq!(drifted(&project, &[]), [("shop".into(), "order".into(), None, 1)]);
        let text = project.run(&["drift"]).expect(0).out;
        let comment = project.run(&["drift", "-o", "markdown"]).expect(0).out;
        assert!(
            comment.contains("its category was deleted") && comment.contains("| **drift** |"),
            "{comment}"
        );
        assert!(!comment.contains("**reset**"), "{comment}");
        assert!(text.contains("order deleted\n") && text.contains("sets back what the files say"), "{text}");
        project.by_hand("DELETE FROM category WHERE integration = 'shop'");
        let found = drifted(&project, &[]);
        assert_eq!(found.len(), 5, "{found:?}");
        assert!(found.iter().all(|(name, _, revision, _)| name == "shop" && revision.is_none()), "{found:?}");
        assert_eq!(drifted(&project, &["--integration", "other"]), []);
        project.run(&["apply", "--yes"]).expect(0);
        assert_eq!(drifted(&project, &[]), []);
        // What was renamed is not missed under its former id.
        project.edit("integrations/shop.yaml", "integration: shop", "integration: store\nrenamed_from: shop");
        std::fs::rename(project.path("integrations/shop.yaml"), project.path("integrations/store.yaml"))
            .unwrap();
        assert_eq!(drifted(&project, &[]), []);
        project.run(&["apply", "--yes"]).expect(0);
        assert_eq!(drifted(&project, &[]), []);
        project.by_hand("DELETE FROM category WHERE integration = 'store' AND category = 'order'");
        assert_eq!(drifted(&project, &[]), [("store".into(), "order".into(), None, 1)]);
    }
}

#[test]
fn what_was_made_by_hand_and_never_applied_has_drifted() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand(
            r#"INSERT INTO category (integration, category, settings) VALUES
               ('shop', 'stock', '{"by_hand": 1}'), ('shop', 'nothing', '{"by_hand": 1}'),
               ('stray', 'order', '{"creates": "order", "x": 1}')"#,
        );
        let stray = ("stray".into(), "order".into(), Some(1), 2);
        assert_eq!(
            drifted(&project, &[]),
            [
                ("shop".into(), "stock".into(), Some(1), 1),
                ("shop".into(), "nothing".into(), Some(1), 1),
                stray.clone()
            ]
        );
        assert_eq!(drifted(&project, &["--category", "order"]), [stray]);
        assert_eq!(drifted(&project, &["--exclude", "shop"]), []);
        let text = project.run(&["drift"]).expect(0).out;
        assert!(text.contains("stray  in no file; `pairform pull stray --pair PAIR` adopts it\n"), "{text}");
        assert!(text.contains("No file manages them, so an apply leaves them.\n"), "{text}");
        assert!(!text.contains("sets back"), "{text}");
        // Drift is where plan would save something, or where no file says anything.
        assert!(project.pending().is_empty());
    }
}

#[test]
fn a_category_that_is_edited_elsewhere_by_agreement_does_not_drift() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.edit(
            "integrations/shop.yaml",
            "pair: fortnox-shopify",
            "pair: fortnox-shopify\nunmanaged: [payment_methods]",
        );
        let text = std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap();
        let start = text.find("  payment_methods:\n").unwrap();
        let end = text.find("schedules:").unwrap();
        project.write("integrations/shop.yaml", &format!("{}{}", &text[..start], &text[end..]));
        project.by_hand(HAND);
        assert_eq!(drifted(&project, &[]), []);
        project.by_hand("DELETE FROM category WHERE category = 'payment_methods'");
        assert_eq!(drifted(&project, &[]), []);
    }
}

/// However many integrations there are, and whatever they have never saved.
#[test]
fn drift_reads_no_history_of_what_did_not_drift() {
    let project = Project::sqlite();
    for number in 0..4 {
        project.shop(&format!("shop-{number}"), "Shop", "30");
    }
    project.run(&["apply", "--yes"]).expect(0);
    // A document that cannot be read would stop whoever reads it.
    project.by_hand(
        "DROP TRIGGER history_is_not_changed; UPDATE history SET settings = 'nothing' WHERE integration <> 'shop-1'",
    );
    assert_eq!(drifted(&project, &[]), []);
    project.by_hand(&format!("{HAND} AND integration = 'shop-1'"));
    assert_eq!(drifted(&project, &[]), [("shop-1".into(), "payment_methods".into(), Some(2), 2)]);
}

#[test]
fn history_is_asked_by_integration_category_setting_and_person() {
    for project in each_kind() {
        project.shop("other", "Other", "10");
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand(&format!("{HAND} AND integration = 'shop'"));
        let saves = |arguments: &[&str]| {
            let all: Vec<&str> = ["history", "-o", "json"].iter().chain(arguments).copied().collect();
            project.run(&all).expect(0).json()["saves"].as_array().unwrap().clone()
        };
        assert_eq!(saves(&[]).len(), 11);
        assert_eq!(saves(&["shop"]).len(), 6);
        assert_eq!(saves(&["shop", "--category", "payment_methods"]).len(), 2);
        assert_eq!(saves(&["--setting", "payment_methods.map.Qliro"]).len(), 1);
        assert_eq!(saves(&["--setting", "map", "shop"]).len(), 2);
        assert_eq!(saves(&["--by", "ANN"]).len(), 10);
        assert_eq!(saves(&["--commit", "abc"]).len(), 0);
        let last = saves(&["--limit", "1"]);
        assert_eq!(last[0]["changes"].as_array().unwrap().len(), 2);
        assert_eq!((&last[0]["revision"], &last[0]["saved_by"]), (&json!(2), &json!("outside pairform")));
        let text = project.run(&["history", "shop"]).expect(0).out;
        assert!(text.contains("methods.Klarna.terms  \"30\" → \"14\""), "{text}");
        project.run(&["history", "shp"]).expect(64);
    }
}

#[test]
fn the_way_back_is_a_plan_like_any_other() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        let first = project.store().read(None).unwrap();
        project.shop("shop", "Market", "14");
        project.edit("integrations/shop.yaml", "Swish: '0'", "Qliro: '5'");
        project.run(&["apply", "--yes"]).expect(0);

        project.run(&["revert", "shop"]).expect(64);
        project.run(&["revert", "shop", "--revision", "1"]).expect(64);
        project.run(&["revert", "shop", "--revision", "9", "--category", "general"]).expect(64);
        project.run(&["revert", "shop", "--time", "2020-01-01T00:00:00Z"]).expect(64);
        let planned = project
            .run(&[
                "revert",
                "shop",
                "--revision",
                "1",
                "--category",
                "payment_methods",
                "--out",
                "back.plan",
            ])
            .expect(0);
        assert!(planned.out.contains("documents that were synced meanwhile"), "{}", planned.out);
        let records = project.store().records().unwrap().len();
        project.run(&["apply", "back.plan"]).expect(0);
        assert_eq!(project.store().records().unwrap().len(), records + 1);
        let now = project.store().read(None).unwrap();
        let settings = |rows: &[pairform::store::Deployed], category: &str| {
            rows.iter().find(|row| row.category == category).unwrap().settings.clone()
        };
        assert_eq!(settings(&now, "payment_methods"), settings(&first, "payment_methods"));
        assert_ne!(settings(&now, "general"), settings(&first, "general"));

        // The files say something else still: that is told as changed outside them, by whoever went back, and is held.
        let drift = project.run(&["drift", "--detailed-exitcode"]).expect(2).out;
        assert!(drift.contains("default_terms_of_payment  14 → 30   by ann, at "), "{drift}");
        assert_eq!(project.pending(), ["payment_methods"]);
        let refused = project.run(&["apply", "--yes"]).expect(5);
        assert!(refused.err.contains("payment_methods of shop is on hold until "), "{}", refused.err);
        project.run(&["apply", "--yes", "--force", "hold: they pay in 14 days after all"]).expect(0);
        assert!(project.pending().is_empty());
        project.run(&["drift", "--detailed-exitcode"]).expect(0);
    }
}

/// A way back carries the commit of the day on which it is applied, and is none of that commit's saves.
#[test]
fn a_commit_is_found_by_its_own_saves_and_a_way_back_is_told_as_one() {
    let repository = Repository::new();
    repository.write("pairform.yaml", "version: 1\n");
    repository.write(".gitignore", ".pairform/\n*.plan\n");
    let shop = |terms: &str| {
        let text = format!(
            "integration: shop\npair: fortnox-shopify\nsettings:\n  general: {{name: Shop}}\n  payment_methods: {{default_terms_of_payment: '{terms}'}}\n"
        );
        repository.write("integrations/shop.yaml", &text);
        repository.commit(&format!("Terms {terms}"))
    };
    let run = |arguments: &[&str], code: i32| {
        let output = repository.run(arguments);
        assert_eq!(output.status.code(), Some(code), "{arguments:?} {output:?}");
        String::from_utf8(output.stdout).unwrap() + &String::from_utf8(output.stderr).unwrap()
    };
    let first = shop("30");
    run(&["apply", "--yes"], 0);
    let second = shop("14");
    run(&["apply", "--yes"], 0);
    run(&["revert", "shop", "--commit", &first, "--out", "back.plan"], 0);
    run(&["apply", "back.plan"], 0);

    let saves = repository.json(&["history", "--commit", &second])["saves"].clone();
    // A name stands for the commit that git knows by it.
    assert_eq!(repository.json(&["history", "--commit", "HEAD"])["saves"], saves);
    for (wrong, said) in [
        (["revert", "shop", "--commit", "none"], "there is no revision `none`"),
        (["revert", "shop", "--commit", ""], "no commit was named"),
        (["revert", "shop", "--commit", "00"], "nothing of shop was saved from commit 00"),
        (["revert", "shop", "--time", "2020-01-01T00:00:00Z"], "nothing of shop was saved by 2020"),
    ] {
        let refused = run(&wrong, 64);
        assert!(refused.contains(said), "{wrong:?}: {refused}");
    }
    let refused = run(&["revert", "shop", "--revision", "99", "--category", "payment_methods"], 64);
    assert!(refused.contains("shop has no revision 99 of payment_methods"), "{refused}");
    let notes: Vec<_> = saves.as_array().unwrap().iter().map(|save| &save["notes"]).collect();
    let text = format!("to what was deployed after commit {first}");
    assert_eq!(
        (notes.len(), notes[0], &notes[1][0]),
        (2, &json!([]), &json!({"kind": "revert", "text": text}))
    );
    let held = notes[1][1]["text"].as_str().unwrap();
    assert!(held.starts_with("shop until ") && held.ends_with(&format!(": reverted {text}")), "{held}");
    assert!(run(&["history"], 0).contains(&format!("\n    revert: {text}\n")));
    let again = run(&["revert", "shop", "--commit", &second[..10]], 0);
    assert!(again.contains("30 → 14"), "{again}");

    repository.git(&["rm", "-q", "integrations/shop.yaml"]);
    repository.commit("Close the shop");
    let gone = run(&["revert", "shop", "--commit", &second], 64);
    assert!(gone.contains("is deployed and in no file") && gone.contains("--rev REVISION"), "{gone}");
    run(&["revert", "shop", "--commit", &second, "--rev", "HEAD~1", "--out", "again.plan"], 0);
    run(&["apply", "again.plan", "--rev", "HEAD~1"], 0);
    let no_time = run(&["revert", "shop", "--time", "yesterday", "--rev", "HEAD~1"], 64);
    assert!(no_time.starts_with("error: `yesterday` is no time\n"), "{no_time}");
    assert!(run(&["revert", "shp", "--time", "yesterday"], 64).contains("there is no integration `shp`"));
}

#[test]
fn the_record_for_auditors_is_whole_or_shows_it() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        let first = project.run(&["audit", "export"]).expect(0).out;
        assert_eq!(first, project.run(&["audit", "export"]).expect(0).out);
        project.by_hand(HAND);
        let second = project.run(&["audit", "export"]).expect(0).out;
        let saves = |text: &str| -> Vec<String> {
            text.lines().filter(|line| line.contains("\"kind\":\"save\"")).map(str::to_owned).collect()
        };
        assert_eq!(saves(&second)[..5], saves(&first)[..], "a later export begins with the same saves");
        assert_eq!(saves(&second).len(), 6);
        project.write("audit.jsonl", &second);
        project.run(&["audit", "verify", "audit.jsonl"]).expect(0);
        let lines: Vec<&str> = second.lines().filter(|line| !line.contains("\"order\"")).collect();
        project.write("audit.jsonl", &lines.join("\n"));
        let refused = project.run(&["audit", "verify", "audit.jsonl"]).expect(1);
        assert!(refused.err.contains("missing"), "{}", refused.err);
    }
}

/// A record grows with each save, and has no limit as sources have.
#[test]
fn a_large_record_is_verified_too() {
    let project = Project::sqlite();
    project.run(&["apply", "--yes"]).expect(0);
    let mut store = project.store();
    let mut records = store.records().unwrap();
    let text = "x".repeat(20 * 1024 * 1024);
    records[0].past.settings = Ok(pairform::model::from_json(&json!({"text": text})));
    let lines = pairform::ops::audit::export("id", &records, &[], &[], &store.heads(None).unwrap());
    let text: String = lines.into_iter().map(|line| pairform::model::canonical_json(line) + "\n").collect();
    project.write("large.jsonl", &text);
    project.run(&["audit", "verify", "large.jsonl"]).expect(0);
    let missing = project.run(&["audit", "verify", "none.jsonl"]).expect(64);
    assert!(missing.err.contains("cannot read none.jsonl: there is no such file"), "{}", missing.err);
}

/// As a pairform of before the marks left it: read as it is, and brought up to date by who writes.
#[test]
fn an_edit_by_hand_is_no_apply() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        let last = || {
            project.run(&["list", "-o", "json"]).expect(0).json()["integrations"][0]["last_applied"].clone()
        };
        let applied = last();
        project.by_hand(HAND);
        project.by_hand(
            "UPDATE category SET saved_at = '2099-01-01T00:00:00Z' WHERE saved_by = 'outside pairform'",
        );
        assert_eq!(last(), applied);
        // Of one of which everything was edited by hand the history knows.
        project.by_hand("DELETE FROM category WHERE category <> 'payment_methods'");
        let saves = project.store().history("shop", "payment_methods").unwrap();
        assert_eq!(last(), saves[0].saved_at, "an apply may take longer than a second");
    }
}

#[test]
fn a_save_that_was_changed_in_the_history_is_told_wherever_the_history_is_read() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '14'");
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand(HAND);
        project.run(&["audit", "export"]).expect(0);
        // Whoever owns the store can change what is not to be changed.
        project.by_hand(match project.url.starts_with("sqlite:") {
            true => "DROP TRIGGER history_is_not_changed",
            false => "ALTER TABLE history DISABLE TRIGGER USER",
        });
        project.by_hand(
            "UPDATE history SET settings = replace(settings, '14', '15')
             WHERE category = 'payment_methods' AND revision = 2",
        );
        let told = project.run(&["history", "--category", "payment_methods"]).expect(0).out;
        assert_eq!(told.matches("it was changed after it was saved").count(), 1, "{told}");
        let export = project.run(&["audit", "export"]).expect(1);
        let said = "revision 2 of payment_methods of shop was changed in the store after it was saved";
        assert!(export.err.contains(said) && export.err.lines().count() == 1, "{}", export.err);
        assert_eq!(export.out.matches("\"changed\":true").count(), 1);
        let record = project.run(&["audit", "export", "-o", "json"]).expect(1).json();
        assert_eq!(record["exit_code"], 1);
        let back = ["revert", "shop", "--category", "payment_methods", "--revision", "2"];
        let back = project.run(&back).expect(0).out;
        assert!(back.contains("it was changed after it was saved"), "{back}");
        project.run(&["drift"]).expect(0);
    }
}

#[test]
fn a_store_of_an_older_layout_is_read_as_it_is() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand(HAND);
        project.without_section();
        project.by_hand(
            "DELETE FROM migration WHERE number >= 4;
             DROP INDEX IF EXISTS category_heads; DROP TABLE rules; DROP TABLE document; DROP TABLE said; DROP TABLE source;
             ALTER TABLE category DROP COLUMN settled; ALTER TABLE category DROP COLUMN secrets;
             ALTER TABLE category DROP COLUMN leaves",
        );
        project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
        project.run(&["history"]).expect(0);
        project.run(&["unlock"]).expect(0);
        project.run(&["audit", "export"]).expect(0);
        assert_eq!(drifted(&project, &[]), [("shop".into(), "payment_methods".into(), Some(2), 2)]);
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        project.run(&["apply", "p.plan"]).expect(0);
        assert!(project.pending().is_empty());
    }
    // What cannot be read names what mends it, and that does nothing else.
    let project = Project::sqlite();
    project.run(&["apply", "--yes"]).expect(0);
    project.without_section();
    project.by_hand(
        "DELETE FROM migration WHERE number >= 3;
         ALTER TABLE run DROP COLUMN commit_author; ALTER TABLE run DROP COLUMN commit_dirty;
         DROP INDEX category_heads; DROP TABLE rules; DROP TABLE document; DROP TABLE said; DROP TABLE source;
         ALTER TABLE category DROP COLUMN settled; ALTER TABLE category DROP COLUMN secrets;
         ALTER TABLE category DROP COLUMN leaves",
    );
    project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
    let refused = project.run(&["plan"]).expect(7);
    assert!(refused.err.contains("`pairform apply --no-input` brings it up to date"), "{}", refused.err);
    project.run(&["apply", "--no-input"]).expect(64);
    assert_eq!(project.pending(), ["general"]);
}

#[test]
fn a_save_that_was_taken_out_of_the_store_shows_in_its_record() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        for terms in ["14", "10", "0"] {
            project.shop("shop", "Shop", terms);
            project.run(&["apply", "--yes"]).expect(0);
        }
        // Another id, and the way back to the first one: the revisions go on.
        for (from, to) in [("shop", "store"), ("store", "shop")] {
            project.shop(to, "Shop", if to == "shop" { "7" } else { "5" });
            project.edit(
                &format!("integrations/{to}.yaml"),
                "pair:",
                &format!("renamed_from: {from}\npair:"),
            );
            std::fs::remove_file(project.path(&format!("integrations/{from}.yaml"))).unwrap();
            project.run(&["apply", "--yes"]).expect(0);
        }
        let earlier = project.run(&["audit", "export"]).expect(0).out;
        project.write("earlier.jsonl", &earlier);
        project.run(&["audit", "verify", "earlier.jsonl"]).expect(0);
        project.shop("shop", "Shop", "30");
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand(HAND);
        project.write("whole.jsonl", &project.run(&["audit", "export"]).expect(0).out);
        project.run(&["audit", "verify", "whole.jsonl", "--after", "earlier.jsonl"]).expect(0);
        let refused = project.run(&["audit", "verify", "earlier.jsonl", "--after", "whole.jsonl"]).expect(1);
        assert!(refused.err.contains("whole.jsonl:"), "{}", refused.err);

        // Whoever owns the store can take out what only grows; newest first here, so that each is told of on its own.
        let (open, back) = match project.url.starts_with("sqlite:") {
            true => ("DROP TRIGGER history_is_not_deleted", "INSERT INTO history"),
            false => {
                ("ALTER TABLE history DISABLE TRIGGER USER", "INSERT INTO history OVERRIDING SYSTEM VALUE")
            }
        };
        project.by_hand(open);
        for (revision, said) in [
            (8, "payment_methods of shop is at revision 8, and no line tells of it"),
            (3, "revision 3 of payment_methods of shop before it is missing"),
            (5, "revision 5 of payment_methods of shop before it is missing"),
        ] {
            project.by_hand(&format!(
                "CREATE TABLE kept AS SELECT * FROM history WHERE category = 'payment_methods' AND revision = {revision};
                 DELETE FROM history WHERE category = 'payment_methods' AND revision = {revision}"
            ));
            let export = project.run(&["audit", "export"]).expect(0).out;
            project.write("audit.jsonl", &export);
            let refused = project.run(&["audit", "verify", "audit.jsonl"]).expect(1);
            assert!(refused.err.contains(said), "{revision}: {}", refused.err);
            project.by_hand(&format!("{back} SELECT * FROM kept; DROP TABLE kept"));
        }
    }
}

/// On PostgreSQL the server refuses the writes of a session that only reads; here the file is compared, byte for byte.
#[test]
fn commands_that_read_write_nothing() {
    for project in each_kind() {
        let reading: [&[&str]; 9] = [
            &["validate"],
            &["plan"],
            &["drift"],
            &["show", "shop"],
            &["history"],
            &["history", "-o", "json"],
            &["revert", "shop", "--time", "2100-01-01T00:00:00Z"],
            &["audit", "export"],
            &["unlock"],
        ];
        for arguments in &reading[..4] {
            project.run(arguments).expect(0);
        }
        assert!(pairform::store::open_existing(&project.url).unwrap().is_none(), "no store was made");
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand(HAND);
        let state = |project: &Project| match project.url.strip_prefix("sqlite:") {
            Some(path) => {
                (std::fs::read(path).unwrap(), std::fs::read_dir(project.path("")).unwrap().count())
            }
            None => (format!("{:?}", project.store().records().unwrap()).into_bytes(), 0),
        };
        let before = state(&project);
        for arguments in reading {
            project.run(arguments).expect(0);
        }
        assert_eq!(state(&project), before);
    }
}

/// The history keeps for good what somebody left for a moment; it fails no more than what needs just that.
#[test]
fn an_edit_that_cannot_be_used_and_was_mended_is_told_and_stands_in_nobody_s_way() {
    for project in each_kind() {
        project.shop("other", "Other", "14");
        project.run(&["apply", "--yes"]).expect(0);
        let set = |settings: &str| {
            let row = "category = 'order' AND integration = 'shop'";
            project.by_hand(&format!("UPDATE category SET settings = '{settings}' WHERE {row}"));
        };
        set(r#"{"safety_stock":1e999}"#);
        let why =
            "what it left cannot be used: column `settings` cannot be read as JSON (number out of range";
        assert!(project.run(&["history"]).expect(0).out.contains(why));
        let refused = project.run(&["plan"]).expect(7);
        assert!(refused.err.contains("`order` of integration `shop`"), "{}", refused.err);
        project.run(&["plan", "--integration", "other"]).expect(0);
        set(r#"{"exclude_before":"2026-03-03"}"#);

        let history = project.run(&["history", "shop", "--category", "order"]).expect(0).out;
        assert!(history.contains(why) && history.contains(r#""2026-01-01" → "2026-03-03""#), "{history}");
        let told = project.run(&["history", "-o", "json"]).expect(0).json();
        assert_eq!(
            told["saves"].as_array().unwrap().iter().filter(|save| save["unusable"].is_string()).count(),
            1
        );
        let drift = project.run(&["drift"]).expect(0).out;
        assert!(drift.contains("2026-01-01 → 2026-03-03   outside pairform, at "), "{drift}");
        let to = |revision: &str| {
            project.run(&["revert", "shop", "--category", "order", "--revision", revision]).expect(0).out
        };
        assert!(to("1").contains("2026-03-03 → 2026-01-01"), "{}", to("1"));
        assert!(to("2").contains("`order` held what cannot be used"), "{}", to("2"));
        let export = project.run(&["audit", "export"]).expect(0).out;
        assert!(export.contains(r#""settings":"{\"safety_stock\":1e999}""#), "{export}");
        project.write("audit.jsonl", &export);
        project.run(&["audit", "verify", "audit.jsonl"]).expect(0);
    }
}

/// What a pull took is what the files say by now, and what it left is drift still.
#[test]
fn what_a_pull_left_has_drifted_still() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        let settings = r#"{"default_terms_of_payment":"14","map":{"Klarna":"14","Swish":"0"}}"#;
        project.by_hand(&format!(
            "UPDATE category SET settings = '{settings}' WHERE category = 'payment_methods'"
        ));
        // The files say something else of one of them by now, so that one is left.
        project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '10'");
        let pulled = project.run(&["pull", "--yes"]).expect(0);
        assert!(format!("{}{}", pulled.out, pulled.err).contains("methods.Klarna.terms"), "{}", pulled.out);
        let drift = project.run(&["drift", "--detailed-exitcode"]).expect(2).out;
        assert!(drift.contains("methods.Klarna.terms") && drift.contains("outside pairform"), "{drift}");
        assert!(!drift.contains("default_terms_of_payment"), "{drift}");
        // Once it is agreed too, nothing is left.
        project.run(&["apply", "--yes"]).expect(0);
        project.run(&["drift", "--detailed-exitcode"]).expect(0);
    }
}

/// Whose work an apply would replace, and when that was done, is told where it is decided.
#[test]
fn a_plan_names_who_changed_what_it_would_save_over() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        let save = |saved_by: &str, saved_at: &str, document: &str| {
            let mut store = project.store();
            let rows = store.read(None).unwrap();
            let row = rows.iter().find(|row| row.category == "payment_methods").unwrap();
            let run = format!("outside by {saved_by}");
            store.begin(&run, saved_at, saved_by, Origin::default()).unwrap();
            let saved = store
                .save(&Save {
                    integration: "shop",
                    category: "payment_methods",
                    expected_revision: row.revision,
                    settings: &from_json(&serde_json::from_str(document).unwrap()),
                    applied: &row.applied,
                    saved_by,
                    saved_at,
                    commit: None,
                    run: &run,
                    fence: None,
                    lease: None,
                })
                .unwrap();
            assert!(matches!(saved, Saved::Saved { .. }), "{saved:?}");
        };
        let methods = |klarna: &str, swish: &str| {
            format!(
                r#"{{"default_terms_of_payment":"30","methods":{{"Klarna":{{"terms":"{klarna}"}},"Swish":{{"terms":"{swish}"}}}}}}"#
            )
        };
        save("Karin", "2026-11-12T09:00:00Z", &methods("14", "0"));
        save("Johan", "2026-11-28T16:02:00Z", &methods("14", "10"));
        let said = |arguments: &[&str]| {
            let plan = project.run(&[&["plan", "-o", "json"], arguments].concat()).expect(0).json();
            let changes = plan["integrations"][0]["categories"].as_array().unwrap().iter();
            let changes = changes.flat_map(|category| category["changes"].as_array().unwrap().clone());
            changes
                .filter(|change| change["origin"] != "git")
                .map(|change| {
                    ["setting", "origin", "by", "since"].map(|key| change[key].as_str().unwrap().to_owned())
                })
                .collect::<Vec<_>>()
        };
        let both = [
            ["methods.Klarna.terms", "outside", "Karin", "2026-11-12T09:00:00Z"],
            ["methods.Swish.terms", "outside", "Johan", "2026-11-28T16:02:00Z"],
        ];
        assert_eq!(said(&[]), both);
        let told = project.run(&["plan", "-o", "html"]).expect(0).out;
        assert!(told.contains("<dd>14<small>Karin, 12 Nov 2026</small></dd>"), "{told}");
        let told = project.run(&["plan", "--by", "integration"]).expect(0).out;
        assert!(told.contains("drift: changed by Johan on 28 Nov 2026, last applied 0"), "{told}");
        // The plan is the same when it is planned again to be applied, under another name too.
        project.edit("integrations/shop.yaml", "Swish: '0'", "Swish: '5'");
        std::fs::rename(project.path("integrations/shop.yaml"), project.path("integrations/market.yaml"))
            .unwrap();
        project.edit(
            "integrations/market.yaml",
            "integration: shop",
            "integration: market\nrenamed_from: shop",
        );
        assert_eq!(said(&[])[1][..3], ["methods.Swish.terms", "both", "Johan"]);
        project.run(&["plan", "--out", "it.plan"]).expect(0);
        project.run(&["apply", "it.plan"]).expect(0);
        assert_eq!(said(&[]), Vec::<[String; 4]>::new());
    }
}
