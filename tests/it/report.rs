//! Findings and plans as people read them. The pictures are `tests/ui/findings.txt` and `tests/ui/plan.txt`;
//! `UPDATE=1 cargo test report` draws them anew, to be read before they are committed.

use std::fmt::Write as _;
use std::path::Path;

use crate::plans;
use pairform::diagnostic::{Finding, Label, Severity, codes};
use pairform::plan::{
    Action, Categories, CategoryPlan, Change, ChangeKind, FORMAT_VERSION, Integration, Mode, Origin, Plan,
    Readiness, Refusal, Released, Scope, SettingCounts, Summary,
};
use pairform::report;
use pairform::source::{FileId, SourceFile, Sources, Span};
use proptest::prelude::*;
use serde_json::{Value as Json, json};

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

/// Compares with a golden file, or writes it.
fn matches_golden(name: &str, drawn: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/ui").join(name);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, drawn).unwrap();
    }
    let golden = std::fs::read_to_string(&path).unwrap_or_default();
    let line = golden.lines().zip(drawn.lines()).position(|(golden, drawn)| golden != drawn);
    let line = line.unwrap_or_else(|| golden.lines().count().min(drawn.lines().count())) + 1;
    assert!(golden == drawn, "{name} differs from line {line} on; UPDATE=1 draws it anew\n\n{drawn}");
}

/// Texts to draw in, and the place of a word in one of them.
#[derive(Default)]
struct Desk {
    sources: Sources,
    hidden: Vec<Span>,
}

impl Desk {
    fn file(&mut self, path: &str, text: &str) -> FileId {
        self.sources.add(SourceFile::new(path, text))
    }

    fn at(&self, file: FileId, word: &str) -> Span {
        let start = self.sources.file(file).text().find(word).unwrap();
        Span::new(file, start, start + word.len())
    }

    fn draw(&self, finding: &Finding) -> String {
        plain(&report::findings::text(std::slice::from_ref(finding), &self.sources, &self.hidden))
    }
}

fn wrong(message: &str, at: Span, label: &str) -> Finding {
    Finding::new(&codes::schema::UNFIT_VALUE, message, Label::new(at, label))
}

const SHOP: &str = "integration: shop\npair: fortnox-shopify\nsettings:\n  general:\n    name: Åre Sport\n";

