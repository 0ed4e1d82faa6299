//! A reviewer of a fleet finds every distinct change, in each form and whatever the number of integrations is; and reads an integration
//! as the Configure section shows it.

use serde_json::{Value as Json, json};

use crate::forms::{finding, plan, with};
use crate::revisions::{Repository, shop};
use pairform::plan::{
    Action, CategoryPlan, Change, ChangeKind, Integration, Integrations, Mode, Origin, Plan, Readiness,
};
use pairform::report::groups::Groups;
use pairform::report::{github, gitlab, html, junit, markdown, sarif};
use pairform::schema::parts::Catalogue;

fn change(setting: &str, before: Json, after: Json, place: (&str, usize)) -> Change {
    Change {
        formerly: Vec::new(),
        setting: setting.to_owned(),
        kind: ChangeKind::Change,
        before,
        after,
        before_label: None,
        after_label: None,
        origin: Origin::Git,
        last_applied: None,
        last_applied_label: None,
        effect: "next-sync".to_owned(),
        path: Some(place.0.to_owned()),
        line: Some(place.1),
        touched: None,
        since: None,
        by: None,
        unmanaged: false,
    }
}

fn category(id: &str, title: &str, owner: &str, change: Change) -> CategoryPlan {
    CategoryPlan {
        category: id.into(),
        title: title.into(),
        action: Action::Update,
        revision: Some(3),
        deleted: None,
        deployed: None,
        changes: vec![change],
        blocked: Vec::new(),
        next_sync: Some("orders sync (every 10m)".to_owned()),
        save: None,
        agreed: None,
        held: None,
        owners: vec![owner.to_owned()],
    }
}

/// What is in a fleet, and by which words a reader knows each distinct change.
pub struct Fleet {
    pub plan: Plan,
    pub distinct: Vec<Vec<String>>,
}

fn words(all: &[&str]) -> Vec<String> {
    all.iter().map(|word| (*word).to_owned()).collect()
}

/// One change of a base in all, a drift in a twentieth, and ten that were edited on their own.
pub fn fleet(number: usize) -> Fleet {
    let base = "bases/swedish-shop.yaml";
    let mut distinct = vec![words(&["Klarna", "30", "14"]), words(&["Interval", "15m", "10m"])];
    distinct.push(words(&["Safety stock", "5", "2", "an apply would undo Karin's change of 12 Nov 2026"]));
    let mut integrations = Vec::new();
    for at in 0..number {
        let terms = change("methods.Klarna.terms", "30".into(), "14".into(), (base, 55));
        let every = change("orders.every", "15m".into(), "10m".into(), (base, 71));
        let mut categories = vec![
            category("payment_methods", "Payment Methods", "finance", terms),
            category("schedules", "Scheduling", "operations", every),
        ];
        if at % 20 == 0 {
            let drift = Change {
                origin: Origin::Outside,
                last_applied: Some(json!(2)),
                by: Some("Karin".to_owned()),
                since: Some("2026-11-12T09:00:00Z".to_owned()),
                ..change("safety_stock", json!(5), json!(2), (base, 20))
            };
            categories.push(category("stock", "Stock", "warehouse", drift));
        }
        let odd = number.min(10);
        if at < odd {
            let (mail, file) = (format!("odd-{at}@shop.example"), format!("integrations/shop-{at:05}.yaml"));
            let odd = change("error_email", "all@shop.example".into(), mail.clone().into(), (&file, 9));
            categories.push(category("general", "General Settings", "operations", odd));
            distinct.push(words(&["all@shop.example", &mail]));
        }
        integrations.push(integration(at, categories));
    }
    Fleet { plan: of(integrations), distinct }
}

/// As many, each of which was edited in its own files.
fn edited_apart(number: usize) -> Fleet {
    let mut distinct = Vec::new();
    let integrations = (0..number).map(|at| {
        let (mail, file) = (format!("own-{at}@shop.example"), format!("integrations/shop-{at:05}.yaml"));
        distinct.push(words(&[&mail]));
        let own = change("error_email", "all@shop.example".into(), mail.into(), (&file, 9));
        integration(at, vec![category("general", "General Settings", "operations", own)])
    });
    Fleet { plan: of(integrations.collect()), distinct }
}

