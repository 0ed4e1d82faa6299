//! Questions to all integrations at once: who sets a setting to what, and who differs from the bases.

use std::fmt::Write as _;

use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use crate::cli::args::{Common, Form, List};
use crate::cli::exit::{self, Stop};
use crate::cli::project::{self, Project};
use crate::cli::streams::Streams;
use crate::compile::layers::{Layers, Rank, Said};
use crate::compile::{Compiled, codes, lower};
use crate::diagnostic::Code;
use crate::diagnostic::codes::{options, rules};
use crate::model::{SettingPath, Value};
use crate::plan::FORMAT_VERSION;
use crate::report::{clean, json as machine};
use crate::schema::Pair;
use crate::schema::shape::Shape;
use crate::source::Span;

/// One setting of one integration.
struct Row<'a> {
    compiled: &'a Compiled,
    category: &'a str,
    path: &'a SettingPath,
    value: &'a Value,
    place: Option<Span>,
    /// What the bases say, where that was asked for and differs.
    base: Option<Said>,
    /// Why the value is going away, where that was asked for.
    why: Option<&'a str>,
}

/// Findings that tell of a value that is going away: switched off, vanished, or a rate that has ended.
const LEAVING: [&Code; 3] = [&options::INACTIVE_OPTION, &options::VANISHED_OPTION, &rules::RATE_NOT_IN_FORCE];

/// Answers.
pub(super) fn run(common: &Common, args: &List, opened: &Project, streams: &mut Streams) -> Result<u8, Stop> {
    let asked = args.setting.as_deref().map(|text| asked(opened, text)).transpose()?;
    let names: Vec<&str> =
        opened.compilation.integrations.iter().map(|compiled| compiled.name.as_str()).collect();
    let layers = args.differs_from_base.then(|| {
        let project = &opened.compilation.project;
        Layers::read(&opened.sources, project, opened.environment.as_deref(), &names)
    });
    let mut rows = Vec::new();
    for compiled in &opened.compilation.integrations {
        for (category, settings) in &compiled.configuration.categories {
            for (path, value) in &**settings {
                let wanted = asked.as_ref().is_none_or(|asked| asked.takes(category, path, value))
                    && common.takes_category(category);
                if !wanted {
                    continue;
                }
                let place = compiled.origins.get(category).and_then(|origins| origins.get(path)).copied();
                let base =
                    layers.as_ref().and_then(|layers| differs(layers, compiled, category, path, value));
                let why = args.going_away.then(|| leaving(opened, compiled, category, path)).flatten();
                if args.differs_from_base && base.is_none() || args.going_away && why.is_none() {
                    continue;
                }
                rows.push(Row { compiled, category, path, value, place, base, why });
            }
        }
    }
    match common.output {
        Form::Json => {
            let body = json!({
                "format_version": FORMAT_VERSION,
                "command": "list",
                "exit_code": exit::OK,
                "settings": rows.iter().map(|row| row.json(opened)).collect::<Vec<_>>(),
            });
            streams.result(&machine::print(&body));
        }
        _ => streams.result(&table(&rows, opened)),
    }
    Ok(exit::OK)
}

/// Why a value is going away, as its finding says.
fn leaving<'a>(
    opened: &'a Project,
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
    fn takes(&self, category: &str, path: &SettingPath, value: &Value) -> bool {
        let is_value = |wanted: &String| match value {
            Value::Text(text) => text == wanted,
            Value::Secret(secret) => secret.reference == *wanted,
            // A list is asked for by what it holds.
            Value::List(items) => items.iter().any(|item| match item {
                Value::Text(text) => text == wanted,
                other => other.to_string() == *wanted,
            }),
            other => other.to_string() == *wanted,
        };
        self.category == category && path.starts_with(&self.path) && self.value.as_ref().is_none_or(is_value)
    }
}

fn asked(opened: &Project, text: &str) -> Result<Asked, Stop> {
    let (name, value) = match text.split_once('=') {
        Some((name, value)) => (name, Some(value.to_owned())),
        None => (text, None),
    };
    let pairs: Vec<&Pair> = opened.compilation.integrations.iter().map(|compiled| &*compiled.pair).collect();
    let parsed = name.split_once('.').and_then(|(category, path)| {
        let path = SettingPath::parse(path)?;
        let known =
            |pair: &&Pair| pair.category(category).is_some_and(|known| known.schema_at(&path).is_some());
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
            project::require_known("setting", name, &known)?;
            Err(Stop::usage(format!("there is no setting `{name}`")))
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
    let said = layers.said(&compiled.name, category, path);
    said.first().filter(|said| said.rank != Rank::Base)?;
    let base = said.iter().find(|said| said.rank == Rank::Base)?;
    if base.value.as_text().is_some_and(|text| text.contains("{{")) {
        return None;
    }
    let schema = compiled.pair.category(category).and_then(|category| category.schema_at(path));
    let shape = schema.map(Shape::of);
    let mut base_value = base.value.clone();
    if let Some(shape) = &shape {
        codes::settle(&mut base_value, shape);
    }
    (lower::value(&base_value, shape.as_ref()).as_ref() != Some(value)).then(|| base.clone())
}

impl Row<'_> {
    fn place(&self, opened: &Project) -> Option<(String, usize)> {
        self.place.map(|span| (opened.sources.path(span).to_owned(), opened.sources.line(span)))
    }

    fn base(&self) -> Option<Json> {
        let shown = |said: &Said| {
            super::super::explain::shown(&self.compiled.pair, self.category, self.path, &said.value)
        };
        self.base.as_ref().map(shown)
    }

    fn label(&self, opened: &Project) -> Option<String> {
        let schema = self.compiled.pair.category(self.category)?.schema_at(self.path)?;
        self.compiled.view(&opened.compilation.options).label(schema, self.value)
    }

    fn json(&self, opened: &Project) -> Json {
        let place = self.place(opened);
        json!({
            "integration": self.compiled.name,
            "category": self.category,
            "setting": self.path.to_string(),
            "value": self.value.to_json(),
            "label": self.label(opened),
            "path": place.as_ref().map(|(path, _)| path),
            "line": place.map(|(_, line)| line),
            "base": self.base(),
            "why": self.why,
        })
    }
}

fn table(rows: &[Row<'_>], opened: &Project) -> String {
    let name = rows.iter().map(|row| clean(&row.compiled.name).chars().count()).max().unwrap_or(0);
    let mut out = String::new();
    for row in rows {
        let label = row.label(opened).map(|label| format!(" {label}")).unwrap_or_default();
        let base = row.base().map(|base| format!("  base: {base}"));
        let why = row.why.map(|why| format!("  {why}"));
        let place = row.place(opened).map(|(path, line)| format!("  {path}:{line}")).unwrap_or_default();
        let _ = writeln!(
            out,
            "{:name$}  {}.{} = {}{}{}",
            clean(&row.compiled.name),
            row.category,
            clean(&row.path.to_string()),
            clean(&format!("{}{label}", row.value)),
            clean(&base.or(why).unwrap_or_default()),
            clean(&place).dimmed(),
        );
    }
    if rows.is_empty() {
        out.push_str("No integration does.\n");
    }
    out
}