/// Each picture with what it shows.
fn pictures() -> Vec<(&'static str, String)> {
    let mut pictures = Vec::new();
    let mut picture = |what: &'static str, make: &dyn Fn(&mut Desk) -> Finding| {
        let mut desk = Desk::default();
        let finding = make(&mut desk);
        pictures.push((what, desk.draw(&finding)));
    };
    picture("a label, a note and help", &|desk| {
        let file = desk.file("integrations/shop.yaml", SHOP);
        wrong("`name` cannot be \"Åre Sport\"", desk.at(file, "Åre Sport"), "why it cannot")
            .note("what is behind it")
            .help("what to do")
    });
    picture("a warning, and a label without words", &|desk| {
        let file = desk.file("integrations/shop.yaml", SHOP);
        wrong("a warning", desk.at(file, "general"), "").with_severity(Severity::Warning)
    });
    picture("two labels in one file", &|desk| {
        let file = desk.file("integrations/shop.yaml", SHOP);
        wrong("two places", desk.at(file, "name"), "here").related(desk.at(file, "pair"), "and here")
    });
    picture("two labels in two files", &|desk| {
        let one = desk.file("integrations/shop.yaml", SHOP);
        let two = desk.file("bases/swedish-shop.yaml", "settings:\n  general: {name: Base}\n");
        wrong("two files", desk.at(one, "name"), "set here").related(desk.at(two, "name"), "first set here")
    });
    picture("two labels far apart in one file", &|desk| {
        let text = format!("first: 1\n{}last: 2\n", "# a comment\n".repeat(200));
        let file = desk.file("integrations/shop.yaml", &text);
        wrong("far apart", desk.at(file, "last"), "here").related(desk.at(file, "first"), "and here")
    });
    picture("a mistake in a base that hits many", &|desk| {
        let file = desk.file("bases/swedish-shop.yaml", SHOP);
        let mut finding = wrong("one mistake", desk.at(file, "name"), "");
        finding.about.integration = Some("aurora".to_owned());
        finding.also = ["borg", "cedar", "dahl", "elm", "fjord"].map(str::to_owned).to_vec();
        finding
    });
    picture("credentials, one at a known place and one by the name of its key", &|desk| {
        let text = "connections:\n  a: {field: known-to-be-one, acces_token: shpat_1}\n  b: {token: {secret: env/A}}\n";
        let file = desk.file("integrations/shop.yaml", text);
        desk.hidden.push(desk.at(file, "known-to-be-one"));
        wrong("a place beside credentials", desk.at(file, "acces_token"), "unknown")
            .related(desk.at(file, "env/A"), "a reference is no secret")
    });
    picture("a credential of several lines", &|desk| {
        let text = "private:\n  |\n  line one\n  line two\nafter: 1\n";
        let file = desk.file("integrations/shop.yaml", text);
        desk.hidden.push(desk.at(file, "line one\n  line two"));
        wrong("a long secret", desk.at(file, "|\n  line one\n  line two"), "")
    });
    picture(
        "an escape sequence, a bell and a turn of direction, in the file, its path and every word",
        &|desk| {
            let file =
                desk.file("integrations/\u{1b}[31m.yaml", "name: a\u{1b}[31mb\u{7}c\u{202e}d\u{9b}e\n");
            wrong("message \u{1b}[2J\u{202e}", desk.at(file, "name"), "label \u{1b}]0;x\u{7}")
                .note("note \u{9b}1m")
                .help("help \u{2066}")
        },
    );
    picture("tabs", &|desk| {
        let file = desk.file("integrations/shop.yaml", "a:\n\tname:\tx\n");
        wrong("after tabs", desk.at(file, "x"), "here")
    });
    picture("lines that end as on Windows", &|desk| {
        let file = desk.file("integrations/shop.yaml", "a: 1\r\nname: x\r\nc: 2\r\n");
        wrong("in the middle", desk.at(file, "x"), "here")
    });
    picture("letters of two cells", &|desk| {
        let file = desk.file("integrations/shop.yaml", "name: {店名: 山田 😀, x: 1}\n");
        wrong("after wide letters", desk.at(file, "x"), "here")
    });
    picture("an empty file", &|desk| {
        let file = desk.file("integrations/shop.yaml", "");
        wrong("nothing there", Span::new(file, 0, 0), "")
    });
    picture("the end of a file, with and without a last line break", &|desk| {
        let one = desk.file("integrations/one.yaml", "name: x");
        let two = desk.file("integrations/two.yaml", "name: x\n");
        wrong("at the end", Span::new(one, 7, 7), "here").related(Span::new(two, 8, 8), "here")
    });
    picture("a span past the end", &|desk| {
        let file = desk.file("integrations/shop.yaml", SHOP);
        wrong("beyond", Span::new(file, 5_000, 6_000), "")
    });
    picture("a place that covers many lines", &|desk| {
        let text = format!("list:\n{}", "  - one\n".repeat(40));
        let file = desk.file("integrations/shop.yaml", &text);
        wrong("all of it", Span::new(file, 8, text.len()), "too long")
    });
    picture("a very long line", &|desk| {
        let text = format!("name: {}wrong{}\n", "x".repeat(3_000), "y".repeat(3_000));
        let file = desk.file("integrations/shop.yaml", &text);
        wrong("in the middle", desk.at(file, "wrong"), "here")
    });
    pictures
}

#[test]
fn findings_are_drawn_as_ever() {
    let mut all = String::new();
    for (what, drawn) in pictures() {
        let _ = write!(all, "## {what}\n\n{drawn}");
    }
    matches_golden("findings.txt", &all);
}

