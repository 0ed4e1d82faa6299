//! What an accountant sees in settings that are right one by one: the same mistake in several pairs and countries, and what looks like it
//! and is none. And what the reference pages say of records, keys, rules and webhooks.

use pairform::compile::Selection;
use pairform::report::reference;
use pairform::schema::parts::Catalogue;

use crate::across::{found, told};

/// What is missing, since these documents say what a test is about and no more.
const MISSING: [&str; 5] = ["E0312", "W0209", "W0406", "W0408", "N0450"];

fn said(codes: &str) -> String {
    codes.split(' ').filter(|code| !MISSING.contains(code)).collect::<Vec<_>>().join(" ")
}

/// What settings of the complete integration are told.
fn of(text: &str) -> String {
    said(&crate::across::of(text))
}

/// What settings of a pair are told, while the categories that they leave out are somebody else's.
fn pair(id: &str, settings: &str) -> String {
    in_flows(id, "{}", settings)
}

fn in_flows(id: &str, flows: &str, settings: &str) -> String {
    said(&told(&[("integrations/shop.yaml", &document(id, flows, settings))], Selection::default()))
}

fn document(id: &str, flows: &str, settings: &str) -> String {
    let linked = Catalogue::default().pair(id).unwrap();
    let is_said = |name: &str| settings.contains(&format!("  {name}: "));
    let others: Vec<&str> = linked
        .settings
        .iter()
        .map(|one| &*one.id)
        .filter(|one| !is_said(one))
        .chain(["connectors"])
        .collect();
    format!(
        "integration: shop\npair: {id}\nunmanaged: [{}]\nflows: {flows}\nsettings:\n{settings}\n",
        others.join(", ")
    )
}

#[test]
fn who_is_at_home_outside_the_eu_exports_to_it() {
    let rows = |id: &str, home: &str, rows: &str| {
        pair(
            id,
            &format!(
                "  customer: {{match_by: email, mode: one_per_customer, home_country: \"{home}\", vat_by_customer: {{{rows}}}}}"
            ),
        )
    };
    for (home, said, codes) in [
        (
            "NO",
            "b2c: standard, b2b: standard, b2b-EU: standard, b2c-EU: vat_free, b2c-outside: vat_free, b2b-outside: vat_free",
            "W0465",
        ),
        (
            "NO",
            "b2c: standard, b2b: standard, b2b-SE: standard, b2c-EU: vat_free, b2b-EU: vat_free, b2c-outside: vat_free, b2b-outside: vat_free",
            "W0465",
        ),
        // Those for whom no row says it.
        (
            "NO",
            "b2c: standard, b2b-home: standard, b2b-EU: vat_free, b2c-outside: vat_free, b2b-outside: vat_free",
            "W0466",
        ),
        (
            "CH",
            "b2c-home: standard, b2b-home: standard, b2b-outside: vat_free, b2c-outside: vat_free",
            "W0466 W0466",
        ),
        (
            "CH",
            "b2c: standard, b2b: standard, b2c-EU: vat_free, b2b-EU: vat_free, b2c-outside: vat_free, b2b-outside: vat_free",
            "",
        ),
        // All EU countries are one to it, as all others are.
        (
            "GB",
            "b2c: standard, b2b: standard, b2c-DE: vat_free, b2c-FR: vat_free, b2c-EU: vat_free, b2b-EU: vat_free, b2c-outside: vat_free, b2b-outside: vat_free",
            "",
        ),
        // Who is in its VAT area is at home.
        (
            "GB",
            "b2c: standard, b2b: standard, b2c-XI: standard, b2c-EU: vat_free, b2b-EU: vat_free, b2c-outside: vat_free, b2b-outside: vat_free",
            "",
        ),
        (
            "CH",
            "b2c: standard, b2b: standard, b2c-LI: standard, b2c-EU: vat_free, b2b-EU: vat_free, b2c-outside: vat_free, b2b-outside: vat_free",
            "",
        ),
        (
            "DK",
            "b2c: standard, b2b: standard, b2c-LI: standard, b2b-EU: vat_free, b2c-outside: vat_free, b2b-outside: vat_free",
            "W0465",
        ),
    ] {
        assert_eq!(rows("poweroffice-go-shopify", home, said), codes, "{home} {said}");
    }
    for (home, codes) in [("NO", "W0465"), ("GB", "W0465"), ("CH", "W0465")] {
        let said = "b2c: 1, b2b: 1, b2b-EU: 1, b2c-EU: 2, b2c-outside: 2, b2b-outside: 2";
        assert_eq!(rows("norce-visma-business-nxt", home, said), codes, "{home}");
    }
    // Their customers are one, too.
    let shared = |home: &str, numbers: &str| {
        pair(
            "e-conomic-shopify",
            &format!(
                "  customer: {{match_by: email, mode: one_shared_web_customer, home_country: \"{home}\", shared_customer: \"1000\", shared_customers: {{{numbers}}}}}"
            ),
        )
    };
    assert_eq!(shared("NO", "DE: \"1001\", FR: \"1001\""), "");
    assert_eq!(shared("DK", "DE: \"1001\", FR: \"1001\""), "W0430");
    assert_eq!(shared("DK", "DE: \"1001\", \"NO\": \"1000\""), "W0466");
    assert_eq!(shared("DK", "DE: \"1000\", \"NO\": \"1002\""), "");
    // Sales with VAT of another country, and exports.
    assert_eq!(shared("DK", "DE: \"1001\", \"NO\": \"1001\""), "W0430");
    assert_eq!(shared("DK", "CH: \"1001\", \"NO\": \"1001\""), "");
    // And what they sell with VAT of home is sold there.
    let accounts = |home: &str| {
        pair(
            "fortnox-shopify",
            &format!(
                "  sales_accounts: {{home_country: \"{home}\", oss_enabled: false, home: {{\"25\": 3001}}, eu_with_vat: 3001, export: 3105}}"
            ),
        )
    };
    assert_eq!([accounts("NO"), accounts("SE")], ["W0430", ""]);
}

