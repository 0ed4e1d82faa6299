//! Who asks: by a token, or by the word of a proxy that is trusted. What he may do is `ops::section::Access`'s to say.

use std::net::IpAddr;

use axum::http::{HeaderMap, StatusCode, header};

use super::app::{App, Work};
use super::problem::Problem;
use crate::ops::section::{Access, hash_token};
use crate::store::Token;

/// What a request says of who sends it.
#[derive(Debug, Clone)]
pub struct Sender {
    pub from: IpAddr,
    token: Option<String>,
    user: Option<String>,
}

impl Sender {
    /// # Errors
    /// When a page of another origin sent it.
    pub fn of(app: &App, from: IpAddr, headers: &HeaderMap) -> Result<Self, Problem> {
        refuse_foreign_origin(headers)?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let token = text(header::AUTHORIZATION.as_str())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().to_owned());
        let proxy = app.serving.proxy.as_ref().filter(|proxy| proxy.network.contains(from));
        let user = proxy.and_then(|proxy| text(&proxy.user_header)).map(str::to_owned);
        Ok(Sender { from, token, user })
    }

    /// Who it is.
    ///
    /// # Errors
    /// When nobody is known by what was sent.
    pub fn access(&self, app: &App, work: &mut Work<'_>) -> Result<Access, Problem> {
        let now = (work.host.now)();
        if let Some(user) = self.user.as_ref().filter(|user| !user.trim().is_empty()) {
            let known = work.store.tokens()?.into_iter().find(|token| token.name == *user);
            let token = known.unwrap_or_else(|| reader(user));
            return Access::of(&token, now).map_err(|why| Problem::unauthorized(why.to_string()));
        }
        if app.attempts.are_too_many(self.from) {
            let why = "too many wrong tokens came from this address; wait a minute";
            return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", why)
                .header(header::RETRY_AFTER, "60"));
        }
        let Some(secret) = &self.token else {
            return Err(Problem::unauthorized("send a token: `Authorization: Bearer TOKEN`"));
        };
        let Some(token) = work.store.token(&hash_token(secret))? else {
            app.attempts.count(self.from);
            return Err(Problem::unauthorized("the token is not known here"));
        };
        Access::of(&token, now).map_err(|why| Problem::unauthorized(why.to_string()))
    }
}

/// Somebody whom the proxy knows and nobody here: he reads.
fn reader(name: &str) -> Token {
    Token {
        name: name.to_owned(),
        hash: String::new(),
        role: "viewer".to_owned(),
        rights: Vec::new(),
        categories: Vec::new(),
        integrations: Vec::new(),
        expires_at: None,
        made_at: String::new(),
        made_by: String::new(),
        revoked_at: None,
        revoked_by: None,
    }
}

/// A browser says which page sends a request; one of another origin sends none here.
fn refuse_foreign_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if text("sec-fetch-site").is_some_and(|site| matches!(site, "cross-site" | "same-site")) {
        return Err(Problem::forbidden("a page of another origin sent this"));
    }
    let Some(origin) = text("origin") else { return Ok(()) };
    let host = text("host").unwrap_or_default();
    let is_own = origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
    if is_own { Ok(()) } else { Err(Problem::forbidden("a page of another origin sent this")) }
}
