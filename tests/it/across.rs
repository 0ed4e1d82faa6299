//! Rules across settings, each as a kind: the same mistake in another pair, country, setting, base or environment; and what
//! looks like it and is none. The projects that people sent are in `cases`.

use pairform::compile::{Selection, compile};
use pairform::source::{SourceFile, Sources};

const COMPLETE: &str = include_str!("fixtures/complete.yaml");
const SHOP: &str = "integration: shop\npair: fortnox-shopify\nextends: [complete]\n";
const BC: &str = "integration: shop\npair: business-central-shopify\nunmanaged: [article, customer, invoice, order_lines, shipping_methods, payment_methods]\n";
const LIVE: &str = "  general: {name: Shop, live_mode: true, onboarding_mode: false}\n";

/// The codes that files are told, in the order of their places.
fn told(files: &[(&str, &str)], selection: Selection) -> String {
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
    let compilation = compile(&sources, &selection);
    let codes: Vec<&str> = compilation.findings.iter().map(|finding| finding.code.id).collect();
    codes.join(" ")
}

/// What settings of the complete integration are told; text that begins at the margin stands beside them.
fn of(text: &str) -> String {
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
        ("  sales_accounts: {home: {\"25\": 3001, \"0\": 3105}}", ""),
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
            "  customer: {vat_by_customer: {b2c-home: EXPORT, b2c-EU: EUVAT, b2b: SEVAT, b2b-EU: EUREVERSEDVAT}}",
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
    assert_eq!(both(joined("two", "other", "tenant_id: \"1\"", "")), "");
    assert_eq!(both(joined("two", "nordic", "tenant_id: \"2\"", "")), "");
    assert_eq!(
        both(joined("two", "nordic", "tenant_id: \"1\"", "settings: {general: {live_mode: false}}\n")),
        ""
    );
    let parted = "flows: {orders: false, invoices: false, refunds: false}\n";
    assert_eq!(both(joined("two", "nordic", "tenant_id: \"1\"", parted)), "");
    let invoices = "flows: {orders: false, refunds: false}\n";
    assert_eq!(both(joined("two", "nordic", "tenant_id: \"1\"", invoices)), "W0432");

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
