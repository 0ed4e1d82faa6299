//! A request, read: who sends it, its path, its query, its body, and which revision it saw. Whatever does not fit is a problem.

use std::collections::{HashMap, HashSet};
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::{FromRequest, FromRequestParts, MatchedPath, Path, RawPathParams, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::de::{DeserializeOwned, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use tokio_stream::StreamExt as _;

use super::app::{App, Work};
use super::auth::{Sender, one_text};
use super::log::Asker;
use super::openapi::queries;
use super::problem::Problem;
use crate::diagnostic::clean;
use crate::diagnostic::text::outward_json;
use crate::model::digest_text;
use crate::ops::section::{Access, Expected};
use crate::store::{HOLD, Soon};

/// The address of the other end.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub IpAddr);

/// No body is longer, in bytes.
pub const LONGEST: usize = 1024 * 1024;
/// A body is waited for so long.
const SLOWEST: Duration = Duration::from_secs(20);

/// A request, but for its path and body.
pub struct Ask {
    pub app: Arc<App>,
    pub headers: HeaderMap,
    pub query: HashMap<String, String>,
    pub sender: Sender,
    /// The integration that it is about.
    about: Option<String>,
    is_save: bool,
}

impl FromRequestParts<Arc<App>> for Ask {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let from = parts.extensions.get::<Peer>().map_or(IpAddr::from([127, 0, 0, 1]), |Peer(from)| *from);
        let sender = Sender::of(app, from, &parts.headers)?;
        let route = parts.extensions.get::<MatchedPath>();
        let known = route.map_or(&[][..], |route| queries(&parts.method, route.as_str()));
        let mut query: HashMap<String, String> = HashMap::new();
        let said = parts.uri.query().unwrap_or_default();
        for (name, value) in url::form_urlencoded::parse(said.as_bytes()).into_owned() {
            if !known.contains(&name) {
                let why = match known {
                    [] => format!("nothing is asked for here by `?{}`", clean(&name)),
                    known => format!("`?{}` is not known here; there are {}", clean(&name), known.join(", ")),
                };
                return Err(Problem::bad_request(why));
            }
            if query.insert(name.clone(), value).is_some() {
                return Err(Problem::bad_request(format!("`?{name}` is there twice")));
            }
        }
        let named = RawPathParams::from_request_parts(parts, app).await.ok();
        let about = named.and_then(|named| Some(named.iter().find(|(name, _)| *name == "id")?.1.to_owned()));
        let is_save = matches!(parts.method, Method::PUT | Method::PATCH);
        Ok(Ask { app: Arc::clone(app), headers: parts.headers.clone(), query, sender, about, is_save })
    }
}

/// The names in a path.
pub struct Named<T>(pub T);

impl<T: DeserializeOwned + Send> FromRequestParts<Arc<App>> for Named<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Problem> {
        let named = Path::<T>::from_request_parts(parts, app).await;
        named.map(|Path(named)| Named(named)).map_err(|_| Problem::bad_request("the path cannot be read"))
    }
}

/// A body of JSON.
pub struct Document(pub Json);

impl FromRequest<Arc<App>> for Document {
    type Rejection = Problem;

    async fn from_request(request: Request, _: &Arc<App>) -> Result<Self, Problem> {
        let kind = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|kind| kind.to_str().ok())
            .unwrap_or_default();
        let kind = kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        if !matches!(kind.as_str(), "application/json" | "application/merge-patch+json") {
            let why = "send JSON, as `Content-Type: application/json` (or `application/merge-patch+json` in a PATCH)";
            return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported-media-type", why));
        }
        let bytes = tokio::time::timeout(SLOWEST, received(request.into_body())).await;
        let bytes = bytes.map_err(|_| {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "too-slow", "the body did not come in time")
        })??;
        let wrong = |error: serde_json::Error| Problem::bad_request(format!("the body is not JSON: {error}"));
        let document: Json = serde_json::from_slice(&bytes).map_err(wrong)?;
        serde_json::from_slice::<EachKeyOnce>(&bytes)
            .map_err(|error| Problem::bad_request(format!("the body is ambiguous: {error}")))?;
        if !document.is_object() {
            return Err(Problem::bad_request("the body must be a JSON object"));
        }
        Ok(Document(document))
    }
}

