//! What judges is deployed too: the rules that an apply recorded judge what is planned and applied next, beside the files. Walks
//! with the real program in repositories with commits.

use std::collections::BTreeMap;

use crate::revisions::git;
use crate::run::{Project, Run, closed_window};
use crate::server;

/// A repository with one shop, and a store that its rules are recorded in.
struct Walk {
    project: Project,
    store: String,
    rules: String,
}

const NO_RULES: &str = "safety: {}\n";

impl Walk {
    /// One commit with these rules, applied.
    fn begun(store: &str, rules: &str) -> Walk {
        let mut walk = Walk { project: Project::empty(), store: store.to_owned(), rules: String::new() };
        git(walk.project.path(), &["init", "-q", "-b", "main"]);
        walk.project.write(".gitignore", "state*\n*.plan\n.pairform/\n.pgpass\n");
        walk.project.write(".pgpass", format!("127.0.0.1:*:*:*:{}\n", server::PASSWORD));
        walk.shop("30", "Shop");
        walk.rules(rules);
        walk.commit("Begin");
        walk.apply(&[]).assert_code(0);
        walk
    }

    fn shop(&self, terms: &str, name: &str) {
        self.project.write(
            "integrations/shop.yaml",
            format!(
                "integration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  general: {{name: {name}}}\n  payment_methods:\n    default_terms_of_payment: \"{terms}\"\n    map: {{Klarna: \"{terms}\", Swish: \"{terms}\"}}\n"
            ),
        );
    }

    /// The rules that the files say from now on.
    fn rules(&mut self, rules: &str) {
        self.rules = rules.to_owned();
        // Its password is in the password file.
        let store = self.store.replace(&format!(":{}@", server::PASSWORD), "@");
        // What an environment is asked for begins with two spaces.
        let (of_environment, of_project): (Vec<&str>, Vec<&str>) =
            rules.lines().partition(|line| line.starts_with("  "));
        let environment = of_environment.concat();
        self.project.write(
            "pairform.yaml",
            format!(
                "version: 1\nenvironments:\n  production: {{store: \"{store}\"{environment}}}\n{}\n",
                of_project.join("\n")
            ),
        );
    }

    fn commit(&self, message: &str) -> String {
        git(self.project.path(), &["add", "-A"]);
        git(self.project.path(), &["commit", "-q", "--allow-empty", "-m", message]);
        git(self.project.path(), &["rev-parse", "HEAD"]).trim().to_owned()
    }

    fn apply(&self, more: &[&str]) -> Run {
        self.project.run(&[&["apply", "--yes"], more].concat())
    }

    /// Which check refuses, as a plan says it, and whether only the recorded rules do.
    fn refusals(&self) -> BTreeMap<String, bool> {
        let plan = self.project.run(&["plan", "-o", "json"]);
        let plan = plan.assert_code(0).json();
        let refusals = plan["refusals"].as_array().unwrap().iter();
        refusals.map(|one| (one["check"].as_str().unwrap().to_owned(), one["recorded"] == true)).collect()
    }

    /// The changes of the rules that a plan tells: direction and item.
    fn changes(&self) -> Vec<String> {
        let plan = self.project.run(&["plan", "-o", "json"]);
        let plan = plan.assert_code(0).json();
        let changes = plan["policy_changes"].as_array().cloned().unwrap_or_default();
        changes
            .iter()
            .map(|one| format!("{} {}", one["direction"].as_str().unwrap(), one["item"].as_str().unwrap()))
            .collect()
    }

    /// How often rules were recorded.
    fn recorded(&self) -> usize {
        let mut store = pairform::store::open_existing(&*self.url()).unwrap().unwrap();
        store.rules().unwrap().len()
    }

    fn url(&self) -> String {
        match self.store.strip_prefix("sqlite:") {
            Some(path) => format!("sqlite:{}", self.project.at(path).display()),
            None => self.store.clone(),
        }
    }
}

/// A store of each kind.
#[track_caller]
fn each_kind() -> Vec<String> {
    std::iter::once("sqlite:state.db".to_owned())
        .chain(server::shared().map(|server| server.fresh_url()))
        .collect()
}

