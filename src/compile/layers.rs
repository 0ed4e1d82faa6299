//! The layers of one integration, apart: which file says what of a setting, and which of them counts.
//!
//! Composition merges layers and forgets those that lost; this reads them again for the few questions that need them.

use std::collections::{BTreeMap, BTreeSet};

use super::compose::{self, Patch};
use super::integrations::{self, Parts};
use super::project::Manifest;
use crate::model::SettingPath;
use crate::model::category::keys_to;
use crate::schema::Pair;
use crate::schema::records::Was;
use crate::source::{FileId, Sources, Span};
use crate::yaml::{Key, Node, NodeKind};

/// What a layer is, nearest first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rank {
    /// The environment's patch for the integration.
    Patch,
    /// The environment's patch for all.
    PatchForAll,
    /// The integration's own files.
    Own,
    /// A base.
    Base,
}

/// What one layer says of a setting.
#[derive(Debug, Clone)]
pub struct Said {
    pub rank: Rank,
    /// Where the key stands.
    pub key: Span,
    pub value: Node,
    /// A nearer layer says otherwise, here: it sets the setting, or replaces a map or category around it.
    pub beaten: Option<Span>,
}

/// All layers of a project, read once.
pub struct Layers<'a> {
    parts: Vec<Parts<'a>>,
    bases: BTreeMap<String, Node>,
    own: BTreeMap<FileId, Node>,
    patch: Patch,
}

impl<'a> Layers<'a> {
    /// Reads the bases, the environment and the files of these integrations.
    #[must_use]
    pub fn read(sources: &'a Sources, project: &Manifest, environment: Option<&str>, names: &[&str]) -> Self {
        let findings = &mut Vec::new();
        let parts = integrations::find_parts(sources, findings);
        let patch = Patch::read(sources, project.environment(environment), project, &parts, findings);
        let mut bases = BTreeMap::new();
        for (file, source) in sources.iter() {
            let name = source.path.strip_prefix("bases/");
            let name = name.and_then(|name| name.strip_suffix(".yaml").or_else(|| name.strip_suffix(".yml")));
            if let Some(name) = name {
                bases.insert(name.to_owned(), compose::parse_map(sources, file, "a base", findings).0);
            }
        }
        let mut own = BTreeMap::new();
        for parts in parts.iter().filter(|parts| names.contains(&parts.name)) {
            let files = std::iter::once(parts.main).chain(parts.settings.iter().map(|(_, file)| *file));
            for file in files {
                own.insert(file, compose::parse_map(sources, file, "an integration", findings).0);
            }
        }
        Layers { parts, bases, own, patch }
    }

    /// What the layers of an integration say of one setting, nearest first; the one that is not beaten counts. A layer may say it
    /// where it stood before, or in a record of which it is a field.
    #[must_use]
    pub fn said(&self, integration: &str, pair: &Pair, category: &str, path: &SettingPath) -> Vec<Said> {
        let Some(parts) = self.parts.iter().find(|parts| parts.name == integration) else {
            return Vec::new();
        };
        let mut layers: Vec<(Rank, &Node, Option<&str>)> = Vec::new();
        layers.extend(self.patch.integrations.get(integration).map(|node| (Rank::Patch, node, None)));
        layers.extend(self.patch.all.as_ref().map(|node| (Rank::PatchForAll, node, None)));
        for (category, file) in &parts.settings {
            layers.extend(self.own.get(file).map(|node| (Rank::Own, node, Some(*category))));
        }
        if let Some(main) = self.own.get(&parts.main) {
            layers.push((Rank::Own, main, None));
            let mut seen = BTreeSet::new();
            self.bases_of(main, &mut seen, &mut |base| layers.push((Rank::Base, base, None)));
        }
        let mut ways = ways(pair, category, path);
        let mut said: Vec<Said> = Vec::new();
        let mut beaten = None;
        for (rank, root, of_category) in layers {
            for way in &mut ways {
                let inside: Vec<&str> = way.path.segments().iter().map(|key| &**key).collect();
                let keys = match of_category {
                    Some(of) if of != way.category => continue,
                    Some(_) => inside,
                    None => keys_to(way.category).chain(inside).collect(),
                };
                let (found, cut) = look(root, &keys);
                let found = found.map(|(key, node)| (key.span, node.clone()));
                let found = match (&way.listed, found) {
                    (Some((record, value)), Some((key, list))) => {
                        let item =
                            list.as_list().and_then(|items| items.iter().find(|item| is_text(item, record)));
                        let item = item.map(|item| {
                            (item.span, Node { kind: NodeKind::Text((*value).into()), ..item.clone() })
                        });
                        // A list that does not name the record takes the place of those that do.
                        way.beaten = way.beaten.or(item.is_none().then_some(key));
                        item
                    }
                    (_, found) => found,
                };
                if let Some((key, value)) = found {
                    said.push(Said { rank, key, value, beaten: beaten.or(way.beaten) });
                    beaten = beaten.or(Some(key));
                }
                way.beaten = way.beaten.or(cut);
            }
        }
        said
    }

