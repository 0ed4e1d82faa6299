//! `show`: a saved plan, or an integration as it is compiled.

use std::fs::File;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::args::{Form, Show};
use super::exit::{self, Stop};
use super::forms;
use super::session::Session;
use super::streams::Streams;
use crate::compile::{Compiled, Judged, Whole};
use crate::diagnostic::placed::PlacedFinding;
use crate::diagnostic::{Severity, clean};
use crate::model::{SettingPath, category};
use crate::ops::forge::Lines;
use crate::ops::owners::Owners;
use crate::ops::project::{self, Project};
use crate::ops::signed::{SignedBy, signed_by};
use crate::ops::templates::Templates;
use crate::plan::signature::Broken;
use crate::plan::{self, FORMAT_VERSION};
use crate::report::configuration::{self, Shown};
use crate::report::content::{By, Content};
use crate::report::json::Beside;
use crate::report::show::Origins;
use crate::report::{self, json as machine};
use crate::schema::parts::Catalogue;
use crate::source::load;

/// Runs the command.
///
/// # Errors
/// When there is no such plan and no such integration.
pub fn run(session: &Session, args: &Show, streams: &mut Streams) -> Result<u8, Stop> {
    match load::open(&session.path(Path::new(&args.what))) {
        Ok(file) => return show_plan(session, args, file, streams),
        Err(error) if is_no_file(&error) => {}
        Err(error) => {
            let why = load::reason(&error);
            return Err(Stop::usage(format!("{} cannot be shown: {why}", args.what)));
        }
    }
    let workspace = session.workspace_with_commit()?;
    let request = session.request().of(&args.what);
    let opened = session.host(|host| {
        project::compile(&workspace, workspace.selection(&request, host)?, host, Judged::whole)
    })?;
    show_integration(session, &opened, &args.what, streams)
}

/// Whether there is nothing of that name, or a folder, which may be called as an integration is.
fn is_no_file(error: &std::io::Error) -> bool {
    use std::io::ErrorKind::{InvalidFilename, InvalidInput, IsADirectory, NotADirectory, NotFound};
    matches!(error.kind(), NotFound | IsADirectory | NotADirectory | InvalidInput | InvalidFilename)
}

fn show_plan(session: &Session, args: &Show, file: File, streams: &mut Streams) -> Result<u8, Stop> {
    let Show { what: name, layout } = args;
    let mut plan =
        plan::file::read(file).map_err(|error| Stop::usage(format!("{name} cannot be shown: {error}")))?;
    let signed = session.host(|host| signed_by(&plan, &session.signatures, (host.now)()));
    let catalogue = session.workspace_if_any()?.map_or_else(Catalogue::default, |workspace| {
        Catalogue::with_project(workspace.sources(), &mut Vec::new())
    });
    let content = |plan| Content { by: layout.by(By::Change), ..Content::of_plan("plan", plan, &catalogue) };
    match session.common.output {
        Form::Json => {
            let whole = |body: &mut Json| match &signed {
                Ok(None) => {}
                Ok(Some(SignedBy { fingerprint, names })) => {
                    body["signed"] = json!({"key": fingerprint, "by": names});
                }
                Err(broken) => body["signed"] = json!({"broken": broken.to_string()}),
            };
            let beside = Beside { whole: &whole, one: &|_| {} };
            machine::print_plan_beside(&mut plan, "plan", &catalogue, exit::OK, &beside, &mut |text| {
                streams.result(text);
            });
        }
        Form::Text => {
            streams.result(&report::policy::text(plan.policy_changes.as_deref().unwrap_or_default()));
            let errors = plan.findings.iter().filter(|finding| finding.severity == Severity::Error);
            let errors = report::findings::without_lines(errors);
            report::plan::text(&content(&plan), &errors, &mut |text| streams.result(text));
            streams.result(&(clean(&in_words(&signed)) + "\n"));
        }
        _ => {
            forms::print(session, &content(&plan), streams)?;
        }
    }
    Ok(exit::OK)
}

/// Whether a plan is signed, and by whom.
fn in_words(signed: &Result<Option<SignedBy>, Broken>) -> String {
    match signed {
        Ok(None) => "Not signed.".to_owned(),
        Ok(Some(SignedBy { fingerprint, names })) if names.is_empty() => {
            format!("Signed with the key {fingerprint}, which is none of the signers' here.")
        }
        Ok(Some(SignedBy { fingerprint, names })) => {
            format!("Signed by {} with the key {fingerprint}.", names.join(", "))
        }
        Err(broken) => format!("The signature is broken: {broken}. The plan cannot be applied."),
    }
}

