//! Dropdown values of PowerOffice Go, Xero and Visma Business NXT, fetched from a server on loopback that answers as their documentation
//! says: tokens, headers, pages and refusals. It was written from those documents and not from our descriptors.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::platforms::{self, Hit, Reply, Server, good, reply};
use crate::run::{Project, Run};

const SECRETS: [(&str, &str); 10] = [
    ("W_KEY", "ck_1"),
    ("W_SECRET", "cs_1"),
    ("PO_APP", "poweroffice-application"),
    ("PO_CLIENT", "poweroffice-client"),
    ("PO_SUBSCRIPTION", "poweroffice-subscription"),
    ("X_ID", "xero-id"),
    ("X_SECRET", "xero-secret"),
    ("X_REFRESH", "xero-refresh-1"),
    ("NXT_ID", "nxt-id"),
    ("NXT_SECRET", "nxt-secret"),
];

const TENANT: &str = "aef86862-2015-4b6b-88bc-d89032cecc50";

fn answer(hit: &Hit) -> Reply {
    let (platform, rest) = hit.path.trim_start_matches('/').split_once('/').unwrap_or((&hit.path, ""));
    match platform {
        "poweroffice" => poweroffice(hit, rest),
        "xero" => xero(hit, rest),
        "nxt" => business_nxt(hit, rest),
        _ => platforms::all(hit),
    }
}

/// "Wait at least one second": ten requests a second for a subscription key, whoever's client key it is.
fn throttled() -> bool {
    static SEEN: Mutex<Vec<Instant>> = Mutex::new(Vec::new());
    let mut seen = SEEN.lock().unwrap();
    seen.retain(|at| at.elapsed() < Duration::from_secs(1));
    seen.push(Instant::now());
    seen.len() > 10
}

