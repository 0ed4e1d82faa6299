//! `schema`: what pairform knows of platforms; and `validate --schema`, which judges any file by any JSON Schema.
//!
//! # Where `validate --schema` differs from the standard on purpose
//!
//! It gives every verdict of the JSON-Schema-Test-Suite for 2020-12, 2019-09 and 07, required and optional, save that:
//!
//! - a `$ref` or `$schema` is answered by the drafts' own schemas and by files below the schema's folder; what leads to
//!   the network or out of the folder makes the schema unusable (the suite's `http://localhost:1234` references);
//! - a schema may refer to the schema of its own draft, and to that of another only by its `$schema`;
//! - `format` is judged in drafts 04 to 07 and only an annotation from 2019-09 on, as each draft has it by default, so the
//!   suite's `optional/format` agrees in draft 07 only;
//! - a file whose name ends in `.json` is strict JSON, and every other is YAML as [`crate::yaml`] has it: each document
//!   of a stream is judged, and a file without any is null. A key that stands twice is an error in both.
#![expect(clippy::disallowed_methods, reason = "resolves the schema that the user named")]

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use jsonschema::{Retrieve, Uri};
use owo_colors::OwoColorize as _;
use serde_json::{Value as Json, json};

use super::args::{Common, Form, Schema, SchemaCommand};
use super::exit::{self, Stop};
use super::streams::Streams;
use super::{export, project, validate};
use crate::compile::redact;
use crate::diagnostic::codes;
use crate::diagnostic::{Finding, settle};
use crate::plan::FORMAT_VERSION;
use crate::report::{clean, json as machine};
use crate::schema::judge::{Validator, Words, not_fetched};
use crate::schema::parts::Catalogue;
use crate::schema::{Pair, Required, words};
use crate::source::{Fault, FileId, Sources, Span, load};
use crate::yaml::{self, Node};

/// Runs the command.
///
/// # Errors
/// When there is no such pair.
pub fn run(common: &Common, args: &Schema, streams: &mut Streams) -> Result<u8, Stop> {
    // Outside a project the built-in schemas are what there is.
    let (catalogue, sources, findings) = match project::read(common) {
        Ok((_, sources)) => {
            let mut findings = Vec::new();
            let catalogue = Catalogue::with_project(&sources, &mut findings);
            (catalogue, sources, findings)
        }
        Err(_) => (Catalogue::default(), Sources::default(), Vec::new()),
    };
    streams.say(&crate::report::findings::text(&findings, &sources, &[]));
    let code = if project::has_errors(&findings) { exit::ERRORS } else { exit::OK };
    match &args.command {
        SchemaCommand::List => list(common, &catalogue, code, streams),
        SchemaCommand::Docs { folder } => export::docs(common, &catalogue, folder, streams)?,
        SchemaCommand::Export { folder, check } => {
            return export::export(common, &catalogue, &sources, folder, *check, streams);
        }
        SchemaCommand::Show { pair, json } => {
            let found = catalogue.pair(pair).ok_or_else(|| project::no_pair(pair, &catalogue))?;
            if *json {
                streams.result(&machine::print(found.document()));
            } else if common.output == Form::Json {
                let body = json!({"format_version": FORMAT_VERSION, "command": "schema show",
                    "exit_code": code,
                    "pair": found.id, "title": found.title, "schema": found.document()});
                streams.result(&machine::print(&body));
            } else {
                let known: Vec<&str> = found.categories().map(|category| category.id.as_str()).collect();
                common.category.iter().try_for_each(|id| project::require_known("category", id, &known))?;
                streams.result(&overview(&found, &common.category));
            }
        }
    }
    Ok(code)
}

fn list(common: &Common, catalogue: &Catalogue, code: u8, streams: &mut Streams) {
    let all = ["connectors", "categories", "pairs"].map(|folder| (folder, catalogue.names(folder)));
    if common.output == Form::Json {
        let mut body = json!({"format_version": FORMAT_VERSION, "command": "schema list", "exit_code": code});
        for (folder, names) in all {
            body[folder] = names.into();
        }
        streams.result(&machine::print(&body));
        return;
    }
    let mut out = String::new();
    for (folder, names) in all {
        let _ = writeln!(out, "{}", folder.bold());
        for name in names {
            let _ = writeln!(out, "  {}", clean(&name));
        }
    }
    streams.result(&out);
}