/// As many new ones with some settings each, of which hundreds share each value and no two settings the same hundreds.
pub fn new_ones(number: usize) -> Plan {
    let integrations = (0..number).map(|at| {
        let place = ("bases/swedish-shop.yaml", 12);
        let changes = (0..24).map(|setting| {
            let is_one = (at * (2 * setting + 3)) >> (setting % 5) & 1 == 1;
            let value: Json = if is_one { "one".into() } else { "another".into() };
            Change {
                kind: ChangeKind::Add,
                ..change(&format!("methods.Method {setting}.terms"), Json::Null, value, place)
            }
        });
        let own = Change {
            kind: ChangeKind::Add,
            ..change("name", Json::Null, format!("Shop {at}").into(), place)
        };
        let mut categories = vec![
            category("payment_methods", "Payment Methods", "finance", own.clone()),
            category("general", "General Settings", "operations", own),
        ];
        categories[0].changes = changes.collect();
        for category in &mut categories {
            (category.action, category.revision) = (Action::Create, None);
        }
        integration(at, categories)
    });
    of(integrations.collect())
}

fn integration(at: usize, categories: Vec<CategoryPlan>) -> Integration {
    let pair = if at.is_multiple_of(3) {
        ("fortnox-woocommerce", "WooCommerce")
    } else {
        ("fortnox-shopify", "Shopify")
    };
    Integration {
        integration: format!("shop-{at:05}"),
        renamed_from: None,
        pair: pair.0.into(),
        recorded_pair: None,
        unmanaged: Vec::new(),
        title: format!("Fortnox and {}", pair.1).as_str().into(),
        mode: if at % 5 < 2 { Mode::Live } else { Mode::Onboarding },
        deployed_mode: None,
        live_depends_on: Default::default(),
        readiness: Readiness { required: 4, set: 4 },
        link: None,
        categories,
        effects: None,
    }
}

fn of(integrations: Vec<Integration>) -> Plan {
    let integrations: Integrations = integrations.into_iter().collect();
    let summary = integrations.tally().summary.clone();
    let mut warning = finding("invoices are booked while onboarding mode is on", "warning");
    warning.integration = Some("shop-00000".to_owned());
    warning.also = (1..integrations.len()).map(|at| format!("shop-{at:05}")).collect();
    Plan {
        environment: Some("production".to_owned()),
        scope: Default::default(),
        integrations,
        released: Vec::new(),
        refusals: Vec::new(),
        findings: vec![warning],
        notes: Vec::new(),
        summary,
        policy_changes: None,
        ..plan("x", 0)
    }
}

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// A page without its marks, and with the signs that stand for others as what they are.
fn read(page: &str) -> String {
    let mut out = String::new();
    let mut inside = false;
    for c in page.chars() {
        match c {
            '<' => inside = true,
            '>' => inside = false,
            c if !inside => out.push(c),
            _ => {}
        }
    }
    for (name, sign) in [("&apos;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")] {
        out = out.replace(name, sign);
    }
    let mut parts = out.split("&#");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |said, part| {
        let (number, rest) = part.split_once(';').unwrap_or(("", part));
        let code = match number.strip_prefix('x') {
            Some(hex) => u32::from_str_radix(hex, 16),
            None => number.parse(),
        };
        said + &code.ok().and_then(char::from_u32).map(String::from).unwrap_or_default() + rest
    })
}

/// Each form of a plan, as its reader sees it.
fn forms(plan: &Plan) -> Vec<(&'static str, String)> {
    with(plan, |content| {
        let mut text = String::new();
        pairform::report::plan::text(content, "", &mut |piece| text.push_str(piece));
        let groups = Groups::of(&plan.integrations, &Catalogue::default()).to_json();
        let comment = markdown::render(content, None).unwrap();
        assert!(comment.chars().count() <= 65_535, "{}", comment.chars().count());
        let annotations = github::render(content);
        for command in ["::error", "::warning", "::notice"] {
            let number = annotations.lines().filter(|line| line.starts_with(command)).count();
            assert!(number <= 10, "a step shows ten of {command}, and there are {number}");
        }
        vec![
            ("text", plain(&text)),
            ("markdown", read(&comment.replace('\u{200b}', ""))),
            ("html", read(&html::render(content, None).unwrap())),
            ("github", annotations),
            ("gitlab", gitlab::render(content)),
            ("sarif", sarif::render(content, &|_| None)),
            ("junit", read(&junit::render(content))),
            ("json", groups.to_string()),
        ]
    })
}

