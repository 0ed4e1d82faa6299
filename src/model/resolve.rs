//! Settings as they are on one day.
//!
//! The day changes findings, never values: a row is compared, saved and deployed with its days, and whoever reads the
//! configuration asks for those of a day. Nothing here knows which day is today.

use jiff::civil::Date;

use super::days::{Days, FROM, UNTIL};
use super::{SettingPath, Settings, Value};

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
            let is_day = segments.len() == row.segments().len() + 1
                && segments.last().is_some_and(|key| [FROM, UNTIL].contains(&&**key));
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
    use crate::model::{Dated, from_json, to_json};

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
                settings
                    .insert(path(&["countries", &country, "default_account"]), Dated::value("account", rows));
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
        for other in [
            r#"[{"account": 1, "from": "soon"}]"#,
            r#"[{"account": 1, "other": 2}]"#,
            r#"[{"from": "2026-01-01"}]"#,
        ] {
            let json: serde_json::Value = serde_json::from_str(other).unwrap();
            assert!(matches!(Value::from_json(&json), Value::List(_)), "{other}");
        }
    }
}
