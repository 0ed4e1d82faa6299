//! One mistake, one finding, at the line where the mend goes; and the mend, made as the help says, leaves nothing wrong. Beside
//! the table of `mistakes`, which edits a project of its own, these are mistakes in `examples/one-shop`.
//!
//! And any file by any schema: what alternatives, marks of secrets and exact numbers are told as.

use std::path::Path;

use pairform::compile::{Compilation, Selection, compile};
use pairform::ops::any_schema;
use pairform::report;
use pairform::source::{SourceFile, Sources, load};

const SHOP: &str = "integrations/nordic-outdoor.yaml";

/// What is replaced in a file of the project; without an old text the file is new.
type Change<'a> = (&'a str, Option<&'a str>, &'a str);

struct Case<'a> {
    name: &'a str,
    wrong: &'a [Change<'a>],
    code: &'a str,
    /// Part of the line that the finding points at, and of its help.
    line: &'a str,
    help: &'a str,
    /// What the help asks for, made after the mistake.
    mend: &'a [Change<'a>],
}

fn changed(project: &[(String, String)], changes: &[Change<'_>]) -> Vec<(String, String)> {
    let mut files = project.to_vec();
    for (path, old, new) in changes {
        match old {
            None if new.is_empty() => files.retain(|(other, _)| other != path),
            None => {
                files.retain(|(other, _)| other != path);
                files.push(((*path).to_owned(), (*new).to_owned()));
            }
            Some(old) => {
                let (_, text) = files.iter_mut().find(|(other, _)| other == path).expect(path);
                assert_eq!(text.matches(old).count(), 1, "{path}: {old}");
                *text = text.replacen(old, new, 1);
            }
        }
    }
    files.sort();
    files
}

fn compiled(files: &[(String, String)]) -> (Sources, Compilation) {
    let mut sources = Sources::default();
    for (path, text) in files {
        sources.add(SourceFile::new(path, text));
    }
    let compilation = compile(&sources, &Selection::default());
    (sources, compilation)
}

fn shown(sources: &Sources, compilation: &Compilation) -> String {
    let drawn = report::findings::text(&compilation.findings, sources, &compilation.hidden);
    anstream::adapter::strip_str(&drawn).to_string()
}

#[test]
fn each_mistake_is_one_finding_whose_mend_leads_on() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/one-shop");
    let loaded = load::load(&root);
    let project: Vec<(String, String)> =
        loaded.iter().map(|(_, file)| (file.path.clone(), file.text().to_owned())).collect();
    let (sources, compilation) = compiled(&project);
    assert!(compilation.findings.is_empty(), "{}", shown(&sources, &compilation));
    let mut wrong = String::new();
    for case in cases() {
        let files = changed(&project, case.wrong);
        let (sources, compilation) = compiled(&files);
        let said = shown(&sources, &compilation);
        let mut complain = |what: String| wrong.push_str(&format!("{}: {what}\n{said}\n", case.name));
        match compilation.findings.as_slice() {
            [finding] => {
                let span = finding.primary.span;
                let line =
                    sources.file(span.file).text().lines().nth(sources.line(span) - 1).unwrap_or_default();
                if finding.code.id != case.code {
                    complain(format!("{}, not {}", finding.code.id, case.code));
                }
                if !line.contains(case.line) {
                    complain(format!("it points at `{line}`"));
                }
                if !finding.help.as_deref().unwrap_or_default().contains(case.help) {
                    complain(format!("its help lacks `{}`", case.help));
                }
            }
            findings => complain(format!("{} findings", findings.len())),
        }
        let (sources, compilation) = compiled(&changed(&files, case.mend));
        if !compilation.findings.is_empty() {
            wrong.push_str(&format!("{}, mended: {}\n", case.name, shown(&sources, &compilation)));
        }
    }
    assert!(wrong.is_empty(), "{wrong}");
}

