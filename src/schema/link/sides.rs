//! What a pair's connectors and flows offer to the settings of a category.

use serde_json::Value as Json;

use crate::schema::pair::{Connector, Flow};

/// The two connectors and the pair's flows, asked for what `x-options`, `x-needs` and `x-flows` name.
pub(super) struct Sides<'a> {
    pub shop: &'a Connector,
    pub erp: &'a Connector,
    /// They offer settings nothing.
    pub payments: &'a [Connector],
    pub flows: &'a [Flow],
}

impl<'a> Sides<'a> {
    /// All that a document may connect.
    pub fn connectors(&self) -> impl Iterator<Item = &'a Connector> {
        [self.shop, self.erp].into_iter().chain(self.payments)
    }

    fn side(&self, name: &str) -> Option<(&Connector, String)> {
        let (side, what) = name.split_once('.')?;
        let connector = match side {
            "shop" => self.shop,
            "erp" => self.erp,
            _ => return None,
        };
        Some((connector, what.to_owned()))
    }

    pub fn option_set(&self, name: &str) -> Option<(&Connector, String, &Json)> {
        let (connector, what) = self.side(name)?;
        let set = connector.description.get("options")?.get(&what)?;
        Some((connector, what, set))
    }

    pub fn has(&self, name: &str) -> bool {
        let Some((connector, what)) = self.side(name) else { return false };
        let capabilities = connector.description.get("capabilities").and_then(Json::as_array);
        self.option_set(name).is_some()
            || capabilities.into_iter().flatten().any(|capability| capability.as_str() == Some(&what))
    }

    /// Rule 4: a setting is left out when what it needs is not there.
    pub fn offers(&self, schema: &Json) -> bool {
        let options = schema.get("x-options").and_then(Json::as_str);
        let needs = match schema.get("x-needs") {
            Some(Json::String(one)) => vec![one.as_str()],
            Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let flows = schema.get("x-flows").map(strings);
        let offered = |id: &String| self.flows.iter().any(|flow| flow.id == *id);
        flows.is_none_or(|flows| flows.iter().any(offered))
            && needs.into_iter().all(|name| self.has(name))
            && options.is_none_or(|name| self.option_set(name).is_some())
            && schema
                .get("additionalProperties")
                .filter(|rows| rows.is_object())
                .is_none_or(|rows| self.offers(rows))
    }
}

pub(super) fn strings(list: &Json) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}
