//! The pages in a real browser: every page at three widths, in light and dark, with its folds closed and open, judged by axe-core; by
//! keyboard alone; and what the little script does. The screens are written to a folder, `target/pages` unless PAIRFORM_SCREENS names another.

use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::{Value as Json, json};

use crate::configure::{Pages, example};
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

#[test]
fn every_page_is_readable_by_everybody_at_every_width() {
    let pages = Pages::start(example(), &[]);
    pages.change_outside("nordic-outdoor", "payment_methods", "default_terms_of_payment", json!("14"));
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
        ("general", format!("{nordic}/general")),
        ("connectors", format!("{nordic}/connectors")),
        ("scheduling", format!("{nordic}/scheduling")),
        ("webhooks", format!("{nordic}/webhooks")),
        ("history", format!("{nordic}/history")),
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
        assert_eq!(steps[name]["violations"], json!([]), "{name}");
    }
    let text = |name: &str| steps[name]["value"]["text"].as_str().unwrap_or_default().to_owned();
    assert!(text("saved").contains("Order Settings is saved as revision 2."), "{}", steps["saved"]);
    assert!(steps["invalid"]["value"]["title"].as_str().unwrap().starts_with("Error: "));
    assert_eq!(steps["to-field"]["value"], "s.min_order_value");
    assert!(text("stale").contains("was saved by ann"), "{}", steps["stale"]);
    assert!(steps["counted"]["value"].as_str().unwrap().ends_with("1 changed."), "{}", steps["counted"]);
    let tab = &steps["tab"];
    assert_eq!(
        (&tab["hidden"], &tab["bare"], &tab["saves"]),
        (&json!([]), &json!([]), &json!(true)),
        "{tab}"
    );
    // The navigation, each control once, and the bar.
    assert!(tab["count"].as_u64().unwrap() > 15, "{tab}");
}
