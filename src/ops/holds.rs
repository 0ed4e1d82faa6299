//! What a way back holds: categories that the last save of ours in them took back to what was deployed before. A hold has an end,
//! and is over as soon as an apply saves the category again, be it to note that files and deployed settings agree. Whether it
//! refuses a plan is `check`'s to say.

use std::collections::BTreeMap;

use jiff::Timestamp;

use super::deployed;
use super::error::Result;
use crate::plan::{CategoryPlan, Held, Integration};
use crate::store::{self, HOLD, Hold, Past, Renamed, Store};

/// The holds of a store that have not come to their end.
#[derive(Debug, Default)]
pub struct Holds {
    /// By the name that the store has for the integration now.
    by_integration: BTreeMap<String, Vec<Hold>>,
    renames: Vec<Renamed>,
}

impl Holds {
    /// # Errors
    /// When the store cannot be read.
    pub fn read(store: &mut dyn Store, now: Timestamp) -> Result<Self> {
        let lasts = |hold: &Hold| hold.until.parse::<Timestamp>().is_ok_and(|until| now < until);
        let found: Vec<Hold> =
            store.notes_of(&[HOLD], "")?.iter().filter_map(Hold::read).filter(lasts).collect();
        let mut holds = Holds::default();
        if found.is_empty() {
            return Ok(holds);
        }
        holds.renames = store.renames()?;
        for hold in found {
            let name = store::name_now(&holds.renames, &hold.integration, &hold.at);
            holds.by_integration.entry(name).or_default().push(hold);
        }
        Ok(holds)
    }

    /// Notes which of the categories that a plan saves are held. What people save, and deletions, end no hold.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn note(&self, store: &mut (dyn Store + 'static), planned: &mut [Integration]) -> Result<()> {
        for one in planned {
            let name = one.renamed_from.as_ref().unwrap_or(&one.integration).clone();
            let Some(holds) = self.by_integration.get(&name) else { continue };
            let is_saved = |category: &&mut CategoryPlan| category.save.is_some();
            for category in one.categories.iter_mut().filter(is_saved) {
                let hold = self.standing(store, &name, holds, &category.category)?;
                category.held = hold.map(|hold| {
                    let Hold { until, reason, by, .. } = hold.clone();
                    Box::new(Held { until, reason, by })
                });
            }
        }
        Ok(())
    }

    /// The hold of one that stands in a category: the last save of ours in it is that run's.
    fn standing<'a>(
        &self,
        store: &mut (dyn Store + 'static),
        name: &str,
        holds: &'a [Hold],
        category: &str,
    ) -> Result<Option<&'a Hold>> {
        let past = deployed::history(store, &self.renames, name, category)?;
        let last = past.iter().rev().find_map(Past::plan);
        Ok(holds.iter().rfind(|hold| Some(&hold.run) == last))
    }

    /// The integrations that have holds, by the names that the store has for them now.
    pub(super) fn names(&self) -> impl Iterator<Item = &String> {
        self.by_integration.keys()
    }

    /// The hold that stands in one of these categories of an integration.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub(super) fn of_any<'a>(
        &self,
        store: &mut (dyn Store + 'static),
        name: &str,
        categories: impl IntoIterator<Item = &'a String>,
    ) -> Result<Option<&Hold>> {
        let Some(holds) = self.by_integration.get(name) else { return Ok(None) };
        for category in categories {
            if let Some(hold) = self.standing(store, name, holds, category)? {
                return Ok(Some(hold));
            }
        }
        Ok(None)
    }
}
