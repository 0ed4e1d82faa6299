//! Applying, and what goes wrong on the way: races, partial failures, stale plans, locks, safety.
//!
//! More rounds with PAIRFORM_TEST_LONG=1.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pairform::apply::{self, Outcome, Surroundings};
use pairform::options::fetch::http::{Fault, Kind};
use pairform::plan::Plan;
use pairform::store::{self, Ask, Asked};

use crate::place::{CATEGORIES, Project, each_kind};

fn rounds(short: usize, long: usize) -> usize {
    if std::env::var_os("PAIRFORM_TEST_LONG").is_some() { long } else { short }
}

#[test]
fn a_plan_works_once_and_the_plan_after_it_is_empty() {
    for project in each_kind() {
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        let text = std::fs::read_to_string(project.path("p.plan")).unwrap();
        assert!(!text.contains(project.path("").to_str().unwrap()), "no path of the machine");
        // It can be moved to another working tree.
        let elsewhere = project.sibling();
        std::fs::copy(project.path("p.plan"), elsewhere.path("p.plan")).unwrap();
        elsewhere.run(&["apply", "p.plan"]).expect(0);
        let again = project.run(&["apply", "p.plan"]).expect(4);
        assert!(again.err.contains("applied already"), "{}", again.err);
        assert!(project.pending().is_empty());
        project.run(&["plan", "--detailed-exitcode"]).expect(0);
        project.run(&["apply", "--yes"]).expect(0);
        assert_eq!(
            project.store().records().unwrap().len(),
            CATEGORIES.len(),
            "a second apply saves nothing"
        );
    }
}

#[test]
fn a_plan_that_is_stale_in_many_places_shows_the_first_and_counts_the_rest() {
    for project in each_kind() {
        for number in 10..22 {
            project.shop(&format!("shop-{number}"), "Shop", "30");
        }
        project.run(&["apply", "--yes"]).expect(0);
        for number in 10..22 {
            project.edit(&format!("integrations/shop-{number}.yaml"), "Klarna: '30'", "Klarna: '14'");
        }
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        project.by_hand(
            "UPDATE category SET settings = '{\"map\":{}}' WHERE category = 'payment_methods' AND integration <> 'shop'",
        );
        let stale = project.run(&["apply", "p.plan"]).expect(4).err;
        assert!(
            stale.contains("the plan is stale, in 12 places:\n  payment_methods of shop-10: outside"),
            "{stale}"
        );
        assert!(stale.contains("shop-19") && !stale.contains("shop-20"), "{stale}");
        assert!(stale.contains("\n  and 2 more\n"), "{stale}");
    }
}

/// A store that is only misspelt is not made by an apply of a plan that knows another one.
#[test]
fn a_plan_of_one_store_makes_no_other() {
    let project = Project::sqlite();
    project.run(&["apply", "--yes"]).expect(0);
    project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '14'");
    project.run(&["plan", "--out", "p.plan"]).expect(0);
    let refused = project.run(&["apply", "p.plan", "--store", "sqlite:stat.db"]).expect(4);
    assert!(refused.err.contains("made against another store"), "{}", refused.err);
    assert!(!project.path("stat.db").exists());
    project.run(&["apply", "p.plan"]).expect(0);
}

