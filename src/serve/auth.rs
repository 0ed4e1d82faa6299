//! Who asks: by a token, by the word of a proxy that is trusted, or, of the pages, by a session. What he may do is
//! `ops::section::Access`'s to say.

use std::net::IpAddr;
use std::path::Path;

use axum::http::{HeaderMap, Method, StatusCode, header};

use super::app::{App, Work};
use super::problem::Problem;
use crate::model::{digest_text, value};
use crate::ops::section::{Access, hash_token};
use crate::store::Token;

/// What a request says of who sends it.
#[derive(Debug, Clone)]
pub struct Sender {
    pub from: IpAddr,
    how: How,
}

#[derive(Debug, Clone)]
enum How {
    Token(String),
    /// A proxy says so.
    User(String),
    /// The cookie of a session.
    Session(String),
}

impl Sender {
    /// Of a call of the API: a browser sends cookies by itself, so that none is looked at.
    ///
    /// # Errors
    /// When a page of another origin sent it, or nothing says who did.
    pub fn of(app: &App, from: IpAddr, headers: &HeaderMap) -> Result<Self, Problem> {
        require_own_origin(headers)?;
        // Known before anything of a stranger's is read.
        Sender::known(app, from, headers)?.ok_or_else(no_token)
    }

    /// Of a page; none where nothing says who sends it. A link may lead here from anywhere, a form only from our pages.
    ///
    /// # Errors
    /// When a page of another origin sent a form, or what says who sends it cannot be read.
    pub fn of_page(
        app: &App,
        from: IpAddr,
        method: &Method,
        headers: &HeaderMap,
    ) -> Result<Option<Self>, Problem> {
        if !matches!(*method, Method::GET | Method::HEAD) {
            require_own_origin(headers)?;
        }
        if let Some(known) = Sender::known(app, from, headers)? {
            return Ok(Some(known));
        }
        let cookie = cookie_of(headers, &cookie_name(app, from));
        Ok(cookie.map(|cookie| Sender { from, how: How::Session(cookie) }))
    }

    fn known(app: &App, from: IpAddr, headers: &HeaderMap) -> Result<Option<Self>, Problem> {
        if let Some(proxy) = app.serving.proxy.as_ref().filter(|proxy| proxy.network.contains(from)) {
            let user = one_text(headers, &proxy.user_header).map_err(Problem::unauthorized)?;
            if let Some(user) = user.filter(|user| !user.trim().is_empty()) {
                return Ok(Some(Sender { from, how: How::User(user) }));
            }
        }
        let token = headers
            .get(header::AUTHORIZATION)
            .and_then(|value| value.to_str().ok())
            .and_then(|value| value.split_once(' '))
            .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
            .map(|(_, token)| token.trim().to_owned());
        Ok(token.map(|token| Sender { from, how: How::Token(token) }))
    }

    /// The hash of a token that the store keeps, by which somebody says who he is.
    #[must_use]
    pub fn kept_token(&self, app: &App) -> Option<String> {
        match &self.how {
            How::Token(secret) if !app.pipelines.may_be_of_one(secret) => Some(hash_token(secret)),
            _ => None,
        }
    }

    /// Somebody who pastes a token to sign in.
    #[must_use]
    pub fn with_token(from: IpAddr, token: &str) -> Self {
        Sender { from, how: How::Token(token.trim().to_owned()) }
    }

    /// Somebody who just signed in.
    #[must_use]
    pub fn with_session(from: IpAddr, cookie: &str) -> Self {
        Sender { from, how: How::Session(cookie.to_owned()) }
    }

    /// Who it is.
    ///
    /// # Errors
    /// When nobody is known by what was sent.
    pub fn access(&self, app: &App, work: &mut Work<'_>) -> Result<Access, Problem> {
        let now = (work.host.now)();
        let in_force =
            |token: &Token| Access::of(token, now).map_err(|why| Problem::unauthorized(why.to_string()));
        match &self.how {
            How::User(user) => {
                let known = work.store.tokens()?.into_iter().find(|token| token.name == *user);
                in_force(&known.unwrap_or_else(|| reader(user)))
            }
            How::Session(cookie) => {
                let over = || Problem::unauthorized("you are not signed in any more");
                let session = app.sessions.find(cookie, now, work.store)?.ok_or_else(over)?;
                match &session.token {
                    Some(hash) => in_force(&work.store.token(hash)?.ok_or_else(over)?),
                    None if app.is_local() => Ok(Access::of_operator(&session.by)),
                    None => Err(over()),
                }
            }
            How::Token(secret) => {
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
                in_force(&token)
            }
        }
    }

