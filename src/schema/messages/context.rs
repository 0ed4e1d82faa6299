//! The document that messages are about, and where in it and in its schema an error stands.
//!
//! Nothing is worded here but names: what a value and the map around it are called.

use jsonschema::ValidationError;
use jsonschema::error::ValidationErrorKind as Kind;
use serde_json::Value as Json;

use crate::diagnostic::About;
use crate::schema::built_in;
use crate::schema::compiled::Validator;
use crate::schema::meant::{Meant, meant};
use crate::schema::pair::Pair;
use crate::schema::pointer::{about, segments};
use crate::schema::references::Spot;
use crate::schema::secret_marks::{is_marked, marks};
use crate::source::Span;
use crate::yaml::{self, Node};

/// What messages may say beyond the schema itself.
#[derive(Debug, Clone, Copy, Default)]
pub struct Words<'a> {
    pub pair: Option<&'a Pair>,
    pub integration: Option<&'a str>,
    /// What to call the document: "pairform.yaml".
    pub document: Option<&'a str>,
    /// Places that may hold a credential, sorted, none overlapping another: never quoted.
    pub hidden: &'a [Span],
}

/// One document that was judged.
pub struct Context<'a> {
    pub validator: &'a Validator,
    pub root: &'a Node,
    pub words: Words<'a>,
    /// What was moved here from elsewhere, as it is judged.
    pub moved: &'a [Span],
}

/// The place of an error, resolved.
pub struct Place<'a> {
    pub node: &'a Node,
    /// The schema object that holds the failing keyword, where it can be found.
    pub holder: Option<&'a Json>,
    pub about: About,
    /// What to call the value: `map.Klarna`.
    pub name: String,
    /// Where the value's key stands, else the value.
    pub key: Span,
    /// Which item of a list it is, the first being 1.
    pub item: Option<usize>,
    /// Credentials are never quoted.
    pub quotable: bool,
    /// The same in the documents that references lead through, where the schema is somebody's.
    pub(in crate::schema) spot: Option<Spot<'a>>,
    /// It is judged by somebody's schema, which speaks of no settings.
    pub foreign: bool,
}