/// Whether a terminal would do something else than show the character.
fn is_harmful(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{061c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

#[test]
fn no_picture_holds_what_a_terminal_would_act_upon() {
    for (what, drawn) in pictures() {
        let harmful: Vec<char> = drawn.chars().filter(|c| is_harmful(*c)).collect();
        assert!(harmful.is_empty(), "{what}: {harmful:?}");
        assert!(drawn.lines().all(|line| line.chars().count() <= 250), "{what}: a line is too long\n{drawn}");
    }
}

#[test]
fn the_count_of_findings_reads_as_a_sentence() {
    let mut desk = Desk::default();
    let file = desk.file("a.yaml", SHOP);
    let error = wrong("", desk.at(file, "pair"), "");
    let warning = error.clone().with_severity(Severity::Warning);
    let of =
        |findings: &[Finding], number| plain(&report::findings::summary(findings, number, "integration"));
    assert_eq!(of(&[], 1), "1 integration checked: nothing wrong\n");
    assert_eq!(of(&[error.clone(), warning, error], 3), "3 integrations checked: 2 errors, 1 warning\n");
}

/// Text of a few odd characters, so that each stands beside each.
fn odd_text() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "a",
        ": ",
        "\n",
        "\r\n",
        "\r",
        "\t",
        "å",
        "店",
        "😀",
        "e\u{301}",
        "\u{1b}[1m",
        "\u{9b}",
        "\u{202e}",
        "\u{feff}",
        "\u{85}",
        "\u{2028}",
        "\0",
        "{",
        ",",
        "token: ",
        "secret: x",
        "\u{7f}",
        "\u{200d}",
    ]);
    prop::collection::vec(odd, 0..40).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_place_in_any_text_can_be_drawn(
        texts in [odd_text(), odd_text()],
        spans in prop::collection::vec((0usize..2, 0usize..200, 0usize..200), 1..5),
        hidden in prop::collection::vec((0usize..2, 0usize..200, 0usize..200), 0..4),
        words in odd_text(),
    ) {
        let mut desk = Desk::default();
        let files = [desk.file(&texts[0].clone(), &texts[0]), desk.file("two.yaml", &texts[1])];
        let span = |(file, start, end): &(usize, usize, usize)| Span::new(files[*file], *start, *end);
        desk.hidden = hidden.iter().map(span).collect();
        let mut finding = wrong(&words, span(&spans[0]), &words).note(words.clone()).help(words.clone());
        for other in &spans[1..] {
            finding = finding.related(span(other), words.clone());
        }
        let drawn = desk.draw(&finding);
        prop_assert!(!drawn.is_empty());
        let harmful: Vec<char> = drawn.chars().filter(|c| is_harmful(*c)).collect();
        prop_assert!(harmful.is_empty(), "{:?} in {:?}", harmful, drawn);
        prop_assert!(report::json::finding(&finding, &desk.sources).is_object());
    }

    #[test]
    fn a_hidden_place_is_never_shown(before in odd_text(), after in odd_text(), from in 0usize..60, to in 0usize..60) {
        const CREDENTIAL: &str = "q7-Vq7-Vq7";
        let mut desk = Desk::default();
        let file = desk.file("a.yaml", &format!("{before}{CREDENTIAL}{after}"));
        desk.hidden.push(Span::new(file, before.len(), before.len() + CREDENTIAL.len()));
        let drawn = desk.draw(&wrong("wrong", Span::new(file, from, to), "here"));
        prop_assert!(!drawn.contains("q7"), "{drawn}");
    }
}

fn change(setting: &str, kind: ChangeKind, before: Json, after: Json) -> Change {
    Change {
        formerly: Vec::new(),
        setting: setting.to_owned(),
        kind,
        before,
        after,
        before_label: None,
        after_label: None,
        origin: Origin::Git,
        last_applied: None,
        last_applied_label: None,
        effect: "next-sync".to_owned(),
        path: None,
        line: None,
        touched: None,
        since: None,
        by: None,
        unmanaged: false,
    }
}

