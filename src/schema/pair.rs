//! A pair as data: its connectors, flows, categories and settings.
//!
//! [`super::link`] makes one. Nothing here knows an integration.

use std::borrow::Cow;
use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};

use serde_json::Value as Json;

use super::compiled::Validator;
use super::fragment::Fragment;
use super::keywords::{default_of, former_names, had_name, options_of, text};
use super::platform::Platform;
use super::records::{Kept, Was};
use super::shape::Shape;
use crate::model::{Name, SettingPath, Settings, Value};

/// The side of a connector that stands beside pairs.
pub const PAYMENT: &str = "payment";

/// A pair's linked schema: what `check`, `plan` and the reference pages read.
#[derive(Debug)]
pub struct Pair {
    /// Names are shared by all that is planned for a fleet.
    pub id: Name,
    /// `Shopify ↔ Fortnox`: the shop first.
    pub title: Name,
    pub shop: Connector,
    pub erp: Connector,
    /// The payment providers that an integration may connect beside the two, as far as it was linked with them ([`Beside`]).
    pub payments: Vec<Connector>,
    /// In the order in which pages list them.
    pub flows: Vec<Flow>,
    /// The settings categories, in the order of the Settings page.
    pub settings: Vec<Category>,
    /// `connectors`, `flows`, `schedules`, `webhooks`.
    pub others: Vec<Category>,
    /// Categories that exist but not for this pair, with the reason in words.
    pub hidden: Vec<(String, String)>,
    /// Of the whole document.
    pub shape: Arc<Shape>,
    pub(super) validator: Validator,
    /// Made when it is first asked for.
    pub(super) document: OnceLock<Json>,
}

/// Which payment providers a pair is linked with. Any integration may connect any of them, and few do: a document that connects
/// none fits the pair without them exactly where it fits the pair with all of them.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Beside {
    All,
    Only(BTreeSet<String>),
}

/// A platform, as far as schemas speak of it.
#[derive(Debug)]
pub struct Connector {
    pub id: String,
    pub title: String,
    pub description: Arc<Json>,
    /// What it says of its platform that rules ask for.
    pub platform: Platform,
    /// Found when they are first asked for.
    pub(super) scoped: OnceLock<Vec<Scoped>>,
}

/// A setting that needs scopes of a platform.
#[derive(Debug)]
pub struct Scoped {
    pub category: Name,
    /// Its name within the category.
    pub name: String,
    pub scopes: BTreeSet<String>,
}

/// A flow that a pair offers.
#[derive(Debug)]
pub struct Flow {
    pub id: String,
    pub title: String,
    pub description: String,
    /// Whether it is on when no file mentions it.
    pub default: bool,
    pub direction: String,
}

/// A category: the unit that is saved.
#[derive(Debug)]
pub struct Category {
    pub id: Name,
    pub title: Name,
    pub description: String,
    /// Visible while one of these is on; `None`: always.
    pub flows: Option<Vec<String>>,
    pub settings: Vec<Setting>,
    /// JSON Schema of the category's part of the document.
    pub schema: Fragment,
    /// Of `schema`.
    pub shape: Arc<Shape>,
    /// Something in it once had another name.
    pub(super) renames: bool,
    /// Fields of records that stood elsewhere in the category.
    pub was: Vec<Was>,
    /// Fields of records that are kept in other categories.
    pub kept: Vec<Kept>,
}

/// One setting of a category: a leaf, or a whole mapping.
#[derive(Debug, Clone)]
pub struct Setting {
    pub path: SettingPath,
    pub title: String,
    pub description: String,
    pub required: Required,
    /// Matters only while one of these is on; empty: always.
    pub flows: Vec<String>,
    pub additional: bool,
    /// It is read and has a better place; its description says which.
    pub deprecated: bool,
    pub default: Option<Value>,
    pub schema: Fragment,
}

/// When a setting must be declared.
#[derive(Debug, Clone)]
pub enum Required {
    No,
    Yes {
        /// All must hold (empty: always).
        when: Vec<Condition>,
        /// None may be declared.
        unless: Vec<Reference>,
    },
}

/// `CATEGORY.SETTING` or `flows.FLOW`.
#[derive(Debug, Clone)]
pub struct Reference {
    pub category: String,
    pub path: SettingPath,
}

