//! What somebody types into a form of the pages, and what becomes of it: rows that are named and nothing more, characters that nobody
//! sees, fields that were sent and not changed, sheets as accountants have them, and a form that is asked about twice.

use serde_json::json;

use crate::configure::{LIVE, NORDIC, Pages, example, has, lacks, pairform};
use crate::configure_walk::make;
use crate::forms_of_pages::{Form, words};

#[test]
fn a_row_that_was_named_is_never_thrown_away() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let payments = format!("{base}/settings/payment_methods");
    let form = Form::of(&browser.page(&payments), "payment_methods").set("key.methods", "Visa");
    // Enter in its box is what comes first in the form.
    assert_eq!(form.buttons.first().map(|(_, does)| does.as_str()), Some("enter"));
    let added = browser.press(&form, "enter");
    assert_eq!(added.status, 200, "{}", words(&added.body));
    has(&added.body, "Visa is added to the form. It is saved with the rest.");
    // Saved with nothing said of it, it is asked about and kept, whatever else is saved with it.
    let form = form.set("s.fee_account", "6570");
    let asked = browser.press(&form, "save");
    assert_eq!(asked.status, 422);
    has(
        &asked.body,
        "Nothing was saved: Payment methods › Visa says nothing yet. Fill it in, or take the row away",
    );
    assert!(asked.body.contains("id=\"f-methods.Visa\""), "the row stands in the form");
    assert_eq!(pages.deployed("ny-butik", "payment_methods"), json!({}));
    let again = Form::of(&asked.body, "payment_methods");
    assert_eq!((again.get("row"), again.get("s.fee_account")), (Some("methods.Visa"), Some("6570")));
    browser.save(&again.set("s.methods.Visa.mark_paid", "on"));
    assert_eq!(
        pages.deployed("ny-butik", "payment_methods")["methods"],
        json!({"Visa": {"mark_paid": true}})
    );
    // Where no row is begun, Enter saves.
    let form = Form::of(&browser.page(&payments), "payment_methods").set("s.fee_account", "1930");
    let saved = browser.press(&form, "enter");
    assert_eq!(saved.status, 303, "{}", words(&saved.body));
    assert_eq!(pages.deployed("ny-butik", "payment_methods")["fee_account"], 1930);
    // A connection as well.
    let connectors = format!("{base}/connectors");
    let form = Form::of(&browser.page(&connectors), "connectors").set("key.shopify.connections", "main");
    let asked = browser.press(&form, "save");
    assert_eq!(asked.status, 422);
    assert!(asked.body.contains("id=\"f-shopify.connections.main\""));
}

#[test]
fn fields_that_were_sent_and_not_changed_stay_where_they_were() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let is_open = |page: &str| page.contains("<details class=\"more\" open>");
    let additional = |page: &str| {
        let (_, more) = page.split_once("<details class=\"more\"").unwrap();
        more.matches("class=\"field").count()
    };
    for (place, category, key) in [
        ("settings/payment_methods", "payment_methods", "methods"),
        ("connectors", "connectors", "shopify.connections"),
    ] {
        let page = browser.page(&format!("{base}/{place}"));
        assert!(!is_open(&page));
        let form = Form::of(&page, category).set(&format!("key.{key}"), "one");
        let answer = browser.press(&form, &format!("add:{key}"));
        assert!(!is_open(&answer.body), "{place}: nothing of it was changed");
        assert_eq!(additional(&answer.body), additional(&page), "{place}: what is additional stays there");
    }
    let address = format!("{base}/settings/payment_methods");
    let form = Form::of(&browser.page(&address), "payment_methods")
        .set("s.fee_account", "x")
        .set("key.methods", "one");
    assert!(is_open(&browser.press(&form, "add:methods").body), "what was changed is in sight");
}

