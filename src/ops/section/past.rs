//! What was saved of a category before, for whoever looks at it: by whom each setting was moved last, and what it was when
//! somebody opened it.

use std::collections::BTreeMap;

use super::known::Known;
use crate::model::{SettingPath, Settings};
use crate::ops::deployed;
use crate::ops::error::Result;
use crate::store::{OVERRIDE, Past, Store};

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

/// Why settings of git's were saved over, by the run that saved them. The record says it for all integrations.
///
/// # Errors
/// When the store cannot be read.
pub fn reasons(known: &Known, store: &mut (dyn Store + 'static)) -> Result<BTreeMap<String, String>> {
    let mine = format!("{} ", known.id());
    let notes = store.notes_of(&[OVERRIDE], "")?.into_iter().filter(|note| note.text.starts_with(&mine));
    Ok(notes.filter_map(|note| Some((note.run?, reason_in(&note.text)?.to_owned()))).collect())
}

/// `shop order: asked by phone (project)` was saved because it was asked by phone.
fn reason_in(text: &str) -> Option<&str> {
    let (_, said) = text.split_once(": ")?;
    // What stands behind are the settings, and no path has a blank.
    let is_list = |at: usize| {
        let inner = said[at + 2..].split(')').next().unwrap_or_default();
        inner.split(", ").all(|path| !path.contains(' ') && SettingPath::parse(path).is_some())
    };
    let end = said.rmatch_indices(" (").map(|(at, _)| at).find(|at| is_list(*at)).unwrap_or(said.len());
    Some(said[..end].trim()).filter(|reason| !reason.is_empty())
}

#[cfg(test)]
mod tests {
    use super::reason_in;

    #[test]
    fn a_reason_is_told_without_the_settings() {
        for (text, expected) in [
            ("shop order: asked by phone (project)", Some("asked by phone")),
            ("shop order: asked: by (her) (project, a.b)", Some("asked: by (her)")),
            ("shop order: as it was (project); empty: x (category order)", Some("as it was")),
            ("shop order:  (project)", None),
        ] {
            assert_eq!(reason_in(text), expected, "{text}");
        }
    }
}
