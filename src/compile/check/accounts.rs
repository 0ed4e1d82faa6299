//! Sales accounts and their VAT codes: an account has one, so it serves one rate of one country; and what the list says of an
//! account's code has to fit what it is mapped to. The second is silent until the list of accounts is known.

use std::collections::HashSet;

use super::context::Context;
use super::customers::title;
use super::rates::{ACCOUNTS, home};
use super::sales::{Sales, Use, uses};
use crate::diagnostic::codes::{across, rules as codes};
use crate::diagnostic::{Finding, list_words};
use crate::options::Choice;
use crate::schema::text;
use crate::schema::vat::{RateKind, Vat};
use crate::source::Span;

pub fn check(context: &Context<'_>, findings: &mut Vec<Finding>) {
    // What is over books nothing any more.
    let mut uses = uses(context);
    uses.retain(|used| !used.days.is_over(context.today));
    if uses.is_empty() {
        return;
    }
    let before = findings.len();
    mismatches(context, &uses, findings);
    let told: HashSet<Span> = findings[before..].iter().map(|finding| finding.primary.span).collect();
    shared(context, &uses, &told, findings);
}

// ---------------------------------------------------------------- by the list

/// Accounts whose code in the list is of another country or rate.
fn mismatches(context: &Context<'_>, uses: &[Use<'_>], findings: &mut Vec<Finding>) {
    let view = &context.view;
    let erp = &context.pair.erp;
    let Some(set) = view.options.set(&erp.id, view.erp_account, "account") else { return };
    // A list that was fetched without VAT codes says nothing of an account that has none.
    let is_coded = set.choices.iter().any(|choice| choice.kept("vat_code").is_some());
    let known = erp.description.get("vat_codes");
    for used in uses {
        let (country, rate) = match used.sales {
            Sales::Rate { country, rate } => (country, Some(rate)),
            Sales::Country(country) => (country, None),
            Sales::EuWithVat | Sales::EuReverse | Sales::Export => continue,
        };
        let Some(choice) = set.choice(used.account) else { continue };
        let says = match stands_for(choice, known, context.vat) {
            Some(found) if found.country != country || rate.is_some_and(|rate| rate != found.rate) => {
                format!("{}, which is {} % in {}", found.said, found.rate, title(context, found.country))
            }
            None if is_coded && known.is_some() && choice.kept("vat_code").is_none() => match rate {
                Some(rate) if rate != "0" => "carries no VAT code".to_owned(),
                _ => continue,
            },
            _ => continue,
        };
        let country = title(context, country);
        let sold =
            rate.map_or_else(|| format!("sales to {country}"), |rate| format!("{rate} % in {country}"));
        let finding = codes::vat_code_mismatch(&choice.value, &says, &sold, &set.fetched, used.value.span);
        findings.push(finding.about(context.about(ACCOUNTS, &used.path())));
    }
}

/// What an account's VAT code stands for.
struct Stands<'a> {
    country: &'a str,
    rate: &'a str,
    /// What says so, as in "carries the VAT code MP1".
    said: String,
}

/// By the platform's own codes; else by a country and a rate of it in the code's or the account's name.
fn stands_for<'a>(
    choice: &'a Choice,
    known: Option<&'a serde_json::Value>,
    vat: &'a Vat,
) -> Option<Stands<'a>> {
    let by_name = |name: &'a str, said: &dyn Fn() -> String| {
        named(name, vat).map(|(country, rate)| Stands { country, rate, said: said() })
    };
    let Some(code) = choice.kept("vat_code") else {
        return by_name(&choice.label, &|| format!("is named \"{}\"", choice.label));
    };
    let said = || format!("carries the VAT code {code}");
    let own =
        known.and_then(|known| known.get("rates").map(|rates| (text(known, "country"), text(rates, code))));
    match own.filter(|(_, rate)| !rate.is_empty()) {
        Some((country, rate)) => Some(Stands { country, rate, said: said() }),
        None => by_name(code, &said)
            .or_else(|| by_name(&choice.label, &|| format!("is named \"{}\"", choice.label))),
    }
}

/// The country and the rate in a name such as `OSS DK 25` or `OSSDE19`. Only a rate that the country has, or had, counts: a
/// number beside two letters may be anything.
fn named<'a>(name: &'a str, vat: &'a Vat) -> Option<(&'a str, &'a str)> {
    let is_digit = |at: usize| name.as_bytes().get(at).is_some_and(u8::is_ascii_digit);
    let starts = (0..name.len()).filter(|at| is_digit(*at) && (*at == 0 || !is_digit(at - 1)));
    starts.into_iter().find_map(|start| {
        let before = name.get(..start)?.trim_end_matches([' ', '-', '_', ':']);
        let code = before.get(before.len().checked_sub(2)?..)?;
        let lead = before.get(..before.len() - 2)?;
        let apart = lead.ends_with("OSS") || !lead.ends_with(|c: char| c.is_alphanumeric());
        let country = vat.country(code).filter(|_| apart)?;
        let end = name[start..].find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',');
        let number = name[start..start + end.unwrap_or(name.len() - start)].trim_end_matches(['.', ',']);
        let number = number.replace(',', ".");
        let rate = country.rates.iter().find(|row| row.rate == number)?;
        Some((code, rate.rate.as_str()))
    })
}

