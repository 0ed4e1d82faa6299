//! Credentials never reach an output, a plan file or the store, however they were written and in whatever form.

use std::path::Path;

use crate::run::Project;

/// Literal credentials, each in a place where people put them by mistake: `{}` takes the canary.
/// Name, file, what is replaced, and by what.
const PLANTED: &[(&str, &str, &str, &str)] = &[
    ("plain", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: {}"),
    ("double-quoted", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: \"{}\""),
    ("single-quoted", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: '{}'"),
    ("under-secret", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: {secret: {}}"),
    (
        "under-secret-block",
        N,
        "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "access_token:\n          secret: {}",
    ),
    ("under-secrets", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: {secrets: {}}"),
    ("under-value", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: {value: {}}"),
    ("list", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: [{}]"),
    ("block-list", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token:\n          - {}"),
    (
        "literal-block",
        N,
        "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "access_token: |\n          {}\n          {}",
    ),
    (
        "folded-block",
        N,
        "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "access_token: >-\n          {}\n          more {}",
    ),
    (
        "multi-line-plain",
        N,
        "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "access_token: begin\n          {}",
    ),
    (
        "multi-line-quoted",
        N,
        "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "access_token: \"begin\n          {}\"",
    ),
    (
        "anchor",
        N,
        "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "access_token: &token {}\n        webhook_secret2: *token",
    ),
    ("alias-typed", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: *{}"),
    ("tag-typed", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: !{}"),
    ("wrong-tag", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: !!int {}"),
    ("at-sign", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: @{}"),
    ("percent", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: %{}"),
    ("backtick", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: `{}`"),
    ("missing-space", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token:{}"),
    ("missing-colon", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token {}"),
    ("equals", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token={}"),
    ("unclosed-quote", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: \"{}"),
    ("unclosed-brace", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: {secret: {}"),
    ("colon-in-it", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: {}: {}"),
    ("after-quote", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "access_token: \"x\" {}"),
    ("tab-before", N, "        access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "\taccess_token: {}"),
    (
        "bad-indent",
        N,
        "        access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "         access_token: {}",
    ),
    (
        "twice",
        N,
        "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "access_token: {}\n        access_token: {}2",
    ),
    ("typo-key", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "acces_token: {}"),
    ("typo-key-far", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "acs_tkn: {}"),
    ("typo-key-block", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "acs_tkn: |\n          {}"),
    ("typo-key-map", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "acs_tkn: {deep: [{}]}"),
    ("capital-key", N, "access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}", "Access Token: {}"),
    (
        "flow-style",
        N,
        "production:\n        shop: nordic-outdoor\n        access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}\n        webhook_secret: {secret: file/secrets/nordic-webhooks}\n        api_version: \"2026-01\"",
        "production: {shop: nordic-outdoor, access_token: {}, api_version: 2026}",
    ),
    (
        "near-another-finding",
        N,
        "webhook_secret: {secret: file/secrets/nordic-webhooks}",
        "shopp: x # token {}\n        webhook_secret: {}",
    ),
    (
        "field-webhook_secret",
        N,
        "webhook_secret: {secret: file/secrets/nordic-webhooks}",
        "webhook_secret: {}",
    ),
    ("field-client_id", N, "client_id: {secret: env/NORDIC_FORTNOX_ID}", "client_id: {}"),
    ("field-client_secret", N, "client_secret: {secret: env/NORDIC_FORTNOX_SECRET}", "client_secret: {}"),
    ("field-refresh_token", N, "tenant_id: \"1234567\"", "refresh_token: {}"),
    ("field-consumer_key", F, "consumer_key: {secret: env/FJORD_WOO_KEY}", "consumer_key: {}"),
    ("field-consumer_secret", F, "consumer_secret: {secret: env/FJORD_WOO_SECRET}", "consumer_secret: {}"),
    ("webhook-secret", N, "secret: {secret: env/NORDIC_WEBHOOKS}", "secret: {}"),
    (
        "webhook-secret-flow",
        N,
        "topic: orders/create, flow: orders}",
        "topic: orders/create, flow: orders, secret: {}}",
    ),
    ("webhook-secret-typo", N, "secret: {secret: env/NORDIC_WEBHOOKS}", "sekret: {secret: {}}"),
    (
        "connector-typo",
        N,
        "  shopify:\n    active: production\n    connections:\n      production:\n        shop: nordic-outdoor\n        access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "  shopfy:\n    active: production\n    connections:\n      production:\n        shop: nordic-outdoor\n        access_token: {}",
    ),
    (
        "connectors-typo",
        N,
        "connectors:\n  shopify:\n    active: production\n    connections:\n      production:\n        shop: nordic-outdoor\n        access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "conectors:\n  shopify:\n    active: production\n    connections:\n      production:\n        shop: nordic-outdoor\n        access_token: {}",
    ),
    (
        "connections-typo",
        N,
        "    connections:\n      production:\n        shop: nordic-outdoor\n        access_token: {secret: env/NORDIC_SHOPIFY_TOKEN}",
        "    connection:\n      production:\n        shop: nordic-outdoor\n        access_token: {}",
    ),
    (
        "without-connection",
        N,
        "    active: production\n    connections:\n      production:\n        shop: nordic-outdoor",
        "    active: production\n    access_token: {}\n    connections:\n      production:\n        shop: nordic-outdoor",
    ),
    ("unknown-pair", N, "pair: fortnox-shopify", "pair: fortnox-shopfy-x\napi_key: {}"),
    ("in-settings", N, "error_email: orders@nordic.example", "access_token: {}"),
    ("in-settings-block", N, "error_email: orders@nordic.example", "api_key: |\n      {}"),
    ("in-settings-list", N, "error_email: orders@nordic.example", "api_keys: [{}, b]"),
    ("by-its-shape", N, "error_email: orders@nordic.example", "error_email: shpat_{}"),
    ("by-its-shape-as-shop", N, "        shop: nordic-outdoor\n", "        shop: shpat_{}\n"),
    ("at-the-top", N, "extends: [swedish-shop]", "extends: [swedish-shop]\npassword: {}"),
    (
        "in-a-base",
        "bases/swedish-shop.yaml",
        "settings:",
        "connectors:\n  shopify:\n    connections:\n      production: {access_token: {}}\nsettings:",
    ),
    (
        "in-the-project-file",
        "pairform.yaml",
        "vars: {brand: Test}",
        "vars: {brand: Test, api_token: {}}, x: 1",
    ),
];

const N: &str = "integrations/nordic-outdoor.yaml";
const F: &str = "integrations/fjord-kitchen.yaml";

/// Long enough to be no accident, with letters that are encoded in URLs.
const CANARY: &str = "Zq7KANARI9vLm4tXw2";

/// The forms in which a value may leave the program: as it is, its parts, base64 at each alignment, hex, URL-encoded.
fn forms(canary: &str) -> Vec<(String, String)> {
    let mut forms = vec![
        ("raw".to_owned(), canary.to_owned()),
        ("half".to_owned(), canary[..canary.len() / 2].to_owned()),
        ("rest".to_owned(), canary[canary.len() / 2..].to_owned()),
        ("reversed".to_owned(), canary.chars().rev().collect()),
    ];
    let hex: String = canary.bytes().map(|byte| format!("{byte:02x}")).collect();
    forms.push(("HEX".to_owned(), hex.to_uppercase()));
    forms.push(("hex".to_owned(), hex));
    let url: String =
        canary
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect();
    forms.push(("url".to_owned(), url));
    for shift in 0..3 {
        let padded = [&b"xxx"[..shift], canary.as_bytes()].concat();
        let encoded = base64(&padded);
        // What the bytes around it decide is left out.
        let inner = &encoded[if shift == 0 { 0 } else { 4 }..encoded.len() / 4 * 4 - 4];
        forms.push((format!("base64+{shift}"), inner.to_owned()));
        forms.push((format!("base64url+{shift}"), inner.replace('+', "-").replace('/', "_")));
    }
    forms
}

fn base64(bytes: &[u8]) -> String {
    const LETTERS: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::new();
    for chunk in bytes.chunks(3) {
        let word =
            chunk.iter().fold(0_u32, |word, byte| (word << 8) | u32::from(*byte)) << (8 * (3 - chunk.len()));
        for place in 0..4 {
            let letter = LETTERS[(word >> (18 - 6 * place)) as usize & 63];
            text.push(if place <= chunk.len() { char::from(letter) } else { '=' });
        }
    }
    text
}

#[test]
fn base64_is_as_everybody_writes_it() {
    assert_eq!(base64(b"Man"), "TWFu");
    assert_eq!(base64(b"Ma"), "TWE=");
}

fn leaks(bytes: &[u8], canary: &str) -> Option<String> {
    let holds = |needle: &str| bytes.windows(needle.len()).any(|window| window == needle.as_bytes());
    forms(canary).into_iter().find(|(_, form)| holds(form)).map(|(name, _)| name)
}

fn assert_silent(what: &str, bytes: &[u8], canary: &str) {
    if let Some(form) = leaks(bytes, canary) {
        panic!("{what} leaks the credential ({form}):\n{}", String::from_utf8_lossy(bytes));
    }
}

/// Every file below a folder but the sources.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().into_owned();
        if entry.file_type().unwrap().is_dir() {
            if !["integrations", "bases", "secrets", "options"].contains(&name.as_str()) {
                all.extend(files(&entry.path()));
            }
        } else if name != "pairform.yaml" {
            all.push((name, std::fs::read(entry.path()).unwrap()));
        }
    }
    all
}

#[test]
fn literal_credentials_are_never_shown() {
    use rayon::prelude::*;
    let leaks: Vec<String> = PLANTED.par_iter().flat_map(planted).collect();
    assert!(leaks.is_empty(), "{} leaks:\n{}", leaks.len(), leaks.join("\n"));
}

fn planted((name, file, old, new): &(&str, &str, &str, &str)) -> Vec<String> {
    let project = Project::copy("mistakes");
    project.edit(file, old, &new.replace("{}", CANARY));
    // The plan file holds the findings as JSON.
    let runs: [&[&str]; 5] = [
        &["validate", "--color", "always"],
        &["plan", "--color", "always", "--out", "plan.json"],
        &["apply", "--yes", "-o", "json"],
        &["show", "nordic-outdoor", "--color", "always"],
        &["show", "nordic-outdoor", "-o", "json"],
    ];
    let mut found = Vec::new();
    for arguments in runs {
        let run = project.run(arguments);
        assert!(!run.stderr.contains("panicked"), "{name}: {}", run.stderr);
        if let Some(form) = leaks(run.all().as_bytes(), CANARY) {
            let at = run
                .all()
                .lines()
                .filter(|line| leaks(line.as_bytes(), CANARY).is_some())
                .take(2)
                .collect::<Vec<_>>()
                .join("\n    ");
            found.push(format!("{name}: `{}` ({form}):\n    {at}", arguments.join(" ")));
        }
    }
    let shown = || project.run(&["show", "plan.json"]).all();
    if project.at("plan.json").exists() && leaks(shown().as_bytes(), CANARY).is_some() {
        found.push(format!("{name}: show plan.json"));
    }
    for (file, bytes) in files(project.path()) {
        if leaks(&bytes, CANARY).is_some() {
            found.push(format!("{name}: the file {file}"));
        }
    }
    found
}

#[test]
fn values_behind_references_stay_behind_them() {
    let project = Project::copy("mistakes");
    let names = [
        "NORDIC_SHOPIFY_TOKEN",
        "NORDIC_KLARNA_KEY",
        "NORDIC_SANDBOX_ID",
        "NORDIC_SANDBOX_SECRET",
        "NORDIC_FORTNOX_ID",
        "NORDIC_FORTNOX_SECRET",
        "NORDIC_WEBHOOKS",
        "FJORD_WOO_KEY",
        "FJORD_WOO_SECRET",
        "FJORD_FORTNOX_ID",
        "FJORD_FORTNOX_SECRET",
        "AURORA_SHOPIFY_ID",
        "AURORA_SHOPIFY_SECRET",
        "AURORA_BC_ID",
        "AURORA_BC_SECRET",
        "AURORA_BC_STATE",
        "FJORD_WOO_HOOKS",
    ];
    let values: Vec<String> = (0..names.len()).map(|at| format!("{CANARY}{at:02}")).collect();
    let environment: Vec<(&str, &str)> =
        names.iter().copied().zip(values.iter().map(String::as_str)).collect();
    project.write("secrets/nordic-webhooks", format!("{CANARY}file\n"));
    let run = |arguments: &[&str], code: i32| {
        let run = project.run_with(arguments, &environment);
        run.assert_code(code);
        assert_silent(&arguments.join(" "), run.all().as_bytes(), CANARY);
    };
    run(&["plan", "--out", "first.json", "--color", "always"], 0);
    run(&["apply", "first.json", "--color", "always"], 0);
    run(&["plan", "--color", "always"], 0);
    // The values change, the references do not.
    let changed: Vec<String> = values.iter().map(|value| format!("{value}b")).collect();
    let environment: Vec<(&str, &str)> =
        names.iter().copied().zip(changed.iter().map(String::as_str)).collect();
    for arguments in [
        &["plan", "--out", "second.json"][..],
        &["plan", "-o", "json"],
        &["show", "second.json"],
        &["show", "second.json", "-o", "json"],
        &["apply", "second.json", "-o", "json"],
        &["show", "nordic-outdoor"],
        &["show", "nordic-outdoor", "-o", "json"],
        &["explain", "nordic-outdoor", "connectors.shopify.connections"],
        &["validate"],
    ] {
        let run = project.run_with(arguments, &environment);
        run.assert_code(0);
        assert_silent(&arguments.join(" "), run.all().as_bytes(), CANARY);
    }
    let written = files(project.path());
    assert!(written.iter().any(|(name, _)| name == "test.db"), "the store was written");
    for (name, bytes) in written {
        assert_silent(&name, &bytes, CANARY);
    }
    // A secret that is not at hand stops its category, and is named by its reference.
    project.edit(N, "NORDIC_SHOPIFY_TOKEN", "NORDIC_OTHER_TOKEN");
    let run = project.run_with(&["apply", "--yes"], &environment);
    assert_ne!(run.code, 0);
    assert!(run.all().contains("env/NORDIC_OTHER_TOKEN"), "{}", run.all());
    assert_silent("a failed apply", run.all().as_bytes(), CANARY);
}

/// What looks like a credential of a known kind is one wherever it was pasted: into a name, a label, a key, a variable, a text.
#[test]
fn a_credential_in_the_wrong_place_is_shown_by_no_command_in_no_form() {
    const TOKENS: [&str; 3] = [
        "shpat_0123456789abcdef0123456789abcdef",
        "ghp_0123456789abcdefABCDEF0123456789abcd",
        "AKIA0123456789ABCDEF",
    ];
    let project = Project::empty();
    project.write(
        "pairform.yaml",
        format!(
            "version: 1\nlink: \"https://app.example/{0}/{{id}}\"\nenvironments: {{test: {{store: \"sqlite:.pairform/test.db\", vars: {{brand: \"{1}\"}}}}}}\n",
            TOKENS[0], TOKENS[1]
        ),
    );
    let file = |name: &str| {
        format!(
            "integration: nordic\npair: fortnox-shopify\n# {0}\nunmanaged: [connectors, article, stock, sales_accounts, customer, order_lines, invoice, order, shipping_methods]\nsettings:\n  general: {{name: \"{name} {0}\"}}\n  payment_methods:\n    default_terms_of_payment: '30'\n    map: {{\"Klarna\\n{1}\": '30', \"Swish {2} x\": '30'}}\n",
            TOKENS[0], TOKENS[1], TOKENS[2]
        )
    };
    project.write(
        "options/fortnox/1.lock.yaml",
        format!(
            "connector: fortnox\naccount: \"1\"\nsets:\n  terms_of_payment:\n    fetched: 2026-11-20\n    values:\n      \"30\": \"{0} x\"\n      \"14\": \"{1}\"\n",
            TOKENS[2], TOKENS[1]
        ),
    );
    project.write("integrations/nordic.yaml", file("Shop"));
    let git = |arguments: &[&str]| crate::revisions::git(project.path(), arguments);
    git(&["init", "-q", "-b", "main"]);
    git(&["add", "-A"]);
    git(&["commit", "-q", "-m", "Begin"]);
    let silent = |arguments: &[&str]| {
        let run = project.run(arguments);
        assert!(!run.stderr.contains("panicked") && run.code != 64, "{arguments:?}: {}", run.all());
        // Markdown writes a backslash before a line below.
        let read = run.all().replace('\\', "");
        for token in TOKENS {
            assert!(!read.contains(token), "{arguments:?}: {}", run.all());
        }
        run
    };
    for step in 0..2 {
        for form in ["text", "json", "markdown", "html", "sarif", "junit", "github", "gitlab"] {
            for command in [&["validate"][..], &["plan"], &["diff", "--base", "HEAD"]] {
                silent(&[command, &["-o", form, "--color", "always"]].concat());
            }
        }
        for form in ["text", "json"] {
            for command in [
                &["show", "nordic"][..],
                &["explain", "nordic", "general.name"],
                &["explain", "nordic", "payment_methods.methods"],
                &["options", "list"],
                &["list"],
                &["drift"],
                &["history"],
                &["policy", "show"],
                &["apply", "--yes"],
                &["history"],
            ] {
                silent(&[command, &["-o", form, "--color", "always"]].concat());
            }
        }
        silent(&["plan", "--out", "p.plan", "--color", "always"]);
        silent(&["show", "p.plan", "--color", "always"]);
        silent(&["show", "p.plan", "-o", "html"]);
        if step == 0 {
            // What changes is shown by its words, each in its colour.
            project.write("integrations/nordic.yaml", file("Market"));
        }
    }
    let told = silent(&["validate", "-o", "json"]).json();
    let files: std::collections::BTreeSet<&str> = told["findings"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| ["W0121", "E0320"].contains(&finding["code"].as_str().unwrap()))
        .map(|finding| finding["path"].as_str().unwrap())
        .collect();
    assert!(files.contains("pairform.yaml") && files.contains("integrations/nordic.yaml"), "{told:#}");
}
