//! Applying, and what goes wrong on the way: races, partial failures, stale plans, locks, safety.
//!
//! More rounds with PAIRFORM_TEST_LONG=1.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use pairform::apply::{self, ApplyError, Caller, Outcome};
use pairform::http::{Fault, FaultKind};
use pairform::plan::Plan;
use pairform::store::{self, Ask, Asked};

use crate::place::{CATEGORIES, Project, each_kind};
use crate::plans;
use crate::run::closed_window;

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

/// A plan that was refused is refused again, and nothing of it is saved by asking twice, even where it has begun.
#[test]
fn a_stale_plan_is_stale_however_often_it_is_applied() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
        project.edit("integrations/shop.yaml", "Swish: '0'", "Swish: '10'");
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        project.by_hand("UPDATE category SET settings = '{\"x\":1}' WHERE category = 'general'");
        let before = project.store().records().unwrap().len();
        for _ in 0..3 {
            let ran = project.run(&["apply", "p.plan"]).expect(4);
            assert!(ran.err.contains("general of shop: outside pairform saved revision 2"), "{}", ran.err);
            assert_eq!(project.store().records().unwrap().len(), before);
        }
        // One that was interrupted after its first save goes on with the rest, and not where that moved meanwhile.
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        project.fail(Some("payment_methods"));
        project.run(&["apply", "p.plan"]).expect(3);
        project.fail(None);
        project.by_hand("UPDATE category SET settings = '{\"x\":2}' WHERE category = 'payment_methods'");
        let ran = project.run(&["apply", "p.plan"]).expect(4);
        assert!(
            ran.err.contains("payment_methods of shop: outside pairform saved revision 2"),
            "{}",
            ran.err
        );
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        project.run(&["apply", "p.plan"]).expect(0);
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

/// What is deleted by hand is saved anew as often as that happens, by a new plan each time.
#[test]
fn a_category_that_is_deleted_by_hand_is_saved_anew_each_time() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        for round in 1..4 {
            project.by_hand("DELETE FROM category WHERE category = 'order'");
            let plan = project.run(&["plan", "--out", "p.plan"]).expect(0);
            assert!(plan.out.contains(&format!("deleted outside as revision {}", round * 2)), "{}", plan.out);
            project.run(&["apply", "p.plan"]).expect(0);
            assert!(project.run(&["apply", "p.plan"]).expect(4).err.contains("applied already"));
            assert!(project.pending().is_empty());
        }
        let plan = project.run(&["plan", "--out", "p.plan", "-o", "json"]).expect(0);
        assert!(!plan.out.contains("\"deleted\""), "{}", plan.out);
    }
}

