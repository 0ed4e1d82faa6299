//! Rules across settings, each as a kind: the same mistake in another pair, country, setting, base or environment; and what
//! looks like it and is none. The projects that people sent are in `cases`.

use pairform::compile::{Selection, compile};
use pairform::diagnostic::Finding;
use pairform::source::{SourceFile, Sources};

const COMPLETE: &str = include_str!("fixtures/complete.yaml");
const SHOP: &str = "integration: shop\npair: fortnox-shopify\nextends: [complete]\n";
const BC: &str = "integration: shop\npair: business-central-shopify\nunmanaged: [article, customer, invoice, order_lines, shipping_methods, payment_methods]\n";
const LIVE: &str = "  general: {name: Shop, live_mode: true, onboarding_mode: false}\n";

/// The codes that files are told, in the order of their places.
pub fn told(files: &[(&str, &str)], selection: Selection) -> String {
    let codes: Vec<&str> = found(files, selection).iter().map(|finding| finding.code.id).collect();
    codes.join(" ")
}

pub fn found(files: &[(&str, &str)], selection: Selection) -> Vec<Finding> {
    let mut sources = Sources::default();
    let given = |path: &str| files.iter().any(|(other, _)| *other == path);
    for (path, text) in [("bases/complete.yaml", COMPLETE), ("pairform.yaml", "version: 1\n")] {
        if !given(path)
            && (path == "pairform.yaml" || files.iter().any(|(_, text)| text.contains("complete")))
        {
            sources.add(SourceFile::new(path, text));
        }
    }
    for (path, text) in files {
        sources.add(SourceFile::new(*path, *text));
    }
    let selection = Selection { today: Some(jiff::civil::date(2026, 11, 29)), ..selection };
    compile(&sources, &selection).findings
}

/// What settings of the complete integration are told; text that begins at the margin stands beside them.
pub fn of(text: &str) -> String {
    let text = text.trim_start_matches('\n');
    let below = if text.starts_with(' ') { "settings:\n" } else { "" };
    told(&[("integrations/shop.yaml", &format!("{SHOP}{below}{text}\n"))], Selection::default())
}

fn check(cases: &[(&str, &str)]) {
    for (text, codes) in cases {
        assert_eq!(of(text), *codes, "{text}");
    }
}

#[test]
fn one_account_for_two_rates() {
    check(&[
        // By default, and for a reduced rate.
        (
            "  sales_accounts: {oss_enabled: true, countries: {NL: {default_account: 3142, rates: {\"9\": 3142}}}}",
            "W0430",
        ),
        (
            "  sales_accounts: {oss_enabled: true, countries: {NL: {default_account: 3142, rates: {\"21\": 3142, \"9\": 3143}}}}",
            "",
        ),
        ("  sales_accounts: {oss_enabled: false, countries: {NL: {rates: {\"21\": 3142}}}}", "W0440"),
        ("  sales_accounts: {home: {\"25\": 3001, \"12\": 3002, \"6\": 3002}}", "W0430"),
        (
            "  sales_accounts: {oss_enabled: true, countries: {FI: {rates: {\"25.5\": 3131}}, EE: {rates: {\"24\": 3131}}}}",
            "W0430",
        ),
        (
            "  sales_accounts: {oss_enabled: true, countries: {FI: {default_account: 3131}, EE: {default_account: 3131}}}",
            "W0430",
        ),
        (
            "  sales_accounts: {oss_enabled: true, countries: {FI: {rates: {\"25.5\": 3131}, shipping_account: 3001}}}",
            "W0430",
        ),
        ("  sales_accounts: {eu_reverse: 3105}", "W0430"),
        // Fees have the same buckets, and territories are exports.
        ("  sales_accounts: {fees: {home: {\"25\": 3540, \"12\": 3540}}}", "W0430"),
        ("  sales_accounts: {fees: {eu_with_vat: 3001}}", ""),
        ("  sales_accounts: {fees: {eu_reverse: 3001}}", "W0430"),
        ("  sales_accounts: {fees: {home: {\"24\": 3540}}}", "W0419"),
        (
            "  sales_accounts: {oss_enabled: true, countries: {FI: {rates: {\"25.5\": 3131}}}, territories: {IC: 3131}}",
            "W0430",
        ),
        ("  sales_accounts: {territories: {IC: 3105}}", ""),
        (
            "  sales_accounts: {oss_enabled: true, countries: {FI: {rates: {\"25.5\": 3131}}}, eu_with_vat: 3001}",
            "W0430",
        ),
        // One finding an account.
        (
            "  sales_accounts: {oss_enabled: true, countries: {FI: {rates: {\"25.5\": 3001}}, DK: {rates: {\"25\": 3001}}}}",
            "W0430",
        ),
        // Sales within the EU that carry the VAT of home; shipping as the goods; a default as one of the rates.
        ("  sales_accounts: {eu_with_vat: 3001}", ""),
        (
            "  sales_accounts: {shipping: {home: {\"25\": 3001}, export: 3105}, virtual: {eu_reverse: 3108}}",
            "",
        ),
        (
            "  sales_accounts: {oss_enabled: true, countries: {FI: {default_account: 3131, rates: {\"25.5\": 3131}, shipping_account: 3131}}}",
            "",
        ),
        // What is exempt at home has a box of its own.
        ("  sales_accounts: {home: {\"25\": 3001, \"0\": 3105}}", "W0430"),
        ("  sales_accounts: {home: {\"25\": 3001, \"0\": 3108}}", "W0430"),
        ("  sales_accounts: {home: {\"25\": 3001, \"0\": 3004}}", ""),
        ("unmanaged: [connectors, sales_accounts]\nsettings: {}", ""),
    ]);
}