#[test]
fn what_nobody_sees_or_turns_a_line_around_is_not_saved_and_letters_of_every_script_are() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let address = format!("{base}/general");
    for (name, code) in
        [("Ny\u{200b}Butik", "U+200B"), ("Ny\u{202e}Butik", "U+202E"), ("Ny\u{2066}B", "U+2066")]
    {
        let form = Form::of(&browser.page(&address), "general").set("s.name", name);
        let refused = browser.press(&form, "save");
        assert_eq!(refused.status, 422, "{code}");
        has(&refused.body, &format!("holds the character {code}, which nobody sees"));
    }
    for name in ["חנות חדשה", "متجر جديد", "می‌خواهم", "👩‍💻 butik"] {
        let form = Form::of(&browser.page(&address), "general").set("s.name", name);
        browser.save(&form);
        assert_eq!(pages.deployed("ny-butik", "general")["name"], name);
    }
    // What is deployed so by another way can be typed anew.
    pages.change_outside("ny-butik", "general", "name", json!("Ny\u{200b}Butik"));
    let form = Form::of(&browser.page(&address), "general").set("s.name", "Ny Butik");
    browser.save(&form);
}

#[test]
fn a_sheet_is_read_as_an_accountant_has_it() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let address = format!("{base}/settings/sales_accounts");
    let form = Form::of(&browser.page(&address), "sales_accounts");
    // Country, rate and account, under a line that says so; a country by name, a rate as people write it, an account with its name.
    let pasted = "Country\tVAT rate\tAccount\nDE\t19\t3111\nGermany\t7,0 %\t3111\nEE\t\t3112\nXX\t20\t3111\nFI\t25,5\t3111\tFel namn\n";
    let read = browser.press(&form.clone().set("paste.countries", pasted), "read:countries");
    has(&read.body, "3 rows were read into the form.");
    has(&read.body, "2 rows could not be read. They stand below, with why.");
    has(&read.body, "line 5: XX;20;3111 (XX is no name of a row here)");
    has(&read.body, "line 6: FI;25,5;3111;Fel namn (nothing says what Fel namn is)");
    let filled = Form::of(&read.body, "sales_accounts");
    for (path, account) in [("DE.rates.19", "3111"), ("DE.rates.7", "3111"), ("EE.default_account", "3112")] {
        assert_eq!(filled.get(&format!("s.countries.{path}")), Some(account), "{path}");
    }
    let none = browser.press(&form.clone().set("paste.countries", "XX\t20\t3111\n"), "read:countries");
    has(&none.body, "No row was read into the form");
    lacks(&none.body, "0 rows were read");
    // Accounts by name, with and without their number.
    let pasted = "VAT rate;Account\n25,0;Försäljning inom Sverige, 25 % moms\n12 %;3002 Försäljning inom Sverige, 12 % moms\n6;3003\n";
    let labels = accounts(&browser.page(&format!("{NORDIC}/settings/sales_accounts")));
    let pasted = pasted
        .replace("Försäljning inom Sverige, 25 % moms", &labels[0].1)
        .replace("3002 Försäljning inom Sverige, 12 % moms", &format!("{} {}", labels[1].0, labels[1].1));
    let read = browser.press(&form.set("paste.home", &pasted), "read:home");
    has(&read.body, "3 rows were read into the form.");
    let filled = Form::of(&read.body, "sales_accounts");
    assert_eq!(filled.get("s.home.25"), Some(labels[0].0.as_str()), "{}", words(&read.body));
    assert_eq!(filled.get("s.home.12"), Some(labels[1].0.as_str()));
    // A row that is typed is understood alike.
    let form = Form::of(&browser.page(&address), "sales_accounts");
    let added = browser.press(&form.set("key.home", "25,50 %").set("value.home", "3003"), "add:home");
    assert_eq!(
        Form::of(&added.body, "sales_accounts").get("s.home.\"25.5\""),
        Some("3003"),
        "{}",
        words(&added.body)
    );
}

/// Accounts of a dropdown: number and name.
fn accounts(page: &str) -> Vec<(String, String)> {
    let (_, rest) = page.split_once("value.home").unwrap();
    let (list, _) = rest.split_once("</select>").unwrap();
    let one = |option: &str| {
        let (number, rest) = option.split_once('"')?;
        let label = words(&format!("<x>{}", rest.split_once('>')?.1.split('<').next()?));
        let name = label.strip_prefix(number)?.trim();
        // What says that none is chosen has no number.
        (!number.is_empty() && !name.is_empty()).then(|| (number.to_owned(), name.to_owned()))
    };
    list.split("<option value=\"").filter_map(one).collect()
}

