//! Words for findings on who pays which VAT: rows of `vat_by_customer`, and the shared customers in their place. Their codes are those
//! of [`super::rules`].

use super::across::ACCOUNT_SHARED;
use super::rules::{UNTAXED_CONSUMERS, VAT_ROW_MISSING, VAT_SAID_TWICE};
use crate::diagnostic::{Finding, Label, Severity, list_words};
use crate::source::Span;

/// "consumers in other EU countries have the VAT of companies there"; `leads_to` is what both rows say. `own`: the place has a row of
/// its own.
#[must_use]
pub fn untaxed_consumers(
    who: &str,
    (place, own): (&str, bool),
    like: &str,
    leads_to: &str,
    other: Option<Span>,
    at: Span,
) -> Finding {
    let finding = Finding::new(
        &UNTAXED_CONSUMERS,
        format!("{who} in {place} have the VAT of {like}"),
        Label::new(at, format!("{leads_to} for both")),
    );
    let finding = match other {
        Some(other) => finding.related(other, format!("the row of {like}")),
        None => finding,
    };
    if who == "consumers" {
        let finding = finding.note("consumers in the EU pay VAT; companies in other EU countries with a valid VAT number, and customers outside the EU, do not");
        if own {
            return finding.help("name what carries VAT in this row");
        }
        finding.help("give consumers a row of their own in `vat_by_customer`: `b2c-EU`, or under OSS one for each country, such as `b2c-DE`")
    } else {
        finding
            .note("companies at home pay VAT; those in other EU countries with a valid VAT number do not")
            .help("give each a row of its own in `vat_by_customer`: `b2b-home` and `b2b-EU`")
    }
}

/// `known`: it is known which country is home.
#[must_use]
pub fn vat_of_shared_customer(places: &str, known: bool, at: Span, customer: Option<Span>) -> Finding {
    let message = if known {
        format!("orders to {places} have the VAT of the shared customer, as those at home")
    } else {
        format!("orders to {places} have one VAT, that of the shared customer")
    };
    let finding =
        Finding::new(&VAT_ROW_MISSING, message, Label::new(at, "sold to, without a customer of its own"));
    let finding = match customer {
        Some(customer) => finding.related(customer, "the one customer decides their VAT"),
        None => finding,
    };
    finding.help("give each country a customer of its own in `shared_customers`, or write `mode: one_per_customer` with rows in `vat_by_customer`")
}

/// `leads_to` is what both rows say; the countries are that of the row there and of the one marked.
#[must_use]
pub fn one_code_for_countries(leads_to: &str, [there, here]: &[String; 2], at: Span, other: Span) -> Finding {
    Finding::new(
        &ACCOUNT_SHARED,
        format!("{leads_to} serves consumers in {there} and in {here}"),
        Label::new(at, format!("consumers in {here}")),
    )
    .related(other, format!("consumers in {there}"))
    .note("their VAT rates differ, and so do the returns that their VAT belongs to")
    .help("make one for each country in the ERP and name it in the country's row")
}

/// `like` are those at home whose row says the same; `leads_to` is what both say, and `why` what is otherwise. The row and that of home.
#[must_use]
pub fn taxed_abroad(
    (who, place): (&str, &str),
    like: &str,
    leads_to: &str,
    why: &str,
    (at, home): (Span, Span),
) -> Finding {
    Finding::new(
        &UNTAXED_CONSUMERS,
        format!("{who} {place} have the VAT of {like} at home"),
        Label::new(at, format!("{leads_to} for both")),
    )
    .related(home, format!("the row of {like} at home"))
    .note(why)
    .help("name what carries no VAT, or allow this warning with the reason")
}

/// `others` are those of the other kind, who have the same outside the EU and something else at home.
#[must_use]
pub fn untaxed_at_home(who: &str, others: &str, leads_to: &str, at: Span, outside: Span) -> Finding {
    Finding::new(
        &UNTAXED_CONSUMERS,
        format!("{who} at home have the VAT of {others} outside the EU"),
        Label::new(at, format!("{leads_to} for both")),
    )
    .related(outside, format!("the row of {others} outside the EU"))
    .note(format!("who buys at home pays VAT; {others} at home have another row"))
    .help("name what carries the VAT of home in this row")
}

/// `leads_to` is what both rows say, `whom` the one marked is for.
#[must_use]
pub fn export_as_in_eu(leads_to: &str, whom: &str, at: Span, there: Span) -> Finding {
    Finding::new(
        &ACCOUNT_SHARED,
        format!("{leads_to} serves companies in other EU countries and {whom}"),
        Label::new(at, whom),
    )
    .related(there, "companies in other EU countries")
    .note("neither pays VAT, but each is reported apart: sales to companies in the EU by their VAT numbers, the others as exports")
    .help("make one for customers outside the EU in the ERP and name it in this row")
}