/// What is planned against what is saved meanwhile: only a save of the same category makes a plan stale.
#[test]
fn a_plan_is_stale_by_category() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
        project.edit("integrations/shop.yaml", "2026-01-01", "2026-02-01");
        project.edit("integrations/shop.yaml", "Swish: '0'", "Swish: '10'");
        project.edit("integrations/shop.yaml", "orders: true}", "orders: true, payouts: false}");
        project.edit("integrations/shop.yaml", "15m", "30m");
        for (row, planned) in CATEGORIES.into_iter().enumerate() {
            for (column, meanwhile) in CATEGORIES.into_iter().enumerate() {
                // All pairs on one kind of store; on the other its own column and the next.
                let near = column == row || column == (row + 1) % CATEGORIES.len();
                if !near && !project.url.starts_with("sqlite:") && rounds(0, 1) == 0 {
                    continue;
                }
                let store = project.store().read(None).unwrap();
                let now = store.iter().find(|now| now.category == meanwhile).unwrap();
                let mut document = pairform::model::to_json(&now.settings);
                document["outside"] = format!("{row}-{column}").into();
                // Sets the planned category back first, so that there is something to plan.
                let reset = format!(
                    "UPDATE category SET settings = '{{\"x\":\"{row}-{column}\"}}' WHERE category = '{planned}'"
                );
                project.by_hand(&reset);
                project.run(&["plan", "--category", planned, "--out", "p.plan"]).expect(0);
                if planned == meanwhile {
                    document = serde_json::json!({"y": format!("{row}-{column}")});
                }
                project.by_hand(&format!(
                    "UPDATE category SET settings = '{document}' WHERE category = '{meanwhile}'"
                ));
                let ran = project.run(&["apply", "p.plan"]);
                assert_eq!(
                    ran.code,
                    if planned == meanwhile { 4 } else { 0 },
                    "{planned} {meanwhile}: {}",
                    ran.err
                );
                if planned == meanwhile {
                    for part in [planned, "outside pairform", "saved revision", "T"] {
                        assert!(ran.err.contains(part), "{}", ran.err);
                    }
                }
            }
        }
    }
}

#[test]
fn a_failure_of_any_category_leaves_the_rest_saved_and_says_the_same_everywhere() {
    for kind in 0..2 {
        for failing in CATEGORIES {
            if kind == 1 && !matches!(failing, "flows" | "order") && rounds(0, 1) == 0 {
                continue;
            }
            let Some(project) = each_kind().into_iter().nth(kind) else { continue };
            project.run(&["plan"]).expect(0);
            drop(project.store());
            project.fail(Some(failing));
            let ran = project.run(&["apply", "--yes", "-o", "json"]).expect(3);
            let report = ran.json();
            assert_eq!(report["exit_code"], 3);
            let outcomes: BTreeMap<String, String> = report["integrations"][0]["categories"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|category| category["action"] == "create")
                .map(|category| {
                    let word = |key: &str| category[key].as_str().unwrap().to_owned();
                    (word("category"), word("outcome"))
                })
                .collect();
            for category in CATEGORIES {
                let expected = match category {
                    category if category == failing => "failed",
                    "schedules" if failing == "flows" => "skipped",
                    _ => "saved",
                };
                assert_eq!(outcomes[category], expected, "{failing} fails: {category}");
            }
            let saved: BTreeSet<String> =
                project.store().records().unwrap().into_iter().map(|record| record.category).collect();
            let said: BTreeSet<String> = outcomes
                .iter()
                .filter(|(_, outcome)| *outcome == "saved")
                .map(|(name, _)| name.clone())
                .collect();
            assert_eq!(saved, said);
            let rest: BTreeSet<String> = project.pending().into_iter().collect();
            assert!(rest.is_disjoint(&saved) && rest.len() + saved.len() == CATEGORIES.len());
            // The text says so too, of what is left.
            let ran = project.run(&["apply", "--yes"]);
            assert_eq!(ran.code, if failing == "flows" || rest.len() == 1 { 7 } else { 3 }, "{}", ran.out);
            assert!(ran.out.contains("the disk burns"), "{}", ran.out);
            project.fail(None);
            project.run(&["apply", "--yes"]).expect(0);
            assert!(project.pending().is_empty());
            let records = project.store().records().unwrap();
            assert_eq!(records.len(), CATEGORIES.len(), "each was saved once");
        }
    }
}