#[test]
fn a_sheet_that_was_given_has_a_heading_and_names_and_is_read_back() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let address = format!("{NORDIC}/settings/sales_accounts");
    let form = Form::of(&browser.page(&address), "sales_accounts");
    let form = form.set("key.home", "7,5 %").set("value.home", "3003");
    browser.save(&form);
    for mapping in ["home", "countries"] {
        let sheet = browser.get(&format!("{address}/sheet?mapping={mapping}")).body;
        let mut lines = sheet.trim_start_matches('\u{feff}').lines();
        assert!(lines.next().unwrap().chars().all(|c| !c.is_ascii_digit()), "a heading: {sheet}");
        assert!(!sheet.contains(";rates;"), "{sheet}");
        assert!(mapping != "home" || sheet.contains("7,5"), "{sheet}");
        let count = lines.count();
        let form =
            Form::of(&browser.page(&address), "sales_accounts").set(&format!("paste.{mapping}"), &sheet);
        let read = browser.press(&form, &format!("read:{mapping}"));
        let told = if count == 1 { "1 row was read".to_owned() } else { format!("{count} rows were read") };
        has(&read.body, &told);
        lacks(&read.body, "could not be read");
        let page = browser.save(&Form::of(&read.body, "sales_accounts"));
        has(&page, "was changed, so that nothing was saved");
    }
}

#[test]
fn a_form_that_is_asked_about_twice_tells_the_same_twice() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let order = browser.page(&format!("{NORDIC}/settings/order"));
    browser.save(&Form::of(&order, "order").set("s.delivery_days", "3").set("s.update_existing", "off"));
    let form = Form::of(&order, "order").set("s.delivery_days", "5").set("s.cancelled_action", "nothing");
    let first = browser.press(&form, "save");
    let choice = Form::of(&first.body, "order").set("pick.update_existing", "mine");
    let second = browser.press(&choice, "save");
    assert_eq!((first.status, second.status), (412, 422));
    let rows = |page: &str| {
        let (_, rest) =
            words(page).split_once("When you opened it").map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        rest.split("Now").next().unwrap().to_owned()
    };
    assert_eq!(rows(&first.body), rows(&second.body), "what he opened is what it was");
    has(&second.body, "3 settings differ");
    let again = Form::of(&second.body, "order");
    assert_eq!(again.get("pick.update_existing"), Some("mine"), "what was chosen stays chosen");
    browser.save(&again.set("pick.delivery_days", "now"));
    let now = pages.deployed("nordic-outdoor", "order");
    assert_eq!(
        (&now["delivery_days"], &now["cancelled_action"], now.get("update_existing")),
        (&json!(3), &json!("nothing"), None)
    );
}

#[test]
fn the_first_connection_of_a_live_integration_is_saved_alone() {
    let pages = Pages::start(example(), &["--allow", "woocommerce=cykelboden.example"]);
    let mut browser = pages.signed_in();
    let address = format!("{LIVE}/connectors");
    let page = browser.page(&address);
    has(&page, "0 of 2 required saved");
    has(&page, "This setting is required and must be saved.");
    let form = Form::of(&page, "connectors").set("key.woocommerce.connections", "main");
    let added = browser.press(&form, "add:woocommerce.connections");
    let mut form = Form::of(&added.body, "connectors").set("s.woocommerce.active", "main");
    for (field, value) in [
        ("store_url", "https://cykelboden.example"),
        ("consumer_key", "env/WOO_KEY"),
        ("consumer_secret", "env/WOO_SECRET"),
    ] {
        form = form.set(&format!("s.woocommerce.connections.main.{field}"), value);
    }
    let page = browser.save(&form);
    has(&page, "1 of 2 required saved");
    // What was set is not taken away again.
    let refused = browser.press(&Form::of(&page, "connectors").set("s.woocommerce.active", ""), "save");
    assert_eq!(refused.status, 422, "{}", words(&refused.body));
}