fn poweroffice(hit: &Hit, path: &str) -> Reply {
    if hit.header("ocp-apim-subscription-key") != "poweroffice-subscription" {
        return reply(
            401,
            r#"{"statusCode":401,"message":"Access denied due to missing subscription key."}"#,
        );
    }
    if path == "OAuth/Token" {
        // base64 of poweroffice-application:poweroffice-client
        let right = hit.method == "POST"
            && hit.header("authorization")
                == "Basic cG93ZXJvZmZpY2UtYXBwbGljYXRpb246cG93ZXJvZmZpY2UtY2xpZW50"
            && hit.body == "grant_type=client_credentials";
        return if right {
            good(&json!({"access_token": "po-access-1", "token_type": "bearer", "expires_in": 1200}))
        } else {
            reply(400, r#"{"error":"invalid_client","error_description":"Client integration not found."}"#)
        };
    }
    if hit.header("authorization") != "Bearer po-access-1" {
        return reply(401, r#"{"title":"Unauthorized","detail":"The token is not valid."}"#);
    }
    if throttled() {
        return reply(429, r#"{"statusCode":429,"message":"Rate limit is exceeded."}"#);
    }
    let (page, size) = (hit.number("PageNumber").max(1), hit.number("PageSize").clamp(1, 20_000));
    let all: Vec<Value> = match path {
        "v2/GeneralLedgerAccounts" => (0..5_300)
            .map(|n| json!({"Id": 900_000 + n, "AccountNo": 1000 + n, "Name": format!("Konto {n}"), "IsActive": n != 2, "VatCode": if n == 0 { "3" } else { "0" }}))
            .collect(),
        "v2/PaymentTerms" => vec![
            json!({"Id": 1, "Name": "14 dager", "CreditDays": 14, "IsDefault": true, "IsActive": true}),
            json!({"Id": 2, "Name": "30 dager", "CreditDays": 30, "IsDefault": false, "IsActive": false}),
        ],
        "v2/Currencies" => vec![json!({"Code": "NOK", "Notation": "Norwegian krone", "IsActive": true})],
        "v2/Departments" => vec![json!({"Id": 7, "Code": "10", "Name": "Nettbutikk", "IsActive": true})],
        _ => return reply(404, r#"{"title":"Not found","detail":"There is no such resource."}"#),
    };
    let shown: Vec<Value> = all.into_iter().skip((page - 1) * size).take(size).collect();
    good(&shown.into())
}

fn xero(hit: &Hit, path: &str) -> Reply {
    if path == "connect/token" {
        // base64 of xero-id:xero-secret
        if hit.header("authorization") != "Basic eGVyby1pZDp4ZXJvLXNlY3JldA==" {
            return reply(400, r#"{"error":"invalid_client"}"#);
        }
        return match hit.body.as_str() {
            "grant_type=refresh_token&refresh_token=xero-refresh-1" => good(
                &json!({"access_token": "xero-access-1", "expires_in": 1800, "token_type": "Bearer", "refresh_token": "xero-refresh-2", "scope": "offline_access accounting.settings"}),
            ),
            "grant_type=client_credentials" => {
                good(&json!({"access_token": "xero-custom-1", "expires_in": 1800, "token_type": "Bearer"}))
            }
            _ => reply(400, r#"{"error":"invalid_grant"}"#),
        };
    }
    // A consent may be for several organisations; a custom connection is for one.
    let known = match hit.header("authorization") {
        "Bearer xero-access-1" => hit.header("xero-tenant-id") == TENANT,
        "Bearer xero-custom-1" => true,
        _ => false,
    };
    if !known {
        return reply(
            403,
            r#"{"Type":null,"Title":"Forbidden","Status":403,"Detail":"AuthenticationUnsuccessful"}"#,
        );
    }
    // It answers in XML to whoever does not ask for JSON.
    if !hit.header("accept").contains("application/json") {
        return reply(200, "<Response/>");
    }
    match path {
        "api.xro/2.0/Accounts" => good(&json!({"Accounts": [
            {"AccountID": "a1", "Name": "Business Bank Account", "Status": "ACTIVE", "Type": "BANK", "TaxType": "NONE"},
            {"AccountID": "a2", "Code": "200", "Name": "Sales", "Status": "ACTIVE", "Type": "REVENUE", "TaxType": "OUTPUT2"},
            {"AccountID": "a3", "Code": "201", "Name": "Old sales", "Status": "ARCHIVED", "Type": "REVENUE", "TaxType": "OUTPUT2"},
        ]})),
        "api.xro/2.0/TaxRates" => good(&json!({"TaxRates": [
            {"Name": "20% (VAT on Income)", "TaxType": "OUTPUT2", "Status": "ACTIVE", "EffectiveRate": 20.0},
            {"Name": "Old", "TaxType": "TAX001", "Status": "DELETED"},
        ]})),
        "api.xro/2.0/TrackingCategories" => good(&json!({"TrackingCategories": [
            {"TrackingCategoryID": "c1", "Name": "Channel", "Status": "ACTIVE", "Options": [
                {"TrackingOptionID": "o1", "Name": "Online", "Status": "ACTIVE"},
                {"TrackingOptionID": "o2", "Name": "Store", "Status": "ARCHIVED"},
            ]},
            {"TrackingCategoryID": "c2", "Name": "Region", "Status": "ACTIVE", "Options": []},
        ]})),
        "api.xro/2.0/Currencies" => {
            good(&json!({"Currencies": [{"Code": "GBP", "Description": "British Pound"}]}))
        }
        _ => reply(404, r#"{"Type":"NotFound","Message":"The resource was not found."}"#),
    }
}

/// GraphQL checks the types of variables: the company's number is an integer.
fn business_nxt(hit: &Hit, path: &str) -> Reply {
    if path == "connect/token" {
        let right = hit.body.contains("grant_type=client_credentials")
            && hit.body.contains("client_id=nxt-id")
            && hit.body.contains("client_secret=nxt-secret")
            && hit.body.contains("scope=business-graphql-service-api%3Aaccess-group-based");
        return if right {
            good(&json!({"access_token": "nxt-access-1", "expires_in": 3600, "token_type": "Bearer"}))
        } else {
            reply(400, r#"{"error":"invalid_scope"}"#)
        };
    }
    if hit.header("authorization") != "Bearer nxt-access-1" || path != "api/graphql-service" {
        return reply(401, "");
    }
    let asked = hit.json();
    let (query, variables) = (asked["query"].as_str().unwrap_or_default(), &asked["variables"]);
    if query.contains("$company: Int!") && variables["company"] != json!(4_960_258) {
        return good(
            &json!({"errors": [{"message": "Variable '$company' is invalid. Unable to convert to 'Int'."}]}),
        );
    }
    let page = |table: &str, items: Value, next: Option<&str>| {
        good(
            &json!({"data": {"useCompany": {table: {"pageInfo": {"hasNextPage": next.is_some(), "endCursor": next}, "items": items}}}}),
        )
    };
    let after = variables["after"].as_str();
    match () {
        () if query.contains("generalLedgerAccount(") => match after {
            None => page(
                "generalLedgerAccount",
                json!([{"accountNo": 3000, "name": "Salgsinntekt, avgiftspliktig"}]),
                Some("c1"),
            ),
            Some("c1") => page(
                "generalLedgerAccount",
                json!([{"accountNo": 3100, "name": "Salgsinntekt, avgiftsfri"}]),
                None,
            ),
            Some(_) => reply(400, r#"{"errors":[{"message":"The cursor is not valid."}]}"#),
        },
        () if query.contains("textType: {_eq: 7}") && variables["language"] == json!(46) => {
            page("text", json!([{"textNo": 1, "text": "Kontant"}, {"textNo": 3, "text": "Visa"}]), None)
        }
        () => good(&json!({"errors": [{"message": "Cannot query this."}]})),
    }
}

fn integration(project: &Project, name: &str, pair: &str, url: &str, erp: &str, settings: &str) {
    let text = format!(
        "integration: {name}\npair: {pair}\nflows: {{orders: true, invoices: true}}\nconnectors:\n  woocommerce:\n    active: p\n    connections:\n      p: {{store_url: \"{url}/woocommerce\", consumer_key: {{secret: env/W_KEY}}, consumer_secret: {{secret: env/W_SECRET}}}}\n{erp}settings:\n{settings}"
    );
    project.write(&format!("integrations/{name}.yaml"), text);
}

fn refresh(project: &Project, server: &Server) -> Run {
    let here = pairform::schema::parts::Catalogue::default().names("connectors");
    let here = here.iter().map(|id| format!("{id}=127.0.0.1:{}", server.port)).collect::<Vec<_>>().join(" ");
    let environment: Vec<(&str, &str)> =
        SECRETS.into_iter().chain([("PAIRFORM_ALLOW", here.as_str())]).collect();
    let run = project.run_with(&["options", "refresh", "-o", "json", "--timeout", "20s"], &environment);
    for (_, secret) in SECRETS.iter().filter(|(_, secret)| secret.len() > 5) {
        assert!(!run.all().contains(secret), "a secret is told: {}", run.all());
    }
    run
}

fn values(project: &Project, lock: &str, set: &str) -> Vec<String> {
    let text = project.read(&format!("options/{lock}.lock.yaml"));
    let from = text.split(&format!("\n  {set}:\n")).nth(1).unwrap_or_else(|| panic!("no {set} in\n{text}"));
    let lines = from.lines().skip_while(|line| !line.trim_start().starts_with("values:")).skip(1);
    lines.take_while(|line| line.starts_with("      ")).map(|line| line.trim().to_owned()).collect()
}

#[test]
fn lists_are_fetched_with_the_tokens_pages_and_limits_of_each() {
    let server = Server::start(answer);
    let url = format!("http://127.0.0.1:{}", server.port);
    let project = Project::empty();
    integration(
        &project,
        "po",
        "poweroffice-go-woocommerce",
        &url,
        &format!(
            "  poweroffice-go:\n    active: p\n    connections:\n      p: {{application_key: {{secret: env/PO_APP}}, client_key: {{secret: env/PO_CLIENT}}, subscription_key: {{secret: env/PO_SUBSCRIPTION}}, base_url: \"{url}/poweroffice\", token_url: \"{url}/poweroffice/OAuth/Token\"}}\n"
        ),
        "  order: {department: 7, default_currency: NOK}\n  invoice: {payment_account: 1001}\n  payment_methods: {default_terms_of_payment: 1}\n",
    );
    integration(
        &project,
        "xero",
        "woocommerce-xero",
        &url,
        &format!(
            "  xero:\n    active: p\n    connections:\n      p: {{client_id: {{secret: env/X_ID}}, client_secret: {{secret: env/X_SECRET}}, refresh_token: {{secret: env/X_REFRESH}}, tenant_id: {TENANT}, base_url: \"{url}/xero\", token_url: \"{url}/xero/connect/token\"}}\n"
        ),
        "  order: {tracking: [o1], default_currency: GBP}\n  order_lines: {tax_types: {GB: OUTPUT2}}\n  sales_accounts: {home: {\"20\": \"200\"}}\n",
    );
    integration(
        &project,
        "nxt",
        "visma-business-nxt-woocommerce",
        &url,
        &format!(
            "  visma-business-nxt:\n    active: p\n    connections:\n      p: {{client_id: {{secret: env/NXT_ID}}, client_secret: {{secret: env/NXT_SECRET}}, company_no: 4960258, language_no: 46, base_url: \"{url}/nxt\", token_url: \"{url}/nxt/connect/token\"}}\n"
        ),
        "  payment_methods: {default_payment_method: 3, fee_account: 3000}\n",
    );
    let run = refresh(&project, &server);
    run.assert_code(0);

    let poweroffice = "poweroffice-go/env-PO_CLIENT";
    assert_eq!(
        values(&project, poweroffice, "terms_of_payment"),
        ["\"1\": \"14 dager\"", "\"2\": {label: \"30 dager\", active: false}"]
    );
    let accounts = values(&project, poweroffice, "account");
    assert_eq!(accounts.len(), 5_300, "both pages");
    assert_eq!(accounts[0], "\"1000\": {label: \"Konto 0\", keep: {vat_code: \"3\"}}");
    assert_eq!(accounts[2], "\"1002\": {label: \"Konto 2\", active: false, keep: {vat_code: \"0\"}}");
    assert_eq!(values(&project, poweroffice, "department"), ["\"7\": \"10 Nettbutikk\""]);

    let xero = &format!("xero/{TENANT}");
    // A bank account has no code, and is none that a row is booked on.
    assert_eq!(
        values(&project, xero, "account"),
        [
            "\"200\": {label: \"Sales\", keep: {vat_code: \"OUTPUT2\"}}",
            "\"201\": {label: \"Old sales\", active: false, keep: {vat_code: \"OUTPUT2\"}}"
        ]
    );
    assert_eq!(
        values(&project, xero, "vat_type"),
        ["\"OUTPUT2\": \"20% (VAT on Income)\"", "\"TAX001\": {label: \"Old\", active: false}"]
    );
    assert_eq!(
        values(&project, xero, "tracking_option"),
        ["\"o1\": \"Online\"", "\"o2\": {label: \"Store\", active: false}"]
    );

    let nxt = "visma-business-nxt/4960258";
    assert_eq!(
        values(&project, nxt, "account"),
        ["\"3000\": \"Salgsinntekt, avgiftspliktig\"", "\"3100\": \"Salgsinntekt, avgiftsfri\""]
    );
    assert_eq!(values(&project, nxt, "mode_of_payment"), ["\"1\": \"Kontant\"", "\"3\": \"Visa\""]);

    for platform in ["/poweroffice/OAuth/Token", "/xero/connect/token", "/nxt/connect/token"] {
        assert_eq!(server.paths(platform).len(), 1, "one token serves for all of {platform}");
    }
    assert_eq!(run.json()["accounts"].as_array().unwrap().len(), 3);
}

#[test]
fn a_custom_connection_of_xero_needs_no_organisation_and_a_consent_does() {
    let server = Server::start(answer);
    let url = format!("http://127.0.0.1:{}", server.port);
    let xero = |credentials: &str| {
        format!(
            "  xero:\n    active: p\n    connections:\n      p: {{client_id: {{secret: env/X_ID}}, client_secret: {{secret: env/X_SECRET}}, {credentials}base_url: \"{url}/xero\", token_url: \"{url}/xero/connect/token\"}}\n"
        )
    };
    let project = Project::empty();
    let settings = "  sales_accounts: {home: {\"20\": \"200\"}}\n";
    integration(&project, "xero", "woocommerce-xero", &url, &xero(""), settings);
    refresh(&project, &server).assert_code(0);
    assert_eq!(values(&project, "xero/env-X_SECRET", "account").len(), 2);

    integration(
        &project,
        "xero",
        "woocommerce-xero",
        &url,
        &xero("refresh_token: {secret: env/X_REFRESH}, "),
        settings,
    );
    let run = project.run(&["validate"]);
    run.assert_code(1);
    assert!(run.all().contains("say which one as `tenant_id`"), "{}", run.all());
}
