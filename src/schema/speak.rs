//! What the `jsonschema` crate finds wrong, in people's words: what, where, and what to write instead.
//!
//! Words come from the schema (`x-message`, `x-labels`, titles) before they come from here.

use jsonschema::ValidationError;
use jsonschema::error::{TypeKind, ValidationErrorKind as Kind};
use serde_json::Value as Json;

use super::judge::{BUILT_IN, Words, about, segments};
use super::repair::Move;
use super::{had_name, mend, parts, text};
use crate::diagnostic::codes::schema as codes;
use crate::diagnostic::{About, Finding, Label, nearest};
use crate::model::{SettingPath, Value};
use crate::source::Span;
use crate::yaml::{self, Node};

/// Speaks of one document.
pub struct Speaker<'a> {
    pub schema: &'a Json,
    pub root: &'a Node,
    pub words: Words<'a>,
}

/// The place of an error, resolved.
struct Place<'a> {
    node: &'a Node,
    /// The schema's document in which the failing keyword stands.
    document: &'a Json,
    /// The schema object that holds the failing keyword, where it can be found.
    holder: Option<&'a Json>,
    about: About,
    /// What to call the value: `map.Klarna`.
    name: String,
    /// Where the value's key stands, else the value.
    key: Span,
    /// Credentials are never quoted.
    quotable: bool,
}

