//! Reference pages of a pair: every setting, what it takes and when it is required; as Markdown and as one HTML page.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, context};
use serde::Serialize;

use super::template::TemplateError;
use crate::model::Name;
use crate::schema::facts::tally_words;
use crate::schema::words::{self, facts, kind};
use crate::schema::{Category, Connector, Pair, Required};

/// A pair, ready to be laid out.
#[derive(Debug, Serialize)]
struct Page {
    id: Name,
    title: Name,
    /// What is known of each of the two, and how sure it is.
    known: Vec<Known>,
    flows: Vec<FlowRow>,
    categories: Vec<Section>,
    /// Of each platform that may be connected.
    webhooks: Vec<Sender>,
}

/// A platform that tells of what happens there, or does not.
#[derive(Debug, Serialize)]
struct Sender {
    id: String,
    title: String,
    said: Vec<String>,
    topics: Vec<TopicRow>,
}

#[derive(Debug, Serialize)]
struct TopicRow {
    name: String,
    flows: String,
    scopes: String,
}

#[derive(Debug, Serialize)]
struct Known {
    title: String,
    facts: String,
}

#[derive(Debug, Serialize)]
struct FlowRow {
    id: String,
    title: String,
    description: String,
    default: &'static str,
    direction: String,
}

#[derive(Debug, Serialize)]
struct Section {
    id: Name,
    title: Name,
    description: String,
    visible: String,
    /// What a row of it is, where its rows have names of their own.
    rows: Vec<Fact>,
    settings: Vec<SettingEntry>,
    additional: Vec<SettingEntry>,
}

#[derive(Debug, Serialize)]
struct SettingEntry {
    key: String,
    title: String,
    description: String,
    kind: String,
    required: bool,
    facts: Vec<Fact>,
    choices: Vec<Choice>,
}

#[derive(Debug, Serialize)]
struct Fact {
    name: &'static str,
    value: String,
}

#[derive(Debug, Serialize)]
struct Choice {
    value: String,
    label: String,
}

fn page(pair: &Pair) -> Page {
    let flows = pair.flows.iter().map(|flow| FlowRow {
        id: flow.id.clone(),
        title: flow.title.clone(),
        description: flow.description.clone(),
        default: if flow.default { "on" } else { "off" },
        direction: flow.direction.replace('_', " "),
    });
    let known = [&pair.shop, &pair.erp]
        .map(|one| Known { title: one.title.clone(), facts: tally_words(&one.description) });
    let categories = pair.categories().map(|category| section(pair, category)).collect();
    Page {
        id: pair.id.clone(),
        title: pair.title.clone(),
        known: known.into(),
        flows: flows.collect(),
        categories,
        webhooks: pair.connectors().map(sender).collect(),
    }
}

fn sender(connector: &Connector) -> Sender {
    let quoted = |names: Vec<&str>, none: &str| match names.as_slice() {
        [] => none.to_owned(),
        names => names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", "),
    };
    let topics = words::topics(connector).into_iter().map(|(name, flows, scopes)| TopicRow {
        name: name.to_owned(),
        flows: quoted(flows, "any"),
        scopes: quoted(scopes.iter().map(String::as_str).collect(), ""),
    });
    Sender {
        id: connector.id.clone(),
        title: connector.title.clone(),
        said: words::webhooks(connector),
        topics: topics.collect(),
    }
}

fn section(pair: &Pair, category: &Category) -> Section {
    let visible = match &category.flows {
        Some(flows) => format!("Visible while {} is on.", crate::diagnostic::list_words(flows, "or")),
        None => "Always visible.".to_owned(),
    };
    let entries = |additional: bool| {
        let chosen = category.settings.iter().filter(|setting| setting.additional == additional);
        chosen
            .map(|setting| SettingEntry {
                key: format!("{}.{}", category.id, setting.path),
                title: setting.title.clone(),
                description: setting.description.clone(),
                kind: kind(pair, setting),
                required: matches!(setting.required, Required::Yes { .. }),
                facts: listed(facts(pair, category, setting)),
                choices: choices(&setting.schema),
            })
            .collect()
    };
    Section {
        id: category.id.clone(),
        title: category.title.clone(),
        description: category.description.clone(),
        visible,
        rows: if category.settings.is_empty() {
            listed(words::inside(pair, &category.schema))
        } else {
            Vec::new()
        },
        settings: entries(false),
        additional: entries(true),
    }
}

fn listed(facts: Vec<(&'static str, String)>) -> Vec<Fact> {
    facts.into_iter().map(|(name, value)| Fact { name, value }).collect()
}

fn choices(schema: &serde_json::Value) -> Vec<Choice> {
    let all = words::choices(schema).into_iter();
    all.map(|(value, label)| Choice { value: value.to_owned(), label: label.to_owned() }).collect()
}

/// The pair's page as Markdown.
///
/// # Errors
/// When the template fails, which a test rules out.
pub fn markdown(pair: &Pair) -> Result<String, TemplateError> {
    render("reference.md", include_str!("templates/reference.md"), pair)
}

/// The pair's page as one self-contained HTML file.
///
/// # Errors
/// When the template fails, which a test rules out.
pub fn html(pair: &Pair) -> Result<String, TemplateError> {
    render("reference.html", include_str!("templates/reference.html"), pair)
}

fn render(name: &str, template: &str, pair: &Pair) -> Result<String, TemplateError> {
    let failed = |error: &minijinja::Error| TemplateError::of(name, error);
    let mut environment = Environment::new();
    let syntax = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build();
    environment.set_syntax(syntax.map_err(|error| failed(&error))?);
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".html") { AutoEscape::Html } else { AutoEscape::None }
    });
    // A cell of a Markdown table ends at a bar, and a text may hold one.
    environment.add_filter("cell", |text: String| text.replace('|', "\\|").replace('\n', " "));
    environment.add_template(name, template).map_err(|error| failed(&error))?;
    let template = environment.get_template(name).map_err(|error| failed(&error))?;
    template.render(context! { pair => Serde(page(pair)) }).map_err(|error| failed(&error))
}