#[test]
fn invoices_and_orders() {
    check(&[
        ("  order: {creates: invoice}\n  invoice: {trigger: captured}", "W0431"),
        ("  order: {creates: none}", "W0431"),
        ("flows: {invoices: false}\nsettings:\n  order: {creates: order_then_invoice}", "W0431"),
        ("  order: {creates: order_then_invoice}", ""),
        ("  order: {creates: invoice}\n  invoice: {trigger: manual}", ""),
        ("flows: {invoices: false}\nsettings:\n  order: {creates: invoice}", ""),
        ("  payment_methods: {methods: {Klarna: {document: invoice}}}", ""),
    ]);
    let paid = |order: &str, trigger: &str| {
        of(&format!(
            "  order: {{status_filter: {order}}}\n  invoice: {{trigger: {trigger}, mark_paid: true, mode_of_payment_map: {{Swish: SW}}}}"
        ))
    };
    assert_eq!(paid("[PENDING]", "order_created"), "W0434");
    assert_eq!(paid("[PAID, PARTIALLY_PAID]", "fulfilled"), "W0434");
    assert_eq!(paid("[AUTHORIZED]", "order_created"), "W0434");
    assert_eq!(paid("[AUTHORIZED]", "fulfilled"), "");
    assert_eq!(paid("[PENDING]", "captured"), "");
    assert_eq!(paid("[PAID]", "order_created"), "");
}

#[test]
fn what_starts_a_flow() {
    let others = "flows: {articles: false, stock: false, customers: false, refunds: false}\n";
    check(&[
        (&format!("{others}schedules: {{orders: {{flow: orders, every: 15m}}}}"), "W0435"),
        (
            &format!(
                "{others}schedules: {{orders: {{flow: orders, every: 15m}}}}\nsettings:\n  invoice: {{trigger: manual}}"
            ),
            "",
        ),
        // Switched off on purpose; made by people; not live.
        (
            &format!(
                "{others}schedules: {{orders: {{flow: orders, every: 15m}}, invoices: {{flow: invoices, every: 1h, enabled: false}}}}"
            ),
            "",
        ),
        (others, ""),
        (
            &format!(
                "{others}schedules: {{orders: {{flow: orders, every: 15m}}}}\nsettings:\n  general: {{live_mode: false}}"
            ),
            "",
        ),
        // By a webhook alone, which the platform gives up.
        (
            &format!(
                "{others}schedules: {{orders: {{flow: orders, every: 15m}}}}\nwebhooks: {{paid: {{connector: shopify, topic: orders/paid, flow: invoices}}}}"
            ),
            "N0414",
        ),
        (
            &format!(
                "{others}schedules: {{orders: {{flow: orders, every: 15m}}, invoices: {{flow: invoices, after: orders}}}}\nwebhooks: {{wrong: {{connector: shopify, topic: products/update, flow: orders}}}}"
            ),
            "W0447",
        ),
        (
            &format!(
                "{others}schedules: {{orders: {{flow: orders, every: 15m}}, invoices: {{flow: invoices, after: orders}}}}\nwebhooks: {{paid: {{connector: shopify, topic: orders/updated, flow: invoices}}}}"
            ),
            "",
        ),
    ]);
}

#[test]
fn locations() {
    let bc = |stock: &str| {
        told(
            &[(
                "integrations/shop.yaml",
                &format!("{BC}settings:\n{LIVE}  stock: {{{stock}}}\nflows: {{orders: false}}\n"),
            )],
            Selection::default(),
        )
    };
    let bc = |stock: &str| bc(stock).replace("W0405 ", "").replace("E0312", "").trim().to_owned();
    assert_eq!(bc("direction: erp_to_shop, location_map: {A: x, B: x}"), "W0438");
    assert_eq!(bc("direction: shop_to_erp, location_map: {A: x, B: x}"), "W0438");
    assert_eq!(bc("direction: erp_to_shop, location_map: {A: x, B: y}, target_location: z"), "W0440");
    assert_eq!(bc("direction: erp_to_shop, location_map: {A: x, B: y}"), "");
    // A base serves integrations without a mapping.
    let base = "settings: {stock: {target_location: \"61\"}}\n";
    let files = [
        ("bases/place.yaml", base),
        (
            "integrations/shop.yaml",
            "integration: shop\npair: fortnox-shopify\nextends: [complete, place]\nsettings: {stock: {location_map: {A: \"61\"}}}\n",
        ),
    ];
    assert_eq!(told(&files, Selection::default()), "");
}

