//! Secrets from a Vault on loopback, through the real binary: read once to apply, never for a plan, told nowhere.

use std::path::Path;
use std::process::Command;

use serde_json::json;

use super::platforms::{Hit, Reply, Server, good, reply};

const CANARY: &str = "canary-4471";
const TOKEN: &str = "hvs.canary-token-9920";

fn answer(hit: &Hit) -> Reply {
    if hit.header("x-vault-token") != TOKEN || hit.header("x-vault-namespace") != "shops" {
        return reply(403, json!({"errors": ["permission denied"]}).to_string());
    }
    match hit.path.as_str() {
        "/v1/kv/data/shop/north" => good(&json!({"data":
            {"data": {"token": CANARY, "list": [CANARY]}, "metadata": {"version": 3}}})),
        "/v1/kv/data/shop/first" => good(&json!({"data": {"token": CANARY}})),
        "/v1/kv/data/shop/deleted" => good(&json!({"data": {"data": null, "metadata": {"version": 1}}})),
        "/v1/kv/data/shop/sealed" => reply(503, json!({"errors": ["Vault is sealed"]}).to_string()),
        "/v1/kv/data/shop/moved" => reply(307, "").with("location", "http://localhost:1/v1/kv"),
        _ => reply(404, json!({"errors": []}).to_string()),
    }
}

fn project(reference: &str) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir(folder.path().join("integrations")).unwrap();
    std::fs::write(folder.path().join("pairform.yaml"), "version: 1\n").unwrap();
    let text = format!(
        "integration: shop\npair: fortnox-shopify\nconnectors:\n  shopify:\n    active: one\n    connections:\n      one: {{shop: one, access_token: {{secret: {reference}}}}}\n      two: {{shop: two, access_token: {{secret: {reference}}}}}\n"
    );
    std::fs::write(folder.path().join("integrations/shop.yaml"), text).unwrap();
    folder
}

/// The exit code and all that was said, which never holds the value or the token.
fn run(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> (Option<i32>, String) {
    let output = Command::new(env!("CARGO_BIN_EXE_pairform"))
        .args(arguments)
        .current_dir(folder)
        .env_clear()
        .envs(variables.iter().copied())
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8_lossy(&said).into_owned();
    assert!(!said.contains(CANARY) && !said.contains(TOKEN), "{said}");
    (output.status.code(), said)
}

#[test]
fn a_secret_is_read_once_to_apply_and_never_for_a_plan() {
    let server = Server::start(answer);
    let address = format!("http://127.0.0.1:{}/", server.port);
    let around = [("VAULT_ADDR", address.as_str()), ("VAULT_TOKEN", TOKEN), ("VAULT_NAMESPACE", "shops")];
    let folder = project("vault/kv/shop/north#token");
    for command in [&["validate"][..], &["plan"], &["plan", "--out", "plan.json"]] {
        let (code, said) = run(folder.path(), command, &around);
        assert_eq!(code, Some(0), "{command:?}: {said}");
    }
    assert!(server.hits().is_empty());
    let (code, said) = run(folder.path(), &["apply", "--yes"], &around);
    assert_eq!(code, Some(0), "{said}");
    assert_eq!(server.hits().len(), 1, "two uses of one path are one request");
    let (_, _) = run(folder.path(), &["apply", "--yes"], &around);
    assert_eq!(server.hits().len(), 2, "to see whether it changed");
    let store = std::fs::read(folder.path().join(".pairform/state.db")).unwrap();
    let holds = |text: &str| store.windows(text.len()).any(|window| window == text.as_bytes());
    assert!(holds("vault/kv/shop/north#token") && !holds(CANARY) && !holds(TOKEN));
}

#[test]
fn what_vault_does_not_give_is_told_with_its_exit_code() {
    let server = Server::start(answer);
    let address = format!("http://127.0.0.1:{}", server.port);
    let good = [("VAULT_ADDR", address.as_str()), ("VAULT_TOKEN", TOKEN), ("VAULT_NAMESPACE", "shops")];
    let changed = |name: &'static str, value: &'static str| {
        let mut variables = good.to_vec();
        variables.retain(|(other, _)| *other != name);
        variables.extend((!value.is_empty()).then_some((name, value)));
        variables
    };
    let usual = "vault/kv/shop/north#token";
    for (reference, variables, code, part) in [
        ("vault/kv/shop/north#other", good.to_vec(), 6, "has no key `other`"),
        ("vault/kv/shop/north#list", good.to_vec(), 6, "is no text"),
        ("vault/kv/shop/none#token", good.to_vec(), 6, "has nothing there"),
        ("vault/kv/shop/deleted#token", good.to_vec(), 6, "deleted"),
        ("vault/kv/shop/first#token", good.to_vec(), 7, "version 2"),
        ("vault/kv/shop/sealed#token", good.to_vec(), 7, "sealed"),
        ("vault/kv/shop/moved#token", good.to_vec(), 7, "another address"),
        (usual, changed("VAULT_TOKEN", "hvs.wrong"), 6, "does not let this token"),
        (usual, changed("VAULT_NAMESPACE", ""), 6, "does not let this token"),
        (usual, changed("VAULT_TOKEN", ""), 6, "VAULT_TOKEN is not set"),
        (usual, changed("VAULT_ADDR", ""), 6, "VAULT_ADDR is not set"),
        (usual, changed("VAULT_ADDR", "http://vault.example.com"), 6, "https://"),
        (usual, changed("VAULT_ADDR", "http://127.0.0.1:1"), 7, "does not answer"),
        (usual, changed("VAULT_CACERT", "/nowhere.pem"), 6, "VAULT_CACERT"),
    ] {
        let (got, said) = run(project(reference).path(), &["apply", "--yes"], &variables);
        assert_eq!(got, Some(code), "{reference} {variables:?}: {said}");
        assert!(said.contains(part), "{reference}: {said}");
    }
}

#[test]
fn a_reference_that_cannot_be_right_is_a_finding() {
    for reference in
        ["vault/kv#token", "vault/kv/shop", "vault/kv/../sys/raw#key", "vault/kv//a#key", "vault/kv/a?b#key"]
    {
        let (code, said) = run(project(reference).path(), &["validate"], &[]);
        assert_eq!(code, Some(1), "{reference}: {said}");
        assert!(said.contains("vault/MOUNT/PATH#KEY"), "{said}");
    }
}
