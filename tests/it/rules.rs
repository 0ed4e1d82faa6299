//! Each rule: one edit to a complete integration yields exactly its finding at the right place, and its mend none.
//!
//! A case is the text that is added to an integration which extends a complete base. The day is fixed.

use pairform::compile::{Compilation, Selection, compile};
use pairform::diagnostic::{Finding, Severity};
use pairform::source::{SourceFile, Sources};

const TODAY: &str = "2026-11-20";

const COMPLETE: &str = r#"
settings:
  general: {name: Nordic Outdoor, onboarding_mode: false, live_mode: true}
  article: {direction: erp_to_shop, match_by: sku, default_culture: sv, default_status: DRAFT}
  stock: {direction: erp_to_shop, quantity_kind: available, target_location: gid://shopify/Location/1}
  order: {exclude_before: 2020-01-01, creates: order, status_filter: [PAID]}
  customer: {match_by: email, mode: one_per_customer}
  invoice: {trigger: captured, default_terms_of_payment: "30", refund_article: refund_discrepancy, refund_fee_article: refund_fee}
  order_lines: {missing_article: stop, shipping_as: row}
  shipping_methods: {default_way_of_delivery: P}
  payment_methods: {default_terms_of_payment: "30"}
  sales_accounts:
    home_country: SE
    oss_enabled: true
    home: {"25": 3001, "12": 3002, "6": 3003, "0": 3004}
    eu_with_vat: 3106
    eu_reverse: 3108
    export: 3105
    countries: {DE: {default_account: 3111, rates: {"19": 3111, "7": 3112}}}
"#;

const ALONE: &str = "unmanaged: [general, article, stock, customer, order, invoice, order_lines, shipping_methods, \
                     payment_methods, sales_accounts, connectors]\n";

struct Judged {
    sources: Sources,
    compilation: Compilation,
}

impl Judged {
    fn findings(&self) -> &[Finding] {
        &self.compilation.findings
    }

    /// `CODE severity "text under the carets"`, one a line.
    fn told(&self) -> String {
        let line = |finding: &Finding| {
            let at = self.sources.text(finding.primary.span);
            format!("{} {} {at}", finding.code.id, finding.severity.as_str())
        };
        self.findings().iter().map(line).collect::<Vec<_>>().join("\n")
    }
}

fn judge_on(today: &str, head: &str, text: &str, files: &[(&str, &str)]) -> Judged {
    let mut sources = Sources::default();
    if !files.iter().any(|(path, _)| *path == "pairform.yaml") {
        sources.add(SourceFile::new("pairform.yaml", "version: 1\n"));
    }
    if head.contains("extends") {
        sources.add(SourceFile::new("bases/complete.yaml", COMPLETE));
    }
    sources.add(SourceFile::new("integrations/shop.yaml", format!("integration: shop\n{head}{text}")));
    for (path, text) in files {
        sources.add(SourceFile::new(*path, *text));
    }
    let selection = Selection { today: Some(today.parse().unwrap()), ..Selection::default() };
    let compilation = compile(&sources, &selection);
    Judged { sources, compilation }
}

const HEAD: &str = "pair: fortnox-shopify\nextends: [complete]\nunmanaged: [connectors]\n";

fn judge(text: &str) -> Judged {
    judge_on(TODAY, HEAD, text, &[])
}

/// One edit and its mend, below `settings` of the complete integration unless it begins at the margin.
fn document(text: &str) -> String {
    let text = text.trim_start_matches('\n');
    if text.starts_with(' ') { format!("settings:\n{text}\n") } else { format!("{text}\n") }
}

fn check(wrong: &str, told: &str, mend: &str) {
    let judged = judge(&document(wrong));
    assert_eq!(judged.told(), told, "{wrong}");
    for finding in judged.findings() {
        // What the schema refuses may be explained by its label alone.
        let explained = finding.help.is_some() || finding.code.id == "E0305";
        assert!(explained, "{} has help", finding.code.id);
        assert_eq!(finding.about.integration.as_deref(), Some("shop"), "{}", finding.code.id);
        assert!(finding.about.category.is_some(), "{}", finding.code.id);
    }
    assert_eq!(judge(&document(mend)).told(), "", "{mend}");
}

/// The help of the only finding.
fn help(text: &str) -> String {
    let judged = judge(&document(text));
    assert_eq!(judged.findings().len(), 1, "{}", judged.told());
    judged.findings()[0].help.clone().unwrap_or_default()
}

const PAYOUTS: &str = "flows: {payouts: true}\nsettings:\n  payment_methods:\n    payout:\n      map: {Shopify Payments: {account: 1580, currency: SEK}}\n      fee_account: 6570\n";

#[test]
fn the_complete_integration_has_no_findings() {
    assert_eq!(judge("").told(), "");
}

#[test]
fn modes() {
    check("  general: {onboarding_mode: true}", "W0407 warning true", "  general: {onboarding_mode: false}");
    check(
        "  general: {onboarding_mode: true, live_mode: false}\n  order: {exclude_before: 2026-11-01}\n  invoice: {book: true}",
        "W0408 warning true",
        "  general: {onboarding_mode: true, live_mode: false}\n  order: {exclude_before: 2026-11-01}\n  invoice: {book: false}",
    );
    check(
        "  order: {exclude_before: 2027-01-01}",
        "W0411 warning 2027-01-01",
        "  order: {exclude_before: 2026-11-20}",
    );
    check("  order: {skip_test: false}", "W0412 warning false", "  order: {skip_test: null}");
    // What is not live syncs nothing yet.
    assert_eq!(
        judge(
            "settings: {general: {live_mode: false}, order: {exclude_before: 2027-01-01, skip_test: false}}"
        )
        .told(),
        ""
    );
    // Booking is what a live integration may do.
    assert_eq!(judge("settings: {invoice: {book: true}}").told(), "");
}

#[test]
fn a_booked_format_in_onboarding_is_found_too() {
    let head = "pair: e-conomic-shopify\nunmanaged: [general, article, customer, order, order_lines, shipping_methods, payment_methods, connectors]\n";
    let all = "settings:\n  invoice: {trigger: captured, default_terms_of_payment: 1, layout: 1, refund_article: a, refund_fee_article: b, format: ";
    let judged = judge_on(TODAY, head, &format!("{all}booked}}\n"), &[]);
    // Onboarding mode is unmanaged here, so nothing is known of it.
    assert!(!judged.told().contains("W0408"), "{}", judged.told());
    let managed = head.replace("general, ", "");
    let text = format!("{all}booked}}\n  general: {{name: Shop, onboarding_mode: true}}\n");
    assert!(judge_on(TODAY, &managed, &text, &[]).told().contains("W0408 warning booked"));
}

#[test]
fn payouts() {
    let paid = "  invoice: {mark_paid: true, mode_of_payment_map: {shopify_payments: SP, Swish: SW}}";
    let paid_right = "  invoice: {mark_paid: true, mode_of_payment_map: {Swish: SW}}";
    let field = "      reference_field: ExternalInvoiceReference1\n";
    check(
        &format!("{PAYOUTS}{field}{paid}"),
        "E0409 error shopify_payments",
        &format!("{PAYOUTS}{field}{paid_right}"),
    );
    check(
        &format!("{PAYOUTS}      reference_field: OurReference"),
        "E0410 error OurReference",
        &format!("{PAYOUTS}{field}"),
    );
    check(
        &format!("{PAYOUTS}{field}  general: {{order_number_field: YourOrderNumber}}"),
        "E0410 error ExternalInvoiceReference1",
        &format!("{PAYOUTS}{field}  general: {{order_number_field: ExternalInvoiceReference1}}"),
    );
    // A value that does not exist is one mistake.
    assert_eq!(judge(&format!("{PAYOUTS}      reference_field: Nowhere\n")).told(), "E0304 error Nowhere");
}

#[test]
fn schedules_and_webhooks() {
    // Not live, where every flow that is on would need a start.
    check(
        "schedules: {orders: {flow: orders, every: 4m}}\nsettings: {general: {live_mode: false}}",
        "W0413 warning 4m",
        "schedules: {orders: {flow: orders, every: 5m}}\nsettings: {general: {live_mode: false}}",
    );
    check(
        "schedules: {orders: {flow: orders, every: 15m, enabled: false}, invoices: {flow: invoices, after: orders}}\nsettings: {general: {live_mode: false}}",
        "W0426 warning orders",
        "schedules: {orders: {flow: orders, every: 15m}, invoices: {flow: invoices, after: orders}}\nsettings: {general: {live_mode: false}}",
    );
    check(
        "schedules: {a: {flow: orders, after: b}, b: {flow: invoices, after: a}}\nsettings: {general: {live_mode: false}}",
        "E0403 error b",
        "schedules: {a: {flow: orders, every: 1h}, b: {flow: invoices, after: a}}\nsettings: {general: {live_mode: false}}",
    );
    check(
        "schedules: {often: {flow: orders, every: 1h}}\nwebhooks: {new: {connector: shopify, topic: orders/made, flow: orders}}\nsettings: {general: {live_mode: false}}",
        "E0304 error orders/made",
        "schedules: {often: {flow: orders, every: 1h}}\nwebhooks: {new: {connector: shopify, topic: orders/create, flow: orders}}\nsettings: {general: {live_mode: false}}",
    );
    let head = format!("pair: business-central-shopify\n{}", ALONE.replace(" sales_accounts,", ""));
    let hook = "webhooks: {items: {connector: business-central, topic: items, flow: articles}}\n";
    assert_eq!(judge_on(TODAY, &head, hook, &[]).told(), "N0414 note items");
    let both = format!("{hook}schedules: {{articles: {{flow: articles, every: 1d}}}}\n");
    assert_eq!(judge_on(TODAY, &head, &both, &[]).told(), "");
}

#[test]
fn a_location_delivers_from_what_it_shows() {
    let with = |stock: &str, rows: &str| {
        format!("settings:\n  stock: {stock}\n  order_lines: {{warehouse_by_location: {rows}}}\n")
    };
    const MAP: &str = "{target_location: null, location_map: {A: one, B: two}}";
    check(&with(MAP, "{one: A, two: A}"), "W0475 warning A", &with(MAP, "{one: A, two: B}"));
    check(
        &with("{source_locations: [A, B], target_location: one}", "{one: C}"),
        "W0475 warning C",
        &with("{source_locations: [A, B], target_location: one}", "{one: B}"),
    );
    // Where it is not said whose stock a location shows, or the shop is the master of it, nothing is known.
    for (stock, rows) in [
        (MAP, "{three: A}"),
        ("{target_location: one}", "{one: C}"),
        ("{direction: shop_to_erp, source_locations: [A], target_location: one}", "{one: C}"),
    ] {
        assert_eq!(judge(&with(stock, rows)).told(), "", "{stock} {rows}");
    }
}

#[test]
fn limits_of_platforms() {
    check(
        "  order: {status_filter: [PAID, PARTIALLY_REFUNDED]}",
        "N0415 note PARTIALLY_REFUNDED",
        "  order: {status_filter: [PAID]}",
    );
    check(
        "  order_lines: {text_rows: [line_properties]}",
        "N0416 note line_properties",
        "  order_lines: {text_rows: [order_note]}",
    );
    let head = format!("pair: centra-fortnox\n{}", ALONE.replace(", connectors", ""));
    let connectors = "connectors: {centra: {active: a, connections: {a: {base_url: https://x.example, access_token: {secret: env/T}}}}, fortnox: {active: a, connections: {a: {client_id: {secret: env/I}, client_secret: {secret: env/S}, tenant_id: \"1\"}}}}\n";
    assert_eq!(judge_on(TODAY, &head, connectors, &[]).told(), "N0425 note access_token");
    let allowed = format!("{connectors}levels: {{N0425: {{level: allow, reason: made without an end}}}}\n");
    let excepted = [("pairform.yaml", "version: 1\nlevels: {N0425: {except: [shop]}}\n")];
    assert_eq!(judge_on(TODAY, &head, &allowed, &excepted).told(), "");
}

fn countries(rows: &str) -> String {
    format!("  sales_accounts: {{countries: {{{rows}}}}}")
}

#[test]
fn countries_and_rates() {
    check(&countries("SE: {rates: {25: 3001}}"), "E0418 error SE", &countries("SE: null"));
    check(&countries("HU: {rates: {25: 3131}}"), "W0419 warning 25", &countries("HU: {rates: {27: 3131}}"));
    check(&countries("FI: {rates: {24: 3131}}"), "W0420 warning 24", &countries("FI: {rates: {25.5: 3131}}"));
    check(
        &countries("PL: {rates: {8: 3131}}"),
        "W0421 warning PL",
        &countries("PL: {default_account: 3130, rates: {8: 3131}}"),
    );
    check(
        "  sales_accounts: {home: {25: null}}",
        "W0422 warning home",
        "  sales_accounts: {home: {25: 3001}}",
    );
    check(
        "  sales_accounts: {home: {6: null}}",
        "W0417 warning \"12\"",
        "  sales_accounts: {home: {6: 3003}}",
    );
    check(
        "  sales_accounts: {home: {12: null}}",
        "W0417 warning \"6\"",
        "  sales_accounts: {home: {12: 3002}}",
    );
    check(
        "  sales_accounts: {shipping: {home: {24: 3520}}}",
        "W0419 warning 24",
        "  sales_accounts: {shipping: {home: {25: 3520}}}",
    );
}

#[test]
fn a_rate_is_judged_by_the_day() {
    let on = |today: &str, rates: &str| {
        judge_on(today, HEAD, &document(&countries(&format!("FI: {{rates: {{{rates}}}}}"))), &[]).told()
    };
    assert_eq!(on("2024-07-06", "24: 3131"), "");
    // In the eight weeks before it ends, unless what follows has an account.
    assert_eq!(on("2024-07-07", "24: 3131"), "W0420 warning 24");
    assert_eq!(on("2024-09-01", "24: 3131"), "W0420 warning 24");
    // The old rate beside the new one serves credit notes, and a rate that is to come does no harm.
    assert_eq!(on("2024-09-01", "24: 3131, 25.5: 3132"), "W0420 note 24");
    assert_eq!(on("2024-08-31", "24: 3131, 25.5: 3132"), "W0420 note 25.5");
    assert_eq!(on("2026-01-01", "25.5: 3132, 14: 3133"), "W0420 warning 14");
    let food =
        |today: &str| judge_on(today, HEAD, &document("  sales_accounts: {home: {6: null}}"), &[]).told();
    assert_eq!(food("2026-02-01"), "");
    assert_eq!(food("2026-03-31"), "W0417 warning \"12\"");
    assert_eq!(food("2026-04-01"), "W0417 warning \"12\"");
    assert_eq!(food("2027-12-31"), "W0417 warning \"12\"");
    assert_eq!(food("2028-01-01"), "");
    // That the standard rate is mapped does not say that the goods are sold which moved from it, or to it.
    let latvia = |rates: &str| judge(&document(&countries(&format!("LV: {{rates: {{{rates}}}}}")))).told();
    assert_eq!(latvia("21: 3131"), "");
    assert_eq!(latvia("21: 3131, 12: 3132"), "");
}

#[test]
fn a_rate_that_changes_on_1_january_is_committed_in_november_and_needs_nobody_on_that_day() {
    let on = |today: &str, rates: &str| {
        judge_on(today, HEAD, &document(&countries(&format!("FI: {{rates: {{{rates}}}}}"))), &[]).told()
    };
    let whole = "25.5: 3131, 14: {account: 3132, until: 2025-12-31}, 13.5: {account: 3133, from: 2026-01-01}";
    for (day, told) in [
        ("2025-11-15", ""),
        ("2025-12-31", ""),
        ("2026-01-01", "N0468 note 14"),
        ("2026-07-01", "N0468 note 14"),
    ] {
        assert_eq!(on(day, whole), told, "{day}");
    }
    // A row that is missing is warned of in the weeks before, whether or not the old one ends by itself.
    for old in ["25.5: 3131, 14: 3132", "25.5: 3131, 14: {account: 3132, until: 2025-12-31}"] {
        assert_eq!(on("2025-11-05", old), "", "{old}");
        assert_eq!(on("2025-11-06", old), "W0420 warning 14", "{old}");
    }
    // So is a standard rate whose account ends and has none to follow.
    let ends = "25.5: {account: 3131, until: 2026-12-31}, 10: 3134";
    assert_eq!(on("2026-11-05", ends), "");
    assert_eq!(on("2026-11-20", ends), "W0421 warning 25.5");
    // And one that is in force, by whatever rate, and has an account on other days alone.
    for (rates, told) in [
        ("25.5: [{account: 3131, until: 2026-06-30}], 10: 3134", "W0421 warning 25.5"),
        ("25.5: [{account: 3131, from: 2027-01-01}], 10: 3134", "W0421 warning 25.5"),
        ("25.5: 3131, 10: {account: 3134, until: 2026-06-30}", "W0470 warning 10"),
        ("25.5: 3131, 10: {account: 3134, from: 2027-01-01}", "W0470 warning 10"),
        (
            "25.5: 3131, 10: [{account: 3134, until: 2025-06-30}, {account: 3135, until: 2026-06-30, from: 2025-07-01}]",
            "W0470 warning 10",
        ),
        ("25.5: 3131, 10: {account: 3134, until: 2027-06-30}", ""),
    ] {
        assert_eq!(on("2026-11-20", rates), told, "{rates}");
    }
    assert_eq!(
        on(
            "2026-11-20",
            "25.5: [{account: 3131, until: 2026-12-31}, {account: 3135, from: 2027-01-01}], 10: 3134"
        ),
        ""
    );
    // What follows the goods is warned of as long before, unless it ends too.
    let parts = |shipping: &str| format!("{whole}}}, shipping_rates: {{{shipping}");
    for (day, told) in [("2025-11-05", ""), ("2025-11-15", "W0420 warning 14")] {
        assert_eq!(on(day, &parts("25.5: 3151, 14: 3152")), told, "{day}");
        assert_eq!(on(day, &parts("25.5: 3151, 14: {account: 3152, until: 2025-12-31}")), "", "{day}");
    }
    // A row that begins before its rate does is judged by the day on which it begins.
    assert_eq!(
        on("2025-10-01", "25.5: 3131, 14: 3132, 13.5: {account: 3133, from: 2025-12-01}"),
        "W0420 note 13.5"
    );
    // Nor is anything said of a country that is sold to from then on.
    let later = countries("FI: {from: 2026-01-01, rates: {25.5: 3131, 13.5: 3133}}");
    assert_eq!(judge_on("2025-11-15", HEAD, &document(&later), &[]).told(), "");
}

#[test]
fn days_of_rows() {
    for (wrong, told) in [
        (
            "  sales_accounts: {export: {account: 3105, from: 2027-02-01, until: 2027-01-01}}",
            "E0467 error 2027-01-01",
        ),
        (
            "  sales_accounts: {export: [{account: 3105}, {account: 3305, from: 2027-01-01}]}",
            "E0467 error 2027-01-01",
        ),
        (
            "  sales_accounts: {home: {12: [{account: 3002, until: 2027-01-01}, {account: 3012, from: 2027-01-01}]}}",
            "E0467 error 2027-01-01",
        ),
        (
            "  sales_accounts: {countries: {NL: {until: 2026-12-31, default_account: {account: 3141, from: 2027-01-01}}}}",
            "E0467 error 2027-01-01",
        ),
        ("  sales_accounts: {countries: {NL: {until: 2026-10-31, default_account: 3141}}}", "N0468 note NL"),
        (
            "  sales_accounts: {shipping: {export: [{account: 3105, until: 2025-12-31}, {account: 3305, from: 2026-01-01}]}}",
            "N0468 note 2025-12-31",
        ),
        // Days between two rows on which neither counts; those that are over are nobody's any more.
        (
            "  sales_accounts: {eu_reverse: [{account: 3108, until: 2026-12-31}, {account: 3109, from: 2027-02-01}]}",
            "W0470 warning 2027-02-01",
        ),
        (
            "  sales_accounts: {home: {25: [{account: 3001, until: 2026-12-31}, {account: 3011, from: 2027-02-01}]}}",
            "W0470 warning 2027-02-01",
        ),
        (
            "  sales_accounts: {eu_reverse: [{account: 3108, until: 2024-12-31}, {account: 3109, from: 2025-02-01}]}",
            "N0468 note 2024-12-31",
        ),
        ("  sales_accounts: {export: {account: 3105, form: 2027-01-01}}", "E0301 error form"),
        ("  sales_accounts: {export: {from: 2027-01-01}}", "E0306 error export"),
        ("  sales_accounts: {export: {account: 2610, from: 2027-01-01}}", "E0305 error 2610"),
        ("  sales_accounts: {export: {account: 3105, from: soon}}", "E0305 error soon"),
    ] {
        assert_eq!(judge(&document(wrong)).told(), told, "{wrong}");
    }
}

/// Of the setting alone, in a pair whose rows lead to classes.
fn customers(settings: &str) -> String {
    let head = "pair: shopify-visma-net\nunmanaged: [general, article, stock, order, invoice, order_lines, shipping_methods, payment_methods, connectors]\n";
    let mode = if settings.contains("mode:") { "" } else { "mode: one_per_customer, " };
    let text = format!("settings:\n  customer: {{match_by: email, {mode}{settings}}}\n");
    judge_on(TODAY, head, &text, &[]).told()
}

#[test]
fn vat_by_kind_of_customer_and_place() {
    for (rows, told) in [
        // All at home, whoever they are.
        ("b2c: A, b2b: A", ""),
        ("b2c: A, b2b: B", ""),
        // Consumers in the EU as companies there, who pay no VAT.
        ("b2c: A, b2b: A, b2c-EU: E, b2b-EU: E", "W0465 warning b2c-EU"),
        ("b2c: A, b2b: A, b2c-EU: C, b2b-EU: E", ""),
        ("b2c: A, b2b: A, b2c-DE: E, b2b-EU: E", "W0465 warning b2c-DE"),
        ("b2c: A, b2b: A, b2b-DE: E, b2c-DE: D", ""),
        // Or as customers outside it.
        ("b2c: A, b2b: A, b2c-EU: X, b2b-EU: E, b2c-outside: X, b2b-outside: X", "W0465 warning b2c-EU"),
        // Companies at home as those in other EU countries.
        ("b2c: A, b2b: E, b2c-DE: D", "W0465 warning b2b"),
        ("b2c: A, b2b-home: B, b2b-EU: E, b2c-DE: D, b2b-outside: X, b2c-outside: X", ""),
        ("b2c: A, b2b-home: B, b2b-EU: E, b2c-DE: D", "W0466 note vat_by_customer"),
        // Nobody at all.
        ("b2c: A", "W0466 warning vat_by_customer"),
        ("b2c-home: A, b2b: A, b2c-EU: A", "W0466 note vat_by_customer\nW0466 warning b2b"),
        ("b2c-home: A, b2b: A, b2b-EU: E, b2c-EU: A, b2c-outside: X, b2b-outside: X", ""),
        // Companies elsewhere with the VAT of home, by a row of their own or by that of the kind.
        ("b2c: A, b2b-home: A, b2b-EU: A, b2b-outside: X", "W0466 warning b2c\nW0465 warning b2b-EU"),
        ("b2c: A, b2b: A, b2b-EU: E, b2b-DE: A", "W0465 warning b2b-DE"),
        ("b2c: A, b2b-home: E, b2b-EU: A", "W0466 note vat_by_customer\nW0465 warning b2b-EU"),
        ("b2c: A, b2b: A, b2c-DE: D", "W0466 warning b2b"),
        // Consumers at home with what companies have outside the EU.
        ("b2c: X, b2b-home: A, b2b-EU: E, b2b-outside: X, b2c-outside: X", "W0465 warning b2c"),
        // The home country by its code and as home.
        ("b2c: A, b2b-home: A, b2b-SE: B, b2b-EU: E, b2b-outside: X, b2c-outside: X", "W0469 warning b2b-SE"),
        ("b2c-SE: A, b2c: E, b2b: A, b2b-EU: F", ""),
        // Exports with what companies in the EU have.
        ("b2c: A, b2b-home: A, b2b-EU: E, b2b-outside: E, b2c-outside: X", "W0430 warning b2b-outside"),
        ("b2c: A, b2b: A, b2b-EU: E, b2b-NO: E", "W0430 warning b2b-NO"),
        // Gaps that rows of others show.
        ("b2c: A, b2c-outside: X, b2b-home: A, b2b-outside: X", "W0466 warning vat_by_customer"),
        ("b2c: A, b2c-outside: X, b2b: A", "W0466 warning b2b"),
        // What begins later is judged too.
        ("b2c: A, b2b: A, b2c-EU: {class: E, from: 2027-01-01}, b2b-EU: E", "W0465 warning b2c-EU"),
        (
            "b2c: A, b2b: A, b2c-EU: [{class: C, until: 2026-12-31}, {class: D, from: 2027-01-01}], b2b-EU: E",
            "",
        ),
        ("b2x: A", "E0302 error b2x"),
        ("b2c-EL: A, b2c: A, b2b: A", "E0302 error b2c-EL"),
    ] {
        assert_eq!(customers(&format!("home_country: SE, vat_by_customer: {{{rows}}}")), told, "{rows}");
    }
    // From a country outside the EU all that is sold abroad carries no VAT.
    assert_eq!(
        customers("home_country: \"NO\", vat_by_customer: {b2c: A, b2b: A, b2c-EU: E, b2b-EU: E}"),
        ""
    );
    // Where it is not known which country is home, a row may be for it.
    assert_eq!(customers("vat_by_customer: {b2c: A, b2b: A, b2c-DE: E, b2b-DE: E}"), "");
    // One customer takes all orders, and has one class.
    let shared = "home_country: SE, mode: one_shared_web_customer, shared_customer: W, vat_by_customer: {b2c-EU: E, b2b-EU: E}";
    assert_eq!(customers(shared), "W0440 warning vat_by_customer");
}

#[test]
fn countries_that_the_shop_sells_to_have_rows() {
    let told = |rows: &str, countries: &str| {
        let text = format!(
            "home_country: SE, vat_by_customer: {{{rows}}}}}\n  additional_filters: {{include_countries: [{countries}]"
        );
        customers(&text)
    };
    assert_eq!(told("b2c: A, b2b: A, b2b-EU: E", "SE, DE, FR"), "");
    // Under OSS a country without a row has the VAT of home.
    assert_eq!(told("b2c: A, b2b: A, b2b-EU: E, b2c-DE: D", "SE, DE, FR"), "W0466 warning b2c");
    assert_eq!(told("b2c: A, b2b: A, b2b-EU: E, b2c-DE: D, b2c-EU: F", "SE, DE, FR"), "");
    // What goes outside the EU carries no VAT.
    assert_eq!(told("b2c: A, b2b: B, b2b-outside: X", "SE, US"), "W0466 warning b2c");
    assert_eq!(told("b2c: A, b2b: B, b2c-US: X, b2b-outside: X", "SE, US"), "");
    // No row is for them.
    assert_eq!(told("b2c-home: A, b2b: B, b2b-EU: E", "SE, DE"), "W0466 warning vat_by_customer");
    // Or none from a day on.
    let ends = "b2c: A, b2c-DE: D, b2b-home: B, b2b-EU: {class: E, until: 2026-12-31}";
    assert_eq!(told(ends, "SE, DE"), "W0466 warning vat_by_customer");
    // Of whom no order is synced, no row is needed.
    assert_eq!(told("b2b: B, b2b-EU: E", "SE, DE], buyers: b2b, exclude_tags: [x"), "");
    assert_eq!(
        told("b2b: B, b2b-EU: E", "SE, DE], buyers: all, exclude_tags: [x"),
        "W0466 warning vat_by_customer"
    );
}

#[test]
fn the_change_of_a_rate_is_told_with_its_day() {
    let judged = judge(&document(&countries("FI: {rates: {24: 3131}}")));
    assert_eq!(judged.findings()[0].primary.text, "25.5 took its place on 2024-09-01");
}

#[test]
fn codes_that_are_no_member_states_are_explained() {
    let judged = judge(&document(&countries("EL: {rates: {24: 3131}}")));
    assert_eq!(judged.told(), "E0302 error EL");
    let fix = judged.findings()[0].fix.as_ref().unwrap();
    assert_eq!((fix.edits[0].text.as_str(), fix.safe), ("GR", true));
    assert_eq!(judge(&document(&countries("GR: {rates: {24: 3131}}"))).told(), "");
    // Goods to Northern Ireland are under OSS, at the rates of the United Kingdom.
    assert_eq!(judge(&document(&countries("XI: {rates: {20: 3131, 5: 3132}}"))).told(), "");
    assert_eq!(judge(&document(&countries("XI: {rates: {20: 3131, 7: 3132}}"))).told(), "W0419 warning 7");
    for (code, why) in [
        ("UK", "have the row XI"),
        ("GB", "have the row XI"),
        ("NO", "outside the EU"),
        ("IC", "the Canary Islands are Spanish"),
        ("Livigno", "IT with the postcode 23041"),
    ] {
        let judged = judge(&document(&countries(&format!("{code}: {{rates: {{20: 3131}}}}"))));
        assert_eq!(judged.told(), format!("E0302 error {code}"));
        let finding = &judged.findings()[0];
        assert!(finding.primary.text.contains(why), "{code}: {}", finding.primary.text);
        assert_eq!(finding.help.as_deref(), Some(format!("take `{code}` away").as_str()));
        assert!(finding.fix.is_none());
    }
    // Both spellings of one country are one country twice.
    let both = judge(&document(&countries("GR: {rates: {24: 3131}}, EL: {rates: {13: 3132}}")));
    assert_eq!(both.told(), "E0302 error EL");
    assert!(both.findings()[0].fix.is_none());
    assert!(both.findings()[0].help.as_ref().unwrap().contains("move its rows"));
    let home = judge(&document("  sales_accounts: {home_country: UK}"));
    assert!(home.told().starts_with("E0304 error UK"), "{}", home.told());
    assert_eq!(home.findings()[0].fix.as_ref().unwrap().edits[0].text, "GB");
}

#[test]
fn a_project_has_a_table_of_its_own() {
    let own = "countries: {HU: {title: Hungary, rates: [{rate: \"25\", kind: standard}]}}\n";
    let text = document(&countries("HU: {rates: {25: 3131}}, PL: {rates: {22: 3132}}"));
    let judged = judge_on(TODAY, HEAD, &text, &[("schemas/data/vat.yaml", own)]);
    assert_eq!(judged.told(), "W0419 warning 22\nN0342 note ");
    let told = judged.findings().iter().find(|finding| finding.code.id == "N0342").unwrap();
    assert_eq!(told.message, "schemas/data/vat.yaml replaces the built-in VAT rates of HU");
    let broken = own.replace("standard}", "usual}");
    let judged = judge_on(TODAY, HEAD, &text, &[("schemas/data/vat.yaml", &broken)]);
    assert_eq!(judged.told(), "W0419 warning 25\nW0419 warning 22\nE0304 error usual");
}

fn accounts(sets: &str) -> String {
    format!("connector: fortnox\naccount: \"1\"\nsets: {{{sets}}}\n")
}

#[test]
fn the_built_in_parts_that_rules_read_are_sound() {
    let parts = [
        ("schemas/data/vat.yaml", include_str!("../../schemas/data/vat.yaml")),
        ("schemas/connectors/fortnox.yaml", include_str!("../../schemas/connectors/fortnox.yaml")),
        ("schemas/connectors/centra.yaml", include_str!("../../schemas/connectors/centra.yaml")),
        (
            "schemas/categories/sales_accounts.yaml",
            include_str!("../../schemas/categories/sales_accounts.yaml"),
        ),
    ];
    assert_eq!(judge_on(TODAY, HEAD, "", &parts).told(), ["N0342 note "; 4].join("\n"));
}

#[test]
fn without_a_clock_the_newest_data_counts() {
    let mut sources = Sources::default();
    sources.add(SourceFile::new("pairform.yaml", "version: 1\n"));
    sources.add(SourceFile::new("bases/complete.yaml", COMPLETE));
    let text = document(&countries("FI: {rates: {24: 3131}}"));
    sources.add(SourceFile::new("integrations/shop.yaml", format!("integration: shop\n{HEAD}{text}")));
    let compilation = compile(&sources, &Selection::default());
    let told: Vec<&str> = compilation.findings.iter().map(|finding| finding.code.id).collect();
    assert_eq!(told, ["W0420"]);
}

#[test]
fn lists_that_were_fetched_are_used() {
    let values = "3001: {label: a, keep: {vat_code: MP1}}, 3002: {label: b, keep: {vat_code: MP2}}, 3003: {label: c, keep: {vat_code: MP3}}, 3004: d, 3105: e, 3106: f, 3108: g, 3111: {label: h, keep: {vat_code: DE19}}, 3112: {label: i, keep: {vat_code: DE7}}";
    let lock = accounts(&format!("account: {{fetched: 2026-11-20, values: {{{values}}}}}"));
    let with = |text: &str, lock: &str| {
        judge_on(TODAY, HEAD, &document(text), &[("options/fortnox/1.lock.yaml", lock)]).told()
    };
    assert_eq!(with("", &lock), "");
    assert_eq!(with("  sales_accounts: {home: {6: 3002}}", &lock), "W0423 warning 3002");
    assert_eq!(with(&countries("DK: {rates: {25: 3001}}"), &lock), "W0423 warning 3001");
    assert_eq!(with(&countries("DK: {rates: {25: 3105}}"), &lock), "W0423 warning 3105");
    // A list without VAT codes says nothing, nor does one that is not there.
    let plain = accounts(
        "account: {fetched: 2026-11-20, values: {3001: a, 3002: b, 3003: c, 3004: d, 3105: e, 3106: f, 3108: g, 3111: h, 3112: i}}",
    );
    // Without what a list knows of it, an account for two rates is told by the files alone.
    assert_eq!(with("  sales_accounts: {home: {6: 3002}}", &plain), "W0430 warning 3002");
    assert_eq!(judge(&document("  sales_accounts: {home: {6: 3002}}")).told(), "W0430 warning 3002");
}

#[test]
fn currencies_are_compared_when_both_lists_are_known() {
    let fortnox =
        accounts("currency: {fetched: 2026-11-20, values: {SEK: Krona, EUR: {label: Euro, active: false}}}");
    let shopify = "connector: shopify\naccount: s\nsets: {currency: {fetched: 2026-11-20, values: {SEK: SEK, EUR: EUR, DKK: DKK}}}\n";
    let both = [("options/fortnox/1.lock.yaml", fortnox.as_str()), ("options/shopify/s.lock.yaml", shopify)];
    let on = document("  order: {use_presentment_currency: true}");
    let judged = judge_on(TODAY, HEAD, &on, &both);
    assert_eq!(judged.told(), "W0424 warning true");
    assert!(judged.findings()[0].message.contains("EUR and DKK"));
    assert_eq!(judge_on(TODAY, HEAD, &on, &both[..1]).told(), "");
    assert_eq!(
        judge_on(TODAY, HEAD, &document("  order: {use_presentment_currency: false}"), &both).told(),
        ""
    );
}

#[test]
fn an_integration_lowers_a_level_of_the_project_only_where_it_is_excepted() {
    let food = "settings: {sales_accounts: {home: {6: null}}}\n";
    let with = |project: &str, levels: &str| {
        let project = [("pairform.yaml", format!("version: 1\nlevels: {{W0417: {project}}}\n"))];
        let project = project.each_ref().map(|(path, text)| (*path, text.as_str()));
        judge_on(TODAY, HEAD, &format!("{food}levels: {levels}\n"), &project)
    };
    let deny = "{level: deny, reason: we sell food}";
    let excepted = "{level: deny, reason: we sell food, except: [shop]}";
    let denied = with(deny, "{}");
    assert_eq!(denied.told(), "W0417 error \"12\"");
    assert!(denied.findings()[0].notes.iter().any(|note| note.contains("we sell food")));
    for (project, levels, told) in [
        // A deny of the project is final.
        (deny, "{W0417: allow}", "E0219 error W0417\nW0417 error \"12\""),
        (deny, "{W0417: {level: warn, reason: bicycles}}", "E0219 error W0417\nW0417 error \"12\""),
        (deny, "{W0417: deny}", "W0417 error \"12\""),
        ("warn", "{W0417: allow}", "E0219 error W0417\nW0417 warning \"12\""),
        ("warn", "{W0417: deny}", "W0417 error \"12\""),
        ("allow", "{W0417: warn}", "W0417 warning \"12\""),
        ("allow", "{}", ""),
        // Nor is the usual level lowered.
        (
            "{except: [other]}",
            "{W0417: allow}",
            "W0218 warning other\nE0219 error W0417\nW0417 warning \"12\"",
        ),
        // Where the project excepts it, an integration is judged as it says.
        (excepted, "{W0417: allow}", ""),
        (excepted, "{W0417: {level: warn, reason: bicycles}}", "W0417 warning \"12\""),
        (excepted, "{}", "W0417 error \"12\""),
        (excepted, "{W0417: deny}", "W0417 error \"12\""),
        ("{except: [shop]}", "{W0417: allow}", ""),
        // One mistake, one finding.
        (deny, "{W0417: deny, E0312: allow}", "W0417 error \"12\"\nE0211 error E0312"),
        (deny, "{W0417: deny, W0499: allow}", "W0417 error \"12\"\nE0210 error W0499"),
    ] {
        let judged = with(project, levels);
        let sorted = |told: &str| {
            let mut lines: Vec<String> = told.lines().map(str::to_owned).collect();
            lines.sort();
            lines
        };
        assert_eq!(sorted(&judged.told()), sorted(told), "{project} {levels}");
    }
    let refused = with(deny, "{W0417: allow}");
    let refused = refused.findings().iter().find(|finding| finding.code.id == "E0219").unwrap();
    assert_eq!(refused.message, "W0417 cannot be set to `allow` here: the project takes it for an error");
    assert_eq!(refused.related.len(), 1, "the project's line is shown");
    let help = refused.help.as_deref().unwrap();
    assert!(help.contains("`levels: {W0417: {level: deny, except: [shop]}}`"), "{help}");
    assert_eq!(with(deny, "{W0417: never}").told().lines().count(), 2);
    // Levels are no setting.
    let compilation = &with(excepted, "{W0417: allow}").compilation;
    let compiled = &compilation.integrations[0];
    assert!(compiled.configuration.categories.keys().all(|category| category != "levels"));
    assert!(compilation.errors.is_empty());
}

#[test]
fn a_level_of_one_integration_leaves_another_alone() {
    let base = COMPLETE.replace("\"6\": 3003, ", "");
    let text = |name: &str, levels: &str| format!("integration: {name}\n{HEAD}levels: {levels}\n");
    let mut sources = Sources::default();
    sources.add(SourceFile::new("pairform.yaml", "version: 1\nlevels: {W0417: {except: [c]}}\n"));
    sources.add(SourceFile::new("bases/complete.yaml", base));
    for (name, levels) in
        [("a", "{}"), ("b", "{W0417: deny}"), ("c", "{W0417: allow}"), ("d", "{W0417: warn}")]
    {
        sources.add(SourceFile::new(format!("integrations/{name}.yaml"), text(name, levels)));
    }
    let selection = Selection { today: Some(TODAY.parse().unwrap()), ..Selection::default() };
    let compilation = compile(&sources, &selection);
    let told: Vec<String> = compilation
        .findings
        .iter()
        .map(|finding| {
            let name = finding.about.integration.as_deref().unwrap_or_default();
            format!("{} {} {name} {:?}", finding.code.id, finding.severity.as_str(), finding.also)
        })
        .collect();
    assert_eq!(told, ["W0417 error b []", "W0417 warning a [\"d\"]"]);
    let failing: Vec<&String> = compilation.errors.keys().collect();
    assert_eq!(failing, ["b"]);
}

#[test]
fn what_the_schema_says_of_the_rest() {
    let culture = judge(&document("  article: {default_culture: swedish}"));
    assert_eq!(culture.told(), "E0305 error swedish");
    let zero = judge(&document("  sales_accounts: {shipping: {home: {25: 2611}}}"));
    assert_eq!(zero.told(), "E0305 error 2611");
    assert_eq!(judge(&document("  order: {exclude_before: null}")).told(), "E0312 error exclude_before");
    assert_eq!(judge(&document(&countries("DE: {rates: {19: 3111, 19: 3112}}"))).told(), "E0105 error 19");
    // WooCommerce keeps one stock for a product, so there is no location to name.
    let head = format!("pair: fortnox-woocommerce\n{}", ALONE.replace(" stock,", ""));
    let stock =
        "settings: {stock: {direction: erp_to_shop, quantity_kind: available, location_map: {A: B, C: D}}}\n";
    assert_eq!(judge_on(TODAY, &head, stock, &[]).told(), "E0301 error location_map");
    // A country that YAML 1.1 would read as false stays a country.
    let head = format!("pair: shopify-tripletex\n{}", ALONE.replace(" sales_accounts,", ""));
    let home = "settings: {sales_accounts: {home_country: NO, oss_enabled: false, home: {25: 3000, 15: 3001}, eu_with_vat: 3106, eu_reverse: 3108, export: 3105}}\n";
    assert_eq!(judge_on(TODAY, &head, home, &[]).told(), "");
}

#[test]
fn what_is_not_managed_or_not_visible_is_not_judged() {
    let head = "pair: fortnox-shopify\nextends: [complete]\nunmanaged: [connectors, sales_accounts, order]\n";
    let judged = judge_on(TODAY, head, "settings: {general: {live_mode: true}}\n", &[]);
    assert_eq!(judged.told(), "");
    // The flow is off, so nothing is paid out.
    let off = PAYOUTS.replace("payouts: true", "payouts: false");
    assert_eq!(judge(&format!("{off}      reference_field: OurReference\n")).told(), "");
}

/// What consultants report most, each found, explained and given a mend.
mod a_consultants_typical_error {
    use super::*;

    #[test]
    fn a_wrong_country_code() {
        check(&countries("EL: {rates: {24: 3131}}"), "E0302 error EL", &countries("GR: {rates: {24: 3131}}"));
        assert_eq!(help(&countries("EL: {rates: {24: 3131}}")), "write `GR`");
    }

    #[test]
    fn a_vat_account_in_place_of_a_sales_account() {
        let wrong = countries("DK: {rates: {25: 2611}}");
        check(&wrong, "E0305 error 2611", &countries("DK: {rates: {25: 3141}}"));
        assert!(judge(&document(&wrong)).findings()[0].primary.text.contains("VAT accounts"));
    }

    #[test]
    fn a_superseded_rate() {
        check(
            &countries("EE: {rates: {22: 3131}}"),
            "W0420 warning 22",
            &countries("EE: {rates: {24: 3131}}"),
        );
        assert!(help(&countries("EE: {rates: {22: 3131}}")).contains("map 24"));
    }

    #[test]
    fn invoices_that_are_paid_automatically_beside_payouts() {
        let field = "      reference_field: ExternalInvoiceReference1\n";
        let paid = "  invoice: {mark_paid: true, mode_of_payment_map: {Shopify Payments: SP}}";
        check(
            &format!("{PAYOUTS}{field}{paid}"),
            "E0409 error Shopify Payments",
            &format!("{PAYOUTS}{field}  invoice: {{mark_paid: false}}"),
        );
    }

    #[test]
    fn the_two_cut_offs_confused() {
        check(
            "  order: {exclude_before: 2026-12-24}",
            "W0411 warning 2026-12-24",
            "  order: {exclude_before: 2026-11-01}",
        );
        let judged = judge(&document("  order: {exclude_before: 2026-12-24}"));
        assert!(judged.findings()[0].notes.iter().any(|note| note.contains("what was loaded last")));
    }

    #[test]
    fn a_missing_location_for_stock() {
        check(
            "  stock: {target_location: null}",
            "E0312 error target_location",
            "  stock: {target_location: x}",
        );
    }

    #[test]
    fn a_payout_reference_that_does_not_match() {
        check(
            &format!("{PAYOUTS}      reference_field: ExternalInvoiceReference2"),
            "E0410 error ExternalInvoiceReference2",
            &format!("{PAYOUTS}      reference_field: ExternalInvoiceReference1"),
        );
    }

    #[test]
    fn test_orders_in_the_books() {
        check("  order: {skip_test: false}", "W0412 warning false", "  order: {skip_test: true}");
    }

    #[test]
    fn booking_during_onboarding() {
        let onboarding = "  general: {onboarding_mode: true, live_mode: false}\n  order: {exclude_before: 2026-11-01}\n  invoice: ";
        check(
            &format!("{onboarding}{{book: true}}"),
            "W0408 warning true",
            &format!("{onboarding}{{book: false}}"),
        );
    }

    #[test]
    fn a_webhook_that_the_platform_does_not_have() {
        let judged = judge("webhooks: {new: {connector: fortnox, topic: orders, flow: orders}}\n");
        assert_eq!(judged.told(), "E0304 error fortnox");
        assert!(judged.findings()[0].primary.text.contains("WebSocket"));
        assert!(judged.findings()[0].help.as_ref().unwrap().contains("shopify"));
        assert_eq!(judged.findings()[0].severity, Severity::Error);
    }
}
