//! All integrations at a glance: what each lacks and what was changed outside. They are judged many together, in one compilation, and
//! what was found of one counts until something is saved of it. One that is deployed as the files say it is not judged once more:
//! what the files require was found when they were read.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::glance::{Glance, Repository};
use super::ground::{Ground, Judged};
use super::known::{Known, known_all};
use super::ownership::Ownership;
use super::readiness::{platforms, readiness};
use super::view::name_of;
use crate::model::{CONNECTORS, GENERAL, Value};
use crate::ops::error::Result;
use crate::ops::host::Host;
use crate::ops::judged::Record;
use crate::plan::{Mode, Readiness};
use crate::store::{Registered, Store};

/// So many are judged together: what it takes to judge one is not kept of all.
const BLOCK: usize = 1024;

/// All integrations, sorted by id, and what is in the repository besides. What did not move since it was last asked is not looked at
/// again.
///
/// # Errors
/// When the store cannot be read, or the recorded rules cannot be used.
pub fn fleet(
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<(Vec<Arc<Glance>>, Option<Repository>)> {
    let registered = store.integrations("", usize::MAX)?;
    let heads = store.heads(None)?;
    let revisions = |one: &Registered| {
        let all = heads.of(&one.id).iter().map(|head| format!("{} {};", head.category, head.revision));
        format!("{} {}", one.pair.as_deref().unwrap_or_default(), all.collect::<String>())
    };
    let mut found = ground.glances();
    // What an apply recorded may be another without a save.
    if ground.repository().is_none() {
        found.of.clear();
    }
    if ground.whole().is_none() {
        ground.read_all(store, host)?;
    }
    let is_known = |one: &&Registered| found.of.get(&one.id).is_some_and(|(of, _)| *of == revisions(one));
    let moved: Vec<Registered> = registered.iter().filter(|one| !is_known(one)).cloned().collect();
    for block in moved.chunks(BLOCK) {
        for glance in look(block.to_vec(), ground, store, host)? {
            let at = registered.binary_search_by(|one| one.id.cmp(&glance.id));
            if let Ok(at) = at {
                found.of.insert(glance.id.clone(), (revisions(&registered[at]), Arc::new(glance)));
            }
        }
    }
    let repository = ground.whole().map(|whole| {
        let is_there = |id: &String| registered.binary_search_by(|one| one.id.cmp(id)).is_ok();
        let first = whole.names.iter().filter(|id| !is_there(id) && !whole.broken.contains(id));
        Repository {
            first: first.cloned().collect(),
            broken: whole.broken.clone(),
            errors: whole.errors.clone(),
        }
    });
    let all = registered.iter().filter_map(|one| found.of.get(&one.id).map(|(_, glance)| Arc::clone(glance)));
    Ok((all.collect(), repository))
}

/// Looks at some integrations, which are sorted by id.
fn look(
    registered: Vec<Registered>,
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<Vec<Glance>> {
    if registered.is_empty() {
        return Ok(Vec::new());
    }
    let known: Vec<std::result::Result<Known, Box<Glance>>> = known_all(registered, ground, store, host)?
        .into_iter()
        .map(|known| {
            known.map_err(|(one, error)| {
                Box::new(unknown(one.id, one.pair.unwrap_or_default(), error.message))
            })
        })
        .collect();
    let owners: Vec<Option<Owners>> = known.iter().map(|one| one.as_ref().ok().map(Owners::of)).collect();
    let is_asked = |(known, owners): &(&std::result::Result<Known, Box<Glance>>, &Option<Owners>)| {
        owners.as_ref().is_some_and(|owners| known.as_ref().is_ok_and(|known| !owners.is_as_said(known)))
    };
    let asked: Vec<&Known> =
        known.iter().zip(&owners).filter(is_asked).filter_map(|(known, _)| known.as_ref().ok()).collect();
    let record = Record::of_no_commit(store, ground.environment())?;
    let names: BTreeSet<&str> = asked.iter().map(|known| known.id()).collect();
    let documents = asked.iter().map(|known| (known.id(), &*known.pair.id, known.documents()));
    let judged = if asked.is_empty() { None } else { Some(ground.judge_all(documents, &record, host)?) };
    let glances: Vec<Glance> = known
        .iter()
        .zip(&owners)
        .map(|(known, owners)| match (known, owners) {
            (Ok(known), Some(owners)) => {
                let judged = judged.as_ref().filter(|_| names.contains(known.id()));
                glance(known, owners, judged)
            }
            (Err(glance), _) => Glance::clone(glance),
            (Ok(known), None) => unknown(known.id().to_owned(), known.pair.id.to_string(), String::new()),
        })
        .collect();
    Ok(glances)
}

fn unknown(id: String, pair: String, why: String) -> Glance {
    Glance {
        name: id.clone(),
        id,
        title: pair.clone(),
        pair,
        mode: Mode::Onboarding,
        readiness: Readiness::default(),
        outside: 0,
        waits: 0,
        is_broken: false,
        unmanaged: None,
        is_released: false,
        saved_at: String::new(),
        saved_by: String::new(),
        unusable: Some(why),
    }
}

/// Whose the settings of an integration are, counted.
struct Owners {
    outside: usize,
    waits: usize,
    /// Neither git's nor agreed, so that something else is deployed than the files say.
    others: usize,
}

impl Owners {
    fn of(known: &Known) -> Self {
        let mut counted = Owners { outside: 0, waits: 0, others: 0 };
        for category in known.pair.categories() {
            for owner in known.owners(category).into_values() {
                match owner {
                    Ownership::Git | Ownership::Agreed => {}
                    Ownership::ChangedOutside | Ownership::Conflict => counted.outside += 1,
                    Ownership::Waits => counted.waits += 1,
                    _ => counted.others += 1,
                }
            }
        }
        counted
    }

    /// Whether just what the files say is deployed, so that it lacks what they lack. Connections that the files leave to people require
    /// nothing of them.
    fn is_as_said(&self, known: &Known) -> bool {
        let Some(says) = known.says.as_deref().filter(|says| !says.is_broken && says.required.is_some())
        else {
            return false;
        };
        let leaves_connectors = says.unmanaged.iter().any(|one| one == CONNECTORS);
        let is_same = |category: &str| {
            let said = says.categories.get(category).into_iter().flatten();
            let said = said.filter(|(_, value)| **value != Value::Null).count();
            known.rows.get(category).map_or(0, |row| row.settings.len()) == said
        };
        let is_left = |category: &str| leaves_connectors && category == CONNECTORS;
        let peoples = match known.rows.get(CONNECTORS).filter(|_| leaves_connectors) {
            Some(row) => row.settings.len(),
            None => 0,
        };
        self.outside == 0
            && self.waits == 0
            && self.others == peoples
            && known.pair.categories().all(|one| is_left(&one.id) || is_same(&one.id))
    }
}

fn glance(known: &Known, owners: &Owners, judged: Option<&Judged>) -> Glance {
    let compiled = judged.and_then(|judged| judged.compilation.find(known.id()));
    let readiness = match judged {
        Some(_) => readiness(known, compiled),
        None => of_files(known),
    };
    let last = known.rows.values().max_by(|one, other| one.saved_at.cmp(&other.saved_at));
    let title_of =
        |id: &String| known.pair.category(id).map_or_else(|| id.clone(), |one| one.title.to_string());
    let is_unusable = judged.is_some() && compiled.is_none();
    Glance {
        id: known.id().to_owned(),
        name: name_of(known),
        pair: known.pair.id.to_string(),
        title: known.pair.title.to_string(),
        mode: known.rows.get(GENERAL).map_or(Mode::Onboarding, |row| Mode::of(&row.settings)),
        readiness,
        outside: owners.outside,
        waits: owners.waits,
        is_broken: known.says.as_ref().is_some_and(|says| says.is_broken),
        unmanaged: known.says.as_ref().map(|says| says.unmanaged.iter().map(title_of).collect()),
        is_released: known.says.is_none() && known.rows.values().any(|row| !row.applied.is_empty()),
        saved_at: last.map(|last| last.saved_at.clone()).unwrap_or_default(),
        saved_by: last.map(|last| last.saved_by.clone()).unwrap_or_default(),
        unusable: is_unusable.then(|| "what is deployed cannot be read as its configuration".to_owned()),
    }
}

/// What the files require and set, where that is what is deployed.
fn of_files(known: &Known) -> Readiness {
    let required = known.says.as_deref().and_then(|says| says.required.as_deref()).unwrap_or_default();
    let required = || required.iter().filter(|(category, _, _)| *category != *CONNECTORS);
    let is_deployed = |category: &str, path: &crate::model::SettingPath| {
        let settings = known.rows.get(category).into_iter().flat_map(|row| &row.settings);
        settings.into_iter().any(|(key, value)| key.starts_with(path) && value.says_something())
    };
    let set = required().filter(|(category, path, set)| set.unwrap_or_else(|| is_deployed(category, path)));
    let platforms = platforms(known);
    Readiness { required: platforms.required + required().count(), set: platforms.set + set.count() }
}
