//! Settings under names that they had before, read under those of today: in one composed document, before anything is judged.
//!
//! Each stays at its place in the files, with a finding that mends it there. Where the name of today is written beside the
//! former one nothing is read: which of the two is meant is for a person to say, and the schema refuses the former one.

use serde_json::Value as Json;

use crate::diagnostic::codes::schema as codes;
use crate::diagnostic::{About, Finding, Severity};
use crate::model::SettingPath;
use crate::model::category::SETTINGS;
use crate::schema::{Pair, had_name};
use crate::yaml::{Map, Node, NodeKind};

pub fn read(root: &mut Node, pair: &Pair, integration: &str, findings: &mut Vec<Finding>) {
    let settings = root.as_map_mut().and_then(|map| map.get_mut(SETTINGS)?.value.as_map_mut());
    let Some(settings) = settings else { return };
    for category in pair.settings.iter().filter(|category| category.has_former_names()) {
        let Some(entry) = settings.get_mut(&category.id) else { continue };
        below(&mut entry.value, &category.schema, &SettingPath::root(), &mut |path, former, span| {
            let name = path.segments().last().map_or("", |name| name);
            let about = About {
                integration: Some(integration.to_owned()),
                category: Some(category.id.to_string()),
                setting: Some(path.to_string()),
            };
            let finding = codes::setting_renamed(former, name, true, span).with_severity(Severity::Warning);
            findings.push(finding.about(about));
        });
    }
}

type Tell<'t> = dyn FnMut(&SettingPath, &str, crate::source::Span) + 't;

fn below(node: &mut Node, schema: &Json, path: &SettingPath, tell: &mut Tell<'_>) {
    let NodeKind::Map(map) = &mut node.kind else { return };
    let properties = schema.get("properties").and_then(Json::as_object);
    let known = |key: &str| properties.is_some_and(|properties| properties.contains_key(key));
    let former: Vec<(String, String)> = map
        .entries()
        .iter()
        .filter(|entry| !known(&entry.key.text))
        .filter_map(|entry| {
            let (name, _) = properties?.iter().find(|(_, schema)| had_name(schema, &entry.key.text))?;
            map.get(name).is_none().then(|| (entry.key.text.to_string(), name.clone()))
        })
        .collect();
    for (former, name) in former {
        rename(map, &former, &name, path, tell);
    }
    let rows = schema.get("additionalProperties").filter(|rows| rows.is_object());
    for entry in map.entries_mut() {
        let inner = properties.and_then(|properties| properties.get(&*entry.key.text)).or(rows);
        if let Some(inner) = inner {
            below(&mut entry.value, inner, &path.child(&entry.key.text), tell);
        }
    }
}

/// Of two former names of one setting the first is read.
fn rename(map: &mut Map, former: &str, name: &str, path: &SettingPath, tell: &mut Tell<'_>) {
    if map.get(name).is_some() {
        return;
    }
    let Some(mut entry) = map.remove(former) else { return };
    tell(&path.child(name), former, entry.key.span);
    entry.key.text = name.into();
    map.insert(entry);
}
