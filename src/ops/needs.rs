//! What a project, an integration, a store and a plan reach out to. Whether it is allowed is told in [`super::allowed`].

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use serde_json::Value as Json;

use crate::compile::Whole;
use crate::compile::project::Manifest;
use crate::model::Settings;
use crate::model::category::CONNECTORS;
use crate::options::fetch::addresses::Leads;
use crate::plan::Plan;
use crate::schema::parts::Catalogue;
use crate::secrets;
use crate::source::write;
use crate::store::{self, Place};
use crate::trust::{Endpoint, HTTPS, Need, POSTGRES};

/// A place that a store's URL leads to.
pub struct StoreNeed {
    pub need: Need,
    /// On another machine, or outside the project: not allowed without a line.
    pub is_far: bool,
}

/// What opening a store reaches out to; nothing where its URL is none, which is told when it is opened. A relative path is one
/// of the project.
#[must_use]
pub fn needs_of_store(url: &str, root: &Path) -> Vec<StoreNeed> {
    match store::place_of(url) {
        Ok(Place::Sqlite(path)) => {
            let path = write::leads_to(&root.join(path));
            let is_far = !path.starts_with(write::leads_to(root));
            let of_file = is_far.then_some(StoreNeed { need: Need::StoreFile(path), is_far });
            of_file.into_iter().collect()
        }
        Ok(Place::Postgres(servers)) => servers
            .iter()
            .map(|server| StoreNeed { need: need_of_server(server, POSTGRES), is_far: !server.is_local() })
            .collect(),
        Ok(Place::Configure(server)) => {
            vec![StoreNeed { need: need_of_server(&server, HTTPS), is_far: !server.is_local() }]
        }
        Err(_) => Vec::new(),
    }
}

/// A server by its address, or by the folder of its socket.
fn need_of_server(server: &store::Server, usual: u16) -> Need {
    let at = |host: &str| Need::Store { at: Endpoint::new(host, server.port()), usual };
    match server.host() {
        folder if folder.starts_with('/') => Need::StoreFile(PathBuf::from(folder)),
        host if host.contains(':') => at(&format!("[{host}]")),
        host => at(host),
    }
}

/// Stores, their passwords, and programs.
#[must_use]
pub fn named_by_manifest(declared: &Manifest, root: &Path) -> BTreeSet<Need> {
    let programs = &declared.secrets.exec;
    let mut needs: BTreeSet<Need> = programs.values().map(|command| Need::Program(command.clone())).collect();
    for environment in declared.environments.values() {
        let far = needs_of_store(&environment.store, root).into_iter().filter(|one| one.is_far);
        needs.extend(far.map(|one| one.need));
        let reference = environment.password.as_ref().map(|password| &*password.secret);
        needs.extend(reference.and_then(|reference| secrets::need_of(reference, root, programs)));
    }
    needs
}

/// The connectors of a project, each read once.
pub struct Connectors<'a> {
    catalogue: &'a Catalogue,
    known: BTreeMap<String, Leads>,
}

impl<'a> Connectors<'a> {
    #[must_use]
    pub fn of(catalogue: &'a Catalogue) -> Self {
        Connectors { catalogue, known: BTreeMap::new() }
    }

    fn needs(&mut self, connector: &str, connection: BTreeMap<String, Json>) -> Vec<Need> {
        if !self.known.contains_key(connector) {
            let part = self.catalogue.part(&format!("connectors/{connector}.yaml")).unwrap_or_default();
            self.known.insert(connector.to_owned(), Leads::of(connector, part));
        }
        self.known.get(connector).map(|leads| leads.needs(connection)).unwrap_or_default()
    }
}

/// Hosts and secrets of its connections, and every other secret of its document.
#[must_use]
pub fn named_by_integration(
    whole: &Whole,
    of: &mut Connectors<'_>,
    declared: &Manifest,
    root: &Path,
) -> BTreeSet<Need> {
    let mut needs = BTreeSet::new();
    let connectors = whole.document.get("connectors").and_then(Json::as_object);
    for (connector, declared) in connectors.into_iter().flatten() {
        let connections = declared.get("connections").and_then(Json::as_object);
        for fields in connections.into_iter().flatten().filter_map(|(_, fields)| fields.as_object()) {
            let fields = fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
            needs.extend(of.needs(connector, fields));
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
    let mut of = Connectors::of(catalogue);
    plan.integrations.for_each(&mut |one| {
        let saved = one.categories.iter().filter(|category| category.category.as_str() == CONNECTORS);
        for save in saved.filter_map(|category| category.save.as_ref()) {
            for ((connector, _), fields) in connections(&save.settings) {
                needs.extend(of.needs(connector, fields));
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
