//! Any YAML or JSON files, judged by any JSON Schema. No project is looked at, and nothing is written or fetched.
//!
//! # Where this differs from the standard on purpose
//!
//! It gives every verdict of the JSON-Schema-Test-Suite for 2020-12, 2019-09 and 07, required and optional, except that:
//!
//! - a `$ref` or `$schema` is answered by the drafts' own schemas and by files below the schema's folder, where what the
//!   schema's `$id` publishes beside it is looked for too; what leads to the network or out of the folder makes the schema
//!   unusable (the suite's `http://localhost:1234` references);
//! - a schema may refer to the schema of its own draft, and to that of another only by its `$schema`;
//! - `format` is judged in drafts 04 to 07 and only an annotation from 2019-09 on, as each draft has it by default, so the
//!   suite's `optional/format` agrees in draft 07 only;
//! - a file whose name ends in `.json` is strict JSON, and every other is YAML as [`crate::yaml`] has it: each document
//!   of a stream is judged, and a file without any is null. A key that stands twice is an error in both.
#![expect(
    clippy::disallowed_methods,
    reason = "resolves the schema that the user named, and what it refers to"
)]

use std::path::{Path, PathBuf};

use url::Url;

use super::error::{Error, Result};
use crate::compile::codes::has_leading_zero;
use crate::compile::redact;
use crate::diagnostic::{Finding, Severity, codes, commented, nearest, sort_and_merge};
use crate::model::Value;
use crate::schema::validate::{Unusable, Validator, Words, not_fetched};
use crate::source::{FileId, ReadFault, SourceFile, Sources, Span, load};
use crate::yaml::{self, Node, NodeKind};

/// What was found.
pub struct Judged {
    /// The schema and the files, under the names that they were given by.
    pub sources: Sources,
    /// Sorted, one per mistake.
    pub findings: Vec<Finding>,
    /// Places that hold a credential, which are not shown.
    pub hidden: Vec<Span>,
}

/// Judges files by a schema; paths are relative to the folder `here`.
///
/// # Errors
/// When the schema cannot be read. What is wrong in it is a finding.
pub fn judge(here: &Path, schema: &Path, paths: &[PathBuf]) -> Result<Judged> {
    let mut sources = Sources::default();
    let mut findings = Vec::new();
    let file = sources.add(read(here, schema));
    if let Some(ReadFault::Unreadable(reason)) = sources.file(file).fault() {
        return Err(Error::usage(format!("the schema {} cannot be read: {reason}", schema.display())));
    }
    let roots = parse(&sources, file, &mut findings);
    let validator = match &roots[..] {
        [root] => compile(root, &here.join(schema), &mut findings),
        [_, second, ..] => {
            let why = "a schema is one document, and here begins another";
            findings.push(codes::schema::schema_unusable(why, second.span));
            None
        }
        [] => None,
    };
    let (mut hidden, mut unread) = (Vec::new(), Vec::new());
    if let Some(validator) = validator {
        for path in paths {
            let file = sources.add(read(here, path));
            let roots = parse(&sources, file, &mut findings);
            if roots.is_empty() {
                unread.extend(redact::suspicious_by(&sources, file, validator.secret_names()));
            }
            let secrets: Vec<Span> = roots.iter().flat_map(|root| validator.secrets(root)).collect();
            let repeated = redact::repeated(&sources, file, &secrets);
            let secrets = Span::apart(secrets.into_iter().chain(repeated).collect());
            for root in roots {
                let mut said = validator.judge(&root, Words { hidden: &secrets, ..Words::default() });
                lost_zeros(&root, &secrets, &mut said);
                findings.append(&mut said);
            }
            hidden.extend(secrets);
        }
    }
    commented::tell(&mut findings, &sources);
    sort_and_merge(&mut findings, &sources);
    let suspicious = redact::suspicious(&sources, &findings).into_iter().filter(|span| span.file != file);
    let suspicious: Vec<Span> = unread.into_iter().chain(suspicious).collect();
    redact::redact(&mut findings, &sources, &hidden, &suspicious);
    hidden.extend(suspicious);
    hidden.sort_unstable();
    hidden.dedup();
    Ok(Judged { sources, findings, hidden })
}

