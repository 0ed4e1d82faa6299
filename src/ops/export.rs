//! Schemas for editors, the first line of the project's files that points at them, and writing such files where somebody
//! wants them. How a page looks is decided elsewhere.
#![expect(
    clippy::disallowed_methods,
    reason = "compares with what is in a folder that the user named, and makes it"
)]

use std::collections::BTreeSet;
use std::path::{Component, Path, PathBuf};

use serde_json::Value as Json;

use super::error::{Error, Result, require_meant};
use super::request::Request;
use super::workspace::Workspace;
use crate::compile::integrations::files_by_integration;
use crate::model::pattern::any_means;
use crate::schema::Pair;
use crate::schema::parts::Catalogue;
use crate::schema::validate::Validator;
use crate::source::git;
use crate::source::load;
use crate::source::write::{self, Mode};
use crate::source::{FileId, Sources};
use crate::yaml::{self, Node};

/// The pairs that a request takes.
///
/// # Errors
/// When one does not exist.
pub fn pairs(catalogue: &Catalogue, request: &Request) -> Result<Vec<String>> {
    let wanted = &request.filter.pairs;
    let known = catalogue.names("pairs");
    let names: Vec<&str> = known.iter().map(String::as_str).collect();
    wanted.iter().try_for_each(|pair| require_meant("pair", pair, &names))?;
    Ok(known.into_iter().filter(|id| wanted.is_empty() || any_means(wanted, id)).collect())
}

/// The editors' schemas by their files' names: of policy files, and of the pairs that a request takes; else of those that the project's
/// integrations use; else of all.
///
/// # Errors
/// When a pair does not exist.
pub fn schemas(catalogue: &Catalogue, request: &Request, sources: &Sources) -> Result<Vec<(String, Json)>> {
    let policy = Validator::meta("policy").schema().clone();
    let mut schemas = vec![("policy.schema.json".to_owned(), policy)];
    for id in used_pairs(catalogue, request, sources)? {
        let Some(pair) = catalogue.pair(&id) else { continue };
        schemas.push((format!("{id}.schema.json"), for_editors(&pair)));
        for category in &pair.settings {
            let mut schema = with_dialect(&category.schema);
            loosen(&mut schema);
            schemas.push((format!("{id}.{}.schema.json", category.id), schema));
        }
    }
    Ok(schemas)
}

fn used_pairs(catalogue: &Catalogue, request: &Request, sources: &Sources) -> Result<Vec<String>> {
    let all = pairs(catalogue, request)?;
    let files = files_by_integration(sources);
    let used: BTreeSet<String> = files.iter().filter_map(|(_, file)| pair_in(sources, *file)).collect();
    if !request.filter.pairs.is_empty() || used.is_empty() {
        return Ok(all);
    }
    Ok(all.into_iter().filter(|id| used.contains(id)).collect())
}

/// What an editor judges is a source, of which bases and other files hold the rest.
fn for_editors(pair: &Pair) -> Json {
    let mut schema = pair.validator().schema().clone();
    loosen(&mut schema);
    schema["title"] = format!("{} ({})", pair.title, pair.id).into();
    schema["properties"]["pair"]["const"] = pair.id.as_str().into();
    schema
}

/// Takes from a schema of a whole what does not hold for a layer of it: no key is required in a map that another layer may complete, and
/// `null` takes any key away. A list is replaced as a whole, so what it holds stays as it is.
fn loosen(schema: &mut Json) {
    let Json::Object(map) = schema else { return };
    for of_the_whole in ["required", "dependentRequired", "minProperties"] {
        map.shift_remove(of_the_whole);
    }
    if let Some(Json::Array(all)) = map.get_mut("allOf") {
        all.retain(|one| !requires(one));
        if all.is_empty() {
            map.shift_remove("allOf");
        }
    }
    for one_of_them in ["anyOf", "oneOf"] {
        // What says only which keys go together says nothing of a layer; a record among other forms is completed as any other map.
        match map.get_mut(one_of_them) {
            Some(Json::Array(all)) if all.iter().any(is_of_keys) => drop(map.shift_remove(one_of_them)),
            Some(Json::Array(all)) => all.iter_mut().for_each(loosen),
            _ => {}
        }
    }
    if let Some(Json::Object(properties)) = map.get_mut("properties") {
        properties.values_mut().for_each(loosen_key);
    }
    if let Some(rows) = map.get_mut("additionalProperties") {
        loosen_key(rows);
    }
}

