//! VAT rates as data: which are in force in a country on a day, which have ended, and what took their place.
//!
//! The table is `schemas/data/vat.yaml`. Nothing here knows a clock: the day is given.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Deserialize;
use serde_json::Value as Json;

use crate::model::Days;

/// The table's path below `schemas/`.
pub const PATH: &str = "data/vat.yaml";

/// The rates of all countries that are known.
#[derive(Debug, Default, Deserialize)]
pub struct Vat {
    /// The day on which the whole table was last looked through, as text.
    pub updated: Option<String>,
    /// The codes of the member states.
    #[serde(default)]
    eu: BTreeSet<String>,
    countries: BTreeMap<String, Country>,
}

/// The rates of one country, with those that have ended.
#[derive(Debug, Deserialize)]
pub struct Country {
    pub title: String,
    /// Of the IANA database, the usual one first.
    #[serde(default)]
    pub time_zones: Vec<String>,
    #[serde(default)]
    pub notes: Vec<String>,
    pub rates: Vec<Rate>,
    #[serde(default)]
    pub moves: Vec<Move>,
    /// The country whose VAT area it is part of, for who is at home there.
    area: Option<String>,
    /// The accounts that the country's usual chart has for VAT itself.
    #[serde(default)]
    pub vat_accounts: Vec<Accounts>,
}

/// A range of accounts, both ends included.
#[derive(Debug, Deserialize)]
pub struct Accounts {
    first: u32,
    last: u32,
}

/// One rate in one time; a rate that went and came back has two.
#[derive(Debug, Deserialize)]
pub struct Rate {
    /// `25.5`
    pub rate: String,
    pub kind: RateKind,
    #[serde(flatten)]
    pub time: Days,
    /// The rates that took its place when it ended.
    #[serde(default)]
    pub replaced_by: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RateKind {
    Standard,
    Reduced,
}

/// Goods that moved between two rates that both stay.
#[derive(Debug, Deserialize)]
pub struct Move {
    pub goods: String,
    pub old: String,
    pub new: String,
    #[serde(flatten)]
    pub time: Days,
    pub note: Option<String>,
}

/// How a rate stands on a day.
#[derive(Debug, Clone, Copy)]
pub enum Standing<'a> {
    InForce(RateKind),
    /// The row that ended last.
    Ended(&'a Rate),
    /// The first day on which it is in force.
    Begins(Date),
    Unknown,
}

impl Vat {
    /// The built-in table with a project's own countries laid over it. Both were judged by the meta schema.
    #[must_use]
    pub fn new(built_in: &Json, own: Option<&Json>) -> Self {
        let read = |json: &Json| Vat::deserialize(json).unwrap_or_default();
        let mut vat = read(built_in);
        if let Some(own) = own.map(read) {
            vat.updated = own.updated.or(vat.updated);
            if !own.eu.is_empty() {
                vat.eu = own.eu;
            }
            vat.countries.extend(own.countries);
        }
        vat
    }

    /// Whether a country is a member state.
    #[must_use]
    pub fn is_eu(&self, code: &str) -> bool {
        self.eu.contains(code)
    }

    /// Whether goods to a country are sold at home for who is at home in the other one.
    #[must_use]
    pub fn is_one_area(&self, home: &str, code: &str) -> bool {
        let area = |code| self.country(code).and_then(|country| country.area.as_deref());
        home == code || area(code) == Some(home) || area(home) == Some(code)
    }

    #[must_use]
    pub fn country(&self, code: &str) -> Option<&Country> {
        self.countries.get(code)
    }

    /// The last day on which something in the table begins: the day that counts when there is no clock.
    #[must_use]
    pub fn newest(&self) -> Date {
        let times = self.countries.values().flat_map(|country| {
            country.rates.iter().map(|rate| &rate.time).chain(country.moves.iter().map(|moved| &moved.time))
        });
        times.filter_map(|time| time.from).max().unwrap_or(Date::ZERO)
    }
}

impl Country {
    /// Whether an account is one of those for VAT itself.
    #[must_use]
    pub fn is_of_vat(&self, account: &str) -> bool {
        let number = account.parse().ok().filter(|number: &u32| number.to_string() == account);
        number.is_some_and(|number| {
            self.vat_accounts.iter().any(|range| (range.first..=range.last).contains(&number))
        })
    }