/// Warns of numbers that lose a zero at their head where a schema takes them as numbers: `007` is 7. Of a secret the digits are
/// not told.
fn lost_zeros(node: &Node, secrets: &[Span], findings: &mut Vec<Finding>) {
    match &node.kind {
        NodeKind::Map(map) => {
            map.entries().iter().for_each(|entry| lost_zeros(&entry.value, secrets, findings));
        }
        NodeKind::List(items) => items.iter().for_each(|item| lost_zeros(item, secrets, findings)),
        NodeKind::Number(written) if has_leading_zero(written) => {
            // What is wrong with it says what to write.
            if findings.iter().any(|finding| finding.primary.span == node.span) {
                return;
            }
            let finding = if secrets.iter().any(|secret| {
                secret.file == node.span.file && secret.range().contains(&node.span.range().start)
            }) {
                codes::schema::leading_zero_of_secret(node.span)
            } else {
                codes::schema::leading_zero(written, &Value::number(written).to_string(), node.span)
            };
            findings.push(finding.with_severity(Severity::Warning));
        }
        _ => {}
    }
}

/// A file under the name that it was given by.
fn read(here: &Path, given: &Path) -> SourceFile {
    let mut file = load::read(&here.join(given));
    file.path = given.to_string_lossy().replace('\\', "/");
    file
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
        roots.push(Node { span: start, kind: yaml::NodeKind::Null });
    }
    roots
}

fn compile(root: &Node, path: &Path, findings: &mut Vec<Finding>) -> Option<Validator> {
    let full = std::fs::canonicalize(path).unwrap_or_else(|_| path.to_path_buf());
    let here = Published {
        folder: full.parent().unwrap_or(Path::new("/")).to_path_buf(),
        address: ["$id", "id"]
            .iter()
            .find_map(|key| Url::parse(root.get(key)?.as_text()?).ok()?.join(".").ok()),
    };
    let why = match Validator::foreign(root, &file_uri(&full), move |uri| here.read(uri)) {
        Ok(validator) => return Some(validator),
        Err(why) => why,
    };
    let before = findings.len();
    if why.reference.is_none() && !why.is_of_size() {
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
        let finding = codes::schema::schema_unusable(&why.message, place.unwrap_or(root.span));
        findings.push(finding.help(mend(&why, root)));
    }
    None
}

/// What to do about a schema that cannot be used, mostly for what it refers to.
fn mend(why: &Unusable, root: &Node) -> String {
    let Some(reference) = &why.reference else {
        return match why.is_of_size() {
            true => "say once what its parts have in common, and refer to each from one place".to_owned(),
            false => "write it as JSON Schema has it, or take it away".to_owned(),
        };
    };
    if let Some(pointer) = reference.strip_prefix("#/") {
        // As deep as the reference leads, and what stands there.
        let (mut node, mut walked) = (root, String::from("#"));
        for key in pointer.split('/') {
            match node.get(key) {
                Some(next) => {
                    node = next;
                    walked = format!("{walked}/{key}");
                }
                None => {
                    let keys = node.as_map().into_iter().flat_map(|map| map.entries());
                    let known: Vec<&str> = keys.map(|entry| &*entry.key.text).collect();
                    return match nearest(key, known.iter().copied()) {
                        Some(near) => format!("write `{walked}/{near}`"),
                        None => format!(
                            "write what is meant at `#/{pointer}`, or refer to a place that the schema has"
                        ),
                    };
                }
            }
        }
    }
    if let Some(anchor) = reference.strip_prefix('#') {
        return format!("mark the place that is meant with `$anchor: {anchor}`, or refer to one by its path");
    }
    if why.message.contains("is no draft of JSON Schema") {
        return format!("write `{NEWEST_DRAFT}`");
    }
    if why.message.contains("is not fetched") {
        return "put what is referred to into the folder of the schema, and write its path from there"
            .to_owned();
    }
    "put the file into the folder of the schema, or write the path of one that is there".to_owned()
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
        yaml::NodeKind::Map(map) => map.entries().iter().find_map(|entry| match entry.value.as_text() {
            Some(text)
                if matches!(&*entry.key.text, "$ref" | "$dynamicRef" | "$recursiveRef" | "$schema") =>
            {
                written(text).then_some(entry.value.span)
            }
            _ => referring(&entry.value, uri),
        }),
        yaml::NodeKind::List(items) => items.iter().find_map(|item| referring(item, uri)),
        _ => None,
    }
}

