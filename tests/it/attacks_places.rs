//! Attacks on where something is looked for: a repository within the repository, addresses that nobody can read, links, tags that
//! are called like branches, lists that word a review.

use std::process::{Command, Output};

use serde_json::Value as Json;

use crate::revisions::{Repository, git, shop};

const CANARY: &str = "canary-77a0";

fn run(folder: &std::path::Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
    command.args(arguments).current_dir(folder).env_clear().env("PATH", std::env::var_os("PATH").unwrap());
    command.env("HOME", "/nonexistent").env("PAIRFORM_ACTOR", "ann").env("TOKEN", CANARY).output().unwrap()
}

fn all(output: &Output) -> String {
    let text = [&output.stdout[..], &output.stderr[..]].concat();
    String::from_utf8_lossy(&text).into_owned()
}

fn json(output: &Output) -> Json {
    serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {}", all(output)))
}

/// Whoever commits a bare repository beside the project is not asked what was approved, and hides no change.
#[test]
fn a_repository_within_the_repository_is_none() {
    let repository = Repository::new();
    repository.write("shops/pairform.yaml", "version: 1\n");
    repository
        .write("shops/integrations/solo.yaml", &shop("solo", false, "30").replace("extends: [shop]\n", ""));
    let begin = repository.commit("Begin");
    repository.git(&["switch", "-q", "-c", "topic"]);
    let shops = repository.path().join("shops");
    let solo = |terms: &str| shop("solo", false, terms).replace("extends: [shop]\n", "");
    repository.write("shops/integrations/solo.yaml", &solo("0"));
    // It knows the change as long approved.
    let own = Repository::new();
    own.write("pairform.yaml", "version: 1\n");
    own.write("integrations/solo.yaml", &solo("0"));
    own.commit("All as it was");
    let bare = shops.join("bare.git");
    git(&shops, &["clone", "-q", "--bare", own.path().to_str().unwrap(), bare.to_str().unwrap()]);
    for name in ["HEAD", "config", "objects", "refs", "packed-refs"] {
        let _ = std::fs::rename(bare.join(name), shops.join(name));
    }
    std::fs::remove_dir_all(&bare).unwrap();
    let head = repository.commit("Terms");
    let diff = json(&run(&shops, &["diff", "--base", "main", "-o", "json"]));
    assert_eq!(diff["summary"]["settings"]["changed"], 1, "{diff:#}");
    let plan = json(&run(&shops, &["plan", "-o", "json"]));
    assert_eq!(plan["commit"]["id"], head.as_str(), "{plan:#}");
    assert_ne!(head, begin);
    // The same without any `.git`, as in an export.
    std::fs::remove_dir_all(repository.path().join(".git")).unwrap();
    let exported = run(&shops, &["diff", "--base", "main", "-o", "json"]);
    assert!(!exported.status.success() && all(&exported).contains("no git repository"), "{}", all(&exported));
}

/// What nobody can read as an address is nobody's own.
#[test]
fn an_address_that_cannot_be_read_is_allowed_by_nobody() {
    let of = |fields: &str| {
        format!(
            "integration: solo\npair: fortnox-shopify\nunmanaged: [order, invoice]\nconnectors:\n  shopify:\n    active: p\n    connections:\n      p: {{access_token: {{secret: env/TOKEN}}, {fields}}}\nsettings:\n  payment_methods: {{default_terms_of_payment: \"30\"}}\n"
        )
    };
    let built_in =
        std::fs::read_to_string(format!("{}/schemas/connectors/shopify.yaml", env!("CARGO_MANIFEST_DIR")))
            .unwrap();
    let part = |from: &str, to: &str| {
        assert!(built_in.contains(from), "{from}");
        Some(built_in.replace(from, to))
    };
    for (fields, part) in [
        ("shop: nordic, base_url: \"https://evil.example\", token_url: \"https://a%00b\"", None),
        ("shop: nordic, base_url: \"https://x%00y\", token_url: \"https://1.2.3.999\"", None),
        ("shop: nordic, base_url: \"https://nordic.myshopify.com%00.evil.example\"", None),
        ("shop: nordic, base_url: \"https://evil.example%2f.myshopify.com\"", None),
        ("shop: nordic, base_url: \"https://evil.example:99999\"", None),
        ("shop: nordic", part("https://{shop}.myshopify.com\"", "https://%00.evil.example/{shop}\"")),
    ] {
        let repository = Repository::new();
        repository.write("pairform.yaml", "version: 1\n");
        repository.write("integrations/solo.yaml", &of(fields));
        part.iter().for_each(|text| repository.write("schemas/connectors/shopify.yaml", text));
        repository.commit("Begin");
        let applied = run(repository.path(), &["apply", "--yes", "--no-input"]);
        let code = applied.status.code();
        assert!(matches!(code, Some(1 | 6)), "{fields}: {}", all(&applied));
        let policy = run(repository.path(), &["policy", "show"]);
        assert!(code == Some(1) || all(&policy).contains("shopify="), "{fields}: {}", all(&policy));
        assert!(!all(&applied).contains(CANARY) && !all(&policy).contains(CANARY));
    }
}

