//! Linking: from the parts of a category, two connectors and a pair to one [`Pair`] and its JSON Schema.
//!
//! Works on JSON values alone; `schemas/README.md` says the rules that this implements.

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value as Json, json};

use super::fragment::Fragment;
use super::judge::Validator;
use super::parts::Catalogue;
use super::shape::Shape;
use super::{
    Category, Condition, Connector, Flow, Pair, Reference, Required, Setting, former_names, had_name, text,
};
use crate::model::{CONNECTORS, FLOWS, GENERAL, Name, SCHEDULES, SettingPath, Value, WEBHOOKS};

/// Parts that do not fit together: in which part, where (JSON Pointer) and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LinkError {
    pub part: String,
    pub pointer: String,
    pub message: String,
    pub help: String,
}

/// Links one pair.
///
/// # Errors
/// When the pair or a connector does not exist, or they do not make a pair.
pub fn link(catalogue: &Catalogue, id: &str) -> Result<Pair, LinkError> {
    let part_path = format!("pairs/{id}.yaml");
    let error = |pointer: &str, message: String, help: String| LinkError {
        part: part_path.clone(),
        pointer: pointer.to_owned(),
        message,
        help,
    };
    let pair = catalogue
        .part(&part_path)
        .ok_or_else(|| error("", format!("there is no pair `{id}`"), String::new()))?;
    if text(&pair, "pair") != id {
        let message = format!("the file is named `{id}.yaml`, so `pair` must be `{id}`");
        return Err(error("/pair", message, format!("write `{id}`, or rename the file")));
    }
    let (shop, erp) = connectors(catalogue, &pair, &error)?;
    let mut ids = [shop.id.as_str(), erp.id.as_str()];
    ids.sort_unstable();
    if ids.join("-") != id {
        let expected = ids.join("-");
        return Err(error(
            "/pair",
            format!("a pair's id is its connectors in alphabetical order: `{expected}`"),
            format!("write `{expected}`, and name the file `{expected}.yaml`"),
        ));
    }
    let flows = flows(catalogue, &pair);
    let sides = Sides { shop: &shop, erp: &erp, flows: &flows };
    let mut offered = Vec::new();
    let mut schemas = Map::new();
    let mut hidden = Vec::new();
    for part in category_parts(catalogue) {
        let category = text(&part, "category").to_owned();
        let taken_away = pair.pointer(&format!("/categories/{category}")).is_some_and(Json::is_null);
        let needs = part.get("needs").and_then(Json::as_str);
        let of = part.get("flows").map(|of| {
            let of = strings(of).into_iter();
            of.filter(|id| flows.iter().any(|flow| flow.id == *id)).collect::<Vec<_>>()
        });
        let without_flow = of.as_ref().is_some_and(Vec::is_empty);
        if taken_away || without_flow || needs.is_some_and(|needs| !sides.has(needs)) {
            hidden.push((category, text(&part, "hidden_because").to_owned()));
        } else {
            let schema = category_schema(&part, &category, &pair, &sides);
            if let Some((pointer, message)) = ambiguous_name(&schema, "") {
                return Err(blame(&pointer, message, &category, &pair, &sides));
            }
            schemas.insert(category.clone(), schema);
            offered.push((category, of));
        }
    }
    let schema = Arc::new(skeleton(catalogue, &sides, &flows, schemas));
    let whole = Whole { schema: Fragment::whole(Arc::clone(&schema)), shape: Arc::new(Shape::of(&schema)) };
    let settings =
        offered.into_iter().filter_map(|(id, of)| whole.category(&["settings", &id], of)).collect();
    let others = [CONNECTORS, FLOWS, SCHEDULES, WEBHOOKS];
    let others = others.iter().filter_map(|other| whole.category(&[other], None)).collect();
    let title = format!("{} ↔ {}", shop.title, erp.title);
    let validator = Validator::new(schema).map_err(|why| {
        let help = "correct the setting that is named there, in the part that says so".to_owned();
        error("", format!("the linked schema is unusable: {why}"), help)
    })?;
    let mut linked = Pair {
        id: id.into(),
        title: title.into(),
        shop,
        erp,
        flows,
        settings,
        others,
        hidden,
        shape: whole.shape,
        validator,
        document: OnceLock::new(),
    };
    resolve_defaults(&mut linked);
    Ok(linked)
}

