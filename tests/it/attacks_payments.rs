//! What a branch tries to reach by a payment provider that stands beside a pair: the same lines hold as for the two of the pair.

use crate::run::Project;

const CANARY: &str = "canary-7c20";

/// A shop without connections of its pair, that connects one provider.
fn shop(provider: &str, fields: &str) -> String {
    format!(
        "integration: nordic\npair: fortnox-shopify\nunmanaged: [article, stock, customer, order, invoice]\nconnectors:\n  {provider}:\n    active: p\n    connections:\n      p: {{{fields}}}\nsettings:\n  general: {{name: Nordic}}\n"
    )
}

const GOOD: &str = "merchant_id: \"1\", api_key: {secret: env/K_KEY}";

fn built_in(from: &str, to: &str) -> String {
    let path = format!("{}/schemas/connectors/klarna.yaml", env!("CARGO_MANIFEST_DIR"));
    let text = std::fs::read_to_string(path).unwrap();
    assert!(text.contains(from), "{from}");
    text.replace(from, to)
}

fn apply(files: &[(&str, String)], allow: &str) -> crate::run::Run {
    let project = Project::empty();
    files.iter().for_each(|(path, text)| project.write(path, text));
    let run = project.run_with(&["apply", "--yes"], &[("PAIRFORM_ALLOW", allow), ("K_KEY", CANARY)]);
    assert!(!run.all().contains(CANARY), "{}", run.all());
    run
}

#[test]
fn no_payment_provider_leads_a_credential_to_a_host_that_is_not_allowed() {
    let integration = "integrations/nordic.yaml";
    let own = "schemas/connectors/mypay.yaml";
    let part = "schemas/connectors/klarna.yaml";
    let named = built_in("connector: klarna", "connector: mypay").replace(".klarna.com", ".mypay.example");
    let named = named.replace("title: Klarna\n", "title: My Pay\n");
    for (files, line) in [
        (vec![(integration, shop("klarna", GOOD))], None),
        (
            vec![(integration, shop("klarna", &format!("{GOOD}, base_url: \"https://evil.example\"")))],
            Some("klarna=evil.example"),
        ),
        (
            vec![(
                integration,
                shop("klarna", &format!("{GOOD}, base_url: \"https://api.klarna.com.evil.example\"")),
            )],
            Some("klarna=api.klarna.com.evil.example"),
        ),
        (
            vec![
                (integration, shop("klarna", GOOD)),
                (part, built_in("https://{server}.klarna.com", "https://{server}.evil.example")),
            ],
            Some("klarna=api.evil.example"),
        ),
        (vec![(integration, shop("mypay", GOOD)), (own, named)], Some("mypay=api.mypay.example")),
    ] {
        let refused = apply(&files, "");
        match line {
            None => assert_eq!(refused.code, 0, "{}", refused.all()),
            Some(line) => {
                assert_eq!(refused.code, 6, "{files:?}: {}", refused.all());
                assert!(refused.all().contains(line), "{line}: {}", refused.all());
                assert_eq!(apply(&files, line).code, 0, "{}", apply(&files, line).all());
            }
        }
    }
    // The names of servers are a list, so that none of them is a host of somebody else.
    let server = shop("klarna", &format!("{GOOD}, server: \"evil.example/\""));
    let refused = apply(&[(integration, server)], "");
    assert!(refused.code == 1 && refused.all().contains("E0304"), "{}", refused.all());
}

#[test]
fn a_payment_provider_has_no_secret_that_is_not_allowed_and_none_in_the_open() {
    let integration = "integrations/nordic.yaml";
    let refused = apply(&[(integration, shop("klarna", GOOD))], "secret=env/OTHER_*");
    assert_eq!(refused.code, 6, "{}", refused.all());
    assert!(refused.all().contains("secret=env/K_KEY"), "{}", refused.all());
    let open = shop("klarna", &format!("merchant_id: \"1\", api_key: {CANARY}"));
    let refused = apply(&[(integration, open)], "");
    assert_eq!(refused.code, 1, "{}", refused.all());
    assert!(refused.all().contains("E0320"), "{}", refused.all());
}

/// A part with mistakes is told at its place, and nothing more of who connects it.
#[test]
fn a_payment_provider_with_mistakes_is_one_finding() {
    let project = Project::empty();
    project.write("integrations/nordic.yaml", shop("mypay", GOOD));
    let part = built_in("connector: klarna", "connector: mypay")
        .replace("account: merchant_id", "account: merchant");
    project.write("schemas/connectors/mypay.yaml", part);
    let run = project.run(&["validate", "-o", "json"]);
    let run = run.assert_code(1).json();
    let errors: Vec<&serde_json::Value> =
        run["findings"].as_array().unwrap().iter().filter(|finding| finding["severity"] == "error").collect();
    assert!(matches!(errors[..], [one] if one["path"] == "schemas/connectors/mypay.yaml"), "{errors:#?}");
}
