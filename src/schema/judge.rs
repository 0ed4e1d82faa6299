//! The `jsonschema` crate behind one door: a schema, a spanned tree, and findings in people's words.
//!
//! The crate's own messages are never shown: they speak of JSON, and would show the values of credentials.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use jsonschema::JsonType;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use jsonschema::{PatternCache, PatternOptions, ReferencingError, Retrieve, ValidationError};
use serde_json::Value as Json;

use super::instance::{Instance, Tree};
use super::repair::{self, Move};
use super::speak::Speaker;
use super::{Pair, parts};
use crate::diagnostic::{About, Finding};
use crate::model::SettingPath;
use crate::source::Span;
use crate::yaml::Node;

/// A compiled schema.
#[derive(Debug)]
pub struct Validator {
    schema: Arc<Json>,
    compiled: jsonschema::Validator<Tree>,
}

/// What messages may say beyond the schema itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Words<'a> {
    pub pair: Option<&'a Pair>,
    pub integration: Option<&'a str>,
    /// What to call the document: "pairform.yaml".
    pub document: Option<&'a str>,
    /// Places that may hold a credential: never quoted.
    pub hidden: &'a [Span],
}

/// The patterns compiled so far: pairs share most of theirs, and compiling one costs more than judging a file by it.
pub(super) fn patterns() -> PatternCache {
    static PATTERNS: LazyLock<PatternCache> = LazyLock::new(PatternCache::new);
    PATTERNS.clone()
}

impl Validator {
    /// Compiles a schema of our own: nothing is fetched, patterns run in linear time.
    ///
    /// # Errors
    /// What is wrong with the schema, in words.
    pub fn new(schema: Arc<Json>) -> Result<Self, String> {
        let options = jsonschema::options_for::<Tree>()
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .with_pattern_cache(patterns())
            .offline();
        let compiled = options.build(&schema).map_err(|error| describe_schema_error(&error))?;
        Ok(Validator { schema, compiled })
    }

    /// One of the schemas under `schemas/meta/`, which refer to each other; compiled once a process.
    ///
    /// # Errors
    /// What is wrong with the schema, in words; a test proves that there is nothing.
    pub fn meta(name: &str) -> Result<Arc<Self>, String> {
        static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(name) {
            return Ok(Arc::clone(known));
        }
        let meta = Arc::new(Self::compile_meta(name)?);
        compiled.insert(name.to_owned(), Arc::clone(&meta));
        Ok(meta)
    }

    fn compile_meta(name: &str) -> Result<Self, String> {
        let path = format!("meta/{name}.schema.yaml");
        let options = jsonschema::options_for::<Tree>()
            .should_validate_formats(true)
            .with_base_uri(format!("{BUILT_IN}{path}"))
            .with_retriever(BuiltIn);
        let schema = parts::built_in(&path);
        let compiled = options.build(&schema).map_err(|error| describe_schema_error(&error))?;
        Ok(Validator { schema, compiled })
    }

    /// Compiles somebody's schema, whose references `retriever` may answer.
    ///
    /// # Errors
    /// What is wrong with the schema.
    pub fn foreign(
        schema: Json,
        base_uri: &str,
        retriever: impl Retrieve + 'static,
    ) -> Result<Self, Unusable> {
        let options = jsonschema::options_for::<Tree>()
            .with_base_uri(base_uri)
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(100_000))
            .with_retriever(retriever);
        let compiled = options.build(&schema).map_err(|error| Unusable::from(&error))?;
        Ok(Validator { schema: Arc::new(schema), compiled })
    }

    /// The schema that was compiled.
    #[must_use]
    pub fn schema(&self) -> &Json {
        &self.schema
    }

    /// The schema of a draft's schemas, by the draft's URI.
    #[must_use]
    pub fn of_draft(uri: &str) -> Option<Self> {
        let schema = serde_json::json!({"$schema": uri, "$ref": uri});
        let compiled = jsonschema::options_for::<Tree>().offline().build(&schema).ok()?;
        Some(Validator { schema: Arc::new(schema), compiled })
    }

    #[must_use]
    pub fn is_valid(&self, root: &Node) -> bool {
        self.compiled.is_valid(Instance::Node(root))
    }

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
        let speaker = Speaker { schema: &self.schema, root, words };
        let mut said: Vec<(String, u8)> = Vec::new();
        let mut findings = Vec::new();
        let mut errors: Vec<_> = self.compiled.iter_errors(Instance::Node(root)).flat_map(unfold).collect();
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
            if places.contains(&pointer)
                && (!own || said.iter().any(|(place, other)| *place == pointer && *other == 0))
            {
                continue;
            }
            findings.extend(speaker.say(&error, &pointer, moves));
            if !own {
                places.insert(pointer.clone());
                if rank == 0 {
                    said.push((pointer, rank));
                }
            }
        }
        findings
    }
}

