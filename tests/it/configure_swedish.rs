//! The pages in Swedish: what they say of their own, and what is found of settings, which is said in English elsewhere.

use serde_json::json;

use crate::configure::{Browser, NORDIC, Pages, example, has, lacks};
use crate::configure_walk::{make, write_and_commit};
use crate::forms_of_pages::Form;

/// The sentences of a page that are marked as English, though its reader is not.
fn english(page: &str, tag: &str) -> Vec<String> {
    let opening = format!("<{tag} class=\"err\"");
    page.split(&opening)
        .skip(1)
        .filter_map(|rest| rest.split_once('>'))
        .filter(|(tag, _)| tag.contains("lang=\"en\""))
        .map(|(_, rest)| rest.chars().take(200).collect())
        .collect()
}

fn swedish<'a>(pages: &'a Pages) -> Browser<'a> {
    let mut browser = pages.signed_in();
    browser.headers.push(("Accept-Language", "sv-SE,sv;q=0.9".to_owned()));
    browser
}

#[test]
fn what_is_wrong_is_told_in_the_language_of_the_page() {
    let pages = Pages::start(example(), &[]);
    let mut browser = swedish(&pages);
    let base = make(&mut browser, "Ny Butik");
    // (category, field, what is typed, what is told)
    for (category, field, typed, told) in [
        (
            "additional_filters",
            "s.min_order_value",
            "-5",
            "Minimum order value kan inte vara -5: det minsta är 0",
        ),
        ("order", "s.delivery_days", "1,5", "Days to delivery date ska vara ett heltal"),
        ("invoice", "s.email_from", "ingen adress", "kan inte vara"),
        ("sales_accounts", "s.eu_with_vat", "2610", "ett försäljningskonto i Fortnox är 3000 till 3999"),
        ("payment_methods", "s.default_terms_of_payment", "finns-inte", "som inte finns bland"),
    ] {
        let mut form = Form::of(&browser.page(&format!("{base}/settings/{category}")), category);
        // As a browser would send what no control offers.
        form.fields.retain(|(name, _)| name != field);
        form.fields.push((field.to_owned(), typed.to_owned()));
        let refused = browser.press(&form, "save");
        assert_eq!(refused.status, 422, "{category} {}", refused.body);
        has(&refused.body, "sparades inte: ");
        has(&refused.body, told);
        assert_eq!(english(&refused.body, "p"), Vec::<String>::new(), "{category}");
    }
    // A credential in place of its reference is quoted nowhere.
    let connectors = format!("{base}/connectors");
    let form = Form::of(&browser.page(&connectors), "connectors").set("key.fortnox.connections", "main");
    let form = Form::of(&browser.press(&form, "add:fortnox.connections").body, "connectors");
    let form = form.set("s.fortnox.connections.main.client_secret", "hemligheten-sjalv");
    let refused = browser.press(&form, "save");
    assert_eq!(refused.status, 422);
    has(&refused.body, "är ingen referens till en hemlighet. Skriv env/ och namnet på en variabel");
    lacks(&refused.body, "hemligheten-sjalv");
    lacks(&refused.body, "› secret");
    assert!(refused.body.contains("href=\"#f-fortnox.connections.main.client_secret\""));
    // A flow that is off, and live too early.
    let page = browser.page(&format!("{NORDIC}/general"));
    let refused = browser.press(&Form::of(&page, "flows").set("s.stock", "off"), "save");
    has(&refused.body, "(Schema) Regeln Stock startar flödet Stock, som är av");
    has(&refused.body, "Slå på flödet under Allmänt, eller stäng av det här");
    let page = browser.page(&format!("{base}/general"));
    let refused = browser
        .press(&Form::of(&page, "general").set("s.live_mode", "on").set("s.onboarding_mode", "off"), "save");
    has(&refused.body, "Inställningen är obligatorisk och måste sparas.");
}

