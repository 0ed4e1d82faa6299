//! What a project, an integration, a store and a plan reach out to. Whether it is allowed is told in [`super::allowed`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value as Json;

use crate::compile::Whole;
use crate::compile::project::Manifest;
use crate::model::Settings;
use crate::model::category::CONNECTORS;
use crate::options::fetch::addresses::needs_of;
use crate::plan::Plan;
use crate::schema::parts::Catalogue;
use crate::secrets;
use crate::source::write;
use crate::store::{self, Place};
use crate::trust::{Endpoint, Need};

/// What has to be allowed before a store that the files name is opened.
#[must_use]
pub fn needs_of_store(url: &str, root: &Path) -> Vec<Need> {
    match store::place_of(url) {
        Ok(Place::File(path)) => {
            let path = write::leads_to(&root.join(path));
            let is_inside = path.starts_with(write::leads_to(root));
            (!is_inside).then_some(Need::StoreFile(path)).into_iter().collect()
        }
        Ok(Place::Servers(servers)) => {
            let far = servers.into_iter().filter(|server| !server.is_local);
            far.map(|server| Need::Store(endpoint(&server))).collect()
        }
        // What no store is, is told when it is opened.
        Err(_) => Vec::new(),
    }
}

/// The servers of a store that the caller names, which count as allowed by that.
#[must_use]
pub fn needs_of_named_store(url: &str) -> Vec<Need> {
    servers(url).into_iter().map(Need::Store).collect()
}

/// Every server that a connection to a store may go to; none of a file.
#[must_use]
pub fn servers(url: &str) -> Vec<Endpoint> {
    match store::place_of(url) {
        Ok(Place::Servers(servers)) => servers.iter().map(endpoint).collect(),
        _ => Vec::new(),
    }
}

fn endpoint(server: &store::Server) -> Endpoint {
    Endpoint::new(&server.host, server.port)
}

/// Stores, their passwords, and programs.
#[must_use]
pub fn named_by_manifest(declared: &Manifest, root: &Path) -> BTreeSet<Need> {
    let programs = &declared.secrets.exec;
    let mut needs: BTreeSet<Need> = programs.values().map(|command| Need::Program(command.clone())).collect();
    for environment in declared.environments.values() {
        needs.extend(needs_of_store(&environment.store, root));
        let reference = environment.password.as_ref().map(|password| &*password.secret);
        needs.extend(reference.and_then(|reference| secrets::need_of(reference, root, programs)));
    }
    needs
}

/// Hosts and secrets of its connections, and every other secret of its document.
#[must_use]
pub fn named_by_integration(
    whole: &Whole,
    catalogue: &Catalogue,
    declared: &Manifest,
    root: &Path,
) -> BTreeSet<Need> {
    let mut needs = BTreeSet::new();
    let connectors = whole.document.get("connectors").and_then(Json::as_object);
    for (connector, declared) in connectors.into_iter().flatten() {
        let Some(part) = catalogue.part(&format!("connectors/{connector}.yaml")) else { continue };
        let connections = declared.get("connections").and_then(Json::as_object);
        for fields in connections.into_iter().flatten().filter_map(|(_, fields)| fields.as_object()) {
            let fields = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            needs.extend(needs_of(connector, &part, &fields));
        }
    }
    let mut references = Vec::new();
    each_reference(&whole.document, &mut |reference| references.push(reference.to_owned()));
    needs.extend(
        references.iter().filter_map(|reference| secrets::need_of(reference, root, &declared.secrets.exec)),
    );
    needs
}

/// Hands out every `{secret: REFERENCE}` of a document.
fn each_reference(value: &Json, take: &mut dyn FnMut(&str)) {
    match value {
        Json::Object(fields) => match fields.get("secret").and_then(Json::as_str) {
            Some(reference) if fields.len() == 1 => take(reference),
            _ => fields.values().for_each(|field| each_reference(field, take)),
        },
        Json::Array(items) => items.iter().for_each(|item| each_reference(item, take)),
        _ => {}
    }
}

/// Where credentials will be sent by whoever reads what a plan saves.
#[must_use]
pub fn needs_of_saves(plan: &Plan, catalogue: &Catalogue) -> BTreeSet<Need> {
    let mut needs = BTreeSet::new();
    plan.integrations.for_each(&mut |one| {
        let saved = one.categories.iter().filter(|category| category.category.as_str() == CONNECTORS);
        for save in saved.filter_map(|category| category.save.as_ref()) {
            for ((connector, _), fields) in connections(&save.settings) {
                if let Some(part) = catalogue.part(&format!("connectors/{connector}.yaml")) {
                    needs.extend(needs_of(connector, &part, &fields));
                }
            }
        }
    });
    needs
}

/// The fields of each connection, by connector and name.
fn connections(settings: &Settings) -> BTreeMap<(&str, &str), BTreeMap<String, Json>> {
    let mut connections: BTreeMap<(&str, &str), BTreeMap<String, Json>> = BTreeMap::new();
    for (path, value) in settings {
        if let [connector, kind, name, field] = path.segments()
            && &**kind == "connections"
        {
            let fields = connections.entry((connector, name)).or_default();
            fields.insert(field.to_string(), value.to_json());
        }
    }
    connections
}
