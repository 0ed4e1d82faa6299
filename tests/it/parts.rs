//! A project's own schema parts: the built-in ones hold what is asked of them, and each mistake in a part is one finding
//! at its place, with a mend, while nothing is said of the integrations that use it.

use std::path::Path;

use pairform::compile::{Selection, compile};
use pairform::diagnostic::{Finding, Severity};
use pairform::source::{SourceFile, Sources, load};

fn example() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/own-connector");
    let sources = load::load(&root);
    sources.iter().map(|(_, file)| (file.path.clone(), file.text().to_owned())).collect()
}

fn judged(files: &[(String, String)]) -> (Sources, Vec<Finding>) {
    let mut sources = Sources::default();
    for (path, text) in files {
        sources.add(SourceFile::new(path, text.as_str()));
    }
    let findings = compile(&sources, &Selection::default()).findings;
    (sources, findings)
}

const CONNECTOR: &str = "schemas/connectors/quickbutik.yaml";
const PAIR: &str = "schemas/pairs/fortnox-quickbutik.yaml";
const CATEGORY: &str = "schemas/categories/loyalty.yaml";

/// A category of the project's own, with a setting that is required while another has a value.
const LOYALTY: &str = "\
category: loyalty
title: Loyalty
description: What becomes of points.
order: 12
flows: [orders]
needs: erp.account_per_row
settings:
  points_as:
    title: Points as
    description: What points become.
    enum: [row, ignored]
    x-labels: {row: A row, ignored: Nothing}
    default: ignored
  points_account:
    title: Account of points
    description: The account that points are booked on.
    x-options: erp.account
    x-flows: [orders]
    x-required: {loyalty.points_as: row}
  limit:
    title: Limit
    description: The most points of an order.
    type: integer
    minimum: 1
    maximum: 500
";

