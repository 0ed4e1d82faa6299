//! What the author most likely meant: the nearest text that the schema at a place admits, and an example where there is none.
//!
//! Nothing here judges: every proposal is proven against the schema before it is made.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::engine::patterns;
use super::keywords::text;
use super::secret_marks::is_marked;
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
    let trimmed = bare(written);
    // Their signs are no brackets around the text.
    let mut all = requirement(written).into_iter().collect::<Vec<_>>();
    all.extend([trimmed.to_owned(), trimmed.to_ascii_lowercase(), trimmed.to_ascii_uppercase()]);
    all.extend(
        SYNONYMS
            .iter()
            .filter(|(word, _)| *word == trimmed.to_ascii_lowercase())
            .map(|(_, ours)| (*ours).to_owned())
            .collect::<Vec<_>>(),
    );
    all.extend(trimmed.strip_prefix("mailto:").map(str::to_owned));
    all.push(parted(trimmed));
    all.extend(by_name(trimmed));
    all.extend(weekday(trimmed).map(str::to_owned));
    if let [day] = days(trimmed).as_slice() {
        all.push(day.clone());
    }
    if trimmed.contains("{{") {
        all.push(trimmed.replace("{{ ", "{").replace(" }}", "}").replace("{{", "{").replace("}}", "}"));
    }
    all.push(trimmed.replace('_', "-"));
    all.push(trimmed.replace(['_', ' '], "-").to_ascii_lowercase());
    all.push(trimmed.replace(['-', ' '], "_").to_ascii_lowercase());
    let rate = rate(trimmed);
    all.extend(rate.iter().cloned());
    all.extend(rate.map(|rate| format!("{rate}%")));
    all.extend(interval(trimmed));
    all.extend(clock(trimmed));
    // Of an address in the form of other programs, `sqlite:///PATH`, the third slash belongs to no path.
    if let Some(path) = trimmed.strip_prefix("sqlite://") {
        all.push(format!("sqlite:{}", path.strip_prefix('/').unwrap_or(path)));
    }
    if [".db", ".sqlite", ".sqlite3"].iter().any(|ending| trimmed.ends_with(ending)) {
        all.push(format!("sqlite:{trimmed}"));
    }
    let bare =
        trimmed.strip_prefix("https://").or_else(|| trimmed.strip_prefix("http://")).unwrap_or(trimmed);
    if let Some(host) = host(bare) {
        all.push(format!("https://{bare}"));
        all.extend(host.split_once('.').map(|(first, _)| first.to_owned()));
    }
    // "Anna <anna@shop.example.com>": the address alone.
    let address = trimmed.split_once('<').and_then(|(_, rest)| rest.split('>').next());
    all.extend(address.filter(|address| address.contains('@')).map(|address| address.trim().to_owned()));
    // "3 105", "3105.0": the code as it is counted with.
    all.extend(whole(trimmed));
    // "3108 Sales": the code before its name. Not a date without its time: dates have words of their own.
    let first = trimmed.split_whitespace().next().filter(|first| is_digits(first));
    all.extend(first.filter(|first| name_follows(&trimmed[first.len()..])).map(str::to_owned));
    // Of several, where one is possible: the first, whole.
    let first = trimmed.split([',', ';']).next().filter(|first| first.len() < trimmed.len());
    let point = trimmed.replace(',', ".");
    // A comma in place of a point parts nothing.
    let is_point = trimmed.contains('@') && trimmed.matches('@').count() == 1;
    all.extend(first.map(|first| if is_point { point } else { first.trim().to_owned() }));
    all
}

/// Words that people write for ours; which of them are possible at a place the schema tells.
const SYNONYMS: [(&str, &str); 26] = [
    ("error", "deny"),
    ("fail", "deny"),
    ("warning", "warn"),
    ("off", "allow"),
    ("ignore", "allow"),
    ("info", "allow"),
    ("none", "allow"),
    ("revert", "heal"),
    ("restore", "heal"),
    ("reset", "heal"),
    ("overwrite", "apply"),
    ("block", "hold"),
    ("wait", "hold"),
    ("notify", "report"),
    ("daily", "1d"),
    ("hourly", "1h"),
    ("weekly", "7d"),
    ("nightly", "1d"),
    ("bool", "boolean"),
    ("int", "integer"),
    ("str", "string"),
    ("24:00", "00:00"),
    ("tis", "tue"),
    ("lör", "sat"),
    ("sön", "sun"),
    ("midnight", "00:00"),
];

