//! What is deployed, under the names and in the places that the files use now: of integrations (`renamed_from`) and of
//! settings (`x-renamed-from`, `x-was`). The one door through which operations that compare read a store.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::error::Result;
use crate::compile::{self, Compiled};
use crate::model::{Settings, Value};
use crate::plan::drift::Version;
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
    let one = (name.to_owned(), category.to_owned());
    Ok(histories(store, renames, std::slice::from_ref(&one))?.remove(&one).unwrap_or_default())
}

/// What the saves of a category left, in the places that its schema has now. What cannot be used is passed over: what it did shows in
/// the next save that can.
#[must_use]
pub fn versions<'p>(past: &'p mut [Past], pair: &Pair, category: &str) -> Vec<Version<'p>> {
    for settings in past.iter_mut().filter_map(|save| save.settings.as_mut().ok()) {
        *settings = present(pair, category, std::mem::take(settings));
    }
    as_saved(past)
}

/// As [`versions`], in the places that they had then.
#[must_use]
pub fn as_saved(past: &[Past]) -> Vec<Version<'_>> {
    past.iter()
        .filter_map(|save| {
            Some(Version {
                settings: save.settings.as_ref().ok()?,
                saved_by: &save.saved_by,
                saved_at: &save.saved_at,
                applied: save.plan().is_some(),
            })
        })
        .collect()
}

/// As [`history`], of several categories at once, each by its integration and its own name.
///
/// # Errors
/// When the store cannot be read.
pub fn histories(
    store: &mut (dyn Store + 'static),
    renames: &[Renamed],
    of: &[(String, String)],
) -> Result<BTreeMap<(String, String), Vec<Past>>> {
    let asked: BTreeSet<(String, String)> = of
        .iter()
        .flat_map(|(name, category)| {
            let formers = store::former_names(renames, name).into_iter();
            formers.map(|former| (former, category.clone())).chain([(name.clone(), category.clone())])
        })
        .collect();
    let asked: Vec<(String, String)> = asked.into_iter().collect();
    let mut all: BTreeMap<(String, String), Vec<Past>> = BTreeMap::new();
    if asked.is_empty() {
        return Ok(all);
    }
    for Record { integration, category, past } in store.histories(&asked)? {
        let name = store::name_now(renames, &integration, &past.saved_at);
        all.entry((name, category)).or_default().push(past);
    }
    for past in all.values_mut() {
        past.sort_by_key(|save| save.revision);
    }
    Ok(all)
}
