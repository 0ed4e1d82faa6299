//! A request and its answer, as data. How they travel is `client`'s.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use url::Url;

use super::fault::{Fault, FaultKind};
use crate::model::Hidden;

/// What is asked of a platform.
#[derive(Clone)]
pub struct Request {
    pub method: &'static str,
    /// Taken apart once, so that what is judged safe, what is signed and what is sent are one address.
    pub url: Url,
    pub headers: Vec<(String, Hidden<String>)>,
    pub body: Option<(&'static str, Hidden<Vec<u8>>)>,
}

impl Request {
    /// A query whose answer may be 200 and yet an error.
    #[must_use]
    pub fn is_graphql(&self) -> bool {
        self.body.as_ref().is_some_and(|(_, body)| body.starts_with(b"{\"query\":"))
    }
}

/// What it said.
#[derive(Debug)]
pub struct Answer {
    pub status: u16,
    /// By name in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: Vec<u8>,
}

impl Answer {
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(&name.to_ascii_lowercase()).map(|value| value.trim())
    }

    /// The body as JSON.
    ///
    /// # Errors
    /// When it is none.
    pub fn json(&self) -> Result<Json, Fault> {
        let body = self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(&self.body);
        serde_json::from_slice(body).map_err(|_| {
            let kind = self.header("content-type").unwrap_or("no type").split(';').next().unwrap_or_default();
            Fault::new(
                FaultKind::Unusable,
                format!("the answer is no JSON ({kind}, {} bytes)", self.body.len()),
            )
        })
    }
}