    /// What each form of a page has to bring back, and no other site can know.
    fn form_token(&self, work: &Work<'_>) -> String {
        match &self.how {
            How::Token(secret) | How::Session(secret) => digest_text(&format!("form {secret}")),
            How::User(user) => {
                value::fingerprint(work.store.fingerprint_key(), format!("form {user}").as_bytes())
            }
        }
    }

    /// The same with a mark of whose form it is, which outlasts the session: what somebody typed is for him alone, whoever signs in next.
    #[must_use]
    pub fn form_mark(&self, name: &str, work: &Work<'_>) -> String {
        format!("{}.{}", self.form_token(work), mark_of(name, work))
    }

    /// Whether a form was made for this sign-in. By hashes, so that nobody learns it from how long that takes.
    #[must_use]
    pub fn knows(&self, form: &str, work: &Work<'_>) -> bool {
        let sent = form.split_once('.').map_or(form, |(token, _)| token);
        digest_text(sent) == digest_text(&self.form_token(work))
    }

    /// The cookie, where a session says who it is.
    #[must_use]
    pub fn cookie(&self) -> Option<&str> {
        match &self.how {
            How::Session(cookie) => Some(cookie),
            _ => None,
        }
    }
}

/// Whose a form is, as nobody but this server can say it.
#[must_use]
pub fn mark_of(name: &str, work: &Work<'_>) -> String {
    value::fingerprint(work.store.fingerprint_key(), format!("typed by {name}").as_bytes())
}

impl App {
    /// Whether whoever reaches it sits at the machine that it runs on.
    #[must_use]
    pub fn is_local(&self) -> bool {
        self.serving.listen.ip().is_loopback() && self.serving.proxy.is_none()
    }

    /// Who runs the server.
    #[must_use]
    pub fn operator(&self, work: &Work<'_>) -> String {
        (work.host.actor)(self.serving.project.as_deref().unwrap_or(Path::new(".")))
    }
}

/// Whether a browser that asks from there is reached by TLS: by ours, or by that of the proxy in front.
#[must_use]
pub fn is_private(app: &App, from: IpAddr) -> bool {
    let is_proxy = app.serving.proxy.as_ref().is_some_and(|proxy| proxy.network.contains(from));
    app.serving.tls.is_some() || is_proxy
}

/// By its beginning a browser takes it from this very host and by TLS alone. On one machine several servers may listen, and
/// cookies know no ports.
#[must_use]
pub fn cookie_name(app: &App, from: IpAddr) -> String {
    match is_private(app, from) {
        true => "__Host-pairform".to_owned(),
        false => format!("pairform-{}", app.serving.listen.port()),
    }
}

/// One cookie.
#[must_use]
pub fn cookie_of(headers: &HeaderMap, name: &str) -> Option<String> {
    let all = headers.get_all(header::COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut all = all.flat_map(|value| value.split(';')).filter_map(|one| one.trim().split_once('='));
    all.find(|(found, _)| *found == name).map(|(_, value)| value.to_owned())
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
///
/// # Errors
/// When it was sent by one.
fn require_own_origin(headers: &HeaderMap) -> Result<(), Problem> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let foreign = || Problem::forbidden("a page of another origin sent this");
    // A proxy may give the server another name than the page knows; the browser knows better.
    match text("sec-fetch-site") {
        Some("same-origin" | "none") => return Ok(()),
        Some(_) => return Err(foreign()),
        None => {}
    }
    let Some(origin) = text("origin") else { return Ok(()) };
    let host = text("host").unwrap_or_default();
    let is_own = origin.split_once("://").is_some_and(|(_, authority)| authority.eq_ignore_ascii_case(host));
    if is_own { Ok(()) } else { Err(foreign()) }
}
