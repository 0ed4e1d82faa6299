//! Values, settings, people and days in words, the same in every form.

use serde_json::Value as Json;

use super::texts::Language;
use crate::model::{CONNECTORS, SettingPath, Value};
use crate::plan::{Change, ChangeKind, Integration};
use crate::schema::Category;
use crate::schema::suggest::refuses;
use crate::store::OUTSIDE;

/// Of a change that was made outside: who made it and when, as far as that is known.
#[must_use]
pub fn who_and_when(change: &Change) -> String {
    let by = by(change);
    change.since.as_ref().map_or_else(|| by.clone(), |since| format!("{by}, at {since}"))
}

/// As [`who_and_when`], with no more of the time than its day.
#[must_use]
pub fn who_and_day(change: &Change) -> String {
    let by = by(change);
    change.since.as_ref().map_or_else(|| by.clone(), |since| format!("{by} on {}", day_of(since)))
}

fn by(change: &Change) -> String {
    match change.by.as_deref() {
        None => "outside".to_owned(),
        Some(OUTSIDE) => OUTSIDE.to_owned(),
        Some(by) => format!("by {by}"),
    }
}

/// What the last apply set, where that is not what is deployed.
#[must_use]
pub fn last_applied(language: &Language, change: &Change) -> Option<String> {
    change.last_applied.as_ref().map(|last| shown_in(language, last, change.last_applied_label.as_deref()))
}

/// The day of a time, as a person reads it: `12 Nov 2026`; the text as it is where it is no time.
#[must_use]
pub fn day_of(time: &str) -> String {
    Language::english().day_of(time)
}

/// `Karin Ek <karin@example.com>` is Karin Ek: an address for mails is none of a reader's business. An address alone stays.
#[must_use]
pub fn person(name: &str) -> &str {
    let before =
        name.split_once(" <").filter(|(_, rest)| rest.ends_with('>')).map(|(before, _)| before.trim());
    before.filter(|before| !before.is_empty()).unwrap_or(name)
}

/// When a flow syncs, as the pages say it: `orders sync (every 15m)` is every 15 minutes.
#[must_use]
pub fn next_sync(language: &Language, told: &str) -> String {
    let (flow, timing) = told.split_once(" sync").unwrap_or((told, ""));
    let timing = timing.trim().trim_start_matches('(').trim_end_matches(')');
    let when = match timing.split_once(' ') {
        Some(("every", every)) => interval(language, every),
        Some(("after", after)) => language.say("sync.after", &[("flow", after)]),
        _ => timing.to_owned(),
    };
    let when = if when.is_empty() { when } else { format!(" ({when})") };
    language.say("sync.next", &[("flow", flow), ("when", &when)])
}

/// `15m` in words; the text as it is where it is none.
fn interval(language: &Language, every: &str) -> String {
    let (number, unit) = every.split_at(every.len().saturating_sub(1));
    match number.parse::<usize>() {
        Ok(number) if matches!(unit, "m" | "h" | "d") => language.count(&format!("every.{unit}"), number),
        _ => language.say("sync.every", &[("every", every)]),
    }
}

/// A value as a person reads it: its label before its id, a toggle in words.
#[must_use]
pub fn shown(value: &Json, label: Option<&str>) -> String {
    shown_in(Language::english(), value, label)
}

/// The same in a language.
#[must_use]
pub fn shown_in(language: &Language, value: &Json, label: Option<&str>) -> String {
    let say = |key: &str| language.text(key, None).to_owned();
    let text = match value {
        Json::Null => return say("value.unset"),
        Json::Bool(true) => return say("on"),
        Json::Bool(false) => return say("off"),
        Json::String(text) if !text.is_empty() && text.trim() == text => text.clone(),
        Json::Array(elements) if elements.is_empty() => say("none"),
        Json::Array(elements) => match (Value::from_json(value), label) {
            // A label of what changes on a day, or of a list, says all of it.
            (_, Some(label)) => return label.to_owned(),
            (Value::Dated(dated), None) => dated.said(|value| shown_in(language, &value.to_json(), None)),
            _ => elements
                .iter()
                .map(|element| shown_in(language, element, None))
                .collect::<Vec<_>>()
                .join(", "),
        },
        value => Value::from_json(value).to_string(),
    };
    match label {
        Some(label) => format!("{label} ({text})"),
        None => text,
    }
}

/// A secret whose value was not at hand.
#[must_use]
pub fn is_unknown(value: &Json) -> bool {
    let value = Value::from_json(value);
    matches!(value, Value::Secret(secret) if secret.fingerprint.is_none())
}