/// What the built-in schemas are called when they refer to each other.
pub(super) const BUILT_IN: &str = "pairform:///schemas/";

/// Answers references between the built-in schemas.
struct BuiltIn;

impl Retrieve for BuiltIn {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
        let path = uri.as_str().strip_prefix(BUILT_IN).ok_or("only built-in schemas are referred to")?;
        Ok((*parts::built_in(path)).clone())
    }
}

fn describe_schema_error(error: &ValidationError<'_>) -> String {
    let Unusable { message, pointer, .. } = Unusable::from(error);
    if pointer.is_empty() { message } else { format!("{message}, at {pointer}") }
}

/// Why a schema cannot be used.
#[derive(Debug)]
pub struct Unusable {
    pub message: String,
    /// Where in the schema's file, if that is known.
    pub pointer: String,
    /// The resolved reference that is to blame, if one is.
    pub reference: Option<String>,
}

impl From<&ValidationError<'_>> for Unusable {
    fn from(error: &ValidationError<'_>) -> Self {
        let mut reference = None;
        let message = match error.kind() {
            Kind::Referencing(ReferencingError::Unretrievable { uri, source }) => {
                reference = Some(uri.clone());
                if uri.starts_with("file:") { source.to_string() } else { not_fetched(uri) }
            }
            Kind::Referencing(ReferencingError::PointerToNowhere { pointer }) => {
                reference = Some(format!("#{pointer}"));
                format!("the reference `#{pointer}` leads nowhere")
            }
            Kind::Referencing(
                ReferencingError::NoSuchAnchor { anchor } | ReferencingError::InvalidAnchor { anchor },
            ) => {
                reference = Some(format!("#{anchor}"));
                format!("there is no anchor `{anchor}`")
            }
            Kind::Referencing(ReferencingError::UnknownSpecification { specification }) => {
                reference = Some(specification.clone());
                format!(
                    "`{specification}` is no draft of JSON Schema that is known (2020-12, 2019-09, 07, 06 and 04 are)"
                )
            }
            _ => error.masked().to_string(),
        };
        Unusable { message, pointer: error.instance_path().as_str().to_owned(), reference }
    }
}

/// What is said of a reference that leads off this machine, or out of the schema's folder.
#[must_use]
pub fn not_fetched(uri: &str) -> String {
    format!("`{uri}` is not fetched: references reach files below the schema's folder only")
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

/// The keys of a JSON Pointer.
pub(super) fn segments(pointer: &str) -> Vec<String> {
    pointer.split('/').skip(1).map(|segment| segment.replace("~1", "/").replace("~0", "~")).collect()
}

/// Which category and setting a pointer into an integration's document speaks of.
#[must_use]
pub fn about(integration: Option<&str>, pointer: &str) -> About {
    let segments = segments(pointer);
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    let (category, rest): (Option<&str>, &[&str]) = match &segments[..] {
        _ if integration.is_none() => (None, &[]),
        ["settings", category, rest @ ..] => (Some(category), rest),
        [category @ ("flows" | "connectors" | "schedules" | "webhooks"), rest @ ..] => (Some(category), rest),
        _ => (None, &[]),
    };
    let setting = (!rest.is_empty()).then(|| rest.iter().collect::<SettingPath>().to_string());
    About { integration: integration.map(str::to_owned), category: category.map(str::to_owned), setting }
}
