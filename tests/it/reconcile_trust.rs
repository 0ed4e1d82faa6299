//! Where a reconciler may lead credentials: by what was merged, as soon as it was; and one shop that leads elsewhere holds that one alone.

use std::process::Stdio;
use std::time::Instant;

use serde_json::json;

use crate::reconcile::{Ground, Running};

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