/// The value that follows a change, in words.
#[must_use]
pub fn shown_after(language: &Language, change: &Change) -> String {
    let after = shown_in(language, &change.after, change.after_label.as_deref());
    match change.kind {
        ChangeKind::Reset if !change.after.is_null() => language.say("value.default", &[("value", &after)]),
        ChangeKind::Change if shown(&change.before, None) == shown(&change.after, None) => {
            let key = if is_unknown(&change.after) { "value.unknown" } else { "value.new" };
            language.text(key, None).to_owned()
        }
        _ => after,
    }
}

/// The first few of several names, and how many more there are.
#[must_use]
pub fn some(names: &[&str]) -> String {
    const NAMED: usize = 6;
    let first = names[..names.len().min(NAMED)].join(", ");
    match names.len().saturating_sub(NAMED) {
        0 => first,
        more => format!("{first} and {more} more"),
    }
}

/// A setting in words: titles of groups and settings, and rows by what the schema calls them.
#[must_use]
pub fn of_setting(category: &Category, path: &SettingPath) -> Vec<String> {
    let mut schema: Option<&Json> = Some(&category.schema);
    let mut words = Vec::new();
    for key in path.segments() {
        let property = schema.and_then(|schema| schema.get("properties")?.get(&**key));
        let (next, word) = match property {
            Some(property) => {
                (Some(property), property.get("title").and_then(Json::as_str).map(str::to_owned))
            }
            None => {
                let rows = schema
                    .and_then(|schema| schema.get("additionalProperties"))
                    .filter(|rows| rows.is_object());
                (rows, schema.and_then(|schema| row_word(schema, key)))
            }
        };
        words.push(word.unwrap_or_else(|| key.to_string()));
        schema = next;
    }
    words
}

/// As [`of_setting`], as short as it can be told: without a mapping that is called as its category, and a rate beside its country
/// (`Germany, 19 %`).
#[must_use]
pub fn told(category: &Category, path: &SettingPath) -> Vec<String> {
    let mut words = of_setting(category, path);
    // The rates of a row stand for what is sold; of its other mappings of rates the name tells what they are for.
    let segments = path.segments();
    if let [.., row, above, rate] = segments
        && words.len() == segments.len()
        && is_first_of_rates(category, path, above)
    {
        let said = format!("{}, {}", words[segments.len() - 3], words[segments.len() - 1]);
        let is_named = words[segments.len() - 3] != **row || words[segments.len() - 1] != **rate;
        if is_named {
            words.truncate(segments.len() - 3);
            words.push(said);
        }
    }
    if words.len() > 1 && words[0].to_lowercase() == category.title.to_lowercase() {
        words.remove(0);
    }
    words
}

/// [`told`] in one line.
#[must_use]
pub fn named(category: &Category, path: &SettingPath) -> String {
    told(category, path).join(" › ")
}

/// Whether a path leads to a rate of a row whose first mapping of rates it is in.
fn is_first_of_rates(category: &Category, path: &SettingPath, of: &str) -> bool {
    let row: SettingPath = path.segments().iter().take(path.segments().len() - 2).collect();
    let is_row = row.segments().split_last().is_some_and(|(_, above)| {
        let above: SettingPath = above.iter().collect();
        let rows = category.schema_at(&above);
        rows.is_some_and(|schema| schema.get("additionalProperties").is_some_and(Json::is_object))
    });
    let fields = category.schema_at(&row).and_then(|schema| schema.get("properties")?.as_object());
    let first = fields.and_then(|fields| fields.iter().find(|(_, field)| is_of_rates(field)));
    is_row && first.is_some_and(|(name, _)| name == of)
}

/// Whether the keys of a mapping are VAT rates, which they are called alike on every platform.
#[must_use]
pub fn is_of_rates(mapping: &Json) -> bool {
    mapping.get("propertyNames").is_some_and(|names| {
        names.get("pattern").is_some() && !refuses("25.5", names) && refuses("255", names)
    })
}