#[test]
fn an_owner_who_relaxes_a_limit_applies_once_and_the_next_apply_uses_it() {
    for store in each_kind() {
        let mut walk = Walk::begun(&store, "safety: {max_changed: 10%}");
        assert!(walk.refusals().is_empty() && walk.changes().is_empty());
        walk.rules("safety: {max_changed: 100%}");
        walk.commit("Relax the limit");
        assert_eq!(walk.changes(), ["weaker safety.max_changed"]);
        let applied = walk.apply(&[]);
        let said = &applied.assert_code(0).stdout;
        assert!(said.contains("weaker    safety.max_changed  10% → 100%"), "{said}");
        assert!(said.contains("The rules that the files say were recorded."), "{said}");
        assert!(walk.changes().is_empty());
        walk.shop("14", "Shop");
        walk.commit("Shorter terms");
        assert!(walk.refusals().is_empty());
        walk.apply(&[]).assert_code(0);
        assert_eq!(walk.recorded(), 2);
    }
}

#[test]
fn a_change_does_not_lower_the_rules_that_it_is_judged_by() {
    for store in each_kind() {
        let mut walk = Walk::begun(&store, NO_RULES);
        walk.rules("safety: {max_changed: 10%, protected: [payment_methods.map]}");
        walk.commit("Rules");
        walk.apply(&[]).assert_code(0);
        let first = git(walk.project.path(), &["rev-parse", "HEAD"]);
        walk.rules(NO_RULES);
        walk.shop("14", "Shop");
        walk.commit("Shorter terms, by the way without a limit");
        let both = BTreeMap::from([("max_changed".to_owned(), true), ("protected".to_owned(), true)]);
        assert_eq!(walk.refusals(), both);
        assert_eq!(walk.changes(), ["weaker safety.max_changed", "weaker safety.protected"]);
        // However often, and by a filter, and from a plan.
        for _ in 0..2 {
            let refused = walk.apply(&[]);
            let said = &refused.assert_code(5).stderr;
            let who = format!("by the rules of the last apply (commit {}, ", &first[..10]);
            assert!(said.contains(&who) && said.contains(", by tester), which still count"), "{said}");
            assert!(said.contains("`pairform apply --record-only` takes them at once"), "{said}");
        }
        walk.apply(&["--category", "payment_methods"]).assert_code(5);
        walk.project.run(&["plan", "--out", "p.plan"]).assert_code(0);
        walk.project.run(&["apply", "p.plan"]).assert_code(5);
        assert_eq!(walk.recorded(), 2, "what is refused records nothing");
        // Lifted once, with a reason that is kept.
        let (one, other) = ("max_changed: agreed with Klarna", "protected: agreed with Klarna");
        walk.apply(&["--force", one]).assert_code(5);
        walk.apply(&["--force", one, "--force", other]).assert_code(0);
        let history = walk.project.run(&["history", "shop"]).stdout;
        assert!(history.contains("force: max_changed: agreed with Klarna ("), "{history}");
        assert_eq!(walk.recorded(), 3);
        // The same commit again is judged as it was.
        walk.shop("10", "Shop");
        assert_eq!(walk.refusals(), BTreeMap::new(), "a tree with changes is another one than its commit");
        git(walk.project.path(), &["checkout", "-q", "."]);
        edit_by_hand(&walk);
        assert_eq!(walk.refusals(), both);
        walk.apply(&[]).assert_code(5);
        walk.commit("Nothing");
        assert_eq!(walk.refusals(), BTreeMap::new(), "the first apply of another commit uses it");
        walk.apply(&[]).assert_code(0);
    }
}

#[test]
fn a_tree_with_changes_does_not_lower_its_rules_by_parts() {
    for store in each_kind() {
        let mut walk = Walk::begun(&store, NO_RULES);
        walk.rules("safety: {protected: [payment_methods.map]}");
        walk.commit("Rules");
        walk.apply(&[]).assert_code(0);
        walk.rules(NO_RULES);
        walk.shop("14", "Shop");
        for _ in 0..2 {
            walk.apply(&["--category", "general"]).assert_code(0);
            assert_eq!(walk.refusals(), BTreeMap::from([("protected".to_owned(), true)]));
            walk.apply(&[]).assert_code(5);
        }
    }
}

