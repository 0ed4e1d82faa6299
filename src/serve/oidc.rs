//! Pipelines that say who they are by a token that their forge signed (OpenID Connect), as GitHub and GitLab give one to each job.
//! Whom to believe, and what that gives, is `ops::section::Pipeline`, which the policy file says. Nobody signs in here.
#![expect(clippy::disallowed_methods, reason = "measures how old something is")]

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use jiff::Timestamp;
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{ErrorKind, Result as JwtResult};
use jsonwebtoken::jwk::{Jwk, JwkSet, PublicKeyUse};
use jsonwebtoken::signature::{self, Verifier};
use jsonwebtoken::{Algorithm, DecodingKey, DecodingKeyKind, Validation};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, RSA_PKCS1_2048_8192_SHA256, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde_json::{Map, Value as Json};

use crate::http::Request;
use crate::http::client::Http;
use crate::ops::section::{Access, Pipeline};
use crate::store::Token;

/// A token is no longer than that.
const LONGEST: usize = 16 * 1024;
/// Clocks may differ by so many seconds.
const LEEWAY: i64 = 60;
/// So long an issuer's keys are believed to be its keys, and so long one is not asked again for a key that it does not have.
const KEPT: Duration = Duration::from_secs(3600);
const ASKED: Duration = Duration::from_secs(60);
/// So long an issuer is waited for, and so many bytes of its answer are read.
const SILENCE: Duration = Duration::from_secs(10);
const MOST: u64 = 256 * 1024;

/// Checks signatures as ring does, which TLS is made with anyway; it signs nothing.
static CRYPTO: CryptoProvider = CryptoProvider {
    signer_factory: |_, _| -> JwtResult<Box<dyn JwtSigner>> { Err(ErrorKind::InvalidAlgorithm.into()) },
    verifier_factory: |algorithm, key| -> JwtResult<Box<dyn JwtVerifier>> {
        Ok(Box::new(Signed { algorithm: *algorithm, key: key.clone() }))
    },
    key_utils: KeyUtils::new_unimplemented(),
};

struct Signed {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Verifier<Vec<u8>> for Signed {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), signature::Error> {
        let wrong = |_| signature::Error::new();
        match (self.algorithm, self.key.kind()) {
            (Algorithm::RS256, DecodingKeyKind::RsaModulusExponent { n, e }) => {
                RsaPublicKeyComponents { n, e }
                    .verify(&RSA_PKCS1_2048_8192_SHA256, message, signature)
                    .map_err(wrong)
            }
            (Algorithm::ES256, DecodingKeyKind::SecretOrDer(key)) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, key)
                    .verify(message, signature)
                    .map_err(wrong)
            }
            _ => Err(signature::Error::new()),
        }
    }
}

impl JwtVerifier for Signed {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

/// Why a pipeline's token gives nothing.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    #[error("the token is not one that an issuer signed whom this server believes")]
    Unknown,
    #[error("the token's `{0}` is not one that this server was told of")]
    Claim(String),
    #[error("the token is not in force: it is from {0} to {1}")]
    Time(String, String),
    #[error("the keys of {issuer} could not be had: {why}")]
    Unreachable { issuer: String, why: String },
    #[error("{0}")]
    Rule(String),
}

/// Whom a server believes, and the keys that were had.
#[derive(Debug)]
pub struct Pipelines {
    all: Vec<Pipeline>,
    http: Http,
    keys: Mutex<HashMap<String, Keys>>,
}

/// What an issuer answered, or why it did not.
#[derive(Debug)]
struct Keys {
    all: Result<JwkSet, String>,
    at: Instant,
}

/// What an issuer publishes of itself.
#[derive(Deserialize)]
struct Published {
    issuer: String,
    jwks_uri: String,
}

impl Pipelines {
    #[must_use]
    pub fn new(all: Vec<Pipeline>) -> Self {
        // Another part of this program may have done it; there is one of it.
        let _ = CRYPTO.install_default();
        Pipelines { all, http: Http::new(SILENCE, MOST), keys: Mutex::default() }
    }

    /// Whether a token may be a pipeline's: three parts, and somebody is believed.
    #[must_use]
    pub fn may_be_of_one(&self, token: &str) -> bool {
        !self.all.is_empty() && token.len() <= LONGEST && token.split('.').count() == 3
    }