#[test]
fn methods_that_a_provider_pays_out_by_their_names() {
    let told = |method: &str, row: &str| {
        let connectors = match row {
            "nets-easy" => {
                "nets-easy: {active: a, connections: {a: {merchant_number: \"1\", secret_key: {secret: env/K}}}}"
            }
            _ => "klarna: {active: a, connections: {a: {merchant_id: \"1\", api_key: {secret: env/K}}}}",
        };
        of(&format!(
            "flows: {{payouts: true}}\nconnectors: {{{connectors}}}\nsettings:\n  order: {{status_filter: [PAID]}}\n  payment_methods:\n    methods: {{{method}: {{mark_paid: true, account: 1930}}}}\n    payout: {{reference_field: ExternalInvoiceReference1, fee_account: 6570, map: {{{row}: {{account: 1580, currency: SEK}}}}}}"
        ))
    };
    for (method, row, code) in [
        ("klarna_kp", "klarna", "W0480"),
        ("Klarna Payments", "klarna", "W0480"),
        ("kco", "klarna", "W0480"),
        ("dibs_easy", "nets-easy", "W0480"),
        ("Nets Easy Checkout", "nets-easy", "W0480"),
        ("Klarna", "klarna", "E0409"),
        ("easy_invoice", "nets-easy", ""),
        ("swish", "klarna", ""),
        ("klarnaish", "klarna", ""),
    ] {
        assert_eq!(told(method, row), code, "{method}");
    }
}

#[test]
fn an_account_of_all_payments_that_payouts_are_booked_on() {
    let told = |invoice: &str, methods: &str| {
        in_flows(
            "e-conomic-shopify",
            "{payouts: true}",
            &format!(
                "  general: {{name: Shop, time_zone: Europe/Copenhagen}}\n  invoice: {{trigger: captured, format: booked, default_terms_of_payment: 1, layout: 1, {invoice}}}\n  order: {{creates: order, exclude_before: 2026-01-01, status_filter: [PAID]}}\n  payment_methods: {{default_terms_of_payment: 1, methods: {{{methods}}}, payout: {{document: payments, fee_account: 7220, map: {{shopify_payments: {{account: 5610, currency: DKK}}}}}}}}"
            ),
        )
    };
    assert_eq!(told("mark_paid: true, payment_account: 5610", ""), "W0480");
    assert_eq!(told("mark_paid: true, payment_account: 5611", ""), "");
    // One method alone.
    assert_eq!(told("mark_paid: false", "Vipps: {mark_paid: true, account: 5610}"), "W0480");
    assert_eq!(told("mark_paid: false", "Vipps: {mark_paid: true, account: 5611}"), "");
    assert_eq!(told("mark_paid: true, payment_account: 5610", "card: {mark_paid: false}"), "");
    // A method of that name is marked as all are.
    assert_eq!(told("mark_paid: true, payment_account: 5611", "Shopify Payments: {terms: 1}"), "E0409");
    assert_eq!(told("mark_paid: true, payment_account: 5610", "Shopify Payments: {terms: 1}"), "E0409");
}

