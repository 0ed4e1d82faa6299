//! What parts are called: their paths below `schemas/`.

use serde_json::Value as Json;

use super::keywords::text;
use super::vat;

/// The folders that hold parts, each with the meta schema that judges it.
pub(super) const FOLDERS: [(&str, &str); 3] =
    [("connectors", "connector"), ("categories", "category"), ("pairs", "pair")];

/// The flows that there are.
pub(super) const FLOWS: &str = "flows.yaml";

/// The name of the part that a file in a folder holds.
pub(super) fn stem(path: &str, folder: &str) -> Option<String> {
    let name = path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".yaml")?;
    (!name.contains('/')).then(|| name.to_owned())
}

/// The meta schema that judges a part; `None` for a file that is no part.
pub(super) fn meta_of(path: &str) -> Option<&'static str> {
    match path {
        FLOWS => Some("flows"),
        vat::PATH => Some("vat"),
        _ => FOLDERS.iter().find(|(folder, _)| stem(path, folder).is_some()).map(|(_, meta)| *meta),
    }
}

/// What to do about a pair's file that is called otherwise than the pair: one of the two names may be no pair's at all.
pub(super) fn rename(pair: &Json, id: &str) -> String {
    let said = text(pair, "pair");
    let connectors = pair.get("connectors").and_then(Json::as_array);
    let mut ids: Vec<&str> = connectors.into_iter().flatten().filter_map(Json::as_str).collect();
    ids.sort_unstable();
    match ids.join("-") {
        meant if meant == said => format!("rename the file to `{said}.yaml`"),
        meant if meant == id => format!("write `{id}`"),
        _ => format!("write `{id}`, or rename the file"),
    }
}
