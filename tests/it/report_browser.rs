//! The pages of reports in a real browser, judged as those of the Configure section are: at three widths, in light and dark, with folds
//! closed and open; and what a reader does with a filter, a search and an address. The screens lie beside those of the others.

use serde_json::{Value as Json, json};

use crate::configure_browser::browse;
use crate::forms::{plan, with};
use crate::revisions::{project, shop};
use pairform::report::html;

#[test]
fn every_report_is_readable_by_everybody_at_every_width() {
    let repository = project();
    repository.run(&["apply", "--yes"]);
    repository.git(&["remote", "add", "origin", "git@github.com:team/shops.git"]);
    repository.write("bases/shop.yaml", "settings:\n  order: {exclude_before: 2026-02-01}\n");
    repository.write("integrations/nordic.yaml", &shop("nordic", true, "14"));
    repository.commit("Another day, and shorter terms");
    let folder = tempfile::tempdir().unwrap();
    let mut pages = Vec::new();
    let mut page = |name: &str, text: String| {
        assert!(text.trim_end().ends_with("</html>"), "{name}: {text}");
        std::fs::write(folder.path().join(format!("{name}.html")), text).unwrap();
        pages.push(json!({"name": format!("report-{name}"), "path": format!("/{name}.html")}));
    };
    let run = |arguments: &[&str]| {
        let output = repository.run(&[arguments, &["-o", "html"]].concat());
        String::from_utf8(output.stdout).unwrap()
    };
    page("plan", run(&["plan"]));
    page("diff", run(&["diff", "--base", "HEAD~1", "--by", "integration"]));
    page("drift", run(&["drift"]));
    page("show", run(&["show", "nordic"]));
    page("stopped", run(&["plan", "--env", "nope"]));
    page("applied", run(&["apply", "--yes"]));
    page("nothing", run(&["plan"]));
    repository.write(
        "integrations/nordic.yaml",
        &shop("nordic", true, "14").replace("map: {", "mop: {}\n    map: {"),
    );
    page("findings", run(&["validate"]));
    page("show-wrong", run(&["show", "nordic"]));
    // All that a plan can say at once: conflicts, resets, refusals, what left the files, rules that change.
    let all =
        plan("a value that is long enough to need more than the whole width of a phone, and then some", 14);
    page("all", with(&all, |content| html::render(content, None).unwrap()));
    // A fleet: the lists of its rows are longer than a screen.
    page("fleet", with(&crate::reviews::fleet(200).plan, |content| html::render(content, None).unwrap()));
    let rows = "[...document.querySelectorAll('.group, .finding')].filter((row) => row.offsetParent).length";
    let typed = |text: &str| {
        format!(
            "const field = document.getElementById('search'); field.value = '{text}'; field.dispatchEvent(new Event('input'));"
        )
    };
    let chosen = |id: &str, value: &str| {
        format!(
            "const field = document.getElementById('{id}'); field.value = '{value}'; field.dispatchEvent(new Event('change'));"
        )
    };
    let (first, number) = (pages[0]["path"].clone(), pages.len());
    let asked = json!({
        "origin": format!("file://{}", folder.path().display()), "sign_in": first, "pages": pages,
        "sizes": [[1440, 900], [390, 844], [320, 700]],
        "steps": [
            {"name": "searched", "size": [1440, 900], "go": "/plan.html", "tell": format!("(() => {{ {} return [{rows}, location.search]; }})()", typed("Klarna"))},
            {"name": "again", "go": "/plan.html?search=Klarna", "tell": format!("[{rows}, document.getElementById('search').value, document.querySelector('details.group[open]') !== null]")},
            {"name": "filtered", "go": "/plan.html", "tell": format!("(() => {{ document.getElementById('k-change').click(); return [{rows}, location.search]; }})()")},
            {"name": "found", "go": "/fleet.html", "tell": format!("(() => {{ {} return {LISTS}; }})()", typed("shop-00123"))},
            {"name": "both", "tell": rows},
            {"name": "all", "tell": format!("(() => {{ [...document.querySelectorAll('.group[open] button')].find((one) => one.textContent === 'Show all 80').click(); return {LISTS}[0]; }})()")},
            {"name": "cleared", "tell": format!("(() => {{ {} return [document.querySelectorAll('.group[open]').length, document.querySelectorAll('.groups button').length]; }})()", typed(""))},
            {"name": "many", "tell": format!("(() => {{ {} return {LISTS}[0]; }})()", typed("shop-000"))},
            {"name": "owner", "go": "/fleet.html", "tell": format!("(() => {{ {} return [{rows}, location.search]; }})()", chosen("owner", "warehouse"))},
            {"name": "pair", "go": "/fleet.html?owner=warehouse", "tell": format!("(() => {{ {} return [{rows}, location.search, document.getElementById('owner').value]; }})()", chosen("pair", "Fortnox and WooCommerce"))},
            {"name": "platform", "go": "/fleet.html", "tell": format!("(() => {{ {} return {rows}; }})()", typed("woocommerce"))},
            {"name": "setting", "tell": format!("(() => {{ {} return {rows}; }})()", typed("payment_methods.methods"))},
            {"name": "linked", "go": "/fleet.html", "tell": "(async () => { const link = [...document.querySelectorAll('.group a')].find((link) => link.textContent === 'Link to this change'); \
                const to = new Promise((done) => addEventListener('hashchange', done, { once: true })); location.hash = link.getAttribute('href'); await to; \
                await new Promise(requestAnimationFrame); return link.closest('details').open; })()"},
        ],
    });
    let Some(seen) = browse(&asked) else { return };
    assert_eq!((&seen["errors"], &seen["foreign"]), (&json!([]), &json!([])));
    let looks = seen["pages"].as_array().unwrap();
    assert_eq!(looks.len(), number * 5);
    for look in looks {
        for look in [look, &look["open"]] {
            let found = (look["violations"].as_array().map(Vec::len), look["wide"].as_i64());
            assert_eq!(found, (Some(0), Some(0)), "{look}");
        }
    }
    let value = |name: &str| -> Json { seen["steps"][name]["value"].clone() };
    // The change of nordic, and nothing else; the address keeps what was asked.
    assert_eq!(value("searched"), json!([1, "?search=Klarna"]));
    assert_eq!((&value("again")[0], &value("again")[1]), (&json!(1), &json!("Klarna")));
    assert_eq!(value("filtered")[1], "?k-change=0", "{}", value("filtered"));
    // Whatever a reader does, the page is one that everybody can use.
    for (name, step) in seen["steps"].as_object().unwrap() {
        assert_eq!((&step["violations"], step["wide"].as_i64()), (&json!([]), Some(0)), "{name}: {step}");
    }
    // Where one of two hundred names is found, the row opens and shows it, and all others when that is asked for.
    assert_eq!(value("found"), json!([["shop-00123"], ["0 of 80 Show all 80", "1 of 120 Show all 120"]]));
    // The other change of the same two hundred is found by them too.
    assert_eq!(value("both"), json!(2));
    assert_eq!(value("all").as_array().unwrap().len(), 200);
    assert_eq!(value("cleared"), json!([0, 0]));
    // Of forty live ones and sixty others that fit, as many as a screen holds.
    assert_eq!(value("many").as_array().unwrap().len(), 48);
    assert_eq!(value("owner"), json!([1, "?owner=warehouse"]));
    assert_eq!(value("pair"), json!([1, "?owner=warehouse&pair=Fortnox+and+WooCommerce", "warehouse"]));
    assert!(value("platform").as_i64().unwrap() >= 3, "{}", value("platform"));
    assert_eq!((&value("setting"), &value("linked")), (&json!(1), &json!(true)));
}

