//! What is found, in the words of a page: labels in place of ids, links to the fields that it speaks of, and nothing of files, which
//! whoever saves here may never have seen. What is wrong is `compile`'s to say.

use serde_json::{Value as Json, json};

use super::shell;
use crate::diagnostic::placed::PlacedFinding;
use crate::model::SettingPath;
use crate::ops::section::{Known, name_of};
use crate::report::texts::Language;
use crate::report::words;
use crate::schema::Category;

/// The settings that a finding speaks of.
pub fn settings_of(finding: &PlacedFinding) -> impl Iterator<Item = SettingPath> {
    let all = finding.settings.iter().chain(&finding.setting);
    // A reference is typed where its secret belongs.
    all.filter_map(|setting| SettingPath::parse(setting.strip_suffix(".secret").unwrap_or(setting)))
}

/// Whether it says that a required setting is not set.
#[must_use]
pub fn is_gap(finding: &PlacedFinding) -> bool {
    finding.name == "required-setting-unset"
}

/// Where a finding stands among others: here first, then as the categories of the pair and their settings do.
#[must_use]
pub fn order(finding: &PlacedFinding, known: &Known, here: &str) -> (bool, usize, usize, String) {
    let id = finding.category.as_deref().unwrap_or(here);
    let category = known.pair.categories().enumerate().find(|(_, one)| *one.id == *id);
    let path = settings_of(finding).next();
    let setting = category.zip(path.as_ref()).and_then(|((_, category), path)| {
        category.settings.iter().position(|setting| path.starts_with(&setting.path))
    });
    let at = category.map_or(usize::MAX, |(at, _)| at);
    (id != here, at, setting.unwrap_or(usize::MAX), path.map(|path| path.to_string()).unwrap_or_default())
}

/// A finding as a page tells it. `here` is the category that the page shows: links to others lead to their pages. `ours` says that the
/// sentence is in the reader's language.
#[must_use]
pub fn told(finding: &PlacedFinding, known: &Known, here: &str, language: &Language) -> Json {
    let id = finding.category.as_deref().unwrap_or(here);
    let schema = known.pair.category(id);
    let page = if id == here { String::new() } else { shell::page_of(known.id(), id) };
    let mut paths: Vec<SettingPath> = settings_of(finding).collect();
    paths.sort_unstable();
    paths.dedup();
    let place =
        |path: &SettingPath| schema?.settings.iter().position(|setting| path.starts_with(&setting.path));
    paths.sort_by_key(place);
    let words_of =
        |path: &SettingPath| schema.map_or_else(|| path.to_string(), |schema| words::named(schema, path));
    let links: Vec<Json> = paths
        .iter()
        .map(|path| json!({"href": format!("{page}#f-{path}"), "text": words_of(path)}))
        .collect();
    if is_gap(finding) {
        return json!({
            "code": finding.code, "severity": finding.severity.as_str(), "message": language.say("banner", &[]), "links": links, "ours": true,
            "category": schema.filter(|_| id != here).map(|schema| shell::title_of(schema, language)),
        });
    }
    let say = |text: &str| {
        let said = said(text, language);
        Said { text: by_their_labels(&said.text, known, schema, &paths, words_of), ..said }
    };
    let mut said = vec![say(&finding.message)];
    let says_why = matches!(
        finding.name.as_str(),
        "unfit-value" | "value-not-allowed" | "unfit-key" | "unfit-combination"
    );
    let is_bare = matches!(finding.label.as_str(), "" | "here" | "set here" | "unknown");
    if says_why && !is_bare && !is_of_secret(finding) {
        said.push(say(&finding.label));
    }
    let help = finding.help.as_deref().map(say).filter(|help| help.is_of_page || is_for_pages(&help.text));
    // A sentence that is put together of two languages is told as the one that most pages speak.
    let ours = said.iter().chain(&help).all(|one| one.is_translated);
    let message: Vec<&str> = said.iter().map(|one| one.text.as_str()).collect();
    json!({
        "code": finding.code, "severity": finding.severity.as_str(), "message": message.join(": "), "help": help.map(|help| help.text), "links": links,
        "ours": ours, "category": schema.filter(|_| id != here).map(|schema| shell::title_of(schema, language)),
    })
}

/// A sentence as a page says it.
struct Said {
    text: String,
    /// Its words are those of pages.
    is_of_page: bool,
    /// It is in the reader's language.
    is_translated: bool,
}

fn said(text: &str, language: &Language) -> Said {
    let english = Language::english();
    match (language.sentence(text), english.sentence(text)) {
        (Some(text), _) => Said { text, is_of_page: true, is_translated: true },
        (None, Some(text)) => Said { text, is_of_page: true, is_translated: language.id == english.id },
        (None, None) => {
            Said { text: text.to_owned(), is_of_page: false, is_translated: language.id == english.id }
        }
    }
}

