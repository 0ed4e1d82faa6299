//! The files under `schemas/` that are built into the program.
//!
//! What a project lays over them is in [`super::part_files`].

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use include_dir::{Dir, File, include_dir};
use serde_json::Value as Json;

use super::keywords::text;
use super::packed::{self, Packed};

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/schemas");

/// What the built-in schemas are called when they refer to each other.
pub(super) const BASE_URI: &str = "pairform:///schemas/";

/// A built-in file under `schemas/` as JSON, read once a process. A test holds what was packed to the files.
#[must_use]
pub fn built_in(path: &str) -> Arc<Json> {
    static READ: LazyLock<Mutex<HashMap<String, Arc<Json>>>> = LazyLock::new(Mutex::default);
    let known = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(json) = known().get(path) {
        return Arc::clone(json);
    }
    let json = Arc::new(packed::find(path).and_then(Packed::to_json).unwrap_or_default());
    known().insert(path.to_owned(), Arc::clone(&json));
    json
}

/// What a built-in file says under a key of its own; the rest of it is not read.
pub(super) fn says(path: &str, key: &str) -> Option<&'static str> {
    packed::find(path)?.text(key)
}

/// The text of a built-in file under `schemas/`.
#[must_use]
pub fn built_in_text(path: &str) -> Option<&'static str> {
    BUILT_IN.get_file(path)?.contents_utf8()
}

/// The built-in files that say what an integration may be, by their paths and with their texts.
pub(super) fn texts() -> impl Iterator<Item = (&'static str, &'static str)> {
    let says_nothing = |path: &str| path.starts_with("output/") || !path.ends_with(".yaml");
    let mut files: Vec<&'static File<'static>> = Vec::new();
    add_files(&BUILT_IN, &mut files);
    let texts = files.into_iter().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)));
    texts.filter(move |(path, _)| !says_nothing(path))
}

fn add_files(dir: &'static Dir<'static>, files: &mut Vec<&'static File<'static>>) {
    files.extend(dir.files());
    dir.dirs().for_each(|dir| add_files(dir, files));
}

/// The names of the built-in parts in a folder.
pub(super) fn names(folder: &str) -> BTreeSet<String> {
    let files = BUILT_IN.get_dir(folder).into_iter().flat_map(|dir| dir.files());
    files.filter_map(|file| stem(file.path().to_str()?, folder)).collect()
}

/// The name of the part that a file in a folder holds.
pub(super) fn stem(path: &str, folder: &str) -> Option<String> {
    let name = path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".yaml")?;
    (!name.contains('/')).then(|| name.to_owned())
}

/// A built-in schema for schemas by its URI.
pub(super) fn meta_by_uri(uri: &str) -> Option<&'static Json> {
    static META: OnceLock<BTreeMap<String, Arc<Json>>> = OnceLock::new();
    let meta = META.get_or_init(|| {
        let files = BUILT_IN.get_dir("meta").into_iter().flat_map(|dir| dir.files());
        let paths = files.filter_map(|file| file.path().to_str());
        paths.map(|path| (path.to_owned(), built_in(path))).collect()
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
