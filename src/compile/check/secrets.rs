//! Places where a credential may have been written in the open, so that no message ever shows them.

use super::context::Context;
use crate::diagnostic::codes::{rules, schema as codes};
use crate::diagnostic::{Finding, nearest};
use crate::model::CONNECTORS;
use crate::model::credential::{is_in_url, is_reference, reference_in_braces, sounds_secret};
use crate::model::tokens::has_shape;
use crate::schema::Pair;
use crate::source::Span;
use crate::yaml::{Node, NodeKind, Trail};

/// The connection fields that never hold a credential, where the connector is not known.
const HARMLESS: [&str; 10] = [
    "active",
    "api_version",
    "scopes",
    "shop",
    "store_url",
    "tenant_id",
    "environment",
    "company_id",
    "base_url",
    "token_url",
];

/// The spans of all scalars below `connectors`, of webhook secrets, and of whatever has a key that sounds like a
/// credential, wherever it stands; save references and what is harmless.
#[must_use]
pub fn suspects(root: &Node, pair: Option<&Pair>) -> Vec<Span> {
    let mut spans = Vec::new();
    let connectors = root.get(CONNECTORS).and_then(Node::as_map);
    for connector in connectors.into_iter().flat_map(|map| map.entries()) {
        // A category that slipped in here has settings; what sounds like a credential in it is found by its name.
        if pair.is_some_and(|pair| pair.category(&connector.key.text).is_some()) {
            continue;
        }
        let fields = pair
            .and_then(|pair| pair.connector(&connector.key.text))
            .and_then(|connector| connector.description.pointer("/connection/properties")?.as_object());
        let harmless = |key: &str| match fields {
            Some(fields) if key != "active" => {
                fields.get(key).is_some_and(|field| field.get("x-secret").is_none())
            }
            _ => HARMLESS.contains(&key),
        };
        let harmless = |key: &str| key == "name" || harmless(key);
        for entry in connector.value.as_map().into_iter().flat_map(|map| map.entries()) {
            if &*entry.key.text != "active" || entry.value.as_text().is_none() {
                collect(&entry.value, &entry.key.text, &harmless, &mut spans);
            }
        }
    }
    by_name(root, &mut spans);
    spans
}

/// Addresses that hold a password. They are settings all the same, which no message may quote.
#[must_use]
pub fn addresses(root: &Node) -> Vec<Span> {
    fn walk(node: &Node, into: &mut Vec<Span>) {
        match &node.kind {
            NodeKind::Map(map) => map.entries().iter().for_each(|entry| walk(&entry.value, into)),
            NodeKind::List(items) => items.iter().for_each(|item| walk(item, into)),
            NodeKind::Text(text) if text.contains("://") && is_in_url(text) => into.push(node.span),
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(root, &mut found);
    found
}

/// Scalars under keys that sound like a credential.
fn by_name(node: &Node, into: &mut Vec<Span>) {
    match &node.kind {
        NodeKind::Map(map) => {
            for entry in map.entries() {
                if sounds_secret(&entry.key.text) {
                    collect(&entry.value, &entry.key.text, &|_| false, into);
                } else {
                    by_name(&entry.value, into);
                }
            }
        }
        NodeKind::List(items) => items.iter().for_each(|item| by_name(item, into)),
        NodeKind::Text(text) if has_shape(text) => into.push(node.span),
        _ => {}
    }
}

/// A credential by its form, in a setting that is meant for something else; a reference that leads nowhere; a program that is not listed.
pub(super) fn of_text(context: &Context<'_>, text: &str, trail: &Trail<'_>, at: Span) -> Option<Finding> {
    let about = || crate::schema::pointer::about(Some(context.name), &trail.pointer());
    if trail.key() == "secret" && text.starts_with("exec/") {
        return unlisted(context, text, &trail.pointer(), at);
    }
    if trail.key() == "secret" && is_reference(text) {
        return unusable(text, at).map(|finding| finding.about(about()));
    }
    // Under a credential's key the schema says it.
    let is_stray = has_shape(text) && !sounds_secret(trail.key()) && trail.key() != "client_id";
    is_stray.then(|| codes::stray_credential(trail.key(), at).about(about()))
}

/// A reference that can lead nowhere, whatever the environment holds.
fn unusable(reference: &str, at: Span) -> Option<Finding> {
    if let Some(name) = reference.strip_prefix("env/") {
        let is_name = |name: &str| {
            name.bytes().next().is_some_and(|byte| !byte.is_ascii_digit())
                && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_')
        };
        // A credential in place of the name is told, and not repeated.
        if is_name(name) || has_shape(name) {
            return None;
        }
        let bare = name.trim_start_matches(['$', '{', '(', '%']).trim_end_matches(['}', ')', '%']);
        let mended = bare.replace(['-', '.', ' '], "_");
        let why = "a variable's name has letters, digits and `_`";
        let finding = codes::unusable_reference(why, at);
        return Some(match is_name(&mended) {
            true => finding.help(format!("write `env/{mended}`")),
            false => finding.help("write `env/` and the name of the variable, without `$`"),
        });
    }
    let path = reference.strip_prefix("file/")?;
    let leads_out = path.split('/').any(|part| part == "..") || path.starts_with('~');
    leads_out.then(|| {
        codes::unusable_reference("the path leads out of the project", at)
            .help("write the whole path, such as `file//etc/pairform/token`, or one within the project")
    })
}

fn unlisted(context: &Context<'_>, reference: &str, pointer: &str, at: Span) -> Option<Finding> {
    let (name, programs) = (reference.strip_prefix("exec/")?, context.programs?);
    let near = nearest(name, programs.keys().map(String::as_str));
    let about = crate::schema::pointer::about(Some(context.name), pointer);
    (!name.is_empty() && !programs.contains_key(name))
        .then(|| rules::program_not_allowed(name, near, at).about(about))
}

fn collect(node: &Node, key: &str, harmless: &dyn Fn(&str) -> bool, into: &mut Vec<Span>) {
    match &node.kind {
        NodeKind::Map(map) => {
            for entry in map.entries() {
                collect(&entry.value, &entry.key.text, harmless, into);
            }
        }
        NodeKind::List(items) => items.iter().for_each(|item| collect(item, key, harmless, into)),
        NodeKind::Text(text) if key == "secret" && is_reference(text) => {}
        NodeKind::Text(text) if reference_in_braces(text).is_some() => {}
        NodeKind::Text(_) | NodeKind::Number(_) if !harmless(key) => into.push(node.span),
        _ => {}
    }
}
