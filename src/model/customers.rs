//! Which row of a mapping is for a customer, by kind and place. Nothing here knows which countries are in the EU.

/// A consumer or a company.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Consumer,
    Company,
}

/// Where a country lies, seen from home.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Region {
    Home,
    /// Another country of the EU.
    Eu,
    Outside,
}

/// A place that customers are at: a country, or any of a region.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place<'a> {
    pub region: Region,
    pub country: Option<&'a str>,
}

/// What the key of a row says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Key<'a> {
    pub kind: Kind,
    pub region: Option<Region>,
    pub country: Option<&'a str>,
}

impl Kind {
    pub const ALL: [Kind; 2] = [Kind::Consumer, Kind::Company];

    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Kind::Consumer => "b2c",
            Kind::Company => "b2b",
        }
    }
}

impl Region {
    #[must_use]
    pub fn key(self) -> &'static str {
        match self {
            Region::Home => "home",
            Region::Eu => "EU",
            Region::Outside => "outside",
        }
    }
}

impl<'a> Key<'a> {
    /// `b2c`, `b2c-home`, `b2b-EU`, `b2c-DE`; `None` for any other text.
    #[must_use]
    pub fn parse(key: &'a str) -> Option<Self> {
        let (kind, place) = key.split_once('-').map_or((key, None), |(kind, place)| (kind, Some(place)));
        let kind = Kind::ALL.into_iter().find(|known| known.key() == kind)?;
        let Some(place) = place else { return Some(Key { kind, region: None, country: None }) };
        let region =
            [Region::Home, Region::Eu, Region::Outside].into_iter().find(|region| region.key() == place);
        let country = (region.is_none() && place.len() == 2).then_some(place);
        (region.is_some() || country.is_some()).then_some(Key { kind, region, country })
    }
}

/// The keys that a row for a customer may have, the most specific first.
pub fn keys(kind: Kind, place: Place<'_>) -> impl Iterator<Item = String> {
    let country = place.country.map(|country| format!("{}-{country}", kind.key()));
    let region = format!("{}-{}", kind.key(), place.region.key());
    country.into_iter().chain([region, kind.key().to_owned()])
}

/// The row that counts for a customer: that of the country before that of home, the EU or outside it, and these before that
/// of the kind alone.
pub fn row<T>(kind: Kind, place: Place<'_>, at: impl Fn(&str) -> Option<T>) -> Option<T> {
    keys(kind, place).find_map(|key| at(&key))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn the_most_specific_row_counts() {
        let rows = ["b2c", "b2c-EU", "b2c-DE", "b2b-outside"];
        let of = |kind, region, country| {
            row(kind, Place { region, country }, |key| rows.into_iter().find(|row| *row == key))
        };
        assert_eq!(of(Kind::Consumer, Region::Eu, Some("DE")), Some("b2c-DE"));
        assert_eq!(of(Kind::Consumer, Region::Eu, Some("FR")), Some("b2c-EU"));
        assert_eq!(of(Kind::Consumer, Region::Eu, None), Some("b2c-EU"));
        assert_eq!(of(Kind::Consumer, Region::Home, Some("SE")), Some("b2c"));
        assert_eq!(of(Kind::Consumer, Region::Outside, Some("US")), Some("b2c"));
        assert_eq!(of(Kind::Company, Region::Outside, Some("US")), Some("b2b-outside"));
        assert_eq!(of(Kind::Company, Region::Eu, Some("DE")), None);
    }

    proptest! {
        #[test]
        fn a_row_counts_that_says_the_customer_and_no_more_specific_one_does(
            rows in prop::collection::btree_set("(b2c|b2b)(-(home|EU|outside|DE|SE))?", 0..8),
            company in any::<bool>(),
            region in prop::sample::select(vec![Region::Home, Region::Eu, Region::Outside]),
            country in prop::option::of(prop::sample::select(vec!["DE", "SE"])),
        ) {
            let kind = Kind::ALL[usize::from(company)];
            let place = Place { region, country };
            let rank = |key: &Key<'_>| (key.country.is_some(), key.region.is_some());
            let fits = |key: &Key<'_>| {
                key.kind == kind
                    && key.region.is_none_or(|of| of == region)
                    && key.country.is_none_or(|of| country == Some(of))
            };
            let rows: BTreeSet<String> = rows;
            let found = row(kind, place, |key| rows.get(key));
            let parsed = rows.iter().filter_map(|key| Key::parse(key));
            let best = parsed.filter(fits).max_by_key(rank);
            prop_assert_eq!(found.and_then(|key| Key::parse(key)), best);
        }
    }
}
