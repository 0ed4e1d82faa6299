//! A way back closes the loop: what was reverted in the store is held until the files say the same, and the files can be made
//! to say it, with their comments.

use crate::place::{Project, each_kind};

const HEAD: &str = "# The shop.\nintegration: shop\npair: fortnox-shopify\nflows: {orders: true}\n";

/// Terms that were good, and then bad, with an order that changed too.
fn shop(project: &Project, terms: &str, days: &str) {
    let settings = format!(
        "settings:\n  general: {{name: Shop}}\n  order: {{exclude_before: '2026-01-01', delivery_days: {days}}}\n  payment_methods:\n    # Agreed with finance.\n    default_terms_of_payment: '{terms}'  # days\n    map: {{Klarna: '{terms}'}}\n"
    );
    project.write("integrations/shop.yaml", &format!("{HEAD}{settings}"));
}

fn text(project: &Project) -> String {
    std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap()
}

/// 30, then 14 by mistake.
fn mistaken(project: &Project) {
    shop(project, "30", "3");
    project.run(&["apply", "--yes"]).expect(0);
    shop(project, "14", "3");
    project.run(&["apply", "--yes"]).expect(0);
}

const TO_FIRST: [&str; 6] = ["revert", "shop", "--category", "payment_methods", "--revision", "1"];

/// The mistake, and its way back, applied.
fn reverted(project: &Project, flags: &[&str]) {
    mistaken(project);
    project.run(&[&TO_FIRST[..], &["--out", "back.plan"], flags].concat()).expect(0);
    project.run(&["apply", "back.plan"]).expect(0);
}

fn base(project: &Project) -> serde_json::Value {
    let rows = project.store().read(None).unwrap();
    let row = rows.iter().find(|row| row.category == "payment_methods").unwrap();
    pairform::model::to_json(&row.applied)["default_terms_of_payment"].clone()
}

#[test]
fn what_was_reverted_is_held_until_the_files_say_the_same() {
    for project in each_kind() {
        reverted(&project, &[]);
        assert_eq!(base(&project), "14", "the files say it still");
        let history = project.run(&["history", "--limit", "1"]).expect(0).out;
        assert!(
            history.contains("hold: shop until ") && history.contains(": reverted to revision 1"),
            "{history}"
        );
        // A change of something else is applied, and this is told in every plan.
        shop(&project, "14", "4");
        let plan = project.run(&["plan", "-o", "json"]).expect(0).json();
        assert_eq!(plan["refusals"][0]["check"], "hold", "{plan:#}");
        let categories = plan["integrations"][0]["categories"].as_array().unwrap();
        let held: Vec<_> = categories.iter().filter(|one| one["held"].is_object()).collect();
        assert_eq!(held.len(), 1);
        assert_eq!(
            (&held[0]["category"], &held[0]["held"]["by"]),
            (&"payment_methods".into(), &"ann".into())
        );
        let markdown = project.run(&["plan", "-o", "markdown"]).expect(0).out;
        assert!(markdown.contains("is on hold until"), "{markdown}");
        let refused = project.run(&["apply", "--yes"]).expect(5);
        assert!(
            refused.err.contains("--exclude") && refused.err.contains("revert --write"),
            "{}",
            refused.err
        );
        project.run(&["apply", "--yes", "--category", "order"]).expect(0);
        // Whatever somebody does by hand meanwhile.
        project.by_hand("UPDATE category SET settings = '{\"default_terms_of_payment\":\"10\"}' WHERE category = 'payment_methods'");
        project.run(&["apply", "--yes"]).expect(5);
        // Another way back is none of the files.
        project.run(&[&TO_FIRST[..], &["--out", "again.plan"]].concat()).expect(0);
        project.run(&["apply", "again.plan"]).expect(0);
        // The files take it in; then an apply notes that, and the hold is over.
        let pulled = project.run(&["pull", "--yes"]).expect(0);
        assert!(pulled.err.contains("2 settings taken into 1 file."), "{}", pulled.err);
        assert!(
            text(&project)
                .contains("    # Agreed with finance.\n    default_terms_of_payment: '30'  # days\n")
        );
        project.run(&["plan", "--detailed-exitcode"]).expect(0);
        project.run(&["apply", "--yes"]).expect(0);
        assert_eq!(base(&project), "30");
        shop(&project, "14", "4");
        let plan = project.run(&["plan", "-o", "json"]).expect(0).json();
        assert_eq!(plan["refusals"], serde_json::json!([]));
        project.run(&["apply", "--yes"]).expect(0);
    }
}

