//! A schema as the `jsonschema` crate compiles it, and why one cannot be compiled.
//!
//! Whether a document fits is known here; what is wrong with one is told by [`super::validate`].

use std::collections::{BTreeSet, HashMap};
use std::sync::{Arc, LazyLock, Mutex, OnceLock, PoisonError};

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{PatternOptions, ReferencingError, Retrieve, ValidationError};
use serde_json::Value as Json;

use super::built_in::{self, BASE_URI};
use super::fitting::Place;
use super::instance::{Instance, Tree};
use super::references::Documents;
use super::{engine, exact, secret_marks};
use crate::source::Span;
use crate::yaml::Node;

/// So many schemas at most are asked of one value. To judge one takes that many steps, and somebody's schema may double them with each
/// line.
const MOST_WAYS: u64 = 50_000;
/// What is said of one that would take more.
const ASKED_TOO_OFTEN: &str = "one value would be judged by it";

/// What the crate calls a schema that has no name.
const DEFAULT_URI: &str = "json-schema:///";

/// A schema by which documents are judged. Whether one fits ours is asked place by place (`schema::fitting`); the whole is compiled for
/// the first document that does not.
#[derive(Debug)]
pub struct Validator {
    schema: Arc<Json>,
    /// None of a schema that may lead anywhere.
    place: Option<Place>,
    whole: OnceLock<Option<jsonschema::Validator<Tree>>>,
    /// What the schema was compiled from; indexed when the first document does not fit.
    documents: OnceLock<Documents>,
    /// What it calls secret.
    secret_names: OnceLock<BTreeSet<String>>,
    base_uri: String,
    /// What its references led to.
    read: Read,
    /// Somebody's schema, which is no part of ours.
    foreign: bool,
}

/// The documents that references led to, by URI.
type Read = Arc<Mutex<Vec<(String, Arc<Json>)>>>;

impl Validator {
    /// Judges by a schema of our own that is known to be usable, such as one of built-in parts; see [`Self::usable`].
    #[must_use]
    pub fn ours(schema: Arc<Json>) -> Self {
        let place = Some(Place::whole(Arc::clone(&schema)));
        Self::of(schema, place, OnceLock::new(), DEFAULT_URI)
    }

    fn of(
        schema: Arc<Json>,
        place: Option<Place>,
        whole: OnceLock<Option<jsonschema::Validator<Tree>>>,
        base_uri: &str,
    ) -> Self {
        let (documents, secret_names, read) = (OnceLock::new(), OnceLock::new(), Read::default());
        let base_uri = base_uri.to_owned();
        Validator { schema, place, whole, documents, secret_names, base_uri, read, foreign: false }
    }

    /// One of the schemas under `schemas/meta/`, which refer to each other; made once a process. A test proves that each is usable.
    #[must_use]
    pub fn meta(name: &str) -> Arc<Self> {
        static KNOWN: LazyLock<Mutex<HashMap<String, Arc<Validator>>>> = LazyLock::new(Mutex::default);
        let mut known = KNOWN.lock().unwrap_or_else(PoisonError::into_inner);
        let made = known.entry(name.to_owned()).or_insert_with(|| {
            let path = format!("meta/{name}.schema.yaml");
            let ours = Self::ours(built_in::built_in(&path));
            Arc::new(Validator { base_uri: format!("{BASE_URI}{path}"), ..ours })
        });
        Arc::clone(made)
    }

    /// Compiles the whole, which is done once.
    ///
    /// # Errors
    /// When it is no schema, or one that cannot be compiled.
    pub fn usable(&self) -> Result<(), Unusable> {
        if self.whole.get().is_none() {
            let whole = self.compiled()?;
            self.whole.get_or_init(|| Some(whole));
        }
        Ok(())
    }

    fn compiled(&self) -> Result<jsonschema::Validator<Tree>, Unusable> {
        let compiled = match self.base_uri.as_str() {
            DEFAULT_URI => engine::compile(&self.schema),
            uri => engine::compile_meta(&self.schema, uri),
        };
        compiled.map_err(|error| Unusable::from(&error))
    }

    fn whole(&self) -> Option<&jsonschema::Validator<Tree>> {
        self.whole.get_or_init(|| self.compiled().ok()).as_ref()
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
        // Also before it is compiled, which may take as many steps.
        own_ways(base_uri, &schema)?;
        let read = Read::default();
        let retriever = Kept { retrieve, read: Arc::clone(&read) };
        let options = exact::options(jsonschema::options_for::<Tree>())
            .with_base_uri(base_uri)
            .with_pattern_options(PatternOptions::fancy_regex().backtrack_limit(100_000))
            .with_retriever(retriever);
        let compiled = options.build(&schema).map_err(|error| Unusable::from(&error))?;
        let whole = OnceLock::from(Some(compiled));
        let made = Validator { read, foreign: true, ..Self::of(Arc::new(schema), None, whole, base_uri) };
        few_ways(made.documents()).map(|()| made)
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
        secret_marks::find(self.documents(), self.secret_names(), root)
    }

    /// The names of the properties that the schema calls secret.
    #[must_use]
    pub fn secret_names(&self) -> &BTreeSet<String> {
        self.secret_names.get_or_init(|| secret_marks::names(self.documents()))
    }

    /// The schema of a draft's schemas, by the draft's URI.
    #[must_use]
    pub fn of_draft(uri: &str) -> Option<Self> {
        let schema = serde_json::json!({"$schema": uri, "$ref": uri});
        let compiled = jsonschema::options_for::<Tree>().offline().build(&schema).ok()?;
        Some(Self::of(Arc::new(schema), None, OnceLock::from(Some(compiled)), DEFAULT_URI))
    }

    #[must_use]
    pub fn is_valid(&self, root: &Node) -> bool {
        let by_place = self.place.as_ref().and_then(|place| place.fits(root));
        by_place.unwrap_or_else(|| self.whole().is_some_and(|whole| whole.is_valid(Instance::Node(root))))
    }

    /// What the crate finds wrong; its words are never shown.
    pub(super) fn errors<'a>(&'a self, root: &'a Node) -> impl Iterator<Item = ValidationError<'a>> {
        self.whole().into_iter().flat_map(|whole| whole.iter_errors(Instance::Node(root)))
    }
}

/// Proves that a document by itself does not ask of one value too often.
fn own_ways(uri: &str, schema: &Json) -> Result<(), Unusable> {
    few_ways(&Documents::of(vec![(uri.to_owned(), Arc::new(schema.clone()))]))
}

fn few_ways(documents: &Documents) -> Result<(), Unusable> {
    match documents.asked_too_often(MOST_WAYS) {
        None => Ok(()),
        Some(pointer) => Err(Unusable {
            message: format!("{ASKED_TOO_OFTEN} in more than {MOST_WAYS} ways"),
            pointer,
            reference: None,
        }),
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
        own_ways(uri.as_str(), &json)?;
        let mut read = self.read.lock().unwrap_or_else(PoisonError::into_inner);
        read.push((uri.as_str().to_owned(), Arc::new(json.clone())));
        Ok(json)
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

impl Unusable {
    /// It is a schema, and one that takes too long to judge by.
    #[must_use]
    pub fn is_of_size(&self) -> bool {
        self.message.starts_with(ASKED_TOO_OFTEN)
    }
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