impl Speaker<'_> {
    /// The findings for one error, and what has to be moved to judge on.
    pub fn say(&self, error: &ValidationError<'_>, pointer: &str, moves: &mut Vec<Move>) -> Vec<Finding> {
        let Some(place) = self.place(error, pointer) else { return Vec::new() };
        let findings = match error.kind() {
            Kind::AdditionalProperties { unexpected } | Kind::UnevaluatedProperties { unexpected } => {
                unexpected.iter().filter_map(|key| self.unknown_key(&place, key, pointer, moves)).collect()
            }
            Kind::PropertyNames { error: inner } => self.unfit_key(&place, inner).into_iter().collect(),
            Kind::Required { .. } if is_credential(&place) => self.no_reference(&place),
            _ if is_credential(&place) && place.node.as_map().is_none() => vec![self.literal(&place)],
            _ if is_reference(&place) => vec![no_source(&place, pointer)],
            Kind::Required { property } => {
                let key = property.as_str().unwrap_or_default();
                let help = self.how_to_add(&place, key, pointer);
                // The message of a whole object speaks of more than this key.
                let condition = place.holder.filter(|holder| holder.get("properties").is_none());
                let said = condition.map_or("", |holder| text(holder, "x-message"));
                vec![codes::missing_key(key, &self.container(pointer), said, place.key).help(help)]
            }
            Kind::AnyOf { .. } | Kind::OneOfNotValid { .. } | Kind::OneOfMultipleValid { .. } => {
                match self.misnamed_alternative(&place, pointer, moves) {
                    true => Vec::new(),
                    false => vec![self.alternatives(error.kind(), &place, pointer)],
                }
            }
            kind => vec![value_finding(kind, &place)],
        };
        findings.into_iter().map(|finding| with_about(finding, &place.about)).collect()
    }

    fn place(&self, error: &ValidationError<'_>, pointer: &str) -> Option<Place<'_>> {
        let node = yaml::find_path(self.root, pointer)?;
        if node.is_hole() {
            return None;
        }
        let (document, holder) = self.holder(error);
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
        let key = yaml::key_at(self.root, pointer).or(first.map(|entry| &entry.key));
        let key = key.map_or(node.span, |key| key.span);
        let quotable = !self.words.hidden.contains(&node.span);
        Some(Place { node, document, holder, about, name, key, quotable })
    }

    /// The schema's document in which the failing keyword stands, and the schema object in it that holds the keyword.
    fn holder(&self, error: &ValidationError<'_>) -> (&Json, Option<&Json>) {
        let place = error.absolute_keyword_location().and_then(|uri| uri.as_str().split_once('#'));
        // A reference may have led into another of the built-in schemas.
        let (document, path) = place
            .and_then(|(uri, path)| Some((parts::meta_by_uri(uri)?, path)))
            .unwrap_or((self.schema, error.schema_path().as_str()));
        (document, path.rsplit_once('/').and_then(|(parent, _)| document.pointer(parent)))
    }

    /// The pointer of the list for a pointer to an item: people speak of the setting.
    fn without_items<'p>(&self, pointer: &'p str) -> &'p str {
        if self.words.pair.is_none() {
            let (list, item) = pointer.rsplit_once('/').unwrap_or_default();
            let is_item = item.bytes().all(|b| b.is_ascii_digit())
                && yaml::find_path(self.root, list).is_some_and(|node| node.as_list().is_some());
            return if is_item { list } else { pointer };
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

    fn unknown_key(
        &self,
        place: &Place<'_>,
        key: &str,
        pointer: &str,
        moves: &mut Vec<Move>,
    ) -> Option<Finding> {
        let entry = place.node.as_map()?.get(key)?;
        if entry.value.is_hole() {
            return None;
        }
        let segments = segments(pointer);
        let depth: Vec<&str> = segments.iter().map(String::as_str).collect();
        let kind = match depth[..] {
            _ if self.words.pair.is_none() => "key",
            ["settings"] => "category",
            ["settings", ..] => "setting",
            ["flows"] => "flow",
            ["connectors"] => "connector",
            ["connectors", _, "connections", _] => "field",
            _ => "key",
        };
        let at = entry.key.span;
        let mut finding = codes::unknown_key(kind, key, &self.container(pointer), at);
        finding.about = about(self.words.integration, &format!("{pointer}/{}", escape(key)));
        if is_credential(place) {
            return Some(
                finding.help("write the reference as `{secret: env/NAME}` or `{secret: file/PATH}`"),
            );
        }
        let known = place.holder.and_then(|holder| holder.get("properties")).and_then(Json::as_object);
        let known: Vec<(&str, &Json)> =
            known.into_iter().flatten().map(|(key, schema)| (key.as_str(), schema)).collect();
        let from = || segments.iter().cloned().chain([key.to_owned()]).collect::<Vec<_>>();
        if let Some((name, _)) = known.iter().find(|(_, schema)| had_name(schema, key)) {
            let present = place.node.as_map().and_then(|map| map.get(name));
            let free = present.is_none_or(|present| present.key.span.file != at.file);
            let about = std::mem::take(&mut finding.about);
            let finding = codes::setting_renamed(key, name, free, at).about(about);
            let to = segments.iter().cloned().chain([(*name).to_owned()]).collect();
            moves.extend(present.is_none().then(|| Move { from: from(), to, finding: finding.clone() }));
            return Some(finding);
        }
        if let Some((to, help)) = self.elsewhere(kind, key) {
            let finding = finding.help(help);
            let moved = Move { from: from(), to, finding: finding.clone() };
            moves.push(moved);
            return Some(finding);
        }
        // What only a base declares was not meant to be declared twice.
        let free = |known: &str| {
            let present = place.node.as_map().and_then(|map| map.get(known));
            present.is_none_or(|present| present.key.span.file != at.file)
        };
        let unused: Vec<(&str, &Json)> = known.iter().copied().filter(|(known, _)| free(known)).collect();
        if let Some(near) = meant(key, &unused) {
            finding.primary = Label::new(at, format!("did you mean `{near}`?"));
            finding.fix = Some(crate::diagnostic::Fix {
                message: format!("write `{near}`"),
                edits: vec![crate::diagnostic::Edit { span: at, text: near.to_owned() }],
                safe: false,
            });
            let finding = finding.help(format!("write `{near}`"));
            let to = segments.iter().cloned().chain([near.to_owned()]).collect();
            moves.push(Move { from: from(), to, finding: finding.clone() });
            return Some(finding);
        }
        if let (Some(pair), "key", []) = (self.words.pair, kind, &depth[..]) {
            let categories: Vec<(&str, &Json)> =
                pair.settings.iter().map(|category| (category.id.as_str(), &*category.schema)).collect();
            if let Some(near) = meant(key, &categories) {
                let finding = finding.help(format!("write it as `{near}`, under `settings`"));
                let to = vec!["settings".to_owned(), near.to_owned()];
                moves.push(Move { from: from(), to, finding: finding.clone() });
                return Some(finding);
            }
        }
        if let Some((label, help)) = self.not_offered(kind, key, &depth) {
            finding.primary = Label::new(at, label);
            return Some(finding.help(help));
        }
        let unused: Vec<String> = unused
            .iter()
            .filter(|(known, _)| place.node.get(known).is_none())
            .map(|(known, _)| format!("`{known}`"))
            .collect();
        if unused.is_empty() {
            return Some(finding.help(format!("take `{key}` away")));
        }
        Some(finding.help(format!("take it away, or write one of {}", shortened(&unused))))
    }

    /// A setting or category that stands in another place than its own: where it was meant, and what to do.
    fn elsewhere(&self, kind: &str, key: &str) -> Option<(Vec<String>, String)> {
        let pair = self.words.pair?;
        let to = |keys: &[&str]| keys.iter().map(|key| (*key).to_owned()).collect::<Vec<_>>();
        if kind == "category" {
            if let Some((_, why)) = pair.hidden.iter().find(|(hidden, _)| hidden == key) {
                let why = if why.is_empty() { String::new() } else { format!(": {why}") };
                let help = format!("take it away; {} does not have this category{why}", pair.title);
                return Some((Vec::new(), help));
            }
            if let Some(other) = pair.others.iter().find(|other| other.id == key) {
                let help = format!("move `{key}` to the top of the document, beside `settings`");
                return Some((to(&[&other.id]), help));
            }
        }
        if kind == "key" {
            if let Some(category) = pair.settings.iter().find(|category| category.id == key) {
                let help = format!("move it under `settings`: `{key}` is a category");
                return Some((to(&["settings", &category.id]), help));
            }
            if pair.hidden.iter().any(|(hidden, _)| hidden == key) {
                let help = format!("take it away; {} does not have this category", pair.title);
                return Some((Vec::new(), help));
            }
        }
        if !["key", "setting", "category"].contains(&kind) {
            return None;
        }
        let has = |category: &&crate::schema::Category| {
            category
                .settings
                .iter()
                .any(|setting| setting.path.segments().first().is_some_and(|first| &**first == key))
        };
        let homes: Vec<_> = pair.settings.iter().filter(has).collect();
        let [home] = homes[..] else {
            let names: Vec<String> =
                homes.iter().map(|home| format!("`settings.{}` ({})", home.id, home.title)).collect();
            let help = format!("move it under {}", crate::diagnostic::list_words(&names, "or"));
            return (!names.is_empty()).then_some((Vec::new(), help));
        };
        let help = format!("move it under `settings.{}`: `{key}` is a setting of {}", home.id, home.title);
        Some((to(&["settings", &home.id, key]), help))
    }

    /// What exists, but not for this pair: what to say at the place, and what to do.
    fn not_offered(&self, kind: &str, key: &str, depth: &[&str]) -> Option<(String, String)> {
        let pair = self.words.pair?;
        match (kind, depth) {
            ("flow", _) => {
                let flows: Vec<String> = pair.flows.iter().map(|flow| format!("`{}`", flow.id)).collect();
                let flows = crate::diagnostic::list_words(&flows, "and");
                let label = format!("not a flow of {}", pair.title);
                Some((label, format!("take it away; the flows of this pair are {flows}")))
            }
            ("connector", _) => {
                let label = format!("not a connector of {}", pair.title);
                let help = format!(
                    "take it away; this pair joins `{}` ({}) and `{}` ({})",
                    pair.shop.id, pair.shop.title, pair.erp.id, pair.erp.title
                );
                Some((label, help))
            }
            ("key", ["connectors", connector]) => {
                let connector = pair.connector(connector)?;
                connector.description.pointer(&format!("/connection/properties/{}", escape(key)))?;
                let label = "a field of a connection".to_owned();
                Some((
                    label,
                    format!("move it into a connection: `connections: {{production: {{{key}: …}}}}`"),
                ))
            }
            ("setting", ["settings", category]) => {
                let owners = parts::owners_of(category, key)?;
                let label = match owners.as_slice() {
                    [] => format!("{} does not have this setting", pair.title),
                    owners => {
                        format!("a setting for {} alone", crate::diagnostic::list_words(owners, "and"))
                    }
                };
                Some((label, format!("take it away; it has no meaning for {}", pair.title)))
            }
            _ => None,
        }
    }

    fn unfit_key(&self, place: &Place<'_>, inner: &ValidationError<'_>) -> Option<Finding> {
        let key = inner.instance().as_str()?.to_owned();
        let entry = place.node.as_map()?.get(&key)?;
        let holder = self.names_schema(place, inner);
        if let Some(refusal) = Refusal::of(holder, &key) {
            let finding = codes::unfit_key(&key, refusal.why, entry.key.span);
            let meant = refusal.meant.filter(|meant| place.node.get(meant).is_none());
            let otherwise = match refusal.meant {
                Some(meant) => format!("move its rows to `{meant}`, which is there already"),
                None => format!("take `{key}` away"),
            };
            return Some(refused(finding, meant, entry.key.span, otherwise));
        }
        let said = holder.map_or("", |holder| text(holder, "x-message"));
        let written = if place.quotable { key.as_str() } else { "" };
        let near = holder.and_then(|holder| {
            let options = holder.get("enum").and_then(Json::as_array).into_iter().flatten();
            let near = nearest(&key, options.filter_map(Json::as_str)).map(str::to_owned);
            mend::mend(&key, holder).or(near)
        });
        let why = if said.is_empty() { "keys have another form here" } else { said };
        let finding = codes::unfit_key(written, why, entry.key.span);
        Some(match (near, holder.and_then(mend::example)) {
            (Some(near), _) => {
                let quoted = if near.bytes().all(|b| b.is_ascii_digit() || b == b'.') {
                    format!("\"{near}\"")
                } else {
                    near
                };
                finding.help(format!("write `{quoted}`"))
            }
            (None, Some(example)) => finding.help(format!("write a key such as `{example}`")),
            (None, None) => finding.help("rename the key"),
        })
    }

    /// The schema that judges the keys of a map.
    fn names_schema<'p>(&'p self, place: &Place<'p>, inner: &ValidationError<'_>) -> Option<&'p Json> {
        self.holder(inner).1.or_else(|| place.holder.and_then(|holder| holder.get("propertyNames")))
    }

    /// A key that none of the alternatives knows beside one that is missing is one slip, not two.
    fn misnamed_alternative(&self, place: &Place<'_>, pointer: &str, moves: &mut Vec<Move>) -> bool {
        let (Some(map), Some(holder)) = (place.node.as_map(), place.holder) else { return false };
        let path = segments(pointer);
        if !matches!(path.first().map(String::as_str), Some("schedules" | "webhooks")) {
            return false;
        }
        let properties = holder.get("properties").and_then(Json::as_object);
        let unknown: Vec<&str> = map
            .entries()
            .iter()
            .map(|entry| &*entry.key.text)
            .filter(|key| properties.is_some_and(|known| !known.contains_key(*key)))
            .collect();
        let groups = required_groups(holder);
        let [unknown] = unknown[..] else { return false };
        if groups.iter().flatten().any(|key| map.get(key).is_some()) {
            return false;
        }
        let fits = |key: &&str| {
            let schema = properties.and_then(|known| known.get(*key));
            let value = map.get(unknown).map(|entry| entry.value.to_json());
            schema.zip(value).is_some_and(|(schema, value)| {
                jsonschema::options().build(schema).is_ok_and(|validator| validator.is_valid(&value))
            })
        };
        let Some(near) = groups.iter().flatten().copied().find(|key| fits(key)) else { return false };
        let Some(entry) = map.get(unknown) else { return false };
        let finding = codes::unknown_key("key", unknown, &self.container(pointer), entry.key.span)
            .help(format!("write `{near}`"))
            .about(about(self.words.integration, &format!("{pointer}/{}", escape(unknown))));
        let finding =
            Finding { primary: Label::new(entry.key.span, format!("did you mean `{near}`?")), ..finding };
        let with = |key: &str| path.iter().cloned().chain([key.to_owned()]).collect();
        moves.push(Move { from: with(unknown), to: with(near), finding });
        true
    }

    /// None, or more than one, of the alternatives that a schema offers.
    fn alternatives(&self, kind: &Kind, place: &Place<'_>, pointer: &str) -> Finding {
        let said = place.holder.map_or("", |holder| text(holder, "x-message"));
        let groups = place.holder.map(required_groups).unwrap_or_default();
        let words: Vec<String> = groups
            .iter()
            .map(|group| {
                let keys: Vec<String> = group.iter().map(|key| format!("`{key}`")).collect();
                crate::diagnostic::list_words(&keys, "and")
            })
            .collect();
        let several = matches!(kind, Kind::OneOfMultipleValid { .. });
        let what = if several { "has keys that exclude each other" } else { "is incomplete" };
        let named = !words.is_empty() && place.node.as_map().is_some();
        if !named {
            let why = match (said, several) {
                ("", true) => "it has more than one of the forms of which it may have one",
                ("", false) => "not one of the allowed values",
                (said, _) => said,
            };
            let value = place.quotable.then(|| quoted(place.node)).flatten();
            let finding = if place.node.as_map().is_some() {
                codes::unfit_combination(
                    &format!("{} does not fit together", self.subject(pointer)),
                    why,
                    place.key,
                )
            } else if let Some(choices) = self.choices(place) {
                return codes::value_not_allowed(&place.name, value.as_deref(), why, place.node.span)
                    .help(choices);
            } else {
                codes::unfit_value(&place.name, value.as_deref(), why, place.node.span)
            };
            return finding.help(fallback(place));
        }
        let why = match said {
            "" if several => "may have one of them",
            "" => "needs one of them",
            said => said,
        };
        let finding = codes::unfit_combination(&format!("{} {what}", self.subject(pointer)), why, place.key);
        let list = words.join(", or ");
        finding.help(if several {
            format!("keep one of {}, and take the rest away", crate::diagnostic::list_words(&words, "and"))
        } else {
            format!("add {list}")
        })
    }

    /// The values that alternatives name, the nearest first.
    fn choices(&self, place: &Place<'_>) -> Option<String> {
        let branches = ["anyOf", "oneOf"].iter().find_map(|key| place.holder?.get(*key)?.as_array())?;
        let values: Vec<&str> = branches
            .iter()
            .filter_map(|branch| branch.get("enum")?.as_array())
            .flatten()
            .filter_map(Json::as_str)
            .collect();
        let near = place.node.as_text().and_then(|written| nearest(written, values.iter().copied()));
        match near {
            Some(near) => Some(format!("write `{near}`")),
            None if values.is_empty() => None,
            None => {
                let shown: Vec<String> = values.iter().map(|value| format!("`{value}`")).collect();
                Some(format!("write one of {}", shortened(&shown)))
            }
        }
    }

    /// What to write for a key that is missing.
    fn how_to_add(&self, place: &Place<'_>, key: &str, pointer: &str) -> String {
        let schema = place.holder.and_then(|holder| holder.get("properties")?.get(key));
        let Some(schema) = schema.map(|schema| followed(schema, place.document)) else {
            return format!("add `{key}:`");
        };
        if schema.get("x-secret").is_some() {
            let variable = self.variable(&format!("{pointer}/{key}"));
            return format!("add `{key}: {{secret: env/{variable}}}`");
        }
        let options: Vec<String> = schema
            .get("enum")
            .and_then(Json::as_array)
            .into_iter()
            .flatten()
            .filter_map(Json::as_str)
            .map(|value| format!("`{value}`"))
            .collect();
        match (options.as_slice(), mend::example(schema), schema.get("const")) {
            ([], _, Some(only)) => format!("add `{key}: {only}`"),
            ([], Some(example), _) => format!("add `{key}:`, for example `{key}: {example}`"),
            ([], None, _) => {
                let said = text(schema, "description");
                let title = said.split_once(". ").map_or(said, |(first, _)| first).trim_end_matches('.');
                if title.is_empty() {
                    format!("add `{key}:`")
                } else {
                    format!("add `{key}:` ({})", lower(title))
                }
            }
            (options, _, _) => format!("add `{key}:` with one of {}", shortened(options)),
        }
    }

    /// The name of an environment variable for a credential: integration, connector and field.
    fn variable(&self, pointer: &str) -> String {
        let path = segments(pointer);
        let path: Vec<&str> = path.iter().map(String::as_str).collect();
        let words = match path[..] {
            ["connectors", connector, "connections", _, field, ..] => vec![connector, field],
            ["webhooks", webhook, field, ..] => vec![webhook, field],
            _ => path.last().copied().into_iter().collect(),
        };
        let words = self.words.integration.into_iter().chain(words).collect::<Vec<_>>().join("_");
        let upper = |c: char| if c.is_ascii_alphanumeric() { c.to_ascii_uppercase() } else { '_' };
        words.chars().map(upper).collect()
    }

    /// A credential that is no reference: nothing, the bare reference, or the credential itself.
    fn literal(&self, place: &Place<'_>) -> Finding {
        let name = place.name.rsplit('.').next().unwrap_or(&place.name);
        let variable = self.variable(&self.pointer_of(place));
        let help = format!("write `{name}: {{secret: env/{variable}}}`");
        match &place.node.kind {
            yaml::Kind::Null => codes::wrong_type(name, "a credential", "empty", place.key).help(help),
            yaml::Kind::Text(text) if ["env/", "file/"].iter().any(|scheme| text.starts_with(scheme)) => {
                codes::wrong_type(name, "a credential", "a reference without braces", place.node.span)
                    .help("put it in braces: `{secret: env/NAME}` or `{secret: file/PATH}`")
            }
            _ => codes::literal_credential(name, &variable, place.node.span),
        }
    }

    fn pointer_of(&self, place: &Place<'_>) -> String {
        let category = place.about.category.as_deref().unwrap_or_default();
        let path = place.about.setting.as_deref().and_then(SettingPath::parse).unwrap_or_default();
        let keys: Vec<String> = path.segments().iter().map(|key| escape(key)).collect();
        format!("/{category}/{}", keys.join("/"))
    }

    /// A credential's map without `secret`: what stands there in its place has its own finding.
    fn no_reference(&self, place: &Place<'_>) -> Vec<Finding> {
        let others = place.node.as_map().into_iter().flat_map(|map| map.entries());
        if others.into_iter().any(|entry| &*entry.key.text != "fingerprint") {
            return Vec::new();
        }
        let name = place.name.rsplit('.').next().unwrap_or(&place.name);
        let help = format!("write `{name}: {{secret: env/{}}}`", self.variable(&self.pointer_of(place)));
        vec![codes::wrong_type(name, "a credential", "empty", place.key).help(help)]
    }

    /// What to call the map at a pointer: "Payment Methods", "the rule `orders`".
    fn container(&self, pointer: &str) -> String {
        let segments = segments(pointer);
        let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
        let title = |id: &str| {
            let category = self.words.pair.and_then(|pair| pair.category(id));
            category.map_or_else(|| format!("`{id}`"), |category| category.title.to_string())
        };
        match segments[..] {
            [] if self.words.integration.is_some() => "the integration".to_owned(),
            [] => self.words.document.unwrap_or("the document").to_owned(),
            [.., list, last] if self.words.pair.is_none() && last.bytes().all(|b| b.is_ascii_digit()) => {
                format!("an item of `{list}`")
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

    /// The container, to begin a sentence about a row of a mapping.
    fn subject(&self, pointer: &str) -> String {
        self.container(pointer)
    }
}

/// The known key that was meant: near in spelling, the title of one, or part of its name.
fn meant<'a>(key: &str, known: &[(&'a str, &Json)]) -> Option<&'a str> {
    if let Some(near) = nearest(key, known.iter().map(|(known, _)| *known)) {
        return Some(near);
    }
    let titled = known.iter().find(|(_, schema)| text(schema, "title").eq_ignore_ascii_case(key.trim()));
    if let Some((titled, _)) = titled {
        return Some(titled);
    }
    let fold = |word: &str| word.to_lowercase().replace([' ', '-'], "_");
    let (folded, tokens) = (fold(key), |word: &str| word.split('_').map(str::to_owned).collect::<Vec<_>>());
    let words = tokens(&folded);
    let alike = |a: &str, b: &str| {
        let (short, long) = if a.len() <= b.len() { (a, b) } else { (b, a) };
        short.len() >= 3
            && (long.starts_with(short) || strsim::osa_distance(a, b) <= usize::from(a.len() > 4))
    };
    let mut found = known.iter().map(|(known, _)| *known).filter(|known| {
        let others = tokens(known);
        let (few, many) = if words.len() <= others.len() { (&words, &others) } else { (&others, &words) };
        // A word in common is not enough: every word of the shorter name must be found.
        few.iter().all(|word| many.iter().any(|other| alike(word, other))) && few.len() + 1 >= many.len()
    });
    let first = found.next()?;
    found.next().is_none().then_some(first)
}

