//! What an integration lacks before it can go live, as it is deployed: required settings that nobody set, and platforms that nobody
//! connected. Every page and every call counts by this.
//!
//! `list` counts what the files say, and so do we where they say it: connections that the files leave to people are counted by neither.
//! Whether there are any is asked beside that number.

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

/// All that is required now.
pub fn required<'a>(known: &'a Known, compiled: &'a Compiled) -> impl Iterator<Item = Needed<'a>> {
    let are_peoples = known
        .says
        .as_deref()
        .is_some_and(|says| says.unmanaged.iter().any(|unmanaged| unmanaged == CONNECTORS));
    let all = compiled.required().filter(move |(category, _, _)| !(are_peoples && *category == CONNECTORS));
    all.map(|(category, setting, set)| Needed { category, setting, is_set: set == Some(true) })
}

#[must_use]
pub fn readiness(known: &Known, compiled: Option<&Compiled>) -> Readiness {
    let mut readiness = Readiness::default();
    for needed in compiled.into_iter().flat_map(|compiled| required(known, compiled)) {
        readiness.required += 1;
        readiness.set += usize::from(needed.is_set);
    }
    readiness
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
