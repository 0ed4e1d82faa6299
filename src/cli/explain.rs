//! `explain`: a diagnostic's page, a setting's documentation, or where an integration's value came from.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use include_dir::{Dir, include_dir};
use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use super::args::{Common, Explain, Form};
use super::deployed;
use super::exit::{self, Stop};
use super::project::{self, Project};
use super::streams::Streams;
use crate::compile::check::secrets::is_reference;
use crate::compile::layers::Layers;
use crate::compile::{Compiled, Selection};
use crate::diagnostic::{codes, nearest};
use crate::model::{CONNECTORS, GENERAL, SettingPath, Settings, Value, WEBHOOKS};
use crate::plan::{Change, FORMAT_VERSION, Origin, Plan};
use crate::report::{clean, json as machine};
use crate::schema::parts::Catalogue;
use crate::schema::words::{facts, kind};
use crate::schema::{Category, Pair, Setting};
use crate::source::Span;
use crate::store;
use crate::yaml::Node;

static PAGES: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/explain");

/// The page of a code; every code has one.
#[must_use]
pub fn page(id: &str) -> Option<&'static str> {
    PAGES.get_file(format!("{id}.md"))?.contents_utf8()
}

/// Runs the command.
///
/// # Errors
/// When there is no such code, pair, integration or setting.
pub fn run(common: &Common, args: &Explain, streams: &mut Streams) -> Result<u8, Stop> {
    let Some(setting) = &args.setting else { return explain_code(common, &args.what, streams) };
    let catalogue = match project::read(common) {
        Ok((_, sources)) => Catalogue::with_project(&sources, &mut Vec::new()),
        Err(_) => Catalogue::default(),
    };
    if let Some(pair) = catalogue.pair(&args.what) {
        let (category, found) = find_setting(&pair, setting)?;
        return Ok(print(common, &about_setting(&pair, category, found), streams));
    }
    let (root, sources) = project::read(common)?;
    let selection =
        Selection { integrations: vec![args.what.clone()], ..project::selection(common, &root, &sources)? };
    let opened = project::compile_selected(root, sources, selection)?;
    let compiled = opened.compilation.integrations.first();
    let compiled =
        compiled.ok_or_else(|| Stop::new(exit::ERRORS, format!("`{}` could not be compiled", args.what)))?;
    let (category, found) = find_setting(&compiled.pair, setting)?;
    let asked = setting.split_once('.').and_then(|(_, path)| SettingPath::parse(path));
    let asked = asked.unwrap_or_else(|| found.path.clone());
    let explained = explain_value(common, &opened, compiled, category, found, &asked);
    if common.output == Form::Json {
        let page = about_setting(&compiled.pair, category, found);
        let body = json!({
            "format_version": FORMAT_VERSION,
            "command": "explain",
            "exit_code": exit::OK,
            "page": anstream::adapter::strip_str(&page).to_string(),
            "integration": compiled.name,
            "default": found.default.as_ref().map(Value::to_json),
            "effect": explained.effect,
            "deployed_unknown": explained.unknown,
            "settings": explained.rows.iter().map(Explained::json).collect::<Vec<_>>(),
        });
        streams.result(&machine::print(&body));
        return Ok(exit::OK);
    }
    let mut out = about_setting(&compiled.pair, category, found);
    let _ = writeln!(out, "\n{} {}", "In".bold(), clean(&compiled.name).bold());
    explained.write(&mut out, &category.id);
    Ok(print(common, &out, streams))
}

/// A setting of an integration, or each row of a mapping.
struct Explanation {
    rows: Vec<Explained>,
    effect: String,
    /// Why nothing is known of what is deployed.
    unknown: Option<String>,
}

/// One leaf: what each layer says of it, what counts, and what is deployed.
struct Explained {
    setting: String,
    value: Option<String>,
    /// Path, line, what is said there, and why it does not count (none: it counts).
    layers: Vec<(String, usize, Json, Option<String>)>,
    deployed: Option<Value>,
    change: Option<Change>,
}

