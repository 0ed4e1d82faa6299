//! What an integration lacks before it can go live, as it is deployed: required settings that nobody set, and platforms that nobody
//! connected. Every page and every call counts by this.
//!
//! `list` counts what the files say. What is deployed lacks besides a connection of each platform, whoever makes it: each of them is one that is
//! required, on every page alike.

use super::known::Known;
use crate::compile::Compiled;
use crate::model::{CONNECTORS, SettingPath, Value};
use crate::plan::Readiness;
use crate::schema::Connector;

/// A required setting.
#[derive(Debug, Clone, Copy)]
pub struct Needed<'a> {
    pub category: &'a str,
    pub setting: &'a SettingPath,
    pub is_set: bool,
}

/// All settings that are required now. Of connectors that is a connection of each platform, which [`platforms`] counts.
pub fn required(compiled: &Compiled) -> impl Iterator<Item = Needed<'_>> {
    let all = compiled.required().filter(|(category, _, _)| *category != CONNECTORS);
    all.map(|(category, setting, set)| Needed { category, setting, is_set: set == Some(true) })
}

#[must_use]
pub fn readiness(known: &Known, compiled: Option<&Compiled>) -> Readiness {
    let mut readiness = platforms(known);
    for needed in compiled.into_iter().flat_map(required) {
        readiness.required += 1;
        readiness.set += usize::from(needed.is_set);
    }
    readiness
}

/// The platforms of its pair, and how many of them are connected.
#[must_use]
pub fn platforms(known: &Known) -> Readiness {
    let required = [&known.pair.shop, &known.pair.erp].len();
    Readiness { required, set: required - unconnected(known).len() }
}

/// The platforms of its pair that no connection is active for.
#[must_use]
pub fn unconnected(known: &Known) -> Vec<&Connector> {
    let settings = known.rows.get(CONNECTORS).map(|row| &row.settings);
    let is_connected = |connector: &Connector| {
        let at = SettingPath::root().child(&connector.id);
        let Some(Value::Text(name)) = settings.and_then(|settings| settings.get(&at.child("active"))) else {
            return false;
        };
        let connection = at.child("connections").child(name);
        settings.is_some_and(|settings| settings.keys().any(|path| path.starts_with(&connection)))
    };
    [&known.pair.shop, &known.pair.erp].into_iter().filter(|connector| !is_connected(connector)).collect()
}
