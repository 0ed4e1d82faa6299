//! The part files from which pairs are linked: the built-in ones, with a project's own laid over them.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use include_dir::{Dir, include_dir};
use serde_json::Value as Json;

use super::judge::{Validator, Words};
use super::vat::{self, Vat};
use super::{Pair, link, lint};
use crate::diagnostic::codes;
use crate::diagnostic::{Finding, Label, Severity, nearest};
use crate::source::{FileId, SourceFile, Sources, Span};
use crate::yaml;

static BUILT_IN: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/schemas");

/// The folders that hold parts, each with the meta schema that judges it.
const FOLDERS: [(&str, &str); 3] =
    [("connectors", "connector"), ("categories", "category"), ("pairs", "pair")];

/// A pair that is linked when it is first asked for; others can be linked meanwhile.
type Linked = OnceLock<Option<Arc<Pair>>>;

/// The pairs linked so far.
type AllLinked = Arc<Mutex<HashMap<String, Arc<Linked>>>>;

/// All parts that a project sees, and the pairs linked from them so far.
#[derive(Debug)]
pub struct Catalogue {
    /// A project's own parts by path below `schemas/`, with the tree for places.
    own: BTreeMap<String, (Arc<Json>, yaml::Node)>,
    /// Own parts with mistakes: nothing is linked from them, nor from the built-in parts of the same name.
    broken: BTreeSet<String>,
    linked: AllLinked,
}

impl Default for Catalogue {
    /// The built-in parts alone. What is linked from these is the same wherever it is asked for in a process.
    fn default() -> Self {
        static LINKED: LazyLock<AllLinked> = LazyLock::new(AllLinked::default);
        Catalogue { own: BTreeMap::new(), broken: BTreeSet::new(), linked: Arc::clone(&LINKED) }
    }
}

impl Catalogue {
    /// Lays the files under a project's `schemas/` over the built-in parts; broken ones become findings and are
    /// left out. Every pair that a project brings is linked at once, so that its mistakes are found without a user.
    #[must_use]
    pub fn with_project(sources: &Sources, findings: &mut Vec<Finding>) -> Self {
        let mut catalogue = Catalogue::default();
        for (file, source) in sources.iter() {
            let Some(path) = source.path.strip_prefix("schemas/") else { continue };
            let Some(meta) = meta_of(path) else {
                findings.extend(stray(path, Span::new(file, 0, 0)));
                continue;
            };
            match read(sources, file, meta, findings) {
                Some(node) => {
                    catalogue.own.insert(path.to_owned(), (Arc::new(node.to_json()), node));
                }
                None => {
                    catalogue.broken.insert(path.to_owned());
                }
            }
        }
        if catalogue.own.is_empty() && catalogue.broken.is_empty() {
            return catalogue;
        }
        catalogue.linked = AllLinked::default();
        for (path, finding) in lint::lint(&catalogue) {
            catalogue.broken.insert(path);
            findings.push(finding);
        }
        let pairs: Vec<String> = catalogue.own.keys().filter_map(|path| stem(path, "pairs")).collect();
        for id in pairs.iter().filter(|id| !catalogue.is_broken(id)) {
            if let Err(error) = link::link(&catalogue, id) {
                let finding = catalogue.misfit(&error);
                findings.push(finding);
            }
        }
        catalogue
    }

    /// A project's own parts that could be read: path below `schemas/`, JSON and tree.
    pub(super) fn own(&self) -> impl Iterator<Item = (&str, &Json, &yaml::Node)> {
        self.own.iter().map(|(path, (json, node))| (path.as_str(), &**json, node))
    }

    pub(super) fn has_broken(&self) -> bool {
        !self.broken.is_empty()
    }

    /// Whether a pair cannot be linked since a part that it is made of has mistakes, which are findings of their own.
    #[must_use]
    pub fn is_broken(&self, pair: &str) -> bool {
        if self.broken.is_empty() {
            return false;
        }
        let path = format!("pairs/{pair}.yaml");
        let part = self.part(&path).unwrap_or_default();
        let connectors = part.get("connectors").and_then(Json::as_array).into_iter().flatten();
        let mut made_of = connectors.filter_map(Json::as_str).map(|id| format!("connectors/{id}.yaml"));
        // Every pair is made of every category.
        let shared = |path: &String| path.starts_with("categories/") || path == "flows.yaml";
        self.broken.contains(&path)
            || self.broken.iter().any(shared)
            || made_of.any(|connector| self.broken.contains(&connector))
    }

    fn misfit(&self, error: &link::LinkError) -> Finding {
        let place = |part: &str| self.own.get(part).map(|(_, node)| node);
        let node = place(&error.part)
            .map(|root| yaml::find_path(root, &error.pointer).unwrap_or(root))
            .or_else(|| self.own.values().map(|(_, node)| node).next());
        let span = node.map_or(Span::new(crate::source::FileId(0), 0, 0), |node| node.span);
        codes::schema::part_misfit(&error.message, Label::new(span, "")).help(&*error.help)
    }

    /// A part by its path below `schemas/`, such as `connectors/fortnox.yaml`.
    #[must_use]
    pub fn part(&self, path: &str) -> Option<Arc<Json>> {
        if let Some((json, _)) = self.own.get(path) {
            return Some(Arc::clone(json));
        }
        if self.broken.contains(path) {
            return None;
        }
        BUILT_IN.get_file(path).map(|_| built_in(path))
    }