/// A sentence of an operation, in the reader's words; and whether it is in his language.
#[must_use]
pub fn in_words(text: &str, known: &Known, language: &Language) -> (String, bool) {
    let said = said(text, language);
    (by_labels(&said.text, known), said.is_translated)
}

/// Whether it speaks of the place of a secret, which says itself what may stand there.
fn is_of_secret(finding: &PlacedFinding) -> bool {
    finding.setting.as_deref().is_some_and(|setting| setting.ends_with(".secret"))
}

/// With the names that people know of the settings that it speaks of.
fn by_their_labels(
    text: &str,
    known: &Known,
    category: Option<&Category>,
    paths: &[SettingPath],
    words_of: impl Fn(&SettingPath) -> String,
) -> String {
    let mut text = by_labels(text, known);
    for path in paths {
        let words = words_of(path);
        text = text.replace(&format!("`{path}`"), &format!("`{words}`"));
        if let (Some(id), Some(last)) = (path.segments().last(), words.rsplit(" › ").next()) {
            text = text.replace(&format!("`{id}`"), &format!("`{last}`"));
        }
        // Keys that a record lacks. What somebody typed as a value is no setting, whatever it is called.
        let fields = category.and_then(|category| category.schema_at(path)?.get("properties")?.as_object());
        for (id, field) in fields.into_iter().flatten() {
            if let Some(title) = field.get("title").and_then(Json::as_str) {
                text = text.replace(&format!("`{id}`"), &format!("`{title}`"));
            }
        }
    }
    text
}

/// Whether a help is for somebody at a page. What is to be written into a file, or run, is marked as code.
#[must_use]
pub fn is_for_pages(help: &str) -> bool {
    !help.contains('`') && !help.starts_with("write ")
}

/// A text with the names that people know in place of ids: of the integration, its categories and their settings.
#[must_use]
pub fn by_labels(text: &str, known: &Known) -> String {
    let mut text = text.to_owned();
    // Marked as a name, it keeps its case at the beginning of a sentence.
    let (id, name) = (known.id(), format!("`{}`", name_of(known)));
    for category in known.pair.categories() {
        for setting in &category.settings {
            let path = format!("`{}.{}`", category.id, setting.path);
            if text.contains(&path) {
                let words = words::named(category, &setting.path);
                text = text.replace(&path, &format!("{} › {words}", category.title));
            }
        }
        text = text.replace(&format!("`{}`", category.id), &category.title);
        text = text.replace(&format!("{} of {id}", category.id), &format!("{} of {name}", category.title));
    }
    text.replace(&format!("`{id}`"), &name).replace(&format!(" of {id}"), &format!(" of {name}"))
}

/// The words of a setting's help, in which files call others by their ids: `` `unknown_rate` `` of the same category, or of the record that it
/// is a field of, and `` `order.creates` `` of another, and values by their labels.
#[must_use]
pub fn help_by_labels(help: &str, known: &Known, category: &Category, path: &SettingPath) -> String {
    let mut pieces = help.split('`');
    let mut text = pieces.next().unwrap_or_default().to_owned();
    while let Some(id) = pieces.next() {
        match label_of(id, known, category, path) {
            Some(label) => text.push_str(&format!("“{label}”")),
            None => text.push_str(&format!("`{id}`")),
        }
        text.push_str(pieces.next().unwrap_or_default());
    }
    text
}

fn label_of(id: &str, known: &Known, category: &Category, at: &SettingPath) -> Option<String> {
    let path = SettingPath::parse(id)?;
    let title = |schema: &Json| Some(schema.get("title")?.as_str()?.to_owned());
    // A value of the setting itself goes before a setting that is called alike.
    let own = category.schema_at(at);
    let value = own.and_then(|schema| schema.get("x-labels")?.get(id)?.as_str());
    let beside = || {
        let (_, above) = at.segments().split_last()?;
        let above: SettingPath = above.iter().collect();
        title(category.schema_at(&above)?.get("properties")?.get(id)?)
    };
    let here = || title(category.schema_at(&path)?);
    let there = || {
        let (first, rest) = path.segments().split_first()?;
        let other = known.pair.category(first)?;
        let rest: SettingPath = rest.iter().collect();
        if rest.is_root() {
            return Some(other.title.to_string());
        }
        title(other.schema_at(&rest)?)?;
        Some(format!("{} › {}", other.title, words::named(other, &rest)))
    };
    value.map(str::to_owned).or_else(beside).or_else(here).or_else(there)
}
