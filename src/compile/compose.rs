//! Composition: from files to one document per integration, each value still knowing where it was written.
//!
//! The merge rules: maps merge key by key, everything else replaces, the nearest wins; a map tagged `!replace` replaces
//! too. Nearest is the environment's patch for the integration, then its patch for all, then the integration, then its
//! bases from last to first, each with its own bases beneath it. Of what has a name of its own (rules, webhooks, connections
//! and their fields), what a `null` took away is gone at the end. Expressions are worked out last.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;

use super::exposed;
use super::express::{self, Variables};
use super::integrations::{Parts, find_parts};
use super::project::Manifest;
use super::search::Search;
use super::selection::Selection;
use crate::diagnostic::codes::{compose as codes, schema};
use crate::diagnostic::{About, Finding, Severity, nearest};
use crate::model::category::{CONNECTORS, SCHEDULES, SETTINGS, TOP_LEVEL, WEBHOOKS};
use crate::schema::other_word;
use crate::schema::validate::{Validator, Words};
use crate::source::names::is_source;
use crate::source::{FileId, Sources, Span};
use crate::yaml::{Entry, Key, Map, Node, NodeKind};

/// Longer chains of bases are a finding.
const DEPTH: usize = 64;

/// One integration's document.
#[derive(Debug)]
pub struct Composed {
    pub name: String,
    /// Where the integration is named; findings without a better place stand here.
    pub place: Span,
    pub root: Node,
    /// Files that are this integration's own.
    pub files: Vec<FileId>,
    /// The bases that it extends itself.
    bases: Vec<FileId>,
    /// Some text was wrong, so what is missing may only be unread.
    pub incomplete: bool,
    /// Bases that extend each other in a circle: which of them belong here is not known.
    pub circular: BTreeSet<FileId>,
    /// The names of rules and webhooks that a `null` takes away.
    pub taken_away: Vec<String>,
    /// Findings of its own files.
    pub findings: Vec<Finding>,
}

/// A base with its own bases merged beneath it.
struct Base {
    root: Node,
    incomplete: bool,
    /// Its own file and those of its bases.
    files: BTreeSet<FileId>,
}

/// What composing the integrations of a project takes, read once for all of them.
pub struct Composer<'a> {
    sources: &'a Sources,
    /// All integrations, sorted by name.
    parts: Vec<Parts<'a>>,
    bases: Bases,
    patch: Patch,
}

impl<'a> Composer<'a> {
    /// Groups the files of a project into integrations, and reads what these share.
    pub fn read(
        sources: &'a Sources,
        environment: Option<&str>,
        project: &Manifest,
        findings: &mut Vec<Finding>,
    ) -> Self {
        let parts = find_parts(sources, findings);
        let patch = Patch::read(sources, project.environment(environment), project, &parts, findings);
        let bases = Bases::read(sources, findings);
        Composer { sources, parts, bases, patch }
    }

