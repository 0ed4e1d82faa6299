//! Linking: from the parts of a category, two connectors and a pair to one [`Pair`] and its JSON Schema.
//!
//! Works on JSON values alone; `schemas/README.md` says the rules that this implements.

mod error;
mod expand;
mod names;
mod published;
mod sides;
mod skeleton;

use std::sync::{Arc, OnceLock};

use serde_json::{Map, Value as Json, json};

use super::compiled::Validator;
use super::fragment::Fragment;
use super::keywords::{default_of, former_names, is_group, text};
use super::merge::merge;
use super::pair::{
    Beside, Category, Condition, Connector, Flow, PAYMENT, Pair, Reference, Required, Setting,
};
use super::part_files::PartFiles;
use super::part_names::rename;
use super::records::fields_elsewhere;
use super::shape::Shape;
use crate::model::{FLOWS, Name, SettingPath, TOP_LEVEL, Value};
pub use error::LinkError;
use expand::expand_properties;
use names::{ambiguous_name, blame};
use sides::{Sides, strings};
use skeleton::skeleton;

/// Links one pair, with the payment providers that an integration may connect beside it.
///
/// # Errors
/// When the pair or a connector does not exist, or they do not make a pair.
pub fn link(parts: &PartFiles, id: &str, beside: &Beside) -> Result<Pair, LinkError> {
    let part_path = format!("pairs/{id}.yaml");
    let error = |pointer: &str, message: String, help: String| LinkError {
        part: part_path.clone(),
        pointer: pointer.to_owned(),
        message,
        help,
    };
    let pair =
        parts.part(&part_path).ok_or_else(|| error("", format!("there is no pair `{id}`"), String::new()))?;
    if text(&pair, "pair") != id {
        let message = format!("the file is named `{id}.yaml`, so `pair` must be `{id}`");
        return Err(error("/pair", message, rename(&pair, id)));
    }
    let (shop, erp) = connectors(parts, &pair, &error)?;
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
    let flows = flows(parts, &pair);
    let payments = payments(parts, beside);
    let sides = Sides { shop: &shop, erp: &erp, payments: &payments, flows: &flows };
    let mut offered = Vec::new();
    let mut schemas = Map::new();
    let mut hidden = Vec::new();
    for part in category_parts(parts) {
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
    let schema = Arc::new(skeleton(parts, &sides, &flows, schemas));
    let whole = Whole { schema: Fragment::whole(Arc::clone(&schema)), shape: Arc::new(Shape::of(&schema)) };
    let settings =
        offered.into_iter().filter_map(|(id, of)| whole.category(&["settings", &id], of)).collect();
    let others = TOP_LEVEL.iter().filter_map(|other| whole.category(&[other], None)).collect();
    let title = format!("{} ↔ {}", shop.title, erp.title);
    let validator = Validator::ours(schema);
    // Tests prove it of all built-in pairs.
    if !parts.is_built_in() {
        validator.usable().map_err(|why| {
            let help = "correct the setting that is named there, in the part that says so".to_owned();
            error("", format!("the linked schema is unusable: {why}"), help)
        })?;
    }
    let mut linked = Pair {
        id: id.into(),
        title: title.into(),
        shop,
        erp,
        payments,
        flows,
        settings,
        others,
        hidden,
        shape: whole.shape,
        validator,
        document: OnceLock::new(),
    };
    resolve_defaults(&mut linked);
    drop_kept_nowhere(&mut linked);
    Ok(linked)
}

fn connectors(
    parts: &PartFiles,
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
        let part = parts.part(&format!("connectors/{name}.yaml"));
        let part = part.ok_or_else(|| {
            let help = format!("write it as `schemas/connectors/{name}.yaml`; `pairform schema list` lists those that there are");
            error("/connectors", format!("there is no connector `{name}`"), help)
        })?;
        Ok(Connector::of(name, part))
    };
    let (one, two): (Connector, Connector) = (load(one)?, load(two)?);
    match (text(&one.description, "side"), text(&two.description, "side")) {
        ("shop", "erp") => Ok((one, two)),
        ("erp", "shop") => Ok((two, one)),
        sides => {
            let message = "a pair joins one shop and one ERP".to_owned();
            let payment = if sides.0 == PAYMENT { &one } else { &two };
            let help = match sides {
                (PAYMENT, _) | (_, PAYMENT) => {
                    let title = &payment.title;
                    format!(
                        "{title} is a payment provider, which any integration may connect beside its pair: name a shop and an ERP"
                    )
                }
                ("erp", _) => {
                    format!("{} and {} are both ERPs: name one of the other side", one.title, two.title)
                }
                _ => format!("{} and {} are both shops: name one of the other side", one.title, two.title),
            };
            Err(error("/connectors", message, help))
        }
    }
}

