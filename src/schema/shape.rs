//! Of a schema, what every document is asked for at every key, found without a look at the JSON: codes and lists. A few
//! words of JSON for each key of each file would cost as much as judging the file.
//!
//! Not here: anything that is asked for seldom; that is read from the schema itself.

use std::cmp::Ordering;
use std::sync::Arc;

use serde_json::Value as Json;

use super::keywords::{days_name, is_set, options_of, text};

/// One place of a schema.
#[derive(Debug, Default)]
pub struct Shape {
    /// Sorted by length and name: names of another length are told apart without a look at them.
    named: Vec<(Box<str>, Arc<Shape>)>,
    rows: Option<Arc<Shape>>,
    items: Option<Arc<Shape>>,
    /// The platform's type of the code that stands here.
    pub code: Option<Code>,
    /// Connector and name of the list that values come from.
    pub values_of: Option<(Box<str>, Box<str>)>,
    /// Of the list that the keys of a mapping come from.
    pub keys_of: Option<(Box<str>, Box<str>)>,
    /// Here stands a reference to a secret.
    pub is_credential: bool,
    /// A list that holds nothing twice, so that its order says nothing.
    pub is_set: bool,
    /// What stands here may have days.
    pub days: Option<HasDays>,
    /// Something that may have days stands here or below.
    pub holds_days: bool,
    /// A code stands here or below.
    pub holds_codes: bool,
    /// Something that comes from a list stands here or below.
    pub holds_lists: bool,
}

/// `x-days`
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum HasDays {
    /// A value: with days it is a record that calls it so, or a list of such records.
    Value(Box<str>),
    /// A record, which has them among its keys.
    Row,
}

/// `x-code`
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    Text,
    Integer,
}

impl Shape {
    #[must_use]
    pub fn of(schema: &Json) -> Self {
        let properties = schema.get("properties").and_then(Json::as_object);
        let mut named: Vec<(Box<str>, Arc<Shape>)> = properties
            .into_iter()
            .flatten()
            .map(|(name, inner)| (name.as_str().into(), Arc::new(Shape::of(inner))))
            .collect();
        named.sort_by(|(a, _), (b, _)| by_length(a, b));
        let inner = |key: &str| {
            schema.get(key).filter(|inner| inner.is_object()).map(|inner| Arc::new(Shape::of(inner)))
        };
        let (rows, items) = (inner("additionalProperties"), inner("items"));
        let code = match text(schema, "x-code") {
            "text" => Some(Code::Text),
            "integer" => Some(Code::Integer),
            _ => None,
        };
        let owned = |(connector, set): (&str, &str)| (connector.into(), set.into());
        let values_of = options_of(schema).map(owned);
        let keys_of = schema.get("x-keys").and_then(|keys| keys.as_str()?.split_once('.')).map(owned);
        let any = |holds: fn(&Shape) -> bool, more: Option<&Shape>| {
            let below = named.iter().map(|(_, shape)| &**shape).chain(rows.as_deref()).chain(more);
            below.into_iter().any(holds)
        };
        Shape {
            holds_codes: code.is_some() || any(|shape| shape.holds_codes, items.as_deref()),
            // What a list holds is spoken of where the list is.
            holds_lists: values_of.is_some() || keys_of.is_some() || any(|shape| shape.holds_lists, None),
            holds_days: schema.get("x-days").is_some() || any(|shape| shape.holds_days, None),
            is_credential: schema.get("x-secret").is_some(),
            is_set: is_set(schema),
            days: schema
                .get("x-days")
                .map(|_| days_name(schema).map_or(HasDays::Row, |name| HasDays::Value(name.into()))),
            named,
            rows,
            items,
            code,
            values_of,
            keys_of,
        }
    }

    /// The shape of the value under a key: a property's, else a row's.
    #[must_use]
    pub fn below(&self, key: &str) -> Option<&Shape> {
        self.shared_below(key).map(|shape| &**shape)
    }

    /// As [`Self::below`], for whoever keeps it.
    pub(super) fn shared_below(&self, key: &str) -> Option<&Arc<Shape>> {
        let found = self.named.binary_search_by(|(name, _)| by_length(name, key));
        found.map_or(self.rows.as_ref(), |at| Some(&self.named[at].1))
    }

    /// The shape of what a list holds.
    #[must_use]
    pub fn items(&self) -> Option<&Shape> {
        self.items.as_deref()
    }
}

/// Names of another length are told apart without a look at them.
pub(super) fn by_length(one: &str, other: &str) -> Ordering {
    one.len().cmp(&other.len()).then_with(|| one.cmp(other))
}
