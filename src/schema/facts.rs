//! What parts state of platforms and of VAT: each fact with its place, how sure it is, and where and when it was read. Which of
//! them are due to be read again; nothing here reads a page.

use jiff::civil::Date;
use serde::Deserialize as _;
use serde_json::{Map, Value as Json};

use super::keywords::text;
use super::parts::Catalogue;
use super::platform::Evidence;
use super::vat;

/// One fact of a part.
#[derive(Debug)]
pub struct Fact {
    /// The part's path below `schemas/`.
    pub part: String,
    /// The keys to it, joined by dots.
    pub place: String,
    pub evidence: Evidence,
    /// A name of the part's sources, or a text.
    pub source: String,
    /// What `source` names.
    pub read: Option<Read>,
}

/// A sentence that somebody read.
#[derive(Debug, Clone)]
pub struct Read {
    pub address: String,
    pub day: Date,
    pub quote: String,
}

/// All facts that a project sees, part by part, in the order in which they stand there.
#[must_use]
pub fn facts(catalogue: &Catalogue) -> Vec<Fact> {
    let of = |folder: &str| {
        let names = catalogue.names(folder).into_iter();
        names.map(|name| format!("{folder}/{name}.yaml")).collect::<Vec<_>>()
    };
    let paths = ["connectors", "categories", "pairs"].into_iter().flat_map(of);
    let parts = paths.filter_map(|path| Some((catalogue.part(&path)?, path)));
    let mut all: Vec<Fact> = parts.flat_map(|(part, path)| of_part(&part, &path)).collect();
    if let Some(part) = catalogue.part(vat::PATH) {
        all.extend(of_part(&part, vat::PATH));
    }
    all
}

/// How sure what a part states is: its facts by their evidence, the surest first.
#[must_use]
pub fn tally(part: &Json) -> [(Evidence, usize); 3] {
    let facts = of_part(part, "");
    [Evidence::Verified, Evidence::SecondHand, Evidence::Unverified]
        .map(|evidence| (evidence, facts.iter().filter(|fact| fact.evidence == evidence).count()))
}

/// The same in words: `12 verified, 3 second-hand`.
#[must_use]
pub fn tally_words(part: &Json) -> String {
    let some = tally(part).into_iter().filter(|(_, number)| *number > 0);
    let some: Vec<String> =
        some.map(|(evidence, number)| format!("{number} {}", evidence.as_str())).collect();
    if some.is_empty() { "nothing".to_owned() } else { some.join(", ") }
}

fn of_part(part: &Json, path: &str) -> Vec<Fact> {
    let none = Map::new();
    let sources = part.get("sources").and_then(Json::as_object).unwrap_or(&none);
    let mut facts = Vec::new();
    let mut place = Vec::new();
    collect(part, path, sources, &mut place, &mut facts);
    // A source that no fact names states something of its own.
    let named = |name: &String| facts.iter().any(|fact| fact.source == *name);
    let others = sources.iter().filter(|(name, _)| !named(name)).map(|(name, source)| Fact {
        part: path.to_owned(),
        place: format!("sources.{name}"),
        evidence: evidence(source, "evidence").unwrap_or(Evidence::Verified),
        source: name.clone(),
        read: read(source),
    });
    let others: Vec<Fact> = others.collect();
    facts.extend(others);
    facts
}

fn collect(
    value: &Json,
    part: &str,
    sources: &Map<String, Json>,
    place: &mut Vec<String>,
    facts: &mut Vec<Fact>,
) {
    match value {
        Json::Object(map) => {
            for (evidence_key, source_key) in [("evidence", "source"), ("x-evidence", "x-source")] {
                let source = text(value, source_key);
                let known = sources.get(source);
                let sure = evidence(value, evidence_key)
                    .or_else(|| evidence(known?, "evidence"))
                    .or_else(|| (!source.is_empty()).then_some(Evidence::Unverified));
                facts.extend(sure.map(|evidence| Fact {
                    part: part.to_owned(),
                    place: place.join("."),
                    evidence,
                    source: source.to_owned(),
                    read: known.and_then(read),
                }));
            }
            let first = place.is_empty();
            for (key, value) in map.iter().filter(|(key, _)| !first || *key != "sources") {
                place.push(key.clone());
                collect(value, part, sources, place, facts);
                place.pop();
            }
        }
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                place.push(at.to_string());
                collect(item, part, sources, place, facts);
                place.pop();
            }
        }
        _ => {}
    }
}

