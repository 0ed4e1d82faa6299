//! Keywords that compare numbers, judged without rounding.
//!
//! The `jsonschema` crate holds a schema's numbers as 64 bits. Bounds and multiples are therefore judged here; what of a
//! schema does not fit 64 bits is kept as text, under keywords of our own.

use std::collections::HashSet;

use jsonschema::json::Node as _;
use jsonschema::{Keyword, ValidationError, ValidationOptions};
use percent_encoding::{AsciiSet, CONTROLS};
use serde_json::{Map, Value as Json};

use super::decimal::Decimal;
use super::instance::{Instance, Tree};
use super::same::{canonical, is_json_number};
use crate::yaml::{Node, NodeKind};

/// Comes before a keyword whose number is kept as text.
const KEPT: &str = "x-pairform-";

const BOUNDS: [&str; 5] = ["minimum", "maximum", "exclusiveMinimum", "exclusiveMaximum", "multipleOf"];

/// The name of a keyword that was judged here, as schemas have it.
pub(super) fn keyword(judged: &str) -> &str {
    judged.strip_prefix(KEPT).unwrap_or(judged)
}

/// A schema as the crate takes it, with what would be rounded under keywords of our own.
pub(super) fn schema(node: &Node) -> Json {
    match &node.kind {
        NodeKind::List(items) => items.iter().map(schema).collect(),
        NodeKind::Map(map) => {
            let pairs = map.entries().iter().map(|entry| {
                let (key, value) = (&*entry.key.text, &entry.value);
                let kept = || format!("{KEPT}{key}");
                match (key, &value.kind) {
                    (_, NodeKind::Number(text)) if BOUNDS.contains(&key) && rounds(value) => {
                        (kept(), Json::from(&**text))
                    }
                    ("const", _) if rounds(value) => (kept(), as_kept(std::slice::from_ref(value))),
                    ("enum", NodeKind::List(items)) if rounds(value) => (kept(), as_kept(items)),
                    ("$ref", NodeKind::Text(text)) => (key.to_owned(), reference(text).into()),
                    _ => (key.to_owned(), schema(value)),
                }
            });
            pairs.collect()
        }
        _ => node.to_json(),
    }
}

/// A reference with what a URI writes encoded, as generators leave it in a pointer: `#/$defs/List<Text>`.
fn reference(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, UNWISE).to_string()
}

/// What RFC 3986 lets stand nowhere in a URI; all beyond ASCII is encoded too.
const UNWISE: &AsciiSet = &CONTROLS
    .add(b' ')
    .add(b'"')
    .add(b'<')
    .add(b'>')
    .add(b'[')
    .add(b'\\')
    .add(b']')
    .add(b'^')
    .add(b'`')
    .add(b'{')
    .add(b'|')
    .add(b'}');

fn as_kept(values: &[Node]) -> Json {
    values.iter().map(canonical).collect()
}

/// Whether a number in it is not the one that JSON's 64 bits stand for.
fn rounds(node: &Node) -> bool {
    match &node.kind {
        NodeKind::Number(text) if is_json_number(text) => {
            let json = node.to_json();
            !json.is_number() || Decimal::parse(text) != Decimal::parse(&json.to_string())
        }
        NodeKind::List(items) => items.iter().any(rounds),
        NodeKind::Map(map) => map.entries().iter().any(|entry| rounds(&entry.value)),
        _ => false,
    }
}

/// Lets bounds, multiples and what was kept as text be judged here.
pub(super) fn options<R>(mut options: ValidationOptions<'_, R, Tree>) -> ValidationOptions<'_, R, Tree> {
    for name in BOUNDS {
        options = options
            .with_keyword(name, move |parent, limit, _| bound(name, parent, limit))
            .with_keyword(format!("{KEPT}{name}"), move |parent, limit, _| bound(name, parent, limit));
    }
    for name in ["const", "enum"] {
        options = options.with_keyword(format!("{KEPT}{name}"), |_, values, _| Ok(kept_values(values)));
    }
    options
}

type Made<'a> = Result<Box<dyn for<'i> Keyword<'i, Tree>>, ValidationError<'a>>;

fn bound<'a>(name: &'static str, parent: &'a Map<String, Json>, limit: &'a Json) -> Made<'a> {
    // Draft 4 says of `minimum` and `maximum` whether they are exclusive.
    if limit.is_boolean() && name.starts_with("exclusive") {
        return Ok(Box::new(Bound { limit: None, shown: String::new(), holds: |_, _| true }));
    }
    let shown = match limit {
        Json::String(text) => text.clone(),
        other => other.to_string(),
    };
    let exclusive = |key: &str| parent.get(key) == Some(&Json::Bool(true));
    let holds: fn(&Decimal, &Decimal) -> bool = match name {
        "minimum" if exclusive("exclusiveMinimum") => |number, limit| number > limit,
        "maximum" if exclusive("exclusiveMaximum") => |number, limit| number < limit,
        "minimum" => |number, limit| number >= limit,
        "maximum" => |number, limit| number <= limit,
        "exclusiveMinimum" => |number, limit| number > limit,
        "exclusiveMaximum" => |number, limit| number < limit,
        _ => Decimal::is_multiple_of,
    };
    match Decimal::parse(&shown) {
        Some(limit) => Ok(Box::new(Bound { limit: Some(limit), shown, holds })),
        None => Err(ValidationError::schema(format!("`{name}` is no number"))),
    }
}

struct Bound {
    limit: Option<Decimal>,
    shown: String,
    holds: fn(&Decimal, &Decimal) -> bool,
}

impl<'i> Keyword<'i, Tree> for Bound {
    fn validate(&self, instance: Instance<'i>) -> Result<(), ValidationError<'i>> {
        if Keyword::<Tree>::is_valid(self, instance) {
            return Ok(());
        }
        Err(ValidationError::custom(self.shown.clone()))
    }

    fn is_valid(&self, instance: Instance<'i>) -> bool {
        let (Some(number), Some(limit)) = (instance.as_number(), &self.limit) else { return true };
        number.decimal().is_none_or(|number| (self.holds)(&number, limit))
    }
}

fn kept_values(values: &Json) -> Box<dyn for<'i> Keyword<'i, Tree>> {
    let values = values.as_array().into_iter().flatten().filter_map(Json::as_str).map(str::to_owned);
    Box::new(OneOf { values: values.collect() })
}

struct OneOf {
    values: HashSet<String>,
}

impl<'i> Keyword<'i, Tree> for OneOf {
    fn validate(&self, instance: Instance<'i>) -> Result<(), ValidationError<'i>> {
        if Keyword::<Tree>::is_valid(self, instance) {
            return Ok(());
        }
        Err(ValidationError::custom(""))
    }

    fn is_valid(&self, instance: Instance<'i>) -> bool {
        match instance {
            Instance::Node(node) => self.values.contains(&canonical(node)),
            Instance::Key(text) => self.values.contains(&Json::from(text).to_string()),
        }
    }
}