/// A setting's effective value is one of these.
#[derive(Debug, Clone)]
pub struct Condition {
    pub on: Reference,
    pub values: Vec<Json>,
    /// The value that counts when the setting is not declared.
    pub default: Option<Json>,
}

impl Pair {
    /// The category with this id, settings or other.
    #[must_use]
    pub fn category(&self, id: &str) -> Option<&Category> {
        self.settings.iter().chain(&self.others).find(|category| category.id == id)
    }

    pub fn categories(&self) -> impl Iterator<Item = &Category> {
        self.settings.iter().chain(&self.others)
    }

    #[must_use]
    pub fn flow(&self, id: &str) -> Option<&Flow> {
        self.flows.iter().find(|flow| flow.id == id)
    }

    /// The two connectors of the pair, the shop first, and the payment providers that may stand beside them.
    pub fn connectors(&self) -> impl Iterator<Item = &Connector> {
        [&self.shop, &self.erp].into_iter().chain(&self.payments)
    }

    #[must_use]
    pub fn connector(&self, id: &str) -> Option<&Connector> {
        self.connectors().find(|connector| connector.id == id)
    }

    /// The settings that need scopes of the platform of one of its connectors.
    #[must_use]
    pub fn scoped<'a>(&self, connector: &'a Connector) -> &'a [Scoped] {
        connector.scoped.get_or_init(|| {
            let all = self.settings.iter().flat_map(|category| {
                category.settings.iter().map(|setting| Scoped {
                    category: category.id.clone(),
                    name: setting.path.to_string(),
                    scopes: connector.scopes_of_setting(setting),
                })
            });
            all.filter(|one| !one.scopes.is_empty()).collect()
        })
    }

    /// Judges structure: everything but which settings are required, which `compile` judges with better words.
    #[must_use]
    pub fn validator(&self) -> &Validator {
        &self.validator
    }
}

impl Connector {
    /// From its part.
    pub(super) fn of(id: &str, part: Arc<Json>) -> Self {
        let title = text(&part, "title").to_owned();
        let platform = Platform::of(&part);
        Connector { id: id.to_owned(), title, platform, description: part, scoped: OnceLock::new() }
    }

    /// Whether its platform has a capability.
    #[must_use]
    pub fn can(&self, capability: &str) -> bool {
        let all = self.description.get("capabilities").and_then(Json::as_array);
        all.is_some_and(|all| all.iter().any(|one| one == capability))
    }

    /// The scopes that a flow of a pair needs on this platform.
    #[must_use]
    pub fn scopes_of_flow(&self, flow: &Flow) -> &[String] {
        // What neither side writes to is read, such as a payment provider.
        let to = flow.direction.rsplit('_').next().unwrap_or_default();
        let reads = text(&self.description, "side") != to;
        self.platform.scopes.as_ref().map_or(&[], |scopes| scopes.of_flow(&flow.id, reads))
    }

    /// The scopes that a setting needs on this platform: those that it says itself, and those of its dropdown's list.
    fn scopes_of_setting(&self, setting: &Setting) -> BTreeSet<String> {
        let schema: &Json = &setting.schema;
        let own = schema.get("x-scopes").and_then(|scopes| scopes.get(&self.id)).and_then(Json::as_array);
        let own = own.into_iter().flatten().filter_map(Json::as_str).map(str::to_owned);
        // Of a mapping it is the rows that have the list.
        let lists = std::iter::once(schema).chain(schema.get("additionalProperties")).filter_map(options_of);
        let of_lists = lists.filter(|(connector, _)| *connector == self.id);
        own.chain(of_lists.flat_map(|(_, set)| self.platform.scopes_of_set(set)).cloned()).collect()
    }
}

impl Category {
    /// Whether something in it once had another name.
    #[must_use]
    pub fn has_former_names(&self) -> bool {
        self.renames
    }

    /// The setting that owns a leaf path: itself, or the mapping it is a row of.
    #[must_use]
    pub fn setting(&self, path: &SettingPath) -> Option<&Setting> {
        self.settings
            .iter()
            .filter(|setting| path.starts_with(&setting.path))
            .max_by_key(|setting| setting.path.segments().len())
    }

