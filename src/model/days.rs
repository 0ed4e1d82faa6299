//! Days between which a row holds, and values that change on a day.
//!
//! The day changes findings, never values: a row is compared, saved and deployed with its days, and whoever reads the
//! configuration asks for those of a day ([`on`]). Nothing here knows which day is today.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::{SettingPath, Settings, Value};

/// The keys of the days in a row.
pub const FROM: &str = "from";
pub const UNTIL: &str = "until";

/// From a day until a day, both included; `None` is without end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
pub struct Days {
    #[serde(default, deserialize_with = "day")]
    pub from: Option<Date>,
    #[serde(default, deserialize_with = "day")]
    pub until: Option<Date>,
}

impl Days {
    /// Every day.
    pub const ALWAYS: Days = Days { from: None, until: None };

    #[must_use]
    pub fn holds(&self, day: Date) -> bool {
        self.from.is_none_or(|from| from <= day) && self.until.is_none_or(|until| day <= until)
    }

    /// The days that are in both.
    #[must_use]
    pub fn within(&self, other: Days) -> Days {
        let until = match (self.until, other.until) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        Days { from: self.from.max(other.from), until }
    }

    /// Whether it ends before it begins.
    #[must_use]
    pub fn is_never(&self) -> bool {
        self.from.zip(self.until).is_some_and(|(from, until)| until < from)
    }

    /// Whether all of it lies before this day.
    #[must_use]
    pub fn is_over(&self, day: Date) -> bool {
        self.until.is_some_and(|until| until < day)
    }

    #[must_use]
    pub fn overlaps(&self, other: Days) -> bool {
        !self.within(other).is_never()
    }

    /// The days of a record with `from` and `until`; `None` where one of them is no day.
    fn of(record: &serde_json::Map<String, Json>) -> Option<Days> {
        let day = |key: &str| match record.get(key) {
            None | Some(Json::Null) => Some(None),
            Some(day) => day.as_str()?.parse().ok().map(Some),
        };
        Some(Days { from: day(FROM)?, until: day(UNTIL)? })
    }
}

fn day<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Date>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    text.map(|text| text.parse().map_err(serde::de::Error::custom)).transpose()
}

impl std::fmt::Display for Days {
    /// "from 2026-01-01", "until 2026-12-31", both, or nothing.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match (self.from, self.until) {
            (Some(from), Some(until)) => write!(f, "from {from} until {until}"),
            (Some(from), None) => write!(f, "from {from}"),
            (None, Some(until)) => write!(f, "until {until}"),
            (None, None) => Ok(()),
        }
    }
}

/// What a setting is on which days, in the order of the days. What is the same on every day is no such value.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Dated {
    /// What a row calls its value: `account` in `{account: 3001, from: 2026-01-01}`.
    name: Box<str>,
    rows: Vec<(Days, Value)>,
}

impl Dated {
    /// The value that these rows are: a plain one where there is one alone, without days.
    #[must_use]
    pub fn value(name: &str, mut rows: Vec<(Days, Value)>) -> Value {
        match rows.as_mut_slice() {
            [(Days::ALWAYS, value)] => std::mem::replace(value, Value::Null),
            _ => {
                rows.sort();
                Value::Dated(Dated { name: name.into(), rows })
            }
        }
    }

    /// Each value with its days, in the order of the days.
    pub fn rows(&self) -> impl Iterator<Item = (Days, &Value)> {
        self.rows.iter().map(|(days, value)| (*days, value))
    }

    /// What holds on a day. Rows that overlap are an error where they are written; the later one counts.
    #[must_use]
    pub fn on(&self, day: Date) -> Option<&Value> {
        self.rows.iter().rev().find(|(days, _)| days.holds(day)).map(|(_, value)| value)
    }

    /// The same with each value changed.
    #[must_use]
    pub fn map(&self, change: impl Fn(&Value) -> Value) -> Dated {
        let rows = self.rows.iter().map(|(days, value)| (*days, change(value))).collect();
        Dated { name: self.name.clone(), rows }
    }

