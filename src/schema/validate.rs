//! Judging a document by a schema: findings in people's words, one a mistake.
//!
//! The crate's own messages are never shown: they speak of JSON, and would show the values of credentials.

use std::collections::HashSet;

use jsonschema::JsonType;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value as Json;

pub use super::compiled::{Unusable, Validator, not_fetched};
pub use super::messages::Words;
use super::messages::{self, Context};
use super::repair::{self, Move};
use crate::diagnostic::Finding;
use crate::yaml::Node;

impl Validator {
    /// All findings about a document, one a mistake, in no particular order.
    #[must_use]
    pub fn judge(&self, root: &Node, words: Words<'_>) -> Vec<Finding> {
        self.judge_repaired(root, words).0
    }

    /// As [`Self::judge`]; and the document with misnamed and misplaced keys where they were meant, if there are any.
    #[must_use]
    pub fn judge_repaired(&self, root: &Node, words: Words<'_>) -> (Vec<Finding>, Option<Node>) {
        repair::judge(root, |root, moves| self.judge_once(root, words, moves))
    }

    fn judge_once(&self, root: &Node, words: Words<'_>, moves: &mut Vec<Move>) -> Vec<Finding> {
        if self.is_valid(root) {
            return Vec::new();
        }
        let context = Context { schema: self.schema(), root, words };
        let mut coarse: HashSet<String> = HashSet::new();
        let mut findings = Vec::new();
        let mut errors: Vec<_> = self.errors(root).flat_map(unfold).collect();
        errors.sort_by_key(|error| rank(error.kind()));
        let mut places: HashSet<String> = HashSet::new();
        for error in errors {
            let pointer = error.instance_path().as_str().to_owned();
            // One mistake at one place: the coarsest error says it. Unknown and missing keys are mistakes of their own.
            let rank = rank(error.kind());
            let own = matches!(
                error.kind(),
                Kind::Required { .. }
                    | Kind::AdditionalProperties { .. }
                    | Kind::UnevaluatedProperties { .. }
                    | Kind::PropertyNames { .. }
            );
            if places.contains(&pointer) && (!own || coarse.contains(&pointer)) {
                continue;
            }
            findings.extend(messages::say(&context, &error, &pointer, moves));
            if !own {
                if rank == 0 {
                    coarse.insert(pointer.clone());
                }
                places.insert(pointer);
            }
        }
        findings
    }
}

/// Coarse before fine.
fn rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Type { .. } | Kind::FalseSchema => 0,
        Kind::Enum { .. } | Kind::Constant { .. } => 1,
        Kind::Required { .. } => 2,
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => 4,
        _ => 3,
    }
}

/// For alternatives of which one got inside the value while others failed at its door, or of which one alone is for values
/// of this type, the errors of that one.
fn unfold(error: ValidationError<'_>) -> Vec<ValidationError<'_>> {
    let here = error.instance_path().as_str().len();
    let (Kind::AnyOf { context } | Kind::OneOfNotValid { context }) = error.kind() else {
        return vec![error];
    };
    let depth = |branch: &[ValidationError<'static>]| {
        branch.iter().map(|error| error.instance_path().as_str().len()).min().unwrap_or(here)
    };
    let of_null = |error: &ValidationError<'_>| {
        let null = matches!(error.kind(), Kind::Type { kind: TypeKind::Single(JsonType::Null) });
        null && error.instance_path().as_str().len() == here
    };
    let other = |error: &ValidationError<'_>| is_of_another_type(error, here);
    let mut kin: Vec<bool> = context.iter().map(|branch| !branch.iter().any(other)).collect();
    if !kin.contains(&true) {
        kin = context.iter().map(|branch| !branch.iter().any(of_null)).collect();
    }
    let deepest = context.iter().map(|branch| depth(branch)).max().unwrap_or(here);
    let inside = context.iter().filter(|branch| depth(branch) == deepest).count();
    let by_depth = deepest > here && inside == 1;
    if !by_depth && kin.iter().filter(|kin| **kin).count() != 1 {
        return vec![error];
    }
    let parts = error.into_parts();
    let (Kind::AnyOf { context } | Kind::OneOfNotValid { context }) = parts.kind else { return Vec::new() };
    let meant = context.into_iter().zip(kin).filter(
        |(branch, kin)| {
            if by_depth { depth(branch) == deepest } else { *kin }
        },
    );
    meant.flat_map(|(branch, _)| branch).flat_map(unfold).collect()
}

/// Whether an alternative was not meant at all: it is for values of another type than the one at this depth.
fn is_of_another_type(error: &ValidationError<'_>, here: usize) -> bool {
    if error.instance_path().as_str().len() != here {
        return false;
    }
    let written = std::mem::discriminant(error.instance().as_ref());
    let differs = |value: &Json| std::mem::discriminant(value) != written;
    match error.kind() {
        Kind::Type { .. } => true,
        Kind::Constant { expected_value } => differs(expected_value),
        Kind::Enum { options } => options.as_array().is_some_and(|options| options.iter().all(differs)),
        _ => false,
    }
}
