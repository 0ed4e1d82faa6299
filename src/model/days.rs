//! Days between which a row holds. Nothing here knows which day is today.

use jiff::civil::Date;
use serde::{Deserialize, Deserializer};
use serde_json::{Map, Value as Json};

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
    pub(super) fn of(record: &Map<String, Json>) -> Option<Days> {
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