    /// A list of records, also of one alone: by it what changes on a day is told from a mapping.
    #[must_use]
    pub fn to_json(&self) -> Json {
        let record = |(days, value): &(Days, Value)| {
            let mut record = serde_json::Map::new();
            record.insert(self.name.to_string(), value.to_json());
            let days = [(FROM, days.from), (UNTIL, days.until)];
            record.extend(days.into_iter().filter_map(|(key, day)| Some((key.to_owned(), day?.to_string().into()))));
            Json::Object(record)
        };
        self.rows.iter().map(record).collect()
    }

    /// What [`Self::to_json`] gave; `None` for any other list.
    #[must_use]
    pub fn from_json(items: &[Json]) -> Option<Value> {
        let mut name: Option<&str> = None;
        let mut rows = Vec::with_capacity(items.len());
        for item in items {
            let record = item.as_object()?;
            let mut others = record.iter().filter(|(key, _)| ![FROM, UNTIL].contains(&key.as_str()));
            let (key, value) = others.next()?;
            let is_value = !value.is_null() && !value.is_object() && !value.is_array();
            if others.next().is_some() || !is_value || *name.get_or_insert(key) != key.as_str() {
                return None;
            }
            rows.push((Days::of(record)?, Value::from_json(value)));
        }
        Some(Dated::value(name?, rows))
    }
}

impl std::fmt::Display for Dated {
    /// `3111 until 2025-12-31, 3112 from 2026-01-01`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (at, (days, value)) in self.rows().enumerate() {
            let comma = if at > 0 { ", " } else { "" };
            let space = if days == Days::ALWAYS { "" } else { " " };
            write!(f, "{comma}{value}{space}{days}")?;
        }
        Ok(())
    }
}