    /// All names, sorted.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self.parts.iter().map(|parts| parts.name.to_owned()).collect();
        names.dedup();
        names
    }

    /// How many integrations there are.
    pub(super) fn len(&self) -> usize {
        self.parts.len()
    }

    /// The name of the integration with this number.
    pub(super) fn name(&self, at: usize) -> &str {
        self.parts[at].name
    }

    /// The number of the integration of this name.
    pub(super) fn at(&self, name: &str) -> Option<usize> {
        let at = self.parts.partition_point(|parts| parts.name < name);
        self.parts.get(at).is_some_and(|parts| parts.name == name).then_some(at)
    }

    /// The numbers of the integrations that a selection takes, sorted by name.
    pub(super) fn selected(&self, selection: &Selection) -> Vec<usize> {
        (0..self.parts.len()).filter(|at| selection.takes(self.parts[*at].name)).collect()
    }

    /// Composes the integration with this number.
    #[must_use]
    pub fn compose(&self, at: usize) -> Composed {
        let parts = &self.parts[at];
        let mut composed = compose_one(self.sources, parts, &self.bases, &self.patch);
        let first = self.parts.partition_point(|other| other.name < parts.name);
        if first < at {
            let (first, ignored) = (&self.parts[first], &mut Vec::new());
            let (root, _) = parse_map(self.sources, first.main, "an integration", ignored);
            let place = name_place(&root, first, ignored);
            let finding = codes::duplicate_integration(&composed.name, composed.place, place);
            let about = About { integration: Some(composed.name.clone()), ..About::default() };
            composed.findings.push(finding.about(about));
            composed.root.kind = NodeKind::Hole;
        } else if self.parts.get(at + 1).is_some_and(|next| next.name == parts.name) {
            // What is missing may stand in the other file of this name.
            composed.incomplete = true;
        } else if let Some(original) = self.original_of(parts, &composed.root) {
            let ignored = &mut Vec::new();
            let (root, _) = parse_map(self.sources, original.main, "an integration", ignored);
            let place = name_place(&root, original, ignored);
            let fitting = as_id(parts.name);
            let fitting = Some(fitting.as_str()).filter(|id| *id != original.name);
            composed.findings.retain(|finding| finding.code != &codes::NAME_MISMATCH);
            let finding = codes::copy_of_integration(original.name, fitting, composed.place, place);
            let about = About { integration: Some(composed.name.clone()), ..About::default() };
            composed.findings.push(finding.about(about));
            composed.root.kind = NodeKind::Hole;
        }
        composed
    }

    /// The integration that a file of another name says it is: somebody kept a copy.
    fn original_of(&self, parts: &Parts<'_>, root: &Node) -> Option<&Parts<'a>> {
        let declared = root.get("integration")?.as_text().filter(|declared| *declared != parts.name)?;
        Some(&self.parts[self.at(declared)?])
    }

    /// Those of some integrations that may hold all texts of one of these lists, in their own files or in what they share.
    /// None that does is left out.
    pub(super) fn mentioning(&self, some: impl Iterator<Item = usize>, traces: &[Vec<&str>]) -> Vec<usize> {
        let mut texts: Vec<&str> = traces.iter().flatten().copied().collect();
        texts.sort_unstable();
        texts.dedup();
        let Some(search) = Search::of(&texts).filter(|_| !traces.is_empty()) else { return Vec::new() };
        let numbers: Vec<Vec<usize>> = traces
            .iter()
            .map(|all| all.iter().filter_map(|text| texts.binary_search(text).ok()).collect())
            .collect();
        let look = |file: FileId, seen: &mut Vec<bool>| {
            self.sources.file(file).with_text(|text, _| search.mark(text, seen));
        };
        let is_shared = |path: &str| path.starts_with("bases/") || path.starts_with("environments/");
        let mut shared = vec![false; texts.len()];
        for (file, _) in self.sources.iter().filter(|(_, file)| is_shared(&file.path)) {
            look(file, &mut shared);
        }
        let may_hold = |at: &usize| {
            let parts = &self.parts[*at];
            let mut seen = shared.clone();
            look(parts.main, &mut seen);
            parts.settings.iter().for_each(|(_, file)| look(*file, &mut seen));
            numbers.iter().any(|all| all.iter().all(|number| seen[*number]))
        };
        let some: Vec<usize> = some.collect();
        some.into_par_iter().filter(may_hold).collect()
    }

    /// The bases that a document extends.
    #[must_use]
    pub fn bases_of(&self, composed: &Composed) -> BTreeSet<FileId> {
        composed.bases.iter().copied().collect()
    }

    /// How the integration with this number names the base by which a file came to it, and where.
    pub(super) fn extended_at(&self, at: usize, file: FileId) -> Option<(String, Span)> {
        let ignored = &mut Vec::new();
        let (root, _) = parse_map(self.sources, self.parts[at].main, "an integration", ignored);
        let named = extends_of(&root, ignored).into_iter().map(|mention| (mention.text, mention.span));
        let mut named = named.filter_map(|(name, span)| Some((self.bases.resolved.get(&name)?, name, span)));
        named.find(|(base, ..)| base.files.contains(&file)).map(|(_, name, span)| (name, span))
    }

    /// Where the layers of the integration with this number may say a category: files, with the keys that lead to it.
    #[must_use]
    pub fn places_of(
        &self,
        at: usize,
        bases: &BTreeSet<FileId>,
        category: &str,
    ) -> Vec<(FileId, Vec<String>)> {
        let parts = &self.parts[at];
        let below = |keys: &[&str]| -> Vec<String> {
            keys.iter().chain(&[SETTINGS, category]).map(|key| (*key).to_owned()).collect()
        };
        let split =
            parts.settings.iter().filter(|(of, _)| *of == category).map(|(_, file)| (*file, Vec::new()));
        let extended = self.bases.files.iter().filter(|(_, file)| bases.contains(file));
        let extended = extended.filter_map(|(name, _)| self.bases.resolved.get(name));
        let all: BTreeSet<FileId> = extended.flat_map(|base| base.files.iter().copied()).collect();
        let patches = self.patch.file.into_iter();
        let patches =
            patches.flat_map(|file| [(file, below(&["all"])), (file, below(&["integrations", parts.name]))]);
        let own = std::iter::once((parts.main, below(&[])));
        own.chain(split).chain(all.into_iter().map(|file| (file, below(&[])))).chain(patches).collect()
    }

    /// The bases that nothing extends, by those that documents do.
    #[must_use]
    pub fn unused(&self, used: &BTreeSet<&FileId>) -> Vec<Finding> {
        self.bases.unused(used)
    }
}