/// A body that is not too long.
async fn received(body: Body) -> Result<Vec<u8>, Problem> {
    let mut stream = body.into_data_stream();
    let mut bytes: Vec<u8> = Vec::new();
    while let Some(chunk) = stream.next().await {
        let chunk = chunk.map_err(|_| Problem::bad_request("the body broke off"))?;
        if bytes.len() + chunk.len() > LONGEST {
            let why = format!("the body is longer than {LONGEST} bytes");
            return Err(Problem::new(StatusCode::PAYLOAD_TOO_LARGE, "too-large", why));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes)
}

/// JSON in which no object has a key twice: which of the two is meant nobody knows.
struct EachKeyOnce;

impl<'de> Deserialize<'de> for EachKeyOnce {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        from.deserialize_any(Keys)
    }
}

struct Keys;

impl<'de> Visitor<'de> for Keys {
    type Value = EachKeyOnce;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<EachKeyOnce, A::Error> {
        let mut known: HashSet<String> = HashSet::new();
        while let Some(key) = map.next_key::<String>()? {
            if known.contains(&key) {
                return Err(serde::de::Error::custom(format_args!("`{}` is there twice", clean(&key))));
            }
            known.insert(key);
            map.next_value::<EachKeyOnce>()?;
        }
        Ok(EachKeyOnce)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut all: A) -> Result<EachKeyOnce, A::Error> {
        while all.next_element::<EachKeyOnce>()?.is_some() {}
        Ok(EachKeyOnce)
    }

    fn visit_bool<E>(self, _: bool) -> Result<EachKeyOnce, E> {
        Ok(EachKeyOnce)
    }

    fn visit_i64<E>(self, _: i64) -> Result<EachKeyOnce, E> {
        Ok(EachKeyOnce)
    }

    fn visit_u64<E>(self, _: u64) -> Result<EachKeyOnce, E> {
        Ok(EachKeyOnce)
    }

    fn visit_f64<E>(self, _: f64) -> Result<EachKeyOnce, E> {
        Ok(EachKeyOnce)
    }

    fn visit_str<E>(self, _: &str) -> Result<EachKeyOnce, E> {
        Ok(EachKeyOnce)
    }

    fn visit_unit<E>(self) -> Result<EachKeyOnce, E> {
        Ok(EachKeyOnce)
    }
}

/// Proves that a body has no keys but these.
///
/// # Errors
/// When it has another one, which would count for nothing.
pub fn only(body: &Json, known: &[&str]) -> Result<(), Problem> {
    let mut keys = body.as_object().into_iter().flat_map(|body| body.keys());
    match keys.find(|key| !known.contains(&key.as_str())) {
        None => Ok(()),
        Some(key) => Err(Problem::bad_request(format!(
            "`{}` is not known here; there are {}",
            clean(key),
            known.join(", ")
        ))),
    }
}

/// A text in a body; none where it is not there.
///
/// # Errors
/// When it is something else.
pub fn text<'b>(body: &'b Json, key: &str) -> Result<Option<&'b str>, Problem> {
    match body.get(key) {
        None => Ok(None),
        Some(Json::String(text)) => Ok(Some(text)),
        Some(_) => Err(Problem::bad_request(format!("`{key}` must be a text"))),
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        Problem::into_response(self)
    }
}

impl Ask {
    /// What nearly every request of its kind reads of the store: who asks, what is known of the integration, and what judges a save.
    fn soon(&self) -> Vec<Soon> {
        let mut soon: Vec<Soon> = self.sender.kept_token(&self.app).map(Soon::Token).into_iter().collect();
        let Some(id) = &self.about else { return soon };
        soon.extend([Soon::Epoch, Soon::Integration(id.clone()), Soon::Deployed(id.clone())]);
        if self.app.serving.project.is_none() {
            soon.push(Soon::Said(id.clone()));
        }
        if self.is_save {
            soon.extend([Soon::Rules, Soon::Notes(HOLD.to_owned())]);
        }
        soon
    }