fn every_change_is_found(fleet: &Fleet, number: usize) {
    for (form, shown) in forms(&fleet.plan) {
        for words in &fleet.distinct {
            for word in words {
                // Machines are told who and when with each integration.
                if form == "json" && (word.starts_with("an apply") || word == "Klarna" || word == "Interval")
                {
                    continue;
                }
                assert!(shown.contains(word.as_str()), "{form} of {number} lacks `{word}` of {words:?}");
            }
        }
    }
}

#[test]
fn every_distinct_change_of_a_fleet_is_found_in_every_form() {
    for number in [10, 200, 1000] {
        every_change_is_found(&fleet(number), number);
    }
}

#[test]
fn what_was_edited_apart_is_found_apart() {
    every_change_is_found(&edited_apart(205), 205);
}

#[test]
fn a_fleet_of_ten_thousand_fits_a_comment_with_every_distinct_change() {
    let fleet = fleet(10_000);
    let comment = with(&fleet.plan, |content| markdown::render(content, None).unwrap());
    assert!(comment.chars().count() <= 65_535, "{}", comment.chars().count());
    let comment = read(&comment.replace('\u{200b}', ""));
    for word in fleet.distinct.iter().flatten() {
        assert!(comment.contains(word.as_str()), "{word}");
    }
    // What is left out are names, and it is said how many.
    let left = comment.lines().find(|line| line.contains("Left out to fit a comment")).unwrap();
    assert!(left.contains("names") && !left.contains("change"), "{left}");
}

#[test]
fn two_hundred_are_read_on_a_screen_or_two() {
    let fleet = fleet(200);
    let (_, text) = forms(&fleet.plan).swap_remove(0);
    assert!(text.lines().count() <= 80, "{} lines\n{text}", text.lines().count());
    // What somebody has to decide, then what git changes, then what else was found, and last how much it is.
    let order = ["Look at these first", "Changes from git", "warning[", "200 integrations: "];
    let at: Vec<usize> = order.iter().map(|words| text.find(words).expect(words)).collect();
    assert!(at.is_sorted(), "{text}");
}

#[test]
fn a_plan_that_saves_over_something_is_not_told_as_fine() {
    let comment = |plan: &Plan| with(plan, |content| markdown::render(content, None).unwrap());
    assert!(comment(&fleet(20).plan).contains("### ⚠️ "));
    assert!(comment(&edited_apart(2).plan).contains("### ✅ "));
}

/// Where a setting stands on the page, up to the next one.
fn field<'p>(page: &'p str, setting: &str) -> &'p str {
    let (_, rest) =
        page.split_once(&format!("id=\"f-{setting}\"")).unwrap_or_else(|| panic!("{setting}: {page}"));
    rest.split("id=\"f-").next().unwrap()
}