#[test]
fn what_was_begun_outlives_a_save_of_somebody_else_and_a_way_back() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let address = format!("{base}/settings/payment_methods");
    let opened = browser.page(&address);
    browser.save(&Form::of(&opened, "payment_methods").set("s.fee_account", "1930"));
    let typed = Form::of(&opened, "payment_methods")
        .set("s.fee_account", "6570")
        .set("key.methods", "Swish")
        .set("paste.methods", "Name\tmark_paid\nKlarna\tYes\nKort\tmaybe\n");
    let stale = browser.press(&typed, "save");
    assert_eq!(stale.status, 412, "{}", words(&stale.body));
    has(&stale.body, "What you began besides goes along. It is asked about when you save:");
    has(&stale.body, "Payment methods › Swish: a new row");
    has(&stale.body, "Payment methods: 3 pasted lines");
    has(&stale.body, "was saved by you, in another tab, after you opened it");
    let choice = Form::of(&stale.body, "payment_methods");
    assert_eq!(choice.get("row"), Some("methods.Swish"));
    assert!(choice.get("paste.methods").is_some_and(|sheet| sheet.contains("Kort")));
    // Asked once more, it is still there; chosen, it is asked about as ever.
    let again = browser.press(&choice, "save");
    assert_eq!(again.status, 422);
    has(&again.body, "Payment methods › Swish: a new row");
    let choice = Form::of(&again.body, "payment_methods").set("pick.fee_account", "mine");
    let asked = browser.press(&choice, "save");
    assert_eq!(asked.status, 422);
    has(&asked.body, "Nothing was saved: Payment methods › Swish says nothing yet.");
    let form = Form::of(&asked.body, "payment_methods").set("s.methods.Swish.mark_paid", "on");
    let unread = browser.press(&form, "save");
    has(&unread.body, "Nothing was saved: 1 row could not be read");
    let form = Form::of(&unread.body, "payment_methods");
    assert_eq!(
        (form.get("s.methods.Klarna.mark_paid"), form.get("s.fee_account")),
        (Some("on"), Some("6570"))
    );
    browser.save(&form.set("paste.methods", ""));
    let now = pages.deployed("ny-butik", "payment_methods");
    assert_eq!(now["methods"], json!({"Swish": {"mark_paid": true}, "Klarna": {"mark_paid": true}}));
    // A key alone outlives a setting that is set back.
    pages.change_outside("nordic-outdoor", "payment_methods", "default_terms_of_payment", json!("14"));
    let address = format!("{NORDIC}/settings/payment_methods");
    let form = Form::of(&browser.page(&address), "payment_methods").set("key.methods", "Typed key");
    let back = browser.press(&form, "set-back:default_terms_of_payment");
    assert_eq!(back.status, 200, "{}", words(&back.body));
    has(&back.body, "What you typed in Payment Methods is still here.");
    assert_eq!(Form::of(&back.body, "payment_methods").get("key.methods"), Some("Typed key"));
}

#[test]
fn a_sheet_that_says_two_things_of_one_row_is_not_read_there() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let address = format!("{base}/settings/sales_accounts");
    let form = Form::of(&browser.page(&address), "sales_accounts");
    let pasted = "25;3001\n12;3002\n25,0 %;3003\n";
    let read = browser.press(&form.clone().set("paste.home", pasted), "read:home");
    has(&read.body, "1 row was read into the form.");
    has(&read.body, "line 1: 25;3001 (25 stands in line 3 as well)");
    has(&read.body, "line 3: 25,0 %;3003 (25,0 % stands in line 1 as well)");
    // Pressed once more, nothing of it is taken silently.
    let saved = browser.press(&Form::of(&read.body, "sales_accounts"), "save");
    assert_eq!(saved.status, 422);
    has(&saved.body, "Nothing was saved: 2 rows could not be read");
    assert_eq!(pages.deployed("ny-butik", "sales_accounts"), json!({}));
    // Of one country several rates are several rows.
    let pasted = "DE\t19\t3111\nDE\t7\t3111\n";
    let read = browser.press(&form.set("paste.countries", pasted), "read:countries");
    has(&read.body, "2 rows were read into the form.");
    assert!(read.body.contains(">19 %<"), "a rate is called so: {}", words(&read.body));
}