fn connectors(
    catalogue: &Catalogue,
    pair: &Json,
    error: &dyn Fn(&str, String, String) -> LinkError,
) -> Result<(Connector, Connector), LinkError> {
    let names: Vec<&str> = pair
        .get("connectors")
        .and_then(Json::as_array)
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let [one, two] = names[..] else {
        let message = "a pair has exactly two connectors".to_owned();
        return Err(error("/connectors", message, "name one shop and one ERP".to_owned()));
    };
    let load = |name: &str| {
        let part = catalogue.part(&format!("connectors/{name}.yaml"));
        let part = part.ok_or_else(|| {
            let help = format!("write it as `schemas/connectors/{name}.yaml`; `pairform schema list` lists those that there are");
            error("/connectors", format!("there is no connector `{name}`"), help)
        })?;
        let title = text(&part, "title").to_owned();
        Ok(Connector { id: name.to_owned(), title, description: part })
    };
    let (one, two): (Connector, Connector) = (load(one)?, load(two)?);
    match (text(&one.description, "side"), text(&two.description, "side")) {
        ("shop", "erp") => Ok((one, two)),
        ("erp", "shop") => Ok((two, one)),
        (side, _) => {
            let message = "a pair joins one shop and one ERP".to_owned();
            let which = if side == "erp" { "ERPs" } else { "shops" };
            let help =
                format!("{} and {} are both {which}: name one of the other side", one.title, two.title);
            Err(error("/connectors", message, help))
        }
    }
}

fn flows(catalogue: &Catalogue, pair: &Json) -> Vec<Flow> {
    let known = catalogue.part("flows.yaml").unwrap_or_default();
    let known = known.get("flows").and_then(Json::as_object).cloned().unwrap_or_default();
    known
        .iter()
        .filter_map(|(id, flow)| {
            let offered = pair.get("flows")?.get(id)?;
            Some(Flow {
                id: id.clone(),
                title: text(flow, "title").to_owned(),
                description: text(flow, "description").to_owned(),
                default: offered.get("default").and_then(Json::as_bool).unwrap_or(false),
                direction: text(offered, "direction").to_owned(),
            })
        })
        .collect()
}

fn category_parts(catalogue: &Catalogue) -> Vec<Arc<Json>> {
    let mut parts: Vec<Arc<Json>> = catalogue
        .names("categories")
        .iter()
        .filter_map(|name| catalogue.part(&format!("categories/{name}.yaml")))
        .collect();
    parts.sort_by_key(|part| part.get("order").and_then(Json::as_i64).unwrap_or(i64::MAX));
    parts
}

/// The two connectors and the pair's flows, asked for what `x-options`, `x-needs` and `x-flows` name.
struct Sides<'a> {
    shop: &'a Connector,
    erp: &'a Connector,
    flows: &'a [Flow],
}

impl Sides<'_> {
    fn side(&self, name: &str) -> Option<(&Connector, String)> {
        let (side, what) = name.split_once('.')?;
        let connector = match side {
            "shop" => self.shop,
            "erp" => self.erp,
            _ => return None,
        };
        Some((connector, what.to_owned()))
    }

    fn option_set(&self, name: &str) -> Option<(&Connector, String, &Json)> {
        let (connector, what) = self.side(name)?;
        let set = connector.description.get("options")?.get(&what)?;
        Some((connector, what, set))
    }

    fn has(&self, name: &str) -> bool {
        let Some((connector, what)) = self.side(name) else { return false };
        let capabilities = connector.description.get("capabilities").and_then(Json::as_array);
        self.option_set(name).is_some()
            || capabilities.into_iter().flatten().any(|capability| capability.as_str() == Some(&what))
    }

    /// Rule 4: a setting is left out when what it needs is not there.
    fn offers(&self, schema: &Json) -> bool {
        let options = schema.get("x-options").and_then(Json::as_str);
        let needs = match schema.get("x-needs") {
            Some(Json::String(one)) => vec![one.as_str()],
            Some(Json::Array(many)) => many.iter().filter_map(Json::as_str).collect(),
            _ => Vec::new(),
        };
        let flows = schema.get("x-flows").map(strings);
        let offered = |id: &String| self.flows.iter().any(|flow| flow.id == *id);
        flows.is_none_or(|flows| flows.iter().any(offered))
            && needs.into_iter().all(|name| self.has(name))
            && options.is_none_or(|name| self.option_set(name).is_some())
            && schema
                .get("additionalProperties")
                .filter(|rows| rows.is_object())
                .is_none_or(|rows| self.offers(rows))
    }
}