    /// Answers as somebody who is known.
    pub async fn answer(
        self,
        work: impl FnOnce(&mut Work<'_>, &Access, &Query) -> Result<Answer, Problem> + Send + 'static,
    ) -> Response {
        self.respond(move |found, access, query| Ok(work(found, access, query)?.into_response())).await
    }

    /// As [`Ask::answer`], with a response that is made already.
    pub async fn respond(
        self,
        work: impl FnOnce(&mut Work<'_>, &Access, &Query) -> Result<Response, Problem> + Send + 'static,
    ) -> Response {
        let soon = self.soon();
        let Ask { app, headers, query, sender, .. } = self;
        let asked = Query { headers, query };
        let of_app = Arc::clone(&app);
        let done = app
            .run(move |found| {
                found.store.foresee(&soon);
                let access = sender.access(&of_app, found)?;
                let answer = work(found, &access, &asked);
                Ok((access.name, answer))
            })
            .await;
        let (name, answer) = match done {
            Ok(done) => done,
            Err(problem) => return problem.into_response(),
        };
        let mut response = answer.unwrap_or_else(IntoResponse::into_response);
        response.extensions_mut().insert(Asker(name));
        response
    }
}

/// What is asked besides the path and the body.
pub struct Query {
    headers: HeaderMap,
    query: HashMap<String, String>,
}

impl Query {
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.query.get(name).map(String::as_str)
    }

    /// A header; none where it is not sent.
    ///
    /// # Errors
    /// When it is sent twice, or is no text.
    pub fn header(&self, name: &str) -> Result<Option<String>, Problem> {
        one_text(&self.headers, name).map_err(Problem::bad_request)
    }

    /// A number, where it is given.
    ///
    /// # Errors
    /// When it is none, or not in this range.
    pub fn number(
        &self,
        name: &str,
        usual: u64,
        range: std::ops::RangeInclusive<u64>,
    ) -> Result<u64, Problem> {
        let Some(text) = self.text(name) else { return Ok(usual) };
        let number = text.parse().ok().filter(|number| range.contains(number));
        number.ok_or_else(|| {
            Problem::bad_request(format!(
                "`{name}` must be a number from {} to {}",
                range.start(),
                range.end()
            ))
        })
    }

    /// Whether something is asked for by `true`.
    ///
    /// # Errors
    /// When it is neither `true` nor `false`.
    pub fn flag(&self, name: &str) -> Result<bool, Problem> {
        match self.text(name) {
            None | Some("false") => Ok(false),
            Some("true") => Ok(true),
            Some(_) => Err(Problem::bad_request(format!("`{name}` must be true or false"))),
        }
    }

    /// Whether an answer with this ETag is known already.
    ///
    /// # Errors
    /// When what is said of it is no text.
    pub fn knows(&self, etag: &str) -> Result<bool, Problem> {
        knows(&self.headers, etag)
    }

    /// Which revision was seen. Whoever only asks what a save would do need not say.
    ///
    /// # Errors
    /// When none was named, or it cannot be one.
    pub fn expected(&self, epoch: u64, is_trial: bool) -> Result<Expected, Problem> {
        let (seen, unseen) = (self.header("if-match")?, self.header("if-none-match")?);
        match (seen.as_deref(), unseen.as_deref()) {
            (None, None) if is_trial => Ok(Expected::Anything),
            (None, None) => {
                let why = "send `If-Match` with the ETag that you saw, or `If-None-Match: *` to save a category for the first time";
                Err(Problem::new(StatusCode::PRECONDITION_REQUIRED, "precondition-required", why))
            }
            (None, Some("*")) => Ok(Expected::Nothing),
            (Some(etag), None) => match revision_of(etag) {
                // Of the store before something was copied into it: no revision of now.
                Some((of, _)) if of != epoch => Ok(Expected::Revision(u64::MAX)),
                Some((_, 0)) => Ok(Expected::Nothing),
                Some((_, revision)) => Ok(Expected::Revision(revision)),
                None => {
                    Err(Problem::bad_request("`If-Match` takes the one ETag that you saw, as it was sent"))
                }
            },
            _ => Err(Problem::bad_request("send either `If-Match` with one ETag, or `If-None-Match: *`")),
        }
    }
}

/// Whether headers say that an answer with this ETag is known already.
///
/// # Errors
/// When what is said of it is no text.
pub fn knows(headers: &HeaderMap, etag: &str) -> Result<bool, Problem> {
    let known = one_text(headers, "if-none-match").map_err(Problem::bad_request)?.unwrap_or_default();
    let mut known = known.split(',').map(|one| one.trim().trim_start_matches("W/"));
    Ok(known.any(|one| one == etag || one == "*"))
}

/// The ETag of a category: its revision, and a mark of all that is shown of it, as git's side moves without a save. After a copy into
/// the store, the same revision may be something else, so that another epoch is told too.
#[must_use]
pub fn etag_of(revision: u64, epoch: u64, shown: Option<&Json>) -> String {
    const DIGITS: usize = 12;
    let epoch = if epoch == 1 { String::new() } else { format!("{epoch}.") };
    let mark = shown.map(|shown| digest_text(&shown.to_string()));
    let mark = mark.as_deref().and_then(|mark| mark.strip_prefix("sha256:")?.get(..DIGITS));
    format!("\"{epoch}{revision}{}\"", mark.map(|mark| format!("-{mark}")).unwrap_or_default())
}

/// Epoch and revision of an ETag. Of what a save saw nothing else counts: whose a setting is, is judged when it is saved.
fn revision_of(etag: &str) -> Option<(u64, u64)> {
    let inner = etag.strip_prefix('"')?.strip_suffix('"')?;
    let (inner, mark) = inner.split_once('-').unwrap_or((inner, "0"));
    (!mark.is_empty() && mark.bytes().all(|byte| byte.is_ascii_hexdigit())).then_some(())?;
    let (epoch, revision) = inner.split_once('.').unwrap_or(("1", inner));
    let is_number = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    (is_number(epoch) && is_number(revision)).then_some(())?;
    Some((epoch.parse().ok()?, revision.parse().ok()?))
}

/// What is answered.
pub struct Answer {
    status: StatusCode,
    body: Option<Json>,
    etag: Option<String>,
    location: Option<String>,
}

impl Answer {
    #[must_use]
    pub fn ok(body: Json) -> Self {
        Answer { status: StatusCode::OK, body: Some(body), etag: None, location: None }
    }