#[test]
fn vat_and_companies() {
    check(&[
        ("  customer: {vat_type_b2c_home: EUREVERSEDVAT}", "W0441"),
        // So in the rows that took the place of these settings.
        (
            "  customer: {vat_by_customer: {b2c-home: EXPORT, b2c-EU: EUVAT, b2c-outside: EXPORT, b2b-outside: EXPORT, b2b: SEVAT, b2b-EU: EUREVERSEDVAT}}",
            "W0441",
        ),
        (
            "  customer: {vat_by_customer: {b2c: SEVAT, b2c-EU: SEREVERSEDVAT, b2b: SEVAT, b2b-EU: EUREVERSEDVAT}}",
            "W0441",
        ),
        (
            "  customer: {vat_by_customer: {b2c: SEVAT, b2c-DE: EXPORT, b2b: SEVAT, b2b-EU: EUREVERSEDVAT}}",
            "W0441",
        ),
        (
            "  customer: {vat_by_customer: {b2c: SEVAT, b2c-US: SEVAT, b2b: SEVAT, b2b-EU: EUREVERSEDVAT}}",
            "W0441",
        ),
        (
            "  customer: {vat_by_customer: {b2c: SEVAT, b2c-EU: EUVAT, b2b: SEVAT, b2b-EU: EUREVERSEDVAT, b2c-outside: EXPORT, b2b-outside: EXPORT}}",
            "",
        ),
        ("  customer: {vat_type_b2b_eu: EXPORT}", "W0441"),
        ("  customer: {vat_type_b2b_eu: SEVAT}", "W0441"),
        ("  customer: {vat_type_b2c_eu: SEVAT, vat_type_b2b_eu: EUVAT}", ""),
        (
            "  customer: {company_when: organisation_number}\n  sales_accounts: {oss_enabled: true, countries: {FI: {rates: {\"25.5\": 3131}}}}",
            "W0442",
        ),
        (
            "  customer: {company_when: company_name}\n  additional_filters: {include_countries: [SE, FI]}",
            "W0442",
        ),
        (
            "  customer: {company_when: company_name}\n  additional_filters: {include_countries: [SE, \"NO\"]}",
            "",
        ),
        ("  customer: {company_when: company_name}", ""),
        // A number that is taken over is asked for.
        (
            "  customer: {company_when: company_name, vat_number_field: shop_field}\n  additional_filters: {include_countries: [SE, FI]}",
            "",
        ),
        (
            "  customer: {company_when: company_name, vat_type_b2b_eu: EUVAT}\n  additional_filters: {include_countries: [SE, FI]}",
            "",
        ),
    ]);
}

#[test]
fn filters() {
    check(&[
        ("  additional_filters: {include_tags: [erp, b2b], exclude_tags: [erp]}", "W0443"),
        (
            "  additional_filters: {exclude_countries: [FI]}\n  sales_accounts: {oss_enabled: true, countries: {FI: {rates: {\"25.5\": 3131}}}}",
            "W0444",
        ),
        (
            "  additional_filters: {exclude_payment_methods: [Klarna]}\n  invoice: {mark_paid: true, mode_of_payment_map: {Klarna: KL}}",
            "W0444",
        ),
        ("  payment_methods: {do_not_sync: [Faktura], creates_per_method: [Faktura]}", "N0461 E0460"),
        (
            "  additional_filters: {exclude_shipping_methods: [Pickup]}\n  shipping_methods: {methods: {Pickup: {way_of_delivery: P}}}",
            "W0444",
        ),
        (
            "  additional_filters: {exclude_payment_methods: [Klarna]}\n  payment_methods: {methods: {Swish: {terms: \"30\"}, Klarna: {document: none, terms: null}}}",
            "",
        ),
        ("  additional_filters: {include_countries: [SE, FI], exclude_tags: [test]}", ""),
    ]);
}

#[test]
fn accounts_that_are_missing() {
    check(&[
        ("  order_lines: {gift_card_as: row}", "N0445"),
        ("  order_lines: {gift_card_as: payment}", ""),
        ("  order_lines: {fee_as: row}", "N0446"),
        ("  order_lines: {fee_as: header_fee}", ""),
    ]);
    let bc = format!("{BC}settings:\n  order_lines: {{missing_article: stop, gift_card_as: row}}\n")
        .replace("order_lines, ", "");
    assert!(told(&[("integrations/shop.yaml", &bc)], Selection::default()).contains("N0445"));
}

/// A live integration of a shop and a company.
fn joined(name: &str, shop: &str, tenant: &str, more: &str) -> (String, String) {
    let text = format!(
        "integration: {name}\npair: fortnox-shopify\nextends: [complete]\nunmanaged: []\nconnectors:\n  shopify: {{active: main, connections: {{main: {{shop: {shop}, access_token: {{secret: env/A}}}}}}}}\n  fortnox: {{active: main, connections: {{main: {{client_id: {{secret: env/B}}, client_secret: {{secret: env/C}}, {tenant}}}}}}}\n{more}"
    );
    (format!("integrations/{name}.yaml"), text)
}

fn fleet(all: &[(String, String)], selection: Selection) -> String {
    let files: Vec<(&str, &str)> = all.iter().map(|(path, text)| (path.as_str(), text.as_str())).collect();
    told(&files, selection)
}

