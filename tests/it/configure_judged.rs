//! What somebody does who judges the pages: the same ways in Chromium with scripts and without, at 1440 px, and each answer looked at at
//! every width, in light and in dark; and the list of a thousand integrations.

use std::process::Command;
use std::time::{Duration, Instant};

use pairform::store::{self, Registered};
use serde_json::{Value as Json, json};

use crate::configure::{NORDIC, Pages, connect, example, fill_in, git, missing};
use crate::configure_browser::{browse, readable};
use crate::configure_walk::make;

/// Presses what a selector finds.
fn press(selector: &str) -> String {
    format!("document.querySelector({}).click();", json!(selector))
}

/// Types, or chooses.
fn set(name: &str, value: &str) -> String {
    let (name, value) = (json!(format!("[name=\"{name}\"]")), json!(value));
    format!(
        "(() => {{ const all = [...document.querySelectorAll({name})]; const radio = all.find((one) => one.type === 'radio' && one.value === {value}); \
         if (radio) radio.click(); else all[0].value = {value}; }})();"
    )
}

const SAVE: &str = "main [name=do][value=save]";
const TOLD: &str = "({ at: location.pathname, focus: document.activeElement.id, text: document.querySelector('main').innerText })";

#[test]
fn what_is_judged_is_so_with_scripts_and_without() {
    const HOSTILE: &str = "<script>alert(1)</script> \u{5e9}\u{5dc}\u{5d5}\u{5dd} 'NO' \"007\"";
    let bare = tempfile::tempdir().unwrap();
    let remote = bare.path().to_str().unwrap();
    let project = example();
    git(&project, &["init", "-q", "--bare", remote]);
    git(&project, &["push", "-q", remote, "HEAD:main"]);
    let pages = Pages::start(project, &["--propose-to", remote]);
    let mut browser = pages.signed_in();
    // Two integrations in which all but one required setting is saved: a browser with scripts is to make one live, another without.
    let mut steps: Vec<Json> = Vec::new();
    let mut expected: Vec<(String, Vec<String>)> = Vec::new();
    for scripts in [true, false] {
        let way = if scripts { "scripts" } else { "none" };
        let base = make(&mut browser, &format!("Butik {way}"));
        while let Some((address, field)) =
            missing(&mut browser, &base).into_iter().find(|(_, field)| field != "exclude_before")
        {
            fill_in(&mut browser, &address, &field);
        }
        connect(&mut browser, &base);
        let order = format!("{base}/settings/order");
        let general = format!("{base}/general");
        let mut step = |name: &str, mut step: Json, texts: &[&str]| {
            let name = format!("{way}-{name}");
            step["name"] = name.as_str().into();
            step["scripts"] = scripts.into();
            step["tell"] = TOLD.into();
            // Each answer is a screen; it is looked at in every size once.
            step[if scripts { "screen" } else { "shot" }] = name.as_str().into();
            steps.push(step);
            expected.push((name, texts.iter().map(|text| (*text).to_owned()).collect()));
        };
        // Required, missing: a banner; saved; live.
        step("banner", json!({"go": order}), &["This setting is required and must be saved.", "Orders"]);
        step(
            "early",
            json!({"go": general, "press": format!("{}{}{}", set("s.live_mode", "on"), set("s.onboarding_mode", "off"), press(SAVE))}),
            &[
                "General Settings was not saved: 1 setting needs a look",
                "Exclude orders created before this date",
                "E0312",
            ],
        );
        step(
            "required",
            json!({"go": order, "press": format!("{}{}", set("s.exclude_before", "2026-01-01"), press(SAVE))}),
            &["Order Settings is saved as revision"],
        );
        step("ready", json!({"go": general}), &["Nothing is missing; it can go live."]);
        step(
            "live",
            json!({"press": format!("{}{}{}", set("s.live_mode", "on"), set("s.onboarding_mode", "off"), press(SAVE))}),
            &["General Settings is saved as revision 2."],
        );
        // Two tabs on one category, and on two.
        step(
            "stale",
            json!({"go": order, "other": {"s.delivery_days": "8", "do": "save"}, "press": format!("{}{}{}", set("s.delivery_days", "5"), set("s.project", "0042"), press(SAVE))}),
            &[
                "was saved by",
                "Nothing of yours was saved, and nothing that you typed is lost",
                "0042",
                "changed by both",
            ],
        );
        step(
            "chosen",
            json!({"press": format!("document.querySelector('[name=\"pick.delivery_days\"][value=mine]').click();{}", press(SAVE))}),
            &["Order Settings is saved as revision"],
        );
        step(
            "both",
            json!({"go": format!("{base}/settings/customer"), "press": format!("{}{}", set("s.missing.city", "Malm\u{f6}"), press(SAVE))}),
            &["Customer Settings is saved as revision"],
        );
        // What is wrong in the folded part opens it, also where a browser would have judged it.
        step(
            "folded",
            json!({"go": format!("{base}/settings/invoice"), "press": format!("{}{}", set("s.email_from", "no address"), press(SAVE))}),
            &["Invoice Settings was not saved: 1 setting needs a look", "E0305", "hide "],
        );
        // Hostile names, leading zeros, NO.
        step(
            "hostile",
            json!({"go": order, "press": format!("{}{}{}{}", set("s.project", HOSTILE), set("s.cost_center", "NO"), set("s.print_template", "007"), press(SAVE))}),
            &["Order Settings is saved as revision"],
        );
        // A flow goes off and on again, and what was saved under it is there.
        step(
            "off",
            json!({"go": general, "press": format!("{}{}", set("flows/s.refunds", "off"), press("[value='flows/save']"))}),
            &["Flows is saved as revision 1."],
        );
        step(
            "on",
            json!({"press": format!("{}{}", set("flows/s.refunds", "on"), press("[value='flows/save']"))}),
            &["Flows is saved as revision 2."],
        );
        // Rows come, are saved and go.
        step(
            "row",
            json!({"go": format!("{base}/settings/payment_methods"), "press": format!("{}{}", set("key.methods", "Qliro"), press("[value='add:methods']"))}),
            &["Qliro is added to the form"],
        );
        step(
            "row-half",
            json!({"press": press(SAVE)}),
            &["Nothing was saved: Payment methods › Qliro says nothing yet"],
        );
        step(
            "row-gone",
            json!({"press": press("[value='remove:methods.Qliro']")}),
            &["Qliro is taken out of the form"],
        );
        // A platform that is down: the values of before stay.
        step(
            "down",
            json!({"go": format!("{base}/settings"), "press": press("form[action$='/cache:clear'] button")}),
            &["Dropdown values"],
        );
        // A Save of what git owns is a commit; for all that take it from there, or here.
        let propose = format!("{NORDIC}/propose?category=payment_methods&setting=default_terms_of_payment");
        for place in ["base", "here"] {
            step(
                &format!("propose-{place}"),
                json!({"go": propose, "press": format!("{}{}{}", set("s.default_terms_of_payment", "10"), set("where", place), press("#propose [value=preview]"))}),
                &[
                    "Committed as",
                    if place == "base" { "bases/fortnox.yaml" } else { "payment_methods.yaml" },
                ],
            );
        }
        step("pushed", json!({"press": press("#propose [value=push]")}), &["is pushed"]);
    }
    // Whoever presses twice sends once; Back leads to what was answered; who is signed out types it once.
    let order = format!("{NORDIC}/settings/order");
    steps.push(json!({"name": "twice", "go": order, "press": format!("{}{}{}", set("s.delivery_days", "6"), press(SAVE), press(SAVE)), "tell": TOLD}));
    steps.push(json!({"name": "back", "back": true, "tell": "document.querySelector('[name=\"s.delivery_days\"]').value"}));
    steps.push(
        json!({"name": "expired", "go": order, "of": "form[action='/sign-out']", "other": {}, "tell": TOLD, "screen": "expired",
        "press": format!("{}{}", set("s.project", "kept"), press(SAVE))}),
    );
    pages.browser().get("/sign-in");
    let plan = json!({
        "origin": pages.origin, "sign_in": pages.link(), "pages": [],
        "sizes": [[1440, 900], [390, 844], [320, 700]], "steps": steps,
    });
    let Some(seen) = browse(&plan) else { return };
    assert_eq!((&seen["errors"], &seen["foreign"]), (&json!([]), &json!([])));
    readable(&seen["steps"]);
    let mut wrong = Vec::new();
    for (name, texts) in &expected {
        let told = &seen["steps"][name]["value"];
        let text = told["text"].as_str().unwrap_or_default();
        let lower = text.to_lowercase();
        wrong.extend(
            texts
                .iter()
                .filter(|one| !lower.contains(&one.to_lowercase()))
                .map(|one| format!("{name} lacks {one:?}: {text}")),
        );
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
    for way in ["scripts", "none"] {
        let of = |category: &str| pages.deployed(&format!("butik-{way}"), category);
        let order = of("order");
        assert_eq!(
            (&order["project"], &order["cost_center"], &order["print_template"], &order["delivery_days"]),
            (&json!(HOSTILE), &json!("NO"), &json!("007"), &json!(5)),
            "{way}"
        );
        assert_eq!(
            (&of("general")["live_mode"], &of("flows")["refunds"]),
            (&json!(true), &json!(true)),
            "{way}"
        );
        assert_eq!(of("invoice").get("email_from"), None, "{way}");
        // What is wrong in the fold stands open, and the message has the focus.
        assert_eq!(seen["steps"][format!("{way}-folded")]["value"]["focus"], "message", "{way}");
    }
    assert_eq!(pages.deployed("nordic-outdoor", "order")["delivery_days"], 6);
    let twice = seen["steps"]["twice"]["value"]["text"].as_str().unwrap();
    assert!(twice.contains("Order Settings is saved as revision 2."), "{twice}");
    assert_eq!(seen["steps"]["back"]["value"], "6");
    let expired = seen["steps"]["expired"]["value"]["text"].as_str().unwrap();
    assert!(expired.contains("What you typed is kept; sign in again and go on."), "{expired}");
    // A commit has nothing else in it.
    let log = Command::new("git")
        .args(["-C", remote, "log", "--all", "--not", "main", "-p", "--format=%s"])
        .output()
        .unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    let is_moved =
        |line: &&str| line.starts_with(['+', '-']) && !line.starts_with("+++") && !line.starts_with("---");
    assert_eq!(
        log.lines().filter(is_moved).collect::<Vec<_>>(),
        vec!["+default_terms_of_payment: \"10\""; 2],
        "{log}"
    );
}

#[test]
fn the_list_of_a_thousand_integrations_is_there_within_a_second() {
    let pages = Pages::start(example(), &[]);
    let mut store = store::open(&pages.store).unwrap();
    for at in 0..1_000 {
        let id = format!("shop-{at:04}");
        let pair = Some("fortnox-shopify".to_owned());
        let made_at = "2026-11-27T15:40:00Z".to_owned();
        store.register(&Registered { id, pair, made_at, made_by: "ann".to_owned() }).unwrap();
    }
    let mut browser = pages.signed_in();
    // Looked at once, each is known until something is saved of it.
    crate::configure::has(&browser.page("/integrations"), "1010 integrations.");
    let quickest = (0..5).map(|_| {
        let begun = Instant::now();
        for address in ["/integrations", "/integrations?q=shop-09&look=1", "/integrations?after=shop-0500"] {
            browser.page(address);
        }
        begun.elapsed() / 3
    });
    let quickest = quickest.min().unwrap();
    assert!(quickest < Duration::from_secs(1), "{quickest:?}");
}
