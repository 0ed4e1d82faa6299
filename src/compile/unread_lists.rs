//! Lists in `options/` of which nothing is used: of no connector, under a name that belongs to another account, of values that no
//! setting has; and a day of fetching that is yet to come. What is wrong within a list is told where it is read.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value as Json;

use crate::diagnostic::codes::compose as codes;
use crate::diagnostic::codes::schema::unfit_value;
use crate::diagnostic::{Finding, nearest};
use crate::options::Options;
use crate::options::lists::days_between;
use crate::options::lock;
use crate::schema::parts::Catalogue;
use crate::source::Sources;
use crate::yaml::{self, Node};

/// What is told of each list, at the line of it that is to blame.
pub fn check(
    sources: &Sources,
    options: &Options,
    catalogue: &Catalogue,
    today: Option<Date>,
) -> Vec<Finding> {
    let connectors = catalogue.names("connectors");
    let mut known: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    let mut findings = Vec::new();
    for (connector, list) in options.lists() {
        let sets = known.entry(connector).or_insert_with(|| sets_of(catalogue, connector));
        let is_known = connectors.iter().any(|known| known == connector);
        let is_in_place = is_called(&list.path, connector, &list.account);
        let is_used = |set: &String| sets.contains(set);
        let is_early = |fetched: &str| today.is_some_and(|today| is_to_come(fetched, today));
        let sound = is_known && is_in_place && list.sets.keys().all(is_used);
        if sound && !list.sets.values().any(|set| is_early(&set.fetched)) {
            continue;
        }
        let root = sources.by_path(&list.path).and_then(|file| yaml::parse(sources, file, &mut Vec::new()));
        let Some(root) = root else { continue };
        let whole = |key: &str| root.get(key).map_or(root.span, |node| node.span);
        if !is_known {
            // A connector that is broken is told where it is.
            if catalogue.is_broken_connector(connector) {
                continue;
            }
            let near = nearest(connector, connectors.iter().map(String::as_str));
            findings.push(codes::list_of_no_connector(connector, near, whole("connector")));
            continue;
        }
        if !is_in_place {
            let path = lock::path(connector, &list.account, &[]);
            findings.push(codes::list_of_another_account(&list.path, &list.account, &path, whole("account")));
            continue;
        }
        for entry in root.get("sets").and_then(Node::as_map).into_iter().flat_map(|map| map.entries()) {
            let name = &*entry.key.text;
            if !sets.iter().any(|set| set == name) {
                let near = nearest(name, sets.iter().map(String::as_str));
                findings.push(codes::unused_list(name, near, entry.key.span));
                continue;
            }
            let fetched = entry.value.get("fetched").filter(|node| node.as_text().is_some_and(is_early));
            findings.extend(fetched.map(|node| {
                let day = node.as_text().unwrap_or_default();
                unfit_value("fetched", Some(&format!("\"{day}\"")), "this day is yet to come", node.span)
                    .help("write the day on which the list was fetched, or run `pairform options refresh`")
            }));
        }
    }
    findings
}

/// The names of the lists that a connector has.
fn sets_of(catalogue: &Catalogue, connector: &str) -> Vec<String> {
    let part = catalogue.part(&format!("connectors/{connector}.yaml"));
    let sets = part.as_ref().and_then(|part| part.get("options")?.as_object());
    sets.into_iter().flat_map(|sets| sets.keys().cloned()).collect()
}

/// Whether a file is called as its account says; of two accounts with one name the second has a digest behind it.
fn is_called(path: &str, connector: &str, account: &str) -> bool {
    let plain = lock::path(connector, account, &[]);
    path.eq_ignore_ascii_case(&plain) || path == lock::path(connector, account, &[plain])
}

/// A day is another one elsewhere on earth.
fn is_to_come(fetched: &str, today: Date) -> bool {
    let day: String = fetched.chars().take(10).collect();
    days_between(&today.to_string(), &day).is_some_and(|days| days > 1)
}

/// For a setting of a category that no part knows, nor one above it: the nearest in its place, if there is one.
pub fn no_such_setting(catalogue: &Catalogue, category: &str, path: &[&str]) -> Option<Option<String>> {
    let own =
        catalogue.part(&format!("categories/{category}.yaml")).and_then(|part| part.get("settings").cloned());
    let layers = ["connectors", "pairs"].into_iter().flat_map(|folder| {
        let part = move |name: String| catalogue.part(&format!("{folder}/{name}.yaml"));
        catalogue.names(folder).into_iter().filter_map(part)
    });
    let layers = layers.filter_map(|part| part.get("settings")?.get(category).cloned());
    let all: Vec<Json> = own.into_iter().chain(layers).collect();
    if all.iter().any(|settings| is_known(settings, path)) {
        return None;
    }
    let first = *path.first()?;
    // What protects the place where a setting stood before protects it.
    if all.iter().any(|settings| stood_before(settings, first, false)) {
        return None;
    }
    let names =
        all.iter().filter_map(Json::as_object).flat_map(|settings| settings.keys().map(String::as_str));
    Some(nearest(first, names).map(str::to_owned))
}

/// Whether a name is among those that `x-was` and `x-renamed-from` mention, anywhere in a place of theirs.
fn stood_before(json: &Json, name: &str, inside: bool) -> bool {
    match json {
        Json::String(text) => inside && text.split(['.', '/']).any(|part| part == name),
        Json::Array(items) => items.iter().any(|item| stood_before(item, name, inside)),
        Json::Object(map) => map.iter().any(|(key, value)| {
            let inside = inside || matches!(key.as_str(), "x-was" | "x-renamed-from");
            (inside && key == name) || stood_before(value, name, inside)
        }),
        _ => false,
    }
}

fn is_known(settings: &Json, path: &[&str]) -> bool {
    let Some((first, rest)) = path.split_first() else { return true };
    let Some(setting) = settings.get(*first) else { return false };
    // Below a setting without named parts are keys that the files choose.
    setting.get("properties").is_none_or(|inner| is_known(inner, rest))
}