fn loosen_key(schema: &mut Json) {
    loosen(schema);
    let Json::Object(map) = schema else { return };
    if let Some(of_type) = map.get_mut("type") {
        let mut types = of_type.as_array().cloned().unwrap_or_else(|| vec![of_type.clone()]);
        if !types.iter().any(|one| one == "null") {
            types.push("null".into());
        }
        *of_type = types.into();
    }
    if let Some(Json::Array(values)) = map.get_mut("enum")
        && !values.contains(&Json::Null)
    {
        values.push(Json::Null);
    }
    for one_of_them in ["anyOf", "oneOf"] {
        if let Some(Json::Array(all)) = map.get_mut(one_of_them) {
            all.push(serde_json::json!({"type": "null"}));
        }
    }
}

/// Whether it is about keys that have to be there.
fn requires(schema: &Json) -> bool {
    match schema {
        Json::Object(map) => {
            map.contains_key("required")
                || map.contains_key("dependentRequired")
                || map.values().any(requires)
        }
        Json::Array(all) => all.iter().any(requires),
        _ => false,
    }
}

/// Whether it says nothing but which keys have to be there.
fn is_of_keys(schema: &Json) -> bool {
    let Json::Object(map) = schema else { return false };
    requires(schema)
        && map.keys().all(|key| ["required", "not", "allOf", "anyOf", "oneOf"].contains(&key.as_str()))
}

fn with_dialect(schema: &Json) -> Json {
    let mut schema = schema.clone();
    schema["$schema"] = "https://json-schema.org/draft/2020-12/schema".into();
    schema
}

const MARK: &str = "# yaml-language-server: $schema=";

/// The integration files of a working tree whose first line does not point at the schemas in a folder, by integration: path
/// and new text.
#[must_use]
pub fn first_lines(tree: &Workspace, catalogue: &Catalogue, folder: &Folder<'_>) -> Vec<(String, String)> {
    let (root, sources) = (tree.root(), tree.sources());
    let at = folder.absolute();
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
        let target = relative(root.join(&source.path).parent()?, &at.join(schema));
        let text = with_first_line(source.text(), &format!("{MARK}{target}"));
        let is_outdated = source.fault().is_none() && text != source.text();
        is_outdated.then(|| (source.path.clone(), text))
    });
    lines.collect()
}

/// The pair that the files of an integration say.
#[must_use]
pub fn pair_of(sources: &Sources, integration: &str) -> Option<String> {
    let files = files_by_integration(sources);
    let mut own = files.iter().filter(|(name, _)| name == integration);
    own.find_map(|(_, file)| pair_in(sources, *file))
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

/// A folder that a person named, inside the project or not, as it was given; relative to `here`.
#[derive(Debug, Clone, Copy)]
pub struct Folder<'a> {
    pub here: &'a Path,
    pub given: &'a Path,
}

impl Folder<'_> {
    fn absolute(&self) -> PathBuf {
        let here = std::fs::canonicalize(self.here).unwrap_or_else(|_| self.here.to_owned());
        let at = here.join(self.given);
        std::path::absolute(&at).unwrap_or(at)
    }

    /// A file of it, as messages name it.
    #[must_use]
    pub fn shown(&self, name: &str) -> PathBuf {
        self.given.join(name)
    }

    /// Whether a file of it has this text.
    #[must_use]
    pub fn has(&self, name: &str, text: &str) -> bool {
        load::text_below(&self.absolute(), Path::new(name)).is_some_and(|found| found == text)
    }

    /// Writes files by their names, each whole or not at all; the folder is made when it is not there.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn write(&self, files: &[(String, String)]) -> Result<()> {
        let (folder, tree) = (self.absolute(), git::work_tree(self.here));
        for (name, text) in files {
            write::replace_at(&folder.join(name), tree.as_deref(), text.as_bytes(), Mode::Shared).map_err(
                |error| Error::usage(format!("cannot write {}: {error}", self.shown(name).display())),
            )?;
        }
        Ok(())
    }
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
