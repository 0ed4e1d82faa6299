//! The tree: values in which every key and every value knows where it was written.
//!
//! Plain data; nothing here reads text or judges it. No tree that the readers build is deeper than
//! [`DEPTH_LIMIT`](super::limits::DEPTH_LIMIT), so that recursion over one is safe.

use std::collections::HashMap;

use crate::source::Span;

/// A value and where it stands.
#[derive(Debug, Clone)]
pub struct Node {
    pub span: Span,
    pub kind: NodeKind,
}

/// What a value is, by the core schema of YAML 1.2.
#[derive(Debug, Clone)]
pub enum NodeKind {
    Null,
    Bool(bool),
    /// As written: `25.50`, `0xFF`, `007`, `.inf`.
    Number(Box<str>),
    Text(Box<str>),
    List(Vec<Node>),
    Map(Map),
    /// The text was wrong here and a finding says so; later stages stay silent about it.
    Hole,
}

/// A key is its text: `25:` and `"25":` are one key.
#[derive(Debug, Clone)]
pub struct Key {
    pub text: Box<str>,
    pub span: Span,
}

/// One line of a map.
#[derive(Debug, Clone)]
pub struct Entry {
    pub key: Key,
    pub value: Node,
}

/// Entries in the order of the text, each key once.
#[derive(Debug, Clone, Default)]
pub struct Map {
    entries: Vec<Entry>,
    /// Only for large maps; small ones are searched faster from end to end.
    #[expect(
        clippy::box_collection,
        reason = "a node is as large as its largest kind, and few maps have one"
    )]
    index: Option<Box<HashMap<Box<str>, usize>>>,
    cut: bool,
    replaces: bool,
}

/// The number of keys up to which a map is searched without an index.
const SMALL: usize = 32;

impl Map {
    #[must_use]
    pub fn new() -> Self {
        Map::default()
    }

    #[must_use]
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Values and spans may be changed; a key's text must stay, use `remove` and `insert` for that.
    #[must_use]
    pub fn entries_mut(&mut self) -> &mut [Entry] {
        &mut self.entries
    }

    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Entry> {
        self.position(key).and_then(|at| self.entries.get(at))
    }

    #[must_use]
    pub fn get_mut(&mut self, key: &str) -> Option<&mut Entry> {
        self.position(key).and_then(|at| self.entries.get_mut(at))
    }

    /// Replaces the entry of the same key in its place, else appends.
    pub fn insert(&mut self, entry: Entry) {
        if let Some(old) = self.get_mut(&entry.key.text) {
            *old = entry;
            return;
        }
        self.append(entry);
    }

    /// Adds an entry whose key is known to be absent.
    pub(super) fn append(&mut self, entry: Entry) {
        if let Some(index) = &mut self.index {
            index.insert(entry.key.text.clone(), self.entries.len());
        }
        self.entries.push(entry);
        if self.index.is_none() && self.entries.len() > SMALL {
            self.reindex();
        }
    }

    /// Takes an entry out, keeping the order of the others; time grows with the size of the map, see `retain`.
    pub fn remove(&mut self, key: &str) -> Option<Entry> {
        let entry = self.entries.remove(self.position(key)?);
        self.reindex();
        Some(entry)
    }

    /// Takes out all entries for which `wanted` holds, keeping the order of the others.
    pub fn extract(&mut self, mut wanted: impl FnMut(&Entry) -> bool) -> Vec<Entry> {
        let (taken, kept) = std::mem::take(&mut self.entries).into_iter().partition(|entry| wanted(entry));
        self.entries = kept;
        self.reindex();
        taken
    }

    /// Keeps the entries for which `keep` holds.
    pub fn retain(&mut self, keep: impl FnMut(&Entry) -> bool) {
        self.entries.retain(keep);
        self.reindex();
    }

    /// The map is tagged `!replace`: it takes the place of what lies below it and does not merge with it.
    #[must_use]
    pub fn replaces(&self) -> bool {
        self.replaces
    }

    /// As if it were tagged so.
    pub fn set_replaces(&mut self) {
        self.replaces = true;
    }

    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// True when a mistake in the text hid what else this map holds: a key that is absent may well have been written.
    #[must_use]
    pub fn is_cut(&self) -> bool {
        self.cut
    }

    pub(super) fn set_cut(&mut self) {
        self.cut = true;
    }

    pub(super) fn into_entries(self) -> Vec<Entry> {
        self.entries
    }

    fn position(&self, key: &str) -> Option<usize> {
        if let Some(index) = &self.index {
            return index.get(key).copied();
        }
        // Most keys of one length differ in their first letter already, and to compare the rest takes a call.
        let first = key.as_bytes().first();
        let is_same = |text: &str| text.len() == key.len() && text.as_bytes().first() == first && text == key;
        self.entries.iter().position(|entry| is_same(&entry.key.text))
    }