/// The keys that each alternative of a schema requires.
fn required_groups(holder: &Json) -> Vec<Vec<&str>> {
    let branches = ["anyOf", "oneOf"].iter().find_map(|key| holder.get(*key)?.as_array());
    branches
        .into_iter()
        .flatten()
        .filter_map(|branch| branch.get("required")?.as_array())
        .map(|keys| keys.iter().filter_map(Json::as_str).collect())
        .collect()
}

fn with_about(mut finding: Finding, about: &About) -> Finding {
    if finding.about == About::default() {
        finding.about = about.clone();
    }
    finding
}

fn is_credential(place: &Place<'_>) -> bool {
    place.holder.is_some_and(|holder| holder.get("x-secret").is_some())
}

/// The `secret` of a credential.
fn is_reference(place: &Place<'_>) -> bool {
    place.holder.is_some_and(|holder| text(holder, "pattern") == super::link::REFERENCE)
}

/// A reference that names neither a variable nor a file; it may be the credential itself, so it is not quoted.
fn no_source(place: &Place<'_>, pointer: &str) -> Finding {
    let path = segments(pointer);
    let field = path.iter().rev().nth(1).map_or("secret", String::as_str);
    codes::unfit_reference(field, place.node.span)
}

fn lower(sentence: &str) -> String {
    let mut chars = sentence.chars();
    chars.next().map_or_else(String::new, |first| first.to_lowercase().chain(chars).collect())
}

