//! The files of a project that judge others and are recorded as they are by each apply: lists of dropdown values, and the team's
//! own schema parts. Nothing is recorded here.

use std::collections::BTreeMap;

use super::error::Result;
use super::workspace::Workspace;
use crate::model;
use crate::plan::policy::PolicyChange;
use crate::source::SourceFile;
use crate::store::Store;

/// Folders whose files are recorded as they are: lists of dropdown values, and the team's own schema parts.
const FOLDERS: [&str; 2] = ["options/", "schemas/"];

/// The lists and schema parts of a workspace.
pub fn of(workspace: &Workspace) -> impl Iterator<Item = &SourceFile> {
    let files = workspace.sources().iter().map(|(_, file)| file);
    files.filter(|file| FOLDERS.iter().any(|folder| file.path.starts_with(folder)))
}

/// What became of lists and schema parts since an apply recorded them.
///
/// # Errors
/// When the store cannot be read.
pub fn moved(store: &mut dyn Store, workspace: &Workspace) -> Result<Vec<PolicyChange>> {
    let mut known: BTreeMap<String, String> = store.sources()?.into_iter().collect();
    let mut moved: BTreeMap<String, &str> = BTreeMap::new();
    for file in of(workspace) {
        match known.remove(&file.path) {
            None => _ = moved.insert(file.path.clone(), "is added"),
            Some(digest) if file.with_text(|text, _| model::digest_text(text)) != digest => {
                moved.insert(file.path.clone(), "is changed");
            }
            Some(_) => {}
        }
    }
    moved.extend(known.into_keys().map(|path| (path, "is taken away")));
    let said = moved.into_iter().map(|(path, what)| PolicyChange {
        path: Some(path.clone()),
        line: Some(1),
        ..PolicyChange::said(path, format!("{what} since the last apply"))
    });
    Ok(said.collect())
}