/// The names in sight of the row of Klarna, and what is said of them.
const LISTS: &str = "(() => { const row = [...document.querySelectorAll('.group[open]')].find((row) => row.textContent.includes('Klarna')); \
    return [[...row.querySelectorAll('.names:not([hidden]) li')].map((name) => name.firstElementChild.textContent), \
    [...row.querySelectorAll('.names ~ p, .names + p')].map((said) => said.textContent)]; })()";

/// How long a reader of a thousand new integrations waits: until the page is there, and for searches that find something in hundreds of
/// rows. Not run by itself: it tells figures of the machine that it runs on (`--ignored --nocapture`; PAIRFORM_SHOPS says how many).
#[test]
#[ignore = "measures"]
fn what_a_reader_of_a_large_page_waits_for() {
    let number = std::env::var("PAIRFORM_SHOPS").ok().and_then(|number| number.parse().ok()).unwrap_or(1000);
    let plan = crate::reviews::new_ones(number);
    let folder = tempfile::tempdir().unwrap();
    let page = with(&plan, |content| html::render(content, None).unwrap());
    println!("{} integrations, {} bytes", number, page.len());
    std::fs::write(folder.path().join("new.html"), page).unwrap();
    let painted = "new Promise((done) => requestAnimationFrame(() => setTimeout(done)))";
    let ready = format!("(async () => {{ await {painted}; return Math.round(performance.now()); }})()");
    let search = |text: &str| {
        format!(
            "(async () => {{ const field = document.getElementById('search'); const begun = performance.now(); field.value = '{text}'; \
             field.dispatchEvent(new Event('input')); document.body.offsetHeight; await {painted}; \
             return [Math.round(performance.now() - begun), document.getElementById('status').textContent, document.querySelectorAll('.group[open]').length]; }})()"
        )
    };
    let texts = ["shop-00777", "shop-007", "finance", "shop-0", "woocommerce", "", "shop-00001"];
    let steps = texts
        .iter()
        .enumerate()
        .map(|(at, text)| json!({"name": format!("{at} `{text}`"), "tell": search(text)}));
    let first = json!({"name": "ready", "size": [1440, 900], "go": "/new.html", "tell": ready});
    let asked = json!({
        "origin": format!("file://{}", folder.path().display()), "sign_in": "/new.html", "pages": [], "sizes": [[1440, 900]],
        "unjudged": true, "steps": std::iter::once(first).chain(steps).collect::<Vec<_>>(),
    });
    let Some(seen) = browse(&asked) else { return };
    for (name, step) in seen["steps"].as_object().unwrap() {
        println!("{name:<16} {}", step["value"]);
    }
}
