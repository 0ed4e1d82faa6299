//! Credentials that stand where no setting is: in comments, in keys, within longer texts, in the names of files. What a setting
//! holds as its whole value is `check::secrets`'s. Nothing of a credential is quoted.

use crate::diagnostic::Finding;
use crate::diagnostic::codes::yaml as codes;
use crate::model::credential::{is_in_url, is_reference, password_in, sounds_secret};
use crate::model::tokens::{self, has_shape};
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Node, NodeKind};

/// Reads a file as [`yaml::parse`] does, and tells the credentials in it that no other finding speaks of.
pub fn parse(sources: &Sources, file: FileId, findings: &mut Vec<Finding>) -> Option<Node> {
    // Of these the rules say what a setting holds; of other files they know nothing.
    let path = &sources.file(file).path;
    let is_composed =
        ["integrations/", "bases/", "environments/"].iter().any(|folder| path.starts_with(folder));
    let mut found = Vec::new();
    let root = yaml::parse_beside(sources, file, findings, &mut |text| {
        found = tokens::find(text);
        found.extend(passwords_in_comments(text));
    });
    for range in found {
        let at = |span: Span| {
            span.file == file && span.start as usize <= range.start && range.end <= span.end as usize
        };
        let is_told = root.as_ref().is_some_and(|root| is_value(root, "", is_composed, &at));
        if !is_told {
            findings.push(codes::credential_in_text(Span::new(file, range.start, range.end)));
        }
    }
    if let Some(root) = &root {
        variables(root, findings);
    }
    root
}

/// Passwords of addresses that were commented out.
fn passwords_in_comments(text: &str) -> Vec<std::ops::Range<usize>> {
    let (mut found, mut from) = (Vec::new(), 0);
    while let Some(at) = text[from..].find('@').map(|at| from + at) {
        let start = text[from..at].rfind('\n').map_or(from, |end| from + end + 1);
        let end = text[at..].find('\n').map_or(text.len(), |length| at + length);
        let line = &text[start..end];
        if line.trim_start().starts_with('#') {
            found.extend(password_in(line).map(|password| start + password.start..start + password.end));
        }
        from = end;
    }
    found
}

/// Variables that are called credentials, or hold an address with a password. Whatever they are put into would show them.
fn variables(root: &Node, findings: &mut Vec<Finding>) {
    let environments = root.get("environments").and_then(Node::as_map);
    let environments = environments.into_iter().flat_map(|map| map.entries()).map(|entry| &entry.value);
    let all = std::iter::once(root).chain(environments).filter_map(|holder| holder.get(VARS)?.as_map());
    for entry in all.flat_map(|map| map.entries()) {
        let (NodeKind::Text(text) | NodeKind::Number(text)) = &entry.value.kind else { continue };
        let is_put_together = text.contains("{{");
        let is_named = sounds_secret(&entry.key.text) && !text.is_empty() && !is_reference(text);
        let is_credential = is_named || (text.contains("://") && is_in_url(text));
        let at = entry.value.span;
        // By its form it is told already.
        let is_told = || {
            findings
                .iter()
                .map(|told| told.primary.span)
                .any(|span| span.file == at.file && at.start <= span.start && span.end <= at.end)
        };
        if is_credential && !is_put_together && !has_shape(text) && !is_told() {
            findings.push(codes::credential_in_variable(&entry.key.text, at));
        }
    }
}

/// No setting takes these up as they are.
const VARS: &str = "vars";

/// Tells files whose names hold a credential.
pub fn names(sources: &Sources, findings: &mut Vec<Finding>) {
    let named = sources.iter().filter(|(_, source)| !tokens::find(&source.path).is_empty());
    findings.extend(named.map(|(file, _)| codes::credential_in_name(Span::new(file, 0, 0))));
}

/// Whether the place lies in a value that is called a credential, or, of a setting, has the form of one itself.
fn is_value(node: &Node, key: &str, of_setting: bool, at: &dyn Fn(Span) -> bool) -> bool {
    match &node.kind {
        NodeKind::Map(map) => map
            .entries()
            .iter()
            .filter(|entry| &*entry.key.text != VARS)
            .any(|entry| is_value(&entry.value, &entry.key.text, of_setting, at)),
        NodeKind::List(items) => items.iter().any(|item| is_value(item, key, of_setting, at)),
        NodeKind::Text(text) => {
            // A reference is shown: a credential that stands for its name is not.
            at(node.span) && !is_reference(text) && ((of_setting && has_shape(text)) || sounds_secret(key))
        }
        _ => false,
    }
}
