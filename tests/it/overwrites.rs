//! What somebody changed outside on a live integration is saved over only as the project says: `safety.conflicts`, `safety.drift`.

use crate::place::{Project, each_kind};

/// A shop whose mode no file manages.
fn shop(project: &Project, terms: &str) {
    project.write("integrations/shop.yaml", &format!("integration: shop\npair: fortnox-shopify\nsettings:\n  general: {{name: Shop}}\n  payment_methods: {{default_terms_of_payment: '{terms}'}}\n"));
}

fn safety(project: &Project, safety: &str) {
    project.write("pairform.yaml", &format!("version: 1\n{safety}"));
}

fn by_hand(project: &Project, category: &str, settings: &str) {
    project.by_hand(&format!("UPDATE category SET settings = '{settings}' WHERE category = '{category}'"));
}

/// Applied, and then others were set by hand: 30, and 10 is deployed.
fn drifted(project: &Project, live: bool) {
    shop(project, "30");
    project.run(&["apply", "--yes"]).expect(0);
    by_hand(project, "general", &format!("{{\"name\":\"Shop\",\"live_mode\":{live}}}"));
    by_hand(project, "payment_methods", "{\"default_terms_of_payment\":\"10\"}");
}

const CONFLICT: &str = "this saves over 1 setting that changed both in the files and outside, in live mode (shop), and `safety.conflicts`";
const DRIFT: &str = "this saves over 1 setting that changed outside, in live mode (shop), and `safety.drift`";

#[test]
fn a_conflict_on_a_live_shop_is_no_matter_for_a_yes_that_nobody_read() {
    for project in each_kind() {
        drifted(&project, true);
        shop(&project, "14");
        let plan = project.run(&["plan"]).expect(0).out;
        assert!(plan.contains(&format!("note: {CONFLICT} asks for")), "{plan}");
        let refused = project.run(&["apply", "--yes"]).expect(5);
        assert!(refused.err.contains(CONFLICT) && refused.err.contains("pairform pull"), "{}", refused.err);
        // Nobody was asked for a name, so nobody refused.
        project.run(&["apply"]).expect(64);
        project.run(&["apply", "--yes", "--force", "conflicts: the shop agreed"]).expect(0);
        // A plan that was saved was read.
        by_hand(&project, "payment_methods", "{\"default_terms_of_payment\":\"10\"}");
        shop(&project, "7");
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        project.run(&["apply", "p.plan"]).expect(0);
        // What was changed outside alone is set back as ever.
        by_hand(&project, "payment_methods", "{\"default_terms_of_payment\":\"10\"}");
        project.run(&["apply", "--yes"]).expect(0);
    }
}

#[test]
fn each_may_be_allowed_asked_for_or_denied() {
    for (rule, conflict, drift) in [
        ("", "asks for", ""),
        ("safety: {conflicts: allow}\n", "", ""),
        ("safety: {conflicts: deny}\n", "denies that", ""),
        ("safety: {drift: ask}\n", "asks for", "asks for"),
        ("safety: {conflicts: ask, drift: deny}\n", "asks for", "denies that"),
    ] {
        for (terms, said, rule_said) in [("14", CONFLICT, conflict), ("30", DRIFT, drift)] {
            let project = Project::sqlite();
            safety(&project, rule);
            drifted(&project, true);
            shop(&project, terms);
            let code = if rule_said.is_empty() { 0 } else { 5 };
            project.run(&["plan", "--out", "p.plan"]).expect(0);
            let applied = project.run(&["apply", "--yes"]).expect(code);
            assert!(
                code == 0 || applied.err.contains(&format!("{said} {rule_said}")),
                "{rule}: {}",
                applied.err
            );
            if code == 5 {
                project.run(&["apply", "p.plan"]).expect(if rule_said == "denies that" { 5 } else { 0 });
            }
        }
    }
}

#[test]
fn no_change_lowers_the_rule_that_it_is_judged_by_and_onboarding_is_nobodys_shop() {
    let project = Project::sqlite();
    safety(&project, "safety: {drift: deny}\n");
    drifted(&project, true);
    safety(&project, "");
    let plan = project.run(&["plan"]).expect(0).out;
    assert!(plan.contains("safety.drift") && plan.contains("deny → allow"), "{plan}");
    project.run(&["apply", "--record-only", "--yes"]).expect(0);
    project.run(&["apply", "--yes"]).expect(0);
    for rule in ["safety: {conflicts: deny, drift: deny}\n", ""] {
        let project = Project::sqlite();
        safety(&project, rule);
        drifted(&project, false);
        shop(&project, "14");
        project.run(&["apply", "--yes"]).expect(0);
    }
    safety(&project, "safety: {conflicts: never}\n");
    let told = project.run(&["validate"]).expect(1);
    assert!(told.out.contains("this must be `ask`, `allow` or `deny`"), "{}", told.out);
}
