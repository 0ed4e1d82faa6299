//! What the author most likely meant: the nearest text that the schema at a place admits, and an example where there is none.
//!
//! Nothing here judges: every proposal is proven against the schema before it is made.

use serde_json::Value as Json;

use super::engine::patterns;
use super::keywords::text;
use crate::model::countries::code_of;

/// The text that was meant, where a small and usual slip explains what is written.
#[must_use]
pub fn suggest(written: &str, schema: &Json) -> Option<String> {
    if written.is_empty() || written.len() > 200 {
        return None;
    }
    let accepts = acceptor(schema)?;
    labelled(written, schema)
        .into_iter()
        .chain(variants(written))
        .find(|candidate| candidate != written && accepts(candidate))
}

/// The value whose label was written in place of it.
fn labelled(written: &str, schema: &Json) -> Option<String> {
    let labels = schema.get("x-labels").and_then(Json::as_object)?;
    let mut found = labels
        .iter()
        .filter(|(_, label)| label.as_str().is_some_and(|label| label.eq_ignore_ascii_case(written)));
    let (value, _) = found.next()?;
    found.next().is_none().then(|| value.clone())
}

/// Whether a schema does not take this text.
#[must_use]
pub fn refuses(written: &str, schema: &Json) -> bool {
    acceptor(schema).is_some_and(|accepts| !accepts(written))
}

type Accepts = Box<dyn Fn(&str) -> bool>;

fn acceptor(schema: &Json) -> Option<Accepts> {
    let validator = jsonschema::options()
        .with_draft(jsonschema::Draft::Draft202012)
        .should_validate_formats(true)
        .with_pattern_options(jsonschema::PatternOptions::regex())
        .with_pattern_cache(patterns())
        .build(schema)
        .ok()?;
    Some(Box::new(move |candidate| validator.is_valid(&Json::from(candidate))))
}

/// Usual slips undone, the most harmless first.
fn variants(written: &str) -> Vec<String> {
    let quotes: &[char] = &['“', '”', '„', '’', '‘', '"', '\'', '`'];
    let trimmed = written.trim().trim_matches(quotes).trim();
    let mut all = vec![trimmed.to_owned(), trimmed.to_ascii_lowercase(), trimmed.to_ascii_uppercase()];
    all.extend(by_name(trimmed));
    all.push(trimmed.replace('_', "-"));
    all.push(trimmed.replace(['_', ' '], "-").to_ascii_lowercase());
    all.push(trimmed.replace(['-', ' '], "_").to_ascii_lowercase());
    all.extend(rate(trimmed));
    all.extend(interval(trimmed));
    match trimmed.strip_prefix("http://") {
        Some(rest) => all.push(format!("https://{rest}")),
        None if trimmed.contains('.') && !trimmed.contains([' ', ':', '@', ',']) => {
            all.push(format!("https://{trimmed}"));
        }
        None => {}
    }
    let host = trimmed.trim_start_matches("https://").trim_start_matches("http://");
    let labels = host.split_once('.').filter(|_| trimmed.parse::<f64>().is_err());
    all.extend(labels.map(|(first, _)| first.to_owned()));
    // "3108 Sales": the code before its name. Not a date without its time: dates have words of their own.
    let first = trimmed.split_whitespace().next().filter(|first| first.bytes().all(|b| b.is_ascii_digit()));
    all.extend(first.map(str::to_owned));
    all
}

/// A country by its name, by itself or behind a kind of customer: `b2c-Canary Islands` as `b2c-IC`.
fn by_name(written: &str) -> Option<String> {
    if let Some(code) = code_of(written) {
        return Some(code.to_owned());
    }
    let (kind, place) = written.split_once(['-', '_', ' '])?;
    let kind = kind.to_ascii_lowercase();
    let region = ["home", "EU", "outside"].into_iter().find(|region| region.eq_ignore_ascii_case(place));
    let short = place.to_ascii_uppercase();
    let place = region.or_else(|| code_of(place)).unwrap_or(&short);
    Some(format!("{kind}-{place}"))
}

/// `25 %`, `19,0` and `19.0` as `25` and `19`.
fn rate(written: &str) -> Option<String> {
    let number = written.trim_end_matches('%').trim().replace(',', ".");
    let valid = number.parse::<f64>().is_ok() && number.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    if !valid {
        return None;
    }
    Some(match number.split_once('.') {
        // A share of one where a percentage is meant.
        Some(("0", share)) if share.len() <= 2 && !written.contains('%') => {
            format!("{share:0<2}").trim_start_matches('0').to_owned()
        }
        Some(_) => number.trim_end_matches('0').trim_end_matches('.').to_owned(),
        None => number,
    })
}

/// `15 min` as `15m`, `1 hour` as `1h`, `90s` as nothing.
fn interval(written: &str) -> Option<String> {
    let digits: String = written.chars().take_while(char::is_ascii_digit).collect();
    let unit = written[digits.len()..].trim().to_lowercase();
    let unit = match unit.as_str() {
        "m" | "min" | "mins" | "minute" | "minutes" | "minut" | "minuter" => "m",
        "h" | "hr" | "hrs" | "hour" | "hours" | "tim" | "timme" | "timmar" => "h",
        "d" | "day" | "days" | "dag" | "dagar" => "d",
        _ => return None,
    };
    (!digits.is_empty()).then(|| format!("{digits}{unit}"))
}

