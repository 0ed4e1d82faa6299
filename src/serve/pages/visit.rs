//! A visit: who looks at which page in which language, what a form brings, and what is answered. Whoever is not signed in is
//! asked to be, and what he typed goes along.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, to_bytes};
use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value as Json, json};

use super::templates;
use crate::ops::section::Access;
use crate::report::texts::Language;
use crate::serve::app::{App, Work};
use crate::serve::ask::{LONGEST, Peer};
use crate::serve::auth::{Sender, cookie_of};
use crate::serve::log::Asker;
use crate::serve::problem::Problem;

/// A form is waited for so long.
const SLOWEST: Duration = Duration::from_secs(20);

/// The cookie with the language that somebody chose.
pub const LANGUAGE: &str = "pairform-language";

/// Somebody at a page.
pub struct Visit {
    pub app: Arc<App>,
    pub from: IpAddr,
    /// The path with its query: where he comes back to.
    pub at: String,
    pub path: String,
    pub query: HashMap<String, String>,
    pub language: &'static Language,
    /// None: he is not signed in. An error: what he sent says too little, or comes from elsewhere.
    sender: Result<Option<Sender>, Problem>,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Self::Rejection> {
        let from = parts.extensions.get::<Peer>().map_or(IpAddr::from([127, 0, 0, 1]), |Peer(from)| *from);
        let query = url::form_urlencoded::parse(parts.uri.query().unwrap_or_default().as_bytes());
        let wanted = parts.headers.get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Ok(Visit {
            sender: Sender::of_page(app, from, &parts.method, &parts.headers),
            app: Arc::clone(app),
            from,
            at: parts.uri.path_and_query().map_or_else(String::new, ToString::to_string),
            path: parts.uri.path().to_owned(),
            query: query.into_owned().collect(),
            language: Language::chosen(cookie_of(&parts.headers, LANGUAGE).as_deref(), wanted),
        })
    }
}

/// What a form brings, in its order.
#[derive(Debug, Clone, Default)]
pub struct Sent(pub Vec<(String, String)>);