/// Parses a file that must hold a map. The flag says that some of its text was wrong.
pub(super) fn parse_map(
    sources: &Sources,
    file: FileId,
    what: &str,
    findings: &mut Vec<Finding>,
) -> (Node, bool) {
    let before = findings.len();
    let empty = || Node { span: Span::new(file, 0, 0), kind: NodeKind::Map(Map::new()) };
    let root = exposed::parse(sources, file, findings);
    let wrong = findings[before..].iter().any(|finding| finding.severity == Severity::Error);
    match root {
        Some(root) if root.as_map().is_some() => (root, wrong),
        Some(root) if root.is_hole() => (empty(), true),
        None | Some(Node { kind: NodeKind::Null, .. }) => (empty(), wrong),
        Some(root) => {
            // What could not be read may well have been a map.
            if !wrong {
                findings.push(codes::not_a_map(what, root.as_list().is_some(), root.span));
            }
            (empty(), true)
        }
    }
}

fn compose_one(sources: &Sources, parts: &Parts<'_>, bases: &Bases, patch: &Patch) -> Composed {
    let mut findings = Vec::new();
    let (mut root, mut incomplete) = parse_map(sources, parts.main, "an integration", &mut findings);
    let mut files = vec![parts.main];
    for (category, file) in &parts.settings {
        files.push(*file);
        let (settings, wrong) = parse_map(sources, *file, "a category's file", &mut findings);
        incomplete |= wrong;
        add_category(&mut root, category, settings, &mut findings);
    }
    fill_empty(&mut root);
    let place = name_place(&root, parts, &mut findings);
    incomplete |= misnames_bases(&root);
    let extends = extends_of(&root, &mut findings);
    if let Some(map) = root.as_map_mut() {
        map.remove("extends");
    }
    let mut composed: Option<Node> = None;
    let file = |name: &Mention| {
        bases.files.get(&name.text).or_else(|| bases.files.get(base_name(&name.text))).copied()
    };
    let extended = extends.iter().filter_map(file).collect();
    let mut circular = BTreeSet::new();
    for name in extends {
        let Some(base) = bases.get(&name, &mut findings) else {
            incomplete = true;
            continue;
        };
        incomplete |= base.incomplete;
        circular.extend(base.files.intersection(&bases.circular).copied());
        composed = Some(match composed {
            Some(below) => merge(below, &base.root),
            None => base.root.clone(),
        });
    }
    let span = root.span;
    let mut root = match composed {
        Some(below) => merge(below, &root),
        None => root,
    };
    for over in [patch.all.as_ref(), patch.integrations.get(parts.name)].into_iter().flatten() {
        root = merge(root, over);
    }
    incomplete |= patch.incomplete;
    root.span = span;
    let taken_away = take_away(&mut root);
    let variables = variables(&root, parts, patch);
    let before = findings.len();
    express::expand(&mut root, &variables, &mut findings);
    incomplete |= findings[before..].iter().any(|finding| finding.severity == Severity::Error);
    for finding in &mut findings {
        finding.about.integration.get_or_insert_with(|| parts.name.to_owned());
    }
    let name = parts.name.to_owned();
    Composed { name, place, root, files, bases: extended, incomplete, circular, taken_away, findings }
}