/// Where the store fails after the last save, what was saved is told all the same.
#[test]
fn a_plan_that_cannot_be_noted_as_done_says_what_it_saved() {
    for project in each_kind() {
        drop(project.store());
        let (make, drop) = match project.url.starts_with("sqlite:") {
            true => (
                "CREATE TRIGGER fail BEFORE UPDATE ON run BEGIN SELECT RAISE(ABORT, 'the disk burns'); END",
                "DROP TRIGGER fail",
            ),
            false => (
                "CREATE FUNCTION fail() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE EXCEPTION 'the disk burns'; END $$;
                 CREATE TRIGGER fail BEFORE UPDATE ON run FOR EACH ROW EXECUTE FUNCTION fail()",
                "DROP TRIGGER fail ON run",
            ),
        };
        project.by_hand(make);
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        let ran = project.run(&["apply", "p.plan"]).expect(3);
        assert_eq!(ran.out.matches("saved as revision 1").count(), CATEGORIES.len(), "{}", ran.out);
        assert!(ran.out.contains("could not be noted that the plan is done: the store"), "{}", ran.out);
        let again = project.run(&["apply", "p.plan", "-o", "json"]).expect(7).json();
        assert!(again["unfinished"].as_str().unwrap().contains("the disk burns"), "{again}");
        project.by_hand(drop);
        // As another process sees it that applies the same plan in the same moment.
        let second = project.run(&["apply", "p.plan"]).expect(0);
        assert!(second.out.contains("\n5 categories already saved by this plan.\n"), "{}", second.out);
        project.run(&["apply", "p.plan"]).expect(4);
        assert_eq!(project.store().records().unwrap().len(), CATEGORIES.len());
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

fn caller<'a>(by: &'a str) -> Caller<'a> {
    Caller {
        saved_by: by,
        now: &|| "2026-12-01T09:30:00Z".to_owned(),
        fingerprint: &|_| Err(Fault::new(FaultKind::Denied, "none")),
        stopped: &|| false,
        holder: "test/1",
        is_dead: &|_| false,
        wait: &|| {
            std::thread::sleep(Duration::from_millis(3));
            true
        },
        forced: &[],
        lease: None,
        begun: None,
        record: &|_| Ok(false),
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
        let template: Plan = plans::read(&text);
        let before = project.store().records().unwrap().len();
        let mut saved = 0;
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
            saved += won.iter().sum::<usize>();
        }
        let records = project.store().records().unwrap();
        assert_eq!(records.len(), before + saved, "nothing is saved that nobody was told of");
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
        plans::edit(&mut plan, |one| {
            for category in &mut one.categories {
                let now = deployed.iter().find(|now| now.category == category.category);
                category.revision = now.map(|now| now.revision);
                if let Some(save) = &mut category.save {
                    let mark = pairform::model::SettingPath::root().child("mark");
                    let mut settings = (*save.settings).clone();
                    settings.insert(mark, pairform::model::Value::Text(format!("{by}-{round}")));
                    save.settings = settings.into();
                }
            }
        });
        let report = match apply::apply(&plan, store.as_mut(), &caller(by), &mut |_| ()) {
            Ok(report) => report,
            // Somebody saved since it was read: nothing of it was begun.
            Err(ApplyError::Stale(_)) => continue,
            Err(other) => panic!("{other:?}"),
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

/// Somebody takes the lock away while a category is saved: what comes after says who has it, and that is a matter of locks.
#[test]
fn a_lock_that_is_lost_on_the_way_says_who_has_it() {
    for (taken, code, words) in [
        (
            "id = 'theirs', token = token + 1, owner = 'bo', reason = 'a repair'",
            3,
            "lost to bo, who has it since",
        ),
        ("id = NULL", 3, "released by somebody else"),
    ] {
        let project = Project::sqlite();
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
        project.edit("integrations/shop.yaml", "15m", "30m");
        project.by_hand(&format!(
            "CREATE TRIGGER rival AFTER UPDATE OF revision ON category WHEN NEW.category = 'general'
             BEGIN UPDATE lock SET {taken}; END"
        ));
        let ran = project.run(&["apply", "--yes"]).expect(code);
        assert!(ran.out.contains(words) && ran.out.contains("apply again"), "{}", ran.out);
        // Before anything was saved.
        project.by_hand(
            "DROP TRIGGER rival; UPDATE lock SET id = NULL;
             CREATE TRIGGER rival AFTER UPDATE OF id ON lock WHEN NEW.id IS NOT NULL
             BEGIN UPDATE lock SET token = token + 1, owner = 'bo', reason = 'a repair'; END",
        );
        project.run(&["apply", "--yes", "--lock-timeout", "0"]).expect(8);
    }
}

/// However long an apply takes, its locks last; where it is quick, they are left alone.
#[test]
fn locks_are_renewed_while_an_apply_takes_long() {
    const PAST: &str = "2020-01-01T00:00:00Z";
    for project in each_kind() {
        for minutes in [0, 5] {
            project.shop("shop", &format!("Shop{minutes}"), "30");
            project.edit("integrations/shop.yaml", "15m", &format!("{}m", 20 + minutes));
            project.run(&["plan", "--out", "p.plan"]).expect(0);
            let text = std::fs::read_to_string(project.path("p.plan")).unwrap();
            let plan = plans::read(&text);
            let clock = std::cell::Cell::new(0);
            let now = || format!("2026-12-01T09:{:02}:00Z", clock.get());
            let caller = Caller { now: &now, ..caller("ann") };
            let mut seen: Vec<bool> = Vec::new();
            let mut watch = |event: apply::Event<'_>| {
                if let apply::Event::Saving { .. } = event {
                    seen.push(project.store().locks().unwrap()[0].expires_at == PAST);
                    project.by_hand(&format!("UPDATE lock SET expires_at = '{PAST}'"));
                    clock.set(clock.get() + minutes);
                }
            };
            let report = apply::apply(&plan, project.store().as_mut(), &caller, &mut watch).unwrap();
            assert!(report.complete());
            assert!(seen.len() > 1 && !seen[0], "{seen:?}");
            assert!(seen[1..].iter().all(|is_past| *is_past == (minutes == 0)), "{minutes}: {seen:?}");
        }
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

#[test]
fn all_that_refuses_is_told_at_once_foretold_by_the_plan_and_lifted_check_by_check() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "Klarna: '30', Swish: '0'", "Klarna: '14'");
        project.write(
            "pairform.yaml",
            "version: 1\nsafety:\n  max_changed: 5%\n  protected: [payment_methods]\n  holds: {shop: the auditors are here}\n",
        );
        let reasons = [
            "`safety.max_changed`",
            "`payment_methods` of shop is protected",
            "shop is on hold: the auditors",
        ];
        let planned = project.run(&["plan"]).expect(0).out;
        let refused = project.run(&["apply", "--yes"]).expect(5).err;
        assert!(refused.contains("refused for 3 reasons:"), "{refused}");
        for reason in reasons {
            let line = planned
                .lines()
                .find(|line| line.contains(reason))
                .unwrap_or_else(|| panic!("{reason}: {planned}"));
            assert!(line.starts_with("apply would be refused:"), "{line}");
            assert!(refused.contains(reason), "{reason}: {refused}");
        }
        let forces = ["hold: they said yes", "protected: it was agreed", "max_changed: Klarna leaves"];
        let force: Vec<&str> = forces.iter().flat_map(|force| ["--force", force]).collect();
        let some = [&["apply", "--yes"], &force[..4]].concat();
        let refused = project.run(&some).expect(5).err;
        assert!(
            refused.contains("refused: ") && refused.contains(reasons[0]) && !refused.contains(reasons[2]),
            "{refused}"
        );
        assert!(project.store().notes().unwrap().is_empty());
        project.run(&[&["apply", "--yes"], &force[..]].concat()).expect(0);
        let notes: Vec<String> = project.store().notes().unwrap().into_iter().map(|note| note.text).collect();
        assert_eq!(notes.len(), 3);
        for (note, force) in notes.iter().zip(forces) {
            assert!(note.starts_with(force), "{note}");
        }
    }
}