fn category(id: &str, action: Action, revision: Option<u64>, changes: Vec<Change>) -> CategoryPlan {
    CategoryPlan {
        category: id.into(),
        title: id.into(),
        action,
        revision,
        deleted: None,
        deployed: None,
        changes,
        blocked: Vec::new(),
        owners: Vec::new(),
        next_sync: None,
        save: None,
        agreed: None,
        held: None,
    }
}

fn integration(name: &str, mode: Mode, readiness: Readiness, categories: Vec<CategoryPlan>) -> Integration {
    Integration {
        integration: name.to_owned(),
        renamed_from: None,
        pair: "fortnox-shopify".into(),
        recorded_pair: None,
        unmanaged: Vec::new(),
        title: "Shopify ↔ Fortnox".into(),
        mode,
        deployed_mode: None,
        live_depends_on: Default::default(),
        readiness,
        link: None,
        effects: None,
        categories,
    }
}

fn plan(integrations: Vec<Integration>, categories: Categories, settings: SettingCounts) -> Plan {
    Plan {
        format_version: FORMAT_VERSION.to_owned(),
        command: "plan".to_owned(),
        plan_version: 2,
        digest: String::new(),
        signature: None,
        made_with: None,
        commit: None,
        environment: None,
        store: None,
        planned_store: None,
        scope: Scope::default(),
        summary: Summary { integrations: integrations.len(), categories, settings, ..Summary::default() },
        integrations: integrations.into_iter().collect(),
        released: Vec::new(),
        refusals: Vec::new(),
        notes: Vec::new(),
        revert: None,
        way_back: None,
        unknown_secrets: Vec::new(),
        assumed_secrets: false,
        findings: Vec::new(),
        comparison: None,
        policy_changes: None,
    }
}

fn payment_methods() -> CategoryPlan {
    let labelled = |change: Change, before: Option<&str>, after: Option<&str>| Change {
        before_label: before.map(str::to_owned),
        after_label: after.map(str::to_owned),
        ..change
    };
    let changes = vec![
        labelled(
            change("map.Klarna", ChangeKind::Change, json!("30"), json!("14")),
            Some("30 dagar netto"),
            Some("14 dagar netto"),
        ),
        labelled(
            change("map.Swish", ChangeKind::Add, Json::Null, json!("0")),
            None,
            Some("Kontant\n  ! forged"),
        ),
        change("map.Faktura", ChangeKind::Reset, json!("30"), Json::Null),
        change("do_not_sync", ChangeKind::Change, json!(["a"]), json!(["a", "b"])),
        Change {
            origin: Origin::Outside,
            last_applied: Some(json!("30")),
            ..change("default_terms_of_payment", ChangeKind::Change, json!("14"), json!("30"))
        },
        Change {
            origin: Origin::Both,
            last_applied: Some(json!("10")),
            ..change("map.Kort", ChangeKind::Change, json!("20"), json!("30"))
        },
    ];
    CategoryPlan {
        next_sync: Some("orders sync (every 15m)".to_owned()),
        ..category("payment_methods", Action::Update, Some(7), changes)
    }
}

