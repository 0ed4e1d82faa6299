//! Credentials that stand where no setting is: in comments, in keys, within longer texts, in the names of files. What a setting
//! holds as its whole value is `check::secrets`'s. Nothing of a credential is quoted.

use super::tokens::{self, has_shape};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::yaml as codes;
use crate::model::credential::sounds_secret;
use crate::source::{FileId, Sources, Span};
use crate::yaml::{self, Node, NodeKind};

/// Reads a file as [`yaml::parse`] does, and tells the credentials in it that no other finding speaks of.
pub fn parse(sources: &Sources, file: FileId, findings: &mut Vec<Finding>) -> Option<Node> {
    // Of these the rules say what a setting holds; of other files they know nothing.
    let path = &sources.file(file).path;
    let is_composed =
        ["integrations/", "bases/", "environments/"].iter().any(|folder| path.starts_with(folder));
    let mut found = Vec::new();
    let root = yaml::parse_beside(sources, file, findings, &mut |text| found = tokens::find(text));
    for range in found {
        let at = |span: Span| {
            span.file == file && span.start as usize <= range.start && range.end <= span.end as usize
        };
        let is_told = root.as_ref().is_some_and(|root| is_value(root, "", is_composed, &at));
        if !is_told {
            findings.push(codes::credential_in_text(Span::new(file, range.start, range.end)));
        }
    }
    root
}

/// Tells files whose names hold a credential.
pub fn names(sources: &Sources, findings: &mut Vec<Finding>) {
    let named = sources.iter().filter(|(_, source)| !tokens::find(&source.path).is_empty());
    findings.extend(named.map(|(file, _)| codes::credential_in_name(Span::new(file, 0, 0))));
}

/// Whether the place lies in a value that is called a credential, or, of a setting, has the form of one itself.
fn is_value(node: &Node, key: &str, of_setting: bool, at: &dyn Fn(Span) -> bool) -> bool {
    match &node.kind {
        NodeKind::Map(map) => {
            map.entries().iter().any(|entry| is_value(&entry.value, &entry.key.text, of_setting, at))
        }
        NodeKind::List(items) => items.iter().any(|item| is_value(item, key, of_setting, at)),
        NodeKind::Text(text) => at(node.span) && ((of_setting && has_shape(text)) || sounds_secret(key)),
        _ => false,
    }
}
