//! Where a reconciler may lead credentials: by what was merged, as soon as it was; and one shop that leads elsewhere holds that one alone.
//! What the remote asks for is git's business.

use std::collections::HashMap;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use serde_json::json;

use crate::platforms::{Hit, Reply, Server, reply};
use crate::reconcile::{Ground, Running};
use crate::revisions::git;
use crate::run::Run;

/// A WooCommerce shop, at a host of its own.
fn woocommerce(host: &str) -> String {
    format!(
        "integration: fjord\npair: fortnox-woocommerce\nconnectors:\n  woocommerce:\n    active: p\n    connections:\n      p: {{store_url: \"https://{host}\", consumer_key: {{secret: env/W_KEY}}, consumer_secret: {{secret: env/W_SECRET}}}}\n"
    )
}

/// Where the deployed connection of the shop leads.
fn leads_to(ground: &Ground) -> Option<String> {
    let rows = ground.open_store().read(Some(&["fjord".to_owned()])).unwrap();
    let row = rows.iter().find(|row| row.category == "connectors")?;
    let url = &pairform::model::to_json(&row.settings)["woocommerce"]["connections"]["p"]["store_url"];
    Some(url.as_str()?.to_owned())
}

/// What is approved is read from what was fetched, anew for each commit, for as long as the reconciler runs.
#[test]
fn a_running_reconciler_goes_where_the_merged_commit_leads() {
    let ground = Ground::of(&["shop"], "");
    let mut command = ground.command(&["reconcile", "--every", "1s"]);
    command.env("PAIRFORM_ALLOW", "approved=origin/main").env("W_KEY", "k").env("W_SECRET", "s");
    let _running = Running(command.stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap());
    for host in ["fjord.example.com", "other.example.com", "third.example.com"] {
        ground.author.write("integrations/fjord.yaml", &woocommerce(host));
        ground.push(&format!("Sell at {host}"));
        let begun = Instant::now();
        while leads_to(&ground).as_deref() != Some(&format!("https://{host}")) {
            assert!(begun.elapsed().as_secs() < 120, "{host}: {:?}", leads_to(&ground));
            std::thread::yield_now();
        }
    }
}

/// rancher fleet#192: a shop that leads where nothing may lead blocks no other.
#[test]
fn a_shop_that_leads_where_nothing_may_lead_is_held_alone() {
    let ground = Ground::of(&["shop"], "");
    assert_eq!(ground.once(&[]).0, 0);
    ground.author.write("integrations/fjord.yaml", &woocommerce("evil.example.com"));
    ground.shop("shop", "14", "0");
    ground.push("Two things");
    let (code, said) = ground.once(&[]);
    assert_eq!((code, ground.deployed("shop").0.as_str()), (3, "14"), "{said:#}");
    assert_eq!(leads_to(&ground), None);
    let matter = &said["open"][0];
    assert_eq!((&matter["integration"], &matter["kind"]), (&json!("fjord"), &json!("refused")), "{said:#}");
    assert!(matter["reasons"].to_string().contains("`woocommerce=evil.example.com`"), "{matter:#}");
    assert_eq!(said["open"].as_array().unwrap().len(), 1);
}

const PASSWORD: &str = "word-of-the-remote";
/// Of `robot:word-of-the-remote`.
const BASIC: &str = "Basic cm9ib3Q6d29yZC1vZi10aGUtcmVtb3Rl";

/// What git's own server answers of the repositories in this folder.
fn http_backend(root: &Path, hit: &Hit) -> Reply {
    let query: Vec<String> = hit.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let mut server = Command::new("git");
    server.arg("http-backend").env("GIT_PROJECT_ROOT", root).env("GIT_HTTP_EXPORT_ALL", "1");
    server.env("PATH_INFO", &hit.path).env("QUERY_STRING", query.join("&"));
    server.env("REQUEST_METHOD", &hit.method).env("CONTENT_TYPE", hit.header("content-type"));
    server.env("GIT_PROTOCOL", hit.header("git-protocol")).env("GIT_CONFIG_GLOBAL", "/dev/null");
    let mut server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    server.stdin.take().unwrap().write_all(hit.body.as_bytes()).unwrap();
    let answer = server.wait_with_output().unwrap().stdout;
    let end = answer.windows(4).position(|four| four == b"\r\n\r\n").unwrap();
    let head = String::from_utf8(answer[..end].to_vec()).unwrap();
    let headers: HashMap<&str, &str> = head.lines().filter_map(|line| line.split_once(": ")).collect();
    let status = headers.get("Status").map_or(200, |status| status[..3].parse().unwrap());
    let headers = vec![("content-type".to_owned(), headers["Content-Type"].to_owned())];
    Reply { headers, ..reply(status, &answer[end + 4..]) }
}

/// Whoever answers git for the user is asked, and what he says is shown to nobody.
#[test]
fn git_asks_the_credential_helper_of_the_user_where_the_remote_wants_a_password() {
    let ground = Ground::of(&["shop"], "");
    let root = ground.folder.path().to_owned();
    let remote = Server::start(move |hit| match hit.header("authorization") {
        BASIC => http_backend(&root, hit),
        _ => reply(401, "").with("www-authenticate", "Basic realm=\"shops\""),
    });
    let address = format!("http://127.0.0.1:{}/origin.git", remote.port);
    git(&ground.runner(), &["remote", "set-url", "origin", &address]);
    let config = ground.folder.path().join("of-the-user");
    let once = |password: Option<&str>| {
        let helper = password.map_or(String::new(), |password| {
            format!(
                "[credential]\n\thelper = \"!f() {{ echo username=robot; echo password={password}; }}; f\"\n"
            )
        });
        std::fs::write(&config, helper).unwrap();
        let mut command = ground.command(&["reconcile", "--once"]);
        let run = Run::of_output(&command.env("GIT_CONFIG_GLOBAL", &config).output().unwrap());
        assert!(
            !run.all().contains("panicked") && password.is_none_or(|it| !run.all().contains(it)),
            "{}",
            run.all()
        );
        run
    };
    let terms = || {
        let rows = ground.open_store().read(Some(&["shop".to_owned()])).unwrap();
        let row = rows.into_iter().find(|row| row.category == "payment_methods")?;
        Some(pairform::model::to_json(&row.settings)["methods"]["Klarna"]["terms"].clone())
    };
    for password in [None, Some("another-word")] {
        let refused = once(password);
        assert!(refused.assert_code(7).stderr.contains("git fetch failed"), "{}", refused.stderr);
        assert_eq!(terms(), None);
    }
    once(Some(PASSWORD)).assert_code(0);
    assert_eq!(terms(), Some(json!("30")));
    ground.shop("shop", "14", "0");
    ground.push("Shorten the terms");
    once(Some(PASSWORD)).assert_code(0);
    assert_eq!(terms(), Some(json!("14")));
    assert!(!remote.paths("git-upload-pack").is_empty(), "it was fetched from there");
}