/// Each row: its key, what it says and where. The first one counts.
#[must_use]
pub fn home_said_twice(
    (own, leads_to, at): (&str, &str, Span),
    (other, said, there): (&str, &str, Span),
    who: &str,
    home: &str,
) -> Finding {
    Finding::new(
        &VAT_SAID_TWICE,
        format!("`{own}` and `{other}` decide the VAT of {who} at home, and differ"),
        Label::new(at, format!("{leads_to}: this row counts")),
    )
    .related(there, format!("{said}: nobody has this row"))
    .note(format!("{home} is the home country, and the row of a country goes before any other"))
    .help("keep one of the two")
}

/// `key` is `b2c` or `b2b`; `perhaps`: nothing says that the shop sells there, and nothing that it does not.
#[must_use]
pub fn vat_row_missing(who: &str, key: &str, places: &str, perhaps: bool, at: Span) -> Finding {
    let finding = Finding::new(
        &VAT_ROW_MISSING,
        format!("{who} in {places} have no row that decides their VAT"),
        Label::new(at, "no row is for them"),
    );
    if perhaps {
        return finding
            .with_severity(Severity::Note)
            .note("no filter keeps their orders out")
            .help(format!("add `{key}-outside`, or list the countries that the shop sells to in `additional_filters.include_countries`"));
    }
    finding.help(format!("add a row for each place, such as `{key}-EU` or `{key}-DE`, or `{key}` for all {who} without a row of their own"))
}

/// `countries` are titles, `(country, rate)` the code and standard rate of the first of them, and `there` where it is named as sold to.
#[must_use]
pub fn accounts_missing_under_oss(
    countries: &str,
    (country, rate): (&str, &str),
    at: Span,
    there: Span,
) -> Finding {
    Finding::new(
        &VAT_ROW_MISSING,
        format!("sales to consumers in {countries} have no accounts under OSS"),
        Label::new(at, "no row is for them"),
    )
    .related(there, "they are sold to")
    .note("they go to `eu_with_vat`, whose VAT is that of home")
    .help(format!("add a row for each country, such as `{country}: {{rates: {{\"{rate}\": ACCOUNT}}}}`, or take it out of `additional_filters.include_countries`"))
}

/// `why` says what is otherwise.
#[must_use]
pub fn vat_row_of_home(who: &str, key: &str, region: &str, places: &str, why: &str, at: Span) -> Finding {
    Finding::new(
        &VAT_ROW_MISSING,
        format!("{who} in {places} have the VAT of {who} at home"),
        Label::new(at, "the row for both"),
    )
    .note(why)
    .help(format!("add a row for each of these countries, or `{key}-{region}`"))
}

/// `names` are the older settings, `said` what each says and the rows say, with its place; `rows` is where the rows are.
#[must_use]
pub fn vat_said_twice(names: &[String], said: &[(Span, String)], rows: Span) -> Finding {
    let quoted: Vec<String> = names.iter().map(|name| format!("`{name}`")).collect();
    let all = list_words(&quoted, "and");
    let (differ, them, count) = match names {
        [_] => ("says", "it", "does"),
        _ => ("say", "them", "do"),
    };
    let (at, first) = said.first().cloned().unwrap_or((rows, String::new()));
    let finding = Finding::new(
        &VAT_SAID_TWICE,
        format!("{all} {differ} otherwise than `vat_by_customer`"),
        Label::new(at, first),
    );
    let finding = said.iter().skip(1).fold(finding, |finding, (at, said)| finding.related(*at, said.clone()));
    finding
        .related(rows, "these rows count")
        .note(format!("{all} {count} not count where `vat_by_customer` is written"))
        .help(format!("take {them} away, or write `null` where a base sets {them}"))
}

/// `name` is the setting that is for all customers, `value` what it says; `rows` is where the rows are.
#[must_use]
pub fn vat_said_for_all(name: &str, value: &str, at: Span, rows: Span) -> Finding {
    Finding::new(
        &VAT_SAID_TWICE,
        format!("`{name}` gives all new customers one VAT, whatever `vat_by_customer` says"),
        Label::new(at, format!("{value} for all of them")),
    )
    .related(rows, "these rows differ by kind of customer and place")
    .help(format!("take `{name}` away, or write `null` where a base sets it"))
}

/// `value` is what both rows say, `there` and `here` what they are for.
#[must_use]
pub fn one_tax_for_rates(value: &str, [there, here]: &[String; 2], at: Span, other: Span) -> Finding {
    Finding::new(&ACCOUNT_SHARED, format!("{value} serves {there} and {here}"), Label::new(at, here.as_str()))
        .related(other, there.as_str())
        .note("a tax rate of the ERP has one percentage, so one of these sales is reported as the other")
        .help("name the tax rate of each percentage in its row")
}
