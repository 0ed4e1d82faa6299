//! `init` and `list` through the real binary: every pair's scaffold is well-formed and says what is left to decide.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use pairform::compile::{Selection, compile};
use pairform::diagnostic::Severity;
use pairform::schema::parts::Catalogue;
use pairform::source::load;
use serde_json::Value;

fn pairform(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .output()
        .unwrap()
}

#[test]
fn every_pair_has_a_scaffold_with_nothing_wrong_but_what_is_left_to_decide() {
    let folder = tempfile::tempdir().unwrap();
    assert!(pairform(folder.path(), &["init"]).status.success());
    let pairs = Catalogue::default().names("pairs");
    for pair in &pairs {
        let done = pairform(folder.path(), &["init", pair]);
        assert!(done.status.success(), "{pair}: {done:?}");
    }
    let sources = load::load(folder.path());
    let compilation = compile(&sources, &Selection::default());
    assert_eq!(compilation.integrations.len(), pairs.len());
    let codes: BTreeSet<&str> = compilation.findings.iter().map(|finding| finding.code.id).collect();
    let left: BTreeSet<&str> = ["E0312"].into();
    let wrong: Vec<_> = compilation
        .findings
        .iter()
        .filter(|finding| finding.severity != Severity::Note && !left.contains(finding.code.id))
        .collect();
    assert!(wrong.is_empty(), "{codes:?} {wrong:#?}");
    // Nothing is live yet, so that what is missing is only warned of; and the layout is the canonical one.
    assert!(pairform(folder.path(), &["validate"]).status.success());
    let laid_out = pairform(folder.path(), &["fmt", "--check"]);
    assert!(laid_out.status.success(), "{}", String::from_utf8_lossy(&laid_out.stdout));
}

/// Every file below a folder with its text.
fn all(folder: &Path) -> BTreeMap<PathBuf, String> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                all(&path)
            } else {
                [(path.clone(), std::fs::read_to_string(path).unwrap())].into()
            }
        })
        .collect()
}

#[test]
fn nothing_is_overwritten() {
    let outside = tempfile::tempdir().unwrap();
    let folder = outside.path().join("project");
    std::fs::create_dir_all(folder.join("integrations/split")).unwrap();
    assert!(pairform(&folder, &["init", "fortnox-shopify", "shop"]).status.success());
    for (path, text) in [
        ("integrations/shop.yaml", "mine"),
        ("integrations/split/integration.yaml", "mine too"),
        ("pairform.yaml", "version: 1 # mine\n"),
        (".gitignore", "/mine\n"),
    ] {
        std::fs::write(folder.join(path), text).unwrap();
    }
    let before = all(outside.path());
    assert_eq!(before.len(), 4);
    for (arguments, why) in [
        (&["init"][..], "this is a pairform repository already"),
        (
            &["init", "fortnox-shopify", "shop"],
            "the integration `shop` is there already; nothing was written",
        ),
        (
            &["init", "fortnox-shopify", "split"],
            "the integration `split` is there already; nothing was written",
        ),
        (&["init", "fortnox-shopfy"], "there is no pair `fortnox-shopfy`"),
        (&["init", "fortnox-shopify", "../x"], "`../x` cannot be an integration's id"),
    ] {
        let refused = pairform(&folder, arguments);
        let said = String::from_utf8_lossy(&refused.stderr);
        assert_eq!((refused.status.code(), said.contains(why)), (Some(64), true), "{arguments:?}: {said}");
        assert_eq!(all(outside.path()), before, "{arguments:?}");
    }
    // Where one of its files is there, the others are written beside it.
    std::fs::remove_file(folder.join("pairform.yaml")).unwrap();
    assert!(pairform(&folder, &["init"]).status.success());
    assert_eq!(std::fs::read_to_string(folder.join(".gitignore")).unwrap(), "/mine\n");
    assert!(std::fs::read_to_string(folder.join("pairform.yaml")).unwrap().contains("version: 1"));
}

#[test]
fn list_tells_pair_mode_flows_readiness_and_last_apply() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("integrations")).unwrap();
    std::fs::write(folder.path().join("pairform.yaml"), "version: 1\n").unwrap();
    let text = "integration: shop\npair: fortnox-shopify\nunmanaged: [connectors]\nflows: {stock: false}\nsettings: {general: {name: Shop}}\n";
    std::fs::write(folder.path().join("integrations/shop.yaml"), text).unwrap();
    let listed = || -> Value {
        let output = pairform(folder.path(), &["list", "-o", "json"]);
        serde_json::from_slice::<Value>(&output.stdout).unwrap()["integrations"][0].clone()
    };
    let before = listed();
    assert_eq!(
        (&before["pair"], &before["mode"], &before["last_applied"]),
        (&"fortnox-shopify".into(), &"onboarding".into(), &Value::Null)
    );
    assert_eq!(before["pending"], 2);
    assert!(!before["flows"].as_array().unwrap().contains(&"stock".into()));
    assert!(pairform(folder.path(), &["apply", "--yes"]).status.success());
    let after = listed();
    assert_eq!(after["pending"], 0);
    assert!(after["last_applied"].is_string());
}