/// File, what is replaced by what, code, the words of the message, and what the caret is under.
const MISTAKES: &[(&str, &str, &str, &str, &str, &str)] = &[
    (
        CONNECTOR,
        "connector: quickbutik",
        "connector: quickbutick",
        "E0340",
        "must be `quickbutik`",
        "quickbutick",
    ),
    (CONNECTOR, "account: shop", "account: shopp", "E0340", "no field of the connection `shopp`", "shopp"),
    (
        CONNECTOR,
        "required: [shop, api_key]",
        "required: [shop, apikey]",
        "E0340",
        "field of the connection `apikey`",
        "apikey",
    ),
    (
        CONNECTOR,
        "when: [api_key]",
        "when: [api_kez]",
        "E0340",
        "field of the connection `api_kez`",
        "api_kez",
    ),
    (
        CONNECTOR,
        "user: \"{api_key}\"",
        "user: \"{key}\"",
        "E0340",
        "field of the connection `key`",
        "\"{key}\"",
    ),
    (
        CONNECTOR,
        "base_path: /v1",
        "base_path: \"/{tenant}\"",
        "E0340",
        "field of the connection `tenant`",
        "\"/{tenant}\"",
    ),
    (
        CONNECTOR,
        "[product_status]",
        "[product_statuss]",
        "E0340",
        "needs the capability `product_statuss`",
        "product_statuss",
    ),
    (CONNECTOR, "topics: {}", "topics: {order.new: {}}", "E0306", "`webhooks` is missing", "connector"),
    (CONNECTOR, "topics: {}", "topics:", "E0303", "`topics` must be a map", "topics"),
    (
        CONNECTOR,
        "enum: [visible, hidden]",
        "enum: [visible, hiden]",
        "E0340",
        "no allowed value `hidden`",
        "hidden",
    ),
    (CONNECTOR, "default: hidden", "default: 7", "E0340", "no value that the setting could have", "7"),
    (
        CONNECTOR,
        "  article:\n    default_status:",
        "  artcle:\n    default_status:",
        "E0340",
        "no category `artcle`",
        "artcle",
    ),
    (
        CONNECTOR,
        "    status_filter:",
        "    status_filtre:",
        "E0340",
        "has no setting `status_filtre` to change",
        "status_filtre",
    ),
    (
        CONNECTOR,
        "      title: Write the pickup point as a row\n",
        "",
        "E0340",
        "`pickup_points` has no `title`",
        "pickup_points",
    ),
    (
        CONNECTOR,
        "      type: boolean\n",
        "      x-options: shop.pickup\n",
        "E0340",
        "Quickbutik has no option set or capability `pickup`",
        "shop.pickup",
    ),
    (
        CONNECTOR,
        "      type: boolean\n",
        "      x-options: pickup\n",
        "E0305",
        "`x-options` cannot be \"pickup\"",
        "pickup",
    ),
    (CONNECTOR, "      type: boolean\n", "      type: bool\n", "E0304", "`type` cannot be \"bool\"", "bool"),
    (
        CONNECTOR,
        "      x-additional: true\n",
        "      x-flows: orders\n",
        "E0303",
        "`x-flows` must be a list",
        "orders",
    ),
    (
        CONNECTOR,
        "evidence: verified\n    source: quickbutik",
        "evidence: sure\n    source: quickbutik",
        "E0304",
        "`evidence` cannot be \"sure\"",
        "sure",
    ),
    (
        CONNECTOR,
        "    evidence: verified\n    source: quickbutik",
        "    source: quickbutik",
        "E0306",
        "`evidence` is missing in an item of `auth`",
        "when",
    ),
    (
        CONNECTOR,
        "value: text, evidence: unverified, source: Quickbutik control panel}\n  shipping",
        "value: text, fetch: {get: /payment, params: {shop: \"{shop}\"}}, evidence: unverified, source: Quickbutik control panel}\n  shipping",
        "E0340",
        "braces would be sent",
        "\"{shop}\"",
    ),
    (
        CONNECTOR,
        "value: text, evidence: unverified, source: Quickbutik control panel}\n  shipping",
        "value: text, fetch: {get: \"/payment/{zone}\", each: {zone: id}}, evidence: unverified, source: Quickbutik control panel}\n  shipping",
        "E0340",
        "no option set of this connector `zone`",
        "zone",
    ),
    (
        CONNECTOR,
        "errors:",
        "paging: {style: offset, offset: limit, size: limit, evidence: unverified, source: x}\nerrors:",
        "E0340",
        "cannot be both the size of a page and its place",
        "limit",
    ),
    (
        CONNECTOR,
        "errors:",
        "paging: {style: page, evidence: unverified, source: x}\nerrors:",
        "E0306",
        "`page` is missing in `paging`",
        "paging",
    ),
    (
        CONNECTOR,
        "errors:",
        "sources: {docs: {address: \"https://quickbutik.dev\", day: 2026-11-29, quote: One a second.}}\nrate_limit: {requests: 1, seconds: 1, evidence: verified, source: doc}\nerrors:",
        "E0340",
        "there is no source `doc`",
        "doc",
    ),
    (
        CONNECTOR,
        "errors:",
        "sources: {docs: {address: \"https://quickbutik.dev\", quote: One a second.}}\nerrors:",
        "E0306",
        "`day` is missing in `docs`",
        "docs",
    ),
    (
        CONNECTOR,
        "value: text, evidence: unverified, source: Quickbutik control panel}\n  shipping",
        "value: text, fetch: {get: /payment, base_url: orders}, evidence: unverified, source: Quickbutik control panel}\n  shipping",
        "E0340",
        "there is no address in `base_urls` `orders`",
        "orders",
    ),
    (
        CONNECTOR,
        "value: text, evidence: unverified, source: Quickbutik control panel}\n  shipping",
        "value: text, fetch: {graphql: \"{ a }\", variables: {shop: store}, value: a}, evidence: unverified, source: Quickbutik control panel}\n  shipping",
        "E0340",
        "there is no field of the connection `store`",
        "store",
    ),
    (
        CONNECTOR,
        "errors:",
        "versions: {field: version, known: {\"1\": {until: 2026-11-29}}, evidence: unverified, source: Control panel}\nerrors:",
        "E0340",
        "there is no field of the connection `version`",
        "version",
    ),
    (
        CONNECTOR,
        "errors:",
        "scopes: {known: {orders: {}}, flows: {orders: {read: [order]}}, evidence: unverified, source: Control panel}\nerrors:",
        "E0340",
        "there is no scope `order`",
        "order",
    ),
    (CONNECTOR, "  payment_gateway:", "\tpayment_gateway:", "E0102", "a tab stands", "\t"),
    (
        PAIR,
        "pair: fortnox-quickbutik",
        "pair: quickbutik-fortnox",
        "E0340",
        "must be `fortnox-quickbutik`",
        "quickbutik-fortnox",
    ),
    (
        PAIR,
        "[fortnox, quickbutik]",
        "[fortnox, quickbutick]",
        "E0340",
        "no connector `quickbutick`",
        "quickbutick",
    ),
    (
        PAIR,
        "[fortnox, quickbutik]",
        "[shopify, quickbutik]",
        "E0340",
        "one shop and one ERP",
        "[shopify, quickbutik]",
    ),
    (PAIR, "  customers:", "  custommers:", "E0340", "no flow `custommers`", "custommers"),
    (
        PAIR,
        "direction: erp_to_shop}\n  stock",
        "direction: both}\n  stock",
        "E0304",
        "`direction` cannot be \"both\"",
        "both",
    ),
    (PAIR, "    trigger:", "    triger:", "E0340", "has no setting `triger` to change", "triger"),
    (PAIR, "default: captured", "default: never", "E0340", "no value that the setting could have", "never"),
    (
        PAIR,
        "    trigger:",
        "    no_such: null\n    trigger:",
        "E0340",
        "there is no `invoice` setting `no_such`",
        "no_such",
    ),
    (PAIR, "settings:\n  invoice:", "settings:\n  invoce: {}\n  invoice:", "E0340", "`invoce`", "invoce"),
    (CATEGORY, "category: loyalty", "category: loyality", "E0340", "must be `loyalty`", "loyality"),
    (CATEGORY, "\nflows: [orders]", "\nflows: [order]", "E0340", "no flow `order`", "order"),
    (
        CATEGORY,
        "erp.account_per_row",
        "erp.acount_per_row",
        "E0340",
        "no ERP has an option set or capability `acount_per_row`",
        "erp.acount_per_row",
    ),
    (CATEGORY, "erp.account_per_row", "loyalty", "E0305", "`needs` cannot be \"loyalty\"", "loyalty"),
    (
        CATEGORY,
        "x-options: erp.account\n",
        "x-options: erp.acount\n",
        "E0340",
        "no ERP has an option set or capability `acount`",
        "erp.acount",
    ),
    (CATEGORY, "x-flows: [orders]", "x-flows: [order]", "E0340", "no flow `order`", "order"),
    (
        CATEGORY,
        "loyalty.points_as: row",
        "loyalty.points: row",
        "E0340",
        "no setting `loyalty.points`",
        "loyalty.points",
    ),
    (
        CATEGORY,
        "loyalty.points_as: row",
        "loialty.points_as: row",
        "E0340",
        "no category `loialty`",
        "loialty.points_as",
    ),
    (CATEGORY, "loyalty.points_as: row", "flows.order: true", "E0340", "no flow `order`", "flows.order"),
    (CATEGORY, "loyalty.points_as: row", "loyalty.points_as: rows", "E0340", "is never \"rows\"", "rows"),
    (CATEGORY, "loyalty.points_as: row", "invoice.mark_paid: 'yes'", "E0340", "is never \"yes\"", "'yes'"),
    (
        CATEGORY,
        "{loyalty.points_as: row}",
        "{points_as: row}",
        "E0302",
        "the key `points_as` is not allowed",
        "points_as",
    ),
    (CATEGORY, "x-labels: {row:", "x-labels: {rows:", "E0340", "no allowed value `rows`", "rows"),
    (CATEGORY, "default: ignored", "default: none", "E0340", "no value that the setting could have", "none"),
    (CATEGORY, "minimum: 1", "minimum: 501", "E0340", "so no value fits", "501"),
    (
        CATEGORY,
        "    enum: [row, ignored]\n",
        "    x-options: erp.account\n    enum: [row, ignored]\n",
        "E0307",
        "`points_as`",
        "points_as",
    ),
];

