//! The pages in a real browser: every page at three widths, in light and dark, with its folds closed and open, judged by axe-core; by
//! keyboard alone; and what the little script does. The screens are written to a folder, `target/pages` unless PAIRFORM_SCREENS names another.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::configure::{Pages, example, git};
use crate::configure_walk::{make, write_and_commit};
use crate::tools::{Tool, program, required};

/// What the browser saw; none where a tool is missing.
pub fn browse(plan: &Json) -> Option<Json> {
    let named = std::env::var_os("PAIRFORM_CHROMIUM").map(PathBuf::from);
    let browser = named.or_else(|| program(&["chromium", "chromium-browser", "google-chrome"], &[]));
    let browser = required(Tool::Browser, browser)?;
    let node = required(Tool::Node, program(&["node"], &[]))?;
    let axe =
        required(Tool::Axe, std::env::var_os("PAIRFORM_AXE").map(PathBuf::from).filter(|axe| axe.is_file()))?;
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let screens =
        std::env::var_os("PAIRFORM_SCREENS").map_or_else(|| root.join("target/pages"), PathBuf::from);
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("plan.json");
    std::fs::write(&file, plan.to_string()).unwrap();
    let done = Command::new(node)
        .arg(root.join("tests/pages/browse.mjs"))
        .args([browser.as_path(), axe.as_path(), file.as_path(), screens.as_path()])
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    Some(serde_json::from_slice(&done.stdout).unwrap())
}

/// No step left a page that axe-core objects to, or that is scrolled sideways.
pub fn readable(steps: &Json) {
    for (name, step) in steps.as_object().unwrap() {
        if step["violations"].is_array() {
            assert_eq!((&step["violations"], &step["wide"]), (&json!([]), &json!(0)), "{name}");
        }
    }
}