/// Versions as other programs ask for them: `<=0.9` as `<0.10`, `>0.1` as `>=0.2`, `^0.2.1` and `~0.2.1` as `>=0.2.1, <0.3`, `==0.2` as `=0.2`.
fn requirement(written: &str) -> Option<String> {
    let written = written.trim();
    let (sign, version) = written.split_at(written.find(|c: char| c.is_ascii_digit())?);
    let numbers: Option<Vec<u32>> = version.split('.').map(|number| number.parse().ok()).collect();
    let numbers = numbers.filter(|numbers| numbers.len() <= 3)?;
    // One more in the number at this place, without those behind it.
    let after = |place: usize| {
        let all = numbers.iter().take(place).copied().chain([numbers[place].checked_add(1)?]);
        Some(all.map(|number| number.to_string()).collect::<Vec<_>>().join("."))
    };
    let last = numbers.len() - 1;
    Some(match sign.trim() {
        "<=" => format!("<{}", after(last)?),
        ">" => format!(">={}", after(last)?),
        "^" | "~" | "~=" => {
            let place = match sign.trim() {
                // The first number that is not zero keeps what works from breaking.
                "^" => numbers.iter().position(|number| *number > 0).unwrap_or(last),
                "~" => last.min(1),
                _ => last.saturating_sub(1),
            };
            format!(">={version}, <{}", after(place)?)
        }
        "==" => format!("={version}"),
        _ => return None,
    })
}

/// `OrdersCreated` as `orders-created`.
fn parted(written: &str) -> String {
    let mut parted = String::with_capacity(written.len());
    for c in written.chars() {
        if c.is_uppercase() && !parted.is_empty() && !parted.ends_with(['-', '_', '/', ' ']) {
            parted.push('-');
        }
        parted.extend(c.to_lowercase());
    }
    parted
}

/// Without the white space and the quotes, of whatever alphabet, or pointed brackets that came along.
#[must_use]
pub fn bare(written: &str) -> &str {
    let quotes: &[char] = &['“', '”', '„', '’', '‘', '«', '»', '"', '\'', '`', '<', '>'];
    written.trim().trim_matches(quotes).trim()
}

/// A day of the week by its name, as its first three letters.
fn weekday(written: &str) -> Option<&'static str> {
    const DAYS: [(&str, [&str; 3]); 7] = [
        ("mon", ["monday", "måndag", "mandag"]),
        ("tue", ["tuesday", "tisdag", "tirsdag"]),
        ("wed", ["wednesday", "onsdag", "ons"]),
        ("thu", ["thursday", "torsdag", "tor"]),
        ("fri", ["friday", "fredag", "fre"]),
        ("sat", ["saturday", "lördag", "lørdag"]),
        ("sun", ["sunday", "söndag", "søndag"]),
    ];
    let day = written.to_lowercase();
    DAYS.into_iter().find(|(_, names)| names.contains(&day.as_str())).map(|(short, _)| short)
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

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// What follows a code is its name, not more digits of one number.
fn name_follows(rest: &str) -> bool {
    rest.trim_start().chars().next().is_some_and(|c| !c.is_ascii_digit())
}

/// The host of an address without a scheme: names with a point between them, of which the last is no number.
fn host(address: &str) -> Option<&str> {
    let host = address.split(['/', '?', '#']).next()?;
    let fits = |label: &str| {
        !label.is_empty() && label.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b >= 0x80)
    };
    let last = host.rsplit_once('.')?.1;
    (host.split('.').all(fits) && !last.bytes().all(|b| b.is_ascii_digit())).then_some(host)
}

/// `7:30`, `7.30` and `1600` as `07:30` and `16:00`.
fn clock(written: &str) -> Option<String> {
    let (hour, minute) = match written.split_once([':', '.']) {
        Some(parts) => parts,
        None if matches!(written.len(), 3 | 4) && written.is_ascii() => written.split_at(written.len() - 2),
        None => return None,
    };
    let usable = is_digits(hour) && is_digits(minute) && hour.len() <= 2 && minute.len() == 2;
    usable.then(|| format!("{hour:0>2}:{minute}"))
}

