//! What parts are called: their paths below `schemas/`.

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