impl Context<'_> {
    /// Whether something was written elsewhere, and is judged where it was meant.
    pub(super) fn is_moved(&self, at: Span) -> bool {
        self.moved.iter().any(|moved| moved.file == at.file && moved.start <= at.start && at.end <= moved.end)
    }

    pub fn place(&self, error: &ValidationError<'_>, pointer: &str) -> Option<Place<'_>> {
        let (_, holder) = self.holder(error);
        let place = self.place_of(pointer)?;
        let spot = if place.foreign { self.spot(error) } else { None };
        // What a secret may be is as secret.
        let quotable = place.quotable && !holder.is_some_and(is_marked);
        Some(Place { holder, spot, quotable, ..place })
    }

    /// A place of which no error speaks.
    pub(in crate::schema) fn place_of(&self, pointer: &str) -> Option<Place<'_>> {
        let node = yaml::find_path(self.root, pointer)?;
        if node.is_hole() {
            return None;
        }
        let written = pointer;
        let pointer = self.without_items(pointer);
        let about = about(self.words.integration, pointer);
        let segments = segments(pointer);
        let name = match segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
            ["connectors", _, "connections", _, field, ..] if self.words.pair.is_some() => field.to_owned(),
            _ => about
                .setting
                .clone()
                .or_else(|| segments.last().cloned())
                .unwrap_or_else(|| self.container("")),
        };
        // The first line of the document's own file; bases come before it.
        let first = node.as_map().filter(|_| pointer.is_empty()).and_then(|map| {
            let own = map.entries().iter().filter(|entry| entry.key.span.file == node.span.file);
            own.min_by_key(|entry| entry.key.span.start)
        });
        // An item has no key: it is where its own first key is.
        let item = item_number(self.root, written);
        let own = node.as_map().filter(|_| item.is_some()).and_then(|map| map.entries().first());
        let key = match item {
            Some(_) => own.map(|entry| &entry.key),
            None => yaml::key_at(self.root, written).or(first.map(|entry| &entry.key)),
        };
        let key = key.map_or(node.span, |key| key.span);
        let span = node.span;
        let hidden = self.words.hidden;
        // None overlaps another, so that the last that begins before the end of this ends last.
        let before = hidden.partition_point(|hidden| (hidden.file, hidden.start) <= (span.file, span.end));
        let quotable = !hidden[..before]
            .last()
            .is_some_and(|hidden| hidden.file == span.file && span.start <= hidden.end);
        let foreign = self.validator.is_foreign();
        let (holder, spot) = (None, None);
        Some(Place { node, holder, about, name, key, item, quotable, spot, foreign })
    }

    /// What a schema says of a key of the map that it describes.
    pub(super) fn property<'p>(&'p self, spot: Option<&Spot<'p>>, key: &str) -> Option<&'p Json> {
        let documents = self.validator.documents();
        let property =
            documents.with_parts(spot?).iter().find_map(|part| part.child("properties")?.child(key))?;
        let parts = documents.with_parts(&property);
        let telling = ["const", "enum", "x-secret", "default", "examples", "description"];
        let best = parts.iter().find(|part| telling.iter().any(|key| part.schema.get(*key).is_some()));
        Some(best.unwrap_or(&property).schema)
    }

    /// Whether a schema marks a key of the map that it describes as secret.
    pub(super) fn is_secret(&self, spot: Option<&Spot<'_>>, key: &str) -> bool {
        let documents = self.validator.documents();
        let parts = spot.into_iter().flat_map(|spot| documents.with_parts(spot));
        let keys = parts.filter_map(|part| part.child("properties")?.child(key));
        keys.into_iter().any(|property| marks(documents, &property))
    }

    /// The keys by whose values an `if` decided that this is asked for.
    pub(super) fn condition(&self, error: &ValidationError<'_>) -> Option<Vec<&str>> {
        if !self.validator.is_foreign() {
            return None;
        }
        let place = error.absolute_keyword_location()?.as_str();
        let around = place.rsplit_once("/then/").or_else(|| place.rsplit_once("/else/"))?.0;
        let holder = self.validator.documents().find(around)?;
        let keys = holder.schema.get("if")?.get("properties")?.as_object()?;
        Some(keys.keys().map(String::as_str).collect())
    }

    /// The schema that holds the failing keyword, wherever references led.
    pub(in crate::schema) fn spot(&self, error: &ValidationError<'_>) -> Option<Spot<'_>> {
        let place = error.absolute_keyword_location()?.as_str();
        self.validator.documents().find(place.rsplit_once('/')?.0)
    }

    /// Which of the alternatives that an error speaks of was meant.
    pub(in crate::schema) fn meant(&self, error: &ValidationError<'_>) -> Option<Meant> {
        let holder = self.spot(error)?;
        let key = if matches!(error.kind(), Kind::AnyOf { .. }) { "anyOf" } else { "oneOf" };
        let node = yaml::find_path(self.root, error.instance_path().as_str())?;
        meant(self.validator.documents(), &holder, &holder.members(key), node)
    }

    /// The schema's document in which the failing keyword stands, and the schema object in it that holds the keyword.
    pub fn holder(&self, error: &ValidationError<'_>) -> (&Json, Option<&Json>) {
        if self.validator.is_foreign() {
            return (self.validator.schema(), self.spot(error).map(|spot| spot.schema));
        }
        let place = error.absolute_keyword_location().and_then(|uri| uri.as_str().split_once('#'));
        // A reference may have led into another of the built-in schemas.
        let (document, path) = place
            .and_then(|(uri, path)| Some((built_in::meta_by_uri(uri)?, path)))
            .unwrap_or((self.validator.schema(), error.schema_path().as_str()));
        (document, path.rsplit_once('/').and_then(|(parent, _)| document.pointer(parent)))
    }

    /// The schema of the map whose key does not fit.
    pub(super) fn around_names(&self, error: &ValidationError<'_>) -> Option<&Json> {
        let place = error.absolute_keyword_location().and_then(|uri| uri.as_str().split_once('#'));
        let (document, path) = place
            .and_then(|(uri, path)| Some((built_in::meta_by_uri(uri)?, path)))
            .unwrap_or((self.validator.schema(), error.schema_path().as_str()));
        document.pointer(path.split_once("/propertyNames").map_or(path, |(around, _)| around))
    }

    /// The pointer of the list for a pointer to an item: people speak of the setting.
    fn without_items<'p>(&self, pointer: &'p str) -> &'p str {
        if self.words.pair.is_none() {
            let list = pointer.rsplit_once('/').map_or("", |(list, _)| list);
            return if item_number(self.root, pointer).is_some() { list } else { pointer };
        }
        let mut at = 0;
        while let Some(next) = pointer[at..].find('/').map(|slash| at + slash) {
            if next > 0
                && yaml::find_path(self.root, &pointer[..next]).is_some_and(|node| node.as_list().is_some())
            {
                return &pointer[..next];
            }
            at = next + 1;
        }
        pointer
    }

    /// What to call the map at a pointer: "Payment Methods", "the rule `orders`".
    pub fn container(&self, pointer: &str) -> String {
        let segments = segments(pointer);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let title = |id: &str| {
            let category = self.words.pair.and_then(|pair| pair.category(id));
            category.map_or_else(|| format!("`{id}`"), |category| category.title.to_string())
        };
        match segments[..] {
            [] if self.words.integration.is_some() => "the integration".to_owned(),
            [] => self.words.document.unwrap_or("the document").to_owned(),
            [.., list, _] if self.words.pair.is_none() && item_number(self.root, pointer).is_some() => {
                format!("an item of `{list}`")
            }
            [_] if self.words.pair.is_none() && item_number(self.root, pointer).is_some() => {
                format!("item {}", item_number(self.root, pointer).unwrap_or_default())
            }
            [.., last] if self.words.pair.is_none() => format!("`{last}`"),
            ["settings"] => "the settings".to_owned(),
            ["settings", category] => title(category),
            ["settings", category, .., last] => format!("`{last}` of {}", title(category)),
            ["schedules", rule, ..] => format!("the rule `{rule}`"),
            ["webhooks", webhook, ..] => format!("the webhook `{webhook}`"),
            ["connectors", connector, "connections", connection] => {
                let connector = self
                    .words
                    .pair
                    .and_then(|pair| pair.connector(connector))
                    .map_or(connector, |found| &found.title);
                format!("the connection `{connection}` of {connector}")
            }
            [only] => title(only),
            [.., last] => format!("`{last}`"),
        }
    }
}

/// Which item of a list a pointer leads to, the first being 1.
fn item_number(root: &Node, pointer: &str) -> Option<usize> {
    let (list, item) = pointer.rsplit_once('/')?;
    yaml::find_path(root, list)?.as_list()?;
    item.parse::<usize>().ok()?.checked_add(1)
}