/// What the environment lays over the integrations.
#[derive(Default)]
pub(super) struct Patch {
    name: Option<String>,
    file: Option<FileId>,
    vars: Variables,
    pub(super) all: Option<Node>,
    pub(super) integrations: BTreeMap<String, Node>,
    incomplete: bool,
}

impl Patch {
    pub(super) fn read(
        sources: &Sources,
        environment: Option<&str>,
        project: &Manifest,
        parts: &[Parts<'_>],
        findings: &mut Vec<Finding>,
    ) -> Patch {
        let Some(name) = environment else { return Patch::default() };
        let vars =
            project.environments.get(name).map(|environment| environment.vars.clone()).unwrap_or_default();
        let mut patch = Patch { name: Some(name.to_owned()), vars, ..Patch::default() };
        let file = ["yaml", "yml"]
            .iter()
            .find_map(|ending| sources.by_path(&format!("environments/{name}.{ending}")));
        let Some(file) = file else { return patch };
        patch.file = Some(file);
        let (root, wrong) = parse_map(sources, file, "an environment", findings);
        patch.incomplete = wrong;
        let mut said = Validator::meta("environment").judge(&root, Words::default());
        patch.incomplete |= !said.is_empty();
        findings.append(&mut said);
        if let Some(serde_json::Value::Object(vars)) = root.get("vars").map(Node::to_json) {
            patch.vars.extend(vars);
        }
        let filled = |node: &Node, findings: &mut Vec<Finding>| {
            let mut node = node.clone();
            fill_empty(&mut node);
            without_identity(&mut node, "an environment", findings);
            // Bases and pair are chosen by the integration, and the environment's values are laid over it.
            for key in ["extends", "pair"] {
                if let Some(entry) = node.as_map_mut().and_then(|map| map.remove(key)) {
                    findings.push(codes::not_of_a_part(key, "an environment", entry.key.span));
                }
            }
            node
        };
        patch.all = root.get("all").map(|node| filled(node, findings));
        let patches = root.get("integrations").and_then(Node::as_map);
        for entry in patches.into_iter().flat_map(|map| map.entries()) {
            if parts.binary_search_by(|parts| parts.name.cmp(&entry.key.text)).is_err() {
                let near = nearest(&entry.key.text, parts.iter().map(|parts| parts.name));
                findings.push(codes::unknown_patched(&entry.key.text, near, entry.key.span));
            }
            patch.integrations.insert(entry.key.text.to_string(), filled(&entry.value, findings));
        }
        patch
    }
}

/// The variables of one document: the environment's, its own, and what it is.
fn variables(root: &Node, parts: &Parts<'_>, patch: &Patch) -> Variables {
    let mut variables = patch.vars.clone();
    if let Some(serde_json::Value::Object(own)) = root.get("vars").map(Node::to_json) {
        variables.extend(own);
    }
    variables.insert("integration".to_owned(), parts.name.into());
    if let Some(name) = &patch.name {
        variables.insert("environment".to_owned(), name.clone().into());
    }
    if let Some(pair) = root.get("pair").and_then(Node::as_text) {
        variables.insert("pair".to_owned(), pair.into());
    }
    variables
}

/// Lays a category's own file under `settings`, and finds what both places set.
fn add_category(root: &mut Node, category: &str, settings: Node, findings: &mut Vec<Finding>) {
    let Some(map) = root.as_map_mut() else { return };
    let start = Span { end: settings.span.start, ..settings.span };
    let key = |text: &str| Key { text: text.into(), span: start };
    if map.get("settings").is_none_or(|entry| entry.value.is_null()) {
        let value = Node { span: start, kind: NodeKind::Map(Map::new()) };
        map.insert(Entry { key: key("settings"), value });
    }
    let Some(all) = map.get_mut("settings").and_then(|entry| entry.value.as_map_mut()) else { return };
    let Some(present) = all.get_mut(category) else {
        all.insert(Entry { key: key(category), value: settings });
        return;
    };
    find_double(&present.value, &settings, findings);
    let merged = merge(present.value.clone(), &settings);
    present.value = merged;
}

fn find_double(one: &Node, two: &Node, findings: &mut Vec<Finding>) {
    let (Some(one), Some(two)) = (one.as_map(), two.as_map()) else { return };
    for entry in two.entries() {
        match one.get(&entry.key.text) {
            Some(other) if other.value.as_map().is_some() && entry.value.as_map().is_some() => {
                find_double(&other.value, &entry.value, findings);
            }
            Some(other) => {
                findings.push(codes::set_in_two_files(&entry.key.text, entry.key.span, other.key.span));
            }
            None => {}
        }
    }
}

/// Where the integration is named, judging that the name is the file's.
fn name_place(root: &Node, parts: &Parts<'_>, findings: &mut Vec<Finding>) -> Span {
    let start = Span::new(parts.main, root.span.start as usize, root.span.start as usize);
    let Some(map) = root.as_map() else { return start };
    match map.get("integration") {
        Some(entry) => {
            let name = match &entry.value.kind {
                NodeKind::Text(name) | NodeKind::Number(name) => &**name,
                _ => parts.name,
            };
            let about = About { integration: Some(parts.name.to_owned()), ..About::default() };
            let fitting = as_id(parts.name);
            if fitting != parts.name {
                let finding = codes::unfit_file_name(parts.name, &fitting, entry.value.span);
                findings.push(finding.about(about));
            } else if entry.value.is_null() {
                let finding =
                    schema::wrong_type("integration", "the integration's id", "empty", entry.key.span)
                        .help(format!("write `integration: {}`", parts.name));
                findings.push(finding.about(about));
            } else if name != parts.name {
                let is_id = as_id(name) == name;
                findings.push(codes::name_mismatch(name, is_id, parts.name, entry.value.span).about(about));
            }
            if entry.value.is_null() { entry.key.span } else { entry.value.span }
        }
        None => map.entries().first().map_or(start, |first| first.key.span),
    }
}

/// The nearest id to a file's name.
fn as_id(stem: &str) -> String {
    let stem = stem.strip_suffix(".yaml").or_else(|| stem.strip_suffix(".yml")).unwrap_or(stem);
    let letter = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_lowercase() } else { '-' };
    let id: String = stem.chars().map(letter).collect();
    let id = id.trim_matches('-');
    if id.is_empty() { "integration".to_owned() } else { id.to_owned() }
}