#[test]
fn a_plan_notes_what_hangs_on_the_moment_and_on_whoever_applies_it() {
    let project = Project::sqlite();
    let environment =
        format!("environments:\n  test: {{store: 'sqlite:x.db', window: {}}}\n", closed_window());
    project.write("pairform.yaml", &format!("version: 1\n{environment}"));
    let plan = project.run(&["plan"]).expect(0).out;
    assert!(plan.contains("note: this environment applies only every day"), "{plan}");
    assert!(!plan.contains("apply would be refused"), "{plan}");
}

#[test]
fn a_plan_that_was_made_before_there_was_a_store_is_for_one_in_that_place() {
    let project = Project::sqlite();
    project.write("pairform.yaml", "version: 1\n");
    for (planned, other) in [(None, Some("sqlite:other.db")), (Some("sqlite:mine.db"), None)] {
        let at = |arguments: &[&'static str], store: Option<&'static str>| {
            let store = store.map_or(Vec::new(), |store| vec!["--store", store]);
            project.run(&[arguments, &store].concat())
        };
        at(&["plan", "--out", "p.plan"], planned).expect(0);
        let text = std::fs::read_to_string(project.path("p.plan")).unwrap();
        assert!(text.contains("store_to_be") && !text.contains("mine.db"));
        let refused = at(&["apply", "p.plan"], other).expect(4);
        assert!(refused.err.contains("one in another place"), "{}", refused.err);
        at(&["apply", "p.plan"], planned).expect(0);
    }
    assert!(!project.path("other.db").exists());
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
        &format!(
            "version: 1\nenvironments:\n  test: {{store: 'sqlite:x.db', window: {}}}\n",
            closed_window()
        ),
    );
    let ran = project.run(&["apply", "--yes"]).expect(5);
    assert!(
        ran.err.contains("applies only every day, ") && ran.err.contains(" (UTC); the window opens next on "),
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

/// While each is saved by itself, since one of them fails, the wish to stop is seen after each.
#[test]
fn an_interrupt_is_seen_between_saves_that_are_made_one_by_one() {
    for project in each_kind() {
        drop(project.store());
        project.fail(Some("payment_methods"));
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        let plan = plans::read(&std::fs::read_to_string(project.path("p.plan")).unwrap());
        let asked = std::cell::Cell::new(0);
        // Asked before the lock, before `general`, before each of the three that are saved together next, and again before
        // each of them by itself, of which `payment_methods` comes last.
        let stopped = || {
            asked.set(asked.get() + 1);
            asked.get() > 7
        };
        let caller = Caller { stopped: &stopped, ..caller("ann") };
        let report = apply::apply(&plan, project.store().as_mut(), &caller, &mut |_| ()).unwrap();
        assert!(report.interrupted);
        let saved = report.outcomes.iter().filter(|(_, _, one)| matches!(one, Outcome::Saved { .. }));
        assert_eq!(saved.count(), 3, "{:?}", report.outcomes);
        assert_eq!(project.store().records().unwrap().len(), 3);
        assert!(project.store().locks().unwrap().is_empty());
    }
}

/// Where all is locked, it is not waited for each category anew; where it is one row, the others are saved.
#[test]
fn what_somebody_keeps_locked_in_the_store_is_waited_for_once() {
    let Some(server) = crate::server::shared() else { return };
    for (lock, code, saved) in [
        ("LOCK TABLE category IN EXCLUSIVE MODE", 7, 0),
        ("SELECT * FROM category WHERE integration = 'shop-1' FOR UPDATE", 3, 2 * 6),
        (
            "SELECT * FROM category WHERE integration = 'shop-1' AND category = 'general' FOR UPDATE",
            3,
            2 * 7 - 1,
        ),
    ] {
        let project = each_kind().pop().unwrap();
        for number in 0..6 {
            project.shop(&format!("shop-{number}"), "Shop", "30");
        }
        project.run(&["apply", "--yes"]).expect(0);
        for name in ["shop", "shop-0", "shop-1", "shop-2", "shop-3", "shop-4", "shop-5"] {
            project.shop(name, "Market", "14");
        }
        let before = project.store().records().unwrap().len();
        let schema = project.url.split("schema=").nth(1).unwrap();
        let mut holder = server.shell();
        holder.batch_execute(&format!("SET search_path = {schema}; BEGIN; {lock}")).unwrap();
        let url = format!("{}&statement_timeout=3000", project.url);
        let begun = std::time::Instant::now();
        let ran = project.run(&["apply", "--yes", "--store", &url]).expect(code);
        assert!(begun.elapsed() < Duration::from_secs(8), "{lock}: {:?}\n{}", begun.elapsed(), ran.out);
        assert!(ran.out.contains("somebody else keeps"), "{}", ran.out);
        holder.batch_execute("ROLLBACK").unwrap();
        let mut store = project.store();
        assert_eq!(store.records().unwrap().len() - before, saved, "{lock}: {}", ran.out);
        assert!(store.locks().unwrap().is_empty(), "{lock}");
        project.run(&["apply", "--yes"]).expect(0);
        assert!(project.pending().is_empty());
    }
}

/// More than is saved together: what is wrong with one of them is told of that one, and all others are saved.
#[test]
fn of_many_groups_one_that_is_in_the_way_stops_no_other() {
    for project in each_kind() {
        let names = project.shops("Shop", "30");
        project.run(&["apply", "--yes"]).expect(0);
        let all = 2 * names.len();
        // In the first group, the second and the one that is left; of a category that is saved first, and last.
        for (round, (name, wrong)) in
            [("shop-003", "fails"), ("shop-100", "fails"), ("shop-129", "fails"), ("shop-070", "is locked")]
                .into_iter()
                .enumerate()
        {
            project.shops(&format!("Shop{round}"), &format!("{round}"));
            let before = project.store().records().unwrap().len();
            let (lock, expected) = if wrong == "fails" {
                let row = format!("NEW.category = 'payment_methods' AND NEW.integration = '{name}'");
                project.fail_where(Some(&row));
                (None, all - 1)
            } else {
                let ask = Ask {
                    integration: name,
                    owner: "bo",
                    holder: "another-machine/1/1",
                    reason: "a repair",
                    seconds: 600,
                    over: None,
                };
                let Asked::Taken(lock) = project.store().lock(&ask).unwrap() else { panic!("it is free") };
                (Some(lock.id), all - 2)
            };
            let ran = project.run(&["apply", "--yes", "--lock-timeout", "0", "-o", "json"]).expect(3).json();
            assert_eq!(ran["summary"]["saved"], expected, "{name} {wrong}");
            assert_eq!(ran["summary"]["not_saved"], all - expected);
            for one in ran["integrations"].as_array().unwrap() {
                let failed =
                    one["categories"].as_array().unwrap().iter().any(|one| one["outcome"] == "failed");
                assert_eq!(failed, one["integration"] == name, "{name} {wrong}: {one}");
            }
            let mut store = project.store();
            assert_eq!(store.records().unwrap().len() - before, expected);
            assert_eq!(store.locks().unwrap().len(), usize::from(lock.is_some()));
            match lock {
                Some(id) => drop(store.unlock(&id).unwrap()),
                None => project.fail_where(None),
            }
            project.run(&["apply", "--yes"]).expect(0);
            assert_eq!(store.records().unwrap().len() - before, all, "each was saved once");
        }
        assert!(project.pending().is_empty());
    }
}

/// A shop is not given the rest while it sells: what is to be saved is saved with live mode off.
#[test]
fn where_live_mode_cannot_be_switched_off_nothing_else_is_saved() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
        project.edit("integrations/shop.yaml", "orders: true}", "orders: true, payouts: false}");
        project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '14'");
        project.edit("integrations/shop.yaml", "15m", "30m");
        // Live mode needs all that is required, so somebody else has switched it on.
        project.by_hand(
            "UPDATE category SET settings = '{\"live_mode\":true,\"name\":\"Shop\",\"onboarding_mode\":true}' WHERE category = 'general'",
        );
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        let before = project.store().records().unwrap().len();
        project.fail(Some("general"));
        let ran = project.run(&["apply", "p.plan"]).expect(7);
        let skipped =
            "skipped: live mode could not be switched off, and nothing else is saved while it is on";
        assert_eq!(ran.out.matches(skipped).count(), 3, "{}", ran.out);
        assert_eq!(project.store().records().unwrap().len(), before);
        project.fail(None);
        project.run(&["apply", "p.plan"]).expect(0);
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
    assert!(plan.out.contains("conflict: changed here, and outside pairform on "), "{}", plan.out);
    assert_eq!(project.pending(), ["payment_methods"]);
    project.run(&["apply", "--yes"]).expect(0);
    assert!(project.pending().is_empty());
}

/// Files and store come to the same by two ways: nothing is to be saved, and an apply notes it, so that the next change is
/// compared with what holds.
#[test]
fn what_files_and_store_agree_in_becomes_the_base_and_counts_as_no_change() {
    let agreed = "UPDATE category SET settings = '{\"default_terms_of_payment\":\"30\",\"map\":{\"Klarna\":\"14\",\"Swish\":\"0\"}}' WHERE category = 'payment_methods'";
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        project.by_hand(agreed);
        project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '14'");
        let plan = project.run(&["plan", "--detailed-exitcode", "-o", "json"]).expect(0).json();
        let categories = plan["integrations"][0]["categories"].as_array().unwrap();
        let one = categories.iter().find(|one| one["category"] == "payment_methods").unwrap();
        assert_eq!((&one["action"], &one["agreed"]), (&"none".into(), &true.into()));
        let row = |project: &Project| {
            let all = project.store().read(None).unwrap();
            all.into_iter().find(|row| row.category == "payment_methods").unwrap()
        };
        assert_eq!(row(&project).revision, 2);
        // Somebody holds the lock: a note is nothing to wait for.
        let ask = Ask {
            integration: "shop",
            owner: "bo",
            holder: "another-machine/1/1",
            reason: "a repair",
            seconds: 600,
            over: None,
        };
        let Asked::Taken(lock) = project.store().lock(&ask).unwrap() else { panic!("it is free") };
        project.run(&["apply", "--no-input"]).expect(0);
        assert_eq!(row(&project).revision, 2);
        project.store().unlock(&lock.id).unwrap();
        // Nobody is asked, as nothing moves.
        let applied = project.run(&["apply", "--no-input", "-o", "json"]).expect(0).json();
        assert_eq!((&applied["agreed"], &applied["summary"]["saved"]), (&1.into(), &0.into()));
        let now = row(&project);
        assert_eq!((now.revision, &now.settings), (3, &now.applied));
        let saves = project.run(&["history", "-o", "json"]).expect(0).json()["saves"].clone();
        let last = saves.as_array().unwrap().last().unwrap();
        assert_eq!(last["notes"][0]["kind"], "agreed");
        assert_eq!(last["changes"].as_array().unwrap().len(), 0);
        project.run(&["apply", "--yes"]).expect(0);
        assert_eq!(row(&project).revision, 3, "it is noted once");
        // What is set back outside by now is drift, and no change of the files.
        project.by_hand(&agreed.replace("\"14\"", "\"30\""));
        assert!(project.run(&["plan"]).expect(0).out.contains("drift: changed outside pairform on "));
    }
}

