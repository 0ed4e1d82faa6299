//! The part files that a project sees: the built-in ones, with its own laid over them.
//!
//! Each is judged by its meta schema, by itself. What they make together is known to [`super::link`].

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;
use sha2::{Digest as _, Sha256};

use super::built_in::{self, built_in};
use super::keywords::text;
use super::packed::Packed;
use super::pair::PAYMENT;
use super::part_names::{FOLDERS, meta_of, stem};
use super::validate::{Validator, Words};
use super::vat::{self, Vat};
use crate::diagnostic::codes;
use crate::diagnostic::{Finding, Label, Severity, nearest};
use crate::model::{canonical_json, hex, tokens};
use crate::source::names::is_source;
use crate::source::{FileId, Sources, Span};
use crate::yaml;

/// All parts that a project sees.
#[derive(Debug, Default)]
pub struct PartFiles {
    /// A project's own parts by path below `schemas/`, with the tree for places.
    own: BTreeMap<String, (Arc<Json>, yaml::Node)>,
    /// Own parts with mistakes: nothing is linked from them, nor from the built-in parts of the same name.
    broken: BTreeSet<String>,
    /// The own parts are a catalogue by themselves: none stands beneath them.
    alone: bool,
    payments: OnceLock<BTreeMap<String, String>>,
}

impl PartFiles {
    /// Lays the files under a project's `schemas/` over the built-in parts; broken ones become findings and are left out.
    pub(super) fn read(sources: &Sources, findings: &mut Vec<Finding>) -> Self {
        PartFiles::default().laid_over(sources, findings)
    }

    /// As [`PartFiles::read`], over nothing.
    pub(super) fn read_alone(sources: &Sources, findings: &mut Vec<Finding>) -> Self {
        PartFiles { alone: true, ..PartFiles::default() }.laid_over(sources, findings)
    }

    fn laid_over(mut self, sources: &Sources, findings: &mut Vec<Finding>) -> Self {
        for (file, source) in sources.iter().filter(|(_, source)| is_source(&source.path)) {
            let Some(path) = source.path.strip_prefix("schemas/") else { continue };
            let Some(meta) = meta_of(path) else {
                // What the program has besides parts is no part of any catalogue, and stands beside them where it is made.
                if self.alone && built_in::find(path).is_some() {
                    continue;
                }
                match displaced(sources, file, path) {
                    Some((meant, finding)) => {
                        // What is made of it has no finding of its own.
                        self.broken.insert(meant);
                        findings.push(finding);
                    }
                    None => findings.extend(stray(path, Span::new(file, 0, 0))),
                }
                continue;
            };
            match self::read(sources, file, meta, findings) {
                Some(node) if is_misnamed(path, meta, &node) => {
                    let meant = node.get(meta).and_then(yaml::Node::as_text).unwrap_or_default();
                    let message = format!("`{path}` is not a name that a part's file can have");
                    let at = Label::new(Span::new(file, 0, 0), format!("it says that it is `{meant}`"));
                    let help = format!("rename the file to `{meant}.yaml`");
                    findings.push(codes::schema::part_misfit(&message, at).help(help));
                    let folder = path.split_once('/').map_or("", |(folder, _)| folder);
                    self.broken.insert(format!("{folder}/{meant}.yaml"));
                }
                Some(node) => {
                    self.own.insert(path.to_owned(), (Arc::new(node.to_json()), node));
                }
                None => {
                    self.broken.insert(path.to_owned());
                }
            }
        }
        self
    }

    /// Nothing stands in the project that is not built in.
    pub(super) fn is_built_in(&self) -> bool {
        self.own.is_empty() && self.broken.is_empty()
    }

    /// Notes that a part has a mistake that its meta schema does not see.
    pub(super) fn set_broken(&mut self, path: String) {
        self.broken.insert(path);
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

    /// The connectors that stand beside pairs, with their titles. Of what is built in, no more is read than that.
    pub(super) fn payments(&self) -> &BTreeMap<String, String> {
        let title = |id: &str| {
            let path = format!("connectors/{id}.yaml");
            match self.own.get(&path) {
                Some((part, _)) => (text(part, "side") == PAYMENT).then(|| text(part, "title")),
                None if self.broken.contains(&path) => None,
                None => {
                    let part = self.beneath(&path)?;
                    (part.text("side") == Some(PAYMENT)).then(|| part.text("title").unwrap_or_default())
                }
            }
            .map(str::to_owned)
        };
        let all = || {
            let names = self.names("connectors").into_iter();
            names.filter_map(|id| title(&id).map(|title| (id, title))).collect()
        };
        self.payments.get_or_init(all)
    }

    /// Whether a connector has mistakes, which are findings of their own.
    #[must_use]
    pub(super) fn is_broken_connector(&self, id: &str) -> bool {
        !self.broken.is_empty() && self.broken.contains(&format!("connectors/{id}.yaml"))
    }

    /// The pairs that the project itself brings.
    pub(super) fn own_pairs(&self) -> Vec<String> {
        self.own.keys().filter_map(|path| stem(path, "pairs")).collect()
    }

    /// Whether a part is the project's, sound or not.
    pub(super) fn is_own(&self, path: &str) -> bool {
        self.own.contains_key(path) || self.broken.contains(path)
    }

    /// The tree of one of the project's own parts.
    pub(super) fn tree(&self, path: &str) -> Option<&yaml::Node> {
        self.own.get(path).map(|(_, node)| node)
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
        self.beneath(path).map(|_| built_in(path))
    }

    /// What stands at a path beneath the project's own parts.
    fn beneath(&self, path: &str) -> Option<Packed<'static>> {
        if self.alone && meta_of(path).is_some() { None } else { built_in::find(path) }
    }

