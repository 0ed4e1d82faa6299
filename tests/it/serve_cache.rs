//! Clear Cache of a server, against platforms on loopback: what it fetches, what it tells, where that is kept, and who may.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use pairform::store::{self, Clearing};
use serde_json::{Value as Json, json};

use crate::platforms::{self, Hit, Reply, good, reply};
use crate::run::Project;
use crate::serve::{Client, Server, apply_with, stores, token};

pub const SECRETS: [(&str, &str); 3] = [("F_ID", "fid"), ("F_SECRET", "fsecret"), ("S_TOKEN", "shpat_1")];
/// Lines for both platforms, at their port.
pub fn allow(port: u16) -> [&'static str; 4] {
    let line = |connector: &str| &*format!("{connector}=127.0.0.1:{port}").leak();
    ["--allow", line("fortnox"), "--allow", line("shopify")]
}

/// The platforms; from some moment on Fortnox has other terms of payment and Shopify lets nobody in.
fn answer(hit: &Hit, is_later: bool) -> Reply {
    match hit.path.as_str() {
        "/fortnox/3/termsofpayments" if is_later => {
            let terms = [("0", "Kontant"), ("07", "En vecka"), ("45", "45 dagar")];
            let terms = terms.map(|(code, text)| json!({"Code": code, "Description": text}));
            good(&json!({"MetaInformation": {"@TotalPages": 1}, "TermsOfPayments": terms}))
        }
        path if path.starts_with("/shopify/") && is_later => reply(401, "{}"),
        _ => platforms::all(hit),
    }
}

/// Two shops with one account of Fortnox, of which one is not in the files of git.
pub fn shops(project: &Project, url: &str) {
    for id in ["nordic", "other"] {
        let text = format!(
            "integration: {id}\npair: fortnox-shopify\nconnectors:\n  fortnox:\n    active: p\n    connections:\n      p: {{client_id: {{secret: env/F_ID}}, client_secret: {{secret: env/F_SECRET}}, tenant_id: \"1234567\", base_url: \"{url}/fortnox\", token_url: \"{url}/fortnox/oauth-v1/token\"}}\n  shopify:\n    active: p\n    connections:\n      p: {{shop: {id}, access_token: {{secret: env/S_TOKEN}}, base_url: \"{url}/shopify\"}}\nsettings:\n  general: {{name: {id}}}\n  payment_methods: {{default_terms_of_payment: \"30\"}}\n"
        );
        project.write(&format!("integrations/{id}.yaml"), text);
    }
}

/// Asks until what was begun has ended.
fn ended(client: &Client<'_>) -> Json {
    let begun = Instant::now();
    loop {
        let cache = client.get("/integrations/nordic/cache").is(200).json();
        if !cache["clearing"]["ended_at"].is_null() {
            return cache;
        }
        assert!(begun.elapsed() < Duration::from_secs(60), "{cache}");
        std::thread::yield_now();
    }
}

fn list<'a>(cache: &'a Json, connector: &str, set: &str) -> &'a Json {
    let lists = cache["clearing"]["lists"].as_array().unwrap();
    let mut lists = lists.iter().filter(|list| list["connector"] == connector);
    lists.find(|list| list["set"] == set).unwrap_or_else(|| panic!("no {set}: {cache}"))
}

/// As if the last time were long ago.
fn long_ago(store: &str, until: &str, ended_at: Option<&str>) {
    let mut store = store::open(&store.to_owned()).unwrap();
    let last = store.clearing("nordic").unwrap().unwrap();
    let run = format!("{}-again", last.run);
    let past = Clearing {
        run: run.clone(),
        asked_at: "2026-01-01T00:00:00Z".to_owned(),
        until: until.to_owned(),
        ended_at: None,
        ..last.clone()
    };
    assert_eq!(store.begin_clearing(&past, Some(&last.run)).unwrap().run, run);
    let ended_at = ended_at.map(str::to_owned);
    assert!(store.tell_clearing(&Clearing { ended_at, ..past }).unwrap());
}

const CLEAR: &str = "/integrations/nordic/cache:clear";