#[test]
fn every_page_is_readable_by_everybody_at_every_width() {
    let project = example();
    write_and_commit(&project, "bases/fortnox.yaml", |text| {
        text.replace("default_terms_of_payment: \"30\"", "default_terms_of_payment: \"10\"")
    });
    let pages = Pages::start(project, &[]);
    pages.change_outside("nordic-outdoor", "payment_methods", "default_terms_of_payment", json!("14"));
    // One in which everything is still to be said.
    make(&mut pages.signed_in(), "Ny Butik");
    pages.browser().get("/sign-in");
    let sign_in = pages.link();
    let nordic = "/integrations/nordic-outdoor";
    let all = [
        ("fleet", "/integrations".to_owned()),
        ("fleet-none", "/integrations?q=nothing".to_owned()),
        ("new", "/integrations/new".to_owned()),
        ("settings", format!("{nordic}/settings")),
        ("category", format!("{nordic}/settings/payment_methods")),
        ("category-not-git", "/integrations/cykelboden/settings/additional_filters".to_owned()),
        ("accounts", format!("{nordic}/settings/sales_accounts")),
        ("required", "/integrations/ny-butik/settings/sales_accounts".to_owned()),
        ("general-missing", "/integrations/ny-butik/general".to_owned()),
        ("general", format!("{nordic}/general")),
        ("connectors", format!("{nordic}/connectors")),
        ("scheduling", format!("{nordic}/scheduling")),
        ("webhooks", format!("{nordic}/webhooks")),
        ("history", format!("{nordic}/history")),
        ("conflict", format!("{nordic}/changes")),
        ("back", format!("{nordic}/history/payment_methods/1")),
        ("sign-in", "/sign-in".to_owned()),
        ("absent", "/integrations/none/settings".to_owned()),
    ];
    let listed: Vec<Json> = all.iter().map(|(name, path)| json!({"name": name, "path": path})).collect();
    let order = format!("{nordic}/settings/order");
    let set =
        |name: &str, value: &str| format!("document.querySelector('[name=\"s.{name}\"]').value = '{value}';");
    let press = "document.querySelector('.savebar .btn-main').click();";
    let told = "({ focus: document.activeElement.id, title: document.title, text: document.getElementById('message')?.innerText || '' })";
    let filters = "/integrations/cykelboden/settings/additional_filters";
    let plan = json!({
        "origin": pages.origin, "sign_in": sign_in, "pages": listed, "keyboard": order,
        // 320 px is 1280 at 400 %.
        "sizes": [[1440, 900], [390, 844], [320, 700]],
        "steps": [
            {"name": "saved", "size": [1440, 900], "go": order, "press": format!("{}{press}", set("delivery_days", "3")), "tell": told, "screen": "saved"},
            {"name": "invalid", "go": filters, "press": format!("{}{press}", set("min_order_value", "-5")), "tell": told, "screen": "invalid"},
            {"name": "to-field", "tell": "(document.querySelector('#message a').click(), new Promise((done) => setTimeout(() => done(document.activeElement.name), 100)))"},
            {"name": "stale", "go": order, "other": {"s.delivery_days": "8", "do": "save"},
             "press": format!("{}{press}", set("delivery_days", "5")), "tell": told, "screen": "stale"},
            {"name": "counted", "go": order, "tell": format!("(() => {{ const field = document.querySelector('[name=\"s.delivery_days\"]'); field.value = '4'; \
                 field.dispatchEvent(new Event('input', {{ bubbles: true }})); return document.querySelector('[data-count]').textContent; }})()")},
            // Whoever leaves what he typed is asked; whoever typed nothing is not.
            {"name": "leaving", "tell": "!dispatchEvent(new Event('beforeunload', { cancelable: true }))"},
            {"name": "leaving-nothing", "go": order, "tell": "!dispatchEvent(new Event('beforeunload', { cancelable: true }))"},
            // Two forms on one page are one: what is typed in either goes along with the Save of the other.
            {"name": "counted-each", "go": "/integrations/ny-butik/general", "tell": "(() => { document.querySelector('[name=\"flows/s.orders\"][value=off]').click(); \
                 return [...document.querySelectorAll('[data-count]')].map((line) => / 1 changed/.test(line.textContent)); })()"},
            {"name": "beside", "press": "document.querySelector('[name=\"s.name\"]').value = 'Nya Butiken'; document.querySelector('[name=\"do\"][value=save]').click()",
             "tell": "[document.querySelector('[name=\"flows/s.orders\"]:checked').value, document.activeElement.id, !dispatchEvent(new Event('beforeunload', { cancelable: true }))]", "screen": "beside"},
            {"name": "sides", "size": [1440, 900], "go": format!("{nordic}/changes"), "tell": "Math.min(...[...document.querySelectorAll('.sides dd')].map((one) => one.clientWidth))"},
        ],
    });
    let Some(seen) = browse(&plan) else { return };
    assert_eq!(seen["errors"], json!([]), "errors of the console");
    assert_eq!(seen["foreign"], json!([]), "requests to elsewhere");
    let looks = seen["pages"].as_array().unwrap();
    assert_eq!(looks.len(), all.len() * 5);
    for look in looks {
        for look in [look, &look["open"]] {
            assert_eq!(
                (look["violations"].as_array().map(Vec::len), look["wide"].as_i64()),
                (Some(0), Some(0)),
                "{look}"
            );
        }
    }
    let steps = &seen["steps"];
    for name in ["saved", "invalid", "stale"] {
        assert_eq!(steps[name]["value"]["focus"], "message", "{name}: {}", steps[name]);
    }
    readable(steps);
    let text = |name: &str| steps[name]["value"]["text"].as_str().unwrap_or_default().to_owned();
    assert!(text("saved").contains("Order Settings is saved as revision 2."), "{}", steps["saved"]);
    assert!(steps["invalid"]["value"]["title"].as_str().unwrap().starts_with("Error: "));
    assert_eq!(steps["to-field"]["value"], "s.min_order_value");
    assert!(text("stale").contains("was saved by you, in another tab,"), "{}", steps["stale"]);
    assert!(steps["counted"]["value"].as_str().unwrap().ends_with("1 changed."), "{}", steps["counted"]);
    assert_eq!(
        (
            &steps["leaving"]["value"],
            &steps["leaving-nothing"]["value"],
            &steps["counted-each"]["value"],
            &steps["beside"]["value"]
        ),
        (&json!(true), &json!(false), &json!([false, true]), &json!(["off", "message", true]))
    );
    assert!(steps["sides"]["value"].as_f64().unwrap() > 100.0, "{}", steps["sides"]);
    let tab = &steps["tab"];
    assert_eq!(
        (&tab["hidden"], &tab["bare"], &tab["saves"]),
        (&json!([]), &json!([]), &json!(true)),
        "{tab}"
    );
    // The navigation, each control once, and the bar.
    assert!(tab["count"].as_u64().unwrap() > 15, "{tab}");
}

