//! Plan files by the command line: each kind of plan at each place that it may be applied from, on both stores; plans that ask for what
//! is not allowed; and plans of which one byte is another, sealed again or not, over the whole of the file.

use std::path::Path;
use std::process::Command;

use pairform::model;
use pairform::store;
use rayon::prelude::*;

use crate::dice::Dice;
use crate::expectations::sealed;
use crate::revisions::{Repository, git};
use crate::run::closed_window;
use crate::server;

/// A shop in onboarding, of which little matters.
fn shop(name: &str, terms: &str) -> String {
    format!(
        "integration: {name}\npair: fortnox-shopify\nunmanaged: [connectors]\nflows: {{orders: true}}\nsettings:\n  general: {{name: Shop, onboarding_mode: true, live_mode: false}}\n  order: {{exclude_before: '2026-01-01'}}\n  payment_methods:\n    default_terms_of_payment: '{terms}'\n    map: {{Klarna: '{terms}'}}\n"
    )
}

/// Exit code and all that is said.
fn run(folder: &Path, arguments: &[&str]) -> (i32, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .env("PATH", std::env::var_os("PATH").unwrap())
        .env("HOME", "/nonexistent")
        .env("PAIRFORM_ACTOR", "ann")
        .output()
        .unwrap();
    let said = [&output.stdout[..], &output.stderr[..]].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(!said.contains("panicked"), "{arguments:?}: {said}");
    (output.status.code().unwrap(), said)
}