    /// Who a pipeline is, and what it may.
    ///
    /// # Errors
    /// When its token is not signed, not in force, not for this server or of nobody whom it was told of.
    pub fn access(&self, token: &str, now: Timestamp) -> Result<Access, Refused> {
        let unsure: Map<String, Json> =
            jsonwebtoken::dangerous::insecure_decode_claims(token).map_err(|_| Refused::Unknown)?;
        let issuer = text(&unsure, "iss").ok_or(Refused::Unknown)?;
        if !self.all.iter().any(|pipeline| pipeline.issuer == issuer) {
            return Err(Refused::Unknown);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| Refused::Unknown)?;
        let id = header.kid.ok_or(Refused::Unknown)?;
        let key = self.key(issuer, &id)?.ok_or(Refused::Unknown)?;
        if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
            return Err(Refused::Unknown);
        }
        let mut wanted = Validation::new(header.alg);
        // Judged below: by the clock of the host, and by the rules.
        (wanted.validate_exp, wanted.validate_aud) = (false, false);
        let claims = jsonwebtoken::decode::<Map<String, Json>>(token, &key, &wanted);
        let claims = claims.map_err(|_| Refused::Unknown)?.claims;
        require_in_force(&claims, now)?;
        let mut wrong = None;
        for pipeline in self.all.iter().filter(|pipeline| pipeline.issuer == issuer) {
            match differing(pipeline, &claims) {
                None => return access(pipeline, &claims, now),
                Some(claim) => wrong = wrong.or(Some(claim)),
            }
        }
        Err(wrong.map_or(Refused::Unknown, Refused::Claim))
    }

    /// An issuer's key of this id.
    fn key(&self, issuer: &str, id: &str) -> Result<Option<DecodingKey>, Refused> {
        let mut known = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        let found = known.get(issuer).filter(|keys| keys.at.elapsed() < KEPT);
        let has = found.and_then(|keys| keys.all.as_ref().ok()?.find(id));
        if let Some(key) = has {
            return Ok(of_key(key));
        }
        // It may be a new one; strangers who name others do not make this server ask again and again.
        if found.is_none_or(|keys| keys.at.elapsed() >= ASKED) {
            known.insert(issuer.to_owned(), Keys { all: self.fetch(issuer), at: Instant::now() });
        }
        match known.get(issuer).map(|keys| &keys.all) {
            Some(Ok(keys)) => Ok(keys.find(id).and_then(of_key)),
            Some(Err(why)) => Err(Refused::Unreachable { issuer: issuer.to_owned(), why: why.clone() }),
            None => Ok(None),
        }
    }

    fn fetch(&self, issuer: &str) -> Result<JwkSet, String> {
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let published: Published = self.get(&address)?;
        let origin = |text: &str| url::Url::parse(text).ok().map(|url| url.origin());
        if published.issuer != issuer || origin(&published.jwks_uri) != origin(issuer) {
            return Err("what it publishes is of another issuer or host".to_owned());
        }
        self.get(&published.jwks_uri)
    }

    fn get<T: for<'a> Deserialize<'a>>(&self, address: &str) -> Result<T, String> {
        let url = url::Url::parse(address).map_err(|error| error.to_string())?;
        let request = Request { method: "GET", url, headers: Vec::new(), body: None };
        let answer = self.http.send(&request).map_err(|fault| fault.to_string())?;
        if answer.status != 200 {
            return Err(format!("it answered with {}", answer.status));
        }
        serde_json::from_slice(&answer.body).map_err(|_| "its answer is not what was asked for".to_owned())
    }
}

/// A key that signs; of another kind none.
fn of_key(key: &Jwk) -> Option<DecodingKey> {
    let signs = key.common.public_key_use.as_ref().is_none_or(|used| *used == PublicKeyUse::Signature);
    DecodingKey::from_jwk(key).ok().filter(|_| signs)
}

fn text<'a>(claims: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    claims.get(name).and_then(Json::as_str)
}

fn require_in_force(claims: &Map<String, Json>, now: Timestamp) -> Result<(), Refused> {
    let moment = |name: &str| claims.get(name).and_then(Json::as_i64);
    let told = |at: Option<i64>| {
        at.and_then(|at| Timestamp::from_second(at).ok()).map_or("?".to_owned(), |at| at.to_string())
    };
    let (from, until) = (moment("nbf").or(moment("iat")), moment("exp"));
    let has_begun = from.is_none_or(|from| from <= now.as_second().saturating_add(LEEWAY));
    let lasts = until.is_some_and(|until| until > now.as_second().saturating_sub(LEEWAY));
    if has_begun && lasts { Ok(()) } else { Err(Refused::Time(told(from), told(until))) }
}

/// The first claim that is not as a rule says.
fn differing(pipeline: &Pipeline, claims: &Map<String, Json>) -> Option<String> {
    let is_for = |audience: &Json| match audience {
        Json::Array(all) => all.iter().any(|one| one.as_str() == Some(&pipeline.audience)),
        one => one.as_str() == Some(&pipeline.audience),
    };
    if !claims.get("aud").is_some_and(is_for) {
        return Some("aud".to_owned());
    }
    if !text(claims, "sub").is_some_and(|subject| pipeline.is_subject(subject)) {
        return Some("sub".to_owned());
    }
    let differs = |(name, wanted): &(&String, &String)| match claims.get(*name) {
        Some(Json::String(said)) => said != *wanted,
        Some(other @ (Json::Bool(_) | Json::Number(_))) => {
            let said = other.to_string();
            said != **wanted
        }
        _ => true,
    };
    pipeline.claims.iter().find(differs).map(|(name, _)| name.clone())
}