/// Somebody sets other terms in the store.
fn edit_by_hand(walk: &Walk) {
    let mut store = pairform::store::open(&*walk.url()).unwrap();
    let row = store.read(None).unwrap().into_iter().find(|row| row.category == "payment_methods").unwrap();
    let text = pairform::model::to_json(&row.settings).to_string().replace("\"14\"", "\"20\"");
    let settings = pairform::model::from_json(&serde_json::from_str(&text).unwrap());
    store.begin("by hand", "2026-12-01T09:30:00Z", "bo", pairform::store::Origin::default()).unwrap();
    let save = pairform::store::Save {
        integration: "shop",
        category: "payment_methods",
        expected_revision: row.revision,
        settings: &settings,
        applied: &row.applied,
        saved_by: "bo",
        saved_at: "2026-12-01T09:30:00Z",
        commit: None,
        run: "by hand",
        fence: None,
        lease: None,
    };
    assert!(matches!(store.save(&save).unwrap(), pairform::store::Saved::Saved { .. }));
}

#[test]
fn each_rule_that_the_files_dropped_still_refuses_and_is_told_as_weaker() {
    for (rule, without, check, item) in [
        ("safety: {max_changed: 10%}", NO_RULES, "max_changed", "safety.max_changed"),
        ("safety: {max_changed: 10%}", "safety: {max_changed: 90%}", "max_changed", "safety.max_changed"),
        ("safety: {max_categories: 0%}", NO_RULES, "max_categories", "safety.max_categories"),
        (
            "safety: {pairs: {fortnox-shopify: {max_changed: 10%}}}",
            "safety: {pairs: {fortnox-shopify: {max_changed: 10%, minimum: 50}}}",
            "max_changed",
            "safety.pairs.fortnox-shopify.max_changed",
        ),
        (
            "safety: {categories: {payment_methods: {max_changed: 10%}}}",
            NO_RULES,
            "max_changed",
            "safety.categories.payment_methods.max_changed",
        ),
        ("safety: {protected: [payment_methods]}", NO_RULES, "protected", "safety.protected"),
        ("safety: {holds: {shop: audit}}", NO_RULES, "hold", "safety.holds.shop"),
    ] {
        let mut walk = Walk::begun("sqlite:state.db", NO_RULES);
        walk.rules(rule);
        walk.commit("A rule");
        walk.apply(&[]).assert_code(0);
        walk.rules(without);
        walk.shop("14", "Shop");
        walk.commit("Without it");
        assert_eq!(walk.refusals(), BTreeMap::from([(check.to_owned(), true)]), "{rule}");
        assert_eq!(walk.changes(), [format!("weaker {item}")], "{rule}");
        walk.apply(&[]).assert_code(5);
        walk.apply(&["--force", &format!("{check}: agreed")]).assert_code(0);
        assert!(walk.changes().is_empty());
    }
}

#[test]
fn a_window_a_clean_tree_and_leave_for_live_shops_are_asked_for_by_the_last_apply_too() {
    let closed = format!("  , window: {}\n", closed_window());
    for (rule, check, item) in [
        (&*closed, "window", "environments.production.window"),
        ("  , require_clean: true\n", "require_clean", "environments.production.require_clean"),
    ] {
        let mut walk = Walk::begun("sqlite:state.db", NO_RULES);
        walk.rules(rule);
        walk.commit("A rule");
        walk.apply(&[]).assert_code(0);
        walk.rules(NO_RULES);
        walk.shop("14", "Shop");
        let clean = check != "require_clean";
        if clean {
            walk.commit("Without it");
        }
        assert_eq!(walk.changes(), [format!("weaker {item}")], "{check}");
        let refused = walk.apply(&[]);
        assert!(refused.assert_code(5).stderr.contains("which still count"), "{}", refused.stderr);
        assert!(refused.stderr.contains(&format!("--force \"{check}: REASON\"")), "{}", refused.stderr);
        walk.apply(&["--force", &format!("{check}: agreed")]).assert_code(0);
    }
    let mut walk = Walk::begun("sqlite:state.db", "safety: {live: require-leave}");
    walk.rules(NO_RULES);
    walk.project.write(
        "integrations/live.yaml",
        "integration: live\npair: fortnox-shopify\nunmanaged: [connectors, article, stock, order, customer, invoice, order_lines, shipping_methods, payment_methods, sales_accounts]\nsettings:\n  general: {name: Live, onboarding_mode: false, live_mode: true}\n",
    );
    walk.commit("A live shop");
    let refused = walk.apply(&[]);
    assert!(
        refused.assert_code(5).stderr.contains("in live mode: live, by the rules of"),
        "{}",
        refused.stderr
    );
    walk.apply(&["--allow-live"]).assert_code(0);
}

