//! What is found, in the words of a page: labels in place of ids, links to the fields that it speaks of, and nothing of files, which
//! whoever saves here may never have seen. What is wrong is `compile`'s to say.

use serde_json::{Value as Json, json};

use super::shell;
use crate::diagnostic::placed::PlacedFinding;
use crate::model::SettingPath;
use crate::ops::section::{Known, name_of};
use crate::report::texts::Language;
use crate::report::words;

/// The settings that a finding speaks of.
pub fn settings_of(finding: &PlacedFinding) -> impl Iterator<Item = SettingPath> {
    let all = finding.settings.iter().chain(&finding.setting);
    all.filter_map(|setting| SettingPath::parse(setting))
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
    let (message, help) = match is_gap(finding) {
        true => (language.say("banner", &[]), None),
        false => (
            message(finding, known, &paths, words_of),
            finding.help.as_deref().filter(|help| is_for_pages(help)),
        ),
    };
    json!({
        "code": finding.code, "severity": finding.severity.as_str(), "message": message, "help": help, "links": links,
        "ours": is_gap(finding), "category": schema.filter(|_| id != here).map(|schema| &schema.title),
    })
}

/// What is wrong, and why a value cannot be what it is.
fn message(
    finding: &PlacedFinding,
    known: &Known,
    paths: &[SettingPath],
    words_of: impl Fn(&SettingPath) -> String,
) -> String {
    let mut text = by_labels(&finding.message, known);
    for path in paths {
        let words = words_of(path);
        text = text.replace(&format!("`{path}`"), &format!("`{words}`"));
        if let (Some(id), Some(last)) = (path.segments().last(), words.rsplit(" › ").next()) {
            text = text.replace(&format!("`{id}`"), &format!("`{last}`"));
        }
    }
    let is_of_value = matches!(finding.name.as_str(), "unfit-value" | "value-not-allowed");
    let says_why = !matches!(finding.label.as_str(), "" | "here" | "set here" | "unknown");
    if is_of_value && says_why { format!("{text}: {}", finding.label) } else { text }
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
