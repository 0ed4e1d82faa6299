//! What somebody meets who walks through the pages: categories that are emptied, values that cannot be seen, integrations that git does
//! not have, files that are broken, sheets, and addresses that lead nowhere.

use serde_json::{Value as Json, json};

use crate::configure::{Browser, LIVE, NORDIC, Pages, commit, example, git, has, lacks};
use crate::forms_of_pages::{Form, words};
use crate::run::Project;

/// An integration of nobody but the pages.
pub fn make(browser: &mut Browser<'_>, name: &str) -> String {
    let page = browser.page("/integrations/new");
    let form = Form::all(&page).into_iter().find(|form| form.action == "/integrations/new").unwrap();
    let made = browser.press(&form.set("name", name).set("pair", "fortnox-shopify"), "");
    assert_eq!(made.status, 303, "{}", words(&made.body));
    made.headers["location"].strip_suffix("/general").unwrap().to_owned()
}

#[test]
fn a_category_is_emptied_by_whoever_says_why() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let address = format!("{LIVE}/settings/additional_filters");
    let page = browser.page(&address);
    let page = browser.save(&Form::of(&page, "additional_filters").set("s.min_order_value", "5"));
    let form = Form::of(&page, "additional_filters").set("s.min_order_value", "");
    let asked = browser.press(&form, "save");
    assert_eq!(asked.status, 403);
    has(&asked.body, "Additional Filters would be left without any setting.");
    has(&asked.body, "If you mean it, say why below and save once more.");
    lacks(&asked.body, "additional_filters of cykelboden");
    let form = Form::of(&asked.body, "additional_filters");
    assert_eq!((form.get("lift"), form.get("s.min_order_value")), (Some("empty"), Some("")));
    // Without a reason it is asked again.
    assert_eq!(browser.press(&form, "save").status, 403);
    assert_eq!(pages.deployed("cykelboden", "additional_filters"), json!({"min_order_value": 5}));
    browser.save(&form.set("lift_why", "no shop of ours filters any more"));
    assert_eq!(pages.deployed("cykelboden", "additional_filters"), json!({}));
}

#[test]
fn none_of_several_is_unset_and_nothing_of_a_default_is_none() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let id = base.rsplit('/').next().unwrap().to_owned();
    let address = format!("{base}/settings/order_lines");
    let page = browser.page(&address);
    let form =
        Form::of(&page, "order_lines").check("s.text_rows", "order_note").set("s.use_article_account", "off");
    let page = browser.save(&form);
    assert_eq!(pages.deployed(&id, "order_lines")["text_rows"], json!(["order_note"]));
    let mut form = Form::of(&page, "order_lines");
    form.fields.retain(|(name, _)| name != "s.text_rows");
    browser.save(&form);
    assert_eq!(pages.deployed(&id, "order_lines").get("text_rows"), None);
    // By default some are chosen, so that none of them is something else than nothing said.
    let address = format!("{base}/settings/article");
    let page = browser.page(&address);
    has(&page, "Not set (Name, Price)");
    let mut form = Form::of(&page, "article");
    assert_eq!(form.get("s.update_fields"), Some(""));
    form.fields.retain(|(name, _)| name != "s.update_fields");
    let page = browser.save(&form);
    assert_eq!(pages.deployed(&id, "article")["update_fields"], json!([]));
    let form = Form::of(&page, "article").check("s.update_fields", "").set("s.create_missing", "on");
    browser.save(&form);
    assert_eq!(pages.deployed(&id, "article").get("update_fields"), None);
}

#[test]
fn no_character_is_saved_that_nobody_sees() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let address = format!("{base}/settings/general");
    for (typed, code) in
        [("A\u{7}B", "U+0007"), ("A\u{85}B", "U+0085"), ("A\u{ffff}B", "U+FFFF"), ("A\rB", "U+000D")]
    {
        let form = Form::of(&browser.page(&address), "general").set("s.name", typed);
        let refused = browser.press(&form, "save");
        assert_eq!(refused.status, 422, "{code}");
        has(&refused.body, &format!("Integration name holds the character {code}, which nobody sees."));
        assert!(refused.body.contains("href=\"#f-name\""), "{code}");
    }
    assert_eq!(pages.deployed("ny-butik", "general")["name"], "Ny Butik");
    // What came in past the pages is told and shown, and locks nothing beside it.
    pages.change_outside("ny-butik", "general", "name", json!("A\u{85}B"));
    let form = Form::of(&browser.page(&address), "general").set("s.time_zone", "Europe/Oslo");
    assert_eq!(form.get("s.name"), None);
    browser.save(&form);
}

