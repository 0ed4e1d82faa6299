//! The pages on what moves between git and what is deployed, as somebody without a script uses them: Propose a change, Take into git,
//! changes, the plan and Apply, Clear Cache.

use serde_json::json;

use crate::platforms;
use crate::run::Project;
use crate::serve::{Answer, Client, Server, apply_with, stores, token};
use crate::serve_propose::Place;

fn get(client: &Client<'_>, path: &str) -> Answer {
    client.ask("GET", path, &[], "")
}

/// What a form has to bring back.
fn hidden(page: &Answer, name: &str) -> String {
    let at = format!("name=\"{name}\" value=\"");
    let (_, rest) = page.body.split_once(&at).unwrap_or_else(|| panic!("no {name} in {}", page.body));
    rest.split('"').next().unwrap().to_owned()
}

fn send(client: &Client<'_>, path: &str, fields: &[(&str, &str)]) -> Answer {
    let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish();
    client.ask("POST", path, &[("Content-Type", "application/x-www-form-urlencoded")], &body)
}

#[track_caller]
fn shows(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.body.contains(text), "no {text:?} in {}", page.body);
    }
}

const PROPOSE: &str = "/integrations/shop/propose?category=payment_methods&setting=default_terms_of_payment";

#[test]
fn a_change_is_proposed_on_a_form_and_shown_until_it_is_closed() {
    let place = Place::new();
    let bo = place.token(&["bo", "--role", "editor"]);
    let eva = place.token(&["eva", "--role", "viewer"]);
    let server = place.serve(&["--forge", "github=https://github.com/team/shops"]);
    let (bo, eva) = (server.client(&bo), server.client(&eva));
    let page = get(&bo, PROPOSE);
    shows(
        page.is(200),
        &[
            "Propose a change to ",
            "For these 3 integrations",
            "bases&#x2f;group.yaml:4",
            "Only for shop",
            "Nothing to preview yet",
        ],
    );
    let form = hidden(&page, "form");
    let mut fields = vec![
        ("form", form.as_str()),
        ("category", "payment_methods"),
        ("setting", "default_terms_of_payment"),
        ("s.default_terms_of_payment", "14"),
        ("where", "base"),
        ("why", "Klarna <b>pays</b> later"),
        ("branch", ""),
        ("do", "preview"),
    ];
    let preview = send(&bo, "/integrations/shop/propose", &fields);
    shows(
        preview.is(200),
        &[
            "    default_terms_of_payment: <ins>&quot;14&quot;</ins>  # of the group",
            "In 2 integrations",
            "Not changed: 1 of the 3.",
            "own.",
            "Create the branch",
            "Klarna &lt;b&gt;pays&lt;&#x2f;b&gt; later",
        ],
    );
    assert!(place.branches().is_empty());
    let commit = hidden(&preview, "commit");
    fields.push(("commit", &commit));
    let previewed = hidden(&preview, "previewed");
    fields.push(("previewed", &previewed));
    fields[7] = ("do", "push");
    let made = send(&bo, "/integrations/shop/propose", &fields);
    made.is(303);
    let changes = get(&bo, &made.headers["location"]);
    let branch = place.branches().remove(0);
    let link = format!(
        "https:&#x2f;&#x2f;github.com&#x2f;team&#x2f;shops&#x2f;compare&#x2f;main...{}?expand=1",
        branch.replace('/', "&#x2f;")
    );
    shows(
        changes.is(200),
        &[
            &format!("The branch {} is pushed", branch.replace('/', "&#x2f;")),
            &link,
            "Klarna &lt;b&gt;pays",
            "Nothing was changed outside git",
        ],
    );
    // Those who take it from the same file see it as well, and close it where it was made.
    let market = get(&bo, "/integrations/market/settings/payment_methods");
    shows(market.is(200), &["bo proposed <strong>14"]);
    let market = get(&bo, "/integrations/market/changes");
    shows(market.is(200), &["Proposed for shop; it changes this integration too.", "1 open"]);
    assert!(!market.body.contains("name=\"close\""), "{}", market.body);
    let own = get(&bo, "/integrations/own/settings/payment_methods");
    assert!(!own.is(200).body.contains("bo proposed"), "it has terms of its own");
    // Another for the same file is told of it.
    fields[3].1 = "20";
    fields[7].1 = "preview";
    shows(
        &send(&bo, "/integrations/shop/propose", &fields),
        &["bo proposed another change of the same file"],
    );
    // A branch that is none keeps what was typed.
    fields[6].1 = "main";
    fields[7].1 = "push";
    let refused = send(&bo, "/integrations/shop/propose", &fields);
    shows(refused.is(400), &["The branch was not created", "value=\"main\"", "pays&lt;&#x2f;b&gt; later"]);
    // Nothing is sent without the token of the form, and whoever only looks is told so.
    send(&bo, "/integrations/shop/propose", &fields[1..]).is(401);
    shows(get(&eva, PROPOSE).is(403), &["You may not propose this"]);
    let id = hidden(&changes, "close");
    let form = hidden(&get(&eva, "/integrations/shop/settings/payment_methods"), "form");
    send(&eva, "/integrations/shop/changes", &[("form", &form), ("close", &id)]).is(403);
    let form = hidden(&changes, "form");
    let closed = send(&bo, "/integrations/shop/changes", &[("form", &form), ("close", &id)]);
    closed.is(303);
    shows(&get(&bo, &closed.headers["location"]), &["is closed. Its branch stays.", ">closed</span>"]);
}