#[expect(clippy::too_many_lines, reason = "a table")]
fn cases() -> Vec<Case<'static>> {
    let case = |name, wrong, code, line, help, mend| Case { name, wrong, code, line, help, mend };
    vec![
        case(
            "a conflict in an integration",
            &[(
                SHOP,
                Some("    safety_stock: 2\n"),
                "<<<<<<< HEAD\n    safety_stock: 2\n=======\n    safety_stock: 3\n>>>>>>> b\n",
            )],
            "E0120",
            "<<<<<<< HEAD",
            "take the three marked lines away",
            &[(
                SHOP,
                Some("<<<<<<< HEAD\n    safety_stock: 2\n=======\n    safety_stock: 3\n>>>>>>> b\n"),
                "    safety_stock: 3\n",
            )],
        ),
        case(
            "a conflict in the project file",
            &[(
                "pairform.yaml",
                Some("version: 1\n"),
                "<<<<<<< HEAD\nversion: 1\n=======\nversion: 2\n>>>>>>> b\n",
            )],
            "E0120",
            "<<<<<<< HEAD",
            "keep what is right",
            &[(
                "pairform.yaml",
                Some("<<<<<<< HEAD\nversion: 1\n=======\nversion: 2\n>>>>>>> b\n"),
                "version: 1\n",
            )],
        ),
        case(
            "a base with a conflict, and who extends it",
            &[
                (
                    "bases/more.yaml",
                    None,
                    "<<<<<<< HEAD\n=======\n>>>>>>> b\nschedules:\n  late: {flow: orders, every: 1h}\n",
                ),
                (SHOP, Some("pair: fortnox-shopify\n"), "pair: fortnox-shopify\nextends: [more]\n"),
                (SHOP, Some("schedules:\n"), "schedules:\n  late: {enabled: false}\n"),
            ],
            "E0120",
            "<<<<<<< HEAD",
            "take the three marked lines away",
            &[("bases/more.yaml", None, "schedules:\n  late: {flow: orders, every: 1h}\n")],
        ),
        case(
            "the line of the settings is missing",
            &[(SHOP, Some("settings:\n"), "")],
            "E0301",
            "  general:",
            "write a line `settings:` above it",
            &[(SHOP, Some("  general:\n"), "settings:\n  general:\n")],
        ),
        case(
            "the line of the schedules is missing",
            &[(SHOP, Some("schedules:\n"), "")],
            "E0301",
            "  orders: {flow: orders",
            "write a line `schedules:` above it",
            &[(SHOP, Some("  orders: {flow: orders"), "schedules:\n  orders: {flow: orders")],
        ),
        case(
            "the line of the webhooks is missing",
            &[(SHOP, Some("webhooks:\n"), "")],
            "E0301",
            "  orders-created:",
            "write a line `webhooks:` above it",
            &[(SHOP, Some("  orders-created:"), "webhooks:\n  orders-created:")],
        ),
        case(
            "a category inside another",
            &[(
                SHOP,
                Some(
                    "  customer:\n    match_by: email\n    mode: one_per_customer\n    company_when: vat_number\n",
                ),
                "    customer:\n      match_by: email\n      mode: one_per_customer\n      company_when: vat_number\n",
            )],
            "E0301",
            "    customer:",
            "indent it as `order`",
            &[(
                SHOP,
                Some(
                    "    customer:\n      match_by: email\n      mode: one_per_customer\n      company_when: vat_number\n",
                ),
                "  customer:\n    match_by: email\n    mode: one_per_customer\n    company_when: vat_number\n",
            )],
        ),
        case(
            "the line of a category is indented too far",
            &[(SHOP, Some("  article:\n"), "    article:\n")],
            "E0301",
            "    article:",
            "indent it as `general`",
            &[(SHOP, Some("    article:\n"), "  article:\n")],
        ),
        case(
            "a category that is written twice",
            &[(
                SHOP,
                Some(
                    "  customer:\n    match_by: email\n    mode: one_per_customer\n    company_when: vat_number\n",
                ),
                "  customer:\n    customer:\n      match_by: email\n      mode: one_per_customer\n",
            )],
            "E0301",
            "    customer:",
            "`customer` is written twice",
            &[(
                SHOP,
                Some("  customer:\n    customer:\n      match_by: email\n      mode: one_per_customer\n"),
                "  customer:\n    match_by: email\n    mode: one_per_customer\n",
            )],
        ),
        case(
            "a setting in the column of its category, in the middle",
            &[(SHOP, Some("    creates: order\n"), "  creates: order\n")],
            "E0101",
            "  creates: order",
            "indent it by 4 spaces",
            &[(SHOP, Some("  creates: order\n"), "    creates: order\n")],
        ),
        case(
            "a setting in the column of its category, at the top",
            &[(SHOP, Some("    exclude_before: 2026-01-01\n"), "  exclude_before: 2026-01-01\n")],
            "E0101",
            "  exclude_before",
            "indent it by 4 spaces",
            &[(SHOP, Some("  exclude_before: 2026-01-01\n"), "    exclude_before: 2026-01-01\n")],
        ),
        case(
            "a setting in the column of its category, at the end",
            &[(SHOP, Some("    customer_note: comments\n"), "  customer_note: comments\n")],
            "E0301",
            "  customer_note",
            "move it under `settings.order`",
            &[(SHOP, Some("  customer_note: comments\n"), "    customer_note: comments\n")],
        ),
        case(
            "a line for cron",
            &[(
                SHOP,
                Some("orders: {flow: orders, every: 15m}"),
                "orders: {flow: orders, cron: \"*/15 * * * *\"}",
            )],
            "E0301",
            "cron:",
            "write `every: 15m`",
            &[(SHOP, Some("cron: \"*/15 * * * *\""), "every: 15m")],
        ),
        case(
            "a line for cron at a time of day",
            &[(SHOP, Some("articles, every: 12h}"), "articles, schedule: \"30 4 * * *\"}")],
            "E0301",
            "schedule:",
            "write `every: 1d`",
            &[(SHOP, Some("schedule: \"30 4 * * *\""), "every: 1d")],
        ),
        case(
            "a folder that is nearly ours",
            &[("integration/other.yaml", None, "integration: other\n")],
            "W0208",
            "integration: other",
            "move it to `integrations/other.yaml`",
            &[("integration/other.yaml", None, "")],
        ),
        case(
            "an ending that is nearly ours",
            &[("integrations/other.yaml.bak", None, "integration: other\n")],
            "W0208",
            "integration: other",
            "rename it to `integrations/other.yaml`",
            &[("integrations/other.yaml.bak", None, "")],
        ),
        case(
            "a project file that is not read",
            &[("pairform.yml", None, "version: 1\n")],
            "W0208",
            "version: 1",
            "move what it says into `pairform.yaml`",
            &[("pairform.yml", None, "")],
        ),
        case(
            "an environment that nobody declares",
            &[
                (
                    "pairform.yaml",
                    Some("version: 1\n"),
                    "version: 1\nenvironments: {production: {store: \"sqlite:p.db\"}}\n",
                ),
                ("environments/produktion.yaml", None, "all: {}\n"),
            ],
            "W0208",
            "all: {}",
            "rename it to `environments/production.yaml`",
            &[
                ("environments/produktion.yaml", None, ""),
                ("environments/production.yaml", None, "all: {}\n"),
            ],
        ),
        case(
            "a list in the wrong place",
            &[("options/fortnox.lock.yaml", None, "connector: fortnox\n")],
            "W0208",
            "connector: fortnox",
            "move it there",
            &[("options/fortnox.lock.yaml", None, "")],
        ),
        case(
            "owners of nothing",
            &[("pairform.yaml", Some("stock: [warehouse]"), "stok: [warehouse]")],
            "W0221",
            "stok:",
            "write `stock`",
            &[("pairform.yaml", Some("stok: [warehouse]"), "stock: [warehouse]")],
        ),
        case(
            "a category's file under a slip of its name",
            &[
                (
                    "integrations/nordic-outdoor.yaml",
                    Some(
                        "  payment_methods:\n    default_terms_of_payment: \"30\"\n    methods: {Klarna: {terms: \"30\"}, Swish: {terms: \"0\"}, Faktura företag: {terms: \"14\"}}\n",
                    ),
                    "",
                ),
                (
                    "integrations/nordic-outdoor.yaml",
                    Some("integration: nordic-outdoor\n"),
                    "integration: nordic-outdoor\nextends: [terms]\n",
                ),
                (
                    "bases/terms.yaml",
                    None,
                    "settings:\n  payment_method:\n    default_terms_of_payment: \"30\"\n    methods: {Klarna: {terms: \"30\"}}\n",
                ),
            ],
            "E0301",
            "  payment_method:",
            "write `payment_methods`",
            &[("bases/terms.yaml", Some("payment_method:"), "payment_methods:")],
        ),
        case(
            "the path of a base",
            &[
                ("bases/common.yaml", None, "settings:\n  stock:\n    negative_to_zero: true\n"),
                (
                    SHOP,
                    Some("pair: fortnox-shopify\n"),
                    "pair: fortnox-shopify\nextends: [bases/common.yaml]\n",
                ),
            ],
            "E0202",
            "extends:",
            "write `common`",
            &[(SHOP, Some("[bases/common.yaml]"), "[common]")],
        ),
        case(
            "the path of a base without brackets",
            &[
                ("bases/common.yaml", None, "settings:\n  stock:\n    negative_to_zero: true\n"),
                (
                    SHOP,
                    Some("pair: fortnox-shopify\n"),
                    "pair: fortnox-shopify\nextends: ./bases/common.yml\n",
                ),
            ],
            "E0303",
            "extends:",
            "write `extends: [common]`",
            &[(SHOP, Some("extends: ./bases/common.yml"), "extends: [common]")],
        ),
        case(
            "a reference where a text is",
            &[(SHOP, Some("name: Nordic Outdoor"), "name: {secret: env/NAME}")],
            "E0303",
            "name:",
            "references to secrets are for credentials",
            &[(SHOP, Some("{secret: env/NAME}"), "Nordic Outdoor")],
        ),
        case(
            "four settings of one category are missing",
            &[(
                SHOP,
                Some(
                    "    trigger: fulfilled\n    default_terms_of_payment: \"30\"\n    book: true\n    refund_article: refund_discrepancy\n    refund_fee_article: refund_fee\n",
                ),
                "    book: true\n",
            )],
            "E0312",
            "  invoice:",
            "add `refund_article:`",
            &[(
                SHOP,
                Some("    book: true\n"),
                "    trigger: fulfilled\n    default_terms_of_payment: \"30\"\n    refund_article: refund_discrepancy\n    refund_fee_article: refund_fee\n",
            )],
        ),
        case(
            "a free value that is nearly a known one",
            &[(
                SHOP,
                Some("  payment_methods:\n"),
                "  additional_filters: {exclude_payment_methods: [gift_cart]}\n  payment_methods:\n",
            )],
            "W0510",
            "gift_cart",
            "write \"gift_card\"",
            &[(SHOP, Some("[gift_cart]"), "[gift_card]")],
        ),
        case(
            "a row beside the one that it is nearly called as",
            &[(
                SHOP,
                Some("{Klarna: {terms: \"30\"},"),
                "{Klarna: {terms: \"30\"}, Klarma: {terms: \"30\"},",
            )],
            "W0506",
            "Klarma",
            "did you mean \"Klarna\"",
            &[(SHOP, Some(" Klarma: {terms: \"30\"},"), "")],
        ),
        case(
            "an equals sign in a row",
            &[(SHOP, Some("{Klarna: {terms: \"30\"},"), "{Klarna=30,")],
            "W0506",
            "Klarna=30",
            "did you mean \"Klarna\"",
            &[(SHOP, Some("Klarna=30"), "Klarna: {terms: \"30\"}")],
        ),
        case(
            "a zone that is none",
            &[(SHOP, Some("Europe/Stockholm"), "Europe/Gothenburg")],
            "E0304",
            "time_zone:",
            "`Europe/",
            &[(SHOP, Some("Europe/Gothenburg"), "Europe/Copenhagen")],
        ),
        case(
            "a zone with a slip",
            &[(SHOP, Some("Europe/Stockholm"), "Europe/Stokholm")],
            "E0304",
            "time_zone:",
            "write `Europe/Stockholm`",
            &[(SHOP, Some("Europe/Stokholm"), "Europe/Stockholm")],
        ),
        case(
            "a password in the address of a store",
            &[(
                "pairform.yaml",
                Some("version: 1\n"),
                "version: 1\nenvironments: {production: {store: \"postgres://u:geheim@h/db\"}}\n",
            )],
            "E0320",
            "store:",
            "take it out of the URL",
            &[(
                "pairform.yaml",
                Some("\"postgres://u:geheim@h/db\""),
                "\"postgres://u@h/db\", password: {secret: env/STORE_PASSWORD}",
            )],
        ),
    ]
}

