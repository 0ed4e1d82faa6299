//! What a meta schema cannot say of a project's own parts: that the names in them name something, and that a setting's
//! default, labels and bounds agree with its type.
//!
//! A name that is misspelt would not fail by itself: a setting that needs what no platform has is left out, and a
//! condition on a setting that does not exist never holds. Nothing here links, and nothing judges an integration.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::keywords::{fields_of, text};
use super::merge::merge;
use super::part_files::PartFiles;
use super::part_names::rename;
use crate::diagnostic::codes::schema as codes;
use crate::diagnostic::{Finding, Label, nearest};
use crate::yaml::{self, Node, NodeKind};

/// Looks at every part that a project brings; each finding with the part's path below `schemas/`.
#[must_use]
pub fn lint(parts: &PartFiles) -> Vec<(String, Finding)> {
    let world = World::read(parts);
    let mut all = Vec::new();
    for (path, json, node) in parts.own() {
        let Some((folder, file)) = path.split_once('/') else { continue };
        let Some(id) = file.strip_suffix(".yaml") else { continue };
        let mut part = Part { world: &world, node, findings: Vec::new() };
        match folder {
            "connectors" => part.connector(json, id),
            "categories" => part.category(json, id),
            "pairs" => part.pair(json),
            _ => {}
        }
        all.extend(part.findings.into_iter().map(|finding| (path.to_owned(), finding)));
    }
    all
}

/// What there is to name.
struct World {
    flows: Vec<String>,
    /// The settings of each category.
    categories: BTreeMap<String, Json>,
    connectors: BTreeMap<String, Arc<Json>>,
    /// What connectors and pairs lay over categories: settings by category.
    layers: Vec<Json>,
    /// What categories as a whole need.
    needs: Vec<Json>,
    /// Every part could be read; else what is not found may stand in one that could not.
    whole: bool,
}

impl World {
    fn read(parts: &PartFiles) -> World {
        let all = |folder: &str| -> BTreeMap<String, Arc<Json>> {
            let names = parts.names(folder).into_iter();
            names.filter_map(|id| Some((id.clone(), parts.part(&format!("{folder}/{id}.yaml"))?))).collect()
        };
        let flows = parts.part("flows.yaml").unwrap_or_default();
        let categories = all("categories");
        let connectors = all("connectors");
        let pairs = all("pairs");
        let settings = |part: &Arc<Json>| part.get("settings").cloned();
        World {
            flows: keys(flows.get("flows")).map(str::to_owned).collect(),
            needs: categories.values().filter_map(|part| part.get("needs").cloned()).collect(),
            layers: connectors.values().chain(pairs.values()).filter_map(settings).collect(),
            categories: categories
                .into_iter()
                .map(|(id, part)| (id, settings(&part).unwrap_or_default()))
                .collect(),
            connectors,
            whole: !parts.has_broken(),
        }
    }

    /// What the connectors of a side have: option sets and capabilities.
    fn offered(&self, side: &str) -> BTreeSet<&str> {
        let of_side = self.connectors.values().filter(|connector| text(connector, "side") == side);
        of_side.flat_map(|connector| offers(connector)).collect()
    }

    /// What categories and settings need of a side.
    fn needed(&self, side: &str) -> BTreeSet<String> {
        let mut all = Vec::new();
        for value in self.needs.iter().chain(self.categories.values()).chain(&self.layers) {
            collect_texts(value, "", &mut all);
        }
        let of_side = |text: &str| text.strip_prefix(side)?.strip_prefix('.').map(str::to_owned);
        all.iter().filter_map(|(_, text)| of_side(text)).collect()
    }

    /// What the parts say of one setting, the category's own first.
    fn settings<'a>(&'a self, category: &str, path: &[&str]) -> Vec<&'a Json> {
        let own = self.categories.get(category).into_iter();
        let layers = self.layers.iter().filter_map(|layer| layer.get(category));
        let (first, rest) = match path {
            [first, rest @ ..] => (*first, rest),
            [] => return Vec::new(),
        };
        own.chain(layers)
            .filter_map(|settings| {
                rest.iter().try_fold(settings.get(first)?, |group, key| group.get("properties")?.get(key))
            })
            .collect()
    }

    /// The names of a category's settings, those in groups with their group.
    fn names(&self, category: &str) -> BTreeSet<String> {
        let own = self.categories.get(category).into_iter();
        let layers = self.layers.iter().filter_map(|layer| layer.get(category));
        let settings = own.chain(layers).filter_map(Json::as_object).flatten();
        settings
            .flat_map(|(name, setting)| {
                let inner = keys(setting.get("properties")).map(|inner| format!("{name}.{inner}"));
                std::iter::once(name.clone()).chain(inner).collect::<Vec<_>>()
            })
            .collect()
    }
}

