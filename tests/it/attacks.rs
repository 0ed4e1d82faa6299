//! Whoever can write a branch can write everything in it: what they try to reach with that, in variants, and that each fails
//! and is told. The rules are in `SECURITY.md`.

use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::process::Command;
use std::sync::mpsc;

use serde_json::json;

use crate::platforms::{self, Server};
use crate::revisions::Repository;
use crate::run::{Project, Run};
use crate::tools::{Tool, program, required};

const CANARY: &str = "canary-9b31";

/// A shop whose values come from Fortnox and Shopify, with fields that an attacker chose.
fn shop(fortnox: &str, shopify: &str) -> String {
    format!(
        "integration: nordic\npair: fortnox-shopify\nunmanaged: [order, invoice]\nconnectors:\n  fortnox:\n    active: p\n    connections:\n      p: {{client_id: {{secret: env/F_ID}}, client_secret: {{secret: env/F_SECRET}}, tenant_id: \"1\"{fortnox}}}\n  shopify:\n    active: p\n    connections:\n      p: {{shop: nordic{shopify}}}\nsettings:\n  payment_methods: {{default_terms_of_payment: \"30\"}}\n  stock: {{target_location: gid://shopify/Location/1}}\n"
    )
}

const GOOD: &str = ", access_token: {secret: env/S_TOKEN}";

/// Runs with secrets at hand and nothing allowed.
fn run(project: &Project, arguments: &[&str], more: &[(&str, &str)]) -> Run {
    let mut environment = vec![
        ("PAIRFORM_ALLOW", ""),
        ("F_ID", CANARY),
        ("F_SECRET", CANARY),
        ("S_TOKEN", CANARY),
        ("AWS_SECRET_ACCESS_KEY", CANARY),
        ("HTTP_PROXY", "http://127.0.0.1:9"),
        ("HTTPS_PROXY", "http://127.0.0.1:9"),
    ];
    environment.extend(more);
    let run = project.run_with(arguments, &environment);
    assert!(!run.all().contains(CANARY), "{}", run.all());
    run
}

#[test]
fn no_field_of_a_connection_and_no_part_sends_a_credential_to_a_host_that_is_not_allowed() {
    let server = Server::start(|_| platforms::good(&json!({})));
    let here = format!("http://127.0.0.1:{}", server.port);
    let part = |name: &str, from: &str, to: &str| {
        let built_in =
            std::fs::read_to_string(format!("{}/schemas/connectors/{name}.yaml", env!("CARGO_MANIFEST_DIR")));
        let text = built_in.unwrap();
        assert!(text.contains(from), "{name}: {from}");
        (format!("schemas/connectors/{name}.yaml"), text.replace(from, to))
    };
    let plain =
        |fortnox: &str, shopify: &str| vec![("integrations/nordic.yaml".to_owned(), shop(fortnox, shopify))];
    let with = |part: (String, String)| vec![plain("", GOOD).remove(0), part];
    let attacks = [
        plain("", &format!("{GOOD}, base_url: \"{here}\"")),
        plain("", &format!("{GOOD}, base_url: \"http://LOCALHOST:{}\"", server.port)),
        plain("", ", access_token: {secret: env/AWS_SECRET_ACCESS_KEY}, base_url: \"https://evil.example\""),
        plain("", &format!("{GOOD}, base_url: \"https://nordic.myshopify.com.evil.example\"")),
        plain("", &format!("{GOOD}, base_url: \"https://nordic.myshopify.com:8443\"")),
        plain("", &format!("{GOOD}, base_url: \"https://api.fortnox.se\"")),
        plain(&format!(", token_url: \"{here}/token\""), GOOD),
        plain(&format!(", base_url: \"{here}\""), GOOD),
        with(part("shopify", "https://{shop}.myshopify.com\"", &format!("{here}\""))),
        with(part(
            "shopify",
            "base_url: \"https://{shop}.myshopify.com",
            "base_url: \"https://{shop}.evil.example",
        )),
        with(part("fortnox", "https://apps.fortnox.se/oauth-v1/token", &format!("{here}/token"))),
        with(part("fortnox", "base_url: https://api.fortnox.se", &format!("base_url: {here}"))),
    ];
    // All at once, as each tries a dead proxy again until it gives up.
    std::thread::scope(|scope| {
        for files in &attacks {
            scope.spawn(|| is_refused(files, &server));
        }
    });
}

