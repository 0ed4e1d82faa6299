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
    /// When a page of another origin sent it, or nothing says who did.
    pub fn of(app: &App, from: IpAddr, headers: &HeaderMap) -> Result<Self, Problem> {
        refuse_foreign_origin(headers)?;
        let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
        let token = text(header::AUTHORIZATION.as_str())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().to_owned());
        let proxy = app.serving.proxy.as_ref().filter(|proxy| proxy.network.contains(from));
        let user = match proxy {
            Some(proxy) => one_text(headers, &proxy.user_header).map_err(Problem::unauthorized)?,
            None => None,
        };
        // Known before anything of a stranger's is read.
        if token.is_none() && user.is_none() {
            return Err(no_token());
        }
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
        let Some(secret) = &self.token else {
            return Err(no_token());
        };
        let mut why = "the token is not known here".to_owned();
        if app.pipelines.may_be_of_one(secret) {
            match app.pipelines.access(secret, now) {
                Ok(access) => return Ok(access),
                Err(refused) => why = refused.to_string(),
            }
        }
        let Some(token) = work.store.token(&hash_token(secret))? else {
            // A right token is taken wherever it comes from: others may share the address.
            app.attempts.count(self.from);
            if app.attempts.are_too_many(self.from) {
                let why = "too many wrong tokens came from this address; wait a minute";
                return Err(Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many-attempts", why)
                    .header(header::RETRY_AFTER, "60"));
            }
            return Err(Problem::unauthorized(why));
        };
        Access::of(&token, now).map_err(|why| Problem::unauthorized(why.to_string()))
    }
}

fn no_token() -> Problem {
    Problem::unauthorized("send a token: `Authorization: Bearer TOKEN`")
}

/// A header that is sent at most once, and is text.
///
/// # Errors
/// Why it is not.
pub fn one_text(headers: &HeaderMap, name: &str) -> Result<Option<String>, String> {
    let mut all = headers.get_all(name).iter();
    let Some(value) = all.next() else { return Ok(None) };
    if all.next().is_some() {
        return Err(format!("`{name}` was sent more than once"));
    }
    let text = std::str::from_utf8(value.as_bytes()).map_err(|_| format!("`{name}` is not UTF-8"))?;
    Ok(Some(text.trim().to_owned()))
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
    // A proxy may give the server another name than the page knows; the browser knows better.
    match text("sec-fetch-site") {
        Some("same-origin" | "none") => return Ok(()),
        Some(_) => return Err(Problem::forbidden("a page of another origin sent this")),
        None => {}
    }
    let Some(origin) = text("origin") else { return Ok(()) };
    let host = text("host").unwrap_or_default();
    let is_own = origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
    if is_own { Ok(()) } else { Err(Problem::forbidden("a page of another origin sent this")) }
}
