//! What the pages say, and to whom: words for people who have no files, ways that lead nowhere for whoever may not go them, and
//! answers that a browser can come back to.

use serde_json::json;

use crate::configure::{NORDIC, Pages, example, has, lacks, pairform};
use crate::configure_walk::{make, write_and_commit};
use crate::forms_of_pages::{Form, words};

#[test]
fn what_is_missing_is_told_as_links_to_fields_and_not_as_lines_of_files() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let general = browser.page(&format!("{base}/general"));
    let form = Form::of(&general, "general").set("s.live_mode", "on").set("s.onboarding_mode", "off");
    let refused = browser.press(&form, "save");
    assert_eq!(refused.status, 422);
    has(
        &refused.body,
        "Default way of delivery: (Shipping Methods) This setting is required and must be saved. E0312",
    );
    for of_files in
        ["Under shipping_methods", "add default_way_of_delivery", "Declare", "unmanaged", "shipping_methods:"]
    {
        lacks(&refused.body, of_files);
    }
    // What a value cannot be is told by the field's own words, with why.
    let schedules = format!("{base}/scheduling");
    let form = Form::of(&browser.page(&schedules), "schedules").set("key.*", "orders");
    let added = browser.press(&form, "add:*");
    let form =
        Form::of(&added.body, "schedules").set("s.orders.flow", "orders").set("s.orders.every", "sometimes");
    let refused = browser.press(&form, "save");
    assert_eq!(refused.status, 422);
    has(
        &refused.body,
        "orders › Interval cannot be \"sometimes\": an interval is a number of minutes, hours or days",
    );
    lacks(&refused.body, "orders.every");
}

#[test]
fn nothing_is_offered_to_whoever_may_not() {
    let pages = Pages::start(example(), &[]);
    let token = pages.token(&["vera", "--role", "viewer"]);
    let mut browser = pages.browser();
    browser.headers.push(("Authorization", format!("Bearer {token}")));
    for place in ["settings/order", "settings/payment_methods", "connectors", "general", "changes"] {
        let page = browser.page(&format!("{NORDIC}/{place}"));
        assert!(!page.contains("/propose?"), "{place}");
    }
    let refused = browser.get(&format!("{NORDIC}/propose?category=order&setting=exclude_before"));
    assert_eq!(refused.status, 403);
    has(
        &refused.body,
        "You may not propose this You may look but not save here. Ask an admin for the role editor of Order Settings.",
    );
    assert!(!refused.body.contains("<textarea"), "no form above a refusal");
    let refused = browser.get("/integrations/new");
    assert_eq!(refused.status, 403);
    has(&refused.body, "You may not make integrations here");
    assert!(!refused.body.contains("name=\"pair\""));
    lacks(&browser.page("/integrations"), "New integration");
}