/// The bases that a document extends. The schema does not see `extends`, so its form is judged here.
/// Whether a key that is meant as `extends` names the bases: what they say is not known then.
fn misnames_bases(root: &Node) -> bool {
    let Some(map) = root.as_map().filter(|map| map.get("extends").is_none()) else { return false };
    map.entries().iter().any(|entry| {
        let key = &*entry.key.text;
        nearest(key, ["extends"]).is_some() || other_word(key) == Some("extends")
    })
}

pub(super) fn extends_of(root: &Node, findings: &mut Vec<Finding>) -> Vec<Mention> {
    let Some(entry) = root.as_map().and_then(|map| map.get("extends")) else { return Vec::new() };
    let items = match &entry.value.kind {
        NodeKind::List(items) => items.as_slice(),
        NodeKind::Text(name) if !name.is_empty() => {
            let name = base_name(name);
            findings.push(codes::unfit_extends("a text", Some(name), entry.value.span));
            return vec![Mention { text: name.to_owned(), span: entry.value.span }];
        }
        NodeKind::Null | NodeKind::Hole => return Vec::new(),
        _ => {
            findings.push(codes::unfit_extends("something else", None, entry.value.span));
            return Vec::new();
        }
    };
    let mut names: Vec<Mention> = Vec::new();
    for item in items {
        let Some(text) = item.as_text().filter(|text| !text.is_empty()) else {
            if !item.is_hole() {
                findings.push(codes::unfit_extends("something else", None, item.span));
            }
            continue;
        };
        match names.iter().find(|name| name.text == text) {
            Some(first) => findings.push(codes::extended_twice(text, item.span, first.span)),
            None => names.push(Mention { text: text.to_owned(), span: item.span }),
        }
    }
    names
}

