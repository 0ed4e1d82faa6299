//! A connector's descriptor, as far as fetching reads it. The meta schema has judged it; what is absent has a default here.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Descriptor {
    pub title: String,
    pub base_url: Option<String>,
    /// Further addresses by the name that a fetch uses.
    pub base_urls: BTreeMap<String, String>,
    pub base_path: String,
    pub account: Option<String>,
    pub auth: Vec<Auth>,
    pub paging: Paging,
    pub rate_limit: Option<Rate>,
    pub errors: Errors,
    pub options: BTreeMap<String, OptionSet>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Auth {
    pub when: Vec<String>,
    pub token: Option<Token>,
    pub headers: BTreeMap<String, String>,
    pub basic: Option<Basic>,
    pub oauth1: Option<Oauth1>,
    /// Each request is signed in the platform's own way, which is not made here.
    pub signed: Option<String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Basic {
    pub user: String,
    pub password: String,
}

#[derive(Debug, Clone, Deserialize)]
pub struct Oauth1 {
    pub consumer_key: String,
    pub consumer_secret: String,
    pub token: String,
    pub token_secret: String,
}

/// The request that gets a token.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Token {
    pub method: Option<String>,
    pub url: String,
    pub headers: BTreeMap<String, String>,
    pub basic: Option<Basic>,
    pub form: Option<BTreeMap<String, String>>,
    pub json: Option<BTreeMap<String, String>>,
    pub query: BTreeMap<String, String>,
    pub value: Option<String>,
    pub rotates: Option<String>,
    pub rate_limit: Option<Rate>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Paging {
    pub style: Style,
    pub page: Option<String>,
    pub first: Option<u64>,
    pub offset: Option<String>,
    pub range: Option<String>,
    pub size: Option<String>,
    pub max: Option<u64>,
    pub pages: Option<String>,
    pub total: Option<String>,
    pub pages_header: Option<String>,
    pub next: Option<String>,
    #[serde(rename = "in")]
    pub place: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Style {
    Page,
    Offset,
    Cursor,
    Odata,
    Link,
    #[default]
    None,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Rate {
    pub requests: Option<u32>,
    pub points: Option<u32>,
    pub seconds: Option<u64>,
    pub burst: Option<u32>,
    pub concurrent: Option<u32>,
    pub per: String,
    pub max_query: Option<u32>,
    pub state: Option<String>,
    pub reset_header: Option<String>,
    pub remaining_header: Option<String>,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Errors {
    pub message: String,
    pub code: Option<String>,
    pub codes: BTreeMap<String, String>,
}

#[derive(Debug, Clone, Deserialize)]
pub struct OptionSet {
    pub title: String,
    pub value: CodeType,
    pub fetch: Option<Fetch>,
    /// Another set whose values can be chosen here too.
    pub also: Option<String>,
    /// Labels are names of people: they are not kept.
    #[serde(default)]
    pub personal: bool,
}

/// The platform's type of a code.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum CodeType {
    Text,
    Integer,
}

#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default)]
pub struct Fetch {
    /// The name of one of the further addresses, where it is not the usual one.
    pub base_url: Option<String>,
    pub get: Option<String>,
    pub post: Option<String>,
    pub graphql: Option<String>,
    /// Variables of the query, each with the connection's field that it takes.
    pub variables: BTreeMap<String, String>,
    pub params: Map<String, Json>,
    pub headers: BTreeMap<String, String>,
    pub body: Option<Json>,
    pub each: BTreeMap<String, String>,
    pub items: Option<Paths>,
    pub tree: Option<String>,
    pub value: Option<String>,
    pub label: Option<String>,
    pub active: Option<Flags>,
    pub inactive: Option<Flags>,
    pub keep: BTreeMap<String, String>,
    pub distinct: bool,
    pub cursor: Option<String>,
    pub paging: Option<String>,
}

/// One path, or several of which the first that exists is used.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Paths {
    One(String),
    Several(Vec<String>),
}

impl Paths {
    #[must_use]
    pub fn all(&self) -> &[String] {
        match self {
            Paths::One(path) => std::slice::from_ref(path),
            Paths::Several(paths) => paths,
        }
    }
}

/// One flag, or several of which one is enough to say that a value is not in use.
#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Flags {
    One(Flag),
    Several(Vec<Flag>),
}

impl Flags {
    #[must_use]
    pub fn all(&self) -> &[Flag] {
        match self {
            Flags::One(flag) => std::slice::from_ref(flag),
            Flags::Several(flags) => flags,
        }
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(untagged)]
pub enum Flag {
    Path(String),
    Values { path: String, is: Vec<Json> },
}

/// The name of a field that a text takes and that is not there.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("there is no `{0}`")]
pub struct Absent(pub String);

/// Puts fields into a text: `{name}` is what `field` says of `name`.
///
/// # Errors
/// The first field that is not there.
pub fn fill(template: &str, field: &dyn Fn(&str) -> Option<String>) -> Result<String, Absent> {
    let mut filled = String::with_capacity(template.len());
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        let Some((name, after)) = after.split_once('}') else { break };
        filled.push_str(before);
        filled.push_str(&field(name).ok_or_else(|| Absent(name.to_owned()))?);
        rest = after;
    }
    filled.push_str(rest);
    Ok(filled)
}

impl Auth {
    /// Every text that takes fields of the connection.
    #[must_use]
    pub fn templates(&self) -> Vec<&str> {
        let mut all: Vec<&str> = self.headers.values().map(String::as_str).collect();
        for basic in [self.basic.as_ref(), self.token.as_ref().and_then(|token| token.basic.as_ref())]
            .into_iter()
            .flatten()
        {
            all.extend([basic.user.as_str(), basic.password.as_str()]);
        }
        if let Some(oauth) = &self.oauth1 {
            all.extend([&*oauth.consumer_key, &*oauth.consumer_secret, &*oauth.token, &*oauth.token_secret]);
        }
        if let Some(token) = &self.token {
            all.push(&token.url);
            let maps = [Some(&token.headers), token.form.as_ref(), token.json.as_ref(), Some(&token.query)];
            all.extend(maps.into_iter().flatten().flat_map(|map| map.values().map(String::as_str)));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::schema::parts::{Catalogue, built_in};

    #[test]
    fn every_built_in_descriptor_is_understood() {
        for id in Catalogue::default().names("connectors") {
            let json = built_in(&format!("connectors/{id}.yaml"));
            let read = Descriptor::deserialize(&*json);
            let descriptor = read.unwrap_or_else(|error| panic!("{id}: {error}"));
            // No setting takes its values from a payment provider.
            let has_lists = !descriptor.options.is_empty() || json["side"] == "payment";
            assert!(!descriptor.auth.is_empty() && has_lists, "{id}");
        }
    }

    #[test]
    fn a_text_takes_its_fields() {
        let field = |name: &str| (name == "shop").then(|| "nordic".to_owned());
        assert_eq!(fill("https://{shop}.example.com", &field).as_deref(), Ok("https://nordic.example.com"));
        assert_eq!(fill("{tenant}", &field), Err(Absent("tenant".to_owned())));
    }
}
