//! A category without some of its changes: what is left stays as it is deployed, and stays what it is for the next comparison. Nothing
//! is decided here.

use std::collections::BTreeSet;

use crate::model::{SettingPath, Settings};
use crate::plan::{Action, CategoryPlan, ChangeKind, Integration, Target};
use crate::store::Deployed;

/// Takes changes, by their numbers, out of what is saved of a category. `now` is what is deployed of it under the names that the files
/// use, where it ever was.
pub fn leave(category: &mut CategoryPlan, left: &BTreeSet<usize>, now: Option<&Deployed>) {
    let numbers = 0..category.changes.len();
    let paths: Option<Vec<SettingPath>> = numbers
        .clone()
        .filter(|number| left.contains(number))
        .map(|number| SettingPath::parse(&category.changes[number].setting))
        .collect();
    let is_all = numbers.clone().all(|number| left.contains(&number));
    let Some((target, paths)) = category.save.as_ref().zip(paths).filter(|_| !is_all) else {
        return leave_all(category);
    };
    let nothing = Settings::default();
    let (deployed, base) = now.map_or((&nothing, &nothing), |now| (&now.settings, &now.applied));
    let (mut settings, mut applied) = (Settings::clone(&target.settings), Settings::clone(&target.applied));
    for path in &paths {
        take_back(&mut settings, deployed, path);
        take_back(&mut applied, base, path);
    }
    category.save = Some(Box::new(Target::new(settings, applied.into())));
    let mut number = 0..;
    category.changes.retain(|_| number.next().is_some_and(|number| !left.contains(&number)));
    if category.action == Action::Reset && category.changes.iter().any(|one| one.kind != ChangeKind::Reset) {
        category.action = Action::Update;
    } else if category.action == Action::Update
        && category.changes.iter().all(|one| one.kind == ChangeKind::Reset)
    {
        category.action = Action::Reset;
    }
}

/// As it was at a path, and below it.
fn take_back(settings: &mut Settings, before: &Settings, path: &SettingPath) {
    settings.retain(|key, _| !key.starts_with(path));
    let of_path = before.iter().filter(|(key, _)| key.starts_with(path));
    settings.extend(of_path.map(|(key, value)| (key.clone(), value.clone())));
}

/// Saves nothing of a category.
pub fn leave_all(category: &mut CategoryPlan) {
    if category.save.take().is_some() {
        category.action = Action::None;
        category.changes.clear();
        category.held = None;
        category.deleted = None;
    }
}

/// Saves nothing of an integration, and notes nothing of it.
pub fn leave_integration(integration: &mut Integration) {
    integration.renamed_from = None;
    integration.live_depends_on.clear();
    for category in &mut integration.categories {
        leave_all(category);
        category.agreed = None;
    }
}