    /// A digest of all parts: of the built-in ones, and of what the project's own say.
    pub(super) fn digest(&self) -> String {
        let mut hash = Sha256::new();
        let mut add = |path: &str, content: &[u8]| {
            for piece in [path.as_bytes(), content] {
                hash.update(u64::try_from(piece.len()).unwrap_or(u64::MAX).to_le_bytes());
                hash.update(piece);
            }
        };
        let mut paths: Vec<&str> = built_in::paths().collect();
        paths.sort_unstable();
        for path in paths {
            add(path, self.beneath(path).map_or(&[], Packed::bytes));
        }
        for (path, (json, _)) in &self.own {
            add(path, canonical_json((**json).clone()).as_bytes());
        }
        self.broken.iter().for_each(|path| add(path, b"broken"));
        format!("sha256:{}", hex(&hash.finalize()))
    }

    /// The VAT rates: the built-in ones, with the countries of the project's own table laid over them.
    #[must_use]
    pub fn vat(&self) -> Vat {
        let beneath = self.beneath(vat::PATH).map(|_| built_in(vat::PATH)).unwrap_or_default();
        Vat::new(&beneath, self.own.get(vat::PATH).map(|(json, _)| &**json))
    }

    /// The paths of all parts, sorted.
    pub(super) fn paths(&self) -> BTreeSet<String> {
        let beneath =
            built_in::paths().filter(|path| meta_of(path).is_some() && self.beneath(path).is_some());
        let mut paths: BTreeSet<String> = beneath.map(str::to_owned).collect();
        paths.extend(self.own.keys().chain(&self.broken).cloned());
        paths
    }

    /// The names of the parts in a folder, sorted.
    #[must_use]
    pub fn names(&self, folder: &str) -> Vec<String> {
        let mut names = if self.alone { BTreeSet::new() } else { built_in::names(folder) };
        names.extend(self.own.keys().chain(&self.broken).filter_map(|path| stem(path, folder)));
        names.into_iter().collect()
    }
}

/// A part as a tree; `None` where something is wrong with it, which is told.
fn read(sources: &Sources, file: FileId, meta: &str, findings: &mut Vec<Finding>) -> Option<yaml::Node> {
    let wrong = |findings: &[Finding]| findings.iter().any(|finding| finding.severity == Severity::Error);
    let before = findings.len();
    let mut credentials = Vec::new();
    let node = yaml::parse_beside(sources, file, findings, &mut |text| credentials = tokens::find(text));
    let credentials = credentials.into_iter().map(|range| Span::new(file, range.start, range.end));
    findings.extend(credentials.map(codes::yaml::credential_in_text));
    let Some(node) = node else {
        findings.push(codes::schema::part_empty(Span::new(file, 0, 0)));
        return None;
    };
    // What is missing may stand in the text that could not be read.
    if !wrong(&findings[before..]) {
        let words = Words { document: Some("the part"), ..Words::default() };
        findings.extend(Validator::meta(meta).judge(&node, words));
    }
    (!wrong(&findings[before..])).then_some(node)
}

/// Whether a text can be the name of a part.
fn is_name(text: &str) -> bool {
    let fits = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_".contains(&byte);
    !text.is_empty() && text.bytes().all(fits)
}

/// Whether a file's name can be no part's, while the part itself says one.
fn is_misnamed(path: &str, meta: &str, node: &yaml::Node) -> bool {
    let folder = FOLDERS.iter().find(|(_, of)| *of == meta).map_or("", |(folder, _)| folder);
    let said = node.get(meta).and_then(yaml::Node::as_text);
    stem(path, folder).is_some_and(|stem| !is_name(&stem)) && said.is_some_and(is_name)
}

/// A part directly below `schemas/`, told by what it says that it is: the path that it was to have.
fn displaced(sources: &Sources, file: FileId, path: &str) -> Option<(String, Finding)> {
    if path.contains('/') {
        return None;
    }
    let root = yaml::parse(sources, file, &mut Vec::new())?;
    let (folder, what, name) = FOLDERS.iter().find_map(|(folder, what)| {
        let name = root.get(what)?.as_text().filter(|name| is_name(name))?;
        Some((*folder, *what, name))
    })?;
    let meant = format!("{folder}/{name}.yaml");
    let message = format!("`schemas/{path}` is not read");
    let at = Label::new(Span::new(file, 0, 0), format!("it says that it is the {what} `{name}`"));
    Some((
        meant.clone(),
        codes::schema::part_misfit(&message, at).help(format!("move it to `schemas/{meant}`")),
    ))
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
        Some(near) => format!("move it to `schemas/{near}/`, or rename the folder to that"),
        None => format!(
            "parts stand in `schemas/{}/`; move it there, or out of `schemas/`",
            folders.join("/`, `schemas/")
        ),
    };
    Some(codes::compose::stray_part(&format!("schemas/{path}"), at).help(help))
}
