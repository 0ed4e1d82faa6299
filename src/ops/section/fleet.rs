//! All integrations at a glance: what each lacks and what was changed outside. They are judged together, in one compilation, and what
//! was found counts until something is saved.

use std::sync::Arc;

use super::ground::Ground;
use super::known::{Known, known_from};
use super::ownership::Ownership;
use super::view::name_of;
use crate::model::GENERAL;
use crate::ops::error::Result;
use crate::ops::host::Host;
use crate::ops::judged::Record;
use crate::plan::{Mode, Readiness};
use crate::store::{Deployed, Store};

/// One integration.
#[derive(Debug, Clone)]
pub struct Glance {
    pub id: String,
    pub name: String,
    /// Empty where it is not known.
    pub pair: String,
    pub title: String,
    pub mode: Mode,
    pub readiness: Readiness,
    /// Settings that were changed where they are deployed.
    pub outside: usize,
    /// Titles of the categories that the files leave to people, where the files have it.
    pub unmanaged: Option<Vec<String>>,
    /// An apply set something of it, and no file has it any more.
    pub is_released: bool,
    pub saved_at: String,
    pub saved_by: String,
    /// Why it cannot be shown.
    pub unusable: Option<String>,
}

impl Glance {
    /// Whether a person should look.
    #[must_use]
    pub fn needs_a_look(&self) -> bool {
        self.readiness.set < self.readiness.required || self.outside > 0 || self.unusable.is_some()
    }
}

/// What was found, and what it was found of.
#[derive(Debug)]
pub(super) struct Found {
    /// The last save, and how many integrations there are.
    of: (u64, usize),
    all: Arc<Vec<Glance>>,
}

/// All integrations, sorted by id.
///
/// # Errors
/// When the store cannot be read, or the recorded rules cannot be used.
pub fn fleet(ground: &Ground, store: &mut dyn Store, host: &Host<'_>) -> Result<Arc<Vec<Glance>>> {
    let registered = store.integrations("", usize::MAX)?;
    let of = (store.last_number()?, registered.len());
    if let Some(found) = ground.glances().as_ref().filter(|found| found.of == of) {
        return Ok(Arc::clone(&found.all));
    }
    ground.read_all(store, host)?;
    let mut rows = store.read(None)?.into_iter().peekable();
    let mut known: Vec<std::result::Result<Known, Glance>> = Vec::with_capacity(registered.len());
    for one in registered {
        let mut own: Vec<Deployed> = Vec::new();
        // Both are sorted by id.
        while let Some(row) = rows.next_if(|row| row.integration <= one.id) {
            if row.integration == one.id {
                own.push(row);
            }
        }
        let (id, pair) = (one.id.clone(), one.pair.clone().unwrap_or_default());
        let says = ground.says(&id, store, host)?;
        known.push(known_from(one, own, says, ground).map_err(|error| Glance {
            name: id.clone(),
            id,
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
        }));
    }
    let record = Record::of_no_commit(store, ground.environment())?;
    let judged = ground.judge_all(known.iter().flatten(), &record, host)?;
    let all = known.into_iter().map(|known| {
        let known = match known {
            Ok(known) => known,
            Err(glance) => return glance,
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
    let all = Arc::new(all.collect::<Vec<_>>());
    // What an apply recorded may be another without a save.
    if ground.repository().is_some() {
        *ground.glances() = Some(Found { of, all: Arc::clone(&all) });
    }
    Ok(all)
}