/// What is deployed: integration, category, revision and settings.
fn deployed(url: &str) -> Vec<String> {
    let Some(mut store) = store::open_existing(&url.to_owned()).unwrap() else { return Vec::new() };
    let row = |row: store::Deployed| {
        let settings = model::to_json(&row.settings);
        format!("{} {} {} {settings}", row.integration, row.category, row.revision)
    };
    store.read(None).unwrap().into_iter().map(row).collect()
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Kind {
    Update,
    Filter,
    Rename,
    Revert,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Place {
    /// A working tree with changes.
    Tree,
    Head,
    /// A revision that HEAD went on from.
    Rev,
    Bare,
    Shallow,
    /// The project is a folder of its repository.
    Below,
}

const KINDS: [Kind; 4] = [Kind::Update, Kind::Filter, Kind::Rename, Kind::Revert];
const PLACES: [Place; 6] = [Place::Tree, Place::Head, Place::Rev, Place::Bare, Place::Shallow, Place::Below];

/// The terms that a shop has, or that it has none.
fn terms(rows: &[String], name: &str) -> Option<String> {
    let row = rows.iter().find(|row| row.starts_with(&format!("{name} payment_methods ")))?;
    let at = row.find("\"default_terms_of_payment\":\"")? + "\"default_terms_of_payment\":\"".len();
    Some(row[at..].split('"').next().unwrap().to_owned())
}

/// Section 9a as a table: whatever was planned wherever, an apply from there saves just that, once; and a plan that says something else
/// saves nothing.
#[test]
fn each_kind_of_plan_is_applied_from_each_place_on_both_stores() {
    let server = server::shared();
    let stores = [None].into_iter().chain(server.map(Some));
    let cells: Vec<_> = stores
        .flat_map(|server| KINDS.map(|kind| (server, kind)))
        .flat_map(|(server, kind)| PLACES.map(|place| (server, kind, place)))
        .collect();
    cells.into_par_iter().for_each(|(server, kind, place)| {
        let outside = tempfile::tempdir().unwrap();
        let url = match server {
            Some(server) => server.fresh_url(),
            None => format!("sqlite:{}", outside.path().join("state.db").display()),
        };
        let what = format!("{kind:?} {place:?} {}", url.split(':').next().unwrap());
        let repository = Repository::new();
        let inside = if place == Place::Below { "team/shops/" } else { "" };
        let write = |name: &str, text: &str| repository.write(&format!("{inside}{name}"), text);
        write("pairform.yaml", "version: 1\n");
        for name in ["fjord", "fjell"] {
            write(&format!("integrations/{name}.yaml"), &shop(name, "30"));
        }
        repository.commit("Begin");
        let root = repository.path().join(inside);
        let at = |folder: &Path, arguments: &[&str]| run(folder, &[arguments, &["--store", &url]].concat());
        let expect = |folder: &Path, code: i32, arguments: &[&str]| {
            let (found, said) = at(folder, arguments);
            assert_eq!(found, code, "{what}: {arguments:?}: {said}");
        };
        expect(&root, 0, &["apply", "--yes"]);
        // The change.
        match kind {
            Kind::Rename => {
                std::fs::remove_file(root.join("integrations/fjord.yaml")).unwrap();
                let text = shop("sund", "14").replace("pair:", "renamed_from: fjord\npair:");
                write("integrations/sund.yaml", &text);
            }
            Kind::Update | Kind::Filter | Kind::Revert => {
                for name in ["fjord", "fjell"] {
                    write(&format!("integrations/{name}.yaml"), &shop(name, "14"));
                }
            }
        }
        if kind == Kind::Revert {
            repository.commit("A mistake");
            expect(&root, 0, &["apply", "--yes"]);
        }
        let folder = match place {
            Place::Tree if kind == Kind::Revert => {
                write("integrations/fjord.yaml", &(shop("fjord", "14") + "# A note.\n"));
                root
            }
            Place::Tree => root,
            Place::Head | Place::Below => {
                repository.commit("The change");
                root
            }
            Place::Rev => {
                repository.commit("The change");
                repository.git(&["tag", "planned"]);
                write("integrations/fjell.yaml", &shop("fjell", "0"));
                repository.commit("Another change");
                root
            }
            Place::Bare | Place::Shallow => {
                repository.commit("The change");
                let clone = outside.path().join("clone");
                let from = format!("file://{}", repository.path().display());
                let how = if place == Place::Bare { &["--bare"][..] } else { &["--depth", "1"] };
                git(outside.path(), &[&["clone", "-q"], how, &[&from, clone.to_str().unwrap()]].concat());
                clone
            }
        };
        let from: &[&str] = match place {
            Place::Rev => &["--rev", "planned"],
            Place::Bare => &["--rev", "HEAD"],
            _ => &[],
        };
        let plan = outside.path().join("p.plan").display().to_string();
        let asked: &[&str] = match kind {
            Kind::Filter => &["plan", "--integration", "fjord", "--category", "payment_methods"],
            Kind::Revert => &["revert", "fjord", "--category", "payment_methods", "--revision", "1"],
            Kind::Update | Kind::Rename => &["plan"],
        };
        expect(&folder, 0, &[asked, from, &["--out", &plan]].concat());
        let before = deployed(&url);
        let honest = std::fs::read_to_string(&plan).unwrap();
        // Something else than the commit says, sealed again.
        let value = if kind == Kind::Revert { "\"30\"" } else { "\"14\"" };
        assert!(honest.contains(value), "{what}: {honest}");
        let other = sealed(serde_json::from_str(&honest.replace(value, "\"0\"")).unwrap());
        std::fs::write(&plan, other).unwrap();
        expect(&folder, 4, &[&["apply", &plan], from].concat());
        assert_eq!(deployed(&url), before, "{what}");
        std::fs::write(&plan, honest).unwrap();
        expect(&folder, 0, &[&["apply", &plan], from].concat());
        let after = deployed(&url);
        let found = ["fjord", "fjell", "sund"].map(|name| terms(&after, name));
        let expected = match kind {
            Kind::Update => [Some("14"), Some("14"), None],
            Kind::Filter => [Some("14"), Some("30"), None],
            Kind::Rename => [None, Some("30"), Some("14")],
            Kind::Revert => [Some("30"), Some("14"), None],
        };
        assert_eq!(found, expected.map(|terms| terms.map(str::to_owned)), "{what}: {after:#?}");
        // It works once.
        expect(&folder, 4, &[&["apply", &plan], from].concat());
        assert_eq!(deployed(&url), after, "{what}");
    });
}

/// A plan is no leave: what it saves is judged where it is applied.
#[test]
fn a_plan_file_gets_nothing_allowed_and_opens_no_window() {
    let fields = |host: &str, secret: &str| {
        format!(
            "{{store_url: \"https://{host}\", consumer_key: {{secret: {secret}}}, consumer_secret: {{secret: {secret}}}}}"
        )
    };
    let closed =
        format!("environments: {{live: {{store: \"sqlite:state.db\", window: {}}}}}\n", closed_window());
    let program = "secrets: {exec: {word: [/usr/bin/printf, word]}}\n";
    let host = "woocommerce=shop.example";
    for (declared, connection, allowed, code, told) in [
        ("", fields("shop.example", "env/KEY"), "", 6, "woocommerce=shop.example"),
        ("", fields("shop.example:8443", "env/KEY"), host, 6, "woocommerce=shop.example:8443"),
        ("", fields("shop.example.evil.example", "env/KEY"), host, 6, "shop.example.evil.example"),
        (
            "",
            fields("shop.example", "env/KEY"),
            "woocommerce=shop.example secret=env/OTHER_*",
            6,
            "secret=env/KEY",
        ),
        ("", fields("shop.example", "file//etc/hostname"), host, 6, "file=/etc/hostname"),
        (program, fields("shop.example", "exec/word"), host, 6, "program=/usr/bin/printf word"),
        (&*closed, fields("shop.example", "env/KEY"), host, 5, "window"),
    ] {
        let project = crate::run::Project::empty();
        project.write("pairform.yaml", format!("version: 1\n{declared}"));
        project.write(
            "integrations/fjord.yaml",
            format!("integration: fjord\npair: fortnox-woocommerce\nconnectors: {{woocommerce: {{active: p, connections: {{p: {connection}}}}}}}\n"),
        );
        let run = |arguments: &[&str], lines: &str| {
            project.run_with(arguments, &[("KEY", "canary-51d0"), ("PAIRFORM_ALLOW", lines)])
        };
        let store = if declared == closed { "state.db" } else { ".pairform/state.db" };
        let everything = "woocommerce=shop.example woocommerce=shop.example:8443 woocommerce=shop.example.evil.example secret=** file=/etc/hostname 'program=/usr/bin/printf word'";
        for planned_with in [allowed, everything] {
            run(&["plan", "--out", "p.plan"], planned_with).assert_code(0);
            let refused = run(&["apply", "p.plan"], allowed);
            assert!(
                refused.assert_code(code).all().contains(told) && !refused.all().contains("canary"),
                "{connection} {planned_with}: {}",
                refused.all()
            );
            let url = format!("sqlite:{}", project.at(store).display());
            assert!(deployed(&url).is_empty(), "{connection}: {:?}", deployed(&url));
        }
    }
}

/// A few bytes of each run; with PAIRFORM_TEST_LONG=1 every byte of the file.
#[test]
fn whichever_byte_of_a_plan_file_is_another_the_command_saves_what_the_commit_says_or_nothing() {
    let outside = tempfile::tempdir().unwrap();
    let state = outside.path().join("state.db");
    let url = format!("sqlite:{}", state.display());
    let repository = Repository::new();
    repository.write("pairform.yaml", "version: 1\n");
    repository.write("integrations/fjord.yaml", &shop("fjord", "30"));
    repository.commit("Begin");
    let apply = |plan: &str| run(repository.path(), &["apply", plan, "--store", &url]);
    assert_eq!(run(repository.path(), &["apply", "--yes", "--store", &url]).0, 0);
    repository.write("integrations/fjord.yaml", &shop("fjord", "14"));
    repository.commit("The change");
    let plan = outside.path().join("p.plan").display().to_string();
    assert_eq!(run(repository.path(), &["plan", "--out", &plan, "--store", &url]).0, 0);
    let (kept, before) = (std::fs::read(&state).unwrap(), deployed(&url));
    let honest = std::fs::read(&plan).unwrap();
    assert_eq!(apply(&plan).0, 0);
    let after = deployed(&url);
    assert_ne!(before, after);
    std::fs::write(&state, &kept).unwrap();
    let mut dice = Dice(18);
    let is_long = std::env::var_os("PAIRFORM_TEST_LONG").is_some();
    let places: Vec<usize> = match is_long {
        true => (0..honest.len()).collect(),
        false => (0..24).map(|_| dice.below(honest.len())).collect(),
    };
    let (mut tried, mut passed) = (0, 0);
    for at in places {
        let mut bytes = honest.clone();
        bytes[at] ^= 1 << dice.below(8);
        let again = serde_json::from_slice(&bytes).ok().map(|json| sealed(json).into_bytes());
        for bytes in [Some(bytes), again].into_iter().flatten().filter(|bytes| *bytes != honest) {
            std::fs::write(&plan, &bytes).unwrap();
            let (code, said) = apply(&plan);
            let found = deployed(&url);
            let what = format!("byte {at}, exit code {code}: {said}");
            assert!([0, 1, 4, 5, 6, 64].contains(&code), "{what}");
            assert_eq!(found, if code == 0 { after.clone() } else { before.clone() }, "{what}");
            (tried, passed) = (tried + 1, passed + usize::from(code == 0));
            if code == 0 {
                std::fs::write(&state, &kept).unwrap();
            }
        }
    }
    // What a file calls things, and how they were found, is of no consequence.
    assert!(passed * 2 < tried, "{passed} of {tried}");
}