#[cfg(unix)]
#[test]
fn no_link_of_a_branch_leads_a_file_that_is_written_elsewhere() {
    let repository = crate::revisions::project();
    let elsewhere = tempfile::tempdir().unwrap();
    let target = elsewhere.path().join("target");
    std::fs::write(&target, "mine").unwrap();
    let link = |to: &std::path::Path, name: &str| {
        std::os::unix::fs::symlink(to, repository.path().join(name)).unwrap();
    };
    link(&target, "plan.json");
    link(elsewhere.path(), "out");
    link(elsewhere.path(), "schemas");
    for arguments in [
        &["plan", "--out", "plan.json"][..],
        &["plan", "--out", "./out/plan.json"],
        &["plan", "--out", "bases/../out/plan.json"],
        &["schema", "export"],
        &["schema", "export", "out"],
        &["man", "--out", "out"],
    ] {
        let done = run(repository.path(), arguments);
        assert!(!done.status.success(), "{arguments:?}: {}", all(&done));
        assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
        assert_eq!(std::fs::read_dir(elsewhere.path()).unwrap().count(), 1, "{arguments:?}");
    }
    // A link that a person has outside is his own.
    let own = elsewhere.path().join("own.json");
    std::os::unix::fs::symlink(&target, &own).unwrap();
    let done = run(repository.path(), &["plan", "--out", own.to_str().unwrap()]);
    assert!(done.status.success() && std::fs::read_to_string(&target).unwrap() != "mine", "{}", all(&done));
}

/// Whoever may push anything can push a tag.
#[test]
fn a_tag_that_is_called_like_a_branch_is_no_base() {
    let repository = crate::revisions::project();
    repository.git(&["switch", "-q", "-c", "topic"]);
    repository.write("integrations/nordic.yaml", &shop("nordic", false, "14"));
    repository.commit("Shorter terms");
    for tag in ["origin/HEAD", "origin/main"] {
        repository.git(&["tag", tag]);
    }
    let diff = json(&run(repository.path(), &["diff", "-o", "json"]));
    assert_eq!(diff["summary"]["settings"]["changed"], 1, "{diff:#}");
    let named = run(repository.path(), &["validate", "--base", "origin/main"]);
    assert!(!named.status.success() && all(&named).contains("no branch `origin/main`"), "{}", all(&named));
}

#[test]
fn a_list_does_not_word_its_own_review() {
    let repository = crate::revisions::project();
    let list = |label: &str| {
        format!(
            "connector: fortnox\naccount: \"1234567\"\nsets:\n  terms_of_payment:\n    fetched: 2026-11-20\n    values:\n      \"0\": {label}\n      \"30\": 30 dagar netto\n"
        )
    };
    let path = "options/fortnox/1234567.lock.yaml";
    repository.write(path, &list("Kontant"));
    repository.commit("A list");
    repository.git(&["switch", "-q", "-c", "topic"]);
    repository.write(path, &list("30 dagar"));
    repository.commit("Terms");
    let diff = json(&run(repository.path(), &["diff", "--base", "main", "-o", "json"]));
    let told = &diff["policy_changes"][0];
    let said = told["said"].to_string() + &told.to_string();
    assert!(said.contains(path) && said.contains("Kontant") && said.contains("30 dagar"), "{diff:#}");
}

#[test]
fn an_untrusted_run_reconciles_nothing() {
    let repository = crate::revisions::project();
    repository.git(&["remote", "add", "origin", "http://127.0.0.1:9/x.git"]);
    let done = run(repository.path(), &["reconcile", "--once", "--untrusted"]);
    assert!(done.status.code() == Some(6) && all(&done).contains("untrusted"), "{}", all(&done));
}
