//! Templates: the forms that people restyle. Whatever is filled in is escaped for the form unless a filter made it
//! safe, so a project's own template cannot let a value through by forgetting to escape it.

use super::say;
use super::texts::Language;
use crate::diagnostic::clean_text;
use crate::model::tokens::masked;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, Output, State, UndefinedBehavior};
use serde_json::Value as Json;

/// What a template may take whatever it is filled with, and further for each value of the outline: a step, or 64 bytes that it
/// makes. It bounds the time and the memory of a template that somebody else wrote.
const FUEL: u64 = 500_000;
const FUEL_A_VALUE: u64 = 400;

/// What every page is put together from, by the name under which a template imports it.
pub const PARTS: [(&str, &str); 4] = [
    ("base.html", include_str!("templates/base.html")),
    ("parts.html", include_str!("templates/parts.html")),
    SHOWN,
    ("changes_of_plan.html", include_str!("templates/changes_of_plan.html")),
];

/// How a setting is shown to whom it cannot be typed in.
pub const SHOWN: (&str, &str) = ("shown.html", include_str!("templates/shown.html"));

/// A longer template is none that a person restyles, in bytes.
const LONGEST: usize = 1024 * 1024;

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
        let dear = (error.kind() == ErrorKind::OutOfFuel).then(|| {
            "it takes more steps or memory than a template may; go through the outline once".to_owned()
        });
        let reason =
            dear.unwrap_or_else(|| error.detail().map_or_else(|| error.kind().to_string(), str::to_owned));
        TemplateError { name: name.to_owned(), line: error.line(), reason }
    }
}

/// Fills a template with an outline. The name's ending chooses the escaping: `.md` or `.html`.
///
/// # Errors
/// When the template is wrong.
pub fn fill(name: &str, template: &str, outline: &Json) -> Result<String, TemplateError> {
    let failed = |error: &Error| TemplateError::of(name, error);
    if template.len() > LONGEST {
        let reason = format!("it has {} bytes, and no more than {LONGEST} are read", template.len());
        return Err(TemplateError { name: name.to_owned(), line: None, reason });
    }
    if let Some(line) = adds_names(template) {
        let reason =
            "`+` stands between two names, by which lists could grow without end; join texts with `~`"
                .to_owned();
        return Err(TemplateError { name: name.to_owned(), line: Some(line), reason });
    }
    let mut environment = Environment::new();
    // As `+`: what it makes of lists is counted too late.
    environment.remove_filter("chain");
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    environment.set_fuel(Some(FUEL + FUEL_A_VALUE * weight(outline)));
    // A tag that stands alone on its line leaves no line behind.
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|name| {
        if name.ends_with(".md") { AutoEscape::Custom("markdown".into()) } else { AutoEscape::Html }
    });
    environment.set_formatter(format);
    for (filter, escape) in [("code", code as fn(&str) -> String), ("prose", prose), ("attribute", entities)]
    {
        environment.add_filter(filter, move |state: &State<'_, '_>, text: String| {
            // What it makes is counted once it is there, and may be longer by a few times.
            state.consume_fuel(text.len() as u64 / 8)?;
            Ok::<_, Error>(Value::from_safe_string(escape(&harmless(&text))))
        });
    }
    say::add(&mut environment, &Language::all()[0]);
    for (part, text) in PARTS {
        environment.add_template(part, text).map_err(|error| TemplateError::of(part, &error))?;
    }
    environment.add_template(name, template).map_err(|error| failed(&error))?;
    let template = environment.get_template(name).map_err(|error| failed(&error))?;
    template.render(Value::from(Serde(outline))).map_err(|error| failed(&error))
}

/// The line of a `+` of which neither side is a number or a text as it is written. minijinja counts what a template takes, save
/// where it adds lists to lists, which a few lines can double until no memory holds them.
fn adds_names(template: &str) -> Option<usize> {
    let bytes = template.as_bytes();
    let (mut at, mut inside, mut quote) = (0, false, None);
    while at < bytes.len() {
        let (here, next) = (bytes[at], bytes.get(at + 1).copied());
        match (inside, quote) {
            (false, _) => inside = here == b'{' && matches!(next, Some(b'{' | b'%')),
            (true, Some(open)) => {
                at += usize::from(here == b'\\');
                quote = Some(open).filter(|open| here != *open);
            }
            (true, None) => match here {
                b'"' | b'\'' => quote = Some(here),
                b'}' if at > 0 && matches!(bytes[at - 1], b'}' | b'%') => inside = false,
                // At an end of a tag it is about blanks.
                b'+' if !matches!(bytes.get(at.wrapping_sub(1)), Some(b'%' | b'{'))
                    && !matches!(next, Some(b'%' | b'}'))
                    && !ends_in_constant(&template[..at])
                    && !begins_with_constant(&template[at + 1..]) =>
                {
                    return Some(template[..at].matches('\n').count() + 1);
                }
                _ => {}
            },
        }
        at += 1;
    }
    None
}

/// Whether a number or a text ends here that nothing was made of.
fn ends_in_constant(text: &str) -> bool {
    let text = text.trim_end();
    let before = text.trim_end_matches(|c: char| c.is_alphanumeric() || matches!(c, '_' | '.'));
    let word = &text[before.len()..];
    let is_number = word.starts_with(|c: char| c.is_ascii_digit())
        && word.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    // A list times a number is a list.
    text.ends_with(['"', '\'']) || is_number && !before.trim_end().ends_with('*')
}