#[test]
fn what_somebody_typed_is_for_him_alone_whoever_signs_in_next() {
    let pages = Pages::start(example(), &[]);
    pages.link();
    let karin = pages.token(&["karin", "--role", "admin"]);
    let johan = pages.token(&["johan", "--role", "admin"]);
    let mut browser = pages.browser();
    let sign_in = |page: &str, token: &str| {
        let form = Form::all(page).into_iter().find(|form| form.action == "/sign-in").unwrap();
        form.set("token", token)
    };
    let address = format!("{NORDIC}/settings/order");
    let asked = browser.page(&address);
    assert_eq!(browser.press(&sign_in(&asked, &karin), "").status, 303);
    let form = Form::of(&browser.page(&address), "order").set("s.delivery_days", "9");
    // Another who only saves what he sees: nothing of hers reaches him, and nothing is saved in his name.
    let revoked = pairform(&pages.project).args(["token", "revoke", "karin"]).status().unwrap();
    assert!(revoked.success());
    let over = browser.press(&form, "save");
    assert_eq!(over.status, 401);
    let wrong = browser.press(&sign_in(&over.body, "pairform_wrong"), "");
    assert_eq!(wrong.status, 401);
    let on = browser.press(&sign_in(&wrong.body, &johan), "");
    has(&on.body, "Somebody else typed what was to be saved here before you signed in.");
    assert!(!on.body.contains("delivery_days"), "{}", on.body);
    assert_eq!(pages.deployed("nordic-outdoor", "order").get("delivery_days"), None);
}

#[test]
fn what_was_previewed_is_what_is_committed() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let address = format!("{NORDIC}/propose?category=payment_methods&setting=default_terms_of_payment");
    let form =
        |page: &str| Form::all(page).into_iter().find(|form| form.action.ends_with("/propose")).unwrap();
    let branches = || {
        let done = std::process::Command::new("git")
            .args(["branch", "--list", "pairform/*"])
            .current_dir(pages.project.path())
            .output()
            .unwrap();
        String::from_utf8(done.stdout).unwrap()
    };
    let page = browser.page(&address);
    let preview = browser.press(&form(&page).set("s.default_terms_of_payment", "14"), "preview");
    has(&preview.body, "Preview: 1 integration would change");
    assert!(preview.body.contains("id=\"message\""), "whoever asked is led there");
    for (field, value) in
        [("s.default_terms_of_payment", "10"), ("where", "base"), ("branch", "pairform/another")]
    {
        let other = browser.press(&form(&preview.body).set(field, value), "push");
        assert_eq!(other.status, 412, "{field}");
        has(
            &other.body,
            "The branch was not created yet, as the form says something else than what was previewed.",
        );
        assert_eq!(form(&other.body).get(field), Some(value));
        assert_eq!(branches(), "", "{field}");
    }
    // Why it is done decides nothing of what comes of it; and what was then looked at is taken.
    let other = browser.press(&form(&preview.body).set("where", "base"), "push");
    has(&other.body, "Preview: 6 integrations would change");
    has(&other.body, "Cykelboden");
    lacks(&other.body, "30 dagar netto (30)");
    let made = browser.press(&form(&other.body).set("why", "as agreed"), "push");
    assert_eq!(made.status, 303, "{}", words(&made.body));
    assert!(branches().contains("pairform/"));
}

#[test]
fn clear_cache_and_another_language_keep_what_is_typed() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let address = format!("{NORDIC}/settings/order");
    let page = browser.page(&address);
    // Nothing was typed: the page that says how far it is.
    let form = Form::of(&page, "order");
    // Its button stands beside the form.
    let mut clear = |form: &Form| {
        let body = form.press("save").replace("do=save", "do=cache");
        browser.ask("POST", &address, Some(&body))
    };
    let led = clear(&form);
    assert_eq!((led.status, led.headers["location"].as_str()), (303, format!("{NORDIC}/cache").as_str()));
    let typed = form.set("s.project", "0042");
    let again = clear(&typed);
    assert!(matches!(again.status, 200 | 429), "{}", words(&again.body));
    has(&again.body, "What you typed is still here.");
    assert_eq!(Form::of(&again.body, "order").get("s.project"), Some("0042"));
    assert!(again.body.contains("form=\"save-order\" name=\"do\" value=\"cache\""));
    // The button of the language sends the same form, and its page shows it again.
    let to = format!("/language?then={}", address.replace('/', "%2F").replace('-', "%2D"));
    assert!(page.contains(&format!("form=\"save-order\" formaction=\"{to}\"")), "{page}");
    let body = typed.press("save").replace("do=save", "language=sv");
    let onwards = browser.ask("POST", &to, Some(&body));
    assert_eq!((onwards.status, onwards.headers["location"].as_str()), (307, address.as_str()));
    let swedish = browser.ask("POST", &address, Some(&body));
    assert!(swedish.body.contains("<html lang=\"sv\">"));
    assert_eq!(Form::of(&swedish.body, "order").get("s.project"), Some("0042"));
    assert_eq!(pages.deployed("nordic-outdoor", "order").get("project"), None);
}

