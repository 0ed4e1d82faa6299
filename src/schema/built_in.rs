//! The parts that stand beneath a project's own: those that are built into the program, or those of an archive that took their
//! place. A process has one catalogue, which is chosen before anything of it is read.
//!
//! What a project lays over them is in [`super::part_files`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use serde_json::Value as Json;

use super::archive::Archive;
use super::keywords::text;
use super::packed::{self, Packed};
use super::part_names::stem;

static TAKEN: OnceLock<Archive> = OnceLock::new();

/// What the built-in schemas are called when they refer to each other.
pub(super) const BASE_URI: &str = "pairform:///schemas/";

/// From now on this archive stands in the place of what is built in. To be called before anything else of this module is, and once:
/// false where an archive was taken before.
pub fn take(archive: Archive) -> bool {
    TAKEN.set(archive).is_ok()
}

/// The archive that stands in the place of what is built in.
#[must_use]
pub fn taken() -> Option<&'static Archive> {
    TAKEN.get()
}

/// What stands at a path below `schemas/`.
pub(super) fn find(path: &str) -> Option<Packed<'static>> {
    match taken() {
        Some(archive) if Archive::holds(path) => archive.part(path),
        _ => packed::find(path),
    }
}

/// The paths of all that is there: an archive's parts, and what the program has besides.
pub(super) fn paths() -> impl Iterator<Item = &'static str> {
    let is_own = |path: &&'static str| taken().is_none() || !Archive::holds(path);
    packed::paths().filter(is_own).chain(taken().into_iter().flat_map(Archive::paths))
}

/// A built-in file under `schemas/` as JSON, read once a process. A test holds what was packed to the files.
#[must_use]
pub fn built_in(path: &str) -> Arc<Json> {
    static READ: LazyLock<Mutex<HashMap<String, Arc<Json>>>> = LazyLock::new(Mutex::default);
    let known = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(json) = known().get(path) {
        return Arc::clone(json);
    }
    let json = Arc::new(find(path).and_then(Packed::to_json).unwrap_or_default());
    known().insert(path.to_owned(), Arc::clone(&json));
    json
}

/// The text of a file under `schemas/`, as the build packed it.
#[cfg(test)]
#[expect(clippy::disallowed_methods, reason = "tests read what the build read")]
pub(super) fn text_in_repository(path: &str) -> String {
    std::fs::read_to_string(format!("{}/schemas/{path}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

/// The names of the built-in parts in a folder.
#[must_use]
pub fn names(folder: &str) -> BTreeSet<String> {
    paths().filter_map(|path| stem(path, folder)).collect()
}

/// A built-in schema for schemas by its URI.
pub(super) fn meta_by_uri(uri: &str) -> Option<&'static Json> {
    static META: OnceLock<BTreeMap<&str, Arc<Json>>> = OnceLock::new();
    let meta = META.get_or_init(|| {
        let meta = paths().filter(|path| path.starts_with("meta/"));
        meta.map(|path| (path, built_in(path))).collect()
    });
    meta.get(uri.strip_prefix(BASE_URI)?).map(|json| &**json)
}

/// Whose a built-in setting is: the titles of the connectors that add it, none when the category itself has it; `None`
/// when there is no such setting.
#[must_use]
pub fn owners_of(category: &str, setting: &str) -> Option<Vec<String>> {
    static OWNERS: OnceLock<BTreeMap<(String, String), Vec<String>>> = OnceLock::new();
    let owners = OWNERS.get_or_init(|| {
        let mut owners: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        let settings_of = |settings: Option<&Json>| -> Vec<String> {
            settings.and_then(Json::as_object).into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        for id in self::names("connectors") {
            let part = built_in(&format!("connectors/{id}.yaml"));
            let categories = part.get("settings").and_then(Json::as_object).into_iter().flatten();
            for (category, settings) in categories {
                for name in settings_of(Some(settings)) {
                    let title = text(&part, "title").to_owned();
                    owners.entry((category.clone(), name)).or_default().push(title);
                }
            }
        }
        for id in self::names("categories") {
            let part = built_in(&format!("categories/{id}.yaml"));
            for name in settings_of(part.get("settings")) {
                owners.insert((id.clone(), name), Vec::new());
            }
        }
        owners
    });
    owners.get(&(category.to_owned(), setting.to_owned())).cloned()
}
