//! `pairform options` and what it writes, through the real binary, against servers on loopback that answer as the platforms do.

use std::fs;
use std::io::{Read as _, Write as _};
use std::path::Path;
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::platforms::{self, Hit, Reply, Server, good, recorded, reply};
use crate::trace::{may_trace, under_strace};

/// Every secret of the tests, by the variable that holds it.
const SECRETS: [(&str, &str); 19] = [
    ("F_ID", "fid"),
    ("F_SECRET", "fsecret"),
    ("S_TOKEN", "shpat_1"),
    ("W_KEY", "ck_1"),
    ("W_SECRET", "cs_1"),
    ("T_CONSUMER", "tripletex-consumer"),
    ("T_EMPLOYEE", "tripletex-employee"),
    ("B_ID", "bcid"),
    ("B_SECRET", "bcsecret"),
    ("VN_ID", "vnid"),
    ("VN_SECRET", "vnsecret"),
    ("VS_REFRESH", "spiris-refresh-1"),
    ("E_APP", "ecapp"),
    ("E_GRANT", "ecgrant"),
    ("M_SECRET", "mcsecret"),
    ("M_TOKEN_SECRET", "matsecret"),
    ("SW_SECRET", "swsecret"),
    ("C_TOKEN", "centra-1"),
    ("N_SECRET", "nsecret"),
];

struct Project {
    folder: TempDir,
}

struct Ran {
    code: i32,
    out: String,
    err: String,
}

impl Ran {
    /// The JSON of `options`, which fits its published schema, or of another command.
    fn json(&self) -> Value {
        let body: Value = serde_json::from_str(&self.out)
            .unwrap_or_else(|error| panic!("{error}\n{}\n{}", self.out, self.err));
        if body["command"].as_str().is_some_and(|command| command.starts_with("options")) {
            let path = format!("{}/schemas/output/options.schema.json", env!("CARGO_MANIFEST_DIR"));
            let schema: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
            let errors: Vec<String> = jsonschema::validator_for(&schema)
                .unwrap()
                .iter_errors(&body)
                .map(|error| error.to_string())
                .collect();
            assert!(errors.is_empty(), "{errors:?}");
        }
        body
    }
}

/// The places on this machine that the files of a folder name.
fn here(folder: &Path) -> Vec<String> {
    let texts = walk(folder).into_iter().filter_map(|path| fs::read_to_string(path).ok());
    let text: String = texts.collect();
    let mut places: Vec<String> = ["127.0.0.1:", "localhost:"]
        .iter()
        .flat_map(|host| text.match_indices(host))
        .map(|(at, host)| {
            let port: String = text[at + host.len()..].chars().take_while(char::is_ascii_digit).collect();
            format!("{host}{port}")
        })
        .filter(|place| !place.ends_with(':'))
        .collect();
    places.sort();
    places.dedup();
    places
}