/// No command of a project of these files asks the server for anything, and each says so.
fn is_refused(files: &[(String, String)], server: &Server) {
    let project = Project::empty();
    files.iter().for_each(|(path, text)| project.write(path, text));
    for arguments in [
        &["options", "refresh"][..],
        &["options", "check"],
        &["plan", "--max-age", "1h"],
        &["apply", "--yes"],
    ] {
        // What is not of the attack may be asked, by a proxy that is dead.
        let ran = run(&project, arguments, &[]);
        let said = ran.all();
        let is_told = said.contains("not allowed") && said.contains("would allow it");
        let is_helped = said.contains("not allowed here") && said.contains("PAIRFORM_ALLOW");
        let is_error = said.contains("error[E") || said.contains("it has errors");
        assert!(is_told || is_helped || is_error, "{arguments:?} {files:?}: {said}");
        assert_ne!(ran.code, 0, "{arguments:?} is silent: {files:?}: {said}");
        assert_eq!(server.hits().len(), 0, "{arguments:?}: {files:?}");
    }
    assert!(!project.at(".pairform/state.db").exists() || run(&project, &["history"], &[]).stdout.is_empty());
}

/// What follows an address is a text of the part: written as `@HOST` or `.HOST` it would be of the host.
#[test]
fn no_path_of_a_part_leads_a_credential_off_the_address_that_was_judged() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let here = format!("127.0.0.1:{}", listener.local_addr().unwrap().port());
    let built_in = |name: &str| {
        std::fs::read_to_string(format!("{}/schemas/connectors/{name}.yaml", env!("CARGO_MANIFEST_DIR")))
            .unwrap()
    };
    for (name, from, to) in [
        ("shopify", "base_path: \"/admin", format!("base_path: \"@{here}/admin")),
        ("shopify", "base_path: \"/admin", ".evil.example/admin".to_owned()),
        ("shopify", "base_path: \"/admin", ":8443/admin".to_owned()),
        ("shopify", "base_path: \"/admin", "nordic@evil.example/admin".to_owned()),
        ("fortnox", "get: /3/termsofpayments", format!("get: \"@{here}/3/termsofpayments\"")),
    ] {
        let to = if to.contains(": ") { to } else { format!("base_path: \"{to}") };
        let text = built_in(name);
        assert!(text.contains(from), "{name}: {from}");
        let project = Project::empty();
        project.write(&format!("schemas/connectors/{name}.yaml"), text.replace(from, &to));
        project.write("integrations/nordic.yaml", shop("", GOOD));
        for arguments in [&["options", "refresh", "--connector", name][..], &["options", "check"]] {
            let ran = run(&project, arguments, &[]);
            // A part that cannot be used describes no list.
            let is_unused = ran.all().contains("0 option sets of 0 accounts");
            let is_told = ["error[E", "gets no credential", "would allow it"]
                .iter()
                .any(|told| ran.all().contains(told));
            assert!(is_unused || (is_told && ran.code != 0), "{to} {arguments:?}: {}", ran.all());
            assert!(listener.accept().is_err(), "{to} {arguments:?}: a connection was made");
        }
    }
}