#[test]
fn the_same_is_told_in_english_without_files_and_ids() {
    let pages = Pages::start(example(), &[]);
    let mut browser = pages.signed_in();
    let base = make(&mut browser, "Ny Butik");
    let connectors = format!("{base}/connectors");
    let form = Form::of(&browser.page(&connectors), "connectors").set("key.shopify.connections", "main");
    let form = Form::of(&browser.press(&form, "add:shopify.connections").body, "connectors");
    // The form of a credential, where none belongs; and one where its reference does.
    for (field, typed, told) in [
        (
            "shop",
            "shpat_0123456789abcdef0123456789abcdef",
            "holds what looks like a credential. It was not saved. Take it out",
        ),
        (
            "access_token",
            "shpat_0123456789abcdef0123456789abcdef",
            "is no reference to a secret. Type env/ and the name of a variable",
        ),
    ] {
        let refused =
            browser.press(&form.clone().set(&format!("s.shopify.connections.main.{field}"), typed), "save");
        assert_eq!(refused.status, 422, "{field}");
        has(&refused.body, told);
        lacks(&refused.body, "if the file was ever shared");
        lacks(&refused.body, "written in the file");
    }
    // A number with noughts before it is that number.
    let form =
        Form::of(&browser.page(&format!("{base}/settings/order")), "order").set("s.delivery_days", "007");
    browser.save(&form.set("s.exclude_before", "2026-01-01"));
    assert_eq!(pages.deployed("ny-butik", "order")["delivery_days"], json!(7));
    // A country outside the EU says why it has no row, and one has its row by the name that stands in the sheet.
    let page = browser.page(&format!("{base}/settings/sales_accounts"));
    let form = Form::of(&page, "sales_accounts")
        .set("paste.countries", "Norge;25;3105\nDanmark;25;3121\nAtlantis;25;3121\n");
    let read = browser.press(&form, "read:countries");
    has(
        &read.body,
        "Norway is outside the EU, so it is not part of OSS: its sales use the account “Rest of the world”",
    );
    has(&read.body, "Atlantis is no name of a row here");
    assert_eq!(Form::of(&read.body, "sales_accounts").get("s.countries.DK.rates.25"), Some("3121"));
    // What counts for all rates of a country stands in their table; the rest of a country is folded.
    assert_eq!(read.body.matches("id=\"f-countries.DK.default_account\"").count(), 1);
    let (_, row) = read
        .body
        .split_once("<tr role=\"row\" id=\"f-countries.DK.default_account\"")
        .expect("a row of the table");
    assert!(row.split_once("</table>").unwrap().0.contains("id=\"f-countries.DK.rates.25\""));
    has(&read.body, "5 more settings of Denmark");
    // Help speaks of settings by their names.
    has(
        &read.body,
        "What happens with a rate that the country does not have is said by “VAT rate without an account”.",
    );
    lacks(&read.body, "unknown_rate");
}

#[test]
fn the_plan_and_a_proposal_are_told_in_swedish() {
    let project = example();
    write_and_commit(&project, "bases/fortnox.yaml", |text| {
        text.replace("default_terms_of_payment: \"30\"", "default_terms_of_payment: \"10\"")
    });
    write_and_commit(&project, "integrations/cykelboden.yaml", |text| {
        text.replace("live_mode: true", "live_mode: false")
    });
    let pages = Pages::start(project, &[]);
    pages.change_outside("nordic-outdoor", "payment_methods", "default_terms_of_payment", json!("14"));
    let mut browser = swedish(&pages);
    let plan = browser.page("/plan");
    has(&plan, "inställningar i");
    has(&plan, "ändringen som Sara Nyberg gjorde");
    has(&plan, "nästa synk av");
    lacks(&plan, "an apply would");
    lacks(&plan, "next sync");
    has(&plan, "Det här sparar över 1 inställning som ändrats både i filerna och utanför");
    has(&plan, "Live mode På → blir Av");
    lacks(&plan, "(every ");
    let propose = format!("{NORDIC}/propose?category=payment_methods&setting=default_terms_of_payment");
    let form = Form::all(&browser.page(&propose))
        .into_iter()
        .find(|form| form.action.ends_with("/propose"))
        .unwrap();
    let preview =
        browser.press(&form.set("s.default_terms_of_payment", "14").set("where", "base"), "preview");
    has(&preview.body, "nästa synk av");
    lacks(&preview.body, "next ");
}