#[test]
fn nothing_of_git_is_offered_for_what_git_does_not_have() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let settings = browser.page(&format!("{base}/settings"));
    assert!(!settings.contains(&format!("href=\"{base}/plan\"")), "{}", words(&settings));
    let plan = browser.page(&format!("{base}/plan"));
    has(&plan, "Git does not have this integration");
    has(&plan, "pairform pull ny-butik");
    let general = browser.page(&format!("{base}/general"));
    lacks(&general, "Take into git");
    lacks(&general, "Propose a change");
    let proposed = browser.get(&format!("{base}/propose?category=general&setting=name"));
    assert!(proposed.status >= 400);
    has(&proposed.body, "Git does not have this integration, so that there is no file to change.");
    // Of one that git has, both are.
    let nordic = browser.page(&format!("{NORDIC}/settings/payment_methods"));
    has(&nordic, "Propose a change");
    has(&nordic, "bases/fortnox.yaml:29 · for 8 integrations");
}

#[test]
fn a_new_integration_says_what_is_wrong_in_the_words_of_its_form() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let page = browser.page("/integrations/new");
    let form = Form::all(&page).into_iter().find(|form| form.action == "/integrations/new").unwrap();
    let form = form.set("pair", "fortnox-shopify");
    for (name, id, status, told) in [
        ("مرحبا", "", 422, "This name gives no id, as ids have the letters a to z."),
        ("Ny", "Ny Butik", 422, "Ny Butik is no id: an id has lower-case letters"),
        ("Ny", "cykelboden", 409, "A file in git has the integration cykelboden."),
        ("A\u{7}", "ny", 422, "The name holds a character that nobody sees."),
    ] {
        let refused = browser.press(&form.clone().set("name", name).set("id", id), "");
        assert_eq!(refused.status, status, "{name}");
        has(&refused.body, told);
    }
    make(&mut browser, "Ny Butik");
    let taken = browser.press(&form.set("name", "Ny Butik"), "");
    has(&taken.body, "There is an integration with the id ny-butik already.");
}

#[test]
fn sheets_of_records_are_read_and_given() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let address = format!("{base}/settings/payment_methods");
    let form = Form::of(&browser.page(&address), "payment_methods");
    // As a spreadsheet copies: a mark before the first cell, tabs, a line of names by title or by path.
    let pasted = "\u{feff}Name\tIts orders become\tmark_paid\r\nKlarna\tAn invoice at once\tja\r\nQliro\t\tOff\r\n\tinvoice\t\r\nSvea\t\tkanske\r\n";
    let read = browser.press(&form.set("paste.methods", pasted), "read:methods");
    assert_eq!(read.status, 200);
    has(&read.body, "2 rows were read into the form.");
    has(
        &read.body,
        "2 rows could not be read. line 4: ;invoice; (its first cell is empty) line 5: Svea;;kanske (kanske is neither On nor Off)",
    );
    let form = Form::of(&read.body, "payment_methods");
    assert_eq!(form.get("s.methods.Klarna.document"), Some("invoice"));
    assert_eq!(form.get("s.methods.Qliro.mark_paid"), Some("off"));
    assert_eq!(form.get("s.methods.Klarna.mark_paid"), Some("on"));
    assert_eq!(
        form.get("paste.methods"),
        Some("Name\tIts orders become\tmark_paid\r\n\tinvoice\t\r\nSvea\t\tkanske\r\n")
    );
    let form = form.set("paste.methods", "");
    browser.save(&form);
    let saved = &pages.deployed("ny-butik", "payment_methods")["methods"];
    assert_eq!(
        saved,
        &json!({"Klarna": {"document": "invoice", "mark_paid": true}, "Qliro": {"mark_paid": false}})
    );
    let sheet = browser.get(&format!("{address}/sheet?mapping=methods")).body;
    assert_eq!(
        sheet,
        "\u{feff}Shopify payment methods;Its orders become;Mark its invoices as paid\r\nKlarna;invoice;on\r\nQliro;;off\r\n"
    );
    // What was given is read back, and nothing of it is a change.
    let form = Form::of(&browser.page(&address), "payment_methods");
    let read = browser.press(&form.set("paste.methods", &sheet), "read:methods");
    has(&read.body, "2 rows were read into the form.");
    has(&browser.save(&Form::of(&read.body, "payment_methods")), "was changed, so that nothing was saved");
}

pub fn write_and_commit(project: &Project, path: &str, edit: impl Fn(String) -> String) {
    let at = project.path().join(path);
    let text = std::fs::read_to_string(&at).unwrap();
    std::fs::write(&at, edit(text)).unwrap();
    commit(project);
}