/// `3 105`, `3_105`, `3105.0` and `3.105e3` as `3105`.
#[must_use]
pub fn whole(written: &str) -> Option<String> {
    let joined = without_groups(written);
    if is_digits(&joined) {
        return Some(joined.into_owned());
    }
    let number = joined.parse::<f64>().ok().filter(|_| joined.contains(['e', 'E', '.']))?;
    let exact = number.fract() == 0.0 && (0.0..9e15).contains(&number);
    exact.then(|| format!("{number:.0}"))
}

/// Thousands parted by a space, an underscore or an apostrophe, joined.
fn without_groups(written: &str) -> Cow<'_, str> {
    const MARKS: [char; 6] = [' ', '_', '\'', '\u{a0}', '\u{202f}', '\u{2019}'];
    let (head, tail) = written.split_at(written.find(['.', ',']).unwrap_or(written.len()));
    let mut groups = head.trim_start_matches('-').split(MARKS);
    let leads = groups.next().is_some_and(|first| is_digits(first) && first.len() <= 3);
    let mut others = groups.peekable();
    if !leads || others.peek().is_none() || !others.all(|group| is_digits(group) && group.len() == 3) {
        return Cow::Borrowed(written);
    }
    Cow::Owned(format!("{}{tail}", head.replace(MARKS, "")))
}

/// `25 %`, `19,0` and `19.0` as `25` and `19`.
fn rate(written: &str) -> Option<String> {
    const WORDS: [&str; 5] = ["%", "percent", "per cent", "procent", "prosent"];
    let number = WORDS.iter().find_map(|word| written.strip_suffix(word)).unwrap_or(written);
    let number = number.trim().replace(',', ".");
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

/// `15 min` and `15` as `15m`, `1 hour` as `1h`, `1w` as `7d`, `1h30m` and `PT90M` as `90m`; a line for cron as its interval.
fn interval(written: &str) -> Option<String> {
    if let Some(interval) = of_cron(written) {
        return Some(interval);
    }
    if let Some(minutes) = part_of_an_hour(written) {
        return Some(format!("{minutes}m"));
    }
    let mut rest = written.trim_start_matches(['P', 'T']).trim();
    let mut minutes: u32 = 0;
    let mut single = None;
    let mut count = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let number: u32 = rest[..digits].parse().ok()?;
        rest = rest[digits..].trim_start();
        let letters = rest.len() - rest.trim_start_matches(char::is_alphabetic).len();
        let (unit, each) = match rest[..letters].to_lowercase().as_str() {
            "m" | "min" | "mins" | "minute" | "minutes" | "minut" | "minuter" => ("m", 1),
            "h" | "hr" | "hrs" | "hour" | "hours" | "tim" | "timme" | "timmar" => ("h", 60),
            "d" | "day" | "days" | "dag" | "dagar" => ("d", 24 * 60),
            "w" | "week" | "weeks" | "vecka" | "veckor" => ("w", 7 * 24 * 60),
            // Most intervals are minutes.
            "" => ("m", 1),
            _ => return None,
        };
        rest = rest[letters..].trim_start();
        minutes = minutes.checked_add(number.checked_mul(each)?)?;
        single = Some(if unit == "w" { format!("{}d", number * 7) } else { format!("{number}{unit}") });
        count += 1;
    }
    match (count, minutes) {
        (1, _) => single,
        (0, _) | (_, 0) => None,
        (_, whole) if whole % (24 * 60) == 0 => Some(format!("{}d", whole / (24 * 60))),
        (_, whole) if whole % 60 == 0 => Some(format!("{}h", whole / 60)),
        (_, whole) => Some(format!("{whole}m")),
    }
}

/// `0.5h` and `1,5 hours` in minutes.
fn part_of_an_hour(written: &str) -> Option<u32> {
    let number = written.trim_end_matches(char::is_alphabetic);
    let unit = written[number.len()..].to_lowercase();
    let (whole, part) = number.trim().split_once(['.', ','])?;
    let is_hours = matches!(unit.as_str(), "h" | "hr" | "hour" | "hours" | "tim" | "timmar");
    let quarters = match part {
        "25" => 15,
        "5" | "50" => 30,
        "75" => 45,
        "0" | "00" => 0,
        _ => return None,
    };
    let minutes = whole.parse::<u32>().ok()?.checked_mul(60)?.checked_add(quarters)?;
    (is_hours && minutes > 0).then_some(minutes)
}