#[test]
fn no_path_and_no_header_of_a_part_leads_a_credential_past_the_address_that_was_judged() {
    let server = Server::start(|_| platforms::good(&json!({})));
    let allow = format!("shopify=127.0.0.1:{}", server.port);
    let text =
        std::fs::read_to_string(format!("{}/schemas/connectors/shopify.yaml", env!("CARGO_MANIFEST_DIR")))
            .unwrap();
    let (begin, rest) = text.split_once("fetch:\n      graphql: \"query($after: String){locations(").unwrap();
    let rest: String =
        rest.split_inclusive('\n').skip(1).skip_while(|line| line.starts_with("      ")).collect();
    let with = |fetch: &str| format!("{begin}fetch: {{{fetch}, items: items, value: id}}\n{rest}");
    let header = |name: &str| format!("get: /x, headers: {{{name}: evil.example}}");
    for fetch in [
        "get: /../../../../apps/evil",
        "get: /%2e%2e/%2E%2E/../../apps/evil",
        "get: \"/..\\\\..\\\\..\\\\..\\\\apps/evil\"",
        "post: /../../../../apps/evil",
        &header("Host"),
        &header("x-forwarded-host"),
        &header("transfer-encoding"),
    ] {
        let project = Project::empty();
        project.write("schemas/connectors/shopify.yaml", with(fetch));
        let field = format!("{GOOD}, base_url: \"http://127.0.0.1:{}\"", server.port);
        project.write("integrations/nordic.yaml", shop("", &field));
        let ran =
            run(&project, &["options", "refresh", "--connector", "shopify"], &[("PAIRFORM_ALLOW", &allow)]);
        let is_told =
            ran.all().contains("not below its address") || ran.all().contains("says where a request goes");
        assert!(is_told && ran.code != 0, "{fetch}: {}", ran.all());
        assert!(server.hits().iter().all(|hit| hit.path.starts_with("/admin/")), "{fetch}");
    }
}

#[test]
fn a_file_that_is_not_allowed_is_read_for_no_field() {
    let server = Server::start(|_| platforms::good(&json!({})));
    let outside = tempfile::tempdir().unwrap();
    let private = outside.path().join("id");
    std::fs::write(&private, CANARY).unwrap();
    let private = private.display().to_string();
    let allow = format!("shopify=127.0.0.1:{}", server.port);
    for reference in [
        "file//proc/self/environ".to_owned(),
        format!("file/{private}"),
        "file/link".to_owned(),
        format!("file//proc/self/root{private}"),
    ] {
        let project = Project::empty();
        let field = format!(
            ", access_token: {{secret: \"{reference}\"}}, base_url: \"http://127.0.0.1:{}\"",
            server.port
        );
        project.write("integrations/nordic.yaml", shop("", &field));
        std::os::unix::fs::symlink(&private, project.at("link")).unwrap();
        for arguments in [&["options", "refresh", "--connector", "shopify"][..], &["apply", "--yes"]] {
            let ran = run(&project, arguments, &[("PAIRFORM_ALLOW", &allow)]);
            assert_ne!(ran.code, 0, "{reference} {arguments:?}: {}", ran.all());
            let is_told =
                ran.all().contains("would allow it") || ran.all().contains("lies outside the project");
            assert!(is_told, "{reference} {arguments:?}: {}", ran.all());
        }
        assert_eq!(server.hits().len(), 0, "{reference}");
    }
}

#[test]
fn nothing_is_sent_for_an_integration_with_errors() {
    let server = Server::start(|_| platforms::good(&json!({})));
    let allow = format!("shopify=127.0.0.1:{}", server.port);
    let field = format!("{GOOD}, base_url: \"http://127.0.0.1:{}\"", server.port);
    let good = shop("", &field);
    for (from, to) in [
        ("settings:", "surprise: 1\nsettings:"),
        ("settings:", "settings:\n  order: {nothing_of_the_kind: 1}"),
        ("default_terms_of_payment: \"30\"", "default_terms_of_payment: [30]"),
        ("shop: nordic", "shop: \"nordic/../x\""),
        ("tenant_id: \"1\"", "tenant_id: \"1\", tenant_id: \"2\""),
    ] {
        let project = Project::empty();
        project.write("integrations/nordic.yaml", good.replace(from, to));
        for arguments in [&["options", "refresh"][..], &["options", "check"], &["plan", "--max-age", "1h"]] {
            let ran = run(&project, arguments, &[("PAIRFORM_ALLOW", &allow)]);
            assert!(ran.all().contains("it has errors, so nothing was sent"), "{to}: {}", ran.all());
            assert_eq!(server.hits().len(), 0, "{to}: {arguments:?}");
        }
    }
    let project = Project::empty();
    project.write("integrations/nordic.yaml", good);
    project.write("pairform.yaml", "version: 1\nsurprise: 1\n");
    let ran = run(&project, &["options", "refresh"], &[("PAIRFORM_ALLOW", &allow)]);
    assert!(ran.assert_code(1).stderr.contains("pairform.yaml has errors"), "{}", ran.stderr);
    assert_eq!(server.hits().len(), 0);
}

