//! `schema docs` and `schema export`: reference pages, and schemas for editors with the line that points at them.
#![expect(clippy::disallowed_methods, reason = "the door through which these files are written")]

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde_json::{Value as Json, json};

use super::args::{Common, Form};
use super::exit::{self, Stop};
use super::project;
use super::streams::Streams;
use crate::compile::compose::files_by_integration;
use crate::plan::FORMAT_VERSION;
use crate::report::{count, json as machine, reference};
use crate::schema::Pair;
use crate::schema::parts::Catalogue;
use crate::source::{FileId, Sources};
use crate::yaml::{self, Node};

/// Writes the reference pages of the selected pairs.
///
/// # Errors
/// When a pair does not exist or a file cannot be written.
pub fn docs(
    common: &Common,
    catalogue: &Catalogue,
    folder: &Path,
    streams: &mut Streams,
) -> Result<(), Stop> {
    let mut written = Vec::new();
    for id in pairs(common, catalogue)? {
        let Some(pair) = catalogue.pair(&id) else { continue };
        let internal = |why| Stop::new(exit::INTERNAL, format!("the page of {id} could not be made: {why}"));
        written.push((folder.join(format!("{id}.md")), reference::markdown(&pair).map_err(internal)?));
        written.push((folder.join(format!("{id}.html")), reference::html(&pair).map_err(internal)?));
    }
    write_all(&written)?;
    say(common, "schema docs", &written, exit::OK, streams);
    Ok(())
}

/// Writes the editors' schemas of the selected pairs, and the first line of the project's files; or checks both.
///
/// # Errors
/// When a pair does not exist or a file cannot be written.
pub fn export(
    common: &Common,
    catalogue: &Catalogue,
    sources: &Sources,
    folder: &Path,
    check: bool,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let mut wanted: Vec<(PathBuf, String)> = Vec::new();
    for id in used_pairs(common, catalogue, sources)? {
        let Some(pair) = catalogue.pair(&id) else { continue };
        wanted.push((folder.join(format!("{id}.schema.json")), machine::print(&for_editors(&pair))));
        for category in &pair.settings {
            let name = format!("{id}.{}.schema.json", category.id);
            wanted.push((folder.join(name), machine::print(&with_dialect(&category.schema))));
        }
    }
    wanted.extend(first_lines(catalogue, sources, folder));
    wanted.retain(|(path, text)| std::fs::read_to_string(path).ok().as_ref() != Some(text));
    let code = if check && !wanted.is_empty() { exit::PENDING } else { exit::OK };
    if !check {
        write_all(&wanted)?;
    }
    say(common, "schema export", &wanted, code, streams);
    Ok(code)
}

/// The pairs asked for; else those that the project's integrations use; else all.
fn used_pairs(common: &Common, catalogue: &Catalogue, sources: &Sources) -> Result<Vec<String>, Stop> {
    let all = pairs(common, catalogue)?;
    let files = files_by_integration(sources);
    let used: BTreeSet<String> = files.iter().filter_map(|(_, file)| pair_in(sources, *file)).collect();
    if !common.pair.is_empty() || used.is_empty() {
        return Ok(all);
    }
    Ok(all.into_iter().filter(|id| used.contains(id)).collect())
}

fn pairs(common: &Common, catalogue: &Catalogue) -> Result<Vec<String>, Stop> {
    let known = catalogue.names("pairs");
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    common.pair.iter().try_for_each(|pair| project::require_known("pair", pair, &names))?;
    Ok(known.into_iter().filter(|id| common.pair.is_empty() || common.pair.contains(id)).collect())
}

/// What an editor judges is a source, of which bases and other files hold the rest: nothing is required at the top.
fn for_editors(pair: &Pair) -> Json {
    let mut schema = pair.validator().schema().clone();
    if let Json::Object(map) = &mut schema {
        map.shift_remove("required");
    }
    schema["title"] = format!("{} ({})", pair.title, pair.id).into();
    schema["properties"]["pair"]["const"] = pair.id.as_str().into();
    schema
}

fn with_dialect(schema: &Json) -> Json {
    let mut schema = schema.clone();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema
}

const MARK: &str = "# yaml-language-server: $schema=";

