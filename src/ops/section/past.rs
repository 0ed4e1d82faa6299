//! What was saved of a category before, for whoever looks at it: by whom each setting was moved last, and what it was when
//! somebody opened it.

use super::known::Known;
use crate::model::{SettingPath, Settings};
use crate::ops::deployed;
use crate::ops::error::Result;
use crate::store::{Past, Store};

/// All saves of a category, oldest first, under the names and in the places that settings have now.
///
/// # Errors
/// When the store cannot be read.
pub fn past(known: &Known, category: &str, store: &mut (dyn Store + 'static)) -> Result<Vec<Past>> {
    let renames = store.renames()?;
    let mut all = deployed::history(store, &renames, known.id(), category)?;
    for one in &mut all {
        if let Ok(settings) = &mut one.settings {
            *settings = deployed::present(&known.pair, category, std::mem::take(settings));
        }
    }
    Ok(all)
}

/// The last save that moved a setting; none where no save did.
#[must_use]
pub fn mover<'p>(past: &'p [Past], path: &SettingPath) -> Option<&'p Past> {
    let usable: Vec<(&Past, &Settings)> =
        past.iter().filter_map(|one| Some((one, one.settings.as_ref().ok()?))).collect();
    let before = |at: usize| at.checked_sub(1).and_then(|at| usable[at].1.get(path));
    let moved = usable.iter().enumerate().rev().find(|(at, (_, settings))| settings.get(path) != before(*at));
    moved.map(|(_, (one, _))| *one)
}