/// The least and the most that a number may be, in words.
fn range(schema: Option<&Json>) -> Option<String> {
    let bound = |key: &str| schema?.get(key).map(ToString::to_string);
    match (bound("minimum"), bound("maximum")) {
        (Some(least), Some(most)) => Some(format!("from {least} to {most}")),
        (Some(least), None) => Some(format!("of at least {least}")),
        (None, Some(most)) => Some(format!("of at most {most}")),
        (None, None) => None,
    }
}

/// What to do about a value that does not fit, when nothing better is known.
/// What a schema that is a reference to another within the built-in schemas stands for.
fn followed<'a>(schema: &'a Json, document: &'a Json) -> &'a Json {
    let Some((file, pointer)) = text(schema, "$ref").split_once('#') else { return schema };
    let document =
        if file.is_empty() { Some(document) } else { parts::meta_by_uri(&format!("{BUILT_IN}meta/{file}")) };
    document.and_then(|document| document.pointer(pointer)).unwrap_or(schema)
}

fn fallback(place: &Place<'_>) -> String {
    let Some(schema) = place.holder else { return format!("correct `{}`", place.name) };
    let written = place.node.as_text().filter(|_| place.quotable);
    if let Some(mended) = written.and_then(|written| mend::mend(written, schema)) {
        return format!("write {}", as_written(&mended, schema));
    }
    if let Some(example) = mend::example(schema) {
        return format!("write for example {}", as_written(&example, schema));
    }
    if let Some(range) = range(Some(schema)) {
        return format!("write a number {range}");
    }
    format!("correct `{}`, or take the line away", place.name)
}