#[test]
fn an_integration_is_shown_as_the_configure_section_has_it() {
    let repository = Repository::new();
    repository.write("pairform.yaml", "version: 1\nowners: {payment_methods: [finance]}\n");
    repository.write("bases/shop.yaml", "settings:\n  order: {exclude_before: 2026-01-01}\n");
    let text = shop("nordic", false, "30")
        + "    default_terms_of_payment: \"14\"\n  article: {default_status: DRAFT}\n";
    repository.write("integrations/nordic.yaml", &text);
    repository.commit("Begin");
    let page = String::from_utf8(repository.run(&["show", "nordic", "-o", "html"]).stdout).unwrap();
    let catalogue = Catalogue::default();
    let pair = catalogue.pair("fortnox-shopify").unwrap();
    // Categories in the pair's order, and none twice.
    let sections: Vec<&str> = page
        .split("<section class=\"card\" id=\"")
        .skip(1)
        .map(|part| part.split('"').next().unwrap())
        .collect();
    let order: Vec<&str> = std::iter::once("flows")
        .chain(pair.settings.iter().map(|one| &*one.id))
        .chain(["connectors", "schedules", "webhooks"])
        .filter(|id| sections.contains(id))
        .collect();
    assert_eq!(sections, order);
    assert!(sections.len() > 9, "{sections:?}");
    // Every setting of theirs by its label, with its type and whose it is.
    let mut seen = 0;
    for category in pair.settings.iter().filter(|category| sections.contains(&&*category.id)) {
        for setting in category.settings.iter().filter(|setting| !setting.deprecated) {
            let told = field(&page, &format!("{}.{}", category.id, setting.path));
            let label = read(&told[..told.find("field-body").unwrap_or(told.len())]);
            assert!(label.contains(&setting.title), "{}.{}: {told}", category.id, setting.path);
            assert!(told.contains("class=\"help\""), "{}.{}: {told}", category.id, setting.path);
            let is_own = ["class=\"own\"", "class=\"dim small\"", "class=\"map stack\""]
                .iter()
                .any(|mark| told.contains(mark));
            assert!(is_own, "{}.{} is nobody's: {told}", category.id, setting.path);
            seen += 1;
        }
    }
    assert!(seen > 60, "{seen}");
    let day = read(field(&page, "order.exclude_before"));
    for words in
        ["Exclude orders created before this date", "Required", "Date", "2026-01-01", "bases/shop.yaml:2"]
    {
        assert!(day.contains(words), "{words}: {day}");
    }
    // A dropdown value by its label, and then its id.
    let status = read(field(&page, "article.default_status"));
    assert!(status.contains("Draft DRAFT") && status.contains("integrations/nordic.yaml"), "{status}");
    // What a setting is, with the platform's name as it is written.
    let culture = read(field(&page, "article.default_culture"));
    assert!(culture.contains("Dropdown of Shopify languages"), "{culture}");
    // The yellow banner at the field of what is required and not there, and nowhere else.
    let creates = field(&page, "order.creates");
    assert!(creates.contains("note note-warn banner"), "{creates}");
    assert!(read(creates).contains("This setting is required and must be saved."), "{creates}");
    assert!(!field(&page, "order.exclude_before").contains("banner"));
    let owners = read(page.split("<section class=\"card\" id=\"payment_methods\"").nth(1).unwrap());
    assert!(owners.contains("Review: finance"), "{owners}");
    // Additional settings stand folded under their sentence, and open where one of them is set.
    assert!(page.contains("These settings are not needed in most situations"));
    let folds = |open: &str| page.matches(&format!("<details class=\"more\"{open}>")).count();
    assert!(folds("") > 3, "{}", folds(""));
    let additional = pair.settings.iter().flat_map(|category| {
        category.settings.iter().filter(|one| one.additional).map(move |one| (category, one))
    });
    let is_toggle = |setting: &pairform::schema::Setting| {
        setting.schema.get("type").is_some_and(|kind| kind.to_string().contains("boolean"))
    };
    let (category, setting) = additional
        .clone()
        .find(|(category, one)| {
            sections.contains(&&*category.id) && is_toggle(one) && one.path.segments().len() == 1
        })
        .unwrap();
    let more = format!("  {}: {{{}: true}}\n", category.id, setting.path);
    let text = if text.contains(&format!("  {}:", category.id)) {
        text.replacen(
            &format!("  {}: {{", category.id),
            &format!("  {}: {{{}: true, ", category.id, setting.path),
            1,
        )
    } else {
        text + &more
    };
    repository.write("integrations/nordic.yaml", &text);
    let opened = String::from_utf8(repository.run(&["show", "nordic", "-o", "html"]).stdout).unwrap();
    let number = opened.matches("<details class=\"more\" open>").count();
    assert_eq!(number, folds(" open") + 1, "{}.{}", category.id, setting.path);
}