#[test]
fn a_level_that_was_lowered_is_a_refusal_and_no_error() {
    let mut walk = Walk::begun("sqlite:state.db", NO_RULES);
    // An empty base that nobody extends is warned of.
    walk.project.write("bases/nobody.yaml", "settings: {}\n");
    walk.shop("14", "Shop");
    walk.commit("A base for nobody");
    let found = walk.project.run(&["validate", "-o", "json"]).json();
    let found = found["findings"].as_array().unwrap().iter().find(|one| one["path"] == "bases/nobody.yaml");
    let code = found.unwrap()["code"].as_str().unwrap().to_owned();
    let (deny, allow) = (format!("levels: {{{code}: deny}}"), format!("levels: {{{code}: allow}}"));
    git(walk.project.path(), &["rm", "-q", "bases/nobody.yaml"]);
    walk.rules(&deny);
    walk.commit("A rule");
    walk.apply(&[]).assert_code(0);
    git(walk.project.path(), &["checkout", "-q", "HEAD~1", "--", "bases/nobody.yaml"]);
    walk.shop("10", "Shop");
    walk.rules(&allow);
    walk.commit("Without it");
    walk.project.run(&["validate"]).assert_code(0);
    assert_eq!(walk.refusals(), BTreeMap::from([("levels".to_owned(), true)]));
    let plan = walk.project.run(&["plan"]);
    assert!(
        plan.stdout.contains("makes that an error, by the rules of the last apply (commit "),
        "{}",
        plan.stdout
    );
    let refused = walk.apply(&[]);
    assert!(refused.assert_code(5).stderr.contains(&format!("{code} was found")), "{}", refused.stderr);
    walk.apply(&["--force", "levels: nobody needs it"]).assert_code(0);
    walk.shop("20", "Shop");
    walk.commit("Longer terms");
    walk.apply(&[]).assert_code(0);
}

#[test]
fn without_git_the_next_apply_uses_what_the_last_one_recorded() {
    let project = Project::empty();
    let shop = |terms: &str| {
        project.write(
            "integrations/shop.yaml",
            format!("integration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings:\n  payment_methods: {{default_terms_of_payment: \"{terms}\"}}\n"),
        );
    };
    shop("30");
    project.write("pairform.yaml", "version: 1\nsafety: {max_changed: 10%}\n");
    project.run(&["apply", "--yes"]).assert_code(0);
    project.write("pairform.yaml", "version: 1\n");
    shop("14");
    project.run(&["apply", "--yes"]).assert_code(5);
    shop("30");
    project.run(&["apply", "--yes"]).assert_code(0);
    shop("14");
    project.run(&["apply", "--yes"]).assert_code(0);
}

