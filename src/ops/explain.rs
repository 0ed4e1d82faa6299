//! Where the value of a setting came from: every layer that says something of it, the one that counts, and what is deployed.

use std::borrow::Cow;
use std::collections::BTreeSet;

use serde_json::{Value as Json, json};

use super::deployed;
use super::error::{Error, Help, Result};
use super::host::Host;
use super::plan;
use super::project::Project;
use super::request::Request;
use crate::compile::layers::Layers;
use crate::compile::{Compiled, redact};
use crate::diagnostic::nearest;
use crate::model::credential::is_reference;
use crate::model::{CONNECTORS, GENERAL, SettingPath, Settings, Value, WEBHOOKS};
use crate::plan::{Change, Plan};
use crate::schema::{Category, Pair, Setting};
use crate::source::Span;
use crate::yaml::{Node, NodeKind};

/// What stands for a credential that is written in the open.
const NOT_SHOWN: &str = "literal credential, not shown";

/// A setting of an integration, or each row of a mapping.
pub struct Explanation {
    pub rows: Vec<Explained>,
    /// `next-sync`, `immediately` or `new-import`.
    pub effect: String,
    /// Why nothing is known of what is deployed.
    pub unknown: Option<String>,
}

/// One leaf: what each layer says of it, what counts, and what is deployed.
pub struct Explained {
    pub setting: String,
    /// With its label; none where the files say nothing.
    pub value: Option<String>,
    pub layers: Vec<Layer>,
    pub deployed: Option<Value>,
    /// What an apply would do.
    pub change: Option<Change>,
}

/// What one layer says of a setting.
pub struct Layer {
    pub path: String,
    pub line: usize,
    pub value: Json,
    /// Where it is said what counts in its place; none: it counts.
    pub beaten_by: Option<String>,
}

/// Explains what an integration has of a setting.
#[must_use]
pub fn explain(
    request: &Request,
    host: &Host<'_>,
    opened: &Project<'_>,
    compiled: &Compiled,
    category: &Category,
    found: &Setting,
    asked: &SettingPath,
) -> Explanation {
    let layers = Layers::read(
        opened.workspace.sources(),
        &opened.compilation.project,
        opened.environment.as_deref(),
        &[&compiled.name],
    );
    let (deployed, plan, unknown) =
        match deployed_of(&request.of(&compiled.name), host, opened, &compiled.name, &category.id) {
            Ok((deployed, plan)) => (deployed, Some(plan), None),
            Err(error) => (Settings::new(), None, Some(error.message)),
        };
    let changes = plan.into_iter().flat_map(|plan| plan.integrations);
    let changes = changes.flat_map(|integration| integration.categories);
    let changes: Vec<Change> = changes
        .filter(|planned| planned.category == category.id)
        .flat_map(|planned| planned.changes)
        .collect();
    let written = compiled.configuration.of(&category.id);
    let mut paths: BTreeSet<SettingPath> =
        written.into_iter().flatten().map(|(path, _)| path.clone()).collect();
    paths.extend(deployed.keys().cloned());
    paths.retain(|path| path.starts_with(asked));
    if paths.is_empty() {
        paths.insert(asked.clone());
    }
    let sources = opened.workspace.sources();
    let place = |span: Span| (sources.path(span).to_owned(), sources.line(span));
    // An alias may bring the credential of another place here.
    let brings_credential = |value: &Node| {
        let is_text = matches!(value.kind, NodeKind::Text(_) | NodeKind::Number(_));
        let holds = |span: Span| span.start < value.span.end && value.span.start < span.end;
        is_text && redact::suspicious_in(sources, value.span.file).into_iter().any(holds)
    };
    let rows = paths.into_iter().map(|path| {
        let value = written.and_then(|written| written.get(&path));
        let label = value.and_then(|value| {
            compiled.view(&opened.compilation.options).label(category.schema_at(&path)?, value)
        });
        let said = layers.said(&compiled.name, &compiled.pair, &category.id, &path).into_iter().map(|said| {
            let (file, line) = place(said.key);
            let beaten_by = said.beaten.map(|span| {
                let (file, line) = place(span);
                format!("{file}:{line}")
            });
            Layer {
                path: file,
                line,
                value: if brings_credential(&said.value) {
                    NOT_SHOWN.into()
                } else {
                    shown(&compiled.pair, &category.id, &path, &said.value)
                },
                beaten_by,
            }
        });
        Explained {
            value: value.map(|value| value.with_label(label.as_deref())),
            layers: said.collect(),
            deployed: deployed.get(&path).cloned(),
            change: changes.iter().find(|change| change.setting == path.to_string()).cloned(),
            setting: path.to_string(),
        }
    });
    let effect = found.schema.get("x-effect").and_then(Json::as_str);
    let effect = effect.unwrap_or(if category.id == GENERAL { "immediately" } else { "next-sync" });
    Explanation { rows: rows.collect(), effect: effect.to_owned(), unknown }
}