fn overview(pair: &Pair, only: &[String]) -> String {
    let mut out = format!("{}  {}\n\n{}\n", pair.id.bold(), pair.title, "flows".bold());
    for flow in &pair.flows {
        let default = if flow.default { "on" } else { "off" };
        let _ = writeln!(out, "  {:<12} {default:<4} {}", flow.id, flow.direction.replace('_', " "));
    }
    for category in
        pair.categories().filter(|one| only.is_empty() || only.iter().any(|wanted| one.id == *wanted))
    {
        let when = category
            .flows
            .as_ref()
            .map(|flows| format!("  while {} is on", flows.join(" or ")))
            .unwrap_or_default();
        let _ = writeln!(out, "\n{}  {}{}", category.id.bold(), category.title, when.dimmed());
        for setting in &category.settings {
            let mark = match (&setting.required, setting.additional) {
                (Required::Yes { when, unless }, _) if when.is_empty() && unless.is_empty() => "required",
                (Required::Yes { .. }, _) => "sometimes required",
                (Required::No, true) => "additional",
                (Required::No, false) => "",
            };
            let path = setting.path.to_string();
            let _ = writeln!(out, "  {path:<32} {:<44} {}", words::kind(pair, setting), mark.yellow());
        }
    }
    out
}

/// `validate --schema SCHEMA FILE…`
///
/// # Errors
/// When the schema cannot be read or used.
pub fn validate_files(
    common: &Common,
    schema: &Path,
    paths: &[PathBuf],
    streams: &mut Streams,
) -> Result<u8, Stop> {
    let mut sources = Sources::default();
    let mut findings = Vec::new();
    let file = sources.add(load::read(schema));
    if let Some(Fault::Unreadable(reason)) = sources.file(file).fault() {
        return Err(Stop::usage(format!("the schema {} cannot be read: {reason}", schema.display())));
    }
    let roots = parse(&sources, file, &mut findings);
    let validator = match &roots[..] {
        [root] => compile(root, schema, &mut findings),
        [_, second, ..] => {
            let why = "a schema is one document, and here begins another";
            findings.push(codes::schema::schema_unusable(why, second.span));
            None
        }
        [] => None,
    };
    if let Some(validator) = validator {
        for path in paths {
            let file = sources.add(load::read(path));
            for root in parse(&sources, file, &mut findings) {
                findings.extend(validator.judge(&root, Words::default()));
            }
        }
    }
    settle(&mut findings, &sources);
    let hidden = redact::suspicious(&sources, &findings);
    redact::redact(&mut findings, &sources, &hidden);
    print_judged(common, &findings, &sources, &hidden, paths.len(), streams)
}

fn print_judged(
    common: &Common,
    findings: &[Finding],
    sources: &Sources,
    hidden: &[Span],
    files: usize,
    streams: &mut Streams,
) -> Result<u8, Stop> {
    if common.output != Form::Text {
        return validate::print(common, findings, sources, hidden, 0, streams);
    }
    streams.result(&crate::report::findings::text(findings, sources, hidden));
    streams.result(&crate::report::findings::summary(findings, files, "file"));
    Ok(if project::has_errors(findings) { exit::ERRORS } else { exit::OK })
}

/// The documents of a file; an empty one is judged as null.
fn parse(sources: &Sources, file: FileId, findings: &mut Vec<Finding>) -> Vec<Node> {
    let is_json = sources.file(file).path.ends_with(".json");
    let before = findings.len();
    let mut roots: Vec<Node> = if is_json {
        yaml::parse_json(sources, file, findings).into_iter().collect()
    } else {
        yaml::parse_stream(sources, file, findings)
    };
    let start = Span::new(file, 0, 0);
    if findings.len() > before {
        // What could not be read whole is not judged in parts.
        roots.clear();
    } else if roots.is_empty() && is_json {
        findings.push(codes::yaml::json_syntax("the file is empty", "JSON is one value", start));
    } else if roots.is_empty() {
        roots.push(Node { span: start, kind: yaml::Kind::Null });
    }
    roots
}

