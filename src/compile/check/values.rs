//! What a document decides about a setting, as rules ask for it.

use super::context::{Context, setting};
use crate::model::{SettingPath, Value};
use crate::schema::Setting;
use crate::yaml::{Map, Node, NodeKind};

impl<'a> Context<'a> {
    /// A setting by its name within a category, `payout.reference_field`, where it matters: the pair has it, its
    /// category is visible and managed, and one of its flows is on.
    #[must_use]
    pub fn known(&self, category: &str, name: &str) -> Option<(&'a Setting, SettingPath)> {
        let path: SettingPath = name.split('.').collect();
        let category = self.pair.category(category)?;
        let found = category.settings.iter().find(|setting| setting.path == path)?;
        let on = found.flows.is_empty() || self.first_on(&found.flows).is_some();
        (on && self.visible(category) && !self.is_unmanaged(&category.id)).then_some((found, path))
    }

    /// What the files say of such a setting; `None` for `null` too.
    #[must_use]
    pub fn written(&self, category: &str, name: &str) -> Option<&'a Node> {
        let (_, path) = self.known(category, name)?;
        setting(self.root, category, &path).filter(|node| !node.is_null() && !node.is_hole())
    }

    #[must_use]
    pub fn written_map(&self, category: &str, name: &str) -> Option<&'a Map> {
        self.written(category, name)?.as_map()
    }

    /// The toggle as written, else its default.
    #[must_use]
    pub fn toggle(&self, category: &str, name: &str) -> Option<bool> {
        let (known, _) = self.known(category, name)?;
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
        let (known, _) = self.known(category, name)?;
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

    /// Onboarding mode, as written; else by its default, unless the integration is live.
    #[must_use]
    pub fn onboarding(&self) -> bool {
        match self.written("general", "onboarding_mode") {
            Some(node) => node.as_bool() == Some(true),
            None => !self.live && self.toggle("general", "onboarding_mode") == Some(true),
        }
    }
}

/// A code as its text, whether it was written as number or as text.
#[must_use]
pub fn code(node: &Node) -> Option<&str> {
    match &node.kind {
        NodeKind::Text(text) | NodeKind::Number(text) => Some(text),
        _ => None,
    }
}