#[test]
fn several_integrations() {
    let one = joined("one", "nordic", "tenant_id: \"1\"", "");
    let both = |other: (String, String)| fleet(&[one.clone(), other], Selection::default());
    assert_eq!(both(joined("two", "nordic", "tenant_id: 1", "")), "W0432");
    // Two shops count their orders from one number.
    assert_eq!(both(joined("two", "other", "tenant_id: \"1\"", "")), "W0471");
    assert_eq!(both(joined("two", "nordic", "tenant_id: \"2\"", "")), "");
    assert_eq!(
        both(joined("two", "nordic", "tenant_id: \"1\"", "settings: {general: {live_mode: false}}\n")),
        ""
    );
    let parted = "flows: {orders: false, invoices: false, refunds: false}\n";
    assert_eq!(both(joined("two", "nordic", "tenant_id: \"1\"", parted)), "");
    let invoices = "flows: {orders: false, refunds: false}\n";
    assert_eq!(both(joined("two", "nordic", "tenant_id: \"1\"", invoices)), "W0432");

    let prefix = |prefix: &str| format!("settings: {{general: {{order_number_prefix: {prefix}}}}}\n");
    assert_eq!(both(joined("two", "other", "tenant_id: \"1\"", &prefix("DE-"))), "");
    let field = "settings: {general: {order_number_field: YourOrderNumber}}\n";
    assert_eq!(both(joined("two", "other", "tenant_id: \"1\"", field)), "");
    let three = |second: &str, third: &str| {
        fleet(
            &[
                one.clone(),
                joined("two", "other", "tenant_id: 1", &prefix(second)),
                joined("three", "third", "tenant_id: 1", &prefix(third)),
            ],
            Selection::default(),
        )
    };
    assert_eq!(three("A-", "B-"), "");
    assert_eq!(three("A-", "A-"), "W0471");
    assert_eq!(
        both(joined("two", "other", "tenant_id: \"1\"", "settings: {general: {live_mode: false}}\n")),
        ""
    );
    for wanted in ["one", "two"] {
        let selection = Selection { integrations: vec![wanted.to_owned()], ..Selection::default() };
        let two = joined("two", "other", "tenant_id: \"1\"", "");
        assert_eq!(fleet(&[one.clone(), two], selection), "W0471", "{wanted}");
    }

    let tags = |include: &str| format!("settings: {{additional_filters: {{include_tags: [{include}]}}}}\n");
    let pair = |a: &str, b: &str| {
        fleet(
            &[
                joined("one", "nordic", "tenant_id: \"1\"", &tags(a)),
                joined("two", "nordic", "tenant_id: \"1\"", &tags(b)),
            ],
            Selection::default(),
        )
    };
    assert_eq!(pair("retail", "outlet"), "");
    assert_eq!(pair("retail, outlet", "outlet"), "W0432");

    // A base, an expression and an environment hide it from nobody, whichever of the two is asked for.
    let base = (
        "bases/joined.yaml".to_owned(),
        joined("x", "nordic", "tenant_id: \"1\"", "")
            .1
            .replace("integration: x\npair: fortnox-shopify\nextends: [complete]\n", "vars: {name: dic}\n")
            .replace("shop: nordic", "shop: \"nor{{ name }}\""),
    );
    let by_base = (
        "integrations/two.yaml".to_owned(),
        "integration: two\npair: fortnox-shopify\nextends: [complete, joined]\n".to_owned(),
    );
    for wanted in ["one", "two"] {
        let selection = Selection { integrations: vec![wanted.to_owned()], ..Selection::default() };
        assert_eq!(fleet(&[one.clone(), base.clone(), by_base.clone()], selection), "W0432", "{wanted}");
    }
    // The project may except one of them.
    let levels = ("pairform.yaml".to_owned(), "version: 1\nlevels: {W0432: {except: [two]}}\n".to_owned());
    let two = joined(
        "two",
        "nordic",
        "tenant_id: \"1\"",
        "levels: {W0432: {level: allow, reason: it takes over tonight}}\n",
    );
    let selection = |name: &str| Selection { integrations: vec![name.to_owned()], ..Selection::default() };
    assert_eq!(fleet(&[one.clone(), two.clone(), levels.clone()], selection("two")), "");
    assert_eq!(fleet(&[one.clone(), two, levels], selection("one")), "W0432");

    let token = |name: &str, shop: &str, reference: &str| {
        joined(
            name,
            shop,
            &format!("refresh_token: {{secret: {reference}}}"),
            "settings: {general: {live_mode: false}}\n",
        )
    };
    let shared = fleet(&[token("one", "a", "env/R"), token("two", "b", "env/R")], Selection::default());
    assert_eq!(shared.matches("N0433").count(), 1, "{shared}");
    let apart = fleet(&[token("one", "a", "env/R"), token("two", "b", "env/S")], Selection::default());
    assert_eq!(apart.matches("N0433").count(), 0, "{apart}");
}

#[test]
fn systems_and_versions() {
    let on = |shop: &str, version: &str, active: &str| {
        let (_, text) = joined("shop", shop, "tenant_id: \"1\"", "");
        let text = text
            .replace("access_token: ", &format!("api_version: \"{version}\", access_token: "))
            .replacen("main", active, 2);
        told(&[("integrations/shop.yaml", &text)], Selection::default())
    };
    assert_eq!(on("nordic", "2026-10", "main"), "");
    assert_eq!(on("nordic-dev", "2026-10", "main"), "W0448");
    assert_eq!(on("nordic", "2026-10", "sandbox"), "W0448");
    for (shop, told) in [
        ("teststore-se", "W0448"),
        ("nordic-devstore", "W0448"),
        ("nordic-stage", "W0448"),
        ("nordic-uat2", "W0448"),
        ("stage-lighting", ""),
        ("demo-records", ""),
        ("contest", ""),
    ] {
        assert_eq!(on(shop, "2026-10", "main"), told, "{shop}");
    }
    assert_eq!(on("contest", "2026-10", "main"), "");
    assert_eq!(on("nordic", "2023-07", "main"), "W0437");
    assert_eq!(on("nordic", "2021-01", "main"), "W0437");
    assert_eq!(on("nordic", "2027-04", "main"), "W0437");
    assert_eq!(on("nordic", "2026-01", "main"), "W0437");
    assert_eq!(on("nordic", "2026-04", "main"), "");
}

