//! Rules that choose accounts by what is sold, and companies that have customers of their own beside a shared one.

use crate::across::{customers, of};

#[test]
fn rules_of_accounts_that_get_in_each_others_way() {
    let rules = |rules: &str| of(&format!("  sales_accounts: {{rules: {{{rules}}}}}"));
    for (rows, told) in [
        ("a: {priority: 10, sku_prefixes: [BK-], home: {\"6\": 3013}}", ""),
        (
            "a: {priority: 10, sku_prefixes: [BK-RARE-], home: {\"6\": 3013}}, b: {priority: 20, sku_prefixes: [BK-], home: {\"6\": 3023}}",
            "",
        ),
        // The wider one is tried first.
        (
            "a: {priority: 20, sku_prefixes: [BK-RARE-], home: {\"6\": 3013}}, b: {priority: 10, sku_prefixes: [X-, BK-], home: {\"6\": 3023}}",
            "W0478",
        ),
        (
            "a: {priority: 10, vendors: [Acme], home: {\"25\": 3041}}, b: {priority: 20, vendors: [Acme], buyers: b2b, home: {\"25\": 3051}}",
            "W0478",
        ),
        (
            "a: {priority: 10, vendors: [Acme], buyers: b2b, home: {\"25\": 3041}}, b: {priority: 20, vendors: [Acme], home: {\"25\": 3051}}",
            "",
        ),
        (
            "a: {priority: 10, vendors: [Acme, Best], home: {\"25\": 3041}}, b: {priority: 20, vendors: [Acme, Other], home: {\"25\": 3051}}",
            "",
        ),
        // A tie, unless they have no day in common.
        (
            "a: {priority: 10, vendors: [Acme], home: {\"25\": 3041}}, b: {priority: 10, product_types: [Book], home: {\"6\": 3013}}",
            "W0478",
        ),
        (
            "a: {priority: 10, vendors: [Acme], until: 2026-12-31, home: {\"25\": 3041}}, b: {priority: 10, vendors: [Acme], from: 2027-01-01, home: {\"25\": 3051}}",
            "",
        ),
        // What is tried first ends sooner, so that the other counts then.
        (
            "a: {priority: 10, vendors: [Acme], until: 2026-12-31, home: {\"25\": 3041}}, b: {priority: 20, vendors: [Acme], home: {\"25\": 3051}}",
            "",
        ),
        // A rule says for what, and where to.
        ("a: {priority: 10, home: {\"25\": 3041}}", "E0307"),
        ("a: {priority: 10, vendors: [Acme]}", "E0307"),
        ("a: {vendors: [Acme], home: {\"25\": 3041}}", "E0306"),
        // Its accounts are judged as all others are: by rate, by VAT code, by what else is booked on them.
        ("a: {priority: 10, vendors: [Acme], home: {\"24\": 3041}}", "W0419"),
        ("a: {priority: 10, vendors: [Acme], countries: {SE: {\"25\": 3041}}}", "E0418"),
        ("a: {priority: 10, vendors: [Acme], export: 3001}", "W0430"),
        ("a: {priority: 10, vendors: [Acme], home: {\"25\": 2611}}", "E0305"),
    ] {
        assert_eq!(rules(rows), told, "{rows}");
    }
}

#[test]
fn companies_beside_a_customer_for_all_consumers() {
    let mode = |mode: &str, more: &str| {
        customers(
            "business-central-shopify",
            &format!(
                "  customer: {{match_by: email, mode: {mode}, shared_customer: WEB, home_country: DK, default_terms_of_payment: 14D{more}}}"
            ),
        )
    };
    let companies = ", vat_by_customer: {b2b: {customer_template: B}, b2b-EU: {customer_template: E}, b2b-outside: {customer_template: X}}";
    // Consumers share one, so that nothing decides the VAT of theirs.
    assert_eq!(mode("one_shared_for_consumers", companies), "");
    assert_eq!(mode("one_per_customer", companies), "W0440 W0466");
    assert_eq!(
        mode(
            "one_shared_for_consumers",
            ", vat_by_customer: {b2b-home: {customer_template: B}, b2b-EU: {customer_template: E}, b2b-outside: {customer_template: X}}"
        ),
        ""
    );
    assert_eq!(mode("one_shared_for_consumers", ""), "E0312");
    // Where companies go to the shared one too, nothing looks for them.
    assert_eq!(mode("one_shared_web_customer", ", unknown_company: stop"), "W0440");
    assert_eq!(mode("one_shared_web_customer", ", match_companies_by: vat_number"), "W0440");
    // What is chosen needs what it names.
    let own = |more: &str| of(&format!("  customer: {{{more}}}"));
    assert_eq!(own("match_companies_by: number_field"), "E0312");
    assert_eq!(own("match_companies_by: number_field, company_number_field: custom.erp"), "");
    assert_eq!(own("unknown_company: default_company"), "E0312");
    assert_eq!(own("unknown_company: default_company, default_company: \"9000\""), "");
}
