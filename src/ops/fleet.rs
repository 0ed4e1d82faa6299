//! Questions to all integrations at once: who sets a setting to what, who differs from the bases, and whose values are going
//! away. Reads no store.

use std::collections::BTreeSet;
use std::sync::Arc;

use serde_json::Value as Json;

use super::error::{Error, Result, require_known};
use super::explain::{place_now, shown};
use super::project::Project;
use super::request::Request;
use crate::compile::layers::{Layers, Rank, Said};
use crate::compile::{Compiled, codes, lower};
use crate::diagnostic::Code;
use crate::diagnostic::codes::{options, rules};
use crate::model::{Name, SettingPath, Value};
use crate::schema::shape::Shape;
use crate::schema::{Category, Pair};

/// What is asked of all integrations.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Question {
    /// `CATEGORY.SETTING` or `CATEGORY.SETTING=VALUE`.
    pub setting: Option<String>,
    /// Only what the integration or the environment says otherwise than a base.
    pub differs_from_base: bool,
    /// Only values that are going away.
    pub going_away: bool,
}

/// One setting of one integration.
pub struct Row<'a> {
    pub integration: &'a str,
    pub category: &'a str,
    pub path: &'a SettingPath,
    pub value: &'a Value,
    pub label: Option<String>,
    /// Path and line.
    pub place: Option<(String, usize)>,
    /// What the bases say, where that was asked for and differs.
    pub base: Option<Json>,
    /// Why the value is going away, where that was asked for.
    pub why: Option<&'a str>,
}

/// Findings that tell of a value that is going away: switched off, vanished, or a rate that has ended.
const LEAVING: [&Code; 3] = [&options::INACTIVE_OPTION, &options::VANISHED_OPTION, &rules::RATE_NOT_IN_FORCE];

/// The settings that a question is about, of the integrations that were compiled.
///
/// # Errors
/// When it names a setting that there is not.
pub fn settings<'a>(opened: &'a Project<'_>, request: &Request, question: &Question) -> Result<Vec<Row<'a>>> {
    let asked = question.setting.as_deref().map(|text| asked(opened, text)).transpose()?;
    let names: Vec<&str> =
        opened.compilation.integrations.iter().map(|compiled| compiled.name.as_str()).collect();
    let layers = question.differs_from_base.then(|| {
        let project = &opened.compilation.project;
        Layers::read(opened.workspace.sources(), project, opened.environment.as_deref(), &names)
    });
    let mut rows = Vec::new();
    for compiled in &opened.compilation.integrations {
        for (category, settings) in &compiled.configuration.categories {
            for (path, value) in &**settings {
                let wanted =
                    asked.as_ref().is_none_or(|asked| asked.takes(&compiled.pair, category, path, value))
                        && request.filter.takes_category(category);
                if !wanted {
                    continue;
                }
                let base =
                    layers.as_ref().and_then(|layers| differs(layers, compiled, category, path, value));
                let why = question.going_away.then(|| leaving(opened, compiled, category, path)).flatten();
                if question.differs_from_base && base.is_none() || question.going_away && why.is_none() {
                    continue;
                }
                rows.push(row(opened, compiled, category, (path, value), base.as_ref(), why));
            }
        }
    }
    Ok(rows)
}

fn row<'a>(
    opened: &'a Project<'_>,
    compiled: &'a Compiled,
    category: &'a str,
    (path, value): (&'a SettingPath, &'a Value),
    base: Option<&Said>,
    why: Option<&'a str>,
) -> Row<'a> {
    let sources = opened.workspace.sources();
    let place = compiled.origins.get(category).and_then(|origins| origins.get(path));
    let schema = compiled.pair.category(category).and_then(|category| category.schema_at(path));
    Row {
        integration: &compiled.name,
        category,
        path,
        value,
        label: schema.and_then(|schema| compiled.view(&opened.compilation.options).label(schema, value)),
        place: place.map(|span| (sources.path(*span).to_owned(), sources.line(*span))),
        base: base.map(|said| shown(&compiled.pair, category, path, &said.value)),
        why,
    }
}