/// An integration of a shop and a company in which nothing but what is asked about is judged.
fn bare(pair: &str, name: &str, connectors: &str, more: &str) -> (String, String) {
    // A pair without the category cannot leave it to others.
    let stock = if pair.starts_with("e-conomic") { "" } else { "stock, " };
    let text = format!(
        "integration: {name}\npair: {pair}\nunmanaged: [article, {stock}order, invoice, order_lines, shipping_methods, payment_methods, customer]\nconnectors: {{{connectors}}}\nsettings:\n{LIVE}{more}"
    );
    (format!("integrations/{name}.yaml"), text)
}

#[test]
fn one_shop_by_two_of_its_addresses() {
    let woo = |name: &str, address: &str| {
        let connectors = format!(
            "woocommerce: {{active: a, connections: {{a: {{store_url: \"{address}\", consumer_key: {{secret: env/K}}, consumer_secret: {{secret: env/S}}}}}}}}, e-conomic: {{active: a, connections: {{a: {{app_secret_token: {{secret: env/E}}, agreement_grant_token: {{secret: env/G}}}}}}}}"
        );
        bare("e-conomic-woocommerce", name, &connectors, "")
    };
    for (other, told) in [
        ("https://www.butik.example", "W0432"),
        ("https://Butik.example/", "W0432"),
        ("https://butik.example/dk", "W0471"),
        ("https://shop.butik.example", "W0471"),
    ] {
        for wanted in ["one", "two"] {
            let all = [woo("one", "https://butik.example"), woo("two", other)];
            let selection = Selection { integrations: vec![wanted.to_owned()], ..Selection::default() };
            assert_eq!(fleet(&all, selection), told, "{other}, {wanted}");
        }
    }
}

/// What the customer settings of a pair without sales accounts are told.
pub fn customers(pair: &str, settings: &str) -> String {
    let stock = if pair.starts_with("e-conomic") { "" } else { "stock, " };
    let text = format!(
        "integration: shop\npair: {pair}\nunmanaged: [connectors, article, {stock}order, invoice, order_lines, shipping_methods, payment_methods]\nsettings:\n{LIVE}{settings}\n"
    );
    told(&[("integrations/shop.yaml", &text)], Selection::default())
}

#[test]
fn one_code_for_countries_with_other_rates() {
    let economic = |rows: &str| {
        customers(
            "e-conomic-woocommerce",
            &format!(
                "  customer: {{match_by: email, mode: one_per_customer, company_when: vat_number, home_country: DK, customer_group: 1, default_terms_of_payment: 2, vat_by_customer: {{b2b: 1, b2b-EU: 2, b2b-outside: 3, b2c-outside: 3, {rows}}}}}"
            ),
        )
    };
    for (rows, told) in [
        ("b2c: 1, b2c-DE: 5, b2c-SE: 5", "W0430"),
        ("b2c: 1, b2c-DE: 5, b2c-SE: 6", ""),
        // Home, while another country has a zone of its own.
        ("b2c: 1, b2c-DE: 1, b2c-SE: 6", "W0430"),
        ("b2c: 1, b2c-DE: 1", ""),
        // One zone for all others, as for sales below the threshold.
        ("b2c: 1, b2c-EU: 4, b2c-DE: 4", ""),
        // From a day on, and once alone.
        ("b2c: 1, b2c-DE: 5, b2c-SE: [{zone: 6, until: 2026-12-31}, {zone: 5, from: 2027-01-01}]", "W0430"),
        ("b2c: 1, b2c-DE: 5, b2c-SE: [{zone: 5, until: 2026-10-31}, {zone: 6, from: 2026-11-01}]", "N0468"),
        ("b2c: 1, b2c-SE: 6, b2c-XI: 6", "W0430"),
    ] {
        assert_eq!(economic(rows), told, "{rows}");
    }
    let bc = |eu: &str, rows: &str| {
        customers(
            "business-central-shopify",
            &format!(
                "  customer: {{match_by: email, mode: one_per_customer, company_when: vat_number, home_country: DK, default_terms_of_payment: 14D, vat_by_customer: {{b2b: {{customer_template: B}}, b2b-EU: {{{eu}}}, b2b-outside: {{customer_template: X}}, b2c-outside: {{customer_template: X}}, b2c: {{customer_template: C}}, {rows}}}}}"
            ),
        )
    };
    for (rows, told) in [
        (
            "b2c-DE: {customer_template: DE, vat_business_posting_group: OSS}, b2c-SE: {customer_template: SE, vat_business_posting_group: OSS}",
            "W0430",
        ),
        ("b2c-DE: {customer_template: OSS}, b2c-SE: {customer_template: OSS}", "W0430"),
        (
            "b2c-DE: {customer_template: OSS, vat_business_posting_group: DE}, b2c-SE: {customer_template: OSS, vat_business_posting_group: SE}",
            "",
        ),
    ] {
        assert_eq!(bc("customer_template: EU", rows), told, "{rows}");
    }
    // The group decides, whatever the template is.
    let consumers = "b2c-EU: {customer_template: WEB, vat_business_posting_group: EU}";
    assert_eq!(bc("customer_template: B2B, vat_business_posting_group: EU", consumers), "W0465");
    assert_eq!(bc("customer_template: B2B, vat_business_posting_group: EU0", consumers), "");
    // Kinds of VAT that are the same for every country.
    assert_eq!(
        of(
            "  customer: {vat_by_customer: {b2c: SEVAT, b2c-DE: EUVAT, b2c-FI: EUVAT, b2b: SEVAT, b2b-EU: EUREVERSEDVAT}}"
        ),
        ""
    );
}

