//! Judging a document by a schema: findings in people's words, one a mistake.
//!
//! The crate's own messages are never shown: they speak of JSON, and would show the values of credentials.

use std::collections::{HashMap, HashSet};

use jsonschema::JsonType;
use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value as Json;

pub use super::compiled::{Unusable, Validator, not_fetched};
use super::exact;
use super::meant::Meant;
pub use super::messages::Words;
use super::messages::{self, Context};
use super::pointer::escape;
use super::repair::{self, Move};
use super::slips;
use crate::diagnostic::Finding;
use crate::source::Span;
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
        repair::judge(root, |root, moved, moves| self.judge_once(root, words, moved, moves))
    }

    fn judge_once(
        &self,
        root: &Node,
        words: Words<'_>,
        moved: &[Span],
        moves: &mut Vec<Move>,
    ) -> Vec<Finding> {
        if self.is_valid(root) {
            return Vec::new();
        }
        moves.extend(slips::find(root, &words));
        if !moves.is_empty() {
            return Vec::new();
        }
        let context = Context { validator: self, root, words, moved };
        let mut coarse: HashSet<String> = HashSet::new();
        let mut findings = Vec::new();
        let mut places: HashSet<String> = HashSet::new();
        let mut errors = Vec::new();
        for error in self.errors(root) {
            for told in unfold(&context, error) {
                match told {
                    Told::Error(error) => errors.push(*error),
                    Told::NoSuch { pointer, key, values } => {
                        findings.extend(messages::no_such(&context, &pointer, &key, &values));
                        places.insert(format!("{pointer}/{}", escape(&key)));
                        places.insert(pointer);
                    }
                }
            }
        }
        errors.sort_by_key(|error| rank(error.kind()));
        let refused = refused_keys(&errors);
        let missing = absent(&errors);
        let mut told_missing: HashSet<&str> = HashSet::new();
        let mut lists_of_another_type: HashSet<String> = HashSet::new();
        for error in &errors {
            let pointer = error.instance_path().as_str().to_owned();
            // What stands under a key that may not stand there is judged under the one that was meant.
            if !refused.is_empty() && ancestors(&pointer).any(|above| refused.contains(above)) {
                continue;
            }
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
            // So are items of one list that are all of the wrong type.
            if let (Kind::Type { .. }, Some((list, item))) = (error.kind(), pointer.rsplit_once('/'))
                && item.bytes().all(|byte| byte.is_ascii_digit())
                && crate::yaml::find_path(root, list).is_some_and(|node| node.as_list().is_some())
                && !lists_of_another_type.insert(list.to_owned())
            {
                continue;
            }
            // Keys that one map lacks are one mistake.
            let lacking: &[&ValidationError<'_>] = match missing.get_key_value(pointer.as_str()) {
                Some((at, lacking)) if matches!(error.kind(), Kind::Required { .. }) => {
                    if !told_missing.insert(at) {
                        continue;
                    }
                    lacking
                }
                _ => std::slice::from_ref(&error),
            };
            findings.extend(messages::say(&context, lacking, &pointer, moves));
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

/// The places whose keys have another form there.
fn refused_keys(errors: &[ValidationError<'_>]) -> HashSet<String> {
    let keys = errors.iter().filter_map(|error| match error.kind() {
        Kind::PropertyNames { error: inner } => {
            Some(format!("{}/{}", error.instance_path().as_str(), escape(inner.instance().as_str()?)))
        }
        _ => None,
    });
    keys.collect()
}

/// A pointer and those of all maps and lists around the place.
fn ancestors(pointer: &str) -> impl Iterator<Item = &str> {
    std::iter::successors(Some(pointer), |below| Some(below.rsplit_once('/')?.0))
}

/// The keys that are missing, by the map that lacks them.
fn absent<'e, 'a>(errors: &'e [ValidationError<'a>]) -> HashMap<&'e str, Vec<&'e ValidationError<'a>>> {
    let mut missing: HashMap<&str, Vec<&ValidationError<'_>>> = HashMap::new();
    for error in errors.iter().filter(|error| matches!(error.kind(), Kind::Required { .. })) {
        missing.entry(error.instance_path().as_str()).or_default().push(error);
    }
    missing
}

/// Coarse before fine.
fn rank(kind: &Kind) -> u8 {
    match kind {
        Kind::Type { .. } | Kind::FalseSchema => 0,
        Kind::Enum { .. } | Kind::Constant { .. } => 1,
        Kind::Custom { keyword, .. } if matches!(exact::keyword(keyword), "const" | "enum") => 1,
        Kind::Required { .. } => 2,
        Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => 4,
        _ => 3,
    }
}

/// An error, or what can be said in place of the errors of alternatives.
enum Told<'a> {
    Error(Box<ValidationError<'a>>),
    /// The key that tells alternatives apart says none of them.
    NoSuch {
        pointer: String,
        key: String,
        values: Vec<Json>,
    },
}

/// For alternatives of which one was meant, the errors of that one. It is known by what the value says of itself; else it
/// got inside the value while others failed at its door, or is the only one for values of this type.
fn unfold<'a>(context: &Context<'_>, error: ValidationError<'a>) -> Vec<Told<'a>> {
    let here = error.instance_path().as_str().len();
    let (Kind::AnyOf { context: branches } | Kind::OneOfNotValid { context: branches }) = error.kind() else {
        return vec![Told::Error(Box::new(error))];
    };
    let count = branches.len();
    let meant = match context.meant(&error) {
        Some(Meant::NoSuch { key, values }) => {
            return vec![Told::NoSuch { pointer: error.instance_path().as_str().to_owned(), key, values }];
        }
        Some(Meant::Branch(at)) if at < count => vec![at],
        _ => by_errors(branches, here),
    };
    if meant.is_empty() {
        return vec![Told::Error(Box::new(error))];
    }
    let parts = error.into_parts();
    let (Kind::AnyOf { context: branches } | Kind::OneOfNotValid { context: branches }) = parts.kind else {
        return Vec::new();
    };
    let meant = branches.into_iter().enumerate().filter(|(at, _)| meant.contains(at));
    meant.flat_map(|(_, branch)| branch).flat_map(|error| unfold(context, error)).collect()
}

/// The alternatives that were meant, as far as their errors tell.
fn by_errors(branches: &[Vec<ValidationError<'static>>], here: usize) -> Vec<usize> {
    let depth = |branch: &[ValidationError<'static>]| {
        branch.iter().map(|error| error.instance_path().as_str().len()).min().unwrap_or(here)
    };
    let of_null = |error: &ValidationError<'_>| {
        let null = matches!(error.kind(), Kind::Type { kind: TypeKind::Single(JsonType::Null) });
        null && error.instance_path().as_str().len() == here
    };
    let other = |error: &ValidationError<'_>| is_of_another_type(error, here);
    let numbers = |fits: &dyn Fn(&[ValidationError<'static>]) -> bool| -> Vec<usize> {
        let fitting = branches.iter().enumerate().filter(|(_, branch)| fits(branch));
        fitting.map(|(at, _)| at).collect()
    };
    let deepest = branches.iter().map(|branch| depth(branch)).max().unwrap_or(here);
    let inside = numbers(&|branch| depth(branch) == deepest);
    if deepest > here && inside.len() == 1 {
        return inside;
    }
    let mut kin = numbers(&|branch| !branch.iter().any(other));
    if kin.is_empty() {
        kin = numbers(&|branch| !branch.iter().any(of_null));
    }
    if kin.len() == 1 { kin } else { Vec::new() }
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