#[test]
fn an_error_beside_a_row_hides_nothing_of_it() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/one-shop");
    let project: Vec<(String, String)> =
        load::load(&root).iter().map(|(_, file)| (file.path.clone(), file.text().to_owned())).collect();
    let rows = "{\"24\": 3131}}\n      UK: {default_account: 3121}";
    let files = changed(&project, &[(SHOP, Some("{\"25.5\": 3131, \"13.5\": 3132}}"), rows)]);
    let (sources, compilation) = compiled(&files);
    let codes: Vec<&str> = compilation.findings.iter().map(|finding| finding.code.id).collect();
    assert_eq!(codes, ["W0420", "E0302"], "{}", shown(&sources, &compilation));
}

#[test]
fn each_missing_setting_counts_in_every_form() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/one-shop");
    let project: Vec<(String, String)> =
        load::load(&root).iter().map(|(_, file)| (file.path.clone(), file.text().to_owned())).collect();
    let files = changed(&project, &[(SHOP, Some("    missing_article: stop\n    shipping_as: row\n"), "")]);
    let (sources, compilation) = compiled(&files);
    let [finding] = compilation.findings.as_slice() else { panic!("{}", shown(&sources, &compilation)) };
    assert_eq!(finding.settings, ["missing_article", "shipping_as"]);
    assert!(shown(&sources, &compilation).contains("add `shipping_as:` with one of `row`"));
    let summary = report::findings::summary(&compilation.findings, 1, "integration");
    assert!(summary.contains("2 errors"), "{summary}");
    assert_eq!(compilation.errors["nordic-outdoor"], 2);
}