#[test]
fn one_customer_for_all_orders() {
    let shared = |more: &str, filters: &str| {
        customers(
            "business-central-shopify",
            &format!(
                "  customer: {{match_by: email, mode: one_shared_web_customer, shared_customer: WEB, default_terms_of_payment: 14D{more}}}\n{filters}"
            ),
        )
    };
    let sold = |countries: &str| format!("  additional_filters: {{include_countries: [{countries}]}}");
    let home = ", home_country: DK";
    assert_eq!(shared(home, ""), "");
    assert_eq!(shared(home, &sold("DK")), "");
    assert_eq!(shared(home, &sold("DK, DE, \"NO\"")), "W0466");
    assert_eq!(shared("", &sold("DK, DE")), "W0466");
    assert_eq!(shared("", &sold("DE")), "");
    let rows = ", shared_customers: {DE: WEB-DE, \"NO\": WEB-NO}";
    assert_eq!(shared(&format!("{home}{rows}"), &sold("DK, DE, \"NO\"")), "");
    assert_eq!(shared(&format!("{home}, shared_customers: {{DE: EU, SE: EU}}"), ""), "W0430");
    // What decides the VAT of customers who are made one by one.
    let rows = ", vat_by_customer: {b2c: {customer_template: WEB}, b2b: {customer_template: B}}";
    assert_eq!(shared(&format!("{home}{rows}"), ""), "W0440");
    assert_eq!(of("  customer: {shared_customers: {DE: \"5\"}}"), "W0440");
    // A base may serve integrations of both modes.
    let files = [
        ("bases/web.yaml", "settings: {customer: {shared_customers: {DE: \"5\"}}}\n"),
        ("integrations/shop.yaml", "integration: shop\npair: fortnox-shopify\nextends: [complete, web]\n"),
    ];
    assert_eq!(told(&files, Selection::default()), "");
    // Where the rows of an order have accounts, these decide.
    assert_eq!(
        of(
            "  customer: {mode: one_shared_web_customer, shared_customer: \"5\"}\n  additional_filters: {include_countries: [SE, FI]}"
        ),
        ""
    );
}

#[test]
fn names_that_are_hardly_two_and_countries_that_there_are_not() {
    check(&[
        ("  payment_methods: {methods: {Klarna: {terms: \"14\"}, klarna: {document: invoice}}}", "W0477"),
        (
            "  payment_methods: {methods: {Klarna: {terms: \"14\"}}, map: {\"KLARNA \": \"30\"}}",
            "N0461 W0477",
        ),
        ("  payment_methods: {methods: {Klarna: {terms: \"14\"}, klarna: null}}", ""),
        (
            "  shipping_methods: {methods: {\"Post Nord\": {way_of_delivery: P}, \"post  nord\": {way_of_delivery: Q}}}",
            "W0477",
        ),
        ("  additional_filters: {exclude_countries: [ZZ]}", "W0472"),
        ("  additional_filters: {exclude_countries: [XK, IC, XI, AX]}", ""),
        (
            "  customer: {vat_by_customer: {b2c: SEVAT, b2b: SEVAT, b2b-EU: EUREVERSEDVAT, b2c-ZZ: EXPORT}}",
            "W0472",
        ),
        (
            "  customer: {mode: one_shared_web_customer, shared_customer: \"5\", shared_customers: {QQ: \"6\"}}",
            "W0472",
        ),
    ]);
    let base = ("bases/pay.yaml", "settings: {payment_methods: {methods: {Klarna: {terms: \"14\"}}}}\n");
    let own = (
        "integrations/shop.yaml",
        "integration: shop\npair: fortnox-shopify\nextends: [complete, pay]\nsettings: {payment_methods: {methods: {klarna: {document: none}}}}\n",
    );
    assert_eq!(told(&[base, own], Selection::default()), "W0477");
}

