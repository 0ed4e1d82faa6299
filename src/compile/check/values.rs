//! What a document decides about a setting, as rules ask for it.

use serde_json::Value as Json;

use super::context::{Context, category_entry, setting};
use crate::model::{CONNECTORS, FLOWS, SettingPath, Value};
use crate::schema::{Connector, Setting};
use crate::source::Span;
use crate::yaml::{Entry, Map, Node, NodeKind};

impl<'a> Context<'a> {
    /// A setting by its name within a category, `payout.reference_field`, where it matters: the pair has it, its
    /// category is visible and managed, and one of its flows is on.
    #[must_use]
    pub fn known(&self, category: &str, name: &str) -> Option<(&'a Setting, SettingPath)> {
        self.that_matters(category, name).map(|found| (found, found.path.clone()))
    }

    fn that_matters(&self, category: &str, name: &str) -> Option<&'a Setting> {
        let category = self.pair.category(category)?;
        let is_it = |path: &SettingPath| match path.segments() {
            [one] => **one == *name,
            several => several.iter().map(|key| &**key).eq(name.split('.')),
        };
        let found = category.settings.iter().find(|setting| is_it(&setting.path))?;
        let on = found.flows.is_empty() || self.first_on(&found.flows).is_some();
        (on && self.is_judged(category)).then_some(found)
    }

    /// What the files say of such a setting; `None` for `null` too.
    #[must_use]
    pub fn written(&self, category: &str, name: &str) -> Option<&'a Node> {
        // Most of what is asked for is not written, which is seen sooner than whether it matters.
        let start = &category_entry(self.root, category)?.value;
        let node = name.split('.').try_fold(start, |node, key| node.get(key))?;
        if node.is_null() || node.is_hole() {
            return None;
        }
        self.that_matters(category, name).map(|_| node)
    }

    #[must_use]
    pub fn written_map(&self, category: &str, name: &str) -> Option<&'a Map> {
        self.written(category, name)?.as_map()
    }

    /// The toggle as written, else its default.
    #[must_use]
    pub fn toggle(&self, category: &str, name: &str) -> Option<bool> {
        let known = self.that_matters(category, name)?;
        match self.written(category, name) {
            Some(node) => node.as_bool(),
            None => match known.default {
                Some(Value::Bool(on)) => Some(on),
                _ => None,
            },
        }
    }

    /// The text as written, else its default; `None` when it is not one of the allowed ones.
    #[must_use]
    pub fn choice(&self, category: &str, name: &str) -> Option<&'a str> {
        let known = self.that_matters(category, name)?;
        let text = match self.written(category, name) {
            Some(node) => node.as_text()?,
            None => match &known.default {
                Some(Value::Text(text)) => text,
                _ => return None,
            },
        };
        let allowed = known.schema.get("enum").and_then(|list| list.as_array());
        allowed.is_none_or(|list| list.iter().any(|value| value.as_str() == Some(text))).then_some(text)
    }

    /// Whether a setting is written and says what it says where nobody writes it.
    #[must_use]
    pub fn is_usual(&self, category: &str, name: &str, node: &Node) -> bool {
        match self.that_matters(category, name).and_then(|setting| setting.default.as_ref()) {
            Some(Value::Bool(usual)) => node.as_bool() == Some(*usual),
            Some(Value::Text(usual)) => node.as_text() == Some(usual),
            _ => false,
        }
    }

    /// Where a condition of the schema holds: the first setting that it names, what that says, and where it is written. A list is what a
    /// condition says where all that it holds is.
    #[must_use]
    pub fn held(&self, condition: &'a Json) -> Option<Held<'a>> {
        let mut first = None;
        for (name, values) in condition.as_object()? {
            let values = values.as_array().map_or(std::slice::from_ref(values), Vec::as_slice);
            let (category, setting) = name.split_once('.')?;
            let known = self.that_matters(category, setting)?;
            let written = self.written(category, setting);
            let said: Vec<Json> = match (written.map(|node| &node.kind), written) {
                (Some(NodeKind::List(items)), _) => items.iter().map(Node::to_json).collect(),
                (_, Some(node)) => vec![node.to_json()],
                (_, None) => known.default.iter().map(Value::to_json).collect(),
            };
            if said.is_empty() || !said.iter().all(|one| values.contains(one)) {
                return None;
            }
            let words: Vec<String> =
                said.iter().map(|one| one.as_str().map_or_else(|| one.to_string(), str::to_owned)).collect();
            first.get_or_insert(Held { name, value: words.join(", "), written });
        }
        first
    }

    /// Rows of a mapping that hold something; `null` takes one away.
    pub fn rows(&self, category: &str, name: &str) -> impl Iterator<Item = &'a Entry> + use<'a> {
        let map = self.written_map(category, name);
        map.into_iter().flat_map(Map::entries).filter(|row| !row.value.is_null() && !row.value.is_hole())
    }

    /// The texts of a list; one text without brackets is told by the schema.
    pub fn listed(&self, category: &str, name: &str) -> impl Iterator<Item = (&'a str, Span)> + use<'a> {
        let list = self.written(category, name).and_then(Node::as_list).unwrap_or_default();
        list.iter().filter_map(|item| Some((item.as_text()?, item.span)))
    }

    /// Where the key of a setting stands; where the integration is named, for one that is nowhere.
    #[must_use]
    pub fn key_of(&self, category: &str, path: &SettingPath) -> Span {
        let Some((last, above)) = path.segments().split_last() else { return self.composed.place };
        let holder = setting(self.root, category, &above.iter().collect());
        let entry = holder.and_then(Node::as_map).and_then(|map| map.get(last));
        entry.map_or(self.composed.place, |entry| entry.key.span)
    }

    /// Where the key of a category stands; where the integration is named, for one that has a file of its own or none.
    #[must_use]
    pub fn key_of_category(&self, category: &str) -> Span {
        let key = category_entry(self.root, category).map(|entry| entry.key.span);
        key.filter(|span| span.start < span.end).unwrap_or(self.composed.place)
    }

    /// Whether a flow is on, where that is managed here; `None` where it is not, or the pair does not offer it.
    #[must_use]
    pub fn flow_is_on(&self, id: &str) -> Option<bool> {
        (self.pair.flow(id).is_some() && !self.is_unmanaged(FLOWS)).then(|| self.flow_on(id))
    }

    /// The active connection of a connector, with its name; `None` where connections are not managed here.
    #[must_use]
    pub fn connection(&self, connector: &Connector) -> Option<(&'a Node, &'a Node)> {
        let declared = self.root.get(CONNECTORS).filter(|_| !self.is_unmanaged(CONNECTORS))?;
        let declared = declared.get(&connector.id)?;
        let active = declared.get("active")?;
        Some((active, declared.get("connections")?.get(active.as_text()?)?))
    }

    /// Onboarding mode, as written; else by its default, unless the integration is live.
    #[must_use]
    pub fn onboarding(&self) -> bool {
        match self.written("general", "onboarding_mode") {
            Some(node) => node.as_bool() == Some(true),
            None => !self.live && self.toggle("general", "onboarding_mode") == Some(true),
        }
    }
}

/// A setting that a condition names, as it is.
pub struct Held<'a> {
    /// With its category.
    pub name: &'a str,
    pub value: String,
    /// `None` where it is so by default.
    pub written: Option<&'a Node>,
}

/// A code as its text, whether it was written as number or as text.
#[must_use]
pub fn code(node: &Node) -> Option<&str> {
    match &node.kind {
        NodeKind::Text(text) | NodeKind::Number(text) => Some(text),
        _ => None,
    }
}