#[test]
fn clear_cache_fetches_from_both_platforms_and_tells_what_is_new_gone_and_used() {
    let is_later = Arc::new(AtomicBool::new(false));
    let later = Arc::clone(&is_later);
    let platforms = platforms::Server::start(move |hit| answer(hit, later.load(Ordering::SeqCst)));
    let url = format!("http://127.0.0.1:{}", platforms.port);
    let project = Project::empty();
    shops(&project, &url);
    for store in stores(&project) {
        is_later.store(false, Ordering::SeqCst);
        apply_with(&project, &store, &SECRETS, &allow(platforms.port));
        let bo = token(&project, &store, &["bo", "--role", "editor"]);
        let narrow = token(&project, &store, &["nils", "--role", "editor", "--for-integration", "nordic"]);
        let eva = token(&project, &store, &["eva", "--role", "viewer"]);
        let one = Server::start_with(project.path(), &store, &allow(platforms.port), &SECRETS);
        let other = Server::start_with(project.path(), &store, &allow(platforms.port), &SECRETS);
        let bo = one.client(&bo);
        let cache = bo.get("/integrations/nordic/cache").is(200).json();
        assert!(cache["clearing"].is_null());
        let known = cache["lists"].as_array().unwrap();
        assert!(known.len() > 5 && known.iter().all(|list| list.get("fetched").is_none()), "{cache}");
        one.client(&eva).send("POST", CLEAR, &[], &json!({})).is_problem(403, "forbidden");

        let begun = bo.send("POST", CLEAR, &[], &json!({}));
        assert_eq!(begun.is(202).headers["location"], "/api/v1/integrations/nordic/cache");
        let first = ended(&other.client(&eva));
        assert_eq!(
            (&first["clearing"]["state"], &first["clearing"]["asked_by"]),
            (&json!("done"), &json!("bo"))
        );
        let terms = list(&first, "fortnox", "terms_of_payment");
        assert_eq!(
            (&terms["state"], &terms["values"], &terms["is_first"]),
            (&json!("done"), &json!(3), &json!(true))
        );
        // What a platform keeps from us is told with its reason, and stops nothing else.
        let refused = list(&first, "fortnox", "cost_center");
        assert_eq!(refused["state"], "failed", "{refused}");
        assert!(!refused["reason"].as_str().unwrap().is_empty());
        assert_eq!(list(&first, "shopify", "location")["values"], 3);
        // Nothing of it lies in the folder of the project, and every server knows it.
        assert!(!project.at("options").exists() && !project.at(".pairform/cache").exists());
        let path = "/options/fortnox/1234567/terms_of_payment";
        let begun = Instant::now();
        while other.client(&eva).get(path).status == 404 {
            assert!(begun.elapsed() < Duration::from_secs(10));
            std::thread::yield_now();
        }
        let soon = bo.send("POST", CLEAR, &[], &json!({}));
        soon.is_problem(429, "too-soon");
        assert!(soon.headers["retry-after"].parse::<u64>().unwrap() <= 60);

        is_later.store(true, Ordering::SeqCst);
        long_ago(&store, "2026-01-01T00:00:00Z", Some("2026-01-01T00:00:01Z"));
        other.client(&narrow).send("POST", CLEAR, &[], &json!({})).is(202);
        let second = ended(&bo);
        let terms = list(&second, "fortnox", "terms_of_payment");
        assert_eq!(terms["new"], json!([{"value": "45", "label": "45 dagar"}]), "{terms}");
        assert_eq!(terms["renamed"], json!([{"value": "07", "before": "7 dagar", "after": "En vecka"}]));
        let used = |integration: &str| json!({"integration": integration, "category": "payment_methods", "title": "Payment Methods", "setting": "default_terms_of_payment"});
        let gone =
            json!({"value": "30", "label": "30 dagar netto", "used_by": [used("nordic"), used("other")]});
        assert_eq!(terms["gone"], json!([gone]));
        let seen = ended(&one.client(&narrow));
        let gone = &list(&seen, "fortnox", "terms_of_payment")["gone"][0];
        assert_eq!((&gone["used_by"], &gone["used_elsewhere"]), (&json!([used("nordic")]), &json!(1)));
        // Of the platform that let nobody in, the old list stays.
        let locations = list(&second, "shopify", "location");
        assert_eq!(locations["state"], "failed", "{locations}");
        let shown = bo.get("/options/shopify/nordic/location").is(200).json();
        assert_eq!(shown["values"].as_array().unwrap().len(), 3);

        // A save is judged by what was fetched.
        let category = "/integrations/nordic/categories/payment_methods";
        let etag = bo.get(category).headers["etag"].clone();
        let save = |terms: &str| bo.patch(category, &etag, &json!({"map": {"Klarna": terms}}));
        let begun = Instant::now();
        while save("45").status == 422 {
            assert!(begun.elapsed() < Duration::from_secs(10));
            std::thread::yield_now();
        }
        let etag = bo.get(category).headers["etag"].clone();
        bo.patch(category, &etag, &json!({"map": {"Klarna": "44"}})).is_problem(422, "invalid");

        // A server that was killed while it fetched leaves a word that is known to be old.
        long_ago(&store, "2026-01-01T00:00:00Z", None);
        let lost = bo.get("/integrations/nordic/cache").json();
        assert_eq!(lost["clearing"]["state"], "failed", "{lost}");
        bo.send("POST", CLEAR, &[], &json!({})).is(202);
        // While one is under way, that one is it.
        let under_way = bo.send("POST", CLEAR, &[], &json!({}));
        assert!(matches!(under_way.status, 202 | 429), "{}", under_way.body);
        ended(&bo);
    }
    let sent = platforms.hits();
    assert!(sent.iter().all(|hit| !hit.body.contains("pairform_")));
}

#[test]
fn nothing_is_sent_where_no_line_allows_it_and_the_lines_are_told() {
    let platforms = platforms::Server::start(platforms::all);
    let url = format!("http://127.0.0.1:{}", platforms.port);
    let project = Project::empty();
    shops(&project, &url);
    let store = stores(&project).remove(0);
    apply_with(&project, &store, &SECRETS, &allow(platforms.port));
    let bo = token(&project, &store, &["bo", "--role", "editor"]);
    let server = Server::start_with(project.path(), &store, &allow(platforms.port)[..2], &SECRETS);
    let bo = server.client(&bo);
    bo.send("POST", CLEAR, &[], &json!({})).is(202);
    let cache = ended(&bo);
    assert_eq!(list(&cache, "shopify", "location")["state"], "failed");
    assert_eq!(list(&cache, "fortnox", "terms_of_payment")["state"], "done");
    assert!(
        cache["clearing"]["allow"].to_string().contains(&format!("shopify=127.0.0.1:{}", platforms.port)),
        "{cache}"
    );
    assert!(platforms.paths("/shopify/").is_empty());
    assert!(!cache.to_string().contains("fsecret") && !cache.to_string().contains("shpat_1"));
}