#[test]
fn the_rules_alone_are_recorded_when_somebody_asks_for_it() {
    for store in each_kind() {
        let mut walk = Walk::begun(&store, "safety: {max_changed: 10%}");
        walk.rules(NO_RULES);
        walk.shop("14", "Shop");
        // Not from a tree of which nobody knows where it comes from, where the files themselves ask for a commit.
        walk.rules("  , require_clean: true\n");
        walk.project.run(&["apply", "--record-only", "--yes"]).assert_code(5);
        walk.rules(NO_RULES);
        walk.commit("Shorter terms, without a limit");
        walk.apply(&[]).assert_code(5);
        walk.project.run(&["apply", "--record-only"]).assert_code(64);
        walk.project.run_asked(&["apply", "--record-only"], "yes\n").assert_code(64);
        let recorded = walk.project.run(&["apply", "--record-only", "--yes"]);
        let said = &recorded.assert_code(0).stdout;
        assert!(said.contains("weaker    safety.max_changed  10% taken away"), "{said}");
        assert!(said.contains("The rules that the files say were recorded, and count at once."), "{said}");
        assert!(!said.contains("payment_methods"), "{said}");
        let plan = walk.project.run(&["plan", "-o", "json"]).json();
        assert_eq!(plan["summary"]["categories"]["update"], 1, "no setting was saved");
        // They count for this very commit.
        walk.apply(&[]).assert_code(0);
        let again = walk.project.run(&["apply", "--record-only", "--yes", "-o", "json"]);
        assert_eq!(again.assert_code(0).json()["rules_recorded"], false);
    }
    // No variable lifts anything.
    let walk = Walk::begun("sqlite:state.db", NO_RULES);
    let set = [("PAIRFORM_RECORD_ONLY", "1")];
    walk.shop("14", "Shop");
    let applied = walk.project.run_with(&["apply", "--yes"], &set);
    assert!(applied.assert_code(0).stdout.contains("1 category saved"), "{}", applied.stdout);
    for more in [&["p.plan"][..], &["--force", "hold: x"], &["--allow-live"]] {
        walk.project.run(&[&["apply", "--record-only"], more].concat()).assert_code(64);
    }
}

#[test]
fn another_name_of_the_environment_is_no_way_out_of_its_rules() {
    let mut walk = Walk::begun("sqlite:state.db", "safety: {max_changed: 10%}");
    walk.rules(NO_RULES);
    walk.shop("14", "Shop");
    walk.project.edit("pairform.yaml", "production:", "elsewhere:");
    walk.commit("Another name");
    assert_eq!(walk.refusals(), BTreeMap::from([("max_changed".to_owned(), true)]));
    walk.apply(&[]).assert_code(5);
    // Nor is none at all.
    walk.project.write("pairform.yaml", "version: 1\n");
    walk.commit("No environment");
    walk.project.run(&["apply", "--yes", "--store", "sqlite:state.db"]).assert_code(5);
}

#[test]
fn an_apply_of_a_part_records_the_rules_of_the_whole() {
    let mut walk = Walk::begun("sqlite:state.db", NO_RULES);
    let other = "integration: other\npair: fortnox-shopify\nunmanaged: [connectors]\nlevels: {W0417: deny}\nsettings:\n  general: {name: Other}\n";
    walk.project.write("integrations/other.yaml", other);
    walk.rules("safety: {max_changed: 10%}");
    walk.shop("30", "Market");
    walk.commit("Another shop, and a limit");
    walk.apply(&["--integration", "shop", "--category", "payment_methods"]).assert_code(0);
    let mut store = pairform::store::open_existing(&*walk.url()).unwrap().unwrap();
    let rules = store.rules().unwrap();
    let last: serde_json::Value = serde_json::from_str(&rules.last().unwrap().document).unwrap();
    assert_eq!(last["policy"]["own_levels"]["other"]["W0417"], "deny");
    assert_eq!(last["policy"]["limits"]["max_changed"][0]["percent"], 10);
    assert_eq!(rules.len(), 2);
}

#[test]
fn a_store_of_an_older_layout_begins_with_the_rules_of_the_files() {
    let mut walk = Walk::begun("sqlite:state.db", "safety: {max_changed: 10%}");
    let shell = rusqlite::Connection::open(walk.project.at("state.db")).unwrap();
    shell.execute_batch(crate::place::WITHOUT_SECTION[0]).unwrap();
    shell
        .execute_batch(
            "DROP TABLE rules; DROP TABLE document; DROP TABLE said; DROP TABLE source; DELETE FROM migration WHERE number >= 6;",
        )
        .unwrap();
    drop(shell);
    walk.rules(NO_RULES);
    walk.shop("14", "Shop");
    walk.commit("No limit any more");
    assert!(walk.refusals().is_empty() && walk.changes().is_empty());
    walk.project.run(&["history"]).assert_code(0);
    walk.project.run(&["audit", "export"]).assert_code(0);
    walk.apply(&[]).assert_code(0);
    assert_eq!(walk.recorded(), 1);
}