/// Where a setting stands among those of its category: as the page has them, rows by their numbers, else by their names.
#[must_use]
pub fn order(category: &Category, path: &SettingPath) -> Vec<(usize, String)> {
    let place = category.settings.iter().position(|one| path.starts_with(&one.path));
    let mut schema: Option<&Json> = Some(&category.schema);
    let mut order = vec![(place.unwrap_or(usize::MAX), String::new())];
    for key in path.segments() {
        let fields = schema.and_then(|schema| schema.get("properties")?.as_object());
        let field =
            fields.and_then(|fields| Some((fields.keys().position(|one| *one == **key)?, &fields[&**key])));
        let (next, at) = match field {
            Some((at, field)) => (Some(field), (at, String::new())),
            None => {
                let word = schema.and_then(|schema| row_word(schema, key)).unwrap_or_else(|| key.to_string());
                let rows = schema.and_then(|schema| schema.get("additionalProperties"));
                (rows.filter(|rows| rows.is_object()), (number(key), word.to_lowercase()))
            }
        };
        order.push(at);
        schema = next;
    }
    order
}

/// A number in hundredths; what is none comes after all numbers.
fn number(key: &str) -> usize {
    let (whole, part) = key.split_once('.').unwrap_or((key, ""));
    let hundredths = format!("{part:0<2}").get(..2).and_then(|part| part.parse::<usize>().ok());
    let whole = whole.parse::<usize>().ok();
    whole.zip(hundredths).map_or(usize::MAX, |(whole, part)| whole.saturating_mul(100).saturating_add(part))
}

/// What a row is called: by the label of its key, or with the unit of all keys.
fn row_word(schema: &Json, key: &str) -> Option<String> {
    let names = schema.get("propertyNames")?;
    if let Some(label) = names.get("x-labels").and_then(|labels| labels.get(key)?.as_str()) {
        return Some(label.to_owned());
    }
    if is_of_rates(schema) {
        return Some(format!("{key} %"));
    }
    let unit = names.get("x-unit")?.as_str()?;
    Some(format!("{key} {unit}"))
}

/// The connectors whose connections a plan changes, each once.
#[must_use]
pub fn changed_connectors(one: &Integration) -> Vec<String> {
    let connections = one.categories.iter().filter(|category| category.category == CONNECTORS);
    let paths = connections.flat_map(|category| &category.changes);
    let names =
        paths.filter_map(|change| Some(SettingPath::parse(&change.setting)?.segments()[0].to_string()));
    let mut names: Vec<String> = names.collect();
    names.sort_unstable();
    names.dedup();
    names
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::parts::Catalogue;

    #[test]
    fn a_setting_is_told_in_words() {
        let pair = Catalogue::default().pair("fortnox-shopify").unwrap();
        for (category, setting, expected) in [
            ("payment_methods", "default_terms_of_payment", vec!["Default terms of payment"]),
            (
                "sales_accounts",
                "countries.DE.default_account",
                vec!["Country mapping", "Germany", "Default account"],
            ),
            (
                "sales_accounts",
                "countries.DE.rates.19",
                vec!["Country mapping", "Germany", "Accounts by VAT rate", "19 %"],
            ),
            ("connectors", "shopify.active", vec!["Shopify", "Active connection of Shopify"]),
        ] {
            let path = SettingPath::parse(setting).unwrap();
            assert_eq!(of_setting(pair.category(category).unwrap(), &path), expected, "{setting}");
        }
    }

    #[test]
    fn a_setting_is_told_without_what_its_place_says_already() {
        let pair = Catalogue::default().pair("fortnox-shopify").unwrap();
        for (category, setting, expected) in [
            ("payment_methods", "methods.klarna.terms", "klarna › Terms of payment"),
            ("sales_accounts", "home.25", "Home accounts › 25 %"),
            ("sales_accounts", "countries.DE.rates.19", "Country mapping › Germany, 19 %"),
            (
                "sales_accounts",
                "countries.DE.shipping_rates.7",
                "Country mapping › Germany › Shipping accounts by VAT rate › 7 %",
            ),
        ] {
            let path = SettingPath::parse(setting).unwrap();
            assert_eq!(named(pair.category(category).unwrap(), &path), expected, "{setting}");
        }
    }

    #[test]
    fn rates_stand_in_their_order() {
        let pair = Catalogue::default().pair("fortnox-shopify").unwrap();
        let category = pair.category("sales_accounts").unwrap();
        let mut paths: Vec<SettingPath> = ["home.6", "home.25", "export", "home.0", "home.12", "home.2.5"]
            .iter()
            .filter_map(|one| SettingPath::parse(one))
            .collect();
        paths.retain(|path| path.segments().len() < 3);
        paths.push(SettingPath::root().child("home").child("2.5"));
        paths.sort_by_cached_key(|path| order(category, path));
        let sorted: Vec<String> =
            paths.iter().map(|path| path.segments().last().unwrap().to_string()).collect();
        assert_eq!(sorted, ["0", "2.5", "6", "12", "25", "export"]);
    }
}