/// What is deployed of one category, and the plan against it.
fn deployed_of(
    request: &Request,
    host: &Host<'_>,
    opened: &Project<'_>,
    name: &str,
    category: &str,
) -> Result<(Settings, Plan)> {
    let plan = plan::make(opened, request, host)?;
    let (_, url) = opened.store(request, host)?;
    let Some(mut store) = host.store(&url)? else { return Ok((Settings::new(), plan)) };
    let rows =
        deployed::read(store.as_mut(), &opened.compilation.integrations, Some(&[name.to_owned()]))?.rows;
    let row = rows.into_iter().find(|row| row.category == category);
    Ok((row.map(|row| row.settings).unwrap_or_default(), plan))
}

/// A layer's value as it may be shown: where a credential may stand, only a reference.
#[must_use]
pub fn shown(pair: &Pair, category: &str, path: &SettingPath, value: &Node) -> Json {
    let schema = pair.category(category).and_then(|category| category.schema_at(path));
    let guarded = [CONNECTORS, WEBHOOKS].contains(&category);
    let secret = schema.is_some_and(|schema| schema.get("x-secret").is_some());
    let reference = value.get("secret").and_then(Node::as_text).filter(|text| is_reference(text));
    match (secret, schema, reference) {
        (true, _, Some(reference)) => json!({"secret": reference}),
        (true, ..) if value.is_null() => Json::Null,
        (true, ..) => NOT_SHOWN.into(),
        (_, None, _) if guarded => "not shown".into(),
        _ => value.to_json(),
    }
}

/// Where a setting has its value now: one that stood elsewhere before in its record, a field of a record that is kept in
/// another category there.
#[must_use]
pub fn place_now<'a>(
    pair: &'a Pair,
    category: &'a Category,
    path: &SettingPath,
) -> (&'a Category, SettingPath) {
    if let [records, record, field] = path.segments() {
        let kept = category.kept.iter().find(|kept| kept.records == *records && kept.field == *field);
        if let Some((kept, other)) = kept.and_then(|kept| Some((kept, pair.category(&kept.category)?))) {
            return (other, [&*kept.mapping, &**record].iter().collect());
        }
    }
    (category, category.place_now(path).unwrap_or_else(|| path.clone()))
}

/// A setting by `CATEGORY.SETTING`, a group of settings, or a field of a row, such as `schedules.orders.every`.
///
/// # Errors
/// When the pair has none of this name.
pub fn find_setting<'a>(pair: &'a Pair, name: &str) -> Result<(&'a Category, Cow<'a, Setting>)> {
    let found = name.split_once('.').and_then(|(category, path)| {
        let category = pair.category(category)?;
        Some((category, category.described(&SettingPath::parse(path)?)?))
    });
    found.ok_or_else(|| {
        let names: Vec<String> = pair
            .categories()
            .flat_map(|category| {
                category.settings.iter().map(move |setting| format!("{}.{}", category.id, setting.path))
            })
            .collect();
        let error = Error::usage(format!("{} has no setting `{name}`", pair.id));
        match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => error.with(Help::DidYouMean(near.to_owned())),
            None => error.with(Help::ListSettings(pair.id.to_string())),
        }
    })
}
