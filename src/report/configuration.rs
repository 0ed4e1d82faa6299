//! An integration as its files have it, as the Configure section shows one: every category in order, every setting with its type,
//! its value and whose it is. Nothing on the page can be typed in, and nothing is known of what is deployed.

use serde_json::{Value as Json, json};

use super::html;
use super::page::environment;
use super::template::{TemplateError, fill};
use super::texts::Language;
use super::words;
use crate::compile::Compiled;
use crate::diagnostic::Severity;
use crate::diagnostic::placed::PlacedFinding;
use crate::model::{CONNECTORS, FLOWS, GENERAL, SCHEDULES, SettingPath, Settings, Value, WEBHOOKS};
use crate::ops::forge::Lines;
use crate::options::{Options, View};
use crate::schema::{Category, Setting, default_of, words::kind};
use crate::source::{Sources, Span};

const PAGE: &str = include_str!("templates/configuration.html");
const COMMENT: &str = include_str!("templates/configuration.md");

/// What is shown.
pub struct Shown<'a> {
    pub compiled: &'a Compiled,
    pub sources: &'a Sources,
    pub options: &'a Options,
    pub findings: &'a [PlacedFinding],
    /// Whose review a change of a category needs that is written in these files.
    pub owners: &'a dyn Fn(&str, &[String]) -> Vec<String>,
    pub environment: Option<&'a str>,
    /// What the files are of, and whether they were changed since.
    pub commit: Option<(&'a str, bool)>,
    /// Where lines are to be seen.
    pub lines: Option<&'a Lines>,
}

/// One self-contained page.
///
/// # Errors
/// When the template fails, which a test rules out.
pub fn html(shown: &Shown<'_>) -> Result<String, TemplateError> {
    const NAME: &str = "configuration.html";
    let failed = |reason: String| TemplateError { name: NAME.to_owned(), line: None, reason };
    let mut outline = shown.outline();
    outline["lang"] = "en".into();
    outline["style"] = html::STYLE.into();
    outline["script"] = html::SCRIPT.into();
    outline["policy"] = html::policy(Some(html::SCRIPT)).into();
    let mut environment = environment(&Language::all()[0]).map_err(failed)?;
    environment.add_template(NAME, PAGE).map_err(|error| TemplateError::of(NAME, &error))?;
    let template = environment.get_template(NAME).map_err(|error| TemplateError::of(NAME, &error))?;
    template
        .render(minijinja::value::Value::from(minijinja::value::Serde(&outline)))
        .map_err(|error| TemplateError::of(NAME, &error))
}

/// The same as Markdown: a table a category.
///
/// # Errors
/// When the template fails, which a test rules out.
pub fn markdown(shown: &Shown<'_>) -> Result<String, TemplateError> {
    fill("configuration.md", COMMENT, &shown.outline())
}