#[test]
fn broken_files_and_changes_that_wait_are_in_sight() {
    let project = example();
    write_and_commit(&project, "integrations/garnhuset.yaml", |text| format!("{text}\n  : [\n"));
    write_and_commit(&project, "integrations/cykelboden.yaml", |text| {
        text.replace("terms: \"10\"", "terms: \"14\"")
    });
    let pages = Pages::start(project, &[]);
    let mut browser = pages.signed_in();
    let fleet = browser.page("/integrations");
    has(&fleet, "The files of 1 integration have errors");
    has(&fleet, "integrations/garnhuset.yaml:");
    has(&fleet, "All but Connectors 1 waits for an apply");
    has(&fleet, "1 has changes in git that wait for an apply.");
    has(&browser.page("/integrations?look=1"), "Garnhuset");
    let changes = browser.page(&format!("{LIVE}/changes"));
    has(&changes, "Waits for an apply 1 setting · Plan");
    has(&changes, "Payment Methods › bacs › Terms of payment");
    has(&browser.page(&format!("{LIVE}/settings")), "1 waits for an apply");
    lacks(&browser.page("/integrations/garnhuset/settings/order"), "Propose a change");
}

#[test]
fn a_fleet_that_was_never_applied_leads_to_its_first_apply() {
    let project = Project::copy_example("nordic-group");
    git(&project, &["init", "-q", "."]);
    commit(&project);
    let pages = Pages::start(project, &[]);
    let mut browser = pages.signed_in();
    let fleet = browser.page("/integrations");
    has(&fleet, "No integrations yet 10 integrations of git wait for their first apply: cykelboden,");
    assert!(fleet.contains("href=\"/plan\""));
}

#[test]
fn what_git_and_somebody_changed_is_told_from_three_sides() {
    let project = example();
    write_and_commit(&project, "integrations/cykelboden.yaml", |text| {
        text.replace("terms: \"10\"", "terms: \"14\"")
    });
    let pages = Pages::start(project, &[]);
    pages.change_outside("cykelboden", "payment_methods", "methods.bacs.terms", json!("30"));
    let mut browser = pages.signed_in();
    let changes = browser.page(&format!("{LIVE}/changes"));
    has(&changes, "The last apply set 10 dagar netto Deployed now 30 dagar netto Git says 14 dagar netto");
    has(
        &changes,
        "Sara Nyberg changed it here, and git changed it too. The next apply replaces that by 14 dagar netto.",
    );
}

#[test]
fn an_address_that_leads_nowhere_is_a_page_for_people_and_a_problem_for_programs() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    for path in ["/none", "/integrations/cykelboden/none", "/integrations/cykelboden/history/order/x"] {
        browser.headers = vec![("Accept", "text/html,application/xhtml+xml".to_owned())];
        let page = browser.get(path);
        assert!(matches!(page.status, 400 | 404), "{path} {}", page.status);
        assert_eq!(page.headers["content-type"], "text/html; charset=utf-8", "{path}");
        assert!(page.headers["content-security-policy"].contains("style-src 'self'"));
        has(&page.body, "All integrations");
        assert!(!page.body.contains("openapi.json"), "{}", page.body);
        browser.headers.clear();
        let problem = browser.get(path);
        assert_eq!(problem.headers["content-type"], "application/problem+json", "{path}");
        let told: Json = serde_json::from_str(&problem.body).unwrap();
        assert_eq!(told["status"], page.status);
    }
    browser.headers = vec![("Accept", "text/html".to_owned())];
    assert_eq!(browser.get("/api/v1/none").headers["content-type"], "application/problem+json");
}

#[test]
fn bookkeepers_find_accounts_by_their_numbers() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let page = browser.page(&format!("{NORDIC}/settings/sales_accounts"));
    let labels = page.matches(">3001 ").count();
    assert!(labels > 0, "{}", words(&page));
    // Names of columns are the platform's; where no platform has a list of either, they are plain words.
    let article = browser.page(&format!("{NORDIC}/settings/article"));
    has(&article, "Fortnox price lists Shopify price lists Written in");
    let article = words(&article);
    assert_eq!(article.matches("Name Value Written in").count(), 1, "{article}");
    let (before, _) = article.split_once("Name Value Written in").unwrap();
    assert!(before.ends_with("go by the fields to update. "), "of the further fields: {before}");
    let shipping = browser.page(&format!("{NORDIC}/settings/shipping_methods"));
    lacks(&shipping, "Name Value Written in");
}
