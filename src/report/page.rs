//! What the templates of pages share: filters, texts in a language, times, and the parts that show settings. Reports have one page
//! of it, and the served pages all theirs. What is filled in is escaped; a text of ours may have `**strong**` in it and nothing else.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;
use minijinja::syntax::SyntaxConfig;
use minijinja::value::Value;
use minijinja::{AutoEscape, Environment, HtmlEscape, UndefinedBehavior};

use super::say;
pub use super::template::PARTS;
use super::texts::Language;
use crate::diagnostic::clean_text;

/// What templates are read and filled in by; it knows the parts already.
///
/// # Errors
/// When a template cannot be read, which a test rules out.
pub fn environment(language: &'static Language) -> Result<Environment<'static>, String> {
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
    // A long path loses its beginning, never its file.
    environment.add_filter("short", |path: String| {
        match path.rsplitn(3, '/').collect::<Vec<_>>().as_slice() {
            [file, folder, _] if path.len() > 30 => format!("…/{folder}/{file}"),
            _ => path.clone(),
        }
    });
    say::add(&mut environment, language);
    environment.add_function("when", move |at: String, now: String, only: Option<String>| {
        when(language, &at, &now, only.is_some())
    });
    environment
        .add_function("day", move |day: String| day.parse::<Date>().map_or(day, |day| language.date(day)));
    for (name, text) in PARTS {
        environment.add_template(name, text).map_err(|error| format!("{name}: {error:#}"))?;
    }
    Ok(environment)
}

/// `27 Nov 15:40 UTC`, with the year from another year on, or the day alone; a script shows it in the reader's own time.
fn when(language: &Language, at: &str, now: &str, is_day: bool) -> Value {
    let Ok(moment) = at.parse::<Timestamp>() else { return Value::from(at.to_owned()) };
    let moment = moment.to_zoned(TimeZone::UTC);
    let mut day = language.date(moment.date());
    let year = moment.year().to_string();
    if now.starts_with(&year) {
        day.truncate(day.len() - year.len() - 1);
    }
    let time = format!("{day} {} UTC", moment.strftime("%H:%M"));
    let (text, mark) = if is_day {
        (&day, format!(" data-day title=\"{}\"", HtmlEscape(&time)))
    } else {
        (&time, String::new())
    };
    Value::from_safe_string(format!(
        "<time datetime=\"{}\"{mark}>{}</time>",
        HtmlEscape(at),
        HtmlEscape(text)
    ))
}
