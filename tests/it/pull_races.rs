//! A pull and an apply at once, from two working trees on one store: neither stands in the way of the other, and a pull says
//! what was deployed at one moment or another.

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
            // Whoever only reads makes nobody wait, and moves nothing that somebody planned.
            assert_eq!((pulled, applied), (0, 0), "{case}");
            let now = std::fs::read_to_string(project.path("integrations/shop.yaml")).unwrap();
            let taken = now.contains(&format!("{}", 1000 + round));
            assert!(taken || now == mine, "{case}\n{now}");
            project.run(&["validate"]).expect(0);
            assert_eq!(terms(&project), format!("{}", 2000 + round), "{case}");
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

#[test]
fn a_pull_needs_no_lock_and_leaves_the_store_as_it_is() {
    for project in each_kind() {
        project.run(&["apply", "--yes"]).expect(0);
        outside(&project, 14);
        let ask = pairform::store::Ask {
            integration: "shop",
            owner: "bo",
            holder: "elsewhere/1",
            reason: "apply",
            seconds: 600,
            over: None,
        };
        project.store().lock(&ask).unwrap();
        let before = (project.store().read(None).unwrap(), project.store().records().unwrap());
        let pulled = project.run(&["pull", "--yes"]).expect(0);
        assert!(pulled.err.contains("1 setting taken into 1 file."), "{}", pulled.err);
        assert_eq!(before, (project.store().read(None).unwrap(), project.store().records().unwrap()));
        assert!(project.store().notes().unwrap().is_empty());
    }
}