/// A server that asks for a password as it is, and keeps what comes.
fn greedy_database() -> (u16, mpsc::Receiver<Vec<u8>>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (send, receive) = mpsc::channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut got = vec![0; 4096];
            let read = stream.read(&mut got).unwrap_or(0);
            let mut all = got[..read].to_vec();
            // AuthenticationCleartextPassword.
            let _ = stream.write_all(&[b'R', 0, 0, 0, 8, 0, 0, 0, 3]);
            let read = stream.read(&mut got).unwrap_or(0);
            all.extend(&got[..read]);
            if send.send(all).is_err() {
                return;
            }
        }
    });
    (port, receive)
}

#[test]
fn the_files_choose_no_server_for_a_password() {
    let (port, received) = greedy_database();
    let outside = tempfile::tempdir().unwrap();
    let passwords = outside.path().join("pgpass");
    std::fs::write(&passwords, format!("db.internal:*:*:*:{CANARY}\n")).unwrap();
    std::fs::set_permissions(&passwords, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    let passwords = passwords.display().to_string();
    for (url, password) in [
        ("postgres://ci@127.0.0.1:PORT/x?sslmode=disable", ""),
        ("postgres://ci@localhost:PORT/x?sslmode=disable", ""),
        ("postgres://ci@127.0.0.1:PORT/x", ", password: {secret: env/AWS_SECRET_ACCESS_KEY}"),
        ("postgres://ci@127.0.0.1:PORT/x", ", password: {secret: file//proc/self/environ}"),
        (
            "postgres://ci@localhost:PORT/x?hostaddr=127.0.0.1",
            ", password: {secret: env/AWS_SECRET_ACCESS_KEY}",
        ),
        ("postgres://ci@evil.example/x", ""),
        ("postgres://ci@evil.example,127.0.0.1:PORT/x", ""),
        ("postgres://ci@/x?host=evil.example", ""),
    ] {
        let project = Project::empty();
        let url = url.replace("PORT", &port.to_string());
        project.write(
            "pairform.yaml",
            format!("version: 1\nenvironments:\n  live: {{store: \"{url}\"{password}}}\n"),
        );
        project.write("integrations/nordic.yaml", shop("", GOOD));
        for arguments in [
            &["plan"][..],
            &["apply", "--yes"],
            &["drift"],
            &["history"],
            &["list"],
            &["audit", "export"],
            &["unlock"],
            &["pull", "nordic"],
        ] {
            let given = [
                ("PAIRFORM_STORE_PASSWORD", CANARY),
                ("PGPASSWORD", CANARY),
                ("PGPASSFILE", passwords.as_str()),
            ];
            let ran = run(&project, arguments, &given);
            assert_ne!(ran.code, 0, "{url} {arguments:?}: {}", ran.all());
            while let Ok(bytes) = received.try_recv() {
                let text = String::from_utf8_lossy(&bytes).into_owned();
                assert!(!text.contains(CANARY), "{url} {arguments:?} was given a password");
            }
        }
    }
}

/// A branch that leads the store's host elsewhere, or answers for it in the network, must not also bring whom to believe.
#[test]
fn the_files_choose_nobody_to_vouch_for_a_server() {
    let outside = tempfile::tempdir().unwrap();
    let elsewhere = outside.path().join("ca.pem").display().to_string();
    let url = "postgres://ci@store.invalid/x?sslmode=verify-full";
    for more in [
        "&sslrootcert=ca.pem",
        &format!("&sslrootcert={elsewhere}"),
        "&%73slrootcert=ca.pem",
        "&sslrootcert=",
    ] {
        let project = Project::empty();
        project.write("ca.pem", CANARY);
        project.write("integrations/nordic.yaml", shop("", GOOD));
        let url = format!("{url}{more}");
        project.write("pairform.yaml", format!("version: 1\nenvironments:\n  live: {{store: \"{url}\"}}\n"));
        let allow = [("PAIRFORM_ALLOW", "store=store.invalid"), ("PAIRFORM_STORE_PASSWORD", CANARY)];
        for arguments in [&["plan"][..], &["apply", "--yes"], &["history"], &["unlock"]] {
            let refused = run(&project, arguments, &allow);
            assert!(refused.assert_code(6).stderr.contains("PGSSLROOTCERT"), "{url}: {}", refused.stderr);
        }
        // From outside it is obeyed: here there is no certificate in it.
        let named = run(&project, &["plan", "--store", &url], &allow);
        assert!(named.assert_code(7).stderr.contains("holds no certificate"), "{url}: {}", named.stderr);
    }
}

#[test]
fn a_store_outside_the_project_is_opened_by_whoever_names_it_outside() {
    let outside = tempfile::tempdir().unwrap();
    let there = outside.path().join("state.db").display().to_string();
    for path in [".git/hooks/post-commit", ".GIT/x.db", "x/../.git/x.db", "hop/x.db"] {
        let project = Project::empty();
        std::fs::create_dir_all(project.at(".git/hooks")).unwrap();
        std::os::unix::fs::symlink(".git", project.at("hop")).unwrap();
        project.write("integrations/nordic.yaml", shop("", GOOD));
        project.write(
            "pairform.yaml",
            format!("version: 1\nenvironments:\n  live: {{store: \"sqlite:{path}\"}}\n"),
        );
        let refused = run(&project, &["apply", "--yes"], &[]);
        assert!(refused.assert_code(6).stderr.contains("folder of git"), "{path}: {}", refused.stderr);
        assert_eq!(std::fs::read_dir(project.at(".git/hooks")).unwrap().count(), 0, "{path}");
    }
    for kind in ["absolute", "climbing", "link", "linked folder"] {
        let project = Project::empty();
        project.write("integrations/nordic.yaml", shop("", GOOD));
        let path = match kind {
            "absolute" => there.clone(),
            "climbing" => {
                let name = outside.path().file_name().unwrap().to_string_lossy().into_owned();
                format!("../{name}/state.db")
            }
            "link" => {
                std::os::unix::fs::symlink(&there, project.at("mine.db")).unwrap();
                "mine.db".to_owned()
            }
            _ => {
                std::os::unix::fs::symlink(outside.path(), project.at(".pairform")).unwrap();
                ".pairform/state.db".to_owned()
            }
        };
        let declared = format!("version: 1\nenvironments:\n  live: {{store: \"sqlite:{path}\"}}\n");
        project.write("pairform.yaml", declared);
        let refused = run(&project, &["apply", "--yes"], &[]);
        assert!(
            refused.assert_code(6).stderr.contains(&format!("store={there}")),
            "{kind}: {}",
            refused.stderr
        );
        assert!(!std::path::Path::new(&there).exists(), "{kind}");
        // The line that the refusal names, and --store, lead there.
        let line = format!("store={there}");
        run(&project, &["apply", "--yes"], &[("PAIRFORM_ALLOW", &line)]).assert_code(0);
        assert!(std::path::Path::new(&there).exists(), "{kind}");
        run(&project, &["plan", "--store", &format!("sqlite:{there}")], &[]).assert_code(0);
        std::fs::remove_file(&there).unwrap();
    }
}

/// A WooCommerce shop, at a host of its own.
fn woocommerce(host: &str) -> String {
    format!(
        "integration: fjord\npair: fortnox-woocommerce\nconnectors:\n  woocommerce:\n    active: p\n    connections:\n      p: {{store_url: \"https://{host}\", consumer_key: {{secret: env/W_KEY}}, consumer_secret: {{secret: env/W_SECRET}}}}\n"
    )
}

#[test]
fn a_merge_allows_what_the_approved_branch_names_and_no_tag_does() {
    let repository = Repository::new();
    repository.write("pairform.yaml", "version: 1\n");
    repository.write("integrations/fjord.yaml", &woocommerce("fjord.example.com"));
    let first = repository.commit("first");
    repository.git(&["update-ref", "refs/remotes/origin/main", &first]);
    let apply = |allow: &str| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
        command.args(["apply", "--yes"]).current_dir(repository.path()).env_clear();
        command.env("HOME", "/nonexistent").env("PAIRFORM_ALLOW", allow);
        command.env("W_KEY", CANARY).env("W_SECRET", CANARY).env("PAIRFORM_ACTOR", "tester");
        let output = command.output().unwrap();
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(!said.contains(CANARY));
        (output.status.code().unwrap(), said)
    };
    let (code, said) = apply("");
    assert!(code == 6 && said.contains("woocommerce=fjord.example.com"), "{said}");
    assert_eq!(apply("approved=origin/main").0, 0);
    // A branch that is not merged.
    repository.write("integrations/fjord.yaml", &woocommerce("evil.example.com"));
    let second = repository.commit("second");
    for name in ["origin/main", "main", "refs/remotes/origin/main"] {
        repository.git(&["tag", "-f", name, &second]);
    }
    let (code, said) = apply("approved=origin/main");
    assert!(code == 6 && said.contains("woocommerce=evil.example.com"), "{said}");
    // A comparison has the same base.
    let told = repository.run(&["diff", "--base", "origin/main"]);
    assert!(String::from_utf8_lossy(&told.stdout).contains("evil.example.com"), "{told:?}");
    // Merged.
    repository.git(&["update-ref", "refs/remotes/origin/main", &second]);
    assert_eq!(apply("approved=origin/main").0, 0);
    let (code, said) = apply("approved=origin/gone");
    assert_eq!(code, 0, "nothing is left to save: {said}");
    repository.write("integrations/fjord.yaml", &woocommerce("other.example.com"));
    let (code, said) = apply("approved=origin/gone");
    assert!(code == 6 && said.contains("there is no branch `origin/gone`"), "{said}");
}

