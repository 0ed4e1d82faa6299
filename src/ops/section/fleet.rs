//! All integrations at a glance: what each lacks and what was changed outside. They are judged many together, in one compilation, and what
//! was found of one counts until something is saved of it.

use super::glance::Glance;
use super::ground::Ground;
use super::known::{Known, known_all};
use super::ownership::Ownership;
use super::view::name_of;
use crate::model::GENERAL;
use crate::ops::error::Result;
use crate::ops::host::Host;
use crate::ops::judged::Record;
use crate::plan::{Mode, Readiness};
use crate::store::{Registered, Store};

/// So many are judged together: what it takes to judge one is not kept of all.
const BLOCK: usize = 1024;

/// All integrations, sorted by id. What did not move since it was last asked is not looked at again.
///
/// # Errors
/// When the store cannot be read, or the recorded rules cannot be used.
pub fn fleet(ground: &Ground, store: &mut dyn Store, host: &Host<'_>) -> Result<Vec<Glance>> {
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
    let is_known = |one: &&Registered| found.of.get(&one.id).is_some_and(|(of, _)| *of == revisions(one));
    let moved: Vec<Registered> = registered.iter().filter(|one| !is_known(one)).cloned().collect();
    for block in moved.chunks(BLOCK) {
        for glance in look(block.to_vec(), ground, store, host)? {
            let at = registered.binary_search_by(|one| one.id.cmp(&glance.id));
            if let Ok(at) = at {
                found.of.insert(glance.id.clone(), (revisions(&registered[at]), glance));
            }
        }
    }
    Ok(registered.iter().filter_map(|one| found.of.get(&one.id).map(|(_, glance)| glance.clone())).collect())
}

/// Looks at some integrations, which are sorted by id, in one compilation.
fn look(
    registered: Vec<Registered>,
    ground: &Ground,
    store: &mut dyn Store,
    host: &Host<'_>,
) -> Result<Vec<Glance>> {
    if registered.is_empty() {
        return Ok(Vec::new());
    }
    let known = known_all(registered, ground, store, host)?.into_iter().map(|known| {
        known.map_err(|(one, error)| {
            let pair = one.pair.unwrap_or_default();
            Box::new(Glance {
                name: one.id.clone(),
                id: one.id,
                title: pair.clone(),
                pair,
                mode: Mode::Onboarding,
                readiness: Readiness::default(),
                outside: 0,
                unmanaged: None,
                is_released: false,
                saved_at: String::new(),
                saved_by: String::new(),
                unusable: Some(error.message),
            })
        })
    });
    let known: Vec<std::result::Result<Known, Box<Glance>>> = known.collect();
    let record = Record::of_no_commit(store, ground.environment())?;
    let documents = known.iter().flatten().map(|known| (known.id(), &*known.pair.id, known.documents()));
    let judged = ground.judge_all(documents, &record, host)?;
    let all = known.into_iter().map(|known| {
        let known = match known {
            Ok(known) => known,
            Err(glance) => return *glance,
        };
        let compiled = judged.compilation.find(known.id());
        let required: Vec<bool> = compiled
            .map(|compiled| compiled.required().map(|(_, _, set)| set == Some(true)).collect())
            .unwrap_or_default();
        let is_outside = |owner: &Ownership| matches!(owner, Ownership::ChangedOutside | Ownership::Conflict);
        let outside = known
            .pair
            .categories()
            .map(|one| known.owners(one).values().filter(|owner| is_outside(owner)).count());
        let last = known.rows.values().max_by(|one, other| one.saved_at.cmp(&other.saved_at));
        let title_of =
            |id: &String| known.pair.category(id).map_or_else(|| id.clone(), |one| one.title.to_string());
        Glance {
            id: known.id().to_owned(),
            name: name_of(&known),
            pair: known.pair.id.to_string(),
            title: known.pair.title.to_string(),
            mode: known.rows.get(GENERAL).map_or(Mode::Onboarding, |row| Mode::of(&row.settings)),
            readiness: Readiness {
                required: required.len(),
                set: required.iter().filter(|set| **set).count(),
            },
            outside: outside.sum(),
            unmanaged: known.says.as_ref().map(|says| says.unmanaged.iter().map(title_of).collect()),
            is_released: known.says.is_none() && known.rows.values().any(|row| !row.applied.is_empty()),
            saved_at: last.map(|last| last.saved_at.clone()).unwrap_or_default(),
            saved_by: last.map(|last| last.saved_by.clone()).unwrap_or_default(),
            unusable: compiled
                .is_none()
                .then(|| "what is deployed cannot be read as its configuration".to_owned()),
        }
    });
    Ok(all.collect())
}
