//! What the files say of each integration, as an apply records it: its pair, what people keep editing elsewhere, each setting
//! and where it is written. Whoever shows or saves settings without the files knows by it what git owns. Nothing is saved here.

use std::collections::{BTreeMap, BTreeSet};

use rayon::prelude::*;
use serde_json::{Value as Json, json};

use super::error::{Error, ErrorKind, Result};
use super::parts;
use super::plan::READ_TOGETHER;
use super::project::Project;
use crate::compile::{Changed, Compiled};
use crate::model::{self, canonical_json};
use crate::plan::{self, Plan};
use crate::store::{Document, Recording, Said, Store};

/// When, and from what.
#[derive(Debug, Clone, Copy)]
pub struct From<'a> {
    pub environment: &'a str,
    pub at: &'a str,
}

/// What is to be recorded of the integrations and files that a plan is of, and is not recorded so already; in parts.
///
/// # Errors
/// When the store cannot be read, or files were changed meanwhile.
pub fn news(
    project: &Project<'_>,
    plan: &Plan,
    from: From<'_>,
    store: &mut dyn Store,
) -> Result<Vec<Recording>> {
    let known: BTreeMap<String, Said> =
        store.said(None)?.into_iter().map(|said| (said.integration.clone(), said)).collect();
    let schemas = Schemas::of(project, plan)?;
    let mut open: Vec<String> = Vec::new();
    plan.integrations.for_each(&mut |one| {
        let is_known = known.get(&one.integration).is_some_and(|said| {
            said.pair == *one.pair
                && said.environment == from.environment
                && schemas.digest(&one.pair) == Some(&said.schema)
                && says_unmanaged(&said.facts, one)
        });
        let moves = one.is_applied() || one.categories.iter().any(|category| !category.changes.is_empty());
        // One that left the files since the plan was made says nothing.
        let is_there = project.compilation.names.binary_search(&one.integration).is_ok();
        if is_there && (!is_known || moves) {
            open.push(one.integration.clone());
        }
    });
    let mut parts = vec![files(project, store)?];
    let gone = known.keys().filter(|name| project.compilation.names.binary_search(name).is_err());
    parts[0].unsaid = gone.cloned().collect();
    parts[0].documents.extend(schemas.documents);
    let again = project.again();
    for names in open.chunks(READ_TOGETHER) {
        // Of what a filter left out, what was recorded stands.
        let mut before: BTreeMap<&str, Json> = BTreeMap::new();
        if !plan.scope.categories.is_empty() {
            for said in names.iter().filter_map(|name| known.get(name)) {
                let document = store.document(&said.settings)?.unwrap_or_default();
                before.insert(&said.integration, serde_json::from_str(&document).unwrap_or_default());
            }
        }
        let of_one = |name: &String| -> Result<Option<(Said, Document)>> {
            let kept = project.compilation.find(name).cloned();
            let compiled = match kept.map_or_else(|| again.compile(name), Ok::<_, Changed>) {
                Ok(compiled) => compiled,
                // The way back does not need the files: they may have errors.
                Err(_) if plan.revert.is_some() => return Ok(None),
                Err(changed) => return Err(changed.into()),
            };
            let settings = settings(project, plan, &compiled, before.get(name.as_str()));
            let settings = packed(&canonical_json(settings))?;
            let pair = compiled.pair.id.to_string();
            let said = Said {
                integration: name.clone(),
                environment: from.environment.to_owned(),
                facts: facts(&compiled),
                schema: schemas.digests.get(&pair).cloned().unwrap_or_default(),
                pair,
                settings: settings.digest.clone(),
                said_at: from.at.to_owned(),
                commit: plan.commit.as_ref().map(|commit| commit.id.clone()),
                dirty: plan.commit.as_ref().is_some_and(|commit| commit.dirty),
            };
            Ok(Some((said, settings)))
        };
        let told: Vec<Option<(Said, Document)>> = names.par_iter().map(of_one).collect::<Result<_>>()?;
        let mut part = Recording::default();
        for (said, document) in told.into_iter().flatten() {
            if known.get(&said.integration).is_some_and(|known| is_same(known, &said)) {
                continue;
            }
            part.said.push(said);
            part.documents.push(document);
        }
        parts.push(part);
    }
    parts.retain(|part| !part.is_empty());
    Ok(parts)
}

