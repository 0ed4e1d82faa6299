//! Ways to authenticate: which one a connection's fields allow, what each request carries, and the request that gets a token.

use std::collections::BTreeMap;

use crate::model::Hidden;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit as _, Mac as _};
use serde_json::Value as Json;
use sha2::Sha256;

use super::descriptor::{Absent, Auth, Basic, Descriptor, Oauth1, Token, fill};
use super::extract;
use crate::http::address::{self, encode, query};
use crate::http::{Fault, FaultKind, Request};
use crate::schema::fields_of;

/// The fields of a connection with their values, secrets among them.
#[derive(Default)]
pub struct Fields {
    values: BTreeMap<String, Hidden<String>>,
    /// Values that no message may hold.
    secrets: Vec<Hidden<String>>,
}

impl Fields {
    #[must_use]
    pub fn get(&self, name: &str) -> Option<String> {
        self.values.get(name).map(|value| value.to_string())
    }

    pub fn set(&mut self, name: &str, value: &str) {
        self.values.insert(name.to_owned(), Hidden::new(value.to_owned()));
    }

    pub fn set_secret(&mut self, name: &str, value: Hidden<String>) {
        self.secrets.push(value.clone());
        self.values.insert(name.to_owned(), value);
    }

    pub fn forget(&mut self, name: &str) {
        self.values.remove(name);
    }

    /// A text from the platform in which every secret is blotted out, on one short line.
    #[must_use]
    pub fn scrub(&self, text: &str) -> String {
        let mut clean = text.to_owned();
        for secret in self.secrets.iter().filter(|secret| secret.len() >= 4) {
            for written in [secret.to_string(), encode(secret), STANDARD.encode(secret.as_bytes())] {
                clean = clean.replace(&written, "…");
            }
        }
        extract::tidy(&clean)
    }
}

/// The first way whose fields are all given.
///
/// # Errors
/// When the connection's fields allow none.
pub fn way<'d>(descriptor: &'d Descriptor, connection: &BTreeMap<String, Json>) -> Result<&'d Auth, Fault> {
    let given = |name: &String| connection.get(name).is_some_and(|value| !value.is_null());
    descriptor.auth.iter().find(|auth| auth.when.iter().all(given)).ok_or_else(|| {
        let ways: Vec<String> =
            descriptor.auth.iter().map(|auth| format!("`{}`", auth.when.join("`, `"))).collect();
        Fault::new(
            FaultKind::Denied,
            format!("the connection has no credentials: it needs {}", ways.join(" or ")),
        )
    })
}

/// Reads the fields that a way and the addresses take.
///
/// # Errors
/// When a secret is not at hand.
pub fn fields(
    descriptor: &Descriptor,
    auth: &Auth,
    connection: &BTreeMap<String, Json>,
    secret: &dyn Fn(&str) -> Result<Hidden<String>, Fault>,
) -> Result<Fields, Fault> {
    let mut templates = auth.templates();
    templates.extend(descriptor.base_url.as_deref());
    templates.extend(descriptor.base_urls.values().map(String::as_str));
    templates.push(&descriptor.base_path);
    let mut names: Vec<&str> = templates.into_iter().flat_map(fields_of).collect();
    names.sort_unstable();
    names.dedup();
    let mut fields = Fields::default();
    for name in names {
        match connection.get(name) {
            Some(Json::String(text)) => fields.set(name, text),
            Some(Json::Number(number)) => fields.set(name, &number.to_string()),
            Some(Json::Object(reference)) => {
                let reference = reference.get("secret").and_then(Json::as_str).unwrap_or_default();
                let value = secret(reference)?;
                fields.set_secret(name, value);
            }
            _ => {}
        }
    }
    Ok(fields)
}

/// A connection lacks a field.
#[must_use]
pub fn lacking(Absent(name): Absent) -> Fault {
    Fault::new(FaultKind::Denied, format!("the connection has no `{name}`"))
}

fn filled(template: &str, fields: &Fields) -> Result<Hidden<String>, Fault> {
    let value = fill(template, &|name| fields.get(name));
    value.map(Hidden::new).map_err(lacking)
}

fn basic_header(basic: &Basic, fields: &Fields) -> Result<(String, Hidden<String>), Fault> {
    let pair =
        Hidden::new(format!("{}:{}", *filled(&basic.user, fields)?, *filled(&basic.password, fields)?));
    let value = Hidden::new(format!("Basic {}", STANDARD.encode(pair.as_bytes())));
    Ok(("authorization".to_owned(), value))
}

/// Puts on a request what the way asks for. `moment` is seconds since 1970, `nonce` something that was never used before.
///
/// # Errors
/// When the connection lacks a field, or the platform wants what cannot be made here.
pub fn authorize(
    request: &mut Request,
    auth: &Auth,
    fields: &Fields,
    moment: i64,
    nonce: &str,
) -> Result<(), Fault> {
    if auth.signed.is_some() {
        let why = "each request is signed in the platform's own way, so nothing is read from it here";
        return Err(Fault::new(FaultKind::Denied, why));
    }
    for (name, template) in &auth.headers {
        request.headers.push((name.to_ascii_lowercase(), filled(template, fields)?));
    }
    if let Some(basic) = &auth.basic {
        request.headers.push(basic_header(basic, fields)?);
    }
    if let Some(oauth) = &auth.oauth1 {
        let header = oauth1_header(request.method, request.url.as_str(), oauth, fields, moment, nonce)?;
        request.headers.push(("authorization".to_owned(), header));
    }
    Ok(())
}