impl Sent {
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }

    /// Whether it is to be shown once more with all that was typed, and nothing done: whoever had to sign in meanwhile has not seen what
    /// he would set off.
    #[must_use]
    pub fn is_again(&self) -> bool {
        self.text("again").is_some()
    }

    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0.iter().filter(move |(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl FromRequest<Arc<App>> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let Ok(visit) = Visit::from_request_parts(&mut parts, app).await;
        let bytes = tokio::time::timeout(SLOWEST, to_bytes(body, LONGEST)).await;
        let bytes = match bytes {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(_)) => {
                let why = format!("the form is longer than {LONGEST} bytes, or broke off");
                return Err(visit.told(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", why)));
            }
            Err(_) => {
                let why = "the form did not come in time";
                return Err(visit.told(Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", why)));
            }
        };
        // Browsers end lines as mail does.
        let all = url::form_urlencoded::parse(&bytes).into_owned();
        Ok(Sent(all.map(|(name, value)| (name, value.replace("\r\n", "\n"))).collect()))
    }
}

/// What is answered.
pub enum Shown {
    Page {
        status: StatusCode,
        template: &'static str,
        context: Json,
    },
    /// Somewhere else, by a GET.
    Elsewhere(String),
    /// A file to keep, as CSV.
    File {
        name: String,
        text: String,
    },
}

impl Shown {
    #[must_use]
    pub fn page(template: &'static str, context: Json) -> Self {
        Shown::Page { status: StatusCode::OK, template, context }
    }

    #[must_use]
    pub fn status(self, status: StatusCode) -> Self {
        match self {
            Shown::Page { template, context, .. } => Shown::Page { status, template, context },
            other => other,
        }
    }
}

/// What the work of a page has at hand.
pub struct Hand<'a> {
    pub access: &'a Access,
    pub query: &'a HashMap<String, String>,
    pub language: &'static Language,
    pub app: &'a Arc<App>,
}

impl Visit {
    /// Shows a page.
    pub async fn show(
        self,
        work: impl FnOnce(&mut Work<'_>, &Hand<'_>) -> Result<Shown, Problem> + Send + 'static,
    ) -> Response {
        self.answer(None, work).await
    }

    /// Takes a form of a page. Where it is only to be shown again and nothing was typed in it, its page is.
    pub async fn take(
        self,
        sent: Sent,
        work: impl FnOnce(&mut Work<'_>, &Hand<'_>, &Sent) -> Result<Shown, Problem> + Send + 'static,
    ) -> Response {
        let at = self.path.clone();
        self.take_typed(sent, move |found, hand, sent| match sent.is_again() {
            true => Ok(Shown::Elsewhere(at)),
            false => work(found, hand, sent),
        })
        .await
    }

    /// Takes a form in which something is typed: it shows that again by itself, where [`Sent::is_again`].
    pub async fn take_typed(
        self,
        sent: Sent,
        work: impl FnOnce(&mut Work<'_>, &Hand<'_>, &Sent) -> Result<Shown, Problem> + Send + 'static,
    ) -> Response {
        let copy = sent.clone();
        self.answer(Some(sent), move |found, hand| work(found, hand, &copy)).await
    }

    async fn answer(
        self,
        sent: Option<Sent>,
        work: impl FnOnce(&mut Work<'_>, &Hand<'_>) -> Result<Shown, Problem> + Send + 'static,
    ) -> Response {
        let sender = match &self.sender {
            Ok(Some(sender)) => sender.clone(),
            Ok(None) => return self.sign_in(sent.as_ref()).await,
            Err(_) => {
                let language = self.language;
                return match self.sender {
                    // What was sent from elsewhere can be sent from the page itself.
                    Err(problem) => failed_at(&problem, Some(&self.path), language),
                    Ok(_) => failed(Problem::unauthorized("nothing says who you are"), language),
                };
            }
        };
        let (app, language) = (Arc::clone(&self.app), self.language);
        let (query, at) = (self.query.clone(), self.at.clone());
        let form_token = sent.as_ref().map(|sent| sent.text("form").unwrap_or_default().to_owned());
        let of_app = Arc::clone(&app);
        let done = app
            .run(move |found| {
                let access = sender.access(&of_app, found)?;
                let own = sender.form_mark(&access.name, found);
                if form_token.as_ref().is_some_and(|sent| !sender.knows(sent, found)) {
                    let why = "this form was made for another sign-in";
                    return Err(Problem::new(StatusCode::FORBIDDEN, "form-token", why));
                }
                if of_app.serving.is_read_only && form_token.is_some() {
                    let why = "this server only shows what is deployed";
                    return Err(Problem::new(StatusCode::FORBIDDEN, "read-only", why));
                }
                let hand = Hand { access: &access, query: &query, language, app: &of_app };
                let shown = work(found, &hand)?;
                let frame = json!({
                    "form_token": own, "who": access.name, "at": at, "signed_in": sender.cookie().is_some(),
                    "environment": of_app.serving.environment, "commit": commit(found),
                    "read_only": of_app.serving.is_read_only, "has_files": found.ground.repository().is_some(),
                });
                Ok((access.name, rendered(shown, frame, language)?))
            })
            .await;
        match done {
            Ok((name, mut response)) => {
                response.extensions_mut().insert(Asker(name));
                response
            }
            Err(problem) if matches!(problem.code(), "unauthorized" | "form-token") => {
                self.sign_in(sent.as_ref()).await
            }
            Err(problem) => failed(problem, language),
        }
    }

    /// Asks who he is. What he typed goes along.
    pub async fn sign_in(&self, sent: Option<&Sent>) -> Response {
        let app = Arc::clone(&self.app);
        let is_by_link = self.app.run(move |work| offer_link(&app, work)).await.unwrap_or(false);
        let carried = sent.map(|sent| {
            let kept = sent.0.iter().filter(|(name, _)| !matches!(name.as_str(), "form" | "again"));
            kept.map(|(name, value)| json!({"name": name, "value": value})).collect::<Vec<_>>()
        });
        // What a form was sent to is where it goes on.
        let then = if carried.is_some() { &self.path } else { &self.at };
        let whose = sent.and_then(|sent| sent.text("form")?.split_once('.')).map(|(_, whose)| whose);
        let context = json!({"then": then, "carried": carried, "whose": whose, "by_link": is_by_link});
        let status = if sent.is_some() { StatusCode::UNAUTHORIZED } else { StatusCode::OK };
        plain("sign_in.html", &context, status, self.language)
    }

    /// A page that says what went wrong.
    #[must_use]
    pub fn told(&self, problem: Problem) -> Response {
        failed(problem, self.language)
    }
}

/// Whether a link may sign in: on this machine alone, and as long as no token is in force.
///
/// # Errors
/// When the store cannot be read.
pub fn may_come_by_link(app: &App, work: &mut Work<'_>) -> Result<bool, Problem> {
    let now = (work.host.now)();
    Ok(app.is_local() && !work.store.tokens()?.iter().any(|token| Access::of(token, now).is_ok()))
}

/// Prints a link that opens the pages, where whoever comes has no other way in; whether that is so.
///
/// # Errors
/// When the store cannot be read.
pub fn offer_link(app: &App, work: &mut Work<'_>) -> Result<bool, Problem> {
    if !may_come_by_link(app, work)? {
        return Ok(false);
    }
    if let Some(secret) = app.sessions.offer()? {
        let scheme = if app.serving.tls.is_some() { "https" } else { "http" };
        let link = format!("{scheme}://{}/sign-in?once={secret}", app.serving.listen);
        (app.serving.tell)(&crate::ops::serving::Told::Link(&link));
    }
    Ok(true)
}

/// The commit that says what git owns, in short.
fn commit(work: &Work<'_>) -> Option<String> {
    let head = work.ground.repository()?.head()?;
    Some(head.get(..7).unwrap_or(&head).to_owned())
}

fn rendered(shown: Shown, frame: Json, language: &'static Language) -> Result<Response, Problem> {
    match shown {
        Shown::Page { status, template, mut context } => {
            context["frame"] = frame;
            Ok(html(templates::render(template, &context, language)?, status))
        }
        Shown::Elsewhere(to) => Ok(elsewhere(&to)),
        Shown::File { name, text } => {
            let mut response = Response::new(Body::from(text));
            let disposition = format!("attachment; filename=\"{name}\"");
            for (key, value) in [
                (header::CONTENT_TYPE, "text/csv; charset=utf-8"),
                (header::CONTENT_DISPOSITION, disposition.as_str()),
            ] {
                set(&mut response, key, value);
            }
            Ok(response)
        }
    }
}

/// A page outside of everything that needs to know who looks.
#[must_use]
pub fn plain(
    template: &'static str,
    context: &Json,
    status: StatusCode,
    language: &'static Language,
) -> Response {
    match templates::render(template, context, language) {
        Ok(text) => html(text, status),
        Err(problem) => problem.into_response(),
    }
}

/// A page that says what went wrong, in the frame of all others.
#[must_use]
pub fn failed(problem: Problem, language: &'static Language) -> Response {
    failed_at(&problem, None, language)
}

/// The same, with the page that it can be done on.
fn failed_at(problem: &Problem, page: Option<&str>, language: &'static Language) -> Response {
    let status = problem.status();
    let context = json!({"problem": {"status": status.as_u16(), "code": problem.code(), "detail": problem.detail(),
        "help": problem.more("help")}, "page": page});
    plain("failed.html", &context, status, language)
}

fn html(text: String, status: StatusCode) -> Response {
    let mut response = Response::new(Body::from(text));
    *response.status_mut() = status;
    set(&mut response, header::CONTENT_TYPE, "text/html; charset=utf-8");
    response
}

/// Leads somewhere else, by a GET. Only to places of ours: what begins with two slashes is another host.
#[must_use]
pub fn elsewhere(to: &str) -> Response {
    let mut response = StatusCode::SEE_OTHER.into_response();
    set(&mut response, header::LOCATION, own_place(to));
    response
}

/// The same with the form that was sent.
#[must_use]
pub fn onwards(to: &str) -> Response {
    let mut response = elsewhere(to);
    *response.status_mut() = StatusCode::TEMPORARY_REDIRECT;
    response
}

/// A place of ours, whatever somebody wrote into a form.
#[must_use]
pub fn own_place(to: &str) -> &str {
    let is_own = to.starts_with('/')
        && !to.starts_with("//")
        && !to.contains('\\')
        && to.bytes().all(|byte| byte.is_ascii_graphic());
    if is_own { to } else { "/integrations" }
}

pub fn set(response: &mut Response, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().append(name, value);
    }
}

/// Headers of a request, for what reads them itself.
pub struct Headers(pub HeaderMap);

impl FromRequestParts<Arc<App>> for Headers {
    type Rejection = std::convert::Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &Arc<App>) -> Result<Self, Self::Rejection> {
        Ok(Headers(parts.headers.clone()))
    }
}
