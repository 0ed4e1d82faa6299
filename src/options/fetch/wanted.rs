//! Which sets of which accounts are in use. Each set of an account is wanted once, however many integrations use it.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize as _;
use serde_json::Value as Json;

use super::account::Account;
use super::addresses::with_defaults;
use super::descriptor::Descriptor;
use crate::model::{Name, SettingPath};
use crate::options::account::account_of;
use crate::schema::{Category, Connector, Pair, options_of};

/// One integration, as far as its dropdown values go.
pub struct Use<'a> {
    pub integration: &'a str,
    pub pair: &'a Pair,
    /// The compiled document, in the shape of the source.
    pub document: &'a Json,
    /// Required settings, declared or not.
    pub required: Vec<(&'a str, &'a SettingPath)>,
    /// Categories of which all that can be chosen is wanted, in use or not.
    pub offered: &'a [Name],
}

/// The accounts to ask, sorted; and in words what cannot be asked.
#[derive(Debug, Default)]
pub struct Wanted {
    pub accounts: Vec<Account>,
    pub notes: Vec<String>,
}

type Sets = BTreeMap<(String, String), BTreeSet<String>>;

/// What these integrations use.
#[must_use]
pub fn wanted<'a>(uses: impl IntoIterator<Item = Use<'a>>) -> Wanted {
    let mut accounts: BTreeMap<(String, String), Account> = BTreeMap::new();
    let mut notes = Vec::new();
    for one in uses {
        let sets = in_use(&one);
        for connector in [&one.pair.shop, &one.pair.erp] {
            let of_connector = sets.iter().filter(|((id, _), _)| *id == connector.id);
            let Ok(descriptor) = Descriptor::deserialize(&*connector.description) else {
                notes.push(format!("the descriptor of {} cannot be read", connector.title));
                continue;
            };
            let mut wanted: Vec<_> = of_connector
                .filter(|((_, set), _)| descriptor.options.get(set).is_some_and(|set| set.fetch.is_some()))
                .map(|((_, set), values)| (set.clone(), values.clone()))
                .collect();
            let also = wanted.iter().filter_map(|(set, _)| descriptor.options.get(set)?.also.clone());
            let also: Vec<_> = also.map(|set| (set, BTreeSet::new())).collect();
            wanted.extend(also);
            if wanted.is_empty() {
                continue;
            }
            let Some(connection) = connection(one.document, connector) else {
                notes.push(format!(
                    "{}: no active connection to {}, so its dropdown values are not fetched",
                    one.integration, connector.title
                ));
                continue;
            };
            let Some(name) =
                account_of(&connector.description, &Json::Object(connection.clone().into_iter().collect()))
            else {
                notes.push(format!(
                    "{}: the connection to {} does not say whose account it is",
                    one.integration, connector.title
                ));
                continue;
            };
            let account = accounts.entry((connector.id.clone(), name.clone())).or_insert_with(|| Account {
                connector: connector.id.clone(),
                name: name.clone(),
                descriptor,
                connection: with_defaults(connection.clone(), &connector.description),
                sets: BTreeMap::new(),
                integrations: BTreeSet::new(),
            });
            if with_defaults(connection, &connector.description) != account.connection {
                notes.push(format!(
                    "{}: its connection to {} {name} differs from that of {}, which is used for both",
                    one.integration,
                    connector.title,
                    account.integrations.first().map_or("another integration", String::as_str)
                ));
            }
            account.integrations.insert(one.integration.to_owned());
            for (set, values) in wanted {
                account.sets.entry(set).or_default().extend(values);
            }
        }
    }
    Wanted { accounts: accounts.into_values().collect(), notes }
}

/// The fields of the active connection.
fn connection(document: &Json, connector: &Connector) -> Option<BTreeMap<String, Json>> {
    let declared = document.get("connectors")?.get(&connector.id)?;
    let active = declared.get("active")?.as_str()?;
    let fields = declared.get("connections")?.get(active)?.as_object()?;
    let secret = |name: &str| {
        let properties = connector.description.pointer("/connection/properties")?;
        properties.get(name)?.get("x-secret")
    };
    // A credential in the open is a finding, and is sent to nobody.
    let usable = |name: &str, value: &Json| secret(name).is_none() || value.get("secret").is_some();
    let fields = fields.iter().filter(|(name, value)| usable(name, value));
    Some(fields.map(|(name, value)| (name.clone(), value.clone())).collect())
}

/// The sets that declared and required settings take their values from, with the values.
fn in_use(one: &Use<'_>) -> Sets {
    let mut sets = Sets::new();
    for category in one.pair.categories() {
        if let Some(value) = one.document.get("settings").and_then(|all| all.get(category.id.as_str())) {
            walk(category, &SettingPath::root(), value, &mut sets);
        }
    }
    for (category, path) in &one.required {
        let setting = one.pair.category(category).and_then(|category| category.setting(path));
        let Some(schema) = setting.map(|setting| &setting.schema) else { continue };
        note(schema, None, &mut sets);
        if let Some(rows) = schema.get("additionalProperties") {
            note(rows, None, &mut sets);
        }
    }
    for category in one.offered.iter().filter_map(|id| one.pair.category(id)) {
        for (connector, set) in offered(category) {
            sets.entry((connector, set)).or_default();
        }
    }
    sets
}

/// The sets, by connector and name, that settings of a category take their values and their keys from.
#[must_use]
pub fn offered(category: &Category) -> BTreeSet<(String, String)> {
    let mut sets = BTreeSet::new();
    for setting in &category.settings {
        walk_schema(&setting.schema, &mut sets);
    }
    sets
}

fn walk_schema(schema: &Json, sets: &mut BTreeSet<(String, String)>) {
    let keys = schema.get("x-keys").and_then(Json::as_str).and_then(|keys| keys.split_once('.'));
    for (connector, set) in keys.into_iter().chain(options_of(schema)) {
        sets.insert((connector.to_owned(), set.to_owned()));
    }
    let below = schema.get("properties").and_then(Json::as_object).into_iter().flat_map(|all| all.values());
    let below = below.chain(schema.get("additionalProperties")).chain(schema.get("items"));
    below.for_each(|schema| walk_schema(schema, sets));
}

fn walk(category: &Category, path: &SettingPath, value: &Json, sets: &mut Sets) {
    let schema = category.schema_at(path);
    match value {
        Json::Object(map) => {
            let keys = schema.and_then(|schema| schema.get("x-keys")).and_then(Json::as_str);
            if let Some((connector, set)) = keys.and_then(|keys| keys.split_once('.')) {
                let used = sets.entry((connector.to_owned(), set.to_owned())).or_default();
                used.extend(map.keys().cloned());
            }
            for (key, below) in map {
                walk(category, &path.child(key), below, sets);
            }
        }
        Json::Array(items) => items.iter().for_each(|item| walk(category, path, item, sets)),
        Json::String(_) | Json::Number(_) => {
            let text = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            if let Some(schema) = schema {
                note(schema, Some(text), sets);
            }
        }
        _ => {}
    }
}

fn note(schema: &Json, value: Option<String>, sets: &mut Sets) {
    if let Some((connector, set)) = options_of(schema) {
        sets.entry((connector.to_owned(), set.to_owned())).or_default().extend(value);
    }
}
