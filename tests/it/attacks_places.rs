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
    assert_eq!(diff["groups"].as_array().map(Vec::len), Some(1), "{diff:#}");
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

/// Behind a shop's own host strangers answer too: an app has paths there. Only the connector's own addresses need no line.
#[test]
fn a_host_of_the_platform_is_free_at_the_connectors_own_addresses_alone() {
    let built_in = |name: &str| {
        std::fs::read_to_string(format!("{}/schemas/connectors/{name}.yaml", env!("CARGO_MANIFEST_DIR")))
            .unwrap()
    };
    let solo = |fields: &str| {
        format!(
            "integration: solo\npair: fortnox-shopify\nunmanaged: [order, invoice]\nconnectors:\n  shopify:\n    active: p\n    connections:\n      p: {{{fields}}}\n  fortnox:\n    active: p\n    connections:\n      p: {{client_id: {{secret: env/TOKEN}}, client_secret: {{secret: env/TOKEN}}, tenant_id: \"1\"}}\nsettings:\n  payment_methods: {{default_terms_of_payment: \"30\"}}\n"
        )
    };
    let token = "shop: nordic, access_token: {secret: env/TOKEN}";
    let client = "shop: nordic, client_id: {secret: env/TOKEN}, client_secret: {secret: env/TOKEN}";
    let apps = "https://nordic.myshopify.com/apps/evil";
    let part = |name: &str, from: &str, to: &str| {
        let text = built_in(name);
        assert!(text.contains(from), "{name}: {from}");
        Some((name.to_owned(), text.replace(from, to)))
    };
    let attacks = [
        (format!("{token}, base_url: \"{apps}\""), None),
        (format!("{client}, token_url: \"{apps}\""), None),
        (format!("{client}, token_url: \"https://nordic.myshopify.com/admin/../apps/evil\""), None),
        (format!("{client}, token_url: \"https://nordic.myshopify.com/%61dmin/oauth/access_token\""), None),
        (token.to_owned(), part("shopify", "base_path: \"/admin/api/", "base_path: \"/apps/evil/")),
        (token.to_owned(), part("shopify", "base_path: \"/admin/api/", "base_path: \"/admin/../apps/")),
        (token.to_owned(), part("shopify", ".myshopify.com\"", ".myshopify.com/apps/evil\"")),
        (client.to_owned(), part("shopify", "/admin/oauth/access_token", "/apps/evil")),
        (
            token.to_owned(),
            part("fortnox", "https://apps.fortnox.se/oauth-v1/token", "https://apps.fortnox.se/x"),
        ),
        // A field that takes what its pattern forbids no more.
        (
            "shop: \"nordic.myshopify.com/apps/evil?\", access_token: {secret: env/TOKEN}".to_owned(),
            part("shopify", "pattern: '^[a-z0-9][a-z0-9-]*$'", "pattern: '.'"),
        ),
        (
            format!("{token}, api_version: \"../../apps/evil\""),
            part("shopify", "base_path: \"/admin/api/{api_version}", "base_path: \"/{api_version}"),
        ),
    ];
    for (fields, part) in attacks {
        let repository = Repository::new();
        repository.write("pairform.yaml", "version: 1\n");
        repository.write("integrations/solo.yaml", &solo(&fields));
        part.iter()
            .for_each(|(name, text)| repository.write(&format!("schemas/connectors/{name}.yaml"), text));
        repository.commit("Begin");
        for arguments in [&["apply", "--yes", "--no-input"][..], &["options", "refresh"]] {
            let done = run(repository.path(), arguments);
            let said = all(&done);
            assert!(matches!(done.status.code(), Some(1 | 6)), "{fields} {part:?} {arguments:?}: {said}");
            assert!(!said.contains(CANARY), "{said}");
        }
        let applied = run(repository.path(), &["apply", "--yes", "--no-input"]);
        let is_error = applied.status.code() == Some(1);
        assert!(is_error || all(&applied).contains("no address of its own"), "{fields}: {}", all(&applied));
    }
    // What needs no line, needs none.
    for fields in [token, client] {
        let repository = Repository::new();
        repository.write("pairform.yaml", "version: 1\n");
        let base = "base_url: \"https://nordic.myshopify.com/\"";
        repository.write("integrations/solo.yaml", &solo(&format!("{fields}, {base}")));
        repository.commit("Begin");
        let applied = run(repository.path(), &["apply", "--yes", "--no-input"]);
        assert!(applied.status.success(), "{}", all(&applied));
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
    std::fs::remove_file(repository.path().join("schemas")).unwrap();
    let own = elsewhere.path().join("own.json");
    std::os::unix::fs::symlink(&target, &own).unwrap();
    let done = run(repository.path(), &["plan", "--out", own.to_str().unwrap()]);
    assert!(done.status.success() && std::fs::read_to_string(&target).unwrap() != "mine", "{}", all(&done));
    // Nor into what git keeps of the repository.
    std::fs::remove_file(repository.path().join("out")).unwrap();
    link(std::path::Path::new(".git"), "out");
    let config = std::fs::read_to_string(repository.path().join(".git/config")).unwrap();
    let done = run(repository.path(), &["plan", "--out", "out/config"]);
    assert!(!done.status.success(), "{}", all(&done));
    std::fs::remove_dir_all(repository.path().join("integrations")).unwrap();
    link(std::path::Path::new(".git/hooks"), "integrations");
    let hooks = || std::fs::read_dir(repository.path().join(".git/hooks")).map_or(0, Iterator::count);
    let before = hooks();
    run(repository.path(), &["init", "fortnox-shopify", "post-checkout"]);
    assert_eq!(hooks(), before);
    assert_eq!(std::fs::read_to_string(repository.path().join(".git/config")).unwrap(), config);
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
    assert_eq!(diff["groups"].as_array().map(Vec::len), Some(1), "{diff:#}");
    let named = run(repository.path(), &["validate", "--base", "origin/main"]);
    assert!(!named.status.success() && all(&named).contains("no branch `origin/main`"), "{}", all(&named));
}

/// Whoever may push a branch can call it `HEAD`, and a clone that fetches all branches has it as that of the remote.
#[test]
fn a_branch_that_is_called_head_is_not_that_of_the_remote() {
    let repository = crate::revisions::project();
    repository.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    repository.git(&["switch", "-q", "-c", "topic"]);
    repository.write("integrations/nordic.yaml", &shop("nordic", false, "14"));
    repository.commit("Shorter terms");
    repository.git(&["update-ref", "refs/remotes/origin/HEAD", "HEAD"]);
    let diff = json(&run(repository.path(), &["diff", "-o", "json"]));
    assert_eq!(diff["groups"].as_array().map(Vec::len), Some(1), "{diff:#}");
    let named = run(repository.path(), &["validate", "--base", "origin/HEAD"]);
    assert!(!named.status.success() && all(&named).contains("no branch `origin/HEAD`"), "{}", all(&named));
    repository.git(&["symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main"]);
    let diff = json(&run(repository.path(), &["diff", "-o", "json"]));
    assert_eq!(diff["groups"].as_array().map(Vec::len), Some(1), "{diff:#}");
}

/// Whoever may push a branch or a tag chooses how it is called: no name that the base is asked for by leads to it, and none of them may allow.
#[test]
fn no_branch_is_called_as_the_base_is_asked_for() {
    let repository = crate::revisions::project();
    repository.git(&["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let base = repository.git(&["rev-parse", "HEAD"]).trim().to_owned();
    std::fs::write(repository.path().join(".git/FETCH_HEAD"), format!("{base}\t\tbranch 'main' of ../up\n"))
        .unwrap();
    repository.git(&["switch", "-q", "-c", "topic"]);
    repository.write("integrations/nordic.yaml", &shop("nordic", false, "14"));
    repository.commit("Shorter terms");
    let short = &base[..9];
    let asked = [
        "FETCH_HEAD",
        &base,
        "refs/remotes/origin/main",
        "remotes/origin/main",
        "refs/heads/main",
        "heads/main",
        "origin/main",
        "origin/main~0",
        "main",
        "main^0",
        short,
    ];
    for kind in ["refs/heads", "refs/tags"] {
        for called in asked.iter().filter(|name| !name.contains(['~', '^'])) {
            let own = format!("{kind}/{called}");
            if own == "refs/heads/main" {
                continue;
            }
            repository.git(&["update-ref", &own, "HEAD"]);
            for name in &asked {
                let told = |name: &str, done: &Output| {
                    let all = all(done);
                    assert!(all.contains("may be") && *name == *short, "{own}, asked for {name}: {all}");
                };
                let diff = run(repository.path(), &["diff", "--exact", "--base", name, "-o", "json"]);
                match diff.status.success() {
                    true => assert_eq!(
                        json(&diff)["groups"].as_array().map(Vec::len),
                        Some(1),
                        "{own}, asked for {name}"
                    ),
                    false => told(name, &diff),
                }
            }
            repository.git(&["update-ref", "-d", &own]);
        }
    }
    // A clone of one branch, which is called as that of the remote.
    repository.git(&["update-ref", "-d", "refs/remotes/origin/main"]);
    repository.git(&["update-ref", "refs/heads/origin/main", "HEAD"]);
    let named = run(repository.path(), &["validate", "--base", "origin/main"]);
    assert!(!named.status.success() && all(&named).contains("no branch `origin/main`"), "{}", all(&named));
    let diff = json(&run(repository.path(), &["diff", "-o", "json"]));
    assert_eq!(diff["groups"].as_array().map(Vec::len), Some(1), "{diff:#}");
}

/// A file that git ignores is overwritten by a merge that brings one of its name.
#[test]
fn no_merge_replaces_what_is_deployed() {
    for (declared, file) in [
        ("", ".pairform/state.db"),
        ("environments: {test: {store: \"sqlite:./data/of.db\"}}\n", "data/of.db"),
    ] {
        for brought in [file.to_owned(), format!("{file}-wal")] {
            let repository = crate::revisions::project();
            repository.write(".gitignore", ".pairform/\ndata/\n");
            repository.write("pairform.yaml", &format!("version: 1\n{declared}"));
            repository.commit("A store");
            let applied = run(repository.path(), &["apply", "--yes"]);
            assert!(applied.status.success(), "{}", all(&applied));
            repository.git(&["switch", "-q", "-c", "topic"]);
            repository.write(&brought, "whatever");
            repository.git(&["add", "-f", &brought]);
            repository.git(&["commit", "-qm", "innocent"]);
            for arguments in [&["plan"][..], &["apply", "--yes"], &["drift"], &["list"], &["history"]] {
                let done = run(repository.path(), arguments);
                assert_eq!(done.status.code(), Some(6), "{arguments:?}: {}", all(&done));
                assert!(
                    all(&done).contains(&format!("the store's file {brought} came with a commit")),
                    "{}",
                    all(&done)
                );
            }
            if brought == file {
                for arguments in [
                    &["diff", "--base", "main"][..],
                    &["diff", "--base", "main", "--head", "topic"],
                    &["validate", "--base", "main"],
                ] {
                    let done = run(repository.path(), arguments);
                    assert!(
                        all(&done).contains("is a store, so that whoever merges this"),
                        "{arguments:?}: {}",
                        all(&done)
                    );
                }
            }
        }
    }
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

/// A branch of the repository around a submodule says where that comes from, and so what its branches hold.
#[test]
fn the_branches_of_a_submodule_judge_and_allow_nothing() {
    let evil = crate::revisions::project();
    let around = Repository::new();
    around.write("README.md", "shops\n");
    around.commit("Begin");
    around.git(&["submodule", "--quiet", "add", evil.path().to_str().unwrap(), "shops"]);
    around.commit("Take the shops from elsewhere");
    let shops = around.path().join("shops");
    let pinned = around.git(&["rev-parse", "HEAD:shops"]);
    for arguments in [
        &["diff"][..],
        &["diff", "--base", "origin/main"],
        &["validate", "--base", "main"],
        &["plan", "--base", "origin/HEAD"],
        &["reconcile", "--once"],
    ] {
        let done = run(&shops, arguments);
        assert!(
            !done.status.success() && all(&done).contains("lies in a submodule"),
            "{arguments:?}: {}",
            all(&done)
        );
    }
    // What it names is allowed by nobody.
    let foreign = "woocommerce: {active: p, connections: {p: {store_url: \"https://evil.example\", consumer_key: {secret: env/TOKEN}, consumer_secret: {secret: env/TOKEN}}}}";
    let text = format!(
        "integration: wool\npair: fortnox-woocommerce\nunmanaged: [order, invoice, payment_methods, stock]\nconnectors: {{{foreign}}}\n"
    );
    std::fs::write(shops.join("integrations/wool.yaml"), text).unwrap();
    git(&shops, &["add", "-A"]);
    git(&shops, &["commit", "-q", "-m", "Wool"]);
    git(&shops, &["update-ref", "refs/remotes/origin/main", "HEAD"]);
    let allow = ["apply", "--yes", "--no-input", "--allow", "approved=origin/main"];
    let applied = run(&shops, &allow);
    assert!(applied.status.code() == Some(6) && all(&applied).contains("evil.example"), "{}", all(&applied));
    assert!(all(&applied).contains("lies in a submodule"), "{}", all(&applied));
    // In a clone of its own the same is allowed, and a commit that the repository around it names judges.
    let diff = run(&shops, &["diff", "--base", pinned.trim(), "-o", "json"]);
    assert!(diff.status.success(), "{}", all(&diff));
    let own = tempfile::tempdir().unwrap();
    git(own.path(), &["clone", "-q", shops.to_str().unwrap(), "."]);
    let applied = run(own.path(), &allow);
    assert!(applied.status.success(), "{}", all(&applied));
}

/// What waits for a writer, or never ends, is no file to read, whoever names it.
#[cfg(unix)]
#[test]
fn what_is_no_regular_file_is_refused_and_not_waited_for() {
    let repository = crate::revisions::project();
    let outside = tempfile::tempdir().unwrap();
    let made = Command::new("mkfifo").arg(outside.path().join("pipe")).status().unwrap();
    assert!(made.success());
    let _socket = std::os::unix::net::UnixListener::bind(outside.path().join("socket")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", outside.path().join("zero")).unwrap();
    for name in ["pipe", "socket", "zero"] {
        let file = outside.path().join(name);
        let file = file.to_str().unwrap();
        let link = repository.path().join("linked");
        let _ = std::fs::remove_file(&link);
        std::os::unix::fs::symlink(file, &link).unwrap();
        for arguments in [
            &["show", file][..],
            &["show", "linked"],
            &["apply", file],
            &["audit", "verify", file],
            &["policy", "check", file],
            &["--policy", file, "plan"],
            &["plan", "--out", "p.json", "--sign", file],
            &["validate", "--schema", file, "pairform.yaml"],
            &["reconcile", "--once", "--tell", file],
        ] {
            let done = run(repository.path(), arguments);
            let said = all(&done);
            assert!(!done.status.success(), "{arguments:?}: {said}");
            let is_told = said.contains("not a regular file") || said.contains("cannot read");
            assert!(is_told, "{arguments:?}: {said}");
        }
        // What git would read on the way.
        std::fs::remove_file(&link).unwrap();
        let attributes = repository.path().join(".gitattributes");
        if name == "zero" {
            std::os::unix::fs::symlink(file, &attributes).unwrap();
            let planned = run(repository.path(), &["plan"]);
            assert!(planned.status.success(), "{}", all(&planned));
            std::fs::remove_file(&attributes).unwrap();
        }
    }
}

/// SQLite would write through a link that lies beside its file.
#[cfg(unix)]
#[test]
fn no_link_beside_a_store_is_written_through() {
    let elsewhere = tempfile::tempdir().unwrap();
    for ending in ["-wal", "-journal", "-shm"] {
        let repository = crate::revisions::project();
        let applied = run(repository.path(), &["apply", "--yes"]);
        assert!(applied.status.success(), "{}", all(&applied));
        let target = elsewhere.path().join("target");
        std::fs::write(&target, "mine").unwrap();
        let beside = repository.path().join(format!(".pairform/state.db{ending}"));
        let _ = std::fs::remove_file(&beside);
        std::os::unix::fs::symlink(&target, &beside).unwrap();
        for arguments in [&["plan"][..], &["history"], &["apply", "--yes"]] {
            let done = run(repository.path(), arguments);
            assert!(
                !done.status.success() && all(&done).contains("is a link"),
                "{ending} {arguments:?}: {}",
                all(&done)
            );
            assert_eq!(std::fs::read_to_string(&target).unwrap(), "mine");
        }
    }
}

/// Whoever reads lines takes U+2028, U+0085 and the like for ends of them; a terminal acts on others.
#[test]
fn no_machine_form_holds_what_fakes_a_line() {
    const BAD: &str = "A\u{2028}::error::x\u{85}y\u{9b}31m\u{202e}\u{feff}\u{e0041}\u{7f}";
    let repository = crate::revisions::project();
    let written: String = BAD.chars().map(|c| format!("\\U{:08x}", u32::from(c))).collect();
    repository.git(&["switch", "-q", "-c", "topic"]);
    repository.write(
        "integrations/solo.yaml",
        &shop("solo", false, "30")
            .replace("extends: [shop]\n", "")
            .replace("name: solo", &format!("name: \"{written}\"")),
    );
    repository.write(&format!("integrations/{}.yaml", BAD.replace(':', "")), &format!("name: {BAD}\n"));
    repository.git(&["add", "-A"]);
    repository.git(&["-c", &format!("user.name={BAD}"), "commit", "-q", "-m", "Bad"]);
    let actor = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
        command.args(arguments).current_dir(repository.path()).env("PAIRFORM_ACTOR", BAD).output().unwrap()
    };
    let only = ["--integration", "solo"];
    let mut seen = 0;
    let mut look = |arguments: &[&str]| {
        let done = actor(arguments);
        let out = String::from_utf8_lossy(&done.stdout).into_owned();
        let is_bad = |c: char| c != '\n' && pairform::diagnostic::text::is_harmful(c);
        let raw: Vec<char> = out.chars().filter(|c| is_bad(*c)).collect();
        assert!(raw.is_empty(), "{arguments:?}: {raw:?}: {out}");
        seen += usize::from(out.contains("\\u2028"));
    };
    for form in ["json", "sarif", "gitlab", "junit", "github"] {
        look(&["validate", "-o", form]);
        look(&["diff", "--base", "main", "-o", form]);
    }
    std::fs::remove_file(repository.path().join(format!("integrations/{}.yaml", BAD.replace(':', ""))))
        .unwrap();
    let with = |arguments: &[&'static str]| [arguments, &only, &["-o", "json"]].concat();
    for arguments in [
        with(&["plan", "--out", "p.json"]),
        with(&["apply", "--yes"]),
        with(&["apply", "--yes", "--force", "max_changed: x"]),
        vec!["history", "-o", "json"],
        vec!["list", "-o", "json"],
        vec!["show", "solo", "-o", "json"],
        vec!["explain", "solo", "name", "-o", "json"],
        vec!["drift", "-o", "json"],
        vec!["audit", "export", "-o", "json"],
        vec!["audit", "export"],
        vec!["unlock", "-o", "json"],
        vec!["policy", "show", "-o", "json"],
    ] {
        look(&arguments);
    }
    assert!(seen > 6, "{seen}");
    let plan = std::fs::read_to_string(repository.path().join("p.json")).unwrap();
    assert!(plan.contains("\\u2028") && !plan.contains('\u{2028}'));
    // It is what it was for whoever reads it.
    let exported = actor(&["audit", "export"]);
    std::fs::write(repository.path().join("audit.jsonl"), &exported.stdout).unwrap();
    let verified = actor(&["audit", "verify", "audit.jsonl"]);
    assert!(verified.status.success(), "{}", all(&verified));
    let shown = actor(&["show", "p.json", "-o", "json"]);
    assert!(shown.status.success() && !all(&shown).contains('\u{2028}'), "{}", all(&shown));
}