/// The URI of an absolute path. RFC 3986, by which references are read, takes fewer characters as they are than URLs do.
fn file_uri(path: &Path) -> String {
    let url = Url::from_file_path(path).map(String::from).unwrap_or_default();
    let plain = [("[", "%5B"), ("]", "%5D"), ("^", "%5E"), ("|", "%7C")];
    plain.iter().fold(url, |url, (character, encoded)| url.replace(character, encoded))
}

/// The path that a URI of a file on this machine stands for.
fn file_path(uri: &str) -> Option<PathBuf> {
    let url = Url::parse(uri).ok()?;
    if url.scheme() == "file" { url.to_file_path().ok() } else { None }
}

/// The folder of a schema, and the address that its `$id` gives that folder.
struct Published {
    folder: PathBuf,
    address: Option<Url>,
}

impl Published {
    /// Answers references to files below the folder, and to nothing else.
    fn read(&self, uri: &str) -> std::result::Result<Node, String> {
        let path = file_path(uri).or_else(|| self.beside(uri)).ok_or_else(|| not_fetched(uri))?;
        let shown = path.strip_prefix(&self.folder).unwrap_or(&path);
        let read = load::read_below(&self.folder, &path).ok_or_else(|| not_fetched(&self.written(&path)))?;
        let mut sources = Sources::default();
        let file = sources.add(read);
        let mut findings = Vec::new();
        let mut roots = parse(&sources, file, &mut findings);
        match (roots.len(), findings.first()) {
            (1, None) => Ok(roots.remove(0)),
            (_, Some(finding)) => Err(format!("`{}`: {}", shown.display(), finding.message)),
            (_, None) => Err(format!("`{}` holds more than one document", shown.display())),
        }
    }

    /// A path as it leads from the folder: those of the machine are nobody's business.
    fn written(&self, path: &Path) -> String {
        let mut up = self.folder.ancestors().enumerate();
        let found = up.find_map(|(steps, above)| Some((steps, path.strip_prefix(above).ok()?)));
        let (steps, rest) = found.unwrap_or((0, path));
        format!("{}{}", "../".repeat(steps), rest.to_string_lossy().replace('\\', "/"))
    }

    /// The file for what is published beside the schema, if there is one.
    fn beside(&self, uri: &str) -> Option<PathBuf> {
        let tail = uri.strip_prefix(self.address.as_ref()?.as_str())?;
        let path = self.folder.join(&*percent_encoding::percent_decode_str(tail).decode_utf8().ok()?);
        path.is_file().then_some(path)
    }
}

#[cfg(test)]
mod tests {
    use jsonschema::Uri;

    use super::*;

    #[cfg(unix)]
    #[test]
    fn a_path_comes_back_from_its_uri_whatever_is_in_it() {
        for path in ["/a/b.json", "/a b/[c]^{d}|e#f?g%h/\u{e5}\\\"`<>~.json", "/a/%2e%2e/b"] {
            let uri = file_uri(Path::new(path));
            assert_eq!(file_path(&uri).unwrap(), Path::new(path), "{uri}");
            assert!(Uri::parse(uri.clone()).is_ok(), "{uri}");
        }
        assert_eq!(file_path("https://host/a.json"), None);
        assert_eq!(file_path("file://host/a.json"), None);
    }
}