/// Why a value is going away, as its finding says.
fn leaving<'a>(
    opened: &'a Project<'_>,
    compiled: &Compiled,
    category: &str,
    path: &SettingPath,
) -> Option<&'a str> {
    let found = opened.compilation.findings.iter().find(|finding| {
        let about = &finding.about;
        let mine =
            about.integration.as_ref() == Some(&compiled.name) || finding.also.contains(&compiled.name);
        let setting = about.setting.as_deref().and_then(SettingPath::parse);
        LEAVING.contains(&finding.code)
            && mine
            && about.category.as_deref() == Some(category)
            && setting.is_some_and(|setting| path.starts_with(&setting))
    });
    found.map(|finding| finding.message.as_str())
}

struct Asked {
    category: String,
    path: SettingPath,
    value: Option<String>,
}

impl Asked {
    fn takes(&self, pair: &Pair, category: &str, path: &SettingPath, value: &Value) -> bool {
        let is_value = |wanted: &String| match value {
            Value::Text(text) => text == wanted,
            Value::Secret(secret) => secret.reference == *wanted,
            // A list is asked for by what it holds.
            Value::List(items) => items.iter().any(|item| match item {
                Value::Text(text) => text == wanted,
                other => other.to_string() == *wanted,
            }),
            Value::Dated(dated) => dated.rows().any(|(_, value)| match value {
                Value::Text(text) => text == wanted,
                other => other.to_string() == *wanted,
            }),
            other => other.to_string() == *wanted,
        };
        // A setting that has its place in records now is known by its former one, and there a list held the records' names.
        let is_record =
            |wanted: &String| path.segments().iter().rev().nth(1).is_some_and(|key| **key == **wanted);
        let schema = pair.category(category).filter(|_| self.category == category);
        let before = schema.map(|schema| schema.places_before(path, &[value])).unwrap_or_default();
        let stood = before.iter().any(|place| place.starts_with(&self.path));
        let written = pair.category(&self.category).map(|asked| place_now(pair, asked, &self.path));
        let is_here = |(at, now): (&Category, SettingPath)| at.id == *category && path.starts_with(&now);
        let is_kept = self.category != category && written.is_some_and(is_here);
        let is_asked = self.category == category && path.starts_with(&self.path) || is_kept;
        (is_asked || stood)
            && self.value.as_ref().is_none_or(|wanted| is_value(wanted) || stood && is_record(wanted))
    }
}

fn asked(opened: &Project<'_>, text: &str) -> Result<Asked> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let compilation = &opened.compilation;
    let ids: BTreeSet<&Name> = compilation.integrations.iter().map(|compiled| &compiled.pair.id).collect();
    // With all payment providers, whichever are connected: what nobody sets is a setting all the same.
    let pairs: Vec<Arc<Pair>> = ids.into_iter().filter_map(|id| compilation.catalogue.pair(id)).collect();
    let parsed = name.split_once('.').and_then(|(category, path)| {
        let path = SettingPath::parse(path)?;
        let known =
            |pair: &Arc<Pair>| pair.category(category).is_some_and(|known| known.schema_at(&path).is_some());
        pairs.iter().any(known).then(|| Asked { category: category.to_owned(), path, value })
    });
    match parsed {
        Some(asked) => Ok(asked),
        None => {
            let mut known: Vec<String> = pairs
                .iter()
                .flat_map(|pair| pair.categories())
                .flat_map(|category| {
                    category.settings.iter().map(move |setting| format!("{}.{}", category.id, setting.path))
                })
                .collect();
            known.sort();
            known.dedup();
            let known: Vec<&str> = known.iter().map(String::as_str).filter(|known| *known != name).collect();
            require_known("setting", name, &known)?;
            Err(Error::usage(format!("there is no setting `{name}`")))
        }
    }
}

/// What the nearest base says, when the integration or the environment says something else. How it is written makes no
/// difference; what an expression of a base would yield here is not known, and is not told.
fn differs(
    layers: &Layers<'_>,
    compiled: &Compiled,
    category: &str,
    path: &SettingPath,
    value: &Value,
) -> Option<Said> {
    let said = layers.said(&compiled.name, &compiled.pair, category, path);
    said.first().filter(|said| said.rank != Rank::Base)?;
    let base = said.iter().find(|said| said.rank == Rank::Base)?;
    if base.value.as_text().is_some_and(|text| text.contains("{{")) {
        return None;
    }
    let schema = compiled.pair.category(category).and_then(|category| category.schema_at(path));
    let shape = schema.map(Shape::of);
    let mut base_value = base.value.clone();
    if let Some(shape) = &shape {
        codes::normalize(&mut base_value, shape);
    }
    (lower::value(&base_value, shape.as_ref()).as_ref() != Some(value)).then(|| base.clone())
}
