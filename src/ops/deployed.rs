//! What is deployed, under the names and in the places that the files use now: of integrations (`renamed_from`) and of
//! settings (`x-renamed-from`, `x-was`). The one door through which operations that compare read a store.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::error::Result;
use crate::compile::{self, Compiled};
use crate::model::{Settings, Value};
use crate::schema::parts::Catalogue;
use crate::schema::{Pair, is_set};
use crate::store::{self, Deployed, Heads, Past, Record, Renamed, Store};

/// Deployed categories, and which integrations an apply still has to rename.
#[derive(Debug, Default)]
pub struct Read {
    /// Sorted by integration and category, under present names.
    pub rows: Vec<Deployed>,
    /// Present name to the one that the store has.
    pub renamed: BTreeMap<String, String>,
}

/// Reads the deployed categories of some names (`None`: of all), where these integrations may be among them, which are sorted.
///
/// An integration takes over what its former name has only while nothing is deployed under its own.
///
/// # Errors
/// When the store cannot be read.
pub fn read(store: &mut dyn Store, integrations: &[Compiled], names: Option<&[String]>) -> Result<Read> {
    let former = integrations
        .iter()
        .filter_map(|compiled| Some((compiled.renamed_from.as_deref()?, compiled.name.as_str())));
    let mut read = read_as_saved(store, former.collect(), names)?;
    for row in &mut read.rows {
        let Some(compiled) = compile::find(integrations, &row.integration) else { continue };
        row.settings = present(&compiled.pair, &row.category, std::mem::take(&mut row.settings));
        row.applied = present(&compiled.pair, &row.category, std::mem::take(&mut row.applied));
    }
    Ok(read)
}

/// As [`read`], by former and present names of integrations; settings have the names that they were saved under.
///
/// # Errors
/// When the store cannot be read.
pub fn read_as_saved(
    store: &mut dyn Store,
    former: BTreeMap<&str, &str>,
    names: Option<&[String]>,
) -> Result<Read> {
    let names = names.map(|names| {
        let wanted = |now: &str| names.iter().any(|name| name == now);
        let before = former.iter().filter(|(_, now)| wanted(now)).map(|(before, _)| (*before).to_owned());
        names.iter().cloned().chain(before).collect::<Vec<String>>()
    });
    let mut rows = store.read(names.as_deref())?;
    let mut renamed = BTreeMap::new();
    for (before, now) in former {
        let has = |name: &str| rows.iter().any(|row| row.integration == name);
        if has(now) || !has(before) {
            continue;
        }
        for row in rows.iter_mut().filter(|row| row.integration == before) {
            now.clone_into(&mut row.integration);
        }
        renamed.insert(now.to_owned(), before.to_owned());
    }
    rows.sort_by(|a, b| (&a.integration, &a.category).cmp(&(&b.integration, &b.category)));
    Ok(Read { rows, renamed })
}

/// The pair of an integration, with the payment providers, too, that are connected where it is deployed.
pub fn pair(catalogue: &Catalogue, compiled: &Compiled, connections: Option<&Settings>) -> Arc<Pair> {
    let names = connections.into_iter().flat_map(Settings::keys).filter_map(|path| path.segments().first());
    catalogue.widened(&compiled.pair, names.map(|name| &**name))
}

/// Settings of a category under the names that its schema has for them now, and sets in their order, whatever the one
/// in which somebody clicked them.
#[must_use]
pub fn present(pair: &Pair, category: &str, settings: Settings) -> Settings {
    let Some(category) = pair.category(category) else { return settings };
    let mut settings = category.present(settings);
    for (path, value) in &mut settings {
        if let Value::List(items) = value
            && category.schema_at(path).is_some_and(is_set)
        {
            items.sort();
            items.dedup();
        }
    }
    settings
}

/// All saves, in the order in which they were made, under the name that each integration has in the store now.
///
/// # Errors
/// When the store cannot be read.
pub fn records(store: &mut dyn Store) -> Result<Vec<Record>> {
    let renames = store.renames()?;
    let mut records = store.records()?;
    for record in &mut records {
        record.integration = store::name_now(&renames, &record.integration, &record.past.saved_at);
    }
    Ok(records)
}

/// Integrations and categories that were deployed and are not any more, under the names that the store has now.
///
/// # Errors
/// When the store cannot be read.
pub fn deleted(
    store: &mut (dyn Store + 'static),
    renames: &[Renamed],
    heads: &Heads,
) -> Result<Vec<(String, String)>> {
    let is_there = |name: &str, category: &str| heads.of(name).iter().any(|head| head.category == *category);
    let gone = store.deleted(None)?.into_iter().map(|gone| {
        let name = store::name_now(renames, &gone.integration, &gone.saved_at);
        (name, gone.category)
    });
    Ok(gone.filter(|(name, category)| !is_there(name, category)).collect())
}

/// All saves of one category, oldest first, those under former names of its integration too. `name` is the one that
/// the store has now.
///
/// # Errors
/// When the store cannot be read.
pub fn history(
    store: &mut (dyn Store + 'static),
    renames: &[Renamed],
    name: &str,
    category: &str,
) -> Result<Vec<Past>> {
    let mut past = Vec::new();
    for former in store::former_names(renames, name) {
        let mut saves = store.history(&former, category)?;
        saves.retain(|save| store::name_now(renames, &former, &save.saved_at) == name);
        past.append(&mut saves);
    }
    past.append(&mut store.history(name, category)?);
    past.sort_by_key(|save| save.revision);
    Ok(past)
}