#[test]
fn a_way_back_says_beforehand_what_git_keeps() {
    let project = example();
    write_and_commit(&project, "bases/fortnox.yaml", |text| {
        text.replace("default_terms_of_payment: \"30\"", "default_terms_of_payment: \"10\"")
    });
    let done = pairform(&project).args(["apply", "--yes", "--allow-live"]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    let pages = Pages::start(project, &[]);
    let mut browser = pages.signed_in();
    let address = format!("{NORDIC}/settings/payment_methods");
    let back = format!("{NORDIC}/history/payment_methods/1");
    // All of it is git's: no button that would only refuse.
    let page = browser.page(&back);
    has(&page, "1 setting stays, as git owns it");
    assert!(!page.contains("Go back to revision 1</button>"), "{}", words(&page));
    lacks(&page, "until you press the button");
    let form = Form::of(&browser.page(&address), "payment_methods").set("s.fee_account", "6570");
    browser.save(&form);
    let page = browser.page(&back);
    has(&page, "1 setting stays, as git owns it");
    has(&page, "1 setting would change");
    let form = Form::all(&page).into_iter().find(|form| form.action == back).unwrap();
    let done = browser.press(&form, "");
    assert_eq!(done.status, 303, "{}", words(&done.body));
    let now = pages.deployed("nordic-outdoor", "payment_methods");
    assert_eq!((&now["default_terms_of_payment"], now.get("fee_account")), (&json!("10"), None));
    // The way to have git's as it was begins with what it was.
    let link =
        format!("{NORDIC}/propose?category=payment_methods&setting=default_terms_of_payment&revision=1");
    let page = browser.page(&link);
    // Its own file, as long as nobody says that all eight are meant.
    has(&page, "The edit integrations/nordic-outdoor/settings/payment_methods.yaml");
    assert!(page.contains("<ins>default_terms_of_payment: &quot;30&quot;</ins>"), "{}", words(&page));
    let form = Form::all(&page).into_iter().find(|form| form.action.ends_with("/propose")).unwrap();
    assert_eq!((form.get("where"), form.get("s.default_terms_of_payment")), (Some("here"), Some("30")));
    let page = browser.press(&form.set("where", "base"), "preview").body;
    has(&page, "The edit bases/fortnox.yaml");
    assert!(page.contains("    default_terms_of_payment: <ins>&quot;30&quot;</ins>"), "{}", words(&page));
}

#[test]
fn a_proposal_that_cannot_be_made_says_why_at_its_place() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let address = format!("{NORDIC}/propose?category=payment_methods&setting=default_terms_of_payment");
    let form =
        |page: &str| Form::all(page).into_iter().find(|form| form.action.ends_with("/propose")).unwrap();
    let page = browser.page(&address);
    for branch in ["main", "../x"] {
        let typed = form(&page).set("s.default_terms_of_payment", "14").set("branch", branch);
        let refused = browser.press(&typed, "preview");
        assert_eq!(refused.status, 400, "{branch}");
        has(&refused.body, "This cannot be proposed as it stands A branch is called pairform/");
        assert!(refused.body.contains("href=\"#branch\""));
        assert!(refused.body.contains("aria-invalid=\"true\" aria-describedby=\"branch-e\""));
        lacks(&refused.body, "Nothing to preview yet");
        assert_eq!(form(&refused.body).get("branch"), Some(branch));
    }
    let refused = browser.press(&form(&page).set("s.default_terms_of_payment", ""), "preview");
    assert_eq!(refused.status, 422);
    has(&refused.body, "This cannot be proposed as it stands");
    has(&refused.body, "This setting is required and must be saved.");
    assert!(refused.body.contains("href=\"#f-default_terms_of_payment\""));
    assert!(refused.body.contains("aria-invalid=\"true\""));
    lacks(&refused.body, "add default_terms_of_payment");
    // The files moved on since it was previewed: what comes of it now stands beside that.
    let preview = browser.press(&form(&page).set("s.default_terms_of_payment", "14"), "preview");
    write_and_commit(&pages.project, "README.md", |text| format!("{text}\nMore.\n"));
    let seen = form(&preview.body);
    let before = seen.get("commit").unwrap().to_owned();
    let begun = std::time::Instant::now();
    loop {
        let moved = browser.press(&seen, "push");
        assert_eq!(moved.status, 412, "{}", words(&moved.body));
        has(&moved.body, "The branch was not created");
        has(&moved.body, "The edit");
        // A server sees a new commit when it looks for one.
        if form(&moved.body).get("commit") != Some(before.as_str()) {
            break;
        }
        assert!(begun.elapsed() < std::time::Duration::from_secs(60));
        std::thread::yield_now();
    }
}

#[test]
fn a_dropdown_of_an_unconnected_integration_says_whose_values_it_has() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let page = browser.page(&format!("{base}/settings/payment_methods"));
    has(&page, "These are the values of");
    has(&page, "the only account of Fortnox that is known here. This integration names none yet.");
    // None of the example is connected in git, so those of Nordic Outdoor are borrowed as well.
    has(&browser.page(&format!("{NORDIC}/settings/payment_methods")), "These are the values of");
    // Once it is connected they are its own.
    let connectors = format!("{base}/connectors");
    let form = Form::of(&browser.page(&connectors), "connectors").set("key.fortnox.connections", "main");
    let added = browser.press(&form, "add:fortnox.connections");
    let mut form = Form::of(&added.body, "connectors").set("s.fortnox.active", "main");
    for (field, value) in
        [("tenant_id", "5567890"), ("client_id", "env/F_ID"), ("client_secret", "env/F_SECRET")]
    {
        form = form.set(&format!("s.fortnox.connections.main.{field}"), value);
    }
    browser.save(&form);
    let page = browser.page(&format!("{base}/settings/payment_methods"));
    has(&page, "30 dagar netto");
    lacks(&page, "These are the values of");
}

