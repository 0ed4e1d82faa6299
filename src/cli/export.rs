//! `schema docs` and `schema export`: reference pages, and schemas for editors with the line that points at them.

use std::path::{Path, PathBuf};

use serde_json::json;

use super::args::Form;
use super::exit::{self, Stop};
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::count;
use crate::ops::export::{self, Folder};
use crate::ops::files;
use crate::plan::FORMAT_VERSION;
use crate::report::{json, reference};
use crate::schema::parts::Catalogue;
use crate::source::Sources;
use crate::source::load::find_root;

/// Writes the reference pages of the selected pairs.
///
/// # Errors
/// When a pair does not exist or a file cannot be written.
pub fn docs(
    session: &Session,
    catalogue: &Catalogue,
    folder: &Path,
    streams: &mut Streams,
) -> Result<(), Stop> {
    let folder = Folder { here: &session.here, given: folder };
    let mut pages = Vec::new();
    for id in export::pairs(catalogue, &session.request())? {
        let Some(pair) = catalogue.pair(&id) else { continue };
        let internal = |why| Stop::new(exit::INTERNAL, format!("the page of {id} could not be made: {why}"));
        pages.push((format!("{id}.md"), reference::markdown(&pair).map_err(internal)?));
        pages.push((format!("{id}.html"), reference::html(&pair).map_err(internal)?));
    }
    folder.write(&pages)?;
    let paths: Vec<PathBuf> = pages.iter().map(|(name, _)| folder.shown(name)).collect();
    say(session, "schema docs", &paths, exit::OK, streams);
    Ok(())
}

/// Writes the editors' schemas of the selected pairs, and the first line of the files in the working tree; or checks both.
///
/// # Errors
/// When a pair does not exist or a file cannot be written.
pub fn export(
    session: &Session,
    catalogue: &Catalogue,
    sources: &Sources,
    folder: &Path,
    check: bool,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let folder = Folder { here: &session.here, given: folder };
    let schemas = export::schemas(catalogue, &session.request(), sources)?;
    let mut schemas: Vec<(String, String)> =
        schemas.into_iter().map(|(name, schema)| (name, json::print(&schema))).collect();
    schemas.retain(|(name, text)| !folder.has(name, text));
    let mut paths: Vec<PathBuf> = schemas.iter().map(|(name, _)| folder.shown(name)).collect();
    let tree = find_root(&session.here).map(|_| session.tree()).transpose()?;
    let lines = tree.as_ref().map(|tree| export::first_lines(tree, catalogue, &folder)).unwrap_or_default();
    paths.extend(tree.iter().flat_map(|tree| lines.iter().map(|(path, _)| tree.root().join(path))));
    let code = if check && !paths.is_empty() { exit::PENDING } else { exit::OK };
    if !check {
        folder.write(&schemas)?;
        if let Some(tree) = &tree {
            files::write(tree, &lines.into_iter().collect())?;
        }
    }
    say(session, "schema export", &paths, code, streams);
    Ok(code)
}

/// Tells which files were written, or would be.
pub fn say(session: &Session, command: &str, paths: &[PathBuf], code: u8, streams: &mut Streams) {
    let paths: Vec<String> = paths.iter().map(|path| path.to_string_lossy().replace('\\', "/")).collect();
    if session.common.output == Form::Json {
        let body =
            json!({"format_version": FORMAT_VERSION, "command": command, "exit_code": code, "files": paths});
        streams.result(&json::print(&body));
        return;
    }
    if paths.is_empty() {
        streams.result("Everything is up to date.\n");
        return;
    }
    let done = if code == exit::PENDING { "not up to date" } else { "written" };
    let shown: String = paths.iter().take(10).map(|path| format!("  {path}\n")).collect();
    let more = paths.len().saturating_sub(10);
    let more = if more > 0 { format!("  and {more} more\n") } else { String::new() };
    streams.result(&format!("{} {done}.\n{shown}{more}", count(paths.len(), "file")));
}