#[test]
fn what_was_changed_outside_is_taken_into_git_or_set_back() {
    let place = Place::new();
    let sara = place.token(&["Sara Nyberg", "--role", "editor", "--right", "override"]);
    let server = place.serve(&[]);
    let sara = server.client(&sara);
    let path = "/integrations/shop/categories/general";
    let etag = sara.get(path).headers["etag"].clone();
    let headers = [("If-Match", etag.as_str()), ("Pairform-Override", "the auditor asked")];
    sara.send("PATCH", path, &headers, &json!({"order_number_prefix": "B-"})).is(200);
    let changes = get(&sara, "/integrations/shop/changes");
    shows(
        changes.is(200),
        &["Sara Nyberg", "the auditor asked", ">A-</del>", ">B-</ins>", "Take B- into git", "Set back to A-"],
    );
    let take = get(&sara, "/integrations/shop/propose?category=general&setting=order_number_prefix");
    shows(
        take.is(200),
        &[
            "into git",
            "value=\"B-\"",
            "Committed as Sara Nyberg",
            "order_number_prefix: <ins>&quot;B-&quot;</ins>}",
        ],
    );
    let fields = [
        ("form", hidden(&changes, "form")),
        ("category", "general".to_owned()),
        ("revision", hidden(&changes, "revision")),
        ("key", hidden(&changes, "key")),
        ("do", "set-back:order_number_prefix".to_owned()),
    ];
    let fields: Vec<(&str, &str)> = fields.iter().map(|(name, value)| (*name, value.as_str())).collect();
    send(&sara, "/integrations/shop/general", &fields).is(303);
    shows(&get(&sara, "/integrations/shop/changes"), &["Nothing was changed outside git"]);
}

#[test]
fn a_plan_is_applied_by_whoever_may_and_only_as_it_was_seen() {
    let place = Place::new();
    let ann = place.token(&["ann", "--role", "applier"]);
    let bo = place.token(&["bo", "--role", "editor"]);
    let narrow = place.token(&["nils", "--role", "applier", "--for-integration", "shop"]);
    let server = place.serve(&[]);
    let [ann, bo, narrow] = [&ann, &bo, &narrow].map(|token| server.client(token));
    shows(get(&ann, "/plan").is(200), &["No changes"]);
    place.commit("bases/group.yaml", "\"30\"", "\"14\"");
    place.wait_for(|| get(&ann, "/plan").body.contains("Apply 2 categories"));
    let plan = get(&ann, "/plan");
    shows(
        plan.is(200),
        &["Default terms of payment", "2 integrations", "bases&#x2f;group.yaml:4", "Reaches"],
    );
    let one = get(&narrow, "/integrations/shop/plan");
    shows(one.is(200), &["Apply 1 category"]);
    get(&narrow, "/plan").is(403);
    get(&narrow, "/integrations/market/plan").is(404);
    let looked = get(&bo, "/plan");
    shows(looked.is(200), &["You may look but not apply"]);
    let digest = hidden(&plan, "digest");
    let form = hidden(&plan, "form");
    send(
        &bo,
        "/plan",
        &[("form", &hidden(&get(&bo, "/integrations/shop/settings"), "form")), ("digest", &digest)],
    )
    .is(403);
    shows(
        send(&ann, "/plan", &[("form", &form), ("digest", "sha256:00")]).is(412),
        &["Nothing was applied", "The plan is another one by now"],
    );
    // Somebody commits in between.
    place.commit("bases/group.yaml", "\"14\"", "\"10\"");
    place.wait_for(|| hidden(&get(&ann, "/plan"), "digest") != digest);
    send(&ann, "/plan", &[("form", &form), ("digest", &digest)]).is(412);
    let digest = hidden(&get(&ann, "/plan"), "digest");
    // Whoever loads the page again asks for it, and applies nothing.
    let applied = send(&ann, "/plan", &[("form", &form), ("digest", &digest)]);
    let told = get(&ann, &applied.is(303).headers["location"]);
    shows(told.is(200), &["Applied: 2 categories are saved as git says", "No changes"]);
    // Who did not do it is told nothing of it.
    assert!(!get(&bo, &applied.headers["location"]).body.contains("Applied:"));
    let saved = bo.get("/integrations/market/categories/payment_methods").json();
    assert_eq!(
        (&saved["saved_by"], &saved["settings"]["default_terms_of_payment"]),
        (&json!("ann"), &json!("10"))
    );
}

