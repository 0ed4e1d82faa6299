//! The templates of the pages, built in. What is filled in is escaped; a text of ours may have `**strong**` in it and nothing
//! else.

use std::sync::LazyLock;

use axum::http::StatusCode;
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::{Kwargs, Serde, Value};
use minijinja::{AutoEscape, Environment, Error, ErrorKind, HtmlEscape, UndefinedBehavior, context};
use serde_json::{Value as Json, json};

use super::texts::{Language, fill};
use crate::diagnostic::clean_text;
use crate::report::template::PARTS;
use crate::serve::problem::Problem;

const ALL: [(&str, &str); 19] = [
    PARTS[0],
    PARTS[1],
    ("frame.html", include_str!("templates/frame.html")),
    ("fields.html", include_str!("templates/fields.html")),
    ("sign_in.html", include_str!("templates/sign_in.html")),
    ("go_on.html", include_str!("templates/go_on.html")),
    ("failed.html", include_str!("templates/failed.html")),
    ("fleet.html", include_str!("templates/fleet.html")),
    ("new.html", include_str!("templates/new.html")),
    ("settings.html", include_str!("templates/settings.html")),
    ("category.html", include_str!("templates/category.html")),
    ("stale.html", include_str!("templates/stale.html")),
    ("history.html", include_str!("templates/history.html")),
    ("revision.html", include_str!("templates/revision.html")),
    ("plan_parts.html", include_str!("templates/plan_parts.html")),
    ("propose.html", include_str!("templates/propose.html")),
    ("changes.html", include_str!("templates/changes.html")),
    ("cache.html", include_str!("templates/cache.html")),
    ("plan.html", include_str!("templates/plan.html")),
];

/// All templates, once a language.
static ENVIRONMENTS: LazyLock<Vec<Result<Environment<'static>, String>>> =
    LazyLock::new(|| Language::all().iter().map(environment).collect());

fn environment(language: &'static Language) -> Result<Environment<'static>, String> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    if let Ok(syntax) = SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build() {
        environment.set_syntax(syntax);
    }
    environment.set_auto_escape_callback(|_| AutoEscape::Html);
    // What nobody sees, and what turns a line around, is shown as what it is.
    environment.set_formatter(|out, state, value| {
        let cleaned = value.as_str().filter(|_| !value.is_safe()).map(|text| Value::from(clean_text(text)));
        minijinja::escape_formatter(out, state, cleaned.as_ref().unwrap_or(value))
    });
    // The value of a control goes back as it came.
    environment.add_filter("exact", |text: String| Value::from_safe_string(HtmlEscape(&text).to_string()));
    environment.add_filter("urlencode", |text: String| {
        percent_encoding::utf8_percent_encode(&text, percent_encoding::NON_ALPHANUMERIC).to_string()
    });
    environment.add_filter("plain", |text: String| {
        // What comes from a file keeps its case.
        if text.starts_with('`') {
            return text.replace('`', "");
        }
        let text = text.replace('`', "");
        let mut rest = text.chars();
        rest.next().map_or_else(String::new, |first| first.to_uppercase().chain(rest).collect::<String>())
    });
    // A long path loses its beginning, never its file.
    environment.add_filter("short", |path: String| {
        match path.rsplitn(3, '/').collect::<Vec<_>>().as_slice() {
            [file, folder, _] if path.len() > 30 => format!("…/{folder}/{file}"),
            _ => path.clone(),
        }
    });
    environment.add_function("t", move |key: String, filled: Kwargs| said(language, &key, &filled, true));
    environment.add_function("tt", move |key: String, filled: Kwargs| said(language, &key, &filled, false));
    environment.add_function("when", move |at: String, now: String| when(language, &at, &now));
    environment
        .add_function("day", move |day: String| day.parse::<Date>().map_or(day, |day| date(language, day)));
    for (name, text) in ALL {
        environment.add_template(name, text).map_err(|error| format!("{name}: {error:#}"))?;
    }
    Ok(environment)
}

/// `1 Jan 2026`
fn date(language: &Language, day: Date) -> String {
    let month = language.text("months", None).split(' ').nth(usize::try_from(day.month() - 1).unwrap_or(0));
    format!("{} {} {}", day.day(), month.unwrap_or_default(), day.year())
}

/// `27 Nov 15:40 UTC`, with the year from another year on; a script shows it in the reader's own time.
fn when(language: &Language, at: &str, now: &str) -> Value {
    let Ok(moment) = at.parse::<Timestamp>() else { return Value::from(at.to_owned()) };
    let moment = moment.to_zoned(TimeZone::UTC);
    let mut day = date(language, moment.date());
    let year = moment.year().to_string();
    if now.starts_with(&year) {
        day.truncate(day.len() - year.len() - 1);
    }
    let text = format!("{day} {} UTC", moment.strftime("%H:%M"));
    Value::from_safe_string(format!("<time datetime=\"{}\">{}</time>", HtmlEscape(at), HtmlEscape(&text)))
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

/// A page of a template.
///
/// # Errors
/// When the template fails: a fault of ours.
pub fn render(name: &str, page: &Json, language: &Language) -> Result<String, Problem> {
    let fault = |why: String| {
        Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", format!("the page cannot be made: {why}"))
    };
    let at = Language::all().iter().position(|one| one.id == language.id).unwrap_or(0);
    let environment = ENVIRONMENTS[at].as_ref().map_err(|why| fault(why.clone()))?;
    let languages: Vec<Json> =
        Language::all().iter().map(|one| json!({"id": one.id, "name": one.name})).collect();
    // What is written in files can be proposed and planned where files are.
    let files = &page["frame"]["has_files"];
    let can = json!({"propose": files, "plan": files, "changes": true, "clear_cache": true});
    let outer = context! { lang => language.id, languages => Serde(&languages), can => Serde(can) };
    let template = environment.get_template(name).map_err(|error| fault(error.to_string()))?;
    template
        .render(context! { ..Value::from(Serde(page)), ..outer })
        .map_err(|error| fault(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn templates_can_be_read_and_every_text_that_they_say_is_there() {
        assert!(ENVIRONMENTS.iter().all(|environment| environment.as_ref().err().is_none()));
        for (name, text) in ALL.iter().skip(PARTS.len()) {
            for opening in [" t(\"", "(t(\"", "{t(\"", " tt(\"", "(tt(\"", "=t(\"", "~t(\""] {
                for part in text.split(opening).skip(1) {
                    let (key, rest) = part.split_once('"').unwrap_or((part, ""));
                    // What is put together is known when the page is made.
                    if !rest.trim_start().starts_with('~') {
                        assert!(Language::all()[0].has(key), "{name} says {key}");
                    }
                }
            }
        }
    }

    #[test]
    fn what_is_filled_in_is_no_mark() {
        let page = json!({"problem": {"status": 404, "code": "not-found", "detail": "<script>\u{202e}", "help": null}});
        let page = render("failed.html", &page, &Language::all()[0]).unwrap_or_default();
        assert!(!page.contains("<script>\u{202e}") && page.contains("&lt;script&gt;"), "{page}");
    }
}