/// What a person reads of a file that is judged by a schema.
fn judged(schema: &str, text: &str, others: &[(&str, &str)]) -> String {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in [("schema.json", schema), ("file.yaml", text)].iter().chain(others) {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let judged = any_schema::judge(folder.path(), Path::new("schema.json"), &["file.yaml".into()]).unwrap();
    let drawn = report::findings::text(&judged.findings, &judged.sources, &judged.hidden);
    anstream::adapter::strip_str(&drawn).to_string()
}

const TWO: &str = r##"{"oneOf": [{"$ref": "#/$defs/key"}, {"allOf": [{"$ref": "#/$defs/none"}]}], "$defs": {
    "key": {"properties": {"kind": {"const": "key"}, "value": {"type": "string"}}, "required": ["kind", "value"]},
    "none": {"properties": {"kind": {"enum": ["none"]}, "user": {"type": "string"}}, "required": ["kind", "user"]}}}"##;

#[test]
fn the_alternative_that_was_meant_is_found_wherever_it_stands() {
    let nested = |inner: &str| format!(r#"{{"properties": {{"how": {inner}}}}}"#);
    let by_id = format!(
        r#"{{"properties": {{"how": {{"$ref": "urn:x:a"}}}}, "$defs": {{"a": {}}}}}"#,
        TWO.replacen('{', r#"{"$id": "urn:x:a", "#, 1)
    );
    let schemas = [
        nested(r#"{"$ref": "other.json"}"#),
        nested(r#"{"allOf": [{"$ref": "other.json"}]}"#),
        nested(r#"{"anyOf": [{"type": "null"}, {"$ref": "other.json"}]}"#),
        by_id,
    ];
    for schema in &schemas {
        for (text, expected) in [
            ("how: {kind: key}\n", "`value` is missing in `how`"),
            ("how: {kind: none}\n", "`user` is missing in `how`"),
            ("how: {kind: key, value: 5}\n", "`value` must be a text"),
            ("how: {kind: kee}\n", "did you mean `key`?"),
            ("how: {}\n", "add `kind:` with one of `key`, `none`"),
        ] {
            let said = judged(schema, text, &[("other.json", TWO)]);
            assert_eq!(said.matches("error[").count(), 1, "{schema}\n{text}{said}");
            assert!(said.contains(expected), "{schema}\n{text}{said}");
        }
    }
    let required = r#"{"properties": {"how": {"$ref": "other.json"}}}"#;
    let other = r#"{"oneOf": [{"required": ["a"]}, {"allOf": [{"required": ["b", "c"]}]}]}"#;
    assert!(judged(required, "how: {b: 1}\n", &[("other.json", other)]).contains("add `a`, or `c`"));
}

#[test]
fn a_reference_leads_to_what_is_published_beside_the_schema_and_may_hold_any_character() {
    let base =
        r#"{"$id": "https://example.com/s/base.json", "definitions": {"List<Text>": {"maxLength": 2}}}"#;
    let published = |reference: &str| {
        format!(
            r#"{{"$id": "https://example.com/s/shop.json", "properties": {{"a": {{"$ref": "{reference}"}}}}}}"#
        )
    };
    for reference in
        ["base.json#/definitions/List<Text>", "https://example.com/s/base.json#/definitions/List%3CText%3E"]
    {
        let said = judged(&published(reference), "a: long\n", &[("base.json", base)]);
        assert_eq!(said.matches("error[").count(), 1, "{said}");
        assert!(said.contains("2 characters"), "{said}");
        assert_eq!(judged(&published(reference), "a: ok\n", &[("base.json", base)]), "");
    }
    for reference in
        ["none.json", "https://example.com/base.json", "https://example.com/s/../base.json", "..%2Fbase.json"]
    {
        let said = judged(&published(reference), "a: ok\n", &[("base.json", base)]);
        assert!(said.contains("is not fetched"), "{reference}\n{said}");
        assert!(said.contains(&format!("\"$ref\": \"{reference}\"")), "{reference}\n{said}");
    }
}

#[test]
fn what_any_schema_calls_secret_is_shown_nowhere_and_keys_are() {
    for mark in [
        r#""x-secret": true"#,
        r#""writeOnly": true"#,
        r#""format": "password""#,
        r#""airbyte_secret": true"#,
        r#""sensitive": true"#,
        r#""x-sensitive": true"#,
    ] {
        let secret = format!(r#"{{{mark}, "type": "string", "enum": ["x"]}}"#);
        for (schema, text) in [
            (format!(r#"{{"properties": {{"a": {secret}}}}}"#), "a: first-canary\n"),
            (
                format!(r#"{{"properties": {{"a": {{"items": {secret}}}}}}}"#),
                "a: [first-canary, second-canary]\n",
            ),
            (format!(r#"{{"additionalProperties": {secret}}}"#), "b: first-canary\n"),
            (format!(r#"{{"patternProperties": {{"^b": {secret}}}}}"#), "b: first-canary\n"),
            (
                format!(r#"{{"properties": {{"a": {secret}, "n": {{"type": "integer"}}}}}}"#),
                "{a: x, n: text, a2: y}\n",
            ),
            (
                format!(r#"{{"properties": {{"a": {secret}}}}}"#),
                "a: 1st-canary-of-12 # was 1st-canary-of-12\n",
            ),
            (
                format!(r#"{{"properties": {{"a": {secret}, "u": {{"type": "integer"}}}}}}"#),
                "{a: 1st-canary-of-12, u: http://h/?t=1st-canary-of-12} # 1st-canary-of-12\n",
            ),
            (
                format!(r#"{{"properties": {{"a": {secret}, "b": {{"const": "x"}}}}}}"#),
                "a: 1st-canary-of-12\nb: 1st-canary-of-12\n",
            ),
            (
                format!(r#"{{"properties": {{"value": {secret}}}, "additionalProperties": false}}"#),
                "valeu: first-canary\n",
            ),
            (format!(r#"{{"properties": {{"value": {secret}}}}}"#), "value: \"first-canary\nnext: 1\n"),
            (
                format!(
                    r#"{{"properties": {{"a": {{"properties": {{"value": {secret}}}, "type": "object"}}}}}}"#
                ),
                "a: first-canary\n",
            ),
            (
                format!(
                    r#"{{"properties": {{"a": {{"oneOf": [{{"properties": {{"k": {secret}}}, "required": ["z"]}}]}}}}}}"#
                ),
                "a: {k: first-canary}\n",
            ),
        ] {
            let said = judged(&schema, text, &[]);
            assert!(said.contains("error["), "{schema}\n{text}{said}");
            assert!(!said.contains("canary"), "{schema}\n{text}{said}");
        }
    }
    let said = judged(
        r#"{"properties": {"credentials": {"type": "object"}}, "required": ["password"]}"#,
        "credentials: {user: me, level: order}\n",
        &[],
    );
    assert!(said.contains("`password` is missing in the document"), "{said}");
    assert!(said.contains("credentials: {user: "), "{said}");
}

#[test]
fn numbers_are_compared_as_they_are_written() {
    for (schema, fits, fails) in [
        (r#"{"maximum": 5}"#, "5.0", "1e999"),
        (r#"{"minimum": -5}"#, "-5", "-1e999"),
        (r#"{"maximum": 0.1}"#, "0.10", "0.10000000000000000001"),
        (
            r#"{"exclusiveMaximum": 12345678901234567890124}"#,
            "12345678901234567890123",
            "12345678901234567890124",
        ),
        (
            r#"{"const": 12345678901234567890123890}"#,
            "12345678901234567890123890.0",
            "12345678901234567890123891",
        ),
        (r#"{"enum": [1, 12345678901234567890123890]}"#, "1.0", "12345678901234567890123891"),
        (r#"{"const": 1}"#, "1.0", "1.00000000000000000001"),
        (r#"{"enum": [{"a": 1}]}"#, "{a: 1.0}", "{a: 1.00000000000000000001}"),
        (r#"{"multipleOf": 0.1}"#, "0.3", "0.30000000000000000001"),
        (r#"{"multipleOf": 7}"#, "7e400", "1e400"),
        (r#"{"uniqueItems": true}"#, "[12345678901234567890123890, 12345678901234567890123891]", "[1, 1.0]"),
        (r#"{"type": "integer"}"#, "1e400", "1.00000000000000000001"),
    ] {
        let said = judged(schema, &format!("{fits}\n"), &[]);
        assert!(said.is_empty(), "{schema} {fits}\n{said}");
        let said = judged(schema, &format!("{fails}\n"), &[]);
        assert_eq!(said.matches("error[").count(), 1, "{schema} {fails}\n{said}");
    }
}

#[test]
fn words_about_any_file_come_from_its_schema() {
    let said = judged(r#"{"properties": {"o": {"additionalProperties": false}}}"#, "o: {a: 1}\n", &[]);
    assert!(said.contains("unknown key `a` in `o`"), "{said}");
    let said = judged(r#"{"properties": {"a": {"const": {"an": "object", "n": [1, "2"]}}}}"#, "a: 1\n", &[]);
    assert!(said.contains("write `{an: object, n: [1, \"2\"]}`"), "{said}");
    let schema = r#"{"properties": {"port": {"title": "Port", "description": "Where it listens.", "type": "integer"}}}"#;
    let said = judged(schema, "port: abc\n", &[]);
    assert!(said.contains("note: Port: Where it listens."), "{said}");
    let schema = r#"{"properties": {"k": {"x-secret": true, "type": "string", "pattern": "^k_"}}}"#;
    let said = judged(schema, "k: first-canary\n", &[]);
    assert!(said.contains("E0305") && !said.contains("{secret:"), "{said}");
}

#[test]
fn each_of_many_unknown_keys_is_found() {
    let keys: Vec<String> = (0..8000).map(|at| format!("k{at}: {at}")).collect();
    let text = format!("{{{}}}\n", keys.join(", "));
    let folder = tempfile::tempdir().unwrap();
    let schema = r#"{"properties": {"known": {}}, "additionalProperties": false}"#;
    for (name, text) in [("schema.json", schema), ("file.yaml", &text)] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let judged = any_schema::judge(folder.path(), Path::new("schema.json"), &["file.yaml".into()]).unwrap();
    assert_eq!(judged.findings.len(), 8000);
}
