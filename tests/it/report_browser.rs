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
    let rows = "[...document.querySelectorAll('.group, .finding')].filter((row) => row.offsetParent).length";
    let typed = |text: &str| {
        format!(
            "const field = document.getElementById('search'); field.value = '{text}'; field.dispatchEvent(new Event('input'));"
        )
    };
    let (first, number) = (pages[0]["path"].clone(), pages.len());
    let asked = json!({
        "origin": format!("file://{}", folder.path().display()), "sign_in": first, "pages": pages,
        "sizes": [[1440, 900], [390, 844], [320, 700]],
        "steps": [
            {"name": "searched", "size": [1440, 900], "go": "/plan.html", "tell": format!("(() => {{ {} return [{rows}, location.search]; }})()", typed("Klarna"))},
            {"name": "again", "go": "/plan.html?search=Klarna", "tell": format!("[{rows}, document.getElementById('search').value, document.querySelector('details.group[open]') !== null]")},
            {"name": "filtered", "go": "/plan.html", "tell": format!("(() => {{ document.getElementById('k-git').click(); return [{rows}, location.search]; }})()")},
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
    assert_eq!(value("filtered")[1], "?k-git=0", "{}", value("filtered"));
}