/// The request that gets a token, from an address.
///
/// # Errors
/// When the connection lacks a field.
pub fn token_request(token: &Token, url: &str, fields: &Fields) -> Result<Request, Fault> {
    let pairs = |map: &BTreeMap<String, String>| -> Result<Vec<(String, String)>, Fault> {
        map.iter().map(|(name, value)| Ok((name.clone(), filled(value, fields)?.to_string()))).collect()
    };
    let mut at = url.to_owned();
    if !token.query.is_empty() {
        at = format!("{at}?{}", query(&pairs(&token.query)?));
    }
    let method = if token.method.as_deref() == Some("PUT") { "PUT" } else { "POST" };
    let mut request = Request { method, url: address::read(&at)?, headers: vec![accept()], body: None };
    for (name, value) in &token.headers {
        request.headers.push((name.to_ascii_lowercase(), filled(value, fields)?));
    }
    if let Some(basic) = &token.basic {
        request.headers.push(basic_header(basic, fields)?);
    }
    if let Some(form) = &token.form {
        let body = Hidden::new(query(&pairs(form)?).into_bytes());
        request.body = Some(("application/x-www-form-urlencoded", body));
    } else if let Some(json) = &token.json {
        let object: serde_json::Map<String, Json> =
            pairs(json)?.into_iter().map(|(name, value)| (name, value.into())).collect();
        request.body = Some(("application/json", Hidden::new(Json::Object(object).to_string().into_bytes())));
    }
    Ok(request)
}

#[must_use]
pub fn accept() -> (String, Hidden<String>) {
    ("accept".to_owned(), Hidden::new("application/json".to_owned()))
}

/// The Authorization header of a request signed by RFC 5849 with HMAC-SHA256, as Magento wants it.
fn oauth1_header(
    method: &str,
    url: &str,
    oauth: &Oauth1,
    fields: &Fields,
    moment: i64,
    nonce: &str,
) -> Result<Hidden<String>, Fault> {
    let (address, parameters) = url.split_once('?').unwrap_or((url, ""));
    let own = [
        ("oauth_consumer_key", filled(&oauth.consumer_key, fields)?.to_string()),
        ("oauth_nonce", nonce.to_owned()),
        ("oauth_signature_method", "HMAC-SHA256".to_owned()),
        ("oauth_timestamp", moment.to_string()),
        ("oauth_token", filled(&oauth.token, fields)?.to_string()),
        ("oauth_version", "1.0".to_owned()),
    ];
    // What stands in the address is encoded already, once, by us.
    let mut all: Vec<(String, String)> = parameters
        .split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| pair.split_once('=').unwrap_or((pair, "")))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    all.extend(own.iter().map(|(name, value)| ((*name).to_owned(), encode(value))));
    all.sort();
    let joined: Vec<String> = all.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let base = format!("{method}&{}&{}", encode(address), encode(&joined.join("&")));
    let key = Hidden::new(format!(
        "{}&{}",
        encode(&filled(&oauth.consumer_secret, fields)?),
        encode(&filled(&oauth.token_secret, fields)?)
    ));
    let mut mac = Hmac::<Sha256>::new_from_slice(key.as_bytes())
        .map_err(|_| Fault::new(FaultKind::Denied, "the request cannot be signed"))?;
    mac.update(base.as_bytes());
    let signature = STANDARD.encode(mac.finalize().into_bytes());
    let mut parts: Vec<String> =
        own.iter().map(|(name, value)| format!("{name}=\"{}\"", encode(value))).collect();
    parts.push(format!("oauth_signature=\"{}\"", encode(&signature)));
    Ok(Hidden::new(format!("OAuth {}", parts.join(", "))))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_survives_scrubbing() {
        let mut fields = Fields::default();
        fields.set_secret("token", Hidden::new("s3cr/et".into()));
        let said = fields.scrub("bad token s3cr/et (s3cr%2Fet, czNjci9ldA==)\nnext");
        assert_eq!(said, "bad token … (…, …) next");
    }

    #[test]
    fn no_request_goes_out_unsigned() {
        let auth = Auth { signed: Some("over the body".into()), ..Auth::default() };
        let url = address::read("https://pay.example.com/payouts").unwrap();
        let mut request = Request { method: "GET", url, headers: Vec::new(), body: None };
        let refused = authorize(&mut request, &auth, &Fields::default(), 0, "once");
        assert!(refused.is_err() && request.headers.is_empty());
    }

    #[test]
    fn a_signature_is_that_of_the_specification() {
        // RFC 5849, 1.2, with HMAC-SHA256; the signature was made with an independent implementation.
        let mut fields = Fields::default();
        for (name, value) in [
            ("ck", "dpf43f3p2l4k3l03"),
            ("cs", "kd94hf93k423kf44"),
            ("t", "nnch734d00sl2jdk"),
            ("ts", "pfkkdhi9sl3r4s00"),
        ] {
            fields.set_secret(name, Hidden::new(value.into()));
        }
        let oauth = Oauth1 {
            consumer_key: "{ck}".into(),
            consumer_secret: "{cs}".into(),
            token: "{t}".into(),
            token_secret: "{ts}".into(),
        };
        let url = "https://photos.example.net/photos?file=vacation.jpg&size=original";
        let header = oauth1_header("GET", url, &oauth, &fields, 137_131_202, "chapoH").unwrap();
        assert!(
            header.contains("oauth_signature=\"0C5POOIwkbw6WTDjZP05r7LlOIGtoQLr7Sq3%2FmKeOw0%3D\""),
            "{}",
            *header
        );
    }
}