/// Each of several runners plans the same change from the same state, and applies: one wins.
#[test]
fn of_ten_appliers_one_saves_and_the_others_say_that_they_are_stale() {
    for first in each_kind() {
        first.run(&["apply", "--yes"]).expect(0);
        let trees: Vec<Project> = (0..10).map(|_| first.sibling()).collect();
        for (number, tree) in trees.iter().enumerate() {
            tree.shop("shop", &format!("Shop{number}"), &format!("1{number}"));
            tree.run(&["plan", "--out", "p.plan"]).expect(0);
        }
        let mut children: Vec<_> = trees.iter().map(|tree| tree.start(&["apply", "p.plan"])).collect();
        let codes: Vec<i32> =
            children.iter_mut().map(|child| child.wait().unwrap().code().unwrap()).collect();
        assert_eq!(codes.iter().filter(|code| **code == 0).count(), 1, "{codes:?}");
        assert_eq!(codes.iter().filter(|code| **code == 4).count(), 9, "{codes:?}");
        let winner = codes.iter().position(|code| *code == 0).unwrap();
        assert!(trees[winner].pending().is_empty());
        assert_eq!(first.store().records().unwrap().len(), CATEGORIES.len() + 2);
    }
}

fn surroundings<'a>(by: &'a str) -> Surroundings<'a> {
    Surroundings {
        saved_by: by,
        now: &|| "2026-12-01T09:30:00Z".to_owned(),
        fingerprint: &|_| Err(Fault::new(Kind::Denied, "none")),
        stopped: &|| false,
        holder: "test/1",
        is_dead: &|_| false,
        wait: &|| {
            std::thread::sleep(Duration::from_millis(3));
            true
        },
        forced: None,
    }
}

/// Many interleavings of appliers in one process: what each was told is what the history shows.
#[test]
fn appliers_at_once_lose_no_update() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.shop("shop", "Other", "14");
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        let text = std::fs::read_to_string(project.path("p.plan")).unwrap();
        let template: Plan = pairform::plan::file::read(&text).unwrap();
        for (appliers, rounds) in [(2, rounds(20, 5000)), (10, rounds(4, 1000))] {
            let won: Vec<usize> = std::thread::scope(|scope| {
                let threads: Vec<_> = (0..appliers)
                    .map(|number| {
                        let (template, url) = (&template, &project.url);
                        scope.spawn(move || contend(template, url, &format!("{appliers}-{number}"), rounds))
                    })
                    .collect();
                threads.into_iter().map(|thread| thread.join().unwrap()).collect()
            });
            assert!(won.iter().sum::<usize>() >= rounds);
        }
        let records = project.store().records().unwrap();
        let mut expected: BTreeMap<String, u64> = BTreeMap::new();
        for record in records {
            let last = expected.entry(record.category).or_default();
            *last += 1;
            assert_eq!(record.past.revision, *last, "no revision is skipped or used twice");
        }
        assert!(project.store().locks().unwrap().is_empty());
    }
}

/// Plans at the present revisions and applies, again and again; how many categories were saved. Each outcome is proved by the
/// history.
fn contend(template: &Plan, url: &str, by: &str, rounds: usize) -> usize {
    let mut store = store::open(url).unwrap();
    let mut won = 0;
    for round in 0..rounds {
        let mut plan = template.clone();
        let deployed = store.read(None).unwrap();
        for category in &mut plan.integrations[0].categories {
            let now = deployed.iter().find(|now| now.category == category.category);
            category.revision = now.map(|now| now.revision);
            if let Some(save) = &mut category.save {
                save.settings["mark"] = format!("{by}-{round}").into();
            }
        }
        pairform::plan::file::seal(&mut plan);
        let Ok(report) = apply::apply(&plan, store.as_mut(), &surroundings(by), &mut |_| ()) else {
            continue;
        };
        for (integration, category, outcome) in &report.outcomes {
            match outcome {
                Outcome::Saved { revision } => {
                    won += 1;
                    let past = store.history(integration, category).unwrap();
                    let mine = past.iter().find(|past| past.revision == *revision).unwrap();
                    assert_eq!(
                        (mine.saved_by.as_str(), mine.run.as_deref()),
                        (by, Some(plan.digest.as_str()))
                    );
                }
                Outcome::Conflict { revision, .. } => assert!(*revision > 0),
                other => panic!("{other:?}"),
            }
        }
    }
    won
}