#[test]
fn a_hold_follows_an_integration_to_its_new_name_and_is_not_for_others() {
    for project in each_kind() {
        project.shop("other", "Other", "30");
        reverted(&project, &[]);
        project.shop("other", "Other", "14");
        project.run(&["apply", "--yes"]).expect(5);
        project.run(&["apply", "--yes", "--exclude", "shop"]).expect(0);
        project.edit("integrations/shop.yaml", "integration: shop", "integration: store\nrenamed_from: shop");
        std::fs::rename(project.path("integrations/shop.yaml"), project.path("integrations/store.yaml"))
            .unwrap();
        let refused = project.run(&["apply", "--yes"]).expect(5);
        assert!(refused.err.contains("payment_methods of store is on hold"), "{}", refused.err);
        project.run(&["apply", "--yes", "--category", "general"]).expect(0);
        project.run(&["apply", "--yes"]).expect(5);
        project.by_hand("DELETE FROM category WHERE category = 'payment_methods'");
        project.run(&["apply", "--yes"]).expect(5);
    }
}

/// Whatever a file says can be written otherwise, so that no new name goes by a hold that left the files.
#[test]
fn a_hold_that_left_the_files_refuses_new_names_until_it_is_released() {
    for project in each_kind() {
        reverted(&project, &[]);
        let text = text(&project).replace("integration: shop", "integration: store");
        project.write("integrations/store.yaml", &text);
        std::fs::remove_file(project.path("integrations/shop.yaml")).unwrap();
        for more in [&[][..], &["--integration", "store"], &["--category", "payment_methods"]] {
            let refused = project.run(&[&["apply", "--yes"], more].concat()).expect(5);
            let said = "store is new, and shop, which is on hold (reverted to revision 1";
            assert!(refused.err.contains(said), "{more:?}: {}", refused.err);
            assert!(refused.err.contains("`renamed_from: shop`"), "{}", refused.err);
        }
        let plan = project.run(&["plan", "-o", "json"]).expect(0).json();
        assert_eq!(plan["refusals"][0]["check"], "hold", "{plan:#}");
        // A plan file says no more than that.
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        project.run(&["apply", "p.plan"]).expect(5);
        project.run(&["release", "shop", "--reason", "the shop is another one now"]).expect(0);
        project.run(&["apply", "--yes"]).expect(0);
    }
}

#[test]
fn a_hold_of_the_rules_refuses_new_names_when_its_shop_left_the_files() {
    let project = Project::sqlite();
    mistaken(&project);
    project.write("pairform.yaml", "version: 1\nsafety: {holds: {shop: the auditors are here}}\n");
    project.run(&["apply", "--yes"]).expect(0);
    // The change that takes the hold out gives the shop another name.
    project.write("pairform.yaml", "version: 1\n");
    let text = text(&project).replace("integration: shop", "integration: store");
    project.write("integrations/store.yaml", &text);
    std::fs::remove_file(project.path("integrations/shop.yaml")).unwrap();
    let refused = project.run(&["apply", "--yes"]).expect(5);
    assert!(refused.err.contains("shop, which is on hold (the auditors are here)"), "{}", refused.err);
    project.run(&["apply", "--yes", "--force", "hold: another shop"]).expect(0);
}

#[test]
fn a_hold_has_an_end_and_may_be_left_out() {
    let project = Project::sqlite();
    reverted(&project, &["--hold", "0d"]);
    assert!(project.store().notes().unwrap().iter().all(|note| note.kind != "hold"));
    project.run(&["apply", "--yes"]).expect(0);
    // One that has come to its end holds nothing.
    let project = Project::sqlite();
    reverted(&project, &["--hold", "1ms"]);
    let notes = project.store().notes().unwrap();
    assert!(notes.iter().any(|note| note.kind == "hold"), "{notes:?}");
    project.run(&["apply", "--yes"]).expect(0);
    assert_eq!(base(&project), "14");
}

#[test]
fn a_way_back_is_written_into_the_files_with_their_comments() {
    for project in each_kind() {
        mistaken(&project);
        let before = (project.store().read(None).unwrap(), text(&project));
        let shown = project.run(&[&TO_FIRST[..], &["--write"]].concat()).expect(5);
        assert!(shown.out.contains("+    default_terms_of_payment: '30'  # days"), "{}", shown.out);
        assert_eq!(text(&project), before.1, "nobody could be asked");
        let written = project.run(&[&TO_FIRST[..], &["--write", "--yes"]].concat()).expect(0);
        assert!(written.err.contains("2 settings put back into 1 file."), "{}", written.err);
        assert_eq!(text(&project), before.1.replace("'14'", "'30'"));
        assert_eq!(project.store().read(None).unwrap(), before.0, "the store is told nothing");
        // It is a change of the files like any other.
        assert_eq!(project.pending(), ["payment_methods"]);
        project.run(&["apply", "--yes"]).expect(0);
        assert_eq!(base(&project), "30");
        let again = project.run(&[&TO_FIRST[..], &["--write", "--yes"]].concat()).expect(0);
        assert!(again.err.contains("Nothing to revert."), "{}", again.err);
        project.run(&[&TO_FIRST[..], &["--write", "--rev", "HEAD"]].concat()).expect(64);
    }
}