/// Maps merge key by key, `null` takes a key away, all else replaces.
pub(super) fn merge(into: &mut Json, over: &Json) {
    let (Json::Object(into), Json::Object(over)) = (&mut *into, over) else {
        *into = over.clone();
        return;
    };
    for (key, value) in over {
        if value.is_null() {
            into.shift_remove(key);
        } else {
            merge(into.entry(key.clone()).or_insert(Json::Null), value);
        }
    }
}

fn category_schema(part: &Json, id: &str, pair: &Json, sides: &Sides<'_>) -> Json {
    let mut settings = part.get("settings").cloned().unwrap_or_else(|| json!({}));
    for layer in [&sides.shop.description, &sides.erp.description, pair] {
        if let Some(over) = layer.get("settings").and_then(|settings| settings.get(id)) {
            merge(&mut settings, over);
        }
    }
    let mut schema = json!({
        "title": text(part, "title"),
        "description": text(part, "description"),
        "type": ["object", "null"],
        "additionalProperties": false,
    });
    // Put in whole: within `json!` it would be copied value by value.
    schema["properties"] = settings;
    expand_properties(&mut schema, sides);
    schema
}

/// The whole document's schema, from which that of each category is taken.
struct Whole {
    schema: Fragment,
    shape: Arc<Shape>,
}

impl Whole {
    /// The category that the document has under these keys.
    fn category(&self, keys: &[&str], flows: Option<Vec<String>>) -> Option<Category> {
        let schema =
            keys.iter().try_fold(self.schema.clone(), |schema, key| schema.below(&["properties", key]))?;
        let shape = keys.iter().try_fold(&self.shape, |shape, key| shape.shared_below(key))?;
        let mut settings = Vec::new();
        collect_settings(&schema, &SettingPath::root(), &[], false, &mut settings);
        Some(Category {
            id: keys.last().copied().unwrap_or_default().into(),
            title: text(&schema, "title").into(),
            description: text(&schema, "description").to_owned(),
            flows,
            settings,
            shape: Arc::clone(shape),
            renames: has_former_names(&schema),
            schema,
        })
    }
}

fn has_former_names(schema: &Json) -> bool {
    let inner = schema.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::values);
    former_names(schema).next().is_some()
        || inner.chain(schema.get("additionalProperties")).any(has_former_names)
}

/// A name that two settings of one place had or have: where it is claimed, and why it cannot be.
fn ambiguous_name(schema: &Json, at: &str) -> Option<(String, String)> {
    let properties = schema.get("properties").and_then(Json::as_object);
    for (key, property) in properties.into_iter().flatten() {
        let here = format!("{at}/{key}");
        for former in former_names(property) {
            let others = || properties.into_iter().flatten().filter(|(other, _)| *other != key);
            let taken = properties.is_some_and(|properties| properties.contains_key(former));
            let claimed = others().find(|(_, other)| had_name(other, former)).map(|(other, _)| other);
            let why = match claimed {
                _ if taken => "which is the name of a setting".to_owned(),
                Some(other) => format!("and so does `{other}`"),
                None => continue,
            };
            return Some((here, format!("`{key}` says that it was called `{former}` before, {why}")));
        }
        if let Some(found) = ambiguous_name(property, &format!("{here}/properties")) {
            return Some(found);
        }
    }
    let rows = schema.get("additionalProperties").filter(|rows| rows.is_object())?;
    let holder = at.strip_suffix("/properties").unwrap_or(at);
    ambiguous_name(rows, &format!("{holder}/additionalProperties/properties"))
}