#[test]
fn each_mistake_in_a_part_is_one_finding_at_its_place() {
    let mut whole = example();
    whole.push((CATEGORY.to_owned(), LOYALTY.to_owned()));
    let (_, none) = judged(&whole);
    let errors = |findings: &[Finding]| -> Vec<String> {
        let errors = findings.iter().filter(|finding| finding.severity == Severity::Error);
        errors.map(|finding| format!("{} {}", finding.code.id, finding.message)).collect()
    };
    assert!(errors(&none).is_empty(), "{:?}", errors(&none));
    let mut wrong = Vec::new();
    for (path, old, new, code, message, caret) in MISTAKES {
        let mut files = whole.clone();
        let file = files.iter_mut().find(|(name, _)| name == path).unwrap();
        assert!(file.1.contains(old), "{path} does not hold {old}");
        file.1 = file.1.replacen(old, new, 1);
        let (sources, findings) = judged(&files);
        let said = errors(&findings);
        let fits = |finding: &Finding| {
            finding.code.id == *code
                && finding.message.contains(message)
                && sources.text(finding.primary.span) == *caret
                && sources.path(finding.primary.span) == *path
                && finding.help.as_ref().is_some_and(|help| !help.is_empty())
        };
        if said.len() != 1 || !findings.iter().any(fits) {
            let places: Vec<&str> =
                findings.iter().map(|finding| sources.text(finding.primary.span)).collect();
            wrong.push(format!(
                "{path}: {old} → {new}\n  {}\n  at {places:?}, help {:?}",
                said.join("\n  "),
                findings.first().map(|one| &one.help)
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_built_in_parts_hold_what_is_asked_of_a_project_s_own() {
    let mut files = vec![("pairform.yaml".to_owned(), "version: 1\n".to_owned())];
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("schemas");
    for folder in ["connectors", "categories", "pairs"] {
        for entry in std::fs::read_dir(root.join(folder)).unwrap() {
            let path = entry.unwrap().path();
            let name = format!("schemas/{folder}/{}", path.file_name().unwrap().to_str().unwrap());
            files.push((name, std::fs::read_to_string(path).unwrap()));
        }
    }
    assert!(files.len() > 50);
    let (sources, findings) = judged(&files);
    // Each of them is told by its name, as it takes the place of a built-in one, and nothing else is.
    let (replaced, findings): (Vec<_>, Vec<_>) = findings.iter().partition(|one| one.code.id == "N0342");
    assert!(replaced.len() > 50 && replaced.len() == files.len() - 1, "{} {}", replaced.len(), files.len());
    let said: Vec<String> = findings
        .iter()
        .map(|one| {
            format!(
                "{}:{} {}",
                sources.path(one.primary.span),
                sources.position(one.primary.span).line,
                one.message
            )
        })
        .collect();
    assert!(said.is_empty(), "{}", said.join("\n"));
}

#[test]
fn a_file_that_is_no_part_or_holds_nothing_is_told() {
    for (path, text, code, help) in [
        ("schemas/connectors/new.yaml", "", "E0340", "write the part"),
        ("schemas/connectors/new.yaml", "# later\n", "E0340", "write the part"),
        ("schemas/conectors/new.yaml", "x: 1\n", "W0208", "schemas/connectors/"),
        ("schemas/connectors/new.yml", "x: 1\n", "W0208", "name it `connectors/new.yaml`"),
        ("schemas/notes.yaml", "x: 1\n", "W0208", "out of `schemas/`"),
    ] {
        let mut files = example();
        files.push((path.to_owned(), text.to_owned()));
        let (sources, findings) = judged(&files);
        let told =
            findings.iter().find(|one| one.code.id == code).unwrap_or_else(|| panic!("{path}: {findings:?}"));
        assert_eq!(sources.path(told.primary.span), path);
        assert!(told.help.as_ref().is_some_and(|said| said.contains(help)), "{path}: {:?}", told.help);
    }
}