fn compile(root: &Node, path: &Path, findings: &mut Vec<Finding>) -> Option<Validator> {
    let full = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let folder = full.parent().unwrap_or(Path::new("/")).to_path_buf();
    let why = match Validator::foreign(root.to_json(), &file_uri(&full), Below { folder }) {
        Ok(validator) => return Some(validator),
        Err(why) => why,
    };
    let before = findings.len();
    if why.reference.is_none() {
        // Against the draft's own schema every mistake shows, each at its place.
        let named = root.get("$schema").and_then(Node::as_text);
        let draft = named.and_then(Validator::of_draft).or_else(|| Validator::of_draft(NEWEST_DRAFT));
        for finding in draft.iter().flat_map(|draft| draft.judge(root, Words::default())) {
            let mut unusable = codes::schema::schema_unusable(&finding.message, finding.primary.span);
            unusable.primary.text = finding.primary.text;
            unusable.help = finding.help;
            findings.push(unusable);
        }
    }
    if findings.len() == before {
        let place = match &why.reference {
            Some(uri) => referring(root, uri),
            None => yaml::find_path(root, &why.pointer).map(|node| node.span),
        };
        findings.push(codes::schema::schema_unusable(&why.message, place.unwrap_or(root.span)));
    }
    None
}

const NEWEST_DRAFT: &str = "https://json-schema.org/draft/2020-12/schema";

/// Where the reference stands that resolved to `uri`, or led nowhere within it.
fn referring(node: &Node, uri: &str) -> Option<Span> {
    let written = |text: &str| {
        let tail = text.trim_start_matches("./").trim_start_matches("../");
        let file = tail.split('#').next().unwrap_or(tail);
        text == uri || (!tail.is_empty() && uri.ends_with(tail)) || (!file.is_empty() && uri.ends_with(file))
    };
    match &node.kind {
        yaml::Kind::Map(map) => map.entries().iter().find_map(|entry| match entry.value.as_text() {
            Some(text)
                if matches!(&*entry.key.text, "$ref" | "$dynamicRef" | "$recursiveRef" | "$schema") =>
            {
                written(text).then_some(entry.value.span)
            }
            _ => referring(&entry.value, uri),
        }),
        yaml::Kind::List(items) => items.iter().find_map(|item| referring(item, uri)),
        _ => None,
    }
}

fn file_uri(path: &Path) -> String {
    let mut uri = String::from("file://");
    for byte in path.to_string_lossy().bytes() {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'_' | b'.' | b'~') {
            uri.push(char::from(byte));
        } else {
            let _ = write!(uri, "%{byte:02X}");
        }
    }
    uri
}

/// Answers references to files below the schema's folder, and to nothing else.
struct Below {
    folder: PathBuf,
}

impl Retrieve for Below {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
        let encoded = uri.as_str().strip_prefix("file://").ok_or_else(|| not_fetched(uri.as_str()))?;
        let path = percent_decoded(encoded.split('#').next().unwrap_or(encoded));
        let shown = Path::new(&path).strip_prefix(&self.folder).unwrap_or(Path::new(&path)).to_path_buf();
        let full = std::fs::canonicalize(&path).unwrap_or_else(|_| PathBuf::from(&path));
        if !full.starts_with(&self.folder) {
            return Err(not_fetched(&path).into());
        }
        let mut sources = Sources::default();
        let file = sources.add(load::read(&full));
        let mut findings = Vec::new();
        let roots = parse(&sources, file, &mut findings);
        match (&roots[..], findings.first()) {
            ([root], None) => Ok(root.to_json()),
            (_, Some(finding)) => Err(format!("`{}`: {}", shown.display(), finding.message).into()),
            (_, None) => Err(format!("`{}` holds more than one document", shown.display()).into()),
        }
    }
}

fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let digits = after.get(..2).and_then(|two| std::str::from_utf8(two).ok());
        match (first, digits.and_then(|digits| u8::from_str_radix(digits, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            _ => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}