    #[must_use]
    pub fn created(body: Json) -> Self {
        Answer { status: StatusCode::CREATED, ..Answer::ok(body) }
    }

    /// It was begun, and somebody has to ask how far it is.
    #[must_use]
    pub fn accepted(body: Json) -> Self {
        Answer { status: StatusCode::ACCEPTED, ..Answer::ok(body) }
    }

    #[must_use]
    pub fn nothing() -> Self {
        Answer { status: StatusCode::NO_CONTENT, body: None, etag: None, location: None }
    }

    #[must_use]
    pub fn not_modified(etag: &str) -> Self {
        Answer { status: StatusCode::NOT_MODIFIED, body: None, etag: Some(etag.to_owned()), location: None }
    }

    #[must_use]
    pub fn etag(self, etag: impl Into<String>) -> Self {
        Answer { etag: Some(etag.into()), ..self }
    }

    #[must_use]
    pub fn location(self, location: String) -> Self {
        Answer { location: Some(location), ..self }
    }
}

impl IntoResponse for Answer {
    fn into_response(self) -> Response {
        let mut response = match self.body {
            Some(body) => {
                let mut response = Response::new(Body::from(outward_json(format!("{body}\n"))));
                let json = header::HeaderValue::from_static("application/json");
                response.headers_mut().insert(header::CONTENT_TYPE, json);
                response
            }
            None => Response::new(Body::empty()),
        };
        *response.status_mut() = self.status;
        for (name, value) in [(header::ETAG, self.etag), (header::LOCATION, self.location)] {
            if let Some(value) = value.and_then(|value| value.parse().ok()) {
                response.headers_mut().insert(name, value);
            }
        }
        response
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_etag_is_of_one_revision_of_one_epoch() {
        for (revision, epoch) in [(0, 1), (1, 1), (42, 1), (1, 2), (u64::MAX, 7)] {
            assert_eq!(revision_of(&etag_of(revision, epoch, None)), Some((epoch, revision)));
            let shown = serde_json::json!({"states": [revision]});
            let of_shown = etag_of(revision, epoch, Some(&shown));
            assert_eq!(revision_of(&of_shown), Some((epoch, revision)));
            let other = serde_json::json!({"states": ["moved"]});
            assert!(of_shown != etag_of(revision, epoch, Some(&other)), "{of_shown}");
        }
        for wrong in [
            "1",
            "\"\"",
            "\"1-\"",
            "\"1-x\"",
            "\"1-a-b\"",
            "\"x\"",
            "\"1",
            "\"1.x\"",
            "W/\"1\"",
            "\"-1\"",
            "\"+1\"",
            "*",
            "\"1\", \"2\"",
        ] {
            assert_eq!(revision_of(wrong), None, "{wrong}");
        }
    }
}