#[test]
fn one_zone_for_all_beside_rows() {
    let told = |zone: &str, others: &str| {
        pair(
            "visma-net-woocommerce",
            &format!(
                "  customer: {{match_by: email, mode: one_per_customer, home_country: SE, {zone}vat_by_customer: {{b2c: \"10\", b2b: \"10\"{others}}}}}"
            ),
        )
    };
    let others = ", b2c-FI: \"12\", b2b-EU: \"13\", b2c-outside: \"14\", b2b-outside: \"14\"";
    assert_eq!(told("vat_zone: \"01\", ", others), "W0469");
    assert_eq!(told("", others), "");
    assert_eq!(told("vat_zone: \"01\", ", ""), "");
}

#[test]
fn what_does_nothing_beside_another_setting() {
    for (text, codes) in [
        ("  order_lines: {shipping_as: header_freight, shipping_article: FRAKT}", "W0440"),
        ("  order_lines: {shipping_as: row, shipping_article: FRAKT}", ""),
        ("  order_lines: {discount_article: RABATT}", "W0440"),
        ("  order_lines: {discount_article: RABATT, discount_as: separate_row}", ""),
        ("  order_lines: {rounding_article: AVR, rounding_text: Avrundning}", "W0440"),
        ("  order_lines: {rounding_article: AVR, rounding: rounding_row}", ""),
        (
            "  additional_filters: {buyers: b2c}\n  customer: {require_org_number: true, unknown_company: stop}",
            "W0440",
        ),
        ("  additional_filters: {buyers: b2c}\n  customer: {require_org_number: false}", ""),
        ("  additional_filters: {buyers: b2b}\n  customer: {require_org_number: true}", ""),
        ("  order: {capture: true}\n  invoice: {trigger: captured}", "W0440"),
        ("  order: {capture: true}\n  invoice: {trigger: fulfilled}", ""),
        // By an account that is of home, while other countries have their own.
        ("  order_lines: {use_article_account: true}", ""),
        (
            "  order_lines: {use_article_account: true}\n  sales_accounts: {oss_enabled: true, countries: {FI: {rates: {\"25.5\": 3131}}}}",
            "W0441",
        ),
    ] {
        assert_eq!(of(text), codes, "{text}");
    }
    let order = |filter: &str| {
        pair(
            "fortnox-woocommerce",
            &format!(
                "  order: {{creates: order, exclude_before: 2026-01-01, status_filter: {filter}, complete: true}}"
            ),
        )
    };
    assert_eq!(order("[completed]"), "W0440");
    assert_eq!(order("[processing]"), "");
    assert_eq!(order("[processing, completed]"), "");
    // A base may serve integrations of both.
    let base = ("bases/lines.yaml", "settings: {order_lines: {rounding_article: AVR}}\n");
    let own =
        ("integrations/shop.yaml", "integration: shop\npair: fortnox-shopify\nextends: [complete, lines]\n");
    assert_eq!(said(&told(&[base, own], Selection::default())), "");
}

#[test]
fn warehouses_whose_stock_nobody_counts() {
    let stock = "  stock: {direction: erp_to_shop, quantity_kind: available, target_location: gid://shopify/Location/1, source_locations: [MAIN]}\n";
    for (lines, codes) in [
        ("  order_lines: {stock_point: STORE}", "W0475"),
        ("  order_lines: {stock_point: MAIN}", ""),
        ("  shipping_methods: {methods: {Pickup: {warehouse: STORE}}}", "W0475"),
        ("  shipping_methods: {methods: {Pickup: {warehouse: MAIN}}}", ""),
    ] {
        assert_eq!(of(&format!("{stock}{lines}")), codes, "{lines}");
    }
    assert_eq!(
        of(
            "  stock: {direction: shop_to_erp, source_locations: [MAIN]}\n  order_lines: {stock_point: STORE}"
        ),
        ""
    );
}