/// The interval that a line for cron stands for, where it is one.
#[must_use]
pub fn of_cron(written: &str) -> Option<String> {
    match written {
        "@hourly" => return Some("1h".to_owned()),
        "@daily" | "@midnight" => return Some("1d".to_owned()),
        _ => {}
    }
    let fields: Vec<&str> = written.split_whitespace().collect();
    let [minute, hour, "*", "*", "*"] = fields[..] else { return None };
    let step = |field: &str| field.strip_prefix("*/")?.parse::<u32>().ok().filter(|step| *step > 0);
    let number = |field: &str| field.parse::<u32>().is_ok();
    match (step(minute), step(hour)) {
        (Some(minutes), None) if hour == "*" => Some(format!("{minutes}m")),
        (None, Some(hours)) if number(minute) => Some(format!("{hours}h")),
        (None, None) if number(minute) && hour == "*" => Some("1h".to_owned()),
        (None, None) if minute == "*" && hour == "*" => Some("1m".to_owned()),
        (None, None) if number(minute) && number(hour) => Some("1d".to_owned()),
        _ => None,
    }
}

/// A value that the schema admits: its own example, its default, or what its message gives as one.
#[must_use]
pub fn example(schema: &Json) -> Option<String> {
    // What a secret may be is as secret.
    let shown = Some(schema).filter(|schema| !is_marked(schema));
    let given = shown.and_then(|schema| schema.get("examples")?.get(0).or_else(|| schema.get("default")));
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
    match days(written).as_slice() {
        [day] => format!("write {day}"),
        [one, other] => format!("write {one} or {other}, whichever day is meant"),
        _ => match date_parts(written)[..] {
            [year, _, _] if year.len() == 4 => {
                "write a day that is in the calendar, as year-month-day".to_owned()
            }
            _ => "write the day as year-month-day, such as 2026-01-31".to_owned(),
        },
    }
}

/// The three numbers of a date, as they are written.
fn date_parts(written: &str) -> Vec<&str> {
    let written = bare(written);
    let day = written.split(['T', ' ']).next().unwrap_or(written);
    let fits = |part: &str| part.len() <= 4 && is_digits(part);
    if day.len() == 8 && is_digits(day) {
        return vec![&day[..4], &day[4..6], &day[6..]];
    }
    let parts: Vec<&str> = day.split(['-', '/', '.']).collect();
    if parts.len() == 3 && parts.iter().all(|part| fits(part)) { parts } else { Vec::new() }
}

/// The days that a date of another form may mean: two, where nothing tells the day from the month.
fn days(written: &str) -> Vec<String> {
    let make = |year: &str, month: &str, day: &str| {
        let date = jiff::civil::Date::new(year.parse().ok()?, month.parse().ok()?, day.parse().ok()?).ok()?;
        (year.len() == 4).then(|| date.to_string())
    };
    let mut meant: Vec<String> = match date_parts(written)[..] {
        [year, month, day] if year.len() == 4 => make(year, month, day).into_iter().collect(),
        [a, b, year] => [make(year, b, a), make(year, a, b)].into_iter().flatten().collect(),
        _ => Vec::new(),
    };
    meant.dedup();
    meant
}