impl Project {
    fn new() -> Self {
        let project = Project { folder: tempfile::tempdir().unwrap() };
        project.write("pairform.yaml", "version: 1\n");
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.folder.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn read(&self, path: &str) -> String {
        fs::read_to_string(self.folder.path().join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
        command.args(arguments).current_dir(self.folder.path()).envs(SECRETS);
        // The platforms here are on this machine, which no built-in connector is.
        let connectors = pairform::schema::parts::Catalogue::default().names("connectors");
        let places = here(self.folder.path());
        let lines = connectors.iter().flat_map(|id| places.iter().map(move |place| format!("{id}={place}")));
        command.env("PAIRFORM_ALLOW", lines.collect::<Vec<_>>().join(" "));
        for (name, value) in [
            ("M_KEY", "mck"),
            ("M_TOKEN", "mat"),
            ("SW_ID", "swid"),
            ("N_ID", "nid"),
            ("VS_ID", "vsid"),
            ("VS_SECRET", "vssecret"),
        ] {
            command.env(name, value);
        }
        for proxy in ["http_proxy", "https_proxy", "all_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"] {
            // A dead one: what is on this machine is not asked by way of a proxy.
            command.env(proxy, "http://127.0.0.1:9");
        }
        command
    }

    fn run(&self, arguments: &[&str]) -> Ran {
        let output = self.command(arguments).output().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let ran = Ran {
            code: output.status.code().unwrap_or(-1),
            out: text(output.stdout),
            err: text(output.stderr),
        };
        for secret in
            SECRETS.iter().map(|(_, value)| *value).chain(["fortnox-access-1", "tripletex-session-1"])
        {
            let plain = secret.len() > 5;
            assert!(
                !plain || !(ran.out.contains(secret) || ran.err.contains(secret)),
                "a secret is told:\n{}\n{}",
                ran.out,
                ran.err
            );
        }
        ran
    }

    /// `options refresh` whose outcome is not the subject.
    fn refresh(&self) {
        let ran = self.run(&["options", "refresh"]);
        assert_eq!(ran.code, 0, "{}\n{}", ran.out, ran.err);
    }

    /// The failures of the last refresh, as `set: reason: message`.
    fn failures(ran: &Ran) -> Vec<String> {
        let body = ran.json();
        let sets = body["accounts"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|account| account["sets"].as_array().unwrap());
        sets.filter(|set| set["outcome"] == "failed")
            .map(|set| {
                format!(
                    "{}: {}: {}",
                    set["set"].as_str().unwrap(),
                    set["reason"].as_str().unwrap(),
                    set["message"].as_str().unwrap()
                )
            })
            .collect()
    }
}

fn fortnox(url: &str, tenant: &str) -> String {
    format!(
        "  fortnox:\n    active: production\n    connections:\n      production:\n        client_id: {{secret: env/F_ID}}\n        client_secret: {{secret: env/F_SECRET}}\n        tenant_id: \"{tenant}\"\n        base_url: {url}\n        token_url: {url}/oauth-v1/token\n"
    )
}

fn shopify(url: &str, shop: &str) -> String {
    format!(
        "  shopify:\n    active: p\n    connections:\n      p: {{shop: {shop}, access_token: {{secret: env/S_TOKEN}}, base_url: \"{url}\"}}\n"
    )
}

fn woocommerce(url: &str) -> String {
    format!(
        "  woocommerce:\n    active: p\n    connections:\n      p: {{store_url: \"{url}\", consumer_key: {{secret: env/W_KEY}}, consumer_secret: {{secret: env/W_SECRET}}}}\n"
    )
}

fn tripletex(url: &str) -> String {
    format!(
        "  tripletex:\n    active: p\n    connections:\n      p: {{consumer_token: {{secret: env/T_CONSUMER}}, employee_token: {{secret: env/T_EMPLOYEE}}, base_url: \"{url}\"}}\n"
    )
}

/// An integration that uses a few Fortnox sets.
fn nordic(project: &Project, url: &str, settings: &str) {
    let text = format!(
        "integration: nordic\npair: fortnox-shopify\nflows: {{articles: false, stock: false, orders: true, invoices: false}}\nconnectors:\n{}unmanaged: [article, stock, additional_filters, order, customer, invoice, order_lines, general, sales_accounts, webhooks, schedules]\nsettings:\n{settings}",
        fortnox(url, "1234567"),
    );
    project.write("integrations/nordic.yaml", &text);
}

const TERMS: &str = "  payment_methods:\n    default_terms_of_payment: \"30\"\n  shipping_methods:\n    default_way_of_delivery: PN\n";

fn lock_values(text: &str, set: &str) -> Vec<String> {
    let from = text.split(&format!("\n  {set}:\n")).nth(1).unwrap_or_else(|| panic!("no {set} in\n{text}"));
    from.lines()
        .skip_while(|line| !line.trim_start().starts_with("values:"))
        .skip(1)
        .take_while(|line| line.starts_with("      "))
        .map(|line| line.trim().to_owned())
        .collect()
}

/// Without the sliding windows of real time, which would make every test slow.
fn start() -> (Server, String) {
    let server = Server::start(platforms::all);
    let url = format!("http://127.0.0.1:{}", server.port);
    (server, url)
}

#[test]
fn all_twelve_platforms_are_fetched_from() {
    let (server, url) = start();
    let project = Project::new();
    let catalogue = pairform::schema::parts::Catalogue::default();
    let of = |name: &str, pair: &str, connectors: &str, settings: &str| {
        let known = catalogue.pair(pair).unwrap();
        let flows =
            known.flows.iter().map(|flow| format!("{}: true", flow.id)).collect::<Vec<_>>().join(", ");
        let text = format!(
            "integration: {name}\npair: {pair}\nflows: {{{flows}}}\nconnectors:\n{connectors}settings:\n{settings}"
        );
        project.write(&format!("integrations/{name}.yaml"), &text);
    };
    of(
        "a",
        "fortnox-shopify",
        &(fortnox(&format!("{url}/fortnox"), "1234567") + &shopify(&format!("{url}/shopify"), "nordic")),
        "  stock:\n    target_location: gid://shopify/Location/1\n  payment_methods:\n    map: {Klarna: \"30\"}\n  shipping_methods:\n    map: {Standard: PN}\n  sales_accounts:\n    home: {\"25\": 3001}\n",
    );
    of(
        "b",
        "tripletex-woocommerce",
        &(tripletex(&format!("{url}/tripletex")) + &woocommerce(&format!("{url}/woocommerce"))),
        "  invoice:\n    mode_of_payment_map: {bacs: 101}\n  sales_accounts:\n    home: {\"25\": 1001}\n",
    );
    of(
        "c",
        "business-central-magento",
        &format!(
            "  business-central:\n    active: p\n    connections:\n      p: {{tenant_id: t, environment: Production, company_id: 01a5738a-44e3-ea11-bb43-000d3a2feca1, client_id: {{secret: env/B_ID}}, client_secret: {{secret: env/B_SECRET}}, base_url: \"{url}/business-central\", token_url: \"{url}/business-central/token\"}}\n  magento:\n    active: p\n    connections:\n      p: {{store_url: \"{url}/magento\", consumer_key: {{secret: env/M_KEY}}, consumer_secret: {{secret: env/M_SECRET}}, access_token: {{secret: env/M_TOKEN}}, access_token_secret: {{secret: env/M_TOKEN_SECRET}}}}\n"
        ),
        "  stock:\n    target_location: default\n  payment_methods:\n    default_terms_of_payment: CM\n    map: {checkmo: COD}\n",
    );
    of(
        "d",
        "centra-visma-net",
        &format!(
            "  centra:\n    active: p\n    connections:\n      p: {{base_url: \"{url}/centra\", access_token: {{secret: env/C_TOKEN}}}}\n  visma-net:\n    active: p\n    connections:\n      p: {{client_id: {{secret: env/VN_ID}}, client_secret: {{secret: env/VN_SECRET}}, tenant_id: t-1, base_url: \"{url}/visma-net\", token_url: \"{url}/visma-net/connect/token\"}}\n"
        ),
        "  stock:\n    target_location: 3\n  payment_methods:\n    default_terms_of_payment: \"30\"\n",
    );
    of(
        "e",
        "norce-visma-spiris",
        &format!(
            "  norce:\n    active: p\n    connections:\n      p: {{host: nordic.api-se.playground.norce.tech, environment: playground, client_id: {{secret: env/N_ID}}, client_secret: {{secret: env/N_SECRET}}, application_id: \"1042\", account_id: \"7\", base_url: \"{url}/norce\", token_url: \"{url}/norce/token\"}}\n  visma-spiris:\n    active: p\n    connections:\n      p: {{client_id: {{secret: env/VS_ID}}, client_secret: {{secret: env/VS_SECRET}}, refresh_token: {{secret: env/VS_REFRESH}}, base_url: \"{url}/visma-spiris\", token_url: \"{url}/visma-spiris/connect/token\"}}\n"
        ),
        "  payment_methods:\n    default_terms_of_payment: 8f1c\n",
    );
    of(
        "f",
        "e-conomic-woocommerce",
        &(format!(
            "  e-conomic:\n    active: p\n    connections:\n      p: {{app_secret_token: {{secret: env/E_APP}}, agreement_grant_token: {{secret: env/E_GRANT}}, base_url: \"{url}/e-conomic\"}}\n"
        ) + &woocommerce(&format!("{url}/woocommerce"))),
        "  customer:\n    default_terms_of_payment: 1\n",
    );
    of(
        "g",
        "shopware-visma-net",
        &format!(
            "  shopware:\n    active: p\n    connections:\n      p: {{store_url: \"{url}/shopware\", access_key_id: {{secret: env/SW_ID}}, secret_access_key: {{secret: env/SW_SECRET}}}}\n  visma-net:\n    active: p\n    connections:\n      p: {{client_id: {{secret: env/VN_ID}}, client_secret: {{secret: env/VN_SECRET}}, tenant_id: t-1, base_url: \"{url}/visma-net\", token_url: \"{url}/visma-net/connect/token\"}}\n"
        ),
        "  additional_filters:\n    sales_channels: [\"00000000\"]\n  payment_methods:\n    map: {\"0190a1\": \"30\"}\n",
    );
    of(
        "i",
        "fortnox-norce",
        &(fortnox(&format!("{url}/fortnox"), "1234567")
            + &format!(
                "  norce:\n    active: p\n    connections:\n      p: {{host: nordic.api-se.playground.norce.tech, environment: playground, client_id: {{secret: env/N_ID}}, client_secret: {{secret: env/N_SECRET}}, application_id: \"1042\", account_id: \"7\", base_url: \"{url}/norce\", token_url: \"{url}/norce/token\"}}\n"
            )),
        "  stock:\n    target_location: 4\n",
    );
    of(
        "h",
        "fortnox-woocommerce",
        &(fortnox(&format!("{url}/fortnox"), "1234567") + &woocommerce(&format!("{url}/woocommerce"))),
        "  payment_methods:\n    map: {bacs: \"30\"}\n  shipping_methods:\n    map: {\"flat_rate:1\": PN}\n",
    );
    let ran = project.run(&["options", "refresh", "-o", "json", "--timeout", "20s"]);
    let failures = Project::failures(&ran);
    assert_eq!(failures, Vec::<String>::new(), "{}", ran.out);
    assert_eq!(ran.code, 0, "{}", ran.err);
    let lock = |path: &str| project.read(&format!("options/{path}.lock.yaml"));
    let here = format!("127.0.0.1-{}", server.port);
    let fortnox = lock("fortnox/1234567");
    assert_eq!(
        lock_values(&fortnox, "terms_of_payment"),
        ["\"0\": \"Kontant\"", "\"07\": \"7 dagar\"", "\"30\": \"30 dagar netto\""]
    );
    let accounts = lock_values(&fortnox, "account");
    assert_eq!(accounts.len(), 1234);
    assert_eq!(accounts[0], "\"2000\": {label: \"Konto 0\", active: false}");
    assert_eq!(accounts[1], "\"2001\": {label: \"Konto 1\", keep: {vat_code: \"MP1\"}}");
    let shopify = lock("shopify/nordic");
    assert_eq!(
        lock_values(&shopify, "location"),
        [
            "\"gid://shopify/Location/1\": \"Lager Malmö\"",
            "\"gid://shopify/Location/2\": {label: \"Butik\", active: false}",
            "\"gid://shopify/Location/3\": \"Pop-up\""
        ]
    );
    assert_eq!(
        lock_values(&shopify, "payment_gateway"),
        ["\"Klarna\": \"Klarna\"", "\"gift_card\": \"gift_card\""]
    );
    assert_eq!(
        lock_values(&shopify, "shipping_method"),
        ["\"Express\": {label: \"Express\", active: false}", "\"Standard\": \"Standard\""]
    );
    let woocommerce = lock(&format!("woocommerce/{here}-woocommerce"));
    assert_eq!(
        lock_values(&woocommerce, "shipping_method"),
        [
            "\"flat_rate:1\": \"PostNord\"",
            "\"flat_rate:7\": \"Flat rate\"",
            "\"local_pickup:2\": {label: \"Hämta\", active: false}"
        ]
    );
    let tripletex = lock("tripletex/env-T_EMPLOYEE");
    assert_eq!(lock_values(&tripletex, "mode_of_payment"), ["\"101\": \"Kontant\"", "\"102\": \"Kort\""]);
    assert_eq!(lock_values(&tripletex, "account").len(), 1300);
    assert_eq!(
        lock_values(&lock("business-central/01a5738a-44e3-ea11-bb43-000d3a2feca1"), "terms_of_payment"),
        ["\"10 DAYS\": \"Net 10 days\"", "\"CM\": \"Current Month\"", "\"COD\": \"Cash on delivery\""]
    );
    let magento = lock(&format!("magento/{here}-magento"));
    assert_eq!(
        lock_values(&magento, "location"),
        ["\"default\": \"Default Source\"", "\"malmo\": {label: \"Malmö\", active: false}"]
    );
    assert_eq!(
        lock_values(&magento, "payment_gateway"),
        ["\"checkmo\": \"checkmo\"", "\"klarna_kp\": \"klarna_kp\""]
    );
    assert_eq!(
        lock_values(&lock("visma-net/t-1"), "terms_of_payment"),
        ["\"14\": \"14 dagar\"", "\"30\": \"30 dagar\""]
    );
    assert_eq!(
        lock_values(&lock("visma-spiris/env-VS_REFRESH"), "terms_of_payment"),
        ["\"8f1c\": \"30 dagar\"", "\"9a2d\": {label: \"Kontant\", active: false}"]
    );
    assert_eq!(
        lock_values(&lock("e-conomic/env-E_GRANT"), "terms_of_payment"),
        ["\"1\": \"Netto 8 dage\"", "\"2\": \"Kontant\""]
    );
    assert_eq!(lock_values(&lock(&format!("centra/{here}-centra")), "location"), ["\"3\": \"Borås\""]);
    assert_eq!(
        lock_values(&lock("norce/nordic.api-se.playground.norce.tech"), "location"),
        ["\"4\": \"Lager\"", "\"5\": \"Butik\""]
    );
    assert_eq!(
        lock_values(&lock(&format!("shopware/{here}-shopware")), "payment_gateway"),
        ["\"0190a1\": \"Invoice\""]
    );
    // Its total counts a page only; the list has two.
    assert_eq!(lock_values(&lock(&format!("shopware/{here}-shopware")), "sales_channel").len(), 700);
    // The shop of two integrations was asked once, and so was the ERP of two.
    assert_eq!(server.paths("/woocommerce/wp-json/wc/v3/payment_gateways").len(), 1);
    assert_eq!(server.paths("/visma-net/connect/token").len(), 1);
    // A token that its use has changed is kept for the next run, for its owner only.
    let kept: Vec<_> =
        fs::read_dir(project.folder.path().join(".pairform/tokens")).unwrap().flatten().collect();
    assert_eq!(kept.len(), 1);
    assert!(fs::read_to_string(kept[0].path()).unwrap().contains("spiris-refresh-2"));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        assert_eq!(kept[0].metadata().unwrap().permissions().mode() & 0o777, 0o600);
    }
    // No secret in what is written.
    for file in walk(project.folder.path()) {
        let text = fs::read_to_string(&file).unwrap();
        if !file.to_string_lossy().contains("/tokens/") {
            assert!(
                SECRETS.iter().all(|(_, value)| value.len() < 5 || !text.contains(value)),
                "{}",
                file.display()
            );
        }
    }
    // What was written is understood.
    let ran = project.run(&["validate", "-o", "json"]);
    let findings = ran.json()["findings"].clone();
    let in_locks: Vec<_> = findings
        .as_array()
        .unwrap()
        .iter()
        .filter(|finding| finding["path"].as_str().unwrap().starts_with("options/"))
        .collect();
    assert!(in_locks.is_empty(), "{in_locks:?}");
}

fn walk(folder: &Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    for entry in fs::read_dir(folder).unwrap().flatten() {
        if entry.path().is_dir() { files.extend(walk(&entry.path())) } else { files.push(entry.path()) }
    }
    files
}

/// A Fortnox that says what it is told to, with a token for everyone.
fn fortnox_that(answer: impl Fn(&Hit, &str) -> Reply + Send + Sync + 'static) -> (Server, String) {
    let server = Server::start(move |hit| {
        if hit.path == "/oauth-v1/token" {
            return good(&recorded("fortnox/token"));
        }
        answer(hit, hit.path.trim_start_matches("/3/"))
    });
    let url = format!("http://127.0.0.1:{}", server.port);
    (server, url)
}

fn terms(values: &[(&str, &str)]) -> Value {
    let list: Vec<Value> =
        values.iter().map(|(code, label)| json!({"Code": code, "Description": label})).collect();
    json!({"MetaInformation": {"@TotalResources": list.len(), "@TotalPages": 1, "@CurrentPage": 1}, "TermsOfPayments": list})
}

fn usual(name: &str) -> Reply {
    match name {
        "termsofpayments" | "wayofdeliveries" => good(&recorded(&format!("fortnox/{name}"))),
        "accounts" => good(
            &json!({"MetaInformation": {"@TotalResources": 0, "@TotalPages": 0, "@CurrentPage": 1}, "Accounts": []}),
        ),
        _ => reply(404, "{}"),
    }
}

#[test]
fn a_value_that_vanishes_is_named_with_advice() {
    let removed = Arc::new(AtomicBool::new(false));
    let gone = Arc::clone(&removed);
    let (_server, url) = fortnox_that(move |_, name| match name {
        "termsofpayments" if gone.load(Ordering::SeqCst) => {
            good(&terms(&[("0", "Kontant"), ("14", "14 dagar netto")]))
        }
        other => usual(other),
    });
    let project = Project::new();
    nordic(&project, &url, TERMS);
    project.refresh();
    let codes = |ran: &Ran| -> Vec<String> {
        ran.json()["findings"]
            .as_array()
            .unwrap()
            .iter()
            .map(|finding| finding["code"].as_str().unwrap().to_owned())
            .collect()
    };
    let before = project.run(&["validate", "-o", "json"]);
    assert!(codes(&before).iter().all(|code| &code[1..3] != "05"), "{}", before.out);
    assert_eq!(project.run(&["options", "check", "--detailed-exitcode"]).code, 0);
    let lock = project.read("options/fortnox/1234567.lock.yaml");

    removed.store(true, Ordering::SeqCst);
    let check = project.run(&["options", "check", "--detailed-exitcode", "-o", "json"]);
    assert_eq!(check.code, 1, "{}", check.out);
    assert_eq!(check.json()["moved"], true);
    assert!(codes(&check).contains(&"E0504".to_owned()), "{}", check.out);
    let plan = project.run(&["plan", "--max-age", "0s", "-o", "json"]);
    assert!(codes(&plan).contains(&"E0504".to_owned()), "{}", plan.out);
    let plan = project.run(&["plan", "-o", "json"]);
    assert!(!codes(&plan).contains(&"E0504".to_owned()), "without --max-age the committed lists judge");
    assert_eq!(project.read("options/fortnox/1234567.lock.yaml"), lock, "check and plan write no list");

    project.refresh();
    let after = project.run(&["validate", "-o", "json"]).json();
    let finding = after["findings"]
        .as_array()
        .unwrap()
        .iter()
        .find(|finding| finding["code"] == "E0504")
        .cloned()
        .unwrap_or_else(|| panic!("{after}"));
    assert_eq!(
        finding["message"],
        "`default_terms_of_payment` is \"30\" 30 dagar netto, which the platform no longer has"
    );
    assert!(finding["help"].as_str().unwrap().contains("\"14\" 14 dagar netto"), "{finding}");
    assert_eq!(finding["path"], "integrations/nordic.yaml");
    let leaving = project.run(&["list", "--going-away", "-o", "json"]).json();
    let settings: Vec<&str> =
        leaving["settings"].as_array().unwrap().iter().map(|row| row["setting"].as_str().unwrap()).collect();
    assert_eq!(settings, ["default_terms_of_payment"], "{leaving}");
    assert!(leaving["settings"][0]["why"].as_str().unwrap().contains("no longer has"));
    // A second fetch does not forget the name.
    project.refresh();
    assert!(project.read("options/fortnox/1234567.lock.yaml").contains("30 dagar netto"));
}

#[test]
fn drift_without_errors_exits_with_2() {
    let later = Arc::new(AtomicBool::new(false));
    let renamed = Arc::clone(&later);
    let (_server, url) = fortnox_that(move |_, name| match name {
        "termsofpayments" if renamed.load(Ordering::SeqCst) => {
            good(&terms(&[("0", "Kontant"), ("30", "Trettio dagar")]))
        }
        "termsofpayments" => good(&terms(&[("0", "Kontant"), ("30", "30 dagar netto")])),
        other => usual(other),
    });
    let project = Project::new();
    nordic(&project, &url, TERMS);
    project.refresh();
    later.store(true, Ordering::SeqCst);
    let check = project.run(&["options", "check", "--detailed-exitcode", "-o", "json"]);
    assert_eq!(check.code, 2, "{}", check.out);
    let findings = check.json()["findings"].clone();
    assert!(
        findings
            .as_array()
            .unwrap()
            .iter()
            .any(|finding| finding["code"] == "N0509" && finding["line"].as_u64() > Some(1)),
        "{findings}"
    );
    assert_eq!(project.run(&["options", "check"]).code, 0);
}

#[test]
fn fetching_again_changes_no_file_and_the_cache_is_cleared() {
    let (server, url) = fortnox_that(|_, name| usual(name));
    let project = Project::new();
    nordic(&project, &url, TERMS);
    project.refresh();
    let lock = project.read("options/fortnox/1234567.lock.yaml");
    project.refresh();
    assert_eq!(project.read("options/fortnox/1234567.lock.yaml"), lock);
    let asked = || server.paths("/3/termsofpayments").len();
    assert_eq!(asked(), 2);
    let young = project.run(&["options", "refresh", "--max-age", "1h", "-o", "json"]);
    assert_eq!(asked(), 2, "{}", young.out);
    assert_eq!(young.json()["accounts"][0]["sets"][0]["outcome"], "cached");
    let cleared = project.run(&["options", "clear", "--set", "terms_of_payment", "-o", "json"]);
    assert_eq!(
        cleared.json()["cleared"],
        json!([{"connector": "fortnox", "account": "1234567", "set": "terms_of_payment"}])
    );
    project.run(&["options", "refresh", "--max-age", "1h"]);
    assert_eq!(asked(), 3);
    // What a branch brings in the cache's place is no answer of a platform.
    let git = |arguments: &[&str]| crate::revisions::git(project.folder.path(), arguments);
    git(&["init", "-q"]);
    project.run(&["options", "refresh", "--max-age", "1h"]);
    assert_eq!(asked(), 3);
    git(&["add", "-f", ".pairform/cache"]);
    project.run(&["options", "refresh", "--max-age", "1h"]);
    assert_eq!(asked(), 4);
    let list = project.run(&["options", "list"]);
    assert!(list.out.contains("30 dagar netto") && list.out.contains("(today)"), "{}", list.out);
    assert_eq!(project.run(&["options", "clear", "--connector", "fortnoxx"]).code, 64);
}

#[test]
fn a_token_never_follows_a_redirect_or_a_link_to_another_host() {
    let thief = Server::start(|_| good(&json!({"value": [], "TermsOfPayments": []})));
    let away = format!("http://127.0.0.1:{}/3/termsofpayments", thief.port);
    let (_server, url) = fortnox_that(move |_, name| match name {
        "termsofpayments" => reply(302, "").with("Location", &away),
        "wayofdeliveries" => reply(307, "").with("Location", "/3/moved"),
        "moved" => good(&recorded("fortnox/wayofdeliveries")),
        other => usual(other),
    });
    let project = Project::new();
    nordic(&project, &url, TERMS);
    // Not even where a line would allow that host.
    project.write("notes.txt", &format!("127.0.0.1:{}", thief.port));
    let ran = project.run(&["options", "refresh", "-o", "json"]);
    assert_eq!(ran.code, 7, "{}", ran.out);
    let failures = Project::failures(&ran);
    assert!(failures.len() == 1 && failures[0].contains("gets no credential"), "{failures:?}");
    assert!(thief.hits().is_empty(), "{:?}", thief.hits());
    // What did come is kept.
    assert!(project.read("options/fortnox/1234567.lock.yaml").contains("PostNord"));
}

#[test]
fn a_platform_that_asks_to_wait_is_waited_for() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let (server, url) = fortnox_that(move |_, name| match name {
        "termsofpayments" if count.fetch_add(1, Ordering::SeqCst) == 0 => {
            reply(429, "").with("Retry-After", 2)
        }
        "wayofdeliveries" if count.fetch_add(1, Ordering::SeqCst) < 3 => reply(503, "<html>busy</html>"),
        other => usual(other),
    });
    let project = Project::new();
    nordic(&project, &url, TERMS);
    project.refresh();
    let hits = server.paths("/3/termsofpayments");
    assert_eq!(hits.len(), 2);
    assert!(hits[1].at - hits[0].at >= Duration::from_secs(2));
}