#[test]
fn rules_that_cannot_be_used_stop_and_are_never_passed_by() {
    for (change, why) in [
        (
            "DROP TRIGGER rules_are_not_changed; UPDATE rules SET document = '{}'",
            "they were changed after that",
        ),
        (
            "INSERT INTO rules (environment, digest, document, recorded_by, recorded_at) SELECT environment, 'sha256:4b0fd8e8ee8f3dcd60e9dd0dd3fb3dd7f1f4ee2dd7a5ca7e8fc2c5a8c7a4e3e0', '{\"policy\":{},\"version\":99}', 'x', 'y' FROM rules",
            "as their digest shows",
        ),
    ] {
        let walk = Walk::begun("sqlite:state.db", NO_RULES);
        rusqlite::Connection::open(walk.project.at("state.db")).unwrap().execute_batch(change).unwrap();
        for command in [&["plan"][..], &["apply", "--yes"]] {
            let stopped = walk.project.run(command);
            assert!(stopped.assert_code(7).stderr.contains(why), "{}", stopped.stderr);
        }
    }
}

/// What is recorded of the one shop: the row, and its settings with their places.
fn said(walk: &Walk, integration: &str) -> Option<(pairform::store::Said, serde_json::Value)> {
    let mut store = pairform::store::open_existing(&*walk.url()).unwrap().unwrap();
    let said = store.said(Some(&[integration.to_owned()])).unwrap().pop()?;
    let settings = store.document(&said.settings).unwrap().unwrap();
    let schema: serde_json::Value =
        serde_json::from_str(&store.document(&said.schema).unwrap().unwrap()).unwrap();
    assert!(schema["properties"]["settings"]["properties"]["payment_methods"].is_object());
    Some((said, serde_json::from_str(&settings).unwrap()))
}

#[test]
fn an_apply_records_what_the_files_say_of_each_setting_and_where() {
    for store in each_kind() {
        let walk = Walk::begun(&store, NO_RULES);
        let (first, settings) = said(&walk, "shop").unwrap();
        assert_eq!((first.pair.as_str(), first.environment.as_str()), ("fortnox-shopify", "production"));
        let facts: serde_json::Value = serde_json::from_str(&first.facts).unwrap();
        assert_eq!(facts["unmanaged"], serde_json::json!(["connectors"]));
        let terms = &settings["payment_methods"];
        assert_eq!(terms["settings"]["methods"]["Klarna"]["terms"], "30");
        assert_eq!(terms["places"]["methods.Klarna.terms"], "integrations/shop.yaml:8");
        // Nothing is written twice.
        walk.commit("Nothing");
        walk.apply(&[]).assert_code(0);
        assert_eq!(said(&walk, "shop").unwrap().0, first);
        // Of what a filter leaves out, what was recorded stands; and what was held back is recorded all the same.
        walk.shop("14", "Market");
        walk.project.edit("integrations/shop.yaml", "[connectors]", "[connectors, stock]");
        walk.commit("Other terms, another name");
        walk.apply(&["--category", "general"]).assert_code(0);
        let (second, settings) = said(&walk, "shop").unwrap();
        assert_eq!(settings["general"]["settings"]["name"], "Market");
        assert_eq!(settings["payment_methods"]["settings"]["methods"]["Klarna"]["terms"], "30");
        assert!(second.facts.contains("stock") && second.commit != first.commit);
        walk.apply(&[]).assert_code(0);
        assert_eq!(
            said(&walk, "shop").unwrap().1["payment_methods"]["settings"]["methods"]["Klarna"]["terms"],
            "14"
        );
        // What left the files is said no more.
        let text = walk.project.read("integrations/shop.yaml");
        std::fs::remove_file(walk.project.at("integrations/shop.yaml")).unwrap();
        walk.project
            .write("integrations/other.yaml", text.replace("integration: shop", "integration: other"));
        walk.commit("Another shop");
        walk.apply(&[]).assert_code(0);
        assert!(said(&walk, "shop").is_none() && said(&walk, "other").is_some());
    }
}