/// Everything that a plan can say, once.
fn full_plan() -> Plan {
    let general = category(
        "general",
        Action::Create,
        None,
        vec![
            change("name", ChangeKind::Add, Json::Null, json!("Nordic\u{1b}[31m Outdoor\u{202e}")),
            change("live_mode", ChangeKind::Add, Json::Null, json!(true)),
        ],
    );
    let text = category(
        "invoice",
        Action::Update,
        Some(2),
        vec![
            change("remark", ChangeKind::Change, json!("one\ntwo\n"), json!("one\nthree\n")),
            change("book", ChangeKind::Reset, json!(true), json!(false)),
        ],
    );
    let connectors = category(
        "connectors",
        Action::Update,
        Some(1),
        vec![change(
            "shopify.connections.production.access_token",
            ChangeKind::Change,
            json!({"secret": "env/TOKEN", "fingerprint": "hmac-sha256:aa"}),
            json!({"secret": "env/TOKEN", "fingerprint": "hmac-sha256:bb"}),
        )],
    );
    let blocked = CategoryPlan {
        blocked: vec!["required setting `trigger` is not set".to_owned(), "another".to_owned()],
        ..category("order", Action::Blocked, Some(3), Vec::new())
    };
    let reset = category(
        "stock",
        Action::Reset,
        Some(4),
        vec![change("safety_stock", ChangeKind::Reset, json!(5), json!(0))],
    );
    let silent = category("article", Action::None, Some(1), Vec::new());
    let ready = Readiness { required: 14, set: 14 };
    let mut first = integration(
        "nordic-outdoor",
        Mode::Live,
        ready,
        vec![general, payment_methods(), text, connectors, blocked, reset, silent.clone()],
    );
    first.link = Some("https://app.example.com/integrations/nordic-outdoor/general".to_owned());
    let second = integration(
        "fjord-kitchen",
        Mode::Onboarding,
        Readiness { required: 14, set: 9 },
        vec![category(
            "stock",
            Action::Create,
            None,
            vec![change("location_map.A", ChangeKind::Add, Json::Null, json!("61"))],
        )],
    );
    let unchanged = integration("quiet", Mode::Live, ready, vec![silent]);
    let categories = Categories { create: 2, update: 3, reset: 1, blocked: 1, none: 2, not_managed: 0 };
    let settings = SettingCounts { add: 4, change: 6, reset: 3, outside: 1, conflicts: 1 };
    let mut plan = plan(vec![first, second, unchanged], categories, settings);
    plan.released = vec![Released {
        integration: "old-shop".to_owned(),
        category: "stock".to_owned(),
        revision: Some(3),
        live: true,
        whole: true,
    }];
    plan.refusals =
        vec![Refusal::new("max_changed", "13 of 40 settings would change, which is more than 30%\u{9b}")];
    plan.scope = Scope { left_out_integrations: 2, left_out_categories: 1, ..Scope::default() };
    plan
}

#[test]
fn plans_are_drawn_as_ever() {
    let nothing = plan(Vec::new(), Categories::default(), SettingCounts::default());
    let one = integration("quiet", Mode::Live, Readiness { required: 1, set: 1 }, vec![payment_methods()]);
    let one = plan(
        vec![one],
        Categories { update: 1, none: 12, ..Categories::default() },
        SettingCounts { add: 1, change: 4, reset: 1, outside: 1, conflicts: 1 },
    );
    let mut all = String::new();
    for (what, plan) in
        [("everything that a plan can say", full_plan()), ("one category", one), ("nothing", nothing)]
    {
        let _ = write!(all, "## {what}\n\n{}\n", plain(&plans::drawn(&plan)));
    }
    matches_golden("plan.txt", &all);
}

#[test]
fn a_plan_holds_nothing_that_a_terminal_would_act_upon() {
    let drawn = plain(&plans::drawn(&full_plan()));
    assert!(!drawn.chars().any(is_harmful), "{drawn:?}");
}

#[test]
fn a_value_with_days_is_read_with_each_of_its_labels() {
    let rows = json!([{"account": 3106, "until": "2026-12-31"}, {"account": 3105, "from": "2027-01-01"}]);
    let change = Change {
        before_label: Some("EU".to_owned()),
        after_label: Some("EU (3106) until 2026-12-31, Export (3105) from 2027-01-01".to_owned()),
        ..change("eu_with_vat", ChangeKind::Change, json!(3106), rows)
    };
    let shown = report::words::shown(&change.before, change.before_label.as_deref());
    assert_eq!(shown, "EU (3106)");
    let after = report::words::shown_after(report::texts::Language::english(), &change);
    assert_eq!(after, "EU (3106) until 2026-12-31, Export (3105) from 2027-01-01");
    assert_eq!(report::words::shown(&change.after, None), "3106 until 2026-12-31, 3105 from 2027-01-01");
}