impl Explained {
    fn json(&self) -> Json {
        let layer = |(path, line, value, beaten): &(String, usize, Json, Option<String>)| json!({"path": path, "line": line, "value": value, "wins": beaten.is_none(), "beaten_by": beaten});
        json!({
            "setting": self.setting,
            "layers": self.layers.iter().map(layer).collect::<Vec<_>>(),
            "deployed": self.deployed.as_ref().map(Value::to_json),
            "change": self.change,
        })
    }
}

fn explain_value(
    common: &Common,
    opened: &Project,
    compiled: &Compiled,
    category: &Category,
    found: &Setting,
    asked: &SettingPath,
) -> Explanation {
    let layers = Layers::read(
        &opened.sources,
        &opened.compilation.project,
        opened.environment.as_deref(),
        &[&compiled.name],
    );
    let only = Common { integration: vec![compiled.name.clone()], ..common.clone() };
    let (deployed, plan, unknown) = match deployed_of(&only, opened, &compiled.name, &category.id) {
        Ok((deployed, plan)) => (deployed, Some(plan), None),
        Err(stop) => (Settings::new(), None, Some(stop.message)),
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
    let place = |span: Span| (opened.sources.path(span).to_owned(), opened.sources.line(span));
    let rows = paths.into_iter().map(|path| {
        let value = written.and_then(|written| written.get(&path));
        let label = value.and_then(|value| {
            compiled.view(&opened.compilation.options).label(category.schema_at(&path)?, value)
        });
        let label = label.map(|label| format!(" {label}")).unwrap_or_default();
        let said = layers.said(&compiled.name, &category.id, &path).into_iter().map(|said| {
            let (file, line) = place(said.key);
            let beaten = said.beaten.map(|span| {
                let (file, line) = place(span);
                format!("{file}:{line}")
            });
            (file, line, shown(&compiled.pair, &category.id, &path, &said.value), beaten)
        });
        Explained {
            value: value.map(|value| format!("{value}{label}")),
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
    common: &Common,
    opened: &Project,
    name: &str,
    category: &str,
) -> Result<(Settings, Plan), Stop> {
    let plan = super::planner::make(common, opened)?;
    let (_, url) = opened.store(common)?;
    let Some(mut store) = store::open_existing(&url)? else { return Ok((Settings::new(), plan)) };
    let rows =
        deployed::read(store.as_mut(), &opened.compilation.integrations, Some(&[name.to_owned()]))?.rows;
    let row = rows.into_iter().find(|row| row.category == category);
    Ok((row.map(|row| row.settings).unwrap_or_default(), plan))
}

/// A layer's value as it may be shown: where a credential may stand, only a reference.
pub(super) fn shown(pair: &Pair, category: &str, path: &SettingPath, value: &Node) -> Json {
    let schema = pair.category(category).and_then(|category| category.schema_at(path));
    let guarded = [CONNECTORS, WEBHOOKS].contains(&category);
    let secret = schema.is_some_and(|schema| schema.get("x-secret").is_some());
    let reference = value.get("secret").and_then(Node::as_text).filter(|text| is_reference(text));
    match (secret, schema, reference) {
        (true, _, Some(reference)) => json!({"secret": reference}),
        (true, ..) if value.is_null() => Json::Null,
        (true, ..) => "literal credential, not shown".into(),
        (_, None, _) if guarded => "not shown".into(),
        _ => value.to_json(),
    }
}

impl Explanation {
    fn write(&self, out: &mut String, category: &str) {
        for row in &self.rows {
            let value = row.value.as_deref().unwrap_or("not set in the files");
            let _ = writeln!(out, "  {category}.{} = {}", clean(&row.setting), clean(value));
            for (path, line, said, beaten) in &row.layers {
                let why = match beaten {
                    None => "counts: the nearest".to_owned(),
                    Some(by) => format!("overridden by {by}"),
                };
                let _ = writeln!(out, "    {}", clean(&format!("{path}:{line}  {said}  {why}")));
            }
            let deployed = match (&self.unknown, &row.deployed) {
                (Some(why), _) => format!("not known: {why}"),
                (None, Some(value)) => value.to_string(),
                (None, None) => "not set".to_owned(),
            };
            let _ = writeln!(out, "    deployed: {}", clean(&deployed));
            if let Some(change) = &row.change {
                let after =
                    if change.after.is_null() { "its default".to_owned() } else { change.after.to_string() };
                let origin = match change.origin {
                    Origin::Git => "made in git",
                    Origin::Outside => "drift, would be set back",
                    Origin::Both => "changed in git and outside",
                };
                let _ = writeln!(out, "    an apply would set {} ({origin})", clean(&after));
            }
        }
        let when = match self.effect.as_str() {
            "immediately" => "a change takes effect at once",
            "new-import" => "a change takes effect for what is imported from then on",
            _ => "a change takes effect at the next sync; what was synced keeps its old value",
        };
        let _ = writeln!(out, "  {when}");
    }
}

fn explain_code(common: &Common, what: &str, streams: &mut Streams) -> Result<u8, Stop> {
    let page = codes::find(what).and_then(|code| page(code.id));
    let Some(page) = page else {
        let known: Vec<&str> = codes::all().iter().flat_map(|code| [code.id, code.name]).collect();
        let near = nearest(what, known.iter().copied()).map(|near| format!("did you mean `{near}`?"));
        let help = near.unwrap_or_else(|| "name a code such as E0312; or a pair and a setting, such as `explain fortnox-shopify order.creates`".to_owned());
        return Err(Stop::usage(format!("there is no code `{what}`")).help(help));
    };
    Ok(print(common, page, streams))
}

fn print(common: &Common, page: &str, streams: &mut Streams) -> u8 {
    match common.output {
        Form::Json => {
            let plain = anstream::adapter::strip_str(page).to_string();
            let body = json!({"format_version": FORMAT_VERSION, "command": "explain", "exit_code": exit::OK, "page": plain});
            streams.result(&machine::print(&body));
        }
        _ => streams.result(page),
    }
    exit::OK
}

fn find_setting<'a>(pair: &'a Pair, name: &str) -> Result<(&'a Category, &'a Setting), Stop> {
    let found = name.split_once('.').and_then(|(category, path)| {
        let category = pair.category(category)?;
        Some((category, category.setting(&SettingPath::parse(path)?)?))
    });
    found.ok_or_else(|| {
        let names: Vec<String> = pair
            .categories()
            .flat_map(|category| {
                category.settings.iter().map(move |setting| format!("{}.{}", category.id, setting.path))
            })
            .collect();
        let stop = Stop::usage(format!("{} has no setting `{name}`", pair.id));
        match nearest(name, names.iter().map(String::as_str)) {
            Some(near) => stop.help(format!("did you mean `{near}`?")),
            None => stop.help(format!("`pairform schema show {}` lists its settings", pair.id)),
        }
    })
}

fn about_setting(pair: &Pair, category: &Category, setting: &Setting) -> String {
    let mut out = String::new();
    let _ = writeln!(out, "{}  {}", format!("{}.{}", category.id, setting.path).bold(), setting.title);
    let _ = writeln!(out, "  {} · {}", pair.title, category.title);
    if !setting.description.is_empty() {
        let _ = writeln!(out, "\n  {}", setting.description);
    }
    out.push('\n');
    let allowed = setting
        .schema
        .get("enum")
        .or_else(|| setting.schema.pointer("/items/enum"))
        .and_then(|list| list.as_array());
    let mut all = vec![("Type", kind(pair, setting))];
    if let Some(allowed) = allowed {
        let words: Vec<&str> = allowed.iter().filter_map(|value| value.as_str()).collect();
        all.push(("Allowed", words.join(", ")));
    }
    all.extend(facts(category, setting));
    if setting.additional {
        all.push(("Additional", "these settings are not needed in most situations".to_owned()));
    }
    for (name, value) in all {
        let _ = writeln!(out, "  {name:<12} {value}");
    }
    out
}