    fn reindex(&mut self) {
        let places = || self.entries.iter().enumerate().map(|(at, entry)| (entry.key.text.clone(), at));
        self.index = (self.entries.len() > SMALL).then(|| Box::new(places().collect()));
    }
}

impl FromIterator<Entry> for Map {
    fn from_iter<I: IntoIterator<Item = Entry>>(entries: I) -> Self {
        let mut map = Map::new();
        for entry in entries {
            map.insert(entry);
        }
        map
    }
}

/// The keys from a document's root to a node while the tree is walked; nothing is copied before somebody asks.
#[derive(Debug, Clone, Copy, Default)]
pub struct Trail<'a> {
    above: Option<&'a Trail<'a>>,
    key: &'a str,
}

impl<'a> Trail<'a> {
    #[must_use]
    pub fn below(&'a self, key: &'a str) -> Trail<'a> {
        Trail { above: Some(self), key }
    }

    /// The last key; empty at the root.
    #[must_use]
    pub fn key(&self) -> &'a str {
        self.key
    }

    /// The keys from the root on.
    #[must_use]
    pub fn keys(&self) -> Vec<&'a str> {
        let mut keys: Vec<&str> = std::iter::successors(Some(self), |trail| trail.above)
            .filter(|trail| trail.above.is_some())
            .map(|trail| trail.key)
            .collect();
        keys.reverse();
        keys
    }

    /// As a JSON Pointer (RFC 6901).
    #[must_use]
    pub fn pointer(&self) -> String {
        let escaped = |key: &str| format!("/{}", key.replace('~', "~0").replace('/', "~1"));
        self.keys().into_iter().map(escaped).collect()
    }
}

impl Node {
    #[must_use]
    pub fn new(span: Span, kind: NodeKind) -> Self {
        Node { span, kind }
    }

    #[must_use]
    pub fn as_map(&self) -> Option<&Map> {
        if let NodeKind::Map(map) = &self.kind { Some(map) } else { None }
    }

    #[must_use]
    pub fn as_map_mut(&mut self) -> Option<&mut Map> {
        if let NodeKind::Map(map) = &mut self.kind { Some(map) } else { None }
    }

    #[must_use]
    pub fn as_list(&self) -> Option<&[Node]> {
        if let NodeKind::List(items) = &self.kind { Some(items) } else { None }
    }

    #[must_use]
    pub fn as_text(&self) -> Option<&str> {
        if let NodeKind::Text(text) = &self.kind { Some(text) } else { None }
    }

    #[must_use]
    pub fn as_bool(&self) -> Option<bool> {
        if let NodeKind::Bool(on) = self.kind { Some(on) } else { None }
    }

    #[must_use]
    pub fn is_null(&self) -> bool {
        matches!(self.kind, NodeKind::Null)
    }

    #[must_use]
    pub fn is_hole(&self) -> bool {
        matches!(self.kind, NodeKind::Hole)
    }

    /// The value under a key, when this is a map that has it.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Node> {
        self.as_map()?.get(key).map(|entry| &entry.value)
    }

    /// What the value is called when speaking to people.
    #[must_use]
    pub fn kind_name(&self) -> &'static str {
        match self.kind {
            NodeKind::Null | NodeKind::Hole => "nothing",
            NodeKind::Bool(_) => "true or false",
            NodeKind::Number(_) => "number",
            NodeKind::Text(_) => "text",
            NodeKind::List(_) => "list",
            NodeKind::Map(_) => "map",
        }
    }
}

/// The node that a JSON Pointer (RFC 6901) names.
#[must_use]
pub fn find_path<'a>(root: &'a Node, pointer: &str) -> Option<&'a Node> {
    walk(root, pointer).map(|(node, _)| node)
}

/// The key under which the node that a JSON Pointer names stands; `None` for list items and the root.
#[must_use]
pub fn key_at<'a>(root: &'a Node, pointer: &str) -> Option<&'a Key> {
    walk(root, pointer).and_then(|(_, key)| key)
}

fn walk<'a>(root: &'a Node, pointer: &str) -> Option<(&'a Node, Option<&'a Key>)> {
    if pointer.is_empty() {
        return Some((root, None));
    }
    let mut found = (root, None);
    for token in pointer.strip_prefix('/')?.split('/') {
        found = step(found.0, token)?;
    }
    Some(found)
}

fn step<'a>(node: &'a Node, token: &str) -> Option<(&'a Node, Option<&'a Key>)> {
    match &node.kind {
        NodeKind::Map(map) => {
            let entry = map.get(&token.replace("~1", "/").replace("~0", "~"))?;
            Some((&entry.value, Some(&entry.key)))
        }
        NodeKind::List(items) => Some((items.get(list_index(token)?)?, None)),
        _ => None,
    }
}

/// RFC 6901 allows neither signs nor leading zeros.
fn list_index(token: &str) -> Option<usize> {
    let digits = !token.is_empty() && token.bytes().all(|byte| byte.is_ascii_digit());
    if !digits || (token.len() > 1 && token.starts_with('0')) {
        return None;
    }
    token.parse().ok()
}
