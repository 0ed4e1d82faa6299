//! Payment providers beside a pair, end to end: what is found of their payouts, and that they are planned, saved and told as the
//! two of the pair are. A provider is made here, so that no fact about a real one is asked for.

use serde_json::Value;

use crate::run::Project;

/// Pays out in two currencies, and sends invoices for its fees.
const PART: &str = "connector: mypay
title: My Pay
side: payment
base_url: https://api.mypay.example
account: merchant
connection:
  properties:
    merchant: {title: Merchant, description: The merchant., type: string}
    key: {title: Key, description: The key., x-secret: true}
  required: [merchant, key]
  additionalProperties: false
auth: [{when: [key], headers: {Authorization: \"Bearer {key}\"}, evidence: unverified, source: made up}]
options: {}
topics: {}
no_webhooks: it sends none
payouts:
  currencies: {known: [SEK, EUR], evidence: unverified, source: made up}
  fees: {taken: invoiced, evidence: unverified, source: made up}
";

const CONNECTED: &str = "connectors:
  shopify: {active: p, connections: {p: {shop: nordic, access_token: {secret: env/S_TOKEN}}}}
  fortnox: {active: p, connections: {p: {client_id: {secret: env/F_ID}, client_secret: {secret: env/F_SECRET}, tenant_id: \"1\"}}}
  mypay: {active: p, connections: {p: {merchant: nordic, key: {secret: env/M_KEY}}}}
";

const ALLOWED: &[(&str, &str)] = &[
    ("PAIRFORM_ALLOW", "mypay=api.mypay.example"),
    ("S_TOKEN", "a"),
    ("F_ID", "b"),
    ("F_SECRET", "c"),
    ("M_KEY", "d"),
];

fn project(connectors: &str, payout: &str) -> Project {
    let project = Project::empty();
    project.write("schemas/connectors/mypay.yaml", PART);
    let text = format!(
        "integration: nordic\npair: fortnox-shopify\nunmanaged: [article, stock, customer, order, invoice, order_lines, shipping_methods, sales_accounts]\nflows: {{payouts: true}}\n{connectors}settings:\n  general: {{name: Nordic, time_zone: Europe/Stockholm}}\n  payment_methods:\n    default_terms_of_payment: \"30\"\n    payout: {{reference_field: ExternalInvoiceReference1, {payout}}}\n"
    );
    project.write("integrations/nordic.yaml", text);
    project
}

/// Code and message of what is found.
fn found(connectors: &str, payout: &str) -> Vec<String> {
    let run = project(connectors, payout).run(&["validate", "-o", "json"]);
    let all = run.json()["findings"].as_array().unwrap().clone();
    let said =
        |one: &Value| format!("{} {}", one["code"].as_str().unwrap(), one["message"].as_str().unwrap());
    all.iter().map(said).collect()
}

#[test]
fn each_payout_has_an_account_and_each_fee_that_is_kept_back() {
    let none: &[&str] = &[];
    let fee = "N0446 the fees that providers keep back have no account";
    for (payout, expected) in [
        ("fee_account: 6570, map: {Swish: {account: 1580, currency: SEK}}", none),
        ("map: {Swish: {account: 1580, currency: SEK}}", &[fee]),
        ("map: {Swish: {account: 1580, currency: SEK, fee_account: 6570}}", none),
        ("map: {Swish: {currencies: {SEK: {account: 1580, fee_account: 6570}}}}", none),
        (
            "map: {Swish: {currencies: {SEK: {account: 1580, fee_account: 6570}, EUR: {account: 1581}}}}",
            &[fee],
        ),
        ("map: {Swish: {fee_account: 6570, currencies: {SEK: {account: 1580}, EUR: {account: 1581}}}}", none),
        (
            "fee_account: 6570, map: {Swish: {account: 1580, currency: SEK, fee_vat: included}}",
            &["N0446 the VAT in the fees that a provider keeps back has no account"],
        ),
        (
            "fee_account: 6570, fee_vat_account: 2641, map: {Swish: {account: 1580, currency: SEK, fee_vat: included}}",
            none,
        ),
        ("fee_account: 6570, map: {Swish: {account: 1580, currency: SEK, fee_vat: reverse_charge}}", none),
        // Its fees are invoices.
        ("map: {mypay: {account: 1580, currency: SEK}}", none),
    ] {
        let notes: Vec<String> =
            found(CONNECTED, payout).into_iter().filter(|one| one.starts_with('N')).collect();
        assert_eq!(notes, expected, "{payout}");
    }
}

#[test]
fn a_provider_that_is_connected_has_a_row_in_the_currencies_that_it_pays_out_in() {
    let none: &[&str] = &[];
    for (payout, expected) in [
        ("map: {mypay: {account: 1580, currency: SEK}}", none),
        ("map: {My Pay: {account: 1580, currency: SEK}}", none),
        ("map: {mypay: {currencies: {SEK: {account: 1580}, EUR: {account: 1581}}}}", none),
        (
            "fee_account: 6570, map: {Swish: {account: 1580, currency: SEK}}",
            &["W0476 payouts of My Pay have no account"],
        ),
        ("map: {mypay: {account: 1580, currency: NOK}}", &["W0476 My Pay is not known to pay out in NOK"]),
        (
            "map: {mypay: {currencies: {SEK: {account: 1580}, NOK: {account: 1581}}}}",
            &["W0476 My Pay is not known to pay out in NOK"],
        ),
        ("map: {mypay: null}", &["W0476 payouts of My Pay have no account"]),
        // A row says a currency with its account, several in records, or both.
        ("map: {mypay: {account: 1580, currency: SEK, currencies: {EUR: {account: 1581}}}}", none),
        ("map: {mypay: {account: 1580}}", &["E0307"]),
        ("map: {mypay: {account: 1580, currencies: {EUR: {account: 1581}}}}", &["E0307"]),
    ] {
        let found = found(CONNECTED, payout);
        let fits = found.len() == expected.len()
            && found.iter().zip(expected).all(|(found, expected)| found.starts_with(expected));
        assert!(fits, "{payout}: {found:?}");
    }
}

#[test]
fn a_provider_is_planned_saved_and_explained_as_a_connector_of_the_pair() {
    let project =
        project(CONNECTED, "map: {mypay: {currencies: {SEK: {account: 1580}, EUR: {account: 1581}}}}");
    let planned = project.run_with(&["plan", "-o", "json"], ALLOWED).assert_code(0).json();
    let categories = planned["integrations"][0]["categories"].as_array().unwrap();
    let settings = |category: &str| -> Vec<String> {
        let of = categories.iter().find(|one| one["category"] == category).unwrap();
        of["changes"]
            .as_array()
            .unwrap()
            .iter()
            .map(|one| one["setting"].as_str().unwrap().to_owned())
            .collect()
    };
    assert!(settings("connectors").contains(&"mypay.connections.p.key".to_owned()));
    assert!(settings("payment_methods").contains(&"payout.map.mypay.currencies.EUR.account".to_owned()));
    project.run_with(&["apply", "--yes"], ALLOWED).assert_code(0);
    project.run_with(&["plan", "--detailed-exitcode"], ALLOWED).assert_code(0);
    let told = project.run_with(&["explain", "nordic", "connectors.mypay.connections.p.key"], ALLOWED);
    assert!(told.assert_code(0).stdout.contains("env/M_KEY"), "{}", told.all());
    // Another value of its secret is a change, and so is that it is taken away.
    let rotated: Vec<(&str, &str)> =
        ALLOWED.iter().map(|(name, value)| (*name, if *name == "M_KEY" { "e" } else { value })).collect();
    project.run_with(&["plan", "--detailed-exitcode"], &rotated).assert_code(2);
    let row = "mypay: {active: p, connections: {p: {merchant: nordic, key: {secret: env/M_KEY}}}}";
    project.edit("integrations/nordic.yaml", row, "mypay: null");
    let gone = project.run_with(&["plan", "--detailed-exitcode"], ALLOWED);
    assert!(gone.assert_code(2).stdout.contains("mypay.active"), "{}", gone.all());
    let listed = project.run(&["schema", "list", "-o", "json"]).assert_code(0).json();
    assert!(listed["payments"].as_array().unwrap().contains(&"mypay".into()), "{listed}");
}
