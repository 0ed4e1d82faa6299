//! The output forms beside text and JSON: which command gives which, a project's own templates, and why a command stopped.

use std::path::Path;

use super::args::{Cli, Form};
use super::exit::Stop;
use super::session::Session;
use super::streams::Streams;

use crate::diagnostic::clean_text;
use crate::ops::forge::Lines;
use crate::ops::templates::Templates;
use crate::report::content::Content;
use crate::report::stopped::{self, Stopped};
use crate::report::template::TemplateError;
use crate::report::{explain, github, gitlab, html, json, junit, markdown, sarif};
use crate::schema::parts::Catalogue;
use crate::source::{ReadFault, git, load};

/// Refuses a form that the command cannot give, before anything is done.
///
/// # Errors
/// When it cannot.
pub fn refuse_unknown(cli: &Cli) -> Result<(), Stop> {
    let known = Form::of(cli.command.name());
    if known.contains(&cli.common.output) {
        return Ok(());
    }
    Err(not_given(cli.command.name(), cli.common.output, known))
}

/// The usage error that names what the command can give.
#[must_use]
pub fn not_given(command: &str, form: Form, known: &[Form]) -> Stop {
    let names: Vec<&str> = known.iter().map(|form| form.name()).collect();
    Stop::usage(format!("{command} has no form `{}`", form.name()))
        .help(format!("its forms are: {}", names.join(", ")))
}

/// Prints a report in the form that was asked for; text and JSON are the commands' own. Templates are those of the project here.
///
/// # Errors
/// When the project's template is wrong.
pub fn print(session: &Session, content: &Content<'_>, streams: &mut Streams) -> Result<(), Stop> {
    let workspace = session.workspace().ok();
    let templates = workspace.as_ref().map_or_else(Templates::built_in, Templates::of);
    print_by(session, templates, content, streams)
}

/// As [`print()`], by these templates.
///
/// # Errors
/// As [`print()`].
pub fn print_by(
    session: &Session,
    templates: Templates<'_>,
    content: &Content<'_>,
    streams: &mut Streams,
) -> Result<(), Stop> {
    let wrong = |error: TemplateError| {
        Stop::usage(error.to_string()).help("mend it, or take it away to get the built-in one")
    };
    let mut filled =
        |name: &str, fill: &dyn Fn(Option<&str>) -> Result<String, TemplateError>| match own(templates, name)
            .and_then(fill)
        {
            Err(error) if templates.are_of_base() => {
                let said =
                    format!("note: {error}; that is how the base has it, so the built-in one is taken\n");
                streams.say(&clean_text(&said));
                fill(None)
            }
            filled => filled,
        };
    let root = load::find_root(&session.here);
    let folder = root.as_deref().map(git::folder).unwrap_or_default();
    let lines = root.as_deref().zip(content.commit).and_then(|(root, commit)| Lines::of(root, commit));
    let content = &Content { folder: &folder, lines: lines.as_ref(), ..*content };
    let form = session.common.output;
    let name = match form {
        Form::Markdown => Some(markdown::TEMPLATE),
        Form::Html => Some(html::TEMPLATE),
        _ => None,
    };
    let text = match name {
        Some(name) => filled(name, &|template| in_form(form, content, template)),
        None => in_form(form, content, None),
    };
    streams.result(&text.map_err(wrong)?);
    Ok(())
}

/// Prints why a command stopped in the form that was asked for, if the command gives it: in the words that are built in, since
/// those of the project may be what is wrong. Text is told beside the result.
pub fn print_stop(form: Form, command: &str, stop: &Stop, here: &Path, streams: &mut Streams) {
    let stopped = Stopped { message: &stop.message, help: stop.help.as_deref(), refusals: &stop.refusals };
    if form == Form::Json {
        streams.result(&json::print(&stopped::json(command, stop.code, &stopped, &stop.findings)));
        return;
    }
    if !Form::of(command).contains(&form) {
        return;
    }
    let catalogue = Catalogue::default();
    let folder = load::find_root(here).as_deref().map(git::folder).unwrap_or_default();
    let content =
        Content { folder: &folder, ..Content::of_stop(command, stopped, &stop.findings, &catalogue) };
    // No template of ours is wrong.
    streams.result(&in_form(form, &content, None).unwrap_or_default());
}

fn in_form(form: Form, content: &Content<'_>, template: Option<&str>) -> Result<String, TemplateError> {
    Ok(match form {
        Form::Markdown => markdown::render(content, template)?,
        Form::Html => html::render(content, template)?,
        Form::Sarif => sarif::render(content, &explain::page),
        Form::Junit => junit::render(content),
        Form::Github => github::render(content),
        Form::Gitlab => gitlab::render(content),
        Form::Text | Form::Json => String::new(),
    })
}

/// A project's own template; none where there is no such file.
fn own<'t>(templates: Templates<'t>, name: &str) -> Result<Option<&'t str>, TemplateError> {
    let Some(file) = templates.find(name) else { return Ok(None) };
    let reason = match file.fault() {
        None => return Ok(Some(file.text())),
        Some(ReadFault::Unreadable(why)) => why,
        Some(ReadFault::NotUtf8 { .. }) => "it is not UTF-8",
        Some(ReadFault::TooLarge { .. }) => "it is too large",
    };
    Err(TemplateError { name: name.to_owned(), line: None, reason: reason.to_owned() })
}