/// The name of a base, where its path was written.
fn base_name(written: &str) -> &str {
    let stem = written.trim_start_matches("../").trim_start_matches("./").trim_start_matches("bases/");
    stem.strip_suffix(".yaml").or_else(|| stem.strip_suffix(".yml")).unwrap_or(stem)
}

/// What the integration was called before; the schema judges its form.
pub(super) fn renamed_from(root: &Node) -> Option<Mention> {
    let node = root.get("renamed_from")?;
    Some(Mention { text: node.as_text()?.to_owned(), span: node.span })
}

/// The name of a base or an integration, where it is written.
#[derive(Debug, Clone)]
pub(super) struct Mention {
    pub(super) text: String,
    pub(super) span: Span,
}

/// All bases, resolved once. A name can only ever mean a file that was loaded from `bases/`.
struct Bases {
    resolved: BTreeMap<String, Base>,
    files: BTreeMap<String, FileId>,
    extended: BTreeSet<String>,
    /// Those that extend each other in a circle.
    circular: BTreeSet<FileId>,
}

impl Bases {
    fn read(sources: &Sources, findings: &mut Vec<Finding>) -> Self {
        let mut files: BTreeMap<String, FileId> = BTreeMap::new();
        for (file, source) in sources.iter() {
            let Some(path) = source.path.strip_prefix("bases/").filter(|path| is_source(path)) else {
                continue;
            };
            let Some(name) = path.strip_suffix(".yaml").or_else(|| path.strip_suffix(".yml")) else {
                continue;
            };
            match files.get(name) {
                Some(first) => {
                    let (at, first) = (Span::new(file, 0, 0), Span::new(*first, 0, 0));
                    findings.push(codes::duplicate_base(name, at, first));
                }
                None => drop(files.insert(name.to_owned(), file)),
            }
        }
        let mut parsed = BTreeMap::new();
        for (name, file) in &files {
            parsed.insert(name.clone(), parse_map(sources, *file, "a base", findings));
        }
        let mut bases =
            Bases { resolved: BTreeMap::new(), files, extended: BTreeSet::new(), circular: BTreeSet::new() };
        for name in bases.files.keys().cloned().collect::<Vec<_>>() {
            bases.resolve(&name, &parsed, &mut Vec::new(), findings);
        }
        bases
    }

