//! Who changed outside the files what a plan saves over, and when: from the histories of just those categories, read together.
//! What moved is the plan's to say, and what is told of it the report's.

use std::sync::Arc;

use super::deployed;
use super::error::Result;
use crate::model::SettingPath;
use crate::plan::{Change, Integration, Origin, drift};
use crate::schema::Pair;
use crate::store::Store;

/// Notes it at each change of some integrations, each with its pair.
///
/// # Errors
/// When the store cannot be read.
pub fn note(
    store: &mut (dyn Store + 'static),
    integrations: &mut [Integration],
    pairs: &[Arc<Pair>],
) -> Result<()> {
    let is_outside = |change: &Change| change.origin != Origin::Git;
    let in_store = |one: &Integration| one.renamed_from.as_ref().unwrap_or(&one.integration).clone();
    let mut asked = Vec::new();
    for one in integrations.iter() {
        let moved = one.categories.iter().filter(|category| category.changes.iter().any(is_outside));
        asked.extend(moved.map(|category| (in_store(one), category.category.to_string())));
    }
    if asked.is_empty() {
        return Ok(());
    }
    let renames = store.renames()?;
    let mut all = deployed::histories(store, &renames, &asked)?;
    for (one, pair) in integrations.iter_mut().zip(pairs) {
        let name = in_store(one);
        for category in &mut one.categories {
            let Some(past) = all.get_mut(&(name.clone(), category.category.to_string())) else { continue };
            let versions = deployed::versions(past, pair, &category.category);
            for change in category.changes.iter_mut().filter(|change| is_outside(change)) {
                let path = SettingPath::parse(&change.setting);
                let Some(save) = path.and_then(|path| drift::last_change(&versions, &path)) else { continue };
                change.by = Some(save.saved_by.to_owned());
                change.since = Some(save.saved_at.to_owned());
            }
        }
    }
    Ok(())
}