/// The part that says what is wrong about a setting, the last that is laid over the others.
fn blame(pointer: &str, message: String, category: &str, pair: &Json, sides: &Sides<'_>) -> LinkError {
    let pointer = format!("{pointer}/x-renamed-from");
    let help = "let one setting alone say it; a name that is in use was not given up".to_owned();
    let said = |part: &Json, id: &str, folder: &str| {
        let pointer = format!("/settings/{category}{pointer}");
        part.pointer(&pointer)?;
        Some(LinkError {
            part: format!("{folder}/{id}.yaml"),
            pointer,
            message: message.clone(),
            help: help.clone(),
        })
    };
    said(pair, text(pair, "pair"), "pairs")
        .or_else(|| said(&sides.erp.description, &sides.erp.id, "connectors"))
        .or_else(|| said(&sides.shop.description, &sides.shop.id, "connectors"))
        .unwrap_or_else(|| LinkError {
            part: format!("categories/{category}.yaml"),
            pointer: format!("/settings{pointer}"),
            message: message.clone(),
            help: help.clone(),
        })
}

/// Drops what the platforms do not offer, and gives every property the type that the vocabulary implies.
fn expand_properties(schema: &mut Json, sides: &Sides<'_>) {
    let Some(Json::Object(properties)) = schema.get_mut("properties") else { return };
    properties.retain(|_, property| sides.offers(property));
    for property in properties.values_mut() {
        expand(property, sides);
        nullable(property);
    }
    // A group of which nothing is left is no group.
    properties.retain(|_, property| {
        property.get("properties").and_then(Json::as_object).is_none_or(|left| !left.is_empty())
    });
}

fn expand(schema: &mut Json, sides: &Sides<'_>) {
    let Some(map) = schema.as_object_mut() else { return };
    if let Some(name) = map.get("x-options").and_then(Json::as_str).map(str::to_owned)
        && let Some((connector, set, description)) = sides.option_set(&name)
    {
        let code = if text(description, "value") == "integer" { "integer" } else { "text" };
        map.insert("x-options".to_owned(), format!("{}.{set}", connector.id).into());
        map.insert("x-code".to_owned(), code.into());
    }
    if let Some(name) = map.get("x-keys").and_then(Json::as_str).map(str::to_owned) {
        match sides.option_set(&name) {
            Some((connector, set, _)) => {
                map.insert("x-keys".to_owned(), format!("{}.{set}", connector.id).into())
            }
            None => map.shift_remove("x-keys"),
        };
    }
    if map.contains_key("x-code") && !map.contains_key("type") {
        expand_code(map);
    }
    if map.contains_key("x-secret") {
        // Its keys are no settings: none of them is reset by null.
        expand_secret(map);
        return;
    }
    if map.get("x-multiple") == Some(&Json::Bool(true)) {
        expand_multiple(map);
    }
    if map.contains_key("properties") {
        map.entry("type").or_insert_with(|| "object".into());
        map.entry("additionalProperties").or_insert(Json::Bool(false));
        expand_properties(schema, sides);
    }
    if let Some(rows) = schema.get_mut("additionalProperties").filter(|rows| rows.is_object()) {
        expand(rows, sides);
        nullable(rows);
    }
    if let Some(items) =
        schema.get_mut("items").filter(|items| items.is_object() && items.get("type").is_none())
    {
        expand(items, sides);
    }
}

/// A code may be written as number or as text.
fn expand_code(map: &mut Map<String, Json>) {
    if map.get("x-code") == Some(&Json::from("integer")) {
        map.insert("type".to_owned(), json!(["integer", "string"]));
        map.entry("pattern").or_insert_with(|| "^[0-9]+$".into());
    } else {
        map.insert("type".to_owned(), json!(["string", "integer"]));
        map.entry("minLength").or_insert_with(|| 1.into());
    }
}

/// The form of a reference to a secret.
pub const REFERENCE: &str =
    r"^((env|file|exec)/.+|vault/[^/#?%\s.][^/#?%\s]*(/[^/#?%\s.][^/#?%\s]*)+#[^#\s]+)$";