    fn resolve(
        &mut self,
        name: &str,
        parsed: &BTreeMap<String, (Node, bool)>,
        open: &mut Vec<String>,
        findings: &mut Vec<Finding>,
    ) {
        if self.resolved.contains_key(name) {
            return;
        }
        let Some((root, wrong)) = parsed.get(name) else { return };
        let (mut root, mut incomplete) = (root.clone(), *wrong || misnames_bases(root));
        fill_empty(&mut root);
        without_identity(&mut root, "a base", findings);
        open.push(name.to_owned());
        let mut below: Option<Node> = None;
        let mut files: BTreeSet<FileId> = self.files.get(name).copied().into_iter().collect();
        for base in extends_of(&root, findings) {
            self.extended.insert(base.text.clone());
            self.extended.insert(base_name(&base.text).to_owned());
            if let Some(at) = open.iter().position(|name| *name == base.text) {
                let chain = [&open[at..], std::slice::from_ref(&base.text)].concat().join(" → ");
                findings.push(codes::base_cycle(&chain, base.span));
                let files = open[at..].iter().filter_map(|name| self.files.get(name));
                self.circular.extend(files.copied());
                incomplete = true;
                continue;
            }
            if open.len() >= DEPTH {
                findings.push(codes::bases_too_deep(DEPTH, base.span));
                incomplete = true;
                continue;
            }
            self.resolve(&base.text, parsed, open, findings);
            let Some(resolved) = self.get(&base, findings) else {
                incomplete = true;
                continue;
            };
            incomplete |= resolved.incomplete;
            files.extend(&resolved.files);
            below = Some(match below {
                Some(below) => merge(below, &resolved.root),
                None => resolved.root.clone(),
            });
        }
        open.pop();
        if let Some(map) = root.as_map_mut() {
            map.remove("extends");
        }
        let root = match below {
            Some(below) => merge(below, &root),
            None => root,
        };
        self.resolved.insert(name.to_owned(), Base { root, incomplete, files });
    }

    fn get(&self, name: &Mention, findings: &mut Vec<Finding>) -> Option<&Base> {
        let found = self.resolved.get(&name.text).or_else(|| {
            // A path is written where a name is needed: it is told, and what follows is judged by the base that was meant.
            let meant = base_name(&name.text);
            let found = self.resolved.get(meant)?;
            findings.push(codes::path_for_base(&name.text, meant, name.span));
            Some(found)
        });
        // What is no list has a finding at the same place.
        let told = findings.iter().any(|finding| finding.primary.span == name.span);
        if found.is_none() && !told && !self.files.contains_key(&name.text) {
            let known: Vec<&str> = self.files.keys().map(String::as_str).collect();
            let meant = base_name(&name.text);
            let below = |known: &&&str| known.rsplit_once('/').is_some_and(|(_, last)| last == meant);
            let near = nearest(meant, known.iter().copied()).or(known.iter().find(below).copied());
            findings.push(codes::unknown_base(&name.text, near, &known, name.span));
        }
        found
    }

    fn unused(&self, used: &BTreeSet<&FileId>) -> Vec<Finding> {
        let unused =
            self.files.iter().filter(|(name, file)| !self.extended.contains(*name) && !used.contains(file));
        unused
            .filter(|(name, _)| {
                self.resolved
                    .get(*name)
                    .and_then(|base| base.root.as_map())
                    .is_some_and(|map| !map.is_empty())
            })
            .map(|(name, file)| codes::unused_base(name, Span::new(*file, 0, 0)))
            .collect()
    }
}

/// The files from which a document's keys and values came.
pub(super) fn files_in(node: &Node) -> BTreeSet<FileId> {
    fn walk(node: &Node, into: &mut BTreeSet<FileId>) {
        into.insert(node.span.file);
        match &node.kind {
            NodeKind::Map(map) => {
                for entry in map.entries() {
                    into.insert(entry.key.span.file);
                    walk(&entry.value, into);
                }
            }
            NodeKind::List(items) => items.iter().for_each(|item| walk(item, into)),
            _ => {}
        }
    }
    let mut files = BTreeSet::new();
    walk(node, &mut files);
    files
}