    #[must_use]
    pub fn standing(&self, rate: &str, day: Date) -> Standing<'_> {
        let rows = || self.rates.iter().filter(|row| row.rate == rate);
        if let Some(row) = rows().find(|row| row.time.holds(day)) {
            return Standing::InForce(row.kind);
        }
        if let Some(row) = rows()
            .filter(|row| row.time.until.is_some_and(|until| until < day))
            .max_by_key(|row| row.time.until)
        {
            return Standing::Ended(row);
        }
        rows().filter_map(|row| row.time.from).min().map_or(Standing::Unknown, Standing::Begins)
    }

    /// The rates in force, the standard rate first.
    #[must_use]
    pub fn in_force(&self, day: Date) -> Vec<&Rate> {
        let mut rates: Vec<&Rate> = self.rates.iter().filter(|row| row.time.holds(day)).collect();
        rates.sort_by_key(|row| row.kind == RateKind::Reduced);
        rates
    }

    #[must_use]
    pub fn standard(&self, day: Date) -> Option<&str> {
        self.in_force(day).into_iter().find(|row| row.kind == RateKind::Standard).map(|row| row.rate.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::built_in::built_in;

    fn table() -> Vat {
        Vat::new(&built_in(PATH), None)
    }

    fn on(text: &str) -> Date {
        text.parse().unwrap()
    }

    #[test]
    fn every_member_state_has_one_standard_rate_on_every_day() {
        let vat = table();
        assert_eq!(vat.countries.len(), 34);
        for (code, country) in &vat.countries {
            for day in [
                "2020-08-15",
                "2020-12-31",
                "2023-06-01",
                "2024-08-31",
                "2024-09-01",
                "2026-04-01",
                "2030-01-01",
            ] {
                let standard =
                    country.in_force(on(day)).iter().filter(|row| row.kind == RateKind::Standard).count();
                assert_eq!(standard, 1, "{code} on {day}");
            }
            for row in country.rates.iter().filter(|row| row.time.until.is_some()) {
                let after = row.time.until.unwrap().tomorrow().unwrap();
                for next in &row.replaced_by {
                    assert!(
                        matches!(country.standing(next, after), Standing::InForce(kind) if kind == row.kind),
                        "{code} {} is followed by {next}",
                        row.rate
                    );
                }
            }
        }
    }

    #[test]
    fn a_rate_ends_on_the_day_before_its_successor_begins() {
        let vat = table();
        let finland = vat.country("FI").unwrap();
        assert!(matches!(finland.standing("24", on("2024-08-31")), Standing::InForce(RateKind::Standard)));
        assert!(
            matches!(finland.standing("24", on("2024-09-01")), Standing::Ended(row) if row.replaced_by == ["25.5"])
        );
        assert!(
            matches!(finland.standing("25.5", on("2024-08-31")), Standing::Begins(day) if day == on("2024-09-01"))
        );
        assert!(matches!(finland.standing("23", on("2024-09-01")), Standing::Unknown));
        assert_eq!(finland.standard(on("2026-01-01")), Some("25.5"));
    }

    #[test]
    fn a_project_lays_whole_countries_over_the_table() {
        let own = serde_json::json!({"countries": {"FI": {"title": "Finland", "rates": [{"rate": "30", "kind": "standard"}]}}});
        let vat = Vat::new(&built_in(PATH), Some(&own));
        assert_eq!(vat.country("FI").unwrap().standard(on("2026-01-01")), Some("30"));
        assert_eq!(vat.country("SE").unwrap().standard(on("2026-01-01")), Some("25"));
    }
}