#[test]
fn two_forms_of_a_page_lose_nothing_of_each_other() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let general = format!("{base}/general");
    let page = browser.page(&general);
    let typed = Form::of(&page, "general").set("s.name", "Nya Butiken").part("flows").set("s.stock", "off");
    // The Save of one saves that one, and says what else is typed.
    let saved = browser.press(&typed, "save");
    assert_eq!(saved.status, 200, "{}", words(&saved.body));
    has(&saved.body, "Flows is saved as revision 1.");
    has(&saved.body, "What you typed in General Settings is still here. It is not saved yet.");
    assert_eq!(pages.deployed("ny-butik", "flows"), json!({"stock": false}));
    assert_eq!(pages.deployed("ny-butik", "general")["name"], "Ny Butik");
    let form = Form::of(&saved.body, "general");
    assert_eq!(form.get("s.name"), Some("Nya Butiken"));
    // What was saved is no more typed than what nobody touched: the Save of the other leads on.
    let page = browser.save(&form);
    has(&page, "General Settings is saved as revision 2.");
    assert_eq!(pages.deployed("ny-butik", "general")["name"], "Nya Butiken");
    // Enter is of where something is typed.
    let flows = Form::of(&page, "flows").set("s.stock", "on");
    let entered = browser.press(&flows.clone().part("general"), "enter");
    assert_eq!(entered.status, 303, "{}", words(&entered.body));
    assert_eq!(pages.deployed("ny-butik", "flows"), json!({"stock": true}));
    // Nothing of one is changed, nothing of the other is lost.
    let form = Form::of(&browser.page(&general), "general").set("s.name", "Butik Tre");
    let same = browser.press(&form.clone().part("flows"), "save");
    assert_eq!(same.status, 200);
    has(&same.body, "Nothing of Flows was changed, so that nothing was saved.");
    assert_eq!(Form::of(&same.body, "general").get("s.name"), Some("Butik Tre"));
    // Who discards one keeps the other.
    let both = form.part("flows").set("s.orders", "off");
    let left = browser.press(&both, "discard");
    has(&left.body, "What you typed in Flows is discarded.");
    let left = Form::of(&left.body, "general");
    assert_eq!(
        (left.get("s.name"), left.clone().part("flows").get("s.orders")),
        (Some("Butik Tre"), Some(""))
    );
    assert_eq!(browser.press(&left, "discard").status, 303);
    // Refused: both are as they were typed.
    let refused = browser.press(
        &both.clone().part("general").set("s.live_mode", "on").set("s.onboarding_mode", "off"),
        "save",
    );
    assert_eq!(refused.status, 422);
    assert_eq!(Form::of(&refused.body, "flows").get("s.orders"), Some("off"));
    // Somebody else saves the one that is saved: three columns, and the other goes along.
    let mut other = pages.another();
    let page = other.page(&general);
    other.save(&Form::of(&page, "flows").set("s.orders", "off"));
    let stale = browser.press(&Form::of(&same.body, "flows").set("s.customers", "off"), "save");
    assert_eq!(stale.status, 412, "{}", words(&stale.body));
    let form = Form::of(&stale.body, "flows");
    assert_eq!(form.clone().part("general").get("s.name"), Some("Butik Tre"));
    let saved = browser.press(&form, "save");
    assert_eq!(
        pages.deployed("ny-butik", "flows"),
        json!({"stock": true, "orders": false, "customers": false})
    );
    // Somebody else saves the one that is only typed: its own Save tells that.
    let page = other.page(&format!("{base}/settings/general"));
    other.save(&Form::of(&page, "general").set("s.name", "Butik Fyra"));
    let form = Form::of(&saved.body, "general");
    assert_eq!(form.get("s.name"), Some("Butik Tre"));
    let again = browser.press(&form.clone().part("flows").set("s.refunds", "off"), "save");
    has(&again.body, "What you typed in General Settings is still here.");
    let stale = browser.press(&Form::of(&again.body, "general"), "save");
    assert_eq!(stale.status, 412);
    has(&stale.body, "Butik Fyra");
    has(&stale.body, "Butik Tre");
}