/// Lays `over` on `base`.
#[must_use]
pub fn merge(base: Node, over: &Node) -> Node {
    match (base.kind, &over.kind) {
        (NodeKind::Map(mut below), NodeKind::Map(above)) if !above.replaces() => {
            for entry in above.entries() {
                match below.get_mut(&entry.key.text) {
                    Some(present) => {
                        let hole = Node { span: over.span, kind: NodeKind::Hole };
                        let value = std::mem::replace(&mut present.value, hole);
                        present.value = merge(value, &entry.value);
                        present.key = entry.key.clone();
                        // What is empty over something is a `null` as good as one that was written.
                        if present.value.is_null() && present.value.span.is_empty() {
                            present.value.span = present.key.span;
                        }
                    }
                    None => below.insert(entry.clone()),
                }
            }
            Node { span: over.span, kind: NodeKind::Map(below) }
        }
        // A hole says nothing, so what lies below stays.
        (kind, NodeKind::Hole) => Node { span: base.span, kind },
        // What the null took away stays away, whatever both are laid over later.
        (NodeKind::Null, NodeKind::Map(_)) => {
            let mut over = over.clone();
            if let Some(map) = over.as_map_mut() {
                map.set_replaces();
            }
            over
        }
        _ => over.clone(),
    }
}

/// Takes away what a `null` stands for in the parts whose entries have names of their own and no default: there is nothing that they
/// could be reset to. A key with nothing behind it, over nothing, was forgotten and is left to the schema. Tells the names of rules and
/// webhooks that are gone.
fn take_away(root: &mut Node) -> Vec<String> {
    fn is_said(entry: &Entry) -> bool {
        !entry.value.is_null() || entry.value.span.is_empty()
    }
    fn prune(node: &mut Node) {
        let Some(map) = node.as_map_mut() else { return };
        map.retain(is_said);
        map.entries_mut().iter_mut().for_each(|entry| prune(&mut entry.value));
    }
    let mut gone = Vec::new();
    for part in [CONNECTORS, SCHEDULES, WEBHOOKS] {
        let Some(entry) = root.as_map_mut().and_then(|map| map.get_mut(part)) else { continue };
        if part != CONNECTORS {
            let entries = entry.value.as_map().into_iter().flat_map(Map::entries);
            gone.extend(entries.filter(|entry| !is_said(entry)).map(|entry| entry.key.text.to_string()));
        }
        prune(&mut entry.value);
    }
    gone
}

/// What an integration alone says of itself is told where it stands elsewhere, and has no effect there.
fn without_identity(root: &mut Node, what: &str, findings: &mut Vec<Finding>) {
    for key in ["integration", "renamed_from"] {
        if let Some(entry) = root.as_map_mut().and_then(|map| map.remove(key)) {
            findings.push(codes::not_of_a_part(key, what, entry.key.span));
        }
    }
}

/// The parts of a document under which nothing was written say nothing: `null` resets settings, not a whole category.
fn fill_empty(root: &mut Node) {
    let fill = |node: &mut Node| {
        if node.is_null() {
            node.kind = NodeKind::Map(Map::new());
        }
    };
    for part in std::iter::once(SETTINGS).chain(TOP_LEVEL) {
        let entry = root.as_map_mut().and_then(|map| map.get_mut(part));
        entry.into_iter().for_each(|entry| fill(&mut entry.value));
    }
    let settings = root.as_map_mut().and_then(|map| map.get_mut("settings")).map(|entry| &mut entry.value);
    for category in settings.and_then(Node::as_map_mut).into_iter().flat_map(|map| map.entries_mut()) {
        fill(&mut category.value);
    }
}

/// A place for what is missing in `root`: never empty-handed.
#[must_use]
pub fn missing_pair(composed: &Composed) -> Finding {
    schema::missing_key("pair", "the integration", "", composed.place)
        .help("write `pair:` with the two connectors in alphabetical order, such as `pair: fortnox-shopify`")
}