fn expand_secret(map: &mut Map<String, Json>) {
    map.insert("type".to_owned(), "object".into());
    map.insert(
        "properties".to_owned(),
        json!({
            "secret": {"type": "string", "pattern": REFERENCE,
                "x-message": "a secret is `env/NAME`, `file/PATH`, `exec/NAME` or `vault/MOUNT/PATH#KEY`"},
            "fingerprint": {"type": ["string", "null"]},
        }),
    );
    map.insert("required".to_owned(), json!(["secret"]));
    map.insert("additionalProperties".to_owned(), false.into());
}

/// The value's own schema moves under `items`; what describes the setting stays.
fn expand_multiple(map: &mut Map<String, Json>) {
    let inner: Map<String, Json> =
        ["x-options", "x-code", "x-free", "type", "pattern", "minLength", "minimum", "maximum", "enum"]
            .into_iter()
            .filter_map(|key| map.shift_remove(key).map(|value| (key.to_owned(), value)))
            .collect();
    map.insert("type".to_owned(), "array".into());
    map.insert("items".to_owned(), Json::Object(inner));
    map.insert("uniqueItems".to_owned(), true.into());
}

/// `null` resets a setting, so every setting admits it.
fn nullable(schema: &mut Json) {
    let Some(map) = schema.as_object_mut() else { return };
    if map.contains_key("x-secret") {
        return;
    }
    match map.get_mut("type") {
        Some(Json::String(one)) => {
            let one = std::mem::take(one);
            map.insert("type".to_owned(), json!([one, "null"]));
        }
        Some(Json::Array(many)) if !many.contains(&"null".into()) => many.push("null".into()),
        _ => {}
    }
    if let Some(Json::Array(allowed)) = map.get_mut("enum")
        && !allowed.contains(&Json::Null)
    {
        allowed.push(Json::Null);
    }
}

fn collect_settings(
    schema: &Fragment,
    at: &SettingPath,
    flows: &[String],
    additional: bool,
    into: &mut Vec<Setting>,
) {
    let keys = schema.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::keys);
    for (key, property) in keys.filter_map(|key| Some((key, schema.below(&["properties", key])?))) {
        let path = at.child(key);
        let own_flows = property.get("x-flows").map_or_else(|| flows.to_vec(), strings);
        let additional = additional || property.get("x-additional") == Some(&Json::Bool(true));
        let group = property.get("properties").is_some() && property.get("x-secret").is_none();
        if group {
            collect_settings(&property, &path, &own_flows, additional, into);
            continue;
        }
        into.push(Setting {
            title: text(&property, "title").to_owned(),
            description: text(&property, "description").to_owned(),
            required: required(&property),
            flows: own_flows,
            additional,
            default: property.get("default").map(Value::from_json),
            schema: property,
            path,
        });
    }
}

fn required(schema: &Json) -> Required {
    let unless: Vec<Reference> = match schema.get("x-required-unless") {
        Some(Json::String(one)) => reference(one).into_iter().collect(),
        Some(many) => strings(many).iter().filter_map(|one| reference(one)).collect(),
        None => Vec::new(),
    };
    match schema.get("x-required") {
        Some(Json::Bool(true)) => Required::Yes { when: Vec::new(), unless },
        None if !unless.is_empty() => Required::Yes { when: Vec::new(), unless },
        Some(Json::Object(conditions)) => {
            let when = conditions.iter().filter_map(|(on, values)| {
                let values = values.as_array().cloned().unwrap_or_else(|| vec![values.clone()]);
                Some(Condition { on: reference(on)?, values, default: None })
            });
            Required::Yes { when: when.collect(), unless }
        }
        _ => Required::No,
    }
}

fn reference(name: &str) -> Option<Reference> {
    let (category, path) = name.split_once('.')?;
    Some(Reference { category: category.to_owned(), path: SettingPath::parse(path)? })
}

fn strings(list: &Json) -> Vec<String> {
    list.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned).collect()
}