// ---------------------------------------------------------------- without a list

/// Accounts that more than one VAT code would have to fit. Accounts that the list tells of are left out.
fn shared(context: &Context<'_>, uses: &[Use<'_>], told: &HashSet<Span>, findings: &mut Vec<Finding>) {
    let rules = Reporting {
        home: home(context).map(|(country, _)| country),
        oss: context.toggle(ACCOUNTS, "oss_enabled") != Some(false),
        home_in_eu: in_eu(context),
    };
    let mut sorted: Vec<&Use<'_>> = uses.iter().collect();
    sorted.sort_by_key(|used| used.account);
    for used in sorted.chunk_by(|one, other| one.account == other.account).filter(|used| used.len() > 1) {
        if used.iter().any(|one| told.contains(&one.value.span)) {
            continue;
        }
        let misfit = used.iter().enumerate().find_map(|(at, one)| {
            // By another time the code may be another.
            let at_once = |other: &&&Use<'_>| other.days.overlaps(one.days);
            let fit = |other: &Use<'_>| {
                rules.fit(other.sales, one.sales) && !is_default_at_reduced(context, other, one)
            };
            let other = used[..at].iter().filter(at_once).find(|other| !fit(other))?;
            Some((*one, *other))
        });
        let Some((one, other)) = misfit else { continue };
        let mut serves: Vec<String> = Vec::new();
        for sales in used.iter().map(|one| one.sales) {
            let words = words(context, sales);
            if !serves.contains(&words) {
                serves.push(words);
            }
        }
        let more = serves.len().saturating_sub(4);
        if more > 0 {
            serves.truncate(4);
            serves.push(format!("{more} more"));
        }
        let finding = across::account_shared(
            one.account,
            &list_words(&serves, "and"),
            &words(context, one.sales),
            one.value.span,
            (other.value.span, &words(context, other.sales)),
        );
        findings.push(finding.about(context.about(ACCOUNTS, &one.path())));
    }
}

/// The default account of a country takes its standard rate, so it is not that of a reduced one.
fn is_default_at_reduced(context: &Context<'_>, one: &Use<'_>, other: &Use<'_>) -> bool {
    let by_default = |used: &Use<'_>| matches!(used.sales, Sales::Country(_)) && used.is("default_account");
    let is_reduced = |used: &Use<'_>| {
        let Sales::Rate { country, rate } = used.sales else { return false };
        let known = context.vat.country(country).map(|country| country.rates.as_slice()).unwrap_or_default();
        let mut rows = known.iter().filter(|row| row.rate == rate).peekable();
        rate == "0" || rows.peek().is_some() && rows.all(|row| row.kind == RateKind::Reduced)
    };
    by_default(one) && is_reduced(other) || by_default(other) && is_reduced(one)
}

/// Whether the home country is one that can sell under OSS; `None` where it is not known.
fn in_eu(context: &Context<'_>) -> Option<bool> {
    let (country, _) = home(context)?;
    let (countries, _) = context.known(ACCOUNTS, "countries")?;
    let all = countries.schema.pointer("/propertyNames/enum")?.as_array()?;
    Some(all.iter().any(|one| one.as_str() == Some(country)))
}

fn words(context: &Context<'_>, sales: Sales<'_>) -> String {
    match sales {
        Sales::Rate { country, rate } => format!("{rate} % in {}", title(context, country)),
        Sales::Country(country) => format!("sales to {}", title(context, country)),
        Sales::EuWithVat => "sales in the EU with VAT".to_owned(),
        Sales::EuReverse => "sales in the EU with reverse charge".to_owned(),
        Sales::Export => "sales outside the EU".to_owned(),
    }
}

/// What decides whether one VAT code can serve two kinds of sales.
struct Reporting<'a> {
    home: Option<&'a str>,
    /// Sells under OSS; without it, sales to consumers in the EU carry the VAT of home.
    oss: bool,
    home_in_eu: Option<bool>,
}

impl Reporting<'_> {
    fn fit(&self, one: Sales<'_>, other: Sales<'_>) -> bool {
        use Sales::{Country, EuReverse, EuWithVat, Export, Rate};
        let is_free = |sales| matches!(sales, EuReverse | Export | Rate { rate: "0", .. });
        let is_exempt = |sales| matches!(sales, Rate { rate: "0", country } if self.home == Some(country));
        match (one, other) {
            _ if one == other => true,
            // What is exempt at home has a box of the return, and what leaves it without VAT another.
            (EuReverse | Export, sales) | (sales, EuReverse | Export) if is_exempt(sales) => false,
            // What is reported apart in the EU is one for who sells from outside it.
            (EuReverse, Export) | (Export, EuReverse) => self.home_in_eu != Some(true),
            (EuWithVat, EuReverse | Export) | (EuReverse | Export, EuWithVat) => {
                self.home_in_eu == Some(false)
            }
            _ if is_free(one) && is_free(other) => true,
            (Country(country), Rate { country: of, .. }) | (Rate { country: of, .. }, Country(country)) => {
                country == of
            }
            (Country(one), Country(other)) => one == other,
            (EuWithVat, Rate { country, .. }) | (Rate { country, .. }, EuWithVat) => {
                !self.oss && self.home == Some(country) && self.home_in_eu != Some(false)
            }
            _ => false,
        }
    }
}
