//! The lists as one integration sees them.

use super::lists::{Options, Set};
use crate::model::{Dated, Value};
use crate::schema::words::set_title;
use crate::schema::{Pair, options_of};

/// What stands between the elements of a list as they are called.
pub const SEPARATOR: &str = ", ";

/// The lists as one integration sees them.
#[derive(Debug, Clone, Copy)]
pub struct View<'a> {
    pub options: &'a Options,
    pub pair: &'a Pair,
    pub shop_account: Option<&'a str>,
    pub erp_account: Option<&'a str>,
}

impl<'a> View<'a> {
    /// The set that a setting's schema names, with its name in words: "Fortnox terms of payment".
    #[must_use]
    pub fn set_of(&self, schema: &serde_json::Value) -> Option<(&'a Set, String)> {
        let (connector, name) = options_of(schema)?;
        Some((self.set(connector, name)?, self.set_title(connector, name)))
    }

    /// The set of one of the pair's connectors.
    #[must_use]
    pub fn set(&self, connector: &str, name: &str) -> Option<&'a Set> {
        let account = if connector == self.pair.shop.id { self.shop_account } else { self.erp_account };
        self.options.set(connector, account, name)
    }

    /// Whether a value that a set does not hold may be one of another set that can be chosen from as well: it is there, or that
    /// list is not known.
    #[must_use]
    pub fn may_be_elsewhere(&self, connector: &str, set: &str, value: &str) -> bool {
        let other = self.pair.connector(connector).and_then(|connector| connector.platform.also(set));
        other
            .is_some_and(|other| self.set(connector, other).is_none_or(|other| other.choice(value).is_some()))
    }

    /// "Fortnox terms of payment", whether or not the list is known.
    #[must_use]
    pub fn set_title(&self, connector: &str, set: &str) -> String {
        set_title(self.pair, connector, set)
    }

    /// What a person reads beside a value: the platform's label, or what the schema calls a fixed value.
    #[must_use]
    pub fn label(&self, schema: &serde_json::Value, value: &Value) -> Option<String> {
        let text = match value {
            Value::Text(text) | Value::Number(text) => text,
            Value::Dated(dated) => return self.label_of_days(schema, dated),
            _ => return None,
        };
        if let Some(label) =
            schema.get("x-labels").and_then(|labels| labels.get(text)).and_then(|label| label.as_str())
        {
            return Some(label.to_owned());
        }
        let (set, _) = self.set_of(schema)?;
        let gone = || set.gone.iter().find(|gone| gone.value == *text).map(|gone| gone.label.clone());
        set.choice(text).map(|choice| choice.label.clone()).or_else(gone).filter(|label| !label.is_empty())
    }

    /// As [`View::label`]; of a list each element with its own, as long as one of them has any.
    #[must_use]
    pub fn label_of_change(&self, schema: &serde_json::Value, value: &Value) -> Option<String> {
        let Value::List(elements) = value else { return self.label(schema, value) };
        let inner = schema.get("items").unwrap_or(schema);
        let label = |element: &Value| self.label(schema, element).or_else(|| self.label(inner, element));
        let labels: Vec<Option<String>> = elements.iter().map(label).collect();
        let told = labels.iter().zip(elements).map(|(label, element)| match (label, element) {
            (Some(label), Value::Text(id) | Value::Number(id)) => format!("{label} ({id})"),
            (_, Value::Text(text)) => text.clone(),
            (_, element) => element.to_string(),
        });
        labels.iter().any(Option::is_some).then(|| told.collect::<Vec<_>>().join(SEPARATOR))
    }

    /// Each of the values with its label and days, as one that has no days is shown; `None` when none of them has a label.
    fn label_of_days(&self, schema: &serde_json::Value, dated: &Dated) -> Option<String> {
        let text = |value: &Value| match value {
            Value::Text(text) => text.clone(),
            other => other.to_string(),
        };
        let has_label = dated.rows().any(|(_, value)| self.label(schema, value).is_some());
        has_label.then(|| {
            dated.said(|value| match self.label(schema, value) {
                Some(label) => format!("{label} ({})", text(value)),
                None => text(value),
            })
        })
    }
}