#[test]
fn an_expired_token_is_renewed_once() {
    let tokens = Arc::new(AtomicUsize::new(0));
    let given = Arc::clone(&tokens);
    let server = Server::start(move |hit| {
        if hit.path == "/oauth-v1/token" {
            let number = given.fetch_add(1, Ordering::SeqCst) + 1;
            return good(&json!({"access_token": format!("access-{number}"), "expires_in": 1}));
        }
        // The first token is dead by the second list.
        let dead = hit.path.contains("wayofdeliveries") && hit.header("authorization") == "Bearer access-1";
        if dead {
            reply(401, r#"{"message":"unauthorized access-1"}"#)
        } else {
            usual(hit.path.trim_start_matches("/3/"))
        }
    });
    let url = format!("http://127.0.0.1:{}", server.port);
    let project = Project::new();
    nordic(&project, &url, TERMS);
    project.refresh();
    assert_eq!(server.paths("/oauth-v1/token").len(), 2);
}

/// What an answer holds takes many times its bytes in memory.
#[test]
fn an_answer_of_many_small_values_is_refused_before_it_is_read() {
    let many = Arc::new(format!("{{\"TermsOfPayments\": [{}{{}}]}}", "{},".repeat(4_000_000)));
    let (_server, url) = fortnox_that(move |_, name| match name {
        "termsofpayments" => reply(200, many.as_bytes()),
        _ => usual(name),
    });
    let project = Project::new();
    nordic(&project, &url, TERMS);
    let ran = project.run(&["options", "refresh", "-o", "json", "--timeout", "60s"]);
    let failures = Project::failures(&ran);
    assert!(failures[0].contains("more than 1000000 values"), "{failures:?}");
    assert_eq!(ran.code, 7);
}

#[cfg(target_os = "linux")]
#[test]
fn no_core_dump_is_made_of_what_holds_secrets() {
    let (process, seen) = (Arc::new(AtomicUsize::new(0)), Arc::new(Mutex::new(String::new())));
    let (of, limits) = (Arc::clone(&process), Arc::clone(&seen));
    let (_server, url) = fortnox_that(move |_, name| {
        while of.load(Ordering::SeqCst) == 0 {
            std::thread::yield_now();
        }
        let path = format!("/proc/{}/limits", of.load(Ordering::SeqCst));
        *limits.lock().unwrap() = std::fs::read_to_string(path).unwrap_or_default();
        usual(name)
    });
    let project = Project::new();
    nordic(&project, &url, TERMS);
    let mut asking = project.command(&["options", "refresh"]);
    let mut asking =
        asking.stdout(std::process::Stdio::null()).stderr(std::process::Stdio::null()).spawn().unwrap();
    process.store(usize::try_from(asking.id()).unwrap(), Ordering::SeqCst);
    asking.wait().unwrap();
    let limits = seen.lock().unwrap().clone();
    let core =
        limits.lines().find(|line| line.starts_with("Max core file size")).unwrap_or_default().to_owned();
    // One byte: no file, and nothing for a program that collects dumps either.
    assert_eq!(core.split_whitespace().skip(4).take(2).collect::<Vec<_>>(), ["1", "1"], "{limits}");
}

#[test]
fn refusals_and_broken_answers_are_told_apart() {
    let huge = Arc::new("x".repeat(17 * 1024 * 1024));
    // 256 MiB of spaces, in a few hundred kilobytes.
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for _ in 0..256 {
        packed.write_all(&[b' '; 1024 * 1024]).unwrap();
    }
    let packed = Arc::new(packed.finish().unwrap());
    assert!(packed.len() < 4 * 1024 * 1024);
    let mode = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&mode);
    let (_server, url) = fortnox_that(move |_, name| {
        if name != "termsofpayments" {
            return usual(name);
        }
        match now.load(Ordering::SeqCst) {
            0 => reply(403, recorded("fortnox/error").to_string()),
            1 => reply(200, "<!doctype html><p>Please log in</p>"),
            2 => reply(200, format!("{{\"TermsOfPayments\": \"{huge}\"}}")),
            3 => Reply { hang: Some(Duration::from_secs(20)), ..good(&recorded("fortnox/termsofpayments")) },
            4 => good(&json!({"Terms": []})),
            5 => good(&json!({"TermsOfPayments": [{"Kod": "30"}]})),
            6 => reply(
                400,
                r#"{"ErrorInformation":{"error":1,"message":"Token fortnox-access-1 and fsecret\u001b[31m","code":1}}"#,
            ),
            7 => reply(404, "{}"),
            _ => Reply { body: packed.to_vec(), ..good(&json!({})).with("content-encoding", "gzip") },
        }
    });
    let project = Project::new();
    nordic(&project, &url, TERMS);
    let expect = [
        (0, 6, "denied", "The app lacks the scope"),
        (1, 7, "unusable", "no JSON (application/json"),
        (2, 7, "unusable", "larger than 16 MiB"),
        (3, 7, "timed-out", "no whole answer within 0.7 s"),
        (4, 7, "unusable", "no `TermsOfPayments`"),
        (5, 7, "unusable", "no `Code`"),
        (6, 7, "unusable", "“Token … and … [31m”"),
        (7, 7, "unusable", "no such list (404)"),
        (8, 7, "unusable", "larger than 16 MiB"),
    ];
    for (number, code, reason, words) in expect {
        mode.store(number, Ordering::SeqCst);
        let timeout = if number == 3 { "700ms" } else { "20s" };
        let begun = Instant::now();
        let ran = project.run(&["options", "refresh", "-o", "json", "--timeout", timeout]);
        let failures = Project::failures(&ran);
        assert_eq!(ran.code, code, "{number}: {failures:?}");
        assert!(
            failures[0].contains(&format!("terms_of_payment: {reason}: ")) && failures[0].contains(words),
            "{number}: {failures:?}"
        );
        assert!(begun.elapsed() < Duration::from_secs(15), "{number} took {:?}", begun.elapsed());
    }
}