/// The document's schema with flows, connectors, topics and categories filled in; without what is required when.
fn skeleton(catalogue: &Catalogue, sides: &Sides<'_>, flows: &[Flow], settings: Map<String, Json>) -> Json {
    let mut schema = Json::clone(&catalogue.part("document.yaml").unwrap_or_default());
    let flow_ids: Vec<&str> = flows.iter().map(|flow| flow.id.as_str()).collect();
    let properties = &mut schema["properties"];
    for flow in flows {
        properties["flows"]["properties"][&flow.id] = json!({
            "title": flow.title, "description": flow.description, "type": ["boolean", "null"], "default": flow.default,
        });
    }
    for connector in [sides.shop, sides.erp] {
        properties["connectors"]["properties"][&connector.id] = connector_schema(connector, sides);
    }
    let others = [CONNECTORS, FLOWS, SCHEDULES, WEBHOOKS];
    let categories: Vec<&str> = settings.keys().map(String::as_str).chain(others).collect();
    properties["unmanaged"]["items"]["enum"] = json!(categories);
    // Put in whole: to copy a schema costs more than to judge a document by it.
    properties["settings"]["properties"] = Json::Object(settings);
    for (map, flow_key) in [("schedules", "flow"), ("webhooks", "flow")] {
        let row = &mut properties[map]["additionalProperties"];
        row["properties"][flow_key]["enum"] = json!(flow_ids);
        row["type"] = json!(["object", "null"]);
    }
    let webhook = &mut properties["webhooks"]["additionalProperties"];
    if let Some(secret) = webhook["properties"]["secret"].as_object_mut() {
        expand_secret(secret);
    }
    fill_topics(webhook, sides);
    schema
}

fn connector_schema(connector: &Connector, sides: &Sides<'_>) -> Json {
    let mut connection = connector.description.get("connection").cloned().unwrap_or_else(|| json!({}));
    connection["type"] = "object".into();
    connection["additionalProperties"] = false.into();
    if let Some(Json::Object(fields)) = connection.get_mut("properties") {
        for field in fields.values_mut() {
            expand(field, sides);
        }
    }
    let mut schema = json!({
        "title": connector.title,
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "active": {"title": format!("Active connection of {}", connector.title),
                "description": "The name of the connection that is used.", "type": "string", "minLength": 1, "x-required": true},
            "connections": {"title": format!("Connections of {}", connector.title),
                "description": "The named connections.", "type": "object"},
        },
    });
    schema["properties"]["connections"]["additionalProperties"] = connection;
    schema
}

fn fill_topics(webhook: &mut Json, sides: &Sides<'_>) {
    let mut senders = Vec::new();
    let mut rules = Vec::new();
    let mut refusals = Map::new();
    for connector in [sides.shop, sides.erp] {
        let topics =
            connector.description.get("topics").and_then(Json::as_object).filter(|topics| !topics.is_empty());
        let Some(topics) = topics else {
            let why = text(&connector.description, "no_webhooks");
            let why = if why.is_empty() {
                format!("{} offers no webhooks", connector.title)
            } else {
                why.to_owned()
            };
            refusals.insert(connector.id.clone(), why.into());
            continue;
        };
        senders.push(connector.id.as_str());
        let known = json!({"enum": topics.keys().collect::<Vec<_>>()});
        let topic = match connector.description.get("topic_pattern") {
            Some(pattern) => json!({"anyOf": [known, {"pattern": pattern}]}),
            None => known,
        };
        rules.push(json!({
            "if": {"type": "object", "properties": {"connector": {"const": connector.id}}, "required": ["connector"]},
            "then": {"properties": {"topic": topic}},
        }));
    }
    if !senders.is_empty() {
        webhook["properties"]["connector"]["enum"] = json!(senders);
        webhook["allOf"] = Json::Array(rules);
    }
    webhook["properties"]["connector"]["x-refusals"] = Json::Object(refusals);
}