/// What stays as it was is not told as fetched anew.
#[test]
fn a_cache_of_which_nothing_came_says_so() {
    let platforms = platforms::Server::start(|_: &platforms::Hit| platforms::reply(500, "{}"));
    let url = format!("http://127.0.0.1:{}", platforms.port);
    let project = Project::empty();
    crate::serve_cache::shops(&project, &url);
    let store = stores(&project).remove(0);
    let (secrets, allow) = (crate::serve_cache::SECRETS, crate::serve_cache::allow(platforms.port));
    apply_with(&project, &store, &secrets, &allow);
    let bo = token(&project, &store, &["bo", "--role", "editor"]);
    let server = Server::start_with(project.path(), &store, &allow, &secrets);
    let bo = server.client(&bo);
    let form = hidden(&get(&bo, "/integrations/nordic/settings"), "form");
    send(&bo, "/integrations/nordic/cache:clear", &[("form", &form)]).is(303);
    let begun = std::time::Instant::now();
    let page = loop {
        let page = get(&bo, "/integrations/nordic/cache");
        if !page.is(200).body.contains("This page looks again by itself") {
            break page;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(120), "{}", page.body);
        std::thread::yield_now();
    };
    shows(&page, &["No list could be fetched"]);
    // A platform says once why it does not answer, and nothing old stays where there was nothing.
    let platforms = page.body.matches("class=\"card-head\"").count();
    assert!(page.body.contains("lists came.") && page.body.matches("class=\"is-bad\" lang").count() == 0);
    assert!(page.body.matches("<p class=\"is-bad\">").count() < platforms, "{}", page.body);
    assert!(!page.body.contains("The old values stay"), "{}", page.body);
    assert!(!page.body.contains("Cache cleared and fetched again."), "{}", page.body);
}

#[test]
fn clear_cache_leads_to_a_page_that_looks_again_by_itself() {
    let platforms = platforms::Server::start(platforms::all);
    let url = format!("http://127.0.0.1:{}", platforms.port);
    let project = Project::empty();
    crate::serve_cache::shops(&project, &url);
    let store = stores(&project).remove(0);
    let (secrets, allow) = (crate::serve_cache::SECRETS, crate::serve_cache::allow(platforms.port));
    apply_with(&project, &store, &secrets, &allow);
    let bo = token(&project, &store, &["bo", "--role", "editor"]);
    let eva = token(&project, &store, &["eva", "--role", "viewer"]);
    let server = Server::start_with(project.path(), &store, &allow, &secrets);
    let (bo, eva) = (server.client(&bo), server.client(&eva));
    let settings = get(&bo, "/integrations/nordic/settings");
    shows(settings.is(200), &["Clear Cache", "/integrations/nordic/cache:clear"]);
    let form = hidden(&get(&eva, "/integrations/nordic/settings/payment_methods"), "form");
    shows(
        send(&eva, "/integrations/nordic/cache:clear", &[("form", &form)]).is(403),
        &["The cache was not cleared", "Ask an admin for the role editor"],
    );
    let begun = send(&bo, "/integrations/nordic/cache:clear", &[("form", &hidden(&settings, "form"))]);
    assert_eq!(begun.is(303).headers["location"], "/integrations/nordic/cache");
    let page = || get(&bo, "/integrations/nordic/cache");
    let begun = std::time::Instant::now();
    loop {
        let page = page();
        let is_running = page.is(200).body.contains("This page looks again by itself");
        assert_eq!(page.headers.contains_key("refresh"), is_running, "{}", page.body);
        if !is_running {
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(60), "{}", page.body);
        std::thread::yield_now();
    }
    shows(
        &page(),
        &[
            "Cache cleared and fetched again.",
            "Fetched for the first time.",
            "lists did not come.",
            "Terms of payment",
        ],
    );
    let soon = send(&bo, "/integrations/nordic/cache:clear", &[("form", &hidden(&settings, "form"))]);
    shows(
        soon.is(429),
        &["The values were fetched just now", "They can be fetched again in", "role=\"status\""],
    );
    assert!(!soon.body.contains("Cache cleared and fetched again."), "one message at a time");
}