#[test]
fn what_stands_in_the_way_is_said_with_the_right_exit_code() {
    let project = Project::new();
    // Nobody listens on this port.
    nordic(&project, "http://127.0.0.1:9", TERMS);
    let ran = project.run(&["options", "refresh", "-o", "json"]);
    assert_eq!(ran.code, 7);
    assert!(Project::failures(&ran)[0].contains("no token: no connection"), "{}", ran.out);
    // A secret that is not at hand.
    let output =
        project.command(&["options", "refresh", "-o", "json"]).env_remove("F_SECRET").output().unwrap();
    assert_eq!(output.status.code(), Some(6));
    assert!(String::from_utf8_lossy(&output.stdout).contains("F_SECRET is not set"));
    // A wrong one: the platform's words come without it.
    let (_server, url) = start();
    nordic(&project, &format!("{url}/fortnox"), TERMS);
    let output = project
        .command(&["options", "refresh", "-o", "json"])
        .env("F_SECRET", "wrong-secret")
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(6));
    let out = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(out.contains("refused the credentials with 401") && !out.contains("wrong-secret"), "{out}");
}

/// Nobody vouches for the certificate, so that not even the address of a request is told.
#[test]
fn a_certificate_that_nobody_vouches_for_ends_the_conversation() {
    let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap();
    let key = rustls::pki_types::PrivateKeyDer::try_from(own.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.cert.der().clone()], key)
        .unwrap();
    let (config, heard) = (Arc::new(config), Arc::new(AtomicUsize::new(0)));
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let count = Arc::clone(&heard);
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let mut tls = rustls::Stream::new(&mut connection, &mut stream);
            let mut request = [0; 1024];
            count.fetch_add(tls.read(&mut request).unwrap_or(0), Ordering::SeqCst);
        }
    });
    let project = Project::new();
    nordic(&project, &format!("https://localhost:{port}"), TERMS);
    let ran = project.run(&["options", "refresh", "-o", "json"]);
    assert_eq!(ran.code, 7, "{}", ran.out);
    assert!(Project::failures(&ran)[0].contains("TLS failed"), "{}", ran.out);
    assert_eq!(heard.load(Ordering::SeqCst), 0);
}