/// Somebody saves between the plan and the apply what the apply would: there is nothing left to do.
#[test]
fn an_apply_whose_result_somebody_saved_meanwhile_is_done() {
    let same = "settings = '{\"default_terms_of_payment\":\"30\",\"methods\":{\"Klarna\":{\"terms\":\"14\"},\"Swish\":{\"terms\":\"0\"}}}'";
    for (at, also) in [
        ("INSERT ON run", String::new()),
        (
            "UPDATE OF revision ON category WHEN NEW.category = 'general'",
            format!(", {}", same.replace("settings", "applied")),
        ),
    ] {
        let project = Project::sqlite();
        project.run(&["apply", "--yes"]).expect(0);
        project.edit("integrations/shop.yaml", "Klarna: '30'", "Klarna: '14'");
        if !also.is_empty() {
            project.edit("integrations/shop.yaml", "name: Shop", "name: Market");
        }
        let rival = format!(
            "CREATE TRIGGER rival AFTER {at} BEGIN UPDATE category SET {same}{also} WHERE category = 'payment_methods'; END"
        );
        project.run(&["plan", "--out", "p.plan"]).expect(0);
        project.by_hand(&rival);
        let ran = project.run(&["apply", "--yes"]).expect(0);
        assert_eq!(ran.out.contains("is so already, as revision 2"), !also.is_empty(), "{}", ran.out);
        project.by_hand("DROP TRIGGER rival");
        // A plan that was saved works once, and this one is of a state that is gone.
        project.run(&["apply", "p.plan"]).expect(4);
        assert!(project.pending().is_empty());
    }
}