#[test]
fn accounts_of_vat_and_of_fees_are_no_others() {
    let home = |id: &str, country: &str, rate: &str, account: &str| {
        pair(
            id,
            &format!(
                "  sales_accounts: {{home_country: \"{country}\", oss_enabled: false, home: {{\"{rate}\": {account}}}}}"
            ),
        )
    };
    assert_eq!(home("shopify-visma-spiris", "SE", "25", "2611"), "W0473");
    assert_eq!(home("shopify-visma-spiris", "SE", "25", "3001"), "");
    assert_eq!(home("shopify-tripletex", "NO", "25", "2700"), "W0473");
    assert_eq!(home("shopify-visma-spiris", "FI", "25.5", "2611"), "");
    let fees = |account: &str| {
        in_flows(
            "business-central-shopify",
            "{payouts: true}",
            &format!(
                "  order_lines: {{missing_article: stop, shipping_account: \"3520\"}}\n  payment_methods: {{default_terms_of_payment: \"30\", payout: {{fee_account: \"{account}\", map: {{shopify_payments: {{account: \"1580\", currency: SEK}}}}}}}}"
            ),
        )
    };
    assert_eq!([fees("3520"), fees("6570")], ["W0473", ""]);
}

#[test]
fn currencies_that_there_are_not_and_accounts_with_one() {
    for (currency, codes) in [("SEK", ""), ("SKE", "W0481"), ("EURO", "W0481"), ("XYZ", "W0481")] {
        assert_eq!(of(&format!("  order: {{default_currency: {currency}}}")), codes, "{currency}");
    }
    let payouts = |id: &str, rows: &str| {
        let payments = if id.contains("xero") { "due_in: 0" } else { "default_terms_of_payment: \"30\"" };
        let field = if id.contains("xero") { "Reference" } else { "ExternalInvoiceReference1" };
        in_flows(
            id,
            "{payouts: true}",
            &format!(
                "  payment_methods: {{{payments}, payout: {{reference_field: {field}, fee_account: 6570, map: {{partner: {rows}}}}}}}"
            ),
        )
    };
    let one =
        "{currencies: {GBP: {account: 6030, bank_account: 6090}, EUR: {account: 6040, bank_account: 6090}}}";
    let two =
        "{currencies: {GBP: {account: 6030, bank_account: 6090}, EUR: {account: 6040, bank_account: 6091}}}";
    assert_eq!(payouts("shopify-xero", one), "W0476");
    assert_eq!(payouts("shopify-xero", two), "");
    assert_eq!(payouts("fortnox-shopify", &one.replace("60", "10")), "");
    assert_eq!(payouts("fortnox-shopify", &two.replace("EUR", "EUO").replace("60", "10")), "W0481");
    // One mistake is one finding: this provider's currencies are known.
    let klarna = |currency: &str| {
        let settings = format!(
            "  payment_methods: {{default_terms_of_payment: \"30\", payout: {{reference_field: ExternalInvoiceReference1, fee_account: 6570, map: {{klarna: {{account: 1580, currency: {currency}}}}}}}}}"
        );
        let text = document("fortnox-shopify", "{payouts: true}", &settings);
        let connectors = "connectors: {klarna: {active: a, connections: {a: {merchant_id: \"1\", api_key: {secret: env/K}}}}}";
        let text = text.replace(", connectors]", &format!("]\n{connectors}"));
        said(&told(&[("integrations/shop.yaml", &text)], Selection::default()))
    };
    assert_eq!([klarna("SEK"), klarna("ISK"), klarna("SKE")], ["", "W0476", "W0481"]);
}