#[test]
fn a_change_of_what_git_owns_goes_its_way_in_a_browser() {
    let bare = tempfile::tempdir().unwrap();
    let remote = bare.path().to_str().unwrap();
    let project = example();
    git(&project, &["init", "-q", "--bare", remote]);
    git(&project, &["push", "-q", remote, "HEAD:main"]);
    let pages = Pages::start(project, &["--propose-to", remote]);
    pages.change_outside("nordic-outdoor", "payment_methods", "default_terms_of_payment", json!("14"));
    let base = "/integrations/nordic-outdoor";
    let order = format!("{base}/settings/order");
    let told =
        "({ title: document.title, at: location.pathname, text: document.querySelector('main').innerText })";
    let click = |selector: &str| format!("document.querySelector({}).click();", json!(selector));
    let add = click("[value='add:methods']");
    let form = "(() => { for (const [name, value] of Object.entries({'s.exclude_before': '2026-02-01', why: 'The books of January are closed'})) \
         document.querySelector(`#propose [name=\"${name}\"]`).value = value; })();";
    let plan = json!({
        "origin": pages.origin, "sign_in": pages.link(), "pages": [], "sizes": [[1440, 900], [390, 844], [320, 700]],
        "steps": [
            {"name": "asked", "size": [1440, 900], "go": order, "press": click("#f-exclude_before a[href*='/propose?']"), "tell": told, "screen": "propose"},
            {"name": "previewed", "press": format!("{form}{}", click("#propose [value=preview]")), "tell": told, "screen": "propose-preview"},
            {"name": "proposed", "press": click("#propose [value=push]"), "tell": told, "screen": "changes"},
            {"name": "field", "go": order, "tell": "document.getElementById('f-exclude_before').innerText", "screen": "field-proposed"},
            {"name": "closed", "go": format!("{base}/changes"), "press": click("main [name=close]"), "tell": told},
            {"name": "cache", "go": format!("{base}/cache"), "tell": told, "screen": "cache"},
            {"name": "plan", "go": format!("{base}/plan"), "tell": told, "screen": "plan"},
            // A browser asks for the box before it sends anything; what is sent without it is refused.
            {"name": "unticked", "tell": "document.querySelector('main form[action$=plan]').checkValidity()"},
            {"name": "unsure", "press": "document.querySelector('main form[action$=plan]').submit()", "tell": told, "screen": "plan-unsure"},
            {"name": "applied", "press": format!(
                "document.querySelector('[name=live]').checked = true; for (const field of document.querySelectorAll('[name=typed]')) field.value = 'nordic-outdoor'; {}",
                click("main form .btn-main")), "tell": told, "screen": "plan-applied"},
            {"name": "fleet-plan", "go": "/plan", "tell": told, "screen": "plan-none"},
            // Rows come and go without scripts, in a browser that runs none.
            {"name": "nameless", "scripts": false, "go": format!("{base}/settings/payment_methods"), "press": add, "tell": told, "screen": "row-nameless"},
            {"name": "row", "scripts": false, "press": format!("document.querySelector(\"[value='add:methods']\").closest('.record-new').querySelector('input').value = 'Qliro'; {add}"), "tell": told, "screen": "row-added"},
            {"name": "expired", "go": "/integrations", "press": click("form[action='/sign-out'] button"), "tell": told, "screen": "signed-out"},
        ],
    });
    let Some(seen) = browse(&plan) else { return };
    assert_eq!((&seen["errors"], &seen["foreign"]), (&json!([]), &json!([])));
    let steps = &seen["steps"];
    readable(steps);
    let shown = |name: &str, texts: &[&str]| {
        let said = steps[name]["value"]["text"].as_str().or(steps[name]["value"].as_str()).unwrap();
        for text in texts {
            assert!(said.contains(text), "{name}: no {text:?} in {said}");
        }
    };
    shown("asked", &["Propose a change to", "Nothing to preview yet"]);
    shown("previewed", &["exclude_before: 2026-02-01", "Committed as"]);
    shown("proposed", &["is pushed", "The books of January are closed"]);
    shown("field", &["1 February 2026"]);
    shown("closed", &["is closed. Its branch stays."]);
    shown("plan", &["14"]);
    assert_eq!(steps["unticked"]["value"], json!(false));
    shown("unsure", &["Nothing was applied", "Tick that live integrations change"]);
    shown("applied", &["Applied: 1 category is saved as git says"]);
    shown("fleet-plan", &["No changes"]);
    shown("nameless", &["Nothing was added to Payment methods: write the name of the new row first"]);
    shown("row", &["Qliro is added to the form"]);
    let log = Command::new("git")
        .args(["-C", remote, "log", "--all", "--not", "main", "-p", "--format=%an: %s"])
        .output()
        .unwrap();
    let log = String::from_utf8(log.stdout).unwrap();
    let moved: Vec<&str> = log
        .lines()
        .filter(|line| {
            (line.starts_with('+') || line.starts_with('-'))
                && !line.starts_with("+++")
                && !line.starts_with("---")
        })
        .collect();
    assert_eq!(moved, ["-exclude_before: 2026-01-01", "+exclude_before: 2026-02-01"], "{log}");
}