/// Nobody who only wanted what is deployed by now is told that he failed.
#[test]
fn many_appliers_of_the_same_content_all_end_well() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        for terms in ["14", "7", "10"] {
            project.shop("shop", "Shop", terms);
            project.shop("other", "Other", terms);
            let running: Vec<_> = (0..6).map(|_| project.start(&["apply", "--yes"])).collect();
            for mut one in running {
                assert_eq!(one.wait().unwrap().code(), Some(0), "{}", project.url);
            }
            assert!(project.pending().is_empty());
        }
    }
}

#[test]
fn what_is_protected_may_be_saved_for_the_first_time() {
    let project = Project::sqlite();
    project.write("pairform.yaml", "version: 1\nsafety: {protected: [order.exclude_before]}\n");
    project.run(&["apply", "--yes"]).expect(0);
    project.shop("another", "Another", "30");
    project.run(&["apply", "--yes"]).expect(0);
    project.edit("integrations/another.yaml", "2026-01-01", "2026-02-01");
    project.run(&["apply", "--yes"]).expect(5);
    // What somebody deleted was there, and is no first time.
    project.by_hand("DELETE FROM category WHERE category = 'order' AND integration = 'another'");
    project.run(&["apply", "--yes"]).expect(5);
}

#[test]
fn a_lock_is_released_in_the_environment_in_which_it_is_held() {
    let project = Project::sqlite();
    let environments = format!("version: 1\nenvironments:\n  test: {{store: \"{}\"}}\n", project.url);
    project.write("pairform.yaml", &environments);
    project.run(&["apply", "--yes"]).expect(0);
    project.shop("shop", "Shop", "14");
    let ask = Ask {
        integration: "shop",
        owner: "bo",
        holder: "else/1/1",
        reason: "apply",
        seconds: 600,
        over: None,
    };
    let Asked::Taken(lock) = project.store().lock(&ask).unwrap() else { panic!("it is free") };
    let held = project.run(&["apply", "--yes", "--lock-timeout", "0"]).expect(8);
    let unlock = format!("`pairform unlock {} --env test`", lock.id);
    assert!(held.out.contains(&unlock), "{}", held.out);
}