#[test]
fn places_in_words_lead_to_their_codes() {
    for (key, help) in [
        ("b2c-Canary Islands", "write `b2c-IC`"),
        ("b2c-the canary islands", "write `b2c-IC`"),
        ("b2b-Åland", "write `b2b-AX`"),
        ("b2c-Aland", "write `b2c-AX`"),
        ("b2c-Melilla", "write `b2c-EA`"),
        ("b2c-Germany", "write `b2c-DE`"),
        ("b2c-germany", "write `b2c-DE`"),
        ("b2c-de", "write `b2c-DE`"),
        ("B2C-eu", "write `b2c-EU`"),
        ("b2c-Northern Ireland", "write `b2c-XI`"),
        ("b2c-Livigno", "take `b2c-Livigno` away: a row by country cannot tell it from the rest of IT"),
        ("b2c-Büsingen", "take `b2c-Büsingen` away: a row by country cannot tell it from the rest of DE"),
    ] {
        let text = format!(
            "{SHOP}settings:\n  customer: {{vat_by_customer: {{b2c: SEVAT, b2b: SEVAT, b2b-EU: EUREVERSEDVAT, \"{key}\": EXPORT}}}}\n"
        );
        let mut sources = Sources::default();
        for (path, text) in [
            ("pairform.yaml", "version: 1\n"),
            ("bases/complete.yaml", COMPLETE),
            ("integrations/shop.yaml", &text),
        ] {
            sources.add(SourceFile::new(path, text));
        }
        let selection = Selection { today: Some(jiff::civil::date(2026, 11, 29)), ..Selection::default() };
        let compilation = compile(&sources, &selection);
        let found: Vec<_> = compilation
            .findings
            .iter()
            .map(|finding| (finding.code.id, finding.help.clone().unwrap_or_default()))
            .collect();
        assert_eq!(found, [("E0302", help.to_owned())], "{key}");
    }
    assert_eq!(of("  additional_filters: {include_countries: [Sweden]}"), "E0305");
}

#[test]
fn money_on_accounts_of_sales() {
    check(&[
        ("  order_lines: {gift_card_as: row, gift_card_account: 3001}", "W0473"),
        ("  order_lines: {gift_card_as: row, gift_card_account: \"3105\"}", "W0473"),
        ("  order_lines: {gift_card_as: row, gift_card_account: 2421}", ""),
        (
            "  order_lines: {gift_card_as: row, gift_card_account: 2421}\n  invoice: {refund_account: 2421}",
            "W0473",
        ),
        // Where an invoice is paid to may be any of them.
        (
            "  order_lines: {gift_card_account: 2421}\n  payment_methods: {methods: {gift_card: {mark_paid: true, account: 2421}}}",
            "",
        ),
        (
            "  sales_accounts: {oss_enabled: true, countries: {FI: {rates: {\"25.5\": 3131}, credit_voucher_account: 3131}}}",
            "W0473",
        ),
        // Rows with days.
        (
            "  sales_accounts: {home: {\"25\": [{account: 3001, until: 2026-12-31}, {account: 3009, from: 2027-01-01}]}}\n  order_lines: {gift_card_as: row, gift_card_account: 3009}",
            "W0473",
        ),
    ]);
}

#[test]
fn invoices_that_nothing_pays() {
    check(&[
        ("  payment_methods: {methods: {Swish: {mark_paid: true}}}", "W0479"),
        ("  payment_methods: {methods: {Swish: {mark_paid: true, account: 1930}}}", ""),
        ("  payment_methods: {methods: {Swish: {mark_paid: true, mode_of_payment: SW}}}", ""),
        (
            "  payment_methods: {methods: {Swish: {mark_paid: true}}}\n  invoice: {mode_of_payment_map: {Swish: SW}}",
            "",
        ),
        ("  payment_methods: {methods: {Swish: {mark_paid: false}}}", ""),
    ]);
}

/// What payouts of Fortnox and Shopify are told; `connectors` are payment providers.
fn payouts(rows: &str, connectors: &str) -> String {
    let text = format!(
        "integration: shop\npair: fortnox-shopify\nunmanaged: [article, stock, customer, order, invoice, order_lines, shipping_methods, sales_accounts]\nflows: {{payouts: true}}\nconnectors:\n  shopify: {{active: a, connections: {{a: {{shop: nordic, access_token: {{secret: env/A}}, api_version: \"2026-10\"}}}}}}\n  fortnox: {{active: a, connections: {{a: {{client_id: {{secret: env/B}}, client_secret: {{secret: env/C}}, tenant_id: \"1\"}}}}}}\n{connectors}settings:\n  general: {{name: Shop, time_zone: Europe/Stockholm}}\n  payment_methods: {{default_terms_of_payment: \"30\", payout: {{reference_field: ExternalInvoiceReference1, fee_account: 6570, map: {{{rows}}}}}}}\n"
    );
    told(&[("integrations/shop.yaml", &text)], Selection::default())
}

