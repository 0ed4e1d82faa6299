//! `validate`: all findings of a project, or of any files by any JSON Schema.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::args::{Form, Validate};
use super::cache::{self, Kept};
use super::exit::{self, Stop};
use super::forms;
use super::plan::Head;
use super::session::Session;
use super::streams::Streams;
use crate::diagnostic::placed::PlacedFinding;
use crate::ops::any_schema::{Judged, judge};
use crate::ops::project::has_errors;
use crate::ops::templates::Templates;
use crate::ops::validate::{Validated, validate, wanted};
use crate::plan::Commit;
use crate::report::content::Content;
use crate::report::{self, json};
use crate::schema::parts::Catalogue;
use crate::source::Sources;

/// Runs the command.
///
/// # Errors
/// When there is no project, or a path or filter names nothing.
pub fn run(session: &Session, args: &Validate, streams: &mut Streams) -> Result<u8, Stop> {
    if let Some(schema) = &args.schema {
        return judge_files(session, schema, &args.paths, streams);
    }
    let request = session.request();
    let workspace = session.compared(args.base.as_deref(), streams)?;
    let wanted = wanted(&workspace, &request, &session.here, &args.paths)?;
    let key = cache::key(session, &workspace, &wanted);
    if let Some(kept) = key.as_ref().and_then(cache::find) {
        streams.replay(&kept.said);
        return Ok(kept.code);
    }
    streams.record();
    let found = session.host(|host| validate(&workspace, &request, &wanted, host))?;
    let known = found.known;
    let sources = workspace.sources();
    let is_shown = !matches!(session.common.output, Form::Text | Form::Json);
    let head = is_shown.then(|| Of {
        revision: workspace.commit().map(Commit::of),
        made: Head::of_comparison(session, workspace.root()),
        named: workspace.root().file_name().map(|name| name.to_string_lossy().into_owned()),
    });
    let code = print(session, Templates::of(&workspace), &found, sources, head.as_ref(), streams)?;
    let said = streams.recorded();
    if let Some(key) = &key {
        cache::keep(key, &Kept { code, said }, sources);
    }
    if let Some(since) = &request.changed_since {
        streams.say(&format!(
            "Looked at {} of {known}: those that can have changed since {since}.\n",
            found.integrations
        ));
    }
    Ok(code)
}

/// What was judged, and when.
struct Of {
    revision: Option<Commit>,
    made: Head,
    named: Option<String>,
}

/// Judges any files by any JSON Schema.
fn judge_files(
    session: &Session,
    schema: &Path,
    paths: &[PathBuf],
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let Judged { sources, findings, hidden } = judge(&session.here, schema, paths)?;
    if session.common.output != Form::Text {
        let found =
            Validated { findings, hidden, integrations: 0, known: 0, pairs: BTreeMap::new(), policy: None };
        return print(session, Templates::built_in(), &found, &sources, None, streams);
    }
    streams.result(&report::findings::text(&findings, &sources, &hidden));
    streams.result(&report::findings::summary(&findings, paths.len(), "file"));
    Ok(if has_errors(&findings) { exit::ERRORS } else { exit::OK })
}

/// Prints findings in the wanted form; the exit code says whether there are errors.
fn print(
    session: &Session,
    templates: Templates<'_>,
    found: &Validated,
    sources: &Sources,
    of: Option<&Of>,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let Validated { findings, hidden, integrations, policy, pairs, .. } = found;
    let (integrations, changes) = (*integrations, policy.as_deref().unwrap_or_default());
    let code = if has_errors(findings) { exit::ERRORS } else { exit::OK };
    match session.common.output {
        Form::Json => {
            let body = json::validate(findings, sources, integrations, policy.as_deref(), code);
            streams.result(&json::print(&body));
        }
        Form::Text => {
            streams.result(&report::policy::text(changes));
            streams.result(&report::findings::text(findings, sources, hidden));
            streams.result(&report::findings::summary(findings, integrations, "integration"));
        }
        _ => {
            let findings = PlacedFinding::all(findings, sources);
            let catalogue = Catalogue::default();
            // A comment and a job's log stand beside their commit; a page is handed on without it.
            let page = of.filter(|_| session.common.output == Form::Html);
            let content = Content {
                integrations,
                pairs: Some(pairs),
                commit: of
                    .and_then(|of| of.revision.as_ref())
                    .filter(|commit| !commit.dirty)
                    .map(|commit| &*commit.id),
                revision: page.and_then(|of| of.revision.as_ref()),
                made: page.map(|of| of.made.made()),
                named: page.and_then(|of| of.named.as_deref()),
                ..Content::of_findings(&findings, changes, &catalogue)
            };
            forms::print_by(session, templates, &content, streams)?;
        }
    }
    Ok(code)
}