/// The project's integration files with their first line as it should be.
fn first_lines(catalogue: &Catalogue, sources: &Sources, folder: &Path) -> Vec<(PathBuf, String)> {
    let Ok((root, _)) = project::read_tree() else { return Vec::new() };
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_path_buf());
    let files = files_by_integration(sources);
    let pair_of = |name: &str| {
        let mine = files.iter().filter(|(other, _)| other == name);
        mine.filter_map(|(_, file)| pair_in(sources, *file)).find(|pair| catalogue.pair(pair).is_some())
    };
    let lines = files.iter().filter_map(|(name, file)| {
        let source = sources.file(*file);
        let pair = pair_of(name)?;
        let category = source
            .path
            .rsplit_once("/settings/")
            .and_then(|(_, file)| file.rsplit_once('.'))
            .map(|(stem, _)| stem);
        let schema = match category {
            Some(category) => format!("{pair}.{category}.schema.json"),
            None => format!("{pair}.schema.json"),
        };
        let path = root.join(&source.path);
        let target = relative(path.parent()?, &absolute.join(schema));
        Some((path, with_first_line(source.text(), &format!("{MARK}{target}"))))
    });
    lines.collect()
}

fn pair_in(sources: &Sources, file: FileId) -> Option<String> {
    let root = yaml::parse(sources, file, &mut Vec::new())?;
    root.get("pair").and_then(Node::as_text).map(str::to_owned)
}

/// The text with its modeline replaced, or set before everything else; nothing else moves.
fn with_first_line(text: &str, line: &str) -> String {
    let (mark, rest) = match text.strip_prefix('\u{feff}') {
        Some(rest) => ("\u{feff}", rest),
        None => ("", text),
    };
    let ending = if rest.contains("\r\n") { "\r\n" } else { "\n" };
    let old = rest.lines().take(5).position(|each| each.starts_with(MARK));
    match old {
        Some(at) => {
            let lines = rest.split_inclusive('\n').enumerate().map(|(number, each)| match number == at {
                true => format!("{line}{}", &each[each.trim_end_matches(['\r', '\n']).len()..]),
                false => each.to_owned(),
            });
            format!("{mark}{}", lines.collect::<String>())
        }
        None => format!("{mark}{line}{ending}{rest}"),
    }
}

/// `to` as seen from the folder `from`, with forward slashes.
fn relative(from: &Path, to: &Path) -> String {
    let plain = |path: &Path| -> Vec<String> {
        path.components()
            .filter(|component| !matches!(component, Component::CurDir))
            .map(|component| component.as_os_str().to_string_lossy().into_owned())
            .collect()
    };
    let (from, to) = (plain(from), plain(to));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = std::iter::repeat_n("..".to_owned(), from.len() - shared);
    up.chain(to[shared..].iter().cloned()).collect::<Vec<_>>().join("/")
}

/// Each file is written beside its place and moved there, so that none is ever half written.
fn write_all(files: &[(PathBuf, String)]) -> Result<(), Stop> {
    for (path, text) in files {
        let failed = |error: std::io::Error| Stop::usage(format!("cannot write {}: {error}", path.display()));
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).map_err(failed)?;
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".part");
        let part = path.with_file_name(name);
        std::fs::write(&part, text).map_err(failed)?;
        std::fs::rename(&part, path).map_err(failed)?;
    }
    Ok(())
}

fn say(common: &Common, command: &str, files: &[(PathBuf, String)], code: u8, streams: &mut Streams) {
    let paths: Vec<String> =
        files.iter().map(|(path, _)| path.to_string_lossy().replace('\\', "/")).collect();
    if common.output == Form::Json {
        let body =
            json!({"format_version": FORMAT_VERSION, "command": command, "exit_code": code, "files": paths});
        streams.result(&machine::print(&body));
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_set_or_replaced_and_nothing_else_moves() {
        let line = format!("{MARK}../a.json");
        assert_eq!(with_first_line("a: 1\n", &line), format!("{line}\na: 1\n"));
        assert_eq!(with_first_line("\u{feff}a: 1\r\n", &line), format!("\u{feff}{line}\r\na: 1\r\n"));
        let old = format!("# note\n{MARK}old.json\r\na: 1");
        assert_eq!(with_first_line(&old, &line), format!("# note\n{line}\r\na: 1"));
        let once = with_first_line("a: 1\n", &line);
        assert_eq!(with_first_line(&once, &line), once);
    }

    #[test]
    fn a_path_is_told_from_where_the_file_lies() {
        assert_eq!(
            relative(Path::new("/p/integrations/x"), Path::new("/p/.pairform/a.json")),
            "../../.pairform/a.json"
        );
    }
}
