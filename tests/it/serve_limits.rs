//! What somebody may who is limited to some integrations, and what a request may not say: both are told, and nothing is saved.

use serde_json::json;

use crate::run::Project;
use crate::serve::{Server, apply_with, set_outside, stores, token};

const GENERAL: &str = "/integrations/shop/categories/general";

/// Two shops, of which git has the names only.
fn two_shops() -> (Project, String) {
    let project = Project::empty();
    let store = stores(&project).remove(0);
    for id in ["shop", "other"] {
        let text = format!(
            "integration: {id}\npair: fortnox-shopify\nunmanaged: [connectors]\nsettings: {{general: {{name: {id}}}}}\n"
        );
        project.write(&format!("integrations/{id}.yaml"), text);
    }
    apply_with(&project, &store, &[], &[]);
    (project, store)
}

#[test]
fn whoever_administers_some_integrations_gives_no_more_than_he_has() {
    let (project, store) = two_shops();
    let limited = token(
        &project,
        &store,
        &["lim", "--role", "admin", "--for-integration", "shop", "--until", "2099-01-01T00:00:00Z"],
    );
    token(&project, &store, &["eva", "--role", "viewer"]);
    let server = Server::start(&project, &store, &[]);
    let client = server.client(&limited);
    let make = |body| client.send("POST", "/tokens", &[], &body);
    for more in [
        json!({"name": "x", "role": "admin"}),
        json!({"name": "x", "role": "viewer", "integrations": ["*"]}),
        json!({"name": "x", "role": "viewer", "integrations": ["shop", "other"]}),
        json!({"name": "x", "role": "viewer", "integrations": ["shop"]}),
    ] {
        make(more).is_problem(403, "forbidden");
    }
    let own = json!({"name": "own", "role": "editor", "integrations": ["shop"], "expires_at": "2098-01-01T00:00:00Z"});
    make(own).is(201);
    let listed = client.get("/tokens").is(200).json();
    let names: Vec<&str> =
        listed["tokens"].as_array().unwrap().iter().map(|one| one["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["lim", "own"]);
    client.ask("DELETE", "/api/v1/tokens/eva", &[], "").is_problem(404, "not-found");
    client.ask("DELETE", "/api/v1/tokens/own", &[], "").is(204);
}

#[test]
fn each_refusal_of_somebody_who_is_known_is_noted_once_and_made_up_names_fill_nothing() {
    let (project, store) = two_shops();
    let eva = token(&project, &store, &["eva", "--role", "viewer", "--for-integration", "shop"]);
    let server = Server::start(&project, &store, &[]);
    let client = server.client(&eva);
    let given = client.get("/integrations/shop/configuration").is(200).headers["etag"].clone();
    let proposal = json!({"category": "general", "settings": {"name": "x"}});
    let sync = json!({"flow": "orders", "etag": given, "outcome": "ok"});
    let refused = |times: usize| {
        for _ in 0..times {
            client.send("POST", "/integrations/shop/syncs", &[], &sync).is_problem(403, "forbidden");
            client
                .send("POST", "/integrations/shop/cache:clear", &[], &json!({}))
                .is_problem(403, "forbidden");
            client.send("POST", "/integrations/shop/proposals", &[], &proposal).is(403);
            client.send("POST", "/plans", &[], &json!({})).is_problem(403, "forbidden");
            client.send("POST", "/plans/sha256:0/apply", &[], &json!({})).is_problem(403, "forbidden");
            let heads = json!({"read": "heads"});
            client.send("POST", "/store/read", &[], &heads).is_problem(403, "forbidden");
            client.get("/tokens").is_problem(403, "forbidden");
            client.patch(GENERAL, "\"1\"", &json!({"name": "x"})).is_problem(403, "forbidden");
        }
    };
    let notes = |by: &str| {
        let notes = pairform::store::open(&store).unwrap().notes().unwrap();
        notes.iter().filter(|note| note.kind == pairform::store::REFUSAL && note.by == by).count()
    };
    refused(2);
    // Handing in plans is one matter, whichever way.
    assert_eq!(notes("eva"), 7);
    for number in 0..3 {
        let path = format!("/integrations/shop/categories/made-up-{number}");
        client.patch(&path, "\"1\"", &json!({"name": "x"})).is_problem(403, "forbidden");
    }
    assert_eq!(notes("eva"), 7, "made-up names are in no note");
    let limited = token(&project, &store, &["lim", "--role", "admin", "--for-integration", "shop"]);
    for number in 0..70 {
        let wanted = json!({"name": format!("x{number}"), "role": "viewer"});
        server.client(&limited).send("POST", "/tokens", &[], &wanted).is_problem(403, "forbidden");
    }
    assert_eq!(notes("lim"), 60, "there is a bound");
}

#[test]
fn what_is_said_twice_or_is_not_known_is_refused() {
    let (project, store) = two_shops();
    let admin = token(&project, &store, &["ann", "--role", "admin"]);
    let server = Server::start(&project, &store, &[]);
    let client = server.client(&admin);
    let etag = client.get(GENERAL).headers["etag"].clone();
    let headers = [("If-Match", etag.as_str()), ("Content-Type", "application/json")];
    let patch =
        |query: &str, body: &str| client.ask("PATCH", &format!("/api/v1{GENERAL}{query}"), &headers, body);
    for body in [
        r#"{"error_email": "a@b.se", "error_email": "c@d.se"}"#,
        r#"{"x": [{"a": 1, "b": {"c": 1, "c": 1}}]}"#,
    ] {
        assert!(patch("", body).is(400).body.contains("twice"), "{body}");
    }
    let body = r#"{"error_email": "a@b.se"}"#;
    for query in ["?trail=true", "?trial=true&trial=false", "?x"] {
        patch(query, body).is_problem(400, "bad-request");
    }
    assert_eq!(client.get(GENERAL).headers["etag"], etag, "nothing was saved");
    let limited = json!({"name": "x", "role": "viewer", "for_category": ["general"]});
    let told = client.send("POST", "/tokens", &[], &limited);
    assert!(told.is(400).body.contains("for_category"), "{}", told.body);
    patch("?trial=true", body).is(200);
    patch("", body).is(200);
}

/// Of many saves, none but the last is for whoever asks.
#[test]
fn the_feed_of_somebody_limited_reads_on_where_a_page_has_nothing_for_him() {
    let (project, store) = two_shops();
    let eva = token(&project, &store, &["eva", "--role", "viewer", "--for-integration", "shop"]);
    let server = Server::start(&project, &store, &[]);
    let client = server.client(&eva);
    let cursor = client.get("/changes?after=now").json()["cursor"].as_str().unwrap().to_owned();
    for number in 0..501 {
        set_outside(&store, "other", Some(&format!("{number}-")));
    }
    set_outside(&store, "shop", Some("A-"));
    let told = client.get(&format!("/changes?after={cursor}")).is(200).json();
    let changes = told["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 1, "{told}");
    assert_eq!(changes[0]["integration"], "shop");
}