    /// What stands at a path, in the form of a setting: a setting itself, a group of them, or a field of a row. What has no name
    /// of its own is what it stands in.
    #[must_use]
    pub fn described(&self, path: &SettingPath) -> Option<Cow<'_, Setting>> {
        let mut schema = self.schema.clone();
        let mut at = SettingPath::root();
        let mut found = None;
        for key in path.segments() {
            let is_row = schema.below(&["properties", key]).is_none();
            let below = if is_row { vec!["additionalProperties"] } else { vec!["properties", key] };
            let inside = schema.below(&below).filter(|inside| inside.is_object())?;
            let required = schema.get("required").and_then(Json::as_array);
            let required = required.is_some_and(|all| all.iter().any(|one| *one == **key));
            at = at.child(key);
            if !text(&inside, "title").is_empty() {
                found = Some((at.clone(), inside.clone(), required));
            }
            schema = inside;
        }
        let owner = self.setting(path);
        let (at, schema, required) = match (owner, found) {
            (Some(owner), None) => return Some(Cow::Borrowed(owner)),
            (Some(owner), Some((at, ..))) if owner.path.starts_with(&at) => {
                return Some(Cow::Borrowed(owner));
            }
            (_, found) => found?,
        };
        Some(Cow::Owned(Setting {
            title: text(&schema, "title").to_owned(),
            description: text(&schema, "description").to_owned(),
            required: match required {
                true => Required::Yes { when: Vec::new(), unless: Vec::new() },
                false => Required::No,
            },
            flows: owner.map(|owner| owner.flows.clone()).unwrap_or_default(),
            additional: owner.is_some_and(|owner| owner.additional),
            deprecated: schema.get("deprecated") == Some(&Json::Bool(true)),
            default: default_of(&schema),
            path: at,
            schema,
        }))
    }

    /// Settings under the names that they have now, where some, or what they stand in, once had others.
    pub(super) fn renamed(&self, settings: Settings) -> Settings {
        if !self.renames {
            return settings;
        }
        let (former, mut renamed): (Settings, Settings) =
            settings.into_iter().partition(|(path, _)| self.schema_at(path).is_none());
        for (path, value) in former {
            // Both were set at one time; the newer name counts.
            renamed.entry(self.path_now(&path).unwrap_or(path)).or_insert(value);
        }
        renamed
    }

    /// The path that a setting with a former name has now; `None` when it never had this one.
    pub(super) fn path_now(&self, path: &SettingPath) -> Option<SettingPath> {
        let mut now = SettingPath::root();
        path.segments().iter().try_fold(&*self.schema, |schema, key| {
            let properties = schema.get("properties").and_then(Json::as_object);
            let named = properties.and_then(|properties| properties.get_key_value(&**key));
            let former = || properties?.iter().find(|(_, property)| had_name(property, key));
            if let Some((name, property)) = named.or_else(former) {
                now = now.child(name);
                return Some(property);
            }
            now = now.child(key);
            schema.get("additionalProperties").filter(|rows| rows.is_object())
        })?;
        Some(now)
    }

    /// The paths that a setting had by former names of it and of what it stands in.
    pub(super) fn paths_before(&self, path: &SettingPath) -> Vec<SettingPath> {
        if !self.renames {
            return Vec::new();
        }
        let mut all = vec![SettingPath::root()];
        let mut schema = Some(&*self.schema);
        for key in path.segments() {
            let property = schema.and_then(|schema| schema.get("properties")?.get(&**key));
            let names = || property.into_iter().flat_map(former_names).chain([&**key]);
            all = all.iter().flat_map(|above| names().map(|name| above.child(name))).collect();
            schema = property.or_else(|| schema?.get("additionalProperties"));
        }
        all.retain(|before| before != path);
        all
    }

    /// The schema of the value at a path, through properties and mapping rows.
    #[must_use]
    pub fn schema_at(&self, path: &SettingPath) -> Option<&Json> {
        path.segments().iter().try_fold(&*self.schema, |schema, key| {
            schema
                .get("properties")
                .and_then(|properties| properties.get(&**key))
                .or_else(|| schema.get("additionalProperties").filter(|rows| rows.is_object()))
        })
    }
}