/// Code that is a number needs no quotes; other digits do.
fn as_written(value: &str, schema: &Json) -> String {
    let digits = !value.is_empty() && value.bytes().all(|b| b.is_ascii_digit());
    let number = text(schema, "x-code") == "integer"
        || matches!(schema.get("type").and_then(Json::as_str), Some("integer" | "number"));
    if digits && !number { format!("`\"{value}\"`") } else { format!("`{value}`") }
}

fn value_finding(kind: &Kind, place: &Place<'_>) -> Finding {
    let said = place.holder.map_or("", |holder| text(holder, "x-message"));
    let value = place.quotable.then(|| quoted(place.node)).flatten();
    let value = value.as_deref();
    let name = place.name.as_str();
    let at = place.node.span;
    let written = place.node.as_text().filter(|_| place.quotable).unwrap_or_default();
    let unfit = |general: String, help: String| {
        let why = if said.is_empty() { general } else { said.to_owned() };
        codes::unfit_value(name, value, &why, at).help(help)
    };
    let within =
        || range(place.holder).map_or_else(|| fallback(place), |range| format!("write a number {range}"));
    match kind {
        Kind::Type { kind } => wrong_type(kind, place),
        Kind::Enum { options } => {
            not_one_of(options.as_array().map_or(&[], Vec::as_slice), place, value, said)
        }
        Kind::Constant { expected_value } => {
            not_one_of(std::slice::from_ref(expected_value.as_ref()), place, value, said)
        }
        Kind::Pattern { pattern } if pattern == "^[0-9]+$" => {
            unfit("this is not a number".to_owned(), fallback(place))
        }
        Kind::Pattern { pattern } if said.is_empty() && place.holder.and_then(mend::example).is_none() => {
            unfit(
                "this does not have the form that is needed".to_owned(),
                format!("write it so that it fits `{pattern}`"),
            )
        }
        Kind::Pattern { .. } => {
            unfit("this does not have the form that is needed".to_owned(), fallback(place))
        }
        Kind::Format { format } if format == "date" => unfit(form(format), mend::date(written)),
        Kind::Format { format } => unfit(form(format), fallback(place)),
        Kind::Minimum { limit } => unfit(format!("the least is {limit}"), within()),
        Kind::Maximum { limit } => unfit(format!("the most is {limit}"), within()),
        Kind::ExclusiveMinimum { limit } => {
            unfit(format!("must be more than {limit}"), format!("write a number above {limit}"))
        }
        Kind::ExclusiveMaximum { limit } => {
            unfit(format!("must be less than {limit}"), format!("write a number below {limit}"))
        }
        Kind::MultipleOf { multiple_of } => unfit(
            format!("must be a multiple of {multiple_of}"),
            format!("write a multiple of {multiple_of}"),
        ),
        Kind::MinLength { limit: 1 } => {
            let what = if is_item(place) { "take it out of the list" } else { "take the line away" };
            codes::empty_text(name, at).help(format!("write what is meant, or {what}"))
        }
        Kind::MinLength { limit } => {
            unfit(format!("has at least {limit} characters"), format!("write at least {limit} characters"))
        }
        Kind::MaxLength { limit } => {
            unfit(format!("has at most {limit} characters"), format!("shorten it to {limit} characters"))
        }
        Kind::MinItems { limit: 1 } | Kind::MinProperties { limit: 1 } => {
            let rows = if matches!(kind, Kind::MinItems { .. }) { "value" } else { "row" };
            let required = |key: &str| place.holder.is_some_and(|holder| holder.get(key).is_some());
            let or_not = if required("x-required") || required("x-required-unless") {
                ""
            } else {
                ", or take the line away"
            };
            codes::unfit_list(name, "is empty", at).help(format!("write at least one {rows}{or_not}"))
        }
        Kind::MinItems { limit } | Kind::MinProperties { limit } => {
            codes::unfit_list(name, &format!("has fewer than {limit} entries"), at)
                .help(format!("write at least {limit}"))
        }
        Kind::MaxItems { limit } | Kind::MaxProperties { limit } => {
            codes::unfit_list(name, &format!("has more than {limit} entries"), at)
                .help(format!("keep at most {limit}"))
        }
        Kind::UniqueItems => repeated(place),
        Kind::Contains => codes::unfit_list(name, "lacks an item that it must have", at).help("add the item"),
        Kind::AdditionalItems { .. } | Kind::UnevaluatedItems { .. } => {
            codes::unfit_list(name, "has more items than are known", at).help("take the last items away")
        }
        Kind::FalseSchema => codes::unfit_combination(
            &format!("`{name}` may not stand here"),
            if said.is_empty() { "nothing may stand here" } else { said },
            place.key,
        )
        .help("take it away"),
        Kind::Not { .. } => unfit("exactly this is not allowed".to_owned(), fallback(place)),
        other => unfit(format!("the rule `{}` does not hold", other.keyword()), fallback(place)),
    }
}