#[test]
fn a_policy_lies_outside_and_says_what_is_wrong_in_it() {
    let project = Project::empty();
    project.write("integrations/fjord.yaml", woocommerce("fjord.example.com"));
    let outside = tempfile::tempdir().unwrap();
    let policy = outside.path().join("policy.yaml");
    std::fs::write(&policy, "allow:\n  - woocommerce=*.example.com\n").unwrap();
    let shown = policy.display().to_string();
    let given = [("W_KEY", CANARY), ("W_SECRET", CANARY)];
    let with =
        |arguments: &[&str], more: &[(&str, &str)]| run(&project, arguments, &[&given[..], more].concat());
    with(&["apply", "--yes"], &[]).assert_code(6);
    with(&["apply", "--yes", "--policy", &shown], &[]).assert_code(0);
    let config = outside.path().join("config");
    std::fs::create_dir_all(config.join("pairform")).unwrap();
    std::fs::copy(&policy, config.join("pairform/policy.yaml")).unwrap();
    let home = config.display().to_string();
    let told = with(&["policy", "show"], &[("XDG_CONFIG_HOME", &home)]);
    assert!(told.assert_code(0).stdout.contains("woocommerce=*.example.com"), "{}", told.stdout);
    assert!(told.stdout.contains("woocommerce=fjord.example.com  "), "{}", told.stdout);
    // In the work tree, by itself or by a link in either direction.
    project.write("policy.yaml", "allow: [woocommerce=fjord.example.com]\n");
    std::os::unix::fs::symlink(project.at("policy.yaml"), outside.path().join("inwards")).unwrap();
    std::os::unix::fs::symlink(&policy, project.at("outwards.yaml")).unwrap();
    let inwards = outside.path().join("inwards").display().to_string();
    for path in ["policy.yaml", "outwards.yaml", "./integrations/../policy.yaml", &inwards] {
        let refused = with(&["plan", "--policy", path], &[]);
        assert!(
            refused.assert_code(64).stderr.contains("lies in the work tree"),
            "{path}: {}",
            refused.stderr
        );
    }
    std::fs::write(&policy, "allow:\n  - woocommerce\n").unwrap();
    let refused = with(&["plan", "--policy", &shown], &[]);
    assert!(refused.assert_code(64).stderr.contains("policy check"), "{}", refused.stderr);
    let checked = with(&["policy", "check", &shown], &[]);
    assert!(checked.assert_code(1).stdout.contains("E0230"), "{}", checked.stdout);
    with(&["plan", "--policy", "/nonexistent/policy.yaml"], &[]).assert_code(64);
    let refused = with(&["policy", "show", "--policy", &shown], &[]);
    assert!(refused.assert_code(64).stderr.contains("policy check"), "{}", refused.stderr);
    // What cannot be looked for may be there: its lines would narrow.
    std::fs::remove_dir_all(config.join("pairform")).unwrap();
    with(&["plan"], &[("XDG_CONFIG_HOME", &home)]).assert_code(0);
    std::os::unix::fs::symlink("pairform", config.join("pairform")).unwrap();
    let unseen = with(&["plan"], &[("XDG_CONFIG_HOME", &home)]);
    assert!(unseen.assert_code(64).stderr.contains("cannot be seen"), "{}", unseen.stderr);
    std::fs::remove_file(config.join("pairform")).unwrap();
    std::fs::create_dir(config.join("pairform")).unwrap();
    std::os::unix::fs::symlink("gone.yaml", config.join("pairform/policy.yaml")).unwrap();
    let unread = with(&["plan"], &[("XDG_CONFIG_HOME", &home)]);
    assert!(unread.assert_code(64).stderr.contains("cannot be read"), "{}", unread.stderr);
    // A file where a folder would be holds none.
    std::fs::remove_dir_all(config.join("pairform")).unwrap();
    std::fs::write(config.join("pairform"), "").unwrap();
    with(&["plan"], &[("XDG_CONFIG_HOME", &home)]).assert_code(0);
    with(&["plan", "--allow", "nothing"], &[]).assert_code(64);
    with(&["plan"], &[("PAIRFORM_ALLOW", "'open")]).assert_code(64);
}