#[test]
fn a_browser_can_come_back_to_what_was_answered() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let address = format!("{base}/settings/payment_methods");
    let page = browser.get(&address);
    assert_eq!(page.headers["cache-control"], "private, no-store");
    let answer =
        browser.press(&Form::of(&page.body, "payment_methods").set("key.methods", "Visa"), "add:methods");
    assert_eq!(answer.headers["cache-control"], "private, no-cache", "Back shows it again");
    for (sent, to) in [("cache:clear", "cache"), ("connectors:test", "connectors")] {
        let answer = browser.get(&format!("{base}/{sent}"));
        assert_eq!(
            (answer.status, answer.headers["location"].as_str()),
            (303, format!("{base}/{to}").as_str())
        );
    }
    let form = Form::all(&page.body).into_iter().find(|form| form.action == "/sign-out").unwrap();
    let answer = browser.press(&form, "");
    assert_eq!((answer.status, answer.headers["clear-site-data"].as_str()), (303, "\"cache\""));
}

#[test]
fn live_without_a_connection_says_that_nothing_syncs() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    has(&browser.page(&format!("{NORDIC}/general")), "It is live, and nothing syncs until this is there:");
    let page = browser.page(&format!("{NORDIC}/settings/general"));
    let saved = browser.save(&Form::of(&page, "general").set("s.order_number_prefix", "N-"));
    has(&saved, "General Settings is saved as revision 2.");
    has(&saved, "Nothing syncs until Shopify and Fortnox are connected.");
    assert!(saved.contains(&format!("href=\"{NORDIC}/connectors#f-shopify.active\"")));
    // One count of what is required, wherever it stands.
    has(&browser.page(&format!("{NORDIC}/settings")), "30 of 32 required settings are saved");
    has(&browser.page("/integrations"), "30 of 32");
    let connectors = browser.page(&format!("{NORDIC}/connectors"));
    has(&connectors, "0 of 2 required saved");
    has(&connectors, "Connectors 0/ of 2");
}

#[test]
fn live_too_early_counts_settings_and_names_the_connections() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let form = Form::of(&browser.page(&format!("{base}/general")), "general");
    let refused = browser.press(&form.set("s.live_mode", "on").set("s.onboarding_mode", "off"), "save");
    assert_eq!(refused.status, 422);
    let said = words(&refused.body);
    let (_, rest) = said.split_once("General Settings was not saved: ").unwrap();
    let count: usize = rest.split(' ').next().unwrap().parse().unwrap();
    let (_, summary) = refused.body.split_once("id=\"message\"").unwrap();
    let (summary, _) = summary.split_once("</ul>").unwrap();
    assert_eq!(summary.matches("<a href=\"/integrations/ny-butik").count(), count, "{said}");
    has(&refused.body, "A connection of Shopify: (Connectors) This setting is required and must be saved.");
    has(&refused.body, "It can be switched on when nothing is missing. What is missing stands on top");
    lacks(&refused.body, "Live can be switched on when nothing is missing:");
    let at = |title: &str| said.find(title).unwrap_or_else(|| panic!("{title}: {said}"));
    assert!(at("(Article)") < at("(Payment Methods)"), "in the order of the pages: {said}");
}

#[test]
fn why_git_was_saved_over_is_told_wherever_that_is() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let address = format!("{NORDIC}/settings/payment_methods");
    let propose =
        browser.page(&format!("{NORDIC}/propose?category=payment_methods&setting=default_terms_of_payment"));
    let over = format!("{address}?over=payment_methods.default_terms_of_payment");
    has(&propose, "Where it cannot wait for a pull request, with a reason that is kept:");
    assert!(propose.contains(&over), "{propose}");
    let form = Form::of(&browser.page(&over), "payment_methods").set("s.default_terms_of_payment", "10");
    // Without a reason it is asked for, and what was typed is still there.
    let asked = browser.press(&form, "save");
    assert_eq!(asked.status, 409);
    has(&asked.body, "Why it is saved although git owns it");
    let form = Form::of(&asked.body, "payment_methods");
    assert_eq!(form.get("s.default_terms_of_payment"), Some("10"));
    browser.save(&form.set("reason", "asked by phone (twice)"));
    for place in ["settings/payment_methods", "changes", "history"] {
        has(&browser.page(&format!("{NORDIC}/{place}")), "“asked by phone (twice)”");
    }
    has(&browser.page(&format!("{NORDIC}/history")), "changed outside git");
    has(&browser.page(&address), "Take 10 dagar netto into git");
    // Whoever has no right to it is not asked.
    let token = pages.token(&["karin", "--role", "editor"]);
    let mut karin = pages.browser();
    karin.headers.push(("Authorization", format!("Bearer {token}")));
    let page = karin.page(&over);
    assert_eq!(Form::of(&page, "payment_methods").get("s.default_terms_of_payment"), None);
}