/// The caret of a list item stands under the item, and its name is the list's.
fn is_item(place: &Place<'_>) -> bool {
    place.key.end <= place.node.span.start && place.node.span.start - place.key.end > 2
}

/// The item that a list holds twice, where both stand.
fn repeated(place: &Place<'_>) -> Finding {
    let items = place.node.as_list().unwrap_or_default();
    let values: Vec<Json> = items.iter().map(Node::to_json).collect();
    let pair = values.iter().enumerate().find_map(|(at, value)| {
        let first = values[..at].iter().position(|other| other == value)?;
        Some((items.get(first)?, items.get(at)?))
    });
    let Some((first, again)) = pair else {
        return codes::unfit_list(&place.name, "has the same item more than once", place.node.span)
            .help("take one of them away");
    };
    codes::unfit_list(&place.name, "has the same item more than once", again.span)
        .related(first.span, "it stands here already")
        .help("take one of them away")
}

/// "a list", "empty".
fn kind_words(node: &Node) -> &'static str {
    match node.kind {
        yaml::Kind::Null | yaml::Kind::Hole => "empty",
        yaml::Kind::Bool(true) => "`true`",
        yaml::Kind::Bool(false) => "`false`",
        yaml::Kind::Number(_) => "a number",
        yaml::Kind::Text(_) => "a text",
        yaml::Kind::List(_) => "a list",
        yaml::Kind::Map(_) => "a map",
    }
}