#[test]
fn a_lock_of_somebody_else_is_waited_for_and_then_respected() {
    for project in each_kind() {
        let mut store = project.store();
        let ask = Ask {
            integration: "shop",
            owner: "bo",
            holder: "another-machine/1/1",
            reason: "a long apply",
            seconds: 600,
            over: None,
        };
        let Asked::Taken(lock) = store.lock(&ask).unwrap() else { panic!("nobody has it") };
        let ran = project.run(&["apply", "--yes", "--lock-timeout", "0", "-o", "json"]).expect(8);
        for part in ["bo", "a long apply", &lock.id] {
            assert!(ran.out.contains(part), "{}", ran.out);
        }
        assert!(store.records().unwrap().is_empty());
        let listed = project.run(&["unlock", "-o", "json"]).expect(0).json();
        assert_eq!(listed["locks"][0]["id"], lock.id.as_str());
        assert_eq!(listed["locks"][0]["expired"], false);
        if project.url.starts_with("sqlite:") {
            project.by_hand("CREATE TABLE kept AS SELECT * FROM lock; UPDATE lock SET expires_at = '2026-01-01T00:00:00Z'");
            let listed = project.run(&["unlock"]).expect(0).out;
            assert!(
                listed.contains("expired at 2026-01-01T00:00:00Z, so that anybody may take it"),
                "{listed}"
            );
            project.by_hand("UPDATE lock SET expires_at = (SELECT expires_at FROM kept); DROP TABLE kept");
        }
        project.run(&["unlock", "nothing"]).expect(64);
        project.run(&["unlock", &lock.id]).expect(0);
        assert!(store.notes().unwrap()[0].text.contains("held by bo"));
        project.run(&["apply", "--yes", "--lock-timeout", "0"]).expect(0);
        assert!(store.locks().unwrap().is_empty());
    }
}

#[test]
fn safety_refuses_and_one_check_is_lifted_by_its_name() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "Klarna: '30', Swish: '0'", "Klarna: '14'");
        for (rule, check) in [
            ("{max_changed: 5%}", "max_changed"),
            ("{max_reset: 1%}", "max_reset"),
            ("{max_categories: 5%}", "max_categories"),
            ("{categories: {payment_methods: {max_changed: 40%}}}", "max_changed"),
            ("{pairs: {fortnox-shopify: {max_changed: 5%}}}", "max_changed"),
            ("{protected: [payment_methods.map]}", "protected"),
            ("{holds: {shop: the auditors are here}}", "hold"),
        ] {
            project.write("pairform.yaml", &format!("version: 1\nsafety: {rule}\n"));
            let ran = project.run(&["apply", "--yes"]).expect(5);
            assert!(ran.err.contains(&format!("--force \"{check}: REASON\"")), "{rule}: {}", ran.err);
            project.run(&["apply", "--yes", "--force", "empty: why not"]).expect(5);
            assert_eq!(project.run(&["plan"]).expect(0).code, 0);
        }
        assert!(project.store().notes().unwrap().is_empty());
        project.run(&["apply", "--yes", "--force", "hold:"]).expect(64);
        project.run(&["apply", "--yes", "--force", "hold: they said yes"]).expect(0);
        let notes = project.store().notes().unwrap();
        assert_eq!((notes.len(), notes[0].kind.as_str(), notes[0].by.as_str()), (1, "force", "ann"));
        assert!(notes[0].text.starts_with("hold: they said yes"), "{}", notes[0].text);
        assert!(notes[0].run.is_some());
        // It stands in the history beside what it let through.
        let saves = project.run(&["history", "-o", "json"]).expect(0).json()["saves"].clone();
        let last = saves.as_array().unwrap().last().unwrap();
        assert_eq!(last["notes"], serde_json::json!([{"kind": "force", "text": notes[0].text}]));
        assert!(project.run(&["history"]).expect(0).out.contains("\n    force: hold: they said yes"));
    }
}

