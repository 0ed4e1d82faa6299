//! How the `jsonschema` crate compiles schemas of our own: nothing is fetched, and patterns run in linear time.

use std::error::Error;
use std::sync::LazyLock;

use jsonschema::{PatternCache, PatternOptions, Retrieve, Uri, ValidationError, Validator};
use serde_json::Value as Json;

use super::built_in::{BASE_URI, built_in};
use super::exact;
use super::instance::Tree;

/// The patterns compiled so far: pairs share most of theirs, and compiling one costs more than judging a file by it.
pub(super) fn patterns() -> PatternCache {
    static PATTERNS: LazyLock<PatternCache> = LazyLock::new(PatternCache::new);
    PATTERNS.clone()
}

/// Compiles a schema without references.
pub(super) fn compile(schema: &Json) -> Result<Validator<Tree>, ValidationError<'static>> {
    exact::options(jsonschema::options_for::<Tree>())
        .should_validate_formats(true)
        .with_pattern_options(PatternOptions::regex())
        .with_pattern_cache(patterns())
        .offline()
        .build(schema)
}

/// Compiles one of the schemas under `schemas/meta/`, which refer to each other.
pub(super) fn compile_meta(schema: &Json, uri: &str) -> Result<Validator<Tree>, ValidationError<'static>> {
    exact::options(jsonschema::options_for::<Tree>())
        .should_validate_formats(true)
        .with_base_uri(uri)
        .with_retriever(BuiltIn)
        .build(schema)
}

/// Answers references between the built-in schemas.
struct BuiltIn;

impl Retrieve for BuiltIn {
    fn retrieve(&self, uri: &Uri<String>) -> Result<Json, Box<dyn Error + Send + Sync>> {
        let path = uri.as_str().strip_prefix(BASE_URI).ok_or("only built-in schemas are referred to")?;
        Ok((*built_in(path)).clone())
    }
}
