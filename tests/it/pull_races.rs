//! A pull and an apply at once, from two working trees on one store: whichever comes first, what was applied stays, and
//! neither says that it did what it did not.

use std::process::{Child, Stdio};

use crate::place::{CATEGORIES, Project, each_kind};

fn rounds(short: usize, long: usize) -> usize {
    if std::env::var_os("PAIRFORM_TEST_LONG").is_some() { long } else { short }
}

/// Somebody set other terms for Klarna outside.
fn outside(project: &Project, terms: usize) {
    project.by_hand(&format!(
        "UPDATE category SET settings = '{{\"default_terms_of_payment\":\"30\",\"map\":{{\"Klarna\":\"{terms}\",\"Swish\":\"0\"}}}}'
         WHERE category = 'payment_methods'"
    ));
}

/// Another tree in which the shop has another name and other terms for Klarna.
fn another(project: &Project, title: &str, terms: &str) -> Project {
    let other = project.sibling();
    other.edit("integrations/shop.yaml", "name: Shop", &format!("name: {title}"));
    other.edit("integrations/shop.yaml", "Klarna: '30'", &format!("Klarna: '{terms}'"));
    other
}

fn terms(project: &Project) -> String {
    let row = project.store().read(None).unwrap().into_iter().find(|row| row.category == "payment_methods");
    pairform::model::to_json(&row.unwrap().settings)["methods"]["Klarna"]["terms"]
        .as_str()
        .unwrap()
        .to_owned()
}

/// No revision of a category is skipped or used twice.
fn assert_history_is_whole(project: &Project) {
    for category in CATEGORIES {
        let past = project.store().history("shop", category).unwrap();
        let revisions: Vec<u64> = past.iter().map(|past| past.revision).collect();
        let mut sorted = revisions.clone();
        sorted.sort_unstable();
        assert!(sorted.iter().copied().eq(1..=past.len() as u64), "{category}: {revisions:?}");
    }
}

fn start(project: &Project, arguments: &[&str]) -> Child {
    project.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn ended(child: Child) -> (i32, String) {
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8(bytes).unwrap()).concat();
    (output.status.code().unwrap_or(-1), said)
}

#[test]
fn a_pull_and_an_apply_at_once_lose_nothing_of_either() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        for round in 1..=rounds(8, 60) {
            let mine = std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap();
            outside(&project, 1000 + round);
            let other = another(&project, &format!("Shop{round}"), &format!("{}", 2000 + round));
            let (pull, apply) = (start(&project, &["pull", "--yes"]), start(&other, &["apply", "--yes"]));
            let ((pulled, said), (applied, told)) = (ended(pull), ended(apply));
            let case = format!("{}, round {round}: {pulled} {said}\n{applied} {told}", project.url);
            // What was read may have moved before it was saved: then that is said.
            assert!([0, 4].contains(&pulled), "{case}");
            assert!([0, 3, 4].contains(&applied), "{case}");
            let now = std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap();
            let taken = now.contains(&format!("{}", 1000 + round));
            assert!(taken || now == mine, "{case}\n{now}");
            assert!(taken || pulled == 0, "{case}");
            project.run(&["validate"]).expect(0);
            // A pull moves no setting: what is deployed is what the apply saved, or what was there.
            let deployed = terms(&project);
            assert!(
                deployed == format!("{}", if applied == 0 { 2000 } else { 1000 } + round),
                "{deployed}: {case}"
            );
            other.run(&["apply", "--yes"]).expect(0);
            assert!(other.pending().is_empty(), "{case}");
            assert_eq!(terms(&project), format!("{}", 2000 + round), "{case}");
            assert_history_is_whole(&project);
            assert!(project.store().locks().unwrap().is_empty(), "{case}");
            // The next round begins with files that agree with what is deployed.
            project.shop("shop", "Shop", "30");
            project.run(&["apply", "--yes"]).expect(0);
        }
    }
}

/// Two commands that wait for a row that somebody holds, started one after the other; how each ended.
fn in_this_order(
    url: &str,
    first: (&Project, &[&str]),
    second: (&Project, &[&str]),
) -> Option<[(i32, String); 2]> {
    let mut holder = crate::server::shared()?.shell();
    let schema = url.split("schema=").nth(1).unwrap();
    let hold = "BEGIN; SELECT * FROM category WHERE category = 'payment_methods' FOR UPDATE";
    holder.batch_execute(&format!("SET search_path = {schema}; {hold}")).unwrap();
    let mine: i32 = holder.query_one("SELECT pg_backend_pid()", &[]).unwrap().get(0);
    let mut watcher = crate::server::shared()?.shell();
    // Those that wait for the holder, or for somebody who does.
    let waiting = "WITH first AS (SELECT pid FROM pg_stat_activity WHERE $1 = ANY(pg_blocking_pids(pid)))
        SELECT count(*) FROM pg_stat_activity WHERE pid IN (SELECT pid FROM first)
        OR EXISTS (SELECT FROM first WHERE first.pid = ANY(pg_blocking_pids(pg_stat_activity.pid)))";
    let mut started = Vec::new();
    for (project, arguments) in [first, second] {
        started.push(start(project, arguments));
        while watcher.query_one(waiting, &[&mine]).unwrap().get::<_, i64>(0) < started.len() as i64 {
            let has_ended = started.iter_mut().any(|child: &mut Child| child.try_wait().unwrap().is_some());
            assert!(!has_ended, "it ended before it waited");
        }
    }
    holder.batch_execute("COMMIT").unwrap();
    let mut ends = started.into_iter().map(ended);
    Some([ends.next()?, ends.next()?])
}

fn shared_place() -> Option<Project> {
    let project = each_kind().into_iter().find(|project| project.url.starts_with("postgres"))?;
    project.run(&["apply", "--yes"]).expect(0);
    outside(&project, 14);
    Some(project)
}

#[test]
fn a_pull_that_an_apply_overtakes_says_that_what_it_took_was_saved_meanwhile() {
    let Some(project) = shared_place() else { return };
    let other = another(&project, "Market", "7");
    let ends = in_this_order(&project.url, (&other, &["apply", "--yes"]), (&project, &["pull", "--yes"]));
    let [(applied, told), (pulled, said)] = ends.unwrap();
    assert_eq!((applied, pulled), (0, 4), "{told}\n{said}");
    assert!(said.contains("the files were written, but shop payment_methods was saved meanwhile"), "{said}");
    assert_eq!(terms(&project), "7");
    assert!(other.pending().is_empty());
    assert_history_is_whole(&project);
}

#[test]
fn an_apply_that_a_pull_overtakes_saves_the_rest_and_is_made_again() {
    let Some(project) = shared_place() else { return };
    let other = another(&project, "Market", "7");
    let ends = in_this_order(&project.url, (&project, &["pull", "--yes"]), (&other, &["apply", "--yes"]));
    let [(pulled, said), (applied, told)] = ends.unwrap();
    assert_eq!((pulled, applied), (0, 3), "{said}\n{told}");
    assert!(said.contains("1 setting taken into 1 file."), "{said}");
    assert!(told.contains("conflict: "), "{told}");
    assert_eq!(terms(&project), "14", "nothing was saved over what was pulled");
    assert_eq!(other.pending(), ["payment_methods"]);
    other.run(&["apply", "--yes"]).expect(0);
    assert_eq!(terms(&project), "7");
    assert_history_is_whole(&project);
}
