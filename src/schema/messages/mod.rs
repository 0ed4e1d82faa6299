//! What the `jsonschema` crate finds wrong, in people's words: what, where, and what to write instead. A file a kind of mistake.
//!
//! Words come from the schema (`x-message`, `x-labels`, titles) before they come from here.

mod alternatives;
mod context;
mod credential;
mod missing_key;
mod refusal;
mod unknown_key;
mod value;
mod wording;
mod wrong_type;

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;

use super::keywords::text;
use super::repair::Move;
use crate::diagnostic::codes::schema as codes;
use crate::diagnostic::{About, Finding};
pub(super) use context::Context;
pub use context::Words;

/// The findings for one error, and what has to be moved to judge on.
pub(super) fn say(
    context: &Context<'_>,
    error: &ValidationError<'_>,
    pointer: &str,
    moves: &mut Vec<Move>,
) -> Vec<Finding> {
    let Some(place) = context.place(error, pointer) else { return Vec::new() };
    let findings = match error.kind() {
        Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => unexpected
            .iter()
            .filter_map(|key| unknown_key::unknown_key(context, &place, key, pointer, moves))
            .collect(),
        Kind::PropertyNames { error: inner } => {
            unknown_key::unfit_key(context, &place, inner).into_iter().collect()
        }
        Kind::Required { .. } if credential::is_credential(&place) => {
            credential::no_reference(context, &place)
        }
        _ if credential::is_credential(&place) && place.node.as_map().is_none() => {
            vec![credential::literal(context, &place)]
        }
        _ if credential::is_reference(&place) => vec![credential::no_source(&place, pointer)],
        Kind::Required { property } => {
            let key = property.as_str().unwrap_or_default();
            let help = missing_key::how_to_add(context, &place, key, pointer);
            // The message of a whole object speaks of more than this key.
            let condition = place.holder.filter(|holder| holder.get("properties").is_none());
            let said = condition.map_or("", |holder| text(holder, "x-message"));
            vec![codes::missing_key(key, &context.container(pointer), said, place.key).help(help)]
        }
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => {
            match alternatives::misnamed(context, &place, pointer, moves) {
                true => Vec::new(),
                false => vec![alternatives::unfit(context, error.kind(), &place, pointer)],
            }
        }
        kind => vec![value::finding(kind, &place)],
    };
    findings.into_iter().map(|finding| with_about(finding, &place.about)).collect()
}

fn with_about(mut finding: Finding, about: &About) -> Finding {
    if finding.about == About::default() {
        finding.about = about.clone();
    }
    finding
}
