//! Texts of ours in templates: `t` gives one as HTML, `tt` as plain text. A text may have `**strong**` in it and nothing else, and what
//! is filled in is escaped.

use minijinja::value::{Kwargs, Value};
use minijinja::{Environment, Error, ErrorKind, HtmlEscape};

use super::texts::{Language, fill};
use crate::diagnostic::clean_text;

/// Lets templates say texts of a language, and messages of ours where a page has no code in its sentences.
pub fn add(environment: &mut Environment<'_>, language: &'static Language) {
    environment.add_filter("plain", |text: String| plain(&text));
    environment.add_filter("ours", move |text: String| ours(language, &text));
    environment.add_function("t", move |key: String, filled: Kwargs| said(language, &key, &filled, true));
    environment.add_function("tt", move |key: String, filled: Kwargs| said(language, &key, &filled, false));
}

/// What the program says in English in the reader's language; nothing where he reads English, or where no file has it. A code may stand before it.
fn ours(language: &Language, text: &str) -> Option<String> {
    if language.id == Language::english().id {
        return None;
    }
    match text.split_once(": ") {
        Some((code, said)) if code.len() == 5 && code[1..].bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(format!("{code}: {}", language.sentence(said)?))
        }
        _ => language.sentence(text),
    }
}

/// A message as a sentence: it begins with a capital, but for what comes from a file, which keeps its case.
fn plain(text: &str) -> String {
    let first = text.split(' ').next().unwrap_or_default();
    let is_name = first.starts_with('`') || first.contains(['_', '.', '/']);
    let text = text.replace('`', "");
    let mut rest = text.chars();
    match rest.next().filter(|_| !is_name) {
        Some(first) => first.to_uppercase().chain(rest).collect(),
        None => text,
    }
}

/// A text of ours.
fn said(language: &Language, key: &str, filled: &Kwargs, is_html: bool) -> Result<Value, Error> {
    let value = |name: &str| filled.get::<Value>(name).ok().filter(|value| !value.is_undefined());
    let number = value("n").and_then(|value| i64::try_from(value).ok());
    let text = language.text(key, number);
    if !language.has(key) {
        return Err(Error::new(ErrorKind::InvalidOperation, format!("no text is called {key}")));
    }
    let shown = |name: &str| {
        value(name).map(|value| match value.is_safe() || !is_html {
            true => value.to_string(),
            false => HtmlEscape(&clean_text(&value.to_string())).to_string(),
        })
    };
    if !is_html {
        return Ok(Value::from(fill(text, shown)));
    }
    let mut marked = String::new();
    for (at, part) in text.split("**").enumerate() {
        if at > 0 {
            marked.push_str(if at % 2 == 1 { "<strong>" } else { "</strong>" });
        }
        marked.push_str(&HtmlEscape(part).to_string());
    }
    Ok(Value::from_safe_string(fill(&marked, shown)))
}