/// The rules that hold when a plan is applied, whatever held when it was made.
#[test]
fn a_plan_is_judged_by_the_rules_of_the_day_on_which_it_is_applied() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "Klarna: '30', Swish: '0'", "Klarna: '14'");
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        for (rule, check) in [
            ("{protected: [payment_methods]}", "protected"),
            ("{max_changed: 5%}", "max_changed"),
            ("{categories: {payment_methods: {max_reset: 10%}}}", "max_reset"),
        ] {
            project.write("pairform.yaml", &format!("version: 1\nsafety: {rule}\n"));
            let ran = project.run(&["apply", "p.plan"]).expect(5);
            assert!(ran.err.contains(&format!("--force \"{check}: REASON\"")), "{rule}: {}", ran.err);
        }
        // A limit that was too strict, and was raised in a commit of its own.
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        project.write("pairform.yaml", "version: 1\n");
        project.run(&["apply", "p.plan"]).expect(0);
    }
}

#[test]
fn a_force_keeps_all_that_it_lifted_and_says_when_that_is_nothing() {
    let project = Project::sqlite();
    project.run(&["apply", "--yes"]).expect(0);
    project.edit("integrations/shop.yaml", "Klarna: '30', Swish: '0'", "Klarna: '14'");
    project.write(
        "pairform.yaml",
        "version: 1\nsafety:\n  max_changed: 5%\n  pairs: {fortnox-shopify: {max_changed: 6%}}\n  categories: {payment_methods: {max_changed: 7%}}\n",
    );
    let ran = project.run(&["apply", "--yes", "--force", "max_changed: Klarna leaves"]).expect(0);
    assert!(!ran.err.contains("lifted nothing"), "{}", ran.err);
    let notes = project.store().notes().unwrap();
    assert_eq!(notes.len(), 1);
    for limit in [
        "`safety.max_changed`",
        "`safety.pairs.fortnox-shopify.max_changed`",
        "`safety.categories.payment_methods.max_changed`",
    ] {
        assert!(notes[0].text.contains(limit), "{}", notes[0].text);
    }
    project.edit("integrations/shop.yaml", "Klarna: '14'", "Klarna: '14', Swish: '0'");
    let ran = project.run(&["apply", "--yes", "--force", "hold: just in case"]).expect(0);
    assert!(ran.err.contains("--force lifted nothing: `hold` does not refuse this plan"), "{}", ran.err);
    assert_eq!(project.store().notes().unwrap().len(), 1);
}

#[test]
fn a_closed_window_and_a_category_that_would_be_emptied_are_refused() {
    let project = Project::sqlite();
    project.write(
        "pairform.yaml",
        "version: 1\nenvironments:\n  test: {store: 'sqlite:x.db', window: {from: '00:00', to: '00:00'}}\n",
    );
    let ran = project.run(&["apply", "--yes"]).expect(5);
    assert!(
        ran.err.contains("applies only every day, 00:00–00:00 (UTC); the window never opens"),
        "{}",
        ran.err
    );
    project.write("pairform.yaml", "version: 1\n");
    project.run(&["apply", "--yes"]).expect(0);
    project.edit(
        "integrations/shop.yaml",
        "order: {exclude_before: '2026-01-01'}",
        "order: {exclude_before: null}",
    );
    let ran = project.run(&["apply", "--yes"]).expect(5);
    assert!(ran.err.contains("order of shop would be left without any setting"), "{}", ran.err);
    project.run(&["apply", "--yes", "--force", "empty: the date is over"]).expect(0);
}

/// Live mode needs all that is required, so the plan is made while onboarding and made live by hand.
#[test]
fn live_integrations_need_leave_where_the_project_says_so() {
    let project = Project::sqlite();
    project.write("pairform.yaml", "version: 1\nsafety: {live: require-leave}\n");
    project.run(&["plan", "--out", "p.plan"]).expect(0);
    let text = std::fs::read_to_string(project.path("p.plan")).unwrap();
    let mut plan = pairform::plan::file::read(&text).unwrap();
    plan.integrations[0].mode = pairform::plan::Mode::Live;
    pairform::plan::file::seal(&mut plan);
    project.write("p.plan", &pairform::plan::file::write(&mut plan));
    let ran = project.run(&["apply", "p.plan"]).expect(5);
    assert!(ran.err.contains("--allow-live") && ran.err.contains("shop"), "{}", ran.err);
    project.run(&["apply", "p.plan", "--allow-live"]).expect(0);
}