/// The settings of a category as they are on a day: of each row that changes the value of that day, of rows that do not
/// hold nothing, and of neither the days. `is_dated` tells whether what lies at a path is a row that has days of its own.
#[must_use]
pub fn on(settings: &Settings, is_dated: impl Fn(&SettingPath) -> bool, day: Date) -> Settings {
    let days_of = |row: &SettingPath| {
        let day = |key: &str| match settings.get(&row.child(key)) {
            Some(Value::Text(day)) => day.parse().ok(),
            _ => None,
        };
        Days { from: day(FROM), until: day(UNTIL) }
    };
    let mut resolved = Settings::new();
    for (path, value) in settings {
        let segments = path.segments();
        let mut rows = (1..segments.len()).map(|length| segments[..length].iter().collect::<SettingPath>());
        let holds = rows.all(|row| {
            if !is_dated(&row) {
                return true;
            }
            let is_day = segments.len() == row.segments().len() + 1 && segments.last().is_some_and(|key| [FROM, UNTIL].contains(&&**key));
            !is_day && days_of(&row).holds(day)
        });
        let value = match value {
            Value::Dated(dated) => dated.on(day),
            value => Some(value),
        };
        if let Some(value) = value.filter(|_| holds) {
            resolved.insert(path.clone(), value.clone());
        }
    }
    resolved
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::model::{from_json, to_json};

    fn date(number: u8) -> Date {
        Date::constant(2026, 1, 1).saturating_add(jiff::Span::new().days(i64::from(number)))
    }

    fn any_days() -> impl Strategy<Value = Days> {
        (prop::option::of(0..40_u8), prop::option::of(0..40_u8))
            .prop_map(|(from, until)| Days { from: from.map(date), until: until.map(date) })
    }

    fn any_rows() -> impl Strategy<Value = Vec<(Days, Value)>> {
        let value = (3000..3005_u32).prop_map(|number| Value::number(&number.to_string()));
        prop::collection::vec((any_days(), value), 1..4)
    }

    /// A mapping of accounts, and countries whose rows have days of their own.
    fn any_settings() -> impl Strategy<Value = Settings> {
        let home = prop::collection::btree_map("[1-3]", any_rows(), 0..4);
        let countries = prop::collection::btree_map("(DE|FI|SE)", (any_days(), any_rows()), 0..3);
        (home, countries).prop_map(|(home, countries)| {
            let mut settings = Settings::new();
            let path = |keys: &[&str]| keys.iter().collect::<SettingPath>();
            for (rate, rows) in home {
                settings.insert(path(&["home", &rate]), Dated::value("account", rows));
            }
            for (country, (days, rows)) in countries {
                settings.insert(path(&["countries", &country, "default_account"]), Dated::value("account", rows));
                for (key, day) in [(FROM, days.from), (UNTIL, days.until)] {
                    if let Some(day) = day {
                        settings.insert(path(&["countries", &country, key]), Value::Text(day.to_string()));
                    }
                }
            }
            settings
        })
    }

    fn is_dated(path: &SettingPath) -> bool {
        matches!(path.segments(), [countries, _] if &**countries == "countries")
    }

    proptest! {
        #[test]
        fn settings_with_days_survive_their_document(settings in any_settings()) {
            prop_assert_eq!(from_json(&to_json(&settings)), settings);
        }

        #[test]
        fn the_order_of_rows_says_nothing(rows in any_rows()) {
            let mut turned = rows.clone();
            turned.reverse();
            prop_assert_eq!(Dated::value("account", rows), Dated::value("account", turned));
        }

        #[test]
        fn of_a_day_there_is_what_a_row_says_of_it_and_nothing_else(settings in any_settings(), day in 0..40_u8) {
            let day = date(day);
            let resolved = on(&settings, is_dated, day);
            // What is resolved has no days, and is the same on every day.
            prop_assert!(resolved.values().all(|value| !matches!(value, Value::Dated(_))));
            prop_assert_eq!(&on(&resolved, is_dated, date(99)), &resolved);
            for (path, value) in &settings {
                let [first, row, last @ ..] = path.segments() else { continue };
                let mut rows = vec![];
                match value {
                    Value::Dated(dated) => rows.extend(dated.rows().filter(|(days, _)| days.holds(day)).map(|(_, value)| value.clone())),
                    value if last.iter().all(|key| &**key == "default_account") => rows.push(value.clone()),
                    _ => {}
                }
                if &**first == "countries" {
                    let of = |key: &str| settings.get(&[&**first, &**row, key].iter().collect()).map(|day| day.to_string().replace('"', ""));
                    let begun = of(FROM).is_none_or(|from| from <= day.to_string());
                    let lasts = of(UNTIL).is_none_or(|until| day.to_string() <= until);
                    if !(begun && lasts) {
                        rows.clear();
                    }
                }
                match resolved.get(path) {
                    Some(found) => prop_assert!(rows.contains(found), "{path} is {found} on {day}"),
                    None => prop_assert!(rows.is_empty(), "{path} is not there on {day}"),
                }
            }
        }

        #[test]
        fn between_two_days_on_which_a_row_begins_or_ends_nothing_changes(settings in any_settings(), day in 0..39_u8) {
            let mut turns = Vec::new();
            for value in settings.values() {
                match value {
                    Value::Dated(dated) => turns.extend(dated.rows().flat_map(|(days, _)| [days.from, days.until.map(|until| until.tomorrow().unwrap())])),
                    Value::Text(_) => {}
                    _ => continue,
                }
            }
            for (path, value) in &settings {
                if let (Value::Text(day), Some(key)) = (value, path.segments().last()) {
                    let day: Date = day.parse().unwrap();
                    turns.push(Some(if &**key == FROM { day } else { day.tomorrow().unwrap() }));
                }
            }
            let next = date(day + 1);
            if !turns.contains(&Some(next)) {
                prop_assert_eq!(on(&settings, is_dated, date(day)), on(&settings, is_dated, next));
            }
        }
    }

    #[test]
    fn a_row_is_read_as_people_say_it() {
        let json = serde_json::json!([{"account": 3112, "from": "2026-01-01"}, {"account": 3111, "until": "2025-12-31"}]);
        assert_eq!(Value::from_json(&json).to_string(), "3111 until 2025-12-31, 3112 from 2026-01-01");
        // What is the same on every day is a plain value.
        assert_eq!(Value::from_json(&serde_json::json!([{"account": 3111}])), Value::number("3111"));
        // Any other list of records is kept as it is.
        for other in [r#"[{"account": 1, "from": "soon"}]"#, r#"[{"account": 1, "other": 2}]"#, r#"[{"from": "2026-01-01"}]"#] {
            let json: Json = serde_json::from_str(other).unwrap();
            assert!(matches!(Value::from_json(&json), Value::List(_)), "{other}");
        }
    }
}