fn access(pipeline: &Pipeline, claims: &Map<String, Json>, now: Timestamp) -> Result<Access, Refused> {
    let subject = text(claims, "sub").unwrap_or_default();
    // The person for whom it runs, as GitHub and GitLab name him.
    let person = text(claims, "actor").or_else(|| text(claims, "user_login"));
    let name = person.map_or_else(|| subject.to_owned(), |person| format!("{person} by {subject}"));
    let token = Token {
        name: crate::diagnostic::clean(&name),
        hash: String::new(),
        role: pipeline.role.to_string(),
        rights: pipeline.rights.iter().map(ToString::to_string).collect(),
        categories: pipeline.categories.clone(),
        integrations: pipeline.integrations.clone(),
        expires_at: None,
        made_at: String::new(),
        made_by: String::new(),
        revoked_at: None,
        revoked_by: None,
    };
    Access::of(&token, now).map_err(|why| Refused::Rule(why.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As a forge signs with an RSA key, which was thrown away.
    const MODULUS: &str = "2GuJK5-Dd3a7YJN8YRnhHNf7rsWl8jbkE6dG35upNBjt8s3O5Fm9mLSAOz5QVzoxPOz1PzZ2kQQ4tZda6Ueo4YhSLJ-yg1kc8F-H21ZImRVFpaM4iQ8Ant-GTiEkOGbmJDOVhuFYUUii0CuHd_MGjVdri-PZfKbjLMjpQPxZzbhDgnh6o4gvELcWqdJUElpU7C8hHU0DttWOtozy5ktjg942GNzZePl6-4RTH-ibfNHuV8Fm4Kg53GJ2146szyLLbJ2UQUKpIzouHXIVIiNfNXxfg1RcPMKZ-lgLSOl7Alw7diWieSSBs7oo9whz7ZN98u96yQusiTA39mwp8yMNRw";
    const TOKEN: &str = "eyJhbGciOiJSUzI1NiIsImtpZCI6Im9uZSIsInR5cCI6IkpXVCJ9.eyJpc3MiOiJodHRwczovL2lzc3Vlci5leGFtcGxlIiwiYXVkIjoiaHR0cHM6Ly9wYWlyZm9ybS5leGFtcGxlIiwic3ViIjoicmVwbzpub3JkaWMvaW50ZWdyYXRpb25zOnJlZjpyZWZzL2hlYWRzL21haW4iLCJhY3RvciI6ImthcmluIiwiaWF0IjoxNzk2MDAwMDAwLCJuYmYiOjE3OTYwMDAwMDAsImV4cCI6MTc5NjAwMDMwMH0.q_AghIAGGvcbaZeIoFqbvxeIIIsxw14WexXHRk0RyKZEi3yUDRAlM_EiSrg_MBT1G9TCWBjRAqCmsWN8xtktLlef0t3tGZHFJDiulPlEoE0ka0I4DgA227t-3pY_3z7vlwfCZMufSjKR9njJ_9V70PtUDGT5x1s7lnrVLyoI2x7Kc3YT3-Oo5nTO2T-N4_Fk-nqKyEFFCAy4CvdkONioEV2XOYdmQabsniVPz0lPGIpV-E8xLxr4Zau1W52AXUwZXkY3x9h-ozDpeMOMFexRjF16KlKq3Xxxrf-SPa-zcnMGUsejQtWK0wlL6maKa38HkfB53lvzEKdtjMdkFrXFEg";

    #[test]
    fn a_signature_of_rsa_is_checked() {
        drop(Pipelines::new(Vec::new()));
        let key = DecodingKey::from_rsa_components(MODULUS, "AQAB").unwrap();
        let mut wanted = Validation::new(Algorithm::RS256);
        (wanted.validate_exp, wanted.validate_aud) = (false, false);
        let claims = jsonwebtoken::decode::<Map<String, Json>>(TOKEN, &key, &wanted).unwrap().claims;
        assert_eq!(text(&claims, "actor"), Some("karin"));
        assert!(require_in_force(&claims, Timestamp::from_second(1_796_000_100).unwrap()).is_ok());
        assert!(require_in_force(&claims, Timestamp::from_second(1_796_000_400).unwrap()).is_err());
        let (text, signature) = TOKEN.rsplit_once('.').unwrap();
        let other = format!("{text}.A{}", &signature[1..]);
        assert!(jsonwebtoken::decode::<Map<String, Json>>(other, &key, &wanted).is_err());
        let short = DecodingKey::from_rsa_components(&MODULUS[..120], "AQAB").unwrap();
        assert!(jsonwebtoken::decode::<Map<String, Json>>(TOKEN, &short, &wanted).is_err());
    }
}
