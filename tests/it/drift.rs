//! Drift, history, the way back, the record for auditors; and that reading writes nothing.

use serde_json::json;

use crate::place::{Project, each_kind};

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
            [("map.Klarna", "change", &json!("30"), &json!("14")), ("map.Qliro", "add", &null, &json!("5"))]
        );
        assert_eq!(
            (&changes[0]["by"], &changes[0]["origin"]),
            (&json!("outside pairform"), &json!("outside"))
        );
        assert!(changes[0]["since"].as_str().unwrap().ends_with('Z'));
        assert_eq!(changes[0]["path"], "integrations/shop.yaml");

        for (form, said) in [
            ("markdown", "2 settings changed outside the files, in 1 integration"),
            ("html", "drift: changed outside by outside pairform at "),
            ("junit", "2 settings changed outside"),
            ("gitlab", "plan-drift"),
            ("sarif", "plan-drift"),
        ] {
            let told = project.run(&["drift", "-o", form]).expect(0);
            assert!(told.out.contains(said) && !told.out.contains("next sync;"), "{form}: {}", told.out);
        }

        project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '10'");
        let both = project.run(&["drift", "-o", "json"]).expect(0);
        assert!(both.out.contains("\"both\""), "{}", both.out);
        // Taken into the files, it is none any more.
        project.edit("integrations/shop.yaml", "Klarna: '10'", "Klarna: '14', Qliro: '5'");
        project.run(&["drift", "--detailed-exitcode"]).expect(0);
    }
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
        assert!(text.contains("map.Klarna  \"30\" → \"14\""), "{text}");
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

        // It is a save like any other: no drift, and the files want their own again.
        project.run(&["drift", "--detailed-exitcode"]).expect(0);
        assert_eq!(project.pending(), ["payment_methods"]);
        let plan = project.run(&["plan", "-o", "json"]).expect(0).out;
        assert!(!plan.contains("\"outside\": 1") && !plan.contains("\"both\""), "{plan}");
        project.run(&["apply", "--yes"]).expect(0);
        assert!(project.pending().is_empty());
    }
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
        assert!(drift.contains(r#""2026-01-01" → "2026-03-03"   by outside pairform"#), "{drift}");
        let to = |revision: &str| {
            project.run(&["revert", "shop", "--category", "order", "--revision", revision]).expect(0).out
        };
        assert!(to("1").contains(r#""2026-03-03" → "2026-01-01""#), "{}", to("1"));
        assert!(to("2").contains("`order` held what cannot be used"), "{}", to("2"));
        let export = project.run(&["audit", "export"]).expect(0).out;
        assert!(export.contains(r#""settings":"{\"safety_stock\":1e999}""#), "{export}");
        project.write("audit.jsonl", &export);
        project.run(&["audit", "verify", "audit.jsonl"]).expect(0);
    }
}