fn wrong_type(kind: &TypeKind, place: &Place<'_>) -> Finding {
    let types: Vec<&str> = match kind {
        TypeKind::Single(one) => vec![one.as_str()],
        TypeKind::Multiple(many) => many.into_iter().map(|one| one.as_str()).collect(),
    };
    let wanted: Vec<&str> = types.iter().copied().filter(|kind| *kind != "null").collect();
    let is_date = place.holder.is_some_and(|holder| text(holder, "format") == "date");
    // "A text" alone says little of an interval or a percentage.
    let as_example = place
        .holder
        .filter(|holder| holder.get("pattern").is_some())
        .and_then(mend::example)
        .map(|example| format!("a text such as `{example}`"));
    let expected = match wanted[..] {
        ["boolean"] => "a toggle, `true` or `false`",
        ["string"] if is_date => "a date",
        ["string"] => match &as_example {
            Some(example) => example,
            None => "a text",
        },
        ["integer"] => "a whole number",
        ["number"] => "a number",
        ["array"] => "a list",
        ["object"] => "a map of keys and values",
        ["integer" | "number", "string"] | ["string", "integer" | "number"] => "a code, a number or a text",
        [] => "nothing",
        _ => "of another type",
    };
    let found = match &place.node.kind {
        yaml::Kind::Text(value) if place.quotable && value.len() <= 40 => format!("the text `{value}`"),
        yaml::Kind::Number(value) if place.quotable => format!("the number {value}"),
        _ => kind_words(place.node).to_owned(),
    };
    // Nothing has no place of its own.
    let at = if place.node.span.start == place.node.span.end { place.key } else { place.node.span };
    let finding = codes::wrong_type(&place.name, expected, &found, at);
    let help = instead(&wanted, is_date, place);
    match (&wanted[..], &place.node.kind) {
        (["boolean"], _) => {
            let meant = toggle(place.node).filter(|_| place.quotable);
            let finding = finding.help(help);
            match meant {
                Some(meant) => finding.fix(format!("write `{meant}`"), place.node.span, meant.to_string()),
                None => finding,
            }
        }
        (["integer" | "number"], yaml::Kind::Text(value))
            if place.quotable && value.parse::<f64>().is_ok() =>
        {
            finding.help(help).fix("take the quotes away", place.node.span, value.to_string())
        }
        _ => finding.help(help),
    }
}

/// The toggle that a word or a number stands for.
fn toggle(node: &Node) -> Option<bool> {
    match &node.kind {
        yaml::Kind::Text(word) => match word.trim().to_lowercase().as_str() {
            "yes" | "on" | "y" | "ja" | "true" | "1" | "enabled" | "sant" => Some(true),
            "no" | "off" | "n" | "nej" | "nei" | "false" | "0" | "disabled" | "falskt" => Some(false),
            _ => None,
        },
        yaml::Kind::Number(number) => match &**number {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        },
        _ => None,
    }
}

fn is_quoted(node: &Node) -> bool {
    node.as_text().is_some_and(|text| node.span.range().len() == text.len() + 2)
}

/// What to write in place of a value of the wrong type.
fn instead(wanted: &[&str], is_date: bool, place: &Place<'_>) -> String {
    let node = place.node;
    let written = match &node.kind {
        yaml::Kind::Text(text) | yaml::Kind::Number(text) if place.quotable => Some(&**text),
        _ => None,
    };
    match wanted {
        ["boolean"] => match toggle(node) {
            Some(meant) if is_quoted(node) => format!("write `{meant}`, without quotes"),
            Some(meant) => format!("write `{meant}`"),
            None => "write `true` or `false`".to_owned(),
        },
        ["string"] if is_date => mend::date(written.unwrap_or_default()),
        ["string"] => text_instead(place, written),
        ["integer" | "number"] => {
            let number = written.and_then(|written| mend::number(written, *wanted == ["integer"]));
            let range = range(place.holder).map(|range| format!(" {range}")).unwrap_or_default();
            match (number, wanted) {
                (Some(number), _) if node.as_text().is_some() => format!("write `{number}`"),
                (_, ["integer"]) => format!("write a whole number{range}"),
                _ => format!("write a number{range}"),
            }
        }
        ["array"] => match written {
            Some(value) if node.as_text().is_some() => {
                let items: Vec<&str> =
                    value.split([',', ';']).map(str::trim).filter(|s| !s.is_empty()).collect();
                format!("write `[{}]`", items.join(", "))
            }
            _ => "write a list such as `[a, b]`".to_owned(),
        },
        ["object"] => map_instead(place),
        _ => match node.as_list() {
            Some([one]) => match quoted(one).filter(|_| place.quotable) {
                Some(value) => format!("write {value}, without brackets"),
                None => "write one value, without brackets".to_owned(),
            },
            _ => "write the code alone".to_owned(),
        },
    }
}

fn text_instead(place: &Place<'_>, written: Option<&str>) -> String {
    match &place.node.kind {
        yaml::Kind::Null => match place.holder.and_then(mend::example) {
            Some(example) => format!("write a text, for example `{example}`"),
            None => "write a text after the colon".to_owned(),
        },
        yaml::Kind::Number(_) | yaml::Kind::Bool(_) => {
            let holder = place.holder.unwrap_or(&Json::Null);
            let pattern = holder.get("pattern").is_some();
            match (written, mend::example(holder)) {
                (Some(written), example) => {
                    if pattern && mend::refuses(written, holder) {
                        let mended = mend::mend(written, holder).or(example);
                        return mended.map_or_else(
                            || fallback(place),
                            |mended| format!("write for example `{mended}`"),
                        );
                    }
                    format!("put it in quotes: `\"{written}\"`")
                }
                _ => "put it in quotes".to_owned(),
            }
        }
        yaml::Kind::List(items) => match items.as_slice() {
            [one] => match quoted(one).filter(|_| place.quotable) {
                Some(value) => format!("write {value}, without brackets"),
                None => "write one text, without brackets".to_owned(),
            },
            _ => "write one text; a list is not possible here".to_owned(),
        },
        _ => "write one text".to_owned(),
    }
}