impl Shown<'_> {
    fn outline(&self) -> Json {
        let compiled = self.compiled;
        let pair = &compiled.pair;
        let is_visible = |id: &str| compiled.visible.iter().any(|one| **one == *id);
        let other = |id: &'static str| pair.others.iter().filter(move |category| *category.id == *id);
        let order = [GENERAL, FLOWS].into_iter().flat_map(other).chain(&pair.settings);
        let order = order.chain([CONNECTORS, SCHEDULES, WEBHOOKS].into_iter().flat_map(other));
        let categories: Vec<Json> = order
            .filter(|category| is_visible(&category.id))
            .map(|category| self.category(category))
            .collect();
        let hidden: Vec<&str> = pair
            .settings
            .iter()
            .filter(|category| !is_visible(&category.id))
            .map(|category| &*category.title)
            .collect();
        let (required, set) = counted(compiled.required().map(|(_, _, set)| set));
        let missing: Vec<Json> = compiled
            .required()
            .filter(|(_, _, set)| *set == Some(false))
            .filter_map(|(id, path, _)| {
                let category = pair.category(id)?;
                let title = words::of_setting(category, path).join(" › ");
                Some(json!({"href": format!("#{}", id_of(category, path)), "title": title, "category": &*category.title}))
            })
            .collect();
        let loose =
            self.findings.iter().filter(|finding| finding.category.is_none()).map(|one| self.finding(one));
        let name = compiled.configuration.of(GENERAL);
        let name = name.and_then(|settings| settings.get(&SettingPath::root().child("name")));
        json!({
            "integration": compiled.name,
            "name": match name { Some(Value::Text(name)) => name.as_str(), _ => compiled.name.as_str() },
            "pair": &*pair.title, "live": compiled.live, "environment": self.environment,
            "commit": self.commit.map(|(id, dirty)| json!({"id": id.get(..8).unwrap_or(id), "dirty": dirty})),
            "required": required, "set": set, "missing": missing, "categories": categories, "hidden": hidden.join(", "),
            "loose": loose.collect::<Vec<_>>(),
        })
    }

    fn view(&self) -> View<'_> {
        self.compiled.view(self.options)
    }

    fn category(&self, category: &Category) -> Json {
        let none = Settings::new();
        let settings = self.compiled.configuration.of(&category.id).unwrap_or(&none);
        let (mut plain, mut additional, mut is_open) = (Vec::new(), Vec::new(), false);
        let mut group = None;
        for setting in &category.settings {
            let is_set = settings.keys().any(|path| path.starts_with(&setting.path));
            if setting.deprecated && !is_set {
                continue;
            }
            let required = self.requirement(category, &setting.path);
            let mut field = self.field(category, setting, settings, required);
            if setting.additional && required.is_none() {
                is_open |= is_set || field["errors"].as_array().is_some_and(|errors| !errors.is_empty());
                additional.push(field);
                continue;
            }
            let above =
                setting.path.segments().split_last().map(|(_, above)| above.iter().collect::<SettingPath>());
            let above = above.filter(|above| !above.is_root());
            if above != group
                && let Some(above) = &above
            {
                field["group"] = words::of_setting(category, above).join(" › ").into();
            }
            group = above;
            plain.push(field);
        }
        if category.settings.is_empty() && !settings.is_empty() {
            plain.push(json!({
                "id": id_of(category, &SettingPath::root()), "path": &*category.id, "label": &*category.title, "help": "", "type": "mapping", "required": false, "errors": [], "kind": "mapping",
                "wide": true, "rows": self.rows(category, &SettingPath::root(), settings),
            }));
        }
        let own = self.compiled.required().filter(|(id, _, _)| *id == &*category.id).map(|(_, _, set)| set);
        let (required, set) = counted(own);
        let mut files: Vec<String> =
            settings.keys().filter_map(|path| self.place(category, path)).map(|(path, _)| path).collect();
        files.sort();
        files.dedup();
        json!({
            "id": &*category.id, "title": &*category.title, "description": category.description, "required": required, "set": set,
            "unmanaged": self.compiled.unmanaged.contains(&category.id), "owners": (self.owners)(&category.id, &files),
            "fields": plain, "additional": additional, "open": is_open,
            "errors": self.findings.iter().filter(|one| one.category.as_deref() == Some(&category.id) && one.setting.is_none() && one.settings.is_empty())
                .map(|one| self.finding(one)).collect::<Vec<_>>(),
        })
    }

    /// Whether a setting is required now, and whether it is set, or what is deployed decides.
    fn requirement(&self, category: &Category, path: &SettingPath) -> Option<Option<bool>> {
        let mut all = self.compiled.required();
        all.find(|(id, required, _)| *id == &*category.id && *required == path).map(|(_, _, set)| set)
    }

    fn field(
        &self,
        category: &Category,
        setting: &Setting,
        settings: &Settings,
        required: Option<Option<bool>>,
    ) -> Json {
        let pair = &self.compiled.pair;
        let path = &setting.path;
        let is_mapping = setting.schema.get("additionalProperties").is_some_and(Json::is_object);
        let errors = self.findings.iter().filter(|finding| speaks_of(finding, category, path));
        let mut field = json!({
            "id": id_of(category, path), "path": format!("{}.{path}", category.id), "label": setting.title, "help": setting.description,
            "kind": if is_mapping { "mapping" } else { "fixed" }, "wide": is_mapping, "type": kind(pair, setting).replace('`', ""),
            "required": required.is_some(), "unit": setting.schema.get("x-unit"),
            "errors": errors.map(|one| self.finding(one)).collect::<Vec<_>>(),
        });
        if required == Some(Some(false)) {
            let flows: Vec<&str> = setting
                .flows
                .iter()
                .filter_map(|flow| pair.flow(flow))
                .map(|flow| flow.title.as_str())
                .collect();
            let language = &Language::all()[0];
            field["banner"] = match flows.as_slice() {
                [] => language.say("stops.all", &[]),
                flows => language.say("stops.flows", &[("flows", &flows.join(", "))]),
            }
            .into();
        }
        if is_mapping {
            field["rows"] = self.rows(category, path, settings).into();
            return field;
        }
        // Fields of a group stand beside each other below it.
        let inner: Vec<&SettingPath> =
            settings.keys().filter(|one| one.starts_with(path) && *one != path).collect();
        if !inner.is_empty() {
            field["rows"] = self.rows(category, path, settings).into();
            field["kind"] = "mapping".into();
            field["wide"] = true.into();
            return field;
        }
        let value = settings.get(path);
        field["shown"] = self.value(&setting.schema, value);
        field["default"] =
            default_of(&setting.schema).map_or(Json::Null, |one| self.value(&setting.schema, Some(&one)));
        field["secret"] = matches!(value, Some(Value::Secret(_))).into();
        field["own"] = self.own(category, path);
        field
    }

    /// Every value below a path, with what it is called there.
    fn rows(&self, category: &Category, above: &SettingPath, settings: &Settings) -> Vec<Json> {
        let depth = above.segments().len();
        let below =
            settings.iter().filter(|(path, _)| path.starts_with(above) && path.segments().len() > depth);
        below
            .map(|(path, value)| {
                let schema = category.schema_at(path).unwrap_or(&Json::Null);
                let words = words::of_setting(category, path);
                json!({
                    "label": words.get(depth..).unwrap_or_default().join(" › "), "path": format!("{}.{path}", category.id),
                    "shown": self.value(schema, Some(value)), "unit": schema.get("x-unit"), "secret": matches!(value, Value::Secret(_)),
                    "own": self.own(category, path),
                })
            })
            .collect()
    }

    /// As people read it: its label, then what it is.
    fn value(&self, schema: &Json, value: Option<&Value>) -> Json {
        let Some(value) = value.filter(|value| **value != Value::Null) else { return Json::Null };
        let (view, inner) = (self.view(), schema.get("items").unwrap_or(schema));
        let label = |value: &Value| view.label(schema, value).or_else(|| view.label(inner, value));
        let plain = |value: &Value| words::shown(&value.to_json(), None);
        match value {
            Value::Secret(secret) => json!({"text": secret.reference}),
            Value::List(items) if !items.is_empty() => {
                let items: Vec<String> =
                    items.iter().map(|one| label(one).unwrap_or_else(|| plain(one))).collect();
                json!({"text": items.join(", ")})
            }
            Value::Text(id) | Value::Number(id) => match label(value) {
                Some(label) if label != *id => json!({"text": label, "id": id}),
                _ => json!({"text": plain(value)}),
            },
            value => json!({"text": label(value).unwrap_or_else(|| plain(value))}),
        }
    }

    /// Where a value is written, or why nowhere.
    fn own(&self, category: &Category, path: &SettingPath) -> Json {
        match self.place(category, path) {
            Some((path, line)) => {
                let href = self.lines.map(|lines| lines.address(&path, line));
                json!({"state": "git", "path": path, "line": line, "href": href})
            }
            None if self.compiled.unmanaged.contains(&category.id) => json!({"state": "people"}),
            None => json!({"state": "not-managed"}),
        }
    }

    fn place(&self, category: &Category, path: &SettingPath) -> Option<(String, usize)> {
        let span: Span = *self.compiled.origins.get(&*category.id)?.get(path)?;
        Some((self.sources.path(span).to_owned(), self.sources.line(span)))
    }

    fn finding(&self, finding: &PlacedFinding) -> Json {
        let place = &finding.place;
        json!({
            "code": finding.code, "severity": finding.severity.as_str(), "message": finding.message, "help": finding.help,
            "own": {"path": place.path, "line": place.line, "href": self.lines.map(|lines| lines.address(&place.path, place.line))},
        })
    }
}

/// How many are required, and how many of them are set or decided by what is deployed.
fn counted(all: impl Iterator<Item = Option<bool>>) -> (usize, usize) {
    all.fold((0, 0), |(required, done), set| (required + 1, done + usize::from(set != Some(false))))
}

/// The place on the page.
fn id_of(category: &Category, path: &SettingPath) -> String {
    if path.is_root() { format!("f-{}", category.id) } else { format!("f-{}.{path}", category.id) }
}

/// Whether a finding that no banner tells is about a setting, or something in it.
fn speaks_of(finding: &PlacedFinding, category: &Category, path: &SettingPath) -> bool {
    let is_gap = finding.name == "required-setting-unset";
    let mut named = finding.settings.iter().chain(&finding.setting).filter_map(|one| SettingPath::parse(one));
    finding.category.as_deref() == Some(&*category.id)
        && finding.severity != Severity::Note
        && !is_gap
        && named.any(|one| one.starts_with(path))
}
