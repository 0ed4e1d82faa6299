//! Credentials that are no references to a secret. None is ever quoted.

use serde_json::Value as Json;

use super::context::{Context, Place};
use crate::diagnostic::Finding;
use crate::diagnostic::codes::schema as codes;
use crate::model::{SettingPath, credential};
use crate::schema::keywords::{REFERENCE, text};
use crate::schema::pointer::{escape, segments};
use crate::yaml;

pub(super) fn is_credential(place: &Place<'_>) -> bool {
    place
        .holder
        .is_some_and(|holder| holder.get("x-secret").is_some() && (!place.foreign || takes_reference(holder)))
}

/// Whether a schema asks for `{secret: …}` and not for the secret itself, as those of others do.
pub(super) fn takes_reference(schema: &Json) -> bool {
    schema.get("properties").is_some_and(|properties| properties.get("secret").is_some())
}

/// The `secret` of a credential.
pub(super) fn is_reference(place: &Place<'_>) -> bool {
    place.holder.is_some_and(|holder| text(holder, "pattern") == REFERENCE)
}

/// A reference that names none of the places where secrets are kept; it may be the credential itself, so it is not quoted.
pub(super) fn no_source(place: &Place<'_>, pointer: &str) -> Finding {
    let path = segments(pointer);
    let field = path.iter().rev().nth(1).map_or("secret", String::as_str);
    codes::unfit_reference(field, place.node.span)
}

/// A credential that is no reference: nothing, the bare reference, or the credential itself.
pub(super) fn literal(context: &Context<'_>, place: &Place<'_>) -> Finding {
    let name = place.name.rsplit('.').next().unwrap_or(&place.name);
    let variable = variable_of(context, place, name);
    let help = format!("write `{name}: {{secret: env/{variable}}}`");
    match &place.node.kind {
        yaml::NodeKind::Null => codes::wrong_type(name, "a credential", "empty", place.key).help(help),
        yaml::NodeKind::Text(text) if credential::is_reference(text) => {
            codes::wrong_type(name, "a credential", "a reference without braces", place.node.span)
                .help("put it in braces: `{secret: env/NAME}`, and `file/PATH`, `exec/NAME` or `vault/MOUNT/PATH#KEY` likewise")
        }
        // `"secret: env/NAME"`, and `["secret: env/NAME"]` or `[secret: env/NAME]` in the wrong brackets.
        yaml::NodeKind::Text(text) if reference_of(text).is_some() => {
            let reference = reference_of(text).unwrap_or_default();
            codes::wrong_type(name, "a credential", "a reference in quotes, which is a text", place.node.span)
                .help(format!("write `{name}: {{secret: {reference}}}`"))
        }
        yaml::NodeKind::List(items) if in_brackets(items).is_some() => {
            let reference = in_brackets(items).unwrap_or_default();
            codes::wrong_type(name, "a credential", "a list", place.node.span)
                .help(format!("write `{name}: {{secret: {reference}}}`, with braces for brackets"))
        }
        yaml::NodeKind::Text(text) if credential::reference_in_braces(text).is_some() => {
            codes::wrong_type(name, "a credential", "a reference in quotes, which is a text", place.node.span)
                .help(format!("take the quotes away: `{name}: {text}`"))
                .fix("take the quotes away", place.node.span, text.to_string())
        }
        _ => codes::literal_credential(name, &variable, place.node.span),
    }
}

/// The reference behind `secret:` in a text.
fn reference_of(text: &str) -> Option<&str> {
    let inner = text.trim();
    credential::reference_in_braces(&format!("{{{inner}}}"))?;
    Some(inner.strip_prefix("secret:")?.trim().trim_matches(['"', '\'']))
}

/// The reference in a list that has it as its one item.
fn in_brackets(items: &[yaml::Node]) -> Option<&str> {
    let [one] = items else { return None };
    let text = one.get("secret").and_then(yaml::Node::as_text).filter(|text| credential::is_reference(text));
    text.or_else(|| reference_of(one.as_text()?))
}

/// A credential's map without `secret`: what stands there in its place has its own finding.
pub(super) fn no_reference(context: &Context<'_>, place: &Place<'_>) -> Vec<Finding> {
    let others = place.node.as_map().into_iter().flat_map(|map| map.entries());
    if others.into_iter().any(|entry| &*entry.key.text != "fingerprint") {
        return Vec::new();
    }
    let name = place.name.rsplit('.').next().unwrap_or(&place.name);
    let help = format!("write `{name}: {{secret: env/{}}}`", variable_of(context, place, name));
    vec![codes::wrong_type(name, "a credential", "empty", place.key).help(help)]
}

/// The name of an environment variable for the credential at a place, which has at least a name.
fn variable_of(context: &Context<'_>, place: &Place<'_>, name: &str) -> String {
    let variable = variable(context, &pointer_of(place));
    if variable.is_empty() { name.to_ascii_uppercase() } else { variable }
}

/// The name of an environment variable for a credential: integration, connector and field.
pub(super) fn variable(context: &Context<'_>, pointer: &str) -> String {
    let path = segments(pointer);
    let path: Vec<&str> = path.iter().map(String::as_str).collect();
    let words = match path[..] {
        ["connectors", connector, "connections", _, field, ..] => vec![connector, field],
        ["webhooks", webhook, field, ..] => vec![webhook, field],
        _ => path.last().copied().into_iter().collect(),
    };
    let words = context.words.integration.into_iter().chain(words).collect::<Vec<_>>().join("_");
    let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
    words.chars().map(upper).collect()
}

fn pointer_of(place: &Place<'_>) -> String {
    let category = place.about.category.as_deref().unwrap_or_default();
    let path = place.about.setting.as_deref().and_then(SettingPath::parse).unwrap_or_default();
    let keys: Vec<String> = path.segments().iter().map(|key| escape(key)).collect();
    format!("/{category}/{}", keys.join("/"))
}