#[test]
fn another_pair_is_no_way_out_of_the_limits_of_the_one_that_was_applied() {
    let mut walk = Walk::begun("sqlite:state.db", NO_RULES);
    walk.rules("safety: {pairs: {fortnox-shopify: {max_changed: 10%}}}");
    walk.commit("A limit");
    walk.apply(&[]).assert_code(0);
    walk.shop("14", "Shop");
    walk.project.edit("integrations/shop.yaml", "fortnox-shopify", "fortnox-woocommerce");
    walk.commit("Another pair, and shorter terms");
    assert_eq!(walk.changes(), ["other integrations.shop.pair"]);
    assert_eq!(walk.refusals(), BTreeMap::from([("max_changed".to_owned(), false)]));
    walk.apply(&[]).assert_code(5);
}

#[test]
fn history_drift_and_the_record_tell_when_rules_changed() {
    for store in each_kind() {
        let mut walk = Walk::begun(&store, "safety: {max_changed: 10%}");
        let before = walk.project.run(&["audit", "export"]);
        walk.project.write("before.jsonl", &before.assert_code(0).stdout);
        walk.rules("safety: {max_changed: 30%, protected: [connectors]}");
        walk.shop("30", "Shop");
        let commit = walk.commit("Other rules");
        let drift = walk.project.run(&["drift", "--detailed-exitcode"]);
        assert!(drift.assert_code(0).stdout.contains("weaker    safety.max_changed"), "{}", drift.stdout);
        walk.apply(&[]).assert_code(0);
        let history = walk.project.run(&["history"]);
        let told = &history.assert_code(0).stdout;
        for part in [
            "rules that judge of production  tester  commit",
            "    recorded for the first time",
            "    weaker    safety.max_changed  10% → 30%",
            "    stricter  safety.protected    connectors added",
        ] {
            assert!(told.contains(part), "{part}\n{told}");
        }
        let json = walk.project.run(&["history", "-o", "json", "--commit", &commit]).json();
        assert_eq!(json["rules"].as_array().unwrap().len(), 1);
        assert_eq!(json["rules"][0]["changes"][0]["direction"], "weaker");
        let narrow = walk.project.run(&["history", "shop", "-o", "json"]).json();
        assert_eq!(narrow["rules"], serde_json::json!([]));
        // The record carries them, each bound to the line before.
        let after = walk.project.run(&["audit", "export"]);
        walk.project.write("after.jsonl", &after.assert_code(0).stdout);
        let proved = ["audit", "verify", "after.jsonl", "--after", "before.jsonl"];
        walk.project.run(&proved).assert_code(0);
        let lines: Vec<&str> = after.stdout.lines().collect();
        let judged: Vec<usize> =
            (0..lines.len()).filter(|at| lines[*at].contains("\"kind\":\"rules\"")).collect();
        assert_eq!(judged.len(), 2);
        assert!(lines[judged[1]].contains("\"percent\":30"));
        for at in judged {
            let mut without = lines.clone();
            without.remove(at);
            walk.project.write("without.jsonl", without.join("\n"));
            walk.project.run(&["audit", "verify", "without.jsonl"]).assert_code(1);
        }
    }
    // What somebody changed in the store itself is told.
    let walk = Walk::begun("sqlite:state.db", "safety: {max_changed: 10%}");
    let shell = rusqlite::Connection::open(walk.project.at("state.db")).unwrap();
    shell
        .execute_batch(
            "DROP TRIGGER rules_are_not_changed; UPDATE rules SET document = replace(document, '10', '99')",
        )
        .unwrap();
    drop(shell);
    let changed = walk.project.run(&["audit", "export"]);
    assert!(
        changed.assert_code(1).stderr.contains("were changed in the store after that"),
        "{}",
        changed.stderr
    );
    let told = walk.project.run(&["history"]);
    assert!(told.assert_code(0).stdout.contains("they were changed after that"), "{}", told.stdout);
}