#[test]
fn payouts_and_providers() {
    let klarna = "  klarna: {active: a, connections: {a: {merchant_id: \"1\", api_key: {secret: env/K}}}}\n";
    for (rows, connectors, told) in [
        ("klarna: {account: 1580, currency: SEK}", klarna, ""),
        ("klarna: {account: 1580, currency: SEK}", "", "W0476"),
        ("Nets Easy: {account: 1580, currency: SEK}", "", "W0476"),
        ("shopify_payments: {account: 1580, currency: SEK}, Swish: {account: 1581, currency: SEK}", "", ""),
        (
            "shopify_payments: {account: 1580, currency: SEK}, Swish: {account: 1580, currency: SEK}",
            "",
            "N0474",
        ),
        (
            "Swish: {account: 1580, currency: SEK}, klarna: {currencies: {SEK: {account: 1580}, EUR: {account: 1581}}}",
            klarna,
            "N0474",
        ),
        // Several currencies of one provider.
        ("klarna: {currencies: {SEK: {account: 1580}, EUR: {account: 1580}}}", klarna, ""),
        ("klarna: {account: 1580, currency: SEK}, Klarna: {account: 1581, currency: EUR}", klarna, "W0477"),
        // What a provider owes, the bank and the fees on one account.
        ("klarna: {account: 1930, currency: SEK, bank_account: 1930}", klarna, "W0473"),
        ("klarna: {account: 6570, currency: SEK}", klarna, "W0473"),
        ("klarna: {account: 1580, currency: SEK, bank_account: 1930}", klarna, ""),
    ] {
        assert_eq!(payouts(rows, connectors), told, "{rows}");
    }
}

#[test]
fn rows_outside_the_eu_that_carry_the_vat_of_home() {
    let economic = |rows: &str| {
        customers(
            "e-conomic-woocommerce",
            &format!(
                "  customer: {{match_by: email, mode: one_per_customer, company_when: vat_number, home_country: DK, customer_group: 1, default_terms_of_payment: 2, vat_by_customer: {{{rows}}}}}"
            ),
        )
    };
    for (rows, told) in [
        ("b2c: 1, b2b: 1, b2b-EU: 2, b2c-outside: 1, b2b-outside: 3", "W0465"),
        ("b2c: 1, b2b: 1, b2b-EU: 2, b2c-outside: 3, b2b-outside: 1", "W0465"),
        ("b2c: 1, b2b: 1, b2b-EU: 2, b2c-outside: 3, b2b-outside: 3, b2c-US: 1", "W0465"),
        ("b2c: 3, b2b: 1, b2b-EU: 2, b2c-outside: 3, b2c-EU: 4, b2b-outside: 5", "W0465"),
        ("b2c: 1, b2b: 1, b2b-EU: 2, b2c-outside: 3, b2b-outside: 3, b2c-IC: 3", ""),
        // One row for all is no row for those outside.
        ("b2c: 1, b2b: 2", ""),
    ] {
        assert_eq!(economic(rows), told, "{rows}");
    }
}

#[test]
fn order_numbers_with_a_prefix_in_a_field_of_digits() {
    let go = |general: &str| {
        let (path, text) = bare(
            "poweroffice-go-shopify",
            "shop",
            "shopify: {active: a, connections: {a: {shop: nordic, access_token: {secret: env/A}, api_version: \"2026-10\"}}}, poweroffice-go: {active: a, connections: {a: {application_key: {secret: env/B}, client_key: {secret: env/C}, subscription_key: {secret: env/D}}}}",
            "",
        );
        let text = text.replace("{name: Shop", &format!("{{name: Shop, {general}"));
        told(&[(&path, &text)], Selection::default())
    };
    assert_eq!(go("order_number_prefix: NO-"), "W0441");
    assert_eq!(go("order_number_prefix: \"47\""), "");
    assert_eq!(go("order_number_prefix: NO-, order_number_field: CustomerReference"), "");
    assert_eq!(go("order_number_prefix: NO-, order_number_field: ImportedOrderNo"), "W0441");
}

#[test]
fn days_on_which_a_required_setting_has_no_value() {
    check(&[
        ("  sales_accounts: {export: {account: 3105, from: 2027-06-01}}", "W0470"),
        ("  sales_accounts: {export: {account: 3105, until: 2026-12-31}}", "W0470"),
        (
            "  sales_accounts: {export: [{account: 3105, until: 2026-12-31}, {account: 3107, from: 2027-01-01}]}",
            "",
        ),
        ("  sales_accounts: {export: {account: 3105, from: 2020-01-01}}", ""),
        // A rate, and what follows something else, may begin and end.
        ("  sales_accounts: {shipping: {export: {account: 3520, until: 2027-06-30}}}", ""),
    ]);
}

#[test]
fn orders_that_are_no_sale() {
    check(&[
        ("  order: {status_filter: [PAID, VOIDED]}", "W0441"),
        ("  order: {status_filter: [EXPIRED]}", "W0441"),
        ("  order: {status_filter: [PAID, AUTHORIZED]}", ""),
    ]);
}

/// A setting that is written as it would be without is no reason to ask for a right.
#[test]
fn scopes_for_what_is_done() {
    let said = |order: &str| {
        let text = format!(
            "{SHOP}unmanaged: []\nconnectors: {{shopify: {{active: p, connections: {{p: {{shop: x, access_token: {{secret: env/T}}, scopes: [read_products]}}}}}}}}\nsettings:\n  order: {order}\n"
        );
        let found = found(&[("integrations/shop.yaml", &text)], Selection::default());
        let missing = found.iter().find(|finding| finding.code.id == "W0436").unwrap();
        format!("{missing:?}").contains("order.archive")
    };
    assert!(said("{archive: true}"));
    assert!(!said("{archive: false}"));
    assert!(!said("{}"));
}

#[test]
fn home_where_only_what_is_exempt_has_an_account() {
    assert_eq!(
        of("  sales_accounts: {home: {\"0\": 3004, \"25\": null, \"12\": null, \"6\": null}}"),
        "W0422"
    );
}