/// A value that the schema admits: its own example, its default, or what its message gives as one.
#[must_use]
pub fn example(schema: &Json) -> Option<String> {
    let given = schema.get("examples").and_then(|all| all.get(0)).or_else(|| schema.get("default"));
    let scalar = |value: &Json| match value {
        Json::String(text) => Some(text.clone()),
        Json::Number(number) => Some(number.to_string()),
        _ => None,
    };
    if let Some(given) = given.and_then(scalar) {
        return Some(given);
    }
    let (_, after) = text(schema, "x-message").split_once("such as ")?;
    if let Some(code) = after.strip_prefix('`') {
        return code.split_once('`').map(|(code, _)| code.to_owned());
    }
    let end = after.find([',', ';', ' ']).unwrap_or(after.len());
    Some(after[..end].to_owned())
}

/// What to write for a text that is no date.
#[must_use]
pub fn date(written: &str) -> String {
    const DEFAULT: &str = "write the day as year-month-day, such as 2026-01-31";
    let written = written.trim();
    let day = written.split(['T', ' ']).next().unwrap_or(written);
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    let digits = |part: &str| !part.is_empty() && part.len() <= 4 && part.bytes().all(|b| b.is_ascii_digit());
    let make = |year: &str, month: &str, day: &str| {
        let date = jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
        (year.len() == 4).then(|| date.to_string())
    };
    match parts[..] {
        [a, b, c] if digits(a) && digits(b) && digits(c) => {
            if a.len() == 4 {
                return match make(a, b, c) {
                    Some(date) => format!("write {date}"),
                    None => "write a day that is in the calendar, as year-month-day".to_owned(),
                };
            }
            match (make(c, b, a), make(c, a, b)) {
                (Some(one), Some(other)) if one != other => {
                    format!("write {one} or {other}, whichever day is meant")
                }
                (Some(date), _) | (_, Some(date)) => format!("write {date}"),
                _ => DEFAULT.to_owned(),
            }
        }
        [all] if all.len() == 8 && all.bytes().all(|b| b.is_ascii_digit()) => {
            make(&all[..4], &all[4..6], &all[6..])
                .map_or_else(|| DEFAULT.to_owned(), |date| format!("write {date}"))
        }
        _ => DEFAULT.to_owned(),
    }
}

/// The number at the start of a text such as `29 kr` or `2,5`.
#[must_use]
pub fn number(written: &str, whole: bool) -> Option<String> {
    let written = written.trim();
    let end = written
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || matches!(c, '.' | ',') || (*at == 0 && *c == '-')))
        .map_or(written.len(), |(at, _)| at);
    let number = written[..end].trim_end_matches(['.', ',']);
    // A comma before three digits may part thousands.
    if number.split_once(',').is_some_and(|(_, after)| after.len() == 3 || after.contains([',', '.'])) {
        return None;
    }
    let number = number.replace(',', ".");
    let usable = if whole { number.parse::<i64>().is_ok() } else { number.parse::<f64>().is_ok() };
    usable.then_some(number)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn usual_slips_are_undone_only_into_what_the_schema_admits() {
        let country = json!({"type": "string", "pattern": "^[A-Z]{2}$", "not": {"enum": ["UK"]}});
        assert_eq!(suggest("se", &country).as_deref(), Some("SE"));
        assert_eq!(suggest("uk", &country), None);
        assert_eq!(suggest("Denmark", &country), None);
        let rate = json!({"pattern": "^(0|[1-9][0-9]?(\\.[0-9]{0,2}[1-9])?)$"});
        assert_eq!(suggest("25%", &rate).as_deref(), Some("25"));
        assert_eq!(suggest("0.19", &rate).as_deref(), Some("19"));
        assert_eq!(suggest("19,0", &rate).as_deref(), Some("19"));
        assert_eq!(suggest("25,50 %", &rate).as_deref(), Some("25.5"));
        let every = json!({"pattern": "^[1-9][0-9]*(m|h|d)$"});
        assert_eq!(suggest("15 min", &every).as_deref(), Some("15m"));
        assert_eq!(suggest("0m", &every), None);
        let labelled = json!({"enum": ["SE", "DE"], "x-labels": {"SE": "Sweden", "DE": "Germany"}});
        assert_eq!(suggest("sweden", &labelled).as_deref(), Some("SE"));
    }

    #[test]
    fn dates_of_all_countries_get_a_proposal() {
        assert_eq!(date("2026-2-3"), "write 2026-02-03");
        assert_eq!(date("01/02/2026"), "write 2026-02-01 or 2026-01-02, whichever day is meant");
        assert_eq!(date("31.12.2026"), "write 2026-12-31");
        assert_eq!(date("20260201"), "write 2026-02-01");
        assert_eq!(date("2026-02-01 00:00"), "write 2026-02-01");
        assert_eq!(date("2026-02-30"), "write a day that is in the calendar, as year-month-day");
    }

    #[test]
    fn numbers_lose_their_units() {
        assert_eq!(number("29 kr", false).as_deref(), Some("29"));
        assert_eq!(number("2,5", false).as_deref(), Some("2.5"));
        assert_eq!(number("1,000", false), None);
        assert_eq!(number("two", false), None);
    }
}