/// The numbers that a text such as `29 kr`, `2,5` or `1 000` may mean: two, where a point may part thousands. None where
/// what follows is no unit of money or share: `5m`, `2-3` and `2026-01-01` are no numbers.
#[must_use]
pub fn numbers(written: &str, whole: bool) -> Vec<String> {
    const UNITS: [&str; 14] =
        ["", "%", "kr", "kr.", "sek", "nok", "dkk", "eur", "usd", "gbp", "€", "$", "£", "st"];
    let written = without_groups(written.trim());
    let end = written
        .char_indices()
        .find(|(at, c)| !(c.is_ascii_digit() || matches!(c, '.' | ',') || (*at == 0 && *c == '-')))
        .map_or(written.len(), |(at, _)| at);
    let (number, unit) = written.split_at(end);
    let words = unit.starts_with(char::is_whitespace) && unit.trim().chars().all(char::is_alphabetic);
    if !UNITS.contains(&unit.trim().to_lowercase().as_str()) && !words {
        return Vec::new();
    }
    let number = number.trim_end_matches(['.', ',']);
    let groups: Vec<&str> = number.trim_start_matches('-').split(['.', ',']).collect();
    let thousands = groups.len() > 1
        && (1..=3).contains(&groups[0].len())
        && groups[0] != "0"
        && groups[1..].iter().all(|group| group.len() == 3);
    let mut meant = Vec::new();
    if thousands {
        meant.push(number.replace(['.', ','], ""));
    }
    if groups.len() <= 2 {
        meant.push(number.replace(',', "."));
    }
    meant.retain(|number| if whole { number.parse::<i64>().is_ok() } else { number.parse::<f64>().is_ok() });
    meant
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
        assert_eq!(suggest("Denmark", &country).as_deref(), Some("DK"));
        assert_eq!(suggest("Atlantis", &country), None);
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
    fn numbers_lose_their_units_and_nothing_else() {
        let all = |written: &str| numbers(written, false);
        assert_eq!(all("29 kr"), ["29"]);
        assert_eq!(all("2,5"), ["2.5"]);
        assert_eq!(all("1_000"), ["1000"]);
        assert_eq!(all("12 500,50 kr"), ["12500.50"]);
        assert_eq!(all("30 days"), ["30"]);
        assert_eq!(all("1,000"), ["1000", "1.000"]);
        assert_eq!(numbers("1.000", true), ["1000"]);
        assert_eq!(all("1.000.000"), ["1000000"]);
        for no_number in ["two", "5m", "2-3", "2026-01-01", "12 3", "1.2.3", ""] {
            assert!(all(no_number).is_empty(), "{no_number}");
        }
    }

    #[test]
    fn a_proposal_is_never_a_part_of_what_was_meant() {
        let schema = |pattern: &str| json!({"type": "string", "pattern": pattern});
        let cases = [
            (
                "^[^@ ,]+@[^@ ,]+$",
                "anna@shop.example.com, bo@shop.example.com",
                Some("anna@shop.example.com"),
            ),
            ("^(sqlite:.+|https://.+)$", ".pairform/test.db", Some("sqlite:.pairform/test.db")),
            ("^(sqlite:.+|https://.+)$", "books.example.com", Some("https://books.example.com")),
            ("^https://.+$", ".pairform/test", None),
            ("^[0-9]+$", "12 500", Some("12500")),
            ("^[0-9]{4}$", "3108 Sales", Some("3108")),
            ("^[0-9]{4}$", "3105.0", Some("3105")),
            ("^[0-9]{4}$", "3.105e3", Some("3105")),
            ("^(100|[0-9]{1,2})%$", "25 %", Some("25%")),
            ("^(100|[0-9]{1,2})%$", "0.25", Some("25%")),
            ("^[1-9][0-9]*(m|h|d)$", "90", Some("90m")),
            ("^[1-9][0-9]*(m|h|d)$", "1w", Some("7d")),
            ("^[1-9][0-9]*d$", "2 weeks", Some("14d")),
            ("^[1-9][0-9]*(m|h|d)$", "1h30m", Some("90m")),
            ("^[1-9][0-9]*(m|h|d)$", "1 h 60 min", Some("2h")),
            ("^[1-9][0-9]*(m|h|d)$", "PT15M", Some("15m")),
            ("^[1-9][0-9]*(m|h|d)$", "0 3 * * *", Some("1d")),
            ("^[1-9][0-9]*(m|h|d)$", "90s", None),
            ("^(100|[0-9]{1,2})%$", "30 percent", Some("30%")),
            ("^(mon|tue|wed)$", "Måndag", Some("mon")),
            ("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "20/11/2026", Some("2026-11-20")),
            ("^[0-9]{4}-[0-9]{2}-[0-9]{2}$", "1/2/2026", None),
            ("^[0-9]+$", "“30”", Some("30")),
            ("^[0-2][0-9]:[0-5][0-9]$", "7:30", Some("07:30")),
            ("^[0-2][0-9]:[0-5][0-9]$", "1600", Some("16:00")),
        ];
        for (pattern, written, meant) in cases {
            assert_eq!(suggest(written, &schema(pattern)).as_deref(), meant, "{written}");
        }
    }
}