#[test]
fn tax_rates_by_place() {
    let told = |oss: &str, home: &str, rows: &str| {
        pair(
            "shopify-xero",
            &format!(
                "  order_lines: {{missing_article: stop, tax_types: {{{rows}}}}}\n  sales_accounts: {{home_country: {home}, {oss}}}"
            ),
        )
    };
    let off = "oss_enabled: false, home: {\"20\": 200, \"0\": 201}";
    assert_eq!(told(off, "GB", "GB-20: OUTPUT2, DE-19: TAX010"), "W0440");
    assert_eq!(told(off, "GB", "GB-20: OUTPUT2, DE-20: OUTPUT2, outside: ZERO, DE-0: ZERO"), "");
    // Goods to Northern Ireland carry the rates of home.
    assert_eq!(told(off, "GB", "GB-20: OUTPUT2, XI-20: OUTPUT2"), "");
    let on = "oss_enabled: true, home: {\"25\": 200}, countries: {DE: {rates: {\"19\": 210}}}";
    assert_eq!(told(on, "SE", "DE-19: TAX010"), "");
    assert_eq!(told(off, "GB", "GB-20: ZERO, GB-0: ZERO"), "W0430");
    assert_eq!(told(off, "GB", "GB-20: OUTPUT2, outside: OUTPUT2"), "W0430");
    let amounts = |rate: &str, amounts: &str| {
        in_flows(
            "shopify-xero",
            "{}",
            &format!(
                "  invoice: {{trigger: captured, format: AUTHORISED, line_amounts: {amounts}}}\n  sales_accounts: {{home_country: GB, oss_enabled: false, home: {{\"{rate}\": 200, \"0\": 201}}}}"
            ),
        )
    };
    assert_eq!([amounts("20", "NoTax"), amounts("20", "Exclusive")], ["W0441", ""]);
}

#[test]
fn what_stands_in_the_way_is_offered_to_be_taken_away() {
    let text = document(
        "fortnox-shopify",
        "{payouts: true}",
        "  payment_methods: {default_terms_of_payment: \"30\", payout: {reference_field: ExternalInvoiceReference1, fee_account: 6570, map: {partner: {account: 1581, currencies: {SEK: {account: 1581}}}}}}",
    );
    let all = found(&[("integrations/shop.yaml", &text)], Selection::default());
    let said: Vec<_> = all.iter().map(|one| (one.code.id, one.help.as_deref().unwrap_or_default())).collect();
    assert_eq!(said, [("E0307", "add `currency`, or take `account` away")]);
}

#[test]
fn the_reference_page_says_what_records_keys_rules_and_webhooks_take() {
    let page = |id: &str| reference::markdown(&Catalogue::default().pair(id).unwrap()).unwrap();
    let fortnox = page("fortnox-shopify");
    for part in [
        // Fields of a record: type, secret, required, allowed values, default.
        "| Field | `client_id`: Client ID (credential, required). Client id of the Fortnox app. |",
        "| Field | `shop`: Shop (text, required).",
        "| Field | `account`: Account (dropdown of Fortnox accounts). The account that payouts",
        "Allowed: `none` No VAT, `included` VAT of home is included, `reverse_charge` Reverse charge. Default: none. |",
        "Allowed: `api` Europe, `api-na` North America,",
        "Default: api. |",
        // A connection, and which of its fields it needs.
        "| Needs | a connection to Klarna needs `api_key`, or `username` and `password` |",
        // Keys.
        "| Keys | `AX` Åland, `IC` Canary Islands,",
        "| Type | mapping of Fortnox stock points to Shopify locations |",
        "| Keys | Fortnox stock points; any other text is taken too |",
        // Records in records.
        "| Field | `currencies.*.account`: Account (dropdown of Fortnox accounts, required).",
        "| Field | `priority`: Priority (whole number, required).",
        // Rules and webhooks.
        "| Field | `every`: Interval (text). How often the flow runs. |",
        "| Needs | a rule runs either `every` so often or `after` another rule, and has one of the two |",
        "| `orders/paid` | `orders`, `invoices`, `payouts` | `read_orders` |",
        "Its messages are verified by `webhook_secret` of the connection, or by the webhook's own `secret`.",
        "After 8 failures within 4h it is deleted.",
        "Fortnox has no webhooks; it sends changes over a WebSocket stream.",
        "| `payout.paid` | `payouts` |  |",
    ] {
        assert!(fortnox.contains(part), "{part}");
    }
    let html = reference::html(&Catalogue::default().pair("fortnox-shopify").unwrap()).unwrap();
    for part in [
        "<td><code>orders&#x2f;paid</code></td><td>orders, invoices, payouts</td><td>read_orders</td>",
        "<h3>Klarna</h3>",
    ] {
        assert!(html.contains(part), "{part}");
    }
    // Every field that a connection or a rule has is on the page of its pair, with its kind.
    for id in Catalogue::default().names("pairs") {
        let page = page(&id);
        assert!(!page.contains("(). ") && !page.contains(": . "), "{id}");
    }
}