/// Whether a number or a text begins here of which nothing is made.
fn begins_with_constant(text: &str) -> bool {
    let text = text.trim_start();
    let rest = match text.chars().next() {
        Some(open @ ('"' | '\'')) => {
            let mut escaped = false;
            let end = text[1..].find(|c| {
                let ends = c == open && !escaped;
                escaped = c == '\\' && !escaped;
                ends
            });
            end.and_then(|end| text.get(end + 2..))
        }
        Some(digit) if digit.is_ascii_digit() => {
            Some(text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.'))
        }
        _ => None,
    };
    // A filter, an attribute or a list that it is taken times may make anything of it.
    rest.is_some_and(|rest| !rest.trim_start().starts_with(['|', '.', '[', '(', '*']))
}

/// How much there is to fill in: values, and longer texts for several.
fn weight(outline: &Json) -> u64 {
    1 + match outline {
        Json::Array(items) => items.iter().map(weight).sum(),
        Json::Object(map) => map.values().map(weight).sum(),
        Json::String(text) => text.len() as u64 / 64,
        _ => 0,
    }
}

/// What is not ours, cleaned and without credentials, before the marks of a form would part them.
fn harmless(text: &str) -> String {
    masked(&clean_text(text)).into_owned()
}

fn format(out: &mut Output<'_>, state: &mut State<'_, '_>, value: &Value) -> Result<(), Error> {
    let markdown = matches!(state.auto_escape(), AutoEscape::Custom(name) if name == "markdown");
    if value.is_safe() || !markdown {
        let cleaned = value.as_str().filter(|_| !value.is_safe()).map(|text| Value::from(harmless(text)));
        return minijinja::escape_formatter(out, state, cleaned.as_ref().unwrap_or(value));
    }
    let text = if value.is_none() || value.is_undefined() { String::new() } else { value.to_string() };
    out.write_str(&markdown_text(&harmless(&text)))
        .map_err(|_| Error::new(ErrorKind::WriteFailure, "cannot write"))
}

/// Text as text: no mark of Markdown or HTML survives, nobody is mentioned and nothing becomes a link.
#[must_use]
pub fn markdown_text(text: &str) -> String {
    // A zero-width space parts what forges would take for a mention, a reference or an address.
    let mut parted = String::with_capacity(text.len() + 16);
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        parted.push(c);
        // GitLab has labels (`~`), milestones (`%`), snippets (`$`), epics (`&`) and alerts (`^`) beside.
        let is_reference = matches!(c, '~' | '%' | '$' | '&' | '^')
            && rest.peek().is_some_and(|next| next.is_alphanumeric() || matches!(next, '"' | '#'));
        if matches!(c, '@' | '#' | '!') || is_reference {
            parted.push('\u{200b}');
        }
    }
    let parted =
        parted.replace("://", ":\u{200b}//").replace("www.", "www\u{200b}.").replace("GH-", "GH\u{200b}-");
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
        for hostile in [
            "{{ 'x' * 10**9 }}",
            "{{ ('x' * 10**6) * 10**6 }}",
            "{% set n = namespace(t='x') %}{% for i in range(60) %}{% set n.t = n.t ~ n.t %}{% endfor %}",
            "{% set n = namespace(t=[1]) %}{% for i in range(60) %}{% set n.t = n.t + n.t %}{% endfor %}",
            "{% set t %}{% for i in range(100000) %}{{ 'x' * 100000 }}{% endfor %}{% endset %}",
            "{% macro m(n) %}{{ m(n) }}{{ m(n) }}{% endmacro %}{{ m(1) }}",
            "{% macro m(n) %}{% if n %}{{ m(n - 1) }}{{ m(n - 1) }}{% endif %}x{% endmacro %}{{ m(200) }}",
            "{{ ('x\n' * 1000000)|indent(100000) }}",
            "{{ range(100000)|join('x' * 100000) }}",
            "{{ ('x' * 100000)|replace('x', 'x' * 100000) }}",
            "{{ ('x' * 10000000)|code }}",
            "{{ ('&' * 30000000)|escape }}",
            "{% for a in range(100000)|batch(1) %}{% for b in range(100000)|list|sort %}{% endfor %}{% endfor %}",
            "{{ range(100000)|map('string')|list|join|upper|reverse }}{% for a in range(99999) %}{{ range(100000)|list|length }}{% endfor %}",
        ] {
            let error = fill("own.md", hostile, &outline).map(|text| text.len());
            assert!(error.is_err(), "{hostile}: {error:?}");
        }
        for sum in [
            "{{ 1 + 2 }}",
            "{{ value + 'x' }}",
            "{{ 'a + b' ~ value }}",
            "{%+ if 1 +%}a + b{% endif %}",
            "a + b {{ 7 + value|length }}",
        ] {
            assert_eq!(adds_names(sum), None, "{sum}");
        }
        for sum in [
            "{{ a + b }}",
            "{% set a = a.0 + a.0 %}",
            "{{ a + ''|default(a, true) }}",
            "{{ a1 +a1 }}",
            "{{ a * 2 + a }}",
            "{{ a + 2 * a }}",
            "{{ \"\\\"\" ~ a + a }}",
        ] {
            assert_eq!(adds_names(sum), Some(1), "{sum}");
        }
        let longest = "x".repeat(LONGEST + 1);
        assert!(fill("own.md", &longest, &outline).unwrap_err().reason.contains("bytes"));
        let wrong = fill("own.md", "a\n{{ }}", &outline).unwrap_err();
        assert_eq!(wrong.line, Some(2));
    }
}
