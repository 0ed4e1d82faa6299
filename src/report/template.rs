//! Templates: the forms that people restyle. Whatever is filled in is escaped for the form unless a filter made it
//! safe, so a project's own template cannot let a value through by forgetting to escape it.

use crate::diagnostic::clean_text;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde_json::Value as Json;

/// Steps that a template may take; a loop that does not end is stopped.
const FUEL: u64 = 50_000_000;

/// Why a template cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("the template {name} fails{}: {reason}", .line.map(|line| format!(" at line {line}")).unwrap_or_default())]
pub struct TemplateError {
    pub name: String,
    pub line: Option<usize>,
    pub reason: String,
}

impl TemplateError {
    pub(super) fn of(name: &str, error: &Error) -> Self {
        TemplateError {
            name: name.to_owned(),
            line: error.line(),
            reason: error.detail().map_or_else(|| error.kind().to_string(), str::to_owned),
        }
    }
}

/// Fills a template with an outline. The name's ending chooses the escaping: `.md` or `.html`.
///
/// # Errors
/// When the template is wrong.
pub fn fill(name: &str, template: &str, outline: &Json) -> Result<String, TemplateError> {
    let failed = |error: &Error| TemplateError::of(name, error);
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(FUEL));
    // A tag that stands alone on its line leaves no line behind.
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".md") { AutoEscape::Custom("markdown".into()) } else { AutoEscape::Html }
    });
    environment.set_formatter(format);
    environment.add_filter("code", |text: String| Value::from_safe_string(code(&clean_text(&text))));
    environment.add_filter("prose", |text: String| Value::from_safe_string(prose(&clean_text(&text))));
    environment.add_filter("attribute", |text: String| Value::from_safe_string(entities(&clean_text(&text))));
    environment.add_template(name, template).map_err(|error| failed(&error))?;
    let template = environment.get_template(name).map_err(|error| failed(&error))?;
    template.render(Value::from(Serde(outline))).map_err(|error| failed(&error))
}

fn format(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let markdown = matches!(state.auto_escape(), AutoEscape::Custom(name) if name == "markdown");
    if value.is_safe() || !markdown {
        let cleaned = value.as_str().filter(|_| !value.is_safe()).map(|text| Value::from(clean_text(text)));
        return minijinja::escape_formatter(out, state, cleaned.as_ref().unwrap_or(value));
    }
    let text = if value.is_none() || value.is_undefined() { String::new() } else { value.to_string() };
    out.write_str(&markdown_text(&clean_text(&text)))
        .map_err(|_| Error::new(ErrorKind::WriteFailure, "cannot write"))
}

/// Text as text: no mark of Markdown or HTML survives, nobody is mentioned and nothing becomes a link.
#[must_use]
pub fn markdown_text(text: &str) -> String {
    // A zero-width space parts what forges would take for a mention, a reference or an address.
    let parted = text
        .replace('@', "@\u{200b}")
        .replace('#', "#\u{200b}")
        .replace('!', "!\u{200b}")
        .replace("://", ":\u{200b}//")
        .replace("www.", "www\u{200b}.");
    entities(&parted)
}

/// A value as code; within it forges look for neither mentions nor links.
#[must_use]
pub fn code(text: &str) -> String {
    if text.is_empty() {
        return String::new();
    }
    format!("<code>{}</code>", entities(text))
}

/// A message of ours, in which backticks mark what comes from files.
#[must_use]
pub fn prose(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    let last = parts.len() - 1;
    parts
        .iter()
        .enumerate()
        .map(|(at, part)| if at % 2 == 1 && at < last { code(part) } else { markdown_text(part) })
        .collect()
}

/// Every ASCII mark as a character reference: it shows as itself and means nothing, in a table cell, a heading, an
/// attribute or a block of HTML alike. Lines become one.
fn entities(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        match c {
            '\n' | '\r' | '\t' => out.push_str("&#8629;"),
            ' ' | ',' => out.push(c),
            c if c.is_ascii_punctuation() || c.is_control() => out.push_str(&format!("&#{};", u32::from(c))),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    proptest::proptest! {
        #[test]
        fn no_mark_survives(text in "[ -~\n\u{202e}]{0,40}") {
            for escaped in [markdown_text(&text), code(&text), prose(&text)] {
                let bare = escaped.replace("<code>", "").replace("</code>", "");
                proptest::prop_assert!(!bare.contains(['<', '>', '|', '`', '*', '_', '[', ']', '@', '\n', '"']), "{bare}");
            }
        }
    }

    #[test]
    fn a_project_s_template_escapes_without_being_asked() {
        let outline = serde_json::json!({"value": "<b>@all | `x`"});
        let markdown = fill("own.md", "{{ value }}", &outline).unwrap();
        assert!(!markdown.contains(['<', '|', '`', '@']), "{markdown}");
        assert_eq!(fill("own.html", "{{ value }}", &outline).unwrap(), "&lt;b&gt;@all | `x`");
        assert!(
            fill(
                "own.md",
                "{% for a in range(100000) %}{% for b in range(100000) %}x{% endfor %}{% endfor %}",
                &outline
            )
            .is_err()
        );
        let wrong = fill("own.md", "a\n{{ }}", &outline).unwrap_err();
        assert_eq!(wrong.line, Some(2));
    }
}