    /// The VAT rates: the built-in ones, with the countries of the project's own table laid over them.
    #[must_use]
    pub fn vat(&self) -> Vat {
        let own = self.own.get(vat::PATH).map(|(json, _)| (**json).clone());
        Vat::new((*built_in(vat::PATH)).clone(), own)
    }

    /// The names of the parts in a folder, sorted.
    #[must_use]
    pub fn names(&self, folder: &str) -> Vec<String> {
        let built_in = BUILT_IN.get_dir(folder).into_iter().flat_map(|dir| dir.files());
        let own = self.own.keys().chain(&self.broken).map(String::as_str);
        let paths = built_in.filter_map(|file| file.path().to_str()).chain(own);
        paths.filter_map(|path| stem(path, folder)).collect::<BTreeSet<_>>().into_iter().collect()
    }

    /// The linked pair; `None` when there is no such pair or its parts do not fit.
    #[must_use]
    pub fn pair(&self, id: &str) -> Option<Arc<Pair>> {
        let mut linked = self.linked.lock().unwrap_or_else(PoisonError::into_inner);
        let pair = Arc::clone(linked.entry(id.to_owned()).or_default());
        drop(linked);
        let link = || if self.is_broken(id) { None } else { link::link(self, id).ok().map(Arc::new) };
        pair.get_or_init(link).clone()
    }
}

/// The meta schema that judges a part; `None` for a file that is no part.
fn meta_of(path: &str) -> Option<&'static str> {
    match path {
        "flows.yaml" => Some("flows"),
        vat::PATH => Some("vat"),
        _ => FOLDERS.iter().find(|(folder, _)| stem(path, folder).is_some()).map(|(_, meta)| *meta),
    }
}

/// A part as a tree; `None` where something is wrong with it, which is told.
fn read(sources: &Sources, file: FileId, meta: &str, findings: &mut Vec<Finding>) -> Option<yaml::Node> {
    let wrong = |findings: &[Finding]| findings.iter().any(|finding| finding.severity == Severity::Error);
    let before = findings.len();
    let Some(node) = yaml::parse(sources, file, findings) else {
        findings.push(codes::schema::part_empty(Span::new(file, 0, 0)));
        return None;
    };
    // What is missing may stand in the text that could not be read.
    if !wrong(&findings[before..])
        && let Ok(meta) = Validator::meta(meta)
    {
        let words = Words { document: Some("the part"), ..Words::default() };
        findings.extend(meta.judge(&node, words));
    }
    (!wrong(&findings[before..])).then_some(node)
}

/// A file that looks like a part and is read by nobody.
fn stray(path: &str, at: Span) -> Option<Finding> {
    let (stem, yaml) = match (path.strip_suffix(".yaml"), path.strip_suffix(".yml")) {
        (Some(stem), _) => (stem, true),
        (_, Some(stem)) => (stem, false),
        _ => return None,
    };
    let folders: Vec<&str> = FOLDERS.iter().map(|(folder, _)| *folder).collect();
    let known = meta_of(&format!("{stem}.yaml")).is_some();
    let near = path.split_once('/').and_then(|(folder, _)| nearest(folder, folders.iter().copied()));
    let help = match near {
        _ if known && !yaml => format!("name it `{stem}.yaml`"),
        Some(near) => format!("move it to `schemas/{near}/`"),
        None => format!(
            "parts stand in `schemas/{}/`; move it there, or out of `schemas/`",
            folders.join("/`, `schemas/")
        ),
    };
    Some(codes::compose::stray_part(&format!("schemas/{path}"), at).help(help))
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

/// A built-in file under `schemas/` as JSON, read once a process. The files are judged by tests, so none fails here.
#[must_use]
pub fn built_in(path: &str) -> Arc<Json> {
    static READ: LazyLock<Mutex<HashMap<String, Arc<Json>>>> = LazyLock::new(Mutex::default);
    let known = || READ.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(json) = known().get(path) {
        return Arc::clone(json);
    }
    let json = built_in_text(path).and_then(|text| {
        let mut sources = Sources::default();
        let file = sources.add(SourceFile::new(path, text));
        yaml::parse(&sources, file, &mut Vec::new()).map(|node| node.to_json())
    });
    let json = Arc::new(json.unwrap_or_default());
    known().insert(path.to_owned(), Arc::clone(&json));
    json
}

/// A built-in schema for schemas by its URI.
pub(super) fn meta_by_uri(uri: &str) -> Option<&'static Json> {
    static META: OnceLock<BTreeMap<String, Arc<Json>>> = OnceLock::new();
    let meta = META.get_or_init(|| {
        let files = BUILT_IN.get_dir("meta").into_iter().flat_map(|dir| dir.files());
        let paths = files.filter_map(|file| file.path().to_str());
        paths.map(|path| (path.to_owned(), built_in(path))).collect()
    });
    meta.get(uri.strip_prefix(super::judge::BUILT_IN)?).map(|json| &**json)
}

/// The text of a built-in file under `schemas/`.
#[must_use]
pub fn built_in_text(path: &str) -> Option<&'static str> {
    BUILT_IN.get_file(path)?.contents_utf8()
}
