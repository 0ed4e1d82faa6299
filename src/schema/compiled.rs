//! A schema as the `jsonschema` crate compiles it, and why one cannot be compiled.
//!
//! Whether a document fits is known here; what is wrong with one is told by [`super::validate`].

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{PatternCache, PatternOptions, ReferencingError, Retrieve, ValidationError};
use serde_json::Value as Json;

use super::built_in::{self, BASE_URI};
use super::instance::{Instance, Tree};
use super::references::Documents;
use super::{exact, secret_marks};
use crate::source::Span;
use crate::yaml::Node;

/// What the crate calls a schema that has no name.
const DEFAULT_URI: &str = "json-schema:///";

/// A compiled schema.
#[derive(Debug)]
pub struct Validator {
    schema: Arc<Json>,
    compiled: jsonschema::Validator<Tree>,
    /// What the schema was compiled from; indexed when the first document does not fit.
    documents: OnceLock<Documents>,
    base_uri: String,
    /// What its references led to.
    read: Read,
    /// Somebody's schema, which is no part of ours.
    foreign: bool,
}

/// The documents that references led to, by URI.
type Read = Arc<Mutex<Vec<(String, Arc<Json>)>>>;

/// The patterns compiled so far: pairs share most of theirs, and compiling one costs more than judging a file by it.
pub(super) fn patterns() -> PatternCache {
    static PATTERNS: LazyLock<PatternCache> = LazyLock::new(PatternCache::new);
    PATTERNS.clone()
}

impl Validator {
    /// Compiles a schema of our own: nothing is fetched, patterns run in linear time.
    ///
    /// # Errors
    /// When it is no schema, or one that cannot be compiled.
    pub fn new(schema: Arc<Json>) -> Result<Self, Unusable> {
        let options = exact::options(jsonschema::options_for::<Tree>())
            .should_validate_formats(true)
            .with_pattern_options(PatternOptions::regex())
            .with_pattern_cache(patterns())
            .offline();
        let compiled = options.build(&schema).map_err(|error| Unusable::from(&error))?;
        Ok(Self::of(schema, compiled, DEFAULT_URI))
    }

    fn of(schema: Arc<Json>, compiled: jsonschema::Validator<Tree>, base_uri: &str) -> Self {
        let (documents, read) = (OnceLock::new(), Read::default());
        Validator { schema, compiled, documents, base_uri: base_uri.to_owned(), read, foreign: false }
    }

    /// One of the schemas under `schemas/meta/`, which refer to each other; compiled once a process.
    ///
    /// # Errors
    /// When it cannot be compiled; a test proves that each can.
    pub fn meta(name: &str) -> Result<Arc<Self>, Unusable> {
        static COMPILED: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
        let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = compiled.get(name) {
            return Ok(Arc::clone(known));
        }
        let meta = Arc::new(Self::compile_meta(name)?);
        compiled.insert(name.to_owned(), Arc::clone(&meta));
        Ok(meta)
    }

    fn compile_meta(name: &str) -> Result<Self, Unusable> {
        let path = format!("meta/{name}.schema.yaml");
        let uri = format!("{BASE_URI}{path}");
        let options = exact::options(jsonschema::options_for::<Tree>())
            .should_validate_formats(true)
            .with_base_uri(uri.clone())
            .with_retriever(BuiltIn);
        let schema = built_in::built_in(&path);
        let compiled = options.build(&schema).map_err(|error| Unusable::from(&error))?;
        Ok(Self::of(schema, compiled, &uri))
    }

    /// Compiles somebody's schema, whose references `retrieve` may answer: with a document, or with why there is none.
    ///
    /// # Errors
    /// When it is no schema, or refers to what cannot be had.
    pub fn foreign(
        schema: &Node,
        base_uri: &str,
        retrieve: impl Fn(&str) -> Result<Node, String> + Send + Sync + 'static,
    ) -> Result<Self, Unusable> {
        let schema = exact::schema(schema);
        let read = Read::default();
        let retriever = Kept { retrieve, read: Arc::clone(&read) };
        let options = exact::options(jsonschema::options_for::<Tree>())
            .with_base_uri(base_uri)
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(100_000))
            .with_retriever(retriever);
        let compiled = options.build(&schema).map_err(|error| Unusable::from(&error))?;
        Ok(Validator { read, foreign: true, ..Self::of(Arc::new(schema), compiled, base_uri) })
    }

    /// The schema that was compiled.
    #[must_use]
    pub fn schema(&self) -> &Json {
        &self.schema
    }

    /// Whether it is somebody's, and no part of ours.
    pub(super) fn is_foreign(&self) -> bool {
        self.foreign
    }

    /// The documents that it was compiled from, in which references can be followed.
    pub(super) fn documents(&self) -> &Documents {
        self.documents.get_or_init(|| {
            let mut documents = vec![(self.base_uri.clone(), Arc::clone(&self.schema))];
            documents.extend(self.read.lock().unwrap_or_else(PoisonError::into_inner).iter().cloned());
            Documents::of(documents)
        })
    }

    /// The places in a document of the values that the schema calls secret.
    #[must_use]
    pub fn secrets(&self, root: &Node) -> Vec<Span> {
        secret_marks::find(self.documents(), root)
    }

    /// The names of the properties that the schema calls secret.
    #[must_use]
    pub fn secret_names(&self) -> BTreeSet<String> {
        secret_marks::names(self.documents())
    }

    /// The schema of a draft's schemas, by the draft's URI.
    #[must_use]
    pub fn of_draft(uri: &str) -> Option<Self> {
        let schema = serde_json::json!({"$schema": uri, "$ref": uri});
        let compiled = jsonschema::options_for::<Tree>().offline().build(&schema).ok()?;
        Some(Self::of(Arc::new(schema), compiled, DEFAULT_URI))
    }

    #[must_use]
    pub fn is_valid(&self, root: &Node) -> bool {
        self.compiled.is_valid(Instance::Node(root))
    }

    /// What the crate finds wrong; its words are never shown.
    pub(super) fn errors<'a>(&'a self, root: &'a Node) -> impl Iterator<Item = ValidationError<'a>> {
        self.compiled.iter_errors(Instance::Node(root))
    }
}

/// Keeps what references led to, so that messages can follow them.
struct Kept<F> {
    retrieve: F,
    read: Read,
}

impl<F: Fn(&str) -> Result<Node, String> + Send + Sync> Retrieve for Kept<F> {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
        let json = exact::schema(&(self.retrieve)(uri.as_str())?);
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.push((uri.as_str().to_owned(), Arc::new(json.clone())));
        Ok(json)
    }
}

/// Answers references between the built-in schemas.
struct BuiltIn;

impl Retrieve for BuiltIn {
    fn retrieve(
        &self,
        uri: &jsonschema::Uri<String>,
    ) -> Result<Json, Box<dyn std::error::Error + Send + Sync>> {
        let path = uri.as_str().strip_prefix(BASE_URI).ok_or("only built-in schemas are referred to")?;
        Ok((*built_in::built_in(path)).clone())
    }
}

/// Why a schema cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}{}", if pointer.is_empty() { String::new() } else { format!(", at {pointer}") })]
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