fn keys(map: Option<&Json>) -> impl Iterator<Item = &str> {
    map.and_then(Json::as_object).into_iter().flat_map(Map::keys).map(String::as_str)
}

fn texts(list: Option<&Json>) -> impl Iterator<Item = &str> {
    list.and_then(Json::as_array).into_iter().flatten().filter_map(Json::as_str)
}

fn offers(connector: &Json) -> impl Iterator<Item = &str> {
    keys(connector.get("options")).chain(texts(connector.get("capabilities")))
}

/// One part that is looked at.
struct Part<'a> {
    world: &'a World,
    node: &'a Node,
    findings: Vec<Finding>,
}

/// Where a setting stands: in a category's own part, or in one that is laid over it.
#[derive(Clone, Copy)]
struct Layer<'a> {
    /// A connector's own part may name what this connector has, and no more, on its own side.
    own: Option<&'a Json>,
    /// The category's part itself, in which every setting is new.
    first: bool,
}

impl Part<'_> {
    /// At the value at a pointer, or at its key.
    fn say(&mut self, pointer: &str, at_key: bool, message: &str, help: String) {
        let key = yaml::key_at(self.node, pointer).map(|key| key.span).filter(|_| at_key);
        let value = yaml::find_path(self.node, pointer).map(|node| node.span);
        let span = key.or(value).unwrap_or(self.node.span);
        self.findings.push(codes::part_misfit(message, Label::new(span, "")).help(help));
    }

    /// A name that is none of those that there are.
    fn name<'n>(&mut self, pointer: &str, what: &str, name: &str, known: impl IntoIterator<Item = &'n str>) {
        let known: BTreeSet<&str> = known.into_iter().collect();
        if !self.world.whole || known.contains(name) {
            return;
        }
        let help = match nearest(name, known.iter().copied()) {
            Some(near) => format!("write `{near}`"),
            None if known.is_empty() => format!("take it away; there is no {what}"),
            None => codes::one_of(&known.iter().map(|one| (*one).to_owned()).collect::<Vec<_>>()),
        };
        let at_key = pointer.rsplit('/').next().is_some_and(|last| last.replace("~1", "/").contains(name));
        self.say(pointer, at_key, &format!("there is no {what} `{name}`"), help);
    }

    fn id(&mut self, key: &str, part: &Json, id: &str) {
        if text(part, key) != id {
            let message = format!("the file is named `{id}.yaml`, so `{key}` must be `{id}`");
            let help = match key {
                "pair" => rename(part, id),
                _ => format!("write `{id}`, or rename the file"),
            };
            self.say(&format!("/{key}"), false, &message, help);
        }
    }

    fn flows(&mut self, pointer: &str, flows: Option<&Json>) {
        let world = self.world;
        for (at, flow) in texts(flows).enumerate() {
            self.name(&format!("{pointer}/{at}"), "flow", flow, world.flows.iter().map(String::as_str));
        }
    }

    fn connector(&mut self, part: &Json, id: &str) {
        let world = self.world;
        self.id("connector", part, id);
        let fields: Vec<&str> = keys(part.pointer("/connection/properties")).collect();
        for name in &fields {
            let pointer = format!("/connection/properties/{}", escape(name));
            if part.pointer(&pointer).and_then(|field| field.get("x-secret")) != Some(&Json::Bool(true)) {
                continue;
            }
            let given = ["default", "const"]
                .into_iter()
                .filter_map(|key| yaml::find_path(self.node, &format!("{pointer}/{key}")));
            let given = given.filter(|node| matches!(node.kind, NodeKind::Text(_) | NodeKind::Number(_)));
            self.findings.extend(given.map(|node| codes::credential_in_part(name, node.span)));
        }
        let field = |lint: &mut Self, pointer: &str, name: &str| {
            lint.name(pointer, "field of the connection", name, fields.iter().copied());
        };
        for (at, name) in texts(part.pointer("/connection/required")).enumerate() {
            field(self, &format!("/connection/required/{at}"), name);
        }
        for pointer in ["/account", "/versions/field", "/scopes/field"] {
            if let Some(name) = part.pointer(pointer).and_then(Json::as_str) {
                field(self, pointer, name);
            }
        }
        let verification = part.pointer("/webhooks/verification");
        let verifications = verification.and_then(Json::as_array).map_or_else(
            || vec![("/webhooks/verification".to_owned(), verification)],
            |all| {
                let at = |(at, one)| (format!("/webhooks/verification/{at}"), Some(one));
                all.iter().enumerate().map(at).collect()
            },
        );
        for (at, way) in part.get("auth").and_then(Json::as_array).into_iter().flatten().enumerate() {
            for (number, name) in texts(way.get("when")).enumerate() {
                field(self, &format!("/auth/{at}/when/{number}"), name);
            }
            if let Some(name) = way.pointer("/token/rotates").and_then(Json::as_str) {
                field(self, &format!("/auth/{at}/token/rotates"), name);
            }
        }
        let given = fields.iter().copied().chain(["token", "tomorrow"]).collect::<Vec<_>>();
        let mut templates = Vec::new();
        for key in ["/base_url", "/base_urls", "/base_path", "/auth", "/change_feed/url"] {
            part.pointer(key).into_iter().for_each(|value| collect_texts(value, key, &mut templates));
        }
        for (pointer, verification) in verifications {
            let written = |key: &str| verification.and_then(|one| one.get(key)).and_then(Json::as_str);
            if let Some(name) = written("secret") {
                field(self, &format!("{pointer}/secret"), name);
            }
            templates
                .extend(written("header").map(|header| (format!("{pointer}/header"), header.to_owned())));
        }
        for (pointer, template) in templates {
            for name in fields_of(&template) {
                self.name(&pointer, "field of the connection", name, given.iter().copied());
            }
        }
        for (topic, what) in part.get("topics").and_then(Json::as_object).into_iter().flatten() {
            let pointer = format!("/topics/{}", escape(topic));
            if let Some(flow) = what.get("flow").and_then(Json::as_str) {
                self.name(&format!("{pointer}/flow"), "flow", flow, world.flows.iter().map(String::as_str));
            }
            self.flows(&format!("{pointer}/flows"), what.get("flows"));
            self.scopes(&format!("{pointer}/scopes"), what.get("scopes"), part);
        }
        for (flow, needed) in part.pointer("/scopes/flows").and_then(Json::as_object).into_iter().flatten() {
            let pointer = format!("/scopes/flows/{flow}");
            self.name(&pointer, "flow", flow, world.flows.iter().map(String::as_str));
            self.scopes(&pointer, Some(needed), part);
            for key in ["read", "write"] {
                self.scopes(&format!("{pointer}/{key}"), needed.get(key), part);
            }
        }
        for (scope, known) in part.pointer("/scopes/known").and_then(Json::as_object).into_iter().flatten() {
            self.scopes(&format!("/scopes/known/{}/includes", escape(scope)), known.get("includes"), part);
        }
        let paging = |key: &str| part.pointer(&format!("/paging/{key}")).and_then(Json::as_str);
        if paging("size").is_some() && [paging("offset"), paging("page")].contains(&paging("size")) {
            let message = "one parameter cannot be both the size of a page and its place";
            let help = "name the parameter of each; where one holds both, as `OFFSET,SIZE`, write `range` in place of them";
            self.say("/paging/size", false, message, help.to_owned());
        }
        for (set, description) in part.get("options").and_then(Json::as_object).into_iter().flatten() {
            self.scopes(&format!("/options/{set}/scopes"), description.get("scopes"), part);
            if let Some(other) = description.get("also").and_then(Json::as_str) {
                let known = keys(part.get("options"));
                self.name(&format!("/options/{set}/also"), "option set of this connector", other, known);
            }
            self.fetch(part, set, description);
        }
        self.sources(part);
        // One that nothing needs is of no harm, unless it was meant to be one that something does.
        for (at, name) in texts(part.get("capabilities")).enumerate() {
            let needed = world.needed(text(part, "side"));
            if needed.contains(name) || !world.whole {
                continue;
            }
            if let Some(near) = nearest(name, needed.iter().map(String::as_str)) {
                let message = format!("no setting and no category needs the capability `{name}`");
                self.say(&format!("/capabilities/{at}"), false, &message, format!("write `{near}`"));
            }
        }
        self.layer(part, Layer { own: Some(part), first: false });
    }

    /// Scopes that a connector needs are those that it knows.
    fn scopes(&mut self, pointer: &str, scopes: Option<&Json>, part: &Json) {
        for (at, scope) in texts(scopes).enumerate() {
            self.name(&format!("{pointer}/{at}"), "scope", scope, keys(part.pointer("/scopes/known")));
        }
    }

    /// A source that looks like a name is one of those that the part lists; any other text stands for itself.
    fn sources(&mut self, part: &Json) {
        let Some(named) = part.get("sources").and_then(Json::as_object) else { return };
        let mut all = Vec::new();
        collect_texts(part, "", &mut all);
        let is_source = |pointer: &str| pointer.ends_with("/source") || pointer.ends_with("/x-source");
        let is_name =
            |text: &str| !text.contains(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && c != '_');
        for (pointer, source) in all.iter().filter(|(pointer, text)| is_source(pointer) && is_name(text)) {
            self.name(pointer, "source", source, named.keys().map(String::as_str));
        }
    }

    fn fetch(&mut self, part: &Json, set: &str, description: &Json) {
        let Some(fetch) = description.get("fetch") else { return };
        let at = format!("/options/{set}/fetch");
        if let Some(name) = fetch.get("base_url").and_then(Json::as_str) {
            self.name(&format!("{at}/base_url"), "address in `base_urls`", name, keys(part.get("base_urls")));
        }
        for other in keys(fetch.get("each")) {
            self.name(
                &format!("{at}/each/{other}"),
                "option set of this connector",
                other,
                keys(part.get("options")),
            );
        }
        for (variable, name) in fetch.get("variables").and_then(Json::as_object).into_iter().flatten() {
            let pointer = format!("{at}/variables/{variable}");
            let Some(name) = name.as_str() else { continue };
            self.name(
                &pointer,
                "field of the connection",
                name,
                keys(part.pointer("/connection/properties")),
            );
            if part.pointer(&format!("/connection/properties/{name}/x-secret")).is_some() {
                let message = "a credential is not put into a query, where it would be data";
                self.say(&pointer, false, message, "put it into `auth`".to_owned());
            }
        }
        for key in ["get", "post"] {
            for name in fetch.get(key).and_then(Json::as_str).into_iter().flat_map(fields_of) {
                self.name(&format!("{at}/{key}"), "option set in `each`", name, keys(fetch.get("each")));
            }
        }
        let mut fixed = Vec::new();
        for key in ["params", "headers"] {
            fetch
                .get(key)
                .into_iter()
                .for_each(|value| collect_texts(value, &format!("{at}/{key}"), &mut fixed));
        }
        for (pointer, _) in fixed.iter().filter(|(_, value)| fields_of(value).next().is_some()) {
            let message =
                "fields of the connection are not put in here, so the braces would be sent as they are";
            let help = "write the value itself, or put the field into `base_path` or `auth`".to_owned();
            self.say(pointer, false, message, help);
        }
    }

    fn category(&mut self, part: &Json, id: &str) {
        self.id("category", part, id);
        self.flows("/flows", part.get("flows"));
        if let Some(needs) = part.get("needs").and_then(Json::as_str) {
            self.reference("/needs", needs, None);
        }
        for (name, setting) in part.get("settings").and_then(Json::as_object).into_iter().flatten() {
            self.setting(
                &format!("/settings/{name}"),
                setting,
                &Json::Null,
                Layer { own: None, first: true },
            );
        }
    }

    fn pair(&mut self, part: &Json) {
        let world = self.world;
        for flow in keys(part.get("flows")) {
            self.name(&format!("/flows/{flow}"), "flow", flow, world.flows.iter().map(String::as_str));
        }
        for (at, id) in texts(part.get("connectors")).enumerate() {
            self.name(
                &format!("/connectors/{at}"),
                "connector",
                id,
                world.connectors.keys().map(String::as_str),
            );
        }
        self.layer(part, Layer { own: None, first: false });
    }

    /// The settings that a connector or a pair lays over categories.
    fn layer(&mut self, part: &Json, layer: Layer<'_>) {
        let world = self.world;
        let below = |category: &str, name: &str| -> Json {
            let mut below = world.categories.get(category).and_then(|own| own.get(name)).cloned();
            if layer.own.is_none() {
                // A pair's changes are laid over what its connectors say, too.
                let connectors = texts(part.get("connectors")).filter_map(|id| world.connectors.get(id));
                for over in connectors.filter_map(|one| one.pointer(&format!("/settings/{category}/{name}")))
                {
                    merge(below.get_or_insert(Json::Null), over);
                }
            }
            below.unwrap_or_default()
        };
        for (category, settings) in part.get("settings").and_then(Json::as_object).into_iter().flatten() {
            let pointer = format!("/settings/{category}");
            if !world.categories.contains_key(category) {
                self.name(&pointer, "category", category, world.categories.keys().map(String::as_str));
                continue;
            }
            for (name, setting) in settings.as_object().into_iter().flatten() {
                let pointer = format!("{pointer}/{name}");
                let below = below(category, name);
                if below.is_null() && setting.is_null() {
                    let known = world.names(category);
                    let known = known.iter().map(String::as_str).filter(|known| known != name);
                    self.name(&pointer, &format!("`{category}` setting"), name, known);
                } else {
                    self.setting(&pointer, setting, &below, layer);
                }
            }
        }
    }

    /// One setting, or a part of one, over what lies below it.
    fn setting(&mut self, pointer: &str, setting: &Json, below: &Json, layer: Layer<'_>) {
        let Some(map) = setting.as_object() else { return };
        let mut whole = below.clone();
        merge(&mut whole, setting);
        if below.is_null() && !layer.first && self.is_incomplete(pointer, map) {
            return;
        }
        let named = |key: &str| map.get(key).and_then(Json::as_str);
        for key in ["x-options", "x-keys"] {
            if let Some(name) = named(key) {
                self.reference(&format!("{pointer}/{key}"), name, layer.own);
            }
        }
        if let Some(name) = named("x-needs") {
            self.reference(&format!("{pointer}/x-needs"), name, layer.own);
        }
        for (at, name) in texts(map.get("x-needs")).enumerate() {
            self.reference(&format!("{pointer}/x-needs/{at}"), name, layer.own);
        }
        self.flows(&format!("{pointer}/x-flows"), map.get("x-flows"));
        for (connector, scopes) in map.get("x-scopes").and_then(Json::as_object).into_iter().flatten() {
            let pointer = format!("{pointer}/x-scopes/{connector}");
            let world = self.world;
            self.name(&pointer, "connector", connector, world.connectors.keys().map(String::as_str));
            if let Some(part) = world.connectors.get(connector) {
                self.scopes(&pointer, Some(scopes), part);
            }
        }
        for key in ["x-required", "x-doubtful-while", "x-idle"] {
            for (name, values) in map.get(key).and_then(Json::as_object).into_iter().flatten() {
                self.condition(&format!("{pointer}/{key}/{name}"), name, values);
            }
        }
        for key in ["x-required-unless", "x-default"] {
            if let Some(name) = named(key) {
                self.path(&format!("{pointer}/{key}"), name);
            }
        }
        for (at, name) in texts(map.get("x-required-unless")).enumerate() {
            self.path(&format!("{pointer}/x-required-unless/{at}"), name);
        }
        if let Some(name) = named("x-kept-in") {
            self.path(&format!("{pointer}/x-kept-in"), name);
        }
        self.beside(pointer, "x-was", map.get("x-was"));
        self.beside(pointer, "x-in-place-of", map.get("x-in-place-of"));
        self.agreement(pointer, map, &whole);
        for (name, inner) in map.get("properties").and_then(Json::as_object).into_iter().flatten() {
            let below = below.pointer(&format!("/properties/{name}")).cloned().unwrap_or_default();
            self.setting(&format!("{pointer}/properties/{name}"), inner, &below, layer);
        }
        for key in ["additionalProperties", "items"] {
            if let Some(inner) = map.get(key).filter(|inner| inner.is_object()) {
                let below = below.get(key).cloned().unwrap_or_default();
                let inside = Layer { first: true, ..layer };
                self.setting(&format!("{pointer}/{key}"), inner, &below, inside);
            }
        }
    }

    /// Other settings of its category, such as those in which a field of a record stood before.
    fn beside(&mut self, pointer: &str, key: &str, named: Option<&Json>) {
        let own = self.node.get("category").and_then(yaml::Node::as_text).map(str::to_owned);
        let category = own.unwrap_or_else(|| pointer.split('/').nth(2).unwrap_or_default().to_owned());
        let known = self.world.names(&category);
        let what = format!("`{category}` setting");
        if let Some(name) = named.and_then(Json::as_str) {
            self.name(&format!("{pointer}/{key}"), &what, name, known.iter().map(String::as_str));
        }
        for name in keys(named) {
            self.name(&format!("{pointer}/{key}/{name}"), &what, name, known.iter().map(String::as_str));
        }
    }

    /// A setting that nothing lies below is new, and says what it is. The meta schema cannot know which ones are.
    fn is_incomplete(&mut self, pointer: &str, map: &Map<String, Json>) -> bool {
        let typed = ["type", "enum", "x-options", "x-code", "x-secret", "properties"];
        let has_type = typed.iter().any(|key| map.contains_key(*key));
        let missing: Vec<&str> =
            ["title", "description"].into_iter().filter(|key| !map.contains_key(*key)).collect();
        if !self.world.whole || (missing.is_empty() && has_type) {
            return false;
        }
        let name = pointer.rsplit('/').next().unwrap_or_default();
        let category = pointer.split('/').nth(2).unwrap_or_default();
        let near = nearest(
            name,
            self.world.names(category).iter().map(String::as_str).filter(|known| *known != name),
        )
        .map(str::to_owned);
        let mut missing: Vec<String> = missing.iter().map(|key| format!("`{key}`")).collect();
        if !has_type {
            missing.push("a type".to_owned());
        }
        let missing = crate::diagnostic::list_words(&missing, "and");
        let (message, help) = match near {
            Some(near) => (
                format!("`{category}` has no setting `{name}` to change"),
                format!("write `{near}`; or add {missing}, if the setting is new"),
            ),
            None => (
                format!("the new setting `{name}` has no {missing}").replace(" no a type", " no type"),
                format!("add {missing}"),
            ),
        };
        self.say(pointer, true, &message, help);
        true
    }

    /// `erp.NAME` or `shop.NAME`: an option set or a capability.
    fn reference(&mut self, pointer: &str, name: &str, own: Option<&Json>) {
        let Some((side, what)) = name.split_once('.') else { return };
        let own = own.filter(|own| text(own, "side") == side);
        let known: BTreeSet<&str> = match own {
            Some(own) => offers(own).collect(),
            None => self.world.offered(side),
        };
        if !self.world.whole || known.contains(what) {
            return;
        }
        let message = match own {
            Some(own) => format!("{} has no option set or capability `{what}`", text(own, "title")),
            None => format!(
                "no {} has an option set or capability `{what}`",
                if side == "erp" { "ERP" } else { "shop" }
            ),
        };
        let help = match nearest(what, known.iter().copied()) {
            Some(near) => format!("write `{side}.{near}`"),
            None => "declare it in a connector; without it the setting is left out of every pair".to_owned(),
        };
        self.say(pointer, false, &message, help);
    }

    fn condition(&mut self, pointer: &str, name: &str, values: &Json) {
        let found = self.path(pointer, name);
        let Some(schema) = found else { return };
        let values = values.as_array().map_or(std::slice::from_ref(values), Vec::as_slice);
        // Platforms may have other values than the category, and than each other.
        let (category, path) = name.split_once('.').unwrap_or_default();
        let layers = self.world.settings(category, &path.split('.').collect::<Vec<_>>());
        let lists = layers.iter().filter_map(|layer| layer.get("enum")?.as_array());
        let listed: Vec<Json> = lists.flatten().cloned().collect();
        let allowed = Some(&listed).filter(|listed| !listed.is_empty());
        let toggle = schema.get("type").and_then(Json::as_str) == Some("boolean");
        let unfit = |value: &&Json| match allowed {
            Some(allowed) => !allowed.contains(value),
            None => toggle && !value.is_boolean(),
        };
        if let Some(value) = values.iter().find(unfit) {
            let options: Vec<String> = match allowed {
                Some(allowed) => allowed.iter().filter_map(Json::as_str).map(str::to_owned).collect(),
                None => vec!["true".to_owned(), "false".to_owned()],
            };
            let near = value.as_str().and_then(|value| nearest(value, options.iter().map(String::as_str)));
            let help = match near {
                Some(near) => format!("write `{near}`"),
                None => codes::one_of(&options),
            };
            self.say(pointer, false, &format!("`{name}` is never {value}, so this never holds"), help);
        }
    }

    /// A setting or flow that a condition names: what the first part says of it that says its type.
    fn path(&mut self, pointer: &str, name: &str) -> Option<Json> {
        let world = self.world;
        let (category, path) = name.split_once('.')?;
        if category == "flows" {
            self.name(pointer, "flow", path, world.flows.iter().map(String::as_str));
            return world
                .flows
                .iter()
                .any(|flow| flow == path)
                .then(|| serde_json::json!({"type": "boolean"}));
        }
        let segments: Vec<&str> = path.split('.').collect();
        let found = world.settings(category, &segments);
        if found.is_empty() && world.whole {
            if world.categories.contains_key(category) {
                let names = world.names(category);
                let known: Vec<String> = names.iter().map(|name| format!("{category}.{name}")).collect();
                self.name(pointer, "setting", name, known.iter().map(String::as_str));
            } else {
                let known = world.categories.keys().map(String::as_str).chain(["flows"]);
                self.name(pointer, "category", category, known);
            }
        }
        let mut whole = Json::Null;
        found.into_iter().for_each(|one| merge(&mut whole, one));
        (!whole.is_null()).then_some(whole)
    }

    /// Whether default, labels and bounds fit the type.
    fn agreement(&mut self, pointer: &str, map: &Map<String, Json>, whole: &Json) {
        let options = whole.get("enum").or_else(|| whole.pointer("/items/enum")).and_then(Json::as_array);
        let labels = map.get("x-labels").and_then(Json::as_object).into_iter().flatten();
        for (label, _) in labels.filter(|(_, text)| !text.is_null()) {
            if options.is_none_or(|options| !options.iter().any(|option| option.as_str() == Some(label))) {
                let pointer = format!("{pointer}/x-labels/{}", escape(label));
                let known = options.into_iter().flatten().filter_map(Json::as_str);
                self.name(&pointer, "allowed value", label, known);
                // A default that is none either would be the same slip.
                return;
            }
        }
        for (least, most) in [("minimum", "maximum"), ("minLength", "maxLength"), ("minItems", "maxItems")] {
            let number = |key: &str| whole.get(key).and_then(Json::as_f64);
            let here = [least, most].into_iter().find(|key| map.contains_key(*key));
            if let (Some(low), Some(high), Some(key)) = (number(least), number(most), here)
                && low > high
            {
                let message = format!("`{least}` is {low} and `{most}` is {high}, so no value fits");
                self.say(
                    &format!("{pointer}/{key}"),
                    false,
                    &message,
                    format!("lower `{least}` or raise `{most}`"),
                );
            }
        }
        // What the linker gives its type is judged there.
        let typed = whole.get("type").is_some() || whole.get("enum").is_some();
        let Some(default) = map.get("default").filter(|default| typed && !default.is_null()) else { return };
        let fits = jsonschema::options().should_validate_formats(true).offline().build(whole);
        if fits.is_ok_and(|validator| !validator.is_valid(default)) {
            let known = options.map(|options| {
                options.iter().filter_map(Json::as_str).map(str::to_owned).collect::<Vec<_>>()
            });
            let help = match known {
                Some(known) => codes::one_of(&known),
                None => "write a value that the setting itself could have".to_owned(),
            };
            self.say(
                &format!("{pointer}/default"),
                false,
                "the default is no value that the setting could have",
                help,
            );
        }
    }
}

/// Every text in a value, with its pointer.
fn collect_texts(value: &Json, pointer: &str, into: &mut Vec<(String, String)>) {
    match value {
        Json::String(text) => into.push((pointer.to_owned(), text.clone())),
        Json::Array(items) => {
            for (at, item) in items.iter().enumerate() {
                collect_texts(item, &format!("{pointer}/{at}"), into);
            }
        }
        Json::Object(map) => {
            for (key, value) in map {
                collect_texts(value, &format!("{pointer}/{}", escape(key)), into);
            }
        }
        _ => {}
    }
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