/// `validate` asks for the age of committed lists where the project says so.
#[test]
fn a_list_that_is_older_than_the_project_allows_is_warned_of() {
    let (_server, url) = start();
    let project = Project::new();
    nordic(&project, &format!("{url}/fortnox"), TERMS);
    project.refresh();
    let lock = std::fs::read_dir(project.folder.path().join("options/fortnox"))
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let text = std::fs::read_to_string(&lock).unwrap();
    let day = text.lines().find_map(|line| line.trim().strip_prefix("fetched: ")).unwrap().to_owned();
    std::fs::write(&lock, text.replace(&day, "2020-01-01")).unwrap();
    let old = |project: &Project| {
        let said: Value = serde_json::from_str(&project.run(&["validate", "-o", "json"]).out).unwrap();
        let old = said["findings"].as_array().unwrap().iter().filter(|one| one["code"] == "W0507");
        old.map(|one| one["message"].as_str().unwrap().to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(old(&project), Vec::<String>::new());
    std::fs::write(project.folder.path().join("pairform.yaml"), "version: 1\noptions: {max_list_age: 30d}\n")
        .unwrap();
    let said = old(&project);
    assert!(said[1].starts_with("the Fortnox terms of payment were fetched 2020-01-01, "), "{said:?}");
}

#[test]
fn a_thousand_integrations_on_twenty_accounts_stay_within_the_limit() {
    // 40 pages of one list: more requests than a window of 5 s takes.
    let server = Server::start(|hit| {
        if hit.path == "/oauth-v1/token" {
            return good(
                &json!({"access_token": format!("access-{}", hit.header("tenantid")), "expires_in": 3600}),
            );
        }
        match hit.path.trim_start_matches("/3/") {
            "termsofpayments" => {
                let page = hit.number("page");
                good(
                    &json!({"MetaInformation": {"@TotalPages": 40, "@CurrentPage": page}, "TermsOfPayments": [{"Code": format!("{page}"), "Description": "x"}]}),
                )
            }
            other => usual(other),
        }
    });
    let url = format!("http://127.0.0.1:{}", server.port);
    let project = Project::new();
    for number in 0..1000 {
        let text = format!(
            "integration: shop-{number}\npair: fortnox-shopify\nconnectors:\n{}unmanaged: [article, stock, additional_filters, order, customer, invoice, order_lines, general, sales_accounts]\nsettings:\n{TERMS}",
            fortnox(&url, &format!("{}", number % 20)),
        );
        project.write(&format!("integrations/shop-{number}.yaml"), &text);
    }
    let ran = project.run(&[
        "options",
        "refresh",
        "--connector",
        "fortnox",
        "--set",
        "terms_of_payment,way_of_delivery",
        "-o",
        "json",
    ]);
    assert_eq!(ran.code, 0, "{:?}", Project::failures(&ran));
    assert_eq!(ran.json()["accounts"].as_array().unwrap().len(), 20);
    assert_eq!(server.paths("/3/termsofpayments").len(), 20 * 40);
    assert_eq!(server.paths("/3/wayofdeliveries").len(), 20);
    assert_eq!(server.paths("/oauth-v1/token").len(), 20);
    for tenant in 0..20 {
        let token = format!("Bearer access-{tenant}");
        let times: Vec<Instant> = server
            .hits()
            .into_iter()
            .filter(|hit| hit.header("authorization") == token)
            .map(|hit| hit.at)
            .collect();
        for (at, time) in times.iter().enumerate() {
            let within = times[at..].iter().filter(|later| **later - *time < Duration::from_secs(5)).count();
            assert!(within <= 25, "{within} requests of tenant {tenant} within 5 s");
        }
    }
}

#[test]
fn mappings_are_checked_like_a_match() {
    let project = Project::new();
    let fortnox = "connector: fortnox\naccount: \"1\"\nsets:\n  mode_of_payment:\n    fetched: 2026-11-20\n    values:\n      BG: Bankgiro\n      SW: Swish\n  terms_of_payment:\n    fetched: 2026-11-20\n    values:\n      \"30\": 30 dagar\n      \"7\": 7 dagar\n";
    let shopify = "connector: shopify\naccount: nordic\nsets:\n  payment_gateway:\n    fetched: 2026-11-20\n    values:\n      Klarna: Klarna\n      Swish: Swish\n      Old: {label: Old, active: false}\n      Qliro: {label: Qliro, gone: 2026-11-20}\n";
    project.write("options/fortnox/1.lock.yaml", fortnox);
    project.write("options/shopify/nordic.lock.yaml", shopify);
    let with = |settings: &str| {
        project.write(
            "integrations/a.yaml",
            &format!("integration: a\npair: fortnox-shopify\nsettings:\n{settings}"),
        );
        let findings =
            project.run(&["validate", "-o", "json"]).json()["findings"].as_array().unwrap().clone();
        findings
            .into_iter()
            .filter(|finding| finding["code"].as_str().is_some_and(|code| &code[1..3] == "05"))
            .collect::<Vec<_>>()
    };
    let found = with("  invoice:\n    mode_of_payment_map:\n      Klarna: BG\n");
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!(found[0]["code"], "W0505");
    assert_eq!(found[0]["message"], "`mode_of_payment_map` does not cover \"Swish\" Swish");
    assert!(found[0]["help"].as_str().unwrap().contains("`\"Swish\": \"BG\"`"), "{found:?}");
    assert_eq!(found[0]["line"], 5);
    assert!(with("  invoice:\n    mode_of_payment_map: {Klarna: BG, Swish: SW}\n").is_empty());
    // A default covers what has no row.
    assert!(
        with("  payment_methods:\n    default_terms_of_payment: \"30\"\n    map: {Klarna: \"30\"}\n")
            .is_empty()
    );
    // The setting that the mapping names as its default, and a location that no other warehouse has.
    project.write(
        "options/fortnox/1.lock.yaml",
        &format!("{fortnox}  warehouse:\n    fetched: 2026-11-20\n    values: {{A: Main, B: Store}}\n"),
    );
    project.write(
        "options/shopify/nordic.lock.yaml",
        &format!("{shopify}  location:\n    fetched: 2026-11-20\n    values: {{one: Web, two: City}}\n"),
    );
    let found = with("  stock:\n    location_map: {A: one}\n");
    assert!(found[0]["help"].as_str().unwrap().contains("`\"B\": \"two\"`"), "{found:?}");
    let found = with("  stock:\n    location_map: {A: one, other: two}\n");
    assert!(found[0]["help"].as_str().unwrap().contains("a value that no other row has"), "{found:?}");
    let by_location = "  order_lines:\n    warehouse_by_location: {one: A}\n";
    let found = with(by_location);
    assert!(found[0]["help"].as_str().unwrap().contains("`\"two\": \"A\"`"), "{found:?}");
    assert!(with(&format!("{by_location}    stock_point: B\n")).is_empty());
    // A key that is gone, one that is mistyped, and free text.
    let found = with(
        "  payment_methods:\n    default_terms_of_payment: \"30\"\n    map: {Qliro: \"30\", Klrana: \"30\", Invoice by post: \"30\"}\n",
    );
    let said: Vec<_> = found
        .iter()
        .map(|finding| (finding["code"].as_str().unwrap(), finding["help"].as_str().unwrap()))
        .collect();
    assert_eq!(
        said,
        [
            ("W0506", "remove the row, or rename it to what the value is called now"),
            ("W0506", "did you mean \"Klarna\"?")
        ]
    );
    // 7, "7" and "07": the platform's codes are texts.
    assert!(with("  payment_methods:\n    default_terms_of_payment: \"7\"\n").is_empty());
    assert!(with("  payment_methods:\n    default_terms_of_payment: 7\n").is_empty());
    assert_eq!(with("  payment_methods:\n    default_terms_of_payment: \"07\"\n")[0]["code"], "E0501");
    // A label.
    assert_eq!(with("  payment_methods:\n    default_terms_of_payment: 30 dagar\n")[0]["code"], "E0502");
}

#[test]
fn validate_opens_no_socket() {
    if !may_trace() {
        return;
    }
    let (server, url) = start();
    let project = Project::new();
    nordic(&project, &format!("{url}/fortnox"), TERMS);
    let trace = project.folder.path().join("trace");
    let mut command = Command::new(env!("CARGO_BIN_EXE_pairform"));
    command.arg("validate").current_dir(project.folder.path());
    under_strace(&command, &["-e", "trace=network,exit_group", "-o", trace.to_str().unwrap()])
        .output()
        .unwrap();
    let traced = fs::read_to_string(&trace).unwrap();
    assert!(traced.contains("exit_group"), "{traced}");
    assert!(!traced.contains("socket("), "{traced}");
    assert!(server.hits().is_empty());
}

#[test]
fn points_and_resets_are_waited_for_before_and_after_a_refusal() {
    let asked = Arc::new(AtomicUsize::new(0));
    let count = Arc::clone(&asked);
    let server = Server::start(move |hit| {
        if hit.path.starts_with("/shopify") {
            // The bucket is nearly empty, and the first query is refused.
            let mut answer = recorded("shopify/locations-2");
            answer["extensions"]["cost"]["throttleStatus"] =
                json!({"maximumAvailable": 100.0, "currentlyAvailable": 90, "restoreRate": 10.0});
            return match count.fetch_add(1, Ordering::SeqCst) {
                0 => good(&recorded("shopify/throttled")),
                _ if hit.body.contains("locations(") => good(&answer),
                _ => good(
                    &json!({"data": {"shopLocales": [], "orders": {"nodes": []}, "deliveryProfiles": {"nodes": []}}}),
                ),
            };
        }
        let reply = platforms::all(hit);
        // Nothing is left for a second.
        if hit.path.ends_with("paymentType") {
            reply.with("X-Rate-Limit-Remaining", 0).with("X-Rate-Limit-Reset", 2)
        } else {
            reply
        }
    });
    let url = format!("http://127.0.0.1:{}", server.port);
    let project = Project::new();
    let connectors = tripletex(&format!("{url}/tripletex")) + &shopify(&format!("{url}/shopify"), "nordic");
    project.write(
        "integrations/a.yaml",
        &format!("integration: a\npair: shopify-tripletex\nconnectors:\n{connectors}settings:\n  stock:\n    target_location: gid://shopify/Location/3\n  invoice:\n    mode_of_payment_map: {{Klarna: 101}}\n"),
    );
    let ran = project.run(&[
        "options",
        "refresh",
        "-o",
        "json",
        "--set",
        "location,payment_gateway,mode_of_payment,vat_type,warehouse,account,project",
    ]);
    assert_eq!(Project::failures(&ran), Vec::<String>::new());
    let times: Vec<Instant> = server.paths("/shopify/").iter().map(|hit| hit.at).collect();
    assert!(times.len() >= 3, "{}", times.len());
    assert!(times[1] - times[0] >= Duration::from_secs(1), "after a refusal");
    assert!(times[2] - times[1] >= Duration::from_millis(900), "until the dearest query can be paid");
    let hits = server.paths("/tripletex/v2/");
    let at = hits.iter().position(|hit| hit.path.ends_with("paymentType")).unwrap();
    if let Some(next) = hits.get(at + 1) {
        assert!(next.at - hits[at].at >= Duration::from_secs(2), "{:?}", next.at - hits[at].at);
    }
}

/// A list of which a part is missing would make values look gone that are not.
#[test]
fn a_list_that_is_shorter_than_the_platform_says_is_not_taken() {
    let mode = Arc::new(AtomicUsize::new(0));
    let now = Arc::clone(&mode);
    let server = Server::start(move |hit| {
        let name = hit.path.trim_start_matches("/3/");
        if name != "termsofpayments" {
            return usual_or_token(hit, name);
        }
        let page = hit.query.get("page").map_or("1", String::as_str);
        let meta = json!({"@TotalResources": 3, "@TotalPages": 2, "@CurrentPage": 1});
        let first = json!({"MetaInformation": meta, "TermsOfPayments": [{"Code": "30", "Description": "30"}, {"Code": "14", "Description": "14"}]});
        match (now.load(Ordering::SeqCst), page) {
            (0, "1") => good(&json!({"MetaInformation": meta, "TermsOfPayments": null})),
            (_, "1") => good(&first),
            (1, _) => reply(404, "{}"),
            (2, _) => reply(400, "{}"),
            (3, _) => good(&json!({"MetaInformation": meta, "TermsOfPayments": []})),
            (4, _) => good(&first),
            _ => good(
                &json!({"MetaInformation": meta, "TermsOfPayments": [{"Code": "0", "Description": "0"}]}),
            ),
        }
    });
    let project = Project::new();
    nordic(&project, &format!("http://127.0.0.1:{}", server.port), TERMS);
    for broken in 0..5 {
        mode.store(broken, Ordering::SeqCst);
        let ran = project.run(&["options", "refresh", "-o", "json"]);
        assert_eq!(ran.code, 7, "{broken}: {}", ran.out);
        assert!(Project::failures(&ran)[0].contains("terms_of_payment"), "{broken}: {}", ran.out);
    }
    mode.store(5, Ordering::SeqCst);
    project.refresh();
    assert_eq!(lock_values(&project.read("options/fortnox/1234567.lock.yaml"), "terms_of_payment").len(), 3);
}

/// As a Fortnox that has nothing particular about it answers, token included.
fn usual_or_token(hit: &Hit, name: &str) -> Reply {
    if hit.path == "/oauth-v1/token" {
        return good(&json!({"access_token": "fortnox-access-1", "expires_in": 3600}));
    }
    usual(name)
}

#[test]
fn what_stands_only_in_a_committed_list_is_kept() {
    let (_server, url) = start();
    let project = Project::new();
    nordic(&project, &format!("{url}/fortnox"), TERMS);
    project.refresh();
    let path = "options/fortnox/1234567.lock.yaml";
    let whole = project.read(path);
    // What people wrote beside a value stays with it.
    let is_plain = |line: &&str| line.starts_with("      \"") && !line.contains('{');
    let value = whole.lines().find(is_plain).unwrap();
    let (code, label) = value.split_once(": ").unwrap();
    let noted = format!("{code}: {{label: {label}, keep: {{vat_code: MP1}}}}");
    fs::write(project.folder.path().join(path), whole.replace(value, &noted)).unwrap();
    project.refresh();
    assert!(project.read(path).contains("vat_code"), "{}", project.read(path));
    // A file that cannot be read is not replaced by what was fetched alone.
    let broken = whole.replace("sets:", "<<<<<<< ours\nsets:");
    fs::write(project.folder.path().join(path), &broken).unwrap();
    let ran = project.run(&["options", "refresh", "--set", "terms_of_payment"]);
    assert_eq!(ran.code, 1, "{}{}", ran.out, ran.err);
    assert!(ran.err.contains("cannot be read, so nothing is fetched"), "{}", ran.err);
    assert_eq!(project.read(path), broken);
}

/// Two who fetch other sets of one account at the same time both have theirs in the file.
#[test]
fn refreshes_of_one_account_at_once_lose_nothing() {
    let (_server, url) = start();
    for _ in 0..3 {
        let project = Project::new();
        nordic(&project, &format!("{url}/fortnox"), TERMS);
        let sets = ["terms_of_payment", "way_of_delivery", "account"];
        let mut children: Vec<_> = sets
            .iter()
            .map(|set| {
                project
                    .command(&["options", "refresh", "--set", set])
                    .stdout(std::process::Stdio::null())
                    .spawn()
                    .unwrap()
            })
            .collect();
        assert!(children.iter_mut().all(|child| child.wait().unwrap().success()));
        let text = project.read("options/fortnox/1234567.lock.yaml");
        assert!(sets.iter().all(|set| text.contains(&format!("\n  {set}:\n"))), "{text}");
    }
}

#[test]
fn a_credential_in_the_open_is_sent_to_nobody() {
    let server = Server::start(|_| good(&json!({})));
    let project = Project::new();
    nordic(&project, &format!("http://127.0.0.1:{}", server.port), TERMS);
    let file = project.folder.path().join("integrations/nordic.yaml");
    let text = fs::read_to_string(&file).unwrap();
    let open = text.replace("client_secret: {secret: env/F_SECRET}", "client_secret: in-the-open");
    assert_ne!(open, text);
    fs::write(&file, open).unwrap();
    let ran = project.run(&["options", "refresh"]);
    assert!(ran.code == 1 && ran.err.contains("has errors"), "{}{}", ran.out, ran.err);
    assert!(server.hits().is_empty(), "{:?}", server.hits().len());
}