/// What the store went back to already comes into the files all the same, and ends its hold.
#[test]
fn files_follow_a_store_that_went_back() {
    let project = Project::sqlite();
    reverted(&project, &[]);
    project.run(&[&TO_FIRST[..], &["--write", "--yes"]].concat()).expect(0);
    project.run(&["plan", "--detailed-exitcode"]).expect(0);
    project.run(&["apply", "--yes"]).expect(0);
    assert_eq!(base(&project), "30");
}

/// What was not set then is taken out of the files, and what is unmanaged is left.
#[test]
fn what_was_not_set_then_leaves_the_files_and_what_is_unmanaged_stays() {
    let project = Project::sqlite();
    mistaken(&project);
    project.edit("integrations/shop.yaml", "map: {Klarna: '14'}", "map: {Klarna: '14', Swish: '0'}");
    project.run(&["apply", "--yes"]).expect(0);
    project.run(&[&TO_FIRST[..], &["--write", "--yes"]].concat()).expect(0);
    assert!(text(&project).contains("map: {Klarna: '30'}\n"), "{}", text(&project));
    project.run(&["apply", "--yes"]).expect(0);
    project.by_hand("UPDATE category SET settings = '{\"delivery_days\":9}' WHERE category = 'order'");
    project.edit("integrations/shop.yaml", "flows: ", "unmanaged: [order]\nflows: ");
    project.edit("integrations/shop.yaml", "  order: {exclude_before: '2026-01-01', delivery_days: 3}\n", "");
    let left = project
        .run(&["revert", "shop", "--category", "order", "--revision", "1", "--write", "--yes"])
        .expect(0);
    assert!(left.err.contains("left  shop order: it is listed as unmanaged"), "{}", left.err);
}

/// Whatever a pull writes, the store knows nothing of it: thrown away it leaves drift what it is, and kept it is agreed by the next apply.
#[test]
fn a_pull_tells_no_store_anything() {
    for project in each_kind() {
        shop(&project, "30", "3");
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand("UPDATE category SET settings = '{\"default_terms_of_payment\":\"10\",\"map\":{\"Klarna\":\"30\"}}' WHERE category = 'payment_methods'");
        let known = |project: &Project| {
            let mut store = project.store();
            format!("{:?} {:?}", store.read(None).unwrap(), store.notes().unwrap())
        };
        let before = known(&project);
        project.run(&["pull", "--yes"]).expect(0);
        assert_eq!(known(&project), before, "{}", project.url);
        let pulled = text(&project);
        assert!(pulled.contains("default_terms_of_payment: '10'  # days"), "{pulled}");
        shop(&project, "30", "3");
        let origin = |project: &Project| {
            let plan = project.run(&["plan", "-o", "json"]).expect(0).json();
            plan["groups"][0]["origin"].clone()
        };
        assert_eq!(origin(&project), "outside");
        project.write("integrations/shop.yaml", &pulled);
        assert_eq!(origin(&project), serde_json::Value::Null);
        project.run(&["plan", "--detailed-exitcode"]).expect(0);
        let applied = project.run(&["apply", "--yes", "-o", "json"]).expect(0).json();
        assert_eq!((&applied["agreed"], &applied["summary"]["saved"]), (&1.into(), &0.into()), "{applied:#}");
        assert_eq!(base(&project), "10");
    }
}

/// A rotation is applied by a pipeline that looks at the exit code: what is not at hand may be another value by now.
#[test]
fn a_secret_that_is_not_at_hand_is_pending() {
    for project in each_kind() {
        project.write("integrations/shop.yaml", "integration: shop\npair: fortnox-shopify\nflows: {orders: true}\nconnectors:\n  shopify:\n    active: main\n    connections:\n      main: {shop: shop, access_token: {secret: env/SHOP_TOKEN}}\n");
        let run = |value: Option<&str>, arguments: &[&str]| {
            let mut command = project.command(arguments);
            match value {
                Some(value) => command.env("SHOP_TOKEN", value),
                None => command.env_remove("SHOP_TOKEN"),
            };
            command.output().unwrap().status.code()
        };
        let plan = ["plan", "--detailed-exitcode"];
        assert_eq!(run(Some("first-token"), &["apply", "--yes"]), Some(0), "{}", project.url);
        assert_eq!(run(Some("first-token"), &plan), Some(0));
        assert_eq!(run(Some("other-token"), &plan), Some(2));
        assert_eq!(run(None, &plan), Some(2));
        assert_eq!(run(None, &[&plan[..], &["--assume-secrets"]].concat()), Some(0));
    }
}