#[test]
fn a_policy_is_shown_without_a_project_and_never_beside_one_that_cannot_be_read() {
    let folder = tempfile::tempdir().unwrap();
    let show = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
        command
            .args(["policy", "show"])
            .args(more)
            .current_dir(folder.path())
            .env_clear()
            .env("HOME", "/nonexistent");
        Run::of_output(&command.output().unwrap())
    };
    assert!(show(&[]).assert_code(0).stdout.contains("reach out to:\n  nothing"));
    show(&["--rev", "HEAD"]).assert_code(64);
    std::fs::write(folder.path().join("pairform.yaml"), "version: 1\n").unwrap();
    show(&[]).assert_code(0);
    show(&["--rev", "HEAD"]).assert_code(64);
}

/// A person is asked once about what no line allows; the answer is kept outside the project, for that project.
#[test]
fn a_person_is_asked_once_and_only_at_a_terminal() {
    let Some(script) = required(Tool::Script, program(&["script"], &[])) else { return };
    let project = Project::empty();
    project.write("integrations/fjord.yaml", woocommerce("fjord.example.com"));
    let state = tempfile::tempdir().unwrap();
    let state = state.path().display().to_string();
    let given = [
        ("PAIRFORM_ALLOW", ""),
        ("W_KEY", "key"),
        ("W_SECRET", "secret"),
        ("XDG_STATE_HOME", state.as_str()),
    ];
    let (code, said) = crate::live::typed(&script, &project, &given, &["apply", "--yes"], "no\n");
    assert!(code == Some(6) && said.contains("woocommerce=fjord.example.com"), "{said}");
    let (code, said) =
        crate::live::typed(&script, &project, &given, &["apply", "--yes", "--no-input"], "yes\n");
    assert!(code == Some(6), "{said}");
    let (code, said) = crate::live::typed(&script, &project, &given, &["apply", "--yes"], "yes\n");
    assert!(code == Some(0) && said.contains("Allow it from now on"), "{said}");
    // From then on it is a line, of this project alone.
    let told = project.run_with(&["policy", "show"], &given);
    assert!(told.stdout.contains("an answer, kept in"), "{}", told.stdout);
    // And of nothing more than was asked about.
    assert!(told.stdout.contains("woocommerce=fjord.example.com:443  "), "{}", told.stdout);
    project.edit("integrations/fjord.yaml", "active: p", "active: p # again");
    project.run_with(&["plan", "--detailed-exitcode"], &given).assert_code(0);
    let other = Project::empty();
    other.write("integrations/fjord.yaml", woocommerce("fjord.example.com"));
    other.run_with(&["apply", "--yes"], &given).assert_code(6);
}