    /// Bases from the last to the first, each before its own.
    fn bases_of<'s>(&'s self, root: &Node, seen: &mut BTreeSet<String>, take: &mut impl FnMut(&'s Node)) {
        for name in compose::extends_of(root, &mut Vec::new()).into_iter().rev() {
            if let Some(base) = self.bases.get(&name.text)
                && seen.insert(name.text)
            {
                take(base);
                self.bases_of(base, seen, take);
            }
        }
    }
}

/// A place in which layers may say a setting.
struct Way<'a> {
    category: &'a str,
    path: SettingPath,
    /// The place is a list of records; the record, and the value that it stands for.
    listed: Option<(&'a str, &'a str)>,
    /// What nearer layers say in this place closes it to those below.
    beaten: Option<Span>,
}

/// Where a setting may be said: its place, those that it had before, and a record of which it is a field.
fn ways<'a>(pair: &'a Pair, category: &'a str, path: &'a SettingPath) -> Vec<Way<'a>> {
    let way = |category, path, listed| Way { category, path, listed, beaten: None };
    let mut ways = vec![way(category, path.clone(), None)];
    if let ([records, record, field], Some(schema)) = (path.segments(), pair.category(category)) {
        let here = |was: &&'a Was| was.records == *records && was.field == *field;
        ways.extend(schema.was.iter().filter(here).map(|was| {
            let root = SettingPath::root().child(&was.from);
            match &was.listed {
                None => way(category, root.child(record), None),
                Some(value) => way(category, root, Some((&**record, &**value))),
            }
        }));
    }
    if let [mapping, record] = path.segments() {
        for of in &pair.settings {
            let here = of.kept.iter().filter(|kept| kept.category == *category && kept.mapping == *mapping);
            ways.extend(
                here.map(|kept| {
                    way(&of.id, [&*kept.records, &**record, &*kept.field].iter().collect(), None)
                }),
            );
        }
    }
    ways
}

fn is_text(node: &Node, text: &str) -> bool {
    matches!(&node.kind, NodeKind::Text(one) | NodeKind::Number(one) if **one == *text)
}

/// What stands under these keys; and where the way there is closed to the layers below.
fn look<'a>(root: &'a Node, keys: &[&str]) -> (Option<(&'a Key, &'a Node)>, Option<Span>) {
    let mut at = root;
    let mut key = None;
    let mut cut = None;
    for name in keys {
        let Some(map) = at.as_map() else {
            let closed = (!matches!(at.kind, NodeKind::Hole)).then_some(at.span);
            return (None, cut.or(closed));
        };
        if map.replaces() {
            cut = cut.or(Some(at.span));
        }
        let Some(entry) = map.get(name) else { return (None, cut) };
        key = Some(&entry.key);
        at = &entry.value;
    }
    (key.map(|key| (key, at)).filter(|(_, node)| !node.is_hole()), cut)
}