fn show_integration(
    session: &Session,
    opened: &Project<'_, Whole>,
    name: &str,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let compilation = &opened.compilation;
    let code = if opened.has_errors() { exit::ERRORS } else { exit::OK };
    let whole = compilation.integrations.iter().find(|whole| whole.compiled.name == name);
    match session.common.output {
        Form::Json => {
            let origins = whole.map(|whole| origins_json(opened, &whole.compiled));
            let body = json!({
                "format_version": FORMAT_VERSION,
                "command": "show",
                "exit_code": code,
                "integration": name,
                "configuration": whole.map(|whole| &whole.document),
                "origins": origins,
                "findings": machine::findings(&compilation.findings, opened.workspace.sources()),
            });
            streams.result(&machine::print(&body));
        }
        Form::Text => {
            streams.say(&report::findings::text(
                &compilation.findings,
                opened.workspace.sources(),
                &compilation.hidden,
            ));
            if let Some(Whole { compiled, document }) = whole {
                streams.result(&report::show::yaml(document, &origins(opened, compiled)));
            }
        }
        form => {
            let findings = PlacedFinding::all(&compilation.findings, opened.workspace.sources());
            match whole {
                Some(Whole { compiled, .. }) if matches!(form, Form::Html | Form::Markdown) => {
                    streams.result(&page(form, opened, compiled, &findings)?);
                }
                // What is wrong in it is all that the other forms can say.
                _ => {
                    let commit = clean_commit(opened);
                    let content = Content {
                        command: "show",
                        integrations: 1,
                        commit: commit.as_deref(),
                        ..Content::of_findings(&findings, &[], &compilation.catalogue)
                    };
                    forms::print_by(session, Templates::of(opened.workspace), &content, streams)?;
                }
            }
        }
    }
    Ok(code)
}

/// The commit that the files are of, where nothing was changed since.
fn clean_commit(opened: &Project<'_, Whole>) -> Option<String> {
    opened.workspace.commit().filter(|commit| !commit.dirty).map(|commit| commit.id.clone())
}

/// The integration as the Configure section shows one.
fn page(
    form: Form,
    opened: &Project<'_, Whole>,
    compiled: &Compiled,
    findings: &[PlacedFinding],
) -> Result<String, Stop> {
    let (workspace, compilation) = (opened.workspace, &opened.compilation);
    let history = workspace.history().ok();
    let owners = Owners::of(&compilation.project, history.as_ref(), None);
    let owners = |category: &str, paths: &[String]| {
        owners.of_category(&compiled.pair.id, category, paths.iter().map(String::as_str))
    };
    let lines = clean_commit(opened).and_then(|commit| Lines::of(workspace.root(), &commit));
    let shown = Shown {
        compiled,
        sources: workspace.sources(),
        options: &compilation.options,
        findings,
        owners: &owners,
        environment: opened.environment.as_deref(),
        commit: workspace.commit().map(|commit| (commit.id.as_str(), commit.dirty)),
        lines: lines.as_ref(),
    };
    let made = if form == Form::Html { configuration::html(&shown) } else { configuration::markdown(&shown) };
    made.map_err(|error| Stop::new(exit::INTERNAL, error.to_string()))
}

/// The keys from the document's root to a setting.
fn keys(category: &str, path: &SettingPath) -> Vec<String> {
    let head = category::keys_to(category).map(str::to_owned);
    head.chain(path.segments().iter().map(ToString::to_string)).collect()
}

fn origins(opened: &Project<'_, Whole>, compiled: &Compiled) -> Origins {
    let mut origins = Origins::new();
    for (category, settings) in &compiled.origins {
        for (path, span) in settings {
            let pointer: String = keys(category, path)
                .iter()
                .map(|key| format!("/{}", key.replace('~', "~0").replace('/', "~1")))
                .collect();
            let line = opened.workspace.sources().line(*span);
            origins.insert(pointer, format!("{}:{line}", opened.workspace.sources().path(*span)));
        }
    }
    origins
}

/// `order.creates` to path and line.
fn origins_json(opened: &Project<'_, Whole>, compiled: &Compiled) -> Json {
    let mut all = serde_json::Map::new();
    for (category, settings) in &compiled.origins {
        for (path, span) in settings {
            let line = opened.workspace.sources().line(*span);
            let origin = json!({"path": opened.workspace.sources().path(*span), "line": line});
            all.insert(format!("{category}.{path}"), origin);
        }
    }
    Json::Object(all)
}