fn packed(text: &str) -> Result<Document> {
    Document::of(text).map_err(|error| Error::new(ErrorKind::Internal, error.to_string()))
}

/// But for when it was said, and from which commit.
fn is_same(known: &Said, said: &Said) -> bool {
    let Said { integration, environment, pair, facts, schema, settings, .. } = said;
    (integration, environment, pair, facts, schema, settings)
        == (&known.integration, &known.environment, &known.pair, &known.facts, &known.schema, &known.settings)
}

/// Canonical JSON of what is not in the settings.
fn facts(compiled: &Compiled) -> String {
    let names = |names: &[model::Name]| names.iter().map(|name| name.as_str().to_owned()).collect::<Vec<_>>();
    canonical_json(json!({"flows": compiled.flows_on, "unmanaged": names(&compiled.unmanaged)}))
}

fn says_unmanaged(facts: &str, one: &plan::Integration) -> bool {
    let facts: Json = serde_json::from_str(facts).unwrap_or_default();
    let known = facts["unmanaged"].as_array().map(Vec::as_slice).unwrap_or_default();
    known.iter().map(Json::as_str).eq(one.unmanaged.iter().map(|name| Some(name.as_str())))
}

/// By category, what the files say and where each setting is written.
fn settings(project: &Project<'_>, plan: &Plan, compiled: &Compiled, before: Option<&Json>) -> Json {
    let sources = project.workspace.sources();
    let mut all = before.cloned().filter(Json::is_object).unwrap_or_else(|| json!({}));
    let declared: BTreeSet<&str> =
        compiled.configuration.categories.keys().map(|category| category.as_str()).collect();
    if let Some(all) = all.as_object_mut() {
        all.retain(|category, _| !plan.scope.takes(category) || declared.contains(category.as_str()));
    }
    for (category, settings) in &compiled.configuration.categories {
        if !plan.scope.takes(category) {
            continue;
        }
        let origins = compiled.origins.get(category);
        let places: serde_json::Map<String, Json> = origins
            .into_iter()
            .flatten()
            .filter(|(path, _)| settings.contains_key(path))
            .map(|(path, span)| {
                (path.to_string(), format!("{}:{}", sources.path(*span), sources.line(*span)).into())
            })
            .collect();
        all[category.as_str()] = json!({"settings": model::to_json(settings), "places": places});
    }
    all
}

/// The linked schemas of the pairs that a plan has.
struct Schemas {
    digests: BTreeMap<String, String>,
    documents: Vec<Document>,
}

impl Schemas {
    fn of(project: &Project<'_>, plan: &Plan) -> Result<Self> {
        let mut pairs: BTreeSet<model::Name> = BTreeSet::new();
        plan.integrations.for_each(&mut |one| {
            if !pairs.contains(&one.pair) {
                pairs.insert(one.pair.clone());
            }
        });
        let mut schemas = Schemas { digests: BTreeMap::new(), documents: Vec::new() };
        for pair in pairs {
            let Some(linked) = project.compilation.catalogue.pair(&pair) else { continue };
            let document = packed(&canonical_json(linked.document().clone()))?;
            schemas.digests.insert(pair.to_string(), document.digest.clone());
            schemas.documents.push(document);
        }
        Ok(schemas)
    }

    fn digest(&self, pair: &str) -> Option<&String> {
        self.digests.get(pair)
    }
}

/// The lists and schema parts that are not recorded as they are.
fn files(project: &Project<'_>, store: &mut dyn Store) -> Result<Recording> {
    let mut known: BTreeMap<String, String> = store.sources()?.into_iter().collect();
    let mut recording = Recording::default();
    for file in parts::of(project.workspace) {
        let digest = file.with_text(|text, _| model::digest_text(text));
        if known.remove(&file.path).as_ref() == Some(&digest) {
            continue;
        }
        recording.documents.push(file.with_text(|text, _| packed(text))?);
        recording.sources.push((file.path.clone(), digest));
    }
    recording.sources_gone = known.into_keys().collect();
    Ok(recording)
}
