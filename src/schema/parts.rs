//! The part files from which pairs are linked: the built-in ones, with a project's own laid over them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use include_dir::{Dir, include_dir};
use serde_json::Value as Json;

use super::judge::{Validator, Words};
use super::vat::{self, Vat};
use super::{Pair, link};
use crate::diagnostic::codes;
use crate::diagnostic::{Finding, Label};
use crate::source::{SourceFile, Sources, Span};
use crate::yaml;

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/schemas");

/// The folders that hold parts, each with the meta schema that judges it.
const FOLDERS: [(&str, &str); 3] =
    [("connectors", "connector"), ("categories", "category"), ("pairs", "pair")];

/// A pair that is linked when it is first asked for; others can be linked meanwhile.
type Linked = OnceLock<Option<Arc<Pair>>>;

/// All parts that a project sees, and the pairs linked from them so far.
#[derive(Debug, Default)]
pub struct Catalogue {
    /// A project's own parts by path below `schemas/`, with the tree for places.
    own: BTreeMap<String, (Json, yaml::Node)>,
    linked: Mutex<HashMap<String, Arc<Linked>>>,
}

impl Catalogue {
    /// Lays the files under a project's `schemas/` over the built-in parts; broken ones become findings and are
    /// left out. Every pair that a project brings is linked at once, so that its mistakes are found without a user.
    #[must_use]
    pub fn with_project(sources: &Sources, findings: &mut Vec<Finding>) -> Self {
        let mut own = BTreeMap::new();
        let mut broken = false;
        for (file, source) in sources.iter() {
            let Some(path) = source.path.strip_prefix("schemas/") else { continue };
            let meta = FOLDERS.iter().find(|(folder, _)| path.starts_with(&format!("{folder}/")));
            let meta = match meta {
                Some((_, meta)) => *meta,
                None if path == "flows.yaml" => "flows",
                None if path == vat::PATH => "vat",
                None => continue,
            };
            let before = findings.len();
            let Some(node) = yaml::parse(sources, file, findings) else {
                broken = true;
                continue;
            };
            if let Ok(meta) = Validator::meta(meta) {
                findings.extend(meta.judge(&node, Words::default()));
            }
            if findings[before..].iter().all(|finding| finding.severity != crate::diagnostic::Severity::Error)
            {
                own.insert(path.to_owned(), (node.to_json(), node));
            } else {
                broken = true;
            }
        }
        let catalogue = Catalogue { own, linked: Mutex::default() };
        let pairs: Vec<String> = catalogue.own.keys().filter_map(|path| stem(path, "pairs")).collect();
        for id in pairs {
            // What a pair misses may stand in the part that could not be read.
            if let Err(error) = link::link(&catalogue, &id)
                && !broken
            {
                findings.push(catalogue.misfit(&error));
            }
        }
        catalogue
    }

    fn misfit(&self, error: &link::LinkError) -> Finding {
        let place = |part: &str| self.own.get(part).map(|(_, node)| node);
        let node = place(&error.part)
            .map(|root| yaml::find_path(root, &error.pointer).unwrap_or(root))
            .or_else(|| self.own.values().map(|(_, node)| node).next());
        let span = node.map_or(Span::new(crate::source::FileId(0), 0, 0), |node| node.span);
        codes::schema::part_misfit(&error.message, Label::new(span, ""))
    }

    /// A part by its path below `schemas/`, such as `connectors/fortnox.yaml`.
    #[must_use]
    pub fn part(&self, path: &str) -> Option<Json> {
        if let Some((json, _)) = self.own.get(path) {
            return Some(json.clone());
        }
        BUILT_IN.get_file(path).map(|_| built_in(path))
    }

    /// The VAT rates: the built-in ones, with the countries of the project's own table laid over them.
    #[must_use]
    pub fn vat(&self) -> Vat {
        let own = self.own.get(vat::PATH).map(|(json, _)| json.clone());
        Vat::new(built_in(vat::PATH), own)
    }

    /// The names of the parts in a folder, sorted.
    #[must_use]
    pub fn names(&self, folder: &str) -> Vec<String> {
        let built_in = BUILT_IN.get_dir(folder).into_iter().flat_map(|dir| dir.files());
        let paths =
            built_in.filter_map(|file| file.path().to_str()).chain(self.own.keys().map(String::as_str));
        paths.filter_map(|path| stem(path, folder)).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The linked pair; `None` when there is no such pair or its parts do not fit.
    #[must_use]
    pub fn pair(&self, id: &str) -> Option<Arc<Pair>> {
        let mut linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = Arc::clone(linked.entry(id.to_owned()).or_default());
        drop(linked);
        pair.get_or_init(|| link::link(self, id).ok().map(Arc::new)).clone()
    }
}

fn stem(path: &str, folder: &str) -> Option<String> {
    let name = path.strip_prefix(folder)?.strip_prefix('/')?.strip_suffix(".yaml")?;
    (!name.contains('/')).then(|| name.to_owned())
}

/// Whose a built-in setting is: the titles of the connectors that add it, none when the category itself has it; `None`
/// when there is no such setting.
#[must_use]
pub fn owners_of(category: &str, setting: &str) -> Option<Vec<String>> {
    static OWNERS: OnceLock<BTreeMap<(String, String), Vec<String>>> = OnceLock::new();
    let owners = OWNERS.get_or_init(|| {
        let mut owners: BTreeMap<(String, String), Vec<String>> = BTreeMap::new();
        let names = |settings: Option<&Json>| -> Vec<String> {
            settings.and_then(Json::as_object).into_iter().flatten().map(|(name, _)| name.clone()).collect()
        };
        let catalogue = Catalogue::default();
        for id in catalogue.names("connectors") {
            let part = built_in(&format!("connectors/{id}.yaml"));
            let categories = part.get("settings").and_then(Json::as_object).into_iter().flatten();
            for (category, settings) in categories {
                for name in names(Some(settings)) {
                    let title = super::text(&part, "title").to_owned();
                    owners.entry((category.clone(), name)).or_default().push(title);
                }
            }
        }
        for id in catalogue.names("categories") {
            let part = built_in(&format!("categories/{id}.yaml"));
            for name in names(part.get("settings")) {
                owners.insert((id.clone(), name), Vec::new());
            }
        }
        owners
    });
    owners.get(&(category.to_owned(), setting.to_owned())).cloned()
}

/// A built-in file under `schemas/` as JSON. The files are judged by tests, so none fails here.
#[must_use]
pub fn built_in(path: &str) -> Json {
    let Some(text) = built_in_text(path) else { return Json::Null };
    let mut sources = Sources::default();
    let file = sources.add(SourceFile::new(path, text));
    yaml::parse(&sources, file, &mut Vec::new()).map_or(Json::Null, |node| node.to_json())
}

/// The text of a built-in file under `schemas/`.
#[must_use]
pub fn built_in_text(path: &str) -> Option<&'static str> {
    BUILT_IN.get_file(path)?.contents_utf8()
}