/// Conditions judge effective values, so they carry the default of the setting they name.
fn resolve_defaults(pair: &mut Pair) {
    let defaults: Vec<(Name, SettingPath, Json)> = pair
        .settings
        .iter()
        .flat_map(|category| category.settings.iter().map(move |setting| (category, setting)))
        .filter_map(|(category, setting)| {
            Some((category.id.clone(), setting.path.clone(), setting.default.as_ref()?.to_json()))
        })
        .chain(
            pair.flows
                .iter()
                .map(|flow| (FLOWS.into(), SettingPath::root().child(&flow.id), Json::Bool(flow.default))),
        )
        .collect();
    for setting in pair.settings.iter_mut().flat_map(|category| &mut category.settings) {
        let Required::Yes { when, .. } = &mut setting.required else { continue };
        for condition in when {
            let found = defaults
                .iter()
                .find(|(category, path, _)| *category == condition.on.category && *path == condition.on.path);
            condition.default = found.map(|(_, _, value)| value.clone());
        }
    }
}

/// The published schema: the structure, and as conditions what a live integration must have decided.
pub(super) fn document(pair: &Pair) -> Json {
    let mut schema = pair.validator().schema().clone();
    let mut rules = Vec::new();
    for category in pair.categories() {
        for setting in &category.settings {
            if let Required::Yes { when, unless } = &setting.required {
                rules.push(json!({
                    "if": {"allOf": premises(pair, category, setting, when, unless)},
                    "then": declared(&place(&category.id, &setting.path)),
                }));
            }
        }
    }
    schema["title"] = format!("{} ({})", pair.title, pair.id).into();
    schema["properties"]["pair"]["const"] = pair.id.as_str().into();
    schema["allOf"] = Json::Array(rules);
    schema
}

fn premises(
    pair: &Pair,
    category: &Category,
    setting: &Setting,
    when: &[Condition],
    unless: &[Reference],
) -> Vec<Json> {
    let live = place(GENERAL, &SettingPath::root().child("live_mode"));
    let mut all = vec![
        has_value(&live, &[Json::Bool(true)], false),
        json!({"not": {"properties": {"unmanaged": {"type": "array", "contains": {"const": category.id}}}, "required": ["unmanaged"]}}),
    ];
    let any_on = |flows: &[String]| {
        let on = flows.iter().filter_map(|id| pair.flow(id)).map(|flow| {
            has_value(&place(FLOWS, &SettingPath::root().child(&flow.id)), &[Json::Bool(true)], flow.default)
        });
        json!({"anyOf": on.chain([Json::Bool(false)]).collect::<Vec<_>>()})
    };
    if let Some(flows) = &category.flows {
        all.push(any_on(flows));
    }
    if !setting.flows.is_empty() {
        all.push(any_on(&setting.flows));
    }
    for condition in when {
        let by_default = condition.default.as_ref().is_some_and(|default| condition.values.contains(default));
        all.push(has_value(
            &place(&condition.on.category, &condition.on.path),
            &condition.values,
            by_default,
        ));
    }
    for reference in unless {
        all.push(json!({"not": declared(&place(&reference.category, &reference.path))}));
    }
    all
}

/// The keys from the document's root to a setting.
fn place(category: &str, path: &SettingPath) -> Vec<String> {
    let settings = ![CONNECTORS, FLOWS, SCHEDULES, WEBHOOKS].contains(&category);
    let head = settings.then(|| "settings".to_owned()).into_iter().chain([category.to_owned()]);
    head.chain(path.segments().iter().map(ToString::to_string)).collect()
}

/// A schema that holds when the value at `keys` is one of `values`, or is absent or null and that counts as one.
fn has_value(keys: &[String], values: &[Json], by_default: bool) -> Json {
    let mut allowed = values.to_vec();
    if by_default {
        allowed.push(Json::Null);
    }
    keys.iter().rev().fold(json!({"enum": allowed}), |inner, key| {
        let mut schema = json!({"properties": {key: inner}});
        if !by_default {
            schema["required"] = json!([key]);
            schema["type"] = "object".into();
        }
        schema
    })
}

/// A schema that holds when a value was decided at `keys`.
fn declared(keys: &[String]) -> Json {
    // An empty text, list or map decides nothing.
    keys.iter().rev().fold(
        json!({"not": {"enum": [null, "", [], {}]}}),
        |inner, key| json!({"type": "object", "properties": {key: inner}, "required": [key]}),
    )
}