/// Sends a signal to an apply while its save of `general` waits for a row that somebody holds; what it printed.
fn interrupted_in_a_save(project: &Project, url: &str, times: usize) -> (Option<i32>, String) {
    let schema = url.split("schema=").nth(1).unwrap();
    let server = crate::server::shared().unwrap();
    let mut holder = server.shell();
    holder
        .batch_execute(&format!(
            "SET search_path = {schema}; BEGIN; SELECT * FROM category WHERE category = 'general' FOR UPDATE"
        ))
        .unwrap();
    let mine: i32 = holder.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let mut child =
        project.command(&["apply", "p.plan"]).stderr(std::process::Stdio::piped()).spawn().unwrap();
    let mut watcher = server.shell();
    let waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid)))";
    while !watcher.query_one(waiting, &[&mine]).unwrap().get::<_, bool>(0) {}
    let mut said = String::new();
    let mut stderr = std::io::BufReader::new(child.stderr.take().unwrap());
    for _ in 0..times {
        let sent = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status();
        assert!(sent.unwrap().success());
        // The next signal would be taken for the same one before this was seen.
        std::io::BufRead::read_line(&mut stderr, &mut said).unwrap();
    }
    if times == 1 {
        holder.batch_execute("COMMIT").unwrap();
    }
    let code = child.wait().unwrap().code();
    std::io::Read::read_to_string(&mut stderr, &mut said).unwrap();
    (code, said)
}

#[test]
fn the_first_interrupt_finishes_the_save_in_flight_and_the_second_says_what_is_in_doubt() {
    for times in [1, 2] {
        let Some(project) = each_kind().into_iter().find(|project| project.url.starts_with("postgres"))
        else {
            return;
        };
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
        project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '14'");
        project.edit("integrations/shop.yaml", "15m", "30m");
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        let (code, said) = interrupted_in_a_save(&project, &project.url, times);
        assert_eq!(code, Some(130), "{said}");
        assert!(said.contains("after the save in flight"), "{said}");
        let doubt =
            "it is not known whether `general` of shop, saved together with 1 more category, was saved";
        let doubt = said.contains(doubt);
        assert_eq!(doubt, times == 2, "{said}");
        // The server may have gone on with the save that was left in doubt.
        assert_eq!(project.pending().last().map(String::as_str), Some("schedules"));
        assert!(times == 2 || project.pending().len() == 1);
        project.run(&["apply", "p.plan"]).expect(0);
        assert!(project.pending().is_empty());
    }
}

/// Somebody is quicker with one category while another is being saved: what was saved stays, and the code says partly.
#[test]
fn a_loser_that_saved_something_says_so() {
    let project = Project::sqlite();
    project.run(&["apply", "--yes"]).expect(0);
    project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
    project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '14'");
    project.by_hand(
        "CREATE TRIGGER rival AFTER UPDATE OF revision ON category WHEN NEW.category = 'general'
         BEGIN
           UPDATE category SET settings = json_set(settings, '$.map.Klarna', '7' || NEW.revision) WHERE category = 'payment_methods';
         END",
    );
    let ran = project.run(&["apply", "--yes"]).expect(3);
    assert!(ran.out.contains("conflict: outside pairform saved revision 2"), "{}", ran.out);
    assert!(ran.out.contains("Run apply again"), "{}", ran.out);
    // With a plan file, running it again would never pass.
    project.edit("integrations/shop.yaml", "name: Market", "name: Store");
    project.run(&["plan", "--out", "p.plan"]).expect(0);
    let ran = project.run(&["apply", "p.plan"]).expect(3);
    assert!(ran.out.contains("Make the plan anew") && !ran.out.contains("apply again"), "{}", ran.out);
    project.by_hand("DROP TRIGGER rival");
    let plan = project.run(&["plan"]).expect(0);
    assert!(plan.out.contains("conflict: changed here and outside, last applied \"30\""), "{}", plan.out);
    assert_eq!(project.pending(), ["payment_methods"]);
    project.run(&["apply", "--yes"]).expect(0);
    assert!(project.pending().is_empty());
}