/// None where it is said of something else, as a pair does.
fn evidence(holder: &Json, key: &str) -> Option<Evidence> {
    Evidence::deserialize(holder.get(key)?).ok()
}

fn read(source: &Json) -> Option<Read> {
    let day = text(source, "day").parse().ok()?;
    Some(Read { address: text(source, "address").to_owned(), day, quote: text(source, "quote").to_owned() })
}

impl Fact {
    /// Whether it was read before this day, or never.
    #[must_use]
    pub fn is_due(&self, before: Date) -> bool {
        self.evidence == Evidence::Unverified || self.read.as_ref().is_none_or(|read| read.day < before)
    }
}

impl Evidence {
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Evidence::Verified => "verified",
            Evidence::SecondHand => "second-hand",
            Evidence::Unverified => "unverified",
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_fact_is_due_when_it_was_read_too_long_ago_or_never() {
        let part = json!({
            "sources": {
                "limits": {"address": "https://example.com/limits", "day": "2026-06-01", "quote": "25 in 5 seconds"},
                "other": {"address": "https://example.com", "day": "2026-11-01", "quote": "something else"},
            },
            "rate_limit": {"requests": 25, "evidence": "verified", "source": "limits"},
            "options": {"unit": {"evidence": "general", "source": "what everybody knows"}},
            "settings": {"order": {"status": {"x-evidence": "second-hand", "x-source": "limits"}}},
        });
        let facts = of_part(&part, "connectors/mine.yaml");
        let told = |before: &str| {
            let due = facts.iter().filter(|fact| fact.is_due(before.parse().unwrap()));
            due.map(|fact| format!("{} {}", fact.place, fact.evidence.as_str())).collect::<Vec<_>>()
        };
        assert_eq!(told("2026-06-01"), ["options.unit unverified"]);
        let later = ["rate_limit verified", "options.unit unverified", "settings.order.status second-hand"];
        assert_eq!(told("2026-06-02"), later);
        assert_eq!(facts.last().map(|fact| fact.place.as_str()), Some("sources.other"));
    }

    /// What is said to be read names where, when and which sentence; what is not names nothing that looks like it.
    #[test]
    fn every_built_in_fact_says_where_it_was_read_or_that_it_was_not() {
        let facts = facts(&Catalogue::default());
        assert!(facts.len() > 200, "{}", facts.len());
        for fact in facts {
            let sure = fact.evidence != Evidence::Unverified;
            let at = format!("{} {}: {} {}", fact.part, fact.place, fact.evidence.as_str(), fact.source);
            // What is only deduced may name what it is deduced from.
            assert!(!sure || fact.read.is_some(), "{at}");
            assert!(!fact.source.is_empty(), "{at}");
            if let Some(read) = fact.read {
                assert!(read.address.starts_with("https://") && read.quote.len() > 9, "{at}");
            }
        }
    }

    /// A list or a form that nobody checked refuses no value: it may know too little.
    #[test]
    fn nothing_that_is_unverified_refuses_a_value() {
        fn walk(schema: &Json, place: &str, wrong: &mut Vec<String>) {
            let Some(map) = schema.as_object() else { return };
            if map.get("x-evidence").and_then(Json::as_str) == Some("unverified") {
                let items = map.get("items").and_then(Json::as_object);
                let refuses = |key: &&str| {
                    map.contains_key(*key) || items.is_some_and(|items| items.contains_key(*key))
                };
                let keys = ["enum", "const", "minimum", "maximum", "maxLength", "multipleOf"];
                wrong.extend(keys.iter().filter(|key| refuses(key)).map(|key| format!("{place}: {key}")));
            }
            for (key, inner) in map {
                walk(inner, &format!("{place}.{key}"), wrong);
            }
        }
        let catalogue = Catalogue::default();
        let mut wrong = Vec::new();
        for folder in ["connectors", "categories"] {
            for name in catalogue.names(folder) {
                let part = catalogue.part(&format!("{folder}/{name}.yaml")).unwrap();
                for key in ["settings", "connection", "properties"] {
                    walk(&part[key], &format!("{name} {key}"), &mut wrong);
                }
            }
        }
        assert_eq!(wrong, Vec::<String>::new());
    }
}
