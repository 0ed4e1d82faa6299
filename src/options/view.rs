//! The lists as one integration sees them.

use super::lists::{Options, Set};
use crate::model::Value;
use crate::schema::words::set_title;
use crate::schema::{Pair, options_of};

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
        let (Value::Text(text) | Value::Number(text)) = value else { return None };
        if let Some(label) =
            schema.get("x-labels").and_then(|labels| labels.get(text)).and_then(|label| label.as_str())
        {
            return Some(label.to_owned());
        }
        let (set, _) = self.set_of(schema)?;
        let gone = || set.gone.iter().find(|gone| gone.value == *text).map(|gone| gone.label.clone());
        set.choice(text).map(|choice| choice.label.clone()).or_else(gone).filter(|label| !label.is_empty())
    }
}