#[test]
fn a_value_that_no_list_has_is_not_called_gone() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let form = Form::of(&browser.page(&format!("{base}/settings/sales_accounts")), "sales_accounts");
    let read = browser.press(&form.set("paste.countries", "Finland;25,5;9999\n"), "read:countries");
    has(&read.body, "9999 is not among ");
    lacks(&read.body, "no longer active");
}

#[test]
fn what_was_fetched_or_not_is_told_twice_alike() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let page = browser.page(&format!("{NORDIC}/settings"));
    let form = Form::all(&page).into_iter().find(|form| form.action.ends_with("/cache:clear")).unwrap();
    // Nothing was asked, so that nothing has to be waited for.
    for _ in 0..2 {
        assert_eq!(browser.press(&form, "").status, 303);
        let begun = std::time::Instant::now();
        while words(&browser.page(&format!("{NORDIC}/cache"))).contains("This page looks again by itself") {
            assert!(begun.elapsed() < std::time::Duration::from_secs(60));
            std::thread::yield_now();
        }
        let told = browser.page(&format!("{NORDIC}/cache"));
        has(&told, "Nothing was fetched No active connection to");
        has(&told, "Connect Shopify, Fortnox");
    }
    // Whoever may not is not offered it.
    let token = pages.token(&["vera", "--role", "viewer"]);
    let mut vera = pages.browser();
    vera.headers.push(("Authorization", format!("Bearer {token}")));
    lacks(&vera.page(&format!("{NORDIC}/settings")), "Clear Cache");
    let token = pages.token(&["paul", "--role", "editor", "--for-category", "payment_*"]);
    let mut paul = pages.browser();
    paul.headers.push(("Authorization", format!("Bearer {token}")));
    lacks(&paul.page("/integrations"), "New integration");
}

#[test]
fn an_apply_that_is_refused_keeps_what_was_typed_and_says_what_lacks() {
    let project = example();
    write_and_commit(&project, "bases/fortnox.yaml", |text| {
        text.replace("default_terms_of_payment: \"30\"", "default_terms_of_payment: \"10\"")
    });
    let pages = Pages::start(project, &[]);
    pages.change_outside("nordic-outdoor", "payment_methods", "default_terms_of_payment", json!("14"));
    let mut browser = pages.signed_in();
    let address = format!("{NORDIC}/plan");
    let form = |page: &str| Form::all(page).into_iter().find(|form| form.get("digest").is_some()).unwrap();
    let page = browser.page(&address);
    let typed = form(&page).check("live", "yes").set("typed", "nordic");
    let refused = browser.press(&typed, "");
    assert!(refused.status >= 400);
    has(&refused.body, "Nothing was applied nordic is not nordic-outdoor. Type it as it stands");
    assert!(refused.body.contains("href=\"#type-1\""));
    let again = form(&refused.body);
    assert_eq!((again.get("live"), again.get("typed")), (Some("yes"), Some("nordic")));
    let done = browser.press(&again.set("typed", "nordic-outdoor"), "");
    assert_eq!(done.status, 303, "{}", words(&done.body));
    has(&browser.page(&address), "No changes. What is deployed is what commit");
    // Both sides of a conflict have a way, with its value.
    let page = browser.page(&format!("{NORDIC}/changes"));
    lacks(&page, "Take it into git");
}

#[test]
fn a_page_of_another_origin_is_told_where_to_do_it() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let form = Form::of(&browser.page(&format!("{NORDIC}/settings/order")), "order");
    browser.headers.push(("Sec-Fetch-Site", "cross-site".to_owned()));
    browser.headers.push(("Accept", "text/html".to_owned()));
    let refused = browser.press(&form, "save");
    assert_eq!(refused.status, 403);
    has(&refused.body, "Nothing was done. Open the page here, and do it there.");
    assert!(refused.body.contains(&format!("href=\"{NORDIC}/settings/order\"")));
}