fn payments(parts: &PartFiles, beside: &Beside) -> Vec<Connector> {
    let part = |id: &String| Some(Connector::of(id, parts.part(&format!("connectors/{id}.yaml"))?));
    match beside {
        Beside::All => parts.payments().keys().filter_map(part).collect(),
        Beside::Only(names) => names.iter().filter_map(part).collect(),
    }
}

fn flows(parts: &PartFiles, pair: &Json) -> Vec<Flow> {
    let known = parts.part("flows.yaml").unwrap_or_default();
    let known = known.get("flows").and_then(Json::as_object).cloned().unwrap_or_default();
    known
        .iter()
        .filter_map(|(id, flow)| {
            let offered = pair.get("flows")?.get(id)?;
            Some(Flow {
                id: id.clone(),
                title: text(flow, "title").to_owned(),
                description: text(flow, "description").to_owned(),
                default: default_of(offered) == Some(Value::Bool(true)),
                direction: text(offered, "direction").to_owned(),
            })
        })
        .collect()
}

fn category_parts(parts: &PartFiles) -> Vec<Arc<Json>> {
    let mut found: Vec<Arc<Json>> = parts
        .names("categories")
        .iter()
        .filter_map(|name| parts.part(&format!("categories/{name}.yaml")))
        .collect();
    found.sort_by_key(|part| part.get("order").and_then(Json::as_i64).unwrap_or(i64::MAX));
    found
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
        let (was, kept) = fields_elsewhere(&schema);
        Some(Category {
            id: keys.last().copied().unwrap_or_default().into(),
            title: text(&schema, "title").into(),
            description: text(&schema, "description").to_owned(),
            flows,
            settings,
            shape: Arc::clone(shape),
            renames: has_former_names(&schema),
            was,
            kept,
            schema,
        })
    }
}

fn has_former_names(schema: &Json) -> bool {
    let inner = schema.get("properties").and_then(Json::as_object).into_iter().flat_map(Map::values);
    former_names(schema).next().is_some()
        || inner.chain(schema.get("additionalProperties")).any(has_former_names)
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
        if is_group(&property) {
            collect_settings(&property, &path, &own_flows, additional, into);
            continue;
        }
        into.push(Setting {
            title: text(&property, "title").to_owned(),
            description: text(&property, "description").to_owned(),
            required: required(&property),
            flows: own_flows,
            additional,
            deprecated: property.get("deprecated") == Some(&Json::Bool(true)),
            default: default_of(&property),
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

/// A field whose other place the pair does not have is kept in its record.
fn drop_kept_nowhere(pair: &mut Pair) {
    let mappings: Vec<(Name, SettingPath)> = pair
        .settings
        .iter()
        .flat_map(|category| {
            category.settings.iter().map(|setting| (category.id.clone(), setting.path.clone()))
        })
        .collect();
    for category in &mut pair.settings {
        category.kept.retain(|kept| {
            let path = SettingPath::root().child(&kept.mapping);
            mappings.iter().any(|(category, mapping)| *category == kept.category && *mapping == path)
        });
    }
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