/// What to write where a map is needed.
fn map_instead(place: &Place<'_>) -> String {
    let holder = place.holder;
    let dashes = place
        .node
        .as_list()
        .is_some_and(|items| !items.is_empty() && items.iter().all(|item| item.as_map().is_some()));
    let properties = holder.and_then(|holder| holder.get("properties")).and_then(Json::as_object);
    let rows = holder.and_then(|holder| holder.get("additionalProperties")).filter(|rows| rows.is_object());
    if dashes && rows.is_some_and(|rows| rows.get("properties").is_none()) {
        return "take the dashes away, so that each line is `key: value`".to_owned();
    }
    if rows.is_some() {
        return match place.about.category.as_deref().filter(|_| place.about.setting.is_none()) {
            Some("schedules" | "webhooks") => {
                "give each one a name as its key, such as `orders: {flow: orders, …}`".to_owned()
            }
            _ => "write a line `key: value` for each row, indented below it".to_owned(),
        };
    }
    let required: Vec<&str> = holder
        .and_then(|holder| holder.get("required")?.as_array())
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    if !required.is_empty() {
        let groups = holder.map(required_groups).unwrap_or_default();
        let keys: Vec<String> = required
            .iter()
            .chain(groups.first().into_iter().flatten())
            .map(|key| format!("{key}: …"))
            .collect();
        return format!("write `{{{}}}`", keys.join(", "));
    }
    match properties.map(|properties| properties.keys().map(|key| format!("`{key}:`")).collect::<Vec<_>>()) {
        Some(keys) if !keys.is_empty() => {
            format!("write its keys below it, each with a value: {}", shortened(&keys))
        }
        _ => "write `key: value` lines, indented below it".to_owned(),
    }
}

/// What a schema says of a value or key that people write and that cannot stand there.
struct Refusal<'a> {
    why: &'a str,
    /// What they mean, where that is certain.
    meant: Option<&'a str>,
}

impl<'a> Refusal<'a> {
    fn of(holder: Option<&'a Json>, written: &str) -> Option<Self> {
        let said = |keyword: &str| holder?.get(keyword)?.get(written)?.as_str();
        Some(Refusal { why: said("x-refusals")?, meant: said("x-aliases") })
    }
}

fn refused(finding: Finding, meant: Option<&str>, at: Span, otherwise: String) -> Finding {
    match meant {
        Some(meant) => finding.help(format!("write `{meant}`")).fix(format!("write `{meant}`"), at, meant),
        None => finding.help(otherwise),
    }
}

fn not_one_of(options: &[Json], place: &Place<'_>, value: Option<&str>, said: &str) -> Finding {
    let texts: Vec<&str> = options.iter().filter_map(Json::as_str).collect();
    let labels = place.holder.and_then(|holder| holder.get("x-labels"));
    let shown: Vec<String> = options
        .iter()
        .filter(|option| !option.is_null())
        .map(|option| {
            let written = Value::from_json(option).to_string().replace('"', "");
            match labels.and_then(|labels| labels.get(&written)?.as_str()) {
                Some(label) if options.len() <= 10 => format!("`{written}` ({label})"),
                _ => format!("`{written}`"),
            }
        })
        .collect();
    let at = place.node.span;
    if let Some(items) = place.node.as_list() {
        let one = items.first().filter(|_| items.len() == 1 && place.quotable).and_then(quoted);
        let help = match one {
            Some(one) => format!("write {one}, without brackets"),
            None => codes::one_of(&shown),
        };
        return codes::wrong_type(&place.name, "one value", "a list", at).help(help);
    }
    if place.node.as_map().is_some() {
        return codes::wrong_type(&place.name, "one value", "a map", at).help(codes::one_of(&shown));
    }
    let written = place.node.as_text().unwrap_or_default();
    if let Some(refusal) = Refusal::of(place.holder, written) {
        let finding = codes::value_not_allowed(&place.name, value, refusal.why, at);
        return refused(finding, refusal.meant, at, codes::one_of(&shown));
    }
    let mended = place.holder.and_then(|holder| mend::mend(written, holder));
    let near = mended.or_else(|| nearest(written, texts.iter().copied()).map(str::to_owned));
    let near = near.filter(|_| !written.is_empty());
    let why = match &near {
        Some(near) => format!("did you mean `{near}`?"),
        None if said.is_empty() => "not one of the allowed values".to_owned(),
        None => said.to_owned(),
    };
    let finding = codes::value_not_allowed(&place.name, value, &why, at);
    if let Some(option) = options.iter().find(|option| !option.is_string() && format!("{option}") == written)
    {
        return finding.help(format!("write `{option}`, without quotes"));
    }
    let Some(near) = near else { return finding.help(codes::one_of(&shown)) };
    let mut finding = finding.help(if (2..=10).contains(&shown.len()) {
        format!("write `{near}`; allowed are {}", crate::diagnostic::list_words(&shown, "and"))
    } else {
        format!("write `{near}`")
    });
    finding.fix = Some(crate::diagnostic::Fix {
        message: format!("write `{near}`"),
        edits: vec![crate::diagnostic::Edit { span: at, text: near }],
        safe: false,
    });
    finding
}

/// A scalar as it would be shown, short; nothing for lists and maps.
fn quoted(node: &Node) -> Option<String> {
    let value = match &node.kind {
        yaml::Kind::Null => Value::Null,
        yaml::Kind::Bool(on) => Value::Bool(*on),
        yaml::Kind::Number(number) => Value::Number(number.to_string()),
        yaml::Kind::Text(text) if text.chars().count() <= 60 => Value::Text(text.to_string()),
        _ => return None,
    };
    Some(value.to_string())
}

fn form(format: &str) -> String {
    match format {
        "date" => "a date is written YYYY-MM-DD, and must exist in the calendar".to_owned(),
        "email" => "this is not an e-mail address".to_owned(),
        "uri" => "this is not a full address such as https://example.com/".to_owned(),
        other => format!("this does not have the form of a {other}"),
    }
}

fn shortened(words: &[String]) -> String {
    const SHOWN: usize = 8;
    if words.len() <= SHOWN {
        return words.join(", ");
    }
    format!("{} and {} more", words[..SHOWN].join(", "), words.len() - SHOWN)
}

fn escape(key: &str) -> String {
    key.replace('~', "~0").replace('/', "~1")
}
